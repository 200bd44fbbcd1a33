"""What a rate, a time course or a steady state is at v, in NEURON's units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mod_translator import ir
from mod_translator.channelml import expression
from mod_translator.channelml.units import Units
from mod_translator.formula import Formula, assign, call, choose, var
from mod_translator.neuroml.document import Element
from mod_translator.neuroml.names import Names

QUANTITIES = {"alpha": "rate", "beta": "rate", "tau": "time", "inf": "none"}
_SMALL = 1e-6  # |x| under which x/(1 - exp(-x)) is 1 + x/2


@dataclass(frozen=True)
class Rate:
    """One expression of a gate. form: exponential, sigmoid, exp_linear (with rate, scale, midpoint) or generic.

    role: alpha, beta, tau or inf. rate, scale, midpoint: in NEURON's units. element: where it stands, and its expr.
    """

    role: str
    form: str
    element: Element
    rate: float = 0.0
    scale: float = 1.0
    midpoint: float = 0.0

    def value(
        self, v: Formula, units: Units, known: Mapping[str, Formula], names: Names, body: list[ir.Stmt]
    ) -> Formula:
        """The value at v. known: what else a generic expression may name, in the units of the file."""
        if self.form == "generic":
            own = {"v": v * units.factor("per voltage"), **known}
            return expression.read(self.element, own, names, body) * units.factor(QUANTITIES[self.role])
        x = (v - self.midpoint) / self.scale
        if self.form == "exponential":
            return self.rate * call("exp", x)
        if self.form == "sigmoid":
            return self.rate / (call("exp", x) + 1.0)
        ratio, value = names.fresh("x"), names.fresh("linear")
        body += [
            assign(ratio, x),
            choose(
                call("fabs", var(ratio)) < _SMALL,
                [assign(value, self.rate * (1.0 + var(ratio) / 2.0))],
                [assign(value, self.rate * (var(ratio) / (1.0 - call("exp", -var(ratio)))))],
            ),
        ]
        return var(value)
