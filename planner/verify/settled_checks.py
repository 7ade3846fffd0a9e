"""Checks of what the scenario settles beforehand: the forced is there in time, the forbidden is not used."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from planner.network import Network
from planner.scenario import Scenario
from planner.scenario.parts import SpanChoice
from planner.verify.facts import Facts
from planner.verify.findings import Finding, flawless


def spans_of(network: Network, choice: SpanChoice) -> set[str]:
    """Return the spans that a choice names by id, by their street or duct, or by status."""
    spans = network.spans
    return {
        name
        for name, medium, origin, status in zip(spans.ids, spans.medium, spans.origin, spans.status, strict=True)
        if name in choice.spans
        or (status and status in choice.statuses)
        or (origin and origin in (choice.streets if medium == "trench" else choice.ducts))
    }


def standing_spans(network: Network, scenario: Scenario) -> set[str]:
    """Return the spans that are as built."""
    return {name for part in scenario.spec.as_built for name in spans_of(network, part)}


def standing_sites(scenario: Scenario) -> set[str]:
    """Return the sites that are open already."""
    return {site for part in scenario.spec.as_built for site in part.sites}


def standing_units(scenario: Scenario) -> Counter[tuple[str, str]]:
    """Return the units of equipment that stand already, by site and item."""
    owned: Counter[tuple[str, str]] = Counter()
    for part in scenario.spec.as_built:
        for site in part.sites:
            owned.update({(site, item): count for item, count in part.items.items()})
    return owned


def forced_is_there(facts: Facts) -> Iterator[Finding]:
    """Yield, for everything that the scenario forces, whether it is in use, open or bought by its phase."""
    plan, scenario = facts.plan, facts.scenario
    for number, part in enumerate(scenario.spec.force):
        due = [phase.id for phase in scenario.phases[: scenario.phase_index(part.phase) + 1]]
        built = {build.span for build in plan.builds if build.phase in due} | standing_spans(facts.network, scenario)
        opened = {item.site for item in plan.openings if item.phase in due} | standing_sites(scenario)
        units = standing_units(scenario)
        for bought in plan.installations:
            units[bought.site, bought.item] += bought.count if bought.phase in due else 0
        flaws = [f"span {name} is not built" for name in sorted(spans_of(facts.network, part) - built)]
        flaws += [f"site {name} is not open" for name in sorted(set(part.sites) - opened)]
        flaws += [
            f"{site} has {units[site, item]} of {count} {item}"
            for site in part.sites
            for item, count in sorted(part.items.items())
            if units[site, item] < count
        ]
        yield flawless(f"force[{number}]", f"there by {part.phase}", flaws)
    yield from _drawn_forced(facts)


def _drawn_forced(facts: Facts) -> Iterator[Finding]:
    """Yield whether what drawn overrides force is in use in time."""
    spans, scenario = facts.network.spans, facts.scenario
    built = {build.span: scenario.phase_index(build.phase) for build in facts.plan.builds}
    built |= dict.fromkeys(standing_spans(facts.network, scenario), 0)
    due = {
        name: scenario.phase_index(phase) for name, phase in zip(spans.ids, spans.forced_phase, strict=True) if phase
    }
    if due:
        late = [f"span {name} is not built" for name, phase in due.items() if built.get(name, phase + 1) > phase]
        yield flawless(f"{len(due)} spans forced by drawn overrides", "there in time", late)


def forbidden_is_left(facts: Facts) -> Iterator[Finding]:
    """Yield, for everything that the scenario forbids, whether the plan leaves it alone."""
    plan = facts.plan
    used = {build.span for build in plan.builds} | {span for item in facts.routes for span in item.route.spans}
    stations = {(station.site, station.role) for item in facts.routes for station in item.route.stations}
    for number, part in enumerate(facts.scenario.spec.forbid):
        flaws = [f"span {name} is used" for name in sorted(spans_of(facts.network, part) & used)]
        flaws += [
            f"a {role} stands at {site}"
            for site, role in sorted(stations)
            if site in part.sites and (not part.roles or role in part.roles)
        ]
        yield flawless(f"forbid[{number}]", "not used", flaws)
    spans = facts.network.spans
    closed = {spans.ids[at] for at in spans.forbidden.nonzero()[0].tolist()}
    if closed:
        flaws = [f"span {name} is used" for name in sorted(closed & used)]
        yield flawless(f"{len(closed)} spans forbidden by drawn overrides", "not used", flaws)
