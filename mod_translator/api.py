"""translate, check, lower: the whole way from text to IR, report and source."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from mod_translator.emit import emit, refusals
from mod_translator.errors import Place, TranslationError
from mod_translator.ir import Kind, Loc, Mechanism
from mod_translator.passes import PIPELINE
from mod_translator.pointees import Pointee
from mod_translator.report import Collector, Report
from mod_translator.semantic.context import Context
from mod_translator.semantic.mechanism import analyse
from mod_translator.syntax.bounds import too_nested
from mod_translator.syntax.parse import parse
from mod_translator.syntax.source import Source
from mod_translator.unit_check import complaint
from mod_translator.validate import TooDeep, validate

Folders = Sequence[str | os.PathLike[str]]


@dataclass(frozen=True)
class Translation:
    """A translated mechanism. `source` is the text of a Python module that needs jax and nrn_diff.runtime."""

    name: str
    kind: str
    source: str
    report: Report
    ir: Mechanism


def lower(
    nmodl_text: str,
    include_dirs: Folders = (),
    file: str = "",
    dump: Callable[[str, Mechanism], None] | None = None,
    pointees: Mapping[str, Pointee] | None = None,
    *,
    second_order: bool = False,
) -> tuple[Mechanism | None, Report]:
    """Return the mechanism after all passes, and the report; None instead of a mechanism if something is refused.

    file: the name for messages; INCLUDE is searched beside it and in include_dirs. dump: called with the name of each
    pass and the mechanism after it. pointees: what the POINTERs that C code uses as generators of random numbers lead
    to; without a live process each is taken to lead to one. second_order: for h.secondorder 1 or 2, with which states
    of METHOD euler, runge and none go on with their last derivatives. Raises nothing because of the text.
    """
    collector = Collector()
    mechanism = None
    try:
        source = Source(nmodl_text, include_dirs, file)
        context = Context(source, collector, pointees=pointees, second_order=second_order)
        parsed = parse(source, collector)
        mechanism = analyse(parsed, context)
        for run in () if collector.errors else PIPELINE:
            mechanism = run(mechanism, context)
            if dump is not None:
                dump(run.__name__, mechanism)
        if not collector.errors:
            validate(mechanism)
        if not collector.errors and mechanism.kind is not Kind.ARTIFICIAL:
            for error in refusals(mechanism):
                place = Loc(error.line, error.column)
                context.refuse_at(type(error), error.code, error.reason, error.remedy, place)
    except TranslationError as error:
        collector.error(error)
    except (RecursionError, TooDeep):
        collector.error(too_nested(Place(file)))
    name, kind = (mechanism.name, mechanism.kind.value) if mechanism is not None else ("", "")
    report = Report(file, name, kind, collector.errors, collector.notes)
    return (mechanism if report.ok else None), report


def check(nmodl_text: str, include_dirs: Folders = (), file: str = "") -> Report:
    """Return everything that stands in the way of translating a text, and notes. Raises nothing because of the text.

    One of the notes is NEURON's modlunit's first complaint about units, if it has one.
    """
    report = lower(nmodl_text, include_dirs, file)[1]
    try:
        found = complaint(Source(nmodl_text, include_dirs, file))
    except TranslationError:  # which the report holds
        found = None
    notes = report.notes if found is None else (*report.notes, found)
    return replace(report, notes=tuple(sorted(notes, key=lambda n: n.place.line)))


def translate(nmodl_text: str, include_dirs: Folders = (), file: str = "") -> Translation:
    """Return the translation of one NMODL text.

    Raises a TranslationError; one TranslationErrors that lists all if there are several.
    """
    mechanism, report = lower(nmodl_text, include_dirs, file)
    report.raise_if_refused()
    assert mechanism is not None
    return Translation(mechanism.name, mechanism.kind.value, emit(mechanism), report, mechanism)
