"""How large and how nested a file may be: far beyond any mod file, below what hangs or breaks a parser."""

from __future__ import annotations

from mod_translator.errors import NmodlSyntaxError, Place, TranslationError, UnsupportedConstruct
from mod_translator.syntax.source import Source

MAX_TOKENS = 50_000  # a published mod file has up to 10,000
MAX_NESTING = 60
MAX_TERMS = 5_000  # words of one statement
MAX_WORD = 200  # characters of a name or a number

_OPEN, _CLOSE, _SIGNS = frozenset("([{"), frozenset(")]}"), frozenset("-+!")


def too_nested(place: Place) -> TranslationError:
    """Return the refusal of what is nested deeper than anything here can follow."""
    return UnsupportedConstruct(
        "brackets, signs, branches or the terms of a sum are nested too deep",
        remedy="assign parts of it to LOCAL variables",
        code="U193",
        place=place,
    )


def check_bounds(source: Source) -> None:
    """Raise UnsupportedConstruct for a file that no parser would get through in time."""
    tokens = source.tokens
    if len(tokens) > MAX_TOKENS:
        _too_large(source, MAX_TOKENS, f"the file has more than {MAX_TOKENS} words")
    depth = signs = terms = 0
    for k, token in enumerate(tokens):
        depth += (token.text in _OPEN) - (token.text in _CLOSE)
        signs = signs + 1 if token.text in _SIGNS else 0
        terms = 0 if token.text in "={}~" else terms + 1
        if depth > MAX_NESTING or signs > MAX_NESTING:
            raise too_nested(source.place(k))
        if terms > MAX_TERMS:
            _too_large(source, k, f"a statement or a list of more than {MAX_TERMS} words")
        if k and tokens[k - 1].text == "DEFINE" and token.kind != "name":  # at which the lexer ends the process
            raise NmodlSyntaxError(
                f"DEFINE {token.text}", remedy="write DEFINE, a name and a number", code="N101", place=source.place(k)
            )
        if token.kind in ("name", "number") and len(token.text) > MAX_WORD:
            _too_large(source, k, f"a {token.kind} of {len(token.text)} characters")


def _too_large(source: Source, token: int, reason: str) -> None:
    raise UnsupportedConstruct(reason, remedy="split it", code="U194", place=source.place(token))
