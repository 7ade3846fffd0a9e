"""Networks kept between runs are those that would be built, and never stale."""

import json
import os
from dataclasses import replace

import pytest

from geodata.maps import CROSS, box, collection, make_scenario, street
from planner.geodata import build_network, cached_network
from planner.geodata.cache import MAX_ENTRIES, NOT_BUILT_FROM
from planner.network import network_to_geojson
from planner.scenario import load_scenario
from worlds import hop


@pytest.fixture(autouse=True)
def entries(tmp_path, monkeypatch):
    monkeypatch.setenv("PLANNER_CACHE_DIR", str(tmp_path / "cache"))
    return lambda: sorted((tmp_path / "cache" / "networks").glob("*.npz"))


def text(network):
    return "".join(network_to_geojson(network))


def rewritten(scenario, **changes):
    """Return the scenario with some of its keys changed in its file."""
    spec = json.loads(scenario.path.read_text(encoding="utf-8")) | changes
    scenario.path.write_text(json.dumps(spec), encoding="utf-8")
    return load_scenario(scenario.path)


def test_a_kept_network_is_the_one_that_would_be_built(tmp_path, entries):
    zones = [box("park", 0, -10, 900, 10)]
    scenario = make_scenario(tmp_path, zones=zones, free_space=[hop("a", "b")])
    built = build_network(scenario)
    for _ in range(2):
        assert text(cached_network(scenario)) == text(built)
        assert len(entries()) == 1


def test_found_sites_are_kept_and_read_from_the_entry(tmp_path, entries, monkeypatch):
    rule = {"id": "hut", "at": "street-junction", "detour": 9.0, "spacing_m": 100.0}
    scenario = make_scenario(tmp_path, candidate_sites=[rule])
    built = cached_network(scenario)
    assert len(built.found_sites) == 1
    monkeypatch.setattr("planner.geodata.cache.build_network", None)
    assert text(cached_network(scenario)) == text(built)


def test_a_joined_table_that_changes_is_read_again(tmp_path):
    (tmp_path / "paving.csv").write_text("street,cover\nwest,sett\n", encoding="utf-8")
    joins = [{"path": "paving.csv", "column": "id", "key": "street"}]
    scenario = make_scenario(tmp_path, street_layer={"columns": {"surface": "cover"}, "joins": joins})
    assert "sett" in cached_network(scenario).spans.surface
    (tmp_path / "paving.csv").write_text("street,cover\nwest,asphalt\n", encoding="utf-8")
    assert "sett" not in cached_network(scenario).spans.surface


def test_other_demands_and_times_use_the_same_network(tmp_path, entries):
    scenario = make_scenario(tmp_path)
    cached_network(scenario)
    changed = rewritten(scenario, title="another", demands=[scenario.spec.demands[0].model_dump() | {"weight": 7.0}])
    assert text(cached_network(changed)) == text(build_network(changed))
    assert changed.digest != scenario.digest and len(entries()) == 1


def test_a_build_reads_nothing_that_the_key_leaves_out(tmp_path):
    class Guard:
        def __init__(self, spec):
            self._spec = spec

        def __getattr__(self, name):
            assert name == "title" or name not in NOT_BUILT_FROM, f"the build reads {name}"
            return getattr(self._spec, name)

    scenario = make_scenario(tmp_path, zones=[box("park", 0, -10, 900, 10)], free_space=[hop("a", "b")])
    build_network(replace(scenario, spec=Guard(scenario.spec)))


def test_changed_contents_are_built_anew(tmp_path, entries):
    scenario = make_scenario(tmp_path)
    first = cached_network(scenario)
    more = (*CROSS, street("more", (1000, 1000), (1500, 1000), highway="residential"))
    (tmp_path / "streets.geojson").write_text(collection(more), encoding="utf-8")
    second = cached_network(scenario)
    assert len(second.spans) == len(first.spans) + 1 and len(entries()) == 2
    assert len(cached_network(rewritten(scenario, max_snap_m=60)).spans) and len(entries()) == 3


def test_a_spoiled_entry_is_built_anew(tmp_path, entries):
    scenario = make_scenario(tmp_path)
    built = text(cached_network(scenario))
    (path,) = entries()
    good = path.read_bytes()
    for spoiled in (b"", b"not an archive", good[: len(good) // 2], good.replace(b"residential", b"presidental", 1)):
        path.write_bytes(spoiled)
        assert text(cached_network(scenario)) == built


def test_a_cache_that_cannot_be_written_is_passed_over(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    monkeypatch.setenv("PLANNER_CACHE_DIR", str(tmp_path / "file"))
    scenario = make_scenario(tmp_path)
    assert text(cached_network(scenario)) == text(build_network(scenario))


def test_the_oldest_entries_go_first(tmp_path, entries):
    scenario = make_scenario(tmp_path)
    folder = tmp_path / "cache" / "networks"
    folder.mkdir(parents=True)
    for number in range(MAX_ENTRIES + 3):
        (folder / f"old{number:03}.npz").write_bytes(b"")
        os.utime(folder / f"old{number:03}.npz", (number, number))
    cached_network(scenario)
    names = [path.name for path in entries()]
    assert len(names) == MAX_ENTRIES and "old003.npz" not in names and "old004.npz" in names
