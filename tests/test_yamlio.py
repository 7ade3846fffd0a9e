"""YAML 1.2 read strictly: values, positions, and what is refused where."""

from __future__ import annotations

from pathlib import Path

import pytest

from planner.errors import InputError
from planner.yamlio import Model, format_key_path, load_model, read_document


def read(tmp_path: Path, text: str) -> object:
    path = tmp_path / "file.yaml"
    path.write_text(text, encoding="utf-8")
    return read_document(path)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e6", 1e6),
        ("1_000", 1000),
        ("0x10", 16),
        ("-2.5", -2.5),
        ("no", "no"),
        ("NO", "NO"),
        ("on", "on"),
        ("true", True),
        ("12:30", "12:30"),
        ("010", 10.0),
        ("~", None),
        ("null", None),
        ("'1e6'", "1e6"),
        ("2026-11-23", "2026-11-23"),
        ("1.2.3", "1.2.3"),
    ],
)
def test_plain_scalars_follow_yaml_1_2(tmp_path: Path, text: str, value: object) -> None:
    assert read(tmp_path, f"key: {text}").value == {"key": value}  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("text", "where", "problem"),
    [
        ("a: 1\nb: 2\na: 3", ":3:1", "key stands twice, first in line 1"),
        ("a: &x 1\nb: *x", ":1:4", "anchors and aliases are not allowed"),
        ("a: !!python/object/apply:os.system [ls]", ":1:4", "not allowed"),
        ("a: !!str 1", ":1:4", "not allowed"),
        ("a: .nan", ":1:4", "not a finite number"),
        ("a: 1e400", ":1:4", "not a finite number"),
        ("a: " + "9" * 5000, ":1:4", "too many digits"),
        ("a: b: c", ":1:5", "not valid YAML"),
        ("a: [1, 2", ":", "not valid YAML"),
        ("a:\n\t- 1", ":2:1", "not valid YAML"),
        ("[" * 60 + "]" * 60, ":1:41", "nested deeper"),
        ('a: "x\\u202ey"', ":1:4", "control or direction character"),
        ("", "", "file is empty"),
    ],
)
def test_what_is_refused_has_a_place(tmp_path: Path, text: str, where: str, problem: str) -> None:
    with pytest.raises(InputError) as caught:
        read(tmp_path, text)
    message = str(caught.value)
    assert where in message
    assert problem in message


def test_not_utf8_and_missing_files_are_input_errors(tmp_path: Path) -> None:
    path = tmp_path / "latin.yaml"
    path.write_bytes("a: é".encode("latin-1"))
    with pytest.raises(InputError, match=r"not UTF-8 text \(byte 3\)"):
        read_document(path)
    with pytest.raises(InputError, match="cannot be read"):
        read_document(tmp_path / "missing.yaml")


class Inner(Model):
    budget: float


class Outer(Model):
    phases: tuple[Inner, ...]
    count: int = 1


def test_every_mistake_is_reported_with_its_place_and_key_path(tmp_path: Path) -> None:
    path = tmp_path / "file.yaml"
    path.write_text("phases:\n  - {budget: 1.0}\n  - {budgte: 2.0}\ncount: many\n", encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_model(path, Outer)
    assert set(str(caught.value).splitlines()) == {
        f"{path}:3:5: phases[1].budget: required key is missing",
        f"{path}:3:14: phases[1].budgte: unknown key; did you mean 'budget'?",
        f"{path}:4:8: count: input should be a valid integer (got 'many')",
    }


def test_key_paths_read_as_people_write_them() -> None:
    assert format_key_path(("phases", 1, "budget")) == "phases[1].budget"
