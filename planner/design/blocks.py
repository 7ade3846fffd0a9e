"""Blocks and bridges of an undirected multigraph: what a route can use, and what two routes must share."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Integers = NDArray[np.int64]


def incidence(nodes: int, start: Integers, end: Integers) -> tuple[Integers, Integers]:
    """Return (offsets, edges): the edges at node v are `edges[offsets[v]:offsets[v + 1]]`, in rising order.

    A self-loop is listed twice at its node. `start` and `end` hold indices in [0, nodes).
    """
    ends = np.concatenate((start, end))
    order = np.argsort(ends, kind="stable")
    edges = np.tile(np.arange(len(start), dtype=np.int64), 2)[order]
    offsets = np.zeros(nodes + 1, dtype=np.int64)
    np.cumsum(np.bincount(ends, minlength=nodes), out=offsets[1:])
    ranks = np.repeat(np.arange(nodes), np.diff(offsets))
    return offsets, edges[np.lexsort((edges, ranks))]


def edge_blocks(nodes: int, start: Integers, end: Integers) -> Integers:
    """Return the block (2-connected component) of every edge; a bridge is a block of one edge, a self-loop has -1.

    Blocks are numbered from 0 in the order in which a depth-first search from node 0 upwards completes them
    (Hopcroft and Tarjan, Communications of the ACM 16, 1973). Parallel edges form a block together.
    """
    offsets, edges = incidence(nodes, start, end)
    return np.asarray(_label_blocks(nodes, start, end, offsets, edges), dtype=np.int64)


def bridges(nodes: int, start: Integers, end: Integers) -> NDArray[np.bool_]:
    """Return a mask of the edges whose loss separates their ends."""
    blocks = edge_blocks(nodes, start, end)
    proper = blocks >= 0
    sizes = np.bincount(blocks[proper], minlength=1)
    alone = np.zeros(len(start), dtype=np.bool_)
    alone[proper] = sizes[blocks[proper]] == 1
    return alone


def connected_parts(nodes: int, start: Integers, end: Integers) -> Integers:
    """Return a label per node, the same for two nodes if and only if edges join them; labels rise with the nodes."""
    return np.asarray(_label_parts(nodes, start, end), dtype=np.int64)


def two_route_parts(nodes: int, start: Integers, end: Integers) -> Integers:
    """Return a label per node, the same for two nodes if and only if two edge-disjoint routes join them.

    By Menger's theorem these are the connected parts that remain without the bridges.
    """
    kept = ~bridges(nodes, start, end)
    return connected_parts(nodes, start[kept], end[kept])


@njit(cache=True)
def _label_parts(nodes: int, start: Any, end: Any) -> Any:
    parent = np.arange(nodes)
    for edge in range(len(start)):
        u, v = start[edge], end[edge]
        while parent[u] != u:
            parent[u] = parent[parent[u]]
            u = parent[u]
        while parent[v] != v:
            parent[v] = parent[parent[v]]
            v = parent[v]
        # The smaller node becomes the root, so that labels can be given in one rising sweep.
        if u < v:
            parent[v] = u
        else:
            parent[u] = v
    labels = np.empty(nodes, np.int64)
    count = 0
    for node in range(nodes):
        root = node
        while parent[root] != root:
            root = parent[root]
        if root == node:
            labels[node] = count
            count += 1
        else:
            labels[node] = labels[root]
    return labels


@njit(cache=True)
def _label_blocks(nodes: int, start: Any, end: Any, offsets: Any, edges: Any) -> Any:
    blocks = np.full(len(start), -1, np.int64)
    entered = np.full(nodes, -1, np.int64)
    lowest = np.zeros(nodes, np.int64)
    position = offsets[:-1].copy()
    path = np.empty(nodes + 1, np.int64)
    arrived_by = np.full(nodes, -1, np.int64)
    open_edges = np.empty(len(start), np.int64)
    seen = np.zeros(len(start), np.bool_)
    opened = clock = count = 0
    for origin in range(nodes):
        if entered[origin] >= 0:
            continue
        entered[origin] = lowest[origin] = clock
        clock += 1
        path[0] = origin
        depth = 0
        while depth >= 0:
            node = path[depth]
            if position[node] < offsets[node + 1]:
                edge = edges[position[node]]
                position[node] += 1
                other = start[edge] + end[edge] - node
                if seen[edge] or other == node:
                    continue
                seen[edge] = True
                open_edges[opened] = edge
                opened += 1
                if entered[other] >= 0:
                    lowest[node] = min(lowest[node], entered[other])
                    continue
                entered[other] = lowest[other] = clock
                clock += 1
                arrived_by[other] = edge
                depth += 1
                path[depth] = other
                continue
            depth -= 1
            if depth < 0:
                continue
            above = path[depth]
            lowest[above] = min(lowest[above], lowest[node])
            if lowest[node] < entered[above]:
                continue
            while True:
                opened -= 1
                blocks[open_edges[opened]] = count
                if open_edges[opened] == arrived_by[node]:
                    break
            count += 1
    return blocks
