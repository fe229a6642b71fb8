"""Shapes: what is accepted as one, and that the test in Python and the one in SQL agree on every point."""

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pyproj import Geod
from shapely.geometry import MultiPoint
from shapely.geometry import Point as ShapelyPoint
from sqlalchemy import column, func, select

from geo.db import Database
from geo.errors import InvalidArea, InvalidLocation, Problem
from geo.geometry import (
    MAX_METRES,
    MAX_POLYGON_KM2,
    MAX_VERTICES,
    Box,
    Circle,
    Polygon,
    Shape,
    check_box,
    check_circle,
    check_point,
    check_polygon,
    metres_between,
)
from geo.models import Point

T = TypeVar("T")


def outcome(check: Callable[..., T], *given: Any) -> T | Problem:
    """What was made of it, or the problem with it."""
    try:
        return check(*given)
    except Problem as problem:
        return problem


degrees = st.floats(4.28, 4.32), st.floats(52.06, 52.08)
corners = st.sampled_from([4.28, 4.29, 4.3, 4.32]), st.sampled_from([52.06, 52.065, 52.07, 52.08])
points = st.builds(Point, degrees[0] | corners[0], degrees[1] | corners[1])
boxes = st.builds(
    lambda a, b: Box(min(a.lon, b.lon), min(a.lat, b.lat), max(a.lon, b.lon), max(a.lat, b.lat)), points, points
).filter(lambda box: box.west < box.east and box.south < box.north)
circles = st.builds(Circle, points, st.floats(0.1, 3_000))


@st.composite
def polygons(draw: st.DrawFn) -> Polygon:
    """A convex polygon, sometimes with a hole."""
    hull = MultiPoint(draw(st.lists(points, min_size=4, max_size=12))).convex_hull
    assume(hull.geom_type == "Polygon" and hull.is_valid and hull.area > 1e-7)
    rings = [hull.exterior.coords]
    hole = hull.buffer(-1e-4)
    if draw(st.booleans()) and hole.geom_type == "Polygon" and hole.area > 1e-8:
        rings.append(hole.exterior.coords)
    return Polygon(tuple(tuple(Point(*place) for place in ring) for ring in rings))


shapes: st.SearchStrategy[Shape] = boxes | circles | polygons()


def interesting(shape: Shape) -> list[Point]:
    """The places where the two might differ: on the border, and as close to it as numbers come."""
    match shape:
        case Box(west, south, east, north):
            found = [Point(lon, lat) for lon in (west, (west + east) / 2, east) for lat in (south, north)]
        case Polygon(rings):
            found = [place for ring in rings for place in ring]
            found += [Point((a.lon + b.lon) / 2, (a.lat + b.lat) / 2) for a, b in pairwise(found)]
        case Circle(centre):
            found = [centre]
    return found + [
        Point(math.nextafter(place.lon, up), math.nextafter(place.lat, up)) for place in found for up in (0, 90)
    ]


@pytest.mark.anyio
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(shapes, st.lists(points, max_size=20))
async def test_python_and_sql_agree(db: Database, shape: Shape, others: list[Point]) -> None:
    asked = [*interesting(shape), *others]
    match shape:
        case Circle(centre, metres):  # both compute metres, to some nanometres
            asked = [place for place in asked if abs(metres_between(centre, place) - metres) > 1e-5]
        case Polygon(rings):  # beside a slanting edge the last digit decides, and the two round differently
            corners, border = {place for ring in rings for place in ring}, shape.shape.boundary
            asked = [place for place in asked if place in corners or border.distance(ShapelyPoint(*place)) > 1e-12]
    rows = func.unnest([place.lon for place in asked], [place.lat for place in asked]).table_valued("lon", "lat")
    location = func.ST_SetSRID(func.ST_MakePoint(column("lon"), column("lat")), 4326)
    async with db.read() as conn:
        found = await conn.scalars(select(shape.condition(location)).select_from(rows.render_derived()))
    assert list(found) == [shape.covers(place) for place in asked]


@given(shapes, st.lists(points, max_size=20))
def test_a_shape_lies_within_its_bounds(shape: Shape, others: list[Point]) -> None:
    for place in (*interesting(shape), *others):
        assert not shape.covers(place) or shape.bounds.covers(place)


far = st.builds(Point, st.floats(-180, 180), st.floats(-90, 90))


