"""NEURON's lists of what records, which HOC does not show: spikes (PreSyn, netcon.h) and Vectors (PlayRecord)."""

from __future__ import annotations

import ctypes
from functools import cache, partial

from neuron import h

from nrn_diff.bridge.forked import ChildFailedError, in_copy
from nrn_diff.bridge.inventory import hoc_objects
from nrn_diff.bridge.native import addresses, neuron_library, read_word

_SOURCES = "_Z22net_cvode_instance_pslv"  # std::vector<PreSyn*>* net_cvode_instance_psl()
_RECORDS = "_Z22net_cvode_instance_prlv"  # std::vector<PlayRecord*>* net_cvode_instance_prl()
_SOURCE_OF_NETCON = 16  # NetCon (netcon.h): src_
_WORDS = 24  # of a PreSyn (netcon.h) that are looked at
_NUMBER = 1_918_273_645
# Words that say what is recorded, and into what; no run changes them.
_OF_SOURCE, _OF_RECORD = range(6, 20), (0, 1, 2, 3, 4, 5, 7)
_NUMBER_OF_SOURCE = 188  # rec_id_


def spike_callbacks() -> int | None:
    """Number of sources of spikes at which code runs; None if this build of NEURON does not show it."""
    found = neuron_library()
    if found is None or not hasattr(found, _SOURCES):
        return None
    try:
        count: int = in_copy(partial(_count, found))
    except ChildFailedError:
        return None
    return count


def recorded_now() -> tuple[object, ...]:
    """Changes when another thing is recorded, or into another Vector; never equal if this build does not show it."""
    found = neuron_library()
    if found is None or not hasattr(found, _SOURCES) or not hasattr(found, _RECORDS):
        return (object(),)
    sources, records = _listed(found, _SOURCES), _listed(found, _RECORDS)
    return (
        *(tuple(read_word(at + 8 * k) for k in _OF_SOURCE) for at in sources),
        *(ctypes.c_int.from_address(at + _NUMBER_OF_SOURCE).value for at in sources),
        *(tuple(read_word(at + 8 * k) for k in _OF_RECORD) for at in records),
    )


def addresses_of_sources() -> list[int] | None:
    """Of the objects in NEURON's list of sources (PreSyn); None if this build does not show it."""
    found = neuron_library()
    return _listed(found, _SOURCES) if found is not None and hasattr(found, _SOURCES) else None


def places_of_sources() -> list[int] | None:
    """Of each NetCon, in the order of creation, the place of its source in NEURON's list, -1 for none.

    None if this build does not show it.
    """
    found, objects = neuron_library(), addresses("NetCon")
    if found is None or not hasattr(found, _SOURCES) or objects is None:
        return None
    place = {at: k for k, at in enumerate(_listed(found, _SOURCES))}
    netcons = hoc_objects("NetCon")
    words = [read_word(at + _SOURCE_OF_NETCON) for at in objects]
    if len(netcons) != len(words) or any(word and word not in place for word in words):
        return None
    return [place.get(word, -1) for word in words]


def numbers_of_sources() -> dict[int, tuple[str, int]] | None:
    """Place of a source in NEURON's list -> the Vector (HOC name) that takes a number when it fires, and that number.

    None if this build does not show it.
    """
    found, objects = neuron_library(), addresses("Vector")
    if found is None or not hasattr(found, _SOURCES) or objects is None:
        return None
    layout = _layout_of_numbers(found)
    if layout is None:
        return None
    vector, number = layout
    names = dict(zip(objects, (v.hname() for v in hoc_objects("Vector")), strict=True))
    taken = {k: (read_word(at + vector), ctypes.c_int.from_address(at + number).value) for k, at in _numbered(found)}
    if any(at and at not in names for at, _ in taken.values()):
        return None
    return {k: (names[at], which) for k, (at, which) in taken.items() if at}


def _numbered(found: ctypes.CDLL) -> list[tuple[int, int]]:
    return list(enumerate(_listed(found, _SOURCES)))


@cache
def _layout_of_numbers(found: ctypes.CDLL) -> tuple[int, int] | None:
    """Where a PreSyn holds its Vector of numbers and its number (bytes); None if that does not show."""
    try:
        vector, number = in_copy(partial(_look_for_numbers, found))
    except ChildFailedError:
        return None
    return int(vector), int(number)


def _look_for_numbers(found: ctypes.CDLL) -> tuple[int, int]:
    """A PreSyn that is given them shows. For a copy of the process only."""
    before = _sources(found)
    stim = h.NetStim()
    netcon = h.NetCon(stim, None)
    (mine,) = set(_sources(found)) - set(before)
    times, numbers = h.Vector(), h.Vector()
    netcon.record(times, numbers, _NUMBER)
    objects = addresses("Vector")
    assert objects is not None
    names = [v.hname() for v in hoc_objects("Vector")]
    place = objects[names.index(numbers.hname())]
    vectors = [8 * k for k in range(_WORDS) if read_word(mine + 8 * k) == place]
    halves = [4 * k for k in range(2 * _WORDS) if ctypes.c_int.from_address(mine + 4 * k).value == _NUMBER]
    if len(vectors) != 1 or len(halves) != 1:
        raise ValueError(f"{len(vectors)} words of a PreSyn lead to the Vector, {len(halves)} hold the number")
    return vectors[0], halves[0]


def _sources(found: ctypes.CDLL) -> list[int]:
    return _listed(found, _SOURCES)


def _listed(found: ctypes.CDLL, name: str) -> list[int]:
    """Addresses of the objects in one of NEURON's lists."""
    vector = found[name]
    vector.restype = ctypes.c_void_p
    address = vector()
    return [read_word(at) for at in range(read_word(address), read_word(address + 8), 8)] if address else []


def _count(found: ctypes.CDLL) -> int:
    """Where a PreSyn holds its callback, a PreSyn that is given one shows. For a copy of the process only."""
    before = _sources(found)
    stim = h.NetStim()
    netcon = h.NetCon(stim, None)
    (mine,) = set(_sources(found)) - set(before)
    old = [read_word(mine + 8 * k) for k in range(_WORDS)]
    netcon.record(_count)
    changed = [k for k in range(_WORDS) if not old[k] and read_word(mine + 8 * k)]
    if len(changed) != 1:
        raise ValueError(f"{len(changed)} words of a PreSyn change")
    return sum(bool(read_word(source + 8 * changed[0])) for source in before)
