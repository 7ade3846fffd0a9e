"""What a plan costs, added up year by year from quantities and catalog prices.

Every payment is written down in the year in which it falls due: capital in the first year of its phase, upkeep and
rent in each year from there to the horizon, leases of fiber in the years of the phase that uses them. The sums of the
plan are closed; these are a cash book, so that the two can be compared.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from planner.plan import Plan
from planner.scenario import Scenario
from planner.verify.prices import Prices, SpanPrices
from planner.verify.routes import RouteFacts

LineKey = tuple[str, str]
"""Phase and category of a cost line."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sum:
    """What one phase spends in one category."""

    capex: float
    opex_per_year: float
    present_cost: float


@dataclass(frozen=True, kw_only=True, slots=True)
class CashBook:
    """Payments by phase and category, as they are written down."""

    scenario: Scenario
    capital: dict[LineKey, list[float]] = field(default_factory=lambda: defaultdict(list))
    yearly: dict[LineKey, list[float]] = field(default_factory=lambda: defaultdict(list))
    discounted: dict[LineKey, list[float]] = field(default_factory=lambda: defaultdict(list))

    def spend(self, phase_id: str, category: str, amount: float) -> None:
        """Write down capital spent at the start of a phase."""
        key = (phase_id, category)
        self.capital[key].append(amount)
        self.discounted[key].append(amount * self._worth(self._start(phase_id)))

    def keep(self, phase_id: str, item_name: str, amount: float) -> None:
        """Write down what is left at the horizon of an amount paid for an item, written off by equal parts a year."""
        economics = self.scenario.spec.economics
        life_years = self.scenario.costs.items[item_name].life_years
        if economics.residual_value and life_years is not None:
            used_up = min(1.0, (economics.horizon_years - self._start(phase_id)) / life_years)
            left = (amount - amount * used_up) * self._worth(economics.horizon_years)
            self.discounted[phase_id, "residual value"].append(-left)

    def pay_yearly(self, phase_id: str, category: str, amount: float, *, while_phase_lasts: bool = False) -> None:
        """Write down a yearly payment from a phase to the horizon, or to the start of the next phase."""
        key = (phase_id, category)
        begin, end = self._start(phase_id), self.scenario.spec.economics.horizon_years
        if while_phase_lasts:
            end = min([end, *(year for year in self._starts() if year > begin)])
        self.yearly[key].append(amount)
        self.discounted[key].extend(amount * self._worth(year) for year in range(begin, end))

    def sums(self) -> dict[LineKey, Sum]:
        """Return capital, yearly and discounted sums of every line that is not zero throughout."""
        lines = {
            key: Sum(
                capex=math.fsum(self.capital[key]),
                opex_per_year=math.fsum(self.yearly[key]),
                present_cost=math.fsum(amounts),
            )
            for key, amounts in self.discounted.items()
        }
        return {key: line for key, line in lines.items() if line.capex or line.opex_per_year or line.present_cost}

    def _starts(self) -> list[int]:
        return [phase.year - self.scenario.phases[0].year for phase in self.scenario.phases]

    def _start(self, phase_id: str) -> int:
        return self._starts()[self.scenario.phase_index(phase_id)]

    def _worth(self, year: int) -> float:
        return 1.0 / (1.0 + self.scenario.spec.economics.discount_rate) ** year


def cost_sums(prices: Prices, plan: Plan, routes: tuple[RouteFacts, ...]) -> dict[LineKey, Sum]:
    """Return what the plan's quantities cost by phase and category, at the prices of the catalog."""
    network, scenario = prices.network, prices.scenario
    book = CashBook(scenario=scenario)
    index = network.span_index()
    for build in plan.builds:
        at = index[build.span]
        in_air = network.spans.medium[at] == "free_space"
        digging = prices.digging_factor(at, scenario.phase_index(build.phase))
        _write_span(book, build.phase, prices.span(at), digging=digging, in_air=in_air)
    for opening in plan.openings:
        _write(book, opening.phase, "laterals", prices.lateral(opening.site), upkeep_of="trench")
        shelter = scenario.site(opening.site).shelter
        if shelter is not None:
            _write(book, opening.phase, "huts", _price_then(scenario, shelter, opening.phase), upkeep_of=shelter)
    for item, phase_id, amount in _equipment_prices(scenario, plan):
        _write(book, phase_id, "quantum equipment", amount, upkeep_of=item)
    for route in routes:
        per_fiber = math.fsum(prices.span(position).lease_per_fiber_year for position in route.indices)
        leases = per_fiber * route.technology.fibers_per_route
        book.pay_yearly(route.service.phase, "dark fiber lease", leases, while_phase_lasts=True)
    return book.sums()


def _equipment_prices(scenario: Scenario, plan: Plan) -> Iterator[tuple[str, str, float]]:
    """Yield item, phase and price of every single unit, in order of time: later ones may be cheaper."""
    so_far: Counter[str] = Counter()
    for bought in sorted(plan.installations, key=lambda entry: scenario.phase_index(entry.phase)):
        full, steps = _price_then(scenario, bought.item, bought.phase), scenario.costs.items[bought.item].price_steps
        for _ in range(bought.count):
            so_far[bought.item] += 1
            shares = [step.price_share for step in steps if so_far[bought.item] >= step.from_units]
            yield bought.item, bought.phase, full * min(shares, default=1.0)


def _write_span(book: CashBook, phase_id: str, prices: SpanPrices, *, digging: float, in_air: bool) -> None:
    """Write down a span; roadworks make digging cheaper by a factor, but not its upkeep."""
    if in_air:
        _write(book, phase_id, "free-space hops", prices.cable_capex, upkeep_of="free-space-terminal")
        return
    _write(book, phase_id, "trenching", prices.trench_capex, upkeep_of="trench")
    saved = (digging - 1.0) * prices.trench_capex
    book.spend(phase_id, "trenching", saved)
    book.keep(phase_id, "trench", saved)
    book.spend(phase_id, "right-of-way", prices.right_of_way_capex)
    book.keep(phase_id, "right-of-way-permit", prices.right_of_way_capex)
    _write(book, phase_id, "crossings", prices.crossing_capex, upkeep_of="trench")
    _write(book, phase_id, "cable", prices.cable_capex, upkeep_of="cable-pull")
    book.pay_yearly(phase_id, "duct rental", prices.rent_per_year)


def _write(book: CashBook, phase_id: str, category: str, amount: float, *, upkeep_of: str) -> None:
    """Write down capital, the yearly upkeep that the item's price brings with it, and what is left of it at last."""
    book.spend(phase_id, category, amount)
    book.keep(phase_id, upkeep_of, amount)
    share = book.scenario.costs.items[upkeep_of].opex_share_per_year
    book.pay_yearly(phase_id, category, amount * share)


def _price_then(scenario: Scenario, item_name: str, phase_id: str) -> float:
    """Return the price of an item in a phase: it falls by the learning rate per doubling of the world's units."""
    item = scenario.costs.items[item_name]
    doublings = math.log2(scenario.phases[scenario.phase_index(phase_id)].world_units_ratio)
    return float(item.price * (1.0 - item.learning_rate) ** doublings)
