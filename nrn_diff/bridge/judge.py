"""NEURON as the judge: its own run of a captured model, and how far another run is from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from neuron import h

from mod_translator import ir
from nrn_diff.errors import NrnDiffError
from nrn_diff.snapshot import Capture

Array = np.ndarray


class JudgeError(NrnDiffError):
    """NEURON's own run cannot be compared with."""


@dataclass(frozen=True)
class Difference:
    """How far one recorded quantity is from NEURON's.

    worst: largest absolute difference, in the unit of the quantity. at: when (ms). span: largest minus smallest value
    in NEURON. unit: '' where it is not known.
    """

    label: str
    worst: float
    at: float
    span: float
    unit: str

    def within(self, tolerance: float) -> bool:
        """Voltages (mV) to `tolerance`, anything else to `tolerance` of its range (or of 1, if it stays constant)."""
        scale = 1.0 if self.unit == "mV" or self.span == 0.0 else self.span
        return self.worst <= tolerance * scale


def neuron_traces(capture: Capture) -> dict[str, Array]:
    """Run the live model by h.run() and return what the user's Vectors hold: label -> [n_samples].

    Spike Vectors: label -> times (ms). Raises JudgeError if a Vector is gone or NEURON's run fails.
    """
    before, h.tstop = h.tstop, capture.tstop
    try:
        h.run()
    except RuntimeError as error:
        raise JudgeError(f"NEURON's own run fails: {error}") from error
    finally:
        h.tstop = before
    vectors = {vector.hname(): vector for vector in h.List("Vector")}
    # Of a Vector that several sources share, NEURON does not say here which time is whose.
    shared = [s.vector for s in capture.spikes]
    alone = {s.label: s.vector for s in capture.spikes if shared.count(s.vector) == 1}
    wanted = {r.label: r.vector for r in capture.records} | alone
    gone = [label for label, name in wanted.items() if name not in vectors]
    if gone:
        raise JudgeError(f"the Vector that recorded {gone[0]} no longer exists. Keep a reference to it in your script.")
    return {label: np.array(vectors[name]) for label, name in wanted.items()}


def differences(capture: Capture, theirs: Mapping[str, Array], ours: Mapping[str, Array], t: Array) -> list[Difference]:
    """Compare what `neuron_traces` gave label by label; t [n_samples] (ms). Not finite on one side: infinite.

    Raises JudgeError for traces of different length.
    """
    found, unit = [], units(capture)
    for label, reference in theirs.items():
        other = np.asarray(ours[label], float)
        if other.shape != reference.shape:
            raise JudgeError(f"{label}: NEURON has {len(reference)} samples, this run {len(other)}")
        if not len(reference):
            found.append(Difference(label, 0.0, 0.0, 0.0, unit[label]))
            continue
        off = np.abs(other - reference)
        off[~np.isfinite(off)] = np.inf
        k = int(np.argmax(off))
        at = float(t[k]) if len(reference) == len(t) else float(reference[k])
        found.append(Difference(label, float(off[k]), at, float(np.ptp(reference)), unit[label]))
    return found


def units(capture: Capture) -> dict[str, str]:
    """The unit of each recorded quantity, '' where NEURON knows none."""
    plain = {"circuit": "", "t": "ms", "v": "mV", "vext": "mV", "e_extracellular": "mV"}
    own = {"inside": "mM", "outside": "mM", "erev": "mV", "current": "mA/cm2"}
    own |= {"i_membrane": "mA/cm2", "i_cap": "mA/cm2", "i_membrane_": "nA"}
    found = {s.label: "ms" for s in capture.spikes}
    points = {data.name for data in capture.mechanisms if data.ir.kind is ir.Kind.POINT}
    for r in capture.records:
        if r.kind == "mechanism":
            name = f"{r.owner}.{r.variable}" if r.owner in points else f"{r.variable}_{r.owner}"
            found[r.label] = str(h.units(name))
        else:
            found[r.label] = plain[r.kind] if r.kind in plain else own[r.variable]
    return found
