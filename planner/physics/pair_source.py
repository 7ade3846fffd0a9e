"""Sources of entangled photon pairs whose photons are detected at once: no memory, no herald.

Rates here are detected coincidences per second. The source is pumped continuously and emits into many modes, so that
pairs are Poissonian and independent.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from numba import njit

from planner.physics.arguments import above, at_least, within
from planner.physics.service import ebits_of_fidelity

_GOLDEN = (math.sqrt(5.0) - 1.0) / 2.0
_GRID_STEPS = 16
_GRID_DECADES = 4.0
_REFINEMENTS = 28
_JUST_BELOW_CAP = 1e-3
"""Decades below the largest brightness at which a search looks whether less is worth more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Receiver:
    """What one user does to the light: efficiency from the source to the click, noise, and dead time.

    `noise_hz` sums the dark counts of all `detectors` and the clicks of background light.
    """

    efficiency: float
    noise_hz: float
    dead_time_s: float
    detectors: int

    def __post_init__(self) -> None:
        """Reject an efficiency outside [0, 1] and negative noise or dead time."""
        within("efficiency", self.efficiency, 0.0, 1.0)
        at_least("noise_hz", self.noise_hz, 0.0)
        at_least("dead_time_s", self.dead_time_s, 0.0)
        at_least("detectors", self.detectors, 1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Coincidences:
    """Detected pairs of two users: rate per second, share of wrong outcomes, and fidelity."""

    rate_hz: float
    error: float
    fidelity: float


class PairLaw(NamedTuple):
    """What makes coincidences a function of the brightness alone: all of two users but that, in numbers.

    Efficiencies are those for all light that a user sees; dead times are per detector; `true_share` is the share of
    pairs that reach both users and fall into the window.
    """

    left_efficiency: float
    right_efficiency: float
    left_noise_hz: float
    right_noise_hz: float
    left_dead_s: float
    right_dead_s: float
    true_share: float
    window_s: float
    polarization_error: float

    def at(self, brightness_hz: float) -> Coincidences:
        """Return the coincidences at a brightness in pairs per second that is known to be positive."""
        rate_hz, error = _count(self, brightness_hz)
        return Coincidences(rate_hz=rate_hz, error=error, fidelity=_fidelity(error))


def awake_share(incident_hz: float, receiver: Receiver) -> float:
    """Return the share of the time in which a receiver's detectors are not dead.

    1 / (1 + incident * dead_time / detectors), non-paralyzable, clicks spread evenly over the detectors.
    Valid for incident_hz >= 0; raises ValueError otherwise. Source: Knoll, Radiation Detection and Measurement, ch. 4.

    >>> receiver = Receiver(efficiency=0.1, noise_hz=0.0, dead_time_s=1e-7, detectors=4)
    >>> round(awake_share(4e6, receiver), 6)
    0.909091
    """
    return 1.0 / (1.0 + at_least("incident_hz", incident_hz, 0.0) * receiver.dead_time_s / receiver.detectors)


def coincidences(
    brightness_hz: float,
    left: Receiver,
    right: Receiver,
    *,
    window_s: float,
    window_share: float,
    polarization_error: float,
    channels: int = 1,
) -> Coincidences:
    """Return rate, error and fidelity of the coincidences of two users of a source.

    S_u = g_u (n B eta_u + D_u), with n = `channels` whose light each user sees (1 for a source of their own),
    true = g_A g_B B eta_A eta_B share, accidental = S_A S_B t, E = (e_pol true + accidental / 2) / (true + accidental),
    V = 1 - 2 E, F = (1 + 3 V) / 4.
    B are the pairs per second inside the filtered channel pair, t is the full window; every pair of clicks within it
    counts. F takes all errors as white noise: right where accidentals dominate, else within about e_pol. Valid for
    B t <= 0.1 and S t <= 0.1, where more than two clicks in a window are rare.
    Raises ValueError for a brightness or window that is not positive, or shares outside [0, 1].
    Source: Neumann et al., PRA 104, 022406 (2021).

    >>> user = Receiver(efficiency=10**-0.8, noise_hz=100.0, dead_time_s=0.0, detectors=1)
    >>> pairs = coincidences(1e7, user, user, window_s=300e-12, window_share=0.99959, polarization_error=0.01)
    >>> round(pairs.rate_hz / 1000), round(pairs.fidelity, 4)
    (252, 0.9828)
    """
    above("brightness_hz", brightness_hz, 0.0)
    above("window_s", window_s, 0.0)
    within("window_share", window_share, 0.0, 1.0)
    within("polarization_error", polarization_error, 0.0, 0.5)
    return pair_law(left, right, window_s, window_share, polarization_error, channels=channels).at(brightness_hz)


def pair_law(
    left: Receiver,
    right: Receiver,
    window_s: float,
    window_share: float,
    polarization_error: float,
    *,
    channels: int = 1,
) -> PairLaw:
    """Return `coincidences` as a function of the brightness alone, for searches: arguments are not checked again."""
    return PairLaw(
        left_efficiency=left.efficiency * channels,
        right_efficiency=right.efficiency * channels,
        left_noise_hz=float(left.noise_hz),
        right_noise_hz=float(right.noise_hz),
        left_dead_s=left.dead_time_s / left.detectors,
        right_dead_s=right.dead_time_s / right.detectors,
        true_share=left.efficiency * right.efficiency * window_share,
        window_s=float(window_s),
        polarization_error=float(polarization_error),
    )


@njit(cache=True)
def _count(law: PairLaw, brightness_hz: float) -> tuple[float, float]:
    """Return coincidences per second and their error."""
    left_hz = brightness_hz * law.left_efficiency + law.left_noise_hz
    right_hz = brightness_hz * law.right_efficiency + law.right_noise_hz
    awake = 1.0 / ((1.0 + left_hz * law.left_dead_s) * (1.0 + right_hz * law.right_dead_s))
    true_hz = brightness_hz * law.true_share * awake
    accidental_hz = left_hz * right_hz * awake * law.window_s
    rate_hz = true_hz + accidental_hz
    error = (law.polarization_error * true_hz + accidental_hz / 2.0) / rate_hz if rate_hz > 0.0 else 0.5
    return rate_hz, error


@njit(cache=True)
def _fidelity(error: float) -> float:
    return (1.0 + 3.0 * (1.0 - 2.0 * error)) / 4.0


def shared_coincidences(
    true_hz: float,
    left_clicks_hz: float,
    right_clicks_hz: float,
    *,
    window_s: float,
    window_share: float,
    polarization_error: float,
) -> Coincidences:
    """Return rate, error and fidelity of coincidences from true pairs per second and all clicks of the two users.

    The same law as `coincidences`, for users whose detectors also see pairs meant for others: clicks count per
    detector, not per channel. `true_hz` is before the window. Raises ValueError for negative rates, a window that is
    not positive, a share outside [0, 1] or an error outside [0, 1/2].

    >>> pairs = shared_coincidences(1000.0, 1e5, 1e5, window_s=1e-9, window_share=1.0, polarization_error=0.0)
    >>> round(pairs.rate_hz, 2), round(pairs.error, 5)
    (1010.0, 0.00495)
    """
    above("window_s", window_s, 0.0)
    within("window_share", window_share, 0.0, 1.0)
    within("polarization_error", polarization_error, 0.0, 0.5)
    true_pairs_hz = at_least("true_hz", true_hz, 0.0) * window_share
    left_hz = at_least("left_clicks_hz", left_clicks_hz, 0.0)
    accidental_hz = left_hz * at_least("right_clicks_hz", right_clicks_hz, 0.0) * window_s
    rate_hz = true_pairs_hz + accidental_hz
    error = (polarization_error * true_pairs_hz + accidental_hz / 2.0) / rate_hz if rate_hz > 0.0 else 0.5
    return Coincidences(rate_hz=rate_hz, error=error, fidelity=_fidelity(error))


def best_brightness_hz(
    law: PairLaw, *, max_brightness_hz: float, min_fidelity: float, prefers_rate: bool = False
) -> float:
    """Return the brightness in pairs per second, up to `max_brightness_hz`, at which most ebits per second arrive.

    Ebits are rate * hashing bound; with `prefers_rate`, most pairs per second count instead. Where the best brightness
    would miss `min_fidelity`, the source is dimmed until it is met; where no brightness meets it (or none gives an
    ebit), the one with the best fidelity is returned. `law` gives the coincidences at a brightness. Search: a grid
    over four decades below the cap, then golden section around the best point, unless the cap itself is best; exact
    for functions with one peak, to a relative 2e-6. Raises ValueError for a cap that is not positive.

    >>> user = Receiver(efficiency=10**-0.8, noise_hz=100.0, dead_time_s=0.0, detectors=1)
    >>> law = pair_law(user, user, 300e-12, 0.99959, 0.01)
    >>> round(best_brightness_hz(law, max_brightness_hz=1e9, min_fidelity=0.98) / 1e6, 2)
    22.82
    """
    above("max_brightness_hz", max_brightness_hz, 0.0)
    return float(_brightest(law, float(max_brightness_hz), float(min_fidelity), prefers_rate))


@njit(cache=True)
def _score(
    law: PairLaw, cap_hz: float, min_fidelity: float, prefers_rate: bool, decades_below_cap: float
) -> tuple[float, float, float]:
    """Return what a brightness is judged by."""
    rate_hz, error = _count(law, cap_hz * 10.0**-decades_below_cap)
    fidelity = _fidelity(error)
    worth_hz = rate_hz if prefers_rate else rate_hz * ebits_of_fidelity(fidelity)
    return min(0.0, fidelity - min_fidelity), worth_hz, fidelity


@njit(cache=True)
def _brightest(law: PairLaw, cap_hz: float, min_fidelity: float, prefers_rate: bool) -> float:
    """Return the best brightness of `best_brightness_hz`."""
    found = _score(law, cap_hz, min_fidelity, prefers_rate, 0.0)
    if found > _score(law, cap_hz, min_fidelity, prefers_rate, _JUST_BELOW_CAP):
        return cap_hz  # one peak: it lies at the cap or beyond
    step = _GRID_DECADES / _GRID_STEPS
    best = 0.0
    for index in range(1, _GRID_STEPS + 1):
        score = _score(law, cap_hz, min_fidelity, prefers_rate, step * index)
        if score > found:
            best, found = step * index, score
    low, high = max(0.0, best - step), best + step
    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    left_score = _score(law, cap_hz, min_fidelity, prefers_rate, left)
    right_score = _score(law, cap_hz, min_fidelity, prefers_rate, right)
    for _ in range(_REFINEMENTS):
        if left_score > right_score:
            high, right, right_score = right, left, left_score
            left = high - _GOLDEN * (high - low)
            left_score = _score(law, cap_hz, min_fidelity, prefers_rate, left)
        else:
            low, left, left_score = left, right, right_score
            right = low + _GOLDEN * (high - low)
            right_score = _score(law, cap_hz, min_fidelity, prefers_rate, right)
    if left_score > right_score:
        right, right_score = left, left_score
    return float(cap_hz * 10.0 ** -(right if right_score > found else best))
