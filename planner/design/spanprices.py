"""What spans cost by phase: when their streets may be opened, and in which phase it is best to open them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from planner import costs
from planner.network import Floats, Integers, Network
from planner.scenario import Scenario


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class SpanPrices:
    """Present costs and capital of spans, each (phases, spans)."""

    first: Floats
    """Present cost of a span that is built in just this phase, whether it may be or not."""
    closed: NDArray[np.bool_]
    """Whether a moratorium forbids to open the street in the phase."""
    capex: Floats
    """Capital of a span that is built in just this phase."""
    best: Floats
    """Present cost of a span needed from this phase on, built in the cheapest phase until then; infinite if none."""
    start: Integers
    """That cheapest phase; meaningless where `best` is infinite."""
    floor: Floats
    """As `best`, but where the span cannot be had by the phase, its price in the first phase in which it can."""
    timing: Integers
    """(spans,): equal for spans with the same closed phases and the same phases of cheaper digging."""


def with_extra(prices: SpanPrices, extra: Floats) -> SpanPrices:
    """Return the prices of spans where building one in a phase costs `extra` (phases, spans) more."""
    first = prices.first + extra
    best, start = _cheapest_until(np.where(prices.closed, np.inf, first))
    return replace(prices, first=first, best=best, start=start)


def _cheapest_until(allowed: Floats) -> tuple[Floats, Integers]:
    """Return the least price of a span in some phase or an earlier one, and the phase in which it is had."""
    best, start = allowed.copy(), np.zeros(allowed.shape, dtype=np.int64)
    for phase in range(len(allowed)):
        start[phase] = phase
        if phase:
            is_earlier = best[phase - 1] < best[phase]
            best[phase] = np.where(is_earlier, best[phase - 1], best[phase])
            start[phase] = np.where(is_earlier, start[phase - 1], phase)
    return best, start


def span_prices(network: Network, scenario: Scenario, bought: Sequence[int]) -> SpanPrices:
    """Return the prices of all spans by phase, where what is needed in a phase is bought in the phase `bought` says."""
    phases = range(len(scenario.phases))
    first = np.stack([costs.span_present_cost(network, scenario, phase) for phase in bought])
    closed = np.stack([costs.is_closed(network, scenario, phase) for phase in bought])
    shared = np.stack([costs.digging_factor(network, scenario, phase) < 1.0 for phase in bought])
    best, start = _cheapest_until(np.where(closed, np.inf, first))
    floor = best.copy()
    for phase in reversed(phases[:-1]):
        floor[phase] = np.where(np.isfinite(floor[phase]), floor[phase], floor[phase + 1])
    pattern = (1 << np.arange(2 * len(phases), dtype=np.int64)) @ np.concatenate((closed, shared)).astype(np.int64)
    return SpanPrices(
        first=first,
        closed=closed,
        capex=np.stack([costs.span_capex(network, scenario, phase) for phase in bought]),
        best=best,
        start=start,
        floor=floor,
        timing=np.unique(pattern, return_inverse=True)[1].astype(np.int64),
    )
