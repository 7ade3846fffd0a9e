"""What stations must cost at least, whatever the routes: a part of the lower bound, and a proof of impossibility.

Every route has its two ends, a middle in each link and a repeater between links, all at sites that may host them. Links
at the least loss and the least length between those sites are the best that any route can have; what they cannot reach
rules out numbers of links and lanes.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import combinations, pairwise

import numpy as np

from planner.catalog import LinkHardware
from planner.design.distances import Distances, FastestLink
from planner.design.graph import DesignGraph, sites_that_host
from planner.design.ledger import PriceTable
from planner.design.routes import ROUNDING, is_too_lossy
from planner.design.stretches import conceivable_technologies
from planner.network import Floats, Network
from planner.physics.arm import dark_probability
from planner.physics.fiber import transmittance
from planner.physics.performance import Arm, ElementaryLink, RoutePerformance, evaluate_route, has_choices
from planner.physics.service import werner_of_fidelity
from planner.scenario import Demand, Scenario, Technology
from planner.scenario.spec import Role

RATE_IN_HAND = 1.02
FIDELITY_IN_HAND = 0.002
"""Allowance for dark counts, which let a lossier arm click a little more often, and for unequal clocks."""
LITTLE_NOISE = 0.1
"""Noise clicks per detector and window up to which links are the faster the more noise and the less loss they have."""
EXACT_LINKS = 3
"""Number of links up to which whole chains are tried; beyond it the slowest link alone limits the rate."""
NO_LANES = 1_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Reach:
    """What the distance between the ends of a demand asks of its routes."""

    demand: str
    least_loss_db: float
    """Infinite where no spans join the two sites."""
    options: Mapping[str, tuple[tuple[int, int], ...]]
    """Technology -> pairs of (links, fewest lanes) that are not ruled out; technologies without any are left out."""


class Reaches:
    """What the distances ask of the routes of every demand, found out once."""

    def __init__(self, network: Network, scenario: Scenario, graph: DesignGraph) -> None:
        """Compute everything for one network."""
        self.distances = Distances(network, scenario, graph)
        parts = [part for demand in scenario.demands for part in demand.by_target()]
        self.by_demand: Mapping[str, Reach] = {part.id: reach(self.distances, scenario, part) for part in parts}
        """Demand, or part of one with a target of its own -> its reach."""


def reach(distances: Distances, scenario: Scenario, demand: Demand) -> Reach:
    """Return what is not ruled out for a demand by loss, length, sites and the physics."""
    loss_db = distances.loss_db(demand.a, demand.b)
    options: dict[str, tuple[tuple[int, int], ...]] = {}
    for technology in conceivable_technologies(scenario, demand) if math.isfinite(loss_db) else ():
        best = BestChains(distances, scenario, demand, technology)
        lanes = {links: best.fewest_lanes(links) for links in range(1, technology.max_links + 1)}
        pairs = tuple((links, count) for links, count in lanes.items() if count <= technology.max_lanes)
        if pairs:
            options[technology.id] = pairs
    return Reach(demand=demand.id, least_loss_db=loss_db, options=options)


class BestChains:
    """The best that chains of a technology could do for a demand, with every link at its own least loss and length."""

    def __init__(self, distances: Distances, scenario: Scenario, demand: Demand, technology: Technology) -> None:
        self._distances = distances
        self._demand = demand
        self._technology = technology
        self._hardware = scenario.link_hardware(technology)
        self._middles = sites_that_host(scenario, technology.middle_role, demand)
        ends = (demand.a, demand.b)
        inner = sites_that_host(scenario, technology.inner_role, demand) if technology.max_links > 1 else ()
        self.stations = (*ends, *(site for site in inner if site not in ends))
        """The two ends, then the sites that may hold a repeater."""
        end = self._hardware.termination
        seen = self._hardware.filter_nm * transmittance(end.connector_loss_db + end.device_loss_db)
        self._noise_hz = distances.noise_hz_per_nm * seen

    def fewest_lanes(self, links: int) -> int:
        """Return the lanes without which no chain of so many links can be; more than any limit where none suffices."""
        nothing = Arm(length_km=0.0, loss_db=0.0)
        ideal = (ElementaryLink(left=nothing, right=nothing),) * links
        if self._evaluate(ideal).fidelity + FIDELITY_IN_HAND < self._demand.min_fidelity:
            return NO_LANES
        rate_hz = self.fastest_hz(links)
        return math.ceil(self._demand.least_pair_rate_hz / rate_hz) if rate_hz > 0.0 else NO_LANES

    def fastest_hz(self, links: int) -> float:
        """Return pairs per second that one lane of no chain of so many links exceeds at the fidelity asked."""
        # sources on both sides of a trusted node are set alike: each link alone, at its best, may be faster
        tried_whole = 1 if self._technology.trusted_nodes else EXACT_LINKS
        return RATE_IN_HAND * (self._short_chain_hz(links) if links <= tried_whole else self._bottleneck_hz(links))

    def is_enough(self, links: tuple[ElementaryLink, ...]) -> bool:
        """Return whether links no better than these might meet the targets with all lanes, whatever the noise."""
        noise_hz = self._noise_hz
        noisy = [
            ElementaryLink(left=replace(link.left, noise_hz=noise_hz), right=replace(link.right, noise_hz=noise_hz))
            for link in links
        ]
        rate_hz = RATE_IN_HAND * self._technology.max_lanes * self._limit_hz(links, noisy)
        if rate_hz <= 0.0 or rate_hz < self._demand.least_pair_rate_hz:
            return False
        return self._evaluate(links).fidelity + FIDELITY_IN_HAND >= self._demand.min_fidelity

    def _evaluate(self, links: tuple[ElementaryLink, ...]) -> RoutePerformance:
        return _fastest_performance(links, self._hardware, self._demand.min_fidelity)

    def _limit_hz(self, quiet: Sequence[ElementaryLink], noisy: Sequence[ElementaryLink]) -> float:
        """Return a rate that no links exceed, given the fastest without noise and the fastest with all noise.

        Noise clicks count as pairs that are right by chance only. Of what is announced, a share of true pairs remains
        that lowers w as much as it raises the rate, and w must not fall below that of the demand: the rate grows by
        (w of the links without noise) / (w asked) at most. What is chosen may change with the noise; then the links
        count as perfect. Where little noise can come, links that have all of it are another limit.
        """
        found = self._evaluate(tuple(quiet))
        if not self._noise_hz:
            return found.lane_rate_hz
        memory, asked = self._hardware.memory, werner_of_fidelity(self._demand.min_fidelity)
        if memory is None or has_choices(self._hardware) or self._hardware.link_model == "absorptive":
            return found.lane_rate_hz / asked
        made = math.prod(werner_of_fidelity(fidelity) for fidelity in found.link_fidelity)
        made *= werner_of_fidelity(memory.swap_fidelity) ** (len(quiet) - 1)
        capped_hz = found.lane_rate_hz * max(1.0, made / asked)
        if dark_probability(2.0 * self._noise_hz, self._hardware, memory) > LITTLE_NOISE:
            return capped_hz
        return min(capped_hz, max(found.lane_rate_hz, self._evaluate(tuple(noisy)).lane_rate_hz))

    def _link(self, a: str, b: str) -> FastestLink:
        """Return the fastest link between two stations."""
        ends, known = (min(a, b), max(a, b)), self._distances.link_rates
        key = (self._technology.id, self._demand.min_fidelity, self._demand.min_security_class, *ends)
        if key not in known:
            known[key] = self._fastest(*ends)
        return known[key]

    def _fastest(self, a: str, b: str) -> FastestLink:
        limit_db, credit_db = self._technology.max_link_loss_db, self._distances.largest_credit_db
        if limit_db is not None and self._distances.loss_db(a, b) > limit_db * ROUNDING + credit_db:
            return FastestLink()
        quiet = self._fastest_of(self._distances.best_links(a, b, self._middles))
        if quiet is None:
            return FastestLink()
        others = self._distances.noisy_links(a, b, self._middles, self._noise_hz) if self._noise_hz else []
        noisy = self._fastest_of([quiet, *others]) or quiet
        return FastestLink(limit_hz=self._limit_hz([quiet], [noisy]), quiet=quiet, noisy=noisy)

    def _fastest_of(self, links: Sequence[ElementaryLink]) -> ElementaryLink | None:
        usable = [link for link in links if not is_too_lossy(link, self._technology)]
        return max(usable, key=lambda link: self._evaluate((link,)).lane_rate_hz, default=None)

    def usable_pairs(self) -> Iterator[tuple[str, str]]:
        """Yield the ordered pairs of stations that a link could join fast enough, with all lanes side by side."""
        least_hz = self._demand.least_pair_rate_hz / (RATE_IN_HAND * self._technology.max_lanes)
        for tail, head in np.argwhere((self._rates_hz >= least_hz) & (self._rates_hz > 0.0)).tolist():
            yield self.stations[tail], self.stations[head]

    @cached_property
    def _rates_hz(self) -> Floats:
        """Rate of the fastest link between every two of the stations; 0 where there is none."""
        rates_hz = np.zeros((len(self.stations), len(self.stations)))
        for row, column in combinations(range(len(self.stations)), 2):
            rate_hz = self._link(self.stations[row], self.stations[column]).limit_hz
            rates_hz[row, column] = rates_hz[column, row] = rate_hz
        return rates_hz

    def _short_chain_hz(self, links: int) -> float:
        """Return the rate of the fastest chain: a chain is never faster than its slowest link, nor than faster ones."""
        if links == 1:
            return self._link(self._demand.a, self._demand.b).limit_hz
        rates_hz, best = self._rates_hz, 0.0
        slowest_hz = np.minimum(rates_hz[0, 2:], rates_hz[2:, 1])
        if links > 2:
            slowest_hz = np.minimum(np.minimum(rates_hz[0, 2:, None], rates_hz[2:, 2:]), rates_hz[None, 2:, 1])
        for flat in np.argsort(-slowest_hz, axis=None, kind="stable").tolist():
            inner = [int(place) + 2 for place in np.unravel_index(flat, slowest_hz.shape)]
            if slowest_hz.flat[flat] <= best:
                break
            chain = [self._link(self.stations[i], self.stations[j]) for i, j in pairwise((0, *inner, 1))]
            quiet, noisy = [link.quiet for link in chain if link.quiet], [link.noisy for link in chain if link.noisy]
            best = max(best, self._limit_hz(quiet, noisy))
        return best

    def _bottleneck_hz(self, links: int) -> float:
        """Return the largest rate that the slowest of so many links can have."""
        rates_hz = self._rates_hz
        reached_hz = rates_hz[0, 2:]
        for _ in range(links - 2):
            reached_hz = np.minimum(reached_hz[:, None], rates_hz[2:, 2:]).max(axis=0, initial=0.0)
        return float(np.minimum(reached_hz, rates_hz[2:, 1]).max(initial=0.0))


@lru_cache(maxsize=10_000)
def _fastest_performance(
    links: tuple[ElementaryLink, ...], hardware: LinkHardware, min_fidelity: float
) -> RoutePerformance:
    """Return what links deliver, set for most pairs; demands share links, and ask the same again and again."""
    return evaluate_route(links, hardware, min_fidelity=min_fidelity, preference="rate")


@dataclass(frozen=True, kw_only=True, slots=True)
class Tariff:
    """Prices by phase of purchase, in one kind of money: present cost, or capital."""

    item: Mapping[str, Sequence[float]]
    site: Mapping[str, Sequence[float]]
    serves: Mapping[str, int]

    def cheapest_item(self, name: str, phase: int) -> float:
        """Return the lowest price of an item that must be bought by a phase."""
        return min(self.item[name][: phase + 1])


def present_tariff(prices: PriceTable) -> Tariff:
    """Return prices as present costs, of units at the lowest step of their price."""
    return Tariff(item=_least(prices, prices.item), site=prices.site, serves=prices.serves)


def capital_tariff(prices: PriceTable) -> Tariff:
    """Return prices as capital spending, of units at the lowest step of their price."""
    return Tariff(item=_least(prices, prices.item_capex), site=prices.site_capex, serves=prices.serves)


def _least(prices: PriceTable, by_phase: Mapping[str, Sequence[float]]) -> Mapping[str, Sequence[float]]:
    if not prices.rebates.steps:
        return by_phase
    return {name: [prices.rebates.least_share(name) * price for price in column] for name, column in by_phase.items()}


def first_units_premium(
    prices: PriceTable, scenario: Scenario, reaches: Mapping[str, Reach], demands: Sequence[Demand]
) -> float:
    """Return what the first units cost at least beyond the lowest steps of their prices: the ends need so many."""
    units: Counter[str] = Counter()
    for (_, item), column in _end_units(scenario, reaches, demands).items():
        units[item] += -(-column[-1] // prices.serves[item])
    rebates = prices.rebates
    return math.fsum(rebates.premium(item, units[item]) * min(prices.item[item]) for item in rebates.steps)


def station_cost(tariff: Tariff, scenario: Scenario, reaches: Mapping[str, Reach], demands: Sequence[Demand]) -> float:
    """Return the least cost of the stations, sites and equipment that the demands need.

    The ends buy whole units; what else is needed counts by its share of a unit, and not at all where the ends' whole
    units may have room for it.
    """
    needed = {item for demand in demands for item in _common_units(scenario, reaches[demand.id])}
    roomy = {item for item in needed if tariff.serves[item] > 1}
    return _end_cost(tariff, scenario, reaches, demands) + math.fsum(
        demand.routes * _inner_cost(tariff, scenario, reaches[demand.id], demand, roomy) for demand in demands
    )


def _end_cost(tariff: Tariff, scenario: Scenario, reaches: Mapping[str, Reach], demands: Sequence[Demand]) -> float:
    """Return the cost of opening the end sites and of the end equipment that every usable technology needs."""
    opened: dict[str, int] = {}
    for demand in demands:
        first = scenario.phase_index(demand.from_phase)
        for site in (demand.a, demand.b):
            opened[site] = min(opened.get(site, first), first)
    units = _end_units(scenario, reaches, demands)
    cost = math.fsum(min(tariff.site[site][: phase + 1]) for site, phase in opened.items())
    for (_, item), column in units.items():
        bought = 0
        for phase, needed in enumerate(column):
            wanted = -(-needed // tariff.serves[item])
            cost += max(0, wanted - bought) * tariff.cheapest_item(item, phase)
            bought = max(bought, wanted)
    return cost


def _end_units(
    scenario: Scenario, reaches: Mapping[str, Reach], demands: Sequence[Demand]
) -> Mapping[tuple[str, str], list[int]]:
    """Return (site, item) -> units of need in every phase that the ends have whatever the technologies."""
    phases = len(scenario.phases)
    units: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0] * phases)
    for demand in demands:
        common = _common_units(scenario, reaches[demand.id])
        for site in (demand.a, demand.b):
            for item, count in common.items():
                for phase in range(scenario.phase_index(demand.from_phase), phases):
                    units[site, item][phase] += count * demand.routes
    return units


def _common_units(scenario: Scenario, reached: Reach) -> dict[str, int]:
    """Return the units at one end that a route needs whatever its technology, with one lane."""
    needs = [units_of_role(scenario.technology(name), "end", lanes=1) for name in reached.options]
    return {item: min(need.get(item, 0) for need in needs) for item in needs[0]} if needs else {}


def _inner_cost(tariff: Tariff, scenario: Scenario, reached: Reach, demand: Demand, roomy: set[str]) -> float:
    """Return the least cost of what one route needs besides `_end_cost`: middles, repeaters, and more at its ends."""
    first = scenario.phase_index(demand.from_phase)
    common = _common_units(scenario, reached)

    def cost_of(units: Mapping[str, int]) -> float:
        return math.fsum(
            count / tariff.serves[item] * tariff.cheapest_item(item, first)
            for item, count in units.items()
            if item not in roomy
        )

    costs: list[float] = []
    for name, options in reached.options.items():
        technology = scenario.technology(name)
        for links, lanes in options:
            end = units_of_role(technology, "end", lanes=lanes)
            extra = {item: count - common.get(item, 0) for item, count in end.items()}
            costs.append(
                2 * cost_of(extra)
                + links * cost_of(units_of_role(technology, technology.middle_role, lanes=lanes))
                + (links - 1) * cost_of(units_of_role(technology, technology.inner_role, lanes=lanes))
            )
    return min(costs, default=0.0)


def units_of_role(technology: Technology, role: Role, *, lanes: int) -> dict[str, int]:
    """Return the units (by item) that a station of a role needs for a route with so many lanes."""
    units: dict[str, int] = defaultdict(int)
    for need in technology.equipment.get(role, ()):
        units[need.item] += need.units_for(lanes)
    return units
