"""Stations at guarded sites: what a demand may ask, and that bound, plan and proof respect it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from design.judged import best_of_simple_routes, try_plan, world_of
from planner.design.bounds import lower_bound
from planner.design.instance import MONEY
from planner.errors import InfeasibleError
from planner.plan import Plan
from worlds import World, demand, make_world, stored

pytestmark = pytest.mark.usefixtures("inprocess")

DRAWING = "A===m===B\n:       :\n+---n---+"


def guarded_world(folder: Path, classes: dict[str, int], asked: dict[str, Any]) -> World:
    """Return a world of two ends and two huts whose sites have these security classes; the ends hold no sources."""
    sites = [site.model_dump(mode="json") for site in make_world(folder, DRAWING, [demand("A", "B")]).scenario.sites]
    told = [
        site | {"security_class": classes.get(site["id"], 0)} | ({"hosts": ["end"]} if site["id"] in "AB" else {})
        for site in sites
    ]
    return make_world(folder, DRAWING, [asked], sites=told)


def stations(plan: Plan | Exception) -> set[str]:
    assert isinstance(plan, Plan), plan
    return {station.site for route in plan.services[0].routes for station in route.stations}


def test_a_source_stands_where_it_is_guarded_even_if_that_is_dearer(tmp_path: Path) -> None:
    classes = {"A": 3, "B": 2, "m": 1, "n": 2}
    assert stations(try_plan(guarded_world(tmp_path, classes, demand("A", "B")))) == {"A", "m", "B"}
    asked = demand("A", "B", min_security_class=2)
    assert stations(try_plan(guarded_world(tmp_path, classes, asked))) == {"A", "n", "B"}
    pairs = demand("A", "B", min_security_class=1, routes=2, redundancy="maximal")
    assert stations(try_plan(guarded_world(tmp_path, classes, pairs))) == {"A", "m", "n", "B"}


def test_no_guarded_site_is_proven_and_the_highest_class_that_works_is_told(tmp_path: Path) -> None:
    result = try_plan(guarded_world(tmp_path, {"A": 3, "B": 3, "m": 1}, stored("A", "B", min_security_class=2)))
    assert isinstance(result, InfeasibleError)
    assert "needs a heralding station, but no site of security class 2 or more may host one" in str(result)
    change = next(change for change in result.changes if change.kind == "lower security class")
    assert "stations of security class 1 instead of 2" in change.change
    lower = guarded_world(tmp_path, {"A": 3, "B": 3, "m": 1}, stored("A", "B", min_security_class=1))
    plan = try_plan(lower)
    assert isinstance(plan, Plan)
    assert plan.outcome.cost == pytest.approx(change.cost)


def with_classes(world: World, classes: dict[str, int], least: int) -> World:
    """Return a world in which only huts hold stations between the ends, and all demands ask for a security class."""
    spec = world.scenario.spec
    demands = tuple(item.model_copy(update={"min_security_class": least}) for item in spec.demands)
    sites = tuple(
        site.model_copy(update={"security_class": classes[site.id]} if site.id in classes else {"hosts": ("end",)})
        for site in world.scenario.sites
    )
    sites = tuple(site if site.id in classes else site.model_copy(update={"security_class": 9}) for site in sites)
    scenario = replace(world.scenario, spec=spec.model_copy(update={"demands": demands}), sites=sites)
    return replace(world, scenario=scenario)


def test_plans_of_random_guarded_worlds_are_near_the_best_and_above_the_bound() -> None:
    compared = dearer = refused = 0
    for seed in range(40):
        drawn = world_of(seed, tight=True)
        rng = np.random.default_rng(seed)
        classes = {site.id: int(rng.integers(3)) for site in drawn.scenario.sites if site.id.islower()}
        free, world = with_classes(drawn, classes, 0), with_classes(drawn, classes, 1)
        best, unguarded = best_of_simple_routes(world), best_of_simple_routes(free)
        if best is None or unguarded is None or unguarded.cost == np.inf:
            continue
        result = try_plan(world)
        if best.cost == np.inf:
            refused += isinstance(result, InfeasibleError)
            continue  # or a walk to a guarded hut and back, which is none of the simple routes
        assert isinstance(result, Plan), f"seed {seed}: {result}"
        assert lower_bound(world.network, world.scenario).value <= MONEY * best.cost * (1.0 + 1e-9), f"seed {seed}"
        assert result.outcome.cost <= MONEY * best.cost * 1.02, f"seed {seed}"
        compared += 1
        dearer += best.cost > unguarded.cost * (1.0 + 1e-9)
    assert compared >= 8
    assert dearer >= 1
    assert refused >= 1
