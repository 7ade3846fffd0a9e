"""Checks of the network that the plan is made on: geometry, lengths, losses and prices.

All spans count, not only those in use: a wrong price anywhere would make the plan's lower bound worthless.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from planner.network import MEDIA
from planner.verify.facts import Facts
from planner.verify.findings import RELATIVE_TOLERANCE, Finding, equal, flawless, number
from planner.verify.geometry import distance_m, line_length_km, streets_under
from planner.verify.prices import UNKNOWN
from planner.verify.spans import fiber_loss_db, joint_loss_db, span_loss_db

LENGTH_TOLERANCE = 1e-3
"""Lengths measured on the ellipsoid against lengths in a metric projection."""
COORDINATE_TOLERANCE_M = 0.1
"""Shift of a point by rounding its coordinates, which matters for spans of a few metres."""
JOINED_TOLERANCE_M = 1.0
"""Largest distance between the end of a span's line and its node."""


def spans_join_their_nodes(facts: Facts) -> Iterator[Finding]:
    """Yield whether spans begin and end at their nodes, and hops at their two sites and those sites' nodes."""
    spans = facts.network.spans
    hops = {index for index, medium in enumerate(spans.medium) if medium == "free_space"}
    flaws = [flaw for index in range(len(spans)) if index not in hops for flaw in _loose_ends(facts, index)]
    yield flawless(f"{len(spans) - len(hops)} spans", f"ends at most {JOINED_TOLERANCE_M:g} m from their nodes", flaws)
    if hops:
        astray = [flaw for index in sorted(hops) for flaw in _hop_flaws(facts, index)]
        yield flawless(f"{len(hops)} free-space hops", "from site to site", astray)


def _loose_ends(facts: Facts, index: int) -> Iterator[str]:
    spans, nodes = facts.network.spans, facts.network.nodes
    line = spans.line(index)
    for point, node in ((line[0], int(spans.start[index])), (line[-1], int(spans.end[index]))):
        gap_m = distance_m(point, (nodes.lon_deg[node], nodes.lat_deg[node]))
        if gap_m > JOINED_TOLERANCE_M:
            yield f"{spans.ids[index]} ends {number(gap_m)} m from node {nodes.ids[node]}"


def _hop_flaws(facts: Facts, index: int) -> Iterator[str]:
    spans = facts.network.spans
    hop = facts.network.hop(spans.ids[index])
    if [int(spans.start[index]), int(spans.end[index])] != [facts.network.site(site).node for site in (hop.a, hop.b)]:
        yield f"{hop.id} does not join the nodes of {hop.a} and {hop.b}"
    line = spans.line(index)
    for point, site_id in ((line[0], hop.a), (line[-1], hop.b)):
        gap_m = distance_m(point, _place(facts, site_id))
        if gap_m > JOINED_TOLERANCE_M:
            yield f"{hop.id} ends {number(gap_m)} m from site {site_id}"


def _place(facts: Facts, site_id: str) -> tuple[float, float]:
    site = facts.scenario.site(site_id)
    return site.lon_deg, site.lat_deg


def trenches_follow_streets(facts: Facts) -> Iterator[Finding]:
    """Yield whether built trenches lie in streets of the raw layer and have the class and surface of one there.

    Nothing is yielded where the layer cannot be read; the verdict's notes say so.
    """
    if facts.streets.unread:
        return
    spans = facts.network.spans
    built = sorted({facts.span_index[build.span] for build in facts.plan.builds})
    trenches = [index for index in built if spans.medium[index] == "trench"]
    under = streets_under(spans, trenches, facts.streets)
    strays = [f"{number(street.stray_m)} m of {spans.ids[index]}" for index, street in under.items() if street.stray_m]
    yield flawless(f"{len(trenches)} built trenches", "in streets of the raw layer", strays)
    columns = facts.scenario.spec.layers.streets.columns
    for field, column in (("road_class", "highway"), ("surface", "surface")):
        flaws = []
        for index, street in under.items():
            name = columns.get(field, column)
            found = {str(feature.get(name) or UNKNOWN).strip() for feature in street.features}
            stated = getattr(spans, field)[index]
            if found and stated not in found:
                flaws.append(f"{spans.ids[index]} is {stated}, the street {' or '.join(sorted(found))}")
        yield flawless(f"{len(trenches)} built trenches: {field}", "as in the raw layer", flaws)


def lengths_are_right(facts: Facts) -> Iterator[Finding]:
    """Yield whether spans are as long as their coordinates say, and routes as long as their spans."""
    spans = facts.network.spans

    def excess(index: int) -> tuple[float, float, float]:
        return _length_deviation(line_length_km(spans.line(index)), float(spans.length_km[index]))

    yield from _worst_by_medium(facts, excess, unit="km")
    yield flawless("laterals", "as long as from the site to its node", list(_lateral_length_flaws(facts)))
    for route in facts.routes:
        length_km = math.fsum(float(spans.length_km[index]) for index in route.indices)
        yield equal(route.subject, length_km, route.route.length_km, unit="km")


