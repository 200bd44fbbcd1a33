"""The networks, built from scratch in the live process; each function returns what must stay alive."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

HALF_GAP = """
NEURON {
    POINT_PROCESS HalfGap
    ELECTRODE_CURRENT i
    RANGE g, i
    POINTER vgap
}
UNITS { (nA) = (nanoamp) (mV) = (millivolt) (nS) = (nanosiemens) }
PARAMETER { g = 2 (nS) }
ASSIGNED { v (mV) vgap (mV) i (nA) }
BREAKPOINT { i = (0.001) * g * (vgap - v) }
"""
TRANSFERRED = (
    HALF_GAP.replace("HalfGap", "TransferredGap")
    .replace("    POINTER vgap", "    RANGE vgap")
    .replace("vgap", "vother")
)
MODS = {"halfgap.mod": HALF_GAP, "transferred.mod": TRANSFERRED}


def _cell(h: Any, name: str) -> tuple[Any, Any]:
    soma, dend = h.Section(f"{name}_soma"), h.Section(f"{name}_dend")
    dend.connect(soma(1))
    soma.L = soma.diam = 12.6157
    dend.L, dend.diam, dend.nseg = 200, 1, 5
    for section in (soma, dend):
        section.Ra, section.cm = 100, 1
    soma.insert("hh")
    soma.gl_hh, soma.el_hh = 0.0003, -54.3
    dend.insert("pas")
    dend.g_pas, dend.e_pas = 0.001, -65
    return soma, dend


def ring(h: Any, n: int = 16) -> list[Any]:
    """Cell k excites cell k + 1; a NetStim starts the round."""
    context = h.ParallelContext()
    cells = [_cell(h, f"cell{k}") for k in range(n)]
    synapses, keep = [], []
    for gid, (soma, dend) in enumerate(cells):
        context.set_gid2node(gid, context.id())
        out = h.NetCon(soma(0.5)._ref_v, None, sec=soma)
        out.threshold = 10
        context.cell(gid, out)
        synapse = h.ExpSyn(dend(0.5))
        synapse.tau = 2
        synapses.append(synapse)
        keep.append(out)
    for gid, synapse in enumerate(synapses):
        connection = context.gid_connect((gid - 1) % n, synapse)
        connection.delay, connection.weight[0] = 1, 0.01
        keep.append(connection)
    start = h.NetStim()
    start.number, start.start = 1, 0
    first = h.NetCon(start, synapses[0])
    first.delay, first.weight[0] = 0, 0.01
    times, gids = h.Vector(), h.Vector()
    context.spike_record(-1, times, gids)
    vectors = [h.Vector().record(soma(0.5)._ref_v) for soma, _ in cells[:4]]
    return [context, cells, synapses, keep, start, first, times, gids, vectors]


def _pair(h: Any, gap: str, couple: Callable[[Any, Any, Any], None]) -> list[Any]:
    cells = [_cell(h, f"cell{k}") for k in range(2)]
    gaps = [getattr(h, gap)(soma(0.5)) for soma, _ in cells]
    couple(cells, gaps, h)
    clamp = h.IClamp(cells[0][0](0.5))
    clamp.delay, clamp.dur, clamp.amp = 5, 60, 0.15
    vectors = [h.Vector().record(soma(0.5)._ref_v) for soma, _ in cells]
    return [cells, gaps, clamp, vectors]


def gap_by_pointer(h: Any) -> list[Any]:
    """Each half reads the other cell's voltage through a POINTER."""

    def couple(cells: Any, gaps: Any, h: Any) -> None:
        for k in range(2):
            gaps[k]._ref_vgap = cells[1 - k][0](0.5)._ref_v

    return _pair(h, "HalfGap", couple)


def gap_by_transfer(h: Any) -> list[Any]:
    """Each half gets the other cell's voltage by continuous transfer."""

    def couple(cells: Any, gaps: Any, h: Any) -> None:
        context = h.ParallelContext()
        for k in range(2):
            context.source_var(cells[k][0](0.5)._ref_v, k, sec=cells[k][0])
            context.target_var(gaps[k], gaps[k]._ref_vother, 1 - k)
        context.setup_transfer()

    return _pair(h, "TransferredGap", couple)


def random_network(h: Any, n: int = 300, connections: int = 100_000) -> list[Any]:
    """Cells under different currents, each connected to random others after a delay of 1 to 5 ms."""
    generator = np.random.default_rng(1)
    cells = [_cell(h, f"cell{k}") for k in range(n)]
    synapses, keep = [], []
    for soma, dend in cells:
        synapse, clamp = h.ExpSyn(dend(0.5)), h.IClamp(soma(0.5))
        synapse.tau = 2
        clamp.delay, clamp.dur, clamp.amp = generator.uniform(0, 5), 1e9, generator.uniform(0, 0.2)
        synapses.append(synapse)
        keep.append(clamp)
    ends, delays = generator.integers(0, n, (connections, 2)), generator.uniform(1, 5, connections)
    for (source, target), delay in zip(ends.tolist(), delays.tolist(), strict=True):
        soma = cells[source][0]
        netcon = h.NetCon(soma(0.5)._ref_v, synapses[target], 0, delay, 5e-6, sec=soma)
        keep.append(netcon)
    vectors = [h.Vector().record(soma(0.5)._ref_v) for soma, _ in cells[::50]]
    return [cells, synapses, keep, vectors]


MODELS = {
    "ring of 16 cells": ring,
    "300 cells, 100,000 NetCons": random_network,
    "gap junctions by POINTER": gap_by_pointer,
    "gap junctions by transfer": gap_by_transfer,
}
