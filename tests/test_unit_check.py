"""The note on units is what NEURON's modlunit says first: nothing, or a complaint at the same line."""

from __future__ import annotations

import os
import random
import re
import subprocess
from pathlib import Path

import pytest

import mod_translator
from mod_translator.syntax.source import Source
from mod_translator.unit_check import complaint

HERE = Path(__file__).parent
MODS = sorted((*(HERE / "driven_mods").glob("*.mod"), *(HERE / "translator_mods").glob("*.mod")))
_UNIT = re.compile(r"\((mV|ms|nA|mM|degC|um|1|/ms|mA/cm2|S/cm2|mM/ms|uS)\)")
UNITS = "UNITS { (mV) = (millivolt) (nA) = (nanoamp) (mM) = (milli/liter) (um) = (micron) (S) = (siemens) }\n"


def said_by_modlunit(text, folder):
    """(conforms, line of the complaint); None if modlunit cannot read the file at all."""
    import neuron

    root = Path(neuron.__file__).resolve().parent / ".data"
    (folder / "x.mod").write_text(text)
    command, table = root / "bin" / "modlunit", root / "share" / "nrn" / "lib" / "nrnunits.lib"
    done = subprocess.run(
        [str(command), "x.mod"],
        cwd=folder,
        env={**os.environ, "MODLUNIT": str(table)},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    if done.returncode == 0:
        return True, None
    place = re.search(r" at (?:line (\d+)|end of file) in file", done.stderr)
    if place is None or done.returncode < 0 or "yntax" in done.stderr or "Illegal" in done.stderr:
        return None
    return False, int(place.group(1) or 0)


def said_here(text):
    note = complaint(Source(text))
    return (True, None) if note is None else (False, note.place.line)


@pytest.mark.parametrize("path", MODS, ids=lambda p: p.stem)
def test_the_mods_of_the_tests(path, tmp_path):
    text = path.read_text()
    assert said_here(text) == said_by_modlunit(text, tmp_path)


CONSTRUCTS = {
    "two_terms": "FUNCTION f(x (mV)) (ms) { f = 1(ms) + x }",
    "a_factor": "FUNCTION f(x (mV)) (volt) { f = x }",
    "a_factor_that_is_given": "FUNCTION f(x (mV)) (volt) { f = (1e-3)*x }",
    "a_power": "FUNCTION f(x (mV)) (mV2) { f = x^2 }",
    "a_power_that_has_a_unit": "FUNCTION f(x (mV)) { f = 2^x }",
    "an_argument": "FUNCTION f(x (mV)) { f = exp(x) }",
    "an_argument_of_the_file": "FUNCTION f(x (mV)) { f = 1 }\nPROCEDURE p(y (ms)) { LOCAL a\n a = 1\n a = f(y) }",
    "a_scope_that_stays_open": "ASSIGNED { b (ms) }\nPROCEDURE p(b (mV), y) { y = 2 }\n"
    "INITIAL { b = 3 (ms)\n y = b + 2(mV) }",
    "the_name_of_an_argument": "PROCEDURE p(b (mV), y) { b = 2 }\nASSIGNED { b (ms) }\nINITIAL { b = 3 (ms) }",
    "a_local_that_takes_a_unit": "PROCEDURE p(x (mV)) { LOCAL a\n a = x\n a = 2 (ms)\n if (a > x) { a = 1 } }",
    "units_off": "UNITSOFF\nFUNCTION f(x (mV)) (ms) { f = x }\nUNITSON\nFUNCTION g(x (mV)) (ms) { g = x }",
    "an_unknown_unit": "PARAMETER { p = 1 (furlongish) }",
    "a_unit_defined_again": "UNITS { (mV) = (volt) }",
    "a_factor_that_cannot_be": "UNITS { F = (faraday) (mV) }",
    "a_factor_of_the_file": "UNITS { k = (mV) -> (volt) }\nFUNCTION f(x (mV)) (volt) { f = k*x }",
    "declared_twice": "ASSIGNED { p (mV) }\n\nPARAMETER { p = 1 }\n",
    "voltage_without_a_unit": "ASSIGNED { v }",
    "a_derivative": "STATE { m (mM) }\nASSIGNED { q (mM) }\nDERIVATIVE d { m' = q/2(ms)\n m' = q }",
    "a_start_value": "STATE { m (mM) }\nPROCEDURE p(x (mV)) { x = m0 }",
    "a_reaction": "STATE { m (mM) n (mM) }\nKINETIC k { ~ m <-> n (1 (/ms), 2)\n ~ m <-> n (1 (mV), 2) }",
    "a_compartment": "STATE { m (mM) n (mM) }\nKINETIC k { COMPARTMENT 2(um) { m }\n ~ m <-> n (1 (um/ms), 2) }",
    "diffusion": "STATE { m (mM) }\nKINETIC k { COMPARTMENT 2(um2) { m }\n LONGITUDINAL_DIFFUSION 2(um2/ms) { m }\n }",
    "a_flux": "STATE { m (mM) }\nKINETIC k { ~ m << (2 (mM/ms))\n ~ m << (2 (mM)) }",
    "fluxes": "STATE { m (mM) }\nASSIGNED { q (mM) }\nKINETIC k { ~ m -> (2 (/ms))\n q = f_flux }",
    "kinetic_with_units_off": "STATE { m (mM) }\nKINETIC k { UNITSOFF\n ~ m << (2 (mM))\n UNITSON }",
    "conserved": "STATE { m (mM) n (mV) }\nKINETIC k { CONSERVE m + n = 1 }",
    "events": "NET_RECEIVE (w (nA), u) { net_send(2, 1)\n w = 3 (nA)\n net_send(w, 1) }",
    "printf": 'PROCEDURE p(x) { printf("%g", x) }\nPROCEDURE r(x (mV)) { printf("%g %g", 2, x) }',
    "a_table": "ASSIGNED { q (mV) }\nPROCEDURE p(x (mV)) { TABLE q DEPEND q FROM -2 TO q WITH 20\n q = 2*x }",
    "defined": "DEFINE N 3\nASSIGNED { q[N] (mV) }\nINITIAL { FROM i = 0 TO N-1 { q[i] = (N)*q[0]\n q[i] = N } }",
    "too_many_arguments": "FUNCTION f(x) { f = x }\nINITIAL { LOCAL a\n a = f(1, 2) }",
    "something_undeclared": "INITIAL { nobody = 3 (mV) }",
    "numbers_only": "ASSIGNED { q (mV) }\nINITIAL { q = 2*3 + 4\n q = 2*(3)\n }",
    "logic": "ASSIGNED { q (mV) }\nINITIAL { if (q > 2 && !(q < 3(mV))) { q = 1 }\n if (q == 3 (ms)) { q = 2 } }",
    "an_independent_variable": "INDEPENDENT { t FROM 0 TO 1 WITH 1 (s) }",
}


@pytest.mark.parametrize("name", CONSTRUCTS)
def test_each_construct(name, tmp_path):
    text = f"NEURON {{ POINT_PROCESS x }}\n{UNITS}{CONSTRUCTS[name]}\n"
    said = said_by_modlunit(text, tmp_path)
    assert said is not None
    assert said_here(text) == said


def test_currents_concentrations_and_reversal_potentials(tmp_path):
    for unit in ("(mV)", "(mM)", "(mA/cm2)", "(nA)", ""):
        for kind in ("SUFFIX", "POINT_PROCESS"):
            text = f"NEURON {{ {kind} x USEION ca READ eca, cai WRITE ica }}\n{UNITS}UNITS {{ (mA) = (milliamp) }}\n"
            text += f"ASSIGNED {{ eca (mV) cai (mM) ica {unit} }}\n"
            assert said_here(text) == said_by_modlunit(text, tmp_path), text


def test_units_exchanged_at_random(tmp_path):
    complaints = 0
    for seed in range(60):
        chance = random.Random(seed)
        text = UNITS + chance.choice(MODS).read_text().replace("(mV) =", "(mV2) =")
        units = _UNIT.findall(text) or ["ms"]
        places = [m.span(1) for m in _UNIT.finditer(text) if chance.random() < 0.2]
        for start, end in reversed(places):
            text = text[:start] + chance.choice(units) + text[end:]
        said = said_by_modlunit(text, tmp_path)
        if said is not None:
            assert said_here(text) == said, text
            complaints += not said[0]
    assert complaints > 20


def test_check_has_the_note_and_translation_goes_on():
    report = mod_translator.check(
        "NEURON { SUFFIX x RANGE a }\nPARAMETER { a = 1 (ms) }\nASSIGNED { dt (mV) }\nINITIAL { a = dt }\n",
        file="x.mod",
    )
    assert report.ok
    (note,) = [n for n in report.notes if n.text.startswith("units: ")]
    assert note.text == "units: unknown unit (mV): define it in UNITS, as in (mV) = (millivolt)"
    assert note.place.line == 1
    assert not [n for n in mod_translator.lower("NEURON { SUFFIX x }\nASSIGNED { v }\n")[1].notes if "unit" in n.text]


@pytest.mark.parametrize("deep", ["(" * 5000, "-" * 5000, "a[" * 3000, "{" * 3000, "f(" * 3000, "9" * 6000])
def test_what_modlunit_does_not_read_has_no_note(deep):
    assert complaint(Source("NEURON { SUFFIX x }\nASSIGNED { a[2] }\nINITIAL { a[0] = " + deep)) is None
