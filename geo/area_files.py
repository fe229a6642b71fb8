"""Official area files into checked features, under the attribute names that CBS and PDOK gave them over the years.

Every feature of a file ends up in exactly one place: taken, skipped because it is water, or rejected by name with the
reason. A file that as a whole can't be trusted raises `InvalidAreaFile`.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from geo.area_layers import InvalidAreaFile, Layer, layers
from geo.models import AreaKind

# The codes of each kind. Those of CBS begin with the digits of their municipality, a neighbourhood's with those of its
# district.
_FORMS = {
    AreaKind.MUNICIPALITY: re.compile(r"GM[0-9]{4}"),
    AreaKind.DISTRICT: re.compile(r"WK[0-9]{6}"),
    AreaKind.NEIGHBOURHOOD: re.compile(r"BU[0-9]{8}"),
    AreaKind.BOROUGH: re.compile(r"SD-[A-Za-z0-9-]{1,60}"),
}
# Attributes that may hold the code with the one for its name, finest first; without case and underscores.
_NAMED = (
    ("identificatie", "naam"),
    ("code", "name"),
    ("statcode", "statnaam"),
    ("buurtcode", "buurtnaam"),
    ("bucode", "bunaam"),
    ("wijkcode", "wijknaam"),
    ("wkcode", "wknaam"),
    ("gemeentecode", "gemeentenaam"),
    ("gmcode", "gmnaam"),
)
_FLAGS = ("approximate", "derived")
_WANTED = frozenset({*(attribute for pair in _NAMED for attribute in pair), *_FLAGS, "water"})
_NETHERLANDS = (3.0, 50.5, 7.5, 54.0)  # west, south, east, north


class _Rejection(Exception):
    """Why a feature can't be taken."""


@dataclass(frozen=True, slots=True)
class Feature:
    """An area as the file has it. `wkb` is a valid MultiPolygon in WGS84, longitude first."""

    code: str
    kind: AreaKind
    name: str
    municipality_code: str
    municipality_name: str | None
    approximate: bool
    wkb: bytes

    @property
    def digest(self) -> bytes:
        """Of all that the file says of the area."""
        said = (self.kind, self.name, self.municipality_code, str(self.approximate))
        return hashlib.sha256("\0".join(said).encode() + b"\0" + self.wkb).digest()


@dataclass(frozen=True, slots=True)
class Rejected:
    """A feature that was not taken: its code, or its place in the file where it has none, and the reason."""

    feature: str
    reason: str


@dataclass(frozen=True, slots=True)
class AreaFile:
    """What a file holds. `repaired` are the codes of features whose geometry was not valid as it stood."""

    features: list[Feature] = field(default_factory=list)
    repaired: list[str] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    skipped: int = 0


def read(path: Path, approximate: bool | None = None) -> AreaFile:
    """All features of all layers that have area codes; raises `InvalidAreaFile`.

    `approximate` says whether the borders are rough drawings. None leaves it to the file: to its attributes
    `approximate` and `derived`, and to the distance between its vertices.
    """
    found: dict[str, Feature] = {}
    repaired, rejected, skipped = [], [], 0
    coded = [(layer, names) for layer in layers(path, _WANTED) if (names := _names(layer))]
    if not coded:
        raise InvalidAreaFile(
            f"{path} has no layer with codes of areas.",
            hint=f"One of the attributes {', '.join(code for code, _ in _NAMED)}, in any case, with or without _.",
        )
    for layer, (code_attribute, name_attribute) in coded:
        for row in layer.rows:
            if row.values.get("water", "").upper() in ("JA", "B"):
                skipped += 1
                continue
            code = row.values[code_attribute]
            flagged = layer.coarse or any(row.values.get(flag, "").lower() in ("true", "1", "1.0") for flag in _FLAGS)
            try:
                kind, municipality = _kind_and_municipality(code, row.values)
                if code in found:
                    raise _Rejection("occurs twice in this file; the first was taken")
                shape, mended = _multipolygon(row.shape)
            except _Rejection as reason:
                rejected.append(Rejected(code or f"{layer.title}, feature {row.number}", str(reason)))
                continue
            found[code] = Feature(
                code=code,
                kind=kind,
                name=row.values.get(name_attribute) or code,
                municipality_code=municipality,
                municipality_name=row.values.get("gemeentenaam") or row.values.get("gmnaam") or None,
                approximate=flagged if approximate is None else approximate,
                wkb=shapely.to_wkb(shape, byte_order=1),
            )
            if mended or row.closed:
                repaired.append(code)
    return AreaFile([*found.values()], repaired, rejected, skipped)


def _names(layer: Layer) -> tuple[str, str] | None:
    """The attributes with the code and the name of this layer's areas."""
    return next((pair for pair in _NAMED if pair[0] in layer.attributes), None)


def _kind_and_municipality(code: str, values: Mapping[str, str]) -> tuple[AreaKind, str]:
    if not code:
        raise _Rejection("has no code")
    kind = next((kind for kind, form in _FORMS.items() if form.fullmatch(code)), None)
    if kind is None:
        raise _Rejection("is not a code of the form GM0000, WK000000, BU00000000 or SD-name")
    if kind is AreaKind.MUNICIPALITY:
        return kind, code
    for stated in (values.get("gemeentecode", ""), values.get("gmcode", "")):
        if _FORMS[AreaKind.MUNICIPALITY].fullmatch(stated):
            return kind, stated
    if kind is AreaKind.BOROUGH:
        raise _Rejection("does not say in gemeente_code which municipality it is in")
    return kind, f"GM{code[2:6]}"


def _multipolygon(shape: BaseGeometry | None) -> tuple[BaseGeometry, bool]:
    """A valid MultiPolygon, and whether it had to be repaired."""
    if shape is None:
        raise _Rejection("has no geometry, or one that can't be read")
    if shape.geom_type not in ("Polygon", "MultiPolygon"):
        raise _Rejection(f"is a {shape.geom_type}, not a polygon")
    if shape.is_empty:
        raise _Rejection("encloses nothing")
    _check_place(shape)
    # GEOS takes a ring without vertices for valid, and crashes on it later; PostGIS refuses it.
    valid = shape.is_valid and not shapely.is_empty(shapely.get_rings(shapely.get_parts(shape))).any()
    if not valid:
        shape = shapely.make_valid(shape, method="structure", keep_collapsed=False)
    parts = [part for part in shapely.get_parts(shape) if part.geom_type == "Polygon" and part.area > 0]
    if not parts:
        raise _Rejection("encloses nothing")
    return shapely.multipolygons(parts), not valid


def _check_place(shape: BaseGeometry) -> None:
    vertices = shapely.get_coordinates(shape)
    if not (np.isfinite(vertices).all() and (np.abs(vertices) <= (180, 90)).all()):
        raise _Rejection("does not lie on earth")
    here, turned = shapely.box(*_NETHERLANDS), shapely.box(*shape.bounds[1::-1], *shape.bounds[:1:-1])
    if not here.intersects(shapely.box(*shape.bounds)) and here.covers(turned):
        raise _Rejection("has its axes swapped: latitude before longitude")
