"""NEURON's threads: the queue of each, which SaveState neither reads nor restores as a whole.

An event for all NetCons of a source waits in the queue of each thread (PreSyn::send), but SaveState puts all of them
into one. What a thread has sent to another waits beside the other's queue until its next step
(NetCvodeThreadData::interthread_send), where SaveState does not look.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from functools import cache

from neuron import h

from nrn_diff.bridge.callbacks import addresses_of_sources
from nrn_diff.bridge.forked import ChildFailedError, in_copy
from nrn_diff.bridge.native import neuron_library, pointer
from nrn_diff.errors import NrnDiffError

_SEND = "_ZN8NetCvode5eventEdP13DiscreteEventP9NrnThread"
_RECEIVE = "_Z23nrn_interthread_enqueueP9NrnThread"
# In struct NrnThread (multicore.h): t, dt, cj; id.
_ID, _LARGEST = 48, 4096
_NEW = (0.0, -1e9)  # t and dt (ms) of a thread that has made no step (nrn_threads_create)
_UNKNOWN = (
    "this build of NEURON does not show its threads, so that the events which wait in them cannot be handed over: call "
    "ParallelContext.nthread(1) before the run"
)


def how_many() -> int:
    """Threads that share the work."""
    return int(h.ParallelContext().nthread())


def thread_of_roots() -> dict[str, int]:
    """The thread of each tree, by the name of its root section; empty for one thread."""
    context, threads = h.ParallelContext(), how_many()
    return {root.name(): k for k in range(threads) if threads > 1 for root in context.get_partition(k)}


def receive_all() -> None:
    """Let each thread put what the others have sent to it into its queue, as at the start of a step.

    Raises NrnDiffError if this build of NEURON does not show its threads.
    """
    if how_many() > 1:
        for thread in _threads():
            _function(_RECEIVE, ctypes.c_void_p)(ctypes.c_void_p(thread))


def send_to_all(events: Sequence[tuple[float, int]]) -> None:
    """Put events for all NetCons of a source into the queues: time (ms), place in the list of sources.

    Raises NrnDiffError if this build of NEURON does not show its threads.
    """
    if not events:
        return
    library, sources = neuron_library(), addresses_of_sources()
    if library is None or sources is None:
        raise NrnDiffError(_UNKNOWN)
    network = ctypes.c_void_p.in_dll(library, "net_cvode_instance")
    send = _function(_SEND, ctypes.c_void_p, ctypes.c_double, ctypes.c_void_p, ctypes.c_void_p)
    for time, place in events:
        for thread in _threads():
            send(network, time, ctypes.c_void_p(sources[place]), ctypes.c_void_p(thread))


def _function(name: str, *arguments: type) -> ctypes._FuncPointer:
    library = neuron_library()
    if library is None or not hasattr(library, name):
        raise NrnDiffError(_UNKNOWN)
    function = library[name]  # one that nobody else shares
    function.argtypes, function.restype = arguments, ctypes.c_void_p
    return function


def _threads() -> list[int]:
    """Where the NrnThreads are."""
    first, size = pointer("nrn_threads"), _size_of_thread()
    if not first or not size:
        raise NrnDiffError(_UNKNOWN)
    return [first + k * size for k in range(how_many())]


@cache
def _size_of_thread() -> int:
    """Bytes of a NrnThread; 0 if that cannot be found out."""
    try:
        return int(in_copy(_look_for_size))
    except ChildFailedError:
        return 0


def _look_for_size() -> int:
    """For a copy of the process only: it reads beyond what is there. With at least two threads."""
    first, count = pointer("nrn_threads"), how_many()
    assert first
    for size in range(_ID + 8, _LARGEST, 8):
        starts = [first + k * size for k in range(count)]
        numbers = [ctypes.c_int.from_address(at + _ID).value for at in starts]
        steps = {tuple(ctypes.c_double.from_address(at + 8 * k).value for k in range(2)) for at in starts}
        if numbers == list(range(count)) and steps <= {(float(h.t), float(h.dt)), _NEW}:
            return size
    return 0
