"""What holds for single spans instead of price list and layers: named in the scenario, or drawn in a layer."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import shapely
from pyproj import Transformer

from planner.errors import InputError, Problem
from planner.fixed import SpanNames
from planner.geodata.geojson import MAX_PROBLEMS, Collection
from planner.geodata.layers import read_layer
from planner.geodata.polygons import LINES, POLYGONS, read_shapes
from planner.geodata.region import drawn_in_metres, refuse_elsewhere, to_metres
from planner.geodata.wording import clean_text, counted
from planner.geodata.works import lines_within
from planner.network import MEDIA, Spans
from planner.scenario import Layer, Scenario
from planner.yamlio import nearest

FIELDS = ("forbid", "force", "price_factor", "capacity", "medium")
PRICES = (
    "trench_capex",
    "right_of_way_capex",
    "crossing_capex",
    "cable_capex",
    "rent_per_year",
    "lease_per_fiber_year",
)
"""Columns that a price factor multiplies."""
YES, NO = frozenset({"yes", "true", "1", "1.0"}), frozenset({"no", "false", "0", "0.0", ""})


@dataclass(frozen=True, kw_only=True, slots=True)
class _Rule:
    """What one override says of some spans, and where it is said."""

    where: str
    spans: tuple[int, ...] = ()
    price_factor: float | None = None
    capacity: int | None = None
    forbid: bool = False
    force: str = ""
    medium: str = ""

    @property
    def says_something(self) -> bool:
        """Return whether anything is changed."""
        return self.forbid or bool(self.force) or self.price_factor is not None or self.capacity is not None


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Overridden:
    """The spans as the overrides leave them."""

    spans: Spans
    notes: tuple[str, ...] = ()
    attributions: tuple[str, ...] = ()


def with_overrides(scenario: Scenario, spans: Spans, projection: Transformer) -> Overridden:
    """Return the spans with the prices, capacities and settlements that overrides give them.

    A drawn override concerns the streets and ducts of which at least half lies in its area, or beside its line; of a
    hop, only its id can be named. Of several overrides of one span, factors multiply, the least capacity and the first
    phase count, and one that forbids is enough. Raises InputError, located, for names and values that cannot be.
    """
    names = SpanNames(spans, str(scenario.path))
    rules = [
        _Rule(
            where=f"overrides[{number}]",
            spans=tuple(sorted(names.spans(item, f"overrides[{number}]"))),
            price_factor=item.price_factor,
            capacity=item.capacity,
        )
        for number, item in enumerate(scenario.spec.overrides)
    ]
    if names.problems:
        raise InputError(*names.problems[:MAX_PROBLEMS])
    notes: list[str] = []
    attributions: list[str] = []
    for layer in scenario.spec.layers.overrides:
        collection = read_layer(scenario.folder / layer.path, layer, {field: field for field in FIELDS})
        drawn, said = _drawn_rules(scenario, layer, collection, spans, projection)
        rules += drawn
        notes += said
        attributions.append(layer.attribution or collection.attribution)
    notes += [
        f"override {rule.where}: {counted(len(rule.spans), 'span')}" if rule.spans else f"{rule.where} holds no span"
        for rule in rules
    ]
    phases = [phase.id for phase in scenario.phases] if any(rule.force for rule in rules) else []
    changed = _apply(spans, rules, phases) if rules else spans
    return Overridden(spans=changed, notes=tuple(notes), attributions=tuple(attributions))


def _drawn_rules(
    scenario: Scenario, layer: Layer, collection: Collection, spans: Spans, projection: Transformer
) -> tuple[list[_Rule], tuple[str, ...]]:
    """Return the overrides of a layer with the spans that lie in them, and notes about shapes."""
    drawn = read_shapes(collection, "override", (*POLYGONS, *LINES))
    refuse_elsewhere(shapely.get_coordinates(drawn.shapes), scenario.spec.extent, str(collection.path))
    columns = {field: layer.columns.get(field, field) for field in FIELDS}
    problems: list[Problem] = []
    said = [_rule(collection, index, columns, problems) for index in drawn.features]
    if problems:
        raise InputError(*problems[:MAX_PROBLEMS])
    ground = np.array([at for at, medium in enumerate(spans.medium) if medium != "free_space"], dtype=np.int64)
    owners = np.repeat(np.arange(len(spans)), np.diff(spans.offsets))
    lines = np.asarray(shapely.linestrings(to_metres(projection, spans.coordinates), indices=owners))[ground]
    members, at = lines_within(lines, np.asarray(shapely.length(lines)), drawn_in_metres(drawn.shapes, projection))
    inside: list[list[int]] = [[] for _ in said]
    for span, number in sorted(zip(ground[members].tolist(), at.tolist(), strict=True)):
        if said[number].medium in ("", spans.medium[span]):
            inside[number].append(span)
    rules = [replace(rule, spans=tuple(found)) for rule, found in zip(said, inside, strict=True)]
    return rules, drawn.notes


def _rule(collection: Collection, index: int, columns: Mapping[str, str], problems: list[Problem]) -> _Rule:
    """Return what a drawn feature says; what is wrong with it joins `problems`."""
    given = {field: clean_text(collection.properties(index).get(name)) for field, name in columns.items()}
    where = f"{collection.path.name}: {collection.label(index).rpartition(': ')[2]}"
    wrong = dict(_wrong_values(given))
    problems += [
        Problem(where=collection.label(index), key_path=columns[field], problem=text) for field, text in wrong.items()
    ]
    if wrong:
        return _Rule(where=where)
    rule = _Rule(
        where=where,
        price_factor=float(given["price_factor"]) if given["price_factor"] else None,
        capacity=int(float(given["capacity"])) if given["capacity"] else None,
        forbid=given["forbid"].lower() in YES,
        force=given["force"],
        medium=given["medium"],
    )
    if not rule.says_something:
        said = ", ".join(columns[field] for field in FIELDS[:-1])
        problems.append(Problem(where=collection.label(index), problem=f"says nothing: give one of {said}"))
    return rule


def _wrong_values(given: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield field and problem for every value that cannot be."""
    if given["forbid"].lower() not in YES | NO:
        yield "forbid", f"'{given['forbid']}' is neither yes nor no"
    if given["medium"] and given["medium"] not in MEDIA:
        yield "medium", f"unknown medium '{given['medium']}'{nearest(given['medium'], MEDIA)}"
    factor, capacity = _number(given["price_factor"]), _number(given["capacity"])
    if factor is not None and not 0.0 < factor < math.inf:
        yield "price_factor", f"'{given['price_factor']}' is no number above 0"
    if capacity is not None and not (capacity >= 0.0 and capacity < 1e9 and float(capacity).is_integer()):
        yield "capacity", f"'{given['capacity']}' is no number of fibers"


