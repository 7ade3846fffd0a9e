"""Tables as values: what a template needs to draw any of the report's tables in the same way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from markupsafe import Markup

Cell = str | Markup


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """A column: its heading, the unit under it, and whether it holds numbers."""

    label: str
    unit: str = ""
    is_number: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A row of cells; the first is its heading. `kind` is a plain word for the style sheet.

    A row of kind `group` or `remark` has one cell, which is as wide as the table; a `group` starts a new part of it.
    """

    cells: tuple[Cell, ...]
    kind: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """A table with its caption; `foot` holds sums and limits."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    foot: tuple[Row, ...] = ()


def without_empty(table: Table, empty: Cell) -> Table:
    """Return a table without the columns in which every row has the empty cell."""
    kept = [at for at in range(len(table.columns)) if any(line.cells[at] != empty for line in table.rows)]
    lines = tuple(replace(line, cells=tuple(line.cells[at] for at in kept)) for line in table.rows)
    return replace(table, columns=tuple(table.columns[at] for at in kept), rows=lines) if table.rows else table


def text_columns(*labels: str) -> tuple[Column, ...]:
    """Return columns of words."""
    return tuple(Column(label=label) for label in labels)


def number_columns(labels: Iterable[str], *, unit: str = "") -> tuple[Column, ...]:
    """Return columns of numbers."""
    return tuple(Column(label=label, unit=unit, is_number=True) for label in labels)


def row(*cells: Cell, kind: str = "") -> Row:
    """Return a row of cells."""
    return Row(cells=cells, kind=kind)


def rows(lines: Iterable[Sequence[Cell]]) -> tuple[Row, ...]:
    """Return rows of cells."""
    return tuple(Row(cells=tuple(line)) for line in lines)
