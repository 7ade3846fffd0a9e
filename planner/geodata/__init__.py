"""Turns streets, ducts, sites and right-of-way rules into an annotated network."""

from planner.geodata.build import build_network

__all__ = ["build_network"]
