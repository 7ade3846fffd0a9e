"""Cities to plan in: their layers, and places where sites can have two disjoint routes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np

from benchmarks import generous
from benchmarks.rows import CACHE, ROOT, SHARED, SkippedError
from planner.geodata import build_network
from planner.network import Network
from planner.scenario import load_scenario

Place = tuple[float, float]
"""Longitude and latitude."""

ATTRIBUTION = "© OpenStreetMap contributors, ODbL 1.0"
FORBIDDEN = ("motorway", "motorway_link", "trunk", "trunk_link", "steps")
STREET_ENDINGS = (".osm.pbf", ".osm.gz", ".geojson", ".geojson.gz", ".parquet", ".gpkg")
MARGIN_DEG = 0.01


@dataclass(frozen=True, kw_only=True, slots=True)
class City:
    """Streets of a city, as a scenario names them."""

    name: str
    streets: Mapping[str, Any]
    named_sites: Path | None = None
    """GeoJSON of sites to use where twelve are enough; random places otherwise."""
    densities: str = "suburban"
    extent: tuple[float, float, float, float] | None = None
    """West, south, east and north; found from the file where it is not given."""

    @property
    def path(self) -> Path:
        """Return the file of streets."""
        return Path(self.streets["path"])

    def with_extent(self, west: float, south: float, east: float, north: float, name: str) -> City:
        """Return a part of the city, under another name."""
        return City(name=name, streets=self.streets, densities=self.densities, extent=(west, south, east, north))


def _osm(path: Path, **more: Any) -> dict[str, Any]:
    return {"path": str(path), "attribution": ATTRIBUTION, **more}


_DATA = SHARED / "data"
_LIEGE = ROOT / "data" / "liege-region"
CITIES = {
    city.name: city
    for city in (
        City(
            name="liege",
            streets=_osm(_LIEGE / "streets.geojson.gz", columns={"road_class": "highway"}),
            named_sites=_LIEGE / "sites.geojson",
            extent=(5.17, 50.55, 5.83, 50.90),
        ),
        City(
            name="liege-original",
            streets=_osm(_DATA / "liege" / "original.parquet", columns={"road_class": "highway"}),
            named_sites=_LIEGE / "sites.geojson",
            extent=(5.17, 50.55, 5.83, 50.90),
        ),
        City(
            name="las-palmas",
            streets=_osm(_DATA / "las-palmas" / "example_las_palmas_2023_osm_20230221.osm.pbf"),
            densities="urban",
        ),
        City(name="porto", streets=_osm(_DATA / "porto" / "porto_portugal.osm.pbf"), densities="urban"),
        City(
            name="san-francisco",
            streets={
                "path": str(_DATA / "sf-fiber" / "sonic_fiber_2017-08.csv"),
                "header": ["cnn", "permit", "street", "from", "to", "wkt"],
                "columns": {"geometry": "wkt", "name": "street"},
                "crs": "EPSG:4326",
            },
            densities="urban",
            extent=(-122.55, 37.69, -122.35, 37.84),
        ),
    )
}
"""The cities by name; those outside the project are skipped where their files are absent."""


def cities_of_folder(folder: Path) -> list[City]:
    """Return a city for every file of streets in a folder; raises SkippedError where there is none."""
    files = sorted(path for path in folder.iterdir() if path.name.endswith(STREET_ENDINGS))
    if not files:
        raise SkippedError(f"no streets ({', '.join(STREET_ENDINGS)}) in {folder}")
    return [City(name=path.name.split(".")[0].replace("_", "-"), streets=_osm(path)) for path in files]


def base_spec(city: City, folder: Path) -> dict[str, Any]:
    """Return a scenario without sites and demands: one phase, links without limits, equipment for nothing."""
    west, south, east, north = city.extent or extent_of(city.path)
    return {
        "title": city.name,
        "currency": "USD",
        "price_year": 2025,
        "extent": {"west_lon_deg": west, "south_lat_deg": south, "east_lon_deg": east, "north_lat_deg": north},
        "catalogs": {"hardware": generous.write_hardware(folder), "costs": str(ROOT / "data" / "costs.yaml")},
        "layers": {"streets": dict(city.streets)},
        "max_snap_m": 200_000,
        "fiber": "ideal",
        "prices": dict(generous.FREE_EQUIPMENT),
        "technologies": [generous.TECHNOLOGY],
        "right_of_way": {"density": city.densities, "forbidden_road_classes": list(FORBIDDEN)},
        "economics": {"discount_rate": 0.05, "horizon_years": 20},
        "phases": [{"id": "all", "year": 2027, "technologies": ["pairs"]}],
        "objective": "net_present_cost",
    }


@lru_cache(maxsize=8)
def extent_of(path: Path) -> tuple[float, float, float, float]:
    """Return the box of a file of streets: of all lines, or in OSM files of all nodes but a hundredth at each side."""
    if path.name.endswith((".pbf", ".osm", ".osm.gz")):
        import osmium

        processor = osmium.FileProcessor(str(path), osmium.osm.NODE)
        points = np.array([(node.lon, node.lat) for node in processor])
        (west, south), (east, north) = np.percentile(points, 1, axis=0), np.percentile(points, 99, axis=0)
    else:
        import geopandas

        inflated = f"/vsigzip/{path}" if path.suffix == ".gz" else path
        frame = geopandas.read_parquet(path) if path.suffix == ".parquet" else geopandas.read_file(inflated)
        west, south, east, north = frame.to_crs(4326).total_bounds
    box = (west - MARGIN_DEG, south - MARGIN_DEG, east + MARGIN_DEG, north + MARGIN_DEG)
    return tuple(round(float(value), 4) for value in box)  # type: ignore[return-value]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class SafePlaces:
    """Junctions of a city's largest two-edge-connected part, in order of longitude, then latitude."""

    places: Sequence[Place]
    _array: Any = field(repr=False)

    @classmethod
    def of(cls, places: Sequence[Place]) -> SafePlaces:
        """Return the places, ready to be asked."""
        return cls(places=places, _array=np.array(places))

    def nearest(self, place: Place) -> Place:
        """Return the place nearest to some point."""
        scale = np.array([np.cos(np.radians(place[1])), 1.0])
        return self.places[int(np.argmin((((self._array - place) * scale) ** 2).sum(axis=1)))]

    def middle(self) -> Place:
        """Return the place nearest to the median longitude and latitude."""
        lon_deg, lat_deg = np.median(self._array, axis=0)
        return self.nearest((float(lon_deg), float(lat_deg)))


