"""Every format of layers is read again for verification, by other code, with the same lines and values."""

import json

import numpy as np
import pytest

from geodata.maps import CROSS, GEOD, at, duct, make_scenario, osm_text, rows, site
from geodata.test_formats import DUCTS, kml_text, write
from planner.design import design_plan
from planner.geodata import build_network
from planner.scenario import Layer
from planner.verify import verify_plan
from planner.verify.geometry import _Plane
from planner.verify.layers import own_prices, read_raw_layer

KINDS = [".gpkg", ".shp", ".zip", ".parquet", ".csv", ".tsv", ".kml"]
HOSTS = ["end", "repeater", "pair_source", "heralding"]
ENDS = (site("a", 300, 20, hosts=HOSTS), site("b", 1700, -20, hosts=HOSTS))


def length_m(raw):
    """Return the length of raw lines, in degrees first brought to longitude and latitude."""
    plane = _Plane.around((5.5, 50.6))
    return sum(line.length for line in plane.raw_lines(raw))


@pytest.mark.parametrize("kind", [".geojson", *KINDS])
def test_every_format_has_the_lines_and_classes_of_geojson(tmp_path, kind):
    make_scenario(tmp_path, CROSS)
    options = write(tmp_path / f"raw{kind}", CROSS) if kind != ".geojson" else {}
    raw = read_raw_layer(tmp_path, Layer(path=f"raw{kind}" if kind != ".geojson" else "streets.geojson", **options))
    assert raw.unread == ""
    assert [line.properties["highway"] for line in raw.lines] == ["residential", "residential", "primary"]
    assert [line.properties["id"] for line in raw.lines] == ["west", "east", "north"]
    assert length_m(raw) == pytest.approx(3000.0, rel=2e-3)


@pytest.mark.parametrize("kind", [".gpkg", ".csv", ".kml"])
def test_own_prices_and_values_are_known_in_every_format(tmp_path, kind):
    options = write(tmp_path / f"ducts{kind}", DUCTS)
    layer = {"path": f"ducts{kind}", "values": {"lease_per_fiber_km_year": 77.0}, **options}
    prices = own_prices(make_scenario(tmp_path, more_layers={"ducts": [layer]}))
    assert prices.unread == ()
    assert prices.rents_per_m_year == {1.5}
    assert prices.leases_per_fiber_km_year == {77.0}


def test_ways_of_an_extract_are_cut_where_nodes_are_missing(tmp_path):
    nodes = {1: (0, 0), 2: (500, 0), 4: (1000, 0), 5: (1500, 0)}
    (tmp_path / "s.osm").write_text(
        osm_text(nodes, {7: ([1, 2, 3, 4, 5], {"highway": "path"}), 8: ([1, 4], {"a": "b"})})
    )
    raw = read_raw_layer(tmp_path, Layer(path="s.osm"))
    assert [len(line.points) for line in raw.lines] == [2, 2]
    assert {line.properties["highway"] for line in raw.lines} == {"path"}


@pytest.mark.parametrize("as_geojson", [False, True])
def test_spans_of_open_fibre_data_reach_their_nodes(tmp_path, as_geojson):
    start, end, inner = at(0, 0), at(1000, 0), [at(990, 0), at(10, 0)]
    nodes = [
        {"id": name, "location": {"type": "Point", "coordinates": place}}
        for name, place in (("n1", start), ("n2", end))
    ]
    route = {"type": "LineString", "coordinates": inner}
    if as_geojson:
        properties = {"id": "s1", "network": {"id": "x"}, "start": nodes[0], "end": nodes[1]}
        content = {
            "type": "FeatureCollection",
            "features": [{"type": "Feature", "properties": properties, "geometry": route}],
        }
    else:
        span = {"id": "s1", "start": "n1", "end": "n2", "route": route}
        content = {"networks": [{"id": "x", "nodes": nodes, "spans": [span, {**span, "id": "s2", "route": None}]}]}
    (tmp_path / "net.json").write_text(json.dumps(content), encoding="utf-8")
    raw = read_raw_layer(tmp_path, Layer(path="net.json"))
    assert len(raw.lines) == (1 if as_geojson else 2)
    for line in raw.lines:
        ends = np.array([line.points[0], line.points[-1]])
        assert {tuple(end) for end in ends.tolist()} == {tuple(start), tuple(end)}
        assert GEOD.line_length(*np.array(line.points).T) == pytest.approx(1000.0, rel=2e-3)


@pytest.mark.parametrize(
    ("name", "contents"),
    [("s.gpkg", b"no"), ("s.osm", b"<osm>"), ("s.csv", b"a,b"), ("s.kml", b"<!DOCTYPE x><kml/>"), ("s.json", b"{")],
)
def test_what_cannot_be_read_is_said(tmp_path, name, contents):
    (tmp_path / name).write_bytes(contents)
    assert name in read_raw_layer(tmp_path, Layer(path=name)).unread


def planned(folder, kind):
    """Return network, scenario and plan on streets in a file of a kind."""
    options = write(folder / f"streets{kind}", CROSS)
    contents = (folder / f"streets{kind}").read_bytes()
    layer = {"path": f"streets{kind}", "columns": {}, **options}
    scenario = make_scenario(folder, contents, street_layer=layer, sites=ENDS)
    network = build_network(scenario)
    return network, scenario, design_plan(network, scenario)


@pytest.mark.parametrize("kind", [".gpkg", ".kml"])
def test_trenches_are_checked_against_streets_of_other_formats(tmp_path, kind):
    network, scenario, plan = planned(tmp_path, kind)
    verdict = verify_plan(network, scenario, plan)
    assert verdict.passed, verdict.failed_checks
    assert not any("not checked" in note for note in verdict.notes)
    assert any(check.name == "trenches_follow_streets" for check in verdict.checks)


def test_a_trench_beside_the_streets_of_a_kml_file_fails(tmp_path):
    network, scenario, plan = planned(tmp_path, ".kml")
    moved = [
        {
            **item,
            "geometry": {
                **item["geometry"],
                "coordinates": [[x, y + 1e-4] for x, y in item["geometry"]["coordinates"]],
            },
        }
        for item in CROSS
    ]
    (tmp_path / "streets.kml").write_text(kml_text(moved), encoding="utf-8")
    verdict = verify_plan(network, scenario, plan)
    assert "trenches_follow_streets" in {check.name for check in verdict.failed_checks}


def test_a_duct_in_pieces_keeps_the_light_of_its_layer(tmp_path):
    ducts = [duct("d1", (0, 0), (1000, 0), access="lease", measured_loss_db=2.0), duct("d2", (500, 0), (500, 400))]
    scenario = make_scenario(tmp_path, ducts=ducts, sites=ENDS)
    network = build_network(scenario)
    assert len(rows(network, "dark_fiber")) == 2
    verdict = verify_plan(network, scenario, design_plan(network, scenario))
    assert verdict.passed, verdict.failed_checks
