"""The recipe of the optimizer: check that a plan can exist, roll out, prove, and write the plan down."""

from __future__ import annotations

import math
from collections.abc import Callable

from planner.design.assembly import assemble_plan
from planner.design.bounds import METHOD
from planner.design.diagnose import explain_no_plan, obstacles, refuse
from planner.design.graph import design_graph
from planner.design.ledger import PriceTable
from planner.design.rollouts import Context
from planner.design.routes import RouteJudge, routes_of_plan
from planner.design.settled import SettledWorld, settle
from planner.design.solvers import DEFAULT_SOLVER, solver_names
from planner.design.station_plan import StationPlan, plan_stations
from planner.design.stations import Reaches
from planner.design.strategies import ROLLOUTS, prover
from planner.design.work import OnProgress, Work
from planner.errors import InfeasibleError, InputError
from planner.fixed import fixed_parts
from planner.network import Network
from planner.plan import Plan
from planner.scenario import Rollout, Scenario


def design_plan(
    network: Network,
    scenario: Scenario,
    *,
    rollout: Rollout | None = None,
    gap: float | None = None,
    time_limit_s: float | None = None,
    start: Plan | None = None,
    on_progress: OnProgress | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Plan:
    """Return the best plan found, with its lower bound and what stopped the search.

    `rollout`, `gap` and `time_limit_s` replace what the scenario says. `start` is a plan whose routes are tried first;
    those that this scenario does not know or allow are left out. `should_stop` is asked between steps: the best plan so
    far is kept. Raises InputError when the network was built
    for another scenario, InfeasibleError when no plan exists (with the reasons), and SolverError when none was found
    though none was ruled out.
    """
    if network.scenario_digest != scenario.digest:
        raise InputError.at(str(scenario.path), "the network was built for another scenario: run planner build again")
    scenario = scenario.with_sites(network.found_sites)
    asked, offered = scenario, network
    world = settle(network, scenario, fixed_parts(network, scenario))
    network, scenario = world.network, world.scenario
    reaches = Reaches(network, scenario, design_graph(network))
    found = obstacles(network, scenario, reaches)
    if found and scenario.spec.objective == "net_present_cost":
        raise refuse(world, found)
    limits = scenario.spec.solver
    _check_solver(scenario)
    work = Work(
        gap=limits.gap if gap is None else gap,
        budget=limits.work_budget,
        time_limit_s=limits.time_limit_s if time_limit_s is None else time_limit_s,
        on_progress=on_progress,
        should_stop=should_stop,
    )
    chosen = rollout or scenario.spec.rollout
    prices = PriceTable(network, scenario, at_first=chosen == "all-at-once")
    stations = plan_stations(network, scenario, prices, reaches)
    _note_stations(world, stations, work)
    known = routes_of_plan(RouteJudge(network, scenario), start) if start else ()
    context = Context(
        network=network,
        scenario=scenario,
        work=work,
        prices=prices,
        past=world.past,
        prove=prover(world, work, at_first=chosen == "all-at-once", stations=stations if world.past.is_empty else None),
        start=known or (stations.routes if chosen == "joint" else ()),
    )
    draft = ROLLOUTS[chosen](context)
    if draft is None:
        raise explain_no_plan(world, prices, work)
    return assemble_plan(offered, asked, draft, work, rollout=chosen, bound_method=METHOD)


def _check_solver(scenario: Scenario) -> None:
    """Raise InputError when the solver that a scenario names is not there."""
    name = scenario.spec.solver.name
    if name != DEFAULT_SOLVER and name not in solver_names():
        problem = f"no solver '{name}' is available here; there are {', '.join(solver_names())}"
        raise InputError.at(str(scenario.path), problem, key_path="solver.name")


def _note_stations(world: SettledWorld, stations: StationPlan, work: Work) -> None:
    """Take the stations' least cost for a first bound; raise InfeasibleError where no stations serve all demands."""
    must_serve = world.scenario.spec.objective == "net_present_cost"
    if must_serve and math.isinf(stations.value):
        raise InfeasibleError(*stations.reasons)
    if must_serve and world.past.is_empty:
        work.proved(stations.value)
