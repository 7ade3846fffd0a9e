"""The bound on lines when routes pay and obey things of their own: leases, loss limits, scarce fibers.

Beside the orientation of the street graph every demand has a flow of its own (`demand_flows.py`). A duct along streets
is an alternative in each of these streets, with its part of the duct's price, lease and loss; two routes of a demand
use at most one alternative.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.design.demand_flows import DemandFlow, DemandFlows
from planner.design.orientation import OrientationBound, OrientationProblem, bound_orientation
from planner.design.reduction import ReducedGraph, reduce_graph
from planner.network import Floats, Integers, Network

PLENTY = 1_000_000
"""Fibers of an edge where they never run out."""
MAX_STEPS = 8_000
SETTLED = 5e-4
"""Share of the bound by which it may lie below the relaxation's optimum when the run ends."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class RoutedLines:
    """Edges of the street graph with what they cost and hold; ducts along streets beside these."""

    start: Integers
    end: Integers
    prices: Floats
    """(phases, edges), without leases."""
    lease_per_fiber_year: Floats
    loss_db: Floats
    max_fibers: Integers
    street: Integers
    """Number of the street in which an edge is an alternative, or -1."""
    spans: Integers
    """Span that each edge stands for, or is a part of."""

    @property
    def is_special(self) -> NDArray[np.bool_]:
        """Return a flag for each edge that must stay an edge of its own."""
        return (self.lease_per_fiber_year > 0.0) | (self.max_fibers < PLENTY) | (self.street >= 0)


def routed_lines(
    network: Network, floor: Floats, usable: NDArray[np.bool_], ducts: Mapping[int, Integers], most_fibers: int
) -> RoutedLines:
    """Return the edges of a network, of which each span costs at least its `floor` by phase.

    `most_fibers` is what all routes together could take on one span.
    """
    spans = network.spans
    along = [(duct, streets) for duct, streets in sorted(ducts.items()) if usable[duct]]
    own = np.flatnonzero(usable)
    own = own[~np.isin(own, np.array(sorted(ducts), dtype=np.int64))]
    parts = np.concatenate([own, *(np.full(len(streets), duct) for duct, streets in along)]).astype(np.int64)
    places = np.concatenate([own, *(streets for _, streets in along)]).astype(np.int64)
    shares = [spans.length_km[streets] / spans.length_km[streets].sum() for _, streets in along]
    share = np.concatenate([np.ones(len(own)), *shares])
    joints = network.nodes.joint_loss_db
    span_loss_db = spans.loss_db + 0.5 * (joints[spans.start] + joints[spans.end])
    shared = np.unique(places[len(own) :])
    # a new trench takes as many cables as are wanted, near enough: a row for every street would slow the whole
    is_found = np.array([spans.medium[part] != "trench" for part in parts.tolist()], dtype=np.bool_)
    return RoutedLines(
        start=spans.start[places],
        end=spans.end[places],
        prices=np.ascontiguousarray(floor[:, parts] * share),
        lease_per_fiber_year=spans.lease_per_fiber_year[parts] * share,
        loss_db=span_loss_db[parts] * share,
        max_fibers=np.where(is_found & (spans.max_fibers[parts] < most_fibers), spans.max_fibers[parts], PLENTY),
        street=np.where(np.isin(places, shared), np.searchsorted(shared, places), -1),
        spans=parts,
    )


def bound_routed_lines(
    network: Network,
    lines: RoutedLines,
    needs: list[tuple[int, int, int, int]],
    flows: list[DemandFlow],
    years: Floats,
    hear: Callable[[float], bool],
) -> tuple[OrientationBound, ReducedGraph]:
    """Return the bound on what lines and leases cost, and the graph of its edges.

    `needs` are the demands of the orientation and `flows` those with routes of their own, in the network's nodes;
    `years` is the present worth of one unit a year in each phase. `hear(bound)` may end the run by returning False.
    """
    reduced = _reduced(network, lines, [node for need in needs for node in need[:2]])
    at = reduced.node_indices
    problem = OrientationProblem(
        nodes=reduced.nodes,
        start=reduced.start,
        end=reduced.end,
        prices=np.ascontiguousarray(reduced.prices[: len(lines.prices)]),
        demands=tuple(dict.fromkeys((int(at[a]), int(at[b]), routes, phase) for a, b, routes, phase in needs)),
    )
    special = lines.is_special[reduced.members[reduced.offsets[:-1]]]
    member = reduced.members[reduced.offsets[:-1]]
    assert reduced.losses_db is not None
    program = DemandFlows(
        demands=tuple(flow.between(int(at[flow.source]), int(at[flow.target])) for flow in flows),
        lease_per_fiber_year=np.where(special, lines.lease_per_fiber_year[member], 0.0),
        loss_db=reduced.losses_db,
        max_fibers=np.where(special, lines.max_fibers[member], PLENTY),
        street=_numbered(np.where(special, lines.street[member], -1)),
        years=years,
    )
    found = bound_orientation(
        problem,
        max_steps=MAX_STEPS,
        target_gap=SETTLED,
        flows=program,
        on_progress=lambda *told: hear(told[1]),
    )
    return found, reduced


def _reduced(network: Network, lines: RoutedLines, terminals: list[int]) -> ReducedGraph:
    """Return a smaller graph in which special edges are left as they are, none of them dominated by others."""
    special, count = lines.is_special, len(lines.start)
    marks = np.zeros((2, count))
    marks[:, special] = np.arange(1, count + 1)[special], count + 1 - np.arange(1, count + 1)[special]
    kept = np.unique(np.concatenate((terminals, lines.start[special], lines.end[special])).astype(np.int64))
    rows = np.concatenate((lines.prices, marks))
    return reduce_graph(len(network.nodes), lines.start, lines.end, rows, kept, losses_db=lines.loss_db)


def _numbered(streets: Integers) -> Integers:
    """Return the numbers of streets without gaps; those with one alternative left get -1."""
    counts = np.bincount(np.maximum(streets, 0), weights=streets >= 0)
    several = np.flatnonzero(counts > 1)
    return np.where(np.isin(streets, several), np.searchsorted(several, streets), -1)
