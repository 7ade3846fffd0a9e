"""Many lines as columns, and the few operations on them that reading and noding need."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pyproj import Geod

from planner.network import Floats, Integers

Flags = NDArray[np.bool_]

ELLIPSOID = Geod(ellps="WGS84")
DECIMALS = 7
"""Decimals of a degree that are kept: about 1 cm."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Lines:
    """Lines in longitude and latitude: line `i` has the vertices `offsets[i]` to `offsets[i + 1]`."""

    offsets: Integers
    coordinates: Floats
    """Longitude and latitude, shape (n, 2); NaN where a vertex is not in the data."""
    places: Integers
    """Number of the place of each vertex; lines are joined where they share a place."""

    def __len__(self) -> int:
        """Return the number of lines."""
        return len(self.offsets) - 1

    @property
    def counts(self) -> Integers:
        """Return the number of vertices of every line."""
        return np.diff(self.offsets)

    @property
    def owners(self) -> Integers:
        """Return the line that every vertex belongs to."""
        return np.repeat(np.arange(len(self)), self.counts)

    @property
    def firsts(self) -> Integers:
        """Return the first vertex of every line."""
        return self.offsets[:-1]

    @property
    def lasts(self) -> Integers:
        """Return the last vertex of every line."""
        return self.offsets[1:] - 1

    def ends(self) -> Flags:
        """Return which vertices are the first or last of their line."""
        flags = np.zeros(len(self.places), dtype=np.bool_)
        flags[self.firsts] = True
        flags[self.lasts] = True
        return flags


def steps_m(lines: Lines) -> Floats:
    """Return the distance on the ellipsoid, in metres, from every vertex to the next one of its line; 0 at the last."""
    steps = np.zeros(len(lines.places), dtype=np.float64)
    lon, lat = lines.coordinates[:, 0], lines.coordinates[:, 1]
    if len(lon) > 1:
        steps[:-1] = ELLIPSOID.inv(lon[:-1], lat[:-1], lon[1:], lat[1:])[2]
    steps[lines.lasts] = 0.0
    return steps


def lengths_m(lines: Lines) -> Floats:
    """Return the length of every line on the ellipsoid, in metres."""
    return np.bincount(lines.owners, weights=steps_m(lines), minlength=len(lines)).astype(np.float64)


def distance_m(start: tuple[float, float], end: tuple[float, float]) -> float:
    """Return the distance on the ellipsoid between two points of longitude and latitude, in metres."""
    return float(ELLIPSOID.inv(*start, *end)[2])


def take(lines: Lines, chosen: Integers) -> Lines:
    """Return the chosen lines, in the order of `chosen`."""
    counts = lines.counts[chosen]
    offsets = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
    vertices = np.repeat(lines.firsts[chosen] - offsets[:-1], counts) + np.arange(offsets[-1])
    return Lines(offsets=offsets, coordinates=lines.coordinates[vertices], places=lines.places[vertices])


def join(first: Lines, second: Lines) -> Lines:
    """Return the lines of both, the first ones in front."""
    return Lines(
        offsets=np.concatenate((first.offsets, second.offsets[1:] + first.offsets[-1])),
        coordinates=np.concatenate((first.coordinates, second.coordinates)),
        places=np.concatenate((first.places, second.places)),
    )


def lines_of(parts: list[Floats]) -> Lines:
    """Return lines from arrays of longitude and latitude; all their places are unknown (-1)."""
    coordinates = np.concatenate(parts) if parts else np.zeros((0, 2))
    offsets = np.cumsum([0, *(len(part) for part in parts)], dtype=np.int64)
    return Lines(offsets=offsets, coordinates=coordinates, places=np.full(len(coordinates), -1, dtype=np.int64))


def split_at(lines: Lines, breaks: Flags) -> tuple[Lines, Integers]:
    """Return the lines split at the flagged vertices, and which line each piece comes from.

    A flag on the first or last vertex of a line has no effect.
    """
    inner = breaks & ~lines.ends()
    repeats = np.where(inner, 2, 1)
    position = np.cumsum(repeats) - 1  # of the last copy of every vertex
    starts = np.sort(np.concatenate((position[lines.firsts], position[inner])))
    pieces = Lines(
        offsets=np.concatenate((starts, [repeats.sum()])).astype(np.int64),
        coordinates=np.repeat(lines.coordinates, repeats, axis=0),
        places=np.repeat(lines.places, repeats),
    )
    return pieces, np.repeat(lines.owners, repeats)[pieces.firsts]


def keep_runs(lines: Lines, kept: Flags) -> tuple[Lines, Integers]:
    """Return the runs of two or more kept vertices as lines, and which line each comes from."""
    previous = np.zeros_like(kept)
    previous[1:] = kept[:-1]
    previous[lines.firsts] = False
    starts = (kept & ~previous)[kept]
    offsets = np.concatenate((np.flatnonzero(starts), [kept.sum()])).astype(np.int64)
    runs = Lines(offsets=offsets, coordinates=lines.coordinates[kept], places=lines.places[kept])
    origins = lines.owners[kept][runs.firsts]
    long_enough = np.flatnonzero(runs.counts >= 2)
    return take(runs, long_enough), origins[long_enough]


def drop_repeats(lines: Lines) -> tuple[Lines, Integers]:
    """Return the lines without vertices that repeat the place before them, and which line each comes from.

    Lines that are left with one vertex are dropped.
    """
    kept = np.ones(len(lines.places), dtype=np.bool_)
    kept[1:] = lines.places[1:] != lines.places[:-1]
    kept[lines.firsts] = True
    counts = np.bincount(lines.owners[kept], minlength=len(lines))
    offsets = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
    thinned = Lines(offsets=offsets, coordinates=lines.coordinates[kept], places=lines.places[kept])
    long_enough = np.flatnonzero(counts >= 2)
    return take(thinned, long_enough), long_enough


def insert_vertices(lines: Lines, after: Integers, coordinates: Floats) -> tuple[Lines, Integers]:
    """Return the lines with new vertices behind the vertices `after` (ascending), and the index of each new one.

    Several vertices behind the same one keep their order.
    """
    new_offsets = lines.offsets + np.searchsorted(after, lines.offsets)
    grown = Lines(
        offsets=new_offsets.astype(np.int64),
        coordinates=np.insert(lines.coordinates, after + 1, coordinates, axis=0),
        places=np.insert(lines.places, after + 1, -1),
    )
    return grown, after + 1 + np.arange(len(after))
