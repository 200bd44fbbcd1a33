"""From the NMODL text that NEURON embeds to IR, and the order in which NEURON runs the mechanisms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

import mod_translator
from mod_translator import ir, kschan
from mod_translator.errors import TranslationError
from mod_translator.pointees import Pointee
from mod_translator.report import Report
from nrn_diff.bridge.catalog import MechanismType
from nrn_diff.bridge.findings import Findings
from nrn_diff.bridge.generators import Generators
from nrn_diff.bridge.kschan import UnreadableChannelError, is_channel, read_channel
from nrn_diff.bridge.own_texts import nmodl_text
from nrn_diff.snapshot import FunctionTable, MechanismData

_NO_TEXT = {
    "fastpas": ("it has no NMODL text", "insert pas, which computes the same"),
}
_NO_TEXT_AT_ALL = (
    "it has no NMODL text: it was made in C, which is not supported",
    "describe the channel in a mod file",
)


@lru_cache(maxsize=1024)
def _lowered(
    code: str, file: str, pointees: tuple[tuple[str, Pointee], ...], second_order: bool
) -> tuple[ir.Mechanism | None, Report]:
    return mod_translator.lower(code, file=file, pointees=dict(pointees), second_order=second_order)


@dataclass(frozen=True)
class LoweredChannel:
    """A HOC channel; use_table: whether NEURON looks its gates up."""

    lowered: kschan.Lowered
    use_table: bool


class Translator:
    """Lowers each mechanism once; refusals of the translation become refusals of the capture.

    channels: what was made of KSChan objects, by name. generators: what C code draws random numbers from. second_order:
    whether h.secondorder is 1 or 2.
    """

    def __init__(self, findings: Findings, generators: Generators, *, second_order: bool = False) -> None:
        self._second_order = second_order
        self.generators = generators
        self._findings = findings
        self._done: dict[str, ir.Mechanism | None] = {}
        self.channels: dict[str, LoweredChannel] = {}

    def lower(self, kind: MechanismType) -> ir.Mechanism | None:
        """The mechanism's IR, or None after a refusal."""
        if kind.name not in self._done:
            self._done[kind.name] = self._lower(kind)
        return self._done[kind.name]

    def lower_all(self, kinds: Sequence[MechanismType]) -> dict[str, ir.Mechanism]:
        """name -> IR of those that can be translated."""
        return {kind.name: found for kind in kinds if (found := self.lower(kind)) is not None}

    def known(self) -> tuple[ir.Mechanism, ...]:
        """Everything lowered so far."""
        return tuple(m for m in self._done.values() if m is not None)

    def _lower(self, kind: MechanismType) -> ir.Mechanism | None:
        where = f"mechanism {kind.name}"
        if not kind.code and is_channel(kind.name):
            return self._lower_channel(kind.name)
        if not kind.code:
            self._findings.refuse(kind.name, where, *_NO_TEXT.get(kind.name, _NO_TEXT_AT_ALL))
            return None
        pointees = tuple(self.generators.pointees(kind.name).items())
        mechanism, report = _lowered(nmodl_text(kind), kind.file, pointees, self._second_order)
        for error in report.errors:
            self._refuse(where, error)
        for note in report.notes:
            self._findings.note(f"{where}: {note}")
        return mechanism

    def completed(self, data: MechanismData) -> MechanismData:
        """The captured mechanism with what HOC does not tell: of a KSChan, the numbers of its functions."""
        channel = self.channels.get(data.name)
        if channel is None:
            return data
        parameters = {name: np.asarray(value) for name, value in channel.lowered.parameters.items()}
        for name, value in parameters.items():
            self._findings.finite(value, name, f"KSChan {data.name}")
        tables = {
            name: FunctionTable(np.array(values), (np.array([low, high]),), (False,))
            for name, (values, low, high) in channel.lowered.tables.items()
        }
        globals_ = {**data.globals_, **parameters}
        return replace(data, globals_=globals_, tables=tables, use_table=channel.use_table)

    def _lower_channel(self, name: str) -> ir.Mechanism | None:
        try:
            channel = read_channel(name)
            assert channel is not None
            self.channels[name] = LoweredChannel(kschan.lower(channel), use_table=channel.table is not None)
        except UnreadableChannelError as error:
            remedy = "call single(0) of the KSChan before any instance is made, or describe the channel in a mod file"
            self._findings.refuse(name, f"KSChan {name}", str(error), remedy)
            return None
        except TranslationError as error:
            self._refuse(f"mechanism {name}", error)
            return None
        return self.channels[name].lowered.mechanism

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
