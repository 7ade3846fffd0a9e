"""Links with a source of entangled pairs in the middle: to two users, to many, or to memories that absorb."""

from __future__ import annotations

import math
from collections.abc import Callable

from planner.catalog import LinkHardware, Memory, PairSource
from planner.physics import fiber, heralded
from planner.physics.arm import (
    Aim,
    Arm,
    ElementaryLink,
    LinkState,
    arm_ceilings_hz,
    arm_noise_hz,
    arm_transmittance,
    channel_limits,
    correction_duty,
    delays_s,
    timing_width_ps,
    user_receiver,
)
from planner.physics.pair_source import (
    Coincidences,
    PairLaw,
    Receiver,
    awake_share,
    best_brightness_hz,
    pair_law,
)
from planner.physics.service import fidelity_of_werner, hashing_ebits, werner_of_fidelity
from planner.units import SPEED_OF_LIGHT_M_PER_S

VALID_PER_WINDOW = 0.1
"""Mean pairs, and clicks of one user, per window above which the pair-source formulas are no longer trusted."""
VALID_AWAKE_SHARE = 0.5
"""Share of live detector time below which the dead-time formula is no longer trusted."""
WINDOW_FACTORS = (0.5, 3.0)
"""Windows that are tried where the best is asked for, in widths of the arrival differences."""
_GOLDEN = (math.sqrt(5.0) - 1.0) / 2.0
_WINDOW_STEPS = 10


def pair_source_link(link: ElementaryLink, hardware: LinkHardware, aim: Aim) -> LinkState:
    """Return the detected coincidences of a pair source between two users, at its best brightness.

    The window is `window_per_jitter` times the total timing width (both detectors, synchronization, dispersion over the
    length of each arm), or the best from half to three widths. Brightness is best for `aim` within max_brightness_hz
    and max_mean_pairs per window. Background light is detected with the detectors' efficiency; polarization errors of
    source and drift add up. The ceiling takes the weaker arm's transmittance and the source's bandwidth in two
    polarizations. Raises ValueError for hardware without pair source.
    """
    return _detected_link(link, hardware, aim, channels=1, time_share=1.0)


def broadcast_source_link(link: ElementaryLink, hardware: LinkHardware, aim: Aim) -> LinkState:
    """Return the coincidences of two users of a source that serves all pairs of `hub_users` users at the same time.

    As `pair_source_link`, at full load: each user's detectors see the light of `hub_users` - 1 equally bright channels,
    so that accidental coincidences and dead time count all of it. With fewer users the link is better. Raises
    ValueError as there. Source: Wengerowsky et al., Nature 564, 225 (2018).
    """
    return _detected_link(link, hardware, aim, channels=hardware.hub_users - 1, time_share=1.0)


def switched_source_link(link: ElementaryLink, hardware: LinkHardware, aim: Aim) -> LinkState:
    """Return the coincidences of two users whom an optical switch gives an equal share of a source's time.

    As `pair_source_link`, times one of hub_users (hub_users - 1) / 2 shares. The loss of the switch is that of the
    arm's termination (one pass per arm). Raises ValueError as there. Source: Herbauts et al., Opt. Express 21, 29013
    (2013).
    """
    users = hardware.hub_users
    return _detected_link(link, hardware, aim, channels=1, time_share=2.0 / (users * (users - 1)))


