"""Small mod files, each with a property of its own, run by NEURON and by the translation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from neuron_process import run_function

MODS = Path(__file__).parent / "translator_mods"

# mechanism -> what is recorded from it besides the voltage
VARIABLES = {
    "tgate": ["m", "h", "s", "minf"],
    "tstiff": ["free", "bound", "open", "occupied"],
    "tfall": ["c", "p"],
    "tquad": ["x", "u", "z"],
    "teuler": ["x", "u"],
    "ttable": ["m", "h"],
    "told": ["m", "n"],
    "tcapool": ["drive"],
    "tcaghk": ["m", "calls"],
    "tvcopy": ["m"],
    "thint": ["m", "g"],
    "tcarry": ["w", "peak", "seen"],
    "thostile": ["elif", "yield", "pow_"],
    "ttimed": ["x", "out", "count"],
    "tkin": ["c1", "c2", "o", "i1", "net"],
    "tkinfree": ["c", "o", "blocked", "other"],
    "tbuffer": ["ica_pump", "total", "pump", "pumpca"],
    "tdimer": ["m", "d", "open"],
    "tlinear": ["x", "u", "w"],
    "tmainen": ["n"],
    "texits": ["level"],
    "tmisc": ["m", "floor_", "hits", "nothing"],
    "tfrozen": ["p0", "p1", "c", "o", "bound"],
}


def build(name):
    """Two cells of different size with the mechanism, driven hard enough that every branch is taken."""
    from neuron import h

    sections, vectors = [], {}
    for number, (diameter, amplitude) in enumerate(((20.0, 0.2), (35.0, 0.35))):
        cell = h.Section(name=f"cell{number}")
        cell.L = cell.diam = diameter
        cell.insert("pas")
        cell.insert(name)
        if name in ("tcapool", "tbuffer"):
            cell.insert("tcaghk")
        if name == "texits":
            cell.insert("tidle")
        clamp = h.IClamp(cell(0.5))
        clamp.dur, clamp.amp = 8.0, amplitude
        setattr(clamp, "delay" if hasattr(clamp, "delay") else "del", 2.0)
        sections += [cell, clamp]
        segment = cell(0.5)
        vectors[f"cell{number}(0.5).v"] = h.Vector().record(segment._ref_v)
        if name == "texits":
            vectors[f"cell{number}(0.5).ekx"] = h.Vector().record(segment._ref_ekx)
        for variable in VARIABLES[name]:
            reference = getattr(getattr(segment, name), f"_ref_{variable}")
            vectors[f"cell{number}(0.5).{name}.{variable}"] = h.Vector().record(reference)
        if name in ("tcapool", "tbuffer"):
            vectors[f"cell{number}(0.5).cai"] = h.Vector().record(segment._ref_cai)
    return sections, vectors


def compare(names):
    """Worst relative difference of every recorded quantity, and the range of the voltage."""
    import jax
    from neuron import h

    import nrn_diff

    jax.config.update("jax_enable_x64", True)
    h.load_file("stdrun.hoc")
    h.celsius, h.tstop, h.dt = 11.0, 20.0, 0.025
    out = {}
    for name in names:
        sections, vectors = build(name)
        h.t = 0.0  # these cells are new: no run has left anything in them
        model = nrn_diff.capture()  # before the run: what INITIAL does not set starts from what it is now
        h.run()
        want = {label: np.array(vector) for label, vector in vectors.items()}
        got = model.simulate(model.parameters())
        error = {k: np.abs(np.asarray(got[k]) - w).max() / max(np.abs(w).max(), 1e-30) for k, w in want.items()}
        out[name] = {"error": error, "swing": float(np.ptp(want["cell0(0.5).v"]))}
        del sections, vectors
    return out


@pytest.mark.slow
def test_every_property_agrees_with_neuron_to_rounding():
    out = run_function(compare, mods=MODS, names=list(VARIABLES))
    for name, found in out.items():
        assert found["swing"] > 5.0, name
        for label, error in found["error"].items():
            assert error < 1e-9, (name, label, error)
