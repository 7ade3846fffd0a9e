"""What loss, length and noise rule out: never a route that there is, however much noise raises its rate."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from design.drawn import Everything, random_drawing
from design.judged import best_of_simple_routes, world_of
from planner.design.bounds import lower_bound
from planner.design.distances import Distances
from planner.design.routes import Candidate, RouteJudge
from planner.design.stations import BestChains
from planner.network import with_digest
from planner.physics.performance import ElementaryLink, evaluate_route
from worlds import CHAIN, HARDWARE, PAIRS, World, demand, hop, make_world, stored

pytestmark = pytest.mark.usefixtures("inprocess")

MODELS = ("double_click", "single_click", "sender_receiver", "absorptive")
LITTLE, MUCH = (1e-4, 1e-3), (0.01, 0.1)
"""Classical power in mW, in spans of fractions of a kilometre."""


def noisy_world(seed: int, launch_mw: tuple[float, float]) -> World:
    """Return a world in which half of the ducts and leased fibers carry classical light, and two demands."""
    rng, has_hop = np.random.default_rng(seed), seed % 3 == 0
    memory = HARDWARE["memories"]["memory"] | {"storage_efficiency": 0.7, "bright_state": 0.05}
    chain = CHAIN | {"link_model": MODELS[seed % 4], "memory": "noted"}
    if chain["link_model"] == "absorptive":
        stations = dict(chain["equipment"])
        chain |= {"pair_source": "spdc", "equipment": stations | {"pair_source": stations.pop("heralding")}}
    asked = {"min_rate_hz": 1e-3, "min_fidelity": float(rng.choice([0.55, 0.7, 0.85]))}
    wanted = [stored("A", "B", id="stored", **asked), demand("A", "B", id="detected", **asked)]
    with tempfile.TemporaryDirectory() as folder:
        world = make_world(
            Path(folder),
            random_drawing(rng, rows=2, columns=3, sites=2, huts=2),
            wanted,
            cell_km=0.4 if has_hop else float(rng.choice([0.3, 1.0, 3.0])),
            hops=[hop("A", "B", sky="day")] if has_hop else [],
            hardware={"memories": {"noted": memory}},
            technologies=[PAIRS, chain | {"max_links": 3}],
        )
    return lit_world(world, rng, launch_mw)


def lit_world(world: World, rng: np.random.Generator, launch_mw: tuple[float, float]) -> World:
    """Return a world in which half of the ducts and leased fibers carry classical light."""
    spans = world.network.spans
    lit = np.array([medium in ("duct", "dark_fiber") for medium in spans.medium]) & (rng.random(len(spans)) < 0.5)
    powers = [np.where(lit, rng.uniform(*launch_mw, len(spans)), 0.0) for _ in range(2)]
    spans = replace(
        spans,
        classical_forward_mw=powers[0],
        classical_backward_mw=powers[1],
        classical_nm=np.where(lit, 1530.0, 0.0),
    )
    return World(scenario=world.scenario, network=with_digest(replace(world.network, spans=spans)))


def rates_of(world: World, judge: RouteJudge, candidate: Candidate) -> tuple[float, float]:
    """Return the most pairs per second of one lane of a route at its demand's fidelity; and without the noise."""
    technology, wanted = world.scenario.technology(candidate.route.technology), world.scenario.demand(candidate.demand)
    index = world.network.span_index()
    spans = [index[span] for span in candidate.route.spans]
    nodes = [judge.sites[wanted.a].node]
    for span in spans:
        ends = int(world.network.spans.start[span]), int(world.network.spans.end[span])
        nodes.append(ends[0] if nodes[-1] == ends[1] else ends[1])
    hardware = world.scenario.link_hardware(technology)
    links = judge.arms.links(spans, nodes, candidate.route.stations, hardware)
    quiet = [
        ElementaryLink(left=replace(link.left, noise_hz=0.0), right=replace(link.right, noise_hz=0.0)) for link in links
    ]
    found = [
        evaluate_route(tuple(some), hardware, min_fidelity=wanted.min_fidelity, preference="rate")
        for some in (links, quiet)
    ]
    return found[0].lane_rate_hz if found[0].fidelity >= wanted.min_fidelity else 0.0, found[1].lane_rate_hz


@pytest.mark.parametrize("launch_mw", [LITTLE, MUCH], ids=["little", "much"])
def test_no_route_is_faster_than_the_limit(launch_mw: tuple[float, float]) -> None:
    seen, helped, nearest = 0, 0, 0.0
    for seed in range(40):
        world = noisy_world(seed, launch_mw)
        judge = RouteJudge(world.network, world.scenario)
        distances = Distances(world.network, world.scenario, judge.graph)
        everything = Everything(network=world.network, scenario=world.scenario)
        for wanted in world.scenario.demands:
            for candidate in everything.candidates(wanted):
                technology = world.scenario.technology(candidate.route.technology)
                best = BestChains(distances, world.scenario, wanted, technology)
                rate_hz, quiet_hz = rates_of(world, judge, candidate)
                limit_hz = best.fastest_hz((len(candidate.route.stations) - 1) // 2)
                assert rate_hz <= limit_hz, f"seed {seed}: {candidate.key}"
                seen, helped, nearest = seen + 1, helped + (rate_hz > quiet_hz), max(nearest, rate_hz / limit_hz)
    assert seen > 500
    assert helped > 100
    assert nearest > 0.98


def test_no_plan_is_cheaper_than_the_bound_where_fibers_are_lit() -> None:
    compared = 0
    for seed in range(40):
        world = lit_world(world_of(seed, tight=True), np.random.default_rng(seed), LITTLE)
        best = best_of_simple_routes(world)
        if best is None or best.cost == np.inf:
            continue
        compared += 1
        assert lower_bound(world.network, world.scenario).value <= 1000.0 * best.cost * (1.0 + 1e-9), f"seed {seed}"
    assert compared >= 8


def test_a_noisy_hop_far_away_does_not_make_links_faster(tmp_path: Path) -> None:
    wanted = [stored("A", "B")]
    alone = make_world(tmp_path, "A---m---B---+---C---D", wanted)
    beside = make_world(tmp_path, "A---m---B---+---C---D", wanted, hops=[hop("C", "D", sky="day")])
    limits_hz = []
    for world in (alone, beside):
        judge = RouteJudge(world.network, world.scenario)
        distances = Distances(world.network, world.scenario, judge.graph)
        best = BestChains(distances, world.scenario, world.scenario.demands[0], world.scenario.technology("chain"))
        limits_hz.append([best.fastest_hz(links) for links in (1, 2, 3)])
    assert limits_hz[0] == limits_hz[1]
