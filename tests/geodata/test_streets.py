"""Streets are joined where the data joins them, and nowhere else."""

import bz2
import gzip

import geopandas
import numpy as np
import pytest
import shapely

from geodata.maps import CROSS, at, collection, ids, line, make_scenario, noted, osm_text, rows, site, street
from planner.errors import InputError
from planner.geodata import build_network

STREET = {"highway": "residential"}


def degrees(network):
    """Return how many trenches end at each node."""
    return np.bincount(np.concatenate((network.spans.start, network.spans.end)), minlength=len(network.nodes))


def node_at(network, east_m, north_m):
    lon_deg, lat_deg = at(east_m, north_m)
    found = np.flatnonzero((network.nodes.lon_deg == lon_deg) & (network.nodes.lat_deg == lat_deg))
    assert len(found) == 1
    return int(found[0])


def test_end_points_join_streets(tmp_path):
    network = build_network(make_scenario(tmp_path))
    assert degrees(network)[node_at(network, 1000, 0)] == 3
    assert noted(network, "3 streets") == "streets.geojson: 3 streets, 3.0 km, in 3 blocks between junctions"


def test_an_end_on_a_vertex_splits_the_other_street(tmp_path):
    streets = (street("main", (0, 0), (1000, 0), (2000, 0)), street("side", (1000, 0), (1000, 500)))
    sites = (site("a", 0, 10), site("b", 2000, 10))
    network = build_network(make_scenario(tmp_path, streets, sites=sites))
    assert ids(network) == ["main-1", "main-2", "side"]
    assert degrees(network)[node_at(network, 1000, 0)] == 3


def test_mere_crossings_join_nothing(tmp_path):
    streets = (*CROSS, street("over", (500, -500), (500, 500)))
    network = build_network(make_scenario(tmp_path, streets))
    assert "over" in ids(network)
    assert noted(network, "2 parts", "without connection")


@pytest.mark.parametrize(
    ("over", "joined"), [({}, True), ({"bridge": "yes"}, False), ({"tunnel": "yes"}, False), ({"layer": "1"}, False)]
)
def test_common_vertices_join_streets_of_one_level_only(tmp_path, over, joined):
    streets = (street("low", (0, 0), (500, 0), (2000, 0)), street("high", (500, -500), (500, 0), (500, 500), **over))
    sites = (site("a", 0, 10), site("b", 2000, 10))
    network = build_network(make_scenario(tmp_path, streets, sites=sites))
    assert ("low-1" in ids(network)) == joined
    assert any("all streets are connected" in note for note in network.notes) == joined


TEE = (street("long", (0, 0), (2000, 0)), street("up", (1000, 0), (1000, 1000)))
"""The second street ends on the first one, where that has no vertex."""


def test_an_end_on_a_line_is_joined_without_a_vertex_there(tmp_path):
    network = build_network(make_scenario(tmp_path, TEE, sites=(site("a", 300, 20), site("b", 1020, 700))))
    assert noted(network, "1 end of streets joined to others that they touch without a common vertex, at most 0.0")
    assert noted(network, "all streets are connected")
    assert [name.partition("/")[0] for name in ids(network)] == ["long-1", "long-1", "long-2", "up", "up"]
    assert network.spans.length_km.sum() == pytest.approx(3.0, rel=1e-3)


@pytest.mark.parametrize(
    ("gap_m", "within_m", "joined"), [(0.05, None, True), (0.4, None, False), (4.0, 5.0, True), (0.0, 0.0, False)]
)
def test_gaps_are_closed_within_the_stated_distance_only(tmp_path, gap_m, within_m, joined):
    streets = (TEE[0], street("up", (1000, gap_m), (1000, 1000)), street("on", (2000 + gap_m, 0), (3000, 0)))
    layer = {} if within_m is None else {"join_within_m": within_m}
    sites = (site("a", 300, 20), site("b", 700, -20))
    network = build_network(make_scenario(tmp_path, streets, street_layer=layer, sites=sites))
    assert any("all streets are connected" in note for note in network.notes) == joined
    if joined:
        assert noted(network, "3 ends of streets joined to others that they touch")
    for index in rows(network, "trench"):
        nodes = [network.spans.start[index], network.spans.end[index]]
        places = np.column_stack((network.nodes.lon_deg[nodes], network.nodes.lat_deg[nodes]))
        assert network.spans.line(index)[[0, -1]] == pytest.approx(places, abs=1e-9)


@pytest.mark.parametrize("tags", [{"layer": "1"}, {"bridge": "yes"}, {"tunnel": "yes"}])
def test_an_end_below_a_bridge_or_above_a_tunnel_is_not_joined_to_it(tmp_path, tags):
    streets = (street("long", (0, 0), (2000, 0), **tags), TEE[1])
    network = build_network(make_scenario(tmp_path, streets, sites=(site("a", 300, 20), site("b", 700, -20))))
    assert noted(network, "form 2 parts without connection")


