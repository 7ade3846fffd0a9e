"""Stations: what the distances ask for, and what a technology allows."""

from __future__ import annotations

from pathlib import Path

import pytest

from design.judged import best_of_simple_routes, try_plan
from planner.design import design_plan
from planner.errors import InfeasibleError
from planner.plan import Plan
from worlds import CHAIN, PAIRS, make_world, stored

pytestmark = pytest.mark.usefixtures("inprocess")


def test_links_stay_within_the_loss_that_their_technology_allows(tmp_path: Path) -> None:
    chain = CHAIN | {"max_link_loss_db": 0.6}
    wanted = [stored("A", "B")]
    free = make_world(tmp_path, "A---m---B", wanted)
    limited = make_world(tmp_path, "A---m---B", wanted, technologies=[PAIRS, chain])
    assert limited.scenario.digest != free.scenario.digest
    stations = {}
    for name, world in (("free", free), ("limited", limited)):
        plan = try_plan(world)
        assert isinstance(plan, Plan)
        stations[name] = [station.role for station in plan.services[0].routes[0].stations]
        best = best_of_simple_routes(world)
        assert best is not None
        assert plan.outcome.cost == pytest.approx(1000.0 * best.cost)
    assert "repeater" not in stations["free"]
    assert stations["limited"] == ["end", "heralding", "repeater", "heralding", "end"]


def test_a_limit_that_no_chain_can_keep_is_called_impossible(tmp_path: Path) -> None:
    chain = CHAIN | {"max_link_loss_db": 0.1}
    world = make_world(tmp_path, "A---m---B", [stored("A", "B")], technologies=[PAIRS, chain])
    with pytest.raises(InfeasibleError, match="A-B"):
        design_plan(world.network, world.scenario)
