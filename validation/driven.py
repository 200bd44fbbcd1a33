"""A driven compartment: one mechanism under currents, voltages, ions and events, in NEURON and here.

Run in a fresh process (`python -m validation.driven JOB.json`): mechanism names collide within one.
"""

from __future__ import annotations

import json
import sys
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mod_translator import ir
from mod_translator.report import Report
from nrn_diff.bridge.catalog import MechanismType, mechanism_types
from nrn_diff.bridge.own_texts import nmodl_text
from validation.compared import compare, gradient, moved_by_a_hair, recorded
from validation.connections import PLAUSIBLE, TSTOP, send_events, set_references

VERSION = 1  # of what is done here; another one makes every result out of date
# Lines of the output between which NEURON runs, for whoever has to stop a run that does not end.
IN_NEURON, OUT_OF_NEURON = "NEURON runs", "NEURON is done"
DT = 0.025
TOLERANCE = 1e-6
TEMPERATURES = (6.3, 18.5, 27.3, 34.0)

_CONCENTRATIONS = {"na": (11.0, 141.0, 52.0), "k": (128.0, 3.1, -88.0), "ca": (1.1e-4, 1.9, 118.0)}
_OTHER_ION = (0.3, 1.7, 17.0)
_START, _LENGTH = ("del", "delay", "start", "onset", "ton", "t0"), ("dur", "duration", "len", "width")


@dataclass(frozen=True)
class Job:
    """libraries are loaded in order; mechanism: the name to examine; celsius (degC).

    apart: what is written through a POINTER is a variable of each instance's own, and no two events have one time.
    """

    mechanism: str
    libraries: tuple[str, ...] = ()
    celsius: float = 18.5
    gradient: bool = True
    apart: bool = False


@dataclass
class Bench:
    """What was built; the objects must stay alive."""

    h: Any
    keep: list[Any] = field(default_factory=list)
    owners: list[Any] = field(default_factory=list)

    def make(self, name: str, *place: Any) -> Any:
        made = getattr(self.h, name)(*place)
        self.keep.append(made)
        return made


def compartments(bench: Bench) -> tuple[Any, Any]:
    """Three segments of different size under current steps; another section under voltage steps."""
    h = bench.h
    free, held = h.Section("free"), h.Section("held")
    free.nseg, free.L, held.L, held.diam = 3, 40, 15, 9
    for section in (free, held):
        section.insert("pas")
        for segment in section:
            segment.pas.g, segment.pas.e = 1e-3, -66
    for segment, diam in zip(free, (8, 12, 6), strict=True):
        segment.diam = diam
    for delay, dur, amp in ((5, 8, 0.6), (15, 6, -0.4), (25, 10, 1.2), (40, 3, 0.3)):
        clamp = bench.make("IClamp", free(0.5))
        clamp.delay, clamp.dur, clamp.amp = delay, dur, amp
    clamp = bench.make("SEClamp", held(0.5))
    clamp.rs, clamp.dur1, clamp.dur2, clamp.dur3 = 0.1, 14, 19, 30
    clamp.amp1, clamp.amp2, clamp.amp3 = -92, 13, -38
    bench.keep += [free, held]
    return free, held


def place(bench: Bench, job: Job, mechanism: ir.Mechanism, free: Any, held: Any) -> None:
    """Put the mechanism where it can be watched: density in every segment, point processes three times."""
    if mechanism.kind is ir.Kind.DENSITY:
        for section in (free, held):
            section.insert(job.mechanism)
        bench.owners += [*free, *held]
    elif mechanism.kind is ir.Kind.POINT:
        bench.owners += [bench.make(job.mechanism, at) for at in (free(0.1), free(0.9), held(0.5))]
    else:
        bench.owners += [bench.make(job.mechanism), bench.make(job.mechanism)]
    for name in drivers(bench.h):
        for section in (free, held):
            section.insert(name)


def drivers(h: Any) -> list[str]:
    """Our own mechanisms that were loaded to move ions."""
    types, name, found = h.MechanismType(0), h.ref(""), []
    for i in range(int(types.count())):
        types.select(i)
        types.selected(name)
        if name[0].startswith(("drvi_", "drvc_")):
            found.append(str(name[0]))
    return found


