"""The program of lines: its rows, a graph where each family decides, and its answers against one row per cut.

The rows are compared with files in `lp/`. After a wanted change, write them anew from the project's folder, and read
the difference: `PYTHONPATH=.:tests python -m design.test_line_program`.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pulp
import pytest
from numpy.typing import NDArray

from design.inprocess import EXACT
from design.streets import exact_price, grid, random_problem, world
from planner.design import line_bound, line_program
from planner.design.line_bound import find_lines
from planner.design.line_kernel import promising_lines, relaxed_lines, serves
from planner.design.line_program import LINE_CONSTRAINTS, build_line_program, cheapest_lines, line_price
from planner.design.orientation import OrientationProblem

FOLDER = Path(__file__).with_name("lp")
FAMILIES = {family.__name__: family for family in LINE_CONSTRAINTS}

pytestmark = pytest.mark.usefixtures("inprocess")


def sample() -> OrientationProblem:
    """Return a square with a diagonal: two routes between two corners first, one route to a third corner later."""
    return world("0-1:3 1-2:3 2-3:4 3-0:4 0-2:5", (0, 2, 2, 0), (0, 1, 1, 1), (0, 3, 1, 1), factors=(1.0, 0.5))


def cheapest(problem: OrientationProblem) -> float:
    """Return the price of the cheapest network on all edges."""
    edges = np.arange(len(problem.start))
    return cheapest_lines(problem, edges, line_program.line_program(problem, edges), EXACT).price


def rows_as_text(name: str) -> str:
    """Return the rows of one family alone, as PuLP writes them."""
    problem = sample()
    program = line_program.line_program(problem, np.arange(len(problem.start)))
    program = relaxed_lines(program).program if name == "cut_is_crossed" else program
    _, x = build_line_program(program)
    model = pulp.LpProblem(name, pulp.LpMinimize)
    for key, row in FAMILIES[name](program, x):
        model += row, f"{name}_{'_'.join(str(part) for part in key)}"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.lp"
        model.writeLP(str(path))
        text = path.read_text()
    return text[text.index("Subject To") : text.index("Bounds") if "Bounds" in text else text.index("End")]


@pytest.mark.parametrize("name", FAMILIES)
def test_rows_are_those_on_file(name: str) -> None:
    assert rows_as_text(name) == (FOLDER / f"{name}.lp").read_text()


BITES = {
    "flow_arrives": world("0-1:3", (0, 1, 1, 0)),
    "flow_follows_direction": world("0-1:3", (0, 1, 1, 0)),
    "cut_is_crossed": world("0-1:3", (0, 1, 1, 0)),
    "direction_is_built": world("0-1:3 1-2:3 2-0:3", (0, 1, 2, 0)),
    "line_stays_built": world("0-1:3 0-2:2 2-1:2", (0, 1, 1, 0), (0, 2, 1, 1), factors=(1.0, 0.5)),
}


@pytest.mark.parametrize("name", FAMILIES)
def test_without_a_family_the_answer_is_another(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    problem = BITES[name]
    right = cheapest(problem)
    assert right == pytest.approx(exact_price(problem))
    rest = tuple(family for family in LINE_CONSTRAINTS if family.__name__ != name)
    edges = np.arange(len(problem.start))
    program = line_program.line_program(problem, edges)
    program = relaxed_lines(program).program if name == "cut_is_crossed" else program
    monkeypatch.setattr(line_program, "LINE_CONSTRAINTS", rest)
    assert cheapest_lines(problem, edges, program, EXACT).bound < right - 1e-6


def test_a_ring_serves_three_pairs_and_the_program_finds_it() -> None:
    problem = world("0-1:3 1-2:3 2-3:3 3-0:3 0-2:4", (0, 1, 2, 0), (0, 2, 2, 0), (0, 3, 2, 0))
    assert cheapest(problem) == pytest.approx(12.0)


@pytest.mark.parametrize("block", range(3))
def test_cuts_in_place_of_flows_give_the_same_networks(block: int) -> None:
    found = 0
    for seed in range(25 * block, 25 * block + 25):
        problem = random_problem(seed, rising=seed % 2 == 0)
        right, edges = exact_price(problem), np.arange(len(problem.start))
        if right is None:
            continue
        program = line_program.line_program(problem, edges)
        relaxed = relaxed_lines(program)
        assert relaxed.value <= right + 1e-6, f"seed {seed}"
        best = promising_lines(problem, edges, program, EXACT, np.inf)
        assert serves(problem, best.built), f"seed {seed}"
        assert best.price == pytest.approx(right, abs=1e-6), f"seed {seed}"
        assert best.bound == pytest.approx(right, abs=1e-6), f"seed {seed}"
        cheaper = promising_lines(problem, edges, program, EXACT, right * (1.0 - 1e-6))
        assert not cheaper.built.any(), f"seed {seed}"
        found += 1
    assert found >= 10


def agrees(seed: int) -> bool:
    """Compare what is found with one row per cut; return whether there is a network at all."""
    problem = random_problem(seed, rising=seed % 2 == 0)
    right = exact_price(problem)
    bounds: list[float] = []
    offered: list[float] = []

    def hear(bound: float) -> bool:
        bounds.append(bound)
        return True

    def offer(built: NDArray[np.bool_]) -> None:
        offered.append(line_price(problem.prices, built))

    found = find_lines(problem, gap=0.0, hear=hear, offer=offer, seconds_left=lambda: 60.0)
    if right is None:
        assert (found.bound, found.network) == (0.0, None), f"seed {seed}"
        return False
    assert max(bounds) <= right * (1.0 + 1e-9) + 1e-9, f"seed {seed}"
    assert found.price == pytest.approx(right, abs=1e-6), f"seed {seed}"
    assert found.bound == pytest.approx(right, rel=1e-6, abs=1e-6), f"seed {seed}"
    assert offered == sorted(offered, reverse=True)
    assert offered[-1] == pytest.approx(found.price)
    return True


@pytest.mark.parametrize("block", range(6))
def test_networks_and_bounds_are_those_of_one_row_per_cut(block: int) -> None:
    assert sum(agrees(seed) for seed in range(25 * block, 25 * block + 25)) >= 10


def test_what_is_too_large_for_the_program_is_proven_once_reduced_costs_leave_little(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    problem = grid(14, (0, 195, 2, 0), (13, 182, 2, 0), (0, 98, 1, 0), seed=3)
    program = line_program.line_program(problem, np.arange(len(problem.start)))
    monkeypatch.setattr(line_bound, "MAX_FLOWS", program.size // 4)
    monkeypatch.setattr(line_bound, "MAX_PROOF_FLOWS", program.size // 2)
    found = find_lines(problem, gap=0.0, hear=lambda _: True, offer=lambda _: None, seconds_left=lambda: 60.0)
    assert found.bound == pytest.approx(found.price, rel=1e-7)


def test_a_listener_that_has_enough_ends_the_search() -> None:
    problem = grid(12, (0, 143, 2, 0), (11, 132, 1, 0))
    bounds: list[float] = []

    def hear(bound: float) -> bool:
        bounds.append(bound)
        return len(bounds) < 3

    found = find_lines(problem, gap=0.0, hear=hear, offer=lambda _: None, seconds_left=lambda: 60.0)
    assert found.steps <= 600
    assert 0.0 < found.bound == max(bounds)


if __name__ == "__main__":
    for family in FAMILIES:
        (FOLDER / f"{family}.lp").write_text(rows_as_text(family))
