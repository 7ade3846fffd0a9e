"""Distillation: two pairs of an elementary link are turned into one better pair, or lost."""

from __future__ import annotations

import math
from dataclasses import dataclass

from planner.physics.arguments import at_least, within


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


def dejmps(pair: BellDiagonal) -> tuple[BellDiagonal, float]:
    """Return pair and success probability of one round on two equal Bell-diagonal pairs.

    P = (a + b)^2 + (c + d)^2; a' = (a^2 + b^2) / P, b' = 2 c d / P, c' = (c^2 + d^2) / P, d' = 2 a b / P, with a to d
    the weights in the order of `BellDiagonal`. Perfect gates. Source: Deutsch et al., PRL 77, 2818 (1996).

    >>> first, _ = dejmps(werner_pair(0.8))
    >>> second, probability = dejmps(first)
    >>> round(second.phi_plus, 6), round(probability, 6)
    (0.943639, 0.744596)
    """
    wanted, bit_phase, bit, phase = pair.phi_plus, pair.psi_minus, pair.psi_plus, pair.phi_minus
    probability = (wanted + bit_phase) ** 2 + (bit + phase) ** 2
    better = BellDiagonal(
        phi_plus=(wanted**2 + bit_phase**2) / probability,
        psi_minus=2.0 * bit * phase / probability,
        psi_plus=(bit**2 + phase**2) / probability,
        phi_minus=2.0 * wanted * bit_phase / probability,
    )
    return better, probability


def distilled_rate_hz(link_rate_hz: float, success_probability: float) -> float:
    """Return the rate of distilled pairs of a link whose two pairs are made side by side in two memories.

    R P / 1.5: two pairs of rate R each are both there after 1.5 / R on average (rare successes). Raises ValueError for
    a negative rate or a probability outside [0, 1].

    >>> round(distilled_rate_hz(100.0, 0.768889), 3)
    51.259
    """
    at_least("link_rate_hz", link_rate_hz, 0.0)
    return link_rate_hz * within("success_probability", success_probability, 0.0, 1.0) / 1.5
