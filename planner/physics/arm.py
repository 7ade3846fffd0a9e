"""Arms and elementary links as values, and what all kinds of links ask of an arm: light through, noise, timing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from planner.catalog import Distillation, LinkHardware, Memory, PairSource
from planner.physics import fiber, heralded, pair_source
from planner.physics.arguments import at_least
from planner.physics.coexistence import span_raman_hz_per_nm
from planner.physics.service import plob_ebits
from planner.units import milliwatt

Preference = Literal["ebits", "rate"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Arm:
    """One side of an elementary link: from a station to the pair source or heralding station.

    `length_km` is the optical length (fiber with slack, or free-space path), for the delay. `loss_db` counts spans,
    joints, patches and free-space hops on the way; connectors, devices and margin are added once per arm by the
    physics. `noise_hz` are background and Raman photons per second that arrive at the detectors, all of them together.
    """

    length_km: float
    loss_db: float
    noise_hz: float = 0.0

    def __post_init__(self) -> None:
        """Reject negative or infinite lengths, losses and noise."""
        at_least("length_km", self.length_km, 0.0)
        at_least("loss_db", self.loss_db, 0.0)
        at_least("noise_hz", self.noise_hz, 0.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class ElementaryLink:
    """Two arms that meet at a pair source or heralding station.

    >>> ElementaryLink(left=Arm(length_km=1.0, loss_db=0.4), right=Arm(length_km=2.5, loss_db=1.0)).length_km
    3.5
    """

    left: Arm
    right: Arm

    @property
    def length_km(self) -> float:
        """Return the optical length of both arms."""
        return self.left.length_km + self.right.length_km


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """What may be chosen for a route; None where there is nothing to choose, or the catalog decides.

    `bright_state` of one-photon links; `brightness_hz` of a pair source and its `window_ps`; `cutoff_slots`, after
    which a link that waits for the other of two is thrown away; `distillation` of links before they are swapped.
    """

    bright_state: float | None = None
    brightness_hz: float | None = None
    window_ps: float | None = None
    cutoff_slots: int | None = None
    distillation: Distillation | None = None


NOTHING_SET = Settings()


@dataclass(frozen=True, kw_only=True, slots=True)
class Aim:
    """What a choice is for: a least fidelity first, then most ebits per second, or most pairs per second.

    With `is_fixed`, nothing is chosen: `settings` are taken as they are.
    """

    min_fidelity: float = 0.25
    preference: Preference = "ebits"
    settings: Settings = NOTHING_SET
    is_fixed: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class LinkState:
    """What one elementary link gives: pairs per second, fidelity when made, and the time of one attempt.

    `arm_ceiling_hz` bounds the ebits per second of its left and its right arm; `idle_s` is how long its left and its
    right qubit wait for the announcement; `limits` names what lies outside a formula's range. `brightness_hz` and
    `window_ps` are those of a pair source.
    """

    rate_hz: float
    fidelity: float
    clock_s: float
    arm_ceiling_hz: tuple[float, float]
    idle_s: tuple[float, float] = (0.0, 0.0)
    brightness_hz: float | None = None
    window_ps: float | None = None
    limits: tuple[str, ...] = ()

    @property
    def ceiling_hz(self) -> float:
        """Return the bound on its ebits per second: that of its weaker arm."""
        return min(self.arm_ceiling_hz)


def arm_transmittance(arm: Arm, hardware: LinkHardware) -> float:
    """Return the share of photons that pass an arm: its loss, termination, and multiplexers of the timing channel."""
    return fiber.transmittance(fiber.arm_loss_db(arm.loss_db, hardware.termination) + mux_loss_db(hardware))


def mux_loss_db(hardware: LinkHardware) -> float:
    """Return the loss in dB that a timing channel in the quantum fiber costs an arm: two multiplexers, or nothing."""
    channel = hardware.channel
    return 2.0 * channel.mux_loss_db if channel is not None and channel.medium == "wavelength" else 0.0


def arm_noise_hz(arm: Arm, hardware: LinkHardware) -> float:
    """Return the background photons per second at the detectors of an arm.

    What the arm brings, and what our own devices add: Raman light of a timing channel in the same fiber, launched at
    both ends (`span_raman_hz_per_nm` over the whole arm), and the noise of a converter at the emitter, dimmed by the
    arm. Loses the connector and devices before the detectors.
    """
    channel, converter = hardware.channel, hardware.converter
    per_nm_hz = 0.0
    if channel is not None and channel.medium == "wavelength":
        launch_mw = milliwatt(channel.launch_dbm)
        per_nm_hz += span_raman_hz_per_nm(
            arm.length_km,
            arm.loss_db,
            launches_mw=(launch_mw, launch_mw),
            classical_nm=channel.wavelength_nm,
            fiber=hardware.fiber,
        )[1]
    if converter is not None:
        per_nm_hz += converter.noise_hz_per_nm * fiber.transmittance(arm.loss_db)
    if per_nm_hz == 0.0:
        return arm.noise_hz
    end = hardware.termination
    seen = fiber.transmittance(end.connector_loss_db + end.device_loss_db)
    return arm.noise_hz + per_nm_hz * hardware.filter_nm * seen


def channel_limits(link: ElementaryLink, hardware: LinkHardware) -> tuple[str, ...]:
    """Return in words where an arm loses more than its classical channel bridges; nothing can be announced there."""
    channel = hardware.channel
    if channel is None:
        return ()
    arms = (("left", link.left.loss_db), ("right", link.right.loss_db))
    return tuple(
        f"the {side} arm loses {loss_db:.3g} dB, more than the {channel.max_loss_db:g} dB of its classical channel"
        for side, loss_db in arms
        if loss_db > channel.max_loss_db
    )


def arm_ceilings_hz(link: ElementaryLink, hardware: LinkHardware, modes_hz: float) -> tuple[float, float]:
    """Return the bounds on ebits per second of both arms, by perfect devices at their ends, for modes per second."""
    left, right = (plob_ebits(arm_transmittance(arm, hardware)) for arm in (link.left, link.right))
    return left * modes_hz, right * modes_hz


def emission_efficiency(hardware: LinkHardware, memory: Memory) -> float:
    """Return the share of attempts in which a photon enters the fiber: emission, and conversion where there is one."""
    return memory.emission_efficiency * (1.0 if hardware.converter is None else hardware.converter.efficiency)


def emission_to_click(arm: Arm, hardware: LinkHardware, memory: Memory) -> float:
    """Return the share of attempts in which the photon of a memory makes a detector at the arm's end click."""
    return emission_efficiency(hardware, memory) * arm_transmittance(arm, hardware) * hardware.detector.efficiency


