"""The raw layers of a scenario, read again without the code that built the network."""

from __future__ import annotations

import bz2
import gzip
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from planner.scenario import Layer, Scenario

LONGITUDE_LATITUDE = "OGC:CRS84"
GEOJSON_ENDINGS = (".geojson", ".json")
INFLATE: Mapping[str, Callable[[bytes], bytes]] = {".gz": gzip.decompress, ".bz2": bz2.decompress}

Point = Sequence[float]


@dataclass(frozen=True, kw_only=True, slots=True)
class RawLine:
    """One line of a layer, in the layer's reference system, and the properties of its feature."""

    points: tuple[Point, ...]
    properties: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class RawLayer:
    """The lines of a layer and its reference system, or why it was not read."""

    lines: tuple[RawLine, ...] = ()
    crs: str = LONGITUDE_LATITUDE
    unread: str = ""


def read_raw_layer(folder: Path, layer: Layer) -> RawLayer:
    """Return the lines of a GeoJSON layer; a layer of another format, or without lines, says so in `unread`."""
    endings = PurePosixPath(layer.path.lower()).suffixes
    inflate = INFLATE.get(endings[-1]) if endings else None
    kind = endings[-2:-1] if inflate else endings[-1:]
    if not set(kind) & set(GEOJSON_ENDINGS):
        return RawLayer(unread=f"{layer.path} is not GeoJSON")
    try:
        contents = (folder / layer.path).read_bytes()
        collection = json.loads(inflate(contents) if inflate else contents)
        stated = (collection.get("crs") or {}).get("properties", {}).get("name")
        lines = tuple(
            RawLine(points=points, properties=feature.get("properties") or {})
            for feature in collection["features"]
            for points in _lines_of(feature.get("geometry") or {})
        )
    except (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError) as error:
        return RawLayer(unread=f"{layer.path} could not be read ({error})")
    crs = str(layer.crs or stated or LONGITUDE_LATITUDE)
    return RawLayer(lines=lines, crs=crs, unread="" if lines else f"{layer.path} holds no lines")


def _lines_of(geometry: Mapping[str, Any]) -> Iterable[tuple[Point, ...]]:
    match geometry.get("type"):
        case "LineString":
            parts = [geometry["coordinates"]]
        case "MultiLineString":
            parts = geometry["coordinates"]
        case _:
            parts = []
    return (tuple((float(x), float(y)) for x, y, *_ in part) for part in parts if len(part) > 1)


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
        values = (line.properties.get(layer.columns.get(field, field)) for layer, read in raw for line in read.lines)
        return frozenset(float(value) for value in values if isinstance(value, int | float))

    return OwnPrices(
        rents_per_m_year=stated("rent_per_m_year"),
        leases_per_fiber_km_year=stated("lease_per_fiber_km_year"),
        unread=tuple(read.unread for _, read in raw if read.unread),
    )
