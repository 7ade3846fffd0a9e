"""Checks of the spans that the plan uses: geometry, lengths, losses and prices."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from planner.network import MEDIA
from planner.verify.facts import Facts
from planner.verify.findings import RELATIVE_TOLERANCE, Finding, equal, flawless, number
from planner.verify.geometry import distance_m, line_length_km, stray_lengths_m
from planner.verify.spans import fiber_loss_db, joint_loss_db, lateral_price, span_loss_db, span_prices

LENGTH_TOLERANCE = 1e-3
"""Lengths measured on the ellipsoid against lengths in a metric projection."""
COORDINATE_TOLERANCE_M = 0.1
"""Shift of a point by rounding its coordinates, which matters for spans of a few metres."""
JOINED_TOLERANCE_M = 1.0
"""Largest distance between the end of a span's line and its node."""


def spans_join_their_nodes(facts: Facts) -> Iterator[Finding]:
    """Yield whether the line of every span in use begins and ends at its two nodes."""
    spans, nodes = facts.network.spans, facts.network.nodes
    flaws = []
    for index in facts.used_spans:
        line = spans.line(index)
        for point, node in ((line[0], int(spans.start[index])), (line[-1], int(spans.end[index]))):
            gap_m = distance_m(point, (nodes.lon_deg[node], nodes.lat_deg[node]))
            if gap_m > JOINED_TOLERANCE_M:
                flaws.append(f"{spans.ids[index]} ends {number(gap_m)} m from node {nodes.ids[node]}")
    yield flawless("spans in use", f"ends at most {JOINED_TOLERANCE_M:g} m from their nodes", flaws)


def trenches_follow_streets(facts: Facts) -> Iterator[Finding]:
    """Yield whether every built trench lies on lines of the raw street layer; nothing where that cannot be read."""
    if facts.streets.unread:
        return
    spans = facts.network.spans
    built = sorted({facts.span_index[build.span] for build in facts.plan.builds})
    trenches = [index for index in built if spans.medium[index] == "trench"]
    strays = stray_lengths_m(spans, trenches, facts.streets)
    flaws = [
        f"{spans.ids[index]} is off every street for {number(stray)} m" for index, stray in strays.items() if stray
    ]
    yield flawless("built trenches", "in streets of the raw layer", flaws)


def lengths_are_right(facts: Facts) -> Iterator[Finding]:
    """Yield whether spans in use are as long as their coordinates say, and routes as long as their spans."""
    spans = facts.network.spans

    def excess(index: int) -> tuple[float, float, float]:
        expected, actual = line_length_km(spans.line(index)), float(spans.length_km[index])
        allowed = LENGTH_TOLERANCE * expected + COORDINATE_TOLERANCE_M / 1000.0
        return expected, actual, abs(expected - actual) / allowed

    yield from _worst_by_medium(facts, excess, unit="km")
    for route in facts.routes:
        length_km = math.fsum(float(spans.length_km[index]) for index in route.indices)
        yield equal(route.subject, length_km, route.route.length_km, unit="km")


def losses_are_right(facts: Facts) -> Iterator[Finding]:
    """Yield whether losses of spans, joints, laterals and routes follow from lengths and the fiber catalog."""
    spans = facts.network.spans

    def excess(index: int) -> tuple[float, float, float]:
        return _deviation(span_loss_db(facts.network, facts.scenario, index), float(spans.loss_db[index]))

    yield from _worst_by_medium(facts, excess, unit="dB")
    yield flawless("nodes in use", "joints in handholes, none at junctions", list(_joint_flaws(facts)))
    yield flawless("sites in use", "laterals with the loss of their length", list(_lateral_loss_flaws(facts)))
    for route in facts.routes:
        if route.arms is not None:
            loss_db = math.fsum(arm.loss_db for arm in route.arms)
            yield equal(route.subject, loss_db, route.route.loss_db, unit="dB")


def prices_are_right(facts: Facts) -> Iterator[Finding]:
    """Yield whether the network's prices of spans in use and of laterals follow from the price list."""
    network, scenario = facts.network, facts.scenario
    columns = ("trench_capex", "right_of_way_capex", "cable_capex", "rent_per_year", "lease_per_fiber_year")

    def excess(index: int) -> tuple[float, float, float]:
        """Return the column that is farthest off; the dearest where none is."""
        prices = span_prices(network, scenario, index)
        pairs = [(getattr(prices, name), float(getattr(network.spans, name)[index])) for name in columns]
        return max((_deviation(*pair) for pair in pairs), key=lambda found: (found[2], found[0]))

    yield from _worst_by_medium(facts, excess, unit=scenario.spec.currency)
    for opening in facts.plan.openings:
        expected = lateral_price(network, scenario, opening.site)
        actual = network.site(opening.site).lateral_capex
        if expected or actual:
            yield equal(f"lateral of {opening.site}", expected, actual, unit=scenario.spec.currency)


def _joint_flaws(facts: Facts) -> Iterator[str]:
    nodes, spans = facts.network.nodes, facts.network.spans
    touched = {int(end[index]) for index in facts.used_spans for end in (spans.start, spans.end)}
    for node in sorted(touched):
        wanted = joint_loss_db(facts.network, facts.scenario, node)
        found = float(nodes.joint_loss_db[node])
        if _deviation(wanted, found)[2] > 1.0:
            yield f"{nodes.ids[node]} loses {number(found)} dB instead of {number(wanted)} dB"


def _lateral_loss_flaws(facts: Facts) -> Iterator[str]:
    for site_id in sorted({opening.site for opening in facts.plan.openings}):
        site = facts.network.site(site_id)
        wanted = fiber_loss_db(facts.scenario, site.lateral_km)
        if _deviation(wanted, site.lateral_loss_db)[2] > 1.0:
            yield f"lateral of {site_id} loses {number(site.lateral_loss_db)} dB instead of {number(wanted)} dB"


def _deviation(expected: float, actual: float) -> tuple[float, float, float]:
    """Return both numbers and their difference in units of what is tolerated."""
    allowed = RELATIVE_TOLERANCE * max(abs(expected), abs(actual))
    return expected, actual, abs(expected - actual) / allowed if allowed else 0.0


def _worst_by_medium(
    facts: Facts, excess: Callable[[int], tuple[float, float, float]], *, unit: str
) -> Iterator[Finding]:
    """Yield one finding per medium in use, about the span that is farthest off in units of its tolerance."""
    spans = facts.network.spans
    for medium in MEDIA:
        members = [index for index in facts.used_spans if spans.medium[index] == medium]
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
