"""Sites of every kind of file stand where they are, and every mistake in one is located."""

import json

import geopandas
import pytest
import shapely

from geodata.maps import CROSS, EXTENT, at, collection, make_scenario, noted, osm_text
from planner.errors import InputError
from planner.geodata import build_network
from planner.scenario import load_scenario

TABLE = "ident,Name,Lon,LAT,kind,hosts\n{rows}"
ROWS = ("a,Town hall,{},{},town-hall,end;repeater", "b,,{},{},,")
PLACES = ((300, 20), (1700, -20))


def with_sites(folder, contents, name="places.csv", between=("a", "b"), **options):
    """Return a scenario whose sites come from one file."""
    make_scenario(folder, CROSS)
    path = folder / name
    if isinstance(contents, bytes):
        path.write_bytes(contents)
    elif contents is not None:
        path.write_text(contents, encoding="utf-8")
    spec = json.loads((folder / "scenario.yaml").read_text(encoding="utf-8"))
    spec["sites"] = []
    spec["layers"]["sites"] = [{"path": name, **options}]
    spec["demands"] = [{**spec["demands"][0], "a": between[0], "b": between[1]}]
    (folder / "scenario.yaml").write_text(json.dumps(spec), encoding="utf-8")
    return load_scenario(folder / "scenario.yaml")


def table(*rows, places=PLACES):
    return TABLE.format(rows="\n".join(row.format(*at(*place)) for row, place in zip(rows, places, strict=True)))


def refusal(folder, contents, **options):
    with pytest.raises(InputError) as caught:
        with_sites(folder, contents, **options)
    return str(caught.value)


def near(site, place):
    return (site.lon_deg, site.lat_deg) == pytest.approx(tuple(at(*place)), abs=2e-6)


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_a_table_of_longitude_and_latitude(tmp_path, separator):
    rows = [row.replace("end;repeater", '"end;repeater"') for row in ROWS]
    text = "\ufeff" + table(*rows).replace(",", separator)
    scenario = with_sites(tmp_path, text, columns={"id": "ident", "name": "Name"}, values={"kind": "office"})
    first, second = scenario.sites
    assert (first.id, first.name, first.kind, first.hosts) == ("a", "Town hall", "town-hall", ("end", "repeater"))
    assert (second.name, second.kind, second.hosts, second.assumed) == ("b", "office", ("end",), False)
    assert near(first, PLACES[0])
    assert near(second, PLACES[1])
    assert len(build_network(scenario).sites) == 2


def test_an_assumed_layer_marks_its_sites(tmp_path):
    assert all(site.assumed for site in with_sites(tmp_path, table(*ROWS), columns={"id": "ident"}, assumed=True).sites)


def test_a_table_in_another_reference_system(tmp_path):
    points = geopandas.GeoSeries([shapely.Point(at(*place)) for place in PLACES], crs=4326).to_crs("EPSG:31370")
    rows = "\n".join(f"{name},{point.x},{point.y}" for name, point in zip("ab", points, strict=True))
    scenario = with_sites(tmp_path, f"id,x,y\n{rows}", crs="EPSG:31370")
    assert all(near(site, place) for site, place in zip(scenario.sites, PLACES, strict=True))


@pytest.mark.parametrize("name", ["places.gpkg", "places.shp", "places.parquet", "places.geojson"])
def test_points_and_areas_of_layers_in_any_format(tmp_path, name):
    shapes = [shapely.Point(at(*PLACES[0])), shapely.box(*at(1690, -30), *at(1710, -10))]
    if name.endswith(".shp"):
        shapes[0] = shapely.box(*at(295, 15), *at(305, 25))
    frame = geopandas.GeoDataFrame({"code": ["a", "b"], "hosts": "end;repeater"}, geometry=shapes, crs=4326)
    frame = frame.to_crs("EPSG:31370")
    path = tmp_path / name
    frame.to_parquet(path) if name.endswith(".parquet") else frame.to_file(path)
    scenario = with_sites(tmp_path, None, name=name, columns={"id": "code"})
    assert all(near(site, place) for site, place in zip(scenario.sites, PLACES, strict=True))
    assert scenario.sites[1].hosts == ("end", "repeater")
    assert scenario.sites[1].kind == "site"


EXTRACT = osm_text(
    {1: (300, 20), 2: (1690, -30), 3: (1710, -30), 4: (1710, -10), 5: (1690, -10), 6: (90_000, 0), 7: (1, 1)},
    {
        8: ([2, 3, 4, 5, 2], {"amenity": "townhall", "name": "Town & Hall".replace("&", "&amp;"), "shelter": "yes"}),
        9: ([2, 3], {"building": "yes"}),
        10: ([3, 4, 5, 2, 99], {"building": "yes"}),
    },
).replace("</osm>", "").replace(
    '<node id="1" version="1" lon="5.5042330" lat="50.6001798"/>',
    '<node id="1" version="1" lon="5.5042330" lat="50.6001798"><tag k="telecom" v="exchange"/></node>',
).replace(
    '<node id="6" version="1"',
    '<node id="6" version="1" ',
) + (
    '<relation id="11" version="1"><member type="way" ref="9" role="outer"/><member type="way" ref="10" role="outer"/>'
    '<tag k="office" v="government"/><tag k="type" v="multipolygon"/></relation></osm>'
)


