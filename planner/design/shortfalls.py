"""What budgets lack: the cheapest single change of each kind under which the routes that were found make a plan."""

from __future__ import annotations

import math
from dataclasses import replace

import pulp

from planner.costs import BudgetLimit
from planner.design.instance import MONEY, Instance, build_instance
from planner.design.ledger import PriceTable
from planner.design.objective import net_present_cost, spending
from planner.design.routes import Candidate
from planner.design.selection import build_program
from planner.design.settled import SettledWorld
from planner.design.solvers import SolverTask, solve
from planner.errors import Change
from planner.scenario import Scenario

TASK = SolverTask(gap=1e-4, max_nodes=2_000, time_limit_s=60.0)
"""When each of these solves may stop; what it has found by then is possible, if not the cheapest."""
MORE_WORK = "raise solver.work_budget: routes tried after the search had ended make a plan within all budgets"


def budget_changes(world: SettledWorld, prices: PriceTable, candidates: tuple[Candidate, ...]) -> tuple[Change, ...]:
    """Return more money for one budget, and one demand less, where that alone makes a plan of the candidates."""
    instance = build_instance(world.scenario, prices, candidates, past=world.past, serve_all=True, kept=frozenset())
    return (*_more_money(world.scenario, instance), *_one_demand_less(world.scenario, instance))


def phases_of(scenario: Scenario, limit: BudgetLimit) -> str:
    """Return the phases of a limit in words."""
    first, last = (scenario.phases[phase].id for phase in (limit.first_phase, limit.last_phase))
    return f"phase {first}" if first == last else f"phases {first} to {last}"


def _more_money(scenario: Scenario, instance: Instance) -> list[Change]:
    """Return the smallest addition to one limit that was found to be enough, alone; more work where none is needed."""
    found: list[Change] = []
    for number, limit in enumerate(instance.budgets):
        others = tuple(other for at, other in enumerate(instance.budgets) if at != number)
        problem, x = build_program(replace(instance, budgets=others))
        phases = range(limit.first_phase, limit.last_phase + 1)
        problem.setObjective(pulp.lpSum(spending(instance, x, t) for t in phases))
        solution = solve(problem, TASK)
        if not solution.values:
            continue
        missing = MONEY * (solution.objective + problem.objective.constant - limit.amount)
        amount = math.ceil(missing)
        if amount <= 0:
            return [Change(kind="more work", change=MORE_WORK)]
        text = f"raise the budget of {phases_of(scenario, limit)} by {amount:,} {scenario.spec.currency}"
        found.append(Change(kind="more budget", change=text, cost=float(amount)))
    return sorted(found, key=lambda change: change.cost or 0.0)


def _one_demand_less(scenario: Scenario, instance: Instance) -> list[Change]:
    """Return the one demand of least weight, and then the one that leaves the cheapest plan, that may be left out."""
    problem, x = build_program(replace(instance, serve_all=False))
    last = instance.phases - 1
    left_out = {d: 1 - x.served[d, last] for d in range(len(instance.demands))}
    problem += pulp.lpSum(left_out.values()) <= 1
    for d, demand in enumerate(instance.demands):
        for t in range(demand.first_phase, last):
            problem += x.served[d, t] >= x.served[d, last]
    weights = pulp.lpSum(demand.weight * left_out[d] for d, demand in enumerate(instance.demands))
    problem.setObjective(weights)
    first = solve(problem, TASK)
    if not first.values:
        return []
    problem += weights <= first.objective + problem.objective.constant + 1e-6
    cost = net_present_cost(instance, x)
    problem.setObjective(cost)
    second = solve(problem, TASK)
    values = second if second.values else first
    names = [demand.id for d, demand in enumerate(instance.demands) if not values.is_one(x.served[d, last])]
    if len(names) != 1 or not second.values:
        return []
    price = MONEY * (second.objective + cost.constant)
    weight = scenario.demand(names[0]).weight
    text = f"leave out demand {names[0]} (weight {weight:g}): the rest is served for {price:,.0f} "
    text += f"{scenario.spec.currency} of present cost"
    return [Change(kind="one demand less", change=text, demand=names[0], cost=price)]
