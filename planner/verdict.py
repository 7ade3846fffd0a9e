"""The verdict: what an independent recomputation found about a plan."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from planner.entries import NonNegative
from planner.errors import InputError
from planner.yamlio import Model


class Check(Model):
    """One comparison of the plan with what was recomputed."""

    name: str
    """The sentence that must be true, as a name: `loss_is_right`, `budget_holds` ..."""
    subject: str
    """What was checked: a demand and its route, a phase, a span ..."""
    expected: str
    actual: str
    unit: str = ""
    passed: bool


class Failure(Model):
    """What one cut or outage does to the services of the last phase."""

    risk_group: str
    kind: Literal["span", "site"]
    lost_demands: tuple[str, ...]
    """Demands without any working route left."""
    weakened_demands: tuple[str, ...]
    """Demands that lose one of several routes and keep another."""


class Ceiling(Model):
    """The ebits per second of a service in a phase, and the most that physics lets the network of the phase carry."""

    demand: str
    phase: str
    ebit_rate_hz: NonNegative
    ceiling_hz: NonNegative


class Verdict(Model):
    """All checks of a plan, and what each single failure does to it."""

    scenario_digest: str
    network_digest: str
    plan_digest: str
    checks: tuple[Check, ...]
    failures: tuple[Failure, ...]
    ceilings: tuple[Ceiling, ...] = ()
    """Of every service whose routes could be recomputed."""
    notes: tuple[str, ...] = ()
    """What could not be checked, and why."""

    @property
    def passed(self) -> bool:
        """Return whether every check passed."""
        return all(check.passed for check in self.checks)

    @property
    def failed_checks(self) -> tuple[Check, ...]:
        """Return the checks that did not pass."""
        return tuple(check for check in self.checks if not check.passed)

    def to_json(self) -> str:
        """Return the verdict as indented JSON text."""
        return json.dumps({"passed": self.passed, **self.model_dump(mode="json")}, indent=1, allow_nan=False) + "\n"


def load_verdict(path: Path) -> Verdict:
    """Return the verdict in a JSON file; raises InputError when it is not one."""
    try:
        contents = json.loads(path.read_bytes())
        contents.pop("passed", None)
        return Verdict.model_validate_json(json.dumps(contents))
    except OSError as error:
        raise InputError.at(str(path), f"cannot be read: {error.strerror or error}") from error
    except (ValidationError, ValueError, AttributeError) as error:
        raise InputError.at(str(path), f"not a verdict: {error}") from error
