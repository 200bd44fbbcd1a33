"""Events that reach an artificial cell at one time, where further events in NEURON's queue could change their order."""

from __future__ import annotations

from collections.abc import Sequence

from mod_translator import ir
from mod_translator.passes.outbox import uses_queue
from nrn_diff.bridge.findings import Findings
from nrn_diff.errors import Refusal
from nrn_diff.events.artificial import ArtificialCell, Tie
from nrn_diff.snapshot import Connection, MechanismData, Play, Record
from nrn_diff.solver.commute import commuting


def doubtful(cells: Sequence[ArtificialCell], ties: Sequence[Tie]) -> tuple[Refusal, ...]:
    """A refusal for each cell that two events of one time reach that do not commute."""
    found: dict[int, Refusal] = {}
    for tie in ties:
        cell = cells[tie.cell]
        if tie.cell not in found and (tie.other >= 0 or not _commute(cell.ir, tie)):
            reached = (
                cell.label if tie.other < 0 else f"{cells[tie.other].label} and {cell.label}, which share a variable,"
            )
            found[tie.cell] = Refusal(
                f"events that reach {reached} at the same time, t = {tie.time:g} ms",
                f"mechanism {cell.ir.name}, {cell.ir.file}",
                "they do not commute, and in NEURON their order depends on what else waits in the queue",
                "let one of their sources start a little later, or give its NetCon another delay",
            )
    return tuple(found.values())


def _commute(mechanism: ir.Mechanism, tie: Tie) -> bool:
    known = commuting(mechanism)
    if tie.alike and tie.flags[0] == tie.flags[1]:
        return True
    if not set(tie.flags) <= set(known.flags):
        return False
    first, second = (known.flags.index(flag) for flag in tie.flags)
    return bool(known.pairs[int(tie.alike), first, second])


def refuse_doubtful(
    doubts: Sequence[Refusal],
    connections: Sequence[Connection],
    mechanisms: Sequence[MechanismData],
    plays: Sequence[Play],
    records: Sequence[Record],
    findings: Findings,
) -> None:
    """Refuse them if others queue events: the solution, Vectors that are played or record at times of their own."""
    solved = any(c.train < 0 for c in connections) or any(uses_queue(data.ir) for data in mechanisms)
    if solved or plays or not all(record.every_step for record in records):
        for doubt in doubts:
            findings.refuse(doubt.what, doubt.where, doubt.why, doubt.remedy)
