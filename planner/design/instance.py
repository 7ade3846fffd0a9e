"""The sets and coefficients of the integer program: numbers only, money in thousands.

Spans that exactly the same routes use are one block: they are built together or not at all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from planner.costs import BudgetLimit
from planner.design.ledger import Past, PriceTable
from planner.design.routes import Candidate
from planner.network import Integers
from planner.scenario import Demand, Scenario

_Hashable = TypeVar("_Hashable", bound=Hashable)

MONEY = 1000.0
"""Units of the scenario's money in one unit of the instance."""


@dataclass(frozen=True, kw_only=True, slots=True)
class InstanceDemand:
    """A demand: how many routes it wants, from which phase on, and what serving it is worth."""

    id: str
    routes: int
    first_phase: int
    weight: float
    is_kept: bool = False
    """Whether it was served before and must stay so."""
    ring: str = ""
    """Ring that it is a link of: the routes of its links share no risk."""
    shared_blocks: frozenset[int] = frozenset()
    """Blocks that several of its routes may use at once: no route can avoid their risks."""


@dataclass(frozen=True, kw_only=True, slots=True)
class InstanceRoute:
    """A candidate route: whom it may serve when, and what it uses."""

    demand: int
    phases: tuple[int, ...]
    """Phases in which the demand is active and the technology is allowed."""
    blocks: Mapping[int, int]
    """Block -> number of passes."""
    sites: tuple[int, ...]
    needs: Mapping[int, int]
    """Item (site and kind) -> units."""
    conflicts: tuple[int, ...]
    """Risks that the demand's other route must not share."""
    fibers: int
    lease: tuple[float, ...]
    """Cost of its leases in each phase."""
    is_lower: bool = False
    """Whether it meets only the lower targets of a backup."""
    lease_per_year: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class InstanceAsset:
    """Something that is taken into use once and stays: a block of spans, or a site."""

    price: tuple[float, ...]
    """Present cost by phase of first use."""
    capex: tuple[float, ...]
    yearly: tuple[float, ...]
    """Yearly cost, by phase of first use."""
    due: int | None = None
    """Phase by which it must be in use, needed or not."""
    closed: tuple[int, ...] = ()
    """Phases in which it may not be taken into use for the first time."""
    max_fibers: int = 0
    """Fibers of the tightest span of a block."""


