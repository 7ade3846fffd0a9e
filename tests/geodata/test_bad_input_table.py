"""The table of bad inputs that concern geodata, row by row: the test of a row bears its name.

| row | what happens |
|---|---|
| empty collection | refused |
| null, mixed, 3D shapes; zero length, one point, missing node | left out or split, and counted |
| 0-byte, cut off or flipped bytes (GeoJSON, GeoPackage, PBF, XML, zip, gz) | refused, with the file |
| NaN, infinite, out of range; swapped axes; metres as degrees | refused, with the feature; swapping is named |
| unknown, absent or contradicting reference system | refused; longitude and latitude only where the format says so |
| crossing outline | repaired, counted by id |
| duplicate ids | parts of one street, counted; objects of OpenStreetMap that differ are refused |
| text in a column of numbers | refused, with row and column |
| bombs: entities, bz2, gz, zip, depth | refused before they inflate or expand |
| files that make GDAL read others or connect | refused: nothing but the named file is read |
| control and bidi characters in names | taken out |
| names with markup | text in the report, nothing runs |
| paths that leave the folder of the scenario | allowed: they give the same network |
"""

import bz2
import gzip
import io
import json
import zipfile

import geopandas
import osmium
import pytest
import shapely

from geodata.maps import CROSS, at, box, collection, duct, line, make_scenario, noted, osm_text, polygon, street
from planner.errors import InputError
from planner.geodata import build_network
from planner.geodata.files import read_contents

WAY = osm_text({1: (0, 0), 2: (2000, 0)}, {1: ([1, 2], {"highway": "residential"})})
RULES = {"density": "urban", "zones": [{"kind": "park", "factor": 2.0, "source": "test"}]}


def refused(folder, contents=None, **changes):
    """Return what the build says, which must name a file."""
    with pytest.raises(InputError) as caught:
        build_network(make_scenario(folder, *(() if contents is None else (contents,)), **changes))
    assert all(problem.where and problem.problem for problem in caught.value.problems)
    return str(caught.value).replace(str(folder), "")


def geopackage(folder, shapes, **columns):
    """Return the bytes of a GeoPackage of shapes."""
    path = folder / "written.gpkg"
    geopandas.GeoDataFrame(columns, geometry=shapes, crs=4326).to_file(path, layer="x")
    return path.read_bytes()


def pbf(folder):
    """Return the bytes of a PBF of one way."""
    (folder / "way.osm").write_text(WAY, encoding="utf-8")
    with osmium.SimpleWriter(str(folder / "way.osm.pbf")) as writer:
        for thing in osmium.FileProcessor(str(folder / "way.osm")):
            writer.add(thing)
    return (folder / "way.osm.pbf").read_bytes()


def test_empty_collection(tmp_path):
    empty = collection([])
    assert "/streets.geojson: layer is empty" in refused(tmp_path, empty)
    assert "/zones.geojson: layer is empty" in refused(tmp_path, zones=empty, right_of_way=RULES)
    written = geopackage(tmp_path, [], id=[])
    assert "/s.gpkg: layer is empty" in refused(tmp_path, written, street_layer={"path": "s.gpkg"})


@pytest.mark.parametrize("name", ["s.geojson", "s.gpkg", "s.osm.pbf", "s.osm", "s.zip", "s.parquet", "s.csv", "s.kml"])
def test_zero_bytes(tmp_path, name):
    assert f"/{name}: file is empty" in refused(tmp_path, b"", street_layer={"path": name})


