"""Numbers and names as a reader sees them: the same rounding, separators and units everywhere."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

NOT_IN_DATA = "not in the data"
MISSING = "–"
GLUE = "\u00a0"
"""Space at which no line breaks, between a number and its unit."""

_INVISIBLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_BREAKS = re.compile(r"[\t\r\n\u2028\u2029]+")

_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def plain(text: str) -> str:
    """Return text without control and bidirectional characters, which could hide or reorder what is read.

    >>> plain("Rue" + chr(0x202e) + "eliuoH" + chr(0))
    'RueeliuoH'
    """
    return _INVISIBLE.sub("", _BREAKS.sub(" ", text))


def count(number: int) -> str:
    """Return a whole number with separators.

    >>> count(1234567)
    '1,234,567'
    """
    return f"{number:,}"


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return a number and its noun, in the plural where it is needed.

    >>> counted(1, "demand"), counted(0, "hop"), counted(2, "fiber hut")
    ('1 demand', '0 hops', '2 fiber huts')
    """
    return f"{count(number)} {noun if number == 1 else plural or noun + 's'}"


def money(amount: float) -> str:
    """Return an amount in whole units of money.

    >>> money(1234567.6), money(0.0)
    ('1,234,568', '0')
    """
    return f"{round(amount):,}"


def money_words(amount: float, currency: str) -> str:
    r"""Return an amount with its currency, short enough for a sentence.

    >>> money_words(12_345_678, "EUR"), money_words(999_700, "EUR"), money_words(1000, "EUR")
    ('EUR\xa012.3\xa0million', 'EUR\xa01.00\xa0million', 'EUR\xa01,000')
    """
    if round(amount / 1e3) >= 1000:
        return f"{currency}{GLUE}{significant(amount / 1e6)}{GLUE}million"
    return f"{currency}{GLUE}{money(amount)}"


def significant(value: float, digits: int = 3) -> str:
    """Return a number with at least `digits` significant digits; a power of ten stands in for many zeros.

    >>> [significant(x) for x in (0, 0.012345, 1.5, 99.97, 1234.5, 3.48e10, 3e-9)]
    ['0', '0.0123', '1.50', '100', '1,234', '3.48×10¹⁰', '3.00×10⁻⁹']
    """
    if value == 0.0:
        return "0"
    mantissa, _, exponent = f"{value:.{digits - 1}e}".partition("e")
    magnitude = int(exponent)
    if not -4 < magnitude < 7:
        return f"{mantissa}×10{str(magnitude).translate(_SUPERSCRIPT)}"
    return f"{value:,.{max(digits - 1 - magnitude, 0)}f}"


def length(kilometres: float) -> str:
    """Return a length in kilometres: two decimals below 10 km, one from there on.

    >>> length(0.123), length(12.34), length(0.0)
    ('0.12', '12.3', '0')
    """
    if kilometres == 0.0:
        return "0"
    return f"{kilometres:,.2f}" if kilometres < 9.995 else f"{kilometres:,.1f}"


def decibels(loss_db: float) -> str:
    """Return a loss in dB with two decimals."""
    return f"{loss_db:.2f}"


def fidelity(value: float) -> str:
    """Return a fidelity with four decimals, cut off so that it never looks better than it is.

    >>> fidelity(0.89996)
    '0.8999'
    """
    return f"{math.floor(value * 1e4 + 1e-9) / 1e4:.4f}"


def milliseconds(seconds: float) -> str:
    """Return a time in milliseconds with three significant digits."""
    return significant(seconds * 1e3)


def given(value: float) -> str:
    """Return a number as it was written in the scenario: no digits are added, and none are lost up to twelve.

    >>> given(100.0), given(0.85), given(250000.0)
    ('100', '0.85', '250,000')
    """
    return f"{value:,.0f}" if value == round(value) else f"{value:.12g}"


def percent(share: float) -> str:
    r"""Return a share in percent, with as many decimals as small shares need.

    >>> percent(0.1234), percent(0.00123), percent(0.0), percent(1.0)
    ('12.3\xa0%', '0.12\xa0%', '0\xa0%', '100\xa0%')
    """
    value = share * 100.0
    if value in (0.0, 100.0):
        return f"{value:.0f}{GLUE}%"
    return f"{value:.1f}{GLUE}%" if value >= 1.0 else f"{value:.2f}{GLUE}%"


def joined(words: Sequence[str]) -> str:
    """Return words as a list in a sentence.

    >>> joined(["A"]), joined(["A", "B"]), joined(["A", "B", "C"])
    ('A', 'A and B', 'A, B and C')
    """
    return " and ".join([*([", ".join(words[:-1])] if len(words) > 1 else []), *words[-1:]])


def some(words: Sequence[str], most: int = 6) -> str:
    """Return the first `most` words and how many there are besides.

    >>> some(["a", "b", "c"], most=2)
    'a, b and 1 more'
    """
    if len(words) <= most:
        return joined(words)
    return f"{', '.join(words[:most])} and {count(len(words) - most)} more"


def spaced(name: str) -> str:
    """Return a name made of underscores or hyphens as words, with a capital.

    >>> spaced("budget_holds")
    'Budget holds'
    """
    text = name.replace("_", " ").replace("-", " ").strip()
    return text[:1].upper() + text[1:]
