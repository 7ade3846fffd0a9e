"""Checks of arguments, shared by the physics functions: a wrong number is refused, never used."""

from __future__ import annotations


def within(name: str, value: float, low: float, high: float) -> float:
    """Return `value` if low <= value <= high; raises ValueError (also for nan) otherwise.

    >>> within("efficiency", 0.9, 0.0, 1.0)
    0.9
    """
    if not low <= value <= high:
        raise ValueError(f"{name} must lie in [{low:g}, {high:g}], got {value!r}")
    return value


def above(name: str, value: float, low: float) -> float:
    """Return `value` if it is finite and greater than `low`; raises ValueError otherwise.

    >>> above("velocity_km_per_s", 2e5, 0.0)
    200000.0
    """
    if not low < value < float("inf"):
        raise ValueError(f"{name} must be greater than {low:g} and finite, got {value!r}")
    return value


def at_least(name: str, value: float, low: float) -> float:
    """Return `value` if it is finite and not less than `low`; raises ValueError otherwise.

    >>> at_least("loss_db", 0.0, 0.0)
    0.0
    """
    if not low <= value < float("inf"):
        raise ValueError(f"{name} must be at least {low:g} and finite, got {value!r}")
    return value
