"""What a scenario may say, field by field, and the value that it becomes once its catalogs are read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import Field, model_validator

from planner.catalog import (
    CostCatalog,
    HardwareCatalog,
    LinkHardware,
    LinkModel,
    Name,
    NonNegative,
    Positive,
    Sky,
)
from planner.scenario.demands import Demand
from planner.scenario.economics import (
    Budgets,
    Economics,
    Exchange,
    Identifier,
    Phase,
    PriceOverride,
    Rollout,
    SolverLimits,
    Text,
)
from planner.scenario.parts import BuiltPart, ForbiddenPart, ForcedPart
from planner.scenario.rightofway import RightOfWay
from planner.yamlio import Model

Longitude = Annotated[float, Field(ge=-180.0, le=180.0)]
Latitude = Annotated[float, Field(ge=-90.0, le=90.0)]
Role = Literal["end", "repeater", "pair_source", "heralding"]


DATABASE_SCHEMES = ("postgresql://", "postgres://")
"""Beginnings of a connection URL, where a layer would have a path."""


class Extent(Model):
    """The box that holds the whole region; what lies outside is refused as misplaced."""

    west_lon_deg: Longitude
    south_lat_deg: Latitude
    east_lon_deg: Longitude
    north_lat_deg: Latitude

    @model_validator(mode="after")
    def _is_a_box(self) -> Extent:
        if self.west_lon_deg >= self.east_lon_deg or self.south_lat_deg >= self.north_lat_deg:
            raise ValueError("west must be less than east, and south less than north")
        return self

    def contains(self, lon_deg: float, lat_deg: float) -> bool:
        """Return whether a point lies in the box."""
        return self.west_lon_deg <= lon_deg <= self.east_lon_deg and self.south_lat_deg <= lat_deg <= self.north_lat_deg


class Layer(Model):
    """A file of geodata, by path relative to the scenario."""

    path: Annotated[str, Field(min_length=1)]
    """The file, or `postgresql://user@host/database` for a table of a PostGIS database."""
    layer: str | None = None
    """Which layer of a file that holds several: the table of a GeoPackage or database, the folder of a KML file."""
    header: tuple[str, ...] = ()
    """Names of the columns of a delimited text file whose first line holds none."""
    columns: dict[Name, str] = Field(default_factory=dict)
    """Our field name -> column of the file, where they differ."""
    values: dict[Name, str | bool | int | float] = Field(default_factory=dict)
    """Our field name -> value of every feature that the file gives none for (for example `access: lease`)."""
    crs: str | None = None
    """Coordinate reference system, when the file does not state it (for example `EPSG:4326`)."""
    join_within_m: Annotated[float, Field(ge=0.0, le=50.0)] | None = None
    """Ends of streets or ducts this near to another line of the layer are joined to it; 0 for none, 0.1 m where it is
    not stated. OpenStreetMap and OFDS files say themselves what meets."""
    assumed: bool = False
    """True for a layer that is not survey data but a stated assumption."""
    note: Text = ""
    attribution: Text = ""

    @property
    def is_database(self) -> bool:
        """Return whether `path` is the connection URL of a database."""
        return self.path.startswith(DATABASE_SCHEMES)


class SiteLayer(Layer):
    """A file of sites. Of an OpenStreetMap extract, `objects` or `tags` say which things are sites."""

    tags: tuple[Annotated[str, Field(pattern=r"^[^=]+=[^=]+$")], ...] = ()
    """Things of an extract with any of these tags, as `key=value`, or `key=*` for every value."""
    objects: dict[Identifier, Annotated[str, Field(pattern=r"^[nwr][1-9][0-9]*$")]] = Field(default_factory=dict)
    """Our id -> node, way or relation of an extract (`n26`, `w8033`, `r12`)."""


class Layers(Model):
    """The geodata of a region."""

    streets: Layer
    ducts: tuple[Layer, ...] = ()
    sites: tuple[SiteLayer, ...] = ()
    zones: tuple[Layer, ...] = ()
    buildings: tuple[Layer, ...] = ()
    terrain: tuple[Layer, ...] = ()
    """Height of the ground for lines of sight: SRTM tiles (.hgt, .zip) or GeoTIFF; flat where there is none."""
    districts: tuple[Layer, ...] = ()
    """Polygons with a `district`: whose authority grants the right-of-way."""
    works: tuple[Layer, ...] = ()
    """Lines or polygons with `closed_until_year` (moratorium) or `roadworks_year` (the street is open anyway)."""
    barriers: tuple[Layer, ...] = ()
    """Rail, water and motorways, from OpenStreetMap or as lines and polygons with a `kind`."""
    parallel_within_m: Annotated[float, Field(gt=0.0, le=500.0)] | None = None
    """Trenches and ducts that run side by side within this distance share a risk group; none to look for no such."""


class Catalogs(Model):
    """Where hardware and prices are described, relative to the scenario."""

    hardware: str
    costs: str


class Site(Model):
    """A place where equipment can stand."""

    id: Identifier
    name: Annotated[str, Field(min_length=1, max_length=200)]
    kind: Annotated[str, Field(min_length=1, max_length=40)]
    """What the place is: campus, hospital, exchange, hut ..."""
    lon_deg: Longitude
    lat_deg: Latitude
    hosts: tuple[Role, ...] = ("end",)
    """Which stations may stand here."""
    shelter: Name | None = None
    """Cost item bought when the site is first used (a hut, a rack room); none for a ready building."""
    max_units: dict[Name, Annotated[int, Field(ge=0)]] = Field(default_factory=dict)
    """Most units of a cost item that have room here (memories, racks, repeaters); items not named are not limited."""
    max_power_w: NonNegative | None = None
    """Electric power for all equipment here; none for no limit."""
    max_area_m2: NonNegative | None = None
    """Floor area for all equipment here; none for no limit."""
    terminal_height_m: Annotated[float, Field(gt=0.0, le=900.0)] | None = None
    """Height above ground of a free-space terminal on a mast or tower; none where it stands on the building's roof."""
    assumed: bool = False
    note: Text = ""


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
    max_links: Annotated[int, Field(ge=1, le=8)] = 1
    max_link_loss_db: Positive | None = None
    """Largest loss of spans, joints and laterals that one link may have, both arms together; none for no limit besides
    what rate and fidelity ask."""
    max_lanes: Annotated[int, Field(ge=1, le=64)] = 1
    fibers_per_route: Annotated[int, Field(ge=1, le=8)] = 2
    """Fibers that a route takes in every span: one for photons, one for classical messages and timing."""
    equipment: dict[Role, tuple[EquipmentNeed, ...]]

    @model_validator(mode="after")
    def _chain_needs_memories(self) -> Technology:
        if self.link_model == "pair_source" and self.max_links > 1:
            raise ValueError("a pair_source route has one link: max_links must be 1")
        return self


