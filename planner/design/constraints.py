"""What a plan must obey: one generator for each family, named by a sentence that is true of every plan."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import pulp

from planner.design.instance import Instance
from planner.design.objective import spending
from planner.design.variables import Variables

Rows = Iterator[tuple[tuple[int, ...], Any]]


def demand_is_served(instance: Instance, x: Variables) -> Rows:
    """A served demand has as many routes as it asks for, in every phase from its first one on."""
    for (d, t), served in x.served.items():
        routes = pulp.lpSum(x.serve[r, t] for r in instance.routes_of(d, t))
        yield (d, t), routes == instance.demands[d].routes * served
        if instance.serve_all or instance.demands[d].is_kept:
            yield (d, t, 1), served >= 1


def one_route_meets_full_target(instance: Instance, x: Variables) -> Rows:
    """Of a served demand's routes at least one meets the full target; the others may meet that of a backup."""
    lower = {route.demand for route in instance.routes if route.is_lower}
    for (d, t), served in x.served.items():
        if d in lower:
            full = [x.serve[r, t] for r in instance.routes_of(d, t) if not instance.routes[r].is_lower]
            yield (d, t), pulp.lpSum(full) >= served


def service_continues(instance: Instance, x: Variables) -> Rows:
    """A demand that is served in a phase is served in all later ones."""
    for (d, t), served in x.served.items():
        if (d, t + 1) in x.served and not instance.serve_all:
            yield (d, t), served <= x.served[d, t + 1]


def routes_share_no_risk(instance: Instance, x: Variables) -> Rows:
    """Of the routes that could fail together, a demand, or a whole ring, uses at most one at a time."""
    for members in [{d} for d, demand in enumerate(instance.demands) if demand.routes > 1] + _rings(instance):
        users: dict[int, list[int]] = defaultdict(list)
        for r, route in enumerate(instance.routes):
            for conflict in route.conflicts if route.demand in members else ():
                users[conflict].append(r)
        groups = sorted({tuple(routes) for routes in users.values() if len(routes) > 1})
        for t in range(instance.phases):
            for g, group in enumerate(groups):
                active = [x.serve[r, t] for r in group if (r, t) in x.serve]
                if len(active) > 1:
                    yield (min(members), g, t), pulp.lpSum(active) <= 1


def ring_is_whole(instance: Instance, x: Variables) -> Rows:
    """A ring is served as a whole or not at all."""
    for links in [] if instance.serve_all else _rings(instance):
        first, *others = sorted(links)
        for d in others:
            for t in range(instance.demands[first].first_phase, instance.phases):
                yield (d, t), x.served[d, t] == x.served[first, t]


def _rings(instance: Instance) -> list[set[int]]:
    """Return the links of every ring."""
    links: dict[str, set[int]] = defaultdict(set)
    for d, demand in enumerate(instance.demands):
        if demand.ring:
            links[demand.ring].add(d)
    return [members for _, members in sorted(links.items())]


def span_is_built(instance: Instance, x: Variables) -> Rows:
    """A route uses only spans that are in use by then; a demand's routes count together, and share what they must."""
    for t in range(instance.phases):
        users: dict[tuple[int, int], list[Any]] = defaultdict(list)
        for r, route in enumerate(instance.routes):
            for block in route.blocks if (r, t) in x.serve else ():
                users[route.demand, block].append(x.serve[r, t])
        for (d, block), active in sorted(users.items(), key=lambda item: item[0]):
            together = instance.demands[d].routes if block in instance.demands[d].shared_blocks else 1
            yield (d, block, t), pulp.lpSum(active) <= together * x.built[block, t]


def fibers_suffice(instance: Instance, x: Variables) -> Rows:
    """The routes through a span take no more fibers than it has."""
    passes: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for r, route in enumerate(instance.routes):
        for block, times in route.blocks.items():
            passes[block].append((r, times * route.fibers))
    for block, users in sorted(passes.items()):
        limit = instance.blocks[block].max_fibers
        if sum(fibers for _, fibers in users) <= limit:
            continue
        for t in range(instance.phases):
            active = [fibers * x.serve[r, t] for r, fibers in users if (r, t) in x.serve]
            if active:
                yield (block, t), pulp.lpSum(active) <= limit


def site_is_open(instance: Instance, x: Variables) -> Rows:
    """A station stands only in a site that is open by then."""
    for (r, t), serve in x.serve.items():
        for site in instance.routes[r].sites:
            yield (r, site, t), serve <= x.opened[site, t]


