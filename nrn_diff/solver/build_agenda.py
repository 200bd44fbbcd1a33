"""Which mechanisms have a queue of events, how large it is, and the NetCons that net_event drives."""

from __future__ import annotations

import numpy as np

from mod_translator import ir
from mod_translator.passes.outbox import Outbox, loops_over_netcons, uses_queue
from nrn_diff.snapshot import Capture, Connection
from nrn_diff.solver.commute import commuting
from nrn_diff.solver.receive import only_adds
from nrn_diff.solver.samples import sampled_mechanism
from nrn_diff.solver.structure import Agenda, Deliveries, Lines, Wires

# Voltages that may fire an instance in the same half of a step and still find room.
_TOGETHER = 8
# net_events of one instance in one step that a Vector can record.
_LOG = 8
# With NetCons of no delay a round holds one event of all, not one for each instance.
_WITHOUT_DELAY = 16


def queued_mechanisms(capture: Capture) -> tuple[str, ...]:
    """Mechanisms whose events wait in a queue: they depend on the solution, or have several kinds of source.

    So do those of one that draws from the random stream of the process, which one event after the other changes. A
    mechanism whose NET_RECEIVE only adds to its instance needs none, unless net_event drives it, or Vectors sample
    among its events what these change.
    """
    wired = {name for c in capture.connections if c.source for name in (c.source, c.target)}
    wired |= {sampled_mechanism(capture, record) for record in capture.records}
    found = []
    for data in capture.mechanisms:
        if data.ir.net_receive is None:
            continue
        kinds = {c.train >= 0 for c in capture.connections if c.target == data.name}
        mixed = len(kinds) == 2 and not only_adds(data.ir)
        draws = bool(data.ir.process_stream) and data.ir.process_stream in data.ir.net_receive.writes
        if uses_queue(data.ir) or data.name in wired or mixed or draws or data.ir.kind is ir.Kind.ARTIFICIAL:
            found.append(data.name)
    return tuple(found)


def fan_in(capture: Capture, mechanism: ir.Mechanism) -> int:
    """Most NetCons to one instance, where FOR_NETCONS asks for them."""
    if not loops_over_netcons(mechanism):
        return 1
    rows = [c.instance for c in capture.connections if c.target == mechanism.name]
    return max(int(np.bincount(rows).max()) if rows else 1, 1)


def build_agenda(capture: Capture, mechanism: ir.Mechanism, n: int, deliveries: Deliveries, events: Outbox) -> Agenda:
    """The queue of one mechanism with n instances."""
    name = mechanism.name
    mine = [c for c in capture.connections if c.target == name]
    netcons = np.full((len(events.netcons), n), -1, dtype=np.int32)
    place = np.full(len(mine), -1, dtype=np.int32)
    if events.netcons:
        # NEURON goes through the sources in the order of their first NetCon, whatever that leads to.
        first = {_source(c): k for k, c in reversed(list(enumerate(capture.connections)))}
        taken = np.zeros(n, dtype=int)
        for k in sorted(range(len(mine)), key=lambda k: (first[_source(mine[k])], k)):
            row = mine[k].instance
            netcons[taken[row], row], place[k] = k, taken[row]
            taken[row] += 1
    lines = (deliveries.early_lines, deliveries.late_lines)
    together = max((_most_of_one_target(x) for x in lines), default=0)
    rounds = max(deliveries.initial.shape[0], deliveries.early.shape[1], deliveries.late.shape[1])
    # INITIAL inside NET_RECEIVE sends for each NetCon.
    most = int(np.bincount(deliveries.row).max()) if len(deliveries.row) else 0
    from_initial = most * len(events.sites.get("net_initial", ()))
    return Agenda(
        capture.event_capacity.pending + from_initial + rounds + min(together, _TOGETHER),
        events.watch_flags,
        netcons,
        place,
        events.netcons,
        events.present,
        _first_of_group(deliveries.early_lines.instance.target),
        _first_of_group(deliveries.late_lines.instance.target),
        commuting(mechanism),
        _LOG if any(s.sender == name for s in capture.spikes) else 0,
    )


def _source(c: Connection) -> tuple[int, int, str, int, float]:
    return c.train, c.source_node, c.source, c.source_instance, c.threshold


def max_rounds(capture: Capture, deliveries: dict[str, Deliveries], queued: tuple[str, ...]) -> int:
    """Rounds of one half of a step."""
    static = [max(d.early.shape[1], d.late.shape[1], d.initial.shape[0]) for n, d in deliveries.items() if n in queued]
    immediate = any(c.source and c.delay == 0.0 for c in capture.connections)
    drawing = [m for m in capture.mechanisms if m.name in queued and m.ir.process_stream]
    one_by_one = max(_WITHOUT_DELAY if immediate else 1, sum(len(m.nodes) for m in drawing))
    return (capture.event_capacity.rounds + max(static, default=0)) * one_by_one


def build_wires(capture: Capture) -> tuple[Wires, ...]:
    """NetCons from point processes, by the kinds of both ends."""
    place: dict[str, int] = {}
    found: dict[tuple[str, str], list[tuple[int, int, int, float]]] = {}
    for c in capture.connections:
        number = place.get(c.target, 0)
        place[c.target] = number + 1
        if c.source:
            ends = found.setdefault((c.source, c.target), [])
            ends.append((c.instance, c.source_instance, number, c.delay))
    wires = []
    for (source, target), ends in found.items():
        ends.sort(key=lambda end: end[0])
        row, instance, connection = (np.array([end[k] for end in ends], dtype=np.int32) for k in range(3))
        delay = np.array([end[3] for end in ends], dtype=np.float64)
        wires.append(Wires(source, target, instance, connection, row, _first_of_group(row), delay))
    return tuple(wires)


def _first_of_group(row: np.ndarray) -> np.ndarray:
    """For each entry of an ascending array, the first one that is equal."""
    return np.searchsorted(row, row, side="left").astype(np.int32)


def _most_of_one_target(lines: Lines) -> int:
    return int(np.bincount(lines.instance.target).max()) if len(lines.instance.target) else 0
