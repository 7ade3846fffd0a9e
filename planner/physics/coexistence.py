"""Noise of classical channels in the same fiber: spontaneous Raman scattering and filter crosstalk."""

from __future__ import annotations

import math

from planner.physics.arguments import above, at_least
from planner.physics.photon import photon_energy_j
from planner.units import BOLTZMANN_J_PER_K, PLANCK_J_S, SPEED_OF_LIGHT_M_PER_S

C_BAND_RAMAN_PER_KM_NM = 3e-9
"""Raman coefficient for a quantum and a classical channel both in the C band; uncertain by a factor of two."""
O_BAND_RAMAN_PER_KM_NM = 1.6e-12
"""Raman coefficient for a quantum channel near 1310 nm and a classical one near 1550 nm; also uncertain by two."""
_NEPER_PER_DB = math.log(10.0) / 10.0


def co_raman_hz(
    length_km: float,
    *,
    launch_power_mw: float,
    raman_per_km_nm: float,
    bandwidth_nm: float,
    quantum_nm: float,
    quantum_db_per_km: float,
    classical_db_per_km: float,
) -> float:
    """Return the Raman photons per second in the quantum filter at the far end, classical light in the same direction.

    P rho width (e^(-C L) - e^(-A L)) / (A - C) / (h c / lambda), A and C the attenuation per km of quantum and
    classical light; P rho width L e^(-A L) if they are equal. Both polarizations, before receiver loss, no depletion.
    Model and experiment agree within 1 dB if rho is known. Raises ValueError for negative arguments.
    Source: Eraerds et al., New J. Phys. 12, 063027 (2010).

    >>> rate_hz = co_raman_hz(10.0, launch_power_mw=1.0, raman_per_km_nm=3e-9, bandwidth_nm=0.8, quantum_nm=1550.0,
    ...     quantum_db_per_km=0.2, classical_db_per_km=0.2)
    >>> f"{rate_hz:.3e}"
    '1.182e+08'
    """
    quantum, classical = _attenuation(quantum_db_per_km), _attenuation(classical_db_per_km)
    difference = quantum - classical
    at_least("length_km", length_km, 0.0)
    spread = -math.expm1(-difference * length_km) / difference if difference != 0.0 else length_km
    created_w = _created_w_per_km(launch_power_mw, raman_per_km_nm, bandwidth_nm)
    return created_w * math.exp(-classical * length_km) * spread / photon_energy_j(quantum_nm)


def counter_raman_hz(
    length_km: float,
    *,
    launch_power_mw: float,
    raman_per_km_nm: float,
    bandwidth_nm: float,
    quantum_nm: float,
    quantum_db_per_km: float,
    classical_db_per_km: float,
) -> float:
    """Return the Raman photons per second in the quantum filter at the end where the classical light is launched.

    P rho width (1 - e^(-(A + C) L)) / (A + C) / (h c / lambda): grows with length up to a limit, and exceeds the noise
    of light in the same direction. Arguments, assumptions and source as in `co_raman_hz`.

    >>> rate_hz = counter_raman_hz(10.0, launch_power_mw=1.0, raman_per_km_nm=3e-9, bandwidth_nm=0.8,
    ...     quantum_nm=1550.0, quantum_db_per_km=0.2, classical_db_per_km=0.2)
    >>> f"{rate_hz:.3e}"
    '1.224e+08'
    """
    total = _attenuation(quantum_db_per_km) + _attenuation(classical_db_per_km)
    at_least("length_km", length_km, 0.0)
    spread = -math.expm1(-total * length_km) / total if total > 0.0 else length_km
    created_w = _created_w_per_km(launch_power_mw, raman_per_km_nm, bandwidth_nm)
    return created_w * spread / photon_energy_j(quantum_nm)


def raman_coefficient_per_km_nm(
    gain_per_w_km: float, *, quantum_nm: float, classical_nm: float, temperature_k: float
) -> float:
    """Return the Raman coefficient rho in 1/(km nm) from the gain of the fiber at the channels' frequency difference.

    2 g h nu_q n (c / lambda_q^2), where n is the Bose occupation at the frequency difference, plus one if the quantum
    channel has the longer wavelength. Both polarizations; halve behind a polarizer. Raises ValueError for a negative
    gain, equal wavelengths, or a temperature that is not positive.
    Source: Mandelbaum and Bolshtyansky, IEEE PTL 15, 1704 (2003).

    >>> rho = raman_coefficient_per_km_nm(0.39, quantum_nm=1550.0, classical_nm=1452.0, temperature_k=300.0)
    >>> f"{rho:.1e}"
    '1.4e-08'
    """
    quantum_hz = SPEED_OF_LIGHT_M_PER_S / (above("quantum_nm", quantum_nm, 0.0) * 1e-9)
    classical_hz = SPEED_OF_LIGHT_M_PER_S / (above("classical_nm", classical_nm, 0.0) * 1e-9)
    if quantum_hz == classical_hz:
        raise ValueError(f"quantum and classical channel must differ in wavelength, both are {quantum_nm!r} nm")
    quantum_of_heat = PLANCK_J_S * abs(quantum_hz - classical_hz)
    phonons = 1.0 / math.expm1(quantum_of_heat / (BOLTZMANN_J_PER_K * above("temperature_k", temperature_k, 0.0)))
    if quantum_nm > classical_nm:
        phonons += 1.0
    hz_per_nm = quantum_hz / quantum_nm
    return 2.0 * at_least("gain_per_w_km", gain_per_w_km, 0.0) * PLANCK_J_S * quantum_hz * phonons * hz_per_nm


def crosstalk_hz(received_power_mw: float, isolation_db: float, classical_nm: float) -> float:
    """Return the classical photons per second that leak through the quantum filter.

    P 10^(-X / 10) / (h c / lambda): neighbouring channels need an isolation X of 80 to 100 dB. Raises ValueError for a
    negative power or isolation.

    >>> round(crosstalk_hz(0.1, 100.0, 1552.0))
    78129
    """
    leaked_w = at_least("received_power_mw", received_power_mw, 0.0) * 1e-3
    return (
        leaked_w * float(10.0 ** (-at_least("isolation_db", isolation_db, 0.0) / 10.0)) / photon_energy_j(classical_nm)
    )


def _attenuation(loss_db_per_km: float) -> float:
    return at_least("loss_db_per_km", loss_db_per_km, 0.0) * _NEPER_PER_DB


def _created_w_per_km(launch_power_mw: float, raman_per_km_nm: float, bandwidth_nm: float) -> float:
    at_least("launch_power_mw", launch_power_mw, 0.0)
    at_least("raman_per_km_nm", raman_per_km_nm, 0.0)
    return launch_power_mw * 1e-3 * raman_per_km_nm * at_least("bandwidth_nm", bandwidth_nm, 0.0)
