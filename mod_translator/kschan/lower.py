"""A KSChan to the IR: INITIAL, currents and the fixed step as src/nrniv/kschan.cpp computes them."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from mod_translator import ir
from mod_translator.errors import Place, UnsupportedConstruct
from mod_translator.formula import NOWHERE, Formula, assign, call, formula, var
from mod_translator.kschan.channel import BG_INF, BG_TAU, GHK, TABLE, Channel
from mod_translator.kschan.functions import Rates
from mod_translator.passes.effects import effects
from mod_translator.report import Collector
from mod_translator.semantic.names import EXTERNALS, INTRINSICS
from mod_translator.validate import validate

_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")
_PARAMETERS = {1: 1, 2: 3, 3: 3, 4: 3, BG_INF: 5, BG_TAU: 5, TABLE: 2}  # the number each function needs

_FILE = "KSChan "


@dataclass(frozen=True)
class Lowered:
    """The mechanism, and the numbers of its functions.

    parameters: GLOBALs of the mechanism, which HOC does not know by these names. tables: values, low, high (mV).
    """

    mechanism: ir.Mechanism
    parameters: dict[str, float]
    tables: dict[str, tuple[tuple[float, ...], float, float]]


def lower(channel: Channel) -> Lowered:
    """Return the mechanism of a channel. Raises UnsupportedConstruct for one that NEURON computes in another way."""
    _check(channel)
    return _Lowering(channel).run()


def _refuse(channel: Channel, code: str, reason: str, remedy: str) -> UnsupportedConstruct:
    return UnsupportedConstruct(reason, remedy=remedy, code=code, place=Place(f"KSChan {channel.name}"))


def _check(channel: Channel) -> None:
    taken = {"gmax", "pmax", "g", "p", "i", "e", *EXTERNALS, *_ion_names(channel)}
    for state in channel.states:
        if not _IDENTIFIER.match(state.name) or state.name in taken or state.name in INTRINSICS:
            raise _refuse(channel, "U201", f"a state named {state.name[:40]!r}", "give it another name")
    for t in channel.transitions:
        for function in (t.first, t.second):
            if function.kind not in (0, *_PARAMETERS) or len(function.parameters) < _PARAMETERS.get(function.kind, 0):
                raise _refuse(channel, "U202", "a transition without its functions", "set both with KSTrans.set_f")
        if t.ligand and not (t.first.parameters and t.second.parameters):
            raise _refuse(channel, "U202", "a ligand-gated transition without its rates", "set both with KSTrans.set_f")
    kinds = {f.kind for t in channel.transitions[: channel.n_hh] for f in (t.first, t.second)}
    if channel.table and kinds & {BG_INF, BG_TAU}:
        reason = "usetable(1) with functions of the temperature: the table holds that of the moment when it was filled"
        raise _refuse(channel, "U203", reason, "call usetable(0) of the KSChan")


def _ion_names(channel: Channel) -> set[str]:
    ions = {channel.ion} - {""}
    names = {n for ion in ions for n in (f"e{ion}", f"i{ion}", f"{ion}i", f"{ion}o")}
    return names | {t.ligand for t in channel.transitions if t.ligand}


def is_channel(mechanism: ir.Mechanism) -> bool:
    """Whether a mechanism was made here: it has no file."""
    return mechanism.file.startswith(_FILE)


class _Lowering:
    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.states = [s.name for s in channel.states]
        self.hh, self.scheme = self.states[: channel.n_hh], self.states[channel.n_hh :]
        self.of_ghk = bool(channel.ion) and channel.model == GHK
        self.gmax, self.g = ("pmax", "p") if self.of_ghk else ("gmax", "g")
        names = {self.gmax, self.g, "i", "e", *EXTERNALS, "flag", *self.states, *_ion_names(channel), *INTRINSICS}
        self.rates = Rates(channel, names)
        self.symbols: dict[str, ir.Symbol] = {
            name: ir.Symbol(name, ir.Role.EXTERNAL, "", unit) for name, unit in EXTERNALS.items()
        }
        self.slope = self.rates.local("slope")

    def run(self) -> Lowered:
        channel = self.channel
        self._declare()
        routines = {}
        initial: list[ir.Stmt] = []
        advance: list[ir.Stmt] = []
        if self.hh:
            gating = self._gating()
            routines[gating.name] = gating
            advance.append(ir.CallRoutine(gating.name, (ir.Var("v"),), NOWHERE))
            advance += [
                assign(s, var(s) + (var(inf) - var(s)) * var(share))
                for s, (inf, share) in zip(self.hh, self.looked_up, strict=True)
            ]
        first = {gate.first for gate in channel.gates}
        initial += [assign(s, 1.0 if k in first else 0.0) for k, s in enumerate(self.states)]
        for s, transition in zip(self.hh, channel.transitions, strict=False):
            initial.append(assign(s, self.rates.start(transition, initial)))
        if self.scheme:
            kinetics = self._kinetics()
            routines[kinetics.name] = kinetics
            solve = ir.SolveImplicit("sparse", tuple(self.scheme), kinetics.name, NOWHERE, linear=True)
            initial.append(replace(solve, steady=True))
            advance.append(solve)
        current = self._current()
        for name in self.rates.parameters:
            self.symbols[name] = ir.Symbol(name, ir.Role.GLOBAL, "PARAMETER")
        for name in self.rates.tables:
            self.symbols[name] = ir.Symbol(name, ir.Role.TABLE, "FUNCTION_TABLE")
        mechanism = ir.Mechanism(
            channel.name,
            ir.Kind.POINT if channel.is_point else ir.Kind.DENSITY,
            self.symbols,
            self._ions(),
            (ir.Current(f"i{channel.ion}", channel.ion) if channel.ion else ir.Current("i"),),
            routines,
            ir.Routine("initial", "INITIAL", tuple(initial)) if initial else None,
            current,
            ir.Routine("advance", "SOLVE", tuple(advance)) if advance else None,
            title="a channel of the ChannelBuilder",
            file=f"{_FILE}{channel.name}",
            conductances=(ir.Current(self.slope if self.of_ghk else self.g, channel.ion or None),),
            thread_safe=True,
        )
        mechanism = effects(mechanism, _Silent())
        validate(mechanism)
        return Lowered(mechanism, self.rates.parameters, self.rates.tables)

    def _declare(self) -> None:
        channel, role = self.channel, ir.Role.INSTANCE
        unit = ("cm3/s" if self.of_ghk else "uS") if channel.is_point else ("cm/s" if self.of_ghk else "S/cm2")
        current_unit = "nA" if channel.is_point else "mA/cm2"
        add = self._add
        add(ir.Symbol(self.gmax, role, "PARAMETER", unit, channel.gmax, visible=True))
        if not channel.ion:
            add(ir.Symbol("e", role, "PARAMETER", "mV", channel.erev, visible=True))
        add(ir.Symbol(self.g, role, "ASSIGNED", unit, visible=True))
        add(ir.Symbol("i", role, "ASSIGNED", current_unit, visible=True))
        for name in self.states:
            add(ir.Symbol(name, role, "STATE", visible=True))
        for use in self._ions():
            for name in (*use.reads, *use.writes):
                add(ir.Symbol(name, ir.Role.ION, "ASSIGNED"))
        if self.of_ghk:
            add(ir.Symbol(self.slope, role, "ASSIGNED", unit))
        self.looked_up = [(self.rates.local(f"{s}_inf"), self.rates.local(f"{s}_share")) for s in self.hh]
        for name in (n for pair in self.looked_up for n in pair):
            add(ir.Symbol(name, role, "ASSIGNED"))

    def _add(self, symbol: ir.Symbol) -> None:
        self.symbols.setdefault(symbol.name, symbol)

    def _ions(self) -> tuple[ir.IonUse, ...]:
        """What NEURON promotes in KSChan::alloc, as USEION statements."""
        ion, reads = self.channel.ion, dict[str, list[str]]()
        if ion:
            reads[ion] = {0: [f"e{ion}"], 1: [f"e{ion}", f"{ion}i", f"{ion}o"]}.get(
                self.channel.model, [f"{ion}i", f"{ion}o"]
            )
        for t in self.channel.transitions:
            if t.ligand:
                reads.setdefault(t.ligand[:-1], []).append(t.ligand)
        writes = {ion: (f"i{ion}",)} if ion else {}
        return tuple(ir.IonUse(name, tuple(dict.fromkeys(read)), writes.get(name, ())) for name, read in reads.items())

    def _gating(self) -> ir.Routine:
        """inf, and the share of the way to it that a state goes in one step, of every Hodgkin-Huxley gate."""
        body: list[ir.Stmt] = []
        for (inf, share), transition in zip(self.looked_up, self.channel.transitions, strict=False):
            value, tau = self.rates.inf_and_tau(transition, body)
            body += [assign(inf, value), assign(share, 1.0 - call("exp", -var("dt") / tau))]
        table = None
        if self.channel.table is not None:
            table = ir.Table(
                tuple(n for pair in self.looked_up for n in pair),
                ("dt",),
                ir.Num(self.channel.table.low),
                ir.Num(self.channel.table.high),
                self.channel.table.size - 1,
                NOWHERE,
            )
        return ir.Routine(self.rates.local("gating"), "PROCEDURE", tuple(body), ("v",), table=table, arg_units=("mV",))

    def _kinetics(self) -> ir.Routine:
        """Time derivatives of the states of the schemes (KSChan::fillmat)."""
        body: list[ir.Stmt] = []
        results = [self.rates.local(f"D{s}") for s in self.scheme]
        change: dict[str, Formula | None] = dict.fromkeys(self.scheme)

        def add(state: str, flow: Formula) -> None:
            before = change[state]
            change[state] = flow if before is None else before + flow

        for t in self.channel.transitions[self.channel.n_hh :]:
            source, target = self.states[t.source], self.states[t.target]
            forward, back = self.rates.forward_and_back(t, body)
            flow = self.rates.local("flow")
            body.append(assign(flow, forward * var(source) - back * var(target)))
            add(source, -var(flow))
            add(target, var(flow))
        body += [
            assign(r, formula(0.0) if value is None else value)
            for r, value in zip(results, change.values(), strict=True)
        ]
        return ir.Routine(self.rates.local("kinetics"), "RATES", tuple(body), tuple(self.scheme), tuple(results))

    def _current(self) -> ir.Routine:
        channel = self.channel
        g: Formula = var(self.gmax)
        product: Formula | None = None
        for gate in channel.gates:
            parts = [self.states[k] for k in range(gate.first, gate.first + gate.count)]
            fractions = [channel.states[k].fraction for k in range(gate.first, gate.first + gate.count)]
            open_ = None
            for s, fraction in zip(parts, fractions, strict=True):
                if fraction != 0.0:
                    term = var(s) if fraction == 1.0 else var(s) * fraction
                    open_ = term if open_ is None else open_ + term
            own = open_ if open_ is not None else formula(0.0)
            own = own if gate.power == 1 else own ** float(gate.power)
            product = own if product is None else product * own
        body = [assign(self.g, g if product is None else g * product)]
        if self.of_ghk:
            ion, scale = channel.ion, 1e6 if channel.is_point else 1.0

            def ghk(v: Formula) -> Formula:
                return var(self.g) * call("nrn_ghk", v, var(f"{ion}i"), var(f"{ion}o"), channel.charge) * scale

            body.append(assign("i", ghk(var("v"))))
            body.append(assign(self.slope, (ghk(var("v") + 0.001) - var("i")) * 1000.0))
        else:
            body.append(assign("i", var(self.g) * (var("v") - var(f"e{channel.ion}" if channel.ion else "e"))))
        if channel.ion:
            body.append(assign(f"i{channel.ion}", var("i")))
        return ir.Routine("current", "BREAKPOINT", tuple(body))


class _Silent(Collector):
    """The passes that run here have nothing to say."""

    second_order = False

    def refuse_at(self, kind: type, code: str, reason: str, remedy: str, loc: ir.Loc | None) -> None:
        raise AssertionError(reason)

    def note_at(self, text: str, loc: ir.Loc | None) -> None:
        raise AssertionError(text)