def test_things_of_an_extract_by_number_and_by_tags(tmp_path):
    scenario = with_sites(tmp_path, EXTRACT, name="city.osm", objects={"a": "n1", "b": "w8", "c": "r11"})
    a, b, c = scenario.sites
    assert near(a, PLACES[0])
    assert near(b, PLACES[1])
    assert near(c, PLACES[1])
    assert (b.name, b.kind, b.shelter, c.kind) == ("Town & Hall", "townhall", None, "government")
    by_tag = with_sites(
        tmp_path, EXTRACT, name="city.osm", between=("n1", "w8"), tags=["telecom=*", "amenity=townhall"]
    )
    assert [(site.id, site.kind) for site in by_tag.sites] == [("n1", "exchange"), ("w8", "townhall")]


def test_things_by_tags_outside_the_extent_are_left_out_and_counted(tmp_path):
    far = at(90_000, 0)
    assert far[0] > EXTENT["east_lon_deg"]
    text = EXTRACT.replace(
        f'<node id="6" version="1"  lon="{far[0]:.7f}" lat="{far[1]:.7f}"/>',
        f'<node id="6" version="1" lon="{far[0]:.7f}" lat="{far[1]:.7f}"><tag k="telecom" v="exchange"/></node>',
    )
    assert text != EXTRACT
    scenario = with_sites(
        tmp_path, text, name="city.osm", between=("n1", "w8"), tags=["telecom=exchange", "amenity=townhall"]
    )
    assert len(scenario.sites) == 2
    assert noted(build_network(scenario), "city.osm: 1 sites chosen by tags lie outside the extent")


@pytest.mark.parametrize(
    ("contents", "options", "expected"),
    [
        (table(*ROWS), {}, "places.csv:2: id: required column is missing or empty"),
        (table(*ROWS).replace("5.50", "x5.50", 1), {"columns": {"id": "ident"}}, "places.csv:2: lon_deg: Input should"),
        (table(*ROWS).replace("5.50", "nan", 1), {"columns": {"id": "ident"}}, "places.csv:2: lon_deg"),
        (table(*ROWS, places=((0, 0), (99_999, 0))), {"columns": {"id": "ident"}}, "site b at"),
        ("id,lon,lat\na,50.6,5.51\nb,50.6,5.52", {}, "longitude and latitude look swapped"),
        ("id,lon,lat\na,5.51,50.6\nb,5,52,50.6", {}, "places.csv:3: 4 columns where the first line has 3"),
        ("id,lon,lat\na,5.51,50.6\na,5.52,50.6", {"between": ("a", "a")}, "site id 'a' is used twice"),
        ("id,lon,lat", {}, "table is empty"),
        ("", {}, "table is empty"),
        (b"id,lon,lat\n\xff,1,2", {}, "is not UTF-8 text (byte 11)"),
        ('id,lon,lat\na,"5.51,50.6', {}, "not delimited text"),
        ("id,lon,lon\na,5.51,50.6", {}, "two columns have one name"),
        (table(*ROWS), {"columns": {"id": "idnt"}}, "columns.id: no site has the column 'idnt'; did you mean 'ident'?"),
        (table(*ROWS), {"columns": {"nmae": "Name"}}, "columns.nmae: unknown field; did you mean 'name'?"),
        (table(*ROWS), {"values": {"host": "end"}}, "values.host: unknown field; did you mean 'hosts'?"),
        ("id,place\na,b", {}, "has not a column called wkt"),
        ("id,x,y\na,1,2", {"crs": "EPSG:99999"}, "crs of the layer is unknown: EPSG:99999"),
        ("id,x,y\na,inf,2", {"crs": "EPSG:31370"}, "is no place in EPSG:31370; is the crs right?"),
        ("id,x,y\na,one,2", {"crs": "EPSG:31370"}, "x and y must be numbers"),
        (table(*ROWS), {"tags": ["a=b"]}, "tags: is for OpenStreetMap extracts only"),
        (EXTRACT, {"name": "city.osm"}, "city.osm: objects: say which things of the extract are sites"),
        (EXTRACT, {"name": "city.osm", "objects": {"a": "w77"}}, "objects.a: w77 is not in the extract"),
        (EXTRACT, {"name": "city.osm", "tags": ["amenity=zoo"]}, "tags: nothing has any of the tags amenity=zoo"),
        (EXTRACT[:400], {"name": "city.osm", "tags": ["amenity=zoo"]}, "not a readable OpenStreetMap file"),
        (EXTRACT, {"name": "city.osm", "objects": {"a": "8"}}, "layers.sites[0].objects.a: string should match"),
        (collection([{**CROSS[0], "geometry": None}]), {"name": "p.geojson"}, "lon_deg: required column is missing"),
    ],
)
def test_mistakes_in_files_of_sites_are_located(tmp_path, contents, options, expected):
    assert expected in refusal(tmp_path, contents, **options)
