"""The least-cost stations as numbers: demands, what their routes may look like, and what stations cost.

This leaves out the lines: every link costs nothing, wherever it runs. What remains is a relaxation of the whole problem
that shares no cost with the lines.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from planner.design.hop_sites import hop_sites
from planner.design.rooms import Room
from planner.design.routes import RouteJudge
from planner.design.station_graph import (
    StationLink,
    Walks,
    fewest_links,
    is_every_walk_fast,
    links_that_meet,
    some_links,
    station_links,
    useful_pairs,
    without_detours,
)
from planner.design.stations import NO_LANES, BestChains, Reaches, Tariff, units_of_role
from planner.scenario import Demand, Scenario, Technology

Units = Mapping[str, int]
"""Item -> units of need."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ChainOption:
    """Numbers of links that a route may have with a technology, and what its stations then need at least.

    Only items that cost something or have limited room count.
    """

    fewest: int
    most: int
    end: Units
    middle: Units
    repeater: Units


@dataclass(frozen=True, kw_only=True, slots=True)
class ChainChoice:
    """A technology that a demand may use, in the phases that allow it."""

    demand: int
    technology: str
    phases: tuple[int, ...]
    options: tuple[ChainOption, ...]
    links: tuple[StationLink, ...]
    """Links for chains with repeaters; none where no option has more than one link."""
    meets: Mapping[str, tuple[int, ...]]
    """Risk of which at most one route of the demand may meet any, and meets it in a row -> links that meet it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StationProblem:
    """All sets and coefficients of the station program."""

    phases: int
    demands: tuple[Demand, ...]
    """Demands, those whose routes have different targets in parts."""
    whole: tuple[str, ...]
    """Id of the demand that each of them is or belongs to: its parts share no station."""
    first_phases: tuple[int, ...]
    choices: tuple[ChainChoice, ...]
    tariff: Tariff
    rooms: Mapping[str, tuple[Room, ...]]


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """What of the walks counts. Unless the stations are chosen, the program is a bound."""

    walks: Mapping[str, Walks | None]
    """Walks of every technology, None for one whose links have no limit of loss."""
    is_apart: bool = True
    """Whether routes of one demand share no risk, as far as walks are known."""
    inside: frozenset[str] | None = None
    """Stations that may be used, with at most `most_walks` between every two; None for all of both."""
    most_walks: int = 1


def build_station_problem(
    judge: RouteJudge,
    reaches: Reaches,
    *,
    tariff: Tariff,
    rooms: Mapping[str, tuple[Room, ...]],
    view: View,
) -> StationProblem:
    """Return the station problem of a scenario.

    Sites at the ends of free-space hops open for nothing here, unless demands end there: they count with the lines.
    """
    scenario = judge.scenario
    limited = {item for found in rooms.values() for room in found for item in room.uses}
    counted = frozenset(item for item, prices in tariff.item.items() if any(prices) or item in limited)
    parts = [
        _Part(demand=part, whole=demand.id, is_alone=demand.routes == 1)
        for demand in scenario.demands
        for part in demand.by_target()
    ]
    choices = [
        _choice(judge, reaches, part, technology, view, counted, demand=number)
        for number, part in enumerate(parts)
        for technology in reaches.by_demand[part.demand.id].options
    ]
    return StationProblem(
        phases=len(scenario.phases),
        demands=tuple(part.demand for part in parts),
        whole=tuple(part.whole for part in parts),
        first_phases=tuple(scenario.phase_index(part.demand.from_phase) for part in parts),
        choices=tuple(choices),
        tariff=replace(tariff, site=_without(tariff.site, hop_sites(judge.network, scenario))),
        rooms=rooms,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Part:
    """A demand, or what one of its targets asks of some of its routes."""

    demand: Demand
    whole: str
    is_alone: bool
    """Whether the demand wants one route in all."""


def _choice(
    judge: RouteJudge,
    reaches: Reaches,
    part: _Part,
    name: str,
    view: View,
    counted: frozenset[str],
    *,
    demand: int,
) -> ChainChoice:
    """Return what a part may do with a technology; `demand` is its number."""
    asked, technology = part.demand, judge.scenario.technology(name)
    options = reaches.by_demand[asked.id].options[name]
    best = BestChains(reaches.distances, judge.scenario, asked, technology)
    most = max(links for links, _ in options)
    pairs = useful_pairs(best.usable_pairs(), asked, most) if most > 1 else []
    may_shorten = _may_be_shorter(options, fewest_links(pairs, asked))
    walks = view.walks[name]
    is_free = part.is_alone or not view.is_apart or walks is None or asked.disjoint == "repeater"
    if view.inside is not None:
        inside = view.inside | {asked.a, asked.b}
        pairs = [(tail, head) for tail, head in pairs if tail in inside and head in inside]
        links = some_links(station_links(judge, pairs, asked, walks, is_free=is_free), view.most_walks)
        meets = {} if is_free else links_that_meet(judge, asked, links)
    else:
        is_free = is_free or walks is None or not walks.is_complete
        pairs = without_detours(pairs, asked) if may_shorten and is_free else pairs
        links = station_links(judge, pairs, asked, walks, is_free=is_free)
        is_exact = not is_free and walks is not None and may_shorten and is_every_walk_fast(best, asked, walks)
        meets = links_that_meet(judge, asked, links) if is_exact else {}
    return ChainChoice(
        demand=demand,
        technology=name,
        phases=_phases(judge.scenario, asked, name),
        options=_options(technology, options, counted),
        links=links,
        meets=meets,
    )


def _may_be_shorter(options: Sequence[tuple[int, int]], fewest: int) -> bool:
    """Return whether chains of fewer links, but for one link alone, are possible too, and need no more lanes."""
    lanes = dict(options)
    columns = [lanes.get(links, NO_LANES) for links in range(max(2, fewest), max(lanes) + 1)]
    return columns == sorted(columns)


def _without(prices: Mapping[str, Sequence[float]], free: frozenset[str]) -> Mapping[str, Sequence[float]]:
    return {site: [0.0] * len(column) if site in free else column for site, column in prices.items()}


def _phases(scenario: Scenario, demand: Demand, technology: str) -> tuple[int, ...]:
    """Return the phases of a demand in which a technology is allowed."""
    phases = range(scenario.phase_index(demand.from_phase), len(scenario.phases))
    return tuple(t for t in phases if technology in scenario.phases[t].technologies)


def _options(
    technology: Technology, pairs: Iterable[tuple[int, int]], counted: frozenset[str]
) -> tuple[ChainOption, ...]:
    """Return the options of a technology; successive numbers of links that need the same are one."""
    options: list[ChainOption] = []
    for links, lanes in pairs:
        end, middle, repeater = (
            {item: units for item, units in units_of_role(technology, role, lanes=lanes).items() if item in counted}
            for role in ("end", technology.middle_role, technology.inner_role)
        )
        option = ChainOption(fewest=links, most=links, end=end, middle=middle, repeater=repeater)
        if options and not middle and replace(options[-1], fewest=links, most=links) == option:
            options[-1] = replace(options[-1], most=links)
        else:
            options.append(option)
    return tuple(options)
