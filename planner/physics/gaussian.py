"""Storage of a chain in memories whose coherence falls like a Gaussian, as of atoms in drifting fields.

Unlike exponential memories they remember: one long wait costs more than two short ones of the same total. Waits are
therefore followed for each qubit, including the fixed time until the herald arrives.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from numba import njit

from planner.physics.arguments import above, at_least
from planner.physics.chains import check_probabilities

_TAIL = 28.0
"""Natural logarithm of the share of outcomes that may be cut off in sums over slots (7e-13)."""
_REACH = 6.1
"""Storage time in coherence times after which a Gaussian memory holds nothing (7e-17)."""
_COARSEST = 0.2
"""Largest success probability, and slot in coherence times, of the coarser slots that stand for fine ones."""
_COARSE = (1.0, 0.9, 0.78, 0.65, 0.52, 0.4, 0.3, 0.22)
"""Coarser slots, in shares of the coarsest, from which the value at fine slots is extrapolated."""
_FEW_SLOTS = 1000
"""Number of slots up to which a direct sum is faster than one by Fourier transforms."""

_Floats = npt.NDArray[np.float64]
_Pairs = tuple[tuple[float, float], ...]


def waiting_decay(
    probabilities: tuple[float, ...],
    slot_share: float,
    *,
    inner_idle: tuple[tuple[float, float], ...],
    end_idle: tuple[float, float] | None = None,
) -> float:
    """Return the mean factor on the Werner parameter by storage in Gaussian memories, swapping as soon as possible.

    A qubit that idles for x coherence times keeps exp(-x^2). `slot_share` is slot / coherence time. `inner_idle` gives
    for each repeater station the coherence times that the qubit of its left and of its right link idle in any case,
    while they wait for the herald; `end_idle` the same for the two end nodes if they store, which is exact for two
    links only. The chain sum v_{j+1}(N') = p_{j+1}(N') sum_N v_j(N) K_j(N' - N) runs over all outcomes within reach of
    the memories; as only differences count, it is taken over outcomes whose first success comes in slot 1. Fine slots
    are extrapolated from coarser ones with the same rates, on which the value depends smoothly.
    Exact to 1e-9 for deterministic swaps. Valid for 2 to 12 links, 0 < p <= 1, slot_share > 0; raises ValueError
    otherwise.

    >>> round(waiting_decay((0.1, 0.1), 0.05, inner_idle=((0.0, 0.0),)), 6)
    0.772165
    """
    check_probabilities(probabilities, positive=True)
    above("slot_share", slot_share, 0.0)
    stations = len(probabilities) - 1
    if stations < 1 or len(inner_idle) != stations:
        raise ValueError(f"need idle times for each of {stations} repeater stations (at least one), got {inner_idle!r}")
    if end_idle is not None and stations != 1:
        raise ValueError(f"stored ends are exact for two links only, got {stations + 1} links")
    log_miss = [math.log1p(-p) if p < 1.0 else -math.inf for p in probabilities]
    coarsest = _COARSEST / max(-min(log_miss), slot_share)
    if coarsest < 2.0 / _COARSE[-1]:
        return _kept(log_miss, slot_share, inner_idle, end_idle)
    total = 0.0
    for share in _COARSE:
        width = share * coarsest
        weight = math.prod((1.0 - other * coarsest) / (width - other * coarsest) for other in _COARSE if other != share)
        total += weight * _kept([width * value for value in log_miss], width * slot_share, inner_idle, end_idle)
    return min(1.0, max(0.0, total))


def _kept(
    log_miss: Sequence[float], slot_share: float, inner_idle: _Pairs, end_idle: tuple[float, float] | None
) -> float:
    """Return the mean factor, summed slot by slot; `log_miss` are the logarithms of the chances to fail in a slot."""
    stations = len(inner_idle)
    if stations == 1:
        return _kept_of_two((log_miss[0], log_miss[1]), slot_share, inner_idle[0], end_idle)
    slots = math.ceil(min(_TAIL / -max(log_miss), stations * _REACH / slot_share)) + 2
    wait = slot_share * np.arange(slots)
    kernels = [
        (np.exp(-((wait + left) ** 2) - right**2), np.exp(-((wait + right) ** 2) - left**2))
        for left, right in inner_idle
    ]
    times = [_success_times(value, slots) for value in log_miss]
    chain_sum = _direct_sum if slots <= _FEW_SLOTS else _transformed_sum
    from_one = chain_sum(times, kernels, slots)
    from_two = chain_sum(times, kernels, slots - 1) * math.exp(sum(log_miss))
    return min(1.0, max(0.0, (from_one - from_two) / -math.expm1(sum(log_miss))))


def decay_bound(
    probabilities: tuple[float, ...],
    slot_share: float,
    *,
    mean_total_slots: float,
    inner_idle: tuple[tuple[float, float], ...],
    end_idle: tuple[float, float] | None = None,
) -> float:
    """Return a safe (low) value of the decay in Gaussian memories where no exact sum is at hand.

    exp(-E[sum of squared idle times]), by Jensen's inequality, with each wait at a repeater station no longer than the
    slower neighbour's geometric time, and stored ends waiting for the whole chain (E[T^2] <= 2 E[T]^2, as a chain that
    has begun is never worse than an empty one). For swaps as soon as possible, also when they may fail.
    Arguments as in `waiting_decay`; `mean_total_slots` is the mean time of the chain. Raises ValueError for
    probabilities outside (0, 1] or a time below one slot.

    >>> round(decay_bound((0.1, 0.1), 0.05, mean_total_slots=14.74, inner_idle=((0.0, 0.0),)), 6)
    0.621885
    """
    check_probabilities(probabilities, positive=True)
    at_least("mean_total_slots", mean_total_slots, 1.0)
    squares = 0.0
    for station, (left, right) in enumerate(inner_idle):
        slower = min(probabilities[station], probabilities[station + 1])
        squares += slot_share**2 * (2.0 - slower) / slower**2 + 2.0 * slot_share * max(left, right) / slower
        squares += left**2 + right**2
    for idle in end_idle or ():
        held = slot_share * mean_total_slots
        squares += 2.0 * held**2 + 2.0 * held * idle + idle**2
    return math.exp(-squares)


def _kept_of_two(
    log_miss: tuple[float, float],
    slot_share: float,
    inner_idle: tuple[float, float],
    end_idle: tuple[float, float] | None,
) -> float:
    """Return the mean factor of two links: one comes first, or both at once, and the other so many slots later."""
    waiting = [inner_idle] if end_idle is None else [inner_idle, end_idle]
    square = len(waiting) * slot_share**2
    constant = sum(left**2 + right**2 for left, right in waiting)
    early_left, early_right = (2.0 * slot_share * sum(idle[side] for idle in waiting) for side in (0, 1))
    left, right = log_miss
    later = _faded_sum(right, square, early_left, 0) + _faded_sum(left, square, early_right, 1)
    return float(math.expm1(left) * math.expm1(right) * math.exp(-constant) * later / -math.expm1(left + right))


@njit(cache=True)
def _faded_sum(log_miss: float, square: float, linear: float, first: int) -> float:
    """Return the sum over waits d from `first` slots on of exp(d log_miss - square d^2 - linear d)."""
    if log_miss == -math.inf:
        return 1.0 if first == 0 else 0.0
    total, wait = 0.0, float(first)
    while True:
        exponent = wait * (log_miss - linear - square * wait)
        if exponent < -_TAIL - 10.0:
            return total
        total += math.exp(exponent)
        wait += 1.0


def _direct_sum(times: Sequence[_Floats], kernels: Sequence[tuple[_Floats, _Floats]], slots: int) -> float:
    """Return the sum over outcomes in slots 1 to `slots` of their probability times the kernels of all stations.

    The first kernel of a station weighs waits of its left link, by slots; the second those of its right link.
    """
    value = times[0][:slots]
    for own, (forward, backward) in zip(times[1:], kernels, strict=True):
        value = _convolved(value, forward, backward) * own[:slots]
    return float(value.sum())


@njit(cache=True)
def _convolved(value: _Floats, forward: _Floats, backward: _Floats) -> _Floats:
    slots = len(value)
    result = np.zeros(slots)
    for first in range(slots):
        chance = value[first]
        for second in range(first, slots):
            result[second] += chance * forward[second - first]
        for second in range(first):
            result[second] += chance * backward[first - second]
    return result


def _transformed_sum(times: Sequence[_Floats], kernels: Sequence[tuple[_Floats, _Floats]], slots: int) -> float:
    """Return `_direct_sum` by Fourier transforms, which lose digits of small values."""
    size = 1 << (2 * slots - 1).bit_length()
    value = times[0][:slots]
    for own, (forward, backward) in zip(times[1:], kernels, strict=True):
        two_sided = np.zeros(size)
        two_sided[:slots] = forward[:slots]
        two_sided[size - slots + 1 :] = backward[slots - 1 : 0 : -1]
        spectrum = np.fft.rfft(value, size) * np.fft.rfft(two_sided)
        value = np.fft.irfft(spectrum, size)[:slots] * own[:slots]
    return float(value.sum())


def _success_times(log_miss: float, slots: int) -> _Floats:
    """Return the probability that a link succeeds in slot 1, 2, ..."""
    index = np.arange(slots)
    if log_miss == -math.inf:
        return np.where(index == 0, 1.0, 0.0)
    times: _Floats = -math.expm1(log_miss) * np.exp(index * log_miss)
    return times
