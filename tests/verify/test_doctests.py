"""The examples in the docstrings hold."""

from __future__ import annotations

import doctest

import pytest

from planner.verify import findings, geometry


@pytest.mark.parametrize("module", [findings, geometry])
def test_examples(module: object) -> None:
    result = doctest.testmod(module)  # type: ignore[arg-type]
    assert result.attempted > 0
    assert result.failed == 0