def set_ions(h: Any, sections: tuple[Any, ...]) -> list[str]:
    """Live concentrations and reversal potentials, different in every segment; returns the species that exist."""
    types, name, species = h.MechanismType(0), h.ref(""), []
    for i in range(int(types.count())):
        types.select(i)
        types.selected(name)
        if types.is_ion() and any(section.has_membrane(name[0]) for section in sections):
            species.append(str(name[0]).removesuffix("_ion"))
    for ion in species:
        inside, outside, erev = _CONCENTRATIONS.get(ion, _OTHER_ION)
        setattr(h, f"{ion}i0_{ion}_ion", inside)
        setattr(h, f"{ion}o0_{ion}_ion", outside)
        for k, segment in enumerate(s for section in sections for s in section):
            if segment.sec.has_membrane(f"{ion}_ion"):
                scale = 1 + 0.03 * k
                for variable, value in ((f"{ion}i", inside), (f"{ion}o", outside), (f"e{ion}", erev)):
                    setattr(segment, variable, value * scale)
                if segment.sec.has_membrane(f"drvc_{ion}"):
                    pool = getattr(segment, f"drvc_{ion}")
                    pool.rest_in, pool.rest_out = inside * scale, outside * scale
    return species


def plausible(name: str, unit: str) -> float:
    """A value for a parameter whose default is 0; 0 if nothing can be said."""
    if unit == "ms" and name.lower().startswith(_START):
        return 6.0
    if unit == "ms" and name.lower().startswith(_LENGTH):
        return 20.0
    return PLAUSIBLE.get(unit.replace(" ", ""), 0.0)


def set_parameters(bench: Bench, job: Job, mechanism: ir.Mechanism) -> None:
    """RANGE parameters a little different at each place; what a file leaves at 0 gets a plausible value."""
    h = bench.h
    for symbol in mechanism.symbols.values():
        if symbol.block != "PARAMETER" or symbol.length or not symbol.visible:
            continue
        if symbol.role is ir.Role.GLOBAL and getattr(h, f"{symbol.name}_{job.mechanism}") == 0:
            setattr(h, f"{symbol.name}_{job.mechanism}", plausible(symbol.name, symbol.unit))
        if symbol.role is not ir.Role.INSTANCE:
            continue
        for k, owner in enumerate(bench.owners):
            hoc_name = symbol.name if mechanism.kind is not ir.Kind.DENSITY else f"{symbol.name}_{job.mechanism}"
            value = float(getattr(owner, hoc_name)) or plausible(symbol.name, symbol.unit)
            counts = value == int(value) and symbol.unit in ("", "1")
            value = value if counts else value * (1 + (0.0, 0.03, -0.02, 0.01)[k % 4])
            if symbol.limits:
                value = min(max(value, symbol.limits[0]), symbol.limits[1])
            setattr(owner, hoc_name, value)


def set_givens(bench: Bench, mechanism: ir.Mechanism) -> None:
    """Values for what a file never assigns and does not declare a PARAMETER: the user is to set it."""
    routines = (*mechanism.routines.values(), *(getattr(mechanism, b) for b in ir.BLOCKS))
    written = {name for routine in routines if routine is not None for name in routine.writes}
    for symbol in mechanism.symbols.values():
        wanted = symbol.block == "ASSIGNED" and symbol.role is ir.Role.INSTANCE and symbol.visible
        if wanted and symbol.name not in written and not symbol.length:
            name = symbol.name if mechanism.kind is not ir.Kind.DENSITY else f"{symbol.name}_{mechanism.name}"
            for k, owner in enumerate(bench.owners):
                if hasattr(owner, name) and getattr(owner, name) == 0:
                    setattr(owner, name, 1 + 0.1 * k)


def watch(
    bench: Bench, kind: MechanismType, mechanism: ir.Mechanism, sections: tuple[Any, ...], species: list[str]
) -> None:
    """Record the voltage, the ions and every variable of the mechanism that can change."""

    def record(reference: Any) -> None:
        bench.keep.append(bench.h.Vector().record(reference))

    record(bench.h._ref_t)
    segments = [s for section in sections for s in section]
    for segment in segments:
        record(segment._ref_v)
        for ion in species:
            if segment.sec.has_membrane(f"{ion}_ion"):
                for name in (f"e{ion}", f"i{ion}", f"{ion}i", f"{ion}o"):
                    record(getattr(segment, f"_ref_{name}"))
    if mechanism.kind is ir.Kind.ARTIFICIAL:
        return
    routines = (mechanism.initial, mechanism.current, mechanism.advance, mechanism.net_receive)
    written = {name for routine in routines if routine is not None for name in routine.writes}
    currents = {current.name for current in mechanism.currents}
    for variable in kind.instance_variables:
        symbol = mechanism.symbols.get(variable.name)
        constant = symbol is not None and symbol.block == "PARAMETER" and variable.name not in written
        copied = symbol is not None and symbol.role is ir.Role.ION and variable.name not in currents
        if constant or copied:
            continue
        for owner in bench.owners:
            reference = getattr(owner, f"_ref_{variable.hoc_name}")
            for i in range(min(variable.length, 12)):
                record(reference[i])
            if not variable.length:
                record(reference)