def test_ends_that_meet_each_other_on_a_line_are_joined_there(tmp_path):
    streets = (TEE[0], TEE[1], street("down", (1000, 0), (1000, -500)), street("near", (1000.03, 0.02), (1500, 900)))
    network = build_network(make_scenario(tmp_path, streets, sites=(site("a", 300, 20), site("b", 700, -20))))
    assert noted(network, "all streets are connected")
    assert degrees(network).max() == 5


def test_a_bridge_that_ends_on_a_street_is_joined(tmp_path):
    streets = (street("low", (0, 0), (500, 0), (2000, 0)), street("high", (500, 0), (500, 500), bridge="yes", layer=1))
    sites = (site("a", 0, 10), site("b", 2000, 10))
    network = build_network(make_scenario(tmp_path, streets, sites=sites))
    assert degrees(network)[node_at(network, 500, 0)] == 3


def test_osm_ways_that_cross_without_a_common_node_are_not_joined(tmp_path):
    nodes = {1: (0, 0), 2: (500, 0), 3: (2000, 0), 4: (500, -500), 5: (500, 0), 6: (500, 500)}
    ways = {1: ([1, 2, 3], STREET), 2: ([4, 5, 6], {**STREET, "bridge": "viaduct"})}
    sites = (site("a", 0, 10), site("b", 2000, 10))
    scenario = make_scenario(tmp_path, osm_text(nodes, ways), sites=sites, street_layer={"path": "streets.osm"})
    network = build_network(scenario)
    assert sorted(network.spans.ids) == ["w1", "w2"]
    assert network.spans.risk_groups[network.spans.ids.index("w2")] == ("street:w2", "bridge:w2")
    assert len(set(network.nodes.ids)) == len(network.nodes)


@pytest.mark.parametrize("pack", [("", bytes), (".gz", gzip.compress), (".bz2", bz2.compress)])
def test_osm_ways_are_split_at_common_and_missing_nodes(tmp_path, pack):
    ending, packed = pack
    nodes = {1: (0, 0), 2: (500, 0), 3: (1000, 0), 5: (1500, 0), 6: (2000, 0), 7: (500, 500), 8: (1000, 500)}
    ways = {
        10: ([1, 2, 3, 4, 5, 6], STREET),  # node 4 is not in the file
        11: ([2, 7, 8, 3], STREET),
        12: ([7, 6], {"highway": "proposed"}),
        13: ([8, 6], {"highway": "pedestrian", "area": "yes"}),
        14: ([8, 6], {"building": "yes"}),
        15: ([8], STREET),
        16: ([8, 6], {**STREET, "surface": "sett", "name": "Rue\u202e x"}),
    }
    text = packed(osm_text(nodes, ways).encode())
    sites = (site("a", 0, 10), site("b", 2000, 10))
    network = build_network(make_scenario(tmp_path, text, sites=sites, street_layer={"path": f"s.osm{ending}"}))
    assert ids(network) == ["w10-1", "w10-2", "w10-3", "w11-1", "w11-2", "w16"]
    assert noted(network, "missing") == "1 vertex missing in the data: 1 street cut there"
    assert noted(network, "no streets").endswith("2 ways left out as no streets (1 area, 1 proposed)")
    assert noted(network, "fewer than two nodes")
    last = network.spans.ids.index("w16")
    assert (network.spans.surface[last], network.spans.name[last]) == ("sett", "Rue  x")
    assert network.attributions == ("© OpenStreetMap contributors, ODbL 1.0 (https://www.openstreetmap.org/copyright)",)


def test_osm_nodes_at_one_place_on_a_way_become_one(tmp_path):
    nodes = {1: (0, 0), 2: (1000, 0), 3: (1000, 0), 4: (2000, 0), 5: (1000, 500)}
    ways = {1: ([1, 2], STREET), 2: ([2, 3], STREET), 3: ([3, 4], STREET), 4: ([3, 5], STREET)}
    sites = (site("a", 0, 10), site("b", 2000, 10))
    scenario = make_scenario(tmp_path, osm_text(nodes, ways), sites=sites, street_layer={"path": "streets.osm"})
    network = build_network(scenario)
    assert ids(network) == ["w1", "w3", "w4"]
    assert any("all streets are connected" in note for note in network.notes)
    assert noted(network, "zero length") == "1 street of zero length left out"


def test_loops_are_split_so_that_no_span_begins_where_it_ends(tmp_path):
    lollipop = street("loop", (1000, 0), (1200, -200), (1400, 0), (1200, 200), (1000, 0))
    network = build_network(make_scenario(tmp_path, (*CROSS, lollipop)))
    assert {"loop-1", "loop-2"} <= set(ids(network))
    assert noted(network, "1 loop split")
    assert (network.spans.start != network.spans.end).all()


