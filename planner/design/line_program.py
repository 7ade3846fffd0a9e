"""The cheapest network of lines on some edges of an orientation problem, by an integer program.

Only whether an edge is there must be whole: any directions and flows, whole or not, that fit into a network prove by
max-flow min-cut that it holds the demands' routes. The edges are reduced first; on what a relaxation uses, little more
than the junctions of its network is left. Where flows would be too many, cuts take their place (`line_kernel.py`).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Container, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pulp
from numpy.typing import NDArray

from planner.design.line_cuts import Cut, lacking_cuts, violated_cuts
from planner.design.orientation import OrientationProblem
from planner.design.reduction import ReducedGraph, reduce_graph
from planner.design.relaxation import Relaxation, build_relaxation
from planner.design.solvers import Ending, SolverTask, solve

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Key = tuple[int, int]
Rows = Iterator[tuple[tuple[int, ...], Any]]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class LineNetwork:
    """What the program found."""

    ending: Ending
    built: NDArray[np.bool_]
    """(phases, edges of the problem): whether an edge is there by a phase; nothing where no network was found."""
    price: float
    """Infinite where no network was found."""
    bound: float
    """No network on the given edges costs less; minus infinity where none was proven."""
    nodes: int


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class LineProgram:
    """The program's data: a reduced graph, and flows in layers; a layer is a part of the demands from some phase on."""

    graph: ReducedGraph
    relaxation: Relaxation
    has_flows: bool = True
    cuts: tuple[Cut, ...] = ()
    """Cuts that must be crossed, of those that were found so far; all that holds a network together without flows."""

    @property
    def size(self) -> int:
        """Return the number of flow variables, whether it has them or not."""
        return 2 * len(self.graph.start) * len(self.relaxation.commodities.sources)

    @property
    def size_without_flows(self) -> int:
        """Return the number of all other variables."""
        return len(self.graph.start) * (2 * len(self.layers) + len(self.phases))

    @property
    def arcs(self) -> Iterator[tuple[int, int, int]]:
        """Return (arc, tail, head): arc 2e runs along edge e, arc 2e + 1 against it."""
        for edge, (u, v) in enumerate(zip(self.graph.start.tolist(), self.graph.end.tolist(), strict=True)):
            yield 2 * edge, u, v
            yield 2 * edge + 1, v, u

    @property
    def layers(self) -> range:
        """Return the layers of the orientation."""
        return range(self.relaxation.commodities.layers)

    @property
    def phases(self) -> list[int]:
        """Return the phases in which the demand for lines changes."""
        return sorted(set(self.relaxation.commodities.phases.tolist()))

    def flows_of(self, layer: int) -> range:
        """Return the commodities of a layer."""
        first = self.relaxation.commodities.first
        return range(int(first[layer]), int(first[layer + 1]))

    def open_cuts(self, directed: Floats, *, known: Container[Cut]) -> list[Cut]:
        """Return cuts that directions (layers, arcs) leave open, without those that are known."""
        found = violated_cuts(self.relaxation.adjacency, self.relaxation.commodities, directed)
        return [cut for cut in found if cut not in known]

    def cuts_without(self, built: Container[Key], *, known: Container[Cut]) -> list[Cut]:
        """Return cuts that show what a network of some (edge, phase) lacks, without those that are known."""
        commodities = self.relaxation.commodities
        edges = range(len(self.graph.start))
        there = np.array([[(e, phase) in built for e in edges] for phase in commodities.phases.tolist()])
        found = lacking_cuts(self.relaxation.adjacency, commodities, there)
        return [cut for cut in found if cut not in known]


@dataclass(frozen=True, kw_only=True, slots=True)
class LineVariables:
    """Decisions by (edge, phase), (arc, layer) and (arc, flow)."""

    built: Mapping[Key, pulp.LpVariable]
    """1 when an edge is there by a phase."""
    directed: Mapping[Key, pulp.LpVariable]
    """How much of an edge a layer directs this way."""
    flow: Mapping[Key, pulp.LpVariable]

    def of_arcs(self, values: Mapping[str, float], program: LineProgram) -> Floats:
        """Return (layers, arcs): what is known by name about directions, 0 where nothing is."""
        arcs = range(2 * len(program.graph.start))
        return np.array([[values.get(self.directed[a, k].name, 0.0) for a in arcs] for k in program.layers])

    def in_the_end(self, values: Mapping[str, float], program: LineProgram) -> Floats:
        """Return what is known by name about edges in the last phase, 0 where nothing is."""
        last = program.phases[-1]
        return np.array([values.get(self.built[e, last].name, 0.0) for e in range(len(program.graph.start))])


def flow_arrives(program: LineProgram, x: LineVariables) -> Rows:
    """One unit of each flow leaves its source and reaches its target."""
    commodities = program.relaxation.commodities
    if not program.has_flows:
        return
    for c, (source, target) in enumerate(zip(commodities.sources.tolist(), commodities.targets.tolist(), strict=True)):
        net: dict[int, list[Any]] = defaultdict(list)
        for arc, tail, head in program.arcs:
            net[tail].append(x.flow[arc, c])
            net[head].append(-1.0 * x.flow[arc, c])
        for node, terms in sorted(net.items()):
            if node != target:
                yield (c, node), pulp.lpSum(terms) == (1.0 if node == source else 0.0)


