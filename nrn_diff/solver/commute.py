"""Which events of one time may reach an instance in any order: read off NET_RECEIVE for each flag.

Two events commute if neither changes what the other reads, and if what both change they only add to. So must the
events that they send without delay, which come in the order of those that sent them.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from mod_translator import ir
from mod_translator.passes.effects import Analysis
from mod_translator.passes.walk import blocks, replaced, statements, subexpressions

_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}
# What net_send(…, 1) and net_move share: the event that can be moved.
_MOVABLE, _WATCHES, _ANYTHING = "(the event that net_move moves)", "(the conditions watched)", "(anything)"


@dataclass
class _Does:
    """What an event of one flag reads, adds to, and changes in another way; names. sends: flags, maybe at once."""

    reads: set[str] = field(default_factory=set)
    adds: set[str] = field(default_factory=set)
    writes: set[str] = field(default_factory=set)
    sends: set[float] = field(default_factory=set)

    def without(self, names: set[str]) -> _Does:
        return _Does(self.reads - names, self.adds - names, self.writes - names, self.sends)

    def commutes(self, other: _Does) -> bool:
        if _ANYTHING in self.writes | other.writes:
            return False
        mine, theirs = self.writes | self.adds, other.writes | other.adds
        return not (
            self.writes & (other.reads | theirs)
            or other.writes & (self.reads | mine)
            or self.adds & other.reads
            or other.adds & self.reads
        )


@dataclass(frozen=True, eq=False)
class Commuting:
    """flags: those that an event can have. pairs [2, n_flags, n_flags] bool: events of two NetCons, of one NetCon."""

    flags: tuple[float, ...]
    pairs: np.ndarray

    def commute(self, one: tuple[float, int], other: tuple[float, int]) -> bool:
        """Whether two events do, each by its flag and its NetCon; those that are alike always do."""
        if one == other:
            return True
        if one[0] not in self.flags or other[0] not in self.flags:
            return False
        same = int(one[1] == other[1])
        return bool(self.pairs[same, self.flags.index(one[0]), self.flags.index(other[0])])


def commuting(mechanism: ir.Mechanism) -> Commuting:
    """For every two flags whether such events commute; no flags where a net_send has one that is computed."""
    receive = mechanism.net_receive
    flags = _flags(mechanism)
    if receive is None or flags is None:
        return Commuting((), np.zeros((2, 0, 0), dtype=bool))
    analysis, args = Analysis(mechanism), set(receive.args)
    does = [_of_flag(mechanism, analysis, receive, flag) for flag in flags]
    pairs = np.zeros((2, len(flags), len(flags)), dtype=bool)
    for i, j in itertools.product(range(len(flags)), repeat=2):
        pairs[0, i, j] = does[i].without(args).commutes(does[j].without(args))
        pairs[1, i, j] = does[i].commutes(does[j])
        if i == j:  # such events are alike, if they are of one NetCon or do not ask of which
            pairs[1, i, i] = True
            asks = args & (does[i].reads | does[i].adds | does[i].writes)
            pairs[0, i, i] |= not asks and _ANYTHING not in does[i].writes
    return Commuting(flags, _with_what_they_send(flags, does, pairs))


def _with_what_they_send(flags: tuple[float, ...], does: list[_Does], pairs: np.ndarray) -> np.ndarray:
    """Pairs [2, n_flags, n_flags] whose events without delay commute as well; those that are alike send alike."""
    sent = [_reached(flags, does, k) for k in range(len(flags))]
    out = pairs.copy()
    for same, i, j in itertools.product((0, 1), range(len(flags)), range(len(flags))):
        if not (same and i == j):
            out[same, i, j] &= all(pairs[same, a, b] for a, b in itertools.product(sent[i], sent[j]))
    return out


def _reached(flags: tuple[float, ...], does: list[_Does], start: int) -> set[int]:
    found: set[int] = set()
    new = {start}
    while new:
        new = {flags.index(flag) for k in new for flag in does[k].sends} - found
        found |= new
    return found


def spikes_commute(mechanism: ir.Mechanism) -> bool:
    """Whether events of two NetCons (flag 0) commute."""
    found = commuting(mechanism)
    at = found.flags.index(0.0) if found.flags else 0
    return bool(found.flags) and bool(found.pairs[0, at, at])


def _flags(mechanism: ir.Mechanism) -> tuple[float, ...] | None:
    found = {0.0}
    for routine in (*blocks(mechanism).values(), *mechanism.routines.values()):
        for statement in statements(routine.body):
            if isinstance(statement, ir.CallRoutine) and statement.name in ("net_send", "WATCH"):
                flag = _value(statement.args[1])
                if flag is None:
                    return None
                found.add(flag)
    return tuple(sorted(found))


def _value(expression: ir.Expr) -> float | None:
    match expression:
        case ir.Num(value):
            return value
        case ir.Unary("-", operand):
            inner = _value(operand)
            return None if inner is None else -inner
    return None


def _of_flag(mechanism: ir.Mechanism, analysis: Analysis, receive: ir.Routine, flag: float) -> _Does:
    does = _Does(writes={_MOVABLE} if flag == 1.0 else set())

    def read(*expressions: ir.Expr) -> None:
        for expression in expressions:
            for part in subexpressions(expression):
                if isinstance(part, ir.Var | ir.Element):
                    does.reads.add(part.name)
                elif isinstance(part, ir.Call):
                    inside = analysis.of(part.name)
                    does.reads |= {name for name, _ in inside.reads} if inside is not None else set()

    def run(body: tuple[ir.Stmt, ...]) -> None:
        for statement in body:
            match statement:
                case ir.If(condition, then, orelse, _):
                    known = _decided(condition, flag)
                    if known is None:
                        read(condition)
                    run((*then, *orelse) if known is None else then if known else orelse)
                case ir.Assign(ir.Var(name), value, _):
                    added = _added(name, value)
                    if added is None or name not in mechanism.symbols:
                        read(value)
                        does.writes.add(name)
                    else:
                        read(added)
                        does.adds.add(name)
                case ir.CallRoutine("net_send", (delay, sent), _, _):
                    read(delay)
                    does.writes |= {_MOVABLE} if _value(sent) == 1.0 else set()
                    does.sends |= _sent_at_once(delay, sent)
                case ir.CallRoutine("net_event", args, _, _):
                    read(*args)
                case ir.CallRoutine("net_move", args, _, _):
                    read(*args)
                    does.writes.add(_MOVABLE)
                case ir.CallRoutine("WATCH", (value, _), _, _):
                    read(value)
                    does.writes.add(_WATCHES)
                case ir.CallRoutine(name, args, _, result) if (inside := analysis.of(name)) is not None:
                    read(*args)
                    does.reads.update(cell[0] for cell in inside.reads)
                    does.writes.update(cell[0] for cell in inside.may)
                    does.writes |= {result} if result else set()
                case _:
                    does.writes.add(_ANYTHING)

    run(receive.body)
    # Locals begin anew with every event; a FUNCTION that draws numbers writes its stream, which is a symbol.
    inner = {name for name in does.writes if name not in mechanism.symbols and name not in receive.args}
    return does.without(inner - {_MOVABLE, _WATCHES, _ANYTHING} | {"flag", "t"})


def _sent_at_once(delay: ir.Expr, sent: ir.Expr) -> set[float]:
    """The flag of a net_send whose delay may be 0."""
    after, flag = _value(delay), _value(sent)
    return {flag} if flag is not None and (after is None or after <= 0.0) else set()


def _added(name: str, value: ir.Expr) -> ir.Expr | None:
    """x of `name = name + x`, also with more terms; None if the statement is another."""
    match value:
        case ir.Binary("+" | "-", left, right):
            if left == ir.Var(name):
                return right if name not in _read(right) else None
            if value.op == "+" and right == ir.Var(name):
                return left if name not in _read(left) else None
            inner = _added(name, left)
            return ir.Binary(value.op, inner, right) if inner is not None and name not in _read(right) else None
    return None


def _read(expression: ir.Expr) -> set[str]:
    return {part.name for part in subexpressions(expression) if isinstance(part, ir.Var | ir.Element)}


def _decided(condition: ir.Expr, flag: float) -> bool | None:
    """The value of a condition that depends on the flag alone; None where it depends on more."""
    given = replaced(condition, lambda part: ir.Num(flag) if part == ir.Var("flag") else part)
    match given:
        case ir.Binary("&&" | "||" as op, left, right):
            both = _decided(left, flag), _decided(right, flag)
            if op == "&&":
                return False if False in both else True if None not in both else None
            return True if True in both else False if None not in both else None
        case ir.Unary("!", operand):
            inner = _decided(operand, flag)
            return None if inner is None else not inner
        case ir.Binary(op, left, right) if op in _COMPARE:
            one, other = _value(left), _value(right)
            return None if one is None or other is None else _COMPARE[op](one, other)
        case ir.Num(value):
            return value != 0.0
    return None
