"""Places and shapes: what is accepted, and the exact tests on them, alike in SQL and in Python.

All coordinates are WGS84 degrees (EPSG:4326), longitude first. All metres are geodesic metres.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import shapely
from geoalchemy2 import Geography
from pyproj import Geod
from shapely.geometry import Polygon as ShapelyPolygon
from shapely.validation import explain_validity
from sqlalchemy import ColumnElement, cast, func

from geo.errors import InvalidArea, InvalidLocation
from geo.models import AreaKind, Point

SRID = 4326
MAX_VERTICES = 1_000
MAX_POLYGON_KM2 = 50_000  # somewhat more than the Netherlands
MAX_METRES = 50_000
_GEOD = Geod(ellps="WGS84")
_LEAST_RADIUS = 6_335_000  # metres: nowhere is the earth more curved than along a meridian at the equator

Path = Sequence[str | int]


def metres_between(a: Point, b: Point) -> float:
    """Geodesic metres, by the same library as PostGIS's geography."""
    return float(_GEOD.inv(a.lon, a.lat, b.lon, b.lat)[2])


def check_point(lon: float, lat: float, path: Path) -> Point:
    """The place, if it is on earth; raises `InvalidLocation`."""
    if not (-180 <= lon <= 180 and -90 <= lat <= 90):
        raise InvalidLocation(
            f"lon {lon!s:.20}, lat {lat!s:.20} is not a place on earth.",
            path=path,
            hint="lon lies in -180..180 and lat in -90..90, in degrees (WGS84).",
        )
    return Point(float(lon), float(lat))


def sql_point(point: Point) -> ColumnElement[Any]:
    return func.ST_SetSRID(func.ST_MakePoint(point.lon, point.lat), SRID)


def sql_geography(geometry: ColumnElement[Any]) -> ColumnElement[Any]:
    # Without a type modifier, as in the index on it: with one it would be another expression to PostgreSQL.
    return cast(geometry, Geography(geometry_type=None))


@dataclass(frozen=True)
class Box:
    """Everything between two meridians and two parallels, the edges included."""

    west: float
    south: float
    east: float
    north: float

    @property
    def bounds(self) -> "Box":
        return self

    @property
    def swapped(self) -> "Box":
        return Box(self.south, self.west, self.north, self.east)

    def covers(self, point: Point) -> bool:
        return self.west <= point.lon <= self.east and self.south <= point.lat <= self.north

    @property
    def geometry(self) -> ColumnElement[Any]:
        return func.ST_MakeEnvelope(self.west, self.south, self.east, self.north, SRID)

    def condition(self, location: ColumnElement[Any]) -> ColumnElement[bool]:
        # ST_Intersects adds the exact test: boxes in the index are float32 and let just-outside points through.
        return func.ST_Intersects(location, self.geometry)

    @property
    def km2(self) -> float:
        width = math.radians(self.east - self.west) * math.cos(math.radians((self.south + self.north) / 2))
        return 6371.0**2 * abs(width) * math.radians(self.north - self.south)


@dataclass(frozen=True)
class Polygon:
    """A polygon with straight edges in lon/lat, its border included; holes are allowed."""

    rings: tuple[tuple[Point, ...], ...]

    @cached_property
    def shape(self) -> ShapelyPolygon:
        shape = ShapelyPolygon(self.rings[0], self.rings[1:])
        shapely.prepare(shape)
        return shape

    @cached_property
    def bounds(self) -> Box:
        return Box(*self.shape.bounds)

    @property
    def swapped(self) -> "Polygon":
        return Polygon(tuple(tuple(Point(p.lat, p.lon) for p in ring) for ring in self.rings))

    def covers(self, point: Point) -> bool:
        return bool(shapely.intersects_xy(self.shape, point.lon, point.lat))

    @property
    def geometry(self) -> ColumnElement[Any]:
        return func.ST_GeomFromText(self.shape.wkt, SRID)

    def condition(self, location: ColumnElement[Any]) -> ColumnElement[bool]:
        return func.ST_Intersects(location, self.geometry)


