"""What C code draws from behind POINTERs, left where a run has come to: HOC Randoms and streams of NEURON's Random123.

HOC cannot set all of it, so NEURON's memory is written, where `generators.py` has read it.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from typing import Any

import numpy as np

from mod_translator import ir
from mod_translator.pointees import STREAM
from nrn_diff.bridge.generators import Generators
from nrn_diff.bridge.native import neuron_library, read_word
from nrn_diff.bridge.random123 import NeuronRandom
from nrn_diff.events.random_stream import Generator

_SETSEQ = "_Z16nrnran123_setseqP15nrnran123_Statejc"
_HAS_KEPT, _KEPT = 8, 9  # of the array that a stream is (passes/streams.py)


def put_generators(generators: Generators, mechanism: ir.Mechanism, left: Mapping[str, Any]) -> None:
    """Those of a mechanism in the equations. left: variables of its instances, a stream as [LENGTH, n]."""
    for name in (s.name for s in mechanism.symbols.values() if s.block == STREAM and s.name in left):
        for found, row in zip(generators.of[mechanism.name][name], np.asarray(left[name]).T.tolist(), strict=True):
            if found is not None:
                _put(found, row[0], row[_KEPT] if row[_HAS_KEPT] else None)


def put_drawn(random: NeuronRandom) -> None:
    """Those of the artificial cells, and NEURON's one stream if they draw from it."""
    random.put()
    for found, stream in random.drawn_from():
        _put(found, stream.place(), stream.kept)


def _put(found: Generator, place: float, kept: float | None) -> None:
    library = neuron_library()
    assert library is not None
    if found.name == "MCellRan4":
        ctypes.c_uint32.from_address(read_word(found.address) + 8).value = int(place)
    else:
        state = found.address if found.kind == "state" else read_word(read_word(found.address) + 8)
        seq, which = divmod(int(place), 4)
        library[_SETSEQ](ctypes.c_void_p(state), ctypes.c_uint32(seq), ctypes.c_char(which))
    if found.distribution == "Normal":
        law = read_word(found.address + 8)
        ctypes.c_byte.from_address(law + 16).value = int(kept is not None)
        ctypes.c_double.from_address(law + 24).value = kept or 0.0
