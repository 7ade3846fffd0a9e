"""What users ask for: pairs between two sites, and how safely."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from planner.catalog import Positive
from planner.scenario.economics import Identifier, Text
from planner.yamlio import Model

Redundancy = Literal["strict", "maximal"]
Disjointness = Literal["repeater", "span", "duct", "structure", "node"]
LEVELS: tuple[Disjointness, ...] = ("repeater", "span", "duct", "structure", "node")
"""How far apart two routes lie, each level with what the ones before it ask."""


class Demand(Model):
    """Two sites that must share entangled pairs, from a phase on."""

    id: Identifier
    a: Identifier
    b: Identifier
    min_rate_hz: Positive
    """Pairs per second that every route must deliver on its own."""
    min_fidelity: Annotated[float, Field(gt=0.5, lt=1.0)]
    rate_plane: Literal["detected", "stored"]
    """Where the pairs are counted: as detected coincidences, or as stored pairs. The two are never mixed."""
    routes: Annotated[int, Field(ge=1, le=2)] = 1
    """Number of physically disjoint routes."""
    redundancy: Redundancy = "strict"
    """What two routes may share. `strict`: nothing but the laterals of their own ends; a site that hangs on a dead end
    is refused. `maximal`: also what no route between the two sites can avoid, each metre of it named and priced."""
    disjoint: Disjointness = "structure"
    """What counts as shared, each level with what the ones before it count. `repeater`: repeater sites alone. `span`:
    spans, and sites of all stations between the ends. `duct`: also conduits, and streets that one dig opens.
    `structure`: also bridges, tunnels, buildings, trenches side by side, and risk groups that the data names. `node`:
    also junctions, handholes and sites that are passed."""
    from_phase: Identifier
    weight: Positive = 1.0
    """Worth of serving this demand, for the objective `service`."""
    group: Text = ""
    """Who asks: core, district, campus, emergency ..."""
