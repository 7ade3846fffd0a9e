"""Blocks, bridges and parts against networkx on random multigraphs."""

from __future__ import annotations

from collections import Counter

import networkx as nx
import numpy as np
import pytest

from planner.design.blocks import bridges, connected_parts, edge_blocks, incidence, two_route_parts


def random_graph(seed: int) -> tuple[int, np.ndarray, np.ndarray]:
    """Return nodes, starts and ends; parallel edges and loops happen."""
    rng = np.random.default_rng(seed)
    nodes, edges = int(rng.integers(1, 12)), int(rng.integers(0, 18))
    return nodes, rng.integers(0, nodes, edges), rng.integers(0, nodes, edges)


def pairs(start: np.ndarray, end: np.ndarray) -> list[tuple[int, int]]:
    return [(min(u, v), max(u, v)) for u, v in zip(start.tolist(), end.tolist(), strict=True)]


@pytest.mark.parametrize("seed", range(60))
def test_blocks_bridges_and_parts_are_those_of_networkx(seed: int) -> None:
    nodes, start, end = random_graph(seed)
    counts = Counter(pair for pair in pairs(start, end) if pair[0] != pair[1])
    graph = nx.Graph(counts.keys())
    graph.add_nodes_from(range(nodes))
    found: dict[int, set[tuple[int, int]]] = {}
    for block, pair in zip(edge_blocks(nodes, start, end).tolist(), pairs(start, end), strict=True):
        assert (block < 0) == (pair[0] == pair[1])
        if block >= 0:
            found.setdefault(block, set()).add(pair)
    expected = [{(min(e), max(e)) for e in block} for block in nx.biconnected_component_edges(graph)]
    assert sorted(map(sorted, found.values())) == sorted(map(sorted, expected))
    alone = {pair for pair in ((min(e), max(e)) for e in nx.bridges(graph)) if counts[pair] == 1}
    is_bridge = bridges(nodes, start, end).tolist()
    assert [pair in alone for pair in pairs(start, end)] == is_bridge
    graph.remove_edges_from(alone)
    for labels, parts in (
        (
            connected_parts(nodes, start, end),
            nx.connected_components(nx.Graph([*counts, *((v, v) for v in range(nodes))])),
        ),
        (two_route_parts(nodes, start, end), nx.connected_components(graph)),
    ):
        groups = sorted(sorted(part) for part in parts)
        assert sorted(np.flatnonzero(labels == label).tolist() for label in np.unique(labels)) == groups
        assert labels[0] == 0


def test_incidence_lists_edges_at_each_node_in_order() -> None:
    offsets, edges = incidence(4, np.array([0, 2, 0, 1]), np.array([1, 0, 0, 2]))
    assert [edges[offsets[v] : offsets[v + 1]].tolist() for v in range(4)] == [[0, 1, 2, 2], [0, 3], [1, 3], []]


def test_a_long_path_does_not_exhaust_the_stack() -> None:
    start = np.arange(100_000)
    assert bridges(100_001, start, start + 1).all()
    assert len(np.unique(two_route_parts(100_001, start, start + 1))) == 100_001
