"""Groups of partners that are joined as a whole, and the demands that they stand for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise, permutations
from math import cos, hypot, radians
from typing import Annotated, Literal

from pydantic import Field

from planner.catalog import Positive
from planner.scenario.demands import Demand, SecurityClass
from planner.scenario.economics import Identifier, Text
from planner.yamlio import Model

TRIED_MEMBERS = 8
"""Members up to which every order around a ring is tried; larger rings are drawn from a nearest-neighbour tour."""
Place = tuple[float, float]
"""Longitude and latitude."""


class Group(Model):
    """Partners of which every one reaches every other after any single cut, over partners in between if need be.

    `ring`: neighbours around a ring share pairs over one route each, and no two of these routes share a risk.
    `protected`: neighbours along a chain share pairs over two disjoint routes each; streets need not make a ring.
    """

    id: Identifier
    kind: Literal["ring", "protected"]
    members: Annotated[tuple[Identifier, ...], Field(min_length=3, max_length=40)]
    in_order: bool = False
    """Whether the members are written in the order of neighbours; otherwise the shortest straight-line round trip is
    taken, and for a chain its longest leg left out."""
    min_rate_hz: Positive
    """Pairs per second between neighbours."""
    min_fidelity: Annotated[float, Field(gt=0.5, lt=1.0)]
    rate_plane: Literal["detected", "stored"]
    disjoint: Literal["span", "duct", "structure", "node"] = "structure"
    """What counts as shared between the routes of the ring, as for a demand."""
    min_security_class: SecurityClass = 0
    """Least security class of the sites of all stations on the routes, as for a demand."""
    from_phase: Identifier
    weight: Positive = 1.0
    """Worth of the whole group, for the objective `service`; a ring is served as a whole or not at all."""
    label: Text = ""
    """Who they are; the id where there is none."""


def group_demands(groups: Iterable[Group], places: Mapping[str, Place]) -> tuple[Demand, ...]:
    """Return the demands between the neighbours of every group, `<group>.1` and so on in their order."""
    demands: list[Demand] = []
    for group in groups:
        order = group.members if group.in_order else ring_order(group.members, places)
        legs = list(pairwise((*order, order[0])))
        if group.kind == "protected":
            lengths = [_apart(places, *leg) for leg in legs]
            left_out = len(legs) - 1 if group.in_order else lengths.index(max(lengths))
            legs = legs[left_out + 1 :] + legs[:left_out]
        for number, (a, b) in enumerate(legs, start=1):
            link = Demand(
                id=f"{group.id}.{number}",
                a=a,
                b=b,
                min_rate_hz=group.min_rate_hz,
                min_fidelity=group.min_fidelity,
                rate_plane=group.rate_plane,
                routes=1 if group.kind == "ring" else 2,
                disjoint=group.disjoint,
                min_security_class=group.min_security_class,
                from_phase=group.from_phase,
                weight=group.weight / len(legs),
                group=group.label or group.id,
            )
            demands.append(link.on_ring(group.id, order) if group.kind == "ring" else link)
    return tuple(demands)


def ring_order(members: tuple[str, ...], places: Mapping[str, Place]) -> tuple[str, ...]:
    """Return the members along a short straight-line round trip, from the first by name; the shortest for small rings.

    >>> ring_order(("a", "b", "c", "d"), {"a": (0.0, 0.0), "b": (1.0, 1.0), "c": (0.0, 1.0), "d": (1.0, 0.0)})
    ('a', 'c', 'b', 'd')
    """
    first, *rest = sorted(members)

    def length(tour: tuple[str, ...]) -> float:
        return sum(_apart(places, a, b) for a, b in pairwise((*tour, tour[0])))

    if len(members) <= TRIED_MEMBERS:
        return min(((first, *order) for order in permutations(rest)), key=lambda tour: (round(length(tour), 9), tour))
    tour = [first]
    while rest:
        rest.sort(key=lambda site: (_apart(places, tour[-1], site), site))
        tour.append(rest.pop(0))
    return _untangled(tuple(tour), length)


def _apart(places: Mapping[str, Place], a: str, b: str) -> float:
    """Return the distance between two sites in degrees of latitude."""
    scale = cos(radians(places[a][1]))
    return hypot((places[a][0] - places[b][0]) * scale, places[a][1] - places[b][1])


def _untangled(tour: tuple[str, ...], length: Callable[[tuple[str, ...]], float]) -> tuple[str, ...]:
    """Return a tour in which turning round no stretch makes it shorter."""
    while True:
        turned = (
            (*tour[:i], *reversed(tour[i:j]), *tour[j:])
            for i in range(1, len(tour) - 1)
            for j in range(i + 2, len(tour) + 1)
        )
        best = min(turned, key=lambda other: (round(length(other), 9), other))
        if length(best) >= length(tour) - 1e-9:
            return tour
        tour = best
