"""What CVode.event has queued: HOC statements and Python functions, which NEURON executes after the step.

SaveState keeps the statements; a Python function or a POINT_PROCESS argument it does not even write. Both are read from
the queue itself (netcon.h: HocEvent; objcmd.h: HocCommand), where the addresses of their classes show what is what.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from neuron import h

from nrn_diff.bridge.inventory import hoc_objects
from nrn_diff.bridge.native import addresses, neuron_library, read_word
from nrn_diff.bridge.save_state import EventKind, QueuedEvent, SavedState
from nrn_diff.bridge.threads import how_many

_QUEUE = "_Z30net_cvode_instance_event_queueP9NrnThread"  # TQueue* net_cvode_instance_event_queue(NrnThread*)
_VISIT = "_ZN6TQueue15forall_callbackEPFvPK6TQItemiE"  # void TQueue::forall_callback(void (*)(const TQItem*, int))
_NAME = "_ZN10HocCommand4nameEv"  # const char* HocCommand::name()
_REF, _UNREF = "_Z11hoc_obj_refP6Object", "_Z13hoc_obj_unrefP6Object"
_PLACEHOLDER = b"nrn_diff_function"
_EVENT, _COMMAND = "_ZTV8HocEvent", "_ZTV10HocCommand"
_FIRST_METHOD = 16  # of a class's table, to which its objects point
# Symbol, cTemplate and hoc_Item (hocdec.h, hoclist.h).
_SYMBOL_VALUE, _TEMPLATE_OBJECTS, _NEXT = 16, 48, 8
# TQItem (tqitem.hpp): data_, t_. HocEvent: stmt_, ppobj_. HocCommand: po_. Object (hocdec.h): u.this_pointer.
_TIME, _STATEMENT, _PROCESS, _PYTHON, _THIS_POINTER = 8, 8, 16, 24, 8
_VISITOR = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int)


@dataclass(frozen=True)
class HocEvent:
    """One of CVode.event.

    time (ms): when it is due. code: what is compared, to see whether two do the same. run: executes it; None: there is
    nothing to execute, which ends a psolve(). in_step: it belongs to a POINT_PROCESS, so that NEURON executes it within
    the step. python: whether it is a Python function. function: what is executed in its place after a SaveState file
    was restored, which does not hold it; None if it does.
    """

    time: float
    code: tuple[Any, ...]
    run: Callable[[], object] | None
    in_step: bool = False
    python: bool = False
    function: Any = None


def read_hoc_events(saved: SavedState) -> list[HocEvent] | None:
    """In the order in which NEURON executes them; None if this build of NEURON does not show them."""
    written = [e for e in saved.events if e.kind is EventKind.HOC]
    if not written:
        return []
    library, functions = neuron_library(), addresses("PythonObject")
    if library is None or functions is None or not _shown(library):
        return None
    if how_many() > 1:
        return None
    objects = dict(zip(functions, hoc_objects("PythonObject"), strict=True))
    found = []
    queued = _queued(library)
    if [time for time, _ in queued] != [e.time for e in written]:
        return None
    for event, (_, at) in zip(written, queued, strict=True):
        if (read := _read(library, event, at, objects)) is None:
            return None
        found.append(read)
    return found


def placeholder(event: QueuedEvent, number: int) -> QueuedEvent:
    """What a SaveState file is to hold in its place."""
    return replace(event, fields=("1", "0"), more=(b"%s %d" % (_PLACEHOLDER, number),))


@contextmanager
def functions_kept(events: Iterable[HocEvent]) -> Iterator[None]:
    """While a SaveState file is restored that holds a `placeholder` for each that has a function, by its number."""
    waiting = list(events)
    library = neuron_library()
    if library is None or not any(e.function is not None for e in waiting):
        yield
        return
    held = {k: _held(library, e.function) for k, e in enumerate(waiting) if e.function is not None}
    yield
    for _, event in _queued(library):
        command = read_word(event + _STATEMENT)
        text = _text(library, command) if command else b""
        if text.startswith(_PLACEHOLDER):
            # HocCommand executes its Python object, if it has one, and lets go of it at its end.
            ctypes.c_uint64.from_address(command + _PYTHON).value = held.pop(int(text.split()[1]))
    for left in held.values():
        library[_UNREF](ctypes.c_void_p(left))


def _held(library: ctypes.CDLL, function: Any) -> int:
    """Address of a HOC object that holds the function, with a reference to it that is ours."""
    if not hasattr(h, "nrn_diff_function_"):
        h("objref nrn_diff_function_")
    h.nrn_diff_function_ = function
    found: int = _objects(library)[-1]
    library[_REF](ctypes.c_void_p(found))
    h.nrn_diff_function_ = None
    return found


def _objects(library: ctypes.CDLL) -> list[int]:
    """Addresses of the HOC objects that hold something of Python, in the order of creation."""
    template = read_word(library.nrn_symbol(b"PythonObject") + _SYMBOL_VALUE)
    items = read_word(template + _TEMPLATE_OBJECTS)
    found, item = [], read_word(items + _NEXT)
    while item != items:
        found.append(read_word(item))
        item = read_word(item + _NEXT)
    return found


def _text(library: ctypes.CDLL, command: int) -> bytes:
    name = library[_NAME]
    name.restype, name.argtypes = ctypes.c_char_p, [ctypes.c_void_p]
    return name(command) or b""


def forget_statements() -> None:
    """Let nothing be executed that CVode.event has queued. For a copy of the process only, before it makes a step."""
    library = neuron_library()
    if library is not None and _shown(library):
        for _, event in _queued(library):
            ctypes.c_uint64.from_address(event + _STATEMENT).value = 0


def _shown(library: ctypes.CDLL) -> bool:
    return all(hasattr(library, name) for name in (_QUEUE, _VISIT, _EVENT, _COMMAND, _NAME, _REF, _UNREF))


def _queued(library: ctypes.CDLL) -> list[tuple[float, int]]:
    """Time and address of each HocEvent in the queue, in the order of a SaveState file."""
    found: list[tuple[float, int]] = []
    mine = ctypes.addressof(ctypes.c_char.in_dll(library, _EVENT)) + _FIRST_METHOD

    def visit(item: int, _: int) -> None:
        event = read_word(item)
        if read_word(event) == mine:
            found.append((ctypes.c_double.from_address(item + _TIME).value, event))

    queue, visit_all = library[_QUEUE], library[_VISIT]
    queue.restype, queue.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
    visit_all.restype, visit_all.argtypes = None, [ctypes.c_void_p, _VISITOR]
    visit_all(queue(ctypes.c_void_p.in_dll(library, "nrn_threads")), _VISITOR(visit))
    return found


def _read(library: ctypes.CDLL, event: QueuedEvent, at: int, objects: dict[int, Any]) -> HocEvent | None:
    in_step, command = bool(read_word(at + _PROCESS)), read_word(at + _STATEMENT)
    if bool(command) != (event.fields[0] == "1"):
        return None
    if not command:
        return HocEvent(event.time, (), None, in_step)
    if read_word(command) != ctypes.addressof(ctypes.c_char.in_dll(library, _COMMAND)) + _FIRST_METHOD:
        return None
    wrapped = read_word(command + _PYTHON)
    if not wrapped:
        statement = event.more[0].decode()
        owner = event.more[1].decode() if len(event.more) > 1 else ""
        run = partial(_execute, statement, owner)
        # A file with a statement of an object NEURON does not read (HocEvent::savestate_read, netcvode.cpp).
        return HocEvent(event.time, (statement, owner), run, in_step, False, run if owner else None)
    place = read_word(wrapped + _THIS_POINTER)
    if place not in objects:
        return None
    function = objects[place]
    return HocEvent(event.time, (function,), partial(_call, function), in_step, True, function)


def _execute(statement: str, owner: str) -> None:
    """As HocCommand::execute does, within the object that queued it."""
    if not owner:
        h.execute(statement)
        return
    name, index = owner.split()
    live = next((o for o in hoc_objects(name) if o.hname() == f"{name}[{index}]"), None)
    if live is not None:  # of an object that is gone, NEURON executes an empty statement
        h.execute(statement, live)


def _call(function: Any) -> None:
    """As NEURON does: a function, or a tuple of a function and its arguments (nrnpy_p2h.cpp, hoccommand_exec)."""
    if isinstance(function, tuple):
        arguments = function[1]
        function[0](*(arguments if isinstance(arguments, tuple) else (arguments,)))
    else:
        function()
