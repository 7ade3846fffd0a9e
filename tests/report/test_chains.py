"""Spans that meet end to end become one line; nothing is lost and nothing is drawn twice."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from planner.report.chains import Chain, chains
from worlds import World, demand, make_world

WORLDS = {
    "line": ("A---+---+---B", 1),
    "fork": ("A---+---B\n    |\n    |\n    C", 3),
    "ring": ("A---+\n|   |\n+---B", 1),
    "two lines": ("A---B   C---D", 2),
    "eight": ("A---+---C\n|   |   |\n+---B---D", 3),
}


def ends_of(world: World, chain: Chain) -> list[tuple[int, int]]:
    spans = world.network.spans
    pairs = [(int(spans.start[at]), int(spans.end[at])) for at, _ in chain]
    return [pair if forward else pair[::-1] for pair, (_, forward) in zip(pairs, chain, strict=True)]


@pytest.mark.parametrize("name", WORLDS)
def test_chains_hold_every_span_once_and_run_on(name: str, tmp_path: Path) -> None:
    drawing, expected = WORLDS[name]
    world = make_world(tmp_path, drawing, [demand("A", "B")])
    indices = range(len(world.network.spans))
    found = chains(world.network, indices)
    assert sorted(at for chain in found for at, _ in chain) == list(indices)
    assert len(found) == expected
    for chain in found:
        steps = ends_of(world, chain)
        assert all(before[1] == after[0] for before, after in pairwise(steps))


def test_no_spans_give_no_chains(tmp_path: Path) -> None:
    assert chains(make_world(tmp_path, "A---B", [demand("A", "B")]).network, []) == []
