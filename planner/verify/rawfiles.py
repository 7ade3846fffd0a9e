"""Lines and properties in every format of layers, read with other code than the network was built with.

Nothing is repaired here. A file that cannot be read raises an error of UNREADABLE.
"""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import math
import re
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import geopandas
import osmium
import shapely

from planner.scenario import Layer

LONGITUDE_LATITUDE = "OGC:CRS84"
INFLATE: Mapping[str, Callable[[bytes], bytes]] = {".gz": gzip.decompress, ".bz2": bz2.decompress}
UNREADABLE = (
    OSError,
    EOFError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    RuntimeError,
    zipfile.BadZipFile,
    ET.ParseError,
    shapely.errors.ShapelyError,
)
"""What the readers raise for files that they cannot read."""
FIRST_BYTES = {".gpkg": b"SQLite format 3\x00", ".shp": b"\x00\x00\x27\x0a", ".zip": b"PK", ".parquet": b"PAR1"}
_KML = "{http://www.opengis.net/kml/2.2}"

Point = Sequence[float]


@dataclass(frozen=True, kw_only=True, slots=True)
class RawLine:
    """One line of a layer, in the layer's reference system, and the properties of its feature."""

    points: tuple[Point, ...]
    properties: Mapping[str, Any]


RawFile = tuple[list[RawLine], str]
"""Lines and the reference system that the file states, or nothing."""


def read_raw_file(path: Path, layer: Layer) -> RawFile:
    """Return the lines of a file, and its reference system where it states one."""
    ending = path.suffix.lower()
    kind = Path(path.stem).suffix.lower() if ending in INFLATE else ending
    if kind in (".osm", ".pbf"):
        return list(_osm_lines(path)), LONGITUDE_LATITUDE
    if kind in (".gpkg", ".shp", ".zip", ".parquet", ".geoparquet"):
        return _frame(path, layer, kind)
    contents = path.read_bytes()
    contents = INFLATE[ending](contents) if ending in INFLATE else contents
    if kind in (".csv", ".tsv"):
        return _table(contents.decode("utf-8-sig"), layer)
    if kind == ".kml":
        return list(_kml_lines(contents, layer)), LONGITUDE_LATITUDE
    content = json.loads(contents)
    if "networks" in content or _has_network(content):
        return list(_fibre_lines(content)), LONGITUDE_LATITUDE
    stated = (content.get("crs") or {}).get("properties", {}).get("name")
    lines = [
        line for item in content["features"] for line in _lines(item.get("geometry"), item.get("properties") or {})
    ]
    return lines, str(stated or "")


@dataclass(frozen=True, kw_only=True, slots=True)
class RawShape:
    """A line or an area of a layer, in the layer's reference system, and the properties of its feature."""

    shape: Any
    properties: Mapping[str, Any]


def read_raw_shapes(path: Path, layer: Layer) -> tuple[list[RawShape], str]:
    """Return the lines and areas of a file, and its reference system where it states one."""
    ending = path.suffix.lower()
    kind = Path(path.stem).suffix.lower() if ending in INFLATE else ending
    if kind in (".gpkg", ".shp", ".zip", ".parquet", ".geoparquet"):
        drawn, stated = _frame_rows(path, layer, kind)
    else:
        contents = path.read_bytes()
        contents = INFLATE[ending](contents) if ending in INFLATE else contents
        if kind in (".csv", ".tsv"):
            drawn, stated = _table_rows(contents.decode("utf-8-sig"), layer)
        elif kind in (".json", ".geojson"):
            content = json.loads(contents)
            stated = str((content.get("crs") or {}).get("properties", {}).get("name") or "")
            drawn = [
                (shapely.geometry.shape(item["geometry"]), item.get("properties") or {})
                for item in content["features"]
                if item.get("geometry")
            ]
        else:
            raise ValueError(f"shapes in {kind} files are not read again")
    kinds = ("LineString", "MultiLineString", "Polygon", "MultiPolygon")
    found = [RawShape(shape=shape, properties=row) for shape, row in drawn if shape and shape.geom_type in kinds]
    return found, stated


