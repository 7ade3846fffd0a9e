"""Ducts and leased fiber of the layers: who may use them, what they cost, and which streets they run along."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BeforeValidator, Field, ValidationError

from planner.catalog import NonNegative
from planner.errors import InputError, Problem
from planner.geodata.geojson import Collection, read_line_parts
from planner.geodata.layers import read_layer
from planner.geodata.lines import Lines, drop_repeats, lines_of, split_at
from planner.geodata.region import inside, refuse_elsewhere
from planner.geodata.streets import number_places
from planner.geodata.touching import JOIN_M, join_touching
from planner.geodata.wording import clean_text, counted
from planner.network import Floats, Integers
from planner.scenario import Layer, Scenario
from planner.units import milliwatt
from planner.yamlio import Model

Access = Literal["lease", "pull", "both"]
Condition = Literal["good", "fair", "poor", "blocked"]
Direction = Literal["forward", "backward", "both"]


def _names(value: Any) -> Any:
    """Return a list of names from a list, from text with semicolons, or from nothing."""
    if value is None:
        return ()
    if isinstance(value, str):
        value = value.split(";")
    return tuple(name for name in map(clean_text, value) if name) if isinstance(value, list) else value


def _whole(value: Any) -> Any:
    """Return a whole number that was written with a decimal point as an integer."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Names = Annotated[tuple[str, ...], BeforeValidator(_names)]
Fibers = Annotated[int, Field(ge=0), BeforeValidator(_whole)]
Label = Annotated[str, BeforeValidator(clean_text)]


class DuctRecord(Model):
    """The columns of a duct."""

    id: Annotated[Label, Field(min_length=1)]
    access: Access
    """`pull`: our own cable may be pulled in; `lease`: dark fiber may be leased; `both`: either."""
    owner: Label = ""
    name: Label = ""
    free_fibers: Fibers | None = None
    used_fibers: Fibers | None = None
    lease_per_fiber_km_year: NonNegative | None = None
    rent_per_m_year: NonNegative | None = None
    measured_loss_db: NonNegative | None = None
    """Loss of one fiber from end to end, measured (OTDR) at the wavelength of the scenario's fiber."""
    classical_launch_dbm: Annotated[float, Field(ge=-60.0, le=30.0)] | None = None
    """Power of one classical channel in the fiber, where it enters; none where the fiber is dark."""
    classical_nm: Annotated[float, Field(ge=1260.0, le=1675.0)] = 1550.0
    classical_channels: Annotated[int, Field(ge=1, le=1000), BeforeValidator(_whole)] = 1
    """Channels in each direction that carries any."""
    classical_direction: Direction = "both"
    """`forward`: from the first vertex of the duct to its last; `backward`; or `both`."""
    status: Label = ""
    """What the data says of its state; the scenario tells what that means."""
    condition: Condition = "good"
    """`blocked` ducts are left out; what mending a `poor` one costs is not in the price list."""
    streets: Names = ()
    """Ids of the streets that the duct runs along."""
    risk_groups: Names = ()
    assumed: bool = False
    is_numbered: bool = False
    """Whether the id is no more than the position in the file."""

    @property
    def launches_mw(self) -> tuple[float, float]:
        """Return the classical power launched forward and backward, of all channels together; 0 if dark."""
        if self.classical_launch_dbm is None:
            return 0.0, 0.0
        launch_mw = milliwatt(self.classical_launch_dbm) * self.classical_channels
        ways = ("forward", "backward")
        forward_mw, backward_mw = (launch_mw if self.classical_direction in (way, "both") else 0.0 for way in ways)
        return forward_mw, backward_mw


NUMBERS = (
    "free_fibers",
    "used_fibers",
    "lease_per_fiber_km_year",
    "rent_per_m_year",
    "measured_loss_db",
    "classical_launch_dbm",
    "classical_nm",
    "classical_channels",
)
_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?")

DUCT_COLUMNS: Mapping[str, str] = {name: name for name in DuctRecord.model_fields if name != "is_numbered"}


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Ducts:
    """Ducts as records, and one line for each; a duct of several lines has a record for each."""

    records: tuple[DuctRecord, ...]
    lines: Lines
    notes: tuple[str, ...]
    attributions: tuple[str, ...]


