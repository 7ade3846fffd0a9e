"""Technologies: what makes the links of a route, and the equipment that its stations take."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from planner.catalog import NEEDED_DEVICES, Distillation, LinkModel, Name, Positive
from planner.scenario.economics import Identifier
from planner.yamlio import Model

Role = Literal["end", "repeater", "pair_source", "heralding", "trusted_node"]


class EquipmentNeed(Model):
    """What a station of some role has to have for one route."""

    item: Name
    units: Annotated[int, Field(ge=1)] = 1
    counted: Literal["per_route", "per_lane", "per_extra_lane"] = "per_route"

    def units_for(self, lanes: int) -> int:
        """Return the units that a route with this many lanes needs."""
        return self.units * {"per_route": 1, "per_lane": lanes, "per_extra_lane": lanes - 1}[self.counted]


class Technology(Model):
    """One way of delivering pairs along a route, and the equipment that it takes."""

    id: Identifier
    link_model: LinkModel
    termination: Name
    detector: Name
    pair_source: Name | None = None
    memory: Name | None = None
    converter: Name | None = None
    """Frequency converter between the photons of source or memory and the fiber."""
    channel: Name | None = None
    """Classical and timing channel; its hardware is bought as `equipment`."""
    hub_users: Annotated[int, Field(ge=2, le=64)] = 2
    """Users of a `broadcast_source` or `switched_source` at full load, for which every link is judged."""
    distillation: tuple[Distillation, ...] = ()
    """Ways of distilling links before they are swapped that the planner may choose; it may also leave it."""
    cutoff: bool = False
    """Whether two links may have a longest wait for each other, which the planner then chooses."""
    max_links: Annotated[int, Field(ge=1, le=8)] = 1
    trusted_nodes: bool = False
    """Whether its links are joined by trusted nodes: each link makes key of its own, and stations between pass it on,
    so that the route delivers key alone, no pairs. Only demands that allow trusted nodes may use it."""
    max_link_loss_db: Positive | None = None
    """Largest loss of spans, joints and laterals that one link may have, both arms together; none for no limit besides
    what rate and fidelity ask."""
    max_lanes: Annotated[int, Field(ge=1, le=64)] = 1
    fibers_per_route: Annotated[int, Field(ge=1, le=8)] = 2
    """Fibers that a route takes in every span: one for photons, one for classical messages and timing."""
    equipment: dict[Role, tuple[EquipmentNeed, ...]]

    @model_validator(mode="after")
    def _chain_needs_memories(self) -> Technology:
        has_memories = NEEDED_DEVICES[self.link_model][1]
        if self.trusted_nodes and has_memories:
            raise ValueError(f"{self.link_model} links are swapped in memories: trusted_nodes must be false")
        if self.max_links > 1 and not (has_memories or self.trusted_nodes):
            raise ValueError(f"a {self.link_model} route has one link: max_links must be 1, or trusted_nodes true")
        return self

    @property
    def inner_role(self) -> Role:
        """Return the role of the stations between links."""
        return "trusted_node" if self.trusted_nodes else "repeater"

    @property
    def middle_role(self) -> Role:
        """Return the role of the station in the middle of each link."""
        return "pair_source" if NEEDED_DEVICES[self.link_model][0] else "heralding"
