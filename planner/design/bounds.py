"""A lower bound on the cost of every plan: least stations plus least lines, each proven on its own.

Lines: the orientation relaxation of the whole street graph, for all demands and phases together. A duct along streets
enters as a lower price of those streets, so that a duct and a trench in one street do not count as two ways; a demand
whose routes may share what no route can avoid is a chain of parts. Where leases, few fibers or limits on loss matter,
flows of single demands join it (`routed_lines.py`). Stations: `stations.py`. The two parts share no cost, so that their
sum is a bound.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numba
import numpy as np
from numpy.typing import NDArray

from planner.design.demand_flows import DemandFlow
from planner.design.flow_needs import demand_flows, most_fibers
from planner.design.graph import DesignGraph, design_graph
from planner.design.hop_sites import opening_shares
from planner.design.ledger import NEVER, PriceTable
from planner.design.line_bound import FoundLines, find_lines
from planner.design.orientation import OrientationProblem
from planner.design.reduction import reduce_graph
from planner.design.redundancy import ChainLink, chain_of_parts
from planner.design.risks import conduits, is_place, weakest_level
from planner.design.routed_lines import bound_routed_lines, routed_lines
from planner.design.routes import RouteJudge
from planner.design.station_plan import StationPlan, plan_stations
from planner.design.stations import Reaches
from planner.network import Floats, Integers, Network
from planner.scenario import Demand, Scenario
from planner.scenario.demands import Disjointness

METHOD = (
    "orientation relaxation of the street graph, with flows of demands where leases, fibers or loss limits matter "
    "(restarted Halpern PDHG, safe dual bound), plus least station costs"
)
MIN_SHARE = 0.8
"""Share of a duct's streets that must be used for the duct to belong to it."""
USED = (0.02, 0.1, 0.4)
"""Usages in the relaxation with flows of demands from which lines are worth routing on."""
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
    """A bound on the cost of every plan, and the steps of the relaxation's method that it took."""

    value: float
    steps: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Listener:
    """Who follows the search for a bound: all bounds and networks are told at once, so that it can end early."""

    gap: float = 1e-3
    """Distance from plan to bound, relative to the plan, that somebody wants: sets how exact the bound gets."""
    on_bound: Callable[[float], bool] = lambda _: True
    """Called with every bound on the cost of all plans, safe wherever the search ends; says whether to go on."""
    on_lines: Callable[[Integers], None] = lambda _: None
    """Called with cheap networks of lines: the phase in which each span is first there, `NEVER` for those left out."""
    seconds_left: Callable[[], float] = lambda: 3600.0
    """The clock, a last resort for integer programs."""


def lower_bound(
    network: Network,
    scenario: Scenario,
    listener: Listener | None = None,
    *,
    prices: PriceTable | None = None,
    stations: StationPlan | None = None,
) -> LowerBound:
    """Return a safe lower bound on the net present cost of every plan that serves all demands.

    `prices` are those of the scenario unless others are given, `stations` is what `plan_stations` gave for them, if it
    was asked before.
    """
    listener = listener or Listener()
    prices = prices or PriceTable(network, scenario)
    least = (stations or plan_stations(network, scenario, prices)).value
    graph = design_graph(network)
    told = replace(listener, on_bound=lambda value: listener.on_bound(least + value))
    seen: list[Integers] = []

    def on_lines(lines: Integers) -> None:
        seen.append(lines)
        listener.on_lines(lines)

    judge, lines = RouteJudge(network, scenario), line_graph(network, graph, prices)
    needs = {demand.id: _line_needs(judge, lines, demand) for demand in scenario.demands}
    found = bound_lines(network, scenario, lines, replace(told, on_lines=on_lines), needs=needs)
    best, steps = found.bound, found.steps
    if told.on_bound(best) and needs:
        reaches = Reaches(network, scenario, graph)
        flows = demand_flows(network, scenario, graph, reaches=reaches, needs=needs, lines=seen[-1] if seen else None)
        opening = opening_shares(network, prices, seen[-1] < NEVER if seen else None)
        routed = _bound_flows(graph, prices, prices.spans.floor + opening, _by_phase(scenario, needs), flows, told)
        best, steps = max(best, routed.value), steps + routed.steps
    return LowerBound(value=least + best, steps=steps)


def _by_phase(scenario: Scenario, needs: Mapping[str, Sequence[ChainLink]]) -> list[tuple[int, int, int, int]]:
    """Return every pair of nodes with the ways that it needs, and the phase from which it needs them."""
    return [
        (*link, scenario.phase_index(demand.from_phase)) for demand in scenario.demands for link in needs[demand.id]
    ]


def _bound_flows(
    graph: DesignGraph,
    prices: PriceTable,
    floor: Floats,
    needs: list[tuple[int, int, int, int]],
    flows: list[DemandFlow],
    listener: Listener,
) -> LowerBound:
    """Return the bound on lines of these least prices with flows of demands; 0 where no flows are worth having.

    What the relaxation uses is told to the listener, from much of it to little.
    """
    network = prices.network
    if not flows or not needs:
        return LowerBound(value=0.0, steps=0)
    usable = np.zeros(len(network.spans), dtype=np.bool_)
    usable[graph.arc_span] = True
    ducts = _streets_of_ducts(network, weakest_level(prices.scenario))
    lines = routed_lines(network, floor, usable, ducts, most_fibers(flows))
    with _threads_for(lines.prices.size * len(flows)):
        found, reduced = bound_routed_lines(network, lines, needs, flows, np.array(prices.lease), listener.on_bound)
    for least in USED:
        if listener.on_bound(found.value):
            used = np.zeros((len(found.usage), len(network.spans)), dtype=np.bool_)
            for flags, usage in zip(used, found.usage, strict=True):
                flags[lines.spans[reduced.expand(np.flatnonzero(usage > least))]] = True
            listener.on_lines(_first_phases(used))
    return LowerBound(value=found.value, steps=found.steps)


