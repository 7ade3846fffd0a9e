"""Spans of the Open Fibre Data Standard (OFDS), in its JSON and its GeoJSON form, as the features of GeoJSON.

Source: Open Fibre Data Standard 0.3 and 0.4, https://open-fibre-data-standard.readthedocs.io
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from planner.errors import InputError
from planner.geodata.lines import distance_m
from planner.geodata.wording import clean_text, counted

IN_PLACE = ("", "operational")
"""Values of `status` of a span that is there; a span without one is taken as there."""
OWNERS = ("transmissionMediumOwner", "physicalInfrastructureProvider", "networkProviders")
"""Where the owner of a span is named, first found first taken."""


def is_ofds(content: Any) -> bool:
    """Return whether parsed JSON is a network package, or GeoJSON of spans or nodes, of the standard."""
    if not isinstance(content, dict):
        return False
    if "type" not in content and isinstance(content.get("networks"), list):
        return True
    features = content.get("features")
    first = features[0] if isinstance(features, list) and features else None
    properties = first.get("properties") if isinstance(first, dict) else None
    return isinstance(properties, dict) and isinstance(properties.get("network"), dict)


def spans_as_features(content: Mapping[str, Any], path: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the spans that are in place as a GeoJSON FeatureCollection, and notes about what was left out or drawn.

    Properties are `id`, `name`, `owner`, `start` and `end` (ids of the nodes). A line that ends beside its node is
    drawn out to it, and a span without a route is a straight line between its nodes. Raises InputError for a span
    that is not as the standard has it.
    """
    left_out: Counter[str] = Counter()
    straight = 0
    drawn: list[float] = []
    features = []
    for index, (span, nodes) in enumerate(_spans(content, path)):
        status = clean_text(span.get("status"))
        if status not in IN_PLACE:
            left_out[status] += 1
            continue
        where = f"{path}: span {clean_text(span.get('id')) or index}"
        ends = [_node(span.get(side), nodes) for side in ("start", "end")]
        places = [_place(end, where) for end in ends]
        geometry = span.get("route")
        if geometry is None:
            if None in places:
                raise InputError.at(where, "has neither a route nor two nodes with a location")
            geometry = {"type": "LineString", "coordinates": places}
            straight += 1
        else:
            geometry = _drawn_to_nodes(geometry, places, drawn)
        properties = {
            "id": span.get("id"),
            "name": span.get("name"),
            "owner": _owner(span),
            "start": ends[0].get("id"),
            "end": ends[1].get("id"),
        }
        features.append({"type": "Feature", "properties": properties, "geometry": geometry})
    notes = [f"{path.name}: {counted(number, 'span')} left out, {status}" for status, number in left_out.items()]
    if straight:
        notes.append(f"{path.name}: {counted(straight, 'span')} without a route drawn straight between the nodes")
    if drawn:
        notes.append(
            f"{path.name}: {counted(len(drawn), 'end')} of spans drawn out to their nodes, at most {max(drawn):,.0f} m"
        )
    return {"type": "FeatureCollection", "features": features}, tuple(notes)


def _spans(content: Mapping[str, Any], path: Path) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Yield every span, its route among its members, with the nodes of its network by id."""
    if "networks" in content:
        for network in content["networks"]:
            if not isinstance(network, dict):
                raise InputError.at(str(path), "a network of the package is not an object")
            nodes: dict[str, Any] = {clean_text(node.get("id")): node for node in _objects(network.get("nodes"), path)}
            for span in _objects(network.get("spans"), path):
                yield span, nodes
        return
    for feature in _objects(content["features"], path):
        properties = feature.get("properties")
        if not isinstance(properties, dict):
            raise InputError.at(str(path), "a feature has no properties")
        if properties.get("featureType", "span") == "span":
            yield {**properties, "route": feature.get("geometry")}, {}


def _objects(value: Any, path: Path) -> list[dict[str, Any]]:
    """Return a list of JSON objects, empty where it is missing."""
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise InputError.at(str(path), "not an Open Fibre Data file: nodes and spans must be lists of objects")
    return value


def _node(reference: Any, nodes: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a node that a span names by its id, or holds itself."""
    if isinstance(reference, dict):
        return reference
    found = nodes.get(reference) if isinstance(reference, str) else None
    return found if isinstance(found, dict) else {"id": reference if isinstance(reference, str) else None}


def _place(node: Mapping[str, Any], where: str) -> list[float] | None:
    """Return longitude and latitude of a node, or None where it has no location."""
    location = node.get("location")
    if location is None:
        return None
    place = location.get("coordinates") if isinstance(location, dict) else None
    if not isinstance(place, list) or not _is_place(place):
        raise InputError.at(where, f"a node has a location that is no longitude and latitude: {location!r:.60}")
    return [float(place[0]), float(place[1])]


def _is_place(value: Any) -> bool:
    """Return whether a value is a position on earth."""
    if not isinstance(value, list) or len(value) < 2 or not {type(number) for number in value[:2]} <= {int, float}:
        return False
    return bool(abs(value[0]) <= 180.0 and abs(value[1]) <= 90.0)


def _drawn_to_nodes(geometry: Any, places: list[list[float] | None], drawn: list[float]) -> Any:
    """Return a line with its nodes as ends, in the direction that is nearer to them; other shapes as they are."""
    line = geometry.get("coordinates") if isinstance(geometry, dict) else None
    if not isinstance(geometry, dict) or geometry.get("type") != "LineString" or not isinstance(line, list):
        return geometry
    if len(line) < 2 or not (_is_place(line[0]) and _is_place(line[-1])):
        return geometry
    start, end = places
    if start and end and _off_m(line, end, start) < _off_m(line, start, end):
        start, end = end, start
    if start and line[0][:2] != start:
        drawn.append(_apart_m(line[0], start))
        line = [start, *line]
    if end and line[-1][:2] != end:
        drawn.append(_apart_m(line[-1], end))
        line = [*line, end]
    return {**geometry, "coordinates": line}


def _off_m(line: list[Any], start: list[float], end: list[float]) -> float:
    return _apart_m(line[0], start) + _apart_m(line[-1], end)


def _apart_m(first: list[float], second: list[float]) -> float:
    return distance_m((first[0], first[1]), (second[0], second[1]))


def _owner(span: Mapping[str, Any]) -> str | None:
    """Return the name of the owner of a span, or of the first provider on it."""
    for key in OWNERS:
        found = span.get(key)
        found = found[0] if isinstance(found, list) and found else found
        if isinstance(found, dict) and found.get("name"):
            return clean_text(found["name"])
    return None
