"""What stations must cost at least, whatever the routes: a part of the lower bound, and a proof of impossibility.

Every route has its two ends, a middle in each link and a repeater between links, all at sites that may host them. Links
at the least loss and the least length between those sites are the best that any route can have; what they cannot reach
rules out numbers of links and lanes.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, permutations

import numpy as np

from planner.design.graph import DesignGraph, sites_that_host
from planner.design.ledger import PriceTable
from planner.design.paths import shortest_trees
from planner.design.routes import conceivable_technologies, is_too_lossy
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
        hubs = np.array(sorted(self._index[site] for site in _hubs(scenario)), dtype=np.int64)
        self._loss_db = _distances_to(graph, graph.span_loss_db, nodes, hubs, ends_db)
        self._length_km = _distances_to(graph, optical_km, nodes, hubs, ends_km)

    def loss_db(self, a: str, b: str) -> float:
        """Return the least loss between two sites, infinite where nothing joins them."""
        return float(self._loss_db[self._index[a], self._index[b]])

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


def reach(distances: Distances, scenario: Scenario, demand: Demand) -> Reach:
    """Return what is not ruled out for a demand by loss, length, sites and the physics."""
    loss_db = distances.loss_db(demand.a, demand.b)
    options: dict[str, tuple[tuple[int, int], ...]] = {}
    for technology in conceivable_technologies(scenario, demand) if math.isfinite(loss_db) else ():
        best = _BestChains(distances, scenario, demand, technology)
        lanes = {links: best.fewest_lanes(links) for links in range(1, technology.max_links + 1)}
        pairs = tuple((links, count) for links, count in lanes.items() if count <= technology.max_lanes)
        if pairs:
            options[technology.id] = pairs
    return Reach(demand=demand.id, least_loss_db=loss_db, options=options)


class _BestChains:
    """The best that chains of a technology could do for a demand, with every link at its own least loss and length."""

    def __init__(self, distances: Distances, scenario: Scenario, demand: Demand, technology: Technology) -> None:
        self._distances = distances
        self._demand = demand
        self._technology = technology
        self._hardware = scenario.link_hardware(technology)
        self._middles = sites_that_host(scenario, "pair_source" if technology.pair_source else "heralding")
        ends = (demand.a, demand.b)
        inner = sites_that_host(scenario, "repeater") if technology.max_links > 1 else ()
        self._repeaters = [site for site in inner if site not in ends]
        # Noise clicks count as pairs, but no more than the fidelity allows: each of them is right by chance only.
        is_noisy = distances.adds_noise
        self._noise_in_hand = 1.0 / werner_of_fidelity(demand.min_fidelity) if is_noisy else 1.0
        self._links: dict[tuple[str, str], tuple[float, ElementaryLink | None]] = {}

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
        key = (min(a, b), max(a, b))
        if key not in self._links:
            links = self._distances.best_links(*key, self._middles)
            links = [link for link in links if not is_too_lossy(link, self._technology)]
            rates = [(self._evaluate((link,)).lane_rate_hz, link) for link in links]
            self._links[key] = max(rates, key=lambda entry: entry[0], default=(0.0, None))
        return self._links[key]

    def _short_chain_hz(self, links: int) -> float:
        """Return the rate of the fastest chain: a chain is never faster than one whose links are all faster."""
        a, b = self._demand.a, self._demand.b
        best = 0.0
        for inner in permutations(self._repeaters, links - 1):
            chain = [self._link(*pair) for pair in pairwise((a, *inner, b))]
            found = tuple(link for _, link in chain if link is not None)
            if len(found) == links and min(rate for rate, _ in chain) > best:
                best = max(best, self._evaluate(found).lane_rate_hz)
        return best

    def _bottleneck_hz(self, links: int) -> float:
        """Return the largest rate that the slowest of so many links can have."""
        stations = [self._demand.a, *self._repeaters]
        reached = {self._demand.a: math.inf}
        for step in range(links):
            goals = [self._demand.b] if step + 1 == links else self._repeaters
            reached = {
                goal: max(
                    (min(reached[s], self._link(s, goal)[0]) for s in stations if s in reached and s != goal),
                    default=0.0,
                )
                for goal in goals
            }
        return reached[self._demand.b]


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
    needs = [_units(scenario.technology(name), "end", lanes=1) for name in reached.options]
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
        middle_role: Role = "pair_source" if technology.pair_source else "heralding"
        for links, lanes in options:
            end = _units(technology, "end", lanes=lanes)
            extra = {item: count - common.get(item, 0) for item, count in end.items()}
            costs.append(
                2 * cost_of(extra)
                + links * cost_of(_units(technology, middle_role, lanes=lanes))
                + (links - 1) * cost_of(_units(technology, "repeater", lanes=lanes))
            )
    return min(costs, default=0.0)


def _units(technology: Technology, role: Role, *, lanes: int) -> dict[str, int]:
    """Return the units that a station of a role needs for a route."""
    units: dict[str, int] = defaultdict(int)
    for need in technology.equipment.get(role, ()):
        units[need.item] += need.units_for(lanes)
    return units
