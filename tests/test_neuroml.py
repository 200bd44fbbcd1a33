"""NeuroML 2 against mods of our own with the same equations, run in NEURON; hostile files."""

import numpy as np
import pytest
from neuron_process import run_function

from mod_translator.errors import NmodlSyntaxError, TranslationError
from mod_translator.neuroml import lower, one

HEAD = '<neuroml xmlns="http://www.neuroml.org/schema/neuroml2" id="x">%s</neuroml>'
NA = """<ionChannelHH id="nml" conductance="10pS" species="na"><notes>sodium</notes>
<q10ConductanceScaling q10Factor="1.4" experimentalTemp="295.15K"/>
<gateHHrates id="m" instances="3">
 <q10Settings type="q10ExpTemp" q10Factor="2.3" experimentalTemp="6.3degC"/>
 <forwardRate type="HHExpLinearRate" rate="1per_ms" midpoint="-40mV" scale="10mV"/>
 <reverseRate type="HHExpRate" rate="4000per_s" midpoint="-65mV" scale="-18mV"/></gateHHrates>
<gateHHtauInf id="h" instances="1"><timeCourse type="fixedTimeCourse" tau="0.006s"/>
 <steadyState type="HHSigmoidVariable" rate="1" midpoint="-58mV" scale="-7mV"/></gateHHtauInf>
<gateHHratesTau id="r" instances="1"><forwardRate type="HHExpRate" rate="2per_ms" midpoint="-50mV" scale="8mV"/>
 <reverseRate type="HHExpRate" rate="0.1per_ms" midpoint="-50mV" scale="-80mV"/>
 <timeCourse type="fixedTimeCourse" tau="3ms"/></gateHHratesTau>
<gateHHratesInf id="s" instances="1"><forwardRate type="HHExpRate" rate="2per_ms" midpoint="-50mV" scale="80mV"/>
 <reverseRate type="HHExpRate" rate="0.1per_ms" midpoint="-50mV" scale="-80mV"/>
 <steadyState type="HHSigmoidVariable" rate="1" midpoint="-80mV" scale="7mV"/></gateHHratesInf>
<gateHHInstantaneous id="u" instances="2">
 <steadyState type="HHSigmoidVariable" rate="1" midpoint="-70mV" scale="5mV"/></gateHHInstantaneous>
<gateFractional id="f" instances="1"><q10Settings type="q10Fixed" fixedQ10="1.5"/>
 <subGate id="a" fractionalConductance="0.7">
 <steadyState type="HHSigmoidVariable" rate="1" midpoint="-70mV" scale="9mV"/>
 <timeCourse type="fixedTimeCourse" tau="2ms"/></subGate>
 <subGate id="b" fractionalConductance="0.3">
 <steadyState type="HHSigmoidVariable" rate="1" midpoint="-60mV" scale="9mV"/>
 <timeCourse type="fixedTimeCourse" tau="20ms"/></subGate></gateFractional>
</ionChannelHH>"""
NA_MOD = """
NEURON { SUFFIX nml USEION na READ ena WRITE ina RANGE gmax, fopen, gion THREADSAFE }
PARAMETER { gmax = 0 }
ASSIGNED { v ena ina fopen gion celsius u }
STATE { m_q h_q r_q s_q f_a_q f_b_q }
INITIAL { m_q = lin(v)/(lin(v) + 4*exp(-(v + 65)/18)) h_q = sig(v, -58, -7)
  r_q = 2*exp((v + 50)/8)/(2*exp((v + 50)/8) + 0.1*exp(-(v + 50)/80))
  s_q = sig(v, -80, 7) f_a_q = sig(v, -70, 9) f_b_q = sig(v, -60, 9) }
BREAKPOINT { SOLVE s METHOD cnexp
  u = sig(v, -70, 5)
  fopen = 1.4^((celsius - 22)/10)*m_q*m_q*m_q*h_q*r_q*s_q*u*u*(0.7*f_a_q + 0.3*f_b_q)
  gion = gmax*fopen ina = gion*(v - ena) }
DERIVATIVE s { LOCAL q q = 2.3^((celsius - 6.3)/10)
  m_q' = (lin(v)/(lin(v) + 4*exp(-(v + 65)/18)) - m_q)*(lin(v) + 4*exp(-(v + 65)/18))*q
  h_q' = (sig(v, -58, -7) - h_q)/6
  r_q' = (2*exp((v + 50)/8)/(2*exp((v + 50)/8) + 0.1*exp(-(v + 50)/80)) - r_q)/3
  s_q' = (sig(v, -80, 7) - s_q)*(2*exp((v + 50)/80) + 0.1*exp(-(v + 50)/80))
  f_a_q' = (sig(v, -70, 9) - f_a_q)/(2/1.5)
  f_b_q' = (sig(v, -60, 9) - f_b_q)/(20/1.5) }
FUNCTION lin(v) { if (v == -40) { lin = 1 } else { lin = ((v + 40)/10)/(1 - exp(-(v + 40)/10)) } }
FUNCTION sig(v, mid, scale) { sig = 1/(1 + exp(-(v - mid)/scale)) }
"""
KS = """<ionChannelKS id="nmlks" conductance="10pS" species="k"><gateKS id="n" instances="1">
<closedState id="c1"/><closedState id="c2"/><openState id="o1"/><openState id="o2"/>
<forwardTransition id="t1" from="c1" to="c2"><rate type="HHExpRate" rate="0.3per_ms" midpoint="-40mV" scale="20mV"/>
</forwardTransition><reverseTransition id="t2" from="c1" to="c2">
<rate type="HHExpRate" rate="0.2per_ms" midpoint="-40mV" scale="-30mV"/></reverseTransition>
<tauInfTransition id="t3" from="c2" to="o1">
<steadyState type="HHSigmoidVariable" rate="1" midpoint="-30mV" scale="8mV"/>
<timeCourse type="fixedTimeCourse" tau="1.5ms"/>
</tauInfTransition><tauInfTransition id="t4" from="o1" to="o2">
<steadyState type="HHSigmoidVariable" rate="1" midpoint="-20mV" scale="8mV"/>
<timeCourse type="fixedTimeCourse" tau="4ms"/>
</tauInfTransition>
<vHalfTransition id="t5" from="c1" to="o2" vHalf="-0.02V" z="1.5" gamma="0.7" tau="8ms" tauMin="0.2ms"/>
</gateKS></ionChannelKS>"""
KS_MOD = """
NEURON { SUFFIX nmlks USEION k READ ek WRITE ik RANGE gmax, fopen, gion THREADSAFE }
PARAMETER { gmax = 0 }
ASSIGNED { v ek ik fopen gion }
STATE { n_c1 n_c2 n_o1 n_o2 }
INITIAL { SOLVE s STEADYSTATE sparse }
BREAKPOINT { SOLVE s METHOD sparse fopen = n_o1 + n_o2 gion = gmax*fopen ik = gion*(v - ek) }
KINETIC s { LOCAL x, y x = 1/(1 + exp(-(v + 30)/8)) y = 1/(1 + exp(-(v + 20)/8))
  ~ n_c1 <-> n_c2 (0.3*exp((v + 40)/20), 0.2*exp(-(v + 40)/30))
  ~ n_c2 <-> n_o1 (x/1.5, (1 - x)/1.5)
  ~ n_o1 <-> n_o2 (y/4, (1 - y)/4)
  ~ n_c1 <-> n_o2 (1/(8/exp(1.5*0.7*(v + 20)/25.3) + 0.2), 1/(8/exp(-1.5*0.3*(v + 20)/25.3) + 0.2))
  CONSERVE n_c1 + n_c2 + n_o1 + n_o2 = 1 }
"""
LEAK = '<ionChannelHH id="nmlca" conductance="1pS" species="ca"/>'
LEAK_MOD = """
NEURON { SUFFIX nmlca USEION ca READ eca WRITE ica RANGE gmax, fopen, gion THREADSAFE }
PARAMETER { gmax = 0 } ASSIGNED { v eca ica fopen gion }
BREAKPOINT { fopen = 1 gion = gmax*fopen ica = gion*(v - eca) }
"""
POOL = """<decayingPoolConcentrationModel id="nmlpool" ion="ca" restingConc="5e-5mM" decayConstant="0.02 s"
 shellThickness="0.1um"/>"""
