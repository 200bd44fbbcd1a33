"""The file-level variables: who holds the value of each name (see ir.Role), ions and currents.

Source: nocmodl's nocpout.cpp (nrndeclare, nrn_use) and parsact.cpp.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from mod_translator.ir import EXTERNAL, LAG, OPAQUE, Current, IonUse, Loc, Role, Symbol
from mod_translator.semantic.context import Context
from mod_translator.semantic.names import EXTERNALS, ion_variables
from mod_translator.semantic.units import UnitError, standard_units
from mod_translator.syntax import tree
from mod_translator.validate import MAX_ELEMENTS

_CALLABLE = ("FUNCTION", "PROCEDURE", "DERIVATIVE", "KINETIC", "LINEAR", "NONLINEAR", "DISCRETE", "FUNCTION_TABLE")
DEFAULT_PAST = 260  # numbers in the past of a LAG, until dt and the delay are known


@dataclass
class Symbols:
    """What a file declares.

    table: name -> Symbol. ions, currents: as in the IR. blocks: name -> block that can be called or solved.
    pointers, randoms, externals: names of POINTER (and BBCOREPOINTER), RANDOM and EXTERNAL statements. opaque: those of
    BBCOREPOINTER, which only C code can use.
    starts: state -> text of its START value. artificial, point: the file is an ARTIFICIAL_CELL, a
    POINT_PROCESS.
    renamed: variables of the file that go by another name here (`flag`: in NET_RECEIVE that is the flag of the event;
    a LOCAL of the file with the name of an ASSIGNED).
    element_functions: of the lengths of LOCAL arrays, the FUNCTION that reads an element (see local_arrays.py).
    earlier: STATEs with an earlier value (name@n) -> the array of these.
    lags: (variable, delay) of the LAG statements -> its result, and the past of each element.
    """

    table: dict[str, Symbol] = field(default_factory=dict)
    ions: tuple[IonUse, ...] = ()
    currents: tuple[Current, ...] = ()
    blocks: dict[str, tree.Block] = field(default_factory=dict)
    pointers: set[str] = field(default_factory=set)
    opaque: set[str] = field(default_factory=set)
    randoms: set[str] = field(default_factory=set)
    externals: set[str] = field(default_factory=set)
    starts: dict[str, str] = field(default_factory=dict)
    artificial: bool = False
    point: bool = False
    renamed: dict[str, str] = field(default_factory=dict)
    element_functions: dict[int, str] = field(default_factory=dict)
    lags: dict[tuple[str, str], tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    earlier: dict[str, str] = field(default_factory=dict)


def six_digits(text: str) -> float:
    """Return the default value of a PARAMETER as nocmodl prints it: '%g', six significant digits."""
    return float(f"{float(text):g}") if text else 0.0


def collect(file: tree.File, context: Context) -> Symbols:
    """Return the symbols of a file; what is wrong goes to the report."""
    return _Collector(file, context).collect()


def assigned_names(body: tree.Body) -> Iterator[str]:
    """Yield the (marked) names that are assigned anywhere in a body."""
    for statement in body:
        match statement:
            case tree.Assign(target, _):
                yield target.name
            case tree.Conditional(arms, _):
                for _, arm in arms:
                    yield from assigned_names(arm)
            case tree.Loop() | tree.While() | tree.Nested() | tree.NetInitial() | tree.ForNetcons():
                yield from assigned_names(statement.body)


def _lag_statements(body: tree.Body) -> Iterator[tree.Lag]:
    for statement in body:
        match statement:
            case tree.Lag():
                yield statement
            case tree.Conditional(arms, _):
                for _, arm in arms:
                    yield from _lag_statements(arm)
            case tree.Loop() | tree.While() | tree.Nested() | tree.NetInitial() | tree.ForNetcons():
                yield from _lag_statements(statement.body)


class _Collector:
    def __init__(self, file: tree.File, context: Context) -> None:
        self.file = file
        self.context = context
        self.out = Symbols()
        self.ranges = self._named("RANGE")
        self.globals = self._named("GLOBAL")
        self.ion_names: dict[str, str] = {}

    def _named(self, keyword: str) -> dict[str, str]:
        return {self.context.name(n): n for n in self.file.neuron.get(keyword, [])}

    def collect(self) -> Symbols:
        suffix = self.file.suffix
        kind = "" if suffix is None else self.context.name(suffix[0])
        self.out.artificial, self.out.point = kind == "ARTIFICIAL_CELL", kind == "POINT_PROCESS"
        self._ions()
        self._currents()
        self.out.opaque = set(self._named("BBCOREPOINTER"))
        self.out.pointers = set(self._named("POINTER")) | self.out.opaque
        self.out.externals = set(self._named("EXTERNAL")) - set(EXTERNALS)
        self._externals()
        for declaration in self.file.declarations:
            self._declare(declaration)
        for marked, length in self.file.locals:
            self._hide(marked)
            self._add(marked, Symbol("", Role.GLOBAL, "LOCAL", length=length))
        for name, marked in self._named("RANDOM").items():
            self.out.randoms.add(name)
            self._add(marked, Symbol("", Role.INSTANCE, "RANDOM"))
        words = [token.text for token in self.context.source.tokens]
        for name, marked in self._named("EXTERNAL").items():
            # nocmodl only warns of one that is declared nowhere else; it is of no account if nothing uses it either.
            if name not in self.out.table and words.count(name) > 1:
                self._add(marked, Symbol(name, Role.INSTANCE))
        self._start_parameters()
        self._undeclared()
        self._lags()
        self._blocks()
        return self.out

    # ------------------------------------------------------------------------------------------- ions, currents

    def _ions(self) -> None:
        ions = []
        seen: set[str] = set()
        for use in self.file.ions:
            ion = self.context.name(use.name)
            if ion in seen:
                self.context.wrong(
                    "S120", f"USEION {ion} stands twice", "put all of its READ and WRITE in one", use.name
                )
                continue
            seen.add(ion)
            allowed = ion_variables(ion)
            for marked in (*use.reads, *use.writes):
                name = self.context.name(marked)
                if name not in allowed:
                    names = ", ".join(allowed)
                    reason = f"{name} is not a variable of the ion {ion}"
                    self.context.wrong("S121", reason, f"the variables of {ion} are {names}", marked)
                self.ion_names.setdefault(name, marked)
            reads = tuple(dict.fromkeys(self.context.name(n) for n in use.reads))
            writes = tuple(dict.fromkeys(self.context.name(n) for n in use.writes))
            ions.append(IonUse(ion, reads, writes, use.valence))
        self.out.ions = tuple(ions)

    def _currents(self) -> None:
        found: list[tuple[str, Current]] = []  # NEURON adds them up in the order of the text
        for use in self.file.ions:
            ion = self.context.name(use.name)
            found += [(n, Current(f"i{ion}", ion)) for n in use.writes if self.context.name(n) == f"i{ion}"]
        for keyword, electrode in (("NONSPECIFIC_CURRENT", False), ("ELECTRODE_CURRENT", True)):
            for name, marked in self._named(keyword).items():
                self.ranges.setdefault(name, marked)
                found.append((marked, Current(name, None, electrode)))
        found.sort(key=lambda pair: self.context.source.token(pair[0]) or 0)
        kinds = {current.electrode for _, current in found}
        if len(kinds) > 1:
            self.context.note(
                "ELECTRODE_CURRENT together with another current: as in NEURON, all of them change their sign",
                next(marked for marked, current in found if current.electrode),
            )
        self.out.currents = tuple(current for _, current in found)

    # ------------------------------------------------------------------------------------------- declarations

    def _externals(self) -> None:
        for name, unit in EXTERNALS.items():
            self.out.table[name] = Symbol(name, Role.EXTERNAL, "", unit)
        self.out.table["flag"] = Symbol("flag", Role.EXTERNAL)

    def _declare(self, declaration: tree.Declaration) -> None:
        name = self.context.name(declaration.name)
        if declaration.length > MAX_ELEMENTS:
            reason = f"{name} has {declaration.length} elements"
            self.context.wrong("S182", reason, f"at most {MAX_ELEMENTS} are supported", declaration.name)
        if declaration.order:
            return  # a derivative declared as a state of its own; the equations are checked where they stand
        symbol = Symbol(
            name,
            Role.INSTANCE,
            declaration.block,
            declaration.unit,
            limits=declaration.limits,
            length=declaration.length,
        )
        if declaration.block == "UNITS":
            symbol = replace(symbol, role=Role.CONSTANT, default=self._factor(declaration))
        elif declaration.block == "CONSTANT":
            symbol = replace(symbol, role=Role.CONSTANT, default=float(declaration.value))
        elif declaration.block == "PARAMETER":
            symbol = replace(symbol, default=six_digits(declaration.value), visible=True)
            if name not in self.ranges:
                symbol = replace(symbol, role=Role.GLOBAL)
        elif declaration.block == "STATE":
            symbol = replace(symbol, visible=True)
            self.out.starts[name] = declaration.value
        elif name in self.globals:
            symbol = replace(symbol, role=Role.GLOBAL, visible=True)
        else:
            symbol = replace(symbol, visible=name in self.ranges)
        start = six_digits(self.out.starts[name]) if declaration.block == "STATE" else 0.0
        if not math.isfinite(symbol.default + start):
            reason = f"the value of {name} is too large for a double"
            self.context.wrong("S118", reason, "write a number below 1.8e308", declaration.name)
        self._add(declaration.name, symbol)

    def _factor(self, declaration: tree.Declaration) -> float:
        if declaration.units is None:
            return float(declaration.value)
        try:
            table = standard_units().copy()
            for new, old in self.file.units:
                table.define(new, old)
            return table.ratio(*declaration.units)
        except UnitError as error:
            self.context.wrong("S122", str(error), "define the unit in UNITS, or write the number", declaration.name)
            return 0.0

    def _add(self, marked: str, symbol: Symbol) -> None:
        name = self.context.name(marked)
        loc: Loc = self.context.loc(marked)
        if name in EXTERNALS:
            known = self.out.table[name]
            self.out.table[name] = replace(known, unit=symbol.unit or known.unit, loc=loc)
            return
        if name == "flag":
            name = self.out.renamed["flag"] = "flag_"
        elif symbol.block == "LOCAL":
            name = self.out.renamed.get(name, name)
        if name in self.out.table:
            earlier = self.out.table[name].block or "NEURON"
            reason = f"{name} is declared twice (before: in {earlier})"
            self.context.wrong("S123", reason, "remove one of the declarations", marked)
            return
        if name in self.ion_names:
            written = any(name == f"i{use.name}" and name in use.writes for use in self.out.ions)
            # of an ion's variables HOC sees the mechanism's own current only
            symbol = replace(symbol, role=Role.ION, visible=written and name in self.ranges)
        if name in self.out.pointers - self.out.opaque and not symbol.length:
            symbol = replace(symbol, role=Role.POINTER, visible=False)
        if name in self.out.externals and not symbol.length:
            symbol = replace(symbol, role=Role.POINTER, block=EXTERNAL, visible=False)
        if name in self.out.opaque:  # kept among the pointers
            symbol = replace(symbol, block=OPAQUE, visible=False)
        self.out.table[name] = replace(symbol, name=name, loc=loc)

    def _hide(self, marked: str) -> None:
        """Give a LOCAL of the file that hides an ASSIGNED another name: from there on nocmodl means the LOCAL."""
        name, source = self.context.name(marked), self.context.source
        hidden = self.out.table.get(name)
        if hidden is None or hidden.block != "ASSIGNED" or name in self.out.renamed or name in self.ion_names:
            return
        declared = [d.name for d in self.file.declarations] + [n for names in self.file.neuron.values() for n in names]
        known = {source.token(n) for n in declared}
        here = source.token(marked) or 0
        earlier = {i for i, token in enumerate(source.tokens[:here]) if token.text == name} - known
        if not earlier and not any(re.search(rf"\b{name}\b", text) for text in source.verbatim):
            words = {token.text for token in source.tokens}
            self.out.renamed[name] = next(n for n in (f"{name}{'_' * k}" for k in itertools.count(1)) if n not in words)

    def _start_parameters(self) -> None:
        """Install `m0` for every STATE m that needs it, as nocmodl does for all of them."""
        words = {t.text for t in self.context.source.tokens}
        for state, text in self.out.starts.items():
            name = f"{state}0"
            if name in self.out.table or name not in words or self.out.table[state].role is Role.ION:
                continue
            role = Role.GLOBAL if name in self.globals else Role.INSTANCE if name in self.ranges else Role.CONSTANT
            visible = role is not Role.CONSTANT
            self.out.table[name] = Symbol(name, role, "PARAMETER", default=six_digits(text), visible=visible)

    def _undeclared(self) -> None:
        for name, marked in self.ion_names.items():
            if name not in self.out.table:
                self.out.table[name] = Symbol(name, Role.ION, "ASSIGNED", loc=self.context.loc(marked))
        threaded = {self.context.name(n) for b in self.file.blocks for n in assigned_names(b.body)}
        for name, marked in self.globals.items():
            if name not in self.out.table and self.file.threadsafe and name in threaded:
                self._add(marked, Symbol("", Role.GLOBAL, "ASSIGNED", visible=True))  # nocmodl then declares it
            elif name not in self.out.table:
                reason = f"{name} is GLOBAL but declared nowhere"
                self.context.wrong("S125", reason, "declare it in PARAMETER or ASSIGNED", marked)
        for current in self.out.currents:
            if current.name not in self.out.table:
                reason = f"the current {current.name} is declared nowhere"
                marked = self.ranges.get(current.name, "")
                self.context.wrong("S126", reason, "declare it in ASSIGNED", marked)

    def _lags(self) -> None:
        """Declare what nocmodl makes of LAG x BY d: lag_x_d, a static variable of the file."""
        words = {token.text for token in self.context.source.tokens}
        for statement in (s for block in self.file.blocks for s in _lag_statements(block.body)):
            variable, delay = self.context.name(statement.variable), self.context.name(statement.delay)
            of, name = self.out.table.get(self.out.renamed.get(variable, variable)), f"lag_{variable}_{delay}"
            if name in self.out.table:
                reason = f"LAG {variable} BY {delay} stands twice, or {name} is declared"
                self.context.wrong("S190", reason, "keep one of them", statement.variable)
                continue
            length, loc = of.length if of is not None else 0, self.context.loc(statement.variable)
            self.out.table[name] = Symbol(name, Role.GLOBAL, "LOCAL", length=length, loc=loc)
            role = Role.GLOBAL if of is not None and of.role is Role.GLOBAL else Role.INSTANCE
            past = [f"past_of_{name}" + (f"_{k}" if length else "") for k in range(max(length, 1))]
            past = [next(p for n in itertools.count() if (p := f"{each}{'_' * n}") not in words) for each in past]
            for each in past:
                self.out.table[each] = Symbol(each, role, LAG, length=DEFAULT_PAST, loc=loc)
            self.out.lags[variable, delay] = name, tuple(past)

    # --------------------------------------------------------------------------------------------- code blocks

    def _blocks(self) -> None:
        for block in self.file.blocks:
            if block.kind not in _CALLABLE:
                continue
            name = self.context.name(block.name)
            if name in self.out.blocks:
                reason = f"{block.kind} {name} is defined twice"
                self.context.wrong("S127", reason, "remove or rename one of them", block.name)
            elif name in self.out.table and name not in EXTERNALS:
                reason = f"{name} is both a variable and a {block.kind}"
                self.context.wrong("S128", reason, "rename one of them", block.name)
            self.out.blocks.setdefault(name, block)
