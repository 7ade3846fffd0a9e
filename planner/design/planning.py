"""The recipe of the optimizer: check that a plan can exist, roll out, prove, and write the plan down."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from planner.design.assembly import assemble_plan
from planner.design.bounds import METHOD, STEPS_PER_WORK, lower_bound
from planner.design.diagnose import explain_no_plan, obstacles
from planner.design.rollouts import ROLLOUTS, Context
from planner.design.routes import RouteJudge, routes_of_plan
from planner.design.work import OnProgress, Work
from planner.errors import InfeasibleError, InputError
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
    reasons = obstacles(network, scenario)
    if reasons and scenario.spec.objective == "net_present_cost":
        raise InfeasibleError(*reasons)
    limits = scenario.spec.solver
    work = Work(
        gap=limits.gap if gap is None else gap,
        budget=limits.work_budget,
        time_limit_s=limits.time_limit_s if time_limit_s is None else time_limit_s,
        on_progress=on_progress,
        should_stop=should_stop,
    )
    chosen = rollout or scenario.spec.rollout

    def prove() -> NDArray[np.bool_] | None:
        """Bound the cost of all plans, and return the relaxation's network; there is none if demands may be left."""
        if scenario.spec.objective != "net_present_cost":
            return None
        bound = lower_bound(
            network, scenario, keep_going=lambda: not work.interrupted and work.seconds < work.time_limit_s
        )
        work.spend(bound.steps // STEPS_PER_WORK)
        work.proved(bound.value)
        return bound.support

    known = () if start is None else routes_of_plan(RouteJudge(network, scenario), start)
    context = Context(network=network, scenario=scenario, work=work, prove=prove, start=known)
    draft = ROLLOUTS[chosen](context)
    if draft is None:
        raise explain_no_plan(network, scenario, work)
    return assemble_plan(network, scenario, draft, work, rollout=chosen, bound_method=METHOD)
