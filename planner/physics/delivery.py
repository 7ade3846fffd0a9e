"""What a chain of memory links delivers: waiting, swaps and storage, under the better of the schedules it can run."""

from __future__ import annotations

import math
from dataclasses import dataclass

from planner.catalog import LinkHardware, Memory
from planner.physics import chains, gaussian, schedules
from planner.physics.arm import Aim, ElementaryLink, LinkState
from planner.physics.cutoff import best_cutoff_slots, longest_cutoff_slots, two_links_with_cutoff
from planner.physics.fiber import delay_s
from planner.physics.memory import retention
from planner.physics.service import fidelity_of_werner, hashing_ebits, werner_of_fidelity

TRUSTED_LINKS = 8
"""Number of links up to which the chain model is checked against published values."""
TRUSTED_UNEQUAL_PROBABILITY = 0.1
"""Success per slot up to which unequal clocks cost less than 2 % of accuracy."""
_CLOCK_TOLERANCE = 1e-9


@dataclass(frozen=True, kw_only=True, slots=True)
class Chain:
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
class Delivery:
    """Rate and fidelity of a chain under one schedule, and the cut-off that it runs with."""

    rate_hz: float
    fidelity: float
    cutoff_slots: int | None = None

    @property
    def merit(self) -> tuple[float, float, float]:
        """Ebits per second first, then fidelity, then pairs per second."""
        return (self.rate_hz * hashing_ebits(self.fidelity), self.fidelity, self.rate_hz)


def signal_time_s(links: tuple[ElementaryLink, ...], hardware: LinkHardware) -> float:
    """Return the time in seconds that light needs from end to end."""
    length_km = sum(link.left.length_km + link.right.length_km for link in links)
    return delay_s(length_km, hardware.fiber.velocity_km_per_s)


def chain_of(
    links: tuple[ElementaryLink, ...], states: tuple[LinkState, ...], hardware: LinkHardware, memory: Memory
) -> Chain:
    """Return the chain in common slots; an end qubit that is measured at once does not idle."""
    slot_s, probabilities = chains.common_slots(
        [state.rate_hz for state in states], [state.clock_s for state in states]
    )
    confirm_s = signal_time_s(links, hardware) if len(links) > 1 else 0.0
    idle_s: list[float | None] = [idle for state in states for idle in state.idle_s]
    for end in (0, -1):
        herald_s = idle_s[end]
        idle_s[end] = herald_s + confirm_s if memory.ends_store and herald_s is not None else None
    return Chain(memory=memory, slot_s=slot_s, probabilities=probabilities, idle_s=tuple(idle_s), confirm_s=confirm_s)


def delivery(states: tuple[LinkState, ...], chain: Chain, aim: Aim, *, may_cut_off: bool) -> Delivery:
    """Return rate and fidelity under the schedule that is best for the aim.

    Swaps as soon as possible; doubling, where swaps may fail; two links with a cut-off where `may_cut_off`.
    """
    swap_werner = werner_of_fidelity(chain.memory.swap_fidelity)
    made = math.prod(werner_of_fidelity(state.fidelity) for state in states) * swap_werner ** (len(states) - 1)
    if min(chain.probabilities) == 0.0:
        return Delivery(rate_hz=0.0, fidelity=0.25)
    cutoff = _cutoff_slots(chain, made, aim) if may_cut_off else None
    outcomes: list[tuple[schedules.ChainOutcome, int | None]]
    outcomes = (
        [] if aim.is_fixed and cutoff is not None else [(outcome, None) for outcome in outcomes_of(chain).values()]
    )
    if cutoff is not None:
        outcomes.append((cut_off(chain, cutoff), cutoff))
    deliveries = [
        Delivery(
            rate_hz=1.0 / (outcome.mean_slots * chain.slot_s + chain.confirm_s),
            fidelity=fidelity_of_werner(made * outcome.decay),
            cutoff_slots=slots,
        )
        for outcome, slots in outcomes
    ]
    if len(deliveries) == 1:
        return deliveries[0]
    return max(deliveries, key=lambda item: merit(item.rate_hz, item.fidelity, aim))


def merit(rate_hz: float, fidelity: float, aim: Aim) -> tuple[float, float, float, float]:
    """Return what a choice is judged by: the least fidelity, then what the aim prefers, then the rest.

    >>> merit(100.0, 0.95, Aim(min_fidelity=0.9)) > merit(1000.0, 0.89, Aim(min_fidelity=0.9))
    True
    """
    short = min(0.0, fidelity - aim.min_fidelity)
    if aim.preference == "rate":
        return short, rate_hz, fidelity, 0.0
    return short, rate_hz * hashing_ebits(fidelity), fidelity, rate_hz


