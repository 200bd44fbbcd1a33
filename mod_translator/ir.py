"""The intermediate representation of one mechanism.

This is the contract between the front end (NMODL, KSChan, NeuroML), the passes and the printers (JAX today, native
kernels later). It knows nothing of JAX. Every routine is scalar, per instance, with its reads and writes explicit.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Loc:
    """A position in the NMODL text, both counted from 1."""

    line: int
    column: int = 1


# ---------------------------------------------------------------------------------------------------- expressions


@dataclass(frozen=True, slots=True)
class Num:
    """A literal; `text` is how the author wrote it."""

    value: float
    text: str = ""


@dataclass(frozen=True, slots=True)
class Var:
    """A variable."""

    name: str


@dataclass(frozen=True, slots=True)
class Element:
    """One element of an array variable."""

    name: str
    index: Expr


@dataclass(frozen=True, slots=True)
class Unary:
    """`op` is '-' or '!'."""

    op: str
    operand: Expr


@dataclass(frozen=True, slots=True)
class Binary:
    """`op` is one of + - * / ^ < <= > >= == != && ||."""

    op: str
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class Call:
    """A FUNCTION of the mechanism or an intrinsic (exp, fabs, ...), without side effects on file variables.

    The intrinsic `hoc_func_table` looks up a FUNCTION_TABLE: its first argument is the Var of the table.
    hoc_vector_size(x) and hoc_vector_element(x, i) read the HOC Vector that the C code of an artificial cell has hidden
    in its variable x.
    """

    name: str
    args: tuple[Expr, ...]


Expr = Num | Var | Element | Unary | Binary | Call

# ----------------------------------------------------------------------------------------------------- statements


@dataclass(frozen=True, slots=True)
class Assign:
    """`target = value`."""

    target: Var | Element
    value: Expr
    loc: Loc


@dataclass(frozen=True, slots=True)
class If:
    """`if (condition) {then} else {orelse}`."""

    condition: Expr
    then: tuple[Stmt, ...]
    orelse: tuple[Stmt, ...]
    loc: Loc


@dataclass(frozen=True, slots=True)
class While:
    """`while (condition) {body}`: in artificial cells only, where an interpreter runs it."""

    condition: Expr
    body: tuple[Stmt, ...]
    loc: Loc


@dataclass(frozen=True, slots=True)
class ForNetcons:
    """`FOR_NETCONS (args) {body}`: once for each NetCon to the instance, with its arguments under these names."""

    args: tuple[str, ...]
    body: tuple[Stmt, ...]
    loc: Loc


@dataclass(frozen=True, slots=True)
class CallRoutine:
    """Call of a PROCEDURE, or of a FUNCTION with side effects, whose value then goes to the local `result`.

    Events are calls too: net_send(delay, flag), net_event(time), net_move(time), and WATCH(value, flag), which asks for
    an event when `value` becomes positive.
    """

    name: str
    args: tuple[Expr, ...]
    loc: Loc
    result: str | None = None


@dataclass(frozen=True, slots=True)
class Derivative:
    """`state' = rate`, as written in a DERIVATIVE block; replaced by the solver passes."""

    state: str
    rate: Expr
    loc: Loc


@dataclass(frozen=True, slots=True)
class SolveImplicit:
    """Solve for `states` together: advance them over dt by an implicit method, or find where nothing changes.

    `rates` names a routine whose arguments are the states under their own names, seen also by what it calls, and whose
    results (`Routine.results`) are their time derivatives in the same order, element by element for an array. What else
    the rates routine writes has afterwards the value of an evaluation at the solution: NEURON runs the block once more
    there.

    method 'derivimplicit': backward Euler by the Newton iteration of scopmath/newton_thread.hpp. 'sparse': backward
    Euler as in sparse_thread.hpp; `linear`: one Newton step and no more, else iterate and keep the states from becoming
    negative; `steady`: the step is 1e9 ms, as in ssimplic_thread.hpp. 'simeq': simultaneous linear equations. 'newton':
    any equations, by the iteration of derivimplicit.
    algebraic: states whose result is not a derivative but must vanish itself (a CONSERVE, an equation of a LINEAR).
    twice: the rates routine takes the states twice: as rate constants see them (linear: as they are at the start of the
    step), then as unknowns, each element of an array as an argument of its own. doubled: the states then go on for as
    long with their derivatives (passes/doubled.py).
    """

    method: str
    states: tuple[str, ...]
    rates: str
    loc: Loc
    algebraic: tuple[str, ...] = ()
    linear: bool = False
    steady: bool = False
    twice: bool = False
    doubled: bool = False

    @property
    def uses_dt(self) -> bool:
        """False where the time step has no part in the solution."""
        return self.doubled or self.advances

    @property
    def advances(self) -> bool:
        """Whether the states are advanced over dt."""
        return self.method not in ("simeq", "newton") and not self.steady


Stmt = Assign | If | While | ForNetcons | CallRoutine | Derivative | SolveImplicit

# ----------------------------------------------------------------------------------------------------- mechanism


class Role(enum.Enum):
    """Where a file-level variable lives, which decides who holds its value."""

    INSTANCE = "instance"  # one value for each instance: RANGE, STATE, ASSIGNED that is not GLOBAL
    GLOBAL = "global"  # one value for the mechanism: PARAMETER that is not RANGE, GLOBAL ASSIGNED
    CONSTANT = "constant"  # a number of the file: CONSTANT block, unit factor, DEFINE
    EXTERNAL = "external"  # NEURON's: v, t, dt, celsius, diam, area
    ION = "ion"  # ena, ina, nai, nao of a USEION
    TABLE = "function table"  # `table_<name>`: what HOC has put into the FUNCTION_TABLE of that name
    POINTER = "pointer"  # a variable of something else, for each instance another one (hoc_setpointer)


@dataclass(frozen=True, slots=True)
class Symbol:
    """A file-level variable.

    `block` is the block that declares it: PARAMETER, STATE, ASSIGNED, CONSTANT, UNITS, LOCAL (of the file), RANDOM,
    OPAQUE, PROCESS, LAG, or '' for NEURON's own.
    `length` is 0 for a scalar. `visible` says whether HOC can read it by name (RANGE, GLOBAL, STATE). `common`: of an
    INSTANCE variable, that NEURON has one for all instances.
    """

    name: str
    role: Role
    block: str = ""
    unit: str = ""
    default: float = 0.0
    limits: tuple[float, float] | None = None
    length: int = 0
    visible: bool = False
    loc: Loc | None = None
    common: bool = False


@dataclass(frozen=True, slots=True)
class IonUse:
    """One USEION statement; `reads` and `writes` are the names as used in the file (ena, ina, nai, nao)."""

    name: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    valence: float | None = None

    @property
    def writes_concentration(self) -> bool:
        """True if the mechanism writes a concentration of the ion."""
        return any(w in (f"{self.name}i", f"{self.name}o") for w in self.writes)


@dataclass(frozen=True, slots=True)
class Current:
    """A current the mechanism contributes to its node; `ion` is None for a NONSPECIFIC or ELECTRODE current."""

    name: str
    ion: str | None = None
    electrode: bool = False


@dataclass(frozen=True, slots=True)
class Diffusion:
    """LONGITUDINAL_DIFFUSION of a STATE (of one element of it; -1: a scalar) between neighbouring segments.

    coefficient, volume: INSTANCE variables that `advance` leaves; of each segment, the diffusion constant times the
    cross section, and the volume of its COMPARTMENT. After all mechanisms have run `advance`, NEURON takes an implicit
    step of the diffusion over dt (src/nrnoc/ldifus.cpp).
    """

    state: str
    element: int
    coefficient: str
    volume: str


@dataclass(frozen=True, slots=True)
class Table:
    """A TABLE statement: `variables` are looked up by the only argument of the routine.

    per_instance: NEURON fills it anew for each instance (DEPEND names a variable of the instance, in a file that is not
    thread-safe); otherwise once, with what the first instance has.
    leaves: variables of the instance that the routine assigns and in which what the last row left is seen afterwards,
    in the instance that fills the table. A lookup does not touch those that are not in the table.
    of_filler: of a table that is per_instance, variables of the instance that are not in DEPEND. The table that an
    instance looks up has those of the last instance up to it that found another value in DEPEND than the one before.
    forgotten: variables that a row takes from the row before and from no other; what the first row finds in them is not
    known. unsure: those `variables` (or results) of the routine whose first row is therefore not known.
    """

    variables: tuple[str, ...]
    depend: tuple[str, ...]
    low: Expr
    high: Expr
    intervals: int
    loc: Loc
    per_instance: bool = False
    leaves: tuple[str, ...] = ()
    of_filler: tuple[str, ...] = ()
    forgotten: tuple[str, ...] = ()
    unsure: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Routine:
    """One block of code.

    args: parameters in the order of a call. results: names returned to the caller in order (FUNCTION: its own name
    first). reads: file-level names whose value on entry matters (in order of first use, without the args).
    writes: file-level names it may assign. A name that is written on some paths only is in both.
    reads and writes include those of everything it calls; the `effects` pass fills them in.
    Of net_receive and net_initial, `results` are the arguments that the block may assign (NetCon state).
    method: how a DERIVATIVE block is SOLVEd, until the solver passes have replaced its equations. made_of: of the rates
    of a KINETIC block, the variables and functions in its rate constants, until a pass has looked at them.

    Promised after the passes: every local (a name that is in no symbol table) is assigned before it is read, on every
    path; array indices are numbers; locals have no name of a variable, a routine or an intrinsic.
    """

    name: str
    kind: str
    body: tuple[Stmt, ...]
    args: tuple[str, ...] = ()
    results: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    table: Table | None = None
    arg_units: tuple[str, ...] = ()
    unit: str = ""
    loc: Loc | None = None
    method: str = ""
    made_of: tuple[str, ...] = ()


EXTERNAL = "EXTERNAL"  # Symbol.block of a POINTER to the GLOBAL of another mechanism that has its name in HOC
OPAQUE = "BBCOREPOINTER"  # Symbol.block of what only C code can use
LAG = "LAG"  # Symbol.block of the past of a variable: whoever knows dt sets its length
PROCESS = "PROCESS"  # Symbol.block of the place of the one random stream that all mechanisms of a process draw from
LIBRARY = "nothing"  # the SUFFIX of a file that only holds functions for HOC
BEFORE_AFTER = ("before_initial", "after_initial", "before_breakpoint", "after_solve", "before_step")
BLOCKS = ("initial", "current", "advance", "net_receive", "net_initial", "watch", *BEFORE_AFTER)  # fields of Mechanism


class Kind(enum.Enum):
    """What sort of mechanism: density, point process, artificial cell."""

    DENSITY = "SUFFIX"
    POINT = "POINT_PROCESS"
    ARTIFICIAL = "ARTIFICIAL_CELL"


@dataclass(frozen=True, slots=True)
class Mechanism:
    """One NMODL file, lowered.

    routines: FUNCTION and PROCEDURE by name, and the rate routines that the solver passes make.
    initial: INITIAL (states set to their start values first, as NEURON does).
    current: BREAKPOINT without its SOLVE, what NEURON evaluates at v + 0.001 and at v; None if there is no BREAKPOINT.
    advance: the SOLVEd block after the solver passes, what NEURON runs after the voltage update; None without SOLVE.
    net_receive: args are the per-NetCon arguments; `flag` and `t` are EXTERNAL. net_initial: the INITIAL inside it.
    tables: routines that have a TABLE.
    conductances: CONDUCTANCE hints (name: the conductance). If there are any, NEURON evaluates `current` once, at v,
    and takes the sum of these for the conductance instead of the difference quotient.
    thread_safe: whether nocmodl prints the thread-safe form of the file.
    shared: INSTANCE variables that are one variable in NEURON: after a block has run on all instances, all of them hold
    what the last instance left. They start from the live GLOBAL of that name, where HOC can read it.
    watch: the values that the WATCH statements watch, in their order; made from them by `passes.outbox`.
    in_turn: those of them that an instance may find as the instance before left them in the same block: a block that
    has to do with one runs on one instance after the other.
    halved: there are states that NEURON advances by half a step with h.secondorder, to go on with their derivatives,
    by METHOD euler, runge or none (so it does wherever there is a SolveImplicit, too).
    moves_time: whether `advance` solves a DISCRETE block: each instance then first moves the time of the whole
    simulation on by dt.
    potential: the INSTANCE variable that is v while NET_RECEIVE runs, and that v becomes afterwards; '' where
    NET_RECEIVE does not assign v.
    before_initial, after_initial, before_breakpoint, after_solve, before_step: BEFORE and AFTER blocks. They see ions
    and v as the other blocks do, but hand nothing back to them.
    """

    name: str
    kind: Kind
    symbols: dict[str, Symbol]
    ions: tuple[IonUse, ...] = ()
    currents: tuple[Current, ...] = ()
    routines: dict[str, Routine] = field(default_factory=dict)
    initial: Routine | None = None
    current: Routine | None = None
    advance: Routine | None = None
    net_receive: Routine | None = None
    net_initial: Routine | None = None
    title: str = ""
    file: str = ""
    conductances: tuple[Current, ...] = ()
    thread_safe: bool = False
    shared: tuple[str, ...] = ()
    watch: Routine | None = None
    diffusions: tuple[Diffusion, ...] = ()
    in_turn: tuple[str, ...] = ()
    halved: bool = False
    moves_time: bool = False
    before_initial: Routine | None = None
    after_initial: Routine | None = None
    before_breakpoint: Routine | None = None
    after_solve: Routine | None = None
    before_step: Routine | None = None
    potential: str = ""

    @property
    def states(self) -> tuple[str, ...]:
        """Names of the STATE variables."""
        return tuple(s.name for s in self.symbols.values() if s.block == "STATE")

    @property
    def process_stream(self) -> str:
        """The variable that holds where the random stream of the process stands; '' for a file that does not draw."""
        return next((s.name for s in self.symbols.values() if s.block == PROCESS), "")

    @property
    def tables(self) -> tuple[Routine, ...]:
        """Routines that have a TABLE, in the order of the text, in which NEURON fills them."""
        found = [r for r in self.routines.values() if r.table is not None]
        return tuple(sorted(found, key=lambda r: (r.loc.line, r.loc.column) if r.loc else (0, 0)))


def assigned(body: tuple[Stmt, ...]) -> set[str]:
    """Return the names that the statements themselves may assign (not those of the routines they call)."""
    names: set[str] = set()
    for statement in body:
        match statement:
            case Assign(target, _, _):
                names.add(target.name)
            case If(_, then, orelse, _):
                names |= assigned(then) | assigned(orelse)
            case While(_, inner, _) | ForNetcons(_, inner, _):
                names |= assigned(inner)
            case CallRoutine(_, _, _, result):
                names |= {result} if result else set()
            case Derivative(state, _, _):
                names.add(state)
            case SolveImplicit():
                names |= set(statement.states)
    return names
