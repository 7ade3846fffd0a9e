"""The link formulation of RepAlloc, written from its description: one path of links for each chain of each pair.

Binary `x[q,k,u,v]` says that chain k of pair q has a link from u to v, binary `y[v]` that node v holds a repeater.
Chains are paths with at most `N_max` repeaters; the chains of a pair share none; at most D chains pass a repeater. With
physical disjointness, links follow shortest paths, and a pair uses a fiber, and passes or stops in a building, at most
once. Solved by HiGHS on one thread, as ours.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Any

import pulp

from planner.design.solvers import SolverTask, solve


@dataclass(frozen=True, kw_only=True, slots=True)
class LinkProblem:
    """Nodes, the pairs of them that a link may join with the path that it takes, and what is asked of the chains."""

    nodes: int
    ends: tuple[int, ...]
    paths: Mapping[tuple[int, int], tuple[int, ...]]
    chains: int
    capacity: int
    max_repeaters: int
    is_disjoint: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class LinkResult:
    """The fewest repeaters found, and the solver's bound; None where it has none."""

    repeaters: float | None
    bound: float | None


def solve_link_formulation(problem: LinkProblem, *, time_limit_s: float) -> LinkResult:
    """Return the optimum of the link formulation, or how far it came in some time."""
    program = pulp.LpProblem("repalloc", pulp.LpMinimize)
    inner = [node for node in range(problem.nodes) if node not in problem.ends]
    y = {node: program.add_variable(f"y_{node}", cat=pulp.LpBinary) for node in inner}
    load: dict[int, list[Any]] = defaultdict(list)
    for q, pair in enumerate(combinations(problem.ends, 2)):
        for row in _pair_rows(problem, program, q, pair, load):
            program += row
    for node in inner:
        program += pulp.lpSum(load[node]) <= problem.capacity * y[node]
    program.setObjective(pulp.lpSum(y.values()))
    found = solve(program, SolverTask(gap=0.0, max_nodes=10_000_000, time_limit_s=time_limit_s))
    return LinkResult(repeaters=found.objective if found.values else None, bound=found.bound)


def _pair_rows(
    problem: LinkProblem, program: pulp.LpProblem, q: int, pair: tuple[int, int], load: dict[int, list[Any]]
) -> Iterator[Any]:
    """Yield the rows of one pair, and note in `load` which chains use a node's repeater."""
    users: dict[tuple[str, Any], list[Any]] = defaultdict(list)
    for k in range(problem.chains):
        links: list[Any] = []
        net: dict[int, list[Any]] = defaultdict(list)
        for (u, v), path in problem.paths.items():
            if u == pair[1] or v == pair[0] or {u, v} & set(problem.ends) - set(pair):
                continue
            x = program.add_variable(f"x_{q}_{k}_{u}_{v}", cat=pulp.LpBinary)
            links.append(x)
            net[u].append(x)
            net[v].append(-x)
            if v != pair[1]:
                load[v].append(x)
                users["repeater", v].append(x)
            if problem.is_disjoint:
                for edge in pairwise(path):
                    users["fiber", tuple(sorted(edge))].append(x)
                for node in path[1:] if v != pair[1] else path[1:-1]:
                    users["building", node].append(x)
        for node, terms in net.items():
            yield pulp.lpSum(terms) == {pair[0]: 1, pair[1]: -1}.get(node, 0)
        yield pulp.lpSum(links) <= problem.max_repeaters + 1
    for flows in users.values():
        yield pulp.lpSum(flows) <= 1
