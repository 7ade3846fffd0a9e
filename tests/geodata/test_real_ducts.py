"""Real duct layers in their own formats, where they are at hand: they become networks, and say what they cannot do."""

import json
from pathlib import Path

import geopandas
import networkx as nx
import numpy as np
import pandas
import pytest
import shapely

from geodata.maps import GEOD, make_scenario, noted, rows
from planner.design import design_plan
from planner.errors import InfeasibleError
from planner.geodata import build_network
from worlds import demand

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
GEORGIA = {"west_lon_deg": 40.0, "south_lat_deg": 41.0, "east_lon_deg": 47.0, "north_lat_deg": 43.7}
FRISCO = {"west_lon_deg": -122.53, "south_lat_deg": 37.70, "east_lon_deg": -122.35, "north_lat_deg": 37.84}
HOSTS = ["end", "repeater", "pair_source", "heralding"]
TOURAINE = {"west_lon_deg": -1.0, "south_lat_deg": 46.0, "east_lon_deg": 3.0, "north_lat_deg": 49.0}


def found(folder, pattern):
    """Return the contents of a file that is not part of the project, or skip."""
    files = sorted((SHARED / folder).glob(pattern)) if SHARED.is_dir() else []
    if not files:
        pytest.skip(f"../shared/data/{folder} is not here")
    return files[0].read_bytes()


def points(*places):
    return [
        {"id": f"s{index}", "name": "x", "kind": "hut", "lon_deg": place[0], "lat_deg": place[1], "hosts": HOSTS}
        for index, place in enumerate(places)
    ]


def opennet():
    """Return nodes and spans of the network, by their ids."""
    network = json.loads(found("georgia-opennet", "*ofds-json_*"))["networks"][0]
    return {node["id"]: node for node in network["nodes"]}, {span["id"]: span for span in network["spans"]}


def a_bridge():
    """Return the spans whose failure parts the network, and the name of one in its middle."""
    _, spans = opennet()
    graph = nx.MultiGraph((span["start"], span["end"]) for span in spans.values())
    parts = {frozenset(edge) for edge in nx.bridges(nx.Graph(graph)) if graph.number_of_edges(*edge) == 1}
    names = sorted(name for name, span in spans.items() if frozenset((span["start"], span["end"])) in parts)
    return names, next(name for name in names if spans[name]["name"] == "Kaburi - Chivt-Kilisa")


def georgia(folder, form, between, **changes):
    """Return a scenario in which the routes of the fiber stand for the roads, and the fiber itself is leased."""
    contents = found("georgia-opennet", f"*ofds-{form}_*")
    ending = ".json" if form == "json" else ".geojson"
    streets = {"path": f"streets{ending}", "values": {"road_class": "motorway"}}
    ducts = {"path": f"streets{ending}", "columns": {"streets": "id"}, "values": {"access": "lease"}}
    nodes, spans = opennet()
    sites = points(*(nodes[spans[between][end]]["location"]["coordinates"] for end in ("start", "end")))
    return make_scenario(
        folder, contents, street_layer=streets, more_layers={"ducts": [ducts]}, sites=sites, extent=GEORGIA, **changes
    )


@pytest.mark.parametrize("form", ["json", "spans"])
def test_georgia_becomes_a_network_with_the_length_of_its_routes(tmp_path, form):
    network = build_network(georgia(tmp_path, form, a_bridge()[1]))
    _, spans = opennet()
    expected = sum(GEOD.line_length(*np.array(span["route"]["coordinates"]).T) for span in spans.values()) / 1000.0
    leased = rows(network, "dark_fiber")
    assert network.spans.length_km[leased].sum() == pytest.approx(expected, rel=5e-3)
    assert len(leased) == len(spans) == 953
    assert noted(network, "of spans drawn out to their nodes")


def test_a_bridge_of_georgia_refuses_two_routes_and_is_named_with_its_place(tmp_path):
    names, bridge = a_bridge()
    assert len(names) == 768
    scenario = georgia(tmp_path, "spans", bridge, demands=[demand("s0", "s1", routes=2)])
    with pytest.raises(InfeasibleError) as caught:
        design_plan(build_network(scenario), scenario)
    assert "demand s0-s1 wants two disjoint routes, but every route passes" in str(caught.value)
    lon_deg, lat_deg = scenario.site("s0").lon_deg, scenario.site("s0").lat_deg
    assert f"{bridge}" in str(caught.value)
    assert f"{lon_deg:.5f}, {lat_deg:.5f}" in str(caught.value)


