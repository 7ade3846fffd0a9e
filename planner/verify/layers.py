"""The raw layers of a scenario, read again without the code that built the network."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from planner.scenario import Layer, Scenario
from planner.scenario.layers import Join
from planner.verify.rawfiles import (
    LONGITUDE_LATITUDE,
    UNREADABLE,
    RawLine,
    RawShape,
    read_raw_file,
    read_raw_shapes,
)

USUAL_COLUMNS = {"road_class": "highway"}
"""Our field -> the column that has another name than the field where the layer maps none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RawLayer:
    """The lines of a layer and its reference system, or why it was not read."""

    lines: tuple[RawLine, ...] = ()
    crs: str = LONGITUDE_LATITUDE
    moved_m: float = 0.0
    """How far the ends of lines may have been moved to join others, as the layer allows."""
    unread: str = ""


def read_raw_layer(folder: Path, layer: Layer) -> RawLayer:
    """Return the lines of a layer, with its `values` where a line has none; one that cannot be read says so."""
    if layer.is_database:
        return RawLayer(unread="a layer is a table of a database, which may have changed since")
    try:
        lines, stated = read_raw_file(folder / layer.path, layer)
    except UNREADABLE as error:
        return RawLayer(unread=f"{layer.path} could not be read ({error})")
    try:
        tables = [(join.column, _table(folder / layer.path, join)) for join in layer.joins]
    except UNREADABLE as error:
        return RawLayer(unread=f"a table beside {layer.path} could not be read ({error})")
    return RawLayer(
        lines=tuple(
            RawLine(points=line.points, properties=_as_meant(line.properties, layer, tables)) for line in lines
        ),
        crs=str(layer.crs or stated or LONGITUDE_LATITUDE),
        moved_m=layer.join_within_m or 0.0,
        unread="" if lines else f"{layer.path} holds no lines",
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class RawDrawing:
    """The lines and areas of a layer and its reference system, or why it was not read."""

    shapes: tuple[RawShape, ...] = ()
    crs: str = LONGITUDE_LATITUDE
    unread: str = ""


def read_raw_drawing(folder: Path, layer: Layer) -> RawDrawing:
    """Return the lines and areas of a layer; one that cannot be read says so."""
    if layer.is_database:
        return RawDrawing(unread="a layer is a table of a database, which may have changed since")
    try:
        shapes, stated = read_raw_shapes(folder / layer.path, layer)
        tables = [(join.column, _table(folder / layer.path, join)) for join in layer.joins]
    except UNREADABLE as error:
        return RawDrawing(unread=f"{layer.path} could not be read ({error})")
    meant = (RawShape(shape=one.shape, properties=_as_meant(one.properties, layer, tables)) for one in shapes)
    return RawDrawing(shapes=tuple(meant), crs=str(layer.crs or stated or LONGITUDE_LATITUDE))


def column_of(layer: Layer, field: str) -> str:
    """Return the column that holds a field of ours."""
    return layer.columns.get(field, USUAL_COLUMNS.get(field, field))


def _table(path: Path, join: Join) -> dict[str, Mapping[str, Any]]:
    """Return the rows of a table by the column that joins them, the first of several."""
    text = (path.parent / join.path).read_text(encoding="utf-8-sig")
    sign = next((sign for sign in "\t|;," if sign in text.partition("\n")[0]), ",")
    rows = list(csv.DictReader(text.splitlines(), delimiter=sign))
    return {(row[join.key] or "").strip(): row for row in reversed(rows)}


def _as_meant(
    properties: Mapping[str, Any], layer: Layer, tables: Sequence[tuple[str, Mapping[str, Mapping[str, Any]]]]
) -> Mapping[str, Any]:
    """Return properties with what tables, codes, factors and values of the layer say about them."""
    found = dict(properties)
    for column, rows in tables:
        found = {**rows.get(_text(found.get(column)), {}), **found}
    for field, meant in layer.codes.items():
        name = column_of(layer, field)
        found[name] = meant.get(_text(found.get(name)), found.get(name))
    for field, factor in layer.factors.items():
        number = _number(found.get(column_of(layer, field)))
        if number is not None:
            found[column_of(layer, field)] = number * factor
    values = {column_of(layer, field): value for field, value in layer.values.items()}
    return {**values, **{name: value for name, value in found.items() if value not in (None, "")}}


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value).strip()


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnPrices:
    """Prices that the duct layers state themselves, instead of the price list's."""

    rents_per_m_year: frozenset[float]
    leases_per_fiber_km_year: frozenset[float]
    unread: tuple[str, ...]
    """Layers whose own prices are not known; what the network says of their ducts cannot be refuted."""


def own_prices(scenario: Scenario) -> OwnPrices:
    """Return the rents and leases that the scenario's duct layers state."""
    raw = [(layer, read_raw_layer(scenario.folder, layer)) for layer in scenario.spec.layers.ducts]

    def stated(field: str) -> frozenset[float]:
        values = (line.properties.get(column_of(layer, field)) for layer, read in raw for line in read.lines)
        return frozenset(number for value in values if (number := _number(value)) is not None)

    return OwnPrices(
        rents_per_m_year=stated("rent_per_m_year"),
        leases_per_fiber_km_year=stated("lease_per_fiber_km_year"),
        unread=tuple(read.unread for _, read in raw if read.unread),
    )


def _number(value: Any) -> float | None:
    """Return the number that a value is, or states as text."""
    try:
        return float(value) if isinstance(value, int | float | str) else None
    except ValueError:
        return None
