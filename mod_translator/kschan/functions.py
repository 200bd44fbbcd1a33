"""The rate functions of a transition as formulas (KSChanFunction and its classes in src/nrniv/kschan.h)."""

from __future__ import annotations

from dataclasses import dataclass, field

from mod_translator import ir
from mod_translator.formula import Formula, Operand, assign, call, choose, formula, var
from mod_translator.kschan.channel import (
    BG_INF,
    BG_TAU,
    CONSTANT,
    EXPONENTIAL,
    INF_TAU,
    LINOID,
    SIGMOID,
    TABLE,
    Channel,
    Function,
    Transition,
)
from mod_translator.passes.walk import fresh
from mod_translator.semantic.names import FUNC_TABLE

_E_OVER_K = 0.001 * 1.602176634e-19 / 1.380649e-23  # as src/oc/nrnunits.h computes it


@dataclass
class Rates:
    """Writes formulas of one channel.

    names: taken by the channel. parameters: those of the functions, by name. tables: values, low, high by name.
    """

    channel: Channel
    names: set[str]
    parameters: dict[str, float] = field(default_factory=dict)
    tables: dict[str, tuple[tuple[float, ...], float, float]] = field(default_factory=dict)
    _named: dict[tuple[int, int], tuple[str, ...]] = field(default_factory=dict)

    def local(self, wanted: str) -> str:
        """A name that nothing else has."""
        return fresh(wanted, self.names)

    def forward_and_back(self, transition: Transition, body: list[ir.Stmt]) -> tuple[Formula, Formula]:
        """alpha and beta (per ms) as KSTransition::ab computes them; statements that they need go to `body`."""
        if transition.ligand:
            concentration, power = var(transition.ligand), transition.stoichiometry
            factor = concentration if power == 1 else concentration ** float(power)
            return factor * self._parameters(transition, 0)[0], self._parameters(transition, 1)[0]
        a, b = self._pair(transition, body)
        if transition.kind != INF_TAU:
            return a, b
        return a / b, (1.0 - a) / b

    def inf_and_tau(self, transition: Transition, body: list[ir.Stmt]) -> tuple[Formula, Formula]:
        """As KSTransition::inftau computes them."""
        a, b = self._pair(transition, body)
        if transition.kind == INF_TAU:
            return a, b
        t = self._keep("t", 1.0 / (a + b), body)
        return a * t, t

    def start(self, transition: Transition, body: list[ir.Stmt]) -> Formula:
        """KSTransition::inf, which the initial state is."""
        a = self._keep("a", self._value(transition, 0, body), body)
        if transition.kind == INF_TAU:
            return a
        return a / (a + self._value(transition, 1, body))

    def _pair(self, transition: Transition, body: list[ir.Stmt]) -> tuple[Formula, Formula]:
        first, second = transition.first.kind, transition.second.kind
        if (first, second) == (BG_INF, BG_TAU):  # tau is then that of the first one's parameters
            up, down = self._borg_graham(self._parameters(transition, 0), body)
            tau = self._keep("tau", 1.0 / (up + down), body)
            return up * tau, tau + self._parameters(transition, 0)[4]
        a, b = self._value(transition, 0, body), self._value(transition, 1, body)
        return self._keep("a", a, body), self._keep("b", b, body)

    def _keep(self, name: str, value: Formula, body: list[ir.Stmt]) -> Formula:
        if isinstance(value.expr, ir.Var | ir.Num):
            return value
        own = self.local(name)
        body.append(assign(own, value))
        return var(own)

    def _borg_graham(self, c: tuple[Formula, ...], body: list[ir.Stmt]) -> tuple[Formula, Formula]:
        x = self._keep("x", _E_OVER_K / (273.15 + var("celsius")) * c[2] * (var("v") - c[1]), body)
        up, down = c[0] * call("exp", c[3] * x), c[0] * call("exp", (c[3] - 1.0) * x)
        return self._keep("up", up, body), self._keep("down", down, body)

    def _value(self, transition: Transition, which: int, body: list[ir.Stmt]) -> Formula:
        function = (transition.first, transition.second)[which]
        if function.kind == TABLE:
            return self._table(transition, which, function)
        c, v = self._parameters(transition, which), var("v")
        if function.kind == CONSTANT:
            return c[0]
        if function.kind == EXPONENTIAL:
            return c[0] * call("exp", c[1] * (v - c[2]))
        if function.kind == SIGMOID:
            return c[0] / (1.0 + call("exp", c[1] * (v - c[2])))
        if function.kind == LINOID:
            x, result = self._keep("x", c[1] * (v - c[2]), body), self.local("linoid")
            regular: Operand = c[0] * x / (1.0 - call("exp", -x))
            body.append(
                choose(
                    call("fabs", x) > 1e-6,
                    [assign(result, regular)],
                    [assign(result, c[0] * (1.0 + x / 2.0))],
                )
            )
            return var(result)
        if function.kind in (BG_INF, BG_TAU):
            up, down = self._borg_graham(c, body)
            tau = self._keep("tau", 1.0 / (up + down), body)
            return up * tau if function.kind == BG_INF else tau + c[4]
        return formula(1.0)

    def _stem(self, transition: Transition, which: int) -> str:
        states = self.channel.states
        own = transition.source == transition.target
        ends = states[transition.source].name + ("" if own else f"_{states[transition.target].name}")
        kinds = ("inf", "tau") if transition.kind == INF_TAU else ("alpha", "beta")
        return f"{ends}_{kinds[which]}"

    def _parameters(self, transition: Transition, which: int) -> tuple[Formula, ...]:
        key = (self.channel.transitions.index(transition), which)
        if key not in self._named:
            function = (transition.first, transition.second)[which]
            stem = self._stem(transition, which)
            named = tuple(self.local(f"{stem}{k}") for k in range(len(function.parameters)))
            self.parameters |= dict(zip(named, function.parameters, strict=True))
            self._named[key] = named
        return tuple(var(name) for name in self._named[key])

    def _table(self, transition: Transition, which: int, function: Function) -> Formula:
        key = (self.channel.transitions.index(transition), which)
        if key not in self._named:
            self._named[key] = (self.local(f"table_{self._stem(transition, which)}"),)
            self.tables[self._named[key][0]] = (function.parameters, function.low, function.high)
        return call(FUNC_TABLE, var(self._named[key][0]), var("v"))
