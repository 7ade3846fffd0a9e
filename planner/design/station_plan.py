"""The cheapest stations of a scenario, lines left aside: a bound on what stations cost, and routes that use them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from planner.design.graph import sites_that_host
from planner.design.ledger import PriceTable
from planner.design.routes import Candidate, RouteJudge
from planner.design.solvers import SolverTask
from planner.design.station_problem import StationProblem, build_station_problem
from planner.design.station_program import Chain, least_stations
from planner.design.stations import Reaches, first_units_premium, present_tariff, station_cost
from planner.network import Network
from planner.plan import Station
from planner.scenario import Demand, Scenario, Technology
from planner.scenario.spec import Role

MAX_NODES = 2_000
TIME_LIMIT_S = 60.0
GAP = 1e-6
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
    problem = build_station_problem(judge, reaches, tariff=tariff, rooms=prices.rooms)
    if not problem.rooms and not any(choice.links for choice in problem.choices):
        return StationPlan(value=least + premium)
    found = least_stations(problem, _task(scenario))
    if found is None:
        return StationPlan(value=least + premium)
    if math.isinf(found.value):
        return StationPlan(value=found.value, reasons=_reasons(scenario, problem))
    return StationPlan(value=max(least, found.value) + premium, routes=tuple(_routes_of_chains(judge, found.chains)))


def _task(scenario: Scenario) -> SolverTask:
    return SolverTask(gap=GAP, max_nodes=MAX_NODES, time_limit_s=TIME_LIMIT_S, seed=scenario.spec.solver.seed)


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
