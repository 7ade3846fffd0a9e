"""Shortest trees, disjoint pairs and routes against networkx and against trying every route."""

from __future__ import annotations

import tempfile
from itertools import combinations
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest

import worlds
from design.drawn import Everything, random_world, span_graph, with_ducts_in_streets
from planner.design.graph import DesignGraph, design_graph
from planner.design.ledger import Ledger, PriceTable
from planner.design.paths import disjoint_pair, shortest_trees, sum_along, walk_to
from planner.design.pricing import RouteSearch
from planner.design.routes import Candidate, RouteJudge
from planner.network import Network, Nodes, with_digest
from planner.scenario import Demand
from worlds import PRICES, World, demand, hop, make_world

pytestmark = pytest.mark.usefixtures("inprocess")


def random_multigraph(rng: np.random.Generator) -> Network:
    """Return a network of 3 to 9 nodes and up to 20 streets, parallel ones among them; places mean nothing."""
    nodes, streets = int(rng.integers(3, 10)), int(rng.integers(3, 21))
    price = {name: values[1] for name, values in PRICES.items()}
    columns = []
    for index in range(streets):
        start = int(rng.integers(nodes))
        end = (start + int(rng.integers(1, nodes))) % nodes
        line = [(5.0 + start, 50.0), (5.0 + end, 50.0)]
        columns.append(
            worlds._span(f"s{index}", "trench", 1.0, price)
            | {"start": start, "end": end, "loss_db": float(rng.integers(0, 5)), "line": line}
        )
    return with_digest(
        Network(
            title="multigraph",
            scenario_digest="",
            nodes=Nodes(
                ids=tuple(f"n{number}" for number in range(nodes)),
                lon_deg=np.arange(nodes, dtype=np.float64),
                lat_deg=np.zeros(nodes),
                kinds=("junction",) * nodes,
                joint_loss_db=np.zeros(nodes),
            ),
            spans=worlds._columns(columns),
            sites=(),
            notes=(),
            attributions=(),
        )
    )


def walk_is(network: Network, walk: list[int], source: int, target: int) -> bool:
    """Return whether spans lead from one node to another."""
    node = source
    for span in walk:
        start, end = int(network.spans.start[span]), int(network.spans.end[span])
        if node not in (start, end):
            return False
        node = end if node == start else start
    return node == target


def case(seed: int) -> tuple[Network, DesignGraph, Any, np.random.Generator]:
    """Return a random multigraph and whole prices of its spans, some free, some infinite."""
    rng = np.random.default_rng(seed)
    network = random_multigraph(rng)
    weight = rng.integers(0, 12, len(network.spans)).astype(np.float64)
    weight[rng.random(len(weight)) < 0.1] = np.inf
    return network, design_graph(network), weight, rng


def weighted(network: Network, weight: Any) -> nx.MultiGraph[int]:
    """Return the spans that may be used as edges with their prices."""
    graph = span_graph(network)
    for a, b, span in list(graph.edges(keys=True)):
        if np.isfinite(weight[span]):
            graph.edges[a, b, span]["weight"] = int(weight[span])
        else:
            graph.remove_edge(a, b, span)
    return graph


@pytest.mark.parametrize("block", range(3))
def test_shortest_trees_are_those_of_networkx(block: int) -> None:
    for seed in range(100 * block, 100 * block + 100):
        network, graph, weight, _ = case(seed)
        nodes = np.arange(graph.nodes)
        distance, parents = shortest_trees(graph, weight, nodes)
        values = sum_along(graph, parents, nodes, graph.span_loss_db)
        known = dict(nx.all_pairs_dijkstra_path_length(weighted(network, weight)))
        for source in nodes:
            for target in nodes:
                place = f"seed {seed}, from {source} to {target}"
                assert distance[source, target] == known[source].get(target, np.inf), place
                walk = walk_to(graph, parents[source], target)
                if np.isfinite(distance[source, target]):
                    assert walk_is(network, walk, source, target), place
                    assert sum(weight[span] for span in walk) == distance[source, target], place
                    assert values[source, target] == sum(graph.span_loss_db[span] for span in walk), place
                else:
                    assert walk == [], place


def cheapest_pair_price(graph: nx.MultiGraph[int], source: int, target: int) -> float:
    """Return the price of two edge-disjoint paths as a flow of two units; infinite where there are none."""
    arcs: nx.MultiDiGraph[int] = nx.MultiDiGraph()
    arcs.add_nodes_from(graph.nodes, demand=0)
    arcs.add_node(source, demand=-2)
    arcs.add_node(target, demand=2)
    for a, b, price in graph.edges(data="weight"):
        arcs.add_edge(a, b, weight=price, capacity=1)
        arcs.add_edge(b, a, weight=price, capacity=1)
    try:
        return float(nx.network_simplex(arcs)[0])
    except nx.NetworkXUnfeasible:
        return np.inf


