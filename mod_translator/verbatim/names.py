"""Names and calls in C: what nocmodl's generated C++ makes of them."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeGuard

from pycparser import c_ast

from mod_translator import ir
from mod_translator.semantic.scope import Scope
from mod_translator.verbatim.text import CProblem, line_of

if TYPE_CHECKING:
    from mod_translator.semantic.block import Block
    from mod_translator.semantic.statements import Lowering

_OWN_COPIES = ("INITIAL", "BREAKPOINT")  # blocks before which nocmodl copies what the ions hold
_ZERO_FLAGS = ("cvode_active_", "NULL")  # NEURON's flags that are 0 in a run with a fixed step, and C's null pointer

KINDS = ("double", "int", "unsigned")  # an unsigned int
Index = int | ir.Expr | None  # of an element: known, computed at run time, not an element


@dataclass(frozen=True)
class Value:
    """A C value; `kind`: one of KINDS, or 'bool' (an int, of a comparison); `constant`: of an integer that is known."""

    expr: ir.Expr
    kind: str = "double"
    constant: int | None = None


def integer(value: int) -> Value:
    """Return the Value of an int constant. Raises CProblem if it does not fit C's int."""
    if not -(2**31) <= value < 2**31:
        raise CProblem(f"the integer {value} does not fit an int")
    return Value(ir.Num(float(value), str(value)), "int", value)


class Names:
    """Resolves the names of one VERBATIM block. `out` takes statements that must come before the expression."""

    def __init__(self, lowering: Lowering, work: Block, base: ir.Loc, in_main_file: bool) -> None:
        self.lowering = lowering
        self.work = work
        self.scope = work.scope
        self.out: list[ir.Stmt] = []
        self._base = base
        self.in_main_file = in_main_file
        self._plain = Scope(())  # C does not see NMODL's LOCALs under their own names
        self._calls = self._choices = self._effects = False
        self.in_function = False  # in a C function of the file, which has no instance
        self.static: set[str] = set()  # C variables that must keep their first values

    def value(self, node: Any) -> Value:
        """Return the value of an expression (`Expressions` does)."""
        raise NotImplementedError

    def loc(self, node: Any) -> ir.Loc:
        """Return where C code stands in the main file."""
        line = line_of(node)
        if not self.in_main_file or line == 1:
            return self._base
        return ir.Loc(self._base.line + line - 1, max(1, int(getattr(node.coord, "column", 1) or 1)))

    def read(self, node: Any) -> Value:
        """Return the value of a variable or of an element of an array."""
        name, index = self.name_of(node)
        own = self.own(name, index, node)
        if own is not None:
            return own
        if name.startswith("_ion_") and index is None:
            return Value(ir.Var(self.ion(name, node)))
        if name in _ZERO_FLAGS:
            return integer(0)
        self.check_file_name(name, node)
        found = self.lowering.resolve.variable(name, _number(index), self._plain, reading=True)
        return Value(ir.Element(found.name, index) if _late(index) and isinstance(found, ir.Element) else found)

    def target(self, node: Any) -> tuple[ir.Var | ir.Element | None, str]:
        """Return the variable on the left of an assignment (None: refused) and its kind."""
        if not isinstance(node, c_ast.ID | c_ast.ArrayRef):
            raise CProblem(f"{what(node)} on the left of an assignment", line_of(node))
        name, index = self.name_of(node)
        if name in self.static:
            raise CProblem(f"a static variable that is assigned ({name})", line_of(node), "declare it in ASSIGNED")
        own = self.own(name, index, node)
        if own is not None:
            if not isinstance(own.expr, ir.Var):
                raise CProblem(f"{name}, which counts a loop, is assigned in it", line_of(node))
            return own.expr, own.kind
        self.check_file_name(name, node)
        at = _number(index)
        found = self.lowering.resolve.target(ir.Var(name) if at is None else ir.Element(name, at), self._plain)
        return ir.Element(found.name, index) if _late(index) and isinstance(found, ir.Element) else found, "double"

    def name_of(self, node: Any) -> tuple[str, Index]:
        """Return the name and the index of a variable."""
        if isinstance(node, c_ast.ID):
            name = node.name
            return (name[2:], None) if name.startswith("_z") and self._file_local(name[2:]) else (name, None)
        if not isinstance(node.name, c_ast.ID):
            raise CProblem(what(node.name) + " with an index", line_of(node))
        name = node.name.name
        at = self.value(node.subscript)
        if at.kind not in ("int", "unsigned"):
            raise CProblem(f"an index of {name} that is no int", line_of(node))
        index = at.expr if at.constant is None else at.constant
        return (name[2:] if name.startswith("_z") and self._file_local(name[2:]) else name), index

    def _file_local(self, name: str) -> bool:
        symbol = self.lowering.symbols.table.get(name)
        return symbol is not None and symbol.block == "LOCAL"

    def own(self, name: str, index: Index, node: Any) -> Value | None:
        """Return what a name of C or a `_l` name stands for; None if it is a variable of the file."""
        for frame in reversed(self.scope.frames):
            for kind in KINDS:
                found = frame.get(f"C {kind} {name}")
                if found is not None:
                    return self._local(found, kind, name, index, node)
        if name == "_args" and self.work.kind == "NET_RECEIVE" and isinstance(index, int):
            args = [e for n, e in self.scope.frames[0].items() if n != "flag"]
            if 0 <= index < len(args) and isinstance(args[index], ir.Var):
                return Value(args[index])  # type: ignore[arg-type]
        if not name.startswith("_l"):
            return None
        found = self.scope.find(name[2:])
        if self.work.kind == "NET_RECEIVE" and (name[2:] in self.scope.frames[0] or found is None):
            return Value(ir.Var("flag")) if name == "_lflag" and found is None else None
        if found is not None:
            kind = "int" if isinstance(found, ir.Num) else "double"
            return self._local(found, kind, name, index, node)
        return Value(ir.Var(name[2:])) if self.scope.function and name[2:] == self.scope.function else None

    def _local(self, found: ir.Expr | tuple[str, ...], kind: str, name: str, index: Index, node: Any) -> Value:
        if isinstance(found, tuple):
            if _late(index):
                raise CProblem(f"an index of {name} that is only known at run time", line_of(node))
            if not isinstance(index, int) or not 0 <= index < len(found):
                raise CProblem(f"the array {name} without an index that it has", line_of(node))
            return Value(ir.Var(found[index]), kind)
        if index is not None:
            raise CProblem(f"{name} with an index", line_of(node))
        return Value(found, kind, int(found.value) if isinstance(found, ir.Num) else None)

    def callee(self, node: Any) -> str:
        """Return the name of what is called."""
        if not isinstance(node.name, c_ast.ID):
            raise CProblem("a call through a pointer", line_of(node))
        return str(node.name.name)

    def ion(self, name: str, node: Any) -> str:
        """Return the variable that holds what `_ion_cai` is: nocmodl copies it before the block.

        Raises CProblem if it does not, or if the copy may have changed.
        """
        plain = name.removeprefix("_ion_")
        uses = self.lowering.symbols.ions
        copied = any(
            plain in use.reads or (plain in use.writes and plain in (f"{use.name}i", f"{use.name}o")) for use in uses
        )
        routines = self.lowering.routines.values()
        changed = self.work.assigned | {n for r in routines for n in ir.assigned(r.body)} | ir.assigned(tuple(self.out))
        here = copied and plain not in changed and self.work.kind in _OWN_COPIES
        if not here and not (copied and self._only_read(plain)):
            remedy = f"READ {plain} in USEION and use {plain}"
            raise CProblem(f"{name} where it need not be {plain}", line_of(node), remedy)
        return plain

    def _only_read(self, plain: str) -> bool:
        """Return whether nothing in the file gives an ion variable another value than the ion has.

        NET_RECEIVE is the one block for which nocmodl does not copy what the ions hold.
        """
        source, symbols = self.lowering.context.source, self.lowering.symbols
        words = [token.text for token in source.tokens]
        after = {b for a, b in itertools.pairwise(words) if a == plain}
        text = re.sub(rf"\b{plain}\s*=\s*_ion_{plain}\s*;", "", "\n".join(source.verbatim))
        in_c = re.search(rf"&\s*{plain}\b|\b{plain}\s*([-+*/]?=(?!=)|\+\+|--)|(\+\+|--)\s*{plain}\b", text)
        written = any(plain in use.writes for use in symbols.ions)
        return not (written or after & {"=", "'"} or in_c or "NET_RECEIVE" in words)

    def check_file_name(self, name: str, node: Any) -> None:
        """Raise CProblem unless nocmodl knows the name in C as a variable of the file."""
        symbol = self.lowering.symbols.table.get(name) if not self.in_function else None
        marked_local = symbol is not None and symbol.block == "LOCAL" and not _spelt_with_z(node)
        if symbol is None or marked_local or (name == "flag" and not symbol.block):
            raise CProblem(f"{name}, which is no variable of the mechanism", line_of(node))


