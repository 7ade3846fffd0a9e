"""Memory routes as a configuration of SeQUeNCe: what it says, what is left out, and what the simulator makes of it."""

from __future__ import annotations

import importlib.util
import itertools
import json
import statistics
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from physics import parts
from planner.cli import app
from planner.network import network_to_geojson
from planner.outputs import write_atomically
from planner.physics.performance import ElementaryLink
from planner.sequence_export import (
    MemoryRoute,
    expected_rate_hz,
    memory_routes,
    notes,
    protocol_for,
    sequence_configuration,
)
from plans import Planned, chain_plan, city_plan, line_plan

NEEDS_SEQUENCE = pytest.mark.skipif(
    importlib.util.find_spec("sequence") is None, reason="opt-in: needs the simulator, pip install sequence==0.8.5"
)


def route_of(*links: ElementaryLink, lanes: int = 1, **memory: Any) -> MemoryRoute:
    """Return a route with fiber of 0.2 dB/km in mind: emission 0.5, detectors 0.8, no dark counts, no other loss."""
    values = {"emission_efficiency": 0.5, "visibility": 0.95, **memory}
    return MemoryRoute(
        name="d.1",
        sites=tuple("ABCDE"[: len(links) + 1]),
        links=links,
        hardware=parts.bare_hardware(
            memory=parts.perfect_memory(**values), detector=parts.detector(efficiency=0.8, dark_count_hz=0.0)
        ),
        lanes=lanes,
    )


def save(planned: Planned, out: Path) -> None:
    write_atomically(out / "network.geojson", network_to_geojson(planned.world.network))
    write_atomically(out / "plan.json", [planned.plan.to_json()])


def run(*arguments: str | Path) -> Any:
    return CliRunner().invoke(app, ["export", *(str(argument) for argument in arguments)])


def test_loss_and_delay_of_the_route_are_those_of_the_simulator() -> None:
    route = route_of(parts.link(10.0, 5.0, db_per_km=0.4), parts.link(4.0))
    configuration = sequence_configuration([route], stop_time_s=2.0)
    assert configuration["stop_time"] == 2 * 10**12
    assert [channel["distance"] for channel in configuration["qchannels"]] == pytest.approx([1e4, 5e3, 4e3, 4e3])
    losses = [channel["distance"] * channel["attenuation"] for channel in configuration["qchannels"]]
    assert losses == pytest.approx([4.0, 2.0, 1.6, 1.6])
    delays = {(item["source"], item["destination"]): item["delay"] for item in configuration["cchannels"]}
    assert delays["d.1.0.A", "d.1.0.herald"] == 50_000_000
    assert delays["d.1.0.A", "d.1.2.C"] == delays["d.1.2.C", "d.1.0.A"] == 115_000_000
    routers = [node["name"] for node in configuration["nodes"] if node["type"] == "QuantumRouter"]
    assert set(itertools.permutations(routers, 2)) <= set(delays)


def test_termination_is_folded_into_the_attenuation() -> None:
    plain = route_of(parts.link(10.0))
    ended = MemoryRoute(
        name="d.1", sites=plain.sites, links=plain.links, lanes=1, hardware=parts.hardware(memory=plain.memory)
    )
    lossless, lossy = (sequence_configuration([route], stop_time_s=1.0)["qchannels"][0] for route in (plain, ended))
    assert (lossy["attenuation"] - lossless["attenuation"]) * 1e4 == pytest.approx(2 * 0.3 + 1.5 + 1.0)


def test_interior_stations_have_memories_for_both_sides() -> None:
    nodes = sequence_configuration([route_of(parts.link(5.0), parts.link(5.0), lanes=3)], stop_time_s=1.0)["nodes"]
    assert [node["memo_size"] for node in nodes if node["type"] == "QuantumRouter"] == [3, 6, 3]
    assert len({node["seed"] for node in nodes}) == len({node["name"] for node in nodes}) == 5


def test_a_single_link_is_heralded_at_once_and_decays_as_ours() -> None:
    route = route_of(parts.link(10.0), coherence_time_s=0.3)
    configuration = sequence_configuration([route], stop_time_s=1.0)
    assert configuration["formalism"] == "bell_diagonal"
    assert configuration["planner"]["protocol"] == "single_heralded"
    array = configuration["templates"]["d.1.router"]["MemoryArray"]
    assert array["coherence_time"] == pytest.approx(0.4)
    assert array["fidelity"] == min(route.performance.link_fidelity)
    assert expected_rate_hz(route, "single_heralded") == pytest.approx(
        0.5 * (0.5 * 0.8 * 10**-0.4) ** 2 / (4 * 20.0 / 2e5)
    )


def test_chains_are_made_by_barrett_kok_and_say_what_differs() -> None:
    route = route_of(parts.link(5.0), parts.link(5.0), lanes=2, decay="gaussian", modes=10, duty=0.5, swap_fidelity=0.9)
    assert protocol_for([route, route_of(parts.link(5.0))]) == "barret_kok"
    text = " ".join(notes([route]))
    for words in ("4 L/v", "F1 * F2 * 0.95", "folded", "Gaussian", "multiplexing", "duty", "pools", "do not decay"):
        assert words in text


def test_arms_are_whole_time_bins() -> None:
    channels = sequence_configuration([route_of(parts.link(0.0, 1.1226))], stop_time_s=1.0)["qchannels"]
    assert [channel["distance"] for channel in channels] == [2.5, 1122.5]
    assert channels[1]["distance"] * channels[1]["attenuation"] == pytest.approx(0.4 * 1.1226)


