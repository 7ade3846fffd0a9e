"""The bill of materials: what every site gets, when, and at what price."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator

from markupsafe import Markup

from planner.costs import Quantities, charges_of_equipment, charges_of_rebates, charges_of_sites, unit_price
from planner.plan import Installation
from planner.report.dossier import Dossier, phase_names
from planner.report.tables import Column, Row, Table, number_columns, row, text_columns
from planner.report.wording import MISSING, count, money, percent, plain, some, spaced


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
        *([("Security class", count(site.security_class))] if site.security_class else []),
        *([("Power feed", site.power_feed)] if site.power_feed else []),
        *([("Fails together with", fellows)] if (fellows := _fellows(dossier, site_id)) else []),
    ]
    installed: dict[str, list[str]] = defaultdict(list)
    for entry in _known_installations(dossier):
        if entry.site == site_id:
            installed[entry.phase].append(f"{count(entry.count)} × {item_label(dossier, entry.item)}")
    for number, entry_phase in enumerate(dossier.scenario.phases):
        if entry_phase.id in installed:
            facts.append((f"New in {names[number]}", "; ".join(installed[entry_phase.id])))
    return (*facts, *((("Note", site.note),) if site.note else ()))


def _fellows(dossier: Dossier, site_id: str) -> str:
    """Return the names of the sites in the same building or on the same power feed."""
    groups = {group for site in dossier.network.sites if site.id == site_id for group in site.risk_groups}
    others = [site.id for site in dossier.network.sites if site.id != site_id and groups & set(site.risk_groups)]
    return some([dossier.site_name(other) for other in others], 10)


def site_table(dossier: Dossier) -> Table:
    """Return the bill of materials of every site that gets anything: equipment, lateral and shelter."""
    found = sorted([*_equipment_lines(dossier), *_opening_lines(dossier)], key=lambda line: (line[0], line[1]))
    by_site: dict[str, list[tuple[float, Row]]] = defaultdict(list)
    for site_id, _, capex, cells in found:
        by_site[site_id].append((capex, cells))
    lines: list[Row] = []
    for site_id in sorted(by_site, key=lambda name: (dossier.opened.get(name, -1), name)):
        amounts = [capex for capex, _ in by_site[site_id]]
        lines.append(row(_site_heading(dossier, site_id), kind="group"))
        lines += [cells for _, cells in by_site[site_id]]
        lines.append(row("Sum", "", "", "", money(math.fsum(amounts)), kind="sum"))
    total, less = math.fsum(capex for _, _, capex, _ in found), _rebate(dossier)
    columns = (
        *text_columns("Item", "Phase"),
        *number_columns(["Units"]),
        *number_columns(["Unit price", "Capital"], unit=dossier.plan.currency),
    )
    foot = [row("All sites", "", "", "", money(total), kind="sum")]
    if less:
        foot += [row("Less for many units of a kind", "", "", "", money(-less))]
        foot += [row("All sites, as paid", "", "", "", money(total - less), kind="sum")]
    return Table(caption="What every site gets", columns=columns, rows=tuple(lines), foot=tuple(foot))


def _rebate(dossier: Dossier) -> float:
    """Return what the equipment costs less because so much of it is bought."""
    bought = Quantities(builds=(), openings=(), installations=_known_installations(dossier), services=())
    return -math.fsum(charge.capex for charge in charges_of_rebates(dossier.network, dossier.scenario, bought))


def price_table(dossier: Dossier) -> Table:
    """Return the items that are installed, with their unit price in every phase and where it comes from."""
    items, phases = dossier.scenario.costs.items, range(len(dossier.scenario.phases))
    lines = []
    for item, counts in unit_counts(dossier).items():
        prices = [money(unit_price(dossier.scenario, item, phase)) for phase in phases]
        source = items[item].source + (" (assumed)" if items[item].assumed else "")
        steps = [f"{percent(step.price_share)} from unit {step.from_units} on" for step in items[item].price_steps]
        label = item_label(dossier, item) + (f" ({', '.join(steps)})" if steps else "")
        lines.append(row(label, count(sum(counts)), *prices, source))
    columns = (
        Column(label="Item"),
        *number_columns(["Units"]),
        *number_columns(phase_names(dossier), unit=f"{dossier.plan.currency} a unit"),
        Column(label="Source of the price"),
    )
    return Table(caption="Unit prices", columns=columns, rows=tuple(lines))


Line = tuple[str, int, float, Row]
"""Site, phase and capital of a line of the bill, and the line itself."""


def _equipment_lines(dossier: Dossier) -> Iterator[Line]:
    """Yield the lines of the equipment."""
    installations = _known_installations(dossier)
    bought = Quantities(builds=(), openings=(), installations=installations, services=())
    charges = charges_of_equipment(dossier.network, dossier.scenario, bought)
    for entry, charge in zip(installations, charges, strict=True):
        price = money(unit_price(dossier.scenario, entry.item, charge.phase))
        when, units = phase_names(dossier)[charge.phase], count(entry.count)
        cells = row(item_label(dossier, entry.item), when, units, price, money(charge.capex))
        yield entry.site, charge.phase, charge.capex, cells


def _opening_lines(dossier: Dossier) -> Iterator[Line]:
    """Yield the lines of the laterals and shelters of the sites that are opened."""
    known = {site.id for site in dossier.network.sites} & set(dossier.opened)
    phases = {phase.id for phase in dossier.scenario.phases}
    words = {"laterals": "Lateral from street to building", "huts": "Shelter"}
    for opening in (entry for entry in dossier.plan.openings if entry.site in known and entry.phase in phases):
        alone = Quantities(builds=(), openings=(opening,), installations=(), services=())
        for charge in charges_of_sites(dossier.network, dossier.scenario, alone):
            if charge.capex:
                name = words.get(charge.category, spaced(charge.category))
                cells = row(name, phase_names(dossier)[charge.phase], "1", MISSING, money(charge.capex))
                yield opening.site, charge.phase, charge.capex, cells


def _known_installations(dossier: Dossier) -> tuple[Installation, ...]:
    """Return the installations whose item and phase exist, in order of phase, site and item."""
    phases = [phase.id for phase in dossier.scenario.phases]
    items = dossier.scenario.costs.items
    known = [entry for entry in dossier.plan.installations if entry.item in items and entry.phase in phases]
    return tuple(sorted(known, key=lambda entry: (phases.index(entry.phase), entry.site, entry.item)))


def _site_heading(dossier: Dossier, site_id: str) -> Markup:
    site = next((site for site in dossier.scenario.sites if site.id == site_id), None)
    kind = "" if site is None else spaced(site.kind) + (", assumed" if site.assumed else "")
    return Markup('<strong>{}</strong> <span class="id">{}</span>').format(
        plain(dossier.site_name(site_id)), plain(kind)
    )
