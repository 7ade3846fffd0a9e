"""The pieces of the bound against plain Python: the Lagrangian, its distances, and the projection of usage."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import networkx as nx
import numpy as np
import pytest
from scipy.optimize import LinearConstraint, minimize

from design.inprocess import one_thread
from design.streets import exact_price, grid, random_problem
from planner.design.lagrangian import distances_from
from planner.design.orientation import OrientationProblem
from planner.design.pdhg import HalpernMethod, Rates, Streets, _usage_pass
from planner.design.relaxation import (
    Relaxation,
    best_evaluation,
    build_relaxation,
    evaluate,
    first_point,
    relaxed_price,
    usage_by_phase,
)


@pytest.fixture(autouse=True)
def _on_one_thread() -> Iterator[None]:
    with one_thread():
        yield


def relaxation_of(problem: OrientationProblem) -> Relaxation:
    return build_relaxation(problem.nodes, problem.start, problem.end, problem.prices, problem.demands)


@cache
def solvable() -> tuple[tuple[OrientationProblem, float], ...]:
    """Return random problems that have plans, with their least prices."""
    problems = [random_problem(seed) for seed in range(1, 30)]
    priced = ((problem, exact_price(problem)) for problem in problems)
    return tuple((problem, price) for problem, price in priced if price is not None)[:12]


def lagrangian(problem: OrientationProblem, relaxation: Relaxation, potentials: np.ndarray) -> float:
    """Return the Lagrangian at the rises of potentials: shortest paths, and the best time to begin using each edge."""
    commodities, total = relaxation.commodities, 0.0
    rises = np.zeros((len(commodities.sources), len(problem.start), 2))
    for c, (source, target) in enumerate(zip(commodities.sources, commodities.targets, strict=True)):
        graph = nx.MultiDiGraph()
        for edge, (u, v) in enumerate(zip(problem.start.tolist(), problem.end.tolist(), strict=True)):
            rises[c, edge, 0] = max(0.0, potentials[v, c] - potentials[u, c])
            rises[c, edge, 1] = max(0.0, potentials[u, c] - potentials[v, c])
            graph.add_edge(u, v, weight=rises[c, edge, 0])
            graph.add_edge(v, u, weight=rises[c, edge, 1])
        total += nx.dijkstra_path_length(graph, source, target)
    prices = problem.prices / relaxation.scale
    for edge in range(len(problem.start)):
        choices = [0.0]
        for begin in range(len(prices)):
            gain = 0.0
            for layer, phase in enumerate(commodities.phases):
                if phase >= begin:
                    own = slice(commodities.first[layer], commodities.first[layer + 1])
                    gain += rises[own, edge].sum(axis=0).max()
            choices.append(prices[begin, edge] - gain)
        total += min(choices)
    return total


@pytest.mark.parametrize("index", range(12))
def test_evaluation_is_the_lagrangian_and_never_above_the_optimum(index: int) -> None:
    problem, optimum = solvable()[index]
    relaxation, rng = relaxation_of(problem), np.random.default_rng(index)
    for size in (0.3, 3.0, 100.0):
        potentials = rng.uniform(-size, size, (problem.nodes, len(relaxation.lanes)))
        found = evaluate(relaxation, potentials)
        assert found.value * relaxation.scale <= optimum * (1 + 1e-12)
        each = np.arange(len(relaxation.lanes))
        low = potentials[relaxation.commodities.sources, each]
        high = potentials[relaxation.commodities.targets, each]
        potentials = np.clip(potentials, np.minimum(low, high), high)
        expected = lagrangian(problem, relaxation, potentials)
        assert evaluate(relaxation, potentials).value == pytest.approx(expected, rel=1e-9)
        assert evaluate(relaxation, potentials).value < expected


@pytest.mark.parametrize("index", range(6))
def test_bound_is_safe_at_random_points_of_the_method(index: int) -> None:
    problem, optimum = solvable()[index]
    relaxation, rng = relaxation_of(problem), np.random.default_rng(index)
    for _ in range(20):
        noise = rng.choice([0.01, 1.0, 30.0])
        first, _ = first_point(relaxation)
        point = first._make(array + rng.normal(0.0, noise, array.shape).astype(np.float32) for array in first)
        assert best_evaluation(relaxation, point).value * relaxation.scale <= optimum


def test_distances_are_those_of_networkx() -> None:
    problem = grid(6, (0, 35, 2, 0))
    relaxation, rng = relaxation_of(problem), np.random.default_rng(3)
    lengths = rng.integers(0, 4, (len(problem.start), 2, 2)).astype(float)
    graph = nx.DiGraph()
    for edge, (u, v) in enumerate(zip(problem.start.tolist(), problem.end.tolist(), strict=True)):
        graph.add_edge(u, v, weight=lengths[edge, 0, 1])
        graph.add_edge(v, u, weight=lengths[edge, 1, 1])
    expected = nx.single_source_dijkstra_path_length(graph, 7)
    found = distances_from(relaxation.adjacency, lengths, 1, 7, -1)
    assert found.tolist() == [expected[node] for node in range(36)]
    assert distances_from(relaxation.adjacency, lengths, 1, 7, 30)[30] == expected[30]


def usage_step(wish: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return what one step makes of a wish (layers, 2) for a single edge when nothing has a price."""
    layers = len(weights)
    problem = OrientationProblem(
        nodes=2, start=np.array([0]), end=np.array([1]), prices=np.ones((1, 1)), demands=((0, 1, 1, 0),)
    )
    streets = relaxation_of(problem).streets._replace(
        prices=np.zeros((1, layers), np.float32),
        weights=weights.astype(np.float32),
        first=np.arange(layers + 1).astype(np.uint64) * 8,
        active=np.zeros(8 * layers, np.float32),
    )
    return step_once(streets, wish)


