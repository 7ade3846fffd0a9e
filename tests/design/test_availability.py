"""How much of the time services work: exact over what routes share, in all weathers, and checked independently."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from design.inprocess import EXACT
from design.instances import Builder
from planner.design import design_plan
from planner.design.instance import _set_apart
from planner.design.selection import choose
from planner.errors import InfeasibleError, InputError, SolverError
from planner.network import with_digest
from planner.plan import Plan
from planner.verify import verify_plan
from worlds import World, demand, hop, make_world

SOURCE = {"label": "test", "source": "invented for tests"}
NEVER = {**SOURCE, "mean_time_between_failures_h": 1e12, "repair_h": 1.0}
RELIABILITY: dict[str, Any] = {
    "cuts": {
        medium: {**SOURCE, "cuts_per_1000_km_year": 1000.0, "repair_h": 876.0}
        for medium in ("trench", "duct", "dark_fiber")
    },
    "structure": {**SOURCE, "mean_time_between_failures_h": 99.0, "repair_h": 1.0},
    "power": NEVER,
    "equipment": {},
}
"""Trenches are cut a tenth of the time per km, structures fail a hundredth of the time, nothing else."""
RING = """
A---+---B
|       |
+---C---+
"""


def world_of(
    folder: Path, drawing: str, demands: list[dict[str, Any]], *, reliability: Any = RELIABILITY, **changes: Any
) -> World:
    """Return a drawn world whose catalog knows how often things fail."""
    climate = {**SOURCE, "visibility_km": [0, 1, 10], "shares": [0.1, 0.2, 0.7]}
    more = {"reliability": reliability, "climates": {"test": climate}}
    return make_world(folder, drawing, demands, hardware=more, **changes)


def plan_of(world: World) -> Plan:
    plan = design_plan(world.network, world.scenario)
    verdict = verify_plan(world.network, world.scenario, plan)
    assert verdict.passed, verdict.failed_checks
    return plan


def test_one_route_works_unless_a_span_is_cut(tmp_path: Path) -> None:
    world = world_of(tmp_path, "A---B", [demand("A", "B")])
    service = plan_of(world).services[0]
    length_km = float(world.network.spans.length_km[0])
    assert service.availability == pytest.approx(1.0 - 0.1 * length_km)
    assert service.expected_rate_hz == pytest.approx(service.availability * service.routes[0].rate_hz)


def test_two_apart_routes_fail_together_by_chance_only(tmp_path: Path) -> None:
    world = world_of(tmp_path, RING, [demand("A", "B", routes=2)])
    service = plan_of(world).services[0]
    first, second = service.route_availability
    assert service.availability == pytest.approx(1.0 - (1.0 - first) * (1.0 - second))


def test_a_shared_bridge_is_no_product(tmp_path: Path) -> None:
    world = world_of(tmp_path, RING, [demand("A", "B", routes=2, disjoint="duct")])
    groups = tuple((*names, "bridge:one") for names in world.network.spans.risk_groups)
    network = with_digest(replace(world.network, spans=replace(world.network.spans, risk_groups=groups)))
    service = plan_of(World(scenario=world.scenario, network=network)).services[0]
    first, second = service.route_availability
    apart = [share / 0.99 for share in (first, second)]
    assert service.availability == pytest.approx(0.99 * (1.0 - (1.0 - apart[0]) * (1.0 - apart[1])))
    assert service.availability < 1.0 - (1.0 - first) * (1.0 - second)


def test_equipment_and_power_count_with_their_service_hours(tmp_path: Path) -> None:
    weak = {**SOURCE, "mean_time_between_failures_h": 99.0, "repair_h": 1.0, "service_h_per_year": 876.0}
    quiet = {medium: {**SOURCE, "cuts_per_1000_km_year": 0.0, "repair_h": 0.0} for medium in ("trench",)}
    failing = RELIABILITY | {"cuts": quiet, "power": weak, "equipment": {"user-receiver": weak}}
    service = plan_of(world_of(tmp_path, "A---B", [demand("A", "B")], reliability=failing)).services[0]
    sites = {station.site for station in service.routes[0].stations}
    assert service.availability == pytest.approx((0.99 * 0.9) ** (len(sites) + 2))


def test_all_hops_see_one_weather(tmp_path: Path) -> None:
    hops = [
        hop("A", "B", id="one", visibility_km=5.0),
        hop("A", "C", id="two", visibility_km=0.9),
        hop("C", "B", id="three", visibility_km=0.9),
    ]
    demands = [demand("A", "B", routes=2, min_rate_hz=1.0, min_fidelity=0.6)]
    world = world_of(tmp_path, "A   B\n\n  C  ", demands, hops=hops, climate="test")
    service = plan_of(world).services[0]
    assert {span for route in service.routes for span in route.spans} == {"one", "two", "three"}
    assert sorted(service.route_availability) == pytest.approx([0.7, 0.9])
    assert service.availability == pytest.approx(0.9)


def test_an_availability_that_only_the_dear_way_reaches(tmp_path: Path) -> None:
    drawing = "A=======B\n|       |\n+-------+"
    weak = copy.deepcopy(RELIABILITY)
    weak["cuts"]["trench"]["cuts_per_1000_km_year"] = 1.0
    cheap = plan_of(world_of(tmp_path, drawing, [demand("A", "B")], reliability=weak)).services[0]
    assert cheap.availability is not None
    assert cheap.availability < 0.9
    asked = [demand("A", "B", min_availability=0.95)]
    safe = plan_of(world_of(tmp_path, drawing, asked, reliability=weak)).services[0]
    assert safe.availability is not None
    assert safe.availability >= 0.95
    assert safe.routes[0].spans != cheap.routes[0].spans


def test_an_availability_that_nothing_reaches(tmp_path: Path) -> None:
    world = world_of(tmp_path, "A---B", [demand("A", "B", min_availability=0.99)])
    with pytest.raises((InfeasibleError, SolverError)):
        design_plan(world.network, world.scenario)


def test_availability_needs_figures(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no figures of reliability"):
        make_world(tmp_path, "A---B", [demand("A", "B", min_availability=0.9)])


@pytest.mark.parametrize(
    ("changes", "failed"),
    [
        ({"availability": 0.5}, "availability_is_right"),
        ({"expected_rate_hz": 1.0}, "availability_is_right"),
    ],
)
def test_a_wrong_availability_is_found(tmp_path: Path, changes: dict[str, float], failed: str) -> None:
    world = world_of(tmp_path, "A---B", [demand("A", "B", min_availability=0.8)])
    plan = plan_of(world)
    spoiled = plan.model_copy(update={"services": (plan.services[0].model_copy(update=changes),)})
    verdict = verify_plan(world.network, world.scenario, spoiled)
    assert {check.name for check in verdict.failed_checks} == {failed}


def test_a_missed_availability_is_found(tmp_path: Path) -> None:
    world = world_of(tmp_path, "A---B", [demand("A", "B", min_availability=0.8)])
    plan = plan_of(world)
    asked = tuple(item.model_copy(update={"min_availability": 0.99}) for item in world.scenario.spec.demands)
    stricter = replace(world.scenario, spec=world.scenario.spec.model_copy(update={"demands": asked}))
    verdict = verify_plan(world.network, stricter, plan)
    assert {check.name for check in verdict.failed_checks} == {"availability_is_reached"}


THREE_WAYS = """
+=======+
|       |
A=======B
|       |
+-------+
"""


def test_a_pair_works_as_much_as_is_asked(tmp_path: Path) -> None:
    # Two ducts are cheap, and dug up often enough that both fail together too often; the trench is dear and safe.
    weak = copy.deepcopy(RELIABILITY)
    weak["cuts"]["trench"]["cuts_per_1000_km_year"] = 1.0
    cheap = plan_of(world_of(tmp_path, THREE_WAYS, [demand("A", "B", routes=2)], reliability=weak)).services[0]
    assert cheap.availability is not None
    asked = [demand("A", "B", routes=2, min_availability=1.0 - 0.3 * (1.0 - cheap.availability))]
    safe = plan_of(world_of(tmp_path, THREE_WAYS, asked, reliability=weak)).services[0]
    assert {route.spans for route in safe.routes} != {route.spans for route in cheap.routes}
    assert safe.availability is not None
    assert safe.availability >= asked[0]["min_availability"]


def test_no_pair_works_as_much_as_is_asked(tmp_path: Path) -> None:
    world = world_of(tmp_path, RING, [demand("A", "B", routes=2, min_availability=0.9999)])
    with pytest.raises((InfeasibleError, SolverError)):
        design_plan(world.network, world.scenario)


def test_the_program_takes_no_pair_that_works_too_seldom() -> None:
    world = Builder(phases=1)
    wanted = world.demand(routes=2)
    north, middle, south = (world.block(price) for price in (1.0, 2.0, 10.0))
    for block in (north, middle, south):
        world.route(wanted, blocks={block: 1})
    free = world.instance()
    bound = replace(free, routes=_set_apart(list(free.routes), [(0, 1)], first=3))
    chosen = [choose(instance, EXACT) for instance in (free, bound)]
    assert [sorted(choice.routes[0, 0]) for choice in chosen] == [[0, 1], [0, 2]]
