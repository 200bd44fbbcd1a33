"""SOLVE statements: which block they solve, and whether the METHOD fits it. Source: nocmodl's solve.cpp."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mod_translator import ir
from mod_translator.passes.cnexp import CALLED
from mod_translator.passes.explicit import AGAIN, CALLED_IMPLICIT, EVALUATE
from mod_translator.passes.walk import fresh
from mod_translator.semantic.earlier import refused
from mod_translator.semantic.names import ANY_BLOCK_METHODS, METHODS
from mod_translator.syntax import tree

if TYPE_CHECKING:
    from mod_translator.semantic.statements import Lowering

EXPLICIT = ("euler", "runge")
_ONCE_MORE = {"DERIVATIVE": ("runge",), "KINETIC": EXPLICIT}  # BREAKPOINT evaluates the block again after the step
_SOLVED_BY = {
    "KINETIC": ("sparse", *EXPLICIT),
    "LINEAR": ("simeq", ""),
    "NONLINEAR": ("newton", ""),
    "DERIVATIVE": ("cnexp", "derivimplicit", *EXPLICIT, ""),
}
_DEFAULT = {"LINEAR": "simeq", "NONLINEAR": "newton", "DERIVATIVE": EVALUATE}
# What a call of a DERIVATIVE does, by the METHOD that SOLVEs it.
_DOES_WHEN_CALLED = {
    "cnexp": CALLED,
    **dict.fromkeys((*EXPLICIT, EVALUATE), AGAIN),
    "derivimplicit": CALLED_IMPLICIT,
}


class Solves:
    """Lowers the SOLVE statements of one file."""

    def __init__(self, lowering: Lowering) -> None:
        self.lowering = lowering
        self.context = lowering.context
        self.called: dict[str, tuple[str, str]] = {}  # DERIVATIVE blocks that are called: where, and the routine of it
        self.schemes: dict[str, bool] = {}  # KINETIC blocks that METHOD sparse solves: whether BREAKPOINT does
        self.moves_time = False  # BREAKPOINT solves a DISCRETE block
        self.halved = False  # some SOLVE of BREAKPOINT takes half a step with h.secondorder

    def statement(self, solve: tree.Solve, *, stepping: bool = False, alone: bool = False) -> tuple[ir.Stmt, ...]:
        """Return what stands for a SOLVE: a call of the routine that solves the block.

        stepping: in BREAKPOINT; alone: as the only one there.
        """
        name = self.context.name(solve.block)
        block = self.lowering.symbols.blocks.get(name)
        if block is None or block.kind in ("FUNCTION", "FUNCTION_TABLE"):
            reason = f"SOLVE {name}, but there is no block {name} to solve"
            self.context.wrong("S160", reason, "define a DERIVATIVE, KINETIC or PROCEDURE block", solve.block)
        elif block.kind == "DISCRETE" and refused(self.lowering, solve, stepping=stepping, alone=alone):
            pass
        elif self._fits(solve, block, name):
            method = ("" if solve.method in ANY_BLOCK_METHODS else solve.method) or _DEFAULT.get(block.kind, "")
            if method == EVALUATE:
                self.context.note(
                    f"NEURON does not advance the states of {name}: there is no METHOD for it", solve.block
                )
            if self.lowering.methods.setdefault(name, method) != method:
                reason = f"{name} is SOLVEd by {self.lowering.methods[name]} and by {method}"
                self.context.wrong("S163", reason, "use one METHOD", solve.block)
            self.lowering.reach(name, solve.block)
            if block.kind == "KINETIC" and method == "sparse":
                self.schemes[name] = stepping or self.schemes.get(name, False)
            return self._call(solve, block, name, stepping)
        return ()

    def _fits(self, solve: tree.Solve, block: tree.Block, name: str) -> bool:
        method = "" if solve.method in ANY_BLOCK_METHODS else solve.method
        if method and method not in METHODS[block.kind]:
            allowed = ", ".join((*METHODS[block.kind], *ANY_BLOCK_METHODS))
            reason = f"METHOD {method} cannot solve the {block.kind} {name}: NEURON's nocmodl rejects it"
            self.context.wrong("S161", reason, f"methods for a {block.kind}: {allowed}", solve.block)
        elif block.kind == "PROCEDURE" and block.args:
            self.context.wrong("S162", f"SOLVE {name}, which takes arguments", "remove the arguments", solve.block)
        elif solve.steady and (block.kind == "DERIVATIVE" or (block.kind == "KINETIC" and method != "sparse")):
            does = "does not compile it"
            if method == "derivimplicit":
                does = "takes one step of 1e-9 ms, which is no steady state, and mostly stops for want of convergence"
            remedy = "write the steady state as a formula in INITIAL, or the equations as KINETIC, STEADYSTATE sparse"
            self.context.unsupported("U161", f"SOLVE {name} STEADYSTATE {method}: NEURON {does}", remedy, solve.block)
        elif block.kind in _SOLVED_BY and method not in _SOLVED_BY[block.kind]:
            reason = (
                f"a {block.kind} block with METHOD {method or solve.method or '_advance'}: NEURON has no solver of it"
            )
            self.context.unsupported("U162", reason, f"use METHOD {_SOLVED_BY[block.kind][0]}", solve.block)
        else:
            return True
        return False

    def _call(self, solve: tree.Solve, block: tree.Block, name: str, stepping: bool) -> tuple[ir.Stmt, ...]:
        routines = self.lowering.routines
        routine = routines.get(name)
        if routine is None:  # it calls itself: refused
            return ()
        loc = self.context.loc(solve.block)
        method = self.lowering.methods[name]
        if block.kind == "DERIVATIVE":
            routine = routines[name] = replace(routine, method=method)
        elif solve.steady and block.kind == "KINETIC":
            return tuple(replace(s, steady=True) for s in routine.body if isinstance(s, ir.SolveImplicit))
        self.moves_time |= block.kind == "DISCRETE"
        self.halved |= stepping and method in (*EXPLICIT, EVALUATE)
        if not stepping or method not in _ONCE_MORE.get(block.kind, ()):
            return (ir.CallRoutine(name, (), loc),)
        again = fresh(f"{name}_again", {*routines, *self.lowering.symbols.table, *self.lowering.symbols.blocks})
        routines[again] = replace(routine, name=again, method=AGAIN)
        return (ir.CallRoutine(name, (), loc), ir.CallRoutine(again, (), loc))

    def call(self, name: str, marked: str) -> tuple[ir.Stmt, ...]:
        """Return the call of a DERIVATIVE; what it does depends on its METHOD, which `finish_called` knows."""
        routines = self.lowering.routines
        if name not in self.called:
            self.lowering.reach(name, marked)
            alias = fresh(f"{name}_called", {*routines, *self.lowering.symbols.table, *self.lowering.symbols.blocks})
            self.called[name] = marked, alias
            routines[alias] = ir.Routine(alias, "DERIVATIVE", ())  # callees come before their callers
        return (ir.CallRoutine(self.called[name][1], (), self.context.loc(marked)),)

    def finish_called(self) -> None:
        """Give each DERIVATIVE that is called what nocmodl's function does: a step (cnexp), or evaluations."""
        for name, (marked, alias) in self.called.items():
            method = self.lowering.methods.get(name, "")
            routine = self.lowering.routines.get(name)
            if method not in _DOES_WHEN_CALLED or routine is None:
                reason = f"the DERIVATIVE {name} is called, and SOLVEd by {method or 'nothing'}"
                remedy = f"SOLVE {name} in BREAKPOINT, or write a PROCEDURE"
                self.context.unsupported("U165", reason, remedy, marked)
            else:
                does = _DOES_WHEN_CALLED[method]  # what secondorder adds stands at the SOLVE
                self.lowering.routines[alias] = replace(routine, name=alias, method=does)

    def finish_schemes(self) -> None:
        """Refuse a KINETIC block that BREAKPOINT steps before another one in the text: nocmodl prints it several times.

        The states that such a step starts from are 0 then.
        """
        in_text = [name for name in self.lowering.symbols.blocks if name in self.schemes]
        for name in in_text[:-1]:
            if self.schemes[name]:
                self.context.unsupported(
                    "U198",
                    f"METHOD sparse of {name}, with another KINETIC block after it: NEURON forgets its states",
                    "put all reactions in one KINETIC block",
                    self.lowering.symbols.blocks[name].name,
                )
