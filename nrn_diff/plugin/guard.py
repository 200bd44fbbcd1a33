"""Steps of NEURON itself after a run that could not hand everything back to it: an error.

A LOCAL of a mod file, or a variable in a build of NEURON whose memory cannot be read, may carry something from step to
step that NEURON does not get; or the order of events that wait for one time may be another one. An event waits for the
next step of NEURON itself; finitialize, or a run of ours, removes it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from neuron import h

from nrn_diff.bridge.save_state import EventKind, QueuedEvent, SavedState

_STATEMENT = "nrn_diff_stop_()"
_SOON = 1e-3  # ms
_HOC = """
strdef nrn_diff_lost_
nrn_diff_guarded_ = 1
proc nrn_diff_stop_() { if (nrn_diff_guarded_) { execerror(nrn_diff_lost_, "") } }
"""


def guards(lost: Mapping[str, Sequence[str]], tied: str, t: float) -> list[QueuedEvent]:
    """What is to wait in NEURON's queue after a run up to t (ms).

    lost: mechanism -> variables that NEURON does not have as the run has left them. tied: where events wait whose order
    NEURON does not have, '' for nowhere.
    """
    if not any(lost.values()) and not tied:
        return []
    if not hasattr(h, "nrn_diff_lost_"):
        h(_HOC)
    names = ", ".join(f"{name} of {mechanism}" for mechanism, names in lost.items() for name in names)
    why = f"{names} could not be given back to it, and its next step depends on that" if names else tied
    remedy = ", or make it RANGE" if names else ""
    h.nrn_diff_lost_ = (
        f"nrn_diff: NEURON cannot go on by itself after this run: {why}. Go on with continuerun() under "
        f"nrn_diff.enable(), or call finitialize first{remedy}"
    )
    # At the present time itself NEURON does not execute a statement.
    soon = t + min(h.dt / 4, _SOON)
    return [QueuedEvent(soon, EventKind.HOC, ("1", "0"), (_STATEMENT.encode(),))]


def is_guard(code: tuple[object, ...]) -> bool:
    """Whether an event of CVode.event is the one that waits here."""
    return code == (_STATEMENT, "")


def remove_guards(saved: SavedState) -> None:
    """Leave out of its events what waits here."""
    saved.events = [e for e in saved.events if not (e.kind is EventKind.HOC and _STATEMENT.encode() in e.more)]


@contextmanager
def unguarded(saved: SavedState) -> Iterator[None]:
    """While NEURON is looked at, also by steps of its copies. saved: loses the event."""
    remove_guards(saved)
    if not hasattr(h, "nrn_diff_lost_"):
        yield
        return
    h.nrn_diff_guarded_ = 0
    try:
        yield
    finally:
        h.nrn_diff_guarded_ = 1
