"""The routes of a plan, followed span by span through the network and judged by the physics."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from planner.catalog import LinkHardware, PairSource
from planner.network import Network
from planner.physics.arm import timing_width_ps
from planner.physics.performance import Arm, ElementaryLink, RoutePerformance, Settings, evaluate_route
from planner.physics.source_links import WINDOW_FACTORS
from planner.plan import Plan, Route, Service, Station
from planner.scenario import Demand, Scenario, Technology
from planner.verify import spans as span_facts
from planner.verify.findings import agree
from planner.verify.noise import arriving_noise_hz


@dataclass(frozen=True, kw_only=True, slots=True)
class RouteFacts:
    """A route of one service, with what was recomputed about it.

    `walk_flaw` and `station_flaws` say what is wrong with its course; `arms` and `performance` (of one lane) are None
    when something is, for a route that leads nowhere has no rate. `demand` shows the targets that the route must meet.
    """

    service: Service
    number: int
    route: Route
    demand: Demand
    phase: int
    technology: Technology
    indices: tuple[int, ...]
    """Positions of the spans in the network."""
    walk_flaw: str
    station_flaws: tuple[str, ...]
    setting_flaws: tuple[str, ...]
    """What was chosen for it that its technology does not allow."""
    arms: tuple[Arm, ...] | None
    performance: RoutePerformance | None
    hop_sites: frozenset[str]
    """Sites at which its free-space hops end."""

    @property
    def subject(self) -> str:
        """Return the name of the route for a reader: demand, phase and number."""
        return f"{self.service.demand} in {self.service.phase}, route {self.number}"

    @property
    def interior_sites(self) -> frozenset[str]:
        """Return the sites of its stations, without the two ends of the demand."""
        return frozenset(station.site for station in self.route.stations) - {self.demand.a, self.demand.b}

    @property
    def repeater_sites(self) -> frozenset[str]:
        """Return the sites of its repeaters."""
        return frozenset(
            station.site for station in self.route.stations if station.role in ("repeater", "trusted_node")
        )


def route_facts(network: Network, scenario: Scenario, plan: Plan) -> Iterator[RouteFacts]:
    """Yield the facts of every route of every service, in the order of the plan."""
    index = network.span_index()
    hop_ends = {hop.id: (hop.a, hop.b) for hop in network.hops}
    for service in plan.services:
        for number, route in enumerate(service.routes, start=1):
            demand = scenario.demand(service.demand).seen_by(route.target)
            technology = scenario.technology(route.technology)
            indices = tuple(index[span] for span in route.spans)
            nodes, walk_flaw = _follow(network, indices, demand)
            station_flaws = tuple(_station_flaws(network, route, demand, technology, () if walk_flaw else nodes))
            is_whole = not walk_flaw and not station_flaws
            hardware = scenario.link_hardware(technology)
            arms = _arms(network, scenario, route, indices, nodes, hardware=hardware) if is_whole else None
            setting_flaws = () if arms is None else tuple(_setting_flaws(route, technology, hardware, arms))
            yield RouteFacts(
                service=service,
                number=number,
                route=route,
                demand=demand,
                phase=scenario.phase_index(service.phase),
                technology=technology,
                indices=indices,
                walk_flaw=walk_flaw,
                station_flaws=station_flaws,
                arms=arms,
                setting_flaws=setting_flaws,
                performance=None
                if arms is None or setting_flaws
                else _performance(route, demand, technology, hardware, arms),
                hop_sites=frozenset(site for span in route.spans for site in hop_ends.get(span, ())),
            )


def _follow(network: Network, indices: Sequence[int], demand: Demand) -> tuple[tuple[int, ...], str]:
    """Return the nodes of a walk from the demand's first site, and the first flaw in it (empty when it arrives)."""
    nodes = [network.site(demand.a).node]
    for index in indices:
        ends = (int(network.spans.start[index]), int(network.spans.end[index]))
        if nodes[-1] not in ends:
            return tuple(nodes), f"span {network.spans.ids[index]} does not begin where the one before it ends"
        nodes.append(ends[1] if nodes[-1] == ends[0] else ends[0])
    if nodes[-1] != network.site(demand.b).node:
        return tuple(nodes), f"it does not end at site {demand.b}"
    return tuple(nodes), ""


def _station_flaws(
    network: Network, route: Route, demand: Demand, technology: Technology, nodes: Sequence[int]
) -> Iterator[str]:
    """Yield what is wrong with the order, the roles and, along the nodes of a walk, the places of the stations."""
    yield from _order_flaws(route, demand, technology)
    for station in route.stations:
        if station.after_spans < len(nodes) and network.site(station.site).node != nodes[station.after_spans]:
            yield f"{station.role} at {station.site} is not where the route is after {station.after_spans} spans"


