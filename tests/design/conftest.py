"""Fixtures for tests of the optimizer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from design.inprocess import answer_here, one_thread, talk_here
from planner.design import solvers


@pytest.fixture
def inprocess(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Solve in this process, on one thread."""
    monkeypatch.setattr(solvers, "_in_child", answer_here)
    monkeypatch.setattr(solvers, "_talk", talk_here)
    with one_thread():
        yield
