"""Integer programs described by PuLP, solved in a child process, and how each ended.

A solver cannot be interrupted from within: every solve runs in a child that can be killed, and that reports plans and
bounds while it works. Only the solver's own model status counts; PuLP's status says "Optimal" at a time limit.
Run as a program, this module is that child: it reads a task from standard input.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pulp
from planner.errors import SolverError

Ending = Literal["optimal", "feasible", "infeasible", "nothing"]


@dataclass(frozen=True, kw_only=True, slots=True)
class SolverTask:
    """When a solve may stop: at a relative gap, after a number of nodes, or (as a last resort) by the clock."""

    gap: float
    max_nodes: int
    time_limit_s: float
    seed: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Solution:
    """What a solve found: values by variable name, objective and proven bound (both minus infinity aside)."""

    ending: Ending
    values: Mapping[str, float]
    objective: float
    bound: float
    nodes: int
    stopped_by_clock: bool

    def value(self, variable: pulp.LpVariable) -> float:
        """Return the value of a variable, 0 where the solver dropped it."""
        return self.values.get(variable.name, 0.0)

    def is_one(self, variable: pulp.LpVariable) -> bool:
        """Return whether a binary variable is 1."""
        return self.value(variable) > 0.5


def solve(
    problem: pulp.LpProblem,
    task: SolverTask,
    *,
    solver: str = "highs",
    start: Mapping[str, float] | None = None,
) -> Solution:
    """Return how a minimization ended.

    `start` may give a feasible point. Raises SolverError when the child ends without an answer.
    """
    if problem.sense != pulp.LpMinimize:
        raise ValueError("only minimization is supported: bounds of maximizations are negated")
    if solver not in SOLVERS:
        raise ValueError(f"unknown solver {solver}; known are {', '.join(SOLVERS)}")
    with tempfile.TemporaryDirectory(prefix="planner-") as folder:
        model = Path(folder) / "model.mps"
        problem.writeMPS(str(model))
        request = {
            "solver": solver,
            "model": str(model),
            "gap": task.gap,
            "max_nodes": task.max_nodes,
            "time_limit_s": task.time_limit_s,
            "seed": task.seed,
            "start": dict(start or {}),
        }
        answer = _in_child(request, task.time_limit_s)
    return Solution(
        ending=answer["ending"],
        values=answer["values"],
        objective=answer["objective"] if answer["objective"] is not None else math.inf,
        bound=answer["bound"] if answer["bound"] is not None else -math.inf,
        nodes=answer["nodes"],
        stopped_by_clock=answer["stopped_by_clock"],
    )


def _in_child(request: Mapping[str, Any], time_limit_s: float) -> Any:
    """Return the child's answer; the child is killed when it overstays its limit or the parent is interrupted."""
    command = [sys.executable, "-m", "planner.design.solvers"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        try:
            out, err = child.communicate(json.dumps(request).encode(), timeout=2.0 * time_limit_s + 60.0)
        except subprocess.TimeoutExpired as error:
            child.kill()
            raise SolverError(f"the solver did not stop at its limit of {time_limit_s:.0f} s and was killed") from error
        except BaseException:
            child.kill()
            raise
    if child.returncode != 0:
        detail = err.decode(errors="replace").strip().splitlines()[-1:] or ["no message"]
        raise SolverError(f"the solver process ended with code {child.returncode}: {detail[0]}")
    return json.loads(out.decode().splitlines()[-1])


def _run_highs(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answer of HiGHS, called directly so that its own status, bound and nodes can be read."""
    import highspy

    highs = highspy.Highs()
    options = {
        "output_flag": False,
        "threads": 1,
        "random_seed": request["seed"],
        "mip_rel_gap": request["gap"],
        "mip_abs_gap": 1e-6,
        "mip_max_nodes": request["max_nodes"],
        "time_limit": request["time_limit_s"],
    }
    for name, value in options.items():
        if highs.setOptionValue(name, value) != highspy.HighsStatus.kOk:
            raise SolverError(f"HiGHS refuses option {name} = {value}")
    if highs.readModel(request["model"]) != highspy.HighsStatus.kOk:
        raise SolverError("HiGHS cannot read the model")
    names = highs.getLp().col_names_
    if request["start"]:
        start = highspy.HighsSolution()
        start.col_value = [request["start"].get(name, 0.0) for name in names]
        highs.setSolution(start)
    highs.run()
    status, info = highs.getModelStatus(), highs.getInfo()
    has_plan = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    statuses = highspy.HighsModelStatus
    ending: Ending = "feasible" if has_plan else "nothing"
    if status == statuses.kOptimal:
        ending = "optimal"
    elif status in (statuses.kInfeasible, statuses.kUnboundedOrInfeasible):
        ending = "infeasible"
    bound = info.mip_dual_bound if math.isfinite(info.mip_dual_bound) else None
    return {
        "ending": ending,
        "values": dict(zip(names, highs.getSolution().col_value, strict=True)) if has_plan else {},
        "objective": info.objective_function_value if has_plan else None,
        "bound": bound,
        "nodes": max(0, int(info.mip_node_count)),
        "stopped_by_clock": status == statuses.kTimeLimit,
    }


def _run_cbc(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answer of CBC, a second opinion for small models; it is run without a limit."""
    _, problem = pulp.LpProblem.fromMPS(request["model"], sense=pulp.LpMinimize)
    problem.solve(pulp.PULP_CBC_CMD(msg=False, gapRel=request["gap"], threads=1))
    is_solved = problem.status == pulp.LpStatusOptimal
    objective = float(pulp.value(problem.objective)) if is_solved else None
    return {
        "ending": "optimal" if is_solved else "infeasible",
        "values": {variable.name: variable.varValue or 0.0 for variable in problem.variables()} if is_solved else {},
        "objective": objective,
        "bound": objective,
        "nodes": 0,
        "stopped_by_clock": False,
    }


SOLVERS: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {"highs": _run_highs, "cbc": _run_cbc}
"""The solvers by name: each answers a request in the child process."""


def answer_request() -> None:
    """Read a request from standard input, solve it and write the answer as one line of JSON."""
    request = json.load(sys.stdin)
    sys.stdout.write(json.dumps(SOLVERS[request["solver"]](request)) + "\n")


if __name__ == "__main__":
    answer_request()
