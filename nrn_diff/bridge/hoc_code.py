"""Whether a redefined advance() or step() only does what NEURON's does, and draws.

Many models redefine advance() as `fadvance()`, `g.plot(t)`, `g.flush()`, `doNotify()`. What HOC made of it is a list
of NEURON's own functions and their operands (src/oc/code.cpp): every one of them must be known to change nothing.
"""

from __future__ import annotations

from neuron import h

from nrn_diff.bridge.native import function_name, procedure_code, symbol_name

# Functions of the HOC machine that only read, compute, print, or call what is looked at by itself.
_HARMLESS = frozenset(
    ["hoc_objectvar", "hoc_varpush", "hoc_eval", "hoc_constpush", "hoc_push_string", "hoc_object_component",
     "hoc_object_eval", "hoc_nopop", "hoc_cmp_otype", "hoc_known_type", "hoc_call", "hoc_procret", "hoc_bltin",
     "hoc_prexpr", "hoc_prstr", "hoc_newline", "hoc_add", "hoc_sub", "hoc_mul", "hoc_div", "hoc_negate", "hoc_power",
     "rangevareval", "sec_access_push", "range_const"]
)  # fmt: skip
_PRINTING = frozenset({"hoc_prexpr", "hoc_prstr", "hoc_newline"})
_DRAWING = frozenset({"plot", "flush", "fastflush", "begin", "mark", "exec_menu"})
_CANVASES = ("Graph[", "PlotShape[", "Shape[", "RangeVarPlot[")


def only_advances_and_draws(name: str, *, prints: bool = True) -> bool:
    """Whether the HOC procedure calls fadvance() once and besides that changes nothing of the model.

    prints: whether it may also print.
    """
    return _advances(name, frozenset(), _HARMLESS if prints else _HARMLESS - _PRINTING) == 1


def _advances(name: str, within: frozenset[str], harmless: frozenset[str]) -> int | None:
    """How often a procedure calls fadvance(); None if it may change anything or branches."""
    code = procedure_code(name)
    if not code or name in within:  # a built-in function has no code
        return None
    count, receiver = 0, ""
    for word, operand in zip(code, (*code[1:], 0), strict=True):
        function = function_name(word)
        if function is None:  # an operand
            continue
        if function not in harmless:
            return None
        if function == "hoc_objectvar":
            receiver = symbol_name(operand)
        elif function == "hoc_object_component" and not (symbol_name(operand) in _DRAWING and _is_canvas(receiver)):
            return None
        elif function == "hoc_call":
            called = symbol_name(operand)
            if called == "doNotify":
                continue
            more = 1 if called == "fadvance" else _advances(called, within | {name}, harmless)
            if more is None:
                return None
            count += more
    return count


def _is_canvas(name: str) -> bool:
    """Whether the live object of that name draws."""
    live = getattr(h, name, None)
    return live is not None and str(live).startswith(_CANVASES)
