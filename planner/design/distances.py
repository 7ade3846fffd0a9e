"""Least loss and least length of an arm between any two sites, and the most noise that can join it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from planner.design.arms import ArmReader, Noise
from planner.design.graph import DesignGraph
from planner.design.paths import shortest_trees
from planner.network import Floats, Integers, Network
from planner.physics.performance import Arm, ElementaryLink
from planner.scenario import Scenario

BATCH = 64
"""Number of trees that are held at a time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FastestLink:
    """The fastest link between two stations, and one that no link with noise beats."""

    limit_hz: float = 0.0
    """Pairs per second that no link exceeds; 0 where there is none."""
    quiet: ElementaryLink | None = None
    noisy: ElementaryLink | None = None


class Distances:
    """Least loss and least optical length of an arm between any two sites, laterals and inner joints included."""

    def __init__(self, network: Network, scenario: Scenario, graph: DesignGraph) -> None:
        """Compute both for one network."""
        sites = sorted(network.sites, key=lambda site: site.id)
        self._index = {site.id: position for position, site in enumerate(sites)}
        nodes = np.array([site.node for site in sites], dtype=np.int64)
        slack = scenario.hardware.fibers[scenario.spec.fiber].slack
        is_hop = np.array([medium == "free_space" for medium in network.spans.medium], dtype=np.bool_)
        optical_km = network.spans.length_km * np.where(is_hop, 1.0, slack)
        # the search graph spreads a joint over the spans that meet there; at the arm's own ends there is none
        ends_db = np.array([site.lateral_loss_db - 0.5 * network.nodes.joint_loss_db[site.node] for site in sites])
        self._ends_km = np.array([slack * site.lateral_km for site in sites])
        self._ends_db = ends_db
        # a middle on the way replaces a joint, if there is one at any site
        self._middle_db = float(network.nodes.joint_loss_db[nodes].max(initial=0.0))
        self.largest_credit_db = self._middle_db + 2.0 * max(0.0, -float(ends_db.min(initial=0.0)))
        """How much less than the sum over its spans a link along a walk may lose."""
        hubs = np.array(sorted(self._index[site] for site in _hubs(scenario)), dtype=np.int64)
        self._loss_db = _distances_to(graph, graph.span_loss_db, nodes, hubs, ends_db)
        self._length_km = _distances_to(graph, optical_km, nodes, hubs, self._ends_km)
        noise = ArmReader(network, scenario).noise
        receivers = sorted({*hubs.tolist(), *(self._index[site] for site in _ends(scenario))})
        self.noise_hz_per_nm = _most_noise(network, graph, noise, nodes[receivers], ends_db[receivers])
        """Noise in photons per second and nm that reaches the end of any arm at most; 0 where no span adds any."""
        self.link_rates: dict[tuple[str, float, int, str, str], FastestLink] = {}
        """What was found out about single links, by technology, fidelity, security class and both sites."""
        self._noisy_loss_db = self._loss_db
        if self.noise_hz_per_nm > 0.0:
            layered = _past_some(graph, np.array(sorted(noise), dtype=np.int64))
            far = nodes + graph.nodes
            self._noisy_loss_db = _distances_to(layered, graph.span_loss_db, nodes, hubs, ends_db, targets=far)

    def loss_db(self, a: str, b: str) -> float:
        """Return the least loss between two sites, infinite where nothing joins them."""
        return float(self._loss_db[self._index[a], self._index[b]])

    def walk_km(self, a: str, b: str) -> float:
        """Return the least optical length between the nodes of two sites, laterals not included."""
        at, to = self._index[a], self._index[b]
        return max(0.0, float(self._length_km[at, to] - self._ends_km[at] - self._ends_km[to]))

    def walk_loss_db(self, a: str, b: str, spans_db: float) -> float:
        """Return what a link between two sites loses at least along a walk whose spans and joints lose `spans_db`."""
        return spans_db + float(self._ends_db[self._index[a]] + self._ends_db[self._index[b]]) - self._middle_db

    def best_links(self, a: str, b: str, middles: Sequence[str]) -> list[ElementaryLink]:
        """Return the links without noise over each middle that none beats in both loss and longer arm."""
        return list(self._links(a, b, middles, (self._loss_db, self._loss_db)))

    def noisy_links(self, a: str, b: str, middles: Sequence[str], noise_hz: float) -> list[ElementaryLink]:
        """Return the best links of which one arm or both pass spans that add noise, each with this noise at its end."""
        found: list[ElementaryLink] = []
        for is_left, is_right in ((True, False), (False, True), (True, True)):
            losses_db = tuple(self._noisy_loss_db if noisy else self._loss_db for noisy in (is_left, is_right))
            for link in self._links(a, b, middles, (losses_db[0], losses_db[1])):
                left = replace(link.left, noise_hz=noise_hz * is_left)
                found.append(ElementaryLink(left=left, right=replace(link.right, noise_hz=noise_hz * is_right)))
        return found

    def _links(
        self, a: str, b: str, middles: Sequence[str], matrices_db: tuple[Floats, Floats]
    ) -> Iterator[ElementaryLink]:
        """Yield the links that are best in loss and in their longer arm, by the least losses of either arm."""
        rows = [self._index[a], self._index[b]]
        columns = [self._index[middle] for middle in middles]
        losses_db = np.stack([matrix[row, columns] for matrix, row in zip(matrices_db, rows, strict=True)])
        lengths_km = self._length_km[rows][:, columns]
        longest = math.inf
        for at in np.lexsort((lengths_km.max(axis=0), losses_db.sum(axis=0))).tolist():
            if not math.isfinite(losses_db[:, at].sum()) or lengths_km[:, at].max() >= longest:
                continue
            longest = lengths_km[:, at].max()
            left, right = (Arm(length_km=float(lengths_km[i, at]), loss_db=float(losses_db[i, at])) for i in (0, 1))
            yield ElementaryLink(left=left, right=right)


