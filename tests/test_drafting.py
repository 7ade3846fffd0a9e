"""Scenarios drafted from a user's own files run as they are, and mistakes in the files are located."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from geodata.maps import at, collection, line, street
from planner.cli import app
from planner.scenario import load_scenario

RING = (
    street("south", (0, 0), (2000, 0), highway="residential"),
    street("east", (2000, 0), (2000, 1500), highway="residential"),
    street("north", (0, 1500), (2000, 1500), highway="primary"),
    street("west", (0, 0), (0, 1500), highway="residential"),
    street("bypass", (-500, 0), (-500, 1500), highway="motorway"),
    street("middle", (1000, 0), (1000, 1500), highway="residential"),
)
PLACES = {"a": (950, 10), "b": (1950, 700), "c": (1000, 1520)}
DEMANDS = (
    "id,a,b,min_rate_hz,min_fidelity,routes,from_phase\nfirst,a,b,2000,0.95,2,pilot\nsecond,a,c,1000,0.95,,growth\n"
)


def files(folder: Path, *, streets: Any = RING, demands: str = DEMANDS, places: Any = PLACES) -> list[str]:
    """Write the three files of a user; return the options that name them."""
    (folder / "streets.geojson").write_text(collection(streets), encoding="utf-8")
    rows = [f"{name},Place {name},{lon},{lat}" for name, (lon, lat) in ((n, at(*p)) for n, p in places.items())]
    (folder / "sites.csv").write_text("\n".join(["id,name,lon,lat", *rows]), encoding="utf-8")
    (folder / "demands.csv").write_text(demands, encoding="utf-8")
    names = {"--streets": "streets.geojson", "--sites": "sites.csv", "--demands": "demands.csv"}
    return [word for option, name in names.items() for word in (option, str(folder / name))]


def run(*words: object) -> Any:
    return CliRunner().invoke(app, [str(word) for word in words])


def test_a_draft_from_own_files_runs_as_it_is(tmp_path: Path) -> None:
    out = tmp_path / "town"
    result = run("init", *files(tmp_path), "--out", out)
    assert result.exit_code == 0, result.output
    assert result.stdout.strip() == str(out / "town.yaml")
    assert "demands.csv has no such column, assumed for every demand: rate_plane detected" in result.stderr
    scenario = load_scenario(out / "town.yaml")
    assert [(phase.id, phase.year) for phase in scenario.phases] == [("pilot", 2027), ("growth", 2030)]
    assert [(item.id, item.routes, item.from_phase) for item in scenario.demands] == [
        ("first", 2, "pilot"),
        ("second", 1, "growth"),
    ]
    assert [item.redundancy for item in scenario.demands] == ["maximal", "strict"]
    assert scenario.spec.layers.streets.path == "../streets.geojson"
    assert "motorway" in scenario.spec.right_of_way.forbidden_road_classes
    assert all("repeater" in site.hosts and site.note == "What it may host is assumed" for site in scenario.sites)
    finished = run("run", out / "town.yaml", "--out", tmp_path / "report", "--strict")
    assert finished.exit_code == 0, finished.output
    assert (tmp_path / "report" / "report.html").is_file()
    assert run("init", *files(tmp_path), "--out", out).exit_code == 4


def test_the_schema_beside_a_draft_knows_its_keys(tmp_path: Path) -> None:
    assert run("init", *files(tmp_path), "--out", tmp_path / "town").exit_code == 0
    schema = json.loads((tmp_path / "town" / "scenario.schema.json").read_text(encoding="utf-8"))
    assert json.loads(run("schema").stdout) == schema
    text = (tmp_path / "town" / "town.yaml").read_text(encoding="utf-8")
    assert text.startswith("# yaml-language-server: $schema=scenario.schema.json\n")
    keys = {line.partition(":")[0] for line in text.splitlines() if line[:1].isalpha()}
    assert keys <= set(schema["properties"])
    assert set(schema["required"]) <= keys


def test_a_template_without_files_is_in_order_and_stands_alone(tmp_path: Path) -> None:
    out = tmp_path / "mine"
    result = run("init", "--out", out)
    assert result.exit_code == 0, result.output
    assert {path.name for path in out.iterdir()} >= {
        "mine.yaml",
        "streets.geojson.gz",
        "sites.csv",
        "demands.csv",
        "data",
    }
    moved = out.rename(tmp_path / "moved")
    assert run("check", moved / "mine.yaml").exit_code == 0
    assert ".." not in (moved / "mine.yaml").read_text(encoding="utf-8").partition("layers:")[2].partition("ducts")[0]


def test_years_order_the_phases_and_stored_pairs_bring_memories(tmp_path: Path) -> None:
    demands = "a,b,from_phase,rate_plane\na,b,2035,stored\na,c,2029,detected\n"
    result = run("init", *files(tmp_path, demands=demands), "--out", tmp_path / "town", "--currency", "EUR")
    assert result.exit_code == 0, result.output
    scenario = load_scenario(tmp_path / "town" / "town.yaml")
    assert [(phase.id, phase.year) for phase in scenario.phases] == [("2029", 2029), ("2035", 2035)]
    assert [technology.id for technology in scenario.spec.technologies] == ["pair-source", "memory-chain"]
    assert (scenario.demand("a-b").min_rate_hz, scenario.demand("a-b").rate_plane) == (1000.0, "stored")
    assert scenario.spec.currency == "EUR"
    assert "min_rate_hz 1000.0, min_fidelity 0.95, routes 1" in result.stderr


def test_another_column_of_classes_is_found_and_ducts_join(tmp_path: Path) -> None:
    renamed = [
        {**item, "properties": {"id": item["properties"]["id"], "FCLASS": item["properties"]["highway"]}}
        for item in RING
    ]
    ducts = [line([at(0, 0), at(2000, 0)], id="d1")]
    (tmp_path / "ducts.geojson").write_text(collection(ducts), encoding="utf-8")
    options = files(tmp_path, streets=renamed)
    result = run("init", *options, "--ducts", tmp_path / "ducts.geojson", "--out", tmp_path / "town")
    assert result.exit_code == 0, result.output
    layers = load_scenario(tmp_path / "town" / "town.yaml").spec.layers
    assert layers.streets.columns == {"road_class": "FCLASS"}
    assert [duct.values for duct in layers.ducts] == [{"access": "pull"}]


def test_the_limit_of_snapping_is_raised_and_said(tmp_path: Path) -> None:
    result = run("init", *files(tmp_path, places={**PLACES, "c": (1000, 1910)}), "--out", tmp_path / "town")
    assert result.exit_code == 0, result.output
    assert load_scenario(tmp_path / "town" / "town.yaml").spec.max_snap_m == 450.0
    assert "max_snap_m is 450: a site is 410 m from its street; is it where it should be?" in result.stderr


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"demands": "a,b\na,x\n"}, "demands.csv:2: b: unknown site 'x'"),
        ({"demands": "a,b\na,a\n"}, "demands.csv:2: b: both ends are the same site"),
        ({"demands": "a,b\na,b\na,b\n"}, "demands.csv:3: id: 'a-b' is used twice, first in line 2"),
        (
            {"demands": "a,b,min_rate_hz\na,b,fast\n"},
            "demands.csv:2: min_rate_hz: Input should be a valid number (got 'fast')",
        ),
        ({"demands": "a,b,min_fidelity\na,b,1.5\n"}, "demands.csv:2: min_fidelity: Input should be less than 1"),
        ({"demands": "a,b,min_rate\na,b,5\n"}, "demands.csv:1: min_rate: unknown column; did you mean 'min_rate_hz'?"),
        ({"demands": "a\na\n"}, "demands.csv:2: b: required column is missing or empty"),
        ({"places": {**PLACES, "c": (1000, 4000)}}, "max_snap_m is 1000"),
        ({"streets": []}, "layer is empty"),
    ],
)
def test_mistakes_are_located_and_nothing_is_left_behind(tmp_path: Path, changes: Any, expected: str) -> None:
    result = run("init", *files(tmp_path, **changes), "--out", tmp_path / "town")
    assert result.exit_code == 2, result.output
    assert expected in result.stderr
    assert not (tmp_path / "town").exists()


def test_a_draft_needs_all_three_files_and_a_known_currency(tmp_path: Path) -> None:
    options = files(tmp_path)
    result = run("init", *options[:2])
    assert (result.exit_code, "--sites, --demands: is missing" in result.stderr) == (2, True)
    result = run("init", *options, "--currency", "XYZ", "--out", tmp_path / "town")
    assert (result.exit_code, "no exchange rate for XYZ" in result.stderr) == (2, True)
