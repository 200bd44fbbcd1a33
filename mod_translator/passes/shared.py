"""Variables that all instances share and that the code assigns: GLOBAL, GLOBAL PARAMETER, LOCAL of the file.

NEURON runs one instance after the other, so a block that reads such a variable before writing it sees what another
instance, or an earlier block, left there. Such a variable becomes one of the instance
- where every block writes it before it reads it: it is a temporary;
- where only blocks that write it first write it, and what they write is the same for all instances (q10 computed in
  INITIAL): each instance then finds what NEURON's one variable holds;
- where what is assigned is the same for all and does not follow from such variables themselves, as in
  `if (last != celsius) { last = celsius  q = ... }`: the second instance then changes nothing;
- where each block that writes it surely does so before it reads it: the next block finds what the last instance left
  (`Mechanism.shared`);
- else, if no event writes it, where the solver runs such blocks on one instance after the other (`Mechanism.in_turn`).
One that serves nothing but its own next value (a count of events) is left out. The rest is refused.
"""

from __future__ import annotations

from dataclasses import replace

from mod_translator import ir
from mod_translator.errors import SharedStateError
from mod_translator.passes.context import PassContext
from mod_translator.passes.effects import Analysis
from mod_translator.passes.uniform import Uniformity
from mod_translator.passes.walk import blocks, expressions, names, rebuild, statements, with_bodies

_EVENTS = ("net_receive", "net_initial")  # these run in one instance only
_SHOWN = {"current": "BREAKPOINT", "advance": "the SOLVEd block", "net_initial": "INITIAL of NET_RECEIVE"}


def shared(mechanism: ir.Mechanism, context: PassContext) -> ir.Mechanism:
    """Make assigned shared variables INSTANCE variables that HOC does not see, or refuse them."""
    analysis = Analysis(mechanism)
    found = blocks(mechanism)
    writes = {field: set(analysis.summary(routine)[1]) for field, routine in found.items()}
    reads = {field: analysis.exposed(routine) for field, routine in found.items()}
    set_by_initial = analysis.surely_written(found["initial"]) if "initial" in found else set()
    settled, uniformity = _settled(mechanism, analysis, found)
    last: list[str] = []
    in_turn: list[str] = []
    symbols = dict(mechanism.symbols)
    seen: dict[str, list[str]] = {}  # where another block or instance may find what was left
    for name, symbol in mechanism.symbols.items():
        writers = {field for field in found if name in writes[field]}
        if symbol.role is not ir.Role.GLOBAL or not writers:
            continue
        symbols[name] = replace(symbol, role=ir.Role.INSTANCE, visible=False, common=True)
        if symbol.block == ir.PROCESS:
            last.append(name)
            in_turn.append(name)
            _refuse_draws(found, writers, context)
            continue
        readers = [field for field in found if name in reads[field]]
        carried = name in set_by_initial and not writers & set(readers) and uniformity.of(name)
        if readers and not carried:
            seen[name] = readers
    counting = _counting(mechanism, set(seen))
    for name, readers in seen.items():
        symbol, writers = symbols[name], {field for field in found if name in writes[field]}
        if name in counting:
            what = f"{name} serves nothing but its own next value and is left out: HOC does not see it change"
            context.note_at(what, symbol.loc)
            del symbols[name]
        elif name in settled or _left_by_the_last(analysis, found, writes, name):
            last.append(name)
        elif mechanism.kind is not ir.Kind.ARTIFICIAL and not writers & set(_EVENTS):
            last.append(name)
            in_turn.append(name)
            context.note_at(f"{name} goes from instance to instance: its blocks run on one after the other", symbol.loc)
        else:
            where = ", ".join(_SHOWN.get(field, field.upper()) for field in readers)
            context.refuse_at(
                SharedStateError,
                "U180",
                f"{name} is one value for all instances and is assigned while the simulation runs; {where} may read "
                "what another instance left in it",
                f"make {name} RANGE (declare it in ASSIGNED, take it out of GLOBAL or of the LOCAL of the file)",
                symbol.loc,
            )
    mechanism = _without(mechanism, counting) if counting else mechanism
    return replace(mechanism, symbols=symbols, shared=(*mechanism.shared, *last), in_turn=tuple(in_turn))


def _refuse_draws(found: dict[str, ir.Routine], writers: set[str], context: PassContext) -> None:
    if "net_initial" in writers:
        context.refuse_at(
            SharedStateError,
            "U137",
            "a draw from the random stream of the process in INITIAL of NET_RECEIVE",
            "declare RANDOM r in the NEURON block and draw from it",
            found["net_initial"].loc,
        )