def step_once(streets: Streets, wish: np.ndarray) -> np.ndarray:
    layers, lanes = len(streets.weights), len(streets.active)
    shapes = ((1, lanes),) * 4 + ((1, layers, 2), (2, lanes))
    zero = first_point(relaxation_of(grid(2, (0, 3, 1, 0))))[0]._make(np.zeros(shape, np.float32) for shape in shapes)
    method = HalpernMethod(streets, np.zeros((2, lanes), np.float32), zero, 1.0)
    method.point.usage[0] = wish
    rates = Rates(*(np.float32(1.0),) * 4)
    _usage_pass(streets, method.point, method._anchor, method._room, rates, np.float32(0.5))
    # The step leaves half of the reflected point there: 0.5 * (2 * projection - wish).
    return np.asarray(method.point.usage[0] + 0.5 * wish)


@pytest.mark.parametrize("seed", range(40))
def test_usage_goes_to_the_nearest_point_that_rises_from_layer_to_layer(seed: int) -> None:
    rng = np.random.default_rng(seed)
    layers = 1 + seed % 4
    wish = rng.uniform(-1.0, 1.5, (layers, 2)).round(3)
    weights = rng.integers(1, 9, layers).astype(float)
    rows = np.zeros((layers, layers, 2))
    for layer in range(layers):
        rows[layer, layer] = -1.0
        if layer + 1 < layers:
            rows[layer, layer + 1] = 1.0
    limit = np.append(np.zeros(layers - 1), -1.0)
    best = minimize(
        lambda x: float((weights[:, None] * (x.reshape(layers, 2) - wish) ** 2).sum()),
        np.zeros(2 * layers),
        jac=lambda x: (2.0 * weights[:, None] * (x.reshape(layers, 2) - wish)).ravel(),
        bounds=[(0.0, 1.0)] * (2 * layers),
        constraints=LinearConstraint(rows.reshape(layers, -1), lb=limit),
        method="SLSQP",
        options={"ftol": 1e-12, "maxiter": 300},
    )
    assert usage_step(wish, weights).ravel() == pytest.approx(best.x, abs=1e-4)


def test_the_method_settles_where_usage_costs_as_much_as_the_bound() -> None:
    problem = grid(7, (0, 48, 2, 0), (6, 42, 1, 0))
    relaxation = relaxation_of(problem)
    method = HalpernMethod(relaxation.streets, relaxation.demand, *first_point(relaxation))
    method.advance(3000)
    bound = best_evaluation(relaxation, method.point).value * relaxation.scale
    assert relaxed_price(relaxation, method.point) == pytest.approx(bound, rel=2e-3)
    assert method.steps == 3000
    assert usage_by_phase(relaxation, method.point).shape == problem.prices.shape
