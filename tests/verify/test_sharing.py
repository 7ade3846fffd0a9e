"""What two routes share: plans that share only what they must, and every way in which a plan may lie about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cases import Case, failing, route_of
from planner.design import design_plan
from planner.errors import InfeasibleError, SolverError
from planner.network import Spans, with_digest
from planner.plan import Plan, SharedSpan
from planner.verify import verify_plan
from worlds import World, demand, hop, make_world

LOLLIPOP = """
A--+---+---B
   |   |
   +---+
"""
BRIDGE = ("street:s00", "street:s03")


def lollipop(folder: Path, drawing: str = LOLLIPOP) -> World:
    return make_world(folder, drawing, [demand("A", "B", routes=2, redundancy="maximal")])


def with_structure(case: Case, *spans: str) -> Case:
    """Put spans on one bridge."""
    for span in spans:
        case = case.edit_span(span, risk_groups=(f"street:{span}", "bridge:b"))
    return case


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    world = lollipop(tmp_path_factory.mktemp("lollipop"))
    return Case(network=world.network, scenario=world.scenario, plan=design_plan(world.network, world.scenario))


def shared_spans(case: Case) -> tuple[SharedSpan, ...]:
    return case.plan.services[0].shared_spans


def edited(**changes: float) -> Callable[[Case], Case]:
    def spoil(case: Case) -> Case:
        first, *rest = shared_spans(case)
        return case.edit_service("A-B", "p1", shared_spans=(first.model_copy(update=changes), *rest))

    return spoil


def same_way_round(case: Case) -> Case:
    """Both routes go one way round the ring."""
    first, second = case.plan.services[0].routes
    return case.edit_service("A-B", "p1", routes=(first, first if len(first.spans) == 3 else second))


SPOILINGS: dict[str, tuple[Callable[[Case], Case], set[str]]] = {
    "a shared risk is kept quiet": (
        lambda c: c.edit_service("A-B", "p1", shared=("lateral:A", "lateral:B", BRIDGE[0])),
        {"routes_are_disjoint"},
    ),
    "more is declared than is shared": (
        lambda c: c.edit_service("A-B", "p1", shared=("lateral:A", "lateral:B", *BRIDGE, "street:s01")),
        {"routes_are_disjoint"},
    ),
    "a shared span is kept quiet": (
        lambda c: c.edit_service("A-B", "p1", shared_spans=shared_spans(c)[1:]),
        {"shared_spans_are_told"},
    ),
    "length of a shared span": (edited(length_km=0.1), {"shared_spans_are_told"}),
    "price of a shared span": (edited(capex=1.0), {"shared_spans_are_told"}),
    "users of a shared span": (edited(routes=1), {"shared_spans_are_told"}),
    "nothing may be shared": (
        lambda c: c.edit_demand("A-B", redundancy="strict"),
        {"routes_are_disjoint", "routes_lie_apart", "shared_spans_are_told"},
    ),
    "more is shared than must be": (same_way_round, {"routes_are_disjoint", "routes_lie_apart"}),
}


@pytest.mark.parametrize("name", SPOILINGS)
def test_exactly_the_right_checks_fail(name: str, case: Case) -> None:
    spoil, expected = SPOILINGS[name]
    assert failing(case) == set()
    assert failing(spoil(case)) - {"equipment_suffices"} == expected


def test_each_shared_metre_is_named_and_priced(case: Case) -> None:
    service = case.plan.services[0]
    assert service.shared == ("lateral:A", "lateral:B", *BRIDGE)
    assert [(item.span, item.routes) for item in service.shared_spans] == [("s00", 2), ("s03", 2)]
    assert sum(item.length_km for item in service.shared_spans) == pytest.approx(3.5, abs=0.001)
    assert sum(item.capex for item in service.shared_spans) == pytest.approx(3500 * 65.0, rel=1e-3)
    assert len(set(route_of(case, "A-B", "p1", 0).spans) & set(route_of(case, "A-B", "p1", 1).spans)) == 2


def test_losing_a_shared_span_loses_the_service(case: Case) -> None:
    failures = verify_plan(case.network, case.scenario, case.plan).failures
    lost = {failure.risk_group for failure in failures if failure.lost_demands}
    assert lost == set(BRIDGE)


def test_strict_refuses_and_says_what_would_help(tmp_path: Path) -> None:
    world = make_world(tmp_path, LOLLIPOP, [demand("A", "B", routes=2)])
    with pytest.raises(InfeasibleError, match=r"2 spans \(3500 m\): s00 .*redundancy: maximal"):
        design_plan(world.network, world.scenario)


def plan_of(case: Case) -> Plan:
    plan = design_plan(case.network, case.scenario)
    verdict = verify_plan(case.network, case.scenario, plan)
    assert verdict.passed, verdict.failed_checks
    assert plan.outcome.lower_bound <= plan.outcome.cost
    return plan


def test_what_lies_within_an_unavoidable_risk_may_be_shared(case: Case) -> None:
    plan = plan_of(with_structure(case, "s01", "s05"))  # the two sides of the ring stand on one bridge
    assert set(plan.services[0].shared) == {"lateral:A", "lateral:B", *BRIDGE, "bridge:b", "street:s01"}
    assert {item.span: item.routes for item in plan.services[0].shared_spans} == {"s00": 2, "s01": 2, "s03": 2}


def test_a_duct_within_the_shared_street_may_be_shared_too(tmp_path: Path) -> None:
    drawing = """
