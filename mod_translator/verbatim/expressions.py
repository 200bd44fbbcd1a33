"""C expressions to IR: C's own types (double and int), nocmodl's names."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pycparser import c_ast

from mod_translator import ir
from mod_translator.semantic.names import INTRINSICS
from mod_translator.semantic.scope import Scope
from mod_translator.verbatim.text import CProblem, line_of

if TYPE_CHECKING:
    from mod_translator.semantic.block import Block
    from mod_translator.semantic.statements import Lowering

_COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")
_OWN_COPIES = ("INITIAL", "BREAKPOINT")  # blocks before which nocmodl copies what the ions hold
_ZERO_FLAGS = ("cvode_active_",)  # NEURON's flags that are 0 in a run with a fixed step


@dataclass(frozen=True)
class Value:
    """A C value; `kind`: 'double', 'int' or 'bool' (the int of a comparison); `constant`: of an int, if it is known."""

    expr: ir.Expr
    kind: str = "double"
    constant: int | None = None


def integer(value: int) -> Value:
    """Return the Value of an int constant. Raises CProblem if it does not fit C's int."""
    if not -(2**31) <= value < 2**31:
        raise CProblem(f"the integer {value} does not fit an int")
    return Value(ir.Num(float(value), str(value)), "int", value)


class Expressions:
    """Lowers the expressions of one VERBATIM block. `out` takes statements that must come before the expression."""

    def __init__(self, lowering: Lowering, work: Block, base: ir.Loc, in_main_file: bool) -> None:
        self.lowering = lowering
        self.work = work
        self.scope = work.scope
        self.out: list[ir.Stmt] = []
        self._base = base
        self.in_main_file = in_main_file
        self._plain = Scope(())  # C does not see NMODL's LOCALs under their own names
        self._calls = self._choices = False

    def loc(self, node: Any) -> ir.Loc:
        """Return where C code stands in the main file."""
        line = line_of(node)
        if not self.in_main_file or line == 1:
            return self._base
        return ir.Loc(self._base.line + line - 1, max(1, int(getattr(node.coord, "column", 1) or 1)))

    def full(self, node: Any) -> Value:
        """Return the value of a whole expression.

        Raises CProblem: what is not understood, and a call together with a choice, whose order would change.
        """
        self._calls = self._choices = False
        value = self.value(node)
        if self._calls and self._choices:
            raise CProblem(
                "a call of a FUNCTION and a choice (?:, an int of a double) in one expression", line_of(node)
            )
        return value

    def value(self, node: Any) -> Value:
        """Return the value of an expression or of a part of it."""
        match node:
            case c_ast.Constant():
                return self._constant(node)
            case c_ast.ID() | c_ast.ArrayRef():
                return self.read(node)
            case c_ast.UnaryOp():
                return self._unary(node)
            case c_ast.BinaryOp():
                return self._binary(node)
            case c_ast.TernaryOp():
                return self._choice(node)
            case c_ast.Cast():
                return self.converted(self.value(node.expr), type_name(node.to_type.type, node), node)
            case c_ast.FuncCall():
                return self._call(node)
        raise CProblem(_what(node), line_of(node))

    def _constant(self, node: Any) -> Value:
        text = node.value
        try:
            if node.type == "double":
                return Value(ir.Num(float(text), text))
            if node.type == "int":
                octal = text.startswith("0") and text.isdigit() and len(text) > 1
                return integer(int(text, 8 if octal else 0))
        except ValueError:
            pass
        raise CProblem(f"the constant {text}", line_of(node))

    # ------------------------------------------------------------------------------------------------- operators

    def _unary(self, node: Any) -> Value:
        if node.op not in ("-", "+", "!"):
            raise CProblem(f"the operator {node.op.strip('p')} in an expression", line_of(node))
        if node.op == "!":
            inner = self.condition(self.value(node.expr))
            known = None if inner.constant is None else int(not inner.constant)
            return Value(ir.Unary("!", inner.expr), "bool", known)
        value = self.number(self.value(node.expr), node)
        if node.op == "+":
            return value
        return integer(-value.constant) if value.constant is not None else Value(ir.Unary("-", value.expr), value.kind)

    def _binary(self, node: Any) -> Value:
        left, right = self.value(node.left), self.value(node.right)
        op = node.op
        if op in ("&", "|") and left.kind == right.kind == "bool":
            op *= 2
        if op in ("&&", "||"):
            left, right = self.condition(left), self.condition(right)
            known = None
            if left.constant is not None and right.constant is not None:
                both = (left.constant, right.constant)
                known = int(all(both) if op == "&&" else any(both))
            return Value(ir.Binary(op, left.expr, right.expr), "bool", known)
        return self.arithmetic(op, self.number(left, node), self.number(right, node), node)

    def arithmetic(self, op: str, left: Value, right: Value, node: Any) -> Value:
        """Return left op right for + - * / % and the comparisons, as C computes it."""
        a, b = left.constant, right.constant
        if op in _COMPARISONS:
            known = None if a is None or b is None else int(_compare(op, a, b))
            return Value(ir.Binary(op, left.expr, right.expr), "bool", known)
        if op not in ("+", "-", "*", "/", "%"):
            raise CProblem(f"the operator {op}", line_of(node))
        both = left.kind == right.kind == "int"
        if op == "%" and not both:
            raise CProblem("% of doubles", line_of(node))
        if not both:
            return Value(ir.Binary(op, left.expr, right.expr))
        if a is not None and b is not None:
            if op in "/%" and b == 0:
                raise CProblem("an integer divided by 0", line_of(node))
            quotient = abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1) if op in "/%" else 0
            return integer({"+": a + b, "-": a - b, "*": a * b, "/": quotient, "%": a - b * quotient}[op])
        if op in "+-*":
            return Value(ir.Binary(op, left.expr, right.expr), "int")
        # Exact: the quotient of two 32-bit integers in double is never rounded up to the next integer.
        whole = self._truncated(ir.Binary("/", left.expr, right.expr), node)
        if op == "/":
            return whole
        return Value(ir.Binary("-", left.expr, ir.Binary("*", right.expr, whole.expr)), "int")

    def _choice(self, node: Any) -> Value:
        test = self.condition(self.value(node.cond))
        if test.constant is not None:
            return self.value(node.iftrue if test.constant else node.iffalse)
        outer = self.out
        arms = []
        for part in (node.iftrue, node.iffalse):
            self.out = []
            arms.append((self.number(self.value(part), node), self.out))
        self.out = outer
        kind = "int" if all(value.kind == "int" for value, _ in arms) else "double"
        return Value(self._either(test.expr, arms, node), kind)

    def _either(self, test: ir.Expr, arms: list[tuple[Value, list[ir.Stmt]]], node: Any) -> ir.Expr:
        self._choices = True
        result, loc = ir.Var(self.scope.fresh("choice")), self.loc(node)
        then, orelse = ((*before, ir.Assign(result, value.expr, loc)) for value, before in arms)
        self.out.append(ir.If(test, then, orelse, loc))
        return result

    def _truncated(self, expr: ir.Expr, node: Any) -> Value:
        held = ir.Var(self.scope.fresh("whole"))
        self.out.append(ir.Assign(held, expr, self.loc(node)))
        test = ir.Binary("<", held, ir.Num(0.0, "0"))
        arms: list[tuple[Value, list[ir.Stmt]]] = [(Value(ir.Call(f, (held,))), []) for f in ("ceil", "floor")]
        return Value(self._either(test, arms, node), "int")

    def condition(self, value: Value) -> Value:
        """Return a value as the condition that it is not 0."""
        if value.kind == "bool":
            return value
        known = None if value.constant is None else int(value.constant != 0)
        return Value(ir.Binary("!=", value.expr, ir.Num(0.0, "0")), "bool", known)

    def number(self, value: Value, node: Any) -> Value:
        """Return a value as a number: the truth of a comparison is 1 or 0."""
        if value.kind != "bool":
            return value
        if value.constant is not None:
            return integer(value.constant)
        return Value(self._either(value.expr, [(integer(1), []), (integer(0), [])], node), "int")

    def converted(self, value: Value, kind: str, node: Any) -> Value:
        """Return a value as C converts it to 'double' or 'int'."""
        value = self.number(value, node)
        if kind in ("double", value.kind):
            return Value(value.expr, kind, value.constant if kind == "int" else None)
        if isinstance(value.expr, ir.Num):
            return integer(math.trunc(value.expr.value))
        return self._truncated(value.expr, node)

    # ----------------------------------------------------------------------------------------------------- names

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
        at = None if index is None else ir.Num(float(index), str(index))
        return Value(self.lowering.resolve.variable(name, at, self._plain, reading=True))

    def target(self, node: Any) -> tuple[ir.Var | ir.Element | None, str]:
        """Return the variable on the left of an assignment (None: refused) and its kind."""
        if not isinstance(node, c_ast.ID | c_ast.ArrayRef):
            raise CProblem(f"{_what(node)} on the left of an assignment", line_of(node))
        name, index = self.name_of(node)
        own = self.own(name, index, node)
        if own is not None:
            if not isinstance(own.expr, ir.Var):
                raise CProblem(f"{name}, which counts a loop, is assigned in it", line_of(node))
            return own.expr, own.kind
        self.check_file_name(name, node)
        at = None if index is None else ir.Num(float(index), str(index))
        wanted = ir.Var(name) if at is None else ir.Element(name, at)
        return self.lowering.resolve.target(wanted, self._plain), "double"

    def name_of(self, node: Any) -> tuple[str, int | None]:
        """Return the name and the (constant) index of a variable."""
        if isinstance(node, c_ast.ID):
            name = node.name
            return (name[2:], None) if name.startswith("_z") and self._file_local(name[2:]) else (name, None)
        if not isinstance(node.name, c_ast.ID):
            raise CProblem(_what(node.name) + " with an index", line_of(node))
        name = node.name.name
        at = self.value(node.subscript)
        if at.kind != "int" or at.constant is None:
            raise CProblem(f"an index of {name} that is only known at run time", line_of(node))
        return (name[2:] if name.startswith("_z") and self._file_local(name[2:]) else name), at.constant

    def _file_local(self, name: str) -> bool:
        symbol = self.lowering.symbols.table.get(name)
        return symbol is not None and symbol.block == "LOCAL"

    def own(self, name: str, index: int | None, node: Any) -> Value | None:
        """Return what a name of C or a `_l` name stands for; None if it is a variable of the file."""
        for frame in reversed(self.scope.frames):
            for kind in ("double", "int"):
                found = frame.get(f"C {kind} {name}")
                if found is not None:
                    return self._local(found, kind, name, index, node)
        if name == "_args" and self.work.kind == "NET_RECEIVE" and index is not None:
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

    def _local(self, found: ir.Expr | tuple[str, ...], kind: str, name: str, index: int | None, node: Any) -> Value:
        if isinstance(found, tuple):
            if index is None or not 0 <= index < len(found):
                raise CProblem(f"the array {name} without an index that it has", line_of(node))
            return Value(ir.Var(found[index]), kind)
        if index is not None:
            raise CProblem(f"{name} with an index", line_of(node))
        return Value(found, kind, int(found.value) if isinstance(found, ir.Num) else None)

    def ion(self, name: str, node: Any) -> str:
        """Return the variable that holds what `_ion_cai` is: nocmodl copies it before the block.

        Raises CProblem if it does not, or if the copy may have changed.
        """
        plain = name.removeprefix("_ion_")
        copied = any(
            plain in use.reads or (plain in use.writes and plain in (f"{use.name}i", f"{use.name}o"))
            for use in self.lowering.symbols.ions
        )
        routines = self.lowering.routines.values()
        changed = self.work.assigned | {n for r in routines for n in ir.assigned(r.body)} | ir.assigned(tuple(self.out))
        if not copied or plain in changed or self.work.kind not in _OWN_COPIES:
            remedy = f"READ {plain} in USEION and use {plain}"
            raise CProblem(f"{name} where it need not be {plain}", line_of(node), remedy)
        return plain

    def check_file_name(self, name: str, node: Any) -> None:
        """Raise CProblem unless nocmodl knows the name in C as a variable of the file."""
        symbol = self.lowering.symbols.table.get(name)
        marked_local = symbol is not None and symbol.block == "LOCAL" and not _spelt_with_z(node)
        if symbol is None or marked_local or (name == "flag" and not symbol.block):
            raise CProblem(f"{name}, which is no variable of the mechanism", line_of(node))

    # ----------------------------------------------------------------------------------------------------- calls

    def arguments(self, node: Any) -> tuple[ir.Expr, ...]:
        """Return the arguments of a call as doubles."""
        parts = node.args.exprs if node.args is not None else []
        return tuple(self.converted(self.value(p), "double", node).expr for p in parts)

    def callee(self, node: Any) -> str:
        """Return the name of what is called."""
        if not isinstance(node.name, c_ast.ID):
            raise CProblem("a call through a pointer", line_of(node))
        return str(node.name.name)

    def block_call(self, node: Any, *kinds: str) -> tuple[str, tuple[ir.Expr, ...]] | None:
        """Return name and arguments of the call of a FUNCTION or PROCEDURE of the file; None if it is no such call."""
        name = self.callee(node)
        block = self.lowering.symbols.blocks.get(name)
        if block is None or block.kind not in kinds:
            return None
        args = self.arguments(node)
        if len(args) != len(block.args):
            raise CProblem(f"a call of {name} with {len(args)} arguments instead of {len(block.args)}", line_of(node))
        self._calls = True
        self.lowering.reach(name, name)
        return name, args

    def _call(self, node: Any) -> Value:
        own = self.block_call(node, "FUNCTION")
        if own is not None:
            return Value(ir.Call(*own))
        name = self.callee(node)
        if INTRINSICS.get(name) and name != "nrn_ghk":
            args = self.arguments(node)
            if len(args) == INTRINSICS[name]:
                return Value(ir.Call(name, args))
        raise CProblem(f"a call of {name}", line_of(node))


def _spelt_with_z(node: Any) -> bool:
    inner = node.name if isinstance(node, c_ast.ArrayRef) else node
    return str(inner.name).startswith("_z")


def _compare(op: str, a: int, b: int) -> bool:
    return {"<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b, "==": a == b, "!=": a != b}[op]


def type_name(node: Any, at: Any) -> str:
    """Return 'double' or 'int' for a C type. Raises CProblem for any other type."""
    if isinstance(node, c_ast.TypeDecl) and isinstance(node.type, c_ast.IdentifierType):
        words = node.type.names
        if words == ["double"]:
            return "double"
        if words and all(w in ("int", "long") for w in words):
            return "int"
        raise CProblem(f"the type {' '.join(words)}", line_of(at))
    raise CProblem("a pointer, an array or a structure", line_of(at))


def _what(node: Any) -> str:
    names = {
        "StructRef": "a structure",
        "Assignment": "an assignment inside of an expression",
        "ExprList": "a list of expressions with commas",
        "InitList": "a list of values in braces",
    }
    return names.get(type(node).__name__, f"a C {type(node).__name__}")
