"""Districts: the authority that grants rights-of-way in a part of the city, and its own prices and times."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import shapely

from planner.errors import InputError, Problem
from planner.geodata.layers import read_layer
from planner.geodata.polygons import read_shapes
from planner.geodata.region import drawn_in_metres, refuse_elsewhere
from planner.geodata.snapping import StreetPlan
from planner.geodata.wording import clean_text, counted, listed
from planner.network import Integers
from planner.scenario import Scenario

DISTRICT_COLUMNS: Mapping[str, str] = {"district": "district"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Districts:
    """The district of every block, empty outside all of them."""

    names: tuple[str, ...]
    notes: tuple[str, ...] = ()
    attributions: tuple[str, ...] = ()


def districts_of_blocks(scenario: Scenario, plan: StreetPlan) -> Districts:
    """Return the district that holds the middle of every block.

    A district counts if the scenario has a rule for it; where districts overlap, the first by name counts. Raises
    InputError for a polygon without a district, and for what is wrong with the layers.
    """
    rules = {rule.district for rule in scenario.spec.right_of_way.districts}
    names = [""] * len(plan.shapes)
    if not scenario.spec.layers.districts:
        return Districts(names=tuple(names))
    notes: list[str] = []
    attributions: list[str] = []
    found: list[tuple[str, object]] = []
    for layer in scenario.spec.layers.districts:
        collection = read_layer(scenario.folder / layer.path, layer, DISTRICT_COLUMNS)
        drawn = read_shapes(collection, "district")
        refuse_elsewhere(shapely.get_coordinates(drawn.shapes), scenario.spec.extent, str(collection.path))
        column = layer.columns.get("district", "district")
        given = [clean_text(collection.properties(index).get(column)) for index in drawn.features]
        bare = [index for index, name in zip(drawn.features, given, strict=True) if not name]
        if bare:
            text = f"has no '{column}'; map the column that holds the district's name"
            raise InputError(*(Problem(where=collection.label(index), problem=text) for index in bare))
        idle = sorted(set(given) - rules)
        if idle:
            notes.append(f"{collection.path.name}: no rule for {counted(len(idle), 'district')}: {listed(idle)}")
        found += [(name, shape) for name, shape in zip(given, drawn.shapes, strict=True) if name in rules]
        notes += drawn.notes
        attributions.append(layer.attribution or collection.attribution)
    found.sort(key=lambda item: item[0])
    for block, area in _middles_inside(plan, found).tolist():
        names[block] = names[block] or found[area][0]
    unused = sorted(rules - set(names))
    if unused:
        notes.append(f"right-of-way rules without any street in their district: {listed(unused)}")
    return Districts(names=tuple(names), notes=tuple(notes), attributions=tuple(attributions))


def _middles_inside(plan: StreetPlan, found: list[tuple[str, object]]) -> Integers:
    """Return pairs of block and area where the block's middle lies in the area, areas in their order."""
    if not found:
        return np.empty((0, 2), dtype=np.int64)
    areas = drawn_in_metres(np.array([shape for _, shape in found], dtype=np.object_), plan.projection)
    middles = shapely.line_interpolate_point(plan.shapes, 0.5, normalized=True)
    blocks, at = shapely.STRtree(areas).query(middles, predicate="intersects")
    order = np.lexsort((at, blocks))
    return np.column_stack((blocks[order], at[order])).astype(np.int64)
