"""Constructs of NMODL, each with a text that has it, by the heading they stand under."""

from __future__ import annotations

from nrn_diff.parity.language import BLOCKS, DECLARATIONS, KINDS, METHODS
from nrn_diff.parity.membrane import EVENTS, IONS, SHARED, TABLES
from nrn_diff.parity.statements import FUNCTIONS, STATEMENTS

NMODL = {
    "Kinds of mechanism": KINDS,
    "Declarations": DECLARATIONS,
    "Blocks": BLOCKS,
    "Equations and methods": METHODS,
    "Statements": STATEMENTS,
    "Functions": FUNCTIONS,
    "Ions and currents": IONS,
    "TABLE": TABLES,
    "Variables that all instances share": SHARED,
    "Events": EVENTS,
}
