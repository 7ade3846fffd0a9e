"""How a solve can end: one test for each way, and what the caller is told."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from dataclasses import replace
from typing import Any

import numpy as np
import pulp
import pytest

from design.inprocess import EXACT
from design.instances import Builder
from design.test_exhaustive import random_instance
from planner.design import solvers
from planner.design.instance import Instance
from planner.design.objective import net_present_cost, unserved_weight
from planner.design.selection import build_program, choose
from planner.design.solvers import SolverTask, solve
from planner.errors import SolverError


def task(**changes: Any) -> SolverTask:
    values: dict[str, Any] = {"gap": 0.0, "max_nodes": 1_000_000, "time_limit_s": 60.0} | changes
    return SolverTask(**values)


def covering(rows: int = 40, columns: int = 60, *, seed: int = 5) -> pulp.LpProblem:
    """Return a problem with many plans, easy to find, and a bound that rises slowly."""
    rng = np.random.default_rng(seed)
    problem = pulp.LpProblem("covering", pulp.LpMinimize)
    x = [problem.add_variable(f"x_{j}", cat=pulp.LpBinary) for j in range(columns)]
    for _ in range(rows):
        chosen = rng.choice(columns, 6, replace=False)
        problem += pulp.lpSum(x[j] for j in chosen) >= 2
    problem += pulp.lpSum(float(rng.integers(90, 110)) * variable for variable in x)
    return problem


def market_split(rows: int = 5, *, seed: int = 1) -> pulp.LpProblem:
    """Return a tiny problem without a plan that takes far longer to refute than any test runs.

    Source: Cornuejols and Dawande, IPCO 1998.
    """
    rng = np.random.default_rng(seed)
    columns = 10 * (rows - 1)
    problem = pulp.LpProblem("split", pulp.LpMinimize)
    x = [problem.add_variable(f"x_{j}", cat=pulp.LpBinary) for j in range(columns)]
    for _ in range(rows):
        row = rng.integers(0, 100, columns)
        problem += pulp.lpSum(int(a) * v for a, v in zip(row, x, strict=True)) == int(row.sum()) // 2
    problem += pulp.lpSum(x)
    return problem


def test_a_solved_problem_is_proven() -> None:
    found = solve(covering(12, 12), task())
    assert found.ending == "optimal"
    assert found.bound == pytest.approx(found.objective)
    assert not found.stopped_by_clock
    assert len(found.values) == 12


def test_a_gap_ends_the_search_with_plan_and_bound() -> None:
    loose, exact = solve(covering(), task(gap=0.2)), solve(covering(12, 12), task(gap=0.2))
    assert loose.ending == "optimal"
    assert loose.bound < loose.objective
    assert (loose.objective - loose.bound) / loose.objective <= 0.2
    assert exact.bound <= exact.objective


def test_a_node_limit_ends_the_search_with_plan_and_bound_in_the_same_place_every_time() -> None:
    first, second = (solve(covering(), task(max_nodes=1)) for _ in range(2))
    assert first == second
    assert (first.ending, first.stopped_by_clock) == ("feasible", False)
    assert 0.0 < first.bound < first.objective


def test_the_clock_ends_the_search_with_a_plan() -> None:
    hard = covering(150, 300)
    start = {variable.name: 1.0 for variable in hard.variables()}
    found = solve(hard, task(time_limit_s=0.5), start=start)
    assert (found.ending, found.stopped_by_clock) == ("feasible", True)
    assert found.bound < found.objective <= sum(hard.objective.values())
    hard.assignVarsVals(found.values)
    assert hard.valid(eps=1e-6)


def test_the_clock_ends_the_search_without_a_plan() -> None:
    found = solve(market_split(), task(time_limit_s=0.3))
    assert (found.ending, found.stopped_by_clock) == ("nothing", True)
    assert found.values == {}
    assert found.objective == float("inf")


def test_what_cannot_be_is_infeasible() -> None:
    problem = pulp.LpProblem("none", pulp.LpMinimize)
    x = problem.add_variable("x", cat=pulp.LpBinary)
    problem += x >= 2
    problem += x + 0
    for solver in ("highs", "cbc"):
        found = solve(problem, task(solver=solver))
        assert (found.ending, found.values, found.stopped_by_clock) == ("infeasible", {}, False)


def test_a_choice_without_routes_is_infeasible() -> None:
    world = Builder(phases=1)
    world.demand()
    choice = choose(world.instance(), EXACT)
    assert (choice.ending, dict(choice.routes), choice.served_weight) == ("infeasible", {}, 0)


class DoomedProcess(subprocess.Popen[bytes]):
    """A child process that is killed from outside half a second after its start."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        threading.Timer(0.5, os.kill, (self.pid, signal.SIGKILL)).start()


def test_a_killed_solver_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(solvers.subprocess, "Popen", DoomedProcess)
    with pytest.raises(SolverError, match="ended with code -9"):
        solve(market_split(), task(time_limit_s=30.0))


