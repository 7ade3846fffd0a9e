"""Chains of elementary links with deterministic swaps: how long until all stand, and what storage costs.

Time runs in slots; in each slot every missing link succeeds on its own with its probability. Links whose clocks differ
are brought to the shortest clock by `common_slots`, which keeps every link's mean rate.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from numba import njit

from planner.physics.arguments import above, at_least, within

MAX_LINKS = 12
"""Longest chain that is evaluated; the work grows as three to the number of links."""


def common_slots(rates_hz: Sequence[float], clocks_s: Sequence[float]) -> tuple[float, tuple[float, ...]]:
    """Return the slot in seconds and each link's success probability per slot, for links with clocks of their own.

    The slot is the shortest clock and p_i = rate_i * slot, so that every mean rate is kept. Exact for equal clocks. For
    unequal clocks the slower links come a little more spread out than they do (geometric in shorter slots, in the
    limit exponential), which makes the chain slower by less than the links' success probability per attempt: 0.5 to
    2 % at 0.1, nothing at 0.001. Raises ValueError for no links, clocks that are not positive, or rate * clock > 1.

    >>> common_slots((100.0, 50.0), (1e-3, 2e-3))
    (0.001, (0.1, 0.05))
    """
    if not rates_hz or len(rates_hz) != len(clocks_s):
        raise ValueError(f"need one rate and one clock per link, got {len(rates_hz)} and {len(clocks_s)}")
    slot_s = min(above("clock_s", clock_s, 0.0) for clock_s in clocks_s)
    shares = [at_least("rate_hz", rate, 0.0) * clock for rate, clock in zip(rates_hz, clocks_s, strict=True)]
    for share in shares:
        within("success probability", share, 0.0, 1.0 + 1e-9)
    return slot_s, tuple(min(1.0, rate_hz * slot_s) for rate_hz in rates_hz)


def mean_slots(probabilities: Sequence[float]) -> float:
    """Return the mean number of slots until all links of a chain stand at once; infinite if one can never succeed.

    E[max] = sum over subsets S of (-1)^(|S|+1) / (1 - prod_{i in S} (1 - p_i)). Exact for independent links that try
    in parallel and are kept until used; also the time of a chain with deterministic swaps, at whatever moment they
    happen. Valid for 1 to 12 links with 0 <= p <= 1; raises ValueError otherwise.
    Source: Bernardes, Praxmeyer and van Loock, PRA 83, 012323 (2011).

    >>> round(mean_slots((0.1, 0.02, 0.05)), 8)
    56.30514984
    """
    check_probabilities(probabilities)
    return math.inf if min(probabilities) == 0.0 else float(slots_of_all(np.array(probabilities, dtype=np.float64)))


def mean_slots_of_two(probability: float, swap_probability: float) -> float:
    """Return the mean number of slots until a chain of two equal links is swapped.

    (3 - 2 p) / (p (2 - p) q): both links anew after a failed swap. Exact; 0 < p <= 1, 0 < q <= 1, ValueError otherwise.
    Source: Collins et al., PRL 98, 060502 (2007).

    >>> round(mean_slots_of_two(0.1, 0.5), 6)
    29.473684
    """
    within("probability", above("probability", probability, 0.0), 0.0, 1.0)
    within("swap_probability", above("swap_probability", swap_probability, 0.0), 0.0, 1.0)
    return (3.0 - 2.0 * probability) / (probability * (2.0 - probability) * swap_probability)


def mean_time_of_rates_s(rates_hz: Sequence[float]) -> float:
    """Return the mean time in seconds until all links stand, for links that appear at random with the given rates.

    sum over subsets S of (-1)^(|S|+1) / sum_{i in S} r_i: the limit of short slots. Above the exact time by 0.5 to 2 %
    for p <= 0.1 per slot. Infinite if a rate is zero; raises ValueError for negative rates or more than 12 links.

    >>> round(mean_time_of_rates_s((0.1, 0.02, 0.05)), 5)
    56.59664
    """
    if not 1 <= len(rates_hz) <= MAX_LINKS:
        raise ValueError(f"a chain has 1 to {MAX_LINKS} links, got {len(rates_hz)}")
    if min(at_least("rate_hz", rate_hz, 0.0) for rate_hz in rates_hz) == 0.0:
        return math.inf
    total = 0.0
    sums = [(0.0, -1.0)]
    for rate_hz in rates_hz:
        grown = [(rate + rate_hz, -sign) for rate, sign in sums]
        total += math.fsum(sign / rate for rate, sign in grown)
        sums += grown
    return total


def harmonic_rate_hz(rates_hz: Sequence[float]) -> float:
    """Return a rate that a chain with deterministic swaps is sure to reach: slowest link over the harmonic number H_n.

    Never above the exact rate, for any rates; for equal links with p <= 0.1 it is 0.2 to 3.4 % below. Linear in the
    slowest rate, so that an optimizer can use it. Raises ValueError for no links or negative rates.
    Source: mean of the maximum of n exponential times.

    >>> round(harmonic_rate_hz((100.0, 120.0, 110.0)), 4)
    54.5455
    """
    if not rates_hz:
        raise ValueError("a chain has at least one link, got none")
    slowest_hz = min(at_least("rate_hz", rate_hz, 0.0) for rate_hz in rates_hz)
    return slowest_hz / math.fsum(1.0 / count for count in range(1, len(rates_hz) + 1))


@lru_cache(maxsize=65536)
def waiting_decay(probabilities: tuple[float, ...], inner_decay: float, end_decay: float) -> float:
    """Return the mean factor on the Werner parameter by waiting in exponential memories, swapping as soon as possible.

    `inner_decay` is slot / coherence time of a qubit in a repeater station, `end_decay` that of a qubit at an end node
    (zero if it is measured at once). Over the set S of links that stand, V(S) = e^-b(S) sum_{S'} P(S -> S') V(S'), V of
    all links = 1, with b the sum over idle qubits: one on each side of a run of standing links. Exact for deterministic
    swaps, for any p. Without end storage it is E[exp(-a sum |N_j - N_{j+1}|)].
    Valid for 1 to 12 links, 0 < p <= 1, decays >= 0; raises ValueError otherwise.
    Source: the quantity of Kamin et al., PRR 5, 023086 (2023), by first-step analysis.

    >>> round(waiting_decay((0.1, 0.1), 0.01, 0.0), 8)
    0.91348299
    """
    at_least("inner_decay", inner_decay, 0.0)
    at_least("end_decay", end_decay, 0.0)
    check_probabilities(probabilities, positive=True)
    return float(waiting_factor(np.array(probabilities, dtype=np.float64), inner_decay, end_decay))


@lru_cache(maxsize=65536)
def held_decay(probabilities: tuple[float, ...], link_decay: float) -> float:
    """Return the mean factor on the Werner parameter if every link is held until all stand, and swapped only then.

    `link_decay` is slot / coherence time, times the qubits of a link that idle (two if the ends store). The same
    first-step analysis as `waiting_decay` with b(S) = `link_decay` * |S|. Exact.
    Valid for 1 to 12 links, 0 < p <= 1, decay >= 0; raises ValueError otherwise.

    >>> round(held_decay((0.1, 0.1), 0.02), 8)
    0.84078288
    """
    at_least("link_decay", link_decay, 0.0)
    check_probabilities(probabilities, positive=True)
    decays = link_decay * np.array([subset.bit_count() for subset in range(1 << len(probabilities))])
    return float(_dwell_factor(np.array(probabilities, dtype=np.float64), decays))


def mean_wait_slots(left: float, right: float) -> float:
    """Return the mean number of slots between the successes of two links: E|N1 - N2|.

    With s = (1 - p1)(1 - p2): p1 p2 / (1 - s) * [(1 - p1) / p1^2 + (1 - p2) / p2^2]. By Jensen's inequality
    exp(-a E|N1 - N2|) is a safe (low) value of the waiting decay, and linear after a logarithm. Valid for
    0 < p <= 1; raises ValueError otherwise.

    >>> round(mean_wait_slots(0.1, 0.1), 6)
    9.473684
    """
    check_probabilities((left, right), positive=True)
    both = left + right - left * right
    return left * right / both * ((1.0 - left) / left**2 + (1.0 - right) / right**2)


def fluid_rate_hz(rates_hz: Sequence[float], swap_probability: float) -> float:
    """Return the rate that many memories per station approach when they pool their pairs: min rate * q^(n - 1).

    Upper limit for a given sum of link rates; independent lanes (the default of the planner) stay below it.
    Valid for rates >= 0 and 0 <= q <= 1; raises ValueError otherwise.

    >>> fluid_rate_hz((100.0, 80.0, 120.0), 0.5)
    20.0
    """
    within("swap_probability", swap_probability, 0.0, 1.0)
    if not rates_hz:
        raise ValueError("a chain has at least one link, got none")
    return min(at_least("rate_hz", rate_hz, 0.0) for rate_hz in rates_hz) * float(
        swap_probability ** (len(rates_hz) - 1)
    )


def synchronous_rate_hz(
    slot_rate_hz: float, probabilities: Sequence[float], modes: int, swap_probability: float
) -> float:
    """Return the rate of a chain that keeps nothing from slot to slot: all links must succeed in the same slot.

    f * prod(1 - (1 - p_i)^M) * q^(n - 1), with M modes side by side. Exact; raises ValueError for invalid shares.
    Source: Guha et al., PRA 92, 022357 (2015).

    >>> round(synchronous_rate_hz(1e6, (0.01, 0.01), 100, 0.5), 1)
    200957.5
    """
    check_probabilities(probabilities)
    at_least("modes", modes, 1)
    within("swap_probability", swap_probability, 0.0, 1.0)
    share = math.prod(1.0 - (1.0 - probability) ** modes for probability in probabilities)
    return at_least("slot_rate_hz", slot_rate_hz, 0.0) * share * float(swap_probability ** (len(probabilities) - 1))


def check_probabilities(probabilities: Sequence[float], *, positive: bool = False) -> None:
    """Raise ValueError unless there are 1 to 12 success probabilities in [0, 1], or in (0, 1] if `positive`."""
    if not 1 <= len(probabilities) <= MAX_LINKS:
        raise ValueError(f"a chain has 1 to {MAX_LINKS} links, got {len(probabilities)}")
    for probability in probabilities:
        within("probability", probability, 0.0, 1.0)
        if positive:
            above("probability", probability, 0.0)


@njit(cache=True)
def slots_of_all(probabilities: npt.NDArray[np.float64]) -> float:
    """Return `mean_slots` of probabilities that are known to be above 0 and at most 1; for compiled loops."""
    links = len(probabilities)
    log_miss = np.zeros(1 << links)
    total, lost = 0.0, 0.0
    for subset in range(1, 1 << links):
        first, members, rest = 0, 1, subset & (subset - 1)
        while subset >> first & 1 == 0:
            first += 1
        for link in range(first + 1, links):
            members += subset >> link & 1
        chance = probabilities[first]
        log_miss[subset] = log_miss[rest] + (math.log1p(-chance) if chance < 1.0 else -math.inf)
        term = (1.0 if members % 2 else -1.0) / -math.expm1(log_miss[subset])
        # terms cancel: what rounding loses of each is kept and added at the end (Neumaier's sum)
        grown = total + term
        lost += (total - grown) + term if abs(total) >= abs(term) else (term - grown) + total
        total = grown
    return max(total + lost, 1.0)


@njit(cache=True)
def waiting_factor(probabilities: npt.NDArray[np.float64], inner_decay: float, end_decay: float) -> float:
    """Return `waiting_decay` of arguments that are known to be valid; for compiled loops."""
    links = len(probabilities)
    decays = np.zeros(1 << links)
    for subset in range(1 << links):
        # both sides of every run of standing links idle
        changes = (subset << 1) ^ subset
        for edge in range(links + 1):
            if changes >> edge & 1:
                decays[subset] += end_decay if edge in (0, links) else inner_decay
    return float(_dwell_factor(probabilities, decays))


@njit(cache=True)
def _dwell_factor(probabilities: npt.NDArray[np.float64], decay_of_set: npt.NDArray[np.float64]) -> float:
    """Return E[exp(-sum of `decay_of_set` over slots begun with that set of links standing)] until all stand."""
    links = len(probabilities)
    sets = 1 << links
    hit, miss, log_miss = np.ones(sets), np.ones(sets), np.zeros(sets)
    for members in range(1, sets):
        rest, first = members & (members - 1), 0
        while members >> first & 1 == 0:
            first += 1
        chance = probabilities[first]
        hit[members] = hit[rest] * chance
        miss[members] = miss[rest] * (1.0 - chance)
        log_miss[members] = log_miss[rest] + (math.log1p(-chance) if chance < 1.0 else -math.inf)
    value = np.zeros(sets)
    value[sets - 1] = 1.0
    for standing in range(sets - 2, -1, -1):
        empty = sets - 1 - standing
        arrived, gain = empty, 0.0
        while arrived:
            gain += hit[arrived] * miss[empty ^ arrived] * value[standing | arrived]
            arrived = (arrived - 1) & empty
        decay = decay_of_set[standing]
        leave = -math.expm1(log_miss[empty]) - miss[empty] * math.expm1(-decay)
        value[standing] = math.exp(-decay) * gain / leave
    return min(1.0, float(value[0]))
