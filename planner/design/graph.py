"""The network as arrays for searching: arcs in both directions of every span that may be used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from planner.network import Floats, Integers, Network
from planner.scenario import Demand, Scenario


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class DesignGraph:
    """Arcs of the usable spans, grouped by their tail node, and what searches ask about spans and sites."""

    nodes: int
    spans: int
    first_arc: Integers
    """Arcs of node `v` are `first_arc[v]` to `first_arc[v + 1]`."""
    head: Integers
    arc_span: Integers
    arc_reverse: Integers
    """Index of the same span's arc in the other direction."""
    span_loss_db: Floats
    """Loss of a span with half of the joints at its two nodes, so that a walk's losses add up."""
    span_joint_db: Floats
    """The part of it that comes from the joints."""
    site_node: Mapping[str, int]
    """Node of every site, by site id."""


def design_graph(network: Network) -> DesignGraph:
    """Return the search graph of a network: spans where digging is forbidden are left out."""
    spans = network.spans
    is_usable = np.array(
        [medium != "trench" or bool(ok) for medium, ok in zip(spans.medium, spans.buildable, strict=True)]
    )
    is_usable &= (spans.start != spans.end) & (spans.max_fibers > 0)
    used = np.flatnonzero(is_usable).astype(np.int64)
    tails = np.concatenate([spans.start[used], spans.end[used]])
    heads = np.concatenate([spans.end[used], spans.start[used]])
    order = np.argsort(tails, kind="stable")
    position = np.empty_like(order)
    position[order] = np.arange(len(order))
    partner = np.concatenate([np.arange(len(used)) + len(used), np.arange(len(used))])
    joints = network.nodes.joint_loss_db
    joint_db = 0.5 * (joints[spans.start] + joints[spans.end])
    return DesignGraph(
        nodes=len(network.nodes),
        spans=len(spans),
        first_arc=np.searchsorted(tails[order], np.arange(len(network.nodes) + 1)).astype(np.int64),
        head=heads[order],
        arc_span=np.concatenate([used, used])[order],
        arc_reverse=position[partner[order]],
        span_loss_db=spans.loss_db + joint_db,
        span_joint_db=joint_db,
        site_node={site.id: site.node for site in network.sites},
    )


def sites_that_host(scenario: Scenario, role: str, demand: Demand | None = None) -> tuple[str, ...]:
    """Return the ids of the sites at which a station of this role may stand, sorted; those guarded as `demand` asks."""
    least = 0 if demand is None else demand.min_security_class
    return tuple(site.id for site in scenario.sites if role in site.hosts and site.security_class >= least)
