"""FUNCTION_TABLE as C looks it up (hoc_func_table in src/oc/functabl.cpp), in C's order of operations."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nrn_diff.snapshot import FunctionTable


def look_up(table: FunctionTable, arguments: Sequence[float]) -> float:
    """The value at one argument or more; beyond the ends the end values hold."""
    if not table.axes:
        return float(table.values)
    flat, sizes = table.values.ravel(), table.values.shape
    row, fractions = 0, []
    for axis, listed, size, x in zip(table.axes, table.listed, sizes, arguments, strict=True):
        place, fraction = _place(axis, listed, size, x)
        row = row * size + place
        fractions.append(fraction)
    if len(sizes) > 2:
        return float(flat[row])
    first = _along_last(flat, row, fractions[-1])
    if len(sizes) == 1 or fractions[0] <= 0.0:
        return first
    return (1.0 - fractions[0]) * first + fractions[0] * _along_last(flat, row + sizes[1], fractions[-1])


def _along_last(flat: np.ndarray, row: int, fraction: float) -> float:
    if fraction <= 0.0:
        return float(flat[row])
    return (1.0 - fraction) * float(flat[row]) + fraction * float(flat[row + 1])


def _place(axis: np.ndarray, listed: bool, size: int, x: float) -> tuple[int, float]:
    """The entry at or below x, and the fraction of the way to the next (arg_index)."""
    low, high = float(axis[0]), float(axis[-1])
    if x <= low:
        return 0, 0.0
    if x >= high:
        return size - 1, 0.0
    if not listed:
        position = (x - low) / ((high - low) / (size - 1))
        return int(position), position - int(position)
    at = int(np.searchsorted(axis, x, side="right")) - 1
    left, right = float(axis[at]), float(axis[at + 1])
    return at, (x - left) / (right - left)
