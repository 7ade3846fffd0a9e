"""Random worlds on small grids, and all their simple routes: what the search and the bound are held against."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np

import worlds
from planner.design.routes import Candidate, RouteJudge
from planner.design.stretches import allowed_technologies
from planner.network import Network, Spans, with_digest
from planner.plan import Station
from planner.scenario import Demand, Scenario, Technology
from planner.scenario.demands import LEVELS
from worlds import World, demand, hop, make_world, phases, stored

MARKS = "--==~"
UPRIGHT = {"-": "|", "=": ":", "~": "!"}


def random_drawing(
    rng: np.random.Generator, *, rows: int, columns: int, sites: int, huts: int, kept: float = 0.93
) -> str:
    """Return a grid of streets, ducts and leases, a share of them `kept`; sites are `A`, `B` ..., huts `a`, `b` ..."""
    places = rng.permutation(rows * columns)
    letters = {int(place): chr(ord("A") + i) for i, place in enumerate(places[:sites])}
    letters |= {int(place): chr(ord("a") + i) for i, place in enumerate(places[sites : sites + huts])}
    lines: list[str] = []
    for row in range(rows):
        line, below = "", ""
        for column in range(columns):
            line += letters.get(row * columns + column, "#" if rng.random() < 0.3 else "+")
            below += UPRIGHT[rng.choice(list(MARKS))] if rng.random() < kept else " "
            line += str(rng.choice(list(MARKS))) * 2 if rng.random() < kept and column + 1 < columns else "  "
            below += "  "
        lines += [line.rstrip(), below.rstrip()] if row + 1 < rows else [line.rstrip()]
    return "\n".join(lines)


def random_world(
    folder: Path, seed: int, *, tight: bool = False, poor: bool = False, bridged: bool = False, **changes: Any
) -> World:
    """Return a world of up to nine crossings, one to three demands and one to three phases; the seed settles all.

    A tight world is larger, with more huts and with memories alone, at rates that some routes do not reach. A poor one
    has budgets, and prices that fall from phase to phase. A bridged one has more gaps, and demands for two routes that
    may share what they cannot avoid, at each level of disjointness in turn.
    """
    rng = np.random.default_rng(seed)
    rows, columns = ((2, 3), (2, 4), (3, 3))[seed % 3]
    sites, huts = (2, int(rng.integers(1, 4))) if tight else (int(rng.integers(2, 5)), int(rng.integers(0, 2)))
    drawing = random_drawing(rng, rows=rows, columns=columns, sites=sites, huts=huts, kept=0.8 if bridged else 0.93)
    pairs = list(combinations([chr(ord("A") + i) for i in range(sites)], 2))
    years = 1 if tight else int(rng.integers(1, 4))
    demands = []
    for i in range(1 if tight else min(int(rng.integers(1, 4)), len(pairs) + 1)):
        a, b = pairs[int(rng.integers(len(pairs)))]
        make = stored if tight or rng.random() < 0.3 else demand
        values: dict[str, Any] = {"id": f"d{i}", "from_phase": f"p{int(rng.integers(years)) + 1}"}
        values |= {"routes": int(rng.random() < (0.8 if bridged else 0.35)) + 1}
        if bridged:
            values |= {"redundancy": "maximal", "disjoint": LEVELS[seed // 2 % len(LEVELS)]}
            if values["routes"] > 1 and seed % 3 == 0:
                values |= {"backup_min_fidelity": 0.6, "backup_min_rate_hz": 0.5}
        if tight:
            values |= {"min_rate_hz": float(rng.choice([2.0, 10.0, 30.0, 60.0, 100.0]))}
            values |= {"min_fidelity": float(rng.choice([0.7, 0.85]))}
        demands.append(make(a, b, **values))
    hops = [] if tight or rng.random() < 0.7 else [hop(*pairs[int(rng.integers(len(pairs)))])]
    far = [1.0, 2.0, 4.0] if tight else [0.2, 0.5, 1.0]
    settings: dict[str, Any] = {
        "cell_km": 0.2 if hops else float(rng.choice(far)),
        "hops": hops,
        "phases": _poor_phases(rng, years) if poor else phases(*[None] * years),
        "solver": {"work_budget": 40, "gap": 0.0},
    }
    return make_world(folder, drawing, demands, **settings | changes)


def _poor_phases(rng: np.random.Generator, count: int) -> list[dict[str, Any]]:
    budgets = [float(rng.choice([0.5e6, 1e6, 2e6, 4e6, 8e6])) if rng.random() < 0.6 else None for _ in range(count)]
    growth = float(rng.choice([1.0, 2.0, 4.0]))
    return [
        phase | {"world_units_ratio": growth**number}
        for number, phase in enumerate(phases(*budgets, years=int(rng.integers(2, 6))))
    ]


def with_ducts_in_streets(world: World, seed: int) -> World:
    """Return the world with some ducts laid along one or two of its streets: one dig there cuts duct and street.

    In some of these streets digging is forbidden.
    """
    rng = np.random.default_rng(seed)
    spans = world.network.spans
    streets = [i for i, medium in enumerate(spans.medium) if medium == "trench"]
    price = {name: item.price for name, item in world.scenario.costs.items.items()}
    columns: list[dict[str, Any]] = []
    forbidden: set[int] = set()
    for walk in [(s,) for s in streets] + [(s, t) for s in streets for t in streets if spans.end[s] == spans.start[t]]:
        if rng.random() < 0.35:
            forbidden |= {s for s in walk if rng.random() < 0.2}
            km = float(sum(spans.length_km[s] for s in walk))
            medium = "duct" if rng.random() < 0.7 else "dark_fiber"
            columns.append(
                worlds._span(f"t{len(columns):02d}", medium, km, price)
                | {"start": int(spans.start[walk[0]]), "end": int(spans.end[walk[-1]])}
                | {"loss_db": float(sum(spans.loss_db[s] for s in walk))}
                | {"risk_groups": (f"duct:t{len(columns):02d}", *(f"street:{spans.ids[s]}" for s in walk))}
                | {"line": [point for n, s in enumerate(walk) for point in spans.line(s)[min(n, 1) :]]}
            )
    buildable = np.array([bool(ok) and i not in forbidden for i, ok in enumerate(spans.buildable)])
    spans = replace(spans, buildable=buildable)
    if columns:
        spans = _joined(spans, worlds._columns(columns))
    return World(scenario=world.scenario, network=with_digest(replace(world.network, spans=spans)))


def _joined(first: Spans, second: Spans) -> Spans:
    columns: dict[str, Any] = {}
    for field in fields(Spans):
        a, b = getattr(first, field.name), getattr(second, field.name)
        if field.name == "offsets":
            columns[field.name] = np.concatenate((a, b[1:] + a[-1]))
        else:
            columns[field.name] = a + b if isinstance(a, tuple) else np.concatenate((a, b))
    return Spans(**columns)


def span_graph(network: Network) -> nx.MultiGraph[int]:
    """Return the spans that may be used as edges; the key of an edge is the span's index."""
    graph: nx.MultiGraph[int] = nx.MultiGraph()
    graph.add_nodes_from(range(len(network.nodes)))
    for span, medium in enumerate(network.spans.medium):
        if medium != "trench" or network.spans.buildable[span]:
            graph.add_edge(int(network.spans.start[span]), int(network.spans.end[span]), key=span)
    return graph


