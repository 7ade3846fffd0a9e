"""Costs over time, by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from planner import costs
from planner.plan import Installation, Service, SiteOpening, SpanBuild
from worlds import World, demand, make_world, phases


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Return a line of trench, duct and leased fiber, with phases in 2027 and 2030 and a horizon of 15 years."""
    return make_world(tmp_path, "A--#==#~~B", [demand("A", "B")], phases=phases(None, None))


def test_discount_and_annuity(world: World) -> None:
    scenario = world.scenario
    assert costs.discount(scenario, 1) == pytest.approx(1.05**-3)
    assert costs.annuity(scenario, 0) == pytest.approx(sum(1.05**-year for year in range(15)))
    assert costs.annuity(scenario, 0, last_phase=0) == pytest.approx(1 + 1.05**-1 + 1.05**-2)
    assert costs.annuity(scenario, 0, last_phase=0) + costs.annuity(scenario, 1) == pytest.approx(
        costs.annuity(scenario, 0)
    )


def test_cost_lines_add_up_what_is_built(world: World) -> None:
    quantities = costs.Quantities(
        builds=tuple(SpanBuild(span=span, phase="p2") for span in world.network.spans.ids),
        openings=(SiteOpening(site="A", phase="p1"),),
        installations=(Installation(site="A", item="pair-source", phase="p1", count=2),),
        services=(),
    )
    lines = {(line.phase, line.category): line for line in costs.cost_lines(world.network, world.scenario, quantities)}
    lengths_m = 1000.0 * world.network.spans.length_km
    assert lines["p2", "trenching"].capex == pytest.approx(60.0 * lengths_m[0])
    assert lines["p2", "right-of-way"].capex == pytest.approx(5.0 * lengths_m[0])
    assert lines["p2", "cable"].capex == pytest.approx(8.0 * lengths_m[1])
    assert lines["p2", "duct rental"].opex_per_year == pytest.approx(2.0 * lengths_m[1])
    assert ("p2", "dark fiber lease") not in lines  # leases are paid by the routes that use them
    source = lines["p1", "quantum equipment"]
    assert (source.capex, source.opex_per_year) == (500_000.0, 50_000.0)
    assert source.present_cost == pytest.approx(500_000.0 + 50_000.0 * costs.annuity(world.scenario, 0))


def test_learning_lowers_equipment_and_leaves_civil_works(tmp_path: Path) -> None:
    entries = phases(None, None)
    entries[1]["world_units_ratio"] = 4.0
    scenario = make_world(tmp_path, "A---B", [demand("A", "B")], phases=entries).scenario
    assert costs.unit_price(scenario, "pair-source", 1) == pytest.approx(250_000.0 * 0.7225)
    assert costs.unit_price(scenario, "trench", 1) == 60.0


def test_no_services_cost_nothing(world: World) -> None:
    quantities = costs.Quantities(
        builds=(), openings=(), installations=(), services=(Service(demand="A-B", phase="p1", routes=()),)
    )
    assert costs.cost_lines(world.network, world.scenario, quantities) == ()
