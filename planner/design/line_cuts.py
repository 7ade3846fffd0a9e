"""Cuts that directions of edges leave open: sets of nodes that a flow must get out of, and does not.

By max-flow min-cut, one unit of each flow fits into directions exactly when every set of nodes with its source and
without its target has directions of one unit out of it. Few of these sets matter; they are found as they are violated.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import networkx as nx
import numpy as np
from numba import njit
from numpy.typing import NDArray

from planner.design.commodities import Commodities
from planner.design.lagrangian import Adjacency

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Cut = tuple[int, tuple[int, ...]]
"""A layer, and the arcs that leave a set of nodes: arc 2e runs along edge e, arc 2e + 1 against it."""

VIOLATED = 1e-5
"""Least part of a unit that is missing in a cut that counts as violated."""
NESTED = 12
"""Largest number of cuts on each side of one flow that are looked for at a time, one around the other."""
CREEP = 1e-7
"""Capacity that every arc has at least: of equal cuts those with fewer arcs are found."""
NO_CAPACITY = 1e-9


def violated_cuts(adjacency: Adjacency, commodities: Commodities, directed: Floats) -> list[Cut]:
    """Return cuts that directions (layers, arcs) violate, each once; none where every flow has its unit.

    For each flow the cuts nearest to its source and to its target are found, then those around them as if the ones
    found were held.
    """
    found: dict[Cut, None] = {}
    for layer, row in enumerate(directed):
        for source, target in _flows(commodities, layer):
            found |= dict.fromkeys((layer, arcs) for arcs in _nested(adjacency, row + CREEP, source, target))
    return list(found)


def lacking_cuts(adjacency: Adjacency, commodities: Commodities, built: Flags) -> list[Cut]:
    """Return cuts that show what networks (layers, edges) lack, however they are directed; none where nothing is.

    Flows that can return by others of their layer need two ways: then too few edges leave a set, and each direction of
    the set's border has its cut.
    """
    found: dict[Cut, None] = {}
    for layer, row in enumerate(built):
        flows = _flows(commodities, layer)
        groups = {
            site: at for at, group in enumerate(nx.strongly_connected_components(nx.DiGraph(flows))) for site in group
        }
        for source, target in flows:
            units = 2.0 if groups[source] == groups[target] else 1.0
            value, near_source, near_target = _cut(
                adjacency, np.repeat(row, 2).astype(np.float64), source, target, units
            )
            if value >= units:
                continue
            for inside in (near_source, ~near_target):
                if any(inside[start] and not inside[end] for start, end in flows):
                    found[layer, tuple(_leaving(adjacency, inside).tolist())] = None
                if any(inside[end] and not inside[start] for start, end in flows):
                    found[layer, tuple(_leaving(adjacency, ~inside).tolist())] = None
    return list(found)


def _flows(commodities: Commodities, layer: int) -> list[tuple[int, int]]:
    own = slice(int(commodities.first[layer]), int(commodities.first[layer + 1]))
    return list(zip(commodities.sources[own].tolist(), commodities.targets[own].tolist(), strict=True))


def _nested(adjacency: Adjacency, capacity: Floats, source: int, target: int) -> Iterator[tuple[int, ...]]:
    for _ in range(NESTED):
        value, near_source, near_target = _cut(adjacency, capacity, source, target, 1.0)
        if value >= 1.0 - VIOLATED:
            return
        first, last = _leaving(adjacency, near_source), _leaving(adjacency, ~near_target)
        yield tuple(first.tolist())
        yield tuple(last.tolist())
        capacity[first] = 1.0
        capacity[last] = 1.0


def _leaving(adjacency: Adjacency, inside: Flags) -> NDArray[np.int64]:
    """Return the arcs that lead out of a set of nodes, sorted."""
    tails = np.repeat(np.arange(len(inside)), np.diff(adjacency.offsets))
    rows = adjacency.incident[inside[tails] & ~inside[adjacency.heads]]
    return np.sort(np.where(rows > 0, 2 * (rows - 1), 2 * (-rows - 1) + 1))


@njit(cache=True)
def _arc(row: Any) -> Any:
    """Return the arc that leaves a node along an incident edge."""
    return 2 * (row - 1) if row > 0 else 2 * (-row - 1) + 1


@njit(cache=True)
def _reach(adjacency: Any, residual: Any, root: Any, stop: Any, backwards: Any) -> Any:
    """Return the arc by which each node is first reached from the root (or reaches it), -1 where not, -2 at the root.

    It ends at `stop`, where that is a node.
    """
    offsets, incident, heads = adjacency
    by = np.full(len(offsets) - 1, -1, np.int64)
    queue = np.empty(len(offsets) - 1, np.int64)
    queue[0], by[root] = root, -2
    size, at = 1, 0
    while at < size:
        node = queue[at]
        at += 1
        for place in range(offsets[node], offsets[node + 1]):
            arc = _arc(incident[place])
            there = arc ^ 1 if backwards else arc
            if residual[there] > NO_CAPACITY and by[heads[place]] == -1:
                by[heads[place]] = there
                if heads[place] == stop:
                    return by
                queue[size] = heads[place]
                size += 1
    return by


@njit(cache=True)
def _cut(adjacency: Any, capacity: Any, source: Any, target: Any, units: Any) -> Any:
    """Return the flow from source to target, up to some units, and who is reached on either side of a least cut."""
    offsets, incident, _ = adjacency
    tails = np.empty(len(capacity), np.int64)
    for node in range(len(offsets) - 1):
        for place in range(offsets[node], offsets[node + 1]):
            tails[_arc(incident[place])] = node
    residual = capacity.copy()
    value = 0.0
    while True:
        by = _reach(adjacency, residual, source, target, False)
        if by[target] == -1 or value >= units:
            break
        least, node = units - value, target
        while node != source:
            least = min(least, residual[by[node]])
            node = tails[by[node]]
        node = target
        while node != source:
            residual[by[node]] -= least
            residual[by[node] ^ 1] += least
            node = tails[by[node]]
        value += least
    return value, by != -1, _reach(adjacency, residual, target, -1, True) != -1
