"""The plan: what to build, where and when, which routes serve which demand, and how good the answer is."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from planner.catalog import Distillation, Fidelity, NonNegative, Positive, Share
from planner.errors import InputError
from planner.scenario import Rollout
from planner.scenario.demands import Target
from planner.scenario.spec import Role
from planner.yamlio import Model

PLAN_FORMAT: Literal[1] = 1

StoppedBy = Literal["proof", "gap", "work_budget", "time_limit", "interrupt", "evaluated"]
BoundScope = Literal["whole_problem", "roll_out", "candidate_routes", "none"]


class Station(Model):
    """Quantum equipment at a site on a route."""

    site: str
    role: Role
    after_spans: Annotated[int, Field(ge=0)]
    """Number of spans of the route that lie before it."""


class RouteSettings(Model):
    """What was chosen for a route; nothing where there was nothing to choose."""

    bright_state: Annotated[float, Field(gt=0.0, lt=0.5)] | None = None
    """Share of the bright state in one-photon links."""
    brightness_hz: Positive | None = None
    """Pairs per second that a pair source makes."""
    window_ps: Positive | None = None
    """Coincidence window."""
    cutoff_slots: Annotated[int, Field(ge=0)] | None = None
    """Attempts after which a link that waits for the other one is thrown away."""
    distillation: Distillation | None = None
    """How links are distilled before they are swapped."""


class Route(Model):
    """A way from site `a` to site `b` of a demand, with its stations and what it delivers.

    `stations` begins with the end at `a` and finishes with the end at `b`; between two of them that hold memories
    (or between the two ends) stands one heralding station or pair source, which may share a site with its neighbour.
    """

    technology: str
    target: Target = "primary"
    """Which targets of its demand it meets: the full ones, or the lower ones of the backup."""
    spans: tuple[str, ...]
    stations: Annotated[tuple[Station, ...], Field(min_length=3)]
    lanes: Annotated[int, Field(ge=1)]
    length_km: NonNegative
    loss_db: NonNegative
    """Spans, joints and laterals of the whole route; terminations not included."""
    rate_hz: NonNegative
    """Pairs per second of all lanes, in the plane of the demand."""
    fidelity: Fidelity
    ebit_rate_hz: NonNegative
    key_rate_hz: NonNegative
    ceiling_hz: NonNegative
    """Physical limit of the ebit rate of all lanes."""
    latency_s: NonNegative
    settings: RouteSettings = RouteSettings()
    pooled_rate_hz: NonNegative = 0.0
    """What the lanes would approach if they pooled their pairs: an upper figure."""
    limits: tuple[str, ...] = ()
    """Warnings of the physics: where a formula left its valid range."""


class SharedSpan(Model):
    """A span on which the routes of a service would fail together, for no route can avoid its risk."""

    span: str
    length_km: NonNegative
    capex: NonNegative
    """What it costs to take the span into use, in the scenario's money of its price year."""
    routes: Annotated[int, Field(ge=1)]
    """Routes of the service that use this very span; 1 where another one lies beside it in the same risk."""


class Service(Model):
    """How a demand is served in a phase: the primary route first, then the backup. No routes: not served."""

    demand: str
    phase: str
    routes: tuple[Route, ...]
    shared: tuple[str, ...] = ()
    """Risk groups that both routes cannot avoid: the laterals of their own ends, and, with `redundancy: maximal`, what
    every route between the two sites must pass."""
    shared_spans: tuple[SharedSpan, ...] = ()
    """Every span of the routes that carries such a risk, metre for metre."""
    availability: Share | None = None
    """Share of the time in which at least one route works; none without figures of reliability."""
    expected_rate_hz: NonNegative | None = None
    """Mean rate over the year, always over the fastest route that works."""
    route_availability: tuple[Share, ...] = ()


class SpanBuild(Model):
    """A span taken into use for the first time: dug, pulled, leased or, for a free-space hop, installed."""

    span: str
    phase: str


