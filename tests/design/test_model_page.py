"""The page about the model says what the program does: same families, same letters."""

from __future__ import annotations

import re
from pathlib import Path

import pulp

from design.instances import Builder
from planner.design.constraints import CONSTRAINTS
from planner.design.line_program import LINE_CONSTRAINTS
from planner.design.variables import add_variables

PAGE = Path(__file__).parents[2] / "docs" / "model.md"


def table_under(heading: str) -> list[list[str]]:
    """Return the rows of the first table below a heading, cells stripped, without its head."""
    section = re.split(r"^###? ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    chosen = next(part for part in section if part.startswith(heading))
    rows = [line.strip("|").split("|") for line in chosen.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows[2:]]


def test_the_page_names_exactly_the_families_in_their_order() -> None:
    written = [row[0] for row in table_under("Constraints")]
    assert written == [family.__name__ for family in CONSTRAINTS]


def test_the_page_names_the_families_of_the_program_of_lines() -> None:
    rows = table_under("The program of lines")
    assert [row[0] for row in rows] == [family.__name__ for family in LINE_CONSTRAINTS]
    assert all(row[1] for row in rows)


def test_every_family_is_explained_on_the_page_and_in_the_code() -> None:
    assert all(row[1] for row in table_under("Constraints"))
    assert all(family.__doc__ for family in CONSTRAINTS)


def test_the_page_names_exactly_the_letters_of_the_variables() -> None:
    written = [re.fullmatch(r"(\w)\[(\w),t\]", row[0]) for row in table_under("Variables")]
    assert all(written)
    problem = pulp.LpProblem("letters", pulp.LpMinimize)
    world = Builder(phases=1)
    world.demand(routes=1)
    world.route(0, blocks={world.block(1.0): 1}, sites=(world.site(1.0),), needs={world.item(1.0): 1})
    world.rebate((0,), beyond=1, share=0.1)
    x = add_variables(problem, world.instance())
    columns = (x.serve, x.built, x.opened, x.units, x.served, x.rebated, x.earned)
    letters = {variable.name.split("_")[0] for column in columns for variable in column.values()}
    assert {match[1] for match in written if match} == letters


def test_the_letters_on_the_page_run_over_sets_that_it_defines() -> None:
    sets = {row[0] for row in table_under("Sets and data")}
    used = {row[0].split("[")[1].split(",")[0] for row in table_under("Variables")}
    assert used | {"t"} <= sets
