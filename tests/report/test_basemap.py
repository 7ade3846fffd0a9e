"""Streets and spans are packed into a text that gives back the same lines."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from planner.report.basemap import STEPS_PER_DEG, pack_lines, street_basemap
from planner.report.colours import STREET_LOOKS
from report.pages import unpack
from worlds import demand, make_world


@pytest.mark.parametrize("scale", [1e-5, 0.01, 1.0, 60.0])
def test_packed_lines_come_back_to_the_metre(scale: float) -> None:
    rng = np.random.default_rng(7)
    lines = [rng.normal(size=(points, 2)) * scale for points in (2, 5, 3, 40)]
    for line, found in zip(lines, unpack(pack_lines(lines)), strict=True):
        assert np.abs(line - np.array(found)).max() <= 0.5 / STEPS_PER_DEG + 1e-12


def test_corners_of_the_world_fit() -> None:
    line = np.array([(-180.0, -85.0), (180.0, 85.0), (-180.0, 85.0)])
    assert unpack(pack_lines([line])) == [[tuple(point) for point in line]]


def test_nothing_packs_to_nothing() -> None:
    assert unpack(pack_lines([])) == []


def test_equal_lines_give_equal_text() -> None:
    line = np.array([(5.5, 50.6), (5.6, 50.7)])
    assert pack_lines([line]) == pack_lines([line.copy()])


def test_streets_are_sorted_from_thin_to_wide_and_other_media_left_out(tmp_path: Path) -> None:
    world = make_world(tmp_path, "A---B===C~~~D\n|   |\nE---F", [demand("A", "B")])
    spans = world.network.spans
    trenches = [at for at, medium in enumerate(spans.medium) if medium == "trench"]
    classes = list(spans.road_class)
    classes[trenches[0]], classes[trenches[1]] = "motorway", "footway"
    object.__setattr__(spans, "road_class", tuple(classes))
    basemap = street_basemap(world.network)
    lines = unpack(basemap.packed)
    assert sum(basemap.line_counts) == len(lines) == len(trenches)
    assert dict(zip([look.label for look in STREET_LOOKS], basemap.line_counts, strict=True)) == {
        "paths and other streets": 1,
        "streets": len(trenches) - 2,
        "main streets": 0,
        "arterial roads": 0,
        "motorways": 1,
    }
    assert np.allclose(lines[0], spans.line(trenches[1]), atol=1e-5)
    assert np.allclose(lines[-1], spans.line(trenches[0]), atol=1e-5)