@dataclass(frozen=True, kw_only=True, slots=True)
class InstanceItem:
    """Equipment of one kind at one site, bought in whole units."""

    price: tuple[float, ...]
    capex: tuple[float, ...]
    yearly: tuple[float, ...]
    serves: int
    owned: int
    due: tuple[int, ...] = ()
    """Units that must be there by each phase; empty for none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class InstanceRebate:
    """Units of one kind of equipment beyond a number, which all sites count towards together, cost less."""

    items: tuple[int, ...]
    """The items of the kind; all have the same prices."""
    beyond: int
    """Units after which each further one costs less."""
    share: float
    """Share of the price that is saved."""
    most: int
    """Units that are bought at most."""


@dataclass(frozen=True, kw_only=True, slots=True)
class InstanceRoom:
    """A limit on what the equipment of a site takes together: units of an item, power or area."""

    uses: Mapping[int, float]
    """Item -> what one unit takes."""
    limit: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Instance:
    """All sets and coefficients of a restricted problem: the one over the given candidate routes."""

    phases: int
    demands: tuple[InstanceDemand, ...]
    routes: tuple[InstanceRoute, ...]
    blocks: tuple[InstanceAsset, ...]
    sites: tuple[InstanceAsset, ...]
    items: tuple[InstanceItem, ...]
    rooms: tuple[InstanceRoom, ...]
    rebates: tuple[InstanceRebate, ...]
    budgets: tuple[BudgetLimit, ...]
    budget_years: tuple[int, ...]
    """Years of yearly cost that count against the budget of each phase: 0 where budgets cover capital alone."""
    at_first: bool
    """Whether everything is built and bought in the first phase."""
    serve_all: bool
    """Whether every demand must be served (least cost), or as much weight as the budgets allow."""
    block_spans: tuple[tuple[int, ...], ...]
    """Spans of every block that are built with it, to read the plan back: none where they stand already."""
    site_ids: tuple[str, ...]
    item_keys: tuple[tuple[str, str], ...]
    """(site id, item name) of every item."""

    def routes_of(self, demand: int, phase: int) -> list[int]:
        """Return the routes that may serve a demand in a phase."""
        return [r for r, route in enumerate(self.routes) if route.demand == demand and phase in route.phases]


def build_instance(
    scenario: Scenario,
    prices: PriceTable,
    candidates: Sequence[Candidate],
    *,
    past: Past,
    serve_all: bool,
    kept: frozenset[str],
    seldom: Sequence[tuple[int, int]] = (),
) -> Instance:
    """Return the integer program's data for some candidates, in which the demands `kept` must be served.

    `seldom` are pairs of candidates, by position, that work too seldom together: they get a conflict of their own.
    """
    demands = scenario.demands
    blocks = _blocks(candidates, past, prices.spans.timing)
    site_ids = sorted(({site for item in candidates for site in item.sites} | past.due_sites.keys()) - past.sites)
    item_keys = sorted({key for item in candidates for key in item.needs} | past.due_units.keys())
    at = _Indices(
        demands=_positions(demand.id for demand in demands),
        blocks={span: block for block, spans in enumerate(blocks) for span in spans},
        sites=_positions(site_ids),
        items=_positions(item_keys),
        conflicts=_positions(sorted({name for item in candidates for name in item.conflicts})),
    )
    shared: dict[str, frozenset[int]] = defaultdict(frozenset)
    for item in candidates:
        shared[item.demand] |= {at.blocks[span] for span in item.shareable}
    routes = _set_apart(
        [_route(scenario, prices, candidate, at) for candidate in candidates], seldom, first=len(at.conflicts)
    )
    items = tuple(_item(prices, key, past) for key in item_keys)
    return Instance(
        phases=len(scenario.phases),
        demands=tuple(
            _demand(scenario, demand, is_kept=demand.id in kept, shared=shared.get(demand.id, frozenset()))
            for demand in demands
        ),
        routes=routes,
        blocks=tuple(_block_asset(prices, spans, past) for spans in blocks),
        sites=tuple(_site_asset(prices, site, past) for site in site_ids),
        items=items,
        rooms=tuple(_rooms(prices, item_keys, past)),
        rebates=tuple(_rebates(prices, item_keys, items, routes)),
        budgets=tuple(replace(limit, amount=limit.amount / MONEY) for limit in prices.limits),
        budget_years=tuple(prices.budget_years),
        at_first=prices.at_first,
        serve_all=serve_all,
        block_spans=tuple(() if spans[0] in past.spans else spans for spans in blocks),
        site_ids=tuple(site_ids),
        item_keys=tuple(item_keys),
    )


def _set_apart(
    routes: list[InstanceRoute], seldom: Sequence[tuple[int, int]], *, first: int
) -> tuple[InstanceRoute, ...]:
    """Return the routes with a conflict more for each pair, numbered from `first` on."""
    for number, pair in enumerate(seldom, first):
        for at in pair:
            routes[at] = replace(routes[at], conflicts=(*routes[at].conflicts, number))
    return tuple(routes)


def _demand(scenario: Scenario, demand: Demand, *, is_kept: bool, shared: frozenset[int]) -> InstanceDemand:
    return InstanceDemand(
        id=demand.id,
        routes=demand.routes,
        first_phase=scenario.phase_index(demand.from_phase),
        weight=demand.weight,
        is_kept=is_kept,
        ring=demand.ring,
        shared_blocks=shared,
    )


def _site_asset(prices: PriceTable, site: str, past: Past) -> InstanceAsset:
    columns = (prices.site[site], prices.site_capex[site], prices.site_yearly[site])
    price, capex, yearly = (_thousands(column) for column in columns)
    return InstanceAsset(price=price, capex=capex, yearly=yearly, due=past.due_sites.get(site))


def _item(prices: PriceTable, key: tuple[str, str], past: Past) -> InstanceItem:
    return InstanceItem(
        price=_thousands(prices.item[key[1]]),
        capex=_thousands(prices.item_capex[key[1]]),
        yearly=_thousands(prices.item_yearly[key[1]]),
        serves=prices.serves[key[1]],
        owned=past.units.get(key, 0),
        due=past.due_units.get(key, ()),
    )


def _rooms(prices: PriceTable, item_keys: Sequence[tuple[str, str]], past: Past) -> Iterator[InstanceRoom]:
    """Yield the limits that the candidates' equipment could exceed, less what stands there and no candidate needs."""
    for site, rooms in sorted(prices.rooms.items()):
        names = {name: position for position, (at, name) in enumerate(item_keys) if at == site}
        idle = {name: owned for (at, name), owned in past.units.items() if at == site and name not in names}
        for room in rooms:
            uses = {names[name]: use for name, use in room.uses.items() if name in names}
            taken = sum(room.uses.get(name, 0.0) * owned for name, owned in sorted(idle.items()))
            if uses:
                yield InstanceRoom(uses=uses, limit=room.limit - taken)


