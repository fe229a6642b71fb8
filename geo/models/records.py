"""One immutable record a table row is read into."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from geo.models.enums import (
    ActorKind,
    AdoptionEnding,
    AreaKind,
    Channel,
    Decision,
    EventKind,
    EvidenceKind,
    HiddenReason,
    Purpose,
    ReportStatus,
    Urgency,
    Visibility,
)


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
class Borrow:
    """A thing that residents can borrow to do it themselves, and where."""

    nl: str
    en: str
    where: str


@dataclass(frozen=True, slots=True)
class Category:
    """`handling_hours` are working hours, unless it is `round_the_clock`. `terms` are Dutch words by which people mean
    it, `related` the slugs that it is often mixed up with. Without guidance residents should not do it themselves."""

    slug: str
    parent_slug: str | None
    name_nl: str
    name_en: str
    visibility: Visibility
    urgency: Urgency
    handling_hours: int
    active: bool
    round_the_clock: bool = False
    terms: tuple[str, ...] = ()
    related: tuple[str, ...] = ()
    feedback_days: int = 14
    contact_days: int = 90
    guidance_nl: str | None = None
    guidance_en: str | None = None
    borrow: tuple[Borrow, ...] = ()

    @property
    def adoptable(self) -> bool:
        return self.guidance_nl is not None


@dataclass(frozen=True, slots=True)
class Report:
    """`original` is what was written where `description` is not: masked, or hidden for `hidden_reason`."""

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
    channel: Channel = Channel.APP
    original: str | None = None
    hidden_reason: HiddenReason | None = None
    resolved_by: ActorKind | None = None
    feedback_until: datetime | None = None
    closed_at: datetime | None = None
    escalated_at: datetime | None = None
    merged_into: UUID | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    id: UUID
    report_id: UUID
    kind: EvidenceKind
    remark: str | None
    upload_id: UUID | None
    added_at: datetime
    added_by: ActorKind
    location: Point | None = None
    category: str | None = None
    decision: Decision | None = None
    quantity: str | None = None
    value: float | None = None
    unit: str | None = None
    original: str | None = None
    hidden_reason: HiddenReason | None = None


@dataclass(frozen=True, slots=True)
class Adoption:
    """A resident has, or had, a report in hand.

    `thanks` is how many thanked them; `confirmed` and `disputed` how many said since it was completed that it is gone,
    or still there.
    """

    id: UUID
    report_id: UUID
    party: str
    since: datetime
    until: datetime
    ended_at: datetime | None
    ending: AdoptionEnding | None
    thanks: int
    confirmed: int
    disputed: int


@dataclass(frozen=True, slots=True)
class RatingSummary:
    """What the involved say of a resolution: how many, how many of them that it is solved, and their mean score.

    `mine` is whether the caller says that it is solved; None where it said nothing.
    """

    count: int
    solved: int
    score: float | None
    mine: bool | None
    comments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Message:
    """A post from elsewhere, passed on with its author's consent. `party` is the author under the app's pseudonym.

    `evidence_id` is set where it supplemented a report that was there before; `piece_ids` are all evidence made of it,
    its photos too.
    """

    id: UUID
    organisation: str
    source: str
    external_id: str
    party: str
    text: str
    place: str | None
    location: Point | None
    permalink: str | None
    written_at: datetime | None
    received_at: datetime
    edited_at: datetime | None
    category: str | None
    report_id: UUID | None
    evidence_id: UUID | None
    piece_ids: list[UUID]
    event_id: UUID | None


@dataclass(frozen=True, slots=True)
class Consent:
    """What an author agreed to, when, and which version of the text they had before them."""

    given_at: datetime
    purposes: tuple[Purpose, ...]
    text_version: str


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

    Not the text, which is kept in one place only: it can be somebody's own words about somebody.
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
