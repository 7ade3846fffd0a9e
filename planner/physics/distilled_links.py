"""Links whose pairs are distilled before they are swapped: slower, better, and with more memories per lane."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from planner.catalog import Distillation, LinkHardware
from planner.physics import chains
from planner.physics.arm import ElementaryLink, LinkState, delays_s
from planner.physics.distillation import faded, noisy_dejmps, werner_pair
from planner.physics.memory import retention
from planner.physics.memory_links import memory_of
from planner.physics.service import werner_of_fidelity

ROUNDS: Mapping[Distillation, int] = MappingProxyType({"bbpssw": 1, "dejmps": 2})
"""Rounds of each protocol: on Werner pairs the first round of both is the same, and only DEJMPS gains from a second."""


def lanes_taken(distillation: Distillation | None) -> int:
    """Return how many sets of memories make one distilled lane: two per round, multiplied.

    >>> lanes_taken(None), lanes_taken("bbpssw"), lanes_taken("dejmps")
    (1, 2, 4)
    """
    return 1 if distillation is None else int(2 ** ROUNDS[distillation])


def distilled_state(
    state: LinkState, link: ElementaryLink, hardware: LinkHardware, distillation: Distillation
) -> LinkState:
    """Return a link whose pairs are distilled; its rate is that of all sets of memories together.

    Per round two equal pairs are made side by side. The first waits in both memories for the second (mean decay of
    `chains.waiting_decay`), then the outcomes travel between the stations; a failed round starts anew:
    T' = (E[max of two] + travel) / P. Gates are depolarizing with the fidelity of a swap. The herald's way is waited
    out before the first round, so that `idle_s` of the result is zero. Exact in the mean for pairs that appear at
    random; a chain then takes distilled pairs as memoryless too, which makes it a little slow. Raises ValueError for
    memories that do not decay exponentially.
    Source: Bennett et al., PRL 76, 722 (1996); Deutsch et al., PRL 77, 2818 (1996).
    """
    memory = memory_of(hardware)
    if memory.decay != "exponential":
        raise ValueError("distillation is modelled for memories with exponential decay only")
    if state.rate_hz == 0.0:
        return state
    gate_werner = werner_of_fidelity(memory.swap_fidelity)
    travel_s = sum(delays_s(link, hardware))
    pair = werner_pair(state.fidelity)
    for idle_s in state.idle_s:
        pair = faded(pair, retention(idle_s, memory.coherence_time_s, "exponential"))
    sent = retention(travel_s, memory.coherence_time_s, "exponential") ** 2
    rate_hz = state.rate_hz
    for _ in range(ROUNDS[distillation]):
        chance = min(1.0, rate_hz * state.clock_s)
        waited = chains.waiting_decay((chance, chance), 2.0 * state.clock_s / memory.coherence_time_s, 0.0)
        pair, probability = noisy_dejmps(faded(pair, waited), pair, gate_werner)
        pair = faded(pair, sent)
        both_s = chains.mean_slots((chance, chance)) * state.clock_s
        rate_hz = probability / (both_s + travel_s)
    return replace(
        state,
        rate_hz=rate_hz,
        fidelity=max(0.25, pair.phi_plus),
        ceiling_hz=state.ceiling_hz * lanes_taken(distillation),
        idle_s=(0.0, 0.0),
    )
