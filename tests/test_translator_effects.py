"""Reads and writes, locals, and variables that all instances share."""

from __future__ import annotations

import pytest

import mod_translator
import mod_translator.emit
from mod_translator import ir

HEAD = """NEURON { SUFFIX x RANGE a GLOBAL g, h USEION k READ ek WRITE ik }
PARAMETER { p = 2 g = 3 }
ASSIGNED { v ek ik a b c h arr[2] celsius }
STATE { m }
LOCAL q, before
"""


def lowered(code, head=HEAD):
    mechanism, report = mod_translator.lower(head + code)
    assert report.ok, str(report)
    return mechanism


def effects(code):
    initial = lowered(f"INITIAL {{ m = 0 {code} }}\n").initial
    return set(initial.reads), set(initial.writes) - {"m"}


@pytest.mark.parametrize(
    ("code", "reads", "writes"),
    [
        ("a = b", {"b"}, {"a"}),
        ("a = b b = a", {"b"}, {"a", "b"}),
        ("b = p a = b", {"p"}, {"a", "b"}),
        ("if (v > 0) { a = 1 }", {"v", "a"}, {"a"}),
        ("if (v > 0) { a = 1 } else { a = 2 } b = a", {"v"}, {"a", "b"}),
        ("if (v > 0) { a = 1 } b = a", {"v", "a"}, {"a", "b"}),
        ("arr[0] = 1", {"arr"}, {"arr"}),
        ("arr[0] = 1 arr[1] = arr[0]", set(), {"arr"}),
        ("FROM i = 0 TO 1 { arr[i] = i } a = arr[1]", set(), {"arr", "a"}),
        ("a = nrn_ghk(v, 1, 2, 1)", {"v", "celsius"}, {"a"}),
    ],
)
def test_upward_exposed_reads_and_possible_writes(code, reads, writes):
    assert effects(code) == (reads, writes)


def test_effects_pass_through_calls():
    mechanism = lowered(
        "INITIAL { m = 0 a = 1 one(p) }\n"
        "PROCEDURE one(x) { b = a + x two() }\nPROCEDURE two() { if (c > 0) { c = v } }\n"
    )
    assert mechanism.routines["one"].reads == ("a", "c", "v")
    assert mechanism.routines["one"].writes == ("b", "c")
    assert set(mechanism.initial.reads) == {"p", "c", "v"}
    assert list(mechanism.routines) == ["two", "one"]


def test_what_a_procedure_may_leave_as_it_is_is_handed_to_it_even_if_it_is_assigned_afterwards():
    mechanism = lowered("INITIAL { m = 0.5 f(v) m = 1 b = 2 }\nPROCEDURE f(x) { if (x > 0) { m = 2 b = 1 } }\n")
    assert mechanism.initial is not None
    assert {"b"} <= set(mechanism.initial.reads)
    assert "m" not in mechanism.initial.reads
    mod_translator.emit.emit(mechanism)


def test_of_a_table_only_its_variables_are_surely_written():
    mechanism = lowered(
        "INITIAL { m = 0 rates(v) a = b }\n"
        "PROCEDURE rates(u) { TABLE b DEPEND celsius FROM -1 TO 1 WITH 4 b = u*celsius c = 1 }\n"
    )
    assert set(mechanism.routines["rates"].reads) == {"celsius", "c"}
    assert "c" in mechanism.initial.reads
    assert "b" not in mechanism.initial.reads


def test_a_shared_variable_that_only_a_table_assigns_is_not_carried_between_instances():
    table = "PROCEDURE rates(u) { TABLE b DEPEND celsius FROM -1 TO 1 WITH 4 h = celsius/10 b = u*h }\n"
    lowered("INITIAL { m = 0 rates(v) a = b }\n" + table)
    code = "INITIAL { m = 0 rates(v) a = b + h }\n" + table.replace("celsius/10", "u/10")
    assert "U177" in [e.code for e in mod_translator.check(HEAD + code).errors]


