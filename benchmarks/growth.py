"""The same demands on ever larger parts of Liege, against NetworkX and against the textbook integer program.

Parts reach 1, 2, 4 ... km from the centre. The textbook program (`compact.py`) gets ten times the time that our design
took, at least `LEAST_S` and at most ten minutes, on the same prices.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

from benchmarks.cities import Case, peer_problem, with_peer, write_case
from benchmarks.compact import solve_compactly
from benchmarks.places import CITIES, City
from benchmarks.planned import plan_row
from benchmarks.rows import CACHE, Benchmark, Instance, Request, Row
from planner.geodata import build_network
from planner.scenario import load_scenario

CENTRE = (5.5737, 50.6457)
"""Longitude and latitude of the palace in the middle of Liege."""
RADII_KM = (1, 2, 4, 8, 16, 32)
TIMES_OURS, LEAST_S, MOST_S = 10.0, 10.0, 600.0
DEMANDS, PAIRS = 20, 10
DESIGN_S = 90.0


def part(radius_km: float) -> City:
    """Return the part of Liege within so many km east, west, north and south of its centre."""
    lon_deg, lat_deg = CENTRE
    north = radius_km / 111.2
    east = north / math.cos(math.radians(lat_deg))
    box = (lon_deg - east, lat_deg - north, lon_deg + east, lat_deg + north)
    return CITIES["liege"].with_extent(*box, name=f"liege-{radius_km:g}km")


def instances(request: Request) -> Sequence[Instance]:
    """Return one instance for every radius."""
    most_s = request.number("most_s", MOST_S)
    return [
        Instance(
            name=f"liege-{radius_km:g}km-{DEMANDS}-{PAIRS}-seed{request.seed or 1}",
            estimate_s=min(most_s, 15.0 * radius_km * TIMES_OURS) + 60.0,
            run=partial(run, radius_km, request.seed or 1, most_s),
        )
        for radius_km in RADII_KM
    ]


def run(radius_km: float, seed: int, most_s: float = MOST_S) -> Row:
    """Return the row of one radius."""
    case = Case(city=part(radius_km), demands=DEMANDS, pairs=PAIRS, seed=seed)
    scenario = load_scenario(write_case(case, CACHE / "worlds" / case.name, DESIGN_S))
    network = build_network(scenario)
    row, _, _ = plan_row(case.name, network, scenario)
    row = with_peer(row, network, scenario)
    given_s = min(most_s, max(LEAST_S, TIMES_OURS * (row.seconds or 0.0)))
    spans, wishes = peer_problem(network, scenario)
    compact = solve_compactly(spans, wishes, time_limit_s=given_s, seed=1)
    row = row.with_more(
        compact=compact.cost, compact_bound=compact.bound, compact_s=compact.seconds, compact_limit_s=given_s
    )
    faults = []
    if row.ours is not None and compact.cost is not None and row.ours > compact.cost * (1.0 + 1e-6):
        faults.append("dearer than the compact program")
    if row.ours is not None and compact.bound is not None and compact.bound > row.ours * (1.0 + 1e-6):
        faults.append("the compact program's bound lies above our plan")
    return row.with_more(error="; ".join(faults)) if faults else row


BENCHMARK = Benchmark(summary="Ever larger parts of Liege, against the textbook integer program", instances=instances)
