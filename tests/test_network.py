"""The network's file: what goes in comes out, and a changed file is noticed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from planner.errors import InputError
from planner.network import load_network, network_to_geojson
from worlds import demand, make_world

DRAWING = """
A---#===B
|       |
+-------+
"""


def test_a_saved_network_is_the_same_network(tmp_path: Path) -> None:
    network = make_world(tmp_path, DRAWING, [demand("A", "B")]).network
    path = tmp_path / "network.geojson"
    path.write_text("".join(network_to_geojson(network)), encoding="utf-8")
    loaded = load_network(path)
    assert loaded.digest == network.digest
    assert loaded.spans.risk_groups == network.spans.risk_groups
    assert np.array_equal(loaded.spans.coordinates, network.spans.coordinates)
    assert loaded.sites == network.sites


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('"medium":"duct"', '"medium":"trench"', "contents differ from the digest"),
        ('"format":3', '"format":7', "network format 7"),
        ('"loss_db"', '"loss"', "not a network"),
        ("FeatureCollection", "FeatureCollection\x00", "not a network"),
    ],
)
def test_a_changed_file_is_refused(tmp_path: Path, old: str, new: str, problem: str) -> None:
    network = make_world(tmp_path, DRAWING, [demand("A", "B")]).network
    text = "".join(network_to_geojson(network))
    assert old in text
    path = tmp_path / "network.geojson"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(InputError, match=problem):
        load_network(path)


def test_networkx_view_has_all_spans(tmp_path: Path) -> None:
    network = make_world(tmp_path, DRAWING, [demand("A", "B")]).network
    graph = network.to_networkx()
    assert graph.number_of_edges() == len(network.spans)
    assert sum(data["length_km"] for *_, data in graph.edges(data=True)) == pytest.approx(
        float(network.spans.length_km.sum())
    )
