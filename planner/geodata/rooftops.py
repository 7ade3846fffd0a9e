"""Free-space hops between the roofs of sites: what the buildings say about declared ones, and which others could be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from pyproj import Transformer

from planner.catalog import FreeSpaceTerminal
from planner.geodata.buildings import AT_BUILDING_M, Buildings, buildings_at, read_buildings
from planner.geodata.hops import Hop
from planner.geodata.lines import distance_m
from planner.geodata.region import metric_projection, to_metres
from planner.geodata.sightlines import BEAM_RADII, TERMINAL_M, Sightlines, clear_lines, look_along
from planner.geodata.wording import counted
from planner.network import Floats
from planner.physics.freespace import long_term_radius_m
from planner.scenario import FreeSpaceCandidate, Scenario, Site


@dataclass(frozen=True, kw_only=True, slots=True)
class HopVerdict:
    """What the buildings in the data say about a hop."""

    hop: str
    is_clear: bool | None
    """None where nothing can be said: an end has no building, or no height on the way is in the data."""
    text: str


def check_hops(
    scenario: Scenario, hops: Sequence[Hop], projection: Transformer
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return a note with the verdict on every hop, notes about the buildings first, and the layers' attributions.

    Nothing is read where there is no hop or no layer of buildings. Raises InputError for what is wrong with the layers.
    """
    if not hops or not scenario.spec.layers.buildings:
        return (), ()
    buildings = read_buildings(scenario, projection)
    verdicts = judge_hops(scenario, [hop.candidate for hop in hops], buildings, projection)
    notes = tuple(f"free-space hop {verdict.hop}: {verdict.text}" for verdict in verdicts)
    return (*buildings.notes, *notes), buildings.attributions


def judge_hops(
    scenario: Scenario, candidates: Sequence[FreeSpaceCandidate], buildings: Buildings, projection: Transformer
) -> tuple[HopVerdict, ...]:
    """Return the verdict of the buildings on every candidate.

    Terminals stand TERMINAL_M above the highest roof of the building at their site. A hop is clear where the line keeps
    BEAM_RADII radii of the beam above every other building, the curvature of the earth taken off.
    """
    pairs = [(scenario.site(each.a), scenario.site(each.b)) for each in candidates]
    lines = _lines(scenario, candidates, pairs, buildings, projection)
    views = look_along(lines, buildings)
    verdicts = []
    for index, (candidate, pair) in enumerate(zip(candidates, pairs, strict=True)):
        ends = lines.buildings[index].tolist()
        bare = [site.id for site, building in zip(pair, ends, strict=True) if building < 0]
        guessed, crossed = int(views.guessed[index]), int(views.crossed[index])
        guessed_ends = sum(bool(buildings.is_guessed[building]) for building in ends)
        is_clear: bool | None = bool(views.margins_m[index] > 0.0)
        if bare:
            is_clear, text = (
                None,
                f"no verdict: no building in the data within {AT_BUILDING_M:g} m of {', '.join(bare)}",
            )
        elif guessed + guessed_ends == crossed + len(ends):
            is_clear, text = None, "no verdict: no heights in the data, neither of its ends nor on its way"
        else:
            obstacle = int(views.obstacles[index])
            text = _verdict(buildings, obstacle, float(views.margins_m[index]), projection)
            text += f"; {guessed + guessed_ends} of {counted(crossed + len(ends), 'height')} guessed"
        verdicts.append(HopVerdict(hop=candidate.id, is_clear=is_clear, text=text))
    return tuple(verdicts)


def sightline_candidates(
    scenario: Scenario, *, terminal: str, visibility_km: float, cn2_m23: float
) -> tuple[FreeSpaceCandidate, ...]:
    """Return a free-space candidate for every two sites on roofs with a clear line within the terminal's reach.

    `terminal` is an id of the hardware catalog. Candidates are marked as not surveyed, and named by their sites; those
    that the scenario declares already are left out. Raises KeyError for an unknown terminal, InputError for what is
    wrong with the layers of buildings.
    """
    projection = metric_projection(scenario.spec.extent)
    buildings = read_buildings(scenario, projection)
    declared = {frozenset((each.a, each.b)) for each in scenario.spec.free_space}
    reach_m = 1000.0 * scenario.hardware.free_space_terminals[terminal].max_range_km
    pairs = [
        (one, other)
        for one, other in combinations(scenario.sites, 2)
        if frozenset((one.id, other.id)) not in declared and 0.0 < _apart_m(one, other) <= reach_m
    ]
    made = [
        FreeSpaceCandidate(
            id=f"fso-{one.id}-{other.id}"[:64],
            a=one.id,
            b=other.id,
            terminal=terminal,
            visibility_km=visibility_km,
            cn2_m23=cn2_m23,
            note="Clear of the buildings in the data; not surveyed",
        )
        for one, other in pairs
    ]
    if not made:
        return ()
    lines = _lines(scenario, made, pairs, buildings, projection)
    is_clear = clear_lines(lines, buildings) & (lines.buildings >= 0).all(axis=1)
    return tuple(candidate for candidate, flag in zip(made, is_clear.tolist(), strict=True) if flag)


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
    buildings: Buildings,
    projection: Transformer,
) -> Sightlines:
    """Return the lines of the candidates, from roof to roof."""
    clear_m = [
        beam_clearance_m(_apart_m(*pair), scenario.hardware.free_space_terminals[candidate.terminal], candidate.cn2_m23)
        for candidate, pair in zip(candidates, pairs, strict=True)
    ]
    ends = []
    stands = []
    for side in (0, 1):
        points = np.array([(pair[side].lon_deg, pair[side].lat_deg) for pair in pairs], dtype=np.float64)
        points_m = to_metres(projection, points)
        building = buildings_at(buildings, points_m)
        roofs_m: Floats = np.where(building >= 0, buildings.roofs_m[building], 0.0)
        ends.append(np.column_stack((points_m, roofs_m + TERMINAL_M)))
        stands.append(building)
    return Sightlines(start_m=ends[0], end_m=ends[1], clear_m=np.array(clear_m), buildings=np.column_stack(stands))


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
