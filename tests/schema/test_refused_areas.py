"""An area that cannot be is an error with a name, a place and what would be right: the same as a variable, as a literal
and in a subscription, and never an empty list."""

import json
import math
from collections.abc import Iterable
from typing import Any

import pytest

from geo.geometry import MAX_VERTICES
from tests.clients.caller import Json, calling
from tests.clients.refusals import literal, refusal
from tests.conftest import Served
from tests.world import RESIDENT

pytestmark = pytest.mark.anyio

RING = [[4.29, 52.06], [4.31, 52.06], [4.31, 52.08], [4.29, 52.06]]
EYE = [[4.29, 52.06], [4.31, 52.08], [4.31, 52.06], [4.29, 52.08], [4.29, 52.06]]


def polygon(*rings: Any, **changes: Any) -> Json:
    return {"polygon": {"type": "Polygon", "coordinates": list(rings), **changes}}


def star(count: int) -> list[list[float]]:
    """A ring of so many vertices."""
    turn = 2 * math.pi / (count - 1)
    points = [[4.3 + 0.01 * math.cos(turn * n), 52.07 + 0.01 * math.sin(turn * n)] for n in range(count - 1)]
    return [*points, points[0]]


def deep(levels: int) -> list[Any]:
    inner: list[Any] = []
    for _ in range(levels):
        inner = [inner]
    return inner


def box(west: float, south: float, east: float, north: float) -> Json:
    return {"bbox": {"west": west, "south": south, "east": east, "north": north}}


def around(metres: float, lon: float = 4.295, lat: float = 52.065) -> Json:
    return {"around": {"point": {"lon": lon, "lat": lat}, "metres": metres}}


SHAPE = ("polygon", "coordinates")
NO_POLYGONS: list[Any] = ["Polygon", 5, True, [RING], {}, deep(100)]
NO_RINGS: list[Any] = [None, 5, "x", {}, [5], ["x"], [{}], [None]]
NO_VERTICES: list[Any] = [
    None,
    5,
    "4.3",
    [],
    [4.3],
    [4.3, "52"],
    [True, False],
    [1, 2, 3, 4],
    {"lon": 4.3},
    [[4.3], [52]],
]
AREAS: list[tuple[Json, str, tuple[str | int, ...]]] = [
    *(({"code": code}, "UnknownArea", ("code",)) for code in ("", "NOPE", "wk051829", "GM0518\x00", "x" * 50_000)),
    (box(-181, 52, 4, 53), "InvalidLocation", ("bbox",)),
    (box(4, 52, math.inf, 53), "InvalidLocation", ("bbox",)),
    (box(4.31, 52.06, 4.29, 52.08), "InvalidArea", ("bbox",)),
    (box(4.29, 52.08, 4.31, 52.06), "InvalidArea", ("bbox",)),
    (box(4.3, 52.06, 4.3, 52.08), "InvalidArea", ("bbox",)),
    (box(52.06, 4.29, 52.08, 4.31), "OutsideKnownArea", ()),
    (box(0, 0, 1, 1), "OutsideKnownArea", ()),
    *((around(metres), "InvalidArea", ("around", "metres")) for metres in (0, -1, 50_001, 1e300, math.inf)),
    (around(100, lon=181), "InvalidLocation", ("around", "point")),
    (around(100, lon=52.065, lat=4.295), "OutsideKnownArea", ()),
    (around(50_000, lon=180, lat=90), "OutsideKnownArea", ()),
    (polygon(), "InvalidArea", SHAPE),
    (polygon([]), "InvalidArea", (*SHAPE, 0)),
    (polygon(RING[:-1]), "InvalidArea", (*SHAPE, 0)),
    (polygon([*RING[:-1], [4.3, 52.07]]), "InvalidArea", (*SHAPE, 0)),
    (polygon(RING, []), "InvalidArea", (*SHAPE, 1)),
    (polygon([[4.3, 52.07]] * 4), "InvalidArea", ("polygon",)),
    (polygon([[4.3, 52.07], [4.31, 52.07], [4.32, 52.07], [4.3, 52.07]]), "InvalidArea", ("polygon",)),
    (polygon(EYE), "InvalidArea", ("polygon",)),
    (polygon(RING, RING), "InvalidArea", ("polygon",)),
    (polygon([[-10, 40], [20, 40], [20, 60], [-10, 60], [-10, 40]]), "InvalidArea", ("polygon",)),
    (polygon([[lat, lon] for lon, lat in RING]), "OutsideKnownArea", ()),
    (polygon([[4.3, 91], *RING[1:]]), "InvalidLocation", (*SHAPE, 0, 0)),
    (polygon([RING[0], [10**400, 1], *RING[1:]]), "InvalidLocation", (*SHAPE, 0, 1)),
    (polygon([RING[0], [math.inf, 1], *RING[1:]]), "InvalidLocation", (*SHAPE, 0, 1)),
    *((polygon([RING[0], vertex, *RING[1:]]), "InvalidArea", (*SHAPE, 0, 1)) for vertex in NO_VERTICES),
    *(({"polygon": value}, "InvalidArea", ("polygon",)) for value in NO_POLYGONS),
    (polygon(RING, type="MultiPolygon"), "InvalidArea", ("polygon",)),
    (polygon(RING, type=["Polygon"]), "InvalidArea", ("polygon",)),
    *((polygon(coordinates=value), "InvalidArea", SHAPE) for value in NO_RINGS),
    (polygon(deep(100)), "InvalidArea", (*SHAPE, 0, 0)),
]


