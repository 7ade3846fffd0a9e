"""A plan made by hand on a drawn world, for the tests of the report: numbers are plausible, not computed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from worlds import World, demand, hop, make_world, phases

from planner.costs import Quantities, cost_lines, present_cost
from planner.plan import Installation, Outcome, Plan, Route, Service, SiteOpening, SpanBuild, Station
from planner.verdict import Check, Failure, Verdict

DRAWING = """
A---+---B
|   !   |
c   !   |
|   !   |
D===#===E
"""
"""Streets A-B and down both sides, a leased fiber in the middle, ducts at the bottom; c is a hut."""

HOSTILE = "<script>alert(1)</script> ${alert(2)} ` ' \" </script> \u2028 \u202e <!-- & url(http://evil.example/x)"


def sample_world(folder: Path, **changes: Any) -> World:
    """Return a world with two demands, two phases and a free-space hop."""
    demands = [demand("A", "E", routes=2), demand("B", "D", from_phase="p2", rate_plane="detected")]
    settings: dict[str, Any] = {
        "description": "A sample.\n\nTwo demands.",
        "phases": phases(2_000_000.0, None),
        "hops": [hop("B", "D"), hop("A", "E", sightline_checked=True)],
    }
    return make_world(folder, DRAWING, demands, cell_km=0.3, **{**settings, **changes})


def spans_between(world: World, *sites: str) -> tuple[str, ...]:
    """Return the ids of the spans of a shortest way through sites, hops left out."""
    import networkx as nx

    graph = nx.Graph()
    spans = world.network.spans
    for at, span in enumerate(spans.ids):
        if spans.medium[at] != "free_space":
            graph.add_edge(int(spans.start[at]), int(spans.end[at]), span=span, km=float(spans.length_km[at]))
    nodes = [world.network.site(site).node for site in sites]
    way: list[str] = []
    for a, b in zip(nodes, nodes[1:], strict=False):
        path = nx.shortest_path(graph, a, b, weight="km")
        way += [graph.edges[edge]["span"] for edge in zip(path, path[1:], strict=False)]
    return tuple(way)


def make_route(a: str, middle: str, b: str, spans: Sequence[str], at: int, **changes: Any) -> Route:
    """Return a route of pairs from a source at the site `middle`, which stands after `at` spans."""
    values: dict[str, Any] = {
        "technology": "pairs",
        "spans": tuple(spans),
        "stations": (
            Station(site=a, role="end", after_spans=0),
            Station(site=middle, role="pair_source", after_spans=at),
            Station(site=b, role="end", after_spans=len(spans)),
        ),
        "lanes": 1,
        "length_km": 4.0,
        "loss_db": 3.25,
        "rate_hz": 1234.5,
        "fidelity": 0.9321,
        "ebit_rate_hz": 700.0,
        "key_rate_hz": 310.0,
        "ceiling_hz": 5.0e6,
        "latency_s": 2.0e-5,
    }
    return Route(**{**values, **changes})


def sample_plan(world: World) -> Plan:
    """Return a plan with two routes for A-E, a hop for B-D in the second phase, and a hut."""
    left, right = spans_between(world, "A", "c", "D", "E"), spans_between(world, "A", "B", "E")
    primary = make_route("A", "c", "E", left, len(spans_between(world, "A", "c")))
    backup = make_route("A", "B", "E", right, len(spans_between(world, "A", "B")), limits=("bright source",))
    over_air = make_route("B", "B", "D", ("hop-B-D",), 0, fidelity=0.81, rate_hz=12.0, lanes=2)
    return make_plan(
        world,
        services=(
            Service(demand="A-E", phase="p1", routes=(primary, backup), shared=("lateral:A", "lateral:E")),
            Service(demand="A-E", phase="p2", routes=(primary, backup), shared=("lateral:A", "lateral:E")),
            Service(demand="B-D", phase="p2", routes=(over_air,)),
        ),
        first={**dict.fromkeys((*left, *right), "p1"), "hop-B-D": "p2"},
        sites={**dict.fromkeys("ABcE", "p1"), "D": "p2"},
        units=(("A", "user-receiver", "p1", 2), ("c", "pair-source", "p1", 1), ("B", "pair-source", "p2", 3)),
    )


def make_plan(
    world: World,
    *,
    services: tuple[Service, ...] = (),
    first: dict[str, str] | None = None,
    sites: dict[str, str] | None = None,
    units: Sequence[tuple[str, str, str, int]] = (),
    **changes: Any,
) -> Plan:
    """Return a plan with its costs; `first` and `sites` tell the phase of spans and of openings."""
    quantities = Quantities(
        builds=tuple(SpanBuild(span=span, phase=phase) for span, phase in sorted((first or {}).items())),
        openings=tuple(SiteOpening(site=site, phase=phase) for site, phase in sorted((sites or {}).items())),
        installations=tuple(Installation(site=s, item=i, phase=p, count=n) for s, i, p, n in units),
        services=services,
    )
    costs = cost_lines(world.network, world.scenario, quantities)
    cost = present_cost(costs)
    values: dict[str, Any] = {
        "title": "Sample city",
        "scenario_digest": world.scenario.digest,
        "network_digest": world.network.digest,
        "rollout": "joint",
        "currency": "EUR",
        "price_year": 2025,
        "outcome": Outcome(
            objective="net_present_cost",
            cost=cost,
            lower_bound=0.98 * cost,
            gap=0.02 if cost else 0.0,
            served_weight=float(len(services)),
            total_weight=2.0,
            stopped_by="work_budget",
            bound_scope="candidate_routes",
            bound_method="linear relaxation",
            candidates=12,
            work=34,
        ),
        "builds": quantities.builds,
        "openings": quantities.openings,
        "installations": quantities.installations,
        "services": services,
        "costs": costs,
        "notes": ("A note of the plan.",),
        "versions": {"planner": "0.1.0", "highspy": "1.13"},
    }
    return Plan(**{**values, **changes})


def make_verdict(world: World, plan: Plan, **changes: Any) -> Verdict:
    """Return a verdict about a plan: two checks passed, a street and a site that fail."""
    values: dict[str, Any] = {
        "scenario_digest": world.scenario.digest,
        "network_digest": world.network.digest,
        "plan_digest": hashlib.sha256(plan.to_json(timing=False).encode()).hexdigest(),
        "checks": (
            Check(name="cost_is_right", subject="plan", expected="10", actual="10", unit="EUR", passed=True),
            Check(name="budget_holds", subject="p1", expected="at most 2000000", actual="900000", passed=True),
        ),
        "failures": (),
        "notes": (),
    }
    return Verdict(**{**values, **changes})


def sample_verdict(world: World, plan: Plan, **changes: Any) -> Verdict:
    """Return a verdict with failures: a hop that loses a demand, a street and a site that weaken one."""
    street = f"street:{spans_between(world, 'A', 'c')[0]}"
    failures = (
        Failure(risk_group="hop:hop-B-D", kind="span", lost_demands=("B-D",), weakened_demands=()),
        Failure(risk_group="B", kind="site", lost_demands=("B-D",), weakened_demands=("A-E",)),
        Failure(risk_group=street, kind="span", lost_demands=(), weakened_demands=("A-E",)),
    )
    return make_verdict(world, plan, **{"failures": failures, **changes})
