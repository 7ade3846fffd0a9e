"""From a scenario to its network: read, check, project, annotate, in this order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from planner.fixed import fixed_parts
from planner.geodata.alongside import duct_risk_groups
from planner.geodata.buildings import read_buildings
from planner.geodata.candidates import Surroundings, find_candidates
from planner.geodata.ducts import Ducts, duct_notes, read_ducts
from planner.geodata.handholes import (
    Handholes,
    LaidDucts,
    lay_ducts,
    main_part,
    parts_with_ducts,
    place_handholes,
)
from planner.geodata.hops import Hop, find_hops
from planner.geodata.lines import Flags
from planner.geodata.noding import Blocks, node_streets, unique_names
from planner.geodata.osm import read_osm_streets
from planner.geodata.overrides import with_overrides
from planner.geodata.parallel import with_parallel_risks
from planner.geodata.region import metric_projection
from planner.geodata.rightofway import Ground, annotate_ground
from planner.geodata.rooftops import Surroundings as Views
from planner.geodata.rooftops import check_hops, find_sightlines, read_surroundings
from planner.geodata.shared_places import shared_places
from planner.geodata.sites import find_street_feet, network_sites, site_notes
from planner.geodata.snapping import Pieces, StreetPlan, cut_blocks, draw_streets, join_feet
from planner.geodata.spans import assemble_spans, duct_table, hop_table, trench_table
from planner.geodata.streets import Streets, file_kind, read_feature_streets
from planner.geodata.wording import counted, listed
from planner.network import Floats, Integers, Network, NetworkSite, Nodes, Spans, with_digest
from planner.scenario import Scenario

READERS = {"osm": read_osm_streets, "features": read_feature_streets}
"""How each kind of file of streets is read."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Region:
    """What the layers say about a region, before anything is joined."""

    streets: Streets
    plan: StreetPlan
    ground: Ground
    ducts: Ducts
    handholes: Handholes
    in_main_part: Flags
    """Blocks of the largest part that streets and ducts connect."""
    notes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Joined:
    """The region with its ducts and sites joined to the streets."""

    pieces: Pieces
    nodes: Floats
    laid: LaidDucts
    sites: tuple[NetworkSite, ...]
    views: Views | None
    """What may stand in the way of hops, where there are any to judge or to find."""
    notes: tuple[str, ...]
    attributions: tuple[str, ...]


def build_network(scenario: Scenario) -> Network:
    """Return what the region of a scenario offers: spans with loss, prices and risk groups, and where sites join them.

    A pure function of the scenario and the files that it names. `notes` of the network say what was repaired, left
    out or is not in the data. Raises InputError, located, for files that cannot be read, layers that lie elsewhere,
    sites without a street, and hops that are too long.
    """
    region = _read_region(scenario)
    found, found_notes = find_candidates(
        Surroundings(
            scenario=scenario,
            plan=region.plan,
            ground=region.ground,
            usable=region.in_main_part,
            handholes=region.handholes,
        )
    )
    scenario = scenario.with_sites(found)
    joined = _join(scenario, region)
    hops, hop_notes, view_attributions = _look_for_hops(scenario, joined)
    settled = with_overrides(scenario, _spans(scenario, region, joined, hops), region.plan.projection)
    spans, risk_notes = _with_found_risks(scenario, settled.spans, region.plan)
    layers = (region.streets.attribution, *region.ground.attributions, *region.ducts.attributions)
    layers += (*joined.attributions, *view_attributions, *settled.attributions)
    network = with_digest(
        Network(
            title=scenario.spec.title,
            scenario_digest=scenario.digest,
            nodes=_nodes(scenario, joined),
            spans=spans,
            sites=joined.sites,
            notes=tuple(
                dict.fromkeys(
                    (
                        *scenario.notes,
                        *region.notes,
                        *joined.laid.notes,
                        *found_notes,
                        *site_notes(joined.sites),
                        *joined.notes,
                        *hop_notes,
                        *settled.notes,
                        *risk_notes,
                    )
                )
            ),
            attributions=tuple(dict.fromkeys(text for text in layers if text)),
            hops=tuple(hop.candidate for hop in hops),
            found_sites=found,
        )
    )
    fixed_parts(network, scenario)  # names that are not there are told now, not after a search
    return network


