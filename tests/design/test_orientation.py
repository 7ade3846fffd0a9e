"""The lower bound on line prices against exact optima of small worlds."""

from __future__ import annotations

import numba
import numpy as np
import pytest

from design.streets import exact_price, grid, random_problem, world
from planner.design.orientation import OrientationBound, OrientationProblem, bound_orientation

RING = "0-1:1 1-2:2 2-3:3 3-0:4"


def bound(problem: OrientationProblem) -> OrientationBound:
    return bound_orientation(problem, max_steps=4000, target_gap=1e-5)


@pytest.mark.parametrize("block", range(5))
def test_bound_never_exceeds_the_optimum_and_mostly_reaches_it(block: int) -> None:
    gaps = []
    for seed in range(100 * block, 100 * block + 70):
        problem = random_problem(seed, rising=seed % 2 == 0)
        optimum = exact_price(problem)
        if optimum is None:
            with pytest.raises(ValueError, match=r"no route|no two edge-disjoint routes"):
                bound_orientation(problem, max_steps=0)
            continue
        for steps in (200, 2000):
            found = bound_orientation(problem, max_steps=steps, incumbent=optimum)
            assert found.value <= optimum
            assert found.usage.min() >= 0.0
            assert found.usage.max() <= 1.0
            assert (np.diff(found.usage, axis=0) >= 0.0).all()
        gaps.append((optimum - found.value) / max(optimum, 1e-9))
    assert len(gaps) >= 40
    assert np.mean(np.array(gaps) < 1e-3) >= 0.85


@pytest.mark.parametrize("seed", [1, 6, 11, 16, 22, 25, 30, 38])
def test_what_an_edge_costs_is_safe(seed: int) -> None:
    problem = random_problem(seed)
    optimum = exact_price(problem)
    assert optimum is not None
    for steps in (200, 1200):
        found = bound_orientation(problem, max_steps=steps, incumbent=optimum)
        assert (found.reduced_costs >= 0.0).all()
        assert (found.omission_costs >= 0.0).all()
        for place in np.ndindex(problem.prices.shape):
            with_edge, without = exact_price(problem, {place: 1}), exact_price(problem, {place: 0})
            assert with_edge is None or with_edge >= (found.value + found.reduced_costs[place]) * (1 - 1e-9)
            assert without is None or without >= (found.value + found.omission_costs[place]) * (1 - 1e-9)


def test_two_routes_on_a_ring_need_all_of_it() -> None:
    found = bound(world(RING, (0, 2, 2, 0)))
    assert found.value == pytest.approx(10.0, rel=1e-3)
    assert found.usage == pytest.approx(1.0, abs=0.01)
    assert found.converged


def test_one_route_on_a_ring_takes_the_cheaper_side() -> None:
    found = bound(world(RING, (0, 2, 1, 0)))
    assert found.value == pytest.approx(3.0, rel=1e-3)
    assert found.usage[0] == pytest.approx([1.0, 1.0, 0.0, 0.0], abs=0.01)


def test_edges_off_the_route_cost_something() -> None:
    found = bound(grid(8, (0, 7, 1, 0)))
    assert found.reduced_costs[0].max() > 0.5
    assert found.reduced_costs[0][found.usage[0] > 0.9] == pytest.approx(0.0, abs=0.02)
    ring = bound(world(RING, (0, 2, 2, 0)))
    assert ring.omission_costs.sum() > 3.0


def test_parallel_edges_make_two_routes() -> None:
    assert bound(world("0-1:1 0-1:2 0-1:5", (0, 1, 2, 0))).value == pytest.approx(3.0, rel=1e-3)


def test_sites_off_the_ring_hang_on_it_by_one_route() -> None:
    found = bound(world(RING + " 3-4:7", (0, 2, 2, 0), (4, 1, 1, 0)))
    assert found.value == pytest.approx(17.0, rel=1e-3)


def test_free_edges_are_used_first() -> None:
    assert bound(world("0-1:0 1-2:0 0-2:1", (0, 2, 1, 0))).value == pytest.approx(0.0, abs=1e-6)
    assert bound(world("0-1:0 1-2:0", (0, 2, 1, 0))).value == 0.0


def test_later_phases_pay_discounted_prices() -> None:
    problem = world(RING, (0, 2, 1, 0), (0, 2, 2, 1), factors=(1.0, 0.5))
    assert bound(problem).value == pytest.approx(3.0 + 0.5 * 7.0, rel=1e-3)


def test_digging_early_what_is_needed_later() -> None:
    # Phase 0 alone takes 0-2 for 4, and phase 1 then 1-2 for 0.9 * 2; both ways over 1 at once cost less.
    problem = world("0-1:3 1-2:2 0-2:4", (0, 2, 1, 0), (0, 1, 1, 1), factors=(1.0, 0.9))
    found = bound(problem)
    assert found.value == pytest.approx(5.0, rel=1e-3)
    assert found.usage[0] == pytest.approx([1.0, 1.0, 0.0], abs=0.01)


def test_an_edge_may_be_built_early_when_prices_rise() -> None:
    problem = world("0-1:1", (0, 1, 1, 1), factors=(1.0, 3.0))
    found = bound(problem)
    assert found.value == pytest.approx(1.0, rel=1e-3)
    assert found.usage[:, 0] == pytest.approx([0.0, 1.0], abs=0.01)


