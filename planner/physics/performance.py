"""Performance of a whole route: one verb for the design and for the verification."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from planner.catalog import LinkHardware
from planner.physics import chains
from planner.physics.arguments import within
from planner.physics.arm import NOTHING_SET, Aim, Arm, ElementaryLink, LinkState, Preference, Settings
from planner.physics.delivery import Chain, Delivery, chain_limits, chain_of, delivery, merit, signal_time_s
from planner.physics.distilled_links import distilled_state, lanes_taken
from planner.physics.links import LINK_MODELS
from planner.physics.service import (
    ERROR_CORRECTION_EFFICIENCY,
    hashing_ebits,
    key_share,
    qubit_error,
)
from planner.units import BBM92_SIFTING

__all__ = ["Aim", "Arm", "ElementaryLink", "RoutePerformance", "Settings", "evaluate_route", "has_choices"]


@dataclass(frozen=True, kw_only=True, slots=True)
class RoutePerformance:
    """What one lane of a route delivers from end to end.

    `rate_plane` says what is counted: pairs `detected` at the users, or pairs `stored` and announced. `lane_rate_hz`
    are pairs per second of one lane; several lanes multiply it. `ebit_rate_hz` is the rate times the hashing bound of a
    Werner pair of `fidelity`. `key_rate_hz` are the secret bits per second of BBM92 for long keys, with both bases
    equally likely (half of the pairs are sifted out) and error correction 1.16 times the Shannon limit. `ceiling_hz`
    bounds the ebit rate: the PLOB bound of the weaker arm of each link times its modes per second, minimum over links
    (infinite without loss); `arm_ceiling_hz` has the bound of every arm in order. `latency_s` is the signal time from
    end to end. `link_rate_hz` and `link_fidelity` are those of each link when made (and distilled, of all its
    memories), before storage. `limits` names what lies outside the valid range of a formula. `settings` are what was
    chosen, or given. A distilled route needs lanes in multiples
    of `lanes_step`. `pooled_rate_hz` is what a lane would approach if many lanes pooled their pairs: an upper figure
    beside `lane_rate_hz`.
    """

    rate_plane: Literal["detected", "stored"]
    lane_rate_hz: float
    fidelity: float
    ebit_rate_hz: float
    key_rate_hz: float
    ceiling_hz: float
    arm_ceiling_hz: tuple[float, ...]
    latency_s: float
    link_rate_hz: tuple[float, ...]
    link_fidelity: tuple[float, ...]
    limits: tuple[str, ...]
    settings: Settings
    lanes_step: int
    pooled_rate_hz: float


def evaluate_route(
    links: tuple[ElementaryLink, ...],
    hardware: LinkHardware,
    *,
    min_fidelity: float = 0.25,
    preference: Preference = "ebits",
    settings: Settings | None = None,
) -> RoutePerformance:
    """Return what one lane of a route delivers; every link has the same hardware.

    What can be chosen (`Settings`) is chosen: least fidelity first, then most ebits per second, or with `preference`
    "rate" most pairs per second; `settings` that are given are taken as they are. A pair source (exactly one link) is
    dimmed, if needed, until its pairs have `min_fidelity`. Memory links are swapped as soon as possible. If swaps may
    fail, a chain of 2, 4 or 8 links may also double. Links may be distilled first, and two links have a cut-off, where
    the hardware says so. Mean time: `chains.mean_slots` or `schedules.run_schedule` on
    the shortest clock of the links, plus the signal time of the swap results for two and more links. Werner parameters
    multiply: links, swaps, and storage (herald, waiting, swap results). Multiplexed links use one pair per slot.
    Trusted nodes pass on the key of the weakest link, with all sources set alike: no ebits, and its pairs.
    Exact for links with equal clocks, independent lanes and exponential memories; Gaussian memories are exact for two
    links, and with deterministic swaps for more links whose ends do not store, else the fidelity is a lower bound that
    `limits` names. Raises ValueError for no link, for a pair source with several links, for more than 12 links (8 with
    failing swaps), or a fidelity outside [1/4, 1].
    Source: this package; see each formula.

    >>> from planner.catalog import Detector, Fiber, Memory, Termination
    >>> hardware = LinkHardware(
    ...     link_model="double_click",
    ...     fiber=Fiber(label="x", source="example", wavelength_nm=1550, attenuation_db_per_km=0.2, splice_loss_db=0.0,
    ...         reel_length_km=2.0, slack=1.0, joint_loss_db=0.0, patch_loss_db=0.0, velocity_km_per_s=2e5,
    ...         dispersion_ps_per_nm_km=17.0),
    ...     termination=Termination(label="x", source="example", connector_loss_db=0.0, device_loss_db=0.0,
    ...         margin_db=0.0),
    ...     detector=Detector(label="x", source="example", efficiency=0.8, dark_count_hz=0.0, jitter_ps=50.0,
    ...         dead_time_ns=30.0, detectors=4),
    ...     memory=Memory(label="x", source="example", emission_efficiency=0.5, emission_fidelity=1.0, visibility=0.95,
    ...         modes=1, repetition_hz=1e6, initialization_s=0.0, detection_window_ns=50.0, duty=1.0,
    ...         coherence_time_s=1.0, decay="exponential", swap_probability=1.0, swap_fidelity=0.99, ends_store=False))
    >>> arm = Arm(length_km=5.0, loss_db=1.0)
    >>> route = evaluate_route((ElementaryLink(left=arm, right=arm),) * 2, hardware)
    >>> [round(rate_hz, 1) for rate_hz in route.link_rate_hz], round(route.lane_rate_hz, 1), round(route.fidelity, 4)
    ([1009.5, 1009.5], 635.7, 0.9408)
    """
    if not links:
        raise ValueError("a route has at least one link, got none")
    within("min_fidelity", min_fidelity, 0.25, 1.0)
    if hardware.trusted_nodes and len(links) > 1:
        return _relayed(links, hardware, min_fidelity, preference, settings)
    if hardware.memory is None and len(links) > 1:
        raise ValueError(f"a pair source without memory spans one link, got {len(links)}")
    aim = Aim(min_fidelity=min_fidelity, preference=preference)
    if settings is not None:
        aim = replace(aim, settings=settings, is_fixed=True)
        found = _try(links, _made(links, hardware, aim), hardware, aim, may_cut_off=settings.cutoff_slots is not None)
        return _performance(links, hardware, found)
    made: dict[float | None, tuple[LinkState, ...]] = {}
    tries: list[_Try] = []
    for tried, may_cut_off in _choices(hardware, len(links)):
        of_choice = replace(aim, settings=tried)
        if tried.bright_state not in made:
            made[tried.bright_state] = _made(links, hardware, of_choice)
        tries.append(_try(links, made[tried.bright_state], hardware, of_choice, may_cut_off=may_cut_off))
    best = tries[0] if len(tries) == 1 else max(tries, key=lambda item: item.merit(aim))
    return _performance(links, hardware, best)


def _relayed(
    links: tuple[ElementaryLink, ...],
    hardware: LinkHardware,
    min_fidelity: float,
    preference: Preference,
    settings: Settings | None,
) -> RoutePerformance:
    """Return what a route over trusted nodes delivers: of the settings that are best for one link, the best for all."""
    alone = [evaluate_route((link,), hardware, min_fidelity=min_fidelity, preference=preference) for link in links]
    tried = dict.fromkeys(part.settings for part in alone) if settings is None else (settings,)
    found = [
        _weakest(
            links,
            hardware,
            [evaluate_route((link,), hardware, min_fidelity=min_fidelity, settings=chosen) for link in links],
        )
        for chosen in tried
    ]
    by_pairs = preference == "rate"
    return max(
        found,
        key=lambda item: (item.fidelity >= min_fidelity, item.lane_rate_hz if by_pairs else item.key_rate_hz),
    )


def _weakest(
    links: tuple[ElementaryLink, ...], hardware: LinkHardware, parts: list[RoutePerformance]
) -> RoutePerformance:
    """Return links that make key side by side as one route: the key of the weakest, and no pairs from end to end."""
    own = [f"link {n}: {limit.partition(': ')[2]}" for n, part in enumerate(parts, 1) for limit in part.limits]
    relay = (
        f"route: trusted nodes ({len(links) - 1}) know the key and pass it on; no pairs are shared from end to end, "
        "rate and fidelity are those of the weakest link"
    )
    return replace(
        parts[0],
        lane_rate_hz=min(part.lane_rate_hz for part in parts),
        fidelity=min(part.fidelity for part in parts),
        ebit_rate_hz=0.0,
        key_rate_hz=min(part.key_rate_hz for part in parts),
        ceiling_hz=min(part.ceiling_hz for part in parts),
        arm_ceiling_hz=tuple(arm for part in parts for arm in part.arm_ceiling_hz),
        latency_s=signal_time_s(links, hardware),
        link_rate_hz=tuple(part.link_rate_hz[0] for part in parts),
        link_fidelity=tuple(part.link_fidelity[0] for part in parts),
        limits=(*own, relay),
        pooled_rate_hz=min(part.pooled_rate_hz for part in parts),
    )


def has_choices(hardware: LinkHardware) -> bool:
    """Return whether anything can be set for most pairs instead of most ebits."""
    memory = hardware.memory
    return memory is None or bool(memory.bright_states or hardware.distillations) or hardware.cutoff


def _choices(hardware: LinkHardware, links: int) -> Iterator[tuple[Settings, bool]]:
    """Yield every combination of what can be chosen ahead, and whether a cut-off may be looked for."""
    memory = hardware.memory
    if memory is None:
        yield NOTHING_SET, False
        return
    bright_states = memory.bright_states if hardware.link_model == "single_click" else ()
    may_distil = memory.decay == "exponential"
    for bright_state in bright_states or (None,):
        for distillation in (None, *(hardware.distillations if may_distil else ())):
            yield Settings(bright_state=bright_state, distillation=distillation), hardware.cutoff and links == 2


@dataclass(frozen=True, kw_only=True, slots=True)
class _Try:
    """What a route delivers with some settings, in pairs of all sets of memories together; a chain if it has any."""

    states: tuple[LinkState, ...]
    chain: Chain | None
    delivered: Delivery
    settings: Settings

    def merit(self, aim: Aim) -> tuple[float, float, float, float]:
        """Return what the settings are judged by: a distilled lane takes several sets of memories."""
        lane_rate_hz = self.delivered.rate_hz / lanes_taken(self.settings.distillation)
        return merit(lane_rate_hz, self.delivered.fidelity, aim)


def _made(links: tuple[ElementaryLink, ...], hardware: LinkHardware, aim: Aim) -> tuple[LinkState, ...]:
    model = LINK_MODELS[hardware.link_model]
    return tuple(model(link, hardware, aim) for link in links)


def _try(
    links: tuple[ElementaryLink, ...],
    states: tuple[LinkState, ...],
    hardware: LinkHardware,
    aim: Aim,
    *,
    may_cut_off: bool,
) -> _Try:
    """Return what comes of the links as made with what is set, the rest chosen for the aim."""
    distillation = aim.settings.distillation
    if distillation is not None:
        pairs = zip(states, links, strict=True)
        states = tuple(distilled_state(state, link, hardware, distillation) for state, link in pairs)
    if hardware.memory is None:
        detected = Delivery(rate_hz=states[0].rate_hz, fidelity=states[0].fidelity)
        return _Try(states=states, chain=None, delivered=detected, settings=aim.settings)
    chain = chain_of(links, states, hardware, hardware.memory)
    found = delivery(states, chain, aim, may_cut_off=may_cut_off)
    return _Try(states=states, chain=chain, delivered=found, settings=aim.settings)


def _performance(links: tuple[ElementaryLink, ...], hardware: LinkHardware, found: _Try) -> RoutePerformance:
    states, settings = found.states, found.settings
    step = lanes_taken(settings.distillation)
    rate_hz, fidelity = found.delivered.rate_hz / step, found.delivered.fidelity
    ebit_rate_hz = rate_hz * hashing_ebits(fidelity)
    ceiling_hz = min(state.ceiling_hz for state in states) / step
    error = min(0.5, qubit_error(fidelity))
    is_detected = found.chain is None
    pooled_hz = found.delivered.rate_hz
    if hardware.memory is not None:
        pooled_hz = chains.fluid_rate_hz([state.rate_hz for state in states], hardware.memory.swap_probability)
    return RoutePerformance(
        rate_plane=hardware.rate_plane,
        lane_rate_hz=rate_hz,
        fidelity=fidelity,
        ebit_rate_hz=ebit_rate_hz,
        key_rate_hz=rate_hz * key_share(error, error, BBM92_SIFTING, ERROR_CORRECTION_EFFICIENCY),
        ceiling_hz=ceiling_hz,
        arm_ceiling_hz=tuple(arm_hz / step for state in states for arm_hz in state.arm_ceiling_hz),
        latency_s=signal_time_s(links, hardware),
        link_rate_hz=tuple(state.rate_hz for state in states),
        link_fidelity=tuple(state.fidelity for state in states),
        limits=tuple(_limits(found, ebit_rate_hz, ceiling_hz)),
        settings=replace(
            settings,
            brightness_hz=states[0].brightness_hz if is_detected else None,
            window_ps=states[0].window_ps,
            cutoff_slots=found.delivered.cutoff_slots,
        ),
        lanes_step=step,
        pooled_rate_hz=pooled_hz / step,
    )


def _limits(found: _Try, ebit_rate_hz: float, ceiling_hz: float) -> Iterator[str]:
    """Yield what lies outside the range of a formula, link by link and for the route."""
    for number, state in enumerate(found.states, 1):
        yield from (f"link {number}: {limit}" for limit in state.limits)
    if found.chain is not None:
        yield from chain_limits(found.states, found.chain)
    fidelity = found.delivered.fidelity
    if fidelity <= 0.5:
        yield f"route: fidelity {fidelity:.4f} is not above 1/2, so that no entanglement is sure"
    if ebit_rate_hz > ceiling_hz:
        yield f"route: {ebit_rate_hz:.6g} ebits per second exceed the physical bound {ceiling_hz:.6g}"
