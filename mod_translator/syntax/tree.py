"""What stands in an NMODL file, before any meaning is given to it.

Expressions are those of the IR. Names in expressions and `Name`s are still marked with their token (see source.py).
Statements are the IR's where NMODL and the IR agree, and the classes below where they do not.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from mod_translator.ir import Call, Element, Expr, Var

EARLIER = "@"  # the function that name@n is a call of: the variable, n


@dataclass(frozen=True, slots=True)
class Assign:
    """`target = value`."""

    target: Var | Element
    value: Expr


@dataclass(frozen=True, slots=True)
class Equation:
    """`x' = rate`; `order` counts the primes."""

    target: Var | Element
    order: int
    rate: Expr


@dataclass(frozen=True, slots=True)
class Conditional:
    """`arms` are (condition, body) pairs; the condition of an `else` is None."""

    arms: tuple[tuple[Expr | None, Body], ...]
    token: int | None


@dataclass(frozen=True, slots=True)
class Loop:
    """FROM variable = first TO last BY step."""

    variable: str
    first: Expr
    last: Expr
    step: Expr | None
    body: Body


@dataclass(frozen=True, slots=True)
class While:
    """WHILE (condition) { body }."""

    condition: Expr
    body: Body
    token: int | None


@dataclass(frozen=True, slots=True)
class Local:
    """LOCAL names with their array lengths (0: scalar)."""

    names: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class CallStatement:
    """A call that stands as a statement."""

    call: Call


@dataclass(frozen=True, slots=True)
class Nested:
    """A block in braces."""

    body: Body


@dataclass(frozen=True, slots=True)
class Solve:
    """SOLVE block METHOD method; `steady`: STEADYSTATE."""

    block: str
    method: str
    steady: bool


@dataclass(frozen=True, slots=True)
class Conductance:
    """CONDUCTANCE name USEION ion."""

    name: str
    ion: str


@dataclass(frozen=True, slots=True)
class TableStatement:
    """TABLE variables DEPEND depend FROM low TO high WITH intervals."""

    variables: tuple[str, ...]
    depend: tuple[str, ...]
    low: Expr
    high: Expr
    intervals: int


@dataclass(frozen=True, slots=True)
class Reaction:
    """`~ left <-> right (forward, backward)`; operator '<->', '<<' or '->'. Sides are (count, variable) pairs.

    bare: which of the rates are sums (or comparisons) without parentheses around them.
    """

    left: tuple[tuple[int, Var | Element], ...]
    operator: str
    right: tuple[tuple[int, Var | Element], ...]
    forward: Expr
    backward: Expr | None
    bare: tuple[bool, bool]


@dataclass(frozen=True, slots=True)
class Conserve:
    """CONSERVE sum of (count, variable) = total."""

    terms: tuple[tuple[int, Var | Element], ...]
    total: Expr


@dataclass(frozen=True, slots=True)
class Compartment:
    """COMPARTMENT index, volume {species}; `diffusion` marks LONGITUDINAL_DIFFUSION."""

    index: str
    volume: Expr
    species: tuple[str, ...]
    diffusion: bool = False


@dataclass(frozen=True, slots=True)
class AlgebraicEquation:
    """`~ left = right` of a LINEAR or NONLINEAR block."""

    left: Expr
    right: Expr
    linear: bool


@dataclass(frozen=True, slots=True)
class NetInitial:
    """INITIAL inside NET_RECEIVE."""

    body: Body


@dataclass(frozen=True, slots=True)
class ForNetcons:
    """FOR_NETCONS (args) { body }."""

    args: tuple[str, ...]
    body: Body


@dataclass(frozen=True, slots=True)
class Watch:
    """WATCH (condition) flag, one or several."""

    conditions: tuple[tuple[Expr, float], ...]


@dataclass(frozen=True, slots=True)
class VerbatimText:
    """C code; `index` counts the VERBATIM blocks of the file from 0."""

    index: int


@dataclass(frozen=True, slots=True)
class Mixed:
    """C code that goes on across VERBATIM blocks (`indices`), with `bodies` of NMODL between them."""

    indices: tuple[int, ...]
    bodies: tuple[Body, ...]


@dataclass(frozen=True, slots=True)
class Lag:
    """LAG variable BY delay."""

    variable: str
    delay: str


@dataclass(frozen=True, slots=True)
class Other:
    """A statement that is never translated, by its NMODL keyword."""

    keyword: str


Statement = (
    Assign
    | Equation
    | Conditional
    | Loop
    | While
    | Local
    | CallStatement
    | Nested
    | Solve
    | Conductance
    | TableStatement
    | Reaction
    | Conserve
    | Compartment
    | AlgebraicEquation
    | NetInitial
    | ForNetcons
    | Watch
    | VerbatimText
    | Mixed
    | Lag
    | Other
)
Body = tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """A block of code. `kind` is its keyword; `name` is empty where NMODL gives none; `args` are (name, unit) pairs."""

    kind: str
    name: str
    body: Body
    args: tuple[tuple[str, str], ...] = ()
    unit: str = ""
    solvefor: tuple[str, ...] = ()
    token: int | None = None


@dataclass(frozen=True, slots=True)
class Declaration:
    """One variable of PARAMETER, ASSIGNED, STATE, CONSTANT or UNITS (a factor); `order` counts primes.

    `value` is the text of the number; for a unit factor `units` holds both units instead.
    """

    block: str
    name: str
    value: str = ""
    unit: str = ""
    length: int = 0
    limits: tuple[float, float] | None = None
    units: tuple[str, str] | None = None
    order: int = 0


@dataclass(frozen=True, slots=True)
class UseIon:
    """USEION name READ reads WRITE writes VALENCE valence."""

    name: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    valence: float | None


@dataclass
class File:
    """Everything in one file, in the order of the text."""

    suffix: tuple[str, str] | None = None  # keyword, name
    neuron: dict[str, list[str]] = field(default_factory=dict)  # RANGE, GLOBAL, ... -> names
    ions: list[UseIon] = field(default_factory=list)
    threadsafe: bool = False
    declarations: list[Declaration] = field(default_factory=list)
    defines: dict[str, int] = field(default_factory=dict)
    locals: list[tuple[str, int]] = field(default_factory=list)
    units: list[tuple[str, str]] = field(default_factory=list)  # UNITS definitions: (new, old)
    blocks: list[Block] = field(default_factory=list)
    verbatim: list[int] = field(default_factory=list)  # at file level
