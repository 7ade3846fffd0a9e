"""What single cuts and outages do to the services of the last phase."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from planner.network import Network
from planner.plan import Plan, Route
from planner.scenario import Scenario
from planner.verdict import Failure


def list_failures(network: Network, scenario: Scenario, plan: Plan) -> tuple[Failure, ...]:
    """Return what each single failure takes from the services of the last phase, the most harmful first.

    Fails, one at a time, every risk group of the spans in use and every site that holds a station in between; a site
    takes all routes that have a station there. Most harm is the most weight of demands without a route, then the most
    weight of demands that keep one, then the name. A span without risk groups fails on its own under its id.
    """
    index = network.span_index()
    weights = {demand.id: demand.weight for demand in scenario.demands}
    services = {
        service.demand: service.routes
        for service in plan.services
        if service.phase == scenario.phases[-1].id and service.routes
    }
    hit: dict[tuple[str, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    inner = {name for demand, routes in services.items() for route in routes for name in _inner_sites(route)}
    for demand, routes in services.items():
        for route in routes:
            for group in _risk_groups(network, index, route):
                hit["span", group][demand] += 1
            for site in {station.site for station in route.stations} & inner:
                hit["site", site][demand] += 1
    failures = []
    for (kind, name), lost_routes in hit.items():
        lost = tuple(sorted(demand for demand, count in lost_routes.items() if count == len(services[demand])))
        weakened = tuple(sorted(set(lost_routes) - set(lost)))
        failures.append(
            Failure(
                risk_group=name,
                kind="site" if kind == "site" else "span",
                lost_demands=lost,
                weakened_demands=weakened,
            )
        )
    return tuple(sorted(failures, key=lambda failure: _harm(failure, weights)))


def _risk_groups(network: Network, index: dict[str, int], route: Route) -> set[str]:
    groups = network.spans.risk_groups
    return {group for span in route.spans for group in groups[index[span]] or (span,)}


def _inner_sites(route: Route) -> set[str]:
    ends = {route.stations[0].site, route.stations[-1].site}
    return {station.site for station in route.stations} - ends


def _harm(failure: Failure, weights: dict[str, float]) -> tuple[float, float, str, str]:
    def weight(demands: Iterable[str]) -> float:
        return sum(weights[demand] for demand in demands)

    return -weight(failure.lost_demands), -weight(failure.weakened_demands), failure.kind, failure.risk_group
