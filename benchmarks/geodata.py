"""Cities from their files to an annotated network: time, memory, growth with size; OSMnx beside it.

`seconds` is the build from a loaded scenario, nothing kept from before; `cached_s` the same once more, from the cache.
OSMnx gets the streets of the same extract as XML (it reads no PBF; writing the XML is not counted), and simplifies its
graph to junctions, in a process of its own. Where a file is not from OpenStreetMap there is no peer. Ways that are cut
off are left out for it, since it refuses them; `edges_off_percent` and `km_off_percent` compare its edges with our
spans of the same XML, those at nodes of two taken as one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np

from benchmarks import generous
from benchmarks.places import CITIES, City, base_spec, cities_of_folder
from benchmarks.rows import CACHE, Benchmark, Instance, Request, Row, SkippedError
from benchmarks.runner import peak_mb
from planner.geodata import build_network, cached_network
from planner.network import Network
from planner.scenario import Scenario, load_scenario

ESTIMATES_S = {"liege": 10.0, "liege-original": 30.0, "las-palmas": 60.0, "porto": 300.0}
OSM_ENDINGS = (".osm.pbf", ".osm", ".osm.gz", ".osm.bz2")
PEER = """
import resource, sys, time
start_s = time.perf_counter()
import osmnx
directed = osmnx.graph_from_xml(sys.argv[1], bidirectional=False, simplify=True, retain_all=True)
graph = osmnx.convert.to_undirected(directed)
seconds, peak_mb = time.perf_counter() - start_s, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0
from pyproj import Geod
edges = osmnx.convert.graph_to_gdfs(graph, nodes=False)
km = sum(abs(Geod(ellps="WGS84").geometry_length(line)) for line in edges.geometry) / 1000.0
print(len(edges), km, seconds, peak_mb)
"""


def instances(request: Request) -> Sequence[Instance]:
    """Return one instance for each city, or for each file of streets in the folder that is asked for."""
    cities = cities_of_folder(request.folder) if request.folder else [CITIES[name] for name in ESTIMATES_S]
    return [
        Instance(name=city.name, estimate_s=ESTIMATES_S.get(city.name, 60.0), run=partial(measure, city))
        for city in cities
    ]


def measure(city: City) -> Row:
    """Return what building the network of a city takes; raises SkippedError where its file is absent."""
    scenario = _scenario(city)
    start_s = time.perf_counter()
    network = build_network(scenario)
    seconds, memory_mb = time.perf_counter() - start_s, peak_mb()
    os.environ["PLANNER_CACHE_DIR"] = str(CACHE / "networks-of-benchmark")
    cached_network(scenario)
    start_s = time.perf_counter()
    kept = cached_network(scenario)
    cached_s = time.perf_counter() - start_s
    spans = network.spans
    streets = np.array([medium == "trench" for medium in spans.medium])
    row = Row(
        instance=city.name,
        nodes=len(network.nodes),
        edges=len(spans),
        seconds=round(seconds, 3),
        peak_mb=memory_mb,
        more={
            "streets_km": round(float(spans.length_km[streets].sum()), 1),
            "microseconds_per_edge": round(1e6 * seconds / len(spans), 1),
            "cached_s": round(cached_s, 3),
            "notes": len(network.notes),
        },
    )
    if kept.digest != network.digest:
        row = row.with_more(error="the cache gave another network")
    return _with_peer(row, city)


def _scenario(city: City) -> Scenario:
    """Return a scenario of the city's streets with two sites in its middle."""
    if not city.path.exists():
        raise SkippedError(f"{city.name}: {city.path} is not there")
    folder = CACHE / "worlds" / f"geodata-{city.name}"
    spec = base_spec(city, folder)
    box = spec["extent"]
    lon_deg, lat_deg = (
        (box[a] + box[b]) / 2 for a, b in (("west_lon_deg", "east_lon_deg"), ("south_lat_deg", "north_lat_deg"))
    )
    spec["sites"] = [generous.site("a", lon_deg, lat_deg), generous.site("b", lon_deg, lat_deg)]
    spec["demands"] = [generous.demand("a", "b", 1)]
    return load_scenario(folder / generous.write(folder / "scenario.yaml", spec))


