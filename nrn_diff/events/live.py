"""NEURON's event queue carried on from the middle of a run: what waits in it, and what artificial cells do with it."""

from __future__ import annotations

from collections.abc import Iterable, MutableSequence, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from .artificial import ArtificialCell, ArtificialConnection, Tie, _Network
from .courses import Course, Log, Watched
from .queue import Past
from .queued import Delivery, Event, Other, SelfEvent, Spike
from .random_stream import RandomProvider

Array = np.ndarray


@dataclass(frozen=True)
class Waiting:
    """An event in the queue. connection or source (all its NetCons at once) or cell (a self event) or other, by number
    (what reaches none of these, again and again if `every` (ms) is not 0); the others are -1.

    weights_of: the NetCon whose arguments a self event sees, -1 for none. whole: of a source, also for NetCons that are
    `apart`.
    """

    time: float
    connection: int = -1
    source: int = -1
    cell: int = -1
    flag: float = 0.0
    weights_of: int = -1
    other: int = -1
    every: float = 0.0
    whole: bool = False


class _LiveNet(_Network):
    def __init__(
        self,
        cells: Sequence[ArtificialCell],
        connections: Sequence[ArtificialConnection],
        n_outside: int,
        random: RandomProvider | None,
    ) -> None:
        super().__init__(cells, connections, [np.zeros(0)] * n_outside, False, random)
        self.passed: list[int] = []
        self.senders: list[int] = []

    def send(self, source: int, time: float, now: float | None = None) -> None:
        self.senders.append(source)
        super().send(source, time, now)

    def deliver(self, event: Event, time: float) -> None:
        if not isinstance(event, Other):
            super().deliver(event, time)
            return
        self.passed.append(event.number)
        if event.every <= 0:
            return
        # As NetParEvent::deliver, after all else of that time.
        self.run(time)
        self.queue.insert(time + event.every, event)


class LiveNetwork:
    """Artificial cells and NetCons as they are now. Sources are the cells, then `n_outside` voltages and the like.

    common_delays [n_sources] (ms): None for a source that sends an event for each of its NetCons. watched: variables of
    which the course is wanted.
    """

    def __init__(
        self,
        cells: Sequence[ArtificialCell],
        connections: Sequence[ArtificialConnection],
        n_outside: int,
        random: RandomProvider | None,
        common_delays: Sequence[float | None] | None = None,
        watched: Sequence[Watched] = (),
    ) -> None:
        self._net = _LiveNet(cells, connections, n_outside, random)
        if common_delays is not None:
            self._net.common_delay = list(common_delays)
        self._net.log = Log(watched)
        self._net.note_start()
        self._n_cells = len(cells)
        self._taken = 0
        self._past: Past[Event] | None = None

    def wait(self, events: Iterable[Waiting]) -> None:
        """Put events into the queue, in NEURON's order."""
        net = self._net
        for e in events:
            if e.connection >= 0:
                net.queue.insert(e.time, Delivery(e.connection))
            elif e.source >= 0:
                net.queue.insert(e.time, Spike(e.source, whole=e.whole))
            elif e.other >= 0:
                net.queue.insert(e.time, Other(e.other, e.every))
            else:
                weights = net.weights[e.weights_of] if e.weights_of >= 0 else None
                item = net.queue.insert(e.time, SelfEvent(e.cell, e.flag, weights))
                if e.flag == 1.0:
                    net.movable[e.cell] = item

    def send(self, outside: int, time: float) -> None:
        """A voltage crosses its threshold (PreSyn::send)."""
        self._net.send(self._n_cells + outside, time)

    def send_before(self, sends: Sequence[tuple[float, int, float]]) -> None:
        """Sources that sent while `advance` went on, and whose events arrive after its end.

        sends: (time (ms) up to which events had been delivered, source outside, time (ms) at which it sent), in
        NEURON's order. Events of one time then wait in the order that NEURON has, if `advance` was told to `amend`.
        """
        if self._past is None or not sends:
            for _, source, time in sends:
                self.send(source, time)
            return
        late = [(after, partial(self.send, source, time)) for after, source, time in sends]
        self._net.queue.amend(self._past, late)

    def advance(self, until: float, *, amend: bool = False) -> tuple[Array, Array]:
        """Deliver all up to `until` (ms): times [n], connections [n] of what left the queue, in NEURON's order."""
        net = self._net
        self._past = net.queue.remember() if amend else None
        net.run(until)
        new, self._taken = slice(self._taken, None), len(net.delivery_times)
        return np.array(net.delivery_times[new]), np.array(net.delivery_connections[new], dtype=int)

    def ties(self) -> tuple[Tie, ...]:
        """What reached the cells in an order that further events in NEURON's queue could change."""
        return tuple(self._net.ties.values())

    def waiting(self) -> list[Waiting]:
        """What is in the queue, earliest first."""
        return [self._as_waiting(item.time, item.data) for item in self._net.queue.waiting()]

    def _as_waiting(self, time: float, event: Event) -> Waiting:
        match event:
            case Delivery(connection):
                return Waiting(time, connection=connection)
            case Spike(source, _, whole):
                return Waiting(time, source=source, whole=whole)
            case SelfEvent(cell, flag, weights):
                return Waiting(time, cell=cell, flag=flag, weights_of=self._owner(weights))
            case Other(number, every):
                return Waiting(time, other=number, every=every)
        raise AssertionError(event)

    def _owner(self, weights: MutableSequence[float] | None) -> int:
        return next((k for k, w in enumerate(self._net.weights) if w is weights), -1)

    def courses(self) -> tuple[Course, ...]:
        """Of the watched variables, since this object was made."""
        return self._net.log.courses()

    def sent(self) -> list[tuple[float, int]]:
        """Time (ms) and source of each spike since this object was made, in order; cells come first among sources."""
        of = [iter(times) for times in self._net.sent]
        return [(next(of[source]), source) for source in self._net.senders]

    def passed(self) -> list[int]:
        """Numbers of the `other` events that left the queue, in order."""
        return self._net.passed

    def values(self, cell: int) -> dict[str, float | list[float]]:
        """The variables of a cell."""
        return self._net.instances[cell].values

    def globals_(self, cell: int) -> dict[str, float | list[float]]:
        """The GLOBALs of a cell's mechanism."""
        return self._net.instances[cell].globals_

    def number(self, cell: int, name: str) -> float:
        """A scalar variable of a cell."""
        value = self._net.instances[cell].values[name]
        assert isinstance(value, float)
        return value

    def place(self, cell: int, name: str) -> float:
        """Where a RANDOM variable stands in its stream (seq)."""
        return self._net.instances[cell].random[name].place()

    def arguments(self, connection: int) -> list[float]:
        """The NetCon's weight vector, as NET_RECEIVE of an artificial cell left it."""
        return self._net.weights[connection]
