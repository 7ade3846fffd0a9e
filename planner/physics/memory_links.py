"""Links between memories that emit: a photon of each, one photon of either, or one that travels all the way."""

from __future__ import annotations

from planner.catalog import LinkHardware, Memory
from planner.physics import fiber, heralded
from planner.physics.arm import (
    Aim,
    ElementaryLink,
    LinkState,
    arm_ceilings_hz,
    arm_noise_hz,
    channel_limits,
    correction_duty,
    dark_probability,
    delays_s,
    emission_efficiency,
    emission_to_click,
    mux_loss_db,
)
from planner.physics.service import fidelity_of_werner, plob_ebits, werner_of_fidelity


def double_click_link(link: ElementaryLink, hardware: LinkHardware, aim: Aim) -> LinkState:
    """Return the heralded pairs of a two-photon link between memories, with the heralding station between the arms.

    See `heralded.double_click`; `aim` changes nothing, for nothing can be chosen. Raises ValueError for hardware
    without memory.
    """
    del aim
    memory = memory_of(hardware)
    return _midpoint_state(link, hardware, memory, herald_at_midpoint(link, hardware, None))


def single_click_link(link: ElementaryLink, hardware: LinkHardware, aim: Aim) -> LinkState:
    """Return the heralded pairs of a one-photon link between memories, with the heralding station between the arms.

    See `heralded.single_click`; the bright state is that of the settings, else of the catalog. Raises ValueError for
    hardware without memory.
    """
    memory = memory_of(hardware)
    bright_state = aim.settings.bright_state or memory.bright_state
    return _midpoint_state(link, hardware, memory, herald_at_midpoint(link, hardware, bright_state))


def sender_receiver_link(link: ElementaryLink, hardware: LinkHardware, aim: Aim) -> LinkState:
    """Return the heralded pairs of a link whose photon travels from the left memory into the right one.

    The photon passes both arms, with one termination, and the middle without a station of its own. Success
    s = emission * transmittance * storage * detector (`heralded.sender_receiver`); a false herald needs one of two
    detectors to click by itself: 2 d (1 - d) (1 - s) against s (1 - d), and leaves a random pair. An attempt takes the
    round trip; the sender's qubit waits it out, the receiver knows at once. Errors of sender and receiver are
    depolarizing, each with the memory's emission fidelity. Raises ValueError for hardware without memory.
    Source: van Loock et al., Adv. Quantum Technol. 3, 1900141 (2020).
    """
    del aim
    memory = memory_of(hardware)
    loss_db = fiber.arm_loss_db(link.left.loss_db + link.right.loss_db, hardware.termination) + mux_loss_db(hardware)
    sent = emission_efficiency(hardware, memory) * fiber.transmittance(loss_db)
    arrives = heralded.sender_receiver(sent, memory.storage_efficiency * hardware.detector.efficiency)
    left_hz, right_hz = _noises_hz(link, hardware)
    noise_hz = left_hz * fiber.transmittance(link.right.loss_db) + right_hz
    dark = dark_probability(noise_hz, hardware, memory)
    true, false = arrives * (1.0 - dark), (1.0 - arrives) * 2.0 * dark * (1.0 - dark)
    probability = true + false
    share = true / probability if probability > 0.0 else 0.0
    pair = share * werner_of_fidelity(memory.emission_fidelity) ** 2
    delay_s = sum(delays_s(link, hardware))
    clock_s = heralded.round_trip_clock_s(
        delay_s, repetition_hz=memory.repetition_hz, initialization_s=memory.initialization_s
    )
    return _heralded_state(
        link,
        hardware,
        heralded.Herald(probability=probability, fidelity=fidelity_of_werner(pair)),
        clock_s=clock_s,
        idle_s=(2.0 * delay_s, 0.0),
        through=fiber.transmittance(loss_db),
    )


def herald_at_midpoint(link: ElementaryLink, hardware: LinkHardware, bright_state: float | None) -> heralded.Herald:
    """Return success and fidelity of an attempt with a midpoint: by one photon of a bright share, else by two."""
    memory = memory_of(hardware)
    left, right = (emission_to_click(arm, hardware, memory) for arm in (link.left, link.right))
    dark = dark_probability(sum(_noises_hz(link, hardware)), hardware, memory)
    if bright_state is None:
        return heralded.double_click(
            left,
            right,
            dark_probability=dark,
            visibility=memory.visibility,
            emission_fidelity=memory.emission_fidelity,
        )
    return heralded.single_click(
        left,
        right,
        bright_state=bright_state,
        dark_probability=dark,
        visibility=memory.visibility,
        phase_error_rad=memory.phase_error_rad,
        emission_fidelity=memory.emission_fidelity,
    )


def memory_of(hardware: LinkHardware) -> Memory:
    """Return the memory of a link; raises ValueError where there is none."""
    if hardware.memory is None:
        raise ValueError(f"a {hardware.link_model} link has no memory")
    return hardware.memory


def _noises_hz(link: ElementaryLink, hardware: LinkHardware) -> tuple[float, float]:
    return arm_noise_hz(link.left, hardware), arm_noise_hz(link.right, hardware)


def _midpoint_state(link: ElementaryLink, hardware: LinkHardware, memory: Memory, herald: heralded.Herald) -> LinkState:
    left_s, right_s = delays_s(link, hardware)
    return _heralded_state(
        link,
        hardware,
        herald,
        clock_s=heralded.midpoint_clock_s(
            left_s, right_s, repetition_hz=memory.repetition_hz, initialization_s=memory.initialization_s
        ),
        idle_s=(2.0 * left_s, 2.0 * right_s),
    )


def _heralded_state(
    link: ElementaryLink,
    hardware: LinkHardware,
    herald: heralded.Herald,
    *,
    clock_s: float,
    idle_s: tuple[float, float],
    through: float | None = None,
) -> LinkState:
    """Return the rate of a heralded link: one pair at most per attempt slot, in the share of time that it can run.

    A photon that passes both arms has the transmittance `through`; its ceiling is that of one channel.
    """
    memory = memory_of(hardware)
    duty = memory.duty * correction_duty(hardware)
    success = duty * heralded.multiplexed_probability(herald.probability, memory.modes)
    limits = channel_limits(link, hardware)
    modes_hz = duty * memory.modes / clock_s
    ceilings_hz = arm_ceilings_hz(link, hardware, modes_hz)
    if through is not None:
        ceilings_hz = (plob_ebits(through) * modes_hz,) * 2
    return LinkState(
        rate_hz=0.0 if limits else success / clock_s,
        # Below 1/4 two random qubits would do better: the ends may always replace what they hold by those.
        fidelity=max(0.25, _drifted(herald.fidelity, hardware)),
        clock_s=clock_s,
        arm_ceiling_hz=ceilings_hz,
        idle_s=idle_s,
        limits=limits,
    )


def _drifted(fidelity: float, hardware: LinkHardware) -> float:
    """Return the fidelity after polarization drift, taken as white noise: an error e leaves 1 - 2 e of w."""
    error = hardware.termination.drift_error
    return 0.25 + (1.0 - 2.0 * error) * (fidelity - 0.25) if error else fidelity
