"""The enumerations of `geo.models`, described for the API."""

from enum import Enum
from typing import TypeVar

import strawberry

from geo.models import (
    ActorKind,
    AdoptionEnding,
    AreaKind,
    Channel,
    Decision,
    EvidenceKind,
    HiddenReason,
    Involvement,
    Language,
    MailMode,
    PersonalData,
    Purpose,
    ReportStatus,
    Role,
    Severity,
    Urgency,
    Verdict,
    Visibility,
)
from geo.report_pages import ReportOrder

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
        "ADOPTED": "A resident has taken it on, until a time that they gave.",
        "ROUTED": "Passed on to the service or company that has to act.",
        "SCHEDULED": "Planned.",
        "UNDER_WAY": "Somebody is working on it or on the way to it.",
        "ON_HOLD": "Waiting for something.",
        "RESOLVED": "Done.",
        "REJECTED": "Will not be taken up.",
        "MERGED": "The same situation as another report, which goes on for both: see `mergedInto`.",
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
        "INVOLVED": "Those involved in it by more than following it, and the authorities of its territory.",
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
_describe(
    EvidenceKind,
    "What a piece of evidence is.",
    {
        "REMARK": "A text.",
        "PHOTO": "A photo, maybe with a text.",
        "CORRECTION": "Another place or category, from the reporter, or proposed by somebody else.",
        "MEASUREMENT": "A number with its unit.",
    },
)
_describe(
    Decision,
    "What became of a correction.",
    {
        "PENDING": "Proposed; the reporter or an authority is to decide.",
        "ACCEPTED": "The report was changed accordingly.",
        "DECLINED": "The report stays as it is.",
    },
)
_describe(
    HiddenReason,
    "Why a text or a photo is not shown.",
    {
        "PRIVACY": "It tells of persons.",
        "OFFENSIVE": "It insults or threatens.",
        "IRRELEVANT": "It is not about the report.",
        "ERASED": "Whoever wrote it had it erased.",
    },
)
_describe(
    PersonalData,
    "What a text tells of a person.",
    {
        "PHONE": "A telephone number.",
        "EMAIL": "An e-mail address.",
        "LICENCE_PLATE": "The licence plate of a vehicle.",
        "BSN": "A citizen service number (burgerservicenummer).",
    },
)
_describe(
    Channel,
    "How a report came in.",
    {
        "APP": "From an app, by the resident.",
        "MESSAGE": "From a message that an app passed on.",
        "CLICK": "From a form on the municipality's site.",
        "CALL": "By phone, typed in by an official.",
        "FACE": "At the desk, typed in by an official.",
    },
)
_describe(
    Purpose,
    "What an author consents to.",
    {
        "REGISTER": "That the message is registered as a report and shown in it, without telling who wrote it, and "
        "that its author is told through the app what becomes of it.",
    },
)
_describe(
    Involvement,
    "What somebody has to do with a report.",
    {
        "REPORTER": "Reported it.",
        "CONFIRMER": "Said that it is still there, or gone.",
        "CONTRIBUTOR": "Added evidence.",
        "ADOPTER": "Took it on.",
        "FOLLOWER": "Follows it.",
    },
)
_describe(
    AdoptionEnding,
    "How an adoption ended.",
    {
        "RELEASED": "The adopter gave it back.",
        "LAPSED": "Its time was over.",
        "COMPLETED": "The adopter solved it.",
        "TAKEN_OVER": "An authority took it over.",
    },
)
_describe(
    Severity,
    "How serious an alert is.",
    {
        "INFORMATION": "Good to know.",
        "WARNING": "Take care.",
        "DANGER": "There is danger: do what the advice says.",
    },
)
_describe(
    MailMode,
    "How somebody is told by mail.",
    {
        "OFF": "Not at all; notifications stay in the API.",
        "EACH": "A mail for each.",
        "DIGEST": "One mail a day.",
    },
)
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
    "AdoptionEnding",
    "AreaKind",
    "Channel",
    "Decision",
    "EvidenceKind",
    "HiddenReason",
    "Involvement",
    "Language",
    "MailMode",
    "PersonalData",
    "Purpose",
    "ReportOrder",
    "ReportStatus",
    "Role",
    "Severity",
    "Urgency",
    "Verdict",
    "Visibility",
]
