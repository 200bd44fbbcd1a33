"""C statements to IR: declarations, assignments, calls, the value of a return."""

from __future__ import annotations

import re
from typing import Any

from pycparser import c_ast

from mod_translator import ir
from mod_translator.semantic.names import INTRINSICS
from mod_translator.syntax import tree
from mod_translator.verbatim import generators
from mod_translator.verbatim.flow import MAX_STATEMENTS, Flow, within
from mod_translator.verbatim.joining import BETWEEN
from mod_translator.verbatim.names import KINDS, Value, integer, type_name
from mod_translator.verbatim.text import SEND, CProblem, line_of, without_comments

_ENDS_WITH_0 = ("PROCEDURE", "DERIVATIVE", "INITIAL")
_NONE = ir.Num(0.0, "0")
_PRINTERS = ("printf", "fprintf", "fflush", "puts", "Printf", "Fprintf")


class Statements(Flow):
    """Lowers the statements of one VERBATIM block, or of several with NMODL `between` them.

    may_return: the block is the last thing that its routine does.
    """

    between: tuple[tree.Body, ...] = ()

    def statement(self, node: Any) -> None:
        """Lower one statement."""
        match node:
            case None | c_ast.EmptyStatement() | c_ast.Constant() | c_ast.Pragma():
                pass
            case c_ast.Decl():
                self._declaration(node)
            case c_ast.DeclList() | c_ast.ExprList():
                for _, part in node.children():
                    self.statement(part)
            case c_ast.Assignment():
                self.assignment(node)
            case c_ast.UnaryOp() if node.op in ("++", "--", "p++", "p--"):
                self.change(node.expr, node.op.strip("p")[0], integer(1), node)
            case c_ast.FuncCall():
                self._call_statement(node)
            case c_ast.Cast() if not _has_effects(node):
                self.value(node.expr)  # (void)x; tells the compiler that x is used
            case c_ast.ID() | c_ast.ArrayRef() | c_ast.BinaryOp() | c_ast.TernaryOp() | c_ast.UnaryOp():
                self.full(node)
            case _:
                self.nested(node)

    # ---------------------------------------------------------------------------------- variables and assignments

    def _declaration(self, node: Any) -> None:
        if "extern" in node.storage:
            return
        fixed = node.storage == ["static"] and isinstance(node.init, c_ast.InitList) and self.in_function
        if node.storage and not fixed:
            raise CProblem(f"a {node.storage[0]} variable", line_of(node), "declare it in ASSIGNED")
        if node.name in self.lowering.symbols.table:
            raise CProblem(f"a C variable {node.name} with the name of a variable of the mechanism", line_of(node))
        if isinstance(node.type, c_ast.FuncDecl):
            return
        if isinstance(node.type, c_ast.PtrDecl):
            found = None if node.init is None else generators.pointer_of(self, node.init)
            if found is not None:
                self.scope.frames[-1][f"C pointer {node.name}"] = ir.Var(found)
            else:
                self.declare_pointer(node.name, node.init)
            return
        kind, length, inner = "", 0, node.type
        first = list(node.init.exprs) if isinstance(node.init, c_ast.InitList) else []
        if isinstance(inner, c_ast.ArrayDecl) and (first or node.init is None) and (first or inner.dim is not None):
            size = integer(len(first)) if inner.dim is None else self.value(inner.dim)
            if size.constant is None or not len(first) <= size.constant <= MAX_STATEMENTS or not size.constant:
                raise CProblem(f"the length of {node.name}", line_of(node))
            length, inner = size.constant, inner.type
        kind = type_name(inner, node)
        value = None if node.init is None or first else self.converted(self.full(node.init), kind, node)
        frame = self.scope.frames[-1]
        _forget(frame, node.name)
        if length:
            names = tuple(self.scope.fresh(f"{node.name}_{i}") for i in range(length))
            values = [self.converted(self.full(v), kind, node).expr for v in first]
            for element, number in zip(names, values + [_NONE] * (length - len(values)), strict=True):
                self.out += [ir.Assign(ir.Var(element), number, self.loc(node))] if first else []
            frame[f"C {kind} {node.name}"] = names
            self.static |= {node.name} if fixed else set()
            return
        variable = ir.Var(self.scope.fresh(node.name))
        frame[f"C {kind} {node.name}"] = variable
        if value is not None:
            self.out.append(ir.Assign(variable, value.expr, self.loc(node)))

    def assignment(self, node: Any) -> None:
        """Lower an assignment."""
        if self.set_pointer(node):
            return
        if isinstance(node.rvalue, c_ast.Assignment):
            self.assignment(node.rvalue)
            value = self.read(node.rvalue.lvalue)
        elif self._is_own_copy(node):
            return
        else:
            value = self.full(node.rvalue)
        if node.op == "=":
            self._store(node.lvalue, value, node)
        else:
            self.change(node.lvalue, node.op[:-1], value, node)

    def _is_own_copy(self, node: Any) -> bool:
        """Return whether this is `cai = _ion_cai` where cai is that already."""
        sides = (node.lvalue, node.rvalue)
        if node.op != "=" or not all(isinstance(side, c_ast.ID) for side in sides):
            return False
        source = str(node.rvalue.name)
        return source == f"_ion_{node.lvalue.name}" and self.ion(source, node) == node.lvalue.name

    def change(self, lvalue: Any, op: str, value: Value, node: Any) -> None:
        """Lower `lvalue op= value`."""
        if not isinstance(lvalue, c_ast.ID | c_ast.ArrayRef):
            raise CProblem(f"the operator {node.op} here", line_of(node))
        old = self.read(lvalue)
        self._store(lvalue, self.arithmetic(op, old, self.number(value, node), node), node)

    def _store(self, lvalue: Any, value: Value, node: Any) -> None:
        place, kind = self.target(lvalue)
        if place is None:
            return
        self.out.append(ir.Assign(place, self.converted(value, kind, node).expr, self.loc(node)))

    # ------------------------------------------------------------------------------------------------------ calls

    def _call_statement(self, node: Any) -> None:
        own = self.block_call(node, "FUNCTION", "PROCEDURE")
        if own is not None:
            self.out.append(ir.CallRoutine(own[0], own[1], self.loc(node)))
            return
        name = self.callee(node)
        if name.startswith(BETWEEN):
            self.out += self.lowering.body(self.between[int(name.removeprefix(BETWEEN))], self.work)
            return
        if name == "nrnran123_setseq":
            self.out += generators.set_sequence(self, node)
            return
        if name == SEND and self.lowering.symbols.artificial:
            when, flag = self.arguments(node)
            self.out.append(ir.CallRoutine("net_send", (ir.Binary("-", when, ir.Var("t")), flag), self.loc(node)))
            return
        if name == "assert" and not _has_effects(node.args):
            self.lowering.context.note_at("assert() in VERBATIM is left out: NEURON stops if it fails", self.loc(node))
            return
        if not (name in _PRINTERS or self._prints(name)) or _has_effects(node.args):
            raise CProblem(f"a call of {name}", line_of(node))
        self.lowering.context.note_at(f"{name}() in VERBATIM is left out", self.loc(node))

    def _prints(self, name: str) -> bool:
        """Return whether every macro of that name in the file does nothing, or prints; or a C function is empty."""
        text = without_comments("\n".join(self.lowering.context.source.verbatim))
        if re.search(rf"\bvoid\s+{re.escape(name)}\s*\([^()]*\)\s*\{{\s*\}}", text):
            return True
        bodies = re.findall(rf"^\s*#\s*define\s+{re.escape(name)}\(\.\.\.\)([^\n]*)", text, re.MULTILINE)
        return bool(bodies) and all(not b.strip() or b.strip().startswith(("printf", "fprintf")) for b in bodies)

    def returned(self, node: Any) -> None:
        """Lower the value of a return."""
        kind = self.work.kind
        if not self.may_return and (self.work.repeating or self.work.going):
            raise CProblem("a return out of a loop of NMODL", line_of(node), "write it with if/else")
        if node.expr is None:
            if kind not in ("INITIAL", "NET_RECEIVE"):
                raise CProblem(f"return without a value in a {kind}", line_of(node), "remove it")
            self._leave_early(node)
            return
        value = self.converted(self.full(node.expr), "double", node)
        if kind == "FUNCTION":
            self.out.append(ir.Assign(ir.Var(self.scope.function), value.expr, self.loc(node)))
        # In INITIAL it is what older versions of NEURON compiled: the function that nocmodl prints has no value.
        elif kind not in _ENDS_WITH_0 or not (isinstance(value.expr, ir.Num) and value.expr.value == 0):
            remedy = "remove it" if kind != "PROCEDURE" else "make it a FUNCTION"
            raise CProblem(f"return of a value in a {kind}", line_of(node), remedy)
        self._leave_early(node)

    def _leave_early(self, node: Any) -> None:
        if not self.may_return:
            self.work.running = self.work.running or self.scope.fresh("running")
            self.out.append(ir.Assign(ir.Var(self.work.running), ir.Num(0.0, "0"), self.loc(node)))


def _forget(frame: dict[str, Any], name: str) -> None:
    for kind in KINDS:
        frame.pop(f"C {kind} {name}", None)


def _has_effects(node: Any) -> bool:
    for n in within(node):
        if isinstance(n, c_ast.Assignment) or (isinstance(n, c_ast.UnaryOp) and n.op not in ("-", "+", "!", "&", "*")):
            return True
        if isinstance(n, c_ast.FuncCall) and not (isinstance(n.name, c_ast.ID) and n.name.name in INTRINSICS):
            return True
    return False
