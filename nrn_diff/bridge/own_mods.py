"""APCount, NEURON's own counter of spikes: the Vectors into which it writes their times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from neuron import h

from nrn_diff.bridge.fields import columns_of, read_hidden
from nrn_diff.bridge.findings import Findings
from nrn_diff.bridge.forked import ChildFailedError, in_copy
from nrn_diff.bridge.inventory import Inventory, Located, hoc_objects
from nrn_diff.bridge.native import addresses
from nrn_diff.bridge.own_texts import COUNT, nmodl_text
from nrn_diff.snapshot import Record

_VECTOR = "space"  # holds the address of the Vector


@dataclass(frozen=True)
class Count:
    """An APCount that writes the times of spikes into a Vector: its row among the APCounts, the Vector's HOC name."""

    row: int
    vector: str


def vectors_of_counts(inventory: Inventory, findings: Findings) -> tuple[Count, ...]:
    """Which Vectors APCounts write into, after finitialize; refuses those that cannot be told, or share one."""
    located = next((d for d in inventory.mechanisms if d.type.name == COUNT), None)
    if located is None or nmodl_text(located.type) == located.type.code:
        return ()
    held = read_hidden({COUNT: [_VECTOR]}, [located]).get(COUNT, {}).get(_VECTOR)
    places = addresses("Vector")
    if held is None or places is None:
        findings.refuse(
            "APCount.record", ", ".join(located.labels[:3]), "this build of NEURON does not show its Vector"
        )
        return ()
    names = dict(zip(places, (v.hname() for v in hoc_objects("Vector")), strict=True))
    pointers = held[:, 0].view(np.int64).tolist()
    found = []
    for row, pointer in enumerate(pointers):
        if not pointer:
            continue
        if pointer not in names or pointers.count(pointer) > 1:
            what = "several APCounts write into one Vector" if pointer in names else "its Vector was deleted"
            findings.refuse("APCount.record", located.labels[row], what, "give each APCount a Vector that is kept")
        else:
            found.append(Count(row, names[pointer]))
    return tuple(found)


def record_of_count(count: Count) -> Record:
    """How many spikes there were after each step."""
    return Record(f"{COUNT}, row {count.row}", "mechanism", count.row, COUNT, "n")


def put_times(vector: Any, before: float, counts: np.ndarray, times: np.ndarray) -> None:
    """Write what APCount writes. before: its n at the start; counts, times [n_steps]: n and t (ms) after each step."""
    n = np.concatenate([[before], counts])
    for step in np.flatnonzero(n[1:] > n[:-1]):
        vector.resize(int(n[step + 1]))
        vector.x[int(n[step + 1]) - 1] = times[step]


def note_vectors_of_counts(inventory: Inventory, findings: Findings) -> None:
    """Say that a captured model does not fill the Vectors of APCounts."""
    for located in (d for d in inventory.mechanisms if d.type.name == COUNT):
        if nmodl_text(located.type) == located.type.code:
            continue
        try:
            given = in_copy(lambda located=located: _has_vector(located))  # type: ignore[misc]
        except ChildFailedError:
            given = True
        if given:
            findings.note("APCount.record(vector): the times are not among the recordings; n and time can be recorded")


def _has_vector(located: Located) -> bool:
    h.CVode().active(0)
    h.finitialize()  # brings NEURON's arrays of variables about
    return bool((columns_of(located)[_VECTOR] != 0).any())
