"""NMODL text to `tree.File`: the parser is NEURON's own, `neuron.nmodl`."""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import sys
from collections.abc import Iterator
from typing import Any

from mod_translator.errors import MissingNeuronError, NmodlSyntaxError, TranslationError
from mod_translator.report import Collector
from mod_translator.syntax import tree
from mod_translator.syntax.bounds import check_bounds
from mod_translator.syntax.expressions import identifier, integer, number
from mod_translator.syntax.source import Source
from mod_translator.syntax.statements import Statements, verbatim_index

_WHERE = re.compile(r"\[Location : (\d+)(?:\.(\d+))?")

_LISTS = {  # statement of the NEURON block: its keyword
    "Range": "RANGE",
    "Global": "GLOBAL",
    "Pointer": "POINTER",
    "BbcorePointer": "BBCOREPOINTER",
    "External": "EXTERNAL",
    "RandomVarList": "RANDOM",
}

_BLOCKS = {
    "InitialBlock": "INITIAL",
    "BreakpointBlock": "BREAKPOINT",
    "DerivativeBlock": "DERIVATIVE",
    "KineticBlock": "KINETIC",
    "LinearBlock": "LINEAR",
    "NonLinearBlock": "NONLINEAR",
    "DiscreteBlock": "DISCRETE",
    "FunctionBlock": "FUNCTION",
    "ProcedureBlock": "PROCEDURE",
    "FunctionTableBlock": "FUNCTION_TABLE",
    "NetReceiveBlock": "NET_RECEIVE",
    "ConstructorBlock": "CONSTRUCTOR",
    "DestructorBlock": "DESTRUCTOR",
    "BeforeBlock": "BEFORE",
    "AfterBlock": "AFTER",
}
_KEYWORDS = set(_BLOCKS.values()) | {"EQUATION"}


