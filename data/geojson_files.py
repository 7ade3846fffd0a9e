"""Writing GeoJSON so that the same content always gives the same bytes."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from shapely import get_parts, orient_polygons, set_precision
from shapely.geometry import MultiPolygon, mapping
from shapely.geometry.base import BaseGeometry

DECIMALS = 6
"""Decimals of a degree in every file: about 0.1 m."""

OSM_LICENCE = {
    "attribution": "(c) OpenStreetMap contributors",
    "licence": "ODbL 1.0, https://opendatacommons.org/licenses/odbl/1-0/",
}

Feature = dict[str, Any]


def point_feature(properties: Mapping[str, Any], lon_deg: float, lat_deg: float) -> Feature:
    """Return a GeoJSON point with rounded coordinates."""
    geometry = {"type": "Point", "coordinates": [round(lon_deg, DECIMALS), round(lat_deg, DECIMALS)]}
    return {"type": "Feature", "properties": dict(properties), "geometry": geometry}


def line_feature(properties: Mapping[str, Any], coordinates: Iterable[tuple[float, float]]) -> Feature:
    """Return a GeoJSON line through `coordinates`, which are rounded already."""
    geometry = {"type": "LineString", "coordinates": [list(point) for point in coordinates]}
    return {"type": "Feature", "properties": dict(properties), "geometry": geometry}


def area_feature(properties: Mapping[str, Any], area: BaseGeometry) -> Feature:
    """Return a GeoJSON polygon or multipolygon with rounded coordinates that is valid after rounding.

    Raises ValueError when rounding leaves nothing of it.
    """
    parts = get_parts(orient_polygons(set_precision(area, 10.0**-DECIMALS).normalize()))
    if not any(part.area for part in parts):
        raise ValueError(f"nothing is left of area {properties.get('id')} after rounding")
    shape = parts[0] if len(parts) == 1 else MultiPolygon(list(parts))
    return {"type": "Feature", "properties": dict(properties), "geometry": _round(mapping(shape))}


def rounded_line(coordinates: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return `coordinates` rounded, without the repeated points that rounding leaves."""
    line: list[tuple[float, float]] = []
    for lon_deg, lat_deg in coordinates:
        point = (round(lon_deg, DECIMALS), round(lat_deg, DECIMALS))
        if not line or line[-1] != point:
            line.append(point)
    return line


def write_collection(path: Path, features: Iterable[Feature], metadata: Mapping[str, Any]) -> None:
    """Write a feature collection, one feature a line, compressed when the name ends in `.gz`.

    The compressed file holds neither a time nor a name, so that a second run gives the same bytes.
    """
    head = '{"type":"FeatureCollection",\n"metadata":' + _compact(metadata) + ',\n"features":[\n'
    text = head + ",\n".join(_compact(feature) for feature in features) + "\n]}\n"
    content = text.encode()
    if path.suffix == ".gz":
        buffer = io.BytesIO()
        with gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=buffer, mtime=0) as file:
            file.write(content)
        content = buffer.getvalue()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def check_digest(path: Path, sha256: str) -> None:
    """Raise ValueError when `path` is not the file that the rules were written for."""
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != sha256:
        raise ValueError(f"{path.name} has sha256 {found}, expected {sha256}")


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _round(geometry: Mapping[str, Any]) -> dict[str, Any]:
    def walk(value: Any) -> Any:
        if isinstance(value, float | int):
            return round(value, DECIMALS)
        return [walk(item) for item in value]

    return {"type": geometry["type"], "coordinates": walk(geometry["coordinates"])}
