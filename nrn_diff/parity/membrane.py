"""What reaches beyond one instance: ions, currents, tables, shared variables, events."""

from __future__ import annotations

from nrn_diff.parity.rows import Construct
from nrn_diff.parity.texts import (
    ADVANCE,
    ARTIFICIAL,
    CALLED,
    CELLS,
    CURRENT,
    DEMO,
    DENSITY,
    DRIVEN,
    EVENT_NETWORK,
    GLOBAL,
    ION,
    LOOKUP,
    LOOPED,
    ORDER,
    POINT,
    RUN,
    SELF_EVENTS,
    SPIKES,
    STEP,
    UNIFORM,
    WATCHES,
)

IONS = (
    Construct(
        "USEION READ e, WRITE i", ION % ("READ eca WRITE ica", "BREAKPOINT { ica = 1e-3*(v - eca) }"), (*RUN, *DEMO)
    ),
    Construct(
        "READ concentrations (GHK)",
        ION % ("READ cai, cao WRITE ica", "BREAKPOINT { ica = v*cai - cao }"),
        (*RUN, *DEMO),
    ),
    Construct(
        "WRITE concentration",
        "NEURON { SUFFIX x USEION ca READ ica WRITE cai }\nSTATE { cai }\nASSIGNED { ica }\n"
        + ADVANCE % "cai' = -ica - cai",
        (*RUN, *DEMO),
    ),
    Construct(
        "own species, VALENCE",
        "NEURON { SUFFIX x USEION zz WRITE izz VALENCE -1 }\nASSIGNED { v izz }\nBREAKPOINT { izz = v }\n",
        RUN,
    ),
    Construct(
        "assignment to an ion variable that is only READ",
        ION % ("READ eca", "INITIAL { eca = 50 a = eca }"),
        RUN,
        "a copy, as in NEURON",
    ),
    Construct(
        "BREAKPOINT that reads the current of an ion",
        "NEURON { SUFFIX x USEION ca READ ica NONSPECIFIC_CURRENT i }\nASSIGNED { v i ica }\n"
        "BREAKPOINT { i = ica*v }\n",
        ORDER,
        "it finds the sum of the mechanisms before it",
    ),
    Construct(
        "ion variables in NET_RECEIVE, through a PROCEDURE",
        "NEURON { POINT_PROCESS x USEION ca READ cai }\nASSIGNED { cai a }\nNET_RECEIVE (w) { f() }\n"
        "PROCEDURE f() { a = cai }\n",
        DRIVEN,
        "what the last block has left, as in NEURON",
    ),
    Construct(
        "assignment to a concentration that is a STATE in NET_RECEIVE",
        "NEURON { POINT_PROCESS x USEION ca READ cai WRITE cai }\nSTATE { cai }\nNET_RECEIVE (w) { cai = cai + w }\n",
        (),
        "NEURON hands it to the ion; reversal potentials and currents it rejects there",
    ),
    Construct("NONSPECIFIC_CURRENT", CURRENT + "BREAKPOINT { i = p*v }\n", RUN),
    Construct(
        "ELECTRODE_CURRENT",
        "NEURON { POINT_PROCESS x ELECTRODE_CURRENT i }\nASSIGNED { i v }\nBREAKPOINT { i = 1 }\n",
        (*DEMO, *STEP),
    ),
    Construct(
        "ELECTRODE_CURRENT together with another current",
        "NEURON { SUFFIX x ELECTRODE_CURRENT e NONSPECIFIC_CURRENT i }\nASSIGNED { i e v }\n"
        "BREAKPOINT { i = v e = v }\n",
        ORDER,
        "as NEURON does it: all of them change sign; a note says so",
    ),
    Construct(
        "CONDUCTANCE",
        CURRENT + "BREAKPOINT { CONDUCTANCE b b = p i = b*v }\n",
        RUN,
        "used as NEURON uses it, also where it is not dI/dv",
    ),
)

