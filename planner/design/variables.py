"""The decisions of the integer program, kept by key; names in the program are short and by index."""

from __future__ import annotations

from dataclasses import dataclass

import pulp

from planner.design.instance import Instance

Key = tuple[int, int]
"""(index of the thing, phase)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Variables:
    """Decision variables by (index, phase)."""

    serve: dict[Key, pulp.LpVariable]
    """1 when a route serves its demand in a phase."""
    built: dict[Key, pulp.LpVariable]
    """1 when a block of spans is in use by a phase."""
    opened: dict[Key, pulp.LpVariable]
    """1 when a site is open by a phase."""
    units: dict[Key, pulp.LpVariable]
    """Units of an item bought by a phase."""
    served: dict[Key, pulp.LpVariable]
    """1 when a demand has all its routes in a phase."""
    rebated: dict[Key, pulp.LpVariable]
    """Units with a rebate that are bought by a phase."""
    earned: dict[Key, pulp.LpVariable]
    """1 when enough units are bought by a phase for a rebate."""


def add_variables(problem: pulp.LpProblem, instance: Instance) -> Variables:
    """Return the variables of an instance, added to a problem."""

    def binary(letter: str, index: int, phase: int) -> pulp.LpVariable:
        return problem.add_variable(f"{letter}_{index}_{phase}", cat=pulp.LpBinary)

    phases = range(instance.phases)
    return Variables(
        serve={(r, t): binary("x", r, t) for r, route in enumerate(instance.routes) for t in route.phases},
        built={(b, t): binary("y", b, t) for b in range(len(instance.blocks)) for t in phases},
        opened={(s, t): binary("o", s, t) for s in range(len(instance.sites)) for t in phases},
        units={
            (i, t): problem.add_variable(f"z_{i}_{t}", lowBound=item.owned, cat=pulp.LpInteger)
            for i, item in enumerate(instance.items)
            for t in phases
        },
        served={
            (d, t): binary("s", d, t)
            for d, demand in enumerate(instance.demands)
            for t in range(demand.first_phase, instance.phases)
        },
        rebated={
            (k, t): problem.add_variable(f"e_{k}_{t}", lowBound=0, upBound=rebate.most)
            for k, rebate in enumerate(instance.rebates)
            for t in phases
        },
        earned={(k, t): binary("w", k, t) for k in range(len(instance.rebates)) for t in phases},
    )
