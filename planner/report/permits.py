"""Rights-of-way as work to be done: whom to ask, for how much street, at what price, when, and what is excepted."""

from __future__ import annotations

import math
from collections import defaultdict

from planner.costs import digging_factor, span_list_capex
from planner.report.dossier import Dossier, phase_names
from planner.report.tables import Table, number_columns, row, text_columns, without_empty
from planner.report.wording import MISSING, count, counted, length, money


def permit_table(dossier: Dossier) -> Table:
    """Return the streets to be opened by phase, district and zone, with fees, crossings and the latest application.

    Columns without any entry are left out.
    """
    spans, names = dossier.network.spans, phase_names(dossier)
    groups: dict[tuple[int, str, str], list[int]] = defaultdict(list)
    for at, phase in sorted(dossier.built.items()):
        if spans.medium[at] == "trench":
            groups[phase, spans.district[at], spans.zone[at]].append(at)
    lines = []
    for (phase, district, zone), members in sorted(groups.items()):
        lead = max(int(spans.permit_lead_months[at]) for at in members)
        crossings = math.fsum(float(spans.crossing_capex[at]) for at in members)
        lines.append(
            row(
                names[phase],
                _authority(dossier, district),
                zone or MISSING,
                length(math.fsum(float(spans.length_km[at]) for at in members)),
                money(math.fsum(float(spans.right_of_way_capex[at]) for at in members)),
                money(crossings) if crossings else MISSING,
                money(_saved(dossier, phase, members)) if _saved(dossier, phase, members) else MISSING,
                count(lead) if lead else MISSING,
                _latest_application(dossier.scenario.phases[phase].year, lead),
            )
        )
    currency = dossier.plan.currency
    columns = (
        *text_columns("Phase", "District", "Zone"),
        *number_columns(["Street opened"], unit="km"),
        *number_columns(["Permits", "Crossings", "Saved by roadworks"], unit=currency),
        *number_columns(["Lead time"], unit="months"),
        *text_columns("Apply before"),
    )
    table = Table(caption="Permits for opening streets", columns=columns, rows=tuple(lines))
    return without_empty(table, MISSING)


def override_table(dossier: Dossier) -> Table:
    """Return what overrides say of which spans, and what they change in the capital of those that the plan uses."""
    spans, currency = dossier.network.spans, dossier.plan.currency
    groups: dict[tuple[str, str], list[int]] = defaultdict(list)
    for at, text in enumerate(spans.override):
        if text:
            groups[text, override_words(dossier, at)].append(at)
    capex = span_list_capex(dossier.network)
    lines = []
    for (text, says), members in sorted(groups.items()):
        used = [at for at in members if at in dossier.built]
        listed = [float(capex[at]) / (float(spans.price_factor[at]) or 1.0) for at in used]
        change = math.fsum(float(capex[at]) for at in used) - math.fsum(listed)
        lines.append(row(text, says, _amount(dossier, members), _amount(dossier, used), _money(listed), money(change)))
    columns = (
        *text_columns("Override", "Says"),
        *number_columns(["Spans", "Used by the plan"]),
        *number_columns(["Capital without it", "Changed by it"], unit=currency),
    )
    return Table(caption="Overrides of single spans", columns=columns, rows=tuple(lines))


def override_words(dossier: Dossier, at: int) -> str:
    """Return what overrides say of a span, or nothing."""
    spans = dossier.network.spans
    if not spans.override[at]:
        return ""
    factor, phases = float(spans.price_factor[at]), {phase.id for phase in dossier.scenario.phases}
    facts = [
        (f"prices × {factor:g}", factor > 0.0),
        ("forbidden", bool(spans.forbidden[at])),
        (f"forced by {spans.forced_phase[at]}", spans.forced_phase[at] in phases),
        (f"room for {counted(int(spans.max_fibers[at]), 'fiber')}", True),
    ]
    return "; ".join(text for text, holds in facts if holds)


def _amount(dossier: Dossier, members: list[int]) -> str:
    km = math.fsum(float(dossier.network.spans.length_km[at]) for at in members)
    return f"{count(len(members))} ({length(km)} km)" if members else MISSING


def _money(amounts: list[float]) -> str:
    return money(math.fsum(amounts)) if amounts else MISSING


def _authority(dossier: Dossier, district: str) -> str:
    rules = {rule.district: rule for rule in dossier.scenario.spec.right_of_way.districts}
    authority = rules[district].authority if district in rules else ""
    return f"{district} ({authority})" if authority else district or MISSING


def _saved(dossier: Dossier, phase: int, members: list[int]) -> float:
    """Return what opening streets together with planned roadworks saves."""
    factors = digging_factor(dossier.network, dossier.scenario, phase)
    return math.fsum(float(dossier.network.spans.trench_capex[at] * (1.0 - factors[at])) for at in members)


def _latest_application(year: int, lead_months: int) -> str:
    """Return month and year of the latest application for works that start with a year.

    >>> _latest_application(2027, 3), _latest_application(2027, 14), _latest_application(2027, 0)
    ('October 2026', 'November 2025', 'January 2027')
    """
    months = (
        "January", "February", "March", "April", "May", "June",
        "July", "August", "September", "October", "November", "December",
    )  # fmt: skip
    number = year * 12 - lead_months
    return f"{months[number % 12]} {number // 12}"
