"""What it takes to open each block of street: class, surface, zone, price per metre, and where digging is forbidden."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from planner.catalog import CostFactor
from planner.errors import InputError
from planner.geodata.crossings import crossings_of_blocks
from planner.geodata.districts import districts_of_blocks
from planner.geodata.lines import Flags
from planner.geodata.snapping import StreetPlan
from planner.geodata.streets import UNKNOWN, Streets
from planner.geodata.wording import counted, listed
from planner.geodata.works import Works, works_on_blocks
from planner.geodata.zones import read_zones, zones_of_blocks
from planner.network import Floats, Integers
from planner.scenario import Scenario


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Ground:
    """The ground of every block, as columns; prices in the scenario's money."""

    road_class: tuple[str, ...]
    surface: tuple[str, ...]
    zone: tuple[str, ...]
    district: tuple[str, ...]
    trench_per_m: Floats
    """Price of digging: trench x density x road class x surface x zone x district."""
    permit_per_m: Floats
    """Price of the right-of-way permit: permit x road class x zone x district, and the fees of both."""
    crossing_capex: Floats
    """Price of the crossings of rail, water and motorways, of the whole block."""
    permit_lead_months: Integers
    works: Works
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
    districts = districts_of_blocks(scenario, plan)
    crossings, works = crossings_of_blocks(scenario, streets, plan), works_on_blocks(scenario, plan)
    place = _rules_of_places(scenario, kinds, districts.names)
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
    notes += (*districts.notes, *crossings.notes, *works.notes)
    items = scenario.costs.items
    return Ground(
        road_class=classes,
        surface=surfaces,
        zone=kinds,
        district=districts.names,
        trench_per_m=items["trench"].price * place.density * road * surface * place.factor,
        permit_per_m=items["right-of-way-permit"].price * road * place.factor + place.fee_per_m,
        crossing_capex=crossings.capex,
        permit_lead_months=place.lead_months,
        works=works,
        buildable=buildable,
        notes=tuple(notes),
        attributions=(*zones.attributions, *districts.attributions, *crossings.attributions, *works.attributions),
    )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _PlaceRules:
    """What zone and district of every block ask."""

    density: Floats
    factor: Floats
    fee_per_m: Floats
    lead_months: Integers


def _rules_of_places(scenario: Scenario, kinds: Sequence[str], names: Sequence[str]) -> _PlaceRules:
    """Return the rules of zones and districts together: factors multiply, fees add up, the longest lead time counts."""
    way = scenario.spec.right_of_way
    zones = {rule.kind: rule for rule in way.zones}
    districts = {rule.district: rule for rule in way.districts}
    densities = scenario.costs.densities
    rows = []
    for kind, name in zip(kinds, names, strict=True):
        zone, district = zones.get(kind), districts.get(name)
        density = district.density if district is not None and district.density else way.density
        found = [rule for rule in (zone, district) if rule is not None]
        rows.append(
            (
                densities[density].factor,
                math.prod(rule.factor for rule in found),
                math.fsum(rule.permit_per_m for rule in found),
                max([way.permit_lead_months, *(rule.permit_lead_months for rule in found)]),
            )
        )
    columns = np.array(rows, dtype=np.float64).reshape(-1, 4).T
    return _PlaceRules(
        density=columns[0], factor=columns[1], fee_per_m=columns[2], lead_months=columns[3].astype(np.int64)
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
