"""Cities from their files to an annotated network: time, memory, growth with size; OSMnx beside it.

`seconds` is the build from a loaded scenario, nothing kept from before; `cached_s` the same once more, from the cache.
OSMnx gets the highways of the same extract as XML (it reads no PBF; writing the XML is not counted), and simplifies its
graph to junctions, in a process of its own. Where a file is not from OpenStreetMap there is no peer.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import generous
from benchmarks.places import CITIES, City, base_spec, cities_of_folder
from benchmarks.rows import CACHE, Benchmark, Instance, Request, Row, SkippedError
from benchmarks.runner import peak_mb
from planner.geodata import build_network, cached_network
from planner.scenario import Scenario, load_scenario

ESTIMATES_S = {"liege": 10.0, "liege-original": 30.0, "las-palmas": 60.0, "porto": 300.0}
OSM_ENDINGS = (".osm.pbf", ".osm", ".osm.gz", ".osm.bz2")
PEER = """
import resource, sys, time
start_s = time.perf_counter()
import osmnx
directed = osmnx.graph_from_xml(sys.argv[1], bidirectional=False, simplify=True, retain_all=True)
graph = osmnx.convert.to_undirected(directed)
km = sum(length for *_, length in graph.edges(data="length")) / 1000.0
print(graph.number_of_edges(), km, time.perf_counter() - start_s,
      resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0)
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
    xml = CACHE / "worlds" / f"geodata-{city.name}" / "highways.osm"
    _write_highways(city.path, xml)
    command = [sys.executable, "-W", "ignore", "-c", PEER, str(xml)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    xml.unlink()
    if done.returncode:
        return row.with_more(peer_error=done.stderr.strip().splitlines()[-1][:200])
    edges, km, seconds, memory_mb = (float(word) for word in done.stdout.split())
    found: dict[str, Any] = {"peer_edges": int(edges), "peer_km": round(km, 1), "peer_peak_mb": round(memory_mb, 1)}
    return replace(row, peer_seconds=round(seconds, 3), more={**row.more, **found})


def _write_highways(source: Path, target: Path) -> None:
    """Write the ways of an extract with a highway tag whose nodes are all there: OSMnx refuses the others."""
    import osmium

    nodes = {node.id for node in osmium.FileProcessor(str(source), osmium.osm.NODE)}
    reader: Any = osmium.FileProcessor(str(source), osmium.osm.WAY).with_filter(osmium.filter.KeyFilter("highway"))
    ways = [way.id for way in reader if all(node.ref in nodes for node in way.nodes)]
    target.unlink(missing_ok=True)
    with osmium.BackReferenceWriter(str(target), ref_src=str(source), overwrite=True) as writer:
        wanted = set(ways)
        again: Any = osmium.FileProcessor(str(source), osmium.osm.WAY)
        for way in again:
            if way.id in wanted:
                writer.add(way)


BENCHMARK = Benchmark(
    summary="cities from their files to an annotated network, with OSMnx beside it",
    instances=instances,
    needs_warm_up=False,
)
