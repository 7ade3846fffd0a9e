"""Polygons of a layer in longitude and latitude, valid and flat."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas
import numpy as np
import shapely
from numpy.typing import NDArray

from planner.errors import InputError, Problem
from planner.geodata.geojson import LONGITUDE_LATITUDE, MAX_PROBLEMS, Collection, are_finite
from planner.geodata.wording import counted, listed


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Polygons:
    """Polygons, the feature of each, and what had to be left out or repaired."""

    features: tuple[int, ...]
    shapes: NDArray[np.object_]
    notes: tuple[str, ...]


def read_polygons(collection: Collection, noun: str) -> Polygons:
    """Return the polygons of a collection in longitude and latitude; invalid ones are repaired and counted.

    Raises InputError when there is none, or for coordinates that are no finite numbers or draw no polygon. `noun`
    says in messages what a polygon is.
    """
    kinds = [(feature.get("geometry") or {}).get("type") for feature in collection.features]
    chosen = [index for index, kind in enumerate(kinds) if kind in ("Polygon", "MultiPolygon")]
    name, notes = collection.path.name, list(collection.notes)
    if not chosen:
        raise InputError.at(str(collection.path), "layer holds no polygons")
    if len(chosen) < len(kinds):
        notes.append(f"{name}: {counted(len(kinds) - len(chosen), 'feature')} left out: not a polygon")
    shapes = _drawn(collection, chosen)
    is_valid = shapely.is_valid(shapes)
    if not is_valid.all():
        names = [collection.label(index).rpartition(": feature ")[2] for index in np.array(chosen)[~is_valid]]
        notes.append(
            f"{name}: {counted(len(names), noun)} with an outline that crosses itself repaired ({listed(names)})"
        )
        shapes = np.asarray(shapely.make_valid(shapes))
    return Polygons(features=tuple(chosen), shapes=shapes, notes=tuple(notes))


def _drawn(collection: Collection, chosen: list[int]) -> NDArray[np.object_]:
    """Return the chosen polygons in longitude and latitude, without heights."""
    geometries = [collection.features[index]["geometry"] for index in chosen]
    problems = [
        Problem(where=collection.label(index), problem="coordinates are not finite numbers")
        for index, geometry in zip(chosen, geometries, strict=True)
        if not are_finite(geometry.get("coordinates"))
    ]
    if problems:
        raise InputError(*problems[:MAX_PROBLEMS])
    features = [{"type": "Feature", "properties": {}, "geometry": geometry} for geometry in geometries]
    try:
        frame = geopandas.GeoDataFrame.from_features(features, crs=collection.crs).to_crs(LONGITUDE_LATITUDE)
    except (ValueError, TypeError, IndexError, shapely.errors.GEOSException) as error:
        raise InputError.at(str(collection.path), f"holds a polygon that cannot be drawn: {error}") from error
    if not np.isfinite(shapely.get_coordinates(frame.geometry)).all():
        raise InputError.at(str(collection.path), f"holds a polygon that has no place in {collection.crs.name}")
    return np.asarray(shapely.force_2d(frame.geometry.to_numpy()))
