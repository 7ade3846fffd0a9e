"""YAML 1.2 read strictly, with the line and column of every value.

PyYAML reads YAML 1.1 (`1e6` is text, `no` is false, `12:30` is 750), keeps the last of duplicate keys and follows
aliases. Here plain scalars follow the YAML 1.2 core schema, and duplicate keys, aliases, tags, deep nesting and
oversized files are refused with their position.
"""

from __future__ import annotations

import difflib
import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from planner.errors import InputError, Problem

MAX_BYTES = 20_000_000
MAX_DEPTH = 40

KeyPath = tuple[str | int, ...]
Position = tuple[int, int]

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9_]*)")
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9][0-9_]*(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


class Model(BaseModel):
    """A value that is read from or written to a file: frozen, strict, finite, without unknown keys."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


AnyModel = TypeVar("AnyModel", bound=BaseModel)


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """A YAML file as plain values, and where each of them stands.

    `value` holds dicts, lists, strings, numbers, booleans and None; `positions` maps the path of keys and indices
    to (line, column), both counted from one.
    """

    path: Path
    value: Any
    positions: Mapping[KeyPath, Position]

    def where(self, key_path: KeyPath) -> str:
        """Return `file:line:column` of the value at `key_path`, or of the nearest value that encloses it."""
        for length in range(len(key_path), -1, -1):
            if key_path[:length] in self.positions:
                line, column = self.positions[key_path[:length]]
                return f"{self.path}:{line}:{column}"
        return f"{self.path}"

    def problem(self, key_path: KeyPath, problem: str) -> Problem:
        """Return `problem` located at `key_path`."""
        return Problem(where=self.where(key_path), key_path=format_key_path(key_path), problem=problem)


def format_key_path(key_path: KeyPath) -> str:
    """Return a path of keys and indices as people write it.

    >>> format_key_path(("phases", 1, "budget"))
    'phases[1].budget'
    """
    text = ""
    for key in key_path:
        text += f"[{key}]" if isinstance(key, int) else f".{key}" if text else key
    return text


def read_document(path: Path) -> Document:
    """Return the YAML document in `path`.

    Raises InputError when the file is missing, too large, not UTF-8, not YAML, or uses what is refused here.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError.at(str(path), f"file is larger than {MAX_BYTES} bytes")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError.at(str(path), f"cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise InputError.at(str(path), f"is not UTF-8 text (byte {error.start})") from error
    try:
        _refuse_unsafe(path, text)
        node = yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.MarkedYAMLError as error:
        where = _place(path, error.problem_mark or error.context_mark)
        raise InputError.at(where, f"not valid YAML: {error.problem or error.context}") from error
    except yaml.YAMLError as error:
        raise InputError.at(str(path), f"not valid YAML: {error}") from error
    if node is None:
        raise InputError.at(str(path), "file is empty")
    reader = _Reader(path)
    value = reader.read(node, ())
    if reader.problems:
        raise InputError(*reader.problems)
    return Document(path=path, value=value, positions=reader.positions)


def parse_model(document: Document, model: type[AnyModel]) -> tuple[AnyModel | None, list[Problem]]:
    """Return the document as a `model`, or None and every mistake in it, each with its place."""
    try:
        return model.model_validate_json(json.dumps(document.value)), []
    except ValidationError as error:
        return None, [_explain(document, model, dict(detail)) for detail in error.errors(include_url=False)]


def load_model(path: Path, model: type[AnyModel]) -> AnyModel:
    """Return the YAML file `path` as a `model`; raises InputError with every mistake in it."""
    value, problems = parse_model(read_document(path), model)
    if value is None:
        raise InputError(*problems)
    return value


def nearest(word: str, words: Iterable[str]) -> str:
    """Return `; did you mean '...'?` for the word nearest to `word`, or nothing when none is near.

    >>> nearest("budgte", ["budget", "year"])
    "; did you mean 'budget'?"
    """
    matches = difflib.get_close_matches(word, list(words), n=1, cutoff=0.6)
    return f"; did you mean '{matches[0]}'?" if matches else ""


def _place(path: Path, mark: Any) -> str:
    """Return `file:line:column` of a YAML mark, or the file where there is no mark."""
    return f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)


def _refuse_unsafe(path: Path, text: str) -> None:
    """Raise InputError at the first anchor, alias, tag or too deep nesting, before anything is composed from it."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        where = _place(path, event.start_mark)
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise InputError.at(where, "anchors and aliases are not allowed")
        if isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent) and event.tag is not None:
            raise InputError.at(where, f"tag {event.tag} is not allowed")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise InputError.at(where, f"nested deeper than {MAX_DEPTH} levels")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


class _Reader:
    """Turns composed nodes into plain values and collects positions and problems on the way."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.positions: dict[KeyPath, Position] = {}
        self.problems: list[Problem] = []

    def read(self, node: yaml.Node, key_path: KeyPath) -> Any:
        self.positions[key_path] = (node.start_mark.line + 1, node.start_mark.column + 1)
        if isinstance(node, yaml.MappingNode):
            return self._read_mapping(node, key_path)
        if isinstance(node, yaml.SequenceNode):
            return [self.read(item, (*key_path, index)) for index, item in enumerate(node.value)]
        assert isinstance(node, yaml.ScalarNode)
        return self._read_scalar(node, key_path)

    def _read_mapping(self, node: yaml.MappingNode, key_path: KeyPath) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = key_node.value
            if not isinstance(key, str):
                self._note(key_node, key_path, "a key must be text")
                continue
            if key in values:
                first_line = self.positions[(*key_path, key)][0]
                self._note(key_node, (*key_path, key), f"key stands twice, first in line {first_line}")
            values[key] = self.read(value_node, (*key_path, key))
            if not isinstance(value_node, yaml.ScalarNode):
                self.positions[(*key_path, key)] = (key_node.start_mark.line + 1, key_node.start_mark.column + 1)
        return values

    def _read_scalar(self, node: yaml.ScalarNode, key_path: KeyPath) -> Any:
        text: str = node.value
        if _CONTROL.search(text):
            self._note(node, key_path, "text holds a control or direction character")
        if node.style:  # quoted or block text; libyaml gives "" for plain
            return text
        try:
            return _plain_value(text)
        except ValueError as error:
            self._note(node, key_path, str(error))
            return None

    def _note(self, node: yaml.Node, key_path: KeyPath, problem: str) -> None:
        where = _place(self.path, node.start_mark)
        self.problems.append(Problem(where=where, key_path=format_key_path(key_path), problem=problem))


def _plain_value(text: str) -> Any:
    """Return an unquoted scalar by the YAML 1.2 core schema; raises ValueError for numbers that are not finite."""
    if text in ("", "~", "null", "Null", "NULL"):
        return None
    if text in ("true", "True", "TRUE", "false", "False", "FALSE"):
        return text.lower() == "true"
    if _NOT_FINITE.fullmatch(text):
        raise ValueError(f"{text} is not a finite number")
    if len(text) > 300 and text.strip("+-")[:1].isdigit():
        raise ValueError("number has too many digits")
    if _INTEGER.fullmatch(text):
        return int(text.replace("_", ""))
    if _HEXADECIMAL.fullmatch(text):
        return int(text, 16)
    if _FLOAT.fullmatch(text) and text not in (".", "+", "-"):
        number = float(text.replace("_", ""))
        if not math.isfinite(number):
            raise ValueError(f"{text} is not a finite number")
        return number
    return text


def _explain(document: Document, model: type[BaseModel], detail: dict[str, Any]) -> Problem:
    """Return one pydantic error in the words of the file's author, with the nearest known key where it helps."""
    key_path = _path_in_document(document, detail["loc"])
    kind = str(detail["type"])
    if kind == "extra_forbidden":
        return document.problem(key_path, f"unknown key{nearest(str(key_path[-1]), _known_keys(model))}")
    if kind == "missing":
        return document.problem((*key_path, detail["loc"][-1]), "required key is missing")
    message = str(detail["msg"]).removeprefix("Value error, ")
    got = detail.get("input")
    shown = f" (got {got!r})" if isinstance(got, str | int | float | bool) or got is None else ""
    return document.problem(key_path, message[:1].lower() + message[1:] + shown)


def _path_in_document(document: Document, loc: KeyPath) -> KeyPath:
    """Return the part of pydantic's path that names something in the file; names of union branches do not."""
    path: KeyPath = ()
    for step in loc:
        if (*path, step) in document.positions:
            path = (*path, step)
    return path


def _known_keys(model: type[BaseModel]) -> list[str]:
    """Return the keys that are known anywhere in `model`, for a suggestion."""
    schema = model.model_json_schema()
    blocks = [schema, *schema.get("$defs", {}).values()]
    return sorted({key for block in blocks for key in block.get("properties", {})})
