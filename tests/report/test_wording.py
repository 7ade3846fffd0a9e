"""Numbers are written the same way everywhere; worked numbers of the docstrings hold."""

from __future__ import annotations

import doctest

import pytest

from planner.report import charts, wording
from planner.report.charts import Bar, fidelity_mark, rate_mark, stacked_bars


def test_worked_numbers_of_docstrings_hold() -> None:
    result = doctest.testmod(wording)
    assert result.failed == 0
    assert result.attempted > 8


def test_a_fidelity_below_its_target_never_looks_as_if_it_reached_it() -> None:
    assert wording.fidelity(0.84999999) == "0.8499"
    assert wording.fidelity(0.85) == "0.8500"


@pytest.mark.parametrize("top", [1.0, 7.0, 999.0, 1.3e6, 9.9e6, 4.2e9])
def test_axes_have_four_to_ten_round_steps(top: float) -> None:
    step = charts._nice_step(top)
    assert 4 <= top / step <= 10
    assert f"{step:.0e}"[0] in "125" or f"{step:.1e}".startswith("2.5")


def test_bars_are_as_long_as_their_amounts() -> None:
    import re

    bars = [Bar(label="p1", amounts={"trenching": 100.0, "cable": 300.0}), Bar(label="p2", amounts={}, limit=50.0)]
    text = str(stacked_bars(bars, name="x", title="t", unit="EUR", limit_label="budget"))
    widths = [float(width) for width in re.findall(r'class="part"[^>]* width="([0-9.]+)"', text)]
    assert widths[1] / widths[0] == pytest.approx(3.0, rel=1e-3)
    assert "p1, Trenching: 100 EUR" in text and "p2, budget: 50 EUR" in text


def test_bars_without_anything_are_drawn() -> None:
    assert "<svg" in str(stacked_bars([Bar(label="p1", amounts={})], name="x", title="t", unit="EUR"))


@pytest.mark.parametrize(("rate_hz", "kind"), [(0.0, "missed"), (9.9, "missed"), (10.0, "reached"), (1e9, "reached")])
def test_marks_say_whether_the_target_is_reached(rate_hz: float, kind: str) -> None:
    assert f'class="target {kind}"' in str(rate_mark(rate_hz, 10.0, title="rate"))


def test_a_perfect_pair_has_a_mark() -> None:
    assert 'class="target reached"' in str(fidelity_mark(1.0, 0.99, title="fidelity"))
