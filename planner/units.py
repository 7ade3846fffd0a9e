"""Physical constants and conversions of units.

Names carry their unit as last word everywhere in `planner`; what arrives in other units is converted here, where a
file is read, and nowhere else.
"""

from __future__ import annotations

import math

SPEED_OF_LIGHT_M_PER_S = 299_792_458.0
PLANCK_J_S = 6.626_070_15e-34
BOLTZMANN_J_PER_K = 1.380_649e-23
HOURS_PER_YEAR = 8760.0
BBM92_SIFTING = 0.5
"""Share of pairs measured in the same basis when both bases are equally likely."""

LENGTH_UNITS_M = {"m": 1.0, "km": 1000.0, "ft": 0.3048, "us-ft": 1200.0 / 3937.0, "mi": 1609.344, "yd": 0.9144}
"""Metres per unit of length, by the unit's usual abbreviation."""


def decibel(share: float) -> float:
    """Return the loss in dB of a channel that passes `share` of the light, for 0 < share <= 1.

    >>> round(decibel(0.5), 4)
    3.0103
    """
    return -10.0 * math.log10(share)


def milliwatt(power_dbm: float) -> float:
    """Return a power in mW that is given in dBm.

    >>> round(milliwatt(3.0103), 4), milliwatt(-30.0)
    (2.0, 0.001)
    """
    return float(10.0 ** (power_dbm / 10.0))


def share_of_decibel(loss_db: float) -> float:
    """Return the share of the light that a loss of `loss_db` lets through.

    >>> round(share_of_decibel(3.0103), 4)
    0.5
    """
    return float(10.0 ** (-loss_db / 10.0))
