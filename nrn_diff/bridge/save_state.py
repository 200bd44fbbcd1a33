"""NEURON's SaveState file: the only place where its event queue and all variables of artificial cells can be read, and
from which they can be put back (savstate.cpp; format 6, or 7 with data of a plugin at its end).
"""

from __future__ import annotations

import enum
import struct
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from neuron import h

from nrn_diff.bridge.forked import in_copy
from nrn_diff.bridge.native import forget_self_events, sort_data
from nrn_diff.bridge.play_record import EXTRA_LINES, Kind
from nrn_diff.bridge.threads import how_many, receive_all, send_to_all

_PRESYN = struct.Struct("=?7xddd")


class EventKind(enum.IntEnum):
    """Types of DiscreteEvent (netcon.h)."""

    DISCRETE = 0
    NETCON = 2
    SELF = 3
    PRESYN = 4
    HOC = 5
    PLAY_RECORD = 6
    NET_PAR = 7


@dataclass(frozen=True)
class QueuedEvent:
    """One event that waits, as the file has it.

    fields: words of its line. NETCON: [number of the NetCon]; PRESYN: [place in the list of sources, thread]; SELF:
    [class, number of the object, mechanism type, NetCon or -1, place of its movable slot or -1, flag].
    """

    time: float
    kind: EventKind
    fields: tuple[str, ...]
    more: tuple[bytes, ...] = ()


@dataclass
class SavedState:
    """A file in pieces.

    t (ms). head: sections and nodes, as they are. cells: mechanism type -> [n, n_columns] of artificial cells. plays:
    (kind, its lines). weights: (NetCon number, its weight vector). flags [n_sources]: above threshold; sources: the
    four numbers of each. events: in the order of the queue. tail: as it is.
    """

    version: bytes
    t: float
    head: bytes
    cells: dict[int, np.ndarray]
    plays: list[tuple[Kind, list[bytes]]]
    weights: list[tuple[int, np.ndarray]]
    sources: list[tuple[bool, float, float, float]]
    events: list[QueuedEvent]
    tail: bytes = b""

    @classmethod
    def parse(cls, data: bytes) -> SavedState:
        """From the bytes of a file."""
        r = _Reader(data)
        version = r.line()
        (t,) = r.take("=d")
        start = r.at
        n_sections = int(r.line().split()[0])
        heads = [r.take("=ii") for _ in range(n_sections)]
        for n_nodes, has_root in heads:
            r.nodes(int(n_nodes))
            if has_root:
                r.nodes(1)
        head = data[start : r.at]
        cells = {}
        for _ in range(int(r.line())):
            kind, n, size = map(int, r.line().split())
            cells[kind] = r.doubles(size).reshape(n, -1) if n else np.zeros((0, 0))
        plays = []
        for _ in range(int(r.line())):
            first = r.line()
            play = Kind(int(first.split()[0]))
            plays.append((play, [first, *(r.line() for _ in range(EXTRA_LINES.get(play, 0)))]))
        weights = []
        for _ in range(int(r.line())):
            index, n = map(int, r.line().split())
            weights.append((index, r.doubles(n)))
        sources = [r.take(_PRESYN.format) for _ in range(int(r.line()))]
        n_events = int(r.line())
        times = r.doubles(n_events)
        events = [r.event(float(time)) for time in times]
        return cls(version, t, head, cells, plays, weights, sources, events, data[r.at :])  # type: ignore[arg-type]

    def to_bytes(self) -> bytes:
        """The file again."""
        parts = [self.version, b"\n", struct.pack("=d", self.t), self.head, b"%d\n" % len(self.cells)]
        for kind, values in self.cells.items():
            parts += [b"%d %d %d\n" % (kind, len(values), values.size), values.astype("=f8").tobytes()]
        parts.append(b"%d\n" % len(self.plays))
        parts += [line + b"\n" for _, lines in self.plays for line in lines]
        parts.append(b"%d\n" % len(self.weights))
        for index, vector in self.weights:
            parts += [b"%d %d\n" % (index, len(vector)), vector.astype("=f8").tobytes()]
        parts.append(b"%d\n" % len(self.sources))
        parts += [_PRESYN.pack(*source) for source in self.sources]
        parts.append(b"%d\n" % len(self.events))
        parts.append(np.array([e.time for e in self.events], "=f8").tobytes())
        for event in self.events:
            parts.append(b"%d\n" % event.kind)
            if event.fields:
                parts.append(" ".join(event.fields).encode() + b"\n")
            parts += [line + b"\n" for line in event.more]
        return b"".join([*parts, self.tail])

    def due(self) -> dict[int, float]:
        """Number of a Vector.play or Vector.record -> time (ms) of its event that waits."""
        return {int(e.fields[1]): e.time for e in self.events if e.kind is EventKind.PLAY_RECORD}

    def restore(self) -> None:
        """Put NEURON's process into this state. Raises RuntimeError if its model is another one."""
        of_all = [e for e in self.events if e.kind is EventKind.PRESYN] if how_many() > 1 else []
        rest = replace(self, events=[e for e in self.events if not any(e is x for x in of_all)])
        with tempfile.TemporaryDirectory(prefix="nrn-diff-") as folder:
            path = Path(folder) / "state"
            path.write_bytes(rest.to_bytes())
            state = h.SaveState()
            forget_self_events()
            state.fread(h.File(str(path)))
            state.restore()
        send_to_all([(e.time, int(e.fields[0])) for e in of_all])


