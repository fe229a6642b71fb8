"""Areas: what they are, and how a caller names one."""

from typing import Annotated

import strawberry
from strawberry.relay import PageInfo

from geo import areas as geo_areas
from geo.errors import InvalidArea, UnknownArea
from geo.geometry import Area as SearchArea
from geo.geometry import CodeArea, Path, Shape, check_box, check_circle, check_polygon
from geo.models import Area as Record
from schema.context import Info
from schema.enums import AreaKind
from schema.nodes import Node
from schema.pages import DEFAULT_FIRST, After, First, check_first, page_info
from schema.points import PointInput
from schema.scalars import GeoJSON, GeoJSONPolygon


@strawberry.type(description="A municipality, borough, district or neighbourhood.")
class Area(Node):
    record: strawberry.Private[Record]

    def key(self) -> str:
        return self.record.code

    @strawberry.field(description="The official CBS code; boroughs have one of ours. Example: `WK051829`.")
    def code(self) -> str:
        return self.record.code

    @strawberry.field(description="Its level.")
    def kind(self) -> AreaKind:
        return self.record.kind

    @strawberry.field(description="Its official name. Example: `Schildersbuurt`.")
    def name(self) -> str:
        return self.record.name

    @strawberry.field(description="True where the borders are a rough drawing and not the official ones.")
    def approximate(self) -> bool:
        return self.record.approximate

    @strawberry.field(description="The area it lies in; null for a municipality.")
    async def parent(self, info: Info) -> "Area | None":
        if self.record.parent_code is None:
            return None
        return area_of(await info.context.areas.load(self.record.parent_code))

    @strawberry.field(description="Its borders, a MultiPolygon with six decimals. Large: ask for it once and keep it.")
    async def geometry(self, info: Info) -> GeoJSON | None:
        async with info.context.db.read() as conn:
            found = await geo_areas.geojson(conn, self.record.code)
        return None if found is None else GeoJSON(found)


def area_of(record: Record | None) -> Area | None:
    return None if record is None else Area(record=record)


@strawberry.input(description="Everything between two meridians and two parallels, in degrees (W, S, E, N).")
class BBoxInput:
    west: float = strawberry.field(description="The smallest longitude. Example: 4.29.")
    south: float = strawberry.field(description="The smallest latitude. Example: 52.06.")
    east: float = strawberry.field(description="The largest longitude. Example: 4.31.")
    north: float = strawberry.field(description="The largest latitude. Example: 52.08.")


@strawberry.input(description="Everything within so many metres of a point.")
class AroundInput:
    point: PointInput = strawberry.field(description="The centre.")
    metres: float = strawberry.field(description="The distance in metres, at most 50000. Example: 250.")


@strawberry.input(
    one_of=True,
    description='Where: exactly one of these. Examples: `{code: "WK051829"}`, '
    "`{around: {point: {lon: 4.3007, lat: 52.0705}, metres: 250}}`.",
)
class AreaInput:
    code: strawberry.Maybe[str] = strawberry.field(
        description="The code of an area of any level. A code that is no longer in use leads to the one that followed."
    )
    bbox: strawberry.Maybe[BBoxInput] = strawberry.field(description="A box, such as what a map has in view.")
    polygon: strawberry.Maybe[GeoJSONPolygon] = strawberry.field(description="A polygon of your own.")
    around: strawberry.Maybe[AroundInput] = strawberry.field(description="A circle.")

    def shape(self, path: Path) -> Shape:
        """The box, polygon or circle that was given; raises `InvalidArea`, `InvalidLocation`."""
        if self.bbox:
            box = self.bbox.value
            return check_box(box.west, box.south, box.east, box.north, (*path, "bbox"))
        if self.polygon:
            return check_polygon(self.polygon.value, (*path, "polygon"))
        if self.around:
            around = self.around.value
            return check_circle(around.point.lon, around.point.lat, around.metres, (*path, "around"))
        raise InvalidArea(path=path, hint="Give one of code, bbox, polygon, around.")


def sought(area: AreaInput) -> str | Shape:
    """The code or the shape that was given; raises `InvalidArea`, `InvalidLocation`."""
    return area.code.value if area.code else area.shape(("area",))


async def search_area(info: Info, area: AreaInput) -> SearchArea:
    """The area to look in; raises `UnknownArea`, `InvalidArea`, `InvalidLocation`."""
    if area.code:
        services = info.context.services
        followed = await services.areas.resolve(
            area.code.value, ("area", "code"), map_version=services.feed.map_version
        )
        return CodeArea(followed.area.kind, followed.codes)
    return area.shape(("area",))


async def check_known(info: Info, area: SearchArea) -> None:
    """Raises `OutsideKnownArea` where a shape touches no municipality: nothing can ever be found there."""
    if not isinstance(area, CodeArea):
        async with info.context.db.read() as conn:
            await geo_areas.check_known(conn, area, ("area",))


@strawberry.type(description="An area in a list.")
class AreaEdge:
    cursor: str = strawberry.field(description="Its place in this list.")
    node: Area = strawberry.field(description="The area.")


@strawberry.type(description="A page of areas, by code.")
class AreaConnection:
    edges: list[AreaEdge] = strawberry.field(description="The areas with their cursors.")
    page_info: PageInfo = strawberry.field(description="Whether there is more, and the cursors to get it.")

    @strawberry.field(description="The areas without their cursors.")
    def nodes(self) -> list[Area]:
        return [edge.node for edge in self.edges]


async def area(
    info: Info,
    code: Annotated[str | None, strawberry.argument(description="Its code. Example: `WK051829`.")] = None,
    at: Annotated[PointInput | None, strawberry.argument(description="A place: the smallest area around it.")] = None,
) -> Area | None:
    """One area, by its code or by a place in it."""
    if (code is None) == (at is None):
        raise InvalidArea("Give a code or a place.", path=(), hint="area(code: …) or area(at: {lon, lat}).")
    async with info.context.db.read() as conn:
        if code is not None:
            if found := await geo_areas.by_code(conn, code):
                return Area(record=found)
            raise UnknownArea(f'"{code[:80]}" is not the code of an area.', path=("code",), hint="See `areas`.")
        assert at is not None
        place = at.checked(("at",))
        found = await geo_areas.at(conn, place)
        if found is None:
            await geo_areas.check_located(conn, place, ("at",))
        return area_of(found)


async def areas(
    info: Info,
    kind: Annotated[AreaKind | None, strawberry.argument(description="Only this level.")] = None,
    within: Annotated[str | None, strawberry.argument(description="Only inside the area with this code.")] = None,
    search: Annotated[str | None, strawberry.argument(description="Only with this in the name, in any case.")] = None,
    first: First = DEFAULT_FIRST,
    after: After = None,
) -> AreaConnection:
    """The areas in force, by code."""
    cursors = info.context.services.cursors
    query = repr(("areas", kind, within, search))
    behind = None if after is None else cursors.open_code(query, after)
    async with info.context.db.read() as conn:
        found = await geo_areas.search(
            conn, kind=kind, within=within, search=search, first=check_first(first) + 1, after=behind
        )
    edges = [
        AreaEdge(cursor=cursors.seal_code(query, record.code), node=Area(record=record)) for record in found[:first]
    ]
    return AreaConnection(
        edges=edges, page_info=page_info([e.cursor for e in edges], more=len(found) > first, after=after)
    )


async def area_by_key(info: Info, key: str) -> Area | None:
    return area_of(await info.context.areas.load(key))
