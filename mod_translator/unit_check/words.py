"""The words of a mod file as modlunit's lexer gives them."""

from __future__ import annotations

from dataclasses import dataclass

from mod_translator.syntax.source import RESERVED, Source

_SKIPPED = ("verbatim", "represents")
_DIGITS = 18
_NO_KEYWORDS = {"f_flux", "b_flux", "MUTEXLOCK", "MUTEXUNLOCK", "matexp"}  # reserved here, plain names to modlunit
KEYWORDS = (RESERVED | {"INT", "CHARGE"}) - _NO_KEYWORDS


class UnreadableError(Exception):
    """modlunit's grammar does not know what stands here."""


@dataclass(frozen=True, slots=True)
class Word:
    """One word. kind: NAME, PRIME, INTEGER, REAL, STRING, KEYWORD, or '' for other characters; at: its token."""

    kind: str
    text: str
    at: int
    line: int
    column: int


class Words:
    """A place in the words of a text, which moves on."""

    def __init__(self, source: Source) -> None:
        self.lines = source.text.split("\n")
        self.words: list[Word] = []
        self.defined: dict[str, int] = {}  # by DEFINE
        self.at = 0
        last = Word("", "", 0, 0, 0)
        for index, token in enumerate(source.tokens):
            if token.kind in _SKIPPED:
                continue
            touches = last.line == token.line and last.column + len(last.text) == token.column
            if token.text == "'" and touches and last.kind in ("NAME", "PRIME"):
                last = Word("PRIME", last.text + "'", last.at, last.line, last.column)
                self.words[-1] = last
                continue
            for text, column in self._split(token.text, token.column):
                last = Word(_kind(token.kind, text), text, index, token.line, column)
                self.words.append(last)
        end = self.words[-1] if self.words else Word("", "", 0, 1, 1)
        self.end = Word("END", "", end.at, end.line, end.column)

    @staticmethod
    def _split(text: str, column: int) -> list[tuple[str, int]]:
        return [("<", column), ("<", column + 1)] if text == "<<" else [(text, column)]

    def peek(self, ahead: int = 0) -> Word:
        """Return the next word without taking it."""
        at = self.at + ahead
        return self.words[at] if at < len(self.words) else self.end

    def next(self) -> Word:
        """Take the next word."""
        word = self.peek()
        self.at += 1
        return word

    def accept(self, text: str) -> Word | None:
        """Take the next word if it is `text`."""
        return self.next() if self.peek().text == text and self.peek().kind != "STRING" else None

    def expect(self, text: str) -> Word:
        """Take the next word, which must be `text`."""
        word = self.accept(text)
        if word is None:
            raise UnreadableError(f"{text} expected")
        return word

    def take(self, *kinds: str) -> Word:
        """Take the next word, which must be of one of the kinds."""
        if self.peek().kind not in kinds:
            raise UnreadableError(f"{' or '.join(kinds)} expected")
        return self.next()

    def integer(self) -> tuple[Word, int] | None:
        """Take an integer, or a name that DEFINE made one, if one comes next."""
        word = self.peek()
        if word.kind == "INTEGER":
            if len(word.text) > _DIGITS:
                raise UnreadableError("an integer that is too long")
            return self.next(), int(word.text)
        if word.kind == "NAME" and word.text in self.defined:
            return self.next(), self.defined[word.text]
        return None

    def unit(self) -> tuple[str, Word] | None:
        """Take a unit text in parentheses if a parenthesis comes next; return it and the closing one."""
        opening = self.peek()
        if opening.text != "(":
            return None
        line = self.lines[opening.line - 1]
        end = line.find(")", opening.column)
        if end < 0:
            raise UnreadableError("a unit without its )")
        self.next()
        while self.peek().line == opening.line and self.peek().column - 1 < end and self.peek().kind != "END":
            self.next()
        return line[opening.column : end], self.expect(")")


def _kind(token: str, text: str) -> str:
    if token == "name":
        return "KEYWORD" if text in KEYWORDS else "NAME"
    if token == "number":
        return "INTEGER" if text.isdigit() else "REAL"
    return "STRING" if token == "string" else ""
