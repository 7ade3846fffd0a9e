"""Risks found from geometry: what runs side by side fails together, what only crosses or meets does not."""

import pytest

from geodata.maps import duct, make_scenario, noted, site, street
from planner.geodata import build_network
from worlds import hop

MAIN = street("main", (0, 0), (1000, 0))
SITES = (site("a", 2, 5), site("b", 998, -5))


def pairs(folder, streets, within_m=15.0, **layers):
    """Return the pairs of spans that run side by side."""
    folder.mkdir(exist_ok=True)
    more = {"parallel_within_m": within_m} if within_m else {}
    network = build_network(make_scenario(folder, streets, sites=SITES, more_layers=more, **layers))
    spans = network.spans
    named = {}
    for span, groups in zip(spans.ids, spans.risk_groups, strict=True):
        for group in groups:
            if group.startswith("parallel:"):
                named.setdefault(group, set()).add(span)
    for group, members in named.items():
        assert group == "parallel:" + "|".join(sorted(members))
    if within_m:
        assert noted(network, f"run side by side within {within_m:g} m")
    return {tuple(sorted(members)) for members in named.values()}


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (street("near", (0, 10), (1000, 10)), True),
        (street("back", (1000, 10), (0, 10)), True),
        (street("far", (0, 16), (1000, 16)), False),
        (street("some", (300, 10), (350, 10), (350, 400)), True),
        (street("brief", (300, 10), (330, 10), (330, 400)), False),
        (street("stub", (300, 10), (330, 10)), True),
        (street("cross", (500, -300), (500, 300)), False),
        (street("slant", (400, -100), (600, 100)), False),
        (street("meets", (1000, 0), (1000, 500)), False),
        (street("onward", (1000, 0), (2000, 0)), False),
        (street("fork", (1000, 0), (0, 60)), True),
        (street("corner", (1000, 0), (900, 100)), False),
    ],
)
def test_two_streets_side_by_side_share_a_risk(tmp_path, other, expected):
    name = other["properties"]["id"]
    assert pairs(tmp_path, (MAIN, other)) == ({tuple(sorted(("main", name)))} if expected else set())


def test_it_is_found_only_where_it_is_asked_for(tmp_path):
    other = street("near", (0, 10), (1000, 10))
    assert pairs(tmp_path / "off", (MAIN, other), within_m=None) == set()
    assert pairs(tmp_path / "near", (MAIN, other), within_m=9.0) == set()


def test_ducts_share_the_risk_of_the_street_that_they_do_not_name(tmp_path):
    ducts = [duct("d", (0, 8), (1000, 8)), duct("e", (0, 4), (1000, 4), streets=["main"], access="both")]
    found = pairs(tmp_path, (MAIN,), ducts=ducts)
    assert found == {("d/pull", "main"), ("d/pull", "e/lease"), ("d/pull", "e/pull")}


def test_hops_run_beside_nothing(tmp_path):
    assert pairs(tmp_path, (MAIN,), free_space=[hop("a", "b")]) == set()
