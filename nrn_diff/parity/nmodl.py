"""Constructs of NMODL, each with a text that has it."""

from __future__ import annotations

from nrn_diff.parity.rows import Construct

_RUN = ("test_translator_neuron.py::test_every_property_agrees_with_neuron_to_rounding",)
_VALUES = ("test_emit_neuron.py::test_every_function_and_construct_has_neurons_value",)
_CNEXP = (*_RUN, "test_translator_cnexp.py::test_the_step_solves_the_equation_exactly")
_NEWTON = (*_RUN, "test_runtime_implicit.py::test_derivimplicit_takes_neurons_steps")
_TABLE = ("test_emit_neuron.py::test_tables_have_neurons_values", *_RUN)
_DEMO = ("test_same_traces.py::test_shipped_model",)
_SPIKES = ("test_spikes_against_neuron.py::test_network_equals_neuron",)
_LOOPS = ("test_parity_neuron.py::test_cells_with_loops_send_as_in_neuron",)
_STEP = ("test_parity_neuron.py::test_clamps_synapses_and_orders_of_the_step",)
_CELLS = ("test_events_artificial.py::test_networks_of_artificial_cells_are_neurons",)
_USERS_CELL = ("test_events_artificial.py::test_a_cell_from_a_users_mod_sends_as_in_neuron",)
_SHARED = "test_translator_effects.py::test_a_shared_value_that_initial_makes_the_same_everywhere_is_carried"
_LEFT_OUT = "test_translator_refusals.py::test_what_the_simulation_never_reaches_is_dropped_with_a_note"

_X = "NEURON { SUFFIX x RANGE a }\nASSIGNED { v a b arr[3] }\nSTATE { m n }\nPARAMETER { p = 1 }\n"
_I = "NEURON { SUFFIX x NONSPECIFIC_CURRENT i RANGE a }\nASSIGNED { v i a b }\nSTATE { m n }\nPARAMETER { p = 1 }\n"
_P = "NEURON { POINT_PROCESS x RANGE a NONSPECIFIC_CURRENT i }\nASSIGNED { v a i }\nBREAKPOINT { i = v }\n"
_A = "NEURON { ARTIFICIAL_CELL x }\nASSIGNED { a }\n"
_INITIAL = _X + "INITIAL { %s }\n"
_SOLVED = _X + "BREAKPOINT { SOLVE s METHOD %s }\nDERIVATIVE s { %s }\n"
_KINETIC = _X + "BREAKPOINT { SOLVE s METHOD sparse }\nKINETIC s { %s }\n"
_CALLED = _X + "INITIAL { f(1) }\n%s\n"
_ION = "NEURON { SUFFIX x USEION ca %s RANGE a }\nASSIGNED { v a eca cai cao ica }\n%s\n"
_GLOBAL = "NEURON { SUFFIX x GLOBAL g RANGE a }\nASSIGNED { v a g celsius }\nSTATE { m }\n"
_ADVANCE = "BREAKPOINT { SOLVE s METHOD cnexp }\nDERIVATIVE s { %s }\n"

KINDS = (
    Construct("SUFFIX (density mechanism)", _INITIAL % "a = p", _RUN),
    Construct("POINT_PROCESS", _P, _SPIKES),
    Construct("ARTIFICIAL_CELL", _A + "NET_RECEIVE (w) { net_event(t) }\n", _CELLS, "sends given trains of events"),
    Construct("SUFFIX nothing", "NEURON { SUFFIX nothing }\nFUNCTION f(x) { f = x }\n", (), "a library for HOC"),
    Construct("no SUFFIX: named after the file", "NEURON { RANGE a }\nASSIGNED { a }\nINITIAL { a = 1 }\n", _STEP),
)

