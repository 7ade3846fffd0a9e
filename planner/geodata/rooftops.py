"""Free-space hops between the roofs of sites: what buildings and ground say about declared ones, and which could be."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import shapely
from pyproj import Transformer

from planner.catalog import FreeSpaceTerminal
from planner.geodata.buildings import AT_BUILDING_M, Buildings, buildings_at, read_buildings
from planner.geodata.hops import Hop
from planner.geodata.lines import distance_m
from planner.geodata.region import to_degrees, to_metres
from planner.geodata.sightlines import (
    BEAM_RADII,
    TERMINAL_M,
    Sightlines,
    clear_lines,
    ground_margins,
    look_along,
)
from planner.geodata.terrain import Terrain, read_terrain, refuse_unknown
from planner.geodata.wording import counted
from planner.network import Floats, Integers
from planner.physics.freespace import long_term_radius_m
from planner.scenario import FreeSpaceCandidate, FreeSpaceSearch, Scenario, Site

MAX_ID = 64
"""Longest id of a scenario."""
MAX_NOTE = 500
"""Longest note of a scenario."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HopVerdict:
    """What the buildings in the data say about a hop."""

    hop: str
    is_clear: bool | None
    """None where nothing can be said: an end has no building, or no height on the way is in the data."""
    text: str


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Surroundings:
    """What may stand in the way of a line of sight; heights count from one level, the terrain's if there is one."""

    buildings: Buildings
    terrain: Terrain | None
    projection: Transformer

    def roofs_m(self, sites: Sequence[Site]) -> tuple[Floats, Integers]:
        """Return (n, 3) the places of terminals at some sites, in metres, and the buildings they stand on or -1."""
        points = np.array([(site.lon_deg, site.lat_deg) for site in sites], dtype=np.float64).reshape(-1, 2)
        points_m = to_metres(self.projection, points)
        building = buildings_at(self.buildings, points_m)
        ground_m = np.zeros(len(sites)) if self.terrain is None else self.terrain.heights_m(points)
        tower_m = np.array([np.nan if s.terminal_height_m is None else s.terminal_height_m for s in sites])
        roofs_m = np.where(building >= 0, self.buildings.roofs_m[building], ground_m) + TERMINAL_M
        return np.column_stack((points_m, np.where(np.isnan(tower_m), roofs_m, ground_m + tower_m))), building


def read_surroundings(scenario: Scenario, projection: Transformer) -> Surroundings:
    """Return buildings and terrain of a scenario; raises InputError for what is wrong with the layers.

    With terrain, roofs are lifted by the ground under the middle of the building.
    """
    buildings = read_buildings(scenario, projection)
    terrain = read_terrain(scenario)
    if terrain is not None:
        refuse_unknown(
            terrain.heights_m(np.array([(site.lon_deg, site.lat_deg) for site in scenario.sites])),
            [site.id for site in scenario.sites],
            str(scenario.path),
        )
        middles = shapely.get_coordinates(shapely.point_on_surface(buildings.shapes))
        ground_m = terrain.heights_m(to_degrees(projection, middles))
        outside = int(np.isnan(ground_m).sum())
        note = f"terrain: {counted(outside, 'building')} outside its tiles, taken to stand at level 0"
        ground_m = np.nan_to_num(ground_m)
        # parts stand on the ground of the building that they belong to
        buildings = replace(
            buildings,
            heights_m=buildings.heights_m + ground_m[buildings.groups],
            roofs_m=buildings.roofs_m + ground_m[buildings.groups],
            notes=(*buildings.notes, note) if outside else buildings.notes,
            attributions=(*buildings.attributions, *terrain.attributions),
        )
    return Surroundings(buildings=buildings, terrain=terrain, projection=projection)


