"""The published task, apart from the cell: what is free, between which bounds, what counts, and how it is judged.

After Jaxley's synthetic layer 5 cell (Deistler et al., Nature Methods 2025): 19 parameters, a step of 80 ms, mean and
standard deviation of the somatic voltage in two windows, and the sum of their differences in units of 8 and 4 mV.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from validation.emodelrunner import cells

Array = np.ndarray

DT = 0.025
TSTOP = 100.0
V_INIT = -65.0
DELAY, DURATION = 10.0, 80.0
# nA: the published 3 nA go into a larger cell; this gives the same number of spikes, eight.
AMPLITUDE = 1.2

# ms, [start, stop): the published windows are samples 200..2199 and 2200..3799.
WINDOWS = ((5.0, 55.0), (55.0, 95.0))
# mV: what counts as a difference of one in a mean and in a standard deviation.
SCALES = (8.0, 4.0)


@dataclass(frozen=True)
class Free:
    """One free number. name: as in NEURON; region: the section list of the cell; bounds: those of EModelRunner's sscx.

    relative: the number is a factor of the cell's own profile along the dendrite.
    """

    name: str
    region: str
    low: float
    high: float
    relative: bool = False

    @property
    def label(self) -> str:
        """Unique name."""
        return f"{self.name} {self.region}"


# The published list, with the names of this cell; it has no M current, apical Ca_HVA takes its place.
FREE = (
    Free("gNaTgbar_NaTg", "apical", 0.0, 3.0, relative=True),
    Free("gSKv3_1bar_SKv3_1", "apical", 0.0, 0.003),
    Free("gCa_HVAbar_Ca_HVA2", "apical", 0.0, 1e-4),
    Free("gNaTgbar_NaTg", "somatic", 0.0, 0.3),
    Free("gSKv3_1bar_SKv3_1", "somatic", 0.0, 1.0),
    Free("gSK_E2bar_SK_E2", "somatic", 0.0, 0.1),
    Free("gamma_CaDynamics_DC0", "somatic", 0.005, 0.05),
    Free("decay_CaDynamics_DC0", "somatic", 20.0, 300.0),
    Free("gCa_HVAbar_Ca_HVA2", "somatic", 0.0, 1e-3),
    Free("gCa_LVAstbar_Ca_LVAst", "somatic", 0.0, 1e-2),
    Free("gNaTgbar_NaTg", "axonal", 0.0, 1.5),
    Free("gK_Pstbar_K_Pst", "axonal", 0.0, 1.0),
    Free("gK_Tstbar_K_Tst", "axonal", 0.0, 0.2),
    Free("gSK_E2bar_SK_E2", "axonal", 0.0, 0.1),
    Free("gSKv3_1bar_SKv3_1", "axonal", 0.0, 1.0),
    Free("gCa_HVAbar_Ca_HVA2", "axonal", 0.0, 1e-3),
    Free("gCa_LVAstbar_Ca_LVAst", "axonal", 0.0, 1e-2),
    Free("gamma_CaDynamics_DC0", "axonal", 0.005, 0.05),
    Free("decay_CaDynamics_DC0", "axonal", 20.0, 300.0),
)


def moments(v: Array) -> Array:
    """Mean and standard deviation (mV) of a trace [n_samples] in each window, [4]."""
    parts = [v[round(start / DT) : round(stop / DT)] for start, stop in WINDOWS]
    return np.array([number for part in parts for number in (part.mean(), part.std())])


def published_loss(found: Array, target: Array) -> float:
    """The loss of the published comparison: moments [4] against those of the target."""
    return float(np.sum(np.abs(found - target) / np.tile(SCALES, len(WINDOWS))))


@dataclass(frozen=True)
class Cell:
    """The live cell. v: Vector of the somatic voltage; regions: name -> sections; keep: what must stay alive."""

    v: Any
    regions: dict[str, list[Any]]
    keep: tuple[Any, ...]


def make_cell(h: Any, workplace: Path) -> Cell:
    """EModelRunner's cell with the step, in the live process; nothing has run yet. workplace: an empty folder."""
    cell, sim, _ = cells.create("sscx", workplace)
    h.load_file("stdrun.hoc")
    soma = cell.icell.soma[0]
    clamp = h.IClamp(soma(0.5))
    clamp.delay, clamp.dur, clamp.amp = DELAY, DURATION, AMPLITUDE
    v = h.Vector().record(soma(0.5)._ref_v)
    h.dt, h.steps_per_ms, h.tstop, h.v_init = DT, round(1 / DT), TSTOP, V_INIT
    regions = {region: list(getattr(cell.icell, region)) for region in ("apical", "somatic", "axonal")}
    return Cell(v, regions, (cell, sim, clamp))
