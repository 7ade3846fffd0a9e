"""What counts as a common risk of two routes, by the level of disjointness that a demand asks for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from planner.design.graph import DesignGraph
from planner.network import Network
from planner.scenario import Demand, Scenario
from planner.scenario.demands import LEVELS, Disjointness

CONDUITS = ("street:", "duct:", "line:", "hop:")
"""Beginnings of the names of risks that are one dig, one conduit or one hop; all others are structures."""

PLACES = ("site:", "node:", "site-building:", "site-power:")
"""Beginnings of the names of risks that spans meet at their ends, or stations at their site."""


class Risks:
    """The risks of every span at one level; the usable spans of every risk."""

    def __init__(self, network: Network, graph: DesignGraph, level: Disjointness) -> None:
        """Collect the risks of the spans in `graph`."""
        self.level = level
        self._network = network
        self._used = np.unique(graph.arc_span).tolist()
        are_shared = level in ("structure", "node")
        self._places = {
            site.id: frozenset((site_risk(site.id), *(site.risk_groups if are_shared else ())))
            for site in network.sites
        }
        self._roofs = {hop.id: self._places[hop.a] | self._places[hop.b] for hop in network.hops}

    def of(self, span: int) -> frozenset[str]:
        """Return the risks of a span that count."""
        columns = self._network.spans
        name = columns.ids[span]
        match self.level:
            case "repeater":
                return frozenset()
            case "span":
                return frozenset((name,))
            case "duct":
                return frozenset(conduits(columns.risk_groups[span]) or (name,))
        found = {*(columns.risk_groups[span] or (name,)), *self._roofs.get(name, ())}
        if self.level == "node":
            found |= {self.node(int(columns.start[span])), self.node(int(columns.end[span]))}
        return frozenset(found)

    def of_all(self, spans: Iterable[int]) -> frozenset[str]:
        """Return the risks of some spans together."""
        return frozenset().union(*(self.of(span) for span in spans))

    def of_site(self, site: str) -> frozenset[str]:
        """Return the risks of a station at a site: the site itself, and the building and power that it shares."""
        return self._places[site]

    def node(self, node: int) -> str:
        """Return the name of a node as a risk."""
        return f"node:{self._network.nodes.ids[node]}"

    def own(self, demand: Demand) -> frozenset[str]:
        """Return the risks that a demand's own ends are: all its routes meet them at any rate."""
        nodes = {site.id: site.node for site in self._network.sites}
        ends = (demand.a, demand.b)
        return frozenset().union(*(self._places[end] | {self.node(nodes[end])} for end in ends))

    @cached_property
    def spans_of(self) -> Mapping[str, tuple[int, ...]]:
        """The usable spans of every risk."""
        members: dict[str, list[int]] = {}
        for span in self._used:
            for risk in self.of(span):
                members.setdefault(risk, []).append(span)
        return {risk: tuple(spans) for risk, spans in members.items()}

    def spans_with(self, risks: Iterable[str]) -> NDArray[np.int64]:
        """Return the usable spans that carry any of the risks, sorted."""
        return np.array(sorted({span for risk in risks for span in self.spans_of.get(risk, ())}), dtype=np.int64)


def conduits(groups: Iterable[str]) -> tuple[str, ...]:
    """Return the risk groups that count at the level `duct`."""
    return tuple(group for group in groups if group.startswith(CONDUITS))


def is_place(risk: str) -> bool:
    """Return whether a risk is a building or a node, which spans meet at their ends, not along their way."""
    return risk.startswith(PLACES)


def site_risk(site: str) -> str:
    """Return the name of a building as a risk."""
    return f"site:{site}"


def foreign_places(risks: Risks, network: Network, demand: Demand) -> frozenset[str]:
    """Return the places that the routes of a link must leave out: those of the other members of its ring.

    Losing such a place would cut that member's links and this one at once.
    """
    others = set(demand.ring_members) - {demand.a, demand.b}
    nodes = {site.id: site.node for site in network.sites}
    found = set[str]().union(*(risks.of_site(site) for site in others)) - risks.own(demand)
    return frozenset(found | ({risks.node(nodes[site]) for site in others} if demand.disjoint == "node" else set()))


def weakest_level(scenario: Scenario) -> Disjointness:
    """Return the weakest level at which demands want two ways for their lines."""
    asked = {demand.disjoint for demand in scenario.demands if demand.ways > 1} - {"repeater"}
    return next((level for level in LEVELS if level in asked), "structure")
