"""What things cost, and when: prices by phase, discounting, and the sums that plans and reports show.

Capital is spent in the first year of its phase and discounted to the first phase. Yearly costs are paid at the start
of each year, from the phase that causes them up to the horizon; leases of fibers are paid in the phases that use them.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from planner.catalog import CostItem
from planner.network import Floats, Network
from planner.plan import CostLine, Installation, Service, SiteOpening, SpanBuild
from planner.scenario import Scenario

CIVIL_ITEM = "trench"
"""The item whose yearly upkeep applies to everything that is dug."""


def discount(scenario: Scenario, phase: int) -> float:
    """Return what one unit of money spent at the start of a phase is worth in the first phase."""
    years = scenario.phases[phase].year - scenario.phases[0].year
    return float((1.0 + scenario.spec.economics.discount_rate) ** -years)


def annuity(scenario: Scenario, first_phase: int, *, last_phase: int | None = None) -> float:
    """Return the present worth of one unit a year from a phase up to the end of `last_phase`, or to the horizon."""
    start = scenario.phases[0].year
    begin = scenario.phases[first_phase].year - start
    stop = scenario.spec.economics.horizon_years
    if last_phase is not None and last_phase + 1 < len(scenario.phases):
        stop = min(stop, scenario.phases[last_phase + 1].year - start)
    rate = scenario.spec.economics.discount_rate
    return float(sum((1.0 + rate) ** -year for year in range(begin, stop)))


def learned_price(item: CostItem, world_units_ratio: float) -> float:
    """Return an item's price after the world's production has grown by a ratio (Wright's law).

    price x ratio ** log2(1 - learning_rate), for a ratio of at least 1.

    >>> item = CostItem(label="x", source="example", unit="per_unit", price=100.0, low=1.0, high=100.0,
    ...                 learning_rate=0.15)
    >>> round(learned_price(item, 4.0), 2)
    72.25
    """
    return float(item.price * world_units_ratio ** math.log2(1.0 - item.learning_rate))


def unit_price(scenario: Scenario, item_name: str, phase: int) -> float:
    """Return what one unit of an item costs in a phase."""
    return learned_price(scenario.costs.items[item_name], scenario.phases[phase].world_units_ratio)


def unit_present_cost(scenario: Scenario, item_name: str, phase: int) -> float:
    """Return the present cost of buying one unit in a phase and running it up to the horizon."""
    upkeep = scenario.costs.items[item_name].opex_share_per_year * annuity(scenario, phase)
    return unit_price(scenario, item_name, phase) * (discount(scenario, phase) + upkeep)


def span_capex(network: Network) -> Floats:
    """Return what it costs to take each span into use, in money of the price year."""
    spans = network.spans
    return spans.trench_capex + spans.right_of_way_capex + spans.cable_capex


def span_opex_per_year(network: Network, scenario: Scenario) -> Floats:
    """Return the yearly cost of each span that is in use, without leases: upkeep and duct rental."""
    spans = network.spans
    items = scenario.costs.items
    is_hop = np.array([medium == "free_space" for medium in spans.medium], dtype=np.bool_)
    cable_share = np.where(
        is_hop, items["free-space-terminal"].opex_share_per_year, items["cable-pull"].opex_share_per_year
    )
    civil = spans.trench_capex * items[CIVIL_ITEM].opex_share_per_year
    return civil + spans.cable_capex * cable_share + spans.rent_per_year


def span_present_cost(network: Network, scenario: Scenario, phase: int) -> Floats:
    """Return the present cost of taking each span into use in a phase, without leases of fibers."""
    yearly = span_opex_per_year(network, scenario)
    return span_capex(network) * discount(scenario, phase) + yearly * annuity(scenario, phase)


def lease_present_cost(scenario: Scenario, phase: int) -> float:
    """Return the present worth of one unit a year while one phase lasts (until the next one starts)."""
    return annuity(scenario, phase, last_phase=phase)


@dataclass(frozen=True, kw_only=True, slots=True)
class Quantities:
    """What a plan builds, buys and leases."""

    builds: tuple[SpanBuild, ...]
    openings: tuple[SiteOpening, ...]
    installations: tuple[Installation, ...]
    services: tuple[Service, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Charge:
    """An amount that a driver adds to a phase: spent once, every year to the horizon, and while the phase lasts."""

    phase: int
    category: str
    capex: float = 0.0
    opex_per_year: float = 0.0
    lease_per_year: float = 0.0


def charges_of_spans(network: Network, scenario: Scenario, quantities: Quantities) -> Iterable[Charge]:
    """Yield trenching, right-of-way, cable, free-space and rental charges of the spans that are built."""
    spans, index = network.spans, network.span_index()
    upkeep = {name: scenario.costs.items[name].opex_share_per_year for name in (CIVIL_ITEM, "cable-pull")}
    hop_share = scenario.costs.items["free-space-terminal"].opex_share_per_year
    for build in quantities.builds:
        at, phase = index[build.span], scenario.phase_index(build.phase)
        trench, way, cable = (
            float(column[at]) for column in (spans.trench_capex, spans.right_of_way_capex, spans.cable_capex)
        )
        if spans.medium[at] == "free_space":
            yield Charge(phase=phase, category="free-space hops", capex=cable, opex_per_year=cable * hop_share)
            continue
        yield Charge(phase=phase, category="trenching", capex=trench, opex_per_year=trench * upkeep[CIVIL_ITEM])
        yield Charge(phase=phase, category="right-of-way", capex=way)
        yield Charge(phase=phase, category="cable", capex=cable, opex_per_year=cable * upkeep["cable-pull"])
        yield Charge(phase=phase, category="duct rental", opex_per_year=float(spans.rent_per_year[at]))


def charges_of_leases(network: Network, scenario: Scenario, quantities: Quantities) -> Iterable[Charge]:
    """Yield the leases of dark fiber, by phase, for the fibers that the routes use."""
    index = network.span_index()
    for service in quantities.services:
        phase = scenario.phase_index(service.phase)
        for route in service.routes:
            fibers = scenario.technology(route.technology).fibers_per_route
            yearly = sum(float(network.spans.lease_per_fiber_year[index[span]]) for span in route.spans) * fibers
            yield Charge(phase=phase, category="dark fiber lease", lease_per_year=yearly)


def charges_of_sites(network: Network, scenario: Scenario, quantities: Quantities) -> Iterable[Charge]:
    """Yield the laterals and shelters of the sites that are opened."""
    for opening in quantities.openings:
        phase = scenario.phase_index(opening.phase)
        lateral = network.site(opening.site).lateral_capex
        upkeep = scenario.costs.items[CIVIL_ITEM].opex_share_per_year
        yield Charge(phase=phase, category="laterals", capex=lateral, opex_per_year=lateral * upkeep)
        shelter = scenario.site(opening.site).shelter
        if shelter is not None:
            yield _charge_of_item(scenario, shelter, phase, 1, "huts")


def charges_of_equipment(network: Network, scenario: Scenario, quantities: Quantities) -> Iterable[Charge]:
    """Yield the quantum equipment of the sites."""
    del network
    for installation in quantities.installations:
        phase = scenario.phase_index(installation.phase)
        yield _charge_of_item(scenario, installation.item, phase, installation.count, "quantum equipment")


def _charge_of_item(scenario: Scenario, item: str, phase: int, count: int, category: str) -> Charge:
    capex = count * unit_price(scenario, item, phase)
    share = scenario.costs.items[item].opex_share_per_year
    return Charge(phase=phase, category=category, capex=capex, opex_per_year=capex * share)


DRIVERS: tuple[Callable[[Network, Scenario, Quantities], Iterable[Charge]], ...] = (
    charges_of_spans,
    charges_of_leases,
    charges_of_sites,
    charges_of_equipment,
)
"""What makes cost; a new cost driver is a function and a row here."""


def cost_lines(network: Network, scenario: Scenario, quantities: Quantities) -> tuple[CostLine, ...]:
    """Return what every phase spends by category, phases in order of time and categories by name."""
    sums: dict[tuple[int, str], list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
    for driver in DRIVERS:
        for charge in driver(network, scenario, quantities):
            entry = sums[charge.phase, charge.category]
            entry[0] += charge.capex
            entry[1] += charge.opex_per_year + charge.lease_per_year
            entry[2] += (
                charge.capex * discount(scenario, charge.phase)
                + charge.opex_per_year * annuity(scenario, charge.phase)
                + charge.lease_per_year * lease_present_cost(scenario, charge.phase)
            )
    return tuple(
        CostLine(phase=scenario.phases[phase].id, category=category, capex=capex, opex_per_year=opex, present_cost=cost)
        for (phase, category), (capex, opex, cost) in sorted(sums.items())
        if capex or opex or cost
    )


def capex_by_phase(lines: Iterable[CostLine]) -> Mapping[str, float]:
    """Return the capital spending of every phase that spends, by its id."""
    totals: dict[str, float] = defaultdict(float)
    for line in lines:
        totals[line.phase] += line.capex
    return totals


def present_cost(lines: Iterable[CostLine]) -> float:
    """Return the net present cost of a plan."""
    return math.fsum(line.present_cost for line in lines)