def test_zero_length_and_repeated_streets_are_dropped_and_counted(tmp_path):
    streets = (
        *CROSS,
        street("dot", (700, 0), (700, 0)),
        street("again", (1000, 1000), (1000, 0)),
        line([at(0, 0)], id="short"),
        {"type": "Feature", "properties": {}, "geometry": None},
        {"type": "Feature", "properties": {}, "geometry": {"type": "Point", "coordinates": at(0, 0)}},
    )
    network = build_network(make_scenario(tmp_path, streets))
    assert {span.split("/")[0] for span in ids(network)} == {"west", "east", "north"}
    assert noted(network, "1 street of zero length left out")
    assert noted(network, "1 block drawn twice, counted once")
    assert noted(network, "2 features left out: no geometry")
    assert noted(network, "1 feature left out: not a line")


def test_repeated_and_missing_ids_are_counted_and_stay_unique(tmp_path):
    streets = (*CROSS, street("west", (0, 0), (0, 500)), street(None, (0, 500), (500, 500)))
    network = build_network(make_scenario(tmp_path, streets))
    assert {"west-1", "west-2", "street-000004"} <= {span.split("/")[0] for span in ids(network)}
    assert noted(network, "1 street with an id used before")
    assert noted(network, "1 street without id")


def test_multi_lines_are_read_line_by_line_and_heights_left_out(tmp_path):
    parts = [[[*at(0, 0), 70.0], [*at(0, 500), 71.0]], [at(0, 500), at(0, 900)]]
    double = {
        "type": "Feature",
        "id": "double",
        "properties": {},
        "geometry": {"type": "MultiLineString", "coordinates": parts},
    }
    network = build_network(make_scenario(tmp_path, (*CROSS, double)))
    assert {"double-1", "double-2"} <= set(ids(network))
    assert noted(network, "1 feature with several lines")
    assert noted(network, "heights were left out")


def test_spans_outside_the_extent_are_cut_off_and_counted(tmp_path):
    streets = (*CROSS, street("far", (2000, 0), (3000, 0), (90_000, 0)), street("away", (80_000, 50), (90_000, 50)))
    network = build_network(make_scenario(tmp_path, streets))
    assert "far" in ids(network)
    assert "away" not in ids(network)
    assert network.nodes.lon_deg.max() == at(3000, 0)[0]
    assert noted(network, "outside the extent") == "3 vertices of 2 streets outside the extent cut off"
    assert noted(network, "1 street left out")


def test_columns_of_the_file_are_mapped(tmp_path):
    streets = [street(None, (0, 0), (2000, 0), NUM=7, klass="primary", pave="sett", label="Quai")]
    columns = {"id": "NUM", "road_class": "klass", "surface": "pave", "name": "label"}
    network = build_network(make_scenario(tmp_path, streets, street_layer={"columns": columns}))
    spans = network.spans
    assert {span.split("/")[0] for span in spans.ids} == {"7"}
    assert (spans.road_class[0], spans.surface[0], spans.name[0]) == ("primary", "sett", "Quai")


def test_codes_of_the_file_are_translated_and_tables_joined(tmp_path):
    coded = [
        {**item, "properties": {"id": item["properties"]["id"], "rc": code, "paving": "9"}}
        for item, code in zip(CROSS, (1200, 1500.0, "x"), strict=True)
    ]
    (tmp_path / "paving.csv").write_text("code;cover\n9;sett\n9;asphalt\n", encoding="utf-8")
    layer = {
        "columns": {"road_class": "rc", "surface": "cover"},
        "codes": {"road_class": {"1200": "primary", "1500": "residential"}},
        "joins": [{"path": "paving.csv", "column": "paving", "key": "code"}],
    }
    network = build_network(make_scenario(tmp_path, coded, street_layer=layer))
    classes = dict(zip((name.partition("/")[0] for name in network.spans.ids), network.spans.road_class, strict=True))
    assert classes == {"west": "primary", "east": "residential", "north": "x"}
    assert set(network.spans.surface) == {"sett"}
    assert noted(network, "paving.csv: 1 row with a key used before, left out")


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        ({"codes": {"road_klass": {}}}, "codes.road_klass: unknown field 'road_klass'; did you mean 'road_class'?"),
        ({"joins": [{"path": "no.csv", "column": "id", "key": "k"}]}, "no.csv: cannot be read"),
        ({"joins": [{"path": "t.csv", "column": "id", "key": "kee"}]}, "joins[0].key: has no column 'kee'; did you"),
        ({"joins": [{"path": "t.csv", "column": "idd", "key": "key"}]}, "joins[0].column: no feature has the column"),
    ],
)
def test_wrong_translations_are_refused(tmp_path, layer, expected):
    (tmp_path / "t.csv").write_text("key,v\nwest,1\n", encoding="utf-8")
    with pytest.raises(InputError) as caught:
        build_network(make_scenario(tmp_path, street_layer=layer))
    assert expected in str(caught.value)


