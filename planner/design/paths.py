"""Shortest trees and cheapest disjoint pairs on the search graph, compiled."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, prange

from planner.design.graph import DesignGraph
from planner.design.heap import pop, push
from planner.network import Floats, Integers


@njit(cache=True)
def _grow_tree(first_arc: Any, head: Any, weight: Any, source: int, distance: Any, parent: Any) -> None:
    """Fill in distance and the arc that leads to each node, by Dijkstra's algorithm."""
    distance[:] = np.inf
    parent[:] = -1
    distance[source] = 0.0
    heap_key = np.empty(len(head) + 1)
    heap_node = np.empty(len(head) + 1, np.int64)
    size = push(heap_key, heap_node, 0, 0.0, source)
    while size > 0:
        key, node = heap_key[0], heap_node[0]
        size = pop(heap_key, heap_node, size)
        if key > distance[node]:
            continue
        for arc in range(first_arc[node], first_arc[node + 1]):
            reached = key + weight[arc]
            if reached < distance[head[arc]]:
                distance[head[arc]] = reached
                parent[head[arc]] = arc
                size = push(heap_key, heap_node, size, reached, head[arc])


MIN_THREADED_ARCS = 100_000
"""Arcs times trees from which threads pay."""


@njit(cache=True)
def _grow_trees_alone(first_arc: Any, head: Any, weight: Any, sources: Any, distance: Any, parent: Any) -> None:
    for index in range(len(sources)):
        _grow_tree(first_arc, head, weight, sources[index], distance[index], parent[index])


@njit(cache=True, parallel=True)
def _grow_trees(first_arc: Any, head: Any, weight: Any, sources: Any, distance: Any, parent: Any) -> None:
    for index in prange(len(sources)):
        _grow_tree(first_arc, head, weight, sources[index], distance[index], parent[index])


def shortest_trees(graph: DesignGraph, weight: Floats, sources: Integers) -> tuple[Floats, Integers]:
    """Return distances and incoming arcs of the shortest trees from several nodes, shape (sources, nodes).

    `weight` is per span, not negative; infinite for a span that must not be used. Nodes out of reach have an infinite
    distance and the arc -1.
    """
    distance = np.empty((len(sources), graph.nodes))
    parent = np.empty((len(sources), graph.nodes), np.int64)
    arc_weight = weight[graph.arc_span]
    is_small = np.count_nonzero(np.isfinite(arc_weight)) * len(sources) < MIN_THREADED_ARCS
    grow = _grow_trees_alone if is_small else _grow_trees
    grow(graph.first_arc, graph.head, arc_weight, sources, distance, parent)
    return distance, parent


@njit(cache=True)
def _sum_along(parents: Any, tail: Any, targets: Any, arc_value: Any, sums: Any) -> None:
    for tree in range(parents.shape[0]):
        for index in range(len(targets)):
            arc = parents[tree, targets[index]]
            while arc >= 0:
                sums[tree, index] += arc_value[arc]
                arc = parents[tree, tail[arc]]


def sum_along(graph: DesignGraph, parents: Integers, targets: Integers, value: Floats) -> Floats:
    """Return the sums of a span column along the tree paths to some nodes, shape (trees, targets); 0 out of reach."""
    sums = np.zeros((len(parents), len(targets)))
    _sum_along(parents, graph.head[graph.arc_reverse], targets, value[graph.arc_span], sums)
    return sums


def walk_to(graph: DesignGraph, parent: Integers, target: int) -> list[int]:
    """Return the spans from a tree's source to a node, in walking order; empty for the source itself."""
    return [int(graph.arc_span[arc]) for arc in _arcs_to(graph, parent, target)]


def disjoint_pair(graph: DesignGraph, weight: Floats, source: int, target: int) -> tuple[list[int], list[int]] | None:
    """Return the cheapest two span-disjoint paths between two nodes, or None when there are no two.

    Suurballe's algorithm: a second path in the residual graph at reduced costs; opposite passes cancel out.
    """
    distance = np.empty(graph.nodes)
    parent = np.empty(graph.nodes, np.int64)
    arc_weight = weight[graph.arc_span]
    _grow_tree(graph.first_arc, graph.head, arc_weight, source, distance, parent)
    if not np.isfinite(distance[target]):
        return None
    first = _arcs_to(graph, parent, target)
    reached = np.minimum(distance, distance[target])  # unreached and far nodes get the target's potential
    tail = graph.head[graph.arc_reverse]
    reduced = np.maximum(0.0, arc_weight + reached[tail] - reached[graph.head])
    reduced[first] = np.inf
    reduced[graph.arc_reverse[first]] = 0.0
    _grow_tree(graph.first_arc, graph.head, reduced, source, distance, parent)
    if not np.isfinite(distance[target]):
        return None
    return _untangle(graph, first, _arcs_to(graph, parent, target), source, target)


def _arcs_to(graph: DesignGraph, parent: Integers, target: int) -> list[int]:
    arcs: list[int] = []
    arc = int(parent[target])
    while arc >= 0:
        arcs.append(arc)
        arc = int(parent[graph.head[graph.arc_reverse[arc]]])
    return arcs[::-1]


def _untangle(
    graph: DesignGraph, first: list[int], second: list[int], source: int, target: int
) -> tuple[list[int], list[int]]:
    """Return two disjoint paths from the union of a path and its augmenting path."""
    backward = {int(graph.arc_reverse[arc]) for arc in second}
    forward = {arc for arc in first if arc not in backward}
    cancelled = {int(graph.arc_reverse[arc]) for arc in first}
    forward |= {arc for arc in second if arc not in cancelled}
    leaving: dict[int, list[int]] = {}
    for arc in sorted(forward, reverse=True):
        leaving.setdefault(int(graph.head[graph.arc_reverse[arc]]), []).append(arc)
    paths: list[list[int]] = []
    for _ in range(2):
        node, path = source, []
        while node != target:
            arc = leaving[node].pop()
            path.append(int(graph.arc_span[arc]))
            node = int(graph.head[arc])
        paths.append(path)
    return paths[0], paths[1]
