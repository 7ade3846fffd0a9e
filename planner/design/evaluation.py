"""A given plan, or routes drawn by hand, priced as they are: nothing is searched, nothing is improved."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations, pairwise
from pathlib import Path

from planner.design.assembly import assemble_given
from planner.design.bounds import METHOD
from planner.design.drawn_routes import Drawing, DrawnRoute, NoWayError, WalkFinder, load_drawing, passed_sites
from planner.design.graph import sites_that_host
from planner.design.rollouts import Draft
from planner.design.routes import Candidate, RouteJudge
from planner.design.settled import SettledWorld, settle
from planner.design.strategies import prover
from planner.design.stretches import conceivable_technologies
from planner.design.work import Work
from planner.errors import InputError, Problem
from planner.fixed import fixed_parts
from planner.network import Network
from planner.plan import Plan, Service, Station, load_plan
from planner.scenario import Demand, Scenario, Technology
from planner.scenario.spec import Role
from planner.yamlio import nearest

MOST_PLACEMENTS = 200
"""Choices of repeaters that are tried on one drawn route."""

Services = Mapping[tuple[str, int], tuple[Candidate, ...]]


def evaluate_given(network: Network, scenario: Scenario, path: Path, *, with_bound: bool = False) -> Plan:
    """Return the plan in a file with everything recomputed: a `plan.json`, or routes drawn by hand.

    Of a plan, builds, openings, installations and routes are taken as they are, and rates, fidelities and costs are
    computed anew. Of drawn routes, what they need is built in the phase that first uses it. Whether the plan meets its
    targets and budgets is for the verification to say. `with_bound` computes the lower bound on every plan, too.
    Raises InputError, with its place, for what does not fit the scenario or the network.
    """
    if network.scenario_digest != scenario.digest:
        raise InputError.at(str(scenario.path), "the network was built for another scenario: run planner build again")
    scenario = scenario.with_sites(network.found_sites)
    fixed = fixed_parts(network, scenario)
    judge = RouteJudge(network, scenario)
    bound = _bound(settle(network, scenario, fixed)) if with_bound else 0.0
    plan = _plan_in(path)
    if plan is None:
        draft = draft_of_services(settle(network, scenario, fixed), _drawn_services(judge, load_drawing(path)))
    else:
        draft = _judged_again(judge, plan, path)
    rollout = scenario.spec.rollout if plan is None else plan.rollout
    return assemble_given(network, scenario, draft, bound=bound, bound_method=METHOD, rollout=rollout)


def _bound(world: SettledWorld) -> float:
    """Return the lower bound on every plan; 0 where demands may be left unserved."""
    work = Work(gap=0.0, budget=1, time_limit_s=world.scenario.spec.solver.time_limit_s)
    prover(world, work)(lambda _: None)
    return work.bound


def _plan_in(path: Path) -> Plan | None:
    """Return the plan in a file, None where it holds something else; raises InputError for a broken plan."""
    if path.suffix.lower() != ".json":
        return None
    try:
        contents = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return load_plan(path)
    return None if isinstance(contents, dict) and contents.get("type") == "FeatureCollection" else load_plan(path)


def draft_of_services(world: SettledWorld, services: Services) -> Draft:
    """Return the draft in which routes get what they need in the phase that first uses it, and what is due is there."""
    scenario, past = world.scenario, world.past
    serves = {name: item.serves for name, item in scenario.costs.items.items()}
    spans, sites = dict(past.due_spans), dict(past.due_sites)
    needs: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0] * len(scenario.phases))
    for (_, phase), routes in sorted(services.items(), key=lambda item: (item[0][1], item[0][0])):
        for route in routes:
            spans |= {span: min(phase, spans.get(span, phase)) for span in route.passes if span not in past.spans}
            sites |= {site: min(phase, sites.get(site, phase)) for site in route.sites if site not in past.sites}
            for key, wanted in route.needs.items():
                needs[key][phase] += wanted
    units: dict[tuple[str, str, int], int] = {}
    for site, item in sorted(needs.keys() | past.due_units.keys()):
        owned = past.units.get((site, item), 0)
        due = past.due_units.get((site, item), (0,) * len(scenario.phases))
        for phase, count in enumerate(needs[site, item]):
            least = max(due[phase], -(-count // serves[item]))
            if least > owned:
                units[site, item, phase] = least - owned
                owned = least
    return Draft(
        span_phase=spans,
        site_phase=sites,
        units=units,
        services=services,
        candidate_bound=0.0,
        candidates=len({route.key for routes in services.values() for route in routes}),
    )


def _judged_again(judge: RouteJudge, plan: Plan, path: Path) -> Draft:
    """Return a plan's own quantities, its routes judged anew; raises InputError for names that are not known here."""
    problems = list(_unknown_names(judge, plan, path))
    if problems:
        raise InputError(*problems)
    scenario, index = judge.scenario, judge.network.span_index()
    services: dict[tuple[str, int], tuple[Candidate, ...]] = {}
    for number, service in enumerate(plan.services):
        demand = scenario.demand(service.demand)
        routes = []
        for place, route in enumerate(service.routes):
            where = f"{path}: services[{number}].routes[{place}]"
            spans = [index[span] for span in route.spans]
            if not _is_a_walk(judge, demand, spans, route.stations):
                raise InputError.at(where, f"not a walk from {demand.a} to {demand.b} with its stations on the way")
            technology = scenario.technology(route.technology)
            routes.append(judge.appraise(demand, technology, spans, route.stations, lanes=route.lanes))
        services[service.demand, scenario.phase_index(service.phase)] = tuple(routes)
    span_phase, site_phase = {}, {}
    for build in plan.builds:
        span_phase[index[build.span]] = scenario.phase_index(build.phase)
    for opening in plan.openings:
        site_phase[opening.site] = scenario.phase_index(opening.phase)
    units: dict[tuple[str, str, int], int] = defaultdict(int)
    for bought in plan.installations:
        units[bought.site, bought.item, scenario.phase_index(bought.phase)] += bought.count
    return Draft(
        span_phase=span_phase,
        site_phase=site_phase,
        units=dict(units),
        services=services,
        candidate_bound=0.0,
        candidates=len({route.key for routes in services.values() for route in routes}),
    )


