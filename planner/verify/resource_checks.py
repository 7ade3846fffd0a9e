"""Checks of what is built and bought: in time, once, where it is allowed, and enough of it."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from planner.scenario import Demand
from planner.verify.facts import Facts, stations_needed
from planner.verify.findings import Finding, agree, equal, flawless
from planner.verify.settled_checks import standing_sites, standing_spans, standing_units
from planner.verify.spans import digging_is_forbidden


def fibers_suffice(facts: Facts) -> Iterator[Finding]:
    """Yield, for each phase, whether no span carries more fibers than the plan may use there."""
    spans = facts.network.spans
    for phase, entry in enumerate(facts.scenario.phases):
        taken: Counter[int] = Counter()
        for route in facts.routes_in(phase):
            for index in route.indices:
                taken[index] += route.technology.fibers_per_route
        flaws = [
            f"{spans.ids[index]} carries {count} fibers of {spans.max_fibers[index]}"
            for index, count in sorted(taken.items())
            if count > spans.max_fibers[index]
        ]
        yield flawless(f"{len(taken)} spans in {entry.id}", "enough fibers", flaws)


def equipment_suffices(facts: Facts) -> Iterator[Finding]:
    """Yield, for each phase, whether every site has by then the units that its stations need."""
    for phase, entry in enumerate(facts.scenario.phases):
        installed = _installed(facts, phase)
        needs = stations_needed(facts.routes_in(phase))
        flaws = []
        for (site, item), units in sorted(needs.items()):
            wanted = math.ceil(units / facts.scenario.costs.items[item].serves)
            if installed[site, item] < wanted:
                flaws.append(f"{site} has {installed[site, item]} of {wanted} {item}")
        yield flawless(f"{len({site for site, _ in needs})} sites in {entry.id}", "enough units of every item", flaws)


def sites_have_room(facts: Facts) -> Iterator[Finding]:
    """Yield, for each phase, whether no site has more units, power or area of equipment than there is room for."""
    for phase, entry in enumerate(facts.scenario.phases):
        units: dict[str, Counter[str]] = defaultdict(Counter)
        for (site, item), installed in _installed(facts, phase).items():
            units[site][item] += installed
        flaws = [flaw for site in sorted(units) for flaw in _room_flaws(facts, site, units[site])]
        yield flawless(f"{len(units)} sites with equipment in {entry.id}", "room for all of it", flaws)


def _room_flaws(facts: Facts, site_id: str, units: Counter[str]) -> Iterator[str]:
    site, items = facts.scenario.site(site_id), facts.scenario.costs.items
    for name, most in sorted(site.max_units.items()):
        if units[name] > most:
            yield f"{site_id} has {units[name]} {name}, room for {most}"
    for limit, unit, taken in (
        (site.max_power_w, "W", math.fsum(items[name].power_w * number for name, number in units.items())),
        (site.max_area_m2, "m2", math.fsum(items[name].area_m2 * number for name, number in units.items())),
    ):
        if limit is not None and taken > limit and not agree(limit, taken):
            yield f"{site_id} takes {taken:g} {unit} of {limit:g} {unit}"


def _installed(facts: Facts, phase: int) -> Counter[tuple[str, str]]:
    """Return the units of every (site, item) that are installed by a phase, those that stand already included."""
    installed = standing_units(facts.scenario)
    for bought in facts.plan.installations:
        if facts.scenario.phase_index(bought.phase) <= phase:
            installed[bought.site, bought.item] += bought.count
    return installed


def built_before_use(facts: Facts) -> Iterator[Finding]:
    """Yield, for each phase, whether every span and site that its services use is built or opened by then."""
    scenario = facts.scenario
    built = _first_phases(facts, ((build.span, build.phase) for build in facts.plan.builds))
    opened = _first_phases(facts, ((opening.site, opening.phase) for opening in facts.plan.openings))
    built |= dict.fromkeys(standing_spans(facts.network, scenario), 0)
    opened |= dict.fromkeys(standing_sites(scenario), 0)
    never = len(scenario.phases)
    for phase, entry in enumerate(scenario.phases):
        spans = {span for route in facts.routes_in(phase) for span in route.route.spans}
        flaws = [f"span {span} is not built" for span in sorted(spans) if built.get(span, never) > phase]
        sites = sorted(_sites_used(facts, phase))
        flaws += [f"site {site} is not open" for site in sites if opened.get(site, never) > phase]
        yield flawless(f"{len(spans)} spans and {len(sites)} sites in {entry.id}", "built before use", flaws)


def built_once(facts: Facts) -> Iterator[Finding]:
    """Yield whether no span is built and no site opened a second time, or although it stands already."""
    built = Counter(build.span for build in facts.plan.builds)
    opened = Counter(opening.site for opening in facts.plan.openings)
    built.update(standing_spans(facts.network, facts.scenario) & built.keys())
    opened.update(standing_sites(facts.scenario) & opened.keys())
    for subject, counts in (("spans", built), ("sites", opened)):
        again = [f"{name} {count} times" for name, count in sorted(counts.items()) if count > 1]
        yield flawless(f"{len(counts)} {subject}", "once", again)


def digging_is_allowed(facts: Facts) -> Iterator[Finding]:
    """Yield whether trenches are built only where the scenario allows to dig, and when."""
    spans, scenario = facts.network.spans, facts.scenario
    years = {phase.id: phase.year for phase in scenario.phases}
    built = {facts.span_index[build.span]: years[build.phase] for build in facts.plan.builds}
    trenches = [index for index in sorted(built) if spans.medium[index] == "trench"]
    reasons = {spans.ids[at]: digging_is_forbidden(facts.network, scenario, at, built[at]) for at in trenches}
    flaws = [f"{span}: {reason}" for span, reason in reasons.items() if reason]
    yield flawless(f"{len(trenches)} trench spans", "where and when digging is allowed", flaws)


def demands_are_served(facts: Facts) -> Iterator[Finding]:
    """Yield whether every demand has, in each phase from its first, one service with as many routes as it asks for.

    With the objective `service` a demand may go without, but not after it has been served; otherwise none may.
    """
    scenario, plan = facts.scenario, facts.plan
    served: set[str] = set()
    may_go_without = scenario.spec.objective == "service"
    counts: dict[tuple[str, str], list[int]] = defaultdict(list)
    for service in plan.services:
        counts[service.demand, service.phase].append(len(service.routes))
    for phase, entry in enumerate(scenario.phases):
        active = scenario.active_demands(phase)
        flaws: list[str] = []
        for demand in active:
            flaws += _service_flaws(demand, counts[demand.id, entry.id], may_go_without)
        early = {demand for demand, at in counts if at == entry.id and counts[demand, at]} - {d.id for d in active}
        flaws += [f"{demand} is served before it asks" for demand in sorted(early)]
        now = {demand for (demand, at), numbers in counts.items() if at == entry.id and any(numbers)}
        flaws += [f"{demand} was served before and is left out" for demand in sorted(served - now) if may_go_without]
        served |= now
        yield flawless(f"{len(active)} demands in {entry.id}", "served as asked", flaws)


def served_weight_is_right(facts: Facts) -> Iterator[Finding]:
    """Yield whether the plan's weights are those of its demands, counted once in every phase that asks or serves."""
    scenario, outcome = facts.scenario, facts.plan.outcome
    served = {(service.demand, service.phase) for service in facts.plan.services if service.routes}
    weights = {demand.id: demand.weight for demand in scenario.demands}
    yield equal("served weight", math.fsum(weights[demand] for demand, _ in sorted(served)), outcome.served_weight)
    asked = [demand.weight for phase in range(len(scenario.phases)) for demand in scenario.active_demands(phase)]
    yield equal("total weight", math.fsum(asked), outcome.total_weight)


def _service_flaws(demand: Demand, counts: list[int], may_go_without: bool) -> Iterator[str]:
    if len(counts) != 1:
        yield f"{demand.id} has {len(counts)} services"
    for count in counts:
        if count != demand.routes and (count or not may_go_without):
            yield f"{demand.id} has {count} routes of {demand.routes}"


def _first_phases(facts: Facts, dated: Iterable[tuple[str, str]]) -> dict[str, int]:
    first: dict[str, int] = {}
    for name, phase_id in dated:
        phase = facts.scenario.phase_index(phase_id)
        first[name] = min(phase, first.get(name, phase))
    return first


def _sites_used(facts: Facts, phase: int) -> set[str]:
    """Return the sites of all stations of a phase, and both ends of every free-space hop that its routes use."""
    sites: set[str] = set()
    for route in facts.routes_in(phase):
        sites |= {station.site for station in route.route.stations}
        for index in route.indices:
            if facts.network.spans.medium[index] == "free_space":
                hop = facts.network.hop(facts.network.spans.ids[index])
                sites |= {hop.a, hop.b}
    return sites
