"""Which Vector is played into what, and when: NEURON is asked in copies of the process, with marked Vectors."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from neuron import h

from nrn_diff.bridge.circuits import vectors_of_circuits
from nrn_diff.bridge.findings import Findings
from nrn_diff.bridge.forked import ChildFailedError, in_copy
from nrn_diff.bridge.inventory import Inventory, hoc_objects
from nrn_diff.bridge.play_record import Kind, play_record_kinds
from nrn_diff.bridge.records import vector_name
from nrn_diff.bridge.save_state import saved_here
from nrn_diff.bridge.variables import Block, every_variable, never_driven, thresholds
from nrn_diff.snapshot import Play, Record

# Values that mark a Vector: below any time, far outside of what a model holds, and exact in double precision.
_FIRST = -3.0e7
# A Vector is known by a fraction of this size (an interval of that length is not to be expected).
_FRACTION = 2.0**-20
_BASE = 64
_BEYOND = 10**6

# What may be driven: the rest is geometry, or is computed anew before anything reads it.
_BY_RANDOM = frozenset({"v", "mechanism", "global", "celsius", "e_extracellular"})
_PLAYABLE = _BY_RANDOM | {"cm", "layer", "weight", "start", "threshold"}
_PLAYABLE_OF_ION = frozenset({"inside", "outside", "erev"})
_GEOMETRY = (
    "NEURON's steps do not read it: what follows from it is computed only where HOC or Python has set a length, a "
    "diameter or a resistance since. So it has no effect in this run, and some in a later one"
)
_WHY = {
    **dict.fromkeys(("Ra", "L", "rallbranch"), _GEOMETRY),
    "xraxial": _GEOMETRY,
    "diam": "mechanisms that read diam see it, areas and axial resistances do not before HOC or Python sets one",
    "delay": "NEURON takes the delay of three or more NetCons of one source and delay from finitialize, any other when "
    "the source fires; not supported",
    "threshold": "followed is that of a voltage only",
    "dt": "it would change the size of the steps, which is compiled",
    "t": "it would change the time of the run",
    "secondorder": "it would change the method in the middle of the run",
    "v_init": "no step reads it",
    "tstop": "no step reads it",
}


@dataclass(frozen=True)
class _Course:
    """When one Vector.play acts. times, breaks: numbers of Vectors, -1 for none. interval (ms)."""

    kind: Kind
    times: int
    interval: float
    breaks: int


def find_plays(inventory: Inventory, findings: Findings) -> tuple[Play, ...]:
    """Every Vector.play of the live model, in the order in which NEURON executes them, each variable once.

    Refuses statements, and variables that cannot be driven here.
    """
    return once_each(play for _, play in find_numbered_plays(inventory, findings))


def once_each(plays: Iterable[Play]) -> tuple[Play, ...]:
    """Without those that are played into the same variable again."""
    found: dict[str, Play] = {}
    for play in plays:
        found.setdefault(play.target.label, play)
    return tuple(found.values())


def find_numbered_plays(inventory: Inventory, findings: Findings) -> tuple[tuple[int, Play], ...]:
    """As `find_plays`, all of them, each with its number in NEURON's list of Vectors that record or are played."""
    try:
        return _find(inventory, findings)
    except ChildFailedError as error:
        said = " ".join(str(error).replace("RuntimeError: hocobj_call error: hoc_execerror: ", "").split())
        findings.refuse(
            "Vector.play",
            "",
            "into what cannot be found out, because finitialize() fails in a copy of this model in which marks stand "
            f"in place of the numbers of all Vectors: {said}",
            "play_remove() what is played, or let no code that finitialize() runs depend on what is in a Vector",
        )
        return ()


