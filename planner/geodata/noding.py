"""Streets cut to the region and split where they meet: blocks between junctions, and the parts that hang together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from planner.errors import InputError
from planner.geodata.lines import Flags, Lines, drop_repeats, keep_runs, lengths_m, split_at, take
from planner.geodata.region import inside, refuse_elsewhere
from planner.geodata.streets import Streets
from planner.geodata.wording import counted
from planner.network import Floats, Integers
from planner.scenario.spec import Extent


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Blocks:
    """Stretches of street between two junctions, as columns, and the junctions."""

    ids: tuple[str, ...]
    """Id of the street, with `-1`, `-2` ... where the street has several blocks."""
    streets: Integers
    """Street that every block belongs to."""
    lines: Lines
    start: Integers
    """Junction at the first vertex."""
    end: Integers
    lengths_m: Floats
    junctions: Floats
    """Longitude and latitude of the junctions, shape (n, 2)."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class NodedStreets:
    """Blocks, and what had to be left out or repaired on the way."""

    blocks: Blocks
    notes: tuple[str, ...]


def node_streets(streets: Streets, extent: Extent, where: str) -> NodedStreets:
    """Return the streets inside the extent, split at the places that they share.

    Streets are split where a vertex is missing or outside the extent. Zero-length and repeated blocks are dropped;
    a loop is split in its middle. Raises InputError, located at `where`, when no street lies inside.
    """
    notes: list[str] = []
    lines, owners = _clip(streets, extent, where, notes)
    lines, origins = drop_repeats(_with_merged_places(lines))
    if len(origins) < len(owners):
        notes.append(f"{counted(len(owners) - len(origins), 'street')} of zero length left out")
    owners = owners[origins]
    lines, origins = split_at(lines, _is_shared(lines))
    owners = owners[origins]
    lines, origins, loops = _split_loops(lines)
    owners = owners[origins]
    if loops:
        notes.append(f"{counted(loops, 'loop')} split in the middle, so that no block begins where it ends")
    single = _first_of_repeated(lines)
    if len(single) < len(lines):
        notes.append(f"{counted(len(lines) - len(single), 'block')} drawn twice, counted once")
    lines, owners = take(lines, single), owners[single]
    return NodedStreets(blocks=_blocks(lines, owners, streets.ids), notes=tuple(notes))


def connected_parts(nodes: int, start: Integers, end: Integers) -> Integers:
    """Return for each of `nodes` the number of the connected part that it belongs to."""
    links = coo_array((np.ones(len(start), dtype=np.int8), (start, end)), shape=(nodes, nodes))
    labels: Integers = connected_components(links, directed=False)[1].astype(np.int64)
    return labels


def unique_names(names: Iterable[str]) -> tuple[str, ...]:
    """Return the names, later ones with `~2`, `~3` ... where they stand before.

    >>> unique_names(["a", "b", "a"])
    ('a', 'b', 'a~2')
    """
    seen: set[str] = set()
    result: list[str] = []
    for name in names:
        unique, number = name, 1
        while unique in seen:
            number += 1
            unique = f"{name}~{number}"
        seen.add(unique)
        result.append(unique)
    return tuple(result)


def _clip(streets: Streets, extent: Extent, where: str, notes: list[str]) -> tuple[Lines, Integers]:
    """Return the runs of vertices inside the extent, and the street of each."""
    lines = streets.lines
    is_there = np.isfinite(lines.coordinates).all(axis=1)
    is_inside = inside(lines.coordinates, extent)
    refuse_elsewhere(lines.coordinates, extent, where)
    clipped, origins = keep_runs(lines, is_inside)
    if not len(clipped):
        raise InputError.at(where, "layer is empty: no street has two vertices in a row inside the extent")
    missing, outside = int((~is_there).sum()), int((is_there & ~is_inside).sum())
    gone = len(np.setdiff1d(streets.owners, streets.owners[origins]))
    if missing:
        holed = len(np.unique(lines.owners[~is_there]))
        notes.append(
            f"{counted(missing, 'vertex', 'vertices')} missing in the data: {counted(holed, 'street')} cut there"
        )
    if outside:
        reached = len(np.unique(lines.owners[is_there & ~is_inside]))
        notes.append(
            f"{counted(outside, 'vertex', 'vertices')} of {counted(reached, 'street')} outside the extent cut off"
        )
    if gone:
        notes.append(f"{counted(gone, 'street')} left out, with less than two vertices in a row inside the extent")
    return clipped, streets.owners[origins]


def _with_merged_places(lines: Lines) -> Lines:
    """Return the lines with two places made one where a line runs from one to the other without any distance."""
    is_same = (lines.coordinates[1:] == lines.coordinates[:-1]).all(axis=1) & (lines.places[1:] != lines.places[:-1])
    is_same[lines.firsts[1:] - 1] = False
    at = np.flatnonzero(is_same)
    if not len(at):
        return lines
    places, numbers = np.unique(lines.places, return_inverse=True)
    parts = connected_parts(len(places), numbers[at], numbers[at + 1])
    return Lines(offsets=lines.offsets, coordinates=lines.coordinates, places=parts[numbers])


def _is_shared(lines: Lines) -> Flags:
    """Return which vertices stand at a place that has another vertex too."""
    _, numbers, counts = np.unique(lines.places, return_inverse=True, return_counts=True)
    flags: Flags = counts[numbers] >= 2
    return flags


def _split_loops(lines: Lines) -> tuple[Lines, Integers, int]:
    """Return the lines with loops split at their middle vertex, where each comes from, and the number of loops."""
    is_loop = lines.places[lines.firsts] == lines.places[lines.lasts]
    breaks = np.zeros(len(lines.places), dtype=np.bool_)
    breaks[((lines.firsts + lines.lasts) // 2)[is_loop]] = True
    pieces, origins = split_at(lines, breaks)
    return pieces, origins, int(is_loop.sum())


def _first_of_repeated(lines: Lines) -> Integers:
    """Return the lines that no earlier line repeats, in either direction."""
    seen: set[bytes] = set()
    kept: list[int] = []
    bounds = lines.offsets.tolist()
    for index in range(len(lines)):
        places = lines.places[bounds[index] : bounds[index + 1]]
        key = places.tobytes() if places[0] <= places[-1] else places[::-1].tobytes()
        if key not in seen:
            seen.add(key)
            kept.append(index)
    return np.array(kept, dtype=np.int64)


def _blocks(lines: Lines, owners: Integers, street_ids: tuple[str, ...]) -> Blocks:
    """Return the lines as blocks with ids, and their ends as junctions."""
    end_vertices = np.concatenate((lines.firsts, lines.lasts))
    _, first, numbers = np.unique(lines.places[end_vertices], return_index=True, return_inverse=True)
    return Blocks(
        ids=_block_ids([street_ids[owner] for owner in owners.tolist()]),
        streets=owners,
        lines=lines,
        start=numbers[: len(lines)].astype(np.int64),
        end=numbers[len(lines) :].astype(np.int64),
        lengths_m=lengths_m(lines),
        junctions=lines.coordinates[end_vertices[first]],
    )


def _block_ids(street_ids: list[str]) -> tuple[str, ...]:
    """Return the id of the street of every block, numbered where the street has several."""
    total, used = Counter(street_ids), Counter[str]()
    ids = []
    for street in street_ids:
        used[street] += 1
        ids.append(street if total[street] == 1 else f"{street}-{used[street]}")
    return unique_names(ids)
