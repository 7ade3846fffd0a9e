"""A sampling simulator of heralded chains: attempts, waiting, fading memories and swaps that may fail.

It answers the same question as the closed forms of `planner.physics`, with none of them: pairs are made one by one, and
rate and fidelity are counted. Each link keeps its own clock.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from planner.catalog import LinkHardware, Memory
from planner.physics.arm import NOTHING_SET, ElementaryLink, Settings
from planner.verify.attempts import Flags, Floats, Integers, Midpoint, announce, disturbed, midpoint_of, twirled

Schedule = Literal["asap", "nested"]
ROUNDS = {"bbpssw": 1, "dejmps": 2}
KEPT_STATES = np.array([[0, 3, -1, -1], [3, 0, -1, -1], [-1, -1, 2, 1], [-1, -1, 1, 2]])
"""Error of the pair that a round of distillation leaves, by the errors of its two pairs; -1 where it fails."""
SAME_TIME = 1e-9
"""Announcements nearer than this share of the shortest clock come at the same time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """A sampled value and its standard error."""

    value: float
    standard_error: float

    def deviation(self, expected: float) -> float:
        """Return how many standard errors lie between the value and what is expected."""
        return (self.value - expected) / self.standard_error


@dataclass(frozen=True, kw_only=True, slots=True)
class ChainEstimate:
    """Rate and fidelity of one lane of a chain, as counted; and the share of clicks that dead detectors missed."""

    rate_hz: Estimate
    fidelity: Estimate
    dead_share: float = 0.0


def simulate_chain(
    links: tuple[ElementaryLink, ...],
    hardware: LinkHardware,
    *,
    pairs: int,
    seed: int,
    schedule: Schedule = "asap",
    settings: Settings = NOTHING_SET,
    min_fidelity: float = 0.25,
) -> ChainEstimate:
    """Return rate and fidelity of one lane of a memory chain, counted over `pairs` end-to-end pairs.

    Every link attempts on its own clock from the start. `asap` swaps at a station as soon as both of its links stand; a
    failed swap empties all links that hang together with it. `nested` swaps blocks of 2, 4, 8 links when both halves
    are complete; a failed swap empties its block. Emptied links begin anew at once. A qubit idles from its link's
    announcement to its swap, and while its photon and the announcement travel; stored end qubits idle to the end and
    while the results of the swaps travel, which also adds to the time of chains with two or more links. Distilled links
    make two pairs side by side in each round, and begin the round anew where it fails; their rate is per set of
    memories, of which each round doubles the number. A source of absorbing memories is dimmed for `min_fidelity`. Time
    and work grow with pairs / success probability. Raises ValueError for fewer than two pairs, links without memories,
    or a nested chain whose number of links is no power of two.
    """
    if pairs < 2:
        raise ValueError(f"an error needs at least 2 pairs, got {pairs}")
    if schedule == "nested" and len(links) & (len(links) - 1):
        raise ValueError(f"a nested chain has a power of two of links, got {len(links)}")
    midpoints = [midpoint_of(link, hardware, settings, min_fidelity) for link in links]
    arms = [arm for link in links for arm in (link.left, link.right)]
    travel_s = sum(arm.length_km for arm in arms) / hardware.fiber.velocity_km_per_s
    confirm_s = travel_s if len(links) > 1 else 0.0
    lab = _Lab(midpoints, pairs, np.random.default_rng(seed), confirm_s)
    if settings.cutoff_slots is not None:
        lab.cutoff_s = settings.cutoff_slots * min(midpoint.slot_s or midpoint.clock_s for midpoint in midpoints)
    rounds = 0 if settings.distillation is None else ROUNDS[settings.distillation]
    lab.distil(rounds, [sum(arm.length_km for arm in (link.left, link.right)) for link in links], hardware)
    lab.run(schedule)
    time_s = (lab.done_s + confirm_s) * 2**rounds
    mean_s = float(time_s.mean())
    share = float((lab.errors == 0).mean())
    # A share of exactly 0 or 1 is not without error: the next pair may differ.
    variance = max(share * (1.0 - share), 1.0 / pairs)
    return ChainEstimate(
        rate_hz=Estimate(value=1.0 / mean_s, standard_error=float(time_s.std(ddof=1)) / math.sqrt(pairs) / mean_s**2),
        fidelity=Estimate(value=share, standard_error=math.sqrt(variance / pairs)),
    )


