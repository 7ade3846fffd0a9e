"""Which risks every route between two sites must meet, worked out again on the network's own graph."""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from itertools import pairwise

import networkx as nx

from planner.network import Network
from planner.scenario import Demand, Scenario
from planner.verify.spans import digging_is_forbidden


class UnavoidableRisks:
    """Answers whether losing a risk group separates two sites, in the network of all spans that may be used."""

    def __init__(self, network: Network, scenario: Scenario) -> None:
        """Keep the network; it is looked through when the first question comes."""
        self._network = network
        self._scenario = scenario
        self._known: dict[tuple[str, str, str], bool] = {}

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

    @cached_property
    def _spans_of(self) -> dict[str, set[int]]:
        members: dict[str, set[int]] = defaultdict(set)
        for span in self._usable:
            for name in span_risk_names(self._network, span):
                members[name].add(span)
        return members

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
        """Return whether all routes meet this risk group, or one of which it is a part."""
        members = self._spans_of.get(name)
        if not members:
            return False
        around = set.intersection(*(set(span_risk_names(self._network, span)) for span in members))
        return any(self._is_unavoidable(demand, outer) for outer in sorted(around))

    def _is_unavoidable(self, demand: Demand, name: str) -> bool:
        key = (demand.a, demand.b, name)
        if key not in self._known:
            self._known[key] = self._separates(demand, self._spans_of[name])
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


def span_risk_names(network: Network, span: int) -> tuple[str, ...]:
    """Return the risk groups of a span, or its id where it has none."""
    return network.spans.risk_groups[span] or (network.spans.ids[span],)
