"""Availability worked out again: what stops each route, and by inclusion and exclusion how often all of them stop."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

from planner.network import Network
from planner.plan import Route, Service
from planner.reliability import HOURS_PER_YEAR, Reliability
from planner.scenario import Scenario
from planner.verify.facts import Facts
from planner.verify.findings import Finding, agree, at_least, equal

DUG = ("street:", "parallel:", "line:")
"""Risk groups that are one dig: what lies in a stretch of them is cut there, and there only."""

Events = Mapping[str, float]
"""Share of the time in which an event holds, by its name; events are independent."""


def availability_is_right(facts: Facts) -> Iterator[Finding]:
    """Yield whether the plan's availabilities and mean rates follow from the figures of the hardware catalog."""
    for service, routes in _timed_services(facts):
        expected, mean_hz = service_time(facts.network, facts.scenario, routes)
        found = service.availability if service.availability is not None else 0.0
        subject = f"{service.demand} in {service.phase}"
        # What matters is the time without service: compared for itself, it keeps its digits.
        if agree(1.0 - expected, 1.0 - found) and not agree(mean_hz, service.expected_rate_hz or 0.0):
            yield equal(f"{subject}: mean rate", mean_hz, service.expected_rate_hz or 0.0, unit="Hz")
        else:
            yield equal(f"{subject}: share without service", 1.0 - expected, 1.0 - found)


def availability_is_reached(facts: Facts) -> Iterator[Finding]:
    """Yield whether services work, by recomputation, as much of the time as their demands ask for, where they do."""
    for service, routes in _timed_services(facts):
        least = facts.scenario.demand(service.demand).min_availability
        if least is not None:
            works, _ = service_time(facts.network, facts.scenario, routes)
            yield at_least(f"{service.demand} in {service.phase}", least, works)


def service_time(network: Network, scenario: Scenario, routes: Sequence[Route]) -> tuple[float, float]:
    """Return the share of the time in which at least one of the routes works, and the mean of the fastest that does.

    Over all weathers. P(some of A, B, ... work) is the sum over sets S of them of (-1)^(|S| + 1) P(all of S work).
    """
    reliability = scenario.hardware.reliability
    if reliability is None:
        return 0.0, 0.0
    book = _Book(network, scenario, reliability)
    ranked = sorted(routes, key=lambda route: -route.rate_hz)
    stops = [book.events(route) for route in ranked]
    needs_km = [book.visibility_km(route) for route in ranked]
    climate = scenario.climate
    weathers = [(1.0, math.inf)] if climate is None else list(zip(climate.shares, climate.visibility_km, strict=True))
    works, mean_hz = 0.0, 0.0
    for share, seen_km in weathers:
        clear = [at for at in range(len(ranked)) if needs_km[at] <= seen_km]
        before = 0.0
        for count in range(1, len(clear) + 1):
            some = _some_work([stops[at] for at in clear[:count]])
            mean_hz += share * ranked[clear[count - 1]].rate_hz * (some - before)
            before = some
        works += share * before
    return works, mean_hz


def _timed_services(facts: Facts) -> Iterator[tuple[Service, tuple[Route, ...]]]:
    """Yield the services that say how much of the time they work, or must; only where figures are known."""
    if facts.scenario.hardware.reliability is not None:
        for service in facts.plan.services:
            is_asked = facts.scenario.demand(service.demand).min_availability is not None
            if service.routes and (service.availability is not None or is_asked):
                yield service, service.routes


def _some_work(stops: Sequence[Events]) -> float:
    total = 0.0
    for count in range(1, len(stops) + 1):
        for chosen in combinations(stops, count):
            together: dict[str, float] = {}
            for events in chosen:
                together.update(events)
            total += (-1.0) ** (count + 1) * math.prod(1.0 - down for down in together.values())
    return total


class _Book:
    """The events of a region."""

    def __init__(self, network: Network, scenario: Scenario, reliability: Reliability) -> None:
        self.network, self.scenario, self.reliability = network, scenario, reliability
        self.index = network.span_index()
        self.members: dict[str, list[int]] = {}
        for span, groups in enumerate(network.spans.risk_groups):
            for group in groups or (network.spans.ids[span],):
                self.members.setdefault(group, []).append(span)

    def events(self, route: Route) -> Events:
        """Return what stops a route."""
        found: dict[str, float] = {}
        places = {station.site for station in route.stations}
        for name in route.spans:
            span = self.index[name]
            if self.network.spans.medium[span] == "free_space":
                hop = self.network.hop(name)
                places |= {hop.a, hop.b}
                found |= self._hop_event(span)
            else:
                found |= self._cuts(span)
        for station in route.stations:
            for need in self.scenario.technology(route.technology).equipment.get(station.role, ()):
                counted = {"per_route": 1, "per_lane": route.lanes, "per_extra_lane": route.lanes - 1}[need.counted]
                if counted and need.item in self.reliability.equipment:
                    found[f"{need.item} at {station.site}"] = self.reliability.equipment[need.item].unavailability
        feeds = {self.scenario.site(place).power_feed for place in places} - {""}
        alone = {place for place in places if not self.scenario.site(place).power_feed}
        powered = [f"power of {feed}" for feed in feeds] + [f"power at {place}" for place in alone]
        return found | dict.fromkeys(powered, self.reliability.power.unavailability)

    def visibility_km(self, route: Route) -> float:
        """Return the visibility that the hops of a route are designed for; 0 without hops."""
        hops = [self.network.hop(name) for name in route.spans if self._is_hop(name)]
        return max((hop.visibility_km for hop in hops), default=0.0)

    def _is_hop(self, name: str) -> bool:
        return self.network.spans.medium[self.index[name]] == "free_space"

    def _hop_event(self, span: int) -> Events:
        terminal = self.reliability.equipment.get("free-space-terminal")
        name = (self.network.spans.risk_groups[span] or (self.network.spans.ids[span],))[0]
        return {} if terminal is None else {name: 1.0 - (1.0 - terminal.unavailability) ** 2}

    def _cuts(self, span: int) -> Events:
        spans = self.network.spans
        own, *others = spans.risk_groups[span] or (spans.ids[span],)
        found = {group: self.reliability.structure.unavailability for group in others if not group.startswith(DUG)}
        stretches = {group: self._shortest_km(group) for group in others if group.startswith(DUG)}
        alone_km = max(0.0, float(spans.length_km[span]) - math.fsum(stretches.values()))
        stretches[own] = self._shortest_km(own) if own.startswith(DUG) else alone_km
        return found | {group: length_km * self._worst_per_km(group) for group, length_km in stretches.items()}

    def _shortest_km(self, group: str) -> float:
        return min(float(self.network.spans.length_km[span]) for span in self.members[group])

    def _worst_per_km(self, group: str) -> float:
        media = {self.network.spans.medium[span] for span in self.members[group]}
        rates = [self.reliability.cuts[medium] for medium in media if medium in self.reliability.cuts]
        return max(
            (rate.cuts_per_1000_km_year * rate.repair_h / 1000.0 / HOURS_PER_YEAR for rate in rates), default=0.0
        )
