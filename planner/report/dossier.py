"""Everything that one report is about, with the look-ups that its parts share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from planner.errors import InputError
from planner.network import Network
from planner.plan import Plan, Route, Service
from planner.scenario import Demand, Phase, Scenario
from planner.verdict import Verdict


@dataclass(frozen=True, kw_only=True, slots=True)
class DrawnRoute:
    """One route of a demand, and the phases (by index) in which it serves without a change."""

    demand: int
    """Position of the demand in `Scenario.demands`."""
    rank: int
    """0 for the primary, 1 for the backup."""
    route: Route
    phases: tuple[int, ...]
    steps: tuple[tuple[int, bool], ...]
    """Span index and whether it is walked from its start to its end, in the order of the walk."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Dossier:
    """A plan with the scenario, network and verdict that belong to it.

    `built` and `opened` tell the phase (by index) in which a span is taken into use and a site is opened. `unknown`
    lists ids in the plan that neither the network nor the scenario knows: they can be named, but not drawn.
    """

    network: Network
    scenario: Scenario
    plan: Plan
    verdict: Verdict
    span_at: Mapping[str, int]
    built: Mapping[int, int]
    opened: Mapping[str, int]
    unknown: tuple[str, ...]
    against: Plan | None = None
    """Another plan of the same scenario, to be compared with."""

    @property
    def last_phase(self) -> int:
        """Return the index of the last phase."""
        return len(self.scenario.phases) - 1

    def site_name(self, site_id: str) -> str:
        """Return the name of a site, or its id when the scenario has no such site."""
        return next((site.name for site in self.scenario.sites if site.id == site_id), site_id)

    def services_of(self, demand: Demand) -> Iterator[tuple[int, Service | None]]:
        """Yield the service of a demand in each phase in which it is active, None where the plan has no entry."""
        first = self.scenario.phase_index(demand.from_phase)
        for phase in range(first, len(self.scenario.phases)):
            yield phase, self.plan.service(demand.id, self.scenario.phases[phase].id)

    def routes(self) -> tuple[DrawnRoute, ...]:
        """Return every different route of every demand, in order of demand, rank and first phase."""
        found: dict[tuple[int, int, Route], list[int]] = {}
        for number, demand in enumerate(self.scenario.demands):
            for phase, service in self.services_of(demand):
                for rank, route in enumerate(service.routes if service else ()):
                    found.setdefault((number, rank, route), []).append(phase)
        return tuple(
            DrawnRoute(demand=number, rank=rank, route=route, phases=tuple(phases), steps=self.walk(number, route))
            for (number, rank, route), phases in sorted(found.items(), key=lambda item: (*item[0][:2], item[1]))
        )

    def walk(self, demand: int, route: Route) -> tuple[tuple[int, bool], ...]:
        """Return the spans of a route with their direction; a span that does not continue the walk is left as it is."""
        spans = self.network.spans
        site_id = self.scenario.demands[demand].a
        node = next((site.node for site in self.network.sites if site.id == site_id), -1)
        steps = []
        for at in (self.span_at[span] for span in route.spans if span in self.span_at):
            forward = int(spans.end[at]) != node
            node = int(spans.end[at] if forward else spans.start[at])
            steps.append((at, forward))
        return tuple(steps)


def open_dossier(
    network: Network, scenario: Scenario, plan: Plan, verdict: Verdict, *, against: Plan | None = None
) -> Dossier:
    """Return the values of one report together; raises InputError when the verdict is about another plan.

    A plan that was made for another scenario or network is no error here: its verdict says so.
    """
    _refuse_stale("scenario", verdict.scenario_digest, scenario.digest)
    _refuse_stale("network", verdict.network_digest, network.digest)
    _refuse_stale("plan", verdict.plan_digest, plan.digest)
    scenario = scenario.with_sites(network.found_sites)
    span_at = network.span_index()
    phase_at = {phase.id: index for index, phase in enumerate(scenario.phases)}
    known_sites = {site.id for site in scenario.sites}
    wanted = {build.span: build.phase for build in plan.builds}
    opened = {opening.site: phase_at[opening.phase] for opening in plan.openings if opening.phase in phase_at}
    used = {span for service in plan.services for route in service.routes for span in route.spans}
    return Dossier(
        network=network,
        scenario=scenario,
        plan=plan,
        verdict=verdict,
        against=against,
        span_at=span_at,
        built={span_at[span]: phase_at[p] for span, p in wanted.items() if span in span_at and p in phase_at},
        opened={site: phase for site, phase in opened.items() if site in known_sites},
        unknown=tuple(sorted({*(used | set(wanted)) - set(span_at), *set(opened) - known_sites})),
    )


def phase_label(phase: Phase) -> str:
    """Return the year of a phase and its name, or its id when it has no name."""
    return f"{phase.year} {phase.name or phase.id}"


def phase_names(dossier: Dossier) -> list[str]:
    """Return the labels of all phases, in order of time."""
    return [phase_label(phase) for phase in dossier.scenario.phases]


def _refuse_stale(of: str, digest: str, current: str) -> None:
    if digest != current:
        problem = f"is about another {of} (digest {digest[:12]}, given {current[:12]}); run planner verify again"
        raise InputError.at("verdict", problem)
