"""Models made at random (random_models.py): Model.simulate() and enable() give what NEURON gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from neuron_process import run_function

HERE = Path(__file__).parent
OWN = {
    "halfgap.mod": """
NEURON { POINT_PROCESS HalfGap RANGE g, i POINTER vp NONSPECIFIC_CURRENT i }
PARAMETER { g = 0.001 }
ASSIGNED { v i vp }
BREAKPOINT { i = g*(v - vp) }
""",
    "pcgap.mod": """
NEURON { POINT_PROCESS PcGap RANGE g, i, vgap NONSPECIFIC_CURRENT i }
PARAMETER { g = 0.001 }
ASSIGNED { v i vgap }
BREAKPOINT { i = g*(v - vgap) }
""",
    "elec.mod": """
NEURON { POINT_PROCESS Elec RANGE del, dur, amp, i, f ELECTRODE_CURRENT i }
PARAMETER { del = 1 dur = 3 amp = 0.1 f = 0.3 }
ASSIGNED { i }
INITIAL { i = 0 }
BREAKPOINT { if (t >= del && t < del + dur) { i = amp*sin(2*3.14159265*f*t) } else { i = 0 } }
""",
}


def every_mod() -> dict[str, str]:
    """Mods of the translator's tests, of the events' tests, gap junctions and an electrode."""
    folders = (HERE / "translator_mods", HERE / "event_mods")
    return OWN | {p.name: p.read_text() for folder in folders for p in sorted(folder.glob("*.mod"))}


def runs(seed: int, on: bool) -> dict[str, Any]:
    """Two runs, of which the second is made here if `on`; and what Model.simulate() gives before the first."""
    import jax
    from neuron import h
    from random_models import RandomModel

    import nrn_diff
    from nrn_diff.plugin import runs_made

    jax.config.update("jax_enable_x64", True)
    h.load_file("stdrun.hoc")
    model = RandomModel(h, seed)

    def seen() -> dict[str, np.ndarray]:
        return {vector.hname(): np.array(vector) for vector in model.vectors}

    out: dict[str, Any] = {"what": model.what}
    if on:
        captured = nrn_diff.capture()
        recording = captured.simulate()
        out["first"] = {r.vector: np.asarray(recording[r.label]) for r in captured.capture.records}
        labels: dict[str, list[str]] = {}
        for s in captured.capture.spikes:
            labels.setdefault(s.vector, []).append(s.label)
        for vector, names in labels.items():
            out["first"][vector] = np.sort(np.concatenate([np.asarray(recording.spike_times(n)) for n in names]))
    h.run()
    if on:
        with nrn_diff.enabled():
            h.run()
    else:
        out["first"] = seen()
        h.run()
    out["second"], out["runs"] = seen(), runs_made()
    return out


def compare(mods: Any, seed: int) -> dict[str, Any]:
    theirs, ours = (run_function(runs, mods=mods, seed=seed, on=on) for on in (False, True))
    assert ours["runs"] == 1
    for run in ("first", "second"):
        for name, mine in ours[run].items():
            scale = max(1.0, float(np.abs(theirs[run][name]).max(initial=0.0)))
            assert mine.shape == theirs[run][name].shape, (run, name, ours["what"])
            np.testing.assert_allclose(mine, theirs[run][name], rtol=0, atol=1e-8 * scale, err_msg=f"{run} {name}")
    return ours


@pytest.mark.long
def test_a_model_made_at_random_runs_as_in_neuron() -> None:
    assert len(compare(HERE / "translator_mods", 58)["first"]) == 4


@pytest.mark.slow
@pytest.mark.parametrize("seed", [4, 6, 8, 11, 12, 14, 15, 20, 21, 22, 25, 26, 27, 29, 30, 33, 34])
def test_models_made_at_random_run_as_in_neuron(seed: int) -> None:
    compare(every_mod(), seed)
