"""What acts by events of its own in a run from the present state: Vector.play, Vector.record at intervals or times.

NEURON's queue holds the next event of each. Where it is in its chain follows from the time, and is compared with the
queue: a Vector that was changed in the middle of a run is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from nrn_diff.bridge.findings import Findings
from nrn_diff.bridge.play_record import Kind
from nrn_diff.bridge.sampling import vectors_of_events
from nrn_diff.bridge.save_state import EventKind, QueuedEvent, SavedState
from nrn_diff.events.waveforms import continuous_events, events_until, step_events
from nrn_diff.snapshot import Play, Record
from nrn_diff.solver.samples import asked, columns_of, kinds_of, phases, places
from nrn_diff.solver.structure import Structure

Array = np.ndarray
_PLAYS = (Kind.PLAY_STEP, Kind.PLAY_CONTINUOUS)
_TIMED = (Kind.RECORD_EVERY, Kind.RECORD_AT_TIMES)


def has_plays(saved: SavedState) -> bool:
    """Whether a Vector is played."""
    return any(kind in _PLAYS for kind, _ in saved.plays)


def has_timed_records(saved: SavedState) -> bool:
    """Whether a Vector records at intervals or at given times."""
    return any(kind in _TIMED for kind, _ in saved.plays)


@dataclass(frozen=True)
class Chain:
    """The events of one Vector.play or Vector.record, by its number in NEURON's list.

    due [n] (ms): of all its events, or, of one that records, of those still to come.
    """

    number: int
    due: Array
    play: Play | None = None


@dataclass(frozen=True)
class Timed:
    """chains: of all. sampled: HOC name of a Vector that records -> the times (ms) of the samples still to come.

    over: HOC name of a Vector that is played -> by when (ms) its events have been delivered. That is not the start of
    the run where a script has set t.
    """

    chains: tuple[Chain, ...]
    sampled: dict[str, Array]
    over: dict[str, float]


def read_timed(
    saved: SavedState,
    plays: Sequence[tuple[int, Play]],
    records: Sequence[tuple[Record, int]],
    intervals: Sequence[float],
    until: float,
    findings: Findings,
) -> Timed:
    """Where everything is at saved.t.

    plays: with their numbers in NEURON's list. records: with the number of samples that each Vector holds. intervals
    (ms): of those that record so, in NEURON's order. until (ms): the end of the run.
    """
    due = saved.due()
    chains = [Chain(number, _events(play), play) for number, play in plays]
    for chain in chains:
        count = events_until(chain.due, saved.t)
        expected = float(chain.due[count]) if count < len(chain.due) else None
        if due.get(chain.number) != expected:
            assert chain.play is not None
            findings.refuse(
                f"{chain.play.vector} is played into {chain.play.target.label}",
                chain.play.vector,
                f"NEURON's next event for it is due at {due.get(chain.number)} ms, by its Vectors at {expected} ms: "
                "it was changed, or played, after finitialize",
                "set up what is played before the run is initialised",
            )
    sampled: dict[str, Array] = {}
    every = [k for k, (kind, _) in enumerate(saved.plays) if kind is Kind.RECORD_EVERY]
    step_of = dict(zip(every, intervals, strict=True))
    for number, step in step_of.items():
        chains.append(Chain(number, _steps(due[number], step, until) if number in due else np.zeros(0)))
    vector_of = _Owners(saved, tuple(record.vector for record, _ in records))
    for record, _ in records:
        if record.interval:
            mine = [c for c in chains if step_of.get(c.number) == record.interval]
            if any(not np.array_equal(mine[0].due, c.due) for c in mine):
                mine = [c for c in mine if vector_of[c.number] == record.vector]
            # One that was made since finitialize samples nothing before the next.
            sampled[record.vector] = mine[0].due if mine else np.zeros(0)
    left = [
        (record, np.maximum.accumulate(np.array(record.times[size:], dtype=float)))
        for record, size in records
        if record.times
    ]
    sampled |= {record.vector: times for record, times in left}
    begun: set[str] = set()
    waiting = [k for k, (kind, _) in enumerate(saved.plays) if kind is Kind.RECORD_AT_TIMES and k in due]
    all_begun = len(waiting) == sum(len(times) > 0 for _, times in left)
    for number in waiting:
        fitting = [(r, times) for r, times in left if len(times) and times[0] == due[number]]
        if not all_begun or any(not np.array_equal(fitting[0][1], times) for _, times in fitting):
            fitting = [(r, times) for r, times in fitting if vector_of[number] == r.vector]
        if not fitting:
            for record, _ in left:
                _refuse_record(record, findings)
            break
        chains.append(Chain(number, fitting[0][1]))
        begun |= {r.vector for r, _ in fitting}
    sampled |= {r.vector: np.zeros(0) for r, times in left if r.vector not in begun}
    return Timed(tuple(chains), sampled, {play.vector: saved.t for _, play in plays})


@dataclass
class _Owners:
    """Which Vector an event appends to, by its number in NEURON's list, '' for none that waits; found out when asked.

    vectors: HOC names of those that sample.
    """

    saved: SavedState
    vectors: tuple[str, ...]

    @cached_property
    def _known(self) -> dict[int, str]:
        timed = [k for k, (kind, _) in enumerate(self.saved.plays) if kind in _TIMED and k in self.saved.due()]
        return vectors_of_events(self.saved, timed, self.vectors)

    def __getitem__(self, number: int) -> str:
        return self._known.get(number, "")


def _events(play: Play) -> Array:
    if play.continuous:
        return continuous_events(play.times, play.breaks if play.has_breaks else None)[0]
    return step_events(len(play.values), play.times, play.interval)


def _steps(first: float, step: float, until: float) -> Array:
    # NEURON adds the interval each time; one more than are needed, for its queue.
    return np.cumsum(np.r_[first, np.full(max(int((until - first) / step), 0) + 2, step)])


def apart(records: Sequence[Record], timed: Timed) -> tuple[Record, ...]:
    """The records, where those that sample at other times than the first one of their interval have none.

    A program is compiled for those of one interval together.
    """
    of_interval: dict[float, Array] = {}
    found = []
    for record in records:
        times = timed.sampled.get(record.vector, np.zeros(0))
        alike = not record.interval or np.array_equal(times, of_interval.setdefault(record.interval, times))
        found.append(record if alike else replace(record, interval=0.0, times=(0.0,)))
    return tuple(found)


def _refuse_record(record: Record, findings: Findings) -> None:
    findings.refuse(
        f"{record.vector} records {record.label} at intervals or at given times",
        record.vector,
        "several Vectors do, and which of NEURON's next events is whose cannot be told in the middle of a run",
        "record at every step, or start the run with finitialize",
    )


def asked_of(structure: Structure, timed: Timed, records: Sequence[Record], grid: Array) -> dict[str, Array]:
    """When samples of what events change are due in each step, see `samples.asked`. grid [2 * n_steps + 1] (ms)."""
    if not structure.samples.groups:
        return {}
    kinds = kinds_of(structure.samples.groups)
    due = [timed.sampled[records[kinds[k]].vector] for k in range(len(kinds))]
    most = asked(due, grid, first=1)["early"].shape[1]
    # The program is compiled for so many in half a step.
    return asked(due, grid, least=1 << (most - 1).bit_length(), first=1)


def take_samples(
    structure: Structure, timed: Timed, record: Record, number: int, grid: Array, first: float, samples: Array
) -> Array:
    """What a Vector takes during a run. number: of the record. grid [2 * n_steps + 1] (ms); first: what it finds at the
    start; samples [n_steps, width]: `Sample.recorded` of each step.
    """
    times = timed.sampled[record.vector]
    phase = phases(times, grid, first=1)
    now = phase < len(grid)
    if record.kind == "t":
        return times[now]
    columns = columns_of(structure.samples.groups)
    phase = phase[now]
    if number not in columns:
        return np.r_[first, samples[:, number]][phase // 2]
    counts = len(structure.recorded), len(columns)
    most = (samples.shape[1] - counts[0]) // (2 * counts[1])
    return samples[(phase - 1) // 2, places(phase, columns[number], *counts, most)]


def put_timed(saved: SavedState, timed: Timed, t: float) -> list[QueuedEvent]:
    """Set every play to where it is at t (ms), and return the events that wait then."""
    ahead: dict[int, float] = {}
    for chain in timed.chains:
        gone = t if chain.play is None else max(t, timed.over[chain.play.vector])
        count = events_until(chain.due, gone)
        if count < len(chain.due):
            ahead[chain.number] = float(chain.due[count])
        if chain.play is not None:
            kind, lines = saved.plays[chain.number]
            saved.plays[chain.number] = (kind, [lines[0], _place(chain.play, count)])
    waiting = [e for e in saved.events if e.kind is EventKind.PLAY_RECORD]
    return [replace(e, time=ahead[k]) for e in waiting if (k := int(e.fields[1])) in ahead]


def _place(play: Play, count: int) -> bytes:
    if not play.continuous:
        return b"%d" % count
    _, bounds = continuous_events(play.times, play.breaks if play.has_breaks else None)
    bound = int(bounds[min(count, len(bounds) - 1)])
    taken = min(count + 1, len(play.breaks)) if play.has_breaks else 0
    return b"%d %d %d" % (bound, taken, bound)
