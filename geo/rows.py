"""How a row of `report` is read into its record."""

from typing import Any

from sqlalchemy import ColumnElement, FromClause, Row, func

from geo.models import Place, Point, Report, ReportStatus, Urgency, Visibility
from geo.tables import report

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
    )
