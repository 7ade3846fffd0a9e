"""Sites where they meet the street, and the laterals that join them to it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from planner.errors import InputError, Problem
from planner.geodata.lines import Flags, distance_m
from planner.geodata.snapping import Foot, StreetPlan, nearest_feet
from planner.geodata.wording import counted
from planner.network import Floats, NetworkSite
from planner.physics.fiber import span_loss_db
from planner.scenario import Scenario, Site


def find_street_feet(scenario: Scenario, plan: StreetPlan, parts_allowed: Flags, buildable: Flags) -> list[Foot]:
    """Return for every site the nearest point of a street that may be dug and that hangs together with the most.

    A site that a free-space hop may reach is joined to any street that may be dug, where no such street is near.
    Raises InputError with every other site that is farther than `max_snap_m` from such a street.
    """
    allowed = parts_allowed & buildable
    if not allowed.any():
        text = "digging is forbidden in every street of the largest connected part; see right_of_way"
        raise InputError.at(f"{scenario.path}", text)
    points = np.array([(site.lon_deg, site.lat_deg) for site in scenario.sites], dtype=np.float64).reshape(-1, 2)
    feet = nearest_feet(plan, points, allowed)
    reached = _reached_by_hops(scenario)
    for index, foot in zip(reached, nearest_feet(plan, points[reached], buildable), strict=True):
        if feet[index].distance_m > scenario.spec.max_snap_m:
            feet[index] = foot
    far = [index for index, foot in enumerate(feet) if foot.distance_m > scenario.spec.max_snap_m]
    if far:
        any_street = nearest_feet(plan, points[far], np.ones(len(allowed), dtype=np.bool_))
        raise InputError(
            *(
                Problem(
                    where=f"{scenario.path}",
                    key_path=f"site {scenario.sites[index].id}",
                    problem=_too_far(scenario, plan, index, feet[index], other, buildable),
                )
                for index, other in zip(far, any_street, strict=True)
            )
        )
    return feet


def _reached_by_hops(scenario: Scenario) -> list[int]:
    """Return the sites that a free-space hop may join to the rest."""
    ends = {end for hop in scenario.spec.free_space for end in (hop.a, hop.b)}
    is_searched = scenario.spec.free_space_search is not None
    return [index for index, site in enumerate(scenario.sites) if is_searched or site.id in ends]


def network_sites(scenario: Scenario, site_nodes: Sequence[int], nodes: Floats) -> tuple[NetworkSite, ...]:
    """Return the sites with their laterals, straight from node to site: trench, permit and fiber by length."""
    fiber = scenario.hardware.fibers[scenario.spec.fiber]
    density = scenario.costs.densities[scenario.spec.right_of_way.density].factor
    per_m = scenario.costs.items["trench"].price * density + scenario.costs.items["right-of-way-permit"].price
    sites = []
    for site, node in zip(scenario.sites, site_nodes, strict=True):
        metres = distance_m((float(nodes[node][0]), float(nodes[node][1])), (site.lon_deg, site.lat_deg))
        sites.append(
            NetworkSite(
                id=site.id,
                node=node,
                lateral_km=metres / 1000.0,
                lateral_loss_db=span_loss_db(metres / 1000.0, fiber),
                lateral_capex=per_m * metres,
            )
        )
    return tuple(sites)


def site_notes(sites: Sequence[NetworkSite]) -> list[str]:
    """Return how far the sites are from their streets, and how many share a place."""
    if not sites:
        return []
    farthest = max(sites, key=lambda site: (site.lateral_km, site.id))
    notes = [
        f"{counted(len(sites), 'site')} joined to the street by straight laterals, the longest of "
        f"{farthest.lateral_km * 1000.0:,.0f} m at {farthest.id}"
    ]
    shared = len(sites) - len({site.node for site in sites})
    if shared:
        notes.append(f"{counted(shared, 'site')} at the same place of the street as another site")
    return notes


def _too_far(scenario: Scenario, plan: StreetPlan, index: int, foot: Foot, other: Foot, buildable: Flags) -> str:
    """Return what is wrong with a site far from its street, and what would be right."""
    site: Site = scenario.sites[index]
    text = (
        f"at {site.lon_deg:.5f}, {site.lat_deg:.5f} is {foot.distance_m:,.0f} m from the nearest street that may be "
        f"dug and is connected ({plan.blocks.ids[foot.block]}); max_snap_m is {scenario.spec.max_snap_m:g}: "
        f"move the site or raise it"
    )
    if other.distance_m < foot.distance_m:
        why = "is not connected to the largest part" if buildable[other.block] else "may not be dug"
        text += f" (street {plan.blocks.ids[other.block]}, {other.distance_m:,.0f} m away, {why})"
    return text
