"""When streets may be opened: moratoria after resurfacing, and roadworks that open them anyway."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from planner.errors import InputError, Problem
from planner.geodata.geojson import Collection
from planner.geodata.layers import read_layer
from planner.geodata.polygons import LINES, POLYGONS, read_shapes
from planner.geodata.region import drawn_in_metres, refuse_elsewhere
from planner.geodata.snapping import StreetPlan
from planner.geodata.wording import clean_text, counted
from planner.network import Floats, Integers
from planner.scenario import Scenario

WORKS_COLUMNS: Mapping[str, str] = {"closed_until_year": "closed_until_year", "roadworks_year": "roadworks_year"}
"""Year from which a street may be opened again; year in which it is open anyway."""
BESIDE_LINE_M = 12.0
"""Works drawn as a line concern the street that runs within this distance of it."""
MIN_SHARE = 0.5
"""Share of a block that must lie in the works."""
YEARS = range(1990, 2101)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Works:
    """Years by block; 0 where there is none."""

    closed_until_year: Integers
    roadworks_year: Integers
    notes: tuple[str, ...] = ()
    attributions: tuple[str, ...] = ()


def works_on_blocks(scenario: Scenario, plan: StreetPlan) -> Works:
    """Return when blocks are closed and when they are open anyway, by the layers of works.

    A block belongs to works that hold at least half of it; of several, the longest moratorium and the first roadworks
    count. Raises InputError for features without any year, and for what is wrong with the layers.
    """
    count = len(plan.shapes)
    closed, opened = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64)
    notes: list[str] = []
    attributions: list[str] = []
    for layer in scenario.spec.layers.works:
        collection = read_layer(scenario.folder / layer.path, layer, WORKS_COLUMNS)
        drawn = read_shapes(collection, "works", (*POLYGONS, *LINES))
        refuse_elsewhere(shapely.get_coordinates(drawn.shapes), scenario.spec.extent, str(collection.path))
        columns = [layer.columns.get(field, field) for field in WORKS_COLUMNS]
        years = _years(collection, drawn.features, columns)
        blocks, at = lines_within(plan.shapes, plan.lengths_m, drawn_in_metres(drawn.shapes, plan.projection))
        np.maximum.at(closed, blocks, years[at, 0])
        first = np.where(years[at, 1] > 0, years[at, 1], YEARS.stop)
        earliest = np.full(count, YEARS.stop, dtype=np.int64)
        np.minimum.at(earliest, blocks, first)
        known = earliest < YEARS.stop
        opened[known] = np.where(opened[known] > 0, np.minimum(opened[known], earliest[known]), earliest[known])
        notes += drawn.notes
        attributions.append(layer.attribution or collection.attribution)
    notes += _summary(closed, opened, plan.lengths_m)
    return Works(closed_until_year=closed, roadworks_year=opened, notes=tuple(notes), attributions=tuple(attributions))


def lines_within(
    lines: NDArray[np.object_], lengths_m: Floats, shapes: NDArray[np.object_]
) -> tuple[Integers, Integers]:
    """Return pairs of line and shape in which at least half of the line lies, or runs beside; all in metres."""
    is_line = shapely.get_dimensions(shapes) == 1
    areas = np.where(is_line, shapely.buffer(shapes, BESIDE_LINE_M, cap_style="flat"), shapes)
    at, blocks = shapely.STRtree(lines).query(areas, predicate="intersects")
    inside_m = shapely.length(shapely.intersection(lines[blocks], areas[at]))
    is_inside = inside_m >= MIN_SHARE * lengths_m[blocks]
    return blocks[is_inside].astype(np.int64), at[is_inside].astype(np.int64)


def _years(collection: Collection, features: tuple[int, ...], columns: list[str]) -> Integers:
    """Return the years of every feature, 0 where it has none; raises InputError for features that say nothing."""
    problems: list[Problem] = []
    years = np.zeros((len(features), len(columns)), dtype=np.int64)
    for row, index in enumerate(features):
        properties = collection.properties(index)
        for column, name in enumerate(columns):
            year, problem = _year(properties.get(name))
            years[row, column] = year
            if problem:
                problems.append(Problem(where=collection.label(index), key_path=name, problem=problem))
        if not years[row].any() and not problems:
            text = f"says neither {columns[0]} nor {columns[1]}; map the column that holds one"
            problems.append(Problem(where=collection.label(index), problem=text))
    if problems:
        raise InputError(*problems[:20])
    return years


def _year(value: Any) -> tuple[int, str]:
    """Return a year, or 0 for none, and what is wrong with it."""
    text = clean_text(value)
    if not text:
        return 0, ""
    try:
        year = int(float(text[:4] if text[4:5] == "-" else text))
    except (ValueError, OverflowError):
        return 0, f"'{text}' is no year; write 2028, or a date as 2028-06-30"
    return (year, "") if year in YEARS else (0, f"{year} is not between {YEARS[0]} and {YEARS[-1]}")


def _summary(closed: Integers, opened: Integers, lengths_m: Floats) -> list[str]:
    notes = []
    for years, text in ((closed, "may not be opened for some years"), (opened, "will be open for roadworks")):
        if years.any():
            km = lengths_m[years > 0].sum() / 1000.0
            notes.append(f"{counted(int((years > 0).sum()), 'block')} ({km:,.1f} km) {text}")
    return notes
