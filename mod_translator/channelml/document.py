"""A ChannelML document to mechanisms."""

from __future__ import annotations

from collections.abc import Iterator

from mod_translator import ir
from mod_translator.channelml import channels, pools, synapses
from mod_translator.channelml.units import units
from mod_translator.neuroml.document import Element

KINDS = ("channel_type", "ion_concentration", "synapse_type")


def mechanisms(root: Element) -> Iterator[Element]:
    """The elements of a document that become mechanisms. Raises UnsupportedConstruct for what cannot be understood."""
    units(root)
    root.only(("units",), ("ion", *KINDS))
    yield from root.all(*KINDS)


def lower_element(element: Element, root: Element) -> ir.Mechanism:
    """The mechanism of one of them, before the passes. Raises UnsupportedConstruct."""
    if element.tag == "channel_type":
        return channels.Channel(element, root, units(root)).lower()
    if element.tag == "ion_concentration":
        return pools.lower(element, root, units(root))
    return synapses.lower(element, units(root))
