"""Checks of the plan's money: its sums, its budgets, and its distance from the best."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator

from planner.verify.facts import Facts
from planner.verify.findings import Finding, agree, at_most, equal, number
from planner.verify.sums import LineKey, Sum

NOTHING = Sum(capex=0.0, opex_per_year=0.0, present_cost=0.0)


def cost_is_right(facts: Facts) -> Iterator[Finding]:
    """Yield whether every cost line, and the total, is what quantities and catalog prices add up to.

    One finding per phase and category: its present cost, or, if that agrees, whichever of its other sums does not.
    """
    stated = _stated_sums(facts)
    order = {phase.id: number for number, phase in enumerate(facts.scenario.phases)}
    for phase, category in sorted(facts.sums.keys() | stated.keys(), key=lambda key: (order[key[0]], key[1])):
        expected = facts.sums.get((phase, category), NOTHING)
        actual = stated.get((phase, category), NOTHING)
        amounts = [
            ("present cost", expected.present_cost, actual.present_cost),
            ("capex", expected.capex, actual.capex),
            ("opex per year", expected.opex_per_year, actual.opex_per_year),
        ]
        wrong = (amount for amount in amounts if not agree(amount[1], amount[2]))
        name, wanted, found = next(wrong, amounts[0])
        yield equal(f"{category} in {phase}: {name}", wanted, found, unit=facts.plan.currency)
    total = math.fsum(line.present_cost for line in facts.sums.values())
    yield equal("net present cost of the plan", total, facts.plan.outcome.cost, unit=facts.plan.currency)


def budget_holds(facts: Facts) -> Iterator[Finding]:
    """Yield, for each phase with a budget, whether its capital spending by recomputation stays within it."""
    for phase in facts.scenario.phases:
        if phase.budget is not None:
            capex = math.fsum(line.capex for (at, _), line in facts.sums.items() if at == phase.id)
            yield at_most(phase.id, phase.budget, capex, unit=facts.plan.currency)


def gap_is_honest(facts: Facts) -> Iterator[Finding]:
    """Yield whether the lower bound is below the plan's cost, and the gap is their distance as a share of the cost."""
    outcome = facts.plan.outcome
    yield at_most("lower bound", outcome.cost, outcome.lower_bound, unit=facts.plan.currency)
    gap = (outcome.cost - outcome.lower_bound) / outcome.cost if outcome.cost else 0.0
    yield Finding(
        subject="gap",
        expected=number(max(gap, 0.0)),
        actual=number(outcome.gap),
        passed=math.isclose(max(gap, 0.0), outcome.gap, rel_tol=1e-6, abs_tol=1e-9),
    )


def _stated_sums(facts: Facts) -> dict[LineKey, Sum]:
    """Return the plan's cost lines by phase and category; lines of the same key are added."""
    amounts: dict[LineKey, list[tuple[float, float, float]]] = defaultdict(list)
    for line in facts.plan.costs:
        amounts[line.phase, line.category].append((line.capex, line.opex_per_year, line.present_cost))
    return {
        key: Sum(
            capex=math.fsum(item[0] for item in items),
            opex_per_year=math.fsum(item[1] for item in items),
            present_cost=math.fsum(item[2] for item in items),
        )
        for key, items in amounts.items()
    }
