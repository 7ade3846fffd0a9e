"""What is built, opened and installed in every phase, and where."""

from __future__ import annotations

import math

from planner.costs import span_capex
from planner.network import MEDIA, Floats, Medium
from planner.report.bill import item_label, unit_counts
from planner.report.colours import MEDIUM_LABELS
from planner.report.dossier import Dossier, phase_names
from planner.report.tables import Column, Row, Table, number_columns, row, text_columns
from planner.report.wording import MISSING, NOT_IN_DATA, count, decibels, length, money


def built_km(dossier: Dossier, medium: Medium, phase: int | None = None) -> float:
    """Return the length of the spans of a medium that are taken into use in a phase, or in all phases."""
    return math.fsum(float(dossier.network.spans.length_km[at]) for at in _built(dossier, medium, phase))


def built_count(dossier: Dossier, medium: Medium, phase: int | None = None) -> int:
    """Return the number of spans of a medium that are taken into use in a phase, or in all phases."""
    return len(_built(dossier, medium, phase))


def opened_count(dossier: Dossier, phase: int | None = None) -> int:
    """Return the number of sites that are opened in a phase, or in all phases."""
    return sum(phase in (None, at) for at in dossier.opened.values())


def work_table(dossier: Dossier) -> Table:
    """Return lengths, hops, sites and equipment by phase."""
    phases = range(len(dossier.scenario.phases))
    lines = [row("Lines", kind="group")]
    for medium in MEDIA:
        label, total = MEDIUM_LABELS[medium], built_km(dossier, medium)
        cells = [built_km(dossier, medium, phase) for phase in phases]
        lines.append(row(f"{label}, km", *(length(km) if km else MISSING for km in cells), length(total)))
    hops = [built_count(dossier, "free_space", phase) for phase in phases]
    opened = [opened_count(dossier, phase) for phase in phases]
    lines += [_count_row("Free-space hops, number", hops)]
    lines += [row("Sites and their equipment, units", kind="group"), _count_row("Sites opened", opened)]
    lines += [_count_row(item_label(dossier, item), counts) for item, counts in unit_counts(dossier).items()]
    columns = (Column(label="What"), *number_columns([*phase_names(dossier), "All phases"]))
    return Table(caption="What is built and installed in each phase", columns=columns, rows=tuple(lines))


def span_table(dossier: Dossier) -> Table:
    """Return every span that the plan takes into use."""
    spans, names = dossier.network.spans, phase_names(dossier)
    capex = [span_capex(dossier.network, dossier.scenario, phase) for phase in range(len(names))]
    lines = []
    for at, phase in sorted(dossier.built.items(), key=lambda item: (item[1], spans.medium[item[0]], item[0])):
        once = float(capex[phase][at])
        lines.append(
            row(
                spans.ids[at],
                names[phase],
                MEDIUM_LABELS[spans.medium[at]] + (" (assumed)" if spans.assumed[at] else ""),
                spans.name[at] or MISSING,
                spans.road_class[at] or MISSING,
                length(float(spans.length_km[at])),
                decibels(float(spans.loss_db[at])),
                money(once),
            )
        )
    columns = (
        *text_columns("Span", "Phase", "Medium", "Street or duct", "Road class"),
        *number_columns(["Length"], unit="km"),
        *number_columns(["Loss"], unit="dB"),
        *number_columns(["Capital"], unit=dossier.plan.currency),
    )
    return Table(caption="Every span that is taken into use", columns=columns, rows=tuple(lines))


def span_details(dossier: Dossier, at: int) -> tuple[str, ...]:
    """Return what the map says about a span, in the order of `SPAN_FACTS`; what does not apply is empty."""
    spans, medium = dossier.network.spans, dossier.network.spans.medium[at]
    phase, is_hop = dossier.built.get(at), medium == "free_space"
    return (
        spans.ids[at],
        "not used by the plan" if phase is None else phase_names(dossier)[phase],
        MEDIUM_LABELS[medium],
        spans.name[at] or ("" if is_hop else NOT_IN_DATA),
        f"{float(spans.length_km[at]):.3f} km",
        f"{float(spans.loss_db[at]):.3f} dB",
        *_span_costs(dossier, at),
        _street_fact(spans.road_class[at]) if medium == "trench" else "",
        _street_fact(spans.surface[at]) if medium == "trench" else "",
        spans.zone[at],
        spans.district[at],
        _opening_fact(dossier, at) if medium == "trench" else "",
        "" if is_hop else _fiber_fact(dossier, at),
        ("not checked" if spans.assumed[at] else "checked") if is_hop else "",
        "from an assumed layer" if spans.assumed[at] and not is_hop else "",
        ", ".join(spans.risk_groups[at]),
    )


SPAN_FACTS = (
    "Span",
    "Phase",
    "Medium",
    "Name",
    "Length",
    "Loss",
    "Cost, once",
    "Cost, a year",
    "Road class",
    "Surface",
    "Zone",
    "District",
    "Opening",
    "Fibers",
    "Sightline",
    "Data",
    "Risk groups",
)
"""Headings of `span_details`."""


def _built(dossier: Dossier, medium: Medium, phase: int | None) -> list[int]:
    media = dossier.network.spans.medium
    return [at for at, built in dossier.built.items() if media[at] == medium and phase in (None, built)]


def _count_row(label: str, counts: list[int]) -> Row:
    return row(label, *(count(number) if number else MISSING for number in counts), count(sum(counts)))


def _span_costs(dossier: Dossier, at: int) -> tuple[str, str]:
    """Return what a span costs once, and every year."""
    spans, currency = dossier.network.spans, dossier.plan.currency
    laid = "terminals" if spans.medium[at] == "free_space" else "cable"
    once = [(spans.trench_capex, "digging"), (spans.right_of_way_capex, "right-of-way")]
    once += [(spans.crossing_capex, "crossings"), (spans.cable_capex, laid)]
    yearly = [(spans.rent_per_year, "duct rental"), (spans.lease_per_fiber_year, "per leased fiber")]

    def words(columns: list[tuple[Floats, str]]) -> str:
        parts = [f"{currency} {money(float(column[at]))} {what}" for column, what in columns if column[at]]
        return "; ".join(parts) or "none"

    return words(once), words(yearly)


def _opening_fact(dossier: Dossier, at: int) -> str:
    """Return when a street may be opened: from which year, with which roadworks, how long the permit takes."""
    spans = dossier.network.spans
    facts = [
        (int(spans.closed_until_year[at]), "closed until {}"),
        (int(spans.roadworks_year[at]), "roadworks in {}"),
        (int(spans.permit_lead_months[at]), "permit takes {} months"),
    ]
    return "; ".join(text.format(number) for number, text in facts if number)


def _fiber_fact(dossier: Dossier, at: int) -> str:
    spans, used = dossier.network.spans, int(dossier.network.spans.used_fibers[at])
    others = NOT_IN_DATA if used < 0 else count(used)
    return f"{count(int(spans.max_fibers[at]))} at most; in use by others: {others}"


def _street_fact(text: str) -> str:
    return NOT_IN_DATA if text in {"", "unknown"} else text
