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


def replaced(expr: ir.Expr, change: Callable[[ir.Expr], ir.Expr]) -> ir.Expr:
    """Return an expression with each part replaced by what `change` makes of it, operands before operators."""
    match expr:
        case ir.Element(name, index):
            expr = ir.Element(name, replaced(index, change))
        case ir.Unary(op, operand):
            expr = ir.Unary(op, replaced(operand, change))
        case ir.Binary(op, left, right):
            expr = ir.Binary(op, replaced(left, change), replaced(right, change))
        case ir.Call(name, args):
            expr = ir.Call(name, tuple(replaced(a, change) for a in args))
    return change(expr)


def mapped(statement: ir.Stmt, change: Callable[[ir.Expr], ir.Expr]) -> ir.Stmt:
    """Return a statement with `change` made to every part of its expressions and to its target (not in branches)."""
    match statement:
        case ir.Assign(target, value, loc):
            place = replaced(target, change)
            assert isinstance(place, ir.Var | ir.Element)
            return ir.Assign(place, replaced(value, change), loc)
        case ir.If(condition, then, orelse, loc):
            return ir.If(replaced(condition, change), then, orelse, loc)
        case ir.While(condition, body, loc):
            return ir.While(replaced(condition, change), body, loc)
        case ir.CallRoutine(name, args, loc, result):
            return ir.CallRoutine(name, tuple(replaced(a, change) for a in args), loc, result)
        case ir.Derivative(state, rate, loc):
            return ir.Derivative(state, replaced(rate, change), loc)
    return statement


def renamed(expr: ir.Expr, names: Mapping[str, str]) -> ir.Expr:
    """Return an expression with variables renamed (calls keep their names)."""
    return replaced(expr, lambda part: _renamed(part, names))


def _renamed(part: ir.Expr, names: Mapping[str, str]) -> ir.Expr:
    match part:
        case ir.Var(name) if name in names:
            return ir.Var(names[name])
        case ir.Element(name, index) if name in names:
            return ir.Element(names[name], index)
    return part


def rename(routine: ir.Routine, names: Mapping[str, str]) -> ir.Routine:
    """Return a routine with file-level variables renamed wherever they are read or written."""

    def change(statement: ir.Stmt) -> tuple[ir.Stmt, ...]:
        statement = mapped(statement, lambda part: _renamed(part, names))
        if isinstance(statement, ir.Derivative):
            statement = replace(statement, state=names.get(statement.state, statement.state))
        return (statement,)

    table = routine.table
    if table is not None:
        variables = tuple(names.get(v, v) for v in table.variables)
        depend = tuple(names.get(d, d) for d in table.depend)
        low, high = renamed(table.low, names), renamed(table.high, names)
        table = replace(table, variables=variables, depend=depend, low=low, high=high)
    return replace(routine, body=rebuild(routine.body, change), table=table)
