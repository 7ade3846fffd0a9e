"""Charts as inline SVG: colour and hatch, a value on every part, a description, and nothing that needs a script."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from planner.report.colours import (
    LINE_LOOKS,
    MARKER_LOOKS,
    STREET_LOOKS,
    WHITE,
    BarLook,
    Hatch,
    LineLook,
    MarkerLook,
    bar_look,
    bar_order,
)
from planner.report.wording import money, plain

WIDTH, LABEL_WIDTH, RIGHT_MARGIN = 760, 150, 84
ROW, BAR, TOP = 46, 26, 12
LABEL_LETTERS = 24
TOTAL_WIDTH = 80
"""Room that a bar's total takes; a limit that falls into it pushes the total to its right."""
AXIS_HEIGHT = 22
HATCH_LINES: Mapping[Hatch, str] = {
    "solid": "",
    "rising": "M-1 7L7 -1M-1 1L1 -1M5 7L7 5",
    "falling": "M-1 -1L7 7M5 -1L7 1M-1 5L1 7",
    "dots": "M1.5 1.5h1.4v1.4h-1.4zM4.5 4.5h1.4v1.4h-1.4z",
    "cross": "M-1 7L7 -1M-1 -1L7 7",
    "upright": "M1.5 0V6M4.5 0V6",
    "level": "M0 1.5H6M0 4.5H6",
}

Legend = tuple[tuple[Markup, str], ...]
"""A swatch and a label for each category of a chart."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Bar:
    """One bar of a chart: its label, the amount of each category, and a limit that is marked on it."""

    label: str
    amounts: Mapping[str, float]
    limit: float | None = None

    @property
    def total(self) -> float:
        """Return the sum of the amounts."""
        return math.fsum(self.amounts.values())


def stacked_bars(bars: Sequence[Bar], *, name: str, title: str, unit: str, limit_label: str = "") -> Markup:
    """Return horizontal stacked bars as SVG; `name` is a plain word, unique in the page.

    Every part carries its value as `<title>`; the whole is described in words for those who do not see it.
    """
    categories = bar_order(frozenset(category for bar in bars for category in bar.amounts))
    top = max([bar.total for bar in bars] + [bar.limit or 0.0 for bar in bars] + [1.0])
    step = _nice_step(top)
    scale = (WIDTH - LABEL_WIDTH - RIGHT_MARGIN) / (step * math.ceil(top / step))
    rows = Markup("").join(
        _bar(bar, categories, name=name, y=TOP + row * ROW, scale=scale, unit=unit, limit_label=limit_label)
        for row, bar in enumerate(bars)
    )
    height = TOP + len(bars) * ROW + AXIS_HEIGHT
    said = "; ".join(f"{bar.label}: {money(bar.total)} {unit}" for bar in bars)
    return Markup(
        '<svg class="chart" role="img" viewBox="0 0 {} {}" aria-labelledby="{}-title {}-desc">'
        '<title id="{}-title">{}</title><desc id="{}-desc">{}</desc><defs>{}</defs>{}{}</svg>'
    ).format(
        WIDTH, height, name, name, name, plain(title), name, plain(said), _patterns(categories, name),
        _axis(step, top, scale, height), rows,
    )  # fmt: skip


def bar_legend(categories: Sequence[str], *, name: str) -> Legend:
    """Return the legend of the chart with this name."""
    return tuple((_swatch(bar_look(category), category, name), bar_look(category).label) for category in categories)


def rate_mark(rate_hz: float, target_hz: float, *, title: str) -> Markup:
    """Return a small bar for a rate, on a logarithmic scale from a tenth of its target to a thousand times it."""
    low, high = math.log10(target_hz) - 1.0, math.log10(target_hz) + 3.0
    value = math.log10(rate_hz) if rate_hz > 0.0 else low
    return _target_mark((value - low) / (high - low), 0.25, reached=rate_hz >= target_hz, title=title)


def fidelity_mark(fidelity: float, target: float, *, title: str) -> Markup:
    """Return a small bar for a fidelity, on a logarithmic scale of what is missing to 1, from 0.5 to 0.001."""
    low, high = math.log10(0.5), math.log10(0.001)

    def share(value: float) -> float:
        return (math.log10(max(1.0 - value, 0.001)) - low) / (high - low)

    return _target_mark(share(fidelity), share(target), reached=fidelity >= target, title=title)


def _target_mark(share: float, target: float, *, reached: bool, title: str) -> Markup:
    """Return a bar that fills a share of its length, with a tick at the target."""
    width, height = 96.0, 14.0
    end, tick = (round(width * min(max(part, 0.0), 1.0), 1) for part in (share, target))
    return Markup(
        '<svg class="target {}" role="img" viewBox="0 0 {} {}" width="{}" height="{}"><title>{}</title>'
        '<rect class="track" x="0" y="5" width="{}" height="4"/><rect class="value" x="0" y="5" width="{}" height="4"/>'
        '<circle class="value" cx="{}" cy="7" r="3.6"/><path class="tick" d="M{} 0V14"/></svg>'
    ).format(
        "reached" if reached else "missed", width, height, width, height, plain(title), width, end,
        min(max(end, 3.6), width - 3.6), tick,
    )  # fmt: skip


def line_swatch(look: LineLook) -> Markup:
    """Return a piece of a map line for the legend."""
    parts = Markup("")
    width = min(look.width_px, 8.0)
    if look.halo:
        parts += Markup('<path d="M1 8H39" stroke="{}" stroke-width="{}"/>').format(WHITE, width + 4)
    dash = Markup(' stroke-dasharray="{}"').format(look.dash) if look.dash else ""
    parts += Markup('<path d="M1 8H39" stroke="{}" stroke-width="{}"{}/>').format(look.colour, width, dash)
    if look.hollow:
        parts += Markup('<path d="M1 8H39" stroke="{}" stroke-width="1.6"/>').format(WHITE)
    return Markup('<svg class="swatch" aria-hidden="true" viewBox="0 0 40 16" width="40" height="16">{}</svg>').format(
        parts
    )


def marker_swatch(look: MarkerLook) -> Markup:
    """Return a map symbol for the legend."""
    return Markup(
        '<svg class="swatch" aria-hidden="true" viewBox="-20 -9 40 18" width="40" height="18">'
        '<path d="{}" fill="{}" stroke="{}" stroke-width="1.4"/></svg>'
    ).format(look.outline, look.colour if look.filled else WHITE, "#1a1a1a" if look.filled else look.colour)


def street_swatch() -> Markup:
    """Return the legend's symbol of the streets: a piece of each class."""
    pieces = Markup("").join(
        Markup('<path d="M{} 8h8" stroke="{}" stroke-width="{}"/>').format(8 * at, look.colour, 1.3 * look.width_px)
        for at, look in enumerate(STREET_LOOKS)
    )
    return Markup('<svg class="swatch" aria-hidden="true" viewBox="0 0 40 16" width="40" height="16">{}</svg>').format(
        pieces
    )


