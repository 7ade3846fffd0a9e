"""What the plan rests on without proof: assumed data, unchecked sightlines, judged figures, and what is not known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from planner.catalog import CostItem, Entry
from planner.report.dossier import Dossier
from planner.report.tables import Table, rows, text_columns
from planner.report.wording import counted, some, spaced
from planner.scenario import Layer

NETWORK_UNITS = {"per_m": ("trench", "duct"), "per_m_year": ("duct",), "per_fiber_km_year": ("dark_fiber",)}
"""Media that cause costs in each unit of price; items priced per unit are in use where they are installed."""

UNIT_WORDS = {"db": "dB", "hz": "Hz"}
"""Units whose letters are not all small, as they stand in the names of fields."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Assumptions:
    """All assumptions, as tables for those that exist, and notes."""

    tables: tuple[Table, ...]
    notes: tuple[str, ...]
    """What the search and the checks could not do."""
    data_notes: tuple[str, ...]
    """What was read and repaired, and what is not in the data."""
    limits: tuple[tuple[str, str], ...]
    """Warnings of the physics, with the demands they concern."""
    count: int


def describe_assumptions(dossier: Dossier) -> Assumptions:
    """Return everything that the reader has to take on trust."""
    tables = (
        Table(
            caption="Assumed places and lines",
            columns=text_columns("What", "Which", "Note"),
            rows=rows([*_layer_lines(dossier), *_site_lines(dossier), *_hop_lines(dossier)]),
        ),
        Table(
            caption="Assumed figures of hardware, prices and rules in use",
            columns=text_columns("What", "Assumed", "Source or reasoning"),
            rows=rows([*_hardware_lines(dossier), *_price_lines(dossier), *_rule_lines(dossier)]),
        ),
    )
    unknown = [f"The plan names what the network and the scenario do not know: {some(list(dossier.unknown), 10)}."]
    return Assumptions(
        tables=tuple(table for table in tables if table.rows),
        notes=(*dossier.plan.notes, *dossier.verdict.notes, *(unknown if dossier.unknown else ())),
        data_notes=dossier.network.notes,
        limits=_limits(dossier),
        count=sum(len(table.rows) for table in tables),
    )


def entries_in_use(dossier: Dossier) -> Iterator[tuple[str, Entry]]:
    """Yield the catalog entries that the plan rests on, with what they are."""
    hardware = dossier.scenario.hardware
    yield "Fiber", hardware.fibers[dossier.scenario.spec.fiber]
    used = {route.technology for service in dossier.plan.services for route in service.routes}
    for technology in (entry for entry in dossier.scenario.spec.technologies if entry.id in used):
        yield f"Termination ({technology.id})", hardware.terminations[technology.termination]
        yield f"Detector ({technology.id})", hardware.detectors[technology.detector]
        if technology.pair_source:
            yield f"Pair source ({technology.id})", hardware.pair_sources[technology.pair_source]
        if technology.memory:
            yield f"Memory ({technology.id})", hardware.memories[technology.memory]
    built = {dossier.network.spans.ids[at] for at in dossier.built}
    hops = [hop for hop in dossier.network.hops if hop.id in built]
    for name in sorted({hop.terminal for hop in hops}):
        yield "Free-space terminal", hardware.free_space_terminals[name]


def prices_in_use(dossier: Dossier) -> Iterator[CostItem]:
    """Yield the price items that the plan rests on."""
    media = {dossier.network.spans.medium[at] for at in dossier.built}
    installed = {entry.item for entry in dossier.plan.installations}
    installed |= {site.shelter for site in dossier.scenario.sites if site.shelter and site.id in dossier.opened}
    installed |= {"free-space-terminal"} if "free_space" in media else set()
    for name, item in sorted(dossier.scenario.costs.items.items()):
        if name in installed or media & set(NETWORK_UNITS.get(item.unit, ())):
            yield item


def _layer_lines(dossier: Dossier) -> Iterator[tuple[str, str, str]]:
    layers = dossier.scenario.spec.layers
    named: list[tuple[str, Layer]] = [("streets", layers.streets)]
    for kind in ("ducts", "sites", "zones", "buildings", "terrain"):
        named += [(kind, layer) for layer in getattr(layers, kind)]
    for kind, layer in named:
        if layer.assumed:
            yield f"Layer of {kind}", layer.path.rsplit("/", 1)[-1], layer.note or "not survey data"


def _site_lines(dossier: Dossier) -> Iterator[tuple[str, str, str]]:
    """Yield the assumed sites that are used, those with the same note together."""
    by_note: dict[tuple[str, str], list[str]] = {}
    for site in dossier.scenario.sites:
        if site.assumed and site.id in dossier.opened:
            by_note.setdefault((site.kind, site.note), []).append(site.name)
    for (kind, note), names in sorted(by_note.items()):
        yield f"{counted(len(names), 'assumed site')} ({spaced(kind).lower()})", some(names, 12), note or "no note"


def _hop_lines(dossier: Dossier) -> Iterator[tuple[str, str, str]]:
    built = {dossier.network.spans.ids[at] for at in dossier.built}
    for hop in dossier.network.hops:
        if hop.id in built and not hop.sightline_checked:
            ends = f"{dossier.site_name(hop.a)} – {dossier.site_name(hop.b)}"
            yield "Unchecked sightline", f"{hop.id}: {ends}", hop.note or "line of sight not surveyed"


def _hardware_lines(dossier: Dossier) -> Iterator[tuple[str, str, str]]:
    for what, entry in entries_in_use(dossier):
        if entry.assumed:
            yield f"{what}: {entry.label}", _assumed_words(entry), entry.source


def _price_lines(dossier: Dossier) -> Iterator[tuple[str, str, str]]:
    for item in prices_in_use(dossier):
        if item.assumed:
            yield f"Price: {item.label}", _assumed_words(item), item.source


def _rule_lines(dossier: Dossier) -> Iterator[tuple[str, str, str]]:
    """Yield assumed factors on digging, where the plan digs."""
    spans, costs = dossier.network.spans, dossier.scenario.costs
    dug = [at for at in dossier.built if spans.medium[at] == "trench"]
    used = [("Road class", costs.road_classes, {spans.road_class[at] for at in dug})]
    used += [("Surface", costs.surfaces, {spans.surface[at] for at in dug})]
    used += [("Density", costs.densities, {dossier.scenario.spec.right_of_way.density} if dug else set())]
    for what, factors, names in used:
        for name in sorted(names & set(factors)):
            if factors[name].assumed:
                yield f"{what}: {factors[name].label}", f"factor {factors[name].factor:g}", factors[name].source
    for rule in dossier.scenario.spec.right_of_way.zones:
        if rule.assumed:
            effect = "digging forbidden" if rule.forbidden else f"factor {rule.factor:g}"
            yield f"Zone: {spaced(rule.kind)}", effect, rule.source


def _limits(dossier: Dossier) -> tuple[tuple[str, str], ...]:
    """Return the warnings of the physics, each with the demands that it concerns."""
    found: dict[str, set[str]] = {}
    for service in dossier.plan.services:
        for route in service.routes:
            for limit in route.limits:
                found.setdefault(limit, set()).add(service.demand)
    return tuple((limit, some(sorted(demands), 8)) for limit, demands in sorted(found.items()))


def _assumed_words(entry: Entry) -> str:
    if isinstance(entry.assumed, bool):
        return "all figures"
    return ", ".join(" ".join(UNIT_WORDS.get(word, word) for word in name.split("_")) for name in entry.assumed)
