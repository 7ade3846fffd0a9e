"""Which lines of sight between roofs are clear of buildings and ground, and what stands in the way of others.

Trees and what stands on roofs are not in the data. Heights are above the ground where no terrain is given, and above
the level of the terrain's heights where it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Transformer

from planner.geodata.buildings import Buildings
from planner.geodata.lines import Flags
from planner.geodata.region import to_degrees
from planner.geodata.terrain import Terrain
from planner.network import Floats, Integers

EARTH_RADIUS_M = 6_371_000.0
"""Without refraction, which bends light downwards and would help: the safe side."""
TERMINAL_M = 2.0
"""Height of a terminal above its roof; an assumption."""
BEAM_RADII = 2.0
"""Free space around the axis, in 1/e^2 radii of the beam: 3e-4 of the light lies outside."""
CHUNK = 4000
BAND_M = 2.0
"""Lines whose lower ends lie in one band of this height are looked along together."""
GROUND_STEP_M = 30.0
"""Distance of the points at which a line is compared with the ground: a third of the cells of common terrain."""
TALLEST_SHARES = (64, 16, 4)
"""The tallest 1/64 of the buildings are looked at first, then up to 1/16, up to 1/4, and the rest."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Sightlines:
    """Lines between terminals on roofs, as columns; metres east, north and up."""

    start_m: Floats
    """Shape (n, 3)."""
    end_m: Floats
    clear_m: Floats
    """Free space wanted around the axis."""
    buildings: Integers
    """Buildings at both ends, shape (n, 2), which are not in the way; -1 for none."""

    def __len__(self) -> int:
        """Return the number of lines."""
        return len(self.clear_m)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Views:
    """What the buildings say about every line."""

    obstacles: Integers
    """Building that comes nearest to the line from below, or reaches farthest into it; -1 where none is on the way."""
    margins_m: Floats
    """Height of the line, less the free space that it wants, above that building; negative where it blocks."""
    crossed: Integers
    """Number of buildings on the way."""
    guessed: Integers
    """Of these, the number with a guessed height."""

    @property
    def is_clear(self) -> Flags:
        """Return which lines no building blocks."""
        return self.margins_m > 0.0


def look_along(lines: Sightlines, buildings: Buildings) -> Views:
    """Return what the buildings say about every line, all on its way considered."""
    count = len(lines)
    views = Views(
        obstacles=np.full(count, -1, dtype=np.int64),
        margins_m=np.full(count, np.inf),
        crossed=np.zeros(count, dtype=np.int64),
        guessed=np.zeros(count, dtype=np.int64),
    )
    standing = np.flatnonzero(buildings.is_obstacle)
    for first in range(0, count, CHUNK):
        _look(lines, np.arange(first, min(first + CHUNK, count)), buildings, standing, views)
    return views


