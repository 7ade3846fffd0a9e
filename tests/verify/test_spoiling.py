"""A valid plan is spoiled in one way; exactly the right checks fail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from cases import Case, failing, moved, route_of, with_station, without
from planner.physics.performance import evaluate_route
from planner.plan import Installation, RouteSettings, Service, SiteOpening, SpanBuild, Station
from planner.scenario import Budgets
from planner.scenario.parts import BuiltPart, ForbiddenPart, ForcedPart
from planner.verify import routes as verify_routes
from planner.verify import verify_plan
from planner.verify.checks import CHECKS, INPUT_CHECKS
from plans import LINE, chain_plan, city_plan, city_services, line_plan, make_plan, make_route, walk
from worlds import World, demand, make_world, phases


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Case:
    planned = city_plan(tmp_path_factory.mktemp("city"))
    return Case(network=planned.world.network, scenario=planned.world.scenario, plan=planned.plan)


def scaled(name: str, factor: float) -> Callable[[Case], Case]:
    """Return the spoiling that multiplies a number of the stored route by a factor."""
    return lambda case: case.edit_route("B-E", "p2", **{name: getattr(route_of(case, "B-E", "p2"), name) * factor})


def scaled_line(name: str) -> Callable[[Case], Case]:
    """Return the spoiling that makes a number of the first cost line one per mille larger."""

    def spoil(case: Case) -> Case:
        first, *rest = case.plan.costs
        return case.edit(costs=(first.model_copy(update={name: getattr(first, name) * 1.001}), *rest))

    return spoil


def dearer_outcome(case: Case) -> Case:
    cost = case.plan.outcome.cost * 1.01
    return case.edit_outcome(cost=cost, gap=(cost - case.plan.outcome.lower_bound) / cost)


def just_enough_capital(case: Case) -> Case:
    """The total budget is the capital of the plan, but it covers yearly costs too."""
    total = sum(line.capex for line in case.plan.costs)
    assert not failing(case.edit_spec(budgets=Budgets(total=total)))
    return case.edit_spec(budgets=Budgets(total=total, covers="capex_and_opex"))


def swapped_spans(case: Case) -> Case:
    first, second, *rest = route_of(case, "A-D", "p1").spans
    return case.edit_route("A-D", "p1", spans=(second, first, *rest))


def stopped_short(case: Case) -> Case:
    """The route ends one span early, and says so in its length and its stations."""
    route = route_of(case, "A-D", "p1")
    stations = (*route.stations[:-1], Station(site="D", role="end", after_spans=3))
    length_km = sum(case.value(span, "length_km") for span in route.spans[:-1])
    return case.edit_route("A-D", "p1", spans=route.spans[:-1], stations=stations, length_km=length_km)


def fewer_units(case: Case) -> Case:
    bought = case.plan.installations
    at = next(i for i, item in enumerate(bought) if (item.site, item.item, item.phase) == ("B", "memory-lane", "p2"))
    return case.edit(installations=(*bought[:at], *bought[at + 1 :])).repriced()


def more_lanes(case: Case) -> Case:
    """Three lanes, with rates to match, but equipment for two."""
    route = route_of(case, "B-E", "p2")
    names = ("rate_hz", "ebit_rate_hz", "key_rate_hz", "ceiling_hz")
    return case.edit_route("B-E", "p2", lanes=3, **{name: getattr(route, name) * 1.5 for name in names})


def twice_north(case: Case) -> Case:
    world = World(scenario=case.scenario, network=case.network)
    services = city_services(world)
    services["A-D", "p1"][1] = services["A-D", "p1"][0]
    return replace(case, plan=make_plan(world, services))


def with_line(case: Case, span: str, points: Any) -> Case:
    """Draw a span anew, with any number of points."""
    spans, at = case.network.spans, case.network.span_index()[span]
    first, last = spans.offsets[at], spans.offsets[at + 1]
    offsets = spans.offsets.copy()
    offsets[at + 1 :] += len(points) - (last - first)
    coordinates = np.concatenate([spans.coordinates[:first], points, spans.coordinates[last:]])
    return case.edit_network(spans=replace(spans, coordinates=coordinates, offsets=offsets))


NORTH, EAST = np.array([0.0, 0.0006]), np.array([0.0006, 0.0])
"""Some ten metres."""


def line_of(case: Case, span: str) -> Any:
    return case.network.spans.line(case.network.span_index()[span])


def detour(case: Case) -> Case:
    line = line_of(case, "s00")
    return with_line(case, "s00", np.array([line[0], line.mean(axis=0) + NORTH, line[-1]]))


def along_the_primary(case: Case) -> Case:
    """The backup leaves A to the south; now it first goes some metres along the primary and back."""
    line = line_of(case, "s01")
    return with_line(case, "s01", np.array([line[0], line[0] + EAST, *line]))


def moved_site(case: Case) -> Case:
    sites = tuple(
        site.model_copy(update={"lon_deg": site.lon_deg + 0.0003}) if site.id == "x" else site
        for site in case.scenario.sites
    )
    return replace(case, scenario=replace(case.scenario, sites=sites))


def moved_hop(case: Case) -> Case:
    return with_line(case, "hop-B-C", line_of(case, "hop-B-C") + EAST)


def no_hosting(case: Case) -> Case:
    sites = tuple(
        site.model_copy(update={"hosts": ("heralding",)}) if site.id == "x" else site for site in case.scenario.sites
    )
    return replace(case, scenario=replace(case.scenario, sites=sites))


def limited_site(site_id: str, **limits: Any) -> Callable[[Case], Case]:
    """Return the spoiling that leaves a site less room than its equipment takes."""

    def spoil(case: Case) -> Case:
        sites = tuple(site.model_copy(update=limits) if site.id == site_id else site for site in case.scenario.sites)
        return replace(case, scenario=replace(case.scenario, sites=sites))

    return spoil


def powered_site(case: Case) -> Case:
    """The user receivers draw power, and A has none."""
    items = case.scenario.costs.items
    items = items | {"user-receiver": items["user-receiver"].model_copy(update={"power_w": 40.0})}
    costs = case.scenario.costs.model_copy(update={"items": items})
    return limited_site("A", max_power_w=39.0)(replace(case, scenario=replace(case.scenario, costs=costs)))


def worse_joint(case: Case) -> Case:
    nodes = case.network.nodes
    joint_loss_db = np.where(np.array(nodes.kinds) == "handhole", 0.06, nodes.joint_loss_db)
    return case.edit_network(nodes=replace(nodes, joint_loss_db=joint_loss_db))


def forbidden_zone(case: Case) -> Case:
    spoiled = case.edit_span("s00", zone="park")
    rules = spoiled.scenario.spec.right_of_way
    rule = {"kind": "park", "factor": 1.0, "forbidden": True, "source": "test"}
    zones = (type(rules).model_validate({"density": "urban", "zones": (rule,)})).zones
    return spoiled.edit_spec(right_of_way=rules.model_copy(update={"zones": zones}))


def forbidden_class(case: Case) -> Case:
    rules = case.scenario.spec.right_of_way
    return case.edit_spec(right_of_way=rules.model_copy(update={"forbidden_road_classes": ("residential",)}))


def empty_service(case: Case) -> Case:
    return case.edit(services=(*case.plan.services, Service(demand="A-D", phase="p1", routes=())))


def with_network_of(case: Case, digest: str) -> Case:
    return replace(case, network=replace(case.network, scenario_digest=digest))


SPOILINGS: dict[str, tuple[Callable[[Case], Case], set[str]]] = {
    # what the plan says about its inputs
    "digest of the scenario": (lambda c: c.edit(scenario_digest="0" * 64), {"inputs_match"}),
    "digest of the network": (lambda c: c.edit(network_digest="0" * 64), {"inputs_match"}),
    "network of another scenario": (lambda c: with_network_of(c, "0" * 64), {"inputs_match"}),
    "currency": (lambda c: c.edit(currency="USD"), {"inputs_match"}),
    "price year": (lambda c: c.edit(price_year=2024), {"inputs_match"}),
    "unknown span": (lambda c: c.edit(builds=(*c.plan.builds, SpanBuild(span="s99", phase="p1"))), {"names_are_known"}),
    "unknown site": (
        lambda c: c.edit(openings=(*c.plan.openings, SiteOpening(site="Z", phase="p1"))),
        {"names_are_known"},
    ),
    "unknown item": (
        lambda c: c.edit(installations=(Installation(site="A", item="abacus", phase="p1", count=1),)),
        {"names_are_known"},
    ),
    "undeclared hop": (lambda c: c.edit_spec(free_space=()), {"names_are_known"}),
    # what the plan says about its routes
    "loss of a route": (scaled("loss_db", 1.01), {"losses_are_right"}),
    "length of a route": (scaled("length_km", 1.01), {"lengths_are_right"}),
    "rate": (scaled("rate_hz", 1.01), {"rate_is_right"}),
    "ebit rate": (scaled("ebit_rate_hz", 1.01), {"rate_is_right"}),
    "key rate": (scaled("key_rate_hz", 1.01), {"rate_is_right"}),
    "ceiling": (scaled("ceiling_hz", 1.01), {"rate_is_right"}),
    "fidelity": (scaled("fidelity", 1.001), {"fidelity_is_right"}),
    "latency": (scaled("latency_s", 1.01), {"latency_is_right"}),
    "a loss said to be measured": (
        lambda c: c.edit_span("s00", is_measured=True),
        {"light_is_as_stated"},
    ),
    "traffic on a span in use": (
        lambda c: c.edit_span("s00", classical_forward_mw=1e-3, classical_nm=1550.0),
        {"light_is_as_stated", "rate_is_right", "fidelity_is_right"},
    ),
    "distilled without leave": (
        lambda c: c.edit_route("B-E", "p2", settings=RouteSettings(distillation="bbpssw")),
        {"settings_are_allowed"},
    ),
    "brighter than the source": (
        lambda c: c.edit_route("A-D", "p1", settings=RouteSettings(brightness_hz=1e12, window_ps=200.0)),
        {"settings_are_allowed"},
    ),
    "asked for faster signals": (lambda c: c.edit_demand("B-E", max_latency_s=1e-9), {"latency_is_reached"}),
    "asked for more key": (lambda c: c.edit_demand("A-D", min_key_rate_bps=1e9), {"rate_is_reached"}),
    "asked for more ebits": (lambda c: c.edit_demand("B-E", min_ebit_rate_hz=1e9), {"rate_is_reached"}),
    # courses and stations
    "two spans swapped": (swapped_spans, {"routes_are_walks"}),
    "a route that stops short": (stopped_short, {"routes_are_walks"}),
    "source elsewhere on the way": (
        lambda c: with_station(c, "A-D", "p1", 1, after_spans=2),
        {"stations_are_in_order"},
    ),
    "source at a site off the way": (
        lambda c: with_station(c, "A-D", "p1", 1, site="A"),
        {"stations_are_in_order", "equipment_suffices"},
    ),
    "wrong role": (lambda c: with_station(c, "A-D", "p1", 1, role="heralding"), {"stations_are_in_order"}),
    "a station is missing": (
        lambda c: c.edit_route("B-E", "p2", stations=route_of(c, "B-E", "p2").stations[1:]),
        {"stations_are_in_order"},
    ),
    "stations not guarded": (lambda c: c.edit_demand("A-D", min_security_class=1), {"stations_are_guarded"}),
    "role not hosted": (no_hosting, {"stations_are_hosted"}),
    "technology not in its phase": (lambda c: c.edit_phase(1, technologies=("pairs",)), {"technology_is_allowed"}),
    "pairs counted elsewhere": (lambda c: c.edit_demand("B-E", rate_plane="detected"), {"technology_is_allowed"}),
    "too many lanes": (lambda c: c.edit_technology("chain", max_lanes=1), {"technology_is_allowed"}),
    "too many links": (lambda c: c.edit_technology("chain", max_links=1), {"technology_is_allowed"}),
    "links too lossy": (lambda c: c.edit_technology("pairs", max_link_loss_db=0.1), {"technology_is_allowed"}),
    # what the demand wants
    "rate missed": (lambda c: c.edit_demand("B-E", min_rate_hz=1e5), {"rate_is_reached"}),
    "fidelity missed": (lambda c: c.edit_demand("B-E", min_fidelity=0.99), {"fidelity_is_reached"}),
    "service missing": (
        lambda c: c.edit(services=without(c.plan.services, demand="A-D", phase="p1")).repriced(),
        {"demands_are_served"},
    ),
    "backup missing": (
        lambda c: c.edit_service("A-D", "p1", routes=(route_of(c, "A-D", "p1"),)),
        {"demands_are_served"},
    ),
    "second service": (empty_service, {"demands_are_served"}),
    "served too early": (
        lambda c: c.edit_demand("A-D", from_phase="p2").repriced(),
        {"demands_are_served", "gap_is_honest"},
    ),
    "served weight": (lambda c: c.edit_outcome(served_weight=4.0), {"served_weight_is_right"}),
    # two routes
    "backup is the primary": (twice_north, {"routes_are_disjoint", "routes_lie_apart"}),
    "backup in the same conduit": (
        lambda c: c.edit_span("s06", risk_groups=("duct:s06", "street:s03")),
        {"routes_are_disjoint"},
    ),
    "backup along the primary": (along_the_primary, {"routes_lie_apart", "lengths_are_right"}),
    "sharing declared away": (
        lambda c: c.edit_service("A-D", "p1", shared=("duct:s06", "lateral:A", "lateral:D")),
        {"routes_are_disjoint"},
    ),
    "shared lateral kept quiet": (
        lambda c: c.edit_service("A-D", "p1", shared=("lateral:A",)),
        {"routes_are_disjoint"},
    ),
    # fibers, equipment, building
    "too few fibers": (lambda c: c.edit_span("s08", max_fibers=1), {"fibers_suffice"}),
    "too few units": (fewer_units, {"equipment_suffices"}),
    "units too late": (
        lambda c: c.edit(
            installations=moved(c.plan.installations, "p2", site="x", item="pair-source", phase="p1")
        ).repriced(),
        {"equipment_suffices"},
    ),
    "too many units for a site": (limited_site("B", max_units={"memory-lane": 0}), {"sites_have_room"}),
    "too much power for a site": (powered_site, {"sites_have_room"}),
    "more lanes without equipment": (more_lanes, {"equipment_suffices"}),
    "more lanes only": (lambda c: c.edit_route("B-E", "p2", lanes=3), {"equipment_suffices", "rate_is_right"}),
    "span not built": (
        lambda c: c.edit(builds=without(c.plan.builds, span="s05")).repriced(),
        {"built_before_use"},
    ),
    "span not built, but paid": (
        lambda c: c.edit(builds=without(c.plan.builds, span="s05")),
        {"built_before_use", "cost_is_right"},
    ),
    "span built too late": (
        lambda c: c.edit(builds=moved(c.plan.builds, "p2", span="s05")).repriced(),
        {"built_before_use"},
    ),
    "span built twice": (
        lambda c: c.edit(builds=(*c.plan.builds, SpanBuild(span="s05", phase="p2"))).repriced(),
        {"built_once"},
    ),
    "site not opened": (
        lambda c: c.edit(openings=without(c.plan.openings, site="x")).repriced(),
        {"built_before_use"},
    ),
    "end of a hop not opened": (
        lambda c: c.edit(openings=without(c.plan.openings, site="C")).repriced(),
        {"built_before_use"},
    ),
    "site opened twice": (
        lambda c: c.edit(openings=(*c.plan.openings, SiteOpening(site="x", phase="p2"))).repriced(),
        {"built_once"},
    ),
    "not buildable": (lambda c: c.edit_span("s00", buildable=False), {"digging_is_allowed"}),
    "forbidden road class": (forbidden_class, {"digging_is_allowed"}),
    "forbidden zone": (forbidden_zone, {"digging_is_allowed"}),
    # the network's own numbers
    "line with a detour": (detour, {"lengths_are_right"}),
    "site beside its node": (moved_site, {"lengths_are_right"}),
    "loss of a lateral": (lambda c: c.edit_site("x", lateral_loss_db=0.1), {"losses_are_right"}),
    "hop from another place": (moved_hop, {"spans_join_their_nodes"}),
    "line beside its nodes": (lambda c: with_line(c, "s00", line_of(c, "s00") + NORTH), {"spans_join_their_nodes"}),
    "loss of a span": (lambda c: c.edit_span("s08", loss_db=c.value("s08", "loss_db") * 0.9), {"losses_are_right"}),
    "loss of a hop": (lambda c: c.edit_span("hop-B-C", loss_db=5.0), {"losses_are_right"}),
    "loss of a joint": (worse_joint, {"losses_are_right"}),
    "price of a trench": (lambda c: c.edit_span("s00", trench_capex=1.0), {"prices_are_right"}),
    "price of a permit": (lambda c: c.edit_span("s00", right_of_way_capex=1.0), {"prices_are_right"}),
    "price of a cable": (lambda c: c.edit_span("s06", cable_capex=1.0), {"prices_are_right"}),
    "price of a lease": (lambda c: c.edit_span("s08", lease_per_fiber_year=1.0), {"prices_are_right"}),
    "price of a terminal": (lambda c: c.edit_span("hop-B-C", cable_capex=1.0), {"prices_are_right"}),
    "shared power": (lambda c: c.edit_site("x", risk_groups=("site-power:p",)), {"sites_share_as_they_lie"}),
    "override": (lambda c: c.edit_span("s00", override="overrides[0]"), {"overrides_are_kept"}),
    "price of a lateral": (lambda c: c.edit_site("x", lateral_capex=1.0), {"prices_are_right"}),
    # money
    "present cost": (scaled_line("present_cost"), {"cost_is_right"}),
    "capex": (scaled_line("capex"), {"cost_is_right"}),
    "opex": (scaled_line("opex_per_year"), {"cost_is_right"}),
    "cost line missing": (lambda c: c.edit(costs=c.plan.costs[1:]), {"cost_is_right"}),
    "total": (dearer_outcome, {"cost_is_right"}),
    "budget": (lambda c: c.edit_phase(0, budget=1_000_000.0), {"budget_holds"}),
    # settled beforehand
    "forced and not there": (
        lambda c: c.edit_spec(force=(ForcedPart(sites=("B",), items={"snspd-system": 99}, phase="p1"),)),
        {"forced_is_there"},
    ),
    "forbidden and used": (lambda c: c.edit_spec(forbid=(ForbiddenPart(spans=("s00",)),)), {"forbidden_is_left"}),
    "a station where none may stand": (
        lambda c: c.edit_spec(forbid=(ForbiddenPart(sites=("B",), roles=("end",)),)),
        {"forbidden_is_left"},
    ),
    "built although it stands": (lambda c: c.edit_spec(as_built=(BuiltPart(spans=("s00",)),)), {"built_once"}),
    "total budget": (lambda c: c.edit_spec(budgets=Budgets(total=1_000_000.0)), {"budget_holds"}),
    "budget with yearly costs": (just_enough_capital, {"budget_holds"}),
    "late in a plan made all at once": (lambda c: c.edit(rollout="all-at-once"), {"rollout_is_kept"}),
    "more weight than can be served": (lambda c: c.edit_outcome(weight_bound=1.0), {"gap_is_honest"}),
    "gap": (lambda c: c.edit_outcome(gap=0.01), {"gap_is_honest"}),
    "bound above the cost": (
        lambda c: c.edit_outcome(lower_bound=c.plan.outcome.cost * 1.01, gap=0.0),
        {"gap_is_honest"},
    ),
}


def test_the_plan_before_it_is_spoiled(city: Case) -> None:
    verdict = verify_plan(city.network, city.scenario, city.plan)
    assert verdict.passed
    assert {check.name for check in verdict.checks} >= {"rate_is_reached", "routes_are_disjoint", "cost_is_right"}


@pytest.mark.parametrize("name", SPOILINGS)
def test_exactly_the_right_checks_fail(name: str, city: Case) -> None:
    spoil, expected = SPOILINGS[name]
    assert failing(spoil(city)) == expected


def test_every_check_can_fail() -> None:
    spoiled = {check for _, expected in SPOILINGS.values() for check in expected}
    elsewhere = {
        "ceiling_holds",
        "network_ceiling_holds",
        "sampling_agrees",
        "limits_are_told",
        "trenches_follow_streets",
    }
    elsewhere |= {"shared_spans_are_told", "full_target_comes_first", "rings_survive_any_cut"}  # test_sharing.py
    elsewhere |= {"relayed_key_is_right"}  # test_trusted_nodes.py
    elsewhere |= {"availability_is_reached", "availability_is_right"}  # test_availability.py
    assert {check.__name__ for check in (*INPUT_CHECKS, *CHECKS)} == spoiled | elsewhere


def changed_physics(**changes: Any) -> Callable[..., Any]:
    return lambda *links_and_hardware, **asked: replace(evaluate_route(*links_and_hardware, **asked), **changes)


def test_rates_above_the_ceiling(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    planned = line_plan(tmp_path)
    route = planned.plan.services[0].routes[0]
    lowered = route.model_copy(update={"ceiling_hz": 1.0})
    service = planned.plan.services[0].model_copy(update={"routes": (lowered,)})
    monkeypatch.setattr(verify_routes, "evaluate_route", changed_physics(ceiling_hz=1.0))
    case = Case(network=planned.world.network, scenario=planned.world.scenario, plan=planned.plan)
    assert failing(case.edit(services=(service,))) == {"ceiling_holds"}


def test_ebits_above_what_the_network_can_carry(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    planned = line_plan(tmp_path)
    case = Case(network=planned.world.network, scenario=planned.world.scenario, plan=planned.plan)
    verdict = verify_plan(case.network, case.scenario, case.plan)
    (ceiling,) = verdict.ceilings
    route = planned.plan.services[0].routes[0]
    assert ceiling.ebit_rate_hz == pytest.approx(route.ebit_rate_hz)
    assert ceiling.ceiling_hz == pytest.approx(route.ceiling_hz)  # one route: its weaker arm
    monkeypatch.setattr(verify_routes, "evaluate_route", changed_physics(arm_ceiling_hz=(1.0, 1e9)))
    assert failing(case.edit()) == {"network_ceiling_holds"}


@pytest.mark.parametrize("field", ["fidelity", "lane_rate_hz"])
def test_physics_that_sampling_refutes(tmp_path: Any, monkeypatch: pytest.MonkeyPatch, field: str) -> None:
    planned = chain_plan(tmp_path)
    case = Case(network=planned.world.network, scenario=planned.world.scenario, plan=planned.plan)
    name = "rate_hz" if field == "lane_rate_hz" else field
    wrong = 0.9 * getattr(route_of(case, "A-B", "p1"), name)
    changes = {field: wrong / 2} if field == "lane_rate_hz" else {field: wrong}
    monkeypatch.setattr(verify_routes, "evaluate_route", changed_physics(**changes))
    assert failing(case.edit_route("A-B", "p1", **{name: wrong})) == {"sampling_agrees"}


def test_chains_too_slow_to_sample(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    planned = chain_plan(tmp_path)
    monkeypatch.setattr(verify_routes, "evaluate_route", changed_physics(lane_rate_hz=1e-6))
    verdict = verify_plan(planned.world.network, planned.world.scenario, planned.plan)
    assert "sampling_agrees" not in {check.name for check in verdict.checks}
    assert any("too slow to be sampled" in note and "A-B in p1" in note for note in verdict.notes)


def test_warnings_left_out(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    planned = chain_plan(tmp_path)
    case = Case(network=planned.world.network, scenario=planned.world.scenario, plan=planned.plan)
    monkeypatch.setattr(
        verify_routes,
        "evaluate_route",
        changed_physics(limits=("link 1: too bright",)),
    )
    assert failing(case) == {"limits_are_told"}
    assert failing(case.edit_route("A-B", "p1", limits=("link 1: too bright",))) == set()


def test_two_routes_through_the_same_hut(tmp_path: Any) -> None:
    drawing = """