class FreeSpaceCandidate(Model):
    """A declared line of sight between two sites."""

    id: Identifier
    a: Identifier
    b: Identifier
    terminal: Name
    visibility_km: Positive
    """Visibility that the hop is designed for."""
    cn2_m23: Annotated[float, Field(gt=0.0, le=1e-11)]
    """Strength of turbulence, m^(-2/3)."""
    sky: Sky = "day"
    """Background light that the hop is designed for: by day, under a full moon, or without moon."""
    sightline_checked: bool = False
    """Whether the line of sight was surveyed; an unchecked one is marked in the report."""
    note: Text = ""


class FreeSpaceSearch(Model):
    """Which lines of sight to look for between sites, by the buildings and the terrain in the data.

    A hop is offered between every two sites within reach whose line is clear; none of them has been surveyed.
    """

    terminal: Name
    visibility_km: Positive
    """Visibility that the hops are designed for."""
    cn2_m23: Annotated[float, Field(gt=0.0, le=1e-11)]
    """Strength of turbulence, m^(-2/3)."""
    sky: Sky = "day"
    """Background light that the hops are designed for."""
    site_kinds: tuple[str, ...] = ()
    """Kinds of sites that may carry a terminal; all kinds where none is named."""
    max_length_km: Positive | None = None
    """Longest hop; none for as far as the terminal reaches."""


