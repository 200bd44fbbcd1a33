"""The whole module: docstring, imports, constants, one function for each block."""

from __future__ import annotations

from mod_translator import ir
from mod_translator.emit.expressions import Expressions, Frame
from mod_translator.emit.function import FunctionBody
from mod_translator.emit.interface import Interface, unique
from mod_translator.emit.names import ENTRY_POINTS, WHEN, python_name
from mod_translator.emit.text import INDENT, docstring, fold
from mod_translator.errors import Place, UnsupportedConstruct
from mod_translator.passes.outbox import outbox, uses_queue
from mod_translator.passes.walk import blocks, calls, statements
from mod_translator.semantic.names import OF_PROCESS, RANDOM_CALLS, VECTOR_ELEMENT, VECTOR_SIZE
from mod_translator.validate import validate

_KEYWORD = {
    "initial": "INITIAL",
    "current": "BREAKPOINT",
    "advance": "SOLVE",
    "net_initial": "INITIAL of NET_RECEIVE",
    "net_receive": "NET_RECEIVE",
    "watch": "WATCH",
    **{field: field.replace("_", " ").upper() for field in ir.BEFORE_AFTER},
}


_QUEUE = frozenset((*RANDOM_CALLS, VECTOR_SIZE, VECTOR_ELEMENT))  # what only the interpreter of events does


def emit(mechanism: ir.Mechanism) -> str:
    """Return the text of a Python module that computes what the mechanism computes; needs jax and nrn_diff.runtime.

    The same IR always gives the same text. Events become results (passes/outbox.py). Raises InvalidIR for an IR that
    breaks its own rules, UnsupportedConstruct for one that draws random numbers or reads Vectors of HOC: that is for an
    interpreter of events.
    """
    validate(mechanism)
    if uses_queue(mechanism):
        mechanism, _ = outbox(mechanism)
    _refuse_what_is_of_the_queue(mechanism)
    return _Module(mechanism).text()


def _refuse_what_is_of_the_queue(mechanism: ir.Mechanism) -> None:
    for name, routine in (*mechanism.routines.items(), *blocks(mechanism).items()):
        for statement in statements(routine.body):
            found = [n for n in calls((statement,)) if n in _QUEUE or n.startswith((OF_PROCESS, "random_pick_"))]
            if found and not isinstance(statement, ir.If):
                what = "Vectors of HOC" if found[0] in (VECTOR_SIZE, VECTOR_ELEMENT) else "random numbers"
                raise UnsupportedConstruct(
                    f"{found[0]} in {name}: {what} have no place in a traced function",
                    remedy="leave it to an ARTIFICIAL_CELL that nothing drives: those are run by the event queue",
                    code="U195",
                    place=Place(mechanism.file, statement.loc.line, statement.loc.column),
                )


def _pack(items: list[str]) -> str:
    return f"({items[0]},)" if len(items) == 1 else f"({', '.join(items)})"


def _unit(name: str, unit: str) -> str:
    return f"{name} ({unit})" if unit else name


