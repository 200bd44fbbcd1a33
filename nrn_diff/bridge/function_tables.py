"""What HOC has put into the FUNCTION_TABLEs of a mechanism (table_<name>_<suffix>).

NEURON offers no way to read it. It stands in a structure (FuncTable in src/oc/functabl.cpp) that a static variable of
the compiled mechanism points to. A forked copy of the process sets the table to a number that occurs nowhere else,
finds that number, and with it the variable; the structure is then read here, where nothing has changed.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from neuron import h

from mod_translator import ir
from mod_translator.passes import walk
from mod_translator.semantic.names import FUNC_TABLE
from nrn_diff.bridge.findings import Findings
from nrn_diff.bridge.forked import ChildFailedError, in_copy
from nrn_diff.bridge.inventory import Located
from nrn_diff.snapshot import FunctionTable

_MARK = float.fromhex("0x1.5b3c7a91d2e4fp+99")
_TABLE, _ARGUMENTS, _VALUE = 0, 8, 16  # offsets in FuncTable
_SIZE, _POINTS, _LOW, _HIGH, _LENGTH = 0, 8, 16, 24, 40  # offsets in TableArg, and its size


def read_function_tables(located: Located, mechanism: ir.Mechanism, findings: Findings) -> dict[str, FunctionTable]:
    """`table_<name>` -> content, of each FUNCTION_TABLE that a simulation uses. Refuses one that was never set."""
    wanted = _used(mechanism)
    if not wanted or not located.type.code:  # a KSChan has its own
        return {}
    where = f"mechanism {mechanism.name}, {mechanism.file}"
    setters = {name: _setter(located, name) for name in wanted}
    try:
        slots = dict(zip(setters, in_copy(partial(_find, tuple(setters.values()))), strict=True))
    except ChildFailedError as error:
        findings.refuse(f"FUNCTION_TABLE of {mechanism.name}", where, f"its content cannot be read here ({error})")
        return {}
    found = {}
    for name, arity in wanted.items():
        what, shown = f"FUNCTION_TABLE {name.removeprefix('table_')}", _hoc_name(located, name)
        if slots[name] is None:
            findings.refuse(what, where, "its content cannot be read: this build of NEURON does not show it")
        elif not (address := _word(slots[name])):
            findings.refuse(what, where, "it has no content: NEURON stops there", f"call {shown}(...) before capture")
        else:
            found[name] = table = _read(address, arity)
            for points in (x for x, listed in zip(table.axes, table.listed, strict=True) if listed):
                if not np.all(np.diff(points) >= 0):
                    findings.refuse(what, where, "its arguments do not increase", f"sort them, then call {shown}(...)")
            for values in (table.values, *table.axes):
                findings.finite(values, shown, where)
    return found


def _used(mechanism: ir.Mechanism) -> dict[str, int]:
    """`table_<name>` -> number of arguments."""
    routines = (*mechanism.routines.values(), *walk.blocks(mechanism).values())
    statements = (s for r in routines for s in walk.statements(r.body))
    parts = (part for s in statements for e in walk.expressions(s) for part in walk.subexpressions(e))
    calls = [part for part in parts if isinstance(part, ir.Call) and part.name == FUNC_TABLE]
    return {c.args[0].name: len(c.args) - 1 for c in calls if isinstance(c.args[0], ir.Var)}


def _hoc_name(located: Located, name: str) -> str:
    return f"{located.type.name}[i].{name}" if located.type.point else f"h.{name}_{located.type.name}"


def _setter(located: Located, name: str) -> Callable[[float], Any]:
    if located.type.point:
        return partial(_of_point, located.owners[0], name)
    return partial(_of_density, f"{name}_{located.type.name}")


def _of_point(owner: Any, name: str, value: float) -> None:
    getattr(owner, name)(value)


def _of_density(name: str, value: float) -> None:
    getattr(h, name)(value)


def _find(setters: tuple[Callable[[float], Any], ...]) -> list[int | None]:
    """Address of the variable that each setter changes; for a copy of the process only."""
    found: list[int | None] = []
    with open("/proc/self/mem", "rb", buffering=0) as memory:
        for k, setter in enumerate(setters):
            mark = _MARK * (1 + k)
            setter(mark)
            found.append(next(_slots(memory.fileno(), mark), None))
    return found


def _slots(memory: int, mark: float) -> Iterator[int]:
    """Variables of the compiled mechanisms that point to a constant FuncTable of the given value."""
    writable = _writable()
    begins, ends = (np.array([w[k] for w in writable], dtype=np.uint64) for k in range(2))
    for start, end in _of_mechanisms(writable):
        words = np.frombuffer(os.pread(memory, end - start, start), dtype=np.uint64)
        region = np.searchsorted(begins, words, side="right") - 1
        inside = (region >= 0) & (words < ends[region]) & (words % np.uint64(8) == 0)
        for k in np.flatnonzero(inside).tolist():
            target = int(words[k])
            try:
                content = os.pread(memory, 24, target)
            except OSError:
                continue
            if len(content) == 24 and struct.unpack("<QQd", content)[::2] == (target + _VALUE, mark):
                yield start + 8 * k


def _writable() -> list[tuple[int, int, str]]:
    """Writable parts of the memory: start, end, file ('' if none), in order."""
    found = []
    for line in Path("/proc/self/maps").read_text().splitlines():
        span, rights, _, _, _, *path = line.split(maxsplit=5)
        if rights.startswith("rw") and path[:1] not in (["[vvar]"], ["[vsyscall]"]):
            start, end = (int(x, 16) for x in span.split("-"))
            found.append((start, end, path[0] if path else ""))
    return found


def _of_mechanisms(writable: list[tuple[int, int, str]]) -> Iterator[tuple[int, int]]:
    """Where the static variables of compiled mechanisms are: the data of their libraries, and what lies behind."""
    for k, (start, end, path) in enumerate(writable):
        if path.startswith("/") and _has_mechanisms(path):
            yield start, end
            if k + 1 < len(writable) and writable[k + 1][0] == end and not writable[k + 1][2]:
                yield end, writable[k + 1][1]


def _has_mechanisms(path: str) -> bool:
    try:
        return hasattr(ctypes.CDLL(path, mode=os.RTLD_NOLOAD | os.RTLD_LAZY), "modl_reg")
    except OSError:
        return False


def _read(address: int, arity: int) -> FunctionTable:
    value, arguments = _double(address + _VALUE), _word(address + _ARGUMENTS)
    places = [arguments + k * _LENGTH for k in range(arity)]
    sizes = [ctypes.c_int.from_address(place + _SIZE).value for place in places]
    listed = tuple(bool(_word(place + _POINTS)) for place in places)
    if (value and sizes[0] == 1) or (sizes == [1] * arity and not any(listed)):
        return FunctionTable(np.asarray(value or _doubles(_word(address + _TABLE), 1)[0]), (), ())
    values = _doubles(_word(address + _TABLE), int(np.prod(sizes))).reshape(sizes)
    axes = tuple(
        _doubles(_word(place + _POINTS), size)
        if is_listed
        else np.array([_double(place + _LOW), _double(place + _HIGH)])
        for place, size, is_listed in zip(places, sizes, listed, strict=True)
    )
    return FunctionTable(values, axes, listed)


def _word(address: int) -> int:
    return ctypes.c_uint64.from_address(address).value


def _double(address: int) -> float:
    return ctypes.c_double.from_address(address).value


def _doubles(address: int, count: int) -> np.ndarray:
    return np.array((ctypes.c_double * count).from_address(address), dtype=float)
