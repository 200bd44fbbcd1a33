"""Emitted blocks against NEURON's own values, variable by variable."""

import functools

import jax.numpy as jnp
import numpy as np
import pytest
from emit_helpers import module, translated
from neuron_process import run_function

from mod_translator import emit

VOLTAGES = [-200.0, -100.0, -99.999, -65.0, -55.0, -54.9999999, -40.0, -40.0000001, 0.0, 37.2, 99.5, 100.0, 130.0]
GATES = ("minf", "mtau", "hinf", "htau", "ninf", "ntau")


def neuron_hh(voltages, usetable, celsius):
    from neuron import h

    kind, name = h.MechanismType(0), h.ref("")
    kind.select("hh")
    soma = h.Section("soma")
    soma.insert("hh")
    h.celsius, h.usetable_hh, h.dt = celsius, usetable, 0.025
    seg = soma(0.5)
    rows = {
        n: [] for n in ("minf", "mtau", "hinf", "htau", "ninf", "ntau", "m", "h", "n", "ina", "ik", "il", "ena", "ek")
    }
    stepped = {n: [] for n in ("v", "m0", "h0", "n0", "m", "h", "n")}
    for v in voltages:
        h.finitialize(v)
        for row, values in rows.items():
            if row in ("ina", "ik", "ena", "ek"):
                values.append(getattr(seg, row))
            else:
                values.append(getattr(seg.hh, row))
        for s in "mhn":
            stepped[s + "0"].append(getattr(seg.hh, s))
        h.fadvance()
        stepped["v"].append(seg.v)
        for s in "mhn":
            stepped[s].append(getattr(seg.hh, s))
    del name
    return {"code": kind.code(), "rows": {k: np.array(v) for k, v in rows.items()}, "stepped": stepped}


@functools.cache
def hh_of_neuron(usetable, celsius):
    return run_function(neuron_hh, voltages=VOLTAGES, usetable=usetable, celsius=celsius)


def close(got, expected, *, ulps=16, size=0.0):
    """size: of the terms that cancel in the expected values."""
    np.testing.assert_allclose(got, expected, rtol=ulps * 2.3e-16, atol=2.3e-16 * size)


def table_of(made, usetable, celsius):
    return made.rates_make_table(celsius=celsius) if usetable else None


@pytest.mark.long
@pytest.mark.parametrize(("usetable", "celsius"), [(0, 6.3), (1, 6.3), (1, 19.7)])
def test_hh_has_neurons_rates_and_currents(usetable, celsius):
    truth = hh_of_neuron(usetable, celsius)
    mech = translated(truth["code"])
    made, rows = module(mech), truth["rows"]
    v = jnp.array(VOLTAGES)
    start = made.initial(v=v, celsius=celsius, rates_table=table_of(made, usetable, celsius))
    for name in GATES:
        close(start[name], rows[name])
    for name in "mhn":
        close(start[name], rows[name])
    given = {s: rows[s] for s in ("m", "h", "n", "ena", "ek")}
    currents = made.current(v=v, gnabar=0.12, gkbar=0.036, gl=0.0003, el=-54.3, **given)
    for name in ("ina", "ik", "il"):
        close(currents[name], rows[name])


@pytest.mark.parametrize("usetable", [0, 1])
def test_hh_advances_as_neuron_does(usetable):
    truth = hh_of_neuron(usetable, 6.3)
    made, after = module(translated(truth["code"])), {k: jnp.array(v) for k, v in truth["stepped"].items()}
    states = {s: after[s + "0"] for s in "mhn"}
    table = table_of(made, usetable, 6.3)
    new = made.advance(v=after["v"], celsius=6.3, dt=0.025, rates_table=table, **states)
    for s in "mhn":
        close(new[s], after[s])


def test_hh_agrees_with_a_direct_formula():
    made = module(translated(hh_of_neuron(0, 6.3)["code"]))
    v = np.linspace(-90, 40, 53) + 0.013
    got = made.initial(v=jnp.asarray(v), celsius=16.3, rates_table=None)
    alpha, beta = 0.1 * (v + 40) / (1 - np.exp(-(v + 40) / 10)), 4 * np.exp(-(v + 65) / 18)
    np.testing.assert_allclose(got["minf"], alpha / (alpha + beta), rtol=1e-13)
    np.testing.assert_allclose(got["mtau"], 1 / (3 * (alpha + beta)), rtol=1e-13)


