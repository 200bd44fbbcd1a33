"""Elements of HOC Vectors that POINTERs lead to, as hnn-core's dipole moments: one variable of one more mechanism."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from mod_translator import ir
from nrn_diff.bridge.inventory import hoc_objects
from nrn_diff.bridge.variables import Block
from nrn_diff.snapshot import ELEMENTS, Link, MechanismData, Record

_KIND, _LONGEST = "element", 100  # elements of longer Vectors are not looked at
_SYMBOL = ir.Symbol("x", ir.Role.INSTANCE, "ASSIGNED", visible=True)
_MECHANISM = ir.Mechanism(ELEMENTS, ir.Kind.ARTIFICIAL, {"x": _SYMBOL})


def vector_elements() -> list[Block]:
    """All elements of the live Vectors, as variables into which values can be put."""
    return [_elements(v, f"{v.hname()}.x") for v in hoc_objects("Vector") if 0 < int(v.size()) <= _LONGEST]


def _elements(vector: Any, name: str) -> Block:
    def describe(_row: int, k: int) -> tuple[str, Record | None]:
        label = f"{name}[{k}]"
        return label, Record(label, _KIND, k, vector.hname(), "x")

    def put(owner: Any, k: int, value: float) -> None:
        owner.x[k] = value

    return Block([vector], "x", int(vector.size()), describe, put)


def with_elements(
    pointers: Mapping[str, tuple[Link, ...]], rank: int
) -> tuple[Mapping[str, tuple[Link, ...]], MechanismData | None, list[Block]]:
    """Links to elements of Vectors as links to a mechanism that holds them; that mechanism; its variables as blocks."""
    everything = [link for links in pointers.values() for link in links if link.kind == _KIND]
    used = list(dict.fromkeys((link.owner, int(k)) for link in everything for k in link.index))
    if not used:
        return pointers, None, []
    live = {v.hname(): v for v in hoc_objects("Vector")}
    row = {key: i for i, key in enumerate(used)}
    moved = {
        mechanism: tuple(
            replace(
                link, kind="mechanism", owner=ELEMENTS, index=np.array([row[link.owner, int(k)] for k in link.index])
            )
            if link.kind == _KIND
            else link
            for link in links
        )
        for mechanism, links in pointers.items()
    }
    labels = tuple(f"{name}.x[{k}]" for name, k in used)
    nowhere = np.full(len(used), -1)
    values = {"x": np.array([float(live[name].x[k]) for name, k in used])}
    data = MechanismData(_MECHANISM, rank, nowhere, values, {}, False, labels, np.arange(len(used)))
    return moved, data, [_block(live, used, labels)]


def put_elements(labels: Sequence[str], values: Sequence[float]) -> None:
    """Set them, as a run has left them. labels: of the mechanism's instances."""
    live = {v.hname(): v for v in hoc_objects("Vector")}
    for label, value in zip(labels, values, strict=True):
        name, index = vector_and_index(label)
        live[name].x[index] = value


def vector_and_index(label: str) -> tuple[str, int]:
    """HOC name of the Vector and the place in it."""
    name, _, index = label.removesuffix("]").rpartition(".x[")
    return name, int(index)


def _block(live: Mapping[str, Any], used: Sequence[tuple[str, int]], labels: Sequence[str]) -> Block:
    def describe(i: int, _k: int) -> tuple[str, Record | None]:
        return labels[i], Record(labels[i], "mechanism", i, ELEMENTS, "x")

    def put(owner: tuple[Any, int], _k: int, value: float) -> None:
        owner[0].x[owner[1]] = value

    return Block([(live[name], k) for name, k in used], "x", 0, describe, put)
