"""decayingPoolConcentrationModel and fixedFactorConcentrationModel (Cells.xml of NeuroML 2)."""

from __future__ import annotations

from mod_translator import ir
from mod_translator.formula import NOWHERE, Formula, assign, call, choose, formula, var
from mod_translator.neuroml.document import Element
from mod_translator.neuroml.names import Names, identifier
from mod_translator.neuroml.quantities import number

POOLS = ("concentrationModel", "decayingPoolConcentrationModel", "fixedFactorConcentrationModel")
_FARADAY, _PI = 96485.3, 3.14159  # C/mol; the numbers in NeuroML's own definition


def lower(element: Element) -> ir.Mechanism:
    """The pool of calcium: READ ica, WRITE cai; it starts from the concentration that NEURON starts from."""
    kind = element.attributes.get("type", element.tag)
    ion = element.get("ion")
    if ion != "ca":
        raise element.refuse("N340", f"a concentration model of {ion[:40]}", "only calcium (ca) is supported")
    names = Names()
    inside, total = "cai", "ica"
    names.add(element, inside, "STATE", "mM", role=ir.Role.ION, visible=False)
    names.add(element, total, "ASSIGNED", "mA/cm2", role=ir.Role.ION, visible=False)
    common = ("id", "type", "ion", "restingConc", "decayConstant", "species")
    resting, decay = number(element, "restingConc", "concentration"), number(element, "decayConstant", "time")
    if decay <= 0:
        raise element.refuse("N320", "a decayConstant that is not positive", "write a positive time")
    body: list[ir.Stmt] = []
    if kind == "decayingPoolConcentrationModel":
        element.only((*common, "shellThickness"))
        influx = _of_shell(number(element, "shellThickness", "length"), total, names, body)
    elif kind == "fixedFactorConcentrationModel":
        element.only((*common, "rho"))
        influx = -number(element, "rho", "rho_factor") * var(total)
    else:
        raise element.refuse("N341", f"a concentration model of type {kind[:60]}", f"use one of {', '.join(POOLS[1:])}")
    rate = names.fresh("influx")
    body.append(assign(rate, influx))
    change = var(rate) - (var(inside) - resting) / decay
    body.append(ir.Derivative(inside, change.expr, NOWHERE))
    name = names.fresh("states")
    routine = ir.Routine(name, "DERIVATIVE", tuple(body), method="cnexp", loc=NOWHERE)
    never_negative = choose(var(inside) < 0.0, [assign(inside, 0.0)], [])
    return ir.Mechanism(
        identifier(element),
        ir.Kind.DENSITY,
        names.symbols,
        (ir.IonUse(ion, (inside, total), (inside,)),),
        routines={name: routine},
        advance=ir.Routine("advance", "SOLVE", (ir.CallRoutine(name, (), NOWHERE), never_negative), loc=NOWHERE),
        title=f"NeuroML {kind}",
        file=element.place.file,
        thread_safe=True,
    )


def _of_shell(thickness: float, total: str, names: Names, body: list[ir.Stmt]) -> Formula:
    """mM/ms that a current density (mA/cm2) brings into the shell under the surface of a sphere of the same area."""
    radius, volume = names.fresh("radius"), names.fresh("volume")
    inner = var(radius) - thickness
    body += [
        assign(radius, call("sqrt", var("area") / (4.0 * _PI))),
        assign(volume, (var(radius) ** 3.0 - inner * inner * inner) * (4.0 * _PI / 3.0)),
    ]
    # 1 mA/cm2 through 1 um2 into 1 um3 is 1e7 A/m3, and mol/m3 are mM: 1e4 mM/ms for each C/mol
    return formula(-1e4) * var(total) * var("area") / (2.0 * _FARADAY * var(volume))
