"""IR as JSON: an exact round trip, and a typed error for everything that is no IR."""

import ast
import json
import math
from dataclasses import replace

import pytest
from emit_helpers import LOC, assign, binary, mechanism, num, translated, var
from hypothesis import given, settings
from hypothesis import strategies as st

from mod_translator import ir, serialize
from mod_translator.emit import emit
from mod_translator.serialize import SerializeError
from mod_translator.validate import MAX_DEPTH, InvalidIR

names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)
floats = st.floats(allow_nan=False, allow_infinity=False)
locs = st.builds(ir.Loc, st.integers(0, 10**6), st.integers(0, 10**4))
texts = st.text(max_size=12)
leaves = st.one_of(st.builds(ir.Num, floats, texts), st.builds(ir.Var, names))


def nodes(inner):
    return st.one_of(
        st.builds(ir.Unary, st.sampled_from("-!"), inner),
        st.builds(
            ir.Binary,
            st.sampled_from(["+", "-", "*", "/", "^", "<", "<=", ">", ">=", "==", "!=", "&&", "||"]),
            inner,
            inner,
        ),
        st.builds(ir.Call, names, st.lists(inner, max_size=3).map(tuple)),
        st.builds(ir.Element, names, inner),
    )


expressions = st.recursive(leaves, nodes, max_leaves=8)
simple = st.one_of(
    st.builds(ir.Assign, st.one_of(st.builds(ir.Var, names), st.builds(ir.Element, names, leaves)), expressions, locs),
    st.builds(ir.CallRoutine, names, st.lists(expressions, max_size=2).map(tuple), locs, st.none() | names),
    st.builds(ir.Derivative, names, expressions, locs),
    st.builds(
        ir.SolveImplicit,
        st.sampled_from(["derivimplicit", "sparse"]),
        st.lists(names, max_size=3).map(tuple),
        names,
        locs,
    ),
)


def branches(inner):
    body = st.lists(inner, max_size=3).map(tuple)
    return st.builds(ir.If, expressions, body, body, locs)


statements = st.recursive(simple, branches, max_leaves=5)
distinct = st.lists(names, max_size=4, unique=True).map(tuple)


@st.composite
def routines(draw, name):
    args, writes = draw(distinct), draw(distinct)
    results = tuple(n for n in draw(distinct) if n not in writes)
    table = None
    if len(args) == 1 and draw(st.booleans()):
        bounds = draw(expressions), draw(expressions)
        table = ir.Table(writes[:2], draw(distinct), *bounds, draw(st.integers(1, 10**6)), draw(locs))
    body = tuple(draw(st.lists(statements, max_size=4)))
    units = draw(st.lists(texts, max_size=2).map(tuple))
    kind, unit, loc = draw(texts), draw(texts), draw(st.none() | locs)
    return ir.Routine(name, kind, body, args, results, draw(distinct), writes, table, units, unit, loc)


@st.composite
def mechanisms(draw):
    used = draw(st.lists(names, min_size=8, max_size=16, unique=True))
    limits = st.none() | st.tuples(st.floats(allow_nan=False), st.floats(allow_nan=False))
    symbol = st.builds(
        ir.Symbol,
        st.just(""),
        st.sampled_from(ir.Role),
        texts,
        texts,
        floats,
        limits,
        st.integers(0, 50),
        st.booleans(),
        st.none() | locs,
    )
    ion = st.builds(ir.IonUse, names, distinct, distinct, st.none() | floats)
    current = st.builds(ir.Current, names, st.none() | names, st.booleans())
    blocks = {n: draw(st.none() | routines(n)) for n in ("initial", "current", "advance", "net_receive", "net_initial")}
    return ir.Mechanism(
        used[0],
        draw(st.sampled_from(ir.Kind)),
        {n: replace(draw(symbol), name=n) for n in used[1:5]},
        tuple(draw(st.lists(ion, max_size=2))),
        tuple(draw(st.lists(current, max_size=2))),
        {n: draw(routines(n)) for n in used[5:7]},
        **blocks,
        title=draw(texts),
        file=draw(texts),
    )


@pytest.mark.long
@settings(max_examples=25, deadline=None)
@given(mechanisms())
def test_round_trip_is_exact(mech):
    text = serialize.dumps(mech)
    assert text.isascii()
    back = serialize.loads(text)
    assert back == mech
    assert repr(back) == repr(mech)  # equality does not see -0.0, nor 1 against 1.0
    assert serialize.dumps(back) == text


TEXT = """
NEURON { SUFFIX leak NONSPECIFIC_CURRENT i RANGE g, e }
PARAMETER { g = 0.001 (S/cm2) <0, 1e9> e = -70 (mV) }
ASSIGNED { v (mV) i (mA/cm2) }
BREAKPOINT { if (v > 0) { i = g * (v - e) } else { i = f(v) } }
FUNCTION f(x) { TABLE FROM -100 TO 0 WITH 10  f = x / 2 }
"""