def absorptive_link(link: ElementaryLink, hardware: LinkHardware, aim: Aim) -> LinkState:
    """Return the heralded pairs of a source in the middle whose photons two memories absorb and announce.

    Per mode true = mu eta_A eta_B and accidental = S_A S_B, S = mu eta + noise, as of a pair source with windows of one
    mode; eta includes the memory's storage efficiency instead of a detector for the photon itself. The mean pairs per
    mode mu give most ebits, at the aim's fidelity if that can be, within max_mean_pairs and the source's brightness.
    Modes follow each other at the memory's repetition rate; a memory that has announced a photon is busy until it hears
    from the other side, which adds (share of modes that busy a memory) * (signal time of the link) to the mean clock.
    Errors of both memories are depolarizing. Raises ValueError for hardware without source and memory.
    Source: Jones et al., New J. Phys. 18, 083015 (2016); p = eta_A eta_B her_A her_B as in `heralded.absorptive`.
    """
    source, memory = _source(hardware), _memory(hardware)
    mode_s = 1.0 / memory.repetition_hz
    left, right = (_absorber(arm, hardware, source, memory) for arm in (link.left, link.right))
    law = pair_law(left, right, mode_s, 1.0, _error(hardware, source))
    cap_hz = min(source.max_brightness_hz, source.max_mean_pairs / mode_s)
    brightness_hz = best_brightness_hz(law, max_brightness_hz=cap_hz, min_fidelity=aim.min_fidelity)
    pairs = law.at(brightness_hz)
    clicks = [min(1.0, (brightness_hz * user.efficiency + user.noise_hz) * mode_s) for user in (left, right)]
    busy = 1.0 - (1.0 - clicks[0]) * (1.0 - clicks[1])
    left_s, right_s = delays_s(link, hardware)
    clock_s = mode_s + busy * (left_s + right_s + memory.initialization_s)
    duty = memory.duty * correction_duty(hardware)
    success = duty * heralded.multiplexed_probability(min(1.0, pairs.rate_hz * mode_s), memory.modes)
    unheard = channel_limits(link, hardware)
    crowded = tuple(
        f"{share:.3g} announcements of the {side} memory per mode exceed {VALID_PER_WINDOW:g}"
        for side, share in zip(("left", "right"), clicks, strict=True)
        if share > VALID_PER_WINDOW
    )
    stored = werner_of_fidelity(pairs.fidelity) * werner_of_fidelity(memory.emission_fidelity) ** 2
    return LinkState(
        rate_hz=0.0 if unheard else success / clock_s,
        fidelity=max(0.25, fidelity_of_werner(stored)),
        clock_s=clock_s,
        arm_ceiling_hz=arm_ceilings_hz(link, hardware, duty * memory.modes / clock_s),
        idle_s=(2.0 * right_s, 2.0 * left_s),
        brightness_hz=brightness_hz,
        limits=(*unheard, *crowded),
    )


def _detected_link(
    link: ElementaryLink, hardware: LinkHardware, aim: Aim, *, channels: int, time_share: float
) -> LinkState:
    source = _source(hardware)
    width_ps = timing_width_ps(link, hardware, source)
    left, right = (user_receiver(arm, hardware, source) for arm in (link.left, link.right))

    def law_of(window_ps: float) -> PairLaw:
        share = fiber.window_share(window_ps, width_ps)
        return pair_law(left, right, window_ps * 1e-12, share, _error(hardware, source), channels=channels)

    window_ps, brightness_hz = _operating_point(law_of, width_ps, source, aim)
    pairs = law_of(window_ps).at(brightness_hz)
    limits = channel_limits(link, hardware)
    used = time_share * correction_duty(hardware)
    bandwidth_hz = SPEED_OF_LIGHT_M_PER_S * source.bandwidth_nm * 1e-9 / (hardware.fiber.wavelength_nm * 1e-9) ** 2
    return LinkState(
        rate_hz=0.0 if limits else pairs.rate_hz * used,
        fidelity=pairs.fidelity,
        clock_s=window_ps * 1e-12,
        arm_ceiling_hz=arm_ceilings_hz(link, hardware, 2.0 * bandwidth_hz * used),
        brightness_hz=brightness_hz,
        window_ps=window_ps,
        limits=(*limits, *_source_limits(brightness_hz, channels, window_ps * 1e-12, (left, right))),
    )


