"""Rings of partners: planned, checked, refused, and spoiled."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cases import Case, failing
from planner.design import design_plan
from planner.errors import InfeasibleError, InputError, SolverError
from planner.plan import Plan
from planner.scenario import load_scenario
from planner.scenario.groups import ring_order
from planner.verify import verify_plan
from planner.verify.rings import stay_joined
from worlds import World, demand, make_world, phases

GRID = """
A--+---+---B
|  |   |   |
+--+---+---+
|  |   |   |
D--+---+---C
"""


def ring(*members: str, **changes: Any) -> dict[str, Any]:
    """Return a ring, as written in a scenario."""
    values = {"id": "core", "kind": "ring", "members": list(members), "min_rate_hz": 10.0, "min_fidelity": 0.8}
    return {**values, "rate_plane": "detected", "from_phase": "p1", **changes}


def planned(world: World, **options: Any) -> Case:
    """Return the checked plan of a world."""
    plan = design_plan(world.network, world.scenario, **options)
    verdict = verify_plan(world.network, world.scenario, plan)
    assert verdict.passed, verdict.failed_checks
    return Case(network=world.network, scenario=world.scenario, plan=plan)


def links(plan: Plan) -> dict[str, set[str]]:
    return {service.demand: set(service.routes[0].spans) for service in plan.services if service.routes}


@pytest.mark.parametrize("level", ["span", "duct", "structure", "node"])
def test_neighbours_are_joined_round_about_and_no_two_links_share_a_risk(level: str, tmp_path: Path) -> None:
    case = planned(make_world(tmp_path, GRID, [], groups=[ring("A", "C", "B", "D", disjoint=level)]))
    ends = [(demand.a, demand.b) for demand in case.scenario.demands]
    assert ends == [("A", "B"), ("B", "C"), ("C", "D"), ("D", "A")]
    found = list(links(case.plan).values())
    assert sum(len(spans) for spans in found) == len(set.union(*found))
    assert case.plan.outcome.gap < 0.01


def test_a_ring_costs_more_than_its_links_alone(tmp_path: Path) -> None:
    # the links alone make a star, the ring needs a way round
    star = """
A---+---B
|   |   |
|   C---+
|   |
+---+
"""
    pairs = [demand("A", "B"), demand("B", "C"), demand("C", "A")]
    alone = planned(make_world(tmp_path, star, pairs))
    whole = planned(make_world(tmp_path, star, [], groups=[ring("A", "B", "C")]))
    assert whole.plan.outcome.cost > alone.plan.outcome.cost
    assert len(set.union(*links(whole.plan).values())) == 7
    assert len(set.union(*links(alone.plan).values())) == 3


def test_no_link_passes_another_partner(tmp_path: Path) -> None:
    """The way A-B is shortest through the building of C, whose loss would then part the ring."""
    tower = """
