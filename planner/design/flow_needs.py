"""Which demands get flows of their own in the bound: where routes pay leases, fibers are few, or a limit binds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from planner.design.demand_flows import DemandFlow
from planner.design.graph import DesignGraph
from planner.design.ledger import NEVER
from planner.design.loss_limits import max_walk_loss_db
from planner.design.paths import disjoint_pair, shortest_trees
from planner.design.redundancy import ChainLink
from planner.design.stations import Reaches
from planner.design.stretches import conceivable_technologies
from planner.network import Integers, Network
from planner.scenario import Demand, Scenario

NEAR = 2.0
"""Loss limit, as a multiple of what a demand's routes lose on the cheapest lines, from which it is left out."""
MAX_FLOWS = 60
"""Demands beyond which flows of their own would take too long."""


def demand_flows(
    network: Network,
    scenario: Scenario,
    graph: DesignGraph,
    *,
    reaches: Reaches,
    needs: Mapping[str, Sequence[ChainLink]],
    lines: Integers | None,
) -> list[DemandFlow]:
    """Return the flows worth having, between nodes of the network; none where nothing of the kind can matter.

    `reaches` holds what is known of each target of a demand, `needs` the pairs of nodes between which it needs ways;
    `lines` is the cheapest network of lines found: the phase in which each span is first there.
    """
    flows: list[DemandFlow] = []
    binds = False
    for demand in scenario.demands:
        technologies = conceivable_technologies(scenario, demand)
        if not needs[demand.id] or not technologies:
            continue
        limits_db = [
            (part.routes, max_walk_loss_db(network, scenario, reaches.distances, part, reaches.by_demand[part.id]))
            for part in demand.by_target()
        ]
        limit_db = max(limit for _, limit in limits_db)
        apart = list(needs[demand.id]) == [(*_ends(graph, demand), demand.routes)]
        units = demand.routes if apart else 1
        lost_db = math.inf if lines is None else _loss_on_lines_db(graph, demand, lines, units)
        binds |= lost_db > limit_db
        near = limit_db < NEAR * lost_db
        source, target = _ends(graph, demand)
        flows.append(
            DemandFlow(
                source=source,
                target=target,
                phase=scenario.phase_index(demand.from_phase),
                units=units,
                weight=demand.routes / units,
                fibers=min(item.fibers_per_route for item in technologies),
                max_loss_db=units / demand.routes * sum(n * limit for n, limit in limits_db) if near else math.inf,
                reach_db=limit_db,
            )
        )
    if len(flows) > MAX_FLOWS:
        return []
    if binds or _leases_or_scarcity(network, graph, most_fibers(flows)):
        return flows
    return []


def most_fibers(flows: Sequence[DemandFlow]) -> int:
    """Return the fibers that all routes take together where they all meet, each with as few as it can."""
    return math.ceil(sum(flow.units * flow.weight * flow.fibers for flow in flows))


def _leases_or_scarcity(network: Network, graph: DesignGraph, fibers: int) -> bool:
    used = np.unique(graph.arc_span)
    leased = network.spans.lease_per_fiber_year[used] > 0.0
    is_found = np.array([medium != "trench" for medium in network.spans.medium], dtype=np.bool_)[used]
    return bool((leased | (is_found & (network.spans.max_fibers[used] < fibers))).any())


def _ends(graph: DesignGraph, demand: Demand) -> tuple[int, int]:
    return graph.site_node[demand.a], graph.site_node[demand.b]


def _loss_on_lines_db(graph: DesignGraph, demand: Demand, lines: Integers, units: int) -> float:
    """Return the loss of the lossier of a demand's ways on some lines; infinite where there are none."""
    weight = np.where(lines < NEVER, graph.span_loss_db, np.inf)
    source, target = _ends(graph, demand)
    if units == 1:
        return float(shortest_trees(graph, weight, np.array([source], dtype=np.int64))[0][0, target])
    pair = disjoint_pair(graph, weight, source, target)
    return math.inf if pair is None else max(float(graph.span_loss_db[path].sum()) for path in pair)
