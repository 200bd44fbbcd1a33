"""Statements of events: net_send, net_event, net_move, WATCH, FOR_NETCONS; state_discontinuity."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mod_translator import ir
from mod_translator.passes.walk import statements as walk
from mod_translator.passes.walk import subexpressions
from mod_translator.semantic.context import first_name
from mod_translator.semantic.names import DISCONTINUITY_ALLOWED, EVENT_CALLS
from mod_translator.syntax import tree

if TYPE_CHECKING:
    from mod_translator.semantic.block import Block
    from mod_translator.semantic.statements import Lowering


def event(lowering: Lowering, call: ir.Call, work: Block) -> tuple[ir.Stmt, ...]:
    """Return the call of net_send, net_event or net_move."""
    name = lowering.context.name(call.name)
    allowed = ("INITIAL", "NET_RECEIVE") if name == "net_send" else ("NET_RECEIVE",)
    if work.kind not in allowed:
        reason = f"{name} in a {work.kind}"
        lowering.context.wrong("S155", reason, f"call it in {' or '.join(allowed)}", call.name)
    if not (lowering.symbols.point or lowering.symbols.artificial):
        reason, remedy = f"{name} in a density mechanism", "only a POINT_PROCESS or ARTIFICIAL_CELL has events"
        lowering.context.wrong("S168", reason, remedy, call.name)
    if name == "net_send" and call.args and _begins_with_counter(lowering, call, work):
        reason = "the delay of a net_send begins with the variable of a FROM, and NEURON's nocmodl adds t to that alone"
        lowering.context.unsupported("U200", reason, "write the variable later, or in brackets", call.name)
    args = lowering.resolve.check_call(call.name, EVENT_CALLS[name], call.args, work.scope)
    return (ir.CallRoutine(name, args, lowering.context.loc(call.name)),)


def _begins_with_counter(lowering: Lowering, call: ir.Call, work: Block) -> bool:
    """Return whether net_send(i*gap, flag) becomes (t + i)*gap: nocmodl prints ((double) i), and t inside of it."""
    source = lowering.context.source
    at, delay = source.token(call.name), call.args[0]
    while isinstance(delay, ir.Binary) and delay.op in ("+", "-"):
        delay = delay.left
    if at is None or not isinstance(delay, ir.Binary):
        return False
    found = work.scope.find(source.tokens[at + 2].text)
    return isinstance(found, ir.Num) or (isinstance(found, ir.Var) and found.name in work.scope.whole)


def watch(lowering: Lowering, condition: ir.Expr, flag: float, work: Block) -> tuple[ir.Stmt, ...]:
    """Return WATCH (condition) flag as the call WATCH(value, flag): the condition holds where the value is > 0."""
    at = first_name(condition)
    if lowering.symbols.artificial:
        reason = "WATCH in an ARTIFICIAL_CELL (NEURON crashes when it runs)"
        lowering.context.unsupported("U151", reason, "make it a POINT_PROCESS", at)
    assert isinstance(condition, ir.Binary)  # a < b or a > b: the grammar knows no other
    value = lowering.resolve.expr(ir.Binary("-", condition.left, condition.right), work.scope)
    mentioned = {e.name for e in subexpressions(value) if isinstance(e, ir.Var | ir.Element)}
    if mentioned & set(work.scope.locals):
        lowering.context.wrong(
            "S177", "a WATCH condition with a LOCAL or an argument", "use variables of the instance in it", at
        )
    value = ir.Unary("-", value) if condition.op == "<" else value
    return (ir.CallRoutine("WATCH", (value, ir.Num(flag, f"{flag:g}")), lowering.context.loc(at)),)


def where_allowed(lowering: Lowering, assigned: tuple[ir.Stmt, ...], call: ir.Call) -> tuple[ir.Stmt, ...]:
    """Return what state_discontinuity does in BREAKPOINT: NEURON's init.cpp and nocmodl's noccout.cpp."""
    name, symbols = DISCONTINUITY_ALLOWED, lowering.symbols
    known = symbols.table.setdefault(name, ir.Symbol(name, ir.Role.EXTERNAL))
    if known.role is not ir.Role.EXTERNAL or name in symbols.blocks:
        lowering.context.wrong("S133", f"{name} is NEURON's own variable", "rename it", call.name)
    allowed = ir.Binary("!=", ir.Var(name), ir.Num(0.0, "0"))
    return (ir.If(allowed, assigned, (), lowering.context.loc(call.name)),)


def for_netcons(lowering: Lowering, marked: tuple[str, ...], body: tree.Body, work: Block) -> tuple[ir.Stmt, ...]:
    """Return a FOR_NETCONS loop; its arguments are names in its body."""
    work.scope.push()
    args = tuple(work.scope.declare(lowering.context.name(a)) for a in marked)
    statements = lowering.body(body, work)
    work.scope.pop()
    if any(isinstance(s, ir.ForNetcons) for s in walk(statements)):
        lowering.context.unsupported(
            "U159", "a FOR_NETCONS inside of another", "put them one after the other", marked[0]
        )
    return (ir.ForNetcons(args, statements, lowering.context.loc(marked[0])),)
