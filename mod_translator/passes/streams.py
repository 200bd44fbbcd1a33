"""Streams of random numbers in the equations: a stream becomes an array of the instance, a draw arithmetic.

The array of a RANDOM variable holds the place in the stream, the three identifiers and the global index. That of a
POINTER to a generator (pointees.py) goes on: whether there is one, two parameters of the distribution, whether a normal
number is kept for the next draw, and that number; for MCellRan4 the first two are highindex and lowindex. The one
stream of the process, from which exprand and the like draw, is a number that all instances of all mechanisms share.
Artificial cells keep their calls, which an interpreter runs.
"""

from __future__ import annotations

from dataclasses import replace

from mod_translator import ir
from mod_translator.passes.context import PassContext
from mod_translator.passes.walk import all_names, blocks, calls, fresh, with_bodies
from mod_translator.semantic.names import OF_PROCESS, RANDOM_CALLS

LENGTH = 5
_SET, _FIRST, _SECOND, _HAS, _KEPT = range(LENGTH, 2 * LENGTH)
_OWN = ("random_is_set", "random_pick_")
_RANGE = ir.Num(4294967296.0, "4294967296")


def streams(mechanism: ir.Mechanism, context: PassContext) -> ir.Mechanism:
    """Replace every random_ call of a mechanism that is no artificial cell."""
    if mechanism.kind is ir.Kind.ARTIFICIAL:
        return mechanism
    used = all_names(mechanism)
    symbols = {n: replace(s, length=LENGTH) if s.block == "RANDOM" else s for n, s in mechanism.symbols.items()}
    everything = (*mechanism.routines.values(), *blocks(mechanism).values())
    place = ""
    if any(call.startswith(OF_PROCESS) for routine in everything for call in calls(routine.body)):
        place = fresh("place_in_random_stream", used)
        symbols[place] = ir.Symbol(place, ir.Role.GLOBAL, ir.PROCESS)

    def change(routine: ir.Routine) -> ir.Routine:
        return replace(routine, body=_body(routine.body, used, place))

    return with_bodies(replace(mechanism, symbols=symbols), change)


def _body(body: tuple[ir.Stmt, ...], used: set[str], place: str) -> tuple[ir.Stmt, ...]:
    out: list[ir.Stmt] = []
    for statement in body:
        match statement:
            case ir.CallRoutine(name, args, loc, result) if name in RANDOM_CALLS or name.startswith(_OWN):
                out += _draw(name, args, loc, result or fresh(f"{name}_value", used))
            case ir.CallRoutine(name, args, loc, result) if name.startswith(OF_PROCESS):
                out += _of_process(name.removeprefix(OF_PROCESS), args, loc, result, ir.Var(place))
            case ir.If(condition, then, orelse, loc):
                out.append(ir.If(condition, _body(then, used, place), _body(orelse, used, place), loc))
            case ir.ForNetcons() | ir.While():
                out.append(replace(statement, body=_body(statement.body, used, place)))
            case _:
                out.append(statement)
    return tuple(out)


def _element(stream: str, k: int) -> ir.Element:
    return ir.Element(stream, ir.Num(float(k), str(k)))


def _draw(name: str, args: tuple[ir.Expr, ...], loc: ir.Loc, result: str) -> list[ir.Stmt]:
    stream, *rest = args
    assert isinstance(stream, ir.Var)
    parts = tuple(_element(stream.name, k) for k in range(LENGTH))
    if name == "random_is_set":
        return [ir.Assign(ir.Var(result), _element(stream.name, _SET), loc)]
    if name.startswith("random_pick_"):
        _, _, generator, distribution = name.split("_")
        return _pick(stream.name, generator, distribution, loc, ir.Var(result))
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


def _of_process(name: str, args: tuple[ir.Expr, ...], loc: ir.Loc, result: str | None, place: ir.Var) -> list[ir.Stmt]:
    """A draw as in src/scopmath/{exprand,normrand,poisrand}.cpp, in their order of operations; or set_seed."""

    def call(what: str, *more: ir.Expr) -> ir.Expr:
        return ir.Call(f"random__process_{what}", (*(more if what == "seed" else (place, *more)),))

    def put(value: ir.Expr) -> list[ir.Stmt]:
        return [ir.Assign(ir.Var(result), value, loc)] if result else []

    def move(after: ir.Expr) -> ir.Stmt:
        return ir.Assign(place, after, loc)

    uniform = ir.Binary("/", place, ir.Num(4294967295.0, "4294967295"))
    match name:
        case "scop_random":
            return [move(call("next")), *put(uniform)]
        case "exprand":
            return [move(call("next")), *put(ir.Binary("*", ir.Unary("-", args[0]), ir.Call("log", (uniform,))))]
        case "normrand":
            number = ir.Binary("*", call("normal"), args[1])
            return [*put(ir.Binary("+", number, args[0])), move(call("after_normal"))]
        case "poisrand":
            return [*put(call("poisson", args[0])), move(call("after_poisson", args[0]))]
    return [move(call("seed", args[0])), *put(ir.Num(0.0, "0"))]


def _pick(stream: str, generator: str, distribution: str, loc: ir.Loc, result: ir.Var) -> list[ir.Stmt]:
    """A draw from a HOC Random, in the order of operations of src/gnu/{Uniform,NegExp,Normal,DiscUnif}.cpp."""
    place, first, second = (_element(stream, k) for k in (0, _FIRST, _SECOND))
    ran4 = generator == "MCellRan4"
    parts = tuple(_element(stream, k) for k in range(2 if ran4 else LENGTH))
    prefix = "random__ran4" if ran4 else "random_"
    pick = ir.Call("random__ran4" if ran4 else "random__dpick", parts)
    one: ir.Expr = ir.Binary("+", place, ir.Num(1.0, "1"))
    after = ir.Call("fmod", (one, _RANGE)) if ran4 else one
    if distribution == "Normal":
        kept, zero = (_element(stream, _HAS), _element(stream, _KEPT)), ir.Num(0.0, "0")

        def scaled(number: ir.Expr) -> ir.Stmt:
            return ir.Assign(result, ir.Binary("+", ir.Binary("*", number, second), first), loc)

        drawn = (
            scaled(ir.Call(f"{prefix}_normal", parts)),
            ir.Assign(kept[1], ir.Call(f"{prefix}_cached_normal", parts), loc),
            ir.Assign(kept[0], ir.Num(1.0, "1"), loc),
            ir.Assign(place, ir.Call(f"{prefix}_after_normal", parts), loc),
        )
        return [ir.If(ir.Binary("!=", kept[0], zero), (scaled(kept[1]), ir.Assign(kept[0], zero, loc)), drawn, loc)]
    match distribution:
        case "Uniform":
            value: ir.Expr = ir.Binary("+", first, ir.Binary("*", second, pick))
        case "NegativeExpntl":
            value = ir.Binary("*", ir.Unary("-", first), ir.Call("log", (pick,)))
        case _:
            value = ir.Binary("+", first, ir.Call("floor", (ir.Binary("*", second, pick),)))
    return [ir.Assign(result, value, loc), ir.Assign(place, after, loc)]
