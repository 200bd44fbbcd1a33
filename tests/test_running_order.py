"""Which instance NEURON runs first and last decides what a shared TABLE or GLOBAL holds: that is the order of nodes."""

from pathlib import Path

import pytest
from neuron_process import compile_mods, run_function

FOLDER = Path(__file__).parent / "driven_mods"
POINT = """NEURON { POINT_PROCESS plast NONSPECIFIC_CURRENT i RANGE seen, k GLOBAL left }
PARAMETER { k = 1 }
STATE { m }
ASSIGNED { v i left seen }
BREAKPOINT { SOLVE s METHOD cnexp seen = left i = 0 }
INITIAL { m = 0 left = k seen = left }
DERIVATIVE s { m' = -m left = k*v }
"""


def run(libraries, density, point):
    import jax
    from neuron import h
    from neuron_models import compare_with_neuron

    import nrn_diff

    jax.config.update("jax_enable_x64", True)
    for library in libraries:
        h.nrn_load_dll(library)
    h.load_file("stdrun.hoc")
    far, near, soma, lone = (h.Section(name) for name in ("far", "near", "soma", "lone"))
    far.connect(near(1))
    near.connect(soma(0.3))
    keep = []
    for number, section in enumerate((far, near, soma, lone)):
        section.nseg = 3
        section.insert("pas")
        section.insert(density)
        clamp = h.IClamp(section(0.5))
        clamp.delay, clamp.dur, clamp.amp = 1, 8, 0.1 * number
        keep.append(clamp)
        for segment in section:
            if density == "dfirst":
                segment.dfirst.half -= 3 * number
            keep.append(h.Vector().record(segment._ref_v))
            keep.append(h.Vector().record(getattr(segment, density)._ref_m))
    for number, place in enumerate((soma(0.5), far(0.5), lone(0.9), lone(0.9), near(0))):
        process = getattr(h, point)(place)
        process.k = 1 + number
        keep += [process, h.Vector().record(process._ref_seen)]
    h.tstop = 10
    return compare_with_neuron(nrn_diff.capture(), h)


@pytest.mark.long
@pytest.mark.parametrize("density", ["dfirst", "dlast"])
def test_sections_and_point_processes_made_in_another_order(density):
    libraries = [str(compile_mods({f"{density}.mod": (FOLDER / f"{density}.mod").read_text()}))]
    libraries.append(str(compile_mods({"plast.mod": POINT})))
    result = run_function(run, libraries=libraries, density=density, point="plast")
    assert result["range"] > 1
    assert all(worst < 1e-9 for worst in result["worst"].values())
