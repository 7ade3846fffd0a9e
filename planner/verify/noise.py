"""The noise that joins light on its way, summed up piece by piece without the closed forms of `planner.physics`."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from planner.catalog import LinkHardware
from planner.network import Network
from planner.physics.coexistence import spontaneous_raman_per_km_nm
from planner.physics.freespace import sky_radiance_w_m2_sr_um
from planner.physics.links import LIGHT_WAYS
from planner.plan import Station
from planner.scenario import Scenario
from planner.units import PLANCK_J_S, SPEED_OF_LIGHT_M_PER_S
from planner.verify.spans import fiber_loss_db, joint_loss_db, optical_length_km

_POINTS, _WEIGHTS = np.polynomial.legendre.leggauss(24)
"""Places along a span, from -1 to 1, and how much of it each stands for: exact to 1e-12 over some 100 dB."""


def arriving_noise_hz(
    network: Network,
    scenario: Scenario,
    indices: Sequence[int],
    nodes: Sequence[int],
    ends: tuple[Station, Station],
    *,
    hardware: LinkHardware,
    is_left: bool,
) -> float:
    """Return the noise photons per second at the detectors of an arm, from all spans between its two stations.

    The noise that each span sends towards the detectors loses what lies between: other spans, joints and a lateral.
    """
    first, last = ends[0].after_spans, ends[1].after_spans
    goes_right = LIGHT_WAYS[hardware.link_model][0 if is_left else 1] == "right"
    total_hz = 0.0
    for at in range(first, last):
        at_end = (int(network.spans.start[indices[at]]) == nodes[at]) == goes_right
        created_hz = _leaving_hz_per_nm(network, scenario, indices[at], at_end=at_end)
        if created_hz:
            later = range(at + 1, last) if goes_right else range(first, at)
            passed = range(at + 1, last) if goes_right else range(first + 1, at + 1)
            loss_db = math.fsum(float(network.spans.loss_db[indices[other]]) for other in later)
            loss_db += math.fsum(joint_loss_db(network, scenario, nodes[joint]) for joint in passed)
            loss_db += fiber_loss_db(scenario, network.site(ends[1 if goes_right else 0].site).lateral_km)
            total_hz += created_hz * 10.0 ** (-loss_db / 10.0)
    receiver_db = hardware.termination.connector_loss_db + hardware.termination.device_loss_db
    return float(total_hz * hardware.filter_nm * 10.0 ** (-receiver_db / 10.0))


def _leaving_hz_per_nm(network: Network, scenario: Scenario, index: int, *, at_end: bool) -> float:
    """Return the noise photons per second and nm of filter that a span sends out at one of its ends."""
    spans = network.spans
    if spans.medium[index] == "free_space":
        hop = network.hop(spans.ids[index])
        terminal = scenario.hardware.free_space_terminals[hop.terminal]
        # Two polarizations of one spatial mode, whose etendue is the square of the wavelength.
        radiance = sky_radiance_w_m2_sr_um(terminal.wavelength_nm, hop.sky) * 1e-3
        power_w = 2.0 * radiance * (terminal.wavelength_nm * 1e-9) ** 2 * terminal.optics_efficiency
        return power_w * terminal.wavelength_nm * 1e-9 / (PLANCK_J_S * SPEED_OF_LIGHT_M_PER_S)
    towards_mw = float((spans.classical_forward_mw if at_end else spans.classical_backward_mw)[index])
    from_mw = float((spans.classical_backward_mw if at_end else spans.classical_forward_mw)[index])
    length_km = optical_length_km(network, scenario, index)
    if towards_mw + from_mw == 0.0 or length_km == 0.0:
        return 0.0
    glass = scenario.hardware.fibers[scenario.spec.fiber]
    rho = spontaneous_raman_per_km_nm(glass.wavelength_nm, float(spans.classical_nm[index]))
    gone_km = length_km * (_POINTS + 1.0) / 2.0  # from the end where the noise leaves
    quantum = 10.0 ** (-0.1 * float(spans.loss_db[index]) * gone_km / length_km)
    classical_db_per_km = glass.classical_attenuation_db_per_km
    launched_here = from_mw * 10.0 ** (-0.1 * classical_db_per_km * gone_km)
    launched_there = towards_mw * 10.0 ** (-0.1 * classical_db_per_km * (length_km - gone_km))
    created_w = 1e-3 * rho * float(np.sum(_WEIGHTS * quantum * (launched_here + launched_there))) * length_km / 2.0
    return created_w * glass.wavelength_nm * 1e-9 / (PLANCK_J_S * SPEED_OF_LIGHT_M_PER_S)
