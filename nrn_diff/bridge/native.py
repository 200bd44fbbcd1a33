"""Looks into NEURON's library that HOC does not offer: its global hooks, and the code of HOC procedures."""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import re
import sys
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path

from neuron import h

from nrn_diff.bridge.forked import ChildFailedError, in_copy

# Offsets in struct Symbol and struct Proc (hocdec.h): name, type, ..., union u; defn, size.
_SYMBOL_TYPE, _SYMBOL_VALUE, _PROC_SIZE = 8, 16, 8
# In struct cTemplate: olist; in hoc_Item: next; in Object: u.this_pointer.
_TEMPLATE_OBJECTS, _NEXT, _THIS_POINTER = 48, 8, 8
_LOW = 0xFFFFFFFF
_BEFORE_STEP = 4  # membfunc.h
_PAGE = 4096
_NO_ROW = 2**64 - 1
# hoc_object_component (hoc_oop.cpp): these operands keep the template and the symbol of its last execution.
_COMPONENT, _REMEMBERED = "_Z20hoc_object_componentv", (4, 5)
_SORT = "_Z39nrn_ensure_model_data_are_sorted_opaquev"
_SORTED = "_ZN6neuron25opaque_model_sorted_tokenD1Ev"
_USABLE_DELAY = "_Z19nrn_usable_mindelayv"


@cache
def neuron_library() -> ctypes.CDLL | None:
    """NEURON's library as it is loaded in this process; None if it cannot be had."""
    import neuron.hoc

    home = Path(neuron.__file__).parent
    found = [*home.glob(".data/lib/libnrniv.*"), *home.glob("../../../libnrniv.*")]
    for path in (*map(str, found), neuron.hoc.__file__):
        try:
            library = ctypes.CDLL(path)
            library.nrn_symbol.restype = ctypes.c_void_p
        except (OSError, AttributeError):
            continue
        return library
    return None


def pointer(name: str) -> int | None:
    """A global pointer of NEURON's library, 0 if it is not set; None if this build of NEURON does not show it."""
    library = neuron_library()
    if library is None:
        return None
    try:
        return ctypes.c_void_p.in_dll(library, name).value or 0
    except ValueError:
        return None


def hook(name: str) -> bool | None:
    """Whether a global pointer of NEURON's library is set; None if this build of NEURON does not show it."""
    address = pointer(name)
    return None if address is None else bool(address)


def counter(name: str) -> int | None:
    """A global int of NEURON's library; None if this build of NEURON does not show it."""
    library = neuron_library()
    if library is None:
        return None
    try:
        return int(ctypes.c_int.in_dll(library, name).value)
    except ValueError:
        return None


def usable_delay() -> float:
    """How often NEURON's threads wait for one another (ms); 0 if they do not, or this build does not show it."""
    library = neuron_library()
    if library is None or not hasattr(library, _USABLE_DELAY):
        return 0.0
    delay = library[_USABLE_DELAY]
    delay.restype = ctypes.c_double
    return float(delay())


def sort_data() -> None:
    """What NEURON does before each step, and finitialize for artificial cells.

    Without it SaveState crashes where a cell is the first of its kind since finitialize (Memb_list::data). Only where
    a C++ object that a function returns is handed over in memory that the first argument points to.
    """
    library = neuron_library()
    h.CVode().current_method()  # brings NEURON's internal tables up to date with the sections
    if library is None or platform.machine() not in ("x86_64", "AMD64"):
        return
    if all(hasattr(library, name) for name in (_SORT, _SORTED)):
        token = ctypes.create_string_buffer(64)
        library[_SORT](token)
        library[_SORTED](token)
        _place_artificial_cells(library)


def _place_artificial_cells(library: ctypes.CDLL) -> None:
    """Where their data begins: at 0, as finitialize has it (Memb_list::m_storage_offset)."""
    count = counter("n_memb_func")
    try:
        lists = ctypes.addressof(ctypes.c_char.in_dll(library, "memb_list"))
        artificial = ctypes.c_void_p.in_dll(library, "nrn_is_artificial_").value
    except ValueError:
        return
    begin, end = read_word(lists), read_word(lists + 8)
    if not count or not artificial or end <= begin or (end - begin) % (8 * count):
        return
    size = (end - begin) // count
    for kind in range(count):
        if ctypes.c_short.from_address(artificial + 2 * kind).value:
            first = begin + size * kind
            unset = [at for at in range(first, first + size, 8) if read_word(at) == _NO_ROW]
            if len(unset) == 1:
                ctypes.c_uint64.from_address(unset[0]).value = 0


