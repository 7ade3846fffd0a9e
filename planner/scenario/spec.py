"""What a scenario may say, field by field, and the value that it becomes once its catalogs are read."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import Field, model_validator

from planner.catalog import (
    CostCatalog,
    Encoding,
    HardwareCatalog,
    LinkHardware,
    LinkModel,
    Name,
    NonNegative,
    Positive,
    Sky,
    wavelengths_fit,
)
from planner.reliability import Climate
from planner.scenario.demands import Demand, SecurityClass
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
from planner.scenario.groups import Group
from planner.scenario.layers import Layer, Layers
from planner.scenario.parts import BuiltPart, ForbiddenPart, ForcedPart, SpanOverride
from planner.scenario.rightofway import RightOfWay
from planner.scenario.technologies import EquipmentNeed, Role, Technology
from planner.yamlio import Model

__all__ = ["EquipmentNeed", "Role", "Technology"]

Longitude = Annotated[float, Field(ge=-180.0, le=180.0)]
Latitude = Annotated[float, Field(ge=-90.0, le=90.0)]


class Interface(Model):
    """Light and protocol of a device; nothing stated for whatever a technology brings."""

    photon_nm: Positive | None = None
    encoding: Encoding | None = None
    link_models: tuple[LinkModel, ...] = ()
    """Kinds of links that the device can make; none for any."""

    @property
    def is_stated(self) -> bool:
        """Return whether anything is known about the device."""
        return self != Interface()

    def misfit(self, hardware: LinkHardware) -> str:
        """Return why links with this hardware do not connect to the device, or nothing where they do."""
        if self.link_models and hardware.link_model not in self.link_models:
            return f"it makes {', '.join(self.link_models)} links, not {hardware.link_model}"
        if self.encoding and hardware.encoding and self.encoding != hardware.encoding:
            return f"its encoding is {self.encoding}, not {hardware.encoding}"
        if self.photon_nm is None:
            return ""
        wanted_nm = hardware.fiber.wavelength_nm if hardware.converter is None else hardware.converter.from_nm
        fits = wavelengths_fit(self.photon_nm, wanted_nm)
        return (
            "" if fits else f"its photons have {self.photon_nm:g} nm, not {wanted_nm:g} nm; no converter stands between"
        )


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


class Catalogs(Model):
    """Where hardware and prices are described, relative to the scenario."""

    hardware: str
    costs: str


class Fittings(Model):
    """What a site offers to equipment."""

    hosts: tuple[Role, ...] = ("end",)
    """Which stations may stand here."""
    interface: Interface = Interface()
    """What a device that stands here already emits and speaks; routes that end or are swapped here must fit it."""
    shelter: Name | None = None
    """Cost item bought when the site is first used (a hut, a rack room); none for a ready building."""
    max_units: dict[Name, Annotated[int, Field(ge=0)]] = Field(default_factory=dict)
    """Most units of a cost item that have room here (memories, racks, repeaters); items not named are not limited."""
    max_power_w: NonNegative | None = None
    """Electric power for all equipment here; none for no limit."""
    max_area_m2: NonNegative | None = None
    """Floor area for all equipment here; none for no limit."""
    security_class: SecurityClass = 0
    """How well the place is guarded, on the scenario's own scale: more is safer, 0 where nothing is said."""


class Site(Fittings):
    """A place where equipment can stand."""

    id: Identifier
    name: Annotated[str, Field(min_length=1, max_length=200)]
    kind: Annotated[str, Field(min_length=1, max_length=40)]
    """What the place is: campus, hospital, exchange, hut ..."""
    lon_deg: Longitude
    lat_deg: Latitude
    power_feed: Annotated[str, Field(max_length=80)] = ""
    """Feed or substation that its electricity comes from: sites with the same one fail together. Empty if unknown."""
    terminal_height_m: Annotated[float, Field(gt=0.0, le=900.0)] | None = None
    """Height above ground of a free-space terminal on a mast or tower; none where it stands on the building's roof."""
    assumed: bool = False
    note: Text = ""


PlaceKind = Literal["street-junction", "handhole", "exchange", "data-centre", "municipal", "street-cabinet", "parcel"]


class ParcelRule(Model):
    """Which parcels of land of a layer could hold a hut."""

    layer: Layer
    min_area_m2: NonNegative = 0.0
    min_width_m: NonNegative = 0.0
    """Diameter of the largest circle that fits into the parcel."""
    excluded: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Column of the layer -> values of parcels that are no candidates (zoning, owner, use)."""
    required: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Column of the layer -> values of which a candidate must have one."""


