"""Valid plans on drawn worlds, made by hand: routes are written out, and what they need is counted from them.

`make_plan` turns services into a plan that builds, opens and buys everything in the phase that first needs it.
`CITY` uses every medium, both technologies, two phases, a protected demand and a chain with a repeater.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from planner.costs import Quantities, cost_lines, present_cost
from planner.physics.performance import Arm, ElementaryLink, evaluate_route
from planner.plan import Installation, Outcome, Plan, Route, Service, SiteOpening, SpanBuild, Station
from worlds import World, demand, hop, make_world, phases, stored

Stop = tuple[str, str, int]
"""Site, role, and number of spans before it."""
Services = Mapping[tuple[str, str], Sequence[Route]]
"""Routes by demand and phase."""

LOWER_BOUND_SHARE = 0.98

LINE = """
A---s---B
"""
CITY = """
A---x---B---+
|           |
+---y===#===D~~~E

        C
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Planned:
    """A drawn world and a valid plan for it."""

    world: World
    plan: Plan


def line_plan(folder: Path) -> Planned:
    """Return one demand for detected pairs, with its source in a hut in the middle."""
    world = make_world(folder, LINE, [demand("A", "B")])
    way = make_route(world, "A-B", "pairs", walk(world, "A", "s", "B"), [("A", "end", 0), ("s", "pair_source", 1)])
    return Planned(world=world, plan=make_plan(world, {("A-B", "p1"): [way]}))


def chain_plan(folder: Path) -> Planned:
    """Return one demand for stored pairs, over two links and a repeater in a hut."""
    world = make_world(folder, "A---h---r---k---B", [stored("A", "B")])
    stops = [("A", "end", 0), ("h", "heralding", 1), ("r", "repeater", 2), ("k", "heralding", 3)]
    way = make_route(world, "A-B", "chain", walk(world, "A", "h", "r", "k", "B"), stops, lanes=2)
    return Planned(world=world, plan=make_plan(world, {("A-B", "p1"): [way]}))


def city_world(folder: Path, **changes: Any) -> World:
    """Return the world of `CITY`: two phases; a protected demand, and from p2 a stored one and one over a hop."""
    demands = [
        demand("A", "D", routes=2, weight=3.0),
        demand("B", "C", from_phase="p2"),
        stored("B", "E", from_phase="p2"),
    ]
    values = {"phases": phases(None, None), "hops": [hop("B", "C")], **changes}
    return make_world(folder, CITY, demands, **values)


def city_services(world: World) -> dict[tuple[str, str], list[Route]]:
    """Return the services of the city: A-D north and south, B-C through the air, B-E with a repeater at D."""
    north = make_route(
        world, "A-D", "pairs", walk(world, "A", "x", "B", "n03", "D"), [("A", "end", 0), ("x", "pair_source", 1)]
    )
    south = make_route(
        world, "A-D", "pairs", walk(world, "A", "n04", "y", "n06", "D"), [("A", "end", 0), ("y", "pair_source", 2)]
    )
    through_air = make_route(world, "B-C", "pairs", ("hop-B-C",), [("B", "end", 0), ("B", "pair_source", 0)])
    stops = [("B", "end", 0), ("D", "heralding", 2), ("D", "repeater", 2), ("E", "heralding", 3)]
    east = make_route(world, "B-E", "chain", walk(world, "B", "n03", "D", "E"), stops, lanes=2)
    return {
        ("A-D", "p1"): [north, south],
        ("A-D", "p2"): [north, south],
        ("B-C", "p2"): [through_air],
        ("B-E", "p2"): [east],
    }


def city_plan(folder: Path, **changes: Any) -> Planned:
    """Return the plan that serves the city."""
    world = city_world(folder, **changes)
    return Planned(world=world, plan=make_plan(world, city_services(world)))


