"""Where the ticks of an axis go and how their labels read."""

from __future__ import annotations

import math


def linear_ticks(low: float, high: float, about: int = 6) -> list[float]:
    """Round numbers (1, 2 or 5 times a power of ten apart) within [low, high]."""
    if not high > low:
        return [low]
    raw = (high - low) / about
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= raw * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [k * step for k in range(first, last + 1)]


def log_ticks(low: float, high: float, about: int = 6) -> list[float]:
    """Powers of ten within [low, high], thinned to about `about`."""
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    stride = max(1, math.ceil((last - first + 1) / about))
    return [10.0**k for k in range(first, last + 1, stride)]


def tick_label(value: float, step: float) -> str:
    """`value` with the digits that ticks `step` apart need."""
    if value == 0 or abs(value) < 1e-9 * step:
        return "0"
    size = max(abs(value), step)
    if size >= 1e5 or step < 1e-4:
        mantissa, _, exponent = f"{value:.{_digits(value, step)}e}".partition("e")
        return f"{mantissa}e{int(exponent)}".replace("-", "\N{MINUS SIGN}")
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    return f"{value:.{decimals}f}".replace("-", "\N{MINUS SIGN}")


def _digits(value: float, step: float) -> int:
    return max(0, math.floor(math.log10(abs(value)) + 1e-9) - math.floor(math.log10(step) + 1e-9))
