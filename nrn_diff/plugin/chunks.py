"""The steps of a run, as many at once as can be made before a spike arrives that is not known yet."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from nrn_diff.bridge.live import Wiring
from nrn_diff.errors import CaptureError
from nrn_diff.events.live import LiveNetwork
from nrn_diff.events.schedule import in_rounds, pack
from nrn_diff.plugin.agenda import check
from nrn_diff.plugin.progress import Progress
from nrn_diff.plugin.ties import TieCheck
from nrn_diff.solver.build_plays import tie
from nrn_diff.solver.play import Drives
from nrn_diff.solver.resume import Arriving, run_chunk, sample_width, watched_values
from nrn_diff.solver.spikes import SEND_DELAY
from nrn_diff.solver.structure import Structure
from nrn_diff.solver.values import Fixed, State

Array = np.ndarray
_MOST_STEPS = 1024
_MOST_SAMPLES = 2**22  # that a chunk keeps


@dataclass
class Shapes:
    """How wide the tables of events of a mechanism were compiled; they only grow, so that compilations are few."""

    events: int = 4
    rounds: int = 1
    width: int = 1


_SHAPES: dict[tuple[str, str], Shapes] = {}
_COMPILED: set[tuple[Any, ...]] = set()  # what the programs for chunks depend on that are in this process


@dataclass
class Stepper:
    """Runs chunks of steps; between them NEURON's queue is looked at.

    asked: when Vectors sample what events change, as of `samples.asked`, of the whole run.
    checked [n_voltages]: the sources in the order in which NEURON compares them with their thresholds. turning: of
    `turning_points`.
    """

    structure: Structure
    fixed: Fixed
    wiring: Wiring
    network: LiveNetwork
    drives: Drives
    asked: dict[str, Array]
    ties: TieCheck
    checked: Array
    turning: dict[str, list[tuple[Array, Array]]]
    _mine: dict[str, tuple[Array, Array]] = field(init=False)

    def __post_init__(self) -> None:
        targets = [c.target for c in self.wiring.connections]
        self._mine = {}
        for m in self.structure.mechanisms:
            if m.deliveries is not None:
                place = np.full(len(targets), -1)
                here = [k for k, target in enumerate(targets) if target == m.name]
                place[here] = np.arange(len(here))
                self._mine[m.name] = place, np.asarray(m.deliveries.row)

    def run(self, state: State, grid: Array, progress: Progress) -> tuple[State, Array, list[tuple[int, int]]]:
        """Final state, samples [n_steps, width] (`Sample.recorded`), spikes (step, voltage) in order.

        grid [2 * n_steps + 1] (ms).
        """
        total = (len(grid) - 1) // 2
        width = sample_width(self.structure, self.asked)
        delay, within = self.wiring.shortest_delay(), self.wiring.shortest_from_senders()
        least = min(delay, within)
        ahead = int(least / self.structure.dt) + 2 if np.isfinite(least) else _MOST_STEPS
        most = min(_MOST_STEPS, ahead, max(_MOST_SAMPLES // max(width, 1), 1))
        capacity = 1 << (most - 1).bit_length()
        samples = np.empty((total, width))
        fired: list[tuple[int, int]] = []
        done = 0
        while done < total:
            n = self._steps_ahead(grid, done, min(capacity, total - done), delay, within)
            first = self._fire_now(state, grid[2 * done], done, fired) if len(self.wiring.outside) else []
            times = np.concatenate([grid[2 * done : 2 * (done + n) + 1], np.full(2 * (capacity - n), np.inf)])
            arriving = self._arriving(grid[2 * done : 2 * (done + n) + 1], capacity)
            timed = (_part(x, done, n, capacity) for x in (self.drives, self.asked))
            self._say_compiling(capacity, arriving, progress)
            state, chunk = run_chunk(self.structure, self.fixed, state, times, np.int32(n), arriving, *timed)
            check({name: queue.failed for name, queue in (state.queues or {}).items()}, self.structure)
            samples[done : done + n] = np.asarray(chunk.samples[:n])
            crossed = np.asarray(chunk.crossed[:n])
            assert not n or np.flatnonzero(crossed[0]).tolist() == sorted(first)
            self._fire_later(crossed, {name: np.asarray(x[:n]) for name, x in chunk.sent.items()}, grid, done, fired)
            done += n
            progress.at(done)
        # What point processes have sent to all NetCons at once and the program has delivered itself.
        self.network.advance(float(grid[2 * total]))
        return state, samples, fired

    def _say_compiling(self, capacity: int, arriving: dict[str, Arriving], progress: Progress) -> None:
        key = (self.structure.digest, capacity, tuple((m, a.time.shape, a.early.shape) for m, a in arriving.items()))
        if key not in _COMPILED:
            _COMPILED.add(key)
            progress.say("compiling")

    @staticmethod
    def _steps_ahead(grid: Array, done: int, most: int, delay: float, within: float) -> int:
        """So many steps that no spike sent after the first of them arrives in them, and no net_event to a cell.

        delay, within (ms): the shortest ways of both.
        """
        n = most
        if np.isfinite(within):
            n = min(n, int(np.searchsorted(grid[2 * done :: 2], grid[2 * done] + within, side="left")) - 1)
        if np.isfinite(delay) and n > 1:
            starts = grid[2 * (done + 1)] + SEND_DELAY + delay
            n = min(n, max(int(np.searchsorted(grid[2 * done :: 2], starts, side="left")) - 1, 1))
        return n

    def _fire_now(self, state: State, t: float, step: int, fired: list[tuple[int, int]]) -> list[int]:
        """The check at the start of the first step, whose spikes may arrive within it."""
        values = watched_values(self.structure, self.fixed, state, t)
        above = values - self._thresholds(step) > 0
        crossed = above & ~np.asarray(state.spikes.above)
        now = self.checked[crossed[self.checked]].tolist()
        for k in now:
            self.network.send(k, float(t) + SEND_DELAY)
            fired.append((step, k))
        return [int(k) for k in now]

    def _thresholds(self, step: int) -> Array:
        """At the start of a step (mV), [n_sources]."""
        found = np.array(self.fixed.values.thresholds)
        for number, driven in self.drives["begin"].items():
            group = self.structure.plays[number]
            if group.source == "threshold":
                wave = group.place.target
                here = (wave >= 0) & np.asarray(driven.present[step])[wave]
                found[here] = np.asarray(driven.value[step])[wave[here]]
        return found

    def _fire_later(
        self, crossed: Array, sent: dict[str, Array], grid: Array, done: int, fired: list[tuple[int, int]]
    ) -> None:
        later = [(1 + j, int(self.checked[k])) for j, k in np.argwhere(crossed[1:, self.checked]).tolist()]
        fired += [(done + j, k) for j, k in later]
        starts = [(float(grid[2 * (done + j)]), k) for j, k in later]
        sends = [(t, k, t + SEND_DELAY) for t, k in starts]
        for k, (mechanism, row) in enumerate(self.wiring.senders):
            times = sent[mechanism][:, :, row] if mechanism in self.wiring.heard else np.zeros(0)
            sends += [(float(t), self.wiring.first_sender + k, float(t)) for t in times[np.isfinite(times)]]
        self.network.send_before(sorted(sends, key=lambda send: send[2]))

    def _arriving(self, grid: Array, capacity: int) -> dict[str, Arriving]:
        times, netcons = self.network.advance(float(grid[-1]), amend=self.ties.matter)
        self.ties.at_cells(self.wiring, self.network.ties())
        place = self.wiring.place[netcons]
        # What is late is delivered at the start of the first step.
        phase = np.maximum(np.searchsorted(grid, times, side="left"), 1)
        out = {}
        for name, (mine, row) in self._mine.items():
            here = np.flatnonzero((place >= 0) & (mine[place] >= 0)) if len(place) else np.zeros(0, int)
            connection = mine[place[here]]
            file = self.structure.mechanism(name).ir.file
            self.ties.at_instances(name, file, times[here], connection, row)
            for reading, due in self.turning.get(name, ()):
                tied = np.intersect1d(times[here][np.isin(connection, reading)], due)
                if len(tied):
                    what = "a Vector is played into what NET_RECEIVE reads"
                    raise CaptureError([tie(what, f"mechanism {name}, {file}", float(tied[0]))])
            out[name] = self._tables(name, connection, times[here], phase[here], row, capacity)
        return out

    def _tables(self, name: str, connection: Array, times: Array, phase: Array, row: Array, capacity: int) -> Arriving:
        shape = _SHAPES.setdefault((self.structure.digest, name), Shapes())
        step, late = np.divmod(phase - 1, 2)
        ids = np.arange(len(connection), dtype=np.int32)
        packed = [in_rounds(pack(step[late == p], ids[late == p], capacity), row[connection]) for p in (0, 1)]
        shape.events = _grown(shape.events, len(ids))
        shape.rounds = _grown(shape.rounds, max(p.shape[1] for p in packed))
        shape.width = _grown(shape.width, max(p.shape[2] for p in packed))
        pad = shape.events - len(ids)
        early, late_ = (_padded(p, shape) for p in packed)
        tables = np.pad(connection, (0, pad)).astype(np.int32), np.pad(times, (0, pad)), early, late_
        return Arriving(*map(jnp.asarray, tables))


def _part(whole: Any, done: int, n: int, capacity: int) -> Any:
    """What Vectors set, or sample, in the next n steps, with room for `capacity`."""

    def padded(x: Any) -> Array:
        return np.pad(np.asarray(x[done : done + n]), ((0, capacity - n), *[(0, 0)] * (x.ndim - 1)))

    return jax.tree.map(padded, whole)


def _grown(size: int, needed: int) -> int:
    while size < needed:
        size *= 4
    return size


def _padded(packed: Array, shape: Shapes) -> Array:
    _, rounds, width = packed.shape
    return np.pad(packed, ((0, 0), (0, shape.rounds - rounds), (0, shape.width - width)), constant_values=-1)
