"""Demands turned into the flows of the orientation program: as few and as short as its strength allows.

A network for demands of one or two routes has an orientation (Nash-Williams 1960) where sites joined by two-route
demands reach each other both ways, and one group of them (or one site) reaches every other site. By max-flow min-cut,
flows around a circle of the sites of each group, and one flow from some site of the root group to every other site or
group, are as strong as flows between all of those pairs. A site outside the root group need not reach any other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import networkx as nx
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Demand = tuple[int, int, int, int]
"""Source, target, number of edge-disjoint routes (1 or 2), first phase."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Commodities:
    """Unit flows in the layers of an orientation program; a layer is one part of the demands in force at a time."""

    phases: Integers
    """First phase of each layer, rising."""
    first: Integers
    """First commodity of each layer, and the number of commodities at the end."""
    sources: Integers
    targets: Integers

    @property
    def layers(self) -> int:
        """Return the number of layers."""
        return len(self.phases)


def build_commodities(demands: Iterable[Demand], distances: Callable[[int], Floats]) -> Commodities:
    """Return the flows for some demands; `distances(site)` gives the cheapest price from a site to every node.

    Each phase has one layer for every connected part of its demand graph that an earlier phase did not have just so:
    two parts may use a street in opposite directions. Parts of one phase are layers of equal price.
    """
    demands = tuple(demands)
    phases: list[int] = []
    first = [0]
    pairs: list[tuple[int, int]] = []
    seen: set[tuple[tuple[int, ...], ...]] = set()
    known: dict[int, Floats] = {}

    def distance(a: int, b: int) -> float:
        low, high = min(a, b), max(a, b)
        if low not in known:
            known[low] = distances(low)
        return float(known[low][high])

    for phase in sorted({demand[3] for demand in demands}):
        active = [demand for demand in demands if demand[3] <= phase]
        for part, groups in _parts(active):
            asked = (tuple(part), *map(tuple, groups))
            if asked in seen:
                continue
            seen.add(asked)
            pairs.extend(_part_pairs(part, groups, distance))
            phases.append(phase)
            first.append(len(pairs))
    ends = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return Commodities(
        phases=np.array(phases, dtype=np.int64),
        first=np.array(first, dtype=np.int64),
        sources=ends[:, 0].copy(),
        targets=ends[:, 1].copy(),
    )


def _parts(demands: list[Demand]) -> list[tuple[list[int], list[list[int]]]]:
    """Return the connected parts of the demand graph, each with its groups of sites that two-route demands join."""
    graph = nx.Graph((source, target) for source, target, _, _ in demands)
    pairs = nx.Graph((source, target) for source, target, routes, _ in demands if routes == 2)
    parts = sorted(sorted(part) for part in nx.connected_components(graph))
    groups = sorted(sorted(group) for group in nx.connected_components(pairs))
    return [(part, [group for group in groups if group[0] in set(part)]) for part in parts]


def _part_pairs(
    part: list[int], groups: list[list[int]], distance: Callable[[int, int], float]
) -> list[tuple[int, int]]:
    """Return pairs (from, to): a circle through each group, and the shortest link to each other one from the root's."""
    circles = [_circle(group, distance) for group in groups]
    pairs = [pair for circle in circles for pair in zip(circle, circle[1:] + circle[:1], strict=True)]
    if groups:
        roots = max(groups, key=len)
    else:
        roots = [min(part, key=lambda root: (sum(distance(root, site) for site in part), root))]
    grouped = {site for group in groups for site in group}
    others = [group for group in groups if group != roots] + [[site] for site in part if site not in grouped]
    for other in others:
        if other != roots:
            _, source, target = min((distance(a, b), a, b) for a in roots for b in other)
            pairs.append((source, target))
    return pairs


def _circle(group: list[int], distance: Callable[[int, int], float]) -> list[int]:
    """Return a short round trip through some sites: nearest neighbour, then better exchanges of two links."""
    circle, waiting = [group[0]], group[1:]
    while waiting:
        last = circle[-1]
        waiting.sort(key=lambda site: (distance(last, site), site))
        circle.append(waiting.pop(0))
    improved = True
    while improved:
        improved = False
        for i in range(len(circle) - 1):
            for j in range(i + 2, len(circle) if i else len(circle) - 1):
                a, b, c, d = circle[i], circle[i + 1], circle[j], circle[(j + 1) % len(circle)]
                gain = distance(a, b) + distance(c, d) - distance(a, c) - distance(b, d)
                if gain > 1e-9 * (distance(a, b) + distance(c, d)):
                    circle[i + 1 : j + 1] = reversed(circle[i + 1 : j + 1])
                    improved = True
    return circle
