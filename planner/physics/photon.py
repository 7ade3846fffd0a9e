"""The energy of light, which turns power into photons per second."""

from __future__ import annotations

from planner.physics.arguments import above
from planner.units import PLANCK_J_S, SPEED_OF_LIGHT_M_PER_S


def photon_energy_j(wavelength_nm: float) -> float:
    """Return the energy in joule of one photon: h c / lambda, lambda in vacuum.

    Raises ValueError for a wavelength that is not positive. Source: Planck (1900); constants of the SI.

    >>> round(photon_energy_j(1550.0) * 1e19, 4)
    1.2816
    """
    return PLANCK_J_S * SPEED_OF_LIGHT_M_PER_S / (above("wavelength_nm", wavelength_nm, 0.0) * 1e-9)
