"""The text of a VERBATIM block to pycparser's tree of it."""

from __future__ import annotations

import re
from typing import Any

from pycparser import c_ast, c_parser

MAX_LENGTH = 20_000  # characters of one block
MAX_LEVELS = 150  # of the tree, which is walked recursively
MAX_DEPTH = 60  # of brackets, so that the parser's recursion stays bounded

_COMMENT = re.compile(r'("(?:\\.|[^"\\\n])*")|(\'(?:\\.|[^\'\\\n])*\')|/\*.*?\*/|//[^\n]*', re.DOTALL)
_ARGS = re.compile(r"\b(?:_(?:internal)?threadargs(?:comma)?_|RANDCAST)\b")
# NEURON's own function behind net_send of an artificial cell, with the time instead of a delay.
_SEND = re.compile(r"\bartcell_net_send\s*\(\s*_tqitem\s*,\s*\(\s*double\s*\*\s*\)\s*0\s*,[^,]*,")
SEND = "nmodl_send_at"
_TYPES = {"nrnran123_State": "struct state", "Rand": "struct rand", "IvocVect": "struct vector", "uint32_t": "unsigned"}


class CProblem(Exception):  # noqa: N818 - becomes a refusal where the block is known
    """C that is not understood. `line` counts from 1 at the word VERBATIM."""

    def __init__(self, reason: str, line: int = 1, remedy: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line
        self.remedy = remedy


def without_comments(text: str) -> str:
    """Return C text with every comment blanked; lines stay where they are."""

    def blank(match: re.Match[str]) -> str:
        kept = match.group(1) or match.group(2)
        return kept if kept is not None else re.sub(r"[^\n]", " ", match.group())

    return _COMMENT.sub(blank, text)


def parse(text: str) -> list[Any]:
    """Return the statements of C text (without comments and preprocessor lines); lines count from 1 as in the text.

    Raises CProblem: no plain C, or not a whole number of statements.
    """
    if len(text) > MAX_LENGTH:
        raise CProblem(f"more than {MAX_LENGTH} characters")
    depth = deepest = 0
    for char in text:
        depth += (char in "({[") - (char in ")}]")
        deepest = max(deepest, depth)
        if depth < 0:
            raise CProblem("a block that begins outside of this VERBATIM")
    if deepest > MAX_DEPTH:
        raise CProblem(f"brackets nested more than {MAX_DEPTH} deep")
    if depth:
        raise CProblem("a block that goes on outside of this VERBATIM")
    types = "".join(f"typedef {c} {name}; " for name, c in _TYPES.items() if re.search(rf"\b{name}\b", text))
    source = types + "void block(void) {" + _ARGS.sub("", _SEND.sub(f"{SEND}(", text)) + "\n}"
    try:
        file = c_parser.CParser().parse(source, "")
    except (c_parser.ParseError, RecursionError, AssertionError, AttributeError, ValueError) as error:
        found = re.match(r":?(\d+)", str(error))
        raise CProblem("C that is not plain C", int(found.group(1)) if found else 1) from None
    if _too_deep(file):
        raise CProblem("an expression of too many parts")
    code = [part for part in file.ext if not isinstance(part, c_ast.Typedef)]
    if len(code) != 1 or not isinstance(code[0], c_ast.FuncDef):
        raise CProblem("C that is not a list of statements")
    return list(code[0].body.block_items or [])


def _too_deep(root: Any) -> bool:
    level = [root]
    for _ in range(MAX_LEVELS):
        level = [child for node in level for _, child in node.children()]
        if not level:
            return False
    return True


def line_of(node: Any) -> int:
    """Return the line of a node, 1 if it has none."""
    coord = getattr(node, "coord", None)
    return int(coord.line) if coord is not None else 1
