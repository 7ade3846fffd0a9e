"""Costs against sums worked out by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cases import Case, failing
from planner.network import with_digest
from planner.verify import verify_plan
from planner.verify.facts import collect_facts
from planner.verify.sums import Sum
from plans import LINE, city_plan, line_plan, make_plan, make_route, walk
from worlds import demand, make_world, phases


def sums_of(case: Any) -> dict[tuple[str, str], Sum]:
    return dict(collect_facts(case.world.network, case.world.scenario, case.plan).sums)


def test_a_trench_by_hand(tmp_path: Path) -> None:
    planned = line_plan(tmp_path)
    metres = 1000.0 * float(planned.world.network.spans.length_km.sum())
    years = sum(1.05**-year for year in range(15))
    line = sums_of(planned)["p1", "trenching"]
    assert line.capex == pytest.approx(60.0 * metres)
    assert line.opex_per_year == pytest.approx(0.025 * 60.0 * metres)
    assert line.present_cost == pytest.approx(60.0 * metres * (1.0 + 0.025 * years))


def test_learning_and_discounting_in_a_later_phase(tmp_path: Path) -> None:
    later = phases(None, None)
    later[1]["world_units_ratio"] = 4.0
    world = make_world(tmp_path, LINE, [demand("A", "B", from_phase="p2")], phases=later)
    way = make_route(world, "A-B", "pairs", walk(world, "A", "s", "B"), [("A", "end", 0), ("s", "pair_source", 1)])
    plan = make_plan(world, {("A-B", "p2"): [way]})
    hut = collect_facts(world.network, world.scenario, plan).sums["p2", "huts"]
    assert hut.capex == pytest.approx(120_000.0 * 0.7225)
    years = sum(1.05**-year for year in range(3, 15))
    assert hut.present_cost == pytest.approx(hut.capex * (1.05**-3 + 0.1 * years))


def test_leases_last_as_long_as_their_phase(tmp_path: Path) -> None:
    world = make_world(tmp_path, "A~~~s~~~B", [demand("A", "B")], phases=phases(None, None))
    way = make_route(world, "A-B", "pairs", walk(world, "A", "s", "B"), [("A", "end", 0), ("s", "pair_source", 1)])
    plan = make_plan(world, {("A-B", "p1"): [way], ("A-B", "p2"): [way]})
    sums = collect_facts(world.network, world.scenario, plan).sums
    yearly = 2 * 720.0 * float(world.network.spans.length_km.sum())
    first, second = sums["p1", "dark fiber lease"], sums["p2", "dark fiber lease"]
    assert (first.capex, first.opex_per_year) == (0.0, pytest.approx(yearly))
    assert first.present_cost == pytest.approx(yearly * sum(1.05**-year for year in range(3)))
    assert second.present_cost == pytest.approx(yearly * sum(1.05**-year for year in range(3, 15)))


def test_the_sums_are_those_of_the_plan(tmp_path: Path) -> None:
    planned = city_plan(tmp_path)
    sums = sums_of(planned)
    assert set(sums) == {(line.phase, line.category) for line in planned.plan.costs}
    assert sum(line.present_cost for line in sums.values()) == pytest.approx(planned.plan.outcome.cost, rel=1e-12)


def with_own_rent(folder: Path, stated: float | None, used: float) -> tuple[Case, tuple[str, ...]]:
    """Return a case whose duct layer states a rent (or none) and whose network uses one, and the verdict's notes."""
    ducts = {"properties": {"id": "d", "rent_per_m_year": stated}, "geometry": None}
    line = {"type": "LineString", "coordinates": [[5.5, 50.6], [5.51, 50.6]]}
    (folder / "ducts.geojson").write_text(json.dumps({"features": [{**ducts, "geometry": line}]}), encoding="utf-8")
    layers = {"streets": {"path": "streets.geojson"}, "ducts": [{"path": "ducts.geojson"}]}
    world = make_world(folder, "A===s===B", [demand("A", "B")], layers=layers)
    world.network.spans.rent_per_year[:] = used * 1000.0 * world.network.spans.length_km
    object.__setattr__(world, "network", with_digest(world.network))
    way = make_route(world, "A-B", "pairs", walk(world, "A", "s", "B"), [("A", "end", 0), ("s", "pair_source", 1)])
    plan = make_plan(world, {("A-B", "p1"): [way]})
    case = Case(network=world.network, scenario=world.scenario, plan=plan)
    return case, verify_plan(case.network, case.scenario, case.plan).notes


def test_rents_of_the_layer_are_taken_and_told(tmp_path: Path) -> None:
    case, notes = with_own_rent(tmp_path, 0.7, 0.7)
    assert failing(case) == set()
    assert any("rent or lease of their own" in note and "s00, s01" in note for note in notes)


@pytest.mark.parametrize("stated", [None, 0.9])
def test_rents_that_no_layer_states_are_wrong(tmp_path: Path, stated: float | None) -> None:
    case, notes = with_own_rent(tmp_path, stated, 0.7)
    assert failing(case) == {"prices_are_right", "cost_is_right"}
    assert not any("of their own" in note for note in notes)
