"""Cheaper units for who buys many: what purchases cost less, and what a bound may still count on."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping

from planner import costs
from planner.scenario import Scenario

Purchases = Mapping[tuple[str, str, int], int]
"""(site, item, phase) -> units bought."""


class Rebates:
    """The items of a scenario whose price falls with the units that the city buys."""

    def __init__(self, scenario: Scenario, bought_before: Mapping[str, int]) -> None:
        """Count what was bought before the first phase towards the steps."""
        self._scenario = scenario
        self.bought_before = dict(bought_before)
        items = scenario.costs.items
        self.steps = {name: item.price_steps for name, item in sorted(items.items()) if item.price_steps}
        """Item -> steps of its price; items without any are left out."""

    def of(self, units: Purchases) -> Iterator[tuple[str, int, float]]:
        """Yield item, phase, and by how many units' price of that phase the purchases cost less."""
        phases = len(self._scenario.phases)
        bought = {name: [self.bought_before.get(name, 0), *[0] * phases] for name in self.steps}
        for (_, name, phase), count in sorted(units.items()):
            if name in bought:
                bought[name][1 + phase] += count
        return costs.rebates(self._scenario, bought)

    def least_share(self, name: str) -> float:
        """Return the share of its price that every unit of an item costs at least."""
        return self.steps[name][-1].price_share if name in self.steps else 1.0

    def premium(self, name: str, least_units: int) -> float:
        """Return by how many units' price the first units of an item cost more than at their least share."""
        item = self._scenario.costs.items[name]
        return (1.0 - self.least_share(name)) * least_units - costs.rebated_units(item, least_units)


def counted(units: Purchases) -> Counter[str]:
    """Return the units of each item over all sites and phases."""
    totals: Counter[str] = Counter()
    for (_, item, _), count in units.items():
        totals[item] += count
    return totals


def present_rebate(rebates: Rebates, price: Mapping[str, list[float]], units: Purchases) -> float:
    """Return what purchases cost less than at full prices by phase."""
    return math.fsum(less * price[item][phase] for item, phase, less in rebates.of(units)) if rebates.steps else 0.0