@dataclass(frozen=True)
class Circle:
    """Everything within so many metres of a point."""

    centre: Point
    metres: float

    @cached_property
    def bounds(self) -> Box:
        """A box around it, a little too large; of all longitudes where it comes to a pole or the 180th meridian."""
        lon, lat = self.centre
        reach = self.metres / _LEAST_RADIUS
        high = math.degrees(reach)
        south, north = max(-90.0, lat - high), min(90.0, lat + high)
        if south > -90 and north < 90:
            # Napier's rule, in the triangle of the pole, the centre, and where a meridian touches the circle.
            wide = math.degrees(math.asin(math.sin(reach) / math.cos(math.radians(lat))))
            if lon - wide > -180 and lon + wide < 180:
                return Box(lon - wide, south, lon + wide, north)
        return Box(-180, south, 180, north)

    @cached_property
    def outline(self) -> ShapelyPolygon:
        """A polygon just around it."""
        corners = 64
        azimuths = [360 * corner / corners for corner in range(corners)]
        around = [self.metres * 1.005] * corners  # by 1 / cos(π / 64) its sides would touch the circle
        lons, lats, _ = _GEOD.fwd([self.centre.lon] * corners, [self.centre.lat] * corners, azimuths, around)
        return ShapelyPolygon(zip(lons, lats, strict=True))

    @property
    def swapped(self) -> "Circle":
        return Circle(Point(self.centre.lat, self.centre.lon), self.metres)

    def covers(self, point: Point) -> bool:
        return metres_between(self.centre, point) <= self.metres

    @property
    def geometry(self) -> ColumnElement[Any]:
        return self.bounds.geometry

    def condition(self, location: ColumnElement[Any]) -> ColumnElement[bool]:
        return func.ST_DWithin(sql_geography(location), sql_geography(sql_point(self.centre)), self.metres)


Shape = Box | Polygon | Circle


@dataclass(frozen=True, slots=True)
class CodeArea:
    """An area by its codes: the one in force, and older ones whose reports may not have been moved over yet."""

    kind: AreaKind
    codes: tuple[str, ...]


Area = CodeArea | Shape


def check_box(west: float, south: float, east: float, north: float, path: Path) -> Box:
    """The box, if it has a size and lies on earth; raises `InvalidArea` or `InvalidLocation`."""
    check_point(west, south, path)
    check_point(east, north, path)
    if west >= east or south >= north:
        raise InvalidArea(
            "This box is empty or turned around.",
            path=path,
            hint="west < east and south < north. A box across the 180th meridian is two boxes.",
        )
    return Box(west, south, east, north)


def check_circle(lon: float, lat: float, metres: float, path: Path) -> Circle:
    """The circle, if it lies on earth and has a sensible size; raises `InvalidArea` or `InvalidLocation`."""
    centre = check_point(lon, lat, (*path, "point"))
    if not 0 < metres <= MAX_METRES:
        raise InvalidArea(
            f"{metres} metres is out of range.", path=(*path, "metres"), hint=f"More than 0, at most {MAX_METRES}."
        )
    return Circle(centre, metres)


def check_polygon(value: Any, path: Path) -> Polygon:
    """An RFC 7946 Polygon object as a `Polygon`; raises `InvalidArea` or `InvalidLocation`."""

    def refuse(message: str, hint: str, *where: str | int) -> InvalidArea:
        return InvalidArea(message, path=(*path, *where), hint=hint)

    shape_hint = 'An object {"type": "Polygon", "coordinates": [[[lon, lat], …]]} as in RFC 7946.'
    if not isinstance(value, dict) or value.get("type") != "Polygon":
        raise refuse("This is not a GeoJSON Polygon.", shape_hint)
    coordinates = value.get("coordinates")
    if not isinstance(coordinates, list) or not coordinates or not all(isinstance(r, list) for r in coordinates):
        raise refuse("A polygon is a non-empty list of rings.", shape_hint, "coordinates")
    if (vertices := sum(map(len, coordinates))) > MAX_VERTICES:
        raise refuse(f"This polygon has {vertices} vertices.", f"At most {MAX_VERTICES}: simplify it.", "coordinates")
    rings = tuple(
        tuple(_vertex(v, (*path, "coordinates", i, j)) for j, v in enumerate(ring))
        for i, ring in enumerate(coordinates)
    )
    for i, ring in enumerate(rings):
        if len(ring) < 4:
            raise refuse("A ring has at least four positions.", "The last repeats the first.", "coordinates", i)
        if ring[0] != ring[-1]:
            raise refuse("This ring is open.", "Repeat the first position at the end.", "coordinates", i)
    polygon = Polygon(rings)
    if not polygon.shape.is_valid:
        reason = explain_validity(polygon.shape)
        raise refuse(f"This polygon is not valid: {reason}.", "Its rings may not cross or touch themselves.")
    if polygon.shape.area == 0:
        raise refuse("This polygon encloses nothing.", "Give at least three places that are not on one line.")
    if (km2 := abs(_GEOD.geometry_area_perimeter(polygon.shape)[0]) / 1e6) > MAX_POLYGON_KM2:
        raise refuse(f"This polygon covers {km2:.0f} km².", f"At most {MAX_POLYGON_KM2} km²; ask for a smaller part.")
    return polygon


def _vertex(value: Any, path: Path) -> Point:
    numbers = isinstance(value, list) and len(value) in (2, 3) and all(type(n) in (int, float) for n in value)
    if not numbers:
        raise InvalidArea("This is not a position.", path=path, hint="[lon, lat], two numbers in degrees.")
    return check_point(value[0], value[1], path)
