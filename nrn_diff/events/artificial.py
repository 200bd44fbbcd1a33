"""Event times of artificial cells that nothing differentiable drives, bit for bit as NEURON sends them.

NetStim, VecStim, IntFire1/2/4 and the user's own ARTIFICIAL_CELLs are run from their translated IR: INITIAL, then
NEURON's event queue with NET_RECEIVE, and the deliveries of NetCons among the cells. They keep their own exact time, so
neither dt nor the steps of the simulation matter.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, MutableSequence, Sequence
from dataclasses import dataclass, field

import numpy as np

from mod_translator import ir
from nrn_diff.snapshot import FunctionTable

from .checks import check_connection, checked_train
from .courses import Course, Log, Watched
from .errors import EventError
from .frame import Frame, Instance, Variables, variables
from .interpreter import Program
from .pattern import POSITION, Pattern, PatternProgram
from .pointees import CellLink, reached_by, slots_of
from .queue import EventQueue, Item
from .queued import Delivery, Event, NextGiven, Received, SelfEvent, Spike
from .random_stream import Generator, RandomProvider, RandomStream

Array = np.ndarray

# NEURON would run on for hours with as many events; more likely an interval is 0.
EVENT_LIMIT = 20_000_000
# So many at one time are a loop of net_sends that NEURON would not leave either.
SAME_TIME_LIMIT = 1_000_000


@dataclass(frozen=True)
class ArtificialCell:
    """One live ARTIFICIAL_CELL.

    values: its RANGE variables and globals_: those of its mechanism (and celsius, dt if it reads them), live; arrays as
    sequences. What is missing starts as in a new object. label: 'NetStim[0]'. random: name of a RANDOM variable ->
    (id1, id2, id3, seq), with seq = 4 * counter + pick as NMODLRandom.get_seq() returns it.
    vectors: HOC Vectors that its C code reads (VecStim's times), by the variable in which C hides them; without: none.
    pattern: what a PatternStim sends on behalf of given trains, in place of its NET_RECEIVE.
    tables: what its FUNCTION_TABLEs hold, by `table_<name>`. links: where its POINTERs lead.
    """

    ir: ir.Mechanism
    values: Mapping[str, object]
    globals_: Mapping[str, object]
    label: str
    random: Mapping[str, tuple[int, int, int, float] | Generator] = field(default_factory=dict)
    vectors: Mapping[str, Sequence[float]] = field(default_factory=dict)
    pattern: Pattern | None = None
    tables: Mapping[str, FunctionTable] = field(default_factory=dict)
    links: Mapping[str, CellLink] = field(default_factory=dict)


@dataclass(frozen=True)
class ArtificialConnection:
    """A NetCon whose source is a cell or a given train.

    source: index among the cells, and from len(cells) on among the given trains. target: index among the cells, or -1
    for a target outside (a synapse), which matters for the order of deliveries only. delay in ms. weight: the whole
    vector. silent: without a target or switched off, so that it only counts for whether all delays of its source are
    equal, which decides the order of ties. apart: silent because what its source sends here is delivered elsewhere, so
    that only what waits already comes this way. rank: by which a source goes through its connections.
    """

    source: int
    target: int
    delay: float
    weight: tuple[float, ...] = ()
    silent: bool = False
    apart: bool = False
    rank: int = 0


@dataclass(frozen=True)
class ArtificialRun:
    """trains: for each cell the times (ms) at which it sends. delivery_times [n], delivery_connections [n]: every event
    that reaches a target up to tstop and the index of its connection, in the order in which NEURON delivers them.
    given: likewise for each given train, with what PatternStims send on behalf of it. ties: see `Tie`. courses: of the
    watched variables.
    """

    trains: tuple[Array, ...]
    given: tuple[Array, ...]
    delivery_times: Array
    delivery_connections: Array
    ties: tuple[Tie, ...] = ()
    courses: tuple[Course, ...] = ()


@dataclass(frozen=True)
class Tie:
    """Two events that reach a cell at one time (ms), in an order that further events in NEURON's queue could change.

    flags: of both. alike: whether they bring the same weights. other: the cell that one of them reaches, if that is
    another one, with which the first shares a variable through a POINTER; else -1. Given once for each pair of flags.
    """

    cell: int
    time: float
    flags: tuple[float, float]
    alike: bool
    other: int = -1


def artificial_trains(
    cells: Sequence[ArtificialCell],
    tstop: float,
    connections: Sequence[ArtificialConnection] = (),
    *,
    given: Sequence[Array] = (),
    random: RandomProvider | None = None,
) -> list[Array]:
    """Times (ms) of the events that each cell sends up to and including tstop, in the order in which it sends them.

    cells: in the order in which NEURON runs their INITIAL blocks (by mechanism, then by creation). connections: NetCons
    in the order of their creation. given: trains of other sources (ms, ascending). random: needed by cells with RANDOM
    variables. Raises EventError for what cannot be run or would not end.
    """
    return list(run_artificial(cells, tstop, connections, given=given, random=random).trains)


def run_artificial(
    cells: Sequence[ArtificialCell],
    tstop: float,
    connections: Sequence[ArtificialConnection] = (),
    *,
    given: Sequence[Array] = (),
    given_netstim: bool = False,
    random: RandomProvider | None = None,
    watched: Sequence[Watched] = (),
) -> ArtificialRun:
    """As `artificial_trains`, with the deliveries to every connection.

    given_netstim: whether the given trains come from NetStims, which matters for the order of ties only. watched:
    variables of which the course is wanted.
    """
    network = _Network(cells, connections, given, given_netstim, random)
    network.log = Log(watched)
    network.initialize()
    network.run(tstop)
    sent = tuple(np.asarray(t, dtype=np.float64) for t in network.sent)
    return ArtificialRun(
        sent[: len(cells)],
        sent[len(cells) :],
        np.asarray(network.delivery_times, dtype=np.float64),
        np.asarray(network.delivery_connections, dtype=np.int32),
        tuple(network.ties.values()),
        network.log.courses(),
    )


def initial_events(cell: ArtificialCell, *, random: RandomProvider | None = None) -> list[tuple[float, float]]:
    """Time (ms) and flag of the events that INITIAL of a cell sends to the cell itself."""
    network = _Network([cell], (), (), False, random)
    network.initialize()
    sent = []
    while (item := network.queue.pop(math.inf)) is not None:
        if isinstance(item.data, SelfEvent):
            sent.append((item.time, item.data.flag))
    return sent


class _Network:
    """The cells, their connections and NEURON's queue."""

    def __init__(
        self,
        cells: Sequence[ArtificialCell],
        connections: Sequence[ArtificialConnection],
        given: Sequence[Array],
        given_netstim: bool,
        random: RandomProvider | None,
    ) -> None:
        self.given_netstim = given_netstim
        self.cells = cells
        self.connections = connections
        self.given = [checked_train(train, i) for i, train in enumerate(given)]
        programs: dict[int, Program] = {}
        shared: dict[str, Variables] = {}
        self.programs: list[Program | PatternProgram] = []
        self.instances: list[Instance] = []
        for cell in cells:
            if cell.pattern is not None:
                self.programs.append(PatternProgram(cell.pattern))
            else:
                if id(cell.ir) not in programs:
                    programs[id(cell.ir)] = Program(cell.ir)
                self.programs.append(programs[id(cell.ir)])
            globals_ = shared.setdefault(cell.ir.name, _globals(cell))
            values = variables(cell.values, cell.ir.symbols, ir.Role.INSTANCE)
            if cell.pattern is not None:
                values[POSITION] = float(cell.pattern.position)
            self.instances.append(
                Instance(
                    cell.label,
                    values,
                    globals_,
                    _streams(cell, random),
                    process=random.process_stream if random is not None else None,
                    vectors=cell.vectors,
                    tables=cell.tables,
                )
            )
        of_label = {i.label: i.values for i in self.instances}
        for cell, instance in zip(cells, self.instances, strict=True):
            if cell.links:
                instance.pointees = slots_of(cell.label, cell.links, of_label, shared)
        labels, kinds = [c.label for c in cells], [c.ir.name for c in cells]
        self.reached = reached_by(labels, kinds, [c.links for c in cells])
        self.sharing = [set(found) for found in self.reached]
        for k, found in enumerate(self.reached):
            for other in found:
                self.sharing[other].add(k)
        self.log = Log(())
        self.queue: EventQueue[Event] = EventQueue()
        self.movable: list[Item[Event] | None] = [None] * len(cells)
        self.weights: list[list[float]] = [list(map(float, c.weight)) for c in connections]
        self.outgoing: list[list[int]] = [[] for _ in range(len(cells) + len(given))]
        for i, connection in enumerate(connections):
            check_connection(connection, i, len(cells), len(self.outgoing))
            self.outgoing[connection.source].append(i)
        for out in self.outgoing:
            out.sort(key=lambda i: connections[i].rank)
        self.common_delay = [self._common_delay(out) for out in self.outgoing]
        self.sent: list[list[float]] = [[] for _ in self.outgoing]
        self.delivery_times: list[float] = []
        self.delivery_connections: list[int] = []
        self.latest: list[tuple[float, list[Received]]] = [(0.0, []) for _ in cells]
        self.ties: dict[tuple[int, int, float, float, bool], Tie] = {}
        self.incoming: dict[int, list[list[float]]] = {}

    def _common_delay(self, outgoing: list[int]) -> float | None:
        delays = {self.connections[i].delay for i in outgoing}
        return delays.pop() if len(outgoing) > 2 and len(delays) == 1 else None

    def initialize(self) -> None:
        """INITIAL of every cell, then the INITIAL inside NET_RECEIVE of every connection (NetCvode::init_events)."""
        for cell, program in enumerate(self.programs):
            if program.initial is not None:
                self.start(cell)
                program.initial(Frame(self.instances[cell], _Host(self, cell), 0.0))
        for connection, weights in zip(self.connections, self.weights, strict=True):
            if connection.target < 0:
                continue
            block = self.programs[connection.target].net_initial
            if block is None:
                weights[1:] = [0.0] * len(weights[1:])
            else:
                self.start(connection.target)
                host = _Host(self, connection.target)
                block(Frame(self.instances[connection.target], host, 0.0, 0.0, weights))
        self.note_start()
        for train in range(len(self.given)):
            self.queue_given(train, 0, starts=self.given_netstim)

    def note_start(self) -> None:
        """Keep what the watched variables hold before any event."""
        for cell in {watched.cell for watched in self.log.watched}:
            self.log.note(cell, -math.inf, self.instances[cell].values)

    def run(self, tstop: float) -> None:
        count, since, at = 0, 0, -math.inf
        while (item := self.queue.pop(tstop)) is not None:
            count += 1
            if count > EVENT_LIMIT:
                raise EventError(f"more than {EVENT_LIMIT} events before t = {item.time} ms; is an interval 0?")
            if item.time > at:
                since, at = count, item.time
            if count - since > SAME_TIME_LIMIT:
                raise EventError(f"more than {SAME_TIME_LIMIT} events at t = {at} ms: NEURON would not go on either")
            self.deliver(item.data, item.time)

    def deliver(self, event: Event, time: float) -> None:
        match event:
            case SelfEvent(cell, flag, weights, sent):
                self.look_for_ties(cell, time, Received(event, flag, weights, sent == time, of_netcon=False))
                self.receive(cell, time, flag, weights)
            case Delivery(connection, sent):
                self.deliver_connection(connection, time, event, late=sent == time)
            case Spike(source, sent, whole):
                for connection in self.outgoing[source]:
                    to = self.connections[connection]
                    if not to.silent or (whole and to.apart):
                        self.deliver_connection(connection, time, event, late=sent == time)
            case NextGiven(train, _, True):
                self.queue_given(train, 0)
            case NextGiven(train, position):
                self.send(len(self.cells) + train, time)
                self.queue_given(train, position + 1)

    def deliver_connection(self, connection: int, time: float, event: Event, *, late: bool) -> None:
        self.delivery_times.append(time)
        self.delivery_connections.append(connection)
        target = self.connections[connection].target
        if target >= 0:
            self.look_for_ties(target, time, Received(event, 0.0, self.weights[connection], late, of_netcon=True))
            self.receive(target, time, 0.0, self.weights[connection])

    def look_for_ties(self, cell: int, time: float, now: Received) -> None:
        """As `order_unknown` of the solver: of two that were queued before their time either may come first."""
        if time <= 0.0:
            return
        if self.latest[cell][0] != time:
            self.latest[cell] = (time, [])
        others = [k for k in self.sharing[cell] if self.latest[k][0] == time]
        for other, before in ((k, b) for k in (cell, *others) for b in self.latest[k][1]):
            both_late = before.late and now.late and (before.of_netcon or now.of_netcon)
            if before.event is now.event:
                continue  # one event for several NetCons, which come in their order
            if both_late or not (before.late or now.late):
                alike = before.weights is now.weights
                apart = -1 if other == cell else other
                key = (cell, apart, before.flag, now.flag, alike)
                self.ties.setdefault(key, Tie(cell, time, (before.flag, now.flag), alike, apart))
        self.latest[cell][1].append(now)

    def receive(self, cell: int, time: float, flag: float, weights: MutableSequence[float] | None) -> None:
        block = self.programs[cell].net_receive
        if flag == 1.0:
            self.movable[cell] = None
        if block is not None:
            self.start(cell)
            block(Frame(self.instances[cell], _Host(self, cell), time, flag, weights))
            for k in (cell, *self.reached[cell]):
                self.log.note(k, time, self.instances[k].values)

    def netcons(self, cell: int) -> list[list[float]]:
        """The weights of all NetCons to a cell; NEURON goes through the sources in the order of their first NetCon."""
        if cell not in self.incoming:
            first: dict[int, int] = {}
            for i, connection in enumerate(self.connections):
                first.setdefault(connection.source, i)
            mine = [i for i, c in enumerate(self.connections) if c.target == cell]
            mine.sort(key=lambda i: (first[self.connections[i].source], i))
            self.incoming[cell] = [self.weights[i] for i in mine]
        return self.incoming[cell]

    def start(self, cell: int) -> None:
        self.instances[cell].steps = 0

    def send(self, source: int, time: float, now: float | None = None) -> None:
        """PreSyn::send. now (ms): when it happens, where that is not `time`."""
        self.sent[source].append(time)
        now = time if now is None else now
        common = self.common_delay[source]
        if common is not None:
            self.queue.insert(time + common, Spike(source, now))
            return
        for connection in self.outgoing[source]:
            if not self.connections[connection].silent:
                self.queue.insert(time + self.connections[connection].delay, Delivery(connection, now))

    def queue_given(self, train: int, position: int, *, starts: bool = False) -> None:
        times = self.given[train]
        if position < len(times):
            self.queue.insert(times[position], NextGiven(train, position, starts))


@dataclass(slots=True, frozen=True)
class _Host:
    """net_send, net_event and net_move of one cell (artcell_net_send and the like in netcvode.cpp)."""

    network: _Network
    cell: int

    def net_send(self, frame: Frame, time: float, flag: float) -> None:
        self.check("net_send", time, frame)
        item = self.network.queue.insert(time, SelfEvent(self.cell, flag, frame.weights, frame.t))
        if flag == 1.0:
            self.network.movable[self.cell] = item

    def net_event(self, frame: Frame, time: float) -> None:
        self.check("net_event", time, frame)
        self.network.send(self.cell, time)

    def net_move(self, frame: Frame, time: float) -> None:
        item = self.network.movable[self.cell]
        if item is None:
            raise EventError(f"{frame.instance.label}: net_move at t = {frame.t} ms without an event of flag 1")
        self.check("net_move", time, frame)
        self.network.queue.move(item, time)

    def send_for(self, frame: Frame, train: int, time: float) -> None:
        """nrn_fake_fire of PatternStim, on behalf of a given train."""
        network, source = self.network, len(self.network.cells) + train
        live = [c for k in network.outgoing[source] if not (c := network.connections[k]).silent]
        # NEURON would deliver it at once, at a time that has passed.
        if (first := min((time + c.delay for c in live), default=math.inf)) < frame.t:
            why = f"a spike of {time} ms, handed on at t = {frame.t} ms, would arrive at {first} ms, in the past"
            raise EventError(f"{frame.instance.label}: {why}; sort the times, and begin at 0")
        network.send(source, time, frame.t)

    def netcons(self) -> list[list[float]]:
        return self.network.netcons(self.cell)

    def check(self, name: str, time: float, frame: Frame) -> None:
        # NaN would break the order of the queue; NEURON's own order is then undefined.
        if not time >= frame.t:
            raise EventError(f"{frame.instance.label}: {name} for {time} ms at t = {frame.t} ms, in the past")


def _globals(cell: ArtificialCell) -> Variables:
    out = variables(cell.globals_, cell.ir.symbols, ir.Role.GLOBAL)
    for name, symbol in cell.ir.symbols.items():
        value = cell.globals_.get(name)
        if symbol.role is ir.Role.EXTERNAL and isinstance(value, int | float | np.floating):
            out[name] = float(value)
    return out


def _streams(cell: ArtificialCell, random: RandomProvider | None) -> dict[str, RandomStream]:
    if cell.random and random is None:
        names = ", ".join(cell.random)
        raise EventError(f"{cell.label} draws from {names}: pass a provider, such as bridge.random123.NeuronRandom()")
    if random is None:
        return {}
    return {
        name: random.generator(found) if isinstance(found, Generator) else random.stream(*found)
        for name, found in cell.random.items()
    }
