"""The station graph: which pairs of stations a link of a demand's route may join, and along which walks.

Nodes are the demand's two ends and the sites that may hold a repeater. Where a technology limits the loss of a link and
the network is sparse, every simple walk within the limit is listed, so that routes which must share no line can be told
apart; elsewhere a pair of stations stands for all walks between them, and some are kept as examples.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from planner.design.distances import Distances
from planner.design.graph import DesignGraph, sites_that_host
from planner.design.paths import shortest_trees, walk_to
from planner.design.routes import ROUNDING, RouteJudge
from planner.design.stations import BestChains
from planner.scenario import Demand, Scenario, Technology

MAX_WALKS = 4_000
"""Walks of a technology that are listed at most; where there are more, none is."""
VARIANTS = 8
"""How often walks are searched where not all are listed."""
VARIATION = 3.0
"""By how much the loss of a span is raised at most, as a multiple of it, to find other walks."""
MAX_STEPS = 200_000
"""Spans that the listing walks over before it gives up."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StationLink:
    """A link that a route may have, in the direction from the demand's first site to its second."""

    tail: str
    head: str
    walk: tuple[int, ...] | None
    """Spans in order, None where they are not known. Without risks, the link stands for every walk of its stations."""
    risks: frozenset[str] = frozenset()
    """Risks along the walk that the demand's other routes, if it has any, must not share."""

    @property
    def stations(self) -> tuple[str, str]:
        """Return both stations, in order."""
        return self.tail, self.head


@dataclass(frozen=True, kw_only=True, slots=True)
class Walks:
    """Simple walks from one station to another, within the limit of loss: all, or the least lossy and others."""

    by_pair: Mapping[tuple[str, str], tuple[tuple[int, ...], ...]]
    is_complete: bool


def list_walks(scenario: Scenario, graph: DesignGraph, distances: Distances, technology: Technology) -> Walks | None:
    """Return the walks that a link of a technology may take, or None where it states no limit of loss.

    All are listed where some demand wants routes that share no line, and where there are at most `MAX_WALKS` of them.
    """
    if technology.max_link_loss_db is None or technology.max_links < 2:
        return None
    ends = {site for demand in scenario.demands for site in (demand.a, demand.b)}
    stations: dict[int, list[str]] = defaultdict(list)
    for site in sorted({*sites_that_host(scenario, technology.inner_role), *ends}):
        stations[graph.site_node[site]].append(site)
    asked_db = technology.max_link_loss_db + distances.largest_credit_db
    is_apart = any(demand.routes > 1 and demand.disjoint != "repeater" for demand in scenario.demands)
    ways = _all_walks(graph, sorted(stations), asked_db) if is_apart else None
    found: dict[tuple[str, str], list[tuple[int, ...]]] = defaultdict(list)
    for start, end, loss_db, walk in _varied_walks(graph, sorted(stations), asked_db) if ways is None else ways:
        for tail, head in product(stations[start], stations.get(end, ())):
            limit_db = technology.max_link_loss_db * ROUNDING
            if tail != head and (not walk or distances.walk_loss_db(tail, head, loss_db) <= limit_db):
                found[tail, head].append(walk)
    by_pair = {pair: tuple(sorted(set(walks))) for pair, walks in sorted(found.items())}
    return Walks(by_pair=by_pair, is_complete=ways is not None)


_Way = tuple[int, int, float, tuple[int, ...]]
"""Two nodes, and the loss and the spans of a walk from the first to the second."""


def _all_walks(graph: DesignGraph, nodes: Sequence[int], most_db: float) -> list[_Way] | None:
    """Return every simple walk between some nodes that loses at most so much, or None where these are too many."""
    among, found, steps = set(nodes), list[_Way](), 0
    for node in nodes:
        for end, loss_db, walk in _walks_from(graph, node, most_db):
            steps += 1
            if end in among:
                found.append((node, end, loss_db, walk))
            if len(found) > MAX_WALKS or steps > MAX_STEPS:
                return None
    return found


def _varied_walks(graph: DesignGraph, nodes: Sequence[int], most_db: float) -> Iterator[_Way]:
    """Yield the least lossy walk between every two nodes, then others, found with random factors on the losses."""
    random = np.random.default_rng(0)
    for variant in range(VARIANTS):
        factors = 1.0 + VARIATION * random.random(graph.spans) if variant else np.ones(graph.spans)
        for node in nodes:
            source = np.array([node], dtype=np.int64)
            distance, parents = shortest_trees(graph, graph.span_loss_db * factors, source)
            for end in nodes:
                walk = tuple(walk_to(graph, parents[0], end)) if np.isfinite(distance[0, end]) else ()
                loss_db = _loss_db(graph, walk)
                if (walk or end == node) and loss_db <= most_db * ROUNDING:
                    yield node, end, loss_db, walk


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


Pair = tuple[str, str]
"""Two stations that a link may join, in the direction from the demand's first site to its second."""


