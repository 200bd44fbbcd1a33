"""The parity page is the one that code and rows make, and its tests exist."""

import ast
import re
from pathlib import Path

import pytest

import mod_translator
from nrn_diff.parity.neuron import NEURON
from nrn_diff.parity.nmodl import NMODL
from nrn_diff.parity.page import REFUSALS, page, verdict
from nrn_diff.parity.rows import Construct, Feature, Status

ROOT = Path(__file__).resolve().parent.parent
CONSTRUCTS = [row for rows in NMODL.values() for row in rows]
FEATURES = [row for rows in NEURON.values() for row in rows]

# What no text can reach: the parser knows no other expressions; events are refused before anything is printed;
# U201 to U203 are of HOC channels (test_kschan.py).
NOT_FROM_TEXT = {"U201", "U202", "U203", "U190", "U195"}


def test_the_page_is_the_one_that_is_generated():
    written = (ROOT / "docs" / "parity.md").read_text(encoding="utf-8")
    assert written == page(), "out of date: run python -m nrn_diff.parity"


def test_every_test_that_is_named_exists():
    named = {test for row in (*CONSTRUCTS, *FEATURES) for test in row.tests} | {REFUSALS}
    known = set()
    for file in (ROOT / "tests").glob("test_*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        known |= {f"{file.name}::{node.name}" for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert named <= known, sorted(named - known)


def test_every_refusal_of_the_translator_has_a_row():
    package = Path(mod_translator.__file__).parent
    written = {c for p in package.rglob("*.py") for c in re.findall(r'"(U\d{3})"', p.read_text(encoding="utf-8"))}
    shown = {code for row in CONSTRUCTS for code in verdict(row.text)[1]}
    assert written - NOT_FROM_TEXT == shown, "add a row to nrn_diff/parity/nmodl.py, or remove one"


@pytest.mark.parametrize("row", CONSTRUCTS, ids=lambda row: row.feature)
def test_a_construct_that_translates_names_the_tests_behind_it(row):
    status, codes = verdict(row.text)
    if status is Status.SAME:
        assert row.tests, "it translates now: name the tests that compare it with NEURON"
    else:
        # One row, one reason; and not a text that is merely wrong.
        assert len(codes) == 1
        assert codes[0].startswith("U"), mod_translator.check(row.text)
        assert not row.tests, "it is refused: the tests named cannot be behind it"


@pytest.mark.parametrize("row", FEATURES, ids=lambda row: row.feature)
def test_a_feature_names_its_tests_or_says_that_there_is_none(row):
    assert row.tests or row.remark.startswith("no test")


def test_verdict_comes_from_the_translator():
    assert verdict("NEURON { SUFFIX x }\nSTATE { m }\n") == (Status.SAME, ())
    assert verdict("NEURON { SUFFIX x }\nSTATE { m }\nINITIAL { m@1 = m }\n") == (Status.REFUSED, ("U192",))


def test_the_page_shows_status_code_tests_and_remark():
    text = page(
        {"A": [Construct("hoc", "NEURON { SUFFIX x }\nSTATE { m }\nINITIAL { m@1 = m }\n", (), "why")]},
        {"B": [Feature("seen by none", Status.UNSEEN, ("test_x.py::test_y",), "mind it")]},
    )
    head = "### A\n\n| feature | status | tested by | remark |\n|---|---|---|---|\n"
    assert f"{head}| hoc | refused (U192) | `{REFUSALS}` | why |" in text
    assert "| seen by none | **not seen** | `test_x.py::test_y` | mind it |" in text
