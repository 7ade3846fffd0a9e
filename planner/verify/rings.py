"""Rings of partners: whether any single cut leaves every partner in reach of every other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator

from planner.scenario import Demand, Scenario
from planner.verify.facts import Facts
from planner.verify.findings import Finding, flawless
from planner.verify.routes import RouteFacts
from planner.verify.unavoidable import own_names, place_names, risk_names


def links_of_rings(scenario: Scenario) -> dict[str, list[Demand]]:
    """Return the links of every ring, by the ring's id."""
    rings: dict[str, list[Demand]] = defaultdict(list)
    for demand in scenario.demands:
        if demand.ring:
            rings[demand.ring].append(demand)
    return dict(sorted(rings.items()))


def rings_survive_any_cut(facts: Facts) -> Iterator[Finding]:
    """Yield, for each ring and phase, whether every partner still reaches every other whatever single thing fails.

    Fails, one at a time, every risk of the links' routes at the level asked and every site with a station of them; a
    partner that fails itself is not asked for. A ring must be served as a whole, or not at all where that is allowed.
    """
    for ring, links in links_of_rings(facts.scenario).items():
        first = facts.scenario.phase_index(links[0].from_phase)
        for phase in range(first, len(facts.scenario.phases)):
            names = {link.id for link in links}
            routes = [route for route in facts.routes_in(phase) if route.demand.id in names]
            served = {route.demand.id for route in routes}
            flaws = [f"{len(served)} of {len(links)} links are served"] if served and served != names else []
            if served == names:
                flaws = list(_cuts(facts, links, routes))
            subject = f"ring {ring} in {facts.scenario.phases[phase].id}"
            yield flawless(subject, "every partner reaches every other after any single cut", flaws)


def _cuts(facts: Facts, links: list[Demand], routes: list[RouteFacts]) -> Iterator[str]:
    hit: dict[str, set[str]] = defaultdict(set)
    for route in routes:
        for index in route.indices:
            for name in risk_names(facts.network, index, route.demand.disjoint):
                hit[name].add(route.demand.id)
        for station in route.route.stations:
            hit[f"site:{station.site}"].add(route.demand.id)
            if station.site in route.interior_sites:
                own = own_names(facts.network, route.demand)
                for name in set(place_names(facts.network, station.site, route.demand.disjoint)) - own:
                    hit[name].add(route.demand.id)
    places = {f"site:{site}": site for link in links for site in (link.a, link.b)}
    for link in links:
        for site in (link.a, link.b):
            places[f"node:{facts.network.nodes.ids[facts.network.site(site).node]}"] = site
    for name, lost in sorted(hit.items()):
        if not stay_joined(links, lost, places.get(name, "")):
            yield f"{name} parts the ring"


def stay_joined(links: list[Demand], lost: Collection[str], gone: str = "") -> bool:
    """Return whether the partners of a ring reach each other without some links, and without a partner that is gone."""
    left = {site for link in links for site in (link.a, link.b)} - {gone}
    joined = {min(left)}
    while True:
        more = {
            end
            for link in links
            if link.id not in lost and gone not in (link.a, link.b) and joined & {link.a, link.b}
            for end in (link.a, link.b)
        }
        if more <= joined:
            return joined == left
        joined |= more
