"""What the routes of a demand cannot avoid sharing: the risks that every route must meet, found exactly."""

from __future__ import annotations

from itertools import pairwise

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from planner.design.blocks import bridges, two_route_parts
from planner.design.graph import DesignGraph
from planner.design.paths import shortest_trees, walk_to
from planner.design.risks import Risks, is_place
from planner.network import Floats, Integers

RARELY = 1e-6
"""Weight of a span without a suspected risk, against 1 for each that it has."""


def unavoidable_risks(graph: DesignGraph, risks: Risks, ends: tuple[int, int], own: frozenset[str]) -> frozenset[str]:
    """Return the risks that every route between two nodes meets, so that losing one separates them.

    Exact. The risks that the ends are themselves (`own`) are left out; empty when nothing joins the nodes.
    """
    path, suspects = _suspects(graph, risks, ends, own)
    found = risks.of_all(_bridge_spans(graph) & set(path)) - own
    return found | {risk for risk in suspects - found if _separates(graph, risks.spans_of[risk], ends)}


def _suspects(
    graph: DesignGraph, risks: Risks, ends: tuple[int, int], own: frozenset[str]
) -> tuple[list[int], frozenset[str]]:
    """Return a path that meets few risks, and the risks that neither it nor the paths before it avoided."""
    weight: Floats = np.full(graph.spans, RARELY)
    suspects: frozenset[str] | None = None
    while True:
        distance, parents = shortest_trees(graph, weight, np.array(ends[:1], dtype=np.int64))
        if not np.isfinite(distance[0, ends[1]]):
            return [], frozenset()
        path = walk_to(graph, parents[0], ends[1])
        met = risks.of_all(path) - own
        left = met if suspects is None else suspects & met
        if left == suspects or not left:
            return path, left
        suspects = left
        weight = np.full(graph.spans, RARELY)
        for risk in sorted(suspects):
            weight[list(risks.spans_of[risk])] += 1.0


def _bridge_spans(graph: DesignGraph) -> set[int]:
    """Return the usable spans whose loss separates their ends."""
    used, first = np.unique(graph.arc_span, return_index=True)
    alone = bridges(graph.nodes, graph.head[graph.arc_reverse[first]], graph.head[first])
    return set(used[alone].tolist())


def _separates(graph: DesignGraph, lost: tuple[int, ...], ends: tuple[int, int]) -> bool:
    weight = np.ones(graph.spans)
    weight[list(lost)] = np.inf
    distance, _ = shortest_trees(graph, weight, np.array(ends[:1], dtype=np.int64))
    return not bool(np.isfinite(distance[0, ends[1]]))


def risks_inside(risks: Risks, outer: frozenset[str]) -> frozenset[str]:
    """Return the risks all of whose spans share one of the outer ones, which fails with them: a duct along a bridge.

    What only meets at a building or a node does not lie within it.
    """
    found: set[str] = set()
    for risk in sorted(outer):
        if is_place(risk):
            continue
        members = set(risks.spans_of[risk])
        touched = risks.of_all(members)
        found |= {inner for inner in touched if not is_place(inner) and members.issuperset(risks.spans_of[inner])}
    return frozenset(found)


def with_spans_twice(graph: DesignGraph, spans: frozenset[int]) -> DesignGraph:
    """Return the graph with a second pair of arcs for some spans, so that span-disjoint paths may both use them."""
    again = np.flatnonzero(np.isin(graph.arc_span, sorted(spans)))
    count = len(graph.head)
    place = np.full(count, -1, dtype=np.int64)
    place[again] = count + np.arange(len(again))
    tails = graph.head[graph.arc_reverse]
    return _regrouped(
        graph,
        tails=np.concatenate((tails, tails[again])),
        heads=np.concatenate((graph.head, graph.head[again])),
        spans=np.concatenate((graph.arc_span, graph.arc_span[again])),
        reverse=np.concatenate((graph.arc_reverse, place[graph.arc_reverse[again]])),
        nodes=graph.nodes,
    )


def with_nodes_split(graph: DesignGraph, twice: NDArray[np.bool_]) -> DesignGraph:
    """Return the directed graph in which paths that share no arc share no node but those flagged `twice`.

    Node v becomes v (arrivals) and v + n (departures). Arcs inside a node stand for the span number `graph.spans`,
    which is free; the way back along any arc, needed to undo it, is `graph.spans + 1`, which cannot be used.
    """
    inner, blocked = graph.spans, graph.spans + 1
    tails = graph.head[graph.arc_reverse]
    places = np.concatenate((np.arange(graph.nodes), np.flatnonzero(twice)))
    ahead_tails = np.concatenate((tails + graph.nodes, places))
    ahead_heads = np.concatenate((graph.head, places + graph.nodes))
    ahead_spans = np.concatenate((graph.arc_span, np.full(len(places), inner)))
    count = len(ahead_tails)
    return _regrouped(
        graph,
        tails=np.concatenate((ahead_tails, ahead_heads)),
        heads=np.concatenate((ahead_heads, ahead_tails)),
        spans=np.concatenate((ahead_spans, np.full(count, blocked))),
        reverse=np.concatenate((count + np.arange(count), np.arange(count))),
        nodes=2 * graph.nodes,
    )


def _regrouped(
    graph: DesignGraph, *, tails: Integers, heads: Integers, spans: Integers, reverse: Integers, nodes: int
) -> DesignGraph:
    """Return a graph of other arcs, grouped by their tails."""
    order = np.argsort(tails, kind="stable")
    position = np.empty_like(order)
    position[order] = np.arange(len(order))
    return DesignGraph(
        nodes=nodes,
        spans=graph.spans,
        first_arc=np.searchsorted(tails[order], np.arange(nodes + 1)).astype(np.int64),
        head=heads[order],
        arc_span=spans[order],
        arc_reverse=position[reverse[order]],
        span_loss_db=graph.span_loss_db,
        span_joint_db=graph.span_joint_db,
        site_node=graph.site_node,
    )


ChainLink = tuple[int, int, int]
"""Two nodes, and the number of edge-disjoint ways that a plan must have between them."""


def chain_of_parts(
    nodes: int, start: Integers, end: Integers, shared: NDArray[np.bool_], ends: tuple[int, int]
) -> list[ChainLink]:
    """Return what two routes between two nodes need of some edges when they share no more than the flagged ones.

    One way over each stretch of bridges, two through each part without bridges in which no edge is flagged, and one
    through a part in which some are: that is less than the routes have, so that a bound stays one.
    """
    parts = two_route_parts(nodes, start, end)
    loose = set(parts[start[shared & (parts[start] == parts[end])]].tolist())
    graph: nx.Graph[int] = nx.Graph(zip(start.tolist(), end.tolist(), strict=True))
    links: list[ChainLink] = []
    for u, v in pairwise(nx.shortest_path(graph, *ends)):
        ways = 2 if parts[u] == parts[v] and int(parts[u]) not in loose else 1
        if links and links[-1][2] == ways:
            links[-1] = (links[-1][0], v, ways)
        else:
            links.append((u, v, ways))
    return links
