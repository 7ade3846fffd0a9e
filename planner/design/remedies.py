"""What would make a demand possible that is not: the cheapest single change of each kind, found by trying it.

Each change is tried on the demand alone: whether all demands then fit together is for a new run to say.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from planner import costs
from planner.design.blocks import connected_parts, two_route_parts
from planner.design.graph import DesignGraph, design_graph
from planner.design.ledger import Ledger, PriceTable
from planner.design.paths import disjoint_pair, shortest_trees, walk_to
from planner.design.pricing import RouteSearch
from planner.design.routes import Candidate, RouteJudge
from planner.design.settled import SettledWorld
from planner.design.stretches import stretches
from planner.errors import Change
from planner.network import Floats, Network, NetworkSite, Spans
from planner.physics.fiber import span_loss_db
from planner.scenario import Demand, Scenario, Site, Technology

Flags = NDArray[np.bool_]

HALVINGS = 9
"""Times that the range of a rate or fidelity is cut to find the highest that can be had."""
LOWEST_RATE_SHARE = 1e-6
RATES = {"min_rate_hz": "pairs", "min_key_rate_bps": "key bits", "min_ebit_rate_hz": "ebits"}
"""What a demand may ask for, and what it counts."""
LOWEST_FIDELITY = 0.51
MOST_LINKS = 8
SHORTEST_LINK_KM = 0.001
KM_PER_DEGREE = 111.195
RARELY = 1e-6
NEW_SITE = "new-site"


def demand_changes(world: SettledWorld, demand: Demand) -> tuple[Change, ...]:
    """Return the changes that were found to make a demand possible by itself, each kind's cheapest, the cheap first."""
    kinds = (
        _fewer_routes,
        _lower_rate,
        _lower_fidelity,
        _lower_class,
        _trust_nodes,
        _one_more_link,
        _one_more_site,
        _open_span,
        _new_link,
    )
    found = [change for kind in kinds for change in kind(world, demand)]
    return tuple(sorted(found, key=lambda change: (change.cost or 0.0, change.kind)))


def _service(world: SettledWorld, demand: Demand) -> tuple[float, tuple[Candidate, ...]] | None:
    """Return the cheapest service found for a demand alone, and its present cost; None where none is found."""
    prices = PriceTable(world.network, world.scenario)
    search = RouteSearch(design_graph(world.network), RouteJudge(world.network, world.scenario))
    ledger = Ledger(prices, world.past)
    before = ledger.cost()
    found: list[Candidate] = []
    for part in stretches(world.scenario, demand):
        routes = search.cheapest_service(part, ledger)
        if routes is None:
            return None
        ledger.add(part.id, routes)
        found += routes
    return ledger.cost() - before, tuple(found)


def _money(world: SettledWorld, amount: float) -> str:
    return f"{amount:,.0f} {world.scenario.spec.currency}"


def _asking(world: SettledWorld, demand: Demand) -> SettledWorld:
    """Return the world in which a demand asks for something else."""
    spec = world.scenario.spec
    demands = tuple(demand if item.id == demand.id else item for item in spec.demands)
    scenario = replace(world.scenario, spec=spec.model_copy(update={"demands": demands}))
    return replace(world, scenario=scenario)


def _fewer_routes(world: SettledWorld, demand: Demand) -> Iterator[Change]:
    """Yield what sharing the unavoidable, or one route less, would allow."""
    if demand.routes < 2:
        return
    changes: list[tuple[str, str, dict[str, Any]]]
    changes = [("share what cannot be avoided", "redundancy: maximal", {"redundancy": "maximal"})]
    changes += [("one route less", f"routes: {demand.routes - 1}", {"routes": demand.routes - 1})]
    for kind, words, update in changes:
        if all(getattr(demand, key) == value for key, value in update.items()):
            continue
        changed = demand.model_copy(update=update)
        found = _service(_asking(world, changed), changed)
        if found is not None:
            text = f"demand {demand.id} with {words}: possible, alone for {_money(world, found[0])}"
            yield Change(kind=kind, change=text, demand=demand.id, cost=found[0])


