"""Checks that the plan belongs to its inputs and names only what is there."""

from __future__ import annotations

from collections.abc import Iterator

from planner.network import Network
from planner.plan import CostLine, Installation, Plan, Service, SiteOpening, SpanBuild
from planner.scenario import Scenario
from planner.verify.findings import Finding, flawless, same
from planner.verify.foundsites import flaws_of_found_sites
from planner.verify.spans import hop_is_asked_for


def inputs_match(network: Network, scenario: Scenario, plan: Plan) -> Iterator[Finding]:
    """Yield whether plan, network and scenario were made for each other, in the same money and with the same aim."""
    yield same("scenario of the plan", scenario.digest, plan.scenario_digest)
    yield same("network of the plan", network.digest, plan.network_digest)
    yield same("scenario of the network", scenario.digest, network.scenario_digest)
    money = f"{scenario.spec.currency} of {scenario.spec.price_year}"
    yield same("money", money, f"{plan.currency} of {plan.price_year}")
    yield same("objective", scenario.spec.objective, plan.outcome.objective)


def names_are_known(network: Network, scenario: Scenario, plan: Plan) -> Iterator[Finding]:
    """Yield whether every span, site, item, phase, demand and technology that the plan names exists."""
    network_sites = {site.id for site in network.sites}
    known: dict[str, set[str]] = {
        "span": set(network.spans.ids),
        "site": network_sites & {site.id for site in scenario.sites},
        "item": set(scenario.costs.items),
        "phase": {phase.id for phase in scenario.phases},
        "demand": {demand.id for demand in scenario.demands},
        "technology": {technology.id for technology in scenario.spec.technologies},
    }
    used = _names(plan)
    for kind, names in known.items():
        yield flawless(f"every {kind}", "known", [f"no {kind} {name!r}" for name in sorted(used[kind] - names)])
    hops = {hop.id for hop in network.hops if hop_is_asked_for(scenario, hop)}
    media = dict(zip(network.spans.ids, network.spans.medium, strict=True))
    lost = sorted(span for span, medium in media.items() if medium == "free_space" and span not in hops)
    missing = [f"no hop {name!r}" for name in lost]
    yield flawless("every free-space hop", "declared in the scenario, or found as it asks", missing)
    if network.found_sites:
        yield flawless("every found site", "as a rule asks", sorted(flaws_of_found_sites(network, scenario)))


def _names(plan: Plan) -> dict[str, set[str]]:
    """Return all names of the plan, by kind."""
    routes = [route for service in plan.services for route in service.routes]
    placed: tuple[SiteOpening | Installation, ...] = (*plan.openings, *plan.installations)
    dated: tuple[SpanBuild | SiteOpening | Installation | Service | CostLine, ...]
    dated = (*plan.builds, *placed, *plan.services, *plan.costs)
    return {
        "span": {build.span for build in plan.builds} | {span for route in routes for span in route.spans},
        "site": {entry.site for entry in placed} | {station.site for route in routes for station in route.stations},
        "item": {entry.item for entry in plan.installations},
        "phase": {entry.phase for entry in dated},
        "demand": {service.demand for service in plan.services},
        "technology": {route.technology for route in routes},
    }
