"""What an assignment of routes to demands builds and costs, and what one more route would add."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from planner import costs
from planner.design.rebates import Rebates, present_rebate
from planner.design.rooms import site_rooms
from planner.design.routes import Candidate
from planner.design.spanprices import span_prices
from planner.design.stretches import phases_of
from planner.network import Floats, Integers, Network
from planner.scenario import EquipmentNeed, Scenario

NEVER = 1_000
"""Phase index of what is not built at all."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Past:
    """What stands before planning starts: spans and sites are free to use, owned units need not be bought.

    What is due must be built, opened or bought by its phase.
    """

    spans: frozenset[int] = frozenset()
    sites: frozenset[str] = frozenset()
    units: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """(site, item) -> number owned."""
    due_spans: Mapping[int, int] = field(default_factory=dict)
    """Spans that must be in use by a phase, needed or not."""
    due_sites: Mapping[str, int] = field(default_factory=dict)
    due_units: Mapping[tuple[str, str], tuple[int, ...]] = field(default_factory=dict)
    """(site, item) -> number that must be there by each phase, owned ones included."""

    @property
    def is_empty(self) -> bool:
        """Return whether nothing stands and nothing is due."""
        stands, due = (self.spans, self.sites, self.units), (self.due_spans, self.due_sites, self.due_units)
        return not any((*stands, *due))


NOTHING = Past()


