"""What is as built costs nothing, what is forced is there in time, and what is forbidden is left alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from design.judged import try_plan, world_of
from planner.design import design_plan
from planner.errors import InfeasibleError, InputError
from planner.plan import Plan
from planner.verify import verify_plan
from worlds import World, demand, make_world, phases

pytestmark = pytest.mark.usefixtures("inprocess")

SQUARE = """
A----+----B
|         |
+----c----+
"""
"""A direct street from A to B (s00, s02), and a way around that passes a hut."""


def planned(folder: Path, **changes: Any) -> tuple[World, Plan]:
    world = make_world(folder, SQUARE, [demand("A", "B")], cell_km=0.2, **changes)
    plan = design_plan(world.network, world.scenario)
    verdict = verify_plan(world.network, world.scenario, plan)
    assert verdict.passed, verdict.failed_checks
    return world, plan


def spans_of(plan: Plan) -> set[str]:
    return {span for service in plan.services for route in service.routes for span in route.spans}


def test_what_stands_costs_nothing_and_is_not_built_again(tmp_path: Path) -> None:
    _, free = planned(tmp_path)
    direct = spans_of(free)
    _, plan = planned(tmp_path, as_built=[{"spans": sorted(direct), "sites": ["A"], "items": {"user-receiver": 1}}])
    assert not plan.builds
    assert ("A", "user-receiver") not in {(item.site, item.item) for item in plan.installations}
    assert "A" not in {opening.site for opening in plan.openings}
    assert plan.outcome.cost < free.outcome.cost
    assert plan.outcome.lower_bound <= plan.outcome.cost


def test_a_standing_way_around_is_taken_instead_of_a_shorter_new_one(tmp_path: Path) -> None:
    world, free = planned(tmp_path)
    around = set(world.network.spans.ids) - spans_of(free)
    _, plan = planned(tmp_path, as_built=[{"spans": sorted(around)}])
    assert spans_of(plan) == around
    assert plan.outcome.stopped_by == "proof"


def test_forbidden_spans_and_stations_are_left_alone(tmp_path: Path) -> None:
    _, free = planned(tmp_path)
    banned = sorted(spans_of(free))[0]
    source = next(item.site for item in free.services[0].routes[0].stations if item.role == "pair_source")
    _, plan = planned(tmp_path, forbid=[{"spans": [banned]}, {"sites": [source], "roles": ["pair_source"]}])
    assert banned not in spans_of(plan)
    assert source != next(item.site for item in plan.services[0].routes[0].stations if item.role == "pair_source")
    assert plan.outcome.cost > free.outcome.cost


def test_when_every_way_is_forbidden_there_is_a_proof(tmp_path: Path) -> None:
    with pytest.raises(InfeasibleError, match="no street, duct or hop joins"):
        planned(tmp_path, forbid=[{"spans": ["s00", "s01"]}])


@pytest.mark.parametrize("rollout", ["joint", "step-by-step", "end-state-first", "all-at-once"])
def test_what_is_forced_is_built_by_its_phase_and_paid(tmp_path: Path, rollout: str) -> None:
    world, free = planned(tmp_path, phases=phases(None, None), rollout=rollout)
    unused = sorted(set(world.network.spans.ids) - spans_of(free))[0]
    force = [{"spans": [unused], "phase": "p2"}, {"sites": ["c"], "items": {"pair-source": 2}, "phase": "p2"}]
    _, plan = planned(tmp_path, phases=phases(None, None), rollout=rollout, force=force)
    assert unused in {build.span for build in plan.builds}
    assert "c" in {opening.site for opening in plan.openings}
    assert sum(item.count for item in plan.installations if item.site == "c") == 2
    assert plan.outcome.cost > free.outcome.cost
    assert plan.outcome.lower_bound > free.outcome.lower_bound


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"as_built": [{"spans": ["s0O"]}]}, "as_built[0].spans[0]: no span 's0O'"),
        ({"forbid": [{"statuses": ["closed"]}]}, "no street or duct has the status 'closed'"),
        ({"forbid": [{"spans": ["s00"]}], "force": [{"spans": ["s00"], "phase": "p1"}]}, "is forced and forbidden"),
        ({"force": [{"sites": ["z"], "phase": "p1"}]}, "force[0].sites[0]: unknown site 'z'"),
        ({"force": [{"sites": ["c"], "phase": "p7"}]}, "force[0].phase: unknown phase 'p7'"),
        ({"as_built": [{"sites": ["c"], "items": {"magic": 1}}]}, "as_built[0].items.magic: unknown cost item"),
        ({"as_built": [{"spans": ["s00"], "items": {"hut": 1}}]}, "as_built[0].items: say at which sites"),
        ({"as_built": [{"note": "nothing"}]}, "name at least one of spans, streets, ducts, statuses and sites"),
    ],
)
def test_what_does_not_exist_or_contradicts_is_named(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        planned(tmp_path, **changes)
    assert message in str(caught.value)


def test_random_worlds_with_fixed_parts_keep_plans_checked_and_bounds_below(tmp_path: Path) -> None:
    plans = 0
    for seed in range(200, 224):
        rng = np.random.default_rng(seed)
        ids = world_of(seed).network.spans.ids
        sites = ["A", "B"]
        chosen = [ids[int(i)] for i in rng.choice(len(ids), size=min(4, len(ids)), replace=False)]
        changes: dict[str, Any] = {
            "as_built": [{"spans": chosen[:2]}, {"sites": sites[:1], "items": {"snspd-system": 1}}],
            "force": [{"spans": chosen[2:3], "phase": "p1"}, {"sites": sites, "phase": "p1"}],
            "forbid": [{"spans": chosen[3:]}] if len(chosen) > 3 else [],
        }
        try:
            result = try_plan(world_of(seed, **changes))
        except InputError as error:
            assert "must not be dug" in str(error)
            continue
        plans += isinstance(result, Plan)
    assert plans >= 12
