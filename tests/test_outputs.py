"""Outputs are whole or not there, and what was there before survives a failure."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from planner.errors import OutputError
from planner.outputs import check_writable, write_atomically


def test_a_failed_write_leaves_the_old_file_and_no_remains(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    write_atomically(path, ["old"])

    def chunks() -> Iterator[str]:
        yield "new"
        raise OSError(28, "No space left on device")

    with pytest.raises(OutputError, match="No space left"):
        write_atomically(path, chunks())
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_missing_folders_are_made_and_files_in_the_way_are_errors(tmp_path: Path) -> None:
    assert write_atomically(tmp_path / "a" / "b.txt", ["x"]).read_text(encoding="utf-8") == "x"
    with pytest.raises(OutputError):
        write_atomically(tmp_path / "a" / "b.txt" / "c.txt", ["x"])
    with pytest.raises(OutputError, match="cannot be written here"):
        check_writable(tmp_path / "a" / "b.txt")
