"""Plans of random worlds, checked, and the best that all simple routes together allow."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from design.drawn import Everything, random_world, with_ducts_in_streets
from design.inprocess import EXACT
from planner.design import design_plan
from planner.design.instance import build_instance
from planner.design.ledger import NOTHING, PriceTable
from planner.design.selection import Choice, choose
from planner.errors import InfeasibleError, SolverError
from planner.plan import Plan
from planner.verify import verify_plan
from worlds import World

MOST_CANDIDATES = 60


def world_of(seed: int, **options: Any) -> World:
    """Return a random world, every second one with ducts in its streets."""
    with tempfile.TemporaryDirectory() as folder:
        world = random_world(Path(folder), seed, **options)
    return with_ducts_in_streets(world, seed) if seed % 2 else world


def best_of_simple_routes(world: World) -> Choice | None:
    """Return the best choice among all simple routes, None where they are too many to try."""
    everything = Everything(network=world.network, scenario=world.scenario)
    candidates = [found for wanted in world.scenario.demands for found in everything.candidates(wanted)]
    if len(candidates) > MOST_CANDIDATES:
        return None
    instance = build_instance(
        world.scenario,
        PriceTable(world.network, world.scenario),
        candidates,
        past=NOTHING,
        serve_all=world.scenario.spec.objective == "net_present_cost",
        kept=frozenset(),
    )
    return choose(instance, EXACT)


def try_plan(world: World, **options: Any) -> Plan | InfeasibleError | SolverError:
    """Return the plan of a world, checked, or why there is none."""
    try:
        plan = design_plan(world.network, world.scenario, **options)
    except (InfeasibleError, SolverError) as error:
        return error
    verdict = verify_plan(world.network, world.scenario, plan)
    assert verdict.passed, verdict.failed_checks
    return plan