A==+---+---B
   |   |
   +---+
"""
    world = lollipop(tmp_path, drawing)
    plan = plan_of(Case(network=world.network, scenario=world.scenario, plan=None))  # type: ignore[arg-type]
    assert {item.span for item in plan.services[0].shared_spans} == {"s00", "s03"}


def test_redundant_sites_share_nothing_though_they_may(tmp_path: Path) -> None:
    ring = """
A---+---B
|       |
+-------+
"""
    world = lollipop(tmp_path, ring)
    plan = plan_of(Case(network=world.network, scenario=world.scenario, plan=None))  # type: ignore[arg-type]
    assert plan.services[0].shared == ("lateral:A", "lateral:B")


def pair_of(folder: Path, drawing: str, **changes: object) -> Plan:
    """Return the checked plan of a demand for two routes from A to B."""
    hops = changes.pop("hops", ())
    world = make_world(folder, drawing, [demand("A", "B", **{"routes": 2, **changes})], hops=hops)  # type: ignore[arg-type]
    return plan_of(Case(network=world.network, scenario=world.scenario, plan=None))  # type: ignore[arg-type]


def spans_of(plan: Plan) -> list[set[str]]:
    return [set(route.spans) for route in plan.services[0].routes]


def test_routes_that_only_keep_their_repeaters_apart_share_the_fiber(tmp_path: Path) -> None:
    first, second = spans_of(pair_of(tmp_path, "A---+---B", disjoint="repeater"))
    assert first == second


def test_a_duct_and_a_trench_in_one_street_are_two_spans_but_one_dig(tmp_path: Path) -> None:
    world = make_world(tmp_path, "A---B", [demand("A", "B", routes=2, disjoint="span")])
    columns = world.network.spans
    case = Case(network=world.network, scenario=world.scenario, plan=None)  # type: ignore[arg-type]
    assert len(columns) == 1
    double = replace(
        columns,
        **{
            field.name: doubled(getattr(columns, field.name))
            for field in fields(columns)
            if field.name not in ("offsets", "coordinates", "ids")
        },
        ids=("s00", "s01"),
        offsets=np.array([0, 2, 4]),
        coordinates=np.concatenate((columns.coordinates, columns.coordinates)),
    )
    case = case_with(case, replace(double, risk_groups=(("street:s00",), ("street:s01", "street:s00"))))
    first, second = spans_of(plan_of(case))
    assert not first & second
    for level in ("duct", "structure", "node"):
        with pytest.raises(InfeasibleError, match=r"every route passes 1 spans .* s00"):
            plan_of(case.edit_demand("A-B", disjoint=level))


def doubled(column: Any) -> Any:
    return column * 2 if isinstance(column, tuple) else np.concatenate((column, column))


def case_with(case: Case, spans: Spans) -> Case:
    return replace(case, network=with_digest(replace(case.network, spans=spans)))


def test_two_ways_over_one_bridge_are_apart_only_below_structures(tmp_path: Path) -> None:
    ring = """
