"""Streets as the data gives them: lines, and columns that say what is known about each street."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from planner.errors import InputError
from planner.geodata.files import kind_of
from planner.geodata.geojson import Collection, LineParts, read_line_parts
from planner.geodata.layers import READERS, is_feature_file, read_layer
from planner.geodata.lines import Flags, Lines
from planner.geodata.touching import JOIN_M, join_touching
from planner.geodata.wording import clean_text, counted
from planner.network import Floats, Integers
from planner.scenario import Layer

UNKNOWN = "unknown"
"""Road class and surface where the data says none."""
OSM_ENDINGS = (".osm", ".pbf")
STREET_COLUMNS: Mapping[str, str] = {
    "id": "id",
    "road_class": "highway",
    "surface": "surface",
    "name": "name",
    "bridge": "bridge",
    "tunnel": "tunnel",
    "layer": "layer",
    "osm": "osm",
    "status": "status",
}
"""Our field -> the column that is read when the layer maps none; `osm` names the object that a street was cut from."""

_NO = ("", "no", "false", "0", "none")
_MAX_LEVEL = 31


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Streets:
    """Streets as columns of equal length, and the lines that draw them."""

    ids: tuple[str, ...]
    """Id in the data; streets with the same id are taken as parts of one."""
    road_class: tuple[str, ...]
    surface: tuple[str, ...]
    name: tuple[str, ...]
    status: tuple[str, ...]
    """What the data says of its state, or empty; the scenario tells what that means."""
    structures: tuple[tuple[str, ...], ...]
    """Risk groups `bridge:...` and `tunnel:...` that the street runs through."""
    lines: Lines
    """Lines that share a place are joined there."""
    owners: Integers
    """Street that every line belongs to."""
    notes: tuple[str, ...]
    attribution: str


def read_feature_streets(path: Path, layer: Layer) -> Streets:
    """Return the streets of a file of features: GeoJSON, GeoPackage, Shapefile, GeoParquet, KML, CSV, OFDS.

    Lines are joined where they have a vertex in common (after rounding to 1e-7 degree) and one of them ends there, or
    both run on the same level (`layer`, or 1 for a bridge, -1 for a tunnel, else 0), and where one ends on another of
    its level, within the layer's `join_within_m` (JOIN_M by default). Mere crossings join nothing.
    Raises InputError for what `read_layer` and `read_line_parts` refuse.
    """
    collection = read_layer(path, layer, STREET_COLUMNS)
    parts = read_line_parts(collection)
    columns = {field: layer.columns.get(field, column) for field, column in STREET_COLUMNS.items()}
    rows = [collection.properties(index) for index in range(len(collection.features))]
    ids, notes = _ids(rows, columns["id"], collection, parts)
    levels, unread = zip(*(_level(row, columns) for row in rows), strict=True)
    if any(unread):
        notes.append(f"{path.name}: {counted(sum(unread), 'street')} with a layer that is no number, taken as 0")
    lines = _joined_lines(parts, np.array(levels, dtype=np.int64))
    within_m = JOIN_M if layer.join_within_m is None else layer.join_within_m
    if within_m > 0.0 and not collection.states_ends:
        lines, joined = join_touching(lines, np.array(levels, dtype=np.int64)[parts.features], within_m, "streets")
        notes += [f"{path.name}: {text}" for text in joined]
    return Streets(
        ids=ids,
        road_class=_texts(rows, columns["road_class"], UNKNOWN),
        surface=_texts(rows, columns["surface"], UNKNOWN),
        name=_texts(rows, columns["name"], ""),
        status=_texts(rows, columns["status"], ""),
        structures=tuple(
            structures_of(
                row.get(columns["bridge"]), row.get(columns["tunnel"]), clean_text(row.get(columns["osm"])) or name
            )
            for row, name in zip(rows, ids, strict=True)
        ),
        lines=lines,
        owners=parts.features,
        notes=(*parts.notes, *notes),
        attribution=layer.attribution or collection.attribution,
    )


def structures_of(bridge: Any, tunnel: Any, name: str) -> tuple[str, ...]:
    """Return the risk groups of a street from its bridge and tunnel values.

    >>> structures_of("viaduct", None, "w7"), structures_of("no", False, "w7")
    (('bridge:w7',), ())
    """
    values = (("bridge", bridge), ("tunnel", tunnel))
    return tuple(f"{kind}:{name}" for kind, value in values if clean_text(value).lower() not in _NO)


def file_kind(path: Path) -> str:
    """Return `osm` or `features` for a file of streets; raises InputError for any other kind of file."""
    kind = kind_of(path)
    if kind in OSM_ENDINGS:
        return "osm"
    if is_feature_file(path):
        return "features"
    known = f"{', '.join(READERS)}, .osm (text formats also .gz or .bz2) and .osm.pbf"
    raise InputError.at(str(path), f"cannot read '{kind or path.name}' files; streets come as {known}")


def _ids(
    rows: list[Mapping[str, Any]], column: str, collection: Collection, parts: LineParts
) -> tuple[tuple[str, ...], list[str]]:
    """Return the id of every feature, numbered where it has none, and notes about missing and repeated ones."""
    given = [
        clean_text(row.get(column)) or clean_text(collection.features[index].get("id"))
        for index, row in enumerate(rows)
    ]
    ids = tuple(name or f"street-{index:06d}" for index, name in enumerate(given))
    used = np.unique(parts.features)
    missing = sum(not given[index] for index in used)
    repeated = len(used) - len({ids[index] for index in used})
    notes = []
    if missing:
        notes.append(
            f"{collection.path.name}: {counted(missing, 'street')} without id, numbered by position in the file"
        )
    if repeated:
        notes.append(
            f"{collection.path.name}: {counted(repeated, 'street')} with an id used before, taken as parts of one"
        )
    return ids, notes


def _texts(rows: list[Mapping[str, Any]], column: str, default: str) -> tuple[str, ...]:
    return tuple(clean_text(row.get(column)) or default for row in rows)


def _level(row: Mapping[str, Any], columns: Mapping[str, str]) -> tuple[int, bool]:
    """Return the level of a street, and whether the data has one that cannot be read."""
    given = clean_text(row.get(columns["layer"]))
    if given:
        try:
            return max(-_MAX_LEVEL, min(_MAX_LEVEL, int(float(given)))), False
        except (ValueError, OverflowError):
            return 0, True
    kinds = structures_of(row.get(columns["bridge"]), row.get(columns["tunnel"]), "")
    return int("bridge:" in kinds) - int("tunnel:" in kinds), False


def _joined_lines(parts: LineParts, levels: Integers) -> Lines:
    """Return the lines with places numbered so that those which meet share a place."""
    lines = Lines(
        offsets=parts.offsets, coordinates=parts.coordinates, places=np.full(len(parts.coordinates), -1, dtype=np.int64)
    )
    line_levels = levels[parts.features]
    places = number_places(parts.coordinates, lines.ends(), line_levels[lines.owners])
    return Lines(offsets=lines.offsets, coordinates=lines.coordinates, places=places)


def number_places(coordinates: Floats, ends: Flags, levels: Integers) -> Integers:
    """Return a number for every vertex, equal where vertices are the same place; -1 where there is no coordinate.

    Vertices at one position are the same place if some line ends at the position; otherwise those of one level are.
    """
    is_there = np.asarray((np.abs(coordinates) <= np.array((180.0, 90.0))).all(axis=1), dtype=np.bool_)  # not for NaN
    units = np.rint(np.where(is_there[:, None], coordinates, 0.0) * 1e7).astype(np.int64)
    codes = (units[:, 0] + 1_800_000_000) * 1_800_000_001 + units[:, 1] + 900_000_000
    _, positions = np.unique(codes, return_inverse=True)
    has_end = np.zeros(len(codes), dtype=np.bool_)
    has_end[positions[ends]] = True
    apart = np.where(has_end[positions], 0, levels + _MAX_LEVEL + 1)
    return np.where(is_there, positions * (2 * _MAX_LEVEL + 2) + apart, -1).astype(np.int64)
