"""What NEURON knows of a point process's own events beside its queue: which of them net_move moves, and its WATCHes.

HOC shows neither, and SaveState keeps neither. Both hang on the pointers of an instance (Prop::dparam). A copy of the
process looks first, so that a build of NEURON whose memory is laid out in another way only means that they are unknown.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from nrn_diff.bridge.forked import ChildFailedError, in_copy
from nrn_diff.bridge.inventory import Located, hoc_objects
from nrn_diff.bridge.native import addresses, counter, neuron_library, read_word
from nrn_diff.bridge.threads import how_many

# Point_process (section_fwd.hpp): prop. Prop (section.h): _type, dparam.
_PROP, _TYPE, _POINTERS = 16, 16, 24
# Datum (generic_data_handle.hpp): its size, and the pointer that it holds.
_DATUM, _HELD = 40, 16
# Memb_func (membfunc.h): its size, and the meanings of the pointers of an instance.
_FUNCTIONS, _MEANINGS = 176, 152
_NETSEND, _WATCH = -4, -8
# SelfEvent (netcon.h): flag_, target_, weight_. NetCon: weight_.
_EVENT_FLAG, _EVENT_TARGET, _EVENT_WEIGHTS, _WEIGHTS = 8, 16, 24, 32
# TQItem (tqitem.hpp): data_ comes first; t_. WatchCondition (netcon.h): flag_, HTList (whose _next leads nowhere or to
# itself when it is in no list), nrflag_, pnt_, c_, watch_index_.
_TIME = 8
_ABOVE, _LIST, _NEXT, _FLAG, _PROCESS, _CONDITION, _INDEX = 40, 48, 64, 80, 88, 96, 104
_ACTIVATE = "_Z19_nrn_watch_activatePN6neuron9container19generic_data_handleEPFdP13Point_processEiS4_id"
_SHOWN = ("memb_func", "n_memb_func", "nrn_prop_dparam_size_", "nrn_watch_allocate_", "_ZTV14WatchCondition", _ACTIVATE)

UNKNOWN = -2


@dataclass(frozen=True)
class OwnEvents:
    """Of the n instances of one mechanism.

    slot: place of the movable event among an instance's pointers, -1: it sends no events to itself. due [n] (ms): of
    the event that net_move would move, inf: there is none, or the queue does not hold it any more. of [n]: position of
    the NetCon whose arguments that event sees, -1: of none, or UNKNOWN. active, above [n_watches, n]: whether a WATCH
    is on, and whether its condition held when NEURON last looked.
    """

    slot: int
    due: np.ndarray
    of: np.ndarray
    active: np.ndarray
    above: np.ndarray


@dataclass(frozen=True)
class _Places:
    """processes [n]: addresses of the instances. slot, watch: places among their pointers, -1: none. n_watches."""

    kind: int
    processes: tuple[int, ...]
    slot: int
    watch: int
    n_watches: int

    def pointer(self, process: int, place: int) -> int:
        """Address of an instance's pointer of that place."""
        return read_word(read_word(process + _PROP) + _POINTERS) + _DATUM * place


def read_own_events(wanted: Sequence[tuple[Located, Sequence[float]]]) -> dict[str, OwnEvents] | None:
    """By mechanism; None if this build of NEURON does not show it. wanted: with the flags of the WATCH statements."""
    if not wanted:
        return {}
    library = neuron_library()
    if library is None or not all(hasattr(library, n) for n in _SHOWN) or how_many() > 1:
        return None
    try:
        found = in_copy(partial(_read_all, wanted))
    except ChildFailedError:
        return None
    return {
        name: OwnEvents(
            slot,
            np.array(due, dtype=float),
            np.array(of, dtype=int),
            np.array(active, dtype=bool).reshape(-1, len(due)),
            np.array(above, dtype=bool).reshape(-1, len(due)),
        )
        for name, (slot, due, of, active, above) in found.items()
    }


def put_watches(located: Located, before: OwnEvents, active: np.ndarray, above: np.ndarray) -> None:
    """Switch WATCHes [n_watches, n] on as NEURON would have them. `read_own_events` went before."""
    library = neuron_library()
    assert library is not None
    places = _places(located)
    activate = library[_ACTIVATE]
    pointer = ctypes.c_void_p
    activate.argtypes = [pointer, pointer, ctypes.c_int, pointer, ctypes.c_int, ctypes.c_double]
    activate.restype = None
    allocate = read_word(ctypes.addressof(ctypes.c_void_p.in_dll(library, "nrn_watch_allocate_")))
    for k in np.flatnonzero(active.any(axis=0)).tolist():
        process = places.processes[k]
        if not np.array_equal(active[:, k], before.active[:, k]):
            ctypes.CFUNCTYPE(None, pointer)(read_word(allocate + 8 * places.kind))(places.pointer(process, 0))
            for number, which in enumerate(np.flatnonzero(active[:, k]).tolist()):
                mine = _condition(places, process, which)
                flag = ctypes.c_double.from_address(mine + _FLAG).value
                first = places.pointer(process, places.watch)
                activate(first, read_word(mine + _CONDITION), which + 1, process, number, flag)
        for which in np.flatnonzero(active[:, k]).tolist():
            ctypes.c_bool.from_address(_condition(places, process, which) + _ABOVE).value = bool(above[which, k])


