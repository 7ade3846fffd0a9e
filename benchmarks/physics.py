"""How fast the physics answers: candidate routes of one to four links, all different, with the bundled hardware."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from functools import partial
from typing import Any

from benchmarks.rows import Benchmark, Instance, Request, Row
from planner.catalog import LinkHardware, load_hardware
from planner.examples import bundled_folder
from planner.physics.performance import Arm, ElementaryLink, evaluate_route

ROUTES = 10_000
MOST_LINKS = 4
KINDS: dict[str, dict[str, Any]] = {
    "pair-source": {"link_model": "pair_source", "source": "spdc-2026"},
    "broadcast": {"link_model": "broadcast_source", "source": "spdc-2026", "hub_users": 8},
    "double-click": {"link_model": "double_click", "memory": "multiplexed-2032"},
    "sender-receiver": {"link_model": "sender_receiver", "memory": "near-term-2030"},
    "absorptive": {"link_model": "absorptive", "memory": "multiplexed-2032", "source": "spdc-2026"},
    "single-click-choice": {"link_model": "single_click", "memory": "near-term-2030", "bright": (0.02, 0.05, 0.1, 0.2)},
    "cut-off": {"link_model": "double_click", "memory": "near-term-2030", "cutoff": True},
    "distillation": {"link_model": "double_click", "memory": "near-term-2030", "distillations": ("bbpssw", "dejmps")},
    "failing-swaps": {"link_model": "double_click", "memory": "near-term-2030", "swap": 0.5},
    "gaussian": {"link_model": "double_click", "memory": "near-term-2030", "decay": "gaussian"},
}
MIXED = ("pair-source", "double-click", "single-click-choice", "sender-receiver")
"""Kinds of which `mixed` takes equal shares: what plans are made of."""


def instances(request: Request) -> Sequence[Instance]:
    """Return one instance for each kind of link, and one of several kinds together."""
    seed = 1 if request.seed is None else request.seed
    routes = int(request.number("routes", ROUTES))
    names = {"mixed": MIXED, **{name: (name,) for name in KINDS}}
    return [
        Instance(name=name, estimate_s=10.0, run=partial(measure, name, kinds, routes, seed))
        for name, kinds in names.items()
    ]


def measure(name: str, kinds: Sequence[str], routes: int, seed: int) -> Row:
    """Return how long `routes` random routes take; nothing is asked twice, and compiled code is loaded before."""
    for number in range(50):
        links, hardware = _task(kinds[number % len(kinds)], random.Random(f"before {number}"))
        evaluate_route(links, hardware, min_fidelity=0.85)
    draw = random.Random(seed)
    tasks = [_task(kinds[number % len(kinds)], draw) for number in range(routes)]
    start = time.perf_counter()
    entangled = sum(evaluate_route(links, hardware, min_fidelity=0.85).fidelity > 0.5 for links, hardware in tasks)
    seconds = time.perf_counter() - start
    return Row(instance=name, seconds=seconds).with_more(
        routes=routes, microseconds_per_route=round(1e6 * seconds / routes, 1), entangled=entangled
    )


def _task(kind: str, draw: random.Random) -> tuple[tuple[ElementaryLink, ...], LinkHardware]:
    hardware = _hardware(kind)
    count = draw.randint(1, MOST_LINKS) if hardware.memory is not None else 1
    return tuple(ElementaryLink(left=_arm(draw), right=_arm(draw)) for _ in range(count)), hardware


def _arm(draw: random.Random) -> Arm:
    length_km = draw.uniform(0.2, 15.0)
    return Arm(length_km=length_km, loss_db=length_km * draw.uniform(0.3, 0.5), noise_hz=draw.choice((0.0, 500.0)))


_KNOWN: dict[str, LinkHardware] = {}


def _hardware(kind: str) -> LinkHardware:
    if kind not in _KNOWN:
        asked = KINDS[kind]
        catalog = load_hardware(bundled_folder() / "data" / "hardware.yaml")
        memory = catalog.memories[asked["memory"]] if "memory" in asked else None
        if memory is not None:
            changes = {"bright_states": asked.get("bright", ()), "swap_probability": asked.get("swap", 1.0)}
            changes |= {name: asked[name] for name in ("decay", "ends_store") if name in asked}
            memory = memory.model_copy(update=changes)
        _KNOWN[kind] = LinkHardware(
            link_model=asked["link_model"],
            fiber=catalog.fibers["metro-1550"],
            termination=catalog.terminations["memory-arm" if memory is not None else "pair-source-arm"],
            detector=catalog.detectors["snspd"],
            pair_source=catalog.pair_sources[asked["source"]] if "source" in asked else None,
            memory=memory,
            hub_users=asked.get("hub_users", 2),
            distillations=asked.get("distillations", ()),
            cutoff=asked.get("cutoff", False),
        )
    return _KNOWN[kind]


BENCHMARK = Benchmark(
    summary="Physics of 10,000 candidate routes of up to 4 links, at most 3 s",
    instances=instances,
    needs_warm_up=False,
)