def _with_peer(row: Row, city: City) -> Row:
    """Return the row with what OSMnx makes of the same extract."""
    if not city.path.name.endswith(OSM_ENDINGS):
        return row
    folder = CACHE / "worlds" / f"geodata-{city.name}"
    whole, streets = folder / "highways.osm", folder / "streets.osm"
    _write_ways(city.path, whole, _whole_highways(city.path))
    spec = json.loads((folder / "scenario.yaml").read_text(encoding="utf-8"))
    spec["layers"]["streets"]["path"] = str(whole)
    spec["extent"] = _extent_of_all(whole)
    same = build_network(load_scenario(folder / generous.write(folder / "whole.yaml", spec)))
    _write_ways(whole, streets, {int(way[1:]) for way in same.spans.origin})
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PEER, str(streets)], capture_output=True, text=True, check=False
    )
    for path in (whole, streets):
        path.unlink()
    if done.returncode:
        return row.with_more(peer_error=done.stderr.strip().splitlines()[-1][:200])
    edges, km, seconds, memory_mb = (float(word) for word in done.stdout.split())
    ours_km = float(same.spans.length_km.sum())
    found: dict[str, Any] = {
        "peer_edges": int(edges),
        "peer_km": round(km, 1),
        "peer_peak_mb": round(memory_mb, 1),
        "edges_off_percent": round(100.0 * abs(_merged_count(same) - edges) / edges, 3),
        "km_off_percent": round(100.0 * abs(ours_km - km) / km, 4),
    }
    return replace(row, peer_seconds=round(seconds, 3), more={**row.more, **found})


def _extent_of_all(path: Path) -> dict[str, float]:
    """Return the box around every node: OSMnx cuts nothing off."""
    import osmium

    points = np.array([(node.lon, node.lat) for node in osmium.FileProcessor(str(path), osmium.osm.NODE)])
    (west, south), (east, north) = points.min(axis=0) - 0.01, points.max(axis=0) + 0.01
    return {"west_lon_deg": west, "south_lat_deg": south, "east_lon_deg": east, "north_lat_deg": north}


def _merged_count(network: Network) -> int:
    """Return how many spans there are once those that meet at a node of two are one, as OSMnx counts edges."""
    spans = network.spans
    degrees = np.bincount(np.concatenate((spans.start, spans.end)), minlength=len(network.nodes))
    parts = nx.connected_components(network.to_networkx())
    rings = sum(all(degrees[node] == 2 for node in part) for part in parts)
    return len(spans) - int((degrees == 2).sum()) + rings


def _whole_highways(source: Path) -> set[int]:
    """Return the ways with a highway tag whose nodes are all there: OSMnx refuses the others."""
    import osmium

    nodes = {node.id for node in osmium.FileProcessor(str(source), osmium.osm.NODE)}
    reader: Any = osmium.FileProcessor(str(source), osmium.osm.WAY).with_filter(osmium.filter.KeyFilter("highway"))
    return {way.id for way in reader if all(node.ref in nodes for node in way.nodes)}


def _write_ways(source: Path, target: Path, wanted: set[int]) -> None:
    """Write some ways of an extract with their nodes as XML."""
    import osmium

    target.unlink(missing_ok=True)
    with osmium.BackReferenceWriter(str(target), ref_src=str(source), overwrite=True) as writer:
        again: Any = osmium.FileProcessor(str(source), osmium.osm.WAY)
        for way in again:
            if way.id in wanted:
                writer.add(way)


BENCHMARK = Benchmark(
    summary="cities from their files to an annotated network, with OSMnx beside it",
    instances=instances,
    needs_warm_up=False,
)
