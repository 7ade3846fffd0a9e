"""Every constraint family: the rows that it writes, and a world where leaving it out changes the answer.

The rows are compared with files in `lp/`. After a wanted change, write them anew from the project's folder, and read
the difference: `PYTHONPATH=.:tests python -m design.test_constraints`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import pulp
import pytest

from design.inprocess import EXACT
from design.instances import Builder
from planner.design import selection
from planner.design.constraints import CONSTRAINTS, station_has_units
from planner.design.instance import Instance
from planner.design.line_program import LINE_CONSTRAINTS
from planner.design.objective import net_present_cost, unserved_weight
from planner.design.selection import build_program, choose
from planner.design.solvers import solve
from planner.design.variables import add_variables

FOLDER = Path(__file__).with_name("lp")
FAMILIES = {family.__name__: family for family in CONSTRAINTS}


def sample() -> Instance:
    """Return an instance in which every family has rows: two phases, a demand for two routes and one for one route."""
    world = Builder(phases=2, budgets=(40.0, None), serve_all=True)
    north, south = world.block((10.0, 9.0), max_fibers=2), world.block((8.0, 7.0), max_fibers=4, closed=(0, 1))
    pair = world.demand(routes=2, shared_blocks=frozenset({south}))
    single = world.demand(first_phase=1, weight=2.0)
    hut = world.site((5.0, 4.0))
    detectors = world.item((6.0, 5.0), serves=4, owned=1)
    source = world.item((3.0, 2.0))
    world.room({detectors: 2.5, source: 1.0}, 12.0)
    world.rebate((source,), beyond=1, share=0.2, most=3)
    world.route(pair, blocks={north: 1}, needs={detectors: 3}, fibers=2)
    world.route(pair, blocks={south: 2}, sites=(hut,), needs={detectors: 3, source: 1}, fibers=2, is_lower=True)
    world.route(pair, blocks={north: 1, south: 1}, needs={source: 2}, phases=(1,), lease=(0.0, 0.5))
    world.route(single, blocks={north: 1}, needs={detectors: 5})
    return world.instance()


def unforced() -> Instance:
    """Return the sample with the choice of whom to serve: the only case in which `service_continues` has rows."""
    world = Builder(phases=2, serve_all=False)
    early, late = world.demand(), world.demand(first_phase=1)
    block = world.block(1.0)
    world.route(early, blocks={block: 1})
    world.route(late, blocks={block: 1})
    return world.instance()


def ringed() -> Instance:
    """Return a ring of two links, which may go unserved, and a demand beside it."""
    world = Builder(phases=2, serve_all=False)
    links = [world.demand(ring="core"), world.demand(ring="core")]
    north, south = world.block(3.0), world.block(4.0)
    world.route(links[0], blocks={north: 1})
    world.route(links[0], blocks={south: 1})
    world.route(links[1], blocks={north: 1}, phases=(1,))
    world.route(world.demand(), blocks={north: 1})
    return world.instance()


def rows_as_text(name: str) -> str:
    """Return the rows of one family alone, as PuLP writes them."""
    special = {"service_continues": unforced, "ring_is_whole": ringed}
    special |= {"all_is_built_at_first": hurried_world, "forced_is_there": forced_world}
    instance = special.get(name, sample)()
    problem = pulp.LpProblem(name, pulp.LpMinimize)
    x = add_variables(problem, instance)
    for key, row in FAMILIES[name](instance, x):
        problem += row, f"{name}_{'_'.join(str(part) for part in key)}"
    problem += pulp.lpSum(())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.lp"
        problem.writeLP(str(path))
        return path.read_text(encoding="utf-8")


def write_rows() -> None:
    """Write the files with the rows of every family."""
    FOLDER.mkdir(exist_ok=True)
    for name in FAMILIES:
        (FOLDER / f"{name}.lp").write_text(rows_as_text(name), encoding="utf-8")


@pytest.mark.parametrize("name", FAMILIES)
def test_the_rows_are_those_on_file(name: str) -> None:
    text = rows_as_text(name)
    assert f"{name}_" in text
    assert text == (FOLDER / f"{name}.lp").read_text(encoding="utf-8")


def test_no_file_is_left_over() -> None:
    lines = {family.__name__ for family in LINE_CONSTRAINTS}
    assert {path.stem for path in FOLDER.iterdir()} == set(FAMILIES) | lines


def idle_world() -> Instance:
    """Return a world in which doing nothing is cheapest."""
    world = Builder(phases=1)
    world.route(world.demand(), blocks={world.block(10.0): 1})
    return world.instance()


def humble_world() -> Instance:
    """Return a world whose two cheapest routes both meet no more than the target of a backup."""
    world = Builder(phases=1)
    pair = world.demand(routes=2)
    for price, is_lower in ((1.0, True), (2.0, True), (5.0, False)):
        world.route(pair, blocks={world.block(price): 1}, is_lower=is_lower)
    return world.instance()


def fickle_world() -> Instance:
    """Return a world where one fiber serves a demand now or a weightier one later, but not one after the other."""
    world = Builder(phases=2, serve_all=False)
    now, later = world.demand(weight=1.0), world.demand(first_phase=1, weight=3.0)
    fiber = world.block(10.0, max_fibers=1)
    world.route(now, blocks={fiber: 1})
    world.route(later, blocks={fiber: 1})
    return world.instance()


def risky_world() -> Instance:
    """Return a world whose two cheapest routes would fail together."""
    world = Builder(phases=1)
    pair = world.demand(routes=2)
    for price, risk in ((1.0, 7), (2.0, 7), (5.0, 8)):
        world.route(pair, blocks={world.block(price): 1}, conflicts=(risk,))
    return world.instance()


def half_a_ring() -> Instance:
    """Return a world in which only one of two links of a ring can be served."""
    world = Builder(phases=1, serve_all=False)
    shared = world.block(1.0)
    for _ in range(2):
        world.route(world.demand(ring="core"), blocks={shared: 1})
    return world.instance()


def crowded_world() -> Instance:
    """Return a world with two demands, and a cheap duct and a dear street with room for one of them each."""
    world = Builder(phases=1)
    duct, street = world.block(1.0, max_fibers=1), world.block(9.0, max_fibers=1)
    for _ in range(2):
        demand = world.demand()
        world.route(demand, blocks={duct: 1})
        world.route(demand, blocks={street: 1})
    return world.instance()


def station_world() -> Instance:
    """Return a world in which a route needs a site."""
    world = Builder(phases=1)
    world.route(world.demand(), sites=(world.site(4.0),))
    return world.instance()


def shared_equipment_world() -> Instance:
    """Return a world in which two routes need three quarters of a unit each: two units together."""
    world = Builder(phases=1)
    detectors = world.item(6.0, serves=4)
    for _ in range(2):
        world.route(world.demand(), needs={detectors: 3})
    return world.instance()


def narrow_world() -> Instance:
    """Return a world in which the cheap site has room for one of two routes."""
    world = Builder(phases=1)
    here, there = world.item(1.0), world.item(4.0)
    world.room({here: 2.0}, 3.0)
    for _ in range(2):
        demand = world.demand()
        world.route(demand, needs={here: 1})
        world.route(demand, needs={there: 1})
    return world.instance()


def resurfaced_world() -> Instance:
    """Return a world in which the cheap street may not be opened when the demand begins."""
    world = Builder(phases=2)
    demand = world.demand()
    world.route(demand, blocks={world.block(5.0, closed=(0,)): 1})
    world.route(demand, blocks={world.block(9.0): 1})
    return world.instance()


def refund_world() -> Instance:
    """Return a world in which giving a street back, and digging another, would pay."""
    world = Builder(phases=2)
    demand = world.demand()
    first, second = world.block((10.0, 9.0)), world.block((12.0, 1.0))
    world.route(demand, blocks={first: 1})
    world.route(demand, blocks={second: 1})
    return world.instance()


def poor_world() -> Instance:
    """Return a world in which waiting with the dear street is cheaper, but breaks the second budget."""
    world = Builder(phases=2, budgets=(30.0, 10.0))
    world.route(world.demand(), blocks={world.block(10.0): 1})
    world.route(world.demand(first_phase=1), blocks={world.block((15.0, 12.0)): 1})
    return world.instance()


def greedy_world() -> Instance:
    """Return a world whose units are cheaper from the third on, of which nobody needs three."""
    world = Builder(phases=1)
    here, there = world.item(5.0), world.item(5.0)
    world.rebate((here, there), beyond=2, share=0.5, most=4)
    world.route(world.demand(), needs={here: 1})
    world.route(world.demand(), needs={there: 1})
    return world.instance()


def forced_world() -> Instance:
    """Return a world in which a street, a hut and a spare unit are forced that nobody needs."""
    world = Builder(phases=2)
    world.route(world.demand(), blocks={world.block(3.0): 1}, needs={world.item((4.0, 2.0), due=(1, 2)): 1})
    world.block((8.0, 6.0), due=1)
    world.site((5.0, 4.0), due=0)
    return world.instance()


def hurried_world() -> Instance:
    """Return a world in which all is built at first, though waiting would be cheaper."""
    world = Builder(phases=2, at_first=True)
    world.route(world.demand(first_phase=1), blocks={world.block((10.0, 6.0)): 1})
    return world.instance()


WORLDS: dict[str, tuple[Callable[[], Instance], tuple[float, float], tuple[float, float]]] = {
    "demand_is_served": (idle_world, (1.0, 10.0), (0.0, 0.0)),
    "one_route_meets_full_target": (humble_world, (1.0, 6.0), (1.0, 3.0)),
    "service_continues": (fickle_world, (3.0, 10.0), (4.0, 10.0)),
    "routes_share_no_risk": (risky_world, (1.0, 6.0), (1.0, 3.0)),
    "ring_is_whole": (half_a_ring, (0.0, 0.0), (1.0, 1.0)),
    "span_is_built": (idle_world, (1.0, 10.0), (1.0, 0.0)),
    "span_is_open": (resurfaced_world, (2.0, 9.0), (2.0, 5.0)),
    "fibers_suffice": (crowded_world, (2.0, 10.0), (2.0, 1.0)),
    "site_is_open": (station_world, (1.0, 4.0), (1.0, 0.0)),
    "equipment_suffices": (shared_equipment_world, (2.0, 12.0), (2.0, 6.0)),
    "rebate_is_earned": (greedy_world, (2.0, 10.0), (2.0, 0.0)),
    "site_has_room": (narrow_world, (2.0, 5.0), (2.0, 2.0)),
    "built_stays_built": (refund_world, (2.0, 10.0), (2.0, 2.0)),
    "forced_is_there": (forced_world, (2.0, 20.0), (2.0, 7.0)),
    "all_is_built_at_first": (hurried_world, (1.0, 10.0), (1.0, 6.0)),
    "budget_holds": (poor_world, (3.0, 25.0), (3.0, 22.0)),
}
"""Family -> world, weight served and cost with it, and the same without it."""


def without(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Leave a family out."""
    monkeypatch.setattr(selection, "CONSTRAINTS", tuple(f for f in CONSTRAINTS if f.__name__ != name))


