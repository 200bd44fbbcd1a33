"""What can be wrong with an NMODL file, as exceptions that point at the user's own source line."""

from __future__ import annotations

import sys
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the user's text: file, line and column (from 1), and the line itself."""

    file: str = ""
    line: int = 0
    column: int = 1
    text: str = ""

    def show(self) -> str:
        """Return the source line with a caret under the column; empty if the line is not known."""
        if not self.text.strip():
            return ""
        pad = "".join("\t" if c == "\t" else " " for c in self.text[: self.column - 1])
        return f"    {self.text.rstrip()}\n    {pad}^"

    def __str__(self) -> str:
        name = self.file or "<NMODL text>"
        return f"{name}:{self.line}:{self.column}" if self.line else name


class MissingNeuronError(ImportError):
    """NEURON, whose parser and units are used, is not installed in this Python, or is older than 9."""

    def __init__(self) -> None:
        super().__init__(
            f"NEURON 9 or later, whose own parser (neuron.nmodl) and units are used, is not installed in this Python "
            f"({sys.executable}). Install it there: {sys.executable} -m pip install 'neuron>=9.0'"
        )


class TranslationError(Exception):
    """Base of everything `mod_translator` raises because of the user's NMODL text.

    Attributes: code (stable number such as 'S101'), file, line, column (from 1), source_line, reason, remedy.
    """

    kind = "error"

    def __init__(self, reason: str, *, remedy: str = "", code: str = "", place: Place | None = None) -> None:
        self.reason = reason
        self.remedy = remedy
        self.code = code
        self.place = place or Place()
        super().__init__(self.message())

    @property
    def file(self) -> str:
        """Name of the file, or an empty string."""
        return self.place.file

    @property
    def line(self) -> int:
        """Line, from 1; 0 if it is not known."""
        return self.place.line

    @property
    def column(self) -> int:
        """Column, from 1."""
        return self.place.column

    @property
    def source_line(self) -> str:
        """The user's own line."""
        return self.place.text

    @property
    def caret(self) -> str:
        """The source line with a caret under the column."""
        return self.place.show()

    def message(self) -> str:
        """Return place, reason, source line with caret, remedy, as one text of up to four lines."""
        code = f" [{self.code}]" if self.code else ""
        parts = [f"{self.place}: {self.kind}{code}: {self.reason}"]
        if self.caret:
            parts.append(self.caret)
        if self.remedy:
            parts.append(f"    What to do: {self.remedy}")
        return "\n".join(parts)


class NmodlSyntaxError(TranslationError):
    """The text is not NMODL."""

    kind = "syntax error"


class IncludeError(NmodlSyntaxError):
    """An INCLUDE file is missing, unreadable or includes itself."""

    kind = "INCLUDE error"


class SemanticError(TranslationError):
    """NMODL that NEURON itself rejects or that has no defined meaning."""

    kind = "semantic error"


class UnsupportedConstruct(TranslationError):  # noqa: N818 - the construct is what is refused
    """Legal NMODL whose numbers cannot be reproduced yet."""

    kind = "not supported"


class SharedStateError(UnsupportedConstruct):
    """A block reads what another instance or an earlier block left in a variable that all instances share."""

    kind = "shared variable carried between calls"


class TranslationErrors(TranslationError):  # noqa: N818 - a plural
    """Several refusals of one file; `errors` holds them in the order of the source."""

    def __init__(self, errors: tuple[TranslationError, ...]) -> None:
        self.errors = errors
        first = errors[0]
        super().__init__(first.reason, remedy=first.remedy, code=first.code, place=first.place)

    def message(self) -> str:
        """Return all messages, one after the other, after a line with their number."""
        name = self.errors[0].file or "<NMODL text>"
        return "\n".join([f"{name}: {len(self.errors)} problems", *(e.message() for e in self.errors)])
