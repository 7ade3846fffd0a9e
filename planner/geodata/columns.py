"""Columns of features as a layer translates them: joined tables, codes, units, and values where a file has none."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from planner.errors import InputError, Problem
from planner.geodata.geojson import Collection
from planner.geodata.wording import clean_text, counted
from planner.scenario import Layer
from planner.scenario.layers import Join
from planner.scenario.tables import read_table
from planner.yamlio import nearest

_NUMBER = re.compile(r"[-+]?[0-9]{1,15}(\.[0-9]{1,15})?([eE][-+]?[0-9]{1,2})?")


def translated(collection: Collection, layer: Layer, known: Mapping[str, str]) -> Collection:
    """Return the features with joined columns, codes and units replaced, and the layer's values where they have none.

    `known` is our field -> the column that is read when the layer maps none. Raises InputError for fields that are not
    known here, and for columns and tables that do not exist.
    """
    for index, join in enumerate(layer.joins):
        collection = _joined(collection, layer, join, f"joins[{index}]")
    _check_columns(collection, layer, known)
    if not (layer.codes or layer.factors or layer.values):
        return collection
    columns = {field: layer.columns.get(field, column) for field, column in known.items()}
    values = {columns[field]: value for field, value in layer.values.items()}
    codes = {columns[field]: meant for field, meant in layer.codes.items()}
    factors = {columns[field]: factor for field, factor in layer.factors.items()}
    features = []
    for index, feature in enumerate(collection.features):
        given = {name: value for name, value in collection.properties(index).items() if clean_text(value)}
        given |= {name: _meant(given[name], meant) for name, meant in codes.items() if name in given}
        given |= {name: _scaled(given[name], factor) for name, factor in factors.items() if name in given}
        features.append({**feature, "properties": {**values, **given}})
    return replace(collection, features=tuple(features))


def _meant(value: Any, meant: Mapping[str, str]) -> Any:
    """Return what a value of the file means; one without meaning stays."""
    text = str(int(value)) if isinstance(value, float) and value.is_integer() else clean_text(value)
    return meant.get(text, value)


def _scaled(value: Any, factor: float) -> Any:
    """Return a number in our unit; what is none stays, to be refused by name."""
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        value = float(value)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value * factor if is_number else value


def _joined(collection: Collection, layer: Layer, join: Join, key_path: str) -> Collection:
    """Return the features with the columns of a table that they lack; text may then stand for numbers."""
    if layer.is_database:
        raise InputError.at(str(collection.path), "join tables of a database there, in a view", key_path=key_path)
    path = collection.path.parent / join.path
    header, lines = read_table(path)
    if join.key not in header:
        text = f"has no column '{join.key}'{nearest(join.key, header)}"
        raise InputError.at(str(path), text, key_path=f"{key_path}.key")
    present = collection.columns()
    if join.column not in present:
        text = f"no feature has the column '{join.column}'{nearest(join.column, present)}"
        raise InputError.at(str(collection.path), text, key_path=f"{key_path}.column")
    at = header.index(join.key)
    rows: dict[str, dict[str, Any]] = {}
    for _, row in lines:
        rows.setdefault(row[at], {name: cell or None for name, cell in zip(header, row, strict=True)})
    features, alone = [], 0
    for index, feature in enumerate(collection.features):
        own = collection.properties(index)
        found = rows.get(clean_text(own.get(join.column)))
        alone += found is None
        features.append({**feature, "properties": {**(found or dict.fromkeys(header)), **own}})
    notes = [f"{path.name}: no row for {counted(alone, 'feature')} of {collection.path.name}"] if alone else []
    repeated = len(lines) - len(rows)
    if repeated:
        notes.append(f"{path.name}: {counted(repeated, 'row')} with a key used before, left out")
    return replace(collection, features=tuple(features), is_text=True, notes=(*collection.notes, *notes))


def _check_columns(collection: Collection, layer: Layer, known: Mapping[str, str]) -> None:
    """Raise InputError when the layer maps a field that is not known here, or to a column that no feature has."""
    where, present = str(collection.path), collection.columns()
    problems = []
    for field, column in layer.columns.items():
        if field == "geometry" and collection.geometry_column:
            continue
        if field not in known:
            problems.append(Problem(where=where, problem=f"unknown field{nearest(field, known)}"))
        elif column not in present:
            text = f"no feature has the column '{column}'{nearest(column, present)}"
            problems.append(Problem(where=where, key_path=f"columns.{field}", problem=text))
    for option in ("values", "codes", "factors"):
        for field in [field for field in getattr(layer, option) if field not in known]:
            text = f"unknown field '{field}'{nearest(field, known)}"
            problems.append(Problem(where=where, key_path=f"{option}.{field}", problem=text))
    if problems:
        raise InputError(*problems)
