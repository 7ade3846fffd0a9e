"""Flows of single demands beside the orientation: what every route pays and obeys on its own.

The orientation says which sites the network must join, but not how: it pays for a leased fiber once, however many
routes lease it, and sends them all around the cheapest ring, however long. Here each demand gets a flow of its own, the
average of its routes over the phases that they serve: at most one unit on an edge of the network, at a toll for each
unit, within the loss that its routes may have together, and with others within the fibers of the edge. Any multipliers
of these rows give a bound, by shortest paths, as for the orientation alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from planner.design.flow_steps import FlowMethod, FlowPoint, FlowStreets
from planner.design.lagrangian import distances_from, edge_pressures, route_potentials
from planner.design.pdhg import LANES, REAL, Iterate
from planner.design.relaxation import ROUNDING, Evaluation, Relaxation, clipped_heights, lagrangian, trimmed_links

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, slots=True)
class DemandFlow:
    """What is true of the routes of one demand together."""

    source: int
    target: int
    phase: int
    """First phase."""
    units: int
    """Units of flow: routes that never share an edge, or one unit for the average of those that may."""
    weight: float
    """Routes that one unit stands for."""
    fibers: int
    """Least fibers that a route takes on an edge."""
    max_loss_db: float = math.inf
    """What all units may lose together."""
    reach_db: float = math.inf
    """What any one route may lose."""

    def between(self, source: int, target: int) -> DemandFlow:
        """Return the same flow between nodes of other numbers."""
        return replace(self, source=source, target=target)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class DemandFlows:
    """The flows of some demands, and what edges (in the order of the orientation program) ask of them."""

    demands: tuple[DemandFlow, ...]
    lease_per_fiber_year: Floats
    loss_db: Floats
    max_fibers: Integers
    street: Integers
    """Number of the street that an edge is an alternative in, or -1: of these a flow in two units uses one unit."""
    years: Floats
    """(phases,): present worth of one unit a year while each phase lasts."""

    @property
    def most_tolls(self) -> float:
        """Return more than all leases can cost where no route passes an edge twice."""
        passes = sum(demand.units * demand.weight * demand.fibers for demand in self.demands)
        return 2.0 * float(self.lease_per_fiber_year.sum() * self.years.sum()) * passes


class FlowRelaxation:
    """An orientation program with flows of demands: arrays for the kernels, and the Lagrangian."""

    def __init__(self, relaxation: Relaxation, flows: DemandFlows) -> None:
        """Lay out the arrays."""
        demands = flows.demands
        phases = np.array([demand.phase for demand in demands], dtype=np.int64)
        left = np.cumsum(flows.years[::-1])[::-1]
        passes = np.array([demand.weight * demand.fibers for demand in demands])
        self._relaxation = relaxation
        self._flows = flows
        self._sources = np.array([demand.source for demand in demands], dtype=np.int64)
        self._targets = np.array([demand.target for demand in demands], dtype=np.int64)
        self._units = np.array([demand.units for demand in demands], dtype=np.float64)
        self._limits_db = np.array([demand.max_loss_db for demand in demands])
        self._toll = flows.lease_per_fiber_year / relaxation.scale
        self._share = passes * left[phases]
        self._claim = self._share / left[phases.min()]
        is_scarce = flows.max_fibers < self._claim.sum()
        self._room = np.where(is_scarce, 1.0 / np.maximum(flows.max_fibers, 1), 0.0)
        self._mix, self._span = _mix(relaxation, flows.years, phases)
        self._open = _open_edges(relaxation, flows)
        self._lanes = -(-len(demands) // LANES) * LANES
        self._streets = self._flow_streets()

    def _wide(self, values: Floats) -> NDArray[np.float32]:
        return np.concatenate((values, np.zeros(self._lanes - len(values)))).astype(REAL)

    def _flow_streets(self) -> FlowStreets:
        flows, streets, count = self._flows, self._relaxation.streets, len(self._units)
        is_open = np.zeros((len(flows.loss_db), self._lanes), REAL)
        is_open[:, :count] = self._open
        limited = np.isfinite(self._limits_db)
        squares = np.maximum(2.0 * (flows.loss_db**2) @ self._open, 1e-9)
        members = np.flatnonzero(flows.street >= 0)
        members = members[np.argsort(flows.street[members], kind="stable")]
        sizes = np.bincount(flows.street[members])
        return FlowStreets(
            start=streets.start,
            end=streets.end,
            toll=self._toll.astype(REAL),
            loss_db=flows.loss_db.astype(REAL),
            open=is_open,
            room=self._room.astype(REAL),
            drag=(3.0 + limited.any() + (self._room > 0.0) + (flows.street >= 0)).astype(REAL),
            group=flows.street,
            members=members,
            offsets=np.concatenate((np.zeros(1, np.int64), np.cumsum(sizes))),
            share=self._wide(self._share),
            claim=self._wide(self._claim),
            limit_db=self._wide(np.where(limited, self._limits_db, 0.0)),
            loss_rate=self._wide(np.where(limited, 1.0 / squares, 0.0)),
            single=self._wide((self._units > 1.0).astype(np.float64)),
            span=np.concatenate((self._span, np.zeros(self._lanes - count, np.int64))),
            mix=self._mix.astype(REAL),
        )

    def method(self, point: Iterate, balance: float) -> FlowMethod:
        """Return the method at a point of the orientation, with no flows of demands yet."""
        relaxation, streets = self._relaxation, self._streets
        edges, nodes, lanes = len(streets.start), len(relaxation.streets.degree), self._lanes
        shapes = ((edges, lanes),) * 3 + ((nodes, lanes), (edges, 1), (len(streets.offsets) - 1, lanes), (lanes,))
        sites = np.unique(np.concatenate((relaxation.commodities.sources, relaxation.commodities.targets)))
        demand = np.zeros((len(sites), lanes), REAL)
        each = np.arange(len(self._units))
        demand[np.searchsorted(sites, self._sources), each] -= self._units
        demand[np.searchsorted(sites, self._targets), each] += self._units
        start = FlowPoint(*(np.zeros(shape, REAL) for shape in shapes))
        return FlowMethod(
            relaxation.streets, relaxation.demand, (point, start), balance, flows=streets, flow_demand=demand
        )

    def best_evaluation(self, method: FlowMethod) -> Evaluation:
        """Return the better of two Lagrangians: at the point's potentials, and at distances by its multipliers."""
        relaxation, commodities, point = self._relaxation, self._relaxation.commodities, method.flow_point
        count = len(self._units)
        link, street, loss = (
            np.maximum(0.0, part.astype(np.float64))
            for part in (point.link[:, :count], point.street[:, :count], point.loss[:count])
        )
        rows = _Rows(
            per_db=np.where(np.isfinite(self._limits_db), loss, 0.0),
            fiber=np.where(self._room > 0.0, np.maximum(0.0, point.fiber[:, 0].astype(np.float64)), 0.0),
            street=street * (self._units > 1.0),
        )
        clipped = clipped_heights(method.point.height[:, relaxation.lanes], commodities.sources, commodities.targets)
        flow_clipped = clipped_heights(point.height[:, :count], self._sources, self._targets)
        found = self._evaluate(clipped, flow_clipped, rows)
        costs = self._costs(rows)
        pull = self._pressures(link, rows)
        links, kept = trimmed_links(relaxation, method.point, pull)
        distances = route_potentials(relaxation.adjacency, links, commodities.sources, commodities.targets)
        costs += link * kept[:, None]
        both = np.repeat(np.where(self._open, costs, np.inf)[:, None, :], 2, axis=1)
        flow_distances = route_potentials(relaxation.adjacency, both, self._sources, self._targets)
        other = self._evaluate(distances, flow_distances, rows)
        return other if other.value >= found.value else found

    def _costs(self, rows: _Rows) -> Floats:
        """Return (edges, demands): what one unit pays on each edge, without the link to the network."""
        flows, street = self._flows, self._flows.street
        costs = np.outer(self._toll, self._share) + np.outer(flows.loss_db, rows.per_db)
        costs += np.outer(rows.fiber * self._room, self._claim)
        on_streets = street >= 0
        costs[on_streets] += rows.street[street[on_streets]]
        return costs

    def _pressures(self, links: Floats, rows: _Rows) -> Floats:
        """Return (layers, edges): what the flows of demands would give for an edge in each layer."""
        sums = np.stack([links[:, self._span == time].sum(axis=1) for time in range(len(self._mix))])
        sums[0] += rows.fiber
        return np.asarray(self._mix.T @ sums, dtype=np.float64)

    def _evaluate(self, potentials: Floats, flow_potentials: Floats, rows: _Rows) -> Evaluation:
        """Return the Lagrangian at the least multipliers of links that potentials allow."""
        relaxation, commodities, streets = self._relaxation, self._relaxation.commodities, self._relaxation.streets
        each, own = np.arange(len(commodities.sources)), np.arange(len(self._units))
        costs = self._costs(rows)
        rises = np.abs(flow_potentials[streets.end] - flow_potentials[streets.start])
        links = np.where(self._open, np.maximum(0.0, rises - costs), 0.0)
        lengths = potentials[commodities.targets, each] - potentials[commodities.sources, each]
        ways = self._units * (flow_potentials[self._targets, own] - flow_potentials[self._sources, own])
        spent = -rows.per_db * np.where(np.isfinite(self._limits_db), self._limits_db, 0.0)
        pressures = np.asarray(edge_pressures(streets.start, streets.end, potentials, commodities.first))
        errors = ROUNDING * (len(own) + 8) * np.where(self._open, costs + rises, 0.0).sum(axis=1)
        return lagrangian(
            relaxation,
            np.concatenate((lengths, ways, spent, -rows.street.ravel())),
            pressures + self._pressures(links, rows),
            errors,
        )

    def relaxed_price(self, method: FlowMethod) -> float:
        """Return the tolls of a point's flows: no bound, but near the optimum's once the method has settled."""
        point, count = method.flow_point, len(self._units)
        flow = (point.ahead[:, :count] + point.back[:, :count]).astype(np.float64)
        return float(self._toll @ flow @ self._share) * self._relaxation.scale


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Rows:
    """Multipliers of rows that couple edges or demands, none negative."""

    per_db: Floats
    fiber: Floats
    street: Floats


