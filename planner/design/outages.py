"""How much of the time routes and services work: which independent events stop a route, and how often they happen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from planner.network import Network
from planner.physics.availability import expected_rate_hz, fiber_unavailability, service_unavailability
from planner.plan import Route
from planner.reliability import Reliability
from planner.scenario import Scenario

ALONG = ("street:", "parallel:", "line:")
"""Beginnings of risk groups that run along a span: a dig there is an event of its own, and hits all of the group."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceTime:
    """Share of the time in which at least one route of a service works, its mean rate, and the share of each route."""

    availability: float
    expected_rate_hz: float
    routes: tuple[float, ...]


class Outages:
    """Events that stop routes: cuts, structures, power and equipment of sites, and the weather of all hops.

    A span is cut on its own over the length that no risk group along it explains; the rest is cut with the group.
    Units of an item at a site fail together, which is the safe side for those that are bought twice.
    """

    def __init__(self, network: Network, scenario: Scenario, reliability: Reliability) -> None:
        """Collect the lengths of risk groups in a network."""
        self._network = network
        self._scenario = scenario
        self._reliability = reliability
        self._index = network.span_index()
        self._group_km: dict[str, float] = {}
        self._group_down_per_km: dict[str, float] = {}
        spans = network.spans
        for span, groups in enumerate(spans.risk_groups):
            length_km, down = float(spans.length_km[span]), self._down_per_km(span)
            for group in groups or (spans.ids[span],):
                self._group_km[group] = min(length_km, self._group_km.get(group, length_km))
                self._group_down_per_km[group] = max(down, self._group_down_per_km.get(group, 0.0))
        self._climate = scenario.climate
        self._feeds = {site.id: site.power_feed and f"feed {site.power_feed}" for site in scenario.sites}
        self.span_down = np.array(
            [self._down_per_km(span) * float(spans.length_km[span]) for span in range(len(spans))], dtype=np.float64
        )
        """Share of the time in which each span is cut, for searches: what it shares with others is not told apart."""
        self.up: dict[str, float] = {}
        """Availability of every event met so far, by its name."""

    def service(self, routes: Sequence[Route]) -> ServiceTime:
        """Return how much of the time the routes of a service work, whatever they share, in all weathers."""
        events = [self._events(route) for route in routes]
        needed_km = [self._visibility_km(route) for route in routes]
        rates_hz = [route.rate_hz for route in routes]
        works, rate_hz, each = 0.0, 0.0, [0.0] * len(routes)
        for share, seen_km in self._weathers(needed_km):
            clear = [at for at, needed in enumerate(needed_km) if needed <= seen_km]
            left = [events[at] for at in clear]
            if left:
                works += share * (1.0 - service_unavailability(left, self.up))
                rate_hz += share * expected_rate_hz(left, [rates_hz[at] for at in clear], self.up)
            for at in clear:
                each[at] += share * (1.0 - service_unavailability([events[at]], self.up))
        return ServiceTime(availability=works, expected_rate_hz=rate_hz, routes=tuple(each))

    def _events(self, route: Route) -> frozenset[str]:
        found: set[str] = set()
        sites: set[str] = set()
        hops = {hop.id: hop for hop in self._network.hops}
        for name in route.spans:
            found.update(self._span_events(self._index[name]))
            if name in hops:
                sites |= {hops[name].a, hops[name].b}
        technology = self._scenario.technology(route.technology)
        for station in route.stations:
            sites.add(station.site)
            for need in technology.equipment.get(station.role, ()):
                if need.units_for(route.lanes) and need.item in self._reliability.equipment:
                    down = self._reliability.equipment[need.item].unavailability
                    found.add(self._named(f"{need.item}@{station.site}", down))
        feeds = {self._feeds.get(site) or site for site in sites}
        found.update(self._named(f"power:{feed}", self._reliability.power.unavailability) for feed in feeds)
        return frozenset(found)

    def _span_events(self, span: int) -> Iterable[str]:
        spans = self._network.spans
        groups = spans.risk_groups[span] or (spans.ids[span],)
        length_km = float(spans.length_km[span])
        if spans.medium[span] == "free_space":
            terminal = self._reliability.equipment.get("free-space-terminal")
            if terminal is not None:
                both = 1.0 - (1.0 - terminal.unavailability) ** 2
                yield self._named(groups[0], both)
            return
        for group in groups[1:]:
            if group.startswith(ALONG):
                length_km -= self._group_km[group]
                yield self._cut(group, self._group_km[group])
            else:
                yield self._named(group, self._reliability.structure.unavailability)
        yield self._cut(groups[0], self._group_km[groups[0]] if groups[0].startswith(ALONG) else max(0.0, length_km))

    def _down_per_km(self, span: int) -> float:
        """Return the share of the time in which a km of a span's medium is cut."""
        rate = self._reliability.cuts.get(self._network.spans.medium[span])
        return 0.0 if rate is None else fiber_unavailability(1.0, rate.cuts_per_1000_km_year, rate.repair_h)

    def _cut(self, group: str, length_km: float) -> str:
        return self._named(group, self._group_down_per_km[group] * length_km)

    def _named(self, event: str, unavailability: float) -> str:
        self.up[event] = max(0.0, 1.0 - unavailability)
        return event

    def _visibility_km(self, route: Route) -> float:
        used = set(route.spans)
        return max((hop.visibility_km for hop in self._network.hops if hop.id in used), default=0.0)

    def _weathers(self, needed_km: Sequence[float]) -> list[tuple[float, float]]:
        """Return share and visibility of the weathers that make a difference; one fine weather without a climate."""
        if self._climate is None or not any(needed_km):
            return [(1.0, max(needed_km, default=0.0))]
        return list(zip(self._climate.shares, self._climate.visibility_km, strict=True))