CHANNEL = """
NEURON {
    SUFFIX many
    USEION ca READ cai, cao, eca WRITE ica
    NONSPECIFIC_CURRENT i
    RANGE g, p, y, q, w, z, arr
    GLOBAL shift
}
UNITS { FARADAY = (faraday) (coulomb)  R = (k-mole) (joule/degC) }
PARAMETER { g = 0.001 p = 1e-4 shift = 3 }
ASSIGNED { v celsius cai cao eca ica i y q w z arr[3] }
INITIAL {
    y = pow(fabs(v) + 0.1, 1.7) + fmod(v, 7) + atan2(v, 3) + floor(v / 3) - ceil(v / 7)
    q = select(v) + (v > 0) * 2 + (v < -50 || v > 20) - !(v > 10)
    w = exp(v * 20) * 1e-300 + tanh(v / 50) + log10(fabs(v) + 1) + erf(v / 40)
    z = nrn_ghk(v, cai, cao, 2)
    set(v)
}
BREAKPOINT {
    i = g * (v - 10) + 1e-6 * arr[0] + 1e-7 * arr[2]
    ica = p * ghk(v, cai, cao) + g * 1e-3 * (v - eca)
}
PROCEDURE set(x) { LOCAL k
    k = x / 10
    arr[0] = k
    arr[1] = 2 * k
    if (k > 0) { arr[2] = k ^ 3 } else if (k > -5) { arr[2] = -k ^ 2 } else { arr[2] = 5 }
}
FUNCTION select(x) {
    if (x < -60) { select = 1 / (x + 60) } else if (x < -20) {
        if (x == -40) { select = 40 } else { select = log((x + 60) / 3 + 1e-3) }
    } else { select = sqrt(x + 20) / (x + shift + 25) }
}
FUNCTION efun(x) { if (fabs(x) < 1e-4) { efun = 1 - x / 2 } else { efun = x / (exp(x) - 1) } }
FUNCTION ghk(v, ci, co) { LOCAL x
    x = 2e-3 * FARADAY * v / (R * (273.15 + celsius))
    ghk = 1e-3 * 2 * FARADAY * (ci * efun(-x) - co * efun(x))
}
"""
CHANNEL_V = [-200.0, -101.3, -60.5, -60.0, -59.9, -40.0, -33.3, -20.0, -19.99, 0.0, 1e-7, 9.0, 10.0, 20.0, 35.5, 60.0]


def neuron_channel(voltages):
    from neuron import h

    soma = h.Section("soma")
    soma.insert("many")
    h.celsius = 21.5
    seg = soma(0.5)
    rows = {n: [] for n in ("y", "q", "w", "z", "i", "ica", "arr", "cai", "cao", "eca")}
    for v in voltages:
        h.finitialize(v)
        for row, values in rows.items():
            if row == "arr":
                values.append([seg.many.arr[k] for k in range(3)])
            else:
                values.append(getattr(seg if row in ("ica", "cai", "cao", "eca") else seg.many, row))
    return {k: np.array(v) for k, v in rows.items()}


@pytest.mark.long
def test_every_function_and_construct_has_neurons_value():
    rows = run_function(neuron_channel, mods={"many.mod": CHANNEL}, voltages=CHANNEL_V)
    mech = translated(CHANNEL)
    made, v = module(mech), jnp.array(CHANNEL_V)
    values = {"v": v, "celsius": 21.5, "shift": 3.0, "g": 0.001, "p": 1e-4}
    values |= {n: jnp.asarray(rows[n]) for n in ("cai", "cao", "eca")}
    values |= {n: jnp.zeros_like(v) for n in "yqwz"} | {"arr": jnp.zeros((3, len(CHANNEL_V)))}
    start = made.initial(**{n: values[n] for n in emit.signature(mech, mech.initial)})
    for name, size in (("y", 0.0), ("q", 0.0), ("w", 4.0), ("z", 0.0)):
        close(start[name], rows[name], ulps=64, size=size)
    close(start["arr"], rows["arr"].T)
    values["arr"] = start["arr"]
    out = made.current(**{n: values[n] for n in emit.signature(mech, mech.current)})
    close(out["i"], rows["i"], ulps=64)
    close(out["ica"], rows["ica"], ulps=256)


TABLES = """
NEURON { SUFFIX tabled RANGE a, b, c GLOBAL low, gain }
PARAMETER { low = -30 gain = 2 }
ASSIGNED { v celsius a b c[2] }
INITIAL { look(v) a = a + f(v / 7) }
PROCEDURE look(v) {
    TABLE a, b, c DEPEND celsius, gain FROM low TO low * -2 WITH 17
    a = gain * v * v
    b = exp(-v / celsius)
    c[0] = v
    c[1] = v * b
}
FUNCTION f(x) {
    TABLE DEPEND gain FROM -10 TO 10 WITH 40
    f = gain * sin(x)
}
"""
TABLE_V = [-50.0, -30.0, -29.9, -3.3, 0.0, 17.77, 59.9, 60.0, 90.0]


def neuron_tables(voltages, usetable):
    from neuron import h

    soma = h.Section("soma")
    soma.insert("tabled")
    h.celsius, h.usetable_tabled, h.gain_tabled = 13.0, usetable, 3.0
    seg, rows = soma(0.5), {n: [] for n in ("a", "b", "c")}
    for v in voltages:
        h.finitialize(v)
        for row, values in rows.items():
            values.append(seg.tabled.c[1] if row == "c" else getattr(seg.tabled, row))
    return {k: np.array(v) for k, v in rows.items()}


@pytest.mark.long
@pytest.mark.parametrize("usetable", [0, 1])
def test_tables_have_neurons_values(usetable):
    rows = run_function(neuron_tables, mods={"tabled.mod": TABLES}, voltages=TABLE_V, usetable=usetable)
    mech = translated(TABLES)
    made, v = module(mech), jnp.array(TABLE_V)
    values = {"celsius": 13.0, "gain": 3.0, "low": -30.0}
    tables = {t.name: None for t in emit.tables(mech)}
    if usetable:
        for table in emit.tables(mech):
            maker = getattr(made, table.maker)
            tables[table.name] = maker(**{emit.python_name(n): values[n] for n in table.inputs})
    values |= {"v": v, **tables}
    inputs = emit.signature(mech, mech.initial)
    out = made.initial(**{emit.python_name(n): values[n] for n in inputs})
    for name in "ab":
        close(out[name], rows[name], ulps=64)
    close(out["c"][1], rows["c"], ulps=64)