class CandidateRule(Fittings):
    """Where repeaters, midpoints or sources could stand: found in the layers by a rule, every place of it assumed.

    The places that lie farthest from all sites so far are taken first.
    """

    id: Identifier
    """Found sites are called `<id>-001`, `<id>-002` ..."""
    at: PlaceKind
    """Junctions of streets and handholes of ducts come from those layers, parcels from their own, the others from an
    OpenStreetMap extract."""
    path: str | None = None
    """The extract, where it is not the layer of streets."""
    parcels: ParcelRule | None = None
    """Which parcels, for `at: parcel`."""
    hosts: tuple[Role, ...] = ("pair_source", "heralding", "repeater")
    max_sites: Annotated[int, Field(ge=1, le=1000)] = 30
    spacing_m: NonNegative = 1000.0
    """No place nearer than this to another site is taken."""
    detour: Annotated[float, Field(ge=1.0)] = 1.5
    """Only places on a way between the ends of some demand that is at most this many times the straight one."""
    road_classes: tuple[Name, ...] = ()
    """Of junctions, those of at least two streets of these classes; none for all junctions of three streets or more."""
    zones_excluded: tuple[str, ...] = ()
    """Kinds of zones in which no place is taken (water, park, flood ...)."""
    zones_required: tuple[str, ...] = ()
    """Kinds of zones of which one must hold the place (municipal land ...); none for everywhere."""
    note: Text = ""

    @model_validator(mode="after")
    def _parcels_are_described(self) -> CandidateRule:
        if (self.at == "parcel") != (self.parcels is not None):
            raise ValueError("`at: parcel` and `parcels` go together")
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
    overrides: tuple[SpanOverride, ...] = ()
    """Prices and capacities of single spans; those drawn in `layers.overrides` are added."""
    max_snap_m: Positive = 250.0
    """Largest distance from a site to the street that serves it."""
    sites: tuple[Site, ...] = ()
    """Sites written here; those of `layers.sites` are added."""
    candidate_sites: tuple[CandidateRule, ...] = ()
    """Rules that find further sites in the layers when the network is built."""
    fiber: Name
    """Kind of fiber that all routes use, from the hardware catalog."""
    climate: Name | None = None
    """Visibility over the year, from the hardware catalog; without it, free-space hops see the weather they are
    designed for, always."""
    technologies: Annotated[tuple[Technology, ...], Field(min_length=1)]
    free_space: tuple[FreeSpaceCandidate, ...] = ()
    """Hops that are declared by hand."""
    free_space_search: FreeSpaceSearch | None = None
    """Look for more hops between roofs; needs a layer of buildings."""
    right_of_way: RightOfWay
    economics: Economics
    phases: Annotated[tuple[Phase, ...], Field(min_length=1)]
    budgets: Budgets = Budgets()
    demands: tuple[Demand, ...] = ()
    """At least one, or a group."""
    groups: tuple[Group, ...] = ()
    """Partners that are joined as a whole."""
    objective: Literal["net_present_cost", "service"]
    """`net_present_cost`: serve every demand at least cost. `service`: serve the most weight within the budgets,
    then least cost."""
    rollout: Rollout = "joint"
    """`joint`: all phases at once. `step-by-step`: each phase on top of the ones before, blind to what comes.
    `end-state-first`: the network of the last phase, then when to build what of it. `all-at-once`: everything in the
    first phase, as a comparison."""
    solver: SolverLimits = SolverLimits()

    @model_validator(mode="after")
    def _asks_for_something(self) -> ScenarioSpec:
        if not self.demands and not self.groups:
            raise ValueError("there is nothing to plan: name at least one of demands or groups")
        return self


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

    def with_sites(self, found: tuple[Site, ...]) -> Scenario:
        """Return the scenario with sites that its rules found in the layers; the digest stays that of what is asked."""
        known = {site.id for site in self.sites}
        added = tuple(site for site in found if site.id not in known)
        return replace(self, sites=tuple(sorted((*self.sites, *added), key=lambda site: site.id))) if added else self

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

    @property
    def climate(self) -> Climate | None:
        """Return the weather of the region, where the scenario names it."""
        return None if self.spec.climate is None else self.hardware.climates[self.spec.climate]

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
            converter=self.hardware.converters[technology.converter] if technology.converter else None,
            channel=self.hardware.channels[technology.channel] if technology.channel else None,
            hub_users=technology.hub_users,
            trusted_nodes=technology.trusted_nodes,
            distillations=technology.distillation,
            cutoff=technology.cutoff,
        )


AnyWithId = TypeVar("AnyWithId", Site, Demand, Technology, Phase)


def _by_id(items: tuple[AnyWithId, ...], wanted: str) -> AnyWithId:
    for item in items:
        if item.id == wanted:
            return item
    raise KeyError(wanted)
