"""Gradients with respect to everything that changes the voltages of published cells, and NEURON's own differences.

python -m validation.gradients.run [CASE]
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from validation.measure import write_document

FOLDER = Path(__file__).parent
# Of the factor that scales a parameter; the next one where the differences are not certain to that part.
_STEPS, _CERTAIN = (1e-3, 1e-4, 1e-2, 1e-5), 1e-6


def _allen(h: Any) -> tuple[Any, str]:
    from nrn_diff.bridge.compile import compile_mods
    from validation.allen import cells

    h.nrn_load_dll(str(compile_mods(cells.mod_folder())))
    keep = cells.build(h, "PV1")
    h.tstop = 40
    return keep, "soma[0](0.5).v"


def _fibre(h: Any, name: str) -> tuple[Any, str]:
    from nrn_diff.bridge.compile import compile_mods
    from validation.pyfibers import fibers

    h.nrn_load_dll(str(compile_mods(fibers.mod_folder())))
    keep = fibers.build(h, name)
    h.tstop = 2.5
    return keep, ""


def _hnn(h: Any) -> tuple[Any, str]:
    from validation.hnn import run as hnn

    hnn._import()
    h.load_file("stdrun.hoc")
    cell = hnn._cell()
    drive = h.NetStim()
    drive.start, drive.number, drive.noise = 10.0, 1, 0
    wires = [h.NetCon(drive, synapse, 0, 0.1, 0.002) for synapse in cell._nrn_synapses.values()]
    h.dt, h.steps_per_ms, h.tstop, h.v_init, h.celsius = 0.025, 40, 25.0, -65.0, 37.0
    return (cell, drive, wires), ""


@dataclass(frozen=True)
class Case:
    """build: the model in the live process -> (what must stay alive, the voltage that the loss is of). names: what is
    compared.
    """

    build: Callable[[Any], tuple[Any, str]]
    names: tuple[str, ...]


_OF_MRG = (
    "gnabar_axnode_myel", "amC_axnode_myel", "ek_axnode_myel", "g_pas", "cm", "Ra", "L", "diam", "celsius", "v_init",
)  # fmt: skip
CASES = {
    "Allen Pvalb (bmtk), current step": Case(
        _allen,
        (
            "gbar_NaV", "alpha_NaV", "gbar_Kv3_1", "g_pas", "e_pas", "ek", "ena", "cao0_ca_ion",
            "decay_CaDynamics", "gamma_CaDynamics", "Ra", "cm", "L", "celsius", "v_init", "IClamp.amp",
        ),
    ),
    "MRG 10 um (pyfibers), current into a node": Case(
        lambda h: _fibre(h, "MRG 10 um, current into a node"), (*_OF_MRG, "IClamp.amp", "xraxial[0]", "xg[0]", "xc[0]")
    ),
    "MRG 10 um (pyfibers), electrode": Case(
        lambda h: _fibre(h, "MRG 10 um, field"), ("e_extracellular", "gnabar_axnode_myel")
    ),
    "layer 5 pyramidal cell (hnn-core)": Case(
        _hnn,
        (
            "gnabar_hh2", "gkbar_hh2", "gbar_ca", "gbar_ar", "taur_cad", "el_hh2", "ena", "depth_cad",
            "Ra", "cm", "celsius", "v_init", "IClamp.amp", "NetCon.weight", "Exp2Syn.tau1", "Exp2Syn.tau2", "Exp2Syn.e",
        ),
    ),
}  # fmt: skip


def one(name: str) -> dict[str, Any]:
    """Every parameter of a case, scaled as a whole: here, in NEURON, and how far NEURON's difference can be trusted."""
    import jax
    from neuron import h

    import nrn_diff
    from nrn_diff.bridge.catalog import mechanism_types
    from nrn_diff.richardson import derivative

    jax.config.update("jax_enable_x64", True)
    keep, label = CASES[name].build(h)
    # Through a TABLE NEURON is not smooth, and its differences have no limit.
    for kind in mechanism_types():
        if getattr(h, f"usetable_{kind.name}", 0):
            setattr(h, f"usetable_{kind.name}", 0)
    model = nrn_diff.capture()
    label = label or next(r.label for r in model.capture.records if r.kind == "v")
    params = [nrn_diff.Param(n, share="all", relative=True, label=n) for n in CASES[name].names]
    theta = model.parameters(*params)

    def loss(th: Any) -> Any:
        return ((model.simulate(th)[label] / 100.0) ** 2).mean()

    ours = {k: float(x) for k, x in jax.device_get(jax.jit(jax.grad(loss))(theta)).items()}
    record = next(r for r in model.capture.records if r.label == label)
    vector = next(v for v in h.List("Vector") if v.hname() == record.vector)

    def neuron(parameter: str, scale: float) -> float:
        model.write_back(theta.replace(**{parameter: scale}))
        h.run()
        return float(((np.array(vector) / 100.0) ** 2).mean())

    rows = {}
    for parameter, slope in ours.items():
        f = partial(neuron, parameter)
        value, uncertain = np.nan, np.inf
        for step in _STEPS:
            value, uncertain = min(
                (value, uncertain), derivative(f, 1.0, step, restarts=0, rows=3), key=lambda pair: pair[1]
            )
            if uncertain <= _CERTAIN * abs(value):
                break
        rows[parameter] = {"ours": slope, "neuron": value, "uncertain": uncertain}
        print(f"{parameter:20s} {slope: .9e} {value: .9e} {uncertain:.1e}", file=sys.stderr, flush=True)
    voltages = np.array(vector)
    del keep
    return {
        "segments": len(model.capture.cable.segment_node),
        "recorded": label,
        "spikes": int(np.sum((voltages[1:] > -20) & (voltages[:-1] <= -20))),
        "rows": rows,
    }


def main() -> None:
    """All cases, each in a fresh process, or the one that is named."""
    if len(sys.argv) > 1:
        print(json.dumps(one(sys.argv[1])))
        return
    cases = {}
    for name in CASES:
        command = [sys.executable, "-m", "validation.gradients.run", name]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"{name} ended with status {done.returncode}:\n{done.stderr[-3000:]}")
        cases[name] = json.loads(done.stdout.splitlines()[-1])
        print(f"{name}: {len(cases[name]['rows'])} parameters", flush=True)
        write_document(FOLDER, {"slopes": cases})


if __name__ == "__main__":
    main()
