"""The interpreter computes as the C++ of nocmodl does, and stops with a clear error where that would crash."""

from __future__ import annotations

import math

import numpy as np
import pytest
from neuron_process import run_function

from mod_translator import ir
from nrn_diff.events import c_math
from nrn_diff.events.artificial import ArtificialCell, ArtificialConnection, artificial_trains, run_artificial
from nrn_diff.events.errors import EventError

LOC = ir.Loc(7)


def num(x):
    return ir.Num(float(x))


def var(name):
    return ir.Var(name)


def add(a, b):
    return ir.Binary("+", a, b)


def assign(name, value):
    return ir.Assign(var(name), value, LOC)


def call(name, *args, result=None):
    return ir.CallRoutine(name, args, LOC, result)


def mechanism(*receive, initial=(), args=("w",), symbols=(), routines=(), net_initial=None):
    """An artificial cell that gets an event of flag 1 at 1 ms; `receive` is its NET_RECEIVE."""
    table = {s.name: s for s in symbols}
    table["flag"] = ir.Symbol("flag", ir.Role.EXTERNAL)
    table["t"] = ir.Symbol("t", ir.Role.EXTERNAL)
    return ir.Mechanism(
        "Cell",
        ir.Kind.ARTIFICIAL,
        table,
        routines={r.name: r for r in routines},
        initial=ir.Routine("initial", "INITIAL", (*initial, call("net_send", num(1), num(1)))),
        net_receive=ir.Routine("net_receive", "NET_RECEIVE", tuple(receive), args=args),
        net_initial=net_initial,
        file="cell.mod",
    )


def instance(name, length=0):
    return ir.Symbol(name, ir.Role.INSTANCE, "ASSIGNED", length=length)


def times(made, values=None, globals_=None, **kwargs):
    return artificial_trains([ArtificialCell(made, values or {}, globals_ or {}, "Cell[0]")], 50.0, **kwargs)[
        0
    ].tolist()


def sends(*expressions, **kwargs):
    """Times of net_event(1 + expression)."""
    return times(mechanism(*(call("net_event", add(num(1), e)) for e in expressions), **kwargs))


# --------------------------------------------------------------------------------------------------- arithmetic


def neuron_values(cases):
    """exp, pow, log, ... of mod files, through a mechanism's own FUNCTIONs."""
    from neuron import h

    return [repr(getattr(h, f"{name}_cmath")(*args)) for name, args in cases]


C_MATH_MOD = """
NEURON { SUFFIX cmath }
FUNCTION myexp(x) { myexp = exp(x) }
FUNCTION mypow(x, y) { mypow = x^y }
FUNCTION mylog(x) { mylog = log(x) }
FUNCTION mylog10(x) { mylog10 = log10(x) }
FUNCTION mysqrt(x) { mysqrt = sqrt(x) }
FUNCTION mydiv(x, y) { mydiv = x/y }
FUNCTION myfloor(x) { myfloor = floor(x) }
FUNCTION myceil(x) { myceil = ceil(x) }
FUNCTION myfmod(x, y) { myfmod = fmod(x, y) }
FUNCTION mysinh(x) { mysinh = sinh(x) }
FUNCTION mycosh(x) { mycosh = cosh(x) }
FUNCTION mytanh(x) { mytanh = tanh(x) }
FUNCTION myasin(x) { myasin = asin(x) }
FUNCTION myatan2(x, y) { myatan2 = atan2(x, y) }
FUNCTION myand(x, y) { myand = x && y }
FUNCTION mynot(x) { mynot = !x }
FUNCTION myneg(x) { myneg = -x }
"""


def test_arithmetic_is_that_of_compiled_mods():
    odd = [0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3.0, 710.0, -710.0, 700.5, 1e300, -1e300, 1e-320]
    one = ("myexp", "mylog", "mylog10", "mysqrt", "myfloor", "myceil", "mysinh", "mycosh", "mytanh", "myasin", "myneg")
    cases = [(name, [x]) for name in (*one, "mynot") for x in odd]
    cases += [(name, [x, y]) for name in ("mypow", "mydiv", "myfmod", "myatan2", "myand") for x in odd for y in odd]
    neuron = run_function(neuron_values, mods={"cmath.mod": C_MATH_MOD}, cases=cases)
    functions = {
        **{f"my{k}": v for k, v in c_math.INTRINSICS.items()},
        "mydiv": c_math.BINARY["/"],
        "mynot": c_math.UNARY["!"],
        "myneg": c_math.UNARY["-"],
        "myand": lambda a, b: 1.0 if a and b else 0.0,
    }
    for (name, args), expected in zip(cases, neuron, strict=True):
        ours = float(functions[name](*args))
        # The sign of NaN is not defined.
        assert (name, args, repr(abs(ours) if math.isnan(ours) else ours)) == (
            name,
            args,
            expected.replace("-nan", "nan"),
        )


# --------------------------------------------------------------------------------------------- blocks and routines


def test_operators_short_cut_and_yield_one_or_zero():
    crash = ir.Binary(">", var("never"), num(0))
    assert sends(ir.Binary("&&", num(0), crash), ir.Binary("||", num(2), crash)) == [1.0, 2.0]
    assert sends(ir.Binary("<=", num(2), num(2)), ir.Binary("!=", num(2), num(2)), ir.Unary("!", num(0))) == [2, 1, 2]


