"""What the parts of the semantic analysis share: the source, the report, and how to refuse."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mod_translator.errors import Place, SemanticError, TranslationError, UnsupportedConstruct
from mod_translator.ir import Binary, Call, Element, Expr, Loc, Unary, Var
from mod_translator.pointees import Pointee
from mod_translator.report import Collector
from mod_translator.syntax.source import Source
from mod_translator.syntax.tree import EARLIER


@dataclass
class Context:
    """One file being analysed.

    pointees: what its POINTERs to generators lead to (None: there is no live process). second_order: whether it is to
    run with h.secondorder 1 or 2.
    """

    source: Source
    report: Collector
    block_token: int | None = field(default=None)  # where the block under analysis starts
    pointees: Mapping[str, Pointee] | None = None
    second_order: bool = False

    def name(self, marked: str) -> str:
        """Return the user's name of a marked name."""
        return self.source.name(marked)

    def loc(self, marked: str) -> Loc:
        """Return where a marked name stands (the block under analysis if it has no mark)."""
        return self.source.loc(self._token(marked))

    def place(self, marked: str) -> Place:
        """Return where a marked name stands, for a message."""
        return self.source.place(self._token(marked))

    def _token(self, marked: str) -> int | None:
        token = self.source.token(marked)
        return self.block_token if token is None else token

    def wrong(self, code: str, reason: str, remedy: str, at: str = "") -> None:
        """Report a SemanticError at a marked name."""
        self.refuse(SemanticError(reason, remedy=remedy, code=code, place=self.place(at)))

    def unsupported(self, code: str, reason: str, remedy: str, at: str = "") -> None:
        """Report an UnsupportedConstruct at a marked name."""
        self.refuse(UnsupportedConstruct(reason, remedy=remedy, code=code, place=self.place(at)))

    def refuse(self, error: TranslationError) -> None:
        """Report a refusal."""
        self.report.error(error)

    def refuse_at(self, kind: type[TranslationError], code: str, reason: str, remedy: str, loc: Loc | None) -> None:
        """Report a refusal at a place of the main file."""
        self.refuse(kind(reason, remedy=remedy, code=code, place=self.source.place_of(loc)))

    def note_at(self, text: str, loc: Loc | None) -> None:
        """Report a note at a place of the main file."""
        self.report.note(text, self.source.place_of(loc))

    def note(self, text: str, at: str = "") -> None:
        """Report a note at a marked name."""
        self.report.note(text, self.place(at))


def first_name(expr: Expr) -> str:
    """Return the marked name that stands first in an expression; '' for an expression of numbers only."""
    match expr:
        case Var(name) | Element(name, _):
            return name
        case Call(name, args):
            return first_name(args[0]) if name == EARLIER else name
        case Unary(_, operand):
            return first_name(operand)
        case Binary(_, left, right):
            return first_name(left) or first_name(right)
        case _:
            return ""
