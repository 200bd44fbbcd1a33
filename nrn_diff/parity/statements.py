"""The language: statements and functions."""

from __future__ import annotations

from nrn_diff.parity.rows import Construct
from nrn_diff.parity.texts import (
    ARTIFICIAL,
    CALLED,
    DENSITY,
    DRIVEN,
    INITIAL,
    KINETIC,
    LEFT_OUT,
    LOOPS,
    POINT,
    REPEATED,
    RUN,
    SOLVED,
    VALUES,
)

EVENT = (
    "NEURON { POINT_PROCESS x RANGE a NONSPECIFIC_CURRENT i }\nASSIGNED { v a i }\nPARAMETER { p = 1 }\n"
    "BREAKPOINT { i = v }\nNET_RECEIVE (w) { %s }\n"
)
SENDING = ("test_self_events.py::test_loops_that_send_as_often_as_is_known_at_run_time",)

STATEMENTS = (
    Construct(
        "if, else if, else",
        INITIAL % "if (v < -40) { a = 1 } else if (v < 0) { a = 2 } else { a = 3 }",
        (*VALUES, *RUN),
    ),
    Construct("FROM with constant bounds", INITIAL % "FROM i = 0 TO 2 { arr[i] = i }", RUN, "unrolled"),
    Construct(
        "FROM, bounds known at run time only",
        INITIAL % "FROM i = 0 TO b { a = i }",
        REPEATED,
        "an instance that takes more than 1,048,576 turns is NaN",
    ),
    Construct(
        "FROM of more than 1000 statements with constant bounds",
        INITIAL % "FROM i = 0 TO 20000 { a = i }",
        DRIVEN,
        "stays a loop, of up to 1,048,576 turns",
    ),
    Construct(
        "FROM of more than 10 000 reactions or LINEAR equations",
        KINETIC % "FROM i = 0 TO 20000 { ~ m <-> n (1, 1) }",
        (),
    ),
    Construct(
        "assignment to the variable of a FROM",
        INITIAL % "FROM i = 0 TO 2 { i = 3 }",
        (),
        "NEURON's own compiler prints C++ that does not compile",
    ),
    Construct(
        "array index known at run time only", INITIAL % "arr[b] = 1", REPEATED, "an index that does not exist makes NaN"
    ),
    Construct("the same, of a LOCAL array", INITIAL % "LOCAL l[2] l[0] = 1 l[1] = 2 a = l[b]", DRIVEN),
    Construct("WHILE", INITIAL % "while (a < 3) { a = a + 1 }", REPEATED, "more than 1,048,576 turns make NaN"),
    Construct(
        "the same, around events",
        EVENT % "FROM j = 0 TO p { net_send(p*j, 2) }",
        SENDING,
        "more than 32 turns in one call are an error in the run, NaN under jit",
    ),
    Construct(
        "net_send whose delay begins with the variable of a FROM, as j*gap",
        EVENT % "FROM j = 0 TO 3 { net_send(j*p, 2) }",
        (),
        "nocmodl prints (t + j)*gap: the event comes at another time, mostly in the past, where NEURON stops",
    ),
    Construct(
        "WHILE, or FROM with bounds known at run time only, around m' = ...",
        SOLVED % ("cnexp", "FROM i = 0 TO b { m' = -m } while (a < 3) { a = a + 1 m' = -m }"),
        DRIVEN,
        "by cnexp each turn takes a step; else the last evaluation counts, and where there is none the one before",
    ),
    Construct(
        "FROM around reactions or LINEAR equations, bounds known at run time only",
        KINETIC % "~ m <-> n (1, 2) FROM i = 0 TO b { ~ m <-> n (1, 1) }",
        (),
        "NEURON compiles it",
    ),
    Construct(
        "WHILE around reactions or LINEAR equations",
        KINETIC % "while (a < 3) { a = a + 1 ~ m <-> n (1, 1) }",
        (),
        "NEURON compiles it",
    ),
    Construct(
        "WHILE or FROM around a WATCH, loops within loops that send, bounds known at run time only",
        EVENT % "while (a < 3) { a = a + 1 WATCH (v > a) 2 }",
        (),
        "NEURON compiles it",
    ),
    Construct("WHILE in an ARTIFICIAL_CELL", ARTIFICIAL + "INITIAL { while (a < 3) { a = a + 1 } }\n", LOOPS),
    Construct(
        "the same, with a FUNCTION that sets variables in the condition",
        ARTIFICIAL + "INITIAL { while (f() > 1) { a = 1 } }\nFUNCTION f() { a = 2 f = 1 }\n",
        DRIVEN,
    ),
    Construct(
        "LAG",
        INITIAL % "LAG a BY p",
        (*DRIVEN, "test_driven_mods.py::test_what_a_lag_gives_has_neurons_derivative_by_the_delay"),
        "a delay that changes during a run or is about twice as long as at the capture makes NaN, and so does one "
        "that is not positive, at which NEURON crashes. A variable that is one for all instances (a GLOBAL; v, in a "
        "file that is not thread-safe) has one past, as in NEURON",
    ),
    Construct(
        "LAG of a POINTER, in a loop, in an ARTIFICIAL_CELL, by a delay that the file assigns",
        "NEURON { ARTIFICIAL_CELL x }\nASSIGNED { a }\nPARAMETER { p = 1 }\nINITIAL { LAG a BY p }\n",
        (),
        "NEURON compiles it; of a POINTER it keeps one past for all that see the same variable",
    ),
    Construct(
        "m' inside an expression",
        SOLVED % ("cnexp", "m' = -m a = m'"),
        DRIVEN,
        "what NEURON's variable of the derivative holds: with cnexp nothing ever assigns it",
    ),
    Construct(
        "m'' inside an expression",
        SOLVED % ("cnexp", "m' = -m a = m''"),
        (),
        "NEURON's own compiler prints C++ that does not compile",
    ),
    Construct(
        "name@n, an earlier value",
        INITIAL % "a = m@1",
        DRIVEN,
        "only a DISCRETE fills it, for all instances together; elsewhere NEURON has there the START value for ever",
    ),
    Construct("assignment to name@n", INITIAL % "m@1 = 2", (), "NEURON compiles it"),
    Construct(
        "string arguments outside printf and threshold",
        INITIAL % 'a = exp("text")',
        (),
        "NEURON's own compiler prints C++ that does not compile",
    ),
    Construct(
        "printf, prterr, at_time as statements",
        INITIAL % 'printf("%g", a)',
        (LEFT_OUT,),
        "left out; no effect in a fixed step",
    ),
    Construct(
        "VERBATIM: empty, comments, return 0 at the end",
        CALLED % "PROCEDURE f(x) { a = x\nVERBATIM\nreturn 0;\nENDVERBATIM\n}",
        RUN,
    ),
    Construct(
        "VERBATIM: assignments, if, return at the end of a path",
        INITIAL % "VERBATIM\n a = 3; if (b > 1) { b = a; }\n ENDVERBATIM",
        ("test_translator_verbatim.py::test_c_code_agrees_with_neuron_to_rounding",),
        "C's integers and NEURON's names (`_lx`, `_ion_cai`) as in C",
    ),
    Construct(
        "VERBATIM: switch, while, do, for, break, continue, return, ++, assignments in expressions",
        CALLED % "PROCEDURE f(x) {\nVERBATIM\nint k = 3; while (k > a) { if (k-- == 2) break; }\nENDVERBATIM\n}",
        ("test_translator_verbatim_flow.py::test_flow_of_c_agrees_with_neuron",),
    ),
    Construct(
        "VERBATIM: C functions of doubles that the file defines, macros, unsigned ints",
        "VERBATIM\n#define M(x) x*2\n#define N M(2.5)\nstatic double f(double x) { return x*N; }\nENDVERBATIM\n"
        + INITIAL % "VERBATIM\n a = f(N);\n ENDVERBATIM",
        DRIVEN,
    ),
    Construct(
        "usetable, read in a file with a TABLE",
        DENSITY
        + "INITIAL { r(v) if (usetable == 0) { a = b } }\nPROCEDURE r(x) { TABLE b FROM 0 TO 1 WITH 9 b = x }\n",
        ("test_translator_verbatim_flow.py::test_flow_of_c_agrees_with_neuron", *DRIVEN),
        "no parameter to vary: it decides what is compiled",
    ),
    Construct(
        "VERBATIM: files, HOC Vectors in the equations, NEURON's structures, any other C",
        INITIAL % 'VERBATIM\n FILE* f = fopen("x", "r");\n ENDVERBATIM',
        (),
        "where a simulation reaches it",
    ),
    Construct("t and dt in equations", SOLVED % ("cnexp", "m' = sin(t) - m*dt"), RUN),
    Construct(
        "assignment to v",
        DENSITY + "INITIAL { v = v + 10 a = v }\n",
        RUN,
        "NEURON gives the block a copy, and so does this",
    ),
    Construct(
        "assignment to v in NET_RECEIVE",
        POINT + "NET_RECEIVE (w) { v = -60 }\n",
        ("test_driven_mods.py::test_a_voltage_that_an_event_sets_is_watched_as_in_neuron", *DRIVEN),
        "it sets the potential of the segment; refused: several instances in one place, another NET_RECEIVE that reads "
        "v, extracellular layers",
    ),
    Construct(
        "the same by a PROCEDURE that NET_RECEIVE calls",
        POINT + "NET_RECEIVE (w) { f() }\nPROCEDURE f() { v = -60 }\n",
        DRIVEN,
        "it sets the potential where v stands in NET_RECEIVE too, as in NEURON",
    ),
    Construct(
        "the same where v does not stand in NET_RECEIVE, in a file with a WATCH",
        POINT + "NET_RECEIVE (w) { f() WATCH (a > 1) 2 }\nPROCEDURE f() { v = -60 }\n",
        (),
        "NEURON renews its copy of v each time that it looks at the WATCH",
    ),
    Construct(
        "a FUNCTION with side effects to the right of &amp;&amp; or \\|\\|",
        DENSITY + "INITIAL { if (v > 0 && f() > 1) { a = 1 } }\nFUNCTION f() { b = 2 f = 1 }\n",
        DRIVEN,
    ),
)