TABLES = (
    Construct(
        "TABLE in a PROCEDURE and in a FUNCTION, DEPEND",
        CALLED % "PROCEDURE f(x) { TABLE a DEPEND p FROM -9 TO 9 WITH 9 a = x*p }",
        LOOKUP,
    ),
    Construct(
        "a TABLE of what each instance has its own value of",
        CALLED % "PROCEDURE f(x) { TABLE a FROM 0 TO 1 WITH 10 a = x*b }",
        DRIVEN,
        "NEURON fills one table with the values of the first instance",
    ),
    Construct(
        "the same, not in DEPEND, where another variable of the instance is, in a file that is not thread-safe",
        "NEURON { SUFFIX x GLOBAL g RANGE a, b, c }\nPARAMETER { b = 1 c = 2 }\nASSIGNED { a g v }\n"
        "INITIAL { g = 1 f(v) }\nPROCEDURE f(x) { TABLE a DEPEND b FROM 0 TO 1 WITH 10 a = x*b*c }\n",
        ("test_driven_mods.py::test_a_table_has_what_the_instance_that_fills_it_has", *DRIVEN),
        "the table of the last instance before that found another value in DEPEND; refused in events, and where the "
        "last and the first instances differ",
    ),
    Construct(
        "a TABLE of what INITIAL gives all instances alike, first looked up later, in a file that is not thread-safe",
        "NEURON { SUFFIX x GLOBAL g RANGE a }\nASSIGNED { a g b dt v }\nINITIAL { g = 1 b = dt/10 }\n"
        "BREAKPOINT { f(v) }\nPROCEDURE f(x) { TABLE a FROM 0 TO 1 WITH 10 a = x*b }\n",
        DRIVEN,
    ),
    Construct(
        "a row that uses what the row before has left",
        "NEURON { SUFFIX x GLOBAL a, b }\nASSIGNED { a b v }\nINITIAL { f(v) }\n"
        "PROCEDURE f(x) { TABLE a, b FROM 1 TO 2 WITH 10 a = 1/b b = x }\n",
        DRIVEN,
        "what the first row finds is that of NEURON's first run: NaN there in files that are not thread-safe",
    ),
    Construct(
        "the same, of v, of ion variables, of what several blocks assign",
        CALLED % "PROCEDURE f(x) { TABLE a FROM 0 TO 1 WITH 10 a = x*v }",
        (),
        "NEURON fills it once, with what the first instance has at that moment, which changes during a run",
    ),
    Construct(
        "a variable that is assigned only while the table is filled",
        DENSITY + "INITIAL { f(1) b = a + arr[0] }\nPROCEDURE f(x) { TABLE a FROM 0 TO 1 WITH 10 a = x arr[0] = x }\n",
        DRIVEN,
        "the first instance has what the last row left, the others what they had",
    ),
    Construct(
        "a TABLE that the simulation never looks up, in a thread-safe file",
        DENSITY + "PROCEDURE f(x) { TABLE a FROM 0 TO 1 WITH 10 a = x }\n",
        DRIVEN,
        "NEURON fills it all the same: the first instance has what the last row left",
    ),
    Construct(
        "what only filling it assigns, in a file that is not thread-safe and assigns it elsewhere too",
        "NEURON { SUFFIX x GLOBAL g RANGE a, b }\nASSIGNED { a b g v }\nINITIAL { g = 1 b = 2 f(v) }\n"
        "PROCEDURE f(x) { TABLE a FROM 0 TO 1 WITH 10 a = x b = x }\n",
        (),
    ),
    Construct(
        "a TABLE that sets a variable of another block back",
        DENSITY + "INITIAL { f(1) b = 2 }\nPROCEDURE f(x) { TABLE a, b FROM 0 TO 1 WITH 10 a = x }\n",
        (),
    ),
)

