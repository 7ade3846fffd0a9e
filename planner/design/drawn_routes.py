"""Routes drawn by hand, and where they run in a network: by spans, by the sites they pass, or along a line on a map."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import Field, ValidationError, model_validator

from planner.catalog import Positive
from planner.design.graph import DesignGraph
from planner.design.paths import shortest_trees, walk_to
from planner.errors import InputError, Problem
from planner.network import Floats, Network
from planner.scenario import Demand, Scenario
from planner.scenario.economics import Identifier
from planner.scenario.spec import Latitude, Longitude, Role
from planner.yamlio import Model, nearest, parse_model, read_document

KM_PER_DEGREE = 111.195
MAX_SNAP_M = 50.0
OFF_LINE_FACTOR = 4.0
"""How much longer a span counts at the largest distance from a drawn line than on it."""


class DrawnStation(Model):
    """A station on a drawn route, between its ends."""

    site: Identifier
    role: Role


class DrawnRoute(Model):
    """A route of a demand, from a phase on, said in one of three ways: `spans`, `sites` or `line`."""

    demand: Identifier
    technology: Identifier | None = None
    """None takes the one with which the route meets its targets, or comes nearest to them."""
    phase: Identifier | None = None
    """First phase in which it serves; the demand's first one unless said otherwise. Routes of a later phase replace
    it."""
    spans: tuple[str, ...] = ()
    """Ids of the network's spans, in walking order."""
    sites: tuple[Identifier, ...] = ()
    """Sites in walking order, both ends included; between them the shortest way is taken."""
    line: tuple[tuple[Longitude, Latitude], ...] = ()
    """Longitude and latitude along the route; the way in the network nearest to it is taken."""
    stations: tuple[DrawnStation, ...] = ()
    """Stations between the ends, in walking order; without any, they are placed at sites that the route passes."""
    lanes: Annotated[int, Field(ge=1, le=64)] | None = None

    @model_validator(mode="after")
    def _is_said_once(self) -> DrawnRoute:
        if sum(bool(way) for way in (self.spans, self.sites, self.line)) != 1:
            raise ValueError("say exactly one of spans, sites and line")
        return self


