"""The roll-outs: phases planned together, one after the other, from the end backwards, or all at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from planner.design.bounds import STEPS_PER_WORK, Listener, lower_bound
from planner.design.ledger import Past, PriceTable
from planner.design.rebates import counted
from planner.design.rollouts import Context, Draft, OnLines, draft_cost, draft_spending, plan_jointly
from planner.design.routes import Candidate
from planner.design.settled import SettledWorld
from planner.design.station_plan import StationPlan
from planner.design.stretches import allowed_technologies
from planner.design.work import Work
from planner.network import Network
from planner.scenario import Budgets, Rollout, Scenario

END_STATE_SHARE = 0.5
"""Share of the work that end-state-first spends on the network of the last phase."""


def prover(
    world: SettledWorld, work: Work, *, at_first: bool = False, stations: StationPlan | None = None
) -> Callable[[OnLines], None]:
    """Return how a bound on the cost of all plans is computed; bounds go to `work` as they are found.

    The call takes a function that is told of cheap networks of lines. There is no bound if demands may be left
    unserved. `stations` is what `plan_stations` gave for this world, where nothing is settled. What is due is paid for,
    and free to use; equipment that stands saves no more than its price.
    """

    def prove(on_lines: OnLines) -> None:
        if world.scenario.spec.objective != "net_present_cost":
            return
        prices = PriceTable(world.network, world.scenario, at_first=at_first)
        beside = world.paid_anyway(prices) - world.owned_worth(prices)

        def hear(bound: float) -> bool:
            work.proved(bound + beside)
            return not (work.is_stopped or work.is_done)

        listener = Listener(
            gap=work.gap_wanted, on_bound=hear, on_lines=on_lines, seconds_left=lambda: work.seconds_left
        )
        free = world.with_due_for_nothing()
        prices = PriceTable(free.network, free.scenario, at_first=at_first)
        bound = lower_bound(free.network, free.scenario, listener, prices=prices, stations=stations)
        work.spend(bound.steps // STEPS_PER_WORK)
        work.proved(bound.value + beside)

    return prove


def plan_step_by_step(context: Context) -> Draft | None:
    """Return a draft in which every phase is planned without a look at later demands, on top of what stands."""
    scenario, work = context.scenario, context.work
    past, known = context.past, {candidate.key: candidate for candidate in context.start}
    steps: list[Draft] = []
    for phase in range(len(scenario.phases)):
        left = len(scenario.phases) - phase
        spent = draft_spending(context.prices, _joined(steps))
        step_scenario = _one_phase(scenario, phase, _left_to_spend(context.prices, phase, spent))
        due = _due_by(past, phase)
        if not step_scenario.spec.demands:
            steps.append(_what_is_due(due))
            past = _added(past, steps[-1])
            continue
        step_work = _share_of(work, 1.0 / left)
        step_prices = PriceTable(context.network, step_scenario, bought_before=counted(_joined(steps).units))
        step = Context(
            network=context.network,
            scenario=step_scenario,
            work=step_work,
            prices=step_prices,
            past=due,
            prove=_guide(context.network, step_scenario, due, step_work),
            start=tuple(known.values()),
            kept=_served(steps[-1]) if steps else frozenset(),
        )
        draft = plan_jointly(step)
        work.spend(step_work.spent)
        work.unrouted = step_work.unrouted
        if draft is None:
            return None
        steps.append(draft)
        past = _added(past, draft)
        known |= {c.key: c for routes in draft.services.values() for c in routes}
    joined = _joined(steps)
    work.found(draft_cost(context.prices, joined))
    context.prove(lambda _: None)
    return joined


def plan_end_state_first(context: Context) -> Draft | None:
    """Return a draft that builds no line outside the network which is best for the last phase alone.

    That network is planned first, as if everything were asked and bought in the last phase; then all phases are planned
    together inside it, which settles when each part is built.
    """
    scenario, work = context.scenario, context.work
    target = _end_state(scenario)
    end_work = _share_of(work, END_STATE_SHARE)
    due = _due_by(context.past, len(scenario.phases) - 1)
    end = Context(
        network=context.network,
        scenario=target,
        work=end_work,
        prices=PriceTable(context.network, target),
        prove=prover(SettledWorld(network=context.network, scenario=target, past=due), end_work),
        past=due,
        start=context.start,
    )
    draft = plan_jointly(end)
    work.spend(end_work.spent)
    work.unrouted = end_work.unrouted
    if draft is None:
        return None
    inside = _only_spans(context.network, frozenset(draft.span_phase) | context.past.spans)
    known = tuple(
        candidate
        for routes in draft.services.values()
        for candidate in routes
        if candidate.route.technology
        in {item.id for item in allowed_technologies(scenario, scenario.demand(candidate.demand))}
    )
    prices = PriceTable(inside, scenario)
    return plan_jointly(replace(context, network=inside, prices=prices, start=known))


ROLLOUTS: Mapping[Rollout, Callable[[Context], Draft | None]] = {
    "joint": plan_jointly,
    "step-by-step": plan_step_by_step,
    "end-state-first": plan_end_state_first,
    "all-at-once": plan_jointly,
}
"""The roll-outs by name; all-at-once is a joint plan at prices under which everything is bought in the first phase."""

_EMPTY = Draft(span_phase={}, site_phase={}, units={}, services={}, candidate_bound=0.0, candidates=0)


def _share_of(work: Work, share: float) -> Work:
    """Return the work of a part of the search, which ends with the whole."""
    return Work(
        gap=0.0,
        budget=max(1, int((work.budget - work.spent) * share)),
        time_limit_s=work.seconds_left * share,
        should_stop=lambda: work.interrupted,
    )


def _served(draft: Draft) -> frozenset[str]:
    return frozenset(demand for (demand, _), routes in draft.services.items() if routes)


def _left_to_spend(prices: PriceTable, phase: int, spent: list[float]) -> float | None:
    """Return what a phase may still spend, given what earlier steps spend in it and before; None without a limit."""
    limits = [limit for limit in prices.limits if limit.first_phase <= phase <= limit.last_phase]
    left = [limit.amount - math.fsum(spent[limit.first_phase : phase + 1]) for limit in limits]
    return max(0.0, min(left)) if left else None


def _one_phase(scenario: Scenario, phase: int, budget: float | None) -> Scenario:
    """Return the scenario as it is known in a phase: its demands so far, that phase alone, and the years left."""
    chosen = scenario.phases[phase].model_copy(update={"budget": budget})
    economics = scenario.spec.economics
    left = economics.horizon_years - (chosen.year - scenario.phases[0].year)
    demands = tuple(item.model_copy(update={"from_phase": chosen.id}) for item in scenario.active_demands(phase))
    changes = {
        "phases": (chosen,),
        "budgets": Budgets(covers=scenario.spec.budgets.covers),
        "demands": demands,
        "economics": economics.model_copy(update={"horizon_years": left}),
    }
    return replace(scenario, spec=scenario.spec.model_copy(update=changes))


def _end_state(scenario: Scenario) -> Scenario:
    """Return the scenario of the last phase alone, with the money of all phases."""
    budgets = [phase.budget for phase in scenario.phases if phase.budget is not None]
    money = [math.fsum(budgets)] if len(budgets) == len(scenario.phases) else []
    money += [scenario.spec.budgets.total] if scenario.spec.budgets.total is not None else []
    return _one_phase(scenario, len(scenario.phases) - 1, min(money, default=None))


def _guide(network: Network, scenario: Scenario, past: Past, work: Work) -> Callable[[OnLines], None]:
    """Return how networks for a step are found; the bound says nothing about a step on what stands."""

    def guide(on_lines: OnLines) -> None:
        trial = _share_of(work, 1.0)
        standing = Past(due_spans=dict.fromkeys((*past.spans, *past.due_spans), 0))
        prover(SettledWorld(network=network, scenario=scenario, past=standing), trial)(on_lines)
        work.spend(trial.spent)

    return guide


def _due_by(past: Past, phase: int) -> Past:
    """Return what stands and what is due by a phase, as a step sees it that plans for that phase alone."""
    return replace(
        past,
        due_spans={span: 0 for span, by in past.due_spans.items() if by <= phase and span not in past.spans},
        due_sites={site: 0 for site, by in past.due_sites.items() if by <= phase and site not in past.sites},
        due_units={key: (column[phase],) for key, column in past.due_units.items() if column[phase]},
    )


def _what_is_due(past: Past) -> Draft:
    """Return the draft of a step that serves nobody."""
    missing = {(*key, 0): due[0] - past.units.get(key, 0) for key, due in past.due_units.items()}
    return replace(
        _EMPTY,
        span_phase=dict(past.due_spans),
        site_phase=dict(past.due_sites),
        units={key: count for key, count in missing.items() if count > 0},
    )


def _only_spans(network: Network, kept: frozenset[int]) -> Network:
    """Return the network without fibers for planning outside some spans."""
    max_fibers = np.zeros_like(network.spans.max_fibers)
    inside = sorted(kept)
    max_fibers[inside] = network.spans.max_fibers[inside]
    return replace(network, spans=replace(network.spans, max_fibers=max_fibers))


def _added(past: Past, draft: Draft) -> Past:
    """Return what stands after a step."""
    units = dict(past.units)
    for (site, item, _), count in draft.units.items():
        units[site, item] = units.get((site, item), 0) + count
    return replace(
        past,
        spans=past.spans | frozenset(draft.span_phase),
        sites=past.sites | frozenset(draft.site_phase),
        units=units,
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
        weight_bound=math.inf,
    )
