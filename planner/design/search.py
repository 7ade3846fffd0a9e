"""Plans found by routing demand after demand, improved by taking some out and routing them again.

Every route on the way joins a pool; the integer program then picks the best combination from the pool.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np

from planner.design.ledger import NEVER, Ledger, Past, PriceTable
from planner.design.pairs import may_join
from planner.design.pressure import Pressure
from planner.design.pricing import RouteSearch
from planner.design.routes import Candidate, CandidateKey
from planner.design.stretches import allowed_technologies, phases_of
from planner.design.work import Work
from planner.network import Floats, Integers
from planner.scenario import Demand

STARTS = 3
"""Number of orders in which a first plan is constructed."""
MAX_REMOVED = 3
"""Largest number of demands that are routed anew together as a rule."""
MAX_TOGETHER = 8
"""Largest number of demands that are routed anew together at times."""
MANY_EVERY = 10
"""Of so many trials, one takes out a phase, and one what shares lines with a route."""
DISTORTION = 0.3
"""Spread (of the logarithm) of the random factors on span prices."""
GUIDE_FACTOR = 0.2
"""Factor on the price of spans on the network that the search follows."""
ACCEPTED_LOSS = 0.002
"""Relative worsening that the local search accepts on its way."""


Rank = tuple[int, float, float]
"""Demands left out, money beyond the budgets, cost: the less, the better."""


class Pool:
    """All candidates seen, each once, in the order in which they were found."""

    def __init__(self) -> None:
        """Start empty."""
        self._candidates: dict[CandidateKey, Candidate] = {}
        self._ranks: dict[CandidateKey, Rank] = {}

    def add(self, candidates: Iterable[Candidate]) -> None:
        """Remember candidates."""
        for candidate in candidates:
            self._candidates.setdefault(candidate.key, candidate)

    def rate(self, ledger: Ledger, rank: Rank) -> None:
        """Remember for the routes of a ledger how good it is."""
        for routes in ledger.routes.values():
            for route in routes:
                self._ranks[route.key] = min(rank, self._ranks.get(route.key, rank))

    def best(self, count: int) -> tuple[Candidate, ...]:
        """Return so many candidates at most, those of the best ledgers, sorted as all are."""
        if len(self) <= count:
            return self.candidates
        never = (len(self._candidates), 0.0, 0.0)
        order = sorted(self._candidates, key=lambda key: (self._ranks.get(key, never), key))
        return tuple(self._candidates[key] for key in sorted(order[:count]))

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """Return the candidates, sorted so that equal pools give equal programs."""
        return tuple(sorted(self._candidates.values(), key=lambda candidate: candidate.key))

    def __len__(self) -> int:
        """Return the number of candidates."""
        return len(self._candidates)


class LocalSearch:
    """Routes demands one after the other at the prices of what stands already, and improves the result."""

    def __init__(self, search: RouteSearch, prices: PriceTable, demands: Sequence[Demand], work: Work) -> None:
        """Plan for `demands` with what `search` finds."""
        self.search = search
        self.prices = prices
        self.demands = tuple(demands)
        self.work = work
        self.pool = Pool()
        self.plan: Ledger | None = None
        """The cheapest ledger so far that is a plan."""
        self._alone: set[str] = set()
        self._guide: Floats | None = None
        self._random = np.random.default_rng(search.scenario.spec.solver.seed)

    @property
    def has_stretches(self) -> bool:
        """Return whether some demand may be upgraded: then the pool may hold plans that no order of routing finds."""
        return any(demand.until_phase for demand in self.demands)

    @property
    def has_choice(self) -> bool:
        """Return whether some demand has more routes in the pool than it needs."""
        return len(self.pool) > sum({demand.whole: demand.routes for demand in self.demands}.values())

    def construct(self, past: Past, known: Sequence[Candidate] = (), *, orders: int) -> Ledger:
        """Return the best of the known routes and of a few orders in which demands are routed.

        A demand without a route is left out.
        """
        ledgers = [self.given(past, known)] if known else []
        for order in self._orders()[:orders]:
            if ledgers and self.work.is_over:
                break
            self.search.distortion = self._guide
            ledger = Ledger(self.prices, past)
            for demand in order:
                if (ledgers or self.plan is not None) and self.work.is_over:
                    break
                self._route(ledger, demand)
            self.note(ledger)
            ledgers.append(ledger)
        self.search.distortion = None
        return min(ledgers, key=self.rank)

    def route_within(self, past: Past, lines: Integers) -> Ledger:
        """Return a ledger whose demands are routed on a network of lines as far as it serves them, else beside it.

        `lines` says from which phase on each span is there. The search prefers the network from now on, half of the
        time.
        """
        self._guide = np.where(lines < NEVER, GUIDE_FACTOR, 1.0)
        ledger = Ledger(self.prices, past)
        for demand in self._orders()[0]:
            self.search.allowed = (lines <= self.search.scenario.phase_index(demand.from_phase)) | (
                ledger.span_phase < 0
            )
            if not self._route(ledger, demand):
                self.search.allowed = None
                self.search.distortion = self._guide
                self._route(ledger, demand)
                self.search.distortion = None
        self.search.allowed = None
        self.note(ledger)
        return ledger

    def add_upgrades(self, ledger: Ledger) -> None:
        """Add to the pool what each stretch of a demand would get with each of its technologies, beside the others.

        One stretch after the other does not see that a technology which lasts saves new equipment.
        """
        for demand in self.demands:
            names = [item.id for item in allowed_technologies(self.search.scenario, demand)]
            for name in names if demand.until_phase and not self.work.is_stopped else ():
                others = ledger.copy()
                others.remove(part.id for part in self.demands if part.whole == demand.whole)
                self.search.technology, before = name, self.search.steps
                self.pool.add(self.search.cheapest_service(demand, others) or ())
                self.work.spend(self.search.steps - before)
        self.search.technology = None

    def given(self, past: Past, known: Sequence[Candidate]) -> Ledger:
        """Return a ledger in which demands have the routes that are known for them, where those are what is asked."""
        ledger = Ledger(self.prices, past)
        for demand in self.demands:
            routes = self._for(demand, known)
            is_whole = len(routes) == demand.routes and any(route.route.target == "primary" for route in routes)
            is_whole = is_whole and may_join(self.search.judge, demand, routes, ledger.routes)
            apart = all(first.conflicts.isdisjoint(second.conflicts) for first, second in combinations(routes, 2))
            enough = self.search.judge.works_enough(demand, routes)
            if is_whole and apart and enough and ledger.fits(*routes):
                ledger.add(demand.id, routes)
        self.note(ledger)
        return ledger

    def _for(self, demand: Demand, known: Sequence[Candidate]) -> tuple[Candidate, ...]:
        """Return the known routes that may serve a demand, or a stretch of one."""
        scenario = self.search.scenario
        names = {technology.id for technology in allowed_technologies(scenario, demand)}
        stretch = phases_of(scenario, demand) if demand.until_phase else None
        own = (item for item in known if item.demand == demand.whole and item.route.technology in names)
        return tuple(replace(item, stretch=stretch) for item in own)

    def _orders(self) -> list[list[Demand]]:
        """Return orders to construct plans in: hard demands first, early demands first, then at random."""
        scenario = self.search.scenario
        hard_first = sorted(self.demands, key=lambda d: (-d.ways, scenario.phase_index(d.from_phase), d.id))
        early_first = sorted(self.demands, key=lambda d: (scenario.phase_index(d.from_phase), -d.ways, d.id))
        orders = [hard_first, early_first]
        while len(orders) < STARTS:
            orders.append([self.demands[i] for i in self._random.permutation(len(self.demands))])
        return orders

    def improve(self, ledger: Ledger, until: int, *, until_plan: bool = False) -> Ledger:
        """Return the best ledger found by routing a few demands anew, until so many steps are spent.

        While budgets are overspent, what counts against them is priced higher from trial to trial. With `until_plan`
        the first plan ends the search.
        """
        pressure = Pressure(self.prices)
        pressure.feel(ledger.spending())
        best, best_key, current = ledger, self.rank(ledger), ledger.copy(pressure.prices)
        while not self.work.is_over and self.work.spent < until and not (until_plan and self.plan is not None):
            trial = current.copy()
            removed = self._removed(trial)
            trial.remove(demand.id for demand in removed)
            self.search.distortion = self._distortion()
            for demand in removed:
                self._route(trial, demand)
            if self._is_accepted(trial, current):
                current = trial
            priced = trial.copy(self.prices)
            key = self.rank(priced)
            self.pool.rate(priced, key)
            if key < best_key:
                best, best_key = priced, key
                self.note(priced)
            if pressure.feel(current.spending()):
                current = current.copy(pressure.prices)
        self.search.distortion = None
        return best

    def _is_accepted(self, trial: Ledger, current: Ledger) -> bool:
        """Return whether the local search goes on from a trial: as many are served, and for hardly more."""
        missing, kept = (len(self.demands) - len(ledger.routes) for ledger in (trial, current))
        return missing <= kept and trial.cost() <= current.cost() * (1.0 + ACCEPTED_LOSS)

    def _distortion(self) -> Floats | None:
        """Return factors on span prices: none, the guide, or random ones, so that routes differ from those seen."""
        choice = int(self._random.integers(4))
        if choice == 0:
            return None
        spans = len(self.prices.network.spans)
        factors: Floats = np.exp(DISTORTION * (choice % 2) * self._random.standard_normal(spans))
        return factors if self._guide is None or choice == 1 else factors * self._guide

    def note(self, ledger: Ledger) -> None:
        """Tell the work's owner about a ledger that is a plan: all demands served, within the budgets."""
        missing, overspent, cost = rank = self.rank(ledger)
        self.pool.rate(ledger, rank)
        if not missing and not overspent and ledger.has_room():
            self.work.found(cost)
            if self.plan is None or cost < self.plan.cost():
                self.plan = ledger

    def rank(self, ledger: Ledger) -> Rank:
        """Return how good a ledger is: demands left out, then money beyond the budgets, then cost."""
        missing = sum(demand.id not in ledger.routes for demand in self.demands)
        return missing, ledger.overspent(), ledger.cost()

    def _route(self, ledger: Ledger, demand: Demand) -> bool:
        """Serve a demand on top of what a ledger holds; return whether a way was found."""
        before = self.search.steps
        routes = self.search.cheapest_service(demand, ledger)
        if routes is None and demand.ring and self._close_ring(ledger, demand):
            routes = ledger.routes[demand.id]
        if routes is not None:
            self.pool.add(routes)
            ledger.add(demand.id, routes)
        elif self.search.allowed is None and demand.id not in self._alone:
            # others have taken what it needs; the integer program may still choose between them
            self._alone.add(demand.id)
            self.pool.add(self.search.cheapest_service(demand, Ledger(self.prices, ledger.past)) or ())
        self.work.spend(self.search.steps - before)
        return routes is not None

    def _close_ring(self, ledger: Ledger, demand: Demand) -> bool:
        """Route a link that finds no way before the others of its ring; return whether all of them found one.

        A link that fails comes first in the next attempt. The ledger is left as it was when there is no way.
        """
        before = {link.id: ledger.routes[link.id] for link in self._links(demand) if link.id in ledger.routes}
        order = [demand, *(link for link in self._links(demand) if link.id in before)]
        for _ in order:
            ledger.remove(link.id for link in order)
            for link in order:
                routes = self.search.cheapest_service(link, ledger)
                if routes is None:
                    break
                self.pool.add(routes)
                ledger.add(link.id, routes)
            else:
                return True
            order.remove(link)
            order.insert(0, link)
        ledger.remove(link.id for link in order)
        for name, routes in before.items():
            ledger.add(name, routes)
        return False

    def _links(self, demand: Demand) -> list[Demand]:
        """Return the links of a demand's ring, itself left out."""
        return [other for other in self.demands if other.ring == demand.ring and other.id != demand.id]

    def _removed(self, ledger: Ledger) -> list[Demand]:
        """Return the demands that are routed anew together, in the order in which they are.

        Most often a few that share lines; at times all that share some with one route, or all of a phase.
        """
        kind = int(self._random.integers(MANY_EVERY))
        if kind == 0:
            phases = sorted({demand.from_phase for demand in self.demands})
            chosen = phases[int(self._random.integers(len(phases)))]
            return self._shuffled([demand for demand in self.demands if demand.from_phase == chosen][:MAX_TOGETHER])
        return self._related(ledger, MAX_TOGETHER if kind == 1 else 1 + int(self._random.integers(MAX_REMOVED)))

    def _related(self, ledger: Ledger, count: int) -> list[Demand]:
        """Return a random demand and others that share most spans with it, `count` together, in random order."""
        seed = self.demands[int(self._random.integers(len(self.demands)))]
        if seed.ring and self._random.random() < 0.5:
            return self._shuffled([seed, *self._links(seed)])
        spans = {span for item in ledger.routes.get(seed.id, ()) for span in item.passes}
        shared = {
            demand.id: sum(span in spans for item in ledger.routes.get(demand.id, ()) for span in item.passes)
            + float(self._random.random())
            for demand in self.demands
            if demand.id != seed.id
        }
        near = sorted(shared, key=lambda name: (-shared[name], name))[: 2 * (count - 1)]
        by_id = {demand.id: demand for demand in self.demands}
        others = self._shuffled([by_id[name] for name in near])[: count - 1]
        return [seed, *others] if count <= MAX_REMOVED else self._shuffled([seed, *others])

    def _shuffled(self, demands: Sequence[Demand]) -> list[Demand]:
        return [demands[i] for i in self._random.permutation(len(demands))]
