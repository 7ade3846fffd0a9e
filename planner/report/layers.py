"""The layers of the map: each is one function from a dossier to GeoJSON features, and one line in `LAYERS`.

A feature says in `phases` in which phases (by index) it is to be seen, the first being the one in which it is new.
Features hold no names: places and routes are numbers, whose names stand in the page's inert data block.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from planner.costs import digging_factor, is_closed
from planner.fixed import fixed_parts
from planner.network import Floats, Medium, Network
from planner.report.chains import Chain, chains
from planner.report.colours import LINE_LOOKS
from planner.report.dossier import Dossier
from planner.scenario.spec import Role

Feature = dict[str, Any]
DECIMALS = 5
"""Decimals of a degree on the map: about one metre."""
OCCUPIED: tuple[Medium, ...] = ("duct", "dark_fiber")
"""Media that exist before the plan."""

BUILT, PLACES, ROUTES, UNUSED = "Built or leased", "Sites and stations", "Routes of a demand", "Not used"
LEGEND_GROUPS = (BUILT, PLACES, ROUTES, UNUSED)
"""Headings of the legend, in order."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MapLayer:
    """A layer of the map: its name in the table of looks, and the function that draws it."""

    name: str
    group: str
    """Heading of the legend that it stands under."""
    draw: Callable[[Dossier], list[Feature]]
    shown: bool = True
    """Whether it is switched on when the page opens."""


def existing_lines(dossier: Dossier, *, assumed: bool) -> list[Feature]:
    """Return ducts and fibers that exist and are not (or not yet) used, each place once."""
    spans = dossier.network.spans
    found: dict[tuple[int, int, float], int] = {}
    for index, medium in enumerate(spans.medium):
        if medium in OCCUPIED and bool(spans.assumed[index]) == assumed:
            ends = sorted((int(spans.start[index]), int(spans.end[index])))
            found.setdefault((ends[0], ends[1], round(float(spans.length_km[index]), 4)), index)
    phases = {index: _before(dossier, dossier.built.get(index)) for index in found.values()}
    return _lines(dossier, {index: seen for index, seen in phases.items() if seen})


def unused_hops(dossier: Dossier) -> list[Feature]:
    """Return the free-space candidates that the plan does not take, or not yet."""
    media = dossier.network.spans.medium
    hops = [index for index, medium in enumerate(media) if medium == "free_space"]
    phases = {index: _before(dossier, dossier.built.get(index)) for index in hops}
    return _lines(dossier, {index: seen for index, seen in phases.items() if seen})


def closed_streets(dossier: Dossier) -> list[Feature]:
    """Return the streets that a zone, a moratorium or the scenario closes, in the phases in which it does."""
    spans, scenario = dossier.network.spans, dossier.scenario
    taboo = fixed_parts(dossier.network, scenario).forbidden_spans
    forbidden = {rule.kind for rule in scenario.spec.right_of_way.zones if rule.forbidden}
    is_shut = [zone in forbidden or index in taboo for index, zone in enumerate(spans.zone)]
    closed = [is_closed(dossier.network, scenario, phase).tolist() for phase in range(len(scenario.phases))]
    seen = {
        index: [phase for phase, flags in enumerate(closed) if flags[index] or is_shut[index]]
        for index, medium in enumerate(spans.medium)
        if medium == "trench"
    }
    return _lines(dossier, {index: phases for index, phases in seen.items() if phases})


def overridden(dossier: Dossier) -> list[Feature]:
    """Return the spans of which the scenario says something of its own: price, capacity, forced or forbidden."""
    fixed = fixed_parts(dossier.network, dossier.scenario)
    said = {index for index, text in enumerate(dossier.network.spans.override) if text}
    chosen = sorted(said | fixed.forbidden_spans | set(fixed.forced_spans))
    return _lines(dossier, {index: _from(dossier, 0) for index in chosen})


def roadworks(dossier: Dossier) -> list[Feature]:
    """Return the streets with planned roadworks, in the phases that can share them."""
    scenario = dossier.scenario
    shared = [digging_factor(dossier.network, scenario, phase) < 1.0 for phase in range(len(scenario.phases))]
    phases = {
        index: [phase for phase, flags in enumerate(shared) if flags[index]]
        for index in np.flatnonzero(np.any(shared, axis=0)).tolist()
    }
    return _lines(dossier, phases)


