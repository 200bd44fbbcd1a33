"""Loops, switch, jumps and expressions with effects in VERBATIM agree with NEURON, which compiles the C."""

from __future__ import annotations

import numpy as np
import pytest
from neuron_process import run_function

from mod_translator import check

VFLOW = """
NEURON { SUFFIX vflow NONSPECIFIC_CURRENT i USEION ca READ cai, cao WRITE ica RANGE g, out, acc }
PARAMETER { g = 1e-4 }
ASSIGNED { v i ica cai cao out[8] acc[3] }
INITIAL { FROM k = 0 TO 7 { out[k] = 0 } acc[0] = 0 acc[1] = 0 acc[2] = 0 }
BREAKPOINT {
    work(v)
    count(v)
    ica = flux(v, cai)
    i = g*(v + 70) + 1e-6*(out[0] + out[1] + kind(v) + last(v))
}
PROCEDURE work(x) {
VERBATIM
    int k, n = (int)fabs(_lx/10), hits = 0;
    double s = 0, w;
    switch (n % 5) {
    case 0: s += 1; break;
    case 1: s += 2; /* goes on */
    case 2: { s += 4; if (_lx > -55) break; s += 8; }
    default: s += 16; break;
    case 4: for (k = 0; k < 9; k++) { if (k == n) continue; if (k > n + 2) break; s += k; }
    }
    out[0] = s;
    k = 0;
    while (k < n) { if (k++ == 3) continue; if (k > 5) break; s *= 1.5; }
    out[1] = s + k;
    do { k--; s /= 2; } while (k > 1 && s > 1e-3);
    out[2] = s - k;
    for (k = n, w = 1; k > 0; k -= 2, w *= 2) { s += w; out[k % 8] += 1e-3*k; }
    if ((w = s - 20) > 0 && (hits = (int)w) > 2 || _lx > 30) hits += 100;
    out[3] = hits + w;
    s = (hits++, _lx) + --n;
    out[4] = s + hits*n;
    out[5] = out[n > 7 ? 7 : n < 0 ? 0 : n] ? k : -k;
ENDVERBATIM
}
PROCEDURE count(x) {
VERBATIM
    int k;
    for (k = 0; k < 3; k++) {
        double part = _lx + 15*k;
        if (part < -60) continue;
        if (part > 0) break;
        acc[k] += part;
    }
    out[6] = k;
    for (k = 0; k < 5; ++k) { if (_lx < -20*k) { out[7] = k; return 0; } }
    out[7] = -1;
ENDVERBATIM
}
FUNCTION kind(x) {
VERBATIM
    int k;
    { if (_lx > 20) { if (_lx > 25) return 5; acc[1] += 1; } }
    for (k = 3; k >= 0; k--) { if (_lx < -10 - 20*k) { return k + 0.5; } }
    return 9;
ENDVERBATIM
}
FUNCTION last(x) { LOCAL j
    FROM j = 0 TO 2 {
VERBATIM
        switch (_lj) {
        case 1: acc[2] = _lx; if (_lx > -30) { acc[2] = 7; break; } acc[2] += _lj; default: _llast = _lj; }
ENDVERBATIM
    }
}
FUNCTION flux(x, cai) {
VERBATIM
    cai = _ion_cai;
    _lflux = 1e-6*nrn_ghk(_lx, cai, cao, 2.0);
ENDVERBATIM
}
"""
VTABLE = """
NEURON { SUFFIX vtable NONSPECIFIC_CURRENT i RANGE m }
STATE { m }
ASSIGNED { v i inf tau }
INITIAL { rates(v) if (usetable == 0) { m = 2*inf } else { m = 3*inf } }
BREAKPOINT { SOLVE s METHOD cnexp i = 1e-4*m*(v + 65 + usetable) }
DERIVATIVE s { rates(v) m' = (inf - m)/tau }
PROCEDURE rates(x) { TABLE inf, tau FROM -100 TO 100 WITH 50 inf = 1/(1 + exp(-x/9)) tau = 1 + exp(x/40) }
"""


def flow():
    """Worst difference of what both mechanisms leave in every step, with usetable 1 and 0, and ranges."""
    import jax
    from neuron import h

    import nrn_diff

    jax.config.update("jax_enable_x64", True)
    h.load_file("stdrun.hoc")
    h.tstop, h.dt = 12.0, 0.05
    cell = h.Section(name="cell")
    cell.L = cell.diam = 20.0
    for name in ("pas", "vflow", "vtable"):
        cell.insert(name)
    clamp = h.IClamp(cell(0.5))
    clamp.delay, clamp.dur, clamp.amp = 1.0, 6.0, 1.4
    segment = cell(0.5)
    vectors = {"cell(0.5).v": h.Vector().record(segment._ref_v), "cell(0.5).ica": h.Vector().record(segment._ref_ica)}
    vectors["cell(0.5).vtable.m"] = h.Vector().record(segment.vtable._ref_m)
    for name, size in (("out", 8), ("acc", 3)):
        for k in range(size):
            vectors[f"cell(0.5).vflow.{name}[{k}]"] = h.Vector().record(getattr(segment.vflow, f"_ref_{name}")[k])
    found = []
    for use in (1, 0):
        h.usetable_vtable = use
        h.t = 0.0
        model = nrn_diff.capture()
        h.run()
        got = model.simulate(model.parameters())
        want = {label: np.array(vector) for label, vector in vectors.items()}
        found.append({k: (float(np.abs(np.asarray(got[k]) - w).max()), float(np.ptp(w))) for k, w in want.items()})
    try:
        model.parameters("usetable_vtable")
    except nrn_diff.NrnDiffError as error:
        refused = str(error)
    return found, refused


@pytest.mark.long
def test_flow_of_c_agrees_with_neuron():
    found, refused = run_function(flow, mods={"vflow.mod": VFLOW, "vtable.mod": VTABLE})
    for values in found:
        assert values["cell(0.5).v"][1] > 60
        for label, (error, extent) in values.items():
            assert error < 1e-9 * max(extent, 1), label
            assert extent > 0, label
    assert "usetable" in refused


def test_usetable_is_read_only_where_there_is_a_table():
    assert check(VTABLE).ok
    without = VTABLE.replace("TABLE inf, tau FROM -100 TO 100 WITH 50", "")
    for text in (without, VTABLE.replace("INITIAL { ", "INITIAL { usetable = 0 ")):
        assert {e.code for e in check(text).errors} == {"S133"}
