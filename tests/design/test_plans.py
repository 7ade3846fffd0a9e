"""Plans on tiny worlds whose answers are known by hand; every plan also passes the independent check."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from planner.design import design_plan
from planner.errors import InfeasibleError, InputError, SolverError
from planner.plan import Plan
from planner.verify import verify_plan
from worlds import World, demand, hop, make_world, phases, stored

RING = """
A---+---B
|       |
+---C---+
"""


def plan_of(world: World, **options: Any) -> Plan:
    plan = design_plan(world.network, world.scenario, **options)
    verdict = verify_plan(world.network, world.scenario, plan)
    assert verdict.passed, verdict.failed_checks
    return plan


def built(plan: Plan, phase: str | None = None) -> set[str]:
    return {build.span for build in plan.builds if phase in (None, build.phase)}


def media_built(world: World, plan: Plan) -> set[str]:
    index = world.network.span_index()
    return {world.network.spans.medium[index[span]] for span in built(plan)}


def test_a_line_is_built_whole_and_costs_what_its_parts_cost(tmp_path: Path) -> None:
    world = make_world(tmp_path, "A--+--B", [demand("A", "B")])
    plan = plan_of(world)
    assert built(plan) == set(world.network.spans.ids)
    metres = 1000.0 * float(world.network.spans.length_km.sum())
    annuity = sum(1.05**-year for year in range(15))
    equipment = (2 * 60_000 + 2 * 180_000 + 250_000) * (1 + 0.1 * annuity)
    assert plan.outcome.cost == pytest.approx(metres * (65.0 + 60.0 * 0.025 * annuity) + equipment)


def test_two_disjoint_routes_take_the_whole_ring(tmp_path: Path) -> None:
    world = make_world(tmp_path, RING, [demand("A", "B", routes=2)])
    plan = plan_of(world)
    assert built(plan) == set(world.network.spans.ids)
    routes = plan.services[0].routes
    assert len(routes) == 2
    assert not set(routes[0].spans) & set(routes[1].spans)
    assert routes[0].loss_db <= routes[1].loss_db
    assert plan.services[0].shared == ("lateral:A", "lateral:B")


def test_demands_share_a_trench(tmp_path: Path) -> None:
    drawing = """
A--+------+--C
   |      |
   B      D
"""
    world = make_world(tmp_path, drawing, [demand("A", "C"), demand("B", "D")])
    plan = plan_of(world)
    assert built(plan) == set(world.network.spans.ids)
    trenching = sum(line.capex for line in plan.costs if line.category == "trenching")
    assert trenching == pytest.approx(60_000.0 * float(world.network.spans.length_km.sum()))


def test_existing_duct_beats_a_new_trench_and_lease_beats_both_for_a_while(tmp_path: Path) -> None:
    drawing = """
A---+---B
:       :
#=======#
"""
    world = make_world(tmp_path, drawing, [demand("A", "B")])
    assert media_built(world, plan_of(world)) == {"duct"}


def test_a_free_space_hop_saves_a_long_trench(tmp_path: Path) -> None:
    drawing = """
A   B
|   |
|   |
|   |
|   |
|   |
|   |
|   |
|   |
+---+
"""
    candidate = hop("A", "B")
    world = make_world(tmp_path, drawing, [demand("A", "B")], hops=[candidate])
    plan = plan_of(world)
    assert built(plan) == {"hop-A-B"}
    dear = make_world(
        tmp_path,
        drawing,
        [demand("A", "B")],
        hops=[candidate],
        prices={"free-space-terminal": {"price": 9e6, "source": "test"}},
    )
    assert media_built(dear, plan_of(dear)) == {"trench"}


def test_a_long_memory_route_gets_a_repeater_and_a_short_one_does_not(tmp_path: Path) -> None:
    far = make_world(tmp_path, "A-------r-------B", [stored("A", "B", min_rate_hz=60.0)], cell_km=4.0)
    roles = [station.role for station in plan_of(far).services[0].routes[0].stations]
    assert roles == ["end", "heralding", "repeater", "heralding", "end"]
    near = make_world(tmp_path, "A-------r-------B", [stored("A", "B", min_rate_hz=60.0)], cell_km=0.2)
    assert len(plan_of(near).services[0].routes[0].stations) == 3


def test_more_lanes_where_one_is_too_slow(tmp_path: Path) -> None:
    slow = plan_of(make_world(tmp_path, "A---B", [stored("A", "B", min_rate_hz=10.0)]))
    rate_hz = slow.services[0].routes[0].rate_hz
    fast = plan_of(make_world(tmp_path, "A---B", [stored("A", "B", min_rate_hz=1.5 * rate_hz)]))
    assert fast.services[0].routes[0].lanes == 2
    assert {item.item for item in fast.installations} == {"memory-node", "memory-lane", "heralding-station"}


def test_what_is_built_waits_for_its_phase(tmp_path: Path) -> None:
    world = make_world(
        tmp_path, "A---B---C", [demand("A", "B"), demand("B", "C", from_phase="p2")], phases=phases(None, None)
    )
    plan = plan_of(world)
    assert (len(built(plan, "p1")), len(built(plan, "p2"))) == (1, 1)
    assert [(service.demand, service.phase) for service in plan.services] == [
        ("A-B", "p1"),
        ("A-B", "p2"),
        ("B-C", "p2"),
    ]


def test_step_by_step_digs_twice_where_the_joint_plan_looks_ahead(tmp_path: Path) -> None:
    drawing = """
