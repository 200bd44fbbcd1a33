"""Which of NEURON's internal event sources watches which voltage or other variable, and which Vectors take the numbers
of sources that fire.

Found by experiment in a copy of the process: thresholds are moved so that the sources fire in a binary code.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from neuron import h

from nrn_diff.bridge.findings import Findings
from nrn_diff.bridge.forked import ChildFailedError, in_copy, step_without_python
from nrn_diff.bridge.hoc_events import forget_statements
from nrn_diff.bridge.inventory import Inventory, hoc_objects
from nrn_diff.bridge.live import Wiring
from nrn_diff.bridge.save_state import SavedState, dump
from nrn_diff.bridge.threads import thread_of_roots
from nrn_diff.snapshot import Record

_NEVER, _ALWAYS = 1e9, -1e9


@dataclass(frozen=True)
class Numbers:
    """A Vector (its HOC name) that takes a number for each spike (NetCon.record): source -> the number."""

    vector: str
    number: dict[int, float]


@dataclass(frozen=True)
class Sources:
    """place [n_outside]: of each of them in the SaveState file's list of sources. numbers: Vectors of their numbers.

    order: in which NEURON looks at them.
    """

    place: tuple[int, ...]
    numbers: tuple[Numbers, ...]
    order: tuple[int, ...] = ()

    def above(self, saved: SavedState) -> list[bool]:
        """Whether each is above its threshold."""
        return [bool(saved.sources[k][0]) for k in self.place]


class _Threshold:
    """The threshold of a gid's source, set as that of a NetCon."""

    def __init__(self, gid: int) -> None:
        self._gid = gid

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "threshold":
            h.ParallelContext().threshold(self._gid, value)
        else:
            super().__setattr__(name, value)


def find_sources(wiring: Wiring, inventory: Inventory, known: Collection[str], findings: Findings) -> Sources:
    """Run the experiment. known: HOC names of the Vectors whose content is understood already."""
    outside = wiring.outside
    if not outside:
        return Sources((), ())
    watching: list[list[Any]] = [[] for _ in outside]
    for netcon, source in zip(wiring.netcons, wiring.sources, strict=True):
        if source.outside is not None:
            watching[outside.index(source.outside)].append(netcon)
    for hidden in wiring.gid_sources:
        watching[outside.index((hidden.node, hidden.threshold))].append(_Threshold(hidden.gid))
    n = len(outside)
    bits = n.bit_length()
    codes = [[True] * n, *([bool((k + 1) >> b & 1) for k in range(n)] for b in range(bits))]
    others = [v for v in hoc_objects("Vector") if v.hname() not in known]
    try:
        answer = in_copy(partial(_fire, watching, codes, others))
    except ChildFailedError:
        findings.refuse(
            "a Python function that NEURON calls during the simulation",
            "NetCon.record(function), or the like",
            "what it does is not part of the equations",
            "record spike times in a Vector",
        )
        return Sources((), ())
    flags = np.array(answer["flags"], dtype=bool)[1:].reshape(bits, -1)
    code = (flags * (1 << np.arange(bits))[:, None]).sum(0)
    if sorted(c for c in code.tolist() if c) != list(range(1, n + 1)):
        findings.refuse(
            "sources of NetCons",
            "",
            "NEURON watches variables that no NetCon of this process shows",
            "keep a reference to the NetCon of each source",
        )
        return Sources((), ())
    place = tuple(int(np.flatnonzero(code == k + 1)[0]) for k in range(n))
    roots = thread_of_roots()
    thread = [_thread(watched, roots, inventory) for watched, _ in outside]
    # The thread that is the process itself does its part when the others have been given theirs.
    order = sorted(range(n), key=lambda k: (thread[k] == 0, thread[k], place[k]))
    numbers = []
    for vector, gained in zip(others, answer["gained"], strict=True):
        if any(gained):
            found = _decode(vector.hname(), gained, codes, order)
            if found is None:
                findings.refuse(
                    f"{vector.hname()} grows when sources fire", "", "what is put into it cannot be found out"
                )
            else:
                numbers.append(found)
    return Sources(place, tuple(numbers), tuple(order))


def _thread(watched: int | Record, roots: Mapping[str, int], inventory: Inventory) -> int:
    """Which of NEURON's threads a source belongs to. roots: that of each tree, by its root section."""
    if isinstance(watched, Record) or len(roots) < 2:
        return 0
    section, _ = inventory.topology.node_place(watched)
    return roots.get(h.SectionRef(sec=section).root.name(), 0)


def _fire(watching: list[list[Any]], codes: list[list[bool]], others: list[Any]) -> dict[str, Any]:
    h.CVode().active(0)
    flags: list[list[bool]] = []
    gained: list[list[list[float]]] = [[] for _ in others]
    with tempfile.TemporaryDirectory(prefix="nrn-diff-") as folder:
        path = Path(folder) / "state"
        for code in codes:
            _step(watching, [False] * len(watching))
            before = [int(v.size()) for v in others]
            _step(watching, code)
            for vector, size, entries in zip(others, before, gained, strict=True):
                entries.append([float(vector.x[k]) for k in range(size, int(vector.size()))])
            dump(path)
            flags.append([bool(s[0]) for s in SavedState.parse(path.read_bytes()).sources])
    return {"flags": flags, "gained": gained}


def _step(watching: list[list[Any]], high: Sequence[bool]) -> None:
    for netcons, up in zip(watching, high, strict=True):
        for netcon in netcons:
            netcon.threshold = _ALWAYS if up else _NEVER
    forget_statements()
    step_without_python()


def _decode(name: str, gained: list[list[float]], codes: list[list[bool]], order: list[int]) -> Numbers | None:
    """The sources whose numbers a Vector takes, from how many it takes in each round and their order."""
    rounds = [[k for k in order if code[k]] for code in codes]
    # Whoever is in it contributes one entry to each round in which it fires, in the order of the sources.
    members: dict[int, float] = {}
    candidates = rounds[0]
    if len(gained[0]) == len(candidates):
        members = dict(zip(candidates, gained[0], strict=True))
    else:
        distinct = {x: [r for r, entries in enumerate(gained) if x in entries] for x in gained[0]}
        if len(distinct) != len(gained[0]):
            return None
        for x, present in distinct.items():
            match = [k for k in candidates if [r for r, code in enumerate(codes) if code[k]] == present]
            if len(match) != 1:
                return None
            members[match[0]] = x
    expected = [[members[k] for k in ids if k in members] for ids in rounds]
    return Numbers(name, members) if expected == gained else None