def _lower_rate(world: SettledWorld, demand: Demand) -> Iterator[Change]:
    """Yield the highest rate found at which the demand is possible."""
    full = {name: float(getattr(demand, name)) for name in (*RATES, "backup_min_rate_hz") if getattr(demand, name)}

    def asking(share: float) -> Demand:
        return demand.model_copy(update={name: rate * share for name, rate in full.items()})

    best, low, high = None, LOWEST_RATE_SHARE, 1.0
    for step in range(HALVINGS):
        share = low if step == 0 else math.sqrt(low * high)
        found = _service(_asking(world, asking(share)), asking(share))
        if found is None and step == 0:
            return
        if found is None:
            high = share
        else:
            low, best = share, (share, found[0])
    if best is not None:
        told = (
            f"{_rounded_down(full[name] * best[0]):g} instead of {full[name]:g} {unit} per second"
            for name, unit in RATES.items()
            if name in full
        )
        text = f"demand {demand.id} at {' and '.join(told)}: possible, alone "
        yield Change(kind="lower rate", change=f"{text}for {_money(world, best[1])}", demand=demand.id, cost=best[1])


def _lower_fidelity(world: SettledWorld, demand: Demand) -> Iterator[Change]:
    """Yield the highest fidelity found at which the demand is possible."""

    def asking(fidelity: float) -> Demand:
        lower = {"min_fidelity": fidelity}
        if demand.backup_min_fidelity is not None:
            lower["backup_min_fidelity"] = min(fidelity, demand.backup_min_fidelity)
        return demand.model_copy(update=lower)

    best, low, high = None, LOWEST_FIDELITY, demand.min_fidelity
    for step in range(HALVINGS):
        fidelity = low if step == 0 else 0.5 * (low + high)
        found = _service(_asking(world, asking(fidelity)), asking(fidelity))
        if found is None and step == 0:
            return
        if found is None:
            high = fidelity
        else:
            low, best = fidelity, (fidelity, found[0])
    if best is not None:
        reached = math.floor(1000.0 * best[0]) / 1000.0
        text = f"demand {demand.id} at fidelity {reached:g} instead of {demand.min_fidelity:g}: possible, alone for "
        yield Change(kind="lower fidelity", change=text + _money(world, best[1]), demand=demand.id, cost=best[1])


def _lower_class(world: SettledWorld, demand: Demand) -> Iterator[Change]:
    """Yield the highest security class, below the one asked for, at which the demand is possible."""
    classes = {site.security_class for site in world.scenario.sites} | {0}
    for lower in sorted((item for item in classes if item < demand.min_security_class), reverse=True):
        changed = demand.model_copy(update={"min_security_class": lower})
        found = _service(_asking(world, changed), changed)
        if found is not None:
            text = f"demand {demand.id} with stations of security class {lower} instead of "
            text += f"{demand.min_security_class}: possible, alone for {_money(world, found[0])}"
            yield Change(kind="lower security class", change=text, demand=demand.id, cost=found[0])
            return


def _trust_nodes(world: SettledWorld, demand: Demand) -> Iterator[Change]:
    """Yield whether a demand for key alone is possible where stations on the way may know the key."""
    trusting = {"trusted_nodes": True, "min_rate_hz": 0.0, "min_ebit_rate_hz": None}
    changed = demand.model_copy(update=trusting)
    if demand.trusted_nodes or not demand.min_key_rate_bps:
        return
    found = _service(_asking(world, changed), changed)
    if found is not None:
        text = f"demand {demand.id} for key alone, over trusted nodes: possible, alone for {_money(world, found[0])}"
        yield Change(kind="allow trusted nodes", change=text, demand=demand.id, cost=found[0])


def _one_more_link(world: SettledWorld, demand: Demand) -> Iterator[Change]:
    """Yield the smallest number of links above a technology's limit with which the demand is possible."""
    spec = world.scenario.spec
    for technology in (item for item in spec.technologies if item.memory is not None or item.trusted_nodes):
        for links in range(technology.max_links + 1, MOST_LINKS + 1):
            longer = technology.model_copy(update={"max_links": links})
            found = _service(_with_technology(world, longer), demand)
            if found is not None and any(route.route.technology == technology.id for route in found[1]):
                text = f"{technology.id} with max_links {links} instead of {technology.max_links}: demand {demand.id} "
                text += f"is possible, alone for {_money(world, found[0])}"
                yield Change(kind="more links", change=text, demand=demand.id, cost=found[0])
                return


def _with_technology(world: SettledWorld, technology: Technology) -> SettledWorld:
    spec = world.scenario.spec
    changed = tuple(technology if item.id == technology.id else item for item in spec.technologies)
    scenario = replace(world.scenario, spec=spec.model_copy(update={"technologies": changed}))
    return replace(world, scenario=scenario)


