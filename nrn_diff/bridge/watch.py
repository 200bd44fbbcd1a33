"""What a script records, whoever makes the steps: labels are found at each finitialize, values at the end."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from neuron import h

from nrn_diff.bridge.callbacks import recorded_now
from nrn_diff.bridge.findings import Findings
from nrn_diff.bridge.forked import ChildFailedError
from nrn_diff.bridge.inventory import hoc_objects, take_inventory
from nrn_diff.bridge.records import find_records

_MOST_LOOKS = 20  # at which Vectors are looked at: scripts may run many thousand times


@dataclass(frozen=True)
class Trace:
    """A Vector that records: its label, unit and values."""

    label: str
    unit: str
    values: np.ndarray


@dataclass
class Watch:
    """Keeps every Vector that records alive, and knows what it records.

    dt, tstop (ms): forced on each run, with the fixed step; None: the script's own. A script that records no voltage
    gets that of its soma (or its first section) and the spikes there. sections: the voltage in so many sections more,
    spread over the model. adds: whether it may record on its own; else only what the script records is seen. variable:
    if not 0, the run is one of the variable step, with this absolute tolerance, and only voltages are kept, each dt.
    """

    dt: float | None = None
    tstop: float | None = None
    sections: int = 0
    adds: bool = True
    variable: float = 0.0
    _vectors: dict[str, tuple[Any, str, str]] = field(default_factory=dict)
    _handlers: list[Any] = field(default_factory=list)
    _own: list[Any] = field(default_factory=list)
    _sampled: dict[str, Any] = field(default_factory=dict)
    looks: int = 0
    _seen: tuple[object, ...] = ()
    _looking: bool = False

    def start(self) -> None:
        """From now on."""
        self._handlers = [h.FInitializeHandler(3, self._before), h.FInitializeHandler(2, self._after)]

    def stop(self) -> None:
        """Leave further runs alone."""
        self._handlers = []

    def _before(self) -> None:
        if self._looking:
            return
        if self.dt is not None:
            h.CVode().active(0)
            h.dt = self.dt
            for name, value in (("using_cvode_", 0), ("steps_per_ms", 1 / self.dt), ("nstep_steprun", 1)):
                if hasattr(h, name):
                    setattr(h, name, value)
        if self.tstop is not None and hasattr(h, "tstop"):
            h.tstop = self.tstop
        if self.adds and not self.looks and not self._own and list(h.allsec()):
            if not any(label.endswith(".v") for _, label, _ in self._found()):
                self._record_soma()
            self._own += [h.Vector().record(section(0.5)._ref_v) for section in self._spread()]
        self._look()
        if self.variable:
            self._step_variably()

    def _step_variably(self) -> None:
        self._looking = True
        try:
            places = _voltages()
        finally:
            self._looking = False
        for label, segment in places.items():
            self._sampled.setdefault(label, h.Vector().record(segment._ref_v, self.dt))
        h.CVode().active(1)
        h.CVode().atol(self.variable)
        if hasattr(h, "using_cvode_"):
            h.using_cvode_ = 1

    def _record_soma(self) -> None:
        sections = list(h.allsec())
        soma = next((s for s in sections if "soma" in s.name().lower()), sections[0])
        spikes = h.Vector()
        netcon = h.NetCon(soma(0.5)._ref_v, None, sec=soma)
        netcon.record(spikes)
        self._own = [h.Vector().record(soma(0.5)._ref_v), spikes, netcon]

    def _spread(self) -> list[Any]:
        sections = list(h.allsec())
        at = np.linspace(0, len(sections) - 1, self.sections).round().astype(int)
        return [sections[k] for k in np.unique(at)]

    def _found(self) -> list[tuple[Any, str, str]]:
        """(Vector, label, unit) of all that record now."""
        self._looking = True  # copies of NEURON may be initialised, which comes here again
        try:
            return _all_that_record()
        finally:
            self._looking = False

    def _after(self) -> None:
        if not self._looking and recorded_now() != self._seen:  # a handler of the user's own has set up more
            with contextlib.suppress(ChildFailedError):  # NEURON's structure is frozen within finitialize
                self._look()

    def _look(self) -> None:
        if self.looks >= _MOST_LOOKS or self._looking or not list(h.allsec()):
            return
        self.looks += 1
        self._seen = recorded_now()
        for vector, label, unit in self._found():
            self._vectors.setdefault(vector.hname(), (vector, label, unit))

    def traces(self) -> list[Trace]:
        """What every Vector holds now; labels are unique."""
        if self.variable:
            return [Trace(label, "mV", np.array(vector)) for label, vector in self._sampled.items()]
        seen: dict[str, int] = {}
        out = []
        for vector, label, unit in self._vectors.values():
            seen[label] = seen.get(label, 0) + 1
            name = label if seen[label] == 1 else f"{label} ({seen[label]})"
            out.append(Trace(name, unit, np.array(vector)))
        return out


def _voltages() -> dict[str, Any]:
    """The segments whose voltage is recorded, by the first label of each."""
    found: dict[str, Any] = {}
    nodes: set[int] = set()
    inventory = take_inventory(Findings())
    for r in find_records(inventory, Findings()) if inventory is not None else ():
        if r.kind == "v" and inventory is not None and r.index not in nodes:
            nodes.add(r.index)
            section, x = inventory.topology.node_place(r.index)
            found.setdefault(r.label, section(x))
    return found


def _all_that_record() -> list[tuple[Any, str, str]]:
    vectors = {v.hname(): v for v in hoc_objects("Vector")}
    found: list[tuple[Any, str, str]] = []
    inventory = take_inventory(Findings())
    for r in find_records(inventory, Findings()) if inventory is not None else ():
        unit = {"t": "ms", "v": "mV", "vext": "mV"}.get(r.kind, "mV" if r.variable == "erev" else "")
        found.append((vectors[r.vector], r.label, unit))
    for netcon in hoc_objects("NetCon"):
        vector, segment, cell = netcon.get_recordvec(), netcon.preseg(), netcon.pre()
        if vector is not None and vector.hname() in vectors:
            source = f"{cell} spikes"
            if segment is not None and inventory is not None:
                source = f"{inventory.topology.place(segment.sec, segment.x)}.v > {netcon.threshold:g}"
            found.append((vector, source, "ms"))
    return found
