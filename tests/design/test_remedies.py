"""When there is no plan: what would help, by trying it, and never more than was proven."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from planner.cli import app
from planner.costs import capex_by_phase
from planner.design import design_plan
from planner.errors import Change, InfeasibleError, SolverError
from test_cli import SITES, STREETS
from worlds import World, demand, make_world, phases, stored

pytestmark = pytest.mark.usefixtures("inprocess")


def refused(world: World) -> InfeasibleError | SolverError:
    with pytest.raises((InfeasibleError, SolverError)) as caught:
        design_plan(world.network, world.scenario)
    return caught.value


def by_kind(error: InfeasibleError | SolverError) -> dict[str, Change]:
    return {change.kind: change for change in error.changes}


def test_a_budget_says_how_much_is_missing_and_that_much_is_enough(tmp_path: Path) -> None:
    demands = [demand("A", "B"), demand("C", "D", from_phase="p2", weight=3.0)]
    drawing = "A---B\n\nC---D"

    def world(*budgets: float | None) -> World:
        return make_world(tmp_path, drawing, demands, cell_km=0.05, phases=phases(*budgets))

    spent = capex_by_phase(design_plan(world(None, None).network, world(None, None).scenario).costs)
    error = refused(world(0.9 * spent["p1"], spent["p2"] + 1.0))
    more = [change for change in error.changes if change.kind == "more budget"]
    assert [round(change.cost or 0.0) for change in more] == [pytest.approx(0.1 * spent["p1"], abs=2.0)]
    assert "raise the budget of phase p1 by" in more[0].change
    enough = world(0.9 * spent["p1"] + (more[0].cost or 0.0), spent["p2"] + 1.0)
    assert design_plan(enough.network, enough.scenario).outcome.cost > 0.0
    assert by_kind(error)["one demand less"].demand == "A-B"  # the lighter one, and the one that does not fit


def test_a_bridge_is_told_with_ways_round_it(tmp_path: Path) -> None:
    world = make_world(tmp_path, "A---+---B", [demand("A", "B", routes=2)])
    error = refused(world)
    assert isinstance(error, InfeasibleError)
    changes = by_kind(error)
    assert set(changes) == {"share what cannot be avoided", "one route less", "a new link"}
    assert changes["a new link"].lon_deg is not None
    shared = make_world(tmp_path, "A---+---B", [demand("A", "B", routes=2, redundancy="maximal")])
    cost = design_plan(shared.network, shared.scenario).outcome.cost
    assert changes["share what cannot be avoided"].cost == pytest.approx(cost)


def test_a_rate_too_high_is_told_with_the_highest_that_works(tmp_path: Path) -> None:
    def world(rate_hz: float) -> World:
        return make_world(tmp_path, "A" + "-" * 200 + "B", [demand("A", "B", min_rate_hz=rate_hz)])

    change = by_kind(refused(world(1e5)))["lower rate"]
    rate_hz = float(re.findall(r"at ([0-9.e+-]+) instead of 100000", change.change)[0])
    plan = design_plan(world(rate_hz).network, world(rate_hz).scenario)
    assert plan.outcome.cost == pytest.approx(change.cost)
    with pytest.raises(InfeasibleError):
        design_plan(world(1.3 * rate_hz).network, world(1.3 * rate_hz).scenario)


def test_a_key_rate_too_high_is_told_with_the_highest_that_works(tmp_path: Path) -> None:
    def world(rate_bps: float) -> World:
        asked = demand("A", "B", min_rate_hz=0.0, min_key_rate_bps=rate_bps)
        return make_world(tmp_path, "A" + "-" * 200 + "B", [asked])

    change = by_kind(refused(world(1e5)))["lower rate"]
    rate_bps = float(re.findall(r"at ([0-9.e+-]+) instead of 100000 key bits per second", change.change)[0])
    plan = design_plan(world(rate_bps).network, world(rate_bps).scenario)
    assert plan.outcome.cost == pytest.approx(change.cost)


def test_a_chain_too_long_is_told_where_one_more_site_helps(tmp_path: Path) -> None:
    drawing = "A" + "-" * 30 + "+" + "-" * 30 + "B"
    world = make_world(tmp_path, drawing, [stored("A", "B", min_rate_hz=30.0)], cell_km=1.5)
    site = by_kind(refused(world))["one more site"]
    middle = world.network.nodes.ids.index("n01")
    assert site.lon_deg == pytest.approx(float(world.network.nodes.lon_deg[middle]))


def test_a_forbidden_street_that_would_help_is_named(tmp_path: Path) -> None:
    world = make_world(tmp_path, "A---+---B", [demand("A", "B")], forbid=[{"spans": ["s01"]}])
    change = by_kind(refused(world))["open a street or duct"]
    assert change.change.startswith("open s01 (")
    free = make_world(tmp_path, "A---+---B", [demand("A", "B")])
    assert change.cost == pytest.approx(design_plan(free.network, free.scenario).outcome.cost)


def test_islands_are_told_with_the_shortest_link(tmp_path: Path) -> None:
    world = make_world(tmp_path, "A---+  +---B", [demand("A", "B")])
    change = by_kind(refused(world))["a new link"]
    assert float(re.findall(r"a link of ([0-9]+) m", change.change)[0]) == pytest.approx(1500.0, rel=0.01)


def test_the_command_tells_proof_reasons_and_changes_apart(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"sites": SITES, "max_snap_m": 400.0}
    make_world(tmp_path, "A-B-C", [demand("A", "C", routes=2), demand("A", "B")], **settings)
    (tmp_path / "streets.geojson").write_text(json.dumps(STREETS), encoding="utf-8")
    arguments = ["run", str(tmp_path / "scenario.yaml"), "--out", str(tmp_path / "out"), "--json"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 1
    error = json.loads(result.stdout)["error"]
    assert error["proven"] is True
    assert "every route passes" in error["reasons"][0]
    kinds = {change["kind"] for change in error["changes"]}
    assert kinds >= {"share what cannot be avoided", "a new link", "one demand less"}
    assert all(change["demand"] == "A-C" for change in error["changes"])
