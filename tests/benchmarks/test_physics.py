"""The benchmark of the physics, with few routes."""

from __future__ import annotations

import pytest

from benchmarks.physics import KINDS, instances
from benchmarks.rows import Request


@pytest.mark.parametrize("number", range(len(KINDS) + 1))
def test_every_kind_of_route_is_timed(number: int) -> None:
    row = instances(Request(settings={"routes": "8"}))[number].run()
    assert row.seconds is not None
    assert row.more["routes"] == 8
    assert 0 < row.more["entangled"] <= 8
