"""Calls of FUNCTIONs with side effects leave the expressions: each becomes a CallRoutine before its statement."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from mod_translator import ir
from mod_translator.passes.context import PassContext
from mod_translator.passes.walk import all_names, calls, expressions, fresh, subexpressions, with_bodies

RANDOM = "random_"


def impure(mechanism: ir.Mechanism) -> set[str]:
    """Return the FUNCTIONs that write file-level variables, draw random numbers or send events, directly or not."""
    found: set[str] = set()
    for name, routine in mechanism.routines.items():  # callees come before callers
        if routine.kind == "PROCEDURE":  # has no value: an expression that calls it uses 0
            found.add(name)
            continue
        writes = ir.assigned(routine.body) & set(mechanism.symbols) - set(routine.args)
        below = calls(routine.body)
        outside = any(c.startswith(RANDOM) or c.startswith("net_") for c in below if c not in mechanism.routines)
        if writes or outside or any(c in found for c in below):
            found.add(name)
    return found


def hoist(mechanism: ir.Mechanism, context: PassContext) -> ir.Mechanism:
    """Move every impure call out of its expression, innermost first, in the order of the text."""
    side_effects = impure(mechanism)
    procedures = {n for n, r in mechanism.routines.items() if r.kind == "PROCEDURE"}
    used = all_names(mechanism)

    def change(routine: ir.Routine) -> ir.Routine:
        return replace(routine, body=_Hoister(side_effects, procedures, used, context).body(routine.body))

    return with_bodies(mechanism, change)


class _Hoister:
    def __init__(self, side_effects: set[str], procedures: set[str], used: set[str], context: PassContext) -> None:
        self.side_effects = side_effects
        self.procedures = procedures
        self.used = used
        self.context = context

    def _is_impure(self, expr: ir.Expr) -> bool:
        return any(
            isinstance(e, ir.Call) and (e.name in self.side_effects or e.name.startswith(RANDOM))
            for e in subexpressions(expr)
        )

    def body(self, body: tuple[ir.Stmt, ...]) -> tuple[ir.Stmt, ...]:
        out: list[ir.Stmt] = []
        for statement in body:
            if not any(self._is_impure(e) for e in expressions(statement)):
                out.append(self._branches(statement))
                continue
            out += self._lifted(statement)
        return tuple(out)

    def _branches(self, statement: ir.Stmt) -> ir.Stmt:
        if isinstance(statement, ir.If):
            return replace(statement, then=self.body(statement.then), orelse=self.body(statement.orelse))
        if isinstance(statement, ir.While | ir.ForNetcons):
            return replace(statement, body=self.body(statement.body))
        return statement

    def _lifted(self, statement: ir.Stmt) -> tuple[ir.Stmt, ...]:
        before: list[ir.Stmt] = []

        def lift(expr: ir.Expr) -> ir.Expr:
            return self._lift(expr, statement.loc, before.append)

        match statement:
            case ir.Assign(target, value, loc):
                if isinstance(target, ir.Element):
                    target = ir.Element(target.name, lift(target.index))
                statement = ir.Assign(target, lift(value), loc)
            case ir.If(condition, then, orelse, loc):
                statement = ir.If(lift(condition), self.body(then), self.body(orelse), loc)
            case ir.While(condition, body, loc):  # evaluated once more after each turn
                test = lift(condition)
                statement = ir.While(test, (*self.body(body), *before), loc)
            case ir.CallRoutine(name, args, loc, result):
                statement = ir.CallRoutine(name, tuple(lift(a) for a in args), loc, result)
            case ir.Derivative(state, rate, loc):
                statement = ir.Derivative(state, lift(rate), loc)
        return (*before, statement)

    def _lift(self, expr: ir.Expr, loc: ir.Loc, emit: Callable[[ir.Stmt], None]) -> ir.Expr:
        match expr:
            case ir.Unary(op, operand):
                return ir.Unary(op, self._lift(operand, loc, emit))
            case ir.Binary("&&" | "||" as op, left, right) if self._is_impure(right):
                return self._short_circuit(op, left, right, loc, emit)
            case ir.Binary(op, left, right):
                return ir.Binary(op, self._lift(left, loc, emit), self._lift(right, loc, emit))
            case ir.Call(name, args):
                lifted = tuple(self._lift(a, loc, emit) for a in args)
                if name not in self.side_effects and not name.startswith(RANDOM):
                    return ir.Call(name, lifted)
                if name in self.procedures:
                    emit(ir.CallRoutine(name, lifted, loc))
                    return ir.Num(0.0, "0")
                result = fresh(f"{name}_value", self.used)
                emit(ir.CallRoutine(name, lifted, loc, result))
                return ir.Var(result)
            case _:
                return expr

    def _short_circuit(
        self, op: str, left: ir.Expr, right: ir.Expr, loc: ir.Loc, emit: Callable[[ir.Stmt], None]
    ) -> ir.Expr:
        """Return a variable that holds the truth; what stands to the right is evaluated only if it matters."""
        truth, zero = ir.Var(fresh("truth", self.used)), ir.Num(0.0, "0")
        emit(ir.Assign(truth, _as_condition(self._lift(left, loc, emit)), loc))
        inside: list[ir.Stmt] = []
        value = _as_condition(self._lift(right, loc, inside.append))
        test = ir.Binary("!=" if op == "&&" else "==", truth, zero)
        emit(ir.If(test, (*inside, ir.Assign(truth, value, loc)), (), loc))
        return ir.Binary("!=", truth, zero)


def _as_condition(expr: ir.Expr) -> ir.Expr:
    compared = isinstance(expr, ir.Binary) and expr.op in ("<", "<=", ">", ">=", "==", "!=")
    return expr if compared else ir.Binary("!=", expr, ir.Num(0.0, "0"))