def swatch(layer: str) -> Markup:
    """Return the legend's symbol of a map layer."""
    return line_swatch(LINE_LOOKS[layer]) if layer in LINE_LOOKS else marker_swatch(MARKER_LOOKS[layer])


def _bar(
    bar: Bar, categories: Sequence[str], *, name: str, y: float, scale: float, unit: str, limit_label: str
) -> Markup:
    x, parts = float(LABEL_WIDTH), Markup("")
    for category in categories:
        width = bar.amounts.get(category, 0.0) * scale
        if width > 0.0:
            value = f"{bar.label}, {bar_look(category).label}: {money(bar.amounts[category])} {unit}"
            parts += Markup(
                '<rect class="part" x="{:.2f}" y="{}" width="{:.2f}" height="{}" fill="{}"><title>{}</title></rect>'
            ).format(x, y, width, BAR, Markup("url(#{}-{})").format(name, _slug(category)), plain(value))
            x += width
    beside = x
    if bar.limit is not None:
        at = LABEL_WIDTH + bar.limit * scale
        beside = at if x - 7 < at < x + TOTAL_WIDTH else x
        parts += Markup(
            '<path class="limit" d="M{:.2f} {}v{}"><title>{}</title></path>'
            '<path class="limit-head" d="M{:.2f} {}l-4 -6h8z"/>'
        ).format(at, y - 3, BAR + 6, plain(f"{bar.label}, {limit_label}: {money(bar.limit)} {unit}"), at, y - 2)
    return Markup('{}{}<text class="total" x="{:.2f}" y="{}">{}</text>').format(
        _label(bar.label, y), parts, beside + 7, y + 17, money(bar.total)
    )


def _label(text: str, y: float) -> Markup:
    """Return a label of up to three short lines, beside the middle of a bar."""
    lines = textwrap.wrap(plain(text), LABEL_LETTERS, max_lines=3, placeholder=" …") or [""]
    first = y + 17 - 7 * (len(lines) - 1)
    return Markup("").join(
        Markup('<text class="label" x="{}" y="{}">{}</text>').format(LABEL_WIDTH - 10, first + 14 * at, line)
        for at, line in enumerate(lines)
    )


def _axis(step: float, top: float, scale: float, height: float) -> Markup:
    lines = Markup("")
    for number in range(math.ceil(top / step) + 1):
        x = LABEL_WIDTH + number * step * scale
        lines += Markup('<path class="grid" d="M{:.2f} {}V{}"/><text class="axis" x="{:.2f}" y="{}">{}</text>').format(
            x, TOP - 6, height - AXIS_HEIGHT + 2, x, height - 6, money(number * step)
        )
    return lines


def _patterns(categories: Sequence[str], name: str) -> Markup:
    return Markup("").join(_pattern(bar_look(category), category, name) for category in categories)


def _pattern(look: BarLook, category: str, name: str) -> Markup:
    ink = WHITE if look.colour != "#f0e442" else "#4d4a00"
    return Markup(
        '<pattern id="{}-{}" width="6" height="6" patternUnits="userSpaceOnUse"><rect width="6" height="6" fill="{}"/>'
        '<path d="{}" stroke="{}" stroke-width="1.1" fill="none"/></pattern>'
    ).format(name, _slug(category), look.colour, HATCH_LINES[look.hatch], ink)


def _swatch(look: BarLook, category: str, name: str) -> Markup:
    return Markup(
        '<svg class="swatch" aria-hidden="true" viewBox="0 0 24 16" width="24" height="16"><defs>{}</defs>'
        '<rect x="0.5" y="0.5" width="23" height="15" fill="{}" class="part"/></svg>'
    ).format(_pattern(look, category, f"{name}-key"), Markup("url(#{}-key-{})").format(name, _slug(category)))


def _slug(category: str) -> str:
    return "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in category)


def _nice_step(top: float) -> float:
    """Return a round distance between grid lines that gives four to eight of them."""
    rough = top / 4.0
    magnitude = 10.0 ** math.floor(math.log10(rough))
    return max(factor * magnitude for factor in (1.0, 2.0, 2.5, 5.0) if factor * magnitude <= rough * 1.0001)
