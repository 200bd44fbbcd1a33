"""Gates with more than two states: a kinetic scheme, from its steady state at the start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mod_translator import ir
from mod_translator.channelml.form import rate
from mod_translator.channelml.rates import Rate
from mod_translator.channelml.units import Units
from mod_translator.formula import NOWHERE, Formula, assign, formula, var
from mod_translator.neuroml.document import Element
from mod_translator.neuroml.names import Names, identifier


@dataclass(frozen=True)
class Scheme:
    """States in the order of NEURON's CONSERVE, and pairs of transitions: from, to, forward and backward rate."""

    states: tuple[str, ...]
    opened: Formula
    pairs: tuple[tuple[str, str, Rate, Rate], ...]
    units: Units
    names: Names

    def flows(
        self, v: Formula, known: Mapping[str, Formula], scale: Formula, body: list[ir.Stmt]
    ) -> list[tuple[str, str, Formula]]:
        """From, to, and how much goes over."""
        found = []
        for source, target, forward, backward in self.pairs:
            rates = [r.value(v, self.units, known, self.names, body) * scale for r in (forward, backward)]
            flow = self.names.fresh("flow")
            body.append(assign(flow, rates[0] * var(source) - rates[1] * var(target)))
            found.append((source, target, var(flow)))
        return found

    def solve(
        self, name: str, body: list[ir.Stmt], flows: list[tuple[str, str, Formula]]
    ) -> tuple[ir.Routine, ir.SolveImplicit, ir.SolveImplicit]:
        """The routine of derivatives, the step, and the steady state; the occupancies add up to 1."""
        states = self.states
        results = [self.names.fresh(f"D{s}") for s in states]
        total = formula(1.0)
        for s in states:
            total = total - var(s)
        for result, state in zip(results[:-1], states[:-1], strict=True):
            change = formula(0.0)
            for source, target, flow in flows:
                if state in (source, target):
                    change = change + flow if state == target else change - flow
            body.append(assign(result, change))
        body.append(assign(results[-1], total))
        rates = self.names.fresh(f"{name}_scheme")
        routine = ir.Routine(rates, "RATES", tuple(body), states, tuple(results), loc=NOWHERE)
        last = (states[-1],)
        step = ir.SolveImplicit("sparse", states, rates, NOWHERE, algebraic=last, linear=True)
        steady = ir.SolveImplicit("sparse", states, rates, NOWHERE, algebraic=last, linear=True, steady=True)
        return routine, step, steady


def read(gate: Element, units: Units, names: Names) -> Scheme:
    """The scheme of a gate. Raises UnsupportedConstruct."""
    gate.only(("name", "instances"), ("closed_state", "open_state", "transition"))
    states = [names.add(s, identifier(s, "id"), "STATE") for s in gate.all("closed_state", "open_state")]
    steps: dict[tuple[str, str], Element] = {}
    for step in gate.all("transition"):
        ends = (step.get("from"), step.get("to"))
        if ends in steps or ends[0] == ends[1] or not set(ends) <= set(states):
            raise step.refuse(
                "N353", f"a transition from {ends[0][:40]} to {ends[1][:40]}", "from one state to another"
            )
        steps[ends] = step
    for (source, target), step in steps.items():
        if (target, source) not in steps:
            reason = f"a transition from {source} to {target} without one back"
            raise step.refuse(
                "N353", f"{reason}, which ChannelML's mapping to NEURON leaves out", "add it, with rate 0"
            )
    pairs: list[tuple[str, str, Rate, Rate]] = []
    for (source, target), step in steps.items():
        if not any(p[:2] == (target, source) for p in pairs):
            back = rate(steps[target, source], "beta", units)
            pairs.append((source, target, rate(step, "alpha", units), back))
    opened = [var(identifier(s, "id")) for s in gate.all("open_state")]
    return Scheme(tuple(states), sum(opened[1:], opened[0]), tuple(pairs), units, names)
