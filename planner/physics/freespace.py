"""Loss of a free-space hop between two roofs: beam, turbulence, pointing, fiber coupling and air.

Light leaves a telescope as a Gaussian beam and is coupled into single-mode fiber on the other side.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType

from planner.catalog import FreeSpaceTerminal, Sky
from planner.physics.arguments import above, at_least, within
from planner.physics.photon import photon_energy_j
from planner.units import decibel

VALID_RYTOV_VARIANCE = 1.5
"""Rytov variance above which the turbulence formulas give an order of magnitude only."""
_SKY_SHARES: Mapping[Sky, float] = MappingProxyType({"day": 1.0, "moonlit": 1e-5, "dark": 1e-7})
_SINGLE_MODE_OVERLAP = 0.8145
_KIM_REFERENCE_NM = 550.0
_DB_PER_NEPER = 10.0 / math.log(10.0)


def hop_loss_db(
    length_km: float, terminal: FreeSpaceTerminal, *, visibility_km: float, cn2_m23: float, tip_tilt: bool = True
) -> float:
    """Return the loss in dB of one free-space hop, from fiber to fiber.

    -10 log10(capture * coupling * optics) + attenuation * length, from `capture_share`, `coupling_share` and
    `attenuation_db_per_km`. It is the mean over turbulence, which is what pair rates need. Two terminals and one
    direction; `optics_efficiency` covers both ends. `cn2_m23` is the refractive-index structure constant in m^(-2/3)
    (1e-14 from roof to roof by day, 1e-15 high at night). Valid for 0 < length <= max_range_km and a Rytov variance
    up to 1.5; raises ValueError for a length or visibility outside, or a negative cn2. Tolerance +-3 dB.
    Source: Andrews and Phillips, Laser Beam Propagation through Random Media (2005); Kim et al., SPIE 4214 (2001).

    >>> terminal = FreeSpaceTerminal(label="x", source="example", wavelength_nm=1550.0, beam_waist_mm=30.0,
    ...     transmit_aperture_mm=80.0, receive_aperture_mm=80.0, pointing_jitter_urad=10.0, optics_efficiency=0.5,
    ...     max_range_km=3.0)
    >>> round(hop_loss_db(1.0, terminal, visibility_km=10.0, cn2_m23=1e-14), 3)
    5.43
    """
    within("length_km", above("length_km", length_km, 0.0), 0.0, terminal.max_range_km)
    wavelength_m, length_m = terminal.wavelength_nm * 1e-9, length_km * 1000.0
    capture = capture_share(
        length_m,
        wavelength_m=wavelength_m,
        waist_m=terminal.beam_waist_mm * 1e-3,
        transmit_aperture_m=terminal.transmit_aperture_mm * 1e-3,
        receive_aperture_m=terminal.receive_aperture_mm * 1e-3,
        pointing_rad=terminal.pointing_jitter_urad * 1e-6,
        cn2_m23=cn2_m23,
    )
    fried_m = fried_parameter_m(length_m, wavelength_m=wavelength_m, cn2_m23=cn2_m23)
    coupling = coupling_share(terminal.receive_aperture_mm * 1e-3, fried_m, tip_tilt=tip_tilt)
    air_db = attenuation_db_per_km(visibility_km, terminal.wavelength_nm) * length_km
    return decibel(capture * coupling * terminal.optics_efficiency) + air_db


def beam_radius_m(length_m: float, *, wavelength_m: float, waist_m: float) -> float:
    """Return the 1/e^2 radius in metres of a Gaussian beam after `length_m` in vacuum.

    w = w0 sqrt(1 + (L / z_R)^2), z_R = pi w0^2 / lambda, the waist at the transmitter. Raises ValueError for a negative
    length or a waist or wavelength that is not positive. Source: Siegman, Lasers (1986).

    >>> round(beam_radius_m(1000.0, wavelength_m=1550e-9, waist_m=0.03) * 1000, 2)
    34.21
    """
    rayleigh_m = math.pi * above("waist_m", waist_m, 0.0) ** 2 / above("wavelength_m", wavelength_m, 0.0)
    return waist_m * math.hypot(1.0, at_least("length_m", length_m, 0.0) / rayleigh_m)


def rytov_variance(length_m: float, *, wavelength_m: float, cn2_m23: float) -> float:
    """Return the Rytov variance, which says how strong the turbulence of a path is.

    1.23 C_n^2 k^(7/6) L^(11/6), plane wave, constant C_n^2. Weak below 1; above 1.5 the other formulas here give an
    order of magnitude. Raises ValueError for negative arguments or a wavelength that is not positive.
    Source: Andrews and Phillips (2005), ch. 5.

    >>> round(rytov_variance(1000.0, wavelength_m=1550e-9, cn2_m23=1e-14), 4)
    0.1991
    """
    wavenumber = 2.0 * math.pi / above("wavelength_m", wavelength_m, 0.0)
    strength = 1.23 * at_least("cn2_m23", cn2_m23, 0.0) * wavenumber ** (7.0 / 6.0)
    return float(strength * at_least("length_m", length_m, 0.0) ** (11.0 / 6.0))


def long_term_radius_m(length_m: float, *, wavelength_m: float, waist_m: float, cn2_m23: float) -> float:
    """Return the 1/e^2 radius in metres of the long-term spot in turbulence, beam wander included.

    w sqrt(1 + 1.33 sigma_R^2 Lambda^(5/6)), Lambda = 2 L / (k w^2). Valid for a Rytov variance up to about 1; raises
    ValueError for invalid arguments. Wander is not taken out when the beam is tracked: the safe side.
    Source: Andrews and Phillips (2005), ch. 6.

    >>> round(long_term_radius_m(1000.0, wavelength_m=1550e-9, waist_m=0.03, cn2_m23=1e-14) * 1000, 2)
    36.35
    """
    radius_m = beam_radius_m(length_m, wavelength_m=wavelength_m, waist_m=waist_m)
    fresnel_ratio = length_m * wavelength_m / (math.pi * radius_m**2)
    variance = rytov_variance(length_m, wavelength_m=wavelength_m, cn2_m23=cn2_m23)
    return radius_m * math.sqrt(1.0 + 1.33 * variance * float(fresnel_ratio ** (5.0 / 6.0)))


def beam_wander_m(length_m: float, *, waist_m: float, cn2_m23: float) -> float:
    """Return the root mean square displacement in metres of the spot by turbulence.

    sqrt(2.42 C_n^2 L^3 w0^(-1/3)), collimated beam, infinite outer scale. Already inside `long_term_radius_m`; here to
    judge the stroke of a tracking mirror. Raises ValueError for invalid arguments.
    Source: Andrews and Phillips (2005), ch. 6.

    >>> round(beam_wander_m(1000.0, waist_m=0.03, cn2_m23=1e-14) * 1000, 2)
    8.83
    """
    strength = 2.42 * at_least("cn2_m23", cn2_m23, 0.0) * at_least("length_m", length_m, 0.0) ** 3
    return math.sqrt(strength * above("waist_m", waist_m, 0.0) ** (-1.0 / 3.0))


def fried_parameter_m(length_m: float, *, wavelength_m: float, cn2_m23: float) -> float:
    """Return the Fried parameter in metres of a path with constant turbulence; infinite in still air.

    (3/8 * 0.423 k^2 C_n^2 L)^(-3/5), spherical wave. Raises ValueError for negative arguments or a wavelength that is
    not positive. Source: Fried, JOSA 56, 1372 (1966); Andrews and Phillips (2005), ch. 6.

    >>> round(fried_parameter_m(1000.0, wavelength_m=1550e-9, cn2_m23=1e-14) * 1000, 1)
    141.4
    """
    wavenumber = 2.0 * math.pi / above("wavelength_m", wavelength_m, 0.0)
    strength = 0.375 * 0.423 * wavenumber**2 * at_least("cn2_m23", cn2_m23, 0.0) * at_least("length_m", length_m, 0.0)
    return float(strength**-0.6) if strength > 0.0 else math.inf


def capture_share(
    length_m: float,
    *,
    wavelength_m: float,
    waist_m: float,
    transmit_aperture_m: float,
    receive_aperture_m: float,
    pointing_rad: float,
    cn2_m23: float,
) -> float:
    """Return the mean share of light that leaves the sending aperture and enters the receiving one.

    [1 - exp(-D_tx^2 / (2 w0^2))] [1 - exp(-D_rx^2 / (2 w_eff^2))], w_eff^2 = w_LT^2 + 4 (sigma L)^2, where sigma is the
    root mean square pointing error per axis (exact mean for a point receiver, good for D_rx < 2 w_eff). Apertures are
    diameters in metres. Raises ValueError for invalid arguments. Source: Gaussian optics; Farid and Hranilovic,
    JLT 25, 1702 (2007).

    >>> round(capture_share(1000.0, wavelength_m=1550e-9, waist_m=0.03, transmit_aperture_m=0.08,
    ...     receive_aperture_m=0.08, pointing_rad=10e-6, cn2_m23=1e-14), 5)
    0.82006
    """
    spot_m = long_term_radius_m(length_m, wavelength_m=wavelength_m, waist_m=waist_m, cn2_m23=cn2_m23)
    jitter_m = 2.0 * at_least("pointing_rad", pointing_rad, 0.0) * length_m
    sent = -math.expm1(-(above("transmit_aperture_m", transmit_aperture_m, 0.0) ** 2) / (2.0 * waist_m**2))
    caught_exponent = above("receive_aperture_m", receive_aperture_m, 0.0) ** 2 / (2.0 * (spot_m**2 + jitter_m**2))
    return sent * -math.expm1(-caught_exponent)


def coupling_share(receive_aperture_m: float, fried_m: float, *, tip_tilt: bool) -> float:
    """Return the mean share of the caught light that enters a single-mode fiber.

    0.8145 exp(-c (D / r0)^(5/3)) with c = 0.134 if tip and tilt are corrected, else 1.03: what stays coherent. Where
    less than 1/e stays coherent, the share 1 / (1 + (D / r0)^2) of a blurred image is taken if that is larger, but
    never more than 1/e. Falls steadily with D / r0. Raises ValueError for an aperture or Fried parameter that is
    not positive. Source: Noll, JOSA 66, 207 (1976); overlap of an Airy disc with a Gaussian mode: Shaklan and
    Roddier, Appl. Opt. 27, 2334 (1988).

    >>> round(coupling_share(0.08, 0.1414, tip_tilt=True), 3)
    0.773
    """
    above("receive_aperture_m", receive_aperture_m, 0.0)
    if not fried_m > 0.0:
        raise ValueError(f"fried_m must be greater than 0, got {fried_m!r}")
    ratio = receive_aperture_m / fried_m
    coherent = math.exp(-(0.134 if tip_tilt else 1.03) * ratio ** (5.0 / 3.0))
    blurred = min(math.exp(-1.0), 1.0 / (1.0 + ratio**2))
    return _SINGLE_MODE_OVERLAP * max(coherent, blurred)


def attenuation_db_per_km(visibility_km: float, wavelength_nm: float) -> float:
    """Return the attenuation in dB per km of air by haze and fog.

    4.343 * (3.91 / V) * (lambda / 550 nm)^(-q); q = 1.6 (V > 50 km), 1.3 (6 to 50), 0.16 V + 0.34 (1 to 6), V - 0.5
    (0.5 to 1), 0 (fog below 0.5). Rain and snow come on top. Raises ValueError for a visibility or wavelength that is
    not positive. Source: Kim, McArthur and Korevaar, SPIE 4214, 26 (2001).

    >>> round(attenuation_db_per_km(10.0, 1550.0), 3), round(attenuation_db_per_km(0.2, 1550.0), 2)
    (0.442, 84.9)
    """
    above("visibility_km", visibility_km, 0.0)
    exponent = _kim_exponent(visibility_km)
    colour = float((above("wavelength_nm", wavelength_nm, 0.0) / _KIM_REFERENCE_NM) ** -exponent)
    return _DB_PER_NEPER * 3.91 / visibility_km * colour


def open_background_hz(
    radiance_w_m2_sr_um: float,
    *,
    field_of_view_rad: float,
    aperture_m: float,
    bandwidth_nm: float,
    wavelength_nm: float,
    efficiency: float,
) -> float:
    """Return the sky photons per second that a free-space receiver detects through its field of view.

    H (pi / 4) fov^2 (pi / 4) D^2 width efficiency / (h c / lambda), fov the full angle. Radiance H by day about 150 at
    850 nm and 10 at 1550 nm, full moon 1.5e-3, no moon 1.5e-5 (orders of magnitude). Raises ValueError for negative
    arguments. Source: Miao et al., New J. Phys. 7, 215 (2005).

    >>> rate_hz = open_background_hz(150.0, field_of_view_rad=100e-6, aperture_m=0.15, bandwidth_nm=1.0,
    ...     wavelength_nm=850.0, efficiency=1.0)
    >>> f"{rate_hz:.1e}"
    '8.9e+07'
    """
    solid_angle = math.pi / 4.0 * at_least("field_of_view_rad", field_of_view_rad, 0.0) ** 2
    etendue_m2_sr = solid_angle * math.pi / 4.0 * at_least("aperture_m", aperture_m, 0.0) ** 2
    return _sky_hz(radiance_w_m2_sr_um, etendue_m2_sr, bandwidth_nm, wavelength_nm) * within(
        "efficiency", efficiency, 0.0, 1.0
    )


def fiber_background_hz(
    radiance_w_m2_sr_um: float, *, bandwidth_nm: float, wavelength_nm: float, efficiency: float
) -> float:
    """Return the sky photons per second and polarization that a receiver behind a single-mode fiber detects.

    H lambda^2 width efficiency / (h c / lambda): one mode has the etendue lambda^2, whatever the telescope. Radiance as
    in `open_background_hz`. Raises ValueError for negative arguments. Source: antenna theorem (Siegman, 1966).

    >>> f"{fiber_background_hz(10.0, bandwidth_nm=1.0, wavelength_nm=1550.0, efficiency=1.0):.1e}"
    '1.9e+05'
    """
    etendue_m2_sr = (wavelength_nm * 1e-9) ** 2
    return _sky_hz(radiance_w_m2_sr_um, etendue_m2_sr, bandwidth_nm, wavelength_nm) * within(
        "efficiency", efficiency, 0.0, 1.0
    )


def sky_radiance_w_m2_sr_um(wavelength_nm: float, sky: Sky) -> float:
    """Return the radiance of the sky in W per m^2, steradian and um, as an order of magnitude.

    By day 150 at 850 nm and 10 at 1550 nm, exponential between and beyond; under a full moon 1e-5 of it, without moon
    1e-7. Valid for 600 to 2000 nm away from the sun; raises ValueError for a wavelength that is not positive or an
    unknown sky. Source: Miao et al., New J. Phys. 7, 215 (2005); Liao et al., Nat. Photonics 11, 509 (2017).

    >>> round(sky_radiance_w_m2_sr_um(1550.0, "day"), 6), f"{sky_radiance_w_m2_sr_um(850.0, 'moonlit'):.1e}"
    (10.0, '1.5e-03')
    """
    if sky not in _SKY_SHARES:
        raise ValueError(f"sky must be one of {', '.join(_SKY_SHARES)}, got {sky!r}")
    steps = (above("wavelength_nm", wavelength_nm, 0.0) - 850.0) / 700.0
    return float(150.0 * (10.0 / 150.0) ** steps) * _SKY_SHARES[sky]


def hop_background_hz_per_nm(terminal: FreeSpaceTerminal, sky: Sky) -> float:
    """Return the sky photons per second and nm, in both polarizations, that a hop brings into the fiber behind it.

    `fiber_background_hz` with the optics' efficiency; alike at both ends.

    >>> terminal = FreeSpaceTerminal(label="x", source="example", wavelength_nm=1550.0, beam_waist_mm=30.0,
    ...     transmit_aperture_mm=80.0, receive_aperture_mm=80.0, pointing_jitter_urad=10.0, optics_efficiency=0.5,
    ...     max_range_km=3.0)
    >>> f"{hop_background_hz_per_nm(terminal, 'day'):.1e}"
    '1.9e+05'
    """
    return 2.0 * fiber_background_hz(
        sky_radiance_w_m2_sr_um(terminal.wavelength_nm, sky),
        bandwidth_nm=1.0,
        wavelength_nm=terminal.wavelength_nm,
        efficiency=terminal.optics_efficiency,
    )


def _sky_hz(radiance_w_m2_sr_um: float, etendue_m2_sr: float, bandwidth_nm: float, wavelength_nm: float) -> float:
    at_least("radiance_w_m2_sr_um", radiance_w_m2_sr_um, 0.0)
    bandwidth_um = at_least("bandwidth_nm", bandwidth_nm, 0.0) * 1e-3
    return radiance_w_m2_sr_um * etendue_m2_sr * bandwidth_um / photon_energy_j(wavelength_nm)


def _kim_exponent(visibility_km: float) -> float:
    if visibility_km > 50.0:
        return 1.6
    if visibility_km > 6.0:
        return 1.3
    if visibility_km > 1.0:
        return 0.16 * visibility_km + 0.34
    return max(0.0, visibility_km - 0.5)