def _operating_point(
    law_of: Callable[[float], PairLaw], width_ps: float, source: PairSource, aim: Aim
) -> tuple[float, float]:
    """Return the window in ps and the brightness in pairs per second: those set, or the best for the aim."""
    settings = aim.settings
    if aim.is_fixed and settings.window_ps is not None and settings.brightness_hz is not None:
        return settings.window_ps, settings.brightness_hz

    def at(factor: float) -> tuple[tuple[float, float, float], float, float]:
        window_ps = factor * width_ps
        cap_hz = min(source.max_brightness_hz, source.max_mean_pairs / (window_ps * 1e-12))
        law = law_of(window_ps)
        brightness_hz = _brightness_hz(law, cap_hz, aim)
        return _score(law.at(brightness_hz), aim), window_ps, brightness_hz

    if source.window_per_jitter != "best":
        return at(source.window_per_jitter)[1:]
    low, high = WINDOW_FACTORS
    left, right = at(high - _GOLDEN * (high - low)), at(low + _GOLDEN * (high - low))
    for _ in range(_WINDOW_STEPS):
        if left[0] > right[0]:
            high, right = right[1] / width_ps, left
            left = at(high - _GOLDEN * (high - low))
        else:
            low, left = left[1] / width_ps, right
            right = at(low + _GOLDEN * (high - low))
    return max(left, right)[1:]


def _brightness_hz(law: PairLaw, cap_hz: float, aim: Aim) -> float:
    return best_brightness_hz(
        law, max_brightness_hz=cap_hz, min_fidelity=aim.min_fidelity, prefers_rate=aim.preference == "rate"
    )


def _score(pairs: Coincidences, aim: Aim) -> tuple[float, float, float]:
    worth_hz = pairs.rate_hz if aim.preference == "rate" else pairs.rate_hz * hashing_ebits(pairs.fidelity)
    return min(0.0, pairs.fidelity - aim.min_fidelity), worth_hz, pairs.fidelity


def _source(hardware: LinkHardware) -> PairSource:
    if hardware.pair_source is None:
        raise ValueError(f"a {hardware.link_model} link has no pair source")
    return hardware.pair_source


def _memory(hardware: LinkHardware) -> Memory:
    if hardware.memory is None:
        raise ValueError(f"a {hardware.link_model} link has no memory")
    return hardware.memory


def _error(hardware: LinkHardware, source: PairSource) -> float:
    return fiber.polarization_error(source.polarization_error, hardware.termination.drift_error)


def _absorber(arm: Arm, hardware: LinkHardware, source: PairSource, memory: Memory) -> Receiver:
    """Return a memory as a user of a pair source: what it announces are stored photons, and noise in their window."""
    converted = 1.0 if hardware.converter is None else hardware.converter.efficiency
    arriving = source.coupling_efficiency * converted * arm_transmittance(arm, hardware)
    seen = memory.storage_efficiency * hardware.detector.efficiency
    noise_hz = hardware.detector.dark_count_hz * hardware.detector.detectors + arm_noise_hz(arm, hardware) * seen
    open_share = min(1.0, memory.detection_window_ns * 1e-9 * memory.repetition_hz)
    return Receiver(
        efficiency=arriving * seen,
        noise_hz=noise_hz * open_share,
        dead_time_s=0.0,
        detectors=hardware.detector.detectors,
    )


def _source_limits(
    brightness_hz: float, channels: int, window_s: float, receivers: tuple[Receiver, Receiver]
) -> tuple[str, ...]:
    limits = []
    mean_pairs = brightness_hz * window_s
    if mean_pairs > VALID_PER_WINDOW * (1.0 + 1e-9):
        limits.append(f"{mean_pairs:.3g} mean pairs per window exceed {VALID_PER_WINDOW:g}")
    for side, receiver in zip(("left", "right"), receivers, strict=True):
        incident_hz = channels * brightness_hz * receiver.efficiency + receiver.noise_hz
        awake = awake_share(incident_hz, receiver)
        clicks = incident_hz * awake * window_s
        if awake < VALID_AWAKE_SHARE:
            limits.append(f"{side} detectors are dead {1.0 - awake:.0%} of the time")
        if clicks > VALID_PER_WINDOW:
            limits.append(f"{clicks:.3g} clicks of the {side} user per window exceed {VALID_PER_WINDOW:g}")
    return tuple(limits)
