"""The orientation relaxation as arrays for the kernels, and its Lagrangian with an account of rounding."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.design.blocks import incidence
from planner.design.commodities import Commodities, Demand, build_commodities
from planner.design.lagrangian import Adjacency, distances_from, edge_pressures, route_potentials
from planner.design.pdhg import LANES, REAL, Iterate, Streets

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

SPREAD = 0.3
"""Detour, as a share of the way, over which a commodity's share in an edge falls to 1/e at the start."""
BALANCE_PER_LENGTH = 3.0
"""Balance at the start over mean length of the commodities: multipliers add up along routes, flows stay below one."""
FULL_USE = 0.98
"""Usage from which an edge may be worth more than its price to the flows that share it."""
ROUNDING = float(np.finfo(np.float64).eps)
"""Twice the largest relative error of one operation."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Relaxation:
    """An orientation program; prices are divided by a power of two near their median, which is exact."""

    prices: Floats
    """(phases, edges)."""
    layer_prices: Floats
    """(layers, edges): price of having an edge from a layer on, built in the cheapest phase until then."""
    scale: float
    adjacency: Adjacency
    commodities: Commodities
    lanes: Integers
    """Column of each commodity in the arrays of the method."""
    streets: Streets
    demand: NDArray[np.float32]
    """(sites, lanes): -1 where a commodity starts, 1 where it ends."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Evaluation:
    """The Lagrangian at some multipliers, in scaled prices."""

    value: float
    """A safe lower bound: what rounding could have added is taken off."""
    starts: Floats
    """(phases, edges): what beginning to use an edge in a phase adds to the Lagrangian."""
    errors: Floats
    """(edges,): the most by which rounding can have changed `starts`."""


