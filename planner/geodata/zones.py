"""Zones with rules of their own for digging, and which streets run through them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import geopandas
import numpy as np
import shapely
from numpy.typing import NDArray

from planner.errors import InputError, Problem
from planner.geodata.geojson import (
    LONGITUDE_LATITUDE,
    Collection,
    check_columns,
    is_finite_number,
    numbers_of,
    read_collection,
)
from planner.geodata.region import refuse_elsewhere, to_metres
from planner.geodata.snapping import StreetPlan
from planner.geodata.wording import clean_text, counted, listed
from planner.network import Integers
from planner.scenario import Layer, Scenario
from planner.scenario.spec import ZoneRule

ZONE_COLUMNS: Mapping[str, str] = {"kind": "kind"}
MIN_INSIDE_M = 5.0
"""A street that is no longer than this in a zone, or half its length if that is less, only touches it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Zones:
    """Polygons of the kinds that have a rule, in the order strictest first."""

    kinds: tuple[str, ...]
    shapes: NDArray[np.object_]
    """Polygons in longitude and latitude."""
    notes: tuple[str, ...]
    attributions: tuple[str, ...]


def read_zones(scenario: Scenario) -> Zones:
    """Return the zones of all layers whose kind has a rule in the scenario.

    Invalid polygons are repaired and counted. Raises InputError for coordinates that cannot be, a zone without a
    kind, and a layer that lies elsewhere.
    """
    rules = {rule.kind: rule for rule in scenario.spec.right_of_way.zones}
    notes: list[str] = []
    attributions: list[str] = []
    frames = []
    for layer in scenario.spec.layers.zones:
        collection = read_collection(scenario.folder / layer.path, layer)
        check_columns(collection, layer, ZONE_COLUMNS)
        frame = _read_frame(collection, layer, notes)
        refuse_elsewhere(shapely.get_coordinates(frame.geometry), scenario.spec.extent, str(collection.path))
        idle = sorted(set(frame["kind"]) - set(rules))
        if idle:
            notes.append(f"{collection.path.name}: no rule for zones of kind {listed(idle)}; they change nothing")
        frames.append(frame[frame["kind"].isin(list(rules))])
        attributions.append(layer.attribution or collection.attribution)
    kinds = [kind for frame in frames for kind in frame["kind"]]
    shapes = [shape for frame in frames for shape in frame.geometry]
    unused = sorted(set(rules) - set(kinds))
    if unused:
        notes.append(f"right-of-way rules without any zone in the layers: {listed(unused)}")
    order = sorted(range(len(kinds)), key=lambda index: _strictness(rules[kinds[index]]))
    return Zones(
        kinds=tuple(kinds[index] for index in order),
        shapes=np.array([shapes[index] for index in order], dtype=np.object_),
        notes=tuple(notes),
        attributions=tuple(attributions),
    )


def zones_of_blocks(
    plan: StreetPlan, zones: Zones, rules: Sequence[ZoneRule], structures: Sequence[bool]
) -> tuple[tuple[str, ...], int]:
    """Return the kind of the strictest zone that every block runs through, or empty text; and how many were exempt.

    A forbidden zone is the strictest, then the one with the largest factor. Bridges and tunnels pass over or under
    forbidden zones and are exempt from them.
    """
    kinds = [""] * len(plan.shapes)
    if not zones.kinds:
        return tuple(kinds), 0
    forbidden = {rule.kind for rule in rules if rule.forbidden}
    areas = shapely.transform(zones.shapes, lambda points: to_metres(plan.projection, points))
    exempt: set[int] = set()
    for block, zone in _crossings(plan, areas).tolist():
        kind = zones.kinds[zone]
        if structures[block] and kind in forbidden:
            exempt.add(block)
        elif not kinds[block]:
            kinds[block] = kind
    return tuple(kinds), len(exempt)


def _crossings(plan: StreetPlan, areas: NDArray[np.object_]) -> Integers:
    """Return pairs of block and area where the block runs through the area, areas in their order."""
    blocks, found = geopandas.GeoSeries(areas).sindex.query(plan.shapes, predicate="intersects")
    inside_m = shapely.length(shapely.intersection(plan.shapes[blocks], areas[found]))
    runs_through = inside_m > np.minimum(MIN_INSIDE_M, plan.lengths_m[blocks] / 2.0)
    order = np.lexsort((found[runs_through], blocks[runs_through]))
    pairs: Integers = np.column_stack((blocks, found))[runs_through][order].astype(np.int64)
    return pairs


def _strictness(rule: ZoneRule) -> tuple[bool, float, str]:
    """Return a key that sorts strict rules to the front."""
    return not rule.forbidden, -rule.factor, rule.kind


def _read_frame(collection: Collection, layer: Layer, notes: list[str]) -> geopandas.GeoDataFrame:
    """Return valid polygons in longitude and latitude, with their `kind`."""
    column = layer.columns.get("kind", "kind")
    chosen = _polygons(collection, notes)
    _check_zones(collection, chosen, column)
    features = [
        {"type": "Feature", "properties": {}, "geometry": collection.features[index]["geometry"]} for index in chosen
    ]
    try:
        frame = geopandas.GeoDataFrame.from_features(features, crs=collection.crs).to_crs(LONGITUDE_LATITUDE)
    except (ValueError, TypeError, IndexError, shapely.errors.GEOSException) as error:
        raise InputError.at(str(collection.path), f"holds a polygon that cannot be drawn: {error}") from error
    if not np.isfinite(shapely.get_coordinates(frame.geometry)).all():
        raise InputError.at(str(collection.path), f"holds a polygon that has no place in {collection.crs.name}")
    frame["kind"] = [clean_text(collection.properties(index)[column]) for index in chosen]
    frame.geometry = shapely.force_2d(frame.geometry.to_numpy())
    is_valid = frame.geometry.is_valid.to_numpy()
    if not is_valid.all():
        names = [collection.label(index).rpartition(": feature ")[2] for index in np.array(chosen)[~is_valid]]
        notes.append(
            f"{collection.path.name}: {counted(len(names), 'zone')} with an outline that crosses itself repaired "
            f"({listed(names)})"
        )
        frame.geometry = shapely.make_valid(frame.geometry.to_numpy())
    return frame


def _polygons(collection: Collection, notes: list[str]) -> list[int]:
    """Return the features that are polygons; raises InputError when there is none."""
    kinds = [(feature.get("geometry") or {}).get("type") for feature in collection.features]
    chosen = [index for index, kind in enumerate(kinds) if kind in ("Polygon", "MultiPolygon")]
    if not chosen:
        raise InputError.at(str(collection.path), "layer holds no polygons")
    if len(chosen) < len(kinds):
        notes.append(f"{collection.path.name}: {counted(len(kinds) - len(chosen), 'feature')} left out: not a polygon")
    return chosen


def _check_zones(collection: Collection, chosen: list[int], column: str) -> None:
    """Raise InputError with every zone that has no kind, or a coordinate that is no finite number."""
    problems = []
    for index in chosen:
        if not clean_text(collection.properties(index).get(column)):
            text = f"zone has no '{column}'; map the column that holds the kind"
            problems.append(Problem(where=collection.label(index), problem=text))
        if not all(map(is_finite_number, numbers_of(collection.features[index]["geometry"].get("coordinates")))):
            problems.append(Problem(where=collection.label(index), problem="coordinates are not finite numbers"))
    if problems:
        raise InputError(*problems)
