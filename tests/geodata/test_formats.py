"""Every format of features gives the same network, and every bad file of it a located error."""

import json
import sqlite3
import zipfile
from pathlib import Path

import geopandas
import pandas
import pytest
import shapely
from shapely.geometry import LineString

from geodata.maps import CROSS, box, collection, duct, ids, make_scenario, noted
from planner.errors import InputError
from planner.geodata import build_network
from planner.geodata.layers import READERS, read_layer
from planner.scenario import Layer

DUCTS = (
    duct("d1", (0, 0), (1000, 0), owner="city", rent_per_m_year=1.5, used_fibers=3),
    duct("d2", (1000, 0), (1000, 1000), access="lease", free_fibers=None),
)
ZONES = (box("park", 400, -50, 900, 50),)
RULES = {"density": "urban", "zones": [{"kind": "park", "factor": 2.0, "source": "test"}]}
LAMBERT = "EPSG:31370"


def frame(features, crs=None):
    found = geopandas.GeoDataFrame.from_features(json.loads(collection(features)), crs="EPSG:4326")
    return found.to_crs(crs) if crs else found


def zipped(path, *names):
    """Write the Shapefile beside a path into a zip archive at that path, and remove it."""
    with zipfile.ZipFile(path, "w") as archive:
        for part in sorted(path.parent.glob(f"{path.stem}.*")):
            if part != path:
                for name in names or (path.stem,):
                    archive.write(part, f"inside/{name}{part.suffix}")
                part.unlink()


def wkt_text(features, separator=",", header=True):
    names = sorted({name for feature in features for name in feature["properties"]})
    lines = [separator.join(["WKT", *names])] if header else []
    for feature in features:
        wkt = shapely.to_wkt(shapely.geometry.shape(feature["geometry"]), rounding_precision=7)
        values = [str(feature["properties"].get(name) or "") for name in names]
        lines.append(separator.join([f'"{wkt}"', *values]))
    return "\n".join(lines)


def kml_text(features, folder="roads"):
    marks = []
    for feature in features:
        geometry = feature["geometry"]
        rings = geometry["coordinates"] if geometry["type"] == "Polygon" else [geometry["coordinates"]]
        text = " ".join(",".join(map(str, position)) for position in rings[0])
        shape = f"<LineString><coordinates>{text}</coordinates></LineString>"
        if geometry["type"] == "Polygon":
            ring = f"<LinearRing><coordinates>{text}</coordinates></LinearRing>"
            shape = f"<Polygon><outerBoundaryIs>{ring}</outerBoundaryIs></Polygon>"
        data = "".join(
            f'<Data name="{name}"><value>{value}</value></Data>'
            for name, value in feature["properties"].items()
            if value is not None
        )
        marks.append(f"<Placemark><ExtendedData>{data}</ExtendedData>{shape}</Placemark>")
    inside = f"<Folder><name>{folder}</name>{''.join(marks)}</Folder>"
    return f'<?xml version="1.0"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document>{inside}</Document></kml>'


def write(path, features):
    """Write features in the format of a file; return what the layer must say besides."""
    kind = path.suffix
    if kind == ".gpkg":
        frame(features, LAMBERT).to_file(path, layer="roads")
    elif kind in (".shp", ".zip"):
        frame(features, LAMBERT).to_file(path.with_suffix(".shp"))
        if kind == ".zip":
            zipped(path)
    elif kind == ".parquet":
        frame(features, LAMBERT).to_parquet(path)
    elif kind in (".csv", ".tsv"):
        path.write_text(wkt_text(features, "\t" if kind == ".tsv" else ";"), encoding="utf-8")
        return {"crs": "EPSG:4326"}
    elif kind == ".kml":
        path.write_text(kml_text(features), encoding="utf-8")
    return {}


SHORT = {"rent_per_m_year": "rent", "free_fibers": "free", "used_fibers": "used"}
"""A Shapefile has no names of columns that are longer than ten letters."""


def shortened(feature):
    return {**feature, "properties": {SHORT.get(name, name): value for name, value in feature["properties"].items()}}


