"""C expressions to IR: C's own types (double and int), nocmodl's names."""

from __future__ import annotations

import math
from typing import Any

from pycparser import c_ast

from mod_translator import ir
from mod_translator.semantic.names import INTRINSICS, OF_PROCESS, PROCESS_DRAWS
from mod_translator.verbatim import functions, generators
from mod_translator.verbatim.names import Value, integer, type_name, what
from mod_translator.verbatim.text import CProblem, line_of
from mod_translator.verbatim.vectors import Vectors

_MODULUS = 2**32  # of unsigned ints
_EXACT = 2**53  # up to which a double holds every integer
_COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")
_MATHS = {name for name in INTRINSICS if not name.startswith("random__")}


class Expressions(Vectors):
    """Lowers the expressions of one VERBATIM block. `out` takes statements that must come before the expression."""

    def full(self, node: Any) -> Value:
        """Return the value of a whole expression.

        Raises CProblem: what is not understood, and a call together with a choice, whose order would change.
        """
        self._calls = self._choices = self._effects = False
        value = self.value(node)
        self._check_order(node)
        return value

    def _check_order(self, node: Any) -> None:
        if self._calls and (self._choices or self._effects):
            other = "an assignment" if self._effects else "a choice (?:, an int of a double)"
            raise CProblem(f"a call of a FUNCTION and {other} in one expression", line_of(node))

    def value(self, node: Any) -> Value:  # noqa: PLR0912
        """Return the value of an expression or of a part of it."""
        pointer = generators.pointer_of(self, node)
        if pointer is not None:
            return self._drawn(generators.is_set(self, pointer), "bool")
        if generators.asked(self, node):
            return self._drawn(generators.draw(self, node), "double")
        of_vector = self.vector_value(node)
        if of_vector is not None:
            return of_vector
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
            case c_ast.Assignment():
                return self._assigned(node)
            case c_ast.ExprList():
                for part in node.exprs[:-1]:
                    self._effect(part)
                return self.value(node.exprs[-1])
        raise CProblem(what(node), line_of(node))

    def assignment(self, node: Any) -> None:
        """Lower an assignment (`Statements` does)."""
        raise NotImplementedError

    def _assigned(self, node: Any) -> Value:
        """The value of an assignment inside of an expression: what the variable then holds."""
        before = self._calls, self._choices
        self.assignment(node)
        self._calls, self._choices, self._effects = *before, True
        return self.read(node.lvalue)

    def _effect(self, node: Any) -> None:
        """What stands before a comma: only its effects count."""
        if isinstance(node, c_ast.FuncCall):
            raise CProblem("a call before a comma", line_of(node))
        self.value(node)

    def change(self, lvalue: Any, op: str, value: Value, node: Any) -> None:
        """Lower `lvalue op= value` (`Statements` does)."""
        raise NotImplementedError

    def _counted(self, node: Any) -> Value:
        """++ and -- inside of an expression."""
        if not isinstance(node.expr, c_ast.ID | c_ast.ArrayRef):
            raise CProblem(f"{what(node.expr)} that is counted up or down", line_of(node))
        op, after = node.op.strip("p")[0], not node.op.startswith("p")
        old = self.read(node.expr)
        if not after:
            held = ir.Var(self.scope.fresh("before"))
            self.out.append(ir.Assign(held, old.expr, self.loc(node)))
            old = Value(held, old.kind)
        self.change(node.expr, op, integer(1), node)
        self._effects = True
        return self.read(node.expr) if after else old

    def _drawn(self, found: ir.Expr | int, kind: str = "double") -> Value:
        if isinstance(found, int):
            return integer(found)
        self._calls = True
        return Value(found, kind)

    def _constant(self, node: Any) -> Value:
        text = node.value
        try:
            if node.type == "double":
                if math.isinf(float(text)):
                    raise CProblem(f"the constant {text}, which is too large for a double", line_of(node))
                return Value(ir.Num(float(text), text))
            if node.type == "int":
                octal = text.startswith("0") and text.isdigit() and len(text) > 1
                return integer(int(text, 8 if octal else 0))
            if node.type == "unsigned int" and int(text.rstrip("uU"), 0) < _MODULUS:
                return unsigned(int(text.rstrip("uU"), 0))
        except ValueError:
            pass
        raise CProblem(f"the constant {text}", line_of(node))

    # ------------------------------------------------------------------------------------------------- operators

    def _unary(self, node: Any) -> Value:
        if node.op in ("++", "--", "p++", "p--"):
            return self._counted(node)
        if node.op not in ("-", "+", "!"):
            raise CProblem(f"the operator {node.op.strip('p')} in an expression", line_of(node))
        if node.op == "!":
            inner = self.condition(self.value(node.expr))
            known = None if inner.constant is None else int(not inner.constant)
            return Value(ir.Unary("!", inner.expr), "bool", known)
        value = self.number(self.value(node.expr), node)
        if node.op == "+":
            return value
        if value.kind == "unsigned":
            return self.arithmetic("-", integer(0), value, node)
        return integer(-value.constant) if value.constant is not None else Value(ir.Unary("-", value.expr), value.kind)

    def _binary(self, node: Any) -> Value:
        if _main_thread(node):
            return integer(int(node.op == "=="))
        left, op = self.value(node.left), node.op
        if op in ("&&", "||") and left.constant is not None and bool(left.constant) == (op == "||"):
            return integer(int(op == "||"))  # C does not evaluate the other
        outer, effects = self.out, self._effects
        self.out, self._effects = [], False
        right = self.value(node.right)
        before, self.out = self.out, outer
        if self._effects and op in ("&&", "||"):
            return self._shortcut(op, self.condition(left), right, before, node)
        self._effects = self._effects or effects
        self.out += before
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

    def _shortcut(self, op: str, left: Value, right: Value, before: list[ir.Stmt], node: Any) -> Value:
        """`left && right` and `left || right` where the right side does something, if it is evaluated."""
        outer, self.out = self.out, before
        value = self.number(right, node)
        before, self.out = self.out, outer
        arms: list[tuple[Value, list[ir.Stmt]]] = [(value, before), (integer(0), [])]
        if op == "||":
            arms = [(integer(1), []), arms[0]]
        return self.condition(Value(self._either(left.expr, arms, node), "int"))

    def arithmetic(self, op: str, left: Value, right: Value, node: Any) -> Value:
        """Return left op right for + - * / % and the comparisons, as C computes it."""
        kinds = {left.kind, right.kind}
        modular = "unsigned" in kinds and "double" not in kinds
        if modular:
            left, right = self.converted(left, "unsigned", node), self.converted(right, "unsigned", node)
        a, b = left.constant, right.constant
        if op in _COMPARISONS:
            known = None if a is None or b is None else int(_compare(op, a, b))
            return Value(ir.Binary(op, left.expr, right.expr), "bool", known)
        if op not in ("+", "-", "*", "/", "%"):
            raise CProblem(f"the operator {op}", line_of(node))
        if modular:
            return self._modular(op, left, right, node)
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

    def _modular(self, op: str, left: Value, right: Value, node: Any) -> Value:
        """Return left op right of unsigned ints, for + - * / %: modulo 2**32."""
        a, b = left.constant, right.constant
        if op in "/%" and b == 0:
            raise CProblem("an integer divided by 0", line_of(node))
        if a is not None and b is not None:
            return unsigned(
                a + b if op == "+" else a - b if op == "-" else a * b if op == "*" else divmod(a, b)[op == "%"]
            )
        if op in "/%":
            # Exact, as that of ints.
            whole = ir.Call("floor", (ir.Binary("/", left.expr, right.expr),))
            rest = ir.Binary("-", left.expr, ir.Binary("*", right.expr, whole))
            return Value(whole if op == "/" else rest, "unsigned")
        if op == "*" and min(x for x in (a, b, _MODULUS) if x is not None) > _EXACT // _MODULUS:
            raise CProblem("a product of unsigned ints, which a double need not hold", line_of(node))
        return self._wrapped(ir.Binary(op, left.expr, right.expr), node)

    def _wrapped(self, expr: ir.Expr, node: Any) -> Value:
        """An integer modulo 2**32."""
        held, modulus = ir.Var(self.scope.fresh("whole")), ir.Num(float(_MODULUS), str(_MODULUS))
        self.out.append(ir.Assign(held, expr, self.loc(node)))
        times = ir.Call("floor", (ir.Binary("/", held, modulus),))
        return Value(ir.Binary("-", held, ir.Binary("*", modulus, times)), "unsigned")

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
        kinds = {value.kind for value, _ in arms}
        if kinds == {"int", "unsigned"}:
            raise CProblem("a choice (?:) between an int and an unsigned int", line_of(node))
        kind = "double" if len(kinds) > 1 else kinds.pop()
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
        """Return a value as C converts it to one of KINDS."""
        value = self.number(value, node)
        if kind in ("double", value.kind):
            return Value(value.expr, kind, value.constant if kind != "double" else None)
        if isinstance(value.expr, ir.Num):
            known = math.trunc(value.expr.value)
            return unsigned(known) if kind == "unsigned" else integer(known - _MODULUS * (2 * known >= _MODULUS))
        whole = self._truncated(value.expr, node) if value.kind == "double" else value
        if kind == "unsigned":
            return self._wrapped(whole.expr, node)
        if value.kind == "double":
            return whole
        negative = ir.Binary("-", whole.expr, ir.Num(float(_MODULUS), str(_MODULUS)))
        test = ir.Binary("<", whole.expr, ir.Num(float(_MODULUS // 2), str(_MODULUS // 2)))
        return Value(self._either(test, [(whole, []), (Value(negative, "int"), [])], node), "int")

    # ----------------------------------------------------------------------------------------------------- calls

    def arguments(self, node: Any) -> tuple[ir.Expr, ...]:
        """Return the arguments of a call as doubles."""
        parts = node.args.exprs if node.args is not None else []
        return tuple(self.converted(self.value(p), "double", node).expr for p in parts)

    def block_call(self, node: Any, *kinds: str) -> tuple[str, tuple[ir.Expr, ...]] | None:
        """Return name and arguments of the call of a FUNCTION or PROCEDURE of the file; None if it is no such call."""
        name = self.callee(node)
        block = self.lowering.symbols.blocks.get(name)
        if block is None or block.kind not in kinds or self.in_function:
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
        if name in _MATHS:
            args = self.arguments(node)
            if len(args) == INTRINSICS[name]:
                return Value(ir.Call(name, args))
        if name in PROCESS_DRAWS and name != "set_seed":
            args = self.arguments(node)
            if len(args) == PROCESS_DRAWS[name]:
                self._calls = True
                return Value(ir.Call(OF_PROCESS + name, args))
        count = functions.reach(self.lowering, name, line_of(node))
        if count is not None:
            args = self.arguments(node)
            if len(args) == count:
                self._calls = True
                return Value(ir.Call(name, args))
        raise CProblem(f"a call of {name}", line_of(node))


def unsigned(value: int) -> Value:
    """Return the Value of an unsigned int constant."""
    wrapped = value % _MODULUS
    return Value(ir.Num(float(wrapped), str(wrapped)), "unsigned", wrapped)


def _main_thread(node: Any) -> bool:
    """Return whether this compares the thread with the first of NEURON's threads, which is the only one."""
    sides = {getattr(side, "name", "") for side in (node.left, node.right) if isinstance(side, c_ast.ID)}
    return node.op in ("==", "!=") and sides == {"_nt", "nrn_threads"}


def _compare(op: str, a: int, b: int) -> bool:
    return {"<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b, "==": a == b, "!=": a != b}[op]
