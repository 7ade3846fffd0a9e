"""What a scenario may say about opening streets: zones, districts and their authorities, crossings, roadworks."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from planner.catalog import Name, NonNegative, Positive, Share
from planner.yamlio import Model

Text = Annotated[str, Field(max_length=500)]


class ZoneRule(Model):
    """What a zone of some kind means for digging."""

    kind: Annotated[str, Field(min_length=1)]
    factor: Positive = 1.0
    """On digging and on the permit."""
    forbidden: bool = False
    permit_per_m: NonNegative = 0.0
    """Fee on top of the price list's permit, in the scenario's money."""
    permit_lead_months: Annotated[int, Field(ge=0, le=120)] = 0
    """Time from the application to the permit."""
    source: Annotated[str, Field(min_length=3)]
    assumed: bool = False


class DistrictRule(Model):
    """What an authority asks in its part of the city, instead of the scenario's density and besides the zones."""

    district: Annotated[str, Field(min_length=1)]
    """Name in `layers.districts`."""
    authority: Text = ""
    density: Name | None = None
    """Key of `densities` in the price list; none for the scenario's."""
    factor: Positive = 1.0
    """On digging and on the permit."""
    permit_per_m: NonNegative = 0.0
    """Fee on top of the price list's permit, in the scenario's money."""
    permit_lead_months: Annotated[int, Field(ge=0, le=120)] = 0
    source: Annotated[str, Field(min_length=3)]
    assumed: bool = False


class CrossingRule(Model):
    """What it takes to cross a kind of barrier."""

    kind: Annotated[str, Field(min_length=1)]
    """`rail`, `water` or `motorway` from OpenStreetMap, or a kind in `layers.barriers`."""
    item: Name
    """Cost item of one crossing."""


class RoadworksRule(Model):
    """What is saved where a street is open anyway."""

    factor: Share
    """On the price of digging in the phase in which the roadworks fall."""
    source: Annotated[str, Field(min_length=3)]
    assumed: bool = False


class RightOfWay(Model):
    """Rules for opening streets."""

    density: Name
    """Key of `densities` in the price list."""
    forbidden_road_classes: tuple[Name, ...] = ()
    permit_lead_months: Annotated[int, Field(ge=0, le=120)] = 0
    """Time from the application to the permit, where no zone or district says more."""
    zones: tuple[ZoneRule, ...] = ()
    districts: tuple[DistrictRule, ...] = ()
    crossings: tuple[CrossingRule, ...] = ()
    roadworks: RoadworksRule | None = None
