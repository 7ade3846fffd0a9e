"""The one table of what things look like: colours, labels, dashes, shapes and hatches of map, legend and charts.

The colours are those of Okabe and Ito (2008), which readers with any colour vision tell apart. Nothing is told by
colour alone: lines differ in dash and core, markers in shape, bars in hatch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

BLACK, ORANGE, SKY, GREEN = "#1a1a1a", "#e69f00", "#56b4e9", "#009e73"
YELLOW, BLUE, VERMILLION, PINK = "#f0e442", "#0072b2", "#d55e00", "#cc79a7"
GREY, PALE = "#767676", "#9a9a9a"
WHITE = "#ffffff"

Hatch = Literal["solid", "rising", "falling", "dots", "cross", "upright", "level"]


@dataclass(frozen=True, kw_only=True, slots=True)
class LineLook:
    """How a line is drawn on the map and in the legend."""

    label: str
    colour: str
    width_px: float
    dash: str = ""
    """SVG dash array; empty for a continuous line."""
    hollow: bool = False
    """Whether a white core marks the line besides its colour."""
    halo: bool = True
    """Whether a white edge lifts the line off the streets."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MarkerLook:
    """How a place is drawn: an outline around the origin, some 14 px wide."""

    label: str
    colour: str
    outline: str
    """SVG path."""
    filled: bool = True
    offset_px: tuple[int, int] = (0, 0)
    """Where the symbol stands relative to the place, so that stations do not cover their site."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StreetLook:
    """How streets of some classes are drawn under the plan."""

    label: str
    road_classes: frozenset[str]
    colour: str
    width_px: float
    """Width at zoom 14; it grows and shrinks with the map."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BarLook:
    """How a cost category is drawn in the charts."""

    label: str
    colour: str
    hatch: Hatch = "solid"


CIRCLE = "M-6.5 0a6.5 6.5 0 1 0 13 0a6.5 6.5 0 1 0 -13 0z"
DOT = "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0z"
SQUARE = "M-5.5 -5.5h11v11h-11z"
DIAMOND = "M0 -7.5L7.5 0L0 7.5L-7.5 0z"
TRIANGLE = "M0 -7L7.2 5.6H-7.2z"
STAR = "M0 -8L2.1 -2.6L7.8 -2.4L3.3 1.2L4.9 6.8L0 3.6L-4.9 6.8L-3.3 1.2L-7.8 -2.4L-2.1 -2.6z"

ASSUMED_DASH = "9 5"

LINE_LOOKS: Mapping[str, LineLook] = {
    "existing": LineLook(label="Existing duct or fiber, not used", colour=GREY, width_px=1.6, halo=False),
    "existing-assumed": LineLook(
        label="Existing duct or fiber, assumed, not used", colour=GREY, width_px=1.6, dash="4 3", halo=False
    ),
    "hop-unused": LineLook(
        label="Free-space hop, candidate, not used", colour=PINK, width_px=2.0, dash="2 4", halo=False
    ),
    "closed": LineLook(label="Street that may not be opened", colour="#7a1f1f", width_px=2.0, dash="1 4", halo=False),
    "roadworks": LineLook(label="Street open for planned roadworks", colour=YELLOW, width_px=3.0, halo=False),
    "override": LineLook(
        label="Street or duct with an override", colour=BLACK, width_px=2.0, dash="6 3 1 3", halo=False
    ),
    "trench": LineLook(label="New trench in the street", colour=VERMILLION, width_px=4.5),
    "cable": LineLook(label="New cable in existing duct", colour=BLUE, width_px=4.5),
    "cable-assumed": LineLook(label="New cable in an assumed duct", colour=BLUE, width_px=4.5, dash=ASSUMED_DASH),
    "lease": LineLook(label="Leased dark fiber", colour=SKY, width_px=5.0, hollow=True),
    "lease-assumed": LineLook(
        label="Leased dark fiber, assumed", colour=SKY, width_px=5.0, hollow=True, dash=ASSUMED_DASH
    ),
    "lateral": LineLook(label="Lateral from street to building", colour=BLACK, width_px=1.8),
    "hop": LineLook(label="Free-space hop, sightline checked", colour=PINK, width_px=4.0, dash="12 4 2 4"),
    "hop-unchecked": LineLook(label="Free-space hop, sightline unchecked", colour=PINK, width_px=4.0, dash="2 5"),
    "shared": LineLook(
        label="Shared by primary and backup: no other way", colour=BLACK, width_px=2.4, dash="1 5", halo=False
    ),
    "primary": LineLook(label="Primary route of the chosen demand", colour=GREEN, width_px=10.0, halo=False),
    "backup": LineLook(
        label="Backup route of the chosen demand", colour=ORANGE, width_px=10.0, dash="11 6", halo=False
    ),
}
"""Looks of the line layers, by the layer's name."""

