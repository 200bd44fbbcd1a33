"""Vectors of spike times, and of the numbers of the sources beside them, in the order in which NEURON notes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from nrn_diff.bridge.callbacks import numbers_of_sources, places_of_sources
from nrn_diff.bridge.findings import Findings
from nrn_diff.bridge.live import Wiring
from nrn_diff.errors import CaptureError, Refusal
from nrn_diff.solver.spikes import SEND_DELAY

if TYPE_CHECKING:
    from nrn_diff.plugin.put import Finished
    from nrn_diff.plugin.session import Prepared


def spike_vectors(wiring: Wiring) -> dict[str, list[int]]:
    """Vectors that take spike times, by HOC name: the NetCons that show them."""
    found: dict[str, list[int]] = {}
    for k, netcon in enumerate(wiring.netcons):
        vector = netcon.get_recordvec()
        if vector is not None:
            found.setdefault(vector.hname(), []).append(k)
    return found


def numbers_of_senders(wiring: Wiring, findings: Findings) -> dict[int, tuple[str, int]]:
    """Artificial cell or point process, as a source of the network -> the Vector of its numbers, and its number."""
    shown = spike_vectors(wiring)
    recorded = [k for ks in shown.values() for k in ks if wiring.sources[k].outside is None]
    if not recorded:
        return {}
    numbers, places = numbers_of_sources(), places_of_sources()
    if numbers is None or places is None:
        findings.refuse(
            "spike times of artificial cells or point processes",
            ", ".join(wiring.netcons[k].hname() for k in recorded[:3]),
            "this build of NEURON does not show whether a Vector takes their numbers",
            "use nrn_diff.capture() and Model.simulate()",
        )
        return {}
    for vector, netcons in shown.items():
        of_gids = [k for k in netcons if wiring.sources[k].gid >= 0]
        alone = len({wiring.all_connections[k].source for k in netcons}) == 1
        if of_gids and not (alone and places[of_gids[0]] not in numbers):
            findings.refuse(
                f"spike times of gids that PatternStim drives, together with others or with numbers, in {vector}",
                ", ".join(wiring.netcons[k].hname() for k in of_gids[:3]),
                "NEURON notes them ahead of their time, 102 or more at once, and the order is not put back",
                "record each gid into a Vector of its own, without numbers",
            )
    return {wiring.all_connections[k].source: numbers[places[k]] for k in recorded if places[k] in numbers}


@dataclass(frozen=True)
class _Spike:
    """times: Vectors that take its time. numbers: (Vector, number). kind: 0 a voltage's, 1 a cell's, 2 a process's."""

    time: float
    times: frozenset[str]
    numbers: tuple[tuple[str, float], ...]
    kind: int


def spikes_by_vector(ready: Prepared, done: Finished) -> dict[str, list[float]]:
    """What each Vector (its HOC name) takes of a run. Raises CaptureError for numbers whose order is not known."""
    wiring, n_cells = ready.wiring, len(ready.wiring.cells)
    of_voltage, of_sender, ahead = _takers(wiring)
    numbers: dict[int, tuple[tuple[str, float], ...]] = {}
    for taken in ready.known.sources.numbers:
        for k, number in taken.number.items():
            numbers[k] = (*numbers.get(k, ()), (taken.vector, number))
    spikes = [
        _Spike(float(done.starts[step]) + SEND_DELAY, frozenset(of_voltage.get(k, ())), numbers.get(k, ()), 0)
        for step, k in done.fired
    ]
    found: dict[str, list[float]] = {}
    for time, k in ready.network.sent():
        if k in ahead:
            found.setdefault(ahead[k], []).append(time)
        if k in of_sender:
            mine = ready.numbers.get(k)
            spikes.append(_Spike(time, frozenset(of_sender[k]), (mine,) if mine else (), 1 if k < n_cells else 2))
    spikes.sort(key=lambda s: s.time)
    _check_order(spikes, known=not ready.ties.others)
    for spike in spikes:
        for name, value in (*((name, spike.time) for name in spike.times), *spike.numbers):
            found.setdefault(name, []).append(float(value))
    return found


def _takers(wiring: Wiring) -> tuple[dict[int, set[str]], dict[int, set[str]], dict[int, str]]:
    """Vectors that take times: of voltages; of cells and processes; of gids, which NEURON notes ahead of their time."""
    of_voltage: dict[int, set[str]] = {}
    of_sender: dict[int, set[str]] = {}
    ahead: dict[int, str] = {}
    for k, netcon in enumerate(wiring.netcons):
        vector, source = netcon.get_recordvec(), wiring.sources[k]
        if vector is None:
            continue
        if source.outside is not None:
            of_voltage.setdefault(wiring.outside.index(source.outside), set()).add(vector.hname())
        elif source.gid >= 0:
            ahead[wiring.all_connections[k].source] = vector.hname()
        elif source.cell or source.sender:
            of_sender.setdefault(wiring.all_connections[k].source, set()).add(vector.hname())
    for hidden in wiring.gid_sources:
        if hidden.vector:
            of_voltage.setdefault(wiring.outside.index((hidden.node, hidden.threshold)), set()).add(hidden.vector)
    return of_voltage, of_sender, ahead


def _check_order(spikes: list[_Spike], *, known: bool) -> None:
    """known: whether nothing but NetCons and artificial cells puts events into NEURON's queue."""
    latest: dict[str, tuple[_Spike, float]] = {}
    for spike in spikes:
        for name, number in spike.numbers:
            before, other = latest.get(name, (None, 0.0))
            latest[name] = spike, number
            if before is None or before.time != spike.time or other == number:
                continue
            if before.kind == spike.kind and (spike.kind == 0 or (spike.kind == 1 and known)):
                continue
            raise CaptureError(
                [
                    Refusal(
                        f"numbers of sources that fire at the same time, t = {spike.time:g} ms, in {name}",
                        "NetCon.record or ParallelContext.spike_record",
                        "in which order NEURON notes them depends on what else waits in its queue",
                        "let one of them fire a little later, or let NEURON run: enable(fallback='neuron')",
                    )
                ]
            )


def append(vector: Any, values: np.ndarray) -> None:
    """Vector.append, in NEURON's own memory."""
    if len(values):
        size = int(vector.size())
        vector.resize(size + len(values))
        vector.as_numpy()[size:] = values
