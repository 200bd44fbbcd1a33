"""Events of NetCons that arrive together, where what else waits in NEURON's queue can change their order.

LiveNetwork keeps what NetCons and artificial cells queue. Vectors that are played or that record at times of their own,
the events of point processes to themselves, and those of CVode.event wait in NEURON's queue as well, and displace what
is at its head.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from mod_translator.passes.outbox import sends_events
from nrn_diff.bridge.live import Wiring
from nrn_diff.bridge.ties import doubtful
from nrn_diff.errors import CaptureError, Refusal
from nrn_diff.events.artificial import Tie
from nrn_diff.events.live import Waiting
from nrn_diff.solver.commute import spikes_commute
from nrn_diff.solver.structure import Structure


@dataclass(frozen=True)
class TieCheck:
    """mechanisms: those at which the order of two events of NetCons matters. matter: whether it matters anywhere.

    others: whether something waits in NEURON's queue that LiveNetwork does not know, or in an order of its own.
    """

    others: bool
    mechanisms: frozenset[str]
    matter: bool

    @classmethod
    def of(cls, structure: Structure, wiring: Wiring, others: bool) -> TieCheck:
        """others: whether the order is not known for another reason than that point processes send events."""
        others |= any(sends_events(m.ir) for m in structure.mechanisms)
        receiving = (m.ir for m in structure.mechanisms if m.ir.net_receive is not None)
        mechanisms = frozenset(m.name for m in receiving if not spikes_commute(m))
        matter = bool(mechanisms) or any(c.target >= 0 and not c.silent for c in wiring.all_connections)
        return cls(others, mechanisms, matter and not others)

    def at_cells(self, wiring: Wiring, ties: Sequence[Tie]) -> None:
        """Raises CaptureError for a tie at an artificial cell whose order matters."""
        if self.others and (found := doubtful(wiring.models, ties)):
            raise CaptureError(list(found))

    def at_instances(self, name: str, file: str, times: np.ndarray, connection: np.ndarray, row: np.ndarray) -> None:
        """Events [n] of one mechanism, by their times (ms) and its own connections, which lead to the instances in row.

        Raises CaptureError.
        """
        if not self.others or name not in self.mechanisms or len(times) < 2:
            return
        instance = row[connection]
        order = np.lexsort((connection, instance, times))
        t, i, c = times[order], instance[order], connection[order]
        tied = np.flatnonzero((t[1:] == t[:-1]) & (i[1:] == i[:-1]) & (c[1:] != c[:-1]))
        if len(tied):
            raise CaptureError(
                [
                    Refusal(
                        f"events that reach one instance of {name} at the same time, t = {t[tied[0]]:g} ms",
                        f"mechanism {name}, {file}",
                        "its NET_RECEIVE does more than add, so that their order matters, and in NEURON it depends on "
                        "what else waits in the queue: played or sampling Vectors, events that point processes send",
                        "let one of their sources start a little later, give its NetCon another delay, or let NEURON "
                        "run: enable(fallback='neuron')",
                    )
                ]
            )

    def waiting(self, wiring: Wiring, waiting: Sequence[Waiting]) -> str:
        """Where events wait for one time in an order that may not be NEURON's, and matters; '' for nowhere."""
        if not self.others:
            return ""
        found: dict[tuple[float, str, int], set[int]] = {}
        for time, target, row, netcon in arriving(waiting, wiring):
            if target in self.mechanisms:
                found.setdefault((time, target, row), set()).add(netcon)
        for time, cell, event in _reaching_cells(waiting, wiring):
            found.setdefault((time, wiring.cells[cell].live.hname(), 0), set()).add(event)
        tied = [(time, target) for (time, target, _), events in found.items() if len(events) > 1]
        return f"events wait that reach {tied[0][1]} at one time, t = {tied[0][0]:g} ms" if tied else ""


def arriving(waiting: Sequence[Waiting], wiring: Wiring) -> list[tuple[float, str, int, int]]:
    """Time (ms), mechanism, row and NetCon of what is on its way to point processes."""
    found = []
    for e in waiting:
        for k, c in ((k, wiring.connections[wiring.place[k]]) for k in _along(e, wiring) if wiring.place[k] >= 0):
            found.append((e.time, c.target, c.instance, k))
    return found


def _reaching_cells(waiting: Sequence[Waiting], wiring: Wiring) -> Iterator[tuple[float, int, int]]:
    """Time (ms), artificial cell, and the number of the event that reaches it."""
    for number, e in enumerate(waiting):
        if e.cell >= 0:
            yield e.time, e.cell, number
        for k in _along(e, wiring):
            if wiring.all_connections[k].target >= 0:
                yield e.time, wiring.all_connections[k].target, number


def _along(event: Waiting, wiring: Wiring) -> list[int]:
    """NetCons along which an event comes."""
    if event.source >= 0:
        every = wiring.all_connections
        return [k for k in wiring.outgoing[event.source] if not every[k].silent or (event.whole and every[k].apart)]
    return [event.connection] if event.connection >= 0 else []
