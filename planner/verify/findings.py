"""Findings: single comparisons of a plan with what was recomputed, before they get the name of their check."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

RELATIVE_TOLERANCE = 1e-6
"""Sums and physics: the same arithmetic in another order."""
SHOWN_FLAWS = 5
"""Flaws written out in one finding; the rest is counted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What was expected of a subject, what the plan has, and whether the two agree."""

    subject: str
    expected: str
    actual: str
    unit: str = ""
    passed: bool


def agree(expected: float, actual: float, *, tolerance: float = RELATIVE_TOLERANCE) -> bool:
    """Return whether two numbers differ by at most `tolerance` of the larger one.

    >>> agree(100.0, 100.00005), agree(100.0, 100.2), agree(0.0, 0.0)
    (True, False, True)
    """
    return math.isclose(expected, actual, rel_tol=tolerance)


def equal(
    subject: str, expected: float, actual: float, *, unit: str = "", tolerance: float = RELATIVE_TOLERANCE
) -> Finding:
    """Return the finding that the plan's number is the recomputed one, within a relative `tolerance`."""
    passed = agree(expected, actual, tolerance=tolerance)
    return Finding(subject=subject, expected=number(expected), actual=number(actual), unit=unit, passed=passed)


def at_least(subject: str, limit: float, value: float, *, unit: str = "") -> Finding:
    """Return the finding that a value reaches its limit, up to rounding."""
    passed = value >= limit or agree(limit, value)
    return Finding(
        subject=subject, expected=f"at least {number(limit)}", actual=number(value), unit=unit, passed=passed
    )


def at_most(subject: str, limit: float, value: float, *, unit: str = "") -> Finding:
    """Return the finding that a value stays within its limit, up to rounding."""
    passed = value <= limit or agree(limit, value)
    return Finding(subject=subject, expected=f"at most {number(limit)}", actual=number(value), unit=unit, passed=passed)


def same(subject: str, expected: str, actual: str) -> Finding:
    """Return the finding that two texts are the same."""
    return Finding(subject=subject, expected=expected, actual=actual, passed=expected == actual)


def flawless(subject: str, expected: str, flaws: Sequence[str]) -> Finding:
    """Return the finding that there are no `flaws`; the first ones are written out where there are."""
    if not flaws:
        return Finding(subject=subject, expected=expected, actual=expected, passed=True)
    rest = [f"and {len(flaws) - SHOWN_FLAWS} more"] if len(flaws) > SHOWN_FLAWS else []
    return Finding(subject=subject, expected=expected, actual="; ".join([*flaws[:SHOWN_FLAWS], *rest]), passed=False)


def number(value: float) -> str:
    """Return a number as text with nine significant digits.

    >>> number(1234.5), number(0.1 + 0.2)
    ('1234.5', '0.3')
    """
    return f"{value:.9g}"
