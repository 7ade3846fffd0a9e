"""What a scenario says of single spans and sites: as built, forced, forbidden, at another price or capacity."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from planner.catalog import Name, Positive
from planner.scenario.economics import Identifier, Text
from planner.scenario.technologies import Role
from planner.yamlio import Model

Count = Annotated[int, Field(ge=1)]


class SpanChoice(Model):
    """Spans, named by id or by what a layer says of them."""

    spans: tuple[str, ...] = ()
    """Ids of spans, as the network names them (streets, ducts, free-space hops)."""
    streets: tuple[str, ...] = ()
    """Ids of streets in their layer (`w123` for a way of OpenStreetMap): every trench along them."""
    ducts: tuple[str, ...] = ()
    """Ids of ducts in their layer: every piece of them, as cable of our own and as lease."""
    statuses: tuple[str, ...] = ()
    """Values of the column `status` of streets and ducts: all spans that have one of them."""
    note: Text = ""

    @property
    def names_spans(self) -> bool:
        """Return whether any span is named."""
        return bool(self.spans or self.streets or self.ducts or self.statuses)


class SpanOverride(SpanChoice):
    """What holds for some spans instead of the price list and the layers."""

    price_factor: Positive | None = None
    """On all that the spans cost: digging, permit, crossings, cable, terminals, rent and lease."""
    capacity: Annotated[int, Field(ge=0)] | None = None
    """Fibers that the plan may use in each of the spans, whatever the data says."""

    @model_validator(mode="after")
    def _changes_something(self) -> SpanOverride:
        if not self.names_spans:
            raise ValueError("name at least one of spans, streets, ducts and statuses")
        if self.price_factor is None and self.capacity is None:
            raise ValueError("say price_factor or capacity; `force` and `forbid` are lists of their own")
        return self


class Part(SpanChoice):
    """Spans and sites."""

    sites: tuple[Identifier, ...] = ()

    @model_validator(mode="after")
    def _names_something(self) -> Part:
        if not (self.names_spans or self.sites):
            raise ValueError("name at least one of spans, streets, ducts, statuses and sites")
        return self


class BuiltPart(Part):
    """What stands already: it costs nothing, and its capacity counts. Leases of fiber are paid all the same."""

    items: dict[Name, Count] = Field(default_factory=dict)
    """Units of equipment that each of the `sites` owns."""


class ForcedPart(BuiltPart):
    """What must be in use, open or bought by the end of a phase, whether a route needs it or not."""

    phase: Identifier


class ForbiddenPart(Part):
    """What must not be used: spans, and sites as places of stations."""

    roles: tuple[Role, ...] = ()
    """Stations that must not stand at the `sites`; none means no station at all."""