+---+
|   |
A---x---B
    |   |
    +---+
"""
    world = make_world(tmp_path, drawing, [demand("A", "B", routes=2)])
    straight = make_route(world, "A-B", "pairs", walk(world, "A", "x", "B"), [("A", "end", 0), ("x", "pair_source", 1)])
    around = walk(world, "A", "n00", "n01", "x", "n05", "n06", "B")
    bent = make_route(world, "A-B", "pairs", around, [("A", "end", 0), ("x", "pair_source", 3)])
    at_an_end = make_route(world, "A-B", "pairs", around, [("A", "end", 0), ("A", "pair_source", 0)])
    shared = make_plan(world, {("A-B", "p1"): [straight, bent]})
    apart = make_plan(world, {("A-B", "p1"): [straight, at_an_end]})
    assert failing(Case(network=world.network, scenario=world.scenario, plan=shared)) == {"routes_are_disjoint"}
    assert failing(Case(network=world.network, scenario=world.scenario, plan=apart)) == set()


def test_demands_may_go_without_when_service_is_the_objective(tmp_path: Any) -> None:
    world = make_world(tmp_path, LINE, [demand("A", "B")], objective="service")
    plan = make_plan(world, {("A-B", "p1"): []})
    assert failing(Case(network=world.network, scenario=world.scenario, plan=plan)) == set()
    strict = make_world(tmp_path, LINE, [demand("A", "B")])
    plan = make_plan(strict, {("A-B", "p1"): []})
    assert failing(Case(network=strict.network, scenario=strict.scenario, plan=plan)) == {"demands_are_served"}


def test_whoever_was_served_stays_served(tmp_path: Any) -> None:
    world = make_world(tmp_path, LINE, [demand("A", "B")], objective="service", phases=phases(None, None))
    way = make_route(world, "A-B", "pairs", walk(world, "A", "s", "B"), [("A", "end", 0), ("s", "pair_source", 1)])
    plan = make_plan(world, {("A-B", "p1"): [way], ("A-B", "p2"): []})
    assert failing(Case(network=world.network, scenario=world.scenario, plan=plan)) == {"demands_are_served"}


def test_routes_that_cannot_work_are_named_in_the_notes(city: Case) -> None:
    spoiled = swapped_spans(city)
    verdict = verify_plan(spoiled.network, spoiled.scenario, spoiled.plan)
    assert any("A-D in p1, route 1" in note for note in verdict.notes)
