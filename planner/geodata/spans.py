"""The columns of the network's spans: trenches in streets, ducts, leased fiber and free-space hops."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from planner.errors import InputError, Problem
from planner.geodata.ducts import DuctRecord
from planner.geodata.handholes import LaidDucts
from planner.geodata.hops import Hop
from planner.geodata.lines import Lines, join, lengths_m, lines_of, take
from planner.geodata.noding import Blocks, unique_names
from planner.geodata.rightofway import Ground
from planner.geodata.snapping import Pieces
from planner.geodata.streets import Streets
from planner.network import Floats, Integers, Spans
from planner.physics.fiber import span_loss_db
from planner.scenario import Scenario

TRENCH_FIBERS = 96
DUCT_FIBERS = 2
"""Fibers in a duct whose data says no number."""
HOP_FIBERS = 64
NOT_IN_DATA = -1

Columns = dict[str, Any]
"""Columns of `Spans` by name, without geometry: arrays for numbers and flags, tuples for text."""

_NUMBERS = (
    "trench_capex",
    "right_of_way_capex",
    "crossing_capex",
    "cable_capex",
    "rent_per_year",
    "lease_per_fiber_year",
    "price_factor",
)
_TEXTS = (
    "road_class",
    "surface",
    "zone",
    "district",
    "name",
    "status",
    "origin",
    "override",
    "forced_phase",
)
_YEARS = ("permit_lead_months", "closed_until_year", "roadworks_year")


def assemble_spans(tables: Sequence[tuple[Columns, Lines]], where: str) -> Spans:
    """Return all tables as one, sorted by id; raises InputError, located at `where`, when two spans have one id."""
    ids = [span_id for columns, _ in tables for span_id in columns["ids"]]
    repeated = sorted(name for name, number in Counter(ids).items() if number > 1)
    if repeated:
        text = "is the id of two spans: rename the street, duct or free-space hop"
        raise InputError(*(Problem(where=where, key_path=name, problem=text) for name in repeated[:20]))
    order = sorted(range(len(ids)), key=ids.__getitem__)
    merged: Columns = {}
    for name, first in tables[0][0].items():
        if isinstance(first, np.ndarray):
            merged[name] = np.concatenate([columns[name] for columns, _ in tables])[order]
        else:
            values = [value for columns, _ in tables for value in columns[name]]
            merged[name] = tuple(values[index] for index in order)
    lines = tables[0][1]
    for _, more in tables[1:]:
        lines = join(lines, more)
    lines = take(lines, np.array(order, dtype=np.int64))
    return Spans(**merged, offsets=lines.offsets, coordinates=lines.coordinates)


def trench_table(
    scenario: Scenario, streets: Streets, blocks: Blocks, ground: Ground, pieces: Pieces
) -> tuple[Columns, Lines]:
    """Return the trenches, one for each piece of a block; each is a risk group of its own, `street:<id>`."""
    at, metres = pieces.blocks, pieces.lengths_m
    owners = blocks.streets.tolist()
    groups = [
        (f"street:{name}", *streets.structures[owners[block]])
        for name, block in zip(pieces.ids, at.tolist(), strict=True)
    ]
    count = len(at)
    columns = _blank(count) | {
        "ids": pieces.ids,
        "start": pieces.start,
        "end": pieces.end,
        "medium": ("trench",) * count,
        "length_km": metres / 1000.0,
        "loss_db": _loss_db_per_km(scenario) * metres / 1000.0,
        "trench_capex": ground.trench_per_m[at] * metres,
        "right_of_way_capex": ground.permit_per_m[at] * metres,
        "crossing_capex": ground.crossing_capex[at] * _shares(at, metres),
        "permit_lead_months": ground.permit_lead_months[at],
        "closed_until_year": ground.works.closed_until_year[at],
        "roadworks_year": ground.works.roadworks_year[at],
        "max_fibers": np.full(count, TRENCH_FIBERS, dtype=np.int64),
        "buildable": ground.buildable[at],
        "road_class": tuple(ground.road_class[block] for block in at.tolist()),
        "status": tuple(streets.status[owners[block]] for block in at.tolist()),
        "origin": tuple(streets.ids[owners[block]] for block in at.tolist()),
        "surface": tuple(ground.surface[block] for block in at.tolist()),
        "zone": tuple(ground.zone[block] for block in at.tolist()),
        "district": tuple(ground.district[block] for block in at.tolist()),
        "name": tuple(streets.name[owners[block]] for block in at.tolist()),
        "risk_groups": tuple(groups),
        "assumed": np.full(count, scenario.spec.layers.streets.assumed, dtype=np.bool_),
    }
    return columns, pieces.lines


def _shares(blocks: Integers, metres: Floats) -> Floats:
    """Return the share of every piece in the length of its block."""
    totals = np.bincount(blocks, weights=metres)
    shares: Floats = metres / np.where(totals[blocks] > 0.0, totals[blocks], 1.0)
    return shares


def duct_table(
    scenario: Scenario, records: Sequence[DuctRecord], laid: LaidDucts, groups: Sequence[tuple[str, ...]]
) -> tuple[Columns, Lines]:
    """Return cable pulls and leases: `<id>/pull` where our own cable may be pulled, `<id>/lease` for dark fiber.

    `records` and `groups` are records and risk groups of the laid ducts.
    """
    names = unique_names(record.id for record in records)
    rows = [
        (index, access)
        for index, record in enumerate(records)
        for access in ("lease", "pull")
        if record.access in (access, "both")
    ]
    at = np.array([index for index, _ in rows], dtype=np.int64)
    is_pull = np.array([access == "pull" for _, access in rows], dtype=np.bool_)
    metres_of = lengths_m(laid.lines)
    metres = metres_of[at]
    price = {name: scenario.costs.items[name].price for name in ("cable-pull", "duct-rental", "dark-fiber-lease")}
    rent = _given([record.rent_per_m_year for record in records], price["duct-rental"])[at]
    lease = _given([record.lease_per_fiber_km_year for record in records], price["dark-fiber-lease"])[at]
    columns = _blank(len(rows)) | {
        "ids": tuple(f"{names[index]}/{access}" for index, access in rows),
        "start": laid.start[at],
        "end": laid.end[at],
        "medium": tuple("duct" if pull else "dark_fiber" for pull in is_pull.tolist()),
        "length_km": metres / 1000.0,
        **_light_columns(scenario, records, metres_of, rows),
        "cable_capex": np.where(is_pull, price["cable-pull"] * metres, 0.0),
        "rent_per_year": np.where(is_pull, rent * metres, 0.0),
        "lease_per_fiber_year": np.where(is_pull, 0.0, lease * metres / 1000.0),
        "max_fibers": _given([record.free_fibers for record in records], DUCT_FIBERS)[at].astype(np.int64),
        "used_fibers": _given([record.used_fibers for record in records], NOT_IN_DATA)[at].astype(np.int64),
        "name": tuple(_label(records[index]) for index, _ in rows),
        "status": tuple(records[index].status for index, _ in rows),
        "origin": tuple(records[index].id for index, _ in rows),
        "risk_groups": tuple(groups[index] for index, _ in rows),
        "assumed": np.array([records[index].assumed for index, _ in rows], dtype=np.bool_),
    }
    return columns, take(laid.lines, at)


def _label(record: DuctRecord) -> str:
    """Return the name of a duct and whose it is, as far as the data says."""
    return f"{record.name} ({record.owner})" if record.name and record.owner else record.name or record.owner


def _light_columns(
    scenario: Scenario, records: Sequence[DuctRecord], metres: Floats, rows: Sequence[tuple[int, str]]
) -> Columns:
    """Return loss and classical light of spans: what the data says of a duct's fiber, else the loss of its length.

    Of a duct that offers both, the data describes the fiber on lease; cable of our own is new and dark. A loss measured
    over several lines of one duct is shared by length.
    """
    total_m: dict[str, float] = {}
    for record, length_m in zip(records, metres.tolist(), strict=True):
        total_m[record.id] = total_m.get(record.id, 0.0) + length_m
    per_m_db = _loss_db_per_km(scenario) / 1000.0
    columns: dict[str, list[float]] = {
        name: [] for name in ("loss_db", "is_measured", "classical_forward_mw", "classical_backward_mw", "classical_nm")
    }
    for index, access in rows:
        record, length_m = records[index], float(metres[index])
        is_described = access == "lease" or record.access == "pull"
        measured_db = record.measured_loss_db if is_described else None
        forward_mw, backward_mw = record.launches_mw if is_described else (0.0, 0.0)
        columns["loss_db"].append(
            per_m_db * length_m if measured_db is None else measured_db * length_m / total_m[record.id]
        )
        columns["is_measured"].append(measured_db is not None)
        columns["classical_forward_mw"].append(forward_mw)
        columns["classical_backward_mw"].append(backward_mw)
        columns["classical_nm"].append(record.classical_nm if forward_mw + backward_mw > 0.0 else 0.0)
    kinds = {"is_measured": np.bool_}
    return {name: np.array(values, dtype=kinds.get(name, np.float64)) for name, values in columns.items()}


def hop_table(scenario: Scenario, hops: Sequence[Hop]) -> tuple[Columns, Lines]:
    """Return the free-space hops, each with two terminals."""
    count = len(hops)
    terminals = 2.0 * scenario.costs.items["free-space-terminal"].price
    columns = _blank(count) | {
        "ids": tuple(hop.candidate.id for hop in hops),
        "start": np.array([hop.start for hop in hops], dtype=np.int64),
        "end": np.array([hop.end for hop in hops], dtype=np.int64),
        "medium": ("free_space",) * count,
        "length_km": np.array([hop.length_km for hop in hops], dtype=np.float64),
        "loss_db": np.array([hop.loss_db for hop in hops], dtype=np.float64),
        "cable_capex": np.full(count, terminals),
        "max_fibers": np.full(count, HOP_FIBERS, dtype=np.int64),
        "name": tuple(f"{hop.candidate.a} - {hop.candidate.b}" for hop in hops),
        "risk_groups": tuple((f"hop:{hop.candidate.id}",) for hop in hops),
        "assumed": np.array([not hop.candidate.sightline_checked for hop in hops], dtype=np.bool_),
    }
    return columns, lines_of([np.array(hop.line, dtype=np.float64) for hop in hops])


def _blank(count: int) -> Columns:
    """Return columns in which nothing costs anything and digging is allowed."""
    return {
        **{name: np.zeros(count, dtype=np.float64) for name in _NUMBERS},
        **dict.fromkeys(_TEXTS, ("",) * count),
        "used_fibers": np.full(count, NOT_IN_DATA, dtype=np.int64),
        "buildable": np.ones(count, dtype=np.bool_),
        **{name: np.zeros(count, dtype=np.int64) for name in _YEARS},
        "is_measured": np.zeros(count, dtype=np.bool_),
        "forbidden": np.zeros(count, dtype=np.bool_),
        **{name: np.zeros(count) for name in ("classical_forward_mw", "classical_backward_mw", "classical_nm")},
    }


def _loss_db_per_km(scenario: Scenario) -> float:
    """Return the loss of a span per km of its route; the loss of spans is proportional to their length."""
    return span_loss_db(1.0, scenario.hardware.fibers[scenario.spec.fiber])


def _given(values: Sequence[float | None], default: float) -> Floats:
    return np.array([default if value is None else value for value in values], dtype=np.float64)
