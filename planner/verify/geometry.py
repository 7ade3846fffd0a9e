"""Geometry of the plan: lengths on the ellipsoid, and whether trenches lie in streets of the raw layer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Geod, Transformer
from pyproj.exceptions import CRSError

from planner.errors import InputError
from planner.network import Spans
from planner.verify.layers import RawLayer
from planner.verify.rawfiles import LONGITUDE_LATITUDE, Point

ELLIPSOID = Geod(ellps="WGS84")
STREET_TOLERANCE_M = 1.0
"""Largest distance of a trench from the raw street line."""

TOGETHER_M = 20.0
"""Shortest stretch in which two routes are said to run along each other."""


def line_length_km(line: Iterable[Point]) -> float:
    """Return the length in km of a line of longitudes and latitudes on the WGS84 ellipsoid.

    >>> round(line_length_km([(5.5, 50.0), (5.5, 51.0)]), 3)
    111.239
    """
    lon_deg, lat_deg = zip(*(point[:2] for point in line), strict=True)
    return float(ELLIPSOID.line_length(lon_deg, lat_deg)) / 1000.0


def distance_m(a: Point, b: Point) -> float:
    """Return the distance in metres between two points in longitude and latitude."""
    return line_length_km([a, b]) * 1000.0


@dataclass(frozen=True, kw_only=True, slots=True)
class StreetUnder:
    """What the raw layer has under a span: metres off every line, and the features that follow the whole span."""

    stray_m: float
    features: tuple[Mapping[str, Any], ...]
    """Properties of the raw lines that never leave the span by more than the tolerance."""


def streets_under(spans: Spans, indices: Sequence[int], layer: RawLayer) -> dict[int, StreetUnder]:
    """Return, for each of the spans, how far it strays from the layer's lines and which of them it follows."""
    if not indices:
        return {}
    plane = _Plane.around(spans.line(indices[0])[0])
    tree = shapely.STRtree(plane.raw_lines(layer))
    corridors = _Corridors(tree.geometries, max(STREET_TOLERANCE_M, layer.moved_m))
    return {index: _under(plane.line(spans.line(index)), tree, corridors, layer) for index in indices}


class _Corridors:
    """What lies within a distance of each of some lines; each corridor is made once, when it is asked for first."""

    def __init__(self, lines: NDArray[Any], within_m: float) -> None:
        self.within_m = within_m
        self._lines = lines
        self._made = np.full(len(lines), None, dtype=object)
        self._is_made = np.zeros(len(lines), dtype=np.bool_)

    def __getitem__(self, chosen: NDArray[np.int64]) -> NDArray[Any]:
        missing = chosen[~self._is_made[chosen]]
        self._made[missing] = shapely.buffer(self._lines[missing], self.within_m)
        self._is_made[missing] = True
        return self._made[chosen]


def _under(line: shapely.LineString, tree: shapely.STRtree, corridors: _Corridors, layer: RawLayer) -> StreetUnder:
    within_m = corridors.within_m
    near = tree.query(line, predicate="dwithin", distance=within_m)
    # a line whose corridor covers the span is near each of its points; few are, where thousands meet at a junction
    along = near
    for point in shapely.get_coordinates(line):
        along = along[shapely.dwithin(tree.geometries[along], shapely.Point(point), within_m)]
    followed = along[shapely.covers(corridors[along], line)]
    stray_m = 0.0
    if not len(followed):
        stray_m = float(line.difference(shapely.union_all(corridors[near])).length)
    return StreetUnder(stray_m=stray_m, features=tuple(layer.lines[at].properties for at in followed.tolist()))


