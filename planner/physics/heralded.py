"""Elementary links that announce their success: probability and fidelity of one attempt, and its clock.

All functions take the efficiency of an arm from the emitter to the click: emission, collection, conversion, loss and
detector, each counted once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from planner.physics.arguments import above, at_least, within
from planner.physics.service import werner_of_fidelity


@dataclass(frozen=True, kw_only=True, slots=True)
class Herald:
    """Outcome of one attempt: probability of an announced success, and fidelity of the pair when it is announced."""

    probability: float
    fidelity: float


def dark_probability(rate_hz: float, window_s: float) -> float:
    """Return the probability that a detector clicks without signal in a window of `window_s`.

    1 - exp(-rate * window), for dark counts and background of `rate_hz` in one detector, Poissonian.
    Raises ValueError for a negative rate or window.

    >>> round(dark_probability(100.0, 50e-9) * 1e6, 4)
    5.0
    """
    return -math.expm1(-at_least("rate_hz", rate_hz, 0.0) * at_least("window_s", window_s, 0.0))


def double_click(
    left_efficiency: float,
    right_efficiency: float,
    *,
    dark_probability: float,
    visibility: float,
    emission_fidelity: float,
) -> Herald:
    """Return success and fidelity of a two-photon herald (Barrett-Kok, time-bin or polarization) at a midpoint.

    Each emitter sends one photon in one of two modes; success is one click in each mode, behind a beam splitter with
    two outputs per mode. With s = 1 - dark and no number resolution, all cases are counted:
    both arrive in different modes  eta_A eta_B / 2 * s^2               fidelity (1 + V) / 2
    both arrive in the same mode    eta_A eta_B / 2 * (1 + V) d s^2     fidelity 0 (wrong parity)
    one arrives                     (eta_A + eta_B - 2 eta_A eta_B) * 2 d s^2               fidelity 1/4
    none arrives                    (1 - eta_A)(1 - eta_B) * 4 d^2 s^2                      fidelity 1/4
    Errors of the two memory-photon pairs act as depolarizing noise of Werner parameter w(emission fidelity) each.
    Exact for Bernoulli dark clicks; without darks p = eta_A eta_B / 2. Efficiencies, dark and visibility in [0, 1],
    emission fidelity in [1/4, 1]; raises ValueError otherwise.
    Source: Barrett and Kok, PRA 71, 060310 (2005); false heralds enumerated here.

    >>> herald = double_click(0.05, 0.05, dark_probability=1e-6, visibility=0.95, emission_fidelity=1.0)
    >>> f"{herald.probability:.5e}", round(herald.fidelity, 6)
    ('1.25019e-03', 0.974888)
    """
    _check_arms(left_efficiency, right_efficiency, dark_probability, visibility)
    quiet = (1.0 - dark_probability) ** 2
    both = left_efficiency * right_efficiency
    one = left_efficiency + right_efficiency - 2.0 * both
    none = (1.0 - left_efficiency) * (1.0 - right_efficiency)
    signal = 0.5 * both * quiet
    same_mode = 0.5 * both * (1.0 + visibility) * dark_probability * quiet
    noise = (2.0 * one + 4.0 * none * dark_probability) * dark_probability * quiet
    probability = signal + same_mode + noise
    true_pairs = signal * (1.0 + visibility) / 2.0 + noise / 4.0
    return Herald(probability=probability, fidelity=_with_emission(true_pairs, probability, emission_fidelity))


def single_click(
    left_efficiency: float,
    right_efficiency: float,
    *,
    bright_state: float,
    dark_probability: float,
    visibility: float,
    phase_error_rad: float,
    emission_fidelity: float,
) -> Herald:
    """Return success and fidelity of a one-photon herald with phase-stable arms.

    Each emitter is bright with a small probability; success is exactly one click behind the beam splitter. The bright
    shares are balanced, a_A eta_A = a_B eta_B, with mean `bright_state` = a, so that unequal arms cost rate and not
    fidelity. Enumerated over emissions, arrivals (threshold detectors) and dark clicks d per output; coherence of the
    two ways is C = sqrt(V) exp(-phase^2 / 2). To first order p = 2 a eta + 2 d, and F = (1 - a)(1 + C) / 2 if d = 0.
    Errors of the emission act as depolarizing noise on each memory. Efficiencies, dark and visibility in [0, 1],
    0 < a < 1/2, emission fidelity in [1/4, 1]; raises ValueError otherwise.
    Source: Cabrillo et al., PRA 59, 1025 (1999); Humphreys et al., Nature 558, 268 (2018).

    >>> herald = single_click(0.01, 0.01, bright_state=0.1, dark_probability=1e-6, visibility=0.9,
    ...     phase_error_rad=0.3, emission_fidelity=1.0)
    >>> round(herald.probability, 6), round(herald.fidelity, 3)
    (0.002001, 0.858)
    """
    _check_arms(left_efficiency, right_efficiency, dark_probability, visibility)
    within("bright_state", above("bright_state", bright_state, 0.0), 0.0, 0.5)
    at_least("phase_error_rad", phase_error_rad, 0.0)
    arms = left_efficiency + right_efficiency
    left_bright = 2.0 * bright_state * right_efficiency / arms if arms > 0.0 else bright_state
    right_bright = 2.0 * bright_state * left_efficiency / arms if arms > 0.0 else bright_state
    quiet, dark = 1.0 - dark_probability, 2.0 * dark_probability
    both = left_efficiency * right_efficiency
    only_left, only_right = left_bright * (1.0 - right_bright), right_bright * (1.0 - left_bright)
    left_click, right_click = only_left * left_efficiency * quiet, only_right * right_efficiency * quiet
    lost = (only_left * (1.0 - left_efficiency) + only_right * (1.0 - right_efficiency)) * dark * quiet
    no_light = (1.0 - left_bright) * (1.0 - right_bright) * dark * quiet
    unlit = (1.0 - left_efficiency) * (1.0 - right_efficiency)
    two_bright = (
        left_bright * right_bright * quiet * (both * (1.0 + visibility) / 2.0 + (arms - 2.0 * both) + unlit * dark)
    )
    probability = left_click + right_click + lost + no_light + two_bright
    coherence = math.sqrt(visibility) * math.exp(-(phase_error_rad**2) / 2.0)
    true_pairs = (left_click + right_click + lost) / 2.0 + coherence * math.sqrt(left_click * right_click)
    return Herald(probability=probability, fidelity=_with_emission(true_pairs, probability, emission_fidelity))


def sender_receiver(link_efficiency: float, readout_efficiency: float) -> float:
    """Return the success probability of an attempt without midpoint: one end sends, the other stores and announces.

    link efficiency * readout efficiency, both in [0, 1]; raises ValueError otherwise. Its clock is the round trip,
    `round_trip_clock_s`. Source: van Loock et al., Adv. Quantum Technol. 3, 1900141 (2020).

    >>> round(sender_receiver(0.1, 0.5), 4)
    0.05
    """
    within("link_efficiency", link_efficiency, 0.0, 1.0)
    return link_efficiency * within("readout_efficiency", readout_efficiency, 0.0, 1.0)


def absorptive(
    left_efficiency: float, right_efficiency: float, left_herald_efficiency: float, right_herald_efficiency: float
) -> float:
    """Return the success probability per mode of a pair source in the middle with heralded absorptive memories.

    eta_A eta_B her_A her_B: both photons arrive and both memories announce the storage. All in [0, 1]; raises
    ValueError otherwise. Its clock is the smaller of source rate and memory bandwidth, free of the signal time.
    Source: Jones et al., New J. Phys. 18, 083015 (2016), midpoint source.

    >>> round(absorptive(0.1, 0.1, 0.3, 0.3) * 1e4, 4)
    9.0
    """
    within("left_efficiency", left_efficiency, 0.0, 1.0)
    within("right_efficiency", right_efficiency, 0.0, 1.0)
    within("left_herald_efficiency", left_herald_efficiency, 0.0, 1.0)
    within("right_herald_efficiency", right_herald_efficiency, 0.0, 1.0)
    return left_efficiency * right_efficiency * left_herald_efficiency * right_herald_efficiency


def midpoint_clock_s(
    left_delay_s: float, right_delay_s: float, *, repetition_hz: float, initialization_s: float
) -> float:
    """Return the time from one attempt to the next when a midpoint announces the outcome.

    max(1 / repetition, 2 max(left, right) + initialization): the farther end hears last. L / v for a heralding station
    in the middle. Delays >= 0 in seconds of the two arms, repetition > 0; raises ValueError otherwise.

    >>> midpoint_clock_s(50e-6, 50e-6, repetition_hz=1e6, initialization_s=0.0)
    0.0001
    """
    at_least("left_delay_s", left_delay_s, 0.0)
    at_least("right_delay_s", right_delay_s, 0.0)
    round_trip_s = 2.0 * max(left_delay_s, right_delay_s) + at_least("initialization_s", initialization_s, 0.0)
    return max(1.0 / above("repetition_hz", repetition_hz, 0.0), round_trip_s)


def round_trip_clock_s(delay_s: float, *, repetition_hz: float, initialization_s: float) -> float:
    """Return the time from one attempt to the next when the far end announces the outcome.

    max(1 / repetition, 2 delay + initialization), twice the clock of the same link with a midpoint.
    Raises ValueError for negative times or a repetition rate that is not positive.

    >>> round_trip_clock_s(100e-6, repetition_hz=1e6, initialization_s=0.0)
    0.0002
    """
    return midpoint_clock_s(delay_s, delay_s, repetition_hz=repetition_hz, initialization_s=initialization_s)


def multiplexed_probability(probability: float, modes: int) -> float:
    """Return the probability that at least one of `modes` attempts of a slot succeeds; one pair is used per slot.

    1 - (1 - p)^M for 0 <= p <= 1, M >= 1; raises ValueError otherwise. With memories for all, M p pairs could be kept.
    Source: Guha et al., PRA 92, 022357 (2015).

    >>> round(multiplexed_probability(0.01, 100), 6)
    0.633968
    """
    within("probability", probability, 0.0, 1.0)
    at_least("modes", modes, 1)
    return 1.0 if probability == 1.0 else -math.expm1(modes * math.log1p(-probability))


def _check_arms(left: float, right: float, dark: float, visibility: float) -> None:
    within("left_efficiency", left, 0.0, 1.0)
    within("right_efficiency", right, 0.0, 1.0)
    within("dark_probability", dark, 0.0, 1.0)
    within("visibility", visibility, 0.0, 1.0)


def _with_emission(true_pairs: float, probability: float, emission_fidelity: float) -> float:
    """Return the fidelity of announced pairs after depolarizing both memories; 1/4 where nothing is announced."""
    within("emission_fidelity", emission_fidelity, 0.25, 1.0)
    fidelity = true_pairs / probability if probability > 0.0 else 0.25
    return 0.25 + werner_of_fidelity(emission_fidelity) ** 2 * (fidelity - 0.25)