def build_relaxation(
    nodes: int,
    start: Integers,
    end: Integers,
    prices: Floats,
    demands: Iterable[Demand],
    commodities: Commodities | None = None,
) -> Relaxation:
    """Return the program of some demands, with given commodities or the shortest that serve them.

    Self-loops must not be among the edges; `prices` is (phases, edges).
    """
    positive = prices[prices > 0.0]
    scale = 2.0 ** round(math.log2(float(np.median(positive)))) if len(positive) else 1.0
    scaled = prices / scale
    adjacency = _adjacency(nodes, start, end)
    if commodities is None:
        lengths = np.repeat(scaled.min(axis=0)[:, None, None], 2, axis=1)
        commodities = build_commodities(
            demands, lambda site: np.asarray(distances_from(adjacency, lengths, 0, site, -1))
        )
    sizes = np.diff(commodities.first)
    first = np.concatenate((np.zeros(1, np.int64), np.cumsum(-(-sizes // LANES) * LANES)))
    lanes = np.arange(commodities.first[-1]) + np.repeat(first[:-1] - commodities.first[:-1], sizes)
    sites, demand = _demand(commodities, lanes, int(first[-1]))
    layer_prices = np.minimum.accumulate(scaled, axis=0)[commodities.phases]
    return Relaxation(
        prices=scaled,
        layer_prices=layer_prices,
        scale=scale,
        adjacency=adjacency,
        commodities=commodities,
        lanes=lanes,
        streets=_streets(adjacency, start, end, layer_prices, first=first, lanes=lanes, sizes=sizes, sites=sites),
        demand=demand,
    )


def _adjacency(nodes: int, start: Integers, end: Integers) -> Adjacency:
    offsets, edges = incidence(nodes, start, end)
    owners = np.repeat(np.arange(nodes), np.diff(offsets))
    leaves = start[edges] == owners
    return Adjacency(
        offsets=offsets,
        incident=np.where(leaves, edges + 1, -edges - 1),
        heads=np.where(leaves, end[edges], start[edges]),
    )


def _demand(commodities: Commodities, lanes: Integers, count: int) -> tuple[Integers, NDArray[np.float32]]:
    sites = np.unique(np.concatenate((commodities.sources, commodities.targets)))
    demand = np.zeros((len(sites), count), REAL)
    demand[np.searchsorted(sites, commodities.sources), lanes] -= 1.0
    demand[np.searchsorted(sites, commodities.targets), lanes] += 1.0
    return sites, demand


def _streets(
    adjacency: Adjacency,
    start: Integers,
    end: Integers,
    layer_prices: Floats,
    *,
    first: Integers,
    lanes: Integers,
    sizes: Integers,
    sites: Integers,
) -> Streets:
    nodes = len(adjacency.offsets) - 1
    degree = np.diff(adjacency.offsets)
    # Each site sums one more row, that of its demand, below those of the edges.
    owners = np.concatenate((np.repeat(np.arange(nodes), degree), sites))
    rows = np.concatenate((adjacency.incident, len(start) + 1 + np.arange(len(sites))))
    offsets = np.concatenate((np.zeros(1, np.int64), np.cumsum(np.bincount(owners, minlength=nodes))))
    active = np.zeros(first[-1], REAL)
    active[lanes] = 1.0
    steps = layer_prices - np.concatenate((layer_prices[1:], np.zeros((1, len(start)))))
    return Streets(
        start=start,
        end=end,
        offsets=offsets,
        incident=rows[np.argsort(owners, kind="stable")],
        degree=np.maximum(2 * degree, 1).astype(REAL),
        prices=np.ascontiguousarray(steps.T, dtype=REAL),
        first=first.astype(np.uint64),
        weights=sizes.astype(REAL),
        active=active,
    )


def first_point(relaxation: Relaxation) -> tuple[Iterate, float]:
    """Return a point to start from, and a balance of dual to primal steps: multipliers and potentials, but no flow.

    The price of an edge is shared among the commodities of a layer, most to those for which it is on the way.
    Potentials are distances to the target at these multipliers.
    """
    streets, commodities, lanes = relaxation.streets, relaxation.commodities, relaxation.lanes
    (edges, layers), nodes, columns = streets.prices.shape, len(streets.degree), len(streets.active)
    shapes = ((edges, columns),) * 4 + ((edges, layers, 2), (nodes, columns))
    point = Iterate(*(np.zeros(shape, REAL) for shape in shapes))
    if not len(lanes):
        return point, 1.0
    detours, lengths = _detours(relaxation)
    for way, link in enumerate((point.link_ahead, point.link_back)):
        for layer in range(layers):
            own = slice(commodities.first[layer], commodities.first[layer + 1])
            pull = -detours[way, own] / (SPREAD * lengths[own, None])
            shares = np.exp(pull - pull.max(axis=0))
            link[:, lanes[own]] = (streets.prices[:, layer] * shares / shares.sum(axis=0)).T
    against = np.stack((point.link_back[:, lanes], point.link_ahead[:, lanes]), axis=1)
    for commodity, (source, target) in enumerate(zip(commodities.sources, commodities.targets, strict=True)):
        distance = distances_from(relaxation.adjacency, against, commodity, target, -1)
        point.height[:, lanes[commodity]] = np.minimum(distance, distance[source])
    return point, BALANCE_PER_LENGTH * float(lengths.mean())


def _detours(relaxation: Relaxation) -> tuple[Floats, Floats]:
    """Return how much longer the best route over each edge is (2, commodities, edges), and the length of the best."""
    streets, commodities = relaxation.streets, relaxation.commodities
    prices = relaxation.prices.min(axis=0)
    both_ways = np.repeat(prices[:, None, None], 2, axis=1)
    sites, places = np.unique(np.concatenate((commodities.sources, commodities.targets)), return_inverse=True)
    trees = np.array([distances_from(relaxation.adjacency, both_ways, 0, site, -1) for site in sites])
    from_source, to_target = np.split(trees[places], 2)
    lengths = from_source[np.arange(len(from_source)), commodities.targets]
    floor = 1e-3 * lengths.max() or 1.0
    far = 1e6 * max(floor, lengths.max())
    ends = ((streets.start, streets.end), (streets.end, streets.start))
    detours = [np.minimum(from_source[:, u] + prices + to_target[:, v], far) - lengths[:, None] for u, v in ends]
    return np.array(detours), np.maximum(lengths, floor)


def evaluate(relaxation: Relaxation, potentials: Floats) -> Evaluation:
    """Return the Lagrangian at the least multipliers that potentials (nodes, commodities) allow: their rises.

    Each commodity's route is at least as long as the potential of its target is above that of its source. To this comes
    for each edge, if it is negative, the least price of having it from some phase on less the multipliers it relieves.
    """
    commodities, streets = relaxation.commodities, relaxation.streets
    each = np.arange(len(commodities.sources))
    lengths = potentials[commodities.targets, each] - potentials[commodities.sources, each]
    pressures = np.asarray(edge_pressures(streets.start, streets.end, potentials, commodities.first))
    return lagrangian(relaxation, lengths, pressures)


def lagrangian(relaxation: Relaxation, lengths: Floats, pressures: Floats, doubts: Floats | None = None) -> Evaluation:
    """Return the Lagrangian of routes of some lengths, and of edges relieved by (layers, edges) multipliers.

    `doubts` is by how much rounding can have changed each edge's multipliers before they came here.
    """
    layers, edges = pressures.shape
    relief = np.concatenate((np.cumsum(pressures[::-1], axis=0)[::-1], np.zeros((1, edges))))
    starts = (
        relaxation.prices - relief[np.searchsorted(relaxation.commodities.phases, np.arange(len(relaxation.prices)))]
    )
    terms = np.minimum(0.0, starts.min(axis=0))
    operations = len(relaxation.commodities.sources) + layers + 4
    errors = ROUNDING * operations * (relaxation.prices.max(axis=0) + relief[0])
    errors += 0.0 if doubts is None else layers * doubts
    total = math.fsum(lengths) + math.fsum(terms)
    error = 4.0 * ROUNDING * (math.fsum(np.abs(lengths)) + abs(total)) + 2.0 * math.fsum(errors)
    return Evaluation(value=total - error, starts=starts, errors=errors)


def best_evaluation(relaxation: Relaxation, point: Iterate) -> Evaluation:
    """Return the better of two Lagrangians: at a point's potentials, and at distances by its multipliers."""
    commodities = relaxation.commodities
    if not len(relaxation.lanes):
        return nothing_known(relaxation)
    ends = commodities.sources, commodities.targets
    found = evaluate(relaxation, clipped_heights(point.height[:, relaxation.lanes], *ends))
    link, _ = trimmed_links(relaxation, point)
    other = evaluate(relaxation, route_potentials(relaxation.adjacency, link, *ends))
    return other if other.value >= found.value else found


def clipped_heights(heights: NDArray[np.float32], sources: Integers, targets: Integers) -> Floats:
    """Return potentials (nodes, commodities) from a method's heights, within those of source and target."""
    potentials = -heights.astype(np.float64)
    each = np.arange(len(sources))
    low, high = potentials[sources, each], potentials[targets, each]
    return np.clip(potentials, np.minimum(low, high), high)


def trimmed_links(relaxation: Relaxation, point: Iterate, others: Floats | None = None) -> tuple[Floats, Floats]:
    """Return the multipliers (edges, 2, commodities), none negative, and in sum no more than an edge's price.

    At an optimum they exceed it only where the edge is in full use; there they are left as they are. `others` are
    multipliers (layers, edges) of other flows; the second value is what part of them is left on each edge.
    """
    lanes, first = relaxation.lanes, relaxation.commodities.first[:-1]
    link = np.stack((point.link_ahead[:, lanes], point.link_back[:, lanes]), axis=1).astype(np.float64)
    np.maximum(link, 0.0, out=link)
    asked = np.add.reduceat(link, first, axis=2)
    if others is not None:
        asked += others.T[:, None, :]
    asked = np.cumsum(asked[..., ::-1], axis=2)[..., ::-1]
    share = np.ones_like(asked)
    np.divide(relaxation.layer_prices.T[:, None, :], asked, out=share, where=asked > 0.0)
    share = np.minimum(1.0, share.min(axis=2))
    share[point.usage[:, -1].sum(axis=1) > FULL_USE] = 1.0
    link *= share[:, :, None]
    return link, share.min(axis=1)


def nothing_known(relaxation: Relaxation) -> Evaluation:
    """Return the Lagrangian at multipliers of 0: a plan costs at least nothing."""
    return Evaluation(value=0.0, starts=relaxation.prices, errors=np.zeros(relaxation.prices.shape[1]))


def usage_by_phase(relaxation: Relaxation, point: Iterate) -> Floats:
    """Return (phases, edges) in [0, 1]: the usage of each edge by the last layer until each phase."""
    layers = np.clip(point.usage.sum(axis=2).T.astype(np.float64), 0.0, 1.0)
    layers = np.concatenate((np.zeros((1, layers.shape[1])), np.maximum.accumulate(layers, axis=0)))
    return layers[np.searchsorted(relaxation.commodities.phases, np.arange(len(relaxation.prices)), side="right")]


def relaxed_price(relaxation: Relaxation, point: Iterate) -> float:
    """Return the price of a point's usage: near the relaxation's optimum once the method has settled, no bound."""
    return float((point.usage.sum(axis=2, dtype=np.float64) * relaxation.streets.prices).sum()) * relaxation.scale
