"""Why there is no plan: proofs from the map and the physics before the search, and what budgets lack after it."""

from __future__ import annotations

import math
from collections.abc import Mapping

from planner import costs
from planner.design.graph import design_graph, sites_that_host
from planner.design.ledger import PriceTable
from planner.design.pricing import RouteSearch
from planner.design.remedies import demand_changes
from planner.design.routes import RouteJudge
from planner.design.search import STARTS, LocalSearch
from planner.design.settled import SettledWorld
from planner.design.shortfalls import budget_changes, phases_of
from planner.design.stations import Reach, Reaches, capital_tariff, station_cost
from planner.design.stretches import allowed_technologies, stretches
from planner.design.work import Work
from planner.errors import Change, InfeasibleError, Obstacle, PlannerError, SolverError
from planner.network import Network
from planner.scenario import Demand, Scenario

NAMED_BRIDGES = 5
"""Number of bridges that a reason spells out."""
DIAGNOSIS_STEPS = 60
"""Steps of work spent on a plan without budgets, to say what is missing."""
EXPLAINED_DEMANDS = 5
"""Number of demands for which changes are tried."""


def obstacles(network: Network, scenario: Scenario, reaches: Reaches) -> Mapping[str, tuple[Obstacle, ...]]:
    """Return why demands can never be served, each proven, by demand; empty when nothing of the kind is found."""
    judge = RouteJudge(network, scenario)
    found: dict[str, tuple[Obstacle, ...]] = {}
    for demand in scenario.demands:
        reached = reaches.by_demand[demand.id]
        missing = [*_missing_means(scenario, demand), *_missing_reach(scenario, demand, reached)]
        reasons = [Obstacle(reason=reason, demands=(demand.id,)) for reason in missing]
        if demand.ways > 1 and demand.redundancy == "strict" and math.isfinite(reached.least_loss_db):
            reasons += _bridges(judge, demand)
        if reasons:
            found[demand.id] = tuple(dict.fromkeys(reasons))
    return found


def refuse(world: SettledWorld, found: Mapping[str, tuple[Obstacle, ...]]) -> InfeasibleError:
    """Return the error for demands that can never be served, with what would make each of them possible."""
    scenario = world.scenario
    changes: list[Change] = []
    for demand_id in list(found)[:EXPLAINED_DEMANDS]:
        changes += demand_changes(world, scenario.demand(demand_id))
    weight = sum(scenario.demand(demand_id).weight for demand_id in found)
    if len(found) < len(scenario.demands):
        names = ", ".join(found)
        text = f"leave out {'demand' if len(found) == 1 else 'demands'} {names} (weight {weight:g})"
        changes.append(Change(kind="one demand less", change=text, demand=names))
    reasons = dict.fromkeys(reason for reasons in found.values() for reason in reasons)
    return InfeasibleError(*reasons, changes=tuple(changes))


def _missing_means(scenario: Scenario, demand: Demand) -> list[str]:
    """Return a reason when no technology or no site for its stations is allowed."""
    technologies = allowed_technologies(scenario, demand)
    bare = [part for part in stretches(scenario, demand) if not allowed_technologies(scenario, part)]
    if bare:
        pairs = "key" if demand.rate_plane == "either" else f"{demand.rate_plane} pairs"
        makes = "makes key" if demand.rate_plane == "either" else f"counts {pairs}"
        until = f"up to {bare[0].until_phase}" if bare[0].until_phase else "from then on"
        return [
            f"demand {demand.id} wants {pairs} from phase {bare[0].from_phase} on, "
            f"but no technology that {makes} is allowed in all phases {until}"
        ]
    roles = {"pair_source" if item.pair_source else "heralding" for item in technologies}
    if not any(sites_that_host(scenario, role, demand) for role in roles):
        guarded = f" of security class {demand.min_security_class} or more" if demand.min_security_class else ""
        return [f"demand {demand.id} needs a {' or '.join(sorted(roles))} station, but no site{guarded} may host one"]
    closed = [site for site in (demand.a, demand.b) if "end" not in scenario.site(site).hosts]
    return [f"demand {demand.id} ends at site {site}, which may not host an end node" for site in closed]


def _missing_reach(scenario: Scenario, demand: Demand, reached: Reach) -> list[str]:
    """Return a reason when the two sites are not joined, or too far apart for every technology."""
    places = f"{_place_of(scenario, demand.a)} and {_place_of(scenario, demand.b)}"
    if not math.isfinite(reached.least_loss_db):
        return [f"demand {demand.id}: no street, duct or hop joins {places}"]
    if reached.options or not allowed_technologies(scenario, demand):
        return []
    least = demand.min_security_class
    guarded = f" and stations at sites of security class {least} or more" if least else ""
    return [
        f"demand {demand.id}: the least lossy way between {places} loses {reached.least_loss_db:.1f} dB, too much for "
        f"{' and '.join(demand.targets())} of fidelity {demand.min_fidelity:g} with any allowed technology{guarded}"
    ]


def _place_of(scenario: Scenario, site_id: str) -> str:
    site = scenario.site(site_id)
    return f"{site_id} ({site.lon_deg:.5f}, {site.lat_deg:.5f})"


