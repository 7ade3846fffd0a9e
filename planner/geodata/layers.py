"""One door to every file of features: whatever its format, it comes out as the features of GeoJSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from planner.errors import InputError
from planner.geodata.columns import translated
from planner.geodata.delimited import read_delimited
from planner.geodata.files import COMPRESSED, check_size, kind_of
from planner.geodata.geojson import Collection, read_geojson
from planner.geodata.kml import read_kml
from planner.geodata.postgis import read_postgis
from planner.geodata.tables import read_geopackage, read_geoparquet, read_shapefile, read_zipped_shapefile
from planner.scenario import Layer

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
    """Return the features of a file in any format of READERS, their columns translated as the layer says.

    `known` is our field -> the column that is read when the layer maps none. Raises InputError, located, for a file
    that cannot be read, a format that is not known, a reference system that is missing, unknown or contradicts the
    layer's, and a field or column that does not exist.
    """
    if layer.is_database:
        return translated(read_postgis(layer), layer, known)
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
    return translated(READERS[kind](path, layer), layer, known)
