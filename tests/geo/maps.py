"""Small maps for tests, written as files in the forms that official ones have, imported, and looked at."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyogrio
import shapely
from pyproj import Transformer
from shapely.geometry.base import BaseGeometry
from sqlalchemy import text

from geo import areas
from geo.db import Database
from geo.models import Area, Point
from geo.usecases.import_areas import ImportSummary, import_areas

_TO_RD = Transformer.from_crs("EPSG:4326", "EPSG:28992", always_xy=True)
Feature = tuple[Mapping[str, Any], Any]  # attributes, and a shape or a GeoJSON geometry


def square(west: float, south: float, size: float = 0.01) -> BaseGeometry:
    return shapely.box(west, south, west + size, south + size)


def geojson(path: Path, features: Sequence[Feature], crs: str | None = None) -> Path:
    def geometry(shape: Any) -> Any:
        return shapely.geometry.mapping(shape) if isinstance(shape, BaseGeometry) else shape

    collection: dict[str, Any] = {
        "type": "FeatureCollection",
        "features": [{"type": "Feature", "properties": told, "geometry": geometry(shape)} for told, shape in features],
    }
    if crs:
        collection["crs"] = {"type": "name", "properties": {"name": crs}}
    path.write_bytes(orjson.dumps(collection))
    return path


def geopackage(path: Path, layers: Mapping[str, Sequence[Feature]], crs: str | None) -> Path:
    for number, (title, features) in enumerate(layers.items()):
        names = list(features[0][0])
        pyogrio.raw.write(
            path,
            shapely.to_wkb([shape for _, shape in features]),
            [np.array([told[name] for told, _ in features], dtype=object) for name in names],
            names,
            layer=title,
            driver="GPKG",
            geometry_type=features[0][1].geom_type,
            crs=crs,
            append=number > 0,
        )
    return path


def in_rd(shape: BaseGeometry) -> BaseGeometry:
    """A WGS84 shape in RD New metres."""
    return shapely.transform(shape, lambda xy: np.column_stack(_TO_RD.transform(*xy.T)))


def area(code: str, shape: Any, name: str | None = None, **more: Any) -> Feature:
    return {"code": code, "name": name or f"Gebied {code}", **more}, shape


class Importer:
    """Imports features as a file of their own."""

    def __init__(self, db: Database, folder: Path) -> None:
        self.db = db
        self._path = folder / "map.geojson"

    async def __call__(self, features: Sequence[Feature], **options: Any) -> ImportSummary:
        return await import_areas(self.db, geojson(self._path, features), **options)


# A town of 0.02 x 0.02 degrees: four districts in a square, the western two a borough, the south-west one with two
# neighbourhoods.
TOWN = [area("GM0001", square(5, 52, 0.02), "Stad")]
BOROUGHS = [area("SD-west", shapely.box(5, 52, 5.01, 52.02), "West", gemeente_code="GM0001")]
DISTRICTS = [
    area("WK000101", square(5, 52), "Zuidwest"),
    area("WK000102", square(5.01, 52), "Zuidoost"),
    area("WK000103", square(5, 52.01), "Noordwest"),
    area("WK000104", square(5.01, 52.01), "Noordoost"),
]
NEIGHBOURHOODS = [
    area("BU00010101", shapely.box(5, 52, 5.01, 52.005), "Kade"),
    area("BU00010102", shapely.box(5, 52.005, 5.01, 52.01), "Haven"),
]
PARENTS = {
    "GM0001": None,
    "SD-west": "GM0001",
    "WK000101": "SD-west",
    "WK000102": "GM0001",
    "WK000103": "SD-west",
    "WK000104": "GM0001",
    "BU00010101": "WK000101",
    "BU00010102": "WK000101",
}
SOUTH, NORTH = Point(5.005, 52.005), Point(5.005, 52.015)  # in Haven, and in Noordwest


async def in_force(db: Database) -> dict[str, Area]:
    async with db.read() as conn:
        found = await areas.search(conn, kind=None, within=None, search=None, first=10_000, after=None)
    return {area.code: area for area in found}


async def parents(db: Database) -> dict[str, str | None]:
    return {code: area.parent_code for code, area in (await in_force(db)).items()}


async def states(db: Database) -> dict[str, int]:
    async with db.read() as conn:
        rows = await conn.execute(text("SELECT state, count(*) AS versions FROM area GROUP BY state"))
        return {row.state: row.versions for row in rows}


def counts(summary: ImportSummary) -> dict[str, int]:
    told = {name: getattr(summary, name) for name in ("added", "replaced", "unchanged", "kept", "skipped")}
    return {name: count for name, count in (told | {"ended": len(summary.ended)}).items() if count}
