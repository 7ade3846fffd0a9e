"""What it takes to open each block of street: class, surface, zone, price per metre, and where digging is forbidden."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from planner.catalog import CostFactor
from planner.errors import InputError
from planner.geodata.lines import Flags
from planner.geodata.snapping import StreetPlan
from planner.geodata.streets import UNKNOWN, Streets
from planner.geodata.wording import counted, listed
from planner.geodata.zones import read_zones, zones_of_blocks
from planner.network import Floats
from planner.scenario import Scenario


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Ground:
    """The ground of every block, as columns; prices in the scenario's money."""

    road_class: tuple[str, ...]
    surface: tuple[str, ...]
    zone: tuple[str, ...]
    trench_per_m: Floats
    """Price of digging: trench x density x road class x surface x zone."""
    permit_per_m: Floats
    """Price of the right-of-way permit: permit x road class x zone."""
    buildable: Flags
    notes: tuple[str, ...]
    attributions: tuple[str, ...]


def annotate_ground(scenario: Scenario, streets: Streets, plan: StreetPlan) -> Ground:
    """Return what opening each block takes.

    Everything is decided for whole blocks, so that cutting a block changes no price in sum. Raises InputError for
    what is wrong with the layers of zones, and for a price list that lacks the factor of `unknown`.
    """
    owners = plan.blocks.streets.tolist()
    classes = tuple(streets.road_class[owner] for owner in owners)
    surfaces = tuple(streets.surface[owner] for owner in owners)
    rules = scenario.spec.right_of_way.zones
    zones = read_zones(scenario)
    kinds, exempt = zones_of_blocks(plan, zones, rules, [bool(streets.structures[owner]) for owner in owners])
    notes = list(zones.notes)
    road = _factors(scenario, "road class", scenario.costs.road_classes, classes, plan.blocks.lengths_m, notes)
    surface = _factors(scenario, "surface", scenario.costs.surfaces, surfaces, plan.blocks.lengths_m, notes)
    zone_factors = {"": 1.0, **{rule.kind: rule.factor for rule in rules}}
    zone = np.array([zone_factors[kind] for kind in kinds], dtype=np.float64)
    forbidden_zones = {rule.kind for rule in rules if rule.forbidden}
    forbidden_classes = set(scenario.spec.right_of_way.forbidden_road_classes)
    buildable = np.array(
        [
            name not in forbidden_classes and kind not in forbidden_zones
            for name, kind in zip(classes, kinds, strict=True)
        ],
        dtype=np.bool_,
    )
    notes += _rule_notes(kinds, exempt, buildable, plan.blocks.lengths_m)
    density = scenario.costs.densities[scenario.spec.right_of_way.density].factor
    return Ground(
        road_class=classes,
        surface=surfaces,
        zone=kinds,
        trench_per_m=scenario.costs.items["trench"].price * density * road * surface * zone,
        permit_per_m=scenario.costs.items["right-of-way-permit"].price * road * zone,
        buildable=buildable,
        notes=tuple(notes),
        attributions=zones.attributions,
    )


def _factors(
    scenario: Scenario,
    what: str,
    factors: Mapping[str, CostFactor],
    values: Sequence[str],
    lengths_m: Floats,
    notes: list[str],
) -> Floats:
    """Return the factor of every value; values without one count as unknown, and `notes` say how many."""
    absent = np.array([value == UNKNOWN for value in values], dtype=np.bool_)
    strange = np.array([value not in factors for value in values], dtype=np.bool_) & ~absent
    if (absent | strange).any() and UNKNOWN not in factors:
        text = f"lacks the {what} '{UNKNOWN}', which {counted(int((absent | strange).sum()), 'block')} of street need"
        raise InputError.at(f"{scenario.folder / scenario.spec.catalogs.costs}", text)
    if absent.any():
        km = lengths_m[absent].sum() / 1000.0
        notes.append(
            f"{what} not in the data for {counted(int(absent.sum()), 'block')} ({km:,.1f} km): priced as unknown"
        )
    if strange.any():
        kinds = Counter(value for value, flag in zip(values, strange.tolist(), strict=True) if flag)
        km = lengths_m[strange].sum() / 1000.0
        amount = f"{counted(int(strange.sum()), 'block')} ({km:,.1f} km)"
        notes.append(f"{what} not in the price list for {amount}, priced as unknown: {listed(kinds)}")
    return np.array([factors[value if value in factors else UNKNOWN].factor for value in values], dtype=np.float64)


def _rule_notes(kinds: Sequence[str], exempt: int, buildable: Flags, lengths_m: Floats) -> list[str]:
    """Return how much street the rules touch."""
    notes = []
    if exempt:
        notes.append(
            f"{counted(exempt, 'block')} on bridges or in tunnels cross forbidden zones and stay open to works"
        )
    for kind in sorted(set(kinds) - {""}):
        share = np.array([found == kind for found in kinds], dtype=np.bool_)
        notes.append(f"zone {kind}: {counted(int(share.sum()), 'block')}, {lengths_m[share].sum() / 1000.0:,.1f} km")
    if not buildable.all():
        km = lengths_m[~buildable].sum() / 1000.0
        notes.append(f"digging is forbidden in {counted(int((~buildable).sum()), 'block')} ({km:,.1f} km)")
    return notes
