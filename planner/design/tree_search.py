"""Cheap Steiner trees: built by shortest paths, improved by taking key paths out and joining the pieces anew.

A key path is a chain of tree edges between terminals or branches. Prices are whole numbers, as in `dual_ascent.py`;
random numbers come from a small generator of its own, so that equal seeds give equal trees everywhere.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from planner.design.dual_ascent import TreeGraph
from planner.design.heap import pop, push
from planner.design.tree_moves import (
    MAX_REMOVED,
    Tree,
    dismiss,
    invite,
    join,
    label_pieces,
    longer,
    next_random,
    switch,
    take_out,
    tree_of,
)

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

WARMTH = 0.2
"""Worsening accepted at first, relative to the price of what is taken out; it falls to nothing."""


def build_tree(graph: TreeGraph, terminals: Integers, root: int, weights: Floats) -> Flags:
    """Return a flag per edge: a tree that joins the terminals by paths short in `weights`, one after the other.

    `weights` are per edge, not negative; an infinite one is not used. Takahashi and Matsuyama 1980, with one search
    that goes on; dead ends are taken off.
    """
    used = np.asarray(_grow(graph, terminals, root, weights), dtype=np.bool_)
    tree = tree_of(graph, terminals, used)
    _prune(graph, tree)
    return tree.used


def improve_tree(graph: TreeGraph, terminals: Integers, used: Flags, *, rounds: int, seed: int) -> Flags:
    """Return the cheapest tree met in some rounds of taking key paths out and joining the pieces anew."""
    best = used.copy()
    if used.any():
        _improve(graph, tree_of(graph, terminals, used), best, rounds, np.uint64(2 * seed + 1))
    return best


def price_of(graph: TreeGraph, used: Flags) -> int:
    """Return the price of some edges."""
    return int(graph.prices[used].sum())


@njit(cache=True)
def _grow(graph: TreeGraph, terminals: Any, root: Any, weights: Any) -> Any:
    used = np.zeros(len(graph.start), np.bool_)
    is_waiting = np.zeros(graph.nodes, np.bool_)
    is_waiting[terminals] = True
    is_waiting[root] = False
    left = is_waiting.sum()
    distance = np.full(graph.nodes, np.inf)
    parent = np.full(graph.nodes, -1, np.int64)
    in_tree = np.zeros(graph.nodes, np.bool_)
    keys, waiting = np.empty(64), np.empty(64, np.int64)
    distance[root], in_tree[root] = 0.0, True
    size = push(keys, waiting, 0, 0.0, root)
    while size > 0 and left > 0:
        key, node = keys[0], waiting[0]
        size = pop(keys, waiting, size)
        if key > distance[node]:
            continue
        if is_waiting[node]:
            is_waiting[node] = False
            left -= 1
            at = node
            while not in_tree[at]:
                edge = parent[at]
                used[edge], in_tree[at], distance[at] = True, True, 0.0
                if size + 2 >= len(keys):
                    keys, waiting = longer(keys), longer(waiting)
                size = push(keys, waiting, size, 0.0, at)
                at = graph.start[edge] + graph.end[edge] - at
            continue
        for place in range(graph.offsets[node], graph.offsets[node + 1]):
            edge = graph.incident[place]
            other = graph.start[edge] + graph.end[edge] - node
            reached = key + weights[edge]
            if reached < distance[other]:
                distance[other], parent[other] = reached, edge
                if size + 2 >= len(keys):
                    keys, waiting = longer(keys), longer(waiting)
                size = push(keys, waiting, size, reached, other)
    return used


@njit(cache=True)
def _prune(graph: TreeGraph, tree: Tree) -> None:
    """Take dead ends without a terminal off, over and over."""
    for first in range(graph.nodes):
        node = first
        while not tree.is_terminal[node] and tree.degree[node] == 1:
            for place in range(graph.offsets[node], graph.offsets[node + 1]):
                if tree.used[graph.incident[place]]:
                    last = graph.incident[place]
            switch(graph, tree, last, False)
            node = graph.start[last] + graph.end[last] - node


@njit(cache=True)
def _improve(graph: TreeGraph, tree: Tree, best: Any, rounds: Any, state: Any) -> None:
    """Change `best` into the cheapest tree met."""
    edges = len(best)
    excess = 0
    for turn in range(rounds):
        state = next_random(state)
        first: Any = np.int64(state % np.uint64(edges))
        while not tree.used[first]:
            first = first + 1 if first + 1 < edges else 0
        state = next_random(state)
        paths = 1 + np.int64(state % np.uint64(MAX_REMOVED))
        gone, price, stops, state = take_out(graph, tree, first, paths, state)
        stops, state = invite(graph, tree, stops, state)
        allowed = price + np.int64(price * WARMTH * (1.0 - turn / rounds))
        spare = price // 2 if tree.guest[0] >= 0 else 0  # a guest may be dismissed in the end
        new, cost = join(graph, tree, label_pieces(graph, tree, stops), allowed + spare)
        if cost <= allowed + spare:
            cost -= dismiss(graph, tree)
        if cost > allowed:
            for index in range(new):
                if tree.used[tree.added[index]]:
                    switch(graph, tree, tree.added[index], False)
            for index in range(gone):
                switch(graph, tree, tree.removed[index], True)
            continue
        excess += cost - price
        if excess < 0:
            best[:] = tree.used
            excess = 0