def built_lines(dossier: Dossier, *, medium: Medium, assumed: bool | None = None) -> list[Feature]:
    """Return the spans of a medium that the plan takes into use, from assumed layers, from others, or all."""
    spans = dossier.network.spans
    return _lines(
        dossier,
        {
            index: _from(dossier, phase)
            for index, phase in dossier.built.items()
            if spans.medium[index] == medium and assumed in (None, bool(spans.assumed[index]))
        },
    )


def laterals(dossier: Dossier) -> list[Feature]:
    """Return the short ways from the street to the buildings of the sites that are opened."""
    nodes = dossier.network.nodes
    features = []
    for site in dossier.network.sites:
        if site.lateral_km > 0.0 and site.id in dossier.opened:
            place = dossier.scenario.site(site.id)
            street = (float(nodes.lon_deg[site.node]), float(nodes.lat_deg[site.node]))
            line = _rounded([(place.lon_deg, place.lat_deg), street])
            seen = _from(dossier, dossier.opened[site.id])
            features.append(_feature("MultiLineString", [line], {"phases": seen}))
    return features


def routes(dossier: Dossier, *, rank: int) -> list[Feature]:
    """Return the primary (rank 0) or all backup (rank 1) routes, one line each, with their number in the data."""
    features = []
    for number, drawn in enumerate(dossier.routes()):
        if min(drawn.rank, 1) == rank and drawn.steps:
            line = _joined(dossier.network, drawn.steps)
            features.append(_feature("LineString", line, {"phases": list(drawn.phases), "route": number}))
    return features


def shared_lines(dossier: Dossier) -> list[Feature]:
    """Return the spans on which both routes of a demand would fail together, for no route can avoid them."""
    phases: dict[int, set[int]] = defaultdict(set)
    for demand in dossier.scenario.demands:
        for phase, service in dossier.services_of(demand):
            for item in service.shared_spans if service else ():
                if item.span in dossier.span_at:
                    phases[dossier.span_at[item.span]].add(phase)
    return _lines(dossier, {index: sorted(seen) for index, seen in phases.items()})


def sites(dossier: Dossier, *, users: bool) -> list[Feature]:
    """Return the sites that the plan opens: those where users sit, or the others."""
    ends = {site for demand in dossier.scenario.demands for site in (demand.a, demand.b)}
    phases = {site: _from(dossier, phase) for site, phase in dossier.opened.items() if (site in ends) == users}
    return _points(dossier, phases)


def unused_sites(dossier: Dossier) -> list[Feature]:
    """Return the sites that the plan does not open, or not yet."""
    phases = {site.id: _before(dossier, dossier.opened.get(site.id)) for site in dossier.scenario.sites}
    return _points(dossier, {site: seen for site, seen in phases.items() if seen})


def stations(dossier: Dossier, *, role: Role) -> list[Feature]:
    """Return the sites where routes have a station of some role, in the phases in which they have it."""
    found: dict[str, set[int]] = defaultdict(set)
    for drawn in dossier.routes():
        for station in drawn.route.stations:
            if station.role == role:
                found[station.site].update(drawn.phases)
    return _points(dossier, {site: sorted(seen) for site, seen in found.items()})


