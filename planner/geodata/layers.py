"""One door to every file of features: whatever its format, it comes out as the features of GeoJSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from planner.errors import InputError, Problem
from planner.geodata.delimited import read_delimited
from planner.geodata.files import COMPRESSED, check_size, kind_of
from planner.geodata.geojson import Collection, read_geojson
from planner.geodata.kml import read_kml
from planner.geodata.postgis import read_postgis
from planner.geodata.tables import read_geopackage, read_geoparquet, read_shapefile, read_zipped_shapefile
from planner.geodata.wording import clean_text
from planner.scenario import Layer
from planner.yamlio import nearest

READERS: Mapping[str, Callable[[Path, Layer], Collection]] = {
    ".geojson": read_geojson,
    ".json": read_geojson,
    ".gpkg": read_geopackage,
    ".shp": read_shapefile,
    ".zip": read_zipped_shapefile,
    ".parquet": read_geoparquet,
    ".geoparquet": read_geoparquet,
    ".kml": read_kml,
    ".csv": read_delimited,
    ".tsv": read_delimited,
}
"""Ending of a file -> how its features are read; the contents must be of that kind, nothing is guessed from them."""

ONE_PART = (".gpkg", ".shp", ".zip", ".parquet", ".geoparquet")
"""Formats that are not read from inside a .gz or .bz2."""
_WITH_LAYERS = (".gpkg", ".zip", ".kml")
_WITH_HEADER = (".csv", ".tsv")


def is_feature_file(path: Path) -> bool:
    """Return whether the ending of a file is one that `read_layer` reads."""
    kind = kind_of(path)
    return kind in READERS and not (kind in ONE_PART and path.suffix.lower() in COMPRESSED)


def read_layer(path: Path, layer: Layer, known: Mapping[str, str]) -> Collection:
    """Return the features of a file in any format of READERS, with the layer's `values` where the file gives none.

    `known` is our field -> the column that is read when the layer maps none. Raises InputError, located, for a file
    that cannot be read, a format that is not known, a reference system that is missing, unknown or contradicts the
    layer's, and a field or column that does not exist.
    """
    if layer.is_database:
        collection = read_postgis(layer)
        _check_columns(collection, layer, known)
        return _with_values(collection, layer, known)
    if not is_feature_file(path):
        endings = f"{', '.join(READERS)}; text formats also with .gz or .bz2"
        raise InputError.at(str(path), f"cannot read '{''.join(path.suffixes) or path.name}' files here; {endings}")
    if str(path.resolve()).startswith("/vsi"):
        raise InputError.at(str(path), "paths below /vsi are refused: they are no plain files")
    check_size(path)
    kind = kind_of(path)
    for option, given, allowed in (("layer", layer.layer, _WITH_LAYERS), ("header", layer.header, _WITH_HEADER)):
        if given and kind not in allowed:
            raise InputError.at(str(path), f"a {kind} file has no such thing; leave it out", key_path=option)
    collection = READERS[kind](path, layer)
    _check_columns(collection, layer, known)
    return _with_values(collection, layer, known)


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
    for field in [field for field in layer.values if field not in known]:
        text = f"unknown field '{field}'{nearest(field, known)}"
        problems.append(Problem(where=where, key_path=f"values.{field}", problem=text))
    if problems:
        raise InputError(*problems)


def _with_values(collection: Collection, layer: Layer, known: Mapping[str, str]) -> Collection:
    """Return the collection with the layer's values in features that have none."""
    if not layer.values:
        return collection
    values = {layer.columns.get(field, known[field]): value for field, value in layer.values.items()}
    features = []
    for index, feature in enumerate(collection.features):
        given = {name: value for name, value in collection.properties(index).items() if clean_text(value)}
        features.append({**feature, "properties": {**values, **given}})
    return replace(collection, features=tuple(features))