def _find(inventory: Inventory, findings: Findings) -> tuple[tuple[int, Play], ...]:
    kinds = play_record_kinds()
    numbers = np.flatnonzero(np.isin(kinds, [Kind.PLAY_STEP, Kind.PLAY_CONTINUOUS])).tolist()
    if not numbers:
        return ()
    vectors = hoc_objects("Vector")
    blocks = [*every_variable(inventory), thresholds(inventory), *never_driven(inventory)]
    courses = dict(zip(numbers, _courses(vectors, numbers), strict=True))
    targets = in_copy(partial(_targets, blocks, vectors, numbers, numbers[-1]))
    for hidden in set(numbers) - {number for _, number, _ in targets}:
        # A later one may be played into the same variable.
        targets += [f for f in in_copy(partial(_targets, blocks, vectors, numbers, hidden)) if f[1] == hidden]
    driven = {number for _, number, _ in targets}
    for number in numbers:
        if number not in driven:
            when = courses[number]
            timed = f"at the times in {vector_name(vectors[when.times])}" if when.times >= 0 else ""
            findings.refuse(
                f"Vector.play {timed or f'every {when.interval:g} ms'}",
                "",
                'it executes a statement, as vector.play("statement", ...) does, or drives what no section, mechanism, '
                "point process or NetCon holds, such as a variable of HOC",
                "play into the variables of sections, mechanisms and point processes, or stop it with play_remove()",
            )
    plays: dict[str, Play] = {}
    numbered = []
    for vector, number, index in sorted(targets, key=lambda found: found[1]):
        label, record = locate(blocks, index)
        play = _play(label, record, vectors, vector, courses[number], findings)
        if play is None:
            continue
        same = plays.setdefault(play.target.label, play)
        if same is not play and not _equal(same, play):
            findings.refuse(
                f"two Vectors are played into {label}",
                f"{same.vector}, {play.vector}",
                "which of them is the last depends on NEURON's order of events",
                f"stop one of them with play_remove(), e.g. {play.vector}.play_remove()",
            )
        numbered.append((number, play))
    return tuple(numbered)


def _equal(one: Play, other: Play) -> bool:
    return one.vector == other.vector and all(
        np.array_equal(getattr(one, name), getattr(other, name))
        for name in ("times", "interval", "continuous", "has_breaks", "breaks")
    )


def _play(
    label: str, record: Record | None, vectors: Sequence[Any], vector: int, course: _Course, findings: Findings
) -> Play | None:
    name = vector_name(vectors[vector])
    remedy = f"stop it with {vectors[vector].hname()}.play_remove()"
    if not _playable(record, _PLAYABLE):
        why = _WHY.get(label.rpartition(".")[2].partition("[")[0], "this cannot be driven during a run yet")
        findings.refuse(f"{name} is played into {label}", "", why, remedy)
        return None
    assert record is not None
    content = lambda k: np.array(vectors[k], dtype=float) if k >= 0 else np.zeros(0)  # noqa: E731
    play = Play(
        target=record,
        vector=vectors[vector].hname(),
        values=content(vector),
        times=content(course.times),
        interval=course.interval,
        continuous=course.kind is Kind.PLAY_CONTINUOUS,
        has_breaks=course.breaks >= 0,
        breaks=content(course.breaks).astype(int),
    )
    wrong = _problem(play)
    if wrong:
        findings.refuse(f"{name} is played into {label}", name, wrong, f"correct the Vectors, or {remedy}")
        return None
    findings.finite(play.values, f"{name}, played into {label}", name)
    return play


def _playable(record: Record | None, kinds: frozenset[str]) -> bool:
    return record is not None and (
        record.kind in kinds or (record.kind == "ion" and record.variable in _PLAYABLE_OF_ION)
    )


def refuse_random_play(what: str, record: Record | None, remedy: str, findings: Findings) -> bool:
    """Refuse variables that Random.play cannot drive here; whether it was refused."""
    if _playable(record, _BY_RANDOM):
        return False
    findings.refuse(what, "", "this cannot be driven during a run yet", remedy)
    return True


def _problem(play: Play) -> str:
    """Why NEURON would read beyond the end of a Vector, or in no defined order; '' if it does not."""
    if not len(play.values):
        return "it is empty"
    if np.any(np.diff(play.times) < 0) or not np.all(np.isfinite(play.times)):
        return "its times are not in order"
    if play.continuous and (not len(play.times) or len(play.times) > len(play.values)):
        return f"it has {len(play.values)} samples and {len(play.times)} times"
    if play.has_breaks:
        if np.any(np.diff(play.breaks) <= 0):
            return "the indices of its discontinuities are not in order"
        if len(play.breaks) and not 0 <= play.breaks[0] <= play.breaks[-1] < len(play.times):
            return "an index of a discontinuity is outside of it"
    return ""


