"""What a pass may ask of the front end: to refuse at a place, and to note something."""

from __future__ import annotations

from typing import Protocol

from mod_translator.errors import TranslationError
from mod_translator.ir import Loc


class PassContext(Protocol):
    """Where passes report. The NMODL front end's Context is one; a front end without text can count instead.

    second_order: whether the mechanism is to run with h.secondorder 1 or 2.
    """

    second_order: bool

    def refuse_at(self, kind: type[TranslationError], code: str, reason: str, remedy: str, loc: Loc | None) -> None:
        """Report a refusal."""

    def note_at(self, text: str, loc: Loc | None) -> None:
        """Report something that does not stop the translation."""
