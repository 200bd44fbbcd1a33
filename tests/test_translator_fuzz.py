"""Whatever stands in a mod file: the translator's own errors or a module, soon, and the same each time."""

from __future__ import annotations

import ast
import hashlib
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from mutants import SEEDS, mutant

import mod_translator
from mod_translator.emit.names import ENTRY_POINTS
from mod_translator.errors import TranslationError
from mod_translator.semantic.names import INTRINSICS
from nrn_diff.runtime import load_module

ROOT = Path(__file__).resolve().parent.parent
SECONDS, MEGABYTES = 20, 1500
# builtins that the emitter itself prints
BUILTINS = {"tuple", "True", "None"}


def translated(text):
    """The source, or None if the text is refused; anything else but the translator's own errors is a failure."""
    try:
        return mod_translator.translate(text).source
    except TranslationError:
        return None


def assert_is_harmless(source):
    """The module holds the statements that the emitter prints, and no name, attribute or text from elsewhere."""
    tree = ast.parse(source)
    allowed = (ast.Expr, ast.ImportFrom, ast.Assign, ast.FunctionDef, ast.Return, ast.If)
    for node in ast.walk(tree):
        assert not isinstance(node, ast.stmt) or isinstance(node, allowed), ast.dump(node)
        assert not isinstance(node, ast.Attribute | ast.Await | ast.Yield | ast.NamedExpr | ast.JoinedStr)
        if isinstance(node, ast.ImportFrom):
            assert node.module == "nrn_diff.runtime"
        if isinstance(node, ast.Expr):
            assert isinstance(node.value, ast.Constant)
            assert isinstance(node.value.value, str)
    imported = {a.name for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) for a in n.names}
    defined = {n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)}
    called = {n.func.id for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
    assert called <= imported | defined | BUILTINS
    assert all(isinstance(n.func, ast.Name) for n in ast.walk(tree) if isinstance(n, ast.Call))
    assert defined - set(ENTRY_POINTS) == {n for n in defined if n not in ENTRY_POINTS and n not in INTRINSICS}


def fuzz(seeds):
    """Translate the mutants of these seeds in a process that may not grow beyond bounds; how many translate."""
    # The peak that getrusage reports would not do: a child inherits that of the process that started it.
    resource.setrlimit(resource.RLIMIT_AS, (MEGABYTES << 20, resource.RLIM_INFINITY))
    count = 0
    for seed in seeds:
        text, start = mutant(seed), time.process_time()
        try:
            source = translated(text)
            if source is not None:
                count += 1
                assert_is_harmless(source)
        except Exception as error:
            raise AssertionError(f"mutant({seed}): {type(error).__name__}: {error}") from error
        assert time.process_time() - start < SECONDS, f"mutant({seed}) takes too long"
    return count


def in_a_process(first, count):
    """Fuzz in a process of its own: a crash of the parser is a failure too, and memory is counted from nothing."""
    code = f"import test_translator_fuzz as t; print(t.fuzz(range({first}, {first + count})))"
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    environment = {**os.environ, "PYTHONPATH": path, "NEURON_MODULE_OPTIONS": "-nogui"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return int(done.stdout.split()[-1])


def test_mutants_raise_nothing_but_the_translators_own_errors():
    assert in_a_process(0, 250) > 25


@pytest.mark.slow
def test_ten_thousand_mutants():
    assert in_a_process(1000, 10_000) > 1000


# what mutants have found, as the smallest text that shows it
FOUND = {
    "PARAMETER { p = 2.1e4003 }": "S118",
    "CONSTANT { p = 1e999 }": "S118",
    "UNITS { p = 1e999 (mV) }": "S118",
    "STATE { p FROM 0 TO 1 START 1e999 }": "S118",
    "DEFINE __class__ 3": "N101",  # NEURON's lexer would end the process
    "INITIAL { VERBATIM\nv = 1e999;\nENDVERBATIM\n}": "U158",
    "INITIAL { VERBATIM\nv = --7;\nENDVERBATIM\n}": "U158",
    "ASSIGNED { q[2] }\nINITIAL { FROM i = 0 TO 9999 { q[i] = v q[i+1] = q[i] } }": "S136",
    # read by nothing but the bounds of a TABLE
    "NEURON { GLOBAL p }\nPARAMETER { p = 9 }\nASSIGNED { q }\nINITIAL { f(v) p = q }\nBREAKPOINT { f(v) }\n"
    "PROCEDURE f(x) { TABLE q FROM 0 TO p WITH 9 q = x }": "U172",
}


@pytest.mark.parametrize("text", FOUND)
def test_what_mutants_have_found_is_refused(text):
    report = mod_translator.check(f"NEURON {{ SUFFIX x }}\nASSIGNED {{ v }}\n{text}\n")
    assert FOUND[text] in {error.code for error in report.errors}
    assert len(report.errors) < 5


def test_an_array_of_which_a_procedure_assigns_a_part_before_all_of_it_is_assigned():
    part = "PROCEDURE part() { a[1] = 5 a[2] = 6 }"
    text = (
        f"NEURON {{ SUFFIX x }}\nASSIGNED {{ a[3] }}\nINITIAL {{ part() a[0] = 1 a[1] = 2 a[2] = a[2] + 1 }}\n{part}\n"
    )
    made = load_module(mod_translator.translate(text).source, "x")
    np.testing.assert_array_equal(np.asarray(made.initial(a=np.zeros(3))["a"]), [1.0, 2.0, 7.0])


LARGE = {
    "brackets": ("INITIAL { v = " + "(" * 9999 + "1" + ")" * 9999 + " }", "U193"),
    "signs": ("INITIAL { v = " + "-" * 9999 + "1 }", "U193"),
    "branches": ("INITIAL { " + "if (v > 0) {" * 3000 + "v = 1" + "}" * 3000 + " }", "U193"),
    "else if": ("INITIAL { " + "if (v > 0) { v = 1 } else " * 900 + "{ v = 2 } }", "U193"),
    "a sum": ("INITIAL { v = " + "+".join(["v"] * 900) + " }", "U193"),
    "a long sum": ("INITIAL { v = " + "+".join(["v"] * 9000) + " }", "U194"),
    "statements": ("INITIAL { " + "v = 1\n" * 17_000 + " }", "U194"),
    "spaces": (" " * 3_000_000 + "INITIAL { v = 1 }", "U194"),
    "a name": ("PARAMETER { " + "a" * 99_999 + " = 1 }", "U194"),
    "a number": ("INITIAL { v = " + "9" * 9999 + " }", "U194"),
    "an INCLUDE in itself": ('INCLUDE "self.inc"', "N103"),
    "INCLUDE twice in each": ('INCLUDE "x0.inc"', "U194"),
    "a folder": ('INCLUDE "folder.inc"', "N104"),
    "a device": ('INCLUDE "/dev/zero"', "N104"),
    "a link to itself": ('INCLUDE "loop.inc"', "N104"),
    "passwords": ('INCLUDE "/etc/passwd"', "N101"),
}


@pytest.mark.long
@pytest.mark.parametrize("name", LARGE)
def test_what_is_too_large_or_nested_is_refused_at_once(name, tmp_path):
    (tmp_path / "self.inc").write_text('INCLUDE "self.inc"\n')
    (tmp_path / "folder.inc").mkdir()
    (tmp_path / "loop.inc").symlink_to("loop.inc")
    for k in range(22):
        (tmp_path / f"x{k}.inc").write_text(f'INCLUDE "x{k + 1}.inc"\nINCLUDE "x{k + 1}.inc"\n')
    (tmp_path / "x22.inc").write_text("ASSIGNED { q }\n")
    text, code = LARGE[name]
    start = time.process_time()
    report = mod_translator.check(f"NEURON {{ SUFFIX x }}\nASSIGNED {{ v }}\n{text}\n", [tmp_path])
    assert [error.code for error in report.errors] == [code]
    assert time.process_time() - start < 5


def test_calls_that_double_sixty_times_are_followed_once():
    calls = "".join(f"FUNCTION f{k}(x) {{ f{k} = f{k + 1}(x) + f{k + 1}(x) }}\n" for k in range(60))
    text = f"NEURON {{ SUFFIX x }}\nASSIGNED {{ v }}\nINITIAL {{ v = f0(1) }}\n{calls}FUNCTION f60(x) {{ f60 = x }}\n"
    assert mod_translator.check(text).ok


HOSTILE = """
TITLE {quote}{quote}{quote} + __import__('os').system('true') #
NEURON {{ SUFFIX {suffix} RANGE {name}, lambda, class_ NONSPECIFIC_CURRENT i }}
UNITS {{ (mV) = (millivolt) }}
PARAMETER {{ {name} = 2 ({quote}mV) lambda = 3 class_ = 4 }}
ASSIGNED {{ v i }}
STATE {{ None_ }}
BREAKPOINT {{ SOLVE s METHOD cnexp i = {name}*lambda*class_*None_*v*import(v) }}
DERIVATIVE s {{ None_' = -None_/{name} }}
FUNCTION import(x) {{ LOCAL def, jnp, where, guard def = x jnp = 2 where = 3 guard = 4 import = def*jnp*where*guard }}
"""
NAMES = ("__import__", "__builtins__", "__class__", "eval", "exec", "open", "jax", "nrn_diff", "when", "self", "exp_")


@pytest.mark.parametrize("name", NAMES)
def test_hostile_names_stay_names(name):
    for quote, suffix in (("'", "x"), ('"', "x"), ("\\", "x"), ("", name)):
        source = translated(HOSTILE.format(name=name, quote=quote, suffix=suffix))
        if source is not None:
            assert_is_harmless(source)
    plain = HOSTILE.replace("{quote}{quote}{quote} + ", "").replace("{quote}", "")
    source = translated(plain.format(name=name, suffix="x"))
    if name.startswith("_"):  # no name for NEURON's own parser
        assert source is None
    else:
        assert source is not None
        assert_is_harmless(source)


@pytest.mark.parametrize(
    "name", ["x;import os", "x\nimport os", "é", "x\u2028y", "𝐱", "x\x00", "x'", 'x"', "x)", "x#", "x\\", "x\r"]
)
def test_what_is_no_name_is_refused_or_read_as_what_nmodl_says(name):
    for text in (
        "NEURON { SUFFIX %s }\nSTATE { m }\nINITIAL { m = 1 }\n",
        "NEURON { SUFFIX x }\nSTATE { %s }\nINITIAL { m = 1 }\n",
        "TITLE %s\nNEURON { SUFFIX x }\nSTATE { m }\nINITIAL { m = 1 }\n",
        "NEURON { SUFFIX x }\nPARAMETER { p = 1 (%s) }\nSTATE { m }\nINITIAL { m = p }\n",
    ):
        source = translated(text % name)
        if source is not None:
            assert_is_harmless(source)


def test_the_text_is_the_same_whatever_the_hash_seed():
    code = (
        "import hashlib, sys, mod_translator\n"
        "from mutants import SEEDS\n"
        "from mod_translator.errors import TranslationError\n"
        "digest = hashlib.sha256()\n"
        "for path in SEEDS[::2]:\n"
        "    try: digest.update(mod_translator.translate(path.read_text()).source.encode())\n"
        "    except TranslationError as error: digest.update(str(error).encode())\n"
        "print(digest.hexdigest())\n"
    )
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    found = set()
    for seed in ("0", "4711"):
        environment = {**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": seed, "NEURON_MODULE_OPTIONS": "-nogui"}
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        found.add(done.stdout.split()[-1])
    assert len(found) == 1
    assert found != {hashlib.sha256().hexdigest()}
    assert len(SEEDS) > 20


def test_a_scheme_of_eighty_states_translates_in_seconds():
    states = " ".join(f"s{k}" for k in range(80))
    steps = "\n".join(f"~ s{k} <-> s{k + 1} (exp(v/{k + 9}), {k}.5)" for k in range(79))
    text = (
        f"NEURON {{ SUFFIX big RANGE a }}\nASSIGNED {{ v a }}\nSTATE {{ {states} }}\n"
        "BREAKPOINT { SOLVE k METHOD sparse a = s79 }\nINITIAL { s0 = 1 }\n"
        f"KINETIC k {{\n{steps}\nCONSERVE {' + '.join(states.split())} = 1 }}\n"
    )
    start = time.process_time()
    source = translated(text)
    assert source is not None
    assert time.process_time() - start < 5
    assert_is_harmless(source)
