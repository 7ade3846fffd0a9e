"""Candidate routes: a walk with stations, judged once by the physics, and what it takes from the network."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property

import numpy as np

from planner.catalog import LinkHardware
from planner.design.arms import ArmReader
from planner.design.graph import DesignGraph, design_graph
from planner.design.outages import Outages
from planner.design.redundancy import risks_inside, unavoidable_risks
from planner.design.risks import Risks, foreign_places
from planner.design.stretches import allowed_technologies, phases_of
from planner.network import Network, NetworkSite
from planner.physics.performance import ElementaryLink, RoutePerformance, evaluate_route, has_choices
from planner.plan import Plan, Route, RouteSettings, Station
from planner.scenario import Demand, Scenario, Technology

ROUNDING = 1.0 + 1e-9
"""A link at its limit is within it, however its loss was added up."""

CandidateKey = tuple[str, str, str, tuple[str, ...], tuple[tuple[str, str, int], ...], int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """A route that meets its demand's rate and fidelity, and what it needs.

    `passes` counts how often each span (by index) is walked; `needs` holds (site, item) -> units; `conflicts` are the
    risk groups and interior sites that the demand's other route must avoid: all, but for those that no route can.
    """

    demand: str
    route: Route
    passes: Mapping[int, int]
    needs: Mapping[tuple[str, str], int]
    sites: tuple[str, ...]
    """Sites that must be open, the ends of free-space hops included."""
    conflicts: frozenset[str]
    shareable: frozenset[int]
    """Spans of it that the demand's other route may use too."""
    lease_per_year: float
    fibers: int
    """Fibers taken by one pass."""
    stretch: tuple[int, int] | None = None
    """First and last phase in which it was meant to serve; none for all of its demand's."""

    @property
    def key(self) -> CandidateKey:
        """Return what makes the candidate different from others; keys can be sorted."""
        stations = tuple((item.site, item.role, item.after_spans) for item in self.route.stations)
        return self.demand, self.route.target, self.route.technology, self.route.spans, stations, self.route.lanes

    @property
    def rank(self) -> tuple[bool, float, CandidateKey]:
        """Return what sorts the routes of a service: full targets first, then the least loss."""
        return self.route.target == "backup", self.route.loss_db, self.key