class _Module:
    def __init__(self, mechanism: ir.Mechanism) -> None:
        self.mechanism = mechanism
        self.interface = Interface(mechanism)
        self.used: set[str] = set()

    def text(self) -> str:
        entries = self.interface.entries
        functions = [self._entry(name, entries[name]) for name in ENTRY_POINTS[:3] if name in entries]
        for routine in self.mechanism.routines.values():
            functions += self._routine(routine)
        functions += [self._entry(name, entries[name]) for name in ENTRY_POINTS[3:] if name in entries]
        head = [*docstring(self._description(), ""), ""]
        if self.used:
            head += [*fold(f"from nrn_diff.runtime import ({', '.join(sorted(self.used))})", ""), ""]
            if len(head[-2]) > 1:
                head[-2] = head[-2].replace("(", "").replace(")", "")
        head += self._constants()
        return "\n".join(head).rstrip("\n") + "\n" + "".join("\n\n" + "\n".join(f) + "\n" for f in functions if f)

    def _description(self) -> list[str]:
        m = self.mechanism
        lines = [
            f"{m.name}: {m.title}" if m.title else m.name,
            "",
            f"{m.kind.value} {m.name}, printed by mod_translator.",
        ]
        for ion in m.ions:
            reads = f" READ {', '.join(ion.reads)}" if ion.reads else ""
            writes = f" WRITE {', '.join(ion.writes)}" if ion.writes else ""
            lines.append(f"USEION {ion.name}{reads}{writes}")
        for title, block in (("Parameters", "PARAMETER"), ("States", "STATE"), ("Assigned", "ASSIGNED")):
            symbols = [s for s in m.symbols.values() if s.block == block]
            if symbols:
                lines += ["", f"{title}:"]
                lines += [f"    {self._variable(s)}" for s in symbols]
        return lines

    @staticmethod
    def _variable(symbol: ir.Symbol) -> str:
        name = f"{symbol.name}[{symbol.length}]" if symbol.length else symbol.name
        value = f" = {symbol.default!r}" if symbol.block == "PARAMETER" else ""
        scope = ", one for all instances" if symbol.role is ir.Role.GLOBAL else ""
        return _unit(name + value, symbol.unit) + scope

    def _constants(self) -> list[str]:
        lines = []
        for symbol in self.mechanism.symbols.values():
            if symbol.role is ir.Role.CONSTANT:
                unit = f"  # {symbol.unit}" if symbol.unit.isprintable() and symbol.unit else ""
                lines.append(f"{python_name(symbol.name)} = {symbol.default!r}{unit}")
        return [*lines, ""] if lines else []

    def _entry(self, name: str, routine: ir.Routine) -> list[str]:
        body = FunctionBody(self.interface, routine, self.used)
        inputs = [python_name(n) for n in self.interface.inputs(routine)]
        parameters = [*body.parameters, *(["*", *inputs] if inputs else [])]
        header = _KEYWORD[name]
        if routine.args:
            header += f"({', '.join(self._arguments(routine))})"
        lines = [*fold(f"def {name}({', '.join(parameters)}):", ""), *docstring([header])]
        for line in body.lines():
            lines += fold(line, INDENT)
        names = unique((*routine.writes, *(routine.args if name.startswith("net_") else ()), *routine.results))
        values = ", ".join(f'"{n}": {body.result(n, stacked=True)}' for n in names)
        return [*lines, *fold(f"return {{{values}}}", INDENT)]

    @staticmethod
    def _arguments(routine: ir.Routine) -> list[str]:
        units = (*routine.arg_units, *("",) * len(routine.args))
        return [_unit(a, u) for a, u in zip(routine.args, units, strict=False)]

    def _header(self, routine: ir.Routine) -> str:
        return _unit(f"{routine.kind} {routine.name}({', '.join(self._arguments(routine))})", routine.unit)

    def _signature(self, routine: ir.Routine, parameters: tuple[str, ...], inputs: tuple[str, ...]) -> list[str]:
        when = [f"{WHEN}=True"] if routine.name in self.interface.conditional else []
        return [*parameters, *(python_name(n) for n in inputs), *when]

    def _routine(self, routine: ir.Routine) -> list[list[str]]:
        outputs = self.interface.outputs(routine)
        if not outputs:
            return []
        if routine.table is not None:
            found = [self._table_lookup(routine), self._exact(routine, outputs), self._make_table(routine)]
            return [*found, self._leaves(routine)] if routine.table.leaves else found
        return [self._exact(routine, outputs)]

    def _exact(self, routine: ir.Routine, outputs: tuple[str, ...]) -> list[str]:
        body = FunctionBody(self.interface, routine, self.used)
        inputs = self.interface.inputs(routine, exact=True)
        name = python_name(routine.name)
        title = self._header(routine)
        if routine.table is not None:
            name, title = self.interface.helper_name(routine.name, "exact"), f"{title} without its TABLE"
        signature = ", ".join(self._signature(routine, body.parameters, inputs))
        lines = [*fold(f"def {name}({signature}):", ""), *docstring([title])]
        for line in body.lines():
            lines += fold(line, INDENT)
        return [*lines, *fold(f"return {', '.join(body.result(n) for n in outputs)}", INDENT)]

    # -------------------------------------------------------------------------------------------------- tables

    def _bound(self, routine: ir.Routine, expr: ir.Expr) -> str:
        names = self.interface.maker_inputs(routine)
        frame = Frame({n: python_name(n) for n in names})
        return Expressions(
            self.interface, frozenset(), frame, f"TABLE of {routine.name}", frozenset(), self.used
        ).number(expr)

    def _table_lookup(self, routine: ir.Routine) -> list[str]:
        assert routine.table is not None
        body = FunctionBody(self.interface, routine, self.used)
        table = python_name(self.interface.table_name(routine.name))
        inputs = self.interface.inputs(routine)
        signature = ", ".join(self._signature(routine, body.parameters, inputs))
        when = f", {WHEN}={WHEN}" if routine.name in self.interface.conditional else ""
        exact = "".join(f", {python_name(n)}={python_name(n)}" for n in self.interface.inputs(routine, exact=True))
        variables = self.interface.table_variables(routine)
        lengths = [self.mechanism.symbols[v].length if v in self.mechanism.symbols else 0 for v in variables]
        shape = f", {tuple(lengths)}" if any(lengths) else ""
        names = [python_name(v) for v in variables]
        target = f"({names[0]},)" if len(names) == 1 else ", ".join(names)
        self.used.add("lookup")
        statements = [
            f"if {table} is None:",
            f"{INDENT}return {self.interface.helper_name(routine.name, 'exact')}({body.parameters[0]}{exact}{when})",
            f"{target} = lookup({table}, {body.parameters[0]}{shape})",
            f"return {', '.join(python_name(n) for n in self.interface.outputs(routine))}",
        ]
        lines = [*fold(f"def {python_name(routine.name)}({signature}):", ""), *docstring([self._header(routine)])]
        for statement in statements:
            inner = statement.removeprefix(INDENT)
            lines += fold(inner, INDENT * 2 if inner != statement else INDENT)
        return lines

    def _make_table(self, routine: ir.Routine) -> list[str]:
        assert routine.table is not None
        variables = self.interface.table_variables(routine)
        low, high = self._bound(routine, routine.table.low), self._bound(routine, routine.table.high)
        title = f"Fill the TABLE of {routine.name}: {routine.table.intervals} intervals from {low} to {high}."
        call, lines = self._filling(routine, "make_table", variables, self.interface.maker_inputs(routine), title)
        return [*lines, *fold(f"return {call}", INDENT)]

    def _leaves(self, routine: ir.Routine) -> list[str]:
        assert routine.table is not None
        variables = routine.table.leaves
        title = f"What the last row of the TABLE of {routine.name} leaves in variables that are not in it."
        call, lines = self._filling(routine, "leaves", variables, self.interface.leaves_inputs(routine), title)
        call = call.replace("make_table", "last_row", 1)
        self.used.add("last_row")
        targets = [python_name(n) for n in variables]
        unpacked = f"({targets[0]},)" if len(targets) == 1 else ", ".join(targets)
        values = ", ".join(
            f'"{n}": {f"stack({python_name(n)})" if self.mechanism.symbols[n].length else python_name(n)}'
            for n in variables
        )
        if any(self.mechanism.symbols[n].length for n in variables):
            self.used.add("stack")
        return [*lines, *fold(f"{unpacked} = {call}", INDENT), *fold(f"return {{{values}}}", INDENT)]

    def _filling(
        self, routine: ir.Routine, purpose: str, variables: tuple[str, ...], given: tuple[str, ...], title: str
    ) -> tuple[str, list[str]]:
        """Return the call that fills a table, and the function up to it: one row of it as a function of its own."""
        assert routine.table is not None
        body = FunctionBody(self.interface, routine, self.used)
        argument = body.parameters[0]
        taken = self.interface.history(routine, variables)
        history = [python_name(n) for n in taken]
        names = self.interface.inputs(routine, exact=True)  # the others have no part in what is wanted
        exact = "".join(f", {python_name(n)}={python_name(n) if n in (*given, *taken) else '0.0'}" for n in names)
        low, high = self._bound(routine, routine.table.low), self._bound(routine, routine.table.high)
        outputs = self.interface.outputs(routine)
        columns = [python_name(n) for n in variables]
        wanted = {*columns, *history}
        targets = [python_name(n) if python_name(n) in wanted else "_" for n in outputs]
        parameters = ", ".join(python_name(n) for n in given)
        self.used.add("make_table")
        call = f"{self.interface.helper_name(routine.name, 'exact')}({argument}{exact})"
        result = f"{', '.join(columns)}" if len(columns) > 1 else f"({columns[0]},)"
        left, start = _pack(history), _pack(["None" if n in routine.table.forgotten else python_name(n) for n in taken])
        if history:
            result = f"({result}), {left}" if len(columns) > 1 else f"{result}, {left}"
        options = f", {start}" if history else ""
        if set(variables) & set(routine.table.unsure):
            options += f", {_pack([str(n in routine.table.unsure) for n in variables])}"
        return f"make_table(row, {low}, {high}, {routine.table.intervals}{options})", [
            *fold(f"def {self.interface.helper_name(routine.name, purpose)}({parameters}):", ""),
            *docstring([title]),
            "",
            f"{INDENT}def row({', '.join([argument, *history])}):",
            *fold(f"{', '.join(targets)} = {call}", INDENT * 2),
            *fold(f"return {result}", INDENT * 2),
            "",
        ]
