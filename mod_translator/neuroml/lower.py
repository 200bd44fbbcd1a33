"""A NeuroML 2 or ChannelML document to mechanisms."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mod_translator import channelml, ir
from mod_translator.errors import Place, TranslationError, UnsupportedConstruct
from mod_translator.neuroml import channels, pools, synapses
from mod_translator.neuroml.document import Element, parse
from mod_translator.passes import PIPELINE
from mod_translator.report import Collector, Report
from mod_translator.validate import validate


def lower(
    text: str | bytes, file: str = "", dump: Callable[[str, ir.Mechanism], None] | None = None
) -> list[tuple[ir.Mechanism | None, Report]]:
    """Return each channel, concentration model and synapse of a document after all passes, with its report.

    A document that cannot be read at all, or holds nothing to translate, gives one report. Raises nothing because of
    the text.
    """
    try:
        root = parse(text, file)
        found = list(channelml.mechanisms(root) if root.tag == "channelml" else _mechanisms(root))
        if not found:
            raise root.refuse(
                "N300", f"no channel, concentration model or synapse of NeuroML in <{root.tag}>", "name another file"
            )
    except TranslationError as error:
        return [(None, Report(file, errors=(error,)))]
    return [_lowered(element, root, file, dump) for element in found]


def _mechanisms(root: Element) -> Iterator[Element]:
    if root.tag not in ("neuroml", "Lems"):
        raise root.refuse("N300", f"a document of <{root.tag}>, which is not NeuroML", "name another file")
    for child in root.children:
        if child.tag in (*channels.CHANNELS, *pools.POOLS, *synapses.SYNAPSES):
            yield child


def _lowered(
    element: Element, root: Element, file: str, dump: Callable[[str, ir.Mechanism], None] | None
) -> tuple[ir.Mechanism | None, Report]:
    collector = _Passes(file)
    mechanism = None
    name, kind = element.attributes.get("id", element.attributes.get("name", ""))[:60], element.tag
    try:
        if root.tag == "channelml":
            mechanism = channelml.lower_element(element, root)
        elif element.tag in channels.CHANNELS:
            mechanism = channels.Channel(element).lower()
        else:
            mechanism = (pools if element.tag in pools.POOLS else synapses).lower(element)
        for run in PIPELINE:
            mechanism = run(mechanism, collector)
            if dump is not None:
                dump(run.__name__, mechanism)
        validate(mechanism)
    except TranslationError as error:
        collector.error(error)
    report = Report(file, name, kind, collector.errors, collector.notes)
    return (mechanism if report.ok else None), report


class _Passes(Collector):
    """What the passes report to."""

    second_order = False

    def __init__(self, file: str) -> None:
        super().__init__()
        self.place = Place(file)

    def refuse_at(self, kind: type[TranslationError], code: str, reason: str, remedy: str, loc: ir.Loc | None) -> None:
        self.error(kind(reason, remedy=remedy, code=code, place=self.place))

    def note_at(self, text: str, loc: ir.Loc | None) -> None:
        self.note(text, self.place)


def one(text: str | bytes, file: str = "", name: str = "") -> tuple[ir.Mechanism, Report]:
    """Return the only mechanism of a document, or the one with that id. Raises a TranslationError."""
    found = [(m, r) for m, r in lower(text, file) if not name or r.name == name or not r.name]
    if len(found) != 1:
        reason = f"{len(found)} mechanisms: {', '.join(r.name for _, r in found)}"
        raise UnsupportedConstruct(reason, remedy="name one of them", code="N307", place=Place(file))
    mechanism, report = found[0]
    report.raise_if_refused()
    assert mechanism is not None
    return mechanism, report