LAYERS: tuple[MapLayer, ...] = (
    MapLayer(name="existing", group=UNUSED, draw=partial(existing_lines, assumed=False)),
    MapLayer(name="existing-assumed", group=UNUSED, draw=partial(existing_lines, assumed=True)),
    MapLayer(name="hop-unused", group=UNUSED, draw=unused_hops, shown=False),
    MapLayer(name="closed", group=UNUSED, draw=closed_streets, shown=False),
    MapLayer(name="override", group=UNUSED, draw=overridden, shown=False),
    MapLayer(name="roadworks", group=UNUSED, draw=roadworks, shown=False),
    MapLayer(name="primary", group=ROUTES, draw=partial(routes, rank=0)),
    MapLayer(name="backup", group=ROUTES, draw=partial(routes, rank=1)),
    MapLayer(name="lateral", group=BUILT, draw=laterals),
    MapLayer(name="lease", group=BUILT, draw=partial(built_lines, medium="dark_fiber", assumed=False)),
    MapLayer(name="lease-assumed", group=BUILT, draw=partial(built_lines, medium="dark_fiber", assumed=True)),
    MapLayer(name="cable", group=BUILT, draw=partial(built_lines, medium="duct", assumed=False)),
    MapLayer(name="cable-assumed", group=BUILT, draw=partial(built_lines, medium="duct", assumed=True)),
    MapLayer(name="trench", group=BUILT, draw=partial(built_lines, medium="trench")),
    MapLayer(name="hop", group=BUILT, draw=partial(built_lines, medium="free_space", assumed=False)),
    MapLayer(name="hop-unchecked", group=BUILT, draw=partial(built_lines, medium="free_space", assumed=True)),
    MapLayer(name="shared", group=BUILT, draw=shared_lines),
    MapLayer(name="site-unused", group=UNUSED, draw=unused_sites, shown=False),
    MapLayer(name="site-inner", group=PLACES, draw=partial(sites, users=False)),
    MapLayer(name="site-user", group=PLACES, draw=partial(sites, users=True)),
    MapLayer(name="heralding", group=PLACES, draw=partial(stations, role="heralding")),
    MapLayer(name="source", group=PLACES, draw=partial(stations, role="pair_source")),
    MapLayer(name="repeater", group=PLACES, draw=partial(stations, role="repeater")),
    MapLayer(name="trusted-node", group=PLACES, draw=partial(stations, role="trusted_node")),
)
"""The layers from the lowest to the highest; the streets lie below all of them."""


def layer_features(dossier: Dossier) -> dict[str, list[Feature]]:
    """Return the features of every layer by its name, empty layers left out."""
    drawn = {layer.name: layer.draw(dossier) for layer in LAYERS}
    return {name: features for name, features in drawn.items() if features}


def is_line(name: str) -> bool:
    """Return whether a layer is made of lines; the others are made of points."""
    return name in LINE_LOOKS


def _from(dossier: Dossier, phase: int) -> list[int]:
    return list(range(phase, dossier.last_phase + 1))


def _before(dossier: Dossier, phase: int | None) -> list[int]:
    return list(range(dossier.last_phase + 1 if phase is None else phase))


def _lines(dossier: Dossier, phases: dict[int, list[int]]) -> list[Feature]:
    """Return one feature for all spans that are seen in the same phases, joined where they meet."""
    groups: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for index in sorted(phases):
        groups[tuple(phases[index])].append(index)
    return [
        _feature(
            "MultiLineString",
            [_joined(dossier.network, chain) for chain in chains(dossier.network, members)],
            {"phases": list(seen)},
        )
        for seen, members in sorted(groups.items())
    ]


def _points(dossier: Dossier, phases: dict[str, list[int]]) -> list[Feature]:
    features = []
    for number, site in enumerate(dossier.scenario.sites):
        if site.id in phases:
            place = [round(site.lon_deg, DECIMALS), round(site.lat_deg, DECIMALS)]
            features.append(_feature("Point", place, {"phases": phases[site.id], "site": number}))
    return features


def _joined(network: Network, chain: Chain) -> list[list[float]]:
    """Return the points of adjoining spans as one line, without repeating the points where they meet."""
    points: list[list[float]] = []
    for index, forward in chain:
        line = network.spans.line(index)
        for point in _rounded(line if forward else line[::-1]):
            if not points or point != points[-1]:
                points.append(point)
    return points if len(points) > 1 else points * 2


def _rounded(line: Floats | Sequence[tuple[float, float]]) -> list[list[float]]:
    rows: Iterable[Any] = line
    return [[round(float(lon_deg), DECIMALS), round(float(lat_deg), DECIMALS)] for lon_deg, lat_deg in rows]


def _feature(kind: str, coordinates: Any, properties: dict[str, Any]) -> Feature:
    return {"type": "Feature", "properties": properties, "geometry": {"type": kind, "coordinates": coordinates}}
