"""Upgrades: technology and routes that change where a later phase allows others, in plan, bound and proof."""

from __future__ import annotations

import json
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
from planner.scenario import Technology
from worlds import PAIRS, World, demand, make_world, phases

pytestmark = pytest.mark.usefixtures("inprocess")

EARLY: dict[str, Any] = PAIRS | {"id": "early", "fibers_per_route": 4}
LATE: dict[str, Any] = PAIRS | {
    "id": "late",
    "equipment": {"end": [{"item": "user-receiver"}], "pair_source": [{"item": "heralding-station"}]},
}


def planned(world: World, **options: Any) -> Plan:
    plan = try_plan(world, **options)
    assert isinstance(plan, Plan), plan
    return plan


def leased(folder: Path, allowed: tuple[list[str], ...], **changes: Any) -> World:
    """Return a line of leased fiber and phases that allow these technologies."""
    entries = [
        entry | {"technologies": names} for entry, names in zip(phases(*[None] * len(allowed)), allowed, strict=True)
    ]
    settings: dict[str, Any] = {"technologies": [EARLY, LATE], "phases": entries, "cell_km": 4.0}
    return make_world(folder, "A~~~B", [demand("A", "B", **changes)], **settings)


def technologies(plan: Plan) -> list[str]:
    return [service.routes[0].technology for service in plan.services]


def bought(plan: Plan, phase: str) -> dict[tuple[str, str], int]:
    return {(entry.site, entry.item): entry.count for entry in plan.installations if entry.phase == phase}


@pytest.mark.parametrize("rollout", ["joint", "step-by-step", "all-at-once"])
def test_a_technology_that_ends_is_followed_by_another_where_the_demand_may_be_upgraded(
    tmp_path: Path, rollout: str
) -> None:
    plan = planned(leased(tmp_path, (["early"], ["late"]), upgrades=True), rollout=rollout)
    assert technologies(plan) == ["early", "late"]
    if rollout != "all-at-once":
        assert ("A", "heralding-station") in bought(plan, "p2") or ("B", "heralding-station") in bought(plan, "p2")
        assert ("A", "user-receiver") not in bought(plan, "p2")  # what was bought before is used again
    kept = try_plan(leased(tmp_path, (["early"], ["late"])), rollout="joint")
    assert isinstance(kept, InfeasibleError)
    assert "allowed in all phases from then on" in str(kept)


def test_a_phase_without_any_technology_is_named(tmp_path: Path) -> None:
    result = try_plan(leased(tmp_path, (["early"], ["early", "late"], []), upgrades=True))
    assert isinstance(result, InfeasibleError)
    assert "from phase p3 on, but no technology" in str(result)


def test_key_goes_over_from_sources_to_memories(tmp_path: Path) -> None:
    drawn = zip(phases(None, None), ("pairs", "chain"), strict=True)
    entries = [entry | {"technologies": [name]} for entry, name in drawn]
    asked: dict[str, Any] = {"min_rate_hz": 0.0, "min_key_rate_bps": 0.1, "upgrades": True}
    either = make_world(tmp_path, "A--+--B", [demand("A", "B", rate_plane="either", **asked)], phases=entries)
    assert technologies(planned(either)) == ["pairs", "chain"]
    detected = try_plan(make_world(tmp_path, "A--+--B", [demand("A", "B", **asked)], phases=entries))
    assert isinstance(detected, InfeasibleError)
    assert "wants detected pairs from phase p2 on" in str(detected)


def test_an_upgrade_is_made_where_it_saves_more_than_it_costs(tmp_path: Path) -> None:
    """Four leased fibers to the end cost more than two, and a new station in the second phase."""
    allowed = (["early"], ["early", "late"])
    kept = planned(leased(tmp_path, allowed))
    assert technologies(kept) == technologies(planned(leased(tmp_path, allowed, upgrades=True))) == ["early", "early"]

    def world(**changes: Any) -> World:
        made = leased(tmp_path, allowed, **changes)
        items = made.scenario.costs.items
        lease = items["dark-fiber-lease"].model_copy(update={"price": 6_000.0, "high": 6_000.0})
        costs = made.scenario.costs.model_copy(update={"items": items | {"dark-fiber-lease": lease}})
        spans = made.network.spans
        dearer = replace(spans, lease_per_fiber_year=spans.lease_per_fiber_year * 6_000.0 / 720.0)
        return World(scenario=replace(made.scenario, costs=costs), network=replace(made.network, spans=dearer))

    assert technologies(planned(world())) == ["early", "early"]
    upgraded = planned(world(upgrades=True))
    assert technologies(upgraded) == ["early", "late"]
    assert upgraded.outcome.cost < planned(world()).outcome.cost


def test_plans_of_random_worlds_with_upgrades_are_near_the_best_and_above_the_bound() -> None:
    compared = changed = near = 0
    for seed in range(60):
        world = upgradable(world_of(seed), seed)
        best = best_of_simple_routes(world)
        if best is None or best.cost == np.inf:
            continue
        result = try_plan(world)
        assert isinstance(result, Plan), f"seed {seed}: {result}"
        assert lower_bound(world.network, world.scenario).value <= MONEY * best.cost * (1.0 + 1e-9), f"seed {seed}"
        near += result.outcome.cost <= MONEY * best.cost * 1.02
        compared += 1
        used: dict[str, set[str]] = {}
        for service in result.services:
            used.setdefault(service.demand, set()).update(route.technology for route in service.routes)
        changed += any(len(names) > 1 for names in used.values())
    assert compared >= 12
    assert near >= compared - 2
    assert changed >= 4


def upgradable(world: World, seed: int) -> World:
    """Return a random world whose phases allow some of four technologies, and whose demands may be upgraded."""
    rng = np.random.default_rng(seed)
    spec = world.scenario.spec
    others = tuple(Technology.model_validate_json(json.dumps(item)) for item in (EARLY, LATE))
    names = [["pairs", "early", "late"][i] for i in rng.permutation(3)]
    changed = tuple(
        entry.model_copy(update={"technologies": ("chain", *sorted({names[t % 3], names[int(rng.integers(3))]}))})
        for t, entry in enumerate(spec.phases)
    )
    demands = tuple(item.model_copy(update={"upgrades": True}) for item in spec.demands)
    update = {"technologies": (*spec.technologies, *others), "phases": changed, "demands": demands}
    return replace(world, scenario=replace(world.scenario, spec=spec.model_copy(update=update)))
