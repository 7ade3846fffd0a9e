"""A safe lower bound on the price of a network that serves demands of one and two routes, phase by phase.

The relaxation lets every part of the demands in force orient the network as it likes (Chimani, Kandyba, Ljubic and
Mutzel, Mathematical Programming 124, 2010): x[uv] + x[vu] <= y[e] in [0, 1], one unit of flow per commodity, y never
falling from phase to phase. On street graphs its optimum is nearly always that of the integer problem. Any multipliers
of `flow <= x` give a bound by shortest paths, however coarse the method that finds them; only such bounds are returned,
less what rounding could have added.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from planner.design.blocks import connected_parts, two_route_parts
from planner.design.commodities import Commodities, Demand
from planner.design.demand_flows import DemandFlows, FlowRelaxation
from planner.design.pdhg import HalpernMethod, Iterate
from planner.design.relaxation import (
    Evaluation,
    Relaxation,
    best_evaluation,
    build_relaxation,
    first_point,
    nothing_known,
    relaxed_price,
    usage_by_phase,
)

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

CHECK_STEPS = 200
"""Steps between two evaluations of the bound."""
MIN_THREADED_SIZE = 30_000
"""Edges times lanes from which the work is split among threads."""
STALL_CHECKS = 5
"""Evaluations over which the bound must rest before a run without an incumbent ends."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class OrientationProblem:
    """A street graph with prices by phase, and demands for one or two edge-disjoint routes.

    Raises ValueError when columns do not fit together, a price is negative or not finite, or a demand cannot be.
    """

    nodes: int
    start: Integers
    end: Integers
    prices: Floats
    """(phases, edges): present cost of building an edge in a phase; 0 for an edge that is there already."""
    demands: tuple[Demand, ...]
    """Each (source, target, routes, first phase); from its first phase on a demand is in force."""

    def __post_init__(self) -> None:
        """Check shapes and ranges."""
        if self.prices.ndim != 2 or not self.prices.shape[1] == len(self.start) == len(self.end):
            sizes = f"{len(self.start)} starts, {len(self.end)} ends, prices {self.prices.shape}"
            raise ValueError(f"columns do not fit together: {sizes}")
        if not (np.isfinite(self.prices).all() and (self.prices >= 0.0).all()):
            raise ValueError("prices must be finite and not negative; leave out edges that may not be built")
        ends = np.concatenate((self.start, self.end))
        if len(ends) and (ends.min() < 0 or ends.max() >= self.nodes):
            raise ValueError(f"edges must join nodes in [0, {self.nodes})")
        if (self.start == self.end).any():
            raise ValueError(f"edge {np.flatnonzero(self.start == self.end)[0]} is a loop: leave it out")
        for demand in self.demands:
            source, target, routes, phase = demand
            known = source != target and min(source, target) >= 0 and max(source, target) < self.nodes
            if not (known and routes in {1, 2} and phase in range(len(self.prices))):
                raise ValueError(f"demand {demand} must be two nodes, 1 or 2 routes, and an existing phase")


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class OrientationState:
    """Where the method stood: a good start for the same demands at other prices or on fewer edges."""

    demands: tuple[Demand, ...]
    commodities: Commodities
    point: Iterate
    balance: float

    def on_edges(self, kept: Integers) -> OrientationState:
        """Return the state for a problem that has only some of the edges, in the given order, and the same nodes."""
        parts = [np.ascontiguousarray(array[kept]) for array in self.point[:-1]]
        point = Iterate._make([*parts, self.point.height])
        return OrientationState(demands=self.demands, commodities=self.commodities, point=point, balance=self.balance)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class OrientationBound:
    """What is known about the price of every plan."""

    value: float
    """No plan costs less (safe against rounding)."""
    usage: Floats
    """(phases, edges) in [0, 1]: how much of each edge the relaxation uses by each phase, to the method's precision."""
    reduced_costs: Floats
    """(phases, edges): a plan that has the edge by the phase costs at least `value` plus this."""
    omission_costs: Floats
    """(phases, edges): a plan that has not got the edge by the phase costs at least `value` plus this."""
    steps: int
    converged: bool
    """Whether the target gap was reached: to the incumbent, or else to where the relaxation seems to settle."""
    history: tuple[tuple[int, float], ...]
    """Best bound after some numbers of steps."""
    state: OrientationState


