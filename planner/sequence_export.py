"""The memory routes of a plan as a configuration of SeQUeNCe 0.8.5, a discrete-event simulator of quantum networks.

Where its models differ from ours the notes of an export say so. `expected_rate_hz` follows its timing, so that a run
can be compared with a closed form. Source: Wu et al., QST 6, 045027 (2021), and the source code of version 0.8.5.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from planner.catalog import LinkHardware, Memory
from planner.errors import InfeasibleError, InputError
from planner.network import Network, load_network
from planner.outputs import write_atomically
from planner.physics import chains, fiber, heralded
from planner.physics.performance import Arm, ElementaryLink, RoutePerformance, evaluate_route
from planner.pipeline import NETWORK_FILE, PLAN_FILE
from planner.plan import Plan, load_plan
from planner.scenario import Scenario
from planner.verify.routes import RouteFacts, route_facts

SEQUENCE_FILE = "sequence.json"
VELOCITY_M_PER_S = 2.0e8
"""Speed of all signals in the simulator."""
TIME_BIN_M = 2.5
"""Arms are whole multiples of this length: photons start in time bins of 12.5 ns, and both must arrive together."""
MIN_FIDELITY = 0.5
"""Least fidelity of a link that the simulator takes."""
_PS_PER_S = 1e12
_DEPOLARIZING = 4.0 / 3.0
"""Its qubits with equal Pauli errors keep exp(-4 t / (3 T)); ours keep exp(-t / T)."""

Protocol = Literal["single_heralded", "barret_kok"]
"""How links are made, in the simulator's own spelling."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MemoryRoute:
    """A route to be simulated: its stations with memories in order, the links between them, and its lanes."""

    name: str
    sites: tuple[str, ...]
    links: tuple[ElementaryLink, ...]
    hardware: LinkHardware
    lanes: int

    @property
    def memory(self) -> Memory:
        """Return the memory of its stations; raises ValueError for a route without."""
        if self.hardware.memory is None:
            raise ValueError(f"route {self.name} has no memories")
        return self.hardware.memory

    @property
    def routers(self) -> tuple[str, ...]:
        """Return the names of its routers, unique in a configuration."""
        return tuple(f"{self.name}.{index}.{site}" for index, site in enumerate(self.sites))

    @property
    def performance(self) -> RoutePerformance:
        """Return what the planner expects of one lane."""
        return evaluate_route(self.links, self.hardware)


def write_sequence(scenario: Scenario, folder: Path, *, stop_time_s: float) -> tuple[Path, tuple[str, ...]]:
    """Write the memory routes of the last phase of the plan in a folder; return the path and the notes.

    Raises InputError for files that are missing or belong to another scenario, InfeasibleError when no route can be
    exported, and OutputError when the file cannot be written.
    """
    network, plan = load_network(folder / NETWORK_FILE), load_plan(folder / PLAN_FILE)
    if {network.scenario_digest, plan.scenario_digest} != {scenario.digest} or plan.network_digest != network.digest:
        raise InputError.at(str(folder), f"was planned for another version of {scenario.path}; run planner run again")
    routes, left_out = memory_routes(network, scenario, plan)
    if not routes:
        raise InfeasibleError("no route of the last phase can be exported", *left_out)
    configuration = sequence_configuration(routes, stop_time_s=stop_time_s, left_out=left_out)
    path = write_atomically(folder / SEQUENCE_FILE, [json.dumps(configuration, indent=1, allow_nan=False), "\n"])
    return path, (*configuration["planner"]["notes"], *left_out)


def memory_routes(network: Network, scenario: Scenario, plan: Plan) -> tuple[tuple[MemoryRoute, ...], tuple[str, ...]]:
    """Return the routes of the last phase that can be simulated, and a sentence for each that cannot."""
    scenario = scenario.with_sites(network.found_sites)
    last = len(scenario.phases) - 1
    routes, left_out = [], []
    for facts in route_facts(network, scenario, plan):
        if facts.phase != last:
            continue
        reason = _reason_against(facts)
        if reason or facts.arms is None:
            left_out.append(f"not exported: {facts.subject}: {reason}")
            continue
        arms = zip(facts.arms[::2], facts.arms[1::2], strict=True)
        routes.append(
            MemoryRoute(
                name=f"{facts.demand.id}.{facts.number}",
                sites=tuple(station.site for station in facts.route.stations[::2]),
                links=tuple(ElementaryLink(left=left, right=right) for left, right in arms),
                hardware=scenario.link_hardware(facts.technology),
                lanes=facts.route.lanes,
            )
        )
    return tuple(routes), tuple(left_out)


