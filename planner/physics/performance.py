"""Performance of a whole route: one verb for the design and for the verification."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from planner.catalog import LinkHardware, Memory
from planner.physics import chains, gaussian, schedules
from planner.physics.arguments import within
from planner.physics.fiber import delay_s
from planner.physics.links import LINK_MODELS, Arm, ElementaryLink, LinkState
from planner.physics.memory import retention
from planner.physics.service import (
    BBM92_SIFTING,
    ERROR_CORRECTION_EFFICIENCY,
    fidelity_of_werner,
    hashing_ebits,
    key_share,
    qubit_error,
    werner_of_fidelity,
)

__all__ = ["Arm", "ElementaryLink", "RoutePerformance", "evaluate_route"]

TRUSTED_LINKS = 8
"""Number of links up to which the chain model is checked against published values."""
TRUSTED_UNEQUAL_PROBABILITY = 0.1
"""Success per slot up to which unequal clocks cost less than 2 % of accuracy."""
_CLOCK_TOLERANCE = 1e-9


@dataclass(frozen=True, kw_only=True, slots=True)
class RoutePerformance:
    """What one lane of a route delivers from end to end.

    `rate_plane` says what is counted: pairs `detected` at the users, or pairs `stored` and announced. `lane_rate_hz`
    are pairs per second of one lane; several lanes multiply it. `ebit_rate_hz` is the rate times the hashing bound of a
    Werner pair of `fidelity`. `key_rate_hz` are the secret bits per second of BBM92 for long keys, with both bases
    equally likely (half of the pairs are sifted out) and error correction 1.16 times the Shannon limit. `ceiling_hz`
    bounds the ebit rate: the PLOB bound of the weaker arm of each link times its modes per second, minimum over links
    (infinite without loss). `latency_s` is the signal time from end to end. `link_rate_hz` and `link_fidelity` are
    those of each link when made, before storage. `limits` names what lies outside the valid range of a formula.
    """

    rate_plane: Literal["detected", "stored"]
    lane_rate_hz: float
    fidelity: float
    ebit_rate_hz: float
    key_rate_hz: float
    ceiling_hz: float
    latency_s: float
    link_rate_hz: tuple[float, ...]
    link_fidelity: tuple[float, ...]
    limits: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Chain:
    """A memory chain in common slots, and the seconds that qubits idle in any case, in order along the route.

    `idle_s` has two entries per link: its left and right qubit, while the photon travels and the herald returns, and at
    stored ends also while the swap results arrive; None for an end qubit that is measured at once.
    """

    memory: Memory
    slot_s: float
    probabilities: tuple[float, ...]
    idle_s: tuple[float | None, ...]
    confirm_s: float

    @property
    def slot_share(self) -> float:
        """Slot in coherence times."""
        return self.slot_s / self.memory.coherence_time_s

    @property
    def idle_shares(self) -> tuple[float | None, ...]:
        """Unavoidable idle time of each qubit in coherence times."""
        return tuple(None if idle is None else idle / self.memory.coherence_time_s for idle in self.idle_s)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Delivery:
    """Rate and fidelity of a chain under one schedule."""

    rate_hz: float
    fidelity: float

    @property
    def merit(self) -> tuple[float, float, float]:
        """Ebits per second first, then fidelity, then pairs per second."""
        return (self.rate_hz * hashing_ebits(self.fidelity), self.fidelity, self.rate_hz)


def evaluate_route(
    links: tuple[ElementaryLink, ...], hardware: LinkHardware, *, min_fidelity: float = 0.25
) -> RoutePerformance:
    """Return what one lane of a route delivers; every link has the same hardware.

    A pair source (exactly one link) is dimmed, if needed, until its pairs have `min_fidelity`; other links ignore it.
    Memory links are heralded in the middle and swapped as soon as possible. If swaps may fail, a chain of 2, 4 or 8
    links may also double, whichever gives more ebits. Mean time: `chains.mean_slots` or `schedules.run_schedule` on
    the shortest clock of the links, plus the signal time of the swap results for two and more links. Werner parameters
    multiply: links, swaps, and storage (herald, waiting, swap results). Multiplexed links use one pair per slot.
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
    states = tuple(LINK_MODELS[hardware.link_model](link, hardware, min_fidelity) for link in links)
    limits = [f"link {number}: {limit}" for number, state in enumerate(states, 1) for limit in state.limits]
    if hardware.memory is None:
        if len(links) > 1:
            raise ValueError(f"a pair source without memory spans one link, got {len(links)}")
        delivery = _Delivery(rate_hz=states[0].rate_hz, fidelity=states[0].fidelity)
    else:
        chain = _chain(links, states, hardware, hardware.memory)
        delivery = _delivery(states, chain)
        limits += _chain_limits(states, chain)
    return _performance(links, states, hardware, delivery, limits)