def _rebates(
    prices: PriceTable,
    item_keys: Sequence[tuple[str, str]],
    items: Sequence[InstanceItem],
    routes: Sequence[InstanceRoute],
) -> Iterator[InstanceRebate]:
    """Yield the steps of prices, each as a rebate on top of those before it."""
    for name, steps in prices.rebates.steps.items():
        members = tuple(i for i, key in enumerate(item_keys) if key[1] == name)
        needed = [sum(route.needs.get(i, 0) for route in routes) for i in members]
        most = sum(max(-(-n // items[i].serves), *items[i].due, 0) for i, n in zip(members, needed, strict=True))
        share, before = 1.0, prices.rebates.bought_before.get(name, 0)
        for step in steps if members else ():
            beyond = max(0, step.from_units - 1 - before)
            yield InstanceRebate(items=members, beyond=beyond, share=share - step.price_share, most=most)
            share = step.price_share


def _thousands(values: Sequence[float]) -> tuple[float, ...]:
    return tuple(value / MONEY for value in values)


def _blocks(candidates: Sequence[Candidate], past: Past, timing: Integers) -> list[tuple[int, ...]]:
    """Return the spans that the same candidates use with the same passes and may share and build alike, by block."""
    users: dict[int, list[tuple[int, int, bool]]] = {span: [] for span in past.due_spans}
    for position, candidate in enumerate(candidates):
        for span, passes in candidate.passes.items():
            users.setdefault(span, []).append((position, passes, span in candidate.shareable))
    members: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for span in sorted(users):
        members[span in past.spans, past.due_spans.get(span), int(timing[span]), tuple(users[span])].append(span)
    return [tuple(spans) for _, spans in sorted(members.items(), key=lambda item: item[1])]


def _block_asset(prices: PriceTable, spans: tuple[int, ...], past: Past) -> InstanceAsset:
    chosen, is_built = list(spans), spans[0] in past.spans
    share = 0.0 if is_built else 1.0
    closed = prices.spans.closed[:, chosen[0]]
    return InstanceAsset(
        price=_thousands([share * float(prices.spans.first[phase][chosen].sum()) for phase in prices.phases]),
        capex=_thousands([share * float(prices.spans.capex[phase][chosen].sum()) for phase in prices.phases]),
        yearly=_thousands([share * float(prices.span_yearly[chosen].sum()) for _ in prices.phases]),
        due=past.due_spans.get(spans[0]),
        closed=() if is_built else tuple(np.flatnonzero(closed).tolist()),
        max_fibers=int(prices.network.spans.max_fibers[chosen].min()),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Indices:
    """Positions of what candidates refer to by name."""

    demands: Mapping[str, int]
    blocks: Mapping[int, int]
    sites: Mapping[str, int]
    items: Mapping[tuple[str, str], int]
    conflicts: Mapping[str, int]


def _positions(values: Iterable[_Hashable]) -> dict[_Hashable, int]:
    return {value: position for position, value in enumerate(values)}


def _route(scenario: Scenario, prices: PriceTable, candidate: Candidate, at: _Indices) -> InstanceRoute:
    first = scenario.phase_index(scenario.demand(candidate.demand).from_phase)
    technology = candidate.route.technology
    phases = [t for t in range(first, len(scenario.phases)) if technology in scenario.phases[t].technologies]
    return InstanceRoute(
        demand=at.demands[candidate.demand],
        phases=tuple(phases),
        blocks={at.blocks[span]: passes for span, passes in candidate.passes.items()},
        sites=tuple(at.sites[site] for site in candidate.sites if site in at.sites),
        needs={at.items[key]: units for key, units in candidate.needs.items()},
        conflicts=tuple(sorted(at.conflicts[name] for name in candidate.conflicts)),
        fibers=candidate.fibers,
        is_lower=candidate.route.target == "backup",
        lease=_thousands([candidate.lease_per_year * prices.lease[phase] for phase in prices.phases]),
        lease_per_year=candidate.lease_per_year / MONEY,
    )