def length_together_m(spans: Spans, first: Sequence[int], second: Sequence[int]) -> float:
    """Return for how many metres two walks run along each other, nearer than the tolerance.

    Stretches shorter than TOGETHER_M are where walks cross or meet, and do not count.
    """
    if not first or not second:
        return 0.0
    plane = _Plane.around(spans.line(first[0])[0])
    ours, theirs = (shapely.union_all([plane.line(spans.line(index)) for index in walk]) for walk in (first, second))
    stretches = shapely.line_merge(ours.intersection(theirs.buffer(STREET_TOLERANCE_M)))
    lengths = shapely.length(shapely.get_parts(stretches)).tolist()
    return float(sum(length for length in lengths if length >= TOGETHER_M))


BESIDE_LINE_M = 12.0
"""What is drawn as a line concerns what runs within this distance of it."""


def shares_inside(
    spans: Spans, indices: Sequence[int], shapes: Sequence[shapely.Geometry], crs: str
) -> list[dict[int, float]]:
    """Return, for every shape, the share of each span that lies in it, or beside it where it is a line."""
    if not indices or not shapes:
        return [{} for _ in shapes]
    plane = _Plane.around(spans.line(indices[0])[0])
    to_degrees = _to_degrees(crs)
    lines = [plane.line(spans.line(index)) for index in indices]
    tree = shapely.STRtree(lines)
    found: list[dict[int, float]] = []
    for shape in shapes:
        flat = shapely.make_valid(
            plane.shape(shapely.transform(shapely.force_2d(shape), to_degrees, interleaved=False))
        )
        area = flat.buffer(BESIDE_LINE_M, cap_style="flat") if flat.length and not flat.area else flat
        near = tree.query(area, predicate="intersects").tolist()
        found.append({indices[at]: lines[at].intersection(area).length / lines[at].length for at in near})
    return found


def shapes_at(
    places: Sequence[Point], shapes: Sequence[shapely.Geometry], crs: str, within_m: float
) -> list[dict[int, float]]:
    """Return, for every place, the shapes within a distance and how far they are, by their positions."""
    if not places or not shapes:
        return [{} for _ in places]
    plane, to_degrees = _Plane.around(places[0]), _to_degrees(crs)
    flat = [plane.shape(shapely.transform(shapely.force_2d(shape), to_degrees, interleaved=False)) for shape in shapes]
    points = [plane.shape(shapely.Point(place)) for place in places]
    tree = shapely.STRtree(flat)
    near = [tree.query(point, predicate="dwithin", distance=within_m).tolist() for point in points]
    return [{at: float(flat[at].distance(point)) for at in found} for point, found in zip(points, near, strict=True)]


def _to_degrees(crs: str) -> Callable[..., Any]:
    try:
        return Transformer.from_crs(crs, LONGITUDE_LATITUDE, always_xy=True).transform
    except CRSError as error:
        raise InputError.at("layer", f"reference system {crs} is unknown", key_path="crs") from error


@dataclass(frozen=True, kw_only=True, slots=True)
class _Plane:
    """Metres east and north; true to about one per cent within a region, enough to tell near from far."""

    east_m_per_deg: float
    north_m_per_deg: float

    @classmethod
    def around(cls, point: Point) -> _Plane:
        lon_deg, lat_deg = float(point[0]), float(point[1])
        return cls(
            east_m_per_deg=distance_m((lon_deg - 0.05, lat_deg), (lon_deg + 0.05, lat_deg)) * 10.0,
            north_m_per_deg=distance_m((lon_deg, lat_deg - 0.05), (lon_deg, lat_deg + 0.05)) * 10.0,
        )

    def line(self, points: Iterable[Point]) -> shapely.LineString:
        return shapely.LineString([(p[0] * self.east_m_per_deg, p[1] * self.north_m_per_deg) for p in points])

    def shape(self, shape: shapely.Geometry) -> Any:
        return shapely.transform(shape, lambda points: points * (self.east_m_per_deg, self.north_m_per_deg))

    def raw_lines(self, layer: RawLayer) -> list[shapely.LineString]:
        to_degrees = _to_degrees(layer.crs)
        columns = ([[point[axis] for point in line.points] for axis in (0, 1)] for line in layer.lines)
        return [self.line(zip(*to_degrees(x, y), strict=True)) for x, y in columns]