def safe_places(city: City) -> SafePlaces:
    """Return where sites of a city can stand so that two disjoint routes exist; kept in the cache.

    Raises SkippedError where the file of streets is absent, or the part holds fewer than two junctions.
    """
    if not city.path.exists():
        raise SkippedError(f"{city.name}: {city.path} is not there")
    made_of = json.dumps([dict(city.streets), city.extent, city.path.stat().st_size, FORBIDDEN], sort_keys=True)
    cached = CACHE / "places" / f"{city.name}-{hashlib.sha256(made_of.encode()).hexdigest()[:12]}.json"
    if not cached.exists():
        found = sorted(_safe_part(_provisional(city)))
        generous.write(cached, found)
    places = [(lon_deg, lat_deg) for lon_deg, lat_deg in json.loads(cached.read_text(encoding="utf-8"))]
    if len(places) < 2:
        raise SkippedError(f"{city.name}: no streets in rings")
    return SafePlaces.of(places)


def _provisional(city: City) -> Network:
    """Return the network of the city with two sites in its middle, to learn its junctions."""
    folder = CACHE / "worlds" / f"places-{city.name}"
    spec = base_spec(city, folder)
    box = spec["extent"]
    lon_deg, lat_deg = (
        (box[a] + box[b]) / 2 for a, b in (("west_lon_deg", "east_lon_deg"), ("south_lat_deg", "north_lat_deg"))
    )
    spec["sites"] = [generous.site("a", lon_deg, lat_deg), generous.site("b", lon_deg, lat_deg)]
    spec["demands"] = [generous.demand("a", "b", 1)]
    return build_network(load_scenario(folder / generous.write(folder / "scenario.yaml", spec)))


def _safe_part(network: Network) -> list[Place]:
    """Return the junctions of the largest two-edge-connected part of the streets that may be dug."""
    spans = network.spans
    usable = spans.buildable & (spans.start != spans.end)
    graph: nx.Graph[int] = nx.Graph(zip(spans.start[usable].tolist(), spans.end[usable].tolist(), strict=True))
    graph.remove_edges_from(list(nx.bridges(graph)))
    part = max(nx.connected_components(graph), key=lambda nodes: (len(nodes), min(nodes)), default=set())
    sites = {site.node for site in network.sites}
    return [(float(network.nodes.lon_deg[node]), float(network.nodes.lat_deg[node])) for node in part - sites]
