"""The ground that an area covers, by its code or as a shape, alike in SQL and in Python.

Areas overlap where they have ground in common: two that only share a border do not.
"""

import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import ColumnElement, func, literal_column, select
from sqlalchemy.ext.asyncio import AsyncConnection

from geo.geometry import SRID, Box, Circle, Polygon, Shape
from geo.models import Role
from geo.tables import area
from geo.viewer import Viewer

Where = str | Shape  # the code of an area in force, or a shape

_LIVE = area.c.state == literal_column("'LIVE'")  # written out as in the partial indexes


def outline_of(shape: Shape) -> BaseGeometry:
    """The shape in WGS84; of a circle the polygon just around it."""
    match shape:
        case Box(west, south, east, north):
            return shapely.box(west, south, east, north)
        case Polygon():
            return shape.shape
        case Circle():
            return shape.outline


def _of_code(code: str) -> ColumnElement[object]:
    return select(area.c.geom).where(_LIVE, area.c.code == code).scalar_subquery()


def _in_sql(outline: BaseGeometry) -> ColumnElement[object]:
    return func.ST_GeomFromWKB(outline.wkb, SRID)


async def read_outline(conn: AsyncConnection, where: Where) -> BaseGeometry:
    """In WGS84; without any ground for a code that is not in force (any more)."""
    if not isinstance(where, str):
        return outline_of(where)
    found = await conn.scalar(select(func.ST_AsBinary(_of_code(where))))
    return shapely.MultiPolygon() if found is None else shapely.from_wkb(bytes(found))


def overlap(outline: BaseGeometry, other: BaseGeometry) -> bool:
    """Quick for an `outline` that is prepared."""
    return bool(shapely.intersects(outline, other) and not shapely.touches(outline, other))


def overlaps(column: ColumnElement[object], where: Where) -> ColumnElement[bool]:
    """The same as `overlap`, over a column that has a GiST index."""
    outline = _of_code(where) if isinstance(where, str) else _in_sql(outline_of(where))
    return func.ST_Intersects(column, outline) & ~func.ST_Touches(column, outline)


async def in_territory(conn: AsyncConnection, viewer: Viewer, where: Where) -> bool:
    """Whether all of it lies in the territory of an authority.

    An area does when it, or one that it lies in, is among the viewer's; a shape when these cover it together.
    """
    if viewer.role is Role.ADMIN:
        return True
    if isinstance(where, str):
        chain = select(area.c.code, area.c.parent_code).where(_LIVE, area.c.code == where).cte(recursive=True)
        above = select(area.c.code, area.c.parent_code).join(chain, area.c.code == chain.c.parent_code).where(_LIVE)
        return viewer.works_in(tuple(await conn.scalars(select(chain.union_all(above).c.code))))
    outline = _in_sql(outline_of(where))
    own = _LIVE, area.c.code.in_(sorted(viewer.areas)), func.ST_Intersects(area.c.geom, outline)
    together = select(func.ST_Union(area.c.geom)).where(*own).scalar_subquery()
    return viewer.is_authority and bool(await conn.scalar(select(func.ST_CoveredBy(outline, together))))
