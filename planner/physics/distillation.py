"""Distillation: two pairs of an elementary link are turned into one better pair, or lost."""

from __future__ import annotations

import math
from dataclasses import dataclass

from numba import njit

from planner.physics.arguments import at_least, within

Weights = tuple[float, float, float, float]
"""Shares of the Bell states in the order of `BellDiagonal`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BellDiagonal:
    """Weights of the four Bell states, the wanted one first; they add up to one."""

    phi_plus: float
    psi_minus: float
    psi_plus: float
    phi_minus: float

    def __post_init__(self) -> None:
        """Reject weights that are no probabilities."""
        weights = (self.phi_plus, self.psi_minus, self.psi_plus, self.phi_minus)
        for weight in weights:
            within("weight", weight, 0.0, 1.0)
        if abs(math.fsum(weights) - 1.0) > 1e-9:
            raise ValueError(f"the weights of the Bell states must add up to 1, got {math.fsum(weights)!r}")


def werner_pair(fidelity: float) -> BellDiagonal:
    """Return the Bell-diagonal weights of a Werner pair. Raises ValueError for a fidelity outside [0, 1].

    >>> round(werner_pair(0.85).psi_plus, 4)
    0.05
    """
    other = (1.0 - within("fidelity", fidelity, 0.0, 1.0)) / 3.0
    return BellDiagonal(phi_plus=fidelity, psi_minus=other, psi_plus=other, phi_minus=other)


def bbpssw(fidelity: float) -> tuple[float, float]:
    """Return fidelity and success probability of one round on two equal Werner pairs, twirled back to Werner form.

    P = F^2 + 2 F (1 - F) / 3 + 5 ((1 - F) / 3)^2, F' = [F^2 + ((1 - F) / 3)^2] / P. Perfect gates; gains for
    1/2 < F < 1. Raises ValueError for a fidelity outside [0, 1]. Source: Bennett et al., PRL 76, 722 (1996).

    >>> better, probability = bbpssw(0.8)
    >>> round(better, 6), round(probability, 6)
    (0.83815, 0.768889)
    """
    other = (1.0 - within("fidelity", fidelity, 0.0, 1.0)) / 3.0
    probability = fidelity**2 + 2.0 * fidelity * other + 5.0 * other**2
    return (fidelity**2 + other**2) / probability, probability


def dejmps(pair: BellDiagonal, other: BellDiagonal | None = None) -> tuple[BellDiagonal, float]:
    """Return pair and success probability of one round on two Bell-diagonal pairs; on two equal ones without `other`.

    P = (a + b)(A + B) + (c + d)(C + D); a' = (a A + b B) / P, b' = (c D + d C) / P, c' = (c C + d D) / P,
    d' = (a B + b A) / P, with a to d and A to D the weights in the order of `BellDiagonal`. Perfect gates.
    Source: Deutsch et al., PRL 77, 2818 (1996).

    >>> first, _ = dejmps(werner_pair(0.8))
    >>> second, probability = dejmps(first)
    >>> round(second.phi_plus, 6), round(probability, 6)
    (0.943639, 0.744596)
    """
    better, probability = noisy_round(_weights(pair), _weights(pair if other is None else other), 1.0)
    return _pair(better), probability


def noisy_dejmps(pair: BellDiagonal, other: BellDiagonal, gate_werner: float) -> tuple[BellDiagonal, float]:
    """Return pair and success probability of one round whose gate at each node is depolarizing.

    With probability `gate_werner` (the Werner parameter of the node's Bell measurement) a gate is perfect, else it
    leaves its node's qubits random: then the round succeeds half of the time, with a random pair. Exact for this noise.
    Raises ValueError for a parameter outside [0, 1].

    >>> better, probability = noisy_dejmps(werner_pair(0.9), werner_pair(0.9), 0.98)
    >>> round(better.phi_plus, 4), round(probability, 4)
    (0.9108, 0.8607)
    """
    within("gate_werner", gate_werner, 0.0, 1.0)
    better, probability = noisy_round(_weights(pair), _weights(other), gate_werner)
    return _pair(better), probability


def faded(pair: BellDiagonal, kept: float) -> BellDiagonal:
    """Return a pair after depolarizing storage that keeps the share `kept` of it and makes the rest random.

    Raises ValueError for a share outside [0, 1].

    >>> round(faded(werner_pair(1.0), 0.9).phi_plus, 4)
    0.925
    """
    return _pair(stored(_weights(pair), within("kept", kept, 0.0, 1.0)))


@njit(cache=True)
def noisy_round(one: Weights, two: Weights, gate_werner: float) -> tuple[Weights, float]:
    """Return `noisy_dejmps` of weights that are known to be valid; for compiled loops."""
    perfect = (one[0] + one[1]) * (two[0] + two[1]) + (one[2] + one[3]) * (two[2] + two[3])
    good = gate_werner**2
    probability = good * perfect + (1.0 - good) / 2.0
    random = (1.0 - good) / 8.0
    better = (
        (good * (one[0] * two[0] + one[1] * two[1]) + random) / probability,
        (good * (one[2] * two[3] + one[3] * two[2]) + random) / probability,
        (good * (one[2] * two[2] + one[3] * two[3]) + random) / probability,
        (good * (one[0] * two[1] + one[1] * two[0]) + random) / probability,
    )
    return better, probability


@njit(cache=True)
def stored(weights: Weights, kept: float) -> Weights:
    """Return `faded` of weights that are known to be valid; for compiled loops."""
    random = (1.0 - kept) / 4.0
    return (
        kept * weights[0] + random,
        kept * weights[1] + random,
        kept * weights[2] + random,
        kept * weights[3] + random,
    )


def _pair(weights: Weights) -> BellDiagonal:
    return BellDiagonal(phi_plus=weights[0], psi_minus=weights[1], psi_plus=weights[2], phi_minus=weights[3])


def _weights(pair: BellDiagonal) -> Weights:
    return pair.phi_plus, pair.psi_minus, pair.psi_plus, pair.phi_minus


def distilled_rate_hz(link_rate_hz: float, success_probability: float) -> float:
    """Return the rate of distilled pairs of a link whose two pairs are made side by side in two memories.

    R P / 1.5: two pairs of rate R each are both there after 1.5 / R on average (rare successes). Raises ValueError for
    a negative rate or a probability outside [0, 1].

    >>> round(distilled_rate_hz(100.0, 0.768889), 3)
    51.259
    """
    at_least("link_rate_hz", link_rate_hz, 0.0)
    return link_rate_hz * within("success_probability", success_probability, 0.0, 1.0) / 1.5
