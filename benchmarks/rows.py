"""What a benchmark is, what it is asked, and the row that each of its instances gives."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"
"""Data that is not part of the project, beside the checkout; benchmarks that need it skip with a reason."""
CACHE = ROOT / "benchmarks" / "cache"
"""Results and scratch files; not under version control."""


class SkippedError(Exception):
    """Raised by a benchmark that cannot run here; the text says why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What the command line asks of a benchmark."""

    folder: Path | None = None
    """Folder of instances to run instead of the usual ones."""
    seed: int | None = None
    """Seed of random instances, instead of the usual ones."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Settings that only some benchmarks know."""

    def number(self, name: str, default: float) -> float:
        """Return a setting as a number."""
        return float(self.settings.get(name, default))


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """The result of one instance; what does not apply is None.

    `ours` and `bound` are the cost of our plan and the lower bound on every plan, `gap` = (ours - bound) / ours,
    `optimum` a published or proven optimum, `peer` the cost of another method on the same objective. `seconds` are
    those of our design from the loaded network, `peak_mb` the memory up to then with child processes.
    """

    instance: str
    nodes: int | None = None
    edges: int | None = None
    demands: int | None = None
    ours: float | None = None
    bound: float | None = None
    gap: float | None = None
    optimum: float | None = None
    peer: float | None = None
    seconds: float | None = None
    peer_seconds: float | None = None
    peak_mb: float | None = None
    more: Mapping[str, Any] = field(default_factory=dict)
    """Further columns of this benchmark."""

    def with_more(self, **more: Any) -> Row:
        """Return the row with further columns."""
        return replace(self, more={**self.more, **more})

    def to_json(self) -> str:
        """Return the row as one line of JSON."""
        return json.dumps(self.to_dict(), allow_nan=False)

    def to_dict(self) -> dict[str, Any]:
        """Return all columns by name, the standard ones first."""
        standard = {name: getattr(self, name) for name in COLUMNS}
        return standard | {name: value for name, value in self.more.items() if name not in standard}


COLUMNS = tuple(item.name for item in fields(Row) if item.name != "more")
"""The columns that every row has."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Instance:
    """One thing to run, in a process of its own."""

    name: str
    estimate_s: float
    """About how long it takes on two cores, preparation and peers included."""
    run: Callable[[], Row]


@dataclass(frozen=True, kw_only=True, slots=True)
class Benchmark:
    """A family of instances."""

    summary: str
    instances: Callable[[Request], Sequence[Instance]]
    """Returns the instances for a request, at once and always the same; raises SkippedError where it cannot run."""
    needs_warm_up: bool = True
    """Whether compiled code should be in its cache before the first instance."""
