"""IR -> one readable Python module for each mechanism; see README.md."""

from __future__ import annotations

from collections.abc import Iterator

from mod_translator import ir
from mod_translator.emit.history import carried_by
from mod_translator.emit.interface import Interface, TableParameter
from mod_translator.emit.module import emit
from mod_translator.emit.names import python_name
from mod_translator.errors import UnsupportedConstruct
from mod_translator.passes.walk import statements

__all__ = ["TableParameter", "emit", "python_name", "refusals", "signature", "tables"]


def refusals(mechanism: ir.Mechanism) -> Iterator[UnsupportedConstruct]:
    """What `emit` refuses of a mechanism that is no artificial cell, found without printing it."""
    interface = Interface(mechanism)
    for routine in (*mechanism.routines.values(), *interface.entries.values()):
        try:
            if routine.table is not None:
                interface.table_variables(routine)
            for statement in statements(routine.body):
                if isinstance(statement, ir.SolveImplicit):
                    carried_by(interface, interface.routine(statement.rates), statement)
        except UnsupportedConstruct as error:
            yield error


def signature(mechanism: ir.Mechanism, routine: ir.Routine) -> tuple[str, ...]:
    """Return what a function of the module takes besides its arguments, by the names of the file.

    File-level variables first, then tables (`<routine>_table`, None for usetable 0). Keywords are `python_name(name)`.
    """
    return Interface(mechanism).inputs(routine)


def tables(mechanism: ir.Mechanism) -> tuple[TableParameter, ...]:
    """Return the tables that the blocks take, and how each is filled."""
    return Interface(mechanism).tables