def _spans(scenario: Scenario, region: _Region, joined: _Joined, hops: Sequence[Hop]) -> Spans:
    """Return trenches, ducts, leases and hops in one table."""
    records = [region.ducts.records[record] for record in joined.laid.records.tolist()]
    groups = duct_risk_groups(records, joined.laid, region.streets, region.plan, joined.pieces)
    tables = (
        trench_table(scenario, region.streets, region.plan.blocks, region.ground, joined.pieces),
        duct_table(scenario, records, joined.laid, groups),
        hop_table(scenario, hops),
    )
    return assemble_spans(tables, str(scenario.path))


def _look_for_hops(scenario: Scenario, joined: _Joined) -> tuple[tuple[Hop, ...], tuple[str, ...], tuple[str, ...]]:
    """Return declared and found hops, notes about them, and attributions of the layers that were looked at."""
    if joined.views is None:
        hops, notes = find_hops(scenario, joined.sites)
        return hops, notes, ()
    found = find_sightlines(scenario, joined.views)
    hops, notes = find_hops(scenario, joined.sites, found)
    if scenario.spec.free_space_search is not None:
        notes = (*notes, f"free-space search: {counted(len(found), 'clear line')} between the sites, none surveyed")
    views, attributions = check_hops(scenario, hops, joined.views)
    return hops, (*notes, *views), attributions


def _with_found_risks(scenario: Scenario, spans: Spans, plan: StreetPlan) -> tuple[Spans, tuple[str, ...]]:
    """Return the spans with the risk groups that the scenario asks to find from geometry."""
    within_m = scenario.spec.layers.parallel_within_m
    return (spans, ()) if within_m is None else with_parallel_risks(spans, plan.projection, within_m)


def _read_region(scenario: Scenario) -> _Region:
    """Return all layers, read and checked, streets split into blocks and their ground annotated."""
    layer, extent = scenario.spec.layers.streets, scenario.spec.extent
    path = scenario.folder / layer.path
    streets = READERS["features" if layer.is_database else file_kind(path)](path, layer)
    noded = node_streets(streets, extent, str(path))
    plan = draw_streets(noded.blocks, metric_projection(extent))
    ground = annotate_ground(scenario, streets, plan)
    ducts = read_ducts(scenario)
    handholes = place_handholes(ducts, plan, scenario.spec.max_snap_m)
    parts = parts_with_ducts(plan, handholes, ground.buildable)
    in_main_part = parts == main_part(parts, plan.blocks.lengths_m)
    notes = (
        *_street_notes(path.name, streets, noded.blocks),
        *_part_notes(parts, in_main_part, plan.blocks.lengths_m, with_hops=_has_hops(scenario)),
        *streets.notes,
        *noded.notes,
        *ground.notes,
        *_duct_notes(ducts, streets, noded.blocks),
        *handholes.notes,
    )
    return _Region(
        streets=streets,
        plan=plan,
        ground=ground,
        ducts=ducts,
        handholes=handholes,
        in_main_part=in_main_part,
        notes=notes,
    )


def _join(scenario: Scenario, region: _Region) -> _Joined:
    """Return the streets cut where handholes and sites meet them, the ducts between nodes, and the sites."""
    handhole_feet = [foot for foot in region.handholes.feet if foot is not None]
    site_feet = find_street_feet(scenario, region.plan, region.in_main_part, region.ground.buildable)
    feet_nodes, cuts = join_feet(region.plan, [*handhole_feet, *site_feet])
    pieces = cut_blocks(region.plan, cuts)
    handhole_nodes, nodes = _handhole_nodes(region.handholes, feet_nodes, pieces.nodes)
    projection, views, buildings = region.plan.projection, None, None
    if scenario.spec.layers.buildings:
        views = read_surroundings(scenario, projection) if _has_hops(scenario) else None
        buildings = read_buildings(scenario, projection) if views is None else views.buildings
    shared, notes = shared_places(scenario, buildings, projection)
    sites = network_sites(scenario, feet_nodes[len(handhole_feet) :], nodes)
    return _Joined(
        pieces=pieces,
        nodes=nodes,
        laid=lay_ducts(region.ducts, region.handholes, handhole_nodes, nodes),
        sites=tuple(replace(site, risk_groups=shared.get(site.id, ())) for site in sites),
        views=views,
        notes=notes,
        attributions=() if buildings is None else buildings.attributions,
    )


