"""What lines must cost at least, and the networks of lines that are found on the way there.

While the first-order method works on the relaxation, the edges that it uses get fewer; as soon as they are few enough,
an integer program picks the cheapest network among them, and whoever plans can route its demands there. At the end,
reduced costs exclude edges from every cheaper network; the same program on what is left is a proof.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from planner.design.blocks import connected_parts, two_route_parts
from planner.design.line_kernel import MAX_WHOLE_SIZE, promising_lines
from planner.design.line_program import LineNetwork, cheapest_lines, line_program
from planner.design.orientation import OrientationBound, OrientationProblem, bound_orientation
from planner.design.solvers import SolverTask
from planner.design.steiner import find_tree

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

MAX_STEPS = 20_000
USED = (0.001, 0.02, 0.1)
"""Usages in the relaxation from which an edge is worth a try; the first that leaves few enough edges is taken."""
GUESSED = 0.1
"""Usage from which an edge is a guess of a network, where what is used is too much for a program."""
FIRST_LOOK_STEPS = 400
NEXT_LOOK = 1.4
"""Steps of the next look at what is used, relative to those of the last one."""
MAX_FLOWS = 4_000
"""Largest number of flow variables of a program on what is used: more take longer than better edges take to show."""
MAX_RELAXED_SIZE = 1_000
"""Largest number of variables of a program with cuts in place of flows, on what is used."""
KERNEL_GAIN = 2
"""How many times more edges cuts must allow than flows to be tried."""
MAX_PROOF_FLOWS = 9_000
"""Largest number of flow variables of a program that is to be a proof."""
MAX_RELAXED = 2_000_000
"""Sites times edges up to which the relaxation goes on where a tree has been found: it is tight, but slower."""
MAX_NODES = 2_000
SLACKS = (3e-5, 8e-6, 2e-6)
"""Distances between bound and network, as shares, at which a proof is tried."""
ROUNDING = 1e-8
"""Share by which the solver's bound may be too high for its tolerances."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class FoundLines:
    """A bound on the price of every network that serves the demands, and the cheapest one found."""

    bound: float
    network: NDArray[np.bool_] | None
    """(phases, edges): what is there by each phase; None where no network was found."""
    price: float
    """Price of the network, infinite where none was found."""
    steps: int


class _Watch:
    """Looks for networks while the relaxation is being solved, and remembers the best."""

    def __init__(
        self,
        problem: OrientationProblem,
        *,
        hear: Callable[[float], bool],
        offer: Callable[[NDArray[np.bool_]], None],
        seconds_left: Callable[[], float],
    ) -> None:
        self.problem = problem
        self.network: LineNetwork | None = None
        self.bound = 0.0
        self.slack = 0.0
        """Share of the best network's price within which the bound is near enough to end a run."""
        self._hear = hear
        self._offer = offer
        self._seconds_left = seconds_left
        self._next_look_steps = FIRST_LOOK_STEPS
        self._looked_at = np.array([], dtype=np.int64)

    @property
    def price(self) -> float:
        """Return the price of the best network."""
        return np.inf if self.network is None else self.network.price

    def look(self, steps: int, bound: float, usage: Floats) -> bool:
        """Note a bound, perhaps try a network on what is used, and return whether to go on."""
        self.bound = max(self.bound, bound)
        if not self._hear(self.bound):
            return False
        if steps >= self._next_look_steps:
            self._next_look_steps = int(NEXT_LOOK * steps)
            self.try_used(usage)
            if self.network is None and len(usage) == len(self.problem.prices):
                self._offer(usage > GUESSED)  # not yet a network, but demands can be routed along it
        return self._hear(self.bound) and not self.is_settled()

    def is_settled(self) -> bool:
        """Return whether the bound is so near to the best network that a run need not go on."""
        return self.network is not None and self.bound >= self.price * (1.0 - self.slack)

    def try_used(self, usage: Floats) -> None:
        """Try the edges that are used, unless they are those of the last time or too many however much is asked."""
        is_kernel_due = True
        for least in USED:
            used = usage[-1] > least
            edges = np.flatnonzero(used if self.network is None else used | self.network.built[-1])
            if np.array_equal(edges, self._looked_at) or not _suffices(self.problem, edges):
                return
            if self.try_edges(edges, MAX_FLOWS) is not None:
                self._looked_at = edges
                return
            is_kernel_due = is_kernel_due and self.try_kernel(edges) is None

    def grow_tree(self, terminals: Integers) -> int:
        """Look for a tree and its bound, for demands that a tree serves; return the steps."""
        problem, goes_on = self.problem, True

        def offer(used: NDArray[np.bool_]) -> None:
            price = float(problem.prices[0, used].sum())
            self.network = LineNetwork(ending="feasible", built=used[None, :], price=price, bound=-np.inf, nodes=0)
            self._offer(self.network.built)

        def hear(bound: float) -> bool:
            nonlocal goes_on
            self.bound = max(self.bound, bound)
            goes_on = self._hear(self.bound)
            return goes_on

        found = find_tree(
            problem.nodes, problem.start, problem.end, problem.prices[0], terminals, hear=hear, offer=offer
        )
        return found.steps

    def result(self, steps: int) -> FoundLines:
        """Return what was found in so many steps."""
        network = None if self.network is None else self.network.built
        return FoundLines(bound=self.bound, network=network, price=self.price, steps=steps)

    def try_kernel(self, edges: Integers) -> LineNetwork | None:
        """Return the cheapest network on the likeliest of some edges; None where cuts do not allow many more edges."""
        program = line_program(self.problem, edges)
        size = program.size_without_flows
        if size > MAX_RELAXED_SIZE or MAX_WHOLE_SIZE * program.size < KERNEL_GAIN * MAX_FLOWS * size:
            return None
        found = promising_lines(self.problem, edges, program, self._task(), self.price)
        if found.price < self.price * (1.0 - ROUNDING):
            self.network = found
            self._offer(found.built)
        return found

    def _task(self) -> SolverTask:
        return SolverTask(gap=ROUNDING, max_nodes=MAX_NODES, time_limit_s=self._seconds_left())

    def try_edges(self, edges: Integers, max_flows: int) -> LineNetwork | None:
        """Return the cheapest network on some edges, and offer it if it is the best so far; None where too many."""
        program = line_program(self.problem, edges)
        if program.size > max_flows:
            return None
        found = cheapest_lines(self.problem, edges, program, self._task())
        if found.price < self.price * (1.0 - ROUNDING):
            self.network = found
            self._offer(found.built)
        return found


