"""What stations must cost at least, whatever the routes: a part of the lower bound, and a proof of impossibility.

Every route has its two ends, a middle in each link and a repeater between links, all at sites that may host them. Links
at the least loss and the least length between those sites are the best that any route can have; what they cannot reach
rules out numbers of links and lanes.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, pairwise

import numpy as np

from planner.design.graph import DesignGraph, sites_that_host
from planner.design.ledger import PriceTable
from planner.design.paths import shortest_trees
from planner.design.routes import ROUNDING, conceivable_technologies, is_too_lossy
from planner.network import Floats, Integers, Network
from planner.physics.performance import Arm, ElementaryLink, RoutePerformance, evaluate_route
from planner.physics.service import werner_of_fidelity
from planner.scenario import Demand, Scenario, Technology
from planner.scenario.spec import Role

RATE_IN_HAND = 1.02
FIDELITY_IN_HAND = 0.002
"""Allowance for dark counts, which let a lossier arm click a little more often, and for unequal clocks."""
EXACT_LINKS = 3
"""Number of links up to which whole chains are tried; beyond it the slowest link alone limits the rate."""
NO_LANES = 1_000_000
BATCH = 64
"""Number of trees that are held at a time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reach:
    """What the distance between the ends of a demand asks of its routes."""

    demand: str
    least_loss_db: float
    """Infinite where no spans join the two sites."""
    options: Mapping[str, tuple[tuple[int, int], ...]]
    """Technology -> pairs of (links, fewest lanes) that are not ruled out; technologies without any are left out."""


class Distances:
    """Least loss and least optical length of an arm between any two sites, laterals and inner joints included."""

    def __init__(self, network: Network, scenario: Scenario, graph: DesignGraph) -> None:
        """Compute both for one network."""
        sites = sorted(network.sites, key=lambda site: site.id)
        self._index = {site.id: position for position, site in enumerate(sites)}
        nodes = np.array([site.node for site in sites], dtype=np.int64)
        slack = scenario.hardware.fibers[scenario.spec.fiber].slack
        is_hop = np.array([medium == "free_space" for medium in network.spans.medium], dtype=np.bool_)
        optical_km = network.spans.length_km * np.where(is_hop, 1.0, slack)
        self.adds_noise = network.adds_noise()
        # the search graph spreads a joint over the spans that meet there; at the arm's own ends there is none
        ends_db = np.array([site.lateral_loss_db - 0.5 * network.nodes.joint_loss_db[site.node] for site in sites])
        ends_km = np.array([slack * site.lateral_km for site in sites])
        self._ends_db = ends_db
        # a middle on the way replaces a joint, if there is one at any site
        self._middle_db = float(network.nodes.joint_loss_db[nodes].max(initial=0.0))
        self.largest_credit_db = self._middle_db + 2.0 * max(0.0, -float(ends_db.min(initial=0.0)))
        """How much less than the sum over its spans a link along a walk may lose."""
        self.link_rates: dict[tuple[str, float, int, str, str], tuple[float, ElementaryLink | None]] = {}
        """What was found out about single links, by technology, fidelity, security class and both sites: pairs per
        second and link."""
        hubs = np.array(sorted(self._index[site] for site in _hubs(scenario)), dtype=np.int64)
        self._loss_db = _distances_to(graph, graph.span_loss_db, nodes, hubs, ends_db)
        self._length_km = _distances_to(graph, optical_km, nodes, hubs, ends_km)

    def loss_db(self, a: str, b: str) -> float:
        """Return the least loss between two sites, infinite where nothing joins them."""
        return float(self._loss_db[self._index[a], self._index[b]])

    def walk_loss_db(self, a: str, b: str, spans_db: float) -> float:
        """Return what a link between two sites loses at least along a walk whose spans and joints lose `spans_db`."""
        return spans_db + float(self._ends_db[self._index[a]] + self._ends_db[self._index[b]]) - self._middle_db

    def best_links(self, a: str, b: str, middles: Sequence[str]) -> list[ElementaryLink]:
        """Return links over each middle that is not worse than another, in loss and in its longer arm."""
        rows = [self._index[a], self._index[b]]
        columns = [self._index[middle] for middle in middles]
        losses_db, lengths_km = self._loss_db[rows][:, columns], self._length_km[rows][:, columns]
        longest = math.inf
        links: list[ElementaryLink] = []
        for at in np.lexsort((lengths_km.max(axis=0), losses_db.sum(axis=0))).tolist():
            if not math.isfinite(losses_db[:, at].sum()) or lengths_km[:, at].max() >= longest:
                continue
            longest = lengths_km[:, at].max()
            left, right = (Arm(length_km=float(lengths_km[i, at]), loss_db=float(losses_db[i, at])) for i in (0, 1))
            links.append(ElementaryLink(left=left, right=right))
        return links


