"""Scenario parts in which nothing but lines is decided: links that no distance limits, and equipment for nothing.

With them the cost of a plan is the cost of its network, which other methods and published optima can be compared with.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

WHY = "Invented for benchmarks: limits that never bind"
FREE = "Free, so that lines alone are compared"

HARDWARE: Mapping[str, Any] = {
    "fibers": {
        "ideal": {
            "label": "Fiber that loses next to nothing",
            "wavelength_nm": 1550,
            "attenuation_db_per_km": 1e-6,
            "splice_loss_db": 0,
            "reel_length_km": 2,
            "slack": 1.0,
            "joint_loss_db": 0,
            "patch_loss_db": 0,
            "velocity_km_per_s": 200000,
            "dispersion_ps_per_nm_km": 0,
        }
    },
    "terminations": {
        "ideal": {"label": "Arm without loss", "connector_loss_db": 0, "device_loss_db": 0, "margin_db": 0}
    },
    "detectors": {
        "ideal": {
            "label": "Quiet detectors",
            "efficiency": 1.0,
            "dark_count_hz": 0,
            "jitter_ps": 70,
            "dead_time_ns": 0,
            "detectors": 4,
        }
    },
    "pair_sources": {
        "ideal": {
            "label": "Bright source",
            "max_brightness_hz": 1e7,
            "max_mean_pairs": 0.05,
            "coupling_efficiency": 1.0,
            "polarization_error": 0,
            "bandwidth_nm": 0.8,
            "sync_jitter_ps": 50,
            "window_per_jitter": 1.3,
        }
    },
    "memories": {},
    "free_space_terminals": {},
}

TECHNOLOGY: Mapping[str, Any] = {
    "id": "pairs",
    "link_model": "pair_source",
    "pair_source": "ideal",
    "detector": "ideal",
    "termination": "ideal",
    "fibers_per_route": 1,
    "equipment": {"end": [{"item": "user-receiver"}], "pair_source": [{"item": "pair-source"}]},
}

FREE_EQUIPMENT: Mapping[str, Any] = {
    item: {"price": 0, "source": FREE, "assumed": True} for item in ("pair-source", "user-receiver")
}


def write_hardware(folder: Path) -> str:
    """Write the hardware catalog into a folder and return its file name."""
    named = {
        kind: {name: {**entry, "source": WHY, "assumed": True} for name, entry in entries.items()}
        for kind, entries in HARDWARE.items()
    }
    return write(folder / "generous-hardware.yaml", named)


def write(path: Path, contents: Any) -> str:
    """Write a value as YAML (which JSON is) and return the name of the file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(contents, indent=1), encoding="utf-8")
    return path.name


def demand(a: str, b: str, routes: int, phase: str = "all") -> dict[str, Any]:
    """Return a demand that any connected route meets, as written in a scenario."""
    return {
        "id": f"{a}--{b}",
        "a": a,
        "b": b,
        "min_rate_hz": 1.0,
        "min_fidelity": 0.6,
        "rate_plane": "detected",
        "routes": routes,
        "from_phase": phase,
    }


def site(name: str, lon_deg: float, lat_deg: float, hosts: Iterable[str] = ("end", "pair_source")) -> dict[str, Any]:
    """Return a site, as written in a scenario."""
    return {
        "id": name,
        "name": name,
        "kind": "site",
        "lon_deg": lon_deg,
        "lat_deg": lat_deg,
        "hosts": list(hosts),
    }
