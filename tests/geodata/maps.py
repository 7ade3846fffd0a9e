"""Small maps, drawn in metres east and north of a corner of Liege, and scenarios around them."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pyproj import Geod

from planner.network import Network
from planner.scenario import Scenario, load_scenario
from worlds import CHAIN, COSTS, HARDWARE, PAIRS, demand, phases

LON_DEG, LAT_DEG = 5.5, 50.6
M_PER_LON_DEG, M_PER_LAT_DEG = 70_872.0, 111_245.0
EXTENT = {"west_lon_deg": 5.4, "south_lat_deg": 50.5, "east_lon_deg": 5.8, "north_lat_deg": 50.8}
GEOD = Geod(ellps="WGS84")

Feature = dict[str, Any]
Metres = tuple[float, float]


def at(east_m: float, north_m: float) -> list[float]:
    """Return longitude and latitude of a point, rounded as in a file."""
    return [round(LON_DEG + east_m / M_PER_LON_DEG, 7), round(LAT_DEG + north_m / M_PER_LAT_DEG, 7)]


def street(name: str | None, *points: Metres, **properties: Any) -> Feature:
    """Return a street through points in metres."""
    given = {} if name is None else {"id": name}
    return line([at(*point) for point in points], **given, **properties)


def line(coordinates: Any, **properties: Any) -> Feature:
    return {
        "type": "Feature",
        "properties": properties,
        "geometry": {"type": "LineString", "coordinates": coordinates},
    }


def polygon(kind: str | None, *corners: Metres, **properties: Any) -> Feature:
    ring = [at(*corner) for corner in (*corners, corners[0])]
    given = {} if kind is None else {"kind": kind}
    return {
        "type": "Feature",
        "properties": {**given, **properties},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }


def box(kind: str | None, west_m: float, south_m: float, east_m: float, north_m: float, **properties: Any) -> Feature:
    corners = ((west_m, south_m), (east_m, south_m), (east_m, north_m), (west_m, north_m))
    return polygon(kind, *corners, **properties)


def duct(name: str, *points: Metres, **properties: Any) -> Feature:
    return street(name, *points, **{"access": "pull", "free_fibers": 4, **properties})


def site(name: str, east_m: float, north_m: float, **changes: Any) -> dict[str, Any]:
    lon_deg, lat_deg = at(east_m, north_m)
    return {"id": name, "name": name, "kind": "campus", "lon_deg": lon_deg, "lat_deg": lat_deg, **changes}


def collection(features: Sequence[Feature], **members: Any) -> str:
    return json.dumps({"type": "FeatureCollection", **members, "features": list(features)})


def prices() -> dict[str, Any]:
    """Return the price list of the tests, with factors that tell class, surface and density apart."""
    costs: dict[str, Any] = copy.deepcopy(COSTS)
    costs["densities"]["urban"]["factor"] = 1.4
    costs["surfaces"]["sett"] = {"label": "sett", "source": "invented for tests", "factor": 1.6}
    costs["road_classes"]["motorway"] = {"label": "motorway", "source": "invented for tests", "factor": 3.0}
    return costs


CROSS = (
    street("west", (0, 0), (1000, 0), highway="residential"),
    street("east", (1000, 0), (2000, 0), highway="residential"),
    street("north", (1000, 0), (1000, 1000), highway="primary"),
)
"""Three streets that meet in one point."""
ENDS = (site("a", 300, 20), site("b", 1700, -20))


def make_scenario(
    folder: Path,
    streets: Sequence[Feature] | str | bytes = CROSS,
    *,
    ducts: Sequence[Feature] | str = (),
    zones: Sequence[Feature] | str = (),
    sites: Sequence[dict[str, Any]] = ENDS,
    street_layer: dict[str, Any] | None = None,
    duct_layer: dict[str, Any] | None = None,
    zone_layer: dict[str, Any] | None = None,
    more_layers: dict[str, Any] | None = None,
    costs: dict[str, Any] | None = None,
    hardware: dict[str, Any] | None = None,
    **changes: Any,
) -> Scenario:
    """Return a scenario around layers that are written into `folder`; `changes` replace keys of the scenario file."""
    layers: dict[str, Any] = {"streets": {"path": "streets.geojson", **(street_layer or {})}}
    _write(folder / layers["streets"]["path"], streets)
    for key, contents, layer in (("ducts", ducts, duct_layer), ("zones", zones, zone_layer)):
        if contents:
            _write(folder / f"{key}.geojson", contents)
            layers[key] = [{"path": f"{key}.geojson", **(layer or {})}]
    layers |= more_layers or {}
    spec = {
        "title": "small map",
        "currency": "EUR",
        "price_year": 2025,
        "extent": EXTENT,
        "catalogs": {"hardware": "hardware.yaml", "costs": "costs.yaml"},
        "layers": layers,
        "sites": list(sites),
        "fiber": "fiber",
        "technologies": [PAIRS, CHAIN],
        "right_of_way": {"density": "urban"},
        "economics": {"discount_rate": 0.05, "horizon_years": 15},
        "phases": phases(None),
        "demands": [demand(sites[0]["id"], sites[1]["id"])],
        "objective": "net_present_cost",
        **changes,
    }
    for name, contents in (("hardware", hardware or HARDWARE), ("costs", costs or prices()), ("scenario", spec)):
        (folder / f"{name}.yaml").write_text(json.dumps(contents, indent=1), encoding="utf-8")
    return load_scenario(folder / "scenario.yaml")


def _write(path: Path, contents: Sequence[Feature] | str | bytes) -> None:
    if isinstance(contents, bytes):
        path.write_bytes(contents)
    else:
        text = contents if isinstance(contents, str) else collection(contents)
        path.write_text(text, encoding="utf-8")


def rows(network: Network, medium: str) -> list[int]:
    """Return the spans of a medium."""
    return [index for index, found in enumerate(network.spans.medium) if found == medium]


def ids(network: Network, medium: str = "trench") -> list[str]:
    return [network.spans.ids[index] for index in rows(network, medium)]


def noted(network: Network, *words: str) -> str:
    """Return the one note that holds all of the words."""
    found = [note for note in network.notes if all(word in note for word in words)]
    assert len(found) == 1, (words, network.notes)
    return found[0]


def osm_text(nodes: dict[int, Metres], ways: dict[int, tuple[Sequence[int], dict[str, str]]]) -> str:
    """Return OSM XML of nodes in metres, and of ways by their nodes and tags."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', '<osm version="0.6">']
    for number, place in nodes.items():
        lon_deg, lat_deg = at(*place)
        lines.append(f'<node id="{number}" version="1" lon="{lon_deg:.7f}" lat="{lat_deg:.7f}"/>')
    for number, (refs, tags) in ways.items():
        inside = [f'<nd ref="{ref}"/>' for ref in refs] + [f'<tag k="{k}" v="{v}"/>' for k, v in tags.items()]
        lines.append(f'<way id="{number}" version="1">{"".join(inside)}</way>')
    return "\n".join([*lines, "</osm>"])
