"""Which trenches lie beside a duct: what opens the street there reaches both."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import shapely

from planner.geodata.ducts import DuctRecord
from planner.geodata.handholes import LaidDucts
from planner.geodata.lines import take
from planner.geodata.region import draw
from planner.geodata.snapping import Pieces, StreetPlan
from planner.geodata.streets import Streets

BESIDE_M = 30.0
"""A trench with its middle this near to a duct in the same street runs beside it."""


def duct_risk_groups(
    records: Sequence[DuctRecord], laid: LaidDucts, streets: Streets, plan: StreetPlan, pieces: Pieces
) -> list[tuple[str, ...]]:
    """Return what fails together with every laid duct: itself, the trenches beside it, and what the data names.

    `records` are those of the laid ducts. Of a street that a duct names, the trenches beside the duct count, or all of
    them if none is near. A street that is not in the layer of streets is kept by its name.
    """
    named = {name for record in records for name in record.streets}
    trenches = _trenches_of(named, streets, plan, pieces)
    groups = []
    for record, shape in zip(records, draw(plan.projection, laid.lines), strict=True):
        beside = [f"street:{name}" for street in record.streets for name in _beside(shape, street, trenches)]
        groups.append(tuple(dict.fromkeys((f"duct:{record.id}", *beside, *record.risk_groups))))
    return groups


Trenches = dict[str, list[tuple[str, shapely.Point]]]
"""Id and middle of the trenches of every street, by the id of the street or of one of its blocks."""


def _trenches_of(named: set[str], streets: Streets, plan: StreetPlan, pieces: Pieces) -> Trenches:
    """Return the trenches of the named streets."""
    blocks = plan.blocks
    names = [(streets.ids[owner], name) for owner, name in zip(blocks.streets.tolist(), blocks.ids, strict=True)]
    chosen = [index for index, block in enumerate(pieces.blocks.tolist()) if not named.isdisjoint(names[block])]
    trenches: Trenches = defaultdict(list)
    shapes = draw(plan.projection, take(pieces.lines, np.array(chosen, dtype=np.int64)))
    middles = np.asarray(shapely.line_interpolate_point(shapes, 0.5, normalized=True))
    for index, middle in zip(chosen, middles, strict=True):
        for name in set(names[int(pieces.blocks[index])]) & named:
            trenches[name].append((pieces.ids[index], middle))
    return trenches


def _beside(duct: shapely.LineString, street: str, trenches: Trenches) -> list[str]:
    """Return the trenches of a street beside a duct."""
    if street not in trenches:
        return [street]
    beside = [name for name, middle in trenches[street] if duct.distance(middle) <= BESIDE_M]
    return beside or [name for name, _ in trenches[street]]