def _handhole_nodes(handholes: Handholes, feet_nodes: Sequence[int], nodes: Floats) -> tuple[Integers, Floats]:
    """Return the node of every handhole, and all nodes with those of handholes that stand alone behind them."""
    remaining = iter(feet_nodes)
    found: list[int] = []
    alone: list[Floats] = []
    for junction, foot, place in zip(handholes.junctions, handholes.feet, handholes.places, strict=True):
        if foot is not None:
            found.append(next(remaining))
        elif junction >= 0:
            found.append(junction)
        else:
            found.append(len(nodes) + len(alone))
            alone.append(place)
    added = np.array(alone, dtype=np.float64).reshape(-1, 2)
    return np.array(found, dtype=np.int64), np.concatenate((nodes, added))


def _nodes(scenario: Scenario, joined: _Joined) -> Nodes:
    """Return the nodes, named by their place; a site that is a handhole too keeps the loss of the joint."""
    is_handhole = np.zeros(len(joined.nodes), dtype=np.bool_)
    is_handhole[joined.laid.start] = is_handhole[joined.laid.end] = True
    kinds = ["handhole" if flag else "junction" for flag in is_handhole.tolist()]
    for site in joined.sites:
        kinds[site.node] = "site"
    joint_db = scenario.hardware.fibers[scenario.spec.fiber].joint_loss_db
    return Nodes(
        ids=unique_names(f"{lon:.7f},{lat:.7f}" for lon, lat in joined.nodes.tolist()),
        lon_deg=joined.nodes[:, 0].copy(),
        lat_deg=joined.nodes[:, 1].copy(),
        kinds=tuple(kinds),
        joint_loss_db=np.where(is_handhole, joint_db, 0.0),
    )


def _street_notes(name: str, streets: Streets, blocks: Blocks) -> list[str]:
    """Return how many streets there are, and what is known of bridges and tunnels."""
    owners = blocks.streets.tolist()
    km = blocks.lengths_m.sum() / 1000.0
    count = len({streets.ids[owner] for owner in owners})
    notes = [
        f"{name}: {counted(count, 'street')}, {km:,.1f} km, in {counted(len(blocks.ids), 'block')} between junctions"
    ]
    structures = sum(bool(streets.structures[owner]) for owner in owners)
    if structures:
        notes.append(
            f"{counted(structures, 'block')} on bridges or in tunnels; those of one structure share a risk group"
        )
    else:
        notes.append("no bridges or tunnels in the data: what streets share there is not known as a risk")
    return notes


def _has_hops(scenario: Scenario) -> bool:
    return bool(scenario.spec.free_space) or scenario.spec.free_space_search is not None


def _part_notes(parts: Integers, in_main_part: Flags, lengths_m: Floats, *, with_hops: bool) -> list[str]:
    """Return how much street that may be dug is not connected to the largest part."""
    is_dug = parts >= 0
    count = len(np.unique(parts[is_dug]))
    closed_m = lengths_m[~is_dug].sum()
    closed = f"; digging is forbidden in {closed_m / 1000.0:,.1f} km of others" if closed_m else ""
    if count <= 1:
        return [f"all streets {'that may be dug ' if closed_m else ''}are connected{closed}"]
    outside_m = lengths_m[is_dug & ~in_main_part].sum()
    return [
        f"streets and ducts form {counted(count, 'part')} without connection; "
        f"{outside_m / lengths_m[is_dug].sum():.2%} of the length ({outside_m / 1000.0:,.1f} km) lie outside the "
        f"largest, and {'only a site that a hop may reach' if with_hops else 'no site'} is joined there{closed}"
    ]


def _duct_notes(ducts: Ducts, streets: Streets, blocks: Blocks) -> list[str]:
    """Return what was read of ducts, and which of their streets are not in the street layer."""
    if not ducts.records:
        return []
    known = {*streets.ids, *blocks.ids}
    strange = {name for record in ducts.records for name in record.streets if name not in known}
    notes = [
        f"{counted(len({record.id for record in ducts.records}), 'duct')} read",
        *ducts.notes,
        *duct_notes(ducts.records),
    ]
    if strange:
        notes.append(f"ducts name {counted(len(strange), 'street')} that the layer of streets lacks: {listed(strange)}")
    return notes