class _Lab:
    """Many copies of a chain that run side by side, one row each."""

    def __init__(self, midpoints: list[Midpoint], rows: int, rng: np.random.Generator, confirm_s: float) -> None:
        self.midpoints = midpoints
        self.memory: Memory = midpoints[0].memory
        self.rng = rng
        self.confirm_s = confirm_s
        self.cutoff_s = math.inf
        links = len(midpoints)
        self.rounds = 0
        self.travel_s = [0.0] * links
        self.herald_s = [midpoint.herald_s for midpoint in midpoints]
        self.born_s: Floats = np.zeros((rows, links))
        """When each link stands, or will."""
        self.link_errors: Integers = np.zeros((rows, links), dtype=np.int64)
        self.stands: Flags = np.zeros((rows, links), dtype=np.bool_)
        self.joined: Flags = np.zeros((rows, max(links - 1, 0)), dtype=np.bool_)
        self.done_s: Floats = np.zeros(rows)
        self.errors: Integers = np.zeros(rows, dtype=np.int64)

    def distil(self, rounds: int, links_km: list[float], hardware: LinkHardware) -> None:
        """Distil every link in so many rounds; heralds are waited out before the first."""
        if rounds:
            self.rounds = rounds
            self.travel_s = [length_km / hardware.fiber.velocity_km_per_s for length_km in links_km]
            self.herald_s = [(0.0, 0.0)] * len(links_km)

    def run(self, schedule: Schedule) -> None:
        """Run every row until its chain is complete."""
        rows = np.arange(len(self.done_s))
        for link in range(len(self.midpoints)):
            self._begin(rows, link, np.zeros(len(rows)))
        tolerance_s = SAME_TIME * min(midpoint.clock_s for midpoint in self.midpoints)
        while len(rows):
            coming_s = np.where(self.stands[rows], np.inf, self.born_s[rows])
            now_s = coming_s.min(axis=1)
            self.stands[rows] |= coming_s <= (now_s + tolerance_s)[:, np.newaxis]
            if self.cutoff_s < math.inf:
                now_s = self._without_late(rows, now_s, tolerance_s)
            (self._swap_asap if schedule == "asap" else self._swap_nested)(rows, now_s)
            is_done = self.stands[rows].all(axis=1) & self.joined[rows].all(axis=1)
            self._finish(rows[is_done], now_s[is_done])
            rows = rows[~is_done]

    def _begin(self, rows: Integers, link: int, now_s: Floats) -> None:
        """Start a link anew: when it will stand, and with which error, is drawn now."""
        made_s, errors = self._make(link, len(rows), self.rounds)
        self.born_s[rows, link] = now_s + made_s
        self.link_errors[rows, link] = twirled(errors, self.rng)
        self.stands[rows, link] = False

    def _make(self, link: int, count: int, rounds: int) -> tuple[Floats, Integers]:
        """Return how long pairs of a link took, and their errors, after so many rounds of distillation."""
        midpoint = self.midpoints[link]
        if rounds == 0:
            announced = announce(midpoint, count, self.rng)
            errors = announced.errors
            for idle_s in midpoint.herald_s if self.rounds else ():
                errors = self._faded(errors, np.full(count, idle_s))
            return announced.attempts * midpoint.clock_s, errors
        made_s, left = np.zeros(count), np.full(count, -1)
        failed = np.arange(count)
        while len(failed):
            (one_s, one), (two_s, two) = (self._make(link, len(failed), rounds - 1) for _ in range(2))
            for _ in range(2):  # both qubits of the pair that is there first
                one = self._faded(one, np.maximum(0.0, two_s - one_s))
                two = self._faded(two, np.maximum(0.0, one_s - two_s))
            is_clean = self.rng.random((2, len(failed))) < (4.0 * self.memory.swap_fidelity - 1.0) / 3.0
            noise = np.where(self.rng.random(len(failed)) < 0.5, self.rng.integers(0, 4, len(failed)), -1)
            left[failed] = np.where(is_clean.all(axis=0), KEPT_STATES[one, two], noise)
            made_s[failed] += np.maximum(one_s, two_s) + self.travel_s[link]
            failed = failed[left[failed] < 0]
        for _ in range(2):
            left = self._faded(left, np.full(count, self.travel_s[link]))
        return made_s, left

    def _without_late(self, rows: Integers, now_s: Floats, tolerance_s: float) -> Floats:
        """Begin both links anew where the first waited too long for the second; return the time of each row."""
        first_s = self.born_s[rows].min(axis=1)
        late = self.stands[rows].all(axis=1) & (now_s - first_s > self.cutoff_s + tolerance_s)
        for link in range(len(self.midpoints)):
            self._begin(rows[late], link, first_s[late] + self.cutoff_s)
        return np.where(late, first_s + self.cutoff_s, now_s)

    def _swap_asap(self, rows: Integers, now_s: Floats) -> None:
        links = len(self.midpoints)
        stands = self.stands[rows]
        touching = stands[:, :-1] & stands[:, 1:]
        fails = np.zeros_like(stands)
        for station in range(links - 1):
            fresh = touching[:, station] & ~self.joined[rows, station]
            failed = self._swap(rows, station, fresh, now_s)
            fails[:, station] |= failed
            fails[:, station + 1] |= failed
        # A failure runs along all links that hang together.
        for station in (*range(links - 1), *reversed(range(links - 1))):
            both = touching[:, station] & (fails[:, station] | fails[:, station + 1])
            fails[:, station] |= both
            fails[:, station + 1] |= both
        self._empty(rows, fails, now_s)

    def _swap_nested(self, rows: Integers, now_s: Floats) -> None:
        links, size = len(self.midpoints), 2
        while size <= links:
            for first in range(0, links, size):
                block, middle = slice(first, first + size), first + size // 2 - 1
                inner = [station for station in range(first, first + size - 1) if station != middle]
                ready = self.stands[rows, block].all(axis=1) & self.joined[rows][:, inner].all(axis=1)
                failed = self._swap(rows, middle, ready & ~self.joined[rows, middle], now_s)
                fails = np.zeros((len(rows), links), dtype=np.bool_)
                fails[:, block] = failed[:, np.newaxis]
                self._empty(rows, fails, now_s)
            size *= 2

    def _swap(self, rows: Integers, station: int, fresh: Flags, now_s: Floats) -> Flags:
        """Swap at a station in the `fresh` rows; return in which of all rows it failed."""
        failed = fresh & (self.rng.random(len(rows)) >= self.memory.swap_probability)
        chosen, at_s = rows[fresh & ~failed], now_s[fresh & ~failed]
        self.joined[chosen, station] = True
        for link, side in ((station, 1), (station + 1, 0)):
            idle_s = at_s - self.born_s[chosen, link] + self.herald_s[link][side]
            self.link_errors[chosen, link] = self._faded(self.link_errors[chosen, link], idle_s)
        self.link_errors[chosen, station] = disturbed(
            self.link_errors[chosen, station], self.memory.swap_fidelity, self.rng
        )
        return failed

    def _empty(self, rows: Integers, fails: Flags, now_s: Floats) -> None:
        for link in range(len(self.midpoints)):
            failed = fails[:, link]
            if failed.any():
                self._begin(rows[failed], link, now_s[failed])
                for station in (link - 1, link):
                    if 0 <= station < self.joined.shape[1]:
                        self.joined[rows[failed], station] = False

    def _finish(self, rows: Integers, now_s: Floats) -> None:
        """Write down the time and the error of complete chains; stored ends fade to the very end."""
        errors = np.bitwise_xor.reduce(self.link_errors[rows], axis=1)
        if self.memory.ends_store:
            for link, side in ((0, 0), (len(self.midpoints) - 1, 1)):
                idle_s = now_s - self.born_s[rows, link] + self.herald_s[link][side] + self.confirm_s
                errors = self._faded(errors, idle_s)
        self.errors[rows], self.done_s[rows] = errors, now_s

    def _faded(self, errors: Integers, idle_s: Floats) -> Integers:
        """Return errors after one qubit of each pair idled: what its memory forgot is any of the four."""
        idle = idle_s / self.memory.coherence_time_s
        kept = np.exp(-idle if self.memory.decay == "exponential" else -(idle**2))
        forgotten = self.rng.random(len(errors)) >= kept
        return np.where(forgotten, self.rng.integers(0, 4, len(errors)), errors)
