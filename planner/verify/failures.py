"""What single cuts and outages do to the services of the last phase."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from planner.network import Network
from planner.plan import Plan, Route
from planner.scenario import Scenario
from planner.verdict import Failure
from planner.verify.rings import links_of_rings, stay_joined


def list_failures(network: Network, scenario: Scenario, plan: Plan) -> tuple[Failure, ...]:
    """Return what each single failure takes from the services of the last phase, the most harmful first.

    Fails, one at a time, every risk group of the spans and sites in use and every site that holds a station or the end
    of a free-space hop in between; a site takes all routes that have either there. A link of a ring whose partners
    still reach each other the other way round counts as weakened, not as lost. Most harm is the most weight of demands
    without a route, then the most weight of demands that keep one, then the name. A span without risk groups fails on
    its own under its id.
    """
    index = network.span_index()
    weights = {demand.id: demand.weight for demand in scenario.demands}
    services = {
        service.demand: service.routes
        for service in plan.services
        if service.phase == scenario.phases[-1].id and service.routes
    }
    hit: dict[tuple[str, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    roofs = {hop.id: (hop.a, hop.b) for hop in network.hops}
    inner = {name for routes in services.values() for route in routes for name in _inner_sites(route, roofs)}
    for demand, routes in services.items():
        for route in routes:
            for group in _risk_groups(network, index, route):
                hit["span", group][demand] += 1
            for group in {group for site in _sites(route, roofs) for group in network.site(site).risk_groups}:
                hit["span", group][demand] += 1
            for site in _sites(route, roofs) & inner:
                hit["site", site][demand] += 1
    failures = []
    for (kind, name), lost_routes in hit.items():
        gone = {demand for demand, count in lost_routes.items() if count == len(services[demand])}
        gone -= _bypassed(scenario, gone, name if kind == "site" else "")
        lost, weakened = tuple(sorted(gone)), tuple(sorted(set(lost_routes) - gone))
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


def _bypassed(scenario: Scenario, lost: set[str], site: str) -> set[str]:
    """Return the lost links of rings whose partners still reach each other the other way round."""
    found: set[str] = set()
    for links in links_of_rings(scenario).values():
        if stay_joined(links, lost, site if any(site in (link.a, link.b) for link in links) else ""):
            found |= {link.id for link in links if site not in (link.a, link.b)}
    return found & lost


def _sites(route: Route, roofs: Mapping[str, tuple[str, str]]) -> set[str]:
    stations = {station.site for station in route.stations}
    return stations | {site for span in route.spans for site in roofs.get(span, ())}


def _inner_sites(route: Route, roofs: Mapping[str, tuple[str, str]]) -> set[str]:
    return _sites(route, roofs) - {route.stations[0].site, route.stations[-1].site}


def _harm(failure: Failure, weights: dict[str, float]) -> tuple[float, float, str, str]:
    def weight(demands: Iterable[str]) -> float:
        return sum(weights[demand] for demand in demands)

    return -weight(failure.lost_demands), -weight(failure.weakened_demands), failure.kind, failure.risk_group
