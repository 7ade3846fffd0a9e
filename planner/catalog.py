"""Catalogs: machine-readable datasheets of fiber and hardware, and a price list.

Every entry names its `source`; what is a judgement rather than a published figure says so in `assumed`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from planner.yamlio import Model, load_model

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Positive = Annotated[float, Field(gt=0.0)]
NonNegative = Annotated[float, Field(ge=0.0)]
Fidelity = Annotated[float, Field(gt=0.25, le=1.0)]
Name = Annotated[str, Field(min_length=1, max_length=80)]

LinkModel = Literal["pair_source", "double_click", "single_click"]
Sky = Literal["day", "moonlit", "dark"]
PriceUnit = Literal["per_m", "per_m_year", "per_fiber_km_year", "per_unit", "per_unit_year"]


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


class Fiber(Entry):
    """Deployed fiber at one wavelength, and the joints along it."""

    wavelength_nm: Positive
    attenuation_db_per_km: Positive
    splice_loss_db: NonNegative
    """Loss of one splice between two reels."""
    reel_length_km: Positive
    slack: Annotated[float, Field(ge=1.0)]
    """Fiber length per route length: loops and coils in handholes."""
    joint_loss_db: NonNegative
    """Loss of a splice in a handhole on the route."""
    patch_loss_db: NonNegative
    """Loss of a patch panel in a building on the route (two connector pairs)."""
    velocity_km_per_s: Positive
    dispersion_ps_per_nm_km: float
    classical_attenuation_db_per_km: NonNegative = 0.22
    """Attenuation at the wavelength of classical traffic, where it shares the fiber."""


class Termination(Entry):
    """What an arm loses besides its fiber: counted once per arm."""

    connector_loss_db: NonNegative
    """Loss of one connector pair; there is one at each end of the arm."""
    device_loss_db: NonNegative
    """Filters, analyser, compensator and switch in the arm."""
    margin_db: NonNegative
    """Ageing and repair splices."""


class Detector(Entry):
    """Single-photon detectors of one receiver or heralding station."""

    efficiency: Annotated[float, Field(gt=0.0, le=1.0)]
    dark_count_hz: NonNegative
    """Dark counts of one detector."""
    jitter_ps: Positive
    """Full width at half maximum."""
    dead_time_ns: NonNegative
    detectors: Annotated[int, Field(ge=1)]
    """Number of detectors at one user or heralding station."""


class PairSource(Entry):
    """A continuously pumped source of entangled photon pairs."""

    max_brightness_hz: Positive
    """Largest number of pairs per second created inside the filtered channel pair."""
    max_mean_pairs: Annotated[float, Field(gt=0.0, le=0.1)]
    """Largest mean number of pairs per coincidence window."""
    coupling_efficiency: Annotated[float, Field(gt=0.0, le=1.0)]
    polarization_error: Annotated[float, Field(ge=0.0, lt=0.5)]
    """Share of true coincidences in the wrong outcome: alignment and drift."""
    bandwidth_nm: Positive
    sync_jitter_ps: NonNegative
    window_per_jitter: Annotated[float, Field(ge=0.5, le=4.0)]
    """Coincidence window as a multiple of the total timing width (full width at half maximum)."""


class Memory(Entry):
    """A quantum memory node: generation, storage and swapping."""

    emission_efficiency: Annotated[float, Field(gt=0.0, le=1.0)]
    """Emission, collection and frequency conversion, without fiber and detector."""
    emission_fidelity: Fidelity
    """Fidelity of the memory-photon pair."""
    visibility: Share
    """Interference of photons from two nodes (Hong-Ou-Mandel)."""
    bright_state: Annotated[float, Field(gt=0.0, lt=0.5)] = 0.1
    """Share of the bright state in single-click links."""
    filter_nm: Positive = 0.1
    """Width of the filter before the detectors of the heralding station, which background light passes."""
    phase_error_rad: NonNegative = 0.0
    """Root mean square of the optical phase in single-click links."""
    modes: Annotated[int, Field(ge=1, le=1000)]
    """Attempts that run side by side in one lane."""
    repetition_hz: Positive
    """Largest attempt rate that the emitter allows."""
    initialization_s: NonNegative
    """Time added to every attempt."""
    detection_window_ns: Positive
    duty: Annotated[float, Field(gt=0.0, le=1.0)]
    """Share of the time in which the link can attempt."""
    coherence_time_s: Positive
    decay: Literal["exponential", "gaussian"]
    swap_probability: Annotated[float, Field(gt=0.0, le=1.0)]
    swap_fidelity: Fidelity
    ends_store: bool
    """Whether the end nodes hold their qubit until the route is complete."""


class FreeSpaceTerminal(Entry):
    """A pair of telescopes for one free-space hop."""

    wavelength_nm: Positive
    beam_waist_mm: Positive
    transmit_aperture_mm: Positive
    receive_aperture_mm: Positive
    pointing_jitter_urad: NonNegative
    optics_efficiency: Annotated[float, Field(gt=0.0, le=1.0)]
    max_range_km: Positive


class HardwareCatalog(Model):
    """All hardware and fiber that a scenario may choose from, by id."""

    fibers: dict[Name, Fiber]
    terminations: dict[Name, Termination]
    detectors: dict[Name, Detector]
    pair_sources: dict[Name, PairSource]
    memories: dict[Name, Memory]
    free_space_terminals: dict[Name, FreeSpaceTerminal]


class CostItem(Entry):
    """A price, with its range and how it moves over time."""

    unit: PriceUnit
    price: NonNegative
    low: NonNegative
    high: NonNegative
    opex_share_per_year: Share = 0.0
    """Yearly operating cost as a share of the price."""
    learning_rate: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    """Share by which the price falls per doubling of the units built in the world (Wright's law)."""
    serves: Annotated[int, Field(ge=1)] = 1
    """Units of need that one unit of this item covers (channels of a cryostat, ports of a switch, places of a rack)."""
    power_w: NonNegative = 0.0
    """Electric power of one unit."""
    area_m2: NonNegative = 0.0
    """Floor area of one unit."""

    @model_validator(mode="after")
    def _price_is_in_range(self) -> Self:
        if not self.low <= self.price <= self.high:
            raise ValueError("price must lie between low and high")
        return self


class CostFactor(Entry):
    """A factor on the price of digging, for a road class, a surface or a technique."""

    factor: Positive


class CostCatalog(Model):
    """A price list in one currency and price year, and the factors on digging."""

    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    price_year: Annotated[int, Field(ge=2000, le=2100)]
    items: dict[Name, CostItem]
    road_classes: dict[Name, CostFactor]
    surfaces: dict[Name, CostFactor]
    densities: dict[Name, CostFactor]


@dataclass(frozen=True, kw_only=True, slots=True)
class LinkHardware:
    """The catalog entries that make one kind of elementary link, put together.

    A `pair_source` link has a source and no memory; a `double_click` or `single_click` link has a memory and no
    source.
    """

    link_model: LinkModel
    fiber: Fiber
    termination: Termination
    detector: Detector
    pair_source: PairSource | None = None
    memory: Memory | None = None

    def __post_init__(self) -> None:
        """Reject a link without the one device that its model needs."""
        needs_source = self.link_model == "pair_source"
        if needs_source != (self.pair_source is not None) or needs_source == (self.memory is not None):
            wanted = "a pair source and no memory" if needs_source else "a memory and no pair source"
            raise ValueError(f"a {self.link_model} link needs {wanted}")

    @property
    def filter_nm(self) -> float:
        """Return the width of the filter before the detectors, which background light passes."""
        if self.pair_source is not None:
            return self.pair_source.bandwidth_nm
        return self.memory.filter_nm if self.memory is not None else 0.0

    @property
    def rate_plane(self) -> Literal["detected", "stored"]:
        """Where pairs are counted: as detected coincidences, or as stored pairs."""
        return "detected" if self.link_model == "pair_source" else "stored"


def load_hardware(path: Path) -> HardwareCatalog:
    """Return the hardware catalog in `path`; raises InputError with every mistake in it."""
    return load_model(path, HardwareCatalog)


def load_costs(path: Path) -> CostCatalog:
    """Return the price list in `path`; raises InputError with every mistake in it."""
    return load_model(path, CostCatalog)
