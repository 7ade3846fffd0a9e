"""Catalogs: machine-readable datasheets of fiber and hardware, and a price list.

Every entry names its `source`; what is a judgement rather than a published figure says so in `assumed`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from planner.entries import Entry, Fidelity, Name, NonNegative, Positive, Share
from planner.reliability import Climate, Reliability
from planner.yamlio import Model, load_model

__all__ = ["Entry", "Fidelity", "Name", "NonNegative", "Positive", "Share"]

LinkModel = Literal[
    "pair_source",
    "broadcast_source",
    "switched_source",
    "double_click",
    "single_click",
    "sender_receiver",
    "absorptive",
]
Encoding = Literal["polarization", "time_bin", "frequency_bin", "path", "dual_rail"]
Distillation = Literal["bbpssw", "dejmps"]
Sky = Literal["day", "moonlit", "dark"]
PriceUnit = Literal["per_m", "per_m_year", "per_fiber_km_year", "per_unit", "per_unit_year"]


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
    encoding: Encoding | None = None
    """What the analyser measures; none for any."""
    drift_error: Annotated[float, Field(ge=0.0, lt=0.5)] = 0.0
    """Share of pairs in the wrong outcome by polarization drift between two corrections."""
    correction_s: NonNegative = 0.0
    """Time without photons while polarization is corrected."""
    correction_interval_s: Positive = 20.0
    """Time from one correction to the next."""

    @model_validator(mode="after")
    def _corrections_leave_time(self) -> Self:
        if self.correction_s >= self.correction_interval_s:
            raise ValueError("correction_s must be shorter than correction_interval_s")
        return self


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
    min_nm: Positive | None = None
    """Shortest wavelength that the efficiency holds for; none for any."""
    max_nm: Positive | None = None


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
    window_per_jitter: Annotated[float, Field(ge=0.5, le=4.0)] | Literal["best"]
    """Coincidence window as a multiple of the total timing width (full width at half maximum); `best` for the one that
    gives each link most."""
    photon_nm: Positive | None = None
    """Wavelength of the photons; none for whatever the fiber is meant for."""
    encoding: Encoding | None = None


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
    storage_efficiency: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0
    """Share of arriving photons that the memory absorbs and announces (links that end in a memory)."""
    bright_states: tuple[Annotated[float, Field(gt=0.0, lt=0.5)], ...] = ()
    """Shares of the bright state that the planner may choose from; none for `bright_state` alone."""
    photon_nm: Positive | None = None
    """Wavelength of the photons that leave the node; none for whatever the fiber is meant for."""
    encoding: Encoding | None = None
    protocols: tuple[LinkModel, ...] = ()
    """Kinds of links that the node can make; none for any."""
    ends_store: bool
    """Whether the end nodes hold their qubit until the route is complete."""


class Converter(Entry):
    """A quantum frequency converter between a node's photons and the fiber."""

    from_nm: Positive
    to_nm: Positive
    efficiency: Annotated[float, Field(gt=0.0, le=1.0)]
    noise_hz_per_nm: NonNegative
    """Photons per second and nm of filter that the converter itself sends into the fiber."""


class ClassicalChannel(Entry):
    """The classical and timing channel of a link: messages, heralds and synchronization."""

    medium: Literal["fiber", "wavelength"]
    """A fiber of its own, or a wavelength in the quantum fiber."""
    wavelength_nm: Annotated[float, Field(ge=1260.0, le=1675.0)]
    launch_dbm: Annotated[float, Field(ge=-60.0, le=30.0)]
    """Power launched at both ends of an arm."""
    max_loss_db: Positive
    """Largest loss of an arm, without its devices, that the transceivers bridge."""
    jitter_ps: NonNegative
    """What synchronization leaves between the clocks of two stations, full width at half maximum."""
    mux_loss_db: NonNegative = 0.0
    """Loss of one multiplexer for quantum light, two per arm; only for a wavelength in the quantum fiber."""


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
    converters: dict[Name, Converter] = Field(default_factory=dict)
    channels: dict[Name, ClassicalChannel] = Field(default_factory=dict)
    reliability: Reliability | None = None
    """How often things fail; without it, plans say nothing about availability."""
    climates: dict[Name, Climate] = Field(default_factory=dict)


class PriceStep(Model):
    """From how many units on, bought by the city itself, each further unit costs a share of the price."""

    from_units: Annotated[int, Field(ge=2)]
    """The first unit that is cheaper, counted over all sites and phases in order of time, what stands left out."""
    price_share: Annotated[float, Field(gt=0.0, lt=1.0)]


def check_price_steps(steps: tuple[PriceStep, ...], unit: PriceUnit) -> None:
    """Raise ValueError unless steps belong to a price per unit, and each one comes later and is cheaper."""
    if steps and unit != "per_unit":
        raise ValueError(f"price_steps count units that are bought; this price is {unit}")
    for one, other in pairwise(steps):
        if other.from_units <= one.from_units or other.price_share >= one.price_share:
            raise ValueError("price_steps must rise in from_units and fall in price_share")


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
    life_years: Positive | None = None
    """Years after which nothing is left of the price; none for what is gone once it is paid (permits, fees)."""
    price_steps: tuple[PriceStep, ...] = ()
    """Cheaper units for who buys many (equipment of stations): incremental, so that earlier units keep their price."""
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
        check_price_steps(self.price_steps, self.unit)
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


