"""Names of the NMODL file as names of the Python module."""

from __future__ import annotations

import keyword

from mod_translator import ir
from mod_translator.semantic.names import FUNC_TABLE, INTRINSICS

ENTRY_POINTS = ("initial", "current", "advance", "net_initial", "net_receive", "watch", *ir.BEFORE_AFTER)
RUNTIME_NAMES = frozenset(INTRINSICS) | {
    FUNC_TABLE,
    "as_number",
    "derivimplicit",
    "divide",
    "go_on",
    "derivimplicit_in_order",
    "element",
    "guard",
    "logical_and",
    "logical_not",
    "logical_or",
    "last_row",
    "lookup",
    "loop",
    "make_table",
    "newton",
    "newton_in_order",
    "put",
    "put_at",
    "simeq",
    "sparse",
    "sparse_steady",
    "stack",
    "times",
    "where",
    "whole",
}
WHEN = "when"  # the parameter by which a function is told the condition it is called under
_RESERVED = frozenset((*keyword.kwlist, *keyword.softkwlist, *ENTRY_POINTS, WHEN, "dict", "tuple")) | RUNTIME_NAMES


def python_name(name: str) -> str:
    """Return the name in the module: the user's own, with an underscore behind it where Python or the runtime needs it.

    Different names stay different: `lambda` becomes `lambda_`, and a `lambda_` of the user `lambda__`.
    """
    bare = name.rstrip("_")
    taken = bare in _RESERVED or (name.startswith("__") and name.endswith("__"))
    return f"{name}_" if taken else name


def all_names(mechanism: ir.Mechanism) -> frozenset[str]:
    """Return every name that the file itself uses for a variable, an argument or a routine."""
    names = set(mechanism.symbols) | set(mechanism.routines)
    blocks = (getattr(mechanism, entry) for entry in ENTRY_POINTS)
    for routine in (*mechanism.routines.values(), *(b for b in blocks if b is not None)):
        names.update(routine.args, routine.results, routine.reads, routine.writes)
    return frozenset(names)


def fresh(wanted: str, taken: frozenset[str] | set[str]) -> str:
    """Return the name itself, or with underscores behind it until nobody else has it."""
    while wanted in taken:
        wanted += "_"
    return wanted
