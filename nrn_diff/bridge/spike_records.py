"""Which Vectors take the times of spikes, and of which source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from nrn_diff.bridge.connections import watched_variables
from nrn_diff.bridge.findings import Findings
from nrn_diff.bridge.gid_sources import find_gid_sources, gid_label, sending_process
from nrn_diff.bridge.inventory import Inventory, hoc_objects
from nrn_diff.snapshot import MechanismData, Record, SpikeRecord, Train


def capture_spikes(
    inventory: Inventory, mechanisms: Sequence[MechanismData], trains: Sequence[Train], findings: Findings
) -> tuple[SpikeRecord, ...]:
    """What fills Vectors with spike times, each source once, in the order of h.List('NetCon'), then of the gids."""
    senders = {label: (d.name, row) for d in mechanisms for row, label in enumerate(d.labels) if label}
    given = {train.label: k for k, train in enumerate(trains) if train.label}
    found: dict[tuple[Any, ...], SpikeRecord] = {}
    named: dict[str, list[tuple[Any, ...]]] = {}
    netcons = hoc_objects("NetCon")
    recording = [n.get_recordvec() for n in netcons]
    watched = watched_variables(inventory, findings) if any(v is not None for v in recording) else {}
    topology = inventory.topology

    def of_netcon(index: int) -> tuple[str, int, float, Record | None]:
        """Name of the process, node, threshold, other variable."""
        segment, process = netcons[index].preseg(), sending_process(netcons[index])
        node = topology.node_of(segment.sec, segment.x) if segment is not None else -1
        name = process.hname() if process is not None else ""
        if not name and node < 0 and index not in watched and netcons[index].srcgid() >= 0:
            name = gid_label(int(netcons[index].srcgid()))
        return name, node, 0.0 if name else float(netcons[index].threshold), watched.get(index)

    every = [(v.hname(), *of_netcon(k)) for k, v in enumerate(recording) if v is not None]
    hidden = find_gid_sources(inventory, findings)
    every += [(s.vector, s.process, s.node, s.threshold, None) for s in hidden if s.vector]
    for name, process, node, threshold, other in every:
        label = process
        if node >= 0:
            label = f"{topology.place(*topology.node_place(node))}.v > {threshold:g}"
            record = SpikeRecord(label, node, threshold, name)
        elif other is not None:
            label = f"{other.label} > {threshold:g}"
            record = SpikeRecord(label, -1, threshold, name, watched=other)
        elif label in senders:
            record = SpikeRecord(label, -1, 0.0, name, *senders[label])
        elif label in given:
            record = SpikeRecord(label, -1, 0.0, name, train=given[label])
        else:
            findings.note(f"{name} records events of {label or 'another process'}, which NEURON itself can give")
            continue
        source = (record.node, record.threshold, record.sender, record.instance, record.train, record.watched)
        same = named.setdefault(label, [])
        if source not in same:
            same.append(source)
        if same.index(source):  # Python may give several sections one name
            record = replace(record, label=f"{label} #{same.index(source) + 1}")
        findings.note(f"{name} records spike times: recording.spike_times({record.label!r})")
        found.setdefault((name, *source), record)
    return tuple(found.values())
