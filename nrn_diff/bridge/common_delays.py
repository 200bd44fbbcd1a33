"""Which sources send one event for all their NetCons (PreSyn::use_min_delay_, netcon.h): it decides the order of ties.

NEURON decides it in finitialize, and gives it up for a source when a NetCon of it is made or the delay of one is asked
for, so also when nrn_diff asks. HOC does not show it.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

from neuron import h

from nrn_diff.bridge.callbacks import addresses_of_sources
from nrn_diff.bridge.forked import ChildFailedError, in_copy
from nrn_diff.bridge.native import neuron_library, read_word

_DECIDE = "_ZN8NetCvode11init_eventsEv"
_WORDS = 26  # of a PreSyn that are looked at
_DELAY = 7.328125  # ms; no word of a PreSyn holds it by chance


@dataclass(frozen=True)
class CommonDelays:
    """By place in NEURON's list of sources: the delay (ms) of the event for all NetCons, None where each has its own.

    last (ms): the delay that such an event had when the source last sent one for all.
    """

    now: tuple[float | None, ...]
    last: tuple[float, ...]


@contextmanager
def common_delays() -> Iterator[CommonDelays | None]:
    """Read them, and put them back at the end; None if this build of NEURON does not show them."""
    places, sources = _places(), addresses_of_sources()
    if places is None or sources is None:
        yield None
        return
    delay, flag = places
    flags = [ctypes.c_int.from_address(at + flag) for at in sources]
    on = [f.value for f in flags]
    last = tuple(ctypes.c_double.from_address(at + delay).value for at in sources)
    try:
        yield CommonDelays(tuple(x if f else None for x, f in zip(last, on, strict=True)), last)
    finally:
        for f, value in zip(flags, on, strict=True):
            f.value = value


@cache
def _places() -> tuple[int, int] | None:
    """Offsets of the delay and of the flag in a PreSyn."""
    if addresses_of_sources() is None:
        return None
    try:
        delay, flag = in_copy(_find)
    except ChildFailedError:
        return None
    return delay, flag


def _find() -> Sequence[int]:
    """For a copy of the process only."""
    before = set(addresses_of_sources() or ())
    stim, target = h.NetStim(), h.IntFire1()
    wires = [h.NetCon(stim, target) for _ in range(3)]
    (mine,) = set(addresses_of_sources() or ()) - before
    for wire in wires:
        wire.delay = _DELAY
    library = neuron_library()
    assert library is not None
    # As finitialize does it, but without any code of the user's.
    library[_DECIDE](ctypes.c_void_p.in_dll(library, "net_cvode_instance"))
    (delay,) = (8 * k for k in range(_WORDS) if ctypes.c_double.from_address(mine + 8 * k).value == _DELAY)
    old = [read_word(mine + 8 * k) for k in range(_WORDS)]
    _ = wires[0].delay
    (flag,) = (8 * k for k in range(_WORDS) if read_word(mine + 8 * k) != old[k])
    if ctypes.c_int.from_address(mine + flag).value != 0 or old[flag // 8] & 0xFFFFFFFF != 1:
        raise ValueError("the flag is another one")
    return delay, flag
