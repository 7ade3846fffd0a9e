"""Cities: random demands of one and two routes on real streets, through the public way from a file to a checked plan.

Names: `liege-20-10-seed4` has 20 demands, 10 of them with two routes, drawn with seed 4 between twelve sites;
`liege-40-15-seed1` has 40 demands on 30 sites. With `-limits`, half of the demands have limits that bind; with
`-phases` demands come in three phases. Sites that hang on dead ends are moved to the nearest junction in a ring.
The peer, where limits do not bind, is NetworkX (`peers.py`), at the same prices.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import generous
from benchmarks.limits import with_limits
from benchmarks.peers import Wish, plan_greedily
from benchmarks.places import CITIES, City, Place, SafePlaces, base_spec, cities_of_folder, safe_places
from benchmarks.planned import plan_row, reached_s
from benchmarks.rows import CACHE, Benchmark, Instance, Request, Row
from planner.costs import span_present_cost
from planner.geodata import build_network
from planner.network import Network
from planner.report import write_report
from planner.scenario import Scenario, load_scenario

GAP_WANTED = 1e-4
PHASES = (("early", 2027), ("middle", 2032), ("late", 2037))
MANY_DEMANDS, FEW_SITES, MANY_SITES = 30, 12, 30
"""From so many demands on, the larger number of sites."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One set of demands in one city."""

    city: City
    demands: int
    pairs: int
    """Demands with two routes."""
    seed: int
    kind: str = ""
    """Empty, `limits` or `phases`."""
    goal_gap: float = 1e-3
    goal_s: float = 90.0

    @property
    def name(self) -> str:
        """Return the name of the instance."""
        text = f"{self.city.name}-{self.demands}-{self.pairs}-seed{self.seed}"
        return f"{text}-{self.kind}" if self.kind else text


FAMILIES: tuple[tuple[str, int, int, str, int, float, float], ...] = (
    ("liege", 20, 10, "", 5, 1e-3, 30.0),
    ("liege", 20, 0, "", 1, 1e-3, 30.0),
    ("liege", 20, 20, "", 1, 1e-3, 30.0),
    ("liege", 40, 15, "", 2, 1e-3, 90.0),
    ("liege", 20, 10, "phases", 2, 1e-3, 90.0),
    ("liege", 20, 10, "limits", 2, 3e-2, 120.0),
    ("liege-original", 20, 10, "", 2, 1e-3, 90.0),
    ("las-palmas", 20, 10, "", 2, 1e-3, 90.0),
    ("san-francisco", 20, 10, "", 2, 1e-3, 30.0),
    ("porto", 20, 10, "", 2, 5e-3, 300.0),
)
"""City, demands, of two routes, kind, number of seeds, gap that must be reached, and in how many seconds."""
LIMITS_TIME_S = 600.0
"""Design time where limits bind: the goal is the gap after 2 minutes, but the aim is further."""


def cases(request: Request) -> list[Case]:
    """Return the cases of a request: the usual ones, or 20 demands in every city of a folder."""
    found = []
    if request.folder is not None:
        seeds = (request.seed,) if request.seed is not None else (1, 2)
        for city in cities_of_folder(request.folder):
            found += [Case(city=city, demands=20, pairs=10, seed=seed) for seed in seeds]
        return found
    for name, demands, pairs, kind, count, goal_gap, goal_s in FAMILIES:
        if not CITIES[name].path.exists():
            continue
        for seed in (request.seed,) if request.seed is not None else range(1, count + 1):
            found.append(
                Case(
                    city=CITIES[name],
                    demands=demands,
                    pairs=pairs,
                    seed=seed,
                    kind=kind,
                    goal_gap=goal_gap,
                    goal_s=goal_s,
                )
            )
    return found


def instances(request: Request) -> Sequence[Instance]:
    """Return one instance for every case; cities whose files are absent are left out."""
    with_report = request.settings.get("report", "yes") == "yes"
    limit = request.settings.get("time_limit_s")
    return [
        Instance(
            name=case.name,
            estimate_s=60.0 + (LIMITS_TIME_S if case.kind == "limits" else case.goal_s),
            run=partial(run, case, with_report=with_report, time_limit_s=None if limit is None else float(limit)),
        )
        for case in cases(request)
    ]