class RouteJudge:
    """Turns walks with stations into candidates, or rejects those that miss the demand's rate or fidelity."""

    def __init__(self, network: Network, scenario: Scenario) -> None:
        """Prepare lookups for one network and scenario."""
        self.network = network
        self.scenario = scenario
        self.arms = ArmReader(network, scenario)
        self.sites: dict[str, NetworkSite] = self.arms.sites
        self._hop_ends = {hop.id: (hop.a, hop.b) for hop in network.hops}
        self._hardware = {item.id: scenario.link_hardware(item) for item in scenario.spec.technologies}
        self._interfaces = {site.id: site.interface for site in scenario.sites if site.interface.is_stated}
        self._risks: dict[str, Risks] = {}
        self._classes = {site.id: site.security_class for site in scenario.sites}
        self._unavoidable: dict[tuple[str, str, str], frozenset[str]] = {}
        self._exempt: dict[str, frozenset[str]] = {}

    @cached_property
    def graph(self) -> DesignGraph:
        """The search graph of the network."""
        return design_graph(self.network)

    @cached_property
    def outages(self) -> Outages | None:
        """What stops routes, and how often; None without figures of reliability."""
        reliability = self.scenario.hardware.reliability
        return None if reliability is None else Outages(self.network, self.scenario, reliability)

    def risks(self, demand: Demand) -> Risks:
        """Return the risks that count between the routes of a demand."""
        if demand.disjoint not in self._risks:
            self._risks[demand.disjoint] = Risks(self.network, self.graph, demand.disjoint)
        return self._risks[demand.disjoint]

    def unavoidable_risks(self, demand: Demand) -> frozenset[str]:
        """Return the risks that every route of a demand meets, its own ends not counted."""
        key = (demand.disjoint, demand.a, demand.b)
        if key not in self._unavoidable:
            ends = (self.sites[demand.a].node, self.sites[demand.b].node)
            risks = self.risks(demand)
            self._unavoidable[key] = unavoidable_risks(self.graph, risks, ends, risks.own(demand))
        return self._unavoidable[key]

    def exempt_risks(self, demand: Demand) -> frozenset[str]:
        """Return the risks that the routes of a demand may share: its own ends, and if asked what no route can avoid.

        What lies within an unavoidable risk fails with it and may be shared too.
        """
        risks = self.risks(demand)
        if demand.redundancy == "strict":
            return risks.own(demand)
        outer = self.unavoidable_risks(demand)
        return risks.own(demand) | outer | risks_inside(risks, outer)

    def _exempt_of(self, demand: Demand) -> frozenset[str]:
        if demand.id not in self._exempt:
            self._exempt[demand.id] = self.exempt_risks(demand)
        return self._exempt[demand.id]

    def risks_met(self, demand: Demand, spans: Iterable[int]) -> frozenset[str]:
        """Return the risks that a route of a demand meets on some spans, without those that both may share."""
        return self.risks(demand).of_all(spans) - self._exempt_of(demand)

    def shareable_spans(self, demand: Demand) -> frozenset[int]:
        """Return the usable spans all of whose risks the routes of a demand may share."""
        risks, exempt = self.risks(demand), self.exempt_risks(demand)
        if demand.disjoint == "repeater":
            return frozenset(self.graph.arc_span.tolist())
        touched = risks.spans_with(exempt).tolist()
        return frozenset(span for span in touched if risks.of(span) <= exempt)

    def judge(
        self, demand: Demand, technology: Technology, spans: list[int], stations: tuple[Station, ...]
    ) -> Candidate | None:
        """Return the candidate of a walk, with the fewest lanes that reach the rate; None when none do."""
        hardware = self._hardware[technology.id]
        links = self.arms.links(spans, self._walk_nodes(demand, spans), stations, hardware)
        if any(is_too_lossy(link, technology) for link in links) or not self._is_guarded(demand, stations):
            return None
        performance, lanes = best_lanes(links, hardware, demand, technology)
        if lanes is None or len(links) > technology.max_links or not self._connects(stations, hardware):
            return None
        route = self._route(technology, spans, stations, lanes=lanes, links=links, performance=performance)
        if self._works_too_seldom(demand, route):
            return None
        route = route.model_copy(update={"target": demand.target})
        candidate = self._candidate(demand, technology, spans, route)
        return None if candidate.conflicts & self.foreign_places(demand) else candidate

    def _station_conflicts(self, demand: Demand, route: Route) -> frozenset[str]:
        """Return what the stations between a route's ends are to its demand's routes: something not to be shared."""
        inner = [station for station in route.stations if station.site not in (demand.a, demand.b)]
        if demand.disjoint == "repeater":
            return frozenset(
                repeater_conflict(station.site) for station in inner if station.role in ("repeater", "trusted_node")
            )
        places = frozenset[str]().union(*(self.risks(demand).of_site(station.site) for station in inner))
        return places - self._exempt_of(demand)

    def foreign_places(self, demand: Demand) -> frozenset[str]:
        """Return the names of what the routes of a link of a ring must avoid; none for other demands."""
        return foreign_places(self.risks(demand), self.network, demand) if demand.ring else frozenset()

    def _is_guarded(self, demand: Demand, stations: tuple[Station, ...]) -> bool:
        """Return whether all stations stand at sites of the security class that a demand asks for."""
        return all(self._classes[station.site] >= demand.min_security_class for station in stations)

    def _connects(self, stations: tuple[Station, ...], hardware: LinkHardware) -> bool:
        """Return whether the devices that already stand at the memories' sites fit the links."""
        holders = (station.site for station in stations if station.role not in ("pair_source", "heralding"))
        return not any(self._interfaces[site].misfit(hardware) for site in holders if site in self._interfaces)

    def _works_too_seldom(self, demand: Demand, route: Route) -> bool:
        """Return whether the only route of a demand misses its availability; several are judged together."""
        least = demand.min_availability
        if least is None or demand.routes > 1 or self.outages is None:
            return False
        return self.outages.service((route,)).availability < least

    def works_enough(self, demand: Demand, candidates: Sequence[Candidate]) -> bool:
        """Return whether routes of a demand work together as much of the time as it asks for, exactly.

        Fewer routes than it wants are not judged yet.
        """
        least = demand.min_availability
        if least is None or len(candidates) < demand.routes or self.outages is None:
            return True
        return self.outages.service([candidate.route for candidate in candidates]).availability >= least

    def appraise(
        self,
        demand: Demand,
        technology: Technology,
        spans: list[int],
        stations: tuple[Station, ...],
        *,
        lanes: int | None = None,
    ) -> Candidate:
        """Return the candidate of a walk whether or not it meets the demand's targets.

        Without `lanes`, as many are taken as the targets need, or all that the technology allows where none suffice.
        """
        hardware = self._hardware[technology.id]
        links = self.arms.links(spans, self._walk_nodes(demand, spans), stations, hardware)
        performance, enough = best_lanes(links, hardware, demand, technology)
        lanes = lanes or enough or technology.max_lanes
        route = self._route(technology, spans, stations, lanes=lanes, links=links, performance=performance)
        route = route.model_copy(update={"target": demand.target})
        return self._candidate(demand, technology, spans, route)

    def meets(self, demand: Demand, technology: Technology, candidate: Candidate) -> bool:
        """Return whether an appraised route meets what its demand and its technology ask."""
        spans = [self._span_index[span] for span in candidate.route.spans]
        judged = self.judge(demand, technology, spans, candidate.route.stations)
        return judged is not None and judged.route.lanes <= candidate.route.lanes <= technology.max_lanes

    @cached_property
    def _span_index(self) -> dict[str, int]:
        return self.network.span_index()

    def _walk_nodes(self, demand: Demand, spans: list[int]) -> list[int]:
        node = self.sites[demand.a].node
        nodes = [node]
        columns = self.network.spans
        for span in spans:
            start, end = int(columns.start[span]), int(columns.end[span])
            node = end if node == start else start
            nodes.append(node)
        return nodes

    def _route(
        self,
        technology: Technology,
        spans: list[int],
        stations: tuple[Station, ...],
        *,
        lanes: int,
        links: tuple[ElementaryLink, ...],
        performance: RoutePerformance,
    ) -> Route:
        columns = self.network.spans
        return Route(
            technology=technology.id,
            spans=tuple(columns.ids[span] for span in spans),
            stations=stations,
            lanes=lanes,
            length_km=math.fsum(float(columns.length_km[span]) for span in spans),
            loss_db=math.fsum(link.left.loss_db + link.right.loss_db for link in links),
            rate_hz=lanes * performance.lane_rate_hz,
            fidelity=performance.fidelity,
            ebit_rate_hz=lanes * performance.ebit_rate_hz,
            key_rate_hz=lanes * performance.key_rate_hz,
            ceiling_hz=lanes * performance.ceiling_hz,
            latency_s=performance.latency_s,
            settings=RouteSettings(**asdict(performance.settings)),
            pooled_rate_hz=lanes * performance.pooled_rate_hz,
            limits=performance.limits,
        )

    def _candidate(self, demand: Demand, technology: Technology, spans: list[int], route: Route) -> Candidate:
        columns = self.network.spans
        passes = Counter(spans)
        needs: Counter[tuple[str, str]] = Counter()
        for station in route.stations:
            for need in technology.equipment.get(station.role, ()):
                needs[station.site, need.item] += need.units_for(route.lanes)
        hop_sites = {site for span in passes for site in self._hop_ends.get(columns.ids[span], ())}
        risks, exempt = self.risks(demand), self._exempt_of(demand)
        return Candidate(
            demand=demand.whole,
            stretch=phases_of(self.scenario, demand) if demand.until_phase else None,
            route=route,
            passes=dict(sorted(passes.items())),
            needs={key: units for key, units in sorted(needs.items()) if units},
            sites=tuple(sorted({station.site for station in route.stations} | hop_sites)),
            conflicts=self.risks_met(demand, passes) | self._station_conflicts(demand, route),
            shareable=frozenset(span for span in passes if risks.of(span) <= exempt),
            lease_per_year=technology.fibers_per_route
            * math.fsum(float(columns.lease_per_fiber_year[span]) * times for span, times in passes.items()),
            fibers=technology.fibers_per_route,
        )