def _left_by_the_last(analysis: Analysis, found: dict[str, ir.Routine], writes: dict[str, set[str]], name: str) -> bool:
    """Return whether every block that writes a variable surely does, before it reads it, on all instances in turn."""
    return all(
        field not in _EVENTS
        and name in analysis.surely_written(found[field])
        and name not in analysis.exposed(found[field])
        for field in found
        if name in writes[field]
    )


def _settled(mechanism: ir.Mechanism, analysis: Analysis, found: dict[str, ir.Routine]) -> tuple[set[str], Uniformity]:
    """Return the variables that a block may find as an earlier instance left them, which is what it would make of them.

    A block may read one before it writes it only in the one shape `if (condition) {assign some of them}`, before any
    other use: where the condition holds for the first instance the others find its values, or compute them again. One
    that a block reads in another shape differs from instance to instance, and so does what follows from it: beside
    them, what is uniform then.
    """
    uniformity = Uniformity(mechanism)
    while True:
        group = {n for n, s in mechanism.symbols.items() if s.role is ir.Role.GLOBAL and uniformity.of(n)}
        differing = set()
        for field, routine in found.items():
            writes = set(analysis.summary(routine)[1])
            if field in _EVENTS:
                group -= writes
                continue
            open_ = group & writes & analysis.exposed(routine)
            differing |= open_ - _settling(analysis, routine, group)
            group -= differing
        for routine in found.values():  # what a settling block assigns besides must be settled too
            open_ = group & set(analysis.summary(routine)[1]) & analysis.exposed(routine)
            differing |= open_ - _settling(analysis, routine, group)
        if not differing:
            return group, uniformity
        uniformity = Uniformity(mechanism, uniformity.varying | differing)


def _settling(analysis: Analysis, routine: ir.Routine, group: set[str]) -> set[str]:
    """Return what the first statement that has to do with the group settles; an empty set if it is of another shape."""
    for i, statement in enumerate(routine.body):
        alone = analysis.body(replace(routine, args=(), results=(), body=(statement,)))
        touched = {n for n, _ in (*alone.reads, *alone.may)}
        if not touched & group:
            continue
        rest = analysis.body(replace(routine, args=(), results=(), body=routine.body[i + 1 :]))
        if (
            isinstance(statement, ir.CallRoutine)
            and not statement.args
            and statement.name in analysis.mechanism.routines
        ):
            inside = _settling(analysis, analysis.mechanism.routines[statement.name], group)
            return inside if not inside & {n for n, _ in rest.may} else set()
        if not isinstance(statement, ir.If) or statement.orelse:
            return set()
        branch = analysis.body(replace(routine, args=(), results=(), body=statement.then))
        written = {n for n, _ in branch.may if n in analysis.mechanism.symbols}
        whole = {n for n, _ in branch.must}
        sound = written <= group & whole and not group & {n for n, _ in branch.reads}
        return written if sound and not written & {n for n, _ in rest.may} else set()
    return set()


def _counting(mechanism: ir.Mechanism, found: set[str]) -> set[str]:
    """Return those variables that are read by nothing but assignments to themselves and to each other."""
    everything = (*mechanism.routines.values(), *blocks(mechanism).values())
    for routine in everything:
        if routine.table is not None:
            bounds = {*names(routine.table.low), *names(routine.table.high)}
            found -= {*routine.table.variables, *routine.table.depend, *bounds}
    while found:
        needed = set().union(*(_needed(routine.body, found) for routine in everything))
        if not needed & found:
            break
        found -= needed
    return found


def _needed(body: tuple[ir.Stmt, ...], counting: set[str]) -> set[str]:
    """Return what statements read or take as a result, those left out that only serve what is `counting`."""
    out: set[str] = set()
    for statement in body:
        if isinstance(statement, ir.Assign) and statement.target.name in counting:
            continue
        if isinstance(statement, ir.If):
            inside = (*statement.then, *statement.orelse)
            out |= _needed(inside, counting)
            if all(isinstance(s, ir.Assign) and s.target.name in counting for s in statements(inside)):
                continue
        elif isinstance(statement, ir.While | ir.ForNetcons):
            out |= _needed(statement.body, counting)
        elif isinstance(statement, ir.CallRoutine) and statement.result:
            out.add(statement.result)
        out |= {n for e in expressions(statement) for n in names(e)}
    return out


def _without(mechanism: ir.Mechanism, counting: set[str]) -> ir.Mechanism:
    def change(statement: ir.Stmt) -> tuple[ir.Stmt, ...]:
        own = isinstance(statement, ir.Assign) and statement.target.name in counting
        empty = isinstance(statement, ir.If) and not (statement.then or statement.orelse)
        return () if own or empty else (statement,)

    return with_bodies(mechanism, lambda routine: replace(routine, body=rebuild(routine.body, change)))
