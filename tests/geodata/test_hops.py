"""Free-space hops: length between the sites, loss from fiber to fiber, reach."""

import pytest

from geodata.maps import GEOD, at, make_scenario, noted, site
from planner.errors import InputError
from planner.geodata import build_network
from planner.physics.freespace import hop_loss_db
from worlds import hop


def test_a_hop_is_measured_between_its_sites(tmp_path):
    scenario = make_scenario(tmp_path, free_space=[hop("a", "b")])
    network = build_network(scenario)
    index = network.spans.ids.index("hop-a-b")
    length_km = GEOD.inv(*at(300, 20), *at(1700, -20))[2] / 1000.0
    assert network.spans.length_km[index] == pytest.approx(length_km, rel=1e-12)
    terminal = scenario.hardware.free_space_terminals["rooftop"]
    laterals_db = sum(site.lateral_loss_db for site in network.sites)
    expected = hop_loss_db(length_km, terminal, visibility_km=10.0, cn2_m23=1e-14) + 2 * 0.6 + laterals_db
    assert network.spans.loss_db[index] == pytest.approx(expected)
    assert network.spans.cable_capex[index] == 300_000.0
    assert network.spans.risk_groups[index] == ("hop:hop-a-b",)
    assert (network.spans.medium[index], network.spans.max_fibers[index]) == ("free_space", 64)
    assert [int(end[index]) for end in (network.spans.start, network.spans.end)] == [s.node for s in network.sites]
    assert network.spans.line(index).tolist() == [at(300, 20), at(1700, -20)]


@pytest.mark.parametrize("checked", [True, False])
def test_an_unchecked_sightline_is_marked(tmp_path, checked):
    network = build_network(make_scenario(tmp_path, free_space=[hop("a", "b", sightline_checked=checked)]))
    assert network.spans.assumed[network.spans.ids.index("hop-a-b")] == (not checked)
    assert any("hop-a-b: the line of sight has not been checked" in note for note in network.notes) == (not checked)


def test_hops_beyond_their_terminal_are_refused_together(tmp_path):
    sites = (site("a", 0, 0), site("b", 2000, 0), site("c", 0, 3500))
    hops = [hop("a", "c"), hop("b", "c"), hop("a", "b")]
    with pytest.raises(InputError) as caught:
        build_network(make_scenario(tmp_path, sites=sites, free_space=hops, max_snap_m=4000.0))
    assert [problem.key_path for problem in caught.value.problems] == ["free_space hop-a-c", "free_space hop-b-c"]
    assert "3.50 km is more than rooftop reaches (3 km)" in str(caught.value)


def test_a_hop_between_sites_at_one_node_is_left_out(tmp_path):
    sites = (site("a", 300, 20), site("b", 300, -20))
    network = build_network(make_scenario(tmp_path, sites=sites, free_space=[hop("a", "b")]))
    assert "hop-a-b" not in network.spans.ids
    assert noted(network, "hop-a-b left out: both sites meet the street at the same place")