A---C---B
|       |
+-------+
"""
    with pytest.raises(InfeasibleError, match="ring core needs two disjoint ways"):
        planned(make_world(tmp_path, "A---C---B", [], groups=[ring("A", "B", "C")]))
    case = planned(make_world(tmp_path, tower, [], groups=[ring("A", "B", "C", disjoint="node")]))
    assert len(links(case.plan)["core.1"]) == 3


def test_a_ring_is_served_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    free = planned(make_world(tmp_path, GRID, [], groups=[ring("A", "B", "C")]))
    capex = sum(line.capex for line in free.plan.costs)
    poor: dict[str, Any] = {"phases": phases(0.9 * capex), "objective": "service"}
    case = planned(make_world(tmp_path, GRID, [demand("A", "B")], groups=[ring("A", "B", "C", weight=30.0)], **poor))
    assert set(links(case.plan)) == {"A-B"}
    half = case.edit_service("core.1", "p1", routes=case.plan.service("A-B", "p1").routes)  # type: ignore[union-attr]
    assert "rings_survive_any_cut" in failing(half)


def test_single_failures_weaken_a_ring_and_spoiled_links_part_it(tmp_path: Path) -> None:
    case = planned(make_world(tmp_path, GRID, [], groups=[ring("A", "B", "C", "D")]))
    failures = verify_plan(case.network, case.scenario, case.plan).failures
    assert all(not failure.lost_demands for failure in failures if failure.kind == "span")
    way = case.plan.services[0].routes[0].spans[0]
    other = case.plan.services[1].routes[0].spans[0]
    bridge = case.edit_span(way, risk_groups=(f"street:{way}", "bridge:b"))
    bridge = bridge.edit_span(other, risk_groups=(f"street:{other}", "bridge:b"))
    assert failing(bridge) == {"rings_survive_any_cut"}


def test_links_that_are_lost_part_a_ring_unless_the_partner_between_is_gone_too(tmp_path: Path) -> None:
    scenario = make_world(tmp_path, GRID, [], groups=[ring("A", "B", "C", "D")]).scenario
    members = list(scenario.demands)
    assert stay_joined(members, {"core.1"})
    assert not stay_joined(members, {"core.1", "core.3"})
    assert not stay_joined(members, {"core.1", "core.2"})
    assert stay_joined(members, {"core.1", "core.2"}, gone="B")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"members": ["A", "B", "X"]}, "groups[0].members[2]: unknown site 'X'"),
        ({"members": ["A", "B", "A"]}, "groups[0].members[2]: site 'A' is a member already"),
        ({"members": ["A", "B"]}, "groups[0].members"),
        ({"from_phase": "p9"}, "groups[0].from_phase: unknown phase 'p9'"),
        ({"kind": "star"}, "groups[0].kind"),
        ({"disjoint": "repeater"}, "groups[0].disjoint"),
        ({"id": "d"}, "groups[0].id: demand 'd.1' bears the name of a link of this ring"),
    ],
)
def test_a_mistake_in_a_group_is_named_with_its_place(changes: dict[str, Any], expected: str, tmp_path: Path) -> None:
    make_world(tmp_path, GRID, [demand("A", "B", id="d.1")], groups=[ring("A", "B", "C")])
    path = tmp_path / "scenario.yaml"
    contents = json.loads(path.read_text(encoding="utf-8"))
    contents["groups"][0] |= changes
    path.write_text(json.dumps(contents), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_scenario(path)
    assert expected in str(caught.value)


def test_a_scenario_must_ask_for_something(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is nothing to plan"):
        make_world(tmp_path, GRID, [])


def test_the_order_may_be_given(tmp_path: Path) -> None:
    scenario = make_world(tmp_path, GRID, [], groups=[ring("A", "C", "B", "D", in_order=True)]).scenario
    assert [(link.a, link.b) for link in scenario.demands] == [("A", "C"), ("C", "B"), ("B", "D"), ("D", "A")]


def test_rings_start_in_their_phase(tmp_path: Path) -> None:
    groups = [ring("A", "B", "C", from_phase="p2")]
    case = planned(make_world(tmp_path, GRID, [demand("A", "D")], groups=groups, phases=phases(None, None)))
    assert {service.phase for service in case.plan.services if service.demand.startswith("core")} == {"p2"}
    steps = planned(
        make_world(tmp_path, GRID, [demand("A", "D")], groups=groups, phases=phases(None, None)), rollout="step-by-step"
    )
    assert steps.plan.outcome.cost >= case.plan.outcome.lower_bound
    assert replace(case, plan=steps.plan).plan.services


def test_protected_partners_need_no_ring(tmp_path: Path) -> None:
    # every partner lies on two ways, but no round trip passes all three
    theta = """
A---+---B
|   |   |
|   C   |
|   |   |
+---+---+
"""
    with pytest.raises(SolverError, match="no route was found for demand core"):
        planned(make_world(tmp_path, theta, [], groups=[ring("A", "B", "C")]))
    case = planned(make_world(tmp_path, theta, [], groups=[ring("A", "B", "C", kind="protected")]))
    assert {service.demand: len(service.routes) for service in case.plan.services} == {"core.1": 2, "core.2": 2}
    failures = verify_plan(case.network, case.scenario, case.plan).failures
    assert all(not failure.lost_demands for failure in failures if failure.kind == "span")


def test_large_rings_are_short_round_trips() -> None:
    around = [(f"s{number:02d}", (math.cos(number), math.sin(number) * 0.5)) for number in range(12)]
    places = dict(around)
    order = ring_order(tuple(sorted(places)), places)
    by_angle = [name for name, place in sorted(around, key=lambda item: math.atan2(item[1][1] * 2.0, item[1][0]))]
    start = by_angle.index(order[0])
    turned = by_angle[start:] + by_angle[:start]
    assert list(order) in (turned, turned[:1] + turned[:0:-1])