def finite(value: Any) -> bool:
    """Whether JSON has it as it is."""
    if isinstance(value, dict | list):
        return all(map(finite, value.values() if isinstance(value, dict) else value))
    return not isinstance(value, float | int) or (math.isfinite(value) if isinstance(value, float) else value < 2**63)


@pytest.mark.parametrize(("area", "code", "path"), AREAS, ids=lambda value: repr(value)[:40])
async def test_an_area_that_cannot_be(shared: Served, area: Json, code: str, path: tuple[str | int, ...]) -> None:
    expected = code, ["area", *path]
    by_variable = "($area: AreaInput!)"
    async with calling(shared, RESIDENT) as anna:
        ways = [await refusal(anna, f"{{ reports(area: {literal(area)}) {{ nodes {{ id }} }} }}")]
        if finite(area):
            variables = {"area": area}
            page = f"query{by_variable} {{ reports(area: $area, first: 1) {{ nodes {{ id }} }} }}"
            watch = f"subscription{by_variable} {{ reportEvents(area: $area) {{ __typename }} }}"
            ways.append(await refusal(anna, page, variables))
            ways.append(await refusal(anna, watch, variables))
    for told in ways:
        assert (told["code"], told["path"]) == expected
        assert told == ways[0]
    if code == "OutsideKnownArea" and 52 in map(int, _numbers(area)[:1]):
        assert "Swap" in ways[0]["hint"]


def _numbers(value: Any) -> list[float]:
    """All numbers in it, in order."""
    inner: Iterable[Any] = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    found = [number for part in inner for number in _numbers(part)]
    return [*found, value] if isinstance(value, int | float) else found


@pytest.mark.parametrize("count", [MAX_VERTICES + 1, 5_000])
async def test_a_polygon_of_too_many_vertices(shared: Served, count: int) -> None:
    document = "query($area: AreaInput!) { reports(area: $area) { nodes { id } } }"
    async with calling(shared, RESIDENT) as anna:
        told = await refusal(anna, document, {"area": polygon(star(count))})
        assert (told["code"], told["path"]) == ("InvalidArea", ["area", *SHAPE])
        assert str(MAX_VERTICES) in told["hint"]
        assert await anna.run(document, {"area": polygon(star(MAX_VERTICES))})


async def test_foreign_members_of_a_polygon_do_no_harm(shared: Served) -> None:
    document = "query($area: AreaInput!) { reports(area: $area) { nodes { id } pageInfo { endCursor } } }"
    nested = json.dumps({"query": document, "variables": {"area": polygon(RING, bbox=0)}}).replace(
        '"bbox": 0', '"bbox": ' + "[" * 1_000 + "]" * 1_000
    )
    async with calling(shared, RESIDENT) as anna:
        answer = await anna.http.post(anna.url, content=nested, headers={"Content-Type": "application/json"})
        assert answer.json().keys() == {"data"}
