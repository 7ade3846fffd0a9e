"""How often fibers are cut, devices and power fail, and fog stands in the way: figures of the hardware catalog."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from planner.entries import Entry, Name, NonNegative, Positive, Share
from planner.yamlio import Model

HOURS_PER_YEAR = 8760.0


class CutRate(Entry):
    """Cuts of cable in one medium."""

    cuts_per_1000_km_year: NonNegative
    repair_h: NonNegative


class Outage(Entry):
    """Failures of a device, a feed or a structure, and the hours in which it is taken out on purpose."""

    mean_time_between_failures_h: Positive
    repair_h: NonNegative
    service_h_per_year: Annotated[float, Field(ge=0.0, le=HOURS_PER_YEAR)] = 0.0
    """Planned: maintenance windows, calibration, warming and cooling of cryostats."""

    @property
    def unavailability(self) -> float:
        """Return the share of the time in which it does not work, failed or out of service."""
        up = self.mean_time_between_failures_h / (self.mean_time_between_failures_h + self.repair_h)
        return 1.0 - up * (1.0 - self.service_h_per_year / HOURS_PER_YEAR)


class Reliability(Model):
    """Failure figures: by medium of spans, of shared structures, of a site's power, and of equipment by cost item."""

    cuts: dict[Name, CutRate]
    """Medium of spans (trench, duct, dark_fiber) -> cuts."""
    structure: Outage
    """A bridge, tunnel or other structure that several spans share."""
    power: Outage
    """Power and climate of a site."""
    equipment: dict[Name, Outage]
    """Cost item -> failures of what is bought for a route; items that are not named never fail."""


class Climate(Entry):
    """How often which visibility is seen: all free-space hops of a region have the same at the same time."""

    visibility_km: tuple[NonNegative, ...]
    """Lower edges of classes, rising, the first 0."""
    shares: tuple[Share, ...]
    """Share of the time of each class."""

    @model_validator(mode="after")
    def _is_a_histogram(self) -> Self:
        edges = self.visibility_km
        if not edges or edges[0] != 0.0 or list(edges) != sorted(set(edges)) or len(edges) != len(self.shares):
            raise ValueError("visibility_km must rise from 0, with one share for each class")
        if abs(sum(self.shares) - 1.0) > 1e-6:
            raise ValueError(f"shares must add up to 1, not {sum(self.shares):g}")
        return self
