"""Cheapest two-edge-connected networks: every node wants two routes to one other node, over lines of given price.

The networks are those of SNDlib in the package `topohub` (extra `bench`), priced by length: whole metres along great
circles of a sphere of radius 6,371,008.8 m, or thousandths of a unit where they are drawn on paper. With `--folder`,
files in SNDlib's native text format are read instead, priced by the cost of the first module of each link. Two routes
share no line; a node in common is allowed.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from importlib.resources import files
from pathlib import Path

import networkx as nx

from benchmarks.graphs import Graph, graph_world, great_circle_m
from benchmarks.planned import optimum_faults, plan_row
from benchmarks.rows import CACHE, Benchmark, Instance, Request, Row, SkippedError

OPTIMA = {"polska": 2_203_126.0, "cost266": 15_817_283.0}
"""Cheapest two-edge-connected spanning networks in metres; two integer programs agree on them."""
MODULE_OPTIMA = {"polska": 2_720.0, "nobel-germany": 47_960.0, "newyork": 1_257_600.0}
"""The same by the cost of the first module."""
TIME_LIMIT_S = 60.0
MAX_LON_DEG, MAX_LAT_DEG = 179.0, 89.0
"""Places beyond are those of a drawing: their scenario needs a degree around them."""

_NODE = re.compile(r"^\s*(\S+)\s*\(\s*(-?[\d.]+)\s+(-?[\d.]+)\s*\)\s*$")
_LINK = re.compile(r"^\s*\S+\s*\(\s*(\S+)\s+(\S+)\s*\)\s+(?:\S+\s+){4}\(([^)]*)\)\s*$")


def topohub_graphs() -> list[Graph]:
    """Return the SNDlib networks of topohub, priced in metres; raises SkippedError where the package is absent."""
    try:
        folder = files("topohub") / "data" / "sndlib"
    except ModuleNotFoundError as error:
        raise SkippedError("the package topohub is not installed: pip install 'ebit-planner[bench]'") from error
    graphs = []
    for entry in sorted(folder.iterdir(), key=lambda item: item.name):
        if entry.name.endswith(".json"):
            contents = json.loads(entry.read_text(encoding="utf-8"))
            places = {node["id"]: tuple(node["pos"]) for node in contents["nodes"]}
            index = {node: number for number, node in enumerate(sorted(places))}
            in_order = _on_earth([places[node] for node in sorted(places)])
            apart = great_circle_m if in_order else _on_paper
            edges = [
                (index[a], index[b], float(round(apart(places[a], places[b]))))
                for a, b in ((edge["source"], edge["target"]) for edge in contents["edges"])
            ]
            name = entry.name.removesuffix(".json")
            graphs.append(Graph(name=name, nodes=len(places), edges=edges, places=in_order))
    return graphs


def _on_earth(places: list[tuple[float, float]]) -> list[tuple[float, float]] | None:
    """Return places that can be longitudes and latitudes, None for those of a drawing."""
    return places if all(abs(x) <= MAX_LON_DEG and abs(y) <= MAX_LAT_DEG for x, y in places) else None


def _on_paper(a: Sequence[float], b: Sequence[float]) -> float:
    """Return the distance between two places of a drawing, in thousandths of its unit."""
    return 1000.0 * math.dist(a, b)


def read_native(path: Path) -> Graph:
    """Return the network of a file in SNDlib's native format, each link priced by its first module.

    Raises ValueError where the file has no nodes or links that can be read.
    """
    text = path.read_text(encoding="utf-8", errors="replace")
    nodes = [found.groups() for found in map(_NODE.match, _block(text, "NODES")) if found]
    index = {name: number for number, (name, _, _) in enumerate(nodes)}
    links = [found.groups() for found in map(_LINK.match, _block(text, "LINKS")) if found]
    if not nodes or not links:
        raise ValueError(f"{path}: no nodes or no links of SNDlib's native format")
    edges = [(index[a], index[b], float(modules.split()[1])) for a, b, modules in links if len(modules.split()) > 1]
    if len(edges) < len(links):
        raise ValueError(f"{path}: {len(links) - len(edges)} links without a module")
    places = _on_earth([(float(x), float(y)) for _, x, y in nodes])
    return Graph(name=path.stem, nodes=len(nodes), edges=edges, places=places)


def _block(text: str, name: str) -> list[str]:
    """Return the lines between `NAME (` and the bracket that closes it."""
    found = re.search(rf"^{name}\s*\(\s*$(.*?)^\)\s*$", text, flags=re.MULTILINE | re.DOTALL)
    return found.group(1).splitlines() if found else []


def instances(request: Request) -> Sequence[Instance]:
    """Return one instance for every network that has a two-edge-connected spanning network at all."""
    if request.folder is None:
        known, graphs = OPTIMA, topohub_graphs()
    else:
        known, graphs = MODULE_OPTIMA, [read_native(path) for path in sorted(request.folder.glob("*.txt"))]
        if not graphs:
            raise SkippedError(f"no .txt files of SNDlib in {request.folder}")
    limit_s = request.number("time_limit_s", TIME_LIMIT_S)
    return [
        Instance(name=graph.name, estimate_s=30.0, run=partial(run, graph, known.get(graph.name), limit_s))
        for graph in graphs
        if has_two_routes(graph)
    ]


def has_two_routes(graph: Graph) -> bool:
    """Return whether every node has two routes to every other one."""
    multi: nx.MultiGraph[int] = nx.MultiGraph((a, b) for a, b, _ in graph.edges if a != b)
    simple = nx.Graph(multi)
    single = [pair for pair in nx.bridges(simple) if multi.number_of_edges(*pair) == 1] if simple else []
    return len(multi) == graph.nodes and nx.is_connected(multi) and not single


def run(graph: Graph, optimum: float | None, time_limit_s: float = TIME_LIMIT_S) -> Row:
    """Return the row of one network."""
    demands = [(0, node, 2) for node in range(1, graph.nodes)]
    world = graph_world(graph, demands, CACHE / "worlds" / f"survivable-{graph.name}", time_limit_s=time_limit_s)
    row, _, _ = plan_row(graph.name, world.network, world.scenario)
    row = replace(row, optimum=optimum)
    faults = optimum_faults(row)
    return row.with_more(error=faults) if faults else row


BENCHMARK = Benchmark(summary="Cheapest two-edge-connected networks of SNDlib", instances=instances)
