"""Errors that `planner` raises on purpose, each with the exit code of the command that meets it.

PlannerError
InputError       a file or option is wrong: where, what, what would be right     2
SourceError      a download failed or returned nothing                           3
NoPlanError      there is no plan to give; carries the reasons
  InfeasibleError  none exists: proven                                           1
  SolverError      the search or the solver gave no usable answer                3
VerdictError     a check failed and strict was asked                             1
OutputError      a result could not be written; what was there is untouched      4
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """One mistake in an input: where it stands and what is wrong.

    `where` is `file:line:column`, a file and feature id, or a map position; `key_path` names the value in
    the file (`phases[1].budget`) and may be empty.
    """

    where: str
    problem: str
    key_path: str = ""

    def __str__(self) -> str:
        """Return `where: key path: problem`, leaving out what is empty."""
        return ": ".join(part for part in (self.where, self.key_path, self.problem) if part)


@dataclass(frozen=True, kw_only=True, slots=True)
class Obstacle:
    """Something that stands in the way of a plan: in words, whose demands it concerns, and on which spans it lies."""

    reason: str
    demands: tuple[str, ...] = ()
    spans: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return the reason."""
        return self.reason


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """A single change of what is asked, or of what the city offers, that would make a plan possible.

    `cost` is more money for a budget, or the present cost of what the change makes possible or needs, as `change` says;
    None where it costs nothing. `demand` names whom it helps; empty when it makes the whole plan possible.
    """

    kind: str
    change: str
    demand: str = ""
    cost: float | None = None
    lon_deg: float | None = None
    lat_deg: float | None = None


class PlannerError(Exception):
    """Any failure that `planner` explains; `exit_code` is what the command line returns for it."""

    exit_code: ClassVar[int] = 3
    kind: ClassVar[str] = "error"


def _told(changes: tuple[Change, ...]) -> list[str]:
    """Return the lines that tell the changes."""
    if not changes:
        return []
    return ["The cheapest single changes that would help:", *(f"- {item.change}" for item in changes)]


class InputError(PlannerError, ValueError):
    """An input is wrong; `problems` lists every mistake that was found."""

    exit_code = 2
    kind = "input"

    def __init__(self, *problems: Problem) -> None:
        """Collect one or more problems of the same input."""
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems

    @classmethod
    def at(cls, where: str, problem: str, *, key_path: str = "") -> InputError:
        """Return an error with a single problem."""
        return cls(Problem(where=where, problem=problem, key_path=key_path))


class SourceError(PlannerError, OSError):
    """A remote source failed or returned nothing."""

    exit_code = 3
    kind = "source"


class NoPlanError(PlannerError):
    """There is no plan to give. `reasons` say which demands, budgets or places stand in the way.

    `changes` are the cheapest ones of each kind that were found to help, where it was looked for them.
    """

    def __init__(self, *reasons: str | Obstacle, changes: tuple[Change, ...] = ()) -> None:
        """Collect the reasons, most telling first."""
        super().__init__("\n".join([*map(str, reasons), *_told(changes)]))
        self.reasons = tuple(map(str, reasons))
        self.obstacles = tuple(reason for reason in reasons if isinstance(reason, Obstacle))
        self.changes = changes
        self.page: Path | None = None
        """Where the reasons are shown on a map, once that was written."""


class InfeasibleError(NoPlanError):
    """No plan exists: proven."""

    exit_code = 1
    kind = "infeasible"


class SolverError(NoPlanError, RuntimeError):
    """The search or a solver ended without an answer that can be used: nothing is proven."""

    exit_code = 3
    kind = "solver"


class VerdictError(PlannerError):
    """A check of the plan failed and the caller asked to be strict."""

    exit_code = 1
    kind = "verdict"


class OutputError(PlannerError, OSError):
    """An output could not be written; files that were there before are unchanged."""

    exit_code = 4
    kind = "output"
