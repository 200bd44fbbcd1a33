"""IR -> one readable Python module for each mechanism; see README.md."""

from __future__ import annotations

from mod_translator import ir
from mod_translator.emit.interface import Interface, TableParameter
from mod_translator.emit.module import emit
from mod_translator.emit.names import python_name

__all__ = ["TableParameter", "emit", "python_name", "signature", "tables"]


def signature(mechanism: ir.Mechanism, routine: ir.Routine) -> tuple[str, ...]:
    """Return what a function of the module takes besides its arguments, by the names of the file.

    File-level variables first, then tables (`<routine>_table`, None for usetable 0). Keywords are `python_name(name)`.
    """
    return Interface(mechanism).inputs(routine)


def tables(mechanism: ir.Mechanism) -> tuple[TableParameter, ...]:
    """Return the tables that the blocks take, and how each is filled."""
    return Interface(mechanism).tables
