"""Tiny worlds, drawn in characters, whose answers are known by hand.

    A---+---b
    |       |
    C===#===D

Upper-case letters are sites that may host everything, lower-case letters are huts (repeaters, sources, heralding
stations), `+` is a junction and `#` a handhole. `-` and `|` are streets to be opened, `=` and `:` ducts in which cable
can be pulled, `~` and `!` fiber on lease. One character is `cell_km` long, in both directions.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pyproj import Geod

from planner.network import Medium, Network, NetworkSite, Nodes, Spans, with_digest
from planner.scenario import Scenario, load_scenario

ORIGIN_LON_DEG, ORIGIN_LAT_DEG = 5.5, 50.6
KM_PER_LAT_DEG, KM_PER_LON_DEG = 111.24, 70.8
GEOD = Geod(ellps="WGS84")

HARDWARE: dict[str, Any] = {
    "fibers": {
        "fiber": {
            "label": "test fiber",
            "source": "invented for tests",
            "assumed": True,
            "wavelength_nm": 1550.0,
            "attenuation_db_per_km": 0.2,
            "splice_loss_db": 0.05,
            "reel_length_km": 2.0,
            "slack": 1.0,
            "joint_loss_db": 0.05,
            "patch_loss_db": 0.6,
            "velocity_km_per_s": 2.0e5,
            "dispersion_ps_per_nm_km": 17.0,
        }
    },
    "terminations": {
        "arm": {
            "label": "test arm",
            "source": "invented for tests",
            "assumed": True,
            "connector_loss_db": 0.3,
            "device_loss_db": 1.0,
            "margin_db": 1.0,
        }
    },
    "detectors": {
        "snspd": {
            "label": "test detector",
            "source": "invented for tests",
            "assumed": True,
            "efficiency": 0.9,
            "dark_count_hz": 100.0,
            "jitter_ps": 70.0,
            "dead_time_ns": 30.0,
            "detectors": 4,
        }
    },
    "pair_sources": {
        "spdc": {
            "label": "test source",
            "source": "invented for tests",
            "assumed": True,
            "max_brightness_hz": 1.0e7,
            "max_mean_pairs": 0.05,
            "coupling_efficiency": 0.5,
            "polarization_error": 0.01,
            "bandwidth_nm": 0.8,
            "sync_jitter_ps": 20.0,
            "window_per_jitter": 1.3,
        }
    },
    "memories": {
        "memory": {
            "label": "test memory",
            "source": "invented for tests",
            "assumed": True,
            "emission_efficiency": 0.3,
            "emission_fidelity": 0.99,
            "visibility": 0.97,
            "modes": 10,
            "repetition_hz": 1.0e6,
            "initialization_s": 1.0e-5,
            "detection_window_ns": 50.0,
            "duty": 0.9,
            "coherence_time_s": 10.0,
            "decay": "exponential",
            "swap_probability": 1.0,
            "swap_fidelity": 0.99,
            "ends_store": True,
        }
    },
    "free_space_terminals": {
        "rooftop": {
            "label": "test terminal",
            "source": "invented for tests",
            "assumed": True,
            "wavelength_nm": 1550.0,
            "beam_waist_mm": 30.0,
            "transmit_aperture_mm": 80.0,
            "receive_aperture_mm": 80.0,
            "pointing_jitter_urad": 10.0,
            "optics_efficiency": 0.5,
            "max_range_km": 3.0,
        }
    },
}

PRICES = {
    "trench": ("per_m", 60.0, 0.025, 1),
    "right-of-way-permit": ("per_m", 5.0, 0.0, 1),
    "cable-pull": ("per_m", 8.0, 0.02, 1),
    "duct-rental": ("per_m_year", 2.0, 0.0, 1),
    "dark-fiber-lease": ("per_fiber_km_year", 720.0, 0.0, 1),
    "free-space-terminal": ("per_unit", 150_000.0, 0.1, 1),
    "pair-source": ("per_unit", 250_000.0, 0.1, 1),
    "user-receiver": ("per_unit", 60_000.0, 0.1, 1),
    "snspd-system": ("per_unit", 180_000.0, 0.1, 8),
    "heralding-station": ("per_unit", 300_000.0, 0.1, 1),
    "memory-node": ("per_unit", 1_500_000.0, 0.1, 1),
    "memory-lane": ("per_unit", 500_000.0, 0.1, 1),
    "hut": ("per_unit", 120_000.0, 0.1, 1),
}

COSTS: dict[str, Any] = {
    "currency": "EUR",
    "price_year": 2025,
    "items": {
        name: {
            "label": name,
            "source": "invented for tests",
            "assumed": True,
            "unit": unit,
            "price": price,
            "low": price / 2,
            "high": price * 2,
            "opex_share_per_year": opex,
            "serves": serves,
            "learning_rate": 0.15 if unit == "per_unit" else 0.0,
        }
        for name, (unit, price, opex, serves) in PRICES.items()
    },
    "road_classes": {
        name: {"label": name, "source": "invented for tests", "factor": factor}
        for name, factor in (("residential", 1.0), ("primary", 1.5), ("unknown", 1.0))
    },
    "surfaces": {"unknown": {"label": "unknown", "source": "invented for tests", "factor": 1.0}},
    "densities": {"urban": {"label": "urban", "source": "invented for tests", "factor": 1.0}},
}

PAIRS: dict[str, Any] = {
    "id": "pairs",
    "link_model": "pair_source",
    "termination": "arm",
    "detector": "snspd",
    "pair_source": "spdc",
    "max_lanes": 2,
    "equipment": {
        "end": [{"item": "user-receiver"}, {"item": "snspd-system", "units": 4}],
        "pair_source": [{"item": "pair-source", "counted": "per_lane"}],
    },
}
CHAIN: dict[str, Any] = {
    "id": "chain",
    "link_model": "double_click",
    "termination": "arm",
    "detector": "snspd",
    "memory": "memory",
    "max_links": 4,
    "max_lanes": 4,
    "equipment": {
        "end": [{"item": "memory-node"}, {"item": "memory-lane", "counted": "per_extra_lane"}],
        "repeater": [{"item": "memory-node"}, {"item": "memory-lane", "counted": "per_extra_lane"}],
        "heralding": [{"item": "heralding-station"}],
    },
}

STREETS = {"-": "trench", "|": "trench", "=": "duct", ":": "duct", "~": "dark_fiber", "!": "dark_fiber"}


@dataclass(frozen=True, kw_only=True, slots=True)
class World:
    """A scenario and the network that was drawn for it."""

    scenario: Scenario
    network: Network


def demand(a: str, b: str, **changes: Any) -> dict[str, Any]:
    """Return a demand between two sites, in detected pairs, as written in a scenario."""
    values = {
        "id": f"{a}-{b}",
        "a": a,
        "b": b,
        "min_rate_hz": 10.0,
        "min_fidelity": 0.8,
        "rate_plane": "detected",
        "routes": 1,
        "from_phase": "p1",
    }
    return values | changes


def stored(a: str, b: str, **changes: Any) -> dict[str, Any]:
    """Return a demand for stored pairs."""
    return demand(a, b, **({"rate_plane": "stored", "min_rate_hz": 1.0} | changes))


def phases(*budgets: float | None, years: int = 3) -> list[dict[str, Any]]:
    """Return phases `p1`, `p2` ... some years apart, with these budgets, in which everything is allowed."""
    return [
        {"id": f"p{i + 1}", "year": 2027 + years * i, "budget": budget, "technologies": ["pairs", "chain"]}
        for i, budget in enumerate(budgets)
    ]


def make_world(
    folder: Path,
    drawing: str,
    demands: Sequence[dict[str, Any]],
    *,
    cell_km: float = 0.5,
    hops: Sequence[dict[str, Any]] = (),
    hardware: dict[str, Any] | None = None,
    **changes: Any,
) -> World:
    """Return the world of a drawing; `hardware` adds to the catalog, `changes` replace keys of its scenario file."""
    rows = drawing.strip("\n").split("\n")
    letters = {c: (row, col) for row, line in enumerate(rows) for col, c in enumerate(line) if c.isalpha()}
    spec: dict[str, Any] = {
        "title": "test world",
        "currency": "EUR",
        "price_year": 2025,
        "extent": {"west_lon_deg": 4.0, "south_lat_deg": 49.0, "east_lon_deg": 8.0, "north_lat_deg": 52.0},
        "catalogs": {"hardware": "hardware.yaml", "costs": "costs.yaml"},
        "layers": {"streets": {"path": "streets.geojson"}},
        "sites": [_site(letter, _place(row, col, cell_km)) for letter, (row, col) in sorted(letters.items())],
        "fiber": "fiber",
        "technologies": [PAIRS, CHAIN],
        "free_space": list(hops),
        "right_of_way": {"density": "urban"},
        "economics": {"discount_rate": 0.05, "horizon_years": 15},
        "phases": phases(None),
        "demands": list(demands),
        "objective": "net_present_cost",
        "solver": {"work_budget": 60, "gap": 0.0},
        **changes,
    }
    for name, contents in (("hardware", HARDWARE | (hardware or {})), ("costs", COSTS), ("scenario", spec)):
        (folder / f"{name}.yaml").write_text(json.dumps(contents, indent=1), encoding="utf-8")
    (folder / "streets.geojson").write_text('{"type": "FeatureCollection", "features": []}', encoding="utf-8")
    scenario = load_scenario(folder / "scenario.yaml")
    return World(scenario=scenario, network=_draw(scenario, rows, cell_km))


def hop(a: str, b: str, **changes: Any) -> dict[str, Any]:
    """Return a free-space candidate between two sites, as written in a scenario."""
    values = {
        "id": f"hop-{a}-{b}",
        "a": a,
        "b": b,
        "terminal": "rooftop",
        "visibility_km": 10.0,
        "cn2_m23": 1e-14,
        "sky": "dark",
    }
    return values | changes


def _site(letter: str, place: tuple[float, float]) -> dict[str, Any]:
    inner = ["repeater", "pair_source", "heralding"]
    site = {"id": letter, "name": f"site {letter}", "lon_deg": place[0], "lat_deg": place[1]}
    if letter.islower():
        return {**site, "kind": "hut", "hosts": inner, "shelter": "hut"}
    return {**site, "kind": "campus", "hosts": ["end", *inner]}


def _place(row: int, col: int, cell_km: float) -> tuple[float, float]:
    lon_deg = ORIGIN_LON_DEG + col * cell_km / KM_PER_LON_DEG
    return round(lon_deg, 7), round(ORIGIN_LAT_DEG - row * cell_km / KM_PER_LAT_DEG, 7)


def _runs(rows: list[str]) -> list[tuple[tuple[int, int], tuple[int, int], Medium]]:
    """Return start, end and medium of every line of the drawing."""
    runs: list[tuple[tuple[int, int], tuple[int, int], Medium]] = []

    def at(row: int, col: int) -> str:
        return rows[row][col] if 0 <= row < len(rows) and 0 <= col < len(rows[row]) else " "

    for row, line in enumerate(rows):
        for col, character in enumerate(line):
            if not (character.isalpha() or character in "+#"):
                continue
            for d_row, d_col, marks in ((0, 1, "-=~"), (1, 0, "|:!")):
                mark, steps = at(row + d_row, col + d_col), 1
                while at(row + steps * d_row, col + steps * d_col) == mark and mark in marks:
                    steps += 1
                if steps > 1:
                    medium: Medium = STREETS[mark]  # type: ignore[assignment]
                    runs.append(((row, col), (row + steps * d_row, col + steps * d_col), medium))
    return runs


def _draw(scenario: Scenario, rows: list[str], cell_km: float) -> Network:
    cells = {(r, c): x for r, line in enumerate(rows) for c, x in enumerate(line) if x.isalpha() or x in "+#"}
    index = {cell: number for number, cell in enumerate(sorted(cells))}
    places = {cell: _place(*cell, cell_km) for cell in cells}
    price = {name: item.price for name, item in scenario.costs.items.items()}
    fiber = scenario.hardware.fibers["fiber"]
    db_per_km = fiber.attenuation_db_per_km + fiber.splice_loss_db / fiber.reel_length_km
    columns: list[dict[str, Any]] = []
    for start, end, medium in _runs(rows):
        km = GEOD.line_length(*zip(places[start], places[end], strict=True)) / 1000.0
        columns.append(
            _span(f"s{len(columns):02d}", medium, km, price)
            | {"start": index[start], "end": index[end], "loss_db": db_per_km * km * fiber.slack}
            | {"line": [places[start], places[end]]}
        )
    where = {site.id: index[cell] for cell, letter in cells.items() for site in scenario.sites if site.id == letter}
    columns += [_hop_span(scenario, candidate, where, price) for candidate in scenario.spec.free_space]
    node_cells = sorted(cells)
    return with_digest(
        Network(
            title=scenario.spec.title,
            scenario_digest=scenario.digest,
            nodes=Nodes(
                ids=tuple(f"n{number:02d}" for number in range(len(node_cells))),
                lon_deg=np.array([places[cell][0] for cell in node_cells]),
                lat_deg=np.array([places[cell][1] for cell in node_cells]),
                kinds=tuple({"+": "junction", "#": "handhole"}.get(cells[cell], "site") for cell in node_cells),
                joint_loss_db=np.array([0.05 if cells[cell] == "#" else 0.0 for cell in node_cells]),
            ),
            spans=_columns(columns),
            sites=tuple(
                NetworkSite(id=site.id, node=where[site.id], lateral_km=0.0, lateral_loss_db=0.0, lateral_capex=0.0)
                for site in scenario.sites
            ),
            notes=(),
            attributions=("drawn for tests",),
            hops=tuple(sorted(scenario.spec.free_space, key=lambda candidate: candidate.id)),
        )
    )


def _span(span_id: str, medium: Medium, km: float, price: dict[str, float]) -> dict[str, Any]:
    is_trench, is_duct, is_lease = (medium == kind for kind in ("trench", "duct", "dark_fiber"))
    metres = km * 1000.0
    return {
        "ids": span_id,
        "medium": medium,
        "length_km": km,
        "trench_capex": price["trench"] * metres if is_trench else 0.0,
        "right_of_way_capex": price["right-of-way-permit"] * metres if is_trench else 0.0,
        "cable_capex": price["cable-pull"] * metres if is_duct else 0.0,
        "rent_per_year": price["duct-rental"] * metres if is_duct else 0.0,
        "lease_per_fiber_year": price["dark-fiber-lease"] * km if is_lease else 0.0,
        "max_fibers": 96 if is_trench else 4,
        "used_fibers": -1,
        "buildable": True,
        "road_class": "residential" if is_trench else "",
        "surface": "unknown" if is_trench else "",
        "zone": "",
        "district": "",
        "status": "",
        "origin": span_id if is_trench or is_duct or is_lease else "",
        "override": "",
        "price_factor": 0.0,
        "forbidden": False,
        "forced_phase": "",
        "crossing_capex": 0.0,
        "permit_lead_months": 0,
        "closed_until_year": 0,
        "roadworks_year": 0,
        "name": "",
        "risk_groups": ((f"street:{span_id}" if is_trench else f"duct:{span_id}"),),
        "assumed": False,
        "is_measured": False,
        "classical_forward_mw": 0.0,
        "classical_backward_mw": 0.0,
        "classical_nm": 0.0,
    }


def _hop_span(scenario: Scenario, candidate: Any, where: dict[str, int], price: dict[str, float]) -> dict[str, Any]:
    from planner.physics.freespace import hop_loss_db

    a, b = scenario.site(candidate.a), scenario.site(candidate.b)
    line = [(a.lon_deg, a.lat_deg), (b.lon_deg, b.lat_deg)]
    km = GEOD.line_length(*zip(*line, strict=True)) / 1000.0
    terminal = scenario.hardware.free_space_terminals[candidate.terminal]
    loss_db = hop_loss_db(km, terminal, visibility_km=candidate.visibility_km, cn2_m23=candidate.cn2_m23)
    return _span(candidate.id, "free_space", km, price) | {
        "start": where[a.id],
        "end": where[b.id],
        "loss_db": loss_db + 2 * scenario.hardware.fibers["fiber"].patch_loss_db,
        "cable_capex": 2 * price["free-space-terminal"],
        "max_fibers": 64,
        "risk_groups": (f"hop:{candidate.id}",),
        "assumed": not candidate.sightline_checked,
        "line": line,
    }


def _columns(columns: list[dict[str, Any]]) -> Spans:
    def column(name: str) -> list[Any]:
        return [values[name] for values in columns]

    floats = ("length_km", "loss_db", "trench_capex", "right_of_way_capex", "crossing_capex", "cable_capex")
    classical = ("classical_forward_mw", "classical_backward_mw", "classical_nm")
    rents = ("rent_per_year", "lease_per_fiber_year", "price_factor")
    years = ("permit_lead_months", "closed_until_year", "roadworks_year")
    texts = ("ids", "medium", "road_class", "surface", "zone", "district", "status", "origin", "override")
    texts += ("forced_phase", "name", "risk_groups")
    return Spans(
        **{name: np.array(column(name), np.float64) for name in (*floats, *classical, *rents)},
        **{name: np.array(column(name), np.int64) for name in ("start", "end", *years, "max_fibers", "used_fibers")},
        **{name: np.array(column(name), np.bool_) for name in ("buildable", "assumed", "is_measured", "forbidden")},
        **{name: tuple(column(name)) for name in texts},
        offsets=np.cumsum([0, *(len(line) for line in column("line"))], dtype=np.int64),
        coordinates=np.array([point for line in column("line") for point in line], np.float64).reshape(-1, 2),
    )
