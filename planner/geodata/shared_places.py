"""Sites that fail together: in one building, or on one power feed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import numpy as np
from pyproj import Transformer

from planner.geodata.buildings import Buildings, buildings_at
from planner.geodata.noding import unique_names
from planner.geodata.region import to_metres
from planner.geodata.wording import counted, listed
from planner.scenario import Scenario

IN_BUILDING_M = 5.0
"""A site this near to the outline of a building is in it; places are seldom known better."""


def shared_places(
    scenario: Scenario, buildings: Buildings | None, projection: Transformer
) -> tuple[Mapping[str, tuple[str, ...]], tuple[str, ...]]:
    """Return the risk groups that every site shares with others, and notes about them.

    Buildings are those of the layers; feeds are those that the sites name.
    """
    feeds: dict[str, list[str]] = defaultdict(list)
    for site in scenario.sites:
        feeds[site.power_feed].append(site.id)
    members = {f"site-power:{feed}": sites for feed, sites in feeds.items() if feed and len(sites) > 1}
    if buildings is not None and scenario.sites:
        members |= _in_one_building(scenario, buildings, projection)
    shared = dict(sorted(members.items()))
    groups: dict[str, list[str]] = defaultdict(list)
    for name, sites in shared.items():
        for site_id in sites:
            groups[site_id].append(name)
    notes = []
    for kind, text in (("site-building:", "building"), ("site-power:", "power feed")):
        named = {name.removeprefix(kind): sites for name, sites in shared.items() if name.startswith(kind)}
        if named:
            parts = [f"{name} ({', '.join(sites)})" for name, sites in named.items()]
            notes.append(f"{counted(len(named), text)} shared by sites, each a risk group: {listed(parts)}")
    return {site_id: tuple(names) for site_id, names in groups.items()}, tuple(notes)


def _in_one_building(scenario: Scenario, buildings: Buildings, projection: Transformer) -> dict[str, list[str]]:
    """Return the sites of every building that holds several, by the building's name as a risk group."""
    points = np.array([(site.lon_deg, site.lat_deg) for site in scenario.sites], dtype=np.float64)
    found = buildings_at(buildings, to_metres(projection, points), within_m=IN_BUILDING_M).tolist()
    members: dict[int, list[str]] = defaultdict(list)
    for site, building in zip(scenario.sites, found, strict=True):
        members[building].append(site.id)
    several = {building: sites for building, sites in sorted(members.items()) if building >= 0 and len(sites) > 1}
    names = unique_names(f"site-building:{buildings.ids[building]}" for building in several)
    return dict(zip(names, several.values(), strict=True))
