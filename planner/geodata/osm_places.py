"""Things of an OpenStreetMap extract that can be sites: nodes, ways and relations, by their number or their tags."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import osmium
import shapely

from planner.errors import InputError, Problem
from planner.geodata.osm import FILE_ERRORS, open_source
from planner.geodata.wording import clean_text
from planner.scenario.layers import SiteLayer

Points = list[tuple[float, float]]


@dataclass(slots=True)
class _Things:
    """What was found of the wanted things, by a letter for their kind and their number."""

    tags: dict[str, dict[str, str]] = field(default_factory=dict)
    lines: dict[str, list[Points]] = field(default_factory=dict)
    members: dict[int, list[str]] = field(default_factory=dict)
    """Way -> the relations that it is a member of."""


def read_osm_places(path: Path, layer: SiteLayer, *, may_be_empty: bool = False) -> list[tuple[str, dict[str, Any]]]:
    """Return name and values of the things that a layer chooses, sorted.

    Values are `id`, `name`, `kind`, place, and the tags that the layer maps.
    The place of an area is a point inside it, that of a line its middle; members that a clipped extract lacks are
    left out of account. Raises InputError for objects that are not in the file, and when nothing fits and
    `may_be_empty` is not set.
    """
    for option in ("layer", "header", "crs"):
        if getattr(layer, option):
            raise InputError.at(str(path), "does not apply to OpenStreetMap files; leave it out", key_path=option)
    named = {thing: our_id for our_id, thing in layer.objects.items()}
    pairs = [(key, value) for key, _, value in (tag.partition("=") for tag in layer.tags)]
    try:
        things = _read(path, set(named), pairs)
    except FILE_ERRORS as error:
        raise InputError.at(str(path), f"not a readable OpenStreetMap file: {error}") from error
    missing = sorted(set(named) - set(things.lines))
    if missing:
        raise InputError(
            *(
                Problem(where=str(path), key_path=f"objects.{named[thing]}", problem=f"{thing} is not in the extract")
                for thing in missing
            )
        )
    if not things.lines and not may_be_empty:
        raise InputError.at(str(path), f"nothing has any of the tags {', '.join(layer.tags)}", key_path="tags")
    return [
        (thing, _values(named.get(thing, thing), layer, things.tags[thing], things.lines[thing]))
        for thing in sorted(things.lines, key=lambda name: (name[0], int(name[1:])))
    ]


def _read(path: Path, wanted: set[str], pairs: list[tuple[str, str]]) -> _Things:
    """Return the wanted things; relations first, so that their ways are known when they come by."""
    things = _Things()
    relations: Any = osmium.FileProcessor(open_source(path), osmium.osm.RELATION)
    for relation in relations:
        name = f"r{relation.id}"
        if name in wanted or _fits(relation.tags, pairs):
            things.tags[name] = dict(relation.tags)
            for member in relation.members:
                if member.type == "w" and member.role in ("outer", "outline", ""):
                    things.members.setdefault(member.ref, []).append(name)
    reader: Any = osmium.FileProcessor(open_source(path), osmium.osm.NODE | osmium.osm.WAY).with_locations()
    if not wanted and not things.members:
        reader = reader.with_filter(osmium.filter.KeyFilter(*sorted({key for key, _ in pairs})))
    for thing in reader:
        name = f"{'n' if thing.is_node() else 'w'}{thing.id}"
        is_wanted = name in wanted or _fits(thing.tags, pairs)
        owners = [name] if is_wanted else []
        owners += things.members.get(thing.id, []) if name[0] == "w" else []
        points = list(_points(thing)) if owners else []
        if is_wanted:
            things.tags[name] = dict(thing.tags)
        for owner in owners if points else ():
            things.lines.setdefault(owner, []).append(points)
    return things


def _fits(tags: Any, pairs: list[tuple[str, str]]) -> bool:
    """Return whether a thing has any of the tags."""
    return bool(pairs) and any(tags.get(key) is not None and value in ("*", tags.get(key)) for key, value in pairs)


def _points(thing: Any) -> Iterator[tuple[float, float]]:
    """Yield longitude and latitude of a node, or of the nodes of a way that are in the file."""
    for node in (thing,) if thing.is_node() else thing.nodes:
        if node.location.valid():
            yield node.location.lon, node.location.lat


def _values(our_id: str, layer: SiteLayer, tags: Mapping[str, str], lines: list[Points]) -> dict[str, Any]:
    """Return id, name, kind and place of a thing, and the tags that the layer maps."""
    lon_deg, lat_deg = _middle(lines)
    chosen = [key for key, _, value in (tag.partition("=") for tag in layer.tags) if value in ("*", tags.get(key))]
    kind = next((tags[key] for key in (*chosen, "amenity", "office", "telecom", "building") if key in tags), "yes")
    values: dict[str, Any] = {tag: tags[tag] for tag in layer.columns.values() if tag in tags}
    if kind != "yes":
        values["kind"] = clean_text(kind)[:40]
    return {
        **values,
        "id": our_id,
        "name": clean_text(tags.get("name")) or our_id,
        "lon_deg": lon_deg,
        "lat_deg": lat_deg,
    }


def _middle(lines: list[Points]) -> tuple[float, float]:
    """Return a point inside the largest area that the lines enclose, else the middle of the longest."""
    drawn = [shapely.LineString(points) for points in lines if len(points) > 1]
    if not drawn:
        return round(lines[0][0][0], 7), round(lines[0][0][1], 7)
    areas = list(shapely.polygonize(drawn).geoms)
    if areas:
        point = max(areas, key=lambda area: area.area).representative_point()
    else:
        point = max(drawn, key=lambda line: line.length).interpolate(0.5, normalized=True)
    return round(point.x, 7), round(point.y, 7)