class PriceTable:
    """Present costs of spans, sites and items by the phase in which they are bought.

    With `at_first`, everything is bought in the first phase, whenever it is needed: it has that phase's price always.
    """

    def __init__(
        self,
        network: Network,
        scenario: Scenario,
        *,
        at_first: bool = False,
        bought_before: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        """Compute every price once; `bought_before` are units of items that count towards steps of their prices."""
        self.network = network
        self.scenario = scenario
        self.at_first = at_first
        self.phases = range(len(scenario.phases))
        bought = [0 if at_first else phase for phase in self.phases]
        self.spans = span_prices(network, scenario, bought)
        self.span = self.spans.best
        self.span_yearly = costs.span_opex_per_year(network, scenario)
        self.lease = [costs.lease_present_cost(scenario, phase) for phase in self.phases]
        laterals = {site.id: site.lateral_capex for site in network.sites}
        sites = {site.id: [self._site(site.shelter, laterals[site.id], t) for t in bought] for site in scenario.sites}
        self.site, self.site_capex, self.site_yearly = (
            {name: [entry[part] for entry in column] for name, column in sites.items()} for part in range(3)
        )
        items = scenario.costs.items
        self.item = {name: [costs.unit_present_cost(scenario, name, t) for t in bought] for name in items}
        self.item_capex = {name: [costs.unit_price(scenario, name, t) for t in bought] for name in items}
        self.item_yearly = {
            name: [price * items[name].opex_share_per_year for price in column]
            for name, column in self.item_capex.items()
        }
        self.rebates = Rebates(scenario, bought_before)
        self.serves = {name: item.serves for name, item in items.items()}
        self.rooms = site_rooms(scenario)
        self.limits = costs.budget_limits(scenario)
        counts_opex = scenario.spec.budgets.covers == "capex_and_opex"
        self.budget_years = [costs.phase_years(scenario, t) if counts_opex else 0 for t in self.phases]
        """Years of yearly cost that count against the budget of each phase."""

    def _site(self, shelter: str | None, lateral_capex: float, phase: int) -> tuple[float, float, float]:
        """Return present cost, capital cost and yearly cost of opening a site in a phase."""
        scenario = self.scenario
        share = scenario.costs.items[costs.CIVIL_ITEM].opex_share_per_year
        once = costs.discount(scenario, phase) - costs.residual_worth(scenario, costs.CIVIL_ITEM, phase)
        present = lateral_capex * (once + share * costs.annuity(scenario, phase))
        if shelter is None:
            return present, lateral_capex, lateral_capex * share
        price = costs.unit_price(scenario, shelter, phase)
        return (
            present + costs.unit_present_cost(scenario, shelter, phase),
            lateral_capex + price,
            lateral_capex * share + price * scenario.costs.items[shelter].opex_share_per_year,
        )

    def spending(
        self,
        spans: Mapping[int, int],
        sites: Mapping[str, int],
        units: Mapping[tuple[str, str, int], int],
        leases_per_year: Sequence[float],
    ) -> list[float]:
        """Return what counts against the budgets in every phase, in money of the price year.

        `spans` and `sites` give the phase of purchase, `units` the numbers by (site, item, phase), `leases_per_year`
        what the routes of each phase lease.
        """
        totals = [years * leases for years, leases in zip(self.budget_years, leases_per_year, strict=True)]

        def spend(phase: int, capex: float, yearly: float) -> None:
            totals[phase] += capex
            for later in self.phases[phase:]:
                totals[later] += self.budget_years[later] * yearly

        bought = np.array(sorted(spans), dtype=np.int64)
        phases = np.array([spans[span] for span in bought.tolist()], dtype=np.int64)
        for phase in self.phases:
            now = bought[phases == phase]
            capex = self.spans.capex[phase, now]
            spend(phase, math.fsum(capex.tolist()), math.fsum(self.span_yearly[now].tolist()))
        for site, phase in sorted(sites.items()):
            spend(phase, self.site_capex[site][phase], self.site_yearly[site][phase])
        for (_, item, phase), count in sorted(units.items()):
            spend(phase, count * self.item_capex[item][phase], count * self.item_yearly[item][phase])
        for item, phase, less in self.rebates.of(units) if self.rebates.steps else ():
            spend(phase, -less * self.item_capex[item][phase], -less * self.item_yearly[item][phase])
        return totals

    def overspent(self, spending: Sequence[float]) -> float:
        """Return by how much the spending of the phases exceeds the limits, added up; 0 where it respects them all."""
        return math.fsum(max(0.0, limit.spent(spending) - limit.amount) for limit in self.limits)

    def lease_in(self, first: int, last: int) -> float:
        """Return the present worth of one unit a year from one phase to the end of another."""
        return math.fsum(self.lease[first : last + 1])


class Ledger:
    """The state of a plan in the making: routes per demand, kept from the demand's first phase to the horizon.

    A demand that may be upgraded has routes for each stretch of phases, under the stretch's id.
    """

    def __init__(self, prices: PriceTable, past: Past = NOTHING) -> None:
        """Start with nothing but what stands already."""
        self.prices = prices
        self.past = past
        self.routes: dict[str, tuple[Candidate, ...]] = {}
        self.reset()

    def reset(self) -> None:
        """Recompute the books from the routes."""
        spans = len(self.prices.network.spans)
        phases = len(self.prices.phases)
        self.span_phase: Integers = np.full(spans, NEVER, dtype=np.int64)
        self.span_phase[sorted(self.past.spans)] = -1
        self.fibers: Integers = np.zeros((phases, spans), dtype=np.int64)
        self.site_phase: dict[str, int] = dict.fromkeys(self.past.sites, -1)
        self.units: dict[tuple[str, str], list[int]] = {key: [0] * phases for key in self.past.due_units}
        for span, phase in self.past.due_spans.items():
            self.span_phase[span] = 0 if self.prices.at_first else phase
        for site, phase in self.past.due_sites.items():
            self.site_phase[site] = 0 if self.prices.at_first else phase
        for demand_id in sorted(self.routes):
            for candidate in self.routes[demand_id]:
                self._enter(candidate)

    def add(self, demand_id: str, candidates: tuple[Candidate, ...]) -> None:
        """Serve a demand with these routes."""
        self.routes[demand_id] = candidates
        for candidate in candidates:
            self._enter(candidate)

    def remove(self, demand_ids: Iterable[str]) -> None:
        """Take the routes of some demands out."""
        for demand_id in demand_ids:
            self.routes.pop(demand_id, None)
        self.reset()

    def copy(self, prices: PriceTable | None = None) -> Ledger:
        """Return an independent ledger with the same routes, at the same prices or others."""
        twin = Ledger(prices or self.prices, self.past)
        twin.routes = dict(self.routes)
        twin.reset()
        return twin

    def _phases_of(self, candidate: Candidate) -> tuple[int, int]:
        """Return the first and the last phase in which a candidate serves."""
        scenario = self.prices.scenario
        return candidate.stretch or phases_of(scenario, scenario.demand(candidate.demand))

    def _lease(self, candidate: Candidate) -> float:
        return candidate.lease_per_year * self.prices.lease_in(*self._phases_of(candidate))

    def _enter(self, candidate: Candidate) -> None:
        phase, last = self._phases_of(candidate)
        bought = 0 if self.prices.at_first else phase
        spans = np.fromiter(candidate.passes, np.int64)
        self.span_phase[spans] = np.minimum(self.span_phase[spans], bought)
        self.fibers[phase : last + 1, spans] += candidate.fibers * np.fromiter(candidate.passes.values(), np.int64)
        for site in candidate.sites:
            self.site_phase[site] = min(self.site_phase.get(site, NEVER), bought)
        for key, units in candidate.needs.items():
            column = self.units.setdefault(key, [0] * len(self.prices.phases))
            for later in range(phase, last + 1):
                column[later] += units

    def span_prices(self, phase: int) -> Floats:
        """Return what using each span from a phase on would add, without leases: nothing where it is built by then."""
        price = self.prices.span[phase]
        built = np.minimum(self.span_phase, len(self.prices.phases) - 1)
        later = np.take_along_axis(self.prices.span, np.maximum(built, 0)[None, :], axis=0)[0]
        saved = np.where(self.span_phase < NEVER, later, 0.0)
        return np.where(self.span_phase <= phase, 0.0, np.maximum(0.0, price - saved))

    def span_starts(self) -> Integers:
        """Return the phase in which each span is built; -1 for what stands already and NEVER for what is not needed."""
        needed = np.clip(self.span_phase, 0, len(self.prices.phases) - 1)
        starts = np.take_along_axis(self.prices.spans.start, needed[None, :], axis=0)[0]
        return np.where((self.span_phase >= 0) & (self.span_phase < NEVER), starts, self.span_phase)

    def full_spans(self, first: int, last: int, fibers: int) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Return a flag for each span that has not enough free fibers for one more pass in some phases."""
        used = self.fibers[first : last + 1].max(axis=0)
        full: np.ndarray[tuple[int], np.dtype[np.bool_]] = used + fibers > self.prices.network.spans.max_fibers
        return full

    def site_price(self, site: str, phase: int) -> float:
        """Return what using a site from a phase on would add."""
        built = self.site_phase.get(site, NEVER)
        if built <= phase:
            return 0.0
        column = self.prices.site[site]
        return max(0.0, column[phase] - (column[built] if built < NEVER else 0.0))

    def units_price(self, site: str, item: str, units: int, phase: int) -> float:
        """Return what `units` more of an item at a site would add, from a phase on."""
        if units == 0:
            return 0.0
        column = self.units.get((site, item), [0] * len(self.prices.phases))
        wanted = [used + (units if later >= phase else 0) for later, used in enumerate(column)]
        return self._units_cost(site, item, wanted) - self._units_cost(site, item, column)

    def needs_price(self, site: str, needs: tuple[EquipmentNeed, ...], lanes: int, phase: int) -> float:
        """Return what a station with these needs would add at a site, opening included; infinite without room."""
        if site in self.prices.rooms:
            wanted: Counter[str] = Counter()
            for need in needs:
                wanted[need.item] += need.units_for(lanes)
            if not self._has_room(site, wanted):
                return math.inf
        price = self.site_price(site, phase)
        for need in needs:
            price += self.units_price(site, need.item, need.units_for(lanes), phase)
        return price

    def _units_cost(self, site: str, item: str, column: list[int]) -> float:
        owned = self.past.units.get((site, item), 0)
        due = self.past.due_units.get((site, item))
        cost = 0.0
        for phase, units in enumerate(column):
            wanted = max(-(-units // self.prices.serves[item]), due[phase] if due else 0)
            if wanted > owned:
                cost += (wanted - owned) * self.prices.item[item][phase]
                owned = wanted
        return cost

    def _has_room(self, site: str, more: Mapping[str, int]) -> bool:
        """Return whether a site has room for what it has and some more needs; what is bought stays."""
        needs = Counter({item: max(column) for (at, item), column in self.units.items() if at == site})
        needs.update(more)
        units = {item: -(-count // self.prices.serves[item]) for item, count in needs.items()}
        for (at, item), owned in self.past.units.items():
            if at == site:
                units[item] = max(owned, units.get(item, 0))
        for (at, item), due in self.past.due_units.items():
            if at == site:
                units[item] = max(due[-1], units.get(item, 0))
        return all(room.holds(units) for room in self.prices.rooms[site])

    def has_room(self, *routes: Candidate) -> bool:
        """Return whether all sites have room for the equipment in the ledger, and for that of some more routes."""
        more: Counter[tuple[str, str]] = Counter()
        for route in routes:
            more.update(route.needs)
        return all(
            self._has_room(site, {item: units for (at, item), units in more.items() if at == site})
            for site in self.prices.rooms
            if not routes or any(at == site for at, _ in more)
        )

    def fits(self, *routes: Candidate) -> bool:
        """Return whether free fibers and the room of sites suffice for one or more routes of a demand."""
        if self.prices.rooms and not self.has_room(*routes):
            return False
        first, last = self._phases_of(routes[0])
        used = self.fibers[first : last + 1].max(axis=0)
        limits = self.prices.network.spans.max_fibers
        taken: Counter[int] = Counter()
        for route in routes:
            taken.update({span: times * route.fibers for span, times in route.passes.items()})
        return all(used[span] + fibers <= limits[span] for span, fibers in taken.items())

    def added_cost(self, *routes: Candidate) -> float:
        """Return the present cost that one or more routes of a demand would add to the plan together."""
        phase = self._phases_of(routes[0])[0]
        spans = sorted({span for route in routes for span in route.passes})
        needs: Counter[tuple[str, str]] = Counter()
        for route in routes:
            needs.update(route.needs)
        cost = float(self.span_prices(phase)[spans].sum())
        cost += math.fsum(map(self._lease, routes))
        cost += math.fsum(self.site_price(site, phase) for site in sorted({s for route in routes for s in route.sites}))
        return cost + math.fsum(
            self.units_price(site, item, units, phase) for (site, item), units in sorted(needs.items())
        )

    def cost(self) -> float:
        """Return the net present cost of everything in the ledger, the past not included."""
        bought = np.flatnonzero((self.span_phase >= 0) & (self.span_phase < NEVER))
        cost = math.fsum(self.prices.span[self.span_phase[span], span] for span in bought.tolist())
        cost += math.fsum(self.prices.site[site][t] for site, t in sorted(self.site_phase.items()) if t >= 0)
        cost += math.fsum(self._units_cost(site, item, column) for (site, item), column in sorted(self.units.items()))
        if self.prices.rebates.steps:
            cost -= present_rebate(self.prices.rebates, self.prices.item, self.purchases())
        return cost + math.fsum(
            self._lease(candidate) for demand_id in sorted(self.routes) for candidate in self.routes[demand_id]
        )

    def built(self) -> dict[int, int]:
        """Return the phase in which each span that must be built is built."""
        starts = self.span_starts()
        bought = np.flatnonzero((self.span_phase >= 0) & (self.span_phase < NEVER))
        return {span: int(starts[span]) for span in bought.tolist()}

    def opened(self) -> dict[str, int]:
        """Return the phase in which each site that must be opened is opened."""
        return {site: phase for site, phase in sorted(self.site_phase.items()) if phase >= 0}

    def spending(self) -> list[float]:
        """Return what counts against the budgets in every phase, in money of the price year."""
        routes = [candidate for demand_id in sorted(self.routes) for candidate in self.routes[demand_id]]
        leases = [0.0 for _ in self.prices.phases]
        for item in routes:
            first, last = self._phases_of(item)
            for phase in range(first, last + 1):
                leases[phase] += item.lease_per_year
        return self.prices.spending(self.built(), self.opened(), self.purchases(), leases)

    def purchases(self) -> dict[tuple[str, str, int], int]:
        """Return (site, item, phase) -> units that must be bought."""
        bought: dict[tuple[str, str, int], int] = {}
        for (site, item), column in sorted(self.units.items()):
            owned = self.past.units.get((site, item), 0)
            due = self.past.due_units.get((site, item), (0,) * len(column))
            least = [max(-(-units // self.prices.serves[item]), due[phase]) for phase, units in enumerate(column)]
            for phase, units in enumerate([max(least)] * len(least) if self.prices.at_first else least):
                wanted = max(owned, units)
                if wanted > owned:
                    bought[site, item, phase] = wanted - owned
                owned = wanted
        return bought

    def overspent(self) -> float:
        """Return by how much spending exceeds the budgets, added up; 0 where it is within all of them."""
        return self.prices.overspent(self.spending()) if self.prices.limits else 0.0
