"""Check of what spans say about light: measured losses, and classical traffic in the fiber."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from planner.network import Network
from planner.scenario import Layer, Scenario
from planner.verify.facts import Facts
from planner.verify.findings import Finding, agree, flawless
from planner.verify.layers import read_raw_layer


def light_is_as_stated(facts: Facts) -> Iterator[Finding]:
    """Yield whether spans carry the measured losses and the classical light that the duct layers state, and no other.

    Nothing is yielded for spans of layers that cannot be read, or whose ducts have no ids.
    """
    spans = facts.network.spans
    stated, unread = stated_light(facts.scenario)
    strange = [] if unread else _stray_light(facts.network, stated)
    flaws = [flaw for index in range(len(spans)) for flaw in _light_flaws(facts.network, index, stated)]
    touched = int((spans.is_measured | (spans.classical_nm > 0.0)).sum())
    if touched or flaws or strange:
        yield flawless(f"{touched} spans with a measured loss or classical light", "as stated", [*flaws, *strange])


def stated_light(scenario: Scenario) -> tuple[Mapping[str, Mapping[str, Any]], tuple[str, ...]]:
    """Return what the duct layers state about each duct by its id, and why some of the layers were not read."""
    found: dict[str, Mapping[str, Any]] = {}
    unread: list[str] = []
    for layer in scenario.spec.layers.ducts:
        raw = read_raw_layer(scenario.folder, layer)
        unread += [raw.unread] if raw.unread else []
        for line in raw.lines:
            name = _field(line.properties, layer, "id")
            if name is None:
                unread.append(f"{layer.path} has ducts without ids")
            else:
                found[str(name)] = {field: _field(line.properties, layer, field) for field in _LIGHT_FIELDS}
    return found, tuple(dict.fromkeys(unread))


_LIGHT_FIELDS = (
    "access",
    "measured_loss_db",
    "classical_launch_dbm",
    "classical_nm",
    "classical_channels",
    "classical_direction",
)


def _field(properties: Mapping[str, Any], layer: Layer, field: str) -> Any:
    value = properties.get(layer.columns.get(field, field))
    return layer.values.get(field) if value is None else value


def _stray_light(network: Network, stated: Mapping[str, Mapping[str, Any]]) -> list[str]:
    spans = network.spans
    marked = (spans.is_measured | (spans.classical_nm > 0.0)).nonzero()[0].tolist()
    return [f"{spans.ids[at]} is no duct of a layer" for at in marked if _duct(spans.ids[at], stated) not in stated]


def _duct(span: str, stated: Mapping[str, Any]) -> str:
    """Return the duct that a span is, or is a piece of: later pieces have a number behind the id."""
    name = span.rpartition("/")[0]
    return name if name in stated else name.rpartition("~")[0]


def _light_flaws(network: Network, index: int, stated: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    spans = network.spans
    values = stated.get(_duct(spans.ids[index], stated))
    if values is None:
        return
    is_described = spans.medium[index] == "dark_fiber" or values["access"] == "pull"
    measured_db = values["measured_loss_db"] if is_described else None
    if bool(spans.is_measured[index]) != (measured_db is not None):
        yield f"{spans.ids[index]}: the layer states {'a' if measured_db is not None else 'no'} measured loss"
    elif measured_db is not None and float(spans.loss_db[index]) > float(measured_db) * (1.0 + 1e-6):
        yield f"{spans.ids[index]} loses {spans.loss_db[index]:g} dB, measured were {float(measured_db):g} dB"
    launch = values["classical_launch_dbm"] if is_described else None
    launch_mw = 0.0 if launch is None else 10.0 ** (float(launch) / 10.0) * float(values["classical_channels"] or 1)
    way = values["classical_direction"] or "both"
    for name, found_mw in (("forward", spans.classical_forward_mw), ("backward", spans.classical_backward_mw)):
        wanted_mw = launch_mw if way in (name, "both") else 0.0
        if not agree(wanted_mw, float(found_mw[index])):
            yield f"{spans.ids[index]} carries {found_mw[index]:g} mW {name}, stated are {wanted_mw:g} mW"
    if launch_mw and not agree(float(values["classical_nm"] or 1550.0), float(spans.classical_nm[index])):
        yield f"{spans.ids[index]} has its traffic at {spans.classical_nm[index]:g} nm, not where it is stated"
