"""The printed module: readable, deterministic, safe with any name."""

import ast
import keyword
from dataclasses import replace

import jax.numpy as jnp
import pytest
from emit_helpers import LOC, assign, binary, branch, call, mechanism, module, num, symbols, translated, var
from hypothesis import given
from hypothesis import strategies as st

from mod_translator import emit, ir
from mod_translator.emit.text import fold
from mod_translator.errors import UnsupportedConstruct
from mod_translator.validate import InvalidIR

KDR = """
TITLE Delayed rectifier
NEURON { SUFFIX kdr USEION k READ ek WRITE ik RANGE gbar GLOBAL vhalf }
UNITS { (mV) = (millivolt) (S) = (siemens) (mA) = (milliamp) }
PARAMETER { gbar = 0.01 (S/cm2) <0, 1e9> vhalf = -20 (mV) }
ASSIGNED { v (mV) ek (mV) ik (mA/cm2) ninf ntau (ms) }
STATE { n }
INITIAL { rates(v) n = ninf }
BREAKPOINT { SOLVE states METHOD cnexp ik = gbar * n^4 * (v - ek) }
DERIVATIVE states { rates(v) n' = (ninf - n) / ntau }
PROCEDURE rates(v (mV)) {
    LOCAL x
    x = (v - vhalf) / 10
    ninf = 1 / (1 + exp(-x))
    if (fabs(x) < 1e-6) { ntau = 1 } else { ntau = x / (exp(x) - 1) }
}
"""

GOLDEN = '''
def rates(v_, vhalf):
    """PROCEDURE rates(v_ (mV))"""
    x = (v_ - vhalf) / 10.0
    ninf = divide(1.0, 1.0 + exp(-x))
    case = fabs(x) < 1e-06
    ntau_if = 1.0
    not_case = logical_not(case)
    ntau_else = divide(x, guard(not_case, exp(x) - 1.0))
    ntau = where(case, ntau_if, ntau_else)
    return ninf, ntau
'''


def test_small_module_reads_as_written():
    text = emit.emit(translated(KDR))
    assert GOLDEN in text
    assert 'def current(*, gbar, n, v, ek):\n    """BREAKPOINT"""\n    ik = gbar * n**4 * (v - ek)\n' in text
    assert text.startswith('"""kdr: Delayed rectifier\n')
    assert "    gbar = 0.01 (S/cm2)\n" in text
    assert "    vhalf = -20.0 (mV), one for all instances\n" in text


def test_same_ir_gives_same_bytes():
    assert emit.emit(translated(KDR)) == emit.emit(translated(KDR))


def test_lines_are_short():
    assert max(map(len, emit.emit(translated(KDR)).splitlines())) <= 120


def test_module_imports_only_the_runtime():
    tree = ast.parse(emit.emit(translated(KDR)))
    imports = [n for n in ast.walk(tree) if isinstance(n, ast.Import | ast.ImportFrom)]
    assert [n.module for n in imports] == ["nrn_diff.runtime"]


@pytest.mark.parametrize("op", ["+", "-", "*", "/"])
def test_parentheses_keep_the_order_of_evaluation(op):
    inner = binary("-", var("b"), var("c"))
    for value in (binary(op, var("a"), inner), binary(op, inner, var("a"))):
        mech = mechanism((assign("x", value),), ("a", "b", "c"), ("x",))
        a, b, c = 0.1, 0.7, 0.3
        expected = eval(f"a {op} (b - c)" if value.left == var("a") else f"(b - c) {op} a")
        assert module(mech).current(a=a, b=b, c=c)["x"] == expected


def test_sign_and_power():
    minus = ir.Unary("-", var("a"))
    square = binary("^", minus, num(2))
    mech = mechanism(
        (assign("x", square), assign("y", ir.Unary("-", binary("^", var("a"), num(2))))), ("a",), ("x", "y")
    )
    out = module(mech).current(a=jnp.asarray(3.0))
    assert (out["x"], out["y"]) == (9.0, -9.0)


def test_conditions_and_numbers():
    less = binary("<", var("a"), num(0))
    stmts = (
        assign("x", binary("+", less, binary("&&", var("a"), var("b")))),
        branch(binary("||", var("b"), less), (assign("y", num(5)),), (assign("y", ir.Unary("!", var("a"))),)),
    )
    out = module(mechanism(stmts, ("a", "b"), ("x", "y"))).current(
        a=jnp.array([-1.0, 0.0, 2.0]), b=jnp.array([0.0, 0.0, 3.0])
    )
    assert out["x"].tolist() == [1.0, 0.0, 1.0]
    assert out["y"].tolist() == [5.0, 1.0, 5.0]
    assert out["x"].dtype == out["y"].dtype == jnp.float64