def leave_out_artificial_cells() -> None:
    """Let NEURON take no mechanism for an artificial cell. For a copy of the process only.

    SaveState of NEURON 9 (saveacell in savstate.cpp) crashes where one of them has an array.
    """
    count, artificial = counter("n_memb_func"), pointer("nrn_is_artificial_")
    if count and artificial:
        for kind in range(count):
            ctypes.c_short.from_address(artificial + 2 * kind).value = 0


def step_of_thread() -> tuple[float, float] | None:
    """dt (ms) and cj (1/ms) of NEURON's first thread (NrnThread); None if this build does not show them."""
    thread = pointer("nrn_threads")
    if not thread:
        return None
    t, dt, cj = (ctypes.c_double.from_address(thread + 8 * k).value for k in range(3))
    return (dt, cj) if t == h.ParallelContext().t(0) else None


def transfer() -> None:
    """What NEURON does in a step for ParallelContext.target_var, in one thread. For a copy of the process only.

    Where there is extracellular, the source is not v but v + vext[0], which is computed first.
    """
    library = neuron_library()
    assert library is not None
    thread = ctypes.c_void_p.in_dll(library, "nrn_threads")
    steps = (("nrnthread_vi_compute_", (thread,)), ("nrnmpi_v_transfer_", ()), ("nrnthread_v_transfer_", (thread,)))
    for name, arguments in steps:
        address = ctypes.c_void_p.in_dll(library, name).value
        if address:
            ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * len(arguments))(address)(*arguments)


def forget_self_events() -> None:
    """NEURON keeps the table of processes that SaveState made first (SelfEvent::index2pp), also of those since gone."""
    library = neuron_library()
    if library is not None and hasattr(library, "_ZN9SelfEvent14savestate_freeEv"):
        library._ZN9SelfEvent14savestate_freeEv()


def forget_watches() -> None:
    """Switch every WATCH off, so that none sends an event. For a copy of the process only."""
    library = neuron_library()
    if library is not None and hasattr(library, "_Z15nrn_watch_clearv"):
        library._Z15nrn_watch_clearv()


def remove_before_step() -> None:
    """Let NEURON forget all BEFORE STEP blocks, which run before it records. For a copy of the process only."""
    library = neuron_library()
    try:
        blocks = ctypes.POINTER(ctypes.c_void_p).in_dll(library, "bamech_") if library else None
        changed = ctypes.c_int.in_dll(library, "v_structure_change") if library else None
    except ValueError:  # this build does not show them
        return
    if blocks and blocks[_BEFORE_STEP] and changed is not None:
        blocks[_BEFORE_STEP] = None
        changed.value = 1


def has_extra_scatter_gather() -> bool | None:
    """Whether Python code is registered by CVode.extra_scatter_gather; None if this build does not show it."""
    library = neuron_library()
    if library is None or not hasattr(library, "_Z24nrn_extra_scatter_gatherii"):
        return None
    try:
        in_copy(partial(_scatter, library))
    except ChildFailedError:
        return True
    return False


def _scatter(library: ctypes.CDLL) -> None:
    # The first Python function that NEURON calls ends the copy before any of its code runs.
    sys.setprofile(lambda _frame, event, _argument: os._exit(1) if event == "call" else None)
    for direction in (0, 1):
        library._Z24nrn_extra_scatter_gatherii(direction, 0)
    sys.setprofile(None)


@cache
def _address_of(function: str) -> int | None:
    found = getattr(neuron_library(), function, None)
    return ctypes.cast(found, ctypes.c_void_p).value if found else None


