from typing import Any

import orjson
import pytest
import shapely
from shapely.geometry import shape

from geo.demo import areas


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The drawn shape of each code."""
    path = tmp_path_factory.mktemp("demo") / "areas.geojson"
    areas.write(path)
    features = orjson.loads(path.read_bytes())["features"]
    return {f["properties"]["code"]: shape(f["geometry"]) for f in features}


def test_districts_cover_the_city_without_gap_or_overlap(shapes: dict[str, Any]) -> None:
    for parts, whole in (("WK", "GM"), ("SD", "GM")):
        city = sum(drawn.area for code, drawn in shapes.items() if code.startswith(whole))
        assert sum(drawn.area for code, drawn in shapes.items() if code.startswith(parts)) == pytest.approx(city)
    assert len(shapes) == len(areas.rows())
    assert {code for code in shapes if code.startswith("WK")} == {f"WK0518{number:02d}" for number in range(1, 45)}
    assert len([code for code in shapes if code.startswith("SD")]) == 8
    assert all(drawn.is_valid and drawn.geom_type == "Polygon" for drawn in shapes.values())


def test_each_area_holds_its_own_point_and_lies_in_its_parent(shapes: dict[str, Any]) -> None:
    for row in areas.rows():
        if row["lon"]:
            assert shapes[row["code"]].contains(shapely.Point(float(row["lon"]), float(row["lat"])))
        if row["parent"]:
            assert shapes[row["parent"]].buffer(1e-9).covers(shapes[row["code"]])


def test_the_city_lies_as_it_should(shapes: dict[str, Any]) -> None:
    def middle(code: str) -> Any:
        return shapes[code].centroid

    centre = middle("WK051828")
    assert middle("WK051807").x < centre.x < middle("WK051842").x  # Scheveningen, the centre, Ypenburg
    assert middle("WK051840").y < centre.y < middle("WK051807").y  # Wateringse Veld, the centre, Scheveningen
    sea = shapely.LineString([(4.198, 52.061), (4.262, 52.107), (4.318, 52.134)])
    assert shapes["WK051807"].distance(sea) < 0.01
    assert shapes["WK051842"].distance(sea) > 0.08
    assert shapes["WK051829"].contains(shapely.Point(4.3007, 52.0705))
