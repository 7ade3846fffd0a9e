"""Which risks every route between two sites must meet, worked out again on the network's own graph."""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from itertools import pairwise

import networkx as nx

from planner.network import Network
from planner.scenario import Demand, Scenario
from planner.scenario.demands import Disjointness
from planner.verify.spans import digging_is_forbidden


class UnavoidableRisks:
    """Answers whether losing a risk group separates two sites, in the network of all spans that may be used."""

    def __init__(self, network: Network, scenario: Scenario) -> None:
        """Keep the network; it is looked through when the first question comes."""
        self._network = network
        self._scenario = scenario
        self._known: dict[tuple[str, str, str, str], bool] = {}
        self._members: dict[str, dict[str, set[int]]] = {}

    @cached_property
    def _usable(self) -> list[int]:
        columns = self._network.spans
        return [
            span
            for span in range(len(columns))
            if columns.start[span] != columns.end[span]
            and columns.max_fibers[span] > 0
            and not (columns.medium[span] == "trench" and digging_is_forbidden(self._network, self._scenario, span))
        ]

    def _spans_of(self, level: Disjointness) -> dict[str, set[int]]:
        if level not in self._members:
            members: dict[str, set[int]] = defaultdict(set)
            for span in self._usable:
                for name in risk_names(self._network, span, level):
                    members[name].add(span)
            self._members[level] = members
        return self._members[level]

    @cached_property
    def _graph(self) -> nx.Graph[int]:
        """Nodes joined by usable spans; parallel spans make one edge together."""
        graph: nx.Graph[int] = nx.Graph()
        for span in self._usable:
            ends = self._ends(span)
            if not graph.has_edge(*ends):
                graph.add_edge(*ends, spans=set())
            graph.edges[ends]["spans"].add(span)
        return graph

    @cached_property
    def _bridges(self) -> frozenset[frozenset[int]]:
        return frozenset(frozenset(edge) for edge in nx.bridges(self._graph))  # type: ignore[call-overload]

    def _ends(self, span: int) -> tuple[int, int]:
        ends = (int(self._network.spans.start[span]), int(self._network.spans.end[span]))
        return min(ends), max(ends)

    def must_be_shared(self, demand: Demand, name: str) -> bool:
        """Return whether all routes meet this risk, or one along whose spans all of its own lie."""
        members = self._spans_of(demand.disjoint).get(name)
        if not members:
            return False
        around = {name}
        if not is_place(name):
            common = (set(risk_names(self._network, span, demand.disjoint)) for span in members)
            around |= {outer for outer in set.intersection(*common) if not is_place(outer)}
        return any(self._is_unavoidable(demand, outer) for outer in sorted(around))

    def _is_unavoidable(self, demand: Demand, name: str) -> bool:
        key = (demand.a, demand.b, demand.disjoint, name)
        if key not in self._known:
            self._known[key] = self._separates(demand, self._spans_of(demand.disjoint)[name])
        return self._known[key]

    def _separates(self, demand: Demand, lost: set[int]) -> bool:
        """Return whether the demand's sites lie apart without some spans."""
        ends = (self._network.site(demand.a).node, self._network.site(demand.b).node)
        cut = [edge for edge in map(self._ends, sorted(lost)) if self._graph.edges[edge]["spans"] <= lost]
        if not all(end in self._graph for end in ends):
            return False
        if len(set(cut)) == 1:
            # losing one edge separates the sites only if it is a bridge, and then it lies on every path
            return frozenset(cut[0]) in self._bridges_between(ends)
        kept: nx.Graph[int] = nx.restricted_view(self._graph, [], cut)
        return not nx.has_path(kept, *ends)

    def _bridges_between(self, ends: tuple[int, int]) -> set[frozenset[int]]:
        try:
            path = nx.shortest_path(self._graph, *ends)
        except nx.NetworkXNoPath:
            return set()
        return {frozenset(edge) for edge in pairwise(path)} & self._bridges


def risk_names(network: Network, span: int, level: Disjointness) -> tuple[str, ...]:
    """Return the names of the risks of a span that count at a level of disjointness; places that it meets included."""
    columns = network.spans
    groups = columns.risk_groups[span]
    alone = (columns.ids[span],)
    match level:
        case "repeater":
            return ()
        case "span":
            return alone
        case "duct":
            return (
                tuple(name for name in groups if name.partition(":")[0] in ("street", "duct", "line", "hop")) or alone
            )
    in_air = columns.medium[span] == "free_space"
    hops = [hop for hop in network.hops if hop.id == columns.ids[span]] if in_air else []
    roofs = tuple(name for hop in hops for end in (hop.a, hop.b) for name in place_names(network, end, level))
    ends = (f"node:{network.nodes.ids[int(column[span])]}" for column in (columns.start, columns.end))
    return (*(groups or alone), *roofs, *(ends if level == "node" else ()))


def own_names(network: Network, demand: Demand) -> frozenset[str]:
    """Return the names of the buildings and nodes at which all routes of a demand end."""
    nodes = [network.nodes.ids[network.site(site).node] for site in (demand.a, demand.b)]
    places = (name for end in (demand.a, demand.b) for name in place_names(network, end, demand.disjoint))
    return frozenset((*places, *(f"node:{node}" for node in nodes)))


def place_names(network: Network, site: str, level: Disjointness) -> tuple[str, ...]:
    """Return the names of the risks of a station at a site that count at a level: the site, its building, its power."""
    shared = network.site(site).risk_groups if level in ("structure", "node") else ()
    return (f"site:{site}", *shared)


def is_place(name: str) -> bool:
    """Return whether a risk is met at a node or a site, not along a span."""
    return name.partition(":")[0] in ("site", "node", "site-building", "site-power")
