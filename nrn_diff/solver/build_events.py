"""From the NetCons of a snapshot to the events that each kind of synapse receives."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

import numpy as np

from nrn_diff.errors import CaptureError, Refusal
from nrn_diff.events.schedule import in_rounds, schedule
from nrn_diff.events.time_grid import time_grid
from nrn_diff.snapshot import Capture, Connection, Record, SpikeRecord
from nrn_diff.solver.commute import spikes_commute
from nrn_diff.solver.spikes import make_lines
from nrn_diff.solver.structure import Deliveries, Recorded, SpikeSources


def find_sources(capture: Capture) -> list[tuple[int, float]]:
    """(node, threshold) of every voltage that a NetCon watches, each once, in NEURON's order."""
    watched = [(c.source_node, c.threshold) for c in capture.connections if c.source_node >= 0]
    used = dict.fromkeys([*watched, *((s.node, s.threshold) for s in capture.spikes if s.node >= 0)])
    return list(dict.fromkeys([*(v for v in capture.voltages if v in used), *used]))


def find_watched(capture: Capture) -> list[tuple[Record, float]]:
    """(variable, threshold) of everything else that a NetCon watches, each once; they come after the voltages."""
    every: list[Connection | SpikeRecord] = [*capture.connections, *capture.spikes]
    found = [(replace(c.watched, vector=""), c.threshold) for c in every if c.watched is not None]
    return list(dict.fromkeys(found))


def source_number(capture: Capture, of: Connection | SpikeRecord) -> int:
    """Which of the sources a NetCon or a recording Vector has."""
    voltages = find_sources(capture)
    if of.watched is not None:
        return len(voltages) + find_watched(capture).index((replace(of.watched, vector=""), of.threshold))
    return voltages.index((of.source_node if isinstance(of, Connection) else of.node, of.threshold))


def build_deliveries(
    capture: Capture, sources: list[tuple[int, float]], steps: int, queued: Collection[str] = ()
) -> dict[str, Deliveries]:
    """Everything that reaches each mechanism, by its name; also of those in `queued` that no NetCon reaches."""
    instances = {data.name: len(data.nodes) for data in capture.mechanisms}
    names = dict.fromkeys((*(c.target for c in capture.connections), *queued))
    return {name: _of_mechanism(capture, name, sources, instances[name], steps) for name in names}


def _of_mechanism(capture: Capture, name: str, sources: list[tuple[int, float]], n: int, steps: int) -> Deliveries:
    mine = [c for c in capture.connections if c.target == name]
    rows = np.array([c.instance for c in mine], dtype=np.int32)
    place = np.full(len(capture.connections), -1)
    place[[k for k, c in enumerate(capture.connections) if c.target == name]] = np.arange(len(mine))
    here = place[capture.events.connection] >= 0
    connection = place[capture.events.connection[here]]
    plan, order = schedule(capture.events.times[here], rows[connection], dt=capture.dt, steps=steps)
    initial = in_rounds(plan.initial[None, :], plan.targets)[0]
    early, late = (in_rounds(phase, plan.targets) for phase in (plan.start, plan.end))
    everyone = in_rounds(np.arange(len(mine), dtype=np.int32)[None, :], rows)[0]
    number = {source: k for k, source in enumerate((*sources, *find_watched(capture)))}
    keys = [(c.source_node if c.watched is None else replace(c.watched, vector=""), c.threshold) for c in mine]
    driven = np.array([k for k, c in enumerate(mine) if c.source_node >= 0 or c.watched is not None], dtype=np.int64)
    source = np.array([number[keys[k]] for k in driven], dtype=np.int64)
    delays = np.array([c.delay for c in mine], dtype=np.float64)
    lines = make_lines(driven, source, rows[driven], delays[driven], n, capture.dt, steps)
    numbers = connection[order].astype(np.int32)
    return Deliveries(rows, numbers, plan.times, initial, early, late, delays, everyone, *lines)


def in_order(capture: Capture, queued: Collection[str]) -> bool:
    """Whether spikes that arrive at the same time arrive in the order in which they were sent.

    NEURON's queue puts the event at its head behind its equals when an earlier one comes (events/queue.py). None does
    where everything is sent by voltages and takes the same time.
    """
    delays = {c.delay for c in capture.connections}
    return (
        not queued
        and not vectors_in_queue(capture)
        and len(delays) < 2
        and all(c.source_node >= 0 for c in capture.connections)
    )


def vectors_in_queue(capture: Capture) -> bool:
    """Whether Vectors that are played, or record at times of their own, have events in NEURON's queue."""
    return bool(capture.plays) or not all(r.every_step for r in capture.records)


def refuse_ties(capture: Capture, queued: Collection[str]) -> None:
    """Refuse trains that reach one instance at the same time, where their order matters and NEURON's may be another.

    What the solution sends, and what Vectors wait for, can move such events in NEURON's queue (see events/queue.py).
    Raises CaptureError.
    """
    if not queued and not vectors_in_queue(capture) and all(c.train >= 0 for c in capture.connections):
        return
    refusals = []
    for data in capture.mechanisms:
        if data.ir.net_receive is None or spikes_commute(data.ir):
            continue
        mine = np.array([c.target == data.name for c in capture.connections], dtype=bool)
        instance = np.array([c.instance for c in capture.connections], dtype=int)
        here = mine[capture.events.connection]
        times, connection = capture.events.times[here], capture.events.connection[here]
        order = np.lexsort((times, instance[connection]))
        times, rows = times[order], instance[connection[order]]
        tied = np.flatnonzero((times[1:] == times[:-1]) & (rows[1:] == rows[:-1]))
        if len(tied):
            row, when = int(rows[tied[0]]), float(times[tied[0]])
            refusals.append(
                Refusal(
                    f"events of trains that reach {data.labels[row]} at the same time, t = {when:g} ms",
                    f"mechanism {data.name}, {data.ir.file}",
                    "its NET_RECEIVE does more than add, so that their order matters, and in NEURON it depends on what "
                    "else waits in the queue",
                    "let one of the trains start a little later, or give its NetCon another delay",
                )
            )
    if refusals:
        raise CaptureError(refusals)


def spike_sources(
    sources: list[tuple[int, float]],
    watched: tuple[Recorded, ...],
    row: np.ndarray,
    deliveries: Mapping[str, Deliveries],
    dt: float,
    steps: int,
    in_order: bool,
) -> SpikeSources:
    """The watched voltages and other variables, and how far back a spike can matter. in_order: see `in_order`."""
    memory = 1
    for d in deliveries.values():
        for lines in (d.early_lines, d.late_lines):
            if lines.sent.size:
                ages = np.arange(steps)[:, None, None] - lines.sent
                memory = max(memory, int(ages[lines.sent >= 0].max(initial=0)) + 1)
    rows = row[np.array([node for node, _ in sources], dtype=np.int64)]
    return SpikeSources(rows, memory, time_grid(dt, steps)[0:-1:2], watched, in_order)