class ScenarioSpec(Model):
    """A scenario file."""

    title: Annotated[str, Field(min_length=1, max_length=200)]
    description: Annotated[str, Field(max_length=4000)] = ""
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    price_year: Annotated[int, Field(ge=2000, le=2100)]
    extent: Extent
    catalogs: Catalogs
    exchange: tuple[Exchange, ...] = ()
    prices: dict[Name, PriceOverride] = Field(default_factory=dict)
    layers: Layers
    as_built: tuple[BuiltPart, ...] = ()
    """What stands already and costs nothing."""
    force: tuple[ForcedPart, ...] = ()
    """What must be in use, open or bought by the end of a phase."""
    forbid: tuple[ForbiddenPart, ...] = ()
    """What must not be used."""
    max_snap_m: Positive = 250.0
    """Largest distance from a site to the street that serves it."""
    sites: tuple[Site, ...] = ()
    """Sites written here; those of `layers.sites` are added."""
    fiber: Name
    """Kind of fiber that all routes use, from the hardware catalog."""
    technologies: Annotated[tuple[Technology, ...], Field(min_length=1)]
    free_space: tuple[FreeSpaceCandidate, ...] = ()
    """Hops that are declared by hand."""
    free_space_search: FreeSpaceSearch | None = None
    """Look for more hops between roofs; needs a layer of buildings."""
    right_of_way: RightOfWay
    economics: Economics
    phases: Annotated[tuple[Phase, ...], Field(min_length=1)]
    budgets: Budgets = Budgets()
    demands: Annotated[tuple[Demand, ...], Field(min_length=1)]
    objective: Literal["net_present_cost", "service"]
    """`net_present_cost`: serve every demand at least cost. `service`: serve the most weight within the budgets,
    then least cost."""
    rollout: Rollout = "joint"
    """`joint`: all phases at once. `step-by-step`: each phase on top of the ones before, blind to what comes.
    `end-state-first`: the network of the last phase, then when to build what of it. `all-at-once`: everything in the
    first phase, as a comparison."""
    solver: SolverLimits = SolverLimits()


@dataclass(frozen=True, kw_only=True, slots=True)
class Scenario:
    """A scenario with everything that it names: all sites, the hardware, and prices in its own money.

    `sites` and `spec` collections are sorted by id, phases by year. `digest` identifies the contents, catalogs
    included; files of geodata are covered by the network's digest.
    """

    path: Path
    spec: ScenarioSpec
    sites: tuple[Site, ...]
    hardware: HardwareCatalog
    costs: CostCatalog
    digest: str
    notes: tuple[str, ...] = ()
    """What was left out while the files of sites were read."""

    @property
    def folder(self) -> Path:
        """Return the folder that the scenario's paths are relative to."""
        return self.path.parent

    @property
    def phases(self) -> tuple[Phase, ...]:
        """Return the phases in order of time."""
        return self.spec.phases

    @property
    def demands(self) -> tuple[Demand, ...]:
        """Return the demands, sorted by id."""
        return tuple(sorted(self.spec.demands, key=lambda demand: demand.id))

    def site(self, site_id: str) -> Site:
        """Return the site with this id; raises KeyError when there is none."""
        return _by_id(self.sites, site_id)

    def demand(self, demand_id: str) -> Demand:
        """Return the demand with this id; raises KeyError when there is none."""
        return _by_id(self.spec.demands, demand_id)

    def technology(self, technology_id: str) -> Technology:
        """Return the technology with this id; raises KeyError when there is none."""
        return _by_id(self.spec.technologies, technology_id)

    def phase_index(self, phase_id: str) -> int:
        """Return the position of a phase in time, from 0; raises KeyError when there is none."""
        return self.phases.index(_by_id(self.phases, phase_id))

    def active_demands(self, phase: int) -> tuple[Demand, ...]:
        """Return the demands that want service in the phase with this index."""
        return tuple(demand for demand in self.demands if self.phase_index(demand.from_phase) <= phase)

    def link_hardware(self, technology: Technology) -> LinkHardware:
        """Return the datasheets behind a technology."""
        return LinkHardware(
            link_model=technology.link_model,
            fiber=self.hardware.fibers[self.spec.fiber],
            termination=self.hardware.terminations[technology.termination],
            detector=self.hardware.detectors[technology.detector],
            pair_source=self.hardware.pair_sources[technology.pair_source] if technology.pair_source else None,
            memory=self.hardware.memories[technology.memory] if technology.memory else None,
        )


AnyWithId = TypeVar("AnyWithId", Site, Demand, Technology, Phase)


def _by_id(items: tuple[AnyWithId, ...], wanted: str) -> AnyWithId:
    for item in items:
        if item.id == wanted:
            return item
    raise KeyError(wanted)
