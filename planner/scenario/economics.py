"""What a scenario may say about money, time and the search."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from planner.catalog import NonNegative, Positive, PriceStep
from planner.yamlio import Model

Identifier = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Text = Annotated[str, Field(max_length=500)]
Rollout = Literal["joint", "step-by-step", "end-state-first", "all-at-once"]


class Exchange(Model):
    """How a price list in another currency or price year becomes the scenario's money."""

    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    price_year: Annotated[int, Field(ge=2000, le=2100)]
    factor: Positive
    """Units of the scenario's money for one unit of that currency and year."""
    source: Annotated[str, Field(min_length=3)]


class PriceOverride(Model):
    """A local price, in the scenario's money, instead of the catalog's."""

    price: NonNegative
    source: Annotated[str, Field(min_length=3)]
    assumed: bool = False
    price_steps: tuple[PriceStep, ...] = ()
    """Cheaper units for who buys many, in place of those of the catalog."""


class Economics(Model):
    """How costs of different years are added."""

    discount_rate: Annotated[float, Field(ge=0.0, lt=1.0)]
    horizon_years: Annotated[int, Field(ge=1, le=60)]
    """Years, from the first phase, in which yearly costs are counted."""
    residual_value: bool = False
    """Whether what is left of prices at the horizon counts as worth: the share of `life_years` of the price list that
    is not used up, in a straight line."""


class Budgets(Model):
    """How budgets are meant, and one over all phases."""

    total: NonNegative | None = None
    """Largest spending over all phases together, in the scenario's money of its price year; none for no limit."""
    covers: Literal["capex", "capex_and_opex"] = "capex"
    """`capex`: what is spent once. `capex_and_opex`: also the yearly costs and leases of each year of the phase (of
    the last phase: up to the horizon), not discounted."""
    carry_over: bool = False
    """Whether what a phase leaves of its budget may be spent in the next one. A phase without a budget passes nothing
    on."""


class Phase(Model):
    """An investment period."""

    id: Identifier
    name: Text = ""
    year: Annotated[int, Field(ge=2000, le=2100)]
    budget: NonNegative | None = None
    """Largest spending of the phase, in the scenario's money of its price year; none for no limit. What counts, and
    whether savings carry over, is said under `budgets`."""
    technologies: tuple[Identifier, ...]
    world_units_ratio: Annotated[float, Field(ge=1.0)] = 1.0
    """Units built in the world by then, relative to the price year: moves prices along their learning curve."""


class SolverLimits(Model):
    """When the search may stop."""

    gap: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.01
    work_budget: Annotated[int, Field(ge=1)] = 400
    """Steps of the search, counted alike on every machine: route searches and solver runs."""
    time_limit_s: Positive = 600.0
    """A limit on top; a plan that it stops says so."""
    seed: Annotated[int, Field(ge=0)] = 1
    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")] = "highs"
    """Solver of the integer programs: `highs`, `cbc`, or another one that PuLP finds (glpk, scip, gurobi ...)."""
