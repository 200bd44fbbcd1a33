"""ChannelML against mods of our own with the same equations, run in NEURON; what is refused."""

import pytest
from neuron_process import run_function

import mod_translator.neuroml
from mod_translator.cli import main

XMLNS = 'xmlns="http://morphml.org/channelml/schema" xmlns:meta="http://morphml.org/metadata/schema"'
SI = f'<channelml {XMLNS} units="SI Units"><meta:notes>in V, s, S/m2</meta:notes>%s</channelml>'
PHYSIOLOGICAL = f'<channelml {XMLNS} units="Physiological Units">%s</channelml>'

NA = (
    SI
    % """<channel_type name="cmlna" density="yes"><status value="stable"><meta:comment>c</meta:comment></status>
<current_voltage_relation cond_law="ohmic" ion="na" default_gmax="400" default_erev="0.055">
 <q10_settings gate="m" q10_factor="2.5" experimental_temp="17.3"/><q10_settings gate="h" fixed_q10="1.7"/>
 <offset value="-0.005"/>
 <gate name="m" instances="3"><closed_state id="m0"/><open_state id="m"/>
  <transition name="alpha" from="m0" to="m" expr_form="exp_linear" rate="1000" scale="0.01" midpoint="-0.045"/>
  <transition name="beta" from="m" to="m0" expr_form="exponential" rate="4000" scale="-0.018" midpoint="-0.07"/></gate>
 <gate name="h" instances="1"><closed_state id="h0"/><open_state id="h"/>
  <transition name="alpha" from="h0" to="h" expr_form="generic" expr="70*exp(-(v + 0.07)/0.02)"/>
  <transition name="beta" from="h" to="h0" expr_form="sigmoid" rate="1000" scale="-0.01" midpoint="-0.04"/>
  <time_course name="tau" from="h0" to="h" expr_form="generic"
   expr="1/(alpha + beta) &lt; 0.0005 || v > 0.02 ? 0.0005 : 1/(alpha + beta)"/></gate>
</current_voltage_relation>
<impl_prefs><table_settings max_v="0.1" min_v="-0.1" table_divisions="4000"/></impl_prefs></channel_type>"""
)
NA_MOD = """
NEURON { SUFFIX cmlna USEION na READ ena WRITE ina RANGE gmax, gion, minf, mtau, hinf, htau THREADSAFE }
PARAMETER { gmax = 0.04 }
ASSIGNED { v ena ina gion celsius minf mtau hinf htau }
STATE { m h }
INITIAL { rates(v + 5) m = minf h = hinf }
BREAKPOINT { SOLVE states METHOD cnexp gion = gmax*m^3*h ina = gion*(v - ena) }
DERIVATIVE states { rates(v + 5) m' = (minf - m)/mtau h' = (hinf - h)/htau }
PROCEDURE rates(u) { LOCAL x, a, b
  x = (u + 45)/10
  if (fabs(x) < 1e-6) { a = 1 + x/2 } else { a = x/(1 - exp(-x)) }
  b = 4*exp(-(u + 70)/18)
  minf = a/(a + b) mtau = 1/(2.5^((celsius - 17.3)/10)*(a + b))
  a = 0.07*exp(-(u + 70)/20) b = 1/(1 + exp(-(u + 40)/10))
  hinf = a/(a + b) htau = 1/(a + b) if (htau < 0.5 || u > 20) { htau = 0.5 } htau = htau/1.7 }
"""
KCA = (
    PHYSIOLOGICAL
    % """<channel_type name="cmlkca">
<current_voltage_relation cond_law="ohmic" ion="k" default_gmax="3" default_erev="-80">
 <conc_dependence name="Calcium" ion="ca" charge="2" variable_name="ca_conc" min_conc="0" max_conc="1e-8"/>
 <q10_settings q10_factor="3" experimental_temp="22"/>
 <gate name="z" instances="2"><closed_state id="z0"/><open_state id="z"/>
  <transition name="alpha" from="z0" to="z" expr_form="generic" expr="half*exp(v/40)*ca_conc/(ca_conc + 2e-10)"/>
  <transition name="beta" from="z" to="z0" expr_form="generic" expr="0.1*2^(-v/30)/(1 + ca_conc*1e9)"/></gate>
</current_voltage_relation><parameters><parameter name="half" value="0.8"/></parameters></channel_type>"""
)
KCA_MOD = """
NEURON { SUFFIX cmlkca USEION k READ ek WRITE ik USEION ca READ cai RANGE gmax, gion, zinf, ztau, half THREADSAFE }
PARAMETER { gmax = 0.003 half = 0.8 }
ASSIGNED { v ek ik cai gion celsius zinf ztau }
STATE { z }
INITIAL { rates(v, cai) z = zinf }
BREAKPOINT { SOLVE states METHOD derivimplicit gion = gmax*z^2 ik = gion*(v - ek) }
DERIVATIVE states { rates(v, cai) z' = (zinf - z)/ztau }
PROCEDURE rates(v, c) { LOCAL a, b
  a = half*exp(v/40)*c/(c + 2e-4) b = 0.1*2^(-v/30)/(1 + c*1e3)
  zinf = a/(a + b) ztau = 1/(3^((celsius - 22)/10)*(a + b)) }
"""
SCHEME = (
    SI
    % """<channel_type name="cmlks">
<current_voltage_relation cond_law="ohmic" ion="k" default_gmax="60" default_erev="-0.08">
 <conc_factor ion="ca" charge="2" variable_name="c" expr="1/(1 + c/2e-4)"/>
 <q10_settings q10_factor="2" experimental_temp="11"/>
 <gate name="n" instances="1"><closed_state id="c1"/><closed_state id="c2"/><open_state id="o1"/>
  <transition name="f1" from="c1" to="c2" expr_form="exponential" rate="300" scale="0.02" midpoint="-0.04"/>
  <transition name="f2" from="c2" to="o1" expr_form="sigmoid" rate="900" scale="-0.01" midpoint="-0.03"/>
  <transition name="b1" from="c2" to="c1" expr_form="generic" expr="200*exp(-(v + 0.04)/0.03)"/>
  <transition name="b2" from="o1" to="c2" expr_form="exponential" rate="150" scale="-0.05" midpoint="-0.03"/></gate>
</current_voltage_relation></channel_type>"""
)
SCHEME_MOD = """
NEURON { SUFFIX cmlks USEION k READ ek WRITE ik USEION ca READ cai RANGE gmax, gion THREADSAFE }
PARAMETER { gmax = 0.006 }
ASSIGNED { v ek ik cai gion celsius }
STATE { c1 c2 o1 }
INITIAL { SOLVE kin STEADYSTATE sparse }
BREAKPOINT { SOLVE kin METHOD sparse gion = gmax*o1/(1 + cai/2e-4) ik = gion*(v - ek) }
KINETIC kin { LOCAL q q = 2^((celsius - 11)/10)
  ~ c1 <-> c2 (q*0.3*exp((v + 40)/20), q*0.2*exp(-(v + 40)/30))
  ~ c2 <-> o1 (q*0.9/(1 + exp(-(v + 30)/10)), q*0.15*exp(-(v + 30)/50))
  CONSERVE c1 + c2 + o1 = 1 }
"""
OLD = (
    PHYSIOLOGICAL
    % """<ion name="k" charge="1" default_erev="-77"/><channel_type name="cmlold">
<current_voltage_relation><ohmic ion="k"><conductance default_gmax="20">
 <rate_adjustments><q10_settings q10_factor="3" experimental_temp="6.3"/><offset value="2"/></rate_adjustments>
 <gate power="4"><state name="n" fraction="1"/></gate></conductance></ohmic></current_voltage_relation>
<hh_gate state="n"><transition><voltage_gate>
 <alpha><parameterised_hh type="linoid" expr="A*(k*(v-d))/(1 - exp(-(k*(v-d))))">
  <parameter name="A" value="0.1"/><parameter name="k" value="0.1"/><parameter name="d" value="-55"/>
 </parameterised_hh></alpha>
 <beta><generic_equation_hh expr="0.125*exp(-(v + 65)/80)"/></beta></voltage_gate></transition></hh_gate>
</channel_type>"""
)
OLD_MOD = """
NEURON { SUFFIX cmlold USEION k READ ek WRITE ik RANGE gmax, gion, ninf, ntau THREADSAFE }
PARAMETER { gmax = 0.02 }
ASSIGNED { v ek ik gion celsius ninf ntau }
STATE { n }
INITIAL { rates(v - 2) n = ninf }
BREAKPOINT { SOLVE states METHOD cnexp gion = gmax*n^4 ik = gion*(v - ek) }
DERIVATIVE states { rates(v - 2) n' = (ninf - n)/ntau }
PROCEDURE rates(u) { LOCAL x, a, b
  x = (u + 55)/10
  if (fabs(x) < 1e-6) { a = 0.1*(1 + x/2) } else { a = 0.1*x/(1 - exp(-x)) }
  b = 0.125*exp(-(u + 65)/80)
  ninf = a/(a + b) ntau = 1/(3^((celsius - 6.3)/10)*(a + b)) }
"""
CA = (
    SI
    % """<channel_type name="cmlca">
<current_voltage_relation cond_law="ohmic" ion="ca" charge="2" default_gmax="0.5" default_erev="0.08" fixed_erev="yes">
 <gate name="s" instances="2"><closed_state id="s0"/><open_state id="s"/>
  <time_course name="tau" from="s0" to="s" expr_form="generic" 
   expr="fabs(v) > 1 ? 1 : 0.002 + 0.001/(1 + exp(v/0.01))"/>
  <steady_state name="inf" from="s0" to="s" expr_form="sigmoid" rate="1" scale="-0.008" midpoint="-0.03"/></gate>
</current_voltage_relation></channel_type>"""
)
CA_MOD = """
NEURON { SUFFIX cmlca USEION ca WRITE ica RANGE gmax, gion, sinf, stau, eca THREADSAFE }
PARAMETER { gmax = 5e-5 eca = 80 }
ASSIGNED { v ica gion celsius sinf stau }
STATE { s }
INITIAL { rates(v) s = sinf }
BREAKPOINT { SOLVE states METHOD cnexp gion = gmax*s^2 ica = gion*(v - eca) }
DERIVATIVE states { rates(v) s' = (sinf - s)/stau }
PROCEDURE rates(v) { stau = 2 + 1/(1 + exp(v/10)) sinf = 1/(1 + exp(-(v + 30)/8)) }
"""
LEAK = (
    PHYSIOLOGICAL
    % """<channel_type name="cmlleak">
<current_voltage_relation cond_law="ohmic" ion="non_specific" default_gmax="0.3" default_erev="-54.3"/>
</channel_type>"""
)
LEAK_MOD = """
NEURON { SUFFIX cmlleak NONSPECIFIC_CURRENT i RANGE gmax, e THREADSAFE }
PARAMETER { gmax = 0.0003 e = -54.3 } ASSIGNED { v i }
BREAKPOINT { i = gmax*(v - e) }
"""
POOL = (
    PHYSIOLOGICAL
    % """<ion name="ca" charge="2" role="SignallingSubstance"/><ion_concentration name="cmlpool">
<ion_species name="ca"/><decaying_pool_model resting_conc="8e-11" inv_decay_constant="0.09" ceiling="4e-10">
<pool_volume_info shell_thickness="2e-5"/></decaying_pool_model></ion_concentration>"""
)
POOL_MOD = """
NEURON { SUFFIX cmlpool USEION ca READ ica WRITE cai RANGE rest_conc, thickness, volume_pool, beta, ceiling THREADSAFE }
PARAMETER { rest_conc = 8e-5 thickness = 0.2 beta = 0.09 ceiling = 4e-4 }
ASSIGNED { ica diam area volume_pool } STATE { cai }
INITIAL { LOCAL p, x p = 3.14159265 x = area - p*diam*diam
  if (x < 1e-3 && x > -1e-3) { volume_pool = (diam^3 - (diam - 2*thickness)^3)*p/6 }
  else { volume_pool = (diam^2 - (diam - 2*thickness)^2)*p/4*area/(p*diam) }
  cai = rest_conc }
BREAKPOINT { SOLVE conc METHOD derivimplicit if (cai < 0) { cai = 0 } if (cai > ceiling) { cai = ceiling } }
DERIVATIVE conc { cai' = -(ica*area*1e-8)/(2*96494*volume_pool*1e-12) - (cai - rest_conc)*beta }
"""
SYNAPSE_MOD = """
NEURON { POINT_PROCESS %s RANGE gmax, tau_rise, tau_decay, e, i, g, factor%s NONSPECIFIC_CURRENT i THREADSAFE }
PARAMETER { gmax = %s tau_rise = %s tau_decay = 5 e = 0 %s }
ASSIGNED { v i g factor %s } STATE { A B }
INITIAL { LOCAL p if (tau_rise == 0) { tau_rise = 1e-9 }
  if (tau_rise/tau_decay > 0.999999) { tau_rise = 0.999999*tau_decay }
  A = 0 B = 0 p = tau_rise*tau_decay/(tau_decay - tau_rise)*log(tau_decay/tau_rise)
  factor = 1/(exp(-p/tau_decay) - exp(-p/tau_rise)) }
BREAKPOINT { SOLVE state METHOD cnexp %s i = g*(v - e) }
DERIVATIVE state { A' = -A/tau_rise B' = -B/tau_decay }
%s
"""
RECEIVE = "NET_RECEIVE(weight) { A = A + weight*factor B = B + weight*factor }"
TIMES = 'rise_time="%s" decay_time="5" reversal_potential="0"'
TWO = (
    PHYSIOLOGICAL
    % f"""<synapse_type name="CmlTwo">
<doub_exp_syn max_conductance="2e-6" {TIMES % 5}/></synapse_type>"""
)
TWO_MOD = SYNAPSE_MOD % ("CmlTwo", "", "2e-3", "5", "", "", "g = gmax*(B - A)", RECEIVE)
BLOCK = (
    PHYSIOLOGICAL
    % f"""<synapse_type name="CmlBlock"><blocking_syn max_conductance="3e-6" {TIMES % 0.5}>
<block species="mg" conc="1.2e-6" eta="2.8e5" gamma="0.062"/></blocking_syn></synapse_type>"""
)
BLOCK_MOD = SYNAPSE_MOD % (
    *("CmlBlock", ", mg_conc, eta, gamma, gblock", "3e-3", "0.5", "mg_conc = 1.2 eta = 0.28 gamma = 0.062", "gblock"),
    *("gblock = 1/(1 + mg_conc*eta*exp(-gamma*v)) g = gmax*gblock*(B - A)", RECEIVE),
)
PLASTIC = (
    PHYSIOLOGICAL
    % f"""<synapse_type name="CmlPlastic"><fac_dep_syn max_conductance="2e-6" {TIMES % 0.5}>
<plasticity init_release_prob="0.4" tau_rec="30" tau_fac="20"/></fac_dep_syn></synapse_type>"""
)
PLASTIC_MOD = SYNAPSE_MOD % (
    *("CmlPlastic", ", tau_rec, tau_facil, Uinit", "2e-3", "0.5", "tau_rec = 30 tau_facil = 20 Uinit = 0.4", ""),
    "g = gmax*(B - A)",
    """NET_RECEIVE(weight, U, R, tsyn) { LOCAL f INITIAL { tsyn = -1 U = Uinit R = 1 }
  if (tsyn > 0) { R = R*(1 - U)*exp(-(t - tsyn)/tau_rec) + 1 - exp(-(t - tsyn)/tau_rec)
    f = U*exp(-(t - tsyn)/tau_facil) U = f + Uinit*(1 - f) }
  A = A + weight*factor*U*R B = B + weight*factor*U*R tsyn = t }""",
)
DENSITIES = {
    "cmlna": (NA, NA_MOD),
    "cmlkca": (KCA, KCA_MOD),
    "cmlks": (SCHEME, SCHEME_MOD),
    "cmlold": (OLD, OLD_MOD),
    "cmlca": (CA, CA_MOD),
    "cmlleak": (LEAK, LEAK_MOD),
    "cmlpool": (POOL, POOL_MOD),
}
SYNAPSES = {"CmlTwo": (TWO, TWO_MOD), "CmlBlock": (BLOCK, BLOCK_MOD), "CmlPlastic": (PLASTIC, PLASTIC_MOD)}