def losses_are_right(facts: Facts) -> Iterator[Finding]:
    """Yield whether losses of spans, joints, laterals and routes follow from lengths and the fiber catalog."""
    spans = facts.network.spans

    def excess(index: int) -> tuple[float, float, float]:
        return _deviation(span_loss_db(facts.network, facts.scenario, index), float(spans.loss_db[index]))

    yield from _worst_by_medium(facts, excess, unit="dB")
    yield flawless("nodes", "joints in handholes, none at junctions", list(_joint_flaws(facts)))
    yield flawless("sites", "laterals with the loss of their length", list(_lateral_loss_flaws(facts)))
    for route in facts.routes:
        if route.arms is not None:
            loss_db = math.fsum(arm.loss_db for arm in route.arms)
            yield equal(route.subject, loss_db, route.route.loss_db, unit="dB")


def prices_are_right(facts: Facts) -> Iterator[Finding]:
    """Yield whether the network's prices of spans and of laterals follow from the price list."""
    network, currency = facts.network, facts.scenario.spec.currency
    capital = ("trench_capex", "right_of_way_capex", "crossing_capex", "cable_capex")
    columns = (*capital, "rent_per_year", "lease_per_fiber_year")

    def excess(index: int) -> tuple[float, float, float]:
        """Return the column that is farthest off; the dearest where none is."""
        prices = facts.prices.span(index)
        pairs = [(getattr(prices, name), float(getattr(network.spans, name)[index])) for name in columns]
        return max((_deviation(*pair) for pair in pairs), key=lambda found: (found[2], found[0]))

    yield from _worst_by_medium(facts, excess, unit=currency)
    deviations = {site.id: _deviation(facts.prices.lateral(site.id), site.lateral_capex) for site in network.sites}
    worst = max(deviations, key=lambda site: (deviations[site][2], deviations[site][0]))
    expected, actual, _ = deviations[worst]
    yield equal(f"{len(deviations)} laterals, farthest off {worst}", expected, actual, unit=currency)


def _lateral_length_flaws(facts: Facts) -> Iterator[str]:
    nodes = facts.network.nodes
    for site in facts.network.sites:
        node = (nodes.lon_deg[site.node], nodes.lat_deg[site.node])
        wanted_km, found_km, off = _length_deviation(line_length_km([node, _place(facts, site.id)]), site.lateral_km)
        if off > 1.0:
            yield f"lateral of {site.id} has {number(found_km)} km instead of {number(wanted_km)} km"


def _joint_flaws(facts: Facts) -> Iterator[str]:
    nodes = facts.network.nodes
    for node in range(len(nodes)):
        wanted = joint_loss_db(facts.network, facts.scenario, node)
        found = float(nodes.joint_loss_db[node])
        if _deviation(wanted, found)[2] > 1.0:
            yield f"{nodes.ids[node]} loses {number(found)} dB instead of {number(wanted)} dB"


def _lateral_loss_flaws(facts: Facts) -> Iterator[str]:
    for site in facts.network.sites:
        wanted = fiber_loss_db(facts.scenario, site.lateral_km)
        if _deviation(wanted, site.lateral_loss_db)[2] > 1.0:
            yield f"lateral of {site.id} loses {number(site.lateral_loss_db)} dB instead of {number(wanted)} dB"


def _length_deviation(expected_km: float, actual_km: float) -> tuple[float, float, float]:
    """Return both lengths and their difference in units of what is tolerated."""
    allowed_km = LENGTH_TOLERANCE * expected_km + COORDINATE_TOLERANCE_M / 1000.0
    return expected_km, actual_km, abs(expected_km - actual_km) / allowed_km


def _deviation(expected: float, actual: float) -> tuple[float, float, float]:
    """Return both numbers and their difference in units of what is tolerated."""
    allowed = RELATIVE_TOLERANCE * max(abs(expected), abs(actual))
    return expected, actual, abs(expected - actual) / allowed if allowed else 0.0


def _worst_by_medium(
    facts: Facts, excess: Callable[[int], tuple[float, float, float]], *, unit: str
) -> Iterator[Finding]:
    """Yield one finding per medium, about the span that is farthest off in units of its tolerance."""
    spans = facts.network.spans
    for medium in MEDIA:
        members = [index for index, kind in enumerate(spans.medium) if kind == medium]
        if members:
            deviations = {index: excess(index) for index in members}
            worst = max(members, key=lambda index: deviations[index][2])
            expected, actual, off = deviations[worst]
            yield Finding(
                subject=f"{len(members)} {medium} spans, farthest off {spans.ids[worst]}",
                expected=number(expected),
                actual=number(actual),
                unit=unit,
                passed=off <= 1.0,
            )
