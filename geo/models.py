"""The words of the domain: enumerations, and one immutable record a table row is read into."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID


class AreaKind(StrEnum):
    MUNICIPALITY = "MUNICIPALITY"
    BOROUGH = "BOROUGH"
    DISTRICT = "DISTRICT"
    NEIGHBOURHOOD = "NEIGHBOURHOOD"


class ReportStatus(StrEnum):
    REPORTED = "REPORTED"
    ROUTED = "ROUTED"
    SCHEDULED = "SCHEDULED"
    UNDER_WAY = "UNDER_WAY"
    ON_HOLD = "ON_HOLD"
    RESOLVED = "RESOLVED"
    REJECTED = "REJECTED"


class Urgency(StrEnum):
    NORMAL = "NORMAL"
    URGENT = "URGENT"
    EMERGENCY = "EMERGENCY"


class Visibility(StrEnum):
    """Who may know of a report at all; `geo.visibility` holds the rule."""

    PUBLIC = "PUBLIC"
    INVOLVED = "INVOLVED"
    AUTHORITIES = "AUTHORITIES"
    POLICE = "POLICE"


class Role(StrEnum):
    ANONYMOUS = "ANONYMOUS"
    RESIDENT = "RESIDENT"
    APP = "APP"
    PARTNER = "PARTNER"
    OFFICER = "OFFICER"
    POLICE = "POLICE"
    ADMIN = "ADMIN"


class ActorKind(StrEnum):
    """Who did something, told without telling which person."""

    RESIDENT = "RESIDENT"
    MUNICIPALITY = "MUNICIPALITY"
    POLICE = "POLICE"
    PARTNER = "PARTNER"
    SYSTEM = "SYSTEM"


class Involvement(StrEnum):
    REPORTER = "REPORTER"
    CONFIRMER = "CONFIRMER"
    CONTRIBUTOR = "CONTRIBUTOR"


class EvidenceKind(StrEnum):
    REMARK = "REMARK"
    PHOTO = "PHOTO"


class Verdict(StrEnum):
    STILL_THERE = "STILL_THERE"
    GONE = "GONE"


class EventKind(StrEnum):
    REPORT_SUBMITTED = "REPORT_SUBMITTED"
    EVIDENCE_ADDED = "EVIDENCE_ADDED"
    REPORT_CONFIRMED = "REPORT_CONFIRMED"
    STATUS_CHANGED = "STATUS_CHANGED"
    VISIBILITY_CHANGED = "VISIBILITY_CHANGED"
    REPORT_MOVED = "REPORT_MOVED"


class Point(NamedTuple):
    """A place on earth: WGS84 degrees, longitude first."""

    lon: float
    lat: float


@dataclass(frozen=True, slots=True)
class Area:
    """One version of an area. `valid_to` is None while it is in force."""

    code: str
    kind: AreaKind
    name: str
    parent_code: str | None
    municipality_code: str
    approximate: bool
    valid_from: datetime
    valid_to: datetime | None


@dataclass(frozen=True, slots=True)
class Place:
    """The codes of the areas, each inside the next, that a point lies in."""

    neighbourhood: str | None
    district: str | None
    borough: str | None
    municipality: str

    @property
    def codes(self) -> tuple[str, ...]:
        return tuple(c for c in (self.neighbourhood, self.district, self.borough, self.municipality) if c)


@dataclass(frozen=True, slots=True)
class Category:
    slug: str
    parent_slug: str | None
    name_nl: str
    name_en: str
    visibility: Visibility
    urgency: Urgency
    handling_hours: int
    active: bool


@dataclass(frozen=True, slots=True)
class Report:
    id: UUID
    number: str
    category: str
    status: ReportStatus
    urgency: Urgency
    visibility: Visibility
    description: str
    location: Point
    place: Place
    submitted_at: datetime
    updated_at: datetime
    resolved_at: datetime | None
    due_at: datetime | None
    confirmations: int
    last_confirmed_at: datetime | None
    version: int


@dataclass(frozen=True, slots=True)
class Evidence:
    id: UUID
    report_id: UUID
    kind: EvidenceKind
    remark: str | None
    upload_id: UUID | None
    added_at: datetime
    added_by: ActorKind


@dataclass(frozen=True, slots=True)
class Upload:
    id: UUID
    content_type: str
    expires_at: datetime
    stored_at: datetime | None
    width: int | None
    height: int | None


@dataclass(frozen=True, slots=True)
class Facts:
    """What an event remembers of a report before or after it: all that areas, filters and rights look at.

    Not the text, which never changes and is kept in one place only: it can be somebody's own words about somebody.
    """

    category: str
    status: ReportStatus
    urgency: Urgency
    visibility: Visibility
    location: Point
    codes: tuple[str, ...]
    submitted_at: datetime


@dataclass(frozen=True, slots=True)
class Event:
    """One change of one report. `position` is None until the event has its place in the feed."""

    id: UUID
    position: int | None
    report_id: UUID
    version: int
    kind: EventKind
    actor: ActorKind
    at: datetime
    before: Facts | None
    after: Facts
    detail: dict[str, Any]


class Outcome(NamedTuple):
    """What a use-case did: its event, and the report as it left it.

    The report is None where the caller may not see it, and where an earlier answer is given again.
    """

    event: Event
    report: Report | None