def test_what_is_assigned_while_a_table_is_filled_is_computed_at_the_start_of_initial():
    mechanism = lowered(
        "INITIAL { m = 0 rates(v) a = b + h }\n"
        "PROCEDURE rates(u) { TABLE b DEPEND celsius FROM -1 TO 1 WITH 4 factor() b = u*h }\n"
        "PROCEDURE factor() { LOCAL x x = celsius/10 if (x > 1) { h = x } else { h = 1 } c = 0 h = h*p }\n"
    )
    first = mechanism.initial.body[0]
    made = mechanism.routines[first.name]
    assert (made.args, made.writes) == ((), ("h",))
    assert set(made.reads) == {"celsius", "p"}
    assert "h" not in mechanism.routines["rates"].writes


def test_a_shared_count_that_nothing_uses_is_left_out_with_a_note():
    mechanism, report = mod_translator.lower(
        HEAD + "INITIAL { m = 0 g = 0 }\n" + SOLVE + "DERIVATIVE s { g = g + 1 m' = -m }\n"
    )
    assert report.ok
    assert any("g serves nothing but its own next value" in n.text for n in report.notes)
    assert "g" not in mechanism.advance.writes


def test_a_procedure_in_an_expression_runs_and_counts_as_zero():
    mechanism, report = mod_translator.lower(HEAD + "INITIAL { m = 0 a = 1 + f(2) }\nPROCEDURE f(x) { b = x }\n")
    call, assign = mechanism.initial.body[-2:]
    assert (call.name, call.result) == ("f", None)
    assert assign.value == ir.Binary("+", ir.Num(1.0, "1"), ir.Num(0.0, "0"))
    assert any("its value is 0" in n.text for n in report.notes)


def test_an_ion_variable_that_is_only_read_is_assigned_as_a_copy():
    mechanism = lowered("INITIAL { m = 0 if (ek > -80) { ek = -80 } a = ek }\n")
    assert mechanism.symbols["ek_copy"].role is ir.Role.INSTANCE
    assert "ek" not in mechanism.initial.writes
    assert mechanism.initial.reads == ("ek",)


def test_start_values_survive_only_where_initial_needs_them():
    head = "NEURON { SUFFIX x RANGE a }\nPARAMETER { m0 = 0.3 }\nSTATE { m n START 0.7 w[2] }\nASSIGNED { a }\n"
    body = lowered("INITIAL { a = n n = 2 m = 1 }\n", head).initial.body
    shown = [(s.target, s.value) for s in body if isinstance(s, ir.Assign)]
    assert shown[0] == (ir.Var("n"), ir.Num(0.7, "0.7"))
    assert [t for t, _ in shown[1:3]] == [ir.Element("w", ir.Num(0.0, "0")), ir.Element("w", ir.Num(1.0, "1"))]
    assert [t for t, _ in shown[3:]] == [ir.Var("a"), ir.Var("n"), ir.Var("m")]
    kept = lowered("INITIAL { a = m }\n", head).initial.body
    assert ir.Assign(ir.Var("m"), ir.Var("m0"), ir.Loc(3, 9)) in kept


# -------------------------------------------------------------------------------------------------------- locals


def test_locals_are_renamed_away_from_variables_routines_and_each_other():
    mechanism = lowered(
        "INITIAL { LOCAL a, f2 m = 0 a = 1 f2 = 2 { LOCAL a a = 3 b = a + f2 } c = a }\nFUNCTION f2(x) { f2 = x }\n"
    )
    body = [s for s in mechanism.initial.body if isinstance(s, ir.Assign)]
    names = {s.target.name for s in body}
    assert "a" not in names
    assert "f2" not in names
    assert {"b", "c"} <= names
    inner = next(s.value for s in body if s.target.name == "b")
    outer = next(s.value for s in body if s.target.name == "c")
    assert inner.left != outer


def test_flag_is_the_event_s_in_net_receive_and_the_file_s_own_elsewhere():
    text = (
        "NEURON { ARTIFICIAL_CELL x }\nASSIGNED { flag a }\nINITIAL { flag = 3 }\n"
        "NET_RECEIVE (w) { if (flag == 1) { a = f() flag = 2 } }\nFUNCTION f() { f = flag }\n"
    )
    mechanism, report = mod_translator.lower(text)
    assert report.ok, str(report)
    assert mechanism.symbols["flag"].role is ir.Role.EXTERNAL
    assert mechanism.initial.writes == ("flag_",)
    assert mechanism.routines["f"].reads == ("flag_",)
    own, branch = mechanism.net_receive.body
    assert (own.value, branch.condition.left) == (ir.Var("flag"), own.target)
    assert "flag_" not in mechanism.net_receive.writes