def _courses(vectors: Sequence[Any], numbers: Sequence[int]) -> list[_Course]:
    digit, breaks = 1, dict.fromkeys(numbers, 0)
    while True:
        found = in_copy(partial(_initialised, vectors, numbers, digit))
        for number, (_, _, floor) in zip(numbers, found, strict=True):
            breaks[number] += digit * (floor - 1)
        digit *= _BASE
        if digit >= len(vectors) or all(floor <= 0 for _, _, floor in found):
            break
    courses = []
    for number, (kind, due, floor) in zip(numbers, found, strict=True):
        place = (due % 1.0) / _FRACTION - 1
        timed = place == round(place) and 0 <= place < len(vectors)
        times = round(place) if timed else -1
        courses.append(_Course(Kind(kind), times, 0.0 if timed else due, breaks[number] if floor > 0 else -1))
    return courses


def _initialised(vectors: Sequence[Any], numbers: Sequence[int], digit: int) -> list[tuple[int, float, int]]:
    """Kind, time of the next event and bound of each play after finitialize with marked Vectors. For a copy only.

    A list of times is known by the fraction of the first event's time, a list of discontinuities by the bound.
    """
    fixed = vectors_of_circuits()
    for k, vector in enumerate(vectors):
        if vector.hname() not in fixed:
            vector.resize(_BASE + 2)
            vector.fill(1 + k // digit % _BASE + (k + 1) * _FRACTION)
    h.CVode().active(0)
    h.finitialize()
    saved = saved_here()
    due, found = saved.due(), []
    for number in numbers:
        kind, lines = saved.plays[number]
        bound = int(lines[1].split()[2]) if kind is Kind.PLAY_CONTINUOUS else 0
        found.append((int(kind), due[number], bound))
    return found


def _targets(
    blocks: Sequence[Block], vectors: Sequence[Any], numbers: Sequence[int], last: int
) -> list[tuple[int, int, int]]:
    """(Vector, number of the play, number of the variable) of each variable that is driven. For a copy only.

    last: plays beyond that one do not act. Restoring a SaveState makes every play set its variable, from the sample at
    which the file says that it is.
    """
    fixed = vectors_of_circuits()
    free = [(k, vector) for k, vector in enumerate(vectors) if vector.hname() not in fixed]
    for _, vector in free:
        vector.resize(2)  # NEURON is initialised before the marks are there
        vector.fill(1.5)
    # Behind all others, one that ends the restoring: what follows it are the weights of NetCons, as they were saved.
    end, never = h.Vector(2), h.Vector([1e9, 2e9])
    end.play(h._ref_celsius, never)
    h.CVode().active(0)
    h.finitialize()
    saved = saved_here()
    saved.plays[-1] = (Kind.PLAY_STEP, [saved.plays[-1][1][0], b"%d" % _BEYOND])
    n = len(numbers)
    for k, vector in free:
        vector.resize(2 * n)
        for m in range(n):
            vector.x[2 * m] = vector.x[2 * m + 1] = _FIRST - k * n - m
    for m, number in enumerate(numbers):
        # Both times are equal here, so that NEURON takes the mean of two equal samples; a step form takes the last one.
        at = 2 * m + 1 if number <= last else _BEYOND
        kind, lines = saved.plays[number]
        lines[1] = b"%d" % at if kind is Kind.PLAY_STEP else b"%d 0 %d" % (at, at)
    with contextlib.suppress(RuntimeError):  # of a sample that does not exist
        saved.restore()
    found = []
    index = 0
    for block in blocks:
        for value in block.values():
            mark = _FIRST - value
            if 0 <= mark < n * len(vectors) and mark == int(mark):
                found.append((int(mark) // n, numbers[int(mark) % n], index))
            index += 1
    return found


def locate(blocks: Sequence[Block], index: int) -> tuple[str, Record | None]:
    """Label and place of the variable with that number among all blocks."""
    for block in blocks:
        if index < block.size:
            return block.at(index)
        index -= block.size
    raise IndexError(index)
