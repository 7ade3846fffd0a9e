"""The region of a scenario: what lies inside, and metres east and north in it."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Transformer

from planner.errors import InputError
from planner.geodata.geojson import LONGITUDE_LATITUDE
from planner.geodata.lines import Flags, Lines
from planner.network import Floats
from planner.scenario.spec import Extent


def inside(coordinates: Floats, extent: Extent) -> Flags:
    """Return which points of longitude and latitude lie in the extent; a missing one (NaN) does not."""
    lon, lat = coordinates[:, 0], coordinates[:, 1]
    is_inside: Flags = (extent.west_lon_deg <= lon) & (lon <= extent.east_lon_deg)
    return is_inside & (extent.south_lat_deg <= lat) & (lat <= extent.north_lat_deg)


def refuse_elsewhere(coordinates: Floats, extent: Extent, where: str) -> None:
    """Raise InputError when points lie elsewhere: none in the extent, or more of them once the axes are exchanged."""
    is_there = np.isfinite(coordinates).all(axis=1)
    is_inside = inside(coordinates, extent)
    if is_inside.sum() * 2 < is_there.sum() and inside(coordinates[:, ::-1], extent).sum() > is_inside.sum():
        text = "longitude and latitude are swapped: with the two exchanged the layer fits the extent"
        raise InputError.at(where, text)
    if not is_inside.any():
        text = (
            f"nothing lies inside the extent; the layer {_box(coordinates[is_there])}: is the crs or the extent right?"
        )
        raise InputError.at(where, text)


def metric_projection(extent: Extent) -> Transformer:
    """Return the projection from longitude and latitude to metres around the middle of the extent.

    A transverse Mercator projection with its own meridian: within 100 km of the middle, lengths are true to 0.02 %.
    """
    middle = {
        "lon_0": (extent.west_lon_deg + extent.east_lon_deg) / 2.0,
        "lat_0": (extent.south_lat_deg + extent.north_lat_deg) / 2.0,
    }
    plane = CRS.from_dict({"proj": "tmerc", "k": 1.0, "ellps": "WGS84", "units": "m", **middle})
    return Transformer.from_crs(LONGITUDE_LATITUDE, plane, always_xy=True)


def to_metres(projection: Transformer, coordinates: Floats) -> Floats:
    """Return points of longitude and latitude as metres east and north, shape (n, 2)."""
    metres: Floats = np.column_stack(projection.transform(coordinates[:, 0], coordinates[:, 1]))
    return metres


def drawn_in_metres(shapes: NDArray[np.object_], projection: Transformer) -> NDArray[np.object_]:
    """Return shapes in longitude and latitude as shapes in metres."""
    return np.asarray(shapely.transform(shapes, lambda points: to_metres(projection, points)))


def to_degrees(projection: Transformer, points_m: Floats) -> Floats:
    """Return points in metres as longitude and latitude, shape (n, 2)."""
    degrees: Floats = np.column_stack(projection.transform(points_m[:, 0], points_m[:, 1], direction="INVERSE"))
    return degrees


def draw(projection: Transformer, lines: Lines) -> NDArray[np.object_]:
    """Return the shapes of lines in metres."""
    if not len(lines):
        return np.array([], dtype=np.object_)
    return np.asarray(shapely.linestrings(to_metres(projection, lines.coordinates), indices=lines.owners))


def _box(coordinates: Floats) -> str:
    if not len(coordinates):
        return "has no place on earth"
    (west, south), (east, north) = coordinates.min(axis=0), coordinates.max(axis=0)
    return f"spans longitude {west:.4f} to {east:.4f} and latitude {south:.4f} to {north:.4f}"
