"""Sites join the nearest street that may be dug; cutting a street changes nothing in sum."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geodata.maps import CROSS, GEOD, at, ids, make_scenario, noted, rows, site, street
from planner.errors import InputError
from planner.geodata import build_network
from planner.geodata.lines import lines_of
from planner.geodata.noding import Blocks
from planner.geodata.region import metric_projection
from planner.geodata.snapping import Foot, cut_blocks, draw_streets, join_feet
from planner.physics.fiber import span_loss_db
from planner.scenario.spec import Extent
from worlds import hop

EXTENT = Extent(west_lon_deg=5.4, south_lat_deg=50.5, east_lon_deg=5.8, north_lat_deg=50.8)
SUMS = ("length_km", "loss_db", "trench_capex", "right_of_way_capex")


def sums(network):
    return {name: float(getattr(network.spans, name).sum()) for name in SUMS}


def test_a_site_cuts_the_street_at_its_foot(tmp_path):
    network = build_network(make_scenario(tmp_path))
    assert ids(network) == ["east/1", "east/2", "north", "west/1", "west/2"]
    for name, foot in (("a", (300, 0)), ("b", (1700, 0))):
        node = network.site(name).node
        assert network.nodes.kinds[node] == "site"
        here = (network.nodes.lon_deg[node], network.nodes.lat_deg[node])
        assert GEOD.inv(*here, *at(*foot))[2] == pytest.approx(0.0, abs=0.05)


def test_the_lateral_is_trench_permit_and_fiber_by_length(tmp_path):
    scenario = make_scenario(tmp_path)
    lateral = build_network(scenario).site("a")
    metres = lateral.lateral_km * 1000.0
    assert metres == pytest.approx(20.0, rel=2e-3)
    assert lateral.lateral_capex == pytest.approx((60.0 * 1.4 + 5.0) * metres)
    assert lateral.lateral_loss_db == pytest.approx(span_loss_db(metres / 1000.0, scenario.hardware.fibers["fiber"]))


def test_cutting_changes_no_length_loss_or_price_in_sum(tmp_path):
    whole = build_network(make_scenario(tmp_path, sites=(site("a", 0, 30), site("b", 2000, 30))))
    many = [site(f"s{number}", 37.0 * number, 30) for number in range(1, 54)]
    cut = build_network(make_scenario(tmp_path, sites=[site("a", 0, 30), site("b", 2000, 30), *many]))
    assert len(cut.spans) == len(whole.spans) + 53
    assert sums(cut) == pytest.approx(sums(whole), rel=1e-7)


def test_a_street_may_be_left_on_both_sides_of_a_site_without_common_risk(tmp_path):
    spans = build_network(make_scenario(tmp_path)).spans
    groups = dict(zip(spans.ids, spans.risk_groups, strict=True))
    assert (groups["west/1"], groups["west/2"]) == (("street:west/1",), ("street:west/2",))


def test_sites_near_a_junction_or_near_each_other_share_a_node(tmp_path):
    sites = (site("a", 1003, -20), site("b", 300, 20), site("c", 304, -20), site("d", 310, 9))
    network = build_network(make_scenario(tmp_path, sites=sites))
    assert network.site("b").node == network.site("c").node != network.site("d").node
    assert len(ids(network)) == 5
    assert noted(network, "1 site at the same place")


def test_sites_use_the_largest_part_that_is_connected(tmp_path):
    island = street("island", (300, 20), (400, 20), highway="residential")
    network = build_network(make_scenario(tmp_path, (*CROSS, island)))
    assert "island" in ids(network)
    assert network.site("a").lateral_km == pytest.approx(0.020, rel=2e-3)
    assert noted(network, "2 parts without connection; 3.22% of the length (0.1 km)")


def test_sites_avoid_streets_that_may_not_be_dug(tmp_path):
    fast = street("fast", (0, 10), (1000, 0), highway="motorway")
    rules = {"density": "urban", "forbidden_road_classes": ["motorway"]}
    network = build_network(make_scenario(tmp_path, (*CROSS, fast), right_of_way=rules))
    assert "fast" in ids(network)
    assert not network.spans.buildable[network.spans.ids.index("fast")]
    assert network.spans.buildable.sum() == len(network.spans) - 1
    assert noted(network, "digging is forbidden in 1 block")


def test_sites_avoid_streets_that_hang_on_one_that_may_not_be_dug(tmp_path):
    streets = (*CROSS, street("gate", (2000, 0), (3000, 0), highway="motorway"),
               street("island", (3000, 0), (3000, 400), highway="residential"))  # fmt: skip
    rules = {"density": "urban", "forbidden_road_classes": ["motorway"]}
    sites = (site("a", 300, 20), site("b", 2990, 300))
    with pytest.raises(InputError, match=r"street island, 10 m away, is not connected to the largest part"):
        build_network(make_scenario(tmp_path, streets, sites=sites, right_of_way=rules))
    network = build_network(make_scenario(tmp_path, streets, sites=sites, right_of_way=rules, max_snap_m=1100.0))
    assert noted(network, "form 2 parts without connection", "digging is forbidden in 1.0 km of others")
    assert network.nodes.lon_deg[network.site("b").node] == at(2000, 0)[0]
    hops = [hop("a", "b")]
    network = build_network(make_scenario(tmp_path, streets, sites=sites, right_of_way=rules, free_space=hops))
    assert network.site("b").lateral_km == pytest.approx(0.010, rel=0.01)


def test_sites_too_far_from_a_street_are_all_named_with_distance_and_place(tmp_path):
    island = street("island", (300, 800), (310, 800))
    sites = (site("a", 300, 800), site("b", 1700, -20), site("c", 300, 500))
    with pytest.raises(InputError) as caught:
        build_network(make_scenario(tmp_path, (*CROSS, island), sites=sites))
    first, second = map(str, caught.value.problems)
    assert "site a: at 5.50423, 50.60719 is 699 m from the nearest street that may be dug and is connected" in first
    assert "(north); max_snap_m is 250: move the site or raise it" in first
    assert "(street island, 0 m away, is not connected to the largest part)" in first
    assert "site c: at" in second


def test_a_larger_max_snap_m_admits_them(tmp_path):
    sites = (site("a", 300, 600), site("b", 1700, -20))
    network = build_network(make_scenario(tmp_path, sites=sites, max_snap_m=700.0))
    assert network.site("a").lateral_km == pytest.approx(0.6, rel=2e-3)
    assert "the longest of 600 m at a" in noted(network, "laterals")


def test_spans_end_at_their_nodes_and_measure_their_lines(tmp_path):
    network = build_network(make_scenario(tmp_path))
    spans, nodes = network.spans, network.nodes
    for index in rows(network, "trench"):
        line = spans.line(index)
        for point, node in ((line[0], spans.start[index]), (line[-1], spans.end[index])):
            assert (point == (nodes.lon_deg[node], nodes.lat_deg[node])).all()
        assert spans.length_km[index] == pytest.approx(GEOD.line_length(*line.T) / 1000.0, rel=1e-12)


def one_block(points):
    lines = lines_of([np.array([at(*point) for point in points])])
    ends = lines.coordinates[[0, -1]]
    return Blocks(
        ids=("s",),
        streets=np.zeros(1, np.int64),
        lines=lines,
        start=np.zeros(1, np.int64),
        end=np.ones(1, np.int64),
        lengths_m=np.array([GEOD.line_length(*lines.coordinates.T)]),
        junctions=ends,
    )


@settings(max_examples=60, deadline=None)
@given(
    steps=st.lists(st.tuples(st.floats(20, 300), st.floats(-200, 200)), min_size=1, max_size=6),
    shares=st.lists(st.floats(0, 1), max_size=8),
)
def test_any_cuts_keep_length_ends_and_order(steps, shares):
    points = [(0.0, 0.0)]
    for east, north in steps:
        points.append((points[-1][0] + east, points[-1][1] + north))
    plan = draw_streets(one_block(points), metric_projection(EXTENT))
    feet = [Foot(block=0, along_m=share * float(plan.lengths_m[0]), distance_m=0.0) for share in shares]
    nodes, cuts = join_feet(plan, feet)
    pieces = cut_blocks(plan, cuts)
    assert math.isclose(pieces.lengths_m.sum(), plan.blocks.lengths_m[0], rel_tol=1e-6)
    assert (pieces.start[0], pieces.end[-1]) == (0, 1)
    assert (pieces.start[1:] == pieces.end[:-1]).all()
    assert len(pieces.ids) == len(cuts) + 1
    assert (pieces.lengths_m > 4.0).all()
    assert all(0 <= node < len(pieces.nodes) for node in nodes)
    assert (pieces.nodes[pieces.start] == pieces.lines.coordinates[pieces.lines.firsts]).all()
    assert (pieces.nodes[pieces.end] == pieces.lines.coordinates[pieces.lines.lasts]).all()
