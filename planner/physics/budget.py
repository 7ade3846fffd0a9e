"""The budget of one link or chain, step by step, so that an engineer can follow it by hand.

Nothing is computed here in a way of its own: every step is asked of the function that `evaluate_route` uses.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from planner.catalog import Fiber, LinkHardware, Memory, PairSource, Termination
from planner.physics import chains, fiber, heralded, links, pair_source, performance
from planner.physics.arguments import at_least
from planner.physics.links import LINK_MODELS, Arm, ElementaryLink, LinkState
from planner.physics.performance import RoutePerformance, evaluate_route
from planner.physics.service import hashing_ebits, qubit_error, werner_of_fidelity

_Row = tuple[str, float, str, str]
"""Name, value, unit and explanation of a step."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One line of a budget: what it is, its value and unit (empty for a share), and how it follows from the others."""

    part: str
    name: str
    value: float
    unit: str
    how: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Budget:
    """All steps of a route of equal links, and what they come to."""

    steps: tuple[Step, ...]
    performance: RoutePerformance


@dataclass(frozen=True, kw_only=True, slots=True)
class CurvePoint:
    """What one lane delivers over a route of `length_km`."""

    length_km: float
    performance: RoutePerformance


def equal_links(
    length_km: float, count: int, glass: Fiber, *, loss_db: float | None = None
) -> tuple[ElementaryLink, ...]:
    """Return `count` equal links, each with its station in the middle, along a route of `length_km`.

    The loss is that of fiber without joints or patches, or `loss_db`, measured over the whole route. Raises ValueError
    for a negative length or loss, or less than one link.

    >>> glass = Fiber(label="x", source="example", wavelength_nm=1550, attenuation_db_per_km=0.4, splice_loss_db=0.0,
    ...     reel_length_km=2.0, slack=1.0, joint_loss_db=0.0, patch_loss_db=0.0, velocity_km_per_s=2e5,
    ...     dispersion_ps_per_nm_km=17.0)
    >>> equal_links(40.0, 2, glass)[0].left
    Arm(length_km=10.0, loss_db=4.0, noise_hz=0.0)
    """
    arms = 2 * int(at_least("count", count, 1))
    arm_km = at_least("length_km", length_km, 0.0) / arms
    arm_db = fiber.span_loss_db(arm_km, glass) if loss_db is None else at_least("loss_db", loss_db, 0.0) / arms
    arm = Arm(length_km=fiber.optical_length_km(arm_km, glass), loss_db=arm_db)
    return (ElementaryLink(left=arm, right=arm),) * count


def route_budget(
    length_km: float, count: int, hardware: LinkHardware, *, loss_db: float | None = None, min_fidelity: float = 0.25
) -> Budget:
    """Return the budget of a route of `count` equal links over `length_km` of fiber, for one lane.

    `loss_db`, if given, was measured over the whole route and replaces the loss model of the fiber. Raises ValueError
    for what `evaluate_route` refuses.
    """
    route = equal_links(length_km, count, hardware.fiber, loss_db=loss_db)
    result = evaluate_route(route, hardware, min_fidelity=min_fidelity)
    state = LINK_MODELS[hardware.link_model](route[0], hardware, min_fidelity)
    rows: dict[str, Iterator[_Row]] = {}
    rows["arm"] = _arm_rows(length_km / (2 * count), route[0].left, hardware, measured=loss_db is not None)
    if hardware.pair_source is not None:
        rows["link"] = _source_rows(route[0], hardware, hardware.pair_source, state, min_fidelity)
    if hardware.memory is not None:
        rows["link"] = _memory_rows(route[0], hardware, hardware.memory, state)
        rows["chain"] = _chain_rows(route, state, hardware, hardware.memory, result)
    rows["delivered"] = _delivered_rows(result)
    steps = (
        Step(part=part, name=name, value=value, unit=unit, how=how)
        for part, lines in rows.items()
        for name, value, unit, how in lines
    )
    return Budget(steps=tuple(steps), performance=result)


def rate_curve(
    lengths_km: Sequence[float],
    count: int,
    hardware: LinkHardware,
    *,
    loss_db_per_km: float | None = None,
    min_fidelity: float = 0.25,
) -> tuple[CurvePoint, ...]:
    """Return what routes of these lengths deliver, each of `count` equal links.

    `loss_db_per_km`, if given, replaces the loss model of the fiber. Raises ValueError as `route_budget` does.
    """
    points = []
    for length_km in lengths_km:
        loss_db = None if loss_db_per_km is None else loss_db_per_km * length_km
        route = equal_links(length_km, count, hardware.fiber, loss_db=loss_db)
        result = evaluate_route(route, hardware, min_fidelity=min_fidelity)
        points.append(CurvePoint(length_km=length_km, performance=result))
    return tuple(points)