FUNCTIONS = (
    Construct(
        "exp, log, log10, sqrt, pow, ^, fabs, abs, fmod, floor, ceil, erf, trigonometric and hyperbolic",
        INITIAL % "a = exp(v) + pow(p, 2)^2 + fmod(v, 7) + tanh(v) + atan2(v, 3) + erf(v) + abs(v)",
        (*VALUES, "test_runtime_functions.py::test_exp_is_cut_like_neurons"),
        "exp as NEURON cuts it, at 700",
    ),
    Construct(
        "nrn_ghk",
        "NEURON { SUFFIX x RANGE a }\nASSIGNED { v a celsius }\nINITIAL { a = nrn_ghk(v, 1, 2, 2) }\n",
        (*VALUES, "test_runtime_functions.py::test_nernst_and_ghk_have_neurons_values"),
    ),
    Construct(
        "gauss, step, perstep, pulse, perpulse, ramp, squarewave, sawtooth, revsawtooth, harmonic, sigmoid, "
        "revsigmoid, hyperbol, revhyperbol, factorial, poisson, threshold",
        INITIAL % 'a = gauss(v, 0, 1) + step(t, 1, p) + threshold(v, 0, "min")',
        DRIVEN,
        "of a negative number the factorial is NaN, where NEURON stops",
    ),
    Construct(
        "force, stepforce",
        INITIAL % 'a = force(t, "file")',
        (),
        "they read a file of points (in SCoP's format) where the simulation first calls them; the "
        "others of NMODL's functions (spline, deflate, romberg, ...) NEURON 9 does not compile",
    ),
)
