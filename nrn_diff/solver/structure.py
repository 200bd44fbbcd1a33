"""What is fixed when a model is compiled: topology, which mechanism sits where, what is recorded, when events arrive.

Numpy fields are structure (a change compiles anew); every number that may change between runs is in `Values`.
Equality is by content, so that two captures of the same topology share one compiled program.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from mod_translator import ir
from mod_translator.emit import TableParameter, python_name
from mod_translator.passes.outbox import Site
from mod_translator.semantic.names import DISCONTINUITY_ALLOWED
from nrn_diff.events.time_grid import time_grid
from nrn_diff.own_init import OwnInit
from nrn_diff.solver.commute import Commuting
from nrn_diff.solver.contraction import Schedule
from nrn_diff.solver.incidence import Incidence
from nrn_diff.solver.layered_solve import LayeredTree
from nrn_diff.solver.play_group import PlayGroup
from nrn_diff.solver.sample_group import NO_SAMPLES, Samples
from nrn_diff.spike_derivative import NO_DERIVATIVE, AbstractSpikeDerivative


@dataclass(frozen=True, eq=False)
class Block:
    """A function of an emitted module, by the names of the NMODL file.

    inputs: what it takes by keyword. outputs: what it returns. args: the NetCon arguments of NET_RECEIVE. sites: where
    it sends events; what they hold is among the outputs. gathers: POINTERs through which it only adds something.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    args: tuple[str, ...] = ()
    sites: tuple[Site, ...] = ()
    gathers: frozenset[str] = frozenset()


@dataclass(frozen=True, eq=False)
class SpikeSources:
    """Voltages and other variables (watched, after the voltages) that are watched for upward crossings.

    row [n voltages]: of the tree. memory: for how many steps a spike is remembered. start [n_steps] (ms): of each step.
    in_order: whether events of the same time are sure to come in the order in which they were sent.
    """

    row: np.ndarray
    memory: int
    start: np.ndarray
    watched: tuple[Recorded, ...] = ()
    in_order: bool = True

    @property
    def count(self) -> int:
        """Number of sources."""
        return len(self.row) + len(self.watched)


@dataclass(frozen=True, eq=False)
class Lines:
    """NetCons of one mechanism whose spikes arrive in one phase of a step (at its start, or at its end).

    connection, source, lag [n]: the NetCon among the mechanism's, its source, its column in `sent`. delay [n] (ms).
    instance: line -> target. sent [n_steps, n_lags, width]: the steps whose spikes arrive in this one, -1 for none.
    """

    connection: np.ndarray
    source: np.ndarray
    lag: np.ndarray
    delay: np.ndarray
    instance: Incidence
    sent: np.ndarray


@dataclass(frozen=True, eq=False)
class Deliveries:
    """NetCon events that reach one kind of point process.

    row [n_connections]: the target instance. delay [n_connections] (ms). connection, time [n_events]: of each event.
    initial [n_rounds, width], early and late [n_steps, n_rounds, width]: events before the first step, at the start and
    at the end of each step, -1 for none; rounds follow one another, the events of one round have different targets.
    in_creation_order [n_rounds, width]: the connections, in such rounds. early_lines, late_lines: connections that a
    voltage drives.
    """

    row: np.ndarray
    connection: np.ndarray
    time: np.ndarray
    initial: np.ndarray
    early: np.ndarray
    late: np.ndarray
    delay: np.ndarray
    in_creation_order: np.ndarray
    early_lines: Lines
    late_lines: Lines

    @property
    def has_lines(self) -> bool:
        """Whether voltages drive any of the connections."""
        return len(self.early_lines.connection) + len(self.late_lines.connection) > 0


@dataclass(frozen=True, eq=False)
class Agenda:
    """A mechanism whose events wait in a queue of their own, because they depend on the solution.

    slots: events that one instance can have in the queue. watch_flags: of its WATCH statements. netcons [fan_in, n]:
    the connections of each instance for FOR_NETCONS, -1 for none; place [n_connections]: where each stands there.
    netcon_args, netcon_present: names of what NET_RECEIVE takes for each of them. early_first, late_first: for each
    line, the first line of the same instance. commuting: which events may come in any order. log: net_events of a step
    that are kept for Vectors which record them, or for artificial cells. ordered: events of NetCons come from outside
    in the order of NEURON's whole queue, which the others are not part of.
    """

    slots: int
    watch_flags: tuple[float, ...]
    netcons: np.ndarray
    place: np.ndarray
    netcon_args: tuple[tuple[str, ...], ...]
    netcon_present: tuple[str, ...]
    early_first: np.ndarray
    late_first: np.ndarray
    commuting: Commuting
    log: int = 0
    ordered: bool = False


@dataclass(frozen=True, eq=False)
class Wires:
    """NetCons from point processes (net_event) of one kind to those of another.

    instance [m]: the sending one. connection [m]: among those of the target, whose instances are in row [m], ascending;
    first [m]: the first wire to the same instance. delay [m] (ms).
    """

    source: str
    target: str
    instance: np.ndarray
    connection: np.ndarray
    row: np.ndarray
    first: np.ndarray
    delay: np.ndarray


