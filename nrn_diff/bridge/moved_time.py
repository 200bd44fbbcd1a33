"""What cannot be followed beside a DISCRETE block, which moves the time of the whole simulation on.

The times of the steps are NEURON's, also those of the samples; but what happens at a time of its own is planned on
steps that are dt long. See mod_translator/semantic/earlier.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from neuron import h

from mod_translator import ir
from nrn_diff.bridge.clock import stdrun_dt
from nrn_diff.bridge.findings import Findings
from nrn_diff.bridge.threads import how_many
from nrn_diff.snapshot import Play, Record, SpikeRecord


@dataclass(frozen=True)
class Beside:
    """What a model has besides its equations. from_now: it is a run of enable()."""

    connected: bool
    plays: Sequence[Play]
    records: Sequence[Record]
    spikes: Sequence[SpikeRecord]
    from_now: bool


def refuse_beside_discrete(lowered: Mapping[str, ir.Mechanism], beside: Beside, findings: Findings) -> None:
    """Refuse the model where a mechanism has a DISCRETE block and anything depends on the length of a step."""
    moving = [m for m in lowered.values() if m.moves_time]
    if not moving:
        return
    receive = sorted(m.name for m in lowered.values() if m.net_receive is not None)
    past = sorted(m.name for m in lowered.values() if any(s.block == ir.LAG for s in m.symbols.values()))
    grouped = hasattr(h, "steps_per_ms") and stdrun_dt(float(h.dt), float(h.steps_per_ms))[1] > 1
    found = {
        "NetCons": beside.connected,
        f"a NET_RECEIVE ({', '.join(receive)})": bool(receive),
        f"a LAG ({', '.join(past)})": bool(past),
        "a Vector or Random that is played": bool(beside.plays),
        "a Vector that records at times of its own": any(not r.every_step for r in beside.records),
        "a variable of an artificial cell that is recorded": any(r.kind == "artificial" for r in beside.records),
        "a Vector that records spikes": bool(beside.spikes),
        "several threads": how_many() > 1,
        "several steps between two plots (h.steps_per_ms)": grouped,
        "a run of enable()": beside.from_now,
    }
    why = "for each instance NEURON moves the time of the whole simulation on by dt, so that its steps are longer"
    remedy = "write it as a PROCEDURE, with an ASSIGNED for each earlier value"
    for what in (w for w, there in found.items() if there):
        for m in moving:
            findings.refuse(f"{what} beside a DISCRETE block", f"mechanism {m.name}, {m.file}", why, remedy)
