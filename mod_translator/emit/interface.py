"""What each routine takes and returns in the emitted module, transitively through its calls."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from mod_translator import ir
from mod_translator.emit.liveness import Liveness
from mod_translator.emit.names import ENTRY_POINTS, all_names, fresh, python_name
from mod_translator.emit.safety import INTRINSIC_READS, is_partial
from mod_translator.errors import Place, UnsupportedConstruct
from mod_translator.passes import walk
from mod_translator.semantic.names import FUNC_TABLE, INTRINSICS
from mod_translator.validate import InvalidIR


@dataclass(frozen=True, slots=True)
class TableParameter:
    """A TABLE as the caller of the module sees it.

    routine: whose table. name: the keyword under which blocks take it (None: computed exactly, as usetable 0 does).
    maker: the function of the module that fills it. inputs: what that takes, by the names of the file. leaves: the
    function that gives what the filling leaves in other variables ('' if there are none), and what that takes.
    """

    routine: str
    name: str
    maker: str
    inputs: tuple[str, ...]
    leaves: str = ""
    leaves_inputs: tuple[str, ...] = ()


def unique(names: Iterable[str]) -> tuple[str, ...]:
    """Return the names without repetitions, in order."""
    return tuple(dict.fromkeys(names))


class Interface:
    """Inputs and outputs of the routines of one mechanism."""

    def __init__(self, mechanism: ir.Mechanism) -> None:
        self.mechanism = mechanism
        self._names = all_names(mechanism)
        self._inputs: dict[tuple[str, bool], tuple[str, ...]] = {}
        self._open: list[str] = []

    @cached_property
    def entries(self) -> dict[str, ir.Routine]:
        """The blocks that the solver calls, by the name of their function."""
        found = ((name, getattr(self.mechanism, name)) for name in ENTRY_POINTS)
        return {name: routine for name, routine in found if routine is not None}

    @cached_property
    def solver_rates(self) -> frozenset[str]:
        """Rate routines of implicit solves: their arguments are the states themselves, for what they call too."""
        bodies = (r.body for r in (*self.mechanism.routines.values(), *self.entries.values()))
        stmts = (s for body in bodies for s in walk.statements(body))
        return frozenset(s.rates for s in stmts if isinstance(s, ir.SolveImplicit))

    def routine(self, name: str) -> ir.Routine:
        """Return a FUNCTION, PROCEDURE or rate routine; raises InvalidIR if there is none."""
        if name not in self.mechanism.routines:
            raise InvalidIR(
                f"mechanism {self.mechanism.name}: call of {name}, which is no routine and no known function"
            )
        return self.mechanism.routines[name]

    def is_constant(self, name: str) -> bool:
        """Whether a name is a number of the file."""
        symbol = self.mechanism.symbols.get(name)
        return symbol is not None and symbol.role is ir.Role.CONSTANT

    def table_name(self, routine: str) -> str:
        """Return the keyword under which the table of a routine is passed."""
        return fresh(f"{routine}_table", self._names)

    def helper_name(self, routine: str, purpose: str) -> str:
        """Return the Python name of a further function of a routine (`exact`, `make_table`)."""
        return fresh(f"{python_name(routine)}_{purpose}", self._names)

    def outputs(self, routine: ir.Routine) -> tuple[str, ...]:
        """Return the names of the values that the function returns, in order."""
        return unique((*routine.results, *routine.writes))

    def table_variables(self, routine: ir.Routine) -> tuple[str, ...]:
        """Return what a TABLE holds: the variables it names, the result of a FUNCTION otherwise.

        A variable that the routine does not assign is left out: the table holds its value, so a lookup gives it back.
        """
        assert routine.table is not None
        if not routine.table.variables:
            return routine.results
        kept = [v for v in routine.table.variables if v not in self.outputs(routine)]
        others = (*self.mechanism.routines.values(), *self.entries.values())
        for name in kept:
            if any(name in r.writes for r in others):
                raise UnsupportedConstruct(
                    f"the TABLE of {routine.name} sets {name} back to what it was when the table was filled",
                    remedy=f"take {name} out of the TABLE",
                    code="U197",
                    place=Place(self.mechanism.file, routine.table.loc.line, routine.table.loc.column),
                )
        return tuple(v for v in routine.table.variables if v not in kept)

    def inputs(self, routine: ir.Routine, *, exact: bool = False) -> tuple[str, ...]:
        """Return the file-level names and tables whose value the function needs, besides its arguments.

        exact: of the body itself, for a routine that has a TABLE.
        """
        key = (f"{routine.kind} {routine.name}", exact)
        if key not in self._inputs:
            if routine.name in self._open:
                raise InvalidIR(f"{routine.name} calls itself; recursion has no counterpart in a traced program")
            self._open.append(routine.name)
            self._inputs[key] = self._compute_inputs(routine, exact)
            self._open.pop()
        return self._inputs[key]

    def _compute_inputs(self, routine: ir.Routine, exact: bool) -> tuple[str, ...]:
        names = [*routine.reads]
        for stmt in walk.statements(routine.body):
            if isinstance(stmt, ir.SolveImplicit):
                names += ["dt"] if stmt.uses_dt else []
                names += [s for s in stmt.states if s in routine.reads or s not in routine.writes]
        for called in walk.calls(routine.body):
            if called in (*INTRINSICS, FUNC_TABLE) and called not in self.mechanism.routines:
                names += INTRINSIC_READS.get(called, ())
                continue
            # reads are transitive already; what a TABLE adds is not
            callee = self.routine(called)
            names += [n for n in self.inputs(callee) if n not in callee.reads]
        if routine.table is not None and not exact:
            kept = [w for w in routine.writes if w not in self.table_variables(routine)]
            names += [*kept, self.table_name(routine.name)]
        hidden = routine.args if routine.name in self.solver_rates else ()
        plain = [n for n in names if not self.is_table(n) and not self.is_constant(n) and n not in hidden]
        if routine.table is not None and exact:
            plain = self._needed(routine, plain, self.outputs(routine))
        return unique((*plain, *(n for n in names if self.is_table(n))))

    def is_table(self, name: str) -> bool:
        """Whether an input is a table rather than a variable."""
        return name not in self._names and any(self.table_name(r.name) == name for r in self.mechanism.tables)

    @cached_property
    def partial(self) -> frozenset[str]:
        """Routines that hold an operation with a singularity, themselves or in what they call."""
        constants = {s.name: s.default for s in self.mechanism.symbols.values() if s.role is ir.Role.CONSTANT}
        found = {r.name for r in self.mechanism.routines.values() if is_partial(r.body, constants)}
        while True:
            more = {r.name for r in self.mechanism.routines.values() if found & set(walk.calls(r.body))} - found
            if not more:
                return frozenset(found)
            found |= more

    @cached_property
    def conditional(self) -> frozenset[str]:
        """Partial routines that are called under a condition somewhere: they take it as the argument `when`."""
        found: set[str] = set()
        for routine in (*self.mechanism.routines.values(), *self.entries.values()):
            for stmt in routine.body:
                if isinstance(stmt, ir.If):
                    found.update(walk.calls(stmt.then + stmt.orelse))
                elif isinstance(stmt, ir.While):
                    found.update(walk.calls(stmt.body))
        found &= self.partial
        while True:
            inner = {c for name in found for c in walk.calls(self.routine(name).body)} & self.partial
            if inner <= found:
                return frozenset(found)
            found |= inner

    @property
    def tables(self) -> tuple[TableParameter, ...]:
        """All tables of the mechanism."""
        return tuple(
            TableParameter(
                r.name,
                self.table_name(r.name),
                self.helper_name(r.name, "make_table"),
                self.maker_inputs(r),
                *((self.helper_name(r.name, "leaves"), self.leaves_inputs(r)) if r.table and r.table.leaves else ()),
            )
            for r in self.mechanism.tables
        )

    def maker_inputs(self, routine: ir.Routine) -> tuple[str, ...]:
        """Return what the function that fills a table needs: what the body reads, and the bounds."""
        return self._filling_inputs(routine, self.table_variables(routine))

    def leaves_inputs(self, routine: ir.Routine) -> tuple[str, ...]:
        """Return what the function needs that tells what the filling leaves behind."""
        assert routine.table is not None
        return self._filling_inputs(routine, routine.table.leaves)

    def _filling_inputs(self, routine: ir.Routine, outputs: tuple[str, ...]) -> tuple[str, ...]:
        assert routine.table is not None
        bounds = (*walk.subexpressions(routine.table.low), *walk.subexpressions(routine.table.high))
        named = [e.name for e in bounds if isinstance(e, ir.Var | ir.Element) and not self.is_constant(e.name)]
        needed = self.needed(routine, (*outputs, *self.history(routine, outputs)))
        return unique((*(n for n in needed if n not in routine.table.forgotten), *named))

    def history(self, routine: ir.Routine, outputs: tuple[str, ...]) -> tuple[str, ...]:
        """Return the variables that a row takes over from the row before, if some outputs are wanted."""
        found: tuple[str, ...] = ()
        while True:
            needed = self.needed(routine, (*outputs, *found))
            more = tuple(n for n in needed if n in routine.writes)
            if set(more) <= set(found):
                return found
            found = unique((*found, *more))

    def needed(self, routine: ir.Routine, outputs: Iterable[str]) -> list[str]:
        """Return the inputs of a routine's body that matter for some of its outputs."""
        return self._needed(routine, self.inputs(routine, exact=True), outputs)

    def _needed(self, routine: ir.Routine, names: Iterable[str], outputs: Iterable[str]) -> list[str]:
        """Return those of the names that matter on entry for the outputs.

        The reads of a routine with a TABLE also hold what only a lookup leaves as it was.
        """

        def file_key(name: str) -> str:
            return f"@{name}" if name in routine.args else name

        after = {name if name in routine.results else file_key(name) for name in outputs}
        live = Liveness(self, file_key).before(routine.body, after)
        return [n for n in names if self.is_table(n) or file_key(n) in live]