def sequence_configuration(
    routes: Sequence[MemoryRoute], *, stop_time_s: float, left_out: Sequence[str] = ()
) -> dict[str, Any]:
    """Return the configuration for `RouterNetTopo`; its member `planner`, which SeQUeNCe ignores, says how to run it.

    Every route has stations of its own, also where routes share a site. Raises ValueError for a stop time that is not
    positive or a route without memories.
    """
    if not 0.0 < stop_time_s < math.inf:
        raise ValueError(f"stop_time_s must be positive and finite, got {stop_time_s!r}")
    protocol = protocol_for(routes)
    nodes: list[dict[str, Any]] = []
    for route in routes:
        nodes += _nodes(route)
    return {
        "templates": {name: parts for route in routes for name, parts in _templates(route, protocol).items()},
        "nodes": [node | {"seed": seed} for seed, node in enumerate(nodes)],
        "qchannels": [channel for route in routes for channel in _quantum_channels(route)],
        "cchannels": [channel for route in routes for channel in _classical_channels(route)],
        "formalism": "bell_diagonal" if protocol == "single_heralded" else "ket_vector",
        "stop_time": round(stop_time_s * _PS_PER_S),
        "planner": {
            "protocol": protocol,
            "routes": [_summary(route, protocol) for route in routes],
            "notes": list(notes(routes)),
            "not_exported": list(left_out),
        },
    }


def protocol_for(routes: Sequence[MemoryRoute]) -> Protocol:
    """Return how all links of a configuration are made: version 0.8.5 cannot swap what `single_heralded` makes."""
    return "single_heralded" if all(len(route.links) == 1 for route in routes) else "barret_kok"


def expected_rate_hz(route: MemoryRoute, protocol: Protocol) -> float:
    """Return the pairs per second of one lane that the simulator should give, in the limit of a long run.

    Success 1/2 eta_A eta_B without dark counts. An attempt takes four times the light time L / v of its link, wherever
    the station stands, and with `barret_kok` three times more whenever the first of two rounds clicks. Chains wait as
    in `chains.mean_slots`; the results of swaps cost nothing, which is right where attempts seldom succeed.
    """
    rates_hz, clocks_s = [], []
    for link in route.links:
        left, right = (_click_share(arm, route) for arm in (link.left, link.right))
        herald = heralded.double_click(left, right, dark_probability=0.0, visibility=1.0, emission_fidelity=1.0)
        light_s = (_distance_m(link.left, route) + _distance_m(link.right, route)) / VELOCITY_M_PER_S
        first_clicks = (left + right + left * (1.0 - right) + right * (1.0 - left)) / 4.0
        clocks_s.append((4.0 + (3.0 * first_clicks if protocol == "barret_kok" else 0.0)) * light_s)
        rates_hz.append(herald.probability / clocks_s[-1])
    slot_s, probabilities = chains.common_slots(rates_hz, clocks_s)
    return 1.0 / (chains.mean_slots(probabilities) * slot_s)


def notes(routes: Sequence[MemoryRoute]) -> Iterator[str]:
    """Yield where the simulator's models differ from ours, as far as it matters for these routes."""
    yield "an attempt of SeQUeNCe takes 4 L/v (pairing, negotiation, answer, photons and herald); ours takes about L/v"
    yield "dark counts, visibility and emission errors are folded into the fidelity of new links: it counts no darks"
    yield "lumped losses are folded into the attenuation per metre; distances are those of the signal time, to 2.5 m"
    yield "every route has stations of its own, and its links all have its lowest link fidelity"
    memories = [route.memory for route in routes]
    if protocol_for(routes) == "barret_kok":
        yield "0.8.5 cannot swap Bell-diagonal states: links are Barrett-Kok, memories do not decay"
        yield "each swap of 0.8.5 gives F1 * F2 * 0.95 and always succeeds; ours multiplies Werner parameters"
    else:
        yield "coherence times are multiplied by 4/3: with equal Pauli errors its qubits keep exp(-4 t / (3 T))"
    if any(memory.decay == "gaussian" for memory in memories):
        yield "Gaussian memories are simulated as exponential ones, or without decay"
    if any(memory.modes > 1 for memory in memories):
        yield "one mode per memory: multiplexing is not simulated"
    if any(memory.duty < 1.0 or memory.initialization_s > 0.0 for memory in memories):
        yield "duty and initialization time are not simulated"
    if any(route.lanes > 1 for route in routes):
        yield "SeQUeNCe pools the memories of all lanes, which delivers more than separate lanes"


def _reason_against(facts: RouteFacts) -> str:
    if facts.technology.memory is None:
        return "it has no memories"
    if facts.technology.link_model != "double_click":
        return f"its links are {facts.technology.link_model}, and only two-photon links can be simulated"
    if facts.performance is None:
        return "it is not whole (see planner verify)"
    if min(facts.performance.link_fidelity) < MIN_FIDELITY:
        return f"a link has a fidelity below {MIN_FIDELITY:g}"
    return ""


