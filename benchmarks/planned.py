"""A plan for a world, checked, as a row."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from benchmarks.graphs import Graph, graph_world
from benchmarks.rows import Row
from benchmarks.runner import peak_mb
from planner.design import design_plan
from planner.errors import PlannerError
from planner.network import Network
from planner.plan import Plan
from planner.scenario import Scenario
from planner.verdict import Verdict
from planner.verify import verify_plan

SMALL = 1e-9


def plan_row(name: str, network: Network, scenario: Scenario) -> tuple[Row, Plan | None, Verdict | None]:
    """Return the row of a design run, with its plan and verdict; a run without a plan says why in column `error`.

    `checks_failed` counts the checks of the verdict that fail (0 is good), `first_plan_s` the time to the first plan.
    """
    counts = {"nodes": len(network.nodes), "edges": len(network.spans), "demands": len(scenario.demands)}
    start_s = time.perf_counter()
    try:
        plan = design_plan(network, scenario)
    except PlannerError as error:
        seconds = round(time.perf_counter() - start_s, 3)
        return Row(instance=name, **counts, seconds=seconds, peak_mb=peak_mb(), more={"error": str(error)}), None, None
    seconds, memory_mb = time.perf_counter() - start_s, peak_mb()
    start_s = time.perf_counter()
    verdict = verify_plan(network, scenario, plan)
    outcome, failed = plan.outcome, verdict.failed_checks
    more = {
        "stopped_by": outcome.stopped_by,
        "checks": len(verdict.checks),
        "checks_failed": len(failed),
        "first_plan_s": None if plan.timing is None else plan.timing.first_plan_s,
        "verify_s": round(time.perf_counter() - start_s, 3),
        "work": outcome.work,
    }
    if failed:
        more["error"] = "; ".join(f"{check.name}: {check.subject}: {check.actual}" for check in failed[:3])
    row = Row(
        instance=name,
        **counts,
        ours=outcome.cost,
        bound=outcome.lower_bound,
        gap=outcome.gap,
        seconds=round(seconds, 3),
        peak_mb=memory_mb,
        more=more,
    )
    return row, plan, verdict


def reached_s(plan: Plan, gap: float) -> float | None:
    """Return the seconds after which the plan's search had this gap, or None when it never had."""
    for moment in plan.timing.history if plan.timing is not None else ():
        if moment.incumbent is None or moment.bound is None:
            continue
        if moment.incumbent - moment.bound <= gap * moment.incumbent + SMALL:
            return moment.seconds
    return None


def optimum_faults(row: Row) -> str:
    """Return what is wrong between plan, bound and known optimum: a cheaper plan, or a bound above it; else nothing."""
    if row.optimum is None or row.ours is None or row.bound is None:
        return ""
    slack = SMALL * max(1.0, abs(row.optimum)) * 1e3
    faults = ["plan below the optimum"] if row.ours < row.optimum - slack else []
    return "; ".join([*faults, *(["bound above the optimum"] if row.bound > row.optimum + slack else [])])


def warm_up() -> None:
    """Design for a tiny world of one and two routes, so that compiled code is in its cache."""
    edges = [(0, 1, 1.0), (1, 2, 2.0), (2, 3, 1.0), (3, 0, 2.0), (0, 2, 2.5), (3, 4, 1.0)]
    with tempfile.TemporaryDirectory() as folder:
        for demands in ([(0, 2, 2), (0, 4, 1)], [(0, 2, 1), (0, 4, 1)]):
            world = graph_world(
                Graph(name="warm-up", nodes=5, edges=edges), demands, Path(folder), time_limit_s=5.0, gap=1e-3
            )
            plan_row("warm-up", world.network, world.scenario)
