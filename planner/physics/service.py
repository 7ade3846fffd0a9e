"""From pairs to what they are worth: Werner parameter, ebits, key, and the bound that no network exceeds."""

from __future__ import annotations

import math

from numba import njit

from planner.physics.arguments import at_least, within

ERROR_CORRECTION_EFFICIENCY = 1.16
"""Bits revealed by error correction per bit of the Shannon limit (typical of Cascade and of LDPC codes)."""


def werner_of_fidelity(fidelity: float) -> float:
    """Return the Werner parameter w of a pair with the given fidelity: w = (4 F - 1) / 3.

    Valid for 0 <= fidelity <= 1; raises ValueError otherwise. Source: Werner, PRA 40, 4277 (1989).

    >>> round(werner_of_fidelity(0.85), 6)
    0.8
    """
    return (4.0 * within("fidelity", fidelity, 0.0, 1.0) - 1.0) / 3.0


def fidelity_of_werner(werner: float) -> float:
    """Return the fidelity of a pair with Werner parameter `werner`: F = (1 + 3 w) / 4.

    Valid for -1/3 <= w <= 1; raises ValueError otherwise. Source: Werner, PRA 40, 4277 (1989).

    >>> round(fidelity_of_werner(0.8), 6)
    0.85
    """
    return (1.0 + 3.0 * within("werner", werner, -1.0 / 3.0, 1.0)) / 4.0


def binary_entropy(share: float) -> float:
    """Return the entropy in bits of a yes/no outcome: -x log2 x - (1 - x) log2(1 - x), for 0 <= x <= 1.

    Raises ValueError outside. Source: Shannon (1948).

    >>> round(binary_entropy(0.11), 6)
    0.499916
    """
    within("share", share, 0.0, 1.0)
    return sum(-x * math.log2(x) for x in (share, 1.0 - share) if x > 0.0)


def qubit_error(fidelity: float) -> float:
    """Return the share of unequal outcomes when a Werner pair is measured in the same basis: Q = 2 (1 - F) / 3.

    Equal in every basis for a Werner state; for 1/4 <= F <= 1 it lies in [0, 1/2]. Raises ValueError for a fidelity
    outside [0, 1]. Source: Bennett et al., PRA 54, 3824 (1996).

    >>> round(qubit_error(0.85), 6)
    0.1
    """
    return 2.0 * (1.0 - within("fidelity", fidelity, 0.0, 1.0)) / 3.0


def hashing_ebits(fidelity: float) -> float:
    """Return the ebits per pair that one-way distillation of many Werner pairs is sure to give.

    max(0, 1 + F log2 F + (1 - F) log2((1 - F) / 3)). Zero at and below F = 0.810710; a lower bound on distillable
    entanglement. Valid for 0 <= F <= 1; raises ValueError otherwise. Source: Bennett et al., PRA 54, 3824 (1996).

    >>> round(hashing_ebits(0.95), 6)
    0.634355
    """
    return float(ebits_of_fidelity(within("fidelity", fidelity, 0.0, 1.0)))


@njit(cache=True)
def ebits_of_fidelity(fidelity: float) -> float:
    """Return `hashing_ebits` of a fidelity that is known to lie in [0, 1]; for compiled searches."""
    if fidelity <= 0.5:
        return 0.0  # below 1/4 the formula grows again, but the pair is separable: it holds no ebit
    wrong = 1.0 - fidelity
    bad = wrong * math.log2(wrong / 3.0) if wrong > 0.0 else 0.0
    return max(0.0, 1.0 + fidelity * math.log2(fidelity) + bad)


def key_share(bit_error: float, phase_error: float, sifting: float, correction_efficiency: float) -> float:
    """Return the secret bits per detected pair of BBM92 in the limit of a long key.

    sifting * max(0, 1 - f h(bit error) - h(phase error)), with f = `correction_efficiency` >= 1 and sifting in [0, 1].
    Zero from an error of 9.811 % (f = 1.16) or 11.003 % (f = 1). Errors above 1/2 are refused with ValueError.
    Source: Bennett, Brassard and Mermin, PRL 68, 557 (1992); Shor and Preskill, PRL 85, 441 (2000).

    >>> round(key_share(1 / 30, 1 / 30, 0.5, 1.16), 6)
    0.27229
    """
    within("bit_error", bit_error, 0.0, 0.5)
    within("phase_error", phase_error, 0.0, 0.5)
    within("sifting", sifting, 0.0, 1.0)
    at_least("correction_efficiency", correction_efficiency, 1.0)
    revealed = correction_efficiency * binary_entropy(bit_error) + binary_entropy(phase_error)
    return sifting * max(0.0, 1.0 - revealed)


def plob_ebits(transmittance: float) -> float:
    """Return the largest number of ebits that one use of one mode of a lossy channel can carry.

    -log2(1 - eta), with two-way classical help and no repeater; infinite at eta = 1. Multiply by modes per second:
    attempts times modes for pulses, bandwidth in Hz times two polarizations for continuous light. It bounds ebits,
    not coincidences. Valid for 0 <= eta <= 1; raises ValueError otherwise.
    Source: Pirandola, Laurenza, Ottaviani and Banchi, Nat. Commun. 8, 15043 (2017).

    >>> round(plob_ebits(0.1), 6)
    0.152003
    """
    within("transmittance", transmittance, 0.0, 1.0)
    return math.inf if transmittance == 1.0 else -math.log1p(-transmittance) / math.log(2.0)


def chsh_value(fidelity: float) -> float:
    """Return the largest CHSH value of a Werner pair: 2 sqrt(2) w; above 2 no local model explains it (F > 0.7803).

    Valid for 0 <= fidelity <= 1; raises ValueError otherwise. Source: Horodecki et al., PLA 200, 340 (1995).

    >>> round(chsh_value(0.95), 4)
    2.6399
    """
    return 2.0 * math.sqrt(2.0) * werner_of_fidelity(fidelity)


def teleportation_fidelity(fidelity: float) -> float:
    """Return the mean fidelity of teleporting a qubit with the pair: (2 F + 1) / 3; without a pair it is 2/3 at best.

    Valid for 0 <= fidelity <= 1; raises ValueError otherwise. Source: Horodecki et al., PRA 60, 1888 (1999).

    >>> round(teleportation_fidelity(0.85), 4)
    0.9
    """
    return (2.0 * within("fidelity", fidelity, 0.0, 1.0) + 1.0) / 3.0
