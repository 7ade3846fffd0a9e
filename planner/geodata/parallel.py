"""Spans that run side by side: one excavator, one flood or one landslide can reach both."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Transformer

from planner.geodata.region import to_metres
from planner.geodata.wording import counted
from planner.network import Floats, Integers, Spans

LONG_STRETCH = 3.0
"""Spans run side by side when one is beside the other for this many times the distance; crossing ones are not."""
SHORT_SHARE = 0.9
"""So do spans without a common node of which one is beside the other for this share of its length."""


def with_parallel_risks(spans: Spans, projection: Transformer, within_m: float) -> tuple[Spans, tuple[str, ...]]:
    """Return the spans with a risk group `parallel:<id>|<id>` for every two that run side by side, and a note.

    Side by side means within `within_m` metres of each other, for at least LONG_STRETCH times that distance, or, for
    spans that do not meet, for SHORT_SHARE of the shorter one. Pairs that share a risk already, and free-space hops,
    are left as they are.
    """
    ground = np.flatnonzero([medium != "free_space" for medium in spans.medium])
    owners = np.repeat(np.arange(len(spans)), np.diff(spans.offsets))
    shapes = np.asarray(shapely.linestrings(to_metres(projection, spans.coordinates), indices=owners))
    first, second = _neighbours(shapes[ground], within_m)
    pairs = _without_common_risk(spans, ground[first], ground[second])
    beside = pairs[_run_side_by_side(spans, shapes, pairs, within_m)]
    added: dict[int, list[str]] = defaultdict(list)
    for one, other in beside.tolist():
        name = "parallel:" + "|".join(sorted((spans.ids[one], spans.ids[other])))
        added[one].append(name)
        added[other].append(name)
    groups = tuple((*found, *sorted(added[index])) for index, found in enumerate(spans.risk_groups))
    note = f"{counted(len(beside), 'pair')} of spans run side by side within {within_m:g} m: each shares a risk group"
    return replace(spans, risk_groups=groups), (note,)


def _neighbours(shapes: NDArray[np.object_], within_m: float) -> tuple[Integers, Integers]:
    """Return pairs of shapes within a distance, each once."""
    first, second = shapely.STRtree(shapes).query(shapes, predicate="dwithin", distance=within_m)
    is_once = first < second
    return first[is_once].astype(np.int64), second[is_once].astype(np.int64)


def _without_common_risk(spans: Spans, first: Integers, second: Integers) -> Integers:
    """Return the pairs, shape (n, 2), that have no risk group in common."""
    risks = [frozenset(groups) for groups in spans.risk_groups]
    pairs = [
        pair for pair in zip(first.tolist(), second.tolist(), strict=True) if risks[pair[0]].isdisjoint(risks[pair[1]])
    ]
    return np.array(sorted(pairs), dtype=np.int64).reshape(-1, 2)


def _run_side_by_side(spans: Spans, shapes: NDArray[np.object_], pairs: Integers, within_m: float) -> NDArray[np.bool_]:
    """Return which pairs run side by side."""
    one, other = pairs[:, 0], pairs[:, 1]
    lengths_m: Floats = np.asarray(shapely.length(shapes))
    meets = (spans.start[one] == spans.start[other]) | (spans.end[one] == spans.end[other])
    meets |= (spans.start[one] == spans.end[other]) | (spans.end[one] == spans.start[other])
    shorter_m = np.minimum(lengths_m[one], lengths_m[other])
    wanted_m = np.where(meets, LONG_STRETCH * within_m, np.minimum(LONG_STRETCH * within_m, SHORT_SHARE * shorter_m))
    found = np.zeros(len(pairs), dtype=np.bool_)
    able = np.flatnonzero(np.maximum(lengths_m[one], lengths_m[other]) >= wanted_m)
    areas = np.empty(len(shapes), dtype=np.object_)
    used = np.unique(pairs[able])
    areas[used] = shapely.buffer(shapes[used], within_m, cap_style="flat", quad_segs=2)
    for line, area in ((one, other), (other, one)):
        waiting = able[~found[able]]
        inside_m = shapely.length(shapely.intersection(shapes[line[waiting]], areas[area[waiting]]))
        found[waiting] = inside_m >= wanted_m[waiting]
    return found
