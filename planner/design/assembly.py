"""From a draft to the plan that is written down: ids instead of indices, costs, and how good it is."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from itertools import combinations

from planner import costs
from planner.design.outages import Outages
from planner.design.risks import is_place
from planner.design.rollouts import Draft
from planner.design.routes import Candidate, RouteJudge
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
    StoppedBy,
    Timing,
)
from planner.scenario import Demand, Rollout, Scenario

ROUNDING = 1e-6
"""Relative difference between the solver's sums and those of the plan that is put down to rounding."""
PACKAGES = ("ebit-planner", "highspy", "numba", "numpy", "pulp", "scipy")
"""Packages on whose versions the plan may depend."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Proof:
    """How good a plan is known to be."""

    bound: float
    scope: BoundScope
    method: str
    stopped_by: StoppedBy
    work: int


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
    proof = _Proof(
        bound=min(bound, cost),
        scope=scope,
        method=bound_method if work.bound > 0.0 else "integer program over the candidate routes",
        stopped_by=work.stopped_by(),
        work=work.spent,
    )
    timing = Timing(
        design_s=round(work.seconds, 3), first_plan_s=round(work.first_plan_s, 3), history=tuple(work.history)
    )
    return _plan(network, scenario, draft, quantities, proof).model_copy(update={"rollout": rollout, "timing": timing})


def assemble_given(
    network: Network, scenario: Scenario, draft: Draft, *, bound: float, bound_method: str, rollout: Rollout
) -> Plan:
    """Return a plan that was given, not found. A `bound` of 0, or one that does not apply to it, is left out.

    It does not apply to a plan that leaves demands out or misses targets, and may then be above its cost.
    """
    quantities = _quantities(network, scenario, draft)
    cost = costs.present_cost(costs.cost_lines(network, scenario, quantities))
    applies = 0.0 < bound <= cost * (1.0 + ROUNDING) and all(
        len(service.routes) == scenario.demand(service.demand).routes for service in quantities.services
    )
    proof = _Proof(
        bound=min(bound, cost) if applies else 0.0,
        scope="whole_problem" if applies else "none",
        method=bound_method if applies else "none: the plan was given, not searched",
        stopped_by="evaluated",
        work=0,
    )
    plan = _plan(network, scenario, draft, quantities, proof)
    if bound > 0.0 and not applies:
        note = (
            f"no plan that meets the scenario costs less than {bound:,.0f} {plan.currency}; this one does not meet it"
        )
        plan = plan.model_copy(update={"notes": (*plan.notes, note)})
    return plan.model_copy(update={"rollout": rollout})


def _plan(network: Network, scenario: Scenario, draft: Draft, quantities: costs.Quantities, proof: _Proof) -> Plan:
    lines = costs.cost_lines(network, scenario, quantities)
    cost = costs.present_cost(lines)
    demands = [demand for phase in range(len(scenario.phases)) for demand in scenario.active_demands(phase)]
    served = [scenario.demand(service.demand).weight for service in quantities.services if service.routes]
    total = sum(demand.weight for demand in demands)
    outcome = Outcome(
        objective=scenario.spec.objective,
        cost=cost,
        lower_bound=proof.bound,
        gap=(cost - proof.bound) / cost if cost > 0.0 else 0.0,
        served_weight=sum(served),
        weight_bound=max(sum(served), min(draft.weight_bound, total)),
        total_weight=total,
        stopped_by=proof.stopped_by,
        bound_scope=proof.scope,
        bound_method=proof.method,
        candidates=draft.candidates,
        work=proof.work,
    )
    return Plan(
        title=scenario.spec.title,
        scenario_digest=scenario.digest,
        network_digest=network.digest,
        rollout=scenario.spec.rollout,
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
    )


def _quantities(network: Network, scenario: Scenario, draft: Draft) -> costs.Quantities:
    ids = [phase.id for phase in scenario.phases]
    judge = RouteJudge(network, scenario)
    outages = judge.outages
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
            _timed(_service(judge, demand, ids[phase], draft.services.get((demand.id, phase), ())), outages)
            for phase in range(len(ids))
            for demand in _demands_of(scenario, draft, phase)
        ),
    )


def _timed(service: Service, outages: Outages | None) -> Service:
    """Return a service with the share of the time in which it works, where figures of reliability are known."""
    if outages is None or not service.routes:
        return service
    found = outages.service(service.routes)
    return service.model_copy(
        update={
            "availability": found.availability,
            "expected_rate_hz": found.expected_rate_hz,
            "route_availability": found.routes,
        }
    )


def _demands_of(scenario: Scenario, draft: Draft, phase: int) -> list[Demand]:
    """Return the demands that are asked or served in a phase, sorted by id."""
    names = {demand.id for demand in scenario.active_demands(phase)}
    names |= {demand for (demand, at), routes in draft.services.items() if at == phase and routes}
    return [scenario.demand(name) for name in sorted(names)]


def _service(judge: RouteJudge, demand: Demand, phase: str, candidates: tuple[Candidate, ...]) -> Service:
    routes = tuple(item.route for item in candidates)
    if len(candidates) < 2:
        return Service(demand=demand.id, phase=phase, routes=routes)
    network, risks = judge.network, judge.risks(demand)
    met = [risks.of_all(item.passes) for item in candidates]
    shared = frozenset[str]().union(*(first & second for first, second in combinations(met, 2))) - risks.own(demand)
    along = {risk for risk in shared if not is_place(risk)}
    users = Counter(span for item in candidates for span in item.passes if not along.isdisjoint(risks.of(span)))
    capex = costs.span_list_capex(network)
    return Service(
        demand=demand.id,
        phase=phase,
        routes=routes,
        shared=(f"lateral:{demand.a}", f"lateral:{demand.b}", *sorted(shared)),
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
