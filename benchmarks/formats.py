"""Every folder of real data, in every format it comes in: what a network of it takes, and what had to be repaired.

Each instance runs `planner.geodata.build_network` on the file as it is. `notes` counts the sentences that the report
would show; `repairs` those of them that leave out, cut, join or split something. `off_percent` is by how much the
streets differ from the length of the raw file, read by the verification's own code.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from benchmarks import generous
from benchmarks.beside import MEASURES
from benchmarks.places import City, base_spec
from benchmarks.rawlengths import raw_streets_km
from benchmarks.rows import CACHE, SHARED, Benchmark, Instance, Request, Row, SkippedError
from benchmarks.runner import peak_mb
from planner.geodata import build_network
from planner.scenario import load_scenario

DATA = SHARED / "data"
REPAIRS = ("left out", "missing", "cut", "split", "joined to", "counted once", "drawn out", "taken as", "repaired")
Place = tuple[float, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """A file of streets or ducts, a box around it, and two places in it."""

    pattern: str
    extent: tuple[float, float, float, float]
    places: tuple[Place, Place]
    streets: Mapping[str, Any] = field(default_factory=dict)
    ducts: Mapping[str, Any] | None = None
    """Options of the same file read as ducts, too."""


TEXT = {"crs": "EPSG:4326", "header": ["cnn", "permit", "street", "from", "to", "wkt"]}
GEORGIA, GEORGIAN = (40.0, 41.0, 47.0, 43.7), ((44.8, 41.7), (42.7, 42.27))
FIBRE = {"streets": {"values": {"road_class": "unknown"}}, "ducts": {"values": {"access": "lease"}}}
SOURCES: Mapping[str, Source] = {
    "helsinki": Source(
        pattern="helsinki/*.osm.pbf",
        extent=(24.93, 60.16, 24.96, 60.18),
        places=((24.9406, 60.1716), (24.9501, 60.1694)),
    ),
    "barcelona": Source(
        pattern="barcelona/*.osm.pbf", extent=(2.10, 41.36, 2.22, 41.44), places=((2.170, 41.390), (2.165, 41.395))
    ),
    "monaco": Source(pattern="monaco/*.osm.pbf", extent=(7.3, 43.6, 7.6, 43.9), places=((7.42, 43.735), (7.43, 43.74))),
    "las-palmas": Source(
        pattern="las-palmas/*.osm.pbf",
        extent=(-15.52, 28.02, -15.38, 28.20),
        places=((-15.42003, 28.09883), (-15.4525, 28.07362)),
    ),
    "porto": Source(
        pattern="porto/*.osm.pbf", extent=(-8.85, 40.95, -8.40, 41.40), places=((-8.6159, 41.1471), (-8.6131, 41.1298))
    ),
    "redon": Source(
        pattern="redon/*.osm.gz", extent=(-2.2, 47.5, -1.9, 47.8), places=((-2.0850, 47.6520), (-2.0838, 47.6507))
    ),
    "liege-simplified": Source(
        pattern="liege/simplified.parquet", extent=(5.0, 50.4, 6.0, 51.0), places=((5.5747, 50.64), (5.5667, 50.6246))
    ),
    "liege-original": Source(
        pattern="liege/original.parquet", extent=(5.0, 50.4, 6.0, 51.0), places=((5.5747, 50.64), (5.5667, 50.6246))
    ),
    "sf-fiber": Source(
        pattern="sf-fiber/sonic_fiber*.csv",
        extent=(-122.53, 37.70, -122.35, 37.84),
        places=((-122.4773512, 37.7592379), (-122.4783, 37.7654)),
        streets={**TEXT, "columns": {"id": "cnn", "name": "street"}},
        ducts={**TEXT, "columns": {"streets": "cnn", "name": "street"}, "values": {"access": "pull"}},
    ),
    "georgia-json": Source(pattern="georgia-opennet/*ofds-json_*", extent=GEORGIA, places=GEORGIAN, **FIBRE),
    "georgia-geojson": Source(pattern="georgia-opennet/*ofds-spans_*", extent=GEORGIA, places=GEORGIAN, **FIBRE),
    "gracethd": Source(
        pattern="gracethd-demo/t_cheminement.shp",
        extent=(-1.0, 46.0, 3.0, 49.0),
        places=((2.5702, 47.1993), (2.5728, 47.1997)),
        streets={"columns": {"id": "cm_code"}},
        ducts={"columns": {"id": "cm_code", "owner": "cm_prop_do"}, "values": {"access": "both"}},
    ),
}


def instances(request: Request) -> Sequence[Instance]:
    """Return one instance for each file; they know no settings."""
    del request
    slow = ("porto", "liege-original")
    streets = [
        Instance(name=name, estimate_s=60.0 if name in slow else 10.0, run=partial(measure, name)) for name in SOURCES
    ]
    return [*streets, *(Instance(name=name, estimate_s=10.0, run=partial(run, name)) for name, run in MEASURES.items())]


def measure(name: str) -> Row:
    """Return what building a network of one source takes; raises SkippedError where its file is absent."""
    source = SOURCES[name]
    files = sorted(DATA.glob(source.pattern))
    if not files:
        raise SkippedError(f"{name}: {DATA / source.pattern} is not there")
    folder = CACHE / "worlds" / f"formats-{name}"
    city = City(name=name, streets={"path": str(files[0]), **source.streets}, extent=source.extent)
    spec = base_spec(city, folder)
    spec["sites"] = [generous.site(site, *place) for site, place in zip("ab", source.places, strict=True)]
    spec["demands"] = [generous.demand("a", "b", 1)]
    spec["max_snap_m"] = 30_000.0
    if source.ducts is not None:
        spec["layers"]["ducts"] = [{"path": str(files[0]), **source.ducts}]
    scenario = load_scenario(folder / generous.write(folder / "scenario.yaml", spec))
    start_s = time.perf_counter()
    network = build_network(scenario)
    seconds = time.perf_counter() - start_s
    memory_mb = peak_mb()
    trenches = np.array([medium == "trench" for medium in network.spans.medium])
    streets_km, raw_km = float(network.spans.length_km[trenches].sum()), raw_streets_km(scenario, network)
    laterals_m = [1000.0 * site.lateral_km for site in network.sites]
    return Row(
        instance=name,
        nodes=len(network.nodes),
        edges=len(network.spans),
        seconds=round(seconds, 3),
        peak_mb=memory_mb,
        more={
            "format": "".join(files[0].suffixes[-2:]),
            "streets_km": round(streets_km, 1),
            "raw_km": round(raw_km, 1),
            "off_percent": round(100.0 * abs(streets_km - raw_km) / raw_km, 4),
            "ducts_km": round(float(network.spans.length_km[~trenches].sum()), 1),
            "notes": len(network.notes),
            "repairs": sum(any(word in note for word in REPAIRS) for note in network.notes),
            "sites": len(network.sites),
            "farthest_m": round(max(laterals_m), 1),
        },
    )


BENCHMARK = Benchmark(
    summary="every folder of real data in its format: time, memory, edges, repairs, snapped sites",
    instances=instances,
    needs_warm_up=False,
)
