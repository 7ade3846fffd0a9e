"""The last look at a finished page: it must not load anything."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from planner.errors import OutputError

LOADING = frozenset({"src", "srcset", "href", "xlink:href", "poster", "data", "action", "formaction", "background"})
"""Attributes that make a browser fetch something, or send something somewhere."""
ALLOWED_SCHEMES = ("#", "data:")
RUNNING = frozenset({"", "module", "text/javascript"})
"""Types of a script that runs; others are data."""
IN_STYLE = re.compile(r"url\(\s*['\"]?(?!data:|#)[^)]*\)|@import", re.IGNORECASE)
IN_SCRIPT = re.compile(r"(?<!<a )\b(?:src|href)\s*=\s*\\?['\"]?\s*(?:https?:)?//|url\(\s*['\"]?(?:https?:)?//")


def refuse_requests(page: str) -> None:
    """Raise OutputError when a page loads anything from elsewhere; links that a reader may follow are allowed."""
    finder = _Finder()
    finder.feed(page)
    finder.close()
    if finder.found:
        raise OutputError("the report would load from outside: " + "; ".join(finder.found[:5]))


class _Finder(HTMLParser):
    """Collects whatever in a page asks for something outside of it."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self.inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at the attributes of an element."""
        values = dict(attrs)
        is_inert = tag == "script" and (values.get("type") or "") not in RUNNING
        self.inside = tag if tag in {"style", "script"} and not is_inert else ""
        for name, value in attrs:
            if name in LOADING and (tag, name) != ("a", "href") and not (value or "").startswith(ALLOWED_SCHEMES):
                self.found.append(f"<{tag} {name}={value}>")
            if name == "style" and IN_STYLE.search(value or ""):
                self.found.append(f"<{tag} style={value}>")

    def handle_endtag(self, tag: str) -> None:
        """Leave a style or script."""
        if tag == self.inside:
            self.inside = ""

    def handle_data(self, data: str) -> None:
        """Look into styles and scripts."""
        pattern = {"style": IN_STYLE, "script": IN_SCRIPT}.get(self.inside)
        match = pattern.search(data) if pattern else None
        if match:
            self.found.append(f"{self.inside}: {match.group()[:80]}")
