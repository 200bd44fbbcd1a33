"""The IR as text to read, for --dump-passes and for messages of tests."""

from __future__ import annotations

from mod_translator import ir
from mod_translator.passes.walk import blocks


def expression(expr: ir.Expr) -> str:
    """Return an expression with all its parentheses."""
    match expr:
        case ir.Num(value, written):
            return written or repr(value)
        case ir.Var(name):
            return name
        case ir.Element(name, index):
            return f"{name}[{expression(index)}]"
        case ir.Unary(op, operand):
            return f"({op}{expression(operand)})"
        case ir.Binary(op, left, right):
            return f"({expression(left)} {op} {expression(right)})"
        case ir.Call(name, args):
            return f"{name}({', '.join(expression(a) for a in args)})"


def _statement(statement: ir.Stmt) -> list[str]:
    match statement:
        case ir.Assign(target, value, _):
            return [f"{expression(target)} = {expression(value)}"]
        case ir.If(condition, then, orelse, _):
            lines = [f"if {expression(condition)}", *_indented(then)]
            return [*lines, "else", *_indented(orelse)] if orelse else lines
        case ir.While(condition, body, _):
            return [f"while {expression(condition)}", *_indented(body)]
        case ir.ForNetcons(args, body, _):
            return [f"for each NetCon ({', '.join(args)})", *_indented(body)]
        case ir.CallRoutine(name, args, _, result):
            call = f"call {name}({', '.join(expression(a) for a in args)})"
            return [f"{result} = {call}" if result else call]
        case ir.Derivative(state, rate, _):
            return [f"{state}' = {expression(rate)}"]
        case ir.SolveImplicit(method, states, rates, _):
            how = [w for w, on in (("linear", statement.linear), ("steady state", statement.steady)) if on]
            how += [f"algebraic {', '.join(statement.algebraic)}"] if statement.algebraic else []
            return [f"solve {', '.join(states)} by {method} with {rates}{''.join(f', {h}' for h in how)}"]


def _indented(body: tuple[ir.Stmt, ...]) -> list[str]:
    return [f"    {line}" for statement in body for line in _statement(statement)]


def _routine(routine: ir.Routine) -> list[str]:
    head = f"{routine.kind} {routine.name}({', '.join(routine.args)})"
    if routine.results:
        head += f" -> {', '.join(routine.results)}"
    lines = [head]
    if routine.reads or routine.writes:
        lines.append(f"  reads {', '.join(routine.reads)}; writes {', '.join(routine.writes)}")
    if routine.table is not None:
        table = routine.table
        span = f"from {expression(table.low)} to {expression(table.high)} with {table.intervals}"
        lines.append(f"  table of {', '.join(table.variables)} depend {', '.join(table.depend)} {span}")
    return [*lines, *_indented(routine.body)]


def text(mechanism: ir.Mechanism) -> str:
    """Return the whole mechanism: variables that are not NEURON's, then every routine."""
    lines = [f"{mechanism.kind.value} {mechanism.name}"]
    for symbol in mechanism.symbols.values():
        if symbol.block:
            size = f"[{symbol.length}]" if symbol.length else ""
            shown = "" if symbol.visible else " (hidden)"
            lines.append(f"  {symbol.role.value} {symbol.name}{size} {symbol.block} = {symbol.default:g}{shown}")
    for routine in (*mechanism.routines.values(), *blocks(mechanism).values()):
        lines += _routine(routine)
    return "\n".join(lines)
