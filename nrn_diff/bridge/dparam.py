"""Where NEURON keeps the pointers of an instance: Prop::dparam (section.h, generic_data_handle.hpp).

HOC does not show them. Look in a copy of the process first: another build may lay its memory out in another way.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from typing import Any

from nrn_diff.bridge.catalog import MechanismType
from nrn_diff.bridge.inventory import hoc_objects
from nrn_diff.bridge.native import addresses, neuron_library, read_word

# Offsets: Point_process.prop, Prop._type and .dparam, a Datum and its value; NPyMechObj.prop_; Symbol.u.rng.index.
_PROP, _TYPE, _DATA, _DATUM, _VALUE, _PYTHON_PROP, _INDEX = 16, 16, 24, 40, 16, 24, 20
_SYMBOL_VALUE, _TABLE = 16, 8  # Symbol.u, cTemplate.symtable
_LOOKUP = "_Z16hoc_table_lookupPKcP7Symlist"


def properties(kind: MechanismType, live: Sequence[Any]) -> Iterator[int]:
    """Address of the Prop of each instance. Raises ValueError where memory is not as expected."""
    if kind.point:
        where = dict(zip([o.hname() for o in hoc_objects(kind.name)], addresses(kind.name) or [], strict=True))
        found = [read_word(where[o.hname()] + _PROP) for o in live]
    else:
        holders = [getattr(segment, kind.name) for segment in live]
        found = [read_word(id(holder) + _PYTHON_PROP) for holder in holders]
    for prop in found:
        if ctypes.c_short.from_address(prop + _TYPE).value != kind.internal_type:
            raise ValueError("another mechanism")
        yield prop


def slot_of(kind: MechanismType, name: str) -> int:
    """Place of a POINTER among the pointers of an instance."""
    library = neuron_library()
    assert library is not None
    if kind.point:
        lookup = library[_LOOKUP]
        lookup.restype, lookup.argtypes = ctypes.c_void_p, [ctypes.c_char_p, ctypes.c_void_p]
        template = read_word(library.nrn_symbol(kind.name.encode()) + _SYMBOL_VALUE)
        symbol = lookup(name.encode(), read_word(template + _TABLE))
    else:
        symbol = library.nrn_symbol(f"{name}_{kind.name}".encode())
    return ctypes.c_int.from_address(symbol + _INDEX).value


def held(prop: int, slot: int) -> int:
    """What a pointer of an instance holds: an address, or a small number."""
    return read_word(read_word(prop + _DATA) + _DATUM * slot + _VALUE)
