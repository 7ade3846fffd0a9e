"""What an engineer gets from NetworkX in an afternoon: a Steiner tree, then second routes at marginal prices.

Prices are those of our own plans, and disjoint means without a common span, which asks a little less than our plans do.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import networkx as nx
from networkx.algorithms.approximation import steiner_tree


def steiner_tree_cost(nodes: int, edges: Iterable[tuple[int, int, float]], terminals: Iterable[int]) -> float:
    """Return the price of NetworkX's approximate Steiner tree (Mehlhorn)."""
    graph: nx.Graph[int] = nx.Graph()
    graph.add_nodes_from(range(nodes))
    for a, b, price in edges:
        if a != b and price < graph.get_edge_data(a, b, {"price": math.inf})["price"]:
            graph.add_edge(a, b, price=price)
    tree = _tree(graph, terminals)
    return math.fsum(price for _, _, price in tree.edges(data="price"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """A demand: two nodes, the number of routes, and the first phase."""

    a: int
    b: int
    routes: int
    phase: int


@dataclass(frozen=True, kw_only=True, slots=True)
class GreedyPlan:
    """What the greedy method builds, and when."""

    cost: float
    span_phase: Mapping[int, int]
    """Span -> phase in which it is built."""


def plan_greedily(spans: Sequence[tuple[int, int, Sequence[float]]], wishes: Sequence[Wish]) -> GreedyPlan:
    """Return the plan of a greedy engineer, phase by phase, with what stands for nothing.

    `spans` are (node, node, price by phase). In each phase: a Steiner tree for each connected part of the demands; then
    for every demand of two routes the cheapest route on what stands, and the cheapest second one that avoids its spans.
    Raises NetworkXNoPath where a demand has no two routes.
    """
    span_phase: dict[int, int] = {}
    for phase in sorted({wish.phase for wish in wishes}):
        graph = _priced(spans, phase, built=span_phase)
        active = [wish for wish in wishes if wish.phase <= phase]
        for part in nx.connected_components(nx.Graph((wish.a, wish.b) for wish in active)):
            _build(graph, _tree(graph, part).edges, phase, span_phase)
        for wish in active:
            if wish.routes == 2:
                for walk in _two_routes(graph, wish):
                    _build(graph, pairwise(walk), phase, span_phase)
    cost = math.fsum(spans[span][2][phase] for span, phase in sorted(span_phase.items()))
    return GreedyPlan(cost=cost, span_phase=span_phase)


def _tree(graph: nx.Graph[int], terminals: Iterable[int]) -> nx.Graph[int]:
    """Return an approximate Steiner tree; Mehlhorn's method needs a connected graph."""
    joined = sorted(terminals)
    part = graph.subgraph(nx.node_connected_component(graph, joined[0]))
    return steiner_tree(part, joined, weight="price", method="mehlhorn")


def _priced(spans: Sequence[tuple[int, int, Sequence[float]]], phase: int, built: Mapping[int, int]) -> nx.Graph[int]:
    """Return the graph of the cheapest span between any two nodes, at marginal prices."""
    graph: nx.Graph[int] = nx.Graph()
    for span, (a, b, prices) in enumerate(spans):
        price = 0.0 if span in built else prices[phase]
        if a != b and (not graph.has_edge(a, b) or price < graph.edges[a, b]["price"]):
            graph.add_edge(a, b, price=price, span=span)
    return graph


def _build(graph: nx.Graph[int], edges: Iterable[tuple[int, int]], phase: int, span_phase: dict[int, int]) -> None:
    for a, b in edges:
        span_phase.setdefault(graph.edges[a, b]["span"], phase)
        graph.edges[a, b]["price"] = 0.0


def _two_routes(graph: nx.Graph[int], wish: Wish) -> tuple[list[int], list[int]]:
    """Return the cheapest route and the cheapest one beside it; any two disjoint ones where the first is in the way."""
    first = nx.shortest_path(graph, wish.a, wish.b, weight="price")
    taken = {frozenset(pair) for pair in pairwise(first)}

    def price(a: int, b: int, edge: Mapping[str, float]) -> float | None:
        return None if frozenset((a, b)) in taken else edge["price"]

    try:
        return first, nx.shortest_path(graph, wish.a, wish.b, weight=price)
    except nx.NetworkXNoPath:
        found = sorted(nx.edge_disjoint_paths(graph, wish.a, wish.b, cutoff=2))
        if len(found) < 2:
            raise
        return found[0], found[1]
