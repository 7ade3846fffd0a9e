"""Files of sites: GeoJSON and CSV are read here, by plain means; whatever needs a GIS is read by `geodata.places`.

Sites must be known while a scenario is checked, because demands name them. So that checking stays fast, the GIS is
loaded only for layers that need it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from planner.errors import InputError, Problem
from planner.scenario.layers import SiteLayer
from planner.scenario.spec import Site
from planner.scenario.tables import from_text, read_table, what_is_wrong, with_lists
from planner.yamlio import nearest

LONGITUDE_LATITUDE = ("urn:ogc:def:crs:OGC:1.3:CRS84", "urn:ogc:def:crs:OGC::CRS84", "OGC:CRS84", "EPSG:4326")
PLACE_COLUMNS = {
    "lon_deg": ("lon_deg", "lon", "lng", "long", "longitude", "x"),
    "lat_deg": ("lat_deg", "lat", "latitude", "y"),
}
"""Columns of a text file that are taken for longitude and latitude where the layer maps none; case does not matter."""


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
            sites.append(Site.model_validate_json(json.dumps(from_text(Site, fields) if row.is_text else fields)))
        except ValidationError as error:
            problems += [
                Problem(
                    where=row.where, key_path=".".join(str(part) for part in item["loc"]), problem=what_is_wrong(item)
                )
                for item in error.errors(include_url=False)
            ]
    if problems:
        raise InputError(*problems)
    return sites


def _rows(path: Path, layer: SiteLayer) -> list[SiteRow]:
    """Return the rows of a file, read in the way that its kind needs."""
    kind = path.suffix.lower()
    picks = bool(layer.tags or layer.objects or layer.codes or layer.factors or layer.joins) or layer.is_database
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
    return with_lists(Site, fields)
