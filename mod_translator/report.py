"""What a translation found: refusals, and notes on what was dropped or assumed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mod_translator.errors import Place, TranslationError, TranslationErrors


@dataclass(frozen=True, slots=True)
class Note:
    """Something the user may want to know that does not stop the translation."""

    text: str
    place: Place

    def __str__(self) -> str:
        return f"{self.place}: note: {self.text}"


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of reading one file.

    name, kind: of the mechanism ('' if unknown). errors: every refusal, in source order. notes: see `Note`.
    """

    file: str
    name: str = ""
    kind: str = ""
    errors: tuple[TranslationError, ...] = ()
    notes: tuple[Note, ...] = ()

    @property
    def ok(self) -> bool:
        """True if nothing is refused."""
        return not self.errors

    def raise_if_refused(self) -> None:
        """Raise the only error, or one TranslationErrors with all of them; do nothing if there is none."""
        if len(self.errors) == 1:
            raise self.errors[0]
        if self.errors:
            raise TranslationErrors(self.errors)

    def to_json(self) -> dict[str, Any]:
        """Return plain data: file, name, kind, ok, errors (with place, code, reason, remedy), notes."""
        return {
            "file": self.file,
            "name": self.name,
            "kind": self.kind,
            "ok": self.ok,
            "errors": [
                {
                    "type": type(e).__name__,
                    "code": e.code,
                    "file": e.file,
                    "line": e.line,
                    "column": e.column,
                    "source_line": e.source_line,
                    "reason": e.reason,
                    "remedy": e.remedy,
                }
                for e in self.errors
            ],
            "notes": [{"text": n.text, "file": n.place.file, "line": n.place.line} for n in self.notes],
        }

    def __str__(self) -> str:
        head = f"{self.file or '<NMODL text>'}: {self.kind} {self.name}".rstrip()
        verdict = "translates" if self.ok else f"{len(self.errors)} problem(s)"
        lines = [f"{head}: {verdict}", *(e.message() for e in self.errors), *(str(n) for n in self.notes)]
        return "\n".join(lines)


class Collector:
    """Gathers refusals and notes while a file is read; the same refusal at the same place counts once."""

    def __init__(self) -> None:
        self._errors: dict[tuple[str, str, int, int], TranslationError] = {}
        self._notes: dict[tuple[str, int], Note] = {}

    def error(self, error: TranslationError) -> None:
        """Add a refusal."""
        self._errors.setdefault((error.reason, error.file, error.line, error.column), error)

    @property
    def count(self) -> int:
        """How many refusals there are so far."""
        return len(self._errors)

    def forget(self, count: int) -> None:
        """Drop all refusals after the first so many, of an attempt after which there is another way."""
        self._errors = dict(list(self._errors.items())[:count])

    def note(self, text: str, place: Place) -> None:
        """Add a note."""
        self._notes.setdefault((text, place.line), Note(text, place))

    @property
    def errors(self) -> tuple[TranslationError, ...]:
        """All refusals, in the order of the text."""
        return tuple(sorted(self._errors.values(), key=lambda e: (e.line, e.column)))

    @property
    def notes(self) -> tuple[Note, ...]:
        """All notes, in the order of the text."""
        return tuple(sorted(self._notes.values(), key=lambda n: n.place.line))