def _order_flaws(route: Route, demand: Demand, technology: Technology) -> Iterator[str]:
    middle = "pair_source" if technology.pair_source is not None else "heralding"
    stations = route.stations
    between = "trusted_node" if technology.trusted_nodes else "repeater"
    wanted = ["end", *([middle, between] * (len(stations) // 2))[:-1], "end"]
    if len(stations) % 2 == 0:
        yield f"{len(stations)} stations cannot alternate between memories and middles"
    elif [station.role for station in stations] != wanted:
        yield f"roles are {', '.join(station.role for station in stations)}, not {', '.join(wanted)}"
    first, last = stations[0], stations[-1]
    if (first.site, first.after_spans) != (demand.a, 0):
        yield f"the first station is not at {demand.a} before all spans"
    if (last.site, last.after_spans) != (demand.b, len(route.spans)):
        yield f"the last station is not at {demand.b} after all spans"
    passed = [station.after_spans for station in stations]
    if passed != sorted(passed):
        yield "stations do not follow each other along the route"


def _arms(
    network: Network,
    scenario: Scenario,
    route: Route,
    indices: Sequence[int],
    nodes: Sequence[int],
    *,
    hardware: LinkHardware,
) -> tuple[Arm, ...]:
    arms = []
    for number, pair in enumerate(zip(route.stations, route.stations[1:], strict=False)):
        plain = _arm(network, scenario, indices, nodes, pair)
        noise_hz = arriving_noise_hz(
            network, scenario, indices, nodes, pair, hardware=hardware, is_left=number % 2 == 0
        )
        arms.append(replace(plain, noise_hz=noise_hz))
    return tuple(arms)


def _arm(
    network: Network, scenario: Scenario, indices: Sequence[int], nodes: Sequence[int], ends: tuple[Station, Station]
) -> Arm:
    """Return what the light between two neighbouring stations passes: spans, joints, and both laterals."""
    first, last = ends[0].after_spans, ends[1].after_spans
    if first == last:
        return Arm(length_km=0.0, loss_db=0.0)
    laterals = [network.site(station.site) for station in ends]
    slack = scenario.hardware.fibers[scenario.spec.fiber].slack
    joints = [span_facts.joint_loss_db(network, scenario, node) for node in nodes[first + 1 : last]]
    lateral_losses = [span_facts.fiber_loss_db(scenario, site.lateral_km) for site in laterals]
    losses = [span_facts.span_loss_db(network, scenario, index) for index in indices[first:last]]
    lengths = [span_facts.optical_length_km(network, scenario, index) for index in indices[first:last]]
    return Arm(
        length_km=math.fsum(lengths) + slack * math.fsum(site.lateral_km for site in laterals),
        loss_db=math.fsum([*losses, *joints, *lateral_losses]),
    )


def _links(arms: tuple[Arm, ...]) -> tuple[ElementaryLink, ...]:
    return tuple(ElementaryLink(left=left, right=right) for left, right in zip(arms[::2], arms[1::2], strict=True))


def _performance(
    route: Route, demand: Demand, technology: Technology, hardware: LinkHardware, arms: tuple[Arm, ...]
) -> RoutePerformance | None:
    """Return what one lane delivers with the plan's settings; None for more links than the technology can have."""
    links = _links(arms)
    if len(links) > technology.max_links:
        return None
    settings = Settings(**route.settings.model_dump())
    return evaluate_route(links, hardware, min_fidelity=demand.min_fidelity, settings=settings)


def _setting_flaws(
    route: Route, technology: Technology, hardware: LinkHardware, arms: tuple[Arm, ...]
) -> Iterator[str]:
    """Yield what was chosen for a route that its technology does not allow."""
    settings, memory, source = route.settings, hardware.memory, hardware.pair_source
    bright_states = memory.bright_states if memory is not None and technology.link_model == "single_click" else ()
    if settings.bright_state is not None and settings.bright_state not in bright_states:
        yield f"a bright state of {settings.bright_state:g} is not offered"
    if settings.distillation is not None:
        step = {"bbpssw": 2, "dejmps": 4}[settings.distillation]
        if settings.distillation not in technology.distillation or memory is None or memory.decay != "exponential":
            yield f"{settings.distillation} is not offered"
        if route.lanes % step:
            yield f"{route.lanes} lanes cannot be distilled, which takes them {step} by {step}"
    if settings.cutoff_slots is not None and not (
        technology.cutoff and len(arms) == 4 and memory is not None and memory.decay == "exponential"
    ):
        yield "a cut-off is not offered here"
    is_emitting = memory is None and source is not None
    if (settings.brightness_hz is None) != (settings.window_ps is None) or (settings.window_ps and not is_emitting):
        yield "brightness and window belong to a pair source, and to each other"
    elif source is not None and settings.brightness_hz is not None and settings.window_ps is not None:
        set_as = (settings.brightness_hz, settings.window_ps)
        flaws = [list(_source_flaws(*set_as, source, link, hardware)) for link in _links(arms)]
        yield from min(flaws, key=len)  # sources of a relayed route are set alike, as suits one of its links


def _source_flaws(
    brightness_hz: float, window_ps: float, source: PairSource, link: ElementaryLink, hardware: LinkHardware
) -> Iterator[str]:
    most_hz = min(source.max_brightness_hz, source.max_mean_pairs / (window_ps * 1e-12))
    if brightness_hz > most_hz and not agree(most_hz, brightness_hz):
        yield f"{brightness_hz:g} pairs per second are more than the {most_hz:g} that the source may make"
    width_ps = timing_width_ps(link, hardware, source)
    asked = source.window_per_jitter
    low, high = WINDOW_FACTORS if asked == "best" else (asked, asked)
    factor = window_ps / width_ps
    if not (low <= factor <= high or agree(low, factor) or agree(high, factor)):
        yield f"a window of {window_ps:g} ps is {factor:.4g} timing widths, allowed are {low:g} to {high:g}"
