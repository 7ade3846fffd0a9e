"""A graph with prices, turned into a network and a scenario whose plans are networks of least price.

Every edge becomes a street of its own, as long as its price up to one factor; a metre costs the inverse of it. Where
nodes have places, streets make as small a detour as that allows. Steiner files give none: then all nodes lie at one
place, and a street leaves it in a direction of its own, turns, and comes back.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyproj import Geod

from benchmarks import generous
from planner.network import Network, NetworkSite, Nodes, Spans, with_digest
from planner.scenario import Scenario, load_scenario

GEOD = Geod(ellps="WGS84")
LON_DEG, LAT_DEG = 5.0, 50.0
DETOUR = 1.01
"""Way along a street between places, at least, as a multiple of their distance."""
LONGEST_KM = 2.0
"""Length of the dearest edge."""
TURN_DEG = 137.50776
"""Angle between the lines of successive edges: the golden angle, so that no two lines are alike."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Graph:
    """An undirected graph: edges (node, node, price), nodes counted from 0."""

    name: str
    nodes: int
    edges: Sequence[tuple[int, int, float]]
    places: Sequence[tuple[float, float]] | None = None
    """Longitude and latitude of every node, where they have any."""

    def ends(self) -> NDArray[np.int64]:
        """Return the nodes of every edge, shape (n, 2)."""
        return np.array([edge[:2] for edge in self.edges], dtype=np.int64).reshape(-1, 2)

    def places_deg(self) -> NDArray[np.float64]:
        """Return longitude and latitude of every node, shape (n, 2)."""
        if self.places is None:
            return np.tile((LON_DEG, LAT_DEG), (self.nodes, 1))
        return np.array(self.places, dtype=np.float64)


@dataclass(frozen=True, kw_only=True, slots=True)
class World:
    """What `design_plan` is given."""

    network: Network
    scenario: Scenario


def graph_world(
    graph: Graph, demands: Sequence[tuple[int, int, int]], folder: Path, *, time_limit_s: float, gap: float = 0.0
) -> World:
    """Return the world of a graph, its files written into a folder.

    `demands` are (node, node, routes). The cost of a plan is the sum of the prices of its edges. Raises ValueError for
    a price that is negative or not finite.
    """
    prices = np.array([price for *_, price in graph.edges], dtype=np.float64)
    if not (np.isfinite(prices).all() and (prices >= 0.0).all()):
        raise ValueError(f"{graph.name}: prices must be finite and not negative")
    price_per_m = _price_per_m(graph, prices)
    terminals = sorted({node for a, b, _ in demands for node in (a, b)})
    hubs = _hubs(demands)
    places = graph.places_deg().tolist()
    sites = [
        generous.site(_name(node), *places[node], ("end", "pair_source") if node in hubs else ("end",))
        for node in terminals
    ]
    spec = _spec(graph, price_per_m, gap=gap, time_limit_s=time_limit_s) | {
        "sites": sites,
        # edges are apart by name alone: where they run is drawn, and drawn lines may come near to each other
        "demands": [generous.demand(_name(a), _name(b), routes) | {"disjoint": "span"} for a, b, routes in demands],
        "catalogs": {"hardware": generous.write_hardware(folder), "costs": _write_costs(folder)},
    }
    lines = _lines(graph, prices / price_per_m)
    generous.write(folder / "streets.geojson", _street_layer(lines))
    scenario = load_scenario(folder / generous.write(folder / "scenario.yaml", spec))
    spans = _spans(graph, lines, prices, prices / price_per_m)
    return World(scenario=scenario, network=_network(graph, scenario, spans, terminals))


def _hubs(demands: Sequence[tuple[int, int, int]]) -> set[int]:
    """Return nodes that may hold the pair source, one end of every demand: where it stands costs nothing."""
    return {a for a, _, _ in demands}


def _name(node: int) -> str:
    return f"n{node:06d}"


