"""What is minimized: net present cost, or first the weight left unserved and then the cost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pulp

from planner.design.instance import Instance, InstanceAsset, InstanceItem
from planner.design.variables import Variables


def _steps(column: dict[tuple[int, int], Any], index: int, phase: int, owned: int = 0) -> Any:
    """Return what is added in a phase: a column's value minus that of the phase before."""
    return column[index, phase] - (column[index, phase - 1] if phase else owned)


def net_present_cost(instance: Instance, x: Variables) -> Any:
    """Return the present cost of everything that is built, opened, bought and leased."""
    return pulp.lpSum(_cost_terms(instance, x))


def _cost_terms(instance: Instance, x: Variables) -> Iterator[Any]:
    for t in range(instance.phases):
        for b, block in enumerate(instance.blocks):
            yield block.price[t] * _steps(x.built, b, t)
        for s, site in enumerate(instance.sites):
            yield site.price[t] * _steps(x.opened, s, t)
        for i, item in enumerate(instance.items):
            yield item.price[t] * _steps(x.units, i, t, item.owned)
        for k, rebate in enumerate(instance.rebates):
            yield -rebate.share * instance.items[rebate.items[0]].price[t] * _steps(x.rebated, k, t)
    for (r, t), serve in x.serve.items():
        if instance.routes[r].lease[t]:
            yield instance.routes[r].lease[t] * serve


def spending(instance: Instance, x: Variables, phase: int) -> Any:
    """Return what counts against the budget of a phase: capital, and yearly costs where the budget covers them."""
    return pulp.lpSum(_spending_terms(instance, x, phase))


def _spending_terms(instance: Instance, x: Variables, phase: int) -> Iterator[Any]:
    years = instance.budget_years[phase]
    blocks, sites, items = enumerate(instance.blocks), enumerate(instance.sites), enumerate(instance.items)
    things: list[tuple[dict[tuple[int, int], Any], int, InstanceAsset | InstanceItem]]
    things = [(x.built, b, block) for b, block in blocks] + [(x.opened, s, site) for s, site in sites]
    for column, index, thing in things + [(x.units, i, item) for i, item in items]:
        owned = thing.owned if isinstance(thing, InstanceItem) else 0
        yield thing.capex[phase] * _steps(column, index, phase, owned)
        for bought in range(phase + 1) if years and any(thing.yearly) else ():
            yield years * thing.yearly[bought] * _steps(column, index, bought, owned)
    for k, rebate in enumerate(instance.rebates):
        item = instance.items[rebate.items[0]]
        spent = item.capex[phase] * _steps(x.rebated, k, phase)
        for bought in range(phase + 1) if years and any(item.yearly) else ():
            spent += years * item.yearly[bought] * _steps(x.rebated, k, bought)
        yield -rebate.share * spent
    for (r, t), serve in x.serve.items():
        if t == phase and years * instance.routes[r].lease_per_year:
            yield years * instance.routes[r].lease_per_year * serve


def unserved_weight(instance: Instance, x: Variables) -> Any:
    """Return minus the weight of the demands that are served, summed over phases."""
    return pulp.lpSum(-instance.demands[d].weight * served for (d, _), served in x.served.items())
