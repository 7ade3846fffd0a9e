"""Streets of an OpenStreetMap extract, PBF or XML, read with pyosmium."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import osmium

from planner.errors import InputError
from planner.geodata.files import COMPRESSED, check_size, read_contents
from planner.geodata.lines import DECIMALS, Lines
from planner.geodata.streets import STREET_COLUMNS, UNKNOWN, Streets, structures_of
from planner.geodata.wording import clean_text, counted
from planner.scenario import Layer
from planner.yamlio import nearest

ATTRIBUTION = "© OpenStreetMap contributors, ODbL 1.0 (https://www.openstreetmap.org/copyright)"
NO_STREETS = frozenset(
    {
        "abandoned",
        "bus_stop",
        "construction",
        "corridor",
        "crossing",
        "disused",
        "elevator",
        "emergency_bay",
        "escape",
        "no",
        "planned",
        "platform",
        "proposed",
        "raceway",
        "razed",
        "rest_area",
        "services",
        "street_lamp",
        "traffic_island",
        "trail",
        "via_ferrata",
    }
)
"""Values of `highway` that no trench can follow: not built or gone, indoors, furniture, race tracks, climbs."""
FILE_ERRORS = (RuntimeError, ValueError, OSError, osmium.InvalidLocationError)
"""What pyosmium raises for files that it cannot read."""

_MISSING = (2**31 - 1, 2**31 - 1)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Way:
    """An OSM way that a trench could follow."""

    id: int
    refs: tuple[int, ...]
    tags: dict[str, str]


def read_osm_streets(path: Path, layer: Layer) -> Streets:
    """Return the ways with a `highway` tag that a trench could follow, joined where they share an OSM node.

    A node that is not in the file has no coordinate. Areas and the kinds of NO_STREETS are left out and counted.
    Raises InputError when the file cannot be read, holds no such way, or holds an object in two versions.
    """
    columns = _tags(path, layer)
    source = open_source(path)
    try:
        ways, notes = _read_ways(path, source, set(columns.values()))
        coordinates = _read_nodes(path, source, ways)
    except FILE_ERRORS as error:
        if isinstance(error, InputError):
            raise
        raise InputError.at(str(path), f"not a readable OpenStreetMap file: {error}") from error
    ids = tuple(f"w{way.id}" for way in ways)
    return Streets(
        ids=ids,
        road_class=tuple(clean_text(way.tags.get(columns["road_class"])) or UNKNOWN for way in ways),
        status=tuple(clean_text(way.tags.get(columns["status"])) for way in ways),
        surface=tuple(clean_text(way.tags.get(columns["surface"])) or UNKNOWN for way in ways),
        name=tuple(clean_text(way.tags.get(columns["name"])) for way in ways),
        structures=tuple(
            structures_of(way.tags.get(columns["bridge"]), way.tags.get(columns["tunnel"]), name)
            for way, name in zip(ways, ids, strict=True)
        ),
        lines=coordinates,
        owners=np.arange(len(ways), dtype=np.int64),
        notes=notes,
        attribution=layer.attribution or ATTRIBUTION,
    )


def _tags(path: Path, layer: Layer) -> dict[str, str]:
    """Return the tag of every field; raises InputError for a field that OSM gives itself, or that is unknown."""
    fields = {field: tag for field, tag in STREET_COLUMNS.items() if field not in ("id", "osm", "layer")}
    for field in layer.columns:
        if field not in fields:
            text = f"cannot be mapped to a tag{nearest(field, fields)}"
            raise InputError.at(str(path), text, key_path=f"columns.{field}")
    for option in ("layer", "header", "values", "codes", "factors", "joins", "join_within_m"):
        if getattr(layer, option):
            raise InputError.at(str(path), "does not apply to OpenStreetMap files; leave it out", key_path=option)
    if layer.crs not in (None, "EPSG:4326", "OGC:CRS84"):
        raise InputError.at(str(path), f"OpenStreetMap files are in EPSG:4326, not in {layer.crs}", key_path="crs")
    return {**fields, **layer.columns}


def open_source(path: Path) -> Any:
    """Return what pyosmium reads from: the file, or its inflated contents."""
    if path.suffix.lower() in COMPRESSED:
        return osmium.io.FileBuffer(read_contents(path), "osm")
    check_size(path)
    return osmium.io.File(str(path), "pbf" if path.suffix.lower() == ".pbf" else "osm")


def _read_ways(path: Path, source: Any, wanted: set[str]) -> tuple[list[_Way], tuple[str, ...]]:
    """Return the ways that are streets, sorted by id, and notes about the others."""
    ways: dict[int, _Way] = {}
    left_out: Counter[str] = Counter()
    reader: Any = osmium.FileProcessor(source, osmium.osm.WAY).with_filter(osmium.filter.KeyFilter("highway"))
    for way in reader:
        kind = way.tags["highway"]
        if kind in NO_STREETS or way.tags.get("area") == "yes":
            left_out["area" if way.tags.get("area") == "yes" else kind] += 1
            continue
        refs = tuple(node.ref for node in way.nodes)
        tags = {tag: way.tags[tag] for tag in wanted if tag in way.tags}
        found = _Way(id=way.id, refs=refs, tags=tags)
        if ways.setdefault(way.id, found) != found:
            text = "stands twice, with different contents; is this a history file?"
            raise InputError.at(f"{path}: way {way.id}", text)
    drawn = [ways[number] for number in sorted(ways) if len(ways[number].refs) >= 2]
    if not drawn:
        raise InputError.at(str(path), "layer is empty: no way with a highway tag that a trench could follow")
    notes = []
    if left_out:
        kinds = ", ".join(f"{number} {kind}" for kind, number in sorted(left_out.items()))
        notes.append(f"{path.name}: {counted(left_out.total(), 'way')} left out as no streets ({kinds})")
    if len(drawn) < len(ways):
        notes.append(f"{path.name}: {counted(len(ways) - len(drawn), 'way')} with fewer than two nodes left out")
    return drawn, tuple(notes)


def _read_nodes(path: Path, source: Any, ways: list[_Way]) -> Lines:
    """Return the lines of the ways; coordinates are NaN where a node is not in the file or is no place on earth."""
    refs = np.array([ref for way in ways for ref in way.refs], dtype=np.int64)
    nodes, positions = np.unique(refs, return_inverse=True)
    found: dict[int, tuple[int, int]] = dict.fromkeys(nodes.tolist(), _MISSING)
    reader: Any = osmium.FileProcessor(source, osmium.osm.NODE)
    for node in reader:
        known = found.get(node.id)
        if known is not None and node.location.valid():
            place = (node.location.x, node.location.y)
            if known not in (_MISSING, place):
                text = "stands twice, at different places; is this a history file?"
                raise InputError.at(f"{path}: node {node.id}", text)
            found[node.id] = place
    units = np.array([found[ref] for ref in nodes.tolist()], dtype=np.float64)
    coordinates = np.where(units == _MISSING, np.nan, np.round(units / 1e7, DECIMALS))
    return Lines(
        offsets=np.cumsum([0, *(len(way.refs) for way in ways)], dtype=np.int64),
        coordinates=coordinates[positions],
        places=refs,
    )
