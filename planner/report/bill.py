"""The bill of materials: what every site gets, when, and at what price."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable

from planner.costs import Charge, Quantities, charges_of_equipment, charges_of_sites, unit_price
from planner.plan import Installation
from planner.report.dossier import Dossier, phase_names
from planner.report.tables import Column, Row, Table, number_columns, row, text_columns
from planner.report.wording import MISSING, count, money, spaced


def item_label(dossier: Dossier, item: str) -> str:
    """Return the name of a cost item for readers, or its id when the price list has none."""
    return dossier.scenario.costs.items[item].label if item in dossier.scenario.costs.items else item


def unit_counts(dossier: Dossier) -> dict[str, list[int]]:
    """Return the units of every item by phase, items in the order of their labels."""
    sums: dict[str, list[int]] = defaultdict(lambda: [0] * len(dossier.scenario.phases))
    for entry in _known_installations(dossier):
        sums[entry.item][dossier.scenario.phase_index(entry.phase)] += entry.count
    return {item: sums[item] for item in sorted(sums, key=lambda item: item_label(dossier, item))}


def site_details(dossier: Dossier, site_id: str) -> tuple[tuple[str, str], ...]:
    """Return what the map says about a site: headings and texts."""
    site, names = dossier.scenario.site(site_id), phase_names(dossier)
    phase = dossier.opened.get(site_id)
    facts = [
        ("Site", site.id),
        ("Kind", spaced(site.kind) + (", assumed" if site.assumed else "")),
        ("Opened", "not used by the plan" if phase is None else names[phase]),
        ("May host", ", ".join(spaced(role).lower() for role in site.hosts)),
    ]
    installed: dict[str, list[str]] = defaultdict(list)
    for entry in _known_installations(dossier):
        if entry.site == site_id:
            installed[entry.phase].append(f"{count(entry.count)} × {item_label(dossier, entry.item)}")
    for number, entry_phase in enumerate(dossier.scenario.phases):
        if entry_phase.id in installed:
            facts.append((f"New in {names[number]}", "; ".join(installed[entry_phase.id])))
    return (*facts, *((("Note", site.note),) if site.note else ()))


def site_tables(dossier: Dossier) -> tuple[tuple[str, str, Table], ...]:
    """Return, for every site that gets anything, its name, what it is, and its bill of materials."""
    by_site: dict[str, list[Row]] = defaultdict(list)
    totals: dict[str, list[float]] = defaultdict(list)
    installations = _known_installations(dossier)
    charges = charges_of_equipment(dossier.network, dossier.scenario, _quantities(installations))
    for entry, charge in zip(installations, charges, strict=True):
        phase = dossier.scenario.phase_index(entry.phase)
        price = money(unit_price(dossier.scenario, entry.item, phase))
        name = item_label(dossier, entry.item)
        by_site[entry.site].append(
            row(name, phase_names(dossier)[phase], count(entry.count), price, money(charge.capex))
        )
        totals[entry.site].append(charge.capex)
    for site_id, charge in _opening_charges(dossier):
        words = {"laterals": "Lateral from street to building", "huts": "Shelter"}
        name = words.get(charge.category, spaced(charge.category))
        by_site[site_id].append(row(name, phase_names(dossier)[charge.phase], "1", MISSING, money(charge.capex)))
        totals[site_id].append(charge.capex)
    columns = (
        *text_columns("Item", "Phase"),
        *number_columns(["Units"]),
        *number_columns(["Unit price", "Capital"], unit=dossier.plan.currency),
    )
    return tuple(
        (dossier.site_name(site_id), _site_word(dossier, site_id), _bill(columns, by_site[site_id], totals[site_id]))
        for site_id in sorted(by_site, key=lambda site_id: (dossier.opened.get(site_id, 99), site_id))
    )


def price_table(dossier: Dossier) -> Table:
    """Return the items that are installed, with their unit price in every phase and where it comes from."""
    items, phases = dossier.scenario.costs.items, range(len(dossier.scenario.phases))
    lines = []
    for item, counts in unit_counts(dossier).items():
        prices = [money(unit_price(dossier.scenario, item, phase)) for phase in phases]
        source = items[item].source + (" (assumed)" if items[item].assumed else "")
        lines.append(row(item_label(dossier, item), count(sum(counts)), *prices, source))
    columns = (
        Column(label="Item"),
        *number_columns(["Units"]),
        *number_columns(phase_names(dossier), unit=f"{dossier.plan.currency} a unit"),
        Column(label="Source of the price"),
    )
    return Table(caption="Unit prices", columns=columns, rows=tuple(lines))


def _bill(columns: tuple[Column, ...], lines: list[Row], totals: list[float]) -> Table:
    foot = (row("Sum", "", "", "", money(math.fsum(totals)), kind="sum"),)
    return Table(caption="Bill of materials", columns=columns, rows=tuple(lines), foot=foot)


def _opening_charges(dossier: Dossier) -> Iterable[tuple[str, Charge]]:
    """Yield what every opened site costs by itself, with the site's id."""
    known = {site.id for site in dossier.network.sites} & set(dossier.opened)
    for opening in dossier.plan.openings:
        if opening.site in known:
            alone = Quantities(builds=(), openings=(opening,), installations=(), services=())
            for charge in charges_of_sites(dossier.network, dossier.scenario, alone):
                if charge.capex:
                    yield opening.site, charge


def _known_installations(dossier: Dossier) -> tuple[Installation, ...]:
    """Return the installations whose item and phase exist, in order of phase, site and item."""
    phases = [phase.id for phase in dossier.scenario.phases]
    items = dossier.scenario.costs.items
    known = [entry for entry in dossier.plan.installations if entry.item in items and entry.phase in phases]
    return tuple(sorted(known, key=lambda entry: (phases.index(entry.phase), entry.site, entry.item)))


def _quantities(installations: tuple[Installation, ...]) -> Quantities:
    return Quantities(builds=(), openings=(), installations=installations, services=())


def _site_word(dossier: Dossier, site_id: str) -> str:
    site = next((site for site in dossier.scenario.sites if site.id == site_id), None)
    return "" if site is None else spaced(site.kind) + (", assumed" if site.assumed else "")
