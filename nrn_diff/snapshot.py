"""What a capture takes from the live NEURON process: plain numpy and the mechanisms' IR, no NEURON objects.

Node order: parents come before children. A tree has one root node (zero area) for each root section, one node for each
segment and one zero-area node at the far end of each section. Segment order: h.allsec(), then the segments of a section
from 0 to 1 (the order of `for sec in h.allsec(): for seg in sec`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from mod_translator import ir
from nrn_diff.own_init import OwnInit

Array = np.ndarray

# Bits of the integer that ion_style returns (src/nrnoc/eion.cpp).
START_CONCENTRATION, NERNST_AT_START, NERNST_EACH_STEP = 0o4, 0o40, 0o100


def _none(dtype: type = float) -> Array:
    return np.zeros(0, dtype=dtype)


@dataclass(frozen=True)
class Frusta:
    """The pieces that area and axial resistance of segments are sums over (nrn_area_ri in treeset.cpp).

    segment, half [n]: which segment, and which half of it (0: toward the root). length, left, right [n] (um): of the
    piece, and its diameters at both ends. points [n_sections]: whether a section has 3-D points; pieces of a section
    without them are its half segments. Sections whose pieces do not add up to NEURON's numbers have none.
    """

    segment: Array = field(default_factory=lambda: _none(int))
    half: Array = field(default_factory=lambda: _none(int))
    length: Array = field(default_factory=_none)
    left: Array = field(default_factory=_none)
    right: Array = field(default_factory=_none)
    points: Array = field(default_factory=lambda: _none(bool))


@dataclass(frozen=True)
class Cable:
    """Sections, segments and nodes.

    section_names [n_sections]; nseg, Ra (ohm cm), L (um) [n_sections].
    segment_section [n_segments] (index of the section), segment_x [n_segments], segment_node [n_segments] (its node);
    cm (uF/cm2), diam (um) [n_segments].
    parent [n_nodes] (-1: a root), node_section [n_nodes], area [n_nodes] (um2, 100 for a zero-area node as in NEURON),
    ri [n_nodes] (MOhm to the parent, proportional to Ra of the node's section; 0 for a root),
    has_area [n_nodes] (True: a segment), v [n_nodes] (mV, live). ends [n_segments, 2, 3] (um): where a segment starts
    and ends (None in files of older versions). frusta: the shapes. distance [n_nodes] (um): h.distance from the root.
    near_end [n_sections]: x of the end at the parent; rallbranch [n_sections]: equal branches that a section stands for
    (all empty in files of older versions). turn [n_nodes]: the place of each node in NEURON's order, where the order of
    sums shows in the membrane; else empty.
    """

    section_names: tuple[str, ...]
    nseg: Array
    Ra: Array
    L: Array
    segment_section: Array
    segment_x: Array
    segment_node: Array
    cm: Array
    diam: Array
    parent: Array
    node_section: Array
    area: Array
    ri: Array
    has_area: Array
    v: Array
    ends: Array | None = None
    frusta: Frusta = field(default_factory=Frusta)
    distance: Array = field(default_factory=_none)
    near_end: Array = field(default_factory=_none)
    rallbranch: Array = field(default_factory=_none)
    turn: Array = field(default_factory=lambda: _none(int))

    @property
    def rounding(self) -> Array:
        """What ri divided by Ra and multiplied by it again lacks to ri, [n_nodes] (MOhm)."""
        Ra = self.Ra[self.node_section]
        return self.ri - self.ri / Ra * Ra

    @property
    def branches(self) -> Array:
        """How many times each node acts on its parent, [n_nodes]: rallbranch for the first node of a section."""
        times = np.ones(len(self.parent))
        if len(self.rallbranch):
            first = np.full(len(self.section_names), len(self.parent))
            np.minimum.at(first, self.segment_section, self.segment_node)
            times[first] = self.rallbranch
        return times


@dataclass(frozen=True)
class Extracellular:
    """The extracellular layers (src/nrnoc/extcelln.cpp), one row for each segment that has them.

    nodes [n]; xraxial (MOhm/cm), xg (S/cm2), xc (uF/cm2) [n, layers], from the membrane outward; e_extracellular (mV)
    [n]. layered [m]: every node with layers; besides `nodes`, the zero-area nodes of these sections. left [m] (mV):
    vext[0] there before finitialize, which still sees it where it transfers the potential inside.
    """

    nodes: Array
    xraxial: Array
    xg: Array
    xc: Array
    e_extracellular: Array
    layered: Array
    left: Array


@dataclass(frozen=True)
class Circuit:
    """A LinearMechanism: c y' + g y = b is solved with the equations of the cells (src/nrniv/linmod.cpp).

    name: 'LinearMechanism[0]'. c, g [n, n]; b, y0 [n]. The first equations and unknowns are those of nodes [m],
    layers [m] (0: inside; k: vext[k - 1]), in the units of these equations; the others its own, which start at y0.
    """

    name: str
    c: Array
    g: Array
    b: Array
    y0: Array
    nodes: Array
    layers: Array


@dataclass(frozen=True)
class Ion:
    """An ion species wherever it exists (the mechanism `<name>_ion`).

    nodes [n]; style [n]: the integer that h.ion_style returns; inside, outside (mM), erev (mV) [n]: live values;
    inside0, outside0: the globals `nai0_na_ion`, `nao0_na_ion`. current [n] (mA/cm2): live, which an INITIAL may read.
    """

    name: str
    charge: float
    nodes: Array
    style: Array
    inside: Array
    outside: Array
    erev: Array
    inside0: float
    outside0: float
    current: Array = field(default_factory=lambda: np.zeros(0))


@dataclass(frozen=True)
class FunctionTable:
    """What HOC has put into a FUNCTION_TABLE.

    values [n_0, n_1, ...]: one axis for each argument; no axis at all for a constant. axes: of each argument the places
    [n] if it is `listed`, else [low, high] of equal intervals.
    """

    values: Array
    axes: tuple[Array, ...]
    listed: tuple[bool, ...]


ELEMENTS = "Vector"  # name of the mechanism whose instances are elements of HOC Vectors that POINTERs lead to


@dataclass(frozen=True)
class Link:
    """A variable of some instances that stands for other variables (POINTER), or is copied from them (target_var).

    name: the variable of the instances. kind, owner, variable, element: what it leads to, as in Record. row [n]: the
    instances; index [n]: the node, or the row among the instances of `owner`, for each of them. Transferred may also be
    'inside', the potential v + vext[0] of a node.
    """

    name: str
    kind: str
    owner: str
    variable: str
    element: int
    row: Array
    index: Array


@dataclass(frozen=True)
class MechanismData:
    """All instances of one mechanism, in NEURON's order of segments (density) or of creation (point processes).

    rank: position in NEURON's memb_order_ (INITIAL, current and state phases run in this order; ions come before).
    nodes [n] (a point process at an end of a section sits on a zero-area node). values: INSTANCE variables that HOC can
    read -> [n] or [n, length], live. globals_: GLOBAL variables -> scalar or [length], live. use_table:
    usetable_<suffix>. labels: 'Exp2Syn[3]' for point processes, '' for density mechanisms. order [n]: the rows in the
    order in which NEURON runs them, which is that of its nodes (empty: as they stand here). tables: `table_<name>` ->
    content, of the FUNCTION_TABLEs. pointers: what the POINTERs that a simulation uses point to. transfers: what
    ParallelContext.target_var sets in each step, from where.
    """

    ir: ir.Mechanism
    rank: int
    nodes: Array
    values: Mapping[str, Array]
    globals_: Mapping[str, Array]
    use_table: bool
    labels: tuple[str, ...]
    order: Array = field(default_factory=lambda: np.zeros(0, dtype=int))
    tables: Mapping[str, FunctionTable] = field(default_factory=dict)
    pointers: tuple[Link, ...] = ()
    transfers: tuple[Link, ...] = ()

    @property
    def name(self) -> str:
        """The mechanism's name."""
        return self.ir.name


@dataclass(frozen=True)
class Connection:
    """A NetCon whose target is an instance of a captured point process.

    index: position in h.List('NetCon'). train: index into Capture.trains, or -1 when the source is the voltage of
    `source_node`, the net_event of row `source_instance` of mechanism `source`, or the variable `watched`. weight: the
    whole weight vector.
    """

    index: int
    target: str
    instance: int
    delay: float
    weight: Array
    train: int = -1
    source_node: int = -1
    threshold: float = 0.0
    source: str = ""
    source_instance: int = -1
    watched: Record | None = None


@dataclass(frozen=True)
class EventCapacity:
    """How many events that depend on the solution there is room for; a run that needs more fails, and says so.

    pending: self events (net_send) that wait for one instance at the same time. rounds: events that one instance
    receives in half a step, one after the other. Events of given trains are not counted: there is always room for them.
    """

    pending: int = 8
    rounds: int = 16


@dataclass(frozen=True)
class Train:
    """Event times (ms) of a source that nothing differentiable drives, as NEURON itself would send them."""

    label: str
    times: Array


@dataclass(frozen=True)
class Events:
    """Events of trains that reach synapses, in the order in which NEURON delivers them.

    times [n] (ms): delay included. connection [n]: position in Capture.connections.
    """

    times: Array
    connection: Array


@dataclass(frozen=True)
class Record:
    """One quantity that a Vector of the user records, or (see `Play`) is played into.

    kind: 't' | 'v' | 'cm' | 'celsius' | 'mechanism' | 'ion' | 'global' | 'weight' | 'vext' | 'e_extracellular' |
    'membrane' | 'circuit' | 'artificial' | 'layer' | 'start' | 'threshold' (of all NetCons
    that watch a voltage). index: the node (v, vext, membrane, threshold), the segment (cm),
    the row among the instances (mechanism, ion), among the segments with layers (e_extracellular, layer), among the
    equations (circuit), the NetCon's place in h.List('NetCon') (weight), or position in Capture.courses (artificial;
    owner is then the cell's name).
    owner: mechanism name or ion name. variable: 'm', 'ina'; for an ion 'inside', 'outside', 'erev', 'current'; for the
    membrane 'i_membrane', 'i_membrane_' or 'i_cap'; 'xg' or 'xc' (layer); 'inside0' or 'outside0' (start: the
    concentrations of ion_style). element: of an array variable or a weight vector (the layer of
    vext). label: 'soma(0.5).v', 'soma(0.5).hh.m', 'soma(0.5).ina', 'Exp2Syn[0].g', 't'.
    vector: the Vector's HOC name. interval (ms), times (ms): when samples are taken; both empty: at every step.
    """

    label: str
    kind: str
    index: int = 0
    owner: str = ""
    variable: str = ""
    element: int = -1
    vector: str = ""
    interval: float = 0.0
    times: tuple[float, ...] = ()

    @property
    def every_step(self) -> bool:
        """Whether a sample is taken at the end of each step."""
        return not self.interval and not self.times


@dataclass(frozen=True)
class GivenCourse:
    """A variable of an artificial cell that nothing differentiable drives: values [n], each from its time (ms) on."""

    times: Array
    values: Array


@dataclass(frozen=True)
class Play:
    """A Vector that drives a variable (Vector.play).

    target: the variable. vector: the Vector's HOC name. values [n]: its content, the samples. times [m] (ms): when they
    hold; empty: they follow one another from t = 0 by `interval` (ms). continuous: linear interpolation instead of
    steps; breaks: the third Vector of play, indices where the course is discontinuous (only if has_breaks).
    """

    target: Record
    vector: str
    values: Array
    times: Array
    interval: float
    continuous: bool
    has_breaks: bool
    breaks: Array


@dataclass(frozen=True)
class SpikeRecord:
    """One source whose spikes a Vector of the user takes (NetCon.record, ParallelContext.spike_record).

    A voltage: upward crossings of `threshold` (mV) at `node`, label 'soma(0.5).v > 10'. A process that sends by
    net_event: row `instance` of mechanism `sender`, label 'Detector[0]'. A given train: index into Capture.trains.
    Another variable `watched`, label 'soma(0.5).cai > 0.01'. node is -1 for the last three. vector: the Vector's HOC
    name; several sources may share one.
    """

    label: str
    node: int
    threshold: float
    vector: str = ""
    sender: str = ""
    instance: int = -1
    train: int = -1
    watched: Record | None = None


@dataclass(frozen=True)
class Capture:
    """One live model. Units are NEURON's.

    voltages: (node, threshold) of every voltage that a NetCon watches, in the order in which NEURON checks them.
    own_init: what the script's init() does; None: finitialize(v_init).
    """

    cable: Cable
    ions: tuple[Ion, ...]
    mechanisms: tuple[MechanismData, ...]
    connections: tuple[Connection, ...]
    trains: tuple[Train, ...]
    events: Events
    records: tuple[Record, ...]
    celsius: float
    v_init: float
    dt: float
    tstop: float
    secondorder: int = 0
    notes: tuple[str, ...] = field(default=())
    spikes: tuple[SpikeRecord, ...] = ()
    event_capacity: EventCapacity = EventCapacity()
    extracellular: Extracellular | None = None
    circuits: tuple[Circuit, ...] = ()
    plays: tuple[Play, ...] = ()
    voltages: tuple[tuple[int, float], ...] = ()
    courses: tuple[GivenCourse, ...] = ()
    own_init: OwnInit | None = None