def test_san_francisco_has_thirteen_parts_and_every_block_once(tmp_path):
    header = ["cnn", "permit", "street", "from", "to", "wkt"]
    text = {"path": "fiber.csv", "crs": "EPSG:4326", "header": header}
    contents = found("sf-fiber", "sonic_fiber*.csv")
    blocks = {line.rpartition("|")[2] for line in contents.decode().splitlines()} - {""}
    scenario = make_scenario(
        tmp_path,
        contents,
        street_layer={**text, "columns": {"id": "cnn", "name": "street"}},
        more_layers={
            "ducts": [{**text, "columns": {"streets": "cnn", "name": "street"}, "values": {"access": "pull"}}]
        },
        sites=points((-122.4773512, 37.7592379), (-122.4783, 37.7654)),
        extent=FRISCO,
    )
    network = build_network(scenario)
    assert len(rows(network, "duct")) == len(blocks) == 1398
    assert noted(network, "streets and ducts form 13 parts without connection")
    assert noted(network, "989 features left out: no geometry")
    assert noted(network, "450 ducts without id drawn twice, counted once")
    lines = [shapely.get_coordinates(shapely.from_wkt(block)) for block in blocks]
    expected = sum(GEOD.line_length(*line.T) for line in lines) / 1000.0
    assert network.spans.length_km[rows(network, "duct")].sum() == pytest.approx(expected, rel=1e-3)


def test_gracethd_sections_in_lambert_93_become_ducts(tmp_path):
    files = {ending: found("gracethd-demo", f"t_cheminement{ending}") for ending in (".shp", ".shx", ".dbf", ".prj")}
    for ending, contents in files.items():
        (tmp_path / f"sections{ending}").write_bytes(contents)
    layer = {"path": "sections.shp", "columns": {"id": "cm_code"}}
    duct_layer = {**layer, "columns": {**layer["columns"], "owner": "cm_prop_do"}, "values": {"access": "both"}}
    network = build_network(
        make_scenario(
            tmp_path,
            files[".shp"],
            street_layer=layer,
            more_layers={"ducts": [duct_layer]},
            sites=points((2.5702, 47.1993), (2.5728, 47.1997)),
            extent=TOURAINE,
        )
    )
    assert len(rows(network, "duct")) == len(rows(network, "dark_fiber")) == 25
    frame = geopandas.read_file(SHARED / "gracethd-demo" / "t_cheminement.shp")
    expected = frame.length.sum() / 1000.0
    assert network.spans.length_km[rows(network, "duct")].sum() == pytest.approx(expected, rel=1e-3)


def test_gracethd_cables_take_their_fibers_and_owners_from_a_table(tmp_path):
    for stem in ("t_cableline", "t_cheminement"):
        for ending in (".shp", ".shx", ".dbf", ".prj"):
            (tmp_path / f"{stem}{ending}").write_bytes(found("gracethd-demo", f"{stem}{ending}"))
    (tmp_path / "t_cable.csv").write_bytes(found("gracethd-demo", "t_cable.csv"))
    cables = {
        "path": "t_cableline.shp",
        "columns": {"id": "cl_code", "owner": "cb_prop", "free_fibers": "cb_capafo", "used_fibers": "cb_fo_util"},
        "values": {"access": "lease"},
        "joins": [{"path": "t_cable.csv", "column": "cl_cb_code", "key": "cb_code"}],
    }
    scenario = make_scenario(
        tmp_path,
        found("gracethd-demo", "t_cheminement.shp"),
        street_layer={"path": "t_cheminement.shp", "columns": {"id": "cm_code"}},
        more_layers={"ducts": [cables]},
        sites=points((2.5702, 47.1993), (2.5728, 47.1997)),
        extent=TOURAINE,
    )
    network = build_network(scenario)
    leased = rows(network, "dark_fiber")
    table = pandas.read_csv(tmp_path / "t_cable.csv", sep=";").set_index("cb_code")
    lines = geopandas.read_file(tmp_path / "t_cableline.shp").set_index("cl_code")
    assert len(leased) >= 18
    for index in leased:
        row = table.loc[lines.loc[network.spans.ids[index].partition("/")[0].partition("~")[0], "cl_cb_code"]]
        assert network.spans.max_fibers[index] == row["cb_capafo"]
        assert network.spans.name[index] == row["cb_prop"]
