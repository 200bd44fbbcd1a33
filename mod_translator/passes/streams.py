"""RANDOM variables of mechanisms in the equations: a stream becomes an array of the instance, a draw arithmetic.

The array holds the place in the stream, the three identifiers and the global index; artificial cells keep their calls,
which an interpreter runs.
"""

from __future__ import annotations

from dataclasses import replace

from mod_translator import ir
from mod_translator.passes.context import PassContext
from mod_translator.passes.walk import all_names, fresh, with_bodies
from mod_translator.semantic.names import RANDOM_CALLS

LENGTH = 5


def streams(mechanism: ir.Mechanism, context: PassContext) -> ir.Mechanism:
    """Replace every random_ call of a mechanism that is no artificial cell."""
    if mechanism.kind is ir.Kind.ARTIFICIAL or all(s.block != "RANDOM" for s in mechanism.symbols.values()):
        return mechanism
    symbols = {n: replace(s, length=LENGTH) if s.block == "RANDOM" else s for n, s in mechanism.symbols.items()}
    used = all_names(mechanism)

    def change(routine: ir.Routine) -> ir.Routine:
        return replace(routine, body=_body(routine.body, used))

    return with_bodies(replace(mechanism, symbols=symbols), change)


def _body(body: tuple[ir.Stmt, ...], used: set[str]) -> tuple[ir.Stmt, ...]:
    out: list[ir.Stmt] = []
    for statement in body:
        match statement:
            case ir.CallRoutine(name, args, loc, result) if name in RANDOM_CALLS:
                out += _draw(name, args, loc, result or fresh(f"{name}_value", used))
            case ir.If(condition, then, orelse, loc):
                out.append(ir.If(condition, _body(then, used), _body(orelse, used), loc))
            case ir.ForNetcons():
                out.append(replace(statement, body=_body(statement.body, used)))
            case _:
                out.append(statement)
    return tuple(out)


def _draw(name: str, args: tuple[ir.Expr, ...], loc: ir.Loc, result: str) -> list[ir.Stmt]:
    stream, *rest = args
    assert isinstance(stream, ir.Var)
    parts = tuple(ir.Element(stream.name, ir.Num(float(k), str(k))) for k in range(LENGTH))
    if name == "random_setseq":
        return [ir.Assign(parts[0], ir.Call("random__place", (rest[0],)), loc)]
    pick: ir.Expr = ir.Call("random__dpick", parts)
    after: ir.Expr = ir.Binary("+", parts[0], ir.Num(1.0, "1"))
    match name:
        case "random_uniform" if rest:
            value: ir.Expr = ir.Binary("+", rest[0], ir.Binary("*", pick, ir.Binary("-", rest[1], rest[0])))
        case "random_negexp":
            logarithm = ir.Unary("-", ir.Call("log", (pick,)))
            value = ir.Binary("*", logarithm, rest[0]) if rest else logarithm
        case "random_normal":
            normal, after = ir.Call("random__normal", parts), ir.Call("random__after_normal", parts)
            value = ir.Binary("+", rest[0], ir.Binary("*", normal, rest[1])) if rest else normal
        case "random_ipick":
            # dpick is (i + 1) / (2**32 + 1) in double precision, 53 bits, so i comes back exactly.
            product = ir.Binary("*", pick, ir.Num(4294967297.0, "4294967297"))
            whole = ir.Call("floor", (ir.Binary("+", product, ir.Num(0.5, "0.5")),))
            value = ir.Binary("-", whole, ir.Num(1.0, "1"))
        case _:
            value = pick
    return [ir.Assign(ir.Var(result), value, loc), ir.Assign(parts[0], after, loc)]