def _hubs(scenario: Scenario) -> set[str]:
    """Return sites such that every arm and every demand ends at one of them: what may host a middle, and some ends."""
    hubs = {site.id for site in scenario.sites if {"pair_source", "heralding", "repeater"} & set(site.hosts)}
    demands = Counter(site for demand in scenario.demands for site in (demand.a, demand.b))
    for demand in scenario.demands:
        if demand.a not in hubs and demand.b not in hubs:
            hubs.add(max((demand.a, demand.b), key=lambda site: (demands[site], site)))
    return hubs


def _distances_to(graph: DesignGraph, weight: Floats, nodes: Integers, hubs: Integers, ends: Floats) -> Floats:
    """Return distances between sites (at nodes, with what their own ends add) of which one is a hub; NaN for others."""
    matrix = np.full((len(nodes), len(nodes)), np.nan)
    for first in range(0, len(hubs), BATCH):
        rows = hubs[first : first + BATCH]
        trees = shortest_trees(graph, weight, nodes[rows])[0][:, nodes] + ends[rows, None] + ends[None, :]
        matrix[rows] = np.where(nodes[rows, None] != nodes[None, :], trees, 0.0)
        matrix[:, rows] = matrix[rows].T
    return matrix


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
        inner = sites_that_host(scenario, "repeater", demand) if technology.max_links > 1 else ()
        self.stations = (*ends, *(site for site in inner if site not in ends))
        """The two ends, then the sites that may hold a repeater."""
        # Noise clicks count as pairs, but no more than the fidelity allows: each of them is right by chance only.
        is_noisy = distances.adds_noise
        self._noise_in_hand = 1.0 / werner_of_fidelity(demand.min_fidelity) if is_noisy else 1.0

    def fewest_lanes(self, links: int) -> int:
        """Return the lanes without which no chain of so many links can be; more than any limit where none suffices."""
        nothing = Arm(length_km=0.0, loss_db=0.0)
        ideal = (ElementaryLink(left=nothing, right=nothing),) * links
        if self._evaluate(ideal).fidelity + FIDELITY_IN_HAND < self._demand.min_fidelity:
            return NO_LANES
        fastest_hz = self._short_chain_hz(links) if links <= EXACT_LINKS else self._bottleneck_hz(links)
        rate_hz = RATE_IN_HAND * self._noise_in_hand * fastest_hz
        return math.ceil(self._demand.least_pair_rate_hz / rate_hz) if rate_hz > 0.0 else NO_LANES

    def _evaluate(self, links: tuple[ElementaryLink, ...]) -> RoutePerformance:
        return evaluate_route(links, self._hardware, min_fidelity=self._demand.min_fidelity, preference="rate")

    def _link(self, a: str, b: str) -> tuple[float, ElementaryLink | None]:
        """Return the fastest link between two stations, and its rate; 0 where there is none."""
        ends, known = (min(a, b), max(a, b)), self._distances.link_rates
        key = (self._technology.id, self._demand.min_fidelity, self._demand.min_security_class, *ends)
        if key not in known:
            limit_db = self._technology.max_link_loss_db
            credit_db = self._distances.largest_credit_db
            is_far = limit_db is not None and self._distances.loss_db(*ends) > limit_db * ROUNDING + credit_db
            links = [] if is_far else self._distances.best_links(*ends, self._middles)
            links = [link for link in links if not is_too_lossy(link, self._technology)]
            rates = [(self._evaluate((link,)).lane_rate_hz, link) for link in links]
            known[key] = max(rates, key=lambda entry: entry[0], default=(0.0, None))
        return known[key]

    def usable_pairs(self) -> Iterator[tuple[str, str]]:
        """Yield the ordered pairs of stations that a link could join fast enough, with all lanes side by side."""
        least_hz = self._demand.least_pair_rate_hz / (RATE_IN_HAND * self._noise_in_hand * self._technology.max_lanes)
        for tail, head in np.argwhere((self._rates_hz >= least_hz) & (self._rates_hz > 0.0)).tolist():
            yield self.stations[tail], self.stations[head]

    @cached_property
    def _rates_hz(self) -> Floats:
        """Rate of the fastest link between every two of the stations; 0 where there is none."""
        rates_hz = np.zeros((len(self.stations), len(self.stations)))
        for row, column in combinations(range(len(self.stations)), 2):
            rate_hz = self._link(self.stations[row], self.stations[column])[0]
            rates_hz[row, column] = rates_hz[column, row] = rate_hz
        return rates_hz

    def _short_chain_hz(self, links: int) -> float:
        """Return the rate of the fastest chain: a chain is never faster than its slowest link, nor than faster ones."""
        if links == 1:
            return self._link(self._demand.a, self._demand.b)[0]
        rates_hz, best = self._rates_hz, 0.0
        slowest_hz = np.minimum(rates_hz[0, 2:], rates_hz[2:, 1])
        if links > 2:
            slowest_hz = np.minimum(np.minimum(rates_hz[0, 2:, None], rates_hz[2:, 2:]), rates_hz[None, 2:, 1])
        for flat in np.argsort(-slowest_hz, axis=None, kind="stable").tolist():
            inner = [int(place) + 2 for place in np.unravel_index(flat, slowest_hz.shape)]
            if slowest_hz.flat[flat] <= best:
                break
            chain = [self._link(self.stations[i], self.stations[j])[1] for i, j in pairwise((0, *inner, 1))]
            best = max(best, self._evaluate(tuple(link for link in chain if link is not None)).lane_rate_hz)
        return best

    def _bottleneck_hz(self, links: int) -> float:
        """Return the largest rate that the slowest of so many links can have."""
        rates_hz = self._rates_hz
        reached_hz = rates_hz[0, 2:]
        for _ in range(links - 2):
            reached_hz = np.minimum(reached_hz[:, None], rates_hz[2:, 2:]).max(axis=0, initial=0.0)
        return float(np.minimum(reached_hz, rates_hz[2:, 1]).max(initial=0.0))


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
    """Return prices as present costs."""
    return Tariff(item=prices.item, site=prices.site, serves=prices.serves)


