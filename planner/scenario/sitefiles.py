"""Files of sites: GeoJSON and CSV are read here, by plain means; whatever needs a GIS is read by `geodata.places`.

Sites must be known while a scenario is checked, because demands name them. So that checking stays fast, the GIS is
loaded only for layers that need it.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import ValidationError

from planner.errors import InputError, Problem
from planner.scenario.spec import Site, SiteLayer
from planner.yamlio import nearest

LONGITUDE_LATITUDE = ("urn:ogc:def:crs:OGC:1.3:CRS84", "urn:ogc:def:crs:OGC::CRS84", "OGC:CRS84", "EPSG:4326")
PLACE_COLUMNS = {
    "lon_deg": ("lon_deg", "lon", "lng", "long", "longitude", "x"),
    "lat_deg": ("lat_deg", "lat", "latitude", "y"),
}
"""Columns of a text file that are taken for longitude and latitude where the layer maps none; case does not matter."""
SEPARATORS = "\t|;,"
MAX_BYTES = 50_000_000
LISTS = tuple(name for name, field in Site.model_fields.items() if get_origin(field.annotation) is tuple)
"""Fields of a site that hold several values; a file of text parts them by semicolons."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteRow:
    """What a file says about one site."""

    where: str
    values: Mapping[str, Any]
    """Columns of the file by name, and `lon_deg`, `lat_deg` where the geometry gives them."""
    is_text: bool = False
    """Whether all values are text, so that numbers must be read from it."""


def read_sites(path: Path, layer: SiteLayer) -> list[Site]:
    """Return the sites of a layer.

    Columns have the names of the fields of `Site`, or are mapped; a site without `name` is named by its id, one without
    `kind` is a `site`, and the layer's `values` stand in for what a row lacks. Raises InputError, located, with every
    mistake.
    """
    rows = _rows(path, layer)
    _check_columns(path, layer, rows)
    sites: list[Site] = []
    problems: list[Problem] = []
    for row in rows:
        fields = _fields(row, layer)
        try:
            sites.append(_site(fields, is_text=row.is_text))
        except ValidationError as error:
            problems += [
                Problem(where=row.where, key_path=".".join(str(part) for part in item["loc"]), problem=_said(item))
                for item in error.errors(include_url=False)
            ]
    if problems:
        raise InputError(*problems)
    return sites


def read_table(path: Path, separators: str = SEPARATORS) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Return the names of the columns of a delimited text file, and its rows with the lines that they stand in.

    Raises InputError, located, for a file that is missing, empty, too large, not UTF-8, or has rows of other lengths.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError.at(str(path), f"file is larger than {MAX_BYTES:,} bytes")
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError.at(str(path), f"is not UTF-8 text (byte {error.start})") from error
    except OSError as error:
        raise InputError.at(str(path), f"cannot be read: {error.strerror or error}") from error
    first = text.lstrip("\n").partition("\n")[0]
    separator = next((sign for sign in separators if sign in first), ",")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        lines = [(reader.line_num, [cell.strip() for cell in row]) for row in reader if any(map(str.strip, row))]
    except csv.Error as error:
        raise InputError.at(f"{path}:{reader.line_num}", f"not delimited text: {error}") from error
    if len(lines) < 2:
        raise InputError.at(str(path), "table is empty: it has no row below the names of the columns")
    header = lines[0][1]
    if len(set(header)) < len(header):
        raise InputError.at(f"{path}:1", "two columns have one name")
    odd = [(line, row) for line, row in lines[1:] if len(row) != len(header)]
    if odd:
        text = f"columns where the first line has {len(header)}"
        raise InputError(*(Problem(where=f"{path}:{line}", problem=f"{len(row)} {text}") for line, row in odd[:20]))
    return header, lines[1:]


def _rows(path: Path, layer: SiteLayer) -> list[SiteRow]:
    """Return the rows of a file, read in the way that its kind needs."""
    kind = path.suffix.lower()
    picks = bool(layer.tags or layer.objects)
    if kind in (".geojson", ".json") and not picks:
        found = _geojson_rows(path, layer)
        if found is not None:
            return found
    if kind in (".csv", ".tsv") and not layer.header and "geometry" not in layer.columns and not picks:
        found = list(_table_rows(path, layer))
        if found:
            return found
    from planner.geodata.places import read_places

    return [
        SiteRow(where=place.where, values=place.values, is_text=place.is_text) for place in read_places(path, layer)
    ]


