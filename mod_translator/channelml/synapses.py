"""synapse_type: doub_exp_syn, blocking_syn, fac_dep_syn."""

from __future__ import annotations

from mod_translator import ir
from mod_translator.channelml.units import Units, plain
from mod_translator.formula import NOWHERE, Formula, assign, call, choose, var
from mod_translator.neuroml.document import Element
from mod_translator.neuroml.names import Names, identifier

_SYNAPSES = {"doub_exp_syn": (), "blocking_syn": ("block",), "fac_dep_syn": ("plasticity",)}
_ALPHA = 0.999999  # from this ratio of rise to decay on, the rise is this much of the decay


def lower(element: Element, units: Units) -> ir.Mechanism:
    """A point process; the weight of a NetCon multiplies gmax."""
    element.only(("name",), ("status", *_SYNAPSES))
    kinds = list(element.all(*_SYNAPSES))
    if len(kinds) != 1:
        raise element.refuse("N354", f"synapse_type with {len(kinds)} models that are known", "write one")
    model = kinds[0]
    attributes = ("max_conductance", "rise_time", "decay_time", "reversal_potential")
    model.only(attributes, _SYNAPSES[model.tag])
    names = Names()
    quantities = ("conductance", "time", "time", "voltage")
    for name, attribute, quantity, unit in zip(
        ("gmax", "tau_rise", "tau_decay", "e"), attributes, quantities, ("uS", "ms", "ms", "mV"), strict=True
    ):
        names.add(model, name, "PARAMETER", unit, units.number(model, attribute, quantity))
    if names.symbols["tau_decay"].default <= 0 or names.symbols["tau_rise"].default < 0:
        raise model.refuse("N320", "a time that is not positive", "write a positive number")
    for name, unit in (("i", "nA"), ("g", "uS"), ("factor", "")):
        names.add(model, name, "ASSIGNED", unit)
    for name in ("A", "B"):
        names.add(model, name, "STATE", "uS")
    conductance = var("gmax") * (var("B") - var("A"))
    current: list[ir.Stmt] = []
    if model.tag == "blocking_syn":
        conductance = var("gmax") * _block(model.one("block"), units, names, current) * (var("B") - var("A"))
    current += [assign("g", conductance), assign("i", var("g") * (var("v") - var("e")))]
    state = names.fresh("state")
    equations = tuple(
        ir.Derivative(s, (-var(s) / var(tau)).expr, NOWHERE) for s, tau in (("A", "tau_rise"), ("B", "tau_decay"))
    )
    receive, start = _events(model, units, names)
    return ir.Mechanism(
        identifier(element, "name"),
        ir.Kind.POINT,
        names.symbols,
        currents=(ir.Current("i"),),
        routines={state: ir.Routine(state, "DERIVATIVE", equations, method="cnexp", loc=NOWHERE)},
        initial=ir.Routine("initial", "INITIAL", tuple(_initial(names)), loc=NOWHERE),
        current=ir.Routine("current", "BREAKPOINT", tuple(current), loc=NOWHERE),
        advance=ir.Routine("advance", "SOLVE", (ir.CallRoutine(state, (), NOWHERE),), loc=NOWHERE),
        net_receive=receive,
        net_initial=start,
        title=f"ChannelML {model.tag}",
        file=element.place.file,
        thread_safe=True,
    )


def _initial(names: Names) -> list[ir.Stmt]:
    peak = names.fresh("peak")
    rise, decay = var("tau_rise"), var("tau_decay")
    at_zero = Formula(ir.Binary("==", rise.expr, ir.Num(0.0)))
    return [
        choose(at_zero, [assign("tau_rise", 1e-9)], []),
        choose(rise / decay > _ALPHA, [assign("tau_rise", _ALPHA * decay)], []),
        assign("A", 0.0),
        assign("B", 0.0),
        assign(peak, (rise * decay) / (decay - rise) * call("log", decay / rise)),
        assign("factor", 1.0 / (call("exp", -var(peak) / decay) - call("exp", -var(peak) / rise))),
    ]


def _block(block: Element, units: Units, names: Names, body: list[ir.Stmt]) -> Formula:
    """What an ion that blocks the channel leaves open."""
    block.only(("species", "conc", "eta", "gamma"))
    conc = names.add(
        block, f"{identifier(block, 'species')}_conc", "PARAMETER", "mM", units.number(block, "conc", "concentration")
    )
    names.add(block, "eta", "PARAMETER", "/mM", units.number(block, "eta", "per concentration"))
    names.add(block, "gamma", "PARAMETER", "/mV", units.number(block, "gamma", "per voltage"))
    names.add(block, "gblock", "ASSIGNED")
    blocked = var(conc) * var("eta") * call("exp", -1.0 * var("gamma") * var("v"))
    body.append(assign("gblock", 1.0 / (1.0 + blocked)))
    return var("gblock")


def _events(model: Element, units: Units, names: Names) -> tuple[ir.Routine, ir.Routine | None]:
    """What an event does; with plasticity, each NetCon has its own release probability and resources."""
    weight = names.fresh("weight")
    jump = var(weight) * var("factor")
    if model.tag != "fac_dep_syn":
        jumps = (assign("A", var("A") + jump), assign("B", var("B") + jump))
        return ir.Routine("net_receive", "NET_RECEIVE", jumps, (weight,), loc=NOWHERE), None
    plasticity = model.one("plasticity")
    plasticity.only(("init_release_prob", "tau_rec", "tau_fac"))
    names.add(plasticity, "tau_rec", "PARAMETER", "ms", units.number(plasticity, "tau_rec", "time"))
    names.add(plasticity, "tau_facil", "PARAMETER", "ms", units.number(plasticity, "tau_fac", "time"))
    names.add(plasticity, "Uinit", "PARAMETER", "", plain(plasticity, "init_release_prob"))
    if names.symbols["tau_rec"].default <= 0:
        raise plasticity.refuse("N320", "tau_rec is not positive", "write a positive time")
    used, left, last = (names.fresh(n) for n in ("U", "R", "tsyn"))
    since, recovered, faded, release = (names.fresh(n) for n in ("since", "recovered", "faded", "release"))
    facilitated = [
        assign(faded, var(used) * call("exp", -var(since) / var("tau_facil"))),
        assign(used, var(faded) + var("Uinit") * (1.0 - var(faded))),
    ]
    body = (
        choose(
            var(last) > 0.0,
            [
                assign(since, var("t") - var(last)),
                assign(recovered, call("exp", -var(since) / var("tau_rec"))),
                assign(left, var(left) * (1.0 - var(used)) * var(recovered) + 1.0 - var(recovered)),
                choose(var("tau_facil") > 0.0, list(facilitated), [assign(used, var("Uinit"))]),
            ],
            [],
        ),
        assign(release, var(used) * var(left)),
        assign("A", var("A") + jump * var(release)),
        assign("B", var("B") + jump * var(release)),
        assign(last, var("t")),
    )
    args, results = (weight, used, left, last), (used, left, last)
    start = (assign(last, -1.0), assign(used, var("Uinit")), assign(left, 1.0))
    return (
        ir.Routine("net_receive", "NET_RECEIVE", body, args, results, loc=NOWHERE),
        ir.Routine("net_initial", "INITIAL", start, args, results, loc=NOWHERE),
    )