def test_an_argument_hides_the_variable_of_the_same_name_only_inside():
    mechanism = lowered("INITIAL { m = f(3) }\nFUNCTION f(v) { f = v + g2() }\nFUNCTION g2() { g2 = v }\n")
    assert mechanism.routines["f"].args == ("v_",)
    assert mechanism.routines["f"].reads == ("v",)


def test_local_arrays_become_scalars():
    mechanism = lowered("INITIAL { LOCAL l[2] m = 0 l[0] = 1 l[1] = l[0] a = l[1] }\n")
    assert not any(isinstance(s.target, ir.Element) for s in mechanism.initial.body)


def test_every_local_is_assigned_before_it_is_read():
    mechanism, report = mod_translator.lower(
        HEAD + "INITIAL { LOCAL l m = f(l) }\nFUNCTION f(x) { if (x > 0) { f = 1 } }\n"
    )
    assert mechanism.initial.body[0] == ir.Assign(ir.Var("l"), ir.Num(0.0, "0"), mechanism.initial.loc)
    assert isinstance(mechanism.routines["f"].body[0], ir.Assign)
    assert len([n for n in report.notes if "0 is used" in n.text]) == 2


def test_functions_with_side_effects_leave_the_expressions_in_order():
    mechanism = lowered("INITIAL { m = 0 a = f(f(1)) + p }\nFUNCTION f(x) { b = x f = x + b }\n")
    calls = [s for s in mechanism.initial.body if isinstance(s, ir.CallRoutine)]
    assert [c.name for c in calls] == ["f", "f"]
    assert calls[1].args == (ir.Var(calls[0].result),)
    last = mechanism.initial.body[-1]
    assert last.value == ir.Binary("+", ir.Var(calls[1].result), ir.Var("p"))


def test_pure_functions_stay_in_the_expressions():
    mechanism = lowered("INITIAL { m = f(f(1)) }\nFUNCTION f(x) { f = x + p }\n")
    assert not any(isinstance(s, ir.CallRoutine) for s in mechanism.initial.body)


# ---------------------------------------------------------------------------------------------- shared variables

RATES = "PROCEDURE rates(u) { h = 1/(1 + exp(-u)) }\n"
SOLVE = "BREAKPOINT { SOLVE s METHOD cnexp ik = m*(v - ek) }\n"


def test_a_global_that_every_block_writes_first_is_a_temporary():
    mechanism = lowered(
        "INITIAL { rates(v) m = h }\n" + SOLVE + "DERIVATIVE s { rates(v) m' = (h - m)/p }\n" + RATES,
    )
    assert mechanism.symbols["h"].role is ir.Role.INSTANCE
    assert not mechanism.symbols["h"].visible
    assert "h" not in mechanism.advance.reads


def test_a_global_left_by_another_block_is_what_the_last_instance_left():
    mechanism = lowered("INITIAL { rates(v) m = h }\n" + SOLVE + "DERIVATIVE s { m' = (h - m)/p }\n" + RATES)
    assert mechanism.shared == ("h",)
    assert mechanism.symbols["h"].role is ir.Role.INSTANCE


def test_a_global_that_a_block_reads_before_it_writes_it_goes_from_instance_to_instance():
    code = "INITIAL { m = 0 }\n" + SOLVE + "DERIVATIVE s { m' = -h*m rates(v) }\n" + RATES
    assert lowered(code).in_turn == lowered(code).shared == ("h",)


def test_a_global_that_a_block_writes_on_some_paths_goes_from_instance_to_instance():
    code = "INITIAL { m = 0 }\n" + SOLVE + "DERIVATIVE s { if (v > 0) { rates(v) } m' = -m } \n" + RATES
    assert lowered(code.replace("ik = m", "ik = h*m")).in_turn == ("h",)


