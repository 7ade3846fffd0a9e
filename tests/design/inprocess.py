"""Solves inside the test's own process and on one thread: hundreds of tiny programs and plans in seconds.

A child process takes longer to start than a tiny program takes to solve, and threads take longer to meet than tiny
loops take to run. The request and the answer still go through JSON, as on the way to the child and back.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numba

from planner.design import solver_process
from planner.design.solvers import SolverTask

EXACT = SolverTask(gap=0.0, max_nodes=100_000, time_limit_s=60.0)
"""A task that ends with a proof, or not at all, on tiny programs."""


def answer_here(request: Mapping[str, Any], _: float) -> Any:
    """Return the answer to a request as the child process would give it."""
    asked = json.loads(json.dumps(request))
    return json.loads(json.dumps(solver_process.run(asked)))


@contextmanager
def talk_here(request: Mapping[str, Any]) -> Iterator[Callable[[Any], Any]]:
    """Give a function that answers as a child process would that keeps a relaxation."""
    growing = solver_process.Growing(json.loads(json.dumps(request)))
    yield lambda rows: json.loads(json.dumps(growing.answer(rows)))


@contextmanager
def one_thread() -> Iterator[None]:
    """Run compiled loops on one thread for a while."""
    before = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        yield
    finally:
        numba.set_num_threads(before)
