"""A lower bound on the cost of every plan: least stations plus least lines, each proven on its own.

Lines: the orientation relaxation of the whole street graph, for all demands and phases together, without limits on loss
and fibers. A duct along streets enters as a lower price of those streets, so that a duct and a trench in one street do
not count as two ways; a demand whose routes may share what no route can avoid is a chain of parts. Stations:
`stations.py`. The two parts share no cost, so that their sum is a bound.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from planner.design.graph import DesignGraph, design_graph
from planner.design.ledger import PriceTable
from planner.design.orientation import OrientationProblem, bound_orientation
from planner.design.reduction import reduce_graph
from planner.design.redundancy import ChainLink, chain_of_parts
from planner.design.routes import RouteJudge
from planner.design.stations import Distances, Reach, present_tariff, reach, station_cost
from planner.network import Floats, Integers, Network
from planner.scenario import Demand, Scenario

METHOD = (
    "orientation relaxation of the street graph (restarted Halpern PDHG, safe dual bound), plus least station costs"
)
MAX_STEPS = 20_000
MIN_USAGE = 0.02
"""Usage in the relaxation from which an edge belongs to its network."""
MIN_SHARE = 0.8
"""Share of a duct's streets that must be used for the duct to belong to it."""
LARGE_SIZE = 1_000_000
"""Prices times demands from which several threads pay."""
STEPS_PER_WORK = 100
"""Steps of the relaxation's method that count as one step of work."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class LineGraph:
    """Undirected edges with prices by phase, such that every plan's lines cost at least what they cost here."""

    start: Integers
    end: Integers
    prices: Floats
    """(phases, edges)."""
    spans: Integers
    """Span that each edge stands for."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class LowerBound:
    """A bound on the cost of every plan, and the lines that the relaxation would build."""

    value: float
    steps: int
    support: NDArray[np.bool_]
    """A flag for each span: whether it lies on the relaxation's network."""


def lower_bound(
    network: Network,
    scenario: Scenario,
    *,
    prices: PriceTable | None = None,
    keep_going: Callable[[], bool] = lambda: True,
) -> LowerBound:
    """Return a safe lower bound on the net present cost of every plan that serves all demands.

    `prices` are those of the scenario unless others are given. `keep_going` is asked now and then; the bound is safe
    wherever it stops.
    """
    prices = prices or PriceTable(network, scenario)
    graph = design_graph(network)
    distances = Distances(network, scenario, graph)
    reaches: dict[str, Reach] = {demand.id: reach(distances, scenario, demand) for demand in scenario.demands}
    stations = station_cost(present_tariff(prices), scenario, reaches, scenario.demands)
    last = len(scenario.phases) - 1
    bounds = [
        bound_lines(network, scenario, line_graph(network, graph, prices, phases), keep_going=keep_going)
        for phases in dict.fromkeys((tuple(range(last + 1)), (last,)))
    ]
    best = max(bounds, key=lambda bound: bound.value)
    return LowerBound(
        value=stations + best.value, steps=sum(bound.steps for bound in bounds), support=bounds[0].support
    )


def bound_lines(
    network: Network, scenario: Scenario, lines: LineGraph, *, keep_going: Callable[[], bool] = lambda: True
) -> LowerBound:
    """Return the bound on what lines cost, over the phases that the lines are priced for."""
    skipped = len(scenario.phases) - len(lines.prices)
    judge = RouteJudge(network, scenario)
    ends = [
        (*link, max(0, scenario.phase_index(demand.from_phase) - skipped))
        for demand in scenario.demands
        for link in _line_needs(judge, lines, demand)
    ]
    terminals = np.array(sorted({end for entry in ends for end in entry[:2]}), dtype=np.int64)
    reduced = reduce_graph(len(network.nodes), lines.start, lines.end, lines.prices, terminals)
    problem = OrientationProblem(
        nodes=reduced.nodes,
        start=reduced.start,
        end=reduced.end,
        prices=reduced.prices,
        demands=tuple(
            dict.fromkeys(
                (int(reduced.node_indices[a]), int(reduced.node_indices[b]), routes, phase)
                for a, b, routes, phase in ends
            )
        ),
    )
    with _threads_for(reduced.prices.size * len(scenario.demands)):
        found = bound_orientation(problem, max_steps=MAX_STEPS, on_progress=lambda *_: keep_going())
    used = reduced.expand(np.flatnonzero(found.usage[-1] > MIN_USAGE))
    return LowerBound(value=found.value, steps=found.steps, support=_support(network, lines.spans[used]))


