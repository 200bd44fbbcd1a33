"""WHILE and FROM: a FROM with constant bounds is unrolled, all others become loops at run time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mod_translator import ir
from mod_translator.passes.walk import calls
from mod_translator.passes.walk import statements as walk
from mod_translator.semantic.block import Block
from mod_translator.semantic.context import first_name
from mod_translator.semantic.leaving import CannotLeaveError, unrolled
from mod_translator.semantic.names import EVENT_CALLS
from mod_translator.syntax import tree

if TYPE_CHECKING:
    from mod_translator.semantic.statements import Lowering

_SOLVED = ("DERIVATIVE", "KINETIC", "LINEAR", "NONLINEAR", "DISCRETE")
MAX_TURNS = 16**5  # of a loop at run time (nrn_diff/runtime/loop.py)
MAX_UNROLLED = 10_000  # statements that one FROM loop may become
LONG = 1_000  # statements from which on it stays a loop, if it can: what is unrolled takes minutes to compile


def while_loop(lowering: Lowering, condition: ir.Expr, body: tree.Body, work: Block) -> tuple[ir.Stmt, ...]:
    """Return a WHILE loop."""
    token = lowering.context.source.token(first_name(condition))
    index = work.token if token is None else lowering.context.source.before(token, "while", "WHILE")
    test = lowering.resolve.expr(condition, work.scope)
    work.repeating += 1
    loop = ir.While(test, lowering.body(body, work), lowering.context.source.loc(index))
    work.repeating -= 1
    if not can_repeat(lowering, loop.body, work):
        remedy = "move the equations out of the loop, or use FROM with constant bounds"
        reason = "a WHILE loop of reactions, of LINEAR equations or of events"
        lowering.context.unsupported("U150", reason, remedy, first_name(condition))
        return ()
    return (loop,)


def can_repeat(lowering: Lowering, body: tuple[ir.Stmt, ...], work: Block) -> bool:
    """Return whether statements can be repeated as often as is only known at run time."""
    if lowering.symbols.artificial:
        return True
    inside = list(walk(body))
    equations = any(isinstance(s, ir.SolveImplicit | ir.ForNetcons) for s in inside)
    below = set(calls(body))
    solved = any(s.kind in _SOLVED for n, s in lowering.symbols.blocks.items() if n in below)
    sends, inner = below & {*EVENT_CALLS}, [s for s in inside if isinstance(s, ir.While)]
    if sends and ("WATCH" in sends or any(set(calls(loop.body)) & sends for loop in inner)):
        return False
    return work.equations is None and not equations and not solved


def counted_loop(lowering: Lowering, loop: tree.Loop, work: Block) -> tuple[ir.Stmt, ...]:
    """Return a FROM loop: unrolled if its bounds are known and it is not long."""
    name = lowering.context.name(loop.variable)
    first = lowering.resolve.integer(loop.first, work.scope)
    last = lowering.resolve.integer(loop.last, work.scope)
    step = 1 if loop.step is None else lowering.resolve.integer(loop.step, work.scope)
    if (first is None or last is None or id(loop) in lowering.long_loops) and step is not None and step > 0:
        repeated = _repeated(lowering, loop, step, work)
        if repeated:
            return repeated
    if first is None or last is None or step is None:
        reason = f"a FROM loop over {name} whose bounds are only known at run time"
        lowering.context.unsupported("U156", reason, "use numbers or DEFINEd names as bounds", loop.variable)
        return ()
    if step <= 0:
        lowering.context.wrong("S153", f"the loop over {name} never ends", "use a positive step", loop.variable)
        return ()
    turns: list[tuple[ir.Stmt, ...]] = []
    work.going.append("")
    refusals = lowering.context.report.count
    values = range(first, last + 1, step)
    for value in values:
        turns.append(_turn(lowering, loop, value, work))
        if lowering.context.report.count > refusals:
            break  # a later turn would only be refused for the same
        if value == first and not work.going[-1] and _is_long(lowering, turns[0], len(values)):
            _turn(lowering, loop, values[-1], work)  # an index that leaves its array does so at one of the ends
            if lowering.context.report.count > refusals:
                break
            work.going[-1] = ""
            repeated = _repeated(lowering, loop, step, work)
            if repeated and lowering.context.report.count == refusals:
                work.going.pop()
                lowering.long_loops.add(id(loop))
                return repeated
            lowering.context.report.forget(refusals)
        if sum(map(len, turns)) > MAX_UNROLLED:
            reason = f"the loop over {name} unrolls to more than {MAX_UNROLLED} statements"
            lowering.context.unsupported("U157", reason, "use a smaller array", loop.variable)
            work.going.pop()
            return ()
    try:
        return unrolled(turns, work.going.pop(), lowering.context.loc(loop.variable))
    except CannotLeaveError:
        reason, remedy = "a C break out of a loop within another", "use if/else"
        lowering.context.unsupported("U158", reason, remedy, loop.variable)
        return ()


def _turn(lowering: Lowering, loop: tree.Loop, value: int, work: Block) -> tuple[ir.Stmt, ...]:
    """The body for one value of the counter."""
    work.scope.push()
    work.scope.bind(lowering.context.name(loop.variable), value)
    body = lowering.body(loop.body, work)
    work.scope.pop()
    return body


def _is_long(lowering: Lowering, turn: tuple[ir.Stmt, ...], count: int) -> bool:
    """Whether a loop is better not unrolled; one that sends events is, as at run time it could send few only."""
    if lowering.symbols.artificial or not LONG / count < len(list(walk(turn))) or count > MAX_TURNS:
        return False
    below = set(calls(turn))
    reached: set[str] = set()
    while below - reached:
        name = (below - reached).pop()
        reached.add(name)
        if name in lowering.routines:
            below |= set(calls(lowering.routines[name].body))
    return not reached & {*EVENT_CALLS}


def _repeated(lowering: Lowering, loop: tree.Loop, step: int, work: Block) -> tuple[ir.Stmt, ...]:
    """Return a FROM loop whose bounds are only known at run time; nothing if that is not possible.

    As in the C++ of nocmodl the counter is an int and the upper bound is evaluated before each turn.
    """
    first, last = lowering.resolve.whole(loop.first, work.scope), lowering.resolve.whole(loop.last, work.scope)
    if first is None or last is None or work.equations is not None:
        return ()
    loc = lowering.context.loc(loop.variable)
    work.scope.push()
    counter = ir.Var(work.scope.declare(lowering.context.name(loop.variable)))
    work.scope.whole.add(counter.name)
    work.repeating += 1
    body = lowering.body(loop.body, work)
    work.repeating -= 1
    work.scope.pop()
    if not can_repeat(lowering, body, work) or counter.name in ir.assigned(body):
        return ()
    following = ir.Binary("+", counter, ir.Num(float(step), str(step)))
    turn = (*body, ir.Assign(counter, following, loc))
    return (ir.Assign(counter, first, loc), ir.While(ir.Binary("<=", counter, last), turn, loc))
