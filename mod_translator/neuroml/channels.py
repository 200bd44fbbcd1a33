"""ionChannelHH, ionChannelPassive, ionChannelKS (Channels.xml of NeuroML 2)."""

from __future__ import annotations

from mod_translator import ir
from mod_translator.formula import NOWHERE, Formula, assign, formula, var
from mod_translator.neuroml.document import Element
from mod_translator.neuroml.names import Names, identifier
from mod_translator.neuroml.quantities import number
from mod_translator.neuroml.rates import q10, rate_scale, standard, v_half

CHANNELS = ("ionChannel", "ionChannelHH", "ionChannelPassive", "ionChannelKS")
_RATES = ("forwardRate", "reverseRate")
_GATES: dict[str, tuple[str, ...]] = {
    "gateHHrates": _RATES,
    "gateHHtauInf": ("timeCourse", "steadyState"),
    "gateHHratesTau": (*_RATES, "timeCourse"),
    "gateHHratesInf": (*_RATES, "steadyState"),
    "gateHHratesTauInf": (*_RATES, "timeCourse", "steadyState"),
    "gateHHInstantaneous": ("steadyState",),
}
_SCALING = "q10ConductanceScaling"
_POOL_IONS = {"na": "na", "k": "k", "ca": "ca"}


class Channel:
    """Lowers one channel."""

    def __init__(self, element: Element) -> None:
        self.element = element
        self.names = Names()
        self.initial: list[ir.Stmt] = []
        self.kinetics: list[ir.Stmt] = []  # of the DERIVATIVE block
        self.solves: list[ir.Stmt] = []
        self.current: list[ir.Stmt] = []
        self.routines: dict[str, ir.Routine] = {}

    def lower(self) -> ir.Mechanism:
        """The mechanism before the passes."""
        element, names = self.element, self.names
        element.only(("id", "conductance", "species", "type"), (*_GATES, "gate", "gateFractional", "gateKS", _SCALING))
        if element.attributes.get("type", element.tag) not in CHANNELS:
            raise element.refuse("N332", f"a channel of type {element.attributes['type'][:60]}", "use ionChannelHH")
        if "conductance" in element.attributes:
            number(element, "conductance", "conductance")
        ion = _POOL_IONS.get(element.attributes.get("species", ""), "")
        names.add(element, "gmax", "PARAMETER", "S/cm2")
        if not ion:
            names.add(element, "e", "PARAMETER", "mV")
        for name, unit in (("fopen", ""), ("gion", "S/cm2")):
            names.add(element, name, "ASSIGNED", unit)
        reversal, total = (f"e{ion}", f"i{ion}") if ion else ("e", "i")
        if ion:
            names.add(element, reversal, "ASSIGNED", "mV", role=ir.Role.ION, visible=False)
            names.add(element, total, "ASSIGNED", "mA/cm2", role=ir.Role.ION, visible=False)
        else:
            names.add(element, total, "ASSIGNED", "mA/cm2")
        open_ = formula(1.0)
        for part in element.children:
            open_ = open_ * (self._scaling(part) if part.tag == _SCALING else self._gate(part))
        self.current += [
            assign("fopen", open_),
            assign("gion", var("gmax") * var("fopen")),
            assign(total, var("gion") * (var("v") - var(reversal))),
        ]
        if self.kinetics:
            states = names.fresh("states")
            self.routines[states] = ir.Routine(states, "DERIVATIVE", tuple(self.kinetics), method="cnexp", loc=NOWHERE)
            self.solves.insert(0, ir.CallRoutine(states, (), NOWHERE))
        return ir.Mechanism(
            identifier(element),
            ir.Kind.DENSITY,
            names.symbols,
            (ir.IonUse(ion, (reversal,), (total,)),) if ion else (),
            (ir.Current(total, ion or None),),
            self.routines,
            ir.Routine("initial", "INITIAL", tuple(self.initial), loc=NOWHERE) if self.initial else None,
            ir.Routine("current", "BREAKPOINT", tuple(self.current), loc=NOWHERE),
            ir.Routine("advance", "SOLVE", tuple(self.solves), loc=NOWHERE) if self.solves else None,
            title=f"NeuroML {element.tag}",
            file=element.place.file,
            thread_safe=True,
        )

    def _scaling(self, scaling: Element) -> Formula:
        """What the temperature multiplies the conductance by."""
        if self.element.tag == "ionChannelKS":
            raise scaling.refuse("N303", f"{_SCALING} in ionChannelKS, where NeuroML does not use it", "remove it")
        return q10(scaling)

    def _gate(self, gate: Element) -> Formula:
        """What the gate multiplies the conductance by."""
        kind = gate.get("type") if gate.tag == "gate" else gate.tag
        instances = number(gate, "instances", "none")
        if kind in _GATES:
            q = self._hh(gate, kind)
        elif kind == "gateFractional":
            q = self._fractional(gate)
        elif kind == "gateKS":
            q = self._scheme(gate)
        else:
            raise gate.refuse("N333", f"a gate of type {kind[:60]}", f"use one of {', '.join(_GATES)}")
        return q if instances == 1.0 else q**instances

    def _hh(self, gate: Element, kind: str) -> Formula:
        attributes = ("id", "instances", "type") if gate.tag == "gate" else ("id", "instances")
        gate.only(attributes, (*_GATES[kind], "q10Settings"))
        q = self.names.add(gate, f"{identifier(gate)}_q", "STATE")
        if kind == "gateHHInstantaneous":
            self.names.symbols[q] = ir.Symbol(q, ir.Role.INSTANCE, "ASSIGNED", visible=True)
            self.current.append(assign(q, standard(gate.one("steadyState"), "none", self.names, self.current)))
            return var(q)
        for body, starts in ((self.initial, True), (self.kinetics, False)):
            inf, tau = self._inf_tau(gate, kind, body)
            if starts:
                body.append(assign(q, inf))
            else:
                self._relax(q, inf, tau / rate_scale(gate))
        return var(q)

    def _inf_tau(self, gate: Element, kind: str, body: list[ir.Stmt]) -> tuple[Formula, Formula]:
        parts = _GATES[kind]
        total = inf = tau = formula(1.0)
        if "forwardRate" in parts:
            alpha = self._keep(standard(gate.one("forwardRate"), "per_time", self.names, body), "alpha", body)
            beta = self._keep(standard(gate.one("reverseRate"), "per_time", self.names, body), "beta", body)
            total = alpha + beta
            inf, tau = alpha / total, 1.0 / total
        if "steadyState" in parts:
            inf = standard(gate.one("steadyState"), "none", self.names, body)
        if "timeCourse" in parts:
            tau = standard(gate.one("timeCourse"), "time", self.names, body)
        return inf, tau

    def _keep(self, value: Formula, name: str, body: list[ir.Stmt]) -> Formula:
        own = self.names.fresh(name)
        body.append(assign(own, value))
        return var(own)

    def _relax(self, q: str, inf: Formula, tau: Formula) -> None:
        """q' = (inf - q)/tau."""
        inf, tau = self._keep(inf, "inf", self.kinetics), self._keep(tau, "tau", self.kinetics)
        self.kinetics.append(ir.Derivative(q, ((inf - var(q)) / tau).expr, NOWHERE))

    def _fractional(self, gate: Element) -> Formula:
        gate.only(("id", "instances"), ("subGate", "q10Settings"))
        total: Formula | None = None
        for part in gate.all("subGate"):
            part.only(("id", "fractionalConductance"), ("steadyState", "timeCourse"))
            q = self.names.add(part, f"{identifier(gate)}_{identifier(part)}_q", "STATE")
            self.initial.append(assign(q, standard(part.one("steadyState"), "none", self.names, self.initial)))
            inf = standard(part.one("steadyState"), "none", self.names, self.kinetics)
            tau = standard(part.one("timeCourse"), "time", self.names, self.kinetics)
            self._relax(q, inf, tau / rate_scale(gate))
            share = number(part, "fractionalConductance", "none") * var(q)
            total = share if total is None else total + share
        if total is None:
            raise gate.refuse("N301", "a gateFractional without a subGate", "add one")
        return total

    def _scheme(self, gate: Element) -> Formula:
        """A kinetic scheme, from its steady state at the start; the occupancies add up to 1."""
        kinds = (
            "closedState",
            "openState",
            "forwardTransition",
            "reverseTransition",
            "tauInfTransition",
            "vHalfTransition",
        )
        gate.only(("id", "instances"), kinds)
        prefix = identifier(gate)
        members = list(gate.all("closedState", "openState"))
        names = {identifier(s): self.names.add(s, f"{prefix}_{identifier(s)}", "STATE") for s in members}
        states = tuple(names.values())
        if not states:
            raise gate.refuse("N301", "a gateKS without states", "add them")
        body: list[ir.Stmt] = []
        change: dict[str, Formula] = {}
        for step in gate.all(*kinds[2:]):
            source, target = (self._end(step, end, names) for end in ("from", "to"))
            flow = self.names.fresh("flow")
            body.append(assign(flow, self._flow(step, source, target, body)))
            change[source] = change[source] - var(flow) if source in change else -var(flow)
            change[target] = change[target] + var(flow) if target in change else var(flow)
        results = [self.names.fresh(f"D{s}") for s in states]
        body += [assign(r, change.get(s, formula(0.0))) for r, s in zip(results[:-1], states[:-1], strict=True)]
        total = formula(1.0)
        for s in states:
            total = total - var(s)
        body.append(assign(results[-1], total))
        name = self.names.fresh(f"{prefix}_scheme")
        self.routines[name] = ir.Routine(name, "RATES", tuple(body), states, tuple(results), loc=NOWHERE)
        solve = ir.SolveImplicit("sparse", states, name, NOWHERE, algebraic=states[-1:], linear=True)
        self.initial += [assign(s, 0.0) for s in states]
        self.initial.append(ir.SolveImplicit("sparse", states, name, NOWHERE, (states[-1],), linear=True, steady=True))
        self.solves.append(solve)
        opened = [names[identifier(s)] for s in members if s.tag == "openState"]
        return sum((var(s) for s in opened[1:]), var(opened[0])) if opened else formula(0.0)

    @staticmethod
    def _end(step: Element, end: str, names: dict[str, str]) -> str:
        if step.get(end) not in names:
            raise step.refuse("N334", f"a transition {end} {step.get(end)[:60]}, which is no state", "correct it")
        return names[step.get(end)]

    def _flow(self, step: Element, source: str, target: str, body: list[ir.Stmt]) -> Formula:
        if step.tag == "vHalfTransition":
            forward, reverse = (self._keep(rate, "rate", body) for rate in v_half(step))
            return forward * var(source) - reverse * var(target)
        if step.tag == "tauInfTransition":
            step.only(("id", "from", "to"), ("steadyState", "timeCourse"))
            inf = self._keep(standard(step.one("steadyState"), "none", self.names, body), "inf", body)
            tau = self._keep(standard(step.one("timeCourse"), "time", self.names, body), "tau", body)
            return inf / tau * var(source) - (1.0 - inf) / tau * var(target)
        step.only(("id", "from", "to"), ("rate",))
        rate = standard(step.one("rate"), "per_time", self.names, body)
        return rate * var(source) if step.tag == "forwardTransition" else -(rate * var(target))