def _one_more_site(world: SettledWorld, demand: Demand) -> Iterator[Change]:
    """Yield a site for a repeater or a middle half-way, in loss, along the least lossy way, if it makes it possible."""
    network, graph = world.network, design_graph(world.network)
    a, b = (graph.site_node[end] for end in (demand.a, demand.b))
    distance, parents = shortest_trees(graph, graph.span_loss_db, np.array([a, b], dtype=np.int64))
    if not np.isfinite(distance[0, b]):
        return
    columns, nodes = network.spans, [a]
    for span in walk_to(graph, parents[0], b):
        nodes.append(int(columns.end[span]) if nodes[-1] == int(columns.start[span]) else int(columns.start[span]))
    taken = {site.node for site in network.sites}
    free = [node for node in nodes if node not in taken]
    if not free:
        return
    node = min(free, key=lambda at: (max(float(distance[0, at]), float(distance[1, at])), at))
    lon_deg, lat_deg = float(network.nodes.lon_deg[node]), float(network.nodes.lat_deg[node])
    least = demand.min_security_class
    found = _service(_with_site(world, node, lon_deg, lat_deg, security_class=least), demand)
    if found is not None and any(station.site == NEW_SITE for r in found[1] for station in r.route.stations):
        guarded = f" of security class {least}" if least else ""
        text = (
            f"a site for stations{guarded} at {lon_deg:.5f}, {lat_deg:.5f}: demand {demand.id} is possible, alone for "
        )
        yield Change(
            kind="one more site",
            change=text + _money(world, found[0]),
            demand=demand.id,
            cost=found[0],
            lon_deg=lon_deg,
            lat_deg=lat_deg,
        )


def _with_site(world: SettledWorld, node: int, lon_deg: float, lat_deg: float, *, security_class: int) -> SettledWorld:
    """Return the world with one more hut, with the shelter that most sites of repeaters have."""
    scenario = world.scenario
    shelters = [site.shelter for site in scenario.sites if site.shelter is not None and "end" not in site.hosts]
    site = Site(
        id=NEW_SITE,
        name="a new site",
        kind="hut",
        lon_deg=lon_deg,
        lat_deg=lat_deg,
        hosts=("repeater", "pair_source", "heralding", "trusted_node"),
        shelter=max(sorted(set(shelters)), key=shelters.count, default=None),
        security_class=security_class,
    )
    joined = NetworkSite(id=NEW_SITE, node=node, lateral_km=0.0, lateral_loss_db=0.0, lateral_capex=0.0)
    return replace(
        world,
        scenario=replace(scenario, sites=tuple(sorted((*scenario.sites, site), key=lambda item: item.id))),
        network=replace(world.network, sites=(*world.network.sites, joined)),
    )


def _open_span(world: SettledWorld, demand: Demand) -> Iterator[Change]:
    """Yield the street or duct that is closed or full today and whose opening alone makes the demand possible."""
    spans = world.network.spans
    opened = replace(
        world.network,
        spans=replace(spans, buildable=np.ones_like(spans.buildable), max_fibers=np.maximum(spans.max_fibers, 96)),
    )
    graph = design_graph(opened)
    usable = np.zeros(len(spans), dtype=np.bool_)
    usable[design_graph(world.network).arc_span] = True
    weight = np.where(usable, RARELY, 1.0) + RARELY * spans.length_km
    needed = sorted({span for span in _cheapest_ways(graph, weight, demand) if not usable[span]})
    if len(needed) != 1:
        return
    span = needed[0]
    one = replace(
        world.network,
        spans=replace(
            spans,
            buildable=np.where(np.arange(len(spans)) == span, True, spans.buildable),
            max_fibers=np.where(np.arange(len(spans)) == span, np.maximum(spans.max_fibers, 96), spans.max_fibers),
        ),
    )
    found = _service(replace(world, network=one), demand)
    if found is not None:
        lon_deg, lat_deg = (float(value) for value in spans.line(span)[0])
        text = f"open {spans.ids[span]} ({1000.0 * spans.length_km[span]:.0f} m at {lon_deg:.5f}, {lat_deg:.5f}): "
        text += f"demand {demand.id} is possible, alone for {_money(world, found[0])}"
        yield Change(
            kind="open a street or duct", change=text, demand=demand.id, cost=found[0], lon_deg=lon_deg, lat_deg=lat_deg
        )


def _cheapest_ways(graph: DesignGraph, weight: Floats, demand: Demand) -> list[int]:
    """Return the spans of the cheapest path, or of the cheapest two that share no span; none where there is none."""
    a, b = (graph.site_node[end] for end in (demand.a, demand.b))
    if demand.routes > 1:
        pair = disjoint_pair(graph, weight, a, b)
        return [] if pair is None else [*pair[0], *pair[1]]
    distance, parents = shortest_trees(graph, weight, np.array([a], dtype=np.int64))
    return walk_to(graph, parents[0], b) if np.isfinite(distance[0, b]) else []