def walk(world: World, *places: str) -> tuple[str, ...]:
    """Return the spans between neighbouring places, each a site or a node id; the first one where there are several."""
    spans, nodes = world.network.spans, world.network.nodes
    sites = {site.id: site.node for site in world.network.sites}
    numbers = [sites[place] if place in sites else nodes.ids.index(place) for place in places]
    ends = [{int(start), int(end)} for start, end in zip(spans.start, spans.end, strict=True)]
    return tuple(spans.ids[ends.index({a, b})] for a, b in pairwise(numbers))


def make_route(
    world: World, demand_id: str, technology: str, spans: Sequence[str], stops: Sequence[Stop], *, lanes: int = 1
) -> Route:
    """Return a route with the numbers that the physics gives; the last end is added to `stops`."""
    asked = world.scenario.demand(demand_id)
    stations = [Station(site=site, role=role, after_spans=after) for site, role, after in stops]  # type: ignore[arg-type]
    stations.append(Station(site=asked.b, role="end", after_spans=len(spans)))
    arms = list(_arms(world, asked.a, spans, stations))
    links = tuple(ElementaryLink(left=arms[i], right=arms[i + 1]) for i in range(0, len(arms), 2))
    hardware = world.scenario.link_hardware(world.scenario.technology(technology))
    lane = evaluate_route(links, hardware, min_fidelity=asked.min_fidelity)
    index = world.network.span_index()
    return Route(
        technology=technology,
        spans=tuple(spans),
        stations=tuple(stations),
        lanes=lanes,
        length_km=sum(float(world.network.spans.length_km[index[span]]) for span in spans),
        loss_db=sum(arm.loss_db for arm in arms),
        rate_hz=lane.lane_rate_hz * lanes,
        fidelity=lane.fidelity,
        ebit_rate_hz=lane.ebit_rate_hz * lanes,
        key_rate_hz=lane.key_rate_hz * lanes,
        ceiling_hz=lane.ceiling_hz * lanes,
        latency_s=lane.latency_s,
        limits=lane.limits,
    )


def make_plan(world: World, services: Services, **changes: Any) -> Plan:
    """Return a plan with what these services need, from when they first need it; `changes` replace fields."""
    listed = tuple(
        Service(demand=name, phase=phase, routes=tuple(routes), shared=_shared(world, name, len(routes)))
        for (name, phase), routes in sorted(services.items(), key=lambda item: (item[0][1], item[0][0]))
    )
    quantities = Quantities(
        builds=tuple(SpanBuild(span=span, phase=phase) for span, phase in _first(world, _spans(listed))),
        openings=tuple(SiteOpening(site=site, phase=phase) for site, phase in _first(world, _sites(world, listed))),
        installations=tuple(_installations(world, listed)),
        services=listed,
    )
    lines = cost_lines(world.network, world.scenario, quantities)
    values: dict[str, Any] = {
        "title": world.scenario.spec.title,
        "scenario_digest": world.scenario.digest,
        "network_digest": world.network.digest,
        "rollout": world.scenario.spec.rollout,
        "currency": world.scenario.spec.currency,
        "price_year": world.scenario.spec.price_year,
        "outcome": make_outcome(world, listed, present_cost(lines)),
        "builds": quantities.builds,
        "openings": quantities.openings,
        "installations": quantities.installations,
        "services": listed,
        "costs": lines,
        "versions": {"planner": "test"},
    }
    return Plan(**{**values, **changes})


def make_outcome(world: World, services: Sequence[Service], cost: float) -> Outcome:
    """Return the outcome of a plan whose lower bound is 98 % of its cost."""
    phases = range(len(world.scenario.phases))
    lower_bound = LOWER_BOUND_SHARE * cost
    return Outcome(
        objective=world.scenario.spec.objective,
        cost=cost,
        lower_bound=lower_bound,
        gap=(cost - lower_bound) / cost if cost else 0.0,
        served_weight=sum(world.scenario.demand(service.demand).weight for service in services if service.routes),
        weight_bound=sum(item.weight for phase in phases for item in world.scenario.active_demands(phase)),
        total_weight=sum(item.weight for phase in phases for item in world.scenario.active_demands(phase)),
        stopped_by="gap",
        bound_scope="whole_problem",
        bound_method="by hand",
        candidates=len(services),
        work=1,
    )


