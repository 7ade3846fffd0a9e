"""A sampling simulator of detected coincidences, click by click: photons, dead detectors, jitter and a window.

It answers the same question as the closed forms for sources without memory, with none of them: pairs are created at
random times, clicks are sorted and counted, and how many outcomes are wrong is counted too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from planner.catalog import LinkHardware, PairSource
from planner.physics.arm import Arm, ElementaryLink, Settings, arm_noise_hz
from planner.verify.attempts import Flags, Floats, Integers
from planner.verify.simulate import ChainEstimate, Estimate

FULL_WIDTH = 2.0 * math.sqrt(2.0 * math.log(2.0))
"""Full width at half maximum of a Gaussian, in standard deviations."""
MOST_CLICKS = 300_000
"""Clicks drawn for one estimate, about a tenth of a second: where true pairs are rare, fewer of them are counted."""
LONE = -1
"""Number of a click that belongs to no pair of these two users."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Bench:
    """A source, two users and their detectors, in numbers."""

    brightness_hz: float
    arrival: tuple[float, float]
    lone_hz: tuple[float, float]
    """Clicks of dark counts, background, and light meant for other users."""
    spread_s: float
    """Standard deviation of the arrival difference of a pair."""
    window_s: float
    wrong: float
    """Share of pairs in the wrong outcome."""
    used: float
    """Share of the time that these two users get."""


def simulate_coincidences(
    link: ElementaryLink, hardware: LinkHardware, *, settings: Settings, pairs: int, seed: int
) -> ChainEstimate:
    """Return rate and fidelity of two users of a source without memories, counted over `pairs` true pairs or fewer.

    Brightness and window are those of `settings`. A click finds one of the user's detectors at random, which then is
    dead for a while; every pair of clicks of the two users within the window counts. Outcomes of clicks of one pair are
    wrong by polarization, of other clicks half of the time; the fidelity is that of a Werner pair with the same error.
    The closed form takes both users' detectors as dead independently of each other; clicks of a pair make them dead
    together, so that it is low by up to `dead_share` of the estimate, the clicks that the busier user misses.
    Users of a broadcast also see the light of all other channels. Raises ValueError for hardware without a source, or
    settings without brightness and window.
    """
    source, detector = hardware.pair_source, hardware.detector
    if source is None or hardware.memory is not None:
        raise ValueError(f"only detected coincidences can be sampled here, not {hardware.link_model}")
    bench, rng = _bench(link, hardware, source, settings), np.random.default_rng(seed)
    clicks_hz = bench.brightness_hz * sum(bench.arrival) + sum(bench.lone_hz)
    time_s = min(pairs / (bench.brightness_hz * bench.arrival[0] * bench.arrival[1]), MOST_CLICKS / clicks_hz)
    dead_s = detector.dead_time_ns * 1e-9
    light = _clicks(bench, time_s, rng)
    clicks = [_alive(*side, detector.detectors, dead_s, rng) for side in light]
    missed = [1.0 - len(seen[0]) / max(1, len(shone[0])) for seen, shone in zip(clicks, light, strict=True)]
    counted, wrong = _count(clicks, bench, rng)
    error = wrong / counted if counted else 0.5
    # one of several coincidences may come of the same click: such clusters are rare within a window
    spread = math.sqrt(max(error * (1.0 - error), 1.0 / max(counted, 1)) / max(counted, 1))
    return ChainEstimate(
        rate_hz=Estimate(
            value=counted / time_s * bench.used, standard_error=math.sqrt(max(counted, 1)) / time_s * bench.used
        ),
        fidelity=Estimate(value=(1.0 + 3.0 * (1.0 - 2.0 * error)) / 4.0, standard_error=1.5 * spread),
        dead_share=max(missed),
    )


def _bench(link: ElementaryLink, hardware: LinkHardware, source: PairSource, settings: Settings) -> _Bench:
    if settings.brightness_hz is None or settings.window_ps is None:
        raise ValueError("a source is sampled at a given brightness and window")
    detector, end, users = hardware.detector, hardware.termination, hardware.hub_users
    arms = (link.left, link.right)
    left, right = (_arrival(arm, hardware, source) for arm in arms)
    others = users - 2 if hardware.link_model == "broadcast_source" else 0
    dark_hz = detector.dark_count_hz * detector.detectors
    lone_hz = [
        dark_hz + arm_noise_hz(arm, hardware) * detector.efficiency + others * settings.brightness_hz * arrival
        for arm, arrival in zip(arms, (left, right), strict=True)
    ]
    sync_ps = source.sync_jitter_ps if hardware.channel is None else hardware.channel.jitter_ps
    slopes = [hardware.fiber.dispersion_ps_per_nm_km * arm.length_km * source.bandwidth_nm for arm in arms]
    width_ps = math.sqrt(2.0 * detector.jitter_ps**2 + sync_ps**2 + slopes[0] ** 2 + slopes[1] ** 2)
    turns = 2.0 / (users * (users - 1)) if hardware.link_model == "switched_source" else 1.0
    return _Bench(
        brightness_hz=settings.brightness_hz,
        arrival=(left, right),
        lone_hz=(lone_hz[0], lone_hz[1]),
        spread_s=width_ps * 1e-12 / FULL_WIDTH,
        window_s=settings.window_ps * 1e-12,
        wrong=source.polarization_error + end.drift_error,
        used=turns * (1.0 - end.correction_s / end.correction_interval_s),
    )


