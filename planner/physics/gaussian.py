"""Storage of a chain in memories whose coherence falls like a Gaussian, as of atoms in drifting fields.

Unlike exponential memories they remember: one long wait costs more than two short ones of the same total. Waits are
therefore followed for each qubit, including the fixed time until the herald arrives.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from planner.physics.arguments import above, at_least
from planner.physics.chains import check_probabilities

_TAIL = 28.0
"""Natural logarithm of the share of outcomes that may be cut off in sums over slots (7e-13)."""
_REACH = 6.1
"""Storage time in coherence times after which a Gaussian memory holds nothing (7e-17)."""


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
    the memories; as only differences count, it is taken over outcomes whose first success comes in slot 1.
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
    slots = math.ceil(min(_TAIL / min(probabilities), stations * _REACH / slot_share)) + 2
    wait = slot_share * np.arange(slots)
    kernels = [
        (np.exp(-((wait + left) ** 2) - right**2), np.exp(-((wait + right) ** 2) - left**2))
        for left, right in inner_idle
    ]
    if end_idle is not None:
        (forward, backward), (left, right) = kernels[0], end_idle
        ends = (np.exp(-((wait + left) ** 2) - right**2), np.exp(-((wait + right) ** 2) - left**2))
        kernels = [(forward * ends[0], backward * ends[1])]
    from_one = _chain_sum(probabilities, kernels, slots)
    from_two = _chain_sum(probabilities, kernels, slots - 1) * math.prod(1.0 - p for p in probabilities)
    return min(1.0, max(0.0, (from_one - from_two) / _any_success(probabilities)))


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


def _any_success(probabilities: Sequence[float]) -> float:
    return -math.expm1(sum(math.log1p(-p) if p < 1.0 else -math.inf for p in probabilities))


def _chain_sum(
    probabilities: Sequence[float],
    kernels: Sequence[tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]],
    slots: int,
) -> float:
    """Return the sum over outcomes in slots 1 to `slots` of their probability times the kernels of all stations.

    The first kernel of a station weighs waits of its left link, by slots; the second those of its right link.
    """
    size = 1 << (2 * slots - 1).bit_length()
    index = np.arange(slots)
    value = _success_times(probabilities[0], index)
    for probability, (forward, backward) in zip(probabilities[1:], kernels, strict=True):
        two_sided = np.zeros(size)
        two_sided[:slots] = forward[:slots]
        two_sided[size - slots + 1 :] = backward[slots - 1 : 0 : -1]
        spectrum = np.fft.rfft(value, size) * np.fft.rfft(two_sided)
        value = np.fft.irfft(spectrum, size)[:slots] * _success_times(probability, index)
    return float(value.sum())


def _success_times(probability: float, index: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    if probability == 1.0:
        return np.where(index == 0, 1.0, 0.0)
    times: npt.NDArray[np.float64] = probability * np.exp(index * math.log1p(-probability))
    return times
