"""Repeater allocation: the fewest repeaters that join the cities of SURFnet, or of a unit square, by K chains each.

The problem is that of RepAlloc (Rabbie et al., npj Quantum Information 8, 2022): every pair of end nodes gets K chains
of elementary links that share no repeater; a link is at most `L_max` long; a chain has at most `N_max` repeaters; a
repeater serves at most D chains, and a node holds at most one. Its toy model of hardware turns a wanted rate and
fidelity into `N_max` and `L_max` (`requirement`): 1 Hz at fidelity 0.93 gives 6 repeaters and 136.307 km, and 136 km is
what was published. Ours says the same in a scenario: a technology with `max_links` = N_max + 1 and `max_link_loss_db` =
L_max times the fiber's attenuation, repeaters that cost 1 and serve D routes, `max_units` of one repeater per site, and
everything else for nothing. Names are `surfnet-K2-D4`; with `-disjoint` behind, the chains of a pair share no fiber and
no building either. The peer is the published link formulation (`repalloc_peer.py`) in the same run.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
from pyproj import Geod

from benchmarks import generous
from benchmarks.planned import optimum_faults, plan_row
from benchmarks.repalloc_peer import LinkProblem, solve_link_formulation
from benchmarks.rows import CACHE, SHARED, Benchmark, Instance, Request, Row, SkippedError
from planner.design.graph import design_graph
from planner.design.paths import shortest_trees
from planner.network import Network, NetworkSite, Nodes, Spans, with_digest
from planner.scenario import Scenario, load_scenario

GEOD = Geod(ellps="WGS84")
LON_DEG, LAT_DEG = 5.5, 52.0
DB_PER_KM = 10.0 / (22.0 * math.log(10.0))
"""Attenuation of the toy model, exp(-L / 22 km)."""
SIGNAL_KM_PER_S = 2e5
SURFNET_ENDS = ("Delft 1", "Groningen 1", "Maastricht", "Enschede 2")
SURFNET_MAX_KM = 136.0
SQUARE_MAX_KM = 0.9
"""Longest link in a unit square, of sides 1 km."""
MAX_REPEATERS = 6
USUAL = ((1, 4, ""), (1, 6, ""), (1, 100, ""), (2, 4, ""), (2, 6, ""), (2, 100, ""), (2, 4, "disjoint"))
OPTIMA: Mapping[str, float] = {
    "surfnet-K1-D4": 5,
    "surfnet-K1-D6": 4,
    "surfnet-K1-D100": 4,
    "surfnet-K2-D4": 10,
    "surfnet-K2-D6": 9,
    "surfnet-K2-D100": 9,
    "surfnet-K2-D4-disjoint": 11,
}
"""Published, and confirmed with two solvers."""
TIME_LIMIT_S = 300.0


def requirement(
    min_rate_hz: float, min_fidelity: float, *, modes: int, swap_probability: float, link_fidelity: float
) -> tuple[int, float]:
    """Return the most repeaters and, with so many, the longest links in km that the toy model allows.

    Rate = c / L (1 - (1 - exp(-L / 22) / 2)^modes)^(n + 1) swap_probability^n for n repeaters and links of L km, and
    fidelity = 1/4 + 3/4 ((4 link_fidelity - 1) / 3)^(n + 1).

    >>> repeaters, length_km = requirement(1.0, 0.93, modes=1000, swap_probability=0.5, link_fidelity=0.99)
    >>> repeaters, round(length_km, 3)
    (6, 136.307)
    """
    werner, wanted = (4.0 * link_fidelity - 1.0) / 3.0, (4.0 * min_fidelity - 1.0) / 3.0
    repeaters = math.floor(math.log(wanted) / math.log(werner)) - 1
    low, high = 1e-3, 1e4
    for _ in range(100):
        middle = 0.5 * (low + high)
        link = 1.0 - (1.0 - math.exp(-middle / 22.0) / 2.0) ** modes
        rate_hz = SIGNAL_KM_PER_S / middle * link ** (repeaters + 1) * swap_probability**repeaters
        low, high = (middle, high) if rate_hz >= min_rate_hz else (low, middle)
    return repeaters, low


@dataclass(frozen=True, kw_only=True, slots=True)
class FiberGraph:
    """Fibers between buildings, and the buildings whose pairs want entanglement."""

    name: str
    fibers: Sequence[tuple[int, int, float]]
    """(node, node, km), nodes counted from 0."""
    nodes: int
    ends: tuple[int, ...]
    max_link_km: float


def read_graphs(folder: Path) -> list[FiberGraph]:
    """Return the graphs of a folder of GML files: SURFnet's core, and squares whose nodes have a type."""
    found = []
    for path in sorted(folder.glob("*.gml")):
        graph = nx.read_gml(path, label="id")
        labels = {node: data["label"] for node, data in graph.nodes(data=True)}
        position = {node: index for index, node in enumerate(sorted(graph.nodes))}
        ends = [n for n, data in graph.nodes(data=True) if data.get("type") == "end_node" or labels[n] in SURFNET_ENDS]
        fibers = sorted((*sorted((position[a], position[b])), float(km)) for a, b, km in graph.edges(data="length"))
        if len(ends) < 2:
            continue
        is_square = all("type" in data for _, data in graph.nodes(data=True))
        found.append(
            FiberGraph(
                name="square" if is_square else "surfnet",
                fibers=[(int(a), int(b), km) for a, b, km in fibers],
                nodes=len(position),
                ends=tuple(sorted(position[node] for node in ends)),
                max_link_km=SQUARE_MAX_KM if is_square else SURFNET_MAX_KM,
            )
        )
    return found


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """How many chains a pair gets, how many a repeater serves, and whether fibers and buildings may be shared."""

    graph: FiberGraph
    chains: int
    capacity: int
    is_disjoint: bool

    @property
    def name(self) -> str:
        """Return the name of the instance."""
        text = f"{self.graph.name}-K{self.chains}-D{self.capacity}"
        return f"{text}-disjoint" if self.is_disjoint else text


