"""What storage and swapping do to the Werner parameter of an entangled pair."""

from __future__ import annotations

import math
from typing import Literal

from planner.physics.arguments import above, at_least, within

Decay = Literal["exponential", "gaussian"]


def retention(time_s: float, coherence_time_s: float, decay: Decay) -> float:
    """Return the factor on the Werner parameter of a pair when one of its qubits idles for `time_s`.

    exp(-t / T) (exponential) or exp(-(t / T) ** 2) (gaussian), with T = `coherence_time_s` per qubit: a pair with both
    halves in memory loses the factor twice. Assumes depolarizing noise; dephasing of the same T does less harm.
    Valid for time_s >= 0, T > 0; raises ValueError otherwise. Source: convention of Kamin et al., PRR 5, 023086 (2023);
    Gaussian shape as in van Leent et al., Nature 607, 69 (2022).

    >>> round(retention(0.1, 1.0, "exponential"), 6), round(retention(0.1, 1.0, "gaussian"), 6)
    (0.904837, 0.99005)
    """
    idle = at_least("time_s", time_s, 0.0) / above("coherence_time_s", coherence_time_s, 0.0)
    if decay == "exponential":
        return math.exp(-idle)
    if decay == "gaussian":
        return math.exp(-idle * idle)
    raise ValueError(f"decay must be 'exponential' or 'gaussian', got {decay!r}")


def swapped_werner(left_werner: float, right_werner: float, swap_werner: float) -> float:
    """Return the Werner parameter after a swap of two Werner pairs by an imperfect Bell measurement.

    w = w_left * w_right * w_swap. For a perfect measurement this is F = F1 F2 + (1 - F1)(1 - F2) / 3. Exact for
    Werner states; parameters lie in [-1/3, 1]; raises ValueError otherwise.
    Source: Briegel et al., PRL 81, 5932 (1998).

    >>> round(swapped_werner(0.9, 0.9, 0.98), 4)
    0.7938
    """
    within("left_werner", left_werner, -1.0 / 3.0, 1.0)
    within("right_werner", right_werner, -1.0 / 3.0, 1.0)
    return left_werner * right_werner * within("swap_werner", swap_werner, -1.0 / 3.0, 1.0)


def gate_swap_fidelity(gate_fidelity: float, measurement_fidelity: float) -> float:
    """Return the fidelity of a Bell measurement made of a two-qubit gate and two single-qubit readouts.

    g m^2 + (1 - g) / 4 with a depolarizing gate of parameter g (probability that it did no harm) and readouts that are
    right with probability m. Exact for perfect input pairs, where a wrong readout always gives a wrong Bell state.
    Both in [0, 1]; raises ValueError otherwise.
    Source: Bell-diagonal swap algebra as in SeQUeNCe (Wu et al., QST 6, 045027, 2021).

    >>> round(gate_swap_fidelity(0.99, 0.995), 6)
    0.982625
    """
    within("gate_fidelity", gate_fidelity, 0.0, 1.0)
    within("measurement_fidelity", measurement_fidelity, 0.0, 1.0)
    return gate_fidelity * measurement_fidelity**2 + (1.0 - gate_fidelity) / 4.0


def linear_optics_swap_probability(readout_efficiency: float, detector_efficiency: float) -> float:
    """Return the success probability of a swap with linear optics: both photons are read out, detected and told apart.

    1/2 * readout^2 * detector^2; the 1/2 is the limit of linear optics without extra photons. Both efficiencies in
    [0, 1]; raises ValueError otherwise. Source: Calsamiglia and Luetkenhaus, Appl. Phys. B 72, 67 (2001).

    >>> round(linear_optics_swap_probability(0.8, 0.9), 4)
    0.2592
    """
    within("readout_efficiency", readout_efficiency, 0.0, 1.0)
    within("detector_efficiency", detector_efficiency, 0.0, 1.0)
    return 0.5 * (readout_efficiency * detector_efficiency) ** 2
