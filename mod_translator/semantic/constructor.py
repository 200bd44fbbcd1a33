"""CONSTRUCTOR: NEURON runs it when an instance is made, so that the live values hold what it does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mod_translator import ir
from mod_translator.passes.walk import subexpressions
from mod_translator.semantic.context import Context
from mod_translator.semantic.names import DROPPED_CALLS, INTRINSICS, PROCESS_DRAWS
from mod_translator.semantic.symbols import Symbols
from mod_translator.syntax import tree

_PURE = {*INTRINSICS, *PROCESS_DRAWS, *DROPPED_CALLS, "abs"}


def left_unseen(body: tree.Body, symbols: Symbols, context: Context) -> set[str] | None:
    """Return what a CONSTRUCTOR assigns, itself or by what it calls, that nobody can read: LOCALs of the file.

    None if it does something besides assigning variables, such as sending an event.
    """
    return _Effects(symbols, context).of(body, set())


class _Effects:
    def __init__(self, symbols: Symbols, context: Context) -> None:
        self.symbols = symbols
        self.context = context
        self.followed: set[str] = set()

    def of(self, body: tree.Body, own: set[str]) -> set[str] | None:
        """own: LOCALs and arguments of the block."""
        unseen: set[str] = set()
        for statement in body:
            match statement:
                case tree.VerbatimText():
                    found: set[str] | None = set()
                case tree.Local(names):
                    own = own | {self.context.name(n) for n, _ in names}
                    found = set()
                case tree.Assign(target, value):
                    found = self._calls((value,)) if self._target(target.name, own) else None
                    name = self.context.name(target.name)
                    if found is not None and name not in own and not self._shown(name):
                        found = found | {name}
                case tree.CallStatement(call):
                    found = self._calls((call,))
                case tree.Conditional(arms, _):
                    tests = self._calls(c for c, _ in arms if c is not None)
                    found = self._all([tests, *(self.of(arm, own) for _, arm in arms)])
                case tree.Loop() | tree.While():
                    counter = {self.context.name(statement.variable)} if isinstance(statement, tree.Loop) else set()
                    found = self._all([self.of(statement.body, own | counter)])
                case tree.Nested():
                    found = self.of(statement.body, own)
                case _:
                    found = None
            if found is None:
                return None
            unseen |= found
        return unseen

    def _target(self, marked: str, own: set[str]) -> bool:
        name = self.context.name(marked)
        return name in own or name in self.symbols.table

    def _shown(self, name: str) -> bool:
        symbol = self.symbols.table[self.symbols.renamed.get(name, name)]
        return symbol.visible or symbol.role is ir.Role.INSTANCE

    def _calls(self, expressions: Iterable[ir.Expr]) -> set[str] | None:
        return self._all(self._call(part.name) for part in _calls(expressions))

    def _call(self, marked: str) -> set[str] | None:
        name = self.context.name(marked)
        block = self.symbols.blocks.get(name)
        if block is None:
            return set() if name in _PURE else None
        if block.kind not in ("PROCEDURE", "FUNCTION"):
            return None
        if name in self.followed:
            return set()
        self.followed.add(name)
        return self.of(block.body, {name, *(self.context.name(a) for a, _ in block.args)})

    @staticmethod
    def _all(found: Iterable[set[str] | None]) -> set[str] | None:
        out: set[str] = set()
        for each in found:
            if each is None:
                return None
            out |= each
        return out


def _calls(expressions: Iterable[ir.Expr]) -> Iterator[ir.Call]:
    for expression in expressions:
        yield from (part for part in subexpressions(expression) if isinstance(part, ir.Call))