POOL_MOD = """
NEURON { SUFFIX nmlpool USEION ca READ cai, ica WRITE cai THREADSAFE }
STATE { cai } ASSIGNED { ica area }
BREAKPOINT { SOLVE s METHOD cnexp if (cai < 0) { cai = 0 } }
DERIVATIVE s { LOCAL r, w r = sqrt(area/(4*3.14159)) w = (r^3 - (r - 0.1)^3)*4*3.14159/3
  cai' = -1e4*ica*area/(2*96485.3*w) - (cai - 5e-5)/20 }
"""
FACTOR = """<fixedFactorConcentrationModel id="nmlfix" ion="ca" restingConc="5e-11mol_per_cm3" decayConstant="20ms"
 rho="3e-3 mol_per_m_per_A_per_s"/>"""
FACTOR_MOD = """
NEURON { SUFFIX nmlfix USEION ca READ cai, ica WRITE cai THREADSAFE }
STATE { cai } ASSIGNED { ica }
BREAKPOINT { SOLVE s METHOD cnexp if (cai < 0) { cai = 0 } }
DERIVATIVE s { cai' = -3e-5*ica - (cai - 5e-5)/20 }
"""
TWO = '<expTwoSynapse id="NmlTwo" gbase="1.5nS" erev="0mV" tauRise="1ms" tauDecay="5ms"/>'
TWO_MOD = """
NEURON { POINT_PROCESS NmlTwo RANGE gbase, erev, tauRise, tauDecay, i, g NONSPECIFIC_CURRENT i THREADSAFE }
PARAMETER { gbase = 1.5e-3 erev = 0 tauRise = 1 tauDecay = 5 } ASSIGNED { v i g } STATE { A B }
BREAKPOINT { SOLVE s METHOD cnexp g = gbase*(B - A) i = g*(v - erev) }
INITIAL { A = 0 B = 0 }
DERIVATIVE s { A' = -A/tauRise B' = -B/tauDecay }
NET_RECEIVE(weight) { LOCAL p, w p = log(tauDecay/tauRise)*tauRise*tauDecay/(tauDecay - tauRise)
  w = 1/(exp(-p/tauDecay) - exp(-p/tauRise)) A = A + w*weight B = B + w*weight }
"""
ONE = '<expOneSynapse id="NmlOne" gbase="2e-9S" erev="-10mV" tauDecay="4ms"/>'
ONE_MOD = """
NEURON { POINT_PROCESS NmlOne RANGE gbase, erev, tauDecay, i, g NONSPECIFIC_CURRENT i THREADSAFE }
PARAMETER { gbase = 2e-3 erev = -10 tauDecay = 4 } ASSIGNED { v i g } STATE { s }
BREAKPOINT { SOLVE k METHOD cnexp g = gbase*s i = g*(v - erev) }
INITIAL { s = 0 }
DERIVATIVE k { s' = -s/tauDecay }
NET_RECEIVE(weight) { s = s + weight }
"""
ALPHA = '<alphaSynapse id="NmlAlpha" gbase="1nS" erev="0mV" tau="2ms"/>'
ALPHA_MOD = """
NEURON { POINT_PROCESS NmlAlpha RANGE gbase, erev, tau, i, g NONSPECIFIC_CURRENT i THREADSAFE }
PARAMETER { gbase = 1e-3 erev = 0 tau = 2 } ASSIGNED { v i g } STATE { A B }
BREAKPOINT { SOLVE s METHOD cnexp g = gbase*B i = g*(v - erev) }
INITIAL { A = 0 B = 0 }
DERIVATIVE s { A' = -A/tau B' = (2.718281828459045*A - B)/tau }
NET_RECEIVE(weight) { A = A + weight }
"""
PAIRS = {
    "nml": (NA, NA_MOD),
    "nmlks": (KS, KS_MOD),
    "nmlca": (LEAK, LEAK_MOD),
    "nmlpool": (POOL, POOL_MOD),
    "nmlfix": (FACTOR, FACTOR_MOD),
    "NmlTwo": (TWO, TWO_MOD),
    "NmlOne": (ONE, ONE_MOD),
    "NmlAlpha": (ALPHA, ALPHA_MOD),
}