def _spec(graph: Graph, price_per_m: float, *, gap: float, time_limit_s: float) -> dict[str, Any]:
    (west, south), (east, north) = graph.places_deg().min(axis=0) - 1, graph.places_deg().max(axis=0) + 1
    box = {"west_lon_deg": west, "south_lat_deg": south, "east_lon_deg": east, "north_lat_deg": north}
    prices = {name: {"price": 0, "source": generous.FREE, "assumed": True} for name in ("right-of-way-permit",)}
    prices["trench"] = {"price": price_per_m, "source": "Price of the dearest edge by its length"}
    return {
        "title": graph.name,
        "currency": "USD",
        "price_year": 2025,
        "extent": box,
        "layers": {"streets": {"path": "streets.geojson"}},
        "fiber": "ideal",
        "prices": {**generous.FREE_EQUIPMENT, **prices},
        "technologies": [generous.TECHNOLOGY],
        "right_of_way": {"density": "any"},
        "economics": {"discount_rate": 0.0, "horizon_years": 1},
        "phases": [{"id": "all", "year": 2025, "technologies": ["pairs"]}],
        "objective": "net_present_cost",
        "solver": {"gap": gap, "time_limit_s": time_limit_s, "work_budget": 1_000_000},
    }


def _write_costs(folder: Path) -> str:
    """Write a price list without upkeep, in which only a trench will cost something."""
    units = {
        "trench": "per_m",
        "right-of-way-permit": "per_m",
        "cable-pull": "per_m",
        "duct-rental": "per_m_year",
        "dark-fiber-lease": "per_fiber_km_year",
        "free-space-terminal": "per_unit",
        "pair-source": "per_unit",
        "user-receiver": "per_unit",
    }
    entry = {"source": generous.WHY, "assumed": True}
    factor = {"any": {"label": "Any", "factor": 1.0, **entry}}
    unknown = {"unknown": {"label": "Unknown", "factor": 1.0, **entry}}
    items = {
        name: {"label": name, "unit": unit, "price": 0.0, "low": 0.0, "high": 0.0, **entry}
        for name, unit in units.items()
    }
    contents = {"currency": "USD", "price_year": 2025, "items": items}
    contents |= {"road_classes": unknown, "surfaces": unknown, "densities": factor}
    return generous.write(folder / "costs.yaml", contents)


def _price_per_m(graph: Graph, prices: NDArray[np.float64]) -> float:
    """Return the price of a metre with which streets are long enough to join their nodes, and hardly longer."""
    if graph.places is None:
        return (float(prices.max(initial=0.0)) or 1.0) / (LONGEST_KM * 1000.0)
    places, ends = graph.places_deg(), graph.ends()
    _, _, apart_m = GEOD.inv(*places[ends[:, 0]].T, *places[ends[:, 1]].T)
    return float((prices / np.maximum(apart_m, 1.0)).min()) / DETOUR