def _number(text: str) -> float | None:
    """Return the number that a text is, NaN for other text, None for none."""
    try:
        return float(text) if text else None
    except ValueError:
        return math.nan


def _apply(spans: Spans, rules: list[_Rule], phases: list[str]) -> Spans:
    """Return the spans with what all rules say of them."""
    count = len(spans)
    factors, is_priced = np.ones(count), np.zeros(count, dtype=np.bool_)
    capacity, forbidden = np.full(count, np.iinfo(np.int64).max), spans.forbidden.copy()
    forced, names = list(spans.forced_phase), [[] if not text else [text] for text in spans.override]
    rank = {phase: number for number, phase in enumerate(phases)}
    for rule in rules:
        at = list(rule.spans)
        if rule.price_factor is not None:
            factors[at] *= rule.price_factor
            is_priced[at] = True
        if rule.capacity is not None:
            capacity[at] = np.minimum(capacity[at], rule.capacity)
        forbidden[at] |= rule.forbid
        for span in at:
            names[span].append(rule.where)
            if rule.force and (not forced[span] or rank.get(rule.force, -1) < rank.get(forced[span], -1)):
                forced[span] = rule.force
    changed: dict[str, Any] = {name: getattr(spans, name) * factors for name in PRICES}
    return replace(
        spans,
        **changed,
        price_factor=np.where(is_priced, factors, 0.0),
        max_fibers=np.where(capacity < np.iinfo(np.int64).max, capacity, spans.max_fibers),
        forbidden=forbidden,
        forced_phase=tuple(forced),
        override=tuple("; ".join(texts) for texts in names),
    )