class SiteOpening(Model):
    """A site that gets its lateral, and its shelter where it needs one, in the phase that first uses it."""

    site: str
    phase: str


class Installation(Model):
    """Units of an item that a site gets in a phase, on top of what it has."""

    site: str
    item: str
    phase: str
    count: Annotated[int, Field(ge=1)]


class CostLine(Model):
    """What a phase spends in a category, in the scenario's money of its price year."""

    phase: str
    category: str
    capex: NonNegative
    """Spent once in the phase."""
    opex_per_year: NonNegative
    """Added to the yearly costs from this phase on; leases count in every phase that has them."""
    present_cost: float
    """Both, discounted to the first phase, up to the horizon; below zero for residual values."""


class Progress(Model):
    """A moment of the search."""

    seconds: NonNegative
    incumbent: float | None
    bound: float | None


class Outcome(Model):
    """How good the plan is known to be, and why the search ended."""

    objective: Literal["net_present_cost", "service"]
    cost: NonNegative
    """Net present cost of the plan."""
    lower_bound: NonNegative
    """No plan that meets the scenario costs less than this, within `bound_scope`."""
    gap: Share
    """(cost - lower bound) / cost."""
    served_weight: NonNegative
    weight_bound: NonNegative
    """No plan serves more weight than this; with the objective `service`, no plan made of the considered routes."""
    total_weight: NonNegative
    stopped_by: StoppedBy
    bound_scope: BoundScope
    """What the bound is about: every plan of the scenario, whatever its roll-out; every plan of this roll-out; or only
    plans made of the routes that were considered (with the objective `service`: that serve as much). `none` where no
    bound was computed."""
    bound_method: str
    candidates: Annotated[int, Field(ge=0)]
    work: Annotated[int, Field(ge=0)]
    """Steps of the work budget that were spent."""


class Timing(Model):
    """Everything that is a time; left out of digests and of comparisons."""

    design_s: NonNegative
    first_plan_s: NonNegative
    history: tuple[Progress, ...]


class Plan(Model):
    """What to build and when, which routes serve whom, what it costs and how close to the best it is."""

    format: Literal[1] = PLAN_FORMAT
    title: str
    scenario_digest: str
    network_digest: str
    rollout: Rollout
    currency: str
    price_year: int
    outcome: Outcome
    builds: tuple[SpanBuild, ...]
    openings: tuple[SiteOpening, ...]
    installations: tuple[Installation, ...]
    services: tuple[Service, ...]
    costs: tuple[CostLine, ...]
    notes: tuple[str, ...] = ()
    """What the reader must know: demands left unserved, limits of the models."""
    versions: dict[str, str]
    timing: Timing | None = None

    @property
    def digest(self) -> str:
        """Return the SHA-256 of the plan without its times: equal plans have equal digests."""
        return hashlib.sha256(self.to_json(timing=False).encode()).hexdigest()

    def service(self, demand: str, phase: str) -> Service | None:
        """Return how a demand is served in a phase, or None when it is not asked for there."""
        return next((item for item in self.services if (item.demand, item.phase) == (demand, phase)), None)

    def to_json(self, *, timing: bool = True) -> str:
        """Return the plan as indented JSON text; without `timing`, equal plans give equal bytes."""
        excluded = None if timing else {"timing"}
        return json.dumps(self.model_dump(mode="json", exclude=excluded), indent=1, allow_nan=False) + "\n"


def load_plan(path: Path) -> Plan:
    """Return the plan in a JSON file; raises InputError with every mistake in it."""
    try:
        return Plan.model_validate_json(path.read_bytes())
    except OSError as error:
        raise InputError.at(str(path), f"cannot be read: {error.strerror or error}") from error
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        places = [(".".join(str(part) for part in item["loc"]), item["msg"]) for item in details]
        text = "; ".join(f"{place}: {message}" if place else message for place, message in places[:20])
        raise InputError.at(str(path), f"not a plan: {text}") from error
