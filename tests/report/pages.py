"""Reading a rendered page the way a browser does: its elements, its inert data, its tables."""

from __future__ import annotations

import base64
import gzip
import json
from html.parser import HTMLParser
from typing import Any

import numpy as np

from planner.report.basemap import STEPS_PER_DEG


class Page(HTMLParser):
    """The elements of a page with their attributes, its scripts, the text outside of them, and its tables."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.words: list[str] = []
        self.tables: dict[str, list[list[str]]] = {}
        self._inside: list[str] = []
        self._caption = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append((dict(attrs), ""))
        if tag in {"script", "style", "caption", "td", "th", "svg"}:
            self._inside.append(tag)
        if tag == "caption":
            self._caption = ""
        if tag == "tr" and self._caption:
            self.tables.setdefault(self._caption, []).append([])
        if tag in {"td", "th"}:
            self.tables[self._caption][-1].append("")

    def handle_endtag(self, tag: str) -> None:
        if self._inside and self._inside[-1] == tag:
            self._inside.pop()

    def handle_data(self, data: str) -> None:
        place = self._inside[-1] if self._inside else ""
        if place == "script":
            attributes, text = self.scripts[-1]
            self.scripts[-1] = (attributes, text + data)
        elif place == "caption":
            self._caption += data
        elif place in {"td", "th"}:
            self.tables[self._caption][-1][-1] += data
        if place not in {"script", "style"}:
            self.words.append(data)

    @property
    def text(self) -> str:
        """What a reader can read, without line breaks."""
        return " ".join(" ".join(self.words).split())

    @property
    def running_scripts(self) -> list[str]:
        """The scripts that a browser runs."""
        return [text for attributes, text in self.scripts if "type" not in attributes]

    def data(self, element_id: str) -> Any:
        """Return the value in an inert block of JSON."""
        return json.loads(self.inert(element_id))

    def inert(self, element_id: str) -> str:
        """Return the text of an inert block."""
        return next(text for attributes, text in self.scripts if attributes.get("id") == element_id)

    def table(self, start: str) -> list[list[str]]:
        """Return the rows of the table whose caption begins with some words."""
        return next(rows for caption, rows in self.tables.items() if caption.startswith(start))

    def ids(self) -> list[str]:
        """Return the ids of all elements."""
        return [value for _, attributes in self.elements if (value := attributes.get("id"))]


def number(text: str) -> float:
    """Return the number in a cell; a dash is zero."""
    return 0.0 if text in {"–", ""} else float(text.replace(",", ""))


def unpack(text: str) -> list[list[tuple[float, float]]]:
    """Return the lines in a packed text, read as the page reads them."""
    numbers, value, shift = [], 0, 0
    for byte in gzip.decompress(base64.b64decode(text)):
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            numbers.append(-(value + 1) // 2 if value % 2 else value // 2)
            value = shift = 0
    lengths, steps = numbers[1 : 1 + numbers[0]], np.array(numbers[1 + numbers[0] :]).reshape(-1, 2).cumsum(axis=0)
    lines, at = [], 0
    for length in lengths:
        lines.append([(float(x) / STEPS_PER_DEG, float(y) / STEPS_PER_DEG) for x, y in steps[at : at + length]])
        at += length
    return lines
