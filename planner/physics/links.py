"""Elementary links: one function and one row of `LINK_MODELS` for each way of entangling neighbouring stations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from planner.catalog import LinkHardware, LinkModel, Memory, PairSource
from planner.physics import fiber, heralded, pair_source
from planner.physics.arguments import at_least
from planner.physics.service import plob_ebits
from planner.units import SPEED_OF_LIGHT_M_PER_S

VALID_PER_WINDOW = 0.1
"""Mean pairs, and clicks of one user, per window above which the pair-source formulas are no longer trusted."""
VALID_AWAKE_SHARE = 0.5
"""Share of live detector time below which the dead-time formula is no longer trusted."""


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
    """Two arms that meet at a pair source or heralding station."""

    left: Arm
    right: Arm


@dataclass(frozen=True, kw_only=True, slots=True)
class LinkState:
    """What one elementary link gives: pairs per second, fidelity when made, and the time of one attempt.

    `ceiling_hz` is the bound on ebits per second of its weaker arm; `limits` names what lies outside a formula's range.
    """

    rate_hz: float
    fidelity: float
    clock_s: float
    ceiling_hz: float
    limits: tuple[str, ...]


Way = Literal["left", "right"]

LinkFunction = Callable[[ElementaryLink, LinkHardware, float], LinkState]


def pair_source_link(link: ElementaryLink, hardware: LinkHardware, min_fidelity: float) -> LinkState:
    """Return the detected coincidences of a pair source between two users, at its best brightness.

    The window is `window_per_jitter` times the total timing width (both detectors, synchronization, dispersion over the
    length of each arm). Brightness maximizes ebits per second within max_brightness_hz, max_mean_pairs per window and
    `min_fidelity`. Background light is detected with the detectors' efficiency. The ceiling takes the weaker arm's
    transmittance and the source's bandwidth in two polarizations. Raises ValueError for hardware without pair source.
    """
    source = _pair_source(hardware)
    width_ps = _timing_width_ps(link, hardware, source)
    window_ps = source.window_per_jitter * width_ps
    share = fiber.window_share(window_ps, width_ps)
    left, right = _receiver(link.left, hardware, source), _receiver(link.right, hardware, source)

    def pairs_at(brightness_hz: float) -> pair_source.Coincidences:
        return pair_source.coincidences(
            brightness_hz,
            left,
            right,
            window_s=window_ps * 1e-12,
            window_share=share,
            polarization_error=source.polarization_error,
        )

    cap_hz = min(source.max_brightness_hz, source.max_mean_pairs / (window_ps * 1e-12))
    brightness_hz = pair_source.best_brightness_hz(pairs_at, max_brightness_hz=cap_hz, min_fidelity=min_fidelity)
    pairs = pairs_at(brightness_hz)
    bandwidth_hz = SPEED_OF_LIGHT_M_PER_S * source.bandwidth_nm * 1e-9 / (hardware.fiber.wavelength_nm * 1e-9) ** 2
    return LinkState(
        rate_hz=pairs.rate_hz,
        fidelity=pairs.fidelity,
        clock_s=window_ps * 1e-12,
        ceiling_hz=_weaker_arm_ebits(link, hardware) * 2.0 * bandwidth_hz,
        limits=_source_limits(brightness_hz, window_ps * 1e-12, (left, right)),
    )


def double_click_link(link: ElementaryLink, hardware: LinkHardware, min_fidelity: float) -> LinkState:
    """Return the heralded pairs of a two-photon link between memories, with the heralding station between the arms.

    See `heralded.double_click`; `min_fidelity` changes nothing, for nothing can be dimmed. Raises ValueError for
    hardware without memory.
    """
    del min_fidelity
    memory = _memory(hardware)
    herald = heralded.double_click(
        _emission_to_click(link.left, hardware, memory),
        _emission_to_click(link.right, hardware, memory),
        dark_probability=_dark_probability(link, hardware, memory),
        visibility=memory.visibility,
        emission_fidelity=memory.emission_fidelity,
    )
    return _heralded_state(link, hardware, memory, herald)


def single_click_link(link: ElementaryLink, hardware: LinkHardware, min_fidelity: float) -> LinkState:
    """Return the heralded pairs of a one-photon link between memories, with the heralding station between the arms.

    See `heralded.single_click`; the bright state is the catalog's, whatever `min_fidelity` asks. Raises ValueError for
    hardware without memory.
    """
    del min_fidelity
    memory = _memory(hardware)
    herald = heralded.single_click(
        _emission_to_click(link.left, hardware, memory),
        _emission_to_click(link.right, hardware, memory),
        bright_state=memory.bright_state,
        dark_probability=_dark_probability(link, hardware, memory),
        visibility=memory.visibility,
        phase_error_rad=memory.phase_error_rad,
        emission_fidelity=memory.emission_fidelity,
    )
    return _heralded_state(link, hardware, memory, herald)


LINK_MODELS: Mapping[LinkModel, LinkFunction] = MappingProxyType(
    {"pair_source": pair_source_link, "double_click": double_click_link, "single_click": single_click_link}
)
"""Each way of making an elementary link, by the name that the catalog uses."""

LIGHT_WAYS: Mapping[LinkModel, tuple[Way, Way]] = MappingProxyType(
    {"pair_source": ("left", "right"), "double_click": ("right", "left"), "single_click": ("right", "left")}
)
"""Towards which end photons travel in the left and in the right arm: background arrives where the detectors are."""


def _heralded_state(link: ElementaryLink, hardware: LinkHardware, memory: Memory, herald: heralded.Herald) -> LinkState:
    """Return the rate of a heralded link: one pair at most per attempt slot, in the share of time that it can run."""
    clock_s = heralded.midpoint_clock_s(
        fiber.delay_s(link.left.length_km, hardware.fiber.velocity_km_per_s),
        fiber.delay_s(link.right.length_km, hardware.fiber.velocity_km_per_s),
        repetition_hz=memory.repetition_hz,
        initialization_s=memory.initialization_s,
    )
    slot_probability = memory.duty * heralded.multiplexed_probability(herald.probability, memory.modes)
    modes_hz = memory.duty * memory.modes / clock_s
    return LinkState(
        rate_hz=slot_probability / clock_s,
        # Below 1/4 two random qubits would do better: the ends may always replace what they hold by those.
        fidelity=max(0.25, herald.fidelity),
        clock_s=clock_s,
        ceiling_hz=_weaker_arm_ebits(link, hardware) * modes_hz,
        limits=(),
    )


def _pair_source(hardware: LinkHardware) -> PairSource:
    if hardware.pair_source is None:
        raise ValueError(f"a {hardware.link_model} link has no pair source")
    return hardware.pair_source


def _memory(hardware: LinkHardware) -> Memory:
    if hardware.memory is None:
        raise ValueError(f"a {hardware.link_model} link has no memory")
    return hardware.memory


def _arm_transmittance(arm: Arm, hardware: LinkHardware) -> float:
    return fiber.transmittance(fiber.arm_loss_db(arm.loss_db, hardware.termination))


def _weaker_arm_ebits(link: ElementaryLink, hardware: LinkHardware) -> float:
    """Return the bound on ebits per mode: what the arm with more loss can carry, by perfect devices at its ends."""
    return plob_ebits(min(_arm_transmittance(link.left, hardware), _arm_transmittance(link.right, hardware)))


def _emission_to_click(arm: Arm, hardware: LinkHardware, memory: Memory) -> float:
    return memory.emission_efficiency * _arm_transmittance(arm, hardware) * hardware.detector.efficiency


def _dark_probability(link: ElementaryLink, hardware: LinkHardware, memory: Memory) -> float:
    """Return the noise clicks per detector and window: background of both arms spreads evenly over the detectors."""
    detector = hardware.detector
    background_hz = (link.left.noise_hz + link.right.noise_hz) * detector.efficiency / detector.detectors
    return heralded.dark_probability(detector.dark_count_hz + background_hz, memory.detection_window_ns * 1e-9)


def _receiver(arm: Arm, hardware: LinkHardware, source: PairSource) -> pair_source.Receiver:
    detector = hardware.detector
    return pair_source.Receiver(
        efficiency=source.coupling_efficiency * _arm_transmittance(arm, hardware) * detector.efficiency,
        noise_hz=detector.dark_count_hz * detector.detectors + arm.noise_hz * detector.efficiency,
        dead_time_s=detector.dead_time_ns * 1e-9,
        detectors=detector.detectors,
    )


def _timing_width_ps(link: ElementaryLink, hardware: LinkHardware, source: PairSource) -> float:
    glass = hardware.fiber
    spread = [
        fiber.dispersion_width_ps(arm.length_km, glass.dispersion_ps_per_nm_km, source.bandwidth_nm)
        for arm in (link.left, link.right)
    ]
    return fiber.timing_width_ps(
        hardware.detector.jitter_ps, hardware.detector.jitter_ps, source.sync_jitter_ps, *spread
    )


def _source_limits(
    brightness_hz: float, window_s: float, receivers: tuple[pair_source.Receiver, pair_source.Receiver]
) -> tuple[str, ...]:
    limits = []
    mean_pairs = brightness_hz * window_s
    if mean_pairs > VALID_PER_WINDOW * (1.0 + 1e-9):
        limits.append(f"{mean_pairs:.3g} mean pairs per window exceed {VALID_PER_WINDOW:g}")
    for side, receiver in zip(("left", "right"), receivers, strict=True):
        incident_hz = brightness_hz * receiver.efficiency + receiver.noise_hz
        awake = pair_source.awake_share(incident_hz, receiver)
        clicks = incident_hz * awake * window_s
        if awake < VALID_AWAKE_SHARE:
            limits.append(f"{side} detectors are dead {1.0 - awake:.0%} of the time")
        if clicks > VALID_PER_WINDOW:
            limits.append(f"{clicks:.3g} clicks of the {side} user per window exceed {VALID_PER_WINDOW:g}")
    return tuple(limits)
