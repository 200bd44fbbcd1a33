"""Fibres of pyfibers (wmglab, Duke University), built by pyfibers itself.

Nothing of pyfibers is copied (its licence is for non-commercial use): models and mods are read from the installed
package. pyfibers steps NEURON from Python and rewrites e_extracellular before each step; here the same fibre makes the
run of h.run(), from finitialize at the fibre's resting potential.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np

# (fibre, diameter in um, number of nodes or sections, stimulus, its amplitude): nA into the middle ("inside", by
# NEURON's IClamp; "train", by pyfibers' trainIClamp), mA from an electrode at 250 um ("field", constant; "pulse", two
# phases, played into e_extracellular of every section).
CASES = {
    "MRG 10 um, current into a node": ("MRG_DISCRETE", 10.0, 21, "inside", 2.0),
    "MRG 10 um, trainIClamp": ("MRG_DISCRETE", 10.0, 21, "train", 2.0),
    "MRG 10 um, field": ("MRG_DISCRETE", 10.0, 21, "field", -1.0),
    "MRG interpolated 6.5 um, field": ("MRG_INTERPOLATION", 6.5, 21, "field", -1.0),
    "MRG 10 um, pulse": ("MRG_DISCRETE", 10.0, 21, "pulse", -4.0),
    "PENA 3 um, field": ("PENA", 3.0, 21, "field", -3.0),
    "Tigerholm, current into a section": ("TIGERHOLM", 1.0, 41, "inside", 0.5),
    "Tigerholm, field": ("TIGERHOLM", 1.0, 41, "field", -10.0),
    "Schild 1994, current into a section": ("SCHILD94", 1.0, 41, "inside", 0.5),
    "Schild 1997, current into a section": ("SCHILD97", 1.0, 41, "inside", 0.5),
    "Sundt, field": ("SUNDT", 1.0, 41, "field", -10.0),
    "Rattay and Aberham, field": ("RATTAY", 1.0, 41, "field", -10.0),
    "Sweeney, field": ("SWEENEY", 10.0, 21, "field", -1.0),
}
# Times (ms) and parts of the amplitude.
PULSE = ([0, 1, 1, 1.1, 1.1, 1.3, 1.3, 100], [0, 0, 1, 1, -0.5, -0.5, 0, 0])


def mod_folder() -> Path:
    """Folder of the mod files. Raises ModuleNotFoundError without pyfibers."""
    spec = importlib.util.find_spec("pyfibers")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("pyfibers is not installed: pip install 'nrn-diff[models]'")
    return Path(spec.origin).parent / "MOD"


def build(h: Any, name: str) -> list[Any]:
    """The fibre of a case in the live process, with its stimulus; returns what must stay alive.

    h: NEURON with the mods loaded.
    """
    from pyfibers import FiberModel, build_fiber

    model, diameter, count, stimulus, amplitude = CASES[name]
    h.load_file("stdrun.hoc")
    size = {"n_nodes": count} if FiberModel[model].value.myelinated else {"n_sections": count}
    fiber = build_fiber(FiberModel[model], diameter=diameter, temperature=37, **size)
    keep: list[Any] = [fiber]
    middle = fiber.nodes[len(fiber.nodes) // 2]
    if stimulus in ("field", "pulse"):
        potentials = amplitude * np.asarray(fiber.point_source_potentials(0, 250, fiber.length / 2, 1, 10))
        times = h.Vector(PULSE[0])
        keep.append(times)
        for section, potential in zip(fiber.sections, potentials.tolist(), strict=True):
            if stimulus == "field":
                section(0.5).e_extracellular = potential
                continue
            keep.append(h.Vector([potential * part for part in PULSE[1]]))
            keep[-1].play(section(0.5)._ref_e_extracellular, times, 1)
    else:
        keep.append(_clamp(h, middle, stimulus, amplitude))
    far = fiber.nodes[-3]
    keep += [h.Vector().record(h._ref_t), h.Vector().record(middle(0.5)._ref_v), h.Vector().record(far(0.5)._ref_v)]
    layered = [section for section in fiber.sections if section.has_membrane("extracellular")]
    for section in layered[len(layered) // 2 : len(layered) // 2 + 3]:
        keep += [h.Vector().record(section(0.5)._ref_vext[0]), h.Vector().record(section(0.5)._ref_i_membrane)]
    h.celsius, h.v_init = fiber.temperature, fiber.v_rest
    h.dt, h.steps_per_ms, h.tstop = 0.005, 200, 10
    return keep


def _clamp(h: Any, section: Any, kind: str, amplitude: float) -> Any:
    if kind == "inside":
        clamp = h.IClamp(section(0.5))
        clamp.delay, clamp.dur, clamp.amp = 1, 0.5, amplitude
        return clamp
    clamp = h.trainIClamp(section(0.5))
    clamp.delay, clamp.PW, clamp.train, clamp.freq, clamp.amp = 1, 0.2, 20, 100, amplitude
    return clamp
