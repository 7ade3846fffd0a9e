"""Checks of what the routes of a service share: nothing, or exactly what no route can avoid."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import combinations

from planner.plan import SharedSpan
from planner.verify.facts import Facts
from planner.verify.findings import Finding, agree, at_most, flawless
from planner.verify.geometry import length_together_m
from planner.verify.routes import RouteFacts
from planner.verify.unavoidable import is_place, own_names, place_names, risk_names


def routes_are_disjoint(facts: Facts) -> Iterator[Finding]:
    """Yield whether the routes of a service share no risk group and no site in between, their own ends excepted.

    What counts is what the demand's level of disjointness says. A demand with maximal redundancy may share the risks
    that all routes between its sites meet, and what lies within them. What a service says that its routes share must be
    just that, and the laterals of its two ends.
    """
    for (demand, phase), routes in _services(facts).items():
        if len(routes) < 2:
            continue
        shared, allowed = _shared_risks(facts, routes), _allowed_risks(facts, routes)
        flaws = [f"both use {name}" for name in sorted(shared - allowed)]
        flaws += [flaw for pair in combinations(routes, 2) for flaw in _shared_stations(*pair)]
        flaws += [f"stations of both have {name}" for name in sorted(_shared_places(facts, routes) - allowed)]
        flaws += _wrongly_declared(routes[0], allowed)
        but = "" if routes[0].demand.redundancy == "strict" else " and what none can avoid"
        yield flawless(f"{demand} in {phase}", f"routes that share nothing but their ends{but}", flaws)


def full_target_comes_first(facts: Facts) -> Iterator[Finding]:
    """Yield whether the first route of every service is held to the full target, and others to less only if allowed."""
    for (demand, phase), routes in _services(facts).items():
        flaws = [] if routes[0].route.target == "primary" else ["the first route is a backup"]
        if not facts.scenario.demand(demand).has_lower_backup:
            lower = [route for route in routes if route.route.target == "backup"]
            flaws += [f"route {route.number} meets a lower target that the demand does not allow" for route in lower]
        yield flawless(f"{demand} in {phase}", "a route that meets the full target first", flaws)


def routes_lie_apart(facts: Facts) -> Iterator[Finding]:
    """Yield whether the routes of a service run in different places on the ground, whatever their risk groups say.

    Spans with a risk that no route can avoid are left out where a demand may share those.
    """
    media = facts.network.spans.medium
    for service, routes in _services(facts).items():
        if routes[0].demand.disjoint not in ("structure", "node"):
            continue
        allowed = _along(_allowed_risks(facts, routes))
        walks = [
            [
                index
                for index in route.indices
                if media[index] != "free_space" and allowed.isdisjoint(_risks(facts, route, index))
            ]
            for route in routes
        ]
        pairs = combinations(walks, 2)
        together_m = max((length_together_m(facts.network.spans, *pair) for pair in pairs), default=0.0)
        if len(routes) > 1:
            yield at_most(f"{' in '.join(service)}: stretches side by side", 0.0, together_m, unit="m")


def shared_spans_are_told(facts: Facts) -> Iterator[Finding]:
    """Yield whether a service names every span with a shared risk, with its length, its price and how many use it."""
    for (demand, phase), routes in _services(facts).items():
        if len(routes) < 2:
            continue
        shared = _along(_allowed_risks(facts, routes))
        users = Counter(
            index
            for route in routes
            for index in set(route.indices)
            if not shared.isdisjoint(_risks(facts, route, index))
        )
        told = {item.span: item for item in routes[0].service.shared_spans}
        wanted = {facts.network.spans.ids[index]: index for index in users}
        flaws = [f"{span} is shared and not told" for span in sorted(set(wanted) - set(told))]
        flaws += [f"{span} is told and not shared" for span in sorted(set(told) - set(wanted))]
        for span, index in sorted(wanted.items()):
            if span in told:
                flaws += _shared_span_flaws(facts, index, told[span], users[index])
        yield flawless(f"{demand} in {phase}", f"{len(wanted)} shared spans told", flaws)


def _shared_span_flaws(facts: Facts, index: int, told: SharedSpan, routes: int) -> Iterator[str]:
    prices = facts.prices.span(index)
    capex = prices.trench_capex + prices.right_of_way_capex + prices.crossing_capex + prices.cable_capex
    if not agree(float(facts.network.spans.length_km[index]), told.length_km):
        yield f"{told.span} has {told.length_km} km"
    if not agree(capex, told.capex):
        yield f"{told.span} costs {told.capex} instead of {capex}"
    if routes != told.routes:
        yield f"{told.span} is used by {routes} routes, not {told.routes}"


def _services(facts: Facts) -> dict[tuple[str, str], list[RouteFacts]]:
    services: dict[tuple[str, str], list[RouteFacts]] = {}
    for route in facts.routes:
        services.setdefault((route.service.demand, route.service.phase), []).append(route)
    return services


def _risks(facts: Facts, route: RouteFacts, index: int) -> set[str]:
    names = risk_names(facts.network, index, route.demand.disjoint)
    return set(names) - own_names(facts.network, route.demand)


def _along(names: set[str]) -> set[str]:
    """Return the risks that lie along spans, without buildings and nodes."""
    return {name for name in names if not is_place(name)}


def _shared_risks(facts: Facts, routes: Sequence[RouteFacts]) -> set[str]:
    named = [{name for index in route.indices for name in _risks(facts, route, index)} for route in routes]
    return {name for first, second in combinations(named, 2) for name in first & second}


def _allowed_risks(facts: Facts, routes: Sequence[RouteFacts]) -> set[str]:
    """Return which of the risks that the routes share they may share."""
    demand = routes[0].demand
    if demand.redundancy == "strict":
        return set()
    return {name for name in _shared_risks(facts, routes) if facts.unavoidable.must_be_shared(demand, name)}


def _shared_stations(first: RouteFacts, second: RouteFacts) -> Iterator[str]:
    if first.demand.disjoint == "repeater":
        both = first.repeater_sites & second.repeater_sites
    else:
        both = first.interior_sites & second.interior_sites
    yield from (f"both have a station at {site}" for site in sorted(both))
    if first.demand.disjoint in ("structure", "node"):
        roofs = (first.hop_sites & second.interior_sites) | (second.hop_sites & first.interior_sites)
        yield from (f"a station and a hop of both stand at {site}" for site in sorted(roofs))


def _shared_places(facts: Facts, routes: Sequence[RouteFacts]) -> set[str]:
    """Return the buildings and power feeds that stations of several routes share, other than at their own ends."""
    own = own_names(facts.network, routes[0].demand)
    named = [
        {
            name
            for site in route.interior_sites | route.hop_sites
            for name in place_names(facts.network, site, route.demand.disjoint)[1:]
        }
        for route in routes
    ]
    return {name for first, second in combinations(named, 2) for name in first & second} - own


def _wrongly_declared(route: RouteFacts, allowed: set[str]) -> list[str]:
    wanted = {f"lateral:{route.demand.a}", f"lateral:{route.demand.b}"} | allowed
    named = set(route.service.shared)
    wrong = [f"{name} is named and not shared" for name in sorted(named - wanted)]
    return wrong + [f"{name} is shared and not named" for name in sorted(wanted - named)]