@dataclass(frozen=True, kw_only=True, slots=True)
class Everything:
    """All candidates on simple walks, with stations wherever the walk passes a site that may host them."""

    network: Network
    scenario: Scenario

    def candidates(self, wanted: Demand) -> list[Candidate]:
        """Return all candidates of a demand."""
        judge = RouteJudge(self.network, self.scenario)
        found: list[Candidate] = []
        for spans, nodes in self._walks(wanted):
            for technology in allowed_technologies(self.scenario, wanted):
                for stations in self._placements(wanted, technology, nodes):
                    for target in ("primary", "backup") if wanted.has_lower_backup else ("primary",):
                        candidate = judge.judge(wanted.seen_by(target), technology, spans, stations)
                        found += [] if candidate is None else [candidate]
        return found

    def _walks(self, wanted: Demand) -> Iterator[tuple[list[int], list[int]]]:
        node = {site.id: site.node for site in self.network.sites}
        for path in nx.all_simple_edge_paths(span_graph(self.network), node[wanted.a], node[wanted.b]):
            yield [key for _, _, key in path], [node[wanted.a], *(head for _, head, _ in path)]

    def _placements(
        self, wanted: Demand, technology: Technology, nodes: Sequence[int]
    ) -> Iterator[tuple[Station, ...]]:
        role = technology.middle_role
        last = Station(site=wanted.b, role="end", after_spans=len(nodes) - 1)
        first = Station(site=wanted.a, role="end", after_spans=0)
        repeaters = [
            Station(site=site, role=technology.inner_role, after_spans=at)
            for at, site in self._stops(technology.inner_role, nodes)
            if site not in (wanted.a, wanted.b)
        ]
        middles = self._stops(role, nodes)
        for links in range(1, technology.max_links + 1):
            for chosen in combinations(repeaters, links - 1):
                partial: list[tuple[Station, ...]] = [(first,)]
                for left, right in zip((first, *chosen), (*chosen, last), strict=True):
                    between = [m for m in middles if left.after_spans <= m[0] <= right.after_spans]
                    partial = [
                        (*head, Station(site=site, role=role, after_spans=at), right)
                        for head in partial
                        for at, site in between
                    ]
                yield from partial

    def _stops(self, role: str, nodes: Sequence[int]) -> list[tuple[int, str]]:
        at = {node: position for position, node in enumerate(nodes)}
        return sorted(
            (at[site.node], site.id)
            for site in self.network.sites
            if site.node in at and role in self.scenario.site(site.id).hosts
        )
