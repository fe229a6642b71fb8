"""The layers of a geographic file (GeoJSON, GeoPackage, whatever else GDAL reads): shapes in WGS84, with attributes."""

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import shapely
from pyogrio.errors import DataLayerError, DataSourceError
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError
from shapely.geometry.base import BaseGeometry

from geo.errors import Problem
from geo.geometry import SRID

WGS84 = CRS.from_epsg(SRID)
RD_NEW = CRS.from_epsg(28992)
METRES_A_DEGREE = 111_320  # of latitude
# Vertices of an official map lie some metres apart, those of a map drawn for small scales many hundreds.
COARSE_METRES = 200
JUDGED_VERTICES = 1_000  # with fewer, a layer says too little about how it was drawn


class InvalidAreaFile(Problem):
    """This file can't be read as a map of areas."""


@dataclass(frozen=True, slots=True)
class Row:
    """A feature: its number in the layer from 1, its shape (None where it can't be read), its attributes as text.

    `closed` tells that its rings had to be closed.
    """

    number: int
    shape: BaseGeometry | None
    closed: bool
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Layer:
    """A table of features. Names of attributes are written without case and underscores."""

    title: str
    attributes: frozenset[str]
    coarse: bool
    rows: list[Row]


def layers(path: Path, wanted: frozenset[str]) -> Iterator[Layer]:
    """The layers that have a geometry, with those of the wanted attributes that they have; raises `InvalidAreaFile`."""
    try:
        for title, kind in pyogrio.list_layers(path):
            if kind is not None:
                yield _layer(path, title, wanted)
    except (DataSourceError, DataLayerError, CRSError) as error:
        raise InvalidAreaFile(f"{path} can't be read: {error}", hint="GeoJSON or GeoPackage.") from error


def _layer(path: Path, title: str, wanted: frozenset[str]) -> Layer:
    plain = {name: name.lower().replace("_", "") for name in pyogrio.read_info(path, layer=title)["fields"]}
    columns = [name for name in plain if plain[name] in wanted]
    with warnings.catch_warnings():
        # What GDAL warns of, such as open rings, is told by name below.
        warnings.simplefilter("ignore", RuntimeWarning)
        meta, _, wkb, fields = pyogrio.raw.read(path, layer=title, columns=columns, force_2d=True)
    names = [plain[name] for name in meta["fields"]]
    shapes = shapely.from_wkb(wkb, on_invalid="fix")
    closed = shapely.is_missing(shapely.from_wkb(wkb, on_invalid="ignore")) & ~shapely.is_missing(shapes)
    shapes = _in_wgs84(shapes, meta["crs"], f"{path}, layer {title}")
    values = ([_text(value) for value in column] for column in fields)
    told = [dict(zip(names, row, strict=True)) for row in zip(*values, strict=True)] or [{}] * len(shapes)
    rows = [Row(*row) for row in zip(range(1, len(shapes) + 1), shapes, closed, told, strict=True)]
    return Layer(title, frozenset(names), _is_coarse(shapes), rows)


def _text(value: Any) -> str:
    """The value as text without surrounding space; empty where there is none."""
    return "" if value is None or value != value else str(value).strip()  # noqa: PLR0124 - NaN, GDAL's null number


def _in_wgs84(shapes: Any, declared: str | None, where: str) -> Any:
    crs = _crs(shapes, declared, where)
    if crs == WGS84:
        return shapes
    to_wgs84 = Transformer.from_crs(crs, WGS84, always_xy=True)
    return shapely.transform(shapes, lambda xy: np.column_stack(to_wgs84.transform(*xy.T)))


def _crs(shapes: Any, declared: str | None, where: str) -> CRS:
    """What the coordinates are, checked against what the file says they are."""
    said = CRS.from_user_input(declared) if declared else None
    if not shapely.get_num_coordinates(shapes).any():
        return said or WGS84
    x, y = np.nanmedian(shapely.get_coordinates(shapes), axis=0)
    degrees = abs(x) <= 180 and abs(y) <= 90
    if said is not None and not said.is_geographic:
        if degrees:
            raise InvalidAreaFile(
                f"{where} says that it is in {said.name}, yet its coordinates are degrees.",
                hint="Write the file again with its true coordinate reference system.",
            )
        return said
    if degrees:
        return said or WGS84
    # RFC 7946 has no way to say that GeoJSON is in RD New, and it is written so all the same.
    if -7_000 <= x <= 300_000 and 289_000 <= y <= 629_000:
        return RD_NEW
    raise InvalidAreaFile(
        f"{where} does not say what its coordinates are, such as {x:.0f}, {y:.0f}.",
        hint="Write the file again with its coordinate reference system.",
    )


def _is_coarse(shapes: Any) -> bool:
    """Whether the borders were drawn for small scales, judged by the median distance between neighbouring vertices."""
    vertices, ring = shapely.get_coordinates(shapely.get_rings(shapely.get_parts(shapes)), return_index=True)
    if len(vertices) < JUDGED_VERTICES:
        return False
    steps = np.diff(vertices, axis=0)[np.diff(ring) == 0] * METRES_A_DEGREE
    steps[:, 0] *= np.cos(np.radians(np.nanmedian(vertices[:, 1])))
    return bool(np.nanmedian(np.hypot(*steps.T)) > COARSE_METRES)