def _geojson_rows(path: Path, layer: SiteLayer) -> list[SiteRow] | None:
    """Return the features of a GeoJSON file of points in longitude and latitude; None for any other."""
    try:
        collection = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError.at(str(path), f"not a readable GeoJSON file: {error}") from error
    features = collection.get("features") if isinstance(collection, dict) else None
    if not isinstance(features, list) or not features:
        raise InputError.at(str(path), "layer of sites is empty or not a GeoJSON FeatureCollection")
    named = collection["crs"] if isinstance(collection.get("crs"), dict) else {}
    stated = named.get("properties", {}).get("name") if isinstance(named.get("properties"), dict) else None
    if {layer.crs or LONGITUDE_LATITUDE[0], stated or LONGITUDE_LATITUDE[0]} - set(LONGITUDE_LATITUDE):
        return None
    rows = []
    for index, feature in enumerate(features):
        properties = feature.get("properties") if isinstance(feature, dict) else None
        values = dict(properties) if isinstance(properties, dict) else {}
        geometry = feature.get("geometry") if isinstance(feature, dict) else None
        point = geometry.get("coordinates") if isinstance(geometry, dict) else None
        if isinstance(geometry, dict) and geometry.get("type") in ("Polygon", "MultiPolygon", "MultiPoint"):
            return None
        if isinstance(point, list) and len(point) >= 2 and geometry is not None and geometry.get("type") == "Point":
            values |= {"lon_deg": point[0], "lat_deg": point[1]}
        name = values.get(layer.columns.get("id", "id"))
        rows.append(SiteRow(where=f"{path}: feature {index if name is None else name}", values=values))
    return rows


def _table_rows(path: Path, layer: SiteLayer) -> Iterator[SiteRow]:
    """Yield the rows of a delimited text file with columns of longitude and latitude; nothing for any other."""
    header, lines = read_table(path)
    lowered = {name.lower(): name for name in reversed(header)}
    columns: dict[str, str] = {}
    for field, names in PLACE_COLUMNS.items():
        found = layer.columns.get(field) or next((lowered[name] for name in names if name in lowered), None)
        if found not in header:
            return
        columns[field] = found
    if layer.crs is not None and layer.crs not in LONGITUDE_LATITUDE:
        return
    for line, row in lines:
        values = dict(zip(header, row, strict=True))
        places = {field: values[column] for field, column in columns.items()}
        yield SiteRow(where=f"{path}:{line}", values=values | places, is_text=True)


def _check_columns(path: Path, layer: SiteLayer, rows: list[SiteRow]) -> None:
    """Raise InputError when the layer maps a field that a site has not, or to a column that no row has."""
    present = {name for row in rows for name in row.values}
    problems = []
    for field, column in layer.columns.items():
        if field not in (*Site.model_fields, "geometry"):
            text = f"unknown field{nearest(field, Site.model_fields)}"
            problems.append(Problem(where=str(path), key_path=f"columns.{field}", problem=text))
        elif column not in present and field != "geometry":
            text = f"no site has the column '{column}'{nearest(column, present)}"
            problems.append(Problem(where=str(path), key_path=f"columns.{field}", problem=text))
    for field in layer.values:
        if field not in Site.model_fields:
            text = f"unknown field{nearest(field, Site.model_fields)}"
            problems.append(Problem(where=str(path), key_path=f"values.{field}", problem=text))
    if problems:
        raise InputError(*problems)


def _fields(row: SiteRow, layer: SiteLayer) -> dict[str, Any]:
    """Return the fields of a site: from its row, else from the layer's values, else its id and a plain kind."""
    given = {name: row.values.get(layer.columns.get(name, name)) for name in Site.model_fields}
    given |= {name: row.values[name] for name in PLACE_COLUMNS if name in row.values}
    fields = {name: value for name, value in given.items() if value not in (None, "")}
    defaults = {**layer.values, "assumed": True} if layer.assumed else dict(layer.values)
    fields = {**defaults, **fields}
    fields.setdefault("kind", "site")
    if "id" in fields:
        fields.setdefault("name", str(fields["id"]))
    for name in LISTS:
        if isinstance(fields.get(name), str):
            fields[name] = [part.strip() for part in fields[name].split(";") if part.strip()]
    return fields


def _site(fields: Mapping[str, Any], *, is_text: bool) -> Site:
    """Return a site from its fields; numbers and flags may be text where the whole file is."""
    if is_text:
        texts = {name: value for name, value in fields.items() if isinstance(value, str)}
        fields = {**fields, **{name: _from_text(name, value) for name, value in texts.items()}}
    return Site.model_validate_json(json.dumps(fields, allow_nan=True))


def _from_text(name: str, value: str) -> Any:
    """Return the number or flag that a text states where the field wants one; any other text as it is."""
    annotation = Site.model_fields[name].annotation
    wanted = {annotation, *get_args(annotation)}
    if bool in wanted:
        return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}.get(value.lower(), value)
    if wanted & {float, int}:
        try:
            return int(value) if int in wanted and float not in wanted else float(value)
        except ValueError:
            return value
    return value


def _said(item: Any) -> str:
    """Return what is wrong with a field, and what stands there."""
    if item["type"] == "missing":
        return "required column is missing or empty"
    return f"{item['msg']} (got {item['input']!r:.60})"
