"""What people are told beside the reports themselves: alerts, and that there are notifications."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shapely.geometry.base import BaseGeometry

from geo.models.enums import ActorKind, AlertEventKind, Severity


@dataclass(frozen=True, slots=True)
class Alert:
    """What an authority tells an area. `area` is its outline in WGS84, with the code where it has one."""

    id: UUID
    organisation: str
    actor: ActorKind
    severity: Severity
    text: str
    advice: str | None
    code: str | None
    area: BaseGeometry
    published_at: datetime
    updated_at: datetime
    valid_until: datetime
    withdrawn_at: datetime | None
    version: int


@dataclass(frozen=True, slots=True)
class AlertEvent:
    """One change of one alert."""

    id: UUID
    position: int | None
    alert_id: UUID
    version: int
    kind: AlertEventKind
    actor: ActorKind
    at: datetime


@dataclass(frozen=True, slots=True)
class Notice:
    """The event that notifications were made."""

    id: UUID
    position: int | None
    at: datetime
