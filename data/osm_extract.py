"""What the bundled cities take from a clipped OpenStreetMap extract: streets, buildings and their places.

Ways that leave the extract lack nodes. Streets are cut there; areas are closed straight across the gap and marked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import osmium
from geojson_files import Feature, area_feature, check_digest, line_feature, rounded_line
from pyproj import Geod
from shapely import from_wkb
from shapely.geometry import Polygon
from shapely.geometry.base import BaseGeometry

ELLIPSOID = Geod(ellps="WGS84")

NO_STREETS = frozenset({"trail", "platform", "corridor", "elevator", "construction", "crossing"})
"""Values of `highway` that are no street: garden trails, platforms, indoor ways, works."""
INDOORS = frozenset({"footway", "steps", "service", "path"})
"""Values of `highway` that, in a tunnel, are arcades, metro entrances and car-park drives rather than streets."""
MIN_AREA_M2 = 1.0

Node = tuple[float, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Way:
    """An OSM way: its tags, and the ids of its nodes, of which some may be outside the file."""

    id: int
    tags: dict[str, str]
    refs: tuple[int, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Area:
    """A closed way or a multipolygon; `clipped` ones are closed straight across the edge of the extract."""

    osm: str
    tags: dict[str, str]
    shape: BaseGeometry
    clipped: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Extract:
    """The contents of the file: places of nodes, ways, and areas sorted by OSM id."""

    nodes: dict[int, Node]
    ways: list[Way]
    areas: list[Area]


def read_extract(path: Path, sha256: str) -> Extract:
    """Return the contents of the source file; raises ValueError for another file."""
    check_digest(path, sha256)
    nodes: dict[int, Node] = {}
    ways: list[Way] = []
    areas: list[Area] = []
    to_wkb = osmium.geom.WKBFactory()
    for thing in osmium.FileProcessor(str(path)).with_areas():
        if isinstance(thing, osmium.osm.Node):
            nodes[thing.id] = (thing.location.lon, thing.location.lat)
        elif isinstance(thing, osmium.osm.Way):
            ways.append(Way(id=thing.id, tags=dict(thing.tags), refs=tuple(node.ref for node in thing.nodes)))
        elif isinstance(thing, osmium.osm.Area):
            name = f"{'w' if thing.from_way() else 'r'}{thing.orig_id()}"
            areas.append(Area(osm=name, tags=dict(thing.tags), shape=from_wkb(to_wkb.create_multipolygon(thing))))
    areas += clipped_areas(ways, nodes)
    return Extract(nodes=nodes, ways=sorted(ways, key=lambda way: way.id), areas=sorted(areas, key=lambda a: a.osm))


def clipped_areas(ways: list[Way], nodes: dict[int, Node]) -> Iterator[Area]:
    """Yield closed ways and coastlines that lack nodes, as rings through the nodes that are there.

    A coastline has the water on its right: only a clockwise ring encloses water.
    """
    for way in ways:
        ring = [nodes[ref] for ref in way.refs if ref in nodes]
        coastline = way.tags.get("natural") == "coastline"
        closed = coastline or way.refs[0] == way.refs[-1]
        if closed and len(set(ring)) >= 3 and any(ref not in nodes for ref in way.refs):
            shape = Polygon(ring)
            if shape.is_valid and area_m2(shape) >= MIN_AREA_M2 and not (coastline and shape.exterior.is_ccw):
                yield Area(osm=f"w{way.id}", tags=way.tags, shape=shape, clipped=True)


def street_features(extract: Extract) -> tuple[list[Feature], dict[str, int]]:
    """Return the streets, cut at junctions and at the edge of the extract, and the counts of what was cut."""
    counts: Counter[str] = Counter()
    kept = []
    for way in extract.ways:
        if "highway" in way.tags:
            reason = left_out(way)
            counts[reason or "ways_kept"] += 1
            if reason is None:
                kept.append(way)
    uses = Counter(ref for way in kept for ref in way.refs)
    features: list[Feature] = []
    for way in kept:
        missing = sum(ref not in extract.nodes for ref in way.refs)
        counts["ways_with_missing_nodes"] += missing > 0
        counts["missing_node_references"] += missing
        pieces = list(cut(way, extract.nodes, uses))
        counts["ways_wholly_outside"] += not pieces
        for refs in pieces:
            line = rounded_line(extract.nodes[ref] for ref in refs)
            counts["pieces_shorter_than_rounding"] += len(line) < 2
            if len(line) >= 2:
                properties = street_properties(way, f"s{len(features) + 1:05d}")
                features.append(line_feature(properties, line))
    counts["rows"] = len(features)
    return features, dict(sorted(counts.items()))


def left_out(way: Way) -> str | None:
    """Return why a way with a `highway` tag is no street, or None when it is one."""
    if way.tags["highway"] in NO_STREETS:
        return "ways_left_out_no_street"
    if way.tags["highway"] in INDOORS and way.tags.get("tunnel") == "yes":
        return "ways_left_out_underground"
    return "ways_left_out_area" if way.tags.get("area") == "yes" else None


def cut(way: Way, nodes: dict[int, Node], uses: Counter[int]) -> Iterator[list[int]]:
    """Yield the pieces of a way between junctions; a gap of missing nodes ends a piece too."""
    piece: list[int] = []
    for ref in way.refs:
        if ref not in nodes:
            if len(piece) >= 2:
                yield piece
            piece = []
            continue
        piece.append(ref)
        if len(piece) >= 2 and uses[ref] >= 2:
            yield piece
            piece = [ref]
    if len(piece) >= 2:
        yield piece


def street_properties(way: Way, street: str) -> dict[str, str | int | None]:
    """Return the properties of a street as OSM gives them, null where it says nothing."""
    layer = way.tags.get("layer")
    return {
        "id": street,
        "osm": f"w{way.id}",
        "highway": way.tags["highway"],
        "name": way.tags.get("name"),
        "surface": way.tags.get("surface"),
        "bridge": way.tags.get("bridge"),
        "tunnel": way.tags.get("tunnel"),
        "layer": None if layer is None else int(layer),
    }


def building_features(extract: Extract) -> Iterator[Feature]:
    """Yield buildings and parts of buildings, with height and storeys as OSM gives them."""
    for area in extract.areas:
        if "building" in area.tags or "building:part" in area.tags:
            properties = {
                "id": area.osm,
                "name": area.tags.get("name"),
                "height": number(area.tags.get("height")),
                "levels": number(area.tags.get("building:levels")),
                "part": "building" not in area.tags,
                "clipped": area.clipped,
            }
            yield area_feature(properties, area.shape)


def number(text: str | None) -> float | None:
    """Return the number in an OSM value such as `12.13 m`; raises ValueError where there is none."""
    return None if text is None else float(text.removesuffix("m").strip())


def flag_counts(features: Iterable[Feature]) -> dict[str, int]:
    """Return how many features are parts, are clipped, and have a height or storeys."""
    rows = [feature["properties"] for feature in features]
    return {
        "buildings": sum(not row["part"] for row in rows),
        "parts": sum(row["part"] for row in rows),
        "clipped": sum(row["clipped"] for row in rows),
        "buildings_with_height_or_levels": sum(
            not row["part"] and (row["height"] is not None or row["levels"] is not None) for row in rows
        ),
    }


def area_m2(shape: BaseGeometry) -> float:
    """Return the area on the ellipsoid."""
    return abs(ELLIPSOID.geometry_area_perimeter(shape)[0])
