"""What stations must cost at least, whatever the routes: a part of the lower bound, and a proof of impossibility.

Every route has its two ends, a middle in each link and a repeater between links. A route with n links has one link with
at least 1/n of the least possible loss, and cannot be faster than that link: so a number of links can be ruled out.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from planner.catalog import LinkHardware
from planner.design.graph import DesignGraph
from planner.design.ledger import PriceTable
from planner.design.paths import shortest_trees
from planner.design.routes import allowed_technologies
from planner.physics.performance import Arm, ElementaryLink, evaluate_route
from planner.scenario import Demand, Scenario, Technology
from planner.scenario.spec import Role


@dataclass(frozen=True, kw_only=True, slots=True)
class Reach:
    """The least loss between the ends of a demand, and the fewest links each technology needs for it."""

    demand: str
    least_loss_db: float
    """Infinite where no spans join the two sites."""
    min_links: dict[str, int]
    """Technology -> number of links; technologies that cannot serve the demand are left out."""


def reach(graph: DesignGraph, scenario: Scenario, demand: Demand) -> Reach:
    """Return what the demand's distance demands of each technology that it may use."""
    ends = np.array([graph.site_node[demand.a]], dtype=np.int64)
    # joints are left out: a station may stand at any of them
    distance, _ = shortest_trees(graph, graph.span_loss_db - graph.span_joint_db, ends)
    loss_db = float(distance[0, graph.site_node[demand.b]])
    links: dict[str, int] = {}
    for technology in allowed_technologies(scenario, demand) if math.isfinite(loss_db) else ():
        hardware = scenario.link_hardware(technology)
        for count in range(1, technology.max_links + 1):
            if _is_conceivable(hardware, technology, demand, loss_db / count):
                links[technology.id] = count
                break
    return Reach(demand=demand.id, least_loss_db=loss_db, min_links=links)


def _is_conceivable(hardware: LinkHardware, technology: Technology, demand: Demand, loss_db: float) -> bool:
    """Return whether one link of this loss, in no time and with all lanes, could meet the demand.

    A symmetrical link is the best: its pairs depend on the sum of the losses, and dark counts hurt the weaker arm.
    """
    arm = Arm(length_km=0.0, loss_db=0.5 * loss_db)
    link = (ElementaryLink(left=arm, right=arm),)
    performance = evaluate_route(link, hardware, min_fidelity=demand.min_fidelity)
    fast_enough = performance.lane_rate_hz * technology.max_lanes >= demand.min_rate_hz
    return fast_enough and performance.fidelity >= demand.min_fidelity


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
    """Return the least cost of the stations, sites and equipment that the demands need."""
    return _end_cost(tariff, scenario, reaches, demands) + math.fsum(
        demand.routes * _inner_cost(tariff, scenario, reaches[demand.id], demand) for demand in demands
    )


def _end_cost(tariff: Tariff, scenario: Scenario, reaches: Mapping[str, Reach], demands: Sequence[Demand]) -> float:
    """Return the cost of opening the end sites and of the end equipment that every usable technology needs."""
    phases = len(scenario.phases)
    units: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0] * phases)
    opened: dict[str, int] = {}
    for demand in demands:
        first = scenario.phase_index(demand.from_phase)
        needs = [_units_by_item(scenario.technology(name), "end") for name in reaches[demand.id].min_links]
        common = {item: min(need.get(item, 0) for need in needs) for item in needs[0]} if needs else {}
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


def _inner_cost(tariff: Tariff, scenario: Scenario, reached: Reach, demand: Demand) -> float:
    """Return the least cost of one route's middles and repeaters; shared equipment counts by its share."""
    first = scenario.phase_index(demand.from_phase)
    costs: list[float] = []
    for name, links in reached.min_links.items():
        technology = scenario.technology(name)
        middle = _units_by_item(technology, "pair_source" if technology.pair_source else "heralding")
        repeater = _units_by_item(technology, "repeater")
        middle_cost, repeater_cost = (
            math.fsum(n / tariff.serves[item] * tariff.cheapest_item(item, first) for item, n in units.items())
            for units in (middle, repeater)
        )
        costs.append(links * middle_cost + (links - 1) * repeater_cost)
    return min(costs, default=0.0)


def _units_by_item(technology: Technology, role: Role) -> dict[str, int]:
    """Return the units that a station of a role needs for a route of one lane."""
    units: dict[str, int] = defaultdict(int)
    for need in technology.equipment.get(role, ()):
        units[need.item] += 0 if need.counted == "per_extra_lane" else need.units
    return units
