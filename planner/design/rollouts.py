"""A plan for all phases of a scenario at once: routes for a pool, and the best choice from it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from planner.design.graph import design_graph
from planner.design.instance import MONEY, Instance, build_instance
from planner.design.ledger import NOTHING, Ledger, Past, PriceTable
from planner.design.pricing import RouteSearch
from planner.design.routes import Candidate, RouteJudge
from planner.design.search import LocalSearch
from planner.design.selection import Choice, choose
from planner.design.solvers import SolverTask
from planner.design.work import Work
from planner.network import Network
from planner.scenario import Scenario

STEPS_PER_SOLVE = 20
"""Steps of work that one run of the integer program counts for, besides its nodes."""
NODES_PER_STEP = 50
MAX_NODES = 5_000
SOLVER_GAP = 1e-4
IMPROVEMENT_SHARE = 0.8
"""Share of the work that is left after the first plan and goes into improving it; the rest is for the last program."""


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

    `prove` is called once there is a first plan, to compute a bound for it; it may return a flag for each span, saying
    which lie on a network that is worth a try.
    """

    network: Network
    scenario: Scenario
    work: Work
    prices: PriceTable
    past: Past = NOTHING
    """What stands before planning starts."""
    prove: Callable[[], NDArray[np.bool_] | None] = field(default=lambda: None)
    start: tuple[Candidate, ...] = ()
    """Routes of a plan to start from."""
    kept: frozenset[str] = frozenset()
    """Demands that were served before and must stay so."""


def draft_cost(prices: PriceTable, draft: Draft) -> float:
    """Return the net present cost of a draft."""
    cost = math.fsum(float(prices.spans.first[phase, span]) for span, phase in sorted(draft.span_phase.items()))
    cost += math.fsum(prices.site[site][phase] for site, phase in sorted(draft.site_phase.items()))
    cost += math.fsum(count * prices.item[item][phase] for (_, item, phase), count in sorted(draft.units.items()))
    return cost + math.fsum(
        route.lease_per_year * prices.lease[phase]
        for (_, phase), routes in sorted(draft.services.items())
        for route in routes
    )


def draft_spending(prices: PriceTable, draft: Draft) -> list[float]:
    """Return what a draft spends in every phase, of what counts against the budgets."""
    leases = [0.0 for _ in prices.phases]
    for (_, phase), routes in sorted(draft.services.items()):
        leases[phase] += math.fsum(route.lease_per_year for route in routes)
    return prices.spending(draft.span_phase, draft.site_phase, draft.units, leases)


def plan_jointly(context: Context) -> Draft | None:
    """Return a draft for all phases at once, or None when no combination of the routes found is a plan."""
    scenario, work, known = context.scenario, context.work, context.start
    prices, past = context.prices, context.past
    search = RouteSearch(design_graph(context.network), RouteJudge(context.network, scenario))
    local = LocalSearch(search, prices, scenario.demands, work)
    local.pool.add(known)
    best = local.construct(past, known)
    draft = _solve_pool(context, local, prices, best)
    if draft is not None:
        local.follow(context.prove())
    if not work.is_over:
        best = min(best, local.construct(past, known), key=local.rank)
        best = local.improve(best, work.spent + int((work.budget - work.spent) * IMPROVEMENT_SHARE))
        draft = _solve_pool(context, local, prices, best) or draft
    return draft


def _solve_pool(context: Context, local: LocalSearch, prices: PriceTable, best: Ledger) -> Draft | None:
    """Return the best draft over all candidates found so far, or None when there is none."""
    scenario, work = context.scenario, context.work
    candidates = local.pool.candidates
    serve_all = scenario.spec.objective == "net_present_cost"
    work.unrouted = tuple(demand.id for demand in scenario.demands if demand.id not in best.routes)
    if serve_all and work.unrouted:
        return None
    instance = build_instance(
        scenario,
        prices,
        candidates,
        past=best.past,
        serve_all=serve_all,
        kept=context.kept,
    )
    task = SolverTask(
        gap=SOLVER_GAP,
        max_nodes=MAX_NODES,
        time_limit_s=work.seconds_left,
        seed=scenario.spec.solver.seed,
        solver=scenario.spec.solver.name,
    )
    choice = choose(instance, task)
    work.spend(STEPS_PER_SOLVE + choice.nodes // NODES_PER_STEP)
    if choice.ending in ("infeasible", "nothing"):
        return _draft_of_ledger(best) if serve_all and best.is_within_budgets() and best.has_room() else None
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
            (demand.id, phase): ledger.routes[demand.id]
            for phase in range(len(scenario.phases))
            for demand in scenario.active_demands(phase)
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
                sorted((candidates[r] for r in routes), key=lambda item: (item.route.loss_db, item.key))
            )
            for (demand, phase), routes in choice.routes.items()
        },
        candidate_bound=choice.bound * MONEY,
        candidates=len(candidates),
        weight_bound=choice.weight_bound,
    )
