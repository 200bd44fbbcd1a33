"""The language: declarations, blocks, methods, statements, functions."""

from __future__ import annotations

from nrn_diff.parity.rows import Construct
from nrn_diff.parity.texts import (
    ADVANCE,
    ARTIFICIAL,
    CALLED,
    CELLS,
    CNEXP,
    CURRENT,
    DENSITY,
    DIFFUSION,
    DRIVEN,
    IN_ORDER,
    INITIAL,
    KINETIC,
    LEFT_OUT,
    LOOPS,
    NEWTON,
    ORDER,
    POINT,
    REPEATED,
    RUN,
    SOLVED,
    SPIKES,
    STEP,
    USERS_CELL,
    VALUES,
)

KINDS = (
    Construct("SUFFIX (density mechanism)", INITIAL % "a = p", RUN),
    Construct("POINT_PROCESS", POINT, SPIKES),
    Construct(
        "ARTIFICIAL_CELL", ARTIFICIAL + "NET_RECEIVE (w) { net_event(t) }\n", CELLS, "sends given trains of events"
    ),
    Construct(
        "SUFFIX nothing",
        "NEURON { SUFFIX nothing }\nFUNCTION f(x) { f = x }\n",
        ("test_translator_refusals.py::test_a_library_of_functions_is_nothing_to_simulate",),
        "a library for HOC: nothing to simulate",
    ),
    Construct("no SUFFIX: named after the file", "NEURON { RANGE a }\nASSIGNED { a }\nINITIAL { a = 1 }\n", STEP),
)

DECLARATIONS = (
    Construct("PARAMETER, ASSIGNED, STATE, CONSTANT, RANGE, GLOBAL", DENSITY + "CONSTANT { c = 2 }\n", RUN),
    Construct(
        "UNITS with factors",
        "NEURON { SUFFIX x RANGE a }\nUNITS { F = (faraday) (coulomb) R = (k-mole) (joule/degC) }\n"
        "ASSIGNED { a }\nINITIAL { a = F/R }\n",
        ("test_translator_units.py::test_the_constants_of_2019", *RUN),
        "read from the units table of the installed NEURON, to the last bit",
    ),
    Construct(
        "DEFINE, arrays", "NEURON { SUFFIX x RANGE a }\nDEFINE N 3\nASSIGNED { a[N] }\nINITIAL { a[N-1] = 1 }", RUN
    ),
    Construct(
        "STATE with START, FROM, TO, m0", "NEURON { SUFFIX x }\nSTATE { m START 0.3 n }\nINITIAL { n = m0 }\n", RUN
    ),
    Construct(
        "LOCAL, also nested and arrays", INITIAL % "LOCAL k, l[2] l[1] = 2 if (v > 0) { LOCAL k k = l[1] a = k }", RUN
    ),
    Construct(
        "LOCAL of the file that hides an ASSIGNED",
        "NEURON { SUFFIX x RANGE a }\nASSIGNED { v a }\nLOCAL a\nINITIAL { a = v }\n",
        DRIVEN,
        "what follows in the file means the LOCAL, and HOC goes on to see the ASSIGNED",
    ),
    Construct(
        "INDEPENDENT, THREADSAFE, TITLE, COMMENT", "TITLE t\nINDEPENDENT { t FROM 0 TO 1 WITH 1 (ms) }\n" + DENSITY, RUN
    ),
    Construct(
        "INCLUDE",
        DENSITY,
        ("test_translator_source.py::test_include_is_found_beside_the_file_and_in_the_given_folders",),
    ),
    Construct(
        "POINTER, read or written in any block",
        "NEURON { SUFFIX x POINTER p RANGE a }\nASSIGNED { p a }\nINITIAL { a = p }\n",
        ("test_links.py::test_pointers_lead_to_any_variable",),
        "what it may lead to: see NEURON, below",
    ),
    Construct(
        "POINTER to an array, in an ARTIFICIAL_CELL; BBCOREPOINTER",
        "NEURON { SUFFIX x BBCOREPOINTER p RANGE a }\nASSIGNED { p a }\nINITIAL { a = p }\n",
        (),
        "where a simulation uses it",
    ),
    Construct(
        "EXTERNAL",
        "NEURON { SUFFIX x EXTERNAL q_y RANGE a }\nASSIGNED { q_y a }\nINITIAL { a = q_y }\n",
        (),
        "likewise",
    ),
    Construct(
        "RANDOM in an ARTIFICIAL_CELL",
        "NEURON { ARTIFICIAL_CELL x RANDOM r }\nINITIAL { net_send(random_negexp(r, 5), 1) }\n"
        "NET_RECEIVE (w) { if (flag == 1) { net_event(t) net_send(random_uniform(r), 1) } }\n",
        USERS_CELL,
        "the same stream as in NEURON, bit for bit",
    ),
    Construct(
        "RANDOM in a mechanism of the equations",
        "NEURON { SUFFIX x RANDOM r RANGE a }\nASSIGNED { a }\nBREAKPOINT { a = random_normal(r) }\n",
        ("test_random_equations.py::test_the_numbers_of_the_equations_are_neurons",),
        "the same stream as in NEURON, bit for bit; no derivative passes through a number that is drawn",
    ),
    Construct(
        "exprand, normrand, poisrand, scop_random, set_seed in an ARTIFICIAL_CELL",
        "NEURON { ARTIFICIAL_CELL x }\nINITIAL { net_send(exprand(5), 1) }\nNET_RECEIVE (w) { net_event(t) }\n",
        ("test_random_pointers.py::test_exprand_of_artificial_cells_goes_on_in_neurons_one_stream",),
        "NEURON's one stream for the whole process, from where it stands at the capture; not with use_mcell_ran4(1)",
    ),
    Construct(
        "the same in a mechanism of the equations",
        "NEURON { SUFFIX x RANGE a }\nASSIGNED { a }\nBREAKPOINT { a = normrand(0, 1) + exprand(2) }\n",
        (
            "test_random_equations.py::test_the_numbers_of_the_one_stream_of_the_process_are_neurons",
            "test_random_equations.py::test_streams_go_on_in_runs_of_enable_and_in_neuron",
        ),
        "in NEURON's order of mechanisms, instances and events; such blocks run on one instance after the other. "
        "Refused: artificial cells that draw from it too; two events that draw at the same time",
    ),
    Construct(
        "VERBATIM: numbers drawn from a HOC Random or a Random123 stream behind a POINTER",
        "NEURON { SUFFIX x POINTER rng RANGE a }\nASSIGNED { a rng }\nBREAKPOINT { a = f() }\nFUNCTION f() {\n"
        "VERBATIM\n if (_p_rng) { return nrn_random_pick((Rand*)_p_rng); } else {\nENDVERBATIM\n f = 1\n"
        "VERBATIM\n }\nENDVERBATIM\n}\n",
        ("test_random_pointers.py::test_numbers_that_c_code_draws_behind_a_pointer_are_neurons",),
        "Random123 and MCellRan4; uniform, negexp, normal, discunif; in the equations each instance has one of its own",
    ),
    Construct(
        "random_setids in a mechanism of the equations",
        "NEURON { SUFFIX x RANDOM r RANGE a }\nINITIAL { random_setids(r, 1, 2, 3) }\n",
        (),
    ),
)

