"""A plan for all phases of a scenario at once: routes for a pool, and the best choice from it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from planner.design.graph import design_graph
from planner.design.instance import MONEY, Instance, build_instance
from planner.design.ledger import NOTHING, Ledger, Past, PriceTable
from planner.design.pairs import seldom_pairs
from planner.design.pricing import RouteSearch
from planner.design.rebates import present_rebate
from planner.design.routes import Candidate, RouteJudge
from planner.design.search import STARTS, LocalSearch
from planner.design.selection import Choice, choose
from planner.design.solvers import SolverTask
from planner.design.stretches import phases_of, stretches
from planner.design.work import PROOF_GAP, Work
from planner.network import Integers, Network
from planner.scenario import Scenario

OnLines = Callable[[Integers], None]
"""Told of a network of lines: the phase from which each span is there, `NEVER` for those left out."""
STEPS_PER_SOLVE = 20
"""Steps of work that one run of the integer program counts for, besides its nodes."""
NODES_PER_STEP = 50
MAX_NODES = 5_000
MAX_CANDIDATES = 400
"""Number of candidates in one run of the integer program, those of the best plans first."""
MANY_DEMANDS = 100
"""Number of demands above which networks of lines come before the first plan: one after the other takes too long."""
SOLVER_GAP = 1e-4
FIRST_PLAN_SHARE = 0.2
"""Share of the work that goes into a first plan within the budgets before a bound is computed."""
ROUNDS = 3
"""How often local search and the program over its routes take turns."""
IMPROVEMENT_SHARE = 0.9
"""Share of the work of a round that goes into local search; the rest is for the program."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """A plan in terms of the network's indices: what is used first when, and which routes serve whom."""

    span_phase: Mapping[int, int]
    site_phase: Mapping[str, int]
    units: Mapping[tuple[str, str, int], int]
    """(site, item, phase) -> units bought."""
    services: Mapping[tuple[str, int], tuple[Candidate, ...]]
    """(demand, phase) -> routes."""
    candidate_bound: float
    """Lower bound on the cost over the candidates that were considered; minus infinity where none was proven."""
    candidates: int
    weight_bound: float = math.inf
    """No choice among the candidates serves more weight than this, summed over phases."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """What a roll-out plans with.

    `prove` is called once demands have been routed, to compute a bound; it calls what it is given with networks of
    lines that are worth a try.
    """

    network: Network
    scenario: Scenario
    work: Work
    prices: PriceTable
    past: Past = NOTHING
    """What stands before planning starts."""
    prove: Callable[[OnLines], None] = field(default=lambda _: None)
    start: tuple[Candidate, ...] = ()
    """Routes of a plan to start from."""
    kept: frozenset[str] = frozenset()
    """Demands that were served before and must stay so."""


def draft_cost(prices: PriceTable, draft: Draft) -> float:
    """Return the net present cost of a draft."""
    cost = math.fsum(float(prices.spans.first[phase, span]) for span, phase in sorted(draft.span_phase.items()))
    cost += math.fsum(prices.site[site][phase] for site, phase in sorted(draft.site_phase.items()))
    cost += math.fsum(count * prices.item[item][phase] for (_, item, phase), count in sorted(draft.units.items()))
    cost -= present_rebate(prices.rebates, prices.item, draft.units)
    return cost + math.fsum(
        route.lease_per_year * prices.lease[phase]
        for (_, phase), routes in sorted(draft.services.items())
        for route in routes
    )


def draft_rank(prices: PriceTable, draft: Draft) -> tuple[object, ...]:
    """Return what sorts drafts: cost to the cent, metres of new trench, units of equipment, names of routes."""
    spans = prices.network.spans
    dug_m = math.fsum(1e3 * float(spans.length_km[span]) for span in draft.span_phase if spans.medium[span] == "trench")
    names = [(*place, *(route.key for route in routes)) for place, routes in sorted(draft.services.items())]
    return round(draft_cost(prices, draft), 2), round(dug_m), sum(draft.units.values()), names


def draft_spending(prices: PriceTable, draft: Draft) -> list[float]:
    """Return what a draft spends in every phase, of what counts against the budgets."""
    leases = [0.0 for _ in prices.phases]
    for (_, phase), routes in sorted(draft.services.items()):
        leases[phase] += math.fsum(route.lease_per_year for route in routes)
    return prices.spending(draft.span_phase, draft.site_phase, draft.units, leases)


def plan_jointly(context: Context) -> Draft | None:
    """Return a draft for all phases at once, or None when no combination of the routes found is a plan.

    A first plan is constructed; then bound and networks of lines are found, and demands routed in each network; what
    work is left goes into improving routes and into the program over all of them.
    """
    scenario, work, known, past = context.scenario, context.work, context.start, context.past
    search = RouteSearch(design_graph(context.network), RouteJudge(context.network, scenario))
    parts = [part for demand in scenario.demands for part in stretches(scenario, demand)]
    local = LocalSearch(search, context.prices, parts, work)
    local.pool.add(known)
    best = Ledger(context.prices, past)

    def follow(lines: Integers) -> None:
        nonlocal best
        best = min(best, local.route_within(past, lines), key=local.rank)

    is_many = len(scenario.demands) > MANY_DEMANDS
    if is_many:
        context.prove(follow)
    if local.plan is None:
        best = min(best, local.construct(past, known, orders=1), key=local.rank)
    local.add_upgrades(best)
    drafts = [] if _is_enough(context, local) and not local.has_stretches else [_solve_pool(context, local, best)]
    if work.incumbent is None and not work.is_over:
        best = local.improve(best, work.spent + int(FIRST_PLAN_SHARE * work.budget), until_plan=True)
    if not is_many and not work.is_done:
        context.prove(follow)
    if not work.is_over:
        best = min(best, local.construct(past, known, orders=STARTS), key=local.rank)
        drafts += _drafts_by_round(context, local, best)
    if local.plan is not None and scenario.spec.objective == "net_present_cost":
        drafts.append(_draft_of_ledger(local.plan))
    found = [draft for draft in drafts if draft is not None]
    if scenario.spec.objective == "service":
        return found[-1] if found else None
    return min(found, key=lambda draft: draft_rank(context.prices, draft), default=None)


def _drafts_by_round(context: Context, local: LocalSearch, best: Ledger) -> Iterator[Draft | None]:
    """Yield what the program finds over the pool, after each of some rounds of local search that go on from there."""
    work = context.work
    for left in range(ROUNDS, 0, -1):
        before = len(local.pool)
        best = local.improve(best, work.spent + int((work.budget - work.spent) * IMPROVEMENT_SHARE / left))
        is_new = left == ROUNDS or len(local.pool) > before
        if is_new and (not _is_enough(context, local) or (local.has_choice and not work.is_stopped)):
            draft = _solve_pool(context, local, best)
            yield draft
            if draft is not None:
                last = len(context.scenario.phases) - 1
                routes = [route for (_, t), chosen in draft.services.items() if t == last for route in chosen]
                best = min(best, local.given(best.past, routes), key=local.rank)
        if work.is_over:
            return


def _is_enough(context: Context, local: LocalSearch) -> bool:
    """Return whether what was constructed is a plan already: everybody is served, where everybody must be."""
    return local.plan is not None and context.scenario.spec.objective == "net_present_cost"


def _solve_pool(context: Context, local: LocalSearch, best: Ledger) -> Draft | None:
    """Return the best draft over all candidates found so far, or None when there is none."""
    scenario, work = context.scenario, context.work
    candidates = local.pool.best(MAX_CANDIDATES)
    serve_all = scenario.spec.objective == "net_present_cost"
    work.unrouted = tuple(dict.fromkeys(part.whole for part in local.demands if part.id not in best.routes))
    if serve_all and work.unrouted and not local.has_stretches:
        return None
    instance = build_instance(
        scenario,
        context.prices,
        candidates,
        past=best.past,
        serve_all=serve_all,
        kept=context.kept,
        seldom=seldom_pairs(local.search.judge, candidates),
    )
    task = SolverTask(
        gap=min(SOLVER_GAP, max(PROOF_GAP, 0.1 * work.gap_wanted)),
        max_nodes=MAX_NODES,
        time_limit_s=work.seconds_left,
        seed=scenario.spec.solver.seed,
        solver=scenario.spec.solver.name,
    )
    choice = choose(instance, task)
    work.spend(STEPS_PER_SOLVE + choice.nodes // NODES_PER_STEP)
    if choice.ending in ("infeasible", "nothing"):
        return None
    work.found(choice.cost * MONEY)
    return _draft(instance, choice, candidates)


def _draft_of_ledger(ledger: Ledger) -> Draft:
    """Return a ledger that is a plan as a draft."""
    scenario = ledger.prices.scenario
    return Draft(
        span_phase=ledger.built(),
        site_phase=ledger.opened(),
        units=ledger.purchases(),
        services={
            (demand.id, phase): ledger.routes[part.id]
            for demand in scenario.demands
            for part in stretches(scenario, demand)
            for phase in range(phases_of(scenario, part)[0], phases_of(scenario, part)[1] + 1)
        },
        candidate_bound=0.0,
        candidates=sum(len(routes) for routes in ledger.routes.values()),
    )


def _draft(instance: Instance, choice: Choice, candidates: tuple[Candidate, ...]) -> Draft:
    return Draft(
        span_phase={span: phase for block, phase in choice.block_phase.items() for span in instance.block_spans[block]},
        site_phase={instance.site_ids[site]: phase for site, phase in choice.site_phase.items()},
        units={(*instance.item_keys[item], phase): count for (item, phase), count in choice.units.items()},
        services={
            (instance.demands[demand].id, phase): tuple(
                sorted((candidates[r] for r in routes), key=lambda item: item.rank)
            )
            for (demand, phase), routes in choice.routes.items()
        },
        candidate_bound=choice.bound * MONEY,
        candidates=len(candidates),
        weight_bound=choice.weight_bound,
    )
