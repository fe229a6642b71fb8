"""Small maps for tests, written as files in the forms that official ones have."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyogrio
import shapely
from pyproj import Transformer
from shapely.geometry.base import BaseGeometry

from geo.db import Database
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
