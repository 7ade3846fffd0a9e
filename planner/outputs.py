"""Writing results so that nothing is lost: into a temporary file beside the target, which then takes its place."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from planner.errors import OutputError


def write_atomically(path: Path, chunks: Iterable[str]) -> Path:
    """Write text to `path` and return it; on any failure what was there stays as it was.

    Missing folders are created. Raises OutputError when the text cannot be written.
    """
    temporary: str | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.writelines(chunks)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        raise OutputError(f"{path}: could not be written: {error.strerror or error}") from error
    return path


def check_writable(folder: Path) -> None:
    """Raise OutputError now rather than after the work when a folder cannot take results."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise OutputError(f"{folder}: results cannot be written here: {error.strerror or error}") from error
