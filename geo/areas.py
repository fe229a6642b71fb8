"""Areas, looked up by place, by code and by name. A code that has ended leads on to the area that took its place."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from cachetools import TTLCache
from sqlalchemy import (
    ARRAY,
    CTE,
    JSON,
    ColumnElement,
    Double,
    FromClause,
    Row,
    Select,
    Text,
    and_,
    bindparam,
    case,
    cast,
    exists,
    func,
    literal,
    literal_column,
    select,
    true,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from geo.db import Database
from geo.errors import InvalidFilter, OutsideKnownArea, UnknownArea
from geo.geometry import SRID, Path, Shape
from geo.models import Area, AreaKind, Place, Point
from geo.tables import area

KEPT_SECONDS = 5
FINEST_FIRST = (AreaKind.NEIGHBOURHOOD, AreaKind.DISTRICT, AreaKind.BOROUGH, AreaKind.MUNICIPALITY)
_COLUMNS = [area.c[name] for name in Area.__dataclass_fields__]
_CODE = re.compile(r"[A-Za-z0-9-]{1,64}")


@dataclass(frozen=True, slots=True)
class Followed:
    """An area in force, and all codes that stand for it: its own first, then older ones that lead to it."""

    area: Area
    codes: tuple[str, ...]


def live(source: FromClause = area) -> ColumnElement[bool]:
    """In force. Written out as in the partial indexes, so that any plan can use them."""
    return source.c.state == literal_column("'LIVE'")


def _to_area(row: Row[Any]) -> Area:
    return Area(**{name: getattr(row, name) for name in Area.__dataclass_fields__} | {"kind": AreaKind(row.kind)})


def _chain(location: ColumnElement[Any]) -> CTE:
    """The areas a point lies in, each the parent of the one before it, so that their codes always nest.

    The first is the finest in force; of two that share the border the point lies on, the one with the lower code.
    """
    finest = (
        select(*_COLUMNS)
        .where(live(), func.ST_Intersects(area.c.geom, location))
        .order_by(
            case({kind: rank for rank, kind in enumerate(FINEST_FIRST)}, value=area.c.kind),
            area.c.approximate,
            area.c.code,
        )
        .limit(1)
        .correlate_except(area)
        .cte("chain", recursive=True, nesting=True)
    )
    parent = area.alias("parent")
    above = select(*(parent.c[c.name] for c in _COLUMNS)).join(finest, finest.c.parent_code == parent.c.code)
    return finest.union_all(above.where(live(parent)))


def place_of(location: ColumnElement[Any], name: str = "place") -> FromClause:
    """One row: the code of each kind of area that a point lies in, or null."""
    chain = _chain(location)
    codes = (func.max(chain.c.code).filter(chain.c.kind == kind).label(kind.lower()) for kind in FINEST_FIRST)
    return select(*codes).lateral(name)


def _point(lon: str, lat: str) -> ColumnElement[Any]:
    return func.ST_SetSRID(func.ST_MakePoint(bindparam(lon, type_=Double), bindparam(lat, type_=Double)), SRID)


# Statements are made once: it takes longer to make one of these than to run it.
_HERE = place_of(_point("lon", "lat"))
_TURNED = place_of(_point("lat", "lon"), "turned")
_LOCATE, _LOCATE_TURNED = select(_HERE), select(_TURNED)
_AT = select(_chain(_point("lon", "lat")))


def _to_place(row: Any) -> Place | None:
    return row.municipality and Place(row.neighbourhood, row.district, row.borough, row.municipality)


async def locate(conn: AsyncConnection, point: Point) -> Place | None:
    """The areas a point lies in; None outside every municipality."""
    return _to_place((await conn.execute(_LOCATE, point._asdict())).one())


async def check_located(conn: AsyncConnection, point: Point, path: Path) -> Place:
    """The areas a point lies in; raises `OutsideKnownArea`, which says so when the axes seem swapped."""
    row = (await conn.execute(_LOCATE, point._asdict())).one()
    if place := _to_place(row):
        return place
    turned = _to_place((await conn.execute(_LOCATE_TURNED, point._asdict())).one())
    raise _outside(f"lon {point.lon}, lat {point.lat} lies", path, swapped=turned is not None)


async def check_known(conn: AsyncConnection, shape: Shape, path: Path) -> None:
    """Raises `OutsideKnownArea` where a shape touches no municipality, which says so when the axes seem swapped."""

    def touched(by: Shape) -> ColumnElement[bool]:
        box = func.ST_Intersects(area.c.geom, by.bounds.geometry)
        return exists().where(live(), area.c.kind == AreaKind.MUNICIPALITY, box, by.condition(area.c.geom))

    turnable = shape.bounds.west >= -90 and shape.bounds.east <= 90
    turned = touched(shape.swapped) if turnable else literal(False)
    known, swapped = (await conn.execute(select(touched(shape), turned))).one()
    if not known:
        raise _outside("This area lies", path, swapped=swapped)


def _outside(what_lies: str, path: Path, *, swapped: bool) -> OutsideKnownArea:
    hint = "Swap them: lon and lat seem to be turned around." if swapped else "`areas(kind: MUNICIPALITY)` lists them."
    return OutsideKnownArea(f"{what_lies} outside every municipality known here.", path=path, hint=hint)


async def at(conn: AsyncConnection, point: Point, kind: AreaKind | None = None) -> Area | None:
    """The finest area a point lies in, or the one of that kind."""
    found = sorted(map(_to_area, await conn.execute(_AT, point._asdict())), key=lambda a: FINEST_FIRST.index(a.kind))
    return next((area for area in found if kind in (None, area.kind)), None)


def _successors() -> CTE:
    """Each `asked` code with itself and the codes that followed it; only the last of them can be in force."""
    asked = func.unnest(bindparam("codes", type_=ARRAY(Text))).column_valued("asked")
    start = select(asked.label("asked"), asked.label("code")).cte("successors", recursive=True)
    followed = start.join(area, and_(area.c.code == start.c.code, area.c.successor_code.is_not(None)))
    return start.union(select(start.c.asked, area.c.successor_code).select_from(followed))


def _in_force(code: ColumnElement[str]) -> FromClause:
    """The LIVE version of each code. The limit makes it a look-up for each, as the planner expects many successors."""
    return select(*_COLUMNS).where(live(), area.c.code == code).limit(1).lateral("found")


def _by_codes() -> Select[Any]:
    successors = _successors()
    found = _in_force(successors.c.code)
    return select(successors.c.asked, found).select_from(successors.join(found, true()))


def _follow() -> Select[Any]:
    found = _by_codes().limit(1).cte("followed")
    leading = select(found.c.code).cte("leading", recursive=True)
    leading = leading.union(select(area.c.code).join(leading, area.c.successor_code == leading.c.code))
    others = func.array(select(leading.c.code).where(leading.c.code != found.c.code).scalar_subquery())
    return select(found, others.label("others"))


_BY_CODES, _FOLLOW = _by_codes(), _follow()


def _asked(codes: Collection[str]) -> dict[str, list[str]]:
    """Without what can't be a code, and might not even be text to PostgreSQL."""
    return {"codes": [code for code in codes if _CODE.fullmatch(code)]}


