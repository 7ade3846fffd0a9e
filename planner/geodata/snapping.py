"""Finding the street next to a point, and cutting streets where something joins them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Transformer
from scipy.spatial import cKDTree

from planner.geodata.lines import DECIMALS, Flags, Lines, insert_vertices, lengths_m, split_at
from planner.geodata.noding import Blocks
from planner.geodata.region import draw, to_metres
from planner.network import Floats, Integers

JOIN_M = 5.0
"""A point that meets a street this near to a junction, or to another such point, joins there."""
VERTEX_M = 0.1
"""A street is cut at its own vertex when that is this near."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Foot:
    """The point of a block that is nearest to something."""

    block: int
    along_m: float
    """Metres from the first vertex, in the metric projection."""
    distance_m: float


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class StreetPlan:
    """Blocks and junctions drawn in metres, ready to be searched."""

    projection: Transformer
    blocks: Blocks
    vertices_m: Floats
    shapes: NDArray[np.object_]
    lengths_m: Floats
    """Length of every block in the projection."""
    junctions_m: Floats


def draw_streets(blocks: Blocks, projection: Transformer) -> StreetPlan:
    """Return the blocks in metres."""
    shapes = draw(projection, blocks.lines)
    return StreetPlan(
        projection=projection,
        blocks=blocks,
        vertices_m=shapely.get_coordinates(shapes),
        shapes=shapes,
        lengths_m=np.asarray(shapely.length(shapes)),
        junctions_m=to_metres(projection, blocks.junctions),
    )


def nearest_feet(plan: StreetPlan, points: Floats, allowed: Flags) -> list[Foot]:
    """Return the nearest point of an allowed block for every point of longitude and latitude.

    Of blocks at the same distance the first counts. At least one block must be allowed.
    """
    if not len(points):
        return []
    chosen = np.flatnonzero(allowed)
    spots = shapely.points(to_metres(plan.projection, points))
    pairs, distances = shapely.STRtree(plan.shapes[chosen]).query_nearest(spots, return_distance=True)
    order = np.lexsort((pairs[1], pairs[0]))
    first = order[np.unique(pairs[0][order], return_index=True)[1]]
    blocks = chosen[pairs[1][first]]
    along = shapely.line_locate_point(plan.shapes[blocks], spots)
    return [
        Foot(block=block, along_m=metres, distance_m=distance)
        for block, metres, distance in zip(blocks.tolist(), along.tolist(), distances[first].tolist(), strict=True)
    ]


def nearest_junctions(plan: StreetPlan, points: Floats, allowed: Flags, within_m: float) -> list[tuple[int, float]]:
    """Return the nearest allowed junction of every point, and its distance in metres; -1 where none is that near."""
    chosen = np.flatnonzero(allowed)
    if not len(points) or not len(chosen):
        return [(-1, 0.0)] * len(points)
    tree = cKDTree(plan.junctions_m[chosen])
    distances, found = tree.query(to_metres(plan.projection, points), distance_upper_bound=within_m)
    return [
        (int(chosen[index]), distance) if index < len(chosen) else (-1, 0.0)
        for index, distance in zip(found.tolist(), distances.tolist(), strict=True)
    ]


def join_feet(plan: StreetPlan, feet: Sequence[Foot]) -> tuple[list[int], list[Foot]]:
    """Return the node of every foot, and where blocks must be cut, in order of block and metres along it.

    Nodes count the junctions first, then the cuts. A foot within JOIN_M of an end of its block, or of a cut before
    it, joins there.
    """
    nodes = [-1] * len(feet)
    cuts: list[Foot] = []
    for index in sorted(range(len(feet)), key=lambda i: (feet[i].block, feet[i].along_m, i)):
        foot = feet[index]
        rest_m = float(plan.lengths_m[foot.block]) - foot.along_m
        if min(foot.along_m, rest_m) <= JOIN_M:
            ends = plan.blocks.start if foot.along_m <= rest_m else plan.blocks.end
            nodes[index] = int(ends[foot.block])
            continue
        if not (cuts and cuts[-1].block == foot.block and foot.along_m - cuts[-1].along_m <= JOIN_M):
            cuts.append(foot)
        nodes[index] = len(plan.blocks.junctions) + len(cuts) - 1
    return nodes, cuts


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Pieces:
    """Blocks, cut into pieces where something joins them, and all nodes: the junctions, then the cuts."""

    ids: tuple[str, ...]
    """Id of the block, with `/1`, `/2` ... where it is cut."""
    blocks: Integers
    """Block that every piece belongs to."""
    lines: Lines
    start: Integers
    end: Integers
    lengths_m: Floats
    nodes: Floats
    """Longitude and latitude of the nodes, shape (n, 2)."""