def _arm_rows(arm_km: float, arm: Arm, hardware: LinkHardware, *, measured: bool) -> Iterator[_Row]:
    """Yield the loss of an arm item by item; the loss of an item is that of an arm that has nothing else."""
    glass, end = hardware.fiber, hardware.termination

    yield ("route length", arm_km, "km", "length / (2 links)")
    yield ("length of the glass", arm.length_km, "km", f"route length * slack {glass.slack:g}")
    if measured:
        yield ("fiber, measured", arm.loss_db, "dB", "measured loss / (2 links)")
    else:
        plain_db = fiber.span_loss_db(arm_km, glass.model_copy(update={"splice_loss_db": 0.0}))
        yield ("fiber", plain_db, "dB", f"{glass.attenuation_db_per_km:g} dB/km * length of the glass")
        how = f"{glass.splice_loss_db:g} dB every {glass.reel_length_km:g} km of glass"
        yield ("splices", arm.loss_db - plain_db, "dB", how)
    yield ("connectors", _alone_db(end, "connector_loss_db"), "dB", f"2 * {end.connector_loss_db:g} dB")
    yield ("devices", _alone_db(end, "device_loss_db"), "dB", "filter, compensation, switch, analyser")
    yield ("margin", _alone_db(end, "margin_db"), "dB", "ageing and repair splices")
    loss_db = fiber.arm_loss_db(arm.loss_db, end)
    yield ("loss of the arm", loss_db, "dB", "sum")
    yield ("transmittance", fiber.transmittance(loss_db), "", "10^(-loss / 10)")
    yield ("delay", fiber.delay_s(arm.length_km, glass.velocity_km_per_s), "s", "length of the glass / velocity")


def _alone_db(end: Termination, item: str) -> float:
    others = {"connector_loss_db", "device_loss_db", "margin_db"} - {item}
    return fiber.arm_loss_db(0.0, end.model_copy(update=dict.fromkeys(others, 0.0)))


def _source_rows(
    link: ElementaryLink, hardware: LinkHardware, source: PairSource, state: LinkState, min_fidelity: float
) -> Iterator[_Row]:
    """Yield the way from a pair source to coincidences; both arms are equal."""
    user = links._receiver(link.left, hardware, source)
    width_ps = links._timing_width_ps(link, hardware, source)
    window_s = state.clock_s
    share = fiber.window_share(window_s * 1e12, width_ps)

    def pairs_at(brightness_hz: float) -> pair_source.Coincidences:
        return pair_source.coincidences(
            brightness_hz,
            user,
            user,
            window_s=window_s,
            window_share=share,
            polarization_error=source.polarization_error,
        )

    cap_hz = min(source.max_brightness_hz, source.max_mean_pairs / window_s)
    bright_hz = pair_source.best_brightness_hz(pairs_at, max_brightness_hz=cap_hz, min_fidelity=min_fidelity)
    incident_hz = bright_hz * user.efficiency + user.noise_hz
    awake = pair_source.awake_share(incident_hz, user)
    clicks_hz = incident_hz * awake
    pairs = pairs_at(bright_hz)
    noise = pair_source.shared_coincidences(
        0.0, clicks_hz, clicks_hz, window_s=window_s, window_share=share, polarization_error=0.0
    )
    glass = hardware.fiber
    spread_ps = fiber.dispersion_width_ps(link.left.length_km, glass.dispersion_ps_per_nm_km, source.bandwidth_nm)

    yield ("source to click", user.efficiency, "", "coupling * transmittance * detector efficiency, per user")
    yield ("noise clicks", user.noise_hz, "1/s", "dark counts of all detectors of a user, and background")
    yield ("dispersion", spread_ps, "ps", "|D| * length of the glass * bandwidth, per arm")
    yield ("timing width", width_ps, "ps", "root of squares: 2 detectors, synchronization, 2 dispersions")
    yield ("window", window_s * 1e12, "ps", f"{source.window_per_jitter:g} * timing width")
    yield ("pairs inside the window", share, "", "erf(sqrt(ln 2) * window / width)")
    yield ("largest brightness", cap_hz, "1/s", f"device limit, or {source.max_mean_pairs:g} pairs per window")
    yield ("brightness", bright_hz, "1/s", "most ebits per second, dimmed if the least fidelity asks for it")
    yield ("live share of detectors", awake, "", "1 / (1 + clicks * dead time / detectors)")
    yield ("clicks of a user", clicks_hz, "1/s", "(brightness * source to click + noise) * live share")
    yield ("true coincidences", pairs.rate_hz - noise.rate_hz, "1/s", "brightness * (source to click * live)^2 * share")
    yield ("accidental coincidences", noise.rate_hz, "1/s", "clicks^2 * window")
    yield ("error", pairs.error, "", f"({source.polarization_error:g} * true + accidental / 2) / all")
    yield ("link rate", state.rate_hz, "1/s", "true + accidental: detected pairs")
    yield ("link fidelity", state.fidelity, "", "(1 + 3 (1 - 2 error)) / 4")


