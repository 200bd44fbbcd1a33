"""NEURON's list of Vector.record and Vector.play, which only a SaveState file shows."""

from __future__ import annotations

import enum
import struct
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from neuron import h

from nrn_diff.bridge.forked import ChildFailedError, in_copy
from nrn_diff.bridge.native import leave_out_artificial_cells


class Kind(enum.IntEnum):
    """Types of PlayRecord (vrecitem.h)."""

    RECORD_AT_TIMES = 1
    RECORD_EVERY = 2
    PLAY_STEP = 3
    PLAY_CONTINUOUS = 4
    RECORD_T = 5
    RECORD = 6
    GRAPH_LINE = 7
    GRAPH_VECTOR = 8


# Lines that each type writes after its head line (savestate_write in netcvode.cpp).
EXTRA_LINES = {Kind.RECORD_AT_TIMES: 1, Kind.PLAY_STEP: 1, Kind.PLAY_CONTINUOUS: 1}


@dataclass
class _Reader:
    data: bytes
    at: int = 0

    def line(self) -> list[int]:
        end = self.data.index(b"\n", self.at)
        text, self.at = self.data[self.at : end], end + 1
        return [int(word) for word in text.split()]

    def skip(self, count: int) -> None:
        self.at += count

    def ints(self, count: int) -> tuple[int, ...]:
        values = struct.unpack_from(f"={count}i", self.data, self.at)
        self.at += 4 * count
        return values


def parse_kinds(data: bytes) -> list[Kind]:
    """The PlayRecords in a file that SaveState.fwrite wrote (savstate.cpp, version 6 or 7)."""
    reader = _Reader(data, data.index(b"\n") + 1 + 8)
    n_sections, _ = reader.line()
    heads = [reader.ints(2) for _ in range(n_sections)]

    def nodes(count: int) -> None:
        sizes = []
        for _ in range(count):
            reader.skip(8)
            sizes.append(reader.ints(2))
        for n_mechanisms, n_states in sizes:
            reader.skip(4 * n_mechanisms + 8 * n_states)

    for n_nodes, has_root in heads:
        nodes(n_nodes)
        if has_root:
            nodes(1)
    for _ in range(reader.line()[0]):
        _, _, size = reader.line()
        reader.skip(8 * size)
    kinds = []
    for _ in range(reader.line()[0]):
        kind = Kind(reader.line()[0])
        for _ in range(EXTRA_LINES.get(kind, 0)):
            reader.line()
        kinds.append(kind)
    return kinds


def _dump() -> list[int]:
    # SaveState asserts that the threads' time is h.t, which a script may have set by hand.
    h.t = h.ParallelContext().t(0)
    h.CVode().current_method()  # brings NEURON's internal tables up to date with the sections
    leave_out_artificial_cells()
    with tempfile.TemporaryDirectory(prefix="nrn-diff-") as folder:
        path = Path(folder) / "state"
        state = h.SaveState()
        state.save()
        state.fwrite(h.File(str(path)))
        return [int(kind) for kind in parse_kinds(path.read_bytes())]


def _dump_without_queue() -> list[int]:
    h.finitialize()
    return _dump()


def play_record_kinds() -> np.ndarray:
    """The `Kind` of every Vector.record and Vector.play (and Graph line) of the live model.

    Raises ChildFailedError if NEURON cannot write its state.
    """
    try:
        kinds = in_copy(_dump)
    except ChildFailedError:
        # SaveState aborts on a waiting event whose NetCon is gone; initialising the copy clears the queue.
        kinds = in_copy(_dump_without_queue)
    return np.array(kinds, dtype=int)
