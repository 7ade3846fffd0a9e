"""Compiled steps of a first-order method for the orientation linear program.

Restarted reflected Halpern iteration of the primal-dual hybrid gradient method (Applegate et al. 2021, Lu and Yang 2024);
the matrix is never built. Work is split over edges and nodes only, each of which is written by one thread, so that
results do not depend on the number of threads.

Commodities lie side by side in memory, the innermost loops run over them, and each layer has a multiple of `LANES` of them
(the rest idle), so that the compiler can use vector instructions. A kernel takes the arrays apart first: only plain
arrays, not slices or fields, are known not to overlap.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from planner.design.commodities import Commodities

_FAST = {"reassoc", "contract", "nsz", "nnan", "ninf"}
REAL = np.float32
_ZERO, _HALF, _ONE, _TINY = REAL(0.0), REAL(0.5), REAL(1.0), REAL(1e-7)
"""Working precision; multipliers in it are exact numbers to the safe bound."""
LANES = 8
RESTART_STEPS = 20
"""Steps between two looks at whether to restart."""


class Streets(NamedTuple):
    """The graph, its prices and its commodities as the kernels read them."""

    start: Any
    end: Any
    offsets: Any
    incident: Any
    """Per node the rows of `Room.excess` that it sums: row + 1 where the row leaves it, -(row + 1) where it enters."""
    degree: Any
    """(nodes,): twice the number of edges."""
    prices: Any
    """(edges, layers): price of a unit of usage in each layer."""
    first: Any
    """First lane of each layer, and the number of lanes at the end."""
    weights: Any
    """(layers,): commodities of each layer."""
    active: Any
    """(lanes,): 1 where a lane has a commodity, else 0."""


class Iterate(NamedTuple):
    """A point of the method: flows and usage (primal), link multipliers and node potentials (dual).

    `ahead` and `back` are (edges, lanes), along each edge and against it; `usage` is (edges, layers, 2); `height` is (nodes, lanes).
    """

    ahead: Any
    back: Any
    link_ahead: Any
    link_back: Any
    usage: Any
    height: Any

    def copy(self) -> Iterate:
        """Return a point of its own with the same values."""
        return Iterate(*(array.copy() for array in self))


class Room(NamedTuple):
    """Intermediate values of a step."""

    pressure: Any
    """(edges, layers, 2): sum of the link multipliers of a layer, along each edge and against it."""
    reach: Any
    """(edges, layers, 2): usage, extrapolated."""
    level: Any
    size: Any
    excess: Any
    """(edges + sites, lanes): net flow, extrapolated; below the edges the demand of each site."""
    net: Any
    edge_moves: Any
    """(edges,): squared length of the last move, in the metric of the method; `node_moves` alike."""
    node_moves: Any


class Rates(NamedTuple):
    """Step lengths of a batch of steps; those of usage and height are divided by the number of entries of a column or row."""

    usage: Any
    flow: Any
    link: Any
    height: Any


@njit(cache=True, fastmath=_FAST, error_model="numpy")
def _pool_level(wish: Any, weights: Any, edge: int, first: int, stop: int) -> Any:
    """Return the common row sum of some layers that is nearest to their wishes.

    The derivative of a row's distance by its sum is piecewise linear and concave, so Newton's method from the left is
    exact after a few steps.
    """
    level = max(wish[edge, first, 0], wish[edge, first, 1])
    for layer in range(first + 1, stop):
        level = min(level, max(wish[edge, layer, 0], wish[edge, layer, 1]))
    for _ in range(2 * (stop - first) + 1):
        pull = slope = _ZERO
        for layer in range(first, stop):
            high = max(wish[edge, layer, 0], wish[edge, layer, 1])
            low = min(wish[edge, layer, 0], wish[edge, layer, 1])
            share = weights[layer]
            gap = high - level
            if level >= high - low:
                share *= _HALF
                gap += low
            pull += share * gap
            slope += share
        if pull <= _TINY * slope:
            break
        level += pull / slope
    return level


@njit(cache=True, fastmath=_FAST, error_model="numpy")
def _pool_levels(wish: Any, weights: Any, level: Any, size: Any, edge: int) -> None:
    """Fill in `level[edge]`, the row sums that rise from layer to layer and are nearest to the wishes, weighted by layer.

    Pool adjacent violators; `size` is room for one value per edge and layer.
    """
    pools = 0
    layers = len(weights)
    for layer in range(layers):
        first = layer
        value = _pool_level(wish, weights, edge, first, layer + 1)
        while pools > 0 and level[edge, pools - 1] > value:
            pools -= 1
            first -= size[edge, pools]
            value = _pool_level(wish, weights, edge, first, layer + 1)
        level[edge, pools] = value
        size[edge, pools] = layer + 1 - first
        pools += 1
    layer = layers
    for pool in range(pools - 1, -1, -1):
        for _ in range(size[edge, pool]):
            layer -= 1
            level[edge, layer] = level[edge, pool]


@njit(cache=True, parallel=True, fastmath=_FAST, error_model="numpy")
def _usage_pass(streets: Any, point: Any, anchor: Any, room: Any, rates: Any, pull: Any) -> None:
    """Step of the usage: down its price, up its pressure, then to the nearest row sums that rise from layer to layer to at most 1."""
    prices, weights, usage, usage_0 = streets.prices, streets.weights, point.usage, anchor.usage
    pressure, reach, level, size, moves = room.pressure, room.reach, room.level, room.size, room.edge_moves
    rate, keep = rates.usage, _ONE - pull
    for edge in prange(len(prices)):
        falls = False
        below = total = _ZERO
        for layer in range(len(weights)):
            share, price = rate / weights[layer], prices[edge, layer]
            ahead = usage[edge, layer, 0] + share * (pressure[edge, layer, 0] - price)
            back = usage[edge, layer, 1] + share * (pressure[edge, layer, 1] - price)
            value = min(max(max(ahead, back) + max(min(ahead, back), _ZERO), _ZERO), _ONE)
            falls |= value < below
            below = level[edge, layer] = value
            reach[edge, layer, 0], reach[edge, layer, 1] = ahead, back
        if falls:
            _pool_levels(reach, weights, level, size, edge)
        for layer in range(len(weights)):
            value = min(max(level[edge, layer], _ZERO), _ONE)
            ahead = min(max(_HALF * (value + reach[edge, layer, 0] - reach[edge, layer, 1]), _ZERO), value)
            move_ahead, move_back = ahead - usage[edge, layer, 0], value - ahead - usage[edge, layer, 1]
            total += weights[layer] * (move_ahead * move_ahead + move_back * move_back)
            reach[edge, layer, 0], reach[edge, layer, 1] = ahead + move_ahead, value - ahead + move_back
            for way in range(2):
                usage[edge, layer, way] = keep * reach[edge, layer, way] + pull * usage_0[edge, layer, way]
        moves[edge] = total / rate


@njit(cache=True, parallel=True, fastmath=_FAST, error_model="numpy")
def _flow_pass(streets: Any, point: Any, anchor: Any, room: Any, rates: Any, pull: Any) -> None:
    start, end, first, active = streets.start, streets.end, streets.first, streets.active
    ahead, back, link_ahead, link_back, height = (
        point.ahead,
        point.back,
        point.link_ahead,
        point.link_back,
        point.height,
    )
    ahead_0, back_0, link_ahead_0, link_back_0 = anchor.ahead, anchor.back, anchor.link_ahead, anchor.link_back
    excess, pressure, reach, moves = room.excess, room.pressure, room.reach, room.edge_moves
    flow_rate, link_rate, keep, zero = rates.flow, rates.link, np.float32(1.0) - pull, np.float32(0.0)
    for edge in prange(len(start)):
        u, v = start[edge], end[edge]
        flow_moves = link_moves = zero
        for layer in range(len(first) - 1):
            room_ahead, room_back = reach[edge, layer, 0], reach[edge, layer, 1]
            sum_ahead = sum_back = zero
            for lane in range(first[layer], first[layer + 1]):
                fall = height[u, lane] - height[v, lane]
                x, w = ahead[edge, lane], link_ahead[edge, lane]
                move = max(zero, x - flow_rate * (w - fall)) - x
                far = x + move + move
                rise = max(zero, w + active[lane] * link_rate * (far - room_ahead)) - w
                ahead[edge, lane] = keep * far + pull * ahead_0[edge, lane]
                w = keep * (w + rise + rise) + pull * link_ahead_0[edge, lane]
                link_ahead[edge, lane] = w
                sum_ahead += w
                flow_moves += move * move
                link_moves += rise * rise
                net = far
                x, w = back[edge, lane], link_back[edge, lane]
                move = max(zero, x - flow_rate * (w + fall)) - x
                far = x + move + move
                rise = max(zero, w + active[lane] * link_rate * (far - room_back)) - w
                back[edge, lane] = keep * far + pull * back_0[edge, lane]
                w = keep * (w + rise + rise) + pull * link_back_0[edge, lane]
                link_back[edge, lane] = w
                sum_back += w
                flow_moves += move * move
                link_moves += rise * rise
                excess[edge, lane] = net - far
            pressure[edge, layer, 0], pressure[edge, layer, 1] = sum_ahead, sum_back
        moves[edge] += flow_moves / flow_rate + link_moves / link_rate


@njit(cache=True, parallel=True, fastmath=_FAST, error_model="numpy")
def _node_pass(streets: Any, point: Any, anchor: Any, room: Any, rates: Any, pull: Any) -> None:
    offsets, incident, degree, height, height_0 = (
        streets.offsets,
        streets.incident,
        streets.degree,
        point.height,
        anchor.height,
    )
    excess, net, moves = room.excess, room.net, room.node_moves
    lanes, keep, zero = height.shape[1], np.float32(1.0) - pull, np.float32(0.0)
    for node in prange(len(degree)):
        for lane in range(lanes):
            net[node, lane] = zero
        for place in range(offsets[node], offsets[node + 1]):
            row = abs(incident[place]) - 1
            sign = np.float32(1.0) if incident[place] > 0 else np.float32(-1.0)
            for lane in range(lanes):
                net[node, lane] += sign * excess[row, lane]
        rate = rates.height / degree[node]
        total = zero
        for lane in range(lanes):
            rise = -rate * net[node, lane]
            height[node, lane] = keep * (height[node, lane] + rise + rise) + pull * height_0[node, lane]
            total += rise * rise
        moves[node] = total / rate


@njit(cache=True)
def run_steps(streets: Any, point: Any, anchor: Any, room: Any, rates: Any, steps: tuple[int, int]) -> float:
    """Make the steps numbered from `steps[0]` up to before `steps[1]` since the last restart; return the length of the last move."""
    for step in range(steps[0], steps[1]):
        pull = np.float32(1.0 / (step + 2.0))
        _usage_pass(streets, point, anchor, room, rates, pull)
        _flow_pass(streets, point, anchor, room, rates, pull)
        _node_pass(streets, point, anchor, room, rates, pull)
    total = 0.0
    for move in room.edge_moves:
        total += move
    for move in room.node_moves:
        total += move
    return float(total**0.5)


@njit(cache=True)
def _replace(values: Any, others: Any) -> float:
    """Copy values over others and return the squared distance there was between them."""
    total = 0.0
    for row in range(values.shape[0]):
        part = np.float32(0.0)
        for column in range(values.shape[1]):
            change = values[row, column] - others[row, column]
            part += change * change
            others[row, column] = values[row, column]
        total += part
    return total


class Halpern:
    """The method at work on one program: makes steps, restarts, balances primal against dual."""

    def __init__(self, streets: Streets, demand: Any, point: Iterate | None, omega: float) -> None:
        """Start at a point (default: all zero) with a given balance; `demand` is (sites, lanes), negated net flow."""
        edges, layers, nodes, lanes = *streets.prices.shape, len(streets.degree), len(streets.active)
        shapes = ((edges, lanes),) * 4 + ((edges, layers, 2), (nodes, lanes))
        self.point = point.copy() if point else Iterate(*(np.zeros(shape, REAL) for shape in shapes))
        self.anchor = self.point.copy()
        self.streets = streets
        self.room = Room(
            pressure=np.zeros((edges, layers, 2), REAL),
            reach=np.zeros((edges, layers, 2), REAL),
            level=np.zeros((edges, layers), REAL),
            size=np.zeros((edges, layers), np.int64),
            excess=np.concatenate((np.zeros((edges, lanes), REAL), demand)),
            net=np.zeros((nodes, lanes), REAL),
            edge_moves=np.zeros(edges, REAL),
            node_moves=np.zeros(nodes, REAL),
        )
        for way, link in enumerate((self.point.link_ahead, self.point.link_back)):
            self.room.pressure[:, :, way] = np.add.reduceat(link, streets.first[:-1].astype(np.int64), axis=1)
        self.omega = omega
        self.steps = 0
        self.since = 0
        self.first_move = self.last_move = np.inf
        self.restarts = 0
        self.cfg = dict(check=20, minrestart=200, minfrac=0.15, theta=0.7, mult=0.2, nec=0.8)

    def rates(self):
        r = np.float32
        return Rates(r(0.99 / self.omega), r(0.33 / self.omega), r(0.495 * self.omega), r(0.99 * self.omega))

    def advance(self, count: int) -> None:
        """Make some steps."""
        c = self.cfg
        stop = self.steps + count
        while self.steps < stop:
            batch = 1 if self.since == 0 else min(c["check"] - self.since % c["check"], stop - self.steps)
            move = run_steps(
                self.streets, self.point, self.anchor, self.room, self.rates(), (self.since, self.since + batch)
            )
            self.steps += batch
            self.since += batch
            if self.since == 1:
                self.first_move = move
            elif self.since % c["check"] == 0 and self.since >= c["minrestart"]:
                if (
                    move <= c["mult"] * self.first_move
                    or (move <= c["nec"] * self.first_move and move > self.last_move)
                    or self.since >= c["minfrac"] * self.steps
                ):
                    self.restart()
            self.last_move = move

    def restart(self):
        p, a = self.point, self.anchor
        st = self.streets
        w = st.weights
        primal = sum(float(w[l]) * _replace(p.usage[:, l], a.usage[:, l]) for l in range(len(w))) + 3 * (
            _replace(p.ahead, a.ahead) + _replace(p.back, a.back)
        )
        dual = 2 * (_replace(p.link_ahead, a.link_ahead) + _replace(p.link_back, a.link_back))
        dual += float((st.degree * ((p.height - a.height) ** 2).sum(1)).sum())
        a.height[:] = p.height
        if primal > 0 and dual > 0:
            self.omega = (
                self.omega ** (1 - c["theta"]) * (dual / primal) ** (0.5 * c["theta"]) if (c := self.cfg) else 0
            )
        self.since = 0
        self.restarts += 1
