"""Check of what overrides make of spans: worked out again from the scenario and the drawn layers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from planner.network import Network
from planner.scenario import Layer, Scenario
from planner.verify.facts import Facts
from planner.verify.findings import Finding, agree, flawless
from planner.verify.geometry import shares_inside
from planner.verify.layers import column_of, read_raw_drawing
from planner.verify.settled_checks import spans_of

LEAST_SHARE, DOUBT = 0.5, 0.05
"""Share of a span that lies in an override that concerns it; nearer to it than this, both answers are right."""
YES = ("yes", "true", "1", "1.0")


@dataclass(kw_only=True, slots=True)
class _Wanted:
    """What overrides say of one span."""

    factor: float = 0.0
    capacities: list[int] = field(default_factory=list)
    forbidden: bool = False
    phases: list[str] = field(default_factory=list)

    def add(self, factor: float | None, capacity: int | None) -> None:
        """Take in one more factor and capacity."""
        if factor is not None:
            self.factor = (self.factor or 1.0) * factor
        if capacity is not None:
            self.capacities.append(capacity)


def overrides_are_kept(facts: Facts) -> Iterator[Finding]:
    """Yield whether spans have the price factors, capacities and settlements of the overrides, and no others.

    Spans that lie in about half of a drawn override are left out, and everything where a layer cannot be read.
    """
    network, scenario = facts.network, facts.scenario
    layers = scenario.spec.layers.overrides
    if not scenario.spec.overrides and not layers:
        strange = [name for name, text in zip(network.spans.ids, network.spans.override, strict=True) if text]
        if strange or bool(network.spans.price_factor.any()):
            yield flawless("spans", "no overrides", [f"{name} has one" for name in strange] or ["a price factor"])
        return
    wanted = {at: _Wanted() for at in range(len(network.spans))}
    for item in scenario.spec.overrides:
        for name in spans_of(network, item):
            wanted[facts.span_index[name]].add(item.price_factor, item.capacity)
    for layer in layers:
        if unread_drawing(scenario, layer):
            return
        for at in _add_drawn(network, scenario, layer, wanted):
            wanted.pop(at, None)
    flaws = [flaw for at, want in wanted.items() for flaw in _flaws(facts, at, want)]
    concerned = sum(bool(text) for text in network.spans.override)
    yield flawless(f"{concerned} spans with overrides", "as the scenario and its layers say", flaws)


def unread_drawing(scenario: Scenario, layer: Layer) -> str:
    """Return why a layer of overrides cannot be read again, or nothing."""
    return read_raw_drawing(scenario.folder, layer).unread


def _add_drawn(network: Network, scenario: Scenario, layer: Layer, wanted: Mapping[int, _Wanted]) -> set[int]:
    """Add what a layer says to the spans in its shapes; return those of which it is not sure."""
    drawing, media = read_raw_drawing(scenario.folder, layer), network.spans.medium
    ground = [at for at in wanted if media[at] != "free_space"]
    inside = shares_inside(network.spans, ground, [one.shape for one in drawing.shapes], drawing.crs)
    unsure: set[int] = set()
    for drawn, shares in zip(drawing.shapes, inside, strict=True):
        said = {name: _text(drawn.properties.get(column_of(layer, name))) for name in _FIELDS}
        for at, share in shares.items():
            if said["medium"] not in ("", media[at]):
                continue
            if abs(share - LEAST_SHARE) < DOUBT:
                unsure.add(at)
            elif share > LEAST_SHARE:
                _take_in(wanted[at], said)
    return unsure


_FIELDS = ("forbid", "force", "price_factor", "capacity", "medium")


def _text(value: Any) -> str:
    return "" if value is None else str(value).strip()


def _take_in(want: _Wanted, said: Mapping[str, str]) -> None:
    """Add what a feature says."""
    factor, capacity = said["price_factor"], said["capacity"]
    want.add(float(factor) if factor else None, round(float(capacity)) if capacity else None)
    want.forbidden |= said["forbid"].lower() in YES
    want.phases += [said["force"]] if said["force"] else []


def _flaws(facts: Facts, at: int, want: _Wanted) -> Iterator[str]:
    """Yield in what a span differs from what overrides say of it."""
    spans, order = facts.network.spans, [phase.id for phase in facts.scenario.phases]
    name, factor = spans.ids[at], float(spans.price_factor[at])
    if not agree(want.factor, factor):
        yield f"{name} has the price factor {factor:g} instead of {want.factor:g}"
    if want.capacities and int(spans.max_fibers[at]) != min(want.capacities):
        yield f"{name} has room for {int(spans.max_fibers[at])} fibers instead of {min(want.capacities)}"
    if bool(spans.forbidden[at]) != want.forbidden:
        yield f"{name} is {'' if want.forbidden else 'not '}forbidden by a drawn override"
    phase = min(want.phases, key=order.index, default="")
    if spans.forced_phase[at] != phase:
        yield f"{name} is forced by '{spans.forced_phase[at]}' instead of '{phase}'"
