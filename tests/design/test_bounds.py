"""The lower bound against plans and against the best of all simple routes, on random tiny worlds."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from design.judged import best_of_simple_routes, try_plan, world_of
from planner.design import design_plan
from planner.design.bounds import lower_bound
from planner.design.instance import MONEY
from planner.errors import InfeasibleError
from planner.plan import Plan
from worlds import CHAIN, PAIRS, World, demand, hop, make_world, phases, stored

ROOT = Path(__file__).parents[2]
SAFE = 1.0 + 1e-9

pytestmark = pytest.mark.usefixtures("inprocess")


def best_cost(world: World) -> float | None:
    """Return the least cost over all simple routes; infinite where there is no plan, None where they are too many."""
    choice = best_of_simple_routes(world)
    return None if choice is None else MONEY * choice.cost


@pytest.mark.parametrize("block", range(4))
def test_no_plan_is_cheaper_than_the_bound(block: int) -> None:
    planned = compared = near = 0
    for seed in range(26 * block, 26 * block + 26):
        world = world_of(seed)
        result, optimum = try_plan(world), best_cost(world)
        if isinstance(result, InfeasibleError):
            assert optimum in (None, np.inf), f"seed {seed}: {result}"
        if not isinstance(result, Plan):
            continue
        planned += 1
        bound = lower_bound(world.network, world.scenario).value
        assert bound <= result.outcome.cost * SAFE, f"seed {seed}"
        assert result.outcome.lower_bound <= result.outcome.cost, f"seed {seed}"
        if optimum is not None:
            compared += 1
            assert bound <= optimum * SAFE, f"seed {seed}"
            near += result.outcome.cost <= optimum * 1.02
    assert planned >= 18
    assert compared >= 10
    assert near >= compared - 2


def test_no_plan_is_cheaper_than_the_bound_where_routes_share_what_they_must() -> None:
    compared = sharing = near = 0
    for seed in range(100):
        world = world_of(seed, bridged=True)
        optimum = best_cost(world)
        if optimum is None or optimum == np.inf:
            continue
        compared += 1
        bound = lower_bound(world.network, world.scenario).value
        assert bound <= optimum * SAFE, f"seed {seed}"
        result = try_plan(world)
        assert isinstance(result, Plan), f"seed {seed}: {result}"
        sharing += any(service.shared_spans for service in result.services)
        near += result.outcome.cost <= optimum * 1.02
    assert compared >= 20
    assert sharing >= 10
    assert near >= compared - 2


def test_no_plan_is_cheaper_than_the_bound_where_limits_bind() -> None:
    compared = 0
    for seed in range(30):
        world = world_of(seed, tight=True)
        optimum = best_cost(world)
        if optimum is None or optimum == np.inf:
            continue
        compared += 1
        assert lower_bound(world.network, world.scenario).value <= optimum * SAFE, f"seed {seed}"
    assert compared >= 15


def test_a_hop_pays_for_the_huts_at_its_ends(tmp_path: Path) -> None:
    world = make_world(tmp_path, "A--m   n--B", [demand("A", "B")], cell_km=0.2, hops=[hop("m", "n")])
    optimum = best_cost(world)
    assert optimum is not None
    assert 0.999 * optimum <= lower_bound(world.network, world.scenario).value <= optimum * SAFE


def test_hops_do_not_pay_twice_for_the_hut_they_share(tmp_path: Path) -> None:
    wanted = [demand("A", "B"), demand("A", "C")]
    drawing = "A--m   n--B\n\n   o---C"
    world = make_world(tmp_path, drawing, wanted, cell_km=0.2, hops=[hop("m", "n"), hop("m", "o")])
    optimum = best_cost(world)
    assert optimum is not None
    assert 0.999 * optimum <= lower_bound(world.network, world.scenario).value <= optimum * SAFE


def random_tree(folder: Path, seed: int) -> World:
    """Return a comb of streets and ducts: one way between any two sites."""
    rng = np.random.default_rng(seed)
    width = int(rng.integers(2, 5))
    spine = "".join("+" + ("--" if rng.random() < 0.6 else "==") for _ in range(width - 1)) + "+"
    teeth = "".join(("|" if rng.random() < 0.6 else ":") + "  " for _ in range(width)).rstrip()
    ends = "  ".join(chr(ord("A") + i) for i in range(width))
    names = [chr(ord("A") + i) for i in range(width)]
    wanted = [
        demand(a, b, id=f"d{i}", from_phase=f"p{int(rng.integers(2)) + 1}") for i, (a, b) in enumerate(pairwise(names))
    ]
    return make_world(folder, "\n".join((spine, teeth, ends)), wanted, phases=phases(None, None))


@pytest.mark.parametrize("seed", range(12))
def test_on_a_tree_the_bound_is_the_optimum(tmp_path: Path, seed: int) -> None:
    world = random_tree(tmp_path, seed)
    plan = try_plan(world)
    assert isinstance(plan, Plan)
    assert plan.outcome.cost == pytest.approx(best_cost(world), rel=1e-6)
    assert plan.outcome.lower_bound == pytest.approx(plan.outcome.cost, rel=1e-3)


def test_two_routes_on_a_ring_are_proven(tmp_path: Path) -> None:
    world = make_world(tmp_path, "A--+--B\n|     |\n+--C--+", [demand("A", "B", routes=2), demand("A", "C", routes=2)])
    plan = try_plan(world)
    assert isinstance(plan, Plan)
    assert plan.outcome.lower_bound == pytest.approx(plan.outcome.cost, rel=1e-3)


def test_what_is_called_impossible_is_impossible() -> None:
    """Every refusal is checked by trying all simple routes; some refusals must be among the worlds."""
    refused = 0
    for seed in range(500, 530):
        world = world_of(seed, tight=seed % 4 == 0)
        result = try_plan(world)
        if isinstance(result, InfeasibleError):
            refused += 1
            assert best_cost(world) in (None, np.inf), f"seed {seed}: {result}"
    assert refused >= 4


FINGERPRINTS = """
from design.test_bounds import fingerprints
from planner.design import bounds
bounds.LARGE_SIZE = 0  # even small problems on all threads
print(fingerprints())
"""


def fingerprints() -> str:
    """Return the exact bounds and the plan's bytes of a few worlds."""
    found: list[str] = []
    for seed in (1, 6, 12):
        world = world_of(seed)
        plan = design_plan(world.network, world.scenario)
        digest = hashlib.sha256(plan.to_json(timing=False).encode()).hexdigest()
        found.append(f"{lower_bound(world.network, world.scenario).value.hex()} {digest}")
    return "\n".join(found)


