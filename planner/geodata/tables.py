"""GeoPackage, Shapefile and GeoParquet, read with GDAL and Arrow as the features of GeoJSON.

GDAL looks at the contents of a file, not at its name, and some of what it then opens reads other files or the network.
So the first bytes are checked before GDAL sees the file, and zipped files are unpacked here.
"""

from __future__ import annotations

import datetime
import tempfile
import warnings
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

import geopandas
import numpy as np
import pyarrow
import pyarrow.parquet
import pyogrio
import shapely
from pyogrio.errors import CRSError, DataLayerError, DataSourceError, FeatureError

from planner.errors import InputError
from planner.geodata.files import EMPTY, MAX_BYTES, check_size
from planner.geodata.geojson import Collection, agreed_crs
from planner.geodata.wording import clean_text, listed
from planner.scenario import Layer
from planner.yamlio import nearest

FIRST_BYTES = {
    "GeoPackage": b"SQLite format 3\x00",
    "Shapefile": b"\x00\x00\x27\x0a",
    "zip archive": b"PK",
    "Parquet file": b"PAR1",
}
SHAPEFILE_PARTS = (".shp", ".shx", ".dbf", ".prj", ".cpg")
TABLE_ERRORS = (
    CRSError,
    DataLayerError,
    DataSourceError,
    FeatureError,
    shapely.errors.GEOSException,
    pyarrow.ArrowException,
    ValueError,
    TypeError,
    KeyError,
    OSError,
)
"""What GDAL and Arrow raise for files that they cannot read."""


def read_geopackage(path: Path, layer: Layer) -> Collection:
    """Return the features of one table of a GeoPackage: the one that the layer names, or the only one.

    Raises InputError when it is no GeoPackage, or has several tables and the layer names none of them.
    """
    _check_first_bytes(path, "GeoPackage")
    source = f"GPKG:{path.resolve()}"

    def read() -> geopandas.GeoDataFrame:
        tables = [str(name) for name, kind in pyogrio.list_layers(source) if kind is not None]
        return pyogrio.read_dataframe(source, layer=choose_layer(tables, layer, path), on_invalid="ignore")

    return _collect(read, path, layer)


def read_shapefile(path: Path, layer: Layer) -> Collection:
    """Return the features of a Shapefile, whose parts .shp, .shx and .dbf lie side by side.

    Raises InputError when it is none, or a part is missing or damaged.
    """
    _check_first_bytes(path, "Shapefile")
    for ending in SHAPEFILE_PARTS[1:3]:
        check_size(_beside(path, ending))
    return _collect(lambda: pyogrio.read_dataframe(path.resolve(), on_invalid="ignore"), path, layer)


def read_zipped_shapefile(path: Path, layer: Layer) -> Collection:
    """Return the features of the Shapefile in a zip archive: the one that the layer names, or the only one.

    Raises InputError when there is none, there are several and the layer names none of them, or it inflates to more
    than MAX_BYTES.
    """
    _check_first_bytes(path, "zip archive")
    with tempfile.TemporaryDirectory() as folder:
        try:
            _unpack(path, layer, Path(folder))
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError) as error:
            raise InputError.at(str(path), f"zip archive is damaged or cannot be unpacked: {error}") from error
        unpacked = Path(folder) / "unpacked.shp"
        _check_first_bytes(unpacked, "Shapefile", shown=path)
        return _collect(lambda: pyogrio.read_dataframe(unpacked, on_invalid="ignore"), path, layer)


def read_geoparquet(path: Path, layer: Layer) -> Collection:
    """Return the features of a GeoParquet file.

    Raises InputError when it is none, has no geometry, or inflates to more than MAX_BYTES.
    """
    _check_first_bytes(path, "Parquet file")

    def read() -> geopandas.GeoDataFrame:
        groups = pyarrow.parquet.ParquetFile(path).metadata
        if sum(groups.row_group(index).total_byte_size for index in range(groups.num_row_groups)) > MAX_BYTES:
            raise InputError.at(str(path), f"inflates to more than {MAX_BYTES:,} bytes; cut it to the region")
        return geopandas.read_parquet(path)

    return _collect(read, path, layer)


def choose_layer(names: list[str], layer: Layer, path: Path) -> str:
    """Return which of the layers of a file is meant; raises InputError when that is not clear."""
    if not names:
        raise InputError.at(str(path), "holds no layer with geometry")
    if layer.layer is not None:
        if layer.layer not in names:
            text = f"no layer '{clean_text(layer.layer)}'{nearest(layer.layer, names)}; it has {listed(names)}"
            raise InputError.at(str(path), text, key_path="layer")
        return layer.layer
    if len(names) > 1:
        raise InputError.at(str(path), f"holds several layers, name one: {listed(names)}", key_path="layer")
    return names[0]


