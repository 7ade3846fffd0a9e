"""Integer programs described by PuLP, solved in a child process, and how each ended.

A solver cannot be interrupted from within: every solve runs in a child (`solver_process.py`) that can be killed. Only
the solver's own model status counts; PuLP's status says "Optimal" at a time limit.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pulp

from planner.errors import SolverError

DEFAULT_SOLVER = "highs"

_COMMAND = (sys.executable, "-P", str(Path(__file__).with_name("solver_process.py")))

Ending = Literal["optimal", "feasible", "infeasible", "nothing"]


@dataclass(frozen=True, kw_only=True, slots=True)
class SolverTask:
    """When a solve may stop: at a relative gap, after a number of nodes, or (as a last resort) by the clock."""

    gap: float
    max_nodes: int
    time_limit_s: float
    seed: int = 1
    solver: str = DEFAULT_SOLVER
    """`highs`, called directly, or any solver that PuLP finds here, by its short name (see `solver_names`)."""


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
    start: Mapping[str, float] | None = None,
) -> Solution:
    """Return how a minimization ended.

    `start` may give a feasible point. Raises SolverError when the child ends without an answer.
    """
    if problem.sense != pulp.LpMinimize:
        raise ValueError("only minimization is supported: bounds of maximizations are negated")
    with tempfile.TemporaryDirectory(prefix="planner-") as folder:
        model = Path(folder) / "model.mps"
        problem.writeMPS(str(model))
        request = {
            "solver": task.solver,
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Relaxed:
    """An optimum of a linear relaxation, by variable name; the objective is infinite where there is none."""

    objective: float
    values: Mapping[str, float]
    reduced_costs: Mapping[str, float]


Rows = Sequence[Sequence[pulp.LpVariable]]


@contextmanager
def growing_relaxation(problem: pulp.LpProblem) -> Iterator[Callable[[Rows], Relaxed]]:
    """Give a function that adds rows to the linear relaxation of a program, solves it by HiGHS and returns the optimum.

    Each row is some variables that add up to 1 at least; one that is in no row of the program must cost nothing there.
    """
    with tempfile.TemporaryDirectory(prefix="planner-") as folder:
        model = Path(folder) / "model.mps"
        problem.writeMPS(str(model))
        with _talk({"grows": True, "model": str(model)}) as ask:
            yield lambda rows: _relaxed(ask([[variable.name for variable in row] for row in rows]))


def _relaxed(answer: Mapping[str, Any]) -> Relaxed:
    objective = math.inf if answer["objective"] is None else answer["objective"]
    return Relaxed(objective=objective, values=answer["values"], reduced_costs=answer["reduced_costs"])


def solver_names() -> tuple[str, ...]:
    """Return the short names of the solvers that can be used here: `highs`, `cbc`, and what else PuLP finds."""
    found = {_short(name) for name in pulp.listSolvers(onlyAvailable=True)}
    return (DEFAULT_SOLVER, *sorted(found - {DEFAULT_SOLVER}))


def _short(name: str) -> str:
    """Return how people call a solver of PuLP: `cbc` for COIN_CMD and PULP_CBC_CMD, `glpk` for GLPK_CMD."""
    short = name.removesuffix("_CMD").removesuffix("_PY").removesuffix("_DLL").lower()
    return "cbc" if short in ("coin", "pulp_cbc", "coinmp") else short


@contextmanager
def _talk(request: Mapping[str, Any]) -> Iterator[Callable[[Any], Any]]:
    """Give a function that sends a line to a child and returns its answer; the child ends with the block."""
    with subprocess.Popen(_COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        to_child, from_child = child.stdin, child.stdout

        def ask(question: Any) -> Any:
            to_child.write(json.dumps(question).encode() + b"\n")
            to_child.flush()
            for line in from_child:
                if line.startswith(b"{"):  # a solver may print other lines
                    return json.loads(line)
            raise SolverError("the solver process ended without an answer")

        try:
            to_child.write(json.dumps(request).encode() + b"\n")
            yield ask
        finally:
            child.kill()


def _in_child(request: Mapping[str, Any], time_limit_s: float) -> Any:
    """Return the child's answer; the child is killed when it overstays its limit or the parent is interrupted."""
    with subprocess.Popen(
        _COMMAND,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C in the terminal is for the parent to judge
    ) as child:
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
