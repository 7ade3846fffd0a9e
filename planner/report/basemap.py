"""The street basemap: all streets as one short text, which the page unpacks and draws by itself."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.network import Floats, Network
from planner.report.colours import STREET_LOOKS

STEPS_PER_DEG = 1e5
"""Coordinates are rounded to 0.00001 degrees, about one metre: enough for a picture."""
MAX_VARINT_BYTES = 5

Integers = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Basemap:
    """Packed streets, sorted by look, and the number of lines of each row of `STREET_LOOKS`."""

    packed: str
    line_counts: tuple[int, ...]


def street_basemap(network: Network) -> Basemap:
    """Return the streets of a network, ready for the page."""
    spans = network.spans
    look_of = {name: row for row, look in enumerate(STREET_LOOKS) for name in look.road_classes}
    plain = next(row for row, look in enumerate(STREET_LOOKS) if not look.road_classes)
    streets = [index for index, medium in enumerate(spans.medium) if medium == "trench"]
    rows = np.array([look_of.get(spans.road_class[index], plain) for index in streets], dtype=np.int64)
    order = np.argsort(rows, kind="stable")
    lines = [spans.line(streets[position]) for position in order]
    counts = np.bincount(rows, minlength=len(STREET_LOOKS))
    return Basemap(packed=pack_lines(lines), line_counts=tuple(int(number) for number in counts))


def pack_lines(lines: Sequence[Floats]) -> str:
    """Return lines of longitude and latitude as base64 of gzip of variable-length integers.

    The integers are: the number of lines, the number of points of each, then for every point the difference to the
    point before it (of the line before, too) in `STEPS_PER_DEG`, longitude first. Equal lines give equal text.
    """
    points = np.concatenate([*lines, np.empty((0, 2))])
    steps = np.rint(points * STEPS_PER_DEG).astype(np.int64)
    differences = np.diff(steps, axis=0, prepend=np.zeros((1, 2), np.int64))
    header = np.array([len(lines), *(len(line) for line in lines)], dtype=np.int64)
    stream = _varints(np.concatenate([header, differences.ravel()]))
    return base64.b64encode(gzip.compress(stream, compresslevel=9, mtime=0)).decode("ascii")


def _varints(numbers: Integers) -> bytes:
    """Return signed numbers as bytes of seven bits, the lowest first; the top bit says that more follow."""
    zigzag = np.where(numbers < 0, -2 * numbers - 1, 2 * numbers)
    groups = (zigzag[:, None] >> (7 * np.arange(MAX_VARINT_BYTES))) & 127
    lengths = 1 + np.sum(zigzag[:, None] >> (7 * np.arange(1, MAX_VARINT_BYTES)) > 0, axis=1)
    place = np.arange(MAX_VARINT_BYTES)
    groups |= np.where(place < lengths[:, None] - 1, 128, 0)
    packed: bytes = groups[place < lengths[:, None]].astype(np.uint8).tobytes()
    return packed