def test_the_delay_of_net_send_joins_the_time_as_the_text_does():
    """nocmodl writes `t + a - b`, so the sum is taken from the left."""
    a, b, c = 0.1, 0.1, 0.2
    delay = ir.Binary("-", add(num(a), num(b)), num(c))
    resend = ir.If(
        ir.Binary("==", var("flag"), num(1)), (call("net_send", delay, num(2)),), (call("net_event", var("t")),), LOC
    )
    assert times(mechanism(resend)) == [((1.0 + a) + b) - c]
    assert ((1.0 + a) + b) - c != 1.0 + ((a + b) - c)


def test_arguments_hide_variables_and_are_copies():
    double = ir.Routine(
        "double",
        "FUNCTION",
        (assign("x", ir.Binary("*", var("x"), num(2))), assign("double", var("x"))),
        ("x",),
        ("double",),
    )
    body = (
        assign("x", num(3)),
        assign("y", ir.Call("double", (var("x"),))),
        call("net_event", add(var("x"), var("y"))),
    )
    assert times(mechanism(*body, symbols=[instance("x"), instance("y")], routines=[double])) == [9.0]


def test_globals_are_shared_and_instances_are_not():
    shared = ir.Symbol("total", ir.Role.GLOBAL, "ASSIGNED")
    made = mechanism(
        assign("total", add(var("total"), num(1))),
        assign("own", add(var("own"), num(1))),
        call("net_event", add(ir.Binary("*", num(10), var("total")), var("own"))),
        symbols=[shared, instance("own")],
    )
    cells = [ArtificialCell(made, {}, {"total": 0.0}, f"Cell[{i}]") for i in range(3)]
    assert [t.tolist() for t in artificial_trains(cells, 5.0)] == [[11.0], [21.0], [31.0]]


def test_arrays_are_indexed_from_zero_and_checked():
    put = ir.Assign(ir.Element("past", num(1)), num(4), LOC)
    get = call("net_event", ir.Element("past", num(1)))
    assert times(mechanism(put, get, symbols=[instance("past", 2)])) == [4.0]
    assert times(mechanism(get, symbols=[instance("past", 2)]), {"past": np.array([1.0, 6.0])}) == [6.0]
    with pytest.raises(EventError, match=r"cell\.mod:7: Cell: index 2 is outside past\[2\]"):
        sends(ir.Element("past", num(2)), symbols=[instance("past", 2)])


def test_the_block_inside_net_receive_sets_what_each_connection_keeps():
    begin = ir.Routine("net_initial", "INITIAL", (assign("n", add(var("w"), num(1))),), args=("w", "n"))
    count = ir.If(
        ir.Binary("==", var("flag"), num(0)),
        (assign("n", add(var("n"), num(1))), call("net_event", add(var("t"), ir.Binary("/", var("n"), num(8))))),
        (),
        LOC,
    )
    for net_initial, first in ((begin, 3.0), (None, 1.0)):
        made = mechanism(count, args=("w", "n"), net_initial=net_initial)
        wires = [ArtificialConnection(1, 0, 0.0, (1.0, 77.0))]
        run = run_artificial([ArtificialCell(made, {}, {}, "Cell[0]")], 50.0, wires, given=[np.array([4.0, 8.0])])
        assert run.trains[0].tolist() == [4 + first / 8, 8 + (first + 1) / 8]


def test_net_move_takes_the_last_event_of_flag_one():
    made = mechanism(
        ir.If(
            ir.Binary("==", var("flag"), num(0)),
            (call("net_move", num(9)),),
            (call("net_event", var("t")),),
            LOC,
        ),
        initial=(call("net_send", num(5), num(1)), call("net_send", num(6), num(2))),
    )
    cell = ArtificialCell(made, {}, {}, "Cell[0]")
    run = run_artificial([cell], 50.0, [ArtificialConnection(1, 0, 0.0, (1.0,))], given=[np.array([0.5])])
    # The event that INITIAL sends last, for 1 ms, is the one that moves.
    assert run.trains[0].tolist() == [5.0, 6.0, 9.0]


# ------------------------------------------------------------------------------------------------------- errors


def test_an_undefined_local_is_an_error():
    with pytest.raises(EventError, match=r"cell\.mod:7: Cell: Cell\[0\]: x is read before it has a value"):
        sends(var("x"))


def test_recursion_and_unknown_names_are_errors_before_anything_runs():
    again = ir.Routine("again", "FUNCTION", (assign("again", ir.Call("again", ())),), (), ("again",))
    with pytest.raises(EventError, match=r"again\(\) calls itself"):
        sends(ir.Call("again", ()), routines=[again])
    with pytest.raises(EventError, match=r"scop_random\(\) cannot be run outside NEURON"):
        sends(ir.Call("scop_random", ()))
    with pytest.raises(EventError, match="SolveImplicit in an artificial cell"):
        times(mechanism(ir.SolveImplicit("sparse", ("m",), "rates", LOC)))


def test_a_mechanism_with_a_table_is_an_error():
    table = ir.Table(("y",), (), num(0), num(1), 10, LOC)
    looked_up = ir.Routine("f", "PROCEDURE", (assign("y", num(1)),), ("x",), table=table, loc=LOC)
    with pytest.raises(EventError, match=r"TABLE in f\(\)"):
        times(mechanism(call("f", num(1)), symbols=[instance("y")], routines=[looked_up]))


def test_a_random_variable_without_a_stream_is_an_error():
    with pytest.raises(EventError, match="no random stream is known for r"):
        sends(ir.Call("random_negexp", (var("r"),)))
    with pytest.raises(EventError, match=r"random_negexp\(\) with 2 further arguments"):
        sends(ir.Call("random_negexp", (var("r"), num(1), num(1))))


def test_printf_is_left_out():
    assert times(mechanism(call("printf", num(0)), call("net_event", num(2)))) == [2.0]