def read_ducts(scenario: Scenario) -> Ducts:
    """Return the ducts of all layers, sorted by id.

    Raises InputError with every record that is wrong, for an id used twice, and for what the lines of a file
    may not be.
    """
    records: list[DuctRecord] = []
    parts: list[Floats] = []
    notes: list[str] = []
    attributions: list[str] = []
    ends_stated: list[bool] = []
    for layer in scenario.spec.layers.ducts:
        collection = read_layer(scenario.folder / layer.path, layer, DUCT_COLUMNS)
        found = read_line_parts(collection)
        refuse_elsewhere(found.coordinates, scenario.spec.extent, str(collection.path))
        collection = _with_ids(collection, layer, notes)
        by_feature = _records(collection, layer, np.unique(found.features).tolist())
        _refuse_repeated(by_feature.values(), {record.id for record in records}, str(collection.path))
        records += [by_feature[feature] for feature in found.features.tolist()]
        parts += np.split(found.coordinates, found.offsets[1:-1])
        ends_stated += [collection.states_ends] * len(found.features)
        notes += found.notes
        attributions.append(layer.attribution or collection.attribution)
    chosen = [index for index, part in enumerate(parts) if inside(part, scenario.spec.extent).all()]
    if len(chosen) < len(parts):
        notes.append(f"{counted(len(parts) - len(chosen), 'duct')} left out, not wholly inside the extent")
    chosen = _without_blocked(_without_repeats(chosen, records, parts, notes), records, notes)
    order = sorted(chosen, key=lambda index: records[index].id)
    groups = np.array([-index if ends_stated[index] else 1 for index in order], dtype=np.int64)
    stated = [layer.join_within_m for layer in scenario.spec.layers.ducts if layer.join_within_m is not None]
    lines = _placed(lines_of([parts[index] for index in order]))
    lines, kept = _noded(lines, groups, max(stated, default=JOIN_M), notes)
    return Ducts(
        records=tuple(records[order[index]] for index in kept.tolist()),
        lines=lines,
        notes=tuple(notes),
        attributions=tuple(attributions),
    )


def _without_blocked(chosen: list[int], records: list[DuctRecord], notes: list[str]) -> list[int]:
    """Return the ducts that a cable or a fiber can still go through."""
    usable = [index for index in chosen if records[index].condition != "blocked"]
    if len(usable) < len(chosen):
        notes.append(f"{counted(len(chosen) - len(usable), 'blocked duct')} left out")
    return usable


def _noded(lines: Lines, groups: Integers, within_m: float, notes: list[str]) -> tuple[Lines, Integers]:
    """Return the ducts cut where another one of their group ends on them, and which duct each piece comes from.

    Where a duct ends on another there is a chamber; where two merely cross there need be none. A piece is taken to
    carry the light that its duct carries at its ends, which is no less.
    """
    if within_m > 0.0:
        lines, joined = join_touching(lines, groups, within_m, "ducts")
        notes += joined
    lines, kept = drop_repeats(lines)
    if len(kept) < len(groups):
        notes.append(f"{counted(len(groups) - len(kept), 'duct')} of zero length left out")
    of_vertex = groups[kept][lines.owners]
    ends = set(zip(lines.places[lines.ends()].tolist(), of_vertex[lines.ends()].tolist(), strict=True))
    is_end = [pair in ends for pair in zip(lines.places.tolist(), of_vertex.tolist(), strict=True)]
    pieces, origins = split_at(lines, np.array(is_end, dtype=np.bool_))
    cut = len(pieces) - len(lines)
    if cut:
        notes.append(f"ducts cut at {counted(cut, 'place')} where others end on them")
    return pieces, kept[origins]


def duct_notes(records: Sequence[DuctRecord]) -> list[str]:
    """Return what the data does not say about the ducts, in counts; a duct of several lines counts once."""
    records = list({record.id: record for record in records}.values())
    gaps = (
        (sum(record.free_fibers is None for record in records), "without a number of free fibers, taken as 2"),
        (sum(not record.streets for record in records), "that name no street: they count as apart from every trench"),
        (sum(record.assumed for record in records), "from an assumed layer"),
        (
            sum(record.measured_loss_db is not None for record in records),
            "with a measured loss, which overrides the model",
        ),
        (
            sum(record.classical_launch_dbm is not None for record in records),
            "with classical traffic in the fiber on offer",
        ),
        (sum(record.condition == "poor" for record in records), "in poor condition: mending is not priced"),
    )
    return [f"{counted(number, 'duct')} {what}" for number, what in gaps if number]


