"""C code that draws from a generator behind a POINTER: `_p_rng`, a HOC Random or NEURON's nrnran123_State.

What the pointer leads to is known where there is a live process (pointees.py); else it is taken to lead to a generator.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pycparser import c_ast

from mod_translator import ir
from mod_translator.pointees import DISTRIBUTIONS, STREAM, Pointee, pick_name
from mod_translator.verbatim.text import CProblem, line_of

if TYPE_CHECKING:
    from mod_translator.verbatim.expressions import Expressions
    from mod_translator.verbatim.names import Names

LENGTH = 10  # of the array that a stream is (passes/streams.py)
_STATE_CALLS = {
    "nrnran123_dblpick": ("random_dpick", 0),
    "nrnran123_uniform": ("random_uniform", 0),
    "nrnran123_negexp": ("random_negexp", 1),
    "nrnran123_normal": ("random_normal", 0),
    "nrnran123_ipick": ("random_ipick", 0),
}
CALLS = ("nrn_random_pick", "vector_capacity", *_STATE_CALLS)


def pointer_of(code: Names, node: Any) -> str | None:
    """Return the POINTER of the file that a C expression is the value of; None if it is of none."""
    match node:
        case c_ast.Cast() if isinstance(node.to_type.type, c_ast.PtrDecl):
            return pointer_of(code, node.expr)
        case c_ast.UnaryOp(op="*"):
            inner = node.expr
            while isinstance(inner, c_ast.Cast):
                inner = inner.expr
            return pointer_of(code, inner.expr) if isinstance(inner, c_ast.UnaryOp) and inner.op == "&" else None
        case c_ast.ID():
            for frame in reversed(code.scope.frames):
                found = frame.get(f"C pointer {node.name}")
                if isinstance(found, ir.Var):
                    return found.name
            name = node.name.removeprefix("_p_")
            symbols = code.lowering.symbols
            mine = name != node.name and name in symbols.pointers
            return name if mine and not (symbols.artificial and _is_vector(code, name)) else None
    return None


def asked(code: Names, node: Any) -> bool:
    """Return whether a C expression is a call that draws from a POINTER of the file."""
    if not isinstance(node, c_ast.FuncCall) or not isinstance(node.name, c_ast.ID) or node.name.name not in CALLS:
        return False
    args = node.args.exprs if node.args is not None else []
    return node.name.name != "vector_capacity" or (bool(args) and pointer_of(code, args[0]) is not None)


def _is_vector(code: Names, name: str) -> bool:
    text = "".join(code.lowering.context.source.verbatim)
    if "vector_capacity" in text and "nrn_random" not in text and "nrnran123" not in text:
        return True
    return bool(re.search(rf"IvocVect\s*\*\*\s*\)\s*\(?\s*&\s*_p_{name}\b", text))


def pointee(code: Expressions, name: str) -> Pointee:
    """Return what a POINTER leads to."""
    context = code.lowering.context
    if context.pointees is not None:
        return context.pointees.get(name, Pointee())
    everything = "".join(context.source.verbatim)
    if _is_vector(code, name):
        return Pointee()
    kind = "state" if "nrnran123_" in everything else "Random"
    distribution = DISTRIBUTIONS["negexp" in everything.lower()]
    return Pointee(kind, everywhere=True, distribution=distribution)


def is_set(code: Expressions, name: str) -> ir.Expr | int:
    """Return whether a POINTER is not null: 0 or 1 where that is known."""
    known = pointee(code, name).known
    if known is not None:
        return int(known)
    return ir.Binary("!=", ir.Call("random_is_set", (_stream(code, name),)), ir.Num(0.0, "0"))


def draw(code: Expressions, node: Any) -> ir.Expr | int:
    """Return the value of a call of one of CALLS. Raises CProblem: no POINTER, or one to something else."""
    called = code.callee(node)
    args = node.args.exprs if node.args is not None else []
    name = pointer_of(code, args[0]) if args else None
    if name is None:
        raise CProblem(f"a call of {called} with what is no POINTER of the mechanism", line_of(node))
    found = pointee(code, name)
    if called == "vector_capacity":
        if found.kind != "nothing":
            raise CProblem(f"the Vector that {name} leads to", line_of(node), "do not set it")
        return 0
    if called == "nrn_random_pick":
        if found.kind != "Random":  # a null pointer; of another kind it is never drawn from
            return ir.Num(0.5, "0.5")
        return ir.Call(pick_name(found), (_stream(code, name),))
    if found.kind != "state":  # NEURON would crash: it is never drawn from
        return ir.Num(0.0, "0")
    call, allowed = _STATE_CALLS[called]
    rest = tuple(code.converted(code.value(a), "double", node).expr for a in args[1:])
    if len(rest) not in (0, allowed, 2 if call in ("random_uniform", "random_normal") else 0):
        raise CProblem(f"a call of {called} with {len(args)} arguments", line_of(node))
    return ir.Call(call, (_stream(code, name), *rest))


def set_sequence(code: Expressions, node: Any) -> tuple[ir.Stmt, ...]:
    """Return `nrnran123_setseq(state, counter, which)`. Raises CProblem: a place that is only known at run time."""
    args = node.args.exprs if node.args is not None else []
    name = pointer_of(code, args[0]) if args else None
    place = [code.value(a).constant for a in args[1:]]
    if name is None or len(place) != 2 or place[0] is None or place[1] is None:
        raise CProblem("nrnran123_setseq without a POINTER and two numbers", line_of(node))
    if pointee(code, name).kind != "state":
        return ()
    at = float(4 * place[0] + (place[1] if 0 <= place[1] <= 3 else 0))
    args_ = (_stream(code, name), ir.Num(at, f"{at:g}"))
    return (ir.CallRoutine("random_setseq", args_, code.loc(node)),)


def _stream(code: Expressions, name: str) -> ir.Var:
    table = code.lowering.symbols.table
    symbol = table.get(name) or ir.Symbol(name, ir.Role.INSTANCE)
    table[name] = replace(symbol, role=ir.Role.INSTANCE, block=STREAM, length=LENGTH, visible=False)
    return ir.Var(name)
