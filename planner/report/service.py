"""How each demand is served, phase by phase: what its routes deliver against what it asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from planner.plan import Route, Service
from planner.report.charts import log_target_mark, target_mark
from planner.report.colours import ROLE_LABELS
from planner.report.dossier import Dossier, phase_label
from planner.report.tables import Column, Row, Table, number_columns, row, text_columns
from planner.report.wording import (
    MISSING,
    count,
    counted,
    decibels,
    fidelity,
    joined,
    length,
    milliseconds,
    plain,
    significant,
)
from planner.scenario import Demand

PLANES = {"detected": "detected pairs", "stored": "stored pairs"}
RANKS = ("Primary", "Backup")


@dataclass(frozen=True, kw_only=True, slots=True)
class DemandService:
    """A demand and how it is served: the section's heading, what is asked, and a table of routes."""

    id: str
    title: str
    asked: str
    remarks: tuple[str, ...]
    table: Table


def demand_name(dossier: Dossier, demand: Demand) -> str:
    """Return the two places that a demand joins."""
    return f"{dossier.site_name(demand.a)} – {dossier.site_name(demand.b)}"


def is_served(service: Service | None) -> bool:
    """Return whether a demand has at least one route in a phase."""
    return service is not None and bool(service.routes)


def link_count(route: Route) -> int:
    """Return the number of elementary links of a route: one for each pair source or heralding station."""
    return sum(station.role in {"pair_source", "heralding"} for station in route.stations)


def describe_services(dossier: Dossier) -> tuple[DemandService, ...]:
    """Return how every demand is served, in order of id."""
    return tuple(_describe(dossier, demand) for demand in dossier.scenario.demands)


def service_sentence(dossier: Dossier, demand: Demand, phase: int) -> str:
    """Return in words how a demand is served in a phase, for the line under the map."""
    name, when = demand_name(dossier, demand), phase_label(dossier.scenario.phases[phase])
    if phase < dossier.scenario.phase_index(demand.from_phase):
        return f"{name}: not asked for before {_first_label(dossier, demand)}."
    service = dossier.plan.service(demand.id, dossier.scenario.phases[phase].id)
    if service is None or not service.routes:
        return f"{name}: not served in {when}."
    parts = [_route_words(dossier, demand, rank, route) for rank, route in enumerate(service.routes)]
    missing = " No backup route." if len(service.routes) == 1 else ""
    return f"{name}, {when}. {' '.join(parts)}{missing}"


def route_stations(dossier: Dossier, route: Route) -> str:
    """Return the stations of a route between its ends, in order."""
    inner = [
        f"{ROLE_LABELS[station.role]} at {dossier.site_name(station.site)}"
        for station in route.stations
        if station.role != "end"
    ]
    return " → ".join(inner) or MISSING


def _describe(dossier: Dossier, demand: Demand) -> DemandService:
    return DemandService(
        id=demand.id,
        title=demand_name(dossier, demand),
        asked=_asked(dossier, demand),
        remarks=tuple(_remarks(dossier, demand)),
        table=_table(dossier, demand),
    )


def _asked(dossier: Dossier, demand: Demand) -> str:
    """Return what a demand asks for."""
    ways = "two disjoint routes" if demand.routes == 2 else "one route"
    group = f", group {demand.group}" if demand.group else ""
    weight = f", weight {significant(demand.weight)}" if demand.weight != 1.0 else ""
    return (
        f"Asks, from {_first_label(dossier, demand)} on, for {ways}, each with at least "
        f"{significant(demand.min_rate_hz)} {PLANES[demand.rate_plane]} per second "
        f"at a fidelity of at least {significant(demand.min_fidelity)}{group}{weight}."
    )


def _remarks(dossier: Dossier, demand: Demand) -> list[str]:
    """Return what a reader must know about the routes of a demand: what they share, and where physics warns."""
    services = [service for _, service in dossier.services_of(demand) if service is not None]
    shared = sorted({name for service in services for name in service.shared})
    found = sorted({limit for service in services for route in service.routes for limit in route.limits})
    remarks = [f"Both routes share {joined([_shared_words(dossier, name) for name in shared])}."] if shared else []
    if any(len(service.routes) > 1 for service in services):
        remarks.insert(0, "Primary and backup have no risk group in common" + (", except:" if shared else "."))
    return remarks + [f"Physics: {limit}" for limit in found]


def _shared_words(dossier: Dossier, name: str) -> str:
    kind, _, site = name.partition(":")
    return f"the lateral of {dossier.site_name(site)}" if kind == "lateral" and site else name


def _table(dossier: Dossier, demand: Demand) -> Table:
    """Return the routes of a demand, phases with equal service in one row."""
    lines: list[Row] = []
    for phases, service in _merged(dossier, demand):
        when = _span_of_phases(dossier, phases)
        if service is None or not service.routes:
            lines.append(row(when, "Not served", *[MISSING] * (len(COLUMNS) - 2), kind="missed"))
            continue
        for rank, route in enumerate(service.routes):
            lines.append(_route_row(dossier, demand, when if rank == 0 else "", rank, route))
    return Table(caption=f"Routes of {demand_name(dossier, demand)}", columns=COLUMNS, rows=tuple(lines))


COLUMNS: tuple[Column, ...] = (
    *text_columns("Phase", "Route", "Technology and stations"),
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
"""Columns of the tables of routes."""


def _route_row(dossier: Dossier, demand: Demand, when: str, rank: int, route: Route) -> Row:
    return row(
        when,
        RANKS[rank] if rank < len(RANKS) else f"Route {rank + 1}",
        f"{route.technology}: {route_stations(dossier, route)}",
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


def _with_mark(mark: Markup, text: str) -> Markup:
    return Markup("{} <span>{}</span>").format(mark, text)


def _rate_mark(demand: Demand, route: Route) -> Markup:
    said = f"{significant(route.rate_hz)} pairs per second; target {significant(demand.min_rate_hz)}"
    return log_target_mark(route.rate_hz, demand.min_rate_hz, title=said + " (logarithmic scale, 0.1 to 1000 targets)")


def _fidelity_mark(demand: Demand, route: Route) -> Markup:
    said = f"fidelity {fidelity(route.fidelity)}; target {significant(demand.min_fidelity)} (scale 0.5 to 1)"
    return target_mark(route.fidelity, demand.min_fidelity, low=0.5, high=1.0, title=said)


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


def _span_of_phases(dossier: Dossier, phases: Sequence[int]) -> str:
    first, last = (dossier.scenario.phases[at] for at in (phases[0], phases[-1]))
    return phase_label(first) if first is last else f"{phase_label(first)} to {phase_label(last)}"


def _first_label(dossier: Dossier, demand: Demand) -> str:
    return phase_label(dossier.scenario.phases[dossier.scenario.phase_index(demand.from_phase)])


def _route_words(dossier: Dossier, demand: Demand, rank: int, route: Route) -> str:
    """Return a route in words."""
    name = RANKS[rank] if rank < len(RANKS) else f"Route {rank + 1}"
    lanes = f", {counted(route.lanes, 'lane')}" if route.lanes > 1 else ""
    return plain(
        f"{name}: {length(route.length_km)} km, {decibels(route.loss_db)} dB, {route.technology}{lanes}, "
        f"{significant(route.rate_hz)} {PLANES[demand.rate_plane]} per second (target {significant(demand.min_rate_hz)}), "
        f"fidelity {fidelity(route.fidelity)} (target {significant(demand.min_fidelity)})."
    )