def instances(request: Request) -> Sequence[Instance]:
    """Return the usual cases of every graph, or the one that the settings K, D and disjoint ask for."""
    folder = request.folder or SHARED / "data" / "bench" / "repalloc"
    if not folder.is_dir():
        raise SkippedError(f"no folder {folder}")
    asked: Sequence[tuple[int, int, str]] = USUAL
    if {"K", "D", "disjoint"} & set(request.settings):
        kind = "disjoint" if request.settings.get("disjoint", "no") == "yes" else ""
        asked = ((int(request.number("K", 2)), int(request.number("D", 4)), kind),)
    cases = [
        Case(graph=graph, chains=k, capacity=d, is_disjoint=kind == "disjoint")
        for graph in read_graphs(folder)
        for k, d, kind in asked
    ]
    return [Instance(name=case.name, estimate_s=60.0, run=partial(run, case)) for case in cases]


def run(case: Case) -> Row:
    """Return the row of a case: our plan and bound, and the link formulation's optimum."""
    network, scenario = repeater_world(case, CACHE / "worlds" / case.name)
    _load_code(network)
    row, _, _ = plan_row(case.name, network, scenario)
    start_s = time.perf_counter()
    peer = solve_link_formulation(link_problem(case), time_limit_s=TIME_LIMIT_S)
    row = replace(
        row, optimum=OPTIMA.get(case.name), peer=peer.repeaters, peer_seconds=round(time.perf_counter() - start_s, 3)
    )
    row = row.with_more(peer_bound=peer.bound, time_share=(row.seconds or 0.0) / (row.peer_seconds or math.inf))
    faults = optimum_faults(row)
    return row.with_more(error=faults) if faults else row


def _load_code(network: Network) -> None:
    """Read compiled code from its cache before the clock starts: half a second that the peer does not need."""
    graph = design_graph(network)
    shortest_trees(graph, graph.span_loss_db, np.zeros(1, dtype=np.int64))


