"""The lines of a budget: of an arm, a link, a chain, and what is delivered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

from planner.catalog import Distillation, LinkHardware, Memory, PairSource, Termination
from planner.physics import chains, fiber, heralded, pair_source
from planner.physics.arm import (
    Aim,
    Arm,
    ElementaryLink,
    LinkState,
    arm_noise_hz,
    arm_transmittance,
    dark_probability,
    emission_to_click,
    mux_loss_db,
    timing_width_ps,
    user_receiver,
)
from planner.physics.delivery import chain_of, cut_off, fixed_decay, outcomes_of
from planner.physics.distilled_links import lanes_taken
from planner.physics.memory_links import herald_at_midpoint
from planner.physics.performance import RoutePerformance
from planner.physics.service import hashing_ebits, qubit_error, werner_of_fidelity

Value = TypeVar("Value")
Row = tuple[str, float, str, str]
"""Name, value, unit and explanation of a step."""


def arm_rows(arm_km: float, arm: Arm, hardware: LinkHardware, *, is_measured: bool) -> Iterator[Row]:
    """Yield the loss of an arm item by item; the loss of an item is that of an arm that has nothing else."""
    glass, end = hardware.fiber, hardware.termination
    yield ("route length", arm_km, "km", "of this arm")
    yield ("length of the glass", arm.length_km, "km", f"route length * slack {glass.slack:g}")
    if is_measured:
        yield ("fiber, measured", arm.loss_db, "dB", "measured loss, by length")
    else:
        plain_db = fiber.span_loss_db(arm_km, glass.model_copy(update={"splice_loss_db": 0.0}))
        spliced_db = fiber.span_loss_db(arm_km, glass)
        yield ("fiber", plain_db, "dB", f"{glass.attenuation_db_per_km:g} dB/km * length of the glass")
        how = f"{glass.splice_loss_db:g} dB every {glass.reel_length_km:g} km of glass"
        yield ("splices", spliced_db - plain_db, "dB", how)
        if arm.loss_db > spliced_db:
            yield ("joints and patches", arm.loss_db - spliced_db, "dB", "by length of the arm")
    yield ("connectors", _alone_db(end, "connector_loss_db"), "dB", f"2 * {end.connector_loss_db:g} dB")
    yield ("devices", _alone_db(end, "device_loss_db"), "dB", "filter, compensation, switch, analyser")
    yield ("margin", _alone_db(end, "margin_db"), "dB", "ageing and repair splices")
    mux_db = mux_loss_db(hardware)
    if mux_db:
        yield ("timing multiplexers", mux_db, "dB", "two per arm, for classical light in the same fiber")
    yield ("loss of the arm", fiber.arm_loss_db(arm.loss_db, end) + mux_db, "dB", "sum")
    yield ("transmittance", arm_transmittance(arm, hardware), "", "10^(-loss / 10)")
    noise_hz = arm_noise_hz(arm, hardware)
    if noise_hz:
        yield ("background", noise_hz, "1/s", "photons at the detectors: given, timing channel, converter")
    yield ("delay", fiber.delay_s(arm.length_km, glass.velocity_km_per_s), "s", "length of the glass / velocity")


def source_rows(link: ElementaryLink, hardware: LinkHardware, source: PairSource, state: LinkState) -> Iterator[Row]:
    """Yield the way from a pair source to coincidences of two users, or what of a shared source they get."""
    glass = hardware.fiber
    width_ps = timing_width_ps(link, hardware, source)
    window_ps, bright_hz = state.window_ps or 0.0, state.brightness_hz or 0.0
    share = fiber.window_share(window_ps, width_ps)
    cap_hz = min(source.max_brightness_hz, source.max_mean_pairs / (window_ps * 1e-12))
    error = fiber.polarization_error(source.polarization_error, hardware.termination.drift_error)
    channels = hardware.hub_users - 1 if hardware.link_model == "broadcast_source" else 1
    users = [user_receiver(arm, hardware, source) for arm in (link.left, link.right)]
    incident_hz = [channels * bright_hz * user.efficiency + user.noise_hz for user in users]
    live = [pair_source.awake_share(rate_hz, user) for rate_hz, user in zip(incident_hz, users, strict=True)]
    true_hz = bright_hz * users[0].efficiency * users[1].efficiency * live[0] * live[1] * share
    accidental_hz = incident_hz[0] * live[0] * incident_hz[1] * live[1] * window_ps * 1e-12

    for side, arm, user in _sides(link, users):
        spread_ps = fiber.dispersion_width_ps(arm.length_km, glass.dispersion_ps_per_nm_km, source.bandwidth_nm)
        yield (f"source to click{side}", user.efficiency, "", "coupling * transmittance * detector, per user")
        yield (f"noise clicks{side}", user.noise_hz, "1/s", "dark counts of all detectors of a user, and background")
        yield (f"dispersion{side}", spread_ps, "ps", "|D| * length of the glass * bandwidth, per arm")
    yield ("timing width", width_ps, "ps", "root of squares: 2 detectors, synchronization, 2 dispersions")
    yield ("window", window_ps, "ps", f"{window_ps / width_ps:.3g} * timing width")
    yield ("pairs inside the window", share, "", "erf(sqrt(ln 2) * window / width)")
    yield ("largest brightness", cap_hz, "1/s", f"device limit, or {source.max_mean_pairs:g} pairs per window")
    yield ("brightness", bright_hz, "1/s", "most ebits per second, dimmed if the least fidelity asks for it")
    if channels > 1:
        yield ("channels at a user", channels, "", "detectors do not tell them apart")
    for number, (side, _, _) in enumerate(_sides(link, users)):
        yield (f"live share of detectors{side}", live[number], "", "1 / (1 + clicks * dead time / detectors)")
        how = "(brightness * channels * source to click + noise) * live share"
        yield (f"clicks of a user{side}", incident_hz[number] * live[number], "1/s", how)
    yield ("true coincidences", true_hz, "1/s", "brightness * (source to click * live) of both * share")
    yield ("accidental coincidences", accidental_hz, "1/s", "clicks * clicks * window")
    wrong = (error * true_hz + accidental_hz / 2.0) / (true_hz + accidental_hz)
    yield ("error", wrong, "", f"({error:g} * true + accidental / 2) / all")
    used = state.rate_hz / (true_hz + accidental_hz)
    if abs(used - 1.0) > 1e-12:
        yield ("share of the time", used, "", "polarization corrections, and turns of a shared switch")
    yield ("link rate", state.rate_hz, "1/s", "true + accidental: detected pairs")
    yield ("link fidelity", state.fidelity, "", "(1 + 3 (1 - 2 error)) / 4")


def memory_rows(link: ElementaryLink, hardware: LinkHardware, aim: Aim, state: LinkState) -> Iterator[Row]:
    """Yield the way from an attempt to the rate and fidelity of a heralded link."""
    memory = hardware.memory
    if memory is None:
        return
    if hardware.link_model in ("double_click", "single_click"):
        bright = (aim.settings.bright_state or memory.bright_state) if hardware.link_model == "single_click" else None
        herald = herald_at_midpoint(link, hardware, bright)
        noise_hz = arm_noise_hz(link.left, hardware) + arm_noise_hz(link.right, hardware)
        clicks = [emission_to_click(arm, hardware, memory) for arm in (link.left, link.right)]
        for number, (side, _, _) in enumerate(_sides(link, clicks)):
            yield (f"emission to click{side}", clicks[number], "", "emission * transmittance * detector, per arm")
        dark = dark_probability(noise_hz, hardware, memory)
        yield ("noise click", dark, "", "per detector and window: 1 - exp(-(dark counts + background) * window)")
        if bright is not None:
            yield ("bright state", bright, "", "share of attempts in which an emitter is bright")
        yield ("success of an attempt", herald.probability, "", f"{hardware.link_model}: true and false heralds")
        success = heralded.multiplexed_probability(herald.probability, memory.modes)
        yield ("success of a slot", success, "", f"1 - (1 - p)^{memory.modes}: modes side by side")
        yield ("clock", state.clock_s, "s", "max(1 / repetition, 2 delays + initialization)")
    else:
        duty = memory.duty
        if state.brightness_hz is not None:
            mean_pairs = state.brightness_hz / memory.repetition_hz
            yield ("pairs per mode", mean_pairs, "", "most ebits per second, at most the source's mean pairs")
        yield ("success of a slot", state.rate_hz * state.clock_s / duty, "", f"{hardware.link_model}, all modes")
        how = "round trip" if hardware.link_model == "sender_receiver" else "1 / repetition + busy share * signal time"
        yield ("clock", state.clock_s, "s", how)
    yield ("link rate", state.rate_hz, "1/s", f"duty {memory.duty:g} * success of a slot / clock: stored pairs")
    yield ("link fidelity", state.fidelity, "", "true heralds, visibility, emission of both memories, drift")


def distilled_rows(state: LinkState, distillation: Distillation) -> Iterator[Row]:
    """Yield what distillation makes of a link.

    >>> state = LinkState(rate_hz=50.0, fidelity=0.97, clock_s=1e-4, arm_ceiling_hz=(1e3, 1e3))
    >>> [row[:2] for row in distilled_rows(state, "bbpssw")]
    [('memory sets per lane', 2), ('distilled rate', 50.0), ('distilled fidelity', 0.97)]
    """
    yield ("memory sets per lane", lanes_taken(distillation), "", f"{distillation}: two pairs make one, per round")
    yield ("distilled rate", state.rate_hz, "1/s", "success of the rounds / (wait for both pairs + travel of outcomes)")
    yield ("distilled fidelity", state.fidelity, "", "with waiting in storage and imperfect gates")


def chain_rows(
    route: tuple[ElementaryLink, ...],
    states: tuple[LinkState, ...],
    hardware: LinkHardware,
    memory: Memory,
    result: RoutePerformance,
) -> Iterator[Row]:
    """Yield what waiting, swaps and storage make of the links; nothing where no pair is ever made."""
    chain = chain_of(route, states, hardware, memory)
    if min(chain.probabilities) == 0.0:
        return
    outcomes = outcomes_of(chain)
    if result.settings.cutoff_slots is not None:
        slots = result.settings.cutoff_slots
        outcomes = {f"thrown away after {slots} slots": cut_off(chain, slots)}
    mean_slots = (1.0 / (result.lane_rate_hz * result.lanes_step) - chain.confirm_s) / chain.slot_s
    taken = min(outcomes, key=lambda name: abs(outcomes[name].mean_slots - mean_slots))
    for number, probability in enumerate(dict.fromkeys(chain.probabilities), 1):
        name = "success per slot" if len(set(chain.probabilities)) == 1 else f"success per slot, {number}"
        yield (name, probability, "", "link rate * clock (the shortest of all links)")
    for name, outcome in outcomes.items():
        mark = ", taken" if len(outcomes) > 1 and name == taken else ""
        yield ("slots to a complete chain", outcome.mean_slots, "", f"mean, {name}{mark}")
    if len(route) > 1:
        yield ("swap results travel", chain.confirm_s, "s", "delay of the whole route")
        pooled_hz = chains.fluid_rate_hz(result.link_rate_hz, memory.swap_probability)
        yield ("pooled memories, per lane", pooled_hz, "1/s", "upper limit for many lanes that share their pairs")
        yield ("Werner parameter of a swap", werner_of_fidelity(memory.swap_fidelity), "", "(4 F - 1) / 3")
    for number, fidelity in enumerate(dict.fromkeys(state.fidelity for state in states), 1):
        name = "Werner parameter of a link" if len({state.fidelity for state in states}) == 1 else f"... link, {number}"
        yield (name, werner_of_fidelity(fidelity), "", "(4 F - 1) / 3")
    fixed = fixed_decay(chain)
    yield ("kept while heralds travel", fixed, "", f"{memory.decay} memories, {memory.coherence_time_s:g} s")
    how = "with waiting for the other links" if len(route) > 1 else "a single link waits for nothing else"
    yield ("kept in storage", outcomes[taken].decay, "", how)
    how = "product of all links, swaps and storage"
    yield ("Werner parameter of the route", werner_of_fidelity(result.fidelity), "", how)


def delivered_rows(result: RoutePerformance) -> Iterator[Row]:
    """Yield what arrives from end to end."""
    yield ("rate", result.lane_rate_hz, "1/s", f"{result.rate_plane} pairs of one lane")
    yield ("fidelity", result.fidelity, "", "(1 + 3 w) / 4")
    yield ("ebits per pair", hashing_ebits(result.fidelity), "", "hashing bound of a Werner pair")
    yield ("ebit rate", result.ebit_rate_hz, "1/s", "rate * ebits per pair")
    yield ("qubit error", min(0.5, qubit_error(result.fidelity)), "", "2 (1 - F) / 3")
    yield ("key rate", result.key_rate_hz, "bit/s", "BBM92, long keys, both bases equally likely")
    yield ("ceiling of the ebit rate", result.ceiling_hz, "1/s", "PLOB bound of the weaker arm * modes per second")
    yield ("latency", result.latency_s, "s", "delay of the whole route")


def _alone_db(end: Termination, item: str) -> float:
    others = {"connector_loss_db", "device_loss_db", "margin_db"} - {item}
    return fiber.arm_loss_db(0.0, end.model_copy(update=dict.fromkeys(others, 0.0)))


def _sides(link: ElementaryLink, values: Sequence[Value]) -> list[tuple[str, Arm, Value]]:
    """Return the arms of a link with what belongs to each; equal arms once, without a name."""
    if link.left == link.right:
        return [("", link.left, values[0])]
    return [(", left", link.left, values[0]), (", right", link.right, values[1])]
