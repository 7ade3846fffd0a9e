"""Random worlds with budgets, both objectives and both roll-outs: checked plans, and nobody served by half."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from design.judged import best_of_simple_routes, try_plan, world_of
from planner.design import design_plan
from planner.design.instance import MONEY
from planner.plan import Plan
from worlds import demand, make_world, phases

pytestmark = pytest.mark.usefixtures("inprocess")

FULL_DUCT = "A=====B"
"""A duct of four fibers: room for two routes."""


def test_within_budgets_the_joint_plan_serves_the_most_and_costs_little_more_than_the_least() -> None:
    compared = near = 0
    for seed in range(26):
        objective = ("service", "net_present_cost")[seed % 2]
        world = world_of(seed, poor=True, objective=objective)
        result, best = try_plan(world), best_of_simple_routes(world)
        if best is None or (best.ending == "infeasible" and not isinstance(result, Plan)):
            continue
        assert best.ending == "optimal", f"seed {seed}"
        assert isinstance(result, Plan), f"seed {seed}: {result}"
        assert result.outcome.served_weight == pytest.approx(best.served_weight), f"seed {seed}"
        compared += 1
        near += result.outcome.cost <= 1.01 * MONEY * best.cost + 1e-6
    assert compared >= 14
    assert near >= 0.9 * compared


@pytest.mark.parametrize("objective", ["service", "net_present_cost"])
def test_plans_made_step_by_step_pass_the_check(objective: str) -> None:
    plans = 0
    for seed in range(15):
        world = world_of(seed, poor=objective == "service", objective=objective, rollout="step-by-step")
        plans += isinstance(try_plan(world), Plan)
    assert plans >= 9


def rivals(folder: Path, **changes: Any) -> Plan:
    """Return a plan for two demands of now and two heavier ones of later, all through one duct for two of them."""
    late = {"from_phase": "p2", "weight": 3.0}
    demands = [demand("A", "B", id="n1"), demand("A", "B", id="n2")]
    demands += [demand("A", "B", id="l1", **late), demand("A", "B", id="l2", **late)]
    world = make_world(folder, FULL_DUCT, demands, phases=phases(None, None), objective="service", **changes)
    return design_plan(world.network, world.scenario)


def test_the_heavier_demands_of_later_get_the_last_fibers(tmp_path: Path) -> None:
    plan = rivals(tmp_path)
    assert {service.demand for service in plan.services if service.routes} == {"l1", "l2"}


def test_step_by_step_who_is_served_stays_served(tmp_path: Path) -> None:
    plan = rivals(tmp_path, rollout="step-by-step")
    served = {(service.demand, service.phase) for service in plan.services if service.routes}
    assert served
    assert all((name, "p2") in served for name, phase in served if phase == "p1")