def _lines(geometry: Mapping[str, Any] | None, properties: Mapping[str, Any]) -> Iterator[RawLine]:
    """Yield the lines of a GeoJSON geometry."""
    kind = (geometry or {}).get("type")
    if geometry is not None and kind in ("LineString", "MultiLineString"):
        parts = [geometry["coordinates"]] if kind == "LineString" else geometry["coordinates"]
        for part in parts:
            if len(part) > 1:
                yield RawLine(points=tuple((float(x), float(y)) for x, y, *_ in part), properties=properties)


def _drawn(shape: Any, properties: Mapping[str, Any]) -> Iterator[RawLine]:
    """Yield the lines of a shape."""
    if shape is not None and shape.geom_type in ("LineString", "MultiLineString"):
        for part in shapely.get_parts(shape):
            if not part.is_empty:
                yield RawLine(points=tuple((x, y) for x, y, *_ in part.coords), properties=properties)


def _osm_lines(path: Path) -> Iterator[RawLine]:
    """Yield the ways with a highway tag, cut where a node is missing."""
    ways: Any = osmium.FileProcessor(str(path), osmium.osm.NODE | osmium.osm.WAY).with_locations()
    for way in ways.with_filter(osmium.filter.KeyFilter("highway")):
        if way.is_way():
            tags = {**dict(way.tags), "id": f"w{way.id}"}
            for is_there, nodes in groupby(way.nodes, key=lambda node: node.location.valid()):
                points = tuple((node.location.lon, node.location.lat) for node in nodes) if is_there else ()
                if len(points) > 1:
                    yield RawLine(points=points, properties=tags)


Rows = list[tuple[Any, Mapping[str, Any]]]
"""Shapes (or None) with the properties of their features."""


def _frame(path: Path, layer: Layer, kind: str) -> RawFile:
    """Return the lines of a table that GDAL or Arrow reads."""
    drawn, stated = _frame_rows(path, layer, kind)
    return [line for shape, row in drawn for line in _drawn(shape, row)], stated


def _frame_rows(path: Path, layer: Layer, kind: str) -> tuple[Rows, str]:
    """Return the shapes and rows of a table; the first bytes must be of the kind that the name says."""
    with path.open("rb") as stream:
        if not stream.read(16).startswith(FIRST_BYTES[".parquet" if "parquet" in kind else kind]):
            raise ValueError("its contents are of another kind than its name")
    if "parquet" in kind:
        frame = geopandas.read_parquet(path)
    elif kind == ".gpkg":
        frame = geopandas.read_file(f"GPKG:{path.resolve()}", layer=layer.layer)
    else:
        inside = _shapefile_inside(path, layer) if kind == ".zip" else ""
        frame = geopandas.read_file(f"/vsizip/{path.resolve()}/{inside}" if inside else path.resolve())
    names = [name for name in frame.columns if name != frame.active_geometry_name]
    rows = frame[names].astype(object).where(frame[names].notna(), None).to_dict("records")
    drawn = list(zip(frame.geometry, rows, strict=True))
    return drawn, frame.crs.to_wkt() if frame.crs is not None else ""


def _shapefile_inside(path: Path, layer: Layer) -> str:
    """Return the name of the Shapefile in a zip archive that the layer names, or the only one."""
    with zipfile.ZipFile(path) as archive:
        names = [
            name for name in archive.namelist() if name.lower().endswith(".shp") and not name.startswith("__MACOSX")
        ]
    (name,) = [name for name in names if layer.layer in (None, Path(name).stem)]
    return name


def _table(text: str, layer: Layer) -> RawFile:
    """Return the lines of delimited text with well-known text, and the SRID that the first one states."""
    drawn, stated = _table_rows(text, layer)
    return [line for shape, row in drawn for line in _drawn(shape, row)], stated


