"""Everything that the checks ask about: the inputs, and what was recomputed from them once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from planner.network import Network
from planner.plan import Plan
from planner.scenario import Scenario
from planner.verify.layers import RawLayer, own_prices, read_raw_layer
from planner.verify.prices import Prices
from planner.verify.routes import RouteFacts, route_facts
from planner.verify.sums import LineKey, Sum, cost_sums
from planner.verify.unavoidable import UnavoidableRisks


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """A plan beside its network and scenario, its routes followed and judged.

    `used_spans` are the positions of the spans that are built or walked, in rising order; `sums` is what the plan's
    quantities cost by phase and category.
    """

    network: Network
    scenario: Scenario
    plan: Plan
    routes: tuple[RouteFacts, ...]
    used_spans: tuple[int, ...]
    span_index: Mapping[str, int]
    prices: Prices
    sums: Mapping[LineKey, Sum]
    streets: RawLayer
    unavoidable: UnavoidableRisks

    def routes_in(self, phase: int) -> tuple[RouteFacts, ...]:
        """Return the routes of the services in the phase with this index."""
        return tuple(route for route in self.routes if route.phase == phase)


def collect_facts(network: Network, scenario: Scenario, plan: Plan) -> Facts:
    """Return the facts about a plan whose names are all known."""
    routes = tuple(route_facts(network, scenario, plan))
    index = network.span_index()
    used = {index[build.span] for build in plan.builds} | {span for route in routes for span in route.indices}
    prices = Prices(network=network, scenario=scenario, own=own_prices(scenario))
    return Facts(
        network=network,
        scenario=scenario,
        plan=plan,
        routes=routes,
        used_spans=tuple(sorted(used)),
        span_index=index,
        prices=prices,
        sums=cost_sums(prices, plan, routes),
        streets=read_raw_layer(scenario.folder, scenario.spec.layers.streets),
        unavoidable=UnavoidableRisks(network, scenario),
    )


def stations_needed(routes: tuple[RouteFacts, ...]) -> Mapping[tuple[str, str], int]:
    """Return how many units of need each (site, item) has to cover for these routes."""
    needs: Counter[tuple[str, str]] = Counter()
    for facts in routes:
        lanes = facts.route.lanes
        times = {"per_route": 1, "per_lane": lanes, "per_extra_lane": lanes - 1}
        for station in facts.route.stations:
            for need in facts.technology.equipment.get(station.role, ()):
                needs[station.site, need.item] += need.units * times[need.counted]
    return needs
