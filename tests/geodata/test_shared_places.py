"""Sites in one building or on one power feed fail together: routes that must not share anything keep them apart."""

from dataclasses import replace

import pytest

from geodata.maps import box, collection, make_scenario, noted, prices, site, street
from planner.design import design_plan
from planner.geodata import build_network, cached_network
from planner.network import load_network, network_to_geojson, with_digest
from planner.report.bill import site_details
from planner.report.dossier import open_dossier
from planner.report.proof import failure_effects, failure_table
from planner.verify import verify_plan
from worlds import demand, phases

RING = (
    street("south", (0, 0), (2000, 0), highway="residential"),
    street("west", (0, 0), (0, 600), highway="residential"),
    street("north", (0, 600), (2000, 600), highway="residential"),
    street("east", (2000, 600), (2000, 0), highway="residential"),
)
SOURCE = {"hosts": ["pair_source"]}
TOWER = [box(None, 990, -10, 1010, 640, id="tower")]


def ring(folder, *, south="", north="", spare="", buildings=(), level="structure", **changes):
    """Return a scenario of two routes around a block: sources in the south, in the north, and a dear one."""
    places = (
        site("a", 5, 5, hosts=["end"]),
        site("b", 1995, 5, hosts=["end"]),
        site("s", 1000, 5, **SOURCE, power_feed=south),
        site("n", 1000, 605, **SOURCE, power_feed=north),
        site("spare", 1200, 680, **SOURCE, power_feed=spare),
    )
    more = {}
    if buildings:
        (folder / "buildings.geojson").write_text(collection(buildings), encoding="utf-8")
        more = {"buildings": [{"path": "buildings.geojson"}]}
    return make_scenario(
        folder, RING, sites=places, costs=prices(), more_layers=more, phases=phases(None),
        demands=[demand("a", "b", routes=2, disjoint=level)], solver={"gap": 0.0, "work_budget": 60}, **changes,
    )  # fmt: skip


def sources(plan):
    return {station.site for service in plan.services for route in service.routes for station in route.stations[1:-1]}


def planned(scenario):
    network = build_network(scenario)
    plan = design_plan(network, scenario)
    verdict = verify_plan(network, scenario, plan)
    assert verdict.passed, verdict.failed_checks
    return network, plan, verdict


def test_sources_of_two_routes_stand_on_different_feeds(tmp_path):
    assert sources(planned(ring(tmp_path))[1]) == {"s", "n"}
    assert sources(planned(ring(tmp_path, south="f1", north="f2"))[1]) == {"s", "n"}
    network, plan, _ = planned(ring(tmp_path, south="f1", north="f1"))
    assert sources(plan) in ({"s", "spare"}, {"n", "spare"}) and len(sources(plan)) == 2
    assert network.site("s").risk_groups == network.site("n").risk_groups == ("site-power:f1",)
    assert noted(network, "1 power feed shared by sites, each a risk group: f1 (n, s)")
    path = tmp_path / "network.geojson"
    path.write_text("".join(network_to_geojson(network)), encoding="utf-8")
    assert load_network(path).digest == network.digest == cached_network(ring(tmp_path, south="f1", north="f1")).digest


def test_sources_of_two_routes_stand_in_different_buildings(tmp_path):
    network, plan, _ = planned(ring(tmp_path, buildings=TOWER))
    assert network.site("s").risk_groups == network.site("n").risk_groups == ("site-building:tower",)
    assert "spare" in sources(plan)
    assert noted(network, "1 building shared by sites, each a risk group: tower (n, s)")
    apart = [box(None, 990, -10, 1010, 300, id="tower"), box(None, 990, 300, 1010, 640, id="tower")]
    network, plan, _ = planned(ring(tmp_path, buildings=apart))
    assert sources(plan) == {"s", "n"} and not network.site("s").risk_groups


def test_levels_below_structure_count_neither(tmp_path):
    assert sources(planned(ring(tmp_path, south="f1", north="f1", level="duct"))[1]) == {"s", "n"}


def test_what_the_ends_share_is_shared_at_any_rate(tmp_path):
    scenario = ring(tmp_path, south="f1", north="f1")
    sites = tuple(
        place.model_copy(update={"power_feed": "f1"}) if place.id == "a" else place for place in scenario.sites
    )
    assert sources(planned(replace(scenario, sites=sites))[1]) == {"s", "n"}


def test_verification_finds_routes_on_one_feed(tmp_path):
    plan = planned(ring(tmp_path))[1]
    scenario = ring(tmp_path, south="f1", north="f1")
    verdict = verify_plan(build_network(scenario), scenario, plan)
    found = {check.name: check.actual for check in verdict.failed_checks}
    assert "stations of both have site-power:f1" in found["routes_are_disjoint"]


@pytest.mark.parametrize(
    ("options", "groups", "expected"),
    [
        ({"south": "f1", "north": "f1"}, (), "s is fed by [] instead of ['site-power:f1']"),
        ({}, ("site-power:f9",), "s is fed by ['site-power:f9'] instead of []"),
        ({"buildings": TOWER}, (), "n and s stand in one building and do not say so"),
        ({"buildings": [box(None, 0, 300, 9, 309, id="hut")]}, ("site-building:hut",), "stand at no common building"),
    ],
)
def test_verification_finds_what_sites_do_not_share(tmp_path, options, groups, expected):
    scenario = ring(tmp_path, **options)
    network, plan, _ = planned(scenario)
    changed = tuple(replace(place, risk_groups=groups) if place.id in "sn" else place for place in network.sites)
    verdict = verify_plan(with_digest(replace(network, sites=changed)), scenario, plan)
    found = {check.name: check.actual for check in verdict.failed_checks}
    assert expected in found["sites_share_as_they_lie"]


def test_a_feed_that_fails_is_tried_and_told(tmp_path):
    scenario = ring(tmp_path, south="f1", spare="f1")
    network, plan, verdict = planned(scenario)
    (failure,) = [item for item in verdict.failures if item.risk_group == "site-power:f1"]
    assert failure.weakened_demands and not failure.lost_demands
    dossier = open_dossier(network, scenario, plan, verdict)
    effects = {effect.label: effect for effect in failure_effects(dossier, dossier.routes())}
    assert len(effects["Power feed f1"].broken) == len(effects["Power feed f1"].surviving) == 1
    assert failure_table(dossier).rows
    assert {("Power feed", "f1"), ("Fails together with", "spare")} <= set(site_details(dossier, "s"))
    assert "Fails together with" not in dict(site_details(dossier, "n"))
