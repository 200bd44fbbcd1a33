"""C functions that a file defines in VERBATIM, outside of its blocks.

A function of numbers that returns a double and uses nothing but its arguments, its own variables, mathematics and other
such functions becomes a FUNCTION of the IR.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pycparser import c_ast

from mod_translator import ir
from mod_translator.semantic.block import Block
from mod_translator.semantic.names import INTRINSICS
from mod_translator.verbatim.macros import defined_before, preprocessed
from mod_translator.verbatim.text import CProblem, parse, without_comments

if TYPE_CHECKING:
    from mod_translator.semantic.statements import Lowering
    from mod_translator.syntax.source import Source

_DEFINITION = re.compile(r"(?:\bstatic\s+|\binline\s+)*\bdouble\s+(\w+)\s*\(([^(){};]*)\)\s*\{")


@dataclass(frozen=True)
class Definition:
    """The text of a function. block: which of the VERBATIM texts of the file; line: where in it, from 1."""

    parameters: str
    body: str
    block: int
    line: int


def definitions(source: Source) -> dict[str, Definition]:
    """Name -> definition of every C function that returns a double; those that are defined twice are left out."""
    found: dict[str, Definition | None] = {}
    for block, text in enumerate(source.verbatim):
        plain = without_comments(text)
        for match in _DEFINITION.finditer(plain):
            end = _closing(plain, match.end())
            if end < 0 or plain.count("{", 0, match.start()) != plain.count("}", 0, match.start()):
                continue
            line = plain.count("\n", 0, match.end()) + 1
            made = Definition(match.group(2), plain[match.end() : end], block, line)
            found[match.group(1)] = None if match.group(1) in found else made
    return {name: made for name, made in found.items() if made is not None and name not in INTRINSICS}


def _closing(text: str, start: int) -> int:
    depth = 1
    for place in range(start, len(text)):
        depth += (text[place] == "{") - (text[place] == "}")
        if not depth:
            return place
    return -1


def reach(lowering: Lowering, name: str, line: int) -> int | None:
    """Lower a C function of the file unless that was done; return how many arguments it takes, None for no function.

    Raises CProblem: it does what cannot become IR.
    """
    found = lowering.c_functions.get(name)
    if found is None or name in lowering.symbols.table or name in lowering.symbols.blocks:
        return None
    if name not in lowering.routines:
        if name in lowering.c_active:
            raise CProblem(f"the C function {name}, which calls itself", line)
        lowering.c_active.append(name)
        try:
            lowering.routines[name] = _routine(lowering, name, found)
        except CProblem as problem:
            raise CProblem(f"the C function {name}: {problem.reason}", line, problem.remedy) from None
        finally:
            lowering.c_active.pop()
    return len(lowering.routines[name].args)


def _routine(lowering: Lowering, name: str, found: Definition) -> ir.Routine:
    from mod_translator.verbatim.statements import Statements  # its expressions call functions

    source = lowering.context.source
    token = [i for i, t in enumerate(source.tokens) if t.kind == "verbatim"][found.block]
    start = source.loc(token)
    loc = ir.Loc(start.line + found.line - 1)
    work = Block("FUNCTION", lowering.scope(name), token)
    args = []
    for argument in _parameters(found.parameters):
        fresh = work.scope.fresh(argument)
        work.scope.frames[-1][f"C double {argument}"] = ir.Var(fresh)
        args.append(fresh)
    code = Statements(lowering, work, loc, source.place(token).file == source.file)
    code.in_function = code.may_return = True
    macros = defined_before(source.verbatim[: found.block + 1], lowering.symbols.table)
    items = parse(preprocessed(found.body, macros))
    if not items or not isinstance(items[-1], c_ast.Return):
        raise CProblem("it does not end with a return")
    statements = code.block(items)
    return ir.Routine(name, "FUNCTION", statements, tuple(args), results=(name,), loc=loc)


def _parameters(text: str) -> list[str]:
    if text.strip() in ("", "void"):
        return []
    found = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(?:const\s+)?double\s+(\w+)\s*", part)
        if match is None:
            raise CProblem(f"the argument {part.strip()}", remedy="give it doubles only")
        found.append(match.group(1))
    return found