DECLARATIONS = (
    Construct("PARAMETER, ASSIGNED, STATE, CONSTANT, RANGE, GLOBAL", _X + "CONSTANT { c = 2 }\n", _RUN),
    Construct(
        "UNITS with factors",
        "NEURON { SUFFIX x RANGE a }\nUNITS { F = (faraday) (coulomb) R = (k-mole) (joule/degC) }\n"
        "ASSIGNED { a }\nINITIAL { a = F/R }\n",
        ("test_translator_units.py::test_the_constants_of_2019", *_RUN),
        "read from the units table of the installed NEURON, to the last bit",
    ),
    Construct(
        "DEFINE, arrays", "NEURON { SUFFIX x RANGE a }\nDEFINE N 3\nASSIGNED { a[N] }\nINITIAL { a[N-1] = 1 }", _RUN
    ),
    Construct(
        "STATE with START, FROM, TO, m0", "NEURON { SUFFIX x }\nSTATE { m START 0.3 n }\nINITIAL { n = m0 }\n", _RUN
    ),
    Construct(
        "LOCAL, also nested and arrays", _INITIAL % "LOCAL k, l[2] l[1] = 2 if (v > 0) { LOCAL k k = l[1] a = k }", _RUN
    ),
    Construct(
        "INDEPENDENT, THREADSAFE, TITLE, COMMENT", "TITLE t\nINDEPENDENT { t FROM 0 TO 1 WITH 1 (ms) }\n" + _X, _RUN
    ),
    Construct(
        "INCLUDE", _X, ("test_translator_source.py::test_include_is_found_beside_the_file_and_in_the_given_folders",)
    ),
    Construct(
        "POINTER, BBCOREPOINTER",
        "NEURON { SUFFIX x POINTER p RANGE a }\nASSIGNED { p a }\nINITIAL { a = p }\n",
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
        _USERS_CELL,
        "the same stream as in NEURON, bit for bit",
    ),
    Construct(
        "RANDOM in a mechanism of the equations",
        "NEURON { SUFFIX x RANDOM r RANGE a }\nASSIGNED { a }\nBREAKPOINT { a = random_normal(r) }\n",
        (),
    ),
)

BLOCKS = (
    Construct(
        "INITIAL, BREAKPOINT, several of a kind",
        _I + "INITIAL { m = 1 }\nINITIAL { n = m }\nBREAKPOINT { i = v }",
        _RUN,
    ),
    Construct(
        "BREAKPOINT without a current", _X + "BREAKPOINT { a = v }\n", _RUN, "runs in the state update, as in NEURON"
    ),
    Construct(
        "FUNCTION, PROCEDURE, also with side effects", _CALLED % "FUNCTION f(x) { b = x f = 2*x }", (*_VALUES, *_RUN)
    ),
    Construct("recursion", _CALLED % "FUNCTION f(x) { f = x*f(x - 1) }", ()),
    Construct("FUNCTION_TABLE", _X + "FUNCTION_TABLE tau(v)\nINITIAL { a = tau(v) }\n", ()),
    Construct("BEFORE, AFTER", _X + "BEFORE BREAKPOINT { a = 1 }\n", ()),
    Construct("CONSTRUCTOR that sets variables", _X + "CONSTRUCTOR { a = 1 }\n", ()),
    Construct(
        "CONSTRUCTOR, DESTRUCTOR of C code",
        _X + "DESTRUCTOR {\nVERBATIM\nfree(x);\nENDVERBATIM\n}\n",
        _STEP,
        "left out",
    ),
    Construct(
        "what no simulation reaches", _X + "PROCEDURE plot() { nobody = 1 }\n", (_LEFT_OUT,), "left out, with a note"
    ),
    Construct("DISCRETE", _X + "BREAKPOINT { SOLVE d }\nDISCRETE d { m = m + 1 }\n", ()),
    Construct("NONLINEAR", _X + "BREAKPOINT { SOLVE d }\nNONLINEAR d { ~ m*m = p }\n", ()),
    Construct("LINEAR", _X + "INITIAL { SOLVE l }\nLINEAR l { ~ m + n = 1 ~ m = 2*n }\n", _RUN),
)

