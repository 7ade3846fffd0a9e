"""What sets two plans for the same scenario apart: money by category and phase, and what is built where and when."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from planner.plan import Plan

SMALLEST_SHARE = 0.0005
"""Differences below this share of the plans' cost are not told apart by name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Differences:
    """How a plan differs from another one; positive amounts mean that it is dearer."""

    cost: float
    """Net present cost, against the other plan's."""
    served_weight: float
    categories: tuple[tuple[str, float, tuple[float, ...]], ...]
    """(category, difference of present cost, the same by phase), the largest first."""
    phases: tuple[str, ...]
    spans_added: int
    """Spans that only this plan builds."""
    spans_left_out: int
    spans_later: int
    """Spans that both build, this plan later."""
    spans_earlier: int
    sites_added: tuple[str, ...]
    sites_left_out: tuple[str, ...]
    rerouted: tuple[str, ...]
    """Demands that both serve, over other spans in some phase."""


def differences(plan: Plan, other: Plan) -> Differences:
    """Return how a plan differs from another one for the same scenario."""
    phases = _phases(plan, other)
    order = {phase: number for number, phase in enumerate(phases)}
    built, theirs = ({build.span: order[build.phase] for build in one.builds} for one in (plan, other))
    both = built.keys() & theirs.keys()
    opened, open_there = ({opening.site for opening in one.openings} for one in (plan, other))
    return Differences(
        cost=plan.outcome.cost - other.outcome.cost,
        served_weight=plan.outcome.served_weight - other.outcome.served_weight,
        categories=_categories(plan, other, order),
        phases=phases,
        spans_added=len(built.keys() - theirs.keys()),
        spans_left_out=len(theirs.keys() - built.keys()),
        spans_later=sum(built[span] > theirs[span] for span in both),
        spans_earlier=sum(built[span] < theirs[span] for span in both),
        sites_added=tuple(sorted(opened - open_there)),
        sites_left_out=tuple(sorted(open_there - opened)),
        rerouted=_rerouted(plan, other),
    )


def explain(found: Differences, currency: str) -> tuple[str, ...]:
    """Return the differences as sentences about the plan, the other one being "the other plan"."""
    sentences = [f"It costs {_signed(found.cost)} {currency} of present cost against the other plan."]
    if found.served_weight:
        sentences.append(
            f"It serves {_signed(found.served_weight)} weight, summed over phases, against the other plan."
        )
    for category, amount, by_phase in found.categories:
        named = zip(found.phases, by_phase, strict=True)
        parts = "; ".join(f"{phase} {_signed(part)}" for phase, part in named if round(part))
        sentences.append(f"{category[:1].upper()}{category[1:]}: {_signed(amount)} {currency} ({parts}).")
    if found.spans_added or found.spans_left_out or found.spans_later or found.spans_earlier:
        sentences.append(
            f"It builds {found.spans_added} spans that the other plan does not, and leaves out {found.spans_left_out}; "
            f"of those that both build, it builds {found.spans_later} later and {found.spans_earlier} earlier."
        )
    for sites, verb in ((found.sites_added, "uses"), (found.sites_left_out, "leaves out")):
        if sites:
            sentences.append(f"It {verb} the sites {', '.join(sites)}.")
    if found.rerouted:
        sentences.append(f"It serves these demands over other spans: {', '.join(found.rerouted)}.")
    return tuple(sentences)


def _phases(plan: Plan, other: Plan) -> tuple[str, ...]:
    """Return the phases of both plans in the order in which services name them."""
    named = [service.phase for one in (plan, other) for service in one.services]
    named += [line.phase for one in (plan, other) for line in one.costs]
    return tuple(dict.fromkeys(named))


def _categories(plan: Plan, other: Plan, order: Mapping[str, int]) -> tuple[tuple[str, float, tuple[float, ...]], ...]:
    amounts: dict[str, list[float]] = defaultdict(lambda: [0.0] * len(order))
    for one, sign in ((plan, 1.0), (other, -1.0)):
        for line in one.costs:
            amounts[line.category][order[line.phase]] += sign * line.present_cost
    least = SMALLEST_SHARE * max(plan.outcome.cost, other.outcome.cost)
    found = [(name, math.fsum(column), tuple(column)) for name, column in amounts.items()]
    told = [entry for entry in found if max(abs(part) for part in entry[2]) > least]
    return tuple(sorted(told, key=lambda entry: (-abs(entry[1]), entry[0])))


def _rerouted(plan: Plan, other: Plan) -> tuple[str, ...]:
    found = set()
    for service in plan.services:
        twin = other.service(service.demand, service.phase)
        if twin is not None and service.routes and twin.routes:
            mine, theirs = ({span for route in one.routes for span in route.spans} for one in (service, twin))
            found |= {service.demand} if mine != theirs else set()
    return tuple(sorted(found))


def _signed(amount: float) -> str:
    return f"{amount:+,.0f}" if abs(amount) >= 1.0 or amount == 0.0 else f"{amount:+.2g}"