def _with_ids(collection: Collection, layer: Layer, notes: list[str]) -> Collection:
    """Return the collection with ducts numbered by their position, where the file has no column of ids."""
    column = layer.columns.get("id", "id")
    if column in collection.columns() or any(feature.get("id") is not None for feature in collection.features):
        return collection
    stem = collection.path.name.partition(".")[0]
    features = [
        {**feature, "properties": {**collection.properties(index), column: f"{stem}-{index + 1:06d}"}, "numbered": True}
        for index, feature in enumerate(collection.features)
    ]
    notes.append(f"{collection.path.name}: ducts have no ids and are numbered by their position in the file")
    return replace(collection, features=tuple(features))


def _without_repeats(chosen: list[int], records: list[DuctRecord], parts: list[Floats], notes: list[str]) -> list[int]:
    """Return the ducts without those that repeat an earlier one: no id of their own, the same line and columns.

    Other ducts on one line are all kept; they share the risk group `line:<first id>`, which joins their records.
    """
    firsts: dict[bytes, int] = {}
    seen: set[tuple[bytes, DuctRecord]] = set()
    kept: list[int] = []
    together: list[tuple[int, int]] = []
    for index in chosen:
        line = min(parts[index].tobytes(), parts[index][::-1].tobytes())
        key = (line, records[index].model_copy(update={"id": ""}))
        if records[index].is_numbered and key in seen:
            continue
        seen.add(key)
        kept.append(index)
        first = firsts.setdefault(line, index)
        if records[first].id != records[index].id:
            together.append((first, index))
    for first, index in together:
        for each in (first, index):
            groups = dict.fromkeys((*records[each].risk_groups, f"line:{records[first].id}"))
            records[each] = records[each].model_copy(update={"risk_groups": tuple(groups)})
    if len(kept) < len(chosen):
        notes.append(f"{counted(len(chosen) - len(kept), 'duct')} without id drawn twice, counted once")
    return kept


def _records(collection: Collection, layer: Layer, features: list[int]) -> dict[int, DuctRecord]:
    """Return the record of every feature; raises InputError with every one that is wrong."""
    records: dict[int, DuctRecord] = {}
    problems: list[Problem] = []
    columns = {field: layer.columns.get(field, field) for field in DUCT_COLUMNS}
    for feature in features:
        properties = collection.properties(feature)
        values = {field: properties[column] for field, column in columns.items() if properties.get(column) is not None}
        if collection.is_text:
            values = {field: _from_text(field, value) for field, value in values.items()}
        values["assumed"] = values.get("assumed", False) or layer.assumed
        values["is_numbered"] = "numbered" in collection.features[feature]
        try:
            records[feature] = DuctRecord.model_validate(values)
        except ValidationError as error:
            problems += [
                Problem(
                    where=collection.label(feature),
                    key_path=columns.get(str(item["loc"][0]), "") if item["loc"] else "",
                    problem=f"{item['msg']} (got {item['input']!r:.60})" if item["type"] != "missing" else _MISSING,
                )
                for item in error.errors(include_url=False)
            ]
    if problems:
        raise InputError(*problems)
    return records


def _from_text(field: str, value: Any) -> Any:
    """Return the number or flag that a text column states; text that is none stays, to be refused by name."""
    if field == "assumed" and isinstance(value, str):
        return {"true": True, "false": False, "1": True, "0": False}.get(value.lower(), value)
    if field in NUMBERS and isinstance(value, str) and _NUMBER.fullmatch(value):
        return float(value)
    return value


_MISSING = "required column is missing; every duct needs an id, and access: lease, pull or both"


def _refuse_repeated(new: Iterable[DuctRecord], earlier: set[str], where: str) -> None:
    """Raise InputError when two ducts have one id."""
    uses = Counter(record.id for record in new)
    repeated = sorted(name for name, number in uses.items() if number > 1 or name in earlier)
    if repeated:
        raise InputError(*(Problem(where=where, problem=f"duct id '{name}' is used twice") for name in repeated))


def _placed(lines: Lines) -> Lines:
    """Return the lines with equal places where coordinates are equal."""
    places = number_places(lines.coordinates, lines.ends(), np.zeros(len(lines.places), dtype=np.int64))
    return Lines(offsets=lines.offsets, coordinates=lines.coordinates, places=places)
