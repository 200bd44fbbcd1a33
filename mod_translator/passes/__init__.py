"""The passes between the semantic analysis and the emitter, in their order."""

from __future__ import annotations

from collections.abc import Callable

from mod_translator.ir import Mechanism
from mod_translator.passes.cnexp import cnexp
from mod_translator.passes.context import PassContext
from mod_translator.passes.copies import copies
from mod_translator.passes.effects import effects
from mod_translator.passes.exits import exits
from mod_translator.passes.explicit import explicit
from mod_translator.passes.frozen import frozen
from mod_translator.passes.hints import hints
from mod_translator.passes.hoist import hoist
from mod_translator.passes.implicit import derivimplicit
from mod_translator.passes.inline import inline_solved
from mod_translator.passes.limits import limits
from mod_translator.passes.locals import initialise_locals
from mod_translator.passes.shared import shared
from mod_translator.passes.starts import starts
from mod_translator.passes.streams import streams
from mod_translator.passes.table_constants import table_constants
from mod_translator.passes.tables import tables
from mod_translator.passes.tidy import tidy
from mod_translator.passes.untabled import untabled

Pass = Callable[[Mechanism, PassContext], Mechanism]

PIPELINE: list[Pass] = [
    frozen,
    cnexp,  # before hoist: linearity is decided on the expression as written
    explicit,
    derivimplicit,
    inline_solved,
    hints,
    copies,
    exits,
    untabled,
    hoist,
    streams,
    tidy,
    initialise_locals,
    starts,
    table_constants,
    shared,
    effects,
    tables,
    limits,
]
