"""Cheapest trees for many sites that want one route each, where nothing but lines decides: a network and its bound.

Dual ascents from several roots give bounds, and reduced costs that exclude edges from every cheaper tree; shortest
paths and local search give trees; on what is left after exclusion both are done again. Flows for each site would be too
many here (hundreds), and the ascent comes within a few hundredths of a per cent of the optimum on streets.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from planner.design.dual_ascent import TreeGraph, dual_ascent, tree_graph, useless_arcs
from planner.design.reduction import ReducedGraph, reduce_graph
from planner.design.tree_search import build_tree, improve_tree, price_of

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

PRICE_BITS = 50
"""Prices are made whole so that all together stay below this power of two."""
FIRST_ROUNDS, MORE_ROUNDS = 4_000, 20_000
"""Largest number of rounds of local search before the first tree is offered, and on each smaller graph."""
ROUND_EDGES = 100_000_000
"""Rounds of local search times edges that one search may have: rounds on a large graph are longer."""
ROOTS = 6
"""Roots from which ascents start on each graph, one after the other."""
SHRINKS = 5
"""How often what is left is looked at again."""
FEWER = 0.95
"""How many edges must be left, of those last looked at, for another look."""
NEARLY_FREE = 1e-3
"""Share of the price that counts where an ascent left nothing of it."""
SPREAD = 0.1
"""Spread (of the logarithm) of random factors on prices."""
ROUNDS_PER_STEP = 20
"""Rounds of local search that count as one step."""
EDGES_PER_STEP = 20_000
"""Edges looked at by an ascent that count as one step."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class FoundTree:
    """A bound on the price of every tree that joins the terminals, and the cheapest tree found."""

    bound: float
    used: Flags
    """A flag per edge."""
    price: float
    steps: int


class _Best:
    """The best bound and tree so far, in whole prices, and who hears of them."""

    def __init__(self, prices: Floats, hear: Callable[[float], bool], offer: Callable[[Flags], None]) -> None:
        self.scale = 2.0 ** (PRICE_BITS - int(np.ceil(np.log2(max(1.0, float(prices.sum()))))))
        self.whole = np.floor(prices * self.scale).astype(np.int64)
        self.bound = 0
        self.price = int(self.whole.sum()) + 1
        self.used = np.ones(len(prices), dtype=np.bool_)
        self.steps = 0
        self.goes_on = True
        self._offered = self.price
        self._hear, self._offer = hear, offer

    def prove(self, bound: int) -> None:
        """Note a bound on every tree that is cheaper than the best one."""
        if min(bound, self.price) > self.bound:
            self.bound = min(bound, self.price)
            self.goes_on = self._hear(self.bound / self.scale)

    def find(self, edges: Integers) -> None:
        """Note a tree."""
        price = int(self.whole[edges].sum())
        if price < self.price:
            self.price = price
            self.used[:] = False
            self.used[edges] = True

    def tell(self) -> None:
        """Offer the best tree if it is better than the one offered before, and hear whether to go on."""
        if self.price < self._offered:
            self._offered = self.price
            self._offer(self.used.copy())
        self.goes_on = self._hear(self.bound / self.scale)

    def is_over(self) -> bool:
        """Return whether no tree is cheaper than the best one, or nobody wants to hear more."""
        return self.bound >= self.price or not self.goes_on


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Rest:
    """What is left of the graph, and the way back to its edges."""

    graph: TreeGraph
    terminals: Integers
    reduced: ReducedGraph


def find_tree(
    nodes: int,
    start: Integers,
    end: Integers,
    prices: Floats,
    terminals: Integers,
    *,
    hear: Callable[[float], bool],
    offer: Callable[[Flags], None],
) -> FoundTree:
    """Return a safe bound and a cheap tree that joins the terminals, which must be connected.

    `hear(bound)` is called with every bound and ends the search by returning False; `offer(edges)` with the first good
    tree and with the best one in the end. Prices are not negative.
    """
    best = _Best(prices, hear, offer)
    rest = _rest_of(nodes, start, end, best.whole, np.arange(len(start), dtype=np.int64), terminals)
    _first_tree(rest, best)
    best.tell()
    for turn in range(SHRINKS):
        if best.is_over():
            break
        before = len(rest.graph.start)
        kept = _ascend(rest, best, first=turn * ROOTS)
        if best.is_over():
            break
        left = rest.reduced.expand(kept)
        rest = _rest_of(nodes, start, end, best.whole, np.sort(left), terminals)
        _search(rest, best, seed=turn + 2)
        if len(rest.graph.start) > FEWER * before:
            break
    best.tell()
    price = float(prices[best.used].sum())
    return FoundTree(bound=min(best.bound / best.scale, price), used=best.used, price=price, steps=best.steps)


