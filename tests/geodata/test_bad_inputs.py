"""Every bad input gives a located error or a counted repair, never a traceback and never a silent lie."""

import bz2
import gzip
import json
import math
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geodata.maps import CROSS, at, box, collection, duct, line, make_scenario, noted, osm_text, polygon, site, street
from planner.errors import InputError
from planner.geodata import build_network
from planner.geodata.files import read_contents

GOOD = collection(CROSS)
OSM = osm_text({1: (0, 0), 2: (2000, 0)}, {1: ([1, 2], {"highway": "residential"})})
SWAPPED = [line([at(0, 0)[::-1], at(2000, 0)[::-1]], id="s")]
METRES = [line([[681_000.0, 5_610_000.0], [682_000.0, 5_610_000.0]], id="utm")]
ELSEWHERE = [line([[10.0, 10.0], [10.1, 10.0]], id="s")]


def crs(name):
    return {"crs": {"type": "name", "properties": {"name": name}}}


def refusal(scenario):
    """Return the text of the InputError that the network ends in."""
    with pytest.raises(InputError) as caught:
        build_network(scenario)
    assert all(problem.where and problem.problem for problem in caught.value.problems)
    return str(caught.value)


@pytest.mark.parametrize(
    ("contents", "expected"),
    [
        ("", "streets.geojson: file is empty"),
        (GOOD[:200], "streets.geojson: not valid JSON"),
        ("[" * 100_000, "streets.geojson: not valid JSON"),
        (b"\xff\xfe\x00", "streets.geojson: not valid JSON"),
        ("[1, 2]", "not a GeoJSON FeatureCollection"),
        ('{"type": "FeatureCollection", "features": []}', "layer is empty: it has no features"),
        ('{"type": "FeatureCollection", "features": [7]}', "feature 0: not a GeoJSON feature"),
        ('{"type": "FeatureCollection", "features": [{"geometry": 5}]}', "feature 0: not a GeoJSON feature"),
        (collection([box("park", 0, 0, 9, 9)]), "layer holds no lines"),
        ("<OGRVRTDataSource/>", "not valid JSON"),
        (collection(SWAPPED), "longitude and latitude are swapped"),
        (collection(METRES), "feature utm: 681000.0, 5610000.0 is no longitude and latitude; metres?"),
        (collection([line([[5.5, 148.0], [5.6, 50.0]], id="s")]), "feature s: 5.5, 148.0 is no longitude and latitude"),
        (collection(ELSEWHERE), "nothing lies inside the extent; the layer spans longitude 10.0000 to 10.1000"),
        (collection(METRES, **crs("EPSG:32633")), "nothing lies inside the extent"),
        (collection(CROSS, **crs("EPSG:99999")), "crs: crs of the file is unknown: EPSG:99999"),
        (collection(CROSS, **crs("no such thing")), "crs of the file is unknown"),
        (collection(CROSS, **crs("EPSG:5773")), "places nothing on a map"),
        (collection(CROSS, crs={"type": "link", "properties": None}), "names no reference system"),
        (collection(CROSS, crs=None), "names no reference system"),
        (collection([street("n", (0, 0), (9, 0)), line([[math.nan, 48.0], at(0, 0)], id="nan")]), "feature nan: coord"),
        (collection(CROSS).replace("5.5,", "1e999,"), "feature west: coordinates are not finite numbers"),
        (collection([line([["5.5", "50.6"], at(9, 0)], id="text")]), "feature text: coordinates are not finite"),
        (collection([line([[None, 50.6], at(9, 0)], id="null")]), "feature null: coordinates are not finite"),
        (collection([line([[10**400, 50.6], at(9, 0)], id="huge")]), "feature huge: coordinates are not finite"),
        (collection([line([[5.5], at(9, 0)], id="one")]), "feature one: not a position"),
        (collection([line([5.5, 50.6], id="flat")]), "feature flat: not a position"),
        (collection([line("5.5 50.6", id="words")]), "feature words: coordinates are not a list"),
    ],
)
def test_bad_street_files_are_refused_with_their_place(tmp_path, contents, expected):
    text = refusal(make_scenario(tmp_path, contents))
    assert expected in text
    assert str(tmp_path / "streets.geojson") in text


