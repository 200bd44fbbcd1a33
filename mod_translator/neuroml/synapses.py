"""expOneSynapse, expTwoSynapse, alphaSynapse (Synapses.xml of NeuroML 2)."""

from __future__ import annotations

import math

from mod_translator import ir
from mod_translator.formula import NOWHERE, Formula, assign, var
from mod_translator.neuroml.document import Element
from mod_translator.neuroml.names import Names, identifier
from mod_translator.neuroml.quantities import number

SYNAPSES = ("expOneSynapse", "expTwoSynapse", "alphaSynapse")


def lower(element: Element) -> ir.Mechanism:
    """A point process; the weight of a NetCon multiplies gbase, as the weight of a connection in NeuroML."""
    names = Names()
    times = {"expOneSynapse": ("tauDecay",), "expTwoSynapse": ("tauRise", "tauDecay"), "alphaSynapse": ("tau",)}
    own = times[element.tag]
    element.only(("id", "gbase", "erev", *own))
    tau = [number(element, name, "time") for name in own]
    if min(tau) <= 0 or (len(tau) == 2 and tau[0] == tau[1]):
        raise element.refuse("N320", "time constants that are zero or equal", "write two different positive times")
    names.add(element, "gbase", "PARAMETER", "uS", number(element, "gbase", "conductance"))
    names.add(element, "erev", "PARAMETER", "mV", number(element, "erev", "voltage"))
    for name, value in zip(own, tau, strict=True):
        names.add(element, name, "PARAMETER", "ms", value)
    names.add(element, "i", "ASSIGNED", "nA")
    names.add(element, "g", "ASSIGNED", "uS")
    weight = names.fresh("weight")
    states, equations, jumps, g = _dynamics(element, names, var(weight))
    name = names.fresh("states")
    equation = tuple(ir.Derivative(s, rate.expr, NOWHERE) for s, rate in zip(states, equations, strict=True))
    return ir.Mechanism(
        identifier(element),
        ir.Kind.POINT,
        names.symbols,
        currents=(ir.Current("i"),),
        routines={name: ir.Routine(name, "DERIVATIVE", equation, method="cnexp", loc=NOWHERE)},
        initial=ir.Routine("initial", "INITIAL", tuple(assign(s, 0.0) for s in states), loc=NOWHERE),
        current=ir.Routine(
            "current", "BREAKPOINT", (assign("g", g), assign("i", var("g") * (var("v") - var("erev")))), loc=NOWHERE
        ),
        advance=ir.Routine("advance", "SOLVE", (ir.CallRoutine(name, (), NOWHERE),), loc=NOWHERE),
        net_receive=ir.Routine("net_receive", "NET_RECEIVE", jumps, (weight,), loc=NOWHERE),
        title=f"NeuroML {element.tag}",
        file=element.place.file,
        thread_safe=True,
    )


def _dynamics(
    element: Element, names: Names, weight: Formula
) -> tuple[tuple[str, ...], tuple[Formula, ...], tuple[ir.Stmt, ...], Formula]:
    """States, their derivatives, what an event does, and the conductance."""
    gbase = var("gbase")
    if element.tag == "expOneSynapse":
        s = names.add(element, "s", "STATE")
        return (s,), (-var(s) / var("tauDecay"),), (assign(s, var(s) + weight),), gbase * var(s)
    a, b = (names.add(element, n, "STATE") for n in ("A", "B"))
    if element.tag == "alphaSynapse":  # A' = -A/tau, B' = (e A - B)/tau
        equations = (-var(a) / var("tau"), (var(a) * math.e - var(b)) / var("tau"))
        return (a, b), equations, (assign(a, var(a) + weight),), gbase * var(b)
    equations = (-var(a) / var("tauRise"), -var(b) / var("tauDecay"))
    rise, decay = var("tauRise"), var("tauDecay")
    factor = names.fresh("factor")
    peak = names.fresh("peak")
    log = Formula(ir.Call("log", ((decay / rise).expr,)))
    exp = [Formula(ir.Call("exp", ((-(var(peak) / tau)).expr,))) for tau in (decay, rise)]
    jumps = (
        assign(peak, log * (rise * decay) / (decay - rise)),
        assign(factor, 1.0 / (exp[0] - exp[1])),
        assign(a, var(a) + weight * var(factor)),
        assign(b, var(b) + weight * var(factor)),
    )
    return (a, b), equations, jumps, gbase * (var(b) - var(a))
