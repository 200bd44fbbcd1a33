"""C code whose braces (or #if) open in one VERBATIM block and close in another, with NMODL between them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mod_translator.syntax import tree
from mod_translator.verbatim.text import without_comments

BETWEEN = "nmodl_between_"  # what stands for the NMODL in the C code, with its number
_IF, _ENDIF = (re.compile(rf"^\s*#\s*{word}", re.MULTILINE) for word in ("if", "endif"))
_DIRECTIVE = re.compile(r"^\s*#[^\n]*", re.MULTILINE)


def joined(body: tree.Body, verbatim: Sequence[str]) -> tree.Body:
    """Return the statements of a body with such blocks, and what stands between them, made one (tree.Mixed).

    verbatim: the text of every VERBATIM block of the file.
    """
    depths = [_depth(verbatim[s.index]) if isinstance(s, tree.VerbatimText) else 0 for s in body]
    if not any(depths):
        return body
    out: list[tree.Statement] = []
    i = 0
    while i < len(body):
        end, depth = i, depths[i]
        while depth > 0 and end + 1 < len(body):
            end += 1
            depth += depths[end]
        out.append(body[i] if end == i or depth else _mixed(body[i : end + 1]))
        i = end + 1 if not depth else i + 1
    return tuple(out)


def _depth(text: str) -> int:
    plain = without_comments(text)
    code = _DIRECTIVE.sub("", plain)
    return code.count("{") - code.count("}") + len(_IF.findall(plain)) - len(_ENDIF.findall(plain))


def _mixed(part: tree.Body) -> tree.Mixed:
    indices: list[int] = []
    bodies: list[list[tree.Statement]] = []
    for statement in part:
        if isinstance(statement, tree.VerbatimText):
            indices.append(statement.index)
            bodies.append([])
        else:
            bodies[-1].append(statement)
    return tree.Mixed(tuple(indices), tuple(map(tuple, bodies[:-1])))