class DrawnRoutes(Model):
    """A file of routes drawn by hand."""

    routes: Annotated[tuple[DrawnRoute, ...], Field(min_length=1)]
    max_snap_m: Positive = MAX_SNAP_M
    """Largest distance from a drawn line to the spans that follow it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawing:
    """Drawn routes, and how to name the place of each in its file."""

    routes: tuple[DrawnRoute, ...]
    max_snap_m: float
    problem: Callable[[int, str, str], Problem]
    """(route, key, what is wrong) -> located problem."""


def load_drawing(path: Path) -> Drawing:
    """Return the routes in a YAML file, or in a GeoJSON file of lines; raises InputError with every mistake."""
    if path.suffix.lower() in (".geojson", ".json"):
        return _load_geojson(path)
    document = read_document(path)
    drawn, problems = parse_model(document, DrawnRoutes)
    if drawn is None:
        raise InputError(*problems)

    def problem(route: int, key: str, text: str) -> Problem:
        return document.problem(("routes", route, key) if key else ("routes", route), text)

    return Drawing(routes=drawn.routes, max_snap_m=drawn.max_snap_m, problem=problem)


def _load_geojson(path: Path) -> Drawing:
    try:
        contents = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise InputError.at(str(path), f"not a readable GeoJSON file: {error}") from error
    features = contents.get("features") if isinstance(contents, dict) else None
    if not isinstance(features, list) or not features:
        raise InputError.at(str(path), "no FeatureCollection with lines")
    routes: list[DrawnRoute] = []
    problems: list[Problem] = []
    for number, feature in enumerate(features):
        where = f"{path}: feature {number}"
        try:
            if feature["geometry"]["type"] != "LineString":
                problems.append(
                    Problem(where=where, problem=f"a {feature['geometry']['type']}; a LineString is needed")
                )
                continue
            line = [point[:2] for point in feature["geometry"]["coordinates"]]
            routes.append(DrawnRoute.model_validate_json(json.dumps({**feature["properties"], "line": line})))
        except (KeyError, TypeError) as error:
            problems.append(Problem(where=where, problem=f"not a GeoJSON feature: {error!r}"))
        except ValidationError as error:
            for detail in error.errors(include_url=False):
                key_path = ".".join(str(part) for part in detail["loc"])
                problems.append(Problem(where=where, key_path=key_path, problem=detail["msg"]))
    if problems:
        raise InputError(*problems)

    def problem(route: int, key: str, text: str) -> Problem:
        return Problem(where=f"{path}: feature {route}", key_path=key, problem=text)

    return Drawing(routes=tuple(routes), max_snap_m=MAX_SNAP_M, problem=problem)


class NoWayError(Exception):
    """A drawn route does not fit the network; `key` names the part of it that is at fault."""

    def __init__(self, key: str, text: str) -> None:
        """Keep what is wrong, and with which key."""
        super().__init__(text)
        self.key = key


class WalkFinder:
    """Finds the spans of drawn routes in one network."""

    def __init__(self, network: Network, scenario: Scenario, graph: DesignGraph, max_snap_m: float) -> None:
        """Prepare look-ups."""
        self.network = network
        self.scenario = scenario
        self.graph = graph
        self.max_snap_m = max_snap_m
        self._index = network.span_index()
        self._weight = network.spans.length_km + 1e-6

    def walk(self, drawn: DrawnRoute, demand: Demand) -> list[int]:
        """Return the spans from site `a` to site `b` of a demand; raises NoWayError."""
        if drawn.spans:
            return self._along_spans(drawn, demand)
        if drawn.sites:
            return self._over_sites(drawn, demand)
        return self._along_line(drawn, demand)

    def nodes(self, spans: list[int], start: int) -> list[int]:
        """Return the nodes of a walk from a node; raises NoWayError where spans do not meet."""
        columns, nodes = self.network.spans, [start]
        for span in spans:
            ends = (int(columns.start[span]), int(columns.end[span]))
            if nodes[-1] not in ends:
                raise NoWayError("spans", f"span {columns.ids[span]} does not continue the walk")
            nodes.append(ends[1] if nodes[-1] == ends[0] else ends[0])
        return nodes

    def _along_spans(self, drawn: DrawnRoute, demand: Demand) -> list[int]:
        for name in drawn.spans:
            if name not in self._index:
                raise NoWayError("spans", f"unknown span '{name}'{nearest(name, self._index)}")
        spans = [self._index[name] for name in drawn.spans]
        first, last = (self.graph.site_node[end] for end in (demand.a, demand.b))
        columns = self.network.spans
        if first not in (int(columns.start[spans[0]]), int(columns.end[spans[0]])):
            spans.reverse()
        if self.nodes(spans, first)[-1] != last:
            raise NoWayError("spans", f"the walk does not end at site {demand.b}")
        return spans

    def _over_sites(self, drawn: DrawnRoute, demand: Demand) -> list[int]:
        names = drawn.sites if drawn.sites[0] == demand.a else drawn.sites[::-1]
        for name in names:
            if name not in self.graph.site_node:
                raise NoWayError("sites", f"unknown site '{name}'{nearest(name, self.graph.site_node)}")
        if len(names) < 2 or (names[0], names[-1]) != (demand.a, demand.b):
            raise NoWayError("sites", f"the ends of demand {demand.id} are {demand.a} and {demand.b}")
        return [span for pair in pairwise(names) for span in self._path(self._weight, *pair, key="sites")]

    def _path(self, weight: Floats, a: str, b: str, *, key: str) -> list[int]:
        start, end = (self.graph.site_node[site] for site in (a, b))
        distance, parents = shortest_trees(self.graph, weight, np.array([start], dtype=np.int64))
        if not np.isfinite(distance[0, end]):
            raise NoWayError(key, f"no usable streets, ducts or hops lead from {a} to {b} there")
        return walk_to(self.graph, parents[0], end)

    def _along_line(self, drawn: DrawnRoute, demand: Demand) -> list[int]:
        line = np.array(drawn.line, dtype=np.float64)
        nodes = self.network.nodes
        ends = [
            (float(nodes.lon_deg[node]), float(nodes.lat_deg[node]))
            for node in (self.graph.site_node[demand.a], self.graph.site_node[demand.b])
        ]
        if self._apart_m(line[0], ends[0]) + self._apart_m(line[-1], ends[1]) > self._apart_m(
            line[0], ends[1]
        ) + self._apart_m(line[-1], ends[0]):
            line = line[::-1]
        for name, point, end in zip((demand.a, demand.b), (line[0], line[-1]), ends, strict=True):
            allowed_m = max(self.max_snap_m, self.scenario.spec.max_snap_m)
            if self._apart_m(point, end) > allowed_m:
                raise NoWayError("line", f"the line ends {self._apart_m(point, end):.0f} m from where {name} is joined")
        whole = np.vstack([[ends[0]], line, [ends[1]]])
        off_m = self._off_line_m(whole)
        weight = np.where(
            off_m <= self.max_snap_m, self._weight * (1.0 + OFF_LINE_FACTOR * off_m / self.max_snap_m), np.inf
        )
        return self._path(weight, demand.a, demand.b, key="line")

    def _apart_m(self, a: Any, b: Any) -> float:
        return float(np.hypot(*(self._plane(np.array([a])) - self._plane(np.array([b])))[0]))

    def _plane(self, points: Floats) -> Floats:
        """Return points in metres on a plane around the middle of the network."""
        middle_deg = float(np.mean(self.network.nodes.lat_deg))
        metres = 1000.0 * KM_PER_DEGREE * np.array([np.cos(np.radians(middle_deg)), 1.0])
        plane: Floats = np.asarray(points, dtype=np.float64) * metres
        return plane

    def _off_line_m(self, line: Floats) -> Floats:
        """Return for every span the largest distance of its vertices from a line."""
        points, corners = self._plane(self.network.spans.coordinates), self._plane(line)
        off_m = np.full(len(points), np.inf)
        for a, b in pairwise(corners):
            along = b - a
            length = float(along @ along)
            share = np.clip((points - a) @ along / length, 0.0, 1.0) if length > 0.0 else np.zeros(len(points))
            off_m = np.minimum(off_m, np.hypot(*(points - a - share[:, None] * along).T))
        largest: Floats = np.maximum.reduceat(off_m, self.network.spans.offsets[:-1])
        return largest


def passed_sites(network: Network, nodes: list[int]) -> Iterator[tuple[int, str]]:
    """Yield (spans before it, site) for the sites that a walk passes, in walking order."""
    at: dict[int, list[str]] = {}
    for site in sorted(network.sites, key=lambda item: item.id):
        at.setdefault(site.node, []).append(site.id)
    for position, node in enumerate(nodes):
        for site_id in at.get(node, ()):
            yield position, site_id