def capital_tariff(prices: PriceTable) -> Tariff:
    """Return prices as capital spending."""
    return Tariff(item=prices.item_capex, site=prices.site_capex, serves=prices.serves)


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
    phases = len(scenario.phases)
    units: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0] * phases)
    opened: dict[str, int] = {}
    for demand in demands:
        first = scenario.phase_index(demand.from_phase)
        common = _common_units(scenario, reaches[demand.id])
        for site in (demand.a, demand.b):
            opened[site] = min(opened.get(site, first), first)
            for item, count in common.items():
                for phase in range(first, phases):
                    units[site, item][phase] += count * demand.routes
    cost = math.fsum(min(tariff.site[site][: phase + 1]) for site, phase in opened.items())
    for (_, item), column in units.items():
        bought = 0
        for phase, needed in enumerate(column):
            wanted = -(-needed // tariff.serves[item])
            cost += max(0, wanted - bought) * tariff.cheapest_item(item, phase)
            bought = max(bought, wanted)
    return cost


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
                + (links - 1) * cost_of(units_of_role(technology, "repeater", lanes=lanes))
            )
    return min(costs, default=0.0)


def units_of_role(technology: Technology, role: Role, *, lanes: int) -> dict[str, int]:
    """Return the units (by item) that a station of a role needs for a route with so many lanes."""
    units: dict[str, int] = defaultdict(int)
    for need in technology.equipment.get(role, ()):
        units[need.item] += need.units_for(lanes)
    return units