METHODS = (
    Construct("METHOD cnexp", _SOLVED % ("cnexp", "m' = (p - m)/3 n' = -n/5"), _CNEXP),
    Construct(
        "cnexp of an equation that is not linear in its state",
        _SOLVED % ("cnexp", "m' = 1/(1 + m)"),
        ("test_translator_cnexp.py::test_a_block_that_is_not_linear_goes_to_derivimplicit_with_a_note", *_RUN),
        "derivimplicit, as NEURON does; a note says so",
    ),
    Construct(
        "cnexp of a product of states",
        _SOLVED % ("cnexp", "m' = -m*m + n"),
        ("test_translator_cnexp.py::test_a_product_of_states_is_stepped_as_nocmodl_prints_it", *_RUN),
        "NEURON's formula, which is not the solution of the equation; a note says so",
    ),
    Construct("METHOD derivimplicit", _SOLVED % ("derivimplicit", "m' = -m*n n' = m*n"), _NEWTON),
    Construct("derivimplicit with m' inside if/else", _SOLVED % ("derivimplicit", "if (v > 0) { m' = -m }"), ()),
    Construct("METHOD euler", _SOLVED % ("euler", "m' = -m"), _RUN),
    Construct("METHOD runge, or none, for a DERIVATIVE", _SOLVED % ("runge", "m' = -m"), ()),
    Construct("METHOD after_cvode, cvode_t", _SOLVED % ("after_cvode", "m' = -m"), ()),
    Construct(
        "SOLVE of a PROCEDURE (old style)", _X + "BREAKPOINT { SOLVE s }\nPROCEDURE s() { m = m + a*(b - m) }\n", _RUN
    ),
    Construct("KINETIC, METHOD sparse", _KINETIC % "~ m <-> n (p, 2) CONSERVE m + n = 1", _RUN),
    Construct(
        "COMPARTMENT, f_flux, b_flux, <<, ->",
        _KINETIC % "COMPARTMENT p { m n } ~ m <-> n (1, 2) a = f_flux ~ m << (p) ~ n -> (1)",
        _RUN,
    ),
    Construct(
        "rate constants that depend on a state, linear otherwise", _KINETIC % "LOCAL k k = 2*n ~ m <-> n (k, 1)", _RUN
    ),
    Construct("the same, in a scheme that is not linear", _KINETIC % "LOCAL k k = 2*n ~ 2 m <-> n (k, 1)", ()),
    Construct(
        "a rate that is a sum without parentheses",
        _KINETIC % "~ m <-> n (a + 1, 1)",
        (),
        "NEURON multiplies its last term only",
    ),
    Construct("LONGITUDINAL_DIFFUSION", _KINETIC % "LONGITUDINAL_DIFFUSION p { m } ~ m <-> n (1, 1)", ()),
    Construct(
        "KINETIC, other methods", _X + "BREAKPOINT { SOLVE s METHOD euler }\nKINETIC s { ~ m <-> n (1, 1) }\n", ()
    ),
    Construct(
        "STEADYSTATE sparse",
        _X + "INITIAL { SOLVE s STEADYSTATE sparse }\nKINETIC s { ~ m <-> n (1, 2) CONSERVE m + n = 1 }\n",
        _RUN,
    ),
    Construct(
        "STEADYSTATE of a DERIVATIVE",
        _X + "INITIAL { SOLVE s STEADYSTATE derivimplicit }\nDERIVATIVE s { m' = -m }\n",
        (),
    ),
    Construct(
        "equations that use what their last evaluation left",
        _SOLVED % ("derivimplicit", "m' = -m*b b = m*m"),
        (),
        "NEURON's result depends on how often it evaluates them",
    ),
    Construct("m'' (second order)", _SOLVED % ("cnexp", "m'' = -m"), ()),
    Construct(
        "derivative of an array",
        "NEURON { SUFFIX x }\nSTATE { m[2] }\n" + _ADVANCE % "m'[0] = -m[0]",
        (),
        "NEURON's own compiler prints C++ that does not compile",
    ),
)

