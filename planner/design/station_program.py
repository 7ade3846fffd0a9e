"""The least cost of all stations as an integer program over the station graph: a bound that shared repeaters respect.

Each demand sends as many units of flow as it wants routes from one end to the other, over links that are possible. A
repeater, its shelter and its lateral are paid once, whoever uses them; capacity and room force more. The flow of a
demand visits a station at most once. What is left out: links cost nothing, middles may stand anywhere, and one
demand's routes may mix their numbers of links.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any

import pulp

from planner.design.solvers import Solution, SolverTask, solve
from planner.design.station_graph import StationLink
from planner.design.station_problem import ChainChoice, StationProblem

ANYWHERE = ""
"""The place of equipment whose site is not decided: middles."""
MARGIN = 1e-6
"""Relative allowance for the solver's tolerances."""
LATTICE = 1e-6
"""How near to whole numbers all prices must be for the cost to be a multiple of their common divisor."""
MAX_LINKS = 30_000
"""Flow variables beyond which the program is not tried."""

Chain = tuple[StationLink, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class LeastStations:
    """What all stations cost at least, and chains of links at about that cost."""

    value: float
    """A safe lower bound; infinite when no stations can serve the demands."""
    chains: Mapping[tuple[str, str], tuple[Chain, ...]]
    """(demand, technology) -> chains that the program chose."""
    nodes: int


def least_stations(problem: StationProblem, task: SolverTask, *, is_whole: bool = False) -> LeastStations | None:
    """Return the least cost of the stations; None where the program is too large or ends without a bound.

    Flows may be split unless they must be whole, which takes longer.
    """
    if sum(len(choice.links) * len(choice.phases) for choice in problem.choices) > MAX_LINKS:
        return None
    program = _Program(problem)
    for flow in program.flow.values() if is_whole else ():
        flow.cat = pulp.LpInteger
    solution = solve(program.lp, task)
    if solution.ending == "infeasible":
        return LeastStations(value=math.inf, chains={}, nodes=solution.nodes)
    if not math.isfinite(solution.bound):
        return None
    constant = float(program.cost.constant)
    value = _safe(solution.bound + constant, program.prices)
    return LeastStations(value=value, chains=_chains(program, solution, task), nodes=solution.nodes)


def _safe(bound: float, prices: set[float]) -> float:
    """Return a bound less an allowance, raised to the next multiple of the prices' common divisor if they have one."""
    safe = bound - MARGIN * abs(bound) - MARGIN
    whole = [round(price) for price in prices]
    if any(abs(price - number) > LATTICE for price, number in zip(prices, whole, strict=True)):
        return max(0.0, safe)
    step = reduce(math.gcd, whole, 0)
    return max(0.0, float(step * math.ceil(safe / step))) if step else 0.0


class _Program:
    """The program and its variables by key."""

    def __init__(self, problem: StationProblem) -> None:
        self.problem = problem
        self.lp = pulp.LpProblem("stations", pulp.LpMinimize)
        self.routes: dict[tuple[int, int, int], pulp.LpVariable] = {}
        """(choice, option, phase) -> routes of this kind."""
        self.flow: dict[tuple[int, int, int], pulp.LpVariable] = {}
        """(choice, link, phase) -> routes over this link."""
        self.opened: dict[tuple[str, int], pulp.LpVariable] = {}
        self.units: dict[tuple[str, str, int], pulp.LpVariable] = {}
        self._needs: dict[tuple[str, str, int], list[Any]] = defaultdict(list)
        """(site, item, phase) -> terms of what is needed there."""
        self._visits: dict[tuple[str, str, int], list[Any]] = defaultdict(list)
        """(demand, repeater site, phase) -> terms of how many of its routes have a repeater there."""
        self._count = 0
        self._tightening: list[tuple[str, str, int, Any]] = []
        self._add_routes()
        for row in self._rows():
            self.lp += row
        self.prices: set[float] = set()
        self.cost = pulp.lpSum(self._cost_terms())
        self.lp.setObjective(self.cost)

    def _add_routes(self) -> None:
        """Add the routes and flows of all choices, and collect what they visit and need."""
        for c, choice in enumerate(self.problem.choices):
            most = self.problem.demands[choice.demand].routes
            for t in choice.phases:
                for o in range(len(choice.options)):
                    name = f"w_{c}_{o}_{t}"
                    self.routes[c, o, t] = self.lp.add_variable(name, lowBound=0, upBound=most, cat=pulp.LpInteger)
                for number, link in enumerate(choice.links):
                    # both routes may run from end to end, but not along the same spans
                    limit = 1 if link.risks else most
                    self.flow[c, number, t] = self.lp.add_variable(f"f_{c}_{number}_{t}", lowBound=0, upBound=limit)
                self._collect_needs(c, choice, t)

    def _collect_needs(self, c: int, choice: ChainChoice, t: int) -> None:
        demand = self.problem.demands[choice.demand]
        for o, option in enumerate(choice.options):
            routes = self.routes[c, o, t]
            for item, units in option.end.items():
                for site in (demand.a, demand.b):
                    self._needs[site, item, t].append(units * routes)
            for item, units in option.middle.items():
                self._needs[ANYWHERE, item, t].append(option.fewest * units * routes)
            for item, units in option.repeater.items():
                if not choice.links:
                    self._needs[ANYWHERE, item, t].append((option.fewest - 1) * units * routes)
        arrivals = self._arrivals(c, choice, t)
        longer = [option for option in choice.options if option.most > 1]
        least = {item: min(option.repeater.get(item, 0) for option in longer) for item in _items(longer)}
        for site, flows in arrivals.items():
            if site != demand.b:
                self._visits[self.problem.whole[choice.demand], site, t] += flows
                for item, units in least.items():
                    self._needs[site, item, t].append(units * pulp.lpSum(flows))
                    self._tightening.append((site, item, t, self._whole(item, units) * pulp.lpSum(flows)))

    def _whole(self, item: str, units: int) -> int:
        return -(-units // self.problem.tariff.serves[item])

    def _arrivals(self, c: int, choice: ChainChoice, t: int) -> dict[str, list[Any]]:
        """Return the flows into each station."""
        arrivals: dict[str, list[Any]] = defaultdict(list)
        for number, link in enumerate(choice.links):
            arrivals[link.head].append(self.flow[c, number, t])
        return arrivals

    def _rows(self) -> Iterator[Any]:
        yield from self._served()
        for c, choice in enumerate(self.problem.choices):
            if choice.links:
                for t in choice.phases:
                    yield from self._flow_rows(c, choice, t)
        yield from self._apart_rows()
        yield from self._site_rows()
        yield from self._unit_rows()

    def _served(self) -> Iterator[Any]:
        """Yield: every demand has its routes in all its phases."""
        routes: dict[tuple[int, int], list[Any]] = defaultdict(list)
        for (c, _, t), variable in self.routes.items():
            routes[self.problem.choices[c].demand, t].append(variable)
        for d, demand in enumerate(self.problem.demands):
            for t in range(self.problem.first_phases[d], self.problem.phases):
                yield pulp.lpSum(routes[d, t]) == demand.routes

    def _flow_rows(self, c: int, choice: ChainChoice, t: int) -> Iterator[Any]:
        """Yield: flows lead from end to end, with as many links as the routes have together."""
        demand = self.problem.demands[choice.demand]
        net: dict[str, list[Any]] = defaultdict(list)
        for number, link in enumerate(choice.links):
            net[link.tail].append(self.flow[c, number, t])
            net[link.head].append(-self.flow[c, number, t])
        routes = pulp.lpSum(self.routes[c, o, t] for o in range(len(choice.options)))
        for station in sorted({*net, demand.a, demand.b}):
            leaving = routes if station == demand.a else -routes if station == demand.b else 0
            yield pulp.lpSum(net[station]) == leaving
        links = pulp.lpSum(self.flow[c, number, t] for number in range(len(choice.links)))
        yield links <= pulp.lpSum(option.most * self.routes[c, o, t] for o, option in enumerate(choice.options))
        yield links >= pulp.lpSum(option.fewest * self.routes[c, o, t] for o, option in enumerate(choice.options))

    def _apart_rows(self) -> Iterator[Any]:
        """Yield: of the routes of a demand, at most one meets a risk, in one link or in several in a row."""
        users: dict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
        for c, choice in enumerate(self.problem.choices):
            for risk, numbers in choice.meets.items():
                users[self.problem.whole[choice.demand], risk] += [(c, number) for number in numbers]
        for group in _largest(users.values()):
            for t in range(self.problem.phases):
                flows = [(c, number) for c, number in group if (c, number, t) in self.flow]
                repeats = yield from self._repeats(flows, t)
                yield pulp.lpSum(self.flow[c, number, t] for c, number in flows) - pulp.lpSum(repeats) <= 1

    def _repeats(self, flows: Iterable[tuple[int, int]], t: int) -> Generator[Any, None, list[pulp.LpVariable]]:
        """Yield rows for, and return, how many routes go on over some links at each station where they came by one."""
        came: dict[tuple[int, str], list[Any]] = defaultdict(list)
        goes: dict[tuple[int, str], list[Any]] = defaultdict(list)
        for c, number in flows:
            link, flow = self.problem.choices[c].links[number], self.flow[c, number, t]
            came[c, link.head].append(flow)
            goes[c, link.tail].append(flow)
        repeats = []
        for place in sorted(came.keys() & goes.keys()):
            self._count += 1
            repeats.append(self.lp.add_variable(f"b_{self._count}", lowBound=0, upBound=1))
            yield repeats[-1] <= pulp.lpSum(came[place])
            yield repeats[-1] <= pulp.lpSum(goes[place])
        return repeats

    def _site_rows(self) -> Iterator[Any]:
        """Yield: stations stand in open sites, once for each demand; open sites stay so."""
        for d, demand in enumerate(self.problem.demands):
            for site in (demand.a, demand.b):
                yield self._open(site, self.problem.first_phases[d]) >= 1
        for (_, site, t), flows in self._visits.items():
            yield pulp.lpSum(flows) <= (self._open(site, t) if any(self.problem.tariff.site[site]) else 1)
        for (site, t), opened in self.opened.items():
            if (site, t + 1) in self.opened:
                yield opened <= self.opened[site, t + 1]

    def _open(self, site: str, phase: int) -> pulp.LpVariable:
        if (site, phase) not in self.opened:
            number = len(self.opened)
            for t in range(self.problem.phases):
                name = f"o_{number}_{t}"
                self.opened[site, t] = self.lp.add_variable(name, cat=pulp.LpBinary)
        return self.opened[site, phase]

    def _unit_rows(self) -> Iterator[Any]:
        """Yield: units cover the needs of their site, those of middles wherever they stand; they fit, and stay."""
        places = sorted(
            {(site, item) for site, item, _ in self._needs} | {(ANYWHERE, item) for _, item, _ in self._needs}
        )
        for number, (site, item) in enumerate(places):
            for t in range(self.problem.phases):
                name = f"z_{number}_{t}"
                self.units[site, item, t] = self.lp.add_variable(name, lowBound=0, cat=pulp.LpInteger)
        for (site, item, t), terms in self._needs.items():
            if site != ANYWHERE:
                yield pulp.lpSum(terms) <= self.problem.tariff.serves[item] * self.units[site, item, t]
        needs: dict[tuple[str, int], list[Any]] = defaultdict(list)
        for (_, item, t), terms in self._needs.items():
            needs[item, t] += terms
        units: dict[tuple[str, int], list[Any]] = defaultdict(list)
        for (_, item, t), variable in self.units.items():
            units[item, t].append(variable)
        for (item, t), terms in needs.items():
            yield pulp.lpSum(terms) <= self.problem.tariff.serves[item] * pulp.lpSum(units[item, t])
        for site, item, t, least in self._tightening:
            yield least <= self.units[site, item, t]
        for (site, item, t), units in self.units.items():
            if t + 1 < self.problem.phases:
                yield units <= self.units[site, item, t + 1]
        yield from self._room_rows()

    def _room_rows(self) -> Iterator[Any]:
        """Yield: at the last phase, when they are most, the units of a site have room there."""
        last = self.problem.phases - 1
        for rooms in self.problem.rooms.values():
            for room in rooms:
                taken = [
                    use * self.units[room.site, item, last]
                    for item, use in room.uses.items()
                    if (room.site, item, last) in self.units
                ]
                if taken:
                    yield pulp.lpSum(taken) <= room.limit

    def _cost_terms(self) -> Iterator[Any]:
        tariff = self.problem.tariff
        for (site, t), opened in self.opened.items():
            yield self._priced(tariff.site[site][t]) * (opened - (self.opened[site, t - 1] if t else 0))
        for (site, item, t), units in self.units.items():
            yield self._priced(tariff.item[item][t]) * (units - (self.units[site, item, t - 1] if t else 0))

    def _priced(self, price: float) -> float:
        self.prices.add(price)
        return price


def _largest(groups: Iterable[list[tuple[int, int]]]) -> list[tuple[tuple[int, int], ...]]:
    """Return the groups, sorted and each once, without those that are part of another."""
    sets = sorted({frozenset(group) for group in groups}, key=lambda group: (-len(group), sorted(group)))
    kept: dict[tuple[int, int], list[frozenset[tuple[int, int]]]] = defaultdict(list)
    for group in sets:
        if not any(group <= other for other in kept[min(group)]):
            for member in group:
                kept[member].append(group)
    found = {group for column in kept.values() for group in column}
    return sorted(tuple(sorted(group)) for group in found)


def _items(options: list[Any]) -> list[str]:
    return sorted({item for option in options for item in option.repeater})


def _chains(program: _Program, solution: Solution, task: SolverTask) -> dict[tuple[str, str], tuple[Chain, ...]]:
    """Return the chains of a solution; where flows are split, those of a second one with the same stations."""
    if not solution.values:
        return {}
    if any(min(value, 1.0 - value) > MARGIN for value in map(solution.value, program.flow.values())):
        for fixed in (*program.opened.values(), *program.units.values()):
            fixed.upBound = round(solution.value(fixed))
        for flow in program.flow.values():
            flow.cat = pulp.LpInteger
        solution = solve(program.lp, task)
    found: dict[tuple[str, str], dict[Chain, None]] = defaultdict(dict)
    for c, choice in enumerate(program.problem.choices):
        demand = program.problem.demands[choice.demand]
        for t in choice.phases:
            used = [link for n, link in enumerate(choice.links) if solution.value(program.flow[c, n, t]) > 0.5]
            found[program.problem.whole[choice.demand], choice.technology] |= dict.fromkeys(
                _decomposed(used, demand.a, demand.b)
            )
    return {key: tuple(chains) for key, chains in found.items() if chains}


def _decomposed(links: list[StationLink], start: str, end: str) -> Iterator[Chain]:
    """Yield the chains from start to end that links of unit flows make up; circles are left out."""
    leaving: dict[str, list[StationLink]] = defaultdict(list)
    for link in links:
        leaving[link.tail].append(link)
    while leaving[start]:
        chain = [leaving[start].pop()]
        while chain[-1].head != end and leaving[chain[-1].head]:
            chain.append(leaving[chain[-1].head].pop())
        if chain[-1].head == end:
            yield tuple(chain)
