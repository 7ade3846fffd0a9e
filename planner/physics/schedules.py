"""Chains whose swaps may fail: exact mean time and storage decay of two ways to order the swaps.

`asap` swaps whenever two neighbouring links stand; a failed swap empties the whole run of links that it would have
joined. `nested` doubles: links 1 and 2, 3 and 4, then the two pairs, and so on; a failed swap empties its own block.
Both are finite Markov chains over the set of standing links. Storage is handled by marking: per slot every idle qubit
is marked with probability 1 - e^(-decay), and the mean of e^(-decay * waits) over the surviving links is the
probability that none of them is marked at the end.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
import numpy.typing as npt

from planner.physics.arguments import above, at_least, within

Schedule = Literal["asap", "nested"]
MAX_LINKS = 8
"""Longest chain with failing swaps that is evaluated; it has up to 2209 states."""

_State = tuple[int, int]
_Steps = dict[int, list[tuple[int, float]]]


@dataclass(frozen=True, kw_only=True, slots=True)
class ChainOutcome:
    """Mean number of slots until the chain is complete, and mean factor of waiting on its Werner parameter."""

    mean_slots: float
    decay: float


@lru_cache(maxsize=4096)
def run_schedule(
    probabilities: tuple[float, ...],
    swap_probability: float,
    schedule: Schedule,
    inner_decay: float = 0.0,
    end_decay: float = 0.0,
) -> ChainOutcome:
    """Return mean time and storage decay of a chain of links under a swap schedule.

    `inner_decay` is slot / coherence time of a qubit in a repeater station, `end_decay` that of a qubit at an end node
    (zero if it is measured at once); memories decay exponentially. Exact. Valid for 1 to 8 links (a power of two for
    `nested`), 0 < p <= 1, 0 < q <= 1, decays >= 0; raises ValueError otherwise. Eight links take about a second.
    Source: Brand, Coopmans and Elkouss, IEEE JSAC 38, 619 (2020) for `nested`; first-step analysis here.

    >>> round(run_schedule((0.1,) * 4, 0.5, "nested").mean_slots, 6)
    84.81758
    >>> round(run_schedule((0.1,) * 4, 0.5, "asap").mean_slots, 6)
    102.962691
    """
    _check(probabilities, swap_probability, schedule)
    at_least("inner_decay", inner_decay, 0.0)
    at_least("end_decay", end_decay, 0.0)
    links = len(probabilities)
    steps = _steps(probabilities, swap_probability, schedule)
    decay = 1.0
    if inner_decay > 0.0 or end_decay > 0.0:
        edges = [end_decay] + [inner_decay] * (links - 1) + [end_decay]
        decay = _clean_share(steps, edges, schedule)
    return ChainOutcome(mean_slots=_mean_slots(steps, links), decay=decay)


def _check(probabilities: Sequence[float], swap_probability: float, schedule: str) -> None:
    links = len(probabilities)
    if not 1 <= links <= MAX_LINKS:
        raise ValueError(f"a chain with failing swaps has 1 to {MAX_LINKS} links, got {links}")
    if schedule not in ("asap", "nested"):
        raise ValueError(f"schedule must be 'asap' or 'nested', got {schedule!r}")
    if schedule == "nested" and links & (links - 1):
        raise ValueError(f"a nested chain has a power of two of links, got {links}")
    for probability in (*probabilities, swap_probability):
        within("probability", above("probability", probability, 0.0), 0.0, 1.0)


def _clusters(standing: int, links: int, schedule: Schedule) -> list[int]:
    """Return the sets of links that are joined to one long link each, given the set of standing links."""
    return list(_runs(standing)) if schedule == "asap" else list(_blocks(standing, 0, links))


def _runs(standing: int) -> Iterator[int]:
    """Yield the maximal runs of neighbouring members of a set."""
    while standing:
        lowest = standing & -standing
        run = standing & ~(standing + lowest)
        yield run
        standing ^= run


def _blocks(standing: int, first: int, size: int) -> Iterator[int]:
    """Yield the maximal full blocks of the doubling scheme within `size` links from `first`."""
    block = ((1 << size) - 1) << first
    if standing & block == block:
        yield block
    elif standing & block:
        yield from _blocks(standing, first, size // 2)
        yield from _blocks(standing, first + size // 2, size // 2)


def _steps(probabilities: Sequence[float], swap_probability: float, schedule: Schedule) -> _Steps:
    """Return, for each set of standing links, the sets after one slot of attempts and swaps, with probabilities."""
    links = len(probabilities)
    full = (1 << links) - 1
    steps: _Steps = {}
    for standing in range(full):
        after: dict[int, float] = {}
        for arrived, chance in _arrivals(full ^ standing, probabilities):
            for left, share in _after_swaps(standing, standing | arrived, links, swap_probability, schedule):
                after[left] = after.get(left, 0.0) + chance * share
        steps[standing] = list(after.items())
    return steps


def _arrivals(empty: int, probabilities: Sequence[float]) -> Iterator[tuple[int, float]]:
    """Yield every set of links that may succeed in a slot, with its probability."""
    outcomes = [(0, 1.0)]
    for link, probability in enumerate(probabilities):
        if empty >> link & 1:
            outcomes = [(done, chance * (1.0 - probability)) for done, chance in outcomes if probability < 1.0] + [
                (done | 1 << link, chance * probability) for done, chance in outcomes
            ]
    yield from outcomes


def _after_swaps(
    before: int, now: int, links: int, swap_probability: float, schedule: Schedule
) -> list[tuple[int, float]]:
    """Return the sets that remain after the swaps which have become possible, with probabilities."""
    if schedule == "nested":
        return _nested_swaps(before, now, 0, links, swap_probability)
    outcomes = [(0, 1.0)]
    for run in _runs(now):
        swaps = sum(1 for _ in _runs(before & run)) + (run & ~before).bit_count() - 1
        survives = swap_probability**swaps
        kept = [(left | run, chance * survives) for left, chance in outcomes]
        lost = [(left, chance * (1.0 - survives)) for left, chance in outcomes if survives < 1.0]
        outcomes = kept + lost
    return outcomes


def _nested_swaps(before: int, now: int, first: int, size: int, swap_probability: float) -> list[tuple[int, float]]:
    """Return what remains of one block of the doubling scheme, with probabilities."""
    block = ((1 << size) - 1) << first
    if size == 1 or before & block == block:
        return [(now & block, 1.0)]
    half = size // 2
    outcomes: dict[int, float] = {}
    for left, left_chance in _nested_swaps(before, now, first, half, swap_probability):
        for right, right_chance in _nested_swaps(before, now, first + half, half, swap_probability):
            both, chance = left | right, left_chance * right_chance
            joined = chance * swap_probability if both == block else chance
            outcomes[both] = outcomes.get(both, 0.0) + joined
            if both == block:
                outcomes[0] = outcomes.get(0, 0.0) + chance - joined
    return list(outcomes.items())


def _mean_slots(steps: _Steps, links: int) -> float:
    """Return the mean number of slots from no link to all links."""
    full = (1 << links) - 1
    matrix, leave = np.zeros((full, full)), np.zeros(full)
    for standing, after in steps.items():
        for left, chance in after:
            if left == standing:
                continue
            leave[standing] += chance
            if left != full:
                matrix[standing, left] -= chance
    return float(_solve(matrix, leave, np.ones(full))[0])


def _clean_share(steps: _Steps, edges: Sequence[float], schedule: Schedule) -> float:
    """Return the probability that the chain completes without a mark on any surviving link."""
    links = len(edges) - 1
    full = (1 << links) - 1
    states = [(standing, marks) for standing in range(full) for marks in _unions(_clusters(standing, links, schedule))]
    row_of = {state: row for row, state in enumerate(states)}
    size = len(states)
    matrix, leave, clean = np.zeros((size, size)), np.zeros(size), np.zeros(size)
    moves = {state: _moves(state, steps, links, schedule) for state in states}
    for row, state in enumerate(states):
        for marked, weight in _markings(state, edges, schedule):
            for target, chance in moves[marked]:
                if target == state:
                    continue
                leave[row] += weight * chance
                if target[0] != full:
                    matrix[row, row_of[target]] -= weight * chance
                elif target[1] == 0:
                    clean[row] += weight * chance
    return float(_solve(matrix, leave, clean)[row_of[0, 0]])


def _unions(clusters: Sequence[int]) -> list[int]:
    """Return every union of some of the clusters."""
    unions = [0]
    for cluster in clusters:
        unions += [union | cluster for union in unions]
    return unions


def _moves(state: _State, steps: _Steps, links: int, schedule: Schedule) -> list[tuple[_State, float]]:
    """Return the states after attempts and swaps; a cluster with a marked member is marked as a whole."""
    standing, marks = state
    moves = []
    for left, chance in steps[standing]:
        spread = sum(cluster for cluster in _clusters(left, links, schedule) if cluster & marks)
        moves.append(((left, spread), chance))
    return moves


def _markings(state: _State, edges: Sequence[float], schedule: Schedule) -> list[tuple[_State, float]]:
    """Return the states after one slot of storage: each clean cluster is marked by one of its two idle qubits."""
    standing, marks = state
    outcomes = [(marks, 1.0)]
    for cluster in _clusters(standing, len(edges) - 1, schedule):
        if cluster & marks:
            continue
        decay = edges[(cluster & -cluster).bit_length() - 1] + edges[cluster.bit_length()]
        keep, mark = math.exp(-decay), -math.expm1(-decay)
        outcomes = [(marked, weight * keep) for marked, weight in outcomes] + [
            (marked | cluster, weight * mark) for marked, weight in outcomes if mark > 0.0
        ]
    return [((standing, marked), weight) for marked, weight in outcomes]


def _solve(
    matrix: npt.NDArray[np.float64], leave: npt.NDArray[np.float64], gain: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Return x with leave * x + matrix @ x = gain, rows scaled by `leave` so that rare events lose no digits."""
    return np.linalg.solve(np.eye(len(leave)) + matrix / leave[:, None], gain / leave).astype(np.float64)