def _lines(graph: Graph, lengths_m: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a line of three points for each edge, shape (n, 3, 2): to a turning point, and on to the other node."""
    count, places, ends = len(lengths_m), graph.places_deg(), graph.ends()
    if graph.places is None:
        bearings_deg = np.arange(count) * TURN_DEG % 360.0
        turns = GEOD.fwd(np.full(count, LON_DEG), np.full(count, LAT_DEG), bearings_deg, lengths_m / 2.0)[:2]
    else:
        turns = _turning_points(places[ends[:, 0]], places[ends[:, 1]], lengths_m)
    return np.stack((places[ends[:, 0]], np.column_stack(turns), places[ends[:, 1]]), axis=1)


def _turning_points(
    a: NDArray[np.float64], b: NDArray[np.float64], lengths_m: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return points beside the middle between places a and b over which the way is as long as asked, by bisection."""
    azimuth_deg, _, apart_m = GEOD.inv(*a.T, *b.T)
    middle = GEOD.fwd(*a.T, azimuth_deg, apart_m / 2.0)[:2]
    low, high = np.zeros(len(a)), np.array(lengths_m)
    for _ in range(60):
        offset = 0.5 * (low + high)
        turns = GEOD.fwd(*middle, azimuth_deg + 90.0, offset)[:2]
        way_m = GEOD.inv(*a.T, *turns)[2] + GEOD.inv(*turns, *b.T)[2]
        low, high = np.where(way_m < lengths_m, offset, low), np.where(way_m < lengths_m, high, offset)
    return turns


def _street_layer(lines: NDArray[np.float64]) -> dict[str, Any]:
    features = [
        {
            "type": "Feature",
            "properties": {"id": f"e{index:06d}"},
            "geometry": {"type": "LineString", "coordinates": line},
        }
        for index, line in enumerate(lines.tolist())
    ]
    return {"type": "FeatureCollection", "features": features}


def _spans(
    graph: Graph, lines: NDArray[np.float64], prices: NDArray[np.float64], lengths_m: NDArray[np.float64]
) -> Spans:
    count = len(graph.edges)
    ends = graph.ends()
    ids = tuple(f"e{index:06d}" for index in range(count))
    fiber: Any = generous.HARDWARE["fibers"]["ideal"]
    return Spans(
        **_plain(count)
        | {
            "ids": ids,
            "start": ends[:, 0].copy(),
            "end": ends[:, 1].copy(),
            "medium": ("trench",) * count,
            "length_km": lengths_m / 1000.0,
            "loss_db": lengths_m / 1000.0 * fiber["attenuation_db_per_km"],
            "trench_capex": prices,
            "max_fibers": np.full(count, 1_000_000, dtype=np.int64),
            "used_fibers": np.full(count, -1, dtype=np.int64),
            "buildable": np.ones(count, dtype=np.bool_),
            "road_class": ("unknown",) * count,
            "surface": ("unknown",) * count,
            "risk_groups": tuple((f"street:{span}",) for span in ids),
            "offsets": np.arange(count + 1, dtype=np.int64) * 3,
            "coordinates": lines.reshape(-1, 2),
        }
    )


def _plain(count: int) -> dict[str, Any]:
    """Return all columns of spans about which nothing is known: zeros, false and empty."""
    values = {
        "Floats": np.zeros(count),
        "Integers": np.zeros(count, dtype=np.int64),
        "NDArray[np.bool_]": np.zeros(count, dtype=np.bool_),
        "tuple[str, ...]": ("",) * count,
    }
    return {column.name: values.get(str(column.type)) for column in fields(Spans)}


def _network(graph: Graph, scenario: Scenario, spans: Spans, terminals: Sequence[int]) -> Network:
    is_site = set(terminals)
    return with_digest(
        Network(
            title=graph.name,
            scenario_digest=scenario.digest,
            nodes=Nodes(
                ids=tuple(_name(node) for node in range(graph.nodes)),
                lon_deg=graph.places_deg()[:, 0].copy(),
                lat_deg=graph.places_deg()[:, 1].copy(),
                kinds=tuple("site" if node in is_site else "junction" for node in range(graph.nodes)),
                joint_loss_db=np.zeros(graph.nodes),
            ),
            spans=spans,
            sites=tuple(
                NetworkSite(id=_name(node), node=node, lateral_km=0.0, lateral_loss_db=0.0, lateral_capex=0.0)
                for node in terminals
            ),
            notes=("made from a graph: places and lengths mean nothing, prices do",),
            attributions=(),
        )
    )


def tree_demands(terminals: Sequence[int], *, routes: int = 1) -> list[tuple[int, int, int]]:
    """Return demands from the first terminal to each other one."""
    root, *others = sorted(set(terminals))
    return [(root, other, routes) for other in others]


def great_circle_m(a: Sequence[float], b: Sequence[float]) -> float:
    """Return the distance in metres between two places (longitude, latitude) on a sphere of radius 6,371,008.8 m.

    >>> round(great_circle_m((0.0, 0.0), (0.0, 1.0)), 1)
    111195.1
    """
    lon_a, lat_a, lon_b, lat_b = (math.radians(value) for value in (*a, *b))
    half = math.sin((lat_b - lat_a) / 2) ** 2 + math.cos(lat_a) * math.cos(lat_b) * math.sin((lon_b - lon_a) / 2) ** 2
    return 2.0 * 6_371_008.8 * math.asin(math.sqrt(half))
