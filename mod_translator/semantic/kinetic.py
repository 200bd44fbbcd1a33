"""KINETIC blocks: reactions become a routine of rates and one SolveImplicit statement.

Source: nocmodl's kinetic.cpp. The flux of `~ 2 a + b <-> c (kf, kb)` is kf*b*a*a - kb*c; it leaves every state on the
left and enters every state on the right as often as the reaction says. COMPARTMENT divides by a volume.
LONGITUDINAL_DIFFUSION adds nothing to the rates: it is a step of its own (ir.Diffusion). Each CONSERVE takes the place
of one state's rate: of its last state that is not an array and not taken by another CONSERVE.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from mod_translator import ir
from mod_translator.passes.frozen import REACTANT
from mod_translator.passes.walk import rebuild, rename, subexpressions
from mod_translator.semantic.context import first_name
from mod_translator.syntax import tree

if TYPE_CHECKING:
    from mod_translator.semantic.block import Block
    from mod_translator.semantic.statements import Lowering

Cell = tuple[str, int]  # a state, or one element of it (-1: a scalar)
_ZERO = ir.Num(0.0, "0")
_CONSERVE = "CONSERVE#"
_F_FLUX, _B_FLUX = ir.Var("f_flux"), ir.Var("b_flux")


@dataclass
class Scheme:
    """What the statements of one KINETIC block add up to."""

    solved: frozenset[str]  # the states to solve for
    rates: dict[Cell, str] = field(default_factory=dict)  # the local that holds the rate of each cell
    conserved: list[list[tuple[int, Cell]]] = field(default_factory=list)
    volumes: dict[Cell, ir.Expr] = field(default_factory=dict)
    made_of: dict[str, None] = field(default_factory=dict)  # names that rate constants are made of
    linear: bool = True


class Kinetic:
    """Lowers one KINETIC block."""

    def __init__(self, lowering: Lowering, block: tree.Block, work: Block) -> None:
        self.lowering = lowering
        self.context = lowering.context
        self.symbols = lowering.symbols.table
        self.block = block
        self.work = work
        self.scheme = Scheme(self._solved())
        for name in ("f_flux", "b_flux"):
            work.scope.frames[0][name] = ir.Var(name)
            work.scope.locals.append(name)

    def _solved(self) -> frozenset[str]:
        chosen = {self.context.name(n) for n in self.block.solvefor}
        states = {n for n, s in self.symbols.items() if s.block == "STATE"}
        return frozenset(states & chosen if chosen else states)

    # ------------------------------------------------------------------------------------------- statements

    def reaction(self, reaction: tree.Reaction) -> tuple[ir.Stmt, ...]:
        """Return the statements of one reaction; the rates of its states are updated."""
        loc = self.context.loc(reaction.left[0][1].name)
        if reaction.operator == "<<":
            return self._flux(reaction, loc)
        sides = [self._terms(reaction.left), self._terms(reaction.right)]
        constants = (reaction.forward, reaction.backward)
        out: list[ir.Stmt] = []
        for flux, constant, terms, bare in zip((_F_FLUX, _B_FLUX), constants, sides, reaction.bare, strict=True):
            if constant is None:
                out.append(ir.Assign(flux, _ZERO, loc))
                continue
            if bare:
                self.context.unsupported(
                    "U167",
                    "a rate that is a sum without parentheses around it: NEURON multiplies only its last term by the "
                    "states",
                    "write ((a + b), ...) if the whole sum is meant",
                    first_name(constant) or reaction.left[0][1].name,
                )
            value = self._constant(constant)
            for count, variable, _ in reversed(terms):
                for _ in range(count):
                    value = ir.Binary("*", value, variable)
            out.append(ir.Assign(flux, value, loc))
            together = sum(count for count, _, _ in terms)
            self.scheme.linear &= together < 2 or not any(cell for _, _, cell in terms)
        net = ir.Binary("-", _F_FLUX, _B_FLUX)
        for op, terms in zip("-+", sides, strict=True):
            for count, _, cell in reversed(terms):
                if cell is not None:
                    amount = net if count == 1 else ir.Binary("*", ir.Num(float(count), f"{count}.0"), net)
                    out.append(self._add(cell, op, amount, loc))
        return tuple(out)

    def _flux(self, reaction: tree.Reaction, loc: ir.Loc) -> tuple[ir.Stmt, ...]:
        ((count, variable),) = reaction.left if len(reaction.left) == 1 else ((0, reaction.left[0][1]),)
        ((_, _, cell),) = self._terms(((1, variable),))
        if count != 1 or cell is None:
            self.context.wrong(
                "S170", "~ x << (flux) needs one STATE that is solved for", "correct the left side", variable.name
            )
            return ()
        value = self._constant(reaction.forward)
        return (
            ir.Assign(_F_FLUX, _ZERO, loc),
            ir.Assign(_B_FLUX, value, loc),
            self._add(cell, "+", _B_FLUX, loc),
        )

    def conserve(self, conserve: tree.Conserve) -> tuple[ir.Stmt, ...]:
        """Return the statement that stands for a CONSERVE until all states are known."""
        terms = []
        loc = self.context.loc(conserve.terms[0][1].name)
        for (count, variable), (_, _, cell) in zip(conserve.terms, self._terms(conserve.terms), strict=True):
            if cell is None:
                name = self.context.name(variable.name)
                reason = f"CONSERVE with {name}, which is no STATE that is solved for"
                self.context.wrong("S171", reason, "conserve states of this block only", variable.name)
                return ()
            self._rate(cell)
            terms.append((count, cell))
        self.scheme.conserved.append(terms)
        total = self.lowering.resolve.expr(conserve.total, self.work.scope)
        return (ir.Assign(ir.Var(_conserve_mark(len(self.scheme.conserved) - 1)), total, loc),)

    def compartment(self, compartment: tree.Compartment) -> None:
        """Note the volume of the species; NEURON evaluates it where the block starts."""
        for marked in compartment.species:
            name = self.context.name(marked)
            symbol = self.symbols.get(name)
            if symbol is None or name not in self.scheme.solved:
                if compartment.diffusion:
                    reason = f"LONGITUDINAL_DIFFUSION of {name}, which is no STATE that is solved for"
                    self.context.wrong("S186", reason, "let a STATE of this block diffuse", marked)
                continue  # of a COMPARTMENT, NEURON ignores it as well
            for cell in _cells(symbol):
                outside = self.lowering.scope()
                if compartment.index:
                    if cell[1] < 0:
                        reason = f"COMPARTMENT or diffusion with an index for {name}, which is not an array"
                        self.context.wrong("S172", reason, "remove the index", marked)
                        break
                    outside.bind(self.context.name(compartment.index), cell[1])
                value = self.lowering.resolve.expr(compartment.volume, outside)
                if not compartment.diffusion:
                    self.scheme.volumes[cell] = value
                elif cell in self.scheme.volumes:
                    self._diffuse(cell, value, marked)
                else:
                    reason = f"LONGITUDINAL_DIFFUSION of {name} without a COMPARTMENT before it"
                    self.context.wrong("S187", reason, "write the COMPARTMENT first", marked)
                    break

    def _diffuse(self, cell: Cell, coefficient: ir.Expr, marked: str) -> None:
        made = []
        loc, tail = self.context.loc(marked), f"_{cell[1]}" if cell[1] >= 0 else ""
        for purpose, value in (("coefficient", coefficient), ("volume", self.scheme.volumes[cell])):
            name = self.lowering.scope().fresh(f"{cell[0]}{tail}_diffusion_{purpose}")
            self.symbols[name] = ir.Symbol(name, ir.Role.INSTANCE, "ASSIGNED", loc=loc)
            self.lowering.diffuse.append(ir.Assign(ir.Var(name), value, loc))
            made.append(name)
        self.lowering.diffusions.append(ir.Diffusion(*cell, *made))

    # ------------------------------------------------------------------------------------------------ helpers

    def _constant(self, constant: ir.Expr) -> ir.Expr:
        value = self.lowering.resolve.expr(constant, self.work.scope)
        for part in subexpressions(value):
            if isinstance(part, ir.Var | ir.Element | ir.Call):
                self.scheme.made_of.setdefault(part.name)
        return value

    def _terms(self, terms: tuple[tuple[int, ir.Var | ir.Element], ...]) -> list[tuple[int, ir.Expr, Cell | None]]:
        """Return (count, variable, cell of the solved state or None) of each term."""
        out: list[tuple[int, ir.Expr, Cell | None]] = []
        for count, term in terms:
            index = term.index if isinstance(term, ir.Element) else None
            variable = self.lowering.resolve.variable(term.name, index, self.work.scope, reading=True)
            cell: Cell | None = None
            if isinstance(variable, ir.Element) and isinstance(variable.index, ir.Num):
                cell = (variable.name, int(variable.index.value))
            elif isinstance(variable, ir.Var):
                cell = (variable.name, -1)
            if cell is not None and cell[0] in self.scheme.solved:
                out.append((count, _reactant(cell), cell))
            else:
                out.append((count, variable, None))
        return out

    def _rate(self, cell: Cell) -> str:
        """Return the local that holds the rate of a cell; all elements of its array get one."""
        if cell not in self.scheme.rates:
            for each in _cells(self.symbols[cell[0]]):
                tail = f"_{each[1]}" if each[1] >= 0 else ""
                self.scheme.rates[each] = self.work.scope.fresh(f"D{each[0]}{tail}")
        return self.scheme.rates[cell]

    def _add(self, cell: Cell, op: str, amount: ir.Expr, loc: ir.Loc) -> ir.Stmt:
        rate = ir.Var(self._rate(cell))
        return ir.Assign(rate, ir.Binary(op, rate, amount), loc)

    # ----------------------------------------------------------------------------------------------- the whole

    def finish(self, name: str, body: tuple[ir.Stmt, ...]) -> tuple[ir.Routine, ir.SolveImplicit]:
        """Return the rates routine and the statement that solves it, from the lowered body."""
        loc = self.context.source.loc(self.block.token)
        scheme = self.scheme
        order = [n for n in self.symbols if any(n == cell[0] for cell in scheme.rates)]
        cells = [cell for n in order for cell in _cells(self.symbols[n])]
        if not cells:
            self.context.wrong(
                "S173", f"KINETIC {name} has no reaction", "write one, or remove the block", self.block.name
            )
        diagonal = self._diagonals()
        kept = {scheme.rates[c] for c in cells if c not in diagonal.values()}

        def change(statement: ir.Stmt) -> tuple[ir.Stmt, ...]:
            if isinstance(statement, ir.Assign) and isinstance(statement.target, ir.Var):
                target = statement.target.name
                if target in scheme.rates.values() and target not in kept:
                    return ()
                for i, cell in diagonal.items():
                    if target == _conserve_mark(i):
                        missing = self._missing(i, statement.value)
                        return (ir.Assign(ir.Var(scheme.rates[cell]), missing, statement.loc),)
            return (statement,)

        start: list[ir.Stmt] = []
        end: list[ir.Stmt] = []
        for cell in cells:
            rate = ir.Var(scheme.rates[cell])
            if cell in diagonal.values():
                continue
            start.append(ir.Assign(rate, _ZERO, loc))
            if cell in scheme.volumes:
                end.append(ir.Assign(rate, ir.Binary("/", rate, self._volume(cell)), loc))
        volumes = [ir.Assign(self._volume(c), scheme.volumes[c], loc) for c in cells if c in scheme.volumes]
        routine = ir.Routine(
            f"{name}_rates",
            "RATES",
            (*volumes, *start, *rebuild(body, change), *end),
            tuple(order),
            tuple(scheme.rates[c] for c in cells),
            loc=loc,
            made_of=tuple(scheme.made_of),
        )
        algebraic = tuple(c[0] for c in diagonal.values())
        solve = ir.SolveImplicit("sparse", tuple(order), routine.name, loc, algebraic, scheme.linear)
        return routine, solve

    def derivatives(self, name: str, body: tuple[ir.Stmt, ...]) -> ir.Routine:
        """Return the block as one of derivatives, from the lowered body, for a METHOD that is explicit.

        Source: kinetic_intmethod in nocmodl's kinetic.cpp: CONSERVE has no part in it.
        """
        scheme = self.scheme
        loc = self.context.source.loc(self.block.token)
        if any(index >= 0 for _, index in scheme.rates) or self.lowering.diffusions:
            reason = f"arrays of states or diffusion in {name}, with METHOD {self.lowering.methods[name]}"
            self.context.unsupported("U162", reason, "use METHOD sparse", self.block.name)
        if scheme.conserved:
            what = f"the CONSERVE of {name} has no effect with METHOD {self.lowering.methods[name]}, as in NEURON"
            self.context.note(what, self.block.name)

        def change(statement: ir.Stmt) -> tuple[ir.Stmt, ...]:
            conserve = isinstance(statement, ir.Assign) and statement.target.name.startswith(_CONSERVE)
            return () if conserve else (statement,)

        starts = [ir.Assign(ir.Var(rate), _ZERO, loc) for rate in scheme.rates.values()]
        equations = []
        for cell, rate in scheme.rates.items():
            value: ir.Expr = ir.Var(rate)
            if cell in scheme.volumes:
                value = ir.Binary("/", value, scheme.volumes[cell])
            equations.append(ir.Derivative(cell[0], value, loc))
        routine = ir.Routine(name, "KINETIC", (*starts, *rebuild(body, change), *equations), loc=loc)
        method = self.lowering.methods[name]
        return replace(rename(routine, {f"{s}{REACTANT}": s for s in self.symbols}), method=method)

    def _diagonals(self) -> dict[int, Cell]:
        """Return which state's rate each CONSERVE replaces (by its number in the text)."""
        taken: dict[int, Cell] = {}
        for i in reversed(range(len(self.scheme.conserved))):
            for _, cell in reversed(self.scheme.conserved[i]):
                if cell[1] < 0 and cell not in taken.values():
                    taken[i] = cell
                    break
            else:
                self.context.wrong(
                    "S174",
                    "a CONSERVE of which every state is an array or conserved already",
                    "add a scalar state to it, or remove it",
                    self.block.name,
                )
        return taken

    def _missing(self, number: int, total: ir.Expr) -> ir.Expr:
        value = total
        for count, cell in reversed(self.scheme.conserved[number]):
            term: ir.Expr = _reactant(cell)
            if cell in self.scheme.volumes:
                term = ir.Binary("*", term, self._volume(cell))
            if count != 1:
                term = ir.Binary("*", term, ir.Num(float(count), str(count)))
            value = ir.Binary("-", value, term)
        return value

    def _volume(self, cell: Cell) -> ir.Var:
        return ir.Var(self.scheme.rates[cell].replace("D", "volume_", 1))


def _reactant(cell: Cell) -> ir.Var | ir.Element:
    """Return a state as a reactant: marked until it is known whether rate constants depend on the states."""
    name = cell[0] + REACTANT
    return ir.Var(name) if cell[1] < 0 else ir.Element(name, ir.Num(float(cell[1]), str(cell[1])))


def _conserve_mark(number: int) -> str:
    return f"{_CONSERVE}{number}"


def _cells(symbol: ir.Symbol) -> Iterator[Cell]:
    if not symbol.length:
        yield (symbol.name, -1)
    for i in range(symbol.length):
        yield (symbol.name, i)
