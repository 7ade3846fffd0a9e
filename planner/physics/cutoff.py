"""Two links with a cut-off: a link that waited too long for the other is thrown away, so that fidelity stays high."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from planner.physics.arguments import above, at_least, within
from planner.physics.service import fidelity_of_werner, hashing_ebits

_TAIL = 28.0
"""Natural logarithm of the share of waits beyond which a longer cut-off changes nothing (7e-13)."""
_GRID_RATIO = 1.25


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
    for probability in (*probabilities, swap_probability):
        within("probability", above("probability", probability, 0.0), 0.0, 1.0)
    at_least("decay_per_slot", decay_per_slot, 0.0)
    at_least("max_wait_slots", max_wait_slots, 0)
    left, right = probabilities
    some = left + right - left * right
    together, left_first, right_first = left * right / some, left * (1.0 - right) / some, right * (1.0 - left) / some
    right_comes, right_decayed = _second(right, decay_per_slot, max_wait_slots)
    left_comes, left_decayed = _second(left, decay_per_slot, max_wait_slots)
    kept_share = together + left_first * right_comes + right_first * left_comes
    tries_slots = 1.0 / some + left_first * right_comes / right + right_first * left_comes / left
    return CutoffOutcome(
        mean_slots=tries_slots / (kept_share * swap_probability),
        decay=(together + left_first * right_decayed + right_first * left_decayed) / kept_share,
        kept_share=kept_share,
    )


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
    within("made_werner", made_werner, 0.0, 1.0)

    def ebits_per_slot(max_wait_slots: int) -> float:
        outcome = two_links_with_cutoff(probabilities, swap_probability, decay_per_slot, max_wait_slots)
        return hashing_ebits(fidelity_of_werner(made_werner * outcome.decay)) / outcome.mean_slots

    return _peak(ebits_per_slot, _never(probabilities))


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
    within("made_werner", made_werner, 0.0, 1.0)

    def reaches(max_wait_slots: int) -> bool:
        outcome = two_links_with_cutoff(probabilities, swap_probability, decay_per_slot, max_wait_slots)
        return fidelity_of_werner(made_werner * outcome.decay) >= min_fidelity

    if not reaches(0):
        raise ValueError(f"no cut-off reaches a fidelity of {min_fidelity!r}: without any wait it is too low already")
    low, high = 0, _never(probabilities)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if reaches(middle) else (low, middle - 1)
    return low


def _never(probabilities: tuple[float, float]) -> int:
    return math.ceil(_TAIL / min(probabilities))


def _second(probability: float, decay_per_slot: float, max_wait_slots: int) -> tuple[float, float]:
    """Return the share of waits that the second link ends in time, and the mean decay counted over those."""
    if not max_wait_slots:
        return 0.0, 0.0
    log_miss = math.log1p(-probability) if probability < 1.0 else -math.inf
    weight = probability * math.exp(-decay_per_slot) / -math.expm1(log_miss - decay_per_slot)
    return -math.expm1(max_wait_slots * log_miss), weight * -math.expm1(max_wait_slots * (log_miss - decay_per_slot))


def _peak(value: Callable[[int], float], last: int) -> int:
    """Return the smallest integer from 0 to `last` at which a function with one peak is largest."""
    grid = [0]
    while grid[-1] < last:
        grid.append(min(last, max(grid[-1] + 1, math.ceil(grid[-1] * _GRID_RATIO))))
    best = max(range(len(grid)), key=lambda index: (value(grid[index]), -index))
    low, high = grid[max(0, best - 1)], grid[min(len(grid) - 1, best + 1)]
    while high - low > 2:
        third = (high - low) // 3
        left, right = low + third, high - third
        low, high = (low, right) if value(left) >= value(right) else (left, high)
    return max(range(low, high + 1), key=lambda wait: (value(wait), -wait))
