"""What sites have room for: units of an item, power, and floor area of everything that stands there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from planner.scenario import Scenario, Site


@dataclass(frozen=True, kw_only=True, slots=True)
class Room:
    """A limit on what the equipment of one site takes together."""

    site: str
    uses: Mapping[str, float]
    """Item -> what one unit of it takes; items that take nothing are left out."""
    limit: float

    def holds(self, units: Mapping[str, int]) -> bool:
        """Return whether so many units of the items fit."""
        return sum(self.uses.get(item, 0.0) * count for item, count in units.items()) <= self.limit * (1.0 + 1e-9)


def site_rooms(scenario: Scenario) -> Mapping[str, tuple[Room, ...]]:
    """Return the limits of every site that has some."""
    found = {site.id: tuple(_rooms(scenario, site)) for site in scenario.sites}
    return {site: rooms for site, rooms in found.items() if rooms}


def _rooms(scenario: Scenario, site: Site) -> list[Room]:
    items = scenario.costs.items
    rooms = [Room(site=site.id, uses={item: 1.0}, limit=most) for item, most in sorted(site.max_units.items())]
    for limit, uses in (
        (site.max_power_w, {name: item.power_w for name, item in sorted(items.items()) if item.power_w}),
        (site.max_area_m2, {name: item.area_m2 for name, item in sorted(items.items()) if item.area_m2}),
    ):
        if limit is not None:
            rooms.append(Room(site=site.id, uses=uses, limit=limit))
    return rooms
