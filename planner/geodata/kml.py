"""KML (Google Earth), read as the features of GeoJSON; nothing that it links to is followed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from pyproj import CRS

from planner.errors import InputError, Problem
from planner.geodata.files import EMPTY, read_contents
from planner.geodata.geojson import LONGITUDE_LATITUDE, MAX_PROBLEMS, Collection, agreed_crs
from planner.geodata.tables import choose_layer
from planner.geodata.wording import clean_text
from planner.scenario import Layer

FOLDERS = ("Document", "Folder")
SHAPES = ("Point", "LineString", "LinearRing", "Polygon", "MultiGeometry")


def read_kml(path: Path, layer: Layer) -> Collection:
    """Return the placemarks of a KML file as features, of one folder where the layer names it; all values are text.

    Properties are `name`, `description` and those of the extended data. Raises InputError when it is no KML, declares
    entities, or a placemark cannot be read.
    """
    root = _parse(path)
    placemarks = list(_placemarks(root, ""))
    if layer.layer is not None:
        chosen = choose_layer(sorted({folder for _, folder in placemarks if folder}), layer, path)
        placemarks = [(element, folder) for element, folder in placemarks if folder == chosen]
    if not placemarks:
        raise InputError.at(str(path), EMPTY)
    features: list[dict[str, Any]] = []
    problems: list[Problem] = []
    for index, (element, _) in enumerate(placemarks):
        try:
            features.append(_feature(element))
        except (ValueError, RecursionError) as error:
            problems.append(Problem(where=f"{path}: placemark {index}", problem=f"not a shape: {clean_text(error)}"))
    if problems:
        raise InputError(*problems[:MAX_PROBLEMS])
    crs = agreed_crs(CRS(LONGITUDE_LATITUDE), layer, path)
    return Collection(path=path, features=tuple(features), crs=crs, is_text=True)


def _parse(path: Path) -> Element:
    """Return the root of a KML file."""
    contents = read_contents(path)
    if b"<!DOCTYPE" in contents or b"<!ENTITY" in contents:
        raise InputError.at(str(path), "declares a document type or entities, which KML does not need: refused")
    try:
        root = ElementTree.fromstring(contents)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise InputError.at(str(path), f"not valid XML: {error}") from error
    if _tag(root) != "kml":
        raise InputError.at(str(path), "not a KML file: its contents are of another kind than its name")
    return root


def _tag(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _child_text(element: Element, tag: str) -> str:
    return next((child.text or "" for child in element if _tag(child) == tag), "").strip()


def _placemarks(element: Element, folder: str) -> Iterator[tuple[Element, str]]:
    """Yield every placemark below an element, with the name of the folder that holds it."""
    waiting = [(element, folder)]
    while waiting:
        current, name = waiting.pop()
        if _tag(current) == "Placemark":
            yield current, name
            continue
        for child in reversed(current):
            if _tag(child) in FOLDERS:
                waiting.append((child, _child_text(child, "name") or name))
            elif _tag(child) == "Placemark":
                waiting.append((child, name))


def _feature(placemark: Element) -> dict[str, Any]:
    """Return a placemark as a feature; raises ValueError for coordinates that are no numbers."""
    properties: dict[str, str | None] = {}
    for child in placemark:
        if _tag(child) in ("name", "description"):
            properties[_tag(child)] = (child.text or "").strip() or None
        elif _tag(child) == "ExtendedData":
            for data in child.iter():
                if _tag(data) == "SimpleData":
                    properties[str(data.get("name"))] = (data.text or "").strip() or None
                elif _tag(data) == "Data":
                    properties[str(data.get("name"))] = _child_text(data, "value") or None
    if placemark.get("id"):
        properties.setdefault("id", placemark.get("id"))
    shapes = [_geometry(child) for child in placemark if _tag(child) in SHAPES]
    return {"type": "Feature", "properties": properties, "geometry": shapes[0] if shapes else None}


def _geometry(element: Element) -> dict[str, Any]:
    """Return the geometry of a shape."""
    kind = _tag(element)
    if kind == "MultiGeometry":
        parts = [_geometry(child) for child in element if _tag(child) in SHAPES]
        kinds = {part["type"] for part in parts}
        if len(kinds) == 1 and kinds <= {"Point", "LineString", "Polygon"}:
            return {"type": f"Multi{kinds.pop()}", "coordinates": [part["coordinates"] for part in parts]}
        return {"type": "GeometryCollection", "geometries": parts}
    if kind == "Polygon":
        rings = [ring for side in ("outerBoundaryIs", "innerBoundaryIs") for ring in _rings(element, side)]
        return {"type": kind, "coordinates": rings}
    positions = _coordinates(element)
    if kind == "Point":
        return {"type": kind, "coordinates": positions[0] if positions else []}
    return {"type": "LineString", "coordinates": positions}


def _rings(polygon: Element, side: str) -> Iterator[list[list[float]]]:
    for boundary in polygon:
        if _tag(boundary) == side:
            yield from (_coordinates(ring) for ring in boundary if _tag(ring) == "LinearRing")


def _coordinates(element: Element) -> list[list[float]]:
    """Return the positions of a shape: longitude, latitude, and height where it is given."""
    text = _child_text(element, "coordinates")
    return [[float(number) for number in position.split(",")] for position in text.split()]