def test_if_without_else_keeps_the_old_value():
    stmts = (branch(binary(">", var("a"), num(0)), (assign("x", num(1)),)),)
    out = module(mechanism(stmts, ("a", "x"), ("x",))).current(a=jnp.array([1.0, -1.0]), x=jnp.array([7.0, 8.0]))
    assert out["x"].tolist() == [1.0, 8.0]


HOSTILE = ["lambda", "exp", "where", "guard", "None", "__import__", "current", "when", "match", "put", "dict"]


@pytest.mark.parametrize("name", HOSTILE)
def test_any_name_of_a_variable_works(name):
    stmts = (assign("x", binary("+", call("exp", var(name)), num(1))), assign(name, var("x")))
    mech = mechanism(stmts, (name,), ("x", name))
    out = module(mech).current(**{emit.python_name(name): 0.0})
    assert out == {"x": 2.0, name: 2.0}
    assert emit.signature(mech, mech.current) == (name,)


names = st.one_of(
    st.sampled_from(HOSTILE), st.from_regex(r"[a-z]{1,3}_{0,2}", fullmatch=True), st.sampled_from(keyword.kwlist)
)


@given(st.sets(names | names.map(lambda n: n + "_"), max_size=30))
def test_python_names_are_distinct_identifiers(found):
    printed = {emit.python_name(n) for n in found}
    assert len(printed) == len(found)
    assert all(n.isidentifier() and not keyword.iskeyword(n) for n in printed)


def test_argument_hides_a_file_variable_but_not_for_what_is_called():
    inner = ir.Routine("inner", "FUNCTION", (assign("inner", var("a")),), results=("inner",), reads=("a",))
    body = (assign("outer", binary("-", var("a"), call("inner"))),)
    outer = ir.Routine("outer", "FUNCTION", body, args=("a",), results=("outer",), reads=("a",))
    stmts = (assign("x", call("outer", num(10))),)
    mech = mechanism(stmts, ("a",), ("x",), routines={"inner": inner, "outer": outer})
    assert module(mech).current(a=3.0)["x"] == 7.0


@pytest.mark.parametrize("title", ['"""\nimport os\n"""', "back\\slash", "'''", "\x00 \u2028 ümlaut", '"' * 7, "\\"])
def test_title_stays_in_the_docstring(title):
    mech = replace(translated(KDR), title=title)
    plain = ast.parse(emit.emit(replace(mech, title="")))
    parsed = ast.parse(emit.emit(mech))
    assert [ast.dump(n) for n in parsed.body[1:]] == [ast.dump(n) for n in plain.body[1:]]


def test_unit_of_a_constant_stays_in_its_comment():
    mech = mechanism(
        (assign("x", var("k")),), (), ("x",), symbols=symbols("k", role=ir.Role.CONSTANT, unit="a\nimport os")
    )
    assert "import os" not in emit.emit(mech).replace("# a\nimport os", "")
    assert module(mech).current()["x"] == 0.0


def test_constants_are_exact():
    value = 96485.3321233100141
    constant = {"k": ir.Symbol("k", ir.Role.CONSTANT, "UNITS", default=value)}
    assert module(mechanism((assign("x", var("k")),), (), ("x",), symbols=constant)).k == value


def refused(mech, *words):
    with pytest.raises(InvalidIR) as caught:
        emit.emit(mech)
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_missing_read_is_refused():
    mech = mechanism((assign("x", var("a")),), (), ("x",), symbols=symbols("a"))
    refused(mech, "BREAKPOINT current", "a", "reads")


def test_unknown_names_are_refused():
    refused(mechanism((assign("x", var("nowhere")),), (), ("x",)), "nowhere")
    refused(mechanism((assign("x", call("nothing", num(1))),), (), ("x",)), "nothing")
    refused(mechanism((assign("x", call("exp", num(1), num(2))),), (), ("x",)), "exp", "1 argument")


def test_recursion_is_refused():
    body = (assign("f", call("f", var("x"))),)
    routine = ir.Routine("f", "FUNCTION", body, args=("x",), results=("f",))
    refused(mechanism((assign("y", call("f", num(1))),), (), ("y",), routines={"f": routine}), "f calls itself")


def test_equation_without_solver_pass_is_refused():
    mech = mechanism((ir.Derivative("m", num(1), LOC),), ("m",), ("m",))
    refused(mech, "Derivative")


def test_partly_written_variable_must_be_a_read():
    mech = mechanism((branch(var("a"), (assign("x", num(1)),)),), ("a",), ("x",))
    refused(mech, "x", "some paths")


def test_random_numbers_are_refused_with_their_line():
    draw = ir.CallRoutine("random_setseq", (num(1), num(1)), ir.Loc(12, 3))
    with pytest.raises(UnsupportedConstruct, match=r":12:3: .*random_setseq"):
        emit.emit(replace(mechanism((draw,), (), ()), file="a.mod"))