def station_links(
    judge: RouteJudge, pairs: Sequence[Pair], demand: Demand, walks: Walks | None, *, is_free: bool
) -> tuple[StationLink, ...]:
    """Return the links between pairs of stations; where they are free, each stands for all walks and meets no risk.

    Of several walks, one is left out if another loses no more and meets no risk that it does not meet.
    """
    links: list[StationLink] = []
    for tail, head in pairs:
        kept: list[StationLink] = []
        known = () if walks is None else walks.by_pair.get((tail, head), ())
        for walk in sorted(known, key=lambda walk: (_loss_db(judge.graph, walk), walk)):
            risks = frozenset[str]() if is_free else judge.risks_met(demand, walk)
            if not any(other.risks <= risks for other in kept):
                kept.append(StationLink(tail=tail, head=head, walk=walk, risks=risks))
        links += [StationLink(tail=tail, head=head, walk=None)] if walks is None else kept
    return tuple(links)


def some_links(links: Sequence[StationLink], most: int) -> tuple[StationLink, ...]:
    """Return the first few links, so many at most, of every pair of stations."""
    seen: Counter[Pair] = Counter()
    kept = []
    for link in links:
        seen[link.tail, link.head] += 1
        if seen[link.tail, link.head] <= most:
            kept.append(link)
    return tuple(kept)


def fewest_links(pairs: Sequence[Pair], demand: Demand) -> int:
    """Return the fewest links of a chain from end to end, or one more than there are pairs."""
    return _steps_from(demand.a, pairs, len(pairs)).get(demand.b, len(pairs) + 1)


def without_detours(pairs: Sequence[Pair], demand: Demand) -> list[Pair]:
    """Return the pairs without those whose far station the near end reaches at once: they save nothing.

    This holds where any link between two stations will do, and fewer links too.
    """
    reached = {head for tail, head in pairs if tail == demand.a and head != demand.b}
    reaching = {tail for tail, head in pairs if head == demand.b and tail != demand.a}
    return [
        (tail, head)
        for tail, head in pairs
        if (tail == demand.a or head not in reached) and (head == demand.b or tail not in reaching)
    ]


def _loss_db(graph: DesignGraph, walk: tuple[int, ...]) -> float:
    return math.fsum(float(graph.span_loss_db[span]) for span in walk)


def links_that_meet(judge: RouteJudge, demand: Demand, links: Sequence[StationLink]) -> Mapping[str, tuple[int, ...]]:
    """Return the numbers of the links that meet each risk which the cheapest routes meet in a row, if at all.

    These are the risks at one place, where every walk within the limit of loss is a link, and fewer links will do. Say
    a route passes a node in two links, with others between them: of the two stations next to these passes on the inner
    side, keep the one nearer to the node, and join it to the outer station of the other pass. The new link is no longer
    than the old one; the route has fewer links and no new risk. Where a risk has spans without a common node, each of
    them counts for itself.
    """
    risks = judge.risks(demand)
    users: dict[str, list[int]] = defaultdict(list)
    for number, link in enumerate(links):
        names = {name for risk in link.risks for name in _places_of(judge, risks.spans_of[risk], risk, link)}
        for name in names:
            users[name].append(number)
    return {name: tuple(numbers) for name, numbers in sorted(users.items()) if len(numbers) > 1}


def is_every_walk_fast(best: BestChains, demand: Demand, walks: Walks) -> bool:
    """Return whether all walks are listed, and all pairs of stations that they join are usable."""
    usable, known = set(best.usable_pairs()), set(best.stations)
    return walks.is_complete and all(
        (tail, head) in usable
        for tail, head in walks.by_pair
        if tail in known and head in known and tail != demand.b and head != demand.a
    )


def _places_of(judge: RouteJudge, spans: tuple[int, ...], risk: str, link: StationLink) -> Iterator[str]:
    """Yield the risk, if its spans share a node, and else the spans of it that a link walks."""
    columns = judge.network.spans
    ends = ({int(columns.start[span]), int(columns.end[span])} for span in spans)
    if set.intersection(*ends):
        yield risk
    else:
        yield from (f"span:{span}" for span in link.walk or () if span in spans)


def useful_pairs(pairs: Iterable[Pair], demand: Demand, most_links: int) -> list[Pair]:
    """Return the pairs that lie on a chain from end to end with few enough links, sorted."""
    pairs = [(tail, head) for tail, head in pairs if tail != demand.b and head != demand.a]
    reached = _steps_from(demand.a, pairs, most_links)
    left = _steps_from(demand.b, [(head, tail) for tail, head in pairs], most_links)
    return sorted(
        (tail, head)
        for tail, head in pairs
        if reached.get(tail, most_links) + 1 + left.get(head, most_links) <= most_links
    )


def _steps_from(start: str, pairs: Iterable[Pair], most: int) -> dict[str, int]:
    """Return the fewest links from a station to the others, for those within `most`."""
    heads: dict[str, list[str]] = defaultdict(list)
    for tail, head in pairs:
        heads[tail].append(head)
    steps, front = {start: 0}, [start]
    for step in range(1, most + 1):
        front = sorted({head for tail in front for head in heads[tail] if head not in steps})
        steps |= dict.fromkeys(front, step)
    return steps
