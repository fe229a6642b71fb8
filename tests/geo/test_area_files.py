import random
from pathlib import Path
from typing import Any

import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geo.area_files import AreaFile, read
from geo.area_layers import InvalidAreaFile
from geo.models import AreaKind
from tests.geo.maps import area, geojson, geopackage, in_rd, square

HERE = square(5.0, 52.0)
POINTS = shapely.Point(5, 52)


def reasons(found: AreaFile) -> dict[str, str]:
    return {rejected.feature: rejected.reason for rejected in found.rejected}


def shape_of(found: AreaFile, code: str) -> Any:
    return shapely.from_wkb(next(feature.wkb for feature in found.features if feature.code == code))


@pytest.mark.parametrize(
    ("attributes", "kind", "name", "municipality"),
    [
        ({"code": "WK000102", "name": "Noord"}, AreaKind.DISTRICT, "Noord", "GM0001"),
        (
            {"statcode": "BU00010203", "statnaam": "Dok", "jrstatcode": "2024BU00010203"},
            "NEIGHBOURHOOD",
            "Dok",
            "GM0001",
        ),
        (
            {"buurtcode": "BU00010203", "buurtnaam": "Dok", "wijkcode": "WK000102", "gemeentecode": "GM0009"},
            AreaKind.NEIGHBOURHOOD,
            "Dok",
            "GM0009",
        ),
        (
            {"BU_CODE": "BU00010203", "BU_NAAM": "Dok", "WK_CODE": "WK000102", "GM_CODE": "GM0001"},
            "NEIGHBOURHOOD",
            "Dok",
            "GM0001",
        ),
        (
            {"WK_CODE": "WK000102", "WK_NAAM": "Noord", "GM_CODE": "GM0001", "GM_NAAM": "Stad"},
            "DISTRICT",
            "Noord",
            "GM0001",
        ),
        ({"GM_CODE": "GM0001", "GM_NAAM": "Stad"}, AreaKind.MUNICIPALITY, "Stad", "GM0001"),
        ({"gemeentecode": "GM0001", "gemeentenaam": "Stad", "jaar": 2024}, AreaKind.MUNICIPALITY, "Stad", "GM0001"),
        ({"identificatie": "GM0001", "naam": "Stad", "code": "0001"}, AreaKind.MUNICIPALITY, "Stad", "GM0001"),
        (
            {"code": "SD-oost", "name": "Oost", "gemeente_code": "GM0001", "wijken": ["WK000102"]},
            "BOROUGH",
            "Oost",
            "GM0001",
        ),
        ({"code": "WK000102", "name": None}, AreaKind.DISTRICT, "WK000102", "GM0001"),
    ],
)
def test_current_and_older_attribute_names(
    tmp_path: Path, attributes: dict[str, Any], kind: str, name: str, municipality: str
) -> None:
    found = read(geojson(tmp_path / "map.geojson", [(attributes, HERE)]))
    assert not found.rejected
    (feature,) = found.features
    assert (feature.kind, feature.name, feature.municipality_code) == (kind, name, municipality)
    assert shapely.from_wkb(feature.wkb).equals(HERE)


def test_a_geopackage_in_rd_new_with_a_layer_for_each_kind(tmp_path: Path) -> None:
    shape = in_rd(HERE)
    told = {"BU_CODE": "BU00010203", "BU_NAAM": "Dok", "WK_CODE": "WK000102", "GM_CODE": "GM0001"}
    layers = {
        "gemeenten": [({"GM_CODE": "GM0001", "GM_NAAM": "Stad"}, shape)],
        "wijken": [({"WK_CODE": "WK000102", "WK_NAAM": "Noord", "GM_CODE": "GM0001", "GM_NAAM": "Stad"}, shape)],
        "buurten": [(told, shape)],
        "punten": [({"soort": "station"}, shape.centroid)],
    }
    found = read(geopackage(tmp_path / "map.gpkg", layers, "EPSG:28992"))
    assert [feature.code for feature in found.features] == ["GM0001", "WK000102", "BU00010203"]
    assert found.features[1].municipality_name == "Stad"
    assert not found.rejected
    for feature in found.features:
        assert shapely.from_wkb(feature.wkb).hausdorff_distance(HERE) < 1e-7  # a centimetre


def test_rd_new_is_put_where_it_belongs(tmp_path: Path) -> None:
    # The tower of Our Lady in Amersfoort is the origin of RD New: 155000, 463000.
    around = shapely.Point(155_000, 463_000).buffer(50)
    found = read(geojson(tmp_path / "map.geojson", [area("WK000102", around)], "urn:ogc:def:crs:EPSG::28992"))
    centre = shape_of(found, "WK000102").centroid
    assert centre.x == pytest.approx(5.38720621, abs=1e-5)
    assert centre.y == pytest.approx(52.15517440, abs=1e-5)


