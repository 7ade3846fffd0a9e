"""What is asked: the scenario file with its catalogs and prices, as one immutable value."""

from planner.scenario.demands import Demand
from planner.scenario.economics import Budgets, Phase, Rollout
from planner.scenario.layers import Layer
from planner.scenario.loading import load_scenario
from planner.scenario.spec import (
    CandidateRule,
    EquipmentNeed,
    FreeSpaceCandidate,
    FreeSpaceSearch,
    ParcelRule,
    Scenario,
    ScenarioSpec,
    Site,
    Technology,
)

__all__ = [
    "Budgets",
    "CandidateRule",
    "Demand",
    "EquipmentNeed",
    "FreeSpaceCandidate",
    "FreeSpaceSearch",
    "Layer",
    "ParcelRule",
    "Phase",
    "Rollout",
    "Scenario",
    "ScenarioSpec",
    "Site",
    "Technology",
    "load_scenario",
]