def test_an_interrupt_ends_the_child_too(monkeypatch: pytest.MonkeyPatch) -> None:
    children: list[subprocess.Popen[bytes]] = []

    class Interrupted(subprocess.Popen[bytes]):
        def communicate(self, *_: Any, **__: Any) -> Any:
            children.append(self)
            raise KeyboardInterrupt

    monkeypatch.setattr(solvers.subprocess, "Popen", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        solve(market_split(), task(time_limit_s=30.0))
    assert children[0].returncode == -signal.SIGKILL


def test_a_solver_that_fails_says_why() -> None:
    with pytest.raises(SolverError, match="HiGHS refuses option mip_max_nodes"):
        solve(covering(12, 12), task(max_nodes=-1))


def test_an_unknown_solver_is_refused() -> None:
    with pytest.raises(SolverError, match="no solver gurobbi is available to PuLP"):
        solve(covering(12, 12), task(solver="gurobbi"))


def test_a_maximization_is_refused() -> None:
    with pytest.raises(ValueError, match="only minimization"):
        solve(pulp.LpProblem("most", pulp.LpMaximize), task())


@pytest.mark.usefixtures("inprocess")
@pytest.mark.filterwarnings("ignore:PULP_CBC_CMD is deprecated:DeprecationWarning")
def test_highs_and_cbc_agree() -> None:
    compared = 0
    for seed in range(1000, 1060):
        instance = random_instance(seed)
        problem, x = build_program(instance)
        problem += net_present_cost(instance, x) + 500.0 * unserved_weight(instance, x)
        ours, theirs = (solve(problem, replace(EXACT, solver=solver)) for solver in ("highs", "cbc"))
        assert ours.ending == theirs.ending, f"seed {seed}"
        if ours.ending == "optimal":
            assert ours.objective == pytest.approx(theirs.objective, abs=1e-6), f"seed {seed}"
            compared += 1
    assert compared >= 30


def world_with_a_misleading_start() -> Instance:
    """Return a world in which HiGHS 1.13 to 1.15, given a plan to start from, stops at a plan that is not the best."""
    world = Builder(phases=3, budgets=(None, 14.0, 11.0), serve_all=False)
    free, nothing = world.demand(routes=2, first_phase=1, weight=3.0), (0.0, 0.0, 0.0)
    pair = world.demand(routes=2, first_phase=2, weight=1.0)
    idle = world.demand(routes=2, weight=1.0)
    single = world.demand(weight=2.0)
    street = world.block((7.0, 5.0, 3.0), capex=nothing, max_fibers=2)
    alley = world.block((2.0, 2.0, 0.0), capex=nothing, max_fibers=2)
    bridge = world.block((10.0, 8.0, 8.0), capex=(9.0, 7.0, 5.0), max_fibers=2)
    avenue = world.block((5.0, 5.0, 9.0), capex=(0.0, 0.0, 2.0))
    world.block(nothing, max_fibers=2)
    world.site((3.0, 3.0, 3.0), capex=(1.0, 3.0, 5.0))
    hut = world.site((7.0, 6.0, 5.0), capex=(2.0, 0.0, 0.0))
    nodes = world.item((6.0, 8.0, 10.0), capex=(3.0, 2.0, 1.0))
    lanes = world.item((6.0, 5.0, 2.0), capex=(1.0, 2.0, 3.0), serves=4)
    sources = world.item((3.0, 2.0, 0.0), capex=(6.0, 4.0, 6.0))
    for fibers in (2, 1):
        world.route(free, phases=(), fibers=fibers)
    world.route(pair, blocks={street: 1}, conflicts=(), fibers=2)
    world.route(pair, blocks={bridge: 1}, conflicts=(), fibers=2)
    world.route(pair, blocks={avenue: 1}, needs={nodes: 5, lanes: 2, sources: 3}, conflicts=())
    for _ in range(2):
        world.route(idle, phases=(), fibers=2)
    needs = {nodes: 1, lanes: 3, sources: 5}
    world.route(single, blocks={street: 1}, needs=needs, conflicts=(0, 3, 103), fibers=2, lease=(1.0, 0.0, 0.0))
    world.route(single, blocks={street: 2, bridge: 1}, needs={lanes: 2, sources: 2}, lease=(0.0, 2.0, 1.0))
    needs, lease = {nodes: 2, lanes: 2}, (0.0, 2.0, 0.0)
    world.route(single, blocks={alley: 1, street: 1}, sites=(hut,), needs=needs, lease=lease, phases=(0, 2))
    world.route(single, blocks={street: 1, alley: 1}, needs={nodes: 4}, lease=(1.0, 1.0, 2.0), phases=(1, 2), fibers=2)
    return world.instance()


@pytest.mark.usefixtures("inprocess")
def test_a_known_plan_does_not_change_the_optimum() -> None:
    instance = world_with_a_misleading_start()
    problem, x = build_program(instance)
    problem += unserved_weight(instance, x)
    first = solve(problem, EXACT)
    problem += unserved_weight(instance, x) <= first.objective + 1e-6
    problem.setObjective(net_present_cost(instance, x))
    assert solve(problem, EXACT, start=first.values).objective == pytest.approx(solve(problem, EXACT).objective)
