"""Trees and their bounds against exhaustive search on small graphs, and against trees that are known by hand."""

from __future__ import annotations

from itertools import combinations, pairwise

import networkx as nx
import numpy as np
import pytest

from planner.design.dual_ascent import FAR, dual_ascent, tree_graph, useless_arcs
from planner.design.line_bound import find_lines
from planner.design.orientation import OrientationProblem
from planner.design.steiner import FoundTree, find_tree
from planner.design.tree_search import build_tree, improve_tree, price_of


def drawn(seed: int, *, nodes: int = 9, edges: int = 16, wholes: bool = True) -> nx.Graph:
    """Return a connected random graph with prices, zero among them."""
    random = np.random.default_rng(seed)
    graph = nx.gnm_random_graph(nodes, edges, seed=seed)
    parts = [min(part) for part in nx.connected_components(graph)]
    graph.add_edges_from(pairwise(parts))
    for edge in sorted(graph.edges):
        graph.edges[edge]["price"] = float(random.integers(0, 12)) if wholes else float(random.uniform(0.0, 12.0))
    return graph


def columns(graph: nx.Graph) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    edges = sorted(graph.edges(data="price"))
    return (
        np.array([a for a, _, _ in edges], dtype=np.int64),
        np.array([b for _, b, _ in edges], dtype=np.int64),
        np.array([price for *_, price in edges], dtype=np.float64),
    )


def cheapest(graph: nx.Graph, terminals: list[int]) -> float:
    """Return the price of the cheapest tree: the best spanning tree over every choice of other nodes."""
    others = [node for node in graph if node not in terminals]
    best = np.inf
    for count in range(len(others) + 1):
        for chosen in combinations(others, count):
            part = graph.subgraph([*terminals, *chosen])
            if nx.is_connected(part):
                best = min(best, nx.minimum_spanning_tree(part, weight="price").size(weight="price"))
    return best


def find(graph: nx.Graph, terminals: list[int]) -> FoundTree:
    start, end, prices = columns(graph)
    return find_tree(
        graph.number_of_nodes(), start, end, prices, np.array(terminals), hear=lambda _: True, offer=lambda _: None
    )


@pytest.mark.parametrize("seed", range(60))
def test_tree_is_optimal_and_bound_is_safe(seed: int) -> None:
    graph = drawn(seed, wholes=seed % 2 == 0)
    terminals = list(range(2 + seed % 4))
    best = cheapest(graph, terminals)
    found = find(graph, terminals)
    start, end, prices = columns(graph)
    assert found.bound <= best * (1.0 + 1e-12)
    assert found.price == pytest.approx(prices[found.used].sum())
    assert found.price == pytest.approx(best), "small trees are found"
    tree = nx.Graph(zip(start[found.used].tolist(), end[found.used].tolist(), strict=True))
    assert all(nx.has_path(tree, terminals[0], node) for node in terminals[1:])


@pytest.mark.parametrize("seed", range(30))
def test_ascents_bound_the_optimum_from_every_root_and_spare_it(seed: int) -> None:
    graph = drawn(seed)
    terminals = np.array([0, 1, 2, 3])
    best = int(cheapest(graph, terminals.tolist()))
    start, end, prices = columns(graph)
    whole = tree_graph(graph.number_of_nodes(), start, end, prices.astype(np.int64))
    for root in terminals.tolist():
        ascent = dual_ascent(whole, terminals, root)
        assert 0 <= ascent.bound <= best
        assert (ascent.reduced >= 0).all()
        useless = useless_arcs(whole, terminals, ascent, best + 1).reshape(-1, 2).all(axis=1)
        rest = nx.Graph()
        rest.add_nodes_from(graph)
        rest.add_weighted_edges_from(
            zip(start[~useless].tolist(), end[~useless].tolist(), prices[~useless].tolist(), strict=True), "price"
        )
        assert cheapest(rest, terminals.tolist()) == best, "a tree that costs less than the limit survives"


def test_ascent_of_terminals_that_nothing_joins_has_no_end() -> None:
    whole = tree_graph(4, np.array([0, 2]), np.array([1, 3]), np.array([1, 1]))
    assert dual_ascent(whole, np.array([0, 1, 3]), 0).bound == FAR


def test_search_leaves_a_poor_tree_and_equal_seeds_find_the_same() -> None:
    """A star costs 3 x 10 where short paths alone give 2 x 18."""
    whole = tree_graph(
        4, np.array([0, 1, 2, 0, 1, 0]), np.array([3, 3, 3, 1, 2, 2]), np.array([10, 10, 10, 18, 18, 18])
    )
    terminals = np.array([0, 1, 2])
    built = build_tree(whole, terminals, 0, whole.prices.astype(np.float64))
    assert price_of(whole, built) == 36
    better = improve_tree(whole, terminals, built, rounds=200, seed=1)
    assert price_of(whole, better) == 30
    assert (better == improve_tree(whole, terminals, built, rounds=200, seed=1)).all()


def test_hearers_may_end_the_search() -> None:
    graph = drawn(3)
    start, end, prices = columns(graph)
    heard: list[float] = []
    offered: list[float] = []

    def hear(bound: float) -> bool:
        heard.append(bound)
        return False

    found = find_tree(
        9, start, end, prices, np.array([0, 1, 2]), hear=hear, offer=lambda used: offered.append(prices[used].sum())
    )
    assert offered[-1] == pytest.approx(found.price)
    assert max(heard) <= found.price


@pytest.mark.parametrize("seed", range(12))
def test_lines_of_one_route_are_proven_by_trees_as_by_the_relaxation(seed: int) -> None:
    graph = drawn(seed, nodes=10, edges=20)
    start, end, prices = columns(graph)
    problem = OrientationProblem(
        nodes=10, start=start, end=end, prices=prices[None, :], demands=((0, 1, 1, 0), (1, 2, 1, 0), (0, 3, 1, 0))
    )
    offered: list[np.ndarray] = []
    found = find_lines(problem, gap=0.0, hear=lambda _: True, offer=offered.append, seconds_left=lambda: 60.0)
    best = cheapest(graph, [0, 1, 2, 3])
    assert found.price == pytest.approx(best)
    assert best * (1.0 - 1e-5) - 1e-6 <= found.bound <= best * (1.0 + 1e-9) + 1e-9
    assert offered[-1].shape == (1, len(start))