def flow_follows_direction(program: LineProgram, x: LineVariables) -> Rows:
    """A flow uses an edge only as far as its layer directs the edge that way."""
    for layer in program.layers if program.has_flows else ():
        for c in program.flows_of(layer):
            for arc, _, _ in program.arcs:
                yield (arc, c), x.flow[arc, c] <= x.directed[arc, layer]


def cut_is_crossed(program: LineProgram, x: LineVariables) -> Rows:
    """A layer directs one way at least out of a set of nodes that one of its flows must leave."""
    for number, (layer, arcs) in enumerate(program.cuts):
        yield (layer, number), pulp.lpSum(x.directed[arc, layer] for arc in arcs) >= 1.0


def direction_is_built(program: LineProgram, x: LineVariables) -> Rows:
    """A layer directs an edge only if the edge is there by the layer's phase, and as a whole only once."""
    for layer in program.layers:
        phase = int(program.relaxation.commodities.phases[layer])
        for e in range(len(program.graph.start)):
            yield (e, layer), x.directed[2 * e, layer] + x.directed[2 * e + 1, layer] <= x.built[e, phase]


def line_stays_built(program: LineProgram, x: LineVariables) -> Rows:
    """An edge that is there stays there."""
    for phase, later in pairwise(program.phases):
        for e in range(len(program.graph.start)):
            yield (e, phase), x.built[e, phase] <= x.built[e, later]


LINE_CONSTRAINTS: tuple[Callable[[LineProgram, LineVariables], Rows], ...] = (
    flow_arrives,
    flow_follows_direction,
    cut_is_crossed,
    direction_is_built,
    line_stays_built,
)
"""Every family of the program of lines."""


def line_program(problem: OrientationProblem, edges: Integers) -> LineProgram:
    """Return the program over some edges of a problem, which must suffice to serve its demands."""
    sites = np.array(sorted({site for demand in problem.demands for site in demand[:2]}), dtype=np.int64)
    graph = reduce_graph(problem.nodes, problem.start[edges], problem.end[edges], problem.prices[:, edges], sites)
    demands = tuple(
        (int(graph.node_indices[a]), int(graph.node_indices[b]), routes, phase)
        for a, b, routes, phase in problem.demands
    )
    relaxation = build_relaxation(graph.nodes, graph.start, graph.end, graph.prices, demands)
    return LineProgram(graph=graph, relaxation=relaxation)


def cheapest_lines(problem: OrientationProblem, edges: Integers, program: LineProgram, task: SolverTask) -> LineNetwork:
    """Return the cheapest network on the edges that `program`, with flows, was made for, as far as the solver gets."""
    model, x = build_line_program(program)
    solution = solve(model, task)
    built, price = no_lines(problem), np.inf
    if solution.values:
        built = built_lines(problem, edges, program, {k for k, item in x.built.items() if solution.is_one(item)})
        price = line_price(problem.prices, built)
    bound = solution.bound * program.relaxation.scale
    return LineNetwork(ending=solution.ending, built=built, price=price, bound=bound, nodes=solution.nodes)


def no_lines(problem: OrientationProblem) -> NDArray[np.bool_]:
    """Return (phases, edges): nothing anywhere."""
    return np.zeros(problem.prices.shape, dtype=np.bool_)


def built_lines(
    problem: OrientationProblem, edges: Integers, program: LineProgram, chosen: AbstractSet[Key]
) -> NDArray[np.bool_]:
    """Return (phases, edges of the problem): what is there where some (edge, phase) of the program are."""
    built = no_lines(problem)
    for phase in program.phases:
        there = np.array(sorted(e for e, t in chosen if t == phase), dtype=np.int64)
        built[phase:, edges[program.graph.expand(there)]] = True
    return built


def line_price(prices: Floats, built: NDArray[np.bool_]) -> float:
    """Return what edges cost that are there by phases, both (phases, edges); each is built when it is cheapest."""
    cheapest = np.minimum.accumulate(prices, axis=0)
    first = built & ~np.vstack((np.zeros((1, built.shape[1]), dtype=np.bool_), built[:-1]))
    return math.fsum(cheapest[first].tolist())


def build_line_program(program: LineProgram) -> tuple[pulp.LpProblem, LineVariables]:
    """Return the program with its objective, in scaled prices, and its variables."""
    model = pulp.LpProblem("lines", pulp.LpMinimize)
    edges, phases, commodities = range(len(program.graph.start)), program.phases, program.relaxation.commodities
    arcs, flows = range(2 * len(edges)), range(len(commodities.sources) if program.has_flows else 0)
    x = LineVariables(
        built={(e, t): model.add_variable(f"y_{e}_{t}", cat=pulp.LpBinary) for t in phases for e in edges},
        directed={(a, k): model.add_variable(f"x_{a}_{k}", lowBound=0.0) for k in program.layers for a in arcs},
        flow={(a, c): model.add_variable(f"f_{a}_{c}", lowBound=0.0) for c in flows for a in arcs},
    )
    # a step is what an edge costs from a phase on, less what it would cost later
    cheapest = np.minimum.accumulate(program.relaxation.prices, axis=0)[phases]
    steps = cheapest - np.concatenate((cheapest[1:], np.zeros((1, len(edges)))))
    model += pulp.lpSum(float(steps[i, e]) * x.built[e, t] for i, t in enumerate(phases) for e in edges)
    for family in LINE_CONSTRAINTS:
        for key, row in family(program, x):
            model += row, f"{family.__name__}_{'_'.join(str(part) for part in key)}"
    return model, x