def _new_link(world: SettledWorld, demand: Demand) -> Iterator[Change]:
    """Yield the shortest straight trench that joins the two sites, or gives them a second way round a bridge."""
    network, graph = world.network, design_graph(world.network)
    parts = _sides(graph, demand)
    if parts is None:
        return
    nodes = network.nodes
    scale = KM_PER_DEGREE * np.array([math.cos(math.radians(float(np.mean(nodes.lat_deg)))), 1.0])
    places = np.column_stack([nodes.lon_deg, nodes.lat_deg]) * scale
    ends = [np.flatnonzero(part) for part in parts]
    apart_km, nearest = cKDTree(places[ends[1]]).query(places[ends[0]])
    apart_km = np.maximum(apart_km, SHORTEST_LINK_KM)  # two nodes may share a place
    at = int(np.argmin(apart_km))
    u, v = int(ends[0][at]), int(ends[1][nearest[at]])
    price = 1000.0 * float(apart_km[at]) * _price_per_m(world.scenario)
    found = _service(replace(world, network=_with_link(world, u, v, float(apart_km[at]), price)), demand)
    if found is None:
        return
    lon_deg, lat_deg = float(nodes.lon_deg[u]), float(nodes.lat_deg[u])
    text = f"build a link of {1000.0 * apart_km[at]:.0f} m, as the crow flies, from {lon_deg:.5f}, {lat_deg:.5f} to "
    text += f"{nodes.lon_deg[v]:.5f}, {nodes.lat_deg[v]:.5f} for about {_money(world, price)}: demand {demand.id} is "
    text += f"possible, alone for {_money(world, found[0])}"
    yield Change(kind="a new link", change=text, demand=demand.id, cost=found[0], lon_deg=lon_deg, lat_deg=lat_deg)


def _sides(graph: DesignGraph, demand: Demand) -> tuple[Flags, Flags] | None:
    """Return flags of the nodes on each side of what is missing; None where nothing of the kind is missing."""
    _, first = np.unique(graph.arc_span, return_index=True)
    start, end = graph.head[graph.arc_reverse[first]], graph.head[first]
    a, b = (graph.site_node[site] for site in (demand.a, demand.b))
    parts = connected_parts(graph.nodes, start, end)
    if parts[a] == parts[b] and demand.routes > 1:
        parts = two_route_parts(graph.nodes, start, end)
    return None if parts[a] == parts[b] else (parts == parts[a], parts == parts[b])


def _with_link(world: SettledWorld, u: int, v: int, length_km: float, price: float) -> Network:
    """Return the network with one more trench, straight between two nodes."""
    spans, nodes = world.network.spans, world.network.nodes
    glass = world.scenario.hardware.fibers[world.scenario.spec.fiber]
    given = {
        "ids": "new-link",
        "start": u,
        "end": v,
        "medium": "trench",
        "length_km": length_km,
        "loss_db": span_loss_db(length_km, glass),
        "trench_capex": price,
        "max_fibers": 96,
        "buildable": True,
        "risk_groups": ("street:new-link",),
    }
    columns: dict[str, Any] = {}
    for field in fields(Spans):
        column = getattr(spans, field.name)
        if isinstance(column, tuple):
            columns[field.name] = (*column, given.get(field.name, ""))
        elif field.name not in ("offsets", "coordinates"):
            columns[field.name] = np.append(column, np.array([given.get(field.name, 0)], dtype=column.dtype))
    ends = [[nodes.lon_deg[u], nodes.lat_deg[u]], [nodes.lon_deg[v], nodes.lat_deg[v]]]
    columns["offsets"] = np.append(spans.offsets, spans.offsets[-1] + 2)
    columns["coordinates"] = np.vstack([spans.coordinates, ends])
    return replace(world.network, spans=Spans(**columns))


def _price_per_m(scenario: Scenario) -> float:
    """Return what a metre of trench with its permit costs in the scenario's density, in an ordinary street."""
    items = scenario.costs.items
    density = scenario.costs.densities[scenario.spec.right_of_way.density].factor
    return items[costs.CIVIL_ITEM].price * density + items["right-of-way-permit"].price


def _rounded_down(value: float) -> float:
    """Return a number rounded down to two significant digits."""
    size = 10.0 ** (math.floor(math.log10(value)) - 1)
    return math.floor(value / size) * size
