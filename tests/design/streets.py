"""Small street worlds for the lower bound, and their exact optima."""

from __future__ import annotations

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

from planner.design.orientation import OrientationProblem


def exact_price(problem: OrientationProblem, fixed: dict[tuple[int, int], int] | None = None) -> float | None:
    """Return the least price of a plan by an integer program with one row per cut and phase; None if there is none.

    `fixed` says of some (phase, edge) whether it is there (1) or not (0).
    """
    phases, edges = problem.prices.shape
    prices = np.minimum.accumulate(problem.prices, axis=0)
    steps = prices - np.vstack((prices[1:], np.zeros((1, edges))))
    rows, needs = [], []
    for cut in range(1, 2 ** (problem.nodes - 1)):
        inside = np.array([cut >> node & 1 for node in range(problem.nodes)], dtype=bool)
        crossing = inside[problem.start] != inside[problem.end]
        for phase in range(phases):
            wanted = [k for s, t, k, first in problem.demands if first <= phase and inside[s] != inside[t]]
            if wanted:
                row = np.zeros((phases, edges))
                row[phase] = crossing
                rows.append(row.ravel())
                needs.append(max(wanted))
    for phase in range(phases - 1):
        for edge in range(edges):
            row = np.zeros((phases, edges))
            row[phase, edge], row[phase + 1, edge] = -1.0, 1.0
            rows.append(row.ravel())
            needs.append(0)
    if not rows:
        return 0.0
    if edges == 0:
        return None
    low, high = np.zeros((phases, edges)), np.ones((phases, edges))
    for place, state in (fixed or {}).items():
        low[place] = high[place] = state
    found = milp(
        steps.ravel(),
        integrality=np.ones(phases * edges),
        bounds=Bounds(low.ravel(), high.ravel()),
        constraints=LinearConstraint(np.array(rows), lb=np.array(needs)),
    )
    return None if found.x is None else float(steps.ravel() @ np.round(found.x))


def random_problem(seed: int, *, rising: bool = False) -> OrientationProblem:
    """Return a graph of 4 to 7 nodes and up to 12 edges, some free, with 1 to 3 phases and 1 to 4 demands."""
    rng = np.random.default_rng(seed)
    phases, nodes = 1 + seed % 3, int(rng.integers(4, 8))
    edges = int(rng.integers(nodes, 13))
    start = rng.integers(0, nodes, edges)
    end = (start + rng.integers(1, nodes, edges)) % nodes
    first = rng.integers(0, 5, edges) * rng.uniform(0.5, 30.0)
    factors = 1.0 + rng.uniform(-0.3, 0.3, (phases, edges)) if rising else 0.8 ** np.arange(phases)[:, None]
    demands = []
    for _ in range(int(rng.integers(1, 5))):
        source, target = rng.choice(nodes, 2, replace=False)
        demands.append((int(source), int(target), int(rng.integers(1, 3)), int(rng.integers(phases))))
    prices = first * factors * np.ones((phases, 1))
    return OrientationProblem(nodes=nodes, start=start, end=end, prices=prices, demands=tuple(demands))


def world(edges: str, *demands: tuple[int, int, int, int], factors: tuple[float, ...] = (1.0,)) -> OrientationProblem:
    """Return a problem from edges such as `0-1:5 1-2:3` (price 5 and 3), the same in every phase up to a factor."""
    ends = np.array([[int(node) for node in edge.split(":")[0].split("-")] for edge in edges.split()])
    price = np.array([float(edge.split(":")[1]) for edge in edges.split()])
    return OrientationProblem(
        nodes=int(ends.max()) + 1,
        start=ends[:, 0].copy(),
        end=ends[:, 1].copy(),
        prices=np.outer(factors, price),
        demands=demands,
    )


def grid(side: int, *demands: tuple[int, int, int, int], seed: int = 0) -> OrientationProblem:
    """Return a square grid with random prices from 1 to 2."""
    index = np.arange(side * side).reshape(side, side)
    start = np.concatenate((index[:, :-1].ravel(), index[:-1].ravel()))
    end = np.concatenate((index[:, 1:].ravel(), index[1:].ravel()))
    prices = np.random.default_rng(seed).uniform(1.0, 2.0, (1, len(start)))
    return OrientationProblem(nodes=side * side, start=start, end=end, prices=prices, demands=demands)