def _performance(
    links: tuple[ElementaryLink, ...],
    states: tuple[LinkState, ...],
    hardware: LinkHardware,
    delivery: _Delivery,
    limits: list[str],
) -> RoutePerformance:
    ebit_rate_hz = delivery.rate_hz * hashing_ebits(delivery.fidelity)
    ceiling_hz = min(state.ceiling_hz for state in states)
    error = min(0.5, qubit_error(delivery.fidelity))
    if delivery.fidelity <= 0.5:
        limits.append(f"route: fidelity {delivery.fidelity:.4f} is not above 1/2, so that no entanglement is sure")
    if ebit_rate_hz > ceiling_hz:
        limits.append(f"route: {ebit_rate_hz:.6g} ebits per second exceed the physical bound {ceiling_hz:.6g}")
    return RoutePerformance(
        rate_plane=hardware.rate_plane,
        lane_rate_hz=delivery.rate_hz,
        fidelity=delivery.fidelity,
        ebit_rate_hz=ebit_rate_hz,
        key_rate_hz=delivery.rate_hz * key_share(error, error, BBM92_SIFTING, ERROR_CORRECTION_EFFICIENCY),
        ceiling_hz=ceiling_hz,
        latency_s=_signal_time_s(links, hardware),
        link_rate_hz=tuple(state.rate_hz for state in states),
        link_fidelity=tuple(state.fidelity for state in states),
        limits=tuple(limits),
    )


def _signal_time_s(links: tuple[ElementaryLink, ...], hardware: LinkHardware) -> float:
    length_km = sum(link.left.length_km + link.right.length_km for link in links)
    return delay_s(length_km, hardware.fiber.velocity_km_per_s)


def _chain(
    links: tuple[ElementaryLink, ...], states: tuple[LinkState, ...], hardware: LinkHardware, memory: Memory
) -> _Chain:
    """Return the chain in common slots; a qubit idles twice its arm's delay until its herald arrives."""
    slot_s, probabilities = chains.common_slots(
        [state.rate_hz for state in states], [state.clock_s for state in states]
    )
    confirm_s = _signal_time_s(links, hardware) if len(links) > 1 else 0.0
    velocity = hardware.fiber.velocity_km_per_s
    idle_s: list[float | None] = [
        2.0 * delay_s(arm.length_km, velocity) for link in links for arm in (link.left, link.right)
    ]
    for end in (0, -1):
        herald_s = idle_s[end]
        idle_s[end] = herald_s + confirm_s if memory.ends_store and herald_s is not None else None
    return _Chain(memory=memory, slot_s=slot_s, probabilities=probabilities, idle_s=tuple(idle_s), confirm_s=confirm_s)


def _delivery(states: tuple[LinkState, ...], chain: _Chain) -> _Delivery:
    """Return rate and fidelity under the better schedule."""
    swap_werner = werner_of_fidelity(chain.memory.swap_fidelity)
    made = math.prod(werner_of_fidelity(state.fidelity) for state in states) * swap_werner ** (len(states) - 1)
    if min(chain.probabilities) == 0.0:
        return _Delivery(rate_hz=0.0, fidelity=0.25)
    outcomes = [_asap(chain)]
    if chain.memory.swap_probability < 1.0 and _can_nest(chain):
        outcomes.append(_nested(chain))
    deliveries = [
        _Delivery(
            rate_hz=1.0 / (outcome.mean_slots * chain.slot_s + chain.confirm_s),
            fidelity=fidelity_of_werner(made * outcome.decay),
        )
        for outcome in outcomes
    ]
    return max(deliveries, key=lambda delivery: delivery.merit)


