"""What every IR must satisfy before anything is printed from it, wherever it came from."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

from mod_translator import ir
from mod_translator.passes import walk

MAX_DEPTH = 150  # nesting of expressions and of branches; far beyond any mod file, below Python's own limits
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_MAX_LENGTH = 200
MAX_ELEMENTS = 10_000
MAX_INTERVALS = 10_000_000
_BINARY = frozenset(("+", "-", "*", "/", "^", "<", "<=", ">", ">=", "==", "!=", "&&", "||"))
_UNARY = frozenset(("-", "!"))
_METHODS = frozenset(("derivimplicit", "sparse", "simeq", "newton"))


class InvalidIR(ValueError):  # noqa: N818
    """An IR that no mod file leads to: damaged, hostile, or made by a faulty pass. The message says what and where."""


class TooDeep(InvalidIR):
    """Expressions or branches nested deeper than MAX_DEPTH, as those of a sum of hundreds of terms."""


def _identifier(name: object, what: str) -> None:
    if not isinstance(name, str) or len(name) > _MAX_LENGTH or not _IDENTIFIER.match(name):
        raise InvalidIR(f"{what}: {str(name)[:60]!r} is not an identifier")


def _finite(value: float, what: str) -> None:
    if not math.isfinite(value):
        raise InvalidIR(f"{what}: {value} is not a finite number")


def _expression(expr: ir.Expr, what: str, depth: int = 0) -> None:
    if depth > MAX_DEPTH:
        raise TooDeep(f"{what}: expression nested deeper than {MAX_DEPTH}")
    match expr:
        case ir.Num(value):
            _finite(value, what)
        case ir.Var(name) | ir.Element(name) | ir.Call(name):
            _identifier(name, what)
        case ir.Unary(op) if op not in _UNARY:
            raise InvalidIR(f"{what}: unknown operator {op[:20]!r}")
        case ir.Binary(op) if op not in _BINARY:
            raise InvalidIR(f"{what}: unknown operator {op[:20]!r}")
    for child in _children(expr):
        _expression(child, what, depth + 1)


def _children(expr: ir.Expr) -> tuple[ir.Expr, ...]:
    match expr:
        case ir.Unary(_, operand) | ir.Element(_, operand):
            return (operand,)
        case ir.Binary(_, left, right):
            return (left, right)
        case ir.Call(_, args):
            return args
    return ()


def _body(body: Iterable[ir.Stmt], what: str, depth: int = 0) -> None:
    if depth > MAX_DEPTH:
        raise TooDeep(f"{what}: statements nested deeper than {MAX_DEPTH}")
    for stmt in body:
        for operand in walk.expressions(stmt):
            _expression(operand, what)
        match stmt:
            case ir.Assign(target):
                _expression(target, what)
            case ir.If(_, then, orelse):
                _body(then, what, depth + 1)
                _body(orelse, what, depth + 1)
            case ir.While(_, inner):
                _body(inner, what, depth + 1)
            case ir.ForNetcons(args, inner):
                _identifiers(args, what)
                _body(inner, what, depth + 1)
            case ir.CallRoutine(name, _, _, result):
                _identifiers((name, *(() if result is None else (result,))), what)
            case ir.Derivative(state):
                _identifier(state, what)
            case ir.SolveImplicit(method, states, rates):
                if method not in _METHODS:
                    raise InvalidIR(f"{what}: unknown method {method[:40]!r}")
                _identifiers((*states, rates), what)
                if not set(stmt.algebraic) <= set(states):
                    raise InvalidIR(f"{what}: an algebraic row of a state that is not solved for")


def _identifiers(names: Iterable[str], what: str) -> None:
    for name in names:
        _identifier(name, what)


def _distinct(names: tuple[str, ...], what: str) -> None:
    if len(set(names)) != len(names):
        raise InvalidIR(f"{what}: a name occurs twice among {', '.join(names)[:200]}")


def _routine(routine: ir.Routine, what: str) -> None:
    _identifier(routine.name, what)
    for names in (routine.args, routine.results, routine.reads, routine.writes):
        _identifiers(names, what)
    _distinct(routine.args, f"{what}, arguments")
    _distinct((*routine.results, *routine.writes), f"{what}, results and writes")
    _body(routine.body, what)
    table = routine.table
    if table is not None:
        _identifiers((*table.variables, *table.depend), what)
        _distinct(table.variables, f"{what}, TABLE")
        _expression(table.low, what)
        _expression(table.high, what)
        if not 0 < table.intervals <= MAX_INTERVALS:
            raise InvalidIR(f"{what}: a TABLE with {table.intervals} intervals")
        if len(routine.args) != 1:
            raise InvalidIR(f"{what}: a routine with a TABLE takes one argument, not {len(routine.args)}")
        if table.variables and not set(table.variables) & {*routine.results, *routine.writes}:
            raise InvalidIR(f"{what}: TABLE of {', '.join(table.variables)}, of which the routine assigns none")


def _symbol(name: str, symbol: ir.Symbol, what: str) -> None:
    _identifier(name, what)
    if name != symbol.name:
        raise InvalidIR(f"{what}: {name} is filed under another name")
    _finite(symbol.default, f"{what}, {name}")
    if not 0 <= symbol.length <= MAX_ELEMENTS:
        raise InvalidIR(f"{what}: {name} has {symbol.length} elements")


def _diffusion(diffusion: ir.Diffusion, mechanism: ir.Mechanism, what: str) -> None:
    if not {diffusion.state, diffusion.coefficient, diffusion.volume} <= set(mechanism.symbols):
        raise InvalidIR(f"{what}: diffusion of {str(diffusion.state)[:40]} with a variable that is not declared")
    length = mechanism.symbols[diffusion.state].length
    if not (0 <= diffusion.element < length if length else diffusion.element == -1):
        raise InvalidIR(f"{what}: diffusion of an element that {diffusion.state} does not have")


def validate(mechanism: ir.Mechanism) -> None:
    """Raise InvalidIR unless every name is an identifier, every operator is known and every number is finite."""
    what = f"mechanism {str(mechanism.name)[:40]}"
    _identifier(mechanism.name, "mechanism name")
    for name, symbol in mechanism.symbols.items():
        _symbol(name, symbol, what)
    for ion in mechanism.ions:
        _identifiers((ion.name, *ion.reads, *ion.writes), what)
    for diffusion in mechanism.diffusions:
        _diffusion(diffusion, mechanism, what)
    if not {*mechanism.shared, *mechanism.in_turn} <= set(mechanism.symbols):
        raise InvalidIR(f"{what}: a shared variable that is not declared")
    for current in mechanism.currents:
        _identifier(current.name, what)
        if current.ion is not None:
            _identifier(current.ion, what)
    for name, routine in mechanism.routines.items():
        if name != routine.name:
            raise InvalidIR(f"{what}: routine {routine.name[:40]} is filed under another name")
        if name in mechanism.symbols:
            raise InvalidIR(f"{what}: {name} is both a variable and a routine")
        _routine(routine, f"{what}, {name}")
    for entry in ir.BLOCKS:
        block: ir.Routine | None = getattr(mechanism, entry)
        if block is not None:
            _routine(block, f"{what}, {entry}")
