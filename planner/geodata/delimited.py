"""Delimited text (CSV, TSV) with a column of well-known text (WKT), as the features of GeoJSON."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import shapely
from pyproj import CRS
from pyproj.exceptions import CRSError

from planner.errors import InputError, Problem
from planner.geodata.files import EMPTY, read_contents
from planner.geodata.geojson import MAX_PROBLEMS, Collection, agreed_crs
from planner.geodata.tables import geometry_of
from planner.geodata.wording import clean_text, listed
from planner.scenario import Layer

SEPARATORS = "\t|;,"
"""Signs that may part the columns; the first of these that the first line holds is taken."""
GEOMETRY_NAMES = ("wkt", "_wkt", "geometry", "geom", "the_geom", "shape")
MAX_FIELD = 10_000_000


def read_delimited(path: Path, layer: Layer) -> Collection:
    """Return the rows of a CSV or TSV file, also .gz, as features; all values are text, and empty ones are None.

    The geometry is well-known text in the column that `columns.geometry` names, or one called wkt, geometry, geom,
    the_geom or shape; a row may lack it. The reference system must be stated, by the layer or as `SRID=...;` of every
    geometry. Raises InputError with every row that is wrong.
    """
    header, rows, first_line = _read_rows(path, layer)
    column = _geometry_column(header, layer, path)
    at = header.index(column)
    problems: list[Problem] = []
    features = []
    systems: set[str] = set()
    for number, row in enumerate(rows, start=first_line):
        if len(row) != len(header):
            text = f"{len(row)} columns where the first line has {len(header)}"
            problems.append(Problem(where=f"{path}: row {number}", problem=text))
            continue
        system, _, text = row[at].rpartition(";")
        try:
            with np.errstate(invalid="ignore"):  # a position that is no number is refused with the feature's name
                shape = shapely.from_wkt(text) if text.strip() else None
        except shapely.errors.GEOSException as error:
            problems.append(Problem(where=f"{path}: row {number}", key_path=column, problem=_not_wkt(text, error)))
            continue
        if shape is not None:
            systems.add(system.strip())
        properties = {name: value or None for name, value in zip(header, row, strict=True) if name != column}
        features.append({"type": "Feature", "properties": properties, "geometry": geometry_of(shape)})
    if problems:
        raise InputError(*problems[:MAX_PROBLEMS])
    if not features:
        raise InputError.at(str(path), EMPTY)
    return Collection(
        path=path,
        features=tuple(features),
        crs=agreed_crs(_stated_crs(systems, path), layer, path),
        is_text=True,
        geometry_column=column,
    )


def _read_rows(path: Path, layer: Layer) -> tuple[Sequence[str], list[list[str]], int]:
    """Return names of columns, rows, and the number of the first row in the file."""
    try:
        text = read_contents(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError.at(str(path), f"not text in UTF-8: byte {error.start}") from error
    first = text.partition("\n")[0]
    separator = next((sign for sign in SEPARATORS if sign in first), ",")
    csv.field_size_limit(MAX_FIELD)
    try:
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True) if row]
    except csv.Error as error:
        raise InputError.at(str(path), f"not delimited text: {error}") from error
    if not rows:
        raise InputError.at(str(path), EMPTY)
    header = list(layer.header) or [name.strip() for name in rows[0]]
    if len(set(header)) < len(header):
        raise InputError.at(str(path), f"two columns have one name: {listed(header)}", key_path="header")
    return header, (rows if layer.header else rows[1:]), 1 if layer.header else 2


def _geometry_column(header: Sequence[str], layer: Layer, path: Path) -> str:
    """Return the column with the geometry; raises InputError when there is none."""
    named = layer.columns.get("geometry")
    found = [name for name in header if name == named or (named is None and name.lower() in GEOMETRY_NAMES)]
    if not found:
        wanted = f"'{named}'" if named else f"a column called {', '.join(GEOMETRY_NAMES)}, nor columns.geometry"
        text = f"has not {wanted}; its columns are {listed(header)}"
        raise InputError.at(str(path), text, key_path="columns.geometry")
    return found[0]


def _stated_crs(systems: set[str], path: Path) -> CRS | None:
    """Return the reference system that all geometries state, or None where they state none."""
    if systems <= {""}:
        return None
    names = {name.upper() for name in systems}
    number = next(iter(names)).removeprefix("SRID=")
    try:
        if len(names) > 1 or not number.isdigit():
            text = f"geometries are not in one reference system: {listed(systems)}"
            raise InputError.at(str(path), text, key_path="crs")
        return CRS.from_epsg(int(number))
    except CRSError as error:
        raise InputError.at(str(path), f"unknown reference system: {listed(systems)}", key_path="crs") from error


def _not_wkt(text: str, error: Exception) -> str:
    return f"not well-known text ({clean_text(error)}): {clean_text(text):.40}"
