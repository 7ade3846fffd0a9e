"""Zones with rules of their own for digging, and which streets run through them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import geopandas
import numpy as np
import shapely
from numpy.typing import NDArray

from planner.errors import InputError, Problem
from planner.geodata.geojson import Collection
from planner.geodata.layers import read_layer
from planner.geodata.polygons import read_shapes
from planner.geodata.region import drawn_in_metres, refuse_elsewhere
from planner.geodata.snapping import StreetPlan
from planner.geodata.wording import clean_text, listed
from planner.network import Integers
from planner.scenario import Scenario
from planner.scenario.rightofway import ZoneRule

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
    kinds: list[str] = []
    shapes: list[Any] = []
    for layer in scenario.spec.layers.zones:
        collection = read_layer(scenario.folder / layer.path, layer, ZONE_COLUMNS)
        drawn = read_shapes(collection, "zone")
        found = _kinds(collection, drawn.features, layer.columns.get("kind", "kind"))
        refuse_elsewhere(shapely.get_coordinates(drawn.shapes), scenario.spec.extent, str(collection.path))
        notes += drawn.notes
        idle = sorted(set(found) - set(rules))
        if idle:
            notes.append(f"{collection.path.name}: no rule for zones of kind {listed(idle)}; they change nothing")
        chosen = [index for index, kind in enumerate(found) if kind in rules]
        kinds += [found[index] for index in chosen]
        shapes += [drawn.shapes[index] for index in chosen]
        attributions.append(layer.attribution or collection.attribution)
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
    areas = drawn_in_metres(zones.shapes, plan.projection)
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


def _kinds(collection: Collection, features: Sequence[int], column: str) -> list[str]:
    """Return the kind of every feature; raises InputError with every zone that has none."""
    kinds = [clean_text(collection.properties(index).get(column)) for index in features]
    problems = [
        Problem(where=collection.label(index), problem=f"zone has no '{column}'; map the column that holds the kind")
        for index, kind in zip(features, kinds, strict=True)
        if not kind
    ]
    if problems:
        raise InputError(*problems)
    return kinds