def _late(index: Index) -> TypeGuard[ir.Expr]:
    return index is not None and not isinstance(index, int)


def _number(index: Index) -> ir.Num | None:
    """Return an index as a number; 0 stands in for one that is computed at run time."""
    return None if index is None else ir.Num(float(index), str(index)) if isinstance(index, int) else ir.Num(0.0, "0")


def _spelt_with_z(node: Any) -> bool:
    inner = node.name if isinstance(node, c_ast.ArrayRef) else node
    return str(inner.name).startswith("_z")


def type_name(node: Any, at: Any) -> str:
    """Return one of KINDS for a C type. Raises CProblem for any other type."""
    if isinstance(node, c_ast.TypeDecl) and isinstance(node.type, c_ast.IdentifierType):
        words = node.type.names
        if words == ["double"]:
            return "double"
        if words and all(w in ("int", "long") for w in words):
            return "int"
        if words == ["uint32_t"] or ("unsigned" in words and set(words) <= {"unsigned", "int"}):
            return "unsigned"
        raise CProblem(f"the type {' '.join(words)}", line_of(at))
    raise CProblem("a pointer, an array or a structure", line_of(at))


def what(node: Any) -> str:
    """Return what a node is, for a message."""
    names = {
        "StructRef": "a structure",
        "InitList": "a list of values in braces",
    }
    return names.get(type(node).__name__, f"a C {type(node).__name__}")
