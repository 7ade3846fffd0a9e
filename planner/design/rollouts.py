"""How phases are planned: all together, or one after the other with what stands already."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from planner.design.graph import design_graph
from planner.design.instance import MONEY, Instance, build_instance
from planner.design.ledger import NEVER, NOTHING, Ledger, Past, PriceTable
from planner.design.pricing import RouteSearch
from planner.design.routes import Candidate, RouteJudge
from planner.design.search import LocalSearch
from planner.design.selection import Choice, choose
from planner.design.solvers import SolverTask
from planner.design.work import Work
from planner.network import Network
from planner.scenario import Rollout, Scenario

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


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """What a roll-out plans with.

    `prove` is called once there is a first plan, to compute a bound for it; it may return a flag for each span, saying
    which lie on a network that is worth a try.
    """

    network: Network
    scenario: Scenario
    work: Work
    prove: Callable[[], NDArray[np.bool_] | None] = field(default=lambda: None)
    start: tuple[Candidate, ...] = ()
    """Routes of a plan to start from."""
    kept: frozenset[str] = frozenset()
    """Demands that were served before and must stay so."""


def _cost(prices: PriceTable, draft: Draft) -> float:
    """Return the net present cost of a draft."""
    cost = math.fsum(float(prices.span[phase, span]) for span, phase in sorted(draft.span_phase.items()))
    cost += math.fsum(prices.site[site][phase] for site, phase in sorted(draft.site_phase.items()))
    cost += math.fsum(count * prices.item[item][phase] for (_, item, phase), count in sorted(draft.units.items()))
    return cost + math.fsum(
        route.lease_per_year * prices.lease[phase]
        for (_, phase), routes in sorted(draft.services.items())
        for route in routes
    )


def spending(prices: PriceTable, draft: Draft) -> list[float]:
    """Return the capital spending of a draft in every phase."""
    totals = [0.0 for _ in prices.phases]
    for span, phase in sorted(draft.span_phase.items()):
        totals[phase] += float(prices.span_capex[span])
    for site, phase in sorted(draft.site_phase.items()):
        totals[phase] += prices.site_capex[site][phase]
    for (_, item, phase), count in sorted(draft.units.items()):
        totals[phase] += count * prices.item_capex[item][phase]
    return totals


def plan_jointly(context: Context, past: Past = NOTHING) -> Draft | None:
    """Return a draft for all phases at once, or None when no combination of the routes found is a plan."""
    scenario, work, known = context.scenario, context.work, context.start
    prices = PriceTable(context.network, scenario)
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


def plan_step_by_step(context: Context) -> Draft | None:
    """Return a draft in which every phase is planned without a look at later demands, on top of what stands."""
    scenario, work = context.scenario, context.work
    past, known = NOTHING, {candidate.key: candidate for candidate in context.start}
    steps: list[Draft] = []
    for phase in range(len(scenario.phases)):
        left = len(scenario.phases) - phase
        step_work = Work(
            gap=0.0,
            budget=max(1, (work.budget - work.spent) // left),
            time_limit_s=work.seconds_left / left,
            should_stop=lambda: work.interrupted,
        )
        step = Context(
            network=context.network,
            scenario=_one_phase(scenario, phase),
            work=step_work,
            start=tuple(known.values()),
            kept=frozenset(demand for (demand, _), routes in steps[-1].services.items() if routes)
            if steps
            else frozenset(),
        )
        if not step.scenario.spec.demands:
            steps.append(_EMPTY)
            continue
        draft = plan_jointly(step, past)
        work.spend(step_work.spent)
        work.unrouted = step_work.unrouted
        if draft is None:
            return None
        steps.append(draft)
        past = _added(past, draft)
        known |= {c.key: c for routes in draft.services.values() for c in routes}
    joined = _joined(steps)
    work.found(_cost(PriceTable(context.network, scenario), joined))
    context.prove()
    return joined


_EMPTY = Draft(span_phase={}, site_phase={}, units={}, services={}, candidate_bound=0.0, candidates=0)

ROLLOUTS: Mapping[Rollout, Callable[[Context], Draft | None]] = {
    "joint": plan_jointly,
    "step-by-step": plan_step_by_step,
}
"""The roll-outs by name."""


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
        gap=SOLVER_GAP, max_nodes=MAX_NODES, time_limit_s=work.seconds_left, seed=scenario.spec.solver.seed
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
    spans = [span for span, phase in enumerate(ledger.span_phase.tolist()) if 0 <= phase < NEVER]
    return Draft(
        span_phase={span: int(ledger.span_phase[span]) for span in spans},
        site_phase={site: phase for site, phase in sorted(ledger.site_phase.items()) if phase >= 0},
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
    )


def _one_phase(scenario: Scenario, phase: int) -> Scenario:
    """Return the scenario as it is known in a phase: its demands so far, that phase alone, and the years left."""
    chosen = scenario.phases[phase]
    economics = scenario.spec.economics
    left = economics.horizon_years - (chosen.year - scenario.phases[0].year)
    demands = tuple(item.model_copy(update={"from_phase": chosen.id}) for item in scenario.active_demands(phase))
    changes = {
        "phases": (chosen,),
        "demands": demands,
        "economics": economics.model_copy(update={"horizon_years": left}),
    }
    return replace(scenario, spec=scenario.spec.model_copy(update=changes))


def _added(past: Past, draft: Draft) -> Past:
    """Return what stands after a step."""
    units = dict(past.units)
    for (site, item, _), count in draft.units.items():
        units[site, item] = units.get((site, item), 0) + count
    return Past(
        spans=past.spans | frozenset(draft.span_phase), sites=past.sites | frozenset(draft.site_phase), units=units
    )


def _joined(steps: list[Draft]) -> Draft:
    """Return one draft from those of the single phases, whose phase index is always 0."""
    span_phase: dict[int, int] = {}
    site_phase: dict[str, int] = {}
    units: dict[tuple[str, str, int], int] = {}
    services: dict[tuple[str, int], tuple[Candidate, ...]] = {}
    for phase, step in enumerate(steps):
        span_phase |= {span: phase for span in step.span_phase if span not in span_phase}
        site_phase |= {site: phase for site in step.site_phase if site not in site_phase}
        units |= {(site, item, phase): count for (site, item, _), count in step.units.items()}
        services |= {(demand, phase): routes for (demand, _), routes in step.services.items()}
    return Draft(
        span_phase=span_phase,
        site_phase=site_phase,
        units=units,
        services=dict(sorted(services.items())),
        candidate_bound=float("-inf"),
        candidates=sum(step.candidates for step in steps),
    )
