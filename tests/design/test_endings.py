"""How `planner design` can end: one test for each way, at the level of the command, its exit code and its file."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from planner.cli import app
from planner.design import solvers
from planner.network import network_to_geojson
from worlds import PAIRS, World, demand, make_world, phases, stored

ROOT = Path(__file__).parents[2]
GRID = "A--+--B--+--C\n|  |  |  |  |\n+--D--m--E--+\n|  |  |  |  |\nk--+--n--+--p"
FAST: dict[str, Any] = {"min_rate_hz": 100.0}
HARD = [
    demand("A", "C", routes=2),
    demand("B", "D", routes=2),
    stored("A", "E", routes=2, **FAST),
    stored("B", "C", **FAST),
]
"""Demands on the grid whose repeaters no bound settles at once."""


def drawn(folder: Path, drawing: str, demands: list[dict[str, Any]], **changes: Any) -> World:
    """Return a drawn world whose scenario and network are files, as `planner build` leaves them."""
    world = make_world(folder, drawing, demands, **changes)
    (folder / "network.geojson").write_text("".join(network_to_geojson(world.network)), encoding="utf-8")
    return world


def design(folder: Path, *options: str) -> tuple[int, dict[str, Any]]:
    """Return the exit code of the command, and its JSON: the outcome, or the error."""
    arguments = ["design", str(folder / "scenario.yaml"), "--out", str(folder), "--json", *options]
    result = CliRunner().invoke(app, arguments)
    return result.exit_code, json.loads(result.stdout)


def test_a_proof_ends_it(tmp_path: Path) -> None:
    drawn(tmp_path, "A--+--B", [demand("A", "B")])
    code, outcome = design(tmp_path)
    assert (code, outcome["stopped_by"], outcome["gap"]) == (0, "proof", pytest.approx(0.0, abs=1e-7))


def test_the_wanted_gap_ends_it(tmp_path: Path) -> None:
    drawn(tmp_path, GRID, HARD, cell_km=4.0, solver={"work_budget": 100_000, "gap": 0.9})
    code, outcome = design(tmp_path)
    assert (code, outcome["stopped_by"]) == (0, "gap")
    assert 0.0 < outcome["gap"] <= 0.9


def test_the_work_budget_ends_it_at_the_same_plan_every_time(tmp_path: Path) -> None:
    plans = []
    for _ in range(2):
        drawn(tmp_path, GRID, HARD, cell_km=4.0, solver={"work_budget": 2, "gap": 0.0})
        code, outcome = design(tmp_path)
        assert (code, outcome["stopped_by"]) == (0, "work_budget")
        assert outcome["lower_bound"] < outcome["cost"]
        plan = json.loads((tmp_path / "plan.json").read_text(encoding="utf-8"))
        plans.append({key: value for key, value in plan.items() if key != "timing"})
    assert plans[0] == plans[1]


def test_the_clock_ends_it_with_a_plan(tmp_path: Path) -> None:
    drawn(tmp_path, GRID, HARD, cell_km=4.0, solver={"work_budget": 1_000_000, "gap": 0.0})
    code, outcome = design(tmp_path, "--time-limit-s", "0.1")
    assert (code, outcome["stopped_by"]) == (0, "time_limit")
    assert 0.0 < outcome["lower_bound"] < outcome["cost"]


def narrow_world(folder: Path) -> World:
    """Return a world in which the first demand to be routed takes the one source that the second cannot do without."""
    source = PAIRS | {"max_link_loss_db": 5.5, "max_lanes": 1}
    settings: dict[str, Any] = {"technologies": [source], "cell_km": 1.0}
    settings["phases"] = [phases(None)[0] | {"technologies": ["pairs"]}]
    drawing = "n------A---m---B------D"
    demands = [demand("A", "B", id="d0"), demand("B", "D", id="d1")]
    sites = []
    for site in make_world(folder, drawing, demands, **settings).scenario.sites:
        room = {"max_units": {"pair-source": 1}} if site.id in "mn" else {}
        hosts = ["pair_source"] if site.id in "mn" else ["end"]
        sites.append(site.model_dump(mode="json") | {"hosts": hosts} | room)
    return drawn(folder, drawing, demands, sites=sites, **settings)


def test_the_clock_ends_it_without_a_plan_and_nothing_is_called_impossible(tmp_path: Path) -> None:
    narrow_world(tmp_path)
    code, answer = design(tmp_path, "--time-limit-s", "0.1")
    assert code == 3, answer
    assert answer["error"]["proven"] is False
    assert "time limit" in json.dumps(answer)
    assert not (tmp_path / "plan.json").exists()
    code, outcome = design(tmp_path)
    assert code == 0, outcome


def refusal(folder: Path) -> str:
    """Return the reasons of a refusal that is a proof."""
    code, answer = design(folder)
    assert (code, answer["error"]["proven"]) == (1, True)
    assert not (folder / "plan.json").exists()
    return " ".join(answer["error"]["reasons"])


def test_a_bridge_is_named_with_its_metres(tmp_path: Path) -> None:
    drawn(tmp_path, "A--+--B\n|  |\n+--+", [demand("A", "B", routes=2)])
    assert "every route passes 1 spans (1500 m): s02 (1500 m at 5.52119" in refusal(tmp_path)


def test_a_budget_that_cannot_suffice_is_named(tmp_path: Path) -> None:
    drawn(tmp_path, "A--+--B", [demand("A", "B")], phases=phases(1000.0))
    assert "budgets up to phase p1 add up to 1,000 EUR, but the equipment and sites" in refusal(tmp_path)


def test_a_loss_that_nothing_reaches_is_named(tmp_path: Path) -> None:
    drawn(tmp_path, "A--+--B", [demand("A", "B", min_rate_hz=1e6)], cell_km=20.0)
    assert "loses 27.0 dB, too much for 1e+06 pairs per second of fidelity 0.8" in refusal(tmp_path)


class DoomedProcess(subprocess.Popen[bytes]):
    """A child process that is killed as soon as it has started."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        os.kill(self.pid, signal.SIGKILL)


def test_a_killed_solver_ends_it_and_leaves_the_plan_that_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn(tmp_path, GRID, HARD, cell_km=4.0, solver={"work_budget": 2, "gap": 0.0})
    assert design(tmp_path)[0] == 0
    before = (tmp_path / "plan.json").read_bytes()
    monkeypatch.setattr(solvers.subprocess, "Popen", DoomedProcess)
    code, answer = design(tmp_path)
    assert code == 3
    assert "the solver process ended with code -9" in answer["error"]["reasons"][0]
    assert (tmp_path / "plan.json").read_bytes() == before


def test_ctrl_c_keeps_the_best_plan_which_can_be_the_start_of_another_run(tmp_path: Path) -> None:
    drawn(tmp_path, GRID, HARD, cell_km=4.0, solver={"work_budget": 10_000_000, "gap": 0.0})
    command = [sys.executable, "-m", "planner.cli", "design", str(tmp_path / "scenario.yaml"), "--out", str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        time.sleep(8.0)
        child.send_signal(signal.SIGINT)
        _, stderr = child.communicate(timeout=120)
    assert child.returncode == 130, stderr.decode()
    plan = json.loads((tmp_path / "plan.json").read_text(encoding="utf-8"))
    assert plan["outcome"]["stopped_by"] == "interrupt"
    code, outcome = design(tmp_path, "--start", str(tmp_path / "plan.json"), "--time-limit-s", "0.1")
    assert code == 0
    assert outcome["cost"] <= plan["outcome"]["cost"] + 1e-6
