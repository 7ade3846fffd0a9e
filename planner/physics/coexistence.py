"""Noise of classical channels in the same fiber: spontaneous Raman scattering and filter crosstalk."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable
from functools import lru_cache

from planner.catalog import Fiber
from planner.physics.arguments import above, at_least
from planner.physics.photon import photon_energy_j
from planner.units import BOLTZMANN_J_PER_K, PLANCK_J_S, SPEED_OF_LIGHT_M_PER_S, share_of_decibel

C_BAND_RAMAN_PER_KM_NM = 3e-9
"""Raman coefficient for a quantum and a classical channel both in the C band; uncertain by a factor of two."""
O_BAND_RAMAN_PER_KM_NM = 1.6e-12
"""Raman coefficient for a quantum channel near 1310 nm and a classical one near 1550 nm; also uncertain by two."""
FIBER_TEMPERATURE_K = 293.0
"""Temperature of fiber in plans; 20 K less make 7 % less noise beside the C band, a third less between the bands."""
_NEPER_PER_DB = math.log(10.0) / 10.0
_RAMAN_GAIN_PER_W_KM: tuple[tuple[float, float], ...] = (
    (0.0, 0.0), (0.5, 0.0112), (1.0, 0.0348), (1.5, 0.0579), (2.0, 0.0807), (3.0, 0.110), (4.0, 0.125), (5.0, 0.141),
    (6.0, 0.157), (7.0, 0.188), (8.0, 0.224), (9.0, 0.278), (10.0, 0.335), (11.0, 0.377), (12.0, 0.411), (13.0, 0.417),
    (13.5, 0.408), (14.0, 0.384), (14.5, 0.409), (15.0, 0.314), (15.5, 0.216), (16.0, 0.123), (16.5, 0.0895),
    (17.5, 0.0720), (18.0, 0.0888), (18.5, 0.0937), (19.0, 0.0691), (19.5, 0.0450), (20.0, 0.0337), (21.0, 0.0269),
    (21.5, 0.0260), (22.5, 0.0309), (23.0, 0.0366), (23.5, 0.0581), (24.0, 0.0655), (24.5, 0.0625), (25.0, 0.0538),
    (25.5, 0.0395), (26.0, 0.0268), (27.0, 0.0179), (28.0, 0.0133), (29.0, 0.00985), (30.0, 0.00909), (30.5, 0.0104),
    (31.0, 0.0150), (32.0, 0.0216), (33.0, 0.0182), (34.0, 0.00965), (34.5, 0.00863), (35.0, 0.00919), (36.0, 0.0108),
    (37.0, 0.00930), (38.0, 0.00691), (39.0, 0.00391), (40.0, 0.00156), (41.0, 0.000323), (42.0, 0.0000797),
)  # fmt: skip
"""Raman gain of standard single-mode fiber by frequency difference in THz; read off GNPy's profile, to three digits."""


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


@lru_cache(maxsize=256)
def spontaneous_raman_per_km_nm(quantum_nm: float, classical_nm: float) -> float:
    """Return the Raman coefficient rho in 1/(km nm) of standard fiber for a quantum and a classical wavelength.

    `raman_coefficient_per_km_nm` with the gain profile of standard fiber at 293 K. Channels nearer than half a THz
    (4 nm in the C band) count as half a THz apart on either side, the mean of both: near neighbours differ little.
    Beyond 42 THz there is no profile and the gain of 42 THz is kept. Uncertain by a factor of two. Raises ValueError
    for a wavelength that is not positive. Source: profile of GNPy (Ferrari et al., JOCN 12, C31 (2020)).

    >>> f"{spontaneous_raman_per_km_nm(1550.0, 1540.0):.1e}", f"{spontaneous_raman_per_km_nm(1310.0, 1550.0):.1e}"
    ('8.0e-09', '1.6e-12')
    """
    hz_per_nm_thz = SPEED_OF_LIGHT_M_PER_S / 1000.0
    quantum_thz, classical_thz = (
        hz_per_nm_thz / above("wavelength_nm", each, 0.0) for each in (quantum_nm, classical_nm)
    )
    nearest_thz = _RAMAN_GAIN_PER_W_KM[1][0]
    if abs(quantum_thz - classical_thz) < nearest_thz:
        sides = (hz_per_nm_thz / (quantum_thz + shift_thz) for shift_thz in (-nearest_thz, nearest_thz))
        return sum(_coefficient(quantum_nm, side_nm, nearest_thz) for side_nm in sides) / 2.0
    return _coefficient(quantum_nm, classical_nm, abs(quantum_thz - classical_thz))