def is_too_lossy(link: ElementaryLink, technology: Technology) -> bool:
    """Return whether a link loses more than its technology allows a link to lose."""
    limit_db = technology.max_link_loss_db
    return limit_db is not None and link.left.loss_db + link.right.loss_db > limit_db * ROUNDING


def repeater_conflict(site: str) -> str:
    """Return the name under which only the repeaters of a site count as something that two routes must not share."""
    return f"repeater:{site}"


def best_lanes(
    links: tuple[ElementaryLink, ...], hardware: LinkHardware, demand: Demand, technology: Technology
) -> tuple[RoutePerformance, int | None]:
    """Return what a lane delivers, set for most ebits, and the lanes that meet the demand; None where none do.

    Where that takes more than the fewest lanes and something can be set otherwise, for most pairs instead.
    """
    performance = evaluate_route(links, hardware, min_fidelity=demand.min_fidelity)
    lanes = _lanes_for(performance, demand, technology)
    if lanes == performance.lanes_step or not has_choices(hardware):
        return performance, lanes
    faster = evaluate_route(links, hardware, min_fidelity=demand.min_fidelity, preference="rate")
    fewer = _lanes_for(faster, demand, technology)
    return (performance, lanes) if fewer is None or (lanes is not None and lanes <= fewer) else (faster, fewer)