def test_rd_new_that_is_not_said_is_never_taken_for_degrees(tmp_path: Path) -> None:
    unsaid = read(geojson(tmp_path / "map.geojson", [area("WK000102", in_rd(HERE))]))
    with pytest.warns(UserWarning, match="crs"):
        geopackage(tmp_path / "map.gpkg", {"wijken": [area("WK000102", in_rd(HERE))]}, None)
    for found in (unsaid, read(tmp_path / "map.gpkg")):
        assert shape_of(found, "WK000102").hausdorff_distance(HERE) < 1e-7


@pytest.mark.parametrize(
    ("shape", "crs", "message"),
    [
        (HERE, "urn:ogc:def:crs:EPSG::28992", "yet its coordinates are degrees"),
        (shapely.box(6e5, 6.8e6, 6.01e5, 6.81e6), None, "does not say what its coordinates are"),
    ],
)
def test_a_file_that_is_wrong_about_its_coordinates_is_refused(
    tmp_path: Path, shape: Any, crs: str | None, message: str
) -> None:
    path = geojson(tmp_path / "map.geojson", [area("WK000102", shape)], crs)
    with pytest.raises(InvalidAreaFile, match=message):
        read(path)


@pytest.mark.parametrize("content", ["", "not a map", '{"type": "FeatureCollection", "features": ', None])
def test_what_is_no_map_is_refused_by_name(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "map.geojson"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InvalidAreaFile, match=r"map\.geojson can't be read"):
        read(path)


def test_a_map_without_codes_is_refused_with_the_names_it_could_have(tmp_path: Path) -> None:
    path = geojson(tmp_path / "map.geojson", [({"postcode": "2512"}, HERE)])
    with pytest.raises(InvalidAreaFile, match="no layer with codes") as refused:
        read(path)
    assert "buurtcode" in refused.value.hint


def test_bad_features_are_rejected_by_name_and_the_others_taken(tmp_path: Path) -> None:
    ring = [[5, 52], [6, 52], [6, 53], [5, 52]]
    features = [
        area("WK000101", HERE),
        area("WK000101", square(5.1, 52)),
        area("", HERE),
        area("PV20", HERE),
        area("WK0001", HERE),
        ({"code": "SD-oost", "name": "Oost"}, HERE),
        area("WK000102", None),
        area("WK000103", POINTS),
        area("WK000104", {"type": "LineString", "coordinates": ring}),
        area("WK000105", {"type": "Polygon", "coordinates": []}),
        area("WK000106", {"type": "Polygon", "coordinates": [[[5, 52], [6, 53], [5, 52], [5, 52]]]}),
        area("WK000107", shapely.box(179, 52, 181, 53)),
        area("WK000108", {"type": "Polygon", "coordinates": [[[5e300, 52], [6, 52], [6, 53], [5e300, 52]]]}),
        area("WK000109", shapely.box(52, 5, 52.1, 5.1)),
        area("WK000110", {"type": "Polygon", "coordinates": [[[5, 52]]]}),
    ]
    found = read(geojson(tmp_path / "map.geojson", features))
    assert [feature.code for feature in found.features] == ["WK000101"]
    assert shape_of(found, "WK000101").equals(HERE)
    assert reasons(found) == {
        "WK000101": "occurs twice in this file; the first was taken",
        "map, feature 3": "has no code",
        "PV20": "is not a code of the form GM0000, WK000000, BU00000000 or SD-name",
        "WK0001": "is not a code of the form GM0000, WK000000, BU00000000 or SD-name",
        "SD-oost": "does not say in gemeente_code which municipality it is in",
        "WK000102": "has no geometry, or one that can't be read",
        "WK000103": "is a Point, not a polygon",
        "WK000104": "is a LineString, not a polygon",
        "WK000105": "encloses nothing",
        "WK000106": "encloses nothing",
        "WK000107": "does not lie on earth",
        "WK000108": "does not lie on earth",
        "WK000109": "has its axes swapped: latitude before longitude",
        "WK000110": "has no geometry, or one that can't be read",
    }


def test_broken_geometry_is_repaired_and_named(tmp_path: Path) -> None:
    bow_tie = {"type": "Polygon", "coordinates": [[[5, 52], [6, 53], [6, 52], [5, 53], [5, 52]]]}
    open_ring = {"type": "Polygon", "coordinates": [[[5, 52], [6, 52], [6, 53], [5, 53]]]}
    overlap = shapely.MultiPolygon([shapely.box(5, 52, 5.2, 52.2), shapely.box(5.1, 52, 5.3, 52.2)])
    spike = {"type": "Polygon", "coordinates": [[[5, 52], [6, 52], [6, 53], [6, 54], [6, 53], [5, 53], [5, 52]]]}
    features = [
        area("WK000101", bow_tie),
        area("WK000102", open_ring),
        area("WK000103", overlap),
        area("WK000104", spike),
        area("WK000105", HERE),
        area("WK000106", {"type": "Polygon", "coordinates": [[[5, 52], [6, 52], [6, 53], [5, 52]], []]}),
    ]
    found = read(geojson(tmp_path / "map.geojson", features))
    assert found.repaired == ["WK000101", "WK000102", "WK000103", "WK000104", "WK000106"]
    assert len(shapely.get_rings(shapely.get_parts(shape_of(found, "WK000106")))) == 1  # not the one without vertices
    assert shape_of(found, "WK000101").area == pytest.approx(0.5)
    assert shape_of(found, "WK000102").equals(shapely.box(5, 52, 6, 53))
    assert shape_of(found, "WK000103").equals(shapely.box(5, 52, 5.3, 52.2))
    assert shape_of(found, "WK000104").equals(shapely.box(5, 52, 6, 53))
    assert {shape_of(found, feature.code).geom_type for feature in found.features} == {"MultiPolygon"}


