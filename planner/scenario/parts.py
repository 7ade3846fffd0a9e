"""What a scenario settles beforehand: parts of the network that stand already, must be built, or must not be used."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from planner.catalog import Name
from planner.scenario.economics import Identifier, Text
from planner.scenario.technologies import Role
from planner.yamlio import Model

Count = Annotated[int, Field(ge=1)]


class Part(Model):
    """Spans and sites, named by id or by what a layer says of them."""

    spans: tuple[str, ...] = ()
    """Ids of spans, as the network names them (streets, ducts, free-space hops)."""
    statuses: tuple[str, ...] = ()
    """Values of the column `status` of streets and ducts: all spans that have one of them."""
    sites: tuple[Identifier, ...] = ()
    note: Text = ""

    @model_validator(mode="after")
    def _names_something(self) -> Part:
        if not (self.spans or self.statuses or self.sites):
            raise ValueError("name at least one of spans, statuses and sites")
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
