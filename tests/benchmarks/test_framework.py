"""The benchmarks' own machinery, on tiny instances: reading, peers, worlds, rows, resuming."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import networkx as nx
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # the benchmarks are no part of the installed package

from benchmarks import runner  # noqa: E402
from benchmarks.compact import solve_compactly  # noqa: E402
from benchmarks.graphs import Graph, graph_world, great_circle_m, tree_demands  # noqa: E402
from benchmarks.peers import Wish, plan_greedily, steiner_tree_cost  # noqa: E402
from benchmarks.planned import optimum_faults, plan_row  # noqa: E402
from benchmarks.registry import MODULES, benchmark  # noqa: E402
from benchmarks.rows import COLUMNS, Benchmark, Instance, Request, Row  # noqa: E402
from benchmarks.steiner import read_optima, read_steiner  # noqa: E402
from benchmarks.survivable import has_two_routes, read_native  # noqa: E402
from benchmarks.table import table_lines  # noqa: E402

STAR = """33D32945 STP File
SECTION Comment
Name "star"
END
SECTION Graph
Nodes 4
Edges 6
E 1 4 10
E 2 4 10
E 3 4 10
E 1 2 18
E 2 3 18
E 1 3 18
END
SECTION Tree Decomposition
s td 1 4 4
b 1 1 2 3 4
END
SECTION Terminals
Terminals 3
T 1
T 2
T 3
END
EOF
"""
SQUARE = [(0, 1, 3.0), (1, 2, 3.0), (2, 3, 3.0), (3, 0, 3.0), (0, 2, 4.0)]


@pytest.fixture
def star(tmp_path: Path) -> Path:
    path = tmp_path / "star.gr"
    path.write_text(STAR)
    return path


def test_reads_steiner_files_and_skips_unknown_sections(star: Path) -> None:
    file = read_steiner(star)
    assert (file.graph.nodes, len(file.graph.edges), file.terminals) == (4, 6, (0, 1, 2))
    assert read_optima(star.parent) == {}
    (star.parent / "optima.csv").write_text("file,optimum\nstar.gr,30\n")
    assert read_optima(star.parent) == {"star.gr": 30.0}


@pytest.mark.parametrize(("old", "new"), [("E 1 4 10", "E 1 4 ten"), ("E 1 4 10", ""), ("E 1 4 10", "E 1 9 10")])
def test_refuses_spoiled_steiner_files(star: Path, old: str, new: str) -> None:
    star.write_text(STAR.replace(old, new, 1))
    with pytest.raises(ValueError, match=r"star\.gr"):
        read_steiner(star)


def test_plan_of_a_steiner_file_is_optimal_and_passes_its_checks(star: Path, tmp_path: Path) -> None:
    file = read_steiner(star)
    world = graph_world(file.graph, tree_demands(file.terminals), tmp_path / "world", time_limit_s=5.0, gap=1e-4)
    row, plan, verdict = plan_row("star", world.network, world.scenario)
    assert plan is not None
    assert verdict is not None
    assert row.ours == pytest.approx(30.0)
    assert 29.9 < row.bound <= 30.0
    assert verdict.passed, verdict.failed_checks[:3]
    assert row.more["checks_failed"] == 0
    assert row.peak_mb > 1.0


def test_plan_of_two_routes_has_the_price_of_the_ring(tmp_path: Path) -> None:
    places = [(5.0, 50.0), (5.1, 50.0), (5.1, 50.1), (5.0, 50.1)]
    graph = Graph(name="square", nodes=4, edges=SQUARE, places=places)
    world = graph_world(graph, [(0, 2, 2)], tmp_path, time_limit_s=5.0, gap=1e-4)
    row, _, verdict = plan_row("square", world.network, world.scenario)
    assert row.ours == pytest.approx(10.0)
    assert verdict is not None
    assert verdict.passed, verdict.failed_checks[:3]


def test_worlds_price_every_edge_as_the_graph_does(tmp_path: Path) -> None:
    world = graph_world(Graph(name="square", nodes=4, edges=SQUARE), [(0, 2, 1)], tmp_path, time_limit_s=5.0)
    assert world.network.spans.trench_capex.tolist() == [price for *_, price in SQUARE]
    with pytest.raises(ValueError, match="not negative"):
        graph_world(Graph(name="bad", nodes=2, edges=[(0, 1, -1.0)]), [(0, 1, 1)], tmp_path, time_limit_s=5.0)


def test_peers_agree_with_what_is_known_by_hand() -> None:
    assert steiner_tree_cost(5, [*SQUARE, (1, 1, 0.0)], [1, 3]) == 6.0
    spans = [(a, b, (price,)) for a, b, price in SQUARE]
    pair = plan_greedily(spans, [Wish(a=0, b=2, routes=2, phase=0)])
    assert pair.cost == 10.0
    assert set(pair.span_phase.values()) == {0}
    compact = solve_compactly(spans, [Wish(a=0, b=2, routes=2, phase=0)], time_limit_s=10.0, seed=1)
    assert compact.cost == pytest.approx(10.0)
    assert compact.bound == pytest.approx(10.0)
    with pytest.raises(nx.NetworkXNoPath):
        plan_greedily([(0, 1, (1.0,))], [Wish(a=0, b=1, routes=2, phase=0)])


def test_greedy_peer_builds_later_phases_on_what_stands() -> None:
    spans = [(0, 1, (4.0, 2.0)), (1, 2, (4.0, 2.0))]
    wishes = [Wish(a=0, b=1, routes=1, phase=0), Wish(a=0, b=2, routes=1, phase=1)]
    plan = plan_greedily(spans, wishes)
    assert plan.span_phase == {0: 0, 1: 1}
    assert plan.cost == 6.0


@pytest.mark.parametrize("seed", range(6))
def test_greedy_peer_is_a_plan_and_never_cheaper_than_the_compact_optimum(seed: int) -> None:
    random = np.random.default_rng(seed)
    graph = nx.gnm_random_graph(9, 18, seed=seed)
    graph = graph.subgraph(max(nx.k_edge_components(graph, 2), key=len))
    nodes = sorted(graph)
    spans = [(a, b, (float(random.integers(1, 20)),)) for a, b in sorted(graph.edges)]
    wishes = [Wish(a=nodes[0], b=node, routes=1 + int(random.integers(2)), phase=0) for node in nodes[1:4]]
    greedy = plan_greedily(spans, wishes)
    built = nx.Graph(spans[span][:2] for span in greedy.span_phase)
    for wish in wishes:
        assert nx.edge_connectivity(built, wish.a, wish.b) >= wish.routes
    best = solve_compactly(spans, wishes, time_limit_s=20.0, seed=1)
    assert best.cost is not None
    assert greedy.cost >= best.cost - 1e-6


def test_faults_against_a_known_optimum() -> None:
    assert optimum_faults(Row(instance="x", ours=10.0, bound=9.0, optimum=10.0)) == ""
    assert "below" in optimum_faults(Row(instance="x", ours=9.0, bound=8.0, optimum=10.0))
    assert "above" in optimum_faults(Row(instance="x", ours=11.0, bound=10.5, optimum=10.0))


def test_reads_native_sndlib_files(tmp_path: Path) -> None:
    path = tmp_path / "tiny.txt"
    path.write_text(
        "?SNDlib native format; type: network; version: 1.0\n\nNODES (\n  A ( 18.6 54.2 )\n  B ( 17.9 53.1 )\n)\n\n"
        "LINKS (\n  L1 ( A B ) 0.00 0.00 0.00 0.00 ( 155.00 156.00 622.00 468.00 )\n)\n\nDEMANDS (\n)\n"
    )
    graph = read_native(path)
    assert (graph.nodes, list(graph.edges)) == (2, [(0, 1, 156.0)])
    assert not has_two_routes(graph)
    assert has_two_routes(Graph(name="square", nodes=4, edges=SQUARE))


def test_great_circles_match_the_published_lengths_of_polska() -> None:
    pytest.importorskip("topohub", reason="the extra `bench` is not installed")
    from benchmarks.survivable import topohub_graphs

    polska = next(graph for graph in topohub_graphs() if graph.name == "polska")
    tree = nx.minimum_spanning_tree(nx.Graph((a, b, {"weight": price}) for a, b, price in polska.edges))
    assert tree.size(weight="weight") == 1_569_848
    atlanta = next(graph for graph in topohub_graphs() if graph.name == "atlanta")
    assert atlanta.places is None, "a drawing, not longitudes and latitudes"
    assert great_circle_m((0.0, 0.0), (180.0, 0.0)) == pytest.approx(np.pi * 6_371_008.8)


def test_every_registered_benchmark_has_instances_with_names_of_their_own() -> None:
    for name in MODULES:
        found = benchmark(name)
        assert found.summary
        try:
            names = [item.name for item in found.instances(Request())]
        except Exception as error:
            if type(error).__name__ != "SkippedError":
                raise
            continue
        assert names
        assert len(set(names)) == len(names)


def test_rows_are_remembered_by_commit_and_run_again_when_fresh(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ran: list[str] = []

    def run(name: str, request: Request, instance: str) -> Row:
        ran.append(instance)
        return Row(instance=instance, ours=1.0, more={"error": "failed"} if instance == "bad" else {})

    monkeypatch.setattr(runner, "CACHE", tmp_path)
    monkeypatch.setattr(runner, "_run", run)
    monkeypatch.setattr(runner, "commit", lambda: "abc")
    items = [Instance(name=name, estimate_s=1.0, run=lambda: Row(instance="")) for name in ("good", "bad")]
    chosen = Benchmark(summary="test", instances=lambda request: items, needs_warm_up=False)

    def names(**options: object) -> list[str]:
        ran.clear()
        rows = list(runner.run_all("test", chosen, Request(), **options))  # type: ignore[arg-type]
        assert {row.instance for row in rows} == ({"good", "bad"} if not options.get("only") else {"good"})
        return list(ran)

    assert names() == ["good", "bad"]
    assert names() == ["bad"], "what failed is run again, what passed is not"
    assert names(fresh=True) == ["good", "bad"]
    assert names(only="goo*") == []
    monkeypatch.setattr(runner, "commit", lambda: "abc+")
    assert names() == ["good", "bad"], "changed files are not the commit"
    assert "2 instances to run" in capsys.readouterr().err


def test_rows_have_the_standard_columns_in_json_and_in_the_table() -> None:
    row = Row(instance="x", ours=1234567.0, gap=0.0123).with_more(stopped_by="gap")
    columns = json.loads(row.to_json())
    assert list(columns)[: len(COLUMNS)] == list(COLUMNS)
    assert columns["peer"] is None
    assert columns["stopped_by"] == "gap"
    assert runner.row_from(columns) == row
    lines = list(table_lines([row]))
    assert "1,234,567" in lines[2]
    assert "1.230%" in lines[2]
