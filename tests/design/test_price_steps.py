"""Prices that fall with the units that the city itself buys: in the plan, the bound, the verdict and the report."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cases import Case, failing
from design.judged import best_of_simple_routes, try_plan, world_of
from planner.catalog import PriceStep
from planner.costs import CostLine
from planner.design.bounds import lower_bound
from planner.design.instance import MONEY
from planner.plan import Plan
from planner.report.bill import price_table, site_table
from planner.report.dossier import open_dossier
from planner.verify import verify_plan
from worlds import World, demand, make_world, phases

pytestmark = pytest.mark.usefixtures("inprocess")


def with_steps(world: World, **steps: tuple[tuple[int, float], ...]) -> World:
    """Return the world in whose price list some items (written with `_`) become cheaper from some units on."""
    items = dict(world.scenario.costs.items)
    for name, written in steps.items():
        told = tuple(PriceStep(from_units=units, price_share=share) for units, share in written)
        items[name.replace("_", "-")] = items[name.replace("_", "-")].model_copy(update={"price_steps": told})
    costs = world.scenario.costs.model_copy(update={"items": items})
    return replace(world, scenario=replace(world.scenario, costs=costs))


def planned(world: World, **options: object) -> Plan:
    plan = try_plan(world, **options)
    assert isinstance(plan, Plan), plan
    return plan


def equipment(plan: Plan, phase: str) -> CostLine:
    return next(line for line in plan.costs if (line.phase, line.category) == (phase, "quantum equipment"))


def triangle(folder: Path) -> World:
    """Return three sites whose three demands need six receivers, two of them from the first phase on."""
    demands = [demand("A", "B"), demand("B", "C", from_phase="p2"), demand("A", "C", from_phase="p2")]
    return make_world(folder, "A--+--B\n|     |\n+--C--+", demands, phases=phases(None, None))


def test_units_beyond_the_step_cost_its_share_over_all_sites_and_phases(tmp_path: Path) -> None:
    free = triangle(tmp_path)
    stepped = with_steps(free, user_receiver=((3, 0.5), (5, 0.25)))
    full, cheap = planned(free), planned(stepped)
    assert equipment(cheap, "p1").capex == pytest.approx(equipment(full, "p1").capex)
    saved = 60_000.0 * (2 * 0.5 + 2 * 0.75)  # units 3 and 4 at half the price, 5 and 6 at a quarter of it
    assert equipment(full, "p2").capex - equipment(cheap, "p2").capex == pytest.approx(saved)
    assert cheap.outcome.lower_bound <= cheap.outcome.cost < full.outcome.cost


@pytest.mark.parametrize("rollout", ["joint", "step-by-step", "end-state-first", "all-at-once"])
def test_every_roll_out_counts_what_earlier_phases_bought(tmp_path: Path, rollout: str) -> None:
    world = with_steps(triangle(tmp_path), user_receiver=((3, 0.5),))
    plan = planned(world, rollout=rollout)
    assert plan.outcome.cost < planned(triangle(tmp_path), rollout=rollout).outcome.cost


def test_a_step_makes_a_budget_suffice(tmp_path: Path) -> None:
    free = triangle(tmp_path)
    plan = planned(with_steps(free, user_receiver=((3, 0.5),)))
    spent = sum(line.capex for line in plan.costs if line.phase == "p2")
    limits = tuple(
        phase.model_copy(update={"budget": spent + 1.0} if phase.id == "p2" else {}) for phase in free.scenario.phases
    )
    poor = replace(
        free,
        scenario=replace(free.scenario, spec=free.scenario.spec.model_copy(update={"phases": limits})),
    )
    before = sum(line.capex for line in planned(poor).costs if line.phase == "p1")
    after = sum(line.capex for line in planned(with_steps(poor, user_receiver=((3, 0.5),))).costs if line.phase == "p1")
    assert after < before  # at full prices something must be bought early


def test_the_verdict_and_the_report_know_the_steps(tmp_path: Path) -> None:
    world = with_steps(triangle(tmp_path), user_receiver=((3, 0.5),))
    plan = planned(world)
    case = Case(network=world.network, scenario=world.scenario, plan=plan)
    assert failing(replace(case, scenario=with_steps(world, user_receiver=((4, 0.5),)).scenario)) == {"cost_is_right"}
    dossier = open_dossier(world.network, world.scenario, plan, verify_plan(world.network, world.scenario, plan))
    assert "from unit 3 on" in str(price_table(dossier).rows)
    assert "Less for many units of a kind" in str(site_table(dossier).foot)


def test_no_plan_is_cheaper_than_the_bound_where_prices_fall_in_steps() -> None:
    compared = cheaper = 0
    for seed in range(40):
        free = world_of(seed, poor=seed % 3 == 0)
        world = with_steps(free, user_receiver=((3, 0.6),), snspd_system=((2, 0.9), (3, 0.5)), memory_node=((3, 0.4),))
        best, full = best_of_simple_routes(world), best_of_simple_routes(free)
        if best is None or full is None or best.cost == np.inf:
            continue
        result = try_plan(world)
        assert lower_bound(world.network, world.scenario).value <= MONEY * best.cost * (1.0 + 1e-9), f"seed {seed}"
        if isinstance(result, Plan):
            compared += 1
            assert result.outcome.cost <= MONEY * best.cost * 1.02, f"seed {seed}"
            cheaper += best.cost < full.cost - 1e-9
    assert compared >= 12
    assert cheaper >= 5
