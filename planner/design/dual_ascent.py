"""Wong's dual ascent for Steiner trees: a safe bound, and reduced costs that say what no cheap tree uses.

Mathematical Programming 28, 1984. A tree is directed away from a root terminal. Every set of nodes that holds a
terminal but not the root must be entered; the ascent raises the dual price of such sets one after the other, as far as
the prices of the arcs that enter them allow. Prices are whole numbers here, so that no rounding can spoil the bound.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from planner.design.blocks import incidence
from planner.design.heap import pop, push

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

FAR = np.int64(1) << 60
"""Distance of what cannot be reached; above any sum of prices."""
PATIENCE = 1.1
"""How much larger than the next one a cut may grow before the next one has its turn."""


class TreeGraph(NamedTuple):
    """A graph with whole prices; edge e is arc 2e from start to end, and arc 2e + 1 back."""

    nodes: int
    start: Integers
    end: Integers
    prices: Integers
    offsets: Integers
    incident: Integers
    """Edges of node v: `incident[offsets[v]:offsets[v + 1]]`."""


def tree_graph(nodes: int, start: Integers, end: Integers, prices: Integers) -> TreeGraph:
    """Return the graph with its incidence; prices are whole, not negative, and their sum is below FAR."""
    return TreeGraph(nodes, start, end, prices, *incidence(nodes, start, end))


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Ascent:
    """What a dual ascent proves: every tree costs at least `bound`, and one with an arc that reduced cost more."""

    root: int
    bound: int
    reduced: Integers
    """By arc."""
    steps: int
    """Edges looked at."""


def dual_ascent(graph: TreeGraph, terminals: Integers, root: int) -> Ascent:
    """Return the bound from a root for trees that join the terminals; it is FAR where none does."""
    reduced = np.repeat(graph.prices, 2)
    bound, steps = _ascend(graph, terminals, root, reduced)
    return Ascent(root=root, bound=int(bound), reduced=reduced, steps=int(steps))


class _Cut(NamedTuple):
    """The set that is being raised; a node belongs to it where its mark is the clock."""

    mark: Integers
    clock: Integers
    inside: Integers
    """Its nodes, in the order in which they were found."""


@njit(cache=True)
def _ascend(graph: TreeGraph, terminals: Any, root: Any, reduced: Any) -> Any:
    """Raise cuts, small ones first, until the root reaches every terminal by arcs without reduced cost.

    A terminal rests when its cut meets the root or another active terminal: whatever joins that one joins it too.
    """
    is_active = np.zeros(graph.nodes, np.bool_)
    cut = _Cut(np.zeros(graph.nodes, np.int64), np.zeros(1, np.int64), np.empty(graph.nodes, np.int64))
    keys = np.empty(len(terminals) + 1)
    waiting = np.empty(len(terminals) + 1, np.int64)
    size = 0
    for terminal in terminals:
        if terminal != root:
            is_active[terminal] = True
            degree = graph.offsets[terminal + 1] - graph.offsets[terminal]
            size = push(keys, waiting, size, float(degree), terminal)
    is_active[root] = True
    bound = steps = 0
    while size > 0:
        terminal = waiting[0]
        size = pop(keys, waiting, size)
        is_active[terminal] = False
        cut.clock[0] += 1
        cut.mark[terminal] = cut.clock[0]
        cut.inside[0] = terminal
        count, seen = 1, 0
        while True:
            count, seen = _spread(graph, reduced, is_active, cut, count, seen)
            if seen < count:
                break
            least, entering = _least(graph, reduced, cut, count)
            steps += entering
            if entering == 0:
                return FAR, steps  # nothing joins the terminal
            if size > 0 and entering > PATIENCE * keys[0] + 1.0:
                is_active[terminal] = True
                size = push(keys, waiting, size, float(entering), terminal)
                break
            bound += least
            _lower(graph, reduced, cut, count, least)
            seen = 0
    return bound, steps


@njit(cache=True)
def _spread(graph: TreeGraph, reduced: Any, is_active: Any, cut: _Cut, count: Any, seen: Any) -> Any:
    """Take in all nodes from which arcs without reduced cost lead into the set, up to the first active one.

    Return the number of nodes, and of those looked at; there are more of the former when an active one was met.
    """
    while seen < count:
        node = cut.inside[seen]
        for at in range(graph.offsets[node], graph.offsets[node + 1]):
            edge = graph.incident[at]
            into = 2 * edge if graph.end[edge] == node else 2 * edge + 1
            other = graph.start[edge] + graph.end[edge] - node
            if reduced[into] == 0 and cut.mark[other] != cut.clock[0]:
                if is_active[other]:
                    return count, seen
                cut.mark[other] = cut.clock[0]
                cut.inside[count] = other
                count += 1
        seen += 1
    return count, seen


@njit(cache=True)
def _least(graph: TreeGraph, reduced: Any, cut: _Cut, count: Any) -> Any:
    """Return the least reduced cost of the arcs that enter a set, and their number."""
    least, entering = FAR, 0
    for index in range(count):
        node = cut.inside[index]
        for at in range(graph.offsets[node], graph.offsets[node + 1]):
            edge = graph.incident[at]
            if cut.mark[graph.start[edge] + graph.end[edge] - node] != cut.clock[0]:
                least = min(least, reduced[2 * edge if graph.end[edge] == node else 2 * edge + 1])
                entering += 1
    return least, entering


@njit(cache=True)
def _lower(graph: TreeGraph, reduced: Any, cut: _Cut, count: Any, amount: Any) -> None:
    """Take an amount off the reduced costs of the arcs that enter a set."""
    for index in range(count):
        node = cut.inside[index]
        for at in range(graph.offsets[node], graph.offsets[node + 1]):
            edge = graph.incident[at]
            if cut.mark[graph.start[edge] + graph.end[edge] - node] != cut.clock[0]:
                reduced[2 * edge if graph.end[edge] == node else 2 * edge + 1] -= amount


def useless_arcs(graph: TreeGraph, terminals: Integers, ascent: Ascent, limit: int) -> NDArray[np.bool_]:
    """Return a flag for each arc: no tree that costs less than `limit` uses it.

    A tree with an arc holds a path from the root to it and one from it to a terminal; what their reduced costs add to
    the bound, it costs at least.
    """
    weights = ascent.reduced
    sources = np.array([ascent.root], dtype=np.int64)
    others = terminals[terminals != ascent.root]
    from_root = _distances(graph, weights, sources, False)
    to_terminal = _distances(graph, weights, others, True)
    tails = np.column_stack((graph.start, graph.end)).ravel()
    heads = np.column_stack((graph.end, graph.start)).ravel()
    room = limit - ascent.bound
    reach = np.minimum(from_root, FAR)[tails] + weights + np.minimum(to_terminal, FAR)[heads]
    useless: NDArray[np.bool_] = reach >= room
    return useless


@njit(cache=True)
def _distances(graph: TreeGraph, weights: Any, sources: Any, backwards: bool) -> Any:
    """Return the distances from the nearest source along arcs, or to it against them; FAR where there is none."""
    nodes = graph.nodes
    distance = np.full(nodes, FAR)
    keys = np.empty(len(weights) + len(sources) + 1)
    waiting = np.empty(len(weights) + len(sources) + 1, np.int64)
    size = 0
    for source in sources:
        distance[source] = 0
        size = push(keys, waiting, size, 0.0, source)
    while size > 0:
        key, node = keys[0], waiting[0]
        size = pop(keys, waiting, size)
        if key > distance[node]:
            continue
        for at in range(graph.offsets[node], graph.offsets[node + 1]):
            edge = graph.incident[at]
            leaves = 2 * edge if graph.start[edge] == node else 2 * edge + 1
            reached = distance[node] + weights[leaves ^ 1 if backwards else leaves]
            other = graph.start[edge] + graph.end[edge] - node
            if reached < distance[other]:
                distance[other] = reached
                size = push(keys, waiting, size, float(reached), other)
    return distance
