"""Which file-level variables each routine reads (upward exposed) and writes.

A variable is in `reads` if the value it has on entry can matter: it is read before it is surely written, or it is
written on some paths only (its old value then survives). Of a routine with a TABLE only the TABLE's variables are sure
to be written: a lookup does not run the body.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from mod_translator import ir
from mod_translator.passes.context import PassContext
from mod_translator.passes.walk import blocks, expressions, subexpressions, with_blocks
from mod_translator.semantic.names import INTRINSIC_READS

Cell = tuple[str, int]  # a variable, or one element of an array (-1: a scalar)


@dataclass
class Effects:
    """What a piece of code does: `reads` before it surely wrote it (in order), `may` write, `must` write.

    passed: what it hands to a routine that may leave it as it is.
    """

    reads: dict[Cell, None] = field(default_factory=dict)
    passed: dict[Cell, None] = field(default_factory=dict)
    may: dict[Cell, None] = field(default_factory=dict)
    must: set[Cell] = field(default_factory=set)

    def branch(self) -> Effects:
        """Return effects for one branch of an If: shared reads, passed and may, an own copy of must."""
        return Effects(self.reads, self.passed, self.may, set(self.must))


class Analysis:
    """Effects of all routines of a mechanism, computed when asked for."""

    def __init__(self, mechanism: ir.Mechanism) -> None:
        self.mechanism = mechanism
        self._known: dict[str, Effects] = {}

    def of(self, name: str) -> Effects | None:
        """Return the effects of calling a routine on file-level variables; None for an intrinsic."""
        routine = self.mechanism.routines.get(name)
        if routine is None:
            return None
        if name not in self._known:
            self._known[name] = self._outside(routine)
        return self._known[name]

    def _outside(self, routine: ir.Routine) -> Effects:
        """Return a routine's effects without its locals and arguments."""
        inside = self.body(routine)
        symbols = self.mechanism.symbols
        hidden = set(routine.args)
        out = Effects(
            {c: None for c in inside.reads if c[0] in symbols and c[0] not in hidden},
            {c: None for c in inside.passed if c[0] in symbols and c[0] not in hidden},
            {c: None for c in inside.may if c[0] in symbols and c[0] not in hidden},
            {c for c in inside.must if c[0] in symbols and c[0] not in hidden},
        )
        if routine.table is not None:
            out.must = {c for c in out.must if c[0] in routine.table.variables}
            outer = Effects()
            self._expr(routine.table.low, outer)
            self._expr(routine.table.high, outer)
            for name in routine.table.depend:
                self._read(name, outer)
            out.reads = {**out.reads, **outer.reads}
        return out

    def body(self, routine: ir.Routine) -> Effects:
        """Return the effects of a routine's statements, locals included."""
        effects = Effects(must={cell for a in routine.args for cell in self._cells(a)})
        self._statements(routine.body, effects)
        for name in routine.results:
            self._read(name, effects)
        return effects

    def _cells(self, name: str) -> tuple[Cell, ...]:
        symbol = self.mechanism.symbols.get(name)
        length = symbol.length if symbol is not None else 0
        return tuple((name, i) for i in range(length)) or ((name, -1),)

    def _read(self, name: str, effects: Effects, index: int | None = None) -> None:
        for cell in self._cells(name) if index is None else ((name, index),):
            if cell not in effects.must:
                effects.reads.setdefault(cell)

    def _write(self, name: str, effects: Effects, index: int | None = None) -> None:
        for cell in self._cells(name) if index is None else ((name, index),):
            effects.may.setdefault(cell)
            effects.must.add(cell)

    def _expr(self, expr: ir.Expr, effects: Effects) -> None:
        for part in subexpressions(expr):
            match part:
                case ir.Var(name):
                    self._read(name, effects)
                case ir.Element(name, ir.Num(value, _)):
                    self._read(name, effects, int(value))
                case ir.Element(name, _):
                    self._read(name, effects)
                case ir.Call(name, _):
                    for hidden in INTRINSIC_READS.get(name, ()):
                        self._read(hidden, effects)
                    self._call(name, effects)

    def _call(self, name: str, effects: Effects) -> None:
        callee = self.of(name)
        if callee is not None:
            for cell in callee.reads:
                if cell not in effects.must:
                    effects.reads.setdefault(cell)
            for cell in (*callee.passed, *self._kept_in_part(callee)):
                if cell not in effects.must:
                    effects.passed.setdefault(cell)
            effects.may |= callee.may
            effects.must |= callee.must

    def _kept_in_part(self, callee: Effects) -> Iterator[Cell]:
        """What a routine takes in order to give it back: all of an array of which it may not write everything."""
        for name in dict.fromkeys(name for name, _ in callee.may):
            cells = self._cells(name)
            if not callee.must.issuperset(cells):
                yield from cells

    def _statements(self, body: tuple[ir.Stmt, ...], effects: Effects) -> None:
        for statement in body:
            self._statement(statement, effects)

    def _statement(self, statement: ir.Stmt, effects: Effects) -> None:  # noqa: PLR0912
        match statement:
            case ir.Assign(target, _, _):
                for expr in expressions(statement):
                    self._expr(expr, effects)
                self._target(target, effects)
            case ir.If(condition, then, orelse, _):
                self._expr(condition, effects)
                left, right = effects.branch(), effects.branch()
                self._statements(then, left)
                self._statements(orelse, right)
                effects.must |= left.must & right.must
            case ir.While(condition, body, _):
                self._expr(condition, effects)
                self._statements(body, effects.branch())
            case ir.ForNetcons(args, body, _):
                inside = effects.branch()
                inside.must |= {cell for a in args for cell in self._cells(a)}
                self._statements(body, inside)
            case ir.CallRoutine(name, args, _, result):
                for arg in args:
                    self._expr(arg, effects)
                self._call(name, effects)
                if result:
                    self._write(result, effects)
            case ir.Derivative(state, rate, _):
                self._expr(rate, effects)
                self._read(state, effects)
                self._read("dt", effects)
                self._write(state, effects)
            case ir.SolveImplicit():
                for state in statement.states:
                    self._read(state, effects)
                if statement.uses_dt:
                    self._read("dt", effects)
                self._call(statement.rates, effects)
                for state in statement.states:
                    self._write(state, effects)

    def _target(self, target: ir.Var | ir.Element, effects: Effects) -> None:
        match target:
            case ir.Element(name, ir.Num(value, _)):
                self._write(name, effects, int(value))
            case ir.Element(name, _):  # one of them: the others stay
                self._read(name, effects)
                effects.may |= dict.fromkeys(self._cells(name))
            case _:
                self._write(target.name, effects)

    def exposed(self, routine: ir.Routine) -> set[str]:
        """Return the file-level variables whose value on entry is used, not merely kept."""
        return {name for name, _ in self._outside(routine).reads}

    def surely_written(self, routine: ir.Routine) -> set[str]:
        """Return the file-level variables that are written on every path, arrays in all elements."""
        must = self._outside(routine).must
        return {name for name, _ in must if set(self._cells(name)) <= must}

    def summary(self, routine: ir.Routine) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return (reads, writes) of a routine: names of file-level variables, without its arguments."""
        effects = self.of(routine.name) if self.mechanism.routines.get(routine.name) is routine else None
        effects = effects or self._outside(routine)
        written = dict.fromkeys(name for name, _ in effects.may)
        reads = dict.fromkeys(name for name, _ in effects.reads)
        reads |= dict.fromkeys(name for name, _ in effects.passed)
        for name in written:  # what may be written and may not (an array in part) keeps its value
            if not set(self._cells(name)) <= effects.must:
                reads.setdefault(name)
        return tuple(reads), tuple(written)


def effects(mechanism: ir.Mechanism, context: PassContext) -> ir.Mechanism:
    """Fill in `reads` and `writes` of every routine."""
    analysis = Analysis(mechanism)

    def fill(routine: ir.Routine) -> ir.Routine:
        reads, writes = analysis.summary(routine)
        return replace(routine, reads=reads, writes=writes)

    routines = {name: fill(routine) for name, routine in mechanism.routines.items()}
    return with_blocks(replace(mechanism, routines=routines), {f: fill(r) for f, r in blocks(mechanism).items()})
