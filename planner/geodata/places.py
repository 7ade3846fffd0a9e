"""Places for sites: points and middles of areas in files of features, and things of an OpenStreetMap extract."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from pyproj import CRS

from planner.errors import InputError, Problem
from planner.geodata.geojson import to_longitude_latitude
from planner.geodata.layers import read_layer
from planner.geodata.osm_places import read_osm_places
from planner.geodata.streets import file_kind
from planner.geodata.wording import listed
from planner.scenario.layers import SiteLayer
from planner.scenario.sitefiles import PLACE_COLUMNS
from planner.scenario.spec import Site
from planner.scenario.tables import read_table

KNOWN = {name: name for name in Site.model_fields if name not in PLACE_COLUMNS}


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """One place of a file, in longitude and latitude, with what the file says about it."""

    where: str
    values: Mapping[str, Any]
    """Columns or tags by name, with `lon_deg` and `lat_deg`."""
    is_text: bool = False


def read_places(path: Path, layer: SiteLayer) -> list[Place]:
    """Return the places of a file in any format: the middle of a line, and a point inside an area.

    Of an OpenStreetMap extract they are the things that `objects` or `tags` of the layer choose. Raises InputError,
    located, for what cannot be read, for features without a place, and for things that are not in the extract.
    """
    if not layer.is_database and file_kind(path) == "osm":
        if not (layer.tags or layer.objects):
            text = "say which things of the extract are sites, by objects (id: w123) or tags (telecom=exchange)"
            raise InputError.at(str(path), text, key_path="objects")
        return [Place(where=f"{path}: {name}", values=values) for name, values in read_osm_places(path, layer)]
    for option in ("tags", "objects"):
        if getattr(layer, option):
            raise InputError.at(str(path), "is for OpenStreetMap extracts only; leave it out", key_path=option)
    columns = None if layer.is_database else _planar_columns(path, layer)
    if columns is not None:
        return _planar_rows(path, layer, columns)
    return _feature_places(path, layer)


def _feature_places(path: Path, layer: SiteLayer) -> list[Place]:
    """Return the places of a file of features."""
    plain = layer.model_copy(
        update={"columns": {field: name for field, name in layer.columns.items() if field not in PLACE_COLUMNS}}
    )
    collection = read_layer(path, plain, KNOWN)
    points: list[tuple[float, float]] = []
    problems: list[Problem] = []
    for index, feature in enumerate(collection.features):
        point = _point_of(feature.get("geometry"))
        if point is None:
            problems.append(
                Problem(where=collection.label(index), problem="has no geometry that a site could stand at")
            )
        points.append(point or (np.nan, np.nan))
    if problems:
        raise InputError(*problems[:20])
    degrees = to_longitude_latitude(np.array(points, dtype=np.float64), collection.crs)
    if not np.isfinite(degrees).all():
        index = int(np.flatnonzero(~np.isfinite(degrees).all(axis=1))[0])
        text = f"{points[index]} is no place in {collection.crs.to_string()}; is the crs right?"
        raise InputError.at(collection.label(index), text)
    return [
        Place(
            where=collection.label(index),
            values={**collection.properties(index), "lon_deg": lon_deg, "lat_deg": lat_deg},
            is_text=collection.is_text,
        )
        for index, (lon_deg, lat_deg) in enumerate(degrees.tolist())
    ]


def _point_of(geometry: Any) -> tuple[float, float] | None:
    """Return a geometry's point: itself, the middle of a line, a point inside an area; None where there is none."""
    try:
        shape = shapely.geometry.shape(geometry) if geometry else None
    except (KeyError, TypeError, ValueError, AttributeError, shapely.errors.ShapelyError):
        return None
    if shape is None or shape.is_empty:
        return None
    if shape.geom_type == "LineString":
        point: Any = shape.interpolate(0.5, normalized=True)
    else:
        point = shape if shape.geom_type == "Point" else shape.representative_point()
    return float(point.x), float(point.y)


def _planar_columns(path: Path, layer: SiteLayer) -> tuple[str, str] | None:
    """Return the two columns of coordinates of a table in another reference system, or None for other files."""
    if path.suffix.lower() not in (".csv", ".tsv") or layer.header or "geometry" in layer.columns or layer.crs is None:
        return None
    header, _ = read_table(path)
    lowered = {name.lower(): name for name in reversed(header)}
    found = [
        layer.columns.get(field) or next((lowered[name] for name in names if name in lowered), None)
        for field, names in PLACE_COLUMNS.items()
    ]
    first, second = found
    if first is None or second is None:
        return None
    if missing := {first, second} - set(header):
        raise InputError.at(str(path), f"has no column {listed(missing)}; it has {listed(header)}", key_path="columns")
    return first, second


def _planar_rows(path: Path, layer: SiteLayer, columns: tuple[str, str]) -> list[Place]:
    """Return the rows of a table of places in the layer's reference system."""
    header, lines = read_table(path)
    at = [header.index(column) for column in columns]
    try:
        numbers = np.array([[float(row[index]) for index in at] for _, row in lines], dtype=np.float64)
        degrees = to_longitude_latitude(numbers, CRS.from_user_input(layer.crs))
    except ValueError as error:
        raise InputError.at(str(path), f"{columns[0]} and {columns[1]} must be numbers: {error}") from error
    except RuntimeError as error:
        raise InputError.at(str(path), f"crs of the layer is unknown: {layer.crs}", key_path="crs") from error
    places = []
    for (line, row), (lon_deg, lat_deg) in zip(lines, degrees.tolist(), strict=True):
        if not np.isfinite((lon_deg, lat_deg)).all():
            raise InputError.at(f"{path}:{line}", f"is no place in {layer.crs}; is the crs right?")
        values = {**dict(zip(header, row, strict=True)), "lon_deg": lon_deg, "lat_deg": lat_deg}
        places.append(Place(where=f"{path}:{line}", values=values, is_text=True))
    return places
