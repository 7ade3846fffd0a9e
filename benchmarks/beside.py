"""Layers that lie beside streets, in the formats that they come in: offices, cables, buildings, terrain, roofs.

Rows of `geodata-formats`. Parcels have a benchmark of their own (`huts`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import shapely

from benchmarks import generous
from benchmarks.places import City, base_spec
from benchmarks.rows import CACHE, SHARED, Row, SkippedError
from benchmarks.runner import peak_mb
from planner.geodata import build_network
from planner.geodata.region import metric_projection
from planner.geodata.rooftops import read_surroundings
from planner.geodata.sightlines import all_pairs, clear_lines
from planner.scenario import Scenario, load_scenario

DATA = SHARED / "data"
ROOFS, REACH_M, CLEAR_M = 500, 3000.0, 0.5
"""How many roofs are looked from, how far (as terminals of the catalog reach), what a beam needs above a roof."""
Extent = tuple[float, float, float, float]
FRISCO: Extent = (-122.53, 37.70, -122.35, 37.84)
TOURAINE: Extent = (-1.0, 46.0, 3.0, 49.0)
TEXT = {"crs": "EPSG:4326", "header": ["cnn", "permit", "street", "from", "to", "wkt"]}
OFFICES = {"columns": {"id": "CO", "name": "Address", "lon_deg": "Lng", "lat_deg": "Lat"}}
CABLES = {
    "columns": {"id": "cl_code", "owner": "cb_prop", "free_fibers": "cb_capafo", "used_fibers": "cb_fo_util"},
    "values": {"access": "lease"},
    "joins": [{"path": "t_cable.csv", "column": "cl_cb_code", "key": "cb_code"}],
}


def offices(name: str) -> Row:
    """Return how San Francisco's central offices, a table, are joined to the streets of its fibers."""
    streets = {"path": _file("sf-fiber/sonic_fiber*.csv"), **TEXT, "columns": {"id": "cnn", "name": "street"}}
    layers = {"sites": [{"path": _file("sf-fiber/sonic_central_offices.csv"), **OFFICES}]}
    return _network_row(name, _scenario(City(name=name, streets=streets, extent=FRISCO), layers, ends=()))


def cables(name: str) -> Row:
    """Return what cables of the French duct model become, whose fibers and owners stand in a table beside them."""
    streets = {"path": _file("gracethd-demo/t_cheminement.shp"), "columns": {"id": "cm_code"}}
    layers = {"ducts": [{"path": _file("gracethd-demo/t_cableline.shp"), **CABLES}]}
    ends = ((2.5702, 47.1993), (2.5728, 47.1997))
    return _network_row(name, _scenario(City(name=name, streets=streets, extent=TOURAINE), layers, ends=ends))


def heights(name: str, *, pattern: str, terrain: str, extent: Extent) -> Row:
    """Return how many buildings a city has, how many heights are guessed, and what the ground does to roofs."""
    path = _file(pattern)
    layers: dict[str, Any] = {"buildings": [{"path": path}]}
    layers |= {"terrain": [{"path": _file(terrain)}]} if terrain else {}
    middle = ((extent[0] + extent[2]) / 2.0, (extent[1] + extent[3]) / 2.0)
    scenario = _scenario(City(name=name, streets={"path": path}, extent=extent), layers, ends=(middle, middle))
    start_s = time.perf_counter()
    around = read_surroundings(scenario, metric_projection(scenario.spec.extent))
    seconds, buildings = time.perf_counter() - start_s, around.buildings
    return Row(
        instance=name,
        seconds=round(seconds, 3),
        peak_mb=peak_mb(),
        more={
            "format": "".join(_endings(path)),
            "buildings": len(buildings),
            "guessed_percent": round(100.0 * float(buildings.is_guessed.mean()), 1),
            "highest_m": round(float(buildings.roofs_m.max()), 1),
            "notes": len(buildings.notes),
        },
    )


def roofs(name: str) -> Row:
    """Return how long it takes to look between all roofs within reach, of ROOFS roofs spread over a city."""
    path, extent = _file("las-palmas/*.osm.pbf"), (-15.52, 28.02, -15.38, 28.20)
    middle = (-15.42003, 28.09883)
    city = City(name=name, streets={"path": path}, extent=extent)
    scenario = _scenario(city, {"buildings": [{"path": path}]}, ends=(middle, middle))
    buildings = read_surroundings(scenario, metric_projection(scenario.spec.extent)).buildings
    wholes = np.unique(buildings.groups)
    chosen = wholes[np.linspace(0, len(wholes) - 1, ROOFS).astype(np.int64)]
    places_m = shapely.get_coordinates(shapely.point_on_surface(buildings.shapes[chosen]))
    start_s = time.perf_counter()
    lines = all_pairs(places_m, buildings.roofs_m[chosen], chosen, reach_m=REACH_M, clear_m=CLEAR_M)
    clear = clear_lines(lines, buildings)
    seconds = time.perf_counter() - start_s
    more = {"buildings": len(buildings), "roofs": ROOFS, "lines": len(clear), "clear": int(clear.sum())}
    return Row(instance=name, seconds=round(seconds, 3), peak_mb=peak_mb(), more=more)


MEASURES: Mapping[str, Callable[[str], Row]] = {
    "sf-offices": offices,
    "gracethd-cables": cables,
    "barcelona-heights": partial(heights, pattern="barcelona/*.osm.pbf", terrain="", extent=(2.10, 41.36, 2.22, 41.44)),
    "monaco-terrain": partial(
        heights, pattern="monaco/*.osm.pbf", terrain="monaco/*.hgt.zip", extent=(7.40, 43.72, 7.45, 43.76)
    ),
    "las-palmas-500-roofs": roofs,
}


def _endings(path: str) -> list[str]:
    """Return the last two endings of a file."""
    return [f".{part}" for part in path.rpartition("/")[2].split(".")[1:][-2:]]


def _file(pattern: str) -> str:
    found = sorted(DATA.glob(pattern))
    if not found:
        raise SkippedError(f"{DATA / pattern} is not there")
    return str(found[0])


def _scenario(city: City, layers: Mapping[str, Any], *, ends: tuple[tuple[float, float], ...]) -> Scenario:
    """Return a scenario with more layers, between two places or, without any, the first two sites of its layer."""
    folder = CACHE / "worlds" / f"beside-{city.name}"
    spec = base_spec(city, folder)
    spec["layers"] |= layers
    spec["sites"] = [generous.site(name, *place) for name, place in zip("ab", ends, strict=False)]
    spec["demands"] = [generous.demand(*(("a", "b") if ends else ("SNFCCA01", "SNFCCA04")), 1)]
    return load_scenario(folder / generous.write(folder / "scenario.yaml", spec))


def _network_row(name: str, scenario: Scenario) -> Row:
    start_s = time.perf_counter()
    network = build_network(scenario)
    seconds = time.perf_counter() - start_s
    laterals_m = [1000.0 * site.lateral_km for site in network.sites]
    media = list(network.spans.medium)
    return Row(
        instance=name,
        nodes=len(network.nodes),
        edges=len(network.spans),
        seconds=round(seconds, 3),
        peak_mb=peak_mb(),
        more={
            "leases": media.count("dark_fiber"),
            "notes": len(network.notes),
            "sites": len(network.sites),
            "farthest_m": round(max(laterals_m), 1),
        },
    )
