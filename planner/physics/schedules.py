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
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from planner.physics.arguments import above, at_least, within

Schedule = Literal["asap", "nested"]
MAX_LINKS = 8
"""Longest chain with failing swaps that is evaluated; it has up to 2209 states."""

_State = tuple[int, int]
"""Set of standing links, and those of them that are marked."""
_Factors = tuple[tuple[int, bool], ...]
"""Runs of swaps that come up in a slot: how many, and whether all of them succeed."""
_Integers = npt.NDArray[np.int64]
_Floats = npt.NDArray[np.float64]
_DONE, _SPOILT = -1, -2
"""Targets besides the states: the chain is complete, without or with a mark."""


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
    fades = inner_decay > 0.0 or end_decay > 0.0
    shape = _shape(links, schedule, fades)
    factors = _factor_values(shape.factors, swap_probability)
    weights = _weight_values(shape.weights, inner_decay, end_decay)
    matrix, gains = _equations(shape.tables, np.array(probabilities, dtype=np.float64), factors, weights)
    clean, slots = np.linalg.solve(matrix, gains)[0]
    return ChainOutcome(mean_slots=float(slots), decay=float(clean) if fades else 1.0)


class _Tables(NamedTuple):
    """The states of a chain and what leads from one to the next, in numbers, whatever the probabilities.

    A step is one way from a set of standing links to another: the links that arrive, those that do not, and the swaps.
    Steps between the same sets add up to one move. In a slot a state is first marked, which leads to the states from
    `mark_start` on, each with a weight; from there its moves are those from `move_start` on.
    """

    step_move: _Integers
    step_arrived: _Integers
    step_missed: _Integers
    step_factor: _Integers
    mark_start: _Integers
    mark_state: _Integers
    mark_weight: _Integers
    move_start: _Integers
    move_target: _Integers
    move_number: _Integers


@dataclass(frozen=True, kw_only=True, slots=True)
class _Shape:
    """Tables of a chain, and the products of swap successes and of storage that they refer to by number."""

    tables: _Tables
    factors: tuple[_Factors, ...]
    weights: tuple[tuple[tuple[int, bool], ...], ...]
    """Clusters of a state: how many of the two ends of the chain idle in it, and whether it is marked."""


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


@lru_cache(maxsize=64)
def _shape(links: int, schedule: Schedule, fades: bool) -> _Shape:
    """Return the tables of a chain; without fading, no state is ever marked."""
    full = (1 << links) - 1
    moves: dict[tuple[int, int], int] = {}
    factors: dict[_Factors, int] = {}
    steps = []
    for standing in range(full):
        for arrived in _subsets(full ^ standing):
            for left, factor in _after_swaps(standing, standing | arrived, links, schedule):
                move = moves.setdefault((standing, left), len(moves))
                missed = full ^ standing ^ arrived
                steps.append((move, arrived, missed, factors.setdefault(factor, len(factors))))
    states = [
        (standing, marks)
        for standing in range(full)
        for marks in (_unions(_clusters(standing, links, schedule)) if fades else [0])
    ]
    row_of = {state: row for row, state in enumerate(states)}
    weights: dict[tuple[tuple[int, bool], ...], int] = {}
    markings, ways = [], []
    lefts: dict[int, list[tuple[int, int]]] = {}
    for (standing, left), move in moves.items():
        lefts.setdefault(standing, []).append((left, move))
    for state in states:
        found = _markings(state, links, schedule) if fades else [(state, ())]
        markings.append([(row_of[marked], weights.setdefault(kinds, len(weights))) for marked, kinds in found])
        ways.append([(_target(state[1], left, row_of, links, schedule), move) for left, move in lefts[state[0]]])
    columns = [np.ascontiguousarray(column) for column in np.array(steps, dtype=np.int64).T]
    tables = _Tables._make((*columns, *_table(markings), *_table(ways)))
    return _Shape(tables=tables, factors=tuple(factors), weights=tuple(weights))


def _table(rows: Sequence[Sequence[tuple[int, int]]]) -> tuple[_Integers, _Integers, _Integers]:
    """Return where each row begins, and the two columns of all rows one after the other."""
    start = np.cumsum([0, *(len(row) for row in rows)])
    pairs = np.array([pair for row in rows for pair in row], dtype=np.int64).reshape(-1, 2)
    return start.astype(np.int64), np.ascontiguousarray(pairs[:, 0]), np.ascontiguousarray(pairs[:, 1])


def _subsets(members: int) -> Iterator[int]:
    """Yield every subset of a set, the set itself first."""
    subset = members
    while subset:
        yield subset
        subset = (subset - 1) & members
    yield 0


def _after_swaps(before: int, now: int, links: int, schedule: Schedule) -> list[tuple[int, _Factors]]:
    """Return the sets that remain after the swaps which have become possible, and what that takes."""
    if schedule == "nested":
        return _nested_swaps(before, now, 0, links)
    outcomes: list[tuple[int, _Factors]] = [(0, ())]
    for run in _runs(now):
        swaps = sum(1 for _ in _runs(before & run)) + (run & ~before).bit_count() - 1
        kept = [(left | run, (*factors, (swaps, True)) if swaps else factors) for left, factors in outcomes]
        lost = [(left, (*factors, (swaps, False))) for left, factors in outcomes if swaps]
        outcomes = kept + lost
    return [(left, tuple(sorted(factors))) for left, factors in outcomes]


