"""Cheap networks on more edges than a program with flows can have: cuts in place of flows, and the likeliest edges.

The linear relaxation is solved with cuts that are added as they are found. What it uses, and edges of small reduced
costs, make an integer program that is small enough; where its answer still lacks something, more cuts are added.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from planner.design.blocks import connected_parts, two_route_parts
from planner.design.line_cuts import Cut
from planner.design.line_program import (
    LineNetwork,
    LineProgram,
    build_line_program,
    built_lines,
    line_price,
    line_program,
    no_lines,
)
from planner.design.orientation import OrientationProblem
from planner.design.solvers import SolverTask, growing_relaxation, solve

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

MAX_RELAXED_ROUNDS = 300
"""Largest number of times that cuts are looked for in the linear relaxation."""
MAX_WHOLE_SIZE = 450
"""Largest number of variables of an integer program, but for what the linear relaxation uses."""
ALLOWANCE = 1e-6
"""Share by which the relaxation's value and reduced costs may be too high for the solver's tolerances."""
UNUSED = 1e-6
"""Usage in the linear relaxation below which an edge counts as not used."""
MAX_WHOLE_ROUNDS = 8
"""Largest number of times that the program is solved with cuts that its last answer left open."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class RelaxedLines:
    """The linear relaxation of a program; arrays are by edge of the program's graph."""

    program: LineProgram
    """With the cuts that the relaxation needs."""
    value: float
    """No network on the program's edges costs less."""
    usage: Floats
    """How much of an edge is there in the end."""
    reduced_costs: Floats
    """A network that uses the edge costs at least `value` plus this."""


def relaxed_lines(program: LineProgram) -> RelaxedLines:
    """Return the linear relaxation of a program, with the cuts that it needs as far as a number of rounds goes."""
    program = replace(program, has_flows=False)
    model, x = build_line_program(program)
    cuts = dict.fromkeys(program.cuts)
    found: list[Cut] = []
    with growing_relaxation(model) as solve_with:
        for _ in range(MAX_RELAXED_ROUNDS):
            relaxed = solve_with([[x.directed[arc, layer] for arc in arcs] for layer, arcs in found])
            found = program.open_cuts(x.of_arcs(relaxed.values, program), known=cuts)
            if not (relaxed.values and found):
                break
            cuts |= dict.fromkeys(found)
    # an edge that is used is there in the end, and some layer directs it one way as a whole
    ways = x.of_arcs(relaxed.reduced_costs, program).reshape(len(program.layers), -1, 2).min(axis=(0, 2))
    return RelaxedLines(
        program=replace(program, cuts=tuple(cuts)),
        value=relaxed.objective * program.relaxation.scale * (1.0 - ALLOWANCE),
        usage=x.in_the_end(relaxed.values, program),
        reduced_costs=np.maximum(0.0, x.in_the_end(relaxed.reduced_costs, program) + ways) * program.relaxation.scale,
    )


def promising_lines(
    problem: OrientationProblem, edges: Integers, program: LineProgram, task: SolverTask, price: float
) -> LineNetwork:
    """Return the cheapest network on the edges that `program` was made for, as far as the solver gets.

    Only networks cheaper than `price` are looked for, and the bound holds for those. What the linear relaxation uses
    gives a first network; then come edges whose reduced costs leave hope for a cheaper one, the most hopeful ones where
    they are many.
    """
    end_s = time.monotonic() + task.time_limit_s
    relaxed = relaxed_lines(program)
    best = LineNetwork(ending="nothing", built=no_lines(problem), price=price, bound=relaxed.value, nodes=0)
    for is_first in (True, False):
        if best.bound >= best.price * (1.0 - task.gap):
            break
        hopeful = relaxed.value + relaxed.reduced_costs <= best.price * (1.0 + ALLOWANCE)
        kept = relaxed.usage > UNUSED if is_first else _most_hopeful(relaxed, hopeful)
        chosen = edges if kept.all() else edges[np.sort(program.graph.expand(np.flatnonzero(kept)))]
        if (is_first and kept.all()) or not serves(problem, _only(problem, chosen)):
            continue
        part = relaxed.program if kept.all() else relaxed_lines(line_program(problem, chosen)).program
        found = _whole_lines(problem, chosen, part, task, end_s)
        is_proof = not (hopeful & ~kept).any()
        bound = max(best.bound, min(best.price, found.bound)) if is_proof else best.bound
        best = replace(found if found.price < best.price else best, bound=bound, nodes=best.nodes + found.nodes)
    return best if best.built.any() else replace(best, price=np.inf)


def _most_hopeful(relaxed: RelaxedLines, hopeful: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the edges that are used, and hopeful ones of least reduced costs, as many as a program may have."""
    count = MAX_WHOLE_SIZE * len(hopeful) // relaxed.program.size_without_flows
    order = np.lexsort((np.arange(len(hopeful)), relaxed.reduced_costs, -relaxed.usage))
    kept = np.zeros(len(hopeful), dtype=np.bool_)
    kept[order[:count]] = True
    return (kept & hopeful) | (relaxed.usage > UNUSED)


def _whole_lines(
    problem: OrientationProblem, edges: Integers, program: LineProgram, task: SolverTask, end_s: float
) -> LineNetwork:
    """Return the cheapest network on some edges; cuts are added until the program's answer is one."""
    bound, nodes = -np.inf, 0
    for _ in range(MAX_WHOLE_ROUNDS):
        model, x = build_line_program(program)
        solution = solve(model, replace(task, time_limit_s=max(0.1, end_s - time.monotonic())))
        bound, nodes = max(bound, solution.bound * program.relaxation.scale), nodes + solution.nodes
        if not solution.values:
            break
        chosen = {key for key, item in x.built.items() if solution.is_one(item)}
        built = built_lines(problem, edges, program, chosen)
        if serves(problem, built):
            price = line_price(problem.prices, built)
            return LineNetwork(ending=solution.ending, built=built, price=price, bound=bound, nodes=nodes)
        known = dict.fromkeys(program.cuts)
        found = program.open_cuts(x.of_arcs(solution.values, program), known=known)
        found += program.cuts_without(chosen, known={**known, **dict.fromkeys(found)})
        if not found or time.monotonic() >= end_s:
            break
        program = replace(program, cuts=(*program.cuts, *found))
    return LineNetwork(ending="nothing", built=no_lines(problem), price=np.inf, bound=bound, nodes=nodes)


def _only(problem: OrientationProblem, edges: Integers) -> NDArray[np.bool_]:
    """Return (phases, edges): some edges, there from the first phase on."""
    built: NDArray[np.bool_] = no_lines(problem)
    built[:, edges] = True
    return built


def serves(problem: OrientationProblem, built: NDArray[np.bool_]) -> bool:
    """Return whether every demand has its ways in what is there (phases, edges) from its phase on."""
    for phase in {demand[3] for demand in problem.demands}:
        start, end = problem.start[built[phase]], problem.end[built[phase]]
        parts = (connected_parts(problem.nodes, start, end), two_route_parts(problem.nodes, start, end))
        for source, target, routes, first in problem.demands:
            if first <= phase and parts[routes - 1][source] != parts[routes - 1][target]:
                return False
    return True
