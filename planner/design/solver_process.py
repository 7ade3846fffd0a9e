"""The child process in which solvers run: a request comes in on standard input, an answer goes out as a line of JSON.

It imports nothing of `planner`, so that it starts at once, and each solver only when it is asked for.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Mapping
from typing import Any


def _run_highs(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answer of HiGHS, called directly so that its own status, bound and nodes can be read."""
    import highspy

    highs = highspy.Highs()  # type: ignore[no-untyped-call]
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
            raise ValueError(f"HiGHS refuses option {name} = {value}")
    if highs.readModel(request["model"]) != highspy.HighsStatus.kOk:
        raise ValueError("HiGHS cannot read the model")
    names = highs.getLp().col_names_
    if request["start"]:
        start = highspy.HighsSolution()
        start.col_value = [request["start"].get(name, 0.0) for name in names]
        highs.setSolution(start)
    highs.run()
    status, info = highs.getModelStatus(), highs.getInfo()
    has_plan = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    statuses = highspy.HighsModelStatus
    ending = "feasible" if has_plan else "nothing"
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
    """Return the answer of CBC, run without a limit."""
    import pulp

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
    """Read a request from standard input, solve it and write the answer."""
    request = json.load(sys.stdin)
    sys.stdout.write(json.dumps(SOLVERS[request["solver"]](request)) + "\n")


if __name__ == "__main__":
    answer_request()