def _arrival(arm: Arm, hardware: LinkHardware, source: PairSource) -> float:
    """Return the share of photons of the source that fire a live detector at the end of an arm."""
    end, channel = hardware.termination, hardware.channel
    mux_db = 2.0 * channel.mux_loss_db if channel is not None and channel.medium == "wavelength" else 0.0
    total_db = arm.loss_db + 2.0 * end.connector_loss_db + end.device_loss_db + end.margin_db + mux_db
    converted = 1.0 if hardware.converter is None else hardware.converter.efficiency
    return float(source.coupling_efficiency * converted * hardware.detector.efficiency * 10.0 ** (-0.1 * total_db))


def _clicks(bench: _Bench, time_s: float, rng: np.random.Generator) -> list[tuple[Floats, Integers]]:
    """Return times and pair numbers of what would click at each user if detectors were never dead, in order of time."""
    left, right = bench.arrival
    both = rng.uniform(0.0, time_s, rng.poisson(bench.brightness_hz * left * right * time_s))
    found = []
    for own, other, lone_hz, delay_s in (
        (left, right, bench.lone_hz[0], 0.0),
        (right, left, bench.lone_hz[1], bench.spread_s),
    ):
        alone = rng.poisson((bench.brightness_hz * own * (1.0 - other) + lone_hz) * time_s)
        of_pair_s = both + rng.normal(0.0, delay_s, len(both))
        times_s = np.concatenate([of_pair_s, rng.uniform(0.0, time_s, alone)])
        numbers = np.concatenate([np.arange(len(both)), np.full(alone, LONE)])
        order = np.argsort(times_s, kind="stable")
        found.append((times_s[order], numbers[order]))
    return found


def _alive(
    times_s: Floats, numbers: Integers, detectors: int, dead_s: float, rng: np.random.Generator
) -> tuple[Floats, Integers]:
    """Return the clicks of detectors that are not dead: after a click, a detector sees nothing for `dead_s`."""
    finds = rng.integers(0, detectors, len(times_s))
    seen = np.zeros(len(times_s), dtype=np.bool_)
    for detector in range(detectors):
        own = np.flatnonzero(finds == detector)
        seen[own[_first_of_each(times_s[own], dead_s)]] = True
    return times_s[seen], numbers[seen]


def _first_of_each(times_s: Floats, dead_s: float) -> Flags:
    """Return which clicks a detector makes: all after a pause, and within a burst one after each dead time."""
    made = np.ones(len(times_s), dtype=np.bool_)
    made[1:] = np.diff(times_s) >= dead_s
    ends = np.append(np.flatnonzero(made)[1:], len(times_s))
    last = np.flatnonzero(made)
    while len(last):
        following = np.maximum(np.searchsorted(times_s, times_s[last] + dead_s), last + 1)
        in_burst = following < ends
        last, ends = following[in_burst], ends[in_burst]
        made[last] = True
    return made


def _count(clicks: list[tuple[Floats, Integers]], bench: _Bench, rng: np.random.Generator) -> tuple[int, int]:
    """Return how many pairs of clicks lie within the window, and how many of those have the wrong outcome."""
    (left_s, left), (right_s, right) = clicks
    first = np.searchsorted(right_s, left_s - bench.window_s / 2.0)
    counts = np.searchsorted(right_s, left_s + bench.window_s / 2.0) - first
    ours = np.repeat(np.arange(len(left_s)), counts)
    begin = np.repeat(first - np.concatenate([[0], np.cumsum(counts)[:-1]]), counts) if len(left_s) else first
    theirs = begin + np.arange(len(ours))
    is_true = (left[ours] != LONE) & (left[ours] == right[theirs])
    is_wrong = rng.random(len(ours)) < np.where(is_true, bench.wrong, 0.5)
    return len(ours), int(is_wrong.sum())
