"""NeuroML text to elements, with nothing that a hostile file could make the parser do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mod_translator.errors import NmodlSyntaxError, Place, TranslationError, UnsupportedConstruct

_MAX_BYTES = 20_000_000
_MAX_DEPTH = 60
_IGNORED = frozenset({"notes", "annotation", "property"})
_METADATA = "http://morphml.org/metadata/schema"  # of ChannelML: authors, publications


@dataclass(frozen=True)
class Element:
    """One element: its name without namespace, attributes, children, and where it stands."""

    tag: str
    attributes: dict[str, str]
    children: tuple[Element, ...]
    place: Place

    def all(self, *tags: str) -> Iterator[Element]:
        """Children of these names."""
        return (c for c in self.children if c.tag in tags)

    def one(self, tag: str) -> Element:
        """The only child of that name. Raises UnsupportedConstruct."""
        found = list(self.all(tag))
        if len(found) != 1:
            raise self.refuse("N301", f"{self.tag} with {len(found)} elements {tag}", "NeuroML wants one")
        return found[0]

    def get(self, name: str) -> str:
        """An attribute that must be there."""
        if name not in self.attributes:
            raise self.refuse("N302", f"{self.tag} without the attribute {name}", "add it")
        return self.attributes[name]

    def only(self, attributes: tuple[str, ...], children: tuple[str, ...] = ()) -> None:
        """Refuse what is not among the attributes and children that are understood."""
        for name in self.attributes:
            if name not in attributes:
                raise self.refuse("N303", f"the attribute {name} of {self.tag}", "it is not supported: remove it")
        for child in self.children:
            if child.tag not in children:
                raise child.refuse("N303", f"the element {child.tag} in {self.tag}", "it is not supported: remove it")

    def refuse(self, code: str, reason: str, remedy: str) -> TranslationError:
        """A refusal that points at this element."""
        return UnsupportedConstruct(reason, remedy=remedy, code=code, place=self.place)


def parse(text: str | bytes, file: str = "") -> Element:
    """Return the root element. Raises NmodlSyntaxError for what is no XML, or has a DTD or entities."""
    from lxml import etree

    data = text.encode() if isinstance(text, str) else text
    if len(data) > _MAX_BYTES:
        raise _wrong("N310", f"a file of more than {_MAX_BYTES} bytes", file)
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise _wrong("N311", "a document type or entity definition: they can name files and grow without bound", file)
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, remove_comments=True
    )
    if isinstance(text, str) and data.lstrip().startswith(b"<?xml"):  # the text is decoded already
        data = data.lstrip().split(b"?>", 1)[-1]
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        line = error.lineno or 0
        lines = data.decode(errors="replace").splitlines()
        shown = lines[line - 1][:200] if 0 < line <= len(lines) else ""
        raise NmodlSyntaxError(
            f"not well-formed XML: {error.msg}",
            remedy="correct the file",
            code="N312",
            place=Place(file, line, 1, shown),
        ) from None
    except ValueError as error:
        raise _wrong("N312", f"not XML: {str(error)[:100]}", file) from None
    if root.getroottree().docinfo.doctype:
        raise _wrong("N311", "a document type definition: it can name files and grow without bound", file)
    return _element(root, file, 0)


def _wrong(code: str, reason: str, file: str) -> NmodlSyntaxError:
    return NmodlSyntaxError(reason, remedy="remove it: NeuroML needs none", code=code, place=Place(file))


def _element(node: object, file: str, depth: int) -> Element:
    from lxml import etree

    assert isinstance(node, etree._Element)
    if depth > _MAX_DEPTH:
        raise _wrong("N313", f"elements nested deeper than {_MAX_DEPTH}", file)
    attributes = {str(k): str(v) for k, v in node.attrib.items() if not str(k).startswith("{")}
    children = []
    for child in node:
        if not isinstance(child.tag, str):  # an entity or a processing instruction
            raise _wrong("N311", "an entity or processing instruction", file)
        name = etree.QName(child)
        if name.localname not in _IGNORED and name.namespace != _METADATA:
            children.append(_element(child, file, depth + 1))
    tag = etree.QName(node).localname
    shown = " ".join([f"<{tag}", *(f'{k}="{v}"' for k, v in attributes.items())])[:200] + ">"
    return Element(tag, attributes, tuple(children), Place(file, node.sourceline or 0, 1, shown))
