"""Variables of mechanisms that HOC cannot read (no RANGE): they stand in NEURON's memory beside those that it can.

NEURON keeps each variable of a mechanism in one array for all instances, and a list of the names of all variables.
Memb_list (src/nrnoc/nrnoc_ml.h) leads to both. A copy of the process looks first, so that a build of NEURON whose
memory is laid out in another way only means that the variables cannot be read.
"""

from __future__ import annotations

import ctypes
import itertools
from collections.abc import Collection, Mapping, Sequence
from functools import partial

import numpy as np

from mod_translator import ir
from mod_translator.passes.exits import OWN
from nrn_diff.bridge.catalog import MechanismType
from nrn_diff.bridge.forked import ChildFailedError, in_copy
from nrn_diff.bridge.inventory import Located
from nrn_diff.bridge.mechanisms import running_order
from nrn_diff.bridge.native import neuron_library, read_word
from nrn_diff.bridge.threads import how_many

# In NrnThread (multicore.h): _ml_list. In Memb_list: nodecount, m_storage. In Mechanism::storage: the names, each a
# std::string and the length of an array.
_LISTS, _COUNT, _STORAGE, _NAMES, _NAME = 32, 40, 48, 80, 40
_FUNCTIONS = {
    "_ZNK9Memb_list4typeEv": (ctypes.c_int, ()),
    "_ZNK9Memb_list17get_num_variablesEv": (ctypes.c_int, ()),
    "_ZNK9Memb_list14get_array_dimsEi": (ctypes.c_int, (ctypes.c_int,)),
    "_ZN9Memb_list4dataEmii": (ctypes.c_void_p, (ctypes.c_size_t, ctypes.c_int, ctypes.c_int)),
}
_TYPE, _VARIABLES, _LENGTH, _DATA = _FUNCTIONS


def read_hidden(wanted: Mapping[str, Sequence[str]], located: Sequence[Located]) -> dict[str, dict[str, np.ndarray]]:
    """Mechanism -> name -> [n, length] of the wanted variables (length 1: scalars), as far as NEURON shows them.

    wanted: mechanism -> names. Nothing in NEURON changes.
    """
    mine = [d for d in located if wanted.get(d.type.name)]
    if not mine or how_many() > 1 or not _shown():
        return {}
    try:
        found = in_copy(partial(_read_all, [(d, list(wanted[d.type.name])) for d in mine]))
    except ChildFailedError:
        return {}
    return {m: {name: np.array(x, dtype=float) for name, x in names.items()} for m, names in found.items()}


def put_hidden(located: Located, values: Mapping[str, np.ndarray]) -> None:
    """Write variables [n] or [n, length]; those that NEURON does not have are left out. `read_hidden` went before."""
    columns, order = columns_of(located), running_order(located)
    for name, value in values.items():
        if (own := _in_neuron(name, columns)) in columns:
            columns[own][:] = value.reshape(len(order), -1)[order]


def _in_neuron(name: str, columns: Collection[str]) -> str:
    """NEURON's name of a variable: of what a file WRITEs of an ion each instance has a copy (passes/exits.py)."""
    return name if name in columns else name.rstrip("_").removesuffix(OWN)


def hidden_names(mechanism: ir.Mechanism) -> list[str]:
    """Variables of the instances that HOC cannot read and a step reads."""
    blocks = (mechanism.current, mechanism.advance, mechanism.net_receive)
    read = {name for block in blocks if block is not None for name in block.reads}
    symbols = mechanism.symbols.values()
    return [s.name for s in symbols if s.name in read and s.role is ir.Role.INSTANCE and not s.visible]


def _shown() -> bool:
    library = neuron_library()
    return library is not None and all(hasattr(library, name) for name in (*_FUNCTIONS, "nrn_threads"))


def _read_all(wanted: list[tuple[Located, list[str]]]) -> dict[str, dict[str, list[list[float]]]]:
    out: dict[str, dict[str, list[list[float]]]] = {}
    for located, names in wanted:
        columns, order = columns_of(located), running_order(located)
        _check(located, columns, order)
        mine = {}
        for name, own in ((n, _in_neuron(n, columns)) for n in names):
            if own in columns:
                value = np.empty_like(columns[own])
                value[order] = columns[own]
                mine[name] = value.tolist()
        out[located.type.name] = mine
    return out


def _check(located: Located, columns: Mapping[str, np.ndarray], order: np.ndarray) -> None:
    """What HOC can read must stand where it is read here. For a copy of the process only."""
    for variable in located.type.instance_variables:
        live = [getattr(owner, variable.hoc_name) for owner in located.owners]
        seen = np.array([[x[k] for k in range(variable.length)] if variable.length else [x] for x in live], dtype=float)
        if not np.array_equal(columns[variable.name], seen[order], equal_nan=True):
            raise ValueError(f"{variable.name} of {located.type.name} is elsewhere")


def columns_of(located: Located) -> dict[str, np.ndarray]:
    """Name -> NEURON's own memory of a variable, [n, length], instances in NEURON's order."""
    library = neuron_library()
    assert library is not None
    functions = {}
    for name, (result, arguments) in _FUNCTIONS.items():
        function = library[name]
        function.restype, function.argtypes = result, [ctypes.c_void_p, *arguments]
        functions[name] = function
    threads = read_word(ctypes.addressof(ctypes.c_void_p.in_dll(library, "nrn_threads")))
    members = read_word(read_word(threads + _LISTS) + 8 * located.type.internal_type)
    if functions[_TYPE](members) != located.type.internal_type:
        raise ValueError("another mechanism")
    n = len(located.owners)
    if ctypes.c_int.from_address(members + _COUNT).value != n:
        raise ValueError("another number of instances")
    columns = {}
    for k, name in enumerate(_names(located.type, members, functions[_VARIABLES](members))):
        length = functions[_LENGTH](members, k)
        first = functions[_DATA](members, 0, k, 0)
        if functions[_DATA](members, n - 1, k, 0) - first != 8 * length * (n - 1):
            raise ValueError("not one array")
        columns[name] = np.ctypeslib.as_array((ctypes.c_double * (n * length)).from_address(first)).reshape(n, length)
    return columns


def _names(kind: MechanismType, members: int, count: int) -> list[str]:
    first = read_word(read_word(members + _STORAGE) + _NAMES)
    end = read_word(read_word(members + _STORAGE) + _NAMES + 8)
    if end - first != count * _NAME:
        raise ValueError("no list of names")
    at = [first + _NAME * k for k in range(count)]
    names = [ctypes.string_at(read_word(a), read_word(a + 8)).decode() for a in at]
    shown = [v.name for v in kind.instance_variables]
    if any(a != b for a, b in itertools.zip_longest(shown, names[: len(shown)])):
        raise ValueError("other names")
    return names
