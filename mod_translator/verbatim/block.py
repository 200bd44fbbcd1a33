"""One VERBATIM block that the simulation reaches: its statements as IR, or a refusal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mod_translator import ir
from mod_translator.errors import UnsupportedConstruct
from mod_translator.syntax import tree
from mod_translator.verbatim.idioms import remedy
from mod_translator.verbatim.joining import BETWEEN
from mod_translator.verbatim.macros import defined_before, preprocessed
from mod_translator.verbatim.statements import Statements
from mod_translator.verbatim.text import CProblem, parse, without_comments

if TYPE_CHECKING:
    from mod_translator.semantic.block import Block
    from mod_translator.semantic.statements import Lowering

_EQUATIONS = ("KINETIC", "LINEAR", "NONLINEAR", "DISCRETE")  # nocmodl puts their C in places of its own


def verbatim(lowering: Lowering, statement: tree.Mixed, work: Block, last: bool) -> tuple[ir.Stmt, ...]:
    """Return what a VERBATIM block does, or several with NMODL between them; a refusal goes to the report (U158).

    last: nothing follows in its body.
    """
    context = lowering.context
    tokens = [i for i, t in enumerate(context.source.tokens) if t.kind == "verbatim"]
    token = tokens[statement.indices[0]]
    text = without_comments(context.source.verbatim[statement.indices[0]])
    for k, index in enumerate(statement.indices[1:]):
        lines = context.source.tokens[tokens[index]].line - context.source.tokens[token].line - text.count("\n")
        text += f" {BETWEEN}{k}();" + "\n" * lines + without_comments(context.source.verbatim[index])
    if not text.strip():
        return ()
    outer, context.block_token = context.block_token, token
    base = context.source.loc(token)
    code = Statements(lowering, work, base, context.source.place(token).file == context.source.file)
    code.between = statement.bodies
    code.may_return = last and len(work.scope.frames) == 2
    depth = len(work.scope.frames)
    try:
        macros = defined_before(context.source.verbatim[: statement.indices[0]], lowering.symbols.table)
        items = parse(preprocessed(text, macros))
        if items and work.kind in _EQUATIONS:
            raise CProblem(f"C code in a {work.kind}")
        statements = code.block(items)
    except CProblem as problem:
        del work.scope.frames[depth:]
        statements = ()
        line = text.split("\n")[max(problem.line, 1) - 1 :]
        shown = next((part.strip() for part in (*line, *text.split("\n")) if part.strip()), "")
        reason = f"C code in VERBATIM: {problem.reason} ({shown[:60]})"
        place = ir.Loc(base.line + problem.line - 1) if code.in_main_file and problem.line > 1 else base
        context.refuse_at(UnsupportedConstruct, "U158", reason, problem.remedy or remedy(text), place)
    work.assigned |= ir.assigned(statements)
    context.block_token = outer
    return statements