def _bridges(judge: RouteJudge, demand: Demand) -> list[Obstacle]:
    """Return a reason that names what every route of the demand must pass or meet, if there is anything."""
    network, risks, met = judge.network, judge.risks(demand), judge.unavoidable_risks(demand)
    if not met:
        return []
    cut = sorted({spans[0] for risk in met if _is_one_stretch(network, spans := risks.spans_of[risk])})
    far = sorted(risk for risk in met if not _is_one_stretch(network, risks.spans_of[risk]))
    named = "; ".join([*(_describe(network, span) for span in cut), *far][:NAMED_BRIDGES])
    more = f" and {len(cut) + len(far) - NAMED_BRIDGES} more" if len(cut) + len(far) > NAMED_BRIDGES else ""
    metres = 1000.0 * math.fsum(float(network.spans.length_km[span]) for span in cut)
    passed = [f"passes {len(cut)} spans ({metres:.0f} m)"] if cut else []
    passed += [f"meets {len(far)} risk groups"] if far else []
    where = f"{' and '.join(passed)}: {named}{more}"
    if demand.ring:
        text = f"ring {demand.ring} needs two disjoint ways between {demand.a} and {demand.b}, but every way {where}"
    else:
        text = (
            f"demand {demand.id} wants two disjoint routes, but every route {where}; with redundancy: maximal its "
            "routes would share these and nothing else"
        )
    there = sorted({span for risk in met for span in risks.spans_of[risk]})
    return [Obstacle(reason=text, demands=(demand.id,), spans=tuple(network.spans.ids[span] for span in there))]


def _is_one_stretch(network: Network, spans: tuple[int, ...]) -> bool:
    """Return whether spans lie side by side between the same two nodes."""
    columns = network.spans
    return len({frozenset((int(columns.start[span]), int(columns.end[span]))) for span in spans}) == 1


def _describe(network: Network, span: int) -> str:
    lon_deg, lat_deg = network.spans.line(span)[0]
    metres = 1000.0 * float(network.spans.length_km[span])
    return f"{network.spans.ids[span]} ({metres:.0f} m at {lon_deg:.5f}, {lat_deg:.5f})"


def explain_no_plan(world: SettledWorld, prices: PriceTable, work: Work) -> PlannerError:
    """Return the error to raise when the search ended without a plan: proven impossible, or not found."""
    scenario = world.scenario
    if work.interrupted:
        return SolverError("interrupted before a plan was found")
    clock = f"; the time limit of {work.time_limit_s:g} s ended the search" if work.is_stopped else ""
    if work.unrouted:
        names = ", ".join(work.unrouted)
        changes = [
            change
            for demand_id in work.unrouted[:EXPLAINED_DEMANDS]
            for change in demand_changes(world, scenario.demand(demand_id))
        ]
        text = (
            f"no route was found for demand {names} on top of the others, and none was ruled out; lower targets, more "
            f"lanes or links, more free fibers, or candidate sites nearer to the middle may help{clock}"
        )
        return SolverError(Obstacle(reason=text, demands=work.unrouted), changes=tuple(changes))
    if not costs.budget_limits(scenario):
        return SolverError(
            f"no plan was found in {work.spent} steps and {work.seconds:.0f} s, and none was ruled out; "
            f"more steps (solver.work_budget) or more candidate sites may help{clock}"
        )
    return _explain_budgets(world, prices, clock)


def _explain_budgets(world: SettledWorld, prices: PriceTable, clock: str) -> PlannerError:
    """Return an error that compares budgets with a plan that ignores them, and with what nobody can avoid."""
    scenario = world.scenario
    work = Work(gap=0.0, budget=DIAGNOSIS_STEPS, time_limit_s=scenario.spec.solver.time_limit_s)
    search = RouteSearch(design_graph(world.network), RouteJudge(world.network, scenario))
    parts = [part for demand in scenario.demands for part in stretches(scenario, demand)]
    local = LocalSearch(search, prices, parts, work)
    best = local.improve(local.construct(world.past, orders=STARTS), DIAGNOSIS_STEPS)
    proven = _unavoidable(world, prices)
    hints: list[str] = []
    for limit in prices.limits:
        spent = limit.spent(best.spending())
        if spent > limit.amount:
            hints.append(
                f"the plan found that exceeds the budgets least spends {_money(scenario, spent)} in "
                f"{phases_of(scenario, limit)}, {_money(scenario, spent - limit.amount)} more than its budget of "
                f"{_money(scenario, limit.amount)}"
            )
    changes = budget_changes(world, prices, local.pool.candidates)
    if proven:
        return InfeasibleError(*proven, *hints, changes=changes)
    return SolverError(f"no plan within the budgets was found, and none was ruled out{clock}", *hints, changes=changes)


def _unavoidable(world: SettledWorld, prices: PriceTable) -> list[str]:
    """Return the phases up to which stations alone cost more than all budgets so far: a proof."""
    scenario = world.scenario
    asked = {demand.id: demand.by_target() for demand in scenario.demands}
    reaches = Reaches(world.network, scenario, design_graph(world.network)).by_demand
    owned = math.fsum(max(prices.item_capex[item]) * count for (_, item), count in sorted(world.past.units.items()))
    reasons: list[str] = []
    for phase in range(len(scenario.phases)):
        available = _available(scenario, prices, phase)
        active = [part for demand in scenario.active_demands(phase) for part in asked[demand.id]]
        needed = station_cost(capital_tariff(prices), scenario, reaches, active) - owned
        if needed > available:
            reasons.append(
                f"budgets up to phase {scenario.phases[phase].id} add up to {_money(scenario, available)}, but the "
                f"equipment and sites that its demands cannot do without cost at least {_money(scenario, needed)}"
            )
    return reasons


def _available(scenario: Scenario, prices: PriceTable, phase: int) -> float:
    """Return what may be spent up to a phase at most: the phases' budgets, or the total."""
    if prices.at_first:
        phase = 0
    budgets = [math.inf if entry.budget is None else entry.budget for entry in scenario.phases[: phase + 1]]
    total = scenario.spec.budgets.total
    return min(math.fsum(budgets), math.inf if total is None else total)


def _money(scenario: Scenario, amount: float) -> str:
    return f"{amount:,.0f} {scenario.spec.currency}"
