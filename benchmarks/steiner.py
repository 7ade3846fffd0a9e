"""Steiner trees with published optima: one demand of one route per terminal, no limits.

Reads every `.gr` file (the format of the PACE challenge) of a folder, and `optima.csv` there if it exists. The whole
goes through `design_plan`, so that the plan holds a route for every terminal and is verified like any other.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from benchmarks.graphs import Graph, graph_world, tree_demands
from benchmarks.peers import steiner_tree_cost
from benchmarks.planned import optimum_faults, plan_row
from benchmarks.rows import CACHE, SHARED, Benchmark, Instance, Request, Row, SkippedError

FOLDER = SHARED / "data" / "bench" / "steiner-pace2018"
SMALL_NODES, SMALL_S, LARGE_S = 4000, 20.0, 60.0
"""Design time allowed up to so many nodes, and above."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SteinerFile:
    """A graph and the nodes that a tree must join."""

    graph: Graph
    terminals: tuple[int, ...]


def read_steiner(path: Path) -> SteinerFile:
    """Return the graph and terminals of a `.gr` file; sections other than these two are skipped.

    Raises ValueError, with the line, for what cannot be read or contradicts the stated numbers.
    """
    nodes, edges, terminals, stated = 0, [], [], {"edges": 0, "terminals": 0}
    section = ""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        words = line.split()
        if not words:
            continue
        key = words[0].lower()
        try:
            match key:
                case "section":
                    section = " ".join(words[1:]).lower()
                case "end":
                    section = ""
                case "nodes" if section == "graph":
                    nodes = int(words[1])
                case "edges" | "terminals" if section in ("graph", "terminals"):
                    stated[key] = int(words[1])
                case "e" if section == "graph":
                    edges.append((int(words[1]) - 1, int(words[2]) - 1, float(words[3])))
                case "t" if section == "terminals":
                    terminals.append(int(words[1]) - 1)
        except (IndexError, ValueError) as error:
            raise ValueError(f"{path}:{number}: {line.strip()!r} cannot be read") from error
    found = {"edges": len(edges), "terminals": len(terminals)}
    if found != stated or not all(0 <= node < nodes for edge in edges for node in edge[:2]):
        raise ValueError(f"{path}: states {nodes} nodes, {stated}, but holds {found}, or nodes beyond")
    graph = Graph(name=path.stem, nodes=nodes, edges=edges)
    return SteinerFile(graph=graph, terminals=tuple(terminals))


def read_optima(folder: Path) -> dict[str, float]:
    """Return file name -> optimum from `optima.csv`; empty where there is no such file."""
    path = folder / "optima.csv"
    if not path.exists():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        return {row["file"]: float(row["optimum"]) for row in csv.DictReader(file) if row.get("optimum")}


def instances(request: Request) -> Sequence[Instance]:
    """Return one instance for every `.gr` file of the folder, small files first."""
    folder = request.folder or FOLDER
    files = sorted(folder.glob("*.gr"), key=lambda path: (path.stat().st_size, path.name))
    if not files:
        raise SkippedError(f"no .gr files in {folder}")
    limit = request.settings.get("time_limit_s")
    return [
        Instance(
            name=path.stem,
            estimate_s=25.0 if path.stat().st_size < 100_000 else 90.0,
            run=partial(run, path, None if limit is None else float(limit)),
        )
        for path in files
    ]


def run(path: Path, time_limit_s: float | None = None) -> Row:
    """Return the row of one file; `peer` is NetworkX's approximation."""
    file = read_steiner(path)
    graph = file.graph
    limit_s = time_limit_s or (SMALL_S if graph.nodes <= SMALL_NODES else LARGE_S)
    folder = CACHE / "worlds" / f"steiner-{graph.name}"
    world = graph_world(graph, tree_demands(file.terminals), folder, time_limit_s=limit_s)
    row, _, _ = plan_row(path.stem, world.network, world.scenario)
    started_s = time.perf_counter()
    peer = steiner_tree_cost(graph.nodes, graph.edges, file.terminals)
    row = replace(
        row,
        optimum=read_optima(path.parent).get(path.name),
        peer=peer,
        peer_seconds=round(time.perf_counter() - started_s, 3),
    )
    above = None if row.ours is None or not row.optimum else row.ours / row.optimum - 1.0
    below = None if row.bound is None or not row.optimum else 1.0 - row.bound / row.optimum
    row = row.with_more(terminals=len(file.terminals), over_optimum_share=above, bound_below_optimum_share=below)
    faults = optimum_faults(row)
    return row.with_more(error=faults) if faults else row


BENCHMARK = Benchmark(summary="Steiner trees of a folder of .gr files, against their optima", instances=instances)
