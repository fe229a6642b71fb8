"""The enumerations of `geo.models`, described for the API."""

from enum import Enum
from typing import TypeVar

import strawberry

from geo.models import (
    ActorKind,
    AreaKind,
    EvidenceKind,
    ReportStatus,
    Role,
    Urgency,
    Verdict,
    Visibility,
)
from geo.report_pages import ReportOrder


class Language(Enum):
    NL = "nl"
    EN = "en"


E = TypeVar("E", bound=type[Enum])


def _describe(kind: E, description: str, values: dict[str, str]) -> None:
    strawberry.enum(kind, description=description)
    for value in kind.__strawberry_definition__.values:  # type: ignore[attr-defined]
        value.description = values[value.name]


_describe(
    AreaKind,
    "The levels of areas, each inside the next.",
    {
        "MUNICIPALITY": "Gemeente; CBS code GM….",
        "BOROUGH": "Stadsdeel; CBS gives no code, ours begin with SD-.",
        "DISTRICT": "Wijk; CBS code WK….",
        "NEIGHBOURHOOD": "Buurt; CBS code BU….",
    },
)
_describe(
    ReportStatus,
    "How far a report has come. Which steps a caller may take stands in `allowedTransitions`.",
    {
        "REPORTED": "Received; nobody has taken it up yet.",
        "ROUTED": "Passed on to the service or company that has to act.",
        "SCHEDULED": "Planned.",
        "UNDER_WAY": "Somebody is working on it or on the way to it.",
        "ON_HOLD": "Waiting for something.",
        "RESOLVED": "Done.",
        "REJECTED": "Will not be taken up.",
    },
)
_describe(
    Urgency,
    "How soon somebody has to come.",
    {
        "NORMAL": "In its turn.",
        "URGENT": "Before others: it is dangerous or gets worse.",
        "EMERGENCY": "Now. Whoever sees it also phones 112.",
    },
)
_describe(
    Visibility,
    "Who may know of a report. To everybody else it does not exist.",
    {
        "PUBLIC": "Everybody.",
        "INVOLVED": "Those involved in it, and the authorities of its territory.",
        "AUTHORITIES": "Officers and police of its territory.",
        "POLICE": "Police of its territory.",
    },
)
_describe(
    Role,
    "What a caller is.",
    {
        "ANONYMOUS": "Without a token: reads public reports, and may submit where the municipality allows it.",
        "RESIDENT": "A resident.",
        "APP": "An app; acts for the resident it names in the header Bart-Resident.",
        "PARTNER": "A company that receives jobs.",
        "OFFICER": "A municipal official.",
        "POLICE": "A police officer.",
        "ADMIN": "Runs the service.",
    },
)
_describe(
    ActorKind,
    "Who did something, without telling which person.",
    {
        "RESIDENT": "Somebody from the neighbourhood, with or without a token.",
        "MUNICIPALITY": "The municipality.",
        "POLICE": "The police.",
        "PARTNER": "A partner company.",
        "SYSTEM": "BART itself.",
    },
)
_describe(EvidenceKind, "What a piece of evidence is.", {"REMARK": "A text.", "PHOTO": "A photo, maybe with a text."})
_describe(
    Verdict,
    "What somebody on the spot says of a report.",
    {"STILL_THERE": "The situation goes on.", "GONE": "There is nothing to be seen any more."},
)
_describe(
    ReportOrder,
    "The order of a list of reports.",
    {
        "SUBMITTED_NEWEST": "Newest report first.",
        "SUBMITTED_OLDEST": "Oldest report first.",
        "UPDATED_NEWEST": "Latest change first. A report that changes while you page moves to the front.",
    },
)
_describe(Language, "A language for people.", {"NL": "Dutch.", "EN": "English."})

__all__ = [
    "ActorKind",
    "AreaKind",
    "EvidenceKind",
    "Language",
    "ReportOrder",
    "ReportStatus",
    "Role",
    "Urgency",
    "Verdict",
    "Visibility",
]
