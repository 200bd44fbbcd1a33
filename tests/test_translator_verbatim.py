"""C in VERBATIM: what becomes IR agrees with NEURON, which compiles the C; the rest is refused where it stands."""

from __future__ import annotations

import numpy as np
import pytest
from neuron_process import run_function

from mod_translator import check

VPLAIN = """
NEURON { SUFFIX vplain NONSPECIFIC_CURRENT i RANGE g, w, arr, peak, steps, whole, rest GLOBAL shift }
LOCAL seen
PARAMETER { g = 1e-4 shift = 2 }
STATE { m }
ASSIGNED { v i w arr[4] peak steps whole rest }
INITIAL { LOCAL q
    q = 3
    seen = 0.5
    peak = -1e9
    m = level(v)
VERBATIM
    /* an int quotient, a LOCAL of the block and one of the file */
    int half, k; double x = 7/2;
    half = 7 / 2;
    w = x + half + _lq/2 + _zseen + shift;
    for (k = 0; k < 4; k++) { arr[k] = k/2 + 0.5*k; }
    steps = k;
    whole = rest = 0;
    printf("%g // no comment\\n", w);
ENDVERBATIM
}
BREAKPOINT { SOLVE s METHOD cnexp
VERBATIM
    if (v > peak && !(v > 1e6)) { peak = v; } // the highest so far
    else peak -= 1e-3;
ENDVERBATIM
    track(v)
    i = g*(v + 70) + 1e-5*m
}
DERIVATIVE s { m' = (level(v) - m)/5 }
FUNCTION level(x) {
VERBATIM
    double y;
#ifndef NRNBBCORE
    y = _lx;
#else
    y = nothing_of_the_kind;
#endif
    if (y >= -60 & y < -40) return (y + 60)/20;
    if (y >= -40) { return y > 0 ? 2 : 1 + exp(y/50)/10; }
    _llevel = -0.1;
    return _llevel;
ENDVERBATIM
}
PROCEDURE track(x) { LOCAL n
    n = 0
    FROM j = 0 TO 3 {
VERBATIM
        int k; k = (int)(_lx/3);
        arr[_lj] = (_lx > -50)*_lj/2 + k / 4 + k % 4 + 1/2 + 1.0/2;
        _ln += arr[_lj];
ENDVERBATIM
    }
    whole = n
VERBATIM
    rest = pow(_lx, 2.) - fabs(_lx);
    steps++;
    return 0;
ENDVERBATIM
}
"""
VION = """
NEURON { SUFFIX vion USEION ca READ cai WRITE cai, ica RANGE start, twice }
PARAMETER { tau = 4 }
STATE { cai }
ASSIGNED { v ica start twice }
INITIAL {
VERBATIM
    cai = _ion_cai;
    start = _ion_cai*2;
ENDVERBATIM
    twice = 2*cai
}
BREAKPOINT { SOLVE s METHOD cnexp ica = 1e-5*(v + 70)
VERBATIM
    return_not: ;
ENDVERBATIM
}
DERIVATIVE s { cai' = (start - cai)/tau - ica*0.01 }
""".replace("VERBATIM\n    return_not: ;\nENDVERBATIM\n", "")
VARIABLES = {"vplain": ["m", "w", "peak", "steps", "whole", "rest"], "vion": ["start", "twice"]}


def compare():
    """Worst relative difference of everything recorded from both mechanisms."""
    import jax
    from neuron import h

    import nrn_diff

    jax.config.update("jax_enable_x64", True)
    h.load_file("stdrun.hoc")
    h.tstop, h.dt = 20.0, 0.025
    out = {}
    for name, variables in VARIABLES.items():
        cell = h.Section(name="cell")
        cell.L = cell.diam = 20.0
        cell.insert("pas")
        cell.insert(name)
        clamp = h.IClamp(cell(0.5))
        clamp.delay, clamp.dur, clamp.amp = 2.0, 8.0, 0.9
        segment = cell(0.5)
        vectors = {"cell(0.5).v": h.Vector().record(segment._ref_v)}
        for variable in variables:
            reference = getattr(getattr(segment, name), f"_ref_{variable}")
            vectors[f"cell(0.5).{name}.{variable}"] = h.Vector().record(reference)
        if name == "vion":
            vectors["cell(0.5).cai"] = h.Vector().record(segment._ref_cai)
        h.t = 0.0
        model = nrn_diff.capture()
        h.run()
        want = {label: np.array(vector) for label, vector in vectors.items()}
        got = model.simulate(model.parameters())
        error = {k: np.abs(np.asarray(got[k]) - w).max() / max(np.abs(w).max(), 1e-30) for k, w in want.items()}
        out[name] = {"error": error, "range": {k: float(np.ptp(w)) for k, w in want.items()}}
        del cell, clamp, segment, vectors
    return out


