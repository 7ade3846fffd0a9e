"""Tiny integer programs made by hand: coefficients without a map behind them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from planner.costs import BudgetLimit
from planner.design.instance import (
    Instance,
    InstanceAsset,
    InstanceDemand,
    InstanceItem,
    InstanceRebate,
    InstanceRoom,
    InstanceRoute,
)

Prices = float | tuple[float, ...]


class Builder:
    """Collects demands, routes and what they use; every method returns the index of what it added."""

    def __init__(
        self,
        *,
        phases: int,
        budgets: tuple[float | None, ...] = (),
        limits: tuple[BudgetLimit, ...] = (),
        budget_years: tuple[int, ...] | None = None,
        at_first: bool = False,
        serve_all: bool = True,
    ) -> None:
        self.phases = phases
        own = (BudgetLimit(first_phase=t, last_phase=t, amount=b) for t, b in enumerate(budgets) if b is not None)
        self.limits = (*own, *limits)
        self.budget_years = budget_years or (0,) * phases
        self.at_first = at_first
        self.serve_all = serve_all
        self.demands: list[InstanceDemand] = []
        self.routes: list[InstanceRoute] = []
        self.blocks: list[InstanceAsset] = []
        self.sites: list[InstanceAsset] = []
        self.items: list[InstanceItem] = []
        self.rooms: list[InstanceRoom] = []
        self.rebates: list[InstanceRebate] = []

    def demand(self, *, routes: int = 1, first_phase: int = 0, weight: float = 1.0, **changes: Any) -> int:
        """Add a demand."""
        name = f"d{len(self.demands)}"
        self.demands.append(InstanceDemand(id=name, routes=routes, first_phase=first_phase, weight=weight, **changes))
        return len(self.demands) - 1

    def block(self, price: Prices, *, capex: Prices | None = None, yearly: Prices = 0.0, **changes: Any) -> int:
        """Add a block of spans; capital is the price unless said otherwise."""
        values: dict[str, Any] = {"max_fibers": 96} | changes
        self.blocks.append(replace(self._asset(price, capex, yearly), **values))
        return len(self.blocks) - 1

    def site(self, price: Prices, *, capex: Prices | None = None, yearly: Prices = 0.0, due: int | None = None) -> int:
        """Add a site that is to be opened."""
        self.sites.append(replace(self._asset(price, capex, yearly), due=due))
        return len(self.sites) - 1

    def item(self, price: Prices, *, capex: Prices | None = None, yearly: Prices = 0.0, **changes: Any) -> int:
        """Add equipment of one kind at one site."""
        asset = self._asset(price, capex, yearly)
        values: dict[str, Any] = {"serves": 1, "owned": 0} | changes
        self.items.append(InstanceItem(price=asset.price, capex=asset.capex, yearly=asset.yearly, **values))
        return len(self.items) - 1

    def room(self, uses: Mapping[int, float], limit: float) -> None:
        """Limit what some items take together."""
        self.rooms.append(InstanceRoom(uses=dict(uses), limit=limit))

    def rebate(self, items: tuple[int, ...], *, beyond: int, share: float, most: int = 50) -> None:
        """Let units of some items, which have the same prices, cost less beyond a number of them."""
        self.rebates.append(InstanceRebate(items=items, beyond=beyond, share=share, most=most))

    def route(
        self,
        demand: int,
        *,
        blocks: Mapping[int, int] | None = None,
        sites: tuple[int, ...] = (),
        needs: Mapping[int, int] | None = None,
        lease: Prices = 0.0,
        **changes: Any,
    ) -> int:
        """Add a candidate, by default for all phases of its demand; its blocks are risks unless they may be shared."""
        values: dict[str, Any] = {
            "phases": tuple(range(self.demands[demand].first_phase, self.phases)),
            "conflicts": tuple(sorted(set(blocks or {}) - self.demands[demand].shared_blocks)),
            "fibers": 1,
        } | changes
        self.routes.append(
            InstanceRoute(
                demand=demand,
                blocks=dict(blocks or {}),
                sites=sites,
                needs=dict(needs or {}),
                lease=self._by_phase(lease),
                **values,
            )
        )
        return len(self.routes) - 1

    def instance(self) -> Instance:
        """Return what was collected."""
        return Instance(
            phases=self.phases,
            demands=tuple(self.demands),
            routes=tuple(self.routes),
            blocks=tuple(self.blocks),
            sites=tuple(self.sites),
            items=tuple(self.items),
            rooms=tuple(self.rooms),
            rebates=tuple(self.rebates),
            budgets=self.limits,
            budget_years=self.budget_years,
            at_first=self.at_first,
            serve_all=self.serve_all,
            block_spans=tuple((block,) for block in range(len(self.blocks))),
            site_ids=tuple(f"s{site}" for site in range(len(self.sites))),
            item_keys=tuple((f"s{item}", "item") for item in range(len(self.items))),
        )

    def _by_phase(self, price: Prices) -> tuple[float, ...]:
        return price if isinstance(price, tuple) else (price,) * self.phases

    def _asset(self, price: Prices, capex: Prices | None, yearly: Prices) -> InstanceAsset:
        by_phase = self._by_phase(price)
        return InstanceAsset(
            price=by_phase,
            capex=by_phase if capex is None else self._by_phase(capex),
            yearly=self._by_phase(yearly),
        )