FAILED_LOOK = LineLook(label="Failed in the replay", colour="#b00020", width_px=7.0)
BROKEN_LOOK = LineLook(label="Route that no longer works", colour="#b00020", width_px=2.0, dash="3 5")
"""The alarm red stands outside the palette and is used for nothing else."""

MARKER_LOOKS: Mapping[str, MarkerLook] = {
    "site-unused": MarkerLook(label="Candidate site, not used", colour=GREY, outline=DOT, filled=False),
    "site-user": MarkerLook(label="Site with users", colour=BLACK, outline=CIRCLE),
    "site-inner": MarkerLook(label="Site without users (hut, exchange)", colour=BLACK, outline=SQUARE),
    "repeater": MarkerLook(label="Repeater", colour=VERMILLION, outline=DIAMOND, offset_px=(1, -14)),
    "trusted-node": MarkerLook(
        label="Trusted node (knows the key)", colour=PINK, outline=SQUARE, filled=False, offset_px=(1, -14)
    ),
    "source": MarkerLook(label="Source of entangled pairs", colour=YELLOW, outline=STAR, offset_px=(-11, -9)),
    "heralding": MarkerLook(label="Heralding station", colour=GREEN, outline=TRIANGLE, offset_px=(-11, 10)),
}
"""Looks of the point layers, by the layer's name."""

STREET_LOOKS: tuple[StreetLook, ...] = (
    StreetLook(
        label="paths and other streets",
        road_classes=frozenset({"footway", "path", "cycleway", "steps", "track", "pedestrian", "service", "corridor"}),
        colour="#e4e4e1",
        width_px=0.7,
    ),
    StreetLook(label="streets", road_classes=frozenset(), colour="#d9d9d5", width_px=1.1),
    StreetLook(
        label="main streets",
        road_classes=frozenset({"tertiary", "tertiary_link", "secondary", "secondary_link"}),
        colour="#c6c6c1",
        width_px=1.8,
    ),
    StreetLook(
        label="arterial roads",
        road_classes=frozenset({"primary", "primary_link", "trunk", "trunk_link"}),
        colour="#b4b4ae",
        width_px=2.6,
    ),
    StreetLook(
        label="motorways", road_classes=frozenset({"motorway", "motorway_link"}), colour="#a3a39d", width_px=3.2
    ),
)
"""Streets from the thinnest to the widest; a class that no row names is drawn as `streets`."""

BAR_LOOKS: Mapping[str, BarLook] = {
    "trenching": BarLook(label="Trenching", colour=VERMILLION),
    "right-of-way": BarLook(label="Right-of-way (permits, restoration)", colour=ORANGE, hatch="rising"),
    "crossings": BarLook(label="Crossings of rail, water and motorways", colour=VERMILLION, hatch="cross"),
    "laterals": BarLook(label="Laterals to buildings", colour=YELLOW, hatch="dots"),
    "cable": BarLook(label="Cable", colour=BLUE, hatch="falling"),
    "duct rental": BarLook(label="Duct rental", colour="#8f8f8f", hatch="level"),
    "dark fiber lease": BarLook(label="Dark fiber lease", colour=SKY, hatch="upright"),
    "free-space hops": BarLook(label="Free-space hops", colour=PINK, hatch="cross"),
    "huts": BarLook(label="Huts and shelters", colour=BLACK, hatch="rising"),
    "quantum equipment": BarLook(label="Quantum equipment", colour=GREEN),
    "residual value": BarLook(label="Residual value at the horizon", colour=PALE, hatch="level"),
}
"""Looks of the cost categories of `planner.costs`, in the order of the bars."""


def bar_look(category: str) -> BarLook:
    """Return the look of a cost category; one that has none here is drawn grey and cross-hatched."""
    return BAR_LOOKS.get(category, BarLook(label=category, colour=PALE, hatch="cross"))


def bar_order(categories: frozenset[str]) -> tuple[str, ...]:
    """Return cost categories in the order in which bars and tables show them."""
    known = [name for name in BAR_LOOKS if name in categories]
    return (*known, *sorted(categories - set(known)))


MEDIUM_LABELS: Mapping[str, str] = {
    "trench": "New trench",
    "duct": "Cable in existing duct",
    "dark_fiber": "Leased dark fiber",
    "free_space": "Free-space hop",
}
"""What taking a span of each medium into use means, in words."""

ROLE_LABELS: Mapping[str, str] = {
    "end": "end node",
    "repeater": "repeater",
    "pair_source": "pair source",
    "heralding": "heralding station",
    "trusted_node": "trusted node",
}
