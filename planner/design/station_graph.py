"""The station graph: which pairs of stations a link of a demand's route may join, and along which walks.

Nodes are the demand's two ends and the sites that may hold a repeater. Where a technology limits the loss of a link and
the network is sparse, every simple walk within the limit is listed, so that routes which must share no span can be told
apart; elsewhere a pair of stations stands for all walks between them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from planner.design.distances import Distances
from planner.design.graph import DesignGraph, sites_that_host
from planner.design.routes import ROUNDING, RouteJudge
from planner.design.stations import BestChains
from planner.scenario import Demand, Scenario, Technology

MAX_WALKS = 4_000
"""Walks of a technology that are listed at most; where there are more, none is."""
MAX_STEPS = 200_000
"""Spans that the listing walks over before it gives up."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StationLink:
    """A link that a route may have, in the direction from the demand's first site to its second."""

    tail: str
    head: str
    walk: tuple[int, ...] | None
    """Spans in order; None where the link stands for every walk between its stations."""
    risks: frozenset[str]
    """Risks along the walk that the demand's other route must not share."""


Walks = Mapping[tuple[str, str], tuple[tuple[int, ...], ...]]
"""All simple walks from one station to another, within the limit of loss."""


def list_walks(scenario: Scenario, graph: DesignGraph, distances: Distances, technology: Technology) -> Walks | None:
    """Return every simple walk that a link of a technology may take, or None where they are not listed.

    They are listed when the technology states a limit of loss and there are at most `MAX_WALKS` of them.
    """
    if technology.max_link_loss_db is None or technology.max_links < 2:
        return None
    ends = {site for demand in scenario.demands for site in (demand.a, demand.b)}
    stations: dict[int, list[str]] = defaultdict(list)
    for site in sorted({*sites_that_host(scenario, technology.inner_role), *ends}):
        stations[graph.site_node[site]].append(site)
    found: dict[tuple[str, str], list[tuple[int, ...]]] = defaultdict(list)
    steps = walks = 0
    for node, tails in sorted(stations.items()):
        for end, loss_db, walk in _walks_from(graph, node, technology.max_link_loss_db + distances.largest_credit_db):
            steps += 1
            for tail in tails:
                for head in stations.get(end, ()):
                    limit_db = technology.max_link_loss_db * ROUNDING
                    if tail != head and (not walk or distances.walk_loss_db(tail, head, loss_db) <= limit_db):
                        found[tail, head].append(walk)
                        walks += 1
            if walks > MAX_WALKS or steps > MAX_STEPS:
                return None
    return {pair: tuple(sorted(entries)) for pair, entries in sorted(found.items())}


def _walks_from(graph: DesignGraph, start: int, most_db: float) -> Iterator[tuple[int, float, tuple[int, ...]]]:
    """Yield end, loss and spans of every simple walk from a node that loses at most so much, the empty one first."""
    stack: list[tuple[int, float, tuple[int, ...], frozenset[int]]] = [(start, 0.0, (), frozenset((start,)))]
    while stack:
        node, loss_db, walk, seen = stack.pop()
        yield node, loss_db, walk
        for arc in range(int(graph.first_arc[node]), int(graph.first_arc[node + 1])):
            head, span = int(graph.head[arc]), int(graph.arc_span[arc])
            further_db = loss_db + float(graph.span_loss_db[span])
            if head not in seen and further_db <= most_db * ROUNDING:
                stack.append((head, further_db, (*walk, span), seen | {head}))


def station_links(
    judge: RouteJudge, best: BestChains, demand: Demand, walks: Walks | None, *, most_links: int
) -> tuple[StationLink, ...]:
    """Return the links that chains of at most so many links between the ends of a demand may have."""
    pairs = _useful_pairs(best.usable_pairs(), demand, most_links)
    return tuple(
        StationLink(tail=tail, head=head, walk=walk, risks=judge.risks_met(demand, walk or ()))
        for tail, head in sorted(pairs)
        for walk in ((None,) if walks is None else walks.get((tail, head), ()))
    )


def _useful_pairs(pairs: Iterable[tuple[str, str]], demand: Demand, most_links: int) -> Iterator[tuple[str, str]]:
    """Yield the pairs that lie on a chain from end to end with few enough links."""
    pairs = [(tail, head) for tail, head in pairs if tail != demand.b and head != demand.a]
    reached = _steps_from(demand.a, pairs, most_links)
    left = _steps_from(demand.b, [(head, tail) for tail, head in pairs], most_links)
    for tail, head in pairs:
        if reached.get(tail, most_links) + 1 + left.get(head, most_links) <= most_links:
            yield tail, head


def _steps_from(start: str, pairs: Iterable[tuple[str, str]], most: int) -> dict[str, int]:
    """Return the fewest links from a station to the others, for those within `most`."""
    heads: dict[str, list[str]] = defaultdict(list)
    for tail, head in pairs:
        heads[tail].append(head)
    steps, front = {start: 0}, [start]
    for step in range(1, most + 1):
        front = sorted({head for tail in front for head in heads[tail] if head not in steps})
        steps |= dict.fromkeys(front, step)
    return steps