def _rest_of(
    nodes: int, start: Integers, end: Integers, whole: Integers, edges: Integers, terminals: Integers
) -> _Rest:
    """Return the graph of some edges without what no tree needs; its edges stand for edges of the whole graph."""
    reduced = reduce_graph(nodes, start[edges], end[edges], whole[edges].astype(np.float64)[None, :], terminals)
    reduced = _renamed(reduced, edges)
    prices = np.add.reduceat(whole[reduced.members], reduced.offsets[:-1]) if len(reduced.start) else whole[:0]
    graph = tree_graph(reduced.nodes, reduced.start, reduced.end, prices)
    return _Rest(graph=graph, terminals=reduced.node_indices[terminals], reduced=reduced)


def _renamed(reduced: ReducedGraph, edges: Integers) -> ReducedGraph:
    """Return the graph with members named as the edges that it was made of are named outside."""
    return replace(reduced, members=edges[reduced.members])


def _first_tree(rest: _Rest, best: _Best) -> None:
    """Find a bound and a good tree: by short paths in prices, and in what an ascent leaves of them; then improve it."""
    graph, terminals = rest.graph, rest.terminals
    root = int(terminals[0])
    ascent = dual_ascent(graph, terminals, root)
    best.steps += ascent.steps // EDGES_PER_STEP
    weights = graph.prices.astype(np.float64)
    left = np.minimum(ascent.reduced[0::2], ascent.reduced[1::2]) + NEARLY_FREE * weights
    trees = [build_tree(graph, terminals, root, costs) for costs in (weights, left)]
    _improve(rest, best, min(trees, key=lambda tree: price_of(graph, tree)), rounds=FIRST_ROUNDS, seed=1)
    best.prove(ascent.bound)


def _improve(rest: _Rest, best: _Best, tree: Flags, *, rounds: int, seed: int) -> None:
    rounds = min(rounds, ROUND_EDGES // len(tree)) if len(tree) else 0
    better = improve_tree(rest.graph, rest.terminals, tree, rounds=rounds, seed=seed)
    best.steps += rounds // ROUNDS_PER_STEP
    best.find(rest.reduced.expand(np.flatnonzero(better)))


def _ascend(rest: _Rest, best: _Best, *, first: int) -> Integers:
    """Prove by ascents from several roots, and return the edges that cheaper trees may have."""
    graph, terminals = rest.graph, rest.terminals
    useless = np.zeros(2 * len(graph.start), dtype=np.bool_)
    step = max(1, len(terminals) // ROOTS)
    for turn in range(min(ROOTS, len(terminals))):
        root = int(terminals[(first + turn * step) % len(terminals)])
        ascent = dual_ascent(graph, terminals, root)
        best.steps += ascent.steps // EDGES_PER_STEP
        best.prove(ascent.bound)
        if best.is_over():
            break
        useless |= _both_ways(useless_arcs(graph, terminals, ascent, best.price))
    return np.flatnonzero(~useless[0::2])


def _both_ways(useless: Flags) -> Flags:
    """Return flags for arcs of edges that are useless in both directions: which one a tree uses depends on its root."""
    return np.repeat(useless[0::2] & useless[1::2], 2)


def _search(rest: _Rest, best: _Best, *, seed: int) -> None:
    """Look for better trees on what is left: from short paths at prices that are a little off."""
    graph, terminals = rest.graph, rest.terminals
    random = np.random.default_rng(seed)
    weights = graph.prices.astype(np.float64) * np.exp(SPREAD * random.standard_normal(len(graph.prices)))
    root = int(terminals[int(random.integers(len(terminals)))])
    _improve(rest, best, build_tree(graph, terminals, root, weights), rounds=MORE_ROUNDS, seed=seed)
