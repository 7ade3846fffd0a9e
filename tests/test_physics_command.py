"""`planner physics`: budgets, curves and the table of experiments, as text, JSON and SVG."""

from __future__ import annotations

import json
import shutil
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from planner import linkreport
from planner.cli import app
from planner.examples import bundled_folder
from planner.physics.experiments import EXPERIMENTS
from planner.physics.validation import Comparison

SVG = "{http://www.w3.org/2000/svg}"


def run(*arguments: str | Path | float) -> Any:
    return CliRunner().invoke(app, ["physics", *(str(argument) for argument in arguments)])


@pytest.mark.parametrize(
    "arguments",
    [
        ("--source", "spdc-2026"),
        ("--source", "spdc-2026", "--fiber", "metro-1550", "--min-fidelity", 0.97),
        ("--memory", "near-term-2030", "--links", 3, "--length-km", 45),
        ("--memory", "nv-2024", "--link-model", "single_click", "--loss-db", 10.8),
        ("--memory", "rb-2022", "--links", 4),
        ("--memory", "near-term-2030", "--arms-km", "3,5,4,4.5", "--joints", 6, "--patches", 1, "--noise-hz", 500),
        ("--memory", "near-term-2030", "--source", "spdc-2026"),
        ("--memory", "near-term-2030", "--link-model", "sender_receiver", "--links", 2, "--cutoff"),
        ("--memory", "near-term-2030", "--distillation", "bbpssw", "--min-fidelity", 0.95),
        ("--source", "spdc-2026", "--link-model", "broadcast_source", "--hub-users", 8),
        ("--source", "spdc-2026", "--arms-km", "2,8"),
    ],
)
def test_text_and_json_say_the_same(arguments: tuple[str | float, ...]) -> None:
    text = run(*arguments)
    assert text.exit_code == 0, text.output
    contents = json.loads(run(*arguments, "--json").stdout)
    for step in contents["steps"]:
        assert f"  {step['name']:<28}{step['value']:>12.5g} {step['unit']}".rstrip() in text.stdout
    assert contents["performance"]["lane_rate_hz"] == next(s["value"] for s in contents["steps"] if s["name"] == "rate")
    assert all(f"limit: {limit}" in text.stdout for limit in contents["performance"]["limits"])
    assert "assumed in the catalog:" in text.stdout


def test_terminations_fit_the_fiber() -> None:
    all_in, parts = (run("--source", "spdc-2026", "--fiber", glass) for glass in ("metro-1550-all-in", "metro-1550"))
    assert "for all-in fiber" in all_in.stdout
    assert "for all-in fiber" not in parts.stdout
    assert "1 dB     ageing and repair splices" in parts.stdout


def test_another_catalog_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    shutil.copy(bundled_folder() / "data" / "hardware.yaml", path)
    path.write_text(path.read_text(encoding="utf-8").replace("  spdc-2026:", "  my-source:"), encoding="utf-8")
    assert run("--hardware", path, "--source", "my-source").exit_code == 0
    result = run("--hardware", path, "--source", "spdc-2026")
    assert result.exit_code == 2
    assert "my-source" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "--memory or a --source"),
        (("--memory", "siv-2024", "--source", "spdc-2026", "--link-model", "double_click"), "absorptive"),
        (("--memory", "siv-2024", "--arms-km", "3,x"), "no list of lengths"),
        (("--memory", "siv-2024", "--arms-km", "3,4,5"), "even number"),
        (("--memory", "siv-2024", "--arms-km", "3,4", "--curve", "x.svg"), "equal links"),
        (("--memory", "siv-2024", "--distillation", "magic"), "bbpssw, dejmps"),
        (("--source", "spdc-2026", "--channel", "none"), "no 'none'"),
        (("--memory", "nowhere"), "near-term-2030"),
        (("--source", "spdc-2026", "--links", 2), "spans one link"),
        (("--memory", "siv-2024", "--link-model", "pair_source"), "double_click, single_click, sender_receiver"),
        (("--memory", "siv-2024", "--termination", "x"), "memory-arm-all-in"),
        (("--memory", "rb-2022", "--links", 9), "1 to 8 links"),
        (("--memory", "siv-2024", "--length-km", 0, "--curve", "x.svg"), "above zero"),
    ],
)
def test_bad_questions_are_explained(arguments: tuple[str | float, ...], message: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    assert message in result.stderr


@pytest.mark.parametrize("device", [("--source", "spdc-2026"), ("--memory", "near-term-2030", "--links", 2)])
def test_the_curve_is_a_drawing_with_words(tmp_path: Path, device: tuple[str | float, ...]) -> None:
    path = tmp_path / "deep" / "curve.svg"
    result = run(*device, "--length-km", 30, "--curve", path)
    assert result.exit_code == 0, result.output
    assert str(path) in result.stderr
    root = ET.fromstring(path.read_text(encoding="utf-8"))
    assert root.tag == f"{SVG}svg"
    assert "30 km" in (root.findtext(f"{SVG}title") or "")
    assert "pairs per second" in (root.findtext(f"{SVG}desc") or "")
    words = {element.text for element in root.iter(f"{SVG}text")}
    assert {"fidelity", "route length, km", "pairs", "60"} <= words
    lines = [element.get("points", "").split() for element in root.iter(f"{SVG}polyline")]
    assert max(len(line) for line in lines) == linkreport.CURVE_POINTS
    for line in lines:
        for x, y in (map(float, place.split(",")) for place in line):
            assert 0.0 <= x <= 760.0
            assert 0.0 <= y <= 560.0
    again = tmp_path / "again.svg"
    assert run(*device, "--length-km", 30, "--curve", again).exit_code == 0
    assert again.read_bytes() == path.read_bytes()


def test_a_curve_that_cannot_be_written_is_an_output_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    assert run("--source", "spdc-2026", "--curve", tmp_path / "file" / "curve.svg").exit_code == 4


def test_validation_prints_every_experiment_and_succeeds() -> None:
    result = run("--validate")
    assert result.exit_code == 0, result.output
    assert all(experiment.name in result.stdout for experiment in EXPERIMENTS)
    assert max(len(line) for line in result.stdout.splitlines()) <= 120
    rows = json.loads(run("--validate", "--json").stdout)["experiments"]
    assert len(rows) == sum(len(experiment.figures) for experiment in EXPERIMENTS)
    assert {row["verdict"] for row in rows} == {"agrees", "not claimed"}


def test_the_page_on_physics_shows_what_is_printed() -> None:
    page = (Path(__file__).resolve().parent.parent / "docs" / "physics.md").read_text(encoding="utf-8")
    assert f"```text\n{run('--validate').stdout}```" in page


def test_a_claim_that_fails_is_an_answer_of_no(monkeypatch: pytest.MonkeyPatch) -> None:
    experiment = EXPERIMENTS[0]
    missed = Comparison(experiment=experiment, figure=experiment.figures[0], ours=1.0)
    monkeypatch.setattr(linkreport, "compare_experiments", lambda: (missed,))
    result = run("--validate")
    assert result.exit_code == 1
    assert "differs" in result.stdout
    assert "0 of 1 claimed figures agree" in result.stdout
