"""Stations: what the distances ask for, and what a technology allows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from design.judged import best_of_simple_routes, try_plan
from planner.design import design_plan
from planner.errors import InfeasibleError, SolverError
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
    with pytest.raises((SolverError, InfeasibleError)):
        design_plan(world.network, scenario)
