"""Repeater allocation on a tiny graph: ours against the link formulation, and the toy model's limits."""

from __future__ import annotations

import doctest
import sys
from pathlib import Path

import networkx as nx
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # the benchmarks are no part of the installed package

from benchmarks import repalloc  # noqa: E402
from benchmarks.planned import plan_row  # noqa: E402
from benchmarks.repalloc_peer import solve_link_formulation  # noqa: E402


def write_ring(folder: Path) -> None:
    """Write a ring of eight nodes with a chord; two ends lie opposite each other, a third beside the first."""
    graph: nx.Graph[int] = nx.Graph()
    for node in range(8):
        graph.add_node(node, label=str(node), type="end_node" if node in (0, 1, 4) else "repeater_node")
    graph.add_edges_from([(node, (node + 1) % 8) for node in range(8)], length=0.4)
    graph.add_edge(2, 6, length=0.5)
    nx.write_gml(graph, folder / "ring.gml")


@pytest.mark.parametrize(("chains", "is_disjoint"), [(1, False), (2, False)])
def test_ours_needs_as_few_repeaters_as_the_link_formulation(tmp_path: Path, chains: int, is_disjoint: bool) -> None:
    write_ring(tmp_path)
    (graph,) = repalloc.read_graphs(tmp_path)
    assert graph.ends == (0, 1, 4)
    case = repalloc.Case(graph=graph, chains=chains, capacity=2, is_disjoint=is_disjoint)
    row, _, verdict = plan_row(case.name, *repalloc.repeater_world(case, tmp_path / "world"))
    peer = solve_link_formulation(repalloc.link_problem(case), time_limit_s=30.0)
    assert verdict is not None
    assert [(c.name, c.subject, c.actual) for c in verdict.failed_checks] == []
    assert row.ours == pytest.approx(peer.repeaters)
    assert row.bound == row.ours


def test_the_toy_model_gives_the_published_limits() -> None:
    assert doctest.testmod(repalloc).failed == 0
