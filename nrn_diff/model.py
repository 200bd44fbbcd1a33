"""A captured model as a differentiable program."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import cached_property, partial
from os import PathLike
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from nrn_diff import show
from nrn_diff.adjoint import AbstractAdjoint, Forward
from nrn_diff.errors import EventCapacityError, OwnInitError, ParameterError, PrecisionError
from nrn_diff.events.courses import Course
from nrn_diff.events.time_grid import time_grid
from nrn_diff.geometry import Geometry
from nrn_diff.labels import find_record
from nrn_diff.params import Assignment, Param, Parameters, resolve
from nrn_diff.quantities import names
from nrn_diff.recording import Recording
from nrn_diff.snapshot import Capture, EventCapacity
from nrn_diff.solver.build import build_structure, build_values
from nrn_diff.solver.build_events import source_number
from nrn_diff.solver.event_queue import FAILURES, more_room, most_room
from nrn_diff.solver.initialise import after_initial
from nrn_diff.solver.own_start import why_strayed
from nrn_diff.solver.sampled import check_sampled, sample_times, take_sampled
from nrn_diff.solver.simulate import Run, simulate
from nrn_diff.solver.structure import Structure
from nrn_diff.solver.values import Values
from nrn_diff.spike_derivative import NO_DERIVATIVE, AbstractSpikeDerivative

if TYPE_CHECKING:
    from nrn_diff.fitting.density import LogDensity


@dataclasses.dataclass(frozen=True, eq=False)
class Model:
    """What `nrn_diff.capture()` returns: the live NEURON model at the moment of the capture, independent of NEURON.

    Raises PrecisionError where it needs numbers and the process has float64 off.
    """

    capture: Capture

    def __repr__(self) -> str:
        cable, c = self.capture.cable, self.capture
        return (
            f"Model({len(cable.section_names)} sections, {len(cable.segment_node)} segments, "
            f"{', '.join(m.name for m in c.mechanisms)}; {len(c.connections)} connections; "
            f"{len(c.records)} recorded; dt = {c.dt:g} ms, tstop = {c.tstop:g} ms"
            f"{'' if c.own_init is None else f'; init(): {c.own_init}'})"
        )

    def _repr_html_(self) -> str:
        c = self.capture
        rows = [
            ("sections, segments", f"{len(c.cable.section_names)}, {len(c.cable.segment_node)}"),
            *((m.name, f"{len(m.nodes)} instances") for m in c.mechanisms),
            *((f"ion {i.name}", f"{len(i.nodes)} segments") for i in c.ions),
            ("connections", str(len(c.connections))),
            ("recorded", ", ".join(r.label for r in c.records[:8]) + (" ..." if len(c.records) > 8 else "")),
            ("run", f"to {c.tstop:g} ms in steps of {c.dt:g} ms, from {c.v_init:g} mV, at {c.celsius:g} degC"),
            *((("init()", f"the script's own: {c.own_init}"),) if c.own_init is not None else ()),
            ("parameters", ", ".join(self.parameter_names[:30])),
            *(("note", note) for note in c.notes),
        ]
        return show.table(("", ""), rows, "nrn_diff model")

    @cached_property
    def structure(self) -> Structure:
        """What is compiled; equal for captures that differ in numbers only."""
        structure = build_structure(self.capture)
        check_sampled(self.capture, structure.mechanisms)
        return structure

    @cached_property
    def values(self) -> Values:
        """The live numbers, as a pytree."""
        require_float64()
        # The first use may be inside of jit or grad; what is kept must not be a tracer of that.
        with jax.ensure_compile_time_eval():
            return build_values(self.capture, self.structure)

    @property
    def t(self) -> np.ndarray:
        """Times of the samples (ms), [n_samples], bit for bit NEURON's."""
        return self.structure.times

    @property
    def recorded(self) -> tuple[str, ...]:
        """Labels of the recorded quantities."""
        return tuple(dict.fromkeys(r.label for r in self.structure.recorded))

    @property
    def parameter_names(self) -> list[str]:
        """Every name that `parameters` takes."""
        return names(self.capture)

    def parameters(self, *params: str | Param) -> Parameters:
        """The live values of the named quantities: label -> array.

        One value for each segment (point process, section, connection) that has it, in the order of h.allsec(), then of
        segments, unless shared. Raises ParameterError for names, places or sharing that the model does not have.
        """
        require_float64()
        specs = tuple(p if isinstance(p, Param) else Param(p) for p in params)
        labels = [spec.label for spec in specs]
        twice = {label for label in labels if labels.count(label) > 1}
        if twice:
            raise ParameterError(f"two parameters are called {twice.pop()!r}; give one of them another `label`")
        values = self._with_start(self.values, specs)
        return Parameters({spec.label: self._assignment(spec).start(values) for spec in specs}, specs)

    def with_records(self, *labels: str) -> Model:
        """The same model recording other quantities: 'dend[3](0.5).v', 'soma(0.5).hh.m', 'Exp2Syn[0].g'.

        Raises ParameterError for labels that name nothing.
        """
        records = tuple(find_record(self.capture, label) for label in labels)
        return Model(dataclasses.replace(self.capture, records=records))

    def with_event_capacity(self, capacity: EventCapacity) -> Model:
        """The same model with a fixed room for events that depend on the solution: a run that needs more fails."""
        return Model(dataclasses.replace(self.capture, event_capacity=capacity))

    def simulate(
        self,
        theta: Mapping[str, Any] | None = None,
        *,
        adjoint: AbstractAdjoint | None = None,
        spikes: AbstractSpikeDerivative = NO_DERIVATIVE,
    ) -> Recording:
        """Run from t = 0 to tstop with `theta` in place of the captured values. Pure; jit, grad, vmap, jvp apply.

        theta: from `parameters`, or any dict name -> array with one entry for each place (or a scalar for all).
        adjoint: how reverse mode goes back (nrn_diff.adjoint); None: chosen by memory. spikes: what the derivative
        through a spike that a NetCon carries is (nrn_diff.spike_derivative); values do not depend on it. Raises
        ParameterError for unknown names, wrong shapes, and values that are not finite; EventCapacityError where the
        model has more events than there is room for, OwnInitError where the values send the script's own init() another
        way than at the capture (in a traced call the samples are NaN instead, of both). A model whose room
        was not given by `with_event_capacity` is compiled again with more of it first, and keeps that.
        """
        model = self._roomier[-1] if self._roomier else self
        samples, run = model._samples(theta or {}, adjoint, spikes)
        while self.capture.event_capacity == EventCapacity():
            more = more_room(model.capture.event_capacity, _seen(run.failed), most_room(self.structure.queues))
            if more is None:
                break
            model = self.with_event_capacity(more)
            self._roomier.append(model)
            samples, run = model._samples(theta or {}, adjoint, spikes)
        _raise_if_failed(run.failed)
        _raise_if_strayed(self.structure, run.strayed)
        columns, times = {}, {}
        for k, record in enumerate(self.capture.records):
            _, at = sample_times(record, self.structure.dt, self.structure.n_steps)
            if record.kind == "artificial":
                known = self.capture.courses[record.index]
                course, grid = Course(known.times, known.values), time_grid(self.structure.dt, self.structure.n_steps)
                columns[record.label] = jnp.asarray(course.sampled(grid) if record.every_step else course.at(at))
                if not record.every_step:
                    times[record.label] = jnp.asarray(at)
                continue
            if record.every_step:
                columns[record.label] = samples[:, k]
                continue
            times[record.label] = jnp.asarray(at)
            found = at if record.kind == "t" else take_sampled(self.structure, record, k, samples)
            columns[record.label] = jnp.asarray(found)
        crossing = [s for s in self.capture.spikes if s.node >= 0 or s.watched is not None]
        watched = {s.label: run.crossed[:, source_number(self.capture, s)] for s in crossing}
        sent = {s.label: run.sent[s.sender][:, :, s.instance] for s in self.capture.spikes if s.sender}
        given = {s.label: jnp.asarray(self.capture.trains[s.train].times) for s in self.capture.spikes if s.train >= 0}
        return Recording(jnp.asarray(self.t), columns, watched, {**sent, **given}, times)

    def _samples(
        self, theta: Mapping[str, Any], adjoint: AbstractAdjoint | None, spikes: AbstractSpikeDerivative
    ) -> tuple[Any, Run]:
        structure = dataclasses.replace(self.structure, spike_derivative=spikes)

        def numbers(th: Mapping[str, Any]) -> tuple[Any, Run]:
            run = _simulate(structure, self.with_theta(th), adjoint)
            return run.samples, run

        return adjoint.differentiate(numbers, theta) if isinstance(adjoint, Forward) and theta else numbers(theta)

    def with_theta(self, theta: Mapping[str, Any]) -> Values:
        """The model's numbers with theta in place."""
        values, specs = self.values, self._specs(theta)
        # INITIAL depends on everything else: what a run starts from is the last to be replaced.
        late = [(spec, free) for spec, free in specs if self._starts_run(spec)]
        early = [(spec, free) for spec, free in specs if not self._starts_run(spec)]
        for spec, free in early:
            values = self._apply(values, spec, free)
        if any(spec.name in ("L", "diam") for spec, _ in early):
            values = Geometry(self.capture, self.structure).apply(values)
        values = self._with_start(values, tuple(spec for spec, _ in late))
        for spec, free in late:
            values = self._apply(values, spec, free)
        return values

    def write_back(self, theta: Mapping[str, Any]) -> None:
        """Set the values in the live NEURON objects. Raises WriteBackError if the live model is another one."""
        from nrn_diff.bridge.write_back import write_back

        values, new = self.with_theta(theta), {}
        for spec, _ in self._specs(theta):
            new[spec.name] = np.asarray(self._assignment(spec).quantity.read(values))
        write_back(self.capture, new)

    def log_prob(self, theta: Mapping[str, Any], loss: Any, **options: Any) -> LogDensity:
        """The differentiable log-density of the parameters, log p(z | data), for samplers: see LogDensity."""
        from nrn_diff.fitting.density import LogDensity

        return LogDensity(self, theta, loss, **options)

    def save(self, path: str | PathLike[str]) -> None:
        """Write the model to a file: arrays (npz) and JSON, no code."""
        from nrn_diff.io.saved import save

        save(self.capture, path)

    def describe(self) -> str:
        """What decides its runs, as a hash: for checkpoints of fits."""
        from nrn_diff.io.saved import digest

        return digest(self.capture)

    def _specs(self, theta: Mapping[str, Any]) -> list[tuple[Param, Any]]:
        specs = {spec.label: spec for spec in theta.specs} if isinstance(theta, Parameters) else {}
        out = []
        for label, free in theta.items():
            spec = specs.get(label)
            if spec is None:
                spec = Param(label, share="all" if np.ndim(free) == 0 and self._size(label) else None)
            out.append((spec, free))
        return out

    def _apply(self, values: Values, spec: Param, free: Any) -> Values:
        if not isinstance(free, jax.core.Tracer) and not np.all(np.isfinite(free)):
            entry = np.flatnonzero(~np.isfinite(np.ravel(free)))[0]
            raise ParameterError(f"{spec.label!r} is not finite (entry {entry} of {np.size(free)}: NaN or inf)")
        new = self._assignment(spec).apply(values, free)
        if spec.name == "NetCon.delay" and not isinstance(free, jax.core.Tracer):
            same = jax.tree.map(np.array_equal, new.delays, self.values.delays)
            if not all(same.values()):
                raise ParameterError(
                    "NetCon.delay: a run counts delays in steps, which are compiled. Only the derivative at those "
                    "captured can be asked for; to change them set nc.delay in NEURON and capture again"
                )
        return new

    def _starts_run(self, spec: Param) -> bool:
        return self._assignment(spec).quantity.parts[0].path[0] in ("start_v", "start")

    def _with_start(self, values: Values, specs: tuple[Param, ...]) -> Values:
        """`values` with what INITIAL leaves in the places that the specs replace."""
        paths = [self._assignment(spec).quantity.parts[0].path for spec in specs if self._starts_run(spec)]
        if ("start_v",) in paths:
            values = values._replace(start_v=jnp.full(len(self.structure.row_of_node), values.v_init))
        states = [path for path in paths if path[0] == "start"]
        if states:
            now = after_initial(self.structure, values)
            start: dict[str, dict[str, Any]] = {owner: {} for _, owner, _ in states}
            for _, owner, variable in states:
                start[owner][variable] = now.mechanisms[owner][variable]
            values = values._replace(start=start)
        return values

    def _size(self, name: str) -> int:
        return self._assignment(Param(name)).quantity.size

    @cached_property
    def _roomier(self) -> list[Model]:
        """This model with more and more room for events, as runs needed it."""
        return []

    @cached_property
    def _assignments(self) -> dict[Param, Assignment]:
        return {}

    def _assignment(self, spec: Param) -> Assignment:
        if spec not in self._assignments:
            self._assignments[spec] = resolve(self.capture, spec)
        return self._assignments[spec]