BLOCKS = (
    Construct(
        "INITIAL, BREAKPOINT, several of a kind",
        CURRENT + "INITIAL { m = 1 }\nINITIAL { n = m }\nBREAKPOINT { i = v }",
        RUN,
    ),
    Construct(
        "BREAKPOINT without a current",
        DENSITY + "BREAKPOINT { a = v }\n",
        RUN,
        "runs in the state update, as in NEURON",
    ),
    Construct(
        "FUNCTION, PROCEDURE, also with side effects", CALLED % "FUNCTION f(x) { b = x f = 2*x }", (*VALUES, *RUN)
    ),
    Construct("recursion", CALLED % "FUNCTION f(x) { f = x*f(x - 1) }", ()),
    Construct(
        "FUNCTION_TABLE",
        DENSITY + "FUNCTION_TABLE tau(v)\nINITIAL { a = tau(v) }\n",
        ("test_function_table.py::test_all_forms_of_function_tables_are_neurons",),
        "its content is that of the moment of the capture; one that was never set is refused there",
    ),
    Construct(
        "FUNCTION_TABLE in an ARTIFICIAL_CELL", ARTIFICIAL + "FUNCTION_TABLE tau(v)\nINITIAL { a = tau(2) }\n", ()
    ),
    Construct("BEFORE and AFTER, all that NEURON runs", DENSITY + "BEFORE BREAKPOINT { a = 1 }\n", DRIVEN),
    Construct(
        "BEFORE and AFTER that assign an ion, or BEFORE INITIAL that reads one",
        "NEURON { SUFFIX x USEION ca READ cai WRITE cai }\nASSIGNED { cai }\nAFTER SOLVE { cai = 1 }\n",
        (),
        "NEURON does not hand it to the ion",
    ),
    Construct(
        "CONSTRUCTOR that assigns what HOC can read",
        DENSITY + "CONSTRUCTOR { a = 1 }\n",
        ORDER,
        "its effect is in the live values",
    ),
    Construct("CONSTRUCTOR that assigns other variables, or calls", DENSITY + "CONSTRUCTOR { b = 1 }\n", ()),
    Construct(
        "CONSTRUCTOR, DESTRUCTOR of C code",
        DENSITY + "DESTRUCTOR {\nVERBATIM\nfree(x);\nENDVERBATIM\n}\n",
        STEP,
        "left out",
    ),
    Construct(
        "what no simulation reaches",
        DENSITY + "PROCEDURE plot() { nobody = 1 }\n",
        (LEFT_OUT,),
        "left out, with a note",
    ),
    Construct(
        "DISCRETE",
        DENSITY + "BREAKPOINT { SOLVE d }\nDISCRETE d { m = m + 1 }\n",
        (),
        "NEURON moves the time of the whole simulation on by dt for each instance",
    ),
    Construct("NONLINEAR", DENSITY + "BREAKPOINT { SOLVE d }\nNONLINEAR d { ~ m*m = p }\n", (*DRIVEN, IN_ORDER)),
    Construct("LINEAR", DENSITY + "INITIAL { SOLVE l }\nLINEAR l { ~ m + n = 1 ~ m = 2*n }\n", RUN),
)

