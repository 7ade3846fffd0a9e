"""The child process in which solvers run: a request comes in on standard input, an answer goes out as a line of JSON.

It imports nothing of `planner`, so that it starts at once, and each solver only when it is asked for. A relaxation that
grows goes on after its first line: each further line holds rows, and is answered.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping, Sequence
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
    if highs.readModel(request["model"]) == highspy.HighsStatus.kError:  # it warns where it leaves out what is nearly 0
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


def _run_by_pulp(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answer of a solver that PuLP drives.

    PuLP tells neither bound nor nodes. Its status says "Optimal" for any plan found before a limit; the status of the
    solution does not. Only what the solver itself calls infeasible is called so.
    """
    import pulp

    _, problem = pulp.LpProblem.fromMPS(request["model"], sense=pulp.LpMinimize)
    options = {"msg": False, "timeLimit": request["time_limit_s"], "gapRel": request["gap"], "threads": 1}
    problem.solve(_pulp_solver(request["solver"], options))
    ending = {
        pulp.LpSolutionOptimal: "optimal",
        pulp.LpSolutionIntegerFeasible: "feasible",
        pulp.LpSolutionInfeasible: "infeasible",
    }.get(problem.sol_status, "nothing")
    has_plan = ending in ("optimal", "feasible")
    objective = float(pulp.value(problem.objective)) if has_plan else None
    return {
        "ending": ending,
        "values": {variable.name: variable.varValue or 0.0 for variable in problem.variables()} if has_plan else {},
        "objective": objective,
        "bound": objective - request["gap"] * abs(objective) if ending == "optimal" and objective is not None else None,
        "nodes": 0,
        "stopped_by_clock": ending in ("feasible", "nothing"),
    }


def _pulp_solver(name: str, options: Mapping[str, Any]) -> Any:
    """Return PuLP's solver of a short name, with those of the options that it knows."""
    import inspect

    import pulp

    wanted = ("COIN_CMD", "PULP_CBC_CMD") if name == "cbc" else tuple(name.upper() + end for end in ("", "_CMD", "_PY"))
    known = pulp.listSolvers()
    for found in (item for item in wanted if item in known):
        make = getattr(pulp, found)
        accepted = inspect.signature(make.__init__).parameters
        solver = make(**{key: value for key, value in options.items() if key in accepted})
        if solver.available():
            return solver
    raise ValueError(f"no solver {name} is available to PuLP")


def run(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answer to a request, by the solver that it names."""
    return _run_highs(request) if request["solver"] == "highs" else _run_by_pulp(request)


class Growing:
    """A linear relaxation in HiGHS, solved again as rows are added; the solver starts from where it ended before."""

    def __init__(self, request: Mapping[str, Any]) -> None:
        """Read the model that the request names; nothing need be whole."""
        import highspy

        self._solver = highspy
        self._highs = highspy.Highs()  # type: ignore[no-untyped-call]
        self._highs.setOptionValue("output_flag", False)
        self._highs.setOptionValue("threads", 1)
        self._highs.setOptionValue("solve_relaxation", True)
        if self._highs.readModel(request["model"]) != highspy.HighsStatus.kOk:
            raise ValueError("HiGHS cannot read the model")
        self._names: list[str] = list(self._highs.getLp().col_names_)
        self._columns = {name: column for column, name in enumerate(self._names)}

    def answer(self, rows: Sequence[Sequence[str]]) -> dict[str, Any]:
        """Return the optimum after adding rows: each says that some variables add up to 1 at least.

        Variables that no row had before are not negative and cost nothing. `values` is empty where there is no optimum.
        """
        for names in rows:
            for name in names:
                if name not in self._columns:
                    self._columns[name] = len(self._names)
                    self._names.append(name)
                    self._highs.addVar(0.0, self._solver.kHighsInf)
            places = [self._columns[name] for name in names]
            self._highs.addRow(1.0, self._solver.kHighsInf, len(places), places, [1.0] * len(places))
        self._highs.run()
        if self._highs.getModelStatus() != self._solver.HighsModelStatus.kOptimal:
            return {"objective": None, "values": {}, "reduced_costs": {}}
        solution = self._highs.getSolution()
        return {
            "objective": self._highs.getInfo().objective_function_value,
            "values": dict(zip(self._names, solution.col_value, strict=True)),
            "reduced_costs": dict(zip(self._names, solution.col_dual, strict=True)),
        }


def answer_requests() -> None:
    """Read a request from standard input, solve it and write the answer; so on with the rows of one that grows."""
    request = json.loads(sys.stdin.readline())
    if not request.get("grows"):
        sys.stdout.write(json.dumps(run(request)) + "\n")
        return
    growing = Growing(request)
    for line in sys.stdin:
        sys.stdout.write(json.dumps(growing.answer(json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    answer_requests()
