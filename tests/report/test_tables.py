"""What the tables show adds up to what the plan says."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from planner.costs import capex_by_phase
from planner.plan import RouteSettings
from planner.report.dossier import Dossier, open_dossier
from planner.report.page import render_page
from planner.report.wording import MISSING
from plans import make_plan
from report.dossiers import city_dossier, make_verdict, rejudged
from report.pages import Page, number
from worlds import demand, make_world, stored


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Dossier:
    return city_dossier(tmp_path_factory.mktemp("city"))


@pytest.fixture(scope="module")
def page(city: Dossier) -> Page:
    return Page(render_page(city))


def body(rows: list[list[str]], *foot: str) -> list[list[str]]:
    """Return the rows of a table that are neither headings, groups, remarks nor one of the sums and limits."""
    return [row for row in rows[1:] if len(row) == len(rows[0]) and row[0] not in foot]


def test_capital_spending_is_that_of_the_plan(city: Dossier, page: Page) -> None:
    rows = page.table("Capital spending")
    parts = body(rows, "Sum", "Budget", "Share of the budget spent")
    sums = next(row for row in rows if row[0] == "Sum")
    expected = capex_by_phase(city.plan.costs)
    for column, phase in enumerate(city.scenario.phases, start=1):
        assert number(sums[column]) == pytest.approx(expected[phase.id], abs=1)
        assert sum(number(row[column]) for row in parts) == pytest.approx(expected[phase.id], abs=len(parts))
    assert number(sums[-1]) == pytest.approx(math.fsum(expected.values()), abs=1)
    budget = next(row for row in rows if row[0] == "Budget")
    assert budget[1:3] == ["9,000,000", "no limit"]


def test_present_cost_is_that_of_the_outcome(city: Dossier, page: Page) -> None:
    rows = page.table("Net present cost")
    assert number(next(row for row in rows if row[0] == "Sum")[-1]) == pytest.approx(city.plan.outcome.cost, abs=1)
    running = next(row for row in rows if row[0].startswith("Added up"))
    assert number(running[-2]) == pytest.approx(city.plan.outcome.cost, abs=1)


def test_yearly_costs_are_those_of_the_cost_lines(city: Dossier, page: Page) -> None:
    sums = next(row for row in page.table("Yearly cost") if row[0] == "Sum")
    for column, phase in enumerate(city.scenario.phases, start=1):
        expected = math.fsum(line.opex_per_year for line in city.plan.costs if line.phase == phase.id)
        assert number(sums[column]) == pytest.approx(expected, abs=1)


def test_lengths_and_units_are_those_of_the_builds(city: Dossier, page: Page) -> None:
    rows = {row[0]: row for row in page.table("What is built")}
    spans = city.network.spans
    for label, medium in (("New trench, km", "trench"), ("Leased dark fiber, km", "dark_fiber")):
        total = sum(float(spans.length_km[at]) for at in city.built if spans.medium[at] == medium)
        assert number(rows[label][-1]) == pytest.approx(total, abs=0.06)
    assert number(rows["Free-space hops, number"][-1]) == 1
    assert number(rows["Sites opened"][-1]) == len(city.plan.openings)
    for item in {entry.item for entry in city.plan.installations}:
        installed = sum(entry.count for entry in city.plan.installations if entry.item == item)
        assert number(rows[item][-1]) == installed


def test_bill_of_materials_is_equipment_and_openings(city: Dossier, page: Page) -> None:
    total = number(page.table("What every site gets")[-1][-1])
    parts = {"quantum equipment", "laterals", "huts"}
    expected = math.fsum(line.capex for line in city.plan.costs if line.category in parts)
    assert total == pytest.approx(expected, abs=1)
    units = [
        number(row[2])
        for row in page.table("What every site gets")
        if len(row) == 5 and row[0] in city.scenario.costs.items
    ]
    assert sum(units) == sum(entry.count for entry in city.plan.installations)


def test_every_span_is_listed(city: Dossier, page: Page) -> None:
    rows = page.table("Every span")[1:]
    assert {row[0] for row in rows} == {build.span for build in city.plan.builds}
    capital = sum(number(row[-1]) for row in rows)
    parts = {"trenching", "right-of-way", "cable", "free-space hops"}
    expected = math.fsum(line.capex for line in city.plan.costs if line.category in parts)
    assert capital == pytest.approx(expected, abs=len(rows))


def test_routes_show_what_the_plan_says(city: Dossier, page: Page) -> None:
    rows = body(page.table("Routes of every demand"))
    assert [row[1] for row in rows] == ["Primary", "Backup", "Primary", "Primary"]
    for row, drawn in zip(rows, city.routes(), strict=True):
        assert row[4] == f"{drawn.route.loss_db:.2f}"
        assert row[6] == f"{drawn.route.lanes}"
    chain = rows[-1]
    assert (chain[5], chain[6]) == ("2", "2"), "two links, two lanes"
    assert "heralding station at site D, repeater at site D, heralding station at site E" in chain[2]


def test_who_is_served_and_who_is_not(city: Dossier) -> None:
    services = tuple(
        service.model_copy(update={"routes": service.routes[: {"A-D": 1, "B-C": 0}.get(service.demand, 2)]})
        for service in city.plan.services
    )
    page = Page(render_page(rejudged(city, city.plan.model_copy(update={"services": services}))))
    rows = {row[0]: row[2:] for row in page.table("Who is served")[1:]}
    assert rows["site A – site D"] == ["✕ 1 of 2 routes", "✕ 1 of 2 routes"]
    assert rows["site B – site C"] == ["–", "✕ not served"]
    assert rows["site B – site E"] == ["–", "✓ 1 route"]
    assert "serves 2 of 3 demands" in page.text


def test_demands_with_the_same_ends_are_told_apart(tmp_path: Path) -> None:
    world = make_world(tmp_path, "A---B", [demand("A", "B"), stored("B", "A", id="memories")])
    plan = make_plan(world, {})
    page = Page(render_page(open_dossier(world.network, world.scenario, plan, make_verdict(world, plan))))
    assert [row[0] for row in page.table("Who is served")[1:]] == [
        "site A – site B (A-B)",
        "site B – site A (memories)",
    ]


def test_failures_come_worst_first_and_are_counted(city: Dossier, page: Page) -> None:
    rows = page.table("Single failures")[1:]
    losing = [row[2] != "–" for row in rows]
    assert losing == sorted(losing, reverse=True)
    assert sum(number(row[1]) for row in rows) == len(city.verdict.failures)


def test_all_checks_are_shown(city: Dossier, page: Page) -> None:
    names = {check.name for check in city.verdict.checks}
    shown = [rows for caption, rows in page.tables.items() if caption.replace(" ", "_").lower() in names]
    assert sum(len(rows) - 1 for rows in shown) == len(city.verdict.checks)


def test_what_was_settled_beforehand_is_told(tmp_path: Path) -> None:
    settled = {
        "as_built": [{"spans": ["s00"], "sites": ["B"], "items": {"user-receiver": 2}, "note": "Old ring"}],
        "forbid": [{"sites": ["x"], "roles": ["repeater"]}],
    }
    rows = Page(render_page(city_dossier(tmp_path, **settled))).table("Settled beforehand")
    assert [row[0] for row in rows[1:]] == ["Stands already, costs nothing", "Forbidden"]
    assert rows[1][1].startswith("1 (")
    assert rows[1][3:] == ["2", "Old ring"]


def test_columns_of_permits_without_any_entry_are_left_out(city: Dossier, page: Page) -> None:
    rows = page.table("Permits")
    filled = [at for at in range(len(rows[0])) if any(line[at] != MISSING for line in rows[1:])]
    assert filled == list(range(len(rows[0])))
    assert any(heading.startswith("Street opened") for heading in rows[0])


def test_settings_stand_beside_the_route_they_belong_to(city: Dossier) -> None:
    first, *others = city.plan.services
    routes = [
        route.model_copy(update={"settings": RouteSettings(window_ps=100.0 * (at + 1), cutoff_slots=at + 7)})
        for at, route in enumerate(first.routes)
    ]
    service = first.model_copy(update={"routes": tuple(routes)})
    plan = city.plan.model_copy(update={"services": (service, *others)})
    lines = Page(render_page(rejudged(city, plan))).table("Routes of every demand")
    for at in range(len(routes)):
        said = [line[1] for line in lines if len(line) > 3 and f"window {100 * (at + 1)} ps" in line[2]]
        assert said == ["Primary" if at == 0 else "Backup"]
        assert any(f"cut-off after {at + 7} attempts" in line[2] for line in lines if len(line) > 3)
