"""Two links with a cut-off: a link that waited too long for the other is thrown away, so that fidelity stays high."""

from __future__ import annotations

import math
from dataclasses import dataclass

from numba import njit

from planner.physics.arguments import above, at_least, within
from planner.physics.service import ebits_of_fidelity

_TAIL = 28.0
"""Natural logarithm of the share of waits beyond which a longer cut-off changes nothing (7e-13)."""
_GRID_RATIO = 1.25
_MOST_SLOTS = 1e15
"""Longest wait that is looked at: far beyond any device, and exact as a number."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CutoffOutcome:
    """Mean slots per swapped pair, mean storage factor of its Werner parameter, and share of tries not cut off."""

    mean_slots: float
    decay: float
    kept_share: float


def two_links_with_cutoff(
    probabilities: tuple[float, float], swap_probability: float, decay_per_slot: float, max_wait_slots: int
) -> CutoffOutcome:
    """Return time and storage of two links when a link is kept for at most `max_wait_slots` slots.

    With p and r the success per slot, P = p + r - p r, s = p r / P the share of simultaneous successes,
    u = p (1 - r) / P and v = r (1 - p) / P those in which one link is first, m the cut-off, c(p) = 1 - (1 - p)^m, a
    the decay per slot, x(p) = (1 - p) e^-a: kept Q = s + u c(r) + v c(p),
    E[T] = [1 / P + u c(r) / r + v c(p) / p] / (Q q), and
    E[decay] = [s + u d(r) + v d(p)] / Q with d(p) = p e^-a (1 - x(p)^m) / (1 - x(p)).
    Exact; after a cut-off both links start anew. m = 0 keeps simultaneous successes only. Valid for 0 < p, r <= 1, 0 <
    q <= 1, decay >= 0, m >= 0; raises ValueError otherwise. Source: Collins et al., PRL 98, 060502 (2007), with the
    decay summed here, and unequal links.

    >>> outcome = two_links_with_cutoff((0.1, 0.1), 1.0, 0.01, 5)
    >>> round(outcome.mean_slots, 8), round(outcome.decay, 8), round(outcome.kept_share, 8)
    (20.75117248, 0.9758543, 0.44058842)
    """
    _check(probabilities, swap_probability, decay_per_slot)
    at_least("max_wait_slots", max_wait_slots, 0)
    mean_slots, decay, kept_share = _run(*probabilities, swap_probability, decay_per_slot, max_wait_slots)
    return CutoffOutcome(mean_slots=mean_slots, decay=decay, kept_share=kept_share)


def best_cutoff_slots(
    probabilities: tuple[float, float], swap_probability: float, decay_per_slot: float, made_werner: float
) -> int:
    """Return the cut-off in slots that gives most ebits per second for two links.

    `made_werner` is the Werner parameter of the swapped pair without storage. Ebits are rate * hashing bound; where no
    cut-off gives any, the answer is 0 (the best fidelity). Search over integers up to the wait that practically never
    occurs; exact for a value with one peak. Raises ValueError for invalid arguments.

    >>> best_cutoff_slots((0.01, 0.01), 1.0, 0.002, 0.95)
    65
    """
    _check(probabilities, swap_probability, decay_per_slot)
    within("made_werner", made_werner, 0.0, 1.0)
    return int(_peak(*probabilities, decay_per_slot, made_werner, _never(probabilities)))


def longest_cutoff_slots(
    probabilities: tuple[float, float],
    swap_probability: float,
    decay_per_slot: float,
    made_werner: float,
    min_fidelity: float,
) -> int:
    """Return the longest cut-off in slots, hence the fastest chain, whose mean fidelity still reaches `min_fidelity`.

    Fidelity falls steadily with the cut-off. A cut-off that practically never acts (28 / p slots) is the longest
    answer. Raises ValueError if even simultaneous successes miss the fidelity, or for invalid arguments.

    >>> longest_cutoff_slots((0.01, 0.01), 1.0, 0.002, 0.95, 0.93)
    51
    """
    _check(probabilities, swap_probability, decay_per_slot)
    within("made_werner", made_werner, 0.0, 1.0)
    found = _longest(*probabilities, decay_per_slot, made_werner, min_fidelity, _never(probabilities))
    if found < 0:
        raise ValueError(f"no cut-off reaches a fidelity of {min_fidelity!r}: without any wait it is too low already")
    return int(found)


def _check(probabilities: tuple[float, float], swap_probability: float, decay_per_slot: float) -> None:
    for probability in (*probabilities, swap_probability):
        within("probability", above("probability", probability, 0.0), 0.0, 1.0)
    at_least("decay_per_slot", decay_per_slot, 0.0)


def _never(probabilities: tuple[float, float]) -> int:
    return math.ceil(min(_TAIL / min(probabilities), _MOST_SLOTS))


@njit(cache=True)
def _second(probability: float, decay_per_slot: float, max_wait_slots: int) -> tuple[float, float]:
    """Return the share of waits that the second link ends in time, and the mean decay counted over those."""
    if max_wait_slots == 0:
        return 0.0, 0.0
    log_miss = math.log1p(-probability) if probability < 1.0 else -math.inf
    weight = probability * math.exp(-decay_per_slot) / -math.expm1(log_miss - decay_per_slot)
    return -math.expm1(max_wait_slots * log_miss), weight * -math.expm1(max_wait_slots * (log_miss - decay_per_slot))


@njit(cache=True)
def _run(
    left: float, right: float, swap_probability: float, decay_per_slot: float, max_wait_slots: int
) -> tuple[float, float, float]:
    """Return mean slots, decay and kept share of `two_links_with_cutoff`."""
    some = left + right - left * right
    together, left_first, right_first = left * right / some, left * (1.0 - right) / some, right * (1.0 - left) / some
    right_comes, right_decayed = _second(right, decay_per_slot, max_wait_slots)
    left_comes, left_decayed = _second(left, decay_per_slot, max_wait_slots)
    kept_share = together + left_first * right_comes + right_first * left_comes
    tries_slots = 1.0 / some + left_first * right_comes / right + right_first * left_comes / left
    decay = (together + left_first * right_decayed + right_first * left_decayed) / kept_share
    return tries_slots / (kept_share * swap_probability), decay, kept_share


@njit(cache=True)
def _fidelity(left: float, right: float, decay_per_slot: float, made_werner: float, max_wait_slots: int) -> float:
    return (1.0 + 3.0 * made_werner * _run(left, right, 1.0, decay_per_slot, max_wait_slots)[1]) / 4.0


@njit(cache=True)
def _ebits(left: float, right: float, decay_per_slot: float, made_werner: float, max_wait_slots: int) -> float:
    """Return ebits per slot up to the success of swaps, which changes no choice."""
    mean_slots, decay, _ = _run(left, right, 1.0, decay_per_slot, max_wait_slots)
    return ebits_of_fidelity((1.0 + 3.0 * made_werner * decay) / 4.0) / mean_slots


@njit(cache=True)
def _peak(left: float, right: float, decay_per_slot: float, made_werner: float, last: int) -> int:
    """Return the smallest wait from 0 to `last` with most ebits, of which there is one peak."""
    below, best, above_it, found = 0, 0, 0, _ebits(left, right, decay_per_slot, made_werner, 0)
    before, at = 0, 0
    while at < last:
        before, at = at, min(last, max(at + 1, math.ceil(at * _GRID_RATIO)))
        ebits = _ebits(left, right, decay_per_slot, made_werner, at)
        if above_it == best:
            above_it = at
        if ebits > found:
            below, best, above_it, found = before, at, at, ebits
    low, high = below, above_it
    while high - low > 2:
        third = (high - low) // 3
        early = _ebits(left, right, decay_per_slot, made_werner, low + third)
        if early >= _ebits(left, right, decay_per_slot, made_werner, high - third):
            high -= third
        else:
            low += third
    best, found = low, -1.0
    for wait in range(low, high + 1):
        ebits = _ebits(left, right, decay_per_slot, made_werner, wait)
        if ebits > found:
            best, found = wait, ebits
    return best


@njit(cache=True)
def _longest(
    left: float, right: float, decay_per_slot: float, made_werner: float, min_fidelity: float, last: int
) -> int:
    """Return the longest wait up to `last` that keeps the fidelity; -1 if none does."""
    if _fidelity(left, right, decay_per_slot, made_werner, 0) < min_fidelity:
        return -1
    low, high = 0, last
    while low < high:
        middle = (low + high + 1) // 2
        if _fidelity(left, right, decay_per_slot, made_werner, middle) >= min_fidelity:
            low = middle
        else:
            high = middle - 1
    return low