def test_missing_and_strange_classes_are_counted_and_priced_as_unknown(tmp_path):
    streets = (*CROSS, street("x", (2000, 0), (2000, 500)), street("y", (2000, 500), (2000, 900), highway="canal"))
    network = build_network(make_scenario(tmp_path, streets))
    classes = dict(zip(network.spans.ids, network.spans.road_class, strict=True))
    assert (classes["x"], classes["y"]) == ("unknown", "canal")
    assert noted(network, "road class not in the data") == (
        "road class not in the data for 1 block (0.5 km): priced as unknown"
    )
    assert noted(network, "road class not in the price list", "1 block (0.4 km)", "canal")
    assert noted(network, "surface not in the data for 5 blocks")


def test_blocks_of_one_structure_share_its_risk_group(tmp_path):
    streets = (
        *CROSS,
        street("s1", (2000, 0), (2500, 0), bridge="yes", osm="w77"),
        street("s2", (2500, 0), (3000, 0), bridge="yes", osm="w77"),
        street("s3", (3000, 0), (3500, 0), bridge="no", tunnel="yes"),
    )
    spans = build_network(make_scenario(tmp_path, streets)).spans
    groups = dict(zip(spans.ids, spans.risk_groups, strict=True))
    assert groups["s1"] == ("street:s1", "bridge:w77")
    assert groups["s2"] == ("street:s2", "bridge:w77")
    assert groups["s3"] == ("street:s3", "tunnel:s3")


def test_projected_streets_come_out_where_they_are(tmp_path):
    metric = [line([[234_000.0, 146_000.0], [235_000.0, 146_000.0]], id="lambert")]
    text = collection(metric, crs={"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::31370"}})
    sites = (site("a", 0, 0), site("b", 1000, 0))
    network = build_network(make_scenario(tmp_path, text, sites=sites, max_snap_m=5000.0))
    assert network.spans.length_km.sum() == pytest.approx(1.0, rel=1e-3)
    assert network.nodes.lat_deg == pytest.approx(50.62, abs=0.02)
    stated = make_scenario(
        tmp_path, collection(metric), sites=sites, street_layer={"crs": "EPSG:31370"}, max_snap_m=5000.0
    )
    assert build_network(stated).digest == network.digest


def test_streets_in_feet_are_as_long_in_metres(tmp_path):
    frame = geopandas.GeoDataFrame(
        {"gid": ["s1"], "highway": ["residential"]},
        geometry=[shapely.LineString([(7_640_000, 680_000), (7_650_000, 680_000)])],
        crs="EPSG:2913",
    )
    frame.to_file(tmp_path / "feet.shp")
    here = {"west_lon_deg": -122.9, "south_lat_deg": 45.3, "east_lon_deg": -122.4, "north_lat_deg": 45.7}
    first, last = frame.to_crs(4326).geometry[0].coords
    sites = [{**site(name, 0, 0), "lon_deg": lon, "lat_deg": lat} for name, (lon, lat) in (("a", first), ("b", last))]
    contents = (tmp_path / "feet.shp").read_bytes()
    layer = {"path": "feet.shp", "columns": {"id": "gid"}}
    network = build_network(make_scenario(tmp_path, contents, street_layer=layer, sites=sites, extent=here))
    assert network.spans.length_km.sum() == pytest.approx(3.048, rel=1e-3)  # 10,000 international feet


def test_attribution_comes_from_the_layer_or_the_file(tmp_path):
    text = collection(CROSS, metadata={"attribution": "City of L.", "licence": "CC0"})
    assert build_network(make_scenario(tmp_path, text)).attributions == ("City of L., CC0",)
    named = make_scenario(tmp_path, text, street_layer={"attribution": "Somebody"})
    assert build_network(named).attributions == ("Somebody",)


def test_an_object_in_two_versions_is_refused(tmp_path):
    nodes = {1: (0, 0), 2: (1000, 0)}
    text = osm_text(nodes, {1: ([1, 2], STREET)})
    moved = text.replace("<way", '<node id="2" version="2" lon="5.6" lat="50.6"/><way')
    with pytest.raises(InputError, match=r"node 2: stands twice"):
        build_network(make_scenario(tmp_path, moved, street_layer={"path": "streets.osm"}))
    changed = text.replace(
        "</osm>", '<way id="1" version="2"><nd ref="2"/><nd ref="1"/><tag k="highway" v="x"/></way></osm>'
    )
    with pytest.raises(InputError, match=r"way 1: stands twice"):
        build_network(make_scenario(tmp_path, changed, street_layer={"path": "streets.osm"}))
