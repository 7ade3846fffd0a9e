"""Compiled steps for flows of single demands beside the orientation: tolls, loss, scarce fibers, one way per street.

The flows of a demand go where the network is (`ahead + back <= usage`, averaged over the demand's phases), pay a toll
on each edge, and obey rows that couple edges: the loss of a demand's routes, the fibers of an edge, and edges of one
street of which a demand may use one. Arrays are laid out and work is split as in `pdhg.py`; sums over edges are taken
in fixed pieces, so that results do not depend on the number of threads.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from planner.design.pdhg import (
    _FAST,
    REAL,
    HalpernMethod,
    Iterate,
    Streets,
    _flow_pass,
    _node_pass,
    _replace,
    _usage_pass,
)

PIECES = 64
"""Pieces of the edges over which sums are taken."""
_ZERO, _HALF, _ONE = REAL(0.0), REAL(0.5), REAL(1.0)


class FlowStreets(NamedTuple):
    """Edges and demands as the kernels read them; lanes are the demands, padded."""

    start: Any
    end: Any
    toll: Any
    """(edges,): price of one fiber for one year's worth; a lane pays `share` times as much."""
    loss_db: Any
    open: Any
    """(edges, lanes): 1 where a demand's flow may go, else 0."""
    room: Any
    """(edges,): one over the fibers of an edge, 0 where they are plenty."""
    drag: Any
    """(edges,): rows that an edge's flows are in."""
    group: Any
    """(edges,): street of which a demand may use one edge, or -1."""
    members: Any
    """Edges of the streets, and `offsets` where those of each begin."""
    offsets: Any
    share: Any
    claim: Any
    """(lanes,): fibers of one unit of flow, by its part of the whole time."""
    limit_db: Any
    """(lanes,): what all units of a demand may lose together."""
    loss_rate: Any
    """(lanes,): step length of the loss row; 0 without a limit."""
    single: Any
    """(lanes,): 1 where the demand may use but one edge of a street, else 0."""
    span: Any
    """(lanes,): row of `mix` of each lane."""
    mix: Any
    """(spans of time, layers): parts of the time in which each layer is the network; row 0 is the whole time."""


class FlowPoint(NamedTuple):
    """Flows (primal) and multipliers of links, potentials, fibers, streets and loss (dual)."""

    ahead: Any
    back: Any
    link: Any
    height: Any
    fiber: Any
    street: Any
    loss: Any

    def copy(self) -> FlowPoint:
        """Return a point of its own with the same values."""
        return FlowPoint(*(array.copy() for array in self))


class FlowRoom(NamedTuple):
    """Intermediate values of a step; `excess`, `net` and the moves are as in `pdhg.Room`."""

    both: Any
    """(edges, lanes): flow in both ways, extrapolated."""
    used: Any
    """(edges, spans of time): usage that flows may take; `sums` alike: multipliers that they put on it."""
    sums: Any
    taken: Any
    """(edges,): fibers that flows take."""
    partial: Any
    """(pieces, lanes): sums over edges."""
    excess: Any
    net: Any
    edge_moves: Any
    node_moves: Any
    row_moves: Any
    """(1,)."""


