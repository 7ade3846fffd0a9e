"""Results side by side: cost, service and bound, in total and by phase."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from planner.catalog import NonNegative, Share
from planner.differences import differences, explain
from planner.pipeline import PLAN_FILE, VERDICT_FILE
from planner.plan import BoundScope, Plan, StoppedBy, load_plan
from planner.scenario import Rollout
from planner.verdict import load_verdict
from planner.yamlio import Model


class PhaseFigures(Model):
    """What a result does in one phase."""

    phase: str
    capex: NonNegative
    present_cost: NonNegative
    served: int
    asked: int


class ResultFigures(Model):
    """What a result comes to."""

    name: str
    rollout: Rollout
    currency: str
    price_year: int
    scenario_digest: str
    cost: NonNegative
    lower_bound: NonNegative
    gap: Share
    bound_scope: BoundScope
    stopped_by: StoppedBy
    served_weight: NonNegative
    total_weight: NonNegative
    verified: bool | None
    """None when the result has no verdict yet."""
    phases: tuple[PhaseFigures, ...]
    price_of_not_planning_jointly: float | None = None
    """Net present cost above that of the joint plan beside it; negative where the joint plan found is not the best."""
    price_at_most: float | None = None
    """The same above the best lower bound on every plan: a better joint plan could save no more."""
    differences: tuple[str, ...] = ()
    """What sets the plan apart from the joint one."""


def with_prices_of_rollouts(results: Sequence[ResultFigures], plans: Sequence[Plan]) -> list[ResultFigures]:
    """Return the figures with the price of not planning jointly, where a joint plan of the same scenario is among them.

    Prices compare plans with the same goal; where they serve different weights, the sentences say so.
    """
    priced: list[ResultFigures] = []
    for item, plan in zip(results, plans, strict=True):
        twins = [other for other in plans if other.scenario_digest == plan.scenario_digest]
        joint = min(
            (other for other in twins if other.rollout == "joint"), key=lambda other: other.outcome.cost, default=None
        )
        if joint is None or plan.rollout == "joint":
            priced.append(item)
            continue
        bounds = [other.outcome.lower_bound for other in twins if other.outcome.bound_scope == "whole_problem"]
        changes = {
            "price_of_not_planning_jointly": plan.outcome.cost - joint.outcome.cost,
            "price_at_most": plan.outcome.cost - max(bounds) if bounds else None,
            "differences": explain(differences(plan, joint), plan.currency),
        }
        priced.append(item.model_copy(update=changes))
    return priced


def results_in(paths: Sequence[Path]) -> list[ResultFigures]:
    """Return the figures of results: folders, or plan files with or without a verdict beside them.

    Raises InputError for what is neither.
    """
    rows, plans = [], []
    for path in paths:
        folder = path if path.is_dir() else path.parent
        verdict = folder / VERDICT_FILE
        plan = load_plan(path / PLAN_FILE if path.is_dir() else path)
        verified = load_verdict(verdict).passed if verdict.exists() else None
        rows.append(figures(path, plan, verified=verified))
        plans.append(plan)
    return with_prices_of_rollouts(rows, plans)


def figures(folder: Path, plan: Plan, *, verified: bool | None) -> ResultFigures:
    """Return the figures of a result."""
    names = list(dict.fromkeys([service.phase for service in plan.services] + [line.phase for line in plan.costs]))
    return ResultFigures(
        name=str(folder),
        rollout=plan.rollout,
        currency=plan.currency,
        price_year=plan.price_year,
        scenario_digest=plan.scenario_digest,
        cost=plan.outcome.cost,
        lower_bound=plan.outcome.lower_bound,
        gap=plan.outcome.gap,
        bound_scope=plan.outcome.bound_scope,
        stopped_by=plan.outcome.stopped_by,
        served_weight=plan.outcome.served_weight,
        total_weight=plan.outcome.total_weight,
        verified=verified,
        phases=tuple(_phase_figures(plan, name) for name in names),
    )


def _phase_figures(plan: Plan, phase: str) -> PhaseFigures:
    services = [service for service in plan.services if service.phase == phase]
    lines = [line for line in plan.costs if line.phase == phase]
    return PhaseFigures(
        phase=phase,
        capex=sum(line.capex for line in lines),
        present_cost=sum(line.present_cost for line in lines),
        served=sum(bool(service.routes) for service in services),
        asked=len(services),
    )


def table(results: Sequence[ResultFigures]) -> tuple[Sequence[str], Sequence[Sequence[str]]]:
    """Return column titles and rows: one row per figure, one column per result.

    Each result is also set against the first one where both are in the same money.
    """
    rows: list[list[str]] = [
        ["roll-out", *(item.rollout for item in results)],
        ["net present cost", *(f"{item.cost:,.0f} {item.currency} of {item.price_year}" for item in results)],
        ["against the first", *(_against(results[0], item) for item in results)],
        ["price of not planning jointly", *(_price(item) for item in results)],
        ["lower bound", *(f"{item.lower_bound:,.0f}" for item in results)],
        ["gap", *(f"{100 * item.gap:.2f} %" for item in results)],
        ["bound covers", *(item.bound_scope.replace("_", " ") for item in results)],
        ["stopped by", *(item.stopped_by.replace("_", " ") for item in results)],
        ["served weight", *(f"{item.served_weight:g} of {item.total_weight:g}" for item in results)],
        ["verified", *({None: "not checked", True: "yes", False: "NO"}[item.verified] for item in results)],
    ]
    for phase in dict.fromkeys(entry.phase for item in results for entry in item.phases):
        by_result = [{entry.phase: entry for entry in item.phases}.get(phase) for item in results]
        rows.append([f"{phase}: capex", *(f"{entry.capex:,.0f}" if entry else "-" for entry in by_result)])
        rows.append(
            [f"{phase}: served", *(f"{entry.served} of {entry.asked}" if entry else "-" for entry in by_result)]
        )
    return ["", *(item.name for item in results)], rows


def _price(item: ResultFigures) -> str:
    price, most = item.price_of_not_planning_jointly, item.price_at_most
    if price is None:
        return "-"
    limit = "" if most is None else f", at most {most:,.0f} by the bound"
    return f"{price:+,.0f} {item.currency} ({100.0 * price / (item.cost - price):+.2f} %){limit}"


def _against(first: ResultFigures, item: ResultFigures) -> str:
    if (item.currency, item.price_year) != (first.currency, first.price_year) or first.cost == 0.0:
        return "other money"
    return f"{100.0 * (item.cost / first.cost - 1.0):+.2f} %"


def as_json(results: Sequence[ResultFigures]) -> Mapping[str, object]:
    """Return the figures as plain values for JSON."""
    return {"results": [item.model_dump(mode="json") for item in results]}