def _seen(failed: Mapping[str, Any]) -> int:
    """The codes of all queues together; nothing of it is known in a traced call."""
    codes = [np.asarray(code) for code in failed.values() if not isinstance(code, jax.core.Tracer)]
    return int(np.bitwise_or.reduce([0, *(np.bitwise_or.reduce(code, axis=None) for code in codes)]))


def _raise_if_failed(failed: Mapping[str, Any]) -> None:
    """Raise EventCapacityError if a queue failed; under jit, grad or vmap nothing can be raised: samples are NaN."""
    for name, code in failed.items():
        if not isinstance(code, jax.core.Tracer) and np.any(code):
            reasons = [text for bit, text in FAILURES.items() if np.any(np.asarray(code) & bit)]
            raise EventCapacityError(f"events of {name}: {'; '.join(reasons)}")


def _raise_if_strayed(structure: Structure, strayed: Mapping[int, Any]) -> None:
    """Raise OwnInitError, as `_raise_if_failed` does."""
    for phase, other in strayed.items():
        if not isinstance(other, jax.core.Tracer) and np.any(other):
            raise OwnInitError(f"init() of the script: {why_strayed(structure, phase)}")


@partial(jax.jit, static_argnums=(0, 2))
def _simulate(structure: Structure, values: Values, adjoint: AbstractAdjoint | None) -> Run:
    return simulate(structure, values, adjoint)


def require_float64() -> None:
    """Raise PrecisionError unless JAX computes in float64."""
    if not jax.config.read("jax_enable_x64"):
        raise PrecisionError(
            "JAX is in float32 and NEURON computes in float64. Put `jax.config.update('jax_enable_x64', True)` at the "
            "top of the script (before any JAX array is made), or set the environment variable JAX_ENABLE_X64=1."
        )