def run(case: Case, *, with_report: bool = True, time_limit_s: float | None = None) -> Row:
    """Return the row of a case, from the file of streets to the report."""
    folder = CACHE / "worlds" / case.name
    limit_s = time_limit_s or (LIMITS_TIME_S if case.kind == "limits" else case.goal_s)
    path = write_case(case, folder, limit_s)
    start_s = time.perf_counter()
    scenario = load_scenario(path)
    network = build_network(scenario)
    build_s = time.perf_counter() - start_s
    row, plan, verdict = plan_row(case.name, network, scenario)
    row = row.with_more(build_s=round(build_s, 3))
    if plan is not None and verdict is not None:
        if with_report:
            write_report(network, scenario, plan, verdict, folder / "report")
            row = row.with_more(file_to_report_s=round(time.perf_counter() - start_s, 3))
        reached = reached_s(plan, case.goal_gap)
        row = row.with_more(goal_gap=case.goal_gap, goal_s=case.goal_s, reached_s=reached)
    return row if case.kind == "limits" else with_peer(row, network, scenario)


def write_case(case: Case, folder: Path, time_limit_s: float) -> Path:
    """Write the scenario of a case into a folder and return its path."""
    random = np.random.default_rng(case.seed)
    safe = safe_places(case.city)
    sites = _sites(case, safe, random)
    spec = base_spec(case.city, folder) | {
        "title": case.name,
        "sites": [generous.site(name, *place) for name, place in sites.items()],
        "solver": {"gap": GAP_WANTED, "time_limit_s": time_limit_s, "work_budget": 100_000, "seed": 1},
    }
    names = sorted(sites)
    pairs = [(a, b) for at, a in enumerate(names) for b in names[at + 1 :]]
    chosen = [pairs[index] for index in random.permutation(len(pairs))[: case.demands]]
    if case.kind == "phases":
        spec["phases"] = [{"id": name, "year": year, "technologies": ["pairs"]} for name, year in PHASES]
    phases = [phase["id"] for phase in spec["phases"]]
    spec["demands"] = [
        generous.demand(a, b, 2 if index < case.pairs else 1, phases[int(random.integers(len(phases)))])
        for index, (a, b) in enumerate(chosen)
    ]
    if case.kind == "limits":
        spec = with_limits(spec, folder, safe, random)
    return folder / generous.write(folder / "scenario.yaml", spec)


def _sites(case: Case, safe: SafePlaces, random: np.random.Generator) -> dict[str, Place]:
    """Return the sites of a case: the city's own, moved into rings, or random junctions."""
    count = FEW_SITES if case.demands < MANY_DEMANDS else MANY_SITES
    if case.city.named_sites is not None and count == FEW_SITES:
        return named_sites(case.city.named_sites, safe)
    chosen = random.permutation(len(safe.places))[:count]
    return {f"s{number:02d}": safe.places[index] for number, index in enumerate(sorted(chosen.tolist()))}


def named_sites(path: Path, safe: SafePlaces) -> dict[str, Place]:
    """Return the end sites of a GeoJSON layer, each at the nearest junction in a ring."""
    features: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["features"]
    ends = [item for item in features if "end" in item["properties"].get("hosts", ["end"])]
    return {item["properties"]["id"]: safe.nearest(tuple(item["geometry"]["coordinates"][:2])) for item in ends}


def with_peer(row: Row, network: Network, scenario: Scenario) -> Row:
    """Return the row with the cost of the greedy plan: its lines at our prices, for the same demands and phases."""
    start_s = time.perf_counter()
    plan = plan_greedily(*peer_problem(network, scenario))
    saving = None if row.ours is None or not plan.cost else 1.0 - row.ours / plan.cost
    row = replace(row, peer=plan.cost, peer_seconds=round(time.perf_counter() - start_s, 3))
    return row.with_more(cheaper_than_peer_share=saving)


def peer_problem(network: Network, scenario: Scenario) -> tuple[list[tuple[int, int, list[float]]], list[Wish]]:
    """Return spans with their present cost by phase (infinite where digging is forbidden), and the demands."""
    prices = np.stack([span_present_cost(network, scenario, phase) for phase in range(len(scenario.phases))])
    spans = network.spans
    usable = [medium != "trench" or bool(ok) for medium, ok in zip(spans.medium, spans.buildable, strict=True)]
    columns = zip(spans.start.tolist(), spans.end.tolist(), prices.T.tolist(), usable, strict=True)
    node = {site.id: site.node for site in network.sites}
    wishes = [
        Wish(a=node[item.a], b=node[item.b], routes=item.routes, phase=scenario.phase_index(item.from_phase))
        for item in scenario.demands
    ]
    return [(a, b, price) for a, b, price, ok in columns if ok], wishes


BENCHMARK = Benchmark(summary="Random demands on the streets of real cities", instances=instances)
