"""v and ion variables of which a file sees NEURON's copy: where a block leaves it, or finds what another has left.

That is so where a file assigns v or an ion variable that it only READs, and where events see an ion variable that does
not stand in NET_RECEIVE itself: by a PROCEDURE, or by a WATCH. And in BEFORE and AFTER blocks: nocmodl moves its lists
of ions there unless they have a single entry (nocpout.cpp), so that a file with one ion variable gets no new copy, and
one that WRITEs a single concentration does not hand it back.
"""

from __future__ import annotations

from dataclasses import replace

from mod_translator import ir
from mod_translator.errors import UnsupportedConstruct
from mod_translator.passes.context import PassContext
from mod_translator.passes.effects import Analysis
from mod_translator.passes.walk import (
    all_names,
    blocks,
    expressions,
    fresh,
    names,
    rebuild,
    rename,
    renamed,
    statements,
    with_blocks,
)

_HANDING_BACK = ("initial", "current", "advance")


def copies(mechanism: ir.Mechanism, context: PassContext) -> ir.Mechanism:
    """Give such variables a copy that every block starts from; what a block assigns to it ends with the block.

    NET_RECEIVE only gets a new copy of what stands in the block itself, its INITIAL none; else they see the last one.
    Where v stands in NET_RECEIVE, it becomes what the copy is at the end; a concentration that the file WRITEs becomes
    so at the end of INITIAL, BREAKPOINT and the SOLVEd block.
    """
    analysis = Analysis(mechanism)
    changed = _copied(mechanism, analysis)
    receive = mechanism.net_receive
    in_receive = _mentioned_in_receive(mechanism)
    assigning = "v" in changed and "v" in in_receive and "v" in (analysis.summary(receive)[1] if receive else ())
    if "v" in changed and any(_is_watch(s) for r in blocks(mechanism).values() for s in statements(r.body)):
        _refuse_watched(mechanism, analysis, in_receive, context)
    used = all_names(mechanism)
    renaming = {name: fresh(f"{name}_copy", used) for name in changed}
    symbols = dict(mechanism.symbols)
    for name, copy in renaming.items():
        symbols[copy] = replace(symbols[name], name=copy, role=ir.Role.INSTANCE, block="ASSIGNED", visible=False)
    mechanism = replace(
        mechanism,
        symbols=symbols,
        potential=renaming["v"] if assigning else "",
        routines={name: rename(routine, renaming) for name, routine in mechanism.routines.items()},
    )
    if mechanism.initial is None and (set(changed) - {"v"} or (changed and receive is not None)):
        mechanism = replace(mechanism, initial=ir.Routine("initial", "INITIAL", ()))
    concentrations = _written(mechanism) & set(changed)
    found = {}
    for field, routine in blocks(mechanism).items():
        loc = routine.loc or ir.Loc(1)
        mentioned = in_receive if field == "net_receive" else _mentioned(routine)
        taken = [n for n in changed if _is_taken(mechanism, n, field, mentioned)]
        if field == "net_receive" and assigning:  # whoever runs it has set the copy
            taken = [n for n in taken if n != "v"]
        start = tuple(ir.Assign(ir.Var(renaming[n]), ir.Var(n), loc) for n in taken)
        hands_back = field in _HANDING_BACK or (field in ir.BEFORE_AFTER and hands_ions_back(mechanism))
        writes = analysis.summary(routine)[1] if hands_back else ()
        end = tuple(ir.Assign(ir.Var(n), ir.Var(renaming[n]), loc) for n in changed if n in concentrations & {*writes})
        body = _watching_v(rename(routine, renaming).body, renaming)
        found[field] = replace(routine, body=(*start, *body, *end))
    return with_blocks(mechanism, found)


def _refuse_watched(mechanism: ir.Mechanism, analysis: Analysis, in_receive: set[str], context: PassContext) -> None:
    """Refuse events that see the copy of v which a WATCH renews each time that it is looked at."""
    for routine in (mechanism.net_receive, mechanism.net_initial):
        if routine is None or (routine is mechanism.net_receive and "v" in in_receive):
            continue
        if "v" in {n for names_ in analysis.summary(routine) for n in names_}:
            context.refuse_at(
                UnsupportedConstruct,
                "U174",
                "v in a PROCEDURE that NET_RECEIVE calls, or in its INITIAL, in a file that assigns v and has a WATCH",
                "let v stand in NET_RECEIVE itself",
                routine.loc,
            )


