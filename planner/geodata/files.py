"""Reading files of geodata with a limit on their size, also on what they inflate to."""

from __future__ import annotations

import bz2
import gzip
import zlib
from pathlib import Path
from typing import IO, cast

from planner.errors import InputError

MAX_BYTES = 1_000_000_000
"""Largest file, and largest contents of a compressed one."""

COMPRESSED = (".gz", ".bz2")
EMPTY = "layer is empty: it has no features"


def kind_of(path: Path) -> str:
    """Return the ending of a file without its compression: `.geojson` for `streets.geojson.gz`."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in COMPRESSED:
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def check_size(path: Path, *, max_bytes: int = MAX_BYTES) -> None:
    """Raise InputError when a file is missing, empty or larger than `max_bytes`."""
    try:
        size = path.stat().st_size
    except OSError as error:
        raise InputError.at(str(path), f"cannot be read: {error.strerror or error}") from error
    if size == 0:
        raise InputError.at(str(path), "file is empty")
    if size > max_bytes:
        raise InputError.at(str(path), f"file is larger than {max_bytes:,} bytes; cut it to the region")


def read_contents(path: Path, *, max_bytes: int = MAX_BYTES) -> bytes:
    """Return the contents of a file, inflated when it ends in .gz or .bz2.

    Raises InputError when the file is missing, empty, damaged, or holds more than `max_bytes`.
    """
    check_size(path, max_bytes=max_bytes)
    try:
        with _open(path) as stream:
            contents = stream.read(max_bytes + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError.at(str(path), f"compressed file is damaged or cut off: {error}") from error
    except OSError as error:
        raise InputError.at(str(path), f"cannot be read: {error.strerror or error}") from error
    if len(contents) > max_bytes:
        raise InputError.at(str(path), f"inflates to more than {max_bytes:,} bytes; cut it to the region")
    return contents


def _open(path: Path) -> IO[bytes]:
    """Return a stream of the inflated contents."""
    ending = path.suffix.lower()
    if ending == ".gz":
        return cast(IO[bytes], gzip.open(path, "rb"))
    if ending == ".bz2":
        return cast(IO[bytes], bz2.open(path, "rb"))
    return path.open("rb")