A--+--+--B
|        |
+--+-----+
   |
   C
"""
    demands = [demand("A", "B"), demand("C", "B", routes=1, from_phase="p2")]
    world = make_world(tmp_path, drawing, demands, phases=phases(None, None))
    joint = plan_of(world, rollout="joint")
    steps = plan_of(world, rollout="step-by-step")
    assert len(built(joint)) == 5
    assert len(built(steps)) == 6
    assert steps.outcome.cost > joint.outcome.cost


def test_service_objective_serves_the_weightiest_demands_within_the_budget(tmp_path: Path) -> None:
    demands = [demand("A", "B", weight=1.0), demand("C", "D", weight=3.0)]
    drawing = """
A---B

C---D
"""
    free = plan_of(make_world(tmp_path, drawing, demands))
    capex = sum(line.capex for line in free.costs)
    world = make_world(tmp_path, drawing, demands, phases=phases(0.7 * capex), objective="service")
    plan = plan_of(world)
    assert [bool(service.routes) for service in plan.services] == [False, True]
    assert (plan.outcome.served_weight, plan.outcome.total_weight) == (3.0, 4.0)
    assert plan.notes == ("demand A-B is not served in phase p1",)


def test_budgets_move_building_to_an_earlier_phase(tmp_path: Path) -> None:
    demands = [demand("A", "B"), demand("B", "C", from_phase="p2")]
    free = make_world(tmp_path, "A---B---C", demands, phases=phases(None, None))
    plan = plan_of(free)
    spent = [sum(line.capex for line in plan.costs if line.phase == phase) for phase in ("p1", "p2")]
    tight = make_world(tmp_path, "A---B---C", demands, phases=phases(2 * spent[0], 0.8 * spent[1]))
    moved = plan_of(tight)
    later = sum(line.capex for line in moved.costs if line.phase == "p2")
    assert later <= 0.8 * spent[1]
    assert moved.outcome.cost > plan.outcome.cost


def test_fibers_of_a_duct_are_not_overbooked(tmp_path: Path) -> None:
    drawing = """
A=====B
:     :
#=====#
"""
    demands = [demand("A", "B", id=f"d{number}") for number in range(3)]
    world = make_world(tmp_path, drawing, demands)
    plan = plan_of(world)
    users = [route.spans for service in plan.services for route in service.routes]
    lengths = sorted(len(spans) for spans in users)
    assert lengths in ([1, 1, 3], [1, 3, 3])  # four fibers, two to a route: one at least goes round


@pytest.mark.parametrize(
    ("drawing", "changes", "reason"),
    [
        ("A---+---B", {"routes": 2}, "every route passes 2 spans"),
        ("A---+   B---+", {}, "no street, duct or hop joins A"),
        ("A" + "-" * 200 + "B", {"min_rate_hz": 1e5}, "too much for 100000 pairs per second"),
        ("A---B", {"rate_plane": "stored", "min_fidelity": 0.999}, "too much for"),
    ],
)
def test_what_can_never_be_is_refused_with_the_reason(
    tmp_path: Path, drawing: str, changes: dict[str, Any], reason: str
) -> None:
    world = make_world(tmp_path, drawing, [demand("A", "B", **changes)])
    with pytest.raises(InfeasibleError, match=reason):
        design_plan(world.network, world.scenario)


def test_a_budget_below_the_unavoidable_is_proven_too_small(tmp_path: Path) -> None:
    world = make_world(tmp_path, "A---B", [demand("A", "B")], phases=phases(500_000.0))
    with pytest.raises(InfeasibleError, match="cannot do without cost at least 730,000 EUR") as caught:
        design_plan(world.network, world.scenario)
    assert "more than its budget of 500,000 EUR" in str(caught.value)


def test_a_budget_that_only_the_search_cannot_meet_is_not_called_impossible(tmp_path: Path) -> None:
    world = make_world(tmp_path, "A---B", [demand("A", "B")], phases=phases(800_000.0))
    with pytest.raises(SolverError, match="none was ruled out"):
        design_plan(world.network, world.scenario)


def test_a_technology_must_be_allowed_to_the_end(tmp_path: Path) -> None:
    entries = phases(None, None)
    entries[1]["technologies"] = ["chain"]
    world = make_world(tmp_path, "A---B", [demand("A", "B")], phases=entries)
    with pytest.raises(InfeasibleError, match="no technology that counts detected pairs is allowed in all phases"):
        design_plan(world.network, world.scenario)


def test_a_network_of_another_scenario_is_refused(tmp_path: Path) -> None:
    first = make_world(tmp_path, "A---B", [demand("A", "B")])
    second = make_world(tmp_path, "A---B", [demand("A", "B", min_rate_hz=11.0)])
    with pytest.raises(InputError, match="built for another scenario"):
        design_plan(first.network, second.scenario)


def test_equal_inputs_give_equal_bytes(tmp_path: Path) -> None:
    demands = [demand("A", "B", routes=2), stored("A", "C", from_phase="p2")]
    world = make_world(tmp_path, RING, demands, phases=phases(None, None))
    first = design_plan(world.network, world.scenario)
    second = design_plan(world.network, world.scenario)
    assert first.to_json(timing=False) == second.to_json(timing=False)
    assert first.timing is not None
    assert first.timing.first_plan_s <= first.timing.design_s
