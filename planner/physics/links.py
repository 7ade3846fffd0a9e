"""Elementary links: one function and one row of `LINK_MODELS` for each way of entangling neighbouring stations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Literal

from planner.catalog import LinkHardware, LinkModel
from planner.physics.arm import Aim, Arm, ElementaryLink, LinkState
from planner.physics.memory_links import double_click_link, sender_receiver_link, single_click_link
from planner.physics.source_links import (
    absorptive_link,
    broadcast_source_link,
    pair_source_link,
    switched_source_link,
)

__all__ = ["LIGHT_WAYS", "LINK_MODELS", "Aim", "Arm", "ElementaryLink", "LinkFunction", "LinkState", "Way"]

Way = Literal["left", "right"]
LinkFunction = Callable[[ElementaryLink, LinkHardware, Aim], LinkState]

LINK_MODELS: Mapping[LinkModel, LinkFunction] = MappingProxyType(
    {
        "pair_source": pair_source_link,
        "broadcast_source": broadcast_source_link,
        "switched_source": switched_source_link,
        "double_click": double_click_link,
        "single_click": single_click_link,
        "sender_receiver": sender_receiver_link,
        "absorptive": absorptive_link,
    }
)
"""Each way of making an elementary link, by the name that the catalog uses."""

LIGHT_WAYS: Mapping[LinkModel, tuple[Way, Way]] = MappingProxyType(
    {
        "pair_source": ("left", "right"),
        "broadcast_source": ("left", "right"),
        "switched_source": ("left", "right"),
        "double_click": ("right", "left"),
        "single_click": ("right", "left"),
        "sender_receiver": ("right", "right"),
        "absorptive": ("left", "right"),
    }
)
"""Towards which end photons travel in the left and in the right arm: background arrives where the detectors are."""