def scenario_in(folder, kind):
    """Return a scenario whose streets, ducts and zones are files of one kind."""
    layers = {}
    for key, features in (("streets", CROSS), ("ducts", DUCTS), ("zones", ZONES)):
        is_cut = key == "ducts" and kind in (".shp", ".zip")
        options = write(folder / f"{key}{kind}", [shortened(each) for each in features] if is_cut else features)
        layers[key] = {"path": f"{key}{kind}", **options, **({"columns": SHORT} if is_cut else {})}
    streets = (folder / f"streets{kind}").read_bytes()
    more = {key: [layers[key]] for key in ("ducts", "zones")}
    return make_scenario(folder, streets, street_layer=layers["streets"], more_layers=more, right_of_way=RULES)


@pytest.mark.parametrize("kind", [".gpkg", ".shp", ".zip", ".parquet", ".csv", ".tsv", ".kml"])
def test_every_format_gives_the_network_of_geojson(tmp_path, kind):
    (tmp_path / "plain").mkdir()
    plain = build_network(make_scenario(tmp_path / "plain", CROSS, ducts=DUCTS, zones=ZONES, right_of_way=RULES))
    network = build_network(scenario_in(tmp_path, kind))
    assert network.spans.ids == plain.spans.ids
    for column in ("medium", "road_class", "zone", "name"):
        assert getattr(network.spans, column) == getattr(plain.spans, column)
    for column in ("length_km", "rent_per_year", "trench_capex", "loss_db"):
        assert getattr(network.spans, column) == pytest.approx(getattr(plain.spans, column), rel=1e-5)
    assert network.spans.max_fibers.tolist() == plain.spans.max_fibers.tolist()
    assert network.spans.used_fibers.tolist() == plain.spans.used_fibers.tolist()
    assert len(network.nodes) == len(plain.nodes)


def test_values_of_the_layer_stand_in_for_columns_that_the_file_lacks(tmp_path):
    bare = [{**feature, "properties": {"id": feature["properties"]["id"]}} for feature in DUCTS]
    scenario = make_scenario(tmp_path, ducts=bare, duct_layer={"values": {"access": "lease", "free_fibers": 12}})
    network = build_network(scenario)
    assert ids(network, "dark_fiber") == ["d1/lease", "d2/lease"]
    assert set(network.spans.max_fibers[[network.spans.ids.index(f"d{n}/lease") for n in (1, 2)]].tolist()) == {12}


def test_values_do_not_replace_what_the_file_says(tmp_path):
    network = build_network(make_scenario(tmp_path, ducts=DUCTS, duct_layer={"values": {"access": "both"}}))
    assert ids(network, "duct") == ["d1/pull"]
    assert ids(network, "dark_fiber") == ["d2/lease"]


def test_a_file_without_header_and_ids_is_named_by_the_layer_and_numbered(tmp_path):
    rows = wkt_text((DUCTS[0], DUCTS[0], DUCTS[1]), "|", header=False)
    header = ["wkt", "access", "free", "id_of_owner", "rent", "name", "used"]
    layer = {"path": "ducts.csv", "crs": "EPSG:4326", "header": header, "values": {"access": "pull"}}
    (tmp_path / "ducts.csv").write_text("\n".join(line.replace("|d1|", "||") for line in rows.splitlines()))
    network = build_network(make_scenario(tmp_path, more_layers={"ducts": [layer]}))
    assert ids(network, "duct") == ["ducts-000001/pull"]
    assert noted(network, "1 duct without id drawn twice, counted once")
    assert noted(network, "ducts have no ids and are numbered")


def test_different_ducts_on_one_line_share_its_risk(tmp_path):
    twice = (DUCTS[0], {**DUCTS[0], "properties": {**DUCTS[0]["properties"], "id": "d9"}})
    network = build_network(make_scenario(tmp_path, ducts=twice))
    groups = [set(network.spans.risk_groups[network.spans.ids.index(name)]) for name in ("d1/pull", "d9/pull")]
    assert groups[0] & groups[1] == {"line:d1"}


def read(path, **options):
    return read_layer(path, Layer(path=path.name, **options), {"id": "id", "road_class": "highway"})