def _memory_rows(link: ElementaryLink, hardware: LinkHardware, memory: Memory, state: LinkState) -> Iterator[_Row]:
    """Yield the way from an attempt to the rate and fidelity of a heralded link; both arms are equal."""
    click = links._emission_to_click(link.left, hardware, memory)
    dark = links._dark_probability(link, hardware, memory)
    herald = _herald(click, dark, hardware, memory)
    success = heralded.multiplexed_probability(herald.probability, memory.modes)

    yield ("emission to click", click, "", "emission * transmittance * detector efficiency, per arm")
    yield ("noise click", dark, "", "per detector and window: 1 - exp(-(dark counts + background) * window)")
    yield ("success of an attempt", herald.probability, "", f"{hardware.link_model}: true and false heralds")
    yield ("success of a slot", success, "", f"1 - (1 - p)^{memory.modes}: modes side by side")
    yield ("clock", state.clock_s, "s", "max(1 / repetition, 2 delays + initialization)")
    yield ("link rate", state.rate_hz, "1/s", f"duty {memory.duty:g} * success of a slot / clock: stored pairs")
    yield ("link fidelity", state.fidelity, "", "true heralds, visibility, emission of both memories")


def _herald(click: float, dark: float, hardware: LinkHardware, memory: Memory) -> heralded.Herald:
    if hardware.link_model == "double_click":
        return heralded.double_click(
            click,
            click,
            dark_probability=dark,
            visibility=memory.visibility,
            emission_fidelity=memory.emission_fidelity,
        )
    return heralded.single_click(
        click,
        click,
        bright_state=memory.bright_state,
        dark_probability=dark,
        visibility=memory.visibility,
        phase_error_rad=memory.phase_error_rad,
        emission_fidelity=memory.emission_fidelity,
    )


def _chain_rows(
    route: tuple[ElementaryLink, ...],
    state: LinkState,
    hardware: LinkHardware,
    memory: Memory,
    result: RoutePerformance,
) -> Iterator[_Row]:
    """Yield what waiting, swaps and storage make of the links; nothing where no pair is ever made."""
    chain = performance._chain(route, (state,) * len(route), hardware, memory)
    if min(chain.probabilities) == 0.0:
        return

    outcomes = {"swaps as soon as possible": performance._asap(chain)}
    if memory.swap_probability < 1.0 and performance._can_nest(chain):
        outcomes["doubling"] = performance._nested(chain)
    slots = (1.0 / result.lane_rate_hz - chain.confirm_s) / chain.slot_s
    taken = min(outcomes, key=lambda name: abs(outcomes[name].mean_slots - slots))
    yield ("success per slot", chain.probabilities[0], "", "link rate * clock")
    for name, outcome in outcomes.items():
        mark = ", taken" if len(outcomes) > 1 and name == taken else ""
        yield ("slots to a complete chain", outcome.mean_slots, "", f"mean, {name}{mark}")
    if len(route) > 1:
        yield ("swap results travel", chain.confirm_s, "s", "delay of the whole route")
        pooled_hz = chains.fluid_rate_hz(result.link_rate_hz, memory.swap_probability)
        yield ("pooled memories, per lane", pooled_hz, "1/s", "upper limit for many lanes that share their pairs")
        yield ("Werner parameter of a swap", werner_of_fidelity(memory.swap_fidelity), "", "(4 F - 1) / 3")
    yield ("Werner parameter of a link", werner_of_fidelity(state.fidelity), "", "(4 F - 1) / 3")
    fixed = performance._fixed_decay(chain)
    yield ("kept while heralds travel", fixed, "", f"{memory.decay} memories, {memory.coherence_time_s:g} s")
    how = "with waiting for the other links" if len(route) > 1 else "a single link waits for nothing else"
    yield ("kept in storage", outcomes[taken].decay, "", how)
    how = "product of all links, swaps and storage"
    yield ("Werner parameter of the route", werner_of_fidelity(result.fidelity), "", how)


def _delivered_rows(result: RoutePerformance) -> Iterator[_Row]:
    yield ("rate", result.lane_rate_hz, "1/s", f"{result.rate_plane} pairs of one lane")
    yield ("fidelity", result.fidelity, "", "(1 + 3 w) / 4")
    yield ("ebits per pair", hashing_ebits(result.fidelity), "", "hashing bound of a Werner pair")
    yield ("ebit rate", result.ebit_rate_hz, "1/s", "rate * ebits per pair")
    yield ("qubit error", min(0.5, qubit_error(result.fidelity)), "", "2 (1 - F) / 3")
    yield ("key rate", result.key_rate_hz, "bit/s", "BBM92, long keys, both bases equally likely")
    yield ("ceiling of the ebit rate", result.ceiling_hz, "1/s", "PLOB bound of the weaker arm * modes per second")
    yield ("latency", result.latency_s, "s", "delay of the whole route")