def equipment_suffices(instance: Instance, x: Variables) -> Rows:
    """The units bought by a phase cover what the stations of its routes need."""
    users: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for r, route in enumerate(instance.routes):
        for item, units in route.needs.items():
            users[item].append((r, units))
    for item, needs in sorted(users.items()):
        for t in range(instance.phases):
            active = [units * x.serve[r, t] for r, units in needs if (r, t) in x.serve]
            if active:
                yield (item, t), pulp.lpSum(active) <= instance.items[item].serves * x.units[item, t]


def station_has_units(instance: Instance, x: Variables) -> Rows:
    """A route in service finds at least the whole units that it needs alone (tightens the relaxation)."""
    for (r, t), serve in x.serve.items():
        for item, units in instance.routes[r].needs.items():
            alone = -(-units // instance.items[item].serves)
            yield (r, item, t), alone * serve <= x.units[item, t]


def rebate_is_earned(instance: Instance, x: Variables) -> Rows:
    """The units with a rebate are those bought beyond the number from which the price falls, over all sites."""
    for k, rebate in enumerate(instance.rebates):
        owned = sum(instance.items[i].owned for i in rebate.items)
        for t in range(instance.phases):
            units = pulp.lpSum(x.units[i, t] for i in rebate.items) - owned
            yield (k, t, 0), x.rebated[k, t] >= units - rebate.beyond
            yield (k, t, 1), x.rebated[k, t] <= units - rebate.beyond * x.earned[k, t]
            yield (k, t, 2), x.rebated[k, t] <= (rebate.most - rebate.beyond) * x.earned[k, t]


def site_has_room(instance: Instance, x: Variables) -> Rows:
    """The equipment of a site takes no more units, power and area than there are."""
    for number, room in enumerate(instance.rooms):
        for t in range(instance.phases):
            yield (number, t), pulp.lpSum(use * x.units[item, t] for item, use in room.uses.items()) <= room.limit


def span_is_open(instance: Instance, x: Variables) -> Rows:
    """A span is first taken into use only in a phase in which its street may be opened."""
    for b, block in enumerate(instance.blocks):
        for t in block.closed:
            yield (b, t), x.built[b, t] <= (x.built[b, t - 1] if t else 0)


def built_stays_built(instance: Instance, x: Variables) -> Rows:
    """What is in use, open or bought stays so."""
    for family, column in enumerate((x.built, x.opened, x.units)):
        for (index, t), variable in column.items():
            if t + 1 < instance.phases:
                yield (family, index, t), variable <= column[index, t + 1]


def forced_is_there(instance: Instance, x: Variables) -> Rows:
    """What the scenario forces is in use, open or bought by its phase, needed or not."""
    for family, (column, things) in enumerate(((x.built, instance.blocks), (x.opened, instance.sites))):
        for index, thing in enumerate(things):
            if thing.due is not None:
                yield (family, index, thing.due), column[index, thing.due] >= 1
    for i, item in enumerate(instance.items):
        for t, units in enumerate(item.due):
            if units > item.owned:
                yield (2, i, t), x.units[i, t] >= units


def all_is_built_at_first(instance: Instance, x: Variables) -> Rows:
    """In the roll-out all-at-once, nothing is taken into use, opened or bought after the first phase."""
    last = instance.phases - 1
    for family, column in enumerate((x.built, x.opened, x.units) if instance.at_first and last else ()):
        for (index, t), variable in column.items():
            if t == last:
                yield (family, index), variable <= column[index, 0]


def budget_holds(instance: Instance, x: Variables) -> Rows:
    """Spending in a phase, or in the phases that share a limit, stays within it."""
    for number, limit in enumerate(instance.budgets):
        phases = range(limit.first_phase, limit.last_phase + 1)
        spent = pulp.lpSum(spending(instance, x, t) for t in phases)
        yield (number,), spent <= limit.amount


CONSTRAINTS: tuple[Callable[[Instance, Variables], Rows], ...] = (
    demand_is_served,
    one_route_meets_full_target,
    service_continues,
    routes_share_no_risk,
    ring_is_whole,
    span_is_built,
    span_is_open,
    fibers_suffice,
    site_is_open,
    equipment_suffices,
    station_has_units,
    rebate_is_earned,
    site_has_room,
    built_stays_built,
    forced_is_there,
    all_is_built_at_first,
    budget_holds,
)
"""Every family; a new constraint is a generator and a line here."""
