"""What the POINTERs lead to from which C code draws random numbers: HOC Randoms and streams of NEURON's Random123.

HOC shows neither, so NEURON's memory is read (Prop in src/nrnoc/section.h, src/gnu), in a copy of the process first.
"""

from __future__ import annotations

import ctypes
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

import numpy as np
from neuron import h

from mod_translator import ir
from mod_translator.pointees import DISTRIBUTIONS, STREAM, Pointee
from mod_translator.verbatim.generators import LENGTH
from nrn_diff.bridge.catalog import MechanismType
from nrn_diff.bridge.dparam import held, properties, slot_of
from nrn_diff.bridge.findings import Findings
from nrn_diff.bridge.forked import ChildFailedError, in_copy
from nrn_diff.bridge.inventory import Inventory
from nrn_diff.bridge.native import addresses, neuron_library, read_word
from nrn_diff.bridge.own_texts import nmodl_text
from nrn_diff.events.random_stream import Generator

_USED = re.compile(r"nrnran123_|nrn_random_|\bIvocVect\b")
_NAMED = re.compile(r"\b_p_(\w+)")
_GETIDS = "_Z16nrnran123_getidsP15nrnran123_StatePjS1_S1_"
_GETSEQ = "_Z16nrnran123_getseqP15nrnran123_StatePjPc"
_MCELLRAN4, _RANDOM123 = 2, 4  # Rand.type_


@dataclass(frozen=True)
class Generators:
    """of: mechanism -> POINTER -> what it leads to in each instance (None: a null pointer). labels: cell -> row.

    pointing: of the mechanisms that ask whether a POINTER is set, all POINTERs.
    """

    of: Mapping[str, Mapping[str, Sequence[Generator | None]]]
    labels: Mapping[str, int] = field(default_factory=dict)
    pointing: Mapping[str, Mapping[str, Pointee]] = field(default_factory=dict)

    def pointees(self, mechanism: str) -> Mapping[str, Pointee]:
        """What each POINTER leads to in all instances."""
        generators = {name: _common(list(found)) for name, found in self.of.get(mechanism, {}).items()}
        return {**self.pointing.get(mechanism, {}), **generators}

    def of_cell(self, mechanism: str, label: str) -> dict[str, Generator]:
        """What an artificial cell draws from; a null pointer is left out."""
        row = self.labels.get(label, -1)
        found = self.of.get(mechanism, {}).items() if row >= 0 else ()
        return {name: g for name, rows in found if (g := rows[row]) is not None and g.kind != "other"}

    def streams(self, mechanism: ir.Mechanism) -> dict[str, np.ndarray]:
        """The arrays of passes/streams.py: name -> [n, LENGTH]."""
        found = self.of.get(mechanism.name, {})
        used = [s.name for s in mechanism.symbols.values() if s.block == STREAM and s.name in found]
        index = float(h.Random().Random123_globalindex()) if used else 0.0
        return {name: np.array([_row(g, index) for g in found[name]]) for name in used}


def read_generators(inventory: Inventory, findings: Findings) -> Generators:
    """Everything that C code in the live model can draw from. Refuses what it cannot follow."""
    owners = _owners(inventory)
    if not owners:
        return Generators({})
    if neuron_library() is None:
        found = None
    else:
        try:
            found = in_copy(partial(_read, owners))
        except ChildFailedError:
            found = None
    if found is None:
        names = ", ".join(k.name for k, _ in owners)
        why = "what its POINTERs lead to cannot be read from this build of NEURON"
        findings.refuse(f"the random numbers of {names}", "", why, "declare RANDOM r in the mod file and draw from it")
        return Generators({})
    out = {
        mechanism: {name: [_made(g) for g in rows] for name, rows in pointers.items()}
        for mechanism, pointers in found.items()
    }
    _check(inventory, out, findings)
    cells = [o for k, live in owners if k.artificial for o in enumerate(live)]
    return Generators(out, {o.hname(): row for row, o in cells})


def _owners(inventory: Inventory) -> list[tuple[MechanismType, list[Any]]]:
    kinds = [(d.type, list(d.owners)) for d in inventory.mechanisms]
    cells: dict[str, tuple[MechanismType, list[Any]]] = {}
    for kind, live in inventory.artificial.values():
        cells.setdefault(kind.name, (kind, []))[1].append(live)
    return [(k, o) for k, o in (*kinds, *cells.values()) if _USED.search(nmodl_text(k)) and _pointers(k)]


def _pointers(kind: MechanismType) -> list[str]:
    named = set(_NAMED.findall(kind.code))
    return [name for name in kind.references if name in named]


def _read(owners: list[tuple[MechanismType, list[Any]]]) -> dict[str, dict[str, list[dict[str, Any] | None]]]:
    randoms = set(addresses("Random") or [])
    vectors = set(addresses("Vector") or [])
    out: dict[str, dict[str, list[dict[str, Any] | None]]] = {}
    for kind, live in owners:
        props = list(properties(kind, live))
        slots = {name: slot_of(kind, name) for name in _pointers(kind)}
        out[kind.name] = {name: [_look(held(p, slot), randoms, vectors) for p in props] for name, slot in slots.items()}
    return out


