"""What CVode.event has queued for a run: where it stops for a statement or function of the user's own.

With the fixed step NEURON executes them after the step in which they are due, when t, states and Vectors are those of
its end (NetCvode::allthread_handle, netcvode.cpp). So a run is made in pieces, and between two of them NEURON holds
the whole state: what such code reads and changes is what it would read and change in NEURON's own run.
"""

from __future__ import annotations

import itertools
import traceback
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from neuron import h

from nrn_diff.bridge.findings import Findings
from nrn_diff.bridge.hoc_events import HocEvent, placeholder, read_hoc_events
from nrn_diff.bridge.save_state import EventKind, SavedState
from nrn_diff.bridge.threads import how_many
from nrn_diff.errors import NrnDiffError
from nrn_diff.plugin.guard import is_guard, remove_guards


@dataclass(frozen=True)
class Piece:
    """Steps that were made, and what is due at their end, in NEURON's order."""

    steps: int
    events: tuple[HocEvent, ...] = ()

    @property
    def ends(self) -> bool:
        """Whether psolve() stops after it: at an event without a statement."""
        return any(e.run is None for e in self.events)


def take_statements(saved: SavedState, findings: Findings) -> dict[int, HocEvent]:
    """What is queued, by its place in the queue of `saved`, which afterwards holds something that can be put back.

    Refuses what NEURON does not show, or executes within a step.
    """
    if how_many() > 1:  # what cvode.event has queued does not show there
        remove_guards(saved)
    events = read_hoc_events(saved)
    if events is None:
        findings.refuse(
            "cvode.event",
            "",
            "this build of NEURON, or one with several threads, does not show what is to be executed",
            "do what it does before the run, or between two runs (h.continuerun(t) stops at t)",
        )
        events = []
    for event in events:
        if event.in_step:
            findings.refuse(
                f"cvode.event with a POINT_PROCESS, at {event.time:g} ms",
                "",
                "NEURON executes it in the middle of a step, or its SaveState loses it",
                "leave out the POINT_PROCESS: it is executed after that step",
            )
    of_queued = dict(zip((k for k, e in enumerate(saved.events) if e.kind is EventKind.HOC), events, strict=False))
    guarding = {k for k, event in of_queued.items() if is_guard(event.code)}
    kept = [(of_queued.get(k), queued) for k, queued in enumerate(saved.events) if k not in guarding]
    found = {place: event for place, (event, _) in enumerate(kept) if event is not None}
    number = {place: n for n, place in enumerate(found)}
    saved.events = [
        placeholder(queued, number[place]) if event is not None and event.function is not None else queued
        for place, (event, queued) in enumerate(kept)
    ]
    return found


def check_ties(events: Iterable[HocEvent], findings: Findings, *, known: bool) -> None:
    """Refuse different statements that are due at one time, unless their order is known."""
    for one, other in itertools.pairwise(sorted((e for e in events if e.run), key=lambda e: e.time)):
        if one.time == other.time and one.code != other.code and not known:
            findings.refuse(
                f"two statements or functions of cvode.event at {one.time:g} ms",
                "",
                "in which order NEURON executes them depends on what else waits in its queue",
                "put them into one function, or let one of them be due a little later in the same step",
            )


def steps_until(events: Iterable[HocEvent], ends: np.ndarray, *, stops: bool) -> int:
    """As many steps as can be made before something is executed. ends [n_steps + 1] (ms): start, and end of each.

    stops: whether an event without a statement ends the run.
    """
    first = min((e.time for e in events if e.run is not None or stops), default=np.inf)
    return min(max(int(np.searchsorted(ends, first, side="left")), 1), len(ends) - 1)


def execute(events: Sequence[HocEvent]) -> None:
    """What is due, as NEURON does. Raises RuntimeError if it fails, or if it leaves NEURON at another time."""
    for event in events:
        try:
            if event.run is not None:
                event.run()
        except Exception as error:
            if event.python:
                raise RuntimeError(
                    f"Python callback failed, which cvode.event had queued: {traceback.format_exc()}"
                ) from error
            raise
    if events and float(h.t) != h.ParallelContext().t(0):
        raise NrnDiffError(
            f"t was set to {float(h.t):g} ms by a statement or function of cvode.event, while NEURON is at "
            f"{h.ParallelContext().t(0):g} ms: a run cannot go on from there"
        )
