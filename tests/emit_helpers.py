"""Hand-built IR and modules for the tests of the emitter."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from mod_translator import emit, ir, lower
from nrn_diff.runtime import load_module

LOC = ir.Loc(1)


def num(value: float) -> ir.Num:
    return ir.Num(float(value))


def var(name: str) -> ir.Var:
    return ir.Var(name)


def binary(op: str, left: ir.Expr, right: ir.Expr) -> ir.Binary:
    return ir.Binary(op, left, right)


def call(name: str, *args: ir.Expr) -> ir.Call:
    return ir.Call(name, args)


def assign(name: str, value: ir.Expr) -> ir.Assign:
    return ir.Assign(ir.Var(name), value, LOC)


def branch(condition: ir.Expr, then: tuple[ir.Stmt, ...], orelse: tuple[ir.Stmt, ...] = ()) -> ir.If:
    return ir.If(condition, then, orelse, LOC)


def symbols(*names: str, role: ir.Role = ir.Role.INSTANCE, **fields: Any) -> dict[str, ir.Symbol]:
    return {name: ir.Symbol(name, role, **fields) for name in names}


def mechanism(
    current: tuple[ir.Stmt, ...], reads: tuple[str, ...], writes: tuple[str, ...], **fields: Any
) -> ir.Mechanism:
    """A mechanism whose BREAKPOINT is the given statements; symbols of reads and writes are made."""
    table = {**symbols(*reads, *writes), **fields.pop("symbols", {})}
    routine = ir.Routine("current", "BREAKPOINT", current, reads=reads, writes=writes)
    return ir.Mechanism("test", ir.Kind.DENSITY, table, current=routine, **fields)


def module(mech: ir.Mechanism) -> ModuleType:
    return load_module(emit.emit(mech), mech.name)


def translated(text: str) -> ir.Mechanism:
    """The IR of a mod file that must not be refused."""
    mech, report = lower(text)
    assert mech is not None, str(report)
    return mech
