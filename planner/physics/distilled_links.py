"""Links whose pairs are distilled before they are swapped: slower, better, and with more memories per lane."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np
from numba import njit

from planner.catalog import Distillation, LinkHardware
from planner.physics.arm import ElementaryLink, LinkState, delays_s
from planner.physics.chains import slots_of_all, waiting_factor
from planner.physics.distillation import noisy_round, stored
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
    random. A second round, and a chain, take distilled pairs as memoryless too, which is on the safe side: sampled, one
    round is up to 12 % faster in a chain, two rounds 10 % in a link and up to a third in a chain. Raises ValueError for
    memories that do not decay exponentially.
    Source: Bennett et al., PRL 76, 722 (1996); Deutsch et al., PRL 77, 2818 (1996).
    """
    memory = memory_of(hardware)
    if memory.decay != "exponential":
        raise ValueError("distillation is modelled for memories with exponential decay only")
    if state.rate_hz == 0.0:
        return state
    travel_s = sum(delays_s(link, hardware))
    kept = [retention(idle_s, memory.coherence_time_s, "exponential") for idle_s in (*state.idle_s, travel_s)]
    rate_hz, fidelity = _rounds(
        ROUNDS[distillation],
        state.rate_hz,
        0.25 + kept[0] * kept[1] * (state.fidelity - 0.25),
        werner_of_fidelity(memory.swap_fidelity),
        (state.clock_s, travel_s),
        (2.0 * state.clock_s / memory.coherence_time_s, kept[2] ** 2),
    )
    sets = lanes_taken(distillation)
    return replace(
        state,
        rate_hz=rate_hz,
        fidelity=max(0.25, fidelity),
        arm_ceiling_hz=(state.arm_ceiling_hz[0] * sets, state.arm_ceiling_hz[1] * sets),
        idle_s=(0.0, 0.0),
    )


@njit(cache=True)
def _rounds(
    rounds: int,
    rate_hz: float,
    fidelity: float,
    gate_werner: float,
    times_s: tuple[float, float],
    storage: tuple[float, float],
) -> tuple[float, float]:
    """Return rate and fidelity after some rounds on Werner pairs.

    `times_s` are the clock and the travel of the outcomes. `storage` says what a pair that waits loses per slot, and
    the share of it that is kept while the outcomes travel.
    """
    other = (1.0 - fidelity) / 3.0
    pair = (fidelity, other, other, other)
    for _ in range(rounds):
        chances = np.full(2, min(1.0, rate_hz * times_s[0]))
        waited = stored(pair, waiting_factor(chances, storage[0], 0.0))
        better, probability = noisy_round(waited, pair, gate_werner)
        pair = stored(better, storage[1])
        rate_hz = probability / (slots_of_all(chances) * times_s[0] + times_s[1])
    return rate_hz, pair[0]
