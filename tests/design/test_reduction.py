"""A reduced graph has the same optimum, and leads back to the original edges."""

from __future__ import annotations

import numpy as np
import pytest

from design.streets import exact_price
from planner.design.orientation import OrientationProblem
from planner.design.reduction import ReducedGraph, reduce_graph


def reduced(edges: str, keep: tuple[int, ...], **options: np.ndarray) -> ReducedGraph:
    """Return the reduced graph of edges such as `0-1:5`."""
    ends = np.array([[int(node) for node in edge.split(":")[0].split("-")] for edge in edges.split()])
    price = np.array([[float(edge.split(":")[1]) for edge in edges.split()]])
    return reduce_graph(int(ends.max()) + 1, ends[:, 0].copy(), ends[:, 1].copy(), price, np.array(keep), **options)


def ends(graph: ReducedGraph) -> list[tuple[int, int]]:
    """Return the original nodes that each edge joins."""
    origins = graph.node_origins
    return [(int(origins[u]), int(origins[v])) for u, v in zip(graph.start, graph.end, strict=True)]


def test_a_chain_becomes_one_edge_that_knows_its_members_in_order() -> None:
    graph = reduced("3-1:1 1-0:2 2-3:4", (0, 2))
    assert ends(graph) in ([(0, 2)], [(2, 0)])
    assert graph.prices.tolist() == [[7.0]]
    members = graph.expand(np.array([0])).tolist()
    assert members == ([1, 0, 2] if ends(graph) == [(0, 2)] else [2, 0, 1])


def test_dead_ends_hanging_blocks_loops_and_other_parts_go() -> None:
    graph = reduced("0-1:1 1-2:1 2-3:1 1-4:1 4-5:1 5-1:1 0-0:1 6-7:1", (0, 2))
    assert graph.expand(np.arange(len(graph.start))).tolist() == [0, 1]
    assert graph.node_indices.tolist() == [0, -1, 1, -1, -1, -1, -1, -1]


def test_the_two_cheapest_parallel_edges_stay_because_two_routes_can_use_them() -> None:
    graph = reduced("0-1:3 1-0:1 0-2:1 2-1:1 0-1:1", (0, 1))
    assert sorted(graph.expand(np.arange(len(graph.start))).tolist()) == [1, 4]


def test_a_dear_parallel_edge_stays_where_it_loses_less() -> None:
    edges = "0-1:1 0-1:1 0-1:5 0-1:6"
    graph = reduced(edges, (0, 1), losses_db=np.array([2.0, 2.0, 1.0, 3.0]))
    assert graph.members.tolist() == [0, 1, 2]
    assert graph.losses_db is not None
    assert graph.losses_db.tolist() == [2.0, 2.0, 1.0]
    assert reduced(edges, (0, 1)).losses_db is None


def test_losses_add_with_the_joints_inside_a_chain() -> None:
    joints = np.array([9.0, 9.0, 0.5, 0.25])
    graph = reduced("0-2:1 3-2:1 3-1:1", (0, 1), losses_db=np.array([1.0, 2.0, 4.0]), joint_losses_db=joints)
    assert graph.losses_db is not None
    assert graph.losses_db.tolist() == [7.75]


def test_a_chain_of_edges_with_rising_prices_costs_its_cheapest_times() -> None:
    start, end = np.array([0, 1]), np.array([1, 2])
    graph = reduce_graph(3, start, end, np.array([[1.0, 5.0], [2.0, 3.0]]), np.array([0, 2]))
    assert graph.prices.tolist() == [[6.0], [4.0]]


def test_a_plan_carries_over_when_all_members_are_in_it() -> None:
    graph = reduced("0-1:1 1-2:1 2-3:1 0-4:1 4-3:1 0-3:1 2-0:1", (0, 3))
    carried = graph.contract(np.array([0, 1, 2, 5]))
    assert sorted(graph.expand(carried).tolist()) == [0, 1, 2, 5]
    assert graph.contract(np.array([0, 3])).tolist() == []


def test_nothing_is_left_without_two_sites() -> None:
    graph = reduced("0-1:1 1-2:1 2-0:1", (0,))
    assert (graph.nodes, len(graph.start), graph.prices.shape) == (1, 0, (1, 0))
    assert graph.expand(np.arange(0)).tolist() == []
    assert graph.contract(np.array([1])).tolist() == []


@pytest.mark.parametrize("block", range(4))
def test_the_optimum_stays_the_same(block: int) -> None:
    solved = 0
    for seed in range(40 * block, 40 * block + 40):
        rng = np.random.default_rng(seed)
        nodes, edges, phases = 9, int(rng.integers(9, 15)), 1 + seed % 2
        start = rng.integers(0, nodes, edges)
        end = rng.integers(0, nodes, edges)
        prices = rng.integers(1, 20, edges) * rng.choice([1.0, 0.8, 1.2], (phases, edges))
        sites = rng.choice(nodes, 4, replace=False)
        demands = [
            (int(sites[i]), int(sites[i + 1]), int(rng.integers(1, 3)), int(rng.integers(phases))) for i in (0, 2)
        ]
        plain = start != end
        before = exact_price(
            OrientationProblem(
                nodes=nodes, start=start[plain], end=end[plain], prices=prices[:, plain], demands=tuple(demands)
            )
        )
        graph = reduce_graph(nodes, start, end, prices, sites)
        inside = tuple((int(graph.node_indices[s]), int(graph.node_indices[t]), k, p) for s, t, k, p in demands)
        after = exact_price(
            OrientationProblem(nodes=graph.nodes, start=graph.start, end=graph.end, prices=graph.prices, demands=inside)
        )
        assert after == (None if before is None else pytest.approx(before))
        assert len(graph.members) == len(np.unique(graph.members))
        for edge in range(len(graph.start)):
            check_walk(graph, edge, start, end)
        solved += before is not None
    assert solved >= 8


def check_walk(graph: ReducedGraph, edge: int, start: np.ndarray, end: np.ndarray) -> None:
    """Assert that the members of an edge lead from its start to its end."""
    node = graph.node_origins[graph.start[edge]]
    for member in graph.expand(np.array([edge])):
        assert node in (start[member], end[member])
        node = start[member] + end[member] - node
    assert node == graph.node_origins[graph.end[edge]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"keep_nodes": np.array([5])}, "keep_nodes must hold node indices"),
        ({"prices": np.ones(2)}, "do not fit together"),
        ({"prices": -np.ones((1, 2))}, "prices must be finite and not negative"),
        ({"losses_db": np.ones(3)}, "losses_db must hold one value per edge"),
    ],
)
def test_arrays_that_cannot_be_are_refused(change: dict[str, np.ndarray], message: str) -> None:
    given = {"start": np.array([0, 1]), "end": np.array([1, 2]), "prices": np.ones((1, 2)), "keep_nodes": np.array([0])}
    with pytest.raises(ValueError, match=message):
        reduce_graph(3, **(given | change))