def against_neuron(documents):
    """Capture the mods, put the IR of the NeuroML documents in their place, and compare with NEURON's run."""
    import dataclasses

    import jax
    import neuron_models
    from neuron import h

    import nrn_diff
    from mod_translator.neuroml import one
    from nrn_diff.model import Model

    jax.config.update("jax_enable_x64", True)
    h.load_file("stdrun.hoc")
    soma, dend = h.Section("soma"), h.Section("dend")
    soma.L = soma.diam = 20
    dend.L, dend.diam = 80, 2
    dend.connect(soma(1))
    for section in (soma, dend):
        section.insert("pas")
        section.e_pas = -65
        for name in ("nml", "nmlks", "nmlca"):
            section.insert(name)
        section.gmax_nml, section.gmax_nmlks, section.gmax_nmlca = 0.6, 0.02, 1e-5
    soma.insert("nmlpool")
    dend.insert("nmlfix")
    synapses, stims, wires, vectors = [], [], [], []
    for k, name in enumerate(("NmlTwo", "NmlOne", "NmlAlpha")):
        synapse, stim = getattr(h, name)(dend(0.5)), h.NetStim()
        stim.start, stim.number, stim.interval = 2 + k, 3, 4
        wire = h.NetCon(stim, synapse, 0, 1.013, 1 + k)
        synapses.append(synapse)
        stims.append(stim)
        wires.append(wire)
        vectors.append(h.Vector().record(synapse._ref_g))
    clamp = h.IClamp(soma(0.5))
    clamp.delay, clamp.dur, clamp.amp = 3, 10, 0.5
    for owner, name in (
        *((soma(0.5), n) for n in ("v", "ina", "ik", "ica", "cai")),
        *((dend(0.5), n) for n in ("v", "cai")),
        *((soma(0.5).nml, n) for n in ("m_q", "h_q", "r_q", "s_q", "f_a_q", "f_b_q", "fopen")),
        *((soma(0.5).nmlks, n) for n in ("n_c1", "n_o1", "n_o2")),
    ):
        vectors.append(h.Vector().record(getattr(owner, f"_ref_{name}")))
    h.celsius, h.v_init, h.tstop = 12, -65, 20
    capture = nrn_diff.capture().capture
    lowered = {name: one(text)[0] for name, text in documents.items()}
    mechanisms = tuple(
        dataclasses.replace(data, ir=lowered[data.name]) if data.name in lowered else data
        for data in capture.mechanisms
    )
    out = neuron_models.compare_with_neuron(Model(dataclasses.replace(capture, mechanisms=mechanisms)), h)
    out["replaced"] = sorted({d.name for d in capture.mechanisms} & set(lowered))
    out["kept"] = [len(vectors), len(wires)]
    return out


