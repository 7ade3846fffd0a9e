"""Words for notes and errors: counts, short lists, and text from files made safe to show."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
MAX_TEXT = 200


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun.

    >>> counted(1, "street"), counted(12394, "street"), counted(2, "loss", "losses")
    ('1 street', '12,394 streets', '2 losses')
    """
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def listed(words: Iterable[str], limit: int = 5) -> str:
    """Return the first words in order, and how many more there are.

    >>> listed(["b", "a", "c"], limit=2)
    'a, b and 1 more'
    """
    ordered: Sequence[str] = sorted(set(words))
    shown = ", ".join(ordered[:limit])
    return f"{shown} and {len(ordered) - limit:,} more" if len(ordered) > limit else shown


def clean_text(value: Any) -> str:
    """Return a value from a file as one line of text without control and direction characters; None is empty."""
    if value is None:
        return ""
    if isinstance(value, str):
        return _CONTROL.sub(" ", value).strip()[:MAX_TEXT]
    return str(value)[:MAX_TEXT]
