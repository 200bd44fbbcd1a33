"""Rates, time courses and steady states of gates, and what scales them with temperature."""

from __future__ import annotations

from mod_translator import ir
from mod_translator.formula import Formula, assign, call, choose, formula, var
from mod_translator.neuroml.document import Element
from mod_translator.neuroml.names import Names
from mod_translator.neuroml.quantities import number, temperature

# type -> (shape, dimension of its `rate`)
_STANDARD = {
    "HHExpRate": ("exp", "per_time"),
    "HHSigmoidRate": ("sigmoid", "per_time"),
    "HHExpLinearRate": ("linear", "per_time"),
    "HHExpVariable": ("exp", "none"),
    "HHSigmoidVariable": ("sigmoid", "none"),
    "HHExpLinearVariable": ("linear", "none"),
}


def standard(element: Element, dimension: str, names: Names, body: list[ir.Stmt]) -> Formula:
    """The value of a rate, steady state or time course at v, in NEURON's units."""
    kind = element.get("type")
    if kind == "fixedTimeCourse" and dimension == "time":
        element.only(("type", "tau"))
        return formula(number(element, "tau", "time"))
    if kind not in _STANDARD or _STANDARD[kind][1] != dimension:
        reason = f"{element.tag} of type {kind[:60]}"
        raise element.refuse("N330", reason, "use one of NeuroML's standard HH rates; LEMS definitions are not read")
    element.only(("type", "rate", "midpoint", "scale"))
    rate = number(element, "rate", dimension)
    scale = number(element, "scale", "voltage")
    if scale == 0.0:
        raise element.refuse("N320", "scale is zero", "write another number")
    x = (var("v") - number(element, "midpoint", "voltage")) / scale
    shape = _STANDARD[kind][0]
    if shape == "exp":
        return rate * call("exp", x)
    if shape == "sigmoid":
        return rate / (1.0 + call("exp", -x))
    ratio, value = names.fresh("x"), names.fresh("value")
    at_zero = Formula(ir.Binary("==", ir.Var(ratio), ir.Num(0.0)))
    body += [
        assign(ratio, x),
        choose(
            at_zero,
            [assign(value, rate)],
            [assign(value, rate * var(ratio) / (1.0 - call("exp", -var(ratio))))],
        ),
    ]
    return var(value)


_THERMAL = 25.3  # mV, the number in NeuroML's own definition


def v_half(step: Element) -> tuple[Formula, Formula]:
    """The forward and the reverse rate of a vHalfTransition, in /ms."""
    step.only(("id", "from", "to", "vHalf", "z", "gamma", "tau", "tauMin"))
    z, gamma = number(step, "z", "none"), number(step, "gamma", "none")
    tau, least = number(step, "tau", "time"), number(step, "tauMin", "time")
    if tau <= 0 or least < 0:
        raise step.refuse("N320", "a tau that is not positive, or a negative tauMin", "write a positive time")
    x = (var("v") - number(step, "vHalf", "voltage")) / _THERMAL
    forward = call("exp", z * gamma * x) / tau
    reverse = call("exp", -z * (1.0 - gamma) * x) / tau
    return 1.0 / (1.0 / forward + least), 1.0 / (1.0 / reverse + least)


def q10(element: Element) -> Formula:
    """The factor by which the temperature changes a rate or a conductance."""
    element.only(("type", "q10Factor", "experimentalTemp"))
    change = (var("celsius") - temperature(element, "experimentalTemp")) / 10.0
    return call("pow", number(element, "q10Factor", "none"), change)


def rate_scale(gate: Element) -> Formula:
    """The product of the q10Settings of a gate."""
    product = formula(1.0)
    for setting in gate.all("q10Settings"):
        if setting.get("type") == "q10Fixed":
            setting.only(("type", "fixedQ10"))
            product = product * number(setting, "fixedQ10", "none")
        elif setting.get("type") == "q10ExpTemp":
            product = product * q10(setting)
        else:
            raise setting.refuse("N331", f"q10Settings of type {setting.get('type')[:60]}", "use q10ExpTemp")
    return product
