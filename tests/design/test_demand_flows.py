"""Flows of single demands in the bound: against a linear program written out, against all simple routes, by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.optimize import linprog

from design.drawn import Everything
from design.judged import best_of_simple_routes, world_of
from planner.design.bounds import lower_bound
from planner.design.demand_flows import DemandFlow, DemandFlows
from planner.design.distances import Distances
from planner.design.graph import design_graph
from planner.design.instance import MONEY
from planner.design.loss_limits import max_walk_loss_db
from planner.design.orientation import OrientationProblem, bound_orientation
from planner.design.stations import reach
from worlds import World, demand, make_world, phases

pytestmark = pytest.mark.usefixtures("inprocess")

SAFE = 1.0 + 1e-9
PLENTY = 1_000_000


def random_program(seed: int) -> tuple[OrientationProblem, DemandFlows]:
    """Return a small two-connected street graph with leases, few fibers, alternatives in streets and loss limits."""
    rng = np.random.default_rng(seed)
    nodes, layers = int(rng.integers(5, 9)), int(rng.integers(1, 4))
    pairs = [(i, (i + 1) % nodes) for i in range(nodes)]
    pairs += [tuple(sorted(rng.permutation(nodes)[:2].tolist())) for _ in range(nodes)]
    pairs += pairs[:3]
    count = len(pairs)
    street = np.full(count, -1)
    street[:3] = street[-3:] = np.arange(3)
    prices = np.minimum.accumulate(rng.uniform(10.0, 100.0, (layers, count)), axis=0)
    prices[:, -3:] *= 0.1
    asked = []
    for _ in range(int(rng.integers(2, 5))):
        a, b = rng.permutation(nodes)[:2].tolist()
        asked.append((a, b, int(rng.integers(1, 3)), int(rng.integers(layers))))
    asked[0] = (*asked[0][:3], 0)
    flows = DemandFlows(
        demands=tuple(
            DemandFlow(source=a, target=b, phase=phase, units=routes, weight=1.0, fibers=2, **_limits(rng, routes))
            for a, b, routes, phase in asked
        ),
        lease_per_fiber_year=np.where(rng.random(count) < 0.3, rng.uniform(1.0, 5.0, count), 0.0),
        loss_db=rng.uniform(0.1, 1.0, count),
        max_fibers=np.where(rng.random(count) < 0.3, 4, PLENTY),
        street=street,
        years=rng.uniform(1.0, 5.0, layers),
    )
    start, end = (np.array(column) for column in zip(*pairs, strict=True))
    problem = OrientationProblem(nodes=nodes, start=start, end=end, prices=prices, demands=tuple(asked))
    return problem, flows


def _limits(rng: np.random.Generator, routes: int) -> dict[str, float]:
    return {"max_loss_db": float(rng.uniform(1.5, 3.0)) * routes} if rng.random() < 0.5 else {}


class WrittenOut:
    """The same linear program, variable by variable."""

    def __init__(self, problem: OrientationProblem, flows: DemandFlows) -> None:
        """Collect columns and rows."""
        self.costs: list[float] = []
        self.most: list[float] = []
        self.below: list[tuple[dict[int, float], float]] = []
        self.equal: list[tuple[dict[int, float], float]] = []
        self.problem = problem
        plain = bound_orientation(problem, max_steps=0)
        self.commodities = plain.state.commodities
        self.layers = [[self._arc() for _ in problem.start] for _ in self.commodities.phases]
        self._prices()
        for layer in range(self.commodities.layers):
            for commodity in range(self.commodities.first[layer], self.commodities.first[layer + 1]):
                self._commodity(layer, commodity)
        self._demands(flows)

    def _variable(self, cost: float = 0.0, most: float = 1.0) -> int:
        self.costs.append(cost)
        self.most.append(most)
        return len(self.costs) - 1

    def _arc(self) -> tuple[int, int]:
        return self._variable(), self._variable()

    def _prices(self) -> None:
        firsts = self.commodities.phases
        for edge in range(len(self.problem.start)):
            for layer, first in enumerate(firsts.tolist()):
                price = float(self.problem.prices[: first + 1, edge].min())
                later = firsts[layer + 1 : layer + 2].tolist()
                price -= float(self.problem.prices[: later[0] + 1, edge].min()) if later else 0.0
                pair = self.layers[layer][edge]
                for way in pair:
                    self.costs[way] += price
                self.below.append((dict.fromkeys(pair, 1.0), 1.0))
                if later:
                    row = dict.fromkeys(pair, 1.0) | dict.fromkeys(self.layers[layer + 1][edge], -1.0)
                    self.below.append((row, 0.0))

    def _conserve(self, arcs: list[tuple[int, int]], source: int, target: int, units: float) -> None:
        for node in range(self.problem.nodes):
            row: dict[int, float] = {}
            for (ahead, back), u, v in zip(arcs, self.problem.start, self.problem.end, strict=True):
                sign = float(u == node) - float(v == node)
                row |= {ahead: sign, back: -sign} if sign else {}
            self.equal.append((row, units * (float(node == source) - float(node == target))))

    def _commodity(self, layer: int, commodity: int) -> None:
        arcs = [self._arc() for _ in self.problem.start]
        for arc, usage in zip(arcs, self.layers[layer], strict=True):
            self.below += [({flow: 1.0, way: -1.0}, 0.0) for flow, way in zip(arc, usage, strict=True)]
        self._conserve(arcs, int(self.commodities.sources[commodity]), int(self.commodities.targets[commodity]), 1.0)

    def _network(self, edge: int, years: np.ndarray[Any, Any], first: int) -> dict[int, float]:
        """Return minus the average usage of an edge from a phase on."""
        row: dict[int, float] = {}
        for phase in range(first, len(years)):
            layer = int(np.searchsorted(self.commodities.phases, phase, side="right")) - 1
            for way in self.layers[layer][edge]:
                row[way] = row.get(way, 0.0) - float(years[phase] / years[first:].sum())
        return row

    def _demands(self, flows: DemandFlows) -> None:
        taken: list[dict[int, float]] = [{} for _ in self.problem.start]
        earliest = min(item.phase for item in flows.demands)
        whole = flows.years[earliest:].sum()
        for item in flows.demands:
            left = float(flows.years[item.phase :].sum())
            arcs = [
                (self._variable(cost, 2.0), self._variable(cost, 2.0))
                for cost in (item.weight * item.fibers * left * flows.lease_per_fiber_year).tolist()
            ]
            self._conserve(arcs, item.source, item.target, float(item.units))
            for edge, arc in enumerate(arcs):
                self.below.append((dict.fromkeys(arc, 1.0) | self._network(edge, flows.years, item.phase), 0.0))
                taken[edge] |= dict.fromkeys(arc, item.weight * item.fibers * left / whole)
            if np.isfinite(item.max_loss_db):
                losses = {way: float(loss) for arc, loss in zip(arcs, flows.loss_db, strict=True) for way in arc}
                self.below.append((losses, item.max_loss_db))
            for street in range(int(flows.street.max()) + 1 if item.units > 1 else 0):
                ways = [way for edge in np.flatnonzero(flows.street == street) for way in arcs[edge]]
                self.below.append((dict.fromkeys(ways, 1.0), 1.0))
        for edge, row in enumerate(taken):
            room = float(flows.max_fibers[edge])
            usage = {way: room * part for way, part in self._network(edge, flows.years, earliest).items()}
            self.below.append((row | usage, 0.0))

    def optimum(self) -> float:
        """Return the optimum, infinite where there is none."""
        solution = linprog(
            self.costs,
            A_ub=self._matrix(self.below),
            b_ub=[right for _, right in self.below],
            A_eq=self._matrix(self.equal),
            b_eq=[right for _, right in self.equal],
            bounds=[(0.0, most) for most in self.most],
        )
        return float(solution.fun) if solution.success else np.inf

    def _matrix(self, rows: list[tuple[dict[int, float], float]]) -> np.ndarray[Any, Any]:
        matrix = np.zeros((len(rows), len(self.costs)))
        for at, (row, _) in enumerate(rows):
            matrix[at, list(row)] = list(row.values())
        return matrix


def test_the_bound_nears_the_linear_program_written_out_and_never_exceeds_it() -> None:
    solved = 0
    for seed in range(24):
        problem, flows = random_program(seed)
        optimum = WrittenOut(problem, flows).optimum()
        found = bound_orientation(problem, max_steps=6_000, flows=flows)
        assert found.value <= optimum * SAFE, f"seed {seed}"
        if np.isfinite(optimum):
            solved += 1
            assert found.value >= 0.995 * optimum, f"seed {seed}"
    assert solved >= 12


def test_no_route_loses_more_than_its_limit() -> None:
    candidates = 0
    for seed in range(40):
        world = world_of(seed, tight=seed % 2 == 0)
        graph = design_graph(world.network)
        distances = Distances(world.network, world.scenario, graph)
        everything = Everything(network=world.network, scenario=world.scenario)
        for wanted in world.scenario.demands:
            reached = reach(distances, world.scenario, wanted)
            limit_db = max_walk_loss_db(world.network, world.scenario, distances, wanted, reached)
            for candidate in everything.candidates(wanted):
                candidates += 1
                assert graph.span_loss_db[list(candidate.passes)].sum() <= limit_db, f"seed {seed}"
    assert candidates >= 100


def optimum_of(world: World) -> float:
    choice = best_of_simple_routes(world)
    assert choice is not None
    return MONEY * choice.cost


def test_every_route_pays_its_own_lease(tmp_path: Path) -> None:
    wanted = [demand("A", "B", id="d1"), demand("A", "B", id="d2", from_phase="p2")]
    world = make_world(tmp_path, "A~~B", wanted, phases=phases(None, None))
    assert lower_bound(world.network, world.scenario).value == pytest.approx(optimum_of(world), rel=1e-3)


LOOP = "A---B\n!   !\n+~~~+"


def test_a_loss_limit_keeps_routes_off_the_cheap_way(tmp_path: Path) -> None:
    """Leased fibers are cheap, and the way is twice as long: only where the rate may be low do they serve."""
    costs = []
    for min_rate_hz in (1.0, 20_000.0):
        world = make_world(tmp_path, LOOP, [demand("A", "B", min_rate_hz=min_rate_hz)], cell_km=10.0)
        costs.append(optimum_of(world))
        assert lower_bound(world.network, world.scenario).value == pytest.approx(costs[-1], rel=1e-3)
    assert costs[1] > 1.3 * costs[0]


def test_few_fibers_send_the_rest_elsewhere(tmp_path: Path) -> None:
    """A duct of four fibers carries two routes; of three, one pays for the street."""
    wanted = [demand("A", "B", id=f"d{n}") for n in range(3)]
    world = make_world(tmp_path, "A===B\n|   |\n+---+", wanted)
    bound, optimum = lower_bound(world.network, world.scenario).value, optimum_of(world)
    two = make_world(tmp_path, "A===B\n|   |\n+---+", wanted[:2])
    stations = (optimum - optimum_of(two)) / 2
    assert bound <= optimum * SAFE
    assert bound >= optimum - stations
