"""Which reports may be about the same situation: those close by that are open, or were resolved of late.

They are read along the indexes on the finest tiles (geo/tables/reports.py), what is public and what is hidden apart, as
in `geo.report_pages`, so that nobody waits for what it may not see. However dense a corner is, no more than the newest
few hundred of a tile are read.
"""

from datetime import datetime, timedelta
from functools import lru_cache
from itertools import product
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    Double,
    Select,
    bindparam,
    func,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from geo.geometry import SRID, Circle, sql_geography
from geo.models import Point, Report, ReportStatus, Visibility
from geo.rows import columns, to_report
from geo.tables import involvement, report
from geo.tiles import FINER, tile_of
from geo.viewer import Viewer
from geo.visibility import TIED, visible

METRES = 100.0  # of our own pairs (`bench.fit_matching`) none farther apart is about one situation
RECENT = timedelta(days=14)
NEWEST = 250  # of a tile; a busy part of a city has a tenth of them open
NEAREST = 30  # that are worth to be compared with a draft

_TILES = func.unnest(bindparam("tiles", type_=ARRAY(BigInteger))).table_valued("tile").render_derived()
_SIDES = ("west", "south", "east", "north")
_BOX = func.ST_MakeEnvelope(*(bindparam(side, type_=Double) for side in _SIDES), SRID)
_PLACE = func.ST_SetSRID(func.ST_MakePoint(bindparam("lon", type_=Double), bindparam("lat", type_=Double)), SRID)
_SINCE = bindparam("since", type_=DateTime(timezone=True))


async def candidates(conn: AsyncConnection, viewer: Viewer, point: Point, at: datetime) -> list[tuple[Report, float]]:
    """The reports around a point that this viewer may see, with their distance in metres, the nearest first."""
    box = Circle(point, METRES).bounds
    sides = {side: getattr(box, side) for side in _SIDES}
    values: dict[str, Any] = {"tiles": _tiles(point), "lon": point.lon, "lat": point.lat, "since": at - RECENT, **sides}
    if viewer.is_authority:
        statement = _for_authority(viewer)
    elif viewer.party is not None:
        statement, values["party"] = _FOR_PARTY, viewer.party
    else:
        statement = _FOR_ANYBODY
    return [(to_report(row), row.metres) for row in await conn.execute(statement, values)]


def _tiles(point: Point) -> list[int]:
    """The tiles around a point: up to 60 degrees of latitude one is wider than the circle, whose corners lie in all."""
    box = Circle(point, METRES).bounds
    corners = product((box.west, box.east), (box.south, box.north))
    return sorted({tile_of(lon, lat, FINER[-1]).number for lon, lat in corners})


def _nearest(*walks: Select[Any]) -> Select[Any]:
    found = union_all(*walks).subquery()
    metres = func.ST_Distance(sql_geography(found.c.location), sql_geography(_PLACE)).label("metres")
    inside = select(*columns(found), metres).where(found.c.location.intersects(_BOX)).subquery()
    return select(inside).where(inside.c.metres <= METRES).order_by(inside.c.metres, inside.c.id).limit(NEAREST)


def _walks(whose: ColumnElement[bool], newest: int = NEWEST) -> list[Select[Any]]:
    """In each tile the newest that are open, and those resolved of late among the last that changed."""
    c = report.c
    walk = select(report).where(c.tile16 == _TILES.c.tile, whose).limit(newest)
    unfinished = walk.where(c.stage == "OPEN", c.status != ReportStatus.MERGED)
    opened = unfinished.order_by(c.submitted_at.desc(), c.id.desc()).lateral()
    changed = walk.where(c.updated_at >= _SINCE).order_by(c.updated_at.desc(), c.id.desc()).lateral()
    of_late = (changed.c.status == ReportStatus.RESOLVED) & (changed.c.resolved_at >= _SINCE)
    return [
        select(opened).select_from(_TILES.join(opened, true())),
        select(changed).select_from(_TILES.join(changed, true())).where(of_late),
    ]


def _own() -> Select[Any]:
    """The hidden reports that somebody is involved in: never so many that where they are would matter."""
    c = report.c
    own = select(involvement.c.report_id).where(involvement.c.party == bindparam("party"), TIED)
    unfinished = (c.stage == "OPEN") & (c.status != ReportStatus.MERGED)
    of_late = (c.status == ReportStatus.RESOLVED) & (c.resolved_at >= _SINCE)
    return select(report).where(c.id.in_(own), c.visibility == Visibility.INVOLVED, or_(unfinished, of_late))


# Made once: it takes longer to make these than to run them.
_PUBLIC = _walks(report.c.public)
_FOR_ANYBODY = _nearest(*_PUBLIC)
_FOR_PARTY = _nearest(*_PUBLIC, _own())


@lru_cache(maxsize=256)
def _for_authority(viewer: Viewer) -> Select[Any]:
    return _nearest(*_PUBLIC, *_walks(~report.c.public & visible(viewer, report)))