def gets_ions(mechanism: ir.Mechanism) -> bool:
    """Whether a BEFORE or AFTER block begins with new copies of the ion variables."""
    return sum(len(u.reads) + sum(n != f"i{u.name}" for n in u.writes) for u in mechanism.ions) != 1


def hands_ions_back(mechanism: ir.Mechanism) -> bool:
    """Whether a BEFORE or AFTER block ends with what it hands to the ions; of a current there are two entries."""
    return sum(2 if n == f"i{u.name}" else 1 for u in mechanism.ions for n in u.writes) != 1


def _is_taken(mechanism: ir.Mechanism, name: str, field: str, mentioned: set[str]) -> bool:
    """Whether a block begins with a new copy of the variable."""
    if field in ("net_receive", "net_initial"):
        return field == "net_receive" and name in mentioned
    # Before INITIAL ions hold what the run before has left: nothing is taken unless it is used, which is refused.
    if field in ir.BEFORE_AFTER and name != "v":
        return gets_ions(mechanism) and (field != "before_initial" or name in mentioned)
    return True


def _written(mechanism: ir.Mechanism) -> set[str]:
    return {name for use in mechanism.ions for name in use.writes}


def _copied(mechanism: ir.Mechanism, analysis: Analysis) -> list[str]:
    everything = (*mechanism.routines.values(), *blocks(mechanism).values())
    assigned = {n for r in everything for n in ir.assigned(r.body) if n not in r.args}
    ions = [n for n, s in mechanism.symbols.items() if s.role is ir.Role.ION]
    written, currents = _written(mechanism), {f"i{use.name}" for use in mechanism.ions}
    left = {n for field, r in blocks(mechanism).items() for n in _left_by_others(mechanism, field, r, analysis)}
    left -= currents | _refused(mechanism, analysis)
    return [n for n in ("v", *ions) if (n in assigned and n not in written) or (n in ions and n in left)]


def _refused(mechanism: ir.Mechanism, analysis: Analysis) -> set[str]:
    """Return what nocmodl rejects in NET_RECEIVE (reversal potentials), and the STATEs that it hands back there."""
    receive = mechanism.net_receive
    if receive is None:
        return set()
    states = set(mechanism.states) & set(analysis.summary(receive)[1])
    return _mentioned_in_receive(mechanism) & (states | {f"e{use.name}" for use in mechanism.ions})


def _left_by_others(mechanism: ir.Mechanism, field: str, routine: ir.Routine, analysis: Analysis) -> set[str]:
    """Return what a block does not get from the ion, or does not hand back to it, and yet uses."""
    reads, writes = (set(names) for names in analysis.summary(routine))
    if field in ("net_receive", "net_initial"):
        fresh_here = _mentioned_in_receive(mechanism) - writes if field == "net_receive" else set()
        return ((reads | writes) - fresh_here) | _watched(routine)
    if field not in ir.BEFORE_AFTER or field == "before_initial":
        return set()
    if not gets_ions(mechanism):
        return reads | writes
    return writes - _written(mechanism) if hands_ions_back(mechanism) else writes


def _watched(routine: ir.Routine) -> set[str]:
    return {n for s in statements(routine.body) if _is_watch(s) for e in expressions(s) for n in names(e)}


def _watching_v(body: tuple[ir.Stmt, ...], renaming: dict[str, str]) -> tuple[ir.Stmt, ...]:
    """Let every WATCH look at v itself."""
    back = {renaming[n]: n for n in renaming if n == "v"}

    def change(statement: ir.Stmt) -> tuple[ir.Stmt, ...]:
        if isinstance(statement, ir.CallRoutine) and _is_watch(statement):
            return (replace(statement, args=tuple(renamed(a, back) for a in statement.args)),)
        return (statement,)

    return rebuild(body, change) if back else body


def _mentioned_in_receive(mechanism: ir.Mechanism) -> set[str]:
    """Return the names that stand in NET_RECEIVE, its INITIAL included."""
    found = (mechanism.net_receive, mechanism.net_initial)
    return {n for routine in found if routine is not None for n in _mentioned(routine)}


def _mentioned(routine: ir.Routine) -> set[str]:
    """Return the names that stand in a block itself; nocmodl makes a function of its own of a WATCH."""
    found = {n for s in statements(routine.body) if not _is_watch(s) for e in expressions(s) for n in names(e)}
    return found | ir.assigned(routine.body)


def _is_watch(statement: ir.Stmt) -> bool:
    return isinstance(statement, ir.CallRoutine) and statement.name == "WATCH"