def forget_movable(located: Located, slot: int, rows: Sequence[int]) -> None:
    """Let net_move of these instances find no event (SaveState gives them the last one of flag 1)."""
    places = _places(located)
    for k in rows:
        ctypes.c_uint64.from_address(places.pointer(places.processes[k], slot) + _HELD).value = 0


def _read_all(wanted: Sequence[tuple[Located, Sequence[float]]]) -> dict[str, tuple[Any, ...]]:
    out = {}
    owner = {read_word(at + _WEIGHTS): k for k, at in enumerate(addresses("NetCon") or ())}
    for located, flags in wanted:
        places = _places(located)
        if places.n_watches != len(flags):
            raise ValueError("another number of WATCH statements")
        due, of, active, above = [], [], [], []
        for process in places.processes:
            item = read_word(places.pointer(process, places.slot) + _HELD) if places.slot >= 0 else 0
            due.append(ctypes.c_double.from_address(item + _TIME).value if item else float("inf"))
            of.append(_weights_of(item, process, owner) if item else -1)
            state = [_watch(places, process, which, flag) for which, flag in enumerate(flags)]
            active.append([on for on, _ in state])
            above.append([up for _, up in state])
        out[located.type.name] = places.slot, due, of, np.array(active).T.tolist(), np.array(above).T.tolist()
    return out


def _weights_of(item: int, process: int, owner: Mapping[int, int]) -> int:
    event = read_word(item)
    if ctypes.c_double.from_address(event + _EVENT_FLAG).value != 1.0 or read_word(event + _EVENT_TARGET) != process:
        return UNKNOWN
    return owner.get(read_word(event + _EVENT_WEIGHTS), -1)


def _places(located: Located) -> _Places:
    """Raises ValueError where memory is not as expected."""
    library = neuron_library()
    assert library is not None
    kind, name = located.type.internal_type, located.type.name
    first = ctypes.addressof(ctypes.c_char.in_dll(library, "memb_func"))
    begin, end, n = read_word(first), read_word(first + 8), counter("n_memb_func")
    if n is None or end - begin != _FUNCTIONS * n:
        raise ValueError("another Memb_func")
    sizes = read_word(ctypes.addressof(ctypes.c_void_p.in_dll(library, "nrn_prop_dparam_size_")))
    count = ctypes.c_int.from_address(sizes + 4 * kind).value
    at = read_word(begin + _FUNCTIONS * kind + _MEANINGS)
    meanings = [ctypes.c_int.from_address(at + 4 * k).value for k in range(count)]
    if meanings[:2] != [-1, -6]:
        raise ValueError("no area and no process")
    watches = [k for k, x in enumerate(meanings) if x == _WATCH]
    by_name = dict(zip((o.hname() for o in hoc_objects(name)), addresses(name) or (), strict=True))
    processes = tuple(by_name[label] for label in located.labels)
    slot = meanings.index(_NETSEND) if _NETSEND in meanings else -1
    places = _Places(kind, processes, slot, watches[0] if watches else -1, max(len(watches) - 1, 0))
    for process in processes:
        if ctypes.c_short.from_address(read_word(process + _PROP) + _TYPE).value != kind:
            raise ValueError("another mechanism")
        if read_word(places.pointer(process, 1) + _HELD) != process:
            raise ValueError("another process")
    return places


def _condition(places: _Places, process: int, which: int) -> int:
    """Address of a WatchCondition; 0: NEURON has not made it yet."""
    return read_word(places.pointer(process, places.watch + 1 + which) + _HELD)


def _watch(places: _Places, process: int, which: int, flag: float) -> tuple[bool, bool]:
    mine = _condition(places, process, which)
    if not mine:
        return False, False
    library = neuron_library()
    kind = ctypes.addressof(ctypes.c_char.in_dll(library, "_ZTV14WatchCondition")) + 16  # type: ignore[arg-type]
    known = (read_word(mine), read_word(mine + _PROCESS), ctypes.c_int.from_address(mine + _INDEX).value)
    if known != (kind, process, places.watch + 1 + which):
        raise ValueError("another WatchCondition")
    if ctypes.c_double.from_address(mine + _FLAG).value != flag:
        raise ValueError("another flag")
    active = read_word(mine + _NEXT) not in (0, mine + _LIST)
    return active, active and bool(ctypes.c_bool.from_address(mine + _ABOVE).value)
