"""Links end only at devices that they fit: wavelength, encoding and protocol, or a converter between."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from planner.design import design_plan
from planner.errors import InfeasibleError, InputError, SolverError
from planner.scenario.spec import Interface
from planner.verify import verify_plan
from worlds import CHAIN, HARDWARE, PAIRS, World, hop, make_world, stored

CONVERTER = {
    "label": "converter",
    "source": "invented for tests",
    "from_nm": 737.0,
    "to_nm": 1550.0,
    "efficiency": 0.8,
    "noise_hz_per_nm": 10.0,
}


def with_interface(world: World, site_id: str, **stated: Any) -> World:
    """Return the world with a device that already stands at a site."""
    stands = Interface(**stated)
    sites = tuple(
        site.model_copy(update={"interface": stands}) if site.id == site_id else site for site in world.scenario.sites
    )
    return World(scenario=replace(world.scenario, sites=sites), network=world.network)


@pytest.mark.parametrize(
    "stated",
    [{"photon_nm": 737.0}, {"link_models": ("single_click",)}],
    ids=["wavelength", "protocol"],
)
def test_a_device_that_does_not_fit_cannot_be_an_end(tmp_path: Path, stated: dict[str, Any]) -> None:
    plain = make_world(tmp_path, "A---B", [stored("A", "B")])
    plan = design_plan(plain.network, plain.scenario)
    world = with_interface(plain, "B", **stated)
    with pytest.raises((InfeasibleError, SolverError)):
        design_plan(world.network, world.scenario)
    failed = verify_plan(world.network, world.scenario, plan).failed_checks
    assert {check.name for check in failed} == {"technology_is_allowed"}
    assert "the device at B does not connect" in failed[0].actual


def test_a_converter_stands_between(tmp_path: Path) -> None:
    converting = CHAIN | {"converter": "to-telecom"}
    plain = make_world(
        tmp_path,
        "A---B",
        [stored("A", "B")],
        hardware={"converters": {"to-telecom": CONVERTER}},
        technologies=[PAIRS, converting],
    )
    world = with_interface(with_interface(plain, "A", photon_nm=737.0), "B", photon_nm=737.0)
    plan = design_plan(world.network, world.scenario)
    assert verify_plan(world.network, world.scenario, plan).passed


def test_parts_that_do_not_connect_are_refused_where_they_are_named(tmp_path: Path) -> None:
    memories = {"memory": HARDWARE["memories"]["memory"] | {"photon_nm": 737.0}}
    with pytest.raises(
        InputError, match=r"scenario.yaml:\d+:\d+: technologies\[1\]: its parts do not connect.*converter"
    ):
        make_world(tmp_path, "A---B", [stored("A", "B")], hardware={"memories": memories})


def test_a_terminal_for_other_light_is_refused(tmp_path: Path) -> None:
    terminals = {"rooftop": HARDWARE["free_space_terminals"]["rooftop"] | {"wavelength_nm": 850.0}}

    with pytest.raises(InputError, match="does not fit fiber at 1550 nm"):
        make_world(
            tmp_path, "A---B", [stored("A", "B")], hops=[hop("A", "B")], hardware={"free_space_terminals": terminals}
        )
