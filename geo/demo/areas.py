"""Areas of The Hague, roughly where they are: good for trying things out, never for deciding whose job something is.

A district is all that lies nearer to its own point in areas.csv than to another's, within an outline drawn by hand;
neighbourhoods divide some districts in the same way; boroughs and the municipality are what their parts add up to.
"""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import orjson
import shapely
from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

MUNICIPALITY = "GM0518"
# From Kijkduin along the sea to Meijendel, then back by Mariahoeve, Leidschenveen, Ypenburg and the Wateringse Veld.
OUTLINE = shapely.Polygon(
    [
        (4.198, 52.061), (4.222, 52.074), (4.247, 52.095), (4.262, 52.107), (4.281, 52.119), (4.303, 52.131),
        (4.318, 52.134), (4.334, 52.121), (4.346, 52.106), (4.368, 52.106), (4.375, 52.096), (4.358, 52.085),
        (4.352, 52.075), (4.349, 52.060), (4.366, 52.056), (4.380, 52.072), (4.405, 52.077), (4.421, 52.064),
        (4.408, 52.052), (4.392, 52.035), (4.373, 52.029), (4.343, 52.037), (4.340, 52.050), (4.327, 52.056),
        (4.309, 52.045), (4.304, 52.032), (4.290, 52.022), (4.269, 52.030), (4.246, 52.035), (4.222, 52.044),
        (4.199, 52.044), (4.190, 52.053),
    ]
)  # fmt: skip
_STRETCH = (np.cos(np.radians(52.07)), 1.0)  # makes a degree of longitude as long as one of latitude here

Row = dict[str, str]


def rows() -> list[Row]:
    """The table of areas: code, name, parent, and a point in districts and neighbourhoods."""
    with Path(__file__).with_name("areas.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write(path: Path) -> None:
    """Write every demo area into a GeoJSON file such as official ones are."""
    table = rows()
    shapes = _shapes(table)
    features = [
        {
            "type": "Feature",
            "properties": {"code": row["code"], "name": row["name"], "gemeente_code": MUNICIPALITY},
            "geometry": mapping(shapes[row["code"]]),
        }
        for row in table
    ]
    path.write_bytes(orjson.dumps({"type": "FeatureCollection", "features": features}))


def _shapes(table: Sequence[Row]) -> dict[str, BaseGeometry]:
    """The shape of each code, in degrees."""
    of_kind = {kind: [row for row in table if row["code"].startswith(kind)] for kind in ("GM", "SD", "WK", "BU")}
    shapes = dict(_cells(of_kind["WK"], OUTLINE))
    for row in of_kind["WK"]:
        shapes |= _cells([part for part in of_kind["BU"] if part["parent"] == row["code"]], shapes[row["code"]])
    for row in (*of_kind["SD"], *of_kind["GM"]):
        shapes[row["code"]] = shapely.union_all(
            [shapes[part["code"]] for part in table if part["parent"] == row["code"]]
        )
    return shapes


def _cells(owners: Sequence[Row], whole: BaseGeometry) -> Iterator[tuple[str, BaseGeometry]]:
    """What of the whole lies nearest to each owner's point."""
    if not owners:
        return
    points = np.array([(float(row["lon"]), float(row["lat"])) for row in owners]) * _STRETCH
    border = shapely.transform(whole, lambda places: places * _STRETCH)
    cells = shapely.voronoi_polygons(shapely.multipoints(points), extend_to=border, ordered=True)
    for row, cell in zip(owners, shapely.get_parts(cells), strict=True):
        yield row["code"], shapely.transform(cell.intersection(border), lambda places: places / _STRETCH)
