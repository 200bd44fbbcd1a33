"""HOC variables of a model that have the names of h's own methods."""

from neuron_process import run_source

REF = """
from neuron import h
from nrn_diff.bridge import capture_snapshot
h('create soma')
h.soma.insert("hh")
h('ref = 3')  # ModelDB 118098: from here on h.ref is a number
try:
    h.ref("")
    out["hidden"] = False
except TypeError:
    out["hidden"] = True
h.finitialize(-65)
out["mechanisms"] = [m.name for m in capture_snapshot(tstop=1.0).mechanisms]
out["ref"] = h.ref
"""


def test_a_variable_named_ref_hides_nothing():
    out = run_source(REF)
    assert out["hidden"]
    assert out["mechanisms"] == ["hh"]
    assert out["ref"] == 3.0