def test_events_become_results():
    send = ir.CallRoutine("net_send", (ir.Binary("-", num(3), num(1)), num(2)), LOC)
    receive = ir.Routine("net_receive", "NET_RECEIVE", (send,), ("w",))
    mech = replace(mechanism((), (), ()), net_receive=receive, symbols=symbols("t", role=ir.Role.EXTERNAL))
    found = module(mech).net_receive(0.0, event__present=1.0, t=5.0)
    assert found == {"w": 0.0, "net_send__0": 7.0, "net_send__0_flag": 2.0}
    assert module(mech).net_receive(0.0, event__present=0.0, t=5.0)["net_send__0"] == -1.0


NETCON = """
NEURON { POINT_PROCESS Syn NONSPECIFIC_CURRENT i RANGE e }
PARAMETER { e = 0 }
ASSIGNED { v i }
STATE { g }
INITIAL { g = 0 }
BREAKPOINT { i = g * (v - e) }
NET_RECEIVE(weight, count) { INITIAL { count = 0 } count = count + 1  g = g + weight * count }
"""


def test_netcon_arguments_come_back_updated():
    made = module(translated(NETCON))
    out = made.net_receive(2.0, 3.0, g=1.0)
    assert out == {"g": 9.0, "weight": 2.0, "count": 4.0}
    assert made.net_initial(2.0, 3.0) == {"weight": 2.0, "count": 0.0}


ARRAYS = """
NEURON { SUFFIX arr NONSPECIFIC_CURRENT i RANGE a, k }
PARAMETER { k = 1 }
ASSIGNED { v i a[3] }
INITIAL { a[0] = v  a[1] = 2 * v  a[2] = 3 * v }
BREAKPOINT { if (v > 0) { a[1] = 10 } i = a[0] + a[1] + a[2] }
"""


def test_arrays_have_their_elements_first():
    made = module(translated(ARRAYS))
    v = jnp.array([1.0, -1.0])
    a = made.initial(v=v)["a"]
    assert a.shape == (3, 2)
    assert a.tolist() == [[1, -1], [2, -2], [3, -3]]
    out = made.current(v=v, a=a)
    assert out["a"].tolist() == [[1, -1], [10, -2], [3, -3]]
    assert out["i"].tolist() == [14, -6]


def test_lookup_leaves_alone_what_the_table_does_not_name():
    body = (assign("a", binary("*", var("x"), num(2))), assign("d", num(5)))
    table = ir.Table(("a",), (), num(0), num(10), 5, LOC)
    look = ir.Routine("look", "PROCEDURE", body, args=("x",), reads=("d",), writes=("a", "d"), table=table)
    mech = mechanism((ir.CallRoutine("look", (num(3),), LOC),), ("d",), ("a", "d"), routines={"look": look})
    made = module(mech)
    assert emit.signature(mech, mech.current) == ("d", "look_table")
    assert [(t.routine, t.name, t.maker, t.inputs) for t in emit.tables(mech)] == [
        ("look", "look_table", "look_make_table", ())
    ]
    assert made.current(d=1.0, look_table=None) == {"a": 6.0, "d": 5.0}
    assert made.current(d=1.0, look_table=made.look_make_table()) == {"a": 6.0, "d": 1.0}


def listed_but_not_assigned(*more):
    table = ir.Table(("a", "tau"), (), num(0), num(10), 5, LOC)
    body = (assign("a", binary("*", var("x"), var("tau"))),)
    look = ir.Routine("look", "PROCEDURE", body, args=("x",), reads=("tau",), writes=("a",), table=table)
    writes = ("a", *(s.target.name for s in more))
    return mechanism((ir.CallRoutine("look", (num(3),), LOC), *more), ("tau",), writes, routines={"look": look})


def test_table_variable_that_is_not_assigned_keeps_its_value():
    made = module(listed_but_not_assigned())
    assert made.current(tau=2.0, look_table=made.look_make_table(tau=2.0)) == {"a": 6.0}


def test_table_variable_that_something_else_assigns_is_refused():
    with pytest.raises(UnsupportedConstruct, match=r"sets tau back"):
        emit.emit(listed_but_not_assigned(assign("tau", num(1))))


def test_a_long_expression_in_brackets_is_folded_without_becoming_a_tuple():
    terms = " + ".join(f"(a_long_name_{k} * another_name_{k})" for k in range(6))
    for value, wanted in ((f"-({terms})", float), (f"min(0.0, {terms})", float), (f"({terms}, 0.0)", tuple)):
        names = {f"{n}_{k}": 0.5 for n in ("a_long_name", "another_name") for k in range(6)}
        lines = fold(f"i = {value}", "")
        assert len(lines) > 2
        exec("\n".join(lines), names)
        assert isinstance(names["i"], wanted)
