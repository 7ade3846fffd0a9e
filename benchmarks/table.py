"""Rows as a table that people read, in Markdown, so that it can go into RESULTS.md as it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from benchmarks.rows import COLUMNS, Row

HIDDEN = ("commit", "machine")
"""Columns that would be the same in every line."""


def table_lines(rows: Iterable[Row]) -> Iterator[str]:
    """Yield the lines of a table with the standard columns, and the others that some row has."""
    dicts = [row.to_dict() for row in rows]
    if not dicts:
        return
    extra = dict.fromkeys(name for row in dicts for name in row if name not in COLUMNS and name not in HIDDEN)
    names = [*COLUMNS, *extra]
    yield "| " + " | ".join(names) + " |"
    yield "|" + "---|" * len(names)
    for row in dicts:
        yield "| " + " | ".join(_cell(name, row.get(name)) for name in names) + " |"


def _cell(name: str, value: Any) -> str:
    """Return a value as text: shares in per cent, times and memory short, costs with thousands."""
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if "gap" in name or name.endswith("_share"):
        return f"{value:.3%}"
    if isinstance(value, int):
        return f"{value:,}"
    if name.endswith(("seconds", "_s", "_mb")):
        return f"{value:,.1f}"
    return f"{value:,.0f}" if abs(value) >= 1000.0 else f"{value:.6g}"