METHODS = (
    Construct("METHOD cnexp", SOLVED % ("cnexp", "m' = (p - m)/3 n' = -n/5"), CNEXP),
    Construct(
        "cnexp of an equation that is not linear in its state",
        SOLVED % ("cnexp", "m' = 1/(1 + m)"),
        ("test_translator_cnexp.py::test_a_block_that_is_not_linear_goes_to_derivimplicit_with_a_note", *RUN),
        "derivimplicit, as NEURON does; a note says so",
    ),
    Construct(
        "cnexp of a product of states",
        SOLVED % ("cnexp", "m' = -m*m + n"),
        ("test_translator_cnexp.py::test_a_product_of_states_is_stepped_as_nocmodl_prints_it", *RUN),
        "NEURON's formula, which is not the solution of the equation; a note says so",
    ),
    Construct(
        "a DERIVATIVE SOLVEd by cnexp, called like a PROCEDURE",
        SOLVED % ("cnexp", "m' = -m") + "INITIAL { s() }\n",
        DRIVEN,
        "each call takes a step; by any other METHOD it is refused (S154)",
    ),
    Construct("METHOD derivimplicit", SOLVED % ("derivimplicit", "m' = -m*n n' = m*n"), NEWTON),
    Construct(
        "euler or derivimplicit with m' inside if/else",
        SOLVED % ("derivimplicit", "if (v > 0) { m' = -m }"),
        DRIVEN,
        "where the condition does not hold, the derivative of the last evaluation goes on, as in NEURON",
    ),
    Construct("METHOD euler", SOLVED % ("euler", "m' = -m"), RUN),
    Construct("METHOD runge", SOLVED % ("runge", "m' = -m + f(1)") + "FUNCTION f(x) { f = x*t }\n", DRIVEN),
    Construct(
        "a DERIVATIVE without METHOD, or with after_cvode, cvode_t",
        SOLVED % ("after_cvode", "m' = -m"),
        DRIVEN,
        "NEURON evaluates the equations and does not advance the states; a note says so. Other methods "
        "(cvode_t_v, matexp, adams, ...) NEURON 9 itself rejects",
    ),
    Construct(
        "SOLVE of a PROCEDURE (old style)",
        DENSITY + "BREAKPOINT { SOLVE s }\nPROCEDURE s() { m = m + a*(b - m) }\n",
        RUN,
    ),
    Construct("KINETIC, METHOD sparse", KINETIC % "~ m <-> n (p, 2) CONSERVE m + n = 1", RUN),
    Construct(
        "COMPARTMENT, f_flux, b_flux, <<, ->",
        KINETIC % "COMPARTMENT p { m n } ~ m <-> n (1, 2) a = f_flux ~ m << (p) ~ n -> (1)",
        RUN,
    ),
    Construct(
        "rate constants that depend on a state, linear otherwise", KINETIC % "LOCAL k k = 2*n ~ m <-> n (k, 1)", RUN
    ),
    Construct("the same, in a scheme that is not linear", KINETIC % "LOCAL k k = 2*n ~ 2 m <-> n (k, 1)", ()),
    Construct(
        "a rate that is a sum without parentheses",
        KINETIC % "~ m <-> n (a + 1, 1)",
        (),
        "NEURON multiplies its last term only",
    ),
    Construct(
        "LONGITUDINAL_DIFFUSION of scalars, arrays, concentrations; FUNCTIONs as coefficients",
        KINETIC % "COMPARTMENT p { m } LONGITUDINAL_DIFFUSION p { m } ~ m <-> n (1, 1)",
        DIFFUSION,
    ),
    Construct(
        "LONGITUDINAL_DIFFUSION with a coefficient that depends on an ion or a POINTER",
        "NEURON { SUFFIX x USEION ca READ cai }\nASSIGNED { cai }\nSTATE { m }\n"
        "BREAKPOINT { SOLVE s METHOD sparse }\n"
        "KINETIC s { COMPARTMENT 1 { m } LONGITUDINAL_DIFFUSION cai { m } ~ m << (0) }\n",
        (),
    ),
    Construct(
        "KINETIC, METHOD euler or runge",
        DENSITY + "BREAKPOINT { SOLVE s METHOD euler }\nKINETIC s { ~ m <-> n (1, 1) }\n",
        DRIVEN,
        "CONSERVE has no effect there, as in NEURON",
    ),
    Construct(
        "KINETIC without METHOD",
        DENSITY + "BREAKPOINT { SOLVE s }\nKINETIC s { ~ m <-> n (1, 1) }\n",
        (),
        "NEURON's own compiler prints C++ that does not compile",
    ),
    Construct(
        "STEADYSTATE sparse",
        DENSITY + "INITIAL { SOLVE s STEADYSTATE sparse }\nKINETIC s { ~ m <-> n (1, 2) CONSERVE m + n = 1 }\n",
        RUN,
    ),
    Construct(
        "STEADYSTATE of a DERIVATIVE; euler or runge of a KINETIC",
        DENSITY + "INITIAL { SOLVE s STEADYSTATE derivimplicit }\nDERIVATIVE s { m' = -m }\n",
        (),
        "derivimplicit: NEURON takes a step of 1e-9 ms, and mostly fails; the others it does not compile",
    ),
    Construct(
        "STEADYSTATE of LINEAR, NONLINEAR",
        DENSITY + "INITIAL { SOLVE l STEADYSTATE simeq }\nLINEAR l { ~ m + n = 1 ~ m = 2*n }\n",
        RUN,
        "the same as without STEADYSTATE",
    ),
    Construct(
        "derivimplicit or newton of equations that use what their last evaluation left",
        SOLVED % ("derivimplicit", "m' = -m*b b = b + dt"),
        (*DRIVEN, IN_ORDER),
        "every evaluation in NEURON's order",
    ),
    Construct(
        "the same, where that follows the states from one evaluation to the next",
        SOLVED % ("derivimplicit", "m' = -m*b b = b + m"),
        (),
        "it has no derivative",
    ),
    Construct("m'' (second order)", SOLVED % ("cnexp", "m'' = -m"), (), "nocmodl aborts on it"),
    Construct(
        "derivative of an array",
        "NEURON { SUFFIX x }\nSTATE { m[2] }\n" + ADVANCE % "m'[0] = -m[0]",
        (),
        "NEURON's own compiler prints C++ that does not compile",
    ),
)

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
        "an instance that takes more than 4096 turns is NaN",
    ),
    Construct("FROM of more than 10 000 statements", INITIAL % "FROM i = 0 TO 20000 { a = i }", ()),
    Construct("assignment to the variable of a FROM", INITIAL % "FROM i = 0 TO 2 { i = 3 }", ()),
    Construct(
        "array index known at run time only", INITIAL % "arr[b] = 1", REPEATED, "an index that does not exist makes NaN"
    ),
    Construct("the same, of a LOCAL array", INITIAL % "LOCAL l[2] a = l[b]", ()),
    Construct("WHILE", INITIAL % "while (a < 3) { a = a + 1 }", REPEATED, "more than 4096 turns make NaN"),
    Construct("the same, around equations or events", SOLVED % ("cnexp", "FROM i = 0 TO b { m' = -m }"), ()),
    Construct(
        "WHILE around equations or events",
        SOLVED % ("cnexp", "while (a < 3) { a = a + 1 m' = -m }"),
        (),
    ),
    Construct("WHILE in an ARTIFICIAL_CELL", ARTIFICIAL + "INITIAL { while (a < 3) { a = a + 1 } }\n", LOOPS),
    Construct(
        "the same, with a FUNCTION that sets variables in the condition",
        ARTIFICIAL + "INITIAL { while (f() > 1) { a = 1 } }\nFUNCTION f() { a = 2 f = 1 }\n",
        DRIVEN,
    ),
    Construct("LAG and other rare statements", INITIAL % "LAG a BY p", ()),
    Construct(
        "m' inside an expression",
        SOLVED % ("cnexp", "m' = -m a = m'"),
        DRIVEN,
        "what NEURON's variable of the derivative holds: with cnexp nothing ever assigns it",
    ),
    Construct("m'' inside an expression", SOLVED % ("cnexp", "m' = -m a = m''"), ()),
    Construct("name@n, an earlier value", INITIAL % "a = m@1", ()),
    Construct("string arguments outside printf", INITIAL % 'a = exp("text")', ()),
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
        "VERBATIM: C functions of doubles that the file defines, numbers that it #defines",
        "VERBATIM\n#define N 2.5\nstatic double f(double x) { return x*N; }\nENDVERBATIM\n"
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
        (),
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
    Construct("NMODL's other built-in functions (gauss, step, ...)", INITIAL % "a = gauss(v, 0, 1)", ()),
)
