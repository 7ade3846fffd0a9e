"""Compiled searches and sums against plain ones, to the last digits."""

from __future__ import annotations

import random

import pytest

from physics import plain
from planner.physics import chains
from planner.physics.pair_source import Receiver, best_brightness_hz, pair_law
from planner.physics.schedules import run_schedule


def close(value: float) -> object:
    return pytest.approx(value, rel=1e-12, abs=0.0)


@pytest.mark.parametrize("number", range(40))
def test_brightness(number: int) -> None:
    draw = random.Random(number)
    users = [
        Receiver(
            efficiency=10 ** draw.uniform(-4, -0.3),
            noise_hz=draw.choice((0.0, 500.0, 1e5)),
            dead_time_s=draw.choice((0.0, 3e-8, 1e-6)),
            detectors=draw.choice((1, 4)),
        )
        for _ in range(2)
    ]
    law = pair_law(*users, 10 ** draw.uniform(-10, -8), 0.9, draw.uniform(0.0, 0.05), channels=draw.choice((1, 7)))
    cap_hz, least, prefers_rate = 10 ** draw.uniform(6, 9), draw.uniform(0.25, 0.999), draw.random() < 0.5
    expected = plain.best_brightness_hz(law, cap_hz, least, prefers_rate=prefers_rate)
    found = best_brightness_hz(law, max_brightness_hz=cap_hz, min_fidelity=least, prefers_rate=prefers_rate)
    assert found == close(expected)


@pytest.mark.parametrize("links", [1, 2, 3, 4, 6, 9])
def test_chains(links: int) -> None:
    draw = random.Random(links)
    for _ in range(5):
        probabilities = tuple(10 ** draw.uniform(-4, 0) for _ in range(links))
        inner, end = 10 ** draw.uniform(-6, -1), draw.choice((0.0, 1e-3))
        assert chains.mean_slots(probabilities) == close(plain.mean_slots(probabilities))
        assert chains.waiting_decay(probabilities, inner, end) == pytest.approx(
            plain.waiting_decay(probabilities, inner, end),
            rel=1e-10,  # the plain sum loses digits to rare events
        )


@pytest.mark.parametrize("number", range(24))
def test_chains_whose_swaps_may_fail(number: int) -> None:
    draw = random.Random(number)
    schedule, links = draw.choice((("asap", 2), ("asap", 3), ("asap", 4), ("asap", 5), ("nested", 2), ("nested", 4)))
    probabilities = tuple(10 ** draw.uniform(-3, 0) for _ in range(links))
    swap, inner, end = draw.choice((0.3, 0.5, 0.9, 1.0)), 10 ** draw.uniform(-6, -1), draw.choice((0.0, 1e-3))
    expected = plain.run_schedule(probabilities, swap, schedule, inner, end)
    found = run_schedule(probabilities, swap, schedule, inner, end)
    assert found.mean_slots == close(expected.mean_slots)
    assert found.decay == close(expected.decay)
    assert run_schedule(probabilities, swap, schedule).mean_slots == close(expected.mean_slots)