@given(far, st.floats(1, MAX_METRES), st.floats(0, 360), st.floats(0, 0.999))
def test_a_circle_covers_what_is_within_its_metres(centre: Point, metres: float, azimuth: float, part: float) -> None:
    """Anywhere on earth, and in all directions."""
    circle = Circle(centre, metres)
    for share, inside in ((part, True), (2 - part, False)):
        lon, lat, _ = Geod(ellps="WGS84").fwd(centre.lon, centre.lat, azimuth, metres * share)
        assert circle.covers(Point(lon, lat)) is inside
        assert circle.bounds.covers(Point(lon, lat)) or not inside


@given(shapes)
def test_turning_the_axes_twice_changes_nothing(shape: Shape) -> None:
    assert shape.swapped.swapped == shape


@given(st.floats() | st.integers(), st.floats() | st.integers())
def test_a_place_is_on_earth_or_refused(lon: float, lat: float) -> None:
    found = outcome(check_point, lon, lat, ("at",))
    if abs(lon) <= 180 and abs(lat) <= 90:
        assert found == (lon, lat)
    else:
        assert isinstance(found, InvalidLocation)
        assert found.path == ("at",)
        assert found.hint


@given(st.tuples(*[st.floats()] * 4) | st.tuples(*[st.floats(-90, 90)] * 4))
def test_a_box_has_a_size_or_is_refused(edges: tuple[float, float, float, float]) -> None:
    west, south, east, north = edges
    found = outcome(check_box, *edges, ())
    if -180 <= west < east <= 180 and -90 <= south < north <= 90:
        assert found == Box(*edges)
    else:
        assert isinstance(found, InvalidArea | InvalidLocation)


@given(st.floats() | st.integers())
def test_a_circle_has_a_sensible_size_or_is_refused(metres: float) -> None:
    found = outcome(check_circle, 4.3, 52.07, metres, ())
    if 0 < metres <= MAX_METRES:
        assert found == Circle(Point(4.3, 52.07), metres)
    else:
        assert isinstance(found, InvalidArea)
        assert found.path == ("metres",)


@given(polygons(), st.booleans())
def test_a_polygon_is_read_as_it_was_written(polygon: Polygon, high: bool) -> None:
    rings = [[[*place, 12.5] if high else [*place] for place in ring] for ring in polygon.rings]
    assert check_polygon({"type": "Polygon", "coordinates": rings, "bbox": None}, ()) == polygon


anything: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=20,
)
few = st.sampled_from([0, 1, 2, 3]) | st.floats(-1e3, 1e3)
rings = st.lists(st.tuples(few, few).map(list) | anything, max_size=8).map(lambda ring: ring + ring[:1])


@given(anything | st.fixed_dictionaries({"type": st.just("Polygon"), "coordinates": st.lists(rings | anything)}))
def test_whatever_is_sent_is_a_polygon_or_refused_by_name(value: Any) -> None:
    found = outcome(check_polygon, value, ("area",))
    if isinstance(found, Problem):
        assert found.path[0] == "area"
        assert found.hint
    else:
        assert found.shape.is_valid
        assert found.shape.area > 0
        assert sum(map(len, found.rings)) <= MAX_VERTICES


def test_a_country_fits_in_a_polygon_and_a_larger_one_does_not() -> None:
    def square(side: float) -> dict[str, Any]:
        ring = [[4, 50], [4 + side, 50], [4 + side, 50 + side], [4, 50 + side], [4, 50]]
        return {"type": "Polygon", "coordinates": [ring]}

    assert check_polygon(square(2.4), ())
    with pytest.raises(InvalidArea, match="km²") as refused:
        check_polygon(square(2.7), ())
    assert str(MAX_POLYGON_KM2) in refused.value.hint


def test_metres_are_those_of_the_earth() -> None:
    """A degree of latitude at 52 degrees is 111.26 km, one of longitude 68.68 km (WGS84)."""
    assert metres_between(Point(4, 51.5), Point(4, 52.5)) == pytest.approx(111_263, abs=5)
    assert metres_between(Point(4, 52), Point(5, 52)) == pytest.approx(68_678, abs=5)
    assert Box(4, 51.5, 5, 52.5).km2 == pytest.approx(111.26 * 68.68, rel=0.005)
