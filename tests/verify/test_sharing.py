"""What two routes share: plans that share only what they must, and every way in which a plan may lie about it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cases import Case, failing, route_of
from planner.design import design_plan
from planner.errors import InfeasibleError
from planner.plan import Plan, SharedSpan
from planner.verify import verify_plan
from worlds import World, demand, make_world

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