def test_emitted_text_survives():
    mech = translated(TEXT)
    assert emit(serialize.loads(serialize.dumps(mech))) == emit(mech)


def test_limits_may_be_infinite():
    symbol = ir.Symbol("a", ir.Role.GLOBAL, limits=(-math.inf, math.inf))
    mech = ir.Mechanism("m", ir.Kind.DENSITY, {"a": symbol})
    assert serialize.loads(serialize.dumps(mech)) == mech


def paths(node, prefix=()):
    """All places inside JSON data."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        yield (*prefix, key)
        yield from paths(value, (*prefix, key))


def with_change(data, path, value):
    copy = json.loads(json.dumps(data))
    place = copy
    for key in path[:-1]:
        place = place[key]
    if value is ...:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return copy


JUNK = [
    None,
    True,
    7,
    -1,
    1e308,
    "",
    "x y",
    "__import__('os')",
    "a;b",
    [],
    {},
    [1],
    {"node": "Loc"},
    {"node": "object"},
]
DATA = serialize.to_json(translated(TEXT))
PLACES = list(paths(DATA))


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(PLACES), st.sampled_from([*JUNK, ...]))
def test_any_damage_is_a_typed_error_or_harmless(path, value):
    changed = with_change(DATA, path, value)
    try:
        mech = serialize.from_json(changed)
    except SerializeError:
        return
    # what passes is an IR, which prints to nothing but functions and numbers, or is refused by the emitter
    assert serialize.from_json(serialize.to_json(mech)) == mech
    try:
        text = emit(mech)
    except InvalidIR:
        return
    tree = list(ast.walk(ast.parse(text)))
    assert not [n for n in tree if isinstance(n, ast.Attribute | ast.Import | ast.Global | ast.Delete)]
    assert {n.module for n in tree if isinstance(n, ast.ImportFrom)} <= {"nrn_diff.runtime"}
    assert all(isinstance(n.func, ast.Name) for n in tree if isinstance(n, ast.Call))


HOSTILE = {
    "operator": (lambda m: assign("i", ir.Binary("if", num(1), num(2))), "unknown operator"),
    "unary": (lambda m: assign("i", ir.Unary("not", num(1))), "unknown operator"),
    "name": (lambda m: assign("i", ir.Var("a b")), "not an identifier"),
    "call": (lambda m: assign("i", ir.Call("__import__('os').system", ())), "not an identifier"),
    "newline": (lambda m: assign("i\n", num(1)), "not an identifier"),
    "infinite": (lambda m: assign("i", ir.Num(math.inf)), "finite|number"),
    "method": (lambda m: ir.SolveImplicit("exec", ("a",), "f", LOC), "unknown method"),
    "index": (lambda m: ir.Assign(ir.Element("a", ir.Var("b c")), num(1), LOC), "not an identifier"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_statements_are_refused(kind):
    make, message = HOSTILE[kind]
    mech = mechanism((make(None),), ("v",), ("i",))
    data = json.loads(json.dumps(serialize.to_json(mech)))
    with pytest.raises(SerializeError, match=message):
        serialize.from_json(data)
    with pytest.raises(InvalidIR, match=r"unknown|identifier|finite"):
        emit(mech)


def test_deep_nesting_is_refused_before_it_hurts():
    expr = num(1)
    for _ in range(MAX_DEPTH + 1):
        expr = ir.Unary("-", expr)
    mech = mechanism((assign("i", expr),), (), ("i",))
    with pytest.raises(InvalidIR, match="nested"):
        emit(mech)
    with pytest.raises(SerializeError, match="nested"):
        serialize.from_json(serialize.to_json(mech))
    for text in ("[" * 100_000, '{"a":' * 100_000, '{"format":"mod_translator.ir","version":1,"mechanism":' * 50_000):
        with pytest.raises(SerializeError):
            serialize.loads(text)


def test_deepest_allowed_nesting_works():
    right, left = var("a"), var("a")
    for _ in range(MAX_DEPTH - 1):
        right, left = binary("-", var("a"), right), binary("-", left, var("a"))
    mech = mechanism((assign("i", right), assign("j", left)), ("a",), ("i", "j"))
    assert serialize.loads(serialize.dumps(mech)) == mech
    compile(emit(mech), "deep", "exec")


@pytest.mark.parametrize("text", ["", "nonsense", "[]", "null", "{}", '{"format": 1}', b"\xff\xfe", "NaN", '"x"'])
def test_text_that_is_no_mechanism(text):
    with pytest.raises(SerializeError):
        serialize.loads(text)


def test_other_versions_are_named():
    with pytest.raises(SerializeError, match="version 99"):
        serialize.from_json({**DATA, "version": 99})