def against_neuron(documents, densities):
    """Capture the mods, put the IR of the documents in their place, and compare with NEURON's run."""
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
    lowered = {name: one(text)[0] for name, text in documents.items()}
    kept, vectors = [], []
    for section in (soma, dend):
        for name in ("pas", *densities):
            section.insert(name)
        section.e_pas = -65
        for name in densities:
            mechanism = getattr(section(0.5), name)
            shown = [n for n, s in lowered[name].symbols.items() if s.block in ("STATE", "ASSIGNED")]
            vectors += [h.Vector().record(getattr(mechanism, f"_ref_{n}")) for n in shown if hasattr(mechanism, n)]
        vectors += [h.Vector().record(getattr(section(0.5), f"_ref_{n}")) for n in ("v", "ina", "ik", "ica", "cai")]
    for k, name in enumerate(n for n in documents if n not in densities):
        synapse, stim = getattr(h, name)(dend(0.5)), h.NetStim()
        stim.start, stim.number, stim.interval = 2 + k, 3, 4
        kept += [synapse, stim, h.NetCon(stim, synapse, 0, 1.013, 1 + k)]
        vectors += [h.Vector().record(getattr(synapse, f"_ref_{n}")) for n in ("g", "A", "B")]
    clamp = h.IClamp(soma(0.5))
    clamp.delay, clamp.dur, clamp.amp = 3, 10, 0.5
    h.celsius, h.v_init, h.tstop = 12, -65, 20
    capture = nrn_diff.capture().capture
    parameters = {d.name: {n: float(v[0]) for n, v in d.values.items() if v.ndim == 1} for d in capture.mechanisms}
    mechanisms = tuple(dataclasses.replace(d, ir=lowered.get(d.name, d.ir)) for d in capture.mechanisms)
    out = neuron_models.compare_with_neuron(Model(dataclasses.replace(capture, mechanisms=mechanisms)), h)
    out["replaced"] = sorted({d.name for d in capture.mechanisms} & set(lowered))
    out["defaults"] = {
        f"{n}_{name}": [s.default, parameters[name].get(n)]
        for name, m in lowered.items()
        for n, s in m.symbols.items()
        if s.block == "PARAMETER"
    }
    out["kept"] = [len(vectors), len(kept)]
    return out