@pytest.mark.parametrize(
    ("name", "contents", "expected"),
    [
        ("s.osm", b"", "file is empty"),
        ("s.osm", OSM[:180].encode(), "not a readable OpenStreetMap file: XML parsing error"),
        ("s.osm", b'{"type": 1}', "not a readable OpenStreetMap file"),
        ("s.osm", OSM.replace("<osm", '<!DOCTYPE x [<!ENTITY a "b">]><osm').encode(), "XML entities are not supported"),
        ("s.osm", OSM.replace('lat="50.6', 'lat="nan').encode(), "not a readable OpenStreetMap file"),
        ("s.osm", OSM.replace('id="1"', 'id="x"').encode(), "not a readable OpenStreetMap file"),
        ("s.osm", OSM.replace("residential", "proposed").encode(), "no way with a highway tag that a trench could"),
        ("s.osm", OSM.replace('lat="50.6', 'lat="148.6').encode(), "nothing lies inside the extent"),
        ("s.osm.pbf", OSM.encode(), "PBF error"),
        ("s.osm.gz", OSM.encode(), "compressed file is damaged"),
        ("s.osm.gz", gzip.compress(OSM.encode(), mtime=0)[:100], "compressed file is damaged"),
        ("s.osm.bz2", bz2.compress(OSM.encode())[:100], "compressed file is damaged"),
        ("s.osm.bz2", b"BZh9 junk", "cannot be read"),
        ("s.geojson.gz", gzip.compress(GOOD.encode(), mtime=0)[:90], "compressed file is damaged"),
        ("s.vrt", b"<OGRVRTDataSource/>", "cannot read '.vrt' files"),
        ("s.gpkg", b"SQLite format 3", "not a GeoPackage"),
        ("s.gpkg.gz", gzip.compress(b"x", mtime=0), "cannot read '.gpkg' files"),
        ("streets", GOOD.encode(), "cannot read 'streets' files"),
    ],
)
def test_bad_files_of_other_kinds_are_refused(tmp_path, name, contents, expected):
    text = refusal(make_scenario(tmp_path, contents, street_layer={"path": name}))
    assert expected in text
    assert str(tmp_path / name) in text


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
def test_files_that_inflate_without_end_are_refused(tmp_path, pack):
    path = tmp_path / ("bomb.gz" if pack is gzip.compress else "bomb.bz2")
    path.write_bytes(pack(bytes(3_000_000)))
    with pytest.raises(InputError, match=r"inflates to more than 1,000,000 bytes"):
        read_contents(path, max_bytes=1_000_000)
    with pytest.raises(InputError, match=r"larger than 20 bytes"):
        read_contents(path, max_bytes=20)


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        ({"columns": {"road_clas": "highway"}}, "unknown field; did you mean 'road_class'?"),
        ({"columns": {"road_class": "highwy"}}, "no feature has the column 'highwy'; did you mean 'highway'?"),
        ({"crs": "EPSG:0"}, "crs of the layer is unknown"),
        ({"crs": "EPSG:31370"}, "nothing lies inside the extent"),
    ],
)
def test_wrong_street_layers_are_refused(tmp_path, layer, expected):
    assert expected in refusal(make_scenario(tmp_path, street_layer=layer))


def test_layer_and_file_may_not_contradict_each_other(tmp_path):
    text = collection(CROSS, **crs("urn:ogc:def:crs:OGC:1.3:CRS84"))
    assert build_network(make_scenario(tmp_path, text, street_layer={"crs": "EPSG:4326"}))
    scenario = make_scenario(tmp_path, text, street_layer={"crs": "EPSG:31370"})
    assert "the layer says EPSG:31370, the file OGC:CRS84; only one can be right" in refusal(scenario)


@pytest.mark.parametrize("layer", [{"crs": "EPSG:31370"}, {"columns": {"id": "name"}}, {"columns": {"nme": "name"}}])
def test_osm_layers_have_their_own_reference_system_and_ids(tmp_path, layer):
    assert "s.osm" in refusal(make_scenario(tmp_path, OSM, street_layer={"path": "s.osm", **layer}))


def test_control_characters_and_halves_of_pairs_do_not_reach_the_network(tmp_path):
    text = collection([line([at(0, 0), at(2000, 0)], id="s", name="A\u202eB\x07\ud800C")])
    network = build_network(make_scenario(tmp_path, text))
    assert network.spans.name[0] == "A B  C"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"access": "rent"}, "access: Input should be 'lease', 'pull' or 'both' (got 'rent')"),
        ({"access": None}, "access: required column is missing"),
        ({"id": None}, "feature 1: id: required column is missing"),
        ({"free_fibers": "10"}, "free_fibers: Input should be a valid integer (got '10')"),
        ({"free_fibers": "1,5"}, "free_fibers"),
        ({"free_fibers": -1}, "free_fibers"),
        ({"free_fibers": 2.5}, "free_fibers"),
        ({"lease_per_fiber_km_year": -3.0}, "lease_per_fiber_km_year"),
        ({"rent_per_m_year": "2"}, "rent_per_m_year"),
        ({"streets": 7}, "streets"),
        ({"assumed": "perhaps"}, "assumed"),
        ({"id": "d1"}, "duct id 'd1' is used twice"),
    ],
)
def test_wrong_ducts_are_refused_by_name(tmp_path, changes, expected):
    ducts = [duct("d1", (0, 0), (1000, 0)), duct("d2", (1000, 0), (2000, 0))]
    ducts[1]["properties"] |= changes
    text = refusal(make_scenario(tmp_path, ducts=ducts))
    assert expected in text
    assert str(tmp_path / "ducts.geojson") in text


