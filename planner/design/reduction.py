"""A smaller graph with the same cheapest networks, and the way back to the original edges.

Every rule is exact for demands of one or two edge-disjoint routes between kept nodes:

- an edge is needed only if it lies on a simple path between two kept nodes: this takes off dead ends, blocks that hang
  on one node, parts without kept nodes, and self-loops;
- a chain of edges through nodes of degree two is used as a whole or not at all, so prices and losses add;
- of parallel edges only those matter that fewer than two others beat in all prices and loss: two routes can use two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from planner.design.blocks import edge_blocks, incidence

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ReducedGraph:
    """What is left of a graph, as columns of equal length per node and per edge."""

    node_origins: Integers
    """Original index of each node, rising."""
    node_indices: Integers
    """Index here of each original node, or -1 where it is gone or lies inside a chain."""
    start: Integers
    end: Integers
    prices: Floats
    """(phases, edges): present cost of having the edge from each phase on, the cheapest time to build it included."""
    losses_db: Floats | None
    """Loss along each edge, with the joints inside it."""
    offsets: Integers
    members: Integers
    """Original edges: edge e stands for `members[offsets[e]:offsets[e + 1]]`, from its start to its end."""

    @property
    def nodes(self) -> int:
        """Return the number of nodes."""
        return len(self.node_origins)

    def expand(self, edges: Integers) -> Integers:
        """Return the original edges that some edges of this graph stand for, edge by edge."""
        if len(edges) == 0:
            return np.empty(0, dtype=np.int64)
        return np.concatenate([self.members[self.offsets[edge] : self.offsets[edge + 1]] for edge in edges])

    def contract(self, original_edges: Integers) -> Integers:
        """Return the edges, rising, of which every member is among some original edges (a plan carried over)."""
        given = np.isin(self.members, original_edges)
        counts = np.add.reduceat(given, self.offsets[:-1]) if len(self.start) else np.empty(0, dtype=np.int64)
        return np.flatnonzero(counts == np.diff(self.offsets))


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Edges:
    """Edges between original nodes while the rules run."""

    start: Integers
    end: Integers
    prices: Floats
    losses_db: Floats
    offsets: Integers
    members: Integers

    def take(self, kept: Integers) -> _Edges:
        """Return the edges at some indices."""
        sizes = np.diff(self.offsets)[kept]
        offsets = np.concatenate((np.zeros(1, np.int64), np.cumsum(sizes)))
        within = np.arange(offsets[-1]) - np.repeat(offsets[:-1], sizes)
        return _Edges(
            start=self.start[kept],
            end=self.end[kept],
            prices=self.prices[:, kept],
            losses_db=self.losses_db[kept],
            offsets=offsets,
            members=self.members[np.repeat(self.offsets[:-1][kept], sizes) + within],
        )


def reduce_graph(
    nodes: int,
    start: Integers,
    end: Integers,
    prices: Floats,
    keep_nodes: Integers,
    *,
    losses_db: Floats | None = None,
    joint_losses_db: Floats | None = None,
) -> ReducedGraph:
    """Return a smaller graph with the same cheapest one- and two-route networks between the kept nodes.

    `prices` is (phases, edges), not negative; `keep_nodes` are the sites, and every other place where something may
    stand. With `losses_db` (per edge) parallel edges are kept while they are among the best in price or loss;
    `joint_losses_db` (per node) is what a route loses in passing through a node: it is added where a chain swallows it.
    Raises ValueError when shapes or values cannot be.
    """
    _check(nodes, start, end, prices, keep_nodes, losses_db)
    joints = np.zeros(nodes) if joint_losses_db is None else joint_losses_db
    kept = np.zeros(nodes, dtype=np.bool_)
    kept[keep_nodes] = True
    count = len(start)
    edges = _Edges(
        start=start,
        end=end,
        prices=np.minimum.accumulate(prices, axis=0),
        losses_db=np.zeros(count) if losses_db is None else losses_db,
        offsets=np.arange(count + 1, dtype=np.int64),
        members=np.arange(count, dtype=np.int64),
    )
    while True:
        before = len(edges.start)
        edges = _without_useless(nodes, edges, kept)
        edges = _with_chains_contracted(nodes, edges, kept, joints)
        edges = _without_dominated(edges)
        if len(edges.start) == before:
            break
    return _renumbered(nodes, edges, kept, with_losses=losses_db is not None)


def _check(
    nodes: int, start: Integers, end: Integers, prices: Floats, keep_nodes: Integers, losses_db: Floats | None
) -> None:
    for name, indices in (("start", start), ("end", end), ("keep_nodes", keep_nodes)):
        if len(indices) and not (indices.min() >= 0 and indices.max() < nodes):
            raise ValueError(f"{name} must hold node indices in [0, {nodes}), not {indices.min()} to {indices.max()}")
    if len(start) != len(end) or prices.ndim != 2 or prices.shape[0] < 1 or prices.shape[1] != len(start):
        raise ValueError(f"{len(start)} starts, {len(end)} ends and prices of shape {prices.shape} do not fit together")
    if not (np.isfinite(prices).all() and (prices >= 0.0).all()):
        raise ValueError("prices must be finite and not negative; leave out edges that may not be used")
    if losses_db is not None and (losses_db.shape != start.shape or not (losses_db >= 0.0).all()):
        raise ValueError("losses_db must hold one value per edge, not negative")


def _without_useless(nodes: int, edges: _Edges, kept: NDArray[np.bool_]) -> _Edges:
    """Keep the edges on a simple path between kept nodes: those that share a block with a hub joined to all of them."""
    sites = np.flatnonzero(kept)
    start = np.concatenate((np.zeros(len(sites), np.int64), edges.start + 1))
    end = np.concatenate((sites + 1, edges.end + 1))
    blocks = edge_blocks(nodes + 1, start, end)
    wanted = np.unique(blocks[: len(sites)])
    return edges.take(np.flatnonzero(np.isin(blocks[len(sites) :], wanted)))


def _with_chains_contracted(nodes: int, edges: _Edges, kept: NDArray[np.bool_], joints: Floats) -> _Edges:
    offsets, incident = incidence(nodes, edges.start, edges.end)
    inner = (np.diff(offsets) == 2) & ~kept
    chain_offsets, chain_edges, chain_start, chain_end = _chains(edges.start, edges.end, offsets, incident, inner)
    count = len(chain_start)
    chain_of = np.repeat(np.arange(count), np.diff(chain_offsets))
    taken = edges.take(np.abs(chain_edges) - 1)
    backwards = np.repeat(chain_edges < 0, np.diff(taken.offsets))
    mirrored = np.repeat(taken.offsets[:-1] + taken.offsets[1:] - 1, np.diff(taken.offsets))
    places = np.arange(len(taken.members))
    losses = np.bincount(chain_of, weights=taken.losses_db, minlength=count).astype(np.float64)
    # Each edge of a chain but the last is followed by the joint at its far end.
    last = np.zeros(len(chain_edges), dtype=np.bool_)
    last[chain_offsets[1:] - 1] = True
    far = np.where(chain_edges > 0, taken.end, taken.start)
    losses += np.bincount(chain_of, weights=np.where(last, 0.0, joints[far]), minlength=count)
    prices = [np.bincount(chain_of, weights=phase, minlength=count) for phase in taken.prices]
    return _Edges(
        start=chain_start,
        end=chain_end,
        prices=np.array(prices, dtype=np.float64).reshape(len(edges.prices), count),
        losses_db=losses,
        offsets=taken.offsets[chain_offsets],
        members=taken.members[np.where(backwards, mirrored - places, places)],
    )


@njit(cache=True)
def _chains(start: Any, end: Any, offsets: Any, incident: Any, inner: Any) -> Any:
    """Walk every chain from its smallest edge at an end; edge e is given as e + 1, or -(e + 1) when walked backwards.

    Rings of inner nodes alone are left out: nothing is connected by them.
    """
    count = len(start)
    walked = np.zeros(count, np.bool_)
    chain_offsets = np.zeros(count + 1, np.int64)
    chain_edges = np.empty(count, np.int64)
    chain_start = np.empty(count, np.int64)
    chain_end = np.empty(count, np.int64)
    chains = filled = 0
    for first in range(count):
        if walked[first] or (inner[start[first]] and inner[end[first]]):
            continue
        node = end[first] if inner[start[first]] else start[first]
        chain_start[chains] = node
        edge = first
        while True:
            walked[edge] = True
            forwards = start[edge] == node
            chain_edges[filled] = edge + 1 if forwards else -(edge + 1)
            filled += 1
            node = end[edge] if forwards else start[edge]
            if not inner[node]:
                break
            pair = offsets[node]
            edge = incident[pair] if incident[pair] != edge else incident[pair + 1]
        chain_end[chains] = node
        chains += 1
        chain_offsets[chains] = filled
    return chain_offsets[: chains + 1], chain_edges[:filled], chain_start[:chains], chain_end[:chains]


def _without_dominated(edges: _Edges) -> _Edges:
    low, high = np.minimum(edges.start, edges.end), np.maximum(edges.start, edges.end)
    order = np.lexsort((high, low))
    changes = np.flatnonzero((np.diff(low[order]) != 0) | (np.diff(high[order]) != 0)) + 1
    dropped: list[int] = []
    for group in np.split(order, changes):
        if len(group) > 2:
            dropped.extend(_dominated(np.sort(group), edges))
    return edges.take(np.setdiff1d(np.arange(len(order)), np.array(dropped, dtype=np.int64)))


def _dominated(group: Integers, edges: _Edges) -> list[int]:
    """Return those of some parallel edges that two others equal or beat in every price and loss (ties: the first)."""
    marks = np.vstack((edges.prices[:, group], edges.losses_db[group]))
    dropped = []
    for place in range(len(group)):
        mine = marks[:, place, None]
        beats = (marks <= mine).all(axis=0)
        equal = (marks == mine).all(axis=0)
        if np.count_nonzero(beats & (~equal | (np.arange(len(group)) < place))) >= 2:
            dropped.append(int(group[place]))
    return dropped


def _renumbered(nodes: int, edges: _Edges, kept: NDArray[np.bool_], *, with_losses: bool) -> ReducedGraph:
    present = kept.copy()
    present[edges.start] = True
    present[edges.end] = True
    indices = np.full(nodes, -1, dtype=np.int64)
    indices[present] = np.arange(np.count_nonzero(present))
    return ReducedGraph(
        node_origins=np.flatnonzero(present),
        node_indices=indices,
        start=indices[edges.start],
        end=indices[edges.end],
        prices=edges.prices,
        losses_db=edges.losses_db if with_losses else None,
        offsets=edges.offsets,
        members=edges.members,
    )
