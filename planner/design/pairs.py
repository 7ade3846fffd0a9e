"""The cheapest two paths for a demand that share no more risks than its routes may share."""

from __future__ import annotations

from planner.design.graph import DesignGraph, span_risks
from planner.design.paths import disjoint_pair
from planner.design.redundancy import with_spans_twice
from planner.design.routes import RouteJudge
from planner.network import Floats
from planner.scenario import Demand

MAX_CONFLICTS = 60
"""How often a pair that shares a risk is searched again without the spans that caused it."""
UNREACHABLE = float("inf")


class PairSearch:
    """Finds disjoint pairs of paths in one network."""

    def __init__(self, graph: DesignGraph, judge: RouteJudge) -> None:
        """Search `graph`; `judge` knows what the routes of a demand may share."""
        self.graph = graph
        self.judge = judge
        self._doubled: dict[frozenset[str], DesignGraph] = {}

    def risks(self, demand: Demand, weight: Floats) -> tuple[frozenset[str], frozenset[str]] | None:
        """Return the risk groups of two paths that share none but what they must, or None when none are found.

        What both may use stands twice in the graph. Where span-disjoint paths still share a risk, the span with more
        risks (a duct along several streets) is taken away and the search repeated.
        """
        network, exempt, graph = self.judge.network, self.judge.exempt_risks(demand), self._graph(demand)
        weight = weight.copy()
        ends = (graph.site_node[demand.a], graph.site_node[demand.b])
        for _ in range(MAX_CONFLICTS):
            pair = disjoint_pair(graph, weight, *ends)
            if pair is None:
                return None
            groups = {span: frozenset(span_risks(network, span)) - exempt for path in pair for span in path}
            first, second = (frozenset().union(*(groups[span] for span in path)) for path in pair)
            shared = first & second
            if not shared:
                return first, second
            risky = [span for path in pair for span in path if not shared.isdisjoint(groups[span])]
            most = max(len(groups[span]) for span in risky)
            riskiest = [span for span in risky if len(groups[span]) == most]
            weight[riskiest[-1:] if most == 1 else riskiest] = UNREACHABLE
        return None

    def _graph(self, demand: Demand) -> DesignGraph:
        """Return the graph in which a demand's pairs are searched."""
        exempt = self.judge.exempt_risks(demand)
        if not exempt:
            return self.graph
        if exempt not in self._doubled:
            self._doubled[exempt] = with_spans_twice(self.graph, self.judge.shareable_spans(demand))
        return self._doubled[exempt]