def load(job: Job) -> tuple[Any, MechanismType]:
    """Load the libraries; what NEURON then knows of the mechanism."""
    from neuron import h

    for library in job.libraries:
        if not h.nrn_load_dll(library):
            raise RuntimeError("NEURON does not load the compiled file")
    h.load_file("stdrun.hoc")
    return h, next(t for t in mechanism_types() if t.name == job.mechanism)


def build(h: Any, job: Job, kind: MechanismType, mechanism: ir.Mechanism) -> Bench:
    """The whole compartment in the live process."""
    bench = Bench(h)
    h.celsius, h.v_init, h.dt, h.tstop, h.steps_per_ms = job.celsius, -65, DT, TSTOP, 1 / DT
    sections = free, held = compartments(bench)
    place(bench, job, mechanism, free, held)
    species = set_ions(h, sections)
    set_parameters(bench, job, mechanism)
    set_givens(bench, mechanism)
    set_references(bench, kind, mechanism, free, apart=job.apart)
    send_events(bench, mechanism, free, apart=job.apart)
    watch(bench, kind, mechanism, sections, species)
    return bench


def reasons(report: Report) -> list[dict[str, Any]]:
    """What a translation refused, for the table: never a line of the file itself."""
    return [{"code": e.code, "line": e.line, "reason": e.reason} for e in report.errors]


def examine(job: Job) -> dict[str, Any]:
    """The verdict on one mechanism, in this process."""
    import mod_translator
    import nrn_diff

    stage = "NEURON fails"
    try:
        h, kind = load(job)
        mechanism, report = mod_translator.lower(nmodl_text(kind), file=kind.file)
        if mechanism is None:
            return {"verdict": "refused", "stage": "translation", "reasons": reasons(report)}
        bench = build(h, job, kind, mechanism)
        stage = "error"
        model = nrn_diff.capture()
        stage = "NEURON fails"
        print(IN_NEURON, flush=True)
        bench.h.run()
        print(OUT_OF_NEURON, flush=True)
        stage = "error"
        outcome = compare(model, model.simulate(), recorded(bench.h), mechanism)
        outcome["verdict"] = "same" if outcome["relative"] <= TOLERANCE else "differs"
        if outcome["verdict"] == "differs":
            outcome["by_a_hair"] = moved_by_a_hair(model, bench.h, mechanism)
        if job.gradient and outcome["finite"]:
            stage = "gradient"
            outcome["gradient"] = gradient(model, mechanism)
    except nrn_diff.CaptureError as error:
        found = [{"code": "", "line": 0, "reason": f"{r.what}: {r.why}".splitlines()[0]} for r in error.refusals]
        return {"verdict": "refused", "stage": "capture", "reasons": found}
    except nrn_diff.EventCapacityError as error:
        return {"verdict": "refused", "stage": "run", "reasons": [{"code": "", "line": 0, "reason": str(error)}]}
    except Exception as error:
        traceback.print_exc()
        text = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"[:300]
        if stage != "gradient":
            return {"verdict": stage, "reasons": [{"code": "", "line": 0, "reason": text}]}
        outcome["gradient"] = text
    return outcome


def main(path: str) -> None:
    """Examine the job in the JSON file at `path`; the last line of the output is the outcome."""
    import jax

    jax.config.update("jax_enable_x64", True)
    given = json.loads(Path(path).read_text())
    start = time.perf_counter()
    outcome = examine(Job(**{**given, "libraries": tuple(given["libraries"])}))
    print("\n" + json.dumps({**outcome, "seconds": round(time.perf_counter() - start, 1)}))


if __name__ == "__main__":
    main(sys.argv[1])
