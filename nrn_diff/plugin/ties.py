"""Events of NetCons that arrive together, where what else waits in NEURON's queue can change their order.

LiveNetwork keeps what NetCons and artificial cells queue. Vectors that are played or that record at times of their own,
and the events of point processes to themselves, wait in NEURON's queue as well, and displace what is at its head.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mod_translator.passes.outbox import uses_queue
from nrn_diff.bridge.live import Wiring
from nrn_diff.bridge.ties import doubtful
from nrn_diff.errors import CaptureError, Refusal
from nrn_diff.events.artificial import Tie
from nrn_diff.solver.commute import spikes_commute
from nrn_diff.solver.structure import Structure


@dataclass(frozen=True)
class TieCheck:
    """mechanisms: those at which the order of two events of NetCons matters. matter: whether it matters anywhere.

    others: whether something waits in NEURON's queue that LiveNetwork does not know.
    """

    others: bool
    mechanisms: frozenset[str]
    matter: bool

    @classmethod
    def of(cls, structure: Structure, wiring: Wiring, vectors: bool) -> TieCheck:
        """vectors: whether some are played, or record at times of their own."""
        others = vectors or any(uses_queue(m.ir) for m in structure.mechanisms)
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