def bound_orientation(
    problem: OrientationProblem,
    *,
    max_steps: int,
    target_gap: float = 1e-4,
    incumbent: float | None = None,
    start: OrientationState | None = None,
    on_progress: Callable[[int, float, Floats], bool] | None = None,
    flows: DemandFlows | None = None,
) -> OrientationBound:
    """Return a safe lower bound on the price of every plan, with what it says about each edge.

    `flows` are what routes of single demands pay and obey besides; the price of a plan then includes their tolls.

    Stops after `max_steps` steps (with a look every 200), or when the bound is within `target_gap` (a share) of the
    price of the `incumbent` plan; without one, when the bound rests near the relaxation's own value.
    `on_progress(steps, bound, usage)` is called after every look and ends the run by returning False. The result
    depends on the arguments alone, not on the clock or on the number of threads. Raises ValueError when a demand cannot
    be met, or `start` has other demands or sizes.
    """
    _check_routes(problem)
    known = start.commodities if start and start.demands == problem.demands else None
    relaxation = build_relaxation(problem.nodes, problem.start, problem.end, problem.prices, problem.demands, known)
    with _threads(relaxation):
        method, look = _program(problem, relaxation, start, flows)
        best = nothing_known(relaxation)
        history: list[tuple[int, float]] = []
        most = _most(problem, flows)
        while True:
            found, relaxed = look()
            best = found if found.value > best.value else best
            history.append((method.steps, best.value * relaxation.scale))
            converged = not problem.demands or _is_close(history, relaxed, target_gap=target_gap, incumbent=incumbent)
            heard = on_progress is None or on_progress(*history[-1], usage_by_phase(relaxation, method.point))
            is_beyond = best.value * relaxation.scale > most
            if converged or is_beyond or not heard or method.steps >= max_steps:
                break
            method.advance(min(CHECK_STEPS, max_steps - method.steps))
    state = OrientationState(
        demands=problem.demands, commodities=relaxation.commodities, point=method.point, balance=method.balance
    )
    return _summary(relaxation, best, state, tuple(history), converged=converged)


@contextmanager
def _threads(relaxation: Relaxation) -> Iterator[None]:
    """Let small programs run on one thread: threads would take longer to meet than to work. Results are the same."""
    before = numba.get_num_threads()
    size = len(relaxation.streets.start) * len(relaxation.streets.active)
    numba.set_num_threads(before if size >= MIN_THREADED_SIZE else 1)
    try:
        yield
    finally:
        numba.set_num_threads(before)


def _check_routes(problem: OrientationProblem) -> None:
    """Raise ValueError when nothing joins the ends of a demand, or a bridge separates them and it wants two routes."""
    joined = connected_parts(problem.nodes, problem.start, problem.end)
    paired = two_route_parts(problem.nodes, problem.start, problem.end)
    for source, target, routes, _ in problem.demands:
        if joined[source] != joined[target]:
            raise ValueError(f"no route joins nodes {source} and {target}")
        if routes == 2 and paired[source] != paired[target]:
            raise ValueError(f"no two edge-disjoint routes join nodes {source} and {target}: a bridge separates them")


def _program(
    problem: OrientationProblem, relaxation: Relaxation, start: OrientationState | None, flows: DemandFlows | None
) -> tuple[HalpernMethod, Callable[[], tuple[Evaluation, float]]]:
    """Return the method, and a function that returns the best Lagrangian at its point and the price relaxed so far."""
    plain = _method(problem, relaxation, start)
    if flows is None or not flows.demands:
        return plain, lambda: (best_evaluation(relaxation, plain.point), relaxed_price(relaxation, plain.point))
    program = FlowRelaxation(relaxation, flows)
    method = program.method(plain.point, plain.balance)
    return method, lambda: (
        program.best_evaluation(method),
        relaxed_price(relaxation, method.point) + program.relaxed_price(method),
    )


def _most(problem: OrientationProblem, flows: DemandFlows | None) -> float:
    """Return a price that no relaxed network reaches, unless there is none."""
    return 2.0 * float(problem.prices.max(axis=0).sum()) + (0.0 if flows is None else flows.most_tolls) + 1.0


def _method(problem: OrientationProblem, relaxation: Relaxation, start: OrientationState | None) -> HalpernMethod:
    if start is None:
        return HalpernMethod(relaxation.streets, relaxation.demand, *first_point(relaxation))
    found = (len(start.point.ahead), len(start.point.height))
    wanted = (len(problem.start), problem.nodes)
    if start.demands != problem.demands or found != wanted:
        raise ValueError(f"the start has other demands, or edges and nodes {found} instead of {wanted}")
    return HalpernMethod(relaxation.streets, relaxation.demand, start.point, start.balance)


def _is_close(history: list[tuple[int, float]], relaxed: float, *, target_gap: float, incumbent: float | None) -> bool:
    bound = history[-1][1]
    if incumbent is not None:
        return bound >= incumbent - target_gap * abs(incumbent)
    if len(history) <= STALL_CHECKS:
        return False
    rests = bound - history[-1 - STALL_CHECKS][1] <= 0.5 * target_gap * bound
    return rests and abs(relaxed - bound) <= target_gap * bound


def _summary(
    relaxation: Relaxation,
    best: Evaluation,
    state: OrientationState,
    history: tuple[tuple[int, float], ...],
    *,
    converged: bool,
) -> OrientationBound:
    free = np.minimum(0.0, best.starts.min(axis=0)) + 2.0 * best.errors
    built = np.minimum.accumulate(best.starts, axis=0)
    later = np.minimum.accumulate(best.starts[::-1], axis=0)[::-1]
    later = np.minimum(0.0, np.concatenate((later[1:], np.zeros((1, later.shape[1])))))
    return OrientationBound(
        value=best.value * relaxation.scale,
        usage=usage_by_phase(relaxation, state.point),
        reduced_costs=np.maximum(0.0, built - free) * relaxation.scale,
        omission_costs=np.maximum(0.0, later - free) * relaxation.scale,
        steps=history[-1][0],
        converged=converged,
        history=history,
        state=state,
    )