def link_problem(case: Case) -> LinkProblem:
    """Return the case as the published formulation has it: links follow shortest paths."""
    graph: nx.Graph[int] = nx.Graph()
    graph.add_weighted_edges_from(case.graph.fibers, weight="length_km")
    paths = dict(nx.all_pairs_dijkstra(graph, weight="length_km"))
    return LinkProblem(
        nodes=case.graph.nodes,
        ends=case.graph.ends,
        paths={
            (a, b): tuple(walks[b])
            for a, (lengths_km, walks) in paths.items()
            for b in sorted(graph)
            if a != b and lengths_km[b] <= case.graph.max_link_km
        },
        chains=case.chains,
        capacity=case.capacity,
        max_repeaters=MAX_REPEATERS,
        is_disjoint=case.is_disjoint,
    )


def repeater_world(case: Case, folder: Path) -> tuple[Network, Scenario]:
    """Return the case as a network of fibers and a scenario, its files written into a folder."""
    names = [f"n{node:03d}" for node in range(case.graph.nodes)]
    inner = ("repeater", "heralding")
    hosts = {node: ("end", "heralding") if node in case.graph.ends else inner for node in range(case.graph.nodes)}
    spec: dict[str, Any] = {
        "title": case.name,
        "currency": "USD",
        "price_year": 2025,
        "extent": {"west_lon_deg": -90.0, "south_lat_deg": 0.0, "east_lon_deg": 90.0, "north_lat_deg": 80.0},
        "catalogs": {"hardware": _write_hardware(folder), "costs": _write_costs(folder, case.capacity)},
        "layers": {
            "streets": {
                "path": generous.write(folder / "streets.geojson", {"type": "FeatureCollection", "features": []})
            }
        },
        "fiber": "toy",
        "sites": [
            generous.site(name, LON_DEG, LAT_DEG, hosts[node]) | {"max_units": {"repeater": 1}}
            for node, name in enumerate(names)
        ],
        "technologies": [_technology(case)],
        "right_of_way": {"density": "any"},
        "economics": {"discount_rate": 0.0, "horizon_years": 1},
        "phases": [{"id": "all", "year": 2025, "technologies": ["chain"]}],
        "demands": [_demand(case, names[a], names[b]) for a, b in combinations(case.graph.ends, 2)],
        "objective": "net_present_cost",
        "solver": {"gap": 0.0, "time_limit_s": TIME_LIMIT_S, "work_budget": 100_000},
    }
    scenario = load_scenario(folder / generous.write(folder / "scenario.yaml", spec))
    return _network(case.graph, names, scenario), scenario


def _demand(case: Case, a: str, b: str) -> dict[str, Any]:
    level = "node" if case.is_disjoint else "repeater"
    wanted = {"min_rate_hz": 1.0, "min_fidelity": 0.93, "rate_plane": "stored", "disjoint": level}
    return generous.demand(a, b, case.chains) | wanted


def _technology(case: Case) -> dict[str, Any]:
    return {
        "id": "chain",
        "link_model": "double_click",
        "memory": "toy",
        "detector": "toy",
        "termination": "toy",
        "max_links": MAX_REPEATERS + 1,
        "max_link_loss_db": case.graph.max_link_km * DB_PER_KM,
        "fibers_per_route": 1,
        "equipment": {"end": [], "heralding": [], "repeater": [{"item": "repeater"}]},
    }


def _write_hardware(folder: Path) -> str:
    """Write hardware at least as good as the toy model's: its storing memories are faster than its single shots."""
    named = {"label": "Toy model", "source": "Rabbie et al., npj Quantum Inf. 8, 5 (2022)", "assumed": True}
    fiber = generous.HARDWARE["fibers"]["ideal"] | {
        "attenuation_db_per_km": DB_PER_KM,
        "velocity_km_per_s": SIGNAL_KM_PER_S,
    }
    memory = {
        "emission_efficiency": 1.0,
        "emission_fidelity": 1.0,
        "visibility": 0.98,  # links of fidelity 0.99
        "modes": 1000,
        "repetition_hz": 1e9,
        "initialization_s": 0.0,
        "detection_window_ns": 1.0,
        "duty": 1.0,
        "coherence_time_s": 1e6,
        "decay": "exponential",
        "swap_probability": 0.5,
        "swap_fidelity": 1.0,
        "ends_store": True,
    }
    contents = {
        "fibers": {"toy": fiber | named},
        "terminations": {"toy": generous.HARDWARE["terminations"]["ideal"] | named},
        "detectors": {"toy": generous.HARDWARE["detectors"]["ideal"] | named},
        "pair_sources": {},
        "memories": {"toy": memory | named},
        "free_space_terminals": {},
    }
    return generous.write(folder / "hardware.yaml", contents)


