"""The page where there is no plan: what stands in the way, on which spans, and what would help."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from planner.design import design_plan
from planner.errors import InfeasibleError, SolverError
from planner.report.refusal import render_refusal
from report.dossiers import HOSTILE, HOSTILE_SEEN, renamed
from report.pages import Page
from test_cli import change, run, scenario
from worlds import World, demand, make_world

__all__ = ["scenario"]


def refused(folder: Path) -> tuple[World, InfeasibleError]:
    world = make_world(folder, "A---+---B   C---D", [demand("A", "B", routes=2), demand("C", "D")])
    with pytest.raises(InfeasibleError) as caught:
        design_plan(world.network, world.scenario)
    return world, caught.value


def test_obstacles_and_changes_stand_in_words_and_on_the_map(tmp_path: Path) -> None:
    world, error = refused(tmp_path)
    assert [obstacle.demands for obstacle in error.obstacles] == [("A-B",)]
    assert len(error.obstacles[0].spans) == 2
    text = render_refusal(world.network, world.scenario, error)
    page = Page(text)
    assert "there is no plan" in page.text and "every route passes 2 spans" in page.text
    kinds = [line[0] for line in page.table("The cheapest single changes")[1:]]
    assert "share what cannot be avoided" in kinds
    _, drawn = page.scripts[-1]
    for span in error.obstacles[0].spans:
        assert f"{span}, " in drawn
    assert text == render_refusal(world.network, world.scenario, error)


def test_hostile_words_stay_words_and_doubt_is_told(tmp_path: Path) -> None:
    world, _ = refused(tmp_path)
    error = SolverError(HOSTILE)
    page = Page(render_refusal(renamed(world.network, HOSTILE), world.scenario, error))
    assert "no plan was found" in page.text and "is not proven" in page.text
    assert " ".join(HOSTILE_SEEN.split()) in page.text
    assert not any("alert(1)</script>" in script for _, script in page.scripts)


def test_the_page_is_there_only_while_there_is_no_plan(scenario: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    good = json.loads(scenario.read_text(encoding="utf-8"))
    change(scenario, demands=[demand("A", "C", routes=2)])
    result = run("run", scenario, "--out", out)
    assert result.exit_code == 1
    assert f"on a map: {out / 'no-plan.html'}" in result.stderr
    assert "spur" in (out / "no-plan.html").read_text(encoding="utf-8")
    assert not (out / "plan.json").exists()
    result = run("run", scenario, "--out", out, "--json")
    told = json.loads(result.stdout)["error"]
    assert told["page"] == str(out / "no-plan.html")
    assert told["obstacles"][0]["demands"] == ["A-C"]
    change(scenario, **good)
    assert run("run", scenario, "--out", out).exit_code == 0
    assert (out / "report.html").exists() and not (out / "no-plan.html").exists()