def _is_a_walk(judge: RouteJudge, demand: Demand, spans: Sequence[int], stations: Sequence[Station]) -> bool:
    columns, node = judge.network.spans, judge.sites[demand.a].node
    nodes = [node]
    for span in spans:
        ends = (int(columns.start[span]), int(columns.end[span]))
        if nodes[-1] not in ends:
            return False
        nodes.append(ends[1] if nodes[-1] == ends[0] else ends[0])
    places = [station.after_spans for station in stations]
    return (
        nodes[-1] == judge.sites[demand.b].node
        and places == sorted(places)
        and (places[0], places[-1]) == (0, len(spans))
        and all(judge.sites[station.site].node == nodes[station.after_spans] for station in stations)
    )


def _unknown_names(judge: RouteJudge, plan: Plan, path: Path) -> Iterator[Problem]:
    """Yield a problem for every name in a plan that the scenario or the network does not know."""
    scenario = judge.scenario
    known: dict[str, set[str]] = {
        "span": set(judge.network.spans.ids),
        "site": set(judge.sites),
        "phase": {phase.id for phase in scenario.phases},
        "demand": {demand.id for demand in scenario.demands},
        "technology": {item.id for item in scenario.spec.technologies},
        "item": set(scenario.costs.items),
    }

    def check(place: str, **names: str) -> Iterator[Problem]:
        for kind, name in names.items():
            if name not in known[kind]:
                text = f"unknown {kind} '{name}'{nearest(name, known[kind])}"
                yield Problem(where=str(path), key_path=f"{place}.{kind}", problem=text)

    for number, build in enumerate(plan.builds):
        yield from check(f"builds[{number}]", span=build.span, phase=build.phase)
    for number, opening in enumerate(plan.openings):
        yield from check(f"openings[{number}]", site=opening.site, phase=opening.phase)
    for number, bought in enumerate(plan.installations):
        yield from check(f"installations[{number}]", site=bought.site, item=bought.item, phase=bought.phase)
    for number, service in enumerate(plan.services):
        yield from check(f"services[{number}]", demand=service.demand, phase=service.phase)
        yield from _unknown_in_routes(service, f"services[{number}]", check)


def _unknown_in_routes(service: Service, place: str, check: Callable[..., Iterator[Problem]]) -> Iterator[Problem]:
    for number, route in enumerate(service.routes):
        yield from check(f"{place}.routes[{number}]", technology=route.technology)
        for name in dict.fromkeys(route.spans):
            yield from check(f"{place}.routes[{number}]", span=name)
        for station in route.stations:
            yield from check(f"{place}.routes[{number}]", site=station.site)


def _drawn_services(judge: RouteJudge, drawing: Drawing) -> Services:
    """Return who is served by which drawn routes in each phase; raises InputError with every mistake."""
    scenario = judge.scenario
    finder = WalkFinder(judge.network, scenario, judge.graph, drawing.max_snap_m)
    starts: dict[str, dict[int, list[Candidate]]] = defaultdict(lambda: defaultdict(list))
    problems: list[Problem] = []
    for number, drawn in enumerate(drawing.routes):
        try:
            demand, phase = _whom_and_when(scenario, drawn)
            starts[demand.id][phase].append(_candidate(judge, finder, drawn, demand))
        except NoWayError as error:
            problems.append(drawing.problem(number, error.key, str(error)))
    if problems:
        raise InputError(*problems)
    services: dict[tuple[str, int], tuple[Candidate, ...]] = {}
    for demand_id, by_phase in starts.items():
        for phase in range(min(by_phase), len(scenario.phases)):
            routes = by_phase[max(start for start in by_phase if start <= phase)]
            services[demand_id, phase] = tuple(sorted(routes, key=lambda item: item.rank))
    return dict(sorted(services.items()))


