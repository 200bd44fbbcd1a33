"""The language: kinds, declarations, blocks, methods."""

from __future__ import annotations

from nrn_diff.parity.rows import Construct
from nrn_diff.parity.texts import (
    ADVANCE,
    ARTIFICIAL,
    CALLED,
    CELL_POINTERS,
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
    LOOPED,
    MOVED,
    NEWTON,
    ORDER,
    POINT,
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
        "what it may lead to: see NEURON, below; from NET_RECEIVE variables of mechanisms are written that no other "
        "event, NetCon or Vector at times of its own looks at, all else is refused",
    ),
    Construct(
        "POINTER in an ARTIFICIAL_CELL",
        "NEURON { ARTIFICIAL_CELL x POINTER p RANGE a }\nASSIGNED { p a }\nNET_RECEIVE (w) { a = p }\n",
        CELL_POINTERS,
        "what it may lead to: see NEURON, below",
    ),
    Construct(
        "POINTER to an array, BBCOREPOINTER outside of C",
        "NEURON { SUFFIX x BBCOREPOINTER p RANGE a }\nASSIGNED { p a }\nINITIAL { a = p }\n",
        (),
        "NEURON's own compiler prints C++ that does not compile",
    ),
    Construct(
        "EXTERNAL, read: a GLOBAL of another mechanism",
        "NEURON { SUFFIX x EXTERNAL q_y RANGE a }\nASSIGNED { q_y a }\nINITIAL { a = q_y }\n",
        ("test_links.py::test_the_global_of_another_mechanism_is_external",),
        "of one that is inserted and does not assign it while the simulation runs; else the capture refuses",
    ),
    Construct(
        "EXTERNAL in an ARTIFICIAL_CELL, read or assigned: a GLOBAL of another such cell",
        "NEURON { ARTIFICIAL_CELL x EXTERNAL q_y RANGE a }\nASSIGNED { q_y a }\nNET_RECEIVE (w) { q_y = a }\n",
        CELL_POINTERS,
    ),
    Construct(
        "EXTERNAL array",
        "NEURON { SUFFIX x EXTERNAL q_y RANGE a }\nASSIGNED { q_y[3] a }\nINITIAL { a = q_y[1] }\n",
        (),
        "NEURON compiles it and crashes when it runs",
    ),
    Construct(
        "EXTERNAL that is assigned in a mechanism of the equations",
        "NEURON { SUFFIX x EXTERNAL q_y RANGE a }\nASSIGNED { q_y a }\nINITIAL { q_y = 1 }\n",
        (),
        "NEURON compiles it; every mechanism that has it would depend on the order of all others",
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
        "NEURON goes on where the stream stood before: each run gives other numbers",
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
    Construct(
        "recursion",
        CALLED % "FUNCTION f(x) { f = x*f(x - 1) }",
        (),
        "NEURON compiles it; how deep it goes is only known at run time",
    ),
    Construct(
        "brackets nested more than 60 deep, sums of more than 150 terms",
        CALLED % f"FUNCTION f(x) {{ f = {'(' * 70}x{')' * 70} }}",
        (),
        "NEURON compiles it; parsers and compilers behind this one do not follow so deep",
    ),
    Construct(
        "files of more than 50,000 words, names of more than 200 characters",
        CALLED % f"FUNCTION {'f' * 201}(x) {{ {'f' * 201} = x }}",
        (),
        "NEURON compiles them",
    ),
    Construct(
        "FUNCTION_TABLE",
        DENSITY + "FUNCTION_TABLE tau(v)\nINITIAL { a = tau(v) }\n",
        ("test_function_table.py::test_all_forms_of_function_tables_are_neurons",),
        "its content is that of the moment of the capture; one that was never set is refused there",
    ),
    Construct(
        "FUNCTION_TABLE in an ARTIFICIAL_CELL",
        ARTIFICIAL + "FUNCTION_TABLE tau(v)\nINITIAL { a = tau(2) }\n",
        LOOPED,
    ),
    Construct("BEFORE and AFTER, all that NEURON runs", DENSITY + "BEFORE BREAKPOINT { a = 1 }\n", DRIVEN),
    Construct(
        "BEFORE and AFTER that use ions",
        "NEURON { SUFFIX x USEION ca READ cai WRITE cai }\nASSIGNED { cai }\nAFTER SOLVE { cai = 1 }\n",
        DRIVEN,
        "as NEURON does it: currents are added to those of the ions once more; a file with one ion variable sees what "
        "its last block has left",
    ),
    Construct(
        "BEFORE INITIAL that reads an ion",
        "NEURON { SUFFIX x USEION ca READ cai, eca RANGE a }\nASSIGNED { cai eca a }\nBEFORE INITIAL { a = cai }\n",
        DRIVEN,
        "it finds what the ion has at the capture: that is what the run before has left",
    ),
    Construct(
        "BEFORE INITIAL that reads the current of an ion, assigns what it WRITEs, or uses the only ion variable",
        "NEURON { SUFFIX x USEION ca READ cai, ica RANGE a }\nASSIGNED { cai ica a }\nBEFORE INITIAL { a = ica }\n",
        (),
        "other BEFORE INITIAL blocks have added their currents then; of a single ion variable the block sees what "
        "the last block of the file has left",
    ),
    Construct(
        "AFTER BREAKPOINT; BEFORE and AFTER of an ARTIFICIAL_CELL",
        DENSITY + "AFTER BREAKPOINT { a = 1 }\n",
        (),
        "NEURON stops when it loads a file with the first, and does not run the second",
    ),
    Construct(
        "CONSTRUCTOR that assigns variables, itself or by a PROCEDURE",
        DENSITY + "CONSTRUCTOR { a = 1 f() }\nPROCEDURE f() { b = 1 }\n",
        ORDER,
        "its effect is in the live values; a call NEURON compiles only in files that are not thread-safe",
    ),
    Construct(
        "CONSTRUCTOR that assigns a LOCAL of the file which a simulation reads, fills a TABLE, or does more",
        "LOCAL l\n" + DENSITY + "CONSTRUCTOR { l = l + 1 }\nINITIAL { a = l }\n",
        (),
        "what NEURON then has in the LOCAL depends on how many instances were ever made, and cannot be read",
    ),
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
        DENSITY + "BREAKPOINT { SOLVE d }\nDISCRETE d { m = m@1 + m@2 }\n",
        (*DRIVEN, MOVED),
        "for each instance NEURON moves the time of the whole simulation on by dt: with one, a step is 2 dt long. "
        "Refused beside what happens at times of its own (NetCons, NET_RECEIVE, plays, timed recordings, LAG), with "
        "several threads and under enable()",
    ),
    Construct(
        "SOLVE of a DISCRETE in INITIAL, or beside another SOLVE",
        DENSITY + "BREAKPOINT { SOLVE d SOLVE f }\nDISCRETE d { m = m + 1 }\nPROCEDURE f() { n = t }\n",
        (),
        "NEURON moves the time on in the midst of the block",
    ),
    Construct("NONLINEAR", DENSITY + "BREAKPOINT { SOLVE d }\nNONLINEAR d { ~ m*m = p }\n", (*DRIVEN, IN_ORDER)),
    Construct("LINEAR", DENSITY + "INITIAL { SOLVE l }\nLINEAR l { ~ m + n = 1 ~ m = 2*n }\n", RUN),
)

