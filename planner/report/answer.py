"""The answer in words, and the figures that go with it."""

from __future__ import annotations

from dataclasses import dataclass

from planner.report.dossier import Dossier, phase_label
from planner.report.spending import total_capex
from planner.report.wording import GLUE, count, counted, given, joined, length, money_words, percent
from planner.report.work import built_count, built_km, opened_count

STOPPED = {
    "proof": "it proved that no cheaper plan exists",
    "gap": "the gap that the scenario allows was reached",
    "work_budget": "its work budget was spent",
    "time_limit": "its time limit was reached; on another machine it may end with another plan",
    "interrupt": "it was interrupted",
    "evaluated": "there was none: the plan was given, and only priced and checked",
}
STATUS = {
    "proof": "Optimal",
    "gap": "Within the gap",
    "work_budget": "Work budget spent",
    "time_limit": "Time limit reached",
    "interrupt": "Interrupted",
    "evaluated": "None: a given plan",
}
SCOPES = {
    "whole_problem": "every plan that meets the scenario",
    "roll_out": "every plan that builds all in the first phase",
    "none": "nothing: no bound was computed",
    "candidate_routes": "plans made of the routes that were considered; others might be cheaper",
}
BOUNDS = {
    "whole_problem": "No plan that meets the scenario",
    "roll_out": "No plan that builds everything in the first phase",
    "none": "",
    "candidate_routes": "No plan made of the routes that were considered (others were not ruled out)",
}
"""What the lower bound is about."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """A key figure: its name, its value, and what has to be known to read it."""

    label: str
    value: str
    remark: str = ""
    is_failed: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """The answer: sentences on what is built, on its price, and on whether it is verified."""

    built: str
    price: str
    verified: str
    is_verified: bool
    figures: tuple[Figure, ...]


def describe_answer(dossier: Dossier) -> Answer:
    """Return the answer of a plan in words."""
    failed = dossier.verdict.failed_checks
    return Answer(
        built=f"{_served_words(dossier)} {_built_words(dossier)}",
        price=_price_words(dossier),
        verified=_verified_words(dossier),
        is_verified=not failed and bool(dossier.verdict.checks),
        figures=_figures(dossier),
    )


def phase_sentence(dossier: Dossier, phase: int) -> str:
    """Return in words what is new in a phase and who is served, for the line under the slider."""
    new = _things(dossier, phase)
    active = dossier.scenario.active_demands(phase)
    served = _served(dossier, phase)
    label = phase_label(dossier.scenario.phases[phase])
    work = f"New: {joined(new)}." if new else "Nothing new is built."
    return (
        f"Phase {phase + 1} of {len(dossier.scenario.phases)}, {label}. {work} "
        f"Served: {count(len(served))} of {counted(len(active), 'demand')}."
    )


def _served(dossier: Dossier, phase: int) -> list[int]:
    """Return the number of routes of every demand that is served in a phase."""
    name = dossier.scenario.phases[phase].id
    services = [dossier.plan.service(demand.id, name) for demand in dossier.scenario.active_demands(phase)]
    return [len(service.routes) for service in services if service is not None and service.routes]


def _served_words(dossier: Dossier) -> str:
    last = dossier.last_phase
    served, asked = _served(dossier, last), dossier.scenario.active_demands(last)
    year = dossier.scenario.phases[last].year
    if not served:
        return f"The plan serves none of the {counted(len(asked), 'demand')}."
    whom = f"all {counted(len(asked), 'demand')}" if len(served) == len(asked) else ""
    whom = whom or f"{count(len(served))} of {counted(len(asked), 'demand')}"
    protected = sum(routes > 1 for routes in served)
    over = f", {count(protected)} of them over two disjoint routes" if protected else ""
    return f"By {year} the plan serves {whom}{over}."


def _built_words(dossier: Dossier) -> str:
    things = _things(dossier, None)
    if not things:
        return "It builds nothing."
    phases = len(dossier.scenario.phases)
    when = f"in {counted(phases, 'phase')} from {dossier.scenario.phases[0].year} on" if phases > 1 else "in one phase"
    return f"It takes {joined(things)}, built {when}."


def _things(dossier: Dossier, phase: int | None) -> list[str]:
    """Return what is built in a phase, or in all, as parts of a sentence."""
    trench, duct, lease = (built_km(dossier, medium, phase) for medium in ("trench", "duct", "dark_fiber"))
    hops = built_count(dossier, "free_space", phase)
    things = [f"{length(trench)}{GLUE}km of new trench"] if trench else []
    things += [f"{length(duct)}{GLUE}km of cable in existing ducts"] if duct else []
    things += [f"{length(lease)}{GLUE}km of leased dark fiber"] if lease else []
    things += [counted(hops, "free-space hop")] if hops else []
    opened = opened_count(dossier, phase)
    return things + ([f"equipment at {counted(opened, 'new site' if phase else 'site')}"] if opened else [])


def _price_words(dossier: Dossier) -> str:
    outcome, economics = dossier.plan.outcome, dossier.scenario.spec.economics
    currency, year = dossier.plan.currency, dossier.plan.price_year
    cost, bound = (money_words(amount, currency) for amount in (outcome.cost, outcome.lower_bound))
    saving = f"at most {percent(outcome.gap)} of the cost could be saved" if outcome.gap else "nothing could be saved"
    saving += " with these routes" if outcome.bound_scope == "candidate_routes" else ""
    distance = f"{BOUNDS[outcome.bound_scope]} can cost less than {bound}, so that {saving}."
    if outcome.bound_scope == "none":
        distance = "No lower bound was computed, so that its distance from the best plan is not known."
    return (
        f"Its net present cost is {cost} at prices of {year} (capital and yearly costs of {economics.horizon_years} "
        f"years, discounted at {percent(economics.discount_rate)} a year); capital spending alone adds up to "
        f"{money_words(total_capex(dossier), currency)} before discounting. The search ended because "
        f"{STOPPED[outcome.stopped_by]}. {distance}"
    )


def _verified_words(dossier: Dossier) -> str:
    checks, failed = dossier.verdict.checks, dossier.verdict.failed_checks
    if not checks:
        return "The plan was not checked."
    if failed:
        return (
            f"The independent recomputation does not confirm the plan: {count(len(failed))} of "
            f"{counted(len(checks), 'check')} failed. Do not build from it before they are resolved."
        )
    return f"An independent recomputation confirmed it: all {counted(len(checks), 'check')} passed."


def _figures(dossier: Dossier) -> tuple[Figure, ...]:
    outcome, currency = dossier.plan.outcome, dossier.plan.currency
    failed, checks = len(dossier.verdict.failed_checks), len(dossier.verdict.checks)
    last = dossier.last_phase
    served, asked = len(_served(dossier, last)), len(dossier.scenario.active_demands(last))
    weight = f"weight {given(outcome.served_weight)} of {given(outcome.total_weight)}"
    verdict = "not checked" if not checks else "passed" if not failed else f"FAILED: {count(failed)}"
    goal = {"net_present_cost": "least net present cost", "service": "most service within the budgets, then least cost"}
    return (
        Figure(
            label="Net present cost",
            value=money_words(outcome.cost, currency),
            remark=f"prices of {dossier.plan.price_year}",
        ),
        Figure(label="Lower bound", value=money_words(outcome.lower_bound, currency), remark=f"{outcome.bound_method}"),
        Figure(label="Gap", value=percent(outcome.gap), remark=f"bound covers {SCOPES[outcome.bound_scope]}"),
        Figure(label="Search", value=STATUS[outcome.stopped_by], remark=f"goal: {goal[outcome.objective]}"),
        Figure(label="Demands served", value=f"{count(served)} of {count(asked)}", remark=weight),
        Figure(
            label="Verification",
            value=verdict,
            remark=counted(checks, "check"),
            is_failed=bool(failed or not checks),
        ),
    )
