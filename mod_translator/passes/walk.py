"""Walking and rebuilding IR trees."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from mod_translator import ir


def expressions(statement: ir.Stmt) -> tuple[ir.Expr, ...]:
    """Return the expressions that a statement itself evaluates, in order (not those of its branches)."""
    match statement:
        case ir.Assign(ir.Element(_, index), value, _) if not isinstance(index, ir.Num):
            return (value, index)
        case ir.Assign(_, value, _):
            return (value,)
        case ir.If(condition, _, _, _) | ir.While(condition, _, _):
            return (condition,)
        case ir.CallRoutine(_, args, _, _):
            return args
        case ir.Derivative(_, rate, _):
            return (rate,)
        case _:
            return ()


def subexpressions(expr: ir.Expr) -> Iterator[ir.Expr]:
    """Yield an expression and everything in it, operands before operators."""
    match expr:
        case ir.Unary(_, operand):
            yield from subexpressions(operand)
        case ir.Binary(_, left, right):
            yield from subexpressions(left)
            yield from subexpressions(right)
        case ir.Call(_, args):
            for arg in args:
                yield from subexpressions(arg)
        case ir.Element(_, index):
            yield from subexpressions(index)
    yield expr


def statements(body: tuple[ir.Stmt, ...]) -> Iterator[ir.Stmt]:
    """Yield all statements, those of branches included, in the order of the text."""
    for statement in body:
        yield statement
        if isinstance(statement, ir.If):
            yield from statements(statement.then)
            yield from statements(statement.orelse)
        elif isinstance(statement, ir.While | ir.ForNetcons):
            yield from statements(statement.body)


def names(expr: ir.Expr) -> set[str]:
    """Return the variables that an expression reads itself (not those of the functions it calls)."""
    return {e.name for e in subexpressions(expr) if isinstance(e, ir.Var | ir.Element)}


def calls(body: tuple[ir.Stmt, ...]) -> list[str]:
    """Return the names of everything that the statements call, in order, repeated."""
    found = []
    for statement in statements(body):
        for expr in expressions(statement):
            found += [e.name for e in subexpressions(expr) if isinstance(e, ir.Call)]
        if isinstance(statement, ir.CallRoutine):
            found.append(statement.name)
        elif isinstance(statement, ir.SolveImplicit):
            found.append(statement.rates)
    return found


def rebuild(body: tuple[ir.Stmt, ...], change: Callable[[ir.Stmt], tuple[ir.Stmt, ...]]) -> tuple[ir.Stmt, ...]:
    """Return the statements with each replaced by what `change` makes of it, branches first."""
    out: list[ir.Stmt] = []
    for statement in body:
        if isinstance(statement, ir.If):
            then, orelse = rebuild(statement.then, change), rebuild(statement.orelse, change)
            statement = replace(statement, then=then, orelse=orelse)  # noqa: PLW2901
        elif isinstance(statement, ir.While | ir.ForNetcons):
            statement = replace(statement, body=rebuild(statement.body, change))  # noqa: PLW2901
        out += change(statement)
    return tuple(out)


def blocks(mechanism: ir.Mechanism) -> dict[str, ir.Routine]:
    """Return the routines that NEURON itself calls, by the name of their field."""
    found = {field: getattr(mechanism, field) for field in ir.BLOCKS}
    return {field: routine for field, routine in found.items() if routine is not None}


def with_blocks(mechanism: ir.Mechanism, found: dict[str, ir.Routine]) -> ir.Mechanism:
    """Return the mechanism with the blocks that NEURON calls replaced, given by the name of their field."""
    changed: dict[str, Any] = {field: found.get(field) for field in ir.BLOCKS}
    return replace(mechanism, **changed)


def with_bodies(mechanism: ir.Mechanism, change: Callable[[ir.Routine], ir.Routine]) -> ir.Mechanism:
    """Return the mechanism with every routine and block replaced by what `change` makes of it."""
    routines = {name: change(routine) for name, routine in mechanism.routines.items()}
    return with_blocks(replace(mechanism, routines=routines), {n: change(r) for n, r in blocks(mechanism).items()})


def all_names(mechanism: ir.Mechanism) -> set[str]:
    """Return every name in use: variables, routines, arguments and locals."""
    used = set(mechanism.symbols) | set(mechanism.routines)
    for routine in (*mechanism.routines.values(), *blocks(mechanism).values()):
        used |= {routine.name, *routine.args, *ir.assigned(routine.body), *calls(routine.body)}
    return used


def fresh(wanted: str, used: set[str]) -> str:
    """Return a name that is not in `used`, and add it there."""
    name, tail = wanted, 1
    while name in used:
        tail += 1
        name = f"{wanted}_{tail}"
    used.add(name)
    return name


def renamed(expr: ir.Expr, names: Mapping[str, str]) -> ir.Expr:
    """Return an expression with variables renamed (calls keep their names)."""
    match expr:
        case ir.Var(name):
            return ir.Var(names.get(name, name))
        case ir.Element(name, index):
            return ir.Element(names.get(name, name), renamed(index, names))
        case ir.Unary(op, operand):
            return ir.Unary(op, renamed(operand, names))
        case ir.Binary(op, left, right):
            return ir.Binary(op, renamed(left, names), renamed(right, names))
        case ir.Call(name, args):
            return ir.Call(name, tuple(renamed(a, names) for a in args))
        case _:
            return expr


def rename(routine: ir.Routine, names: Mapping[str, str]) -> ir.Routine:
    """Return a routine with file-level variables renamed wherever they are read or written."""

    def change(statement: ir.Stmt) -> tuple[ir.Stmt, ...]:
        match statement:
            case ir.Assign(target, value, loc):
                place = renamed(target, names)
                assert isinstance(place, ir.Var | ir.Element)
                return (ir.Assign(place, renamed(value, names), loc),)
            case ir.If(condition, then, orelse, loc):
                return (ir.If(renamed(condition, names), then, orelse, loc),)
            case ir.While(condition, body, loc):
                return (ir.While(renamed(condition, names), body, loc),)
            case ir.CallRoutine(name, args, loc, result):
                return (ir.CallRoutine(name, tuple(renamed(a, names) for a in args), loc, result),)
            case ir.Derivative(state, rate, loc):
                return (ir.Derivative(names.get(state, state), renamed(rate, names), loc),)
            case _:
                return (statement,)

    table = routine.table
    if table is not None:
        variables = tuple(names.get(v, v) for v in table.variables)
        depend = tuple(names.get(d, d) for d in table.depend)
        low, high = renamed(table.low, names), renamed(table.high, names)
        table = replace(table, variables=variables, depend=depend, low=low, high=high)
    return replace(routine, body=rebuild(routine.body, change), table=table)