def saved_here() -> SavedState:
    """The state in which NEURON is. For a copy of the process, because NEURON aborts where it cannot."""
    with tempfile.TemporaryDirectory(prefix="nrn-diff-") as folder:
        path = Path(folder) / "state"
        dump(path)
        return SavedState.parse(path.read_bytes())


def save_state() -> SavedState:
    """The state in which NEURON is, written by a copy of the process. Raises ChildFailedError if NEURON cannot."""
    sort_data()
    receive_all()
    with tempfile.TemporaryDirectory(prefix="nrn-diff-") as folder:
        path = Path(folder) / "state"
        in_copy(lambda: dump(path))
        return SavedState.parse(path.read_bytes())


def dump(path: Path) -> None:
    """Write the state to a file; for a copy of the process, because NEURON aborts where it cannot."""
    # SaveState asserts that the threads' time is h.t, which a script may have set by hand.
    h.t = h.ParallelContext().t(0)
    h.CVode().current_method()  # brings NEURON's internal tables up to date with the sections
    state = h.SaveState()
    state.save()
    state.fwrite(h.File(str(path)))


@dataclass
class _Reader:
    data: bytes
    at: int = 0

    def line(self) -> bytes:
        end = self.data.index(b"\n", self.at)
        text, self.at = self.data[self.at : end], end + 1
        return text

    def take(self, form: str) -> tuple[int | float | bool, ...]:
        values = struct.unpack_from(form, self.data, self.at)
        self.at += struct.calcsize(form)
        return values

    def doubles(self, n: int) -> np.ndarray:
        values = np.frombuffer(self.data, "=f8", n, self.at).copy()
        self.at += 8 * n
        return values

    def nodes(self, count: int) -> None:
        sizes = [self.take("=dii")[1:] for _ in range(count)]
        self.at += sum(4 * int(n_mechanisms) + 8 * int(n_states) for n_mechanisms, n_states in sizes)

    def event(self, time: float) -> QueuedEvent:
        kind = EventKind(int(self.line()))
        if kind is EventKind.DISCRETE:
            return QueuedEvent(time, kind, ())
        fields = tuple(self.line().decode().split())
        more = []
        if kind is EventKind.HOC and fields[0] == "1":
            more = [self.line() for _ in range(1 + (fields[1] == "1"))]
        return QueuedEvent(time, kind, fields, tuple(more))
