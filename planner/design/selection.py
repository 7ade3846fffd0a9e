"""The integer program over given candidates: assembled from variables, constraints and objective, solved, read back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pulp

from planner.design.constraints import CONSTRAINTS
from planner.design.instance import Instance, InstanceAsset
from planner.design.objective import net_present_cost, unserved_weight
from planner.design.solvers import Ending, Solution, SolverTask, solve
from planner.design.variables import Variables, add_variables


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """What the program chose: routes by (demand, phase), first phases of blocks and sites, and units by phase."""

    ending: Ending
    cost: float
    """Net present cost, in thousands."""
    bound: float
    """Lower bound over the given candidates, in thousands."""
    served_weight: float
    weight_bound: float
    """No choice among the candidates serves more weight than this."""
    nodes: int
    stopped_by_clock: bool
    routes: Mapping[tuple[int, int], tuple[int, ...]]
    block_phase: Mapping[int, int]
    site_phase: Mapping[int, int]
    units: Mapping[tuple[int, int], int]
    """(item, phase) -> units bought in the phase."""


def choose(instance: Instance, task: SolverTask) -> Choice:
    """Return the best choice among the candidates of an instance.

    Where not all must be served, two programs are solved: most weight, then least cost for at least the weight found.
    The choice is proven only if both are; `weight_bound` tells how much more weight the first one did not rule out.
    """
    problem, x = build_program(instance)
    cost = net_present_cost(instance, x)
    total = sum(instance.demands[d].weight for d, _ in x.served)
    if instance.serve_all:
        problem.setObjective(cost)
        return _read(instance, x, solve(problem, task), constant=cost.constant, weight_bound=total)
    problem.setObjective(unserved_weight(instance, x))
    first = solve(problem, task)
    most = min(total, -first.bound)
    if not first.values:
        return _read(instance, x, first, constant=cost.constant, weight_bound=most)
    weight = sum(instance.demands[d].weight for (d, t), s in x.served.items() if first.is_one(s))
    problem += unserved_weight(instance, x) <= -weight + 1e-6
    problem.setObjective(cost)
    second = solve(problem, task)
    if not second.values:  # stopped before it found again what the first program had found
        value = sum(coefficient * first.value(variable) for variable, coefficient in cost.items())
        second = replace(second, ending="feasible", values=first.values, objective=value)
    both = replace(
        second,
        ending="optimal" if first.ending == second.ending == "optimal" else "feasible",
        nodes=first.nodes + second.nodes,
        stopped_by_clock=first.stopped_by_clock or second.stopped_by_clock,
    )
    return _read(instance, x, both, constant=cost.constant, weight_bound=most)


def build_program(instance: Instance) -> tuple[pulp.LpProblem, Variables]:
    """Return the program without objective, and its variables."""
    problem = pulp.LpProblem("plan", pulp.LpMinimize)
    x = add_variables(problem, instance)
    for family in CONSTRAINTS:
        for key, row in family(instance, x):
            problem += row, f"{family.__name__}_{'_'.join(str(part) for part in key)}"
    return problem, x


def _read(instance: Instance, x: Variables, solution: Solution, *, constant: float, weight_bound: float) -> Choice:
    """Return a solution as a choice; without a plan, its mappings are empty.

    `constant` is the part of the cost that the solver does not see: the price of what is owned already.
    """
    has_plan = bool(solution.values)
    chosen: dict[tuple[int, int], list[int]] = {}
    for (r, t), variable in x.serve.items() if has_plan else ():
        if solution.is_one(variable):
            chosen.setdefault((instance.routes[r].demand, t), []).append(r)
    used = {(b, t) for (_, t), routes in chosen.items() for r in routes for b in instance.routes[r].blocks}
    opened = {(s, t) for (_, t), routes in chosen.items() for r in routes for s in instance.routes[r].sites}
    units: dict[tuple[int, int], int] = {}
    for i, item in enumerate(instance.items) if has_plan else ():
        owned = item.owned
        for t in range(instance.phases):
            total = round(solution.value(x.units[i, t]))
            if total > owned:
                units[i, t] = total - owned
                owned = total
    return Choice(
        ending=solution.ending,
        cost=solution.objective + constant,
        bound=solution.bound + constant,
        served_weight=sum(instance.demands[d].weight for d, _ in chosen),
        weight_bound=weight_bound,
        nodes=solution.nodes,
        stopped_by_clock=solution.stopped_by_clock,
        routes={key: tuple(routes) for key, routes in sorted(chosen.items())},
        block_phase=_first_phases(x.built, solution, {block for block, _ in used}, instance.blocks),
        site_phase=_first_phases(x.opened, solution, {site for site, _ in opened}, instance.sites),
        units=units,
    )


def _first_phases(
    column: Mapping[tuple[int, int], pulp.LpVariable],
    solution: Solution,
    used: set[int],
    things: Sequence[InstanceAsset],
) -> dict[int, int]:
    """Return the first phase in which each thing that is used or due is taken into use."""
    due = {index for index, thing in enumerate(things) if thing.due is not None} if solution.values else set()
    return {
        index: min(t for (i, t), variable in column.items() if i == index and solution.is_one(variable))
        for index in sorted(used | due)
    }