def _ends(scenario: Scenario) -> set[str]:
    return {site for demand in scenario.demands for site in (demand.a, demand.b)}


def _hubs(scenario: Scenario) -> set[str]:
    """Return sites such that every arm and every demand ends at one of them: what may host a middle, and some ends."""
    hubs = {site.id for site in scenario.sites if set(site.hosts) - {"end"}}
    demands = Counter(site for demand in scenario.demands for site in (demand.a, demand.b))
    for demand in scenario.demands:
        if demand.a not in hubs and demand.b not in hubs:
            hubs.add(max((demand.a, demand.b), key=lambda site: (demands[site], site)))
    return hubs


def _distances_to(
    graph: DesignGraph,
    weight: Floats,
    nodes: Integers,
    hubs: Integers,
    ends: Floats,
    *,
    targets: Integers | None = None,
) -> Floats:
    """Return distances between sites (at nodes, with what their own ends add) of which one is a hub; NaN for others.

    With `targets`, ways lead from a site's node to another's target, and none is empty.
    """
    matrix = np.full((len(nodes), len(nodes)), np.nan)
    for first in range(0, len(hubs), BATCH):
        rows = hubs[first : first + BATCH]
        reached = nodes if targets is None else targets
        trees = shortest_trees(graph, weight, nodes[rows])[0][:, reached] + ends[rows, None] + ends[None, :]
        if targets is None:
            trees = np.where(nodes[rows, None] != nodes[None, :], trees, 0.0)
        matrix[rows] = trees
        matrix[:, rows] = matrix[rows].T
    return matrix


def _past_some(graph: DesignGraph, spans: Integers) -> DesignGraph:
    """Return the graph twice, the second time for walks that have passed one of some spans: these lead over there."""
    crosses = np.isin(graph.arc_span, spans)
    beyond = graph.head + graph.nodes
    return replace(
        graph,
        nodes=2 * graph.nodes,
        first_arc=np.concatenate((graph.first_arc, graph.first_arc[1:] + len(graph.head))),
        head=np.concatenate((np.where(crosses, beyond, graph.head), beyond)),
        arc_span=np.tile(graph.arc_span, 2),
        arc_reverse=np.concatenate((graph.arc_reverse, graph.arc_reverse + len(graph.head))),
    )


def _most_noise(
    network: Network, graph: DesignGraph, noise: Mapping[int, Noise], nodes: Integers, ends_db: Floats
) -> float:
    """Return the most noise per second and nm that arrives at one of some sites: from all noisy spans at once.

    What leaves a span at one of its ends loses at least what the best way from there to the site does.
    """
    spans = np.array(sorted(set(noise) & set(graph.arc_span.tolist())), dtype=np.int64)
    if not len(spans):
        return 0.0
    leaving = np.array([noise[span] for span in spans.tolist()])
    ends = np.stack((network.spans.start[spans], network.spans.end[spans]), axis=1)
    most = 0.0
    for first in range(0, len(nodes), BATCH):
        chosen = slice(first, first + BATCH)
        trees = shortest_trees(graph, graph.span_loss_db, nodes[chosen])[0]
        lost_db = np.maximum(0.0, trees[:, ends] + ends_db[chosen, None, None])
        most = max(most, float((leaving * 10.0 ** (-lost_db / 10.0)).max(axis=2).sum(axis=1).max()))
    return most