def _lanes_for(performance: RoutePerformance, demand: Demand, technology: Technology) -> int | None:
    """Return the fewest lanes that meet every target of a demand, or None."""
    if performance.fidelity < demand.min_fidelity or performance.lane_rate_hz <= 0.0:
        return None
    if demand.max_latency_s is not None and performance.latency_s > demand.max_latency_s:
        return None
    lanes = 1
    for target, of_lane in (
        (demand.min_rate_hz, performance.lane_rate_hz),
        (demand.min_key_rate_bps or 0.0, performance.key_rate_hz),
        (demand.min_ebit_rate_hz or 0.0, performance.ebit_rate_hz),
    ):
        if target > 0.0:
            if target > of_lane * technology.max_lanes:
                return None
            lanes = max(lanes, math.ceil(target / of_lane))
            lanes += lanes * of_lane < target  # the quotient was rounded down
    lanes = performance.lanes_step * -(-lanes // performance.lanes_step)
    return lanes if lanes <= technology.max_lanes else None


def routes_of_plan(judge: RouteJudge, plan: Plan) -> tuple[Candidate, ...]:
    """Return the routes of a plan's last phase for each demand, judged anew; what is unknown here is left out.

    Of demands that may be upgraded, those of all phases.
    """
    scenario, span_index = judge.scenario, judge.network.span_index()
    demands = {demand.id: demand for demand in scenario.demands}
    usable = {judge.network.spans.ids[span] for span in np.unique(judge.graph.arc_span).tolist()}
    hosts = {(site.id, role) for site in scenario.sites for role in site.hosts}
    latest = {
        (service.demand, service.phase if demands[service.demand].upgrades else ""): service
        for service in plan.services
        if service.demand in demands
    }
    found: list[Candidate] = []
    for (demand_id, _), service in sorted(latest.items()):
        technologies = {item.id: item for item in allowed_technologies(scenario, demands[demand_id])}
        for route in service.routes:
            demand = demands[demand_id].seen_by(route.target)
            is_known = route.technology in technologies and set(route.spans) <= usable
            if is_known and all((station.site, station.role) in hosts for station in route.stations):
                spans = [span_index[span] for span in route.spans]
                candidate = judge.judge(demand, technologies[route.technology], spans, route.stations)
                found += [candidate] if candidate is not None else []
    return tuple({candidate.key: candidate for candidate in found}.values())