def _nested_swaps(before: int, now: int, first: int, size: int) -> list[tuple[int, _Factors]]:
    """Return what remains of one block of the doubling scheme, and what that takes."""
    block = ((1 << size) - 1) << first
    if size == 1 or before & block == block:
        return [(now & block, ())]
    half = size // 2
    outcomes: list[tuple[int, _Factors]] = []
    for left, left_factors in _nested_swaps(before, now, first, half):
        for right, right_factors in _nested_swaps(before, now, first + half, half):
            factors = tuple(sorted(left_factors + right_factors))
            if left | right != block:
                outcomes.append((left | right, factors))
                continue
            outcomes.append((block, tuple(sorted((*factors, (1, True))))))
            outcomes.append((0, tuple(sorted((*factors, (1, False))))))
    return outcomes


def _unions(clusters: Sequence[int]) -> list[int]:
    """Return every union of some of the clusters."""
    unions = [0]
    for cluster in clusters:
        unions += [union | cluster for union in unions]
    return unions


def _target(marks: int, left: int, row_of: dict[_State, int], links: int, schedule: Schedule) -> int:
    """Return the row of the state after a move; a cluster with a marked member is marked as a whole."""
    if left == (1 << links) - 1:
        return _SPOILT if marks else _DONE
    return row_of[left, sum(cluster for cluster in _clusters(left, links, schedule) if cluster & marks)]


def _markings(state: _State, links: int, schedule: Schedule) -> list[tuple[_State, tuple[tuple[int, bool], ...]]]:
    """Return the states after one slot of storage: each clean cluster is marked by one of its two idle qubits."""
    standing, marks = state
    outcomes: list[tuple[int, tuple[tuple[int, bool], ...]]] = [(marks, ())]
    for cluster in _clusters(standing, links, schedule):
        if cluster & marks:
            continue
        ends = (cluster & 1) + (cluster >> links - 1)
        outcomes = [(marked, (*kinds, (ends, False))) for marked, kinds in outcomes] + [
            (marked | cluster, (*kinds, (ends, True))) for marked, kinds in outcomes
        ]
    return [((standing, marked), tuple(sorted(kinds))) for marked, kinds in outcomes]


@lru_cache(maxsize=1024)
def _factor_values(factors: tuple[_Factors, ...], swap_probability: float) -> _Floats:
    """Return the probability of each product of swaps."""
    all_succeed = [float(swap_probability**swaps) for swaps in range(MAX_LINKS)]
    return np.array(
        [
            math.prod(all_succeed[swaps] if succeeds else 1.0 - all_succeed[swaps] for swaps, succeeds in product)
            for product in factors
        ]
    )


def _weight_values(weights: tuple[tuple[tuple[int, bool], ...], ...], inner_decay: float, end_decay: float) -> _Floats:
    """Return the probability of each marking of clusters in one slot of storage."""
    decays = [2.0 * inner_decay, inner_decay + end_decay, 2.0 * end_decay]
    chance = {(ends, False): math.exp(-decay) for ends, decay in enumerate(decays)}
    chance |= {(ends, True): -math.expm1(-decay) for ends, decay in enumerate(decays)}
    return np.array([math.prod([chance[kind] for kind in kinds]) for kinds in weights])


@njit(cache=True)
def _equations(tables: _Tables, probabilities: _Floats, factors: _Floats, weights: _Floats) -> tuple[_Floats, _Floats]:
    """Return matrix and right sides of the equations for the share without a mark and for the mean number of slots.

    Rows are divided by the probability of leaving a state, so that rare events lose no digits.
    """
    links = len(probabilities)
    hit, miss = np.ones(1 << links), np.ones(1 << links)
    for link in range(links):
        for rest in range(1 << link):
            hit[rest | 1 << link] = hit[rest] * probabilities[link]
            miss[rest | 1 << link] = miss[rest] * (1.0 - probabilities[link])
    chance = np.zeros(tables.step_move.max() + 1)
    for step in range(len(tables.step_move)):
        happens = hit[tables.step_arrived[step]] * miss[tables.step_missed[step]]
        chance[tables.step_move[step]] += happens * factors[tables.step_factor[step]]
    size = len(tables.mark_start) - 1
    matrix, gains = np.zeros((size, size)), np.zeros((size, 2))
    for row in range(size):
        leave = 0.0
        for marking in range(tables.mark_start[row], tables.mark_start[row + 1]):
            marked, weight = tables.mark_state[marking], weights[tables.mark_weight[marking]]
            for way in range(tables.move_start[marked], tables.move_start[marked + 1]):
                target, share = tables.move_target[way], weight * chance[tables.move_number[way]]
                if target == row:
                    continue
                leave += share
                if target >= 0:
                    matrix[row, target] -= share
                elif target == _DONE:
                    gains[row, 0] += share
        matrix[row] /= leave
        matrix[row, row] += 1.0
        gains[row, 0] /= leave
        gains[row, 1] = 1.0 / leave
    return matrix, gains
