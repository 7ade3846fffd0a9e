"""What `verify_plan` is given, with ways to change one thing of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from planner.network import Network, with_digest
from planner.plan import Plan, Service
from planner.scenario import Scenario
from planner.verify import verify_plan
from plans import reprice
from worlds import World


@dataclass(frozen=True, kw_only=True)
class Case:
    """What `verify_plan` is given."""

    network: Network
    scenario: Scenario
    plan: Plan

    def edit(self, **changes: Any) -> Case:
        return replace(self, plan=self.plan.model_copy(update=changes))

    def edit_outcome(self, **changes: Any) -> Case:
        return self.edit(outcome=self.plan.outcome.model_copy(update=changes))

    def repriced(self) -> Case:
        return replace(self, plan=reprice(World(scenario=self.scenario, network=self.network), self.plan))

    def edit_service(self, demand_id: str, phase: str, **changes: Any) -> Case:
        def changed(service: Service) -> Service:
            is_it = (service.demand, service.phase) == (demand_id, phase)
            return service.model_copy(update=changes) if is_it else service

        return self.edit(services=tuple(changed(service) for service in self.plan.services))

    def edit_route(self, demand_id: str, phase: str, number: int = 0, **changes: Any) -> Case:
        service = self.plan.service(demand_id, phase)
        assert service is not None
        routes = list(service.routes)
        routes[number] = routes[number].model_copy(update=changes)
        return self.edit_service(demand_id, phase, routes=tuple(routes))

    def edit_spec(self, **changes: Any) -> Case:
        """Change what is asked, but not its digest: the plan is now judged by other wishes."""
        spec = self.scenario.spec.model_copy(update=changes)
        return replace(self, scenario=replace(self.scenario, spec=spec))

    def edit_demand(self, demand_id: str, **changes: Any) -> Case:
        demands = self.scenario.spec.demands
        return self.edit_spec(
            demands=tuple(item.model_copy(update=changes if item.id == demand_id else {}) for item in demands)
        )

    def edit_technology(self, technology_id: str, **changes: Any) -> Case:
        technologies = self.scenario.spec.technologies
        return self.edit_spec(
            technologies=tuple(
                item.model_copy(update=changes if item.id == technology_id else {}) for item in technologies
            )
        )

    def edit_phase(self, number: int, **changes: Any) -> Case:
        phases = list(self.scenario.spec.phases)
        phases[number] = phases[number].model_copy(update=changes)
        return self.edit_spec(phases=tuple(phases))

    def edit_network(self, **changes: Any) -> Case:
        network = with_digest(replace(self.network, **changes))
        return replace(self, network=network).edit(network_digest=network.digest)

    def edit_span(self, span: str, **changes: Any) -> Case:
        at = self.network.span_index()[span]
        columns: dict[str, Any] = {}
        for name, value in changes.items():
            column = getattr(self.network.spans, name)
            columns[name] = (*column[:at], value, *column[at + 1 :]) if isinstance(column, tuple) else column.copy()
            if not isinstance(column, tuple):
                columns[name][at] = value
        return self.edit_network(spans=replace(self.network.spans, **columns))

    def edit_site(self, site: str, **changes: Any) -> Case:
        sites = tuple(replace(item, **changes) if item.id == site else item for item in self.network.sites)
        return self.edit_network(sites=sites)

    def value(self, span: str, name: str) -> float:
        return float(getattr(self.network.spans, name)[self.network.span_index()[span]])


def failing(case: Case) -> set[str]:
    """Return the names of the checks that fail."""
    return {check.name for check in verify_plan(case.network, case.scenario, case.plan).failed_checks}


def without(items: tuple[Any, ...], /, **keys: str) -> tuple[Any, ...]:
    kept = tuple(item for item in items if any(getattr(item, key) != value for key, value in keys.items()))
    assert len(kept) == len(items) - 1
    return kept


def moved(items: tuple[Any, ...], to_phase: str, /, **keys: str) -> tuple[Any, ...]:
    found = next(item for item in items if all(getattr(item, key) == value for key, value in keys.items()))
    return (*without(items, **keys), found.model_copy(update={"phase": to_phase}))


def route_of(case: Case, demand_id: str, phase: str, number: int = 0) -> Any:
    service = case.plan.service(demand_id, phase)
    assert service is not None
    return service.routes[number]


def with_station(case: Case, demand_id: str, phase: str, position: int, **changes: Any) -> Case:
    stations = list(route_of(case, demand_id, phase).stations)
    stations[position] = stations[position].model_copy(update=changes)
    return case.edit_route(demand_id, phase, stations=tuple(stations))
