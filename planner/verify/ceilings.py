"""What physics lets the network of a plan carry for each demand, whatever devices stand in it: maximum flow."""

from __future__ import annotations

from collections.abc import Iterator

import networkx as nx

from planner.verdict import Ceiling
from planner.verify.facts import Facts
from planner.verify.findings import Finding, at_most
from planner.verify.routes import RouteFacts

_MOST_HZ = 1e18
"""Stands for a channel without loss, which physics does not limit."""


def network_ceiling_holds(facts: Facts) -> Iterator[Finding]:
    """Yield whether the ebits of all routes of a service stay below what the whole network of its phase could carry."""
    for ceiling in network_ceilings(facts):
        subject = f"{ceiling.demand} in {ceiling.phase}, all routes"
        yield at_most(subject, ceiling.ceiling_hz, ceiling.ebit_rate_hz, unit="Hz")


def network_ceilings(facts: Facts) -> tuple[Ceiling, ...]:
    """Return for every service the ebits per second of its routes, and the most that any use of the network could give.

    The network of a phase are the arms of all its routes, each as often as it has lanes, between the sites of their
    stations. An arm carries at most its bound by loss (PLOB) times its modes per second, with perfect devices and
    memories at every station; the ceiling is the maximum flow over all of them, as if this demand were alone. Services
    with a route that could not be recomputed are left out. Source: Pirandola, Commun. Phys. 2, 51 (2019).
    """
    found = []
    for number, phase in enumerate(facts.scenario.phases):
        routes = facts.routes_in(number)
        graph = _arms(routes)
        of_service: dict[str, list[RouteFacts]] = {}
        for route in routes:
            of_service.setdefault(route.service.demand, []).append(route)
        for demand, own in sorted(of_service.items()):
            rates_hz = [
                route.performance.ebit_rate_hz * route.route.lanes for route in own if route.performance is not None
            ]
            if len(rates_hz) == len(own):
                flow_hz = nx.maximum_flow_value(graph, own[0].demand.a, own[0].demand.b)
                found.append(
                    Ceiling(
                        demand=demand, phase=phase.id, ebit_rate_hz=sum(rates_hz), ceiling_hz=min(flow_hz, _MOST_HZ)
                    )
                )
    return tuple(found)


def _arms(routes: tuple[RouteFacts, ...]) -> nx.Graph[str]:
    """Return the sites of stations, joined by arms with what they can carry; arms within one site limit nothing."""
    graph: nx.Graph[str] = nx.Graph()
    for route in routes:
        if route.performance is None:
            continue
        sites = [station.site for station in route.route.stations]
        graph.add_nodes_from(sites)
        for one, other, arm_hz in zip(sites, sites[1:], route.performance.arm_ceiling_hz, strict=False):
            capacity_hz = min(arm_hz * route.route.lanes, _MOST_HZ)
            if graph.has_edge(one, other):
                graph.edges[one, other]["capacity"] += capacity_hz
            elif one != other:
                graph.add_edge(one, other, capacity=capacity_hz)
    return graph
