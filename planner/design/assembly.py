"""From a draft to the plan that is written down: ids instead of indices, costs, and how good it is."""

from __future__ import annotations

from collections import Counter
from importlib.metadata import PackageNotFoundError, version

from planner import costs
from planner.design.graph import span_risks
from planner.design.rollouts import Draft
from planner.design.routes import Candidate
from planner.design.work import Work
from planner.errors import SolverError
from planner.network import Network
from planner.plan import (
    BoundScope,
    Installation,
    Outcome,
    Plan,
    Service,
    SharedSpan,
    SiteOpening,
    SpanBuild,
    Timing,
)
from planner.scenario import Demand, Rollout, Scenario

ROUNDING = 1e-6
"""Relative difference between the solver's sums and those of the plan that is put down to rounding."""
PACKAGES = ("ebit-planner", "highspy", "numba", "numpy", "pulp", "scipy")
"""Packages on whose versions the plan may depend."""


def assemble_plan(
    network: Network, scenario: Scenario, draft: Draft, work: Work, *, rollout: Rollout, bound_method: str
) -> Plan:
    """Return the plan of a draft; its bound is the work's, over the whole problem, or else the candidates'."""
    quantities = _quantities(network, scenario, draft)
    lines = costs.cost_lines(network, scenario, quantities)
    cost = costs.present_cost(lines)
    scope: BoundScope = "candidate_routes"
    if work.bound > 0.0:
        scope = "roll_out" if rollout == "all-at-once" else "whole_problem"
    bound = max(0.0, work.bound if work.bound > 0.0 else draft.candidate_bound)
    if bound > cost * (1.0 + ROUNDING):
        raise SolverError(f"the lower bound {bound:.2f} exceeds the plan's cost {cost:.2f}: an error of this program")
    bound = min(bound, cost)
    demands = [demand for phase in range(len(scenario.phases)) for demand in scenario.active_demands(phase)]
    served = [scenario.demand(service.demand).weight for service in quantities.services if service.routes]
    total = sum(demand.weight for demand in demands)
    outcome = Outcome(
        objective=scenario.spec.objective,
        cost=cost,
        lower_bound=bound,
        gap=(cost - bound) / cost if cost > 0.0 else 0.0,
        served_weight=sum(served),
        weight_bound=max(sum(served), min(draft.weight_bound, total)),
        total_weight=total,
        stopped_by=work.stopped_by(),
        bound_scope=scope,
        bound_method=bound_method if work.bound > 0.0 else "integer program over the candidate routes",
        candidates=draft.candidates,
        work=work.spent,
    )
    return Plan(
        title=scenario.spec.title,
        scenario_digest=scenario.digest,
        network_digest=network.digest,
        rollout=rollout,
        currency=scenario.spec.currency,
        price_year=scenario.spec.price_year,
        outcome=outcome,
        builds=quantities.builds,
        openings=quantities.openings,
        installations=quantities.installations,
        services=quantities.services,
        costs=lines,
        notes=_notes(scenario, quantities.services),
        versions=_versions(),
        timing=Timing(
            design_s=round(work.seconds, 3), first_plan_s=round(work.first_plan_s, 3), history=tuple(work.history)
        ),
    )


def _quantities(network: Network, scenario: Scenario, draft: Draft) -> costs.Quantities:
    ids = [phase.id for phase in scenario.phases]
    return costs.Quantities(
        builds=tuple(
            SpanBuild(span=network.spans.ids[span], phase=ids[phase])
            for span, phase in sorted(draft.span_phase.items(), key=lambda item: (item[1], network.spans.ids[item[0]]))
        ),
        openings=tuple(
            SiteOpening(site=site, phase=ids[phase])
            for site, phase in sorted(draft.site_phase.items(), key=lambda item: (item[1], item[0]))
        ),
        installations=tuple(
            Installation(site=site, item=item, phase=ids[phase], count=count)
            for (site, item, phase), count in sorted(draft.units.items(), key=lambda entry: (entry[0][2], entry[0]))
        ),
        services=tuple(
            _service(network, demand, ids[phase], draft.services.get((demand.id, phase), ()))
            for phase in range(len(ids))
            for demand in scenario.active_demands(phase)
        ),
    )


def _service(network: Network, demand: Demand, phase: str, candidates: tuple[Candidate, ...]) -> Service:
    routes = tuple(item.route for item in candidates)
    if len(candidates) < 2:
        return Service(demand=demand.id, phase=phase, routes=routes)
    met = [{group for span in item.passes for group in span_risks(network, span)} for item in candidates]
    risks = set.intersection(*met)
    capex = costs.span_list_capex(network)
    users = Counter(
        span for item in candidates for span in item.passes if not risks.isdisjoint(span_risks(network, span))
    )
    return Service(
        demand=demand.id,
        phase=phase,
        routes=routes,
        shared=(f"lateral:{demand.a}", f"lateral:{demand.b}", *sorted(risks)),
        shared_spans=tuple(
            SharedSpan(
                span=network.spans.ids[span],
                length_km=float(network.spans.length_km[span]),
                capex=float(capex[span]),
                routes=count,
            )
            for span, count in sorted(users.items(), key=lambda item: network.spans.ids[item[0]])
        ),
    )


def _notes(scenario: Scenario, services: tuple[Service, ...]) -> tuple[str, ...]:
    phases = {phase.id: phase.name or phase.id for phase in scenario.phases}
    return tuple(
        f"demand {service.demand} is not served in phase {phases[service.phase]}"
        for service in services
        if not service.routes
    )


def _versions() -> dict[str, str]:
    versions: dict[str, str] = {}
    for name in PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:  # the sources are run without being installed
            versions[name] = "not installed"
    return versions
