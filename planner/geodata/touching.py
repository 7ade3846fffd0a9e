"""Line ends that lie on another line, or beside its end, without a common vertex: joined there, and counted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from planner.geodata.lines import Lines, insert_vertices
from planner.geodata.wording import counted
from planner.network import Floats, Integers

JOIN_M = 0.1
"""An end of a line this near to another line is joined to it, where the layer says no other distance."""
M_PER_DEG = 111_200.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Touch:
    """An end of a line that comes near another line."""

    place: int
    """Place of the end."""
    line: int
    vertex: int
    """Vertex of the other line at, or before, the point that is nearest."""
    share: float
    """Share of the way from that vertex to the next one; 0 at the vertex itself."""
    distance_m: float


def join_touching(lines: Lines, levels: Integers, within_m: float, what: str) -> tuple[Lines, tuple[str, ...]]:
    """Return the lines with their ends joined to other lines within `within_m` metres, and a note.

    `levels` has one number for every line; lines of different levels are never joined. A line gets a vertex where the
    end of another touches it, which may bend it by the distance; ends beside a vertex move there. Lines that share a
    place already are left as they are.
    """
    touches = _touches(lines, levels, within_m)
    if not touches:
        return lines, ()
    inner = sorted((touch for touch in touches if touch.share > 0.0), key=lambda touch: (touch.vertex, touch.share))
    pairs = [(touch.place, int(lines.places[touch.vertex])) for touch in touches if touch.share == 0.0]
    first_at = dict(zip(lines.places[::-1].tolist(), range(len(lines.places) - 1, -1, -1), strict=True))
    added = lines.coordinates[[first_at[touch.place] for touch in inner]].reshape(-1, 2)
    grown, new = insert_vertices(lines, np.array([touch.vertex for touch in inner], dtype=np.int64), added)
    places = grown.places.copy()
    places[new] = [touch.place for touch in inner]
    places, coordinates = _merged(places, grown.coordinates, pairs)
    farthest_m = max(touch.distance_m for touch in touches)
    note = (
        f"{counted(len({touch.place for touch in touches}), 'end')} of {what} joined to others that they touch "
        f"without a common vertex, at most {farthest_m:.2f} m away (within {within_m:g} m)"
    )
    return Lines(offsets=grown.offsets, coordinates=coordinates, places=places), (note,)


def _touches(lines: Lines, levels: Integers, within_m: float) -> list[Touch]:
    """Return where ends of lines come near other lines that they share no place with."""
    is_there = np.asarray(np.isfinite(lines.coordinates).all(axis=1))
    whole = np.flatnonzero(np.bincount(lines.owners, weights=~is_there, minlength=len(lines)) == 0)
    if not len(whole):
        return []
    middle_lat = float(np.median(lines.coordinates[is_there, 1]))
    scale = np.array((M_PER_DEG * np.cos(np.radians(middle_lat)), M_PER_DEG))
    metres: Floats = np.where(is_there[:, None], lines.coordinates * scale, 0.0)
    shapes = np.asarray(shapely.linestrings(metres, indices=lines.owners))
    ends = np.concatenate((lines.firsts[whole], lines.lasts[whole]))
    places, first = np.unique(lines.places[ends], return_index=True)
    spots = shapely.points(metres[ends[first]])
    near = shapely.STRtree(shapes[whole]).query(spots, predicate="dwithin", distance=within_m)
    size = int(lines.places.max()) + 2
    met = np.unique(lines.owners * size + lines.places)
    _, numbers = np.unique(levels, return_inverse=True)
    ending = np.unique(np.tile(numbers[whole], 2) * size + lines.places[ends])
    found = []
    for spot, candidate in zip(*near.tolist(), strict=True):
        line, place = int(whole[candidate]), int(places[spot])
        is_met = _holds(met, line * size + place)
        if not is_met and _holds(ending, int(numbers[line]) * size + place):
            found.append(_touch(lines, metres, line, place, metres[ends[first[spot]]], within_m))
    return found


def _holds(ordered: Integers, code: int) -> bool:
    """Return whether an ascending array holds a number."""
    at = int(np.searchsorted(ordered, code))
    return at < len(ordered) and int(ordered[at]) == code


def _touch(lines: Lines, metres: Floats, line: int, place: int, spot: Floats, within_m: float) -> Touch:
    """Return where a spot near a line touches it: at a vertex if one is within reach, else between two."""
    begin, end = int(lines.offsets[line]), int(lines.offsets[line + 1])
    points = metres[begin:end]
    to_vertices = np.hypot(*(points - spot).T)
    nearest = int(np.argmin(to_vertices))
    if to_vertices[nearest] <= within_m:
        return Touch(place=place, line=line, vertex=begin + nearest, share=0.0, distance_m=float(to_vertices[nearest]))
    steps = np.diff(points, axis=0)
    squares = np.maximum((steps**2).sum(axis=1), 1e-12)
    shares = np.clip(((spot - points[:-1]) * steps).sum(axis=1) / squares, 0.0, 1.0)
    apart = np.hypot(*(points[:-1] + shares[:, None] * steps - spot).T)
    segment = int(np.argmin(apart))
    return Touch(
        place=place,
        line=line,
        vertex=begin + segment,
        share=float(max(shares[segment], 1e-9)),
        distance_m=float(apart[segment]),
    )


def _merged(places: Integers, coordinates: Floats, pairs: list[tuple[int, int]]) -> tuple[Integers, Floats]:
    """Return places with both of every pair made one, all at the coordinates of the later one of the first pair."""
    if not pairs:
        return places, coordinates
    known, numbers = np.unique(places, return_inverse=True)
    one, other = (np.searchsorted(known, [pair[side] for pair in pairs]) for side in (0, 1))
    links = coo_array((np.ones(len(pairs), dtype=np.int8), (one, other)), shape=(len(known), len(known)))
    parts = connected_components(links, directed=False)[1]
    anchors: dict[int, int] = {}
    for number in other.tolist():
        anchors.setdefault(int(parts[number]), number)
    anchor = np.arange(len(known))
    touched = np.isin(parts, list(anchors))
    anchor[touched] = [anchors[int(part)] for part in parts[touched]]
    first_at = np.full(len(known), -1, dtype=np.int64)
    first_at[numbers[::-1]] = np.arange(len(places) - 1, -1, -1)
    moved = touched[numbers]
    result = coordinates.copy()
    result[moved] = coordinates[first_at[anchor[numbers[moved]]]]
    return known[anchor[numbers]], result
