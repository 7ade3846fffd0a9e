"""The best choice among the routes of a tiny instance, by trying every combination: no algebra, no solver.

Assumed, and true of every instance that the program builds: prices, capital, leases and weights are not negative;
routes of one demand that share a block also share a risk, unless the demand may share the block; equipment may be
bought in any phase up to the one that needs it, in any number of purchases; nothing is bought that no route needs;
links of a ring have one route each, and one first phase; a unit with a rebate still costs something.
Tried are, for every demand and phase, every set of routes without a common risk (or, where not all must be served, none
until a first phase); then, for every block, site and unit, every phase of purchase.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import combinations, product
from math import inf, prod

from planner.design.instance import Instance, InstanceAsset, InstanceItem

Selection = tuple[int, ...]
"""Routes that serve a demand in a phase; none where it is not served."""
Service = Mapping[tuple[int, int], Selection]
"""(demand, phase) -> routes."""
Purchase = tuple[float, tuple[float, ...]]
"""Present cost, and capital spent in each phase."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Best:
    """The largest weight that can be served, and the least cost of it; infinite where nothing is allowed."""

    weight: float
    cost: float


def histories(instance: Instance, demand: int) -> list[tuple[Selection, ...]]:
    """Return every way in which a demand may be served from its first phase to the last."""
    wanted = instance.demands[demand]
    by_phase = [_selections(instance, demand, phase) for phase in range(wanted.first_phase, instance.phases)]
    full = [tuple(choice) for choice in product(*by_phase)]
    if instance.serve_all or wanted.is_kept:
        return full
    late = [
        ((),) * start + tuple(choice) for start in range(1, len(by_phase) + 1) for choice in product(*by_phase[start:])
    ]
    return full + late


def _selections(instance: Instance, demand: int, phase: int) -> list[Selection]:
    return [
        chosen
        for chosen in combinations(instance.routes_of(demand, phase), instance.demands[demand].routes)
        if all(
            not set(instance.routes[a].conflicts) & set(instance.routes[b].conflicts)
            for a, b in combinations(chosen, 2)
        )
        and not all(instance.routes[r].is_lower for r in chosen)
    ]


def combinations_count(instance: Instance) -> int:
    """Return how many combinations there are to try."""
    return prod(len(histories(instance, demand)) for demand in range(len(instance.demands)))


def services(instance: Instance) -> Iterator[Service]:
    """Yield every combination that does not take more fibers or room than there are."""
    for combination in product(*(histories(instance, demand) for demand in range(len(instance.demands)))):
        service = {
            (d, instance.demands[d].first_phase + step): chosen
            for d, history in enumerate(combination)
            for step, chosen in enumerate(history)
        }
        if _fits(instance, service) and _has_room(instance, service) and _rings_hold(instance, service):
            yield service


def _rings_hold(instance: Instance, service: Service) -> bool:
    """Return whether every ring is whole in every phase, and no two of its routes share a risk."""
    for ring in {demand.ring for demand in instance.demands} - {""}:
        links = [d for d, demand in enumerate(instance.demands) if demand.ring == ring]
        for phase in range(instance.phases):
            chosen = [service[d, phase] for d in links if (d, phase) in service]
            if len({bool(routes) for routes in chosen}) > 1:
                return False
            risks = [risk for routes in chosen for r in routes for risk in instance.routes[r].conflicts]
            if len(risks) != len(set(risks)):
                return False
    return True


def _fits(instance: Instance, service: Service) -> bool:
    used: dict[tuple[int, int], int] = {}
    for (_, phase), chosen in service.items():
        for r in chosen:
            for block, passes in instance.routes[r].blocks.items():
                used[block, phase] = used.get((block, phase), 0) + passes * instance.routes[r].fibers
    return all(fibers <= instance.blocks[block].max_fibers for (block, _), fibers in used.items())


