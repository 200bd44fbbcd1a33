"""From the NMODL text that NEURON embeds to IR, and the order in which NEURON runs the mechanisms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import mod_translator
from mod_translator import ir
from mod_translator.errors import TranslationError
from mod_translator.report import Report
from nrn_diff.bridge.catalog import MechanismType
from nrn_diff.bridge.findings import Findings

_NO_TEXT = {
    "fastpas": ("it has no NMODL text", "insert pas, which computes the same"),
}
_NO_TEXT_AT_ALL = (
    "it has no NMODL text: it was made by the ChannelBuilder (KSChan) or in C, which is not supported yet",
    "describe the channel in a mod file",
)


@lru_cache(maxsize=1024)
def _lowered(code: str, file: str) -> tuple[ir.Mechanism | None, Report]:
    return mod_translator.lower(code, file=file)


class Translator:
    """Lowers each mechanism once; refusals of the translation become refusals of the capture."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._done: dict[str, ir.Mechanism | None] = {}

    def lower(self, kind: MechanismType) -> ir.Mechanism | None:
        """The mechanism's IR, or None after a refusal."""
        if kind.name not in self._done:
            self._done[kind.name] = self._lower(kind)
        return self._done[kind.name]

    def lower_all(self, kinds: Sequence[MechanismType]) -> dict[str, ir.Mechanism]:
        """name -> IR of those that can be translated."""
        return {kind.name: found for kind in kinds if (found := self.lower(kind)) is not None}

    def _lower(self, kind: MechanismType) -> ir.Mechanism | None:
        where = f"mechanism {kind.name}"
        if not kind.code:
            self._findings.refuse(kind.name, where, *_NO_TEXT.get(kind.name, _NO_TEXT_AT_ALL))
            return None
        mechanism, report = _lowered(kind.code, kind.file)
        for error in report.errors:
            self._refuse(where, error)
        for note in report.notes:
            self._findings.note(f"{where}: {note}")
        return mechanism

    def _refuse(self, where: str, error: TranslationError) -> None:
        code = f" [{error.code}]" if error.code else ""
        source = f"\n{error.caret}" if error.caret else ""
        self._findings.refuse(f"{error.kind}{code}", f"{where}, {error.place}", f"{error.reason}{source}", error.remedy)


def execution_rank(types: Sequence[MechanismType], lowered: Mapping[str, ir.Mechanism]) -> dict[str, int]:
    """Position of each mechanism in NEURON's memb_order_ (nrn_writes_conc in init.cpp).

    Ions come first, in the order of their registration. A mechanism that writes a concentration is put right behind the
    ions when it is registered, so of several the last registered comes first. All others follow in type order.
    """
    types = sorted(types, key=lambda t: t.internal_type)
    ions = [t for t in types if t.is_ion]
    writers = [t for t in types if t.name in lowered and any(u.writes_concentration for u in lowered[t.name].ions)]
    first = {t.name for t in ions} | {t.name for t in writers}
    order = [*ions, *reversed(writers), *(t for t in types if t.name not in first)]
    return {t.name: rank for rank, t in enumerate(order)}
