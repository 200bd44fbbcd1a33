"""Start values that INITIAL overwrites before anything reads them are not set."""

from __future__ import annotations

from dataclasses import replace

from mod_translator import ir
from mod_translator.passes.context import PassContext
from mod_translator.passes.effects import Analysis


def starts(mechanism: ir.Mechanism, context: PassContext) -> ir.Mechanism:
    """Remove the leading assignments of INITIAL to a STATE that the rest of INITIAL surely writes before reading it."""
    initial = mechanism.initial
    if initial is None:
        return mechanism
    states = set(mechanism.states)
    count = 0
    for statement in initial.body:
        match statement:
            case ir.Assign(ir.Var(name) | ir.Element(name, _), ir.Num() | ir.Var(), _) if name in states:
                count += 1
            case _:
                break
    analysis = Analysis(mechanism)
    kept = list(initial.body)
    for i in range(count - 1, -1, -1):
        statement = kept[i]
        assert isinstance(statement, ir.Assign)
        rest = analysis.body(replace(initial, body=tuple(kept[i + 1 :])))
        target = statement.target
        element = target.index if isinstance(target, ir.Element) else None
        cell = (target.name, int(element.value) if isinstance(element, ir.Num) else -1)
        if cell in rest.must and cell not in (*rest.reads, *rest.passed):
            del kept[i]
    return replace(mechanism, initial=replace(initial, body=tuple(kept)))
