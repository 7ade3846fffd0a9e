"""Turns streets, ducts, sites and right-of-way rules into an annotated network."""

from planner.geodata.build import build_network
from planner.geodata.cache import cached_network

__all__ = ["build_network", "cached_network"]