def test_truncated(tmp_path):
    lines = [shapely.LineString([at(0, 0), at(2000, number)]) for number in range(3000)]
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr("a.shp", b"\x00\x00\x27\x0a" + bytes(500))
    whole = {
        "s.geojson": collection(CROSS).encode(),
        "s.gpkg": geopackage(tmp_path, lines, id=["a"] * len(lines)),
        "s.osm.pbf": pbf(tmp_path),
        "s.osm": WAY.encode(),
        "s.osm.gz": gzip.compress(WAY.encode(), mtime=0),
        "s.osm.bz2": bz2.compress(WAY.encode()),
        "s.zip": archive.getvalue(),
    }
    for name, contents in whole.items():
        text = refused(tmp_path, contents[: len(contents) // 2], street_layer={"path": name})
        assert f"/{name}: " in text, name


def test_pbf_with_flipped_byte_junk_or_huge_header(tmp_path):
    whole = pbf(tmp_path)
    flipped = bytes([*whole[:40], whole[40] ^ 0xFF, *whole[41:]])
    for contents in (flipped, b"junk" * 50, b"\xff\xff\xff\xff" + whole[4:]):
        text = refused(tmp_path, contents, street_layer={"path": "s.osm.pbf"})
        assert "/s.osm.pbf: not a readable OpenStreetMap file" in text


def test_nan_and_infinite_coordinates(tmp_path):
    text = collection([line([at(0, 0), at(2000, 0)], id="s7")])
    for bad in ("NaN", "Infinity", "1e999", "null", '"5.5"'):
        assert "feature s7: coordinates are not finite" in refused(tmp_path, text.replace("5.5,", f"{bad},", 1))
    nowhere = f'id,WKT\ns7,"LINESTRING(nan {at(0, 0)[1]}, 5.52 50.6)"\n'
    assert "feature s7" in refused(tmp_path, nowhere, street_layer={"path": "s.csv", "crs": "EPSG:4326"})


def test_swapped_axes_and_metres_labelled_as_degrees(tmp_path):
    swapped = [line([at(0, 0)[::-1], at(2000, 0)[::-1]], id="s")]
    assert "longitude and latitude are swapped" in refused(tmp_path, swapped)
    assert "longitude and latitude are swapped" in refused(tmp_path, zones=[_swapped_box()], right_of_way=RULES)
    metres = [line([[681_000.0, 5_610_000.0], [682_000.0, 5_610_000.0]], id="utm")]
    assert "feature utm: 681000.0, 5610000.0 is no longitude and latitude; metres?" in refused(tmp_path, metres)


def _swapped_box():
    shape = box("park", 0, 0, 900, 900)
    (ring,) = shape["geometry"]["coordinates"]
    return {**shape, "geometry": {"type": "Polygon", "coordinates": [[point[::-1] for point in ring]]}}


def test_unknown_or_absent_reference_system(tmp_path):
    known = {"type": "name", "properties": {"name": "EPSG:99999"}}
    assert "crs of the file is unknown: EPSG:99999" in refused(tmp_path, collection(CROSS, crs=known))
    table = 'id,WKT\na,"LINESTRING(5.5 50.6, 5.52 50.6)"\n'
    assert "crs: the file names no reference system" in refused(tmp_path, table, street_layer={"path": "s.csv"})


def test_contradicting_reference_systems(tmp_path):
    stated = collection(CROSS, crs={"type": "name", "properties": {"name": "EPSG:4326"}})
    assert "only one can be right" in refused(tmp_path, stated, street_layer={"crs": "EPSG:31370"})


def test_outline_that_crosses_itself(tmp_path):
    bowtie = polygon("park", (0, -50), (900, 50), (900, -50), (0, 50), id="bow")
    network = build_network(make_scenario(tmp_path, zones=[bowtie], right_of_way=RULES))
    assert noted(network, "1 zone with an outline that crosses itself repaired (bow)")


def test_null_mixed_nested_and_3d_shapes(tmp_path):
    shapes = [
        shapely.LineString([(*at(0, 0), 5.0), (*at(2000, 0), 7.0)]),
        shapely.Point(at(5, 5)),
        shapely.GeometryCollection([shapely.Point(at(1, 1))]),
        shapely.MultiLineString([[at(0, 0), at(0, 500)], [at(0, 500), at(0, 900)]]),
        None,
    ]
    network = build_network(
        make_scenario(tmp_path, geopackage(tmp_path, shapes, id=list("abcde")), street_layer={"path": "s.gpkg"})
    )
    assert noted(network, "1 feature left out: no geometry")
    assert noted(network, "2 features left out: not a line")
    assert noted(network, "heights were left out")
    assert noted(network, "1 feature with several lines")


def test_duplicate_ids(tmp_path):
    twice = [street("a", (0, 0), (1000, 0)), street("a", (1000, 0), (2000, 0))]
    assert noted(
        build_network(make_scenario(tmp_path, twice)), "1 street with an id used before, taken as parts of one"
    )
    node = WAY.partition("<node")[2].partition("/>")[0]
    moved = f"<node{node}/><node{node.replace('50.6', '50.7')}/>"
    text = refused(tmp_path, WAY.replace(f"<node{node}/>", moved), street_layer={"path": "s.osm"})
    assert "stands twice, at different places" in text
    ducts = [duct("d", (0, 0), (1000, 0)), duct("d", (0, 0), (1000, 0))]
    assert "duct id 'd' is used twice" in refused(tmp_path, ducts=ducts)


def test_text_in_a_column_of_numbers(tmp_path):
    for value in ("ten", "1,5", "1.000,0"):
        text = refused(tmp_path, ducts=[duct("d7", (0, 0), (1000, 0), free_fibers=value)])
        assert f"feature d7: free_fibers: Input should be a valid integer (got '{value}')" in text


def test_zero_length_one_point_and_missing_node(tmp_path):
    lines = [line([at(0, 0), at(0, 0)], id="zero"), line([at(0, 0)], id="one"), *CROSS]
    network = build_network(make_scenario(tmp_path, lines))
    assert noted(network, "1 street of zero length left out")
    assert noted(network, "1 feature left out: no geometry, or a line of one point")
    holed = osm_text({1: (0, 0), 2: (1000, 0), 4: (2000, 0)}, {1: ([1, 2, 3, 4], {"highway": "residential"}),
                                                              2: ([2, 4], {"highway": "residential"})})  # fmt: skip
    network = build_network(make_scenario(tmp_path, holed, street_layer={"path": "s.osm"}))
    assert noted(network, "1 vertex missing in the data: 1 street cut there")


def test_latitude_of_148_degrees(tmp_path):
    assert "feature s: 5.5, 148.0 is no longitude and latitude" in refused(
        tmp_path, [line([[5.5, 148.0], at(0, 0)], id="s")]
    )
    assert "/s.osm: " in refused(tmp_path, WAY.replace('lat="50.6', 'lat="148.6'), street_layer={"path": "s.osm"})


def test_entities_of_xml(tmp_path):
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;"><!ENTITY c SYSTEM "file:///etc/passwd">]><osm'
    assert "XML entities are not supported" in refused(
        tmp_path, WAY.replace("<osm", bomb), street_layer={"path": "s.osm"}
    )
    assert "/s.kml: " in refused(tmp_path, bomb.replace("<osm", "<kml/>"), street_layer={"path": "s.kml"})


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
def test_bomb_of_compression(tmp_path, pack):
    path = tmp_path / ("bomb.gz" if pack is gzip.compress else "bomb.bz2")
    path.write_bytes(pack(bytes(3_000_000)))
    with pytest.raises(InputError, match=r"inflates to more than 1,000,000 bytes"):
        read_contents(path, max_bytes=1_000_000)


def test_deep_json(tmp_path):
    assert "/streets.geojson: not valid JSON" in refused(tmp_path, "[" * 100_000)


@pytest.mark.parametrize(
    "contents",
    [
        '<OGRVRTDataSource><OGRVRTLayer name="x"><SrcDataSource>/etc/passwd</SrcDataSource></OGRVRTLayer>',
        "/vsicurl/http://localhost:9/x.geojson",
        '{"type": "Topology"}',
    ],
)
@pytest.mark.parametrize("name", ["s.geojson", "s.gpkg", "s.zip", "s.parquet", "s.csv", "s.kml", "s.shp"])
def test_files_that_point_elsewhere(tmp_path, name, contents):
    assert f"/{name}: " in refused(tmp_path, contents, street_layer={"path": name})


def test_paths_that_are_no_files(tmp_path):
    for path in ("http://localhost:9/x.geojson", "/vsicurl/http://localhost:9/x.geojson", "GPKG:x.gpkg"):
        with pytest.raises(InputError, match=r"layers\.zones\[0\]\.path: no such file"):
            make_scenario(tmp_path, more_layers={"zones": [{"path": path}]})


def test_control_characters_in_names(tmp_path):
    text = collection([line([at(0, 0), at(2000, 0)], id="s", name="A\u202eB\x00\x07C")])
    assert build_network(make_scenario(tmp_path, text)).spans.name[0] == "A B  C"


def test_paths_outside_of_the_folder_of_the_scenario(tmp_path):
    project, elsewhere = tmp_path / "project", tmp_path / "elsewhere"
    project.mkdir()
    elsewhere.mkdir()
    (elsewhere / "streets.geojson").write_text(collection(CROSS), encoding="utf-8")
    plain = build_network(make_scenario(project))
    (project / "streets.geojson").unlink()
    (project / "linked").symlink_to(elsewhere)
    for path in ("../elsewhere/streets.geojson", str(elsewhere / "streets.geojson"), "linked/streets.geojson"):
        scenario = make_scenario(project, street_layer={"path": path})
        network = build_network(scenario)
        assert network.digest == plain.digest
        assert str(tmp_path) not in json.dumps([network.notes, network.attributions])
