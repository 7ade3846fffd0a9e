"""Checks of each route: its course, its stations, and what it delivers."""

from __future__ import annotations

from collections.abc import Iterator

from planner.physics.performance import ElementaryLink, evaluate_route
from planner.verify.facts import Facts
from planner.verify.findings import Finding, agree, at_least, at_most, equal, flawless
from planner.verify.routes import RouteFacts


def routes_are_walks(facts: Facts) -> Iterator[Finding]:
    """Yield whether the spans of each route lead without a break from one end of its demand to the other."""
    for route in facts.routes:
        wanted = f"a walk from {route.demand.a} to {route.demand.b}"
        yield flawless(route.subject, wanted, [route.walk_flaw] if route.walk_flaw else [])


def stations_are_in_order(facts: Facts) -> Iterator[Finding]:
    """Yield whether stations alternate as the technology asks and stand where the route passes."""
    for route in facts.routes:
        yield flawless(route.subject, "stations in order on the way", route.station_flaws)


def stations_are_hosted(facts: Facts) -> Iterator[Finding]:
    """Yield whether every station stands at a site that may host its role."""
    for route in facts.routes:
        flaws = [
            f"{station.site} may not host a {station.role}"
            for station in route.route.stations
            if station.role not in facts.scenario.site(station.site).hosts
        ]
        yield flawless(route.subject, "sites that may host their stations", flaws)


def stations_are_guarded(facts: Facts) -> Iterator[Finding]:
    """Yield whether the sites of all stations have the security class that a demand asks for, where it does."""
    for route in facts.routes:
        least = route.demand.min_security_class
        sites = sorted({station.site for station in route.route.stations})
        flaws = [
            f"{site} has class {facts.scenario.site(site).security_class}"
            for site in sites
            if facts.scenario.site(site).security_class < least
        ]
        if least:
            yield flawless(route.subject, f"stations at sites of security class {least} or more", flaws)


def technology_is_allowed(facts: Facts) -> Iterator[Finding]:
    """Yield whether a route's technology exists in its phase, counts pairs as asked, and is not stretched too far."""
    for route in facts.routes:
        yield flawless(route.subject, f"{route.technology.id} within its limits", list(_technology_flaws(facts, route)))


def _technology_flaws(facts: Facts, route: RouteFacts) -> Iterator[str]:
    technology, links = route.technology, len(route.route.stations) // 2
    if technology.id not in facts.scenario.phases[route.phase].technologies:
        yield f"{technology.id} is not available in {route.service.phase}"
    plane = facts.scenario.link_hardware(technology).rate_plane
    if route.demand.rate_plane not in (plane, "either"):
        yield f"it counts {plane} pairs, the demand {route.demand.rate_plane} ones"
    if technology.trusted_nodes and not route.demand.trusted_nodes:
        yield "its nodes know the key, which the demand does not allow"
    if links > technology.max_links:
        yield f"{links} links, at most {technology.max_links}"
    if route.route.lanes > technology.max_lanes:
        yield f"{route.route.lanes} lanes, at most {technology.max_lanes}"
    yield from _lossy_links(route)
    hardware = facts.scenario.link_hardware(technology)
    for station in route.route.stations:
        if station.role in ("end", "repeater", "trusted_node"):
            misfit = facts.scenario.site(station.site).interface.misfit(hardware)
            if misfit:
                yield f"the device at {station.site} does not connect: {misfit}"


def _lossy_links(route: RouteFacts) -> Iterator[str]:
    limit_db, arms = route.technology.max_link_loss_db, route.arms or ()
    for number, (left, right) in enumerate(zip(arms[::2], arms[1::2], strict=True), start=1):
        loss_db = left.loss_db + right.loss_db
        if limit_db is not None and loss_db > limit_db and not agree(limit_db, loss_db):
            yield f"link {number} loses {loss_db:.3f} dB, at most {limit_db:g} dB are allowed"


def rate_is_right(facts: Facts) -> Iterator[Finding]:
    """Yield whether the plan's rates are those that the physics gives for all lanes.

    One finding per route: the pair rate, or, if that agrees, whichever of the ebit rate, the key rate and the ceiling
    does not.
    """
    for route in facts.routes:
        if route.performance is None:
            continue
        lane, plan, lanes = route.performance, route.route, route.route.lanes
        rates = [
            ("rate", lane.lane_rate_hz * lanes, plan.rate_hz),
            ("ebit rate", lane.ebit_rate_hz * lanes, plan.ebit_rate_hz),
            ("key rate", lane.key_rate_hz * lanes, plan.key_rate_hz),
            ("ceiling", lane.ceiling_hz * lanes, plan.ceiling_hz),
            *([("pooled rate", lane.pooled_rate_hz * lanes, plan.pooled_rate_hz)] if plan.pooled_rate_hz else []),
        ]
        wrong = (rate for rate in rates if not agree(rate[1], rate[2]))
        name, expected, actual = next(wrong, rates[0])
        yield equal(f"{route.subject}: {name}", expected, actual, unit="Hz")


