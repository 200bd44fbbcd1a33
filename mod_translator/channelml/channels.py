"""channel_type: an ohmic current through gates."""

from __future__ import annotations

from mod_translator import ir
from mod_translator.channelml import expression, form, schemes
from mod_translator.channelml.form import Form, Gate
from mod_translator.channelml.units import Units, plain
from mod_translator.formula import NOWHERE, Formula, assign, call, formula, var
from mod_translator.neuroml.document import Element
from mod_translator.neuroml.names import Names, identifier


class Channel:
    """Lowers one channel."""

    def __init__(self, element: Element, root: Element, units: Units) -> None:
        self.element = element
        self.units = units
        self.form: Form = form.read(element, root, units)
        self.names = Names()
        self.parameters: dict[str, Formula] = {}  # what generic expressions may name
        self.routines: dict[str, ir.Routine] = {}

    def lower(self) -> ir.Mechanism:
        """The mechanism before the passes."""
        names, channel = self.names, self.form
        if channel.gates and not channel.permeant:
            reason = "gates of a non_specific current, which ChannelML's mapping to NEURON leaves out"
            raise channel.gates[0].element.refuse("N353", reason, "name an ion")
        names.add(self.element, "gmax", "PARAMETER", "S/cm2", channel.gmax)
        if not channel.permeant:
            return self._leak()
        names.add(self.element, "gion", "ASSIGNED", "S/cm2")
        reversal, total = f"e{channel.permeant}", f"i{channel.permeant}"
        if channel.reads_erev:
            names.add(self.element, reversal, "ASSIGNED", "mV", role=ir.Role.ION, visible=False)
        else:
            names.add(self.element, reversal, "PARAMETER", "mV", channel.erev)
        names.add(self.element, total, "ASSIGNED", "mA/cm2", role=ir.Role.ION, visible=False)
        reads = (reversal,) if channel.reads_erev else ()
        ions = [ir.IonUse(channel.permeant, reads, (total,), channel.charge)]
        inside = {e.get("ion"): self._sensed(e, ions) for e in (*channel.sensed, *channel.factors)}
        for block in self.element.all("parameters"):
            for parameter in block.children:
                parameter.only(("name", "value"))
                name = names.add(parameter, identifier(parameter, "name"), "PARAMETER", "", plain(parameter, "value"))
                self.parameters[name] = var(name)
        for sensed in channel.sensed:
            local = var(inside[sensed.get("ion")]) * (1.0 / self.units.factor("concentration"))
            self.parameters[identifier(sensed, "variable_name")] = local
        initial, advance, opened = self._gates()
        current: list[ir.Stmt] = [assign("gion", var("gmax") * opened)]
        for factor in channel.factors:
            known = {identifier(factor, "variable_name"): var(inside[factor.get("ion")]) * self._per_concentration()}
            value = expression.read(factor, known, names, current)
            current.append(assign("gion", var("gion") * value))
        current.append(assign(total, var("gion") * (var("v") - var(reversal))))
        return self._mechanism(tuple(ions), ir.Current(total, channel.permeant), initial, current, advance)

    def _per_concentration(self) -> float:
        return 1.0 / self.units.factor("concentration")

    def _leak(self) -> ir.Mechanism:
        self.names.add(self.element, "e", "PARAMETER", "mV", self.form.erev)
        self.names.add(self.element, "i", "ASSIGNED", "mA/cm2")
        if self.form.sensed or self.form.factors:
            raise self.element.refuse("N353", "a non_specific current that depends on a concentration", "name an ion")
        return self._mechanism((), ir.Current("i"), [], [assign("i", var("gmax") * (var("v") - var("e")))], [])

    def _mechanism(
        self,
        ions: tuple[ir.IonUse, ...],
        which: ir.Current,
        initial: list[ir.Stmt],
        current: list[ir.Stmt],
        advance: list[ir.Stmt],
    ) -> ir.Mechanism:
        return ir.Mechanism(
            identifier(self.element, "name"),
            ir.Kind.DENSITY,
            self.names.symbols,
            ions,
            (which,),
            self.routines,
            ir.Routine("initial", "INITIAL", tuple(initial), loc=NOWHERE) if initial else None,
            ir.Routine("current", "BREAKPOINT", tuple(current), loc=NOWHERE),
            ir.Routine("advance", "SOLVE", tuple(advance), loc=NOWHERE) if advance else None,
            title="ChannelML channel_type",
            file=self.element.place.file,
            thread_safe=True,
        )

    def _sensed(self, element: Element, ions: list[ir.IonUse]) -> str:
        """The concentration inside that an element depends on."""
        if element.tag == "conc_dependence":
            element.only(("name", "ion", "charge", "variable_name", "min_conc", "max_conc"))
        else:
            element.only(("name", "ion", "charge", "variable_name", "min_conc", "max_conc", "expr"))
        ion = identifier(element, "ion")
        if ion == self.form.permeant:
            raise element.refuse(
                "N353", f"a current of {ion} that depends on {ion}", "ChannelML's mapping cannot do it"
            )
        inside = f"{ion}i"
        if not any(u.name == ion for u in ions):
            self.names.add(element, inside, "ASSIGNED", "mM", role=ir.Role.ION, visible=False)
            ions.append(
                ir.IonUse(ion, (inside,), (), plain(element, "charge") if "charge" in element.attributes else None)
            )
        return inside

    # ------------------------------------------------------------------------------------------------------ gates

    def _gates(self) -> tuple[list[ir.Stmt], list[ir.Stmt], Formula]:
        """INITIAL, what advances the states, and what the gates multiply gmax by."""
        gates = self.form.gates
        if not gates:
            return [], [], formula(1.0)
        if any(g.scheme for g in gates):
            if len(gates) > 1:
                raise gates[1].element.refuse("N353", "a kinetic scheme beside another gate", "one gate in a channel")
            return self._scheme(gates[0])
        for gate in gates:
            self.names.add(gate.element, gate.state, "STATE")
            for suffix, unit in (("inf", ""), ("tau", "ms")):
                self.names.add(gate.element, gate.state + suffix, "ASSIGNED", unit)
        initial = self._rates()
        initial += [assign(g.state, var(f"{g.state}inf")) for g in gates]
        kinetics = self._rates()
        for gate in gates:
            change = (var(f"{gate.state}inf") - var(gate.state)) / var(f"{gate.state}tau")
            kinetics.append(ir.Derivative(gate.state, change.expr, NOWHERE))
        name = self.names.fresh("states")
        method = "derivimplicit" if self.form.sensed else "cnexp"
        self.routines[name] = ir.Routine(name, "DERIVATIVE", tuple(kinetics), method=method, loc=NOWHERE)
        opened = formula(1.0)
        for gate in gates:
            state = var(gate.state) if gate.fraction == 1 else gate.fraction * var(gate.state)
            opened = opened * (state if gate.instances == 1 else state**gate.instances)
        return initial, [ir.CallRoutine(name, (), NOWHERE)], opened

    def _shifted(self, body: list[ir.Stmt]) -> Formula:
        """The voltage that the rates see."""
        if self.form.offset == 0:
            return var("v")
        shifted = self.names.fresh("v_shifted")
        body.append(assign(shifted, var("v") - self.form.offset))
        return var(shifted)

    def _rates(self) -> list[ir.Stmt]:
        body: list[ir.Stmt] = []
        v = self._shifted(body)
        for gate in self.form.gates:
            values = self._values(gate, v, body)
            scale = self.temperature(gate.name, gate.state, body)
            for role, needed in (("inf", "steady_state"), ("tau", "time_course")):
                if role not in values and not {"alpha", "beta"} <= set(values):
                    raise gate.element.refuse("N301", f"a gate without {needed}, alpha and beta", "add them")
            total = values["alpha"] + values["beta"] if {"alpha", "beta"} <= set(values) else formula(1.0)
            inf = values["inf"] if "inf" in values else values["alpha"] / total
            tau = values["tau"] / scale if "tau" in values else 1.0 / (scale * total)
            body += [assign(f"{gate.state}inf", inf), assign(f"{gate.state}tau", tau)]
        return body

    def _values(self, gate: Gate, v: Formula, body: list[ir.Stmt]) -> dict[str, Formula]:
        """alpha, beta, tau, inf in NEURON's units, as far as they are given."""
        values: dict[str, Formula] = {}
        for rate in gate.rates:
            if rate.role in values:
                raise rate.element.refuse("N301", f"two expressions for {rate.role}", "keep one")
            rates = {n: values[n] * (1.0 / self.units.factor("rate")) for n in values if n in ("alpha", "beta")}
            known = {"celsius": var("celsius"), **self.parameters, **rates}
            own = self.names.fresh(rate.role)
            body.append(assign(own, rate.value(v, self.units, known, self.names, body)))
            values[rate.role] = var(own)
        return values

    def temperature(self, gate: str, state: str, body: list[ir.Stmt]) -> Formula:
        """What multiplies the rates of a gate."""
        found = formula(1.0)
        for setting in self.form.q10:
            setting.only(("gate", "q10_factor", "experimental_temp", "fixed_q10"))
            if setting.attributes.get("gate", gate) not in (gate, state):
                continue
            if "fixed_q10" in setting.attributes:
                if "q10_factor" in setting.attributes:
                    raise setting.refuse("N353", "both q10_factor and fixed_q10", "keep one")
                found = formula(plain(setting, "fixed_q10"))
            else:
                change = (var("celsius") - plain(setting, "experimental_temp")) / 10.0
                found = call("pow", plain(setting, "q10_factor"), change)
        own = self.names.fresh("temperature")
        body.append(assign(own, found))
        return var(own)

    def _scheme(self, gate: Gate) -> tuple[list[ir.Stmt], list[ir.Stmt], Formula]:
        body: list[ir.Stmt] = []
        v = self._shifted(body)
        scale = self.temperature(gate.name, gate.name, body)
        known = {"celsius": var("celsius"), **self.parameters}
        scheme = schemes.read(gate.element, self.units, self.names)
        flows = scheme.flows(v, known, scale, body)
        routine, solve, steady = scheme.solve(gate.name, body, flows)
        self.routines[routine.name] = routine
        initial: list[ir.Stmt] = [*(assign(s, 0.0) for s in scheme.states), steady]
        opened = scheme.opened if gate.instances == 1 else scheme.opened**gate.instances
        return initial, [solve], opened
