"""What a script's own init() may do that is not reproduced to the bit, found before anything runs."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mod_translator import ir
from mod_translator.passes.walk import blocks, expressions, statements, subexpressions
from mod_translator.semantic.names import LAG_AFTER
from nrn_diff.errors import Refusal
from nrn_diff.own_init import (
    Assignments,
    Currents,
    Formula,
    Guard,
    Initialise,
    OwnInit,
    Phase,
    RecordStart,
    Reference,
    SetTime,
    Steps,
)
from nrn_diff.snapshot import Capture
from nrn_diff.solver.assign import SETTABLE
from nrn_diff.solver.fill_tables import is_refilled, why_not_refilled
from nrn_diff.solver.formulas import unknown
from nrn_diff.solver.play_group import PlayGroup
from nrn_diff.solver.structure import MechanismStructure, Place

_WHERE = "init() of the script"
_READ = SETTABLE | {"t", "inside", "circuit"}


def refusals(
    capture: Capture, own: OwnInit, mechanisms: tuple[MechanismStructure, ...], plays: tuple[PlayGroup, ...]
) -> Iterator[Refusal]:
    """Everything that stands in the way."""
    yield from _order(capture, own)
    for phase in own.phases:
        match phase:
            case Assignments(target, value):
                yield from _target(target, capture, mechanisms, plays)
                yield from _formula(value, len(target.index), capture, mechanisms)
            case Initialise(v) if v is not None:
                yield from _formula(v, 1, capture, mechanisms)
            case Guard(condition, _, _):
                yield from _formula(condition, 1, capture, mechanisms)
    if any(isinstance(phase, Steps) for phase in own.phases):
        yield from _steps(capture, own, mechanisms)
    if sum(isinstance(phase, Initialise) for phase in own.phases) > 1:
        yield from _twice(capture, mechanisms)


def _refusal(what: str, why: str, remedy: str = "") -> Refusal:
    return Refusal(what, _WHERE, why, remedy)


def _order(capture: Capture, own: OwnInit) -> Iterator[Refusal]:
    started, recording, t = False, True, 0.0
    for k, phase in enumerate(own.phases):
        if isinstance(phase, Currents | Steps | RecordStart) and not started:
            yield _refusal(_name(phase), "it comes before finitialize(), which is not supported", "call it afterwards")
        match phase:
            case Initialise():
                started, recording, t = True, True, 0.0
            case SetTime(time):
                t = time
            case Steps():
                recording, t = False, phase.end(t)
            case RecordStart():
                recording = True
                yield from _records_anew(capture, own.phases[k + 1 :])
    if not started:
        yield _refusal("init()", "it does not call finitialize()", "call finitialize(v_init) in it")
    if t != 0.0:
        yield _refusal("init()", f"it leaves t at {t:g} ms, and runs from there are not supported", "set t = 0 in it")
    if not recording and capture.records:
        yield _refusal(
            "fadvance()",
            "Vectors would hold samples of the steps that init() makes too",
            "call frecord_init() after it",
        )


def _records_anew(capture: Capture, rest: tuple[Phase, ...]) -> Iterator[Refusal]:
    for record in capture.records:
        if record.kind in ("membrane", "artificial"):
            yield _refusal(
                f"frecord_init() with {record.label} recorded",
                "what it holds at that moment is not reproduced",
                "leave frecord_init() out, or do not record it",
            )
        if not record.every_step and any(isinstance(p, Assignments | Currents) for p in rest):
            yield _refusal(
                f"frecord_init() with {record.label} recorded at given times",
                "its first sample is taken in the first step only, after what init() sets meanwhile",
                "call frecord_init() at the end of init()",
            )


def _formula(
    formula: Formula, n: int, capture: Capture, mechanisms: tuple[MechanismStructure, ...]
) -> Iterator[Refusal]:
    for name in unknown(formula.expression, formula.operands):
        yield _refusal(f"a formula with {name}", "it is not known", "compute it beforehand")
    for name, operand in formula.operands.items():
        if isinstance(operand, Reference):
            if operand.kind not in _READ or not _exists(operand, capture, mechanisms):
                yield _refusal(f"{name} in a formula", "the model does not hold this variable", "compute it beforehand")
            continue
        if np.shape(operand) not in ((), (1,), (n,)):
            yield _refusal(f"{name} in a formula", f"it has {np.size(operand)} numbers for {n} places")


def _target(
    target: Reference, capture: Capture, mechanisms: tuple[MechanismStructure, ...], plays: tuple[PlayGroup, ...]
) -> Iterator[Refusal]:
    place = Place(target.kind, target.owner, target.variable, target.element)
    name = f"{target.variable}_{target.owner}" if target.owner else target.variable or target.kind
    if target.kind not in SETTABLE or not _exists(target, capture, mechanisms):
        yield _refusal(f"{name}, which it sets", "the model does not hold this variable", "set it before the run")
    if any((p.source, p.variable, p.element) == (place.source, place.variable, place.element) for p in plays):
        yield _refusal(f"{name}, which it sets", "a Vector is played into it", "play into it or set it, not both")
    if len(np.unique(target.index)) < len(target.index):
        yield _refusal(f"{name}, which it sets", "it is set twice at once", "set it once")
    yield from _tables(place, f"{name}, which it sets", mechanisms)


def _tables(place: Place, what: str, mechanisms: tuple[MechanismStructure, ...]) -> Iterator[Refusal]:
    for m in mechanisms:
        why = why_not_refilled(m, place) if is_refilled(m, place) else ""
        if why:
            yield Refusal(what, f"mechanism {m.name}, {m.ir.file}", why, f"h.usetable_{m.name} = 0")


def _exists(reference: Reference, capture: Capture, mechanisms: tuple[MechanismStructure, ...]) -> bool:
    if reference.kind == "weight":
        targets = {c.index: c.target for c in capture.connections}
        found = {targets.get(int(k), "") for k in reference.index}
        return len(found) == 1 and "" not in found
    if reference.kind not in ("mechanism", "global"):
        return True
    mine = next((m for m in mechanisms if m.name == reference.owner), None)
    symbol = None if mine is None else mine.ir.symbols.get(reference.variable)
    if mine is None or symbol is None:
        return False
    if reference.kind == "global":
        return symbol.role is ir.Role.GLOBAL or reference.variable in mine.ir.shared
    return symbol.role is ir.Role.INSTANCE or reference.variable in mine.own_currents


def _steps(capture: Capture, own: OwnInit, mechanisms: tuple[MechanismStructure, ...]) -> Iterator[Refusal]:
    t, late = 0.0, False
    for phase in own.phases:
        match phase:
            case Initialise():
                t = 0.0
            case SetTime(time):
                t = time
            case Steps():
                t = phase.end(t)
                late |= t > 0.0
    what = "fadvance()"
    if late and (capture.trains or capture.courses or capture.connections):
        yield _refusal(
            what, "events may be due in the steps that init() makes after t = 0", "let them end by t = 0 (t = -1e10)"
        )
    if capture.plays:
        yield _refusal(what, "Vectors are played while init() makes steps, which is not supported", "play none")
    for m in mechanisms:
        where, why = f"mechanism {m.name}, {m.ir.file}", ""
        if m.agenda is not None:
            why = "it has events of its own (net_send, WATCH, net_event), which might come in the steps of init()"
        elif m.ticks is not None or _lags(m.ir):
            why = "its DISCRETE block or LAG depends on dt, which init() changes"
        if why:
            yield Refusal(what, where, why, "leave the steps out of init()")
    yield from _tables(Place("dt"), "fadvance() with another dt", mechanisms)


def _lags(mechanism: ir.Mechanism) -> bool:
    routines = (*mechanism.routines.values(), *blocks(mechanism).values())
    parts = (p for r in routines for s in statements(r.body) for e in expressions(s) for p in subexpressions(e))
    return any(isinstance(p, ir.Call) and p.name == LAG_AFTER for p in parts)


def _twice(capture: Capture, mechanisms: tuple[MechanismStructure, ...]) -> Iterator[Refusal]:
    """What a second finitialize finds that is not followed here."""
    what, remedy = "finitialize(), more than once", "call finitialize() once"
    if capture.trains or capture.courses:
        yield _refusal(what, "artificial cells may go on where the first has left their random numbers", remedy)
    for m in mechanisms:
        where = f"mechanism {m.name}, {m.ir.file}"
        read = {
            n for key in ("before_initial", "initial", "after_initial") if key in m.blocks for n in m.blocks[key].inputs
        }
        if read & m.own_currents:
            yield Refusal(what, where, f"INITIAL reads {min(read & m.own_currents)}, which BREAKPOINT has left", remedy)
        written = {n for block in m.blocks.values() for n in block.outputs}
        for table in m.tables if m.use_table else ():
            statement = m.ir.routines[table.routine].table
            assert statement is not None
            taken = {*table.inputs, *table.leaves_inputs} - set(statement.depend)
            if table.leaves or statement.of_filler or taken & written:
                why = f"the TABLE of {table.routine} would be filled again with what the first has left"
                yield Refusal(what, where, why, f"h.usetable_{m.name} = 0")


def _name(phase: Phase) -> str:
    return {Currents: "fcurrent()", Steps: "fadvance()", RecordStart: "frecord_init()"}[type(phase)]
