"""ion_concentration: a pool under the membrane that decays to its resting concentration."""

from __future__ import annotations

from mod_translator import ir
from mod_translator.channelml.units import Units, plain
from mod_translator.formula import NOWHERE, Formula, assign, choose, var
from mod_translator.neuroml.document import Element
from mod_translator.neuroml.names import Names, identifier

_PI, _FARADAY = 3.14159265, 96494.0  # the numbers of ChannelML's mapping to NEURON


def lower(element: Element, root: Element, units: Units) -> ir.Mechanism:
    """The pool: READ the current, WRITE the concentration inside."""
    element.only(("name",), ("status", "ion_species", "decaying_pool_model"))
    species = element.one("ion_species")
    species.only(("name",))
    ion = identifier(species, "name")
    ions = [i for i in root.all("ion") if i.get("name") != "non_specific"]
    if [i.get("name") for i in ions] != [ion]:
        raise element.refuse("N301", f"a pool of {ion}, and not one element ion of that name", "write one")
    ions[0].only(("name", "charge", "role", "default_erev"))
    charge = plain(ions[0], "charge")
    if charge == 0:
        raise ions[0].refuse("N320", "charge is zero", "write another number")
    model = element.one("decaying_pool_model")
    model.only(("resting_conc", "decay_constant", "inv_decay_constant", "ceiling"), ("pool_volume_info",))
    volume = model.one("pool_volume_info")
    volume.only(("shell_thickness",))
    names = Names()
    inside, total = f"{ion}i", f"i{ion}"
    names.add(element, inside, "STATE", "mM", role=ir.Role.ION, visible=False)
    names.add(element, total, "ASSIGNED", "mA/cm2", role=ir.Role.ION, visible=False)
    names.add(model, "rest_conc", "PARAMETER", "mM", units.number(model, "resting_conc", "concentration"))
    names.add(volume, "thickness", "PARAMETER", "um", units.number(volume, "shell_thickness", "length"))
    names.add(volume, "volume_pool", "ASSIGNED", "um3")
    decay = _decay(model, units, names, inside)
    influx = var(total) * (var("area") * 1e-8) * -1.0 / (charge * _FARADAY * (var("volume_pool") * 1e-12))
    name = names.fresh("conc")
    body = (ir.Derivative(inside, (influx - decay).expr, NOWHERE),)
    routine = ir.Routine(name, "DERIVATIVE", body, method="derivimplicit", loc=NOWHERE)
    advance: list[ir.Stmt] = [ir.CallRoutine(name, (), NOWHERE)]
    if "ceiling" in model.attributes:
        names.add(model, "ceiling", "PARAMETER", "mM", units.number(model, "ceiling", "concentration"))
        advance.append(choose(var(inside) < 0.0, [assign(inside, 0.0)], []))
        advance.append(choose(var(inside) > var("ceiling"), [assign(inside, var("ceiling"))], []))
    return ir.Mechanism(
        identifier(element, "name"),
        ir.Kind.DENSITY,
        names.symbols,
        (ir.IonUse(ion, (total,), (inside,), charge),),
        routines={name: routine},
        initial=ir.Routine("initial", "INITIAL", (*_volume(names), assign(inside, var("rest_conc"))), loc=NOWHERE),
        advance=ir.Routine("advance", "SOLVE", tuple(advance), loc=NOWHERE),
        title="ChannelML ion_concentration",
        file=element.place.file,
        thread_safe=True,
    )


def _decay(model: Element, units: Units, names: Names, inside: str) -> Formula:
    given = [a for a in ("decay_constant", "inv_decay_constant") if a in model.attributes]
    if len(given) != 1:
        raise model.refuse("N301", "not one of decay_constant and inv_decay_constant", "write one")
    excess = var(inside) - var("rest_conc")
    if given == ["decay_constant"]:
        tau = names.add(model, "tau", "PARAMETER", "ms", units.number(model, "decay_constant", "time"))
        return excess / var(tau)
    return excess * var(names.add(model, "beta", "PARAMETER", "/ms", units.number(model, "inv_decay_constant", "rate")))


def _volume(names: Names) -> list[ir.Stmt]:
    """The shell under the surface of a sphere, or of a cylinder where the area is not that of a sphere."""
    inner, length, excess = (names.fresh(n) for n in ("inner", "cylinder", "excess"))
    diam = var("diam")
    sphere = (diam * diam * diam - var(inner) * var(inner) * var(inner)) * (_PI / 6)
    cylinder = (diam * diam - var(inner) * var(inner)) * (_PI / 4) * var(length)
    is_sphere = Formula(ir.Binary("&&", (var(excess) < 1e-3).expr, (var(excess) > -1e-3).expr))
    return [
        assign(inner, diam - 2.0 * var("thickness")),
        assign(length, var("area") / (diam * _PI)),
        assign(excess, var("area") - _PI * diam * diam),
        choose(is_sphere, [assign("volume_pool", sphere)], [assign("volume_pool", cylinder)]),
    ]
