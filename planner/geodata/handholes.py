"""Where ducts meet the streets: every end of a duct is a handhole, at a junction, on a street, or on its own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from planner.geodata.ducts import Ducts
from planner.geodata.lines import Flags, Lines, lines_of
from planner.geodata.noding import connected_parts
from planner.geodata.snapping import Foot, StreetPlan, nearest_feet, nearest_junctions
from planner.geodata.wording import counted, listed
from planner.network import Floats, Integers

JUNCTION_M = 15.0
"""A handhole this near to a junction is taken as standing at it."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Handholes:
    """The ends of ducts, each place once, and what they meet; one with neither junction nor foot stands alone."""

    places: Floats
    """Longitude and latitude, shape (n, 2)."""
    start: Integers
    """Handhole at the first vertex of every duct."""
    end: Integers
    junctions: tuple[int, ...]
    """Junction that a handhole stands at, or -1."""
    feet: tuple[Foot | None, ...]
    """Point of a block that joins a handhole to the street."""
    notes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class LaidDucts:
    """Ducts between nodes of the network, their lines drawn out to the nodes."""

    records: Integers
    """Duct that every line belongs to."""
    lines: Lines
    start: Integers
    end: Integers
    notes: tuple[str, ...]


def place_handholes(ducts: Ducts, plan: StreetPlan, max_snap_m: float) -> Handholes:
    """Return the handholes of the ducts: at a junction within JUNCTION_M, else on a street within `max_snap_m`.

    Of both, those of the largest connected part come first, then those of smaller parts.
    """
    ends = np.concatenate((ducts.lines.firsts, ducts.lines.lasts))
    _, first, numbers = np.unique(ducts.lines.places[ends], return_index=True, return_inverse=True)
    places = ducts.lines.coordinates[ends[first]]
    junctions = [-1] * len(places)
    feet: list[Foot | None] = [None] * len(places)
    reach = np.zeros(len(places))
    is_main = street_parts(plan) == main_part(street_parts(plan), plan.blocks.lengths_m)
    for allowed in (is_main, ~is_main):
        waiting = [i for i in range(len(places)) if junctions[i] < 0]
        corners = np.zeros(len(plan.blocks.junctions), dtype=np.bool_)
        corners[plan.blocks.start[allowed]] = corners[plan.blocks.end[allowed]] = True
        near = nearest_junctions(plan, places[waiting], corners, JUNCTION_M)
        for index, (junction, distance) in zip(waiting, near, strict=True):
            if junction >= 0:
                junctions[index], reach[index] = junction, distance
    for allowed in (is_main, ~is_main):
        waiting = [i for i in range(len(places)) if junctions[i] < 0 and feet[i] is None]
        found = nearest_feet(plan, places[waiting], allowed) if allowed.any() else []
        for index, foot in zip(waiting, found, strict=bool(found)):
            if foot.distance_m <= max_snap_m:
                feet[index], reach[index] = foot, foot.distance_m
    alone = [i for i in range(len(places)) if junctions[i] < 0 and feet[i] is None]
    return Handholes(
        places=places,
        start=numbers[: len(ducts.lines)].astype(np.int64),
        end=numbers[len(ducts.lines) :].astype(np.int64),
        junctions=tuple(junctions),
        feet=tuple(feet),
        notes=tuple(_notes(places, reach, sum(foot is not None for foot in feet), alone, max_snap_m)),
    )


def street_parts(plan: StreetPlan) -> Integers:
    """Return the connected part of every block, by streets alone."""
    labels = connected_parts(len(plan.blocks.junctions), plan.blocks.start, plan.blocks.end)
    parts: Integers = labels[plan.blocks.start]
    return parts


def main_part(parts: Integers, block_lengths_m: Floats) -> int:
    """Return the part with the greatest length of street; streets of part -1 do not count."""
    counted_in = parts >= 0
    if not counted_in.any():
        return 0
    return int(np.argmax(np.bincount(parts[counted_in], weights=block_lengths_m[counted_in])))


def parts_with_ducts(plan: StreetPlan, handholes: Handholes, buildable: Flags) -> Integers:
    """Return the connected part of every block, by ducts and streets that may be dug; -1 for streets that may not."""
    junctions = len(plan.blocks.junctions)
    stand_ins = np.array(
        [
            int(plan.blocks.start[foot.block]) if foot is not None else junction if junction >= 0 else junctions + index
            for index, (junction, foot) in enumerate(zip(handholes.junctions, handholes.feet, strict=True))
        ],
        dtype=np.int64,
    )
    start = np.concatenate((plan.blocks.start[buildable], stand_ins[handholes.start]))
    end = np.concatenate((plan.blocks.end[buildable], stand_ins[handholes.end]))
    labels = connected_parts(junctions + len(stand_ins), start, end)
    return np.where(buildable, labels[plan.blocks.start], -1)


def lay_ducts(ducts: Ducts, handholes: Handholes, handhole_nodes: Integers, nodes: Floats) -> LaidDucts:
    """Return the ducts between their nodes; one whose ends are joined at the same node is left out and counted."""
    start, end = handhole_nodes[handholes.start], handhole_nodes[handholes.end]
    kept = np.flatnonzero(start != end)
    bounds = ducts.lines.offsets
    parts = [
        _drawn_out(ducts.lines.coordinates[bounds[i] : bounds[i + 1]], nodes[start[i]], nodes[end[i]]) for i in kept
    ]
    notes: tuple[str, ...] = ()
    if len(kept) < len(start):
        short = counted(len(start) - len(kept), "duct")
        notes = (f"{short} left out, both ends of which are joined at the same place",)
    return LaidDucts(records=kept, lines=lines_of(parts), start=start[kept], end=end[kept], notes=notes)


def _drawn_out(line: Floats, start: Floats, end: Floats) -> Floats:
    """Return a line that begins and ends at its nodes."""
    parts = [line]
    if (line[0] != start).any():
        parts.insert(0, start[None, :])
    if (line[-1] != end).any():
        parts.append(end[None, :])
    return np.concatenate(parts)


def _notes(places: Floats, reach: Floats, on_street: int, alone: list[int], max_snap_m: float) -> list[str]:
    """Return how handholes were joined to the streets, and how far away that was."""
    notes = []
    moved = int((reach > 1.0).sum())
    if moved:
        notes.append(
            f"{counted(moved, 'handhole')} more than 1 m off the street network ({reach[reach > 1.0].sum():,.0f} m "
            f"in sum, at most {reach.max():,.0f} m) joined to it by a straight line, which counts as duct"
        )
    if on_street:
        notes.append(f"{counted(on_street, 'handhole')} joined to a street between its junctions")
    if alone:
        spots = listed(f"{places[index][0]:.5f} {places[index][1]:.5f}" for index in alone)
        notes.append(
            f"{counted(len(alone), 'handhole')} farther than {max_snap_m:g} m from every street, not joined: {spots}"
        )
    return notes
