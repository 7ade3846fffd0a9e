"""What is built, opened and installed in every phase, and where."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from planner.costs import span_capex
from planner.fixed import fixed_parts
from planner.network import MEDIA, Floats, Medium
from planner.report.bill import item_label, unit_counts
from planner.report.colours import MEDIUM_LABELS
from planner.report.dossier import Dossier, phase_names
from planner.report.permits import override_words
from planner.report.tables import Column, Row, Table, number_columns, row, text_columns
from planner.report.wording import MISSING, NOT_IN_DATA, count, decibels, length, money, some
from planner.scenario.parts import Part


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


def settled_table(dossier: Dossier) -> Table:
    """Return what the scenario settles beforehand: what stands already, what is forced and what is forbidden."""
    scenario, network = dossier.scenario, dossier.network
    fixed, spec = fixed_parts(network, scenario), scenario.spec

    def km(spans: Iterable[int]) -> str:
        chosen = sorted(spans)
        metres = math.fsum(float(network.spans.length_km[at]) for at in chosen)
        return f"{count(len(chosen))} ({length(metres)} km)" if chosen else MISSING

    def named(parts: Sequence[Part]) -> tuple[str, str]:
        sites = sorted({site for part in parts for site in part.sites})
        notes = dict.fromkeys(part.note for part in parts if part.note)
        return some([dossier.site_name(site) for site in sites], 10) or MISSING, " ".join(notes) or MISSING

    units = math.fsum(fixed.owned_units.values())
    forced_units = sum(part.items[item] * len(part.sites) for part in spec.force for item in part.items)
    lines = [
        ("Stands already, costs nothing", spec.as_built, fixed.built_spans, units),
        ("Forced", spec.force, fixed.forced_spans, forced_units),
        ("Forbidden", spec.forbid, fixed.forbidden_spans, 0),
    ]
    rows = [
        row(label, km(spans), named(parts)[0], count(int(number)) if number else MISSING, named(parts)[1])
        for label, parts, spans, number in lines
        if parts or spans
    ]
    columns = (*text_columns("What", "Spans", "Sites"), *number_columns(["Units of equipment"]), *text_columns("Note"))
    return Table(caption="Settled beforehand by the scenario", columns=columns, rows=tuple(rows))


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
        override_words(dossier, at),
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
    "Override",
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