NEEDED_DEVICES: Mapping[LinkModel, tuple[bool, bool]] = MappingProxyType(
    {
        "pair_source": (True, False),
        "broadcast_source": (True, False),
        "switched_source": (True, False),
        "double_click": (False, True),
        "single_click": (False, True),
        "sender_receiver": (False, True),
        "absorptive": (True, True),
    }
)
"""Whether each kind of link has a pair source, and memories."""
BANDS_NM = ((1260.0, 1360.0), (1460.0, 1625.0))
"""Windows of fiber, O and S to L, within which loss and components are alike: devices of one window fit together."""
SAME_NM = 5.0
"""Wavelengths this near fit together anywhere."""


def wavelengths_fit(one_nm: float, other_nm: float) -> bool:
    """Return whether light of one wavelength passes devices and fiber meant for another: the same window, or nearby.

    >>> wavelengths_fit(1324.0, 1310.0), wavelengths_fit(1517.0, 1550.0), wavelengths_fit(737.0, 1550.0)
    (True, True, False)
    """
    alike = any(low <= one_nm <= high and low <= other_nm <= high for low, high in BANDS_NM)
    return alike or abs(one_nm - other_nm) <= SAME_NM


@dataclass(frozen=True, kw_only=True, slots=True)
class LinkHardware:
    """The catalog entries that make one kind of elementary link, put together.

    `NEEDED_DEVICES` says which devices each kind has. `hub_users` are those of a shared source at full load: each user
    of a `broadcast_source` sees the light of `hub_users` - 1 channels, and a pair of a `switched_source` gets one of
    hub_users (hub_users - 1) / 2 equal shares of the time. `distillations` and `cutoff` are what may be chosen.
    """

    link_model: LinkModel
    fiber: Fiber
    termination: Termination
    detector: Detector
    pair_source: PairSource | None = None
    memory: Memory | None = None
    converter: Converter | None = None
    channel: ClassicalChannel | None = None
    hub_users: int = 2
    trusted_nodes: bool = False
    """Whether several links are joined by stations that know and relay the key, not by swaps."""
    distillations: tuple[Distillation, ...] = ()
    cutoff: bool = False

    def __post_init__(self) -> None:
        """Reject devices that are missing, too many, or do not fit together; the message names the first such."""
        needed = NEEDED_DEVICES[self.link_model]
        if needed != (self.pair_source is not None, self.memory is not None):
            names = [f"a {name}" if yes else f"no {name}" for name, yes in zip(_DEVICES, needed, strict=True)]
            raise ValueError(f"a {self.link_model} link needs {' and '.join(names)}")
        for problem in self.misfits():
            raise ValueError(problem)

    def misfits(self) -> Iterator[str]:
        """Yield why its parts do not connect: wavelength, encoding or protocol."""
        fiber_nm = self.fiber.wavelength_nm
        device = self.pair_source or self.memory
        photon_nm = device.photon_nm if device is not None else None
        if self.converter is not None:
            if photon_nm is not None and not wavelengths_fit(photon_nm, self.converter.from_nm):
                yield f"photons of {photon_nm:g} nm do not fit a converter from {self.converter.from_nm:g} nm"
            photon_nm = self.converter.to_nm
        if photon_nm is not None and not wavelengths_fit(photon_nm, fiber_nm):
            yield f"photons of {photon_nm:g} nm do not fit fiber at {fiber_nm:g} nm; a converter must stand between"
        low_nm, high_nm = self.detector.min_nm or 0.0, self.detector.max_nm or float("inf")
        if not low_nm <= fiber_nm <= high_nm:
            yield f"detectors for {low_nm:g} to {high_nm:g} nm do not see light of {fiber_nm:g} nm"
        parts = (self.pair_source, self.memory, self.termination)
        encodings = sorted({part.encoding for part in parts if part is not None and part.encoding is not None})
        if len(encodings) > 1:
            yield f"encodings differ: {' and '.join(encodings)}"
        if self.memory is not None and self.memory.protocols and self.link_model not in self.memory.protocols:
            yield f"the memory makes {', '.join(self.memory.protocols)} links, not {self.link_model}"

    @property
    def encoding(self) -> Encoding | None:
        """Return how its photons carry qubits, where any part says so."""
        parts = (self.memory, self.pair_source, self.termination)
        return next((part.encoding for part in parts if part is not None and part.encoding is not None), None)

    @property
    def filter_nm(self) -> float:
        """Return the width of the filter before the detectors, which background light passes."""
        if self.memory is not None:
            return self.memory.filter_nm
        return self.pair_source.bandwidth_nm if self.pair_source is not None else 0.0

    @property
    def rate_plane(self) -> Literal["detected", "stored"]:
        """Where pairs are counted: as detected coincidences, or as stored pairs."""
        return "detected" if self.memory is None else "stored"


_DEVICES = ("pair source", "memory")


def load_hardware(path: Path) -> HardwareCatalog:
    """Return the hardware catalog in `path`; raises InputError with every mistake in it."""
    return load_model(path, HardwareCatalog)


def load_costs(path: Path) -> CostCatalog:
    """Return the price list in `path`; raises InputError with every mistake in it."""
    return load_model(path, CostCatalog)
