"""Free-space hops between sites: those that the scenario declares, and those that were found clear."""

from __future__ import annotations

from dataclasses import dataclass

from planner.errors import InputError, Problem
from planner.geodata.lines import distance_m
from planner.network import NetworkSite
from planner.physics.freespace import hop_loss_db
from planner.scenario import FreeSpaceCandidate, Scenario

Point = tuple[float, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Hop:
    """A hop between the nodes of two sites; it is drawn and measured between the sites themselves."""

    candidate: FreeSpaceCandidate
    start: int
    end: int
    line: tuple[Point, Point]
    length_km: float
    loss_db: float
    """Loss in the air, of a patch at each end, and of both laterals: a route enters and leaves a hop at the street."""


def find_hops(
    scenario: Scenario, sites: tuple[NetworkSite, ...], found: tuple[FreeSpaceCandidate, ...] = ()
) -> tuple[tuple[Hop, ...], tuple[str, ...]]:
    """Return the hops, sorted by id, and notes about them.

    All hops of a region see one weather; that belongs to availability, and is no risk group. Raises InputError for
    every hop that is longer than its terminal reaches, or that has no loss by the model.
    """
    joined = {site.id: site for site in sites}
    problems: list[Problem] = []
    hops: list[Hop] = []
    notes: list[str] = []
    declared = {candidate.id for candidate in scenario.spec.free_space}
    clash = sorted(candidate.id for candidate in found if candidate.id in declared)
    if clash:
        text = f"id '{clash[0]}' is needed for a hop that was found between the sites of that name; choose another"
        problems.append(Problem(where=f"{scenario.path}", key_path=f"free_space {clash[0]}", problem=text))
    for candidate in sorted((*scenario.spec.free_space, *found), key=lambda item: item.id):
        if joined[candidate.a].node == joined[candidate.b].node:
            notes.append(f"free-space hop {candidate.id} left out: both sites meet the street at the same place")
            continue
        try:
            hops.append(_hop(scenario, candidate, joined[candidate.a], joined[candidate.b]))
        except ValueError as error:
            key_path = f"free_space {candidate.id}"
            problems.append(Problem(where=f"{scenario.path}", key_path=key_path, problem=f"no such hop: {error}"))
            continue
        if not candidate.sightline_checked and candidate.id in declared:
            notes.append(f"free-space hop {candidate.id}: the line of sight has not been checked on site")
    if problems:
        raise InputError(*problems)
    return tuple(hops), tuple(notes)


def _hop(scenario: Scenario, candidate: FreeSpaceCandidate, start: NetworkSite, end: NetworkSite) -> Hop:
    """Return a hop; raises ValueError when it is too long, or outside the range of the model."""
    terminal = scenario.hardware.free_space_terminals[candidate.terminal]
    a, b = scenario.site(candidate.a), scenario.site(candidate.b)
    line: tuple[Point, Point] = ((a.lon_deg, a.lat_deg), (b.lon_deg, b.lat_deg))
    length_km = distance_m(*line) / 1000.0
    if length_km > terminal.max_range_km:
        text = f"{length_km:.2f} km is more than {candidate.terminal} reaches ({terminal.max_range_km:g} km)"
        raise ValueError(f"{text}; choose another terminal or nearer sites")
    air_db = hop_loss_db(length_km, terminal, visibility_km=candidate.visibility_km, cn2_m23=candidate.cn2_m23)
    patches_db = 2.0 * scenario.hardware.fibers[scenario.spec.fiber].patch_loss_db
    return Hop(
        candidate=candidate,
        start=start.node,
        end=end.node,
        line=line,
        length_km=length_km,
        loss_db=air_db + patches_db + start.lateral_loss_db + end.lateral_loss_db,
    )
