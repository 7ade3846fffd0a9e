"""Rate and fidelity against distance as a small SVG: two panels over one axis of length."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from planner.physics.budget import CurvePoint

_WIDTH, _HEIGHT = 760, 560
_LEFT, _RIGHT = 84, 736
_RATE_TOP, _RATE_BOTTOM = 64, 336
_FIDELITY_TOP, _FIDELITY_BOTTOM = 372, 500
_MAX_DECADES = 12
_SERIES = (
    ("rate_hz", "pairs", "#0072b2", ""),
    ("ebit_rate_hz", "ebits (hashing bound)", "#d55e00", "6 3"),
    ("key_rate_hz", "key bits (BBM92)", "#009e73", "2 3"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Axes:
    """Where values lie on the drawing: lengths, powers of ten of the rates, fidelities."""

    longest_km: float
    low: int
    high: int
    floor: float

    def x(self, length_km: float) -> float:
        return _LEFT + (_RIGHT - _LEFT) * length_km / self.longest_km

    def rate_y(self, rate_hz: float) -> float:
        share = (math.log10(rate_hz) - self.low) / (self.high - self.low)
        return _RATE_BOTTOM - (_RATE_BOTTOM - _RATE_TOP) * share

    def fidelity_y(self, fidelity: float) -> float:
        share = (fidelity - self.floor) / (1.0 - self.floor)
        return _FIDELITY_BOTTOM - (_FIDELITY_BOTTOM - _FIDELITY_TOP) * share


def curve_svg(points: Sequence[CurvePoint], *, title: str, marked_km: float) -> str:
    """Return an SVG of rates (logarithmic) and fidelity against length, with a line at `marked_km`.

    Rates of zero are left out. Raises ValueError for fewer than two points, or a longest length of zero.
    """
    if len(points) < 2 or points[-1].length_km <= 0.0:
        raise ValueError(f"a curve needs two points and a length above zero, got {len(points)} points")
    axes = _axes(points)
    plane = points[0].performance.rate_plane
    first, last = points[0].performance, points[-1].performance
    description = (
        f"From {points[0].length_km:g} to {points[-1].length_km:g} km: {plane} pairs per second of one lane from "
        f"{first.lane_rate_hz:.3g} to {last.lane_rate_hz:.3g}, fidelity from {first.fidelity:.4f} to "
        f"{last.fidelity:.4f}."
    )
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-labelledby="title desc" font-family="sans-serif" font-size="13" fill="#222">\n'
        f'<title id="title">{escape(title)}</title>\n<desc id="desc">{escape(description)}</desc>\n'
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>\n'
        f"{_text(_LEFT, 24, f'{title}, one lane', 'start', bold=True)}"
    )
    body = "".join([*_grid(axes, plane), *_curves(points, axes), *_mark(axes, marked_km), *_legend()])
    return f"{head}{body}</svg>\n"


def _axes(points: Sequence[CurvePoint]) -> _Axes:
    rates_hz = [rate for point in points for name, *_ in _SERIES if (rate := _rate_hz(point, name)) > 0.0] or [1.0]
    high = math.ceil(math.log10(max(rates_hz)) + 1e-9)
    low = max(math.floor(math.log10(min(rates_hz))), high - _MAX_DECADES)
    lowest = min(point.performance.fidelity for point in points)
    floor = max(0.25, min(0.9, math.floor(10.0 * lowest) / 10.0))
    return _Axes(longest_km=points[-1].length_km, low=min(low, high - 1), high=high, floor=floor)


def _rate_hz(point: CurvePoint, series: str) -> float:
    result = point.performance
    return {
        "rate_hz": result.lane_rate_hz,
        "ebit_rate_hz": result.ebit_rate_hz,
        "key_rate_hz": result.key_rate_hz,
    }[series]


def _grid(axes: _Axes, plane: str) -> Iterator[str]:
    for exponent in range(axes.low, axes.high + 1):
        y = axes.rate_y(10.0**exponent)
        yield _line(_LEFT, y, _RIGHT, y)
        yield _text(_LEFT - 8, y + 4, f"1e{exponent}" if abs(exponent) > 3 else f"{10.0**exponent:g}", "end")
    for index in range(5):
        fidelity = axes.floor + (1.0 - axes.floor) * index / 4.0
        y = axes.fidelity_y(fidelity)
        yield _line(_LEFT, y, _RIGHT, y)
        yield _text(_LEFT - 8, y + 4, f"{fidelity:.4g}", "end")
    step_km = _step(axes.longest_km)
    for index in range(math.floor(axes.longest_km / step_km + 1e-9) + 1):
        x = axes.x(index * step_km)
        yield _line(x, _RATE_TOP, x, _RATE_BOTTOM) + _line(x, _FIDELITY_TOP, x, _FIDELITY_BOTTOM)
        yield _text(x, _FIDELITY_BOTTOM + 18, f"{index * step_km:g}", "middle")
    yield _text((_LEFT + _RIGHT) / 2, _FIDELITY_BOTTOM + 42, "route length, km", "middle")
    yield _upright((_RATE_TOP + _RATE_BOTTOM) / 2, f"per second ({plane} pairs)")
    yield _upright((_FIDELITY_TOP + _FIDELITY_BOTTOM) / 2, "fidelity")


def _step(longest_km: float) -> float:
    """Return a round distance between marks that gives five to ten of them."""
    power = 10.0 ** math.floor(math.log10(longest_km / 5.0))
    return max(factor * power for factor in (1.0, 2.0, 5.0) if factor * power <= longest_km / 5.0)


def _curves(points: Sequence[CurvePoint], axes: _Axes) -> Iterator[str]:
    lowest_hz = 10.0**axes.low
    for name, _, colour, dashes in _SERIES:
        shown = [(point.length_km, rate) for point in points if (rate := _rate_hz(point, name)) >= lowest_hz]
        yield _path([(axes.x(length_km), axes.rate_y(rate_hz)) for length_km, rate_hz in shown], colour, dashes)
    shown = [(point.length_km, point.performance.fidelity) for point in points]
    yield _path([(axes.x(length_km), axes.fidelity_y(fidelity)) for length_km, fidelity in shown], "#0072b2", "")


def _mark(axes: _Axes, marked_km: float) -> Iterator[str]:
    x = axes.x(marked_km)
    for top, bottom in ((_RATE_TOP, _RATE_BOTTOM), (_FIDELITY_TOP, _FIDELITY_BOTTOM)):
        yield f'<line x1="{x:.1f}" y1="{top}" x2="{x:.1f}" y2="{bottom}" stroke="#222" stroke-dasharray="1 3"/>\n'


def _legend() -> Iterator[str]:
    for index, (_, label, colour, dashes) in enumerate(_SERIES):
        x = _LEFT + 200 * index
        yield _path([(x, 46), (x + 28, 46)], colour, dashes)
        yield _text(x + 34, 50, label, "start")


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#ddd"/>\n'


def _path(places: Sequence[tuple[float, float]], colour: str, dashes: str) -> str:
    if not places:
        return ""
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    return f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"{dashed}/>\n'


def _text(x: float, y: float, words: str, anchor: str, *, bold: bool = False) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{weight}>{escape(words)}</text>\n'


def _upright(y: float, words: str) -> str:
    return f'<text transform="translate(22 {y:.1f}) rotate(-90)" text-anchor="middle">{escape(words)}</text>\n'