A---+---B
|       |
+---+---+
"""
    world = make_world(tmp_path, ring, [demand("A", "B", routes=2, disjoint="duct")])
    case = Case(network=world.network, scenario=world.scenario, plan=None)  # type: ignore[arg-type]
    ids = world.network.spans.ids
    groups = [(f"street:{span}", *(("bridge:b",) if span in (ids[0], ids[-1]) else ())) for span in ids]
    case = case_with(case, replace(world.network.spans, risk_groups=tuple(groups)))
    assert not set.intersection(*spans_of(plan_of(case)))
    with pytest.raises(InfeasibleError, match="every route meets 1 risk groups: bridge:b"):
        plan_of(case.edit_demand("A-B", disjoint="structure"))


def test_node_disjoint_routes_cost_more_where_the_cheap_ones_meet(tmp_path: Path) -> None:
    waist = """
A---+
|   |
+---+---+
|   |   |
|   +---B
|       |
|       |
+-------+
"""
    ways = {level: pair_of(tmp_path, waist, disjoint=level) for level in ("structure", "node")}
    assert ways["node"].outcome.cost > 1.01 * ways["structure"].outcome.cost
    assert len(set.union(*spans_of(ways["structure"]))) == 8


def test_a_junction_in_the_way_is_named_at_level_node_alone(tmp_path: Path) -> None:
    two_rings = """
A---+
|   |
+---+---+
    |   |
    +---B
"""
    assert not set.intersection(*spans_of(pair_of(tmp_path, two_rings, disjoint="structure")))
    with pytest.raises(InfeasibleError, match=r"every route meets 1 risk groups: node:n"):
        pair_of(tmp_path, two_rings, disjoint="node")
    plan = pair_of(tmp_path, two_rings, disjoint="node", redundancy="maximal")
    assert plan.services[0].shared[2:] == ("node:n03",)
    assert plan.services[0].shared_spans == ()


def test_two_hops_to_one_roof_are_not_apart(tmp_path: Path) -> None:
    roofs = """
A   C   B
|   |   |
+---+---+
"""
    hops = [hop("A", "C"), hop("C", "B")]
    with pytest.raises(InfeasibleError):
        pair_of(tmp_path, "A   C   B", hops=[*hops, hop("A", "C", id="second"), hop("C", "B", id="fourth")])
    plan = pair_of(tmp_path, roofs, hops=hops)
    assert sorted(len(spans) for spans in spans_of(plan)) == [2, 4]


RATE_HZ = 150_000.0


def test_a_backup_may_deliver_less(tmp_path: Path) -> None:
    detour = """
A---+---B
|       |
|       |
|       |
+-------+
"""
    settings: dict[str, Any] = {"min_rate_hz": RATE_HZ, "routes": 2}
    world = make_world(tmp_path, detour, [demand("A", "B", **settings)], cell_km=2.0)
    full = Case(network=world.network, scenario=world.scenario, plan=None)  # type: ignore[arg-type]
    equal = plan_of(full)
    lanes = [route.lanes for route in equal.services[0].routes]
    lower = full.edit_demand("A-B", backup_min_rate_hz=RATE_HZ / 10.0)
    plan = plan_of(lower)
    routes = plan.services[0].routes
    assert [route.target for route in routes] == ["primary", "backup"]
    assert routes[0].rate_hz >= RATE_HZ > routes[1].rate_hz >= RATE_HZ / 10.0
    assert routes[1].lanes < lanes[1]
    assert plan.outcome.cost < equal.outcome.cost
    assert plan.outcome.lower_bound <= plan.outcome.cost

    case = replace(lower, plan=plan)
    swapped = case.edit_service("A-B", "p1", routes=routes[::-1])
    assert failing(swapped) == {"full_target_comes_first"}
    assert failing(case.edit_demand("A-B", backup_min_rate_hz=None)) == {"full_target_comes_first", "rate_is_reached"}
    boast = case.edit_route("A-B", "p1", 1, target="primary")
    assert failing(boast) == {"rate_is_reached"}


def test_three_routes_are_apart_each_from_each(tmp_path: Path) -> None:
    theta = """
+---+---+
|       |
A---x---B
|       |
+---y---+
"""
    plan = pair_of(tmp_path, theta, routes=3)
    first, second, third = spans_of(plan)
    assert not first & second
    assert not first & third
    assert not second & third
    with pytest.raises(SolverError, match="no route was found for demand A-B"):
        pair_of(tmp_path, theta, routes=4)
