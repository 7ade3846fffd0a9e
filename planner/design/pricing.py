"""The cheapest route, or disjoint pair of routes, for a demand at given prices.

A route is a chain of links between memory stations (one link, for a memoryless pair source), each with a middle
station. Shortest trees from the stations give all link costs at once; a small recursion over stations picks the chain;
the physics judges it exactly. Loss enters with a price per dB that rises until the route meets its targets.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from planner.catalog import LinkHardware
from planner.design.graph import DesignGraph, sites_that_host
from planner.design.ledger import Ledger
from planner.design.pairs import PairSearch, ring_risks
from planner.design.paths import shortest_trees, sum_along, walk_to
from planner.design.price_variants import price_variants
from planner.design.routes import Candidate, RouteJudge, repeater_conflict
from planner.design.stretches import allowed_technologies, phases_of
from planner.network import Floats, Integers
from planner.physics.performance import Arm, ElementaryLink, evaluate_route
from planner.plan import Station
from planner.scenario import Demand, Scenario, Technology
from planner.scenario.spec import Role

LOSS_PRICES = (0.0, 0.3, 1.0, 4.0, 30.0)
"""Prices per dB that are tried, relative to the average price per dB of the cheapest path."""
CORRIDOR_LOSS_PRICES = (1.0, 20_000.0)
"""Prices per dB for disjoint pairs: one where cost decides, one where loss does."""
LOSS_SLACKS = (1.0, 0.93, 0.86, 1.1, 1.3)
"""How much lossier than in a chain of equal links a link may be, in the order in which it is tried."""
TIE_PRICE_PER_KM = 1.0
"""A token price that settles ties (all along what is built already) in favour of short walks."""
UNREACHABLE = np.inf


@lru_cache(maxsize=4096)
def max_link_loss_db(
    hardware: LinkHardware, links: int, lanes: int, least_hz: tuple[float, float, float], min_fidelity: float
) -> float | None:
    """Return the largest loss that each link of a chain of equal links may have, or None when none may.

    `least_hz` are the least rates of pairs, key and ebits, 0 for what is not asked for. The middle is taken half-way
    and the length as what fiber of that loss would have.
    """
    per_km = hardware.fiber.attenuation_db_per_km
    min_rate_hz, min_key_hz, min_ebits_hz = least_hz

    def is_enough(loss_db: float) -> bool:
        arm = Arm(length_km=0.5 * loss_db / per_km, loss_db=0.5 * loss_db)
        link = ElementaryLink(left=arm, right=arm)
        most = evaluate_route((link,) * links, hardware, min_fidelity=min_fidelity, preference="rate")
        is_fast = most.lane_rate_hz * lanes >= min_rate_hz and most.fidelity >= min_fidelity
        if not is_fast or not (min_key_hz or min_ebits_hz):
            return bool(is_fast)
        best = evaluate_route((link,) * links, hardware, min_fidelity=min_fidelity)
        return bool(best.key_rate_hz * lanes >= min_key_hz and best.ebit_rate_hz * lanes >= min_ebits_hz)

    if not is_enough(0.0):
        return None
    low, high = 0.0, 100.0
    for _ in range(24):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if is_enough(middle) else (low, middle)
    return low


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Trees:
    """Shortest trees from every memory station at one price of loss, and their values at the middle sites."""

    parents: Integers
    cost: Floats
    """Cost from station to middle, shape (stations, middles)."""
    loss_db: Floats


@dataclass(frozen=True, kw_only=True, slots=True)
class _Task:
    """One search: who, how, from when, and what must be avoided."""

    demand: Demand
    technology: Technology
    phase: int
    stations: tuple[str, ...]
    """The two ends first, then sites that may hold a repeater."""
    middles: tuple[str, ...]

    @property
    def middle_role(self) -> Role:
        return self.technology.middle_role


class RouteSearch:
    """Finds cheap routes in one network; counts every set of shortest trees as a step of work.

    `distortion`, a factor per span, makes the search look at other routes than the cheapest; what it finds is priced
    truly all the same. `allowed`, a flag per span, confines it, and so does `technology`.
    """

    def __init__(self, graph: DesignGraph, judge: RouteJudge) -> None:
        """Search `graph`, with routes judged by `judge`."""
        self.graph = graph
        self.judge = judge
        self.scenario: Scenario = judge.scenario
        self.steps = 0
        self.distortion: Floats | None = None
        self.allowed: NDArray[np.bool_] | None = None
        self.technology: str | None = None
        self._pairs = PairSearch(graph, judge)
        index = judge.network.span_index()
        self._hop_ends = {index[hop.id]: (hop.a, hop.b) for hop in judge.network.hops}
        self._hosts = {role: sites_that_host(self.scenario, role) for role in get_args(Role)}

    def cheapest_service(self, demand: Demand, ledger: Ledger) -> tuple[Candidate, ...] | None:
        """Return the cheapest route or disjoint pair found for a demand on top of what the ledger holds."""
        if demand.routes == 1:
            route = self.cheapest_route(demand, ledger, ring_risks(self.judge, demand, ledger.routes))
            return None if route is None else (route,)
        service = self._cheapest_pair(demand, ledger)
        while service is not None and len(service) < demand.routes:
            service = self._with_one_more(demand, ledger, service)
        return service

    def cheapest_route(self, demand: Demand, ledger: Ledger, avoid: frozenset[str] = frozenset()) -> Candidate | None:
        """Return the cheapest route found that avoids some risk groups and sites, or None."""
        return next(iter(self._routes_by_cost(demand, ledger, avoid)), None)

    def _routes_by_cost(self, demand: Demand, ledger: Ledger, avoid: frozenset[str] = frozenset()) -> list[Candidate]:
        """Return the cheapest route found that avoids some risks; all, if routes must work together long enough."""
        phase = self.scenario.phase_index(demand.from_phase)
        found: list[Candidate] = []
        for technology in self._technologies(demand):
            task = self._task(demand, technology, phase, avoid)
            for price in price_variants(self.judge, demand, self._span_prices(task, ledger, avoid)):
                found += filter(ledger.fits, self._routes_of(task, ledger, price))
        ranked = sorted(found, key=lambda candidate: (ledger.added_cost(candidate), candidate.key))
        if demand.routes == 1 or demand.min_availability is None:
            return ranked[:1]
        return list({candidate.key: candidate for candidate in reversed(ranked)}.values())

    def _technologies(self, demand: Demand) -> tuple[Technology, ...]:
        return tuple(t for t in allowed_technologies(self.scenario, demand) if self.technology in (None, t.id))

    def _task(self, demand: Demand, technology: Technology, phase: int, avoid: frozenset[str]) -> _Task:
        least, risks = demand.min_security_class, self.judge.risks(demand)

        def may_use(site: str) -> bool:
            is_apart = site in (demand.a, demand.b) or risks.of_site(site).isdisjoint(avoid)
            return is_apart and (not least or self.scenario.site(site).security_class >= least)

        role = technology.middle_role
        repeaters = [
            site
            for site in (self._hosts[technology.inner_role] if technology.max_links > 1 else ())
            if site not in (demand.a, demand.b) and may_use(site) and repeater_conflict(site) not in avoid
        ]
        return _Task(
            demand=demand,
            technology=technology,
            phase=phase,
            stations=(demand.a, demand.b, *repeaters),
            middles=tuple(site for site in self._hosts[role] if may_use(site)),
        )

    def _span_prices(self, task: _Task, ledger: Ledger, avoid: frozenset[str]) -> Floats:
        """Return the price of one pass over each span; infinite where it is full or to be avoided."""
        fibers = task.technology.fibers_per_route
        phases = phases_of(self.scenario, task.demand)
        years = ledger.prices.lease_in(*phases)
        lease = ledger.prices.network.spans.lease_per_fiber_year * fibers * years
        price = ledger.span_prices(task.phase) + lease
        for span, ends in self._hop_ends.items():
            # the telescopes stand in buildings that must be opened; a demand's own ends are open anyway
            others = (site for site in ends if site not in (task.demand.a, task.demand.b))
            price[span] += sum(ledger.site_price(site, task.phase) for site in others)
        if self.distortion is not None:
            price *= self.distortion
        price[ledger.full_spans(*phases, fibers)] = UNREACHABLE
        price[self.judge.risks(task.demand).spans_with(avoid)] = UNREACHABLE
        if self.allowed is not None:
            price[~self.allowed] = UNREACHABLE
        return price

    def _routes_of(self, task: _Task, ledger: Ledger, price: Floats) -> list[Candidate]:
        """Return the routes found for one technology, at rising prices of loss."""
        if not task.middles:
            return []
        found: dict[object, Candidate] = {}
        trees = self._trees(task, price, 0.0)
        average = _price_per_db(trees)
        for relative in LOSS_PRICES if average is not None else ():
            if relative > 0.0 and average is not None:
                trees = self._trees(task, price, relative * average)
            for candidate in self._chains(task, ledger, trees):
                found.setdefault(candidate.key, candidate)
            if any(len(item.route.stations) == 3 and item.route.lanes == 1 for item in found.values()):
                break  # one link and one lane: nothing to save by less loss
        return list(found.values())

    def _trees(self, task: _Task, price: Floats, price_per_db: float) -> _Trees:
        self.steps += 1
        graph = self.graph
        sources = np.array([graph.site_node[site] for site in task.stations], dtype=np.int64)
        targets = np.array([graph.site_node[site] for site in task.middles], dtype=np.int64)
        tied = price + TIE_PRICE_PER_KM * self.judge.network.spans.length_km
        distance, parents = shortest_trees(graph, tied + price_per_db * graph.span_loss_db, sources)
        cost = sum_along(graph, parents, targets, tied)
        loss_db = sum_along(graph, parents, targets, graph.span_loss_db)
        lateral_db = {site: item.lateral_loss_db for site, item in self.judge.sites.items()}
        loss_db += np.where(
            sources[:, None] == targets[None, :],
            0.0,
            np.add.outer([lateral_db[s] for s in task.stations], [lateral_db[m] for m in task.middles]),
        )
        is_far = ~np.isfinite(distance[:, targets])
        cost[is_far], loss_db[is_far] = UNREACHABLE, UNREACHABLE
        return _Trees(parents=parents, cost=cost, loss_db=loss_db)

    def _chains(self, task: _Task, ledger: Ledger, trees: _Trees) -> list[Candidate]:
        """Return a judged route for each number of links and lanes that can work."""
        hardware = self.scenario.link_hardware(task.technology)
        found: list[Candidate] = []
        for links in range(1, task.technology.max_links + 1):
            for lanes in _lane_counts(task.technology.max_lanes):
                limit = max_link_loss_db(hardware, links, lanes, task.demand.least_rates_hz, task.demand.min_fidelity)
                if limit is None:
                    continue
                chains = self._best_chains(task, ledger, trees, links=links, lanes=lanes, limit_db=limit)
                found += chains
                if any(candidate.route.lanes == 1 for candidate in chains):
                    break
        return found

    def _best_chains(
        self, task: _Task, ledger: Ledger, trees: _Trees, *, links: int, lanes: int, limit_db: float
    ) -> list[Candidate]:
        """Return cheap chains with this number of links whose links respect the limit, if the physics agrees."""
        needs = task.technology.equipment
        middle_price = np.array(
            [ledger.needs_price(m, needs.get(task.middle_role, ()), lanes, task.phase) for m in task.middles]
        )
        repeater_price = np.array(
            [
                0.0
                if index < 2
                else ledger.needs_price(s, needs.get(task.technology.inner_role, ()), lanes, task.phase)
                for index, s in enumerate(task.stations)
            ]
        )
        clock = _clock(self.scenario.link_hardware(task.technology))
        found: list[Candidate] = []
        for is_strict in (False, True) if clock[1] > 0.0 else (False,):
            for slack in LOSS_SLACKS:
                limits_db = _lopsided_limits_db(trees, limit_db * slack, clock, is_strict=is_strict)
                limits_db = np.minimum(limits_db, task.technology.max_link_loss_db or np.inf)
                cost, middle = _link_costs(trees, middle_price, limits_db)
                order = _cheapest_chain(cost, repeater_price, links)
                if order is None:
                    continue
                spans, stations = self._walk(task, trees, order, middle)
                candidate = self.judge.judge(task.demand, task.technology, spans, stations)
                if candidate is not None:
                    found.append(candidate)
                    break
        return found

    def _walk(
        self, task: _Task, trees: _Trees, order: list[int], middle: Integers
    ) -> tuple[list[int], tuple[Station, ...]]:
        """Return the spans and stations of a chain of memory stations, given by their indices."""
        nodes = self.graph.site_node
        spans: list[int] = []
        stations = [Station(site=task.stations[0], role="end", after_spans=0)]
        for left, right in pairwise(order):
            site = task.middles[int(middle[left, right])]
            spans += walk_to(self.graph, trees.parents[left], nodes[site])
            stations.append(Station(site=site, role=task.middle_role, after_spans=len(spans)))
            spans += walk_to(self.graph, trees.parents[right], nodes[site])[::-1]
            role: Role = "end" if right == 1 else task.technology.inner_role
            stations.append(Station(site=task.stations[right], role=role, after_spans=len(spans)))
        return spans, tuple(stations)

    def _cheapest_pair(self, demand: Demand, ledger: Ledger) -> tuple[Candidate, ...] | None:
        """Return the cheapest of three ways to find a disjoint pair: a corridor pair refined both ways, or greedily."""
        pairs: list[tuple[Candidate, Candidate]] = []
        for avoid in (*self._corridors(demand, ledger), frozenset[str]()):
            for first in self._routes_by_cost(demand, ledger, avoid):
                pairs += [pair for pair in self._with_backup(demand, ledger, first) if ledger.fits(*pair)]
        pairs.sort(key=lambda pair: (ledger.added_cost(*pair), pair[0].key, pair[1].key))
        return next((pair for pair in pairs if self.judge.works_enough(demand, pair)), None)

    def _with_backup(self, demand: Demand, ledger: Ledger, first: Candidate) -> list[tuple[Candidate, Candidate]]:
        seconds = self._routes_by_cost(demand.seen_by("backup"), ledger, first.conflicts)
        pairs = (sorted((first, second), key=lambda item: item.rank) for second in seconds)
        return [(one, other) for one, other in pairs]

    def _with_one_more(
        self, demand: Demand, ledger: Ledger, routes: tuple[Candidate, ...]
    ) -> tuple[Candidate, ...] | None:
        """Return some routes and the cheapest one apart from all of them."""
        avoid = frozenset[str]().union(*(route.conflicts for route in routes))
        more = self.cheapest_route(demand.seen_by("backup"), ledger, avoid)
        service = (*routes, more) if more is not None else ()
        return service if service and ledger.fits(*service) and self.judge.works_enough(demand, service) else None

    def _corridors(self, demand: Demand, ledger: Ledger) -> list[frozenset[str]]:
        """Return what a first route should avoid so that a second is left: each path of cheap disjoint pairs."""
        phase = self.scenario.phase_index(demand.from_phase)
        corridors: dict[frozenset[str], None] = {}
        for technology in self._technologies(demand):
            task = self._task(demand, technology, phase, frozenset())
            for price in price_variants(self.judge, demand, self._span_prices(task, ledger, frozenset())):
                for price_per_db in CORRIDOR_LOSS_PRICES:
                    pair = self._pairs.risks(demand, price + price_per_db * self.graph.span_loss_db)
                    self.steps += 1
                    corridors |= dict.fromkeys(pair or ())
        return list(corridors)


def _lane_counts(most: int) -> list[int]:
    """Return the numbers of lanes to try: powers of two up to the largest, and the largest."""
    counts = [1 << power for power in range(most.bit_length()) if 1 << power <= most]
    return counts if counts[-1] == most else [*counts, most]


def _price_per_db(trees: _Trees) -> float | None:
    """Return the average price of a dB from one end to the other through the cheapest middle, or None."""
    through = trees.cost[0] + trees.cost[1]
    best = int(np.argmin(through))
    if not np.isfinite(through[best]):
        return None
    loss_db = float(trees.loss_db[0, best] + trees.loss_db[1, best])
    return max(float(through[best]), 1000.0) / max(loss_db, 0.1)


def _clock(hardware: LinkHardware) -> tuple[float, float]:
    """Return the fixed time of an attempt, and the time per dB of fiber and way: both 0 for a source without clock."""
    if hardware.memory is None:
        return 0.0, 0.0
    fiber = hardware.fiber
    fixed_s = max(hardware.memory.initialization_s, 1.0 / hardware.memory.repetition_hz)
    return fixed_s, 1.0 / (fiber.attenuation_db_per_km * fiber.velocity_km_per_s)


def _lopsided_limits_db(
    trees: _Trees, limit_db: float, clock: tuple[float, float], *, is_strict: bool
) -> NDArray[np.float64] | float:
    """Return what links between every two stations over every middle may lose, given the limit for equal arms.

    Attempts wait for the longer arm, so that a lopsided link must lose less to be as fast as one at the limit. A strict
    limit compares it with the equal link of its own loss instead, which leaves more in hand for the rest of a chain.
    """
    fixed_s, per_db_s = clock
    if per_db_s == 0.0:
        return limit_db
    longer_db = np.maximum(trees.loss_db[:, None, :], trees.loss_db[None, :, :])
    both_db = trees.loss_db[:, None, :] + trees.loss_db[None, :, :]
    fair_s = fixed_s + per_db_s * (np.where(np.isfinite(both_db), both_db, 0.0) if is_strict else limit_db)
    limits_db: NDArray[np.float64] = limit_db - 10.0 * np.log10((fixed_s + 2.0 * per_db_s * longer_db) / fair_s)
    return limits_db


def _link_costs(
    trees: _Trees, middle_price: NDArray[np.float64], limits_db: NDArray[np.float64] | float
) -> tuple[NDArray[np.float64], Integers]:
    """Return the cost of a link between every two stations, and the middle that gives it."""
    cost = trees.cost[:, None, :] + trees.cost[None, :, :] + middle_price
    loss_db = trees.loss_db[:, None, :] + trees.loss_db[None, :, :]
    cost = np.where(loss_db <= limits_db, cost, UNREACHABLE)
    middle = np.argmin(cost, axis=2)
    return np.take_along_axis(cost, middle[:, :, None], axis=2)[:, :, 0], middle


def _cheapest_chain(cost: NDArray[np.float64], repeater_price: NDArray[np.float64], links: int) -> list[int] | None:
    """Return the station indices of the cheapest chain from station 0 to station 1 with exactly this many links."""
    stations = len(cost)
    reached = np.full(stations, UNREACHABLE)
    reached[0] = 0.0
    inner = np.arange(stations) >= 2
    previous: list[Integers] = []
    for link in range(links):
        extended = reached[:, None] + cost
        is_target = np.arange(stations) == 1 if link + 1 == links else inner
        extended = np.where(is_target[None, :], extended + repeater_price[None, :], UNREACHABLE)
        np.fill_diagonal(extended, UNREACHABLE)
        previous.append(np.argmin(extended, axis=0))
        reached = np.take_along_axis(extended, previous[-1][None, :], axis=0)[0]
    if not np.isfinite(reached[1]):
        return None
    order = [1]
    for choice in reversed(previous):
        order.append(int(choice[order[-1]]))
    return order[::-1] if len(set(order)) == len(order) else None