def _write_costs(folder: Path, capacity: int) -> str:
    """Write a price list in which a repeater costs 1 and serves so many routes, and nothing else costs anything."""
    units = {
        "trench": "per_m",
        "right-of-way-permit": "per_m",
        "cable-pull": "per_m",
        "duct-rental": "per_m_year",
        "dark-fiber-lease": "per_fiber_km_year",
        "free-space-terminal": "per_unit",
        "repeater": "per_unit",
    }
    entry = {"source": "Counts repeaters only", "assumed": True}
    items = {
        name: {"label": name, "unit": unit, "price": price, "low": price, "high": price, **entry}
        | ({"serves": capacity} if name == "repeater" else {})
        for name, unit in units.items()
        for price in (1.0 if name == "repeater" else 0.0,)
    }
    factors = {name: {"label": name, "factor": 1.0, **entry} for name in ("any", "unknown")}
    contents: dict[str, Any] = {"currency": "USD", "price_year": 2025, "items": items}
    contents |= dict.fromkeys(("road_classes", "surfaces", "densities"), factors)
    return generous.write(folder / "costs.yaml", contents)


def _network(graph: FiberGraph, names: Sequence[str], scenario: Scenario) -> Network:
    """Return fibers as loops that leave one place in directions of their own: lengths are true, places are not."""
    count = len(graph.fibers)
    lengths_km = np.array([km for *_, km in graph.fibers])
    places = np.tile((LON_DEG, LAT_DEG), (count, 1))
    bearings_deg = np.arange(count) * 360.0 / count  # as far apart as can be: lines side by side would be one dig
    turns = np.column_stack(GEOD.fwd(*places.T, bearings_deg, lengths_km * 500.0)[:2])
    lines = np.stack((places, turns, places), axis=1)
    ids = tuple(f"f{index:03d}" for index in range(count))
    spans = _spans(
        count,
        ids=ids,
        start=np.array([a for a, *_ in graph.fibers], dtype=np.int64),
        end=np.array([b for _, b, _ in graph.fibers], dtype=np.int64),
        medium=("dark_fiber",) * count,
        length_km=lengths_km,
        loss_db=lengths_km * DB_PER_KM,
        max_fibers=np.full(count, 1_000, dtype=np.int64),
        used_fibers=np.full(count, -1, dtype=np.int64),
        buildable=np.ones(count, dtype=np.bool_),
        risk_groups=tuple((f"fiber:{name}",) for name in ids),
        offsets=np.arange(count + 1, dtype=np.int64) * 3,
        coordinates=lines.reshape(-1, 2),
    )
    nodes = Nodes(
        ids=tuple(names),
        lon_deg=np.full(graph.nodes, LON_DEG),
        lat_deg=np.full(graph.nodes, LAT_DEG),
        kinds=("site",) * graph.nodes,
        joint_loss_db=np.zeros(graph.nodes),
    )
    sites = tuple(
        NetworkSite(id=name, node=node, lateral_km=0.0, lateral_loss_db=0.0, lateral_capex=0.0)
        for node, name in enumerate(names)
    )
    return with_digest(
        Network(
            title=scenario.spec.title,
            scenario_digest=scenario.digest,
            nodes=nodes,
            spans=spans,
            sites=sites,
            notes=(),
            attributions=(),
        )
    )


def _spans(count: int, **columns: Any) -> Spans:
    """Return spans with the given columns; nothing is known of the others."""
    nothing = {"Floats": np.zeros(count), "Integers": np.zeros(count, dtype=np.int64), "tuple[str, ...]": ("",) * count}
    for field in fields(Spans):
        columns.setdefault(field.name, nothing.get(str(field.type), np.zeros(count, dtype=np.bool_)))
    return Spans(**columns)


BENCHMARK = Benchmark(summary="Fewest repeaters on SURFnet and in a unit square", instances=instances)
