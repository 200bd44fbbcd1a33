"""What a driven mechanism is connected to: POINTERs, FUNCTION_TABLEs, streams, trains of events."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from mod_translator import ir
from nrn_diff.bridge.catalog import MechanismType
from nrn_diff.bridge.own_texts import PATTERN
from nrn_diff.solver.receive import only_adds

if TYPE_CHECKING:
    from validation.driven import Bench

TSTOP = 50.0
# Conductances, permeabilities and so on that a file leaves at 0 for the user to set.
PLAUSIBLE = {
    "S/cm2": 1e-3, "mho/cm2": 1e-3, "siemens/cm2": 1e-3, "mS/cm2": 1.0, "pS/um2": 10.0, "umho/cm2": 1e3, "cm/s": 1e-5,
    "uS": 2e-3, "umho": 2e-3, "microsiemens": 2e-3, "nS": 2.0, "pS": 2e3, "mA/cm2": 1e-3, "nA": 0.2, "mho": 2e-9,
}  # fmt: skip
_FUNCTION_TABLE = re.compile(r"^[ \t]*FUNCTION_TABLE[ \t]+(\w+)[ \t]*\(([^:\n]*)", re.MULTILINE)


def set_references(
    bench: Bench, kind: MechanismType, mechanism: ir.Mechanism, free: Any, *, apart: bool = False
) -> None:
    """Point every POINTER at something that moves, give RANDOM its own stream and FUNCTION_TABLE values.

    A POINTER that is written leads to an element of a Vector (apart: to a variable of each instance's own), one in mV
    to a voltage. What another unit, or none, says
    is a concentration or a factor of a conductance: a voltage there would let the compartment explode. One that C
    code takes for a pointer to something of its own is left alone.
    """
    routines = (*mechanism.routines.values(), *(getattr(mechanism, b) for b in ir.BLOCKS))
    written = {name for routine in routines if routine is not None for name in routine.writes}
    ours = [name for name in kind.references if name in written and f"_p_{name}" not in kind.code]
    sums = {} if apart else {name: bench.make("Vector", [0.5]) for name in ours}
    from nrn_diff.bridge.connections import is_random

    for name, arguments in _FUNCTION_TABLE.findall(kind.code):
        one = "," not in arguments and not arguments.startswith(")")
        density = mechanism.kind is ir.Kind.DENSITY
        table = getattr(
            bench.h if density else bench.owners[0], f"table_{name}{f'_{mechanism.name}' if density else ''}"
        )
        x = np.linspace(-120, 60, 91)
        vectors = [bench.make("Vector", 1.5 + np.tanh((x + 40) / 20)), bench.make("Vector", x)]
        table(*vectors) if one else table(1.2)
    for k, owner in enumerate(bench.owners):
        holder = getattr(owner, mechanism.name) if mechanism.kind is ir.Kind.DENSITY else owner
        for name in kind.references:
            if is_random(holder, name):
                getattr(holder, name).set_ids(k + 1, 2, 3)
            elif f"_p_{name}" not in kind.code:
                symbol = mechanism.symbols.get(name)
                voltage = symbol is None or symbol.unit in ("mV", "millivolt")
                read = free(0.5)._ref_v if voltage else factor(bench)._ref_g
                target = sums[name]._ref_x[0] if name in sums else own(bench) if name in ours else read
                bench.h.setpointer(target, name, holder)
    bench.keep += [bench.h.Vector().record(vector._ref_x[0]) for vector in sums.values()]


def own(bench: Bench) -> Any:
    """A variable that nothing else uses, recorded: the reversal potential of a synapse in a compartment of its own."""
    aside = bench.h.Section(f"aside_{len(bench.keep)}")
    bench.keep.append(aside)
    reference = bench.make("ExpSyn", aside(0.5))._ref_e
    bench.keep.append(bench.h.Vector().record(reference))
    return reference


def factor(bench: Bench) -> Any:
    """A synapse in a compartment of its own, whose g goes up to 0.5 and back."""
    for made in bench.keep:
        if made.hname().startswith("Exp2Syn"):
            return made
    aside = bench.h.Section("aside")
    bench.keep.append(aside)
    synapse, stim = bench.make("Exp2Syn", aside(0.5)), bench.make("NetStim")
    synapse.tau1, synapse.tau2, synapse.e = 3, 9, -50
    stim.start, stim.interval, stim.number, stim.noise = 2, 12, 4, 0
    bench.make("NetCon", stim, synapse, 0, 0.5, 0.3)
    return synapse


def send_events(bench: Bench, mechanism: ir.Mechanism, free: Any, *, apart: bool = False) -> None:
    """Three trains to each instance: close together, of different weight, and at the same time where order is nothing.

    In which order NEURON delivers events of one time depends on what else waits in its queue; apart: no two have one.
    """
    if mechanism.net_receive is not None:
        third = 3.0 if only_adds(mechanism) and not apart else 3.07
        unit = mechanism.net_receive.arg_units[0] if mechanism.net_receive.arg_units else ""
        weight = PLAUSIBLE.get(unit, 0.5)
        kept = set(mechanism.net_receive.results) | set(mechanism.net_initial.results if mechanism.net_initial else ())
        for k, (start, interval, number, delay) in enumerate(((3, 4.3, 9, 1), (3.01, 11, 4, 0.5), (third, 8.6, 4, 1))):
            source = bench.make("NetStim")
            source.start, source.interval, source.number, source.noise = start, interval, number, 0
            for j, owner in enumerate(bench.owners):
                netcon = bench.make("NetCon", source, owner)
                netcon.delay, netcon.weight[0] = (
                    delay + (0.00713 * (3 * j + k + 1) if apart else 0.0),
                    weight * (1 + 0.4 * k + 0.1 * j),
                )
                for i, name in enumerate(mechanism.net_receive.args[1:], start=1):
                    netcon.weight[i] = 0.0 if name in kept else 0.3 + 0.1 * k
    if mechanism.kind is ir.Kind.ARTIFICIAL or sends(mechanism):
        for owner in bench.owners:
            synapse = bench.make("ExpSyn", free(0.5))
            netcon = bench.make("NetCon", owner, synapse)
            netcon.delay, netcon.weight[0] = 0.7, 1e-3
            bench.keep.append(bench.h.Vector().record(synapse._ref_g))
    if mechanism.name == PATTERN:
        play_spikes(bench, free)


def play_spikes(bench: Bench, free: Any) -> None:
    """PatternStims send 300 spikes each, on behalf of two gids with a synapse each and of one without."""
    context = bench.make("ParallelContext")
    for gid in (1001, 1002):
        synapse = bench.make("ExpSyn", free(0.5))
        netcon = context.gid_connect(gid, synapse)
        netcon.delay, netcon.weight[0] = 0.7, 1e-3
        bench.keep += [netcon, bench.h.Vector().record(synapse._ref_g)]
    for k, owner in enumerate(bench.owners):
        times, gids = np.linspace(0, TSTOP, 300) + 0.01 * k, 1001 + np.arange(300) * (k + 1) % 3
        owner.play(bench.make("Vector", times), bench.make("Vector", gids))


def sends(mechanism: ir.Mechanism) -> bool:
    """Whether the mechanism sends events."""

    def calls(body: tuple[ir.Stmt, ...]) -> Iterator[str]:
        for statement in body:
            match statement:
                case ir.CallRoutine():
                    yield statement.name
                case ir.If(_, then, orelse, _):
                    yield from (*calls(then), *calls(orelse))

    return mechanism.net_receive is not None and "net_event" in set(calls(mechanism.net_receive.body))
