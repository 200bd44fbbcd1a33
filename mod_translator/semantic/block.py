"""The block under work, and blocks of one kind made one."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from mod_translator import ir
from mod_translator.semantic.kinetic import Kinetic
from mod_translator.semantic.scope import Scope
from mod_translator.semantic.simultaneous import Simultaneous
from mod_translator.syntax import tree


@dataclass
class Block:
    """The block under work and what its statements ask of the mechanism around it."""

    kind: str
    scope: Scope
    token: int | None = None
    starts: bool = False  # of a NET_RECEIVE, the INITIAL in it
    solves: list[tree.Solve] = field(default_factory=list)
    conductances: list[ir.Current] = field(default_factory=list)
    equations: Kinetic | Simultaneous | None = None
    assigned: set[str] = field(default_factory=set)  # so far
    tables: list[tree.TableStatement] = field(default_factory=list)
    net_initial: list[tree.Body] = field(default_factory=list)
    running: str = ""  # the local that a C return before the end of the routine sets to 0
    repeating: int = 0  # loops around that run as often as is only known at run time
    going: list[str] = field(default_factory=list)  # of each FROM loop around: what a break sets to 0 ('': none yet)


def concatenated(blocks: list[tree.Block]) -> tree.Block | None:
    """Return INITIAL or BREAKPOINT blocks as one, as nocmodl does; None if there is none."""
    if not blocks:
        return None
    if len(blocks) == 1:
        return blocks[0]
    return replace(blocks[0], body=tuple(tree.Nested(b.body) for b in blocks))
