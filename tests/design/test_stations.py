"""Stations: what the distances ask for, and what a technology allows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from design.judged import best_of_simple_routes, try_plan, world_of
from planner.design import design_plan
from planner.design.bounds import lower_bound
from planner.design.graph import design_graph
from planner.design.ledger import PriceTable
from planner.design.station_plan import StationPlan, plan_stations
from planner.design.stations import Reaches, present_tariff, station_cost
from planner.errors import InfeasibleError
from planner.plan import Plan
from worlds import CHAIN, PAIRS, World, demand, make_world, stored

pytestmark = pytest.mark.usefixtures("inprocess")


def test_links_stay_within_the_loss_that_their_technology_allows(tmp_path: Path) -> None:
    chain = CHAIN | {"max_link_loss_db": 0.6}
    wanted = [stored("A", "B")]
    free = make_world(tmp_path, "A---m---B", wanted)
    limited = make_world(tmp_path, "A---m---B", wanted, technologies=[PAIRS, chain])
    assert limited.scenario.digest != free.scenario.digest
    stations = {}
    for name, world in (("free", free), ("limited", limited)):
        plan = try_plan(world)
        assert isinstance(plan, Plan)
        stations[name] = [station.role for station in plan.services[0].routes[0].stations]
        best = best_of_simple_routes(world)
        assert best is not None
        assert plan.outcome.cost == pytest.approx(1000.0 * best.cost)
    assert "repeater" not in stations["free"]
    assert stations["limited"] == ["end", "heralding", "repeater", "heralding", "end"]


def test_a_limit_that_no_chain_can_keep_is_called_impossible(tmp_path: Path) -> None:
    chain = CHAIN | {"max_link_loss_db": 0.1}
    world = make_world(tmp_path, "A---m---B", [stored("A", "B")], technologies=[PAIRS, chain])
    with pytest.raises(InfeasibleError, match="A-B"):
        design_plan(world.network, world.scenario)


def with_limits(folder: Path, drawing: str, limits: dict[str, dict[str, Any]], *args: Any, **changes: Any) -> World:
    """Return the world of a drawing in which some sites have less room."""
    drawn = make_world(folder, drawing, *args, **changes)
    sites = [site.model_dump(mode="json") | limits.get(site.id, {}) for site in drawn.scenario.sites]
    return make_world(folder, drawing, *args, sites=sites, **changes)


def test_a_full_site_sends_the_second_route_elsewhere(tmp_path: Path) -> None:
    drawing = "A===m===B\n:       :\n+---n---+"
    only_huts_in_the_middle = {site: {"hosts": ["end"]} for site in "AB"}
    wanted = [demand("A", "B", id="one"), demand("A", "B", id="two")]
    changes: dict[str, Any] = {"solver": {"work_budget": 60, "gap": 0.0}}
    free = with_limits(tmp_path, drawing, only_huts_in_the_middle, wanted, **changes)
    narrow = only_huts_in_the_middle | {hut: {"max_units": {"pair-source": 1}} for hut in "mn"}
    limited = with_limits(tmp_path, drawing, narrow, wanted, **changes)
    for world, expected in ((free, {"m"}), (limited, {"m", "n"})):
        plan = try_plan(world)
        assert isinstance(plan, Plan)
        best = best_of_simple_routes(world)
        assert best is not None
        # a spur to a hut and back may be cheaper than any simple way
        assert plan.outcome.cost <= 1000.0 * best.cost * (1.0 + 1e-9)
        assert {route.stations[1].site for service in plan.services for route in service.routes} == expected


def test_no_room_at_all_gives_no_plan(tmp_path: Path) -> None:
    world = with_limits(tmp_path, "A---B", {"A": {"max_area_m2": 0.5}}, [demand("A", "B")])
    items = world.scenario.costs.items
    items = items | {"user-receiver": items["user-receiver"].model_copy(update={"area_m2": 1.0})}
    costs = world.scenario.costs.model_copy(update={"items": items})
    scenario = replace(world.scenario, costs=costs)
    with pytest.raises(InfeasibleError, match="site A has no room"):
        design_plan(world.network, scenario)


def short_links(limit_db: float, **changes: Any) -> list[dict[str, Any]]:
    """Return technologies of which the chain has links of a limited loss."""
    return [PAIRS, CHAIN | {"max_link_loss_db": limit_db} | changes]


def with_serves(world: World, **serves: int) -> World:
    """Return the world with items that serve more needs."""
    items = world.scenario.costs.items
    changed = {name.replace("_", "-"): count for name, count in serves.items()}
    items = items | {name: items[name].model_copy(update={"serves": count}) for name, count in changed.items()}
    costs = world.scenario.costs.model_copy(update={"items": items})
    return World(scenario=replace(world.scenario, costs=costs), network=world.network)


def test_a_repeater_that_two_demands_share_is_paid_once_and_proven(tmp_path: Path) -> None:
    wanted = [stored("A", "B", id="one"), stored("A", "B", id="two")]
    drawn = make_world(tmp_path, "A---m---B", wanted, technologies=short_links(0.6))
    for serves, repeaters in ((1, 2), (2, 1)):
        world = with_serves(drawn, memory_node=serves)
        plan = try_plan(world)
        assert isinstance(plan, Plan)
        bought = {(item.site, item.item): item.count for item in plan.installations}
        assert bought["m", "memory-node"] == repeaters
        assert plan.outcome.gap <= 1e-4
        assert plan.outcome.lower_bound > station_cost_of(world) + 1000.0  # the hut at least


def station_cost_of(world: World) -> float:
    """Return the least equipment of each route on its own, and the least lines."""
    prices = PriceTable(world.network, world.scenario)
    reaches = Reaches(world.network, world.scenario, design_graph(world.network))
    stations = station_cost(present_tariff(prices), world.scenario, reaches.by_demand, world.scenario.demands)
    lines = lower_bound(world.network, world.scenario, stations=StationPlan()).value
    return stations + lines


def test_no_plan_is_cheaper_than_the_bound_where_links_are_short() -> None:
    compared = tighter = 0
    for seed in range(45):
        world = world_of(seed, tight=True, technologies=short_links((1.0, 2.0, 4.0)[seed % 3]))
        world = with_serves(world, memory_node=1 + seed % 2)
        best = best_of_simple_routes(world)
        if best is None or best.cost == np.inf:
            continue
        compared += 1
        bound = lower_bound(world.network, world.scenario).value
        assert bound <= 1000.0 * best.cost * (1.0 + 1e-9), f"seed {seed}"
        tighter += bound > station_cost_of(world) * (1.0 + 1e-6)
    assert compared >= 8
    assert tighter >= 3


def test_no_plan_is_cheaper_than_the_bound_where_room_is_short() -> None:
    compared = 0
    for seed in range(40):
        world = world_of(seed)
        sites = tuple(
            site.model_copy(update={"max_units": {"pair-source": 1 + (seed + number) % 2, "memory-node": 1}})
            for number, site in enumerate(world.scenario.sites)
        )
        world = World(scenario=replace(world.scenario, sites=sites), network=world.network)
        best = best_of_simple_routes(world)
        if best is None or best.cost == np.inf:
            continue
        compared += 1
        bound = lower_bound(world.network, world.scenario).value
        assert bound <= 1000.0 * best.cost * (1.0 + 1e-9), f"seed {seed}"
    assert compared >= 8


def test_two_routes_need_repeaters_apart(tmp_path: Path) -> None:
    ring = "A==m==B\n:     :\n+==n==+"
    world = make_world(tmp_path, ring, [stored("A", "B", routes=2)], technologies=short_links(0.6))
    plan = try_plan(world)
    assert isinstance(plan, Plan)
    assert {item.site for item in plan.installations if item.item == "memory-node"} == {"A", "B", "m", "n"}
    assert plan.outcome.gap <= 1e-4


def test_a_site_without_room_is_named(tmp_path: Path) -> None:
    limits = {"A": {"max_units": {"user-receiver": 1}}}
    world = with_limits(tmp_path, "A---B", limits, [demand("A", "B", id="one"), demand("A", "B", id="two")])
    with pytest.raises(InfeasibleError, match="site A has no room"):
        design_plan(world.network, world.scenario)


def test_repeaters_too_few_for_disjoint_routes_are_called_so(tmp_path: Path) -> None:
    ring = "A==m==B\n:     :\n+=====+"
    world = make_world(tmp_path, ring, [stored("A", "B", routes=2)], technologies=short_links(0.6))
    with pytest.raises(InfeasibleError, match="no choice of repeater sites"):
        design_plan(world.network, world.scenario)


def test_repeaters_on_one_line_do_not_serve_two_routes(tmp_path: Path) -> None:
    drawing = "A=======m=n=====B\n:               :\n:               :\n:               :\n+===p=======q===+"
    values: list[float] = []
    for level, repeaters in (("repeater", {"m", "n"}), ("span", {"m", "p", "q"}), ("node", {"m", "p", "q"})):
        wanted = [stored("A", "B", routes=2, disjoint=level)]
        world = make_world(tmp_path, drawing, wanted, technologies=short_links(1.2))
        plan = try_plan(world)
        assert isinstance(plan, Plan)
        found = {item.site for item in plan.installations if item.item == "memory-node"} - {"A", "B"}
        assert {"m" if site == "n" and level != "repeater" else site for site in found} == repeaters
        prices = PriceTable(world.network, world.scenario)
        values.append(plan_stations(world.network, world.scenario, prices).value)
        node, hut = prices.item["memory-node"][0], prices.site["m"][0]
    assert values[1] == values[2] >= values[0] + node + hut  # and the middle of one more link


def test_a_route_may_pass_the_same_street_on_its_way_to_a_repeater_and_back(tmp_path: Path) -> None:
    drawing = "A==+==B\n:  :  :\n:  r  :\n:     :\np==n==q"
    for level in ("span", "structure", "node"):
        wanted = [stored("A", "B", routes=2, disjoint=level)]
        plan = try_plan(make_world(tmp_path, drawing, wanted, technologies=short_links(0.62)))
        assert isinstance(plan, Plan)
        assert {item.site for item in plan.installations if item.item == "memory-node"} == {
            "A",
            "B",
            "n",
            "p",
            "q",
            "r",
        }


def test_stations_give_routes_apart_where_there_are_too_many_walks_to_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawing = "A=======m=n=====B\n:               :\n:               :\n:               :\n+===p=======q===+"
    world = make_world(tmp_path, drawing, [stored("A", "B", routes=2)], technologies=short_links(1.2))
    prices = PriceTable(world.network, world.scenario)
    exact = plan_stations(world.network, world.scenario, prices)
    monkeypatch.setattr("planner.design.station_graph.MAX_WALKS", 0)
    found = plan_stations(world.network, world.scenario, prices)
    assert found.value < exact.value
    first, second = found.routes
    assert first.conflicts.isdisjoint(second.conflicts)
    repeaters = {item.site for route in found.routes for item in route.route.stations if item.role == "repeater"}
    assert repeaters in ({"m", "p", "q"}, {"n", "p", "q"})
