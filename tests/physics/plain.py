"""The compiled searches and sums of the physics once more in plain Python: slow, and read at a glance."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from planner.physics.pair_source import PairLaw
from planner.physics.schedules import ChainOutcome, Schedule
from planner.physics.service import hashing_ebits

GOLDEN = (math.sqrt(5.0) - 1.0) / 2.0
_State = tuple[int, int]
_Steps = dict[int, list[tuple[int, float]]]


def best_brightness_hz(law: PairLaw, cap_hz: float, min_fidelity: float, *, prefers_rate: bool) -> float:
    """Return the best brightness: a grid over four decades, then golden section around its best point."""

    def score(decades: float) -> tuple[float, float, float]:
        pairs = law.at(cap_hz * 10.0**-decades)
        worth_hz = pairs.rate_hz if prefers_rate else pairs.rate_hz * hashing_ebits(pairs.fidelity)
        return min(0.0, pairs.fidelity - min_fidelity), worth_hz, pairs.fidelity

    if score(0.0) > score(1e-3):
        return cap_hz
    best = max((0.25 * index for index in range(17)), key=score)
    refined = golden_section(score, max(0.0, best - 0.25), best + 0.25)
    return cap_hz * 10.0 ** -(refined if score(refined) > score(best) else best)


def golden_section(score: Callable[[float], tuple[float, float, float]], low: float, high: float) -> float:
    left, right = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
    for _ in range(28):
        if score(left) > score(right):
            high, right = right, left
            left = high - GOLDEN * (high - low)
        else:
            low, left = left, right
            right = low + GOLDEN * (high - low)
    return left if score(left) > score(right) else right


def mean_slots(probabilities: Sequence[float]) -> float:
    """Return the mean time until all links stand: inclusion and exclusion over all sets of links, summed exactly."""
    terms = []
    for subset in range(1, 1 << len(probabilities)):
        members = [p for link, p in enumerate(probabilities) if subset >> link & 1]
        log_miss = sum(math.log1p(-p) if p < 1.0 else -math.inf for p in members)
        terms.append((-1.0) ** (len(members) + 1) / -math.expm1(log_miss))
    return max(1.0, math.fsum(terms))


def waiting_decay(probabilities: Sequence[float], inner_decay: float, end_decay: float) -> float:
    """Return the mean storage factor by the definition of the states, from the last to the first."""
    links = len(probabilities)
    full = (1 << links) - 1
    value = {full: 1.0}
    for standing in sorted(range(full), key=lambda state: -state.bit_count()):
        decay = 0.0
        for edge in range(links + 1):
            left = edge > 0 and standing >> (edge - 1) & 1
            right = edge < links and standing >> edge & 1
            if left != right:
                decay += end_decay if edge in (0, links) else inner_decay
        stay, gain = 0.0, 0.0
        for arrived, chance in _arrivals(full ^ standing, probabilities):
            if arrived:
                gain += chance * value[standing | arrived]
            else:
                stay = chance
        value[standing] = math.exp(-decay) * gain / (1.0 - math.exp(-decay) * stay)
    return value[0]


def run_schedule(
    probabilities: Sequence[float], swap: float, schedule: Schedule, inner_decay: float, end_decay: float
) -> ChainOutcome:
    """Return mean time and storage of a chain whose swaps may fail, state by state."""
    links = len(probabilities)
    steps = _steps(probabilities, swap, schedule)
    edges = [end_decay] + [inner_decay] * (links - 1) + [end_decay]
    return ChainOutcome(mean_slots=_mean_slots(steps, links), decay=_clean_share(steps, edges, schedule))


def clusters(standing: int, links: int, schedule: Schedule) -> list[int]:
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
    states = [(standing, marks) for standing in range(full) for marks in _unions(clusters(standing, links, schedule))]
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
        spread = sum(cluster for cluster in clusters(left, links, schedule) if cluster & marks)
        moves.append(((left, spread), chance))
    return moves


def _markings(state: _State, edges: Sequence[float], schedule: Schedule) -> list[tuple[_State, float]]:
    """Return the states after one slot of storage: each clean cluster is marked by one of its two idle qubits."""
    standing, marks = state
    outcomes = [(marks, 1.0)]
    for cluster in clusters(standing, len(edges) - 1, schedule):
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
