"""Check of what sites share: worked out again from the scenario's feeds and the raw layers of buildings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import combinations

from planner.scenario import Scenario
from planner.verify.facts import Facts
from planner.verify.findings import Finding, flawless
from planner.verify.geometry import shapes_at
from planner.verify.layers import read_raw_drawing

NEAR_M, DOUBT_M = 5.0, 0.5
"""A site this near to a building is in it, give or take what two projections make of it."""


def sites_share_as_they_lie(facts: Facts) -> Iterator[Finding]:
    """Yield whether sites share the power feeds that they name, and the buildings that they stand in.

    Buildings of layers that cannot be read again are taken from the network; the verdict says so.
    """
    sites, network = facts.scenario.sites, facts.network
    told = {site.id: set(site.risk_groups) for site in network.sites}
    feeds = Counter(site.power_feed for site in sites if site.power_feed)
    if not any(told.values()) and not facts.scenario.spec.layers.buildings and max(feeds.values(), default=0) < 2:
        return
    flaws = []
    for site in sites:
        wanted = {f"site-power:{site.power_feed}"} if feeds[site.power_feed] > 1 else set()
        has = {name for name in told[site.id] if name.startswith("site-power:")}
        flaws += [f"{site.id} is fed by {sorted(has)} instead of {sorted(wanted)}"] if has != wanted else []
    if not unread_buildings(facts.scenario):
        flaws += _building_flaws(facts, told)
    yield flawless(f"{len(sites)} sites", "sharing buildings and power as they lie", flaws)


def unread_buildings(scenario: Scenario) -> str:
    """Return why the layers of buildings cannot be read again, or nothing."""
    drawings = (read_raw_drawing(scenario.folder, layer).unread for layer in scenario.spec.layers.buildings)
    return next((unread for unread in drawings if unread), "")


def _building_flaws(facts: Facts, told: dict[str, set[str]]) -> Iterator[str]:
    """Yield pairs of sites that are said to share a building and do not, or that stand inside of one and do not say."""
    sites = facts.scenario.sites
    near: list[set[tuple[int, int]]] = [set() for _ in sites]
    inside: list[set[tuple[int, int]]] = [set() for _ in sites]
    for number, layer in enumerate(facts.scenario.spec.layers.buildings):
        drawing = read_raw_drawing(facts.scenario.folder, layer)
        places = [(site.lon_deg, site.lat_deg) for site in sites]
        found = shapes_at(places, [one.shape for one in drawing.shapes], drawing.crs, NEAR_M + DOUBT_M)
        for at, shapes in enumerate(found):
            near[at] |= {(number, shape) for shape in shapes}
            inside[at] |= {(number, shape) for shape, distance_m in shapes.items() if distance_m == 0.0}
    for one, other in combinations(range(len(sites)), 2):
        names = (sites[one].id, sites[other].id)
        both = {name for name in told[names[0]] & told[names[1]] if name.startswith("site-building:")}
        if both and not near[one] & near[other]:
            yield f"{names[0]} and {names[1]} share {sorted(both)}, but stand at no common building"
        if not both and inside[one] == inside[other] and len(inside[one]) == 1:
            yield f"{names[0]} and {names[1]} stand in one building and do not say so"
