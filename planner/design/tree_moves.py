"""One move of the tree search, compiled: take key paths out of a tree and join the pieces, perhaps over a new node.

All kernels work on one `Tree`; what an array holds counts only where its stamp is the current one, so that a move costs
no more than the pieces that it walks.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from planner.design.dual_ascent import TreeGraph
from planner.design.heap import pop, push

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

MAX_REMOVED = 4
"""Largest number of key paths that are taken out together."""


class Tree(NamedTuple):
    """A tree in a graph, and the arrays that moves work with."""

    is_terminal: Flags
    used: Flags
    """By edge."""
    degree: Integers
    """Used edges at each node."""
    label: Integers
    """Piece that a node was found in; stands while `label_stamp` is the first clock."""
    label_stamp: Integers
    distance: Integers
    """From the piece that is being joined; stands while `distance_stamp` is the second clock."""
    distance_stamp: Integers
    parent: Integers
    clocks: Integers
    guest: Integers
    """One node beside the tree that is to be joined too, or -1."""
    members: Integers
    """(labels, nodes): nodes of each piece in the order in which they were found."""
    counts: Integers
    above: Integers
    """Label that a piece was merged into, or its own."""
    removed: Integers
    added: Integers
    stops: Integers


def tree_of(graph: TreeGraph, terminals: Integers, used: Flags) -> Tree:
    """Return a tree with these edges, ready for moves."""
    labels, edges = 2 * MAX_REMOVED + 3, len(graph.start)
    is_terminal = np.zeros(graph.nodes, dtype=np.bool_)
    is_terminal[terminals] = True
    ends = np.concatenate((graph.start[used], graph.end[used]))

    def numbers(count: int) -> Integers:
        return np.zeros(count, dtype=np.int64)

    return Tree(
        is_terminal=is_terminal,
        used=used.copy(),
        degree=np.bincount(ends, minlength=graph.nodes).astype(np.int64),
        label=numbers(graph.nodes),
        label_stamp=numbers(graph.nodes),
        distance=numbers(graph.nodes),
        distance_stamp=numbers(graph.nodes),
        parent=numbers(graph.nodes),
        clocks=numbers(2),
        guest=np.full(1, -1, dtype=np.int64),
        members=np.zeros((labels, graph.nodes + 1), dtype=np.int64),
        counts=numbers(labels),
        above=numbers(labels),
        removed=numbers(edges + 1),
        added=numbers(edges + 1),
        stops=numbers(labels),
    )


@njit(cache=True)
def next_random(state: Any) -> Any:
    """Return the next state of a xorshift generator."""
    state ^= state << np.uint64(13)
    state ^= state >> np.uint64(7)
    state ^= state << np.uint64(17)
    return state


@njit(cache=True)
def longer(column: Any) -> Any:
    """Return a copy with room for twice as many entries."""
    copy = np.empty(2 * len(column), column.dtype)
    copy[: len(column)] = column
    return copy


@njit(cache=True)
def switch(graph: TreeGraph, tree: Tree, edge: Any, on: Any) -> None:
    """Put an edge into the tree or take it out."""
    tree.used[edge] = on
    step = 1 if on else -1
    tree.degree[graph.start[edge]] += step
    tree.degree[graph.end[edge]] += step


@njit(cache=True)
def _used_edge(graph: TreeGraph, tree: Tree, node: Any, skip: Any) -> Any:
    """Return a used edge at a node, the first after so many others."""
    for place in range(graph.offsets[node], graph.offsets[node + 1]):
        edge = graph.incident[place]
        if tree.used[edge]:
            if skip == 0:
                return edge
            skip -= 1
    return -1


@njit(cache=True)
def take_out(graph: TreeGraph, tree: Tree, first: Any, paths: Any, state: Any) -> Any:
    """Take out the key path of an edge, and some that meet it; return edges, price, stops, and the random state.

    What dangles without a terminal goes too. Stops are the nodes at which the walks along the paths ended.
    """
    gone = stops = 0
    price = 0
    edge = first
    for _ in range(paths):
        switch(graph, tree, edge, False)
        tree.removed[gone] = edge
        gone += 1
        price += graph.prices[edge]
        for end in (graph.start[edge], graph.end[edge]):
            node = end
            while not tree.is_terminal[node] and tree.degree[node] == 1:
                chain = _used_edge(graph, tree, node, 0)
                switch(graph, tree, chain, False)
                tree.removed[gone] = chain
                gone += 1
                price += graph.prices[chain]
                node = graph.start[chain] + graph.end[chain] - node
            tree.stops[stops] = node
            stops += 1
        state = next_random(state)
        node = tree.stops[np.int64(state % np.uint64(stops))]
        if tree.degree[node] == 0:
            break
        state = next_random(state)
        edge = _used_edge(graph, tree, node, np.int64(state % np.uint64(tree.degree[node])))
    return gone, price, stops, state


@njit(cache=True)
def invite(graph: TreeGraph, tree: Tree, stops: Any, state: Any) -> Any:
    """Take a node next to a stop as a guest, half of the time and if it is beside the tree; return stops and state."""
    tree.guest[0] = -1
    state = next_random(state)
    node = tree.stops[np.int64(state % np.uint64(stops))]
    state = next_random(state)
    choices = 2 * (graph.offsets[node + 1] - graph.offsets[node])
    choice = np.int64(state % np.uint64(choices))
    if choice % 2 == 0:
        edge = graph.incident[graph.offsets[node] + choice // 2]
        other = graph.start[edge] + graph.end[edge] - node
        if not tree.is_terminal[other] and tree.degree[other] == 0:
            tree.guest[0] = tree.stops[stops] = other
            stops += 1
    return stops, state


@njit(cache=True)
def dismiss(graph: TreeGraph, tree: Tree) -> Any:
    """Take off the path to a guest that nothing else is joined over, and return its price."""
    price = 0
    node = tree.guest[0]
    while node >= 0 and tree.degree[node] == 1 and not tree.is_terminal[node]:
        edge = _used_edge(graph, tree, node, 0)
        switch(graph, tree, edge, False)
        price += graph.prices[edge]
        node = graph.start[edge] + graph.end[edge] - node
    return price


@njit(cache=True)
def _is_there(tree: Tree, node: Any) -> Any:
    return tree.is_terminal[node] or tree.degree[node] > 0 or node == tree.guest[0]


@njit(cache=True)
def _root(tree: Tree, label: Any) -> Any:
    while tree.above[label] != label:
        label = tree.above[label]
    return label


@njit(cache=True)
def _put(tree: Tree, label: Any, node: Any) -> None:
    tree.label_stamp[node], tree.label[node] = tree.clocks[0], label
    tree.members[label, tree.counts[label]] = node
    tree.counts[label] += 1


@njit(cache=True)
def label_pieces(graph: TreeGraph, tree: Tree, stops: Any) -> Any:
    """Walk the pieces at the stops side by side until all but one are walked whole; return the number of labels.

    Label 0 is the piece that was not walked to its end. Walks that meet are one piece.
    """
    tree.clocks[0] += 1
    tree.above[0] = tree.counts[0] = 0
    labels = 1
    for index in range(stops):
        node = tree.stops[index]
        if _is_there(tree, node) and tree.label_stamp[node] != tree.clocks[0]:
            tree.above[labels], tree.counts[labels] = labels, 0
            _put(tree, labels, node)
            labels += 1
    done = np.zeros(labels, np.int64)
    while True:
        last, others = _unfinished(tree, labels, done)
        if others == 0:
            if labels > 1:
                tree.above[last if last > 0 else _root(tree, 1)] = 0
            return labels
        for label in range(1, labels):
            if done[label] < tree.counts[label]:
                _walk_on(graph, tree, label, tree.members[label, done[label]])
                done[label] += 1


@njit(cache=True)
def _unfinished(tree: Tree, labels: Any, done: Any) -> Any:
    """Return a piece that is not walked to its end (0 if there is none), and how many walks of others go on."""
    last, others = 0, 0
    for label in range(1, labels):
        if done[label] < tree.counts[label]:
            root = _root(tree, label)
            if last == 0:
                last = root
            elif root != last:
                others += 1
    return last, others


@njit(cache=True)
def _walk_on(graph: TreeGraph, tree: Tree, label: Any, node: Any) -> None:
    """Label the tree neighbours of a node, or merge with the pieces that have them."""
    for place in range(graph.offsets[node], graph.offsets[node + 1]):
        edge = graph.incident[place]
        if not tree.used[edge]:
            continue
        other = graph.start[edge] + graph.end[edge] - node
        if tree.label_stamp[other] != tree.clocks[0]:
            _put(tree, label, other)
            continue
        a, b = _root(tree, label), _root(tree, tree.label[other])
        if a != b:
            tree.above[max(a, b)] = min(a, b)


@njit(cache=True)
def join(graph: TreeGraph, tree: Tree, labels: Any, allowed: Any) -> Any:
    """Join every piece to the nearest other one; return the number of added edges, and their price.

    The price is above `allowed` when that does not suffice.
    """
    new = 0
    cost = 0
    for label in range(1, labels):
        while _root(tree, label) != 0:
            own = _root(tree, label)
            met = _nearest(graph, tree, labels, own, allowed - cost)
            if met < 0:
                return new, allowed + 1
            target = _piece_of(tree, met)
            node = met
            while tree.parent[node] >= 0:
                edge = tree.parent[node]
                switch(graph, tree, edge, True)
                tree.added[new] = edge
                new += 1
                cost += graph.prices[edge]
                node = graph.start[edge] + graph.end[edge] - node
                if tree.parent[node] >= 0:
                    _put(tree, own, node)
            tree.above[max(own, target)] = min(own, target)
    return new, cost


@njit(cache=True)
def _piece_of(tree: Tree, node: Any) -> Any:
    """Return the piece of a node of the tree: 0 where no walk came."""
    return _root(tree, tree.label[node]) if tree.label_stamp[node] == tree.clocks[0] else 0


@njit(cache=True)
def _nearest(graph: TreeGraph, tree: Tree, labels: Any, own: Any, limit: Any) -> Any:
    """Return the node of another piece that is nearest to a piece, or -1 when none is within the limit."""
    tree.clocks[1] += 1
    keys, waiting, size = np.empty(256), np.empty(256, np.int64), 0
    for label in range(1, labels):
        for index in range(tree.counts[label] if _root(tree, label) == own else 0):
            node = tree.members[label, index]
            tree.distance_stamp[node], tree.distance[node], tree.parent[node] = tree.clocks[1], 0, -1
            if size + 2 >= len(keys):
                keys, waiting = longer(keys), longer(waiting)
            size = push(keys, waiting, size, 0.0, node)
    while size > 0:
        key, node = keys[0], waiting[0]
        size = pop(keys, waiting, size)
        if key > limit:
            return -1
        if key > tree.distance[node]:
            continue
        if _is_there(tree, node) and _piece_of(tree, node) != own:
            return node
        for place in range(graph.offsets[node], graph.offsets[node + 1]):
            edge = graph.incident[place]
            other = graph.start[edge] + graph.end[edge] - node
            reached = tree.distance[node] + graph.prices[edge]
            if tree.distance_stamp[other] != tree.clocks[1] or reached < tree.distance[other]:
                tree.distance_stamp[other], tree.distance[other] = tree.clocks[1], reached
                tree.parent[other] = edge
                if size + 2 >= len(keys):
                    keys, waiting = longer(keys), longer(waiting)
                size = push(keys, waiting, size, float(reached), other)
    return -1
