"""A parsed file to a Mechanism: which block becomes which routine, and everything that is refused or dropped."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

from mod_translator import ir
from mod_translator.passes.walk import calls, expressions, names, statements
from mod_translator.semantic.block import Block, concatenated
from mod_translator.semantic.constructor import left_unseen
from mod_translator.semantic.context import Context
from mod_translator.semantic.earlier import declare_earlier, filled
from mod_translator.semantic.lag import finish, forgetting
from mod_translator.semantic.names import DISCONTINUITY_ALLOWED, NOT_THREAD_SAFE
from mod_translator.semantic.statements import Lowering
from mod_translator.semantic.symbols import Symbols, assigned_names, collect, six_digits
from mod_translator.syntax import tree

_KINDS = {k.value: k for k in ir.Kind}


def analyse(file: tree.File, context: Context) -> ir.Mechanism:
    """Return the mechanism of a file before any pass; what is wrong or refused goes to the context's report."""
    return _Analysis(file, context).run()


class _Analysis:
    def __init__(self, file: tree.File, context: Context) -> None:
        self.file = file
        self.context = context
        self.symbols: Symbols = collect(file, context)
        declare_earlier(self.symbols, context)
        self.lower = Lowering(context, self.symbols)

    def run(self) -> ir.Mechanism:
        name, kind = self._suffix()
        initial = self._initial()
        breakpoint_, solves, conductances = self._breakpoint()
        current, advance = self._split(breakpoint_, solves)
        receive, net_initial = self._net_receive()
        around = self._before_and_after()
        self._other_blocks((initial, current, advance, receive, net_initial, *around.values()))
        self.lower.solves.finish_called()
        self.lower.solves.finish_schemes()
        self._tables_filled_anyway(kind)
        self._unreached()
        if "before_initial" in around:
            around["before_initial"] = forgetting(self.lower, around["before_initial"])
        else:
            initial = forgetting(self.lower, initial)
        finish(self.lower, thread_safe=self._thread_safe())
        return ir.Mechanism(
            name,
            kind,
            self.symbols.table,
            self.symbols.ions,
            self.symbols.currents,
            self.lower.routines,
            initial,
            current,
            advance,
            receive,
            net_initial,
            title=self.context.source.title,
            file=self.context.source.file,
            conductances=conductances,
            diffusions=tuple(self.lower.diffusions),
            thread_safe=self._thread_safe(),
            halved=self.lower.solves.halved,
            moves_time=self.lower.solves.moves_time,
            **around,
        )

    def _suffix(self) -> tuple[str, ir.Kind]:
        if self.file.suffix is None and self.context.source.file:
            return Path(self.context.source.file).stem, ir.Kind.DENSITY  # as nocmodl names it
        if self.file.suffix is None:
            self.context.wrong("S101", "no SUFFIX, POINT_PROCESS or ARTIFICIAL_CELL", "add one to the NEURON block")
            return "", ir.Kind.DENSITY
        keyword, marked = (self.file.suffix[0], self.file.suffix[1])
        name = self.context.name(marked)
        if name == ir.LIBRARY:
            self.context.note("SUFFIX nothing: a library of HOC functions, nothing to simulate", marked)
        return name, _KINDS[self.context.name(keyword)]

    def _of(self, *kinds: str) -> list[tree.Block]:
        return [b for b in self.file.blocks if b.kind in kinds]

    # ---------------------------------------------------------------------------------------------------- INITIAL

    def _initial(self) -> ir.Routine | None:
        block = concatenated(self._of("INITIAL"))
        starts = self._starts()
        if block is None and not starts:
            return None
        body: tuple[ir.Stmt, ...] = ()
        loc = None
        if block is not None:
            self.context.block_token = block.token
            work = Block("INITIAL", self.lower.scope(), block.token)
            body = self.lower.body(block.body, work)
            loc = self.context.source.loc(block.token)
        return ir.Routine("initial", "INITIAL", (*starts, *body), loc=loc)

    def _starts(self) -> tuple[ir.Stmt, ...]:
        """Return the statements that give every STATE its start value, as NEURON does before INITIAL."""
        out: list[ir.Stmt] = []
        values: dict[str, ir.Expr] = {}
        for name, text in self.symbols.starts.items():
            symbol = self.symbols.table[name]
            if symbol.block != "STATE" or symbol.role is ir.Role.ION:
                continue
            value: ir.Expr = ir.Num(six_digits(text), text or "0")
            declared = self.symbols.table.get(f"{name}0")
            if declared is not None and declared.block == "PARAMETER" and not declared.length:
                value = ir.Var(f"{name}0")
            values[name] = value
            loc = symbol.loc or ir.Loc(1)
            if not symbol.length:
                out.append(ir.Assign(ir.Var(name), value, loc))
            for i in range(symbol.length):
                out.append(ir.Assign(ir.Element(name, ir.Num(float(i), str(i))), value, loc))
        return (*filled(self.symbols, values), *out)

    # ------------------------------------------------------------------------------------------------- BREAKPOINT

    def _breakpoint(self) -> tuple[ir.Routine | None, list[tree.Solve], tuple[ir.Current, ...]]:
        block = concatenated(self._of("BREAKPOINT"))
        if block is None:
            return None, [], ()
        self.context.block_token = block.token
        work = Block("BREAKPOINT", self.lower.scope(), block.token)
        body = self.lower.body(block.body, work)
        self.context.block_token = block.token
        hints = tuple(work.conductances) if self._thread_safe() else ()
        routine = ir.Routine("current", "BREAKPOINT", body, loc=self.context.source.loc(block.token))
        return routine, work.solves, hints

    def _thread_safe(self) -> bool:
        """Return whether nocmodl prints the thread-safe form of the file; the other one has no use for CONDUCTANCE."""
        if DISCONTINUITY_ALLOWED in self.symbols.table:
            return False
        if self.file.threadsafe and not self._of("LINEAR", "NONLINEAR", "DISCRETE"):
            return True
        shared = {n for n, s in self.symbols.table.items() if s.role is ir.Role.GLOBAL and s.visible}
        return not (
            self.context.source.verbatim
            or self.symbols.pointers
            or self.symbols.externals
            or self._of("LINEAR", "NONLINEAR", "DISCRETE")
            or any(a.text in NOT_THREAD_SAFE and b.text == "(" for a, b in pairwise(self.context.source.tokens))
            or any(self.context.name(n) in shared for b in self.file.blocks for n in assigned_names(b.body))
        )

    def _split(
        self, routine: ir.Routine | None, solves: list[tree.Solve]
    ) -> tuple[ir.Routine | None, ir.Routine | None]:
        """Return what NEURON runs as current and as state update.

        Without currents NEURON runs all of BREAKPOINT in the state update, after the SOLVEd blocks.
        """
        advance: list[ir.Stmt] = []
        for solve in solves:
            advance += self.lower.solves.statement(solve, stepping=True, alone=len(solves) == 1)
        diffuse = self._diffusion()
        if routine is None:
            return None, None
        loc = self.context.loc(solves[0].block) if solves else routine.loc
        if not self.symbols.currents:
            body = (*advance, *routine.body, *diffuse)
            return None, ir.Routine("advance", "SOLVE", body, loc=loc) if body else None
        body = (*advance, *diffuse)
        return routine, ir.Routine("advance", "SOLVE", body, loc=loc) if solves or diffuse else None

    def _diffusion(self) -> tuple[ir.Stmt, ...]:
        """Return what computes the coefficients of LONGITUDINAL_DIFFUSION.

        NEURON does so after the state update of all mechanisms; here it is done in that of the mechanism itself.
        """
        found: set[str] = set()
        waiting = tuple(self.lower.diffuse)
        seen: set[str] = set()
        while waiting:
            found |= {n for s in statements(waiting) for e in expressions(s) for n in names(e)}
            called = {c for c in calls(waiting) if c in self.lower.routines} - seen
            seen |= called
            waiting = tuple(s for c in sorted(called) for s in self.lower.routines[c].body)
        diffusing = {d.state for d in self.lower.diffusions}
        foreign = {n for n, s in self.symbols.table.items() if s.role in (ir.Role.ION, ir.Role.POINTER)}
        for name in sorted(found & (diffusing | foreign)):
            self.context.unsupported(
                "U168",
                f"LONGITUDINAL_DIFFUSION or its COMPARTMENT with {name}, which others change or which diffuses itself",
                "use variables of this mechanism that do not diffuse",
            )
        return tuple(self.lower.diffuse)

    # ------------------------------------------------------------------------------------------------ NET_RECEIVE

    def _net_receive(self) -> tuple[ir.Routine | None, ir.Routine | None]:
        blocks = self._of("NET_RECEIVE")
        if not blocks:
            return None, None
        block = blocks[0]
        if len(blocks) > 1:
            self.context.wrong(
                "S164", "two NET_RECEIVE blocks", "keep one", blocks[1].args[0][0] if blocks[1].args else ""
            )
        if not block.args:
            self.context.block_token = block.token
            self.context.wrong("S165", "NET_RECEIVE without an argument", "give it one: NET_RECEIVE (weight)")
        receive, inner = self._receiver(block, block.body, "net_receive")
        initial = None
        if inner:
            body = tuple(tree.Nested(b) for b in inner)
            initial, _ = self._receiver(block, body, "net_initial")
        return receive, initial

    def _receiver(self, block: tree.Block, body: tree.Body, name: str) -> tuple[ir.Routine, list[tree.Body]]:
        self.context.block_token = block.token
        work = Block("NET_RECEIVE", self.lower.scope(), block.token, starts=name == "net_initial")
        args = tuple(work.scope.declare(self.context.name(a)) for a, _ in block.args)
        start: tuple[ir.Stmt, ...] = ()
        if work.scope.find("flag") is None:
            work.scope.bind_to("flag", ir.Var("flag"))
        if "flag" in {self.context.name(n) for n in assigned_names(body)} and "flag" not in args:
            own = work.scope.declare("flag")
            start = (ir.Assign(ir.Var(own), ir.Var("flag"), self.context.source.loc(block.token)),)
        statements = (*start, *self.lower.body(body, work))
        assigned = ir.assigned(statements)
        routine = ir.Routine(
            name,
            "NET_RECEIVE" if name == "net_receive" else "INITIAL",
            statements,
            args,
            results=tuple(a for a in args if a in assigned),
            arg_units=tuple(unit for _, unit in block.args),
            loc=self.context.source.loc(block.token),
        )
        return routine, work.net_initial

    # ------------------------------------------------------------------------------------------------------ rest

    def _before_and_after(self) -> dict[str, Any]:
        """Return the BEFORE and AFTER blocks by their field; NEURON runs those of a kind one after the other."""
        found: dict[str, ir.Routine] = {}
        for block in self._of("BEFORE", "AFTER"):
            self.context.block_token = block.token
            what = f"{block.kind} {block.name}"
            field = what.replace(" ", "_").lower()
            if field not in ir.BEFORE_AFTER or self.symbols.artificial:
                reason = f"a {what} block" + (" of an ARTIFICIAL_CELL" if self.symbols.artificial else "")
                self.context.unsupported("U163", f"{reason}, which NEURON does not run", "move it to another block")
                continue
            body = self.lower.body(block.body, Block(what, self.lower.scope(), block.token))
            before = found[field].body if field in found else ()
            loc = found[field].loc if field in found else self.context.source.loc(block.token)
            found[field] = ir.Routine(field, what, (*before, *body), loc=loc)
        return found

    def _other_blocks(self, found: tuple[ir.Routine | None, ...]) -> None:
        """Leave CONSTRUCTOR and DESTRUCTOR out. found: the other blocks."""
        routines = (*self.lower.routines.values(), *(r for r in found if r is not None))
        used = {n for r in routines for s in statements(r.body) for e in expressions(s) for n in names(e)}
        for block in self._of("CONSTRUCTOR", "DESTRUCTOR"):
            self.context.block_token = block.token
            unseen = left_unseen(block.body, self.symbols, self.context) if block.kind == "CONSTRUCTOR" else set()
            if unseen is None or unseen & used:
                self.context.unsupported(
                    "U164",
                    f"a CONSTRUCTOR that assigns {', '.join(sorted(unseen))}, which HOC cannot read"
                    if unseen
                    else "a CONSTRUCTOR that does more than assign variables",
                    "do the rest in INITIAL",
                )
            elif block.body:
                self.context.note(f"the {block.kind} block is left out")

    def _tables_filled_anyway(self, kind: ir.Kind) -> None:
        """Lower every routine with a TABLE, used or not: in a thread-safe file NEURON fills all of them."""
        if not self._thread_safe() or kind is ir.Kind.ARTIFICIAL:
            return
        for name, block in tuple(self.symbols.blocks.items()):
            if any(isinstance(s, tree.TableStatement) for s in block.body):
                self.lower.reach(name, block.name)

    def _unreached(self) -> None:
        for name, block in self.symbols.blocks.items():
            if name not in self.lower.routines and block.kind != "FUNCTION_TABLE":
                self.context.note(f"{block.kind} {name} is not used in a simulation and is left out", block.name)
