"""The world as the optimizer sees it: what is as built is free, what is forbidden is gone, what is forced is due."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from planner.design.ledger import Past, PriceTable
from planner.fixed import FixedParts
from planner.network import Network
from planner.scenario import Scenario

SPAN_PRICES = (
    "trench_capex",
    "right_of_way_capex",
    "crossing_capex",
    "cable_capex",
    "rent_per_year",
)
"""Columns of what it costs to have a span; leases are paid by the routes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SettledWorld:
    """A network and a scenario in which a search needs to know nothing of what was settled, but for what is due."""

    network: Network
    scenario: Scenario
    past: Past

    def paid_anyway(self, prices: PriceTable) -> float:
        """Return what the spans and sites that are due cost at least, whatever else is built."""
        spans = math.fsum(float(prices.spans.floor[phase, span]) for span, phase in sorted(self.past.due_spans.items()))
        sites = (min(prices.site[site][: phase + 1]) for site, phase in sorted(self.past.due_sites.items()))
        return spans + math.fsum(sites)

    def owned_worth(self, prices: PriceTable) -> float:
        """Return what the equipment that stands would cost in the first phase: no plan saves more by it."""
        owned = sorted(self.past.units.items())
        return math.fsum(count * prices.item[item][0] for (_, item), count in owned)

    def with_due_for_nothing(self) -> SettledWorld:
        """Return the world in which spans and sites that are due cost nothing, as a bound may assume."""
        spans, sites = frozenset(self.past.due_spans), frozenset(self.past.due_sites)
        return replace(
            self,
            network=_cheaper(self.network, spans, sites),
            scenario=_without_shelters(self.scenario, sites),
        )


def settle(network: Network, scenario: Scenario, fixed: FixedParts) -> SettledWorld:
    """Return the world with what the scenario settles beforehand built into it."""
    changed = _cheaper(network, fixed.built_spans, fixed.built_sites)
    if fixed.forbidden_spans:
        max_fibers = changed.spans.max_fibers.copy()
        max_fibers[sorted(fixed.forbidden_spans)] = 0
        changed = replace(changed, spans=replace(changed.spans, max_fibers=max_fibers))
    sites = tuple(
        site.model_copy(
            update={"hosts": tuple(role for role in site.hosts if role not in fixed.forbidden_roles.get(site.id, ()))}
        )
        for site in scenario.sites
    )
    due_items = sorted({(site, item) for site, item, _ in fixed.forced_units})
    past = Past(
        spans=fixed.built_spans,
        sites=fixed.built_sites,
        units=fixed.owned_units,
        due_spans=fixed.forced_spans,
        due_sites=fixed.forced_sites,
        due_units={
            key: tuple(fixed.units_due(*key, phase) for phase in range(len(scenario.phases))) for key in due_items
        },
    )
    changed_scenario = _without_shelters(replace(scenario, sites=sites), fixed.built_sites)
    return SettledWorld(network=changed, scenario=changed_scenario, past=past)


def _cheaper(network: Network, spans: frozenset[int], sites: frozenset[str]) -> Network:
    """Return the network in which some spans and the laterals of some sites cost nothing and can be had at once."""
    chosen = np.array(sorted(spans), dtype=np.int64)
    columns = {name: getattr(network.spans, name).copy() for name in SPAN_PRICES}
    columns |= {name: getattr(network.spans, name).copy() for name in ("closed_until_year", "buildable")}
    for name, column in columns.items():
        column[chosen] = name == "buildable"
    return replace(
        network,
        spans=replace(network.spans, **columns),
        sites=tuple(replace(site, lateral_capex=0.0) if site.id in sites else site for site in network.sites),
    )


def _without_shelters(scenario: Scenario, sites: frozenset[str]) -> Scenario:
    changed = (site.model_copy(update={"shelter": None}) if site.id in sites else site for site in scenario.sites)
    return replace(scenario, sites=tuple(changed))
