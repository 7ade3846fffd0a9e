"""Fiber on lease that others light: measured losses and Raman noise from the layer to the verdict."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from geodata.maps import at, duct, line, make_scenario, site
from planner.design import design_plan
from planner.geodata import build_network
from planner.network import Network, load_network, network_to_geojson
from planner.plan import Plan
from planner.scenario import Scenario
from planner.units import milliwatt
from planner.verdict import Verdict
from planner.verify import verify_plan
from worlds import HARDWARE, demand

STREETS = [
    line([at(0, 0), at(3000, 0)], id="direct"),
    line([at(0, 0), at(0, 900), at(3000, 900), at(3000, 0)], id="round"),
]
ENDS = [
    site("A", 0, 0, hosts=["end", "pair_source", "heralding"]),
    site("B", 3000, 0, hosts=["end", "pair_source", "heralding"]),
]
LIT = {"classical_launch_dbm": 3.0, "classical_channels": 10}
FIBERS = HARDWARE["fibers"] | {
    "o-band": HARDWARE["fibers"]["fiber"]
    | {"wavelength_nm": 1310.0, "attenuation_db_per_km": 0.33, "dispersion_ps_per_nm_km": 2.0}
}


def planned(folder: Path, direct: dict[str, Any], **changes: Any) -> tuple[Scenario, Network, Plan, Verdict]:
    """Plan two routes at hand: a short lease and a longer one, both far cheaper than digging."""
    ducts = [
        duct("direct", (0, 0), (3000, 0), access="lease", **direct),
        line([at(0, 0), at(0, 900), at(3000, 900), at(3000, 0)], id="round", access="lease"),
    ]
    values = {"demands": [demand("A", "B", min_rate_hz=1000.0, min_fidelity=0.95)]} | changes
    scenario = make_scenario(folder, STREETS, ducts=ducts, sites=ENDS, hardware=HARDWARE | {"fibers": FIBERS}, **values)
    network = build_network(scenario)
    plan = design_plan(network, scenario)
    return scenario, network, plan, verify_plan(network, scenario, plan)


def leased(plan: Plan) -> tuple[str, ...]:
    return plan.services[0].routes[0].spans


def test_dark_fiber_is_quiet(tmp_path: Path) -> None:
    *_, plan, verdict = planned(tmp_path, {})
    assert leased(plan) == ("direct/lease",)
    assert verdict.passed


def test_c_band_beside_c_band_goes_elsewhere(tmp_path: Path) -> None:
    _, network, plan, verdict = planned(tmp_path, LIT)
    assert leased(plan) == ("round/lease",)
    assert verdict.passed
    assert "1 duct with classical traffic in the fiber on offer" in network.notes


def test_o_band_stays_possible(tmp_path: Path) -> None:
    _, _, plan, verdict = planned(tmp_path, LIT, fiber="o-band")
    _, _, quiet, _ = planned(tmp_path, {}, fiber="o-band")
    assert leased(plan) == ("direct/lease",)
    assert verdict.passed
    noisy, dark = plan.services[0].routes[0], quiet.services[0].routes[0]
    assert 0.97 < noisy.fidelity < dark.fidelity


def test_faint_light_costs_fidelity_only(tmp_path: Path) -> None:
    _, _, plan, verdict = planned(tmp_path, {"classical_launch_dbm": -50.0})
    _, _, quiet, _ = planned(tmp_path, {})
    assert leased(plan) == ("direct/lease",)
    assert verdict.passed
    assert plan.services[0].routes[0].fidelity < quiet.services[0].routes[0].fidelity


@pytest.mark.parametrize("direction", ["forward", "backward", "both"])
def test_direction_and_channels_reach_the_network(tmp_path: Path, direction: str) -> None:
    _, network, _, verdict = planned(tmp_path, {**LIT, "classical_nm": 1530.0, "classical_direction": direction})
    at_span = network.span_index()["direct/lease"]
    launch_mw = 10.0 * milliwatt(3.0)
    found = (network.spans.classical_forward_mw[at_span], network.spans.classical_backward_mw[at_span])
    assert found == pytest.approx(
        tuple(launch_mw if direction in (way, "both") else 0.0 for way in ("forward", "backward"))
    )
    assert network.spans.classical_nm[at_span] == 1530.0
    assert verdict.passed


def test_a_measured_loss_overrides_the_model(tmp_path: Path) -> None:
    _, network, plan, verdict = planned(tmp_path, {"measured_loss_db": 7.25})
    at_span = network.span_index()["direct/lease"]
    assert network.spans.loss_db[at_span] == 7.25
    assert np.flatnonzero(network.spans.is_measured).tolist() == [at_span]
    assert "1 duct with a measured loss, which overrides the model" in network.notes
    assert leased(plan) == ("direct/lease",)
    assert plan.services[0].routes[0].loss_db >= 7.25
    assert verdict.passed


def test_cable_of_our_own_is_new_and_dark(tmp_path: Path) -> None:
    both = duct("d", (0, 0), (3000, 0), access="both", measured_loss_db=9.0, **LIT)
    network = build_network(make_scenario(tmp_path, STREETS, ducts=[both], sites=ENDS))
    index, spans = network.span_index(), network.spans
    assert spans.loss_db[index["d/lease"]] == 9.0
    assert spans.loss_db[index["d/pull"]] < 2.0
    assert (spans.classical_nm > 0.0).tolist() == [name == "d/lease" for name in spans.ids]


def test_light_survives_the_file(tmp_path: Path) -> None:
    _, network, _, _ = planned(tmp_path, {**LIT, "measured_loss_db": 7.25})
    path = tmp_path / "network.geojson"
    path.write_text("".join(network_to_geojson(network)), encoding="utf-8")
    again = load_network(path)
    for name in ("is_measured", "classical_forward_mw", "classical_backward_mw", "classical_nm"):
        assert getattr(again.spans, name).tolist() == getattr(network.spans, name).tolist()


@pytest.mark.parametrize(
    "wrong",
    [{"measured_loss_db": -1.0}, {"classical_launch_dbm": 99.0}, {"classical_direction": "up"}, {"classical_nm": 15.5}],
)
def test_wrong_columns_are_refused(tmp_path: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=rf"ducts.geojson.*{next(iter(wrong))}"):
        planned(tmp_path, wrong)