def _templates(route: MemoryRoute, protocol: Protocol) -> dict[str, Any]:
    memory, detector = route.memory, route.hardware.detector
    dead_s = max(detector.dead_time_ns, 1.0) * 1e-9
    detectors = [
        {
            "efficiency": detector.efficiency,
            "dark_count": 0,
            "time_resolution": max(1, round(detector.jitter_ps)),
            "count_rate": 1.0 / dead_s,
        }
    ] * 2
    heralded_once = protocol == "single_heralded"
    return {
        f"{route.name}.router": {
            "MemoryArray": {
                "fidelity": min(route.performance.link_fidelity),
                "frequency": memory.repetition_hz,
                "efficiency": memory.emission_efficiency,
                "coherence_time": memory.coherence_time_s * _DEPOLARIZING if heralded_once else -1,
                "wavelength": route.hardware.fiber.wavelength_nm,
                "cutoff_flag": False,
            }
        },
        f"{route.name}.herald": {
            "encoding_type": "single_heralded" if heralded_once else "single_atom",
            "SingleHeraldedBSM" if heralded_once else "SingleAtomBSM": {"detectors": detectors},
        },
    }


def _nodes(route: MemoryRoute) -> Iterator[dict[str, Any]]:
    """Yield the routers, with memories for each side that has a link, and the heralding stations between them."""
    last = len(route.routers) - 1
    for index, name in enumerate(route.routers):
        sides = 1 if index in (0, last) else 2
        template = f"{route.name}.router"
        yield {"name": name, "type": "QuantumRouter", "memo_size": sides * route.lanes, "template": template}
    for index in range(len(route.links)):
        yield {"name": _herald_name(route, index), "type": "BSMNode", "template": f"{route.name}.herald"}


def _herald_name(route: MemoryRoute, index: int) -> str:
    return f"{route.name}.{index}.herald"


def _quantum_channels(route: MemoryRoute) -> Iterator[dict[str, Any]]:
    for index, link in enumerate(route.links):
        for router, arm in zip(route.routers[index : index + 2], (link.left, link.right), strict=True):
            distance_m = _distance_m(arm, route)
            yield {
                "source": router,
                "destination": _herald_name(route, index),
                "distance": distance_m,
                "attenuation": fiber.arm_loss_db(arm.loss_db, route.hardware.termination) / distance_m,
            }


def _classical_channels(route: MemoryRoute) -> Iterator[dict[str, Any]]:
    """Yield both directions between routers and their heralding stations, and between all routers."""
    position_m = [0.0]
    for index, link in enumerate(route.links):
        lengths_m = (_distance_m(link.left, route), _distance_m(link.right, route))
        for router, length_m in zip(route.routers[index : index + 2], lengths_m, strict=True):
            yield from _both_ways(router, _herald_name(route, index), length_m)
        position_m.append(position_m[-1] + sum(lengths_m))
    places = list(zip(route.routers, position_m, strict=True))
    for index, (router, start_m) in enumerate(places):
        for other, end_m in places[index + 1 :]:
            yield from _both_ways(router, other, end_m - start_m)


def _both_ways(one: str, other: str, length_m: float) -> Iterator[dict[str, Any]]:
    delay_ps = round(length_m / VELOCITY_M_PER_S * _PS_PER_S)
    for source, destination in ((one, other), (other, one)):
        yield {"source": source, "destination": destination, "distance": length_m, "delay": delay_ps}


def _distance_m(arm: Arm, route: MemoryRoute) -> float:
    """Return the length in which the simulator's signals take as long as ours, in whole time bins, at least one."""
    length_m = fiber.delay_s(arm.length_km, route.hardware.fiber.velocity_km_per_s) * VELOCITY_M_PER_S
    return TIME_BIN_M * max(1, round(length_m / TIME_BIN_M))


def _click_share(arm: Arm, route: MemoryRoute) -> float:
    """Return the probability that a photon is emitted, arrives and is detected."""
    arrives = fiber.transmittance(fiber.arm_loss_db(arm.loss_db, route.hardware.termination))
    return route.memory.emission_efficiency * arrives * route.hardware.detector.efficiency


def _summary(route: MemoryRoute, protocol: Protocol) -> dict[str, Any]:
    return {
        "name": route.name,
        "from": route.routers[0],
        "to": route.routers[-1],
        "memories": route.lanes,
        "lane_rate_hz": route.performance.lane_rate_hz,
        "expected_lane_rate_hz": expected_rate_hz(route, protocol),
    }
