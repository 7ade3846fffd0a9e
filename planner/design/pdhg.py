"""Compiled steps of a first-order method for the orientation linear program.

Restarted reflected Halpern iteration of the primal-dual hybrid gradient method (Applegate et al. 2021, Lu and Yang 2024);
the matrix is never built. Every inner loop runs over commodities that lie side by side in memory. Work is split over
edges and nodes only, each of which is written by one thread, so that results do not depend on the number of threads.

Arrays: `flow` and `link` are (edges, 2, commodities), way 0 from start to end; `usage` is (edges, layers, 2); `height` is
(nodes, commodities), the potentials of flow conservation.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit, prange

_FAST = {"reassoc", "contract", "nsz", "nnan", "ninf"}
RESTART_STEPS = 20
CHUNKS = 64
"""Pieces that the work of a step is cut into; the same for any number of threads."""


class Streets(NamedTuple):
    """The graph and its prices as the kernels read them."""

    start: Any
    end: Any
    offsets: Any
    incident: Any
    """Per node the rows of `Room.excess` it sums: row + 1 where the row leaves the node, -(row + 1) where it enters."""
    prices: Any
    """(edges, layers): price of a unit of usage in each layer."""
    first: Any
    """First commodity of each layer, and the number of commodities at the end."""
    weights: Any
    """(layers,): commodities of each layer, as numbers of the working precision."""
    degree: Any
    """(nodes,): twice the number of edges, in the working precision."""


class Iterate(NamedTuple):
    """A point of the method: primal `flow` and `usage`, dual `link` and `height`."""

    flow: Any
    link: Any
    usage: Any
    height: Any


class Room(NamedTuple):
    """Intermediate values of a step."""

    excess: Any
    """(edges + nodes with demand, commodities): extrapolated net flow; below the edges the constant demand."""
    edge_moves: Any
    """(edges,): squared move of the last step in its own metric; `node_moves` alike."""
    node_moves: Any


@njit(cache=True, parallel=True, fastmath=_FAST)
def run_steps(streets: Any, point: Any, anchor: Any, room: Any, rates: Any, first_step: int, count: int) -> float:
    """Make some steps in place and return the length of the last move.

    `first_step` counts the steps since the anchor was set; `rates` are those of usage, flow, link and height.
    """
    kind = rates.dtype
    layers = len(streets.weights)
    for step in range(first_step, first_step + count):
        pull = kind.type(1.0) / kind.type(step + 2)
        for chunk in prange(CHUNKS):
            wish = np.empty((layers, 2), kind)
            level = np.empty(layers, kind)
            size = np.empty(layers, np.int64)
            for edge in range(*_bounds(chunk, len(streets.start))):
                _edge_step(streets, point, anchor, room, rates, edge, pull, wish, level, size)
        for chunk in prange(CHUNKS):
            net = np.empty(point.height.shape[1], kind)
            for node in range(*_bounds(chunk, len(streets.degree))):
                _node_step(streets, point, anchor, room, rates, node, pull, net)
    return (_total(room.edge_moves) + _total(room.node_moves)) ** 0.5


@njit(cache=True)
def _bounds(chunk: int, count: int) -> tuple[int, int]:
    return chunk * count // CHUNKS, (chunk + 1) * count // CHUNKS


@njit(cache=True, fastmath=_FAST)
def _edge_step(
    streets: Any, point: Any, anchor: Any, room: Any, rates: Any, edge: int, pull: Any, wish: Any, level: Any, size: Any
) -> None:
    """Step of everything on one edge: usage first, then flows and link prices."""
    keep = rates.dtype.type(1.0) - pull
    usage = point.usage[edge]
    move = keep - keep
    for layer in range(len(streets.weights)):
        rate = rates[0] / streets.weights[layer]
        for way in range(2):
            link = point.link[edge, way, streets.first[layer] : streets.first[layer + 1]]
            wish[layer, way] = usage[layer, way] - rate * (streets.prices[edge, layer] - _total(link))
    project_chain(wish, streets.weights, level, size)
    for layer in range(len(streets.weights)):
        begin, stop = streets.first[layer], streets.first[layer + 1]
        for way in range(2):
            change = wish[layer, way] - usage[layer, way]
            move += streets.weights[layer] / rates[0] * change * change
            wish[layer, way] = wish[layer, way] + change
            usage[layer, way] = keep * wish[layer, way] + pull * anchor.usage[edge, layer, way]
        move += _flow_step(
            point.flow[edge, :, begin:stop],
            point.link[edge, :, begin:stop],
            anchor.flow[edge, :, begin:stop],
            anchor.link[edge, :, begin:stop],
            point.height[streets.start[edge], begin:stop],
            point.height[streets.end[edge], begin:stop],
            room.excess[edge, begin:stop],
            wish[layer],
            rates,
            keep,
            pull,
        )
    room.edge_moves[edge] = move


@njit(cache=True, fastmath=_FAST)
def _flow_step(
    flow: Any,
    link: Any,
    flow0: Any,
    link0: Any,
    near: Any,
    far: Any,
    excess: Any,
    usage: Any,
    rates: Any,
    keep: Any,
    pull: Any,
) -> Any:
    ahead, back = usage[0], usage[1]
    rate_flow, rate_link = rates[1], rates[2]
    zero = keep - keep
    move_flow = zero
    move_link = zero
    for c in range(len(near)):
        slope = near[c] - far[c]
        old_a, old_b = flow[0, c], flow[1, c]
        dual_a, dual_b = link[0, c], link[1, c]
        step_a = max(zero, old_a - rate_flow * (dual_a - slope)) - old_a
        step_b = max(zero, old_b - rate_flow * (dual_b + slope)) - old_b
        far_a = old_a + step_a + step_a
        far_b = old_b + step_b + step_b
        rise_a = max(zero, dual_a + rate_link * (far_a - ahead)) - dual_a
        rise_b = max(zero, dual_b + rate_link * (far_b - back)) - dual_b
        flow[0, c] = keep * far_a + pull * flow0[0, c]
        flow[1, c] = keep * far_b + pull * flow0[1, c]
        link[0, c] = keep * (dual_a + rise_a + rise_a) + pull * link0[0, c]
        link[1, c] = keep * (dual_b + rise_b + rise_b) + pull * link0[1, c]
        excess[c] = far_a - far_b
        move_flow += step_a * step_a + step_b * step_b
        move_link += rise_a * rise_a + rise_b * rise_b
    return move_flow / rate_flow + move_link / rate_link


@njit(cache=True, fastmath=_FAST)
def _node_step(streets: Any, point: Any, anchor: Any, room: Any, rates: Any, node: int, pull: Any, net: Any) -> None:
    keep = rates.dtype.type(1.0) - pull
    if streets.degree[node] == 0:
        return
    net[:] = 0
    for place in range(streets.offsets[node], streets.offsets[node + 1]):
        row = streets.incident[place]
        if row > 0:
            excess = room.excess[row - 1]
            for c in range(len(net)):
                net[c] += excess[c]
        else:
            excess = room.excess[-row - 1]
            for c in range(len(net)):
                net[c] -= excess[c]
    rate = rates[3] / streets.degree[node]
    height, height0 = point.height[node], anchor.height[node]
    move = keep - keep
    for c in range(len(net)):
        rise = -rate * net[c]
        height[c] = keep * (height[c] + rise + rise) + pull * height0[c]
        move += rise * rise
    room.node_moves[node] = move / rate


@njit(cache=True, fastmath=_FAST)
def _total(values: Any) -> Any:
    total = values.dtype.type(0.0)
    for value in values:
        total += value
    return total


@njit(cache=True, fastmath=_FAST)
def restart(point: Any, anchor: Any, weights: Any, degree: Any, first: Any) -> tuple[float, float]:
    """Set the anchor to the point and return how far that moved it, primal and dual, both at equal rates."""
    primal = 0.0
    dual = 0.0
    for edge in range(len(point.flow)):
        for layer in range(len(weights)):
            for way in range(2):
                change = point.usage[edge, layer, way] - anchor.usage[edge, layer, way]
                primal += weights[layer] * change * change
                anchor.usage[edge, layer, way] = point.usage[edge, layer, way]
        for way in range(2):
            primal += 3.0 * _pull_up(point.flow[edge, way], anchor.flow[edge, way])
            dual += 2.0 * _pull_up(point.link[edge, way], anchor.link[edge, way])
    for node in range(len(degree)):
        dual += degree[node] * _pull_up(point.height[node], anchor.height[node])
    return primal**0.5, dual**0.5


@njit(cache=True, fastmath=_FAST)
def _pull_up(values: Any, olds: Any) -> float:
    """Copy values over the old ones and return the squared distance between them."""
    total = 0.0
    for c in range(len(values)):
        change = values[c] - olds[c]
        total += change * change
        olds[c] = values[c]
    return total


class HalpernMethod:
    """The method at work on one program: advances its point, restarts, and balances primal against dual steps."""

    def __init__(
        self,
        streets: Streets,
        sources: Any,
        targets: Any,
        *,
        point: Iterate | None,
        omega: float,
        real: Any = np.float32,
    ) -> None:
        edges, nodes, count = len(streets.start), len(streets.degree), len(sources)
        layers = len(streets.weights)
        if point is None:
            point = Iterate(
                np.zeros((edges, 2, count), real),
                np.zeros((edges, 2, count), real),
                np.zeros((edges, layers, 2), real),
                np.zeros((nodes, count), real),
            )
        self.point = Iterate(*(np.array(a, real) for a in point))
        self.anchor = Iterate(*(a.copy() for a in self.point))
        rows = int(np.abs(streets.incident).max(initial=0))
        excess = np.zeros((rows, count), real)
        sites = np.unique(np.concatenate((sources, targets)))
        excess[edges + np.searchsorted(sites, sources), np.arange(count)] -= 1
        excess[edges + np.searchsorted(sites, targets), np.arange(count)] += 1
        self.room = Room(excess, np.zeros(edges), np.zeros(nodes))
        self.streets = streets
        self.omega = omega
        self.real = real
        self.steps = 0
        self.since = 0
        self.first_move = np.inf
        self.last_move = np.inf
        self.restarts = 0

    def advance(self, count: int) -> None:
        """Make some steps."""
        stop = self.steps + count
        while self.steps < stop:
            batch = 1 if self.since == 0 else min(RESTART_STEPS - self.since % RESTART_STEPS, stop - self.steps)
            rates = np.array([0.99 / self.omega, 0.33 / self.omega, 0.495 * self.omega, 0.99 * self.omega], self.real)
            move = run_steps(self.streets, self.point, self.anchor, self.room, rates, self.since, batch)
            self.steps += batch
            self.since += batch
            if self.since == 1:
                self.first_move = move
            elif self.since % RESTART_STEPS == 0:
                if (
                    move <= 0.2 * self.first_move
                    or (move <= 0.8 * self.first_move and move > self.last_move)
                    or self.since >= 0.36 * self.steps
                ):
                    primal, dual = restart(
                        self.point, self.anchor, self.streets.weights, self.streets.degree, self.streets.first
                    )
                    if primal > 0 and dual > 0:
                        self.omega = (self.omega * dual / primal) ** 0.5
                    self.since = 0
                    self.restarts += 1
            self.last_move = move


@njit(cache=True, fastmath=_FAST)
def project_chain(wish: Any, weights: Any, level: Any, size: Any) -> None:
    """Move `wish` (layers, 2) to the nearest point that is not negative and whose row sums rise from layer to layer to at most 1.

    Distance is weighted by layer. Pool-adjacent-violators on the row sums: the derivative of a row's distance by its sum is
    piecewise linear and concave, so Newton's method from the left finds the level of a pool in a few exact steps.
    `level` and `size` are room for one value per layer.
    """
    pools = 0
    layers = len(weights)
    for layer in range(layers):
        first = layer
        value = _pool_level(wish, weights, first, layer + 1)
        while pools > 0 and level[pools - 1] >= value:
            pools -= 1
            first -= size[pools]
            value = _pool_level(wish, weights, first, layer + 1)
        level[pools] = value
        size[pools] = layer + 1 - first
        pools += 1
    layer = 0
    for pool in range(pools):
        total = min(max(level[pool], 0.0), 1.0)
        for _ in range(size[pool]):
            spare = wish[layer, 0] - wish[layer, 1]
            forward = min(max(0.5 * (total + spare), 0.0), total)
            wish[layer, 0] = forward
            wish[layer, 1] = total - forward
            layer += 1


@njit(cache=True, fastmath=_FAST)
def _pool_level(wish: Any, weights: Any, first: int, stop: int) -> float:
    """Return the common row sum of some layers that is nearest to their wishes."""
    level = max(wish[first, 0], wish[first, 1])
    for layer in range(first + 1, stop):
        level = min(level, max(wish[layer, 0], wish[layer, 1]))
    for _ in range(2 * (stop - first) + 1):
        pull = 0.0
        slope = 0.0
        for layer in range(first, stop):
            high = max(wish[layer, 0], wish[layer, 1])
            low = min(wish[layer, 0], wish[layer, 1])
            if level < high - low:
                pull += weights[layer] * (high - level)
                slope += weights[layer]
            else:
                pull += weights[layer] * 0.5 * (high + low - level)
                slope += weights[layer] * 0.5
        if pull <= 1e-12 * slope:
            break
        level += pull / slope
    return level