def find_lines(
    problem: OrientationProblem,
    *,
    gap: float,
    hear: Callable[[float], bool],
    offer: Callable[[NDArray[np.bool_]], None],
    seconds_left: Callable[[], float],
) -> FoundLines:
    """Return the best bound and network of lines found; a bound of 0 where no network serves the demands at all.

    `hear(bound)` is called with every bound and ends the search by returning False; `offer(network)` with every network
    (phases, edges) that is better than the ones before. Without an end from there, the search goes on until the bound
    is within about a twentieth of `gap` of the best network, and for a gap of 0 to a proof that there is no cheaper
    one, or until the steps are spent.
    """
    if not problem.demands or not _suffices(problem, np.arange(len(problem.start))):
        return FoundLines(bound=0.0, network=None, price=np.inf, steps=0)
    watch = _Watch(problem, hear=hear, offer=offer, seconds_left=seconds_left)
    terminals = _tree_terminals(problem)
    if terminals is not None:
        tree_steps = watch.grow_tree(terminals)
        if not hear(watch.bound) or watch.is_settled() or len(terminals) * len(problem.start) > MAX_RELAXED:
            return watch.result(tree_steps)
    finest = min(1e-4, gap / 20.0)
    slacks = [slack for slack in SLACKS if slack > finest] or [finest]
    state, steps = None, 0
    for watch.slack in slacks:
        found = bound_orientation(
            problem,
            max_steps=MAX_STEPS - steps,
            target_gap=max(watch.slack, SLACKS[-1]),
            start=state,
            on_progress=partial(_look_after, watch, steps),
        )
        state, steps = found.state, steps + found.steps
        watch.try_used(found.usage)
        if not hear(watch.bound) or steps >= MAX_STEPS or _is_proven(watch, found):
            break
    return watch.result(steps)


def _tree_terminals(problem: OrientationProblem) -> Integers | None:
    """Return the sites of demands that a tree serves: one route each, one phase, all joined; None for others."""
    if len(problem.prices) > 1 or any(routes > 1 for _, _, routes, _ in problem.demands):
        return None
    ends = np.array([demand[:2] for demand in problem.demands], dtype=np.int64)
    terminals = np.unique(ends)
    parts = connected_parts(problem.nodes, ends[:, 0].copy(), ends[:, 1].copy())
    return terminals if len(np.unique(parts[terminals])) == 1 else None


def _look_after(watch: _Watch, before: int, steps: int, bound: float, usage: Floats) -> bool:
    return watch.look(before + steps, bound, usage)


def _is_proven(watch: _Watch, found: OrientationBound) -> bool:
    """Return whether the best network is proven best by a program on the edges that a cheaper one might have."""
    if watch.network is None:
        return False
    edges = np.flatnonzero((found.reduced_costs[-1] <= watch.price - found.value) | watch.network.built[-1])
    for attempt in (watch.try_kernel, partial(watch.try_edges, max_flows=MAX_PROOF_FLOWS)):
        rest = attempt(edges)
        if rest is None:
            continue
        # a cheaper network lies on these edges alone, and costs at least the program's bound
        watch.bound = max(watch.bound, min(watch.price, rest.bound) * (1.0 - ROUNDING))
        if watch.is_settled():
            return True
    return False


def _suffices(problem: OrientationProblem, edges: Integers) -> bool:
    """Return whether some edges are enough to serve the demands."""
    start, end = problem.start[edges], problem.end[edges]
    joined, paired = connected_parts(problem.nodes, start, end), two_route_parts(problem.nodes, start, end)
    return all(
        (paired if routes == 2 else joined)[source] == (paired if routes == 2 else joined)[target]
        for source, target, routes, _ in problem.demands
    )
