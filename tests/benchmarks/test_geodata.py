"""The benchmark of geodata on a file of three streets."""

import sys
from pathlib import Path

import pytest

from geodata.maps import CROSS, collection

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # the benchmarks are no part of the installed package

from benchmarks import geodata
from benchmarks.rows import Request


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_folder_of_streets_is_measured(tmp_path, monkeypatch):
    (tmp_path / "village.geojson").write_text(collection(CROSS), encoding="utf-8")
    monkeypatch.setattr(geodata, "CACHE", tmp_path / "cache")
    (instance,) = geodata.instances(Request(folder=tmp_path))
    row = instance.run()
    assert (row.instance, row.edges, row.more["streets_km"]) == ("village", 4, 3.0)  # the sites cut one
    assert row.more.get("error") is None and row.peer_seconds is None
    assert row.seconds > 0.0
