"""What a report is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

Array = np.ndarray


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    text: str


@dataclass(frozen=True)
class Code:
    """Text as it is, in a fixed-width font."""

    text: str


@dataclass(frozen=True)
class Fact:
    """One number that matters. good: True or False colours it, None does not."""

    label: str
    value: str
    note: str = ""
    good: bool | None = None


@dataclass(frozen=True)
class Facts:
    """Some numbers side by side, in large print."""

    facts: Sequence[Fact]


@dataclass(frozen=True)
class Table:
    """header [k]; rows [n][k]. Cells that look like numbers are set to the right."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str = ""


@dataclass(frozen=True, eq=False)
class Curve:
    """One line of a chart: x, y [n]; samples that are not finite interrupt it.

    style: 'broad' (a wide pale line, what another line is laid over), 'line', 'dashed' or 'points'.
    colour: number in the palette; None: the position in the chart.
    """

    label: str
    x: Array
    y: Array
    style: str = "line"
    colour: int | None = None

    def __post_init__(self) -> None:
        x, y = np.asarray(self.x, float), np.asarray(self.y, float)
        if x.ndim != 1 or x.shape != y.shape:
            raise ValueError(f"curve {self.label!r}: x {x.shape} and y {y.shape} must be vectors of the same length")
        if self.style not in ("broad", "line", "dashed", "points"):
            raise ValueError(f"curve {self.label!r}: style {self.style!r} is not one of broad, line, dashed, points")
        object.__setattr__(self, "x", x)
        object.__setattr__(self, "y", y)


@dataclass(frozen=True)
class Chart:
    """Lines over common axes. height: of the plot, where the page is 860 wide. x_range: a part of the x axis only."""

    curves: Sequence[Curve]
    x_label: str = "t (ms)"
    y_label: str = ""
    title: str = ""
    caption: str = ""
    log_y: bool = False
    height: int = 240
    x_range: tuple[float, float] | None = None


Block = Text | Code | Facts | Table | Chart


@dataclass(frozen=True)
class Section:
    """A heading and what stands under it."""

    title: str
    blocks: Sequence[Block]
