"""Buildings with their heights: stated, from storeys, or guessed; and which building a place stands on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Transformer

from planner.errors import InputError
from planner.geodata.files import kind_of
from planner.geodata.geojson import Collection
from planner.geodata.layers import read_layer
from planner.geodata.lines import Flags
from planner.geodata.osm_buildings import read_osm_buildings
from planner.geodata.polygons import read_shapes
from planner.geodata.region import refuse_elsewhere, to_metres
from planner.geodata.streets import OSM_ENDINGS
from planner.geodata.wording import clean_text, counted
from planner.network import Floats, Integers
from planner.scenario import Layer, Scenario

BUILDING_COLUMNS: Mapping[str, str] = {
    "id": "id",
    "name": "name",
    "height": "height",
    "levels": "levels",
    "part": "part",
}
"""Our field -> the column that is read when the layer maps none; `part` marks a part of a building with own height."""
STOREY_M = 3.2
"""Height of a storey, floor to floor; an assumption."""
GUESSED_LEVELS = 3.0
"""Storeys of a building whose data says nothing, unless the layer's `values` say `levels`; an assumption."""
AT_BUILDING_M = 30.0
"""A place this near to a building stands on it."""
PARTS_COVER = 0.9
"""Parts that cover this share of a building without height stand for it."""
MAX_HEIGHT_M = 900.0
_NUMBER = re.compile(r"([0-9]{1,4}(?:\.[0-9]{1,6})?)(?: ?m)?")


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Buildings:
    """Footprints in metres, with the height of each roof above the ground."""

    ids: tuple[str, ...]
    shapes: NDArray[np.object_]
    heights_m: Floats
    is_guessed: Flags
    roofs_m: Floats
    """Height of the highest roof of the building, its parts included."""
    is_obstacle: Flags
    """False for an outline whose parts stand for it."""
    groups: Integers
    """Building that a part belongs to; a whole building is its own."""
    notes: tuple[str, ...]
    attributions: tuple[str, ...]

    def __len__(self) -> int:
        """Return the number of footprints."""
        return len(self.ids)


def read_buildings(scenario: Scenario, projection: Transformer) -> Buildings:
    """Return the buildings of all layers; how many heights are guessed is noted.

    Raises InputError for files that cannot be read, polygons that cannot be drawn and layers that lie elsewhere.
    """
    shapes: list[Any] = []
    rows: list[tuple[str, float, bool, bool]] = []
    notes: list[str] = []
    attributions: list[str] = []
    for layer in scenario.spec.layers.buildings:
        collection, levels = _collection(scenario, layer)
        drawn = read_shapes(collection, "building")
        refuse_elsewhere(shapely.get_coordinates(drawn.shapes), scenario.spec.extent, str(collection.path))
        found = [_row(collection, layer, index, levels) for index in drawn.features]
        shapes += list(drawn.shapes)
        rows += found
        guessed = sum(row[2] for row in found)
        notes += drawn.notes
        notes.append(
            f"{collection.path.name}: {counted(len(found), 'building')} and parts of them, "
            f"{guessed / len(found):.1%} without height or storeys: taken as {levels:g} storeys of {STOREY_M:g} m"
        )
        attributions.append(layer.attribution or collection.attribution)
    ids, heights, is_guessed, is_part = zip(*rows, strict=True)
    metres = np.asarray(
        shapely.transform(np.array(shapes, dtype=np.object_), lambda points: to_metres(projection, points))
    )
    whole = Buildings(
        ids=ids,
        shapes=metres,
        heights_m=np.array(heights, dtype=np.float64),
        is_guessed=np.array(is_guessed, dtype=np.bool_),
        roofs_m=np.array(heights, dtype=np.float64),
        is_obstacle=np.ones(len(ids), dtype=np.bool_),
        groups=np.arange(len(ids), dtype=np.int64),
        notes=tuple(notes),
        attributions=tuple(attributions),
    )
    return _with_parts(whole, np.array(is_part, dtype=np.bool_))


