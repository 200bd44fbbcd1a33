"""The mechanisms that NEURON itself is built with, from the NMODL text that it embeds."""

from __future__ import annotations

import functools

import pytest

import mod_translator
from mod_translator import ir
from mod_translator.printer import expression


@functools.cache
def embedded(name):
    from neuron import h

    for kind in (0, 1):
        types = h.MechanismType(kind)
        found = h.ref("")
        for index in range(int(types.count())):
            types.select(index)
            types.selected(found)
            if found[0] == name:
                return str(types.code())
    raise AssertionError(name)


@functools.cache
def lowered(name):
    mechanism, report = mod_translator.lower(embedded(name), file=f"{name}.mod")
    assert report.ok, str(report)
    return mechanism


MODULES = ["pas", "hh", "IClamp", "AlphaSynapse", "SEClamp", "ExpSyn", "Exp2Syn", "OClamp"]
NAMES = [*MODULES, "NetStim", "IntFire1"]


@pytest.mark.parametrize("name", [*MODULES, "VClamp"])
def test_every_supported_builtin_becomes_a_module(name):
    translation = mod_translator.translate(embedded(name))
    assert translation.name == name
    compile(translation.source, name, "exec")


def test_hh_is_stepped_exactly_as_nocmodl_prints_it():
    hh = lowered("hh")
    texts = [expression(s.value) for s in hh.advance.body if isinstance(s, ir.Assign)]
    assert texts[0] == "(m + ((1 - exp((dt * ((-1) / mtau)))) * (((-(minf / mtau)) / ((-1) / mtau)) - m)))"
    assert hh.states == ("m", "h", "n")
    assert [c.name for c in hh.currents] == ["ina", "ik", "il"]
    assert [(u.name, u.reads, u.writes) for u in hh.ions] == [("na", ("ena",), ("ina",)), ("k", ("ek",), ("ik",))]


def test_hh_reads_and_writes_are_upward_exposed():
    hh = lowered("hh")
    assert hh.advance.reads == ("v", "celsius", "m", "dt", "h", "n")
    assert set(hh.advance.writes) == {"m", "h", "n", "minf", "mtau", "hinf", "htau", "ninf", "ntau"}
    assert hh.initial.reads == ("v", "celsius")
    assert "minf" not in hh.current.reads


def test_hh_table_and_roles():
    hh = lowered("hh")
    table = hh.routines["rates"].table
    assert (table.depend, table.intervals) == (("celsius",), 200)
    assert table.variables == ("minf", "mtau", "hinf", "htau", "ninf", "ntau")
    assert hh.symbols["gnabar"].role is ir.Role.INSTANCE
    assert hh.symbols["gnabar"].limits == (0.0, 1e9)
    assert hh.symbols["ena"].role is ir.Role.ION
    assert hh.symbols["celsius"].role is ir.Role.EXTERNAL


def test_locals_never_have_the_name_of_a_variable():
    for name in NAMES:
        mechanism = lowered(name)
        for routine in mechanism.routines.values():
            assert not set(routine.args) & set(mechanism.symbols), (name, routine.name)


def test_seclamp_advance_is_its_procedure_and_i_is_an_electrode_current():
    clamp = lowered("SEClamp")
    assert clamp.kind is ir.Kind.POINT
    assert [(c.name, c.electrode) for c in clamp.currents] == [("i", True)]
    assert [s.name for s in clamp.advance.body] == ["icur"]
    assert "on" in clamp.advance.reads
    assert not any(isinstance(s, ir.If) and not s.then and not s.orelse for s in clamp.routines["vstim"].body)


def test_synapse_net_receive():
    synapse = lowered("Exp2Syn")
    assert synapse.net_receive.args == ("weight",)
    assert synapse.net_receive.results == ()
    assert synapse.net_receive.writes == ("A", "B")
    assert not synapse.symbols["factor"].visible


def test_netstim_keeps_its_event_and_random_calls():
    stim = lowered("NetStim")
    calls = {s.name: s for s in stim.routines["erand"].body if isinstance(s, ir.CallRoutine)}
    assert calls["random_negexp"].args == (ir.Var("ranvar"),)
    assert calls["random_negexp"].result in {"random_negexp_value"}
    assert stim.symbols["ranvar"].block == "RANDOM"
    assert "seed" in stim.routines
    assert "noiseFromRandom" not in stim.routines


def test_positions_are_those_of_the_text():
    hh = lowered("hh")
    lines = embedded("hh").split("\n")
    for statement in hh.current.body:
        assert lines[statement.loc.line - 1][statement.loc.column - 1 :].startswith(statement.target.name)