class Place(NamedTuple):
    """A variable of the model, whole: the fields are those of Recorded."""

    source: str
    owner: str = ""
    variable: str = ""
    element: int = -1


@dataclass(frozen=True, eq=False)
class LinkStructure:
    """instance -> row of `place` (-1: the instance's variable leads elsewhere)."""

    place: Place
    rows: Incidence


@dataclass(frozen=True, eq=False)
class DiffusionStructure:
    """How the instances of a mechanism with LONGITUDINAL_DIFFUSION hang together.

    tree: of the instances. instance: row of the tree -> instance. above, below [n]: 2/(dx (dx + dx of the parent)) with
    the parent's and with the own dx in front (1/um2), by row.
    """

    tree: Schedule
    instance: Incidence
    above: np.ndarray
    below: np.ndarray


Links = Mapping[str, tuple[LinkStructure, ...]]


@dataclass(frozen=True, eq=False)
class MechanismStructure:
    """Where a mechanism is and how its blocks are called.

    node: instance -> row of the tree. segment: instance -> segment. ion: species -> (instance -> row of the ion).
    state: INSTANCE variables that change during a run and are needed by a later step.
    order [n]: the instances as NEURON runs through them. pointers: by POINTER. transfers: by variable that
    ParallelContext.target_var sets. ticks [n]: where each stands among all instances with a DISCRETE block.
    """

    ir: ir.Mechanism
    module: ModuleType
    node: Incidence
    segment: Incidence
    ion: Mapping[str, Incidence]
    blocks: Mapping[str, Block]
    tables: tuple[TableParameter, ...]
    use_table: bool
    state: tuple[str, ...]
    deliveries: Deliveries | None = None
    order: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    pointers: Links = field(default_factory=dict)
    transfers: Links = field(default_factory=dict)
    diffusion: DiffusionStructure | None = None
    agenda: Agenda | None = None
    half_steps: bool = False
    ticks: np.ndarray | None = None

    @property
    def first(self) -> int:
        """The instance that NEURON comes to first."""
        return int(self.order[0]) if len(self.order) else 0

    @property
    def last(self) -> int:
        """The instance that NEURON comes to last."""
        return int(self.order[-1]) if len(self.order) else -1

    @cached_property
    def draws_on_events(self) -> bool:
        """Whether its NET_RECEIVE draws from the random stream of the process."""
        receive = self.blocks.get("net_receive")
        return receive is not None and bool(self.ir.process_stream) and self.ir.process_stream in receive.outputs

    @cached_property
    def ion_of(self) -> dict[str, str]:
        """Species that a name of the file (ena, ica, cai, ...) belongs to."""
        return {name: use.name for use in self.ir.ions for name in (*use.reads, *use.writes)}

    @cached_property
    def own_currents(self) -> frozenset[str]:
        """Ion currents that the file WRITEs and does not READ: it sees its own share, not the ion's total."""
        return frozenset(f"i{u.name}" for u in self.ir.ions if f"i{u.name}" in u.writes and f"i{u.name}" not in u.reads)

    def run(self, block: str, arguments: Mapping[str, Any], args: tuple[Any, ...] = ()) -> dict[str, Any]:
        """Call a block of the emitted module; everything by its name in the NMODL file."""
        function = getattr(self.module, block)
        emitted = function(*args, **{python_name(name): value for name, value in arguments.items()})
        return {name: emitted[name] for name in self.blocks[block].outputs}

    def is_per_instance(self, name: str) -> bool:
        """Whether a name has a value for each instance, [..., n]."""
        symbol = self.ir.symbols.get(name)
        if symbol is None:
            return any(t.name == name and self._has_table_of_each(t.routine) for t in self.tables)
        common = symbol.role in (ir.Role.GLOBAL, ir.Role.TABLE)
        return not common and name not in ("t", "dt", "celsius", DISCONTINUITY_ALLOWED)

    def _has_table_of_each(self, routine: str) -> bool:
        table = self.ir.routines[routine].table
        return table is not None and table.per_instance

    def make_table(self, table: TableParameter, arguments: Mapping[str, Any]) -> Any:
        """Contents of a TABLE."""
        return getattr(self.module, table.maker)(**{python_name(name): value for name, value in arguments.items()})

    def left_by_table(self, table: TableParameter, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """What the filling of a TABLE leaves in other variables."""
        given = {python_name(name): value for name, value in arguments.items()}
        found: dict[str, Any] = getattr(self.module, table.leaves)(**given)
        return found

    @property
    def name(self) -> str:
        """As in NEURON."""
        return self.ir.name

    @property
    def is_point(self) -> bool:
        """Whether its currents are in nA."""
        return self.ir.kind is ir.Kind.POINT

    @cached_property
    def injects(self) -> bool:
        """Whether it has an ELECTRODE_CURRENT: then its v is the potential inside the cell, against ground."""
        return any(current.electrode for current in self.ir.currents)

    @property
    def count(self) -> int:
        """Number of instances."""
        return self.node.n_sources


@dataclass(frozen=True, eq=False)
class IonStructure:
    """node: ion row -> tree row. The flags are those of ion_style (src/nrnoc/eion.cpp), [n] each.

    state: fields of IonState that a step changes and the next one needs.
    """

    name: str
    charge: float
    node: Incidence
    initialise_concentration: np.ndarray
    nernst_at_start: np.ndarray
    nernst_every_step: np.ndarray
    state: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class ExtracellularStructure:
    """Where the extracellular layers are.

    tree: the linear system with them; its layered rows are theirs. parent: layered row -> layered row. segment: layered
    row -> segment that has the layers (-1: a zero-area node); before: the same of its parent row in the same section.
    """

    tree: LayeredTree
    parent: Incidence
    segment: Incidence
    before: Incidence

    @property
    def row(self) -> Incidence:
        """Layered row -> row of the tree."""
        return self.tree.row


@dataclass(frozen=True, eq=False)
class CircuitStructure:
    """The LinearMechanisms as one circuit.

    touched [m]: unknowns of the cells (rows of the tree, then layers) that it is coupled to. place: name of each ->
    where its equations are among those of the touched and of the circuit's own unknowns. size: of both together.
    """

    touched: np.ndarray
    place: Mapping[str, np.ndarray]
    size: int


@dataclass(frozen=True)
class Recorded:
    """One recorded quantity, by row. `source`: see `snapshot.Record.kind`."""

    label: str
    source: str
    owner: str = ""
    variable: str = ""
    row: int = 0
    element: int = -1


@dataclass(frozen=True, eq=False)
class Structure:
    """A model without its numbers. row_of_node [n_nodes]: tree row of each node of the snapshot.

    spike_derivative: see nrn_diff/spike_derivative.py. wires: NetCons that net_event drives. max_rounds: how many
    events a target may receive in half a step, where they wait in a queue. keeps_membrane: whether the state holds the
    currents through the membrane, for NEURON to see them. branches [rows]: how often a row acts on its parent, or None.
    own_init: with rows in place of the indices of the snapshot; its numbers are in Values.
    """

    tree: Schedule
    row_of_node: np.ndarray
    segment_row: Incidence
    row_section: Incidence
    mechanisms: tuple[MechanismStructure, ...]
    ions: tuple[IonStructure, ...]
    recorded: tuple[Recorded, ...]
    spike_sources: SpikeSources
    dt: float
    n_steps: int
    secondorder: int
    digest: str
    spike_derivative: AbstractSpikeDerivative = NO_DERIVATIVE
    extracellular: ExtracellularStructure | None = None
    circuits: CircuitStructure | None = None
    wires: tuple[Wires, ...] = ()
    max_rounds: int = 0
    plays: tuple[PlayGroup, ...] = ()
    samples: Samples = NO_SAMPLES
    keeps_membrane: bool = False
    branches: np.ndarray | None = None
    own_init: OwnInit | None = None

    def __hash__(self) -> int:
        return hash((self.digest, self.spike_derivative))

    def __eq__(self, other: object) -> bool:
        own = self.digest, self.spike_derivative
        return isinstance(other, Structure) and own == (other.digest, other.spike_derivative)

    @property
    def cj(self) -> float:
        """NEURON's, by which capacities are multiplied (1/ms)."""
        return (2.0 if self.secondorder else 1.0) / self.dt

    @cached_property
    def moved(self) -> int:
        """How many instances have a DISCRETE block and move the time on by dt in each step."""
        return sum(len(m.ticks) for m in self.mechanisms if m.ticks is not None)

    @cached_property
    def times(self) -> np.ndarray:
        """The times at which samples are taken, [n_steps + 1] (ms)."""
        return time_grid(self.dt, self.n_steps, moved=self.moved)[:: 2 + self.moved]

    @cached_property
    def needs_membrane_current(self) -> bool:
        """Whether currents through the whole membrane are recorded or kept."""
        return self.keeps_membrane or any(r.source == "membrane" for r in self.recorded)

    @property
    def queues(self) -> int:
        """Number of instances whose events wait in a queue."""
        return sum(m.count for m in self.mechanisms if m.agenda is not None)

    @cached_property
    def draws_on_events(self) -> bool:
        """Whether a NET_RECEIVE draws from the random stream of the process: then events come one by one."""
        return any(m.draws_on_events for m in self.mechanisms)

    @cached_property
    def mechanism_nodes(self) -> tuple[Incidence, ...]:
        """Where mechanisms read the voltage, each of several on the same nodes once."""
        nodes = {id(m.node): m.node for m in self.mechanisms if any("v" in b.inputs for b in m.blocks.values())}
        return tuple(node for node in nodes.values() if not node.is_identity)

    def mechanism(self, name: str) -> MechanismStructure:
        """The mechanism of that name."""
        return next(m for m in self.mechanisms if m.name == name)

    def ion(self, name: str) -> IonStructure:
        """The species of that name."""
        return next(i for i in self.ions if i.name == name)
