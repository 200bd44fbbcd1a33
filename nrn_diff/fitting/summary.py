"""A fit as one HTML file: traces, parameters with bounds, loss curves, features, what the data determine."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from nrn_diff.report import Chart, Curve, Fact, Facts, Section, Table, write_report

from .bijections import LogInterval
from .identifiability import Identifiability
from .losses import TraceMSE
from .problem import find_bijections
from .protocols import Weighted, ZScores
from .result import FitResult
from .search import SearchResult


def write_fit_report(
    path: str | os.PathLike[str],
    model: Any,
    start: Any,
    result: FitResult | SearchResult,
    loss: Callable[[Any], Any],
    *,
    title: str = "Fit",
    bounds: Mapping[str, Any] | None = None,
    identifiability: Identifiability | None = None,
) -> Path:
    """Write the report of a fit; model, start, loss, bounds as they were given to it."""
    before, after = model.simulate(start), model.simulate(result.theta)
    sections = [
        Section("Result", [_facts(result, float(loss(before)))]),
        Section("Parameters", [_parameters(start, result.theta, bounds)]),
        Section("Loss", [_losses(result)]),
    ]
    targets = targets_of(loss)
    if targets:
        sections.append(Section("Features", [_features(targets, before, after)]))
    sections.append(Section("Traces", _traces(before, after, loss)))
    if identifiability is not None:
        sections.append(identifiability.section())
    return write_report(path, title, sections)


def _facts(result: FitResult | SearchResult, first: float) -> Facts:
    facts = [Fact("loss at the start", f"{first:.4g}"), Fact("loss", f"{result.loss:.4g}", result.stopped_because)]
    if isinstance(result, SearchResult):
        facts += [Fact("simulations", str(result.simulations)), Fact("gradients", str(result.gradients))]
    else:
        facts.append(Fact("updates", str(result.steps)))
    return Facts([*facts, Fact("time", f"{result.seconds:.1f} s")])


def _parameters(start: Any, theta: Any, bounds: Mapping[str, Any] | None) -> Table:
    rows = []
    for name, bijection in find_bijections(start, bounds, None).items():
        old, new = np.ravel(start[name]), np.ravel(theta[name])
        low, high = (np.broadcast_to(np.ravel(getattr(bijection, k, np.nan)), old.shape) for k in ("low", "high"))
        for k, (a, b) in enumerate(zip(old, new, strict=True)):
            label = name if len(old) == 1 else f"{name}[{k}]"
            sides = ["" if np.isnan(x) else f"{x:.4g}" for x in (low[k], high[k])]
            place, first, last = (np.log(x) if isinstance(bijection, LogInterval) else x for x in (b, low[k], high[k]))
            near = "at a bound" if min(place - first, last - place) < 1e-3 * (last - first) else ""
            rows.append((label, f"{a:.6g}", f"{b:.6g}", *sides, near))
    return Table(("parameter", "start", "fitted", "low", "high", ""), rows)


def _losses(result: FitResult | SearchResult) -> Chart:
    losses = np.asarray(result.losses, float)
    columns = losses[:, None] if losses.ndim == 1 else losses
    curves = [Curve(f"start {k + 1}" if columns.shape[1] > 1 else "loss", np.arange(len(c)), c) for k, c in
              enumerate(columns.T)]  # fmt: skip
    positive = bool(np.all(columns[np.isfinite(columns)] > 0)) if columns.size else False
    return Chart(curves[:10], x_label="update", y_label="loss", log_y=positive)


def targets_of(loss: Any) -> list[tuple[Any, str]]:
    """The features that a loss is made of, and of which protocol each is ('': of all)."""
    if isinstance(loss, ZScores):
        return [(t, t.protocol) for t in loss.targets]
    if isinstance(loss, Weighted):
        return [(t, p or protocol) for part, _, protocol in loss.terms for t, p in targets_of(part)]
    return []


def _features(targets: list[tuple[Any, str]], before: Any, after: Any) -> Table:
    rows = []
    for target, protocol in targets:
        old, new = (float(target.feature(r[protocol] if protocol else r)) for r in (before, after))
        z = (new - target.mean) / target.std
        numbers = [f"{x:.4g}" for x in (target.mean, target.std)]
        numbers += [f"{x:.4g}" if np.isfinite(x) else "-" for x in (old, new)]
        numbers.append(f"{z:.2f}" if np.isfinite(z) else f"{target.missing:.2f} (does not exist)")
        rows.append((target.name, getattr(target.feature, "unit", ""), *numbers))
    return Table(("feature", "unit", "experiment", "std", "start", "fitted", "z"), rows)


def _traces(before: Any, after: Any, loss: Any) -> list[Chart]:
    if not hasattr(after, "t"):
        return [c for name in after for c in _charts(before[name], after[name], _measured(loss, name), f"{name}: ")]
    return _charts(before, after, _measured(loss, ""), "")


def _measured(loss: Any, protocol: str) -> dict[str, Any]:
    if isinstance(loss, TraceMSE):
        return dict(zip(loss.labels, loss.target, strict=True))
    if isinstance(loss, Weighted):
        return {k: v for part, _, p in loss.terms if p == protocol for k, v in _measured(part, protocol).items()}
    return {}


def _charts(before: Any, after: Any, measured: Mapping[str, Any], prefix: str) -> list[Chart]:
    charts = []
    for label in after:
        if label == "t":
            continue
        curves = [
            Curve("start", after.t, before[label], style="dashed", colour=0),
            Curve("fitted", after.t, after[label], colour=1),
        ]
        if label in measured:
            curves.insert(0, Curve("measured", after.t, measured[label], style="broad"))
        charts.append(Chart(curves, title=prefix + label, y_label="mV" if label.endswith(").v") else ""))
    return charts
