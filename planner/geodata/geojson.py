"""Features, their reference system and their lines, read strictly: every mistake says in which feature it is."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError

from planner.errors import InputError, Problem
from planner.geodata.files import EMPTY, read_contents
from planner.geodata.lines import DECIMALS
from planner.geodata.ofds import is_ofds, spans_as_features
from planner.geodata.wording import clean_text, counted
from planner.network import Floats, Integers
from planner.scenario import Layer

LONGITUDE_LATITUDE = "OGC:CRS84"
MAX_PROBLEMS = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Collection:
    """The features of a file as GeoJSON has them, not yet looked into, and their reference system."""

    path: Path
    features: tuple[Mapping[str, Any], ...]
    crs: CRS
    attribution: str = ""
    """What the file says about its origin, or empty."""
    is_text: bool = False
    """Whether the format knows text only, so that numbers must be read from it."""
    geometry_column: str = ""
    """Column that the geometry was read from, in a delimited text file."""
    states_ends: bool = False
    """Whether the format says itself which nodes a line joins (OFDS): then its lines meet nowhere else."""
    notes: tuple[str, ...] = ()

    def label(self, index: int) -> str:
        """Return file and feature, by its id where it has one, for messages."""
        properties = self.features[index].get("properties")
        named = properties.get("id") if isinstance(properties, dict) else None
        named = self.features[index].get("id") if named is None else named
        return f"{self.path}: feature {index if named is None else clean_text(named)}"

    def properties(self, index: int) -> Mapping[str, Any]:
        """Return the properties of a feature; none is an empty mapping."""
        found = self.features[index].get("properties")
        return found if isinstance(found, dict) else {}

    def columns(self) -> set[str]:
        """Return the names of all properties."""
        return {name for index in range(len(self.features)) for name in self.properties(index)}


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class LineParts:
    """The lines of a collection in longitude and latitude, parts of a multi-line one by one."""

    offsets: Integers
    coordinates: Floats
    """Rounded longitude and latitude, shape (n, 2)."""
    features: Integers
    """Feature that every line belongs to."""
    notes: tuple[str, ...]


def read_geojson(path: Path, layer: Layer) -> Collection:
    """Return the features of a GeoJSON file (.geojson, .json, also .gz), or the spans of an Open Fibre Data file.

    Raises InputError when it is neither with features, or its reference system is unknown or contradicts the layer's.
    """
    try:
        content = json.loads(read_contents(path))
    except (ValueError, RecursionError) as error:
        raise InputError.at(str(path), f"not valid JSON: {error}") from error
    notes: tuple[str, ...] = ()
    states_ends = is_ofds(content)
    if states_ends:
        content, notes = spans_as_features(content, path)
    if not isinstance(content, dict) or content.get("type") != "FeatureCollection":
        raise InputError.at(str(path), "not a GeoJSON FeatureCollection")
    features = content.get("features")
    if not isinstance(features, list) or not features:
        raise InputError.at(str(path), EMPTY)
    for index, feature in enumerate(features):
        if not isinstance(feature, dict) or not isinstance(feature.get("geometry"), dict | None):
            raise InputError.at(f"{path}: feature {index}", "not a GeoJSON feature")
    metadata = content.get("metadata")
    said = [metadata.get(key) for key in ("attribution", "licence")] if isinstance(metadata, dict) else []
    return Collection(
        path=path,
        features=tuple(features),
        crs=_reference_system(content, layer, path),
        attribution=", ".join(clean_text(text) for text in said if text),
        states_ends=states_ends,
        notes=notes,
    )


def read_line_parts(collection: Collection) -> LineParts:
    """Return all lines of a collection, projected back to longitude and latitude.

    Features without a line are left out and counted. Raises InputError for a coordinate that is not a number, is not
    finite, or is no longitude or latitude although the reference system says so.
    """
    parts, features, notes = _gather_parts(collection)
    notes = [*collection.notes, *notes]
    if not parts:
        raise InputError.at(str(collection.path), "layer holds no lines")
    flat = [position for part in parts for position in part if isinstance(position, list)]
    numbers = [number for position in flat for number in position[:2]]
    is_clean = len(flat) == sum(map(len, parts)) and len(numbers) == 2 * len(flat)
    if not is_clean or not set(map(type, numbers)) <= {int, float}:
        raise _located_problem(collection, parts, features)
    if any(len(position) > 2 for position in flat):
        notes.append(f"{collection.path.name}: heights were left out")
    try:
        coordinates = np.array(numbers, dtype=np.float64).reshape(-1, 2)
    except OverflowError:
        raise _located_problem(collection, parts, features) from None
    if not np.isfinite(coordinates).all() or (collection.crs.is_geographic and not _on_earth(coordinates)):
        raise _located_problem(collection, parts, features)
    return LineParts(
        offsets=np.cumsum([0, *map(len, parts)], dtype=np.int64),
        coordinates=to_longitude_latitude(coordinates, collection.crs),
        features=np.array(features, dtype=np.int64),
        notes=tuple(notes),
    )


def to_longitude_latitude(coordinates: Floats, crs: CRS) -> Floats:
    """Return coordinates as rounded WGS84 longitude and latitude; NaN where there is none."""
    if crs != CRS(LONGITUDE_LATITUDE):
        transform = Transformer.from_crs(crs, LONGITUDE_LATITUDE, always_xy=True).transform
        coordinates = np.column_stack(transform(coordinates[:, 0], coordinates[:, 1]))
        coordinates = np.where(np.isfinite(coordinates), coordinates, np.nan)
    return np.round(coordinates, DECIMALS) + 0.0  # turns -0.0 into 0.0


def are_finite(coordinates: Any) -> bool:
    """Return whether nested lists of coordinates hold finite numbers only."""
    if isinstance(coordinates, list) and coordinates and isinstance(coordinates[0], list):
        return all(map(are_finite, coordinates))
    return all(map(is_finite_number, coordinates)) if isinstance(coordinates, list) else is_finite_number(coordinates)


def is_finite_number(value: Any) -> bool:
    """Return whether a JSON value is a number that a coordinate can be."""
    return type(value) in (int, float) and abs(value) < 1e12 and math.isfinite(value)


def _gather_parts(collection: Collection) -> tuple[list[list[Any]], list[int], list[str]]:
    """Return the lines as they stand in the file, the feature of each, and notes about what is left out."""
    parts: list[list[Any]] = []
    features: list[int] = []
    empty = multiple = other = 0
    for index, feature in enumerate(collection.features):
        geometry = feature.get("geometry") or {}
        kind, coordinates = geometry.get("type"), geometry.get("coordinates")
        if kind == "LineString":
            found = [coordinates]
        elif kind == "MultiLineString" and isinstance(coordinates, list):
            found = coordinates
            multiple += 1
        else:
            other += bool(geometry)
            empty += not geometry
            continue
        for part in found:
            if not isinstance(part, list):
                raise InputError.at(collection.label(index), "coordinates are not a list")
            if len(part) >= 2:
                parts.append(part)
                features.append(index)
            else:
                empty += 1
    name = collection.path.name
    notes = [
        f"{name}: {counted(number, 'feature')} {what}"
        for number, what in (
            (empty, "left out: no geometry, or a line of one point"),
            (other, "left out: not a line"),
            (multiple, "with several lines, read line by line"),
        )
        if number
    ]
    return parts, features, notes


def _on_earth(coordinates: Floats) -> bool:
    return bool((np.abs(coordinates) <= np.array((180.0, 90.0))).all())


def _located_problem(collection: Collection, parts: list[list[Any]], features: list[int]) -> InputError:
    """Return the error that names every feature with a coordinate that cannot be."""
    problems: dict[int, Problem] = {}
    for part, feature in zip(parts, features, strict=True):
        problem = _coordinate_problem(part, is_geographic=collection.crs.is_geographic)
        if problem and feature not in problems:
            problems[feature] = Problem(where=collection.label(feature), problem=problem)
    return InputError(*list(problems.values())[:MAX_PROBLEMS])


def _coordinate_problem(part: list[Any], *, is_geographic: bool) -> str:
    """Return what is wrong with the coordinates of a line, or nothing."""
    for position in part:
        if not isinstance(position, list) or len(position) < 2:
            return f"not a position: {position!r:.60}"
        if not all(is_finite_number(number) for number in position[:2]):
            return f"coordinates are not finite numbers: {position!r:.60}"
        x, y = position[:2]
        if is_geographic and not (abs(x) <= 180.0 and abs(y) <= 90.0):
            hint = "metres? State the layer's crs" if max(abs(x), abs(y)) > 1000.0 else "are the two swapped?"
            return f"{x}, {y} is no longitude and latitude; {hint}"
    return ""


def _reference_system(content: Mapping[str, Any], layer: Layer, path: Path) -> CRS:
    """Return the reference system that file and layer agree on; longitude and latitude where neither says one."""
    stated: CRS | None = None
    if "crs" in content:
        properties = content["crs"].get("properties") if isinstance(content["crs"], dict) else None
        name = properties.get("name") if isinstance(properties, dict) else None
        if isinstance(name, str):
            stated = _parse_crs(name, path, "crs of the file")
        elif layer.crs is None:
            raise InputError.at(
                str(path), "the file's crs names no reference system; state the layer's crs", key_path="crs"
            )
    return agreed_crs(stated or (None if layer.crs else CRS(LONGITUDE_LATITUDE)), layer, path)


def agreed_crs(stated: CRS | None, layer: Layer, path: Path) -> CRS:
    """Return the reference system of a file, which the file, the layer of the scenario, or both in agreement state.

    Raises InputError when neither does, or the two differ.
    """
    if layer.crs is None:
        if stated is None:
            text = "the file names no reference system; state the layer's crs (EPSG:4326 for longitude and latitude)"
            raise InputError.at(str(path), text, key_path="crs")
        return _usable(stated, path, "crs of the file")
    named = _parse_crs(layer.crs, path, "crs of the layer")
    if stated is not None and not _is_same(named, stated):
        text = f"the layer says {layer.crs}, the file {_short_name(stated)}; only one can be right"
        raise InputError.at(str(path), text, key_path="crs")
    return named


def _is_same(first: CRS, second: CRS) -> bool:
    """Return whether two reference systems are one, also where one is a description without its number."""
    if first.equals(second, ignore_axis_order=True):
        return True
    number = first.to_epsg()
    return number is not None and number == second.to_epsg(min_confidence=60)


def _short_name(crs: CRS) -> str:
    name = crs.to_string()
    return name if len(name) < 40 else clean_text(crs.name)


def _parse_crs(name: str, path: Path, what: str) -> CRS:
    try:
        crs = CRS.from_user_input(name)
    except CRSError as error:
        raise InputError.at(str(path), f"{what} is unknown: {clean_text(name)}", key_path="crs") from error
    return _usable(crs, path, what)


def _usable(crs: CRS, path: Path, what: str) -> CRS:
    """Return a reference system with longitude and east first, as files have it; raises InputError for heights."""
    if not (crs.is_geographic or crs.is_projected):
        text = f"{what} places nothing on a map: {_short_name(crs)}"
        raise InputError.at(str(path), text, key_path="crs")
    return CRS(LONGITUDE_LATITUDE) if crs.equals(CRS("EPSG:4326"), ignore_axis_order=True) else crs
