"""What users ask for: pairs between two sites, and how safely."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PrivateAttr, model_validator

from planner.catalog import NonNegative, Positive
from planner.scenario.economics import Identifier, Text
from planner.units import BBM92_SIFTING
from planner.yamlio import Model

Redundancy = Literal["strict", "maximal"]
Disjointness = Literal["repeater", "span", "duct", "structure", "node"]
SecurityClass = Annotated[int, Field(ge=0, le=9)]
"""How well a place is guarded, on a scale of the scenario's own: more is safer."""
Target = Literal["primary", "backup"]
"""Whose targets a route meets: the full ones, or the lower ones that a demand may allow its backup."""
LEVELS: tuple[Disjointness, ...] = ("repeater", "span", "duct", "structure", "node")
"""How far apart two routes lie, each level with what the ones before it ask."""


class Demand(Model):
    """Two sites that must share entangled pairs, from a phase on."""

    id: Identifier
    a: Identifier
    b: Identifier
    min_rate_hz: NonNegative = 0.0
    """Pairs per second that every route must deliver on its own; 0 where key or ebits are asked for instead."""
    min_key_rate_bps: Positive | None = None
    """Secret bits per second (BBM92) that every route must deliver."""
    min_ebit_rate_hz: Positive | None = None
    """Ebits per second (hashing bound) that every route must deliver."""
    max_latency_s: Positive | None = None
    """Longest signal time from end to end."""
    min_availability: Annotated[float, Field(gt=0.0, lt=1.0)] | None = None
    """Share of the time in which at least one route works, by the catalog's figures for cuts and outages."""
    min_fidelity: Annotated[float, Field(gt=0.5, lt=1.0)]
    backup_min_rate_hz: Positive | None = None
    """What the backup must deliver, where that may be less; one route always meets the full target."""
    backup_min_fidelity: Annotated[float, Field(gt=0.5, lt=1.0)] | None = None
    rate_plane: Literal["detected", "stored", "either"]
    """Where the pairs are counted: as detected coincidences, or as stored pairs. The two are never mixed. `either` is
    for who asks for key alone, which both give."""
    routes: Annotated[int, Field(ge=1, le=4)] = 1
    """Number of physically disjoint routes, each two of them apart."""
    redundancy: Redundancy = "strict"
    """What two routes may share. `strict`: nothing but the laterals of their own ends; a site that hangs on a dead end
    is refused. `maximal`: also what no route between the two sites can avoid, each metre of it named and priced."""
    disjoint: Disjointness = "structure"
    """What counts as shared, each level with what the ones before it count. `repeater`: repeater sites alone. `span`:
    spans, and sites of all stations between the ends. `duct`: also conduits, and streets that one dig opens.
    `structure`: also bridges, tunnels, buildings, trenches side by side, and risk groups that the data names. `node`:
    also junctions, handholes and sites that are passed."""
    min_security_class: SecurityClass = 0
    """Least security class of the sites of all stations on its routes, the two ends included."""
    trusted_nodes: bool = False
    """Whether key may pass stations that know it (technologies with `trusted_nodes`); never for pairs or ebits."""
    from_phase: Identifier
    upgrades: bool = False
    """Whether technology and routes may change in a later phase, where that allows other technologies than the phase
    before. New equipment is paid for; otherwise a technology must be allowed to the end, and routes are kept."""
    weight: Positive = 1.0
    """Worth of serving this demand, for the objective `service`."""
    group: Text = ""
    """Who asks: core, district, campus, emergency ..."""
    _target: Target = PrivateAttr(default="primary")
    _whole: str = PrivateAttr(default="")
    _until_phase: str = PrivateAttr(default="")
    _ring: str = PrivateAttr(default="")
    _ring_members: tuple[str, ...] = PrivateAttr(default=())

    @model_validator(mode="after")
    def _backup_asks_less(self) -> Demand:
        for name, backup, full in (
            ("rate_hz", self.backup_min_rate_hz, self.min_rate_hz),
            ("fidelity", self.backup_min_fidelity, self.min_fidelity),
        ):
            if backup is not None and self.routes < 2:
                raise ValueError(f"backup_min_{name} needs a backup: routes must be at least 2")
            if backup is not None and backup > full:
                raise ValueError(f"backup_min_{name} must not exceed min_{name}")
        return self

    @model_validator(mode="after")
    def _counts_in_one_plane(self) -> Demand:
        if self.rate_plane == "either" and (self.min_rate_hz or self.min_ebit_rate_hz):
            raise ValueError("pairs and ebits are counted in one plane: rate_plane either is for key alone")
        return self

    @model_validator(mode="after")
    def _trusts_nodes_with_key_alone(self) -> Demand:
        if self.trusted_nodes and (self.min_rate_hz or self.min_ebit_rate_hz or not self.min_key_rate_bps):
            raise ValueError("trusted nodes pass on key alone: ask for min_key_rate_bps and neither pairs nor ebits")
        return self

    @model_validator(mode="after")
    def _asks_for_a_rate(self) -> Demand:
        if self.least_pair_rate_hz <= 0.0:
            raise ValueError("state at least one of min_rate_hz, min_key_rate_bps and min_ebit_rate_hz")
        return self

    def targets(self, pairs: str = "pairs") -> tuple[str, ...]:
        """Return in words what is asked for at least, and the longest latency; `pairs` names the pairs."""
        wanted = [
            (self.min_rate_hz, f"{pairs} per second"),
            (self.min_key_rate_bps, "key bits per second"),
            (self.min_ebit_rate_hz, "ebits per second"),
        ]
        words = [f"{value:.6g} {what}" for value, what in wanted if value]
        late = [] if self.max_latency_s is None else [f"at most {self.max_latency_s * 1e3:g} ms of latency"]
        up = [] if self.min_availability is None else [f"{self.min_availability:.4%} of the time"]
        return (*words, *late, *up)

    @property
    def least_pair_rate_hz(self) -> float:
        """Return a pair rate without which no target is met: a pair gives at most half a key bit, or one ebit."""
        return max(self.min_rate_hz, (self.min_key_rate_bps or 0.0) / BBM92_SIFTING, self.min_ebit_rate_hz or 0.0)

    def counts(self, plane: str) -> bool:
        """Return whether pairs that are counted in a plane are what is asked for."""
        return self.rate_plane in (plane, "either")

    @property
    def least_rates_hz(self) -> tuple[float, float, float]:
        """Return the least rates of pairs (without which no target is met), key and ebits; 0 for what is not asked."""
        return self.least_pair_rate_hz, self.min_key_rate_bps or 0.0, self.min_ebit_rate_hz or 0.0

    @property
    def target(self) -> Target:
        """Return for which of the routes the targets hold that this demand shows."""
        return self._target

    @property
    def whole(self) -> str:
        """Return the id of the demand that this one is, or is a stretch of time of."""
        return self._whole or self.id

    @property
    def until_phase(self) -> str:
        """Return the last phase of a stretch; nothing for a demand that lasts to the end."""
        return self._until_phase

    def between(self, first: str, last: str) -> Demand:
        """Return the demand as it is from one phase to another, with an id of its own."""
        stretch = self.model_copy(update={"id": f"{self.id}/{first}", "from_phase": first})
        stretch._whole, stretch._until_phase = self.whole, last
        return stretch

    @property
    def has_lower_backup(self) -> bool:
        """Return whether the backup may deliver less than the primary route."""
        return self.backup_min_rate_hz is not None or self.backup_min_fidelity is not None

    @property
    def ring(self) -> str:
        """Return the id of the ring that the demand is a link of, or nothing."""
        return self._ring

    @property
    def ring_members(self) -> tuple[str, ...]:
        """Return the sites around its ring, in order; none for a demand that is no link of a ring."""
        return self._ring_members

    @property
    def ways(self) -> int:
        """Return how many disjoint ways a network needs between the two sites: two between neighbours on a ring."""
        return 2 if self._ring else self.routes

    def on_ring(self, ring: str, members: tuple[str, ...]) -> Demand:
        """Return the demand as a link of a ring."""
        twin = self.model_copy()
        twin._ring, twin._ring_members = ring, members
        return twin

    def seen_by(self, target: Target) -> Demand:
        """Return the demand with the targets that a route must meet: the full ones, or those of the backup."""
        if target == "primary" or not self.has_lower_backup:
            return self
        lower = {"min_rate_hz": self.backup_min_rate_hz, "min_fidelity": self.backup_min_fidelity}
        twin = self.model_copy(update={name: value for name, value in lower.items() if value is not None})
        twin._target = "backup"
        return twin

    def by_target(self) -> tuple[Demand, ...]:
        """Return the demand, or one for the primary and one for the other routes where these may deliver less.

        The second one has an id of its own.
        """
        if not self.has_lower_backup:
            return (self,)
        backup = {"id": f"{self.id}/backup", "routes": self.routes - 1}
        return self.model_copy(update={"routes": 1}), self.seen_by("backup").model_copy(update=backup)