def _table_rows(text: str, layer: Layer) -> tuple[Rows, str]:
    """Return the shapes and rows of delimited text, and the SRID that the first one states."""
    first = text.partition("\n")[0]
    separator = next((sign for sign in "\t|;," if sign in first), ",")
    rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator) if row]
    header = list(layer.header) or [name.strip() for name in rows[0]]
    usual = ("wkt", "_wkt", "geometry", "geom", "the_geom", "shape")
    named = layer.columns.get("geometry")
    (at, *_) = [i for i, name in enumerate(header) if name == named or (named is None and name.lower() in usual)]
    drawn: Rows = []
    stated = ""
    for row in rows[0 if layer.header else 1 :]:
        system, _, shape = row[at].rpartition(";")
        stated = stated or (f"EPSG:{system.partition('=')[2]}" if system else "")
        if shape.strip():
            properties = {name: cell or None for name, cell in zip(header, row, strict=True)}
            drawn.append((shapely.from_wkt(shape), properties))
    return drawn, stated


def _kml_lines(contents: bytes, layer: Layer) -> Iterator[RawLine]:
    """Yield the lines of a KML file, of one folder where the layer names one."""
    if re.search(rb"<!(DOCTYPE|ENTITY)", contents):
        raise ValueError("declares entities, which are refused")
    root = ET.fromstring(contents)
    folders = [item for item in root.iter(f"{_KML}Folder") if item.findtext(f"{_KML}name") == layer.layer]
    for mark in (each for top in (folders if layer.layer else [root]) for each in top.iter(f"{_KML}Placemark")):
        properties = {"name": mark.findtext(f"{_KML}name"), "id": mark.get("id")}
        properties |= {item.get("name", ""): item.findtext(f"{_KML}value") for item in mark.iter(f"{_KML}Data")}
        properties |= {item.get("name", ""): item.text for item in mark.iter(f"{_KML}SimpleData")}
        for line in mark.iter(f"{_KML}LineString"):
            words = (line.findtext(f"{_KML}coordinates") or "").split()
            points = tuple((float(word.split(",")[0]), float(word.split(",")[1])) for word in words)
            if len(points) > 1:
                yield RawLine(points=points, properties=properties)


def _has_network(content: Mapping[str, Any]) -> bool:
    """Return whether GeoJSON is that of the Open Fibre Data Standard."""
    features = content.get("features") or [{}]
    return isinstance((features[0].get("properties") or {}).get("network"), dict)


def _fibre_lines(content: Mapping[str, Any]) -> Iterator[RawLine]:
    """Yield the spans of an Open Fibre Data file, with a straight line to a node that their route does not reach."""
    for network in content.get("networks", [content]):
        places = {node["id"]: node.get("location") for node in network.get("nodes", ())}
        spans = network.get("spans") or [
            {**item["properties"], "route": item.get("geometry")}
            for item in network.get("features", ())
            if item["properties"].get("featureType", "span") == "span"
        ]
        for span in spans:
            ends = [_place(span.get(side), places) for side in ("start", "end")]
            for line in _lines(span.get("route"), span):
                points = list(line.points)
                turned = _gap(points, ends[::-1]) < _gap(points, ends) if None not in ends else False
                first, last = ends[::-1] if turned else ends
                points = [*([first] if first else []), *points, *([last] if last else [])]
                yield RawLine(points=tuple(points), properties=span)
            if span.get("route") is None and None not in ends:
                yield RawLine(points=tuple(end for end in ends if end), properties=span)


def _place(end: Any, places: Mapping[str, Any]) -> tuple[float, float] | None:
    """Return longitude and latitude of the node that ends a span."""
    location = end.get("location") if isinstance(end, dict) else places.get(end)
    found = (location or {}).get("coordinates")
    return (float(found[0]), float(found[1])) if found else None


def _gap(points: Sequence[Point], ends: Sequence[tuple[float, float] | None]) -> float:
    """Return how far, in degrees, the ends of a line are from two places."""
    pairs = zip((points[0], points[-1]), ends, strict=True)
    return sum(math.hypot(p[0] - e[0], p[1] - e[1]) for p, e in pairs if e is not None)