STATEMENTS = (
    Construct(
        "if, else if, else",
        _INITIAL % "if (v < -40) { a = 1 } else if (v < 0) { a = 2 } else { a = 3 }",
        (*_VALUES, *_RUN),
    ),
    Construct("FROM with constant bounds", _INITIAL % "FROM i = 0 TO 2 { arr[i] = i }", _RUN, "unrolled"),
    Construct("FROM, bounds known at run time only", _INITIAL % "FROM i = 0 TO b { a = i }", ()),
    Construct("FROM of more than 10 000 statements", _INITIAL % "FROM i = 0 TO 20000 { a = i }", ()),
    Construct("assignment to the variable of a FROM", _INITIAL % "FROM i = 0 TO 2 { i = 3 }", ()),
    Construct("array index known at run time only", _INITIAL % "arr[b] = 1", ()),
    Construct("WHILE", _INITIAL % "while (a < 3) { a = a + 1 }", ()),
    Construct("WHILE in an ARTIFICIAL_CELL", _A + "INITIAL { while (a < 3) { a = a + 1 } }\n", _LOOPS),
    Construct(
        "the same, with a FUNCTION that sets variables in the condition",
        _A + "INITIAL { while (f() > 1) { a = 1 } }\nFUNCTION f() { a = 2 f = 1 }\n",
        (),
    ),
    Construct("LAG and other rare statements", _INITIAL % "LAG a BY p", ()),
    Construct("m' inside an expression", _SOLVED % ("cnexp", "m' = -m a = m'"), ()),
    Construct("name@n, an earlier value", _INITIAL % "a = m@1", ()),
    Construct("string arguments outside printf", _INITIAL % 'a = exp("text")', ()),
    Construct(
        "printf, prterr, at_time as statements",
        _INITIAL % 'printf("%g", a)',
        (_LEFT_OUT,),
        "left out; no effect in a fixed step",
    ),
    Construct(
        "VERBATIM: empty, comments, return 0 at the end",
        _CALLED % "PROCEDURE f(x) { a = x\nVERBATIM\nreturn 0;\nENDVERBATIM\n}",
        _RUN,
    ),
    Construct(
        "VERBATIM: assignments, if, counted loops, return",
        _INITIAL % "VERBATIM\n a = 3; if (b > 1) { b = a; }\n ENDVERBATIM",
        ("test_translator_verbatim.py::test_c_code_agrees_with_neuron_to_rounding",),
        "C's integers and NEURON's names (`_lx`, `_ion_cai`) as in C",
    ),
    Construct(
        "VERBATIM: files, HOC Vectors, NEURON's structures, any other C",
        _INITIAL % 'VERBATIM\n FILE* f = fopen("x", "r");\n ENDVERBATIM',
        (),
        "where a simulation reaches it",
    ),
    Construct("t and dt in equations", _SOLVED % ("cnexp", "m' = sin(t) - m*dt"), _RUN),
    Construct(
        "assignment to v",
        _X + "INITIAL { v = v + 10 a = v }\n",
        _RUN,
        "NEURON gives the block a copy, and so does this",
    ),
    Construct("assignment to v in NET_RECEIVE", _P + "NET_RECEIVE (w) { v = -60 }\n", ()),
    Construct(
        "a FUNCTION with side effects to the right of &amp;&amp; or \\|\\|",
        _X + "INITIAL { if (v > 0 && f() > 1) { a = 1 } }\nFUNCTION f() { b = 2 f = 1 }\n",
        (),
    ),
)

FUNCTIONS = (
    Construct(
        "exp, log, log10, sqrt, pow, ^, fabs, fmod, floor, ceil, erf, trigonometric and hyperbolic",
        _INITIAL % "a = exp(v) + pow(p, 2)^2 + fmod(v, 7) + tanh(v) + atan2(v, 3) + erf(v)",
        (*_VALUES, "test_runtime_functions.py::test_exp_is_cut_like_neurons"),
        "exp as NEURON cuts it, at 700",
    ),
    Construct(
        "nrn_ghk",
        "NEURON { SUFFIX x RANGE a }\nASSIGNED { v a celsius }\nINITIAL { a = nrn_ghk(v, 1, 2, 2) }\n",
        (*_VALUES, "test_runtime_functions.py::test_nernst_and_ghk_have_neurons_values"),
    ),
    Construct("NMODL's other built-in functions (normrand, ...)", _INITIAL % "a = normrand(0, 1)", ()),
)

IONS = (
    Construct(
        "USEION READ e, WRITE i", _ION % ("READ eca WRITE ica", "BREAKPOINT { ica = 1e-3*(v - eca) }"), (*_RUN, *_DEMO)
    ),
    Construct(
        "READ concentrations (GHK)",
        _ION % ("READ cai, cao WRITE ica", "BREAKPOINT { ica = v*cai - cao }"),
        (*_RUN, *_DEMO),
    ),
    Construct(
        "WRITE concentration",
        "NEURON { SUFFIX x USEION ca READ ica WRITE cai }\nSTATE { cai }\nASSIGNED { ica }\n"
        + _ADVANCE % "cai' = -ica - cai",
        (*_RUN, *_DEMO),
    ),
    Construct(
        "own species, VALENCE",
        "NEURON { SUFFIX x USEION zz WRITE izz VALENCE -1 }\nASSIGNED { v izz }\nBREAKPOINT { izz = v }\n",
        _RUN,
    ),
    Construct(
        "assignment to an ion variable that is only READ",
        _ION % ("READ eca", "INITIAL { eca = 50 a = eca }"),
        _RUN,
        "a copy, as in NEURON",
    ),
    Construct(
        "BREAKPOINT that reads the current of an ion",
        "NEURON { SUFFIX x USEION ca READ ica NONSPECIFIC_CURRENT i }\nASSIGNED { v i ica }\n"
        "BREAKPOINT { i = ica*v }\n",
        (),
        "it finds the sum of the mechanisms before it",
    ),
    Construct(
        "ion variables in NET_RECEIVE, through a PROCEDURE",
        "NEURON { POINT_PROCESS x USEION ca READ cai }\nASSIGNED { cai a }\nNET_RECEIVE (w) { f() }\n"
        "PROCEDURE f() { a = cai }\n",
        (),
    ),
    Construct("NONSPECIFIC_CURRENT", _I + "BREAKPOINT { i = p*v }\n", _RUN),
    Construct(
        "ELECTRODE_CURRENT",
        "NEURON { POINT_PROCESS x ELECTRODE_CURRENT i }\nASSIGNED { i v }\nBREAKPOINT { i = 1 }\n",
        (*_DEMO, *_STEP),
    ),
    Construct(
        "ELECTRODE_CURRENT together with another current",
        "NEURON { SUFFIX x ELECTRODE_CURRENT e NONSPECIFIC_CURRENT i }\nASSIGNED { i e v }\n"
        "BREAKPOINT { i = v e = v }\n",
        (),
    ),
    Construct(
        "CONDUCTANCE",
        _I + "BREAKPOINT { CONDUCTANCE b b = p i = b*v }\n",
        _RUN,
        "used as NEURON uses it, also where it is not dI/dv",
    ),
)

