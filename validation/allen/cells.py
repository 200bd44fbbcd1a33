"""Perisomatic cells of the Allen cell-types database (Gouwens et al. 2018), built as bmtk's BioNet builds them.

Nothing of bmtk is copied: morphologies, mods and fitted values are read from the installed package.
"""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

CELLS = {
    "Scnn1a": ("Scnn1a_473845048_m.swc", "472363762_fit.json"),
    "Rorb": ("Rorb_325404214_m.swc", "473863510_fit.json"),
    "Nr5a1": ("Nr5a1_471087815_m.swc", "473863035_fit.json"),
    "PV1": ("Pvalb_470522102_m.swc", "472912177_fit.json"),
    "PV2": ("Pvalb_469628681_m.swc", "473862421_fit.json"),
}


def components() -> Path:
    """Folder of bmtk's model components. Raises ModuleNotFoundError without bmtk."""
    spec = importlib.util.find_spec("bmtk")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("bmtk is not installed: pip install 'nrn-diff[models]'")
    return Path(spec.origin).parent / "utils" / "scripts" / "bionet"


def mod_folder() -> Path:
    """Folder of the mod files."""
    return components() / "mechanisms" / "modfiles"


def build(h: Any, name: str, *, amplitude: float = 0.3) -> list[Any]:
    """The cell in the live process, with a current step into the soma; returns what must stay alive.

    h: NEURON with the mods loaded. amplitude: nA.
    """
    morphology, fit = CELLS[name]
    parameters = json.loads((components() / "biophysical_neuron_models" / fit).read_text())
    h.load_file("stdrun.hoc")
    h.load_file("import3d.hoc")
    h("objref cell_sections\n{create soma[1]}\n")
    for section in list(h.allsec()):
        h.delete_section(sec=section)
    reader = h.Import3d_SWC_read()
    reader.quiet = 1
    reader.input(str(components() / "morphologies" / morphology))
    h.Import3d_GUI(reader, 0).instantiate(None)
    _replace_axon(h)
    for section in h.allsec():
        section.nseg = 1 + 2 * int(section.L / 40)
    _insert(h, parameters)
    clamp = h.IClamp(h.soma[0](0.5))
    clamp.delay, clamp.dur, clamp.amp = 20, 150, amplitude
    vectors = [h.Vector().record(h._ref_t), h.Vector().record(h.soma[0](0.5)._ref_v)]
    vectors += [h.Vector().record(h.soma[0](0.5)._ref_cai)]
    vectors.append(h.Vector().record(list(h.allsec())[-1](0.5)._ref_v))
    conditions = parameters["conditions"][0]
    h.celsius, h.v_init = conditions["celsius"], conditions["v_init"]
    h.dt, h.steps_per_ms, h.tstop = 0.025, 40, 200
    return [clamp, vectors]


def _replace_axon(h: Any) -> None:
    """Two sections of 30 um in the place of the reconstructed axon (fix_axon_peri in bmtk)."""
    for section in list(h.axon):
        h.delete_section(sec=section)
    h.execute("create axon[2]")
    for section in h.axon:
        section.L, section.diam = 30, 1
    h.axon[0].connect(h.soma[0](0.5), 0)
    h.axon[1].connect(h.axon[0](1), 0)
    h.define_shape()


def _insert(h: Any, parameters: dict[str, Any]) -> None:
    def kind(section: Any) -> str:
        return str(section.name()).split("[", maxsplit=1)[0]

    passive = parameters["passive"][0]
    for section in h.allsec():
        section.Ra = passive["ra"]
        section.insert("pas")
        for capacitance in passive["cm"]:
            if capacitance["section"] == kind(section):
                section.cm = capacitance["cm"]
        for segment in section:
            segment.pas.e = passive["e_pas"]
    for entry in parameters["genome"]:
        for section in h.allsec():
            if kind(section) == entry["section"]:
                if entry["mechanism"]:
                    section.insert(entry["mechanism"])
                setattr(section, entry["name"], float(entry["value"]))
    for reversal in parameters["conditions"][0]["erev"]:
        for section in h.allsec():
            if kind(section) == reversal["section"]:
                section.ena, section.ek = reversal["ena"], reversal["ek"]
