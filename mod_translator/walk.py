"""Walks over expressions and statements of the IR."""

from __future__ import annotations

from collections.abc import Iterator

from mod_translator import ir


def children(expr: ir.Expr) -> tuple[ir.Expr, ...]:
    """Return the operands of an expression."""
    match expr:
        case ir.Unary(_, operand):
            return (operand,)
        case ir.Binary(_, left, right):
            return (left, right)
        case ir.Call(_, args):
            return args
        case ir.Element(_, index):
            return (index,)
    return ()


def expressions(expr: ir.Expr) -> Iterator[ir.Expr]:
    """Yield an expression and everything inside it, outermost first."""
    yield expr
    for child in children(expr):
        yield from expressions(child)


def statements(body: tuple[ir.Stmt, ...]) -> Iterator[ir.Stmt]:
    """Yield all statements in source order, those of branches included."""
    for stmt in body:
        yield stmt
        if isinstance(stmt, ir.If):
            yield from statements(stmt.then)
            yield from statements(stmt.orelse)


def operands(stmt: ir.Stmt) -> tuple[ir.Expr, ...]:
    """Return the expressions that a statement itself evaluates (not those of its branches)."""
    match stmt:
        case ir.Assign(target, value, _):
            return (target.index, value) if isinstance(target, ir.Element) else (value,)
        case ir.If(condition, _, _, _):
            return (condition,)
        case ir.CallRoutine(_, args, _, _):
            return args
        case ir.Derivative(_, rate, _):
            return (rate,)
    return ()


def calls(body: tuple[ir.Stmt, ...]) -> Iterator[str]:
    """Yield the names of everything a body calls, intrinsics included, in order of the text, with repetitions."""
    for stmt in statements(body):
        for operand in operands(stmt):
            yield from (e.name for e in expressions(operand) if isinstance(e, ir.Call))
        if isinstance(stmt, ir.CallRoutine):
            yield stmt.name
        elif isinstance(stmt, ir.SolveImplicit):
            yield stmt.rates