def span_raman_hz_per_nm(
    length_km: float, loss_db: float, *, launches_mw: tuple[float, float], classical_nm: float, fiber: Fiber
) -> tuple[float, float]:
    """Return the Raman photons per second and nm of filter that leave a span at its start and at its end.

    `launches_mw` is the classical power launched at the start towards the end, and at the end towards the start;
    `length_km` is that of the glass, `loss_db` what the quantum light loses in it. The noise at an end comes from
    light towards it (`co_raman_hz`) and from light launched there (`counter_raman_hz`). Cutting a span in two, with
    the power that arrives launched again, changes nothing. Raises ValueError for negative arguments.

    >>> from planner.catalog import Fiber
    >>> glass = Fiber(label="x", source="example", wavelength_nm=1550, attenuation_db_per_km=0.2, splice_loss_db=0.0,
    ...     reel_length_km=2.0, slack=1.0, joint_loss_db=0.0, patch_loss_db=0.0, velocity_km_per_s=2e5,
    ...     dispersion_ps_per_nm_km=17.0, classical_attenuation_db_per_km=0.2)
    >>> at_start, at_end = span_raman_hz_per_nm(10.0, 2.0, launches_mw=(1.0, 0.0), classical_nm=1540.0, fiber=glass)
    >>> f"{at_start:.2e}", f"{at_end:.2e}"
    ('4.09e+08', '3.95e+08')
    """
    if length_km == 0.0 or launches_mw == (0.0, 0.0):
        return 0.0, 0.0

    def created(law: Callable[..., float], launch_mw: float) -> float:
        return law(
            length_km,
            launch_power_mw=launch_mw,
            raman_per_km_nm=spontaneous_raman_per_km_nm(fiber.wavelength_nm, classical_nm),
            bandwidth_nm=1.0,
            quantum_nm=fiber.wavelength_nm,
            quantum_db_per_km=loss_db / length_km,
            classical_db_per_km=fiber.classical_attenuation_db_per_km,
        )

    forward_mw, backward_mw = launches_mw
    return (
        created(co_raman_hz, backward_mw) + created(counter_raman_hz, forward_mw),
        created(co_raman_hz, forward_mw) + created(counter_raman_hz, backward_mw),
    )


def arriving_hz(stretches: Iterable[tuple[float, float]]) -> float:
    """Return the noise photons per second (or per second and nm) that arrive at the far end of a way.

    `stretches` are, in the order in which light passes them, the loss in dB of each and the noise that it adds at its
    own far end; what was added before loses in it. Raises ValueError for a negative loss or noise.

    >>> round(arriving_hz([(3.0103, 100.0), (3.0103, 10.0)]), 4)
    60.0
    """
    noise_hz = 0.0
    for loss_db, added_hz in stretches:
        noise_hz = noise_hz * share_of_decibel(at_least("loss_db", loss_db, 0.0)) + at_least("added_hz", added_hz, 0.0)
    return noise_hz


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


def _coefficient(quantum_nm: float, classical_nm: float, shift_thz: float) -> float:
    """Return rho with the gain at a frequency difference, between the points of the profile."""
    right = min(bisect_right(_RAMAN_GAIN_PER_W_KM, (shift_thz, math.inf)), len(_RAMAN_GAIN_PER_W_KM) - 1)
    (low_thz, low), (high_thz, high) = _RAMAN_GAIN_PER_W_KM[right - 1], _RAMAN_GAIN_PER_W_KM[right]
    share = min(1.0, (shift_thz - low_thz) / (high_thz - low_thz))
    return raman_coefficient_per_km_nm(
        low + share * (high - low),
        quantum_nm=quantum_nm,
        classical_nm=classical_nm,
        temperature_k=FIBER_TEMPERATURE_K,
    )


def _attenuation(loss_db_per_km: float) -> float:
    return at_least("loss_db_per_km", loss_db_per_km, 0.0) * _NEPER_PER_DB


def _created_w_per_km(launch_power_mw: float, raman_per_km_nm: float, bandwidth_nm: float) -> float:
    at_least("launch_power_mw", launch_power_mw, 0.0)
    at_least("raman_per_km_nm", raman_per_km_nm, 0.0)
    return launch_power_mw * 1e-3 * raman_per_km_nm * at_least("bandwidth_nm", bandwidth_nm, 0.0)