@pytest.mark.long
def test_channels_pools_and_synapses_are_those_of_the_same_equations_in_neuron():
    documents = {name: HEAD % text for name, (text, _) in PAIRS.items()}
    mods = {f"{name}.mod": mod for name, (_, mod) in PAIRS.items()}
    out = run_function(against_neuron, mods=mods, documents=documents)
    assert out["replaced"] == sorted(PAIRS)
    assert max(out["worst"].values()) <= 1e-7, out["worst"]
    assert out["range"] > 20


LAUGHS = '<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><neuroml>&b;</neuroml>'
SYNTAX = {
    "laughs": (LAUGHS, "N311"),
    "file": ('<!DOCTYPE x SYSTEM "file:///etc/passwd"><neuroml/>', "N311"),
    "utf16": (('<?xml version="1.0" encoding="UTF-16"?>' + LAUGHS).encode("utf-16"), "N311"),
    "open": ("<neuroml><ionChannelHH id='x'>", "N312"),
    "empty": ("", "N312"),
    "binary": (b"\x00\x01\xff", "N312"),
    "unknown entity": ("<neuroml>&nobody;</neuroml>", "N312"),
    "deep": ("<neuroml>" + "<a>" * 100 + "</a>" * 100 + "</neuroml>", "N313"),
}
REFUSED = {
    "no neuroml": ("<html/>", "N300"),
    "nothing": ("<neuroml/>", "N300"),
    "ChannelML": ("<channelml/>", "N302"),
    "no steady state": (HEAD % NA.replace("steadyState", "steadyStat"), "N303"),
    "unit": (HEAD % NA.replace('midpoint="-40mV"', 'midpoint="-40ms"'), "N320"),
    "LEMS rate": (HEAD % NA.replace("HHExpLinearRate", "my_rate"), "N330"),
    "name": (HEAD % NA.replace('id="nml"', 'id="import os; x"'), "N304"),
    "gate name": (HEAD % NA.replace('gateHHrates id="m"', 'gateHHrates id="m q"'), "N304"),
    "missing": (HEAD % NA.replace(' instances="3"', ""), "N302"),
    "ion": (HEAD % POOL.replace('ion="ca"', 'ion="na"'), "N340"),
    "twice": (HEAD % NA.replace('gateHHtauInf id="h"', 'gateHHtauInf id="m"'), "N305"),
}


@pytest.mark.parametrize("name", [*SYNTAX, *REFUSED])
def test_what_is_hostile_or_not_understood_is_refused_with_its_place(name):
    text, code = {**SYNTAX, **REFUSED}[name]
    ((mechanism, report),) = lower(text, "x.nml")
    assert mechanism is None
    (error,) = report.errors
    assert error.code == code, str(error)
    assert isinstance(error, NmodlSyntaxError) == (name in SYNTAX)
    if name in REFUSED:
        assert error.line == 0 or error.source_line.startswith("<")


def test_of_several_mechanisms_one_is_named():
    text = HEAD % (NA + POOL)
    assert [m.name for m, _ in lower(text) if m] == ["nml", "nmlpool"]
    assert one(text, name="nmlpool")[0].name == "nmlpool"
    with pytest.raises(TranslationError, match="nml, nmlpool"):
        one(text)
    assert np.all([r.ok for _, r in lower(text)])


def test_the_command_translates_and_checks(tmp_path, capsys):
    from mod_translator.cli import main

    source, target = tmp_path / "x.nml", tmp_path / "x.py"
    source.write_text(HEAD % (NA + POOL))
    assert main([str(source), "-o", str(target), "--id", "nmlpool"]) == 0
    assert "def advance" in target.read_text()
    assert main([str(source), "-o", str(target)]) == 1
    assert main(["check", str(tmp_path)]) == 0
    assert main([str(source), "--dump-passes"]) == 0
    assert "after cnexp" in capsys.readouterr().out
    source.write_text(LAUGHS)
    assert main(["check", str(source)]) == 1
    assert "N311" in capsys.readouterr().out
