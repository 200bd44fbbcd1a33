"""When a Vector records that does not record at every step: by watching NEURON take its samples in copies."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from neuron import h

from nrn_diff.bridge.circuits import vectors_of_circuits
from nrn_diff.bridge.findings import Findings
from nrn_diff.bridge.forked import ChildFailedError, in_copy, step_without_python
from nrn_diff.bridge.hoc_events import forget_statements
from nrn_diff.bridge.inventory import hoc_objects
from nrn_diff.bridge.native import forget_watches
from nrn_diff.bridge.play_record import Kind
from nrn_diff.bridge.save_state import EventKind, SavedState, saved_here

# Before everything that waits in NEURON's queue (ms), so that nothing else is delivered.
_EARLY = -1e6
_BASE = 64


@dataclass(frozen=True)
class Sampling:
    """interval (ms): between samples from t = 0. times (ms): of the samples. Neither: at every step."""

    interval: float = 0.0
    times: tuple[float, ...] = ()


def find_sampling(
    fill: Callable[[], None],
    vectors: Sequence[Any],
    timed: Sequence[int],
    kinds: np.ndarray,
    t_value: float,
    section: Any,
    findings: Findings,
) -> dict[int, tuple[float, Sampling]]:
    """Position of each Vector of `timed` that records -> the value it samples after `fill`, and when it does.

    t_value stands for the value of t. kinds: as of `play_record_kinds`. section: any.
    """
    intervals = sorted(set(in_copy(_intervals))) if (kinds == Kind.RECORD_EVERY).any() else []
    window = _window(intervals)
    every = in_copy(partial(_samples, fill, vectors, timed, [], window, section)) if intervals else {}
    found: dict[int, tuple[float, Sampling]] = {}
    for key, (size, value) in every.items():
        number = int(key)
        found[number] = (
            t_value if value == _EARLY else value,
            Sampling(interval=min(intervals, key=lambda d: abs(window / d + 1 - size))),
        )
    if (kinds == Kind.RECORD_AT_TIMES).any():
        fixed = vectors_of_circuits()
        candidates = [k for k, v in enumerate(vectors) if v.size() and v.hname() not in fixed]
        place: dict[int, int] = {}
        digit = 1
        while digit <= max(len(candidates) - 1, 1):
            lengths = [(k, 1 + j // digit % _BASE) for j, k in enumerate(candidates)]
            samples = in_copy(partial(_samples, fill, vectors, timed, lengths, 1.0, section))
            for key, (size, value) in samples.items():
                if key not in every:
                    place[int(key)] = place.get(int(key), 0) + digit * (size - 1)
                    found[int(key)] = (t_value if value == _EARLY else value, Sampling())
            digit *= _BASE
        for k, j in place.items():
            times = tuple(float(t) for t in vectors[candidates[j]])
            if np.any(np.diff(times) < 0) or not np.all(np.isfinite(times)):
                findings.refuse(
                    f"{vectors[k].hname()} records at times that are not in order",
                    vectors[candidates[j]].hname(),
                    "NEURON itself stops at such a time",
                    "sort the times",
                )
            found[k] = (found[k][0], Sampling(times=times))
    return found


def _intervals() -> list[float]:
    h.CVode().active(0)
    h.finitialize()
    saved = saved_here()
    due = saved.due()
    # At t = 0 the first sample was taken, and the next is due after one interval.
    return [due[k] for k, (kind, _) in enumerate(saved.plays) if kind is Kind.RECORD_EVERY]


def intervals_of_records(saved: SavedState) -> tuple[float, ...]:
    """Intervals (ms) of all Vectors that record so, in NEURON's order."""
    return tuple(in_copy(_intervals)) if any(kind is Kind.RECORD_EVERY for kind, _ in saved.plays) else ()


def vectors_of_events(saved: SavedState, numbers: Sequence[int], vectors: Sequence[str]) -> dict[int, str]:
    """Number of a Vector.record in NEURON's list -> HOC name of the Vector that its next event appends to.

    numbers: of those whose event waits. vectors: HOC names of those that may be meant. Found out by delivering each
    event alone, in a copy; empty where NEURON cannot.
    """
    try:
        return {int(number): str(name) for number, name in in_copy(partial(_appended, saved, numbers, vectors))}
    except ChildFailedError:
        return {}


def _appended(saved: SavedState, numbers: Sequence[int], names: Sequence[str]) -> list[tuple[int, str]]:
    h.CVode().active(0)
    forget_statements()
    fixed, every = vectors_of_circuits(), hoc_objects("Vector")
    growing = [v for v in every if v.hname() in names]
    for vector in every:
        if vector.hname() not in names and vector.size() and vector.hname() not in fixed:
            vector.fill(saved.t)  # NEURON compares the times of samples with the list of times
    waiting = {int(e.fields[1]): e for e in saved.events if e.kind is EventKind.PLAY_RECORD}
    found = []
    for number in numbers:
        replace(saved, events=[replace(waiting[number], time=saved.t)]).restore()
        before = [int(v.size()) for v in growing]
        step_without_python()
        found += [(number, v.hname()) for v, n in zip(growing, before, strict=True) if v.size() > n]
    return found


def _window(intervals: Sequence[float]) -> float:
    """Time (ms) in which any two intervals give numbers of samples that differ."""
    if not intervals:
        return 1.0
    rates = np.sort(1 / np.array(intervals))
    return float(max(3 / np.diff(rates).min(initial=np.inf), 1.5 * max(intervals)))


class _EnoughError(Exception):
    """Ends a step of NEURON in the copy, after the samples are taken and before anything is computed."""


def _samples(
    fill: Callable[[], None],
    vectors: Sequence[Any],
    timed: Sequence[int],
    lengths: Sequence[tuple[int, int]],
    window: float,
    section: Any,
) -> dict[str, tuple[int, float]]:
    """Number and value of the samples that each Vector takes from _EARLY on, for `window` ms. For a copy only.

    lengths: (Vector, number of times) of those that may be lists of times.
    """
    h.CVode().active(0)
    # An event of a point process is executed among the others, any other one after the step.
    anchor = h.IClamp(section(0.5))
    h.finitialize()
    forget_statements()
    forget_watches()
    for netcon in hoc_objects("NetCon"):
        # What the marks make cross a threshold would arrive before all that its target has received.
        netcon.active(0)
    for k, vector in enumerate(vectors):
        if vector.size() and k not in timed:
            vector.fill(0.0)  # what a list of times holds waits until long after
    for k, length in lengths:
        vectors[k].resize(length)
        vectors[k].fill(_EARLY)
    fill()
    h.t = _EARLY
    h.frecord_init()
    taken: dict[str, tuple[int, float]] = {}

    def take() -> None:
        taken.update({str(k): (int(vectors[k].size()), float(vectors[k].x[0])) for k in timed if vectors[k].size()})
        raise _EnoughError

    h.dt = 4 * window
    h.CVode().event(_EARLY + window, take, anchor, 0)
    with contextlib.suppress(RuntimeError, _EnoughError):
        h.fadvance()
    return taken
