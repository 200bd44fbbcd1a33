"""The helper that runs NEURON in a fresh process."""

from __future__ import annotations

import numpy as np
import pytest
from neuron_process import NeuronProcessError, compile_mods, run_function, run_source

LEAK = """
NEURON { SUFFIX %s NONSPECIFIC_CURRENT i RANGE g }
PARAMETER { g = %s }
ASSIGNED { i v }
BREAKPOINT { i = g*v }
"""


def segments(nseg: int) -> dict:
    from neuron import h

    soma = h.Section(name="soma")
    soma.nseg = nseg
    return {"x": np.array([seg.x for seg in soma]), "more": [nseg, {"deep": np.ones((2, 3))}]}


def default_of_g() -> dict:
    from neuron import h

    soma = h.Section(name="soma")
    soma.insert("leakx")
    return {"g": soma(0.5).leakx.g}


def test_a_function_returns_json_and_arrays() -> None:
    out = run_function(segments, nseg=3)
    np.testing.assert_array_equal(out["x"], [1 / 6, 0.5, 5 / 6])
    assert out["more"][0] == 3
    assert out["more"][1]["deep"].shape == (2, 3)


def test_source_sees_its_names_and_fills_out() -> None:
    assert run_source("out['y'] = x * 2", x=21) == {"y": 42}


@pytest.mark.long
def test_each_content_of_a_mod_gets_its_own_library() -> None:
    for value in (0.25, 0.5):
        assert run_function(default_of_g, mods={"leakx.mod": LEAK % ("leakx", value)})["g"] == value
    assert compile_mods({"leakx.mod": LEAK % ("leakx", 0.25)}) != compile_mods({"leakx.mod": LEAK % ("leakx", 0.5)})


def test_a_failing_child_shows_its_output() -> None:
    with pytest.raises(NeuronProcessError, match="here it is"):
        run_source("raise ValueError('here it is')")


def test_a_mod_that_does_not_compile_shows_the_compiler() -> None:
    with pytest.raises(NeuronProcessError, match=r"nrnivmodl failed on bad\.mod"):
        compile_mods({"bad.mod": "NEURON { SUFFIX"})