def relayed_key_is_right(facts: Facts) -> Iterator[Finding]:
    """Yield whether key over trusted nodes is that of the slowest of its links, each judged as a route of its own.

    A node adds the keys of its two links bit by bit: what is sent on is as long as the shorter one.
    """
    for route in facts.routes:
        arms = route.arms or ()
        if not route.technology.trusted_nodes or route.performance is None or len(arms) <= 2:
            continue
        hardware, settings = facts.scenario.link_hardware(route.technology), route.performance.settings
        links = (ElementaryLink(left=left, right=right) for left, right in zip(arms[::2], arms[1::2], strict=True))
        keys_hz = [
            evaluate_route((link,), hardware, min_fidelity=route.demand.min_fidelity, settings=settings).key_rate_hz
            for link in links
        ]
        yield equal(route.subject, route.route.lanes * min(keys_hz), route.route.key_rate_hz, unit="Hz")


def rate_is_reached(facts: Facts) -> Iterator[Finding]:
    """Yield whether each route alone delivers, by recomputation, the pairs, key and ebits that its demand asks for."""
    for route in facts.routes:
        if route.performance is None:
            continue
        lane, lanes, demand = route.performance, route.route.lanes, route.demand
        for name, limit, rate_hz in (
            ("pairs", demand.min_rate_hz, lane.lane_rate_hz),
            ("key", demand.min_key_rate_bps, lane.key_rate_hz),
            ("ebits", demand.min_ebit_rate_hz, lane.ebit_rate_hz),
        ):
            if limit:
                subject = route.subject if name == "pairs" else f"{route.subject}: {name}"
                yield at_least(subject, limit, rate_hz * lanes, unit="Hz")


def latency_is_reached(facts: Facts) -> Iterator[Finding]:
    """Yield whether signals travel, by recomputation, as fast as a demand asks for, where it does."""
    for route in facts.routes:
        if route.performance is not None and route.demand.max_latency_s is not None:
            yield at_most(route.subject, route.demand.max_latency_s, route.performance.latency_s, unit="s")


def settings_are_allowed(facts: Facts) -> Iterator[Finding]:
    """Yield whether what was chosen for a route is what its technology offers."""
    for route in facts.routes:
        if route.arms is not None:
            yield flawless(route.subject, "settings that the technology offers", route.setting_flaws)


def fidelity_is_right(facts: Facts) -> Iterator[Finding]:
    """Yield whether the plan's fidelities are those that the physics gives."""
    for route in facts.routes:
        if route.performance is not None:
            yield equal(route.subject, route.performance.fidelity, route.route.fidelity)


def fidelity_is_reached(facts: Facts) -> Iterator[Finding]:
    """Yield whether each route has, by recomputation, the fidelity that its demand asks for."""
    for route in facts.routes:
        if route.performance is not None:
            yield at_least(route.subject, route.demand.min_fidelity, route.performance.fidelity)


def latency_is_right(facts: Facts) -> Iterator[Finding]:
    """Yield whether the plan's latencies are those that the physics gives."""
    for route in facts.routes:
        if route.performance is not None:
            yield equal(route.subject, route.performance.latency_s, route.route.latency_s, unit="s")


def limits_are_told(facts: Facts) -> Iterator[Finding]:
    """Yield whether the plan repeats every warning that the physics gives about a route."""
    for route in facts.routes:
        if route.performance is not None:
            silent = [text for text in route.performance.limits if text not in route.route.limits]
            yield flawless(route.subject, "all warnings of the physics", [f"not told: {text}" for text in silent])


def ceiling_holds(facts: Facts) -> Iterator[Finding]:
    """Yield whether the ebit rate, by recomputation, stays below what any network could deliver."""
    for route in facts.routes:
        if route.performance is not None:
            lanes = route.route.lanes
            ceiling_hz = route.performance.ceiling_hz * lanes
            yield at_most(route.subject, ceiling_hz, route.performance.ebit_rate_hz * lanes, unit="Hz")