def parse(source: Source, report: Collector) -> tree.File:
    """Return everything in the file.

    Raises NmodlSyntaxError with the user's line, MissingNeuronError without NEURON's parser. Statements that exist in
    NMODL but not in tree.py go to `report`.
    """
    try:
        from neuron.nmodl import NmodlDriver  # here, so that importing mod_translator does not start NEURON
    except ModuleNotFoundError as error:
        raise MissingNeuronError from error

    if not source.tokens:
        raise NmodlSyntaxError("the file is empty", remedy="give the text of a .mod file", code="N100")
    check_bounds(source)
    text = source.marked()
    try:
        with _silent():
            program = NmodlDriver().parse_string(text)
    except RuntimeError as error:
        raise _syntax_error(str(error), source) from error
    return _Reader(source, report).read(program)


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Keep what the parser prints from standard output, where it would end up in the middle of ours."""
    sys.stdout.flush()
    saved, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 1)
        yield
    finally:
        ctypes.CDLL(None).fflush(None)  # C's buffers go to what they were written for
        os.dup2(saved, 1)
        os.close(saved)
        os.close(nowhere)


def _syntax_error(message: str, source: Source) -> TranslationError:
    where = _WHERE.search(message)
    reason = message[: where.start()] if where else message.split("\n", maxsplit=1)[0]
    for prefix in ("NMODL Parser Error :", "Lexer Error :", "syntax error,"):
        reason = reason.strip().removeprefix(prefix).strip()
    if where:
        place = source.parser_place(int(where.group(1)), int(where.group(2) or 1))
    else:
        tildes = [i for i, t in enumerate(source.tokens) if t.text in ("~", "~+")]
        place = source.place(tildes[0] if tildes else 0)
    remedy = "compare the line with the NMODL syntax; nrnivmodl reports the same place"
    return NmodlSyntaxError(source.name(reason), remedy=remedy, code="N101", place=place)


class _Reader:
    def __init__(self, source: Source, report: Collector) -> None:
        self.source = source
        self.file = tree.File()
        self.statements = Statements(source, report)
        self._heads = iter([i for i, t in enumerate(source.tokens) if self._is_head(i, t.text)])

    def _is_head(self, index: int, word: str) -> bool:
        if word not in _KEYWORDS:
            return False
        depth_zero = sum((t.text == "{") - (t.text == "}") for t in self.source.tokens[:index]) == 0
        after_time = index > 0 and self.source.tokens[index - 1].text in ("BEFORE", "AFTER")
        return depth_zero and not after_time

    def read(self, program: Any) -> tree.File:
        for node in program.blocks:
            kind = type(node).__name__
            if kind in _BLOCKS:
                self.file.blocks.append(self._block(node, _BLOCKS[kind]))
            elif kind == "NeuronBlock":
                self._neuron(node)
            elif kind in ("ParamBlock", "AssignedBlock", "StateBlock", "ConstantBlock", "UnitBlock"):
                self._declarations(node, kind)
            elif kind == "LocalListStatement":
                self.file.locals += self.statements.locals(node)
            elif kind == "Define":
                self.file.defines[identifier(node.name)] = integer(node.value)
            elif kind == "Verbatim":
                self.file.verbatim.append(verbatim_index(node))
        return self.file

    def _block(self, node: Any, kind: str) -> tree.Block:
        token = next(self._heads, None)
        name, unit, body = "", "", node
        args: tuple[tuple[str, str], ...] = ()
        solvefor: tuple[str, ...] = ()
        if kind in ("BEFORE", "AFTER"):
            name, body = str(node.bablock.type.eval()), node.bablock
        elif hasattr(node, "name"):
            name = identifier(node.name)
        if hasattr(node, "parameters"):
            args = tuple((identifier(a.name), self._unit(a.unit)) for a in node.parameters)
        if hasattr(node, "unit"):
            unit = self._unit(node.unit)
        if hasattr(node, "solvefor"):
            solvefor = tuple(identifier(n) for n in node.solvefor)
        statements = () if kind == "FUNCTION_TABLE" else self.statements.body(body.statement_block)
        return tree.Block(kind, name, statements, args, unit, solvefor, token)

    def _unit(self, node: Any) -> str:
        return "" if node is None else self.source.name(str(node.name.value)).strip()

    def _neuron(self, block: Any) -> None:
        for node in block.statement_block.statements:
            kind = type(node).__name__
            if kind == "Suffix":
                self.file.suffix = (identifier(node.type), identifier(node.name))
            elif kind == "Useion":
                valence = number(node.valence.value)[0] if node.valence else None
                reads = tuple(identifier(v.name) for v in node.readlist)
                writes = tuple(identifier(v.name) for v in node.writelist)
                self.file.ions.append(tree.UseIon(identifier(node.name), reads, writes, valence))
            elif kind in ("Nonspecific", "ElectrodeCurrent"):
                word = "NONSPECIFIC_CURRENT" if kind == "Nonspecific" else "ELECTRODE_CURRENT"
                self.file.neuron.setdefault(word, []).extend(identifier(v.name) for v in node.currents)
            elif kind in _LISTS:
                self.file.neuron.setdefault(_LISTS[kind], []).extend(identifier(v.name) for v in node.variables)
            elif kind == "ThreadSafe":
                self.file.threadsafe = True

    def _declarations(self, node: Any, kind: str) -> None:
        add = self.file.declarations.append
        if kind == "ConstantBlock":
            for statement in node.statements:
                constant = statement.constant
                value, unit = str(constant.value.value), self._unit(constant.unit)
                add(tree.Declaration("CONSTANT", identifier(constant.name), value, unit))
        elif kind == "UnitBlock":
            for definition in node.definitions:
                if type(definition).__name__ == "UnitDef":
                    self.file.units.append((self._unit(definition.unit1), self._unit(definition.unit2)))
                else:
                    add(self._factor(definition))
        elif kind == "ParamBlock":
            for statement in node.statements:
                add(self._parameter(statement))
        else:
            word = "STATE" if kind == "StateBlock" else "ASSIGNED"
            for definition in node.definitions:
                name, order = definition.name, 0
                if name.is_prime_name():
                    order = int(name.order.value)
                length = integer(definition.length) if definition.length else 0
                start = str(definition.start.value) if definition.start else ""
                unit = self._unit(definition.unit)
                add(tree.Declaration(word, str(name.value.value), start, unit, length, order=order))

    def _factor(self, node: Any) -> tree.Declaration:
        name, unit = identifier(node.name), self._unit(node.unit1)
        if node.value is not None:
            return tree.Declaration("UNITS", name, str(node.value.value), unit)
        return tree.Declaration("UNITS", name, unit=unit, units=(unit, self._unit(node.unit2)))

    def _parameter(self, node: Any) -> tree.Declaration:
        name, length = node.name, 0
        if name.is_indexed_name():
            name, length = name.name, integer(name.length)
        limits = None
        if node.limit:
            limits = (number(node.limit.min)[0], number(node.limit.max)[0])
        value = str(node.value.value) if node.value else ""
        return tree.Declaration("PARAMETER", identifier(name), value, self._unit(node.unit), length, limits)
