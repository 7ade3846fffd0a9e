"""Given plans and routes drawn by hand: priced as they are, checked, or refused with their place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from planner.design import design_plan, evaluate_given
from planner.errors import InputError
from planner.plan import Plan
from planner.verify import verify_plan
from worlds import World, demand, make_world, phases

pytestmark = pytest.mark.usefixtures("inprocess")

SQUARE = """
A----+----B
|         |
+====c====+
"""
"""A direct street from A to B, and a way through a duct that passes a hut."""


@pytest.fixture
def world(tmp_path: Path) -> World:
    return make_world(tmp_path, SQUARE, [demand("A", "B")], cell_km=0.2)


def write(folder: Path, text: str, name: str = "drawn.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def evaluated(world: World, path: Path, **options: Any) -> Plan:
    return evaluate_given(world.network, world.scenario, path, **options)


def failed(world: World, plan: Plan) -> set[str]:
    return {check.name for check in verify_plan(world.network, world.scenario, plan).failed_checks}


def test_a_plan_of_the_optimizer_comes_back_as_it_was(world: World, tmp_path: Path) -> None:
    plan = design_plan(world.network, world.scenario)
    found = evaluated(world, write(tmp_path, plan.to_json(), "plan.json"))
    assert (found.builds, found.services, found.costs) == (plan.builds, plan.services, plan.costs)
    assert (found.outcome.cost, found.outcome.stopped_by) == (plan.outcome.cost, "evaluated")
    assert (found.outcome.bound_scope, found.outcome.lower_bound) == ("none", 0.0)
    assert not failed(world, found)


def test_the_bound_tells_how_far_a_drawn_route_is_from_the_best(world: World, tmp_path: Path) -> None:
    best = design_plan(world.network, world.scenario)
    nearest = best.services[0].routes[0]
    sites = "[A, B]" if "c" in {station.site for station in nearest.stations} else "[A, c, B]"
    path = write(tmp_path, f"routes:\n  - {{demand: A-B, sites: {sites}}}\n")
    found = evaluated(world, path, with_bound=True)
    assert not failed(world, found)
    assert found.outcome.lower_bound == pytest.approx(best.outcome.lower_bound)
    assert found.outcome.cost > best.outcome.cost
    assert found.outcome.gap == pytest.approx(1.0 - best.outcome.lower_bound / found.outcome.cost)


def test_sites_and_lines_find_the_same_way_as_spans(world: World, tmp_path: Path) -> None:
    by_sites = evaluated(world, write(tmp_path, "routes:\n  - {demand: A-B, sites: [A, c, B]}\n"))
    nodes = world.network.nodes
    corners = [0, nodes.ids.index("n03"), nodes.ids.index("n05"), 2]  # the corners of the square, B last
    line = [[float(nodes.lon_deg[at]) + 1e-5, float(nodes.lat_deg[at]) - 1e-5] for at in corners]
    geometry = {"type": "LineString", "coordinates": line[::-1]}
    drawn = {"type": "FeatureCollection", "features": [{"properties": {"demand": "A-B"}, "geometry": geometry}]}
    by_line = evaluated(world, write(tmp_path, json.dumps(drawn), "drawn.geojson"))
    route = by_sites.services[0].routes[0]
    assert by_line.services[0].routes[0].spans == route.spans
    assert "c" in {station.site for station in route.stations}
    assert not failed(world, by_line) | failed(world, by_sites)


def test_a_route_that_misses_its_rate_is_priced_and_fails_its_check(tmp_path: Path) -> None:
    world = make_world(tmp_path, SQUARE, [demand("A", "B", min_rate_hz=1e9)], cell_km=0.2)
    plan = evaluated(world, write(tmp_path, "routes:\n  - {demand: A-B, sites: [A, B]}\n"))
    assert plan.outcome.cost > 0.0
    assert failed(world, plan) == {"rate_is_reached"}


def test_routes_may_change_from_phase_to_phase_and_equipment_is_bought_once(tmp_path: Path) -> None:
    world = make_world(tmp_path, SQUARE, [demand("A", "B")], cell_km=0.2, phases=phases(None, None))
    text = "routes:\n  - {demand: A-B, sites: [A, B]}\n  - {demand: A-B, sites: [A, c, B], phase: p2}\n"
    plan = evaluated(world, write(tmp_path, text))
    first, second = (plan.service("A-B", phase) for phase in ("p1", "p2"))
    assert first is not None
    assert second is not None
    assert first.routes[0].spans != second.routes[0].spans
    assert {build.phase for build in plan.builds} == {"p1", "p2"}
    assert {bought.phase for bought in plan.installations if bought.item == "user-receiver"} == {"p1"}
    assert not failed(world, plan)


def test_a_demand_without_a_drawn_route_is_told_as_not_served(tmp_path: Path) -> None:
    world = make_world(tmp_path, SQUARE, [demand("A", "B"), demand("A", "B", id="second")], cell_km=0.2)
    plan = evaluated(world, write(tmp_path, "routes:\n  - {demand: A-B, sites: [A, B]}\n"), with_bound=True)
    assert failed(world, plan) == {"demands_are_served"}
    assert plan.outcome.bound_scope == "none"  # a bound on plans that serve all demands says nothing here
    assert any("second is not served" in note for note in plan.notes)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "{demand: A-C, sites: [A, B]}",
            "drawn.yaml:2:14: routes[0].demand: unknown demand 'A-C'; did you mean 'A-B'?",
        ),
        ("{demand: A-B, sites: [A, z, B]}", "drawn.yaml:2:19: routes[0].sites: unknown site 'z'"),
        ("{demand: A-B, sites: [A, c]}", "routes[0].sites: the ends of demand A-B are A and B"),
        ("{demand: A-B, spans: [s00, s99]}", "routes[0].spans: unknown span 's99'"),
        ("{demand: A-B, spans: [s00]}", "routes[0].spans: the walk does not end at site B"),
        ("{demand: A-B, spans: [s00, s04]}", "routes[0].spans: span s04 does not continue the walk"),
        ("{demand: A-B, line: [[5.6, 50.6], [5.7, 50.6]]}", "routes[0].line: the line ends"),
        ("{demand: A-B, sites: [A, B], phase: p9}", "routes[0].phase: unknown phase 'p9'"),
        ("{demand: A-B, sites: [A, B], technology: pears}", "unknown technology 'pears'; did you mean 'pairs'?"),
        ("{demand: A-B, sites: [A, B], stations: [{site: c, role: pair_source}]}", "does not pass site c there"),
        ("{demand: A-B, sites: [A, B], spans: [s00]}", "say exactly one of spans, sites and line"),
    ],
)
def test_what_does_not_fit_is_named_with_its_place(world: World, tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        evaluated(world, write(tmp_path, f"routes:\n  - {text}\n"))
    assert message in str(caught.value)


def test_a_plan_with_unknown_names_is_refused_with_all_of_them(world: World, tmp_path: Path) -> None:
    plan = json.loads(design_plan(world.network, world.scenario).to_json())
    plan["builds"][0]["span"] = "s77"
    plan["services"][0]["routes"][0]["technology"] = "magic"
    with pytest.raises(InputError) as caught:
        evaluated(world, write(tmp_path, json.dumps(plan), "plan.json"))
    assert "plan.json: builds[0].span: unknown span 's77'" in str(caught.value)
    assert "services[0].routes[0].technology: unknown technology 'magic'" in str(caught.value)
