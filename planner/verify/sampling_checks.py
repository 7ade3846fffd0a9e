"""Check of the closed forms behind the plan: pairs of memories, and clicks of detectors, are sampled one by one."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from planner.catalog import LinkHardware
from planner.physics.performance import ElementaryLink, RoutePerformance
from planner.verify.attempts import midpoint_of
from planner.verify.coincidences import simulate_coincidences
from planner.verify.facts import Facts
from planner.verify.findings import RELATIVE_TOLERANCE, Finding, number
from planner.verify.routes import RouteFacts
from planner.verify.simulate import ChainEstimate, Estimate, Schedule, simulate_chain

STANDARD_ERRORS = 5.0
"""Largest distance that still counts as agreement: one sample in two million lies farther off by chance."""
MOST_PAIRS = 2000
FEWEST_PAIRS = 30
"""With fewer pairs the sample would agree with almost anything."""
MOST_DRAWS = 4_000_000
"""Photon modes drawn for one route: about a tenth of a second."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Chain:
    """A chain to be sampled, and how many of its pairs are worth the time; 0 for a chain that is too slow."""

    links: tuple[ElementaryLink, ...]
    hardware: LinkHardware
    performance: RoutePerformance
    pairs: int
    min_fidelity: float


def sampling_agrees(facts: Facts) -> Iterator[Finding]:
    """Yield whether rate and fidelity, sampled with a fixed seed, agree with the closed forms.

    One finding for each number of each different chain of memories, and of the slowest route of each technology
    without memories. Chains that hardly ever succeed are left out; the verdict's notes name them.
    """
    for subject, chain in different_chains(facts).items():
        if chain.pairs:
            found = _sample(chain, "asap")
            if chain.hardware.memory is not None and chain.hardware.memory.swap_probability < 1.0:
                found = _nearer(chain, found)
            yield from _findings(subject, chain, found)
    for subject, chain in _slowest_detected(facts).items():
        settings = chain.performance.settings
        counted = simulate_coincidences(
            chain.links[0], chain.hardware, settings=settings, pairs=chain.pairs, seed=chain.pairs
        )
        told = f"{subject}, clicks sampled"
        # one detector that is dead makes the other's click worth nothing: such clicks die together
        slack = counted.dead_share
        yield _agreement(f"{told}: rate", chain.performance.lane_rate_hz, counted.rate_hz, slack=slack, unit="Hz")
        slack *= 1.0 - chain.performance.fidelity
        yield _agreement(f"{told}: fidelity", chain.performance.fidelity, counted.fidelity, slack=slack)


def different_chains(facts: Facts) -> dict[str, Chain]:
    """Return the memory chains of the plan, each once, by the first route that has it."""
    chains: dict[tuple[object, ...], tuple[str, Chain]] = {}
    for route in facts.routes:
        key = (route.technology.id, route.arms, route.route.settings)
        if route.performance is not None and route.technology.memory is not None and key not in chains:
            chains[key] = (route.subject, _chain(facts, route, route.performance))
    return dict(chains.values())


def _chain(facts: Facts, route: RouteFacts, performance: RoutePerformance) -> Chain:
    arms = route.arms or ()
    links = tuple(ElementaryLink(left=left, right=right) for left, right in zip(arms[::2], arms[1::2], strict=True))
    hardware = facts.scenario.link_hardware(route.technology)
    least = route.demand.min_fidelity
    pairs = 0
    if hardware.memory is None:
        pairs = MOST_PAIRS
    elif performance.lane_rate_hz > 0.0:
        midpoints = [midpoint_of(link, hardware, performance.settings, least) for link in links]
        modes_hz = sum(midpoint.memory.modes / midpoint.clock_s for midpoint in midpoints)
        pairs = int(min(MOST_PAIRS, MOST_DRAWS * performance.lane_rate_hz / modes_hz))
    return Chain(
        links=links,
        hardware=hardware,
        performance=performance,
        pairs=pairs if pairs >= FEWEST_PAIRS else 0,
        min_fidelity=least,
    )


def _slowest_detected(facts: Facts) -> dict[str, Chain]:
    """Return of each technology without memories the route of one link that has the lowest rate, where it has one."""
    slowest: dict[str, tuple[float, str, RouteFacts]] = {}
    for route in facts.routes:
        if route.performance is None or route.technology.memory is not None or len(route.arms or ()) != 2:
            continue
        rate_hz = route.performance.lane_rate_hz
        if rate_hz > 0.0 and rate_hz < slowest.get(route.technology.id, (math.inf,))[0]:
            slowest[route.technology.id] = (rate_hz, route.subject, route)
    return {
        subject: _chain(facts, route, route.performance)
        for _, subject, route in slowest.values()
        if route.performance is not None
    }


def _sample(chain: Chain, schedule: Schedule) -> ChainEstimate:
    return simulate_chain(
        chain.links,
        chain.hardware,
        pairs=chain.pairs,
        seed=chain.pairs,
        schedule=schedule,
        settings=chain.performance.settings,
        min_fidelity=chain.min_fidelity,
    )


def _nearer(chain: Chain, asap: ChainEstimate) -> ChainEstimate:
    """Return the sample of the schedule that the physics chose: the one with the nearer rate, where there are two."""
    if len(chain.links) not in (4, 8):
        return asap
    nested = _sample(chain, "nested")
    expected_hz = chain.performance.lane_rate_hz
    return min(asap, nested, key=lambda found: abs(found.rate_hz.deviation(expected_hz)))


def _findings(subject: str, chain: Chain, found: ChainEstimate) -> Iterator[Finding]:
    performance, memory = chain.performance, chain.hardware.memory
    is_bound = (
        memory is not None
        and memory.decay == "gaussian"
        and len(chain.links) > 2
        and (memory.ends_store or memory.swap_probability < 1.0)
    )
    distillation = performance.settings.distillation
    # distilled pairs are taken as memoryless, which is on the safe side for chains and for a second round
    is_low = distillation is not None and (len(chain.links) > 1 or distillation != "bbpssw")
    slack = _clock_slack(chain)
    told = f"{subject}, {chain.pairs} pairs sampled"
    yield _agreement(
        f"{told}: rate of a lane",
        performance.lane_rate_hz,
        found.rate_hz,
        slack=slack,
        unit="Hz",
        is_bound=is_low,
    )
    is_bound |= is_low
    slack *= 1.0 - performance.fidelity
    yield _agreement(f"{told}: fidelity", performance.fidelity, found.fidelity, slack=slack, is_bound=is_bound)


def _clock_slack(chain: Chain) -> float:
    """Return the relative error that the closed form makes by a common clock: below the chance of one attempt."""
    clocks_s = [midpoint_of(link, chain.hardware).clock_s for link in chain.links]
    if max(clocks_s) <= min(clocks_s) * (1.0 + 1e-9):
        return 0.0
    return max(rate_hz * clock_s for rate_hz, clock_s in zip(chain.performance.link_rate_hz, clocks_s, strict=True))


def _agreement(
    subject: str, expected: float, found: Estimate, *, slack: float, unit: str = "", is_bound: bool = False
) -> Finding:
    # where every attempt succeeds there is no spread, but rounding is left
    allowed = STANDARD_ERRORS * found.standard_error + (slack + RELATIVE_TOLERANCE) * expected
    is_high_enough = found.value >= expected - allowed
    is_low_enough = is_bound or found.value <= expected + allowed
    return Finding(
        subject=subject,
        expected=f"{'at least ' if is_bound else ''}{number(expected)}, within {allowed:.3g}",
        actual=number(found.value),
        unit=unit,
        passed=is_high_enough and is_low_enough,
    )
