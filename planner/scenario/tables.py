"""Tables of text (CSV, TSV), and how their cells become the fields of a model."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from planner.errors import InputError, Problem

SEPARATORS = "\t|;,"
"""Signs that may part the columns; the first of these that the first line holds is taken."""
MAX_BYTES = 50_000_000
FLAGS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def read_table(path: Path, separators: str = SEPARATORS) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Return the names of the columns of a delimited text file, and its rows with the lines that they stand in.

    Raises InputError, located, for a file that is missing, empty, too large, not UTF-8, or has rows of other lengths.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError.at(str(path), f"file is larger than {MAX_BYTES:,} bytes")
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError.at(str(path), f"is not UTF-8 text (byte {error.start})") from error
    except OSError as error:
        raise InputError.at(str(path), f"cannot be read: {error.strerror or error}") from error
    first = text.lstrip("\n").partition("\n")[0]
    separator = next((sign for sign in separators if sign in first), ",")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        lines = [(reader.line_num, [cell.strip() for cell in row]) for row in reader if any(map(str.strip, row))]
    except csv.Error as error:
        raise InputError.at(f"{path}:{reader.line_num}", f"not delimited text: {error}") from error
    if len(lines) < 2:
        raise InputError.at(str(path), "table is empty: it has no row below the names of the columns")
    header = lines[0][1]
    if len(set(header)) < len(header):
        raise InputError.at(f"{path}:1", "two columns have one name")
    odd = [(line, row) for line, row in lines[1:] if len(row) != len(header)]
    if odd:
        text = f"columns where the first line has {len(header)}"
        raise InputError(*(Problem(where=f"{path}:{line}", problem=f"{len(row)} {text}") for line, row in odd[:20]))
    return header, lines[1:]


def with_lists(model: type[BaseModel], fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields with text parted at semicolons where the model holds several values."""
    lists = [name for name, field in model.model_fields.items() if get_origin(field.annotation) is tuple]
    parted = {
        name: [part.strip() for part in fields[name].split(";") if part.strip()]
        for name in lists
        if isinstance(fields.get(name), str)
    }
    return {**fields, **parted}


def from_text(model: type[BaseModel], fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields with the numbers and flags that their text states; text that is none stays, to be refused."""
    return {
        name: _from_text(value, _types(model.model_fields[name].annotation)) if isinstance(value, str) else value
        for name, value in fields.items()
    }


def what_is_wrong(item: Any) -> str:
    """Return what is wrong with a field, from pydantic's account of it, and what stands there."""
    if item["type"] == "missing":
        return "required column is missing or empty"
    return f"{item['msg']} (got {item['input']!r:.60})"


def _types(annotation: Any) -> set[Any]:
    """Return the plain types that an annotation is made of."""
    inner = get_args(annotation)
    return {annotation}.union(*map(_types, inner)) if inner else {annotation}


def _from_text(value: str, wanted: set[Any]) -> Any:
    if bool in wanted:
        return FLAGS.get(value.lower(), value)
    if str not in wanted and wanted & {float, int}:
        try:
            return float(value) if float in wanted else int(value)
        except ValueError:
            return value
    return value
