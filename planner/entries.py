"""What every catalog entry has, and the kinds of numbers in it."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from planner.yamlio import Model

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Positive = Annotated[float, Field(gt=0.0)]
NonNegative = Annotated[float, Field(ge=0.0)]
Fidelity = Annotated[float, Field(gt=0.25, le=1.0)]
Name = Annotated[str, Field(min_length=1, max_length=80)]


class Entry(Model):
    """A catalog entry: what it describes and where its figures come from."""

    label: Annotated[str, Field(min_length=1, max_length=200)]
    """Name for tables and reports."""
    source: Annotated[str, Field(min_length=3)]
    """Author, year and identifier of the figures, or the reasoning behind an assumption."""
    assumed: bool | tuple[str, ...] = False
    """True when all figures are judgements, or the names of those that are."""

    @model_validator(mode="after")
    def _assumed_names_are_fields(self) -> Self:
        if not isinstance(self.assumed, bool):
            unknown = sorted(set(self.assumed) - set(type(self).model_fields))
            if unknown:
                raise ValueError(f"assumed names no field of this entry: {', '.join(unknown)}")
        return self