def test_water_and_abroad_are_skipped(tmp_path: Path) -> None:
    features = [({"GM_CODE": "GM0001", "GM_NAAM": "Stad", "WATER": water}, HERE) for water in ("JA", "NEE", "B", None)]
    found = read(geojson(tmp_path / "map.geojson", features))
    assert found.skipped == 2
    assert [feature.code for feature in found.features] == ["GM0001"]


def test_a_file_says_of_an_area_that_it_is_approximate_and_the_caller_knows_better(tmp_path: Path) -> None:
    features = [
        area("WK000101", HERE, approximate=True),
        area("WK000102", HERE, derived=True),
        area("WK000103", HERE, approximate=False),
        area("WK000104", HERE),
    ]
    path = geojson(tmp_path / "map.geojson", features)
    assert [feature.approximate for feature in read(path).features] == [True, True, False, False]
    assert {feature.approximate for feature in read(path, approximate=True).features} == {True}
    assert {feature.approximate for feature in read(path, approximate=False).features} == {False}


@pytest.mark.parametrize(("vertices", "approximate"), [(12, True), (240, False)])
def test_a_map_drawn_for_small_scales_is_approximate(tmp_path: Path, vertices: int, approximate: bool) -> None:
    dice = random.Random(1)
    features = [
        area(f"WK0001{number:02d}", shapely.Point(dice.uniform(4, 7), dice.uniform(51, 53)).buffer(0.02, vertices // 4))
        for number in range(99)
    ]
    found = read(geojson(tmp_path / "map.geojson", features))
    assert {feature.approximate for feature in found.features} == {approximate}
    rd = [(told, in_rd(shape)) for told, shape in features]
    assert {f.approximate for f in read(geopackage(tmp_path / "rd.gpkg", {"a": rd}, "EPSG:28992")).features} == {
        approximate
    }


degrees = st.tuples(st.floats(-200, 200), st.floats(-100, 100)).map(list)
near = st.tuples(st.integers(0, 4), st.integers(0, 4)).map(lambda p: [5 + p[0] / 10, 52 + p[1] / 10])
rings = st.lists(st.lists(st.one_of(near, near, near, degrees), max_size=9), max_size=3)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(drawn=st.lists(rings, min_size=1, max_size=6))
def test_every_feature_is_taken_valid_or_rejected(tmp_path: Path, drawn: list[Any]) -> None:
    anchor = area("WK000100", HERE)
    features = [
        area(f"WK0001{number:02d}", {"type": "Polygon", "coordinates": rings}) for number, rings in enumerate(drawn, 1)
    ]
    found = read(geojson(tmp_path / "map.geojson", [anchor, anchor, anchor, *features]))
    taken = [feature.code for feature in found.features]
    assert sorted([*taken, *({r.feature for r in found.rejected} - {"WK000100"})]) == sorted(
        ["WK000100", *(told["code"] for told, _ in features)]
    )
    assert set(found.repaired) <= set(taken)
    for feature in found.features:
        shape = shapely.from_wkb(feature.wkb)
        assert shape.geom_type == "MultiPolygon"
        assert shape.is_valid
        assert shape.area > 0
        assert all(len(ring.coords) >= 4 for ring in shapely.get_rings(shapely.get_parts(shape)))
        assert shapely.box(-180, -90, 180, 90).covers(shape)


@pytest.mark.parametrize(
    ("name", "kind", "count", "approximate"),
    [
        ("denhaag_buurten_approx", AreaKind.NEIGHBOURHOOD, 114, True),
        ("denhaag_gemeente", AreaKind.MUNICIPALITY, 1, False),
        ("denhaag_stadsdelen_derived", AreaKind.BOROUGH, 8, True),
        ("denhaag_wijken", AreaKind.DISTRICT, 44, False),
        ("nl_wijken_2014_coarse", AreaKind.DISTRICT, 2717, True),
    ],
)
def test_real_files(real_data: Path, name: str, kind: AreaKind, count: int, approximate: bool) -> None:
    found = read(real_data / "areas" / f"{name}.geojson")
    assert len(found.features) == count
    assert (found.repaired, found.rejected, found.skipped) == ([], [], 0)
    assert {(feature.kind, feature.approximate) for feature in found.features} == {(kind, approximate)}