def dark_probability(noise_hz: float, hardware: LinkHardware, memory: Memory) -> float:
    """Return the noise clicks per detector and window: background spreads evenly over the detectors."""
    detector = hardware.detector
    background_hz = noise_hz * detector.efficiency / detector.detectors
    return heralded.dark_probability(detector.dark_count_hz + background_hz, memory.detection_window_ns * 1e-9)


def user_receiver(arm: Arm, hardware: LinkHardware, source: PairSource) -> pair_source.Receiver:
    """Return one user of a pair source: efficiency from the source to the click, noise clicks, dead time."""
    detector = hardware.detector
    converted = 1.0 if hardware.converter is None else hardware.converter.efficiency
    return pair_source.Receiver(
        efficiency=source.coupling_efficiency * converted * arm_transmittance(arm, hardware) * detector.efficiency,
        noise_hz=detector.dark_count_hz * detector.detectors + arm_noise_hz(arm, hardware) * detector.efficiency,
        dead_time_s=detector.dead_time_ns * 1e-9,
        detectors=detector.detectors,
    )


def timing_width_ps(link: ElementaryLink, hardware: LinkHardware, source: PairSource) -> float:
    """Return the width in ps of arrival differences: both detectors, synchronization, dispersion of both arms."""
    glass, channel = hardware.fiber, hardware.channel
    spread = [
        fiber.dispersion_width_ps(arm.length_km, glass.dispersion_ps_per_nm_km, source.bandwidth_nm)
        for arm in (link.left, link.right)
    ]
    sync_ps = source.sync_jitter_ps if channel is None else channel.jitter_ps
    return fiber.timing_width_ps(hardware.detector.jitter_ps, hardware.detector.jitter_ps, sync_ps, *spread)


def delays_s(link: ElementaryLink, hardware: LinkHardware) -> tuple[float, float]:
    """Return the time that light needs for the left and for the right arm."""
    velocity = hardware.fiber.velocity_km_per_s
    return fiber.delay_s(link.left.length_km, velocity), fiber.delay_s(link.right.length_km, velocity)


def correction_duty(hardware: LinkHardware) -> float:
    """Return the share of the time that polarization corrections leave."""
    end = hardware.termination
    return fiber.compensation_duty(end.correction_s, end.correction_interval_s) if end.correction_s else 1.0
