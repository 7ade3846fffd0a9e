"""What the routes of a demand cannot avoid sharing: the risks that every route must meet, found exactly."""

from __future__ import annotations

from itertools import pairwise

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from planner.design.blocks import bridges, two_route_parts
from planner.design.graph import DesignGraph, span_risks
from planner.design.paths import shortest_trees, walk_to
from planner.network import Floats, Integers, Network

RARELY = 1e-6
"""Weight of a span without a suspected risk, against 1 for each that it has."""


def unavoidable_risks(network: Network, graph: DesignGraph, source: int, target: int) -> frozenset[str]:
    """Return the risk groups that two routes between two nodes may share when they share as little as possible.

    These are the groups that every route meets, so that losing one separates the nodes, and the groups that lie within
    one of them (a duct along a bridge whose street is such a group). Exact; empty when nothing joins the nodes.
    """
    path, suspects = _suspects(network, graph, source, target)
    unavoidable = {group for span in _bridge_spans(network, graph) & set(path) for group in span_risks(network, span)}
    unavoidable |= {
        group for group in suspects - unavoidable if _separates(graph, graph.group_spans[group], source, target)
    }
    return frozenset(unavoidable | _inside(network, graph, unavoidable))


def _suspects(network: Network, graph: DesignGraph, source: int, target: int) -> tuple[list[int], set[str]]:
    """Return a path that meets few risks, and the risks that neither it nor the paths before it avoided."""
    weight: Floats = np.full(graph.spans, RARELY)
    suspects: set[str] | None = None
    while True:
        distance, parents = shortest_trees(graph, weight, np.array([source], dtype=np.int64))
        if not np.isfinite(distance[0, target]):
            return [], set()
        path = walk_to(graph, parents[0], target)
        met = {group for span in path for group in span_risks(network, span)}
        left = met if suspects is None else suspects & met
        if left == suspects or not left:
            return path, left
        suspects = left
        weight = np.full(graph.spans, RARELY)
        for group in sorted(suspects):
            weight[list(graph.group_spans[group])] += 1.0


def _bridge_spans(network: Network, graph: DesignGraph) -> set[int]:
    """Return the usable spans whose loss separates their ends."""
    used = np.unique(graph.arc_span)
    alone = bridges(graph.nodes, network.spans.start[used], network.spans.end[used])
    return set(used[alone].tolist())


def _separates(graph: DesignGraph, lost: tuple[int, ...], source: int, target: int) -> bool:
    weight = np.ones(graph.spans)
    weight[list(lost)] = np.inf
    distance, _ = shortest_trees(graph, weight, np.array([source], dtype=np.int64))
    return not bool(np.isfinite(distance[0, target]))


def _inside(network: Network, graph: DesignGraph, outer: set[str]) -> set[str]:
    """Return the groups all of whose spans belong to one of the outer groups: what fails with it anyway."""
    found: set[str] = set()
    for group in sorted(outer):
        members = set(graph.group_spans[group])
        touched = {inner for span in members for inner in span_risks(network, span)}
        found |= {inner for inner in touched if members.issuperset(graph.group_spans[inner])}
    return found


def spans_that_may_be_shared(network: Network, graph: DesignGraph, exempt: frozenset[str]) -> frozenset[int]:
    """Return the usable spans all of whose risks are exempt: both routes may use them."""
    touched = {span for group in exempt for span in graph.group_spans.get(group, ())}
    return frozenset(span for span in touched if exempt.issuperset(span_risks(network, span)))


def with_spans_twice(graph: DesignGraph, spans: frozenset[int]) -> DesignGraph:
    """Return the graph with a second pair of arcs for some spans, so that span-disjoint paths may both use them."""
    again = np.flatnonzero(np.isin(graph.arc_span, sorted(spans)))
    tails = graph.head[graph.arc_reverse]
    count = len(graph.head)
    place = np.full(count, -1, dtype=np.int64)
    place[again] = count + np.arange(len(again))
    reverse = np.concatenate((graph.arc_reverse, place[graph.arc_reverse[again]]))
    tails = np.concatenate((tails, tails[again]))
    order = np.argsort(tails, kind="stable")
    position = np.empty_like(order)
    position[order] = np.arange(len(order))
    return DesignGraph(
        nodes=graph.nodes,
        spans=graph.spans,
        first_arc=np.searchsorted(tails[order], np.arange(graph.nodes + 1)).astype(np.int64),
        head=np.concatenate((graph.head, graph.head[again]))[order],
        arc_span=np.concatenate((graph.arc_span, graph.arc_span[again]))[order],
        arc_reverse=position[reverse[order]],
        span_loss_db=graph.span_loss_db,
        span_joint_db=graph.span_joint_db,
        site_node=graph.site_node,
        group_spans=graph.group_spans,
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
