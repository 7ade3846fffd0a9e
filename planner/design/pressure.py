"""Prices under tight budgets: what counts against a budget that is overspent costs a search more than money."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence

import numpy as np

from planner.costs import BudgetLimit
from planner.design.ledger import PriceTable
from planner.design.spanprices import with_extra

FIRST_WEIGHT = 0.1
"""Extra price per unit of spending as soon as a budget is overspent."""
RISE, FALL = 1.25, 0.95
"""Factors on a weight when its budget is overspent, and when it is not."""
LEAST_WEIGHT, MOST_WEIGHT = 0.01, 20.0
"""A weight below the least is none; above the most it would outweigh every price."""


class Pressure:
    """What a search adds to prices for spending within the budgets: a weight for every limit, by what it meets."""

    def __init__(self, prices: PriceTable) -> None:
        """Start without pressure on the budgets of `prices`."""
        self._plain = prices
        self._weights = [0.0] * len(prices.limits)
        self.prices = prices
        """The prices under the present weights."""

    def feel(self, spending: Sequence[float]) -> bool:
        """Take what a plan spends by phase into account; return whether the prices have changed."""
        weights = [
            _next_weight(weight, is_over=limit.spent(spending) > limit.amount)
            for weight, limit in zip(self._weights, self._plain.limits, strict=True)
        ]
        if weights == self._weights:
            return False
        self._weights = weights
        self.prices = _weighted(self._plain, self._plain.limits, weights)
        return True


def _next_weight(weight: float, *, is_over: bool) -> float:
    if is_over:
        return min(MOST_WEIGHT, max(FIRST_WEIGHT, RISE * weight))
    return FALL * weight if FALL * weight > LEAST_WEIGHT else 0.0


def _weighted(plain: PriceTable, limits: Sequence[BudgetLimit], weights: Sequence[float]) -> PriceTable:
    """Return prices with what counts against the limits added as often as they weigh."""
    phases = plain.phases
    each = [
        math.fsum(w for w, limit in zip(weights, limits, strict=True) if limit.first_phase <= t <= limit.last_phase)
        for t in phases
    ]
    by_year = [weight * years for weight, years in zip(each, plain.budget_years, strict=True)]
    bought = [0 if plain.at_first else t for t in phases]
    capital = [each[t] for t in bought]
    yearly = [math.fsum(by_year[t:]) for t in bought]

    def dearer(price: Sequence[float], capex: Sequence[float], per_year: Sequence[float]) -> list[float]:
        return [price[t] + capital[t] * capex[t] + yearly[t] * per_year[t] for t in phases]

    table = copy.copy(plain)
    extra = np.array(capital)[:, None] * plain.spans.capex + np.array(yearly)[:, None] * plain.span_yearly
    table.spans = with_extra(plain.spans, extra)
    table.span = table.spans.best
    table.lease = [price + weight for price, weight in zip(plain.lease, by_year, strict=True)]
    table.site = {
        name: dearer(price, plain.site_capex[name], plain.site_yearly[name]) for name, price in plain.site.items()
    }
    table.item = {
        name: dearer(price, plain.item_capex[name], plain.item_yearly[name]) for name, price in plain.item.items()
    }
    return table