def test_parts_may_use_a_bridge_in_opposite_directions() -> None:
    problem = world("0-1:1 0-2:1 0-3:9 3-4:1 3-5:1", (1, 4, 1, 0), (2, 5, 1, 0))
    assert bound(problem).value == pytest.approx(13.0, rel=1e-3)


def test_a_site_need_not_reach_the_next_one_along_a_line() -> None:
    problem = world("0-1:1 1-2:1 2-3:1", (0, 1, 1, 0), (2, 1, 1, 0), (3, 0, 1, 0))
    assert bound(problem).value == pytest.approx(3.0, rel=1e-3)


def test_without_demands_nothing_is_needed() -> None:
    found = bound(world(RING))
    assert (found.value, found.steps, found.converged) == (0.0, 0, True)
    assert found.usage.tolist() == [[0.0] * 4]
    assert found.reduced_costs.tolist() == [[1.0, 2.0, 3.0, 4.0]]


def test_demands_that_cannot_be_met_are_named() -> None:
    with pytest.raises(ValueError, match="no route joins nodes 0 and 3"):
        bound(world("0-1:1 2-3:1", (0, 3, 1, 0)))
    with pytest.raises(ValueError, match="no two edge-disjoint routes join nodes 0 and 2: a bridge"):
        bound(world("0-1:1 0-1:1 1-2:1", (0, 2, 2, 0)))


@pytest.mark.parametrize(
    ("edges", "demand", "message"),
    [
        ("0-0:1", (0, 1, 1, 0), "edge 0 is a loop"),
        ("0-1:-1", (0, 1, 1, 0), "prices must be finite"),
        ("0-1:inf", (0, 1, 1, 0), "prices must be finite"),
        ("0-1:1", (0, 0, 1, 0), "must be two nodes"),
        ("0-1:1", (0, 2, 1, 0), "must be two nodes"),
        ("0-1:1", (0, 1, 3, 0), "1 or 2 routes"),
        ("0-1:1", (0, 1, 1, 1), "an existing phase"),
    ],
)
def test_a_problem_that_cannot_be_is_refused(edges: str, demand: tuple[int, int, int, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        world(edges, demand)


def test_columns_must_fit_together() -> None:
    one = np.zeros(1, np.int64)
    with pytest.raises(ValueError, match="do not fit together"):
        OrientationProblem(nodes=2, start=one, end=one + 1, prices=np.ones((1, 2)), demands=())
    with pytest.raises(ValueError, match="nodes in"):
        OrientationProblem(nodes=2, start=one, end=one + 5, prices=np.ones((1, 1)), demands=())


def test_an_incumbent_ends_the_run_early() -> None:
    problem = grid(8, (0, 63, 2, 0), (7, 56, 1, 0))
    best = bound_orientation(problem, max_steps=20_000, target_gap=1e-6)
    loose = bound_orientation(problem, max_steps=20_000, target_gap=0.05, incumbent=best.value)
    assert loose.steps < best.steps
    assert loose.converged
    assert best.value * 0.95 <= loose.value <= best.value * (1 + 1e-6)


def test_progress_is_told_and_may_end_the_run() -> None:
    heard: list[tuple[int, float]] = []

    def on_progress(steps: int, value: float, usage: np.ndarray) -> bool:
        assert usage.shape == (1, 112)
        heard.append((steps, value))
        return len(heard) < 4

    found = bound_orientation(grid(8, (0, 63, 2, 0)), max_steps=10_000, target_gap=0.0, on_progress=on_progress)
    assert [steps for steps, _ in heard] == [0, 200, 400, 600]
    assert tuple(heard) == found.history
    assert (found.steps, found.converged) == (600, False)
    assert [value for _, value in heard] == sorted(value for _, value in heard)


def test_result_does_not_depend_on_the_number_of_threads() -> None:
    problem = grid(45, (0, 143, 2, 0), (11, 132, 1, 0), (5, 2000, 2, 0))
    before, results = numba.get_num_threads(), []
    for threads in sorted({1, before}):
        numba.set_num_threads(threads)
        results.append(bound_orientation(problem, max_steps=200, target_gap=0.0))
    numba.set_num_threads(before)
    results.append(bound_orientation(problem, max_steps=200, target_gap=0.0))
    for other in results[1:]:
        assert other.history == results[0].history
        assert other.usage.tobytes() == results[0].usage.tobytes()
        assert other.reduced_costs.tobytes() == results[0].reduced_costs.tobytes()


def test_a_run_goes_on_from_where_another_ended() -> None:
    problem = grid(10, (0, 99, 2, 0), (9, 90, 1, 0), (44, 0, 2, 0))
    cold = bound_orientation(problem, max_steps=20_000, target_gap=1e-4)
    assert cold.converged
    kept = np.flatnonzero(cold.value + cold.reduced_costs[0] <= 1.005 * cold.value)
    assert len(kept) < 180
    rest = OrientationProblem(
        nodes=100,
        start=problem.start[kept],
        end=problem.end[kept],
        prices=problem.prices[:, kept] * 1.01,
        demands=problem.demands,
    )
    warm = bound_orientation(rest, max_steps=200, start=cold.state.on_edges(kept))
    assert warm.value >= 1.005 * cold.value
    assert warm.value <= 1.012 * cold.value
    with pytest.raises(ValueError, match="the start has other demands"):
        bound_orientation(rest, max_steps=200, start=cold.state)
    with pytest.raises(ValueError, match="the start has other demands"):
        bound_orientation(grid(10, (0, 99, 2, 0)), max_steps=200, start=cold.state)