async def by_codes(conn: AsyncConnection, codes: Collection[str]) -> dict[str, Area]:
    """The areas in force that the codes lead to, by the code that was asked."""
    return {row.asked: _to_area(row) for row in await conn.execute(_BY_CODES, _asked(codes))}


async def by_code(conn: AsyncConnection, code: str) -> Area | None:
    """The area in force that a code leads to."""
    return (await by_codes(conn, [code])).get(code)


async def follow(conn: AsyncConnection, code: str) -> Followed | None:
    """The area in force that a code leads to, with all codes that lead to it."""
    row = (await conn.execute(_FOLLOW, _asked([code]))).one_or_none()
    return None if row is None else Followed(_to_area(row), (row.code, *sorted(row.others)))


async def search(
    conn: AsyncConnection,
    *,
    kind: AreaKind | None,
    within: str | None,
    search: str | None,
    first: int,
    after: str | None,
) -> Sequence[Area]:
    """The first areas in force behind a code, by code: of a kind, inside an area, with a text in the name.

    Raises `UnknownArea` for `within`, `InvalidFilter` for `search`.
    """
    conditions = [live()]
    if kind is not None:
        conditions.append(area.c.kind == kind)
    if within is not None:
        outer = await by_code(conn, within)
        if outer is None:
            raise unknown(within, ("within",))
        inside = select(area.c.code).where(live(), area.c.parent_code == outer.code).cte("inside", recursive=True)
        inside = inside.union(select(area.c.code).join(inside, and_(live(), area.c.parent_code == inside.c.code)))
        conditions.append(area.c.code.in_(select(inside.c.code)))
    if search is not None:
        if not search.isprintable():
            raise InvalidFilter(path=("search",), hint="A part of a name, such as: schilder.")
        conditions.append(area.c.name.icontains(search, autoescape=True))
    if after is not None:
        conditions.append(area.c.code > after)
    rows = await conn.execute(select(*_COLUMNS).where(*conditions).order_by(area.c.code).limit(first))
    return [_to_area(row) for row in rows]


async def geojson(conn: AsyncConnection, code: str) -> dict[str, Any] | None:
    """The borders of an area in force: an RFC 7946 MultiPolygon, with six decimals (a decimetre)."""
    shape = cast(func.ST_AsGeoJSON(area.c.geom, 6), JSON)
    found: dict[str, Any] | None = (await conn.execute(select(shape).where(live(), area.c.code == code))).scalar()
    return found


def unknown(code: str, path: Path) -> UnknownArea:
    return UnknownArea(
        f'"{code[:80]}" is not the code of an area.',
        path=path,
        hint="Such as GM0518, WK051829 or BU05182901; `areas(search: …)` finds one by its name.",
    )


class Areas:
    """Codes followed for readers, remembered for some seconds: long enough to save most statements, and short enough
    that nobody notices when a map was replaced."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._kept: TTLCache[str, tuple[int, Followed]] = TTLCache(maxsize=10_000, ttl=KEPT_SECONDS)

    async def resolve(self, code: str, path: Path, *, map_version: int = 0) -> Followed:
        """The area a code leads to, as it was seconds ago, yet on no map before this version; raises `UnknownArea`."""
        version, followed = self._kept.get(code, (map_version, None))
        if followed is None or version < map_version:
            async with self._db.read_primary() as conn:
                followed = await follow(conn, code)
            if followed is None:
                raise unknown(code, path)
            self._kept[code] = map_version, followed
        return followed