def cut_blocks(plan: StreetPlan, cuts: Sequence[Foot]) -> Pieces:
    """Return the blocks cut at the feet, which must be in the order of `join_feet`."""
    blocks = plan.blocks
    grown, breaks = _with_cuts(plan, cuts)
    lines, origins = split_at(grown, breaks)
    is_first = np.ones(len(origins), dtype=np.bool_)
    is_first[1:] = origins[1:] != origins[:-1]
    is_last = np.append(is_first[1:], True)
    cut_nodes = len(blocks.junctions) + np.cumsum(~is_first) - 1
    start = np.where(is_first, blocks.start[origins], cut_nodes)
    end = np.where(is_last, blocks.end[origins], np.append(start[1:], -1))
    number = np.arange(len(origins)) - np.maximum.accumulate(np.where(is_first, np.arange(len(origins)), 0)) + 1
    is_whole = is_first & is_last
    ids = tuple(
        blocks.ids[block] if whole else f"{blocks.ids[block]}/{part}"
        for block, whole, part in zip(origins.tolist(), is_whole.tolist(), number.tolist(), strict=True)
    )
    return Pieces(
        ids=ids,
        blocks=origins,
        lines=lines,
        start=start.astype(np.int64),
        end=end.astype(np.int64),
        lengths_m=lengths_m(lines),
        nodes=np.concatenate((blocks.junctions, lines.coordinates[lines.firsts[~is_first]])),
    )


def _with_cuts(plan: StreetPlan, cuts: Sequence[Foot]) -> tuple[Lines, Flags]:
    """Return the blocks with a vertex at every cut, and flags on those vertices."""
    own: list[int] = []
    after: list[int] = []
    added: list[Floats] = []
    for cut in cuts:
        vertex, share = _find_on_line(plan, cut)
        if share == 0.0:
            own.append(vertex)
            continue
        here, there = plan.blocks.lines.coordinates[vertex : vertex + 2]
        after.append(vertex)
        added.append(np.round(here + share * (there - here), DECIMALS))
    behind = np.array(after, dtype=np.int64)
    grown, new = insert_vertices(plan.blocks.lines, behind, np.array(added, dtype=np.float64).reshape(-1, 2))
    breaks = np.zeros(len(grown.places), dtype=np.bool_)
    breaks[new] = True
    kept = np.array(own, dtype=np.int64)
    breaks[kept + np.searchsorted(behind, kept)] = True
    return grown, breaks


def _find_on_line(plan: StreetPlan, cut: Foot) -> tuple[int, float]:
    """Return the vertex before a cut and the share of the way to the next one; 0 for a cut at the vertex itself."""
    first, last = plan.blocks.lines.offsets[cut.block], plan.blocks.lines.offsets[cut.block + 1]
    line_m = plan.vertices_m[first:last]
    along = np.concatenate(([0.0], np.cumsum(np.hypot(*np.diff(line_m, axis=0).T))))
    nearest = int(np.argmin(np.abs(along - cut.along_m)))
    if abs(along[nearest] - cut.along_m) <= VERTEX_M:
        return int(first) + nearest, 0.0
    segment = int(np.searchsorted(along, cut.along_m)) - 1
    share = (cut.along_m - along[segment]) / (along[segment + 1] - along[segment])
    return int(first) + segment, float(share)