SHARED = (
    Construct(
        "a GLOBAL that each block writes before it reads it",
        GLOBAL + "INITIAL { g = v a = g }\n",
        ("test_translator_effects.py::test_a_global_that_every_block_writes_first_is_a_temporary", *RUN),
    ),
    Construct(
        "a GLOBAL that INITIAL makes the same for all instances (q10)",
        GLOBAL + "INITIAL { g = 3^(celsius/10) m = 0 }\n" + ADVANCE % "m' = -g*m",
        (UNIFORM, *RUN),
    ),
    Construct(
        "a GLOBAL, or a LOCAL of the file, that one block leaves for the next",
        GLOBAL + "INITIAL { g = v m = 0 }\n" + ADVANCE % "m' = -g*m",
        DRIVEN,
        "what the last instance left, as in NEURON",
    ),
    Construct(
        "factors that the first instance computes: if (last != celsius) {...}",
        "NEURON { SUFFIX x RANGE a }\nASSIGNED { a celsius }\nLOCAL q, last\n"
        "BREAKPOINT { if (last != celsius) { last = celsius q = 3^(celsius/10) } a = q }\n",
        DRIVEN,
    ),
    Construct(
        "a GLOBAL, or a LOCAL of the file, that carries something from instance to instance",
        GLOBAL + "BREAKPOINT { a = g g = v }\n",
        DRIVEN,
        "such blocks run on one instance after the other, in NEURON's order, and so more slowly",
    ),
    Construct(
        "the same, assigned by NET_RECEIVE too",
        "NEURON { POINT_PROCESS x GLOBAL g RANGE a }\nASSIGNED { v a g }\nBREAKPOINT { a = g g = v }\n"
        "NET_RECEIVE (w) { g = g + w }\n",
        (),
        "NEURON runs it; events of different instances within a step would have to come in one order",
    ),
)

EVENTS = (
    Construct(
        "NET_RECEIVE with state of each NetCon and INITIAL",
        POINT + "NET_RECEIVE (w, r) { INITIAL { r = 1 } a = a + w*r r = r/2 }\n",
        SPIKES,
    ),
    Construct(
        "state_discontinuity in BREAKPOINT",
        POINT.replace("i = v", "i = v*a if (at_time(2)) { state_discontinuity(a, a + 1) }"),
        ("test_driven_mods.py::test_same_as_neuron",),
        "in the first of the evaluations of a step, at v + 0.001 mV; in other blocks it is refused (U137)",
    ),
    Construct(
        "state_discontinuity in NET_RECEIVE", POINT + "NET_RECEIVE (w) { state_discontinuity(a, a + w) }\n", SPIKES
    ),
    Construct(
        "net_send, net_event, net_move in an ARTIFICIAL_CELL",
        ARTIFICIAL + "NET_RECEIVE (w) { net_send(1, 1) net_event(t) }\n",
        CELLS,
    ),
    Construct("FOR_NETCONS", POINT + "NET_RECEIVE (w) { FOR_NETCONS(u) { u = u/2 } }\n", EVENT_NETWORK),
    Construct("net_event in a POINT_PROCESS", POINT + "NET_RECEIVE (w) { net_event(t) }\n", EVENT_NETWORK),
    Construct(
        "FOR_NETCONS in an ARTIFICIAL_CELL", ARTIFICIAL + "NET_RECEIVE (w) { FOR_NETCONS(u) { a = u } }\n", LOOPED
    ),
    Construct(
        "net_send inside of FOR_NETCONS", POINT + "NET_RECEIVE (w) { FOR_NETCONS(u) { net_send(u, 2) } }\n", LOOPED
    ),
    Construct(
        "FOR_NETCONS inside of another",
        POINT + "NET_RECEIVE (w) { FOR_NETCONS(u) { FOR_NETCONS(x) { a = u*x } } }\n",
        (),
    ),
    Construct(
        "WATCH in an ARTIFICIAL_CELL",
        ARTIFICIAL + "NET_RECEIVE (w) { WATCH (a > 3) 2 }\n",
        (),
        "NEURON crashes when it runs",
    ),
    Construct("net_send, net_move in a POINT_PROCESS", POINT + "NET_RECEIVE (w) { net_send(1, 2) }\n", SELF_EVENTS),
    Construct("WATCH", POINT + "NET_RECEIVE (w) { WATCH (v > 3) 2 }\n", WATCHES),
    Construct(
        "WATCH with a concentration",
        "NEURON { POINT_PROCESS x USEION ca READ cai }\nASSIGNED { cai a }\nNET_RECEIVE (w) { WATCH (cai > 1) 2 }\n",
        DRIVEN,
        "NEURON looks at a copy of it, and so does this",
    ),
)
