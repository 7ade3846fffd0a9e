"""What things cost, and when: prices by phase, discounting, and the sums that plans and reports show.

Capital is spent in the first year of its phase and discounted to the first phase. Yearly costs are paid at the start
of each year, from the phase that causes them up to the horizon; leases of fibers are paid in the phases that use them.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from planner.catalog import CostItem
from planner.network import Floats, Network
from planner.plan import CostLine, Installation, Service, SiteOpening, SpanBuild
from planner.scenario import Scenario

CIVIL_ITEM = "trench"
"""The item whose yearly upkeep applies to everything that is dug."""
LEASES = "dark fiber lease"
"""The category whose yearly costs last as long as the phase; all others are paid to the horizon."""
RESIDUAL = "residual value"
"""The category of what is left of prices at the horizon: a present cost below zero, in the phase of purchase."""
PERMIT_ITEM = "right-of-way-permit"
CABLE_ITEM = "cable-pull"
HOP_ITEM = "free-space-terminal"
CIVIL_YEARS = 3
"""Years from the start of a phase in which its streets are opened: roadworks in them are shared."""


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


def rebated_units(item: CostItem, count: int) -> float:
    """Return by how many units' price the first `count` units of an item cost less in all than at the full price.

    Incremental: unit `from_units` of a step and all after it cost that step's share, those before keep their price.

    >>> steps = ({"from_units": 3, "price_share": 0.9}, {"from_units": 5, "price_share": 0.5})
    >>> item = CostItem(label="x", source="example", unit="per_unit", price=1.0, low=1.0, high=1.0, price_steps=steps)
    >>> [round(rebated_units(item, count), 3) for count in (2, 3, 4, 5, 6)]
    [0.0, 0.1, 0.2, 0.7, 1.2]
    """
    shares = [1.0, *(step.price_share for step in item.price_steps)]
    drops = [before - after for before, after in pairwise(shares)]
    beyond = [max(0, count - step.from_units + 1) for step in item.price_steps]
    return math.fsum(drop * units for drop, units in zip(drops, beyond, strict=True))


def rebates(scenario: Scenario, bought: Mapping[str, Sequence[int]]) -> Iterator[tuple[str, int, float]]:
    """Yield item, phase, and by how many units' price of that phase its purchases cost less, where they do.

    `bought` gives the units of each item by phase, and before the first of them what was bought earlier.
    """
    for name, (before, *by_phase) in sorted(bought.items()):
        item, count = scenario.costs.items[name], before
        for phase, units in enumerate(by_phase):
            less = rebated_units(item, count + units) - rebated_units(item, count)
            count += units
            if less:
                yield name, phase, less


def residual_worth(scenario: Scenario, item_name: str, phase: int) -> float:
    """Return the present worth of what is left at the horizon of one unit of money, paid for an item in a phase.

    Straight line: the share of the item's life that is left then, discounted from the horizon. 0 where the scenario
    counts no residual values, or the item has no life. Never more than the unit of money is worth when it is paid.
    """
    economics, life_years = scenario.spec.economics, scenario.costs.items[item_name].life_years
    if not economics.residual_value or life_years is None:
        return 0.0
    used_years = economics.horizon_years - (scenario.phases[phase].year - scenario.phases[0].year)
    left = max(0.0, 1.0 - used_years / life_years)
    return float(left * (1.0 + economics.discount_rate) ** -economics.horizon_years)


def unit_present_cost(scenario: Scenario, item_name: str, phase: int) -> float:
    """Return the present cost of buying one unit in a phase and running it up to the horizon."""
    upkeep = scenario.costs.items[item_name].opex_share_per_year * annuity(scenario, phase)
    once = discount(scenario, phase) - residual_worth(scenario, item_name, phase)
    return unit_price(scenario, item_name, phase) * (once + upkeep)


def is_closed(network: Network, scenario: Scenario, phase: int) -> NDArray[np.bool_]:
    """Return a flag for each span: whether a moratorium forbids to open its street when the phase starts."""
    flags: NDArray[np.bool_] = network.spans.closed_until_year > scenario.phases[phase].year
    return flags


def digging_factor(network: Network, scenario: Scenario, phase: int) -> Floats:
    """Return the factor on digging each span in a phase: less than 1 where the street is open anyway."""
    rule, year = scenario.spec.right_of_way.roadworks, scenario.phases[phase].year
    planned = network.spans.roadworks_year
    shared = (planned >= year) & (planned < year + CIVIL_YEARS)
    return np.where(shared, 1.0 if rule is None else rule.factor, 1.0)


def span_list_capex(network: Network) -> Floats:
    """Return what it costs to take each span into use where nothing is saved, in money of the price year."""
    spans = network.spans
    return spans.trench_capex + spans.right_of_way_capex + spans.crossing_capex + spans.cable_capex


def span_capex(network: Network, scenario: Scenario, phase: int) -> Floats:
    """Return what it costs to take each span into use in a phase, in money of the price year."""
    saved = network.spans.trench_capex * (1.0 - digging_factor(network, scenario, phase))
    return span_list_capex(network) - saved


def span_opex_per_year(network: Network, scenario: Scenario) -> Floats:
    """Return the yearly cost of each span that is in use, without leases: upkeep and duct rental.

    Upkeep follows the full price of digging, whatever roadworks saved, and that of crossings.
    """
    spans = network.spans
    items = scenario.costs.items
    is_hop = np.array([medium == "free_space" for medium in spans.medium], dtype=np.bool_)
    cable_share = np.where(is_hop, items[HOP_ITEM].opex_share_per_year, items[CABLE_ITEM].opex_share_per_year)
    civil = (spans.trench_capex + spans.crossing_capex) * items[CIVIL_ITEM].opex_share_per_year
    return civil + spans.cable_capex * cable_share + spans.rent_per_year


def span_residual_worth(network: Network, scenario: Scenario, phase: int) -> Floats:
    """Return the present worth of what is left at the horizon of each span that is taken into use in a phase."""
    spans = network.spans
    civil, permit, cable, hop = (
        residual_worth(scenario, item, phase) for item in (CIVIL_ITEM, PERMIT_ITEM, CABLE_ITEM, HOP_ITEM)
    )
    is_hop = np.array([medium == "free_space" for medium in spans.medium], dtype=np.bool_)
    dug = spans.trench_capex * digging_factor(network, scenario, phase) + spans.crossing_capex
    worth: Floats = dug * civil + spans.right_of_way_capex * permit + spans.cable_capex * np.where(is_hop, hop, cable)
    return worth


def span_present_cost(network: Network, scenario: Scenario, phase: int) -> Floats:
    """Return the present cost of taking each span into use in a phase, without leases of fibers."""
    yearly = span_opex_per_year(network, scenario)
    paid = span_capex(network, scenario, phase) * discount(scenario, phase) + yearly * annuity(scenario, phase)
    return paid - span_residual_worth(network, scenario, phase)


def lease_present_cost(scenario: Scenario, phase: int) -> float:
    """Return the present worth of one unit a year while one phase lasts (until the next one starts)."""
    return annuity(scenario, phase, last_phase=phase)


def phase_years(scenario: Scenario, phase: int) -> int:
    """Return for how many years a phase lasts: until the next one starts, or up to the horizon."""
    starts = [entry.year - scenario.phases[0].year for entry in scenario.phases]
    end = starts[phase + 1] if phase + 1 < len(starts) else scenario.spec.economics.horizon_years
    return min(end, scenario.spec.economics.horizon_years) - starts[phase]


@dataclass(frozen=True, kw_only=True, slots=True)
class BudgetLimit:
    """What may be spent from one phase to another, both included, in money of the price year."""

    first_phase: int
    last_phase: int
    amount: float

    def spent(self, by_phase: Sequence[float]) -> float:
        """Return what counts against the limit, given the spending of every phase."""
        return math.fsum(by_phase[self.first_phase : self.last_phase + 1])


def budget_limits(scenario: Scenario) -> tuple[BudgetLimit, ...]:
    """Return the limits on spending: one for each phase with a budget, and the total.

    With carry-over, a phase is limited together with the phases before it, back to the last one without a budget.
    """
    rules, start = scenario.spec.budgets, 0
    limits: list[BudgetLimit] = []
    for phase, entry in enumerate(scenario.phases):
        if entry.budget is None:
            start = phase + 1
            continue
        first = start if rules.carry_over else phase
        amount = math.fsum(earlier.budget or 0.0 for earlier in scenario.phases[first : phase + 1])
        limits.append(BudgetLimit(first_phase=first, last_phase=phase, amount=amount))
    if rules.total is not None:
        limits.append(BudgetLimit(first_phase=0, last_phase=len(scenario.phases) - 1, amount=rules.total))
    return tuple(limits)


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
    kept: float = 0.0
    """Present worth of what is left of the capital at the horizon."""


def charges_of_spans(network: Network, scenario: Scenario, quantities: Quantities) -> Iterable[Charge]:
    """Yield trenching, right-of-way, crossing, cable, free-space and rental charges of the spans that are built."""
    spans, index, items = network.spans, network.span_index(), scenario.costs.items
    digging = [digging_factor(network, scenario, phase) for phase in range(len(scenario.phases))]
    for build in quantities.builds:
        at, phase = index[build.span], scenario.phase_index(build.phase)
        trench, way, crossing, cable = (
            float(column[at])
            for column in (spans.trench_capex, spans.right_of_way_capex, spans.crossing_capex, spans.cable_capex)
        )
        if spans.medium[at] == "free_space":
            yield _charge(scenario, HOP_ITEM, phase, "free-space hops", cable)
            continue
        dug = trench * float(digging[phase][at])
        upkeep = trench * items[CIVIL_ITEM].opex_share_per_year
        yield replace(_charge(scenario, CIVIL_ITEM, phase, "trenching", dug), opex_per_year=upkeep)
        yield _charge(scenario, CIVIL_ITEM, phase, "crossings", crossing)
        yield replace(_charge(scenario, PERMIT_ITEM, phase, "right-of-way", way), opex_per_year=0.0)
        yield _charge(scenario, CABLE_ITEM, phase, "cable", cable)
        yield Charge(phase=phase, category="duct rental", opex_per_year=float(spans.rent_per_year[at]))


def charges_of_leases(network: Network, scenario: Scenario, quantities: Quantities) -> Iterable[Charge]:
    """Yield the leases of dark fiber, by phase, for the fibers that the routes use."""
    index = network.span_index()
    for service in quantities.services:
        phase = scenario.phase_index(service.phase)
        for route in service.routes:
            fibers = scenario.technology(route.technology).fibers_per_route
            yearly = sum(float(network.spans.lease_per_fiber_year[index[span]]) for span in route.spans) * fibers
            yield Charge(phase=phase, category=LEASES, lease_per_year=yearly)


def charges_of_sites(network: Network, scenario: Scenario, quantities: Quantities) -> Iterable[Charge]:
    """Yield the laterals and shelters of the sites that are opened."""
    for opening in quantities.openings:
        phase = scenario.phase_index(opening.phase)
        yield _charge(scenario, CIVIL_ITEM, phase, "laterals", network.site(opening.site).lateral_capex)
        shelter = scenario.site(opening.site).shelter
        if shelter is not None:
            yield _charge(scenario, shelter, phase, "huts", unit_price(scenario, shelter, phase))


def charges_of_equipment(network: Network, scenario: Scenario, quantities: Quantities) -> Iterable[Charge]:
    """Yield the quantum equipment of the sites."""
    del network
    for installation in quantities.installations:
        phase = scenario.phase_index(installation.phase)
        capex = installation.count * unit_price(scenario, installation.item, phase)
        yield _charge(scenario, installation.item, phase, "quantum equipment", capex)


def charges_of_rebates(network: Network, scenario: Scenario, quantities: Quantities) -> Iterable[Charge]:
    """Yield what the quantum equipment costs less, phase by phase, because so much of it is bought."""
    del network
    bought: dict[str, list[int]] = defaultdict(lambda: [0] * (1 + len(scenario.phases)))
    for entry in quantities.installations:
        bought[entry.item][1 + scenario.phase_index(entry.phase)] += entry.count
    for item, phase, less in rebates(scenario, bought):
        yield _charge(scenario, item, phase, "quantum equipment", -less * unit_price(scenario, item, phase))


def _charge(scenario: Scenario, item: str, phase: int, category: str, capex: float) -> Charge:
    """Return the charge of capital for an item, with the upkeep and the residual value that go with it."""
    return Charge(
        phase=phase,
        category=category,
        capex=capex,
        opex_per_year=capex * scenario.costs.items[item].opex_share_per_year,
        kept=capex * residual_worth(scenario, item, phase),
    )


DRIVERS: tuple[Callable[[Network, Scenario, Quantities], Iterable[Charge]], ...] = (
    charges_of_spans,
    charges_of_leases,
    charges_of_sites,
    charges_of_equipment,
    charges_of_rebates,
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
            sums[charge.phase, RESIDUAL][2] -= charge.kept
    return tuple(
        CostLine(phase=scenario.phases[phase].id, category=category, capex=capex, opex_per_year=opex, present_cost=cost)
        for (phase, category), (capex, opex, cost) in sorted(sums.items())
        if capex or opex or cost
    )


def counted_spending(scenario: Scenario, lines: Iterable[CostLine]) -> list[float]:
    """Return what each phase spends of what its budget covers: capital, and yearly costs where the scenario says so."""
    spent = [0.0 for _ in scenario.phases]
    counts_opex = scenario.spec.budgets.covers == "capex_and_opex"
    for line in lines:
        first = scenario.phase_index(line.phase)
        spent[first] += line.capex
        last = first + 1 if line.category == LEASES else len(spent)
        for phase in range(first, last if counts_opex else first):
            spent[phase] += line.opex_per_year * phase_years(scenario, phase)
    return spent


def capex_by_phase(lines: Iterable[CostLine]) -> Mapping[str, float]:
    """Return the capital spending of every phase that spends, by its id."""
    totals: dict[str, float] = defaultdict(float)
    for line in lines:
        totals[line.phase] += line.capex
    return totals


def present_cost(lines: Iterable[CostLine]) -> float:
    """Return the net present cost of a plan."""
    return math.fsum(line.present_cost for line in lines)
