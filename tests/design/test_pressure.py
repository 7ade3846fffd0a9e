"""Prices under tight budgets: what they add, and plans that are found by them alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from planner.costs import capex_by_phase
from planner.design import design_plan
from planner.design.ledger import PriceTable
from planner.design.pressure import FIRST_WEIGHT, Pressure
from planner.verify import verify_plan
from worlds import World, demand, make_world, phases

pytestmark = pytest.mark.usefixtures("inprocess")

TRENCH_OR_LEASE = "\n".join(("A--B", *("!  !",) * 40, "+~~+"))
"""A short street, and fiber on lease by a long way round: dearer over the years, but nothing to be paid at once."""


def world_with(folder: Path, budget: float | None) -> World:
    settings: dict[str, Any] = {"phases": phases(budget, None), "solver": {"work_budget": 400, "gap": 0.0}}
    return make_world(folder, TRENCH_OR_LEASE, [demand("A", "B")], cell_km=0.5, **settings)


def test_the_weight_of_an_overspent_budget_adds_to_what_counts_against_it_and_to_nothing_else(tmp_path: Path) -> None:
    world = world_with(tmp_path, 1000.0)
    plain = PriceTable(world.network, world.scenario)
    pressure = Pressure(plain)
    assert not pressure.feel([999.0, 1e9])
    assert pressure.prices is plain
    assert pressure.feel([1001.0, 0.0])
    dearer = pressure.prices
    for name, column in plain.item.items():
        assert dearer.item[name][0] == pytest.approx(column[0] + FIRST_WEIGHT * plain.item_capex[name][0])
        assert dearer.item[name][1] == column[1]
    assert np.allclose(dearer.spans.first[0], plain.spans.first[0] + FIRST_WEIGHT * plain.spans.capex[0])
    assert dearer.lease == plain.lease  # budgets cover capital alone here
    while pressure.feel([0.0, 0.0]):
        pass
    assert pressure.prices.item == plain.item


def test_a_budget_that_the_cheapest_route_exceeds_turns_the_search_to_one_within_it(tmp_path: Path) -> None:
    free = world_with(tmp_path, None)
    cheapest = design_plan(free.network, free.scenario)
    spent = capex_by_phase(cheapest.costs)["p1"]
    tight = world_with(tmp_path, spent - 1000.0)
    plan = design_plan(tight.network, tight.scenario)
    assert plan.outcome.cost > cheapest.outcome.cost
    assert capex_by_phase(plan.costs)["p1"] <= spent - 1000.0
    assert verify_plan(tight.network, tight.scenario, plan).passed
