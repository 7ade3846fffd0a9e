"""Every file of real data that is at hand becomes streets of the length that the raw file has."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # the benchmarks are no part of the installed package

from benchmarks import beside, formats
from benchmarks.rows import SkippedError

SLOW = ("porto", "liege-original", "liege-simplified", "las-palmas")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if name in SLOW else ()) for name in formats.SOURCES]
)
def test_streets_are_as_long_as_in_the_raw_file(name, tmp_path, monkeypatch):
    monkeypatch.setattr(formats, "CACHE", tmp_path)
    try:
        row = formats.measure(name)
    except SkippedError as error:
        pytest.skip(str(error))
    assert row.more["off_percent"] < 0.1
    assert row.more["raw_km"] > 0.5


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("name", ["sf-offices", "gracethd-cables", "barcelona-heights", "monaco-terrain"])
def test_layers_beside_streets_are_read(name, tmp_path, monkeypatch):
    monkeypatch.setattr(beside, "CACHE", tmp_path)
    try:
        row = beside.MEASURES[name](name)
    except SkippedError as error:
        pytest.skip(str(error))
    expected = {
        "sf-offices": ("sites", 9),
        "gracethd-cables": ("leases", 22),
        "barcelona-heights": ("buildings", 1601),
        "monaco-terrain": ("guessed_percent", 63.0),
    }
    column, value = expected[name]
    assert row.more[column] == value
