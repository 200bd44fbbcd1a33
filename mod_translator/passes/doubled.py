"""The states with h.secondorder: METHOD sparse and derivimplicit take half a step and go on as fast (deriv.cpp).

Not in the PIPELINE: it is known when a simulation is made.
"""

from __future__ import annotations

from dataclasses import replace

from mod_translator import ir
from mod_translator.passes.walk import blocks, rebuild, statements, with_bodies

_METHODS = ("sparse", "derivimplicit")


def takes_half_steps(mechanism: ir.Mechanism) -> bool:
    """Whether NEURON halves dt in the state update of all equations of this file."""
    routines = (*mechanism.routines.values(), *blocks(mechanism).values())
    return mechanism.halved or any(
        isinstance(s, ir.SolveImplicit) and s.method in _METHODS for r in routines for s in statements(r.body)
    )


def doubled(mechanism: ir.Mechanism) -> ir.Mechanism:
    """The mechanism with every such solve followed by a step as long with the derivatives that it has left."""

    def change(statement: ir.Stmt) -> tuple[ir.Stmt, ...]:
        if isinstance(statement, ir.SolveImplicit) and statement.method in _METHODS:
            statement = replace(statement, doubled=True)
        return (statement,)

    return with_bodies(mechanism, lambda routine: replace(routine, body=rebuild(routine.body, change)))
