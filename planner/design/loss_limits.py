"""How lossy the routes of a demand may be at most: what its rate and fidelity leave, whatever the route."""

from __future__ import annotations

import math

from planner.design.distances import Distances
from planner.design.stations import BestChains, Reach
from planner.network import Network, NetworkSite
from planner.physics.performance import Arm, ElementaryLink
from planner.scenario import Demand, Scenario, Technology

SPLITS = (0.5, 0.4, 0.3, 0.2, 0.1, 0.0)
"""Parts of a link's loss in its better arm that are tried; formulas are smooth between them."""
MAX_LINK_LOSS_DB = 200.0
LOSS_IN_HAND_DB = 0.1
"""Allowance for splits that are not tried, and for the precision of the search."""


def max_walk_loss_db(
    network: Network, scenario: Scenario, distances: Distances, demand: Demand, reached: Reach
) -> float:
    """Return a loss in dB that no way between a demand's ends can exceed; 0 where there is no route.

    Of the spans on the way, each with half of the joints at its two nodes. Links are as short as the distance between
    the ends allows, lanes as many as the technology has, and the loss is split between the arms as is best.
    """
    ends = [network.site(site) for site in (demand.a, demand.b)]
    joints = network.nodes.joint_loss_db
    # a route loses its laterals besides, but not the joints at its stations
    outside_db = sum(
        (site.lateral_loss_db if _is_alone(network, site) else 0.0) - 0.5 * joints[site.node] for site in ends
    )
    inside_db = max((joints[site.node] - 2.0 * site.lateral_loss_db for site in network.sites), default=0.0)
    most = 0.0
    for name, options in reached.options.items():
        technology = scenario.technology(name)
        best = BestChains(distances, scenario, demand, technology)
        for links, _ in options:
            least_km = distances.walk_km(demand.a, demand.b) if links == 1 else 0.0
            limit_db = _max_link_loss_db(best, technology, links=links, length_km=least_km)
            most = max(most, links * limit_db + (2 * links - 1) * max(0.0, inside_db))
    return max(0.0, most - float(outside_db))


def _is_alone(network: Network, site: NetworkSite) -> bool:
    """Return whether no other site stands at a site's node: then every route passes its lateral."""
    return all(other.id == site.id or other.node != site.node for other in network.sites)


def _max_link_loss_db(best: BestChains, technology: Technology, *, links: int, length_km: float) -> float:
    """Return the largest loss of one link of a chain whose other links lose nothing."""
    nothing = Arm(length_km=0.0, loss_db=0.0)
    # with trusted nodes each link is set for itself at best
    others = () if technology.trusted_nodes else (ElementaryLink(left=nothing, right=nothing),) * (links - 1)

    def is_enough(loss_db: float) -> bool:
        for split in SPLITS:
            left, right = (Arm(length_km=0.5 * length_km, loss_db=part * loss_db) for part in (split, 1.0 - split))
            ways = (ElementaryLink(left=left, right=right), ElementaryLink(left=right, right=left))
            if any(best.is_enough((link, *others)) for link in ways):
                return True
        return False

    low, high = 0.0, MAX_LINK_LOSS_DB
    while high - low > 0.5 * LOSS_IN_HAND_DB:
        middle = 0.5 * (low + high)
        low, high = (middle, high) if is_enough(middle) else (low, middle)
    explicit = math.inf if technology.max_link_loss_db is None else technology.max_link_loss_db
    return min(low + LOSS_IN_HAND_DB, explicit + LOSS_IN_HAND_DB)