def _look(address: int, randoms: set[int], vectors: set[int]) -> dict[str, Any] | None:
    if not address:
        return None
    if address in vectors:
        return asdict(Generator("other", address))
    return asdict(_random(address) if address in randoms else _state(address, "state", address))


def _state(state: int, kind: str, address: int) -> Generator:
    library = neuron_library()
    assert library is not None
    ids = [ctypes.c_uint32() for _ in range(3)]
    seq, which = ctypes.c_uint32(), ctypes.c_char()
    library[_GETIDS](ctypes.c_void_p(state), *map(ctypes.byref, ids))
    library[_GETSEQ](ctypes.c_void_p(state), ctypes.byref(seq), ctypes.byref(which))
    id1, id2, id3 = (i.value for i in ids)
    return Generator(kind, address, place=4.0 * seq.value + which.value[0], ids=(id1, id2, id3))


def _random(address: int) -> Generator:
    """A Rand (src/gnu/Rand.hpp): gen, rand, type_."""
    generator, law = read_word(address), read_word(address + 8)
    kind = ctypes.c_int.from_address(address + 16).value
    mangled = ctypes.string_at(read_word(read_word(read_word(law) - 8) + 8)).decode()
    name = mangled.lstrip("0123456789")

    def number(k: int) -> float:
        return ctypes.c_double.from_address(law + 16 + 8 * k).value

    kept = None
    match name:
        case "Uniform":
            arguments: tuple[float, ...] = (number(0), number(1))
        case "DiscreteUniform":
            arguments = tuple(float(ctypes.c_long.from_address(law + 16 + 8 * k).value) for k in range(2))
        case "NegativeExpntl":
            arguments = (number(0),)
        case "Normal":
            arguments = (number(2), number(3))
            kept = number(1) if ctypes.c_char.from_address(law + 16).value != b"\0" else None
        case _:
            arguments = ()
    if kind == _RANDOM123:
        stream = _state(read_word(generator + 8), "Random", address)
        return Generator("Random", address, "Random123", stream.place, stream.ids, name, arguments, kept)
    if kind != _MCELLRAN4:
        return Generator("other", address)
    high, low = (ctypes.c_uint32.from_address(generator + k).value for k in (8, 16))
    in_use = low or int(h.mcell_ran4_init())
    return Generator("Random", address, "MCellRan4", float(high), (low, in_use, 0), name, arguments, kept)


def _made(found: dict[str, Any] | None) -> Generator | None:
    if found is None:
        return None
    return Generator(**{**found, "ids": tuple(found["ids"]), "arguments": tuple(found["arguments"])})


def _common(found: Sequence[Generator | None]) -> Pointee:
    some = [g for g in found if g is not None]
    if not some:
        return Pointee()
    first = some[0]
    return Pointee(first.kind, len(some) == len(found), first.name, first.distribution or DISTRIBUTIONS[0])


def _row(found: Generator | None, index: float) -> list[float]:
    row = [0.0] * LENGTH
    if found is None:
        return row
    ids = (found.ids[1], 0, 0) if found.name == "MCellRan4" else found.ids
    row[:6] = [found.place, *map(float, ids), index, 1.0]
    first, second = (*found.arguments, 0.0, 0.0)[:2]
    match found.distribution:
        case "Uniform":
            second -= first
        case "DiscreteUniform":
            second = second - first + 1.0
        case "Normal":
            second = math.sqrt(second)
    row[6:] = [first, second, float(found.kept is not None), found.kept or 0.0]
    return row


def _check(
    inventory: Inventory, found: Mapping[str, Mapping[str, Sequence[Generator | None]]], findings: Findings
) -> None:
    """Refuse generators of several kinds behind one POINTER, other distributions, and those that instances share."""
    artificial = {kind.name for kind, _ in inventory.artificial.values()}
    shared = Counter(g.address for p in found.values() for rows in p.values() for g in rows if g and g.kind != "other")
    for mechanism, pointers in found.items():
        for name, rows in pointers.items():
            some = [g for g in rows if g is not None and g.kind != "other"]
            where = f"the POINTER {name} of {mechanism}"
            kinds = sorted({f"{g.kind} {g.name} {g.distribution}".strip() for g in some})
            if len(kinds) > 1:
                why = f"its instances draw from generators of several kinds ({', '.join(kinds)})"
                findings.refuse(
                    where, f"mechanism {mechanism}", why, "give all of them the same generator and distribution"
                )
            if any(g.kind == "Random" and g.distribution not in DISTRIBUTIONS for g in some):
                law = next(g.distribution for g in some if g.kind == "Random" and g.distribution not in DISTRIBUTIONS)
                why = f"it leads to a Random with the distribution {law}"
                findings.refuse(where, f"mechanism {mechanism}", why, "use uniform, negexp, normal or discunif")
            if mechanism not in artificial and any(shared[g.address] > 1 for g in some):
                why = "several instances draw from one Random, so that each depends on the order of all"
                findings.refuse(where, f"mechanism {mechanism}", why, "give each instance a Random of its own")
