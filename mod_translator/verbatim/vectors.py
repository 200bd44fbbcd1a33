"""HOC Vectors that C code reads through a pointer hidden in a variable, as VecStim does: `vv = *((void**)(&space));`.

The variable (or BBCOREPOINTER, or POINTER) names the Vector in the IR: `hoc_vector_size(space)`, -1 without a Vector,
and `hoc_vector_element(space, i)`. A C pointer stands for one thing in the whole block.
"""

from __future__ import annotations

from typing import Any

from pycparser import c_ast

from mod_translator import ir
from mod_translator.semantic.names import VECTOR_ELEMENT, VECTOR_SIZE
from mod_translator.verbatim.generators import pointer_of
from mod_translator.verbatim.names import Names, Value
from mod_translator.verbatim.text import CProblem, line_of

# What a pointer is: a HOC Vector, its numbers, the address of the variable that hides one, or NULL. And the variable.
Pointer = tuple[str, str]
_VECTOR, _NUMBERS, _ADDRESS, _NULL = "vector", "numbers", "address", "null"


class Vectors(Names):
    """Follows the pointers of one VERBATIM block."""

    def declare_pointer(self, name: str, init: Any) -> None:
        """Declare a pointer. Raises CProblem if it begins as what is not understood."""
        found = None if init is None else self.pointer(init)
        if init is not None and found is None:
            raise CProblem("a pointer, an array or a structure", line_of(init))
        self.scope.frames[-1][f"C pointer {name}"] = found or ()

    def set_pointer(self, node: Any) -> bool:
        """Lower an assignment if it sets a pointer; return whether it does."""
        if not isinstance(node.lvalue, c_ast.ID) or self._declared(node.lvalue.name) is None:
            return False
        found = self.pointer(node.rvalue)
        if node.op != "=" or found is None:
            raise CProblem("a pointer, an array or a structure", line_of(node))
        self._bind(node.lvalue.name, found, node)
        return True

    def pointer(self, node: Any) -> Pointer | None:
        """Return what a pointer points to; None if the expression is no pointer."""
        match node:
            case c_ast.Cast() if isinstance(node.to_type.type, c_ast.PtrDecl):
                if _is_zero(node.expr):
                    return (_NULL, "")
                inside = isinstance(node.to_type.type.type, c_ast.PtrDecl)  # void**: what a variable hides
                return self._address(node.expr) if inside else self.pointer(node.expr)
            case c_ast.ID():
                return self._named(node)
            case c_ast.UnaryOp() if node.op == "*":
                found = self.pointer(node.expr)
                return (_VECTOR, found[1]) if found is not None and found[0] == _ADDRESS else None
            case c_ast.FuncCall() if self.callee(node) == "vector_vec":
                return (_NUMBERS, self._vector(node))
        return None

    def _address(self, node: Any) -> Pointer | None:
        if not isinstance(node, c_ast.UnaryOp) or node.op != "&" or not isinstance(node.expr, c_ast.ID):
            return None
        found = self._named(node.expr)
        name = found[1] if found is not None and found[0] == _VECTOR else node.expr.name
        symbol = self.lowering.symbols.table.get(name)
        known = symbol is not None and symbol.role in (ir.Role.INSTANCE, ir.Role.POINTER) and not symbol.length
        return (_ADDRESS, name) if known else None

    def vector_value(self, node: Any) -> Value | None:
        """Return the value of an expression that asks for a Vector; None if it is something else."""
        found: Pointer | None
        match node:
            case c_ast.ArrayRef() if isinstance(node.name, c_ast.ID):
                found = self._named(node.name)
                if found is None or found[0] != _NUMBERS:
                    return None
                at = self.value(node.subscript)
                if at.kind != "int":
                    raise CProblem(f"an index of {node.name.name} that is no int", line_of(node))
                return Value(self._call_vector(VECTOR_ELEMENT, found[1], node, at.expr))
            case c_ast.FuncCall() if self.callee(node) == "vector_capacity":
                return Value(self._call_vector(VECTOR_SIZE, self._vector(node), node), "int")
            case c_ast.FuncCall() if self.callee(node) == "vector_instance_px":
                name, out = self._vector(node, 2), node.args.exprs[1]
                if not isinstance(out, c_ast.UnaryOp) or out.op != "&" or not isinstance(out.expr, c_ast.ID):
                    raise CProblem("a pointer, an array or a structure", line_of(node))
                self._bind(out.expr.name, (_NUMBERS, name), node)
                return Value(self._call_vector(VECTOR_SIZE, name, node), "int")
            case c_ast.BinaryOp() if node.op in ("==", "!="):
                sides = self.pointer(node.left), self.pointer(node.right)
                if (_NULL, "") in sides or _is_zero(node.left) or _is_zero(node.right):
                    names = [side[1] for side in sides if side is not None and side[0] == _VECTOR]
                    return self._exists(names[0], node, yes=node.op == "!=") if names else None
            case c_ast.ID() | c_ast.UnaryOp() | c_ast.Cast():
                found = self.pointer(node)
                return self._exists(found[1], node, yes=True) if found is not None and found[0] == _VECTOR else None
        return None

    def _exists(self, name: str, node: Any, *, yes: bool) -> Value:
        size = self._call_vector(VECTOR_SIZE, name, node)
        return Value(ir.Binary(">=" if yes else "<", size, ir.Num(0.0, "0")), "bool")

    def _call_vector(self, function: str, name: str, node: Any, *args: ir.Expr) -> ir.Expr:
        if not self.lowering.symbols.artificial:
            remedy = "play the Vector into a RANGE variable, or read it in an ARTIFICIAL_CELL that sends events"
            raise CProblem("a HOC Vector in a mechanism of the equations", line_of(node), remedy)
        return ir.Call(function, (ir.Var(name), *args))

    def _vector(self, node: Any, count: int = 1) -> str:
        parts = node.args.exprs if node.args is not None else []
        found = self.pointer(parts[0]) if len(parts) == count else None
        if found is None or found[0] != _VECTOR:
            raise CProblem(f"a call of {self.callee(node)}", line_of(node))
        return found[1]

    def _named(self, node: Any) -> Pointer | None:
        name = str(node.name)
        if name == "NULL":
            return (_NULL, "")
        found = self._declared(name)
        if found is not None and len(found) == 2:
            return found[0], found[1]
        if pointer_of(self, node) is not None:  # a generator of random numbers
            return None
        hiding, symbols = name.removeprefix("_p_"), self.lowering.symbols
        known = symbols.pointers if symbols.artificial else symbols.opaque
        return (_VECTOR, hiding) if name.startswith("_p_") and hiding in known else None

    def _declared(self, name: str) -> tuple[str, ...] | None:
        for frame in reversed(self.scope.frames):
            found = frame.get(f"C pointer {name}")
            if isinstance(found, tuple):
                return found
            if f"C int {name}" in frame or f"C double {name}" in frame:
                return None
        return None

    def _bind(self, name: str, found: Pointer, node: Any) -> None:
        frame = next((f for f in reversed(self.scope.frames) if f"C pointer {name}" in f), None)
        before = self._declared(name)
        null = before == (_NULL, "") and frame is self.scope.frames[-1]
        if frame is None or not (before in ((), found) or null):
            raise CProblem(f"the pointer {name}, which is set to different things", line_of(node))
        frame[f"C pointer {name}"] = found


def _is_zero(node: Any) -> bool:
    return isinstance(node, c_ast.Constant) and node.value == "0"
