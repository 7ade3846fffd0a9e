"""The cheapest two paths for a demand that share no more risks than its routes may share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from planner.design.graph import DesignGraph
from planner.design.paths import disjoint_pair
from planner.design.redundancy import with_nodes_split, with_spans_twice
from planner.design.routes import Candidate, RouteJudge
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
        self._prepared: dict[str, tuple[DesignGraph, frozenset[str]]] = {}

    def risks(self, demand: Demand, weight: Floats) -> tuple[frozenset[str], frozenset[str]] | None:
        """Return the risks of two paths that share none but what they may, or None when none are found.

        Where span-disjoint paths still share a risk, a span with most risks (a duct along several streets) is taken
        away and the search repeated.
        """
        graph, exempt = self._prepare(demand)
        weight = np.append(weight, (0.0, UNREACHABLE))
        departure = self.graph.nodes if demand.disjoint == "node" else 0
        ends = (graph.site_node[demand.a] + departure, graph.site_node[demand.b])
        for _ in range(MAX_CONFLICTS):
            pair = disjoint_pair(graph, weight, *ends)
            if pair is None:
                return None
            risks = {s: self.judge.risks(demand).of(s) - exempt for path in pair for s in path if s < graph.spans}
            first, second = (frozenset().union(*(risks.get(span, ()) for span in path)) for path in pair)
            shared = first & second
            if not shared:
                return first, second
            risky = [span for path in pair for span in path if span in risks and not shared.isdisjoint(risks[span])]
            most = max(len(risks[span]) for span in risky)
            riskiest = [span for span in risky if len(risks[span]) == most]
            weight[[span for span in riskiest if span in pair[1]] or riskiest] = UNREACHABLE
        return None

    def _prepare(self, demand: Demand) -> tuple[DesignGraph, frozenset[str]]:
        """Return the graph in which a demand's pairs are searched, and the risks that they may share.

        Spans that both paths may use stand twice in it; nodes that both must not pass are split.
        """
        if demand.id not in self._prepared:
            exempt, shareable = self.judge.exempt_risks(demand), self.judge.shareable_spans(demand)
            graph = with_spans_twice(self.graph, shareable) if shareable else self.graph
            if demand.disjoint == "node":
                risks = self.judge.risks(demand)
                graph = with_nodes_split(graph, np.array([risks.node(v) in exempt for v in range(graph.nodes)]))
            self._prepared[demand.id] = (graph, exempt)
        return self._prepared[demand.id]


def ring_risks(judge: RouteJudge, demand: Demand, routes: Mapping[str, Sequence[Candidate]]) -> frozenset[str]:
    """Return what a link of a ring must avoid: the other members, and the risks of the links routed already."""
    if not demand.ring:
        return frozenset()
    others = [other.id for other in judge.scenario.demands if other.ring == demand.ring and other.id != demand.id]
    taken = [route.conflicts for other in others for route in routes.get(other, ())]
    return frozenset[str]().union(judge.foreign_places(demand), *taken)


def may_join(
    judge: RouteJudge, demand: Demand, added: Sequence[Candidate], routes: Mapping[str, Sequence[Candidate]]
) -> bool:
    """Return whether some routes of a demand share no risk with each other, nor with those of their ring."""
    taken = ring_risks(judge, demand, routes)
    for route in added:
        if not taken.isdisjoint(route.conflicts):
            return False
        taken |= route.conflicts
    return True


def seldom_pairs(judge: RouteJudge, candidates: Sequence[Candidate]) -> list[tuple[int, int]]:
    """Return the pairs of candidates, by position, that work too seldom together for the demand that wants two routes.

    Two routes work at least as much of the time as the better one alone, so that only those that both work too
    seldom are looked at.
    """
    found = []
    outages = judge.outages
    for demand in judge.scenario.demands:
        least = demand.min_availability
        if least is None or demand.routes != 2 or outages is None:
            continue
        own = [at for at, item in enumerate(candidates) if item.demand == demand.id]
        weak = [at for at in own if outages.service((candidates[at].route,)).availability < least]
        found += [
            (one, other)
            for one, other in combinations(weak, 2)
            if candidates[one].conflicts.isdisjoint(candidates[other].conflicts)
            and not judge.works_enough(demand, (candidates[one], candidates[other]))
        ]
    return found