@njit(cache=True, parallel=True, fastmath=_FAST, error_model="numpy")
def _demand_pass(streets: Any, points: Any, room: Any, shared: Any, rates: Any, pull: Any) -> None:
    """Step of the flows of demands, of their links to the network, and of the fibers of each edge."""
    point, anchor = points
    toll, loss_db, is_open, rooms, drag, group = (
        streets.toll,
        streets.loss_db,
        streets.open,
        streets.room,
        streets.drag,
        streets.group,
    )
    start, end, share, claim, span, mix = (
        streets.start,
        streets.end,
        streets.share,
        streets.claim,
        streets.span,
        streets.mix,
    )
    ahead, back, link, height, fiber, street, loss = point
    ahead_0, back_0, link_0 = anchor.ahead, anchor.back, anchor.link
    both, used, sums, excess, moves = room.both, room.used, room.sums, room.excess, room.edge_moves
    taken, reach = room.taken, shared.reach
    lanes, layers, times = len(share), mix.shape[1], mix.shape[0]
    keep, link_rate = _ONE - pull, _HALF * rates.link
    for edge in prange(len(start)):
        u, v = start[edge], end[edge]
        for time in range(times):
            used[edge, time] = sums[edge, time] = _ZERO
            for layer in range(layers):
                used[edge, time] += mix[time, layer] * (reach[edge, layer, 0] + reach[edge, layer, 1])
        price, scarcity, own = toll[edge], fiber[edge, 0] * rooms[edge], group[edge]
        rate = rates.usage / drag[edge]
        total = flow_moves = link_moves = _ZERO
        for lane in range(lanes):
            fall = height[u, lane] - height[v, lane]
            cost = price * share[lane] + loss[lane] * loss_db[edge] + scarcity * claim[lane] + link[edge, lane]
            if own >= 0:
                cost += street[own, lane]
            may = is_open[edge, lane]
            x = ahead[edge, lane]
            move = may * max(_ZERO, x - rate * (cost - fall)) - x
            far_ahead = x + move + move
            ahead[edge, lane] = keep * far_ahead + pull * ahead_0[edge, lane]
            flow_moves += move * move
            x = back[edge, lane]
            move = may * max(_ZERO, x - rate * (cost + fall)) - x
            far_back = x + move + move
            back[edge, lane] = keep * far_back + pull * back_0[edge, lane]
            flow_moves += move * move
            far = far_ahead + far_back
            w = link[edge, lane]
            rise = max(_ZERO, w + may * link_rate * (far - used[edge, span[lane]])) - w
            w = keep * (w + rise + rise) + pull * link_0[edge, lane]
            link[edge, lane] = w
            sums[edge, span[lane]] += w
            link_moves += rise * rise
            total += claim[lane] * far
            both[edge, lane] = far
            excess[edge, lane] = far_ahead - far_back
        moves[edge] = flow_moves / rate + link_moves / link_rate
        taken[edge] = total


@njit(cache=True, parallel=True, fastmath=_FAST, error_model="numpy")
def _edge_pass(streets: Any, points: Any, room: Any, shared: Any, rates: Any, pull: Any) -> None:
    """Step of the multipliers of fibers; then tell the orientation what flows give for each edge."""
    fiber, fiber_0 = points[0].fiber, points[1].fiber
    used, sums, taken, moves = room.used, room.sums, room.taken, room.edge_moves
    rooms, mix, pressure = streets.room, streets.mix, shared.pressure
    keep, weight = _ONE - pull, _ZERO
    for lane in range(len(streets.claim)):
        weight += streets.claim[lane]
    for edge in prange(len(rooms)):
        if rooms[edge] > _ZERO:
            rate = rates.height / (_ONE + _ONE + (weight + weight) * rooms[edge])
            scarce = fiber[edge, 0]
            rise = max(_ZERO, scarce + rate * (taken[edge] * rooms[edge] - used[edge, 0])) - scarce
            scarce = keep * (scarce + rise + rise) + pull * fiber_0[edge, 0]
            fiber[edge, 0] = scarce
            sums[edge, 0] += scarce
            moves[edge] += rise * rise / rate
        for layer in range(mix.shape[1]):
            given = _ZERO
            for time in range(mix.shape[0]):
                given += mix[time, layer] * sums[edge, time]
            pressure[edge, layer, 0] += given
            pressure[edge, layer, 1] += given


