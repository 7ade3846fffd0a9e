"""Residual values: what is left of prices at the horizon, in cost, plan, bound, verdict and report."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cases import Case, failing
from design.judged import best_of_simple_routes, try_plan, world_of
from planner import costs
from planner.design.bounds import lower_bound
from planner.design.instance import MONEY
from planner.plan import Plan
from planner.report.dossier import open_dossier
from planner.report.spending import describe_spending
from planner.verify import verify_plan
from worlds import World, demand, make_world, phases

pytestmark = pytest.mark.usefixtures("inprocess")

LIVES = {"trench": 40.0, "cable-pull": 25.0, "hut": 30.0, "snspd-system": 10.0, "free-space-terminal": 12.0}


def with_lives(world: World) -> World:
    """Return the world with lives in its price list, in which residual values count."""
    scenario = world.scenario
    items = {
        name: item.model_copy(update={"life_years": LIVES.get(name)}) for name, item in scenario.costs.items.items()
    }
    economics = scenario.spec.economics.model_copy(update={"residual_value": True})
    spec = scenario.spec.model_copy(update={"economics": economics})
    return replace(
        world, scenario=replace(scenario, spec=spec, costs=scenario.costs.model_copy(update={"items": items}))
    )


def planned(world: World) -> Plan:
    plan = try_plan(world)
    assert isinstance(plan, Plan), plan
    return plan


def test_what_is_left_is_the_unused_share_of_the_price_at_the_horizon(tmp_path: Path) -> None:
    world = make_world(tmp_path, "A--B", [demand("A", "B")], phases=phases(None, None))
    assert costs.residual_worth(world.scenario, "trench", 0) == 0.0
    scenario = with_lives(world).scenario
    assert costs.residual_worth(scenario, "trench", 0) == pytest.approx((40 - 15) / 40 * 1.05**-15)
    assert costs.residual_worth(scenario, "trench", 1) == pytest.approx((40 - 12) / 40 * 1.05**-15)
    assert costs.residual_worth(scenario, "snspd-system", 0) == 0.0  # worn out before the horizon
    assert costs.residual_worth(scenario, "pair-source", 0) == 0.0  # no life is known


def test_it_is_a_line_of_its_own_and_lowers_the_cost(tmp_path: Path) -> None:
    world = make_world(tmp_path, "A--B", [demand("A", "B")])
    before, after = planned(world), planned(with_lives(world))
    (line,) = (line for line in after.costs if line.category == costs.RESIDUAL)
    metres = 1000.0 * float(world.network.spans.length_km.sum())
    assert line.capex == line.opex_per_year == 0.0
    assert line.present_cost == pytest.approx(-60.0 * metres * 25 / 40 * 1.05**-15)
    assert after.outcome.cost == pytest.approx(before.outcome.cost + line.present_cost)


def test_what_lasts_is_preferred_to_what_is_gone(tmp_path: Path) -> None:
    """A lease of 15 years is a little cheaper than a trench that would serve 25 years more."""
    drawing = "A-------B\n!       !\n+~~~~~~~+"
    plain = make_world(tmp_path, drawing, [demand("A", "B")], prices={"dark-fiber-lease": lease_price(2_200.0)})
    assert not [line for line in planned(plain).costs if line.category == "trenching"]
    assert [line for line in planned(with_lives(plain)).costs if line.category == "trenching"]


def lease_price(price: float) -> dict[str, Any]:
    return {"price": price, "source": "invented for tests"}


def test_the_verdict_recomputes_it_and_the_report_shows_it(tmp_path: Path) -> None:
    world = with_lives(make_world(tmp_path, "A--s--B", [demand("A", "B")], phases=phases(None, None)))
    plan = planned(world)
    case = Case(network=world.network, scenario=world.scenario, plan=plan)
    worth = [line for line in plan.costs if line.category != costs.RESIDUAL]
    assert failing(case.edit(costs=tuple(worth))) == {"cost_is_right"}
    dossier = open_dossier(world.network, world.scenario, plan, verify_plan(world.network, world.scenario, plan))
    shown = describe_spending(dossier)
    assert "before residual value" in str(shown.charts[1][0])
    assert any("Residual value at the horizon" in str(row) for row in shown.tables[1].rows)
    assert "less what is left of prices at the end" in shown.tables[1].caption


def test_no_plan_is_cheaper_than_the_bound_where_residual_values_count() -> None:
    compared = 0
    for seed in range(40):
        world = with_lives(world_of(seed, poor=seed % 3 == 0))
        best = best_of_simple_routes(world)
        if best is None or best.cost == np.inf:
            continue
        result = try_plan(world)
        assert lower_bound(world.network, world.scenario).value <= MONEY * best.cost * (1.0 + 1e-9), f"seed {seed}"
        if isinstance(result, Plan):
            compared += 1
            assert result.outcome.cost <= MONEY * best.cost * 1.02, f"seed {seed}"
    assert compared >= 12