def refused(path, **options):
    with pytest.raises(InputError) as caught:
        read(path, **options)
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_several_layers_of_a_file_must_be_told_apart(tmp_path):
    path = tmp_path / "city.gpkg"
    frame(CROSS).to_file(path, layer="roads")
    frame(DUCTS).to_file(path, layer="ducts")
    assert "layer: holds several layers, name one: ducts, roads" in refused(path)
    assert "no layer 'road'; did you mean 'roads'?" in refused(path, layer="road")
    assert len(read(path, layer="roads").features) == 3
    archive = tmp_path / "city.zip"
    frame(CROSS).to_file(tmp_path / "city.shp")
    zipped(archive, "one", "two")
    assert "holds several layers, name one: one, two" in refused(archive)
    assert len(read(archive, layer="two").features) == 3
    folders = tmp_path / "city.kml"
    folders.write_text(
        kml_text(CROSS).partition("</Document>")[0] + kml_text(DUCTS, "ducts").partition("<Document>")[2]
    )
    assert "no layer 'road'" in refused(folders, layer="road")
    assert len(read(folders, layer="ducts").features) == 2
    assert len(read(folders).features) == 5
    plain = tmp_path / "city.geojson"
    plain.write_text(collection(CROSS))
    assert "layer: a .geojson file has no such thing" in refused(plain, layer="roads")
    assert "header: a .geojson file has no such thing" in refused(plain, header=("a",))


@pytest.mark.parametrize("kind", sorted(set(READERS) - {".geojson", ".json"}))
@pytest.mark.parametrize(
    "contents",
    [
        b"<OGRVRTDataSource><OGRVRTLayer name='x'><SrcDataSource>secret.gpkg</SrcDataSource></OGRVRTLayer>"
        b"</OGRVRTDataSource>",
        b"<OGRWFSDataSource><URL>http://127.0.0.1:9/</URL></OGRWFSDataSource>",
        b'{"type": "FeatureCollection", "features": []}',
        b"\x00\x01\x02 junk \xff",
        b"SQLite format 3\x00 cut off",
        b"\x00\x00\x27\x0a cut off",
        b"PK\x03\x04 cut off",
        b"PAR1 cut off PAR1",
        b"",
    ],
)
def test_contents_of_another_kind_are_refused(tmp_path, kind, contents):
    for ending in (".dbf", ".shx"):
        (tmp_path / f"city{ending}").write_bytes(b"junk")
    path = tmp_path / f"city{kind}"
    path.write_bytes(contents)
    refused(path)


def test_nothing_outside_of_the_file_is_read(tmp_path):
    frame(CROSS).to_file(tmp_path / "secret.gpkg", layer="roads")
    text = (
        f"<OGRVRTDataSource><OGRVRTLayer name='roads'><SrcDataSource>{tmp_path}/secret.gpkg</SrcDataSource>"
        "</OGRVRTLayer></OGRVRTDataSource>"
    )
    for kind in READERS:
        path = tmp_path / f"innocent{kind}"
        path.write_text(text)
        refused(path)


@pytest.mark.parametrize(
    ("contents", "options", "expected"),
    [
        ("WKT,id\n", {}, "layer is empty"),
        ('WKT,id\n"LINESTRING (5.5 50.6, 5.6 50.6)",a\n', {}, "names no reference system; state the layer's crs"),
        ("id,name\na,b\n", {}, "has not a column called wkt"),
        ("id,shp\na,b\n", {"columns": {"geometry": "shape"}}, "has not 'shape'; its columns are id, shp"),
        ("WKT,WKT\na,b\n", {}, "two columns have one name"),
        ("WKT,id\nLINESTRING,a\n", {}, "row 2: WKT: not well-known text"),
        ("WKT;id\nPOINT (1 2);a;b\n", {}, "row 2: 3 columns where the first line has 2"),
        ('WKT,id\n"SRID=4326;POINT (1 2)",a\n"SRID=31370;POINT (1 2)",b\n', {}, "not in one reference system"),
        ('WKT,id\n"SRID=99999;POINT (1 2)",a\n', {}, "unknown reference system"),
        ('WKT,id\n"SRID=4326;POINT (1 2)",a\n', {"crs": LAMBERT}, "only one can be right"),
        ('WKT,id\n"LINESTRING (1 2', {"crs": LAMBERT}, "not delimited text"),
        ("WKT,id\n\xff", {"crs": LAMBERT}, "not text in UTF-8"),
        ("WKT,id\nPOINT (1 2),a\n", {"crs": "EPSG:4326", "columns": {"road_class": "kind"}}, "no feature has the colu"),
        ("WKT,id\nPOINT (1 2),a\n", {"crs": "EPSG:4326", "values": {"road": "x"}}, "values.road: unknown field 'road'"),
    ],
)
def test_bad_delimited_text_is_refused(tmp_path, contents, options, expected):
    path = tmp_path / "city.csv"
    path.write_bytes(contents.encode("latin-1"))
    assert expected in refused(path, **options)


