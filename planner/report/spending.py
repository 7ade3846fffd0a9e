"""What the plan spends, by phase and category: charts, and the same numbers as tables."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from planner import costs
from planner.plan import CostLine
from planner.report.charts import Bar, Legend, bar_legend, stacked_bars
from planner.report.colours import bar_look, bar_order
from planner.report.dossier import Dossier, phase_label
from planner.report.tables import Column, Row, Table, number_columns, row
from planner.report.wording import MISSING, money, percent

Amount = Callable[[CostLine], float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Spending:
    """The charts, each with its legend, and the tables of the section on costs."""

    charts: tuple[tuple[Markup, Legend], ...]
    tables: tuple[Table, ...]
    money: str
    """What one unit of money is: currency and price year."""


def describe_spending(dossier: Dossier) -> Spending:
    """Return what the plan spends; without any cost line there are no charts, and tables of nothing but sums."""
    money_name = f"{dossier.plan.currency} of {dossier.plan.price_year}"
    categories = bar_order(frozenset(line.category for line in dossier.plan.costs))
    budgets = [phase.budget for phase in dossier.scenario.phases]
    capex = _by_phase(dossier, lambda line: line.capex)
    worth = _by_phase(dossier, lambda line: line.present_cost)
    before = ", before residual value" if any(costs.RESIDUAL in phase for phase in worth) else ""
    charts = (
        stacked_bars(
            _bars(dossier, capex, budgets),
            name="capex",
            title="Capital spending by phase and category",
            unit=money_name,
            limit_label="budget",
        ),
        stacked_bars(
            _bars(dossier, _running(_without_residual(worth)), [None] * len(worth)),
            name="worth",
            title=f"Net present cost, added up over the phases{before}",
            unit=money_name,
        ),
    )
    drawn = tuple(name for name in categories if name != costs.RESIDUAL)
    legends = [bar_legend(drawn, name=name) for name in ("capex", "worth")]
    return Spending(
        charts=tuple(zip(charts, legends, strict=True)) if categories else (),
        tables=(
            _capex_table(dossier, categories, capex, money_name),
            _worth_table(dossier, categories, worth, money_name),
            _yearly_table(dossier, categories, money_name),
        ),
        money=money_name,
    )


def total_capex(dossier: Dossier) -> float:
    """Return the capital spending of all phases, in money of the price year."""
    return math.fsum(costs.capex_by_phase(dossier.plan.costs).values())


def _by_phase(dossier: Dossier, amount: Amount) -> list[dict[str, float]]:
    """Return the amount of each category, phase by phase."""
    sums: list[dict[str, float]] = [{} for _ in dossier.scenario.phases]
    phase_at = {phase.id: index for index, phase in enumerate(dossier.scenario.phases)}
    for line in (line for line in dossier.plan.costs if line.phase in phase_at):
        phase = phase_at[line.phase]
        sums[phase][line.category] = sums[phase].get(line.category, 0.0) + amount(line)
    return sums


def _running(sums: Sequence[dict[str, float]]) -> list[dict[str, float]]:
    """Return the sums of every phase with those of all earlier phases added."""
    running: list[dict[str, float]] = []
    for phase in sums:
        before = running[-1] if running else {}
        running.append({name: before.get(name, 0.0) + phase.get(name, 0.0) for name in {**before, **phase}})
    return running


def _without_residual(sums: Sequence[dict[str, float]]) -> list[dict[str, float]]:
    return [{name: amount for name, amount in phase.items() if name != costs.RESIDUAL} for phase in sums]


def _bars(dossier: Dossier, sums: Sequence[dict[str, float]], limits: Sequence[float | None]) -> list[Bar]:
    labels = [phase_label(phase) for phase in dossier.scenario.phases]
    return [
        Bar(label=name, amounts=parts, limit=limit) for name, parts, limit in zip(labels, sums, limits, strict=True)
    ]


def _columns(dossier: Dossier, last: str = "All phases") -> tuple[Column, ...]:
    phases = [phase_label(phase) for phase in dossier.scenario.phases]
    return (Column(label="Category"), *number_columns([*phases, *([last] if last else [])]))


def _category_rows(
    categories: Sequence[str], sums: Sequence[dict[str, float]], *, total: bool = True
) -> tuple[Row, ...]:
    """Return one row of amounts for each category."""
    lines = []
    for category in (name for name in categories if any(phase.get(name) for phase in sums)):
        amounts = [phase.get(category, 0.0) for phase in sums]
        cells = [money(amount) if amount else MISSING for amount in amounts]
        lines.append(row(bar_look(category).label, *cells, *([money(math.fsum(amounts))] if total else [])))
    return tuple(lines)


def _sum_row(label: str, amounts: Sequence[float], *, kind: str = "sum") -> Row:
    return row(label, *(money(amount) for amount in amounts), money(math.fsum(amounts)), kind=kind)


def _capex_table(dossier: Dossier, categories: Sequence[str], sums: Sequence[dict[str, float]], unit: str) -> Table:
    """Return capital spending with the budgets that it is held against."""
    totals = [math.fsum(phase.values()) for phase in sums]
    budgets = [phase.budget for phase in dossier.scenario.phases]
    foot = [_sum_row("Sum", totals)]
    rules = dossier.scenario.spec.budgets
    counted = costs.counted_spending(dossier.scenario, dossier.plan.costs)
    if rules.covers == "capex_and_opex":
        foot.append(_sum_row("With yearly costs, as budgets count", counted))
    if any(budget is not None for budget in budgets):
        available = _available(budgets, counted, carry_over=rules.carry_over)
        limits = ["no limit" if budget is None else money(budget) for budget in budgets]
        foot.append(row("Budget", *limits, ""))
        if rules.carry_over:
            left = [MISSING if amount is None else money(amount) for amount in available]
            foot.append(row("Budget with what earlier phases left", *left, ""))
        shares = [percent(spent / of) if of else MISSING for spent, of in zip(counted, available, strict=True)]
        foot.append(row("Share of the budget spent", *shares, ""))
    if rules.total is not None:
        foot.append(row("Total budget", *([""] * len(totals)), money(rules.total)))
    caption = f"Capital spending, {unit}, not discounted"
    return Table(caption=caption, columns=_columns(dossier), rows=_category_rows(categories, sums), foot=tuple(foot))


def _available(budgets: Sequence[float | None], spent: Sequence[float], *, carry_over: bool) -> Sequence[float | None]:
    """Return what each phase may spend: its budget, and with carry-over what the phases before it have left."""
    available: list[float | None] = []
    carried = 0.0
    for budget, amount in zip(budgets, spent, strict=True):
        available.append(None if budget is None else budget + carried)
        carried = budget + carried - amount if carry_over and budget is not None else 0.0
    return available


def _worth_table(dossier: Dossier, categories: Sequence[str], sums: Sequence[dict[str, float]], unit: str) -> Table:
    """Return the net present cost: what the plan minimizes or reports."""
    totals = [math.fsum(phase.values()) for phase in sums]
    running = [math.fsum(phase.values()) for phase in _running(sums)]
    economics = dossier.scenario.spec.economics
    rate, years = percent(economics.discount_rate), economics.horizon_years
    less = ", less what is left of prices at the end" if costs.RESIDUAL in categories else ""
    caption = f"Net present cost, {unit}: capital and yearly costs of {years} years{less}, discounted at {rate} a year"
    return Table(
        caption=caption,
        columns=_columns(dossier),
        rows=_category_rows(categories, sums),
        foot=(
            _sum_row("Sum", totals),
            row("Added up over the phases", *(money(amount) for amount in running), ""),
        ),
    )


def _yearly_table(dossier: Dossier, categories: Sequence[str], unit: str) -> Table:
    """Return yearly costs; those of leases last as long as their phase, so that phases are not added up."""
    sums = _by_phase(dossier, lambda line: line.opex_per_year)
    totals = [money(math.fsum(phase.values())) for phase in sums]
    return Table(
        caption=f"Yearly cost that each phase adds, {unit} a year (leases of fiber: while the phase lasts)",
        columns=_columns(dossier, last=""),
        rows=_category_rows(categories, sums, total=False),
        foot=(row("Sum", *totals, kind="sum"),),
    )
