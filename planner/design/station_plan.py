"""The cheapest stations of a scenario, lines left aside: a bound on what stations cost, and routes that use them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from planner.design.graph import sites_that_host
from planner.design.ledger import PriceTable
from planner.design.routes import Candidate, RouteJudge
from planner.design.solvers import SolverTask
from planner.design.station_graph import list_walks
from planner.design.station_problem import StationProblem, View, build_station_problem
from planner.design.station_program import Chain, LeastStations, least_stations
from planner.design.stations import Reaches, first_units_premium, present_tariff, station_cost
from planner.network import Network
from planner.plan import Station
from planner.scenario import Demand, Scenario, Technology
from planner.scenario.spec import Role

MAX_NODES = 2_000
TIME_LIMIT_S = 60.0
GAP = 1e-6
MAX_WALKS = 6
"""Walks of two stations in a program over some walks only."""
MAX_FLOWS = 6_000
"""Flow variables of such a program over all stations."""
NEARLY = 1.0 + 1e-5
"""Costs that differ by less are the same, but for the solver's tolerances."""
NO_CHAINS = (
    "no choice of repeater sites serves all demands: too few lie within reach of each other for routes that share none"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class StationPlan:
    """What stations cost at least, and routes over cheap stations.

    `value` is infinite where no stations can serve the demands; `reasons` then says why.
    """

    value: float = 0.0
    routes: tuple[Candidate, ...] = ()
    reasons: tuple[str, ...] = ()


def plan_stations(
    network: Network, scenario: Scenario, prices: PriceTable, reaches: Reaches | None = None
) -> StationPlan:
    """Return the least present cost of the stations that all demands together need.

    The program is tried where repeaters can be shared or sites have limited room: elsewhere `station_cost` says as
    much. `reaches` are those of the network, if they are known.
    """
    judge = RouteJudge(network, scenario)
    reaches = reaches or Reaches(network, scenario, judge.graph)
    tariff = present_tariff(prices)
    asked = [part for demand in scenario.demands for part in demand.by_target()]
    least = station_cost(tariff, scenario, reaches.by_demand, asked)
    premium = first_units_premium(prices, scenario, reaches.by_demand, asked)
    walks = {item.id: list_walks(scenario, judge.graph, reaches.distances, item) for item in scenario.spec.technologies}

    def problem_of(**view: Any) -> StationProblem:
        return build_station_problem(judge, reaches, tariff=tariff, rooms=prices.rooms, view=View(walks=walks, **view))

    problem = problem_of(is_apart=False)
    if not problem.rooms and not any(choice.links for choice in problem.choices):
        return StationPlan(value=least + premium)
    found = least_stations(problem, _task(scenario))
    if found is not None and math.isfinite(found.value) and any(walks.values()) and _wants_lines_apart(scenario):
        problem, found = _apart(problem, found, problem_of, _task(scenario))
    if found is None:
        return StationPlan(value=least + premium)
    if math.isinf(found.value):
        return StationPlan(value=found.value, reasons=_reasons(scenario, problem))
    return StationPlan(value=max(least, found.value) + premium, routes=tuple(_routes_of_chains(judge, found.chains)))


def _wants_lines_apart(scenario: Scenario) -> bool:
    return any(demand.routes > 1 and demand.disjoint != "repeater" for demand in scenario.demands)


def _apart(
    problem: StationProblem, found: LeastStations, problem_of: Callable[..., StationProblem], task: SolverTask
) -> tuple[StationProblem, LeastStations]:
    """Return the least stations for routes that share no risk, given those for routes that may, and their program.

    Often some walks between the same stations will do, and nothing is left to prove.
    """
    used = {site for chains in found.chains.values() for chain in chains for link in chain for site in link.stations}
    some = least_stations(problem_of(inside=frozenset(used), most_walks=MAX_WALKS), task, is_whole=True)
    if some is not None and some.value <= found.value * NEARLY:
        return problem, replace(found, chains=some.chains)
    full = problem_of()
    if not any(choice.meets for choice in full.choices):
        everywhere = frozenset({site for choice in full.choices for link in choice.links for site in link.stations})
        closer = problem_of(inside=everywhere, most_walks=1)
        flows = sum(len(choice.links) * len(choice.phases) for choice in closer.choices)
        if flows <= MAX_FLOWS:
            closer = problem_of(inside=everywhere, most_walks=min(MAX_WALKS, MAX_FLOWS // max(1, flows)))
            some = least_stations(closer, replace(task, max_nodes=MAX_NODES // 20), is_whole=True)
        return problem, replace(found, chains=some.chains if some is not None else found.chains)
    proven = least_stations(full, task)
    if proven is None:
        return problem, found
    return full, replace(proven, value=max(found.value, proven.value))


def _task(scenario: Scenario) -> SolverTask:
    return SolverTask(
        gap=GAP,
        max_nodes=MAX_NODES,
        time_limit_s=min(TIME_LIMIT_S, scenario.spec.solver.time_limit_s),
        seed=scenario.spec.solver.seed,
    )


def _reasons(scenario: Scenario, problem: StationProblem) -> tuple[str, ...]:
    """Return which sites lack room, or else that repeaters are too few or too far apart."""

    def is_impossible(rooms: tuple[str, ...]) -> bool:
        some = replace(problem, rooms={site: problem.rooms[site] for site in rooms})
        found = least_stations(some, _task(scenario))
        return found is not None and math.isinf(found.value)

    if is_impossible(()):
        return (NO_CHAINS,)
    full = [site for site in sorted(problem.rooms) if is_impossible((site,))]
    if full:
        return tuple(f"site {site} has no room for the equipment that the demands need there" for site in full)
    return ("the sites with limited room cannot together hold the equipment that the demands need",)


def _routes_of_chains(judge: RouteJudge, chains: Mapping[tuple[str, str], tuple[Chain, ...]]) -> Iterator[Candidate]:
    """Yield the candidates of chains, given by demand and technology, that the physics accepts."""
    for (demand_id, technology_id), found in sorted(chains.items()):
        demand, technology = judge.scenario.demand(demand_id), judge.scenario.technology(technology_id)
        for chain in found:
            candidate = _candidate(judge, demand, technology, chain)
            if candidate is not None:
                yield candidate


def _candidate(judge: RouteJudge, demand: Demand, technology: Technology, chain: Chain) -> Candidate | None:
    """Return the candidate of a chain with known walks, each middle as near to half-way as a site allows."""
    role = technology.middle_role
    hosts = {judge.sites[site].node: site for site in sites_that_host(judge.scenario, role)[::-1]}
    spans: list[int] = []
    stations = [Station(site=demand.a, role="end", after_spans=0)]
    for link in chain:
        middle = None if link.walk is None else _middle(judge, judge.sites[link.tail].node, link.walk, hosts)
        if link.walk is None or middle is None:
            return None
        after, site = middle
        stations.append(Station(site=site, role=role, after_spans=len(spans) + after))
        spans += link.walk
        at_head: Role = "end" if link.head == demand.b else technology.inner_role
        stations.append(Station(site=link.head, role=at_head, after_spans=len(spans)))
    return judge.judge(demand, technology, spans, tuple(stations))


def _middle(judge: RouteJudge, start: int, walk: tuple[int, ...], hosts: Mapping[int, str]) -> tuple[int, str] | None:
    """Return the place on a walk, nearest to half of its loss, where a middle may stand, and its site."""
    columns = judge.network.spans
    node, passed_db = start, 0.0
    places = [(0, start, 0.0)]
    for count, span in enumerate(walk, start=1):
        node = int(columns.end[span]) if node == int(columns.start[span]) else int(columns.start[span])
        passed_db += float(columns.loss_db[span])
        places.append((count, node, passed_db))
    usable = [(abs(at_db - 0.5 * passed_db), count, hosts[node]) for count, node, at_db in places if node in hosts]
    if not usable:
        return None
    _, count, site = min(usable)
    return count, site
