"""The textbook integer program for networks of one and two routes: one flow of K units per demand, in HiGHS.

`min sum f[e] y[e]` with `flow[d,uv] + flow[d,vu] <= y[e]` for every demand and edge, and K units of flow from end to
end. Correct and compact, but weak where two routes are wanted, and large: twice the edges times the demands.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import highspy
import numpy as np
from scipy import sparse

from benchmarks.peers import Wish


@dataclass(frozen=True, kw_only=True, slots=True)
class CompactResult:
    """What the program reached; None where it found no plan or no bound."""

    cost: float | None
    bound: float | None
    seconds: float


def solve_compactly(
    spans: Sequence[tuple[int, int, Sequence[float]]], wishes: Sequence[Wish], *, time_limit_s: float, seed: int
) -> CompactResult:
    """Return the best network that HiGHS finds in some time for demands of one phase, and its bound."""
    start_s = time.perf_counter()
    solver = highspy.Highs()
    for option, value in (
        ("output_flag", False),
        ("time_limit", time_limit_s),
        ("threads", 2),
        ("random_seed", seed),
        ("mip_rel_gap", 1e-6),
    ):
        solver.setOptionValue(option, value)
    solver.passModel(_model(spans, wishes))
    # one scheduler serves a whole process: it refuses a solver with another number of threads than the one before
    highspy.Highs.resetGlobalScheduler(True)
    solver.run()
    highspy.Highs.resetGlobalScheduler(True)
    info = solver.getInfo()
    has_plan = info.primal_solution_status == 2
    has_bound = np.isfinite(info.mip_dual_bound) and info.mip_dual_bound > 0.0
    return CompactResult(
        cost=float(info.objective_function_value) if has_plan else None,
        bound=float(info.mip_dual_bound) if has_bound else None,
        seconds=round(time.perf_counter() - start_s, 3),
    )


def _model(spans: Sequence[tuple[int, int, Sequence[float]]], wishes: Sequence[Wish]) -> highspy.HighsLp:
    """Return the program; columns are y by edge, then for each demand both directions of every edge."""
    ends = np.array([(a, b) for a, b, _ in spans], dtype=np.int64)
    prices = np.array([price[0] for *_, price in spans], dtype=np.float64)
    used, ends = np.unique(ends, return_inverse=True)
    ends = ends.reshape(-1, 2)
    count, nodes = len(spans), len(used)
    at = {int(node): index for index, node in enumerate(used)}
    edge = np.arange(count)
    flows = sparse.csr_matrix(
        (
            np.repeat([1.0, -1.0, -1.0, 1.0], count),
            (
                np.concatenate((ends[:, 0], ends[:, 1], ends[:, 0], ends[:, 1])),
                np.tile(edge, 4) + np.repeat([0, 0, count, count], count),
            ),
        ),
        shape=(nodes, 2 * count),
    )
    links = sparse.hstack([sparse.identity(count), sparse.identity(count)])
    demands = len(wishes)
    matrix = sparse.bmat(
        [
            [None, sparse.block_diag([flows] * demands)],
            [sparse.vstack([-sparse.identity(count)] * demands), sparse.block_diag([links] * demands)],
        ]
    ).tocsc()
    balance = np.zeros((demands, nodes))
    for index, wish in enumerate(wishes):
        balance[index, at[wish.a]], balance[index, at[wish.b]] = wish.routes, -wish.routes
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = matrix.shape[1], matrix.shape[0]
    model.col_cost_ = np.concatenate((prices, np.zeros(2 * count * demands)))
    model.col_lower_, model.col_upper_ = np.zeros(matrix.shape[1]), np.ones(matrix.shape[1])
    model.row_lower_ = np.concatenate((balance.ravel(), np.full(count * demands, -highspy.kHighsInf)))
    model.row_upper_ = np.concatenate((balance.ravel(), np.zeros(count * demands)))
    model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    model.a_matrix_.start_, model.a_matrix_.index_, model.a_matrix_.value_ = matrix.indptr, matrix.indices, matrix.data
    integer = [highspy.HighsVarType.kInteger] * count
    model.integrality_ = integer + [highspy.HighsVarType.kContinuous] * (2 * count * demands)
    return model