def geometry_of(shape: Any) -> dict[str, Any] | None:
    """Return a shape as the geometry of a GeoJSON feature; None for no shape or an empty one."""
    if shape is None or shape.is_empty:
        return None
    if shape.geom_type == "GeometryCollection":
        return {"type": shape.geom_type, "geometries": [geometry_of(part) for part in shape.geoms]}
    return {"type": shape.geom_type, "coordinates": _positions(shape)}


def _positions(shape: Any) -> list[Any]:
    """Return the nested coordinates of a shape."""
    if hasattr(shape, "geoms"):
        return [_positions(part) for part in shape.geoms]
    if shape.geom_type == "Polygon":
        return [_positions(ring) for ring in (shape.exterior, *shape.interiors)]
    found: list[Any] = shapely.get_coordinates(shape, include_z=bool(shape.has_z)).tolist()
    return found[0] if shape.geom_type == "Point" else found


def _check_first_bytes(path: Path, kind: str, *, shown: Path | None = None) -> None:
    """Raise InputError when a file is not of the kind that its name says."""
    try:
        with path.open("rb") as stream:
            start = stream.read(16)
    except OSError as error:
        raise InputError.at(str(shown or path), f"cannot be read: {error.strerror or error}") from error
    if not start.startswith(FIRST_BYTES[kind]):
        raise InputError.at(str(shown or path), f"not a {kind}: its contents are of another kind than its name")


def _collect(read: Callable[[], geopandas.GeoDataFrame], path: Path, layer: Layer) -> Collection:
    """Return the rows of a table as features; what the libraries warn about becomes notes."""
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        try:
            frame = read()
        except TABLE_ERRORS as error:
            if isinstance(error, InputError):
                raise
            raise InputError.at(str(path), f"cannot be read as {path.suffix}: {clean_text(error)}") from error
    if not isinstance(frame, geopandas.GeoDataFrame):
        raise InputError.at(str(path), "holds no geometry")
    if not len(frame):
        raise InputError.at(str(path), EMPTY)
    names = [name for name in frame.columns if name != frame.active_geometry_name]
    columns = [_plain_values(frame[name]) for name in names]
    rows = zip(*columns, strict=True) if columns else ((),) * len(frame)
    shapes = frame.geometry.to_numpy()
    features = tuple(
        {"type": "Feature", "properties": dict(zip(names, row, strict=True)), "geometry": geometry_of(shape)}
        for row, shape in zip(rows, shapes, strict=True)
    )
    said = sorted({clean_text(warning.message).replace(str(path.resolve()), path.name) for warning in heard})
    return Collection(
        path=path,
        features=features,
        crs=agreed_crs(frame.crs, layer, path),
        notes=tuple(f"{path.name}: {text}" for text in said),
    )


def _plain_values(column: Any) -> list[Any]:
    """Return the values of a column as GeoJSON would have them, None where there is none."""
    present = column.notna().tolist()
    return [_plain(value) if flag else None for value, flag in zip(column.tolist(), present, strict=True)]


def _plain(value: Any) -> Any:
    """Return a value of a table as one of GeoJSON."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, datetime.date):
        return value.isoformat()
    return value


def _beside(path: Path, ending: str) -> Path:
    """Return the part of a Shapefile with another ending, in the case that it has."""
    found = path.with_suffix(ending)
    return found if found.exists() else path.with_suffix(ending.upper())


def _unpack(path: Path, layer: Layer, folder: Path) -> None:
    """Write the parts of the chosen Shapefile of an archive into a folder, as `unpacked.shp` and so on."""
    with zipfile.ZipFile(path) as archive:
        inside = {name: PurePosixPath(name) for name in archive.namelist() if not name.startswith("__MACOSX")}
        stems = {str(each.with_suffix("")): each.stem for each in inside.values() if each.suffix.lower() == ".shp"}
        wanted = choose_layer(sorted(stems.values()), layer, path)
        left = MAX_BYTES
        for name, each in sorted(inside.items()):
            if stems.get(str(each.with_suffix(""))) == wanted and each.suffix.lower() in SHAPEFILE_PARTS:
                with archive.open(name) as stream:
                    contents = stream.read(left + 1)
                left -= len(contents)
                if left < 0:
                    text = f"inflates to more than {MAX_BYTES:,} bytes; cut it to the region"
                    raise InputError.at(str(path), text)
                (folder / f"unpacked{each.suffix.lower()}").write_bytes(contents)
