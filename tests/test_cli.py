"""The commands: what they print, write and return, for good and bad input."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from planner.cli import app
from planner.examples import example_names
from worlds import demand, make_world, phases

RUNNER = CliRunner()
STREETS = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "properties": {"id": name, "highway": "residential"},
            "geometry": {"type": "LineString", "coordinates": line},
        }
        for name, line in (
            ("north", [[5.5, 50.6], [5.51, 50.605], [5.52, 50.6]]),
            ("south", [[5.5, 50.6], [5.51, 50.595], [5.52, 50.6]]),
            ("spur", [[5.52, 50.6], [5.53, 50.6]]),
            ("island", [[5.56, 50.6], [5.57, 50.6]]),
        )
    ],
}
SITES = [
    {"id": name, "name": f"site {name}", "kind": "campus", "lon_deg": lon, "lat_deg": 50.6,
     "hosts": ["end", "pair_source", "heralding", "repeater"]}
    for name, lon in (("A", 5.5), ("B", 5.52), ("C", 5.53))
]  # fmt: skip


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    """Return the path of a small scenario with two ways between A and B, and C behind a bridge."""
    make_world(tmp_path, "A-B-C", [demand("A", "B", routes=2)], sites=SITES, max_snap_m=400.0)
    (tmp_path / "streets.geojson").write_text(json.dumps(STREETS), encoding="utf-8")
    return tmp_path / "scenario.yaml"


def change(scenario: Path, **changes: Any) -> None:
    contents = json.loads(scenario.read_text(encoding="utf-8"))
    scenario.write_text(json.dumps(contents | changes, indent=1), encoding="utf-8")


def run(*arguments: str | Path) -> Any:
    return RUNNER.invoke(app, [str(argument) for argument in arguments])


def test_run_makes_every_result_and_ends_with_the_report(scenario: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = run("run", scenario, "--out", out, "--strict")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[-1] == str(out / "report.html")
    assert {path.name for path in out.iterdir()} == {"network.geojson", "plan.json", "verdict.json", "report.html"}
    assert "checks passed" in result.stderr
    assert json.loads((out / "verdict.json").read_text(encoding="utf-8"))["passed"] is True


def test_stages_run_alone_from_the_files_of_the_stage_before(scenario: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for command in ("build", "design", "verify", "report"):
        result = run(command, scenario, "--out", out)
        assert result.exit_code == 0, result.output
    whole = tmp_path / "whole"
    assert run("run", scenario, "--out", whole).exit_code == 0
    for name in ("network.geojson", "verdict.json"):
        assert (out / name).read_bytes() == (whole / name).read_bytes()
    plans = [json.loads((folder / "plan.json").read_text(encoding="utf-8")) for folder in (out, whole)]
    assert all(plan.pop("timing") for plan in plans)
    assert plans[0] == plans[1]


def test_json_prints_one_document(scenario: Path, tmp_path: Path) -> None:
    result = run("run", scenario, "--out", tmp_path / "out", "--json")
    contents = json.loads(result.stdout)
    assert contents["passed"] is True
    assert 0.0 <= contents["gap"] <= 1.0
    change(scenario, titel="x")
    result = run("check", scenario, "--json")
    error = json.loads(result.stdout)["error"]
    assert (result.exit_code, error["code"], error["kind"]) == (2, 2, "input")
    assert error["problems"][0]["key_path"] == "titel"


def test_compare_sets_results_side_by_side(scenario: Path, tmp_path: Path) -> None:
    change(scenario, phases=phases(None, None), demands=[demand("A", "B"), demand("A", "C", from_phase="p2")])
    for rollout in ("joint", "step-by-step"):
        assert run("run", scenario, "--out", tmp_path / rollout, "--rollout", rollout).exit_code == 0
    result = run("compare", tmp_path / "joint", tmp_path / "step-by-step")
    assert result.exit_code == 0
    for words in ("net present cost", "lower bound", "p2: capex", "2 of 2", "step-by-step", "verified"):
        assert words in result.stdout
    document = json.loads(run("compare", tmp_path / "joint", tmp_path / "step-by-step", "--json").stdout)
    joint, steps = document["results"]
    assert joint["cost"] <= steps["cost"] + 1e-6
    assert [phase["served"] for phase in joint["phases"]] == [1, 2]


def test_drawn_routes_are_evaluated_without_a_search(scenario: Path, tmp_path: Path) -> None:
    drawn, out = tmp_path / "drawn.yaml", tmp_path / "drawn"
    drawn.write_text(
        "routes:\n  - {demand: A-B, line: [[5.5, 50.6], [5.51, 50.605], [5.52, 50.6]]}\n", encoding="utf-8"
    )
    result = run("evaluate", scenario, "--plan", drawn, "--out", out, "--json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document["cost"] > 0.0
    assert {check["name"] for check in document["failed_checks"]} == {"demands_are_served"}  # it asks for two routes
    assert run("report", scenario, "--out", out).exit_code == 0
    assert run("evaluate", scenario, "--plan", drawn, "--out", out, "--strict").exit_code == 1
    south = "  - {demand: A-B, line: [[5.5, 50.6], [5.51, 50.595], [5.52, 50.6]]}\n"
    drawn.write_text(drawn.read_text(encoding="utf-8") + south, encoding="utf-8")
    result = run("evaluate", scenario, "--plan", drawn, "--out", out, "--strict", "--bound")
    assert result.exit_code == 0, result.output
    assert "given, not searched" in result.stderr


@pytest.mark.parametrize(
    ("changes", "code", "message"),
    [
        ({"demands": [demand("A", "Z")]}, 2, "demands[0].b: unknown site 'Z'"),
        ({"layers": {"streets": {"path": "gone.geojson"}}}, 2, "no such file: gone.geojson"),
        ({"layers": {"streets": {"path": "streets.geojson", "crs": "EPSG:99999"}}}, 2, "EPSG:99999"),
        ({"demands": [demand("A", "C", routes=2)]}, 1, "every route passes"),
        ({"phases": phases(100_000.0)}, 1, "cannot do without cost at least"),
        ({"max_snap_m": 1.0, "sites": [{**SITES[0], "lat_deg": 50.61}, *SITES[1:]]}, 2, "site A"),
    ],
)
def test_bad_input_is_explained_and_overwrites_nothing(
    scenario: Path, tmp_path: Path, changes: dict[str, Any], code: int, message: str
) -> None:
    out = tmp_path / "out"
    assert run("run", scenario, "--out", out).exit_code == 0
    kept = {name: (out / name).read_bytes() for name in ("plan.json", "verdict.json", "report.html")}
    change(scenario, **changes)
    result = run("run", scenario, "--out", out)
    assert result.exit_code == code, result.output
    assert message in result.stderr
    assert {name: (out / name).read_bytes() for name in kept} == kept


def test_an_unreachable_site_is_named_with_its_place(scenario: Path, tmp_path: Path) -> None:
    far = {**SITES[2], "lon_deg": 5.565}
    change(scenario, sites=[*SITES[:2], far], demands=[demand("A", "C")])
    result = run("run", scenario, "--out", tmp_path / "out")
    assert result.exit_code in (1, 2)
    assert "C" in result.stderr
    assert "5.565" in result.stderr


def test_stale_files_are_refused(scenario: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run("build", scenario, "--out", out).exit_code == 0
    change(scenario, title="another title")
    result = run("design", scenario, "--out", out)
    assert result.exit_code == 2
    assert "run planner build" in result.stderr
    result = run("design", scenario, "--out", tmp_path / "empty")
    assert result.exit_code == 2
    assert "no network here" in result.stderr


def test_a_folder_that_cannot_be_written_fails_before_the_work(scenario: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    result = run("run", scenario, "--out", tmp_path / "file")
    assert result.exit_code == 4
    assert (tmp_path / "file").read_text(encoding="utf-8") == "in the way"


def test_a_failed_check_fails_a_strict_run_only(scenario: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run("run", scenario, "--out", out).exit_code == 0
    plan = json.loads((out / "plan.json").read_text(encoding="utf-8"))
    plan["services"][0]["routes"][0]["rate_hz"] *= 2
    spoiled = tmp_path / "spoiled.json"
    spoiled.write_text(json.dumps(plan), encoding="utf-8")
    assert run("verify", scenario, "--out", out, "--plan", spoiled).exit_code == 0
    result = run("verify", scenario, "--out", out, "--plan", spoiled, "--strict")
    assert result.exit_code == 1
    assert "rate_is_right" in result.stderr


def test_a_broken_plan_file_is_an_input_error(scenario: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run("build", scenario, "--out", out).exit_code == 0
    for text in ("", "{", '{"format": 2}', "[]"):
        (tmp_path / "bad.json").write_text(text, encoding="utf-8")
        result = run("verify", scenario, "--out", out, "--plan", tmp_path / "bad.json")
        assert result.exit_code == 2
        assert "not a plan" in result.stderr


@pytest.mark.parametrize("name", example_names())
def test_bundled_examples_are_copied_whole_and_in_order(tmp_path: Path, name: str) -> None:
    result = run("init", "--example", name, "--out", tmp_path / name)
    assert result.exit_code == 0, result.output
    result = run("check", result.stdout.strip())
    assert result.exit_code == 0, result.output
    assert "in order" in result.stdout
    assert run("init", "--example", name, "--out", tmp_path / name).exit_code == 4
    assert run("init", "--example", "atlantis", "--out", tmp_path / "x").exit_code == 2


@pytest.mark.parametrize("kind", ["scenario", "plan", "verdict"])
def test_schemas_are_json_schemas_with_documentation(kind: str) -> None:
    schema = json.loads(run("schema", kind).stdout)
    assert schema["type"] == "object"
    assert "description" in json.dumps(schema["properties"])


def test_help_and_check_start_without_the_engines(scenario: Path) -> None:
    program = (
        "import sys; from planner.cli import app\n"
        f"try: app(['check', {str(scenario)!r}])\nexcept SystemExit as end: assert not end.code\n"
        "heavy = {'osmnx', 'geopandas', 'folium', 'pulp', 'numba', 'shapely'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=Path(__file__).parent.parent)


def test_ctrl_c_keeps_the_best_plan_which_can_be_the_start_of_another_run(tmp_path: Path) -> None:
    scenario = Path(__file__).parent.parent / "scenarios" / "helsinki-centre.yaml"
    out = tmp_path / "out"
    command = [sys.executable, "-m", "planner.cli", "run", str(scenario), "--out", str(out), "--gap", "0"]
    with subprocess.Popen(command, cwd=scenario.parent.parent, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        while child.poll() is None and not (out / "network.geojson").exists():
            time.sleep(0.05)
        time.sleep(1.0)  # the search is under way; whatever it has found by now is kept
        child.send_signal(signal.SIGINT)
        _, stderr = child.communicate(timeout=120)
    assert child.returncode == 130, stderr.decode()
    plan = json.loads((out / "plan.json").read_text(encoding="utf-8"))
    assert plan["outcome"]["stopped_by"] == "interrupt"
    assert json.loads((out / "verdict.json").read_text(encoding="utf-8"))["passed"] is True
    again = run("design", scenario, "--out", out, "--start", out / "plan.json", "--gap", "1.0")
    assert again.exit_code == 0, again.output
    resumed = json.loads((out / "plan.json").read_text(encoding="utf-8"))
    assert resumed["outcome"]["cost"] <= plan["outcome"]["cost"] + 1e-6
