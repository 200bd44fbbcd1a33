"""C code in VERBATIM that is understood: nothing at all, a `return 0;` at the end, an ion variable taken as it is."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from mod_translator.ir import Role, Symbol

_ION_COPIES = re.compile(r"(\w+=_ion_\w+;)+")
_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)


def without_comments(text: str) -> str:
    """Return C code with its comments blanked."""
    return _COMMENT.sub(" ", text)


def is_harmless(text: str, symbols: Mapping[str, Symbol], assigned: Collection[str], at_end: bool) -> bool:
    """Return whether leaving out the C code changes nothing.

    assigned: variables that may have been assigned before. at_end: nothing of the routine follows.
    """
    words = "".join(without_comments(text).split())
    if words == "" or (words == "return0;" and at_end):
        return True
    if not _ION_COPIES.fullmatch(words):
        return False
    pairs = [part.split("=_ion_") for part in words.split(";") if part]  # cai = _ion_cai;
    return all(x == y and x in symbols and symbols[x].role is Role.ION and x not in assigned for x, y in pairs)


def first_line(text: str) -> str:
    """Return the first line of C code that is not a comment, for a message."""
    return next((line.strip() for line in without_comments(text).splitlines() if line.strip()), "")[:60]
