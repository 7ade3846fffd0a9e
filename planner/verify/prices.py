"""What spans and laterals cost, worked out again from lengths, attributes and the price list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

from planner.catalog import CostFactor
from planner.network import Network
from planner.scenario import Scenario
from planner.verify.findings import agree
from planner.verify.layers import OwnPrices

UNKNOWN = "unknown"
"""Entry of the price list for road classes and surfaces that it does not name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SpanPrices:
    """What one span costs, in the scenario's money; what does not apply to its medium is zero."""

    trench_capex: float = 0.0
    right_of_way_capex: float = 0.0
    crossing_capex: float = 0.0
    cable_capex: float = 0.0
    rent_per_year: float = 0.0
    lease_per_fiber_year: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Prices:
    """The price list of a scenario, applied to the lengths and attributes of a network.

    Ducts may have a rent or lease of their own. The network's figure is then taken if some record of the layers states
    that price, or if the layers could not be read; otherwise the price list holds.
    """

    network: Network
    scenario: Scenario
    own: OwnPrices

    def span(self, index: int) -> SpanPrices:
        """Return the prices of a span, with what overrides make of them."""
        listed, factor = self._listed(index), self._override_factor(index)
        return SpanPrices(**{field.name: getattr(listed, field.name) * factor for field in fields(SpanPrices)})

    def _override_factor(self, index: int) -> float:
        """Return the factor of overrides, as the network has it: `overrides_are_kept` compares it with the layers."""
        return float(self.network.spans.price_factor[index]) or 1.0

    def _listed(self, index: int) -> SpanPrices:
        match self.network.spans.medium[index]:
            case "trench":
                return self._trench(index)
            case "duct":
                rent = self._rent_per_m_year(index) * self._metres(index)
                return SpanPrices(cable_capex=self._price("cable-pull") * self._metres(index), rent_per_year=rent)
            case "dark_fiber":
                lease = self._lease_per_fiber_km_year(index) * self._metres(index) / 1000.0
                return SpanPrices(lease_per_fiber_year=lease)
            case "free_space":
                return SpanPrices(cable_capex=2.0 * self._price("free-space-terminal"))

    def lateral(self, site_id: str) -> float:
        """Return what the lateral of a site costs: trench in the scenario's density, and its permit, by length."""
        per_metre = self._price("trench") * self._density() + self._price("right-of-way-permit")
        return per_metre * self.network.site(site_id).lateral_km * 1000.0

    def is_own(self, index: int) -> bool:
        """Return whether a duct or leased span has a price that differs from the price list's."""
        match self.network.spans.medium[index]:
            case "duct":
                return self._rent_per_m_year(index) != self._price("duct-rental")
            case "dark_fiber":
                return self._lease_per_fiber_km_year(index) != self._price("dark-fiber-lease")
            case _:
                return False

    def _trench(self, index: int) -> SpanPrices:
        spans, costs = self.network.spans, self.scenario.costs
        road = _factor(costs.road_classes, spans.road_class[index])
        surface = _factor(costs.surfaces, spans.surface[index])
        way = self.scenario.spec.right_of_way
        zones = [rule for rule in way.zones if rule.kind == spans.zone[index]]
        districts = [rule for rule in way.districts if rule.district == spans.district[index]]
        density, factor, fee = way.density, 1.0, 0.0
        for zone in zones:
            factor, fee = factor * zone.factor, fee + zone.permit_per_m
        for district in districts:
            factor, fee = factor * district.factor, fee + district.permit_per_m
            density = district.density or density
        digging = self._price("trench") * costs.densities[density].factor * road * surface * factor
        permit = self._price("right-of-way-permit") * road * factor + fee
        metres = self._metres(index)
        # how often a street crosses something is geometry that only the network holds; a crossing has its price
        own = float(spans.crossing_capex[index]) / self._override_factor(index)
        crossing = own if way.crossings else 0.0
        return SpanPrices(trench_capex=digging * metres, right_of_way_capex=permit * metres, crossing_capex=crossing)

    def digging_factor(self, index: int, phase: int) -> float:
        """Return the factor on digging a span in a phase: that of roadworks in the first three years of the phase."""
        rule, year = self.scenario.spec.right_of_way.roadworks, self.scenario.phases[phase].year
        is_shared = rule is not None and self.network.spans.roadworks_year[index] in (year, year + 1, year + 2)
        return rule.factor if rule is not None and is_shared else 1.0

    def _rent_per_m_year(self, index: int) -> float:
        rent_per_year = float(self.network.spans.rent_per_year[index]) / self._override_factor(index)
        listed = self._price("duct-rental")
        return _chosen(rent_per_year, self._metres(index), listed, self.own.rents_per_m_year, self.own.unread)

    def _lease_per_fiber_km_year(self, index: int) -> float:
        lease_per_year = float(self.network.spans.lease_per_fiber_year[index]) / self._override_factor(index)
        listed = self._price("dark-fiber-lease")
        length_km = self._metres(index) / 1000.0
        return _chosen(lease_per_year, length_km, listed, self.own.leases_per_fiber_km_year, self.own.unread)

    def _metres(self, index: int) -> float:
        return float(self.network.spans.length_km[index]) * 1000.0

    def _density(self) -> float:
        return self.scenario.costs.densities[self.scenario.spec.right_of_way.density].factor

    def _price(self, item: str) -> float:
        return self.scenario.costs.items[item].price


def _chosen(amount: float, extent: float, listed: float, stated: frozenset[float], unread: tuple[str, ...]) -> float:
    """Return the price per metre or km that holds for a duct of that extent, where the network has `amount`."""
    if agree(amount, listed * extent) or extent == 0.0:
        return listed
    if unread:
        return amount / extent
    return next((price for price in sorted(stated) if agree(amount, price * extent)), listed)


def _factor(factors: Mapping[str, CostFactor], name: str) -> float:
    return factors[name if name in factors else UNKNOWN].factor
