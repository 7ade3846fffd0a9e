"""Buildings of an OpenStreetMap extract, PBF or XML: closed ways and multipolygon relations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import osmium
import shapely
from pyproj import CRS

from planner.errors import InputError
from planner.geodata.geojson import LONGITUDE_LATITUDE, Collection
from planner.geodata.osm import ATTRIBUTION, FILE_ERRORS, open_source
from planner.geodata.tables import geometry_of
from planner.geodata.wording import counted
from planner.scenario import Layer

TAGS = {"name": "name", "height": "height", "building:levels": "levels"}
"""Tag -> our column."""
_NO = (None, "no")


def read_osm_buildings(path: Path, layer: Layer) -> Collection:
    """Return the buildings and building parts of an extract, as features with `id`, `name`, `height`, `levels`, `part`.

    What lacks a node or a member (at the edge of a clipped extract) is left out. Raises InputError when the file cannot
    be read or holds no building, and for options that do not apply to OpenStreetMap.
    """
    for option in ("layer", "header", "columns", "crs"):
        if getattr(layer, option):
            raise InputError.at(str(path), "does not apply to OpenStreetMap files; leave it out", key_path=option)
    features: list[dict[str, Any]] = []
    undrawn = 0
    drawer: Any = osmium.geom.WKBFactory()
    try:
        filters = osmium.filter.KeyFilter("building", "building:part")
        reader: Any = osmium.FileProcessor(open_source(path)).with_areas(filters).with_filter(filters)
        for thing in reader:
            if not thing.is_area() or (thing.tags.get("building") in _NO and thing.tags.get("building:part") in _NO):
                continue
            try:
                shape = shapely.from_wkb(bytes.fromhex(drawer.create_multipolygon(thing)))
            except (RuntimeError, shapely.errors.GEOSException):
                undrawn += 1
                continue
            features.append(_feature(thing, shape))
    except FILE_ERRORS as error:
        if isinstance(error, InputError):
            raise
        raise InputError.at(str(path), f"not a readable OpenStreetMap file: {error}") from error
    if not features:
        raise InputError.at(str(path), "layer is empty: no closed way or relation with a building tag")
    notes = (f"{path.name}: {counted(undrawn, 'building')} left out, whose outline cannot be drawn",) if undrawn else ()
    features.sort(key=lambda feature: str(feature["properties"]["id"]))
    return Collection(
        path=path, features=tuple(features), crs=CRS(LONGITUDE_LATITUDE), attribution=ATTRIBUTION, notes=notes
    )


def _feature(thing: Any, shape: Any) -> dict[str, Any]:
    """Return a building as a feature."""
    properties: dict[str, Any] = {column: thing.tags.get(tag) for tag, column in TAGS.items()}
    properties["id"] = f"{'w' if thing.from_way() else 'r'}{thing.orig_id()}"
    properties["part"] = thing.tags.get("building") in _NO
    return {"type": "Feature", "properties": properties, "geometry": geometry_of(shape)}
