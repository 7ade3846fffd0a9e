"""Trusted nodes: key relayed link by link, only where a demand allows it, in plan, bound, proof and verdict."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cases import Case, failing
from design.judged import best_of_simple_routes, try_plan, world_of
from planner.design.bounds import lower_bound
from planner.design.instance import MONEY
from planner.errors import InfeasibleError
from planner.plan import Plan, Station
from planner.report.dossier import open_dossier
from planner.report.layers import layer_features
from planner.report.service import route_stations
from planner.scenario import Technology
from planner.verify import verify_plan
from worlds import PAIRS, World, demand, make_world, phases

pytestmark = pytest.mark.usefixtures("inprocess")

RELAY: dict[str, Any] = PAIRS | {
    "id": "relay",
    "trusted_nodes": True,
    "max_links": 3,
    "equipment": PAIRS["equipment"]
    | {"trusted_node": [{"item": "user-receiver", "units": 2}, {"item": "snspd-system", "units": 8}]},
}
HOSTS = {"A": ["end"], "B": ["end"], "m": ["pair_source"], "t": ["trusted_node"], "n": ["pair_source"]}


def key_demand(key_rate_bps: float, **changes: Any) -> dict[str, Any]:
    return demand("A", "B", min_rate_hz=0.0, min_key_rate_bps=key_rate_bps, trusted_nodes=True) | changes


def line_world(folder: Path, asked: dict[str, Any]) -> World:
    """Return 144 km of street with a trusted node half-way, and places for sources on either side."""
    settings: dict[str, Any] = {"cell_km": 9.0, "technologies": [PAIRS, RELAY]}
    settings |= {"phases": [phases(None)[0] | {"technologies": ["pairs", "relay"]}]}
    drawn = make_world(folder, "A---m---t---n---B", [asked], **settings)
    sites = [site.model_dump(mode="json") | {"hosts": HOSTS[site.id]} for site in drawn.scenario.sites]
    return make_world(folder, "A---m---t---n---B", [asked], sites=sites, **settings)


def test_a_trusted_node_is_used_where_key_asks_for_it_and_the_demand_allows_it(tmp_path: Path) -> None:
    plan = try_plan(line_world(tmp_path, key_demand(1000.0)))
    assert isinstance(plan, Plan)
    (route,) = plan.services[0].routes
    roles = ["end", "pair_source", "trusted_node", "pair_source", "end"]
    assert [station.role for station in route.stations] == roles
    assert route.technology == "relay"
    assert route.key_rate_hz >= 1000.0
    assert route.ebit_rate_hz == 0.0
    assert "no pairs are shared from end to end" in route.limits[-1]
    direct = try_plan(line_world(tmp_path, key_demand(100.0)))
    assert isinstance(direct, Plan)
    assert direct.outcome.cost < plan.outcome.cost
    assert direct.services[0].routes[0].ebit_rate_hz > 0.0


def test_without_leave_there_is_no_plan_and_trust_is_named_as_what_would_help(tmp_path: Path) -> None:
    refused = try_plan(line_world(tmp_path, key_demand(1000.0, trusted_nodes=False)))
    assert isinstance(refused, InfeasibleError)
    change = next(change for change in refused.changes if change.kind == "allow trusted nodes")
    plan = try_plan(line_world(tmp_path, key_demand(1000.0)))
    assert isinstance(plan, Plan)
    assert plan.outcome.cost == pytest.approx(change.cost)


def test_the_verdict_and_the_report_tell_trusted_nodes(tmp_path: Path) -> None:
    world = line_world(tmp_path, key_demand(1000.0))
    plan = try_plan(world)
    assert isinstance(plan, Plan)
    case = Case(network=world.network, scenario=world.scenario, plan=plan)
    assert failing(case.edit_demand("A-B", trusted_nodes=False)) == {"technology_is_allowed"}
    (route,) = plan.services[0].routes
    swapped = [Station(site="t", role="repeater", after_spans=2) if s.site == "t" else s for s in route.stations]
    spoiled = case.edit_route("A-B", "p1", stations=tuple(swapped))
    assert failing(spoiled) >= {"stations_are_in_order"}
    assert failing(case.edit_route("A-B", "p1", ebit_rate_hz=route.key_rate_hz)) == {"rate_is_right"}
    more = case.edit_route("A-B", "p1", key_rate_hz=2.0 * route.key_rate_hz)
    assert failing(more) == {"rate_is_right", "relayed_key_is_right"}
    verdict = verify_plan(world.network, world.scenario, plan)
    dossier = open_dossier(world.network, world.scenario, plan, verdict)
    assert "trusted node at site t" in route_stations(dossier, route)
    assert len(layer_features(dossier)["trusted-node"]) == 1


def trusting(world: World, seed: int) -> World:
    """Return a random world whose demands ask for key and allow trusted nodes, which may stand in huts alone."""
    rng = np.random.default_rng(seed)
    spec = world.scenario.spec
    asked: dict[str, Any] = {"min_rate_hz": 0.0, "rate_plane": "detected", "trusted_nodes": True, "routes": 1}
    demands = tuple(
        item.model_copy(update=asked | {"min_key_rate_bps": float(rng.choice([500.0, 2000.0, 4000.0]))})
        for item in spec.demands
    )
    relay = Technology.model_validate(RELAY | {"distillation": ()}, strict=False)
    update: dict[str, Any] = {"technologies": (*spec.technologies, relay), "demands": demands}
    update["phases"] = tuple(
        item.model_copy(update={"technologies": (*item.technologies, "relay")}) for item in spec.phases
    )
    sites = tuple(
        site.model_copy(update={"hosts": (*site.hosts, "trusted_node")} if site.id.islower() else {})
        for site in world.scenario.sites
    )
    return replace(world, scenario=replace(world.scenario, spec=spec.model_copy(update=update), sites=sites))


def test_plans_of_random_worlds_with_trusted_nodes_are_near_the_best_and_above_the_bound() -> None:
    compared = relayed = 0
    for seed in range(36):
        world = trusting(world_of(seed, tight=True, cell_km=12.0), seed)
        best, result = best_of_simple_routes(world), try_plan(world)
        if best is None or best.cost == np.inf:
            continue
        assert isinstance(result, Plan), f"seed {seed}: {result}"
        assert lower_bound(world.network, world.scenario).value <= MONEY * best.cost * (1.0 + 1e-9), f"seed {seed}"
        assert result.outcome.cost <= MONEY * best.cost * 1.02, f"seed {seed}"
        compared += 1
        relayed += any("trusted_node" in {s.role for s in r.stations} for s in result.services for r in s.routes)
    assert compared >= 8
    assert relayed >= 3
