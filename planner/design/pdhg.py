"""Compiled steps of a first-order method for the orientation linear program.

Restarted reflected Halpern iteration of the primal-dual hybrid gradient method (Applegate et al. 2021, Lu and Yang
2024); the matrix is never built. Work is split over edges and nodes only, each of which is written by one thread, so
that results do not depend on the number of threads.

Commodities lie side by side in memory, the innermost loops run over them, and each layer has a multiple of `LANES` of
them (the rest idle), so that the compiler can use vector instructions. For the same reason kernels take the tuples
apart before they loop (plain arrays are known not to overlap), and `first` is unsigned (no index is negative).
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

_FAST = {"reassoc", "contract", "nsz", "nnan", "ninf"}
REAL = np.float32
_ZERO, _HALF, _ONE, _TINY = REAL(0.0), REAL(0.5), REAL(1.0), REAL(1e-7)
"""Working precision; multipliers in it are exact numbers to the safe bound."""
LANES = 8
RESTART_STEPS = 20
"""Steps between two looks at whether to restart."""
MIN_RESTART_STEPS = 200
"""Steps that a run from one anchor has at least."""


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

    `ahead` and `back` are (edges, lanes), along each edge and against it; `usage` is (edges, layers, 2), the same two
    ways; `height` is (nodes, lanes).
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
    """Step lengths; those of usage and height are for one commodity and one degree."""

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
def _is_unwanted(wish: Any, weights: Any, edge: int) -> bool:
    """Return whether no row sum should be positive: no pool of the layers from some one to the last pulls upwards."""
    pull = least = _ZERO
    for layer in range(len(weights)):
        least = min(least, pull)
        pull += weights[layer] * max(wish[edge, layer, 0], wish[edge, layer, 1])
    return bool(pull <= least)


@njit(cache=True, fastmath=_FAST, error_model="numpy")
def _pool_levels(wish: Any, weights: Any, level: Any, size: Any, edge: int) -> None:
    """Fill in `level[edge]`: row sums that rise from layer to layer and are nearest to the wishes, weighted by layer.

    Pool adjacent violators; `size` is room for one value per edge and layer.
    """
    if _is_unwanted(wish, weights, edge):
        level[edge, :] = _ZERO
        return
    pools = 0
    layers = len(weights)
    for layer in range(layers):
        first = layer
        value = max(wish[edge, layer, 0], wish[edge, layer, 1])
        value += max(min(wish[edge, layer, 0], wish[edge, layer, 1]), _ZERO)
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
    """Step of the usage: down by price, up by pressure, then to row sums that rise from layer to layer to at most 1."""
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
    """Make steps number `steps[0]` to `steps[1] - 1` since the last restart; return the length of the last move."""
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


@njit(cache=True, fastmath=_FAST)
def _replace(values: Any, olds: Any, rows: Any) -> float:
    """Copy a matrix over an older one; return the squared distance between them, rows weighted."""
    total = 0.0
    for row in range(values.shape[0]):
        part = _ZERO
        for column in range(values.shape[1]):
            change = values[row, column] - olds[row, column]
            part += change * change
            olds[row, column] = values[row, column]
        total += float(rows[row]) * float(part)
    return total


class HalpernMethod:
    """The method at work on one program: makes steps, restarts, and balances primal against dual steps."""

    def __init__(self, streets: Streets, demand: NDArray[np.float32], start: Iterate, balance: float) -> None:
        """Start at a point with a ratio of dual to primal steps.

        `demand` is (sites, lanes): -1 where a commodity starts, 1 where it ends.
        """
        edges, layers = streets.prices.shape
        nodes, lanes = len(streets.degree), len(streets.active)
        self.point = start.copy()
        self.balance = balance
        self.steps = 0
        self._streets = streets
        self._anchor = self.point.copy()
        self._room = Room(
            pressure=np.zeros((edges, layers, 2), REAL),
            reach=np.zeros((edges, layers, 2), REAL),
            level=np.zeros((edges, layers), REAL),
            size=np.zeros((edges, layers), np.int64),
            excess=np.concatenate((np.zeros((edges, lanes), REAL), demand)),
            net=np.zeros((nodes, lanes), REAL),
            edge_moves=np.zeros(edges, REAL),
            node_moves=np.zeros(nodes, REAL),
        )
        for layer in range(layers):
            block = slice(int(streets.first[layer]), int(streets.first[layer + 1]))
            self._room.pressure[:, layer, 0] = self.point.link_ahead[:, block].sum(axis=1)
            self._room.pressure[:, layer, 1] = self.point.link_back[:, block].sum(axis=1)
        self._since = 0
        self._first_move = self._last_move = 0.0

    def advance(self, count: int) -> None:
        """Make some steps."""
        stop = self.steps + count
        while self.steps < stop:
            due = 1 if self._since == 0 else RESTART_STEPS - self._since % RESTART_STEPS
            batch = min(due, stop - self.steps)
            counted = (self._since, self._since + batch)
            move = self._make_steps(counted)
            self.steps += batch
            self._since += batch
            if self._since == 1:
                self._first_move = move
            if self._since % RESTART_STEPS == 0:
                if self._is_due(move):
                    self._restart()
                self._last_move = move

    def _make_steps(self, steps: tuple[int, int]) -> float:
        """Make steps of these numbers since the last restart; return the length of the last move."""
        return run_steps(self._streets, self.point, self._anchor, self._room, self._rates(), steps)

    def _rates(self) -> Rates:
        """Return step lengths: entries of a column (flow 3) or row (link 2) share what keeps the method stable."""
        primal, dual = 0.99 / self.balance, 0.99 * self.balance
        return Rates(usage=REAL(primal), flow=REAL(primal / 3.0), link=REAL(dual / 2.0), height=REAL(dual))

    def _is_due(self, move: float) -> bool:
        if self._since < MIN_RESTART_STEPS:
            return False
        settled = move <= 0.2 * self._first_move
        stalled = move <= 0.8 * self._first_move and move > self._last_move
        return settled or stalled or self._since >= 0.1 * self.steps

    def _restart(self) -> None:
        """Move the anchor to the point, and the balance towards how far dual and primal moved."""
        primal, dual = self._move_anchor()
        if primal > 0.0 and dual > 0.0:
            self.balance = self.balance**0.3 * math.sqrt(dual / primal) ** 0.7
        self._since = 0

    def _move_anchor(self) -> tuple[float, float]:
        """Move the anchor to the point; return the squared distance between them, primal and dual."""
        now, old, streets = self.point, self._anchor, self._streets
        threes, twos = np.full(len(streets.start), 3.0, REAL), np.full(len(streets.start), 2.0, REAL)
        primal = _replace(now.ahead, old.ahead, threes) + _replace(now.back, old.back, threes)
        for way in range(2):
            primal += _replace(now.usage[:, :, way].T, old.usage[:, :, way].T, streets.weights)
        dual = _replace(now.link_ahead, old.link_ahead, twos) + _replace(now.link_back, old.link_back, twos)
        dual += _replace(now.height, old.height, streets.degree)
        return primal, dual
