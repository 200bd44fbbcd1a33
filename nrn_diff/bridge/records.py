"""Which Vector records what: in a copy of the process unique values are put everywhere, and NEURON samples them."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from neuron import h

from nrn_diff.bridge.findings import Findings
from nrn_diff.bridge.forked import ChildFailedError, in_copy, step_without_python
from nrn_diff.bridge.hoc_events import forget_statements
from nrn_diff.bridge.inventory import Inventory, hoc_objects
from nrn_diff.bridge.play_record import Kind, play_record_kinds
from nrn_diff.bridge.sampling import Sampling, find_sampling
from nrn_diff.bridge.variables import FIRST, TIME, Block, Identify, every_variable, fill, put_sentinels
from nrn_diff.snapshot import Record


def _sample(blocks: Sequence[Block], vectors: Sequence[Any], section: Any) -> list[tuple[int, float]]:
    """Length and first value of each Vector after NEURON recorded the sentinels. For a copy of the process only."""
    # A Vector that records has one value after frecord_init, one that records at given times none. Something may
    # point to the only value of a Vector, so that it must stay where it is: there, whether the value changes tells.
    for k, vector in enumerate(vectors):
        if vector.size() == 0:
            vector.resize(2)
        elif vector.size() == 1:
            vector.x[0] = -FIRST - k
    put_sentinels(blocks, section)
    before = [float(v.x[0]) if v.size() == 1 else math.nan for v in vectors]
    h.frecord_init()
    return [
        (2 if v.size() == 1 and v.x[0] == old else int(v.size()), float(v.x[0]) if v.size() else 0.0)
        for v, old in zip(vectors, before, strict=True)
    ]


def vector_name(vector: Any) -> str:
    """'Vector[3]', with its label if it has one."""
    label = vector.label()
    return f"{vector.hname()}{f' ({label!r})' if label else ''}"


def find_records(inventory: Inventory, findings: Findings, elements: Sequence[Block] = ()) -> tuple[Record, ...]:
    """What every recording Vector of the live model records, in the order of h.List('Vector').

    Refuses variables that the snapshot does not hold. elements: of Vectors, that it holds.
    """
    kinds = play_record_kinds()
    if not np.isin(kinds, [Kind.RECORD, Kind.RECORD_T, Kind.RECORD_EVERY, Kind.RECORD_AT_TIMES]).any():
        return ()
    blocks, vectors = [*every_variable(inventory), *elements], hoc_objects("Vector")
    sample = partial(_sample, blocks, vectors, inventory.topology.sections[0])
    try:
        samples = in_copy(sample)
    except ChildFailedError:
        # NEURON crashes on an event that waits for a Vector which is played no longer; initialising clears the queue.
        samples = in_copy(lambda: (h.finitialize(), sample())[1])
    found = {k: (value, Sampling()) for k, (size, value) in enumerate(samples) if size == 1}
    timed = [k for k, (size, _) in enumerate(samples) if size == 0]
    expected = int(np.isin(kinds, [Kind.RECORD, Kind.RECORD_T]).sum())
    expected_timed = int(np.isin(kinds, [Kind.RECORD_EVERY, Kind.RECORD_AT_TIMES]).sum())
    if expected_timed:
        mark, section = partial(fill, blocks, FIRST), inventory.topology.sections[0]
        found |= find_sampling(mark, vectors, timed, kinds, TIME, section, findings)
    if len(found) != expected + expected_timed:
        findings.refuse(
            f"{expected + expected_timed} Vectors record, but NEURON shows {len(found)} of them",
            "Vector.record",
            "what they record cannot be found out",
            "record with one Vector for each variable, made by Vector.record",
        )
    return _match(blocks, vectors, found, findings)


def refuse_weights(records: Sequence[Record], netcons: Collection[int], findings: Findings) -> None:
    """Refuse recorded weights of others than these NetCons (places in h.List('NetCon')), which the snapshot holds."""
    names = {v.hname(): vector_name(v) for v in hoc_objects("Vector")}
    for record in records:
        if record.kind == "weight" and record.index not in netcons:
            _refuse(names[record.vector], record.vector, record.label, findings)


def _refuse(name: str, vector: str, label: str, findings: Findings) -> None:
    findings.refuse(
        f"{name} records {label}",
        name,
        "recorded are t, and the variables of sections, mechanisms, ions, point processes, artificial cells and their "
        "NetCons",
        f"stop it with {vector}.play_remove(), or record another variable",
    )


def not_recorded_yet(records: Sequence[Record]) -> set[str]:
    """HOC names of the Vectors that NEURON's next step leaves as they are: Vector.record begins with finitialize."""
    names = {r.vector for r in records if r.every_step}
    vectors = [v for v in hoc_objects("Vector") if v.hname() in names]
    try:
        grown = in_copy(partial(_grown, vectors))
    except ChildFailedError:  # a Python function of the user's, which is refused by itself
        return set()
    return {v.hname() for v, more in zip(vectors, grown, strict=True) if not more}


def _grown(vectors: Sequence[Any]) -> list[bool]:
    before = [int(v.size()) for v in vectors]
    forget_statements()
    step_without_python()
    return [int(v.size()) > n for v, n in zip(vectors, before, strict=True)]


def _match(
    blocks: Sequence[Block],
    vectors: Sequence[Any],
    found: dict[int, tuple[float, Sampling]],
    findings: Findings,
) -> tuple[Record, ...]:
    records: list[Record] = []
    identify = Identify(blocks)
    for k in sorted(found):
        value, sampling = found[k]
        vector = vectors[k]
        label, record = identify(value)
        if record is None:
            _refuse(vector_name(vector), vector.hname(), label, findings)
        else:
            records.append(replace(record, vector=vector.hname(), interval=sampling.interval, times=sampling.times))
    return _unique_labels(records)


def _unique_labels(records: Sequence[Record]) -> tuple[Record, ...]:
    """Python may give several sections one name: the second quantity of a label becomes 'soma(0.5).v #2'.

    So does a quantity that is sampled in another way; the one of every step keeps the label.
    """
    known: dict[str, list[Record]] = {}
    for record in sorted(records, key=lambda r: not r.every_step):
        same = known.setdefault(record.label, [])
        quantity = replace(record, vector="")
        if quantity not in same:
            same.append(quantity)
    unique = []
    for record in records:
        number = known[record.label].index(replace(record, vector="")) + 1
        unique.append(replace(record, label=f"{record.label} #{number}") if number > 1 else record)
    return tuple(unique)