@pytest.mark.long
def test_channels_pools_and_synapses_are_those_of_the_same_equations_in_neuron():
    both = DENSITIES | SYNAPSES
    documents = {name: text for name, (text, _) in both.items()}
    mods = {f"{name}.mod": mod for name, (_, mod) in both.items()}
    out = run_function(against_neuron, mods=mods, documents=documents, densities=list(DENSITIES))
    assert out["replaced"] == sorted(both)
    assert max(out["worst"].values()) <= 1e-7, out["worst"]
    assert out["range"] > 20
    for name, (ours, theirs) in out["defaults"].items():
        assert theirs is None or ours == pytest.approx(theirs, rel=1e-5) or name == "tau_rise_CmlTwo", name


LAUGHS = '<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><channelml units="SI Units">&b;</channelml>'
REFUSED = {
    "entities": (LAUGHS, "N311"),
    "not well-formed": (NA.replace("</channelml>", ""), "N312"),
    "units": (NA.replace("SI Units", "CGS"), "N350"),
    "no units": (NA.replace(' units="SI Units"', ""), "N302"),
    "number": (NA.replace('rate="1000"', 'rate="1 kHz"'), "N320"),
    "expression": (NA.replace("70*exp(", "70*system("), "N351"),
    "code": (NA.replace("70*exp(-(v + 0.07)/0.02)", "__import__('os')"), "N351"),
    "endless expression": (NA.replace("70*exp(-(v + 0.07)/0.02)", "(" * 3000), "N351"),
    "conductance law": (NA.replace('cond_law="ohmic"', 'cond_law="integrate_and_fire"'), "N352"),
    "form": (NA.replace('expr_form="exp_linear"', 'expr_form="table"'), "N353"),
    "one way": (SCHEME.replace('name="b2" from="o1" to="c2"', 'name="b2" from="o1" to="c1"'), "N353"),
    "initialisation": (NA.replace('<open_state id="m"/>', '<open_state id="m"/><initialisation value="0"/>'), "N353"),
    "gated leak": (NA.replace('ion="na"', 'ion="non_specific"'), "N353"),
    "name": (NA.replace('name="cmlna"', 'name="x; import os"'), "N304"),
    "unknown": (NA.replace("<offset", "<shift"), "N303"),
    "no rates": (NA.replace('name="alpha" from="h0"', 'name="gamma" from="h0"'), "N353"),
    "synapse": (TWO.replace("doub_exp_syn", "stdp_syn"), "N303"),
    "pool": (POOL.replace("pool_volume_info shell_thickness", "fixed_pool_info phi"), "N303"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_hostile_or_not_covered_is_refused_by_name_and_line(name):
    text, code = REFUSED[name]
    ((mechanism, report),) = mod_translator.neuroml.lower(text, "x.xml")
    assert mechanism is None
    (error,) = report.errors
    assert error.code == code, str(error)
    assert error.line > 0 or code == "N311"


def test_the_command_translates_and_checks(tmp_path, capsys):
    source, target = tmp_path / "x.xml", tmp_path / "x.py"
    source.write_text(NA)
    assert main([str(source), "-o", str(target)]) == 0
    assert "def current" in target.read_text()
    assert main(["check", str(source)]) == 0
    assert "channel_type cmlna: translates" in capsys.readouterr().out