def procedure_code(name: str) -> tuple[int, ...] | None:
    """The instructions of a HOC procedure as machine words, without what executing it leaves in them.

    None if there is none or this build does not show it.
    """
    library = neuron_library()
    symbol = library.nrn_symbol(name.encode()) if library else None
    procedure = read_word(symbol + _SYMBOL_VALUE) if symbol else 0
    if not procedure:
        return None
    start, size = read_word(procedure), read_word(procedure + _PROC_SIZE)
    words = [read_word(start + 8 * k) for k in range(size)]
    component = _address_of(_COMPONENT)
    for k in [k for k, word in enumerate(words) if word == component]:
        for operand in _REMEMBERED:
            words[k + operand] = 0
    return tuple(words)


class _Symbol(ctypes.Structure):
    """Dl_info of dlfcn.h."""

    _fields_ = (
        ("file", ctypes.c_char_p),
        ("base", ctypes.c_void_p),
        ("name", ctypes.c_char_p),
        ("address", ctypes.c_void_p),
    )


def function_name(word: int) -> str | None:
    """Name of the C++ function without arguments that an instruction of HOC stands for.

    None for a word that does not point into a library; '' for one that points to something else there.
    """
    found = _Symbol()
    program = ctypes.CDLL(None)
    if word <= _PAGE or not program.dladdr(ctypes.c_void_p(word), ctypes.byref(found)):
        return None
    mangled = found.name.decode() if found.name and found.address == word else ""
    plain = re.fullmatch(r"_Z(\d+)(\w+)v", mangled)
    return plain[2] if plain and len(plain[2]) == int(plain[1]) else ""


@contextlib.contextmanager
def keeping_the_place() -> Iterator[None]:
    """Let NEURON go on in the HOC file that it reads where it was before.

    It goes to the end of that file when an error is raised, also one that is caught (hoc_execerror_mes, hoc.cpp).
    """
    file, program = pointer("hoc_fin"), ctypes.CDLL(None)
    program.ftell.restype, program.ftell.argtypes = ctypes.c_long, [ctypes.c_void_p]
    program.fseek.argtypes = [ctypes.c_void_p, ctypes.c_long, ctypes.c_int]
    before = program.ftell(file) if file else -1  # -1 of a terminal too
    try:
        yield
    finally:
        if before >= 0 and program.ftell(file) != before:
            program.fseek(file, before, os.SEEK_SET)


def symbol_name(word: int) -> str:
    """Name of the HOC symbol at that address, an operand of an instruction."""
    return ctypes.string_at(read_word(word)).decode()


def addresses(class_name: str) -> list[int] | None:
    """Where the C++ objects behind the objects of a HOC class are, in the order of creation (cTemplate in hocdec.h).

    None if this build of NEURON does not show it.
    """
    library = neuron_library()
    symbol = library.nrn_symbol(class_name.encode()) if library else None
    if not symbol:
        return None
    objects = read_word(read_word(symbol + _SYMBOL_VALUE) + _TEMPLATE_OBJECTS)
    found, item = [], read_word(objects + _NEXT)
    while item != objects:
        found.append(read_word(read_word(item) + _THIS_POINTER))
        item = read_word(item + _NEXT)
    return found


def same_code(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    """Whether two procedures were compiled from the same text. For a copy of the process only: it may read anywhere."""
    return len(one) == len(other) and all(_same_word(a, b) for a, b in zip(one, other, strict=True))


def _same_word(one: int, other: int) -> bool:
    # Jumps and counts are ints in a wider union, whose upper half is undefined.
    return one & _LOW == other & _LOW or (min(one, other) > _PAGE and _same_symbol(one, other))


def _same_symbol(one: int, other: int) -> bool:
    """Constants and local variables get new symbols with each compilation; equal name, type and value."""
    if read_word(one + _SYMBOL_TYPE) & 0xFFFF != read_word(other + _SYMBOL_TYPE) & 0xFFFF:
        return False
    if ctypes.string_at(read_word(one)) != ctypes.string_at(read_word(other)):
        return False
    a, b = read_word(one + _SYMBOL_VALUE), read_word(other + _SYMBOL_VALUE)
    return a & _LOW == b & _LOW or (min(a, b) > _PAGE and read_word(a) == read_word(b))


def read_word(address: int) -> int:
    """The machine word at an address."""
    return ctypes.c_uint64.from_address(address).value
