"""How long the past of a variable is that a LAG asks for: it follows from the delay and dt."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from mod_translator import ir
from mod_translator.passes.walk import blocks, expressions, statements, subexpressions
from mod_translator.semantic.names import LAG_AFTER
from mod_translator.validate import MAX_ELEMENTS
from nrn_diff.bridge.findings import Findings
from nrn_diff.snapshot import MechanismData

_MORE = 8  # nodes at both ends of the delay, and for events


def with_pasts(data: MechanismData, dt: float, findings: Findings) -> MechanismData:
    """The mechanism with room for every LAG: two values in each step (BREAKPOINT and the SOLVEd block), or a delay
    twice as long as the live one where there is one. Refuses what is too long.
    """
    symbols = dict(data.ir.symbols)
    for past, delay in _lags(data.ir).items():
        longest = float(np.max(_live(data, delay), initial=0.0))
        nodes = _MORE + 2 * math.ceil(max(longest, 0.0) / dt)
        if 4 + 2 * nodes > MAX_ELEMENTS:
            findings.refuse(
                f"LAG BY {delay} of {longest:g} ms",
                f"mechanism {data.name}, {data.ir.file}",
                f"a delay of more than {MAX_ELEMENTS // 4} steps of {dt:g} ms",
                "use a larger dt, or a NetCon for the delay",
            )
            continue
        symbols[past] = replace(symbols[past], length=4 + 2 * nodes)
    return data if symbols == data.ir.symbols else replace(data, ir=replace(data.ir, symbols=symbols))


def _live(data: MechanismData, delay: str) -> np.ndarray:
    for values in (data.values, data.globals_):
        if delay in values:
            return np.asarray(values[delay], float)
    return np.array(data.ir.symbols[delay].default)


def _lags(mechanism: ir.Mechanism) -> dict[str, str]:
    """Past -> the name of the delay."""
    found = {}
    for routine in (*mechanism.routines.values(), *blocks(mechanism).values()):
        for part in (p for s in statements(routine.body) for e in expressions(s) for p in subexpressions(e)):
            match part:
                case ir.Call(name, (ir.Var(past), _, _, ir.Var(delay))) if name == LAG_AFTER:
                    found[past] = delay
    return found