def test_bound_and_plan_are_the_same_again() -> None:
    assert fingerprints() == fingerprints()


@pytest.mark.slow
def test_bound_and_plan_do_not_depend_on_the_number_of_threads() -> None:
    def run(threads: int) -> str:
        search_path = os.pathsep.join((str(ROOT), str(ROOT / "tests")))
        environment = os.environ | {"NUMBA_NUM_THREADS": str(threads), "PYTHONPATH": search_path}
        done = subprocess.run(
            [sys.executable, "-c", FINGERPRINTS], env=environment, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    once = fingerprints()
    assert run(1) == once
    assert run(2) == once


SHARED = PAIRS | {
    "equipment": {
        "end": [{"item": "snspd-system", "units": 4}],
        "pair_source": [{"item": "snspd-system", "units": 4}],
    }
}
FRUGAL = PAIRS | {
    "equipment": {
        "end": [{"item": "snspd-system", "units": 4}],
        "pair_source": [{"item": "pair-source"}, {"item": "heralding-station"}],
    }
}
GREEDY = PAIRS | {
    "id": "chain",
    "equipment": {"end": [{"item": "snspd-system", "units": 6}], "pair_source": [{"item": "pair-source"}]},
}


@pytest.mark.parametrize("technologies", [[SHARED, CHAIN], [GREEDY, FRUGAL]], ids=["middle", "ends"])
def test_room_in_units_that_the_ends_have_anyway_costs_nothing(tmp_path: Path, technologies: list[Any]) -> None:
    world = make_world(tmp_path, "A---B", [demand("A", "B")], technologies=technologies)
    optimum = best_cost(world)
    assert optimum is not None
    assert lower_bound(world.network, world.scenario).value <= optimum * SAFE


def test_step_by_step_may_change_the_technology(tmp_path: Path) -> None:
    late = PAIRS | {
        "id": "chain",
        "equipment": {"end": [{"item": "memory-node"}], "pair_source": [{"item": "pair-source"}]},
    }
    years = phases(None, None, years=10)
    years[1] |= {"technologies": ["chain"], "world_units_ratio": 64.0}
    world = make_world(tmp_path, "A---B", [demand("A", "B")], technologies=[PAIRS, late], phases=years)
    design_plan(world.network, world.scenario, rollout="step-by-step")


def test_step_by_step_says_that_it_was_proven(tmp_path: Path) -> None:
    world = make_world(
        tmp_path, "A--B--C", [demand("A", "B"), demand("B", "C", from_phase="p2")], phases=phases(None, None)
    )
    plan = design_plan(world.network, world.scenario, rollout="step-by-step")
    assert plan.timing is not None
    assert plan.outcome.gap <= 1e-9
    assert plan.timing.first_plan_s > 0.0
    assert plan.outcome.stopped_by == "proof"


def test_a_middle_half_way_saves_a_second_lane(tmp_path: Path) -> None:
    world = make_world(tmp_path, "A---m---B", [stored("A", "B", min_rate_hz=80.0)], cell_km=4.0)
    plan = try_plan(world)
    assert isinstance(plan, Plan)
    assert plan.outcome.cost == pytest.approx(best_cost(world))


def test_a_middle_half_way_is_found_where_no_other_is_fast_enough(tmp_path: Path) -> None:
    one_lane = CHAIN | {"max_lanes": 1, "max_links": 1}
    wanted = [stored("A", "B", min_rate_hz=80.0)]
    world = make_world(tmp_path, "A---m---B", wanted, cell_km=4.0, technologies=[PAIRS, one_lane])
    assert best_cost(world) < np.inf
    assert isinstance(try_plan(world), Plan)


def test_a_middle_at_an_end_will_do_while_it_is_fast_enough(tmp_path: Path) -> None:
    world = make_world(tmp_path, "A---m---B", [stored("A", "B", min_rate_hz=50.0)], cell_km=4.0)
    plan = try_plan(world)
    assert isinstance(plan, Plan)
    assert plan.outcome.cost == pytest.approx(best_cost(world))