def optimum(instance: Instance) -> tuple[float, float]:
    """Return weight served and cost at the optimum; without some families its values make no plan to read back."""
    problem, x = build_program(instance)
    cost = net_present_cost(instance, x)
    problem += cost if instance.serve_all else 1000.0 * unserved_weight(instance, x) + cost
    solution = solve(problem, EXACT)
    assert solution.ending == "optimal"
    weight = sum(instance.demands[d].weight for (d, _), served in x.served.items() if solution.is_one(served))
    return weight, solution.objective + (0.0 if instance.serve_all else 1000.0 * weight)


def test_every_family_has_a_world() -> None:
    assert set(WORLDS) | {station_has_units.__name__} == set(FAMILIES)


@pytest.mark.usefixtures("inprocess")
@pytest.mark.parametrize("name", WORLDS)
def test_leaving_a_family_out_changes_the_optimum(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    make, with_family, without_family = WORLDS[name]
    assert optimum(make()) == pytest.approx(with_family)
    without(monkeypatch, name)
    assert optimum(make()) == pytest.approx(without_family)


def relaxed_cost(instance: Instance) -> float:
    """Return the least cost when parts of routes and units may be chosen."""
    problem, x = build_program(instance)
    problem += net_present_cost(instance, x)
    for variable in problem.variables():
        variable.cat = pulp.LpContinuous
    assert problem.solve(pulp.HiGHS(msg=False)) == pulp.LpStatusOptimal
    return float(pulp.value(problem.objective))


@pytest.mark.usefixtures("inprocess")
def test_links_of_a_ring_share_no_risk(monkeypatch: pytest.MonkeyPatch) -> None:
    world = Builder(phases=1)
    cheap, dear = world.block(1.0), world.block(5.0)
    for link in (world.demand(ring="core"), world.demand(ring="core")):
        world.route(link, blocks={cheap: 1})
        world.route(link, blocks={dear: 1})
    assert optimum(world.instance()) == pytest.approx((2.0, 6.0))
    without(monkeypatch, "routes_share_no_risk")
    assert optimum(world.instance()) == pytest.approx((2.0, 1.0))


@pytest.mark.usefixtures("inprocess")
def test_a_block_that_may_be_shared_is_paid_once_and_must_be_built() -> None:
    world = Builder(phases=1)
    bridge = world.block(10.0)
    pair = world.demand(routes=2, shared_blocks=frozenset({bridge}))
    for price in (1.0, 2.0):
        world.route(pair, blocks={bridge: 1, world.block(price): 1})
    assert optimum(world.instance()) == pytest.approx((1.0, 13.0))


@pytest.mark.usefixtures("inprocess")
def test_whole_units_for_a_station_tighten_the_relaxation_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    world = Builder(phases=1)
    world.route(world.demand(), needs={world.item(6.0, serves=4): 3})
    instance = world.instance()
    assert relaxed_cost(instance) == pytest.approx(6.0)
    assert choose(instance, EXACT).cost == pytest.approx(6.0)
    without(monkeypatch, station_has_units.__name__)
    assert relaxed_cost(instance) == pytest.approx(4.5)
    assert choose(instance, EXACT).cost == pytest.approx(6.0)


if __name__ == "__main__":
    write_rows()
