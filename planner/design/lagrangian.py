"""The Lagrangian of the orientation problem at given multipliers, compiled: what a safe bound is made of."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit, prange


class Adjacency(NamedTuple):
    """The edges at each node: those of node v are the entries `offsets[v]` to `offsets[v + 1]`."""

    offsets: Any
    incident: Any
    """Edge + 1 where the edge starts at the node, -(edge + 1) where it ends there."""
    heads: Any
    """The node at the other end of each."""


@njit(cache=True)
def _push(keys: Any, nodes: Any, size: int, key: float, node: int) -> None:
    """Put an entry on a binary heap of `size` entries."""
    at = size
    while at > 0:
        above = (at - 1) >> 1
        if keys[above] <= key:
            break
        keys[at], nodes[at] = keys[above], nodes[above]
        at = above
    keys[at], nodes[at] = key, node


@njit(cache=True)
def _pop(keys: Any, nodes: Any, size: int) -> None:
    """Take the first entry off a binary heap of `size` entries."""
    key, node = keys[size - 1], nodes[size - 1]
    at = 0
    while True:
        below = 2 * at + 1
        if below >= size - 1:
            break
        if below + 1 < size - 1 and keys[below + 1] < keys[below]:
            below += 1
        if key <= keys[below]:
            break
        keys[at], nodes[at] = keys[below], nodes[below]
        at = below
    keys[at], nodes[at] = key, node


@njit(cache=True)
def distances_from(adjacency: Any, link: Any, commodity: int, source: int, target: int) -> Any:
    """Return the length of the shortest directed path from a node to every node at one commodity's multipliers.

    Dijkstra's algorithm. It stops at `target`, and nodes behind that may get too long a distance; -1 lets it go on.
    For `link` see `route_potentials`.
    """
    offsets, incident, heads = adjacency
    distance = np.full(len(offsets) - 1, np.inf)
    keys = np.empty(len(incident) + 1)
    nodes = np.empty(len(incident) + 1, np.int64)
    distance[source] = 0.0
    _push(keys, nodes, 0, 0.0, source)
    size = 1
    while size > 0:
        key, node = keys[0], nodes[0]
        if node == target:
            break
        _pop(keys, nodes, size)
        size -= 1
        if key > distance[node]:
            continue
        for place in range(offsets[node], offsets[node + 1]):
            row = incident[place]
            multiplier = link[row - 1, 0, commodity] if row > 0 else link[-row - 1, 1, commodity]
            reached = key + multiplier
            if reached < distance[heads[place]]:
                distance[heads[place]] = reached
                _push(keys, nodes, size, reached, heads[place])
                size += 1
    return distance


@njit(cache=True, parallel=True)
def route_potentials(adjacency: Any, link: Any, sources: Any, targets: Any) -> Any:
    """Return (nodes, commodities): distance from the commodity's source at its multipliers, up to that of its target.

    `link` is (edges, 2, commodities), not negative: from the start of an edge to its end, and back.
    """
    potentials = np.empty((len(adjacency.offsets) - 1, len(sources)))
    for commodity in prange(len(sources)):
        target = targets[commodity]
        distance = distances_from(adjacency, link, commodity, sources[commodity], target)
        for node in range(len(distance)):
            potentials[node, commodity] = min(distance[node], distance[target])
    return potentials


@njit(cache=True, parallel=True)
def edge_pressures(start: Any, end: Any, potentials: Any, first: Any) -> Any:
    """Return (layers, edges): the rise of potentials along an edge, summed over a layer, in the steeper direction.

    Rises are the least multipliers at which the potentials are still distances; falls count as 0. `first` holds the
    first commodity of each layer, and their number at the end.
    """
    pressures = np.empty((len(first) - 1, len(start)))
    for edge in prange(len(start)):
        u, v = start[edge], end[edge]
        for layer in range(len(first) - 1):
            ahead = 0.0
            back = 0.0
            for commodity in range(first[layer], first[layer + 1]):
                rise = potentials[v, commodity] - potentials[u, commodity]
                ahead += max(rise, 0.0)
                back += max(-rise, 0.0)
            pressures[layer, edge] = max(ahead, back)
    return pressures