def _has_room(instance: Instance, service: Service) -> bool:
    """Return whether what must be in hand at last fits; nothing is ever taken away."""
    units = [item.owned for item in instance.items]
    for phase in range(instance.phases):
        needs = [0] * len(units)
        for r in (r for (_, t), chosen in service.items() if t == phase for r in chosen):
            for item, count in instance.routes[r].needs.items():
                needs[item] += count
        units = [
            max(have, -(-n // item.serves), item.due[phase] if item.due else 0)
            for have, n, item in zip(units, needs, instance.items, strict=True)
        ]
    return all(sum(use * units[item] for item, use in room.uses.items()) <= room.limit for room in instance.rooms)


def purchases(instance: Instance, service: Service) -> list[list[Purchase]]:
    """Return, for everything that some routes need, all ways of buying it."""
    blocks = {b: block.due for b, block in enumerate(instance.blocks) if block.due is not None}
    sites = {s: site.due for s, site in enumerate(instance.sites) if site.due is not None}
    needs = {i: [0] * instance.phases for i, item in enumerate(instance.items) if item.due}
    for (_, phase), chosen in service.items():
        for r in chosen:
            route = instance.routes[r]
            blocks |= {b: min(phase, blocks.get(b, phase)) for b in route.blocks}
            sites |= {s: min(phase, sites.get(s, phase)) for s in route.sites}
            for item, units in route.needs.items():
                needs.setdefault(item, [0] * instance.phases)[phase] += units
    years, late = instance.budget_years, not instance.at_first
    options = [_once(instance.blocks[b], phase if late else 0, years) for b, phase in blocks.items()]
    options += [_once(instance.sites[s], phase if late else 0, years) for s, phase in sites.items()]
    joined = {i for rebate in instance.rebates for i in rebate.items}
    options += [_in_units(instance.items[i], tuple(needs[i]), years, late) for i in needs if i not in joined]
    groups = sorted({rebate.items for rebate in instance.rebates})
    return options + [_with_rebates(instance, group, needs, late) for group in groups]


def _with_rebates(
    instance: Instance, group: tuple[int, ...], needs: dict[int, list[int]], late: bool
) -> list[Purchase]:
    """Return all ways of buying items whose units count together towards rebates."""
    years, price = instance.budget_years, instance.items[group[0]]
    rebates = [rebate for rebate in instance.rebates if rebate.items == group]
    nothing = (0,) * instance.phases
    ways = [_buyings(instance.items[i], tuple(needs.get(i, nothing)), late) for i in group]
    found: list[Purchase] = []
    for chosen in product(*ways):
        cost, spent = 0.0, (0.0,) * instance.phases
        so_far = 0
        for t, units in enumerate(map(sum, zip(*chosen, strict=True))):
            paid = float(units)
            for rebate in rebates:
                cheaper = max(0, so_far + units - rebate.beyond) - max(0, so_far - rebate.beyond)
                paid -= rebate.share * cheaper
            so_far += units
            cost += paid * price.price[t]
            spent = tuple(a + paid * b for a, b in zip(spent, outlay(price, t, years), strict=True))
        found.append((cost, spent))
    return found


def outlay(thing: InstanceAsset | InstanceItem, bought: int, years: tuple[int, ...]) -> tuple[float, ...]:
    """Return what a purchase in a phase counts against the budget of each phase."""
    return tuple(
        (thing.capex[bought] if t == bought else 0.0) + (years[t] * thing.yearly[bought] if t >= bought else 0.0)
        for t in range(len(years))
    )


def _once(asset: InstanceAsset, needed_by: int, years: tuple[int, ...]) -> list[Purchase]:
    return [(asset.price[t], outlay(asset, t, years)) for t in range(needed_by + 1) if t not in asset.closed]


@cache
def _buyings(item: InstanceItem, needed: tuple[int, ...], late: bool) -> list[tuple[int, ...]]:
    """Return every way of buying what is needed of an item in time: units by phase."""
    due = item.due or (0,) * len(needed)
    least = [max(0, max(-(-units // item.serves), must) - item.owned) for units, must in zip(needed, due, strict=True)]
    found = []
    for bought in product(range(max(least) + 1), repeat=len(needed)):
        in_hand = [sum(bought[: t + 1]) for t in range(len(needed))]
        in_time = all(have >= want for have, want in zip(in_hand, least, strict=True))
        if in_hand[-1] == max(least) and in_time and (late or not any(bought[1:])):
            found.append(bought)
    return found


@cache
def _in_units(item: InstanceItem, needed: tuple[int, ...], years: tuple[int, ...], late: bool) -> list[Purchase]:
    found = []
    for bought in _buyings(item, needed, late):
        cost = sum(n * price for n, price in zip(bought, item.price, strict=True))
        each = [outlay(item, t, years) for t in range(len(needed))]
        found.append((cost, tuple(sum(n * e[t] for n, e in zip(bought, each, strict=True)) for t in range(len(years)))))
    return found


def leases(instance: Instance, service: Service) -> tuple[float, tuple[float, ...]]:
    """Return what the leases of a service cost, and what they count against the budget of each phase."""
    routes = [(instance.routes[r], t) for (_, t), chosen in service.items() for r in chosen]
    counted = [
        instance.budget_years[t] * sum(route.lease_per_year for route, when in routes if when == t)
        for t in range(instance.phases)
    ]
    return sum(route.lease[t] for route, t in routes), tuple(counted)


def cheapest_within(instance: Instance, options: list[list[Purchase]], start: tuple[float, ...]) -> float:
    """Return the least cost of one purchase of each kind within the budgets; infinite where there is none.

    `start` is what is spent in each phase before anything is bought.
    """
    limits = instance.budgets
    counts = [any(limit.first_phase <= t <= limit.last_phase for limit in limits) for t in range(instance.phases)]

    def fits(spent: tuple[float, ...]) -> bool:
        return all(sum(spent[limit.first_phase : limit.last_phase + 1]) <= limit.amount + 1e-9 for limit in limits)

    cheapest: dict[tuple[float, ...], float] = {start: 0.0} if fits(start) else {}
    for ways in options:
        extended: dict[tuple[float, ...], float] = {}
        for spent, cost in cheapest.items():
            for more, capex in ways:
                # where there is no limit, what is spent does not matter
                total = tuple(a + b if c else 0.0 for a, b, c in zip(spent, capex, counts, strict=True))
                if fits(total):
                    extended[total] = min(cost + more, extended.get(total, inf))
        cheapest = extended
    return min(cheapest.values(), default=inf)


def best_choice(instance: Instance) -> Best:
    """Return the best of all combinations: the most weight, then the least cost."""
    best = Best(weight=-1.0, cost=inf)
    for service in services(instance):
        weight = sum(instance.demands[d].weight for (d, _), chosen in service.items() if chosen)
        options = purchases(instance, service)
        lease, counted = leases(instance, service)
        at_least = lease + sum(min((way[0] for way in ways), default=inf) for ways in options)
        if weight < best.weight or (weight == best.weight and at_least >= best.cost):
            continue  # budgets can only make it dearer
        cost = lease + cheapest_within(instance, options, counted)
        if (weight, -cost) > (best.weight, -best.cost) and cost < inf:
            best = Best(weight=weight, cost=cost)
    return best