METHODS = (
    Construct("METHOD cnexp", SOLVED % ("cnexp", "m' = (p - m)/3 n' = -n/5"), CNEXP),
    Construct(
        "cnexp of m' = k*m where k is exactly 0 at run time",
        SOLVED % ("cnexp", "m' = (p - n)*m"),
        ("test_translator_cnexp.py::test_a_rate_constant_of_zero_leaves_the_state_as_it_is",),
        "m stays as it is, which solves the equation; NEURON's formula has 0/k in it and makes NaN: the only k "
        "that differs",
    ),
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
        "a DERIVATIVE that is called like a PROCEDURE, SOLVEd by cnexp, euler, runge or no METHOD",
        SOLVED % ("euler", "m' = -m") + "INITIAL { s() }\n",
        DRIVEN,
        "by cnexp each call takes a step, else it evaluates the equations",
    ),
    Construct(
        "the same, SOLVEd by derivimplicit",
        SOLVED % ("derivimplicit", "m' = -m*m") + "INITIAL { s() }\n",
        DRIVEN,
        "a call evaluates the equations at the states as they are, and advances nothing",
    ),
    Construct(
        "the same, where the block uses what its last evaluation left",
        SOLVED % ("derivimplicit", "a = a + 1 m' = -m") + "INITIAL { s() }\n",
        (),
        "NEURON evaluates it as often as its iteration does, also at states moved by 2 %",
    ),
    Construct("METHOD derivimplicit", SOLVED % ("derivimplicit", "m' = -m*n n' = m*n"), NEWTON),
    Construct(
        "euler or derivimplicit with m' inside if/else",
        SOLVED % ("derivimplicit", "if (v > 0) { m' = -m }"),
        DRIVEN,
        "where the condition does not hold, the derivative of the last evaluation goes on, as in NEURON; a state with "
        "an equation in both branches is advanced twice by euler and runge, as there",
    ),
    Construct("METHOD euler", SOLVED % ("euler", "m' = -m"), RUN),
    Construct(
        "METHOD runge",
        SOLVED % ("runge", "m' = -m + f(1)") + "FUNCTION f(x) { f = x*t }\n",
        DRIVEN,
        "NEURON's runge also leaves rounding errors in t, about 1e-11 ms in a run, which are not made here",
    ),
    Construct(
        "a DERIVATIVE without METHOD, or with after_cvode, cvode_t",
        SOLVED % ("after_cvode", "m' = -m"),
        DRIVEN,
        "NEURON evaluates the equations and does not advance the states (except with secondorder); a note says so. "
        "Other methods "
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
    Construct(
        "the same, of arrays, and in a scheme that is not linear",
        KINETIC % "LOCAL k k = 2*n ~ 2 m <-> n (k, 1)",
        DRIVEN,
        "NEURON iterates with constants that follow the states and a matrix that does not, and so does this",
    ),
    Construct(
        "the same, STEADYSTATE",
        DENSITY + "INITIAL { SOLVE s STEADYSTATE sparse }\nKINETIC s { ~ m <-> n (n, 1) }\n",
        DRIVEN,
    ),
    Construct(
        "two KINETIC blocks, of which BREAKPOINT solves the first by sparse",
        DENSITY + "BREAKPOINT { SOLVE s METHOD sparse SOLVE u METHOD sparse }\nKINETIC s { ~ m <-> n (1, 1) }\n"
        "KINETIC u { ~ m <-> n (1, 2) }\n",
        (),
        "nocmodl prints the first three times over, and its step forgets the states",
    ),
    Construct(
        "a rate that is a sum without parentheses",
        KINETIC % "~ m <-> n (a + 1, 1)",
        (),
        "NEURON multiplies its last term only, in the flux and not in its derivative: the step solves neither scheme",
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
        "NEURON takes it when all mechanisms have been advanced; here it is taken with the state update of its own",
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
        "derivimplicit: NEURON takes a step of 1e-9 ms, which is no steady state, and mostly stops for want of "
        "convergence; the others it does not compile",
    ),
    Construct(
        "STEADYSTATE of LINEAR, NONLINEAR",
        DENSITY + "INITIAL { SOLVE l STEADYSTATE simeq }\nLINEAR l { ~ m + n = 1 ~ m = 2*n }\n",
        RUN,
        "the same as without STEADYSTATE",
    ),
    Construct(
        "derivimplicit, newton or sparse of equations that use what their last evaluation left",
        SOLVED % ("derivimplicit", "m' = -m*b b = b + m"),
        (*DRIVEN, IN_ORDER),
        "every evaluation in NEURON's order; of sparse as in all runs but the first of a process, in which NEURON "
        "evaluates the equations of the first instance twice more",
    ),
    Construct(
        "the same, STEADYSTATE or of LINEAR; with secondorder",
        DENSITY + "INITIAL { SOLVE s STEADYSTATE sparse }\nKINETIC s { ~ m <-> n (a, 1) a = a + m }\n",
        (),
        "NEURON solves it",
    ),
    Construct("m'' (second order)", SOLVED % ("cnexp", "m'' = -m"), (), "nocmodl aborts on it"),
    Construct(
        "derivative of an array",
        "NEURON { SUFFIX x }\nSTATE { m[2] }\n" + ADVANCE % "m'[0] = -m[0]",
        (),
        "NEURON's own compiler prints C++ that does not compile",
    ),
)
