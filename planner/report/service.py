"""How each demand is served, phase by phase: what its routes deliver against what it asked for."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from markupsafe import Markup

from planner.plan import Route, Service
from planner.report.charts import fidelity_mark, rate_mark
from planner.report.colours import ROLE_LABELS
from planner.report.dossier import Dossier, phase_label, phase_names
from planner.report.tables import Column, Row, Table, number_columns, row, text_columns
from planner.report.wording import (
    MISSING,
    count,
    counted,
    decibels,
    fidelity,
    given,
    joined,
    length,
    milliseconds,
    money_words,
    plain,
    significant,
    some,
)
from planner.scenario import Demand
from planner.verdict import Ceiling

PLANES = {"detected": "detected pairs", "stored": "stored pairs", "either": "pairs"}
MINUTES_PER_YEAR = 525_600.0
RANKS = ("Primary", "Backup")
NUMBERS = {2: "two", 3: "three", 4: "four"}
LEVEL_WORDS = {
    "repeater": "apart only in their repeaters",
    "span": "apart span by span, even in one street",
    "duct": "apart in conduits and streets",
    "node": "apart in every junction and handhole too",
}
"""Levels of disjointness other than the usual one."""

ROUTE_COLUMNS: tuple[Column, ...] = (
    *text_columns("Phases", "Route", "Technology and stations"),
    *number_columns(["Length"], unit="km"),
    *number_columns(["Loss"], unit="dB"),
    *number_columns(["Links", "Lanes"]),
    *number_columns(["Rate"], unit="pairs/s"),
    *number_columns(["Fidelity"]),
    *number_columns(["Ebits"], unit="per s"),
    *number_columns(["Key"], unit="bit/s"),
    *number_columns(["Ceiling"], unit="ebits/s"),
    *number_columns(["Latency"], unit="ms"),
)
"""Columns of the table of routes."""


def demand_name(dossier: Dossier, demand: Demand) -> str:
    """Return the two places that a demand joins, with its id where another demand joins the same."""
    ends = {demand.a, demand.b}
    is_alone = sum({other.a, other.b} == ends for other in dossier.scenario.demands) == 1
    name = f"{dossier.site_name(demand.a)} – {dossier.site_name(demand.b)}"
    return name if is_alone else f"{name} ({demand.id})"


def link_count(route: Route) -> int:
    """Return the number of elementary links of a route: one for each pair source or heralding station."""
    return sum(station.role in {"pair_source", "heralding"} for station in route.stations)


def service_table(dossier: Dossier) -> Table:
    """Return who is served in which phase, and over how many routes."""
    lines = []
    for demand in dossier.scenario.demands:
        cells = dict.fromkeys(range(len(dossier.scenario.phases)), MISSING)
        cells |= {phase: _served_cell(demand, service) for phase, service in dossier.services_of(demand)}
        lines.append(row(demand_name(dossier, demand), demand.group or MISSING, *cells.values()))
    columns = text_columns("Demand", "Group", *phase_names(dossier))
    return Table(caption="Who is served, and when", columns=columns, rows=tuple(lines))


def route_table(dossier: Dossier) -> Table:
    """Return every route of every demand, with what it delivers; phases with equal service share their rows."""
    lines: list[Row] = []
    for demand in dossier.scenario.demands:
        lines.append(row(_heading(dossier, demand), kind="group"))
        for phases, service in _merged(dossier, demand):
            lines += _service_rows(dossier, demand, phases, service)
        lines += [row(remark, kind="remark") for remark in _remarks(dossier, demand)]
    return Table(caption="Routes of every demand", columns=ROUTE_COLUMNS, rows=tuple(lines))


def service_sentence(dossier: Dossier, demand: Demand, phase: int) -> str:
    """Return in words how a demand is served in a phase, for the line under the map."""
    name, when = demand_name(dossier, demand), phase_label(dossier.scenario.phases[phase])
    first = dossier.scenario.phase_index(demand.from_phase)
    if phase < first:
        return f"{name}: not asked for before {phase_label(dossier.scenario.phases[first])}."
    service = dossier.plan.service(demand.id, dossier.scenario.phases[phase].id)
    if service is None or not service.routes:
        return f"{name}: not served in {when}."
    parts = [_route_words(demand.seen_by(route.target), rank, route) for rank, route in enumerate(service.routes)]
    alone = " There is no backup route." if len(service.routes) == 1 else ""
    return f"{name}, {when}. {' '.join(parts)}{alone}"


def route_stations(dossier: Dossier, route: Route) -> str:
    """Return the stations of a route between its ends, in order."""
    inner = [
        f"{ROLE_LABELS[station.role]} at {dossier.site_name(station.site)}"
        for station in route.stations
        if station.role != "end"
    ]
    return ", ".join(inner) or MISSING


def rank_label(rank: int) -> str:
    """Return what the route at a position of a service is called."""
    return RANKS[rank] if rank < len(RANKS) else f"Route {rank + 1}"


def _served_cell(demand: Demand, service: Service | None) -> Markup:
    routes = len(service.routes) if service else 0
    kind, words = ("good", f"✓ {counted(routes, 'route')}") if routes >= demand.routes else ("", "")
    if not routes:
        kind, words = "alarm", "✕ not served"
    elif routes < demand.routes:
        kind, words = "alarm", f"✕ {routes} of {counted(demand.routes, 'route')}"
    return Markup('<span class="{}">{}</span>').format(kind, words)


def _heading(dossier: Dossier, demand: Demand) -> Markup:
    """Return the name of a demand and what it asks for."""
    ways = _ways(demand)
    group = f", group {demand.group}" if demand.group else ""
    weight = f", weight {given(demand.weight)}" if demand.weight != 1.0 else ""
    first = phase_label(dossier.scenario.phases[dossier.scenario.phase_index(demand.from_phase)])
    least = demand.min_security_class
    guarded = f", all stations at sites of security class {least} or more" if least else ""
    asked = (
        f"asks for {ways} with at least {joined(demand.targets(PLANES[demand.rate_plane]))} at a "
        f"fidelity of at least {given(demand.min_fidelity)}{_lower(demand)}{guarded}, from {first} on{group}{weight}"
    )
    return Markup('<strong>{}</strong> <span class="id">{}</span><span class="asked">{}</span>').format(
        plain(demand_name(dossier, demand)), demand.id, plain(asked)
    )


def _ways(demand: Demand) -> str:
    """Return how many routes a demand asks for, and what they may share."""
    if demand.routes == 1:
        return "one route"
    many = NUMBERS.get(demand.routes, str(demand.routes))
    level = f", {LEVEL_WORDS[demand.disjoint]}" if demand.disjoint in LEVEL_WORDS else ""
    if demand.redundancy == "maximal":
        return f"{many} routes that share only what no route can avoid{level}"
    return f"{many} disjoint routes{level}"


def _lower(demand: Demand) -> str:
    """Return what the backup may fall short of, in words."""
    if not demand.has_lower_backup:
        return ""
    backup = demand.seen_by("backup")
    return f" (backup: {given(backup.min_rate_hz)} per second at {given(backup.min_fidelity)})"


def _service_rows(dossier: Dossier, demand: Demand, phases: Sequence[int], service: Service | None) -> Iterator[Row]:
    when = _years(dossier, phases)
    if service is None or not service.routes:
        yield row(when, "not served", *[MISSING] * (len(ROUTE_COLUMNS) - 2), kind="missed")
        return
    for rank, route in enumerate(service.routes):
        yield _route_row(dossier, demand.seen_by(route.target), when, rank, route)


def _remarks(dossier: Dossier, demand: Demand) -> list[str]:
    """Return what a reader must know about the routes of a demand: what they share, and where physics warns."""
    services = [service for _, service in dossier.services_of(demand) if service is not None]
    shared = sorted({name for service in services for name in service.shared})
    found = sorted({limit for service in services for route in service.routes for limit in route.limits})
    remarks = []
    if any(len(service.routes) > 1 for service in services):
        laterals = [_lateral_words(dossier, name) for name in shared if name.startswith("lateral:")]
        but = f", except {joined(laterals)}" if laterals else ""
        others = " other" if len(laterals) < len(shared) else ""
        who = "Primary and backup" if demand.routes == 2 else "The routes"
        remarks.append(f"{who} have no{others} risk group in common{but}.")
    if demand.ring:
        around = " – ".join(dossier.site_name(site) for site in (*demand.ring_members, demand.ring_members[0]))
        remarks.append(
            f"Link of the ring {around}. No two of its links share a risk: after any single cut every partner still "
            "reaches every other."
        )
    remarks += [words for words in dict.fromkeys(_shared_words(dossier, service) for service in services) if words]
    timed = [words for service in services if (words := _time_words(service))]
    remarks += list(dict.fromkeys(timed))[-1:]
    ceilings = [ceiling for ceiling in dossier.verdict.ceilings if ceiling.demand == demand.id]
    remarks += [_ceiling_words(dossier, ceiling) for ceiling in ceilings[-1:] if ceiling.ebit_rate_hz > 0.0]
    return remarks + [f"Physics: {limit}" for limit in found]


def _ceiling_words(dossier: Dossier, ceiling: Ceiling) -> str:
    when = phase_label(dossier.scenario.phases[dossier.scenario.phase_index(ceiling.phase)])
    return (
        f"All light of the network of {when} together could carry at most {significant(ceiling.ceiling_hz)} ebits per "
        f"second between the two sites, with perfect devices everywhere; the routes deliver "
        f"{significant(ceiling.ebit_rate_hz)}."
    )


def _time_words(service: Service) -> str:
    """Return how much of the time a service works, by itself and route by route, or nothing where it is not known."""
    if service.availability is None or service.expected_rate_hz is None:
        return ""
    minutes = (1.0 - service.availability) * MINUTES_PER_YEAR
    each = ", ".join(f"{share:.3%}" for share in service.route_availability)
    alone = f" (its routes alone: {each})" if len(service.route_availability) > 1 else ""
    return (
        f"Works {service.availability:.4%} of the time{alone}, {significant(minutes)} minutes a year without service; "
        f"{significant(service.expected_rate_hz)} pairs per second on average. By the catalog's figures for cuts, "
        f"equipment, power and weather."
    )


def _chosen_words(route: Route) -> str:
    """Return what was chosen for a route, and what pooling its lanes could bring, or nothing."""
    settings = route.settings
    words = []
    if settings.brightness_hz is not None:
        words.append(f"brightness {significant(settings.brightness_hz)} pairs/s")
    if settings.window_ps is not None:
        words.append(f"window {significant(settings.window_ps)} ps")
    if settings.bright_state is not None:
        words.append(f"bright state {settings.bright_state:g}")
    if settings.cutoff_slots is not None:
        words.append(f"cut-off after {settings.cutoff_slots} attempts")
    if settings.distillation is not None:
        words.append(f"links distilled by {settings.distillation.upper()}")
    if route.lanes > 1 and route.pooled_rate_hz > route.rate_hz:
        words.append(f"pooled memories would approach {significant(route.pooled_rate_hz)} pairs/s")
    return ", ".join(words)


def _lateral_words(dossier: Dossier, name: str) -> str:
    return f"the lateral of {dossier.site_name(name.partition(':')[2])}"


def _shared_words(dossier: Dossier, service: Service) -> str:
    """Return in words what two routes share because no route can avoid it; nothing where there is no such span."""
    spans, shared = dossier.network.spans, service.shared_spans
    if not shared:
        return ""
    kilometres = math.fsum(item.length_km for item in shared)
    price = money_words(math.fsum(item.capex for item in shared), dossier.plan.currency)
    named = [spans.name[dossier.span_at[item.span]] or item.span for item in shared if item.span in dossier.span_at]
    return (
        f"No route between the two sites can avoid the risks of {counted(len(shared), 'span')} that its routes share: "
        f"{length(kilometres)} km, {price} to take into use ({some(list(dict.fromkeys(named)), 6)}). "
        "Losing any of them loses the service."
    )


def _route_row(dossier: Dossier, demand: Demand, when: str, rank: int, route: Route) -> Row:
    return row(
        when,
        rank_label(rank),
        _with_settings(f"{route.technology}: {route_stations(dossier, route)}", _chosen_words(route)),
        length(route.length_km),
        decibels(route.loss_db),
        count(link_count(route)),
        count(route.lanes),
        _with_mark(_rate_mark(demand, route), significant(route.rate_hz)),
        _with_mark(_fidelity_mark(demand, route), fidelity(route.fidelity)),
        significant(route.ebit_rate_hz),
        significant(route.key_rate_hz),
        significant(route.ceiling_hz),
        milliseconds(route.latency_s),
    )


def _with_settings(text: str, settings: str) -> Markup:
    below = Markup('<span class="asked">{}</span>').format(plain(settings)) if settings else ""
    return Markup("{}{}").format(plain(text), below)


def _with_mark(mark: Markup, text: str) -> Markup:
    return Markup("{}{}").format(text, mark)


def _rate_mark(demand: Demand, route: Route) -> Markup:
    if not demand.min_rate_hz:
        return Markup("")
    said = f"{significant(route.rate_hz)} pairs per second; target {given(demand.min_rate_hz)}"
    return rate_mark(route.rate_hz, demand.min_rate_hz, title=said + " (scale: 0.1 to 1000 targets, logarithmic)")


def _fidelity_mark(demand: Demand, route: Route) -> Markup:
    said = f"fidelity {fidelity(route.fidelity)}; target {given(demand.min_fidelity)}"
    return fidelity_mark(route.fidelity, demand.min_fidelity, title=said + " (scale: 0.5 to 0.999, logarithmic)")


def _merged(dossier: Dossier, demand: Demand) -> list[tuple[list[int], Service | None]]:
    """Return services with the phases that follow each other in which they do not change."""
    merged: list[tuple[list[int], Service | None]] = []
    for phase, service in dossier.services_of(demand):
        routes = service.routes if service else ()
        before = merged[-1][1] if merged else None
        if merged and routes == (before.routes if before else ()):
            merged[-1][0].append(phase)
        else:
            merged.append(([phase], service))
    return merged


def _years(dossier: Dossier, phases: Sequence[int]) -> str:
    """Return the years of phases that follow each other."""
    first, last = (dossier.scenario.phases[at].year for at in (phases[0], phases[-1]))
    return f"{first}" if first == last else f"{first}–{last}"


def _route_words(demand: Demand, rank: int, route: Route) -> str:
    """Return a route in words."""
    lanes = f", {counted(route.lanes, 'lane')}" if route.lanes > 1 else ""
    return (
        f"{rank_label(rank)}: {length(route.length_km)} km, {decibels(route.loss_db)} dB, {route.technology}{lanes}, "
        f"{significant(route.rate_hz)} {PLANES[demand.rate_plane]} per second (target "
        f"{joined(demand.targets(PLANES[demand.rate_plane]))}), "
        f"fidelity {fidelity(route.fidelity)} (target {given(demand.min_fidelity)})."
    )
