"""How rows of `report` and `alert` are read into their records."""

from typing import Any

from geoalchemy2.shape import to_shape
from sqlalchemy import ColumnElement, FromClause, Row, func

from geo.models import (
    ActorKind,
    Alert,
    Channel,
    HiddenReason,
    Place,
    Point,
    Report,
    ReportStatus,
    Severity,
    Urgency,
    Visibility,
)
from geo.tables import alert, report

_PLAIN = (
    "id",
    "number",
    "category",
    "status",
    "urgency",
    "visibility",
    "description",
    "neighbourhood",
    "district",
    "borough",
    "municipality",
    "submitted_at",
    "updated_at",
    "resolved_at",
    "due_at",
    "confirmations",
    "last_confirmed_at",
    "version",
    "channel",
    "original",
    "hidden_reason",
    "resolved_by",
    "feedback_until",
    "closed_at",
    "escalated_at",
    "merged_into",
)


def columns(source: FromClause = report) -> list[ColumnElement[Any]]:
    """What `to_report` reads, from `report` or an alias of it."""
    return [
        *(source.c[name] for name in _PLAIN),
        func.ST_X(source.c.location).label("lon"),
        func.ST_Y(source.c.location).label("lat"),
    ]


def to_report(row: Row[Any]) -> Report:
    return Report(
        id=row.id,
        number=row.number,
        category=row.category,
        status=ReportStatus(row.status),
        urgency=Urgency(row.urgency),
        visibility=Visibility(row.visibility),
        description=row.description,
        location=Point(row.lon, row.lat),
        place=Place(row.neighbourhood, row.district, row.borough, row.municipality),
        submitted_at=row.submitted_at,
        updated_at=row.updated_at,
        resolved_at=row.resolved_at,
        due_at=row.due_at,
        confirmations=row.confirmations,
        last_confirmed_at=row.last_confirmed_at,
        version=row.version,
        channel=Channel(row.channel),
        original=row.original,
        hidden_reason=row.hidden_reason and HiddenReason(row.hidden_reason),
        resolved_by=row.resolved_by and ActorKind(row.resolved_by),
        feedback_until=row.feedback_until,
        closed_at=row.closed_at,
        escalated_at=row.escalated_at,
        merged_into=row.merged_into,
    )


def alert_columns(prefix: str = "") -> list[ColumnElement[Any]]:
    """What `to_alert` reads, each with the prefix before its name."""
    return [column.label(f"{prefix}{column.name}") for column in alert.c]


def to_alert(row: Row[Any], prefix: str = "") -> Alert:
    values = {name: getattr(row, prefix + name) for name in alert.columns.keys()}  # noqa: SIM118 - a column collection is no dict
    return Alert(
        **{name: values[name] for name in Alert.__dataclass_fields__ if name in values}
        | {
            "actor": ActorKind(values["actor"]),
            "severity": Severity(values["severity"]),
            "area": to_shape(values["geom"]),
        }
    )
