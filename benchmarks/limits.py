"""Demands whose limits bind: real hardware and prices, repeaters in huts, and free-space hops.

Every second demand may lose at most `ROOM` times what its least lossy route loses (of two disjoint routes, the worse
one): its rate is what the hardware gives at that loss. Half of those with one route want stored pairs, over memories.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import generous
from benchmarks.graphs import great_circle_m
from benchmarks.places import SafePlaces
from benchmarks.rows import ROOT
from planner.design.graph import design_graph
from planner.design.paths import disjoint_pair, shortest_trees
from planner.geodata import build_network
from planner.network import Network
from planner.physics.performance import Arm, ElementaryLink, evaluate_route
from planner.scenario import Scenario, load_scenario

ROOM = 1.3
HUTS, HOPS, HOP_KM = 20, 5, (0.5, 2.9)
EASY_HZ = {"detected": 1.0, "stored": 0.01}
MIN_FIDELITY = {"detected": 0.9, "stored": 0.75}
ALL_ROLES = ("end", "pair_source", "heralding", "repeater")

TECHNOLOGIES: Sequence[dict[str, Any]] = (
    {
        "id": "pairs",
        "link_model": "pair_source",
        "pair_source": "spdc-2026",
        "detector": "snspd",
        "termination": "pair-source-arm",
        "equipment": {
            "end": [{"item": "user-receiver"}, {"item": "snspd-system", "units": 4}],
            "pair_source": [{"item": "pair-source", "counted": "per_lane"}],
        },
    },
    {
        "id": "memories",
        "link_model": "double_click",
        "memory": "multiplexed-2032",
        "detector": "snspd",
        "termination": "memory-arm",
        "max_links": 3,
        "max_lanes": 2,
        "equipment": {
            "end": [{"item": "memory-node"}, {"item": "memory-lane", "counted": "per_extra_lane"}],
            "repeater": [{"item": "memory-node"}, {"item": "memory-lane", "counted": "per_extra_lane"}],
            "heralding": [{"item": "heralding-station"}],
        },
    },
)


def with_limits(spec: dict[str, Any], folder: Path, safe: SafePlaces, random: np.random.Generator) -> dict[str, Any]:
    """Return a scenario with real hardware in which every second demand has a limit that binds."""
    sites = [{**site, "hosts": list(ALL_ROLES)} for site in spec["sites"]]
    huts = [
        {**generous.site(f"hut{number:02d}", *safe.places[index], ALL_ROLES[1:]), "kind": "hut", "shelter": "hut"}
        for number, index in enumerate(sorted(random.permutation(len(safe.places))[:HUTS].tolist()))
    ]
    limited = {index for index in range(len(spec["demands"])) if index % 2}
    memories = {index for index in limited if spec["demands"][index]["routes"] == 1 and index % 4 == 1}
    demands = [
        _wish(demand, "stored" if index in memories else "detected") for index, demand in enumerate(spec["demands"])
    ]
    spec = {name: value for name, value in spec.items() if name != "prices"} | {
        "catalogs": {"hardware": str(ROOT / "data" / "hardware.yaml"), "costs": str(ROOT / "data" / "costs.yaml")},
        "fiber": "metro-1550",
        "technologies": list(TECHNOLOGIES),
        "phases": [{**phase, "technologies": ["pairs", "memories"]} for phase in spec["phases"]],
        "sites": sites + huts,
        "free_space": _hops(sites + huts, random),
        "demands": demands,
    }
    scenario = load_scenario(folder / generous.write(folder / "without-limits.yaml", spec))
    network = build_network(scenario)
    spec["demands"] = [
        {**demand, "min_rate_hz": _rate_hz(network, scenario, demand)} if index in limited else demand
        for index, demand in enumerate(demands)
    ]
    return spec


def _wish(demand: dict[str, Any], plane: str) -> dict[str, Any]:
    return {**demand, "rate_plane": plane, "min_rate_hz": EASY_HZ[plane], "min_fidelity": MIN_FIDELITY[plane]}


def _hops(sites: Sequence[dict[str, Any]], random: np.random.Generator) -> list[dict[str, Any]]:
    """Return free-space candidates between random sites that are neither too near nor too far."""
    pairs = [(a, b) for at, a in enumerate(sites) for b in sites[at + 1 :]]
    near = [
        (a["id"], b["id"])
        for a, b in pairs
        if HOP_KM[0] <= great_circle_m((a["lon_deg"], a["lat_deg"]), (b["lon_deg"], b["lat_deg"])) / 1e3 <= HOP_KM[1]
    ]
    common = {"terminal": "rooftop-1550", "visibility_km": 10, "cn2_m23": 1e-14}
    chosen = [near[index] for index in random.permutation(len(near))[:HOPS]]
    return [{"id": f"fso-{a}-{b}", "a": a, "b": b, **common} for a, b in chosen]


def _rate_hz(network: Network, scenario: Scenario, demand: dict[str, Any]) -> float:
    """Return the rate, rounded down to three digits, that one link gives at the largest loss allowed.

    The middle is taken at one end, where links are slowest: the least lossy route then meets it wherever middles are.
    """
    loss_db = ROOM * least_loss_db(network, demand)
    name = "memories" if demand["rate_plane"] == "stored" else "pairs"
    hardware = scenario.link_hardware(scenario.technology(name))
    km_per_db = 1.0 / hardware.fiber.attenuation_db_per_km
    near, far = Arm(length_km=0.0, loss_db=0.0), Arm(length_km=loss_db * km_per_db, loss_db=loss_db)
    link = ElementaryLink(left=near, right=far)
    rate_hz = evaluate_route((link,), hardware, min_fidelity=demand["min_fidelity"]).lane_rate_hz
    digits = 10.0 ** (math.floor(math.log10(rate_hz)) - 2)
    return max(EASY_HZ[demand["rate_plane"]], math.floor(rate_hz / digits) * digits)


def least_loss_db(network: Network, demand: dict[str, Any]) -> float:
    """Return the loss of the least lossy route, or of the worse of the two disjoint ones that lose least together."""
    graph = design_graph(network)
    ends = network.site(demand["a"]).node, network.site(demand["b"]).node
    if demand["routes"] == 1:
        trees, _ = shortest_trees(graph, graph.span_loss_db, np.array(ends[:1], dtype=np.int64))
        return float(trees[0, ends[1]])
    pair = disjoint_pair(graph, graph.span_loss_db, *ends)
    if pair is None:
        raise ValueError(f"no two disjoint ways between {demand['a']} and {demand['b']}")
    return max(float(graph.span_loss_db[path].sum()) for path in pair)
