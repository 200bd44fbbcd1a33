"""The HOC Vectors from which artificial cells take their event times, such as VecStim.play(vector).

Where a cell keeps its Vector, only its C code knows. So NEURON is asked: in a copy of the process every Vector gets a
time of its own, finitialize runs, and the events that wait then say which cell has read which Vector. What the
translated INITIAL sends must be the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from neuron import h

from mod_translator import ir
from mod_translator.passes.walk import blocks, expressions, statements, subexpressions
from mod_translator.semantic.names import VECTOR_ELEMENT, VECTOR_SIZE
from nrn_diff.bridge.findings import Findings
from nrn_diff.bridge.forked import ChildFailedError, in_copy
from nrn_diff.bridge.inventory import hoc_objects
from nrn_diff.bridge.random123 import NeuronRandom
from nrn_diff.events.artificial import ArtificialCell, initial_events

# ms: beyond any run, and far enough from each other for a cell that adds something of its own.
_FIRST, _APART = 3.0e7, 1000.0
_SELF_EVENTS = 3  # type of CVode.event_queue_info


def hidden_vectors(mechanism: ir.Mechanism) -> tuple[str, ...]:
    """Variables in which the C code of a mechanism hides Vectors."""
    bodies = (*blocks(mechanism).values(), *mechanism.routines.values())
    parts = (p for b in bodies for s in statements(b.body) for e in expressions(s) for p in subexpressions(e))
    calls = (p for p in parts if isinstance(p, ir.Call) and p.name in (VECTOR_SIZE, VECTOR_ELEMENT))
    return tuple(dict.fromkeys(c.args[0].name for c in calls if isinstance(c.args[0], ir.Var)))


def with_vectors(cells: Sequence[ArtificialCell], findings: Findings) -> list[ArtificialCell]:
    """The cells with what their Vectors hold now. Refuses what cannot be found out."""
    hidden = {id(cell.ir): hidden_vectors(cell.ir) for cell in cells}
    reading = [cell for cell in cells if hidden[id(cell.ir)]]
    if not reading:
        return list(cells)
    vectors = hoc_objects("Vector")
    try:
        answer, changed = in_copy(_first_events)
    except ChildFailedError as error:
        findings.refuse(
            f"the Vector of event times of {reading[0].label}",
            reading[0].label,
            f"NEURON cannot be asked which Vector that is: {error}",
            "keep a reference to the Vector; let no FInitializeHandler change it",
        )
        return list(cells)
    sent: dict[str, list[tuple[float, float]]] = {}
    for label, time, flag in answer:
        sent.setdefault(label, []).append((time, flag))
    found: dict[str, ArtificialCell] = {}
    for cell in reading:
        events = sorted(sent.get(cell.label, []))
        numbers = {round((time - _FIRST) / _APART) for time, _ in events if time >= _FIRST - _APART / 2}
        names = hidden[id(cell.ir)]
        given = {name: [_time(k)] for name in names for k in numbers}
        same = len(names) == 1 and len(numbers) <= 1 and all(k < len(vectors) and k not in changed for k in numbers)
        if not same or sorted(initial_events(replace(cell, vectors=given), random=NeuronRandom())) != events:
            findings.refuse(
                f"the Vector of event times of {cell.label}",
                cell.label,
                "which Vector it reads cannot be told from the first event that it sends itself",
                "keep a reference to the Vector, and send the first of its times by net_send in INITIAL",
            )
            continue
        live = {name: np.array(vectors[k]).tolist() for name in names for k in numbers}
        found[cell.label] = replace(cell, vectors=live)
    return [found.get(cell.label, cell) for cell in cells]


def _time(number: int) -> float:
    return _FIRST + _APART * number


def _first_events() -> tuple[list[tuple[str, float, float]], list[int]]:
    """Target, time and flag of what INITIAL blocks have sent, and which Vectors finitialize has changed.

    For a copy of the process only.
    """
    vectors = hoc_objects("Vector")
    for k, vector in enumerate(vectors):
        vector.play_remove()
        vector.resize(1)
        vector.x[0] = _time(k)
    h.CVode().active(0)
    h.finitialize()
    changed = [k for k, v in enumerate(vectors) if int(v.size()) != 1 or v.x[0] != _time(k)]
    times, flags = h.Vector(), h.Vector()
    targets: Any = h.List()
    h.CVode().event_queue_info(_SELF_EVENTS, times, flags, targets)
    sent = [(targets.o(k).hname(), float(times.x[k]), float(flags.x[k])) for k in range(int(times.size()))]
    return sent, changed
