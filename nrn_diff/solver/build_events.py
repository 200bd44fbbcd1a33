"""From the NetCons of a snapshot to the events that each kind of synapse receives."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from nrn_diff.events.schedule import in_rounds, schedule
from nrn_diff.events.time_grid import time_grid
from nrn_diff.snapshot import Capture, Connection
from nrn_diff.solver.spikes import make_lines
from nrn_diff.solver.structure import Deliveries, SpikeSources


def find_sources(capture: Capture) -> list[tuple[int, float]]:
    """(node, threshold) of every voltage that a NetCon watches, each once."""
    watched = [(c.source_node, c.threshold) for c in capture.connections if c.source_node >= 0]
    return list(dict.fromkeys([*watched, *((s.node, s.threshold) for s in capture.spikes)]))


def build_deliveries(capture: Capture, sources: list[tuple[int, float]], steps: int) -> dict[str, Deliveries]:
    """Everything that reaches each mechanism, by its name."""
    instances = {data.name: len(data.nodes) for data in capture.mechanisms}
    return {
        name: _of_mechanism(
            capture, [c for c in capture.connections if c.target == name], sources, instances[name], steps
        )
        for name in dict.fromkeys(c.target for c in capture.connections)
    }


def _of_mechanism(
    capture: Capture, mine: list[Connection], sources: list[tuple[int, float]], n: int, steps: int
) -> Deliveries:
    rows = np.array([c.instance for c in mine], dtype=np.int32)
    place = np.full(len(capture.connections), -1)
    place[[k for k, c in enumerate(capture.connections) if c.target == mine[0].target]] = np.arange(len(mine))
    here = place[capture.events.connection] >= 0
    connection = place[capture.events.connection[here]]
    plan, order = schedule(capture.events.times[here], rows[connection], dt=capture.dt, steps=steps)
    initial = in_rounds(plan.initial[None, :], plan.targets)[0]
    early, late = (in_rounds(phase, plan.targets) for phase in (plan.start, plan.end))
    everyone = in_rounds(np.arange(len(mine), dtype=np.int32)[None, :], rows)[0]
    driven = np.array([k for k, c in enumerate(mine) if c.source_node >= 0], dtype=np.int64)
    source = np.array([sources.index((mine[k].source_node, mine[k].threshold)) for k in driven], dtype=np.int64)
    delay = np.array([mine[k].delay for k in driven], dtype=np.float64)
    lines = make_lines(driven, source, rows[driven], delay, n, capture.dt, steps)
    return Deliveries(rows, connection[order].astype(np.int32), plan.times, initial, early, late, everyone, *lines)


def spike_sources(
    sources: list[tuple[int, float]], row: np.ndarray, deliveries: Mapping[str, Deliveries], dt: float, steps: int
) -> SpikeSources:
    """The watched voltages, and how far back a spike can matter."""
    memory = 1
    for d in deliveries.values():
        for lines in (d.early_lines, d.late_lines):
            if lines.sent.size:
                ages = np.arange(steps)[:, None, None] - lines.sent
                memory = max(memory, int(ages[lines.sent >= 0].max(initial=0)) + 1)
    rows = row[np.array([node for node, _ in sources], dtype=np.int64)]
    return SpikeSources(rows, memory, time_grid(dt, steps)[0:-1:2])