def reprice(world: World, plan: Plan) -> Plan:
    """Return the plan with the costs, the total and the gap that its quantities have now."""
    quantities = Quantities(
        builds=plan.builds, openings=plan.openings, installations=plan.installations, services=plan.services
    )
    lines = cost_lines(world.network, world.scenario, quantities)
    outcome = make_outcome(world, plan.services, present_cost(lines))
    return plan.model_copy(update={"costs": lines, "outcome": outcome})


def _arms(world: World, start: str, spans: Sequence[str], stations: Sequence[Station]) -> Iterator[Arm]:
    network, index = world.network, world.network.span_index()
    fiber = world.scenario.hardware.fibers[world.scenario.spec.fiber]
    nodes = [network.site(start).node]
    for span in spans:
        start_node, end_node = int(network.spans.start[index[span]]), int(network.spans.end[index[span]])
        nodes.append(end_node if nodes[-1] == start_node else start_node)
    for left, right in pairwise(stations):
        inside = [index[span] for span in spans[left.after_spans : right.after_spans]]
        ends = [network.site(station.site) for station in (left, right)] if inside else []
        length_km = sum(site.lateral_km * fiber.slack for site in ends)
        loss_db = sum(site.lateral_loss_db for site in ends)
        for span in inside:
            in_air = network.spans.medium[span] == "free_space"
            length_km += float(network.spans.length_km[span]) * (1.0 if in_air else fiber.slack)
            loss_db += float(network.spans.loss_db[span])
        for node in nodes[left.after_spans + 1 : right.after_spans]:
            loss_db += float(network.nodes.joint_loss_db[node])
        yield Arm(length_km=length_km, loss_db=loss_db)


def _shared(world: World, demand_id: str, routes: int) -> tuple[str, ...]:
    asked = world.scenario.demand(demand_id)
    return (f"lateral:{asked.a}", f"lateral:{asked.b}") if routes > 1 else ()


def _spans(services: Sequence[Service]) -> Iterator[tuple[str, str]]:
    return ((span, service.phase) for service in services for route in service.routes for span in route.spans)


def _sites(world: World, services: Sequence[Service]) -> Iterator[tuple[str, str]]:
    hops = {item.id: (item.a, item.b) for item in world.scenario.spec.free_space}
    for service in services:
        for route in service.routes:
            yield from ((station.site, service.phase) for station in route.stations)
            yield from ((site, service.phase) for span in route.spans for site in hops.get(span, ()))


def _first(world: World, used: Iterator[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return each name with the first phase that uses it, sorted by phase and name."""
    first: dict[str, int] = {}
    for name, phase in used:
        first[name] = min(world.scenario.phase_index(phase), first.get(name, 99))
    return [(name, world.scenario.phases[at].id) for name, at in sorted(first.items(), key=lambda item: item[::-1])]


def _installations(world: World, services: Sequence[Service]) -> Iterator[Installation]:
    scenario = world.scenario
    installed: Counter[tuple[str, str]] = Counter()
    for phase in scenario.phases:
        needs: Counter[tuple[str, str]] = Counter()
        for route in (route for service in services if service.phase == phase.id for route in service.routes):
            for station in route.stations:
                for need in scenario.technology(route.technology).equipment.get(station.role, ()):
                    lanes = {"per_route": 1, "per_lane": route.lanes, "per_extra_lane": route.lanes - 1}
                    needs[station.site, need.item] += need.units * lanes[need.counted]
        for (site, item), units in sorted(needs.items()):
            missing = math.ceil(units / scenario.costs.items[item].serves) - installed[site, item]
            if missing > 0:
                installed[site, item] += missing
                yield Installation(site=site, item=item, phase=phase.id, count=missing)
