"""Deployed fiber: loss, delay and the width in time of what arrives."""

from __future__ import annotations

import math

from planner.catalog import Fiber, Termination
from planner.physics.arguments import above, at_least, within
from planner.units import share_of_decibel


def span_loss_db(length_km: float, fiber: Fiber) -> float:
    """Return the loss in dB of one fiber span whose route is `length_km` long.

    (alpha + splice / reel) * length * slack. Splices between reels are spread evenly over the length, so that
    cutting a span in two changes no loss; joints in handholes, patches, connectors and margin belong to the route
    and to the arm, not to the span. Valid for length_km >= 0; raises ValueError otherwise.
    Source: additive loss budget of ITU-T G.652 cable sections (G.Sup39).

    >>> fiber = Fiber(label="x", source="example", wavelength_nm=1550, attenuation_db_per_km=0.22, splice_loss_db=0.05,
    ...     reel_length_km=2.0, slack=1.03, joint_loss_db=0.05, patch_loss_db=0.6, velocity_km_per_s=2.04e5,
    ...     dispersion_ps_per_nm_km=17.0)
    >>> round(span_loss_db(10.0, fiber), 4)
    2.5235
    """
    at_least("length_km", length_km, 0.0)
    return (fiber.attenuation_db_per_km + fiber.splice_loss_db / fiber.reel_length_km) * length_km * fiber.slack


def optical_length_km(length_km: float, fiber: Fiber) -> float:
    """Return the length in km of the glass along a route of `length_km`: loops and coils add to it.

    length * slack, for length_km >= 0; raises ValueError otherwise. A slack of 1.03 makes 10.3 km of 10 km.
    """
    return at_least("length_km", length_km, 0.0) * fiber.slack


def arm_loss_db(route_loss_db: float, termination: Termination) -> float:
    """Return the loss in dB of one arm, from a station to its pair source or heralding station.

    route + 2 connectors + devices + margin: what `termination` names is counted once per arm, whatever the number
    of spans. Valid for route_loss_db >= 0; raises ValueError otherwise. Source: link budget practice.

    >>> end = Termination(label="x", source="example", connector_loss_db=0.3, device_loss_db=1.5, margin_db=1.0)
    >>> round(arm_loss_db(2.5235, end), 4)
    5.6235
    """
    at_least("route_loss_db", route_loss_db, 0.0)
    return route_loss_db + 2.0 * termination.connector_loss_db + termination.device_loss_db + termination.margin_db


def transmittance(loss_db: float) -> float:
    """Return the share of photons that survive a loss of `loss_db`.

    10 ** (-loss_db / 10), for loss_db >= 0; raises ValueError otherwise.

    >>> round(transmittance(3.0103), 4)
    0.5
    """
    return share_of_decibel(at_least("loss_db", loss_db, 0.0))


def delay_s(length_km: float, velocity_km_per_s: float) -> float:
    """Return the time in seconds that light needs for `length_km`.

    length / velocity, for length_km >= 0 and velocity > 0; raises ValueError otherwise. About 5 us per km of glass
    (group index 1.468 at 1550 nm: 2.042e5 km/s).

    >>> delay_s(20.0, 2.0e5)
    0.0001
    """
    return at_least("length_km", length_km, 0.0) / above("velocity_km_per_s", velocity_km_per_s, 0.0)


def dispersion_width_ps(length_km: float, dispersion_ps_per_nm_km: float, bandwidth_nm: float) -> float:
    """Return the width in ps (full, at half maximum) that chromatic dispersion gives a photon of `bandwidth_nm`.

    |D| * length * bandwidth. Valid while this is much wider than the photon itself; the group-velocity slope within
    the band is neglected. Raises ValueError for a negative length or bandwidth. Source: ITU-T G.652.

    >>> round(dispersion_width_ps(20.0, 17.0, 0.8), 6)
    272.0
    """
    at_least("length_km", length_km, 0.0)
    return abs(dispersion_ps_per_nm_km) * length_km * at_least("bandwidth_nm", bandwidth_nm, 0.0)


def timing_width_ps(*widths_ps: float) -> float:
    """Return the width in ps of the sum of independent timing errors, given their widths at half maximum.

    sqrt(sum of squares): exact for Gaussian errors. Give the jitter of both detectors, the synchronization and the
    dispersion of both arms. Raises ValueError for a negative width. Source: Neumann et al., PRA 104, 022406 (2021).

    >>> round(timing_width_ps(50.0, 50.0, 272.0), 1)
    281.0
    """
    for width_ps in widths_ps:
        at_least("width_ps", width_ps, 0.0)
    return math.hypot(*widths_ps)


def window_share(window_ps: float, width_ps: float) -> float:
    """Return the share of true coincidences that fall into a full window of `window_ps`.

    erf(sqrt(ln 2) * window / width) for a Gaussian distribution of arrival differences with full width at half
    maximum `width_ps`. Valid for window_ps >= 0, width_ps > 0; raises ValueError otherwise.
    Source: Neumann et al., PRA 104, 022406 (2021).

    >>> round(window_share(130.0, 100.0), 4)
    0.8741
    """
    at_least("window_ps", window_ps, 0.0)
    return math.erf(math.sqrt(math.log(2.0)) * window_ps / above("width_ps", width_ps, 0.0))


def polarization_error(static_error: float, drift_error: float) -> float:
    """Return the share of pairs in the wrong outcome from static misalignment and from drift between corrections.

    static + drift: the sum of small independent errors, an upper bound. Valid while the sum stays at or below 1/2;
    raises ValueError otherwise. Fiber under the street: 0.5 % and 0.5 % (assumption, with a correction every 20 s).

    >>> polarization_error(0.005, 0.005)
    0.01
    """
    at_least("static_error", static_error, 0.0)
    at_least("drift_error", drift_error, 0.0)
    return within("polarization_error", static_error + drift_error, 0.0, 0.5)


def compensation_duty(correction_s: float, interval_s: float) -> float:
    """Return the share of the time left for entanglement when polarization is corrected every `interval_s`.

    1 - correction / interval, for 0 <= correction <= interval; raises ValueError otherwise.
    Source of the example: Craddock et al., PRX Quantum 5, 030330 (2024), 34 km under New York.

    >>> round(compensation_duty(0.032, 20.0), 4)
    0.9984
    """
    above("interval_s", interval_s, 0.0)
    return 1.0 - within("correction_s", correction_s, 0.0, interval_s) / interval_s