def clear_lines(lines: Sightlines, buildings: Buildings) -> Flags:
    """Return which lines no building blocks.

    As `look_along`, but of every line only the buildings that reach up to its lower end are looked at (lines are taken
    in bands of that height), the tallest first, and a line that some of them block is not compared with the others.
    """
    lowest_m = np.minimum(lines.start_m[:, 2], lines.end_m[:, 2]) - lines.clear_m
    lowest_m -= _bulge_m(0.5 * _lengths_m(lines), _lengths_m(lines))
    bands = np.floor(lowest_m / BAND_M).astype(np.int64)
    is_clear = np.ones(len(lines), dtype=np.bool_)
    for band in np.unique(bands).tolist():
        tall = np.flatnonzero(buildings.is_obstacle & (buildings.heights_m >= band * BAND_M))
        tall = tall[np.argsort(-buildings.heights_m[tall], kind="stable")]
        for standing in np.split(tall, [len(tall) // share for share in TALLEST_SHARES]):
            _mark_blocked(lines, np.flatnonzero((bands == band) & is_clear), buildings, standing, is_clear)
    return is_clear


def _mark_blocked(
    lines: Sightlines, chosen: Integers, buildings: Buildings, standing: Integers, is_clear: Flags
) -> None:
    """Take the mark from those of the chosen lines that a standing building blocks."""
    for first in range(0, len(chosen) if len(standing) else 0, CHUNK):
        line, building = _meetings(lines, chosen[first : first + CHUNK], buildings, standing)
        above = buildings.heights_m[building] > np.maximum(lines.start_m[line, 2], lines.end_m[line, 2])
        is_clear[line[above]] = False
        open_yet = is_clear[line]
        line, building = line[open_yet], building[open_yet]
        is_clear[line[_margins_m(lines, line, buildings, building) <= 0.0]] = False


def ground_margins(lines: Sightlines, terrain: Terrain, projection: Transformer) -> tuple[Floats, Floats]:
    """Return the least height of every line above the ground, less the free space it wants, and where that is.

    Places are metres east and north, shape (n, 2). Ground that no tile knows is passed over.
    """
    margins_m = np.full(len(lines), np.inf)
    places_m = lines.start_m[:, :2].copy()
    lengths_m = _lengths_m(lines)
    for first in range(0, len(lines), CHUNK):
        chosen = np.arange(first, min(first + CHUNK, len(lines)))
        counts = np.ceil(lengths_m[chosen] / GROUND_STEP_M).astype(np.int64) + 1
        line = np.repeat(chosen, counts)
        step = np.arange(len(line)) - np.repeat(np.cumsum(counts) - counts, counts)
        share = step / np.maximum(1, np.repeat(counts, counts) - 1)
        points_m = lines.start_m[line] + share[:, None] * (lines.end_m[line] - lines.start_m[line])
        heights_m = points_m[:, 2] - _bulge_m(share * lengths_m[line], lengths_m[line])
        above_m = heights_m - terrain.heights_m(to_degrees(projection, points_m[:, :2])) - lines.clear_m[line]
        above_m[np.isnan(above_m)] = np.inf
        order = np.lexsort((step, above_m, line))
        found, at = np.unique(line[order], return_index=True)
        margins_m[found], places_m[found] = above_m[order][at], points_m[order][at, :2]
    return margins_m, places_m


def all_pairs(points_m: Floats, roofs_m: Floats, buildings: Integers, *, reach_m: float, clear_m: float) -> Sightlines:
    """Return the lines between all places within reach of each other, a terminal on each roof.

    `points_m` has shape (n, 2), `roofs_m` the heights of the roofs, `buildings` the building of each.
    """
    first, second = np.triu_indices(len(points_m), k=1)
    near = np.hypot(*(points_m[first] - points_m[second]).T) <= reach_m
    first, second = first[near], second[near]
    places = np.column_stack((points_m, roofs_m + TERMINAL_M))
    return Sightlines(
        start_m=places[first],
        end_m=places[second],
        clear_m=np.full(len(first), clear_m),
        buildings=np.column_stack((buildings[first], buildings[second])),
    )


def _look(lines: Sightlines, chosen: Integers, buildings: Buildings, standing: Integers, views: Views) -> None:
    """Write into `views` what the standing buildings say about the chosen lines."""
    line, building = _meetings(lines, chosen, buildings, standing)
    margins_m = _margins_m(lines, line, buildings, building)
    order = np.lexsort((building, margins_m, line))
    found, first = np.unique(line[order], return_index=True)
    views.obstacles[found] = building[order][first]
    views.margins_m[found] = margins_m[order][first]
    np.add.at(views.crossed, line, 1)
    np.add.at(views.guessed, line, buildings.is_guessed[building].astype(np.int64))


def _meetings(
    lines: Sightlines, chosen: Integers, buildings: Buildings, standing: Integers
) -> tuple[Integers, Integers]:
    """Return line and building wherever a chosen line passes over or beside a standing building on the map."""
    widest_m = float(lines.clear_m[chosen].max(initial=0.0))
    tree = shapely.STRtree(buildings.shapes[standing])
    found = tree.query(_drawn(lines, chosen), predicate="dwithin", distance=widest_m)
    line, building = chosen[found[0]], standing[found[1]]
    own = (lines.buildings[line] == buildings.groups[building][:, None]).any(axis=1)
    return line[~own], building[~own]


def _margins_m(lines: Sightlines, line: Integers, buildings: Buildings, building: Integers) -> Floats:
    """Return the least height of every line above the building that it meets, less the free space that it wants."""
    near_m, far_m = _stretches(lines, line, buildings.shapes[building])
    lengths_m = _lengths_m(lines)[line]
    rise = (lines.end_m[line, 2] - lines.start_m[line, 2]) / lengths_m
    lowest_m = np.clip(0.5 * lengths_m - rise * EARTH_RADIUS_M, near_m, far_m)
    heights_m = lines.start_m[line, 2] + rise * lowest_m - _bulge_m(lowest_m, lengths_m)
    margins_m: Floats = heights_m - buildings.heights_m[building] - lines.clear_m[line]
    return margins_m


def _drawn(lines: Sightlines, chosen: Integers) -> NDArray[np.object_]:
    """Return the chosen lines on the map."""
    return np.asarray(shapely.linestrings(np.stack((lines.start_m[chosen, :2], lines.end_m[chosen, :2]), axis=1)))


def _stretches(lines: Sightlines, line: Integers, footprints: NDArray[np.object_]) -> tuple[Floats, Floats]:
    """Return where every line comes over its footprint and leaves it, in metres from its start."""
    shapes = _drawn(lines, line)
    common = np.array(shapely.intersection(shapes, footprints), dtype=np.object_)
    beside = shapely.is_empty(common)
    common[beside] = shapely.shortest_line(shapes[beside], footprints[beside])
    bounds = shapely.bounds(common)
    start, end = lines.start_m[line, :2], lines.end_m[line, :2]
    along = end - start
    is_flat = np.abs(along[:, 0]) >= np.abs(along[:, 1])
    base = np.where(is_flat, start[:, 0], start[:, 1])
    step = np.where(is_flat, along[:, 0], along[:, 1])
    low = np.where(is_flat, bounds[:, 0], bounds[:, 1])
    high = np.where(is_flat, bounds[:, 2], bounds[:, 3])
    shares = np.clip(np.sort(np.column_stack((low - base, high - base)) / step[:, None], axis=1), 0.0, 1.0)
    lengths_m = _lengths_m(lines)[line]
    return shares[:, 0] * lengths_m, shares[:, 1] * lengths_m


def _lengths_m(lines: Sightlines) -> Floats:
    lengths: Floats = np.hypot(*(lines.end_m[:, :2] - lines.start_m[:, :2]).T)
    return lengths


def _bulge_m(along_m: Floats, lengths_m: Floats) -> Floats:
    """Return how far the ground between the ends stands above the straight line between their feet."""
    bulge: Floats = along_m * (lengths_m - along_m) / (2.0 * EARTH_RADIUS_M)
    return bulge
