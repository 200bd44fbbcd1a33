"""A chart as SVG text."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import escape

import numpy as np

from nrn_diff.report.content import Array, Chart, Curve
from nrn_diff.report.ticks import linear_ticks, log_ticks, tick_label

WIDTH = 860
LEFT, RIGHT, TOP, BOTTOM = 84, 12, 10, 42
COLOURS = 6


@dataclass(frozen=True)
class _Axis:
    """One direction of the plot: values low..high go to pixels start..end."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def pixel(self, value: Array) -> Array:
        value = np.asarray(value, float)
        low, high = self.low, self.high
        if self.log:
            value, low, high = np.log10(value), np.log10(low), np.log10(high)
        return self.start + (value - low) / (high - low) * (self.end - self.start)

    def ticks(self, about: int) -> list[tuple[float, str]]:
        powers = log_ticks(self.low, self.high, about) if self.log else []
        values = powers if len(powers) > 1 else linear_ticks(self.low, self.high, about)
        step = values[1] - values[0] if len(values) > 1 else max(abs(values[0]) if values else 1.0, 1e-300)
        if values is powers:
            return [(v, f"1e{round(np.log10(v))}".replace("-", "\N{MINUS SIGN}")) for v in values]
        return [(v, tick_label(v, step)) for v in values]


def svg(chart: Chart) -> str:
    """The chart, without legend and caption, as one <svg> element."""
    curves = [_visible(curve, chart) for curve in chart.curves]
    bottom = TOP + chart.height
    x_axis = _Axis(*_x_range(chart, curves), LEFT, WIDTH - RIGHT)
    y_axis = _Axis(*_y_range(chart, curves), bottom, TOP, log=chart.log_y)
    whole = all(np.array_equal(curve.x, np.round(curve.x)) for curve in curves)
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {bottom + BOTTOM}" role="img" aria-label="{escape(_spoken(chart))}">',
        *_grid(x_axis, y_axis, bottom, min(9, max(1, int(x_axis.high - x_axis.low))) if whole else 9),
        f'<rect class="frame" x="{LEFT}" y="{TOP}" width="{WIDTH - RIGHT - LEFT}" height="{chart.height}"/>',
        *(_draw(curve, x_axis, y_axis, colour_of(chart, k)) for k, curve in enumerate(curves)),
        f'<text class="label" x="{(LEFT + WIDTH - RIGHT) / 2}" y="{bottom + 36}" text-anchor="middle">'
        f"{escape(chart.x_label)}</text>",
        f'<text class="label" transform="translate(13 {TOP + chart.height / 2}) rotate(-90)" text-anchor="middle">'
        f"{escape(chart.y_label)}</text>",
        "</svg>",
    ]
    return "\n".join(parts)


def colour_of(chart: Chart, position: int) -> int:
    """Palette number of the curve at `position`."""
    chosen = chart.curves[position].colour
    return (position if chosen is None else chosen) % COLOURS


def _spoken(chart: Chart) -> str:
    names = ", ".join(curve.label for curve in chart.curves)
    return f"{chart.title or chart.y_label} over {chart.x_label}: {names}"


def _visible(curve: Curve, chart: Chart) -> Curve:
    """The curve with what cannot be shown as NaN: outside of x_range, not positive on a logarithmic axis."""
    x, y = curve.x, curve.y
    if chart.x_range is not None:
        keep = (x >= chart.x_range[0]) & (x <= chart.x_range[1])
        x, y = x[keep], y[keep]
    y = np.where(np.isfinite(x) & np.isfinite(y) & ((y > 0) | (not chart.log_y)), y, np.nan)
    return Curve(curve.label, x, y, curve.style, curve.colour)


def _finite(arrays: list[Array]) -> Array:
    both = np.concatenate([*arrays, np.zeros(0)])
    return both[np.isfinite(both)]


def _x_range(chart: Chart, curves: list[Curve]) -> tuple[float, float]:
    if chart.x_range is not None:
        return chart.x_range
    x = _finite([c.x for c in curves])
    return (float(x.min()), float(x.max())) if len(x) and x.max() > x.min() else (0.0, 1.0)


def _y_range(chart: Chart, curves: list[Curve]) -> tuple[float, float]:
    y = _finite([c.y for c in curves])
    if not len(y):
        return (0.1, 1.0) if chart.log_y else (0.0, 1.0)
    low, high = float(y.min()), float(y.max())
    if chart.log_y:
        return (low / 1.6, high * 1.6) if high > low * 1.001 else (low / 10, high * 10)
    room = 0.06 * (high - low) or 0.5 * abs(high) or 0.5
    return low - room, high + room


def _grid(x_axis: _Axis, y_axis: _Axis, bottom: float, about: int) -> Iterator[str]:
    for value, label in x_axis.ticks(about):
        x = float(x_axis.pixel(np.array(value)))
        yield f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{bottom}"/>'
        yield f'<text class="tick" x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{escape(label)}</text>'
    for value, label in y_axis.ticks(6):
        y = float(y_axis.pixel(np.array(value)))
        yield f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield f'<text class="tick" x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{escape(label)}</text>'


def _draw(curve: Curve, x_axis: _Axis, y_axis: _Axis, colour: int) -> str:
    x, y = x_axis.pixel(curve.x), y_axis.pixel(curve.y)
    if curve.style == "points":
        dots = "".join(
            f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3"/>' for a, b in zip(x, y, strict=True) if np.isfinite(b)
        )
        return f'<g class="points c{colour}">{dots}</g>'
    x, y = _thin(x, y)
    path = "".join(_runs(x, y, lambda first, a, b: f"{'M' if first else 'L'}{a:.2f} {b:.2f}"))
    return f'<path class="{curve.style} c{colour}" d="{path}"/>'


def _runs(x: Array, y: Array, command: Callable[[bool, float, float], str]) -> Iterator[str]:
    broken = True
    for a, b in zip(x, y, strict=True):
        if not np.isfinite(b):
            broken = True
            continue
        yield command(broken, a, b)
        broken = False


def _thin(x: Array, y: Array) -> tuple[Array, Array]:
    """At most four points for each half pixel: first, lowest, highest, last, so that no peak is lost."""
    column = np.floor(2 * x)
    starts = np.flatnonzero(np.r_[True, np.diff(column) != 0]) if len(x) else np.zeros(0, int)
    if len(x) <= 4 * len(starts):
        return x, y
    keep: list[int] = []
    for a, b in itertools.pairwise([*starts, len(x)]):
        part = y[a:b]
        if np.all(np.isfinite(part)):
            keep += sorted({int(a), int(a + part.argmin()), int(a + part.argmax()), int(b - 1)})
        else:
            keep += range(a, b)
    return x[keep], y[keep]