def check_hops(
    scenario: Scenario, hops: Sequence[Hop], surroundings: Surroundings
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return a note with the verdict on every declared hop, notes about the buildings first, and the attributions."""
    declared = [hop.candidate for hop in hops if hop.candidate in scenario.spec.free_space]
    verdicts = judge_hops(scenario, declared, surroundings)
    notes = tuple(f"free-space hop {verdict.hop}: {verdict.text}" for verdict in verdicts)
    return (*surroundings.buildings.notes, *notes), surroundings.buildings.attributions


def judge_hops(
    scenario: Scenario, candidates: Sequence[FreeSpaceCandidate], surroundings: Surroundings
) -> tuple[HopVerdict, ...]:
    """Return the verdict of buildings and ground on every candidate.

    Terminals stand TERMINAL_M above the highest roof of the building at their site, or at the height that the site
    states. A hop is clear where the line keeps BEAM_RADII radii of the beam above every other building and the ground,
    the curvature of the earth taken off.
    """
    buildings = surroundings.buildings
    pairs = [(scenario.site(each.a), scenario.site(each.b)) for each in candidates]
    lines = _lines(scenario, candidates, pairs, surroundings)
    views = look_along(lines, buildings)
    ground_m, places_m = _ground(lines, surroundings)
    verdicts = []
    for index, (candidate, pair) in enumerate(zip(candidates, pairs, strict=True)):
        standing = [int(building) for building in lines.buildings[index] if building >= 0]
        bare = [
            site.id
            for site, building in zip(pair, lines.buildings[index].tolist(), strict=True)
            if building < 0 and site.terminal_height_m is None
        ]
        guessed = int(views.guessed[index]) + sum(bool(buildings.is_guessed[building]) for building in standing)
        known = int(views.crossed[index]) + len(standing)
        is_clear: bool | None = bool(min(views.margins_m[index], ground_m[index]) > 0.0)
        if bare:
            is_clear, text = (
                None,
                f"no verdict: no building in the data within {AT_BUILDING_M:g} m of {', '.join(bare)}",
            )
        elif ground_m[index] <= min(0.0, views.margins_m[index]):
            lon_deg, lat_deg = to_degrees(surroundings.projection, places_m[index : index + 1])[0].tolist()
            text = f"blocked by the ground at {lon_deg:.5f}, {lat_deg:.5f}, {-ground_m[index]:.1f} m too high"
        elif known and guessed == known:
            is_clear, text = None, "no verdict: no heights in the data, neither of its ends nor on its way"
        else:
            text = _verdict(
                buildings, int(views.obstacles[index]), float(views.margins_m[index]), surroundings.projection
            )
            text += f"; {guessed} of {counted(known, 'height')} guessed"
        verdicts.append(HopVerdict(hop=candidate.id, is_clear=is_clear, text=text))
    return tuple(verdicts)


def find_sightlines(scenario: Scenario, surroundings: Surroundings) -> tuple[FreeSpaceCandidate, ...]:
    """Return a free-space candidate for every two sites that the scenario's search allows and whose line is clear.

    Candidates are marked as not surveyed, and named by their sites; their notes carry the verdict. Those that the
    scenario declares are left out, and those about which the data says nothing.
    """
    search = scenario.spec.free_space_search
    if search is None:
        return ()
    reach_km = scenario.hardware.free_space_terminals[search.terminal].max_range_km
    reach_m = 1000.0 * min(reach_km, search.max_length_km or reach_km)
    declared = {frozenset((each.a, each.b)) for each in scenario.spec.free_space}
    sites = [site for site in scenario.sites if not search.site_kinds or site.kind in search.site_kinds]
    pairs = [
        (one, other)
        for one, other in combinations(sites, 2)
        if frozenset((one.id, other.id)) not in declared and 0.0 < _apart_m(one, other) <= reach_m
    ]
    made = [_candidate(search, one.id, other.id) for one, other in pairs]
    if not made:
        return ()
    lines = _lines(scenario, made, pairs, surroundings)
    on_towers = np.array([[site.terminal_height_m is not None for site in pair] for pair in pairs])
    stands = (lines.buildings >= 0) | on_towers
    is_clear = clear_lines(lines, surroundings.buildings) & stands.all(axis=1)
    is_clear &= _ground(lines, surroundings)[0] > 0.0
    free = [candidate for candidate, flag in zip(made, is_clear.tolist(), strict=True) if flag]
    verdicts = judge_hops(scenario, free, surroundings)
    return tuple(
        candidate.model_copy(update={"note": f"Not surveyed; {verdict.text}"[:MAX_NOTE]})
        for candidate, verdict in zip(free, verdicts, strict=True)
        if verdict.is_clear
    )


def _candidate(search: FreeSpaceSearch, a: str, b: str) -> FreeSpaceCandidate:
    name = f"fso-{a}-{b}"
    if len(name) > MAX_ID:
        name = f"{name[: MAX_ID - 9]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
    return FreeSpaceCandidate(
        id=name,
        a=a,
        b=b,
        terminal=search.terminal,
        visibility_km=search.visibility_km,
        cn2_m23=search.cn2_m23,
        sky=search.sky,
    )


def _ground(lines: Sightlines, surroundings: Surroundings) -> tuple[Floats, Floats]:
    """Return how far lines pass above the ground, and where they come nearest; infinite where it is taken as flat."""
    if surroundings.terrain is None:
        return np.full(len(lines), np.inf), lines.start_m[:, :2]
    return ground_margins(lines, surroundings.terrain, surroundings.projection)


def beam_clearance_m(length_m: float, terminal: FreeSpaceTerminal, cn2_m23: float) -> float:
    """Return the free space that a hop wants around its axis: BEAM_RADII radii of the beam where it is widest."""
    radius_m = long_term_radius_m(
        length_m,
        wavelength_m=terminal.wavelength_nm * 1e-9,
        waist_m=terminal.beam_waist_mm * 1e-3,
        cn2_m23=cn2_m23,
    )
    return BEAM_RADII * radius_m


def _lines(
    scenario: Scenario,
    candidates: Sequence[FreeSpaceCandidate],
    pairs: Sequence[tuple[Site, Site]],
    surroundings: Surroundings,
) -> Sightlines:
    """Return the lines of the candidates, from roof to roof."""
    clear_m = [
        beam_clearance_m(_apart_m(*pair), scenario.hardware.free_space_terminals[candidate.terminal], candidate.cn2_m23)
        for candidate, pair in zip(candidates, pairs, strict=True)
    ]
    (start_m, first), (end_m, second) = (surroundings.roofs_m([pair[side] for pair in pairs]) for side in (0, 1))
    return Sightlines(
        start_m=start_m, end_m=end_m, clear_m=np.array(clear_m), buildings=np.column_stack((first, second))
    )


def _apart_m(one: Site, other: Site) -> float:
    return distance_m((one.lon_deg, one.lat_deg), (other.lon_deg, other.lat_deg))


def _verdict(buildings: Buildings, obstacle: int, margin_m: float, projection: Transformer) -> str:
    """Return what stands in the way, or how clear the line is."""
    if obstacle < 0:
        return "clear of buildings in the data: none stands on its way"
    point = buildings.shapes[obstacle].centroid
    lon_deg, lat_deg = projection.transform(point.x, point.y, direction="INVERSE")
    named = f"{buildings.ids[obstacle]} at {lon_deg:.5f}, {lat_deg:.5f}"
    named += " (height guessed)" if buildings.is_guessed[obstacle] else ""
    if margin_m > 0.0:
        return f"clear of buildings in the data, by {margin_m:.1f} m above {named}"
    return f"blocked by building {named}, {-margin_m:.1f} m too high"
