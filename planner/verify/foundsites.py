"""Whether candidate sites that the network found are such as the scenario's rules ask for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from planner.network import Network
from planner.scenario import CandidateRule, Scenario, Site
from planner.verify.geometry import distance_m

SPACING_TOLERANCE = 1e-2
"""Distances are measured in a metric projection where sites are found, and on the ellipsoid here."""


def flaws_of_found_sites(network: Network, scenario: Scenario) -> Iterator[str]:
    """Yield what is wrong with found sites: no rule of theirs, other fittings, too many, too near to each other."""
    by_rule: dict[str, list[Site]] = {}
    for site in network.found_sites:
        by_rule.setdefault(site.id.rpartition("-")[0], []).append(site)
    rules = {rule.id: rule for rule in scenario.spec.candidate_sites}
    for name, sites in sorted(by_rule.items()):
        if name not in rules:
            yield f"no rule {name!r}"
            continue
        yield from _flaws(rules[name], sites, scenario)


def _flaws(rule: CandidateRule, sites: Sequence[Site], scenario: Scenario) -> Iterator[str]:
    if len(sites) > rule.max_sites:
        yield f"{len(sites)} sites of {rule.id} instead of {rule.max_sites}"
    fittings = ("hosts", "shelter", "max_units", "max_power_w", "max_area_m2")
    for site in sites:
        if site.kind != rule.at or not site.assumed or any(getattr(site, x) != getattr(rule, x) for x in fittings):
            yield f"{site.id} is not as rule {rule.id} says"
        if not scenario.spec.extent.contains(site.lon_deg, site.lat_deg):
            yield f"{site.id} lies outside the extent"
    for first, second in combinations(sites, 2):
        apart_m = distance_m((first.lon_deg, first.lat_deg), (second.lon_deg, second.lat_deg))
        if apart_m < rule.spacing_m * (1.0 - SPACING_TOLERANCE):
            yield f"{first.id} and {second.id} lie {apart_m:.0f} m apart instead of {rule.spacing_m:g} m"