def test_all_wrong_ducts_are_named_together(tmp_path):
    ducts = [duct(f"d{number}", (0, 0), (1000, 0), access="?") for number in range(3)]
    assert [f"feature d{n}:" in refusal(make_scenario(tmp_path, ducts=ducts)) for n in range(3)] == [True] * 3


@pytest.mark.parametrize(
    ("zones", "expected"),
    [
        ([box(None, 0, 0, 9, 9)], "zone has no 'kind'"),
        ([street("s", (0, 0), (9, 9), kind="park")], "layer holds no polygons"),
        (collection([box("park", 0, 0, 9, 9)]).replace("5.5,", "NaN,"), "coordinates are not finite numbers"),
        ([polygon("park", (0, 0))], "holds a shape that cannot be drawn"),
        ([{**box("park", 0, 0, 9, 9), "geometry": {"type": "Polygon", "coordinates": 7}}], "cannot be drawn"),
        (collection([box("park", 0, 0, 9, 9)], **crs("EPSG:31370")), "nothing lies inside the extent"),
        (collection([box("park", 0, 0, 9, 9)], **crs("EPSG:99999")), "crs of the file is unknown"),
    ],
)
def test_wrong_zones_are_refused(tmp_path, zones, expected):
    text = refusal(make_scenario(tmp_path, zones=zones))
    assert expected in text
    assert str(tmp_path / "zones.geojson") in text


def test_span_ids_must_be_unique_across_media(tmp_path):
    streets = [street("hop-a-b", (0, 0), (2000, 0), highway="residential")]
    sites = (site("a", 4, 20), site("b", 1998, 20))
    candidate = {"id": "hop-a-b", "a": "a", "b": "b", "terminal": "rooftop", "visibility_km": 9.0, "cn2_m23": 1e-14}
    assert "hop-a-b: is the id of two spans" in refusal(
        make_scenario(tmp_path, streets, sites=sites, free_space=[candidate])
    )


def test_a_price_list_without_unknown_is_refused_when_it_is_needed(tmp_path):
    scenario = make_scenario(tmp_path)
    costs = json.loads((tmp_path / "costs.yaml").read_text())
    del costs["surfaces"]["unknown"]
    scenario = make_scenario(tmp_path, costs=costs)
    assert "costs.yaml: lacks the surface 'unknown', which 3 blocks of street need" in refusal(scenario)


def test_nowhere_to_dig_is_refused(tmp_path):
    streets = [street("m", (0, 0), (2000, 0), highway="motorway")]
    scenario = make_scenario(
        tmp_path, streets, right_of_way={"density": "urban", "forbidden_road_classes": ["motorway"]}
    )
    assert "digging is forbidden in every street" in refusal(scenario)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=4)
    | st.sampled_from(["Polygon", "EPSG:4326"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["type", "id", "name"]), inner, max_size=2)
    ),
    max_leaves=6,
)


def replace_one(value, path, new):
    """Return the value with what stands at a path of choices replaced; choices wrap around."""
    if isinstance(value, dict) and value and path:
        key = sorted(value)[path[0] % len(value)]
        return {**value, key: replace_one(value[key], path[1:], new)}
    if isinstance(value, list) and value and path:
        index = path[0] % len(value)
        return [*value[:index], replace_one(value[index], path[1:], new), *value[index + 1 :]]
    return new


@pytest.fixture(scope="module")
def full_scenario(tmp_path_factory):
    rules = [{"kind": "park", "factor": 2.0, "source": "test"}]
    ducts = [duct("d1", (0, 0), (1000, 0), streets=["west"])]
    right_of_way = {"density": "urban", "zones": rules}
    zones = [box("park", 500, -50, 900, 50), polygon("park", (0, 0), (99, 99), (99, 0), (0, 99))]
    return make_scenario(tmp_path_factory.mktemp("fuzz"), ducts=ducts, zones=zones, right_of_way=right_of_way)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    layer=st.sampled_from(["streets", "ducts", "zones"]),
    path=st.lists(st.integers(0, 9), min_size=1, max_size=8),
    new=JSON,
)
def test_any_damage_to_a_layer_is_refused_or_survived(full_scenario, layer, path, new):
    file = Path(full_scenario.folder) / f"{layer}.geojson"
    whole = file.read_text(encoding="utf-8")
    try:
        file.write_text(json.dumps(replace_one(json.loads(whole), path, new)), encoding="utf-8")
        network = build_network(full_scenario)
    except InputError as error:
        assert str(file.name) in str(error) or "site" in str(error)
    else:
        assert network.digest
    finally:
        file.write_text(whole, encoding="utf-8")


def test_repaired_polygons_are_counted_by_name(tmp_path):
    rules = {"density": "urban", "zones": [{"kind": "park", "factor": 2.0, "source": "test"}]}
    bowtie = polygon("park", (0, -50), (900, 50), (900, -50), (0, 50), id="bow")
    network = build_network(make_scenario(tmp_path, zones=[bowtie], right_of_way=rules))
    assert "1 zone with an outline that crosses itself repaired (bow)" in noted(network, "repaired")
    assert "park" in network.spans.zone
