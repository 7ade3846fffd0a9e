"""What the report says binds: what the plan uses up, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from design.inprocess import answer_here, one_thread
from planner.costs import capex_by_phase
from planner.design import design_plan, solvers
from planner.plan import Plan
from planner.report.dossier import open_dossier
from planner.report.limits import binding_table
from planner.report.page import render_page
from planner.verify import verify_plan
from report.pages import Page
from worlds import PAIRS, World, demand, make_world, phases


@pytest.fixture(autouse=True)
def inprocess(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Solve in this process, on one thread."""
    monkeypatch.setattr(solvers, "_in_child", answer_here)
    with one_thread():
        yield


def world(folder: Path, count: int = 1, **changes: Any) -> World:
    """Return a duct of four fibers with a hut half-way, and demands over it of two fibers each."""
    wanted = changes.pop("asked", {})
    sites = changes.pop("room", {})
    demands = [demand("A", "B", id=f"d{number}", **wanted) for number in range(count)]
    drawn = make_world(folder, "A===m===B", demands, **changes)
    told = [
        site.model_dump(mode="json") | ({"hosts": ["end"]} if site.id in "AB" else sites)
        for site in drawn.scenario.sites
    ]
    return make_world(folder, "A===m===B", demands, sites=told, **changes)


def designed(made: World) -> Plan:
    return design_plan(made.network, made.scenario)


def binding(made: World, plan: Plan | None = None) -> dict[str, tuple[str, ...]]:
    """Return where, used and allowed of every limit that binds."""
    plan = plan or designed(made)
    dossier = open_dossier(made.network, made.scenario, plan, verify_plan(made.network, made.scenario, plan))
    return {str(line.cells[0]): tuple(str(cell) for cell in line.cells[1:4]) for line in binding_table(dossier).rows}


def test_where_there_is_room_nothing_binds_and_the_page_says_so(tmp_path: Path) -> None:
    made = world(tmp_path)
    plan = designed(made)
    assert binding(made, plan) == {}
    verdict = verify_plan(made.network, made.scenario, plan)
    assert "Nothing binds" in render_page(open_dossier(made.network, made.scenario, plan, verdict))


def test_full_ducts_and_full_sites_are_named(tmp_path: Path) -> None:
    found = binding(world(tmp_path, 2, room={"max_units": {"pair-source": 2}}))
    assert found == {"Fibers": ("s00 and s01", "4", "4"), "Room for pair-source": ("site m", "2", "2")}


def test_a_budget_that_is_spent_is_named(tmp_path: Path) -> None:
    spent = capex_by_phase(designed(world(tmp_path)).costs)["p1"]
    found = binding(world(tmp_path, phases=phases(1.01 * spent)))
    assert found == {"Budget": ("2027 p1", f"{spent:,.0f}", f"{1.01 * spent:,.0f}")}
    assert binding(world(tmp_path, phases=phases(1.2 * spent))) == {}


def test_targets_and_technologies_at_their_limits_are_named(tmp_path: Path) -> None:
    route = designed(world(tmp_path)).services[0].routes[0]
    asked = {"min_rate_hz": 0.99 * route.rate_hz, "max_latency_s": 1.01 * route.latency_s}
    technology = PAIRS | {"max_link_loss_db": 1.02 * route.loss_db, "max_lanes": 1}
    allowed = [phases(None)[0] | {"technologies": ["pairs"]}]
    made = world(tmp_path, asked=asked, technologies=[technology], phases=allowed)
    assert set(binding(made)) == {"Pairs per second", "Latency, ms", "Loss of a link, dB"}


def test_the_page_shows_the_table(tmp_path: Path) -> None:
    made = world(tmp_path, 2)
    plan = designed(made)
    verdict = verify_plan(made.network, made.scenario, plan)
    rows = Page(render_page(open_dossier(made.network, made.scenario, plan, verdict))).table("What binds")
    assert [row[0] for row in rows[1:]] == ["Fibers"]