def _mix(relaxation: Relaxation, years: Floats, phases: Integers) -> tuple[Floats, Integers]:
    """Return the part of its time in which a demand sees each layer, by first phase, and each demand's row.

    The first row is that of the earliest demands.
    """
    firsts = np.unique(phases)
    layers = np.searchsorted(relaxation.commodities.phases, np.arange(len(years)), side="right") - 1
    mix = np.zeros((len(firsts), relaxation.commodities.layers))
    for row, first in enumerate(firsts.tolist()):
        np.add.at(mix[row], layers[first:], years[first:] / years[first:].sum())
    return mix, np.searchsorted(firsts, phases)


def _open_edges(relaxation: Relaxation, flows: DemandFlows) -> NDArray[np.bool_]:
    """Return (edges, demands): whether an edge lies on a walk between a demand's ends within its reach."""
    streets = relaxation.streets
    losses = np.repeat(flows.loss_db[:, None, None], 2, axis=1)
    columns: list[NDArray[np.bool_]] = []
    for demand in flows.demands:
        if not math.isfinite(demand.reach_db):
            columns.append(np.ones(len(flows.loss_db), dtype=np.bool_))
            continue
        near, far = (distances_from(relaxation.adjacency, losses, 0, end, -1) for end in (demand.source, demand.target))
        least = np.minimum(near[streets.start] + far[streets.end], near[streets.end] + far[streets.start])
        columns.append(least + flows.loss_db <= demand.reach_db)
    return np.stack(columns, axis=1)
