"""Hardware for physics tests: round numbers, one keyword to change one thing."""

from __future__ import annotations

from typing import Any

from planner.catalog import Detector, Fiber, FreeSpaceTerminal, LinkHardware, LinkModel, Memory, PairSource, Termination
from planner.physics.performance import Arm, ElementaryLink

ENTRY: dict[str, Any] = {"label": "test", "source": "made up for tests"}


def fiber(**changes: Any) -> Fiber:
    values = {
        "wavelength_nm": 1550.0,
        "attenuation_db_per_km": 0.22,
        "splice_loss_db": 0.05,
        "reel_length_km": 2.0,
        "slack": 1.03,
        "joint_loss_db": 0.05,
        "patch_loss_db": 0.6,
        "velocity_km_per_s": 2.0e5,
        "dispersion_ps_per_nm_km": 17.0,
    }
    return Fiber(**ENTRY, **values | changes)


def termination(**changes: Any) -> Termination:
    values = {"connector_loss_db": 0.3, "device_loss_db": 1.5, "margin_db": 1.0}
    return Termination(**ENTRY, **values | changes)


def detector(**changes: Any) -> Detector:
    values = {"efficiency": 0.9, "dark_count_hz": 100.0, "jitter_ps": 70.0, "dead_time_ns": 30.0, "detectors": 4}
    return Detector(**ENTRY, **values | changes)


def pair_source(**changes: Any) -> PairSource:
    values = {
        "max_brightness_hz": 1e9,
        "max_mean_pairs": 0.05,
        "coupling_efficiency": 0.5,
        "polarization_error": 0.01,
        "bandwidth_nm": 0.8,
        "sync_jitter_ps": 20.0,
        "window_per_jitter": 1.3,
    }
    return PairSource(**ENTRY, **values | changes)


def memory(**changes: Any) -> Memory:
    values = {
        "emission_efficiency": 0.3,
        "emission_fidelity": 0.99,
        "visibility": 0.95,
        "modes": 1,
        "repetition_hz": 1e6,
        "initialization_s": 1e-5,
        "detection_window_ns": 50.0,
        "duty": 0.9,
        "coherence_time_s": 1.0,
        "decay": "exponential",
        "swap_probability": 1.0,
        "swap_fidelity": 0.99,
        "ends_store": True,
    }
    return Memory(**ENTRY, **values | changes)


def perfect_memory(**changes: Any) -> Memory:
    """A memory that adds neither errors nor delay."""
    values = {
        "emission_efficiency": 1.0,
        "emission_fidelity": 1.0,
        "visibility": 1.0,
        "initialization_s": 0.0,
        "duty": 1.0,
        "coherence_time_s": 1e15,
        "swap_fidelity": 1.0,
    }
    return memory(**values | changes)


def terminal(**changes: Any) -> FreeSpaceTerminal:
    values = {
        "wavelength_nm": 1550.0,
        "beam_waist_mm": 30.0,
        "transmit_aperture_mm": 80.0,
        "receive_aperture_mm": 80.0,
        "pointing_jitter_urad": 10.0,
        "optics_efficiency": 0.5,
        "max_range_km": 3.0,
    }
    return FreeSpaceTerminal(**ENTRY, **values | changes)


def hardware(link_model: LinkModel = "double_click", **parts: Any) -> LinkHardware:
    """Link hardware; `parts` replace whole catalog entries."""
    device = {"pair_source": pair_source()} if link_model == "pair_source" else {"memory": memory()}
    values = {"fiber": fiber(), "termination": termination(), "detector": detector()} | device | parts
    return LinkHardware(link_model=link_model, **values)


def bare_hardware(link_model: LinkModel = "double_click", **parts: Any) -> LinkHardware:
    """Link hardware without connectors, devices, margin, dark counts or detector loss."""
    bare = {
        "termination": termination(connector_loss_db=0.0, device_loss_db=0.0, margin_db=0.0),
        "detector": detector(efficiency=1.0, dark_count_hz=0.0),
    }
    return hardware(link_model, **bare | parts)


def link(
    left_km: float,
    right_km: float | None = None,
    *,
    db_per_km: float = 0.4,
    extra_db: float = 0.0,
    noise_hz: float = 0.0,
) -> ElementaryLink:
    """A link of two fiber arms (equal unless `right_km` is given); `extra_db` and `noise_hz` add to the left arm."""
    right_km = left_km if right_km is None else right_km
    return ElementaryLink(
        left=Arm(length_km=left_km, loss_db=db_per_km * left_km + extra_db, noise_hz=noise_hz),
        right=Arm(length_km=right_km, loss_db=db_per_km * right_km),
    )
