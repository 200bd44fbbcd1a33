"""From text to positions: comments, INCLUDE, strange characters, and the messages that point at a place."""

from __future__ import annotations

import pytest

import mod_translator
from mod_translator import ir
from mod_translator.syntax.source import Source, decode

HEAD = "NEURON { SUFFIX x RANGE a }\nASSIGNED { a b v }\n"


def first_error(text, **options):
    return mod_translator.check(text, **options).errors[0]


def test_comments_of_every_kind_are_skipped():
    text = (
        "TITLE nothing : and COMMENT in it\n"
        "COMMENT\n NEURON { SUFFIX no }\n ENDCOMMENT\n"
        "NEURON { SUFFIX yes : colon { \n ? question mark {\n REPRESENTS NCIT:C17145 : real\n}\n"
        "ASSIGNED { a : }\n}\nINITIAL { a = 1 } : COMMENT\n"
    )
    mechanism, report = mod_translator.lower(text)
    assert report.ok, str(report)
    assert (mechanism.name, mechanism.title) == ("yes", "nothing : and COMMENT in it")
    assert mechanism.initial.body[0].loc == ir.Loc(11, 11)


@pytest.mark.parametrize("word", ["COMMENT", "VERBATIM"])
def test_a_comment_that_is_never_closed_is_one_clear_error(word):
    error = first_error(HEAD + f"{word}\nanything\n")
    assert (error.code, error.line) == ("N102", 3)


def test_syntax_error_shows_the_users_line_with_a_caret():
    error = first_error("NEURON { SUFFIX x }\nASSIGNED { a }\nINITIAL {\n\tif (a > 0) { a = = 3 }\n}\n", file="k.mod")
    assert isinstance(error, mod_translator.NmodlSyntaxError)
    assert (error.file, error.line, error.column) == ("k.mod", 4, 19)
    line, caret = error.caret.split("\n")
    assert line[caret.index("^")] == "="
    assert "k.mod:4:19" in str(error)
    assert "_at" not in str(error)


def test_end_of_file_inside_a_block():
    assert first_error("NEURON { SUFFIX x }\nINITIAL { a = 1\n").code == "N101"


def test_empty_text_is_an_error():
    for text in ("", "\n\n", ": only a comment\n"):
        assert first_error(text).code == "N100"


def test_names_that_look_like_the_marks_survive():
    text = "NEURON { SUFFIX x RANGE a_at1_, b_at1_1_ }\nASSIGNED { a_at1_ b_at1_1_ }\nINITIAL { a_at1_ = b_at1_1_ }\n"
    mechanism, report = mod_translator.lower(text)
    assert report.ok, str(report)
    assert mechanism.initial.body[0] == ir.Assign(ir.Var("a_at1_"), ir.Var("b_at1_1_"), ir.Loc(3, 11))


def test_large_integers_keep_their_value():
    mechanism, _ = mod_translator.lower(HEAD + "INITIAL { a = 10000000000 }\n")
    assert mechanism.initial.body[0].value.value == 1e10


def test_windows_line_ends_and_tabs():
    mechanism, report = mod_translator.lower((HEAD + "INITIAL {\n\ta = 1\n}\n").replace("\n", "\r\n"))
    assert report.ok
    assert mechanism.initial.body[0].loc == ir.Loc(4, 2)


def test_bytes_that_are_not_utf8_are_latin1():
    assert decode("TITLE Purkinje, \u00e9t\u00e9".encode("latin-1")).endswith("\u00e9t\u00e9")
    report = mod_translator.check("TITLE \u00e9t\u00e9\n: 20 \u00b0C\n" + HEAD + "INITIAL { a = 1 }\n")
    assert report.ok


def test_a_character_that_nmodl_does_not_know():
    error = first_error(HEAD + "INITIAL { a = 1 \u00b1 2 }\n")
    assert (error.code, error.line) == ("N101", 3)


def test_operators_bind_as_in_c():
    mechanism, _ = mod_translator.lower(HEAD + "INITIAL { a = -b^2 + 3*b - 1 if (!a == b && a < b || b) { a = 0 } }\n")
    value, branch = mechanism.initial.body[0].value, mechanism.initial.body[1].condition
    assert value.left.left == ir.Unary("-", ir.Binary("^", ir.Var("b"), ir.Num(2.0, "2")))
    assert branch.op == "||"
    assert branch.left.left == ir.Binary("==", ir.Unary("!", ir.Var("a")), ir.Var("b"))


# ------------------------------------------------------------------------------------------------------- INCLUDE


def test_include_is_found_beside_the_file_and_in_the_given_folders(tmp_path):
    (tmp_path / "one.inc").write_text("PARAMETER { p = 2 }\n")
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "two.inc").write_text("FUNCTION f(x) { f = x*p }\n")
    text = 'NEURON { SUFFIX x RANGE a }\nASSIGNED { a }\nINCLUDE "one.inc"\nINCLUDE "two.inc"\nINITIAL { a = f(1) }\n'
    file = tmp_path / "x.mod"
    mechanism, report = mod_translator.lower(text, [tmp_path / "more"], str(file))
    assert report.ok, str(report)
    assert mechanism.initial.body[0].loc == ir.Loc(5, 11)
    assert mechanism.symbols["p"].loc == ir.Loc(3, 1)


def test_errors_inside_an_include_name_that_file(tmp_path):
    (tmp_path / "bad.inc").write_text("FUNCTION f(x) {\n  f = x*nobody\n}\n")
    text = HEAD + 'INCLUDE "bad.inc"\nINITIAL { a = f(1) }\n'
    (error,) = mod_translator.check(text, [tmp_path]).errors
    assert (error.code, error.line, error.column) == ("S133", 2, 9)
    assert error.file.endswith("bad.inc")
    assert error.source_line == "  f = x*nobody"


def test_a_missing_include_is_one_clear_error(tmp_path):
    report = mod_translator.check(HEAD + 'INCLUDE "nowhere.inc"\n', [tmp_path])
    (error,) = report.errors
    assert isinstance(error, mod_translator.IncludeError)
    assert (error.code, error.line) == ("N104", 3)
    assert "nowhere.inc" in error.reason
    assert str(tmp_path) in error.reason


def test_an_include_that_includes_itself(tmp_path):
    (tmp_path / "self.inc").write_text('INCLUDE "self.inc"\n')
    assert first_error(HEAD + 'INCLUDE "self.inc"\n', include_dirs=[tmp_path]).code == "N103"


def test_positions_survive_any_layout():
    spread = "NEURON {\n SUFFIX\n x RANGE a\n}\nASSIGNED { a b v }\nINITIAL\n{\n  a\n =\n 1 +\n  nobody }\n"
    error = first_error(spread)
    assert (error.line, error.column) == (11, 3)


def test_tokens_know_where_they_stand():
    source = Source("A { bc\n  def }")
    assert [(t.text, t.line, t.column) for t in source.tokens] == [
        ("A", 1, 1),
        ("{", 1, 3),
        ("bc", 1, 5),
        ("def", 2, 3),
        ("}", 2, 7),
    ]
