"""Points, in and out."""

import strawberry

from geo.geometry import Path, check_point
from geo.models import Point as GeoPoint


@strawberry.type(description="A place on earth (WGS84, EPSG:4326).")
class Point:
    lon: float = strawberry.field(description="Longitude in degrees, east of Greenwich. Example: 4.3007.")
    lat: float = strawberry.field(description="Latitude in degrees, north of the equator. Example: 52.0705.")


@strawberry.input(description="A place on earth (WGS84, EPSG:4326). Example: `{lon: 4.3007, lat: 52.0705}`.")
class PointInput:
    lon: float = strawberry.field(description="Longitude in degrees, -180 to 180; about 4.3 in The Hague.")
    lat: float = strawberry.field(description="Latitude in degrees, -90 to 90; about 52.1 in The Hague.")

    def checked(self, path: Path) -> GeoPoint:
        return check_point(self.lon, self.lat, path)