@pytest.mark.parametrize("value", ["3^((celsius - 22)/10)", "p*g", "f(celsius)*2"])
def test_a_shared_value_that_initial_makes_the_same_everywhere_is_carried(value):
    code = f"INITIAL {{ q = {value} h = q m = h }}\n" + SOLVE + "DERIVATIVE s { m' = q*(h - m) }\n"
    mechanism = lowered(code + "FUNCTION f(x) { LOCAL y y = x f = y*y }\n")
    assert mechanism.symbols["q"].role is ir.Role.INSTANCE
    assert {"q", "h"} <= set(mechanism.advance.reads)


@pytest.mark.parametrize("initial", ["q = v", "if (v > 0) { q = 1 } else { q = 2 }", "q = celsius*a", "rates(v) q = h"])
def test_a_shared_value_that_depends_on_the_instance_is_that_of_the_last(initial):
    mechanism = lowered(f"INITIAL {{ {initial} m = 0 }}\n" + SOLVE + "DERIVATIVE s { m' = -q*m }\n" + RATES)
    assert mechanism.shared == ("q",)


def test_a_shared_value_that_every_instance_changes_goes_from_instance_to_instance():
    code = "INITIAL { q = q + 1 m = 0 }\n" + SOLVE + "DERIVATIVE s { m' = -q*m }\n"
    assert lowered(code).in_turn == ("q",)


@pytest.mark.parametrize(
    ("tadj", "in_turn"),
    [
        ("if (before != celsius) { q = 3^celsius before = celsius }", 0),
        ("if (before != celsius) { q = v before = celsius }", 2),
        ("if (before == 1) { before = 2 } else { before = 1 } q = 3", 0),
        ("if (before != celsius) { q = 3^celsius before = celsius m = 1 }", 2),
        ("m = q if (before != celsius) { q = 3^celsius before = celsius }", 2),
        ("if (before != celsius) { q = q*2 before = celsius }", 2),
        ("if (before != celsius) { q = 3^celsius before = celsius } q = q + 1", 2),
    ],
)
def test_the_cache_of_a_temperature_factor(tadj, in_turn):
    code = "INITIAL { m = 0 }\n" + SOLVE + "DERIVATIVE s { tadj() m' = -q*m }\n" + f"PROCEDURE tadj() {{ {tadj} }}\n"
    assert len(lowered(code).in_turn) == in_turn


def test_an_own_ion_current_read_before_it_is_written_belongs_to_the_instance():
    mechanism = lowered("INITIAL { m = 0 }\n" + SOLVE + "DERIVATIVE s { m' = -ik }\n")
    assert mechanism.symbols["ik"].role is ir.Role.INSTANCE
    assert "ik" in mechanism.advance.reads


def test_breakpoint_without_currents_runs_in_the_state_update():
    head = "NEURON { SUFFIX x RANGE a }\nASSIGNED { a v }\nSTATE { m }\n"
    mechanism = lowered(
        "BREAKPOINT { a = m SOLVE s METHOD cnexp }\nBREAKPOINT { a = a + 1 }\nDERIVATIVE s { m' = -m }\n", head
    )
    assert mechanism.current is None
    assert [s.target.name for s in mechanism.advance.body] == ["m", "a", "a"]


def test_of_ion_variables_hoc_sees_the_mechanism_s_own_current_only():
    head = "NEURON { SUFFIX x USEION ca READ ica, cai WRITE cai USEION k WRITE ik RANGE ica, cai, ik }\n"
    mechanism = lowered("BREAKPOINT { ik = cai }\n", head + "ASSIGNED { ica cai ik }\n")
    assert {n for n, s in mechanism.symbols.items() if s.visible} == {"ik"}


def test_a_global_that_only_the_neuron_block_names_is_declared_where_nocmodl_makes_it_a_variable_of_the_thread():
    head = "NEURON {{ SUFFIX x GLOBAL g RANGE a {} }}\nASSIGNED {{ a }}\nINITIAL {{ g = 2 a = g }}\n"
    assert mod_translator.check(head.format("THREADSAFE")).ok  # usecases/global/threading_effects.mod of NEURON
    assert "S125" in {e.code for e in mod_translator.check(head.format("")).errors}