@pytest.mark.parametrize(
    ("contents", "expected"),
    [
        ("<kml", "not valid XML"),
        ("<kml/>", "layer is empty"),
        ('<!DOCTYPE k [<!ENTITY a "b">]><kml/>', "declares a document type or entities"),
        (kml_text(CROSS).replace("5.5,", "5;5,"), "placemark 0: not a shape"),
        ("<kml><Placemark>" + "<MultiGeometry>" * 5000 + "</MultiGeometry>" * 5000 + "</Placemark></kml>", "placemark"),
    ],
)
def test_bad_kml_is_refused(tmp_path, contents, expected):
    path = tmp_path / "city.kml"
    path.write_text(contents)
    assert expected in refused(path)


@pytest.mark.filterwarnings("ignore:'crs' was not provided")
def test_a_reference_system_is_required_and_may_be_stated(tmp_path):
    bare = frame(CROSS, LAMBERT).set_crs(None, allow_override=True)
    for kind in (".gpkg", ".shp", ".parquet"):
        path = tmp_path / f"bare{kind}"
        bare.to_parquet(path) if kind == ".parquet" else bare.to_file(path)
        assert "crs: the file names no reference system" in refused(path), kind
        assert read(path, crs=LAMBERT).crs.to_epsg() == 31370
    named = tmp_path / "named.shp"
    frame(CROSS, LAMBERT).to_file(named)
    assert read(named, crs=LAMBERT).crs.to_epsg() == 31370
    assert "only one can be right" in refused(named, crs="EPSG:4326")


def test_text_in_a_column_of_numbers_is_refused_by_name(tmp_path):
    for kind in (".gpkg", ".csv", ".kml"):
        wrong = [{**DUCTS[0], "properties": {**DUCTS[0]["properties"], "free_fibers": "1,5"}}]
        folder = tmp_path / kind[1:]
        folder.mkdir()
        options = write(folder / f"ducts{kind}", wrong)
        scenario = make_scenario(folder, more_layers={"ducts": [{"path": f"ducts{kind}", **options}]})
        with pytest.raises(InputError, match=r"feature d1: free_fibers: Input should be a valid integer \(got '1,5'\)"):
            build_network(scenario)


def test_zip_archives_that_inflate_without_end_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("planner.geodata.tables.MAX_BYTES", 1000)
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.shp", bytes(5000))
    assert "inflates to more than 1,000 bytes" in refused(path)
    frame(CROSS).to_parquet(tmp_path / "large.parquet")
    monkeypatch.setattr("planner.geodata.tables.MAX_BYTES", 10)
    assert "inflates to more than 10 bytes" in refused(tmp_path / "large.parquet")


def test_tables_without_geometry_are_refused(tmp_path):
    path = tmp_path / "plain.gpkg"
    geopandas.GeoDataFrame({"id": ["a"]}, geometry=[LineString([(5, 50), (6, 50)])], crs=4326).to_file(path)
    with sqlite3.connect(path) as database:
        database.execute("DELETE FROM gpkg_geometry_columns")
        database.execute("UPDATE gpkg_contents SET data_type = 'attributes'")
    assert "holds no layer with geometry" in refused(path)
    pandas.DataFrame({"id": ["a"]}).to_parquet(tmp_path / "plain.parquet")
    assert "cannot be read as .parquet" in refused(tmp_path / "plain.parquet")


def test_paths_into_virtual_folders_are_refused(tmp_path, monkeypatch):
    path = tmp_path / "city.geojson"
    path.write_text(collection(CROSS))
    monkeypatch.setattr(Path, "resolve", lambda self: Path("/vsizip/city.geojson"))
    assert "below /vsi are refused" in refused(path)
