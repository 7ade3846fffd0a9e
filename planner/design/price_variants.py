"""Prices of spans for searches that mind what shows in no price: noise of spans, and how often they are cut."""

from __future__ import annotations

import numpy as np

from planner.design.routes import RouteJudge
from planner.network import Floats
from planner.scenario import Demand

AVAILABILITY_PRICES = (1.0, 1000.0)
"""Prices of the time in which a span is cut, relative to the average of all spans."""


def price_variants(judge: RouteJudge, demand: Demand, price: Floats) -> list[Floats]:
    """Return the prices of spans, and others that lead to routes which these would never find.

    Once without the spans that add noise; for a demand with a least availability also with prices on the time
    without a span, up to one that outweighs all others.
    """
    variants = [price]
    noisy = [span for span in judge.arms.noise if np.isfinite(price[span])]
    if noisy:
        quiet = price.copy()
        quiet[noisy] = np.inf
        variants.append(quiet)
    if demand.min_availability is not None and judge.outages is not None:
        down = judge.outages.span_down
        finite = np.isfinite(price)
        worth = float(price[finite].sum()) / max(float(down[finite].sum()), 1e-12)
        variants += [each + factor * worth * down for each in tuple(variants) for factor in AVAILABILITY_PRICES]
    return variants
