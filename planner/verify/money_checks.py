"""Checks of the plan's money: its sums, its budgets, and its distance from the best."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator

from planner.verify.facts import Facts
from planner.verify.findings import Finding, agree, at_most, equal, flawless, number
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
    """Yield, for each phase with a budget and for the total, whether the recomputed spending stays within it.

    What a phase may spend with carry-over is its budget and what the phases before it have left.
    """
    rules, unit = facts.scenario.spec.budgets, facts.plan.currency
    spent = [_spent(facts, number) for number in range(len(facts.scenario.phases))]
    carried = 0.0
    for phase, amount in zip(facts.scenario.phases, spent, strict=True):
        if phase.budget is None:
            carried = 0.0
            continue
        available = phase.budget + carried
        yield at_most(phase.id, available, amount, unit=unit)
        carried = available - amount if rules.carry_over else 0.0
    if rules.total is not None:
        yield at_most("all phases", rules.total, math.fsum(spent), unit=unit)


def _spent(facts: Facts, number: int) -> float:
    """Return what a phase spends of what budgets cover, year by year."""
    phases, economics = facts.scenario.phases, facts.scenario.spec.economics
    phase = phases[number]
    amounts = [line.capex for (at, _), line in facts.sums.items() if at == phase.id]
    if facts.scenario.spec.budgets.covers == "capex_and_opex":
        end = phases[number + 1].year if number + 1 < len(phases) else phases[0].year + economics.horizon_years
        running = {earlier.id for earlier in phases[: number + 1]}
        yearly = [
            line.opex_per_year
            for (at, category), line in facts.sums.items()
            if at == phase.id or (at in running and category != "dark fiber lease")
        ]
        amounts += [math.fsum(yearly) for _ in range(phase.year, end)]
    return math.fsum(amounts)


def rollout_is_kept(facts: Facts) -> Iterator[Finding]:
    """Yield, for a plan made all at once, whether everything is built, opened and bought in the first phase."""
    if facts.plan.rollout == "all-at-once":
        plan, first = facts.plan, facts.scenario.phases[0].id
        late = [f"span {build.span} in {build.phase}" for build in plan.builds if build.phase != first]
        late += [f"site {opening.site} in {opening.phase}" for opening in plan.openings if opening.phase != first]
        late += [f"{item.item} at {item.site} in {item.phase}" for item in plan.installations if item.phase != first]
        yield flawless("all-at-once", f"everything in {first}", late)


def gap_is_honest(facts: Facts) -> Iterator[Finding]:
    """Yield whether the lower bound is below the plan's cost, and the gap is their distance as a share of the cost."""
    outcome = facts.plan.outcome
    yield at_most("weight that can be served", outcome.total_weight, outcome.weight_bound)
    yield at_most("served weight", outcome.weight_bound, outcome.served_weight)
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
