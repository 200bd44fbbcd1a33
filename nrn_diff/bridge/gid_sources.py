"""Sources of events that no NetCon shows: ParallelContext.cell keeps them for a gid, and spike_record records them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from neuron import h

from nrn_diff.bridge.findings import Findings
from nrn_diff.bridge.forked import ChildFailedError, in_copy
from nrn_diff.bridge.inventory import Inventory, hoc_objects
from nrn_diff.bridge.save_state import saved_here

# NEURON has no list of its gids; so many are tried.
_GIDS = 1 << 17
# ParallelContext.gid_exists: the gid has a source.
_HAS_SOURCE = 2
_NOT_VOLTAGE, _NOWHERE = -2, -1


@dataclass(frozen=True)
class GidSource:
    """A source without NetCon: a voltage (node, threshold in mV), or a process (HOC name). vector: takes its spikes."""

    gid: int
    node: int
    threshold: float
    process: str
    vector: str


@dataclass(frozen=True)
class _Shown:
    """Sources that NetCons show. nowhere: gids without cell, -1 for no source. others: whether there are any others."""

    voltages: frozenset[tuple[int, float]]
    processes: frozenset[str]
    nowhere: frozenset[int]
    others: bool

    @property
    def count(self) -> int:
        return len(self.voltages) + len(self.processes) + len(self.nowhere)


@cache
def _receives(mechanism: str) -> bool:
    types = h.MechanismType(1)
    types.select(mechanism)
    return bool(types.is_netcon_target(int(types.selected())))


def sending_process(netcon: Any) -> Any:
    """The artificial cell or point process that sends the NetCon its events; None for every other source.

    Of a point process without NET_RECEIVE that has a variable x, NEURON watches x (install_deliver in netcvode.cpp).
    """
    process = netcon.pre()
    if process is None or (hasattr(process, "x") and not _receives(process.hname().split("[")[0])):
        return None
    return process


def source_location(netcon: Any) -> tuple[bool, bool]:
    """Of a NetCon without segment and process: whether its source is a variable that is no voltage, or nothing."""
    if netcon.pre() is not None:
        return True, False
    location = netcon.preloc()
    if location != _NOWHERE:
        h.pop_section()  # preloc leaves the source's section on NEURON's stack
    return location == _NOT_VOLTAGE, location == _NOWHERE


def gid_label(gid: int) -> str:
    """What the train of a gid is called for which a PatternStim sends."""
    return f"gid {gid}"


def find_gid_sources(inventory: Inventory, findings: Findings, count: int | None = None) -> tuple[GidSource, ...]:
    """All of them; refused if NEURON has sources that are neither these nor those of NetCons.

    count: how many sources NEURON has in all, if it is known.
    """
    shown = _shown(inventory)
    if count is not None and count <= shown.count and not shown.others:
        return ()
    try:
        answer = in_copy(partial(_look, inventory, shown))
    except ChildFailedError:  # NEURON cannot save its state here; what that means is said where it matters
        return ()
    if answer["unknown"] > 0 and not shown.others:
        findings.refuse(
            f"{answer['unknown']} sources of events that no NetCon shows",
            "",
            f"where they are cannot be read from NEURON; those of gids below {_GIDS} would be found",
            "keep a reference to the NetCon of each source, or use smaller gids",
        )
    return tuple(GidSource(*found) for found in answer["found"])


def _shown(inventory: Inventory) -> _Shown:
    voltages, processes, nowhere, others = set(), set(), set(), False
    for netcon in hoc_objects("NetCon"):
        process, segment = sending_process(netcon), netcon.preseg()
        if process is not None:
            processes.add(process.hname())
        elif segment is not None:
            voltages.add((inventory.topology.node_of(segment.sec, segment.x), float(netcon.threshold)))
        else:
            other, none = source_location(netcon)
            others |= other
            if none and (netcon.valid() or netcon.srcgid() >= 0):
                nowhere.add(int(netcon.srcgid()))
    return _Shown(frozenset(voltages), frozenset(processes), frozenset(nowhere), others)


def _look(inventory: Inventory, shown: _Shown) -> dict[str, Any]:
    """For a copy of the process: NetCons are made."""
    count = len(saved_here().sources)
    if count <= shown.count and not shown.others:
        return {"found": [], "unknown": 0}
    pc, section = h.ParallelContext(), h.Section()
    target = h.ExpSyn(section(0.5))
    found = []
    for gid in range(_GIDS):
        if pc.gid_exists(gid) < _HAS_SOURCE:
            continue
        netcon = pc.gid_connect(gid, target)
        process, segment, vector = sending_process(netcon), netcon.preseg(), netcon.get_recordvec()
        node = inventory.topology.node_of(segment.sec, segment.x) if segment is not None else -1
        name = process.hname() if process is not None else ""
        threshold = float(netcon.threshold)
        if name not in shown.processes and (node, threshold) not in shown.voltages:
            found.append((gid, node, threshold, name, vector.hname() if vector is not None else ""))
    return {"found": found, "unknown": count - shown.count - len(found)}
