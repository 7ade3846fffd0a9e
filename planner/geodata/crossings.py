"""Where streets cross rail, water and motorways: each crossing is work of its own, with its own price."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import osmium
import shapely
from numpy.typing import NDArray

from planner.errors import InputError
from planner.geodata.files import kind_of
from planner.geodata.layers import read_layer
from planner.geodata.osm import ATTRIBUTION, FILE_ERRORS, open_source
from planner.geodata.polygons import LINES, POLYGONS, read_shapes
from planner.geodata.region import drawn_in_metres, inside
from planner.geodata.snapping import StreetPlan
from planner.geodata.streets import OSM_ENDINGS, Streets
from planner.geodata.wording import clean_text, counted
from planner.network import Floats, Integers
from planner.scenario import Layer, Scenario

BARRIER_COLUMNS: Mapping[str, str] = {"kind": "kind"}
RAIL = frozenset({"rail", "light_rail", "narrow_gauge", "tram"})
WATER = frozenset({"river", "canal"})
MOTORWAY = frozenset({"motorway", "trunk"})
ONE_CROSSING_M = 15.0
"""Barriers of one kind within twice this distance, such as the tracks of a line, are crossed in one piece of work."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Barriers:
    """Lines and areas that streets cross, in longitude and latitude."""

    kinds: tuple[str, ...]
    shapes: NDArray[np.object_]
    notes: tuple[str, ...]
    attributions: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Crossings:
    """What crossings every block has, and what they cost."""

    capex: Floats
    notes: tuple[str, ...] = ()
    attributions: tuple[str, ...] = ()


def crossings_of_blocks(scenario: Scenario, streets: Streets, plan: StreetPlan) -> Crossings:
    """Return the price of the crossings of every block, by the scenario's rules.

    A block crosses a barrier where it meets it; tracks side by side count once. Raises InputError for what is wrong
    with the layers of barriers.
    """
    rules = scenario.spec.right_of_way.crossings
    capex = np.zeros(len(plan.shapes))
    if not scenario.spec.layers.barriers or not rules:
        return Crossings(capex=capex)
    barriers = _read_barriers(scenario)
    notes = list(barriers.notes)
    for rule in sorted(rules, key=lambda rule: rule.kind):
        chosen = np.array([kind == rule.kind for kind in barriers.kinds], dtype=np.bool_)
        if not chosen.any():
            notes.append(f"crossings: no barrier of kind {rule.kind} in the layers")
            continue
        counts = _count(plan, streets, drawn_in_metres(barriers.shapes[chosen], plan.projection), rule.kind)
        capex += counts * scenario.costs.items[rule.item].price
        notes.append(
            f"crossings of {rule.kind}: {counted(int(counts.sum()), 'place')} in {int((counts > 0).sum())} blocks"
        )
    return Crossings(capex=capex, notes=tuple(notes), attributions=barriers.attributions)


def _count(plan: StreetPlan, streets: Streets, shapes: NDArray[np.object_], kind: str) -> Integers:
    """Return the number of crossings of every block; motorways do not cross themselves."""
    counts = np.zeros(len(plan.shapes), dtype=np.int64)
    tree = shapely.STRtree(shapes)
    blocks, at = tree.query(plan.shapes, predicate="crosses")
    if kind == "motorway":
        classes = [streets.road_class[owner] for owner in plan.blocks.streets.tolist()]
        is_street = np.array([not name.startswith(tuple(MOTORWAY)) for name in classes], dtype=np.bool_)
        blocks, at = blocks[is_street[blocks]], at[is_street[blocks]]
    for block in np.unique(blocks).tolist():
        near = shapely.union_all(shapely.buffer(shapes[at[blocks == block]], ONE_CROSSING_M))
        parts = shapely.get_parts(shapely.line_merge(shapely.intersection(plan.shapes[block], near)))
        counts[block] = max(1, len(parts))
    return counts


def _read_barriers(scenario: Scenario) -> Barriers:
    kinds: list[str] = []
    shapes: list[Any] = []
    notes: list[str] = []
    attributions: list[str] = []
    for layer in scenario.spec.layers.barriers:
        path = scenario.folder / layer.path
        if kind_of(path) in OSM_ENDINGS:
            found = _read_osm_barriers(scenario, layer)
        else:
            found = _read_feature_barriers(scenario, layer)
        kinds += found.kinds
        shapes += list(found.shapes)
        notes += found.notes
        attributions += found.attributions
    return Barriers(
        kinds=tuple(kinds),
        shapes=np.array(shapes, dtype=np.object_),
        notes=tuple(notes),
        attributions=tuple(attributions),
    )


def _read_feature_barriers(scenario: Scenario, layer: Layer) -> Barriers:
    collection = read_layer(scenario.folder / layer.path, layer, BARRIER_COLUMNS)
    drawn = read_shapes(collection, "barrier", (*POLYGONS, *LINES))
    column = layer.columns.get("kind", "kind")
    kinds = tuple(clean_text(collection.properties(index).get(column)) for index in drawn.features)
    bare = [index for index, kind in zip(drawn.features, kinds, strict=True) if not kind]
    if bare:
        text = f"barrier has no '{column}'; map the column, or give `values: {{kind: rail}}`"
        raise InputError.at(collection.label(bare[0]), text)
    return Barriers(
        kinds=kinds,
        shapes=drawn.shapes,
        notes=drawn.notes,
        attributions=(layer.attribution or collection.attribution,),
    )


def _read_osm_barriers(scenario: Scenario, layer: Layer) -> Barriers:
    """Return railways, rivers, canals and motorways of an extract; what runs in a tunnel or culvert is no barrier."""
    path = scenario.folder / layer.path
    kinds: list[str] = []
    shapes: list[Any] = []
    try:
        filters = osmium.filter.KeyFilter("railway", "waterway", "highway")
        reader: Any = osmium.FileProcessor(open_source(path)).with_locations().with_filter(filters)
        for thing in reader:
            kind = _osm_kind(thing.tags) if thing.is_way() else ""
            if not kind:
                continue
            points = [(node.lon, node.lat) for node in thing.nodes if node.location.valid()]
            if len(points) >= 2 and inside(np.array(points), scenario.spec.extent).any():
                kinds.append(kind)
                shapes.append(shapely.LineString(points))
    except FILE_ERRORS as error:
        raise InputError.at(str(path), f"not a readable OpenStreetMap file: {error}") from error
    return Barriers(
        kinds=tuple(kinds),
        shapes=np.array(shapes, dtype=np.object_),
        notes=(f"{path.name}: {counted(len(kinds), 'barrier')} read (rail, water, motorway)",),
        attributions=(layer.attribution or ATTRIBUTION,),
    )


def _osm_kind(tags: Any) -> str:
    if tags.get("tunnel") not in (None, "no"):
        return ""
    if tags.get("railway") in RAIL:
        return "rail"
    if tags.get("waterway") in WATER:
        return "water"
    return "motorway" if tags.get("highway") in MOTORWAY else ""