TABLES = (
    Construct(
        "TABLE in a PROCEDURE and in a FUNCTION, DEPEND",
        _CALLED % "PROCEDURE f(x) { TABLE a DEPEND p FROM -9 TO 9 WITH 9 a = x*p }",
        _TABLE,
    ),
    Construct(
        "a TABLE of what each instance has its own value of",
        _CALLED % "PROCEDURE f(x) { TABLE a FROM 0 TO 1 WITH 10 a = x*b }",
        (),
        "NEURON fills one table with the values of the first instance",
    ),
    Construct(
        "a variable of each call, assigned only while the table is filled",
        _X + "INITIAL { f(1) b = a + arr[0] }\nPROCEDURE f(x) { TABLE a FROM 0 TO 1 WITH 10 a = x arr[0] = x }\n",
        (),
    ),
    Construct(
        "a TABLE that sets a variable of another block back",
        _X + "INITIAL { f(1) b = 2 }\nPROCEDURE f(x) { TABLE a, b FROM 0 TO 1 WITH 10 a = x }\n",
        (),
    ),
)

SHARED = (
    Construct(
        "a GLOBAL that each block writes before it reads it",
        _GLOBAL + "INITIAL { g = v a = g }\n",
        ("test_translator_effects.py::test_a_global_that_every_block_writes_first_is_a_temporary", *_RUN),
    ),
    Construct(
        "a GLOBAL that INITIAL makes the same for all instances (q10)",
        _GLOBAL + "INITIAL { g = 3^(celsius/10) m = 0 }\n" + _ADVANCE % "m' = -g*m",
        (_SHARED, *_RUN),
    ),
    Construct(
        "a GLOBAL, or a LOCAL of the file, that carries something between instances",
        _GLOBAL + "BREAKPOINT { a = g g = v }\n",
        (),
        "its value depends on the order in which NEURON visits them",
    ),
)

EVENTS = (
    Construct(
        "NET_RECEIVE with state of each NetCon and INITIAL",
        _P + "NET_RECEIVE (w, r) { INITIAL { r = 1 } a = a + w*r r = r/2 }\n",
        _SPIKES,
    ),
    Construct(
        "state_discontinuity in NET_RECEIVE", _P + "NET_RECEIVE (w) { state_discontinuity(a, a + w) }\n", _SPIKES
    ),
    Construct(
        "net_send, net_event, net_move in an ARTIFICIAL_CELL",
        _A + "NET_RECEIVE (w) { net_send(1, 1) net_event(t) }\n",
        _CELLS,
    ),
    Construct("the same in a POINT_PROCESS", _P + "NET_RECEIVE (w) { net_send(1, 2) }\n", ()),
    Construct("WATCH", _P + "NET_RECEIVE (w) { WATCH (v > 3) 2 }\n", ()),
    Construct("FOR_NETCONS", _P + "NET_RECEIVE (w) { FOR_NETCONS(u) { u = 1 } }\n", ()),
)

NMODL = {
    "Kinds of mechanism": KINDS,
    "Declarations": DECLARATIONS,
    "Blocks": BLOCKS,
    "Equations and methods": METHODS,
    "Statements": STATEMENTS,
    "Functions": FUNCTIONS,
    "Ions and currents": IONS,
    "TABLE": TABLES,
    "Variables that all instances share": SHARED,
    "Events": EVENTS,
}