@pytest.mark.slow
def test_c_code_agrees_with_neuron_to_rounding():
    out = run_function(compare, mods={"vplain.mod": VPLAIN, "vion.mod": VION})
    for name, found in out.items():
        assert found["range"]["cell(0.5).v"] > 30.0, name
        for label, error in found["error"].items():
            assert error < 1e-9, (name, label, error)
    assert out["vplain"]["range"]["cell(0.5).vplain.whole"] > 1.0
    assert out["vplain"]["range"]["cell(0.5).vplain.m"] > 0.5


@pytest.mark.parametrize("text", [VPLAIN, VION])
def test_plain_c_translates(text):
    assert check(text).errors == ()


def test_printing_is_left_out_with_a_note():
    note = next(n for n in check(VPLAIN).notes if "printf() in VERBATIM" in n.text)
    assert "printf" in note.place.text


HEAD = "NEURON { SUFFIX x RANGE a, r USEION ca READ cai WRITE ica }\nASSIGNED { v a r[2] cai ica }\nLOCAL z\n"
HEAD += "INITIAL { LOCAL q\n q = a\n"


def initial(code):
    return f"{HEAD}VERBATIM\n{code}\nENDVERBATIM\n}}\n"


REFUSED = {
    "goto end;": "goto",
    "static int first = 1;": "static",
    "double* p = &a;": "pointer",
    "float f = a;": "type float",
    "unsigned long u = 3;": "type unsigned long",
    "int i = a; double b[2]; b[i] = 1;": "only known at run time",
    "a = r[a];": "index of r that is no int",
    "switch (a) { case 0: a = 1; }": "switch of a double",
    "int i = a; switch (i) { case 0: a = 1; case 0: a = 2; }": "stands twice",
    "int i = a; switch (i) { a = 3; case 0: a = 1; }": "before its first case",
    "while (1) a += 1;": "never ends",
    "continue;": "continue",
    "a = level(a) + (a = 3);": "call of level",
    "int i; for (i = 0; i < 2000000000; i++) a += 1;": "statements",
    "int i; for (i = 0; ; i++) a += 1;": "never ends",
    "q = 3;": "q, which is no variable",
    "z = 3;": "z, which is no variable",
    "unknown = 3;": "unknown, which is no variable",
    "double a; a = 1;": "with the name of a variable of the mechanism",
    "a = 1 << 2;": "operator <<",
    "a = hoc_lookup(3);": "call of hoc_lookup",
    'system("true");': "call of system",
    'printf("%g", a = 3);': "call of printf",
    "a = nt->_dt;": "structure",
    "a = _ion_ica;": "_ion_ica where it need not be ica",
    "if (a) {": "goes on outside",
    "} else {": "begins outside",
    "} void other(void) {": "begins outside",
    "#define N(x...) 3\na = N(2);": "#define",
    "#define N N1\n#define N1 N + 1\na = N;": "N, which is no variable",
    "unsigned k = 70000; k = k + 1; a = k*k;": "a product of unsigned",
    "#if SOMETHING\na = 1;\n#endif": "condition",
    "#else": "does not begin",
    "return 3;": "return of a value",
    "auto x = 3;": "plain C",
    "a = 3": "plain C",
    "a = 3 %d;": "d, which is no variable",
    "a = " + "(" * 500 + "1" + ")" * 500 + ";": "nested",
    "a = " + "-" * 9000 + "1;": "plain C",
    "a = " + "1+" * 9000 + "1;": "too many parts",
    "a = 1/0;": "divided by 0",
    "a = 0x7fffffff + 1;": "does not fit",
}