def _whom_and_when(scenario: Scenario, drawn: DrawnRoute) -> tuple[Demand, int]:
    demands, phases = {demand.id: demand for demand in scenario.demands}, [phase.id for phase in scenario.phases]
    if drawn.demand not in demands:
        raise NoWayError("demand", f"unknown demand '{drawn.demand}'{nearest(drawn.demand, demands)}")
    demand = demands[drawn.demand]
    phase = drawn.phase or demand.from_phase
    if phase not in phases:
        raise NoWayError("phase", f"unknown phase '{phase}'{nearest(phase, phases)}")
    if phases.index(phase) < scenario.phase_index(demand.from_phase):
        raise NoWayError("phase", f"demand {demand.id} starts in phase {demand.from_phase}")
    return demand, phases.index(phase)


def _candidate(judge: RouteJudge, finder: WalkFinder, drawn: DrawnRoute, demand: Demand) -> Candidate:
    """Return the drawn route, with the stations that it names or the best that can be placed on it."""
    scenario = judge.scenario
    technologies = conceivable_technologies(scenario, demand)
    if drawn.technology is not None:
        names = [item.id for item in scenario.spec.technologies]
        if drawn.technology not in names:
            text = f"unknown technology '{drawn.technology}'{nearest(drawn.technology, names)}"
            raise NoWayError("technology", text)
        technologies = (scenario.technology(drawn.technology),)
    spans = finder.walk(drawn, demand)
    nodes = finder.nodes(spans, judge.graph.site_node[demand.a])
    found: list[Candidate] = []
    for technology in technologies:
        for stations in _placements(judge, drawn, demand, technology, nodes):
            candidate = judge.appraise(demand, technology, spans, stations, lanes=drawn.lanes)
            if judge.meets(demand, technology, candidate):
                return candidate
            found.append(candidate)
    if not found:
        raise NoWayError("stations" if drawn.stations else "", "no station can stand where the route would need one")
    return max(found, key=lambda item: (item.route.fidelity >= demand.min_fidelity, item.route.rate_hz))


def _placements(
    judge: RouteJudge, drawn: DrawnRoute, demand: Demand, technology: Technology, nodes: list[int]
) -> Iterator[tuple[Station, ...]]:
    """Yield stations along a walk: those that are named, or few repeaters first, each link with its middle half-way."""
    first = Station(site=demand.a, role="end", after_spans=0)
    last = Station(site=demand.b, role="end", after_spans=len(nodes) - 1)
    if drawn.stations:
        yield (first, *_named_stations(judge, drawn, nodes), last)
        return
    role: Role = "pair_source" if technology.pair_source else "heralding"
    passed = list(passed_sites(judge.network, nodes))
    hosts = {name: sites_that_host(judge.scenario, name, demand) for name in (technology.inner_role, role)}
    ends = (demand.a, demand.b)
    repeaters = [
        Station(site=site, role=technology.inner_role, after_spans=at)
        for at, site in passed
        if site in hosts[technology.inner_role] and site not in ends
    ]
    middles = [Station(site=site, role=role, after_spans=at) for at, site in passed if site in hosts[role]]
    for links in range(1, technology.max_links + 1):
        for number, chosen in enumerate(combinations(repeaters, links - 1)):
            if number == MOST_PLACEMENTS:
                break
            stations: list[Station] = [first]
            for left, right in pairwise((first, *chosen, last)):
                between = [item for item in middles if left.after_spans <= item.after_spans <= right.after_spans]
                if not between:
                    break
                half = 0.5 * (left.after_spans + right.after_spans)
                stations += [min(between, key=lambda item: (abs(item.after_spans - half), item.site)), right]
            else:
                yield tuple(stations)


def _named_stations(judge: RouteJudge, drawn: DrawnRoute, nodes: list[int]) -> Iterator[Station]:
    at = 0
    for station in drawn.stations:
        if station.site not in judge.sites:
            raise NoWayError("stations", f"unknown site '{station.site}'{nearest(station.site, judge.sites)}")
        node = judge.sites[station.site].node
        if node not in nodes[at:]:
            raise NoWayError("stations", f"the route does not pass site {station.site} there")
        at += nodes[at:].index(node)
        yield Station(site=station.site, role=station.role, after_spans=at)
