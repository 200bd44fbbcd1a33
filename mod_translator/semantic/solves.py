"""SOLVE statements: which block they solve, and whether the METHOD fits it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mod_translator import ir
from mod_translator.semantic.names import ANY_BLOCK_METHODS, METHODS
from mod_translator.syntax import tree

if TYPE_CHECKING:
    from mod_translator.semantic.statements import Lowering

_SOLVED_BY = {"KINETIC": ("sparse",), "LINEAR": ("simeq", ""), "DERIVATIVE": ("cnexp", "derivimplicit", "euler")}


class Solves:
    """Lowers the SOLVE statements of one file."""

    def __init__(self, lowering: Lowering) -> None:
        self.lowering = lowering
        self.context = lowering.context

    def statement(self, solve: tree.Solve) -> tuple[ir.Stmt, ...]:
        """Return what stands for a SOLVE: a call of the routine that solves the block."""
        name = self.context.name(solve.block)
        block = self.lowering.symbols.blocks.get(name)
        if block is None or block.kind in ("FUNCTION", "FUNCTION_TABLE"):
            reason = f"SOLVE {name}, but there is no block {name} to solve"
            self.context.wrong("S160", reason, "define a DERIVATIVE, KINETIC or PROCEDURE block", solve.block)
        elif self._fits(solve, block, name):
            self.lowering.reach(name, solve.block)
            return self._call(solve, block, name)
        return ()

    def _fits(self, solve: tree.Solve, block: tree.Block, name: str) -> bool:
        method = solve.method
        if method and method not in (*METHODS[block.kind], *ANY_BLOCK_METHODS):
            allowed = ", ".join(METHODS[block.kind]) or "none"
            reason = f"METHOD {method} cannot solve the {block.kind} {name}"
            self.context.wrong("S161", reason, f"methods for a {block.kind}: {allowed}", solve.block)
        elif block.kind == "PROCEDURE" and block.args:
            self.context.wrong("S162", f"SOLVE {name}, which takes arguments", "remove the arguments", solve.block)
        elif block.kind not in ("PROCEDURE", *_SOLVED_BY):
            remedy = "write the equations as a DERIVATIVE block with METHOD derivimplicit"
            self.context.unsupported("U160", f"the {block.kind} block {name}", remedy, solve.block)
        elif solve.steady and block.kind != "KINETIC":
            remedy = "write the steady state as a formula in INITIAL"
            self.context.unsupported("U161", f"SOLVE {name} STEADYSTATE of a {block.kind}", remedy, solve.block)
        elif block.kind in _SOLVED_BY and method not in _SOLVED_BY[block.kind]:
            allowed = " or ".join(m for m in _SOLVED_BY[block.kind] if m)
            reason = f"a {block.kind} block with {f'METHOD {method}' if method else 'no METHOD'}"
            self.context.unsupported("U162", reason, f"use METHOD {allowed}", solve.block)
        else:
            return True
        return False

    def _call(self, solve: tree.Solve, block: tree.Block, name: str) -> tuple[ir.Stmt, ...]:
        routines = self.lowering.routines
        routine = routines.get(name)
        if routine is None:  # it calls itself: refused
            return ()
        loc = self.context.loc(solve.block)
        if block.kind == "DERIVATIVE":
            if routine.method not in ("", solve.method):
                reason = f"{name} is SOLVEd by {routine.method} and by {solve.method}"
                self.context.wrong("S163", reason, "use one METHOD", solve.block)
            routines[name] = replace(routine, method=solve.method)
        elif solve.steady:
            return tuple(replace(s, steady=True) for s in routine.body if isinstance(s, ir.SolveImplicit))
        return (ir.CallRoutine(name, (), loc),)