def _line_needs(judge: RouteJudge, lines: LineGraph, demand: Demand) -> list[ChainLink]:
    """Return between which nodes a demand needs one or two edge-disjoint ways, whatever its routes."""
    ends = (judge.sites[demand.a].node, judge.sites[demand.b].node)
    if ends[0] == ends[1]:
        return []
    exempt = judge.exempt_risks(demand)
    if not exempt:
        return [(*ends, demand.routes)]
    touched = sorted({span for group in exempt for span in judge.graph.group_spans[group]})
    shared = np.isin(lines.spans, touched)
    return chain_of_parts(judge.graph.nodes, lines.start, lines.end, shared, ends)


def _support(network: Network, used: Integers) -> NDArray[np.bool_]:
    """Return a flag for each span: used, or a duct most of whose streets are used."""
    support = np.zeros(len(network.spans), dtype=np.bool_)
    support[used] = True
    for duct, streets in _streets_of_ducts(network).items():
        support[duct] = support[streets].mean() > MIN_SHARE
    return support


@contextmanager
def _threads_for(size: int) -> Iterator[None]:
    """Run compiled kernels on one thread unless a problem is large.

    Steps of a small problem are so short that threads mostly wait for each other, and for whoever else is busy.
    """
    before = numba.get_num_threads()
    numba.set_num_threads(before if size > LARGE_SIZE else 1)
    try:
        yield
    finally:
        numba.set_num_threads(before)


def line_graph(network: Network, graph: DesignGraph, prices: PriceTable, phases: tuple[int, ...]) -> LineGraph:
    """Return streets, ducts and hops as edges whose prices no plan can undercut.

    `phases` are all of them, or the last one alone: what is in use there was built at the lowest price of any phase. A
    leased fiber is paid for at least in the first of these phases that uses it; the last phase, up to the horizon, is
    often the longest, and then it alone gives the better bound. A duct whose streets make a path between its
    ends is dropped, and its price, shared by length, becomes theirs where it is lower.
    """
    spans = network.spans
    usable = np.zeros(len(spans), dtype=np.bool_)
    usable[graph.arc_span] = True
    fibers = min(item.fibers_per_route for item in prices.scenario.spec.technologies)
    lease = np.outer(np.array(prices.lease)[list(phases)], spans.lease_per_fiber_year * fibers)
    cheapest = prices.spans.floor[list(phases)]
    cost = np.where(usable, cheapest + lease, np.inf)
    followed = _streets_of_ducts(network)
    for duct, streets in followed.items():
        share = spans.length_km[streets] / spans.length_km[streets].sum()
        if usable[duct]:
            cost[:, streets] = np.minimum(cost[:, streets], np.outer(cost[:, duct], share))
        cost[:, duct] = np.inf
    kept = np.flatnonzero(np.isfinite(cost).all(axis=0))
    return LineGraph(
        start=spans.start[kept], end=spans.end[kept], prices=np.ascontiguousarray(cost[:, kept]), spans=kept
    )


def _streets_of_ducts(network: Network) -> dict[int, NDArray[np.int64]]:
    """Return the trench spans along each duct span, for ducts whose trenches make a path between the duct's ends."""
    spans = network.spans
    trenches: dict[str, list[int]] = defaultdict(list)
    for index, (medium, groups) in enumerate(zip(spans.medium, spans.risk_groups, strict=True)):
        if medium == "trench":
            for group in groups:
                trenches[group].append(index)
    followed: dict[int, NDArray[np.int64]] = {}
    for index, (medium, groups) in enumerate(zip(spans.medium, spans.risk_groups, strict=True)):
        if medium not in ("duct", "dark_fiber"):
            continue
        along = sorted({trench for group in groups for trench in trenches.get(group, ())})
        degree = Counter(int(node) for trench in along for node in (spans.start[trench], spans.end[trench]))
        odd = {node for node, count in degree.items() if count % 2}
        is_path = len(degree) == len(along) + 1 and max(degree.values(), default=0) <= 2
        if is_path and odd == {int(spans.start[index]), int(spans.end[index])}:
            followed[index] = np.array(along, dtype=np.int64)
    return followed
