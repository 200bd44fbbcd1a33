"""Short HTML for notebooks: tables, and traces in a frame; no script, nothing from outside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np

_MOST_ROWS = 40
_CELL = "padding:2px 10px 2px 0;text-align:left;font-variant-numeric:tabular-nums"


def table(header: Sequence[str], rows: Sequence[Sequence[str]], caption: str = "") -> str:
    """A table; long ones are cut, and say so."""
    head = "".join(f'<th style="{_CELL}">{escape(x)}</th>' for x in header)
    body = "".join(
        "<tr>" + "".join(f'<td style="{_CELL}">{escape(x)}</td>' for x in row) + "</tr>" for row in rows[:_MOST_ROWS]
    )
    more = f"<div>and {len(rows) - _MOST_ROWS} more</div>" if len(rows) > _MOST_ROWS else ""
    title = f"<div><b>{escape(caption)}</b></div>" if caption else ""
    return f"<div>{title}<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}</div>"


def values(array: Any) -> str:
    """A number, or shape and range of an array."""
    x = np.asarray(array)
    if x.size == 1:
        return f"{float(x.ravel()[0]):.6g}"
    if not x.size:
        return "none"
    return f"{x.shape}, {float(np.nanmin(x)):.6g} to {float(np.nanmax(x)):.6g}"


def traces(t: Any, samples: Mapping[str, Any], most: int = 4) -> str:
    """The first recorded quantities over time, in a frame of their own; of batches only the table."""
    from nrn_diff.report import Chart, Curve, Section, render

    plain = {k: np.asarray(x) for k, x in samples.items() if k != "t" and np.ndim(x) == 1 and np.ndim(t) == 1}
    charts = [Chart([Curve(k, np.asarray(t), x)], title=k, height=140) for k, x in list(plain.items())[:most]]
    page = render("Recording", [Section("", charts)]) if charts else ""
    height = 120 + 230 * len(charts)
    style = f"width:100%;max-width:920px;height:{height}px;border:0"
    frame = f'<iframe sandbox style="{style}" srcdoc="{escape(page, quote=True)}"></iframe>' if charts else ""
    return table(("recorded", "values"), [(label, values(x)) for label, x in samples.items()]) + frame