def test_invalid_configurations_are_refused() -> None:
    with pytest.raises(ValueError, match=r"-1\.0"):
        sequence_configuration([route_of(parts.link(1.0))], stop_time_s=-1.0)
    without = MemoryRoute(
        name="x", sites=("A", "B"), links=(parts.link(1.0),), hardware=parts.hardware("pair_source"), lanes=1
    )
    with pytest.raises(ValueError, match="no memories"):
        sequence_configuration([without], stop_time_s=1.0)


def test_memory_routes_of_a_plan_are_exported_and_the_others_named(tmp_path: Path) -> None:
    planned = city_plan(tmp_path)
    save(planned, tmp_path / "out")
    result = run(planned.world.scenario.path, "--to", "sequence", "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert result.stdout.strip() == str(tmp_path / "out" / "sequence.json")
    configuration = json.loads((tmp_path / "out" / "sequence.json").read_text(encoding="utf-8"))
    (route,) = configuration["planner"]["routes"]
    assert (route["name"], route["from"], route["to"], route["memories"]) == ("B-E.1", "B-E.1.0.B", "B-E.1.2.E", 2)
    exported = planned.plan.service("B-E", "p2")
    assert exported is not None
    assert 2 * route["lane_rate_hz"] == pytest.approx(exported.routes[0].rate_hz)
    left_out = configuration["planner"]["not_exported"]
    assert len(left_out) == 3
    assert all("no memories" in text and text in result.stderr for text in left_out)
    assert "4 L/v" in result.stderr


def test_links_that_the_simulator_refuses_are_not_exported(tmp_path: Path) -> None:
    planned = chain_plan(tmp_path)
    world = planned.world
    assert len(memory_routes(world.network, world.scenario, planned.plan)[0]) == 1
    weak = world.scenario.hardware.memories["memory"].model_copy(update={"visibility": 0.0, "emission_fidelity": 0.6})
    hardware = world.scenario.hardware.model_copy(update={"memories": {"memory": weak}})
    values = {name: getattr(world.scenario, name) for name in ("path", "spec", "sites", "costs", "digest")}
    routes, left_out = memory_routes(world.network, type(world.scenario)(**values, hardware=hardware), planned.plan)
    assert routes == ()
    assert "fidelity below 0.5" in left_out[0]


def test_nothing_to_export_and_stale_files_are_explained(tmp_path: Path) -> None:
    planned = line_plan(tmp_path)
    scenario, out = planned.world.scenario.path, tmp_path / "out"
    assert run(scenario, "--to", "sequence", "--out", out).exit_code == 2
    save(planned, out)
    assert run(scenario, "--to", "pdf", "--out", out).exit_code == 2
    result = run(scenario, "--to", "sequence", "--out", out)
    assert result.exit_code == 1
    assert "no memories" in result.stderr
    stale = planned.plan.model_copy(update={"network_digest": "x"})
    (out / "plan.json").write_text(stale.to_json(), encoding="utf-8")
    result = run(scenario, "--to", "sequence", "--out", out)
    assert result.exit_code == 2
    assert "another version" in result.stderr


@pytest.mark.sequence
@NEEDS_SEQUENCE
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("links", "seconds", "fidelity"),
    [
        ((parts.link(5.0, db_per_km=0.2),), 3.0, lambda link: link),
        ((parts.link(1.1227, 4.0, db_per_km=0.2),), 3.0, lambda link: link),
        ((parts.link(5.0, db_per_km=0.2),) * 2, 3.0, lambda link: 0.95 * link**2),
    ],
    ids=["two nodes", "two nodes, unequal arms", "three nodes"],
)
def test_the_simulator_agrees(tmp_path: Path, links: tuple[ElementaryLink, ...], seconds: float, fidelity: Any) -> None:
    route = route_of(*links)
    pairs, mean_fidelity = simulated(route, seconds, tmp_path / "sequence.json")
    expected_hz = expected_rate_hz(route, protocol_for([route]))
    assert pairs / seconds == pytest.approx(expected_hz, rel=0.10)
    assert mean_fidelity == pytest.approx(fidelity(route.performance.link_fidelity[0]), abs=0.003)


def simulated(route: MemoryRoute, seconds: float, path: Path) -> tuple[int, float]:
    """Return the number of pairs that SeQUeNCe delivers over a route in a time, and their mean fidelity."""
    from sequence.app.request_app import RequestApp
    from sequence.entanglement_management.generation import EntanglementGenerationA, EntanglementGenerationB
    from sequence.topology.router_net_topo import RouterNetTopo

    fidelities: list[float] = []

    class Counting(RequestApp):
        def get_memory(self, info: Any) -> None:
            counted, fidelity = self.memory_counter, info.fidelity
            super().get_memory(info)
            if self.memory_counter > counted:
                fidelities.append(fidelity)

    configuration = sequence_configuration([route], stop_time_s=seconds + 0.1)
    path.write_text(json.dumps(configuration), encoding="utf-8")
    for role in (EntanglementGenerationA, EntanglementGenerationB):
        role.set_global_type(configuration["planner"]["protocol"])
    topology = RouterNetTopo(str(path))
    apps = {router.name: Counting(router) for router in topology.get_nodes_by_type("QuantumRouter")}
    timeline = topology.get_timeline()
    timeline.init()
    (planned,) = configuration["planner"]["routes"]
    start_ps = round(0.05e12)
    end_ps = start_ps + round(seconds * 1e12)
    apps[planned["from"]].start(planned["to"], start_ps, end_ps, planned["memories"], 0.01)
    timeline.run()
    return len(fidelities), statistics.mean(fidelities)