@njit(cache=True, parallel=True, fastmath=_FAST, error_model="numpy")
def _loss_sums(streets: Any, room: Any) -> None:
    """Fill in the sums of loss times flow over each piece of the edges."""
    both, partial, loss_db = room.both, room.partial, streets.loss_db
    count = len(loss_db)
    for piece in prange(len(partial)):
        partial[piece, :] = _ZERO
        for edge in range(piece * count // len(partial), (piece + 1) * count // len(partial)):
            for lane in range(both.shape[1]):
                partial[piece, lane] += loss_db[edge] * both[edge, lane]


@njit(cache=True, fastmath=_FAST, error_model="numpy")
def _row_pass(streets: Any, point: Any, anchor: Any, room: Any, rates: Any, pull: Any) -> None:
    """Step of the multipliers of loss and of streets."""
    loss, loss_0, street, street_0 = point.loss, anchor.loss, point.street, anchor.street
    keep, total = _ONE - pull, _ZERO
    for lane in range(len(loss)):
        rate = rates.height * streets.loss_rate[lane]
        if rate > _ZERO:
            lost = _ZERO
            for piece in range(len(room.partial)):
                lost += room.partial[piece, lane]
            rise = max(_ZERO, loss[lane] + rate * (lost - streets.limit_db[lane])) - loss[lane]
            loss[lane] = keep * (loss[lane] + rise + rise) + pull * loss_0[lane]
            total += rise * rise / rate
    for group in range(street.shape[0]):
        first, stop = streets.offsets[group], streets.offsets[group + 1]
        rate = rates.height / REAL(2 * (stop - first))
        for lane in range(street.shape[1]):
            if streets.single[lane] > _ZERO:
                used = _ZERO
                for place in range(first, stop):
                    used += room.both[streets.members[place], lane]
                w = street[group, lane]
                rise = max(_ZERO, w + rate * (used - _ONE)) - w
                street[group, lane] = keep * (w + rise + rise) + pull * street_0[group, lane]
                total += rise * rise / rate
    room.row_moves[0] = total


@njit(cache=True)
def _run_flow_steps(streets: Any, network: Any, rates: Any, steps: tuple[int, int], flows: Any, moving: Any) -> float:
    """Make steps of the whole program, as `pdhg.run_steps` does.

    `network` and `moving` hold point, anchor and room of the orientation and of the flows.
    """
    point, anchor, room = network
    flow_point, flow_anchor, flow_room = moving
    for step in range(steps[0], steps[1]):
        pull = np.float32(1.0 / (step + 2.0))
        _usage_pass(streets, point, anchor, room, rates, pull)
        _flow_pass(streets, point, anchor, room, rates, pull)
        _node_pass(streets, point, anchor, room, rates, pull)
        _demand_pass(flows, (flow_point, flow_anchor), flow_room, room, rates, pull)
        _edge_pass(flows, (flow_point, flow_anchor), flow_room, room, rates, pull)
        _node_pass(streets, flow_point, flow_anchor, flow_room, rates, pull)
        _loss_sums(flows, flow_room)
        _row_pass(flows, flow_point, flow_anchor, flow_room, rates, pull)
    total = float(flow_room.row_moves[0])
    for moves in (room.edge_moves, room.node_moves, flow_room.edge_moves, flow_room.node_moves):
        for move in moves:
            total += move
    return float(total**0.5)


class FlowMethod(HalpernMethod):
    """The method at work on an orientation program with flows of single demands beside it."""

    def __init__(
        self,
        streets: Streets,
        demand: NDArray[np.float32],
        start: tuple[Iterate, FlowPoint],
        balance: float,
        *,
        flows: FlowStreets,
        flow_demand: NDArray[np.float32],
    ) -> None:
        """Start at a point; `flow_demand` is (sites, lanes), as `demand` for the commodities."""
        counts = np.bincount(flows.span[: int(flows.open.any(axis=0).sum())], minlength=len(flows.mix))
        counts = counts + (np.arange(len(counts)) == 0)
        streets = streets._replace(weights=(streets.weights + counts @ flows.mix).astype(REAL))
        super().__init__(streets, demand, start[0], balance)
        self.flow_point = start[1].copy()
        self._flows = flows
        self._flow_anchor = self.flow_point.copy()
        (edges, lanes), nodes, times = flows.open.shape, len(streets.degree), len(flows.mix)
        self._flow_room = FlowRoom(
            both=np.zeros((edges, lanes), REAL),
            used=np.zeros((edges, times), REAL),
            sums=np.zeros((edges, times), REAL),
            taken=np.zeros(edges, REAL),
            partial=np.zeros((PIECES * int(flows.loss_rate.any()), lanes), REAL),
            excess=np.concatenate((np.zeros((edges, lanes), REAL), flow_demand)),
            net=np.zeros((nodes, lanes), REAL),
            edge_moves=np.zeros(edges, REAL),
            node_moves=np.zeros(nodes, REAL),
            row_moves=np.zeros(1, REAL),
        )

    def _make_steps(self, steps: tuple[int, int]) -> float:
        moving = (self.flow_point, self._flow_anchor, self._flow_room)
        network = (self.point, self._anchor, self._room)
        return float(_run_flow_steps(self._streets, network, self._rates(), steps, self._flows, moving))

    def _move_anchor(self) -> tuple[float, float]:
        primal, dual = super()._move_anchor()
        now, old, flows = self.flow_point, self._flow_anchor, self._flows
        primal += _replace(now.ahead, old.ahead, flows.drag) + _replace(now.back, old.back, flows.drag)
        dual += _replace(now.link, old.link, np.full(len(flows.drag), 4.0, REAL))
        dual += _replace(now.height, old.height, self._streets.degree)
        size = 2.0 * np.diff(flows.offsets)
        dual += _replace(now.street, old.street, size.astype(REAL))
        weight = 2.0 + 2.0 * flows.claim.sum() * flows.room
        dual += _replace(now.fiber, old.fiber, weight.astype(REAL))
        slow = np.divide(1.0, flows.loss_rate, out=np.zeros(len(flows.loss_rate)), where=flows.loss_rate > 0.0)
        dual += _replace(now.loss[:, None], old.loss[:, None], slow.astype(REAL))
        return primal, dual