def buildings_at(buildings: Buildings, points_m: Floats, *, within_m: float = AT_BUILDING_M) -> Integers:
    """Return the building that every point in metres stands on: the nearest within a distance, or -1."""
    wholes = np.unique(buildings.groups)
    pairs, distances = shapely.STRtree(buildings.shapes[wholes]).query_nearest(
        shapely.points(points_m), max_distance=within_m, return_distance=True
    )
    found = np.full(len(points_m), -1, dtype=np.int64)
    order = np.lexsort((pairs[1], distances, pairs[0]))
    points, first = np.unique(pairs[0][order], return_index=True)
    found[points] = wholes[pairs[1][order][first]]
    return found


def _collection(scenario: Scenario, layer: Layer) -> tuple[Collection, float]:
    """Return the features of a layer, and the storeys of a building whose data says nothing."""
    path = scenario.folder / layer.path
    levels = layer.values.get("levels", GUESSED_LEVELS)
    if set(layer.values) - {"levels"} or isinstance(levels, str | bool) or not 0 < levels < 200:
        text = "buildings take one value, `levels`: the storeys of those whose data says nothing"
        raise InputError.at(str(path), text, key_path="values")
    bare = layer.model_copy(update={"values": {}})
    is_osm = kind_of(path) in OSM_ENDINGS
    return (read_osm_buildings(path, bare) if is_osm else read_layer(path, bare, BUILDING_COLUMNS)), float(levels)


def _row(collection: Collection, layer: Layer, index: int, levels: float) -> tuple[str, float, bool, bool]:
    """Return id, height in metres, whether that is guessed, and whether it is a part, of a feature."""
    properties = collection.properties(index)
    values = {field: properties.get(layer.columns.get(field, column)) for field, column in BUILDING_COLUMNS.items()}
    name = clean_text(values["name"]) or clean_text(values["id"]) or f"{index}"
    height_m, storeys = number_in(values["height"]), number_in(values["levels"])
    is_part = clean_text(values["part"]).lower() in ("true", "1", "yes")
    if 0.0 < height_m <= MAX_HEIGHT_M:
        return name, height_m, False, is_part
    if 0.0 < storeys * STOREY_M <= MAX_HEIGHT_M:
        return name, storeys * STOREY_M, False, is_part
    return name, levels * STOREY_M, True, is_part


def number_in(value: Any) -> float:
    """Return the number of metres or storeys that a value states; 0 where it states none.

    >>> number_in(12), number_in("12.5 m"), number_in("40'"), number_in(None)
    (12.0, 12.5, 0.0, 0.0)
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value) if np.isfinite(value) else 0.0
    found = _NUMBER.fullmatch(value.strip()) if isinstance(value, str) else None
    return float(found[1]) if found else 0.0


def _with_parts(buildings: Buildings, is_part: Flags) -> Buildings:
    """Return the buildings with parts joined to the outline around them.

    The highest roof of a building may be that of a part. An outline whose height is guessed and that its parts cover
    is no obstacle of its own.
    """
    parts, wholes = np.flatnonzero(is_part), np.flatnonzero(~is_part)
    if not len(parts) or not len(wholes):
        return buildings
    points = shapely.point_on_surface(buildings.shapes[parts])
    found = shapely.STRtree(buildings.shapes[wholes]).query(points, predicate="within")
    part, whole = parts[found[0]], wholes[found[1]]
    known = ~buildings.is_guessed[part]
    groups, roofs_m = buildings.groups.copy(), buildings.roofs_m.copy()
    groups[part] = whole
    count = len(buildings)
    areas_m2 = np.bincount(whole[known], weights=shapely.area(buildings.shapes[part[known]]), minlength=count)
    covered = buildings.is_guessed & ~is_part & (areas_m2 >= PARTS_COVER * shapely.area(buildings.shapes))
    roofs_m[covered] = 0.0
    np.maximum.at(roofs_m, whole[known], buildings.heights_m[part[known]])
    return replace(
        buildings, groups=groups, roofs_m=roofs_m, is_guessed=buildings.is_guessed & ~covered, is_obstacle=~covered
    )
