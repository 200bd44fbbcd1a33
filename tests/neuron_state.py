"""Everything of a NEURON process that a capture might disturb, as one value that can be compared."""

from __future__ import annotations

import hashlib
from typing import Any


def fingerprint() -> dict[str, Any]:
    """Values, Vectors, event queue, recordings, accessed section, object counts of the NEURON in this process."""
    from neuron import h

    from nrn_diff.bridge.play_record import play_record_kinds

    values = _sections() + _mechanisms()
    for netcon in _objects("NetCon"):
        times = [netcon.delay, netcon.threshold] if netcon.valid() else []  # else NEURON ends the process
        values += [*times, [netcon.weight[k] for k in range(int(netcon.wcnt()))]]
    contents = [[v.hname(), list(v)] for v in _objects("Vector")]
    counted = ("Vector", "NetCon", "SaveState", "File", "FInitializeHandler", "List", "Exp2Syn", "IClamp", "NetStim")
    queue = h.Vector()
    h.CVode().print_event_queue(queue)
    return {
        "values": hashlib.sha256(repr(values).encode()).hexdigest(),
        "n_values": len(values),
        "vectors": contents,
        "queue": list(queue),
        "kinds": [int(k) for k in play_record_kinds()],
        "objects": [[kind, int(h.List(kind).count())] for kind in counted],
        "accessed": _accessed(),
        "clock": [h.t, h.ParallelContext().t(0), h.dt, h.celsius, h.secondorder, h.CVode().active()],
    }


def _objects(kind: str) -> list[Any]:
    from neuron import h

    found = h.List(kind)
    return [found.o(i) for i in range(int(found.count()))]


def _sections() -> list[Any]:
    from neuron import h

    values = []
    for section in h.allsec():
        values += [section.name(), section.Ra, section.L, section.nseg, section(0).v, section(1).v]
        for segment in section:
            values += [segment.v, segment.cm, segment.diam, segment.area(), segment.ri(), segment.i_cap]
            for mechanism in segment:
                for variable in mechanism:
                    live = getattr(segment, variable.name())
                    values += [variable.name(), list(live) if hasattr(live, "__len__") else live]
    return values


def _variables(mechanism: str, kind: int) -> list[tuple[str, int]]:
    from neuron import h

    standard, name = h.MechanismStandard(mechanism, kind), h.ref("")
    sizes = [int(standard.name(name, k)) for k in range(int(standard.count()))]
    return [(standard.name(name, k) and name[0], size) for k, size in enumerate(sizes)]


def _mechanisms() -> list[Any]:
    from neuron import h

    values, name = [], h.ref("")
    for point in (0, 1):
        kinds = h.MechanismType(point)
        for i in range(int(kinds.count())):
            kinds.select(i)
            kinds.selected(name)
            values += [[found, getattr(h, found)] for found, size in _variables(name[0], -1) if size == 1]
            for instance in _objects(name[0]) if point else ():
                for found, size in _variables(name[0], 0):
                    live = getattr(instance, found)
                    if hasattr(live, "get_seq"):
                        live = [live.get_seq(), list(live.get_ids())]
                    values += [found, live if size == 1 else [live[q] for q in range(size)]]
    return values


def _accessed() -> str:
    from neuron import h

    try:
        return h.cas().name()
    except RuntimeError:
        return ""