@pytest.mark.parametrize("code", REFUSED, ids=lambda c: c[:30])
def test_other_c_is_refused_and_shown(code):
    report = check(initial(code))
    error = next(e for e in report.errors if e.code == "U158")
    assert REFUSED[code] in error.reason
    assert error.remedy
    assert error.line in (6, 7, 8, 9)


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        ("double f(double x) { return x*g; }", "g, which is no variable"),
        ("double f(double x) { return f(x - 1); }", "which calls itself"),
        ("double f(double* x) { return 1; }", "the argument double* x"),
        ("double f(double x, double y) { return x; }", "a call of f"),
        ("double f(double x) { if (x > 1) return x; }", "does not end with a return"),
        ("double f(double x) { static double s[2] = {1, 2}; s[0] = x; return s[0]; }", "a static variable"),
        ("double f(double x) { static int n = 0; n++; return n; }", "a static variable"),
        ("double f(double x) { return urand(); }\ndouble urand() { return rand(); }", "a call of rand"),
        ("int f(double x) { return x; }", "a call of f"),
        ("double f(double x) { return 1; }\nENDVERBATIM\nVERBATIM\ndouble f(double x) { return 2; }", "a call of f"),
    ],
)
def test_other_c_functions_are_refused(function, reason):
    text = f"VERBATIM\n{function}\nENDVERBATIM\n{initial('a = f(q);')}".replace("_lq", "q")
    text = text.replace("LOCAL z", "PARAMETER { g = 1 }").replace("a = f(q)", "a = f(_lq)")
    error = next(e for e in check(text).errors if e.code == "U158")
    assert reason in error.reason


def test_a_number_that_is_defined_in_two_ways_is_not_taken():
    text = "VERBATIM\n#ifdef SOMETHING\n#define N 2\n#else\n#define N 3\n#endif\nENDVERBATIM\n" + initial("a = N;")
    assert "N, which is no variable" in check(text).errors[0].reason


def test_a_refusal_points_at_the_line_of_the_c_code():
    error = check(initial("a = 1;\n\n/* a\n comment */ a = nothing(3);")).errors[0]
    assert (error.line, error.source_line.strip()) == (10, "comment */ a = nothing(3);")


def test_return_where_neuron_would_lose_the_current_is_refused():
    text = "NEURON { SUFFIX x NONSPECIFIC_CURRENT i }\nASSIGNED { v i }\nBREAKPOINT { i = v\nVERBATIM\nreturn 0;\n"
    assert [e.code for e in check(text + "ENDVERBATIM\n}\n").errors] == ["U158"]


def test_return_out_of_a_loop_of_nmodl_is_refused():
    text = initial("return 0;").replace("VERBATIM\n", "FROM k = 0 TO 3 {\nVERBATIM\n", 1)
    assert "out of a loop" in check(text.replace("ENDVERBATIM\n", "ENDVERBATIM\n a = 1 }\n")).errors[0].reason


def test_the_branch_with_an_error_message_under_cvode_is_left_out():
    assert check(initial('extern int cvode_active_;\nif (cvode_active_) { hoc_execerror("x", "y"); }')).ok


def test_conditions_and_macros_that_go_across_verbatim_blocks():
    text = (
        "NEURON { ARTIFICIAL_CELL x RANGE a }\nASSIGNED { a }\nVERBATIM\n"
        "#ifdef LOUD\n#define tell(...) printf(__VA_ARGS__)\n"
        "#else\n#define tell(...)\n#endif\nENDVERBATIM\nINITIAL {\nVERBATIM\n#ifndef CORENEURON_BUILD\nENDVERBATIM\n"
        " a = 1\n net_send(1, 1)\nVERBATIM\n#endif\nENDVERBATIM\n}\nNET_RECEIVE (w) {\n f()\n net_event(t)\n}\n"
        'PROCEDURE f() {\nVERBATIM\n tell("at %g", t);\n if (a > 1) {\n #if defined(NRN_VERSION_GTEQ_9_0_0)\n'
        " artcell_net_send(_tqitem, (double*)0, _ppvar[1].get<Point_process*>(), a + 2, 3.0);\n"
        " #endif\n }\nENDVERBATIM\n}\n"
    )
    report = check(text)
    assert report.ok, report.errors
    assert not check(text.replace("#define tell(...)\n", "#define tell(...) a = 2\n")).ok