def outcomes_of(chain: Chain) -> dict[str, schedules.ChainOutcome]:
    """Return what the chain does under each schedule that it can run without a cut-off, by the schedule's name."""
    outcomes = {"swaps as soon as possible": _asap(chain)}
    if chain.memory.swap_probability < 1.0 and _can_nest(chain):
        outcomes["doubling"] = _exponential(chain, "nested")
    return outcomes


def cut_off(chain: Chain, slots: int) -> schedules.ChainOutcome:
    """Return what two links do when a link that waited so many slots for the other is thrown away."""
    pair = (chain.probabilities[0], chain.probabilities[1])
    outcome = two_links_with_cutoff(pair, chain.memory.swap_probability, _waiting_share(chain), slots)
    return schedules.ChainOutcome(mean_slots=outcome.mean_slots, decay=outcome.decay * fixed_decay(chain))


def can_cut_off(chain: Chain) -> bool:
    """Return whether a cut-off is modelled: two links, in memories that decay exponentially."""
    return len(chain.probabilities) == 2 and chain.memory.decay == "exponential"


def _cutoff_slots(chain: Chain, made_werner: float, aim: Aim) -> int | None:
    """Return the cut-off that is set, or the best for the aim; None where there is none."""
    if aim.is_fixed:
        return aim.settings.cutoff_slots
    if not can_cut_off(chain):
        return None
    pair, decay = (chain.probabilities[0], chain.probabilities[1]), _waiting_share(chain)
    made = max(0.0, made_werner * fixed_decay(chain))
    swap_probability = chain.memory.swap_probability
    best = best_cutoff_slots(pair, swap_probability, decay, made)
    fidelity = fidelity_of_werner(made * two_links_with_cutoff(pair, swap_probability, decay, best).decay)
    if aim.preference == "ebits" and fidelity >= aim.min_fidelity:
        return best
    try:
        return longest_cutoff_slots(pair, swap_probability, decay, made, aim.min_fidelity)
    except ValueError:  # not even pairs without any wait are good enough
        return 0


def _waiting_share(chain: Chain) -> float:
    """Return a slot in coherence times, for all qubits of a link that waits: that of the repeater, and a stored end."""
    return chain.slot_share * (2.0 if chain.memory.ends_store else 1.0)


def _can_nest(chain: Chain) -> bool:
    """Return whether doubling is another schedule than swapping as soon as possible, and its storage is exact."""
    links = len(chain.probabilities)
    return links > 2 and links & (links - 1) == 0 and chain.memory.decay == "exponential"


def _asap(chain: Chain) -> schedules.ChainOutcome:
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
            return schedules.ChainOutcome(mean_slots=slots, decay=waiting * fixed_decay(chain))
    return schedules.ChainOutcome(mean_slots=slots, decay=_gaussian_decay(chain, slots))


def _exponential(chain: Chain, schedule: schedules.Schedule) -> schedules.ChainOutcome:
    outcome = schedules.run_schedule(
        chain.probabilities, chain.memory.swap_probability, schedule, chain.slot_share, _end_share(chain)
    )
    return schedules.ChainOutcome(mean_slots=outcome.mean_slots, decay=outcome.decay * fixed_decay(chain))


def _end_share(chain: Chain) -> float:
    return chain.slot_share if chain.memory.ends_store else 0.0


def fixed_decay(chain: Chain) -> float:
    """Return the decay by idle times that no luck shortens."""
    memory = chain.memory
    return math.prod(
        retention(idle_s, memory.coherence_time_s, memory.decay) for idle_s in chain.idle_s if idle_s is not None
    )


def _gaussian_decay(chain: Chain, mean_slots: float) -> float:
    """Return the storage decay of Gaussian memories, exact where `_is_bound` says no, else a safe low value."""
    links = len(chain.probabilities)
    if links == 1:
        return fixed_decay(chain)
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


def _is_bound(chain: Chain) -> bool:
    memory = chain.memory
    failing_or_held = memory.swap_probability < 1.0 or memory.ends_store
    return memory.decay == "gaussian" and len(chain.probabilities) > 2 and failing_or_held


def chain_limits(states: tuple[LinkState, ...], chain: Chain) -> list[str]:
    """Return in words what lies outside the trusted range of the chain model."""
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