def bound_lines(
    network: Network,
    scenario: Scenario,
    lines: LineGraph,
    listener: Listener,
    *,
    needs: Mapping[str, Sequence[ChainLink]],
) -> FoundLines:
    """Return the bound on what lines cost; networks on the way are told to the listener."""
    ends = _by_phase(scenario, needs)
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
    ducts = _streets_of_ducts(network)

    def offer(built: NDArray[np.bool_]) -> None:
        used = [lines.spans[reduced.expand(np.flatnonzero(row))] for row in built]
        listener.on_lines(_first_phases(np.stack([_with_ducts(network, ducts, spans) for spans in used])))

    with _threads_for(reduced.prices.size * len(scenario.demands)):
        return find_lines(
            problem, gap=listener.gap, hear=listener.on_bound, offer=offer, seconds_left=listener.seconds_left
        )


def _first_phases(flags: NDArray[np.bool_]) -> Integers:
    """Return the first phase in which each span is flagged in (phases, spans), `NEVER` where in none."""
    return np.where(flags.any(axis=0), flags.argmax(axis=0), NEVER).astype(np.int64)


def _with_ducts(network: Network, ducts: Mapping[int, Integers], used: Integers) -> NDArray[np.bool_]:
    """Return a flag for each span: used, or a duct most of whose streets are used."""
    flags = np.zeros(len(network.spans), dtype=np.bool_)
    flags[used] = True
    for duct, streets in ducts.items():
        flags[duct] = flags[streets].mean() > MIN_SHARE
    return flags


def _line_needs(judge: RouteJudge, lines: LineGraph, demand: Demand) -> list[ChainLink]:
    """Return between which nodes a demand needs one or two edge-disjoint ways, whatever its routes."""
    ends = (judge.sites[demand.a].node, judge.sites[demand.b].node)
    if ends[0] == ends[1]:
        return []
    if demand.ways == 1 or demand.disjoint == "repeater":
        return [(*ends, 1)]
    if demand.redundancy == "strict":
        return [(*ends, 2)]  # the relaxation knows no more than two ways
    # an edge is used twice only if both routes use its span, or one of them a duct that shares its street
    along = [risk for risk in judge.exempt_risks(demand) if not is_place(risk)]
    shared = np.isin(lines.spans, judge.risks(demand).spans_with(along))
    return chain_of_parts(judge.graph.nodes, lines.start, lines.end, shared, ends)


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


def line_graph(network: Network, graph: DesignGraph, prices: PriceTable) -> LineGraph:
    """Return streets, ducts and hops as edges whose prices no plan can undercut.

    A leased fiber is paid for at least in the first phase that uses it. A duct whose streets make a path between its
    ends is dropped, and its price, shared by length, becomes theirs where it is lower.
    """
    spans = network.spans
    usable = np.zeros(len(spans), dtype=np.bool_)
    usable[graph.arc_span] = True
    fibers = min(item.fibers_per_route for item in prices.scenario.spec.technologies)
    lease = np.outer(np.array(prices.lease), spans.lease_per_fiber_year * fibers)
    cost = np.where(usable, prices.spans.floor + opening_shares(network, prices) + lease, np.inf)
    followed = _streets_of_ducts(network, weakest_level(prices.scenario))
    for duct, streets in followed.items():
        share = spans.length_km[streets] / spans.length_km[streets].sum()
        if usable[duct]:
            cost[:, streets] = np.minimum(cost[:, streets], np.outer(cost[:, duct], share))
        cost[:, duct] = np.inf
    kept = np.flatnonzero(np.isfinite(cost).all(axis=0))
    return LineGraph(
        start=spans.start[kept], end=spans.end[kept], prices=np.ascontiguousarray(cost[:, kept]), spans=kept
    )


def _streets_of_ducts(network: Network, level: Disjointness = "structure") -> dict[int, NDArray[np.int64]]:
    """Return the trench spans along each duct span, for ducts whose trenches make a path between the duct's ends.

    There are none where routes need only use different spans: duct and street then count as two ways.
    """
    spans = network.spans
    if level == "span":
        return {}
    risks = [conduits(groups) if level == "duct" else groups for groups in spans.risk_groups]
    trenches: dict[str, list[int]] = defaultdict(list)
    for index, (medium, groups) in enumerate(zip(spans.medium, risks, strict=True)):
        if medium == "trench":
            for group in groups:
                trenches[group].append(index)
    followed: dict[int, NDArray[np.int64]] = {}
    for index, (medium, groups) in enumerate(zip(spans.medium, risks, strict=True)):
        if medium not in ("duct", "dark_fiber"):
            continue
        along = sorted({trench for group in groups for trench in trenches.get(group, ())})
        degree = Counter(int(node) for trench in along for node in (spans.start[trench], spans.end[trench]))
        odd = {node for node, count in degree.items() if count % 2}
        is_path = len(degree) == len(along) + 1 and max(degree.values(), default=0) <= 2
        if is_path and odd == {int(spans.start[index]), int(spans.end[index])}:
            followed[index] = np.array(along, dtype=np.int64)
    return followed