@pytest.mark.parametrize("block", range(3))
def test_disjoint_pairs_cost_what_networkx_says(block: int) -> None:
    found = 0
    for seed in range(150 * block, 150 * block + 150):
        network, graph, weight, rng = case(seed)
        source, target = (int(node) for node in rng.choice(graph.nodes, 2, replace=False))
        pair = disjoint_pair(graph, weight, source, target)
        expected = cheapest_pair_price(weighted(network, weight), source, target)
        if pair is None:
            assert expected == np.inf, f"seed {seed}"
            continue
        found += 1
        first, second = pair
        assert walk_is(network, first, source, target), f"seed {seed}"
        assert walk_is(network, second, source, target), f"seed {seed}"
        assert len({*first, *second}) == len(first) + len(second), f"seed {seed}"
        assert sum(weight[span] for span in first + second) == expected, f"seed {seed}"
    assert found >= 40


def search_in(world: World) -> tuple[RouteSearch, Ledger]:
    """Return a search in a world, and books in which nothing is built."""
    judge = RouteJudge(world.network, world.scenario)
    return RouteSearch(design_graph(world.network), judge), Ledger(PriceTable(world.network, world.scenario))


def world_of(seed: int, **options: Any) -> World:
    with tempfile.TemporaryDirectory() as folder:
        return random_world(Path(folder), seed, **options)


def risky_world_of(seed: int) -> World:
    return with_ducts_in_streets(world_of(seed), seed)


def all_routes(world: World, wanted: Demand) -> list[Candidate]:
    return Everything(network=world.network, scenario=world.scenario).candidates(wanted)


def all_pairs(routes: list[Candidate]) -> list[tuple[Candidate, Candidate]]:
    return [(a, b) for a, b in combinations(routes, 2) if not a.conflicts & b.conflicts]


def test_pairs_share_no_risk_and_are_nearly_always_found() -> None:
    """Risk-disjoint pairs are hard to find in general: the search may miss some, but must not invent any."""
    there = found = 0
    for seed in range(70):
        world = risky_world_of(seed)
        for wanted in world.scenario.demands:
            if wanted.routes < 2:
                continue
            search, ledger = search_in(world)
            pair = search.cheapest_service(wanted, ledger)
            exists = bool(all_pairs(all_routes(world, wanted)))
            there += exists
            if pair is None:
                continue
            assert len(pair) == 2, f"seed {seed}"
            assert not pair[0].conflicts & pair[1].conflicts, f"seed {seed}"
            assert exists, f"seed {seed}"
            found += 1
    assert there >= 15
    assert found >= 0.95 * there


def test_a_route_without_limits_costs_what_the_cheapest_of_all_costs() -> None:
    """On empty books, and where other demands have built already; the search may add a token price per km to a tie."""
    compared = 0
    for seed in range(70):
        world = risky_world_of(seed) if seed % 2 else world_of(seed)
        search, ledger = search_in(world)
        for wanted in world.scenario.demands:
            route = search.cheapest_route(wanted, ledger)
            fitting = [item for item in all_routes(world, wanted) if ledger.fits(item)]
            assert (route is None) == (not fitting), f"seed {seed}, demand {wanted.id}"
            if route is None:
                continue
            least = min(ledger.added_cost(item) for item in fitting)
            assert ledger.added_cost(route) <= least + 10.0, f"seed {seed}, demand {wanted.id}"
            compared += 1
            ledger.add(wanted.id, (route,))
    assert compared >= 90


def test_most_routes_that_reach_the_targets_are_found() -> None:
    """Where limits bind the search is a heuristic: the share that it finds must not fall."""
    there = found = near = 0
    for seed in range(80):
        world = world_of(seed, tight=True)
        wanted = world.scenario.demands[0]
        routes = all_routes(world, wanted)
        if not routes:
            continue
        there += 1
        search, ledger = search_in(world)
        route = search.cheapest_route(wanted, ledger)
        if route is not None:
            found += 1
            near += ledger.added_cost(route) <= 1.01 * min(ledger.added_cost(item) for item in routes)
    assert there >= 50
    assert found >= 0.95 * there
    assert near >= 0.85 * there


def test_the_ends_of_a_hop_must_be_opened_too(tmp_path: Path) -> None:
    drawing = "A--a\n|  |\n|  |\n|  |\n|  |\n+--b--B"
    cheap_hop = {"free-space-terminal": {"price": 30_000.0, "source": "test"}}
    world = make_world(tmp_path, drawing, [demand("A", "B")], hops=[hop("a", "b")], prices=cheap_hop)
    wanted = world.scenario.demands[0]
    search, ledger = search_in(world)
    route = search.cheapest_route(wanted, ledger)
    assert route is not None
    assert ledger.added_cost(route) <= min(ledger.added_cost(item) for item in all_routes(world, wanted)) + 10.0
