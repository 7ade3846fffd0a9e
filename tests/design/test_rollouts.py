"""Random worlds with budgets, both objectives and all roll-outs: checked plans, and nobody served by half."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import pytest

from design.judged import best_of_simple_routes, try_plan, world_of
from planner.costs import capex_by_phase
from planner.design import design_plan
from planner.design.instance import MONEY
from planner.differences import differences, explain
from planner.errors import InfeasibleError, SolverError
from planner.plan import Plan
from planner.scenario import Rollout
from planner.verify import verify_plan
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


TWO_WAYS = """
A----------B
|          |
+-----C----+
"""
"""A short street from A to B, and a longer way over C, which is asked for later: together, it is the cheapest."""


@pytest.mark.parametrize("rollout", get_args(Rollout))
def test_every_roll_out_gives_checked_plans_above_its_own_bound(rollout: Rollout) -> None:
    plans = 0
    for seed in range(40, 52):
        objective = ("service", "net_present_cost")[seed % 2]
        result = try_plan(world_of(seed, poor=objective == "service", objective=objective), rollout=rollout)
        if isinstance(result, Plan):
            plans += 1
            assert result.rollout == rollout
            wanted = "roll_out" if rollout == "all-at-once" else "whole_problem"
            if objective == "net_present_cost":
                assert result.outcome.bound_scope == wanted
                assert result.outcome.lower_bound > 0.0
    assert plans >= 6


def costs_by_rollout(folder: Path) -> dict[str, Plan]:
    demands = [demand("A", "B"), demand("A", "C", from_phase="p2")]
    settings = {"phases": phases(None, None), "solver": {"work_budget": 200, "gap": 0.0}}
    world = make_world(folder, TWO_WAYS, demands, **settings)
    return {rollout: design_plan(world.network, world.scenario, rollout=rollout) for rollout in get_args(Rollout)}


def test_planning_jointly_is_never_dearer_and_the_others_say_why(tmp_path: Path) -> None:
    plans = costs_by_rollout(tmp_path)
    cost = {rollout: plan.outcome.cost for rollout, plan in plans.items()}
    assert cost["joint"] == min(cost.values())
    assert cost["step-by-step"] > 1.001 * cost["joint"]
    assert plans["joint"].outcome.stopped_by == "proof"
    told = " ".join(explain(differences(plans["step-by-step"], plans["joint"]), "EUR"))
    assert "Trenching" in told or "Cable" in told
    assert "spans that the other plan does not" in told


def test_all_at_once_builds_everything_in_the_first_phase_and_proves_its_own_optimum(tmp_path: Path) -> None:
    plan = costs_by_rollout(tmp_path)["all-at-once"]
    dated = (*plan.builds, *plan.openings, *plan.installations)
    assert {entry.phase for entry in dated} == {"p1"}
    assert (plan.outcome.bound_scope, plan.outcome.stopped_by) == ("roll_out", "proof")


def test_end_state_first_builds_nothing_outside_the_best_network_of_the_last_phase(tmp_path: Path) -> None:
    plans = costs_by_rollout(tmp_path)
    world = make_world(tmp_path, TWO_WAYS, [demand("A", "B"), demand("A", "C")])
    last = design_plan(world.network, world.scenario)
    assert {build.span for build in plans["end-state-first"].builds} <= {build.span for build in last.builds}


def limited(folder: Path, *, total: float | None = None, budgets: tuple[float | None, ...], **rules: Any) -> Plan:
    """Return the plan of two demands, one after the other, each for 100 m of its own street and two ends."""
    demands = [demand("A", "B"), demand("C", "D", from_phase="p2")]
    world = make_world(
        folder, "A--B\n\nC--D", demands, cell_km=0.05, phases=phases(*budgets), budgets={"total": total, **rules}
    )
    plan = design_plan(world.network, world.scenario)
    assert verify_plan(world.network, world.scenario, plan).passed
    return plan


def test_what_a_phase_leaves_may_be_spent_in_the_next_one(tmp_path: Path) -> None:
    free = limited(tmp_path, budgets=(None, None))
    spent = capex_by_phase(free.costs)
    plenty, little = spent["p1"] + 0.6 * spent["p2"], 0.5 * spent["p2"]
    assert limited(tmp_path, budgets=(plenty, little), carry_over=True).outcome.cost == free.outcome.cost
    earlier = limited(tmp_path, budgets=(plenty, little))
    assert earlier.outcome.cost > free.outcome.cost  # some of the second phase is bought before its time
    assert capex_by_phase(earlier.costs)["p2"] <= little


def test_a_total_budget_and_yearly_costs_are_counted(tmp_path: Path) -> None:
    spent = sum(capex_by_phase(limited(tmp_path, budgets=(None, None)).costs).values())
    assert limited(tmp_path, budgets=(None, None), total=1.001 * spent).outcome.cost > 0.0
    with pytest.raises((InfeasibleError, SolverError), match="budget"):
        limited(tmp_path, budgets=(None, None), total=0.9 * spent)
    with pytest.raises((InfeasibleError, SolverError), match="budget"):
        limited(tmp_path, budgets=(None, None), total=1.001 * spent, covers="capex_and_opex")
