"""Ties: plans that cost the same are told apart by rule, and the order of a file's lists does not matter."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from design.judged import world_of
from planner.design import design_plan
from planner.design.ledger import PriceTable
from planner.design.rollouts import Draft, draft_rank
from planner.errors import InfeasibleError, SolverError
from worlds import World, demand, make_world

pytestmark = pytest.mark.usefixtures("inprocess")


def draft(spans: tuple[int, ...], units: int) -> Draft:
    return Draft(
        span_phase=dict.fromkeys(spans, 0),
        site_phase={},
        units={("A", "hut", 0): units},
        services={},
        candidate_bound=0.0,
        candidates=0,
    )


def test_equal_cost_is_decided_by_metres_of_trench_then_by_units(tmp_path: Path) -> None:
    world = make_world(tmp_path, "A--+-----B", [demand("A", "B")])
    spans, items = world.network.spans, world.scenario.costs.items
    free = replace(spans, trench_capex=np.zeros(len(spans)), right_of_way_capex=np.zeros(len(spans)))
    hut = items["hut"].model_copy(update={"price": 0.0, "low": 0.0})
    costs = world.scenario.costs.model_copy(update={"items": items | {"hut": hut}})
    prices = PriceTable(replace(world.network, spans=free), replace(world.scenario, costs=costs))
    ordered = [draft((0,), 1), draft((0,), 2), draft((1,), 1), draft((0, 1), 1)]
    shuffled = [ordered[at] for at in (2, 0, 3, 1)]
    assert sorted(shuffled, key=lambda one: draft_rank(prices, one)) == ordered
    dear = PriceTable(world.network, world.scenario)
    assert min(ordered, key=lambda one: draft_rank(dear, one)) == ordered[0]


def upside_down(world: World) -> World:
    """Return the world with the lists of its scenario the other way round."""
    spec = world.scenario.spec
    turned: dict[str, Any] = {name: getattr(spec, name)[::-1] for name in ("demands", "technologies", "free_space")}
    turned["phases"] = tuple(
        phase.model_copy(update={"technologies": phase.technologies[::-1]}) for phase in spec.phases
    )
    return replace(world, scenario=replace(world.scenario, spec=spec.model_copy(update=turned)))


def test_the_order_of_lists_in_the_file_does_not_matter() -> None:
    compared = 0
    for seed in range(20):
        world = world_of(seed)
        try:
            plan = design_plan(world.network, world.scenario)
        except (InfeasibleError, SolverError):
            continue
        other = design_plan(world.network, upside_down(world).scenario)
        assert other.to_json(timing=False) == plan.to_json(timing=False), f"seed {seed}"
        compared += 1
    assert compared >= 12
