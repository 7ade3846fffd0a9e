"""Polygons, or polygons and lines, of a layer in longitude and latitude, valid and flat."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas
import numpy as np
import shapely
from numpy.typing import NDArray

from planner.errors import InputError, Problem
from planner.geodata.geojson import LONGITUDE_LATITUDE, MAX_PROBLEMS, Collection, are_finite
from planner.geodata.wording import counted, listed

POLYGONS = ("Polygon", "MultiPolygon")
LINES = ("LineString", "MultiLineString")


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Drawn:
    """Shapes, the feature of each, and what had to be left out or repaired."""

    features: tuple[int, ...]
    shapes: NDArray[np.object_]
    notes: tuple[str, ...]


def read_shapes(collection: Collection, noun: str, kinds: tuple[str, ...] = POLYGONS) -> Drawn:
    """Return the shapes of some kinds in longitude and latitude; invalid ones are repaired and counted.

    Raises InputError when there is none, or for coordinates that are no finite numbers or draw nothing. `noun` says in
    messages what a shape is.
    """
    found = [(feature.get("geometry") or {}).get("type") for feature in collection.features]
    chosen = [index for index, kind in enumerate(found) if kind in kinds]
    name, notes = collection.path.name, list(collection.notes)
    wanted = "polygon" if kinds == POLYGONS else "polygon or line"
    if not chosen:
        raise InputError.at(str(collection.path), f"layer holds no {wanted.replace(' or ', 's or ')}s")
    if len(chosen) < len(found):
        notes.append(f"{name}: {counted(len(found) - len(chosen), 'feature')} left out: not a {wanted}")
    shapes = _drawn(collection, chosen)
    is_valid = shapely.is_valid(shapes)
    if not is_valid.all():
        names = [collection.label(index).rpartition(": feature ")[2] for index in np.array(chosen)[~is_valid]]
        notes.append(
            f"{name}: {counted(len(names), noun)} with an outline that crosses itself repaired ({listed(names)})"
        )
        shapes = np.asarray(shapely.make_valid(shapes))
    return Drawn(features=tuple(chosen), shapes=shapes, notes=tuple(notes))


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
        raise InputError.at(str(collection.path), f"holds a shape that cannot be drawn: {error}") from error
    if not np.isfinite(shapely.get_coordinates(frame.geometry)).all():
        raise InputError.at(str(collection.path), f"holds a shape that has no place in {collection.crs.name}")
    return np.asarray(shapely.force_2d(frame.geometry.to_numpy()))