def _can_nest(chain: _Chain) -> bool:
    """Return whether doubling is another schedule than swapping as soon as possible, and its storage is exact."""
    links = len(chain.probabilities)
    return links > 2 and links & (links - 1) == 0 and chain.memory.decay == "exponential"


def _asap(chain: _Chain) -> schedules.ChainOutcome:
    """Return mean slots and storage decay of a chain that swaps as soon as possible."""
    swap_probability = chain.memory.swap_probability
    links = len(chain.probabilities)
    if swap_probability < 1.0 and links > 2:
        if chain.memory.decay == "exponential":
            return _exponential(chain, "asap")
        slots = schedules.run_schedule(chain.probabilities, swap_probability, "asap").mean_slots
    else:
        # Two links that start anew after a failed swap: every try has the same waits as the one that succeeds.
        slots = chains.mean_slots(chain.probabilities) / (swap_probability if links == 2 else 1.0)
        if chain.memory.decay == "exponential":
            waiting = chains.waiting_decay(chain.probabilities, chain.slot_share, _end_share(chain))
            return schedules.ChainOutcome(mean_slots=slots, decay=waiting * _fixed_decay(chain))
    return schedules.ChainOutcome(mean_slots=slots, decay=_gaussian_decay(chain, slots))


def _nested(chain: _Chain) -> schedules.ChainOutcome:
    """Return mean slots and storage decay of a chain that doubles."""
    return _exponential(chain, "nested")


def _exponential(chain: _Chain, schedule: schedules.Schedule) -> schedules.ChainOutcome:
    outcome = schedules.run_schedule(
        chain.probabilities, chain.memory.swap_probability, schedule, chain.slot_share, _end_share(chain)
    )
    return schedules.ChainOutcome(mean_slots=outcome.mean_slots, decay=outcome.decay * _fixed_decay(chain))


def _end_share(chain: _Chain) -> float:
    return chain.slot_share if chain.memory.ends_store else 0.0


def _fixed_decay(chain: _Chain) -> float:
    """Return the decay by idle times that no luck shortens."""
    memory = chain.memory
    return math.prod(
        retention(idle_s, memory.coherence_time_s, memory.decay) for idle_s in chain.idle_s if idle_s is not None
    )


def _gaussian_decay(chain: _Chain, mean_slots: float) -> float:
    """Return the storage decay of Gaussian memories, exact where `_is_bound` says no, else a safe low value."""
    links = len(chain.probabilities)
    if links == 1:
        return _fixed_decay(chain)
    idle = [share or 0.0 for share in chain.idle_shares]
    inner_idle = tuple((idle[2 * link + 1], idle[2 * link + 2]) for link in range(links - 1))
    end_idle = (idle[0], idle[-1]) if chain.memory.ends_store else None
    if _is_bound(chain):
        return gaussian.decay_bound(
            chain.probabilities,
            chain.slot_share,
            mean_total_slots=mean_slots,
            inner_idle=inner_idle,
            end_idle=end_idle,
        )
    return gaussian.waiting_decay(chain.probabilities, chain.slot_share, inner_idle=inner_idle, end_idle=end_idle)


def _is_bound(chain: _Chain) -> bool:
    memory = chain.memory
    failing_or_held = memory.swap_probability < 1.0 or memory.ends_store
    return memory.decay == "gaussian" and len(chain.probabilities) > 2 and failing_or_held


def _chain_limits(states: tuple[LinkState, ...], chain: _Chain) -> list[str]:
    limits = []
    links = len(states)
    if links > TRUSTED_LINKS:
        limits.append(f"route: {links} links exceed the {TRUSTED_LINKS} for which the chain model is checked")
    slowest_s = max(state.clock_s for state in states)
    likely = max(state.rate_hz * state.clock_s for state in states) > TRUSTED_UNEQUAL_PROBABILITY
    if likely and slowest_s > chain.slot_s * (1.0 + _CLOCK_TOLERANCE):
        limits.append("route: link clocks differ and attempts succeed often, so that the rate is some percent low")
    if _is_bound(chain):
        limits.append("route: Gaussian memories over three or more links; the fidelity is a lower bound")
    return limits
